// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/memtree.h"

#include <errno.h>
#include <string.h>

#define FIRST_BUCKETS 1024
#define MAX_LINKS 40

static size_t hash(const struct mem_node *dir, const char *name, size_t len)
{
	uint64_t h = 0xcbf29ce484222325u ^ ((uintptr_t)dir >> 4);

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)name[i]) * 0x100000001b3u;
	return h ^ h >> 32;
}

void memtree_init(struct memtree *t)
{
	*t = (struct memtree){ .n_buckets = FIRST_BUCKETS };
	t->buckets = must_calloc(t->n_buckets, sizeof(*t->buckets));
	t->root = arena_new(&t->arena, struct mem_node);
	t->root->name = "";
}

void memtree_free(struct memtree *t)
{
	free(t->buckets);
	arena_free(&t->arena);
}

static struct mem_node *child(const struct memtree *t, const struct mem_node *dir, const char *name, size_t len)
{
	struct mem_node *n = t->buckets[hash(dir, name, len) & (t->n_buckets - 1)];

	for (; n; n = n->chain)
		if (n->parent == dir && !strncmp(n->name, name, len) && !n->name[len])
			return n;
	return NULL;
}

static void grow(struct memtree *t)
{
	size_t more = t->n_buckets * 4;
	struct mem_node **b = must_calloc(more, sizeof(*b));

	for (size_t i = 0; i < t->n_buckets; i++) {
		for (struct mem_node *n = t->buckets[i], *next; n; n = next) {
			size_t h = hash(n->parent, n->name, strlen(n->name)) & (more - 1);

			next = n->chain;
			n->chain = b[h];
			b[h] = n;
		}
	}
	free(t->buckets);
	t->buckets = b;
	t->n_buckets = more;
}

static struct mem_node *add_child(struct memtree *t, struct mem_node *dir, const char *name, size_t len)
{
	struct mem_node *n = arena_new(&t->arena, struct mem_node);
	size_t h;

	if (t->n >= t->n_buckets)
		grow(t);
	h = hash(dir, name, len) & (t->n_buckets - 1);
	*n = (struct mem_node){ .name = arena_memdup(&t->arena, name, len), .parent = dir, .next = dir->child,
				.chain = t->buckets[h] };
	dir->child = n;
	t->buckets[h] = n;
	t->n++;
	t->bytes += sizeof(*n) + len + 1;
	return n;
}

struct mem_node *memtree_make(struct memtree *t, struct mem_node *dir, const char *path)
{
	struct mem_node *n = dir;

	while (*path) {
		size_t len = strcspn(path, "/");
		struct mem_node *next = child(t, n, path, len);

		n->kind = MEM_DIR; /* the last one in an archive wins: what was a file is a directory now */
		n = next ? next : add_child(t, n, path, len);
		path += len;
		path += strspn(path, "/");
	}
	return n;
}

struct mem_node *memtree_peek(const struct memtree *t, struct mem_node *dir, const char *path)
{
	struct mem_node *n = dir;

	while (n && *path) {
		size_t len = strcspn(path, "/");

		n = child(t, n, path, len);
		path += len;
		path += strspn(path, "/");
	}
	return n;
}

void memtree_set(struct memtree *t, struct mem_node *n, enum mem_kind kind, const void *data, size_t len)
{
	n->kind = kind;
	n->data = arena_memdup(&t->arena, data, len);
	n->len = len;
	t->bytes += len + 1;
}

struct resolve {
	struct memtree *t;
	struct mem_node *root;
	int links;
};

static int resolve(struct resolve *r, struct mem_node *from, const char *path, bool follow,
		   struct mem_node **ret);

/* One component; *@n moves there. */
static int resolve_step(struct resolve *r, struct mem_node **n, const char *name, size_t len, bool follow)
{
	struct mem_node *dir = *n, *next;

	if (dir->kind != MEM_DIR)
		return dir->err ? dir->err : -ENOTDIR;
	if (len == 1 && name[0] == '.')
		return 0;
	if (len == 2 && !memcmp(name, "..", 2)) {
		if (dir == r->root)
			return -EXDEV;
		*n = dir->parent;
		return 0;
	}
	next = child(r->t, dir, name, len);
	if (!next)
		return dir->err ? dir->err : -ENOENT;
	*n = next;
	if (next->kind != MEM_LINK || !follow)
		return 0;
	if (next->data[0] == '/')
		return -EXDEV;
	if (++r->links > MAX_LINKS)
		return -ELOOP;
	return resolve(r, dir, next->data, true, n);
}

static int resolve(struct resolve *r, struct mem_node *from, const char *path, bool follow,
		   struct mem_node **ret)
{
	struct mem_node *n = from;

	while (*path) {
		size_t len = strcspn(path, "/");
		const char *rest = path + len + strspn(path + len, "/");
		int err = len ? resolve_step(r, &n, path, len, follow || *rest) : 0;

		if (err < 0)
			return err;
		path = rest;
	}
	*ret = n;
	return 0;
}

int memtree_find(struct memtree *t, struct mem_node *root, const char *path, bool follow,
		 struct mem_node **ret)
{
	struct resolve r = { .t = t, .root = root };

	if (*path == '/')
		return -EXDEV;
	return resolve(&r, root, path, follow, ret);
}
