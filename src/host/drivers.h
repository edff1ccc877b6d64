/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a bound driver means for the ownership of its device's group. */
#ifndef IOMMUCTL_HOST_DRIVERS_H
#define IOMMUCTL_HOST_DRIVERS_H

#include "host/host.h"

enum driver_use {
	USE_NONE,    /* no driver */
	USE_VFIO,    /* a VFIO driver: what a claim needs */
	USE_MANAGED, /* leaves DMA alone (driver_managed_dma): in nobody's way */
	USE_NATIVE,  /* uses the kernel's DMA API */
	USE_UNKNOWN, /* the driver could not be read */
};

/* By the driver's name, and by what the kernel shows of the device: a driver with a VFIO device of its own is USE_VFIO, whatever its name. */
enum driver_use device_driver_use(struct host *h, const struct device *d);

/*
 * By their names alone: a VFIO driver (vfio-pci, mlx5_vfio_pci …), and any driver that leaves DMA alone, VFIO's among them. The
 * former may be another's module that registers a VFIO device; device_driver_use() sees those too.
 */
bool driver_is_vfio(const char *driver);
bool driver_is_managed(const char *bus, const char *driver);

/* The driver of the kernel that gives devices of this bus away: "vfio-pci" …; NULL: there is none. */
const char *bus_vfio_driver(const char *bus);

/*
 * Whether the kernel counts drivers on this bus as users of the group (the bus has a dma_configure that calls
 * iommu_device_use_default_domain()): pci, platform, amba, fsl-mc, cdx. Unknown without a bus.
 */
enum tri bus_counts_drivers(const char *bus);

#endif
