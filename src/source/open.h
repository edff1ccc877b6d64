/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kinds of source, one by one; source_open() chooses between them. */
#ifndef IOMMUCTL_SOURCE_OPEN_H
#define IOMMUCTL_SOURCE_OPEN_H

#include <string.h>

#include "source/source.h"

/* @dir is a directory. Errors are noted. */
int source_open_tree(struct ctx *ctx, const char *dir, struct source **ret);

/* A tar in memory, or, when @data is NULL, in the file @name. Errors are noted. */
int source_open_archive(struct ctx *ctx, const char *name, const void *data, size_t len,
			struct source **ret);

/* A listing (source/listing.h) in memory. -ENODATA, not noted: it is none. Other errors are noted. */
int source_open_listing(struct ctx *ctx, const char *name, const char *text, size_t len, struct source **ret);

/* PATHF() makes an empty path of one that it would have to cut. */
static inline bool path_fits(const char *path)
{
	return *path && strnlen(path, SRC_PATH_MAX) < SRC_PATH_MAX;
}

/* Host name and boot id from the source's files, for what has no manifest. */
void source_identify(struct source *s);

/* The built-in machine: a snapshot in the program (snapshot/demo.c). */
extern const unsigned char demo_snapshot[], demo_snapshot_end[];

#endif
