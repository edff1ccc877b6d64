// SPDX-License-Identifier: GPL-2.0-or-later
/* What a step is made of: mostly what makes sense, now and then what does not. */
#include <string.h>

#include "differ.h"

static uint64_t state;

void chance_begin(uint64_t seed)
{
	state = seed;
}

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

const char *const op_names[OP_MAX] = {
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

static void fill_ioas_alloc(struct run *r _unused_, struct step *s)
{
	s->u[0] = one_in(40);
}

static void fill_device_open(struct run *r, struct step *s)
{
	if (n_devices) {
		s->u[0] = one_in(8) ? OP_OPEN_NO_BIND : one_in(12) ? OP_OPEN_LEGACY : 0;
		s->u[2] = below(n_devices);
		return;
	}
	s->u[0] = (one_in(6) ? OP_OPEN_MOCK_NO_DIRTY : 0) | (one_in(2) ? OP_OPEN_MOCK_PASID : 0);
	s->u[1] = one_in(3);
	s->ref[0] = any_pt(r);
}

static void fill_device_alone(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_device_open);
}

static void fill_device_attach(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_device_open);
	s->ref[1] = any_pt(r);
	s->u[0] = one_in(3) ? OP_ATTACH_PASID : 0;
	s->u[1] = one_in(20) ? PICK(0, 1 << 20, UINT32_MAX, 77) : 1 + below(4);
}

static void fill_device_detach(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_device_open);
	s->u[0] = one_in(n_devices ? 2 : 20) ? 0 : OP_ATTACH_PASID;
	s->u[1] = one_in(20) ? 77 : 1 + below(4);
}

static void fill_device_hwinfo(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_device_open);
	s->u[0] = one_in(4) ? PICK(1, 2, IOMMU_HW_INFO_TYPE_SELFTEST) : 0;
	s->u[1] = below(32);
}

static void fill_ioas_map(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_ioas_alloc);
	s->u[0] = any_map_flags();
	s->x[0] = any_iova(r);
	do
		s->x[1] = any_length();
	while (s->x[1] > UINT32_MAX && s->x[1] < UINT64_MAX - 0xfff); /* memory that nobody has is not the model's */
}

static void fill_ioas_unmap(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_ioas_alloc);
	s->x[0] = one_in(12) ? 0 : any_iova(r);
	s->x[1] = one_in(12) ? UINT64_MAX : any_length();
	same_place(r, s, 0);
}

static void fill_ioas_copy(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_ioas_alloc);
	s->ref[1] = any_ref(r, OP_ioas_alloc);
	s->u[0] = any_map_flags();
	s->x[0] = any_iova(r);
	s->x[1] = any_length();
	s->x[2] = any_iova(r);
	same_place(r, s, 1);
}

static void fill_ioas_ranges(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_ioas_alloc);
}

static void fill_ioas_allow(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_ioas_alloc);
	s->u[0] = below(3);
	for (int i = 0; i < 4; i += 2) {
		s->x[i] = one_in(2) ? BASE : any_iova(r);
		s->x[i + 1] = s->x[i] + (one_in(20) ? 0 : below(0x100000));
	}
}

static void fill_option(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_ioas_alloc);
	s->u[0] = one_in(10) ? below(4) : IOMMU_OPTION_HUGE_PAGES;
	s->u[1] = one_in(2);
	s->u[2] = one_in(10) ? 2 : 0;
	s->u[3] = s->u[0] == IOMMU_OPTION_RLIMIT_MODE ? !one_in(4) : one_in(20);
}

static void fill_vfio_ioas(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_ioas_alloc);
	s->u[0] = one_in(20) ? 3 : below(3);
}

static void fill_hwpt_invalidate(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, PICK(OP_hwpt_alloc, OP_hwpt_alloc, OP_viommu_alloc));
	s->u[0] = one_in(10) ? below(4) : IOMMU_HWPT_INVALIDATE_DATA_SELFTEST;
	s->u[1] = below(5);
	s->u[2] = PICK(8, 8, 12);
	/* mostly good ones */
	s->x[0] = chance() & (one_in(4) ? UINT64_MAX : UINT64_C(0x006d006d006d006d));
}

static void fill_dirty_set(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_hwpt_alloc);
	s->u[0] = one_in(2);
}

static void fill_dirty(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_hwpt_alloc);
	s->u[0] = s->op == OP_dirty_get ? one_in(3) : 0;
	s->x[0] = any_iova(r) & (one_in(10) ? UINT64_MAX : ~UINT64_C(0xfff));
	s->x[1] = one_in(10) ? any_length() : (1 + below(s->op == OP_dirty_get ? 16 : 4)) * 0x1000;
	s->x[2] = one_in(20) ? PICK(0, 0x800, 0x2000, 3) : 0x1000;
	s->x[3] = chance();
}

static void fill_viommu_alloc(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_device_open);
	s->ref[1] = any_ref(r, OP_hwpt_alloc);
	s->u[0] = one_in(40);
	s->u[1] = one_in(20) ? below(3) : IOMMU_VIOMMU_TYPE_SELFTEST;
	s->u[2] = below(100);
	s->u[3] = one_in(10) ? PICK(0, 4, 8) : sizeof(struct iommu_viommu_selftest);
}

static void fill_vdevice_alloc(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_viommu_alloc);
	s->ref[1] = any_ref(r, OP_device_open);
	s->x[0] = one_in(30) ? PICK(UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX) : below(8);
}

static void fill_hwqueue_alloc(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_viommu_alloc);
	s->u[0] = one_in(20) ? below(2) : IOMMU_HW_QUEUE_TYPE_SELFTEST;
	s->u[1] = below(3);
	s->x[0] = any_iova(r) & ~UINT64_C(0xfff);
	s->x[1] = one_in(20) ? PICK(0, UINT64_MAX) : 0x1000;
}

static void fill_veventq_alloc(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_viommu_alloc);
	s->u[0] = one_in(20) ? below(3) : IOMMU_VEVENTQ_TYPE_SELFTEST;
	s->u[1] = one_in(20) ? 0 : 1 + below(3);
}

static void fill_veventq_read(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_veventq_alloc);
	s->u[0] = one_in(10) ? PICK(0, 7, 8, 12, 20) : 4096;
}

static void fill_faultq_read(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_faultq_alloc);
}

static void fill_faultq_respond(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_faultq_alloc);
	s->u[0] = one_in(20) ? below(5) : below(2);
	s->u[1] = below(1000);
	s->u[2] = !one_in(20);
}

static void fill_destroy(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, PICK(OP_ioas_alloc, OP_hwpt_alloc, OP_hwpt_alloc, OP_hwpt_alloc, OP_faultq_alloc, OP_viommu_alloc,
				    OP_vdevice_alloc, OP_veventq_alloc, OP_hwqueue_alloc, OP_device_attach, OP_device_open));
}

static void fill_mock_reserved(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_ioas_alloc);
	s->x[0] = any_iova(r);
	s->x[1] = any_length();
}

static void fill_mock_fault(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_device_open);
	s->u[0] = one_in(2) ? 0 : one_in(10) ? 77 : 1 + below(4);
	s->u[1] = below(4);
	s->u[2] = below(16);
	s->x[0] = any_iova(r);
}

static void fill_mock_iotlb(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_hwpt_alloc);
	s->u[0] = below(5);
	s->u[1] = below(3);
}

static void fill_mock_cache(struct run *r, struct step *s)
{
	s->ref[0] = any_ref(r, OP_device_open);
	s->u[0] = below(5);
	s->u[1] = one_in(2) ? 0 : IOMMU_TEST_DEV_CACHE_DEFAULT;
}

/* What is in no row has nothing to choose. */
static void (*const fillers[OP_MAX])(struct run *r, struct step *s) = {
	[OP_ioas_alloc] = fill_ioas_alloc,
	[OP_device_open] = fill_device_open,
	[OP_device_close] = fill_device_alone,
	[OP_mock_event] = fill_device_alone,
	[OP_device_attach] = fill_device_attach,
	[OP_device_detach] = fill_device_detach,
	[OP_device_hwinfo] = fill_device_hwinfo,
	[OP_ioas_map] = fill_ioas_map,
	[OP_ioas_unmap] = fill_ioas_unmap,
	[OP_ioas_copy] = fill_ioas_copy,
	[OP_ioas_ranges] = fill_ioas_ranges,
	[OP_ioas_allow] = fill_ioas_allow,
	[OP_option] = fill_option,
	[OP_vfio_ioas] = fill_vfio_ioas,
	[OP_hwpt_alloc] = fill_hwpt,
	[OP_hwpt_invalidate] = fill_hwpt_invalidate,
	[OP_dirty_set] = fill_dirty_set,
	[OP_mock_dirty] = fill_dirty,
	[OP_dirty_get] = fill_dirty,
	[OP_viommu_alloc] = fill_viommu_alloc,
	[OP_vdevice_alloc] = fill_vdevice_alloc,
	[OP_hwqueue_alloc] = fill_hwqueue_alloc,
	[OP_veventq_alloc] = fill_veventq_alloc,
	[OP_veventq_read] = fill_veventq_read,
	[OP_faultq_read] = fill_faultq_read,
	[OP_faultq_respond] = fill_faultq_respond,
	[OP_destroy] = fill_destroy,
	[OP_mock_reserved] = fill_mock_reserved,
	[OP_mock_fault] = fill_mock_fault,
	[OP_mock_iotlb] = fill_mock_iotlb,
	[OP_mock_cache] = fill_mock_cache,
};

void chance_step(struct run *r, struct step *s)
{
	s->op = good_op(r);
	s->ref[0] = s->ref[1] = s->ref[2] = LITERAL | NOTHING;
	if (fillers[s->op])
		fillers[s->op](r, s);
}
