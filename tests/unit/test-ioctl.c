// SPDX-License-Identifier: GPL-2.0-or-later
/* ioctls taken apart: by the descriptor that they are made on, by the caller's own size, and out of rubbish. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "abi/iommufd.h"
#include "abi/vfio.h"
#include "trace/ioctl.h"

static struct arena a;

static int free_arena(void **state _unused_)
{
	arena_free(&a);
	return 0;
}

static uint64_t number(const struct ioctl_decoded *d, const char *name)
{
	const struct ioctl_value *v = ioctl_value(d, name);

	assert_non_null(v);
	return v->v;
}

static void test_map(void **state _unused_)
{
	struct iommu_ioas_map in = { .size = sizeof(in), .flags = 5, .ioas_id = 3, .user_va = 0x7f0000, .length = 4096, .iova = 0x1000 }, out = in;
	struct ioctl_decoded d;

	out.iova = 0x2000;
	ioctl_decode(&a, IOCTL_ON_IOMMUFD, IOMMU_IOAS_MAP, 0, (void *)&in, sizeof(in), (void *)&out, sizeof(out), true, &d);
	assert_string_equal(d.name, "IOMMU_IOAS_MAP");
	assert_string_equal(d.first, "6.2");
	assert_int_equal(d.n, 6);
	assert_string_equal(d.v[0].text, "fixed,read");
	assert_true(number(&d, "iova") == 0x1000 && number(&d, "length") == 4096);
	assert_true(d.v[5].out && d.v[5].v == 0x2000);
	/* it failed: what is in memory is not the kernel's answer */
	ioctl_decode(&a, IOCTL_ON_IOMMUFD, IOMMU_IOAS_MAP, 0, (void *)&in, sizeof(in), (void *)&out, sizeof(out), false, &d);
	assert_int_equal(d.n, 5);
}

/* A caller of an older header has a shorter structure: what is behind it is somebody else's memory. */
static void test_size(void **state _unused_)
{
	struct vfio_device_attach_iommufd_pt in = { .argsz = 12, .pt_id = 7, .pasid = 99 };
	struct ioctl_decoded d;

	ioctl_decode(&a, IOCTL_ON_DEVICE, VFIO_DEVICE_ATTACH_IOMMUFD_PT, 0, (void *)&in, sizeof(in), (void *)&in, sizeof(in), true, &d);
	assert_null(ioctl_value(&d, "pasid"));
	assert_true(number(&d, "pt_id") == 7);
	for (size_t n = 0; n <= sizeof(in); n++) {
		in.argsz = UINT32_MAX;
		ioctl_decode(&a, IOCTL_ON_DEVICE, VFIO_DEVICE_ATTACH_IOMMUFD_PT, 0, (void *)&in, n, (void *)&in, n, true, &d);
		assert_true((ioctl_value(&d, "pt_id") != NULL) == (n >= 12));
	}
}

/* Numbers of a container are those of a device again. */
static void test_same_numbers(void **state _unused_)
{
	struct vfio_iommu_type1_dma_map in = { .argsz = sizeof(in), .flags = 3, .iova = 0x1000, .size = 0x2000 };
	struct ioctl_decoded d;

	ioctl_decode(&a, IOCTL_ON_CONTAINER, 0x3b71, 0, (void *)&in, sizeof(in), NULL, 0, false, &d);
	assert_string_equal(d.name, "VFIO_IOMMU_MAP_DMA");
	assert_string_equal(ioctl_value(&d, "flags")->text, "read,write");
	ioctl_decode(&a, IOCTL_ON_IOMMUFD, 0x3b71, 0, (void *)&in, sizeof(in), NULL, 0, false, &d);
	assert_string_equal(d.name, "VFIO_IOMMU_MAP_DMA"); /* an iommufd can stand for a container */
	ioctl_decode(&a, IOCTL_ON_DEVICE, 0x3b71, 0, (void *)&in, sizeof(in), NULL, 0, false, &d);
	assert_string_equal(d.name, "VFIO_DEVICE_PCI_HOT_RESET");
	ioctl_decode(&a, IOCTL_ON_GROUP, 0x3b71, 0, (void *)&in, sizeof(in), NULL, 0, false, &d);
	assert_null(d.name);
	assert_int_equal(d.n, 0);
}

static void test_shapes(void **state _unused_)
{
	const int32_t fd = -1;
	struct ioctl_decoded d;

	ioctl_decode(&a, IOCTL_ON_CONTAINER, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU, NULL, 0, NULL, 0, true, &d);
	assert_string_equal(ioctl_value(&d, "value")->text, "type1v2");
	ioctl_decode(&a, IOCTL_ON_CONTAINER, VFIO_SET_IOMMU, 77, NULL, 0, NULL, 0, true, &d);
	assert_null(ioctl_value(&d, "value")->text);
	ioctl_decode(&a, IOCTL_ON_GROUP, VFIO_GROUP_SET_CONTAINER, 0, (const void *)&fd, 4, NULL, 0, false, &d);
	assert_true((int32_t)number(&d, "fd") == -1);
	ioctl_decode(&a, IOCTL_ON_GROUP, VFIO_GROUP_GET_DEVICE_FD, 0, (const void *)"0000:01:00.0", 13, NULL, 0, false, &d);
	assert_string_equal(ioctl_value(&d, "name")->text, "0000:01:00.0");
	ioctl_decode(&a, IOCTL_ON_GROUP, VFIO_GROUP_GET_DEVICE_FD, 0, (const void *)"no end", 6, NULL, 0, false, &d);
	assert_int_equal(d.n, 0);
	ioctl_decode(&a, IOCTL_ON_DEVICE, VFIO_DEVICE_RESET, 0, NULL, 0, NULL, 0, true, &d);
	assert_string_equal(d.name, "VFIO_DEVICE_RESET");
}

/* Bits that nobody knows are said as they are. */
static void test_flags(void **state _unused_)
{
	struct iommu_hwpt_alloc in = { .size = sizeof(in), .flags = 0x105, .data_type = 0xdead };
	struct ioctl_decoded d;

	ioctl_decode(&a, IOCTL_ON_IOMMUFD, IOMMU_HWPT_ALLOC, 0, (void *)&in, sizeof(in), NULL, 0, false, &d);
	assert_string_equal(ioctl_value(&d, "flags")->text, "nest-parent,fault,0x100");
	assert_string_equal(ioctl_value(&d, "data_type")->text, "selftest");
	in.flags = 0;
	in.data_type = 99;
	ioctl_decode(&a, IOCTL_ON_IOMMUFD, IOMMU_HWPT_ALLOC, 0, (void *)&in, sizeof(in), NULL, 0, false, &d);
	assert_string_equal(ioctl_value(&d, "flags")->text, "0x0");
	assert_null(ioctl_value(&d, "data_type")->text);
}

/* Every number of our type, on everything, with memory of every length: no member beyond it. */
static void test_all(void **state _unused_)
{
	unsigned char in[64];
	size_t known = 0;

	memset(in, 0xff, sizeof(in));
	for (uint32_t cmd = 0x3b00; cmd <= 0x3bff; cmd++)
		for (unsigned on = 1; on <= 8; on <<= 1)
			for (size_t n = 0; n <= sizeof(in); n += 3) {
				struct ioctl_decoded d;

				ioctl_decode(&a, (enum ioctl_on)on, cmd, 1, in, n, in, n, true, &d);
				known += n == 0 && d.name;
				for (size_t i = 0; i < d.n; i++)
					assert_non_null(d.v[i].name);
			}
	assert_true(known > 45);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_map, free_arena),   cmocka_unit_test_teardown(test_size, free_arena),
		cmocka_unit_test_teardown(test_same_numbers, free_arena), cmocka_unit_test_teardown(test_shapes, free_arena),
		cmocka_unit_test_teardown(test_flags, free_arena), cmocka_unit_test_teardown(test_all, free_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
