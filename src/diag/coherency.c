// SPDX-License-Identifier: GPL-2.0-or-later
#include "diag/coherency.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "host/acpi.h"
#include "host/holders.h"

#define TREE "firmware/devicetree/base"

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

/* The property counts for the node and all below it. An empty file: it is there or not. */
static enum tri from_node(struct host *h, char *node)
{
	char path[SRC_PATH_MAX], text[16];

	for (;;) {
		int r;

		PATHF(path, "%s/dma-coherent", node);
		r = source_read_attr(h->src, path, text, sizeof(text));
		if (r == 0)
			return TRI_YES;
		PATHF(path, "%s/dma-noncoherent", node);
		if (r != -ENOENT)
			return TRI_UNKNOWN;
		if (source_exists(h->src, path) || strends(node, TREE))
			return TRI_NO;
		*strrchr(node, '/') = '\0';
	}
}

static enum tri from_device_tree(struct host *h, const struct unit *u, const char **ret_file)
{
	char path[SRC_PATH_MAX], link[SRC_PATH_MAX], node[SRC_PATH_MAX];
	const char *in_tree;

	PATHF(path, "sys/class/iommu/%s/device/of_node", u->name);
	if (source_readlink(h->src, path, link, sizeof(link)) < 0)
		return TRI_UNKNOWN;
	in_tree = strstr(link, TREE "/");
	if (!in_tree || strstr(in_tree, ".."))
		return TRI_UNKNOWN;
	PATHF(node, "sys/%s", in_tree);
	*ret_file = arena_printf(&h->arena, "/%s/dma-coherent", node);
	return from_node(h, node);
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
