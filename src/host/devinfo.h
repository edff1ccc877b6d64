/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dearer facts of one device: what hangs on it, how it can be reset, what it is set to. */
#ifndef IOMMUCTL_HOST_DEVINFO_H
#define IOMMUCTL_HOST_DEVINFO_H

#include "host/host.h"
#include "out/record.h"

struct devinfo {
	const char *override; /* driver_override; NULL none */
	int override_err;     /* -ENOENT: this bus has none */
	struct strs netdevs;  /* eth0 … */
	struct strs blocks;   /* nvme0n1, sda … (disks, no partitions) */
	const char *vfio_dev; /* "vfio3": name in vfio-dev/, NULL none */
	struct strs reset_methods; /* flr, pm, bus …; unknown before 5.15 */
	struct device *pf;    /* of a VF */
	struct device **vfs;  /* of a PF */
	size_t n_vfs;
	struct num sriov_total, sriov_num; /* from sysfs */
	struct num numa_node;
	enum tri enabled, boot_vga, removable;
	const char *power; /* runtime_status: active, suspended …; NULL unknown */
};

/* Never NULL; read once. */
const struct devinfo *device_info(struct host *h, struct device *d);

/*
 * The devices that a reset of @d takes along when it has to be a bus (or slot) reset: every function below the same
 * upstream bridge, in other groups too. @d itself is not in it. 0 or negative errno; array in the arena.
 */
int device_reset_set(struct host *h, struct device *d, struct device ***ret, size_t *ret_n);

#endif
