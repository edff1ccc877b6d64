/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading an archive into memory: a snapshot, or a tar that somebody made of a machine's /sys. Nothing
 * is ever written to disk.
 *
 * The limits keep a hostile or foolish archive from costing more than it can be worth. A full /sys of a
 * server with 4,096 devices has about a million entries and, of what we keep, some 100 MiB.
 */
#ifndef IOMMUCTL_SOURCE_ARCHIVE_H
#define IOMMUCTL_SOURCE_ARCHIVE_H

#include "source/memtree.h"
#include "source/source.h"

#define ARCHIVE_MAX_ENTRIES 8000000u
#define ARCHIVE_MAX_FILE (16u << 20)	 /* one kept file; of a hand-made tar larger ones are left out */
#define ARCHIVE_MAX_KEPT (512u << 20)	 /* all that is kept, names and nodes counted in */
#define ARCHIVE_MAX_TOTAL (16ull << 30)	 /* uncompressed */
#define ARCHIVE_MAX_RATIO 1000		 /* uncompressed to compressed bytes … */
#define ARCHIVE_RATIO_FROM (64ull << 20) /* … beyond this many uncompressed ones */
#define ARCHIVE_MAX_PATH 4095
#define ARCHIVE_MAX_DEPTH 128

/* Where a machine's root is in the archive. */
struct archive_layout {
	bool known;
	bool is_sys;	 /* it is the contents of /sys */
	bool is_snapshot; /* iommuctl/manifest.json is there */
	char prefix[ARCHIVE_MAX_PATH + 1]; /* "" or "myhost/" */
};

/*
 * Reads @data (or, when it is NULL, the file @name) into @t. Errors are noted with the entry's name and
 * offset: -EINVAL no archive or none of a machine, -EBADMSG damaged or cut, -E2BIG a limit, -EXDEV a name that leads
 * out of the archive.
 */
int archive_load(struct ctx *ctx, const char *name, const void *data, size_t len, struct memtree *t,
		 struct archive_layout *ret);

/*
 * Says why a constructor of libarchive returned NULL for the archive NAME, by errno: the library is not here (it is loaded
 * when first used), or memory is out. Returns -ELIBACC or -ENOMEM.
 */
int archive_no_object(struct ctx *ctx, const char *name);
#endif
