// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel's selftest IOMMU (drivers/iommu/iommufd/selftest.c). */
#include <errno.h>
#include <string.h>

#include "model/internal.h"

enum { MOCK_IOMMUPT_DEFAULT, MOCK_IOMMUPT_HUGE };

/* Of the huge ones, of pages of 4 KiB: three levels of 512 entries above half a page. */
#define HUGE_WIDTH 38

static uint64_t half_page(const struct munit *u)
{
	return u->page / 2;
}

static int mock_alloc(const struct mdev *dev, uint32_t flags, const struct user_data *u, struct domain *ret)
{
	const uint32_t known = IOMMU_HWPT_ALLOC_DIRTY_TRACKING | IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_PASID;
	struct iommu_hwpt_selftest cfg = { 0 };
	int r;

	if ((flags & ~known) || ((flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING) && (dev->mock_flags & MOCK_FLAGS_DEVICE_NO_DIRTY)))
		return -EOPNOTSUPP;
	if ((flags & IOMMU_HWPT_ALLOC_NEST_PARENT) && !dev->unit->nesting)
		return -EOPNOTSUPP;
	if (u && u->type != IOMMU_HWPT_DATA_SELFTEST)
		return -EOPNOTSUPP;
	r = u ? user_data_copy(u, IOMMU_HWPT_DATA_SELFTEST, &cfg, sizeof(cfg), sizeof(cfg.iotlb)) : 0;
	if (r < 0)
		return r;
	if (cfg.pagetable_type > MOCK_IOMMUPT_HUGE)
		return -EOPNOTSUPP;
	ret->dirty_ops = flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING;
	if (cfg.pagetable_type == MOCK_IOMMUPT_HUGE) {
		ret->page_sizes = 512 * half_page(dev->unit) | dev->unit->page;
		ret->aperture_last = last_of_width(HUGE_WIDTH);
		return 0;
	}
	ret->page_sizes = ~(half_page(dev->unit) - 1);
	ret->aperture_first = MOCK_APERTURE_START;
	ret->aperture_last = MOCK_APERTURE_LAST;
	return 0;
}

static int fill_nested(const struct user_data *u, struct domain *ret)
{
	struct iommu_hwpt_selftest cfg;
	int r;

	if (u->type != IOMMU_HWPT_DATA_SELFTEST)
		return -EOPNOTSUPP;
	r = user_data_copy(u, IOMMU_HWPT_DATA_SELFTEST, &cfg, sizeof(cfg), sizeof(cfg.iotlb));
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(ret->iotlb); i++)
		ret->iotlb[i] = cfg.iotlb;
	return r;
}

static int mock_nested(const struct mdev *dev, const struct domain *parent, uint32_t flags, const struct user_data *u,
		       struct domain *ret)
{
	(void)dev;
	(void)parent;
	return (flags & ~IOMMU_HWPT_ALLOC_PASID) ? -EOPNOTSUPP : fill_nested(u, ret);
}

/* mock_domain_nop_attach() */
static int mock_attach(const struct hwpt *h, struct mdev *dev)
{
	struct viommu *v = h->domain.nested ? h->domain.viommu : NULL;
	uint64_t id = 0;
	int r;

	if (h->domain.dirty_ops && (dev->mock_flags & MOCK_FLAGS_DEVICE_NO_DIRTY))
		return -EINVAL;
	r = v ? viommu_vdev_id(v, dev, &id) : 0;
	if (r < 0)
		return r;
	if (v != dev->viommu) {
		dev->viommu = v;
		dev->vdev_id = id;
	}
	return 0;
}

static void mock_detached(struct mdev *dev)
{
	dev->viommu = NULL;
	dev->vdev_id = 0;
}

/* Every second attach of PASID 1024 fails, on purpose (mock_domain_set_dev_pasid_nop()). */
static int mock_set_pasid(const struct hwpt *h, struct mdev *dev, uint32_t pasid)
{
	bool fail = dev->pasid_1024_fails;

	if (pasid != IOMMU_TEST_PASID_RESERVED)
		return 0;
	dev->pasid_1024_fails = h && !fail;
	return h && fail ? -ENOMEM : 0;
}

static bool mock_tracks_dirty(const struct mdev *dev)
{
	return dev->unit->dirty && !(dev->mock_flags & MOCK_FLAGS_DEVICE_NO_DIRTY);
}

static size_t mock_hwinfo(const struct mdev *dev, void *ret)
{
	struct iommu_test_hw_info info = { .test_reg = IOMMU_HW_INFO_SELFTEST_REGVAL };

	(void)dev;
	memcpy(ret, &info, sizeof(info));
	return sizeof(info);
}

/* -- invalidate ------------------------------------------------------------------------------------------------------------ */

static int drop_iotlb(struct domain *d, const struct iommu_hwpt_invalidate_selftest *inv)
{
	if (inv->flags & ~IOMMU_TEST_INVALIDATE_FLAG_ALL)
		return -EOPNOTSUPP;
	if (inv->iotlb_id > MOCK_NESTED_DOMAIN_IOTLB_ID_MAX)
		return -EINVAL;
	if (inv->flags & IOMMU_TEST_INVALIDATE_FLAG_ALL)
		memset(d->iotlb, 0, sizeof(d->iotlb));
	else
		d->iotlb[inv->iotlb_id] = 0;
	return 0;
}

static int mock_invalidate(struct domain *d, struct inv_array *a)
{
	uint32_t n = a->n, i;
	int r = a->type == IOMMU_HWPT_INVALIDATE_DATA_SELFTEST ? 0 : -EINVAL;

	for (i = 0; r == 0 && i < n; i++) {
		struct iommu_hwpt_invalidate_selftest inv;

		r = inv_copy(a, IOMMU_HWPT_INVALIDATE_DATA_SELFTEST, i, &inv, sizeof(inv), sizeof(inv));
		if (r == 0)
			r = drop_iotlb(d, &inv);
		if (r < 0)
			break;
	}
	a->n = i;
	return r;
}

static int drop_cache(const struct viommu *v, const struct iommu_viommu_invalidate_selftest *inv)
{
	struct vdevice *vdev;

	if (inv->flags & ~IOMMU_TEST_INVALIDATE_FLAG_ALL)
		return -EOPNOTSUPP;
	if (inv->cache_id > MOCK_DEV_CACHE_ID_MAX)
		return -EINVAL;
	vdev = viommu_find(v, inv->vdev_id);
	if (!vdev)
		return -EINVAL;
	if (inv->flags & IOMMU_TEST_INVALIDATE_FLAG_ALL)
		memset(vdev->idev->dev->cache, 0, sizeof(vdev->idev->dev->cache));
	else
		vdev->idev->dev->cache[inv->cache_id] = 0;
	return 0;
}

/* All entries are copied before the first is carried out. */
static int mock_viommu_invalidate(struct viommu *v, struct inv_array *a)
{
	struct iommu_viommu_invalidate_selftest inv;
	uint32_t n = a->n, i;
	int r = a->type == IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST ? 0 : -EINVAL;

	a->n = 0;
	for (i = 0; r == 0 && i < n; i++)
		r = inv_copy(a, IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST, i, &inv, sizeof(inv), 0);
	for (i = 0; r == 0 && i < n; i++) {
		inv_copy(a, IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST, i, &inv, sizeof(inv), 0);
		r = drop_cache(v, &inv);
		a->n += r == 0;
	}
	return r;
}

/* -- viommu ------------------------------------------------------------------------------------------------------------------ */

static bool mock_viommu_type(const struct mdev *dev, uint32_t type)
{
	return dev->unit->nesting && type == IOMMU_VIOMMU_TYPE_SELFTEST;
}

/* Two pages each, side by side in the offsets of /dev/iommu, the first page left out. */
static uint64_t free_mmap_offset(const struct model *m)
{
	uint64_t at = m->page;
	bool taken = true;

	while (taken) {
		taken = false;
		for (size_t i = 1; i < m->objs.n && !taken; i++) {
			const struct viommu *v = obj_get((struct model *)m, i, OBJ_VIOMMU);

			taken = v && v->mmap_offset == at;
		}
		at += taken ? 2 * m->page : 0;
	}
	return at;
}

static int mock_viommu_init(struct model *m, struct viommu *v, const struct user_data *u, struct op_data *d)
{
	struct iommu_viommu_selftest data;
	int r;

	if (!u)
		return 0;
	r = user_data_copy(u, IOMMU_VIOMMU_TYPE_SELFTEST, &data, sizeof(data), ABI_END(struct iommu_viommu_selftest, out_data));
	if (r < 0)
		return r;
	v->mmap_offset = free_mmap_offset(m);
	data.out_data = data.in_data;
	data.out_mmap_length = 2 * m->page;
	data.out_mmap_offset = v->mmap_offset;
	if (d->out)
		memcpy(d->out, &data, MIN(MIN(u->len, d->out_cap), sizeof(data)));
	return 0;
}

static int mock_viommu_nested(struct viommu *v, uint32_t flags, const struct user_data *u, struct domain *ret)
{
	(void)v;
	return (flags & ~IOMMU_HWPT_ALLOC_PASID) ? -EOPNOTSUPP : fill_nested(u, ret);
}

const struct profile profile_mock = {
	.name = "mock",
	.takes_flags = true,
	.user_pasid_table = true,
	.hwinfo_type = IOMMU_HW_INFO_TYPE_SELFTEST,
	.alloc_paging = mock_alloc,
	.alloc_nested = mock_nested,
	.attach = mock_attach,
	.set_pasid = mock_set_pasid,
	.detached = mock_detached,
	.tracks_dirty = mock_tracks_dirty,
	.hwinfo = mock_hwinfo,
	.invalidate = mock_invalidate,
	.viommu_type = mock_viommu_type,
	.viommu_init = mock_viommu_init,
	.viommu_nested = mock_viommu_nested,
	.viommu_invalidate = mock_viommu_invalidate,
	.hwqueue_type = IOMMU_HW_QUEUE_TYPE_SELFTEST,
};
