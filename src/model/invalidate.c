// SPDX-License-Identifier: GPL-2.0-or-later
/* Invalidations: they go to the object they name (iommufd_hwpt_invalidate()). */
#include <errno.h>
#include <string.h>

#include "model/internal.h"

#define MAX_ENTRIES (1u << 19)

int inv_copy(const struct inv_array *a, uint32_t type, uint32_t at, void *ret, size_t size, size_t min)
{
	const uint8_t *entry = a->data + (size_t)at * a->entry_len;

	/* an entry that is copied alone may not be longer than it is known, not even with zeroes (__iommu_copy_struct_from_user()) */
	if (a->type != type || a->entry_len < min || (min && a->entry_len > size))
		return -EINVAL;
	for (size_t i = size; i < a->entry_len; i++)
		if (entry[i])
			return -E2BIG;
	memset(ret, 0, size);
	memcpy(ret, entry, MIN(a->entry_len, size));
	return 0;
}

static int send_to(struct model *m, struct obj *pt, struct inv_array *a)
{
	struct viommu *v = (struct viommu *)pt;
	struct hwpt *h = (struct hwpt *)pt;

	switch (pt->type) {
	case OBJ_HWPT_NESTED:
		return h->domain.profile->invalidate ? h->domain.profile->invalidate(&h->domain, a) : -EOPNOTSUPP;
	case OBJ_VIOMMU:
		return v->profile->viommu_invalidate ? v->profile->viommu_invalidate(v, a) : -EOPNOTSUPP;
	default:
		return before_viommus(m) ? -ENOENT : -EINVAL;
	}
}

int invalidate(struct model *m, uint32_t id, struct inv_array *a)
{
	uint32_t n = a->n;
	struct obj *pt;
	int r;

	if (n && (!a->data || !a->entry_len || a->entry_len > m->page || n > MAX_ENTRIES)) {
		a->n = 0;
		return -EINVAL;
	}
	pt = obj_get(m, id, OBJ_ANY);
	r = pt ? send_to(m, pt, a) : -ENOENT;
	/* whoever does not know the operation has not counted */
	if (r < 0 && a->n == n)
		a->n = 0;
	return r;
}

int model_hwpt_invalidate(struct backend *b, struct op_hwpt_invalidate *op, struct op_data *d)
{
	struct inv_array a = { .type = op->data_type, .entry_len = op->entry_len, .n = op->n, .data = d->in };
	int r;

	op->ret_done = 0;
	if ((uint64_t)op->entry_len * op->n > d->in_len)
		return -EINVAL;
	r = invalidate(to_model(b), op->id, &a);
	op->ret_done = a.n;
	return r;
}
