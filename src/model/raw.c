// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ioctls as bytes (iommufd_fops_ioctl() in drivers/iommu/iommufd/main.c): sizes, what is beyond them, reserved fields, and then the
 * operation. What the bytes point to is nowhere: addresses in them are the client's, who may be another process. So data of a driver is
 * EFAULT, and memory that is mapped is mapped lazily, and EFAULT once a page table wants it.
 */
#include <errno.h>
#include <string.h>

#include "model/internal.h"

union command {
#define X(name, nr, type, last, since) struct type name;
	IOMMUFD_IOCTLS(X)
#undef X
	struct iommu_test_cmd TEST_CMD;
	uint32_t size;
};

struct raw {
	struct model *m;
	struct backend *b;
	union command *c;
	struct op_data none;
};

static struct user_data data_at(uint32_t type, uint32_t len)
{
	return (struct user_data){ .type = type, .len = len };
}

/* -- one function an ioctl: from the kernel's struct to the operation and back ------------------------------------------------ */

static int raw_DESTROY(struct raw *r, struct iommu_destroy *c)
{
	struct op_destroy op = { .id = c->id };
	struct obj *o = obj_get(r->m, c->id, OBJ_ANY);

	/* queues have a descriptor open all the time; the operation closes it, these bytes do not */
	if (o && (o->type == OBJ_FAULT || o->type == OBJ_VEVENTQ))
		return -EBUSY;
	return model_destroy(r->b, &op, &r->none);
}

static int raw_IOAS_ALLOC(struct raw *r, struct iommu_ioas_alloc *c)
{
	struct op_ioas_alloc op = { .flags = c->flags };
	int err = model_ioas_alloc(r->b, &op, &r->none);

	if (err == 0)
		c->out_ioas_id = op.ret_id;
	return err;
}

static int raw_IOAS_ALLOW_IOVAS(struct raw *r, struct iommu_ioas_allow_iovas *c)
{
	struct op_ioas_allow op = { .ioas_id = c->ioas_id };

	if (c->reserved)
		return -EOPNOTSUPP;
	if (c->num_iovas && obj_get(r->m, c->ioas_id, OBJ_IOAS))
		return -EFAULT;
	return model_ioas_allow(r->b, &op, &r->none);
}

static int raw_IOAS_COPY(struct raw *r, struct iommu_ioas_copy *c)
{
	struct op_ioas_copy op = {
		.flags = c->flags,
		.dst_ioas_id = c->dst_ioas_id,
		.src_ioas_id = c->src_ioas_id,
		.length = c->length,
		.dst_iova = c->dst_iova,
		.src_iova = c->src_iova,
	};
	int err = model_ioas_copy(r->b, &op, &r->none);

	if (err == 0)
		c->dst_iova = op.dst_iova;
	return err;
}

static int raw_IOAS_IOVA_RANGES(struct raw *r, struct iommu_ioas_iova_ranges *c)
{
	struct op_ioas_ranges op = { .ioas_id = c->ioas_id };
	int err = c->reserved ? -EOPNOTSUPP : model_ioas_ranges(r->b, &op, &r->none);

	if (err < 0)
		return err;
	if (c->num_iovas && op.ret_n)
		return -EFAULT;
	c->num_iovas = op.ret_n;
	c->out_iova_alignment = op.ret_alignment;
	return op.ret_n ? -EMSGSIZE : 0;
}

static int map(struct raw *r, struct op_ioas_map op, const struct memory *mem, abi_u64 *iova)
{
	uint64_t at;
	int err = ioas_map_memory(r->m, &op, mem, &at);

	if (err == 0)
		*iova = at;
	return err;
}

static int raw_IOAS_MAP(struct raw *r, struct iommu_ioas_map *c)
{
	struct memory mem = { .start = c->user_va, .pin_err = -EFAULT };

	if (c->reserved)
		return -EOPNOTSUPP;
	return map(r, (struct op_ioas_map){ .ioas_id = c->ioas_id, .flags = c->flags, .iova = c->iova, .length = c->length },
		   &mem, &c->iova);
}

/* Descriptors in it are the client's as well. */
static int raw_IOAS_MAP_FILE(struct raw *r, struct iommu_ioas_map_file *c)
{
	struct memory mem = { .start = c->start, .file = true, .bad_fd = true };

	return map(r, (struct op_ioas_map){ .ioas_id = c->ioas_id, .flags = c->flags, .iova = c->iova, .length = c->length },
		   &mem, &c->iova);
}

static int raw_IOAS_UNMAP(struct raw *r, struct iommu_ioas_unmap *c)
{
	struct op_ioas_unmap op = { .ioas_id = c->ioas_id, .iova = c->iova, .length = c->length };
	int err = model_ioas_unmap(r->b, &op, &r->none);

	if (err == 0)
		c->length = op.ret_length;
	return err;
}

static int raw_OPTION(struct raw *r, struct iommu_option *c)
{
	struct op_option op = { .option = c->option_id, .set = c->op == IOMMU_OPTION_OP_SET, .object_id = c->object_id, .value = c->val64 };
	int err;

	if (c->reserved || c->op > IOMMU_OPTION_OP_GET)
		return -EOPNOTSUPP;
	err = model_option(r->b, &op, &r->none);
	if (err == 0)
		c->val64 = op.value;
	return err;
}

static int raw_VFIO_IOAS(struct raw *r, struct iommu_vfio_ioas *c)
{
	struct op_vfio_ioas op = { .what = c->op, .ioas_id = c->ioas_id };
	int err = c->reserved ? -EOPNOTSUPP : model_vfio_ioas(r->b, &op, &r->none);

	if (err == 0)
		c->ioas_id = op.ioas_id;
	return err;
}

static int raw_HWPT_ALLOC(struct raw *r, struct iommu_hwpt_alloc *c)
{
	struct user_data u = data_at(c->data_type, c->data_len);
	struct hwpt *h;
	int err = c->reserved ? -EOPNOTSUPP : hwpt_alloc_any(r->m, c->dev_id, c->pt_id, c->flags, c->fault_id, &u, &h);

	if (err == 0)
		c->out_hwpt_id = h->obj.id;
	return err;
}

static struct handle *handle_of(struct model *m, uint32_t dev_id)
{
	for (size_t i = 0; i < m->handles.n; i++)
		if (m->handles.v[i] && m->handles.v[i]->idev && m->handles.v[i]->idev->obj.id == dev_id)
			return m->handles.v[i];
	return NULL;
}

static int raw_GET_HW_INFO(struct raw *r, struct iommu_hw_info *c)
{
	struct handle *h = handle_of(r->m, c->dev_id);
	struct op_device_hwinfo op = { .handle = h ? h->id : 0 };
	int err;

	if ((c->flags & ~IOMMU_HW_INFO_FLAG_INPUT_TYPE) || c->reserved[0] || c->reserved[1] || c->reserved[2])
		return -EOPNOTSUPP;
	/* the flag came with hardware queues (6.17) */
	if ((c->flags & IOMMU_HW_INFO_FLAG_INPUT_TYPE) && model_lacks(r->m, PROBE_HW_QUEUE_ALLOC))
		return -EOPNOTSUPP;
	if (!h)
		return -ENOENT;
	if (c->flags & IOMMU_HW_INFO_FLAG_INPUT_TYPE)
		op.in_type = c->in_data_type;
	err = model_device_hwinfo(r->b, &op, &r->none);
	if (err < 0)
		return err;
	if (c->data_len)
		return -EFAULT;
	c->data_len = op.ret_data_len;
	c->out_data_type = op.ret_type;
	c->out_max_pasid_log2 = op.ret_max_pasid_log2;
	c->out_capabilities = op.ret_capabilities;
	return 0;
}

static int raw_HWPT_SET_DIRTY_TRACKING(struct raw *r, struct iommu_hwpt_set_dirty_tracking *c)
{
	struct op_dirty_set op = { .hwpt_id = c->hwpt_id, .enable = c->flags & IOMMU_HWPT_DIRTY_TRACKING_ENABLE };

	return (c->flags & ~IOMMU_HWPT_DIRTY_TRACKING_ENABLE) ? -EOPNOTSUPP : model_dirty_set(r->b, &op, &r->none);
}

/* Bits that cannot be written are lost without a word (iova_bitmap_set()). */
static int raw_HWPT_GET_DIRTY_BITMAP(struct raw *r, struct iommu_hwpt_get_dirty_bitmap *c)
{
	struct op_dirty_get op = { .hwpt_id = c->hwpt_id, .flags = c->flags, .iova = c->iova, .length = c->length, .page_size = c->page_size };
	int err = c->reserved ? -EOPNOTSUPP : model_dirty_get(r->b, &op, &r->none);

	return err == -EMSGSIZE ? 0 : err;
}

static int raw_HWPT_INVALIDATE(struct raw *r, struct iommu_hwpt_invalidate *c)
{
	struct inv_array a = { .type = c->data_type, .entry_len = c->entry_len };
	struct obj *pt = obj_get(r->m, c->hwpt_id, OBJ_ANY);
	uint32_t n = c->entry_num;
	int err;

	c->entry_num = 0;
	if (c->reserved)
		return -EOPNOTSUPP;
	if (n && (!c->data_uptr || !c->entry_len || c->entry_len > r->m->page || n > 1u << 19))
		return -EINVAL;
	if (!n)
		return invalidate(r->m, c->hwpt_id, &a);
	/* a wrong type is found before the entries are looked at, which an empty array tells as well */
	err = pt ? invalidate(r->m, c->hwpt_id, &a) : -ENOENT;
	return err < 0 ? err : -EFAULT;
}

/* A descriptor would have to be the client's: the queue is made, and none given. */
static int raw_FAULT_QUEUE_ALLOC(struct raw *r, struct iommu_fault_alloc *c)
{
	struct op_faultq_alloc op = { 0 };
	int err = c->flags ? -EOPNOTSUPP : model_faultq_alloc(r->b, &op, &r->none);

	if (err == 0) {
		c->out_fault_id = op.ret_id;
		c->out_fault_fd = UINT32_MAX;
	}
	return err;
}

static int raw_VIOMMU_ALLOC(struct raw *r, struct iommu_viommu_alloc *c)
{
	struct op_viommu_alloc op = { .flags = c->flags, .type = c->type, .hwpt_id = c->hwpt_id };
	struct user_data u = data_at(c->type, c->data_len);
	int err = viommu_new(r->m, obj_get(r->m, c->dev_id, OBJ_DEVICE), &op, &u, &r->none);

	if (err == 0)
		c->out_viommu_id = op.ret_id;
	return err;
}

static int raw_VDEVICE_ALLOC(struct raw *r, struct iommu_vdevice_alloc *c)
{
	uint32_t id;
	int err = vdevice_new(r->m, c->viommu_id, c->dev_id, c->virt_id, &id);

	if (err == 0)
		c->out_vdevice_id = id;
	return err;
}

static int raw_IOAS_CHANGE_PROCESS(struct raw *r, struct iommu_ioas_change_process *c)
{
	struct op_change_process op = { { 0 } };

	return c->reserved ? -EOPNOTSUPP : model_change_process(r->b, &op, &r->none);
}

static int raw_VEVENTQ_ALLOC(struct raw *r, struct iommu_veventq_alloc *c)
{
	struct op_veventq_alloc op = { .viommu_id = c->viommu_id, .type = c->type, .depth = c->veventq_depth };
	int err = c->flags || c->reserved ? -EOPNOTSUPP : model_veventq_alloc(r->b, &op, &r->none);

	if (err == 0) {
		c->out_veventq_id = op.ret_id;
		c->out_veventq_fd = UINT32_MAX;
	}
	return err;
}

static int raw_HW_QUEUE_ALLOC(struct raw *r, struct iommu_hw_queue_alloc *c)
{
	struct op_hwqueue_alloc op = { .viommu_id = c->viommu_id, .type = c->type, .index = c->index, .base = c->nesting_parent_iova,
				       .length = c->length };
	int err = c->flags ? -EOPNOTSUPP : model_hwqueue_alloc(r->b, &op, &r->none);

	if (err == 0)
		c->out_hw_queue_id = op.ret_id;
	return err;
}

/* -- the framework ---------------------------------------------------------------------------------------------------------------- */

struct row {
	size_t size, min;
};

static bool find_row(struct model *m, uint32_t nr, struct row *ret)
{
	switch (nr) {
#define X(name, n, type, last, since)                                                                            \
	case n:                                                                                                  \
		*ret = (struct row){ sizeof(struct type), ABI_END(struct type, last) };                          \
		return !model_lacks(m, PROBE_##name);
		IOMMUFD_IOCTLS(X)
#undef X
	case 0xa0:
		*ret = (struct row){ sizeof(struct iommu_test_cmd), ABI_END(struct iommu_test_cmd, last) };
		return !m->opt.no_mock;
	}
	return false;
}

static int execute(struct raw *r, uint32_t nr)
{
	switch (nr) {
#define X(name, n, type, last, since)                                                                            \
	case n:                                                                                                  \
		return raw_##name(r, &r->c->name);
		IOMMUFD_IOCTLS(X)
#undef X
	}
	return mock_test(r->m, &r->c->TEST_CMD);
}

int model_probe(struct backend *b, struct op_probe *op, struct op_data *d)
{
	struct row row;

	(void)d;
	return find_row(to_model(b), op->nr, &row) ? 0 : -ENOTTY;
}

/* copy_struct_from_user() of as many bytes as the first word says. Behind ours it sees zeroes up to the end of a page. */
static int take(const struct model *m, const struct row *row, const struct op_data *d, union command *c)
{
	size_t room = (d->in_len + m->page - 1) / m->page * m->page;
	uint32_t size = 0;

	if (!d->in_len)
		return -EFAULT;
	memcpy(&size, d->in, MIN(d->in_len, sizeof(size)));
	if (size < row->min)
		return -EINVAL;
	for (size_t i = row->size; i < MIN(size, d->in_len); i++)
		if (((const uint8_t *)d->in)[i])
			return -E2BIG;
	if (size > room)
		return -EFAULT;
	memcpy(c, d->in, MIN(MIN(size, row->size), d->in_len));
	return 0;
}

int model_raw(struct backend *b, struct op_raw *op, struct op_data *d)
{
	union command c = { .size = 0 };
	struct raw r = { .m = to_model(b), .b = b, .c = &c, .none = OP_DATA_NONE };
	struct row row;
	uint32_t size = 0;
	int err;

	memset(&c, 0, sizeof(c));
	d->out_len = d->in_len;
	if (d->out && d->in_len)
		memcpy(d->out, d->in, MIN(d->out_cap, d->in_len));
	if (op->nr > 0xff)
		return -ENOTTY;
	/* the size is fetched before a hole in the kernel's table is met; the selftest's ioctl is its last entry */
	if (!d->in_len && op->nr >= 0x80 && op->nr <= (r.m->opt.no_mock ? 0x94 : 0xa0))
		return -EFAULT;
	if (!find_row(r.m, op->nr, &row))
		return -ENOTTY;
	err = take(r.m, &row, d, &c);
	if (err < 0)
		return err;
	memcpy(&size, d->in, MIN(d->in_len, sizeof(size)));
	err = execute(&r, op->nr);
	/* fields are written back on success, and by two ioctls on errors of theirs */
	if ((err == 0 || err == -EMSGSIZE || op->nr == 0x8d) && d->out)
		memcpy(d->out, &c, MIN(MIN(d->out_cap, d->in_len), MIN(size, row.size)));
	return err;
}
