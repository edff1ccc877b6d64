// SPDX-License-Identifier: GPL-2.0-or-later
/* A source whose files are in memory: what archive.c or listing.c read. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "source/archive.h"
#include "source/capture.h"
#include "source/listing.h"
#include "source/open.h"
#include "source/sections.h"

struct stored {
	struct source source;
	struct memtree tree;
	struct mem_node *root;
	bool is_sys;
	struct capture capture;
};

static int lookup(struct stored *m, const char *path, bool follow, struct mem_node **ret)
{
	if (!path_fits(path))
		return -ENAMETOOLONG;
	if (m->is_sys) {
		if (!streq(path, "sys") && !strstarts(path, "sys/"))
			return -ENOTCAPTURED;
		path += strlen("sys");
		path += strspn(path, "/");
	}
	return memtree_find(&m->tree, m->root, path, follow, ret);
}

static int find(struct source *s, const char *path, bool follow, struct mem_node **ret)
{
	struct stored *m = (struct stored *)s;
	int r = lookup(m, path, follow, ret);

	if (r == -ENOENT)
		return capture_missing(&m->capture, s, path);
	return r ? r : (*ret)->err;
}

static int stored_read(struct source *s, const char *path, void *buf, size_t cap, size_t *ret_len)
{
	struct mem_node *n;
	int r = find(s, path, true, &n);

	if (r < 0)
		return r;
	if (n->kind != MEM_FILE)
		return -EISDIR;
	memcpy(buf, n->data, MIN(n->len, cap));
	*ret_len = n->len;
	return 0;
}

static int stored_readlink(struct source *s, const char *path, char *buf, size_t cap)
{
	struct mem_node *n;
	int r = find(s, path, false, &n);

	if (r < 0)
		return r;
	if (n->kind != MEM_LINK)
		return -EINVAL;
	if (n->len >= cap)
		return -ENAMETOOLONG;
	memcpy(buf, n->data, n->len + 1);
	return 0;
}

static int stored_list(struct source *s, const char *path, struct arena *a, struct src_list *ret)
{
	struct src_list l = { 0 };
	struct mem_node *dir;
	int r = find(s, path, true, &dir);

	if (r < 0)
		return r;
	if (dir->kind != MEM_DIR)
		return -ENOTDIR;
	for (struct mem_node *n = dir->child; n; n = n->next)
		l.n++;
	if (l.n)
		l.v = arena_array(a, struct src_entry, l.n);
	l.n = 0;
	for (struct mem_node *n = dir->child; n; n = n->next)
		l.v[l.n++] = (struct src_entry){ .name = n->name, .is_link = n->kind == MEM_LINK,
						 .is_dir = n->kind == MEM_DIR };
	*ret = l;
	return 0;
}

static bool stored_exists(struct source *s, const char *path)
{
	struct mem_node *n;
	int r = lookup((struct stored *)s, path, true, &n);

	return !r || r == -EACCES || r == -EPERM;
}

static void stored_close(struct source *s)
{
	struct stored *m = (struct stored *)s;

	memtree_free(&m->tree);
	capture_free(&m->capture);
}

static const struct source_ops stored_ops = {
	.kind = SOURCE_SNAPSHOT,
	.read = stored_read,
	.readlink = stored_readlink,
	.list = stored_list,
	.exists = stored_exists,
	.section = section_stored,
	.close = stored_close,
};

static void plant_error(struct stored *m, const struct capture_error *e)
{
	struct mem_node *n = memtree_peek(&m->tree, m->root, e->path);

	if (!n) {
		n = memtree_make(&m->tree, m->root, e->path);
		n->kind = MEM_FILE;
	}
	n->err = e->err;
}

/*
 * What could not be read when the snapshot was made becomes a node that answers so. A manifest of two kilobytes, packed, can name millions of
 * directories: what nobody can ask for is left out, and the rest may take no more than an archive's entries may.
 */
static int plant_errors(struct stored *m, struct ctx *ctx)
{
	for (size_t i = 0; i < m->capture.n_errors; i++) {
		const struct capture_error *e = &m->capture.errors[i];

		/* nothing is there that was not captured: capture_missing() says why */
		if (e->err != -ENOTCAPTURED && path_fits(e->path))
			plant_error(m, e);
		if (m->tree.bytes > ARCHIVE_MAX_KEPT)
			return ctx_error(ctx, NOTE(.code = "archive-limit", .err = E2BIG, .why = "its manifest names too many files",
						   .where = SNAPSHOT_MANIFEST, .hint = "this is no snapshot that iommuctl made"),
					 "%s", m->source.name);
	}
	return 0;
}

static int take_manifest(struct stored *m, struct ctx *ctx)
{
	struct mem_node *n;
	int r = memtree_find(&m->tree, m->root, SNAPSHOT_MANIFEST, false, &n);

	if (r < 0 || n->kind != MEM_FILE)
		return 0;
	r = capture_read_manifest(&m->capture, ctx, &m->source, n->data, n->len);
	return r < 0 ? r : plant_errors(m, ctx);
}

int source_open_archive(struct ctx *ctx, const char *name, const void *data, size_t len, struct source **ret)
{
	struct stored *m = must_calloc(1, sizeof(*m));
	struct archive_layout layout = { 0 };
	int r;

	m->source = (struct source){ .ops = &stored_ops, .name = must_strdup(name) };
	memtree_init(&m->tree);
	r = archive_load(ctx, name, data, len, &m->tree, &layout);
	if (!r) {
		m->root = memtree_peek(&m->tree, m->tree.root, layout.prefix);
		m->root = m->root ? m->root : m->tree.root;
		m->is_sys = layout.is_sys;
		r = take_manifest(m, ctx);
	}
	if (r < 0) {
		source_close(&m->source);
		return r;
	}
	if (!m->capture.is_snapshot)
		source_identify(&m->source);
	*ret = &m->source;
	return 0;
}

int source_open_listing(struct ctx *ctx, const char *name, const char *text, size_t len, struct source **ret)
{
	struct stored *m = must_calloc(1, sizeof(*m));
	struct listing_facts f;
	int r;

	m->source = (struct source){ .ops = &stored_ops, .name = must_strdup(name), .is_listing = true };
	memtree_init(&m->tree);
	m->root = m->tree.root;
	r = listing_load(text, len, &m->tree, &f);
	if (!r) {
		ctx_warn(ctx, "listing", 0, name, "%s: a listing, not a snapshot: what it does not say is unknown", name);
		ctx->gaps_told = true;
		if (!f.in_groups)
			ctx_warn(ctx, "listing-no-groups", 0, name, "%s: it names no IOMMU group", name);
		if (f.doubtful)
			ctx_warn(ctx, "listing-twice", 0, name,
				 "%s: %zu device%s named again, in another group: of two listings the first counts", name, f.doubtful,
				 f.doubtful == 1 ? " is" : "s are");
		*ret = &m->source;
		return 0;
	}
	source_close(&m->source);
	if (r != -ENODATA)
		ctx_error(ctx, NOTE(.code = "listing-limit", .err = -r, .where = name, .why = "it names too many devices"), "%s", name);
	return r;
}
