// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/msi.h"

#include "source/probes.h"

/* Where every driver has put it so far (MSI_IOVA_BASE). */
#define SW_WINDOW 0x8000000

bool msi_window_is_software(const struct unit *u, const struct region *r)
{
	if (!u || r->type != REGION_MSI)
		return false;
	switch (u->kind) {
	case UNIT_SMMUV3:
	case UNIT_SMMUV2:
		return true;
	case UNIT_VIRTIO:
		return r->start == SW_WINDOW;
	default:
		return false;
	}
}

static const struct unit *unit_of(const struct group *g)
{
	for (size_t i = 0; i < g->n_devices; i++)
		if (g->devices[i]->unit)
			return g->devices[i]->unit;
	return NULL;
}

static const struct region *window_of(const struct group *g)
{
	for (size_t i = 0; i < g->n_regions; i++)
		if (g->regions[i].type == REGION_MSI)
			return &g->regions[i];
	return NULL;
}

struct msi_facts group_msi(const struct group *g)
{
	struct msi_facts f = { .unit = unit_of(g), .window = window_of(g) };

	if (!f.unit)
		return f;
	switch (f.unit->kind) {
	case UNIT_VTD:
	case UNIT_AMD:
		f.route = MSI_REMAPPED;
		break;
	case UNIT_SMMUV3:
	case UNIT_SMMUV2:
		f.route = MSI_TRANSLATED;
		break;
	case UNIT_VIRTIO:
		if (f.window)
			f.route = msi_window_is_software(f.unit, f.window) ? MSI_TRANSLATED : MSI_REMAPPED;
		break;
	default:
		break;
	}
	return f;
}

enum tri msi_follows(struct host *h)
{
	struct probes p;

	if (source_probes(h->src, h->ctx, &h->arena, &p) < 0)
		return TRI_UNKNOWN;
	if (p.symbols[SYM_SW_MSI] == TRI_YES)
		return TRI_YES;
	/* that it is missing tells something only beside the rest of iommufd, and where it was asked for at all */
	return p.symbols[SYM_SW_MSI] == TRI_NO && p.symbols[SYM_IOMMUFD_BIND] == TRI_YES ? TRI_NO : TRI_UNKNOWN;
}
