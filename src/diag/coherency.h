/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether an IOMMU unit is cache-coherent, as VFIO demands (IOMMU_CAP_CACHE_COHERENCY, when its driver probes). */
#ifndef IOMMUCTL_DIAG_COHERENCY_H
#define IOMMUCTL_DIAG_COHERENCY_H

#include "host/host.h"

/*
 * Always yes on x86 and for virtio-iommu. An SMMU is by its firmware's word: the IORT table or the device tree
 * (arm_smmu_device_acpi_probe(), of_dma_is_coherent()). SMMUv2 also takes the word of the device, which is not followed here, so
 * a no of the unit is unknown. A device behind the unit that is on a VFIO driver proves yes. *@ret_file: the
 * evidence, or where it would be; NULL for none. Found out once.
 */
enum tri unit_coherent(struct host *h, struct unit *u, const char **ret_file);

#endif
