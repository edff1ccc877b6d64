/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which devices a driver module would take by its `ids=` as soon as it is loaded. */
#ifndef IOMMUCTL_HOST_IDS_H
#define IOMMUCTL_HOST_IDS_H

#include "host/host.h"

/*
 * Whether @d matches one of the ids in the module's options ("ids=10de:1b80,8086:10d3:ffff:ffff disable_idle_d3=1"):
 * vendor:device[:subvendor[:subdevice[:class[:mask]]]] in hex, as vfio_pci_fill_ids() reads them. False when its ids are unknown.
 */
bool ids_match(const char *options, const struct device *d);

#endif
