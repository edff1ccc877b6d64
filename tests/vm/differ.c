/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * differ: the kernel and the model, side by side. Random sequences of operations go to both through backend.h; whatever one
 * says otherwise than the other ends the run, with the shortest sequence that was found to show it.
 *
 *	differ [-s SEED] [-n OPERATIONS] [-e OPERATIONS_AN_EPISODE] [-k FIRST_EPISODE] [-m DIFFERENCES] [-v] [-d DEV]...
 *
 * An episode begins with no objects on both sides. Object ids have to be the same on both: the kernel gives the lowest that is
 * free, and so does the model. An address that the kernel chose is given to the model as a fixed one, after the model has
 * chosen one itself, in a range that is free. The devices are those of the kernel's selftest; with -d
 * PCI devices that are on vfio-pci, and only these.
 *
 * At the end stands what the kernel answered to each operation, how often. -m: goes on until so many differences. Exit 0; 1 they differ; 6 this kernel has no selftest device.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "abi/iommufd.h"
#include "abi/selftest.h"
#include "backend/backend.h"
#include "base/str.h"
#include "model/model.h"

enum { KERNEL, MODEL, SIDES };

static const char *const side_names[SIDES] = { "kernel", "model" };

/* A reference to what another step made, or a number as it is (LITERAL set). */
#define LITERAL 0x80000000u
#define NOTHING 0x7ffffff0u /* the id of what no step has made */

struct step {
	uint32_t uid;
	uint8_t op;	  /* enum op_nr */
	uint32_t ref[3];  /* objects */
	uint32_t u[6];
	uint64_t x[4];
};

/* What a step has made. */
struct slot {
	uint8_t op;
	bool live;
	uint32_t id;
	uint32_t handle[SIDES];
};

struct cookie {
	uint32_t queue, cookie;
};

/* Where something was mapped, in whichever address space: places worth coming back to. */
struct place {
	uint32_t ioas; /* reference */
	uint64_t iova, length;
};

struct run {
	struct backend *b[SIDES];
	struct source *overlay;
	VEC(struct slot) slots; /* by uid */
	VEC(struct cookie) cookies;
	VEC(struct place) places;
	char say[8192]; /* of the last step: what differs */
	size_t said;
};

/* -d */
static const char *devices[8];
static size_t n_devices;

static struct ctx ctx;
static struct source *source;
static bool verbose;

/* How often the kernel said what to which operation. */
#define ERRNOS 134
static unsigned answers[OP_MAX][ERRNOS];
static uint8_t current;
static bool counting;

/* --- chance ----------------------------------------------------------------------------------------------------------- */

static uint64_t state;

/* splitmix64 */
static uint64_t chance(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint32_t below(uint32_t n)
{
	return n ? chance() % n : 0;
}

static bool one_in(uint32_t n)
{
	return below(n) == 0;
}

#define PICK(...) ((const uint64_t[]){ __VA_ARGS__ })[below(sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))]

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

static const char *answer(int r)
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

/* --- what a step is made of ------------------------------------------------------------------------------------------- */

static void (*const doers[OP_MAX])(struct run *r, const struct step *s) = {
#define DO(x) [OP_##x] = do_##x,
	DO(ioas_alloc) DO(device_open) DO(device_close) DO(device_attach) DO(device_detach) DO(device_hwinfo) DO(ioas_map) DO(ioas_unmap)
	DO(ioas_copy) DO(ioas_ranges) DO(ioas_allow) DO(option) DO(vfio_ioas) DO(change_process) DO(hwpt_alloc) DO(hwpt_invalidate)
	DO(dirty_set) DO(mock_dirty) DO(dirty_get) DO(viommu_alloc) DO(vdevice_alloc) DO(hwqueue_alloc) DO(veventq_alloc)
	DO(veventq_read) DO(faultq_alloc) DO(faultq_read) DO(faultq_respond) DO(destroy) DO(mock_reserved) DO(mock_fault)
	DO(mock_iotlb) DO(mock_cache) DO(mock_event)
#undef DO
};

static const char *const op_names[OP_MAX] = {
#define OP(x) [OP_##x] = #x,
	BACKEND_OPS(OP)
#undef OP
};

/* What is done how often. */
static const struct {
	uint8_t op, weight;
} weights[] = {
	{ OP_ioas_alloc, 6 }, { OP_device_open, 5 }, { OP_device_close, 2 }, { OP_device_attach, 14 }, { OP_device_detach, 3 },
	{ OP_device_hwinfo, 1 }, { OP_ioas_map, 16 }, { OP_ioas_unmap, 8 }, { OP_ioas_copy, 6 }, { OP_ioas_ranges, 4 },
	{ OP_ioas_allow, 2 }, { OP_option, 1 }, { OP_vfio_ioas, 1 }, { OP_change_process, 1 }, { OP_hwpt_alloc, 16 },
	{ OP_hwpt_invalidate, 4 }, { OP_dirty_set, 2 }, { OP_mock_dirty, 2 }, { OP_dirty_get, 2 }, { OP_viommu_alloc, 4 },
	{ OP_vdevice_alloc, 3 }, { OP_hwqueue_alloc, 2 }, { OP_veventq_alloc, 2 }, { OP_veventq_read, 2 }, { OP_faultq_alloc, 3 },
	{ OP_faultq_read, 4 }, { OP_faultq_respond, 4 }, { OP_destroy, 16 }, { OP_mock_reserved, 1 }, { OP_mock_fault, 6 },
	{ OP_mock_iotlb, 2 }, { OP_mock_cache, 1 }, { OP_mock_event, 2 },
};

/* What the selftest does to its devices would hit the memory of others. */
static uint32_t weight_of(size_t i)
{
	return n_devices && strstarts(op_names[weights[i].op], "mock_") ? 0 : weights[i].weight;
}

static uint8_t any_op(void)
{
	uint32_t sum = 0, at;

	for (size_t i = 0; i < ARRAY_SIZE(weights); i++)
		sum += weight_of(i);
	at = below(sum);
	for (size_t i = 0; i < ARRAY_SIZE(weights); i++) {
		if (at < weight_of(i))
			return weights[i].op;
		at -= weight_of(i);
	}
	return OP_ioas_alloc;
}

static bool has_one(const struct run *r, uint8_t op)
{
	const struct slot *slot;

	vec_for_each(slot, &r->slots)
		if (slot->op == op && slot->live)
			return true;
	return false;
}

/* Something that a step of this kind has made and that is still there; now and then anything, or nothing. */
static uint32_t any_ref(struct run *r, uint8_t op)
{
	uint32_t n = 0, at;

	if (one_in(50))
		return LITERAL | (one_in(2) ? below(40) : one_in(2) ? NOTHING : below(INT32_MAX));
	if (one_in(40) && r->slots.n)
		return below(r->slots.n);
	for (size_t i = 0; i < r->slots.n; i++)
		n += r->slots.v[i].op == op && r->slots.v[i].live;
	at = below(n);
	for (size_t i = 0; n && i < r->slots.n; i++)
		if (r->slots.v[i].op == op && r->slots.v[i].live && !at--)
			return i;
	return LITERAL | NOTHING;
}

static uint32_t any_pt(struct run *r)
{
	return any_ref(r, PICK(OP_ioas_alloc, OP_hwpt_alloc, OP_hwpt_alloc, OP_hwpt_alloc, OP_device_attach));
}

#define BASE UINT64_C(0x1000000)

/* A small part of the mock's reach, so that things meet; now and then its ends, and what is beyond. */
static uint64_t any_iova(struct run *r)
{
	if (r->places.n && one_in(2))
		return r->places.v[below(r->places.n)].iova + (one_in(10) ? 0x1000 : 0);
	/* x86's window of interrupts: reserved by any device that is attached */
	if (n_devices && one_in(12))
		return UINT64_C(0xfee00000) - 0x2000 + below(4) * 0x1000;
	if (one_in(30))
		return PICK(0, 0x1000, BASE - 0x1000, MOCK_APERTURE_LAST - 0xfff, UINT64_C(1) + MOCK_APERTURE_LAST, UINT64_C(1) << 40,
			    UINT64_MAX - 0xfff, UINT64_MAX, INT64_MAX);
	return BASE + below(64) * (one_in(8) ? 0x800 : 0x1000) + (one_in(60) ? below(0x1000) : 0);
}

static uint64_t any_length(void)
{
	if (one_in(40))
		return PICK(0, 1, 0x7ff, 0x801, UINT64_MAX, UINT64_MAX - 0xfff, INT64_MAX, UINT64_C(1) << 63);
	return (1 + below(8)) * (one_in(8) ? 0x800 : 0x1000);
}

/* Bit 16 means something to kernels with a selftest (MOCK_FLAGS_ACCESS_SYZ), and is no flag of the ABI. */
static uint32_t any_map_flags(void)
{
	uint32_t odd = one_in(80) ? UINT32_C(1) << below(32) : 0;

	return (one_in(4) ? 0 : OP_MAP_FIXED) | (one_in(12) ? 0 : OP_MAP_READ) | (one_in(4) ? 0 : OP_MAP_WRITE) | (odd & ~(UINT32_C(1) << 16));
}

/* Most often exactly what was mapped somewhere, or a part of it. */
static void same_place(struct run *r, struct step *s, int ref)
{
	const struct place *p;

	if (!r->places.n || one_in(3))
		return;
	p = &r->places.v[below(r->places.n)];
	s->ref[ref] = p->ioas;
	s->x[0] = p->iova;
	s->x[1] = one_in(6) ? p->length / 2 : p->length;
}

/* What an operation is about: without one there is little to be learnt. */
static uint8_t need_of(uint8_t op)
{
	switch (op) {
	case OP_device_close:
	case OP_device_attach:
	case OP_device_detach:
	case OP_device_hwinfo:
	case OP_hwpt_alloc:
	case OP_mock_fault:
	case OP_mock_cache:
	case OP_mock_event:
		return OP_device_open;
	case OP_hwpt_invalidate:
	case OP_dirty_set:
	case OP_dirty_get:
	case OP_mock_dirty:
	case OP_mock_iotlb:
	case OP_viommu_alloc:
		return OP_hwpt_alloc;
	case OP_vdevice_alloc:
	case OP_hwqueue_alloc:
	case OP_veventq_alloc:
		return OP_viommu_alloc;
	case OP_veventq_read:
		return OP_veventq_alloc;
	case OP_faultq_read:
	case OP_faultq_respond:
		return OP_faultq_alloc;
	}
	return OP_ioas_alloc;
}

static uint8_t good_op(struct run *r)
{
	uint8_t op = any_op();

	for (int tries = 0; tries < 8 && !has_one(r, need_of(op)) && op != OP_ioas_alloc; tries++)
		op = any_op();
	return op;
}

static void fill_hwpt(struct run *r, struct step *s)
{
	bool nested = one_in(2), data = one_in(20) ? one_in(2) : nested;

	s->ref[0] = any_ref(r, OP_device_open);
	s->ref[1] = one_in(12) ? any_pt(r) : nested ? any_ref(r, PICK(OP_hwpt_alloc, OP_hwpt_alloc, OP_viommu_alloc)) : any_ref(r, OP_ioas_alloc);
	s->ref[2] = any_ref(r, OP_faultq_alloc);
	s->u[0] = nested ? 0 : PICK(0, IOMMU_HWPT_ALLOC_NEST_PARENT, IOMMU_HWPT_ALLOC_NEST_PARENT, IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
				    IOMMU_HWPT_ALLOC_PASID, IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	if (one_in(3)) {
		s->u[0] |= IOMMU_HWPT_FAULT_ID_VALID;
		s->u[4] = !one_in(20);
	}
	if (nested && one_in(4))
		s->u[0] |= IOMMU_HWPT_ALLOC_PASID;
	if (one_in(20))
		s->u[0] = below(32);
	s->u[1] = one_in(20) ? below(5) : data ? IOMMU_HWPT_DATA_SELFTEST : 0;
	s->u[2] = one_in(40) ? PICK(0, 2, 4, 8) : data ? PICK(4, 8) : 0;
	s->u[3] = below(3);
	s->u[5] = one_in(12) ? below(3) : 0;
}

static void fill(struct run *r, struct step *s)
{
	s->ref[0] = s->ref[1] = s->ref[2] = LITERAL | NOTHING;
	switch (s->op) {
	case OP_ioas_alloc:
		s->u[0] = one_in(40);
		break;
	case OP_device_open:
		if (n_devices) {
			s->u[0] = one_in(8) ? OP_OPEN_NO_BIND : one_in(12) ? OP_OPEN_LEGACY : 0;
			s->u[2] = below(n_devices);
			break;
		}
		s->u[0] = (one_in(6) ? OP_OPEN_MOCK_NO_DIRTY : 0) | (one_in(2) ? OP_OPEN_MOCK_PASID : 0);
		s->u[1] = one_in(3);
		s->ref[0] = any_pt(r);
		break;
	case OP_device_close:
	case OP_mock_event:
		s->ref[0] = any_ref(r, OP_device_open);
		break;
	case OP_device_attach:
		s->ref[0] = any_ref(r, OP_device_open);
		s->ref[1] = any_pt(r);
		s->u[0] = one_in(3) ? OP_ATTACH_PASID : 0;
		s->u[1] = one_in(20) ? PICK(0, 1 << 20, UINT32_MAX, 77) : 1 + below(4);
		break;
	case OP_device_detach:
		s->ref[0] = any_ref(r, OP_device_open);
		s->u[0] = one_in(n_devices ? 2 : 20) ? 0 : OP_ATTACH_PASID;
		s->u[1] = one_in(20) ? 77 : 1 + below(4);
		break;
	case OP_device_hwinfo:
		s->ref[0] = any_ref(r, OP_device_open);
		s->u[0] = one_in(4) ? PICK(1, 2, IOMMU_HW_INFO_TYPE_SELFTEST) : 0;
		s->u[1] = below(32);
		break;
	case OP_ioas_map:
		s->ref[0] = any_ref(r, OP_ioas_alloc);
		s->u[0] = any_map_flags();
		s->x[0] = any_iova(r);
		do
			s->x[1] = any_length();
		while (s->x[1] > UINT32_MAX && s->x[1] < UINT64_MAX - 0xfff); /* memory that nobody has is not the model's */
		break;
	case OP_ioas_unmap:
		s->ref[0] = any_ref(r, OP_ioas_alloc);
		s->x[0] = one_in(12) ? 0 : any_iova(r);
		s->x[1] = one_in(12) ? UINT64_MAX : any_length();
		same_place(r, s, 0);
		break;
	case OP_ioas_copy:
		s->ref[0] = any_ref(r, OP_ioas_alloc);
		s->ref[1] = any_ref(r, OP_ioas_alloc);
		s->u[0] = any_map_flags();
		s->x[0] = any_iova(r);
		s->x[1] = any_length();
		s->x[2] = any_iova(r);
		same_place(r, s, 1);
		break;
	case OP_ioas_ranges:
		s->ref[0] = any_ref(r, OP_ioas_alloc);
		break;
	case OP_ioas_allow:
		s->ref[0] = any_ref(r, OP_ioas_alloc);
		s->u[0] = below(3);
		for (int i = 0; i < 4; i += 2) {
			s->x[i] = one_in(2) ? BASE : any_iova(r);
			s->x[i + 1] = s->x[i] + (one_in(20) ? 0 : below(0x100000));
		}
		break;
	case OP_option:
		s->ref[0] = any_ref(r, OP_ioas_alloc);
		s->u[0] = one_in(10) ? below(4) : IOMMU_OPTION_HUGE_PAGES;
		s->u[1] = one_in(2);
		s->u[2] = one_in(10) ? 2 : 0;
		s->u[3] = s->u[0] == IOMMU_OPTION_RLIMIT_MODE ? !one_in(4) : one_in(20);
		break;
	case OP_vfio_ioas:
		s->ref[0] = any_ref(r, OP_ioas_alloc);
		s->u[0] = one_in(20) ? 3 : below(3);
		break;
	case OP_hwpt_alloc:
		fill_hwpt(r, s);
		break;
	case OP_hwpt_invalidate:
		s->ref[0] = any_ref(r, PICK(OP_hwpt_alloc, OP_hwpt_alloc, OP_viommu_alloc));
		s->u[0] = one_in(10) ? below(4) : IOMMU_HWPT_INVALIDATE_DATA_SELFTEST;
		s->u[1] = below(5);
		s->u[2] = PICK(8, 8, 12);
		/* mostly good ones */
		s->x[0] = chance() & (one_in(4) ? UINT64_MAX : UINT64_C(0x006d006d006d006d));
		break;
	case OP_dirty_set:
		s->ref[0] = any_ref(r, OP_hwpt_alloc);
		s->u[0] = one_in(2);
		break;
	case OP_mock_dirty:
	case OP_dirty_get:
		s->ref[0] = any_ref(r, OP_hwpt_alloc);
		s->u[0] = s->op == OP_dirty_get ? one_in(3) : 0;
		s->x[0] = any_iova(r) & (one_in(10) ? UINT64_MAX : ~UINT64_C(0xfff));
		s->x[1] = one_in(10) ? any_length() : (1 + below(s->op == OP_dirty_get ? 16 : 4)) * 0x1000;
		s->x[2] = one_in(20) ? PICK(0, 0x800, 0x2000, 3) : 0x1000;
		s->x[3] = chance();
		break;
	case OP_viommu_alloc:
		s->ref[0] = any_ref(r, OP_device_open);
		s->ref[1] = any_ref(r, OP_hwpt_alloc);
		s->u[0] = one_in(40);
		s->u[1] = one_in(20) ? below(3) : IOMMU_VIOMMU_TYPE_SELFTEST;
		s->u[2] = below(100);
		s->u[3] = one_in(10) ? PICK(0, 4, 8) : sizeof(struct iommu_viommu_selftest);
		break;
	case OP_vdevice_alloc:
		s->ref[0] = any_ref(r, OP_viommu_alloc);
		s->ref[1] = any_ref(r, OP_device_open);
		s->x[0] = one_in(30) ? PICK(UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX) : below(8);
		break;
	case OP_hwqueue_alloc:
		s->ref[0] = any_ref(r, OP_viommu_alloc);
		s->u[0] = one_in(20) ? below(2) : IOMMU_HW_QUEUE_TYPE_SELFTEST;
		s->u[1] = below(3);
		s->x[0] = any_iova(r) & ~UINT64_C(0xfff);
		s->x[1] = one_in(20) ? PICK(0, UINT64_MAX) : 0x1000;
		break;
	case OP_veventq_alloc:
		s->ref[0] = any_ref(r, OP_viommu_alloc);
		s->u[0] = one_in(20) ? below(3) : IOMMU_VEVENTQ_TYPE_SELFTEST;
		s->u[1] = one_in(20) ? 0 : 1 + below(3);
		break;
	case OP_veventq_read:
		s->ref[0] = any_ref(r, OP_veventq_alloc);
		s->u[0] = one_in(10) ? PICK(0, 7, 8, 12, 20) : 4096;
		break;
	case OP_faultq_read:
		s->ref[0] = any_ref(r, OP_faultq_alloc);
		break;
	case OP_faultq_respond:
		s->ref[0] = any_ref(r, OP_faultq_alloc);
		s->u[0] = one_in(20) ? below(5) : below(2);
		s->u[1] = below(1000);
		s->u[2] = !one_in(20);
		break;
	case OP_destroy:
		s->ref[0] = any_ref(r, PICK(OP_ioas_alloc, OP_hwpt_alloc, OP_hwpt_alloc, OP_hwpt_alloc, OP_faultq_alloc, OP_viommu_alloc,
					    OP_vdevice_alloc, OP_veventq_alloc, OP_hwqueue_alloc, OP_device_attach, OP_device_open));
		break;
	case OP_mock_reserved:
		s->ref[0] = any_ref(r, OP_ioas_alloc);
		s->x[0] = any_iova(r);
		s->x[1] = any_length();
		break;
	case OP_mock_fault:
		s->ref[0] = any_ref(r, OP_device_open);
		s->u[0] = one_in(2) ? 0 : one_in(10) ? 77 : 1 + below(4);
		s->u[1] = below(4);
		s->u[2] = below(16);
		s->x[0] = any_iova(r);
		break;
	case OP_mock_iotlb:
		s->ref[0] = any_ref(r, OP_hwpt_alloc);
		s->u[0] = below(5);
		s->u[1] = below(3);
		break;
	case OP_mock_cache:
		s->ref[0] = any_ref(r, OP_device_open);
		s->u[0] = below(5);
		s->u[1] = one_in(2) ? 0 : IOMMU_TEST_DEV_CACHE_DEFAULT;
		break;
	}
}

/* --- episodes ---------------------------------------------------------------------------------------------------------- */

typedef VEC(struct step) steps;

static void begin(struct run *r)
{
	*r = (struct run){ 0 };
	if (backend_open_kernel(&ctx, &r->b[KERNEL]) < 0 || model_open(&ctx, source, NULL, &r->b[MODEL], &r->overlay) < 0) {
		fprintf(stderr, "differ: a backend cannot be opened\n");
		exit(2);
	}
}

static void end(struct run *r)
{
	for (int side = 0; side < SIDES; side++)
		backend_close(r->b[side]);
	source_close(r->overlay);
	vec_free(&r->slots);
	vec_free(&r->cookies);
	vec_free(&r->places);
}

/* True when both sides agree on it. */
static bool run_step(struct run *r, const struct step *s)
{
	slot_of(r, s->uid);
	r->said = 0;
	r->say[0] = '\0';
	current = s->op;
	doers[s->op](r, s);
	return !r->said;
}

static void print_ref(const struct step *s, int i)
{
	if (s->ref[i] == (LITERAL | NOTHING))
		return;
	if (s->ref[i] & LITERAL)
		printf(" id:%u", s->ref[i] & ~LITERAL);
	else
		printf(" #%u", s->ref[i]);
}

static void print_step(const struct step *s)
{
	printf("#%u %s", s->uid, op_names[s->op]);
	for (int i = 0; i < 3; i++)
		print_ref(s, i);
	for (size_t i = 0; i < ARRAY_SIZE(s->u); i++)
		if (s->u[i])
			printf(" u%zu=%#x", i, s->u[i]);
	for (size_t i = 0; i < ARRAY_SIZE(s->x); i++)
		if (s->x[i])
			printf(" x%zu=%#" PRIx64, i, s->x[i]);
	printf("\n");
}

/* Whether these steps still differ; how many of them that took. */
static size_t fails(const steps *v, char *say, size_t size)
{
	size_t n = 0;
	struct run r;

	begin(&r);
	for (size_t i = 0; i < v->n && !n; i++)
		if (!run_step(&r, &v->v[i])) {
			n = i + 1;
			snprintf(say, size, "%s", r.say);
		}
	end(&r);
	return n;
}

/* Takes away halves, quarters, … single steps, as long as what is left differs. */
static void shrink(steps *v, char *say, size_t size)
{
	for (size_t chunk = v->n / 2 ? v->n / 2 : 1; chunk; chunk = chunk == 1 ? 0 : (chunk + 1) / 2) {
		for (size_t at = 0; at + chunk <= v->n;) {
			steps less = { 0 };
			size_t n;

			for (size_t i = 0; i < v->n; i++)
				if (i < at || i >= at + chunk)
					*vec_push(&less) = v->v[i];
			n = fails(&less, say, size);
			if (n) {
				less.n = n;
				vec_free(v);
				*v = less;
			} else {
				vec_free(&less);
				at += chunk;
			}
		}
	}
	fails(v, say, size);
}

#define REF(n) (n)
#define NONE (LITERAL | NOTHING)

/* Most episodes begin in a furnished room: one of everything, attached. */
static const struct step furniture[] = {
	{ .op = OP_ioas_alloc, .ref = { NONE, NONE, NONE } },
	{ .op = OP_ioas_alloc, .ref = { NONE, NONE, NONE } },
	{ .op = OP_device_open, .ref = { REF(0), NONE, NONE }, .u = { OP_OPEN_MOCK_PASID } },
	{ .op = OP_device_open, .ref = { REF(0), NONE, NONE }, .u = { OP_OPEN_MOCK_PASID } },
	{ .op = OP_device_open, .ref = { REF(1), NONE, NONE } },
	{ .op = OP_faultq_alloc, .ref = { NONE, NONE, NONE } },
	{ .op = OP_hwpt_alloc, .ref = { REF(2), REF(0), NONE }, .u = { IOMMU_HWPT_ALLOC_NEST_PARENT } },
	{ .op = OP_hwpt_alloc, .ref = { REF(2), REF(1), NONE }, .u = { IOMMU_HWPT_ALLOC_DIRTY_TRACKING } },
	{ .op = OP_hwpt_alloc, .ref = { REF(2), REF(0), NONE }, .u = { IOMMU_HWPT_ALLOC_PASID } },
	{ .op = OP_viommu_alloc, .ref = { REF(2), REF(6), NONE }, .u = { 0, IOMMU_VIOMMU_TYPE_SELFTEST } },
	{ .op = OP_vdevice_alloc, .ref = { REF(9), REF(2), NONE }, .x = { 5 } },
	{ .op = OP_veventq_alloc, .ref = { REF(9), NONE, NONE }, .u = { IOMMU_VEVENTQ_TYPE_SELFTEST, 2 } },
	{ .op = OP_hwpt_alloc, .ref = { REF(2), REF(9), NONE }, .u = { 0, IOMMU_HWPT_DATA_SELFTEST, 8 } },
	{ .op = OP_hwpt_alloc, .ref = { REF(3), REF(6), REF(5) }, .u = { IOMMU_HWPT_FAULT_ID_VALID | IOMMU_HWPT_ALLOC_PASID, IOMMU_HWPT_DATA_SELFTEST, 8, 0, 1 } },
	{ .op = OP_device_attach, .ref = { REF(2), REF(12), NONE } },
	{ .op = OP_device_attach, .ref = { REF(3), REF(13), NONE } },
	{ .op = OP_ioas_map, .ref = { REF(0), NONE, NONE }, .u = { OP_MAP_FIXED | OP_MAP_READ | OP_MAP_WRITE }, .x = { BASE, 0x10000 } },
	{ .op = OP_ioas_map, .ref = { REF(1), NONE, NONE }, .u = { OP_MAP_FIXED | OP_MAP_READ }, .x = { BASE, 0x8000 } },
};

/* The same of real devices: the first and the last one, which may be of one group. */
static const struct step real_furniture[] = {
	{ .op = OP_ioas_alloc, .ref = { NONE, NONE, NONE } },
	{ .op = OP_ioas_alloc, .ref = { NONE, NONE, NONE } },
	{ .op = OP_device_open, .ref = { NONE, NONE, NONE } },
	{ .op = OP_device_open, .ref = { NONE, NONE, NONE }, .u = { 0, 0, UINT32_MAX } },
	{ .op = OP_hwpt_alloc, .ref = { REF(2), REF(0), NONE } },
	{ .op = OP_hwpt_alloc, .ref = { REF(3), REF(1), NONE } },
	{ .op = OP_device_attach, .ref = { REF(2), REF(4), NONE } },
	{ .op = OP_device_attach, .ref = { REF(3), REF(1), NONE } },
	{ .op = OP_ioas_map, .ref = { REF(0), NONE, NONE }, .u = { OP_MAP_FIXED | OP_MAP_READ | OP_MAP_WRITE }, .x = { BASE, 0x10000 } },
};

static void next_step(struct run *r, struct step *s, bool furnished)
{
	const struct step *room = n_devices ? real_furniture : furniture;
	uint32_t uid = s->uid;

	if (furnished && uid < (n_devices ? ARRAY_SIZE(real_furniture) : ARRAY_SIZE(furniture))) {
		*s = room[uid];
		s->uid = uid;
		return;
	}
	s->op = good_op(r);
	fill(r, s);
}

/* An episode's seed is that of the run and its number: one alone can be run again with -s SEED -k NUMBER. */
static bool episode(uint64_t seed, uint64_t number, size_t length)
{
	char say[sizeof(((struct run *)NULL)->say)] = "";
	bool agree = true, furnished = number % 4;
	steps v = { 0 };
	struct run r;

	state = seed ^ number * 0xd1342543de82ef95;
	counting = true;
	begin(&r);
	while (agree && v.n < length) {
		struct step s = { .uid = v.n };

		next_step(&r, &s, furnished);
		*vec_push(&v) = s;
		if (verbose)
			print_step(&s);
		agree = run_step(&r, &s);
	}
	snprintf(say, sizeof(say), "%s", r.say);
	end(&r);
	counting = false;
	if (!agree) {
		printf("seed %" PRIu64 ", episode %" PRIu64 ": step %zu differs:%s\n", seed, number, v.n, say);
		fflush(stdout);
		shrink(&v, say, sizeof(say));
		printf("the shortest sequence found:\n");
		for (size_t i = 0; i < v.n; i++)
			print_step(&v.v[i]);
		printf("\t%s\n", say);
	}
	vec_free(&v);
	return agree;
}

static void print_answers(void)
{
	for (int op = 0; op < OP_MAX; op++) {
		if (!doers[op] || (n_devices && strstarts(op_names[op], "mock_")))
			continue;
		printf("%s:", op_names[op]);
		for (int e = 0; e < ERRNOS; e++)
			if (answers[op][e])
				printf(" %s %u", e ? strerrorname_np(e) : "ok", answers[op][e]);
		printf("\n");
	}
}

static void look_for_mock(void)
{
	struct op_device_open op = { .bus = "mock", .dev = "mock", .group = OP_NO_GROUP };
	struct run r;
	int e;

	begin(&r);
	e = backend_device_open(r.b[KERNEL], &op, NULL);
	end(&r);
	if (!e)
		return;
	fprintf(stderr, "differ: no selftest device: %s\n", answer(e));
	exit(6);
}

/* The devices that the kernel's side has open are this process's: to the model nobody holds them. */
static int nobody(struct ctx *c, struct json_object **ret)
{
	(void)c;
	*ret = json_tokener_parse("{\"complete\": true, \"unseen\": 0, \"held\": []}");
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t seed = 1, operations = 100000, length = 400, first = 0, done = 0;
	unsigned differ = 0, most = 1;
	int o;

	while ((o = getopt(argc, argv, "s:n:e:k:m:vd:")) >= 0) {
		switch (o) {
		case 's': seed = strtoull(optarg, NULL, 0); break;
		case 'n': operations = strtoull(optarg, NULL, 0); break;
		case 'e': length = strtoull(optarg, NULL, 0); break;
		case 'k': first = strtoull(optarg, NULL, 0); break;
		case 'm': most = strtoul(optarg, NULL, 0); break;
		case 'v': verbose = true; break;
		case 'd':
			if (n_devices == ARRAY_SIZE(devices))
				return 2;
			devices[n_devices++] = optarg;
			break;
		default: return 2;
		}
	}
	if (source_open_live(&ctx, &source) < 0)
		return 2;
	source_set_provider(SECTION_HOLDERS, nobody);
	if (!n_devices)
		look_for_mock();
	for (uint64_t k = first; done < operations && differ < most; k++, done += length)
		differ += !episode(seed, k, length);
	print_answers();
	printf("%" PRIu64 " operations in episodes of %" PRIu64 ", seed %" PRIu64 ": %s\n", done, length, seed, differ ? "they differ" : "no difference");
	source_close(source);
	ctx_free(&ctx);
	return differ ? 1 : 0;
}
