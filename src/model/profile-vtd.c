// SPDX-License-Identifier: GPL-2.0-or-later
/* Intel VT-d (drivers/iommu/intel/iommu.c, nested.c). */
#include <errno.h>
#include <string.h>

#include "host/switches.h"
#include "host/units.h"
#include "host/vtd.h"
#include "model/internal.h"

#define CAP(u, field) reg_get_named(&vtd_cap_table, field, (u)->cap)
#define ECAP(u, field) reg_get_named(&vtd_ecap_table, field, (u)->ecap)

#define PAGE_2M ((uint64_t)2 << 20)
#define PAGE_1G ((uint64_t)1 << 30)

/* CONFIG_INTEL_IOMMU_SCALABLE_MODE_DEFAULT_ON is what distributions have; the command line overrides it. */
static bool scalable_allowed(struct model *m)
{
	const struct switches *sw = host_switches(m->host);
	const char *word = boot_param_word(sw, "intel_iommu", "sm_");

	return !word || strcmp(word, "sm_off") != 0;
}

/* Without registers, as in a snapshot that an ordinary user made: 48 bits, second stage, and nothing else. */
void vtd_read_unit(struct model *m, struct munit *u)
{
	const struct unit_info *i = unit_info(m->host, (struct unit *)u->facts);

	u->cap = i->cap.known ? (uint64_t)i->cap.v : (uint64_t)47 << 16 | 4 << 8;
	u->ecap = i->ecap.known ? (uint64_t)i->ecap.v : 0;
	u->scalable = ECAP(u, "SMTS") && scalable_allowed(m);
	u->nesting = u->scalable && ECAP(u, "NEST");
	u->dirty = u->scalable && vtd_dirty_tracking(u->ecap);
	u->pasid_bits = u->scalable && ECAP(u, "PASID") ? vtd_pasid_bits(u->ecap) : 0;
}

static unsigned first_stage_width(const struct munit *u)
{
	unsigned mgaw = vtd_address_width(u->cap);

	return mgaw > 48 && CAP(u, "FL5LP") ? MIN(57, mgaw) : MIN(48, mgaw);
}

/* The widest table that both the widths supported (SAGAW) and the address width (MGAW) allow. */
static unsigned second_stage_width(const struct munit *u)
{
	unsigned mgaw = vtd_address_width(u->cap), sagaw = CAP(u, "SAGAW");

	if (mgaw > 48 && sagaw >= 8)
		return MIN(57, mgaw);
	if (mgaw > 39 && sagaw >= 4)
		return MIN(48, mgaw);
	return mgaw > 30 && sagaw >= 2 ? MIN(39, mgaw) : 0;
}

static uint64_t second_stage_pages(const struct munit *u)
{
	uint64_t large = CAP(u, "SLLPS");

	return PAGE_BYTES | (large & 1 ? PAGE_2M : 0) | (large & 2 ? PAGE_1G : 0);
}

static bool syncs_second_stage(const struct munit *u)
{
	return CAP(u, "RWBF") || CAP(u, "CM");
}

static int alloc_first_stage(const struct munit *u, uint32_t flags, struct domain *ret)
{
	if ((flags & ~IOMMU_HWPT_ALLOC_PASID) || !u->scalable || !ECAP(u, "FSTS"))
		return -EOPNOTSUPP;
	ret->first_stage = true;
	ret->width = first_stage_width(u);
	/* addresses are sign-extended: the lower half */
	ret->aperture_last = last_of_width(ret->width - 1);
	ret->page_sizes = PAGE_BYTES | PAGE_2M | (CAP(u, "FL1GP") ? PAGE_1G : 0);
	return 0;
}

static int alloc_second_stage(const struct munit *u, uint32_t flags, struct domain *ret)
{
	if (flags & ~(IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING | IOMMU_HWPT_ALLOC_PASID))
		return -EOPNOTSUPP;
	if (((flags & IOMMU_HWPT_ALLOC_NEST_PARENT) && !u->nesting) || ((flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING) && !u->dirty))
		return -EOPNOTSUPP;
	if (u->scalable && !ECAP(u, "SSTS"))
		return -EOPNOTSUPP;
	ret->width = second_stage_width(u);
	if (!ret->width)
		return -EOPNOTSUPP;
	ret->aperture_last = last_of_width(ret->width);
	ret->page_sizes = second_stage_pages(u);
	ret->dirty_ops = flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING;
	return 0;
}

static int vtd_alloc(const struct mdev *dev, uint32_t flags, const struct user_data *u, struct domain *ret)
{
	int r;

	if (u)
		return -EOPNOTSUPP;
	r = alloc_first_stage(dev->unit, flags, ret);
	return r == -EOPNOTSUPP ? alloc_second_stage(dev->unit, flags, ret) : r;
}

/* -- whether a page table made for one unit will do for another (paging_domain_compatible()) -------------------------------- */

static int first_stage_fits(const struct domain *d, const struct munit *u)
{
	const struct munit *of = d->unit;

	if (!u->scalable || !ECAP(u, "FSTS"))
		return -EINVAL;
	if (!ECAP(u, "SMPWCS") && ECAP(of, "SMPWCS"))
		return -EINVAL;
	if (!CAP(u, "FL5LP") && d->width > 48)
		return -EINVAL;
	if (!CAP(u, "FL1GP") && (d->page_sizes & PAGE_1G))
		return -EINVAL;
	return CAP(u, "RWBF") && !CAP(of, "RWBF") ? -EINVAL : 0;
}

static bool walks_coherently(const struct munit *u)
{
	return u->scalable ? ECAP(u, "SMPWCS") : ECAP(u, "C");
}

/* The bit of SAGAW for a table of that width: 39, 48, 57. */
static unsigned table_bit(unsigned width)
{
	return width > 48 ? 8 : width > 39 ? 4 : 2;
}

static int second_stage_fits(const struct domain *d, const struct munit *u)
{
	if ((d->dirty_ops && !u->dirty) || (d->nest_parent && !u->nesting))
		return -EINVAL;
	if (u->scalable && !ECAP(u, "SSTS"))
		return -EINVAL;
	if (!walks_coherently(u) && walks_coherently(d->unit))
		return -EINVAL;
	if (vtd_address_width(u->cap) < d->width || !(CAP(u, "SAGAW") & table_bit(d->width)))
		return -EINVAL;
	if (d->page_sizes & ~second_stage_pages(u))
		return -EINVAL;
	if (syncs_second_stage(u) && !syncs_second_stage(d->unit))
		return -EINVAL;
	return d->forced_snoop && !ECAP(u, "SC") ? -EINVAL : 0;
}

static int fits(const struct domain *d, const struct munit *u)
{
	return d->first_stage ? first_stage_fits(d, u) : second_stage_fits(d, u);
}

/* Page requests want PRI and ATS of both sides (intel_iommu_enable_iopf()). */
static int requests(const struct hwpt *h, const struct mdev *dev)
{
	const struct munit *u = dev->unit;

	if (!h->fault)
		return 0;
	return u->scalable && ECAP(u, "PRS") && ECAP(u, "PDS") && ECAP(u, "DT") && dev->has_pri && dev->has_ats ? 0 : -ENODEV;
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
	if (!dev->unit->scalable || !ECAP(dev->unit, "PASID"))
		return -EOPNOTSUPP;
	return vtd_attach(h, dev);
}

static bool vtd_enforces_snoop(const struct mdev *dev)
{
	return ECAP(dev->unit, "SC");
}

static bool vtd_tracks_dirty(const struct mdev *dev)
{
	return dev->unit->dirty;
}

static bool vtd_takes_ats(const struct mdev *dev)
{
	return ECAP(dev->unit, "DT") && dev->has_ats;
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
	return inv->addr % PAGE_BYTES || (inv->npages == UINT64_MAX && inv->addr) ? -EINVAL : 0;
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
