// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bytes as operations on the model. Each takes a number for the operation and some for its arguments, which are small, so
 * that they meet. After each, what must always hold is looked at; at the end everything is closed, which the sanitizer watches.
 */
#include <string.h>

#include "fuzz.h"

#include "backend/backend.h"
#include "model/internal.h"

struct input {
	const uint8_t *p, *end;
};

static uint8_t byte(struct input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

/* Mostly small, now and then at the edges. */
static uint64_t number(struct input *in)
{
	uint8_t b = byte(in);
	uint64_t v = 0;

	if (b < 0xf0)
		return (uint64_t)b * 0x800;
	if (b < 0xf8)
		return UINT64_MAX - (b - 0xf0u) * 0x800;
	if (b < 0xfc)
		return 0x1000000u + (b - 0xf8u) * 0x1000u;
	for (int i = 0; i < 8; i++)
		v = v << 8 | byte(in);
	return v;
}

/* Ids and handles: few, so that they are often right. */
static uint32_t id(struct input *in)
{
	return byte(in) % 24;
}

static void open_device(struct backend *b, struct input *in)
{
	static const char *const devices[] = { "0000:01:00.0", "0000:02:00.0", "0000:05:00.0", "0000:05:00.1" };
	struct op_device_open op = { .bus = "mock", .pt_id = id(in) };
	uint8_t how = byte(in);

	op.flags = how & 3 ? (uint32_t)(how & 3) << 8 : 0;
	if (how & 0x80) {
		memcpy(op.bus, "pci", 4);
		strcpy(op.dev, devices[how & 3]);
		op.flags = how >> 2 & 3;
	}
	backend_device_open(b, &op, NULL);
}

static void drivers(struct backend *b, struct input *in)
{
	static const char *const devices[] = { "0000:01:00.0", "0000:02:00.0", "0000:05:00.0", "0000:05:00.1", "0000:00:03.0" };
	static const char *const names[] = { "vfio-pci", "e1000e", "e1000", "pcieport" };
	const char *dev = devices[byte(in) % ARRAY_SIZE(devices)], *driver = names[byte(in) % ARRAY_SIZE(names)];
	pid_t pid;

	switch (byte(in) % 4) {
	case 0:
		backend_set_override(b, "pci", dev, driver);
		break;
	case 1:
		backend_unbind(b, "pci", dev, driver, 0, &pid);
		break;
	case 2:
		backend_bind(b, "pci", dev, driver);
		break;
	case 3:
		backend_set_group_type(b, id(in), byte(in) & 1 ? "DMA" : "identity");
		break;
	}
}

static void memory(struct backend *b, struct input *in)
{
	switch (byte(in) % 6) {
	case 0:
		backend_ioas_alloc(b, &(struct op_ioas_alloc){ .flags = byte(in) == 0xff }, NULL);
		break;
	case 1:
		backend_ioas_map(b, &(struct op_ioas_map){ .ioas_id = id(in), .flags = byte(in) & 7, .iova = number(in), .length = number(in) }, NULL);
		break;
	case 2:
		backend_ioas_unmap(b, &(struct op_ioas_unmap){ .ioas_id = id(in), .iova = number(in), .length = number(in) }, NULL);
		break;
	case 3:
		backend_ioas_copy(b, &(struct op_ioas_copy){ .dst_ioas_id = id(in), .src_ioas_id = id(in), .flags = byte(in) & 7, .length = number(in),
							     .dst_iova = number(in), .src_iova = number(in) }, NULL);
		break;
	case 4:
		backend_mock_reserved(b, &(struct op_mock_reserved){ .ioas_id = id(in), .start = number(in), .length = number(in) }, NULL);
		break;
	case 5: {
		struct op_range v[2] = { { number(in), number(in) }, { number(in), number(in) } };
		struct op_data d = OP_DATA_NONE;

		d.in = v;
		d.in_len = byte(in) % 3 * sizeof(*v);
		backend_ioas_allow(b, &(struct op_ioas_allow){ .ioas_id = id(in) }, &d);
		break;
	}
	}
}

static void tables(struct backend *b, struct input *in)
{
	static const uint32_t types[] = { 0, IOMMU_HWPT_DATA_SELFTEST, IOMMU_HWPT_DATA_VTD_S1 };
	uint8_t bytes[32] = { 0 };
	struct op_data d = OP_DATA_NONE;

	switch (byte(in) % 4) {
	case 0:
		d.in = bytes;
		d.in_len = byte(in) % sizeof(bytes);
		bytes[4] = byte(in) & 1;
		backend_hwpt_alloc(b, &(struct op_hwpt_alloc){ .handle = id(in), .flags = byte(in) & 0x1f, .pt_id = id(in),
							       .data_type = types[byte(in) % 3], .fault_id = id(in) }, &d);
		break;
	case 1:
		backend_device_attach(b, &(struct op_device_attach){ .handle = id(in), .flags = byte(in) & 1, .pasid = byte(in) % 4 * 512, .pt_id = id(in) }, NULL);
		break;
	case 2:
		backend_device_detach(b, &(struct op_device_detach){ .handle = id(in), .flags = byte(in) & 1, .pasid = byte(in) % 4 * 512 }, NULL);
		break;
	case 3:
		backend_dirty_set(b, &(struct op_dirty_set){ .hwpt_id = id(in), .enable = byte(in) & 1 }, NULL);
		break;
	}
}

static void virtual(struct backend *b, struct input *in)
{
	uint8_t bytes[64] = { 0 };
	struct op_data d = OP_DATA_NONE;

	d.in = bytes;
	switch (byte(in) % 6) {
	case 0:
		backend_viommu_alloc(b, &(struct op_viommu_alloc){ .handle = id(in), .hwpt_id = id(in), .type = IOMMU_VIOMMU_TYPE_SELFTEST }, NULL);
		break;
	case 1:
		backend_vdevice_alloc(b, &(struct op_vdevice_alloc){ .viommu_id = id(in), .handle = id(in), .virt_id = byte(in) % 4 }, NULL);
		break;
	case 2:
		backend_veventq_alloc(b, &(struct op_veventq_alloc){ .viommu_id = id(in), .type = IOMMU_VEVENTQ_TYPE_SELFTEST, .depth = byte(in) % 3 }, NULL);
		break;
	case 3:
		backend_hwqueue_alloc(b, &(struct op_hwqueue_alloc){ .viommu_id = id(in), .type = IOMMU_HW_QUEUE_TYPE_SELFTEST, .index = byte(in) % 3,
								     .base = number(in), .length = number(in) }, NULL);
		break;
	case 4:
		d.in_len = sizeof(bytes);
		bytes[byte(in) % sizeof(bytes)] = byte(in);
		backend_hwpt_invalidate(b, &(struct op_hwpt_invalidate){ .id = id(in), .data_type = IOMMU_HWPT_INVALIDATE_DATA_SELFTEST,
									 .entry_len = byte(in) % 20, .n = byte(in) % 4 }, &d);
		break;
	case 5:
		backend_mock_event(b, &(struct op_mock_event){ .handle = id(in) }, NULL);
		break;
	}
}

static void queues(struct backend *b, struct input *in)
{
	static uint8_t room[OP_FAULT_ROOM];
	struct op_data d = OP_DATA_NONE;

	d.out = room;
	d.out_cap = sizeof(room);
	switch (byte(in) % 6) {
	case 0:
		backend_faultq_alloc(b, &(struct op_faultq_alloc){ .hold_ms = 0 }, NULL);
		break;
	case 1:
		backend_faultq_read(b, &(struct op_faultq_read){ .id = id(in) }, &d);
		break;
	case 2:
		backend_faultq_respond(b, &(struct op_faultq_respond){ .id = id(in), .cookie = byte(in) % 4, .code = byte(in) % 3 }, NULL);
		break;
	case 3:
		backend_mock_fault(b, &(struct op_mock_fault){ .handle = id(in), .pasid = byte(in) % 4 * 512, .grpid = byte(in) % 3 }, NULL);
		break;
	case 4:
		d.out_cap = byte(in);
		backend_veventq_read(b, &(struct op_veventq_read){ .id = id(in) }, &d);
		break;
	case 5:
		backend_dirty_get(b, &(struct op_dirty_get){ .hwpt_id = id(in), .iova = number(in), .length = number(in), .page_size = number(in),
							     .flags = byte(in) & 1 }, &d);
		break;
	}
}

static void bytes(struct backend *b, struct input *in)
{
	uint8_t c[128] = { 0 };
	struct op_data d = OP_DATA_NONE;
	uint32_t nr = 0x80 + byte(in) % 0x24;
	size_t n = byte(in) % sizeof(c);

	for (size_t i = 0; i < n; i++)
		c[i] = byte(in);
	d.in = c;
	d.in_len = n;
	d.out = c;
	d.out_cap = n;
	backend_raw(b, &(struct op_raw){ .nr = nr }, &d);
}

static void gone(struct backend *b, struct input *in)
{
	if (byte(in) & 1)
		backend_destroy(b, &(struct op_destroy){ .id = id(in) }, NULL);
	else
		backend_device_close(b, &(struct op_device_close){ .handle = id(in) }, NULL);
}

/* -- what must always hold ------------------------------------------------------------------------------------------------------ */

static void check(bool is)
{
	if (!is)
		abort();
}

/* Maps do not overlap, and nothing is mapped where it is reserved or not aligned. */
static void check_ioas(const struct ioas *ioas)
{
	const struct range *r = range_first(&ioas->areas, 0, UINT64_MAX), *next;

	for (; r; r = next) {
		next = range_next(&ioas->areas, r);
		check(r->start <= r->last && (!next || next->start > r->last));
		check(!range_first(&ioas->reserved, r->start, r->last));
		check(!((r->start | (r->last + 1)) & (ioas->alignment - 1)));
	}
	check(ioas->obj.users == ioas->hwpts.n + ioas->accesses);
}

/* A group has an owner while somebody counts, and devices of one attach are of one group. */
static void check_group(const struct mgroup *g)
{
	check((g->owner == OWNER_NOBODY) == !g->owner_cnt);
	for (size_t i = 0; i < g->attaches.n; i++) {
		check(g->attaches.v[i]->idevs.n);
		for (size_t j = 0; j < g->attaches.v[i]->idevs.n; j++)
			check(g->attaches.v[i]->idevs.v[j]->dev->group == g);
	}
}

static void check_all(struct model *m)
{
	for (size_t i = 1; i < m->objs.n; i++) {
		struct ioas *ioas = obj_get(m, i, OBJ_IOAS);

		if (ioas)
			check_ioas(ioas);
	}
	for (const struct mgroup *g = m->groups; g; g = g->next)
		check_group(g);
}

static struct source *machine(struct ctx *ctx)
{
	static struct source *base;

	if (!base && source_open(ctx, "demo", &base) < 0)
		abort();
	return base;
}

FUZZ_TARGET(model)
{
	static void (*const kinds[])(struct backend *, struct input *) = {
		open_device, drivers, memory, tables, virtual, queues, bytes, gone, memory, tables,
	};
	static struct ctx forever;
	struct input in = { data, data + size };
	struct ctx ctx = { 0 };
	struct backend *b;
	struct source *s;

	if (model_open(&ctx, machine(&forever), NULL, &b, &s) < 0)
		abort();
	while (in.p < in.end) {
		kinds[byte(&in) % ARRAY_SIZE(kinds)](b, &in);
		check_all(to_model(b));
	}
	backend_close(b);
	source_close(s);
	ctx_free(&ctx);
	return 0;
}
