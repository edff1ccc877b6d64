// SPDX-License-Identifier: GPL-2.0-or-later
#include "model-lab.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

static const struct machine_pci devices[] = {
	{ PORT, .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 1, .driver = "pcieport", .secondary = 1,
	  .vendor = 0x1b36, .device = 0x000c },
	{ PORT "/" NIC, .group = 2, .driver = "e1000e", .multi = true },
	{ PORT "/" NIC2, .group = 2, .driver = "e1000e", .multi = true },
	{ PORT2, .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 3, .driver = "pcieport", .secondary = 2,
	  .vendor = 0x1b36, .device = 0x000c },
	{ PORT2 "/" CARD, .group = 4, .vendor = 0x1234, .device = 0x11e8 },
};

static const char *const unit_names[] = {
	[LAB_VTD] = "dmar0",
	[LAB_AMD] = "ivhd0",
	[LAB_SMMU] = "smmu3.0x0000000009050000",
	[LAB_VIRTIO] = "0000:00:09.0",
};

static void add_unit(struct lab *l, enum lab_kind kind, const char *regs)
{
	char path[256], dir[128], cap[32] = "d2008c222f0686", ecap[32] = "f00f5e";

	snprintf(dir, sizeof(dir), "sys/devices/virtual/iommu/%s", unit_names[kind]);
	if (kind == LAB_VTD) {
		if (regs)
			sscanf(regs, "%31s %31s", cap, ecap);
		snprintf(path, sizeof(path), "%s/intel-iommu/cap", dir);
		machine_file(&l->m, path, "%s\n", cap);
		snprintf(path, sizeof(path), "%s/intel-iommu/ecap", dir);
		machine_file(&l->m, path, "%s\n", ecap);
	} else if (kind == LAB_AMD) {
		snprintf(path, sizeof(path), "%s/amd-iommu/cap", dir);
		machine_file(&l->m, path, "%s\n", "40b");
		snprintf(path, sizeof(path), "%s/amd-iommu/features", dir);
		machine_file(&l->m, path, "%s\n", regs ? regs : "29d3:0");
	} else if (kind == LAB_VIRTIO) {
		snprintf(path, sizeof(path), "%s/device", dir);
		machine_link(&l->m, path, "../../../virtio0");
		machine_link(&l->m, "sys/devices/virtio0/driver", "../../bus/virtio/drivers/virtio_iommu");
	}
	snprintf(path, sizeof(path), "sys/class/iommu/%s", unit_names[kind]);
	machine_link(&l->m, path, arena_printf(&l->a, "../../devices/virtual/iommu/%s", unit_names[kind]));
}

static void add_device(struct lab *l, enum lab_kind kind, const struct machine_pci *v)
{
	const char *slash = strrchr(v->path, '/'), *name = slash ? slash + 1 : v->path;
	char path[256];

	machine_pci(&l->m, v);
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/driver_override", name);
	machine_file(&l->m, path, "(null)\n");
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/iommu", name);
	machine_link(&l->m, path, arena_printf(&l->a, "../../%s../virtual/iommu/%s", slash ? "../" : "", unit_names[kind]));
	snprintf(path, sizeof(path), "sys/devices/virtual/iommu/%s/devices/%s", unit_names[kind], name);
	machine_link(&l->m, path, arena_printf(&l->a, "../../../../pci0000:00/%s", v->path));
}

/* One MSI vector: a capability behind the others. */
static void add_msi(struct lab *l, const struct machine_pci *v, const char *name)
{
	uint8_t c[4096];
	char path[256];
	unsigned at;

	machine_config(v, c);
	for (at = c[0x34]; c[at + 1];)
		at = c[at + 1];
	c[at + 1] = 0xc0;
	c[0xc0] = 0x05;
	c[0xc1] = c[0xc2] = c[0xc3] = 0;
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/config", name);
	machine_write(&l->m, path, c, sizeof(c));
}

void lab_build(struct lab *l, enum lab_kind kind, const char *regs)
{
	*l = (struct lab){ 0 };
	machine_new(&l->m);
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		add_device(l, kind, &devices[i]);
	add_msi(l, &devices[4], CARD);
	machine_file(&l->m, "sys/bus/pci/drivers/vfio-pci/uevent", "\n");
	add_unit(l, kind, regs);
	for (int g = 1; g <= 4; g++) {
		bool soft = kind == LAB_SMMU || kind == LAB_VIRTIO;

		machine_file(&l->m, arena_printf(&l->a, "sys/kernel/iommu_groups/%d/type", g), "DMA-FQ\n");
		machine_file(&l->m, arena_printf(&l->a, "sys/kernel/iommu_groups/%d/reserved_regions", g),
			     soft ? "0x0000000008000000 0x00000000080fffff msi\n" : "0x00000000fee00000 0x00000000feefffff msi\n");
	}
}

void lab_start(struct lab *l, const char *inject)
{
	struct model_options o = { 0 };

	machine_load(&l->m);
	if (inject)
		assert_int_equal(model_inject(&l->m.ctx, &o, inject), 0);
	assert_int_equal(model_open(&l->m.ctx, l->m.src, &o, &l->b, &l->s), 0);
}

void lab_open(struct lab *l, enum lab_kind kind, const char *regs, const char *inject)
{
	lab_build(l, kind, regs);
	lab_start(l, inject);
}

void lab_close(struct lab *l)
{
	backend_close(l->b);
	source_close(l->s);
	arena_free(&l->a);
	machine_free(&l->m);
}

int lab_to_vfio(struct lab *l, const char *dev)
{
	char path[SRC_PATH_MAX], driver[128];
	pid_t pid;
	int r = backend_set_override(l->b, "pci", dev, "vfio-pci");

	PATHF(path, "sys/bus/pci/devices/%s/driver", dev);
	if (r == 0 && source_readlink_name(l->s, path, driver, sizeof(driver)) == 0)
		r = backend_unbind(l->b, "pci", dev, driver, 1000, &pid);
	return r < 0 ? r : backend_bind(l->b, "pci", dev, "vfio-pci");
}

int lab_device(struct lab *l, const char *dev)
{
	struct op_device_open op = { .bus = "pci" };
	int r;

	snprintf(op.dev, sizeof(op.dev), "%s", dev);
	r = backend_device_open(l->b, &op, NULL);
	return r < 0 ? r : (int)op.ret_handle;
}

int lab_mock(struct lab *l, unsigned flags, uint32_t pt_id, uint32_t *ret_hwpt)
{
	struct op_device_open op = { .bus = "mock", .flags = flags, .pt_id = pt_id };
	int r = backend_device_open(l->b, &op, NULL);

	if (r < 0)
		return r;
	if (ret_hwpt)
		*ret_hwpt = op.ret_hwpt_id;
	return op.ret_handle;
}

int lab_device_close(struct lab *l, int handle)
{
	return backend_device_close(l->b, &(struct op_device_close){ .handle = handle }, NULL);
}

int lab_attach(struct lab *l, int handle, uint32_t pt_id, uint32_t *ret_pt)
{
	struct op_device_attach op = { .handle = handle, .pt_id = pt_id };
	int r = backend_device_attach(l->b, &op, NULL);

	if (r == 0 && ret_pt)
		*ret_pt = op.pt_id;
	return r;
}

int lab_attach_pasid(struct lab *l, int handle, uint32_t pasid, uint32_t pt_id)
{
	struct op_device_attach op = { .handle = handle, .pt_id = pt_id, .flags = OP_ATTACH_PASID, .pasid = pasid };

	return backend_device_attach(l->b, &op, NULL);
}

int lab_detach(struct lab *l, int handle)
{
	return backend_device_detach(l->b, &(struct op_device_detach){ .handle = handle }, NULL);
}

int lab_detach_pasid(struct lab *l, int handle, uint32_t pasid)
{
	return backend_device_detach(l->b, &(struct op_device_detach){ .handle = handle, .flags = OP_ATTACH_PASID, .pasid = pasid }, NULL);
}

int lab_ioas(struct lab *l)
{
	struct op_ioas_alloc op = { .flags = 0 };
	int r = backend_ioas_alloc(l->b, &op, NULL);

	return r < 0 ? r : (int)op.ret_id;
}

int lab_map(struct lab *l, uint32_t ioas, uint64_t iova, uint64_t length)
{
	struct op_ioas_map op = { .ioas_id = ioas, .flags = OP_MAP_FIXED | OP_MAP_READ | OP_MAP_WRITE, .iova = iova, .length = length };

	return backend_ioas_map(l->b, &op, NULL);
}

int lab_map_auto(struct lab *l, uint32_t ioas, uint64_t length, uint64_t *ret)
{
	struct op_ioas_map op = { .ioas_id = ioas, .flags = OP_MAP_READ | OP_MAP_WRITE, .length = length };
	int r = backend_ioas_map(l->b, &op, NULL);

	if (r == 0)
		*ret = op.iova;
	return r;
}

int lab_unmap(struct lab *l, uint32_t ioas, uint64_t iova, uint64_t length, uint64_t *ret)
{
	struct op_ioas_unmap op = { .ioas_id = ioas, .iova = iova, .length = length };
	int r = backend_ioas_unmap(l->b, &op, NULL);

	if (r == 0 && ret)
		*ret = op.ret_length;
	return r;
}

int lab_copy(struct lab *l, uint32_t dst, uint64_t dst_iova, uint32_t src, uint64_t src_iova, uint64_t length)
{
	struct op_ioas_copy op = { .dst_ioas_id = dst, .src_ioas_id = src, .flags = OP_MAP_FIXED | OP_MAP_READ, .length = length,
				   .dst_iova = dst_iova, .src_iova = src_iova };

	return backend_ioas_copy(l->b, &op, NULL);
}

int lab_hwpt_data(struct lab *l, int handle, uint32_t pt_id, uint32_t flags, uint32_t fault_id, uint32_t type, const void *data, size_t len)
{
	struct op_hwpt_alloc op = { .handle = handle, .pt_id = pt_id, .flags = flags, .fault_id = fault_id, .data_type = type };
	struct op_data d = OP_DATA_NONE;
	int r;

	d.in = data;
	d.in_len = len;
	r = backend_hwpt_alloc(l->b, &op, &d);
	return r < 0 ? r : (int)op.ret_id;
}

int lab_hwpt_fault(struct lab *l, int handle, uint32_t pt_id, uint32_t flags, uint32_t fault_id)
{
	return lab_hwpt_data(l, handle, pt_id, flags | IOMMU_HWPT_FAULT_ID_VALID, fault_id, 0, NULL, 0);
}

int lab_hwpt(struct lab *l, int handle, uint32_t pt_id, uint32_t flags)
{
	return lab_hwpt_data(l, handle, pt_id, flags, 0, 0, NULL, 0);
}

int lab_nested(struct lab *l, int handle, uint32_t parent, uint32_t fault_id)
{
	struct iommu_hwpt_selftest data = { .iotlb = IOMMU_TEST_IOTLB_DEFAULT };

	return lab_hwpt_data(l, handle, parent, fault_id ? IOMMU_HWPT_FAULT_ID_VALID : 0, fault_id, IOMMU_HWPT_DATA_SELFTEST, &data,
			     sizeof(data));
}

int lab_viommu(struct lab *l, int handle, uint32_t hwpt, uint32_t type)
{
	struct op_viommu_alloc op = { .handle = handle, .hwpt_id = hwpt, .type = type };
	int r = backend_viommu_alloc(l->b, &op, NULL);

	return r < 0 ? r : (int)op.ret_id;
}

int lab_vdevice(struct lab *l, uint32_t viommu, int handle, uint64_t virt_id)
{
	struct op_vdevice_alloc op = { .viommu_id = viommu, .handle = handle, .virt_id = virt_id };
	int r = backend_vdevice_alloc(l->b, &op, NULL);

	return r < 0 ? r : (int)op.ret_id;
}

int lab_faultq(struct lab *l)
{
	struct op_faultq_alloc op = { .hold_ms = 0 };
	int r = backend_faultq_alloc(l->b, &op, NULL);

	return r < 0 ? r : (int)op.ret_id;
}

int lab_destroy(struct lab *l, uint32_t id)
{
	return backend_destroy(l->b, &(struct op_destroy){ .id = id }, NULL);
}
