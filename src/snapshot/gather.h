/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that goes into a snapshot, read into memory. */
#ifndef IOMMUCTL_SNAPSHOT_GATHER_H
#define IOMMUCTL_SNAPSHOT_GATHER_H

#include "snapshot/save.h"

enum item_kind { ITEM_DIR, ITEM_FILE, ITEM_LINK };

struct item {
	enum item_kind kind;
	const char *path;
	const char *data; /* of a file; a link's text */
	size_t len;
};

/* A path that is there and could not be read, or was not to be: the errno says which. */
struct left_out {
	const char *path;
	int err; /* negative */
};

struct gathered {
	struct arena arena;
	VEC(struct item) items;
	VEC(struct left_out) left_out;
	VEC(const char *) sections; /* file names */
	size_t dirs, files, links, bytes;
	uint64_t salt; /* of this snapshot's pseudonyms */
};

/* Never fails: what cannot be read is in left_out. */
void gather(struct ctx *ctx, struct source *src, const struct snapshot_options *opt, struct gathered *g);
void gathered_free(struct gathered *g);

#endif
