// SPDX-License-Identifier: GPL-2.0-or-later
/* Who owns a group's DMA, and its default domain (drivers/iommu/iommu.c). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "model/internal.h"

struct attach *group_attach(const struct mgroup *g, uint32_t pasid)
{
	for (size_t i = 0; i < g->attaches.n; i++)
		if (g->attaches.v[i]->pasid == pasid)
			return g->attaches.v[i];
	return NULL;
}

int group_use_dma(struct mgroup *g)
{
	if (g->owner_cnt && g->owner != OWNER_NOBODY && g->owner != OWNER_KERNEL_DMA)
		return -EBUSY;
	g->owner = OWNER_KERNEL_DMA;
	g->owner_cnt++;
	return 0;
}

void group_unuse_dma(struct mgroup *g)
{
	if (g->owner_cnt && --g->owner_cnt == 0)
		g->owner = OWNER_NOBODY;
}

/* A region that must stay mapped one to one forbids the blocking domain (__iommu_device_set_domain()). */
static bool must_stay_mapped(const struct mgroup *g)
{
	const struct region *r;

	vec_for_each(r, &g->regions)
		if (r->type == REGION_DIRECT)
			return true;
	return false;
}

int group_claim(struct mgroup *g, enum owns who)
{
	/* a container claims the group as a whole and once; devices of one iommufd each count */
	if (g->owner_cnt && (g->owner != who || who != OWNER_US))
		return -EPERM;
	if (!g->owner_cnt && must_stay_mapped(g))
		return -EINVAL;
	g->owner = who;
	g->owner_cnt++;
	return 0;
}

void group_release(struct mgroup *g)
{
	group_unuse_dma(g);
}

/* -- the default domain ---------------------------------------------------------------------------------------- */

/* What `auto` comes to: the driver's own wish is unknown, so the domain that the machine has by default stays. */
static const char *auto_type(const struct model *m, const struct mgroup *g)
{
	for (const struct mgroup *o = m->groups; o; o = o->next)
		if (o != g && !o->type_changed && (streq(o->type.s, "DMA") || streq(o->type.s, "DMA-FQ") || streq(o->type.s, "identity")))
			return o->type.s;
	return g->facts && g->facts->type ? g->facts->type : "DMA";
}

static void set_type(struct model *m, struct mgroup *g, const char *word)
{
	if (streq(g->type.s, word))
		return;
	snprintf(g->type.s, sizeof(g->type.s), "%s", word);
	g->type_changed = true;
	facts_type(m, g);
}

/* The order of the checks is iommu_group_store_type()'s. Who asks is taken for root. */
int model_set_group_type(struct backend *b, uint32_t id, const char *type)
{
	struct model *m = to_model(b);
	struct mgroup *g = board_group(m, id);

	if (!g)
		return -ENOENT;
	if (!*g->type.s || streq(g->type.s, "unknown"))
		return -EINVAL;
	if (!streq(type, "identity") && !streq(type, "DMA") && !streq(type, "DMA-FQ") && !streq(type, "auto"))
		return -EINVAL;
	if (streq(type, "DMA-FQ") && streq(g->type.s, "DMA")) {
		set_type(m, g, type);
		return 0;
	}
	if (!g->devs.n || g->owner_cnt)
		return -EPERM;
	if (streq(g->type.s, "blocked")) /* the selftest's driver knows no other */
		return -EINVAL;
	set_type(m, g, streq(type, "auto") ? auto_type(m, g) : type);
	return 0;
}
