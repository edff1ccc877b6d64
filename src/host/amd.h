/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AMD-Vi: the capability header and the extended feature registers. Bits from the AMD I/O virtualization
 * specification (48882, rev. 3); those that Linux uses were held against FEATURE_* and IOMMU_CAP_* of
 * drivers/iommu/amd/amd_iommu_types.h, the others against the register definitions of Xen
 * (amd-iommu-defs.h) and illumos, which agree.
 */
#ifndef IOMMUCTL_HOST_AMD_H
#define IOMMUCTL_HOST_AMD_H

#include "host/regfield.h"

/* CAP is the PCI capability header (sysfs "cap"); EFR and EFR2 are MMIO 30h and 1A0h (sysfs "features"). */
extern const struct reg_table amd_cap_table, amd_efr_table, amd_efr2_table;

/*
 * sysfs "features": "EFR:EFR2" in hex, or EFR alone on older kernels. -EINVAL. @ret_has_efr2 tells which.
 * The kernel prints what all units have in common, so it is the same on each (init.c, get_global_efr()).
 */
int amd_features_parse(const char *s, uint64_t *ret_efr, uint64_t *ret_efr2, bool *ret_has_efr2);

/* PASID bits, 0 when the unit does no guest translation. */
unsigned amd_pasid_bits(uint64_t efr);

#endif
