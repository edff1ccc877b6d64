/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMMUv3: what the identification registers say. Bits from the Arm SMMU architecture specification, version 3 (IHI 0070,
 * chapter 6.3); those that Linux uses were held against IDR0_* to IDR5_* of drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.h.
 */
#ifndef IOMMUCTL_HOST_SMMUV3_H
#define IOMMUCTL_HOST_SMMUV3_H

#include "host/regfield.h"

/* SMMU_IDR0 to SMMU_IDR5, SMMU_IIDR, SMMU_AIDR: in the order of struct iommu_hw_info_arm_smmuv3. */
#define SMMUV3_REGS 8
extern const struct reg_table *const smmuv3_tables[SMMUV3_REGS];

/*
 * Whether the driver gives a guest page tables of its own on such a unit (ARM_SMMU_FEAT_NESTING, arm_smmu_get_viommu_size()): no; yes; unknown where it is up to
 * the device. *@ret_why: the reason, a clause about "it", static.
 */
enum tri smmuv3_nests(const uint32_t idr[6], uint32_t iidr, const char **ret_why);

/* Why it has no dirty tracking, as above (arm_smmu_dbm_capable()); NULL: the registers are not in the way. */
const char *smmuv3_no_dirty(const uint32_t idr[6]);

#endif
