// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/vtd-tables.h"

#include <errno.h>
#include <string.h>

#include "abi/iommufd.h"
#include "host/switches.h"
#include "host/vtd.h"

#define PAGE_4K ((uint64_t)4 << 10)
#define PAGE_2M ((uint64_t)2 << 20)
#define PAGE_1G ((uint64_t)1 << 30)

static uint64_t last_of_width(unsigned bits)
{
	return bits >= 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
}

/* The command line counts before the configuration (intel_iommu_setup()); where neither can be seen, it is on, as distributions have it. */
static bool scalable_allowed(struct host *h)
{
	const struct switches *sw = host_switches(h);
	const char *on = boot_param_word(sw, "intel_iommu", "sm_on"), *off = boot_param_word(sw, "intel_iommu", "sm_off");

	if (on || off)
		return on && (!off || off < on); /* both point into the command line, where the last one counts */
	return !kconfig_is_off(sw, CONFIG_INTEL_IOMMU_SCALABLE_MODE_DEFAULT_ON);
}

void vtd_unit_read(struct host *h, uint64_t cap, uint64_t ecap, struct vtd_unit *ret)
{
	const struct {
		const struct reg_table *t;
		const char *name;
		uint8_t *v;
	} fields[] = {
		{ &vtd_ecap_table, "SMTS", &ret->smts },     { &vtd_ecap_table, "NEST", &ret->nest },
		{ &vtd_ecap_table, "PASID", &ret->pasid },   { &vtd_ecap_table, "FSTS", &ret->fsts },
		{ &vtd_ecap_table, "SSTS", &ret->ssts },     { &vtd_ecap_table, "SC", &ret->sc },
		{ &vtd_ecap_table, "SMPWCS", &ret->smpwcs }, { &vtd_ecap_table, "C", &ret->c },
		{ &vtd_ecap_table, "DT", &ret->dt },	     { &vtd_ecap_table, "PRS", &ret->prs },
		{ &vtd_ecap_table, "PDS", &ret->pds },	     { &vtd_cap_table, "FL5LP", &ret->fl5lp },
		{ &vtd_cap_table, "FL1GP", &ret->fl1gp },    { &vtd_cap_table, "RWBF", &ret->rwbf },
		{ &vtd_cap_table, "CM", &ret->cm },	     { &vtd_cap_table, "SAGAW", &ret->sagaw },
		{ &vtd_cap_table, "SLLPS", &ret->sllps },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		*fields[i].v = reg_get_named(fields[i].t, fields[i].name, fields[i].t == &vtd_cap_table ? cap : ecap);
	ret->mgaw = vtd_address_width(cap);
	ret->scalable = ret->smts && scalable_allowed(h);
	ret->nesting = ret->scalable && ret->nest;
	ret->dirty = ret->scalable && vtd_dirty_tracking(ecap);
}

/* -- making one ------------------------------------------------------------------------------------------------------------ */

static unsigned first_stage_width(const struct vtd_unit *u)
{
	unsigned mgaw = u->mgaw;

	return mgaw > 48 && u->fl5lp ? MIN(57, mgaw) : MIN(48, mgaw);
}

/* The widest table that both the widths supported (SAGAW) and the address width (MGAW) allow. */
static unsigned second_stage_width(const struct vtd_unit *u)
{
	unsigned mgaw = u->mgaw, sagaw = u->sagaw;

	if (mgaw > 48 && sagaw >= 8)
		return MIN(57, mgaw);
	if (mgaw > 39 && sagaw >= 4)
		return MIN(48, mgaw);
	return mgaw > 30 && sagaw >= 2 ? MIN(39, mgaw) : 0;
}

static uint64_t second_stage_pages(const struct vtd_unit *u)
{
	uint64_t large = u->sllps;

	return PAGE_4K | (large & 1 ? PAGE_2M : 0) | (large & 2 ? PAGE_1G : 0);
}

static int make_first_stage(const struct vtd_unit *u, uint32_t flags, struct vtd_table *ret)
{
	if ((flags & ~IOMMU_HWPT_ALLOC_PASID) || !u->scalable || !u->fsts)
		return -EOPNOTSUPP;
	*ret = (struct vtd_table){ .first_stage = true, .width = first_stage_width(u), .snoop = u->sc };
	/* addresses are sign-extended: the lower half */
	ret->last = last_of_width(ret->width - 1);
	ret->page_sizes = PAGE_4K | PAGE_2M | (u->fl1gp ? PAGE_1G : 0);
	return 0;
}

static int make_second_stage(const struct vtd_unit *u, uint32_t flags, struct vtd_table *ret)
{
	if (flags & ~(IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING | IOMMU_HWPT_ALLOC_PASID))
		return -EOPNOTSUPP;
	if (((flags & IOMMU_HWPT_ALLOC_NEST_PARENT) && !u->nesting) || ((flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING) && !u->dirty))
		return -EOPNOTSUPP;
	if ((u->scalable && !u->ssts) || !second_stage_width(u))
		return -EOPNOTSUPP;
	*ret = (struct vtd_table){
		.nest_parent = flags & IOMMU_HWPT_ALLOC_NEST_PARENT,
		.dirty = flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
		.snoop = u->sc,
		.width = second_stage_width(u),
		.last = last_of_width(second_stage_width(u)),
		.page_sizes = second_stage_pages(u),
	};
	return 0;
}

int vtd_table_make(const struct vtd_unit *u, uint32_t flags, struct vtd_table *ret)
{
	int r = make_first_stage(u, flags, ret);

	return r == -EOPNOTSUPP ? make_second_stage(u, flags, ret) : r;
}

/* -- whether another unit takes it ----------------------------------------------------------------------------------------- */

static const char *first_stage_misfit(const struct vtd_table *t, const struct vtd_unit *of, const struct vtd_unit *u)
{
	if (!u->scalable || !u->fsts)
		return "stage";
	if (!u->smpwcs && of->smpwcs)
		return "coherency";
	if (!u->fl5lp && t->width > 48)
		return "address-width";
	if (!u->fl1gp && (t->page_sizes & PAGE_1G))
		return "page-sizes";
	return u->rwbf && !of->rwbf ? "write-buffer" : NULL;
}

static bool walks_coherently(const struct vtd_unit *u)
{
	return u->scalable ? u->smpwcs : u->c;
}

static bool syncs_second_stage(const struct vtd_unit *u)
{
	return u->rwbf || u->cm;
}

/* The bit of SAGAW for a table of that width: 39, 48, 57. */
static unsigned table_bit(unsigned width)
{
	return width > 48 ? 8 : width > 39 ? 4 : 2;
}

static const char *second_stage_misfit(const struct vtd_table *t, const struct vtd_unit *of, const struct vtd_unit *u)
{
	if (t->dirty && !u->dirty)
		return "dirty-tracking";
	if (t->nest_parent && !u->nesting)
		return "nesting";
	if (u->scalable && !u->ssts)
		return "stage";
	if (!walks_coherently(u) && walks_coherently(of))
		return "coherency";
	if (u->mgaw < t->width || !(u->sagaw & table_bit(t->width)))
		return "address-width";
	if (t->page_sizes & ~second_stage_pages(u))
		return "page-sizes";
	if (syncs_second_stage(u) && !syncs_second_stage(of))
		return "write-buffer";
	return t->snoop && !u->sc ? "snoop" : NULL;
}

const char *vtd_table_misfit(const struct vtd_table *t, const struct vtd_unit *of, const struct vtd_unit *u)
{
	return t->first_stage ? first_stage_misfit(t, of, u) : second_stage_misfit(t, of, u);
}
