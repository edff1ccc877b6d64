// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A source on top of another: what the model changed, and below that the base's facts. What was changed is a tree of its own, by paths
 * without links; a node with an error hides what the base has there, a directory marked so hides what the base has in it.
 *
 * Links lead from one to the other, so a path is followed one name at a time through both. What the base said of a name is kept, or
 * every read would ask for each name above it.
 */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "model/internal.h"
#include "source/memtree.h"
#include "source/open.h"

#define MAX_LINKS 40
#define MAX_DEPTH 64

struct overlay {
	struct source source;
	struct source *base;
	struct model *m; /* NULL: gone */
	struct memtree upper;
	struct memtree seen;	/* what the base has: links, and all else as directories */
	struct memtree touched; /* every name in a changed path */
	bool changed;
	struct json_object *ownership; /* as the model left it when it went */
};

static const char opaque[] = "opaque";

static bool is_hidden(const struct mem_node *n)
{
	return n->err != 0;
}

static bool is_opaque(const struct mem_node *n)
{
	return n->kind == MEM_DIR && n->data;
}

/* -- changing ----------------------------------------------------------------------------------------------------- */

static void touch(struct overlay *o, const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");
		char name[256];

		if (len < sizeof(name)) {
			memcpy(name, path, len);
			name[len] = '\0';
			memtree_make(&o->touched, o->touched.root, name);
		}
		path += len;
		path += strspn(path, "/");
	}
	o->changed = true;
}

/* The node, with hidden directories on the way made anew: empty, as far as the base goes. */
static struct mem_node *make(struct overlay *o, const char *path)
{
	struct mem_node *n = o->upper.root;

	touch(o, path);
	while (*path) {
		size_t len = strcspn(path, "/");
		char name[256];

		if (is_hidden(n)) {
			n->err = 0;
			n->data = opaque;
		}
		if (len >= sizeof(name))
			len = sizeof(name) - 1;
		memcpy(name, path, len);
		name[len] = '\0';
		n = memtree_make(&o->upper, n, name);
		path += strcspn(path, "/");
		path += strspn(path, "/");
	}
	return n;
}

void overlay_bytes(struct overlay *o, const char *path, const void *data, size_t len)
{
	struct mem_node *n = make(o, path);

	memtree_set(&o->upper, n, MEM_FILE, data, len);
	n->err = 0;
}

void overlay_file(struct overlay *o, const char *path, const char *text)
{
	overlay_bytes(o, path, text, strlen(text));
}

void overlay_link(struct overlay *o, const char *path, const char *target)
{
	struct mem_node *n = make(o, path);

	memtree_set(&o->upper, n, MEM_LINK, target, strlen(target));
	n->err = 0;
}

void overlay_dir(struct overlay *o, const char *path)
{
	struct mem_node *n = make(o, path);

	if (is_hidden(n) || n->kind != MEM_DIR) {
		n->data = opaque;
		n->len = 0;
	}
	n->kind = MEM_DIR;
	n->err = 0;
}

static void hide_below(struct mem_node *n)
{
	for (n = n->child; n; n = n->next) {
		n->err = -ENOENT;
		hide_below(n);
	}
}

void overlay_remove(struct overlay *o, const char *path)
{
	struct mem_node *n = make(o, path);

	n->err = -ENOENT;
	hide_below(n);
}

static void show_below(struct mem_node *n)
{
	n->err = 0;
	for (n = n->child; n; n = n->next)
		show_below(n);
}

void overlay_show(struct overlay *o, const char *path)
{
	struct mem_node *n = memtree_peek(&o->upper, o->upper.root, path);

	if (n)
		show_below(n);
}

/* -- following ------------------------------------------------------------------------------------------------------ */

/* Where a path has led to so far. */
struct walk {
	struct overlay *o;
	char path[SRC_PATH_MAX]; /* without links */
	struct {
		size_t len;	    /* of the path up to here */
		struct mem_node *n; /* in the upper tree; NULL: nothing there */
		bool base;	    /* the base counts here */
	} at[MAX_DEPTH];
	size_t depth;
	int links;
	bool lost; /* the base does not know a name: it is to answer for the whole path, which decides what kind of absence it is */
};

/* What the base has at the walk's path: 1 a link, whose text is in @buf; 0 something else, or nothing. */
static int base_link(struct walk *w, char *buf, size_t size)
{
	struct mem_node *n = memtree_peek(&w->o->seen, w->o->seen.root, w->path);
	int r;

	if (n && n->kind == MEM_DIR)
		return 0;
	if (n) {
		if (n->len >= size)
			return -ENAMETOOLONG;
		memcpy(buf, n->data, n->len + 1);
		return 1;
	}
	r = w->o->base->ops->readlink(w->o->base, w->path, buf, size);
	if (r < 0 && r != -EINVAL)
		return r;
	n = memtree_make(&w->o->seen, w->o->seen.root, w->path);
	if (r == 0)
		memtree_set(&w->o->seen, n, MEM_LINK, buf, strlen(buf));
	return r == 0;
}

static int follow(struct walk *w, const char *path, bool last_too, char *link, size_t size);

/* A name below where the walk is. @link gets the text of a link that is not followed. */
static int step(struct walk *w, const char *name, size_t len, bool may_follow, char *link, size_t size)
{
	size_t at = w->at[w->depth].len, d = w->depth + 1;
	struct mem_node *up = w->at[w->depth].n, *n;
	char text[SRC_PATH_MAX];
	int r = 0;

	if (len == 1 && *name == '.')
		return 0;
	if (len == 2 && !memcmp(name, "..", 2)) {
		if (!w->depth)
			return -EXDEV;
		w->depth--;
		w->path[w->at[w->depth].len] = '\0';
		return 0;
	}
	if (d >= MAX_DEPTH || at + len + 2 > sizeof(w->path))
		return -ENAMETOOLONG;
	if (at)
		w->path[at++] = '/';
	memcpy(w->path + at, name, len);
	w->path[at + len] = '\0';
	n = up && !w->lost ? memtree_peek(&w->o->upper, up, w->path + at) : NULL;
	if (n && is_hidden(n))
		return -ENOENT;
	if (w->lost) {
		r = 0;
	} else if (n && n->kind == MEM_LINK) {
		pathf(text, sizeof(text), "%s", n->data);
		r = 1;
	} else if (w->at[w->depth].base && !(n && n->kind == MEM_FILE)) {
		r = base_link(w, text, sizeof(text));
		/* what the upper tree has is there whatever the base lacks */
		w->lost = r < 0 && !n;
		r = MAX(r, 0);
	} else if (!n) {
		r = -ENOENT;
	}
	if (r < 0)
		return r;
	if (r == 1 && may_follow) {
		w->path[w->at[w->depth].len] = '\0';
		if (++w->links > MAX_LINKS)
			return -ELOOP;
		return *text == '/' ? -EXDEV : follow(w, text, true, NULL, 0);
	}
	w->at[d].len = at + len;
	w->at[d].n = n;
	w->at[d].base = w->at[w->depth].base && !(n && (n->kind != MEM_DIR || is_opaque(n)));
	w->depth = d;
	if (r == 1 && link)
		pathf(link, size, "%s", text);
	return r == 1 && link && !*link ? -ENAMETOOLONG : 0;
}

static int follow(struct walk *w, const char *path, bool last_too, char *link, size_t size)
{
	int r = 0;

	while (r == 0 && *path) {
		size_t len = strcspn(path, "/");
		bool last = !path[len + strspn(path + len, "/")];

		r = step(w, path, len, last_too || !last, last ? link : NULL, size);
		path += len;
		path += strspn(path, "/");
	}
	return r;
}

static int walk(struct overlay *o, struct walk *w, const char *path, bool last_too, char *link, size_t size)
{
	if (!path_fits(path))
		return -ENAMETOOLONG;
	w->o = o;
	w->path[0] = '\0';
	w->depth = 0;
	w->links = 0;
	w->lost = false;
	w->at[0].len = 0;
	w->at[0].n = o->upper.root;
	w->at[0].base = true;
	return follow(w, path, last_too, link, size);
}

int overlay_real(struct overlay *o, const char *path, char *ret, size_t size)
{
	struct walk w;
	int r = walk(o, &w, path, true, NULL, 0);

	if (r < 0)
		return r;
	if (!w.at[w.depth].n && !source_exists(o->base, w.path))
		return -ENOENT;
	pathf(ret, size, "%s", w.path);
	return *ret ? 0 : -ENAMETOOLONG;
}

/* -- what changes by itself: a unit's domains in use ------------------------------------------------------------------ */

#define DOMAINS_USED "/intel-iommu/domains_used"

static const struct munit *unit_of_path(const struct overlay *o, const char *path)
{
	const struct munit *u = o->m && strends(path, DOMAINS_USED) ? o->m->units : NULL;
	size_t len;

	for (; u; u = u->next) {
		size_t n = strlen(u->name);

		len = strlen(path) - strlen(DOMAINS_USED);
		if (u->facts && len > n && !strncmp(path + len - n, u->name, n) && path[len - n - 1] == '/')
			return u;
	}
	return NULL;
}

/* The base's number, moved by as much as the model's has moved. */
static size_t adjust_domains(const struct overlay *o, const char *path, char *buf, size_t cap, size_t len)
{
	const struct munit *u = unit_of_path(o, path);
	char text[32];
	long v;

	if (!u || !len || len >= sizeof(text) || len > cap)
		return len;
	memcpy(text, buf, len);
	text[len] = '\0';
	v = strtol(text, NULL, 10) + (long)facts_domains(o->m, u) - (long)u->domains;
	len = snprintf(text, sizeof(text), "%ld\n", MAX(v, 0));
	memcpy(buf, text, MIN(len, cap));
	return len;
}

/* -- reading ---------------------------------------------------------------------------------------------------------- */

static int overlay_read(struct source *s, const char *path, void *buf, size_t cap, size_t *ret_len)
{
	struct overlay *o = (struct overlay *)s;
	struct mem_node *n;
	struct walk w;
	int r;

	if (!o->changed)
		return o->base->ops->read(o->base, path, buf, cap, ret_len);
	r = walk(o, &w, path, true, NULL, 0);
	if (r < 0)
		return r;
	n = w.at[w.depth].n;
	if (!n || (n->kind == MEM_DIR && w.at[w.depth].base)) {
		r = o->base->ops->read(o->base, w.path, buf, cap, ret_len);
		if (r == 0)
			*ret_len = adjust_domains(o, w.path, buf, cap, *ret_len);
		return r;
	}
	if (n->kind != MEM_FILE)
		return -EISDIR;
	memcpy(buf, n->data, MIN(n->len, cap));
	*ret_len = adjust_domains(o, w.path, buf, cap, n->len);
	return 0;
}

static int overlay_readlink(struct source *s, const char *path, char *buf, size_t cap)
{
	struct overlay *o = (struct overlay *)s;
	char text[SRC_PATH_MAX] = "";
	struct walk w;
	int r;

	if (!o->changed)
		return o->base->ops->readlink(o->base, path, buf, cap);
	r = walk(o, &w, path, false, text, sizeof(text));
	if (r < 0)
		return r;
	if (!*text) /* no link; why not, the base says where it can */
		return w.at[w.depth].n ? -EINVAL : o->base->ops->readlink(o->base, w.path, buf, cap);
	if (strlen(text) >= cap)
		return -ENAMETOOLONG;
	strcpy(buf, text);
	return 0;
}

static bool upper_has(struct overlay *o, struct mem_node *dir, const char *name)
{
	return dir && memtree_peek(&o->upper, dir, name);
}

static int overlay_list(struct source *s, const char *path, struct arena *a, struct src_list *ret)
{
	struct overlay *o = (struct overlay *)s;
	struct src_list l = { 0 };
	struct mem_node *dir, *n;
	struct src_entry *v;
	struct walk w;
	size_t count = 0;
	int r;

	if (!o->changed)
		return o->base->ops->list(o->base, path, a, ret);
	r = walk(o, &w, path, true, NULL, 0);
	if (r < 0)
		return r;
	dir = w.at[w.depth].n;
	if (dir && dir->kind != MEM_DIR)
		return -ENOTDIR;
	if (w.at[w.depth].base)
		r = o->base->ops->list(o->base, w.path, a, &l);
	if (r < 0 && !dir)
		return r;
	for (n = dir ? dir->child : NULL; n; n = n->next)
		count++;
	v = arena_array(a, struct src_entry, l.n + count + 1);
	count = 0;
	for (size_t i = 0; r == 0 && i < l.n; i++)
		if (!upper_has(o, dir, l.v[i].name))
			v[count++] = l.v[i];
	for (n = dir ? dir->child : NULL; n; n = n->next)
		if (!is_hidden(n))
			v[count++] = (struct src_entry){ .name = arena_strdup(a, n->name), .is_link = n->kind == MEM_LINK,
							 .is_dir = n->kind == MEM_DIR };
	*ret = (struct src_list){ .v = v, .n = count };
	return 0;
}

static bool overlay_exists(struct source *s, const char *path)
{
	struct overlay *o = (struct overlay *)s;
	struct walk w;
	int r;

	if (!o->changed)
		return source_exists(o->base, path);
	r = walk(o, &w, path, true, NULL, 0);
	if (r == -EACCES || r == -EPERM)
		return true;
	if (r < 0)
		return false;
	return w.at[w.depth].n || source_exists(o->base, w.path);
}

/* -- many at once: the base's way for those that nothing has changed about ----------------------------------------- */

struct split {
	const char **names;
	size_t *at; /* the untouched ones' places */
	size_t n;
};

static struct split untouched(struct overlay *o, const char *base, const char *const *names, size_t n, struct arena *a)
{
	struct split s = { arena_array(a, const char *, n + 1), arena_array(a, size_t, n + 1), 0 };
	struct walk w;
	bool plain;

	/* the directory itself may be ours */
	plain = walk(o, &w, base, true, NULL, 0) == 0 && w.at[w.depth].base;
	for (size_t i = 0; plain && i < n; i++) {
		if (o->changed && memtree_peek(&o->touched, o->touched.root, names[i]))
			continue;
		s.names[s.n] = names[i];
		s.at[s.n++] = i;
	}
	return s;
}

#define EACH(type, call_base, one)                                                               \
	do {                                                                                                     \
		struct overlay *o = (struct overlay *)s;                                                         \
		struct split sp = untouched(o, base, names, n, a);                                               \
		type *v = arena_array(a, type, sp.n + 1);                                                        \
                                                                                                                 \
		for (size_t i = 0; i < n; i++)                                                                   \
			ret[i] = (type){ .err = 1 };                                                             \
		call_base;                                                                                       \
		for (size_t i = 0; i < sp.n; i++)                                                                \
			ret[sp.at[i]] = v[i];                                                                    \
		for (size_t i = 0; i < n; i++) {                                                                 \
			char path[SRC_PATH_MAX];                                                                 \
                                                                                                                 \
			if (ret[i].err != 1)                                                                     \
				continue;                                                                        \
			PATHF(path, "%s/%s/%s", base, names[i], file);                                           \
			one;                                                                                     \
		}                                                                                                \
	} while (0)

static void read_one(struct source *s, const char *path, size_t cap, struct arena *a, struct src_blob *ret)
{
	_cleanup_free_ char *buf = must_malloc(cap + 1);
	size_t len;

	ret->err = source_read(s, path, buf, cap, &len);
	if (!ret->err)
		*ret = (struct src_blob){ .data = arena_memdup(a, buf, len), .len = len };
}

static void overlay_read_each(struct source *s, const char *base, const char *const *names, size_t n, const char *file,
			      size_t cap, struct arena *a, struct src_blob *ret)
{
	EACH(struct src_blob, source_read_each(o->base, base, sp.names, sp.n, file, cap, a, v),
	     read_one(s, path, cap, a, &ret[i]));
}

static void readlink_one(struct source *s, const char *path, struct arena *a, struct src_blob *ret)
{
	char text[SRC_PATH_MAX];

	ret->err = s->ops->readlink(s, path, text, sizeof(text));
	if (!ret->err)
		*ret = (struct src_blob){ .data = arena_strdup(a, text), .len = strlen(text) };
}

static void overlay_readlink_each(struct source *s, const char *base, const char *const *names, size_t n,
				  const char *file, struct arena *a, struct src_blob *ret)
{
	EACH(struct src_blob, source_readlink_each(o->base, base, sp.names, sp.n, file, a, v),
	     readlink_one(s, path, a, &ret[i]));
}

static void overlay_list_each(struct source *s, const char *base, const char *const *names, size_t n, const char *file,
			      struct arena *a, struct src_dir *ret)
{
	EACH(struct src_dir, source_list_each(o->base, base, sp.names, sp.n, file, a, v),
	     ret[i].err = s->ops->list(s, path, a, &ret[i].list));
}

/* -- sections, and the end ---------------------------------------------------------------------------------------------- */

static int overlay_section(struct source *s, struct ctx *ctx, enum source_section which, struct json_object **ret)
{
	struct overlay *o = (struct overlay *)s;

	if (which == SECTION_HOLDERS && o->m && facts_has_holders(o->m))
		return facts_holders(o->m, ctx, ret);
	if (which != SECTION_OWNERSHIP || !o->changed)
		return source_section(o->base, ctx, which, ret);
	if (o->m)
		return facts_ownership(o->m, ret);
	*ret = json_object_get(o->ownership);
	return *ret ? 0 : -ENOTCAPTURED;
}

void overlay_mark(struct overlay *o)
{
	o->changed = true;
}

void overlay_detach(struct overlay *o)
{
	if (o->changed && facts_ownership(o->m, &o->ownership) < 0)
		o->ownership = NULL;
	o->m = NULL;
}

static void overlay_close(struct source *s)
{
	struct overlay *o = (struct overlay *)s;

	if (o->m)
		o->m->overlay = NULL;
	json_object_put(o->ownership);
	memtree_free(&o->upper);
	memtree_free(&o->seen);
	memtree_free(&o->touched);
}

#define OVERLAY_OPS(k)                                                                                           \
	{                                                                                                        \
		.kind = (k), .read = overlay_read, .readlink = overlay_readlink, .list = overlay_list,           \
		.read_each = overlay_read_each, .readlink_each = overlay_readlink_each,                          \
		.list_each = overlay_list_each, .exists = overlay_exists, .section = overlay_section,            \
		.close = overlay_close,                                                                          \
	}

/* The facts are of the same kind as the base's: what is asked of a running machine only is asked of it still. */
static const struct source_ops overlay_ops[] = {
	[SOURCE_LIVE] = OVERLAY_OPS(SOURCE_LIVE),
	[SOURCE_TREE] = OVERLAY_OPS(SOURCE_TREE),
	[SOURCE_SNAPSHOT] = OVERLAY_OPS(SOURCE_SNAPSHOT),
};

static char *copy(const char *s)
{
	return must_strdup(s);
}

struct source *overlay_new(struct model *m)
{
	struct overlay *o = must_calloc(1, sizeof(*o));

	o->source = (struct source){
		.ops = &overlay_ops[m->base->ops->kind],
		.name = copy(m->base->name),
		.hostname = copy(m->base->hostname),
		.boot_id = copy(m->base->boot_id),
	};
	o->base = m->base;
	o->m = m;
	memtree_init(&o->upper);
	memtree_init(&o->seen);
	memtree_init(&o->touched);
	m->overlay = o;
	return &o->source;
}
