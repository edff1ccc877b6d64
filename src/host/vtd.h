/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel VT-d: what the capability registers say. Bits from the VT-d architecture specification (rev. 4,
 * register descriptions); each was held against the kernel's cap_*() and ecap_*() macros (drivers/iommu/intel/iommu.h).
 * Bits that only the specification names and that could not be held against a second source are left out.
 */
#ifndef IOMMUCTL_HOST_VTD_H
#define IOMMUCTL_HOST_VTD_H

#include "host/regfield.h"

extern const struct reg_table vtd_cap_table, vtd_ecap_table;

/* "3:0" as in sysfs (MAJOR:MINOR, decimal). -EINVAL. */
int vtd_version_parse(const char *s, unsigned *ret_major, unsigned *ret_minor);

/* Bits of a guest address that the unit can translate (MGAW), 1 to 64. */
unsigned vtd_address_width(uint64_t cap);

/* PASID bits, 0 when PASIDs are not supported. */
unsigned vtd_pasid_bits(uint64_t ecap);

/* Whether second-stage dirty bits can be used: needs the coherent scalable-mode walk as well (rev. 4, 3.10;
 * the kernel asks for both in ssads_supported()). */
bool vtd_dirty_tracking(uint64_t ecap);

/*
 * The last address of a page table for user space: *@ret_sure whatever kind of table the kernel chooses, *@ret_most of the one that reaches furthest.
 * They differ where scalable mode allows first-stage tables, which take the lower half of canonical addresses only (rev. 4, 3.6; in the kernel
 * geometry.aperture_end of paging_domain_alloc(), and before that of intel_iommu_domain_alloc()). -EINVAL: no width at all is supported.
 */
int vtd_aperture(uint64_t cap, uint64_t ecap, uint64_t *ret_sure, uint64_t *ret_most);

#endif
