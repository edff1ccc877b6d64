/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backend-drive: the kernel backend on a real kernel, through backend.h. One test a call:
 *
 *	backend-drive TEST [DEV...]
 *
 * without arguments: the names of the tests. DEV is a PCI address on vfio-pci. Exit 0, or 1 with what was expected and
 * where on stderr, or 6: this kernel has no such thing, with the reason.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "abi/selftest.h"
#include "abi/vfio.h"
#include "backend/backend.h"
#include "base/str.h"

static struct ctx ctx;
static struct backend *b;
static const char *dev_a, *dev_b;
static uint64_t doorbell; /* of dev_a's interrupts */

static void fail(int line, const char *what, long long is, long long wanted)
{
	fprintf(stderr, "backend-drive.c:%d: %s is %lld (%s), not %lld (%s)\n", line, what, is,
		is < 0 ? strerrorname_np(-is) : "", wanted, wanted < 0 ? strerrorname_np(-wanted) : "");
	backend_close(b);
	exit(1);
}

#define IS(value, wanted)                                                                                        \
	do {                                                                                                     \
		long long v_ = (value), w_ = (wanted);                                                           \
		if (v_ != w_)                                                                                    \
			fail(__LINE__, #value, v_, w_);                                                          \
	} while (0)

static void cannot(const char *why)
{
	fprintf(stderr, "%s\n", why);
	backend_close(b);
	exit(6);
}

/* --- short forms ---------------------------------------------------------------------------------------------------- */

static uint32_t new_ioas(void)
{
	struct op_ioas_alloc op = { 0 };

	IS(backend_ioas_alloc(b, &op, NULL), 0);
	return op.ret_id;
}

static int probe(uint32_t nr)
{
	return backend_probe(b, &(struct op_probe){ .nr = nr }, NULL);
}

/*
 * Before 6.18 a selftest device that is made goes to whichever IOMMU comes first, when there is one without a firmware node. A kernel with
 * hardware queues is no older than 6.17, and is expected to be mended.
 */
static bool mock_goes_astray(void)
{
	return probe(0x94) != 0 && (access("/sys/class/iommu/dmar0", F_OK) == 0 || access("/sys/class/iommu/ivhd0", F_OK) == 0);
}

static struct op_device_open open_mock(uint32_t pt, uint32_t flags)
{
	struct op_device_open op = { .bus = "mock", .dev = "m", .pt_id = pt, .flags = flags };
	int r = backend_device_open(b, &op, NULL);

	if (r == -ENOTTY)
		cannot("no selftest device in this kernel");
	if (r == -EINVAL && (flags & OP_OPEN_MOCK_PASID) && probe(0x93) != 0)
		cannot("no selftest device with PASIDs in this kernel");
	if (r == -EINVAL && mock_goes_astray())
		cannot("no selftest device beside an IOMMU in this kernel");
	IS(r, 0);
	return op;
}

static int try_open(const char *dev, uint32_t flags, struct op_device_open *ret)
{
	struct op_device_open op = { .bus = "pci", .flags = flags };

	snprintf(op.dev, sizeof(op.dev), "%s", dev);
	*ret = op;
	return backend_device_open(b, ret, NULL);
}

static uint32_t open_pci(const char *dev)
{
	struct op_device_open op;

	IS(try_open(dev, 0, &op), 0);
	IS(op.ret_dev_id != 0, 1);
	return op.ret_handle;
}

static int close_device(uint32_t handle)
{
	return backend_device_close(b, &(struct op_device_close){ .handle = handle }, NULL);
}

static int map(uint32_t ioas, uint32_t flags, uint64_t iova, uint64_t length)
{
	struct op_ioas_map op = { .ioas_id = ioas, .flags = flags, .iova = iova, .length = length };

	return backend_ioas_map(b, &op, NULL);
}

static int map_fd(uint32_t ioas, uint32_t flags, uint64_t iova, uint64_t length, int fd, uint64_t offset)
{
	struct op_ioas_map op = { .ioas_id = ioas, .flags = flags, .iova = iova, .length = length, .offset = offset };
	struct op_data d = OP_DATA_NONE;

	d.fd_in = fd;
	return backend_ioas_map(b, &op, &d);
}

static int64_t unmap(uint32_t ioas, uint64_t iova, uint64_t length)
{
	struct op_ioas_unmap op = { .ioas_id = ioas, .iova = iova, .length = length };
	int r = backend_ioas_unmap(b, &op, NULL);

	return r < 0 ? r : (int64_t)op.ret_length;
}

static int destroy(uint32_t id)
{
	return backend_destroy(b, &(struct op_destroy){ .id = id }, NULL);
}

static int attach(uint32_t handle, uint32_t pt, uint32_t *ret)
{
	struct op_device_attach op = { .handle = handle, .pt_id = pt };
	int r = backend_device_attach(b, &op, NULL);

	if (ret)
		*ret = op.pt_id;
	return r;
}

static int detach(uint32_t handle)
{
	return backend_device_detach(b, &(struct op_device_detach){ .handle = handle }, NULL);
}

/* The id, or an errno. */
static int64_t hwpt(uint32_t handle, uint32_t pt, uint32_t flags, uint32_t fault)
{
	struct op_hwpt_alloc op = { .handle = handle, .pt_id = pt, .flags = flags, .fault_id = fault };
	int r = backend_hwpt_alloc(b, &op, NULL);

	return r < 0 ? r : (int64_t)op.ret_id;
}

static int64_t nested(uint32_t handle, uint32_t pt, uint32_t flags, uint32_t fault)
{
	struct iommu_hwpt_selftest data = { .iotlb = IOMMU_TEST_IOTLB_DEFAULT };
	struct op_hwpt_alloc op = {
		.handle = handle, .pt_id = pt, .flags = flags, .fault_id = fault, .data_type = IOMMU_HWPT_DATA_SELFTEST,
	};
	struct op_data d = OP_DATA_NONE;
	int r;

	d.in = &data;
	d.in_len = ABI_END(struct iommu_hwpt_selftest, iotlb); /* 6.12 takes no more */
	r = backend_hwpt_alloc(b, &op, &d);
	return r < 0 ? r : (int64_t)op.ret_id;
}

static uint32_t new_faultq(void)
{
	struct op_faultq_alloc op = { 0 };

	IS(backend_faultq_alloc(b, &op, NULL), 0);
	return op.ret_id;
}

static int fault(uint32_t handle, uint32_t pasid, uint32_t grpid)
{
	struct op_mock_fault op = { .handle = handle, .pasid = pasid, .grpid = grpid, .perm = 1, .addr = 0xdead000 };

	return backend_mock_fault(b, &op, NULL);
}

/* How many records there were; the first is in *ret. */
static int read_faults(uint32_t q, struct iommu_hwpt_pgfault *ret)
{
	static uint8_t room[OP_FAULT_ROOM] __attribute__((aligned(8)));
	struct op_data d = OP_DATA_NONE;
	int r;

	d.out = room;
	d.out_cap = sizeof(room);
	r = backend_faultq_read(b, &(struct op_faultq_read){ .id = q }, &d);
	if (r < 0)
		return r;
	if (d.out_len)
		memcpy(ret, room, sizeof(*ret));
	return d.out_len / sizeof(*ret);
}

static int respond(uint32_t q, uint32_t cookie, uint32_t code)
{
	return backend_faultq_respond(b, &(struct op_faultq_respond){ .id = q, .cookie = cookie, .code = code }, NULL);
}

#define RW (OP_MAP_READ | OP_MAP_WRITE)
#define FIXED_RW (OP_MAP_FIXED | RW)
#define AT 0x2000000 /* in the mock's aperture */

/* --- tests on iommufd alone, and on the mock -------------------------------------------------------------------------- */

static void test_probe(void)
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

static void test_map(void)
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
static void test_copy_lives(void)
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

static void test_map_file(void)
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
static void test_ranges(void)
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

static void test_allow(void)
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

static void test_options(void)
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

static void test_nest(void)
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

static void test_dirty(void)
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

static void test_faults(void)
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
static void test_close(void)
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

static void test_pasid(void)
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

static void test_viommu(void)
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

static void test_raw(void)
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

/* --- tests on devices ------------------------------------------------------------------------------------------------- */

static int region(uint32_t handle, uint32_t index, uint64_t offset, uint32_t width, int write, uint64_t *value)
{
	struct op_device_region op = {
		.handle = handle, .index = index, .offset = offset, .width = width, .write = write, .value = *value,
	};
	int r = backend_device_region(b, &op, NULL);

	*value = op.value;
	return r;
}

static uint64_t get(uint32_t handle, uint32_t index, uint64_t offset, uint32_t width)
{
	uint64_t v = 0;

	IS(region(handle, index, offset, width, 0, &v), 0);
	return v;
}

static void put(uint32_t handle, uint32_t index, uint64_t offset, uint32_t width, uint64_t v)
{
	IS(region(handle, index, offset, width, 1, &v), 0);
}

#define BAR0 VFIO_PCI_BAR0_REGION_INDEX
#define CONFIG VFIO_PCI_CONFIG_REGION_INDEX

static void test_device(void)
{
	uint32_t h = open_pci(dev_a), ioas = new_ioas(), pt = 0;
	struct op_device_hwinfo info = { .handle = h };
	struct op_data d = OP_DATA_NONE;
	struct op_device_open again;
	uint64_t v = 0;
	uint8_t room[64];
	int64_t id;

	d.out = room;
	d.out_cap = sizeof(room);
	IS(backend_device_hwinfo(b, &info, &d), 0);
	printf("hwinfo type %u, %u bytes, capabilities %#llx\n", info.ret_type, info.ret_data_len,
	       (unsigned long long)info.ret_capabilities);
	IS(try_open(dev_a, 0, &again), -EINVAL);
	IS(try_open("0000:7f:1f.7", 0, &again), -ENODEV);
	IS(try_open("../../../x", 0, &again), -EINVAL);
	IS(try_open("", 0, &again), -EINVAL);
	IS(try_open(dev_a, 1 << 30, &again), -EINVAL);
	IS(detach(h), 0);
	IS(attach(h, 9999, NULL), -ENOENT);
	IS(attach(h, ioas, &pt), 0);
	IS(pt != ioas, 1);
	IS(map(ioas, FIXED_RW, AT, 0x200000), 0);
	IS(map(ioas, FIXED_RW, doorbell, 0x1000), -EINVAL);
	id = hwpt(h, ioas, 0, 0);
	IS(MIN(id, 0), 0);
	IS(attach(h, id, NULL), 0);
	IS(destroy(pt), -ENOENT); /* the automatic one went */
	IS(destroy(id), -EBUSY);
	IS(region(h, 99, 0, 4, 0, &v), -EINVAL);
	IS(region(h, CONFIG, 0, 3, 0, &v), -EINVAL);
	IS(region(h, CONFIG, 0x10000, 4, 0, &v), -EINVAL);
	IS(get(h, CONFIG, 0, 2), 0x8086);
	IS(detach(h), 0);
	IS(destroy(id), 0);
	IS(close_device(h), 0);
	IS(try_open(dev_a, 0, &again), 0);
}

/* Waits for edu's engine; its registers take 4 and 8 bytes. */
static void edu_dma(uint32_t h, uint64_t from, uint64_t to, uint64_t n, uint32_t cmd)
{
	put(h, BAR0, 0x80, 4, from);
	put(h, BAR0, 0x88, 4, to);
	put(h, BAR0, 0x90, 4, n);
	put(h, BAR0, 0x98, 4, cmd | 1);
	for (int i = 0; i < 2000 && (get(h, BAR0, 0x98, 4) & 1); i++)
		usleep(5000);
	IS(get(h, BAR0, 0x98, 4) & 1, 0);
}

static uint32_t open_edu(void)
{
	uint32_t h = open_pci(dev_b);

	put(h, CONFIG, 4, 2, 6); /* memory and bus mastering */
	IS(get(h, BAR0, 0, 4), 0x010000ed);
	return h;
}

/* Bytes of a file go into the device by DMA and come out elsewhere: map, copy of a map, and a page table that comes later. */
static void test_dma(void)
{
	uint32_t h = open_edu(), ioas = new_ioas(), other = new_ioas();
	struct op_ioas_copy copy = {
		.dst_ioas_id = other, .src_ioas_id = ioas, .flags = FIXED_RW, .src_iova = 0x200000, .dst_iova = 0x600000,
		.length = 0x2000,
	};
	int fd = memfd_create("dma", MFD_CLOEXEC);
	char *mem;

	IS(ftruncate(fd, 0x2000), 0);
	mem = mmap(NULL, 0x2000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	IS(mem != MAP_FAILED, 1);
	strcpy(mem, "through the engine");
	IS(map_fd(ioas, FIXED_RW, 0x200000, 0x2000, fd, 0), 0);
	IS(attach(h, ioas, NULL), 0);
	edu_dma(h, 0x200000, 0x40000, 32, 0);
	edu_dma(h, 0x40000, 0x201000, 32, 2);
	IS(strcmp(mem + 0x1000, "through the engine"), 0);
	IS(backend_ioas_copy(b, &copy, NULL), 0);
	IS(attach(h, other, NULL), 0);
	IS(unmap(ioas, 0, UINT64_MAX), 0x2000);
	edu_dma(h, 0x40000, 0x600800, 32, 2);
	IS(strcmp(mem + 0x800, "through the engine"), 0);
}

static int irq(uint32_t h, uint32_t what, uint32_t vector, uint64_t *ret)
{
	struct op_device_irq op = { .handle = h, .what = what, .vector = vector };
	int r = backend_device_irq(b, &op, NULL);

	if (ret)
		*ret = op.ret_count;
	return r;
}

/* Raises edu's interrupt, and takes it back; how often it came in. */
static uint64_t edu_irq(uint32_t h)
{
	uint64_t n = 0;

	put(h, BAR0, 0x60, 4, 1);
	for (int i = 0; i < 200 && !n; i++) {
		usleep(5000);
		IS(irq(h, OP_IRQ_READ, 0, &n), 0);
	}
	put(h, BAR0, 0x64, 4, 1);
	return n;
}

static void test_irq(void)
{
	uint32_t h = open_edu(), nic, ioas = new_ioas(), other = new_ioas();
	uint64_t n = 7;

	IS(attach(h, ioas, NULL), 0);
	IS(irq(h, OP_IRQ_READ, 0, &n), -EINVAL);
	IS(irq(h, OP_IRQ_OFF, 0, NULL), -EINVAL);
	IS(irq(h, OP_IRQ_ARM, 31, NULL), -EINVAL);
	IS(irq(h, OP_IRQ_ARM, 0, NULL), 0);
	IS(irq(h, OP_IRQ_ARM, 0, NULL), -EBUSY);
	IS(irq(h, OP_IRQ_READ, 0, &n), 0);
	IS(n, 0);
	IS(edu_irq(h), 1);
	IS(attach(h, other, NULL), 0);
	IS(edu_irq(h), 1);
	IS(irq(h, OP_IRQ_OFF, 0, NULL), 0);
	IS(irq(h, OP_IRQ_ARM, 0, NULL), 0);
	IS(edu_irq(h), 1);
	/* MSI-X, in an order in which each takes more than there was */
	nic = open_pci(dev_a);
	/* behind an SMMU none can be armed before there is a page table to map doorbells into */
	IS(attach(nic, other, NULL), 0);
	IS(irq(nic, OP_IRQ_ARM, 1, NULL), 0);
	IS(irq(nic, OP_IRQ_ARM, 3, NULL), 0);
	IS(irq(nic, OP_IRQ_ARM, 0, NULL), 0);
	IS(irq(nic, OP_IRQ_OFF, 3, NULL), 0);
	IS(irq(nic, OP_IRQ_OFF, 1, NULL), 0);
	IS(irq(nic, OP_IRQ_ARM, 4, NULL), 0);
	IS(irq(nic, OP_IRQ_OFF, 0, NULL), 0);
	IS(irq(nic, OP_IRQ_READ, 4, &n), 0);
	IS(n, 0);
}

static void test_no_bind(void)
{
	struct op_device_open op;
	struct op_data d = OP_DATA_NONE;
	struct vfio_device_bind_iommufd bind = { .argsz = ABI_END(struct vfio_device_bind_iommufd, out_devid) };
	struct vfio_device_info info = { .argsz = sizeof(info) };
	uint32_t ioas = new_ioas();
	int fd;

	IS(try_open(dev_a, OP_OPEN_NO_BIND, &op), 0);
	IS(op.ret_dev_id, 0);
	IS(attach(op.ret_handle, ioas, NULL), -EINVAL);
	IS(hwpt(op.ret_handle, ioas, 0, 0), -ENOENT);
	IS(backend_device_fd(b, &(struct op_device_fd){ .handle = op.ret_handle }, &d), 0);
	fd = d.fd_out;
	IS(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	IS(ioctl(fd, VFIO_DEVICE_GET_INFO, &info) < 0 ? -errno : 0, -EINVAL);
	IS(backend_device_fd(b, &(struct op_device_fd){ 0 }, &d), 0);
	bind.iommufd = d.fd_out;
	IS(ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &bind), 0);
	IS(bind.out_devid != 0, 1);
	IS(close_device(op.ret_handle), 0);
	IS(ioctl(fd, VFIO_DEVICE_GET_INFO, &info), 0);
	close(fd);
	close(d.fd_out);
}

static int legacy_map(uint32_t h, uint64_t iova, uint64_t length)
{
	struct op_legacy_map op = { .handle = h, .flags = RW, .iova = iova, .length = length };

	return backend_legacy_map(b, &op, NULL);
}

static int64_t legacy_unmap(uint32_t h, uint64_t iova, uint64_t length)
{
	struct op_legacy_unmap op = { .handle = h, .iova = iova, .length = length };
	int r = backend_legacy_unmap(b, &op, NULL);

	return r < 0 ? r : (int64_t)op.ret_length;
}

static void test_legacy(void)
{
	struct op_device_open op, cdev;
	uint32_t h;

	IS(try_open(dev_a, OP_OPEN_LEGACY, &op), 0);
	IS(op.ret_dev_id, 0);
	h = op.ret_handle;
	IS(legacy_map(h, 0x200000, 0x100000), 0);
	IS(legacy_map(h, 0x200000, 0x1000), -EEXIST);
	IS(legacy_map(h, 0x200800, 0x1000), -EINVAL);
	IS(legacy_map(h, 0x800000, 0), -EINVAL);
	IS(legacy_map(h, 0x800000, 0x2000), 0);
	IS(legacy_unmap(h, 0x200000, 0x1000), -EINVAL);
	IS(legacy_unmap(h, 0x200000, 0x100000), 0x100000);
	IS(legacy_unmap(h, 0x200000, 0x100000), 0);
	IS(legacy_unmap(h, 0, UINT64_MAX), 0x2000);
	IS(get(h, CONFIG, 0, 2), 0x8086);
	if (dev_b) {
		IS(try_open(dev_b, 0, &cdev), 0);
		IS(legacy_map(cdev.ret_handle, 0, 0x1000), -EINVAL);
	}
	IS(try_open(dev_a, 0, &cdev), -EBUSY);
	IS(close_device(h), 0);
	if (probe(0x80) == 0)
		IS(try_open(dev_a, 0, &cdev), 0);
	IS(try_open(dev_a, OP_OPEN_LEGACY, &op), -EBUSY);
}

/* Two devices of one group, by the old way: one container. */
static void test_legacy_group(void)
{
	struct op_device_open one, two;

	IS(try_open(dev_a, OP_OPEN_LEGACY, &one), 0);
	IS(try_open(dev_b, OP_OPEN_LEGACY, &two), 0);
	IS(legacy_map(one.ret_handle, 0x200000, 0x1000), 0);
	IS(legacy_map(two.ret_handle, 0x200000, 0x1000), -EEXIST);
	IS(close_device(one.ret_handle), 0);
	IS(legacy_unmap(two.ret_handle, 0x200000, 0x1000), 0x1000);
	IS(close_device(two.ret_handle), 0);
	IS(try_open(dev_b, OP_OPEN_LEGACY, &two), 0);
}

/* Two devices of one group, through iommufd: they move together. */
static void test_group(void)
{
	uint32_t one = open_pci(dev_a), two = open_pci(dev_b), ioas = new_ioas(), other = new_ioas(), pt;
	int64_t x = hwpt(one, ioas, 0, 0), y = hwpt(one, other, 0, 0);

	IS(attach(one, x, NULL), 0);
	IS(attach(two, y, NULL), -EINVAL);
	IS(attach(two, x, NULL), 0);
	IS(attach(two, y, NULL), 0);
	IS(destroy(x), 0);
	IS(destroy(y), -EBUSY);
	IS(attach(one, ioas, &pt), 0);
	IS(destroy(y), 0);
	IS(close_device(one), 0);
	IS(detach(two), 0);
	IS(destroy(pt), -ENOENT);
}

/* A program of its own is handed both descriptors, and does with the device what a VMM does. */
static void test_client(void)
{
	struct op_device_open op;
	struct op_data fd = OP_DATA_NONE, iommufd = OP_DATA_NONE;
	char command[64];

	IS(try_open(dev_b, OP_OPEN_NO_BIND, &op), 0);
	IS(backend_device_fd(b, &(struct op_device_fd){ .handle = op.ret_handle }, &fd), 0);
	IS(backend_device_fd(b, &(struct op_device_fd){ 0 }, &iommufd), 0);
	IS(fcntl(fd.fd_out, F_SETFD, 0) | fcntl(iommufd.fd_out, F_SETFD, 0), 0);
	snprintf(command, sizeof(command), "vfio-client %d %d", iommufd.fd_out, fd.fd_out);
	IS(system(command), 0);
	close(fd.fd_out);
	close(iommufd.fd_out);
	/* its binding ends with the last descriptor */
	IS(close_device(op.ret_handle), 0);
	IS(try_open(dev_b, 0, &op), 0);
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "probe", test_probe },     { "map", test_map },	{ "copy-lives", test_copy_lives },
	{ "map-file", test_map_file }, { "ranges", test_ranges }, { "allow", test_allow },
	{ "options", test_options }, { "nest", test_nest },	{ "dirty", test_dirty },
	{ "faults", test_faults },   { "close", test_close },	{ "pasid", test_pasid },
	{ "viommu", test_viommu },   { "raw", test_raw },	{ "device", test_device },
	{ "dma", test_dma },	     { "irq", test_irq },	{ "no-bind", test_no_bind },
	{ "legacy", test_legacy },   { "legacy-group", test_legacy_group }, { "group", test_group },
	{ "client", test_client },
};

int main(int argc, char **argv)
{
	dev_a = argc > 2 ? argv[2] : NULL;
	dev_b = argc > 3 ? argv[3] : NULL;
	doorbell = dev_b ? strtoull(dev_b, NULL, 0) : 0;
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		if (argc < 2) {
			puts(tests[i].name);
		} else if (streq(argv[1], tests[i].name)) {
			if (backend_open_kernel(&ctx, &b) < 0)
				return 1;
			tests[i].run();
			backend_close(b);
			ctx_free(&ctx);
			return 0;
		}
	}
	return argc < 2 ? 0 : 2;
}
