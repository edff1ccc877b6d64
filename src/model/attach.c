// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attach is by device and acts by group (drivers/iommu/iommufd/device.c, iommu_attach_group_handle() and its kin in
 * drivers/iommu/iommu.c).
 */
#include <errno.h>

#include "model/internal.h"

static size_t place_of(const struct attach *a, const struct idev *idev)
{
	size_t i = 0;

	while (i < a->idevs.n && a->idevs.v[i] != idev)
		i++;
	return i;
}

static bool is_attached(const struct attach *a, const struct idev *idev)
{
	return place_of(a, idev) < a->idevs.n;
}

/* -- what a page table asks for ------------------------------------------------------------------------------------------ */

/* A virtual function shares its page requests with all others of its card (iommufd_hwpt_compatible_device()). */
static bool can_fault(const struct hwpt *h, const struct mdev *dev)
{
	return !h->fault || dev->mock || !(dev->is_vf && dev->has_pri);
}

static bool has_pasids(const struct mgroup *g)
{
	for (size_t i = 0; i < g->attaches.n; i++)
		if (g->attaches.v[i]->pasid != NO_PASID)
			return true;
	return false;
}

static int check_pasid(const struct hwpt *h, const struct mgroup *g, uint32_t pasid)
{
	const struct attach *rid;

	if (pasid == NO_PASID)
		return !h->pasid_ok && has_pasids(g) ? -EINVAL : 0;
	rid = group_attach(g, NO_PASID);
	return !h->pasid_ok || (rid && !rid->hwpt->pasid_ok) ? -EINVAL : 0;
}

/* -- what the drivers say -------------------------------------------------------------------------------------------------- */

static void back_to(const struct hwpt *old, struct mdev *dev)
{
	const struct profile *p = dev->unit->profile;

	if (old)
		p->attach(old, dev);
	else if (p->detached)
		p->detached(dev);
}

/* Every device of the group, attached or not; when one refuses, those before it go back. */
static int move_group(const struct hwpt *h, const struct hwpt *old, struct mgroup *g)
{
	for (size_t i = 0; i < g->devs.n; i++) {
		struct mdev *dev = g->devs.v[i];
		int r;

		if (!dev->unit)
			continue;
		r = dev->unit->profile == h->domain.profile ? dev->unit->profile->attach(h, dev) : -EINVAL;
		if (r < 0) {
			while (i--)
				if (g->devs.v[i]->unit)
					back_to(old, g->devs.v[i]);
			return r;
		}
	}
	return 0;
}

/* __iommu_set_group_pasid(): devices without PASIDs have none to set. */
static int set_pasids(const struct hwpt *h, const struct hwpt *old, struct mgroup *g, uint32_t pasid)
{
	for (size_t i = 0; i < g->devs.n; i++) {
		struct mdev *dev = g->devs.v[i];
		int r;

		if (!dev->unit || !profile_pasid_log2(dev))
			continue;
		r = dev->unit->profile->set_pasid(h, dev, pasid);
		if (r < 0) {
			while (i--)
				if (g->devs.v[i]->unit && profile_pasid_log2(g->devs.v[i]))
					g->devs.v[i]->unit->profile->set_pasid(old, g->devs.v[i], pasid);
			return r;
		}
	}
	return 0;
}

/* iommu_attach_device_pasid() */
static int attach_pasid(const struct hwpt *h, struct idev *idev, uint32_t pasid)
{
	struct mgroup *g = idev->dev->group;

	if (!h->domain.profile->set_pasid || !idev->dev->unit->profile->set_pasid)
		return -EOPNOTSUPP;
	if (h->domain.profile != idev->dev->unit->profile)
		return -EINVAL;
	for (size_t i = 0; i < g->devs.n; i++) {
		const struct mdev *dev = g->devs.v[i];
		unsigned bits = dev->unit ? profile_pasid_log2(dev) : 0;

		/* a mock device without PASIDs has one, 0: its property says 0 bits (mock_dev_create()) */
		if ((bits || dev->mock) && bits < 32 && pasid >> bits)
			return -EINVAL;
	}
	return set_pasids(h, NULL, g, pasid);
}

/* -- reserved regions -------------------------------------------------------------------------------------------------------- */

static bool counts_regions(struct hwpt *h, uint32_t pasid)
{
	return hwpt_paging(h) && pasid == NO_PASID;
}

static void unreserve_all(const struct attach *a, struct hwpt *h)
{
	for (size_t i = 0; i < a->idevs.n; i++)
		iopt_unreserve(hwpt_paging(h)->ioas, a->idevs.v[i]->dev);
}

/* -- attach ---------------------------------------------------------------------------------------------------------------------- */

static int first_attach(struct hwpt *h, struct idev *idev, uint32_t pasid)
{
	int r;

	if (!can_fault(h, idev->dev))
		return -EINVAL;
	r = check_pasid(h, idev->dev->group, pasid);
	if (r < 0)
		return r;
	return pasid == NO_PASID ? move_group(h, NULL, idev->dev->group) : attach_pasid(h, idev, pasid);
}

static struct attach *add_attach(struct mgroup *g, struct hwpt *h, struct idev *idev, uint32_t pasid)
{
	struct attach *a = must_calloc(1, sizeof(*a));

	a->pasid = pasid;
	a->hwpt = h;
	a->first = idev;
	*vec_push(&g->attaches) = a;
	return a;
}

/* iommufd_hw_pagetable_attach() */
int attach_hwpt(struct idev *idev, uint32_t pasid, struct hwpt *h)
{
	struct mgroup *g = idev->dev->group;
	struct attach *a = group_attach(g, pasid);
	int r = 0;

	if (a && is_attached(a, idev))
		return -EBUSY;
	if (a && a->hwpt != h)
		return -EINVAL;
	if (counts_regions(h, pasid))
		r = iopt_reserve_device(hwpt_paging(h)->ioas, idev->dev);
	if (r < 0)
		return r;
	if (!a) {
		r = first_attach(h, idev, pasid);
		if (r < 0) {
			if (counts_regions(h, pasid))
				iopt_unreserve(hwpt_paging(h)->ioas, idev->dev);
			return r;
		}
		a = add_attach(g, h, idev, pasid);
	}
	*vec_push(&a->idevs) = idev;
	h->obj.users++;
	return 0;
}

static void drop_attach(struct mgroup *g, struct attach *a)
{
	size_t at = 0;

	while (g->attaches.v[at] != a)
		at++;
	g->attaches.v[at] = g->attaches.v[--g->attaches.n];
	vec_free(&a->idevs);
	free(a);
}

/* The last one leaves the group blocked; its requests are answered before anybody can forget them. */
static void last_detach(struct mgroup *g, struct attach *a)
{
	if (a->pasid == NO_PASID) {
		for (size_t i = 0; i < g->devs.n; i++)
			if (g->devs.v[i]->unit)
				back_to(NULL, g->devs.v[i]);
	} else if (a->hwpt->domain.profile->set_pasid) {
		set_pasids(NULL, NULL, g, a->pasid);
	}
	faults_drain(a->hwpt, a);
	drop_attach(g, a);
	faults_settle(g);
}

/* iommufd_hw_pagetable_detach(): the page table keeps the reference, for the caller to put. NULL: it was not attached. */
struct hwpt *detach_hwpt(struct idev *idev, uint32_t pasid)
{
	struct mgroup *g = idev->dev->group;
	struct attach *a = group_attach(g, pasid);
	struct hwpt *h;
	size_t at;

	if (!a || !is_attached(a, idev))
		return NULL;
	h = a->hwpt;
	at = place_of(a, idev);
	a->idevs.v[at] = a->idevs.v[--a->idevs.n];
	if (!a->idevs.n)
		last_detach(g, a);
	if (counts_regions(h, pasid))
		iopt_unreserve(hwpt_paging(h)->ioas, idev->dev);
	return h;
}

void detach_device(struct model *m, struct idev *idev, uint32_t pasid)
{
	struct hwpt *h = detach_hwpt(idev, pasid);

	if (!h)
		return;
	hwpt_put(m, h);
	idev->obj.users--;
}

/* -- replace --------------------------------------------------------------------------------------------------------------------- */

static int move_to(struct hwpt *h, struct attach *a, struct idev *idev)
{
	struct mgroup *g = idev->dev->group;
	int r;

	if (!can_fault(h, idev->dev))
		return -EINVAL;
	r = check_pasid(h, g, a->pasid);
	if (r < 0)
		return r;
	if (h->domain.profile != idev->dev->unit->profile)
		return -EINVAL;
	if (a->pasid == NO_PASID)
		return move_group(h, a->hwpt, g);
	return h->domain.profile->set_pasid ? set_pasids(h, a->hwpt, g, a->pasid) : -EOPNOTSUPP;
}

static int reserve_for_all(const struct attach *a, struct hwpt *h)
{
	struct hwpt *new = hwpt_paging(h), *old = hwpt_paging(a->hwpt);
	int r = 0;

	if (old && old->ioas == new->ioas)
		return 0;
	for (size_t i = 0; r == 0 && i < a->idevs.n; i++)
		r = iopt_reserve_device(new->ioas, a->idevs.v[i]->dev);
	return r;
}

/* iommufd_device_do_replace(). *@ret_old: a page table that lost its reference, for the caller to put; NULL none. */
static int replace_hwpt(struct idev *idev, uint32_t pasid, struct hwpt *h, struct hwpt **ret_old)
{
	struct attach *a = group_attach(idev->dev->group, pasid);
	bool regions = counts_regions(h, pasid);
	struct hwpt *old;
	int r = 0;

	if (!a || !is_attached(a, idev))
		return -EINVAL;
	old = a->hwpt;
	*ret_old = NULL;
	if (h == old)
		return 0;
	if (regions)
		r = reserve_for_all(a, h);
	if (r == 0)
		r = move_to(h, a, idev);
	if (r < 0) {
		/* also those that the old page table of the same IOAS still counts on: so does the kernel */
		if (regions)
			unreserve_all(a, h);
		return r;
	}
	faults_drain(old, a);
	if (counts_regions(old, pasid) && hwpt_paging(old)->ioas != hwpt_paging(h)->ioas)
		unreserve_all(a, old);
	a->hwpt = h;
	a->first = idev;
	h->obj.users += a->idevs.n;
	old->obj.users -= a->idevs.n - 1;
	faults_settle(idev->dev->group);
	*ret_old = old;
	return 0;
}

/* -- by any id -------------------------------------------------------------------------------------------------------------------- */

/* *@ret_old as above. */
static int attach_one(struct idev *idev, uint32_t pasid, struct hwpt *h, bool replace, struct hwpt **ret_old)
{
	*ret_old = NULL;
	return replace ? replace_hwpt(idev, pasid, h, ret_old) : attach_hwpt(idev, pasid, h);
}

/* iommufd_device_auto_get_domain(): any automatic one that takes the device, or a new one. */
static int attach_auto(struct model *m, struct idev *idev, uint32_t pasid, struct ioas *ioas, uint32_t *pt_id, bool replace,
		       struct hwpt **ret_old)
{
	struct hwpt *h;
	int r;

	for (size_t i = 0; i < ioas->hwpts.n; i++) {
		h = ioas->hwpts.v[i];
		if (!h->automatic)
			continue;
		r = attach_one(idev, pasid, h, replace, ret_old);
		if (r == -EINVAL)
			continue; /* incompatible */
		if (r == 0)
			*pt_id = h->obj.id;
		return r;
	}
	*ret_old = NULL;
	r = hwpt_alloc_paging(m, ioas, idev, 0, NULL, replace ? NULL : &pasid, &h);
	if (r < 0)
		return r;
	if (replace)
		r = replace_hwpt(idev, pasid, h, ret_old);
	if (r < 0) {
		hwpt_free(m, h);
		return r;
	}
	h->automatic = true;
	*pt_id = h->obj.id;
	return 0;
}

static int change(struct model *m, struct idev *idev, uint32_t pasid, uint32_t *pt_id, bool replace)
{
	struct obj *pt = obj_get(m, *pt_id, OBJ_ANY);
	struct hwpt *old = NULL;
	int r;

	if (!pt)
		return -ENOENT;
	if (pt->type == OBJ_IOAS)
		r = attach_auto(m, idev, pasid, (struct ioas *)pt, pt_id, replace, &old);
	else if (pt->type == OBJ_HWPT_PAGING || pt->type == OBJ_HWPT_NESTED)
		r = attach_one(idev, pasid, (struct hwpt *)pt, replace, &old);
	else
		r = -EINVAL;
	if (r == 0 && old)
		hwpt_put(m, old);
	return r;
}

int attach_device(struct model *m, struct idev *idev, uint32_t pasid, uint32_t *pt_id)
{
	int r = change(m, idev, pasid, pt_id, false);

	if (r == 0)
		idev->obj.users++;
	return r;
}

int replace_device(struct model *m, struct idev *idev, uint32_t pasid, uint32_t *pt_id)
{
	return change(m, idev, pasid, pt_id, true);
}
