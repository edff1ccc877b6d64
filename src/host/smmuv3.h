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

#endif
