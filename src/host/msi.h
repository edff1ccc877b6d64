/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How message interrupts of a device reach the processor: as writes to an address that the IOMMU either takes out before its page tables (VT-d,
 * AMD-Vi) or translates like any other (Arm SMMUs). There the kernel maps their target, the doorbell, into the page table of whoever owns the device,
 * in a window that the driver chose: the region of type msi, which no device and no memory is at.
 */
#ifndef IOMMUCTL_HOST_MSI_H
#define IOMMUCTL_HOST_MSI_H

#include "host/host.h"

enum msi_route {
	MSI_UNKNOWN,
	MSI_REMAPPED,	/* page tables have no part in it: they arrive whatever the device is attached to, and if it is to nothing */
	MSI_TRANSLATED, /* through the software window: only while the device is attached */
};

struct msi_facts {
	enum msi_route route;
	const struct region *window; /* the group's region of type msi; NULL: none, or not read */
	const struct unit *unit;     /* NULL none */
};

/*
 * By kind of unit. SMMU drivers report a software window and no other (arm_smmu_get_resv_regions()); virtio-iommu's one where its host names none
 * (viommu_get_resv_regions()), always at 0x8000000; the file calls both kinds msi. The host is loaded with HOST_REGIONS.
 */
struct msi_facts group_msi(const struct group *g);

/* Whether the region is a software window, for sysfs does not tell. */
bool msi_window_is_software(const struct unit *u, const struct region *r);

/*
 * Whether an interrupt that is armed when iommufd moves the device to another page table keeps arriving where it is translated. iommufd_sw_msi()
 * (drivers/iommu/iommufd/driver.c) keeps doorbells by context, and puts them into each table that the device is attached to; before it each table had
 * its own, made as interrupts were set up. TRI_UNKNOWN: the kernel's symbols cannot be seen, or iommufd is not loaded.
 */
enum tri msi_follows(struct host *h);

#endif
