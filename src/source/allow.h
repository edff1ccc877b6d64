/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The allow-list: every file that a snapshot may hold. `snapshot save` captures by it, a tar made by
 * hand is read through it, and a snapshot that lacks a file answers by it: a file on the list is
 * missing on that machine, any other was not captured.
 *
 * Paths are those of source.h, links resolved ("sys/devices/pci0000:00/0000:00:02.0/vendor"). The usual
 * ways to a device, sys/bus/BUS/devices/NAME/… and the like, are taken for its directory.
 */
#ifndef IOMMUCTL_SOURCE_ALLOW_H
#define IOMMUCTL_SOURCE_ALLOW_H

#include "base/util.h"

/* Raised when a row is added or taken away; goes into the manifest. */
#define ALLOW_VERSION 3

enum allow_flags {
	ALLOW_LINKS = 1 << 0,	/* links only, whatever else is there */
	ALLOW_PRIVATE = 1 << 1, /* serial numbers, MAC and IP addresses: only with --full */
	ALLOW_CONFIG = 1 << 2,	/* config space: reading it wakes a device that sleeps */
	ALLOW_SCRUB = 1 << 3,	/* text in which private words are masked without --full */
	ALLOW_NODE = 1 << 4,	/* a device node: that it is there is all that is kept */
	ALLOW_FOREIGN = 1 << 5, /* found in hand-made captures; snapshot save has a section for it */
	ALLOW_OWN = 1 << 6,	/* the snapshot's own files */
};

struct allow_row {
	const char *dir;   /* pattern: "*" is one component, "**" at its end any number of them */
	const char *names; /* patterns of the files and links in it, separated by blanks */
	unsigned flags;
	unsigned since; /* ALLOW_VERSION that brought the row, 0 the first: an older snapshot does not know what it would hold */
};

/* All rows. */
const struct allow_row *allow_rows(size_t *ret_n);

/* The row that admits the file or link @path; NULL: it is never captured. */
const struct allow_row *allow_find(const char *path);

/* Whether anything in or below the directory @path may be captured: where a walk goes. */
bool allow_below(const char *path);

/* Whether a snapshot that lacks @path, a file or a directory, may say that the machine lacks it. */
bool allow_known(const char *path);

/* The directories that are worth a walk, NULL-terminated; what lies elsewhere the rows name outright. */
extern const char *const allow_tops[];

#endif
