// SPDX-License-Identifier: GPL-2.0-or-later
#include "snapshot/gather.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/json.h"
#include "base/str.h"
#include "snapshot/scrub.h"
#include "source/allow.h"
#include "source/capture.h"

/* The largest single file that is captured; modules and interrupts of large servers have a few MiB. */
#define FILE_MAX (8u << 20)

/* Deeper than any directory of sysfs: only a tree made to break us gets there. */
#define WALK_DEPTH 64

struct walk {
	struct ctx *ctx;
	struct source *src;
	const struct snapshot_options *opt;
	struct gathered *g;
	int depth;
};

static void add(struct gathered *g, enum item_kind kind, const char *path, const char *data, size_t len)
{
	*vec_push(&g->items) = (struct item){ .kind = kind, .path = arena_strdup(&g->arena, path), .data = data,
					      .len = len };
	g->dirs += kind == ITEM_DIR;
	g->files += kind == ITEM_FILE;
	g->links += kind == ITEM_LINK;
	g->bytes += len;
}

static void leave_out(struct gathered *g, const char *path, int err)
{
	/* gone since it was listed: the machine does not have it */
	if (err == -ENOENT || err == -ENOTDIR)
		return;
	*vec_push(&g->left_out) = (struct left_out){ .path = arena_strdup(&g->arena, path), .err = err };
}

/* Whether reading config space would wake the device that @path belongs to. */
static bool asleep(struct source *src, const char *path)
{
	char status[SRC_PATH_MAX], text[32];
	const char *slash = strrchr(path, '/');

	if (!source_is_live(src) || !slash)
		return false;
	PATHF(status, "%.*s/power/runtime_status", (int)(slash - path), path);
	if (source_read_attr(src, status, text, sizeof(text)) < 0)
		return false;
	return streq(text, "suspended") || streq(text, "suspending");
}

static void take_content(struct walk *w, const char *path, unsigned flags)
{
	struct gathered *g = w->g;
	char *data;
	size_t len;
	int r = source_read_all(w->src, path, FILE_MAX, &g->arena, &data, &len);

	if (r < 0) {
		leave_out(g, path, r);
		return;
	}
	if (flags & ALLOW_SCRUB && !w->opt->full)
		data = scrub_text(&g->arena, g->salt, data, &len);
	add(g, ITEM_FILE, path, data, len);
}

static void take_file(struct walk *w, const char *path, unsigned flags)
{
	if (flags & (ALLOW_LINKS | ALLOW_FOREIGN | ALLOW_OWN))
		return;
	if (flags & ALLOW_PRIVATE && !w->opt->full)
		return;
	if (flags & ALLOW_NODE)
		add(w->g, ITEM_FILE, path, "", 0);
	else if (flags & ALLOW_CONFIG && !w->opt->wake && asleep(w->src, path))
		leave_out(w->g, path, -ENOTCAPTURED);
	else
		take_content(w, path, flags);
}

static void take_link(struct walk *w, const char *path)
{
	char text[SRC_PATH_MAX];
	int r = source_readlink(w->src, path, text, sizeof(text));

	if (r < 0)
		leave_out(w->g, path, r);
	else
		add(w->g, ITEM_LINK, path, arena_strdup(&w->g->arena, text), strlen(text));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct src_entry *)a)->name, ((const struct src_entry *)b)->name);
}

static void walk(struct walk *w, const char *dir)
{
	struct arena a = { 0 };
	struct src_list l = { 0 };
	int r = w->depth < WALK_DEPTH ? source_list(w->src, dir, &a, &l) : -ELOOP;

	if (r < 0) {
		leave_out(w->g, dir, r);
		arena_free(&a);
		return;
	}
	add(w->g, ITEM_DIR, dir, NULL, 0);
	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), by_name);
	w->depth++;
	for (size_t i = 0; i < l.n; i++) {
		const struct allow_row *row;
		char path[SRC_PATH_MAX];

		if (snprintf(path, sizeof(path), "%s/%s", dir, l.v[i].name) >= SRC_PATH_MAX - 1) {
			leave_out(w->g, dir, -ENAMETOOLONG);
			continue;
		}
		if (l.v[i].is_dir) {
			if (allow_below(path))
				walk(w, path);
			continue;
		}
		row = allow_find(path);
		if (!row)
			continue;
		if (l.v[i].is_link)
			take_link(w, path);
		else
			take_file(w, path, row->flags);
	}
	w->depth--;
	arena_free(&a);
}

static bool walked(const char *dir)
{
	for (size_t i = 0; allow_tops[i]; i++)
		if (strstarts(dir, allow_tops[i]))
			return true;
	return false;
}

/* Files that the list names outright, in directories that are not worth a walk. Links among them are
 * followed: proc/mounts is one. */
static void take_named(struct walk *w)
{
	size_t n;
	const struct allow_row *rows = allow_rows(&n);

	for (size_t i = 0; i < n; i++) {
		if (strchr(rows[i].dir, '*') || walked(rows[i].dir))
			continue;
		for (const char *s = rows[i].names; *s; s += strspn(s, " ")) {
			size_t len = strcspn(s, " ");
			char path[SRC_PATH_MAX];

			PATHF(path, "%s/%.*s", rows[i].dir, (int)len, s);
			s += len;
			if (strchr(path, '*') || (rows[i].flags & ALLOW_NODE && !source_exists(w->src, path)))
				continue;
			if (rows[i].flags & ALLOW_LINKS)
				take_link(w, path);
			else
				take_file(w, path, rows[i].flags);
		}
	}
}

/* Files of the kernel that runs: its configuration, unless it tells by itself, and what is built in. */
static void take_kernel_files(struct walk *w)
{
	char release[128], path[SRC_PATH_MAX];

	if (source_read_attr(w->src, "proc/sys/kernel/osrelease", release, sizeof(release)) < 0 ||
	    strchr(release, '/'))
		return;
	if (!source_exists(w->src, "proc/config.gz")) {
		PATHF(path, "boot/config-%s", release);
		take_file(w, path, 0);
	}
	PATHF(path, "lib/modules/%s/modules.builtin", release);
	take_file(w, path, 0);
}

static void take_sections(struct walk *w)
{
	struct gathered *g = w->g;

	for (enum source_section s = 0; s < SECTION_MAX; s++) {
		struct json_object *doc = NULL;
		char path[SRC_PATH_MAX];
		const char *text;
		int r = source_section(w->src, w->ctx, s, &doc);

		PATHF(path, SNAPSHOT_DIR "/%s", source_section_file(s));
		/* not in this build, or not in the snapshot that we copy: not captured, by not being there */
		if (r == -EOPNOTSUPP || r == -ENOTCAPTURED)
			continue;
		if (r < 0) {
			leave_out(g, path, r);
			continue;
		}
		if (!w->opt->full)
			scrub_section(s, g->salt, doc);
		text = json_text(doc);
		add(g, ITEM_FILE, path, arena_strdup(&g->arena, text), strlen(text));
		*vec_push(&g->sections) = source_section_file(s);
		json_object_put(doc);
	}
}

void gather(struct ctx *ctx, struct source *src, const struct snapshot_options *opt, struct gathered *g)
{
	struct walk w = { .ctx = ctx, .src = src, .opt = opt, .g = g };

	*g = (struct gathered){ 0 };
	/* without randomness the pseudonyms are those of every such snapshot: still no real ones */
	if (getrandom(&g->salt, sizeof(g->salt), 0) < 0)
		g->salt = 0;
	for (size_t i = 0; allow_tops[i]; i++)
		walk(&w, allow_tops[i]);
	take_named(&w);
	take_kernel_files(&w);
	take_sections(&w);
}

void gathered_free(struct gathered *g)
{
	vec_free(&g->items);
	vec_free(&g->left_out);
	vec_free(&g->sections);
	arena_free(&g->arena);
}
