// SPDX-License-Identifier: GPL-2.0-or-later
/* Page tables (drivers/iommu/iommufd/hw_pagetable.c). */
#include <errno.h>
#include <string.h>

#include "model/internal.h"

#define PAGING_FLAGS (IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING | IOMMU_HWPT_FAULT_ID_VALID | IOMMU_HWPT_ALLOC_PASID)
#define NESTED_FLAGS (IOMMU_HWPT_FAULT_ID_VALID | IOMMU_HWPT_ALLOC_PASID)

struct hwpt *hwpt_paging(struct hwpt *h)
{
	return h->obj.type == OBJ_HWPT_PAGING ? h : h->domain.parent;
}

int user_data_copy(const struct user_data *u, uint32_t type, void *ret, size_t size, size_t min)
{
	if (u->type != type || u->len < min)
		return -EINVAL;
	if (!u->data)
		return -EFAULT;
	for (size_t i = size; i < u->len; i++)
		if (((const uint8_t *)u->data)[i])
			return -E2BIG;
	memset(ret, 0, size);
	memcpy(ret, u->data, MIN(u->len, size));
	return 0;
}

/* -- the end of one ---------------------------------------------------------------------------------------------------- */

void hwpt_free(struct model *m, struct hwpt *h)
{
	if (h->ioas && h->joined) {
		iopt_remove_domain(h->ioas, h);
		dirty_forget(h, 0, UINT64_MAX);
	}
	if (h->fault)
		h->fault->obj.users--;
	if (h->ioas)
		h->ioas->obj.users--;
	else if (h->domain.viommu)
		h->domain.viommu->obj.users--;
	else
		h->domain.parent->obj.users--;
	obj_free(m, &h->obj, false);
}

void hwpt_put(struct model *m, struct hwpt *h)
{
	h->obj.users--;
	if (h->automatic)
		obj_destroy(m, &h->obj);
}

/* -- paging ------------------------------------------------------------------------------------------------------------- */

static int check_paging(const struct mdev *dev, uint32_t flags, const struct user_data *u)
{
	const struct profile *p = dev->unit->profile;

	if ((flags || u) && !p->takes_flags)
		return -EOPNOTSUPP;
	if (flags & ~PAGING_FLAGS)
		return -EOPNOTSUPP;
	if ((flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING) && !(p->tracks_dirty && p->tracks_dirty(dev)))
		return -EOPNOTSUPP;
	if ((flags & IOMMU_HWPT_FAULT_ID_VALID) && (flags & IOMMU_HWPT_ALLOC_NEST_PARENT))
		return -EOPNOTSUPP;
	return 0;
}

static struct hwpt *hwpt_new(struct model *m, const struct mdev *dev, enum obj_type type, uint32_t flags)
{
	struct hwpt *h = obj_new(m, sizeof(*h), type);

	h->pasid_ok = flags & IOMMU_HWPT_ALLOC_PASID;
	h->domain.profile = dev->unit->profile;
	h->domain.unit = dev->unit;
	return h;
}

/*
 * iommufd_hwpt_paging_alloc(). With @attach the device is attached in between, as for automatic ones: its reserved regions
 * come before the aperture does.
 */
int hwpt_alloc_paging(struct model *m, struct ioas *ioas, struct idev *idev, uint32_t flags, const struct user_data *u,
		      const uint32_t *attach, struct hwpt **ret)
{
	const struct profile *p = idev->dev->unit->profile;
	struct hwpt *h;
	int r = check_paging(idev->dev, flags, u);

	if (r < 0)
		return r;
	h = hwpt_new(m, idev->dev, OBJ_HWPT_PAGING, flags);
	h->ioas = ioas;
	ioas->obj.users++;
	h->domain.nest_parent = flags & IOMMU_HWPT_ALLOC_NEST_PARENT;
	r = p->alloc_paging(idev->dev, flags & ~IOMMU_HWPT_FAULT_ID_VALID, u, &h->domain);
	if (r == 0 && p->enforces_snoop && p->enforces_snoop(idev->dev))
		h->domain.forced_snoop = true;
	if (r == 0 && attach)
		r = attach_hwpt(idev, *attach, h);
	if (r == 0) {
		r = iopt_add_domain(ioas, h);
		if (r < 0 && attach)
			detach_hwpt(idev, *attach);
	}
	if (r < 0) {
		hwpt_free(m, h);
		return r;
	}
	h->joined = true;
	*ret = h;
	return 0;
}

/* -- nested ---------------------------------------------------------------------------------------------------------------- */

static int alloc_nested(struct model *m, struct hwpt *parent, struct idev *idev, uint32_t flags, const struct user_data *u,
			struct hwpt **ret)
{
	const struct profile *p = idev->dev->unit->profile;
	struct hwpt *h;
	int r;

	if ((flags & ~NESTED_FLAGS) || !u->len || !p->alloc_nested)
		return -EOPNOTSUPP;
	if (parent->automatic || !parent->domain.nest_parent || parent->domain.profile != p)
		return -EINVAL;
	h = hwpt_new(m, idev->dev, OBJ_HWPT_NESTED, flags);
	h->domain.nested = true;
	h->domain.parent = parent;
	parent->obj.users++;
	r = p->alloc_nested(idev->dev, &parent->domain, flags & ~IOMMU_HWPT_FAULT_ID_VALID, u, &h->domain);
	if (r < 0) {
		hwpt_free(m, h);
		return r;
	}
	*ret = h;
	return 0;
}

static int alloc_in_viommu(struct model *m, struct viommu *v, struct idev *idev, uint32_t flags, const struct user_data *u,
			   struct hwpt **ret)
{
	struct hwpt *h;
	int r;

	if (v->unit != idev->dev->unit)
		return -EINVAL;
	if ((flags & ~NESTED_FLAGS) || !u->len || !v->profile->viommu_nested)
		return -EOPNOTSUPP;
	h = hwpt_new(m, idev->dev, OBJ_HWPT_NESTED, flags);
	h->domain.nested = true;
	h->domain.parent = v->hwpt;
	h->domain.viommu = v;
	v->obj.users++;
	r = v->profile->viommu_nested(v, flags & ~IOMMU_HWPT_FAULT_ID_VALID, u, &h->domain);
	if (r < 0) {
		hwpt_free(m, h);
		return r;
	}
	*ret = h;
	return 0;
}

/* -- the ioctl -------------------------------------------------------------------------------------------------------------- */

/* Flags that this kernel knows, of those that came later than the ioctl. */
static bool knows(struct model *m, const struct obj *pt, uint32_t flags)
{
	if ((flags & IOMMU_HWPT_ALLOC_PASID) && before_pasids(m))
		return false;
	return !(flags & IOMMU_HWPT_FAULT_ID_VALID) || pt->type != OBJ_IOAS || !before_viommus(m);
}

static int alloc_on(struct model *m, struct obj *pt, struct idev *idev, uint32_t flags, const struct user_data *u, struct hwpt **ret)
{
	if (pt && !knows(m, pt, flags))
		return -EOPNOTSUPP;
	switch (pt ? pt->type : OBJ_ANY) {
	case OBJ_IOAS:
		return hwpt_alloc_paging(m, (struct ioas *)pt, idev, flags, u->len ? u : NULL, NULL, ret);
	case OBJ_HWPT_PAGING:
		return alloc_nested(m, (struct hwpt *)pt, idev, flags, u, ret);
	case OBJ_VIOMMU:
		return alloc_in_viommu(m, (struct viommu *)pt, idev, flags, u, ret);
	default:
		return -EINVAL; /* not ENOENT, for one that is not there as well */
	}
}

int hwpt_alloc_any(struct model *m, uint32_t dev_id, uint32_t pt_id, uint32_t flags, uint32_t fault_id, const struct user_data *u,
		   struct hwpt **ret)
{
	struct idev *idev;
	struct faultq *q;
	struct hwpt *h;
	int r;

	if ((u->type == IOMMU_HWPT_DATA_NONE) != !u->len)
		return -EINVAL;
	idev = obj_get(m, dev_id, OBJ_DEVICE);
	if (!idev)
		return -ENOENT;
	r = alloc_on(m, obj_get(m, pt_id, OBJ_ANY), idev, flags, u, &h);
	if (r < 0)
		return r;
	if (flags & IOMMU_HWPT_FAULT_ID_VALID) {
		q = obj_get(m, fault_id, OBJ_FAULT);
		if (!q) {
			hwpt_free(m, h);
			return -ENOENT;
		}
		h->fault = q;
		q->obj.users++;
	}
	*ret = h;
	return 0;
}

int model_hwpt_alloc(struct backend *b, struct op_hwpt_alloc *op, struct op_data *d)
{
	struct model *m = to_model(b);
	struct user_data u = { .type = op->data_type, .data = d->in, .len = d->in_len };
	struct handle *h;
	struct hwpt *hwpt;
	int r = handle_get(m, op->handle, &h);

	if (r == 0)
		r = hwpt_alloc_any(m, h->idev ? h->idev->obj.id : 0, op->pt_id, op->flags, op->fault_id, &u, &hwpt);
	if (r == 0)
		op->ret_id = hwpt->obj.id;
	return r;
}
