// SPDX-License-Identifier: GPL-2.0-or-later
/* Intel VT-d (drivers/iommu/intel/iommu.c, nested.c). */
#include <errno.h>
#include <string.h>

#include "host/units.h"
#include "host/vtd.h"
#include "model/internal.h"

/* What can be taken away by injection. */
#define ECAP_NEST  ((uint64_t)1 << 26)
#define ECAP_PASID ((uint64_t)1 << 40)
#define ECAP_SSADS ((uint64_t)1 << 45)

/* Without registers, as in a snapshot that an ordinary user made: 48 bits, second stage, and nothing else. */
void vtd_read_unit(struct model *m, struct munit *u)
{
	const struct unit_info *i = unit_info(m->host, (struct unit *)u->facts);

	u->cap = i->cap.known ? (uint64_t)i->cap.v : (uint64_t)47 << 16 | 4 << 8;
	u->ecap = i->ecap.known ? (uint64_t)i->ecap.v : 0;
	u->ecap &= ~((m->opt.no_nesting ? ECAP_NEST : 0) | (m->opt.no_dirty ? ECAP_SSADS : 0) | (m->opt.no_pasid ? ECAP_PASID : 0));
	vtd_unit_read(m->host, u->cap, u->ecap, &u->vtd);
	u->scalable = u->vtd.scalable;
	u->nesting = u->vtd.nesting;
	u->dirty = u->vtd.dirty;
	u->pasid_bits = u->scalable && u->vtd.pasid ? vtd_pasid_bits(u->ecap) : 0;
}

static int vtd_alloc(const struct mdev *dev, uint32_t flags, const struct user_data *u, struct domain *ret)
{
	struct vtd_table t;
	int r = u ? -EOPNOTSUPP : vtd_table_make(&dev->unit->vtd, flags, &t);

	if (r < 0)
		return r;
	ret->first_stage = t.first_stage;
	ret->width = t.width;
	ret->aperture_last = t.last;
	ret->page_sizes = t.page_sizes;
	ret->dirty_ops = t.dirty;
	return 0;
}

/* Whether a page table made for one unit will do for another (paging_domain_compatible()). */
static int fits(const struct domain *d, const struct munit *u)
{
	const struct vtd_table t = {
		.first_stage = d->first_stage, .nest_parent = d->nest_parent, .dirty = d->dirty_ops, .snoop = d->forced_snoop,
		.width = d->width, .last = d->aperture_last, .page_sizes = d->page_sizes,
	};

	return vtd_table_misfit(&t, &d->unit->vtd, &u->vtd) ? -EINVAL : 0;
}

/* Page requests want PRI and ATS of both sides (intel_iommu_enable_iopf()). */
static int requests(const struct hwpt *h, const struct mdev *dev)
{
	const struct munit *u = dev->unit;

	if (!h->fault)
		return 0;
	return u->scalable && u->vtd.prs && u->vtd.pds && u->vtd.dt && dev->has_pri && dev->has_ats ? 0 : -ENODEV;
}

static int vtd_attach(const struct hwpt *h, struct mdev *dev)
{
	int r = fits(h->domain.nested ? &h->domain.parent->domain : &h->domain, dev->unit);

	return r < 0 ? r : requests(h, dev);
}

static int vtd_set_pasid(const struct hwpt *h, struct mdev *dev, uint32_t pasid)
{
	(void)pasid;
	if (!h)
		return 0;
	if (!dev->unit->scalable || !dev->unit->vtd.pasid)
		return -EOPNOTSUPP;
	return vtd_attach(h, dev);
}

static bool vtd_enforces_snoop(const struct mdev *dev)
{
	return dev->unit->vtd.sc;
}

static bool vtd_tracks_dirty(const struct mdev *dev)
{
	return dev->unit->dirty;
}

static bool vtd_takes_ats(const struct mdev *dev)
{
	return dev->unit->vtd.dt && dev->has_ats;
}

static size_t vtd_hwinfo(const struct mdev *dev, void *ret)
{
	struct iommu_hw_info_vtd info = {
		.flags = IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17,
		.cap_reg = dev->unit->cap,
		.ecap_reg = dev->unit->ecap,
	};

	memcpy(ret, &info, sizeof(info));
	return sizeof(info);
}

/* -- nested ------------------------------------------------------------------------------------------------------------------- */

static int vtd_nested(const struct mdev *dev, const struct domain *parent, uint32_t flags, const struct user_data *u,
		      struct domain *ret)
{
	struct iommu_hwpt_vtd_s1 s1;

	(void)ret;
	if (!dev->unit->nesting || (flags & ~IOMMU_HWPT_ALLOC_PASID) || u->type != IOMMU_HWPT_DATA_VTD_S1)
		return -EOPNOTSUPP;
	if (parent->first_stage || !parent->nest_parent)
		return -EINVAL;
	return user_data_copy(u, IOMMU_HWPT_DATA_VTD_S1, &s1, sizeof(s1), sizeof(s1));
}

static int check_entry(const struct iommu_hwpt_vtd_s1_invalidate *inv)
{
	if ((inv->flags & ~IOMMU_VTD_INV_FLAGS_LEAF) || inv->reserved)
		return -EOPNOTSUPP;
	return inv->addr % PAGE_4K || (inv->npages == UINT64_MAX && inv->addr) ? -EINVAL : 0;
}

static int vtd_invalidate(struct domain *d, struct inv_array *a)
{
	uint32_t n = a->n;
	int r = a->type == IOMMU_HWPT_INVALIDATE_DATA_VTD_S1 ? 0 : -EINVAL;

	(void)d;
	a->n = 0;
	while (r == 0 && a->n < n) {
		struct iommu_hwpt_vtd_s1_invalidate inv;

		r = inv_copy(a, IOMMU_HWPT_INVALIDATE_DATA_VTD_S1, a->n, &inv, sizeof(inv), sizeof(inv));
		if (r == 0)
			r = check_entry(&inv);
		a->n += r == 0;
	}
	return r;
}

const struct profile profile_vtd = {
	.name = "vt-d",
	.takes_flags = true,
	.hwinfo_type = IOMMU_HW_INFO_TYPE_INTEL_VTD,
	.alloc_paging = vtd_alloc,
	.alloc_nested = vtd_nested,
	.attach = vtd_attach,
	.set_pasid = vtd_set_pasid,
	.enforces_snoop = vtd_enforces_snoop,
	.tracks_dirty = vtd_tracks_dirty,
	.takes_ats = vtd_takes_ats,
	.hwinfo = vtd_hwinfo,
	.invalidate = vtd_invalidate,
};
