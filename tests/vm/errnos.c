/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * errnos: answers of the kernel that no command of iommuctl can ask for: wrong descriptors, wrong sizes of VFIO's structs, reads and writes
 * of queues, rights and limits of the process. What bytes alone can ask for is in tests/conformance.
 *
 *	errnos limits			iommufd and its selftest alone
 *	errnos queues
 *	errnos cdev DEV			DEV is on vfio-pci, and alone in its group
 *	errnos legacy DEV
 *	errnos spoiled DEV		a sibling of it is on a driver of its own
 *	errnos unsafe DEV		its interrupts are not isolated, and nobody said that this is fine
 *
 * Each line says what was asked and what the kernel said. Exit 0; 1 with what was expected on stderr; 6 this kernel has no such thing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/iommufd.h"
#include "abi/selftest.h"
#include "abi/vfio.h"

static int iommufd = -1;
static int wrong;

static const char *word(long r)
{
	return r < 0 ? strerrorname_np((int)-r) : "0";
}

/* @r: the result, or the negative errno. @wanted likewise; 0 is any success. */
static void is(long r, long wanted, const char *what, ...) __attribute__((format(printf, 3, 4)));
static void is(long r, long wanted, const char *what, ...)
{
	char text[128];
	va_list ap;

	va_start(ap, what);
	vsnprintf(text, sizeof(text), what, ap);
	va_end(ap);
	printf("%-60s %s\n", text, word(r));
	fflush(stdout);
	if ((r < 0 ? r : 0) == wanted)
		return;
	fprintf(stderr, "%s: %s, not %s\n", text, word(r), word(wanted));
	wrong = 1;
}

static long call(int fd, unsigned long request, const void *arg)
{
	int r = ioctl(fd, request, arg);

	return r < 0 ? -errno : r;
}

static _Noreturn void cannot(const char *why)
{
	fprintf(stderr, "%s\n", why);
	exit(6);
}

/* --- iommufd -------------------------------------------------------------------------------------------------------- */

static int new_iommufd(void)
{
	int fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		cannot("no /dev/iommu");
	return fd;
}

static uint32_t new_ioas(int fd)
{
	struct iommu_ioas_alloc c = { .size = sizeof(c) };

	is(call(fd, IOMMU_IOAS_ALLOC, &c), 0, "IOAS_ALLOC");
	return c.out_ioas_id;
}

struct mock {
	uint32_t stdev, hwpt, idev;
};

static struct mock new_mock(int fd, uint32_t pt)
{
	struct iommu_test_cmd c = { .size = sizeof(c), .op = IOMMU_TEST_OP_MOCK_DOMAIN, .id = pt };
	long r = call(fd, IOMMU_TEST_CMD, &c);

	if (r == -ENOTTY)
		cannot("no selftest device in this kernel");
	/* before 6.18 not beside an IOMMU without a firmware node */
	if (r == -EINVAL)
		cannot("no selftest device beside this IOMMU in this kernel");
	is(r, 0, "TEST_CMD: MOCK_DOMAIN");
	return (struct mock){ c.mock_domain.out_stdev_id, c.mock_domain.out_hwpt_id, c.mock_domain.out_idev_id };
}

static long map(int fd, uint32_t ioas, void *va, uint64_t length, uint64_t iova)
{
	struct iommu_ioas_map c = {
		.size = sizeof(c), .flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas, .user_va = (uintptr_t)va, .length = length, .iova = iova,
	};

	return call(fd, IOMMU_IOAS_MAP, &c);
}

static long map_file(int fd, uint32_t ioas, int file, uint64_t start, uint64_t length, uint64_t iova)
{
	struct iommu_ioas_map_file c = {
		.size = sizeof(c), .flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas, .fd = file, .start = start, .length = length, .iova = iova,
	};

	return call(fd, IOMMU_IOAS_MAP_FILE, &c);
}

static long faultq(int fd, uint32_t *ret_id, int *ret_fd)
{
	struct iommu_fault_alloc c = { .size = sizeof(c) };
	long r = call(fd, IOMMU_FAULT_QUEUE_ALLOC, &c);

	*ret_id = c.out_fault_id;
	*ret_fd = (int)c.out_fault_fd;
	return r;
}

static void drop(unsigned capability)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		cannot("capget fails");
	data[capability / 32].effective &= ~(1u << capability % 32);
	if (syscall(SYS_capset, &head, data) < 0)
		cannot("capset fails");
}

static long set_option(int fd, uint32_t option, uint64_t value)
{
	struct iommu_option c = { .size = sizeof(c), .option_id = option, .op = IOMMU_OPTION_OP_SET, .val64 = value };

	return call(fd, IOMMU_OPTION, &c);
}

static void limit(int what, rlim_t to)
{
	struct rlimit l = { to, to };

	if (setrlimit(what, &l) < 0)
		cannot("setrlimit fails");
}

#define AT 0x2000000 /* in the mock's aperture, and in everybody else's */

/* Memory locked beyond what the process may: not for who has CAP_IPC_LOCK, and only once a page table pins it. */
static void memlock(uint32_t ioas, void *mem, uint64_t length)
{
	is(map(iommufd, ioas, mem, length, AT), 0, "IOAS_MAP beyond RLIMIT_MEMLOCK, with CAP_IPC_LOCK");
	is(call(iommufd, IOMMU_IOAS_UNMAP, &(struct iommu_ioas_unmap){ .size = sizeof(struct iommu_ioas_unmap), .ioas_id = ioas, .iova = AT,
								      .length = length }), 0, "IOAS_UNMAP");
	drop(CAP_IPC_LOCK);
	is(map(iommufd, ioas, mem, length, AT), -ENOMEM, "IOAS_MAP beyond RLIMIT_MEMLOCK, without");
}

static void files(uint32_t ioas)
{
	uint64_t page = sysconf(_SC_PAGESIZE);
	int memfd = memfd_create("file", MFD_CLOEXEC), pipes[2];

	if (memfd < 0 || ftruncate(memfd, 2 * page) < 0 || pipe(pipes) < 0)
		cannot("no memory for files");
	if (map_file(iommufd, ioas, -1, 0, page, AT) == -ENOTTY)
		return;
	is(map_file(iommufd, ioas, -1, 0, page, AT), -EBADF, "IOAS_MAP_FILE of no descriptor");
	is(map_file(iommufd, ioas, pipes[0], 0, page, AT), -EINVAL, "IOAS_MAP_FILE of a pipe");
	is(map_file(iommufd, ioas, memfd, page, 2 * page, AT), -EINVAL, "IOAS_MAP_FILE beyond the end");
	is(map_file(iommufd, ioas, memfd, 0, page, AT), 0, "IOAS_MAP_FILE of a memfd");
	is(map_file(iommufd, ioas, memfd, 0, page, AT), -EEXIST, "IOAS_MAP_FILE over a map");
	is(call(iommufd, IOMMU_IOAS_UNMAP, &(struct iommu_ioas_unmap){ .size = sizeof(struct iommu_ioas_unmap), .ioas_id = ioas,
								      .length = UINT64_MAX }), 0, "IOAS_UNMAP of all");
}

static void limits(void)
{
	uint64_t page = sysconf(_SC_PAGESIZE), length = 64 * page;
	void *mem = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *const_mem = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int other = new_iommufd(), fd;
	uint32_t ioas, id;

	iommufd = new_iommufd();
	is(call(iommufd, IOMMU_IOAS_ALLOC, NULL), -EFAULT, "IOAS_ALLOC at address 0");
	ioas = new_ioas(iommufd);
	new_mock(iommufd, ioas);
	is(map(iommufd, ioas, const_mem, page, AT), -EFAULT, "IOAS_MAP for writing of memory that is read-only");
	files(ioas);
	drop(CAP_SYS_RESOURCE);
	is(set_option(other, IOMMU_OPTION_RLIMIT_MODE, 1), -EPERM, "OPTION RLIMIT_MODE without CAP_SYS_RESOURCE");
	limit(RLIMIT_MEMLOCK, page * 4);
	memlock(ioas, mem, length);
	limit(RLIMIT_NOFILE, 3);
	is(faultq(iommufd, &id, &fd), -EMFILE, "FAULT_QUEUE_ALLOC without room for a descriptor");
}

/* --- queues --------------------------------------------------------------------------------------------------------- */

static long nested(uint32_t idev, uint32_t parent, uint32_t fault, uint32_t *ret)
{
	struct iommu_hwpt_selftest data = { .iotlb = 1 };
	struct iommu_hwpt_alloc c = {
		.size = sizeof(c), .flags = fault ? IOMMU_HWPT_FAULT_ID_VALID : IOMMU_HWPT_ALLOC_NEST_PARENT, .dev_id = idev, .pt_id = parent,
		.data_type = fault ? IOMMU_HWPT_DATA_SELFTEST : IOMMU_HWPT_DATA_NONE, .fault_id = fault,
		.data_len = fault ? sizeof(data.iotlb) : 0, .data_uptr = fault ? (uintptr_t)&data : 0,
	};
	long r = call(iommufd, IOMMU_HWPT_ALLOC, &c);

	*ret = c.out_hwpt_id;
	return r;
}

static void ask(uint32_t idev, uint32_t grpid)
{
	struct iommu_test_cmd c = { .size = sizeof(c), .op = IOMMU_TEST_OP_TRIGGER_IOPF };

	c.trigger_iopf.dev_id = idev;
	c.trigger_iopf.grpid = grpid;
	c.trigger_iopf.perm = IOMMU_PGFAULT_PERM_READ;
	is(call(iommufd, IOMMU_TEST_CMD, &c), 0, "TEST_CMD: TRIGGER_IOPF");
}

static long get(int fd, void *to, size_t n)
{
	ssize_t r = read(fd, to, n);

	return r < 0 ? -errno : r;
}

static long answer(int fd, const void *from, size_t n)
{
	ssize_t r = write(fd, from, n);

	return r < 0 ? -errno : r;
}

static void reads_and_writes(int fd)
{
	struct iommu_hwpt_pgfault requests[4];
	struct iommu_hwpt_page_response two[2] = { { 0 } };

	is(get(fd, requests, 0), -EINVAL, "read with room for nothing");
	is(get(fd, requests, 39), -ESPIPE, "read of less than a page request");
	is(get(fd, requests, 41), -ESPIPE, "read of more than one, and less than two");
	is(pread(fd, requests, 40, 40) < 0 ? -errno : 0, -ESPIPE, "read at a place");
	is(get(fd, requests, sizeof(requests)) == 40 ? 0 : -EIO, 0, "read of what is there");
	is(answer(fd, two, 7), -ESPIPE, "write of less than an answer");
	two[0] = (struct iommu_hwpt_page_response){ .cookie = requests[0].cookie, .code = 2 };
	is(answer(fd, two, 8), -EINVAL, "write of a code that is none");
	two[0].code = IOMMUFD_PAGE_RESP_SUCCESS;
	two[1].cookie = two[0].cookie;
	is(answer(fd, two, 16) == 8 ? 0 : -EIO, 0, "write of an answer, and the same again: half of it");
	is(answer(fd, two, 8), -EINVAL, "write of an answer to what is answered");
}

static void queues(void)
{
	uint32_t ioas, q, parent, pt, other;
	struct iommu_test_cmd replace = { .size = sizeof(replace), .op = IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE };
	struct iommu_destroy destroy = { .size = sizeof(destroy) };
	struct mock m;
	int fd, fd2;

	iommufd = new_iommufd();
	ioas = new_ioas(iommufd);
	m = new_mock(iommufd, ioas);
	is(faultq(iommufd, &q, &fd), 0, "FAULT_QUEUE_ALLOC");
	is(faultq(iommufd, &other, &fd2), 0, "FAULT_QUEUE_ALLOC");
	is(nested(m.idev, ioas, 0, &parent), 0, "HWPT_ALLOC of a parent");
	is(nested(m.idev, parent, q, &pt), 0, "HWPT_ALLOC of a nested one");
	replace.id = m.stdev;
	replace.mock_domain_replace.pt_id = pt;
	is(call(iommufd, IOMMU_TEST_CMD, &replace), 0, "TEST_CMD: MOCK_DOMAIN_REPLACE");
	ask(m.idev, 1);
	reads_and_writes(fd);
	destroy.id = other;
	is(call(iommufd, IOMMU_DESTROY, &destroy), -EBUSY, "DESTROY of a queue whose descriptor is open");
	close(fd2);
	is(call(iommufd, IOMMU_DESTROY, &destroy), 0, "DESTROY of a queue whose descriptor is closed");
}

/* --- VFIO ----------------------------------------------------------------------------------------------------------- */

static int open_cdev(const char *dev)
{
	char path[300];
	struct dirent *e;
	DIR *d;
	int fd = -1;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", dev);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (!strncmp(e->d_name, "vfio", 4)) {
			snprintf(path, sizeof(path), "/dev/vfio/devices/%s", e->d_name);
			fd = open(path, O_RDWR | O_CLOEXEC);
		}
	if (d)
		closedir(d);
	return fd;
}

static long bind_to(int fd, uint32_t argsz, uint32_t flags, int iommu, uint32_t *ret)
{
	struct vfio_device_bind_iommufd c = { .argsz = argsz, .flags = flags, .iommufd = iommu };
	long r = call(fd, VFIO_DEVICE_BIND_IOMMUFD, &c);

	if (ret)
		*ret = c.out_devid;
	return r;
}

/* Whatever the token: the device is not part of another one that user space has. */
static long bind_with_token(int fd)
{
	uint8_t token[16] = { 1 };
	struct vfio_device_bind_iommufd c = { .argsz = sizeof(c), .flags = VFIO_DEVICE_BIND_FLAG_TOKEN, .iommufd = iommufd,
					      .token_uuid_ptr = (uintptr_t)token };

	return call(fd, VFIO_DEVICE_BIND_IOMMUFD, &c);
}

static long attach_to(int fd, uint32_t argsz, uint32_t flags, uint32_t pt, uint32_t pasid)
{
	struct vfio_device_attach_iommufd_pt c = { .argsz = argsz, .flags = flags, .pt_id = pt, .pasid = pasid };

	return call(fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &c);
}

static long detach_from(int fd, uint32_t argsz, uint32_t flags)
{
	struct vfio_device_detach_iommufd_pt c = { .argsz = argsz, .flags = flags };

	return call(fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &c);
}

#define BIND   ABI_END(struct vfio_device_bind_iommufd, out_devid)
#define ATTACH ABI_END(struct vfio_device_attach_iommufd_pt, pt_id)
#define DETACH ABI_END(struct vfio_device_detach_iommufd_pt, flags)

static void unbound(int fd)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	is(call(fd, VFIO_DEVICE_GET_INFO, &info), -EINVAL, "GET_INFO, not bound");
	is(attach_to(fd, ATTACH, 0, 1, 0), -EINVAL, "ATTACH, not bound");
	is(detach_from(fd, DETACH, 0), -EINVAL, "DETACH, not bound");
	is(call(fd, VFIO_DEVICE_BIND_IOMMUFD, NULL), -EFAULT, "BIND at address 0");
	is(bind_to(fd, BIND - 1, 0, iommufd, NULL), -EINVAL, "BIND, too short");
	is(bind_to(fd, BIND, 1u << 31, iommufd, NULL), -EINVAL, "BIND with a flag that is none");
	is(bind_with_token(fd), -EINVAL, "BIND with a token that nobody asked for");
	is(bind_to(fd, BIND, 0, -1, NULL), -EINVAL, "BIND to descriptor -1");
	is(bind_to(fd, BIND, 0, 1000, NULL), -EBADF, "BIND to a descriptor that is none");
	is(bind_to(fd, BIND, 0, null, NULL), -EBADFD, "BIND to a descriptor that is no iommufd");
	close(null);
}

static void bound(int fd, int again, uint32_t id)
{
	uint32_t ioas = new_ioas(iommufd);

	is(bind_to(fd, BIND, 0, iommufd, NULL), -EINVAL, "BIND, bound already");
	is(bind_to(again, BIND, 0, iommufd, NULL), -EINVAL, "BIND, bound through another descriptor");
	is(call(fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, NULL), -EFAULT, "ATTACH at address 0");
	is(attach_to(fd, ATTACH - 1, 0, ioas, 0), -EINVAL, "ATTACH, too short");
	is(attach_to(fd, ATTACH, 1u << 31, ioas, 0), -EINVAL, "ATTACH with a flag that is none");
	is(attach_to(fd, ATTACH, 0, 9999, 0), -ENOENT, "ATTACH to what is not there");
	is(attach_to(fd, ATTACH, 0, id, 0), -EINVAL, "ATTACH to what is no page table");
	is(detach_from(fd, DETACH - 1, 0), -EINVAL, "DETACH, too short");
	is(detach_from(fd, DETACH, 1u << 31), -EINVAL, "DETACH with a flag that is none");
	is(detach_from(fd, DETACH, 0), 0, "DETACH, not attached");
	is(attach_to(fd, ATTACH, 0, ioas, 0), 0, "ATTACH");
	is(call(iommufd, IOMMU_DESTROY, &(struct iommu_destroy){ .size = sizeof(struct iommu_destroy), .id = id }), -EBUSY,
	   "DESTROY of a device that is bound");
}

static void cdev(const char *dev)
{
	int fd = open_cdev(dev), again = open_cdev(dev);
	uint32_t id = 0;

	if (fd < 0)
		cannot("no node of the device's own in this kernel");
	iommufd = new_iommufd();
	unbound(fd);
	is(bind_to(fd, BIND, 0, iommufd, &id), 0, "BIND");
	bound(fd, again, id);
}

static int open_group(const char *dev)
{
	char path[300], to[300], node[300];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", dev);
	n = readlink(path, to, sizeof(to) - 1);
	if (n < 0)
		cannot("the device is in no group");
	to[n] = '\0';
	snprintf(node, sizeof(node), "/dev/vfio/%s", strrchr(to, '/') + 1);
	fd = open(node, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* VFIO's ioctls whose argument is a number. */
static long number(int fd, unsigned long request, unsigned long v)
{
	int r = ioctl(fd, request, v);

	return r < 0 ? -errno : r;
}

static void type1(int container)
{
	struct vfio_iommu_type1_dma_map m = { .argsz = sizeof(m) - 1 };
	struct vfio_iommu_type1_dma_unmap u = { .argsz = sizeof(u) - 1 };
	struct vfio_iommu_type1_info info = { .argsz = 8 };

	is(call(container, VFIO_IOMMU_MAP_DMA, &m), -EINVAL, "MAP_DMA, too short");
	m = (struct vfio_iommu_type1_dma_map){ .argsz = sizeof(m), .flags = 1u << 31, .size = sysconf(_SC_PAGESIZE) };
	is(call(container, VFIO_IOMMU_MAP_DMA, &m), -EINVAL, "MAP_DMA with a flag that is none");
	m.flags = 0;
	is(call(container, VFIO_IOMMU_MAP_DMA, &m), -EINVAL, "MAP_DMA neither for reading nor for writing");
	m.flags = VFIO_DMA_MAP_FLAG_READ;
	m.vaddr = m.size;
	is(call(container, VFIO_IOMMU_MAP_DMA, &m), -EFAULT, "MAP_DMA of an address at which there is nothing");
	is(call(container, VFIO_IOMMU_UNMAP_DMA, &u), -EINVAL, "UNMAP_DMA, too short");
	is(call(container, VFIO_IOMMU_GET_INFO, &info), -EINVAL, "IOMMU_GET_INFO, too short");
	is(call(container, VFIO_IOMMU_GET_INFO, NULL), -EFAULT, "IOMMU_GET_INFO at address 0");
}

static void in_container(int group, int container, const char *dev)
{
	long fd;

	is(call(group, VFIO_GROUP_SET_CONTAINER, &container), -EINVAL, "SET_CONTAINER, once more");
	is(call(group, VFIO_GROUP_GET_DEVICE_FD, dev), -EINVAL, "GET_DEVICE_FD before SET_IOMMU");
	is(number(container, VFIO_SET_IOMMU, 77), -ENODEV, "SET_IOMMU of a kind that there is not");
	is(number(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), 0, "SET_IOMMU");
	is(number(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), -EINVAL, "SET_IOMMU, once more");
	is(call(group, VFIO_GROUP_GET_DEVICE_FD, "0000:7f:1f.7"), -ENODEV, "GET_DEVICE_FD of what is not in the group");
	fd = call(group, VFIO_GROUP_GET_DEVICE_FD, dev);
	is(fd, 0, "GET_DEVICE_FD");
	is(call(group, VFIO_GROUP_UNSET_CONTAINER, NULL), -EBUSY, "UNSET_CONTAINER while a device is open");
	if (iommufd >= 0)
		is(bind_to((int)fd, BIND, 0, iommufd, NULL), -EINVAL, "BIND of a descriptor that came from a group");
	type1(container);
	close((int)fd);
	is(call(group, VFIO_GROUP_UNSET_CONTAINER, NULL), 0, "UNSET_CONTAINER");
	is(call(group, VFIO_GROUP_UNSET_CONTAINER, NULL), -EINVAL, "UNSET_CONTAINER, once more");
}

static void legacy(const char *dev)
{
	int container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC), null = open("/dev/null", O_RDWR | O_CLOEXEC), nothing = 1000;
	int group, node;

	if (container < 0)
		cannot("no /dev/vfio/vfio");
	iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	group = open_group(dev);
	is(group, 0, "open of the group");
	is(open_group(dev), -EBUSY, "open of the group, once more");
	is(number(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), -EINVAL, "SET_IOMMU without a group");
	is(call(group, VFIO_GROUP_SET_CONTAINER, NULL), -EFAULT, "SET_CONTAINER at address 0");
	is(call(group, VFIO_GROUP_SET_CONTAINER, &nothing), -EBADF, "SET_CONTAINER to a descriptor that is none");
	is(call(group, VFIO_GROUP_SET_CONTAINER, &null), -EBADFD, "SET_CONTAINER to a descriptor that is no container");
	is(call(group, VFIO_GROUP_GET_STATUS, &(struct vfio_group_status){ .argsz = 4 }), -EINVAL, "GET_STATUS, too short");
	is(call(group, VFIO_GROUP_SET_CONTAINER, &container), 0, "SET_CONTAINER");
	in_container(group, container, dev);
	node = open_cdev(dev);
	if (node >= 0 && iommufd >= 0)
		is(bind_to(node, BIND, 0, iommufd, NULL), -EBUSY, "BIND while the group is open the old way");
	close(group);
	if (node < 0 || iommufd < 0)
		return;
	is(bind_to(node, BIND, 0, iommufd, NULL), 0, "BIND once it is closed");
	is(open_group(dev), -EBUSY, "open of the group while the device is bound");
}

/* By both ways; the old one refuses when the group joins the container, or @later, when that gets its kind. */
static void refused(const char *dev, bool later)
{
	int container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC), node = open_cdev(dev), group;

	iommufd = new_iommufd();
	if (node >= 0)
		is(bind_to(node, BIND, 0, iommufd, NULL), -EPERM, "BIND");
	group = open_group(dev);
	if (container < 0)
		return;
	is(group, 0, "open of the group");
	is(call(group, VFIO_GROUP_SET_CONTAINER, &container), later ? 0 : -EPERM, "SET_CONTAINER");
	if (later)
		is(number(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), -EPERM, "SET_IOMMU");
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *dev = argc > 2 ? argv[2] : NULL;

	if (!strcmp(what, "limits"))
		limits();
	else if (!strcmp(what, "queues"))
		queues();
	else if (!strcmp(what, "cdev") && dev)
		cdev(dev);
	else if (!strcmp(what, "legacy") && dev)
		legacy(dev);
	else if (!strcmp(what, "spoiled") && dev)
		refused(dev, false);
	else if (!strcmp(what, "unsafe") && dev)
		refused(dev, true);
	else
		return 2;
	return wrong;
}
