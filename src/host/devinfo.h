/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dearer facts of one device: what hangs on it, how it can be reset, what it is set to. */
#ifndef IOMMUCTL_HOST_DEVINFO_H
#define IOMMUCTL_HOST_DEVINFO_H

#include "host/host.h"
#include "out/record.h"

struct devinfo {
	const char *override; /* driver_override; NULL none */
	int override_err;     /* -ENOENT: this bus has none */
	/* What hangs on it at any depth (a USB controller has the disks and network sticks that are plugged
	 * into it), but not on a device below it that is in host->devices itself. Natural order. */
	struct strs netdevs; /* eth0 … */
	struct strs blocks;  /* nvme0n1, sda … (disks, no partitions; the multipath head of an NVMe path) */
	int netdevs_err, blocks_err; /* why they are not known */
	const char *vfio_dev;	   /* "vfio3": name in vfio-dev/, NULL none */
	struct strs reset_methods; /* flr, pm, bus …; unknown before 5.15 */
	struct device *pf;	   /* of a VF */
	struct device **vfs;	   /* of a PF, by VF number */
	size_t n_vfs;
	struct num sriov_total, sriov_num; /* from sysfs */
	struct num numa_node;
	enum tri enabled, boot_vga, removable;
	const char *power; /* runtime_status: active, suspended …; NULL unknown */
};

/* Never NULL; read once. */
const struct devinfo *device_info(struct host *h, struct device *d);

/*
 * The devices that a reset of @d takes along when it has to be a bus (or slot) reset: every function below
 * the same upstream bridge, at any depth and in other groups too. That is what the secondary bus reset of the
 * bridge reaches (pci_reset_bus() in drivers/pci/pci.c), and what VFIO_DEVICE_PCI_HOT_RESET wants the caller
 * to own (vfio_pci_ioctl_pci_hot_reset()). @d itself is not in it. By address; array in the arena.
 * -EOPNOTSUPP: not PCI; -ENOTTY: on a root bus, which nothing can reset; -ENODATA: the bridge above it is not
 * known.
 */
int device_reset_set(struct host *h, struct device *d, struct device ***ret, size_t *ret_n);

#endif
