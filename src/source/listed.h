/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What listing.c finds out of a listing, and listing-tree.c makes files of. Nobody else includes this. */
#ifndef IOMMUCTL_SOURCE_LISTED_H
#define IOMMUCTL_SOURCE_LISTED_H

#include "source/memtree.h"

#define NO_GROUP UINT32_MAX

struct listed {
	char name[64];
	bool is_pci, has_id, has_class, has_subsystem, has_driver;
	bool told; /* lines below it said what drives it, or that nothing does */
	uint32_t group; /* NO_GROUP: not told */
	unsigned vendor, device, class, subvendor, subdevice;
	char driver[64];
};

/* Puts the device into the tree. @has_drivers: the listing names drivers, so that a device below which it names none has none. */
void listed_plant(struct memtree *t, const struct listed *d, bool has_drivers);

#endif
