// SPDX-License-Identifier: GPL-2.0-or-later
/* The operations of the kernel's selftest (drivers/iommu/iommufd/selftest.c). */
#include <errno.h>
#include <string.h>

#include "model/internal.h"

#define MOCK_FLAGS (OP_OPEN_MOCK_NO_DIRTY | OP_OPEN_MOCK_PASID)

/* iommufd_test_mock_domain(): the selftest's object, the device, its binding and its attachment, each with the next id. */
int mock_make(struct model *m, unsigned flags, uint32_t *pt_id, struct handle **ret)
{
	struct selftest *s = obj_new(m, sizeof(*s), OBJ_SELFTEST);
	struct handle *h = handle_new(m, board_add_mock(m, flags));
	int r;

	h->selftest = s;
	s->handle = h;
	s->obj.unfinished = true;
	r = idev_bind(m, h->dev, &h->idev);
	if (r == 0)
		r = attach_device(m, h->idev, NO_PASID, pt_id);
	if (r < 0) {
		handle_close(m, h);
		obj_free(m, &s->obj, false);
		return r;
	}
	s->obj.unfinished = false;
	h->attached = true;
	*ret = h;
	return 0;
}

int mock_open(struct model *m, struct op_device_open *op)
{
	uint32_t pt_id = op->pt_id;
	struct ioas *own = NULL;
	struct handle *h = NULL;
	int r;

	if ((op->flags & ~MOCK_FLAGS) || ((op->flags & OP_OPEN_MOCK_PASID) && before_pasids(m)))
		return -EINVAL;
	if (!pt_id) {
		own = ioas_new(m);
		pt_id = own->obj.id;
	}
	r = m->opt.no_mock ? -ENOTTY :
			     mock_make(m, (op->flags & OP_OPEN_MOCK_NO_DIRTY ? MOCK_FLAGS_DEVICE_NO_DIRTY : 0) |
					       (op->flags & OP_OPEN_MOCK_PASID ? MOCK_FLAGS_DEVICE_PASID : 0),
				       &pt_id, &h);
	if (r < 0) {
		if (own)
			obj_destroy(m, &own->obj);
		return r;
	}
	h->own_ioas = own ? own->obj.id : 0;
	op->ret_handle = h->id;
	op->ret_dev_id = h->idev->obj.id;
	op->ret_hwpt_id = pt_id;
	return 0;
}

/* Its own IOAS stays when something else has come to use it. */
int mock_close(struct model *m, struct handle *h)
{
	uint32_t own = h->own_ioas;
	struct ioas *ioas;

	obj_destroy(m, &h->selftest->obj);
	ioas = own ? obj_get(m, own, OBJ_IOAS) : NULL;
	if (ioas)
		obj_destroy(m, &ioas->obj);
	return 0;
}

static int get_mock(struct model *m, uint32_t handle, struct handle **ret)
{
	struct handle *h = NULL;
	int r = handle_bound(m, handle, &h);

	if (r < 0)
		return r;
	if (m->opt.no_mock)
		return -ENOTTY;
	if (!h->dev->mock)
		return -EINVAL;
	*ret = h;
	return 0;
}

int model_mock_reserved(struct backend *b, struct op_mock_reserved *op, struct op_data *d)
{
	struct model *m = to_model(b);
	struct ioas *ioas;

	(void)d;
	if (m->opt.no_mock)
		return -ENOTTY;
	if (!op->length)
		return -EINVAL;
	if (op->start > UINT64_MAX - (op->length - 1))
		return -EOVERFLOW;
	ioas = obj_get(m, op->ioas_id, OBJ_IOAS);
	return ioas ? iopt_reserve(ioas, op->start, op->start + (op->length - 1), NULL) : -ENOENT;
}

int model_page_request(struct backend *b, const struct op_mock_fault *op, bool last)
{
	struct page_request req = {
		.pasid = op->pasid,
		.has_pasid = op->pasid != NO_PASID,
		.grpid = op->grpid,
		.perm = op->perm,
		.addr = op->addr,
		.last = last,
	};
	struct handle *h = NULL;
	int r = get_mock(to_model(b), op->handle, &h);

	return r < 0 ? r : faults_report(h->dev, &req);
}

/* Nobody to take it is no error of the operation. */
int model_mock_fault(struct backend *b, struct op_mock_fault *op, struct op_data *d)
{
	struct handle *h = NULL;
	int r = get_mock(to_model(b), op->handle, &h);

	(void)d;
	if (r < 0)
		return r;
	model_page_request(b, op, true);
	return 0;
}

int model_mock_iotlb(struct backend *b, struct op_mock_iotlb *op, struct op_data *d)
{
	struct model *m = to_model(b);
	struct hwpt *h = obj_get(m, op->hwpt_id, OBJ_HWPT_NESTED);

	(void)d;
	if (m->opt.no_mock)
		return -ENOTTY;
	if (!h)
		return -ENOENT;
	if (h->domain.profile != &profile_mock || op->index > MOCK_NESTED_DOMAIN_IOTLB_ID_MAX ||
	    h->domain.iotlb[op->index] != op->value)
		return -EINVAL;
	return 0;
}

int model_mock_cache(struct backend *b, struct op_mock_cache *op, struct op_data *d)
{
	struct handle *h = NULL;
	int r = get_mock(to_model(b), op->handle, &h);

	(void)d;
	if (r < 0)
		return r;
	if (before_viommus(to_model(b)))
		return -EOPNOTSUPP;
	return op->index > MOCK_DEV_CACHE_ID_MAX || h->dev->cache[op->index] != op->value ? -EINVAL : 0;
}

int model_mock_event(struct backend *b, struct op_mock_event *op, struct op_data *d)
{
	struct iommu_viommu_event_selftest event = { 0 };
	struct handle *h = NULL;
	int r = get_mock(to_model(b), op->handle, &h);

	(void)d;
	if (r < 0)
		return r;
	if (model_lacks(to_model(b), PROBE_VEVENTQ_ALLOC))
		return -EOPNOTSUPP;
	if (!h->dev->viommu || !h->dev->vdev_id)
		return -ENOENT;
	event.virt_id = h->dev->vdev_id;
	return viommu_report(h->dev->viommu, IOMMU_VEVENTQ_TYPE_SELFTEST, &event, sizeof(event));
}

/* -- IOMMU_TEST_CMD as bytes ------------------------------------------------------------------------------------------------------ */

static int test_reserved(struct model *m, const struct iommu_test_cmd *c)
{
	struct op_mock_reserved op = { .ioas_id = c->id, .start = c->add_reserved.start, .length = c->add_reserved.length };

	return model_mock_reserved(&m->backend, &op, NULL);
}

static int test_domain(struct model *m, struct iommu_test_cmd *c)
{
	unsigned flags = c->op == IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS ? c->mock_domain_flags.dev_flags : 0;
	uint32_t pt_id = c->id;
	struct handle *h = NULL;
	int r = (flags & ~(MOCK_FLAGS_DEVICE_NO_DIRTY | MOCK_FLAGS_DEVICE_PASID)) ? -EINVAL : mock_make(m, flags, &pt_id, &h);

	if (r < 0)
		return r;
	c->mock_domain.out_stdev_id = h->selftest->obj.id;
	c->mock_domain.out_hwpt_id = pt_id;
	c->mock_domain.out_idev_id = h->idev->obj.id;
	return 0;
}

static int test_replace(struct model *m, struct iommu_test_cmd *c)
{
	struct selftest *s = obj_get(m, c->id, OBJ_SELFTEST);
	uint32_t pt_id = c->mock_domain_replace.pt_id;
	int r = s ? replace_device(m, s->handle->idev, NO_PASID, &pt_id) : -ENOENT;

	if (r == 0)
		c->mock_domain_replace.pt_id = pt_id;
	return r;
}

static int test_iotlb(struct model *m, const struct iommu_test_cmd *c)
{
	struct op_mock_iotlb op = { .hwpt_id = c->id, .index = c->check_iotlb.id, .value = c->check_iotlb.iotlb };

	return model_mock_iotlb(&m->backend, &op, NULL);
}

/* Those that need no memory of the client. Of the others it is known that they are there. */
int mock_test(struct model *m, struct iommu_test_cmd *c)
{
	switch (c->op) {
	case IOMMU_TEST_OP_ADD_RESERVED:
		return test_reserved(m, c);
	case IOMMU_TEST_OP_MOCK_DOMAIN:
	case IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS:
		return test_domain(m, c);
	case IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE:
		return test_replace(m, c);
	case IOMMU_TEST_OP_MD_CHECK_IOTLB:
		return test_iotlb(m, c);
	default:
		return -EOPNOTSUPP;
	}
}
