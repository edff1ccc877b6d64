/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest that gets these devices needs: which physical IOMMUs they are behind, how many virtual IOMMUs and second-stage
 * page tables that makes, and what has to come along. By what each driver of 7.2 does; a guess until it is tried.
 */
#ifndef IOMMUCTL_DIAG_GUEST_H
#define IOMMUCTL_DIAG_GUEST_H

#include "diag/finding.h"
#include "host/host.h"

/* One physical IOMMU. Rendered as it is: guest_unit_record. */
struct guest_unit {
	const char *unit, *kind;
	struct strs devices;
	const char *viommu; /* the virtual IOMMU object that is a slice of it: viommu0, ...; NULL: its driver has none */
	int nests;	    /* enum tri: whether it can do nested translation */
	const char *stage2; /* s2-0, ...: the same word is the same page table */
	const char *stage2_why;
};

/* A device that is not asked for, of a group that is. Rendered as it is: guest_along_record. */
struct guest_along {
	const char *device, *driver;
	struct num group;
	const char *what; /* what has to become of it */
};

extern const struct record_type guest_unit_record, guest_along_record;

struct guest_plan {
	struct rows units;   /* of struct guest_unit */
	struct rows along;   /* of struct guest_along */
	struct rows reasons; /* of struct reason; a problem: it cannot be done as it is */
	size_t n_stage2, n_viommus;
	bool feasible;
	int missing; /* what made something unknown: -EACCES before anything else; 0 nothing */
};

/* Pure. @v: the devices, in the order of the guest. Strings are in the host's arena. The host is loaded with HOST_ALL. */
void guest_plan(struct host *h, struct device *const *v, size_t n, struct guest_plan *ret);

#endif
