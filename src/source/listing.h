/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A listing of IOMMU groups or PCI devices, as people paste it: find and ls on /sys/kernel/iommu_groups, the shell loops of wikis around
 * lspci, lspci -nn, -v and -k, -vmm, pvesh, and the kernel log's lines on groups. It becomes the tree that those facts would be in. What it
 * does not say is not captured.
 */
#ifndef IOMMUCTL_SOURCE_LISTING_H
#define IOMMUCTL_SOURCE_LISTING_H

#include "source/memtree.h"

/* Larger texts are no listings. */
#define LISTING_MAX (16u << 20)
/* Devices in one. */
#define LISTING_MAX_DEVICES 16384u

/* Whether the first bytes of a file are those of a text. */
bool listing_is_text(const char *data, size_t len);

struct listing_facts {
	size_t in_groups; /* devices whose group it names */
	size_t doubtful;  /* devices that it names again, in another group; the first one counts */
};

/*
 * Puts what @text tells into @t. 0; -ENODATA: it names no group and no PCI device; -E2BIG: too many devices. Groups and devices as in sysfs; a
 * device's own directory holds uevent where its ids are known, and the link to its driver, or an entry that answers -ENOENT where the listing
 * says that it has none. A text with lines of the kernel log is that log too (source/kmsg.h). @ret is what else is to be said of it.
 */
int listing_load(const char *text, size_t len, struct memtree *t, struct listing_facts *ret);

#endif
