/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directories, files and links in memory: what an archive is read into. */
#ifndef IOMMUCTL_SOURCE_MEMTREE_H
#define IOMMUCTL_SOURCE_MEMTREE_H

#include "base/arena.h"

enum mem_kind { MEM_DIR, MEM_FILE, MEM_LINK };

struct mem_node {
	const char *name;
	struct mem_node *parent, *child, *next; /* next: the parent's next child */
	struct mem_node *chain;			/* in its hash bucket */
	enum mem_kind kind;
	int err;	  /* what reading or listing it answers; 0 none */
	const char *data; /* of a file, or a link's text; NUL-terminated */
	size_t len;
};

struct memtree {
	struct arena arena;
	struct mem_node *root;
	struct mem_node **buckets;
	size_t n_buckets, n;
	size_t bytes; /* roughly what it takes in memory */
};

/* An empty tree, and its end. */
void memtree_init(struct memtree *t);
void memtree_free(struct memtree *t);

/*
 * The node at @path below @dir (no links followed, no "." or ".."), made with all that lead to it. A
 * new one is a directory.
 */
struct mem_node *memtree_make(struct memtree *t, struct mem_node *dir, const char *path);

/* The node at @path below @dir without following links; NULL none. */
struct mem_node *memtree_peek(const struct memtree *t, struct mem_node *dir, const char *path);

/* Makes @n a file or a link with these contents, copied. */
void memtree_set(struct memtree *t, struct mem_node *n, enum mem_kind kind, const void *data, size_t len);

/*
 * The node at @path below @root, links followed on the way and, with @follow, at the end. -ENOENT,
 * -ENOTDIR, -ELOOP after 40 links, -EXDEV when a link leads out of @root or is absolute; or the error
 * of a directory on the way.
 */
int memtree_find(struct memtree *t, struct mem_node *root, const char *path, bool follow,
		 struct mem_node **ret);

#endif
