// SPDX-License-Identifier: GPL-2.0-or-later
/* Options of the iommufd and of address spaces, and who pays for pinned memory (drivers/iommu/iommufd/ioas.c, vfio_compat.c). */
#include <errno.h>

#include "model/internal.h"

/* Accounting itself is not modelled: only what may be asked. Who asks is taken for root. */
static int rlimit_mode(struct model *m, struct op_option *op)
{
	if (op->object_id)
		return -EOPNOTSUPP;
	if (!op->set) {
		op->value = m->rlimit_mm;
		return 0;
	}
	if (m->n_objs)
		return -EBUSY;
	if (op->value > 1)
		return -EINVAL;
	m->rlimit_mm = op->value;
	return 0;
}

static int disable_large_pages(struct ioas *ioas)
{
	int r;

	if (ioas->no_large_pages)
		return 0;
	if (ioas->hwpts.n && ioas->areas.root)
		return -EINVAL;
	ioas->no_large_pages = true;
	r = iopt_align(ioas);
	if (r < 0)
		ioas->no_large_pages = false;
	return r;
}

static int huge_pages(struct model *m, struct op_option *op)
{
	struct ioas *ioas = obj_get(m, op->object_id, OBJ_IOAS);

	if (!ioas)
		return -ENOENT;
	if (!op->set) {
		op->value = !ioas->no_large_pages;
		return 0;
	}
	if (op->value > 1)
		return -EINVAL;
	if (!op->value)
		return disable_large_pages(ioas);
	ioas->no_large_pages = false;
	return iopt_align(ioas);
}

int model_option(struct backend *b, struct op_option *op, struct op_data *d)
{
	(void)d;
	switch (op->option) {
	case IOMMU_OPTION_RLIMIT_MODE:
		return rlimit_mode(to_model(b), op);
	case IOMMU_OPTION_HUGE_PAGES:
		return huge_pages(to_model(b), op);
	default:
		return -EOPNOTSUPP;
	}
}

static bool all_files(const struct ioas *ioas)
{
	for (struct range *r = range_first(&ioas->areas, 0, UINT64_MAX); r; r = range_next(&ioas->areas, r))
		if (!range_entry(r, struct area, r)->pages->file)
			return false;
	return true;
}

int model_change_process(struct backend *b, struct op_change_process *op, struct op_data *d)
{
	struct model *m = to_model(b);

	(void)op;
	(void)d;
	for (size_t i = 1; i < m->objs.n; i++) {
		struct ioas *ioas = obj_get(m, i, OBJ_IOAS);

		if (ioas && !all_files(ioas))
			return -EINVAL;
	}
	return 0;
}

int model_vfio_ioas(struct backend *b, struct op_vfio_ioas *op, struct op_data *d)
{
	struct model *m = to_model(b);
	struct ioas *ioas;

	(void)d;
	switch (op->what) {
	case OP_VFIO_IOAS_GET:
		if (!m->vfio_ioas)
			return -ENODEV;
		op->ioas_id = m->vfio_ioas->obj.id;
		return 0;
	case OP_VFIO_IOAS_SET:
		ioas = obj_get(m, op->ioas_id, OBJ_IOAS);
		if (!ioas)
			return -ENOENT;
		m->vfio_ioas = ioas;
		return 0;
	case OP_VFIO_IOAS_CLEAR:
		m->vfio_ioas = NULL;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}
