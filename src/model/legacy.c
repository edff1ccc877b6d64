// SPDX-License-Identifier: GPL-2.0-or-later
/* The old way: a group's node, which can be open once, and a type1 container (drivers/vfio/group.c, vfio_iommu_type1.c). */
#include <errno.h>

#include "base/str.h"
#include "host/holders.h"
#include "model/internal.h"

static bool open_elsewhere(struct model *m, const struct mgroup *g)
{
	struct holder_list list = { 0 };

	if (g->owner == OWNER_US)
		return true; /* bound by its own node */
	if (g->owner == OWNER_OTHERS)
		group_holders(m->host, g->facts, &list);
	return list.n;
}

/* A page table as the driver makes it for nobody in particular. */
static int make_domain(struct mdev *dev, struct domain *ret)
{
	*ret = (struct domain){ .profile = dev->unit->profile, .unit = dev->unit };
	return ret->profile->alloc_paging(dev, 0, NULL, ret);
}

/* SET_CONTAINER claims the group; SET_IOMMU attaches it (vfio_iommu_type1_attach_group()). */
static int open_group(struct model *m, struct mgroup *g, struct mdev *dev)
{
	struct domain domain;
	int r;

	if (open_elsewhere(m, g))
		return -EBUSY;
	r = group_claim(g, OWNER_LEGACY);
	if (r < 0)
		return r;
	r = m->isolated_msi || m->unsafe_interrupts ? make_domain(dev, &domain) : -EPERM;
	if (r < 0) {
		group_release(g);
		return r;
	}
	g->container = must_calloc(1, sizeof(*g->container));
	g->container->domain = domain;
	return 0;
}

int legacy_open(struct model *m, struct handle *h)
{
	struct mgroup *g = h->dev->group;
	int r = 0;

	if (!g || !h->dev->unit)
		return -ENOENT;
	if (!g->container)
		r = open_group(m, g, h->dev);
	if (r < 0)
		return r;
	g->container->users++;
	h->legacy = true;
	return 0;
}

static void drop_map(struct container *c, struct range *r)
{
	range_remove(&c->maps, r);
	free(r);
}

void container_put(struct mgroup *g)
{
	struct container *c = g->container;

	if (--c->users)
		return;
	while (c->maps.root)
		drop_map(c, c->maps.root);
	free(c);
	g->container = NULL;
	group_release(g);
}

static int get_container(struct backend *b, uint32_t handle, struct mgroup **ret)
{
	struct handle *h;
	int r = handle_get(to_model(b), handle, &h);

	if (r < 0)
		return r;
	if (!h->legacy)
		return -EOPNOTSUPP;
	*ret = h->dev->group;
	return 0;
}

/* Pages that are smaller than the kernel's are not used (vfio_update_pgsize_bitmap()). */
static uint64_t page_mask(const struct container *c)
{
	return MAX(c->domain.page_sizes & -c->domain.page_sizes, c->domain.unit->page) - 1;
}

/* Within the aperture, and off the reserved regions, a software window of interrupts too (vfio_iommu_iova_dma_valid(), vfio_iommu_resv_exclude()). */
static bool may_map(const struct mgroup *g, uint64_t start, uint64_t last)
{
	const struct domain *d = &g->container->domain;
	const struct region *r;

	if (start < d->aperture_first || last > d->aperture_last)
		return false;
	vec_for_each(r, &g->regions)
		if (r->type != REGION_DIRECT_RELAXABLE && r->start <= last && r->end >= start)
			return false;
	return true;
}

int model_legacy_map(struct backend *b, struct op_legacy_map *op, struct op_data *d)
{
	struct mgroup *g;
	struct range *m;
	uint64_t last;
	int r = get_container(b, op->handle, &g);

	(void)d;
	if (r < 0)
		return r;
	if (!op->length || ((op->length | op->iova) & page_mask(g->container)) || !(op->flags & (OP_MAP_READ | OP_MAP_WRITE)))
		return -EINVAL;
	if (op->iova > UINT64_MAX - (op->length - 1))
		return -EINVAL;
	last = op->iova + (op->length - 1);
	if (range_first(&g->container->maps, op->iova, last))
		return -EEXIST;
	if (!may_map(g, op->iova, last))
		return -EINVAL;
	m = must_calloc(1, sizeof(*m));
	m->start = op->iova;
	m->last = last;
	range_insert(&g->container->maps, m);
	return 0;
}

/* vfio_dma_do_unmap() of type1v2: maps go whole, and none is no error. */
static int check_unmap(const struct container *c, uint64_t start, uint64_t length)
{
	const struct range *r;

	if (!length || ((length | start) & page_mask(c)) || start > UINT64_MAX - (length - 1))
		return -EINVAL;
	r = range_first(&c->maps, start, start);
	if (r && r->start != start)
		return -EINVAL;
	r = range_first(&c->maps, start + (length - 1), start + (length - 1));
	return r && r->last != start + (length - 1) ? -EINVAL : 0;
}

int model_legacy_unmap(struct backend *b, struct op_legacy_unmap *op, struct op_data *d)
{
	bool all = !op->iova && op->length == UINT64_MAX;
	struct mgroup *g;
	struct range *m;
	uint64_t last, bytes = 0;
	int r = get_container(b, op->handle, &g);

	(void)d;
	if (r == 0 && !all)
		r = check_unmap(g->container, op->iova, op->length);
	if (r < 0)
		return r;
	last = all ? UINT64_MAX : op->iova + (op->length - 1);
	while ((m = range_first(&g->container->maps, op->iova, last))) {
		bytes += m->last - m->start + 1;
		drop_map(g->container, m);
	}
	op->ret_length = bytes;
	return 0;
}
