// SPDX-License-Identifier: GPL-2.0-or-later
/* backend-drive: tests on iommufd alone, and on the mock. */
#include <poll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "backend-drive.h"

void test_probe(void)
{
#define X(name, nr, type, last, since) printf(#name " %s\n", probe(nr) ? strerrorname_np(-probe(nr)) : "yes");
	IOMMUFD_IOCTLS(X)
#undef X
	IS(probe(0x80), 0);
	IS(probe(0x89), 0);
	IS(probe(0x9f), -ENOTTY);
	IS(probe(0x7f), -ENOTTY);
	IS(probe(0x100), -ENOTTY);
}

void test_map(void)
{
	struct op_ioas_map op = { 0 };
	uint32_t ioas = new_ioas(), other = new_ioas();
	struct op_ioas_copy copy = { .dst_ioas_id = other, .src_ioas_id = ioas, .flags = RW };

	IS(map(ioas, FIXED_RW, AT, 0x200000), 0);
	IS(map(ioas, FIXED_RW, AT + 0x1000, 0x1000), -EEXIST);
	IS(map(ioas, FIXED_RW, AT - 0x1000, 0x2000), -EEXIST);
	IS(map(ioas, FIXED_RW, AT, 0), -EINVAL);
	IS(map(ioas, OP_MAP_FIXED, AT + 0x400000, 0x1000), -EINVAL);
	IS(map(ioas, FIXED_RW | 0x100, AT + 0x400000, 0x1000), -EOPNOTSUPP);
	IS(map(9999, FIXED_RW, AT, 0x1000), -ENOENT);
	IS(map(ioas, FIXED_RW, UINT64_MAX - 0xfff, 0x2000), -EOVERFLOW);
	op = (struct op_ioas_map){ .ioas_id = ioas, .flags = RW, .length = 0x3000 };
	IS(backend_ioas_map(b, &op, NULL), 0);
	copy.src_iova = AT + 0x1000;
	copy.length = 0x2000;
	IS(backend_ioas_copy(b, &copy, NULL), 0);
	IS(unmap(other, copy.dst_iova, 0x2000), 0x2000);
	IS(unmap(ioas, AT, 0x1000), -ENOENT);
	IS(unmap(ioas, AT, 0), -EINVAL);
	IS(unmap(ioas, AT, 0x200000), 0x200000);
	IS(unmap(ioas, 0, UINT64_MAX), 0x3000);
	IS(unmap(ioas, 0, UINT64_MAX), 0);
	IS(destroy(ioas), 0);
	IS(destroy(ioas), -ENOENT);
}

/* Memory outlives the map that brought it, as long as there is a copy, and is found again by a page table that comes later. */
void test_copy_lives(void)
{
	uint32_t ioas = new_ioas(), other = new_ioas();
	struct op_ioas_copy copy = {
		.dst_ioas_id = other, .src_ioas_id = ioas, .flags = FIXED_RW, .src_iova = AT, .dst_iova = AT, .length = 0x10000,
	};
	struct op_device_open mock;

	IS(map(ioas, FIXED_RW, AT, 0x8000), 0);
	IS(map(ioas, FIXED_RW, AT + 0x8000, 0x8000), 0);
	IS(backend_ioas_copy(b, &copy, NULL), 0);
	IS(destroy(ioas), 0);
	mock = open_mock(other, 0);
	IS(unmap(other, AT, 0x8000), 0x8000);
	IS(close_device(mock.ret_handle), 0);
	IS(unmap(other, AT, 0x8000), -ENOENT);
	mock = open_mock(other, 0);
	IS(unmap(other, 0, UINT64_MAX), 0x8000);
}

void test_map_file(void)
{
	uint32_t ioas = new_ioas();
	int memfd = memfd_create("test", MFD_CLOEXEC), file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), pipes[2], plain;
	struct op_device_open mock;

	/* one that MAP_FILE does not take */
	IS(mkdir("/tmp/ramfs", 0700) < 0 && errno != EEXIST, 0);
	IS(mount("none", "/tmp/ramfs", "ramfs", 0, NULL), 0);
	plain = open("/tmp/ramfs/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	IS(plain >= 0, 1);
	IS(umount2("/tmp/ramfs", MNT_DETACH), 0);
	IS(ftruncate(plain, 0x4000), 0);
	IS(ftruncate(memfd, 0x10000), 0);
	IS(pipe(pipes), 0);
	mock = open_mock(ioas, 0);
	IS(map_fd(ioas, FIXED_RW, AT, 0x8000, memfd, 0x4000), 0);
	IS(map_fd(ioas, FIXED_RW, AT + 0x4000, 0x1000, memfd, 0), -EEXIST);
	IS(map_fd(ioas, OP_MAP_FIXED | OP_MAP_READ, AT + 0x10000, 0x1000, file, 0x1000), 0);
	IS(map_fd(ioas, FIXED_RW, AT + 0x20000, 0x1000, file, 0), -EACCES);
	IS(map_fd(ioas, FIXED_RW, AT + 0x20000, 0x1000, pipes[0], 0), -EACCES);
	IS(map_fd(ioas, OP_MAP_FIXED | OP_MAP_READ, AT + 0x20000, 0x2000, plain, 0x1000), 0);
	IS(map_fd(ioas, FIXED_RW, AT + 0x30000, 0x1000, plain, 0), -EFAULT); /* no long pins of files that are written back */
	IS(map_fd(ioas, OP_MAP_FIXED | OP_MAP_READ, AT + 0x30000, 0x2000, plain, 0x3000), -EFAULT); /* beyond the end */
	IS(close(memfd), 0);
	IS(close(plain), 0);
	IS(unmap(ioas, AT, 0x8000), 0x8000);
	IS(unmap(ioas, 0, UINT64_MAX), 0x3000);
	IS(close_device(mock.ret_handle), 0);
}

/* More ranges than a first guess has room for. */
void test_ranges(void)
{
	struct op_range few[3], all[200];
	struct op_device_open mock = open_mock(0, 0);
	struct op_ioas_ranges op = { 0 };
	struct op_data d = OP_DATA_NONE;
	uint32_t ioas = new_ioas();

	IS(attach(mock.ret_handle, ioas, NULL), 0);
	for (unsigned i = 0; i < 100; i++) {
		struct op_mock_reserved reserved = { .ioas_id = ioas, .start = AT + i * 0x10000, .length = 0x1000 };

		IS(backend_mock_reserved(b, &reserved, NULL), 0);
	}
	op.ioas_id = ioas;
	d.out = all;
	d.out_cap = sizeof(all);
	IS(backend_ioas_ranges(b, &op, &d), 0);
	IS(op.ret_n, 101);
	IS(op.ret_alignment, MOCK_PAGE_SIZE);
	IS(all[0].start, MOCK_APERTURE_START);
	IS(all[0].last, AT - 1);
	IS(all[100].last, MOCK_APERTURE_LAST);
	d.out = few;
	d.out_cap = sizeof(few) - 1;
	few[2].start = 7;
	IS(backend_ioas_ranges(b, &op, &d), 0);
	IS(op.ret_n, 101);
	IS(few[1].last, all[1].last);
	IS(few[2].start, 7);
	IS(map(ioas, FIXED_RW, AT, 0x1000), -EINVAL);
}

static int allow(uint32_t ioas, const struct op_range *r, size_t n)
{
	struct op_data d = OP_DATA_NONE;

	d.in = r;
	d.in_len = n * sizeof(*r);
	return backend_ioas_allow(b, &(struct op_ioas_allow){ .ioas_id = ioas }, &d);
}

void test_allow(void)
{
	uint32_t ioas = new_ioas();
	struct op_range good[2] = { { AT, AT + 0xfffff }, { AT + 0x200000, AT + 0x2fffff } };
	struct op_range over[2] = { { AT, AT + 0xfffff }, { AT + 0x1000, AT + 0x2fffff } };
	struct op_range back = { AT + 1, AT };
	struct op_ioas_map op = { .ioas_id = ioas, .flags = RW, .length = 0x1000 };

	IS(allow(ioas, good, 2), 0);
	IS(backend_ioas_map(b, &op, NULL), 0);
	IS(op.iova >= AT && op.iova < AT + 0x300000, 1);
	op.length = 0x200000;
	IS(backend_ioas_map(b, &op, NULL), -ENOSPC);
	IS(allow(ioas, over, 2), -EINVAL);
	IS(allow(ioas, &back, 1), -EINVAL);
	IS(allow(ioas, NULL, 0), 0);
	IS(backend_ioas_map(b, &op, NULL), 0);
}

void test_options(void)
{
	struct op_option op = { .option = IOMMU_OPTION_HUGE_PAGES };
	struct op_vfio_ioas vfio = { .what = OP_VFIO_IOAS_GET };
	uint32_t ioas;

	op = (struct op_option){ .option = IOMMU_OPTION_RLIMIT_MODE, .set = 1, .value = 1 };
	IS(backend_option(b, &op, NULL), 0);
	op = (struct op_option){ .option = IOMMU_OPTION_RLIMIT_MODE };
	IS(backend_option(b, &op, NULL), 0);
	IS(op.value, 1);
	ioas = new_ioas();
	op = (struct op_option){ .option = IOMMU_OPTION_RLIMIT_MODE, .set = 1, .value = 0 };
	IS(backend_option(b, &op, NULL), -EBUSY);
	op = (struct op_option){ .option = IOMMU_OPTION_HUGE_PAGES, .object_id = ioas };
	IS(backend_option(b, &op, NULL), 0);
	IS(op.value, 1);
	op.set = 1;
	op.value = 0;
	IS(backend_option(b, &op, NULL), 0);
	op.value = 2;
	IS(backend_option(b, &op, NULL), -EINVAL);
	op.option = 9;
	IS(backend_option(b, &op, NULL), -EOPNOTSUPP);
	IS(backend_vfio_ioas(b, &vfio, NULL), -ENODEV);
	vfio = (struct op_vfio_ioas){ .what = OP_VFIO_IOAS_SET, .ioas_id = ioas };
	IS(backend_vfio_ioas(b, &vfio, NULL), 0);
	vfio = (struct op_vfio_ioas){ .what = OP_VFIO_IOAS_GET };
	IS(backend_vfio_ioas(b, &vfio, NULL), 0);
	IS(vfio.ioas_id, ioas);
	if (probe(0x92) == 0)
		IS(backend_change_process(b, &(struct op_change_process){ 0 }, NULL), 0);
}

static int64_t invalidate(uint32_t id, uint32_t type, uint32_t flags_of_second, uint32_t *ret_done)
{
	struct iommu_hwpt_invalidate_selftest inv[3] = { { .iotlb_id = 0 }, { .flags = flags_of_second }, { .iotlb_id = 2 } };
	struct op_hwpt_invalidate op = { .id = id, .data_type = type, .entry_len = sizeof(inv[0]), .n = 3 };
	struct op_data d = OP_DATA_NONE;
	int r;

	d.in = inv;
	d.in_len = sizeof(inv);
	r = backend_hwpt_invalidate(b, &op, &d);
	*ret_done = op.ret_done;
	return r;
}

static int iotlb(uint32_t id, uint32_t index, uint32_t value)
{
	return backend_mock_iotlb(b, &(struct op_mock_iotlb){ .hwpt_id = id, .index = index, .value = value }, NULL);
}

void test_nest(void)
{
	struct op_device_open mock = open_mock(0, 0);
	uint32_t ioas = new_ioas(), h = mock.ret_handle, done = 9;
	int64_t parent = hwpt(h, ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, 0), plain = hwpt(h, ioas, 0, 0), nest;

	IS(parent > 0 && plain > 0, 1);
	IS(hwpt(h, ioas, 1 << 20, 0), -EOPNOTSUPP);
	IS(hwpt(h, parent, 0, 0), -EOPNOTSUPP); /* a nested one without data */
	IS(nested(h, plain, 0, 0), -EINVAL);
	nest = nested(h, parent, 0, 0);
	IS(MIN(nest, 0), 0);
	IS(attach(h, nest, NULL), 0);
	IS(destroy(nest), -EBUSY);
	IS(destroy(parent), -EBUSY);
	IS(destroy(ioas), -EBUSY);
	IS(iotlb(nest, 3, IOMMU_TEST_IOTLB_DEFAULT), 0);
	IS(invalidate(nest, IOMMU_HWPT_INVALIDATE_DATA_SELFTEST, 1 << 7, &done), -EOPNOTSUPP);
	IS(done, 1);
	IS(iotlb(nest, 0, 0), 0);
	IS(iotlb(nest, 2, IOMMU_TEST_IOTLB_DEFAULT), 0);
	IS(invalidate(nest, 0x77, 0, &done), -EINVAL);
	IS(done, 0);
	IS(invalidate(nest, IOMMU_HWPT_INVALIDATE_DATA_SELFTEST, IOMMU_TEST_INVALIDATE_FLAG_ALL, &done), 0);
	IS(done, 3);
	IS(iotlb(nest, 3, 0), 0);
	IS(attach(h, plain, NULL), 0);
	IS(destroy(nest), 0);
	IS(destroy(parent), 0);
	IS(close_device(h), 0);
	IS(destroy(plain), 0);
	IS(destroy(ioas), 0);
	IS(close_device(h), -ENODEV);
	IS(hwpt(h, ioas, 0, 0), -ENODEV);
}

void test_dirty(void)
{
	struct op_device_open mock = open_mock(0, 0), plain = open_mock(0, OP_OPEN_MOCK_NO_DIRTY);
	uint32_t ioas = new_ioas();
	int64_t id = hwpt(mock.ret_handle, ioas, IOMMU_HWPT_ALLOC_DIRTY_TRACKING, 0);
	uint8_t bits[32] = { 0x33, 0, 0, 0, 0, 0xc0 }, pages[16] = { 0x05, 0, 0x80 }, got[16] = { 0 };
	struct op_mock_dirty mark = { .hwpt_id = id, .iova = AT, .length = 128 * 4096, .page_size = MOCK_PAGE_SIZE };
	struct op_dirty_get get = { .hwpt_id = id, .iova = AT, .length = 128 * 4096, .page_size = 4096 };
	struct op_data d = OP_DATA_NONE;

	/* a page that is dirty makes dirty what it was combined with */
	IS(backend_option(b, &(struct op_option){ .option = IOMMU_OPTION_HUGE_PAGES, .set = 1, .object_id = ioas }, NULL), 0);
	IS(MIN(id, 0), 0);
	IS(hwpt(plain.ret_handle, ioas, IOMMU_HWPT_ALLOC_DIRTY_TRACKING, 0), -EOPNOTSUPP);
	IS(attach(mock.ret_handle, id, NULL), 0);
	IS(attach(plain.ret_handle, id, NULL), -EINVAL);
	IS(map(ioas, FIXED_RW, AT, 128 * 4096), 0);
	IS(backend_dirty_set(b, &(struct op_dirty_set){ .hwpt_id = id, .enable = 1 }, NULL), 0);
	d.in = bits;
	d.in_len = sizeof(bits);
	IS(backend_mock_dirty(b, &mark, &d), 0);
	IS(mark.ret_n, 6);
	d = OP_DATA_NONE;
	d.out = got;
	d.out_cap = 15;
	IS(backend_dirty_get(b, &get, &d), -EMSGSIZE);
	d.out_cap = sizeof(got);
	get.page_size = 0;
	IS(backend_dirty_get(b, &get, &d), -EINVAL);
	get.page_size = 4096;
	IS(backend_dirty_get(b, &get, &d), 0);
	IS(memcmp(got, pages, sizeof(pages)), 0);
	IS(backend_dirty_get(b, &get, &d), 0);
	IS(got[0] | got[2], 0);
	IS(backend_dirty_set(b, &(struct op_dirty_set){ .hwpt_id = ioas, .enable = 1 }, NULL), -ENOENT);
}

void test_faults(void)
{
	struct op_device_open mock = open_mock(0, 0);
	uint32_t ioas = new_ioas(), h = mock.ret_handle, q = new_faultq();
	int64_t parent = hwpt(h, ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, 0), nest;
	struct iommu_hwpt_pgfault rec;
	struct op_data d = OP_DATA_NONE;
	struct pollfd p = { .events = POLLIN };

	nest = nested(h, parent, IOMMU_HWPT_FAULT_ID_VALID, q);
	IS(MIN(nest, 0), 0);
	IS(nested(h, parent, IOMMU_HWPT_FAULT_ID_VALID, 9999), -ENOENT);
	IS(attach(h, nest, NULL), 0);
	IS(backend_queue_fd(b, &(struct op_queue_fd){ .id = q }, &d), 0);
	p.fd = d.fd_out;
	IS(poll(&p, 1, 0), 0);
	IS(read_faults(q, &rec), 0);
	IS(fault(h, 0, 5), 0);
	IS(poll(&p, 1, 0), 1);
	IS(close(p.fd), 0);
	IS(read_faults(q, &rec), 1);
	IS(rec.dev_id, mock.ret_dev_id);
	IS(rec.grpid, 5);
	IS(rec.flags, IOMMU_PGFAULT_FLAGS_LAST_PAGE);
	IS(rec.addr, 0xdead000);
	IS(read_faults(q, &rec), 0);
	IS(respond(q, rec.cookie, 7), -EINVAL);
	IS(respond(q, rec.cookie, IOMMUFD_PAGE_RESP_SUCCESS), 0);
	IS(respond(q, rec.cookie, IOMMUFD_PAGE_RESP_SUCCESS), -EINVAL);
	/* in use by a page table, and still there afterwards */
	IS(destroy(q), -EBUSY);
	IS(fault(h, 0, 6), 0);
	IS(read_faults(q, &rec), 1);
	IS(attach(h, parent, NULL), 0);
	IS(respond(q, rec.cookie, IOMMUFD_PAGE_RESP_SUCCESS), -EINVAL);
	IS(destroy(nest), 0);
	IS(destroy(q), 0);
	IS(read_faults(q, &rec), -ENOENT);
}

/* The backend goes with page requests unread and unanswered: the descriptors go, and so does everything else. */
void test_close(void)
{
	struct op_device_open mock = open_mock(0, 0);
	uint32_t h = mock.ret_handle, q = new_faultq();
	int64_t parent = hwpt(h, new_ioas(), IOMMU_HWPT_ALLOC_NEST_PARENT, 0);
	struct iommu_hwpt_pgfault rec;

	IS(attach(h, nested(h, parent, IOMMU_HWPT_FAULT_ID_VALID, q), NULL), 0);
	IS(fault(h, 0, 1), 0);
	IS(read_faults(q, &rec), 1);
	IS(fault(h, 0, 2), 0);
	backend_close(b);
	IS(backend_open_kernel(&ctx, &b), 0);
}

void test_pasid(void)
{
	struct op_device_open mock = open_mock(0, OP_OPEN_MOCK_PASID), plain = open_mock(0, 0);
	uint32_t ioas = new_ioas(), h = mock.ret_handle;
	int64_t id = hwpt(h, ioas, IOMMU_HWPT_ALLOC_PASID, 0), other = hwpt(h, ioas, IOMMU_HWPT_ALLOC_PASID, 0);
	struct op_device_attach op = { .handle = h, .flags = OP_ATTACH_PASID, .pasid = 5, .pt_id = id };
	struct op_device_detach off = { .handle = h, .flags = OP_ATTACH_PASID, .pasid = 5 };

	IS(id > 0 && other > 0, 1);
	IS(attach(h, id, NULL), 0);
	IS(backend_device_attach(b, &op, NULL), 0);
	op.pt_id = other;
	IS(backend_device_attach(b, &op, NULL), 0);
	IS(destroy(other), -EBUSY);
	IS(backend_device_detach(b, &off, NULL), 0);
	IS(backend_device_detach(b, &off, NULL), 0);
	IS(destroy(other), 0);
	op.pt_id = id;
	op.pasid = 1 << 20;
	IS(backend_device_attach(b, &op, NULL), -EINVAL);
	op.handle = plain.ret_handle;
	op.pasid = 5;
	IS(backend_device_attach(b, &op, NULL), -EINVAL);
	IS(detach(h), -EOPNOTSUPP);
}

void test_viommu(void)
{
	struct op_device_open mock = open_mock(0, 0);
	uint32_t ioas = new_ioas(), h = mock.ret_handle;
	int64_t parent = hwpt(h, ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, 0), plain = hwpt(h, ioas, 0, 0), nest;
	struct iommu_viommu_selftest data = { .in_data = 0xbeef }, answer = { 0 };
	struct op_viommu_alloc v = { .handle = h, .type = IOMMU_VIOMMU_TYPE_SELFTEST, .hwpt_id = plain };
	struct op_vdevice_alloc vdev = { .handle = h, .virt_id = 0x42 };
	struct op_veventq_alloc q = { .type = IOMMU_VEVENTQ_TYPE_SELFTEST, .depth = 2 };
	struct op_data d = OP_DATA_NONE;
	uint32_t got[64] = { 0 };

	if (probe(0x94) != 0)
		cannot("no hardware queues in this kernel, so no viommu with data");
	d.in = &data;
	d.in_len = sizeof(data);
	d.out = &answer;
	d.out_cap = sizeof(answer);
	IS(backend_viommu_alloc(b, &v, &d), -EINVAL);
	v.hwpt_id = parent;
	v.type = 0;
	IS(backend_viommu_alloc(b, &v, &d), -EOPNOTSUPP);
	v.type = IOMMU_VIOMMU_TYPE_SELFTEST;
	IS(backend_viommu_alloc(b, &v, &d), 0);
	IS(answer.out_data, 0xbeef);
	vdev.viommu_id = q.viommu_id = v.ret_id;
	IS(backend_mock_event(b, &(struct op_mock_event){ .handle = h }, NULL), -ENOENT);
	IS(backend_vdevice_alloc(b, &vdev, NULL), 0);
	IS(backend_vdevice_alloc(b, &vdev, NULL), -EEXIST);
	IS(backend_veventq_alloc(b, &q, NULL), 0);
	IS(backend_veventq_alloc(b, &q, NULL), -EEXIST);
	/* the device is the guest's while it is attached to a page table of the viommu */
	IS(backend_mock_event(b, &(struct op_mock_event){ .handle = h }, NULL), -ENOENT);
	nest = nested(h, v.ret_id, 0, 0);
	IS(MIN(nest, 0), 0);
	IS(attach(h, nest, NULL), 0);
	d = OP_DATA_NONE;
	d.out = got;
	d.out_cap = sizeof(got);
	IS(backend_veventq_read(b, &(struct op_veventq_read){ .id = q.ret_id }, &d), 0);
	IS(d.out_len, 0);
	for (int i = 0; i < 3; i++)
		IS(backend_mock_event(b, &(struct op_mock_event){ .handle = h }, NULL), 0);
	IS(backend_veventq_read(b, &(struct op_veventq_read){ .id = q.ret_id }, &d), 0);
	IS(d.out_len, 12 + 12 + 8);
	IS(got[2], 0x42);
	IS(got[6], IOMMU_VEVENTQ_FLAG_LOST_EVENTS);
	IS(backend_faultq_read(b, &(struct op_faultq_read){ .id = q.ret_id }, &d), -ENOENT);
	IS(destroy(v.ret_id), -EBUSY);
	IS(attach(h, plain, NULL), 0);
	IS(destroy(nest), 0);
	IS(destroy(q.ret_id), 0);
	IS(destroy(vdev.ret_id), 0);
	IS(destroy(v.ret_id), 0);
}

/* NR, the bytes, how many: the errno. */
static int raw(uint32_t nr, const void *in, size_t len)
{
	struct op_data d = OP_DATA_NONE;

	d.in = in;
	d.in_len = len;
	return backend_raw(b, &(struct op_raw){ .nr = nr }, &d);
}

void test_raw(void)
{
	uint32_t ioas_alloc[4] = { 12 };
	struct op_data d = OP_DATA_NONE;

	IS(raw(0x81, NULL, 0), -EFAULT);
	IS(raw(0x81, ioas_alloc, 12), 0);
	ioas_alloc[0] = 8;
	IS(raw(0x81, ioas_alloc, 12), -EINVAL);
	ioas_alloc[0] = 16;
	IS(raw(0x81, ioas_alloc, 16), 0);
	IS(raw(0x81, ioas_alloc, 12), 0);
	ioas_alloc[3] = 1;
	IS(raw(0x81, ioas_alloc, 16), -E2BIG);
	ioas_alloc[0] = 1 << 20;
	ioas_alloc[3] = 0;
	IS(raw(0x81, ioas_alloc, 16), -EFAULT);
	IS(raw(0x9f, ioas_alloc, 16), -ENOTTY);
	IS(raw(0x1080, ioas_alloc, 16), -ENOTTY);
	ioas_alloc[0] = 12;
	d.in = d.out = ioas_alloc;
	d.in_len = d.out_cap = 12;
	IS(backend_raw(b, &(struct op_raw){ .nr = 0x81 }, &d), 0);
	IS(destroy(ioas_alloc[2]), 0);
}
