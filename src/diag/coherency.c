// SPDX-License-Identifier: GPL-2.0-or-later
#include "diag/coherency.h"

#include <string.h>

#include "base/str.h"
#include "host/acpi.h"
#include "host/devtree.h"
#include "host/holders.h"

static enum tri from_iort(struct host *h, const struct unit *u)
{
	const char *at = strchr(u->name, '.');
	const struct acpi_unit *fw;
	uint64_t base;

	if (!at || parse_u64(at + 1, &base) < 0)
		return TRI_UNKNOWN;
	fw = acpi_find_unit(host_acpi(h), u->kind, base, NULL);
	return fw ? fw->coherent : TRI_UNKNOWN;
}

static enum tri from_device_tree(struct host *h, const struct unit *u, const char **ret_file)
{
	char dir[SRC_PATH_MAX];
	const char *node;

	PATHF(dir, "sys/class/iommu/%s/device", u->name);
	if (devtree_node(h, dir, &node) < 0)
		return TRI_UNKNOWN;
	*ret_file = arena_printf(&h->arena, "/%s/dma-coherent", node);
	return devtree_coherent(h, node);
}

static bool proven(struct host *h, const struct unit *u)
{
	for (size_t i = 0; i < h->n_devices; i++)
		if (h->devices[i].unit == u && device_on_vfio(h, &h->devices[i]))
			return true;
	return false;
}

static enum tri find_out(struct host *h, const struct unit *u, const char **ret_file)
{
	enum tri is;

	if ((u->kind != UNIT_SMMUV3 && u->kind != UNIT_SMMUV2) || proven(h, u))
		return TRI_YES;
	*ret_file = "/sys/firmware/acpi/tables/IORT";
	is = from_iort(h, u);
	if (is == TRI_UNKNOWN)
		is = from_device_tree(h, u, ret_file);
	return is == TRI_NO && u->kind == UNIT_SMMUV2 ? TRI_UNKNOWN : is;
}

enum tri unit_coherent(struct host *h, struct unit *u, const char **ret_file)
{
	if (!u->coherent_done_) {
		u->coherent_done_ = true;
		u->coherent_ = find_out(h, u, &u->coherent_file_);
	}
	*ret_file = u->coherent_file_;
	return u->coherent_;
}
