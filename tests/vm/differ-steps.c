// SPDX-License-Identifier: GPL-2.0-or-later
/* Each step does one operation on both sides and compares. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "differ.h"

static const char *const side_names[SIDES] = { "kernel", "model" };

unsigned answers[OP_MAX][ERRNOS];
bool counting;
static uint8_t current;

/* --- both sides ------------------------------------------------------------------------------------------------------- */

static void differs(struct run *r, const char *fmt, ...) _printf_(2, 3);
static void differs(struct run *r, const char *fmt, ...)
{
	size_t room = sizeof(r->say) - r->said;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(r->say + r->said, room, fmt, ap);
	va_end(ap);
	r->said += (size_t)n < room ? (size_t)n : room - 1;
}

const char *answer(int r)
{
	return r ? strerrorname_np(-r) : "0";
}

/* One result field; true when both say the same. */
static void same(struct run *r, const char *what, uint64_t kernel, uint64_t model)
{
	if (kernel != model)
		differs(r, " %s: kernel %#" PRIx64 ", model %#" PRIx64 ";", what, kernel, model);
}

static bool same_errno(struct run *r, const int v[SIDES])
{
	if (counting && -v[KERNEL] < ERRNOS)
		answers[current][-v[KERNEL]]++;
	if (v[KERNEL] != v[MODEL])
		differs(r, " kernel %s, model %s;", answer(v[KERNEL]), answer(v[MODEL]));
	return v[KERNEL] == v[MODEL] && v[KERNEL] == 0;
}

static void same_bytes(struct run *r, const char *what, const struct op_data d[SIDES])
{
	same(r, "length", d[KERNEL].out_len, d[MODEL].out_len);
	if (d[KERNEL].out_len != d[MODEL].out_len || !memcmp(d[KERNEL].out, d[MODEL].out, MIN(d[KERNEL].out_len, d[KERNEL].out_cap)))
		return;
	differs(r, " %s differ:", what);
	for (int side = 0; side < SIDES; side++) {
		differs(r, " %s", side_names[side]);
		for (size_t i = 0; i < MIN(d[side].out_len, 96); i++)
			differs(r, "%s%02x", i % 4 ? "" : " ", ((const uint8_t *)d[side].out)[i]);
	}
	differs(r, ";");
}

static struct slot *slot_of(struct run *r, uint32_t uid)
{
	while (r->slots.n <= uid)
		*vec_push(&r->slots) = (struct slot){ .id = NOTHING };
	return &r->slots.v[uid];
}

static uint32_t id_of(struct run *r, uint32_t ref)
{
	return ref & LITERAL ? ref & ~LITERAL : slot_of(r, ref)->id;
}

static uint32_t handle_of(struct run *r, uint32_t ref, int side)
{
	return ref & LITERAL ? 0x7fff : slot_of(r, ref)->handle[side];
}

static void made(struct run *r, const struct step *s, uint32_t id)
{
	struct slot *slot = slot_of(r, s->uid);

	slot->op = s->op;
	slot->live = true;
	slot->id = id;
}

/* --- the steps: each does one operation on both sides and compares -------------------------------------------------- */

#define BOTH(call)                                                                                               \
	int v[SIDES];                                                                                            \
	for (int side = 0; side < SIDES; side++) {                                                               \
		struct backend *b = r->b[side];                                                                  \
		v[side] = (call);                                                                                \
	}                                                                                                        \
	bool good = same_errno(r, v)

static void do_ioas_alloc(struct run *r, const struct step *s)
{
	struct op_ioas_alloc op[SIDES] = { { .flags = s->u[0] }, { .flags = s->u[0] } };
	/* with huge pages a dirty one makes others dirty, by where the memory happens to be */
	struct op_option huge = { .option = IOMMU_OPTION_HUGE_PAGES, .set = 1, .value = 0 };

	BOTH(backend_ioas_alloc(b, &op[side], NULL));
	if (!good)
		return;
	same(r, "id", op[KERNEL].ret_id, op[MODEL].ret_id);
	huge.object_id = op[KERNEL].ret_id;
	for (int side = 0; side < SIDES; side++)
		v[side] = backend_option(r->b[side], &huge, NULL);
	same_errno(r, v);
	made(r, s, op[KERNEL].ret_id);
}

static void do_device_open(struct run *r, const struct step *s)
{
	struct op_device_open op[SIDES];

	for (int side = 0; side < SIDES && n_devices; side++) {
		op[side] = (struct op_device_open){ .bus = "pci", .flags = s->u[0], .group = OP_NO_GROUP };
		snprintf(op[side].dev, sizeof(op[side].dev), "%s", devices[MIN(s->u[2], n_devices - 1)]);
	}
	for (int side = 0; side < SIDES && !n_devices; side++)
		op[side] = (struct op_device_open){
			.bus = "mock", .dev = "mock", .flags = s->u[0], .pt_id = s->u[1] ? 0 : id_of(r, s->ref[0]), .group = OP_NO_GROUP,
		};
	BOTH(backend_device_open(b, &op[side], NULL));
	if (!good)
		return;
	same(r, "device id", op[KERNEL].ret_dev_id, op[MODEL].ret_dev_id);
	same(r, "hwpt", op[KERNEL].ret_hwpt_id, op[MODEL].ret_hwpt_id);
	made(r, s, op[KERNEL].ret_dev_id);
	for (int side = 0; side < SIDES; side++)
		slot_of(r, s->uid)->handle[side] = op[side].ret_handle;
}

static void do_device_close(struct run *r, const struct step *s)
{
	BOTH(backend_device_close(b, &(struct op_device_close){ .handle = handle_of(r, s->ref[0], side) }, NULL));
	if (good && !(s->ref[0] & LITERAL))
		slot_of(r, s->ref[0])->live = false;
}

static void do_device_attach(struct run *r, const struct step *s)
{
	struct op_device_attach op[SIDES];

	for (int side = 0; side < SIDES; side++)
		op[side] = (struct op_device_attach){
			.handle = handle_of(r, s->ref[0], side), .flags = s->u[0], .pasid = s->u[1], .pt_id = id_of(r, s->ref[1]),
		};
	BOTH(backend_device_attach(b, &op[side], NULL));
	if (!good)
		return;
	same(r, "page table", op[KERNEL].pt_id, op[MODEL].pt_id);
	made(r, s, op[KERNEL].pt_id);
}

static void do_device_detach(struct run *r, const struct step *s)
{
	struct op_device_detach op = { .flags = s->u[0], .pasid = s->u[1] };

	BOTH((op.handle = handle_of(r, s->ref[0], side), backend_device_detach(b, &op, NULL)));
	(void)good;
}

static void do_device_hwinfo(struct run *r, const struct step *s)
{
	uint8_t out[SIDES][32] = { 0 };
	struct op_device_hwinfo op[SIDES];
	struct op_data d[SIDES];

	for (int side = 0; side < SIDES; side++) {
		op[side] = (struct op_device_hwinfo){ .handle = handle_of(r, s->ref[0], side), .in_type = s->u[0] };
		d[side] = OP_DATA_NONE;
		d[side].out = out[side];
		d[side].out_cap = s->u[1] % 32;
	}
	BOTH(backend_device_hwinfo(b, &op[side], &d[side]));
	if (!good)
		return;
	same(r, "type", op[KERNEL].ret_type, op[MODEL].ret_type);
	same(r, "PASID bits", op[KERNEL].ret_max_pasid_log2, op[MODEL].ret_max_pasid_log2);
	same(r, "capabilities", op[KERNEL].ret_capabilities, op[MODEL].ret_capabilities);
	same(r, "length", op[KERNEL].ret_data_len, op[MODEL].ret_data_len);
	same_bytes(r, "data", d);
}

/* The model's own choice has to be possible, and then makes room for the kernel's. */
static void follow_choice(struct run *r, struct op_ioas_map *kernel, struct op_ioas_map *model)
{
	struct op_ioas_unmap back = { .ioas_id = model->ioas_id, .iova = model->iova, .length = model->length };
	int e = backend_ioas_unmap(r->b[MODEL], &back, NULL);

	if (e < 0)
		differs(r, " the model does not unmap %#" PRIx64 ", which it chose: %s;", model->iova, answer(e));
	model->flags |= OP_MAP_FIXED;
	model->iova = kernel->iova;
	e = backend_ioas_map(r->b[MODEL], model, NULL);
	if (e < 0)
		differs(r, " the kernel chose %#" PRIx64 ", and the model says %s to that;", kernel->iova, answer(e));
}

static void do_ioas_map(struct run *r, const struct step *s)
{
	struct op_ioas_map op[SIDES];

	for (int side = 0; side < SIDES; side++)
		op[side] = (struct op_ioas_map){
			.ioas_id = id_of(r, s->ref[0]), .flags = s->u[0], .iova = s->x[0], .length = s->x[1],
		};
	BOTH(backend_ioas_map(b, &op[side], NULL));
	if (good)
		*vec_push(&r->places) = (struct place){ s->ref[0], op[KERNEL].iova, op[KERNEL].length };
	if (good && (s->u[0] & OP_MAP_FIXED))
		same(r, "address", op[KERNEL].iova, op[MODEL].iova);
	else if (good)
		follow_choice(r, &op[KERNEL], &op[MODEL]);
}

static void do_ioas_unmap(struct run *r, const struct step *s)
{
	struct op_ioas_unmap op[SIDES];

	for (int side = 0; side < SIDES; side++)
		op[side] = (struct op_ioas_unmap){ .ioas_id = id_of(r, s->ref[0]), .iova = s->x[0], .length = s->x[1] };
	BOTH(backend_ioas_unmap(b, &op[side], NULL));
	if (good)
		same(r, "unmapped", op[KERNEL].ret_length, op[MODEL].ret_length);
}

static void do_ioas_copy(struct run *r, const struct step *s)
{
	struct op_ioas_copy op[SIDES];

	for (int side = 0; side < SIDES; side++)
		op[side] = (struct op_ioas_copy){
			.dst_ioas_id = id_of(r, s->ref[0]), .src_ioas_id = id_of(r, s->ref[1]), .flags = s->u[0] | OP_MAP_FIXED,
			.src_iova = s->x[0], .length = s->x[1], .dst_iova = s->x[2],
		};
	BOTH(backend_ioas_copy(b, &op[side], NULL));
	if (good)
		same(r, "address", op[KERNEL].dst_iova, op[MODEL].dst_iova);
}

static void do_ioas_ranges(struct run *r, const struct step *s)
{
	static struct op_range out[SIDES][256];
	struct op_ioas_ranges op[SIDES];
	struct op_data d[SIDES];

	for (int side = 0; side < SIDES; side++) {
		op[side] = (struct op_ioas_ranges){ .ioas_id = id_of(r, s->ref[0]) };
		d[side] = OP_DATA_NONE;
		d[side].out = out[side];
		d[side].out_cap = sizeof(out[side]);
	}
	BOTH(backend_ioas_ranges(b, &op[side], &d[side]));
	if (!good)
		return;
	same(r, "alignment", op[KERNEL].ret_alignment, op[MODEL].ret_alignment);
	same(r, "ranges", op[KERNEL].ret_n, op[MODEL].ret_n);
	same_bytes(r, "ranges", d);
}

static void do_ioas_allow(struct run *r, const struct step *s)
{
	struct op_range range[2] = { { s->x[0], s->x[1] }, { s->x[2], s->x[3] } };
	struct op_ioas_allow op = { .ioas_id = id_of(r, s->ref[0]) };
	struct op_data d = OP_DATA_NONE;

	d.in = range;
	d.in_len = s->u[0] % 3 * sizeof(*range);
	BOTH(backend_ioas_allow(b, &op, &d));
	(void)good;
}

static void do_option(struct run *r, const struct step *s)
{
	struct op_option op[SIDES];

	for (int side = 0; side < SIDES; side++)
		op[side] = (struct op_option){ .option = s->u[0], .set = s->u[1], .object_id = s->u[3] ? 0 : id_of(r, s->ref[0]), .value = s->u[2] };
	BOTH(backend_option(b, &op[side], NULL));
	if (good)
		same(r, "value", op[KERNEL].value, op[MODEL].value);
}

static void do_vfio_ioas(struct run *r, const struct step *s)
{
	struct op_vfio_ioas op[SIDES];

	for (int side = 0; side < SIDES; side++)
		op[side] = (struct op_vfio_ioas){ .what = s->u[0], .ioas_id = id_of(r, s->ref[0]) };
	BOTH(backend_vfio_ioas(b, &op[side], NULL));
	if (good && s->u[0] == OP_VFIO_IOAS_GET)
		same(r, "ioas", op[KERNEL].ioas_id, op[MODEL].ioas_id);
}

static void do_change_process(struct run *r, const struct step *s)
{
	struct op_change_process op = { 0 };

	(void)s;
	BOTH(backend_change_process(b, &op, NULL));
	(void)good;
}

static void do_hwpt_alloc(struct run *r, const struct step *s)
{
	struct iommu_hwpt_selftest data = { .iotlb = s->u[3], .pagetable_type = s->u[5] };
	struct op_hwpt_alloc op[SIDES];
	struct op_data d = OP_DATA_NONE;

	d.in = s->u[2] ? &data : NULL;
	d.in_len = s->u[2] ? s->u[2] : 0;
	for (int side = 0; side < SIDES; side++)
		op[side] = (struct op_hwpt_alloc){
			.handle = handle_of(r, s->ref[0], side), .pt_id = id_of(r, s->ref[1]), .fault_id = s->u[4] ? id_of(r, s->ref[2]) : 0,
			.flags = s->u[0], .data_type = s->u[1],
		};
	BOTH(backend_hwpt_alloc(b, &op[side], &d));
	if (!good)
		return;
	same(r, "id", op[KERNEL].ret_id, op[MODEL].ret_id);
	made(r, s, op[KERNEL].ret_id);
}

static void do_hwpt_invalidate(struct run *r, const struct step *s)
{
	struct iommu_viommu_invalidate_selftest entries[4];
	struct iommu_hwpt_invalidate_selftest plain[4];
	bool viommu = s->u[2] == sizeof(entries[0]);
	struct op_hwpt_invalidate op[SIDES];
	struct op_data d = OP_DATA_NONE;

	for (unsigned i = 0; i < 4; i++) {
		uint32_t bits = s->x[0] >> i * 16;

		entries[i] = (struct iommu_viommu_invalidate_selftest){ .flags = bits & 3, .vdev_id = bits >> 2 & 7, .cache_id = bits >> 5 & 7 };
		plain[i] = (struct iommu_hwpt_invalidate_selftest){ .flags = bits & 3, .iotlb_id = bits >> 5 & 7 };
	}
	d.in = viommu ? (const void *)entries : plain;
	d.in_len = viommu ? sizeof(entries) : sizeof(plain);
	for (int side = 0; side < SIDES; side++)
		op[side] = (struct op_hwpt_invalidate){
			.id = id_of(r, s->ref[0]), .data_type = s->u[0], .entry_len = s->u[2], .n = s->u[1],
		};
	BOTH(backend_hwpt_invalidate(b, &op[side], &d));
	(void)good;
	same(r, "done", op[KERNEL].ret_done, op[MODEL].ret_done);
}

static void do_dirty_set(struct run *r, const struct step *s)
{
	struct op_dirty_set op = { .hwpt_id = id_of(r, s->ref[0]), .enable = s->u[0] };

	BOTH(backend_dirty_set(b, &op, NULL));
	(void)good;
}

static void do_mock_dirty(struct run *r, const struct step *s)
{
	struct op_mock_dirty op[SIDES];
	struct op_data d = OP_DATA_NONE;
	uint64_t bits[32];

	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		bits[i] = s->x[3] * (2 * i + 1);
	d.in = bits;
	d.in_len = sizeof(bits);
	for (int side = 0; side < SIDES; side++)
		op[side] = (struct op_mock_dirty){ .hwpt_id = id_of(r, s->ref[0]), .iova = s->x[0], .length = s->x[1], .page_size = s->x[2] };
	BOTH(backend_mock_dirty(b, &op[side], &d));
	if (good)
		same(r, "marked", op[KERNEL].ret_n, op[MODEL].ret_n);
}

static void do_dirty_get(struct run *r, const struct step *s)
{
	static uint8_t out[SIDES][4096];
	struct op_dirty_get op = { .hwpt_id = id_of(r, s->ref[0]), .flags = s->u[0], .iova = s->x[0], .length = s->x[1], .page_size = s->x[2] };
	struct op_data d[SIDES];

	for (int side = 0; side < SIDES; side++) {
		d[side] = OP_DATA_NONE;
		d[side].out = out[side];
		d[side].out_cap = sizeof(out[side]);
	}
	BOTH(backend_dirty_get(b, &op, &d[side]));
	if (good)
		same_bytes(r, "dirty pages", d);
}

static void do_viommu_alloc(struct run *r, const struct step *s)
{
	struct iommu_viommu_selftest in = { .in_data = s->u[2] }, out[SIDES] = { 0 };
	struct op_viommu_alloc op[SIDES];
	struct op_data d[SIDES];

	for (int side = 0; side < SIDES; side++) {
		op[side] = (struct op_viommu_alloc){
			.handle = handle_of(r, s->ref[0], side), .hwpt_id = id_of(r, s->ref[1]), .flags = s->u[0], .type = s->u[1],
		};
		d[side] = OP_DATA_NONE;
		d[side].in = s->u[3] ? &in : NULL;
		d[side].in_len = s->u[3] ? s->u[3] : 0;
		d[side].out = &out[side];
		d[side].out_cap = sizeof(out[side]);
	}
	BOTH(backend_viommu_alloc(b, &op[side], &d[side]));
	if (!good)
		return;
	same(r, "id", op[KERNEL].ret_id, op[MODEL].ret_id);
	same(r, "data", out[KERNEL].out_data, out[MODEL].out_data);
	made(r, s, op[KERNEL].ret_id);
}

static void do_vdevice_alloc(struct run *r, const struct step *s)
{
	struct op_vdevice_alloc op[SIDES];

	for (int side = 0; side < SIDES; side++)
		op[side] = (struct op_vdevice_alloc){
			.viommu_id = id_of(r, s->ref[0]), .handle = handle_of(r, s->ref[1], side), .virt_id = s->x[0],
		};
	BOTH(backend_vdevice_alloc(b, &op[side], NULL));
	if (!good)
		return;
	same(r, "id", op[KERNEL].ret_id, op[MODEL].ret_id);
	made(r, s, op[KERNEL].ret_id);
}

static void do_hwqueue_alloc(struct run *r, const struct step *s)
{
	struct op_hwqueue_alloc op[SIDES];

	for (int side = 0; side < SIDES; side++)
		op[side] = (struct op_hwqueue_alloc){
			.viommu_id = id_of(r, s->ref[0]), .type = s->u[0], .index = s->u[1], .base = s->x[0], .length = s->x[1],
		};
	BOTH(backend_hwqueue_alloc(b, &op[side], NULL));
	if (!good)
		return;
	same(r, "id", op[KERNEL].ret_id, op[MODEL].ret_id);
	made(r, s, op[KERNEL].ret_id);
}

static void do_veventq_alloc(struct run *r, const struct step *s)
{
	struct op_veventq_alloc op[SIDES];

	for (int side = 0; side < SIDES; side++)
		op[side] = (struct op_veventq_alloc){ .viommu_id = id_of(r, s->ref[0]), .type = s->u[0], .depth = s->u[1] };
	BOTH(backend_veventq_alloc(b, &op[side], NULL));
	if (!good)
		return;
	same(r, "id", op[KERNEL].ret_id, op[MODEL].ret_id);
	made(r, s, op[KERNEL].ret_id);
}

static void do_veventq_read(struct run *r, const struct step *s)
{
	static uint8_t out[SIDES][4096];
	struct op_veventq_read op = { .id = id_of(r, s->ref[0]) };
	struct op_data d[SIDES];

	for (int side = 0; side < SIDES; side++) {
		d[side] = OP_DATA_NONE;
		d[side].out = out[side];
		d[side].out_cap = s->u[0];
	}
	BOTH(backend_veventq_read(b, &op, &d[side]));
	if (good)
		same_bytes(r, "events", d);
}

static void do_faultq_alloc(struct run *r, const struct step *s)
{
	struct op_faultq_alloc op[SIDES] = { 0 };

	BOTH(backend_faultq_alloc(b, &op[side], NULL));
	if (!good)
		return;
	same(r, "id", op[KERNEL].ret_id, op[MODEL].ret_id);
	made(r, s, op[KERNEL].ret_id);
}

static void do_faultq_read(struct run *r, const struct step *s)
{
	static struct iommu_hwpt_pgfault out[SIDES][OP_FAULT_ROOM / sizeof(struct iommu_hwpt_pgfault)];
	struct op_faultq_read op = { .id = id_of(r, s->ref[0]) };
	struct op_data d[SIDES];

	for (int side = 0; side < SIDES; side++) {
		d[side] = OP_DATA_NONE;
		d[side].out = out[side];
		d[side].out_cap = sizeof(out[side]);
	}
	BOTH(backend_faultq_read(b, &op, &d[side]));
	if (!good)
		return;
	same_bytes(r, "page requests", d);
	for (size_t i = 0; i < d[KERNEL].out_len / sizeof(out[0][0]); i++)
		*vec_push(&r->cookies) = (struct cookie){ op.id, out[KERNEL][i].cookie };
}

/* One of the cookies that were read, answered already or not, or any number. */
static void do_faultq_respond(struct run *r, const struct step *s)
{
	struct op_faultq_respond op = { .id = id_of(r, s->ref[0]), .cookie = s->u[1], .code = s->u[0] };

	if (r->cookies.n && s->u[2]) {
		op.cookie = r->cookies.v[s->u[1] % r->cookies.n].cookie;
		op.id = r->cookies.v[s->u[1] % r->cookies.n].queue;
	}
	BOTH(backend_faultq_respond(b, &op, NULL));
	(void)good;
}

static void do_destroy(struct run *r, const struct step *s)
{
	struct op_destroy op = { .id = id_of(r, s->ref[0]) };

	BOTH(backend_destroy(b, &op, NULL));
	if (good && !(s->ref[0] & LITERAL))
		slot_of(r, s->ref[0])->live = false;
}

static void do_mock_reserved(struct run *r, const struct step *s)
{
	struct op_mock_reserved op = { .ioas_id = id_of(r, s->ref[0]), .start = s->x[0], .length = s->x[1] };

	BOTH(backend_mock_reserved(b, &op, NULL));
	(void)good;
}

static void do_mock_fault(struct run *r, const struct step *s)
{
	struct op_mock_fault op = { .pasid = s->u[0], .grpid = s->u[1], .perm = s->u[2], .addr = s->x[0] };

	BOTH((op.handle = handle_of(r, s->ref[0], side), backend_mock_fault(b, &op, NULL)));
	(void)good;
}

static void do_mock_iotlb(struct run *r, const struct step *s)
{
	struct op_mock_iotlb op = { .hwpt_id = id_of(r, s->ref[0]), .index = s->u[0], .value = s->u[1] };

	BOTH(backend_mock_iotlb(b, &op, NULL));
	(void)good;
}

static void do_mock_cache(struct run *r, const struct step *s)
{
	struct op_mock_cache op = { .index = s->u[0], .value = s->u[1] };

	BOTH((op.handle = handle_of(r, s->ref[0], side), backend_mock_cache(b, &op, NULL)));
	(void)good;
}

static void do_mock_event(struct run *r, const struct step *s)
{
	struct op_mock_event op = { 0 };

	BOTH((op.handle = handle_of(r, s->ref[0], side), backend_mock_event(b, &op, NULL)));
	(void)good;
}

static void (*const doers[OP_MAX])(struct run *r, const struct step *s) = {
#define DO(x) [OP_##x] = do_##x,
	DO(ioas_alloc) DO(device_open) DO(device_close) DO(device_attach) DO(device_detach) DO(device_hwinfo) DO(ioas_map) DO(ioas_unmap)
	DO(ioas_copy) DO(ioas_ranges) DO(ioas_allow) DO(option) DO(vfio_ioas) DO(change_process) DO(hwpt_alloc) DO(hwpt_invalidate)
	DO(dirty_set) DO(mock_dirty) DO(dirty_get) DO(viommu_alloc) DO(vdevice_alloc) DO(hwqueue_alloc) DO(veventq_alloc)
	DO(veventq_read) DO(faultq_alloc) DO(faultq_read) DO(faultq_respond) DO(destroy) DO(mock_reserved) DO(mock_fault)
	DO(mock_iotlb) DO(mock_cache) DO(mock_event)
#undef DO
};

bool step_known(uint8_t op)
{
	return doers[op];
}

bool step_do(struct run *r, const struct step *s)
{
	slot_of(r, s->uid);
	r->said = 0;
	r->say[0] = '\0';
	current = s->op;
	doers[s->op](r, s);
	return !r->said;
}
