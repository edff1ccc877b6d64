// SPDX-License-Identifier: GPL-2.0-or-later
/* Address spaces of the model, errno by errno. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "model-lab.h"

#define MiB (1u << 20)
#define BASE 0x1000000u /* where the mock's addresses begin */

static void ids_are_the_lowest_free(void **state)
{
	struct lab l;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	assert_int_equal(lab_ioas(&l), 1);
	assert_int_equal(lab_ioas(&l), 2);
	assert_int_equal(lab_ioas(&l), 3);
	assert_int_equal(lab_destroy(&l, 2), 0);
	assert_int_equal(lab_destroy(&l, 2), -ENOENT);
	assert_int_equal(lab_ioas(&l), 2);
	assert_int_equal(lab_ioas(&l), 4);
	assert_int_equal(lab_destroy(&l, 0), -ENOENT);
	assert_int_equal(lab_destroy(&l, UINT32_MAX), -ENOENT);
	assert_int_equal(backend_ioas_alloc(l.b, &(struct op_ioas_alloc){ .flags = 1 }, NULL), -EOPNOTSUPP);
	lab_close(&l);
}

static void map_errnos(void **state)
{
	struct op_ioas_map op;
	struct lab l;
	int ioas;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	ioas = lab_ioas(&l);
	op = (struct op_ioas_map){ .ioas_id = ioas, .flags = 8 | OP_MAP_READ, .length = 4096 };
	assert_int_equal(backend_ioas_map(l.b, &op, NULL), -EOPNOTSUPP);
	op = (struct op_ioas_map){ .ioas_id = ioas, .flags = OP_MAP_FIXED, .length = 4096 };
	assert_int_equal(backend_ioas_map(l.b, &op, NULL), -EINVAL); /* neither read nor write */
	op = (struct op_ioas_map){ .ioas_id = ioas, .flags = OP_MAP_FIXED | OP_MAP_READ, .iova = UINT64_MAX, .length = 1 };
	assert_int_equal(backend_ioas_map(l.b, &op, NULL), -EOVERFLOW);
	assert_int_equal(lab_map(&l, 99, 0, 4096), -ENOENT);
	assert_int_equal(lab_map(&l, ioas, 0, 0), -EINVAL);
	assert_int_equal(lab_map(&l, ioas, UINT64_MAX - 4095, 8192), -EOVERFLOW);
	/* no page table: no alignment, and address 0 is as good as any */
	assert_int_equal(lab_map(&l, ioas, 0, 1), 0);
	assert_int_equal(lab_map(&l, ioas, 1, 3), 0);
	assert_int_equal(lab_map(&l, ioas, 3, 1), -EEXIST);
	assert_int_equal(lab_map(&l, ioas, UINT64_MAX - 4, 4), 0);
	lab_close(&l);
}

static void unmap_takes_whole_maps(void **state)
{
	uint64_t n = 77;
	struct lab l;
	int ioas;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	ioas = lab_ioas(&l);
	assert_int_equal(lab_unmap(&l, 99, 0, 4096, &n), -ENOENT);
	assert_int_equal(lab_unmap(&l, ioas, 0, 0, &n), -EINVAL);
	assert_int_equal(lab_unmap(&l, ioas, 4096, 4096, &n), -ENOENT);
	assert_int_equal(lab_unmap(&l, ioas, UINT64_MAX - 10, 100, &n), -EOVERFLOW);
	assert_int_equal(lab_unmap(&l, ioas, 4096, UINT64_MAX, &n), -EOVERFLOW);
	assert_int_equal(lab_unmap(&l, ioas, 0, UINT64_MAX, &n), 0); /* all of nothing */
	assert_int_equal(n, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(lab_map(&l, ioas, i * 0x10000, 0x4000), 0);
	assert_int_equal(lab_unmap(&l, ioas, 0, 0x1000, &n), -ENOENT);
	assert_int_equal(lab_unmap(&l, ioas, 0x12000, 0x1000, &n), -ENOENT);
	/* the first goes, the second is cut: an error, and yet the first is gone */
	assert_int_equal(lab_unmap(&l, ioas, 0, 0x12000, &n), -ENOENT);
	assert_int_equal(lab_map(&l, ioas, 0, 0x4000), 0);
	assert_int_equal(lab_unmap(&l, ioas, 0, 0x20000, &n), 0);
	assert_int_equal(n, 0x8000);
	assert_int_equal(lab_unmap(&l, ioas, 0, UINT64_MAX, &n), 0);
	assert_int_equal(n, 0x4000);
	lab_close(&l);
}

static void copy_errnos(void **state)
{
	struct op_ioas_copy op;
	struct lab l;
	int a, b;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	a = lab_ioas(&l);
	b = lab_ioas(&l);
	assert_int_equal(lab_map(&l, a, 0x10000, 0x4000), 0);
	assert_int_equal(lab_map(&l, a, 0x14000, 0x4000), 0);
	assert_int_equal(lab_copy(&l, b, 0, 99, 0x10000, 4096), -ENOENT);
	assert_int_equal(lab_copy(&l, 99, 0, a, 0x10000, 4096), -ENOENT);
	assert_int_equal(lab_copy(&l, b, 0, a, 0x10000, 0), -EINVAL);
	assert_int_equal(lab_copy(&l, b, 0, a, 0x16000, 0x4000), -ENOENT); /* not all of it is mapped */
	assert_int_equal(lab_copy(&l, b, 0, a, 0x12000, 0x4000), 0);	     /* out of two maps */
	assert_int_equal(lab_copy(&l, b, 0x1000, a, 0x12000, 0x1000), -EEXIST);
	/* what was mapped for reading cannot be written through a copy */
	op = (struct op_ioas_copy){ .dst_ioas_id = a, .src_ioas_id = b, .flags = OP_MAP_FIXED | OP_MAP_WRITE, .dst_iova = 0x40000, .length = 0x1000 };
	assert_int_equal(backend_ioas_copy(l.b, &op, NULL), 0); /* the memory was writable when it was mapped first */
	op = (struct op_ioas_copy){ .dst_ioas_id = b, .src_ioas_id = a, .flags = OP_MAP_READ, .src_iova = 0x10000, .length = 0x8000 };
	assert_int_equal(backend_ioas_copy(l.b, &op, NULL), 0);
	assert_true(op.dst_iova >= 4096);
	lab_close(&l);
}

static void read_only_memory_stays_so(void **state)
{
	struct op_ioas_map map;
	struct op_ioas_copy copy;
	struct lab l;
	int ioas;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	ioas = lab_ioas(&l);
	map = (struct op_ioas_map){ .ioas_id = ioas, .flags = OP_MAP_FIXED | OP_MAP_READ, .iova = 0x10000, .length = 4096 };
	assert_int_equal(backend_ioas_map(l.b, &map, NULL), 0);
	copy = (struct op_ioas_copy){ .dst_ioas_id = ioas, .src_ioas_id = ioas, .flags = OP_MAP_FIXED | OP_MAP_WRITE, .src_iova = 0x10000,
				      .dst_iova = 0x20000, .length = 4096 };
	assert_int_equal(backend_ioas_copy(l.b, &copy, NULL), -EPERM);
	lab_close(&l);
}

static void chosen_addresses(void **state)
{
	uint64_t at, seen[64];
	struct lab l;
	int ioas;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	ioas = lab_ioas(&l);
	assert_true(lab_mock(&l, 0, ioas, NULL) > 0);
	for (int i = 0; i < 64; i++) {
		uint64_t len = 2048u << i % 12;

		assert_int_equal(lab_map_auto(&l, ioas, len, &at), 0);
		assert_true(at >= BASE && at + len - 1 <= 0x7fffffff);
		assert_int_equal(at & (len - 1 < 2 * MiB ? len - 1 : 2 * MiB - 1), 0);
		seen[i] = at;
		for (int j = 0; j < i; j++)
			assert_true(seen[j] != at);
	}
	assert_int_equal(lab_map_auto(&l, ioas, 1, &at), -EINVAL); /* the table's pages have 2 KiB */
	assert_int_equal(lab_map_auto(&l, ioas, (uint64_t)1 << 40, &at), -ENOSPC);
	assert_int_equal(lab_map_auto(&l, ioas, (uint64_t)1 << 63, &at), -EOVERFLOW);
	lab_close(&l);
}

static void chosen_in_what_is_allowed(void **state)
{
	struct op_range v[] = { { 0x2000000, 0x2000fff }, { 0x2001000, 0x2001fff }, { 0x3000000, 0x3000fff } };
	struct op_data d = OP_DATA_NONE;
	struct op_ioas_allow op;
	struct lab l;
	uint64_t at;
	int ioas;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	ioas = lab_ioas(&l);
	d.in = v;
	d.in_len = sizeof(v);
	op = (struct op_ioas_allow){ .ioas_id = ioas };
	assert_int_equal(backend_ioas_allow(l.b, &op, &d), 0);
	assert_int_equal(lab_map_auto(&l, ioas, 0x2000, &at), 0); /* neighbours are one */
	assert_int_equal(at, 0x2000000);
	assert_int_equal(lab_map_auto(&l, ioas, 0x1000, &at), 0);
	assert_int_equal(at, 0x3000000);
	assert_int_equal(lab_map_auto(&l, ioas, 0x1000, &at), -ENOSPC);
	/* what is not allowed is not forbidden to who says where */
	assert_int_equal(lab_map(&l, ioas, 0x5000000, 0x1000), 0);
	lab_close(&l);
}

static void allow_errnos(void **state)
{
	static const struct op_range bad[][2] = {
		{ { 5, 5 }, { 10, 20 } }, { { 9, 5 }, { 10, 20 } }, { { 10, 20 }, { 20, 30 } },
	};
	struct op_range low = { 0x1000, 0xffff }, good = { BASE, BASE + 0xffff };
	struct op_data d = OP_DATA_NONE;
	struct op_ioas_allow op = { .ioas_id = 99 };
	struct lab l;
	int h;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	assert_int_equal(backend_ioas_allow(l.b, &op, &d), -ENOENT);
	op.ioas_id = lab_ioas(&l);
	d.in_len = sizeof(bad[0]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		d.in = bad[i];
		assert_int_equal(backend_ioas_allow(l.b, &op, &d), -EINVAL);
	}
	h = lab_mock(&l, 0, op.ioas_id, NULL);
	assert_true(h > 0);
	d.in = &low;
	d.in_len = sizeof(low);
	assert_int_equal(backend_ioas_allow(l.b, &op, &d), -EADDRINUSE); /* the mock's addresses begin later */
	d.in = &good;
	assert_int_equal(backend_ioas_allow(l.b, &op, &d), 0);
	assert_int_equal(backend_mock_reserved(l.b, &(struct op_mock_reserved){ .ioas_id = op.ioas_id, .start = BASE, .length = 1 }, NULL), -EADDRINUSE);
	d.in_len = 0;
	assert_int_equal(backend_ioas_allow(l.b, &op, &d), 0);
	assert_int_equal(backend_mock_reserved(l.b, &(struct op_mock_reserved){ .ioas_id = op.ioas_id, .start = BASE, .length = 1 }, NULL), 0);
	assert_int_equal(lab_map(&l, op.ioas_id, BASE, 4096), -EINVAL);
	lab_close(&l);
}

static void ranges_of_a_mock(void **state)
{
	struct op_range v[8] = { { 0, 0 } };
	struct op_data d = OP_DATA_NONE;
	struct op_ioas_ranges op;
	struct lab l;
	int h;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	op = (struct op_ioas_ranges){ .ioas_id = lab_ioas(&l) };
	d.out = v;
	d.out_cap = sizeof(v);
	assert_int_equal(backend_ioas_ranges(l.b, &op, &d), 0);
	assert_int_equal(op.ret_n, 1);
	assert_int_equal(op.ret_alignment, 1);
	assert_int_equal(v[0].last, UINT64_MAX);
	h = lab_mock(&l, 0, op.ioas_id, NULL);
	assert_int_equal(backend_mock_reserved(l.b, &(struct op_mock_reserved){ .ioas_id = op.ioas_id, .start = 0x2000000, .length = 0x1000 }, NULL), 0);
	assert_int_equal(backend_ioas_ranges(l.b, &op, &d), 0);
	assert_int_equal(op.ret_n, 2);
	assert_int_equal(op.ret_alignment, 2048);
	assert_int_equal(v[0].start, BASE);
	assert_int_equal(v[0].last, 0x1ffffff);
	assert_int_equal(v[1].start, 0x2001000);
	assert_int_equal(v[1].last, 0x7fffffff);
	d.out_cap = sizeof(v[0]);
	assert_int_equal(backend_ioas_ranges(l.b, &op, &d), 0);
	assert_int_equal(op.ret_n, 2);
	/* they go with the device; what the selftest reserved stays */
	assert_int_equal(lab_device_close(&l, h), 0);
	d.out_cap = sizeof(v);
	assert_int_equal(backend_ioas_ranges(l.b, &op, &d), 0);
	assert_int_equal(op.ret_n, 2);
	assert_int_equal(v[0].start, 0);
	assert_int_equal(op.ret_alignment, 1);
	lab_close(&l);
}

/* What does not fit keeps a page table out, and nothing has changed after that. */
static void maps_keep_a_table_out(void **state)
{
	struct lab l;
	int ioas;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	ioas = lab_ioas(&l);
	assert_int_equal(lab_map(&l, ioas, 0x1000, 0x1000), 0);
	assert_int_equal(lab_mock(&l, 0, ioas, NULL), -EADDRINUSE); /* below its addresses */
	assert_int_equal(lab_unmap(&l, ioas, 0, UINT64_MAX, NULL), 0);
	assert_int_equal(lab_map(&l, ioas, BASE + 1, 0x1000), 0);
	assert_int_equal(lab_mock(&l, 0, ioas, NULL), -EADDRINUSE); /* not aligned */
	assert_int_equal(lab_unmap(&l, ioas, 0, UINT64_MAX, NULL), 0);
	/* ids that were in use while it failed are free again */
	assert_int_equal(lab_ioas(&l), 2);
	assert_true(lab_mock(&l, 0, ioas, NULL) > 0);
	assert_int_equal(lab_map(&l, ioas, 0x1000, 0x1000), -EINVAL);
	assert_int_equal(lab_map(&l, ioas, BASE + 1024, 2048), -EINVAL);
	assert_int_equal(lab_map(&l, ioas, BASE + 2048, 2048), 0);
	lab_close(&l);
}

static void options(void **state)
{
	struct op_option huge = { .option = IOMMU_OPTION_HUGE_PAGES }, rlimit = { .option = IOMMU_OPTION_RLIMIT_MODE };
	struct lab l;
	int ioas;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	assert_int_equal(backend_option(l.b, &rlimit, NULL), 0);
	assert_int_equal(rlimit.value, 0);
	rlimit.set = 1;
	rlimit.value = 2;
	assert_int_equal(backend_option(l.b, &rlimit, NULL), -EINVAL);
	rlimit.value = 1;
	assert_int_equal(backend_option(l.b, &rlimit, NULL), 0);
	rlimit.object_id = 1;
	assert_int_equal(backend_option(l.b, &rlimit, NULL), -EOPNOTSUPP);
	rlimit.object_id = 0;
	assert_int_equal(backend_option(l.b, &huge, NULL), -ENOENT);
	huge.object_id = ioas = lab_ioas(&l);
	assert_int_equal(backend_option(l.b, &rlimit, NULL), -EBUSY);
	assert_int_equal(backend_option(l.b, &huge, NULL), 0);
	assert_int_equal(huge.value, 1);
	assert_int_equal(lab_map(&l, ioas, BASE, 2048), 0);
	huge.set = 1;
	huge.value = 0;
	assert_int_equal(backend_option(l.b, &huge, NULL), -EADDRINUSE); /* no whole page */
	assert_int_equal(lab_unmap(&l, ioas, BASE, 2048, NULL), 0);
	assert_int_equal(backend_option(l.b, &huge, NULL), 0);
	assert_int_equal(lab_map(&l, ioas, BASE, 2048), -EINVAL);
	huge.value = 1;
	assert_int_equal(backend_option(l.b, &huge, NULL), 0);
	assert_true(lab_mock(&l, 0, ioas, NULL) > 0);
	assert_int_equal(lab_map(&l, ioas, BASE, 2048), 0);
	huge.value = 0;
	assert_int_equal(backend_option(l.b, &huge, NULL), -EINVAL); /* mapped already */
	huge.value = 2;
	assert_int_equal(backend_option(l.b, &huge, NULL), -EINVAL);
	huge.option = 9;
	assert_int_equal(backend_option(l.b, &huge, NULL), -EOPNOTSUPP);
	lab_close(&l);
}

static void files(void **state)
{
	struct op_data d = OP_DATA_NONE;
	struct op_ioas_map op;
	struct lab l;
	int ioas, fd = memfd_create("x", 0);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 8192), 0);
	lab_open(&l, LAB_VTD, NULL, NULL);
	ioas = lab_ioas(&l);
	d.fd_in = fd;
	op = (struct op_ioas_map){ .ioas_id = ioas, .flags = OP_MAP_FIXED | OP_MAP_READ, .iova = BASE, .length = 16384 };
	assert_int_equal(backend_ioas_map(l.b, &op, &d), 0); /* nobody has looked behind its end yet */
	assert_int_equal(lab_mock(&l, 0, ioas, NULL), -EINVAL);
	assert_int_equal(lab_unmap(&l, ioas, 0, UINT64_MAX, NULL), 0);
	assert_true(lab_mock(&l, 0, ioas, NULL) > 0);
	assert_int_equal(backend_ioas_map(l.b, &op, &d), -EINVAL);
	op.length = 4096;
	op.offset = 4096;
	assert_int_equal(backend_ioas_map(l.b, &op, &d), 0);
	op.iova += 4096;
	op.offset = 1;
	assert_int_equal(backend_ioas_map(l.b, &op, &d), -EINVAL); /* where its pages are decides */
	op.offset = UINT64_MAX - 100;
	assert_int_equal(backend_ioas_map(l.b, &op, &d), -EOVERFLOW);
	assert_int_equal(backend_change_process(l.b, &(struct op_change_process){ .pad = { 0 } }, NULL), 0);
	close(fd);
	op.offset = 0;
	assert_int_equal(backend_ioas_map(l.b, &op, &d), -EBADF);
	lab_close(&l);
}

static void vfio_compat(void **state)
{
	struct op_vfio_ioas op = { .what = OP_VFIO_IOAS_GET };
	struct lab l;
	int ioas;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	assert_int_equal(backend_vfio_ioas(l.b, &op, NULL), -ENODEV);
	op = (struct op_vfio_ioas){ .what = OP_VFIO_IOAS_SET, .ioas_id = 7 };
	assert_int_equal(backend_vfio_ioas(l.b, &op, NULL), -ENOENT);
	op.ioas_id = ioas = lab_ioas(&l);
	assert_int_equal(backend_vfio_ioas(l.b, &op, NULL), 0);
	op = (struct op_vfio_ioas){ .what = OP_VFIO_IOAS_GET };
	assert_int_equal(backend_vfio_ioas(l.b, &op, NULL), 0);
	assert_int_equal(op.ioas_id, ioas);
	assert_int_equal(lab_destroy(&l, ioas), 0);
	assert_int_equal(backend_vfio_ioas(l.b, &op, NULL), -ENODEV);
	op.what = 9;
	assert_int_equal(backend_vfio_ioas(l.b, &op, NULL), -EOPNOTSUPP);
	lab_close(&l);
}

static int raw(struct lab *l, uint32_t nr, const void *in, size_t len, void *out)
{
	struct op_data d = OP_DATA_NONE;

	d.in = in;
	d.in_len = len;
	d.out = out;
	d.out_cap = len;
	return backend_raw(l->b, &(struct op_raw){ .nr = nr }, &d);
}

static void bytes(void **state)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct iommu_ioas_map map = { .size = sizeof(map), .flags = OP_MAP_FIXED | OP_MAP_READ, .iova = BASE, .length = 4096, .user_va = 4096 };
	struct { struct iommu_ioas_alloc c; uint32_t more; } big = { { .size = sizeof(big) }, 0 };
	uint64_t zero[16] = { 0 };
	struct lab l;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	for (uint32_t nr = 0x70; nr < 0xb0; nr++) {
		bool there = (nr >= 0x80 && nr <= 0x94) || nr == 0xa0;

		assert_int_equal(raw(&l, nr, zero, sizeof(zero), zero), there ? -EINVAL : -ENOTTY);
		assert_int_equal(backend_probe(l.b, &(struct op_probe){ .nr = nr }, NULL), there ? 0 : -ENOTTY);
	}
	assert_int_equal(raw(&l, 0x81, NULL, 0, NULL), -EFAULT);
	alloc.size = 8;
	assert_int_equal(raw(&l, 0x81, &alloc, sizeof(alloc), &alloc), -EINVAL);
	alloc.size = sizeof(alloc);
	assert_int_equal(raw(&l, 0x81, &alloc, sizeof(alloc), &alloc), 0);
	assert_int_equal(alloc.out_ioas_id, 1);
	assert_int_equal(raw(&l, 0x81, &big, sizeof(big), &big), 0);
	assert_int_equal(big.c.out_ioas_id, 2);
	big.more = 1;
	assert_int_equal(raw(&l, 0x81, &big, sizeof(big), &big), -E2BIG);
	big.c.size = 100000;
	big.more = 0;
	assert_int_equal(raw(&l, 0x81, &big, sizeof(big), &big), -EFAULT);
	map.reserved = 1;
	assert_int_equal(raw(&l, 0x85, &map, sizeof(map), &map), -EOPNOTSUPP);
	map.reserved = 0;
	assert_int_equal(raw(&l, 0x85, &map, sizeof(map), &map), -ENOENT);
	map.ioas_id = 1;
	assert_int_equal(raw(&l, 0x85, &map, sizeof(map), &map), 0); /* an address that leads nowhere: later */
	assert_int_equal(lab_mock(&l, 0, 1, NULL), -EFAULT);
	assert_true(lab_mock(&l, 0, 2, NULL) > 0);
	map.ioas_id = 2;
	assert_int_equal(raw(&l, 0x85, &map, sizeof(map), &map), -EFAULT);
	assert_int_equal(backend_change_process(l.b, &(struct op_change_process){ .pad = { 0 } }, NULL), -EINVAL);
	lab_close(&l);
	lab_open(&l, LAB_VTD, NULL, "no-mock");
	assert_int_equal(backend_probe(l.b, &(struct op_probe){ .nr = 0xa0 }, NULL), -ENOTTY);
	assert_int_equal(lab_mock(&l, 0, 0, NULL), -ENOTTY);
	lab_close(&l);
}

/* What a map must be a multiple of, behind a unit of that kind, where the kernel's pages are as the section says. */
static uint64_t granule(enum lab_kind kind, const char *probes, bool mock)
{
	struct op_ioas_ranges op = { 0 };
	struct op_data d = OP_DATA_NONE;
	struct lab l;
	int h, ioas;

	lab_build(&l, kind, NULL);
	machine_file(&l.m, "iommuctl/probes.json", "%s", probes);
	lab_start(&l, NULL);
	ioas = lab_ioas(&l);
	if (mock) {
		h = lab_mock(&l, 0, ioas, NULL);
	} else {
		assert_int_equal(lab_to_vfio(&l, CARD), 0);
		h = lab_device(&l, CARD);
		assert_int_equal(lab_attach(&l, h, ioas, NULL), 0);
	}
	assert_true(h > 0);
	op.ioas_id = ioas;
	assert_int_equal(backend_ioas_ranges(l.b, &op, &d), 0);
	assert_int_equal(lab_map(&l, ioas, 0x10000000, op.ret_alignment), 0);
	assert_int_equal(lab_map(&l, ioas, 0x20000000 + op.ret_alignment / 2, op.ret_alignment), -EINVAL);
	assert_int_equal(lab_map(&l, ioas, 0x20000000, op.ret_alignment / 2), -EINVAL);
	lab_close(&l);
	return op.ret_alignment;
}

/* A server for Arm may have them; a map of 4 KiB that is rehearsed for it must fail as it will there. */
static void larger_pages(void **state)
{
	static const struct {
		const char *probes;
		uint64_t page;
	} t[] = {
		{ "{}", 4096 },
		{ "{\"page_size\":4096}", 4096 },
		{ "{\"page_size\":16384}", 16384 },
		{ "{\"page_size\":65536}", 65536 },
		/* what no kernel has */
		{ "{\"page_size\":0}", 4096 },
		{ "{\"page_size\":5000}", 4096 },
		{ "{\"page_size\":1048576}", 4096 },
		{ "{\"page_size\":-4096}", 4096 },
		{ "{\"page_size\":\"65536\"}", 4096 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		assert_int_equal(granule(LAB_SMMU, t[i].probes, false), t[i].page);
		assert_int_equal(granule(LAB_SMMU, t[i].probes, true), t[i].page / 2);
	}
	/* its pages are its own */
	assert_int_equal(granule(LAB_VTD, "{\"page_size\":65536}", false), 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_the_lowest_free),
		cmocka_unit_test(map_errnos),
		cmocka_unit_test(unmap_takes_whole_maps),
		cmocka_unit_test(copy_errnos),
		cmocka_unit_test(read_only_memory_stays_so),
		cmocka_unit_test(chosen_addresses),
		cmocka_unit_test(chosen_in_what_is_allowed),
		cmocka_unit_test(allow_errnos),
		cmocka_unit_test(ranges_of_a_mock),
		cmocka_unit_test(maps_keep_a_table_out),
		cmocka_unit_test(options),
		cmocka_unit_test(files),
		cmocka_unit_test(vfio_compat),
		cmocka_unit_test(bytes),
		cmocka_unit_test(larger_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
