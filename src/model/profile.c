// SPDX-License-Identifier: GPL-2.0-or-later
/* Drivers of IOMMUs: what they share, virtio-iommu, and those that the model knows only to map. */
#include <errno.h>

#include "model/internal.h"

uint64_t last_of_width(unsigned bits)
{
	return bits >= 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
}

unsigned profile_pasid_log2(const struct mdev *dev)
{
	return MIN(dev->pasid_bits, dev->unit->pasid_bits);
}

void profile_read_unit(struct model *m, struct munit *u)
{
	if (u->profile == &profile_vtd)
		vtd_read_unit(m, u);
	if (u->profile == &profile_amd)
		amd_read_unit(m, u);
	if (u->profile == &profile_mock) {
		u->nesting = u->dirty = true;
		u->pasid_bits = MOCK_PASID_WIDTH;
	}
	/* its registers are in no file: what can be missing is taken to be */
	if (u->profile == &profile_smmuv3) {
		u->nesting = m->opt.nesting;
		u->pasid_bits = 20;
	}
	if (m->opt.no_nesting)
		u->nesting = false;
	if (m->opt.no_dirty)
		u->dirty = false;
	if (m->opt.no_pasid)
		u->pasid_bits = 0;
	if (m->opt.non_coherent)
		u->coherent = TRI_NO;
	u->vtd.nesting = u->nesting;
	u->vtd.dirty = u->dirty;
}

/* -- virtio-iommu (drivers/iommu/virtio-iommu.c) --------------------------------------------------------------------------- */

/* Addresses and pages are in the device's own configuration, which no file shows; QEMU's has all of them, and pages of 4 KiB. */
static int plain_alloc(const struct mdev *dev, uint32_t flags, const struct user_data *u, struct domain *ret)
{
	(void)dev;
	(void)flags;
	(void)u;
	ret->aperture_last = UINT64_MAX;
	ret->page_sizes = ~(uint64_t)(PAGE_4K - 1);
	return 0;
}

static int plain_attach(const struct hwpt *h, struct mdev *dev)
{
	return h->domain.unit == dev->unit ? 0 : -EINVAL;
}

const struct profile profile_virtio = {
	.name = "virtio",
	.alloc_paging = plain_alloc,
	.attach = plain_attach,
};

/* -- all others ------------------------------------------------------------------------------------------------------------- */

static int other_alloc(const struct mdev *dev, uint32_t flags, const struct user_data *u, struct domain *ret)
{
	plain_alloc(dev, flags, u, ret);
	ret->aperture_last = last_of_width(48);
	return 0;
}

const struct profile profile_other = {
	.name = "other",
	.alloc_paging = other_alloc,
	.attach = plain_attach,
};
