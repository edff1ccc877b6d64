// SPDX-License-Identifier: GPL-2.0-or-later
/* Virtual IOMMUs, devices in them, and their hardware queues (drivers/iommu/iommufd/viommu.c). */
#include <errno.h>
#include <string.h>

#include "model/internal.h"

/* -- viommu -------------------------------------------------------------------------------------------------------------- */

void viommu_free(struct model *m, struct viommu *v)
{
	v->hwpt->obj.users--;
	vec_free(&v->vdevices);
	vec_free(&v->queues);
	obj_free(m, &v->obj, false);
}

static int check_viommu(struct model *m, const struct op_viommu_alloc *op, struct idev **ret_idev, struct hwpt **ret_hwpt)
{
	const struct profile *p;

	if (op->flags || op->type == IOMMU_VIOMMU_TYPE_DEFAULT)
		return -EOPNOTSUPP;
	if (!*ret_idev)
		return -ENOENT;
	p = (*ret_idev)->dev->unit->profile;
	if (!p->viommu_type || !p->viommu_type((*ret_idev)->dev, op->type))
		return -EOPNOTSUPP;
	*ret_hwpt = obj_get(m, op->hwpt_id, OBJ_HWPT_PAGING);
	if (!*ret_hwpt)
		return -ENOENT;
	return (*ret_hwpt)->domain.nest_parent ? 0 : -EINVAL;
}

int viommu_new(struct model *m, struct idev *idev, struct op_viommu_alloc *op, const struct user_data *u, struct op_data *d)
{
	struct viommu *v;
	struct hwpt *hwpt;
	int r = check_viommu(m, op, &idev, &hwpt);

	if (r < 0)
		return r;
	v = obj_new(m, sizeof(*v), OBJ_VIOMMU);
	v->type = op->type;
	v->hwpt = hwpt;
	v->unit = idev->dev->unit;
	v->profile = idev->dev->unit->profile;
	hwpt->obj.users++;
	r = v->profile->viommu_init(m, v, u->len ? u : NULL, d);
	if (r < 0) {
		viommu_free(m, v);
		return r;
	}
	op->ret_id = v->obj.id;
	return 0;
}

int model_viommu_alloc(struct backend *b, struct op_viommu_alloc *op, struct op_data *d)
{
	struct user_data u = { .type = op->type, .data = d->in, .len = d->in_len };
	struct model *m = to_model(b);
	struct handle *h;
	int r = handle_get(m, op->handle, &h);

	if (r < 0)
		return r;
	/* what a driver does not answer comes back as it was */
	d->out_len = d->in_len;
	if (d->out && d->in_len)
		memcpy(d->out, d->in, MIN(d->in_len, d->out_cap));
	return viommu_new(m, h->idev, op, &u, d);
}

/* -- vdevice -------------------------------------------------------------------------------------------------------------- */

struct vdevice *viommu_find(const struct viommu *v, uint64_t virt_id)
{
	for (size_t i = 0; i < v->vdevices.n; i++)
		if (v->vdevices.v[i]->virt_id == virt_id)
			return v->vdevices.v[i];
	return NULL;
}

int viommu_vdev_id(const struct viommu *v, const struct mdev *dev, uint64_t *ret)
{
	for (size_t i = 0; i < v->vdevices.n; i++) {
		if (v->vdevices.v[i]->idev->dev != dev)
			continue;
		*ret = v->vdevices.v[i]->virt_id;
		return 0;
	}
	return -ENOENT;
}

void vdevice_free(struct model *m, struct vdevice *v, bool keep_id)
{
	struct viommu *viommu = v->viommu;
	size_t at = 0;

	while (viommu->vdevices.v[at] != v)
		at++;
	viommu->vdevices.v[at] = viommu->vdevices.v[--viommu->vdevices.n];
	viommu->obj.users--;
	v->idev->vdev = NULL;
	obj_free(m, &v->obj, keep_id);
}

int vdevice_new(struct model *m, uint32_t viommu_id, uint32_t dev_id, uint64_t virt_id, uint32_t *ret)
{
	struct viommu *viommu = obj_get(m, viommu_id, OBJ_VIOMMU);
	struct idev *idev = obj_get(m, dev_id, OBJ_DEVICE);
	struct vdevice *v;

	if (!viommu || !idev)
		return -ENOENT;
	if (viommu->unit != idev->dev->unit)
		return -EINVAL;
	if (idev->vdev || viommu_find(viommu, virt_id))
		return -EEXIST;
	v = obj_new(m, sizeof(*v), OBJ_VDEVICE);
	v->viommu = viommu;
	v->idev = idev;
	v->virt_id = virt_id;
	viommu->obj.users++;
	idev->vdev = v;
	*vec_push(&viommu->vdevices) = v;
	*ret = v->obj.id;
	return 0;
}

int model_vdevice_alloc(struct backend *b, struct op_vdevice_alloc *op, struct op_data *d)
{
	struct handle *h;
	int r = handle_get(to_model(b), op->handle, &h);

	(void)d;
	return r < 0 ? r : vdevice_new(to_model(b), op->viommu_id, h->idev ? h->idev->obj.id : 0, op->virt_id, &op->ret_id);
}

/* -- hardware queues --------------------------------------------------------------------------------------------------------- */

static void lock_areas(struct ioas *ioas, uint64_t start, uint64_t last, int by)
{
	struct range *r = range_first(&ioas->areas, start, last);

	for (; r && r->start <= last; r = range_next(&ioas->areas, r))
		range_entry(r, struct area, r)->locks += by;
}

static uint64_t first_page(const struct hwqueue *q)
{
	return q->base & ~(q->viommu->hwpt->ioas->page - 1);
}

static uint64_t last_page(const struct hwqueue *q)
{
	return (q->base + (q->length - 1)) | (q->viommu->hwpt->ioas->page - 1);
}

/* The kernel's hold on the queue's memory: a user of the IOAS that wants whole pages, and an object of its own. */
static void release_memory(struct model *m, struct hwqueue *q)
{
	struct ioas *ioas = q->viommu->hwpt->ioas;

	ioas->accesses--;
	ioas->obj.users--;
	iopt_align(ioas);
	obj_free(m, q->access, false);
}

static bool may_read(const struct ioas *ioas, uint64_t start, uint64_t last)
{
	for (struct range *r = range_first(&ioas->areas, start, last); r && r->start <= last; r = range_next(&ioas->areas, r))
		if (!(range_entry(r, struct area, r)->prot & OP_MAP_READ))
			return false;
	return true;
}

static bool whole_pages(const struct ioas *ioas, uint64_t start, uint64_t last)
{
	for (struct range *r = range_first(&ioas->areas, start, last); r && r->start <= last; r = range_next(&ioas->areas, r)) {
		const struct area *a = range_entry(r, struct area, r);

		if ((r->start - a->offset) % ioas->page)
			return false;
	}
	return true;
}

/*
 * iommufd_hw_queue_alloc_phys(). Memory of more than one page is taken for scattered, as it is unless huge pages back it: how it
 * lies is not modelled.
 */
static int hold_memory(struct model *m, struct hwqueue *q)
{
	struct ioas *ioas = q->viommu->hwpt->ioas;
	uint64_t start = first_page(q), last = last_page(q);
	int r;

	if (q->length > UINT64_MAX - (q->base - start) || q->length + (q->base - start) > UINT64_MAX - (ioas->page - 1))
		return -ERANGE;
	q->access = obj_new(m, sizeof(*q->access), OBJ_ACCESS);
	q->access->users = 1;
	ioas->accesses++;
	ioas->obj.users++;
	r = iopt_align(ioas);
	if (r == 0 && !iopt_contig(ioas, start, last))
		r = -ENOENT;
	if (r == 0 && !whole_pages(ioas, start, last))
		r = -EINVAL;
	if (r == 0 && !may_read(ioas, start, last))
		r = -EPERM;
	if (r == 0 && last - start >= ioas->page)
		r = -EFAULT;
	if (r < 0)
		release_memory(m, q);
	return r;
}

/* mock_hw_queue_init_phys() */
static int take_place(struct hwqueue *q)
{
	struct viommu *v = q->viommu;

	if (q->index >= ARRAY_SIZE(v->hwqueues))
		return -EINVAL;
	if (v->hwqueues[q->index])
		return -EEXIST;
	if (q->index && !v->hwqueues[q->index - 1])
		return -EIO;
	q->prev = q->index ? v->hwqueues[q->index - 1] : NULL;
	if (q->prev)
		q->prev->obj.users++;
	v->hwqueues[q->index] = q;
	return 0;
}

void hwqueue_free(struct model *m, struct hwqueue *q)
{
	/* the selftest's driver never writes down which place a queue has, and always gives back the first (mock_hw_queue_destroy()) */
	q->viommu->hwqueues[0] = NULL;
	if (q->prev)
		q->prev->obj.users--;
	lock_areas(q->viommu->hwpt->ioas, first_page(q), last_page(q), -1);
	release_memory(m, q);
	q->viommu->obj.users--;
	obj_free(m, &q->obj, false);
}

int model_hwqueue_alloc(struct backend *b, struct op_hwqueue_alloc *op, struct op_data *d)
{
	struct model *m = to_model(b);
	struct viommu *v;
	struct hwqueue *q;
	int r;

	(void)d;
	if (op->type == 0)
		return -EOPNOTSUPP;
	if (!op->length)
		return -EINVAL;
	if (op->base > UINT64_MAX - (op->length - 1))
		return -EOVERFLOW;
	v = obj_get(m, op->viommu_id, OBJ_VIOMMU);
	if (!v)
		return -ENOENT;
	if (!v->profile->hwqueue_type || v->profile->hwqueue_type != op->type)
		return -EOPNOTSUPP;
	q = obj_new(m, sizeof(*q), OBJ_HW_QUEUE);
	q->viommu = v;
	q->index = op->index;
	q->base = op->base;
	q->length = op->length;
	r = hold_memory(m, q);
	if (r == 0) {
		r = take_place(q);
		if (r < 0)
			release_memory(m, q);
	}
	if (r < 0) {
		obj_free(m, &q->obj, false);
		return r;
	}
	lock_areas(v->hwpt->ioas, first_page(q), last_page(q), 1);
	v->obj.users++;
	op->ret_id = q->obj.id;
	return 0;
}
