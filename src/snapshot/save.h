/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing a snapshot: a tar, compressed with zstd, of the files on the allow-list (source/allow.h) and of
 * the typed sections. Its first entry is iommuctl/manifest.json.
 */
#ifndef IOMMUCTL_SNAPSHOT_SAVE_H
#define IOMMUCTL_SNAPSHOT_SAVE_H

#include "source/source.h"

/* A file that is put beside the facts, SNAPSHOT_DIR/NAME. */
struct snapshot_extra {
	const char *name, *data;
	size_t len;
};

struct snapshot_options {
	bool full;  /* serial numbers, MAC and IP addresses, whole command lines too */
	bool wake;  /* read the config space of devices that sleep: it wakes them */
	bool force; /* write over a file that is no snapshot */
	/*
	 * NULL, or what makes more files out of what was captured: @captured answers as the finished snapshot will, private data left out
	 * included. Strings are in @a. A negative errno, noted, ends the whole.
	 */
	int (*extra)(struct ctx *ctx, struct source *captured, struct arena *a, void *arg, struct snapshot_extra **ret, size_t *ret_n);
	void *arg;
};

/*
 * Captures @src into @file, "-" for stdout. A file appears whole or not at all; one that exists and is no
 * snapshot is left alone (-EEXIST) unless forced. What could not be read is no error: the manifest, and so
 * what reads the snapshot, says so. Errors are noted.
 */
int snapshot_save(struct ctx *ctx, struct source *src, const char *file, const struct snapshot_options *opt);

#endif
