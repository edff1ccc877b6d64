/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a snapshot, a tree or a tar of a machine holds. */
#ifndef IOMMUCTL_SNAPSHOT_INFO_H
#define IOMMUCTL_SNAPSHOT_INFO_H

#include "out/record.h"
#include "source/source.h"

/* A file or directory that was there and is not in the snapshot. */
struct snapshot_left_out {
	const char *path;
	const char *errnum; /* "EACCES", or "ENOTCAPTURED" when it was left out on purpose */
	const char *why;
};

struct snapshot_info {
	const char *file;
	const char *kind; /* snapshot, tree, tar, listing */
	const char *host, *kernel, *boot_id;
	const char *time, *tool;
	const char *note; /* of a report: what its author said; NULL: nothing, or it is none */
	struct num format;
	int root, full, wake; /* enum tri; unknown for what is no snapshot */
	struct num files, links, bytes;
	struct num units, groups, pci_devices;
	struct strs sections;
	struct rows unreadable; /* of struct snapshot_left_out; unknown for what is no snapshot */
	struct num unreadable_count;
};

extern const struct record_type snapshot_info_record;

/* Strings are in @a. What the source does not tell stays unknown. */
void snapshot_info(struct source *src, struct arena *a, struct snapshot_info *ret);

/* Whether @file begins as a snapshot does; reads no further. */
bool snapshot_file_is_one(const char *file);

#endif
