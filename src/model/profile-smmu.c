// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Arm SMMUv3 (drivers/iommu/arm/arm-smmu-v3). Its registers are in no file; a unit here has both what every one has (stage 1, 48
 * bits, 4 KiB pages) and PASIDs, and nesting where that was injected.
 */
#include <errno.h>
#include <endian.h>
#include <string.h>

#include "model/internal.h"

#define WIDTH 48

/* Stream table entry: valid; its configuration (bits 1 to 3); ATS (bits 28 and 29 of the second word). */
#define STE_V 1
#define STE_CFG(w) ((w) >> 1 & 7)
#define STE_CFG_ABORT 0
#define STE_CFG_BYPASS 4
#define STE_CFG_S1 5
#define STE_EATS(w) ((w) >> 28 & 3)
/* What a guest may set (STRTAB_STE_0_NESTING_ALLOWED, STRTAB_STE_1_NESTING_ALLOWED). */
#define STE_0_ALLOWED (STE_V | 7ull << 1 | 3ull << 4 | 0x3fffffffffffull << 6 | 0x1full << 59)
#define STE_1_ALLOWED (3ull | 3ull << 2 | 3ull << 4 | 3ull << 6 | 3ull << 28 | 1ull << 27)

/* Commands that a guest's queue may hold. */
enum { TLBI_NH_ALL = 0x10, TLBI_NH_ASID = 0x11, TLBI_NH_VA = 0x12, TLBI_NH_VAA = 0x13, TLBI_NSNH_ALL = 0x30,
       CFGI_CD = 0x5, CFGI_CD_ALL = 0x6, ATC_INV = 0x40 };

/*
 * arm_lpae_restrict_pgsizes() in drivers/iommu/io-pgtable-arm.c: of the granules that the unit has, the one that is the kernel's page, and the
 * blocks that go with it. That the unit has that one is taken for granted: its registers are in no file.
 */
static uint64_t page_sizes(uint64_t granule)
{
	switch (granule) {
	case 64 << 10:
		return granule | (uint64_t)512 << 20;
	case 16 << 10:
		return granule | (uint64_t)32 << 20;
	default:
		return granule | (uint64_t)2 << 20 | (uint64_t)1 << 30;
	}
}

static int smmu_alloc(const struct mdev *dev, uint32_t flags, const struct user_data *u, struct domain *ret)
{
	if (u)
		return -EOPNOTSUPP;
	switch (flags) {
	case 0:
	case IOMMU_HWPT_ALLOC_PASID:
		ret->first_stage = true;
		break;
	case IOMMU_HWPT_ALLOC_NEST_PARENT:
		if (!dev->unit->nesting)
			return -EOPNOTSUPP;
		break;
	default: /* dirty tracking is looked for before */
		return -EOPNOTSUPP;
	}
	ret->width = WIDTH;
	ret->aperture_last = last_of_width(WIDTH);
	ret->page_sizes = page_sizes(dev->unit->page);
	return 0;
}

static bool has_ssids(const struct mdev *dev)
{
	for (size_t i = 0; i < dev->group->attaches.n; i++)
		if (dev->group->attaches.v[i]->pasid != NO_PASID)
			return true;
	return false;
}

/* A translating entry needs to know the device's id in the guest (arm_smmu_attach_prepare_vmaster()). */
static int smmu_attach_nested(const struct hwpt *h, struct mdev *dev)
{
	unsigned cfg = STE_CFG(h->domain.words[0]);
	uint64_t id;

	if (h->domain.viommu->unit != dev->unit)
		return -EINVAL;
	if (has_ssids(dev))
		return -EBUSY;
	if (viommu_vdev_id(h->domain.viommu, dev, &id) < 0 && cfg != STE_CFG_ABORT && cfg != STE_CFG_BYPASS)
		return -ENOENT;
	return 0;
}

/* A page table is one instance's, since 7.2 at the latest. */
static int smmu_attach(const struct hwpt *h, struct mdev *dev)
{
	if (h->domain.nested)
		return smmu_attach_nested(h, dev);
	if (h->domain.unit != dev->unit)
		return -EINVAL;
	return !h->domain.first_stage && has_ssids(dev) ? -EBUSY : 0;
}

static int smmu_set_pasid(const struct hwpt *h, struct mdev *dev, uint32_t pasid)
{
	(void)pasid;
	if (!h)
		return 0;
	if (h->domain.nested)
		return -EOPNOTSUPP;
	return h->domain.unit == dev->unit && h->domain.first_stage ? 0 : -EINVAL;
}

/* IDR0: stages, AArch64 tables, coherent walks; IDR1: widths of stream ids and PASIDs; IDR5: 4 KiB pages, 48 bits. */
static size_t smmu_hwinfo(const struct mdev *dev, void *ret)
{
	struct iommu_hw_info_arm_smmuv3 info = {
		.idr = {
			[0] = (dev->unit->nesting ? 1 : 0) | 1 << 1 | 2 << 2 | (dev->unit->coherent != TRI_NO ? 1 << 4 : 0),
			[1] = dev->unit->pasid_bits << 6 | 16,
			[5] = 1 << 4 | 5,
		},
	};

	memcpy(ret, &info, sizeof(info));
	return sizeof(info);
}

/* -- viommu ------------------------------------------------------------------------------------------------------------------ */

static bool smmu_viommu_type(const struct mdev *dev, uint32_t type)
{
	return dev->unit->nesting && type == IOMMU_VIOMMU_TYPE_ARM_SMMUV3;
}

static int smmu_viommu_init(struct model *m, struct viommu *v, const struct user_data *u, struct op_data *d)
{
	(void)m;
	(void)u;
	(void)d;
	return v->hwpt->domain.unit == v->unit ? 0 : -EINVAL;
}

/* EIO is what the driver keeps for bad entries (arm_smmu_validate_vste()). */
static int check_entry(uint64_t words[2])
{
	unsigned cfg = STE_CFG(words[0]), eats = STE_EATS(words[1]);

	if (!(words[0] & STE_V)) {
		words[0] = words[1] = 0;
		return 0;
	}
	if ((words[0] & ~STE_0_ALLOWED) || (words[1] & ~STE_1_ALLOWED))
		return -EIO;
	if (cfg != STE_CFG_ABORT && cfg != STE_CFG_BYPASS && cfg != STE_CFG_S1)
		return -EIO;
	return eats > 1 ? -EIO : 0;
}

static int smmu_viommu_nested(struct viommu *v, uint32_t flags, const struct user_data *u, struct domain *ret)
{
	struct iommu_hwpt_arm_smmuv3 ste;
	int r;

	(void)v;
	if (flags)
		return -EOPNOTSUPP;
	r = user_data_copy(u, IOMMU_HWPT_DATA_ARM_SMMUV3, &ste, sizeof(ste), sizeof(ste));
	if (r < 0)
		return r;
	ret->words[0] = le64toh(ste.ste[0]);
	ret->words[1] = le64toh(ste.ste[1]);
	return check_entry(ret->words);
}

static int check_command(const struct viommu *v, uint64_t word)
{
	switch (word & 0xff) {
	case TLBI_NSNH_ALL:
	case TLBI_NH_ALL:
	case TLBI_NH_ASID:
	case TLBI_NH_VA:
	case TLBI_NH_VAA:
		return 0;
	case ATC_INV:
	case CFGI_CD:
	case CFGI_CD_ALL:
		return viommu_find(v, word >> 32) ? 0 : -EIO;
	default:
		return -EIO;
	}
}

/* arm_vsmmu_cache_invalidate(): an empty array is refused. */
static int smmu_viommu_invalidate(struct viommu *v, struct inv_array *a)
{
	struct iommu_viommu_arm_smmuv3_invalidate inv;
	uint32_t n = a->n;
	int r = a->type == IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3 && n ? 0 : -EINVAL;

	a->n = 0;
	for (uint32_t i = 0; r == 0 && i < n; i++)
		r = inv_copy(a, IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3, i, &inv, sizeof(inv), 0);
	while (r == 0 && a->n < n) {
		inv_copy(a, IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3, a->n, &inv, sizeof(inv), 0);
		r = check_command(v, le64toh(inv.cmd[0]));
		a->n += r == 0;
	}
	return r;
}

const struct profile profile_smmuv3 = {
	.name = "smmuv3",
	.takes_flags = true,
	.user_pasid_table = true,
	.hwinfo_type = IOMMU_HW_INFO_TYPE_ARM_SMMUV3,
	.alloc_paging = smmu_alloc,
	.attach = smmu_attach,
	.set_pasid = smmu_set_pasid,
	.hwinfo = smmu_hwinfo,
	.viommu_type = smmu_viommu_type,
	.viommu_init = smmu_viommu_init,
	.viommu_nested = smmu_viommu_nested,
	.viommu_invalidate = smmu_viommu_invalidate,
};
