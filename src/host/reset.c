// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a bus reset takes along. The kernel has no reset of one function that asks the bus: without FLR, a PM
 * or a device-specific reset, it pulls the secondary bus reset of the bridge above (pci_parent_bus_reset(),
 * only when the function is alone there), and VFIO's hot reset does the same with company (pci_reset_bus();
 * for a hotplug slot the slot's own power, which reaches the same devices). Everything behind that bridge
 * goes through reset, switches and what is below them too.
 */
#include "host/devinfo.h"

#include <errno.h>

#include "base/vec.h"
#include "host/topology.h"

int device_reset_set(struct host *h, struct device *d, struct device ***ret, size_t *ret_n)
{
	VEC(struct device *) set = { 0 };
	struct device *bridge;

	if (!d->is_pci)
		return -EOPNOTSUPP;
	if (device_missing_bridge(h, d))
		return -ENODATA;
	bridge = device_upstream(h, d);
	if (!bridge)
		return device_path(h, d) || d->addr.bus == 0 ? -ENOTTY : -ENODATA;
	for (size_t i = 0; i < h->n_devices && h->devices[i].is_pci; i++) {
		struct device *other = &h->devices[i];

		if (other != d && other->addr.domain == d->addr.domain && device_is_below(h, other, bridge))
			*vec_push(&set) = other;
	}
	*ret = (struct device **)arena_memdup(&h->arena, set.v, set.n * sizeof(*set.v));
	*ret_n = set.n;
	vec_free(&set);
	return 0;
}
