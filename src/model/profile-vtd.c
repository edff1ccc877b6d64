// SPDX-License-Identifier: GPL-2.0-or-later
/* Intel VT-d (drivers/iommu/intel/iommu.c, nested.c). */
#include <errno.h>
#include <string.h>

#include "host/switches.h"
#include "host/units.h"
#include "host/vtd.h"
#include "model/internal.h"


#define PAGE_2M ((uint64_t)2 << 20)
#define PAGE_1G ((uint64_t)1 << 30)

/* CONFIG_INTEL_IOMMU_SCALABLE_MODE_DEFAULT_ON is what distributions have; the command line overrides it. */
static bool scalable_allowed(struct model *m)
{
	const struct switches *sw = host_switches(m->host);
	const char *word = boot_param_word(sw, "intel_iommu", "sm_");

	return !word || strcmp(word, "sm_off") != 0;
}

/* Looked up by name once, not for every attach. */
static void read_fields(struct munit *u)
{
	struct vtd_fields *f = &u->vtd;
	const struct {
		const struct reg_table *t;
		const char *name;
		uint8_t *v;
	} fields[] = {
		{ &vtd_ecap_table, "SMTS", &f->smts },	   { &vtd_ecap_table, "NEST", &f->nest },
		{ &vtd_ecap_table, "PASID", &f->pasid },   { &vtd_ecap_table, "FSTS", &f->fsts },
		{ &vtd_ecap_table, "SSTS", &f->ssts },	   { &vtd_ecap_table, "SC", &f->sc },
		{ &vtd_ecap_table, "SMPWCS", &f->smpwcs }, { &vtd_ecap_table, "C", &f->c },
		{ &vtd_ecap_table, "DT", &f->dt },	   { &vtd_ecap_table, "PRS", &f->prs },
		{ &vtd_ecap_table, "PDS", &f->pds },	   { &vtd_cap_table, "FL5LP", &f->fl5lp },
		{ &vtd_cap_table, "FL1GP", &f->fl1gp },	   { &vtd_cap_table, "RWBF", &f->rwbf },
		{ &vtd_cap_table, "CM", &f->cm },	   { &vtd_cap_table, "SAGAW", &f->sagaw },
		{ &vtd_cap_table, "SLLPS", &f->sllps },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		*fields[i].v = reg_get_named(fields[i].t, fields[i].name, fields[i].t == &vtd_cap_table ? u->cap : u->ecap);
	f->mgaw = vtd_address_width(u->cap);
}

/* Without registers, as in a snapshot that an ordinary user made: 48 bits, second stage, and nothing else. */
void vtd_read_unit(struct model *m, struct munit *u)
{
	const struct unit_info *i = unit_info(m->host, (struct unit *)u->facts);

	u->cap = i->cap.known ? (uint64_t)i->cap.v : (uint64_t)47 << 16 | 4 << 8;
	u->ecap = i->ecap.known ? (uint64_t)i->ecap.v : 0;
	read_fields(u);
	u->scalable = u->vtd.smts && scalable_allowed(m);
	u->nesting = u->scalable && u->vtd.nest;
	u->dirty = u->scalable && vtd_dirty_tracking(u->ecap);
	u->pasid_bits = u->scalable && u->vtd.pasid ? vtd_pasid_bits(u->ecap) : 0;
}

static unsigned first_stage_width(const struct munit *u)
{
	unsigned mgaw = u->vtd.mgaw;

	return mgaw > 48 && u->vtd.fl5lp ? MIN(57, mgaw) : MIN(48, mgaw);
}

/* The widest table that both the widths supported (SAGAW) and the address width (MGAW) allow. */
static unsigned second_stage_width(const struct munit *u)
{
	unsigned mgaw = u->vtd.mgaw, sagaw = u->vtd.sagaw;

	if (mgaw > 48 && sagaw >= 8)
		return MIN(57, mgaw);
	if (mgaw > 39 && sagaw >= 4)
		return MIN(48, mgaw);
	return mgaw > 30 && sagaw >= 2 ? MIN(39, mgaw) : 0;
}

static uint64_t second_stage_pages(const struct munit *u)
{
	uint64_t large = u->vtd.sllps;

	return PAGE_BYTES | (large & 1 ? PAGE_2M : 0) | (large & 2 ? PAGE_1G : 0);
}

static bool syncs_second_stage(const struct munit *u)
{
	return u->vtd.rwbf || u->vtd.cm;
}

static int alloc_first_stage(const struct munit *u, uint32_t flags, struct domain *ret)
{
	if ((flags & ~IOMMU_HWPT_ALLOC_PASID) || !u->scalable || !u->vtd.fsts)
		return -EOPNOTSUPP;
	ret->first_stage = true;
	ret->width = first_stage_width(u);
	/* addresses are sign-extended: the lower half */
	ret->aperture_last = last_of_width(ret->width - 1);
	ret->page_sizes = PAGE_BYTES | PAGE_2M | (u->vtd.fl1gp ? PAGE_1G : 0);
	return 0;
}

static int alloc_second_stage(const struct munit *u, uint32_t flags, struct domain *ret)
{
	if (flags & ~(IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING | IOMMU_HWPT_ALLOC_PASID))
		return -EOPNOTSUPP;
	if (((flags & IOMMU_HWPT_ALLOC_NEST_PARENT) && !u->nesting) || ((flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING) && !u->dirty))
		return -EOPNOTSUPP;
	if (u->scalable && !u->vtd.ssts)
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

	if (!u->scalable || !u->vtd.fsts)
		return -EINVAL;
	if (!u->vtd.smpwcs && of->vtd.smpwcs)
		return -EINVAL;
	if (!u->vtd.fl5lp && d->width > 48)
		return -EINVAL;
	if (!u->vtd.fl1gp && (d->page_sizes & PAGE_1G))
		return -EINVAL;
	return u->vtd.rwbf && !of->vtd.rwbf ? -EINVAL : 0;
}

static bool walks_coherently(const struct munit *u)
{
	return u->scalable ? u->vtd.smpwcs : u->vtd.c;
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
	if (u->scalable && !u->vtd.ssts)
		return -EINVAL;
	if (!walks_coherently(u) && walks_coherently(d->unit))
		return -EINVAL;
	if (u->vtd.mgaw < d->width || !(u->vtd.sagaw & table_bit(d->width)))
		return -EINVAL;
	if (d->page_sizes & ~second_stage_pages(u))
		return -EINVAL;
	if (syncs_second_stage(u) && !syncs_second_stage(d->unit))
		return -EINVAL;
	return d->forced_snoop && !u->vtd.sc ? -EINVAL : 0;
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
