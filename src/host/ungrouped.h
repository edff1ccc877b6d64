/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a device is in no IOMMU group though others of the machine are. */
#ifndef IOMMUCTL_HOST_UNGROUPED_H
#define IOMMUCTL_HOST_UNGROUPED_H

#include "host/host.h"

enum ungrouped {
	UNGROUPED_NOT,	  /* it is in one, or the machine has none at all */
	UNGROUPED_BYPASS, /* firmware leads its requests to no SMMU: nothing translates them */
	/*
	 * Its requests carry a stream id that another device has, as behind a conventional bridge: the driver of SMMUv3 takes the first
	 * device of a stream id, and no other (arm_smmu_insert_master() in drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.c).
	 */
	UNGROUPED_SHARES_STREAM,
	UNGROUPED_UNKNOWN, /* nothing that can be seen says why */
};

/* *ret_why: a clause for sentences, in the host's arena; untouched with UNGROUPED_NOT. */
enum ungrouped device_ungrouped(struct host *h, struct device *d, const char **ret_why);

#endif
