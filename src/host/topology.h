/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is below whom on the PCI tree. From sysfs paths, so it needs no config space. */
#ifndef IOMMUCTL_HOST_TOPOLOGY_H
#define IOMMUCTL_HOST_TOPOLOGY_H

#include "host/host.h"

/*
 * The nearest PCI bridge upstream of @d that the machine lists; NULL on a root bus (or for a device that is
 * not PCI). VFs: that of their PF. Where sysfs paths are not known (a listing without links) it is the bridge
 * whose secondary bus @d sits on, as far as config space says.
 */
struct device *device_upstream(struct host *h, struct device *d);

/* The name of a bridge between @d and device_upstream() that the machine does not list ("0000:00:1c.0"); NULL
 * none. */
const char *device_missing_bridge(struct host *h, struct device *d);

/*
 * The device in whose name everything in @d's PCI domain does DMA: the VMD controller of a VMD domain (the
 * kernel's pci_real_dma_dev()). NULL for all others.
 */
struct device *device_dma_parent(struct host *h, struct device *d);

/*
 * The device whose driver makes @d, takes it away when it leaves, and keeps its group from being viable as long as it stays: the VMD controller of what
 * is behind it, while it has a driver (vmd_remove() in drivers/pci/controller/vmd.c); the physical function of a virtual one in the same group, while
 * its driver uses the kernel's DMA API and is one of those that disable SR-IOV when they leave, as nearly all do. NULL for all others. It costs a link
 * for what may be a virtual function, and nothing for others.
 */
struct device *device_made_by(struct host *h, struct device *d);
/*
 * Whether the driver that @d has leaves virtual functions where they are when it goes: those whose sriov_configure is pci_sriov_configure_simple(), and
 * whose remove does nothing about them; "driver left SR-IOV enabled after remove", says the kernel then (pci_iov_remove() in drivers/pci/iov.c).
 */
bool device_leaves_vfs(const struct device *d);
/* Which of the two @maker, found by device_made_by(), is to @d. */
bool device_is_vf_of(const struct device *d, const struct device *maker);

/* The name of the root bus that @d is on, "pci0000:00"; "pci0000:??" when neither paths nor bridges tell. In
 * the arena; NULL when @d is not PCI. */
const char *device_root_bus(struct host *h, struct device *d);

/* Whether @d sits (at any depth) below @bridge. */
bool device_is_below(struct host *h, struct device *d, const struct device *bridge);

/*
 * Puts @v into the order of a tree printed from the top: each device behind the nearest bridge above it that
 * is in @v, siblings in the host's order. ret_parent[i] is the index of that bridge, -1 none. No device may
 * be in @v twice.
 */
void topology_sort(struct host *h, struct device **v, size_t n, int *ret_parent);

#endif
