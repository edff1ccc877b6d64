/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What load.c, facts.c and host.c share. */
#ifndef IOMMUCTL_HOST_LOAD_H
#define IOMMUCTL_HOST_LOAD_H

#include "host/host.h"

#define GROUPS "sys/kernel/iommu_groups"
#define PCI_DEVICES "sys/bus/pci/devices"

/* PCI by address, then other buses by name of bus and device: the order of host->devices. */
int device_cmp(const struct device *a, const struct device *b);
int device_qsort(const void *a, const void *b);
int group_qsort(const void *a, const void *b); /* by id: the order of host->groups */

/*
 * Where a relative link leads: "../../../devices/x/y" seen from "sys/bus/pci/devices" is
 * "sys/devices/x/y". In the arena; NULL for an absolute link or one that leaves the root: sysfs has
 * neither.
 */
const char *link_resolve(struct arena *a, const char *dir, const char *link);

/* "c" of "a/b/c". */
const char *last_component(const char *path);

/* The devices on other buses than PCI, sorted by name alone; in the arena. */
struct device **other_devices(struct host *h, size_t *ret_n);

/* A device by the last component of its directory: an address, or a name among @others. Names are unique enough for links; one of those that have it. */
struct device *device_by_name(const struct host *h, struct device *const *others, size_t n, const char *name);

/* Reads what @want (enum host_want) asks for, of everything that was listed. */
void host_load_facts(struct host *h, unsigned want);

#endif
