/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Would a mapping of this device's I/O addresses be refused, and by which rule? What is asked about is IOMMUFD's IOAS_MAP at a fixed address, and
 * VFIO_IOMMU_MAP_DMA. The verdict is the first of these that holds:
 *
 *	refused	one of the rules is against it, for certain
 *	unknown	none is for certain, and a fact that decides is missing: where the IOMMU's addresses end is seen before an attach on
 *		VT-d alone
 *	fits	none is
 *
 * Mappings that a process has already are not seen from outside: one of those at the same address (EEXIST) is not judged.
 */
#ifndef IOMMUCTL_DIAG_MAPCHECK_H
#define IOMMUCTL_DIAG_MAPCHECK_H

#include "diag/finding.h"
#include "host/host.h"

struct map_question {
	struct device *device; /* in a group */
	uint64_t iova, length; /* bytes */
	struct num pid;	       /* whose locked memory is counted */
	struct num memlock;    /* without a process: a limit that nothing is used of yet, bytes */
};

struct map_check {
	const char *verdict;
	const char *rule;    /* code of the reason that decides; NULL: it fits */
	const char *summary; /* one sentence */
	struct num page_size;	/* that address and length must be multiples of; unknown: not seen before an attach */
	struct num aperture_end; /* last address that can be mapped for certain; unknown the same */
	struct num nearest_start, nearest_end; /* the nearest range of that length that would do, inclusive; unknown: there is none */
	struct rows reasons; /* of struct reason */
	int missing;	     /* what made something unknown: -EACCES before anything else; 0 nothing */
};

/* Pure: facts in, judgement out. Strings are in the host's arena. The host is loaded with HOST_REGIONS. */
void map_check(struct host *h, const struct map_question *q, struct map_check *ret);

#endif
