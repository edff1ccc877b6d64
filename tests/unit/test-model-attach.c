// SPDX-License-Identifier: GPL-2.0-or-later
/* Ownership, page tables, attach by device and by group, drivers of IOMMUs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "model-lab.h"

#define BASE 0x1000000u

/* VT-d with scalable mode, PASIDs of 20 bits and snoop control. */
static uint64_t vtd_ecap(bool nest, bool first, bool second, bool dirty)
{
	return 0xf00f5eull | 1ull << 43 | 1ull << 40 | 19ull << 35 | 1ull << 48 | (nest ? 1ull << 26 : 0) | (first ? 1ull << 47 : 0) |
	       (second ? 1ull << 46 : 0) | (dirty ? 1ull << 45 : 0) | 1ull << 7;
}

static void open_vtd(struct lab *l, uint64_t ecap, const char *inject)
{
	char regs[64];

	snprintf(regs, sizeof(regs), "d2008c222f0686 %llx", (unsigned long long)ecap);
	lab_open(l, LAB_VTD, regs, inject);
}

/* Both functions of the card, on VFIO and open. */
static void open_pair(struct lab *l, int h[2])
{
	assert_int_equal(lab_to_vfio(l, NIC), 0);
	assert_int_equal(lab_to_vfio(l, NIC2), 0);
	h[0] = lab_device(l, NIC);
	h[1] = lab_device(l, NIC2);
	assert_true(h[0] > 0 && h[1] > 0);
}

static void open_errnos(void **state)
{
	struct op_device_open op = { .bus = "pci", .dev = NIC, .flags = 1 << 5 };
	struct lab l;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	assert_int_equal(lab_device(&l, "0000:09:00.0"), -ENODEV);
	assert_int_equal(lab_device(&l, NIC), -ENOENT); /* no node: on a native driver */
	assert_int_equal(lab_to_vfio(&l, NIC), 0);
	assert_int_equal(backend_device_open(l.b, &op, NULL), -EINVAL);
	assert_int_equal(lab_device(&l, NIC), -EPERM); /* its sibling's driver uses the DMA API */
	assert_int_equal(lab_to_vfio(&l, NIC2), 0);
	assert_int_equal(lab_device(&l, NIC), 1 + 1);
	assert_int_equal(lab_device(&l, NIC), -EINVAL); /* bound once */
	assert_int_equal(lab_device_close(&l, 77), -ENODEV);
	lab_close(&l);
}

static void who_owns_keeps_drivers_out(void **state)
{
	struct lab l;
	int h[2], ioas;
	pid_t pid;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	open_pair(&l, h);
	ioas = lab_ioas(&l);
	assert_int_equal(lab_attach(&l, h[0], ioas, NULL), 0);
	assert_int_equal(backend_set_override(l.b, "pci", NIC2, "e1000e"), 0);
	assert_int_equal(lab_device_close(&l, h[1]), 0);
	assert_int_equal(backend_unbind(l.b, "pci", NIC2, "vfio-pci", 0, &pid), 0);
	assert_int_equal(backend_bind(l.b, "pci", NIC2, "e1000e"), -EBUSY);
	assert_int_equal(lab_detach(&l, h[0]), 0);
	assert_int_equal(backend_bind(l.b, "pci", NIC2, "e1000e"), -EBUSY); /* detached, and still owned */
	assert_int_equal(backend_set_group_type(l.b, 2, "identity"), -EPERM);
	assert_int_equal(lab_device_close(&l, h[0]), 0);
	assert_int_equal(backend_bind(l.b, "pci", NIC2, "e1000e"), 0);
	assert_int_equal(lab_device(&l, NIC), -EPERM);
	lab_close(&l);
}

/* A held device leaves its driver at once, and its unbind hangs. */
static void unbind_of_a_held_device(void **state)
{
	struct lab l;
	int h[2];
	pid_t pid;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	open_pair(&l, h);
	assert_int_equal(backend_unbind(l.b, "pci", NIC, "vfio-pci", 0, &pid), -EINPROGRESS);
	assert_false(source_exists(l.s, "sys/bus/pci/devices/" NIC "/driver"));
	assert_int_equal(lab_device_close(&l, h[0]), 0);
	lab_close(&l);
}

static void a_leak_keeps_us_out(void **state)
{
	struct lab l;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, "leak=4");
	assert_int_equal(lab_to_vfio(&l, CARD), 0); /* vfio-pci itself is not asked */
	assert_int_equal(lab_device(&l, CARD), -EPERM);
	lab_close(&l);
}

static void unsafe_interrupts(void **state)
{
	struct lab l;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, "no-isolated-msi");
	assert_int_equal(lab_to_vfio(&l, CARD), 0);
	assert_int_equal(lab_device(&l, CARD), -EPERM);
	lab_close(&l);
	lab_open(&l, LAB_VTD, NULL, "no-isolated-msi,allow-unsafe-interrupts");
	assert_int_equal(lab_to_vfio(&l, CARD), 0);
	assert_true(lab_device(&l, CARD) > 0);
	lab_close(&l);
}

static void a_region_that_must_stay(void **state)
{
	struct lab l;

	(void)state;
	lab_build(&l, LAB_VTD, NULL);
	machine_file(&l.m, "sys/kernel/iommu_groups/4/reserved_regions", "0x00000000bb000000 0x00000000bbffffff direct\n");
	lab_start(&l, NULL);
	assert_int_equal(lab_to_vfio(&l, CARD), 0);
	assert_int_equal(lab_device(&l, CARD), -EINVAL);
	lab_close(&l);
}

static void siblings(void **state)
{
	uint32_t first = 0, second = 0, third = 0;
	struct lab l;
	int h[2], a, b, hwpt;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	open_pair(&l, h);
	a = lab_ioas(&l);
	b = lab_ioas(&l);
	assert_int_equal(lab_attach(&l, h[0], a, &first), 0);
	assert_int_equal(lab_attach(&l, h[1], b, NULL), -EINVAL); /* must be where its group is */
	assert_int_equal(lab_destroy(&l, first), -EBUSY);
	assert_int_equal(lab_attach(&l, h[1], a, &second), 0);
	assert_int_equal(first, second);
	/* replace by either moves both, and the automatic one that they leave dies */
	assert_int_equal(lab_attach(&l, h[1], b, &third), 0);
	assert_int_not_equal(third, first);
	assert_int_equal(lab_destroy(&l, first), -ENOENT);
	assert_int_equal(lab_destroy(&l, a), 0);
	assert_int_equal(lab_destroy(&l, b), -EBUSY);
	/* to one of our own, by the other */
	hwpt = lab_hwpt(&l, h[0], b, 0);
	assert_true(hwpt > 0);
	assert_int_equal(lab_attach(&l, h[0], hwpt, NULL), 0);
	assert_int_equal(lab_destroy(&l, third), -ENOENT);
	assert_int_equal(lab_detach(&l, h[0]), 0);
	assert_int_equal(lab_detach(&l, h[0]), 0); /* once more is no error */
	assert_int_equal(lab_destroy(&l, hwpt), -EBUSY);
	assert_int_equal(lab_detach(&l, h[1]), 0);
	assert_int_equal(lab_destroy(&l, hwpt), 0);
	assert_int_equal(lab_destroy(&l, b), 0);
	lab_close(&l);
}

static void attach_errnos(void **state)
{
	struct op_device_open open = { .bus = "pci", .dev = CARD, .flags = OP_OPEN_NO_BIND };
	struct op_device_attach op;
	struct lab l;
	int h[2], ioas, q;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	open_pair(&l, h);
	ioas = lab_ioas(&l);
	q = lab_faultq(&l);
	assert_int_equal(lab_attach(&l, h[0], 99, NULL), -ENOENT);
	assert_int_equal(lab_attach(&l, h[0], q, NULL), -EINVAL); /* neither IOAS nor page table */
	assert_int_equal(lab_attach(&l, 99, ioas, NULL), -ENODEV);
	op = (struct op_device_attach){ .handle = h[0], .pt_id = ioas, .flags = 2 };
	assert_int_equal(backend_device_attach(l.b, &op, NULL), -EINVAL);
	assert_int_equal(lab_to_vfio(&l, CARD), 0);
	assert_int_equal(backend_device_open(l.b, &open, NULL), 0);
	assert_int_equal(open.ret_dev_id, 0);
	assert_int_equal(lab_attach(&l, open.ret_handle, ioas, NULL), -EINVAL); /* not bound */
	assert_int_equal(lab_hwpt(&l, open.ret_handle, ioas, 0), -ENOENT);
	lab_close(&l);
}

static void reserved_regions_leave_the_ioas(void **state)
{
	struct lab l;
	int h[2], ioas;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	open_pair(&l, h);
	ioas = lab_ioas(&l);
	assert_int_equal(lab_map(&l, ioas, 0xfee00000, 0x1000), 0);
	assert_int_equal(lab_attach(&l, h[0], ioas, NULL), -EADDRINUSE);
	assert_int_equal(lab_unmap(&l, ioas, 0, UINT64_MAX, NULL), 0);
	assert_int_equal(lab_attach(&l, h[0], ioas, NULL), 0);
	assert_int_equal(lab_attach(&l, h[1], ioas, NULL), 0);
	assert_int_equal(lab_map(&l, ioas, 0xfee00000, 0x1000), -EINVAL);
	assert_int_equal(lab_detach(&l, h[0]), 0);
	assert_int_equal(lab_map(&l, ioas, 0xfee00000, 0x1000), -EINVAL); /* the sibling's */
	assert_int_equal(lab_detach(&l, h[1]), 0);
	assert_int_equal(lab_map(&l, ioas, 0xfee00000, 0x1000), 0);
	lab_close(&l);
}

static void destroy_what_is_used(void **state)
{
	uint32_t pt;
	struct lab l;
	int ioas, h, hwpt, q;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	ioas = lab_ioas(&l); /* 1 */
	h = lab_mock(&l, 0, ioas, &pt);
	assert_int_equal(pt, 4); /* 2 the selftest's, 3 the device */
	assert_int_equal(lab_destroy(&l, ioas), -EBUSY);
	assert_int_equal(lab_destroy(&l, 3), -EBUSY); /* a bound device always */
	assert_int_equal(lab_destroy(&l, pt), -EBUSY);
	q = lab_faultq(&l);
	hwpt = lab_hwpt_fault(&l, h, ioas, 0, q);
	assert_true(hwpt > 0);
	assert_int_equal(lab_destroy(&l, q), -EBUSY);
	assert_int_equal(lab_destroy(&l, hwpt), 0);
	assert_int_equal(lab_destroy(&l, q), 0);
	assert_int_equal(lab_destroy(&l, 2), 0); /* the selftest's own way to close it */
	assert_int_equal(lab_device_close(&l, h), -ENODEV);
	assert_int_equal(lab_destroy(&l, ioas), 0);
	lab_close(&l);
}

static void a_mock_has_an_ioas_of_its_own(void **state)
{
	uint32_t pt;
	struct lab l;
	int h;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	h = lab_mock(&l, 0, 0, &pt);
	assert_true(h > 0);
	assert_int_equal(pt, 4);
	assert_int_equal(lab_map(&l, 1, BASE, 4096), 0);
	assert_true(source_exists(l.s, "sys/bus/iommufd_mock/devices/iommufd_mock0"));
	assert_true(source_exists(l.s, "sys/kernel/iommu_groups/0/devices/iommufd_mock0"));
	assert_int_equal(lab_detach(&l, h), -EOPNOTSUPP);
	assert_int_equal(lab_device_close(&l, h), 0);
	assert_int_equal(lab_destroy(&l, 1), -ENOENT);
	assert_false(source_exists(l.s, "sys/bus/iommufd_mock/devices/iommufd_mock0"));
	assert_int_equal(lab_ioas(&l), 1);
	lab_close(&l);
}

static void hwpt_errnos(void **state)
{
	struct iommu_hwpt_selftest data = { .iotlb = 1 };
	uint32_t automatic;
	struct lab l;
	int ioas, h, dull, parent, plain;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	ioas = lab_ioas(&l);
	h = lab_mock(&l, 0, ioas, &automatic);
	dull = lab_mock(&l, OP_OPEN_MOCK_NO_DIRTY, ioas, NULL);
	assert_int_equal(lab_hwpt(&l, h, 99, 0), -EINVAL); /* not ENOENT */
	assert_int_equal(lab_hwpt(&l, h, ioas, 1 << 4), -EOPNOTSUPP);
	assert_int_equal(lab_hwpt_fault(&l, h, ioas, 0, 99), -ENOENT);
	assert_int_equal(lab_hwpt_fault(&l, h, ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, 99), -EOPNOTSUPP);
	assert_int_equal(lab_hwpt(&l, dull, ioas, IOMMU_HWPT_ALLOC_DIRTY_TRACKING), -EOPNOTSUPP);
	assert_int_equal(lab_hwpt_data(&l, h, ioas, 0, 0, 0, &data, sizeof(data)), -EINVAL);
	assert_int_equal(lab_hwpt_data(&l, h, ioas, 0, 0, IOMMU_HWPT_DATA_SELFTEST, NULL, 0), -EINVAL);
	assert_int_equal(lab_hwpt_data(&l, h, ioas, 0, 0, IOMMU_HWPT_DATA_VTD_S1, &data, sizeof(data)), -EOPNOTSUPP);
	data.pagetable_type = 2;
	assert_int_equal(lab_hwpt_data(&l, h, ioas, 0, 0, IOMMU_HWPT_DATA_SELFTEST, &data, sizeof(data)), -EOPNOTSUPP);
	data.pagetable_type = 0;
	plain = lab_hwpt(&l, h, ioas, 0);
	parent = lab_hwpt(&l, h, ioas, IOMMU_HWPT_ALLOC_NEST_PARENT);
	assert_true(plain > 0 && parent > 0);
	assert_int_equal(lab_nested(&l, h, plain, 0), -EINVAL);
	assert_int_equal(lab_nested(&l, h, automatic, 0), -EINVAL);
	assert_int_equal(lab_hwpt(&l, h, parent, 0), -EOPNOTSUPP); /* no data */
	assert_int_equal(lab_hwpt_data(&l, h, parent, 0, 0, 0xbad, &data, sizeof(data)), -EOPNOTSUPP);
	assert_int_equal(lab_hwpt_data(&l, h, parent, 0, 0, IOMMU_HWPT_DATA_SELFTEST, &data, 3), -EINVAL);
	assert_int_equal(lab_hwpt_data(&l, h, parent, 1, 0, IOMMU_HWPT_DATA_SELFTEST, &data, sizeof(data)), -EOPNOTSUPP);
	assert_true(lab_hwpt_data(&l, h, parent, 0, 0, IOMMU_HWPT_DATA_SELFTEST, &data, 4) > 0);
	/* ids of what failed are free */
	assert_int_equal(lab_ioas(&l), plain + 3);
	lab_close(&l);
	lab_open(&l, LAB_VTD, NULL, "no-nesting,no-dirty");
	h = lab_mock(&l, 0, 0, NULL);
	assert_int_equal(lab_hwpt(&l, h, 1, IOMMU_HWPT_ALLOC_NEST_PARENT), -EOPNOTSUPP);
	assert_int_equal(lab_hwpt(&l, h, 1, IOMMU_HWPT_ALLOC_DIRTY_TRACKING), -EOPNOTSUPP);
	lab_close(&l);
}

/* An automatic page table takes every device that its driver lets in; others get one of their own. */
static void automatic_ones(void **state)
{
	uint32_t a, b, c;
	struct lab l;
	int ioas, h, h2, dirty;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	ioas = lab_ioas(&l);
	h = lab_mock(&l, 0, ioas, &a);
	h2 = lab_mock(&l, OP_OPEN_MOCK_NO_DIRTY, ioas, &b);
	assert_int_equal(a, b);
	dirty = lab_hwpt(&l, h, ioas, IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	assert_int_equal(lab_attach(&l, h2, dirty, NULL), -EINVAL); /* cannot track */
	assert_int_equal(lab_attach(&l, h, dirty, NULL), 0);
	assert_int_equal(lab_attach(&l, h, ioas, &c), 0); /* never one of ours */
	assert_int_equal(a, c);
	assert_int_equal(lab_device_close(&l, h), 0);
	assert_int_equal(lab_destroy(&l, a), -EBUSY);
	assert_int_equal(lab_device_close(&l, h2), 0);
	assert_int_equal(lab_destroy(&l, a), -ENOENT);
	lab_close(&l);
}

static void pasids(void **state)
{
	struct lab l;
	int ioas, h, ok, plain, none;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	ioas = lab_ioas(&l);
	h = lab_mock(&l, OP_OPEN_MOCK_PASID, ioas, NULL);
	ok = lab_hwpt(&l, h, ioas, IOMMU_HWPT_ALLOC_PASID);
	plain = lab_hwpt(&l, h, ioas, 0);
	assert_int_equal(lab_attach_pasid(&l, h, 5, plain), -EINVAL);
	assert_int_equal(lab_attach_pasid(&l, h, 5, ok), -EINVAL); /* the requester id's must be able to as well */
	assert_int_equal(lab_attach(&l, h, ok, NULL), 0);
	assert_int_equal(lab_attach_pasid(&l, h, 5, ok), 0);
	assert_int_equal(lab_attach_pasid(&l, h, 1u << 20, ok), -EINVAL);
	assert_int_equal(lab_attach(&l, h, plain, NULL), -EINVAL); /* while there are PASIDs */
	assert_int_equal(lab_attach_pasid(&l, h, 6, ioas), -EINVAL); /* automatic ones cannot */
	assert_int_equal(lab_destroy(&l, ok), -EBUSY);
	assert_int_equal(lab_attach_pasid(&l, h, 0, ok), -EBUSY); /* PASID 0 is the requester id */
	assert_int_equal(lab_detach_pasid(&l, h, 77), 0);
	/* the selftest fails every second time at this one */
	assert_int_equal(lab_attach_pasid(&l, h, 1024, ok), 0);
	none = lab_hwpt(&l, h, ioas, IOMMU_HWPT_ALLOC_PASID);
	assert_int_equal(lab_attach_pasid(&l, h, 1024, none), -ENOMEM);
	assert_int_equal(lab_attach_pasid(&l, h, 1024, none), 0);
	assert_int_equal(lab_detach_pasid(&l, h, 1024), 0);
	assert_int_equal(lab_destroy(&l, none), 0);
	assert_int_equal(lab_detach_pasid(&l, h, 5), 0);
	assert_int_equal(lab_attach(&l, h, plain, NULL), 0);
	assert_int_equal(lab_destroy(&l, ok), 0);
	assert_int_equal(lab_device_close(&l, h), 0);
	lab_close(&l);
}

static void vtd_stages(void **state)
{
	struct op_data d = OP_DATA_NONE;
	struct op_range v[4];
	struct op_ioas_ranges r;
	struct lab l;
	int h, ioas, hwpt;

	(void)state;
	/* an old unit: second stage only, no flags */
	lab_open(&l, LAB_VTD, NULL, NULL);
	assert_int_equal(lab_to_vfio(&l, CARD), 0);
	h = lab_device(&l, CARD);
	ioas = lab_ioas(&l);
	assert_int_equal(lab_hwpt(&l, h, ioas, IOMMU_HWPT_ALLOC_NEST_PARENT), -EOPNOTSUPP);
	assert_int_equal(lab_hwpt(&l, h, ioas, IOMMU_HWPT_ALLOC_DIRTY_TRACKING), -EOPNOTSUPP);
	assert_true(lab_hwpt(&l, h, ioas, 0) > 0);
	assert_int_equal(lab_viommu(&l, h, ioas, 1), -EOPNOTSUPP);
	lab_close(&l);
	/* both stages: the first is taken unless a flag wants the second */
	open_vtd(&l, vtd_ecap(true, true, true, true), NULL);
	assert_int_equal(lab_to_vfio(&l, CARD), 0);
	h = lab_device(&l, CARD);
	ioas = lab_ioas(&l);
	hwpt = lab_hwpt(&l, h, ioas, 0);
	assert_true(hwpt > 0);
	d.out = v;
	d.out_cap = sizeof(v);
	r = (struct op_ioas_ranges){ .ioas_id = ioas };
	assert_int_equal(backend_ioas_ranges(l.b, &r, &d), 0);
	assert_int_equal(r.ret_n, 1);
	assert_int_equal(v[0].last, ((uint64_t)1 << 47) - 1); /* the lower half of 48 bits */
	assert_int_equal(lab_destroy(&l, hwpt), 0);
	hwpt = lab_hwpt(&l, h, ioas, IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	assert_true(hwpt > 0);
	assert_int_equal(backend_ioas_ranges(l.b, &r, &d), 0);
	assert_int_equal(v[0].last, ((uint64_t)1 << 48) - 1);
	lab_close(&l);
	open_vtd(&l, vtd_ecap(true, true, true, true), "no-nesting,no-dirty");
	assert_int_equal(lab_to_vfio(&l, CARD), 0);
	h = lab_device(&l, CARD);
	ioas = lab_ioas(&l);
	assert_int_equal(lab_hwpt(&l, h, ioas, IOMMU_HWPT_ALLOC_NEST_PARENT), -EOPNOTSUPP);
	assert_int_equal(lab_hwpt(&l, h, ioas, IOMMU_HWPT_ALLOC_DIRTY_TRACKING), -EOPNOTSUPP);
	lab_close(&l);
}

/* What is injected is in the files too, where plans and checks read it. */
static void injections_show(void **state)
{
	uint64_t v;
	struct lab l;

	(void)state;
	open_vtd(&l, vtd_ecap(true, true, true, true), "no-nesting,no-dirty,no-pasid,iommus=2");
	assert_int_equal(source_read_hex(l.s, "sys/class/iommu/dmar0/intel-iommu/ecap", &v), 0);
	assert_int_equal(v, vtd_ecap(false, true, true, false) & ~(1ull << 40));
	assert_int_equal(source_read_hex(l.s, "sys/class/iommu/dmar1/intel-iommu/ecap", &v), 0);
	assert_int_equal(v, vtd_ecap(false, true, true, false) & ~(1ull << 40));
	lab_close(&l);
	lab_build(&l, LAB_VTD, NULL);
	machine_file(&l.m, "proc/interrupts", "  24:  0  0  IR-PCI-MSI-0000:00:01.0  0-edge  aerdrv\n");
	lab_start(&l, "no-isolated-msi,allow-unsafe-interrupts");
	assert_true(source_exists(l.s, "sys/module/iommufd/parameters/allow_unsafe_interrupts"));
	{
		char text[128];

		assert_int_equal(source_read_attr(l.s, "proc/interrupts", text, sizeof(text)), 0);
		assert_string_equal(text, "  24:  0  0  PCI-MSI-0000:00:01.0  0-edge  aerdrv");
	}
	lab_close(&l);
}

static void vtd_nests_on_the_page_table(void **state)
{
	struct iommu_hwpt_vtd_s1 s1 = { .addr_width = 48 };
	struct iommu_hwpt_vtd_s1_invalidate inv[3] = { { .addr = 0x1000, .npages = 1 }, { .npages = UINT64_MAX }, { .addr = 1 } };
	struct op_hwpt_invalidate op;
	struct op_data d = OP_DATA_NONE;
	struct lab l;
	int h, ioas, parent, nested, plain;

	(void)state;
	open_vtd(&l, vtd_ecap(true, true, true, true), NULL);
	assert_int_equal(lab_to_vfio(&l, CARD), 0);
	h = lab_device(&l, CARD);
	ioas = lab_ioas(&l);
	plain = lab_hwpt(&l, h, ioas, 0);
	parent = lab_hwpt(&l, h, ioas, IOMMU_HWPT_ALLOC_NEST_PARENT);
	assert_int_equal(lab_hwpt_data(&l, h, plain, 0, 0, IOMMU_HWPT_DATA_VTD_S1, &s1, sizeof(s1)), -EINVAL);
	assert_int_equal(lab_hwpt_data(&l, h, parent, 0, 0, IOMMU_HWPT_DATA_ARM_SMMUV3, &s1, 16), -EOPNOTSUPP);
	nested = lab_hwpt_data(&l, h, parent, 0, 0, IOMMU_HWPT_DATA_VTD_S1, &s1, sizeof(s1));
	assert_true(nested > 0);
	/* attaching the first stage enforces the regions on its second stage's IOAS */
	assert_int_equal(lab_attach(&l, h, nested, NULL), 0);
	assert_int_equal(lab_map(&l, ioas, 0xfee00000, 0x1000), -EINVAL);
	assert_int_equal(lab_destroy(&l, parent), -EBUSY);
	d.in = inv;
	d.in_len = sizeof(inv);
	op = (struct op_hwpt_invalidate){ .id = nested, .data_type = IOMMU_HWPT_INVALIDATE_DATA_VTD_S1, .entry_len = sizeof(inv[0]), .n = 3 };
	assert_int_equal(backend_hwpt_invalidate(l.b, &op, &d), -EINVAL);
	assert_int_equal(op.ret_done, 2);
	inv[0].flags = 2;
	assert_int_equal(backend_hwpt_invalidate(l.b, &op, &d), -EOPNOTSUPP);
	assert_int_equal(op.ret_done, 0);
	assert_int_equal(lab_detach(&l, h), 0);
	assert_int_equal(lab_destroy(&l, nested), 0);
	assert_int_equal(lab_destroy(&l, parent), 0);
	lab_close(&l);
}

static void hwinfo(void **state)
{
	struct op_device_hwinfo op;
	struct iommu_hw_info_vtd vtd;
	struct iommu_hw_info_amd amd;
	uint8_t small[4] = { 0 };
	struct op_data d = OP_DATA_NONE;
	struct lab l;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	assert_int_equal(lab_to_vfio(&l, CARD), 0);
	op = (struct op_device_hwinfo){ .handle = lab_device(&l, CARD) };
	d.out = &vtd;
	d.out_cap = sizeof(vtd);
	assert_int_equal(backend_device_hwinfo(l.b, &op, &d), 0);
	assert_int_equal(op.ret_type, IOMMU_HW_INFO_TYPE_INTEL_VTD);
	assert_int_equal(vtd.cap_reg, 0xd2008c222f0686);
	assert_int_equal(vtd.ecap_reg, 0xf00f5e);
	assert_int_equal(op.ret_max_pasid_log2, 0);
	op.in_type = IOMMU_HW_INFO_TYPE_AMD;
	assert_int_equal(backend_device_hwinfo(l.b, &op, &d), -EOPNOTSUPP);
	op = (struct op_device_hwinfo){ .handle = lab_mock(&l, OP_OPEN_MOCK_PASID, 0, NULL) };
	d.out = small;
	d.out_cap = sizeof(small);
	assert_int_equal(backend_device_hwinfo(l.b, &op, &d), 0);
	assert_int_equal(op.ret_type, IOMMU_HW_INFO_TYPE_SELFTEST);
	assert_int_equal(op.ret_data_len, 8);
	assert_int_equal(op.ret_max_pasid_log2, 20);
	assert_int_equal(op.ret_capabilities, IOMMU_HW_CAP_DIRTY_TRACKING | IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED);
	lab_close(&l);
	lab_open(&l, LAB_AMD, "29d3:8", NULL);
	assert_int_equal(lab_to_vfio(&l, CARD), 0);
	op = (struct op_device_hwinfo){ .handle = lab_device(&l, CARD) };
	d.out = &amd;
	d.out_cap = sizeof(amd);
	assert_int_equal(backend_device_hwinfo(l.b, &op, &d), 0);
	assert_int_equal(op.ret_type, IOMMU_HW_INFO_TYPE_AMD);
	assert_int_equal(amd.efr, 0x29d3);
	assert_int_equal(amd.efr2, 8);
	lab_close(&l);
	lab_open(&l, LAB_VIRTIO, NULL, NULL);
	assert_int_equal(lab_to_vfio(&l, CARD), 0);
	op = (struct op_device_hwinfo){ .handle = lab_device(&l, CARD) };
	assert_int_equal(backend_device_hwinfo(l.b, &op, NULL), 0);
	assert_int_equal(op.ret_type, IOMMU_HW_INFO_TYPE_NONE);
	assert_int_equal(op.ret_data_len, 0);
	lab_close(&l);
}

/* Two units that are not the same thing: what one has made, the other may not take. */
static void page_tables_across_units(void **state)
{
	static const struct {
		enum lab_kind kind;
		int want;
	} v[] = { { LAB_VTD, 0 }, { LAB_AMD, 0 }, { LAB_SMMU, -EINVAL }, { LAB_VIRTIO, -EINVAL } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		uint32_t a, b;
		struct lab l;
		int h[2], card, ioas, hwpt;

		lab_open(&l, v[i].kind, NULL, "iommus=2");
		open_pair(&l, h);
		assert_int_equal(lab_to_vfio(&l, CARD), 0);
		card = lab_device(&l, CARD);
		ioas = lab_ioas(&l);
		hwpt = lab_hwpt(&l, h[0], ioas, 0);
		assert_true(card > 0 && hwpt > 0);
		/* groups 2 and 4: both behind the second unit, or one each, as they were dealt */
		assert_int_equal(lab_attach(&l, h[0], hwpt, NULL), 0);
		assert_int_equal(lab_attach(&l, card, hwpt, NULL), 0);
		lab_close(&l);

		lab_open(&l, v[i].kind, NULL, "iommus=3");
		open_pair(&l, h);
		assert_int_equal(lab_to_vfio(&l, CARD), 0);
		card = lab_device(&l, CARD);
		ioas = lab_ioas(&l);
		hwpt = lab_hwpt(&l, h[0], ioas, 0);
		assert_int_equal(lab_attach(&l, card, hwpt, NULL), v[i].want);
		assert_int_equal(lab_attach(&l, h[0], ioas, &a), 0);
		assert_int_equal(lab_attach(&l, card, v[i].want ? ioas : hwpt, &b), 0);
		if (v[i].want) /* an automatic one each */
			assert_int_not_equal(a, b);
		lab_close(&l);
	}
}

static void amd_tables(void **state)
{
	struct lab l;
	int h, ioas, parent;

	(void)state;
	lab_open(&l, LAB_AMD, NULL, NULL);
	assert_int_equal(lab_to_vfio(&l, CARD), 0);
	h = lab_device(&l, CARD);
	ioas = lab_ioas(&l);
	assert_true(lab_hwpt(&l, h, ioas, 0) > 0);
	assert_int_equal(lab_hwpt(&l, h, ioas, IOMMU_HWPT_ALLOC_PASID), -EOPNOTSUPP);
	assert_int_equal(lab_hwpt(&l, h, ioas, IOMMU_HWPT_ALLOC_NEST_PARENT), -EOPNOTSUPP);
	assert_int_equal(lab_hwpt(&l, h, ioas, IOMMU_HWPT_ALLOC_DIRTY_TRACKING), -EOPNOTSUPP);
	lab_close(&l);
	/* GT, GIOSup, HDSup, GCR3TRPMode: it can all, and its viommu can nothing yet */
	lab_open(&l, LAB_AMD, "110000f0000053:8", NULL);
	assert_int_equal(lab_to_vfio(&l, CARD), 0);
	h = lab_device(&l, CARD);
	ioas = lab_ioas(&l);
	parent = lab_hwpt(&l, h, ioas, IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	assert_true(parent > 0);
	assert_true(lab_viommu(&l, h, parent, 7) > 0);
	lab_close(&l);
}

static int irq(struct lab *l, uint32_t handle, uint32_t what, uint32_t vector)
{
	struct op_device_irq op = { .handle = handle, .what = what, .vector = vector };

	return backend_device_irq(l->b, &op, NULL);
}

/* An interrupt that goes through the page table: set up while there is one, moved along with it, and armed still when it is detached. */
static void interrupts(void **state)
{
	struct lab l;
	int ioas, other, h;

	(void)state;
	lab_open(&l, LAB_SMMU, NULL, NULL);
	assert_int_equal(lab_to_vfio(&l, CARD), 0);
	h = lab_device(&l, CARD);
	ioas = lab_ioas(&l);
	assert_int_equal(irq(&l, h, OP_IRQ_ARM, 9999), -EINVAL);
	assert_int_equal(lab_attach(&l, h, ioas, NULL), 0);
	assert_int_equal(irq(&l, h, OP_IRQ_ARM, 0), 0);
	other = lab_ioas(&l);
	assert_int_equal(irq(&l, h, OP_IRQ_ARM, 0), -EBUSY);
	assert_int_equal(lab_attach(&l, h, other, NULL), 0);
	assert_int_equal(irq(&l, h, OP_IRQ_READ, 0), 0);
	assert_int_equal(lab_detach(&l, h), 0);
	assert_int_equal(irq(&l, h, OP_IRQ_READ, 0), 0);
	assert_int_equal(irq(&l, h, OP_IRQ_OFF, 0), 0);
	assert_int_equal(irq(&l, h, OP_IRQ_OFF, 0), -EINVAL);
	lab_close(&l);
}

/* A try without a table takes an interrupt of the device's that nobody gets back; a device of one vector has none then. */
static void lost_interrupts(void **state)
{
	struct lab l;
	int ioas, h;

	(void)state;
	lab_open(&l, LAB_SMMU, NULL, NULL);
	assert_int_equal(lab_to_vfio(&l, CARD), 0);
	h = lab_device(&l, CARD);
	ioas = lab_ioas(&l);
	assert_int_equal(irq(&l, h, OP_IRQ_ARM, 0), -ENOSPC);
	assert_int_equal(lab_attach(&l, h, ioas, NULL), 0);
	assert_int_equal(irq(&l, h, OP_IRQ_ARM, 0), -ENOSPC);
	lab_close(&l);
	/* remapped ones want no table */
	lab_open(&l, LAB_VTD, NULL, NULL);
	assert_int_equal(lab_to_vfio(&l, CARD), 0);
	h = lab_device(&l, CARD);
	assert_int_equal(irq(&l, h, OP_IRQ_ARM, 0), 0);
	assert_int_equal(irq(&l, h, OP_IRQ_READ, 0), 0);
	lab_close(&l);
}

static void the_old_way(void **state)
{
	struct op_device_open op = { .bus = "pci", .dev = NIC, .flags = OP_OPEN_LEGACY };
	struct op_legacy_map map;
	struct op_legacy_unmap unmap;
	struct lab l;

	(void)state;
	lab_open(&l, LAB_VTD, NULL, NULL);
	assert_int_equal(lab_to_vfio(&l, NIC), 0);
	assert_int_equal(backend_device_open(l.b, &op, NULL), -EPERM); /* its sibling */
	assert_int_equal(lab_to_vfio(&l, NIC2), 0);
	assert_int_equal(backend_device_open(l.b, &op, NULL), 0);
	assert_int_equal(lab_device(&l, NIC2), -EBUSY); /* the group is open */
	map = (struct op_legacy_map){ .handle = op.ret_handle, .flags = OP_MAP_READ, .iova = 0x10000, .length = 0x2000 };
	assert_int_equal(backend_legacy_map(l.b, &map, NULL), 0);
	assert_int_equal(backend_legacy_map(l.b, &map, NULL), -EEXIST);
	map.iova = 0xfee00000;
	assert_int_equal(backend_legacy_map(l.b, &map, NULL), -EINVAL);
	map.iova = 0x20001;
	assert_int_equal(backend_legacy_map(l.b, &map, NULL), -EINVAL);
	unmap = (struct op_legacy_unmap){ .handle = op.ret_handle, .iova = 0x10000, .length = 0x1000 };
	assert_int_equal(backend_legacy_unmap(l.b, &unmap, NULL), -EINVAL); /* would cut it */
	unmap.iova = 0x40000;
	assert_int_equal(backend_legacy_unmap(l.b, &unmap, NULL), 0);
	assert_int_equal(unmap.ret_length, 0);
	unmap.iova = 0;
	unmap.length = UINT64_MAX;
	assert_int_equal(backend_legacy_unmap(l.b, &unmap, NULL), 0);
	assert_int_equal(unmap.ret_length, 0x2000);
	assert_int_equal(lab_attach(&l, op.ret_handle, 1, NULL), -ENOTTY);
	assert_int_equal(lab_device_close(&l, op.ret_handle), 0);
	assert_true(lab_device(&l, NIC2) > 0);
	assert_int_equal(backend_device_open(l.b, &op, NULL), -EBUSY); /* bound by its own node */
	lab_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_errnos),
		cmocka_unit_test(who_owns_keeps_drivers_out),
		cmocka_unit_test(unbind_of_a_held_device),
		cmocka_unit_test(a_leak_keeps_us_out),
		cmocka_unit_test(unsafe_interrupts),
		cmocka_unit_test(a_region_that_must_stay),
		cmocka_unit_test(siblings),
		cmocka_unit_test(attach_errnos),
		cmocka_unit_test(reserved_regions_leave_the_ioas),
		cmocka_unit_test(destroy_what_is_used),
		cmocka_unit_test(a_mock_has_an_ioas_of_its_own),
		cmocka_unit_test(hwpt_errnos),
		cmocka_unit_test(automatic_ones),
		cmocka_unit_test(pasids),
		cmocka_unit_test(vtd_stages),
		cmocka_unit_test(injections_show),
		cmocka_unit_test(vtd_nests_on_the_page_table),
		cmocka_unit_test(hwinfo),
		cmocka_unit_test(page_tables_across_units),
		cmocka_unit_test(amd_tables),
		cmocka_unit_test(interrupts),
		cmocka_unit_test(lost_interrupts),
		cmocka_unit_test(the_old_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
