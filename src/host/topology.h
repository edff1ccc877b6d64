/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is below whom on the PCI tree. From sysfs paths, so it needs no config space. */
#ifndef IOMMUCTL_HOST_TOPOLOGY_H
#define IOMMUCTL_HOST_TOPOLOGY_H

#include "host/host.h"

/* The PCI bridge upstream of @d; NULL on a root bus (or for a device that is not PCI). VFs: that of their PF. */
struct device *device_upstream(struct host *h, struct device *d);

/* Whether @d sits (at any depth) below @bridge. */
bool device_is_below(struct host *h, struct device *d, const struct device *bridge);

#endif
