/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Can this group, or this device of it, be given away to user space? Two answers:
 *
 * viable: what the kernel says now, the VIABLE flag of VFIO_GROUP_GET_STATUS. While somebody has a node of the group open,
 * or may have, only the kernel's own count tells (SECTION_OWNERSHIP); no file does.
 *
 * verdict: whether a claim (binding to iommufd, SET_IOMMU on a container) would succeed. The first of these
 * that holds; what else holds is still among the reasons:
 *
 *	nothing-to-give	the group has bridges only, or the device asked about is one
 *	in-use		somebody has a node of the group open, or has claimed it
 *	blocked		something that binding drivers will not mend: a count of owners that nobody accounts for, a
 *			direct region, interrupts that are not isolated, an IOMMU that is not cache-coherent; a device
 *			behind VMD, which goes when VMD's driver does
 *	needs-bind	devices must leave their drivers, or the one to be given away has none of VFIO yet
 *	unknown		nothing above is certain, and a fact that decides is missing or cannot be read
 *	ready		a claim would succeed now
 *
 * With after_bind the binds are taken as done, so unknown comes before needs-bind; and a physical function with virtual
 * ones, which binding needs to be without, is blocked.
 *
 * Groups that are no groups of a real IOMMU (no-IOMMU mode, mediated devices, the selftest's mock devices) are
 * not judged: verdict is NULL, and the reason says what they are.
 */
#ifndef IOMMUCTL_DIAG_VIABILITY_H
#define IOMMUCTL_DIAG_VIABILITY_H

#include "diag/finding.h"
#include "host/host.h"

/* One move that is still needed. Rendered as it is: step_record. */
struct step {
	const char *device;
	const char *driver;  /* that it has now; NULL none */
	const char *to;	     /* driver that it goes to; NULL: leaving is enough */
	const char *command; /* exact; NULL when its name cannot be put into a command safely */
};

extern const struct record_type step_record;

struct question {
	struct group *group;
	struct device *device; /* NULL: any device of the group will do */
	bool after_bind;
	bool brief; /* viable and verdict only: no summary, reasons, steps; for lists */
};

struct viability {
	int viable;	     /* enum tri */
	const char *verdict; /* NULL: not judged */
	const char *summary; /* one sentence */
	struct strs offenders; /* names of exactly the devices that keep the group from being viable */
	struct rows steps;   /* of struct step: what is left to do, in order */
	struct rows reasons; /* of struct reason */
	int missing;	     /* what made something unknown: -EACCES before anything else; 0 nothing */
};

/* Pure: facts in, judgement out. Strings are in the host's arena. */
void group_check(struct host *h, const struct question *q, struct viability *ret);

#endif
