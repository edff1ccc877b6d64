/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which page tables a VT-d unit can be given, and which of those made for one unit another one takes. By the driver of 7.2
 * (drivers/iommu/intel/iommu.c): intel_iommu_domain_alloc_first_stage(), intel_iommu_domain_alloc_second_stage(),
 * paging_domain_compatible(). Pure.
 */
#ifndef IOMMUCTL_HOST_VTD_TABLES_H
#define IOMMUCTL_HOST_VTD_TABLES_H

#include "host/host.h"

/* What the driver asks of a unit: fields of its registers by the specification's abbreviations, looked up once. */
struct vtd_unit {
	uint8_t smts, nest, pasid, fsts, ssts, sc, smpwcs, c, dt, prs, pds; /* ECAP */
	uint8_t fl5lp, fl1gp, rwbf, cm, sagaw, sllps, mgaw;		    /* CAP; mgaw in bits */
	bool scalable; /* the registers say so, and the command line does not forbid it */
	bool nesting, dirty;
};

struct vtd_table {
	bool first_stage, nest_parent, dirty;
	bool snoop;	/* enforced: the unit that it is made for can (SC) */
	unsigned width; /* of addresses */
	uint64_t last;	/* the widest one */
	uint64_t page_sizes; /* one bit each */
};

/* From the unit's CAP and ECAP registers, and the machine's kernel command line. */
void vtd_unit_read(struct host *h, uint64_t cap, uint64_t ecap, struct vtd_unit *ret);

/* @flags: IOMMU_HWPT_ALLOC_*. -EOPNOTSUPP: this unit has no such table. */
int vtd_table_make(const struct vtd_unit *u, uint32_t flags, struct vtd_table *ret);

/*
 * Why a table that was made for @of is refused (EINVAL) for a device behind @u: "stage", "nesting", "dirty-tracking", "coherency",
 * "address-width", "page-sizes", "write-buffer", "snoop"; the first that the driver looks at. NULL: it is taken.
 */
const char *vtd_table_misfit(const struct vtd_table *t, const struct vtd_unit *of, const struct vtd_unit *u);

#endif
