// SPDX-License-Identifier: GPL-2.0-or-later
/* AMD-Vi (drivers/iommu/amd/iommu.c, iommufd.c). */
#include <errno.h>
#include <string.h>

#include "host/acpi.h"
#include "host/amd.h"
#include "host/switches.h"
#include "host/units.h"
#include "model/internal.h"

/* EFR, and the one of EFR2 (drivers/iommu/amd/amd_iommu_types.h). */
#define PPR	((uint64_t)1 << 1)
#define GT	((uint64_t)1 << 4)
#define HATS(efr) ((efr) >> 10 & 3)
#define GIOSUP	((uint64_t)1 << 48)
#define HDSUP	((uint64_t)1 << 52)
#define GCR3TRPMODE ((uint64_t)1 << 3)
/* The capability header: the unit has a TLB that devices may hold a part of. */
#define IOTLB_SUP ((uint64_t)1 << 24)

/*
 * Levels of host page tables, as the driver knows them when it asks: from EFR in the firmware's table, and without that the least there is,
 * whatever the register says later (early_amd_iommu_init()). 3: no host page tables.
 */
static unsigned host_levels(struct model *m, const struct munit *u)
{
	return host_acpi(m->host)->ivinfo & IVINFO_EFR_SUP ? HATS(u->efr) : 0;
}

/* The firmware limits addresses as well: bits 15 to 21 of IVinfo, 0 for no limit. */
static unsigned host_width(struct model *m, const struct munit *u)
{
	unsigned bits = host_acpi(m->host)->ivinfo >> 15 & 0x7f;

	return MIN(bits ? bits : 64, (host_levels(m, u) + 3) * 9 + 21);
}

void amd_read_unit(struct model *m, struct munit *u)
{
	const struct unit_info *i = unit_info(m->host, (struct unit *)u->facts);

	u->cap = i->cap.known ? i->cap.v : 0;
	u->efr = i->efr.known ? i->efr.v : 0;
	u->efr2 = i->efr2.known ? i->efr2.v : 0;
	u->efr &= ~((m->opt.no_dirty ? HDSUP : 0) | (m->opt.no_pasid ? PPR : 0));
	u->efr2 &= ~(m->opt.no_nesting ? GCR3TRPMODE : 0);
	u->nesting = (u->efr & GT) && (u->efr & GIOSUP) && (u->efr2 & GCR3TRPMODE);
	u->width = host_levels(m, u) == 3 ? 0 : host_width(m, u);
	u->dirty = u->width && (u->efr & HDSUP);
	u->pasid_bits = (u->efr & GT) && (u->efr & PPR) ? amd_pasid_bits(u->efr) : 0;
	u->second_version = boot_param_word(host_switches(m->host), "amd_iommu", "pgtbl_v2");
}

/* Host page tables; grown to what the unit walks. */
static int alloc_v1(const struct munit *u, uint32_t flags, struct domain *ret)
{
	if (!u->width)
		return -EOPNOTSUPP;
	ret->width = u->width;
	ret->aperture_last = last_of_width(ret->width);
	ret->page_sizes = ~(uint64_t)(PAGE_4K - 1);
	ret->dirty_ops = flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING;
	return 0;
}

/* The processor's format; without its top bit, to do for PASID 0 and others. Five levels go with the processor, which no register tells. */
static int alloc_v2(const struct munit *u, struct domain *ret)
{
	if (!(u->efr & GIOSUP) || !(u->efr & GT))
		return -EOPNOTSUPP;
	ret->guest_tables = true;
	ret->width = 47;
	ret->aperture_last = last_of_width(ret->width);
	ret->page_sizes = PAGE_4K | (uint64_t)2 << 20 | (uint64_t)1 << 30;
	return 0;
}

static int alloc_plain(const struct munit *u, struct domain *ret)
{
	int r = u->second_version ? alloc_v2(u, ret) : alloc_v1(u, 0, ret);

	if (r != -EOPNOTSUPP)
		return r;
	return u->second_version ? alloc_v1(u, 0, ret) : alloc_v2(u, ret);
}

static int amd_alloc(const struct mdev *dev, uint32_t flags, const struct user_data *data, struct domain *ret)
{
	const struct munit *u = dev->unit;

	if (data)
		return -EOPNOTSUPP;
	switch (flags) {
	case IOMMU_HWPT_ALLOC_DIRTY_TRACKING:
	case IOMMU_HWPT_ALLOC_NEST_PARENT:
	case IOMMU_HWPT_ALLOC_DIRTY_TRACKING | IOMMU_HWPT_ALLOC_NEST_PARENT:
		if (((flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING) && !u->dirty) ||
		    ((flags & IOMMU_HWPT_ALLOC_NEST_PARENT) && !u->nesting))
			return -EOPNOTSUPP;
		return alloc_v1(u, flags, ret);
	case IOMMU_HWPT_ALLOC_PASID:
		return u->pasid_bits ? alloc_v2(u, ret) : -EOPNOTSUPP;
	case 0:
		return alloc_plain(u, ret);
	default:
		return -EOPNOTSUPP;
	}
}

/* Any unit takes any table of the driver's; only dirty tracking is asked for. */
static int amd_attach(const struct hwpt *h, struct mdev *dev)
{
	return h->domain.dirty_ops && !dev->unit->dirty ? -EINVAL : 0;
}

static bool amd_enforces_snoop(const struct mdev *dev)
{
	(void)dev;
	return true;
}

static bool amd_tracks_dirty(const struct mdev *dev)
{
	return dev->unit->dirty;
}

static bool amd_takes_ats(const struct mdev *dev)
{
	return (dev->unit->cap & IOTLB_SUP) && dev->has_ats;
}

static size_t amd_hwinfo(const struct mdev *dev, void *ret)
{
	struct iommu_hw_info_amd info = { .efr = dev->unit->efr, .efr2 = dev->unit->efr2 };

	memcpy(ret, &info, sizeof(info));
	return sizeof(info);
}

/* amd_iommufd_get_viommu_size() looks at no type; what it makes can do nothing yet. */
static bool amd_viommu_type(const struct mdev *dev, uint32_t type)
{
	(void)dev;
	(void)type;
	return true;
}

static int amd_viommu_init(struct model *m, struct viommu *v, const struct user_data *u, struct op_data *d)
{
	(void)m;
	(void)v;
	(void)u;
	(void)d;
	return 0;
}

const struct profile profile_amd = {
	.name = "amd-vi",
	.takes_flags = true,
	.hwinfo_type = IOMMU_HW_INFO_TYPE_AMD,
	.alloc_paging = amd_alloc,
	.attach = amd_attach,
	.enforces_snoop = amd_enforces_snoop,
	.tracks_dirty = amd_tracks_dirty,
	.takes_ats = amd_takes_ats,
	.hwinfo = amd_hwinfo,
	.viommu_type = amd_viommu_type,
	.viommu_init = amd_viommu_init,
};
