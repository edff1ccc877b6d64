// SPDX-License-Identifier: GPL-2.0-or-later
/* backend-drive: tests on devices. */
#include <poll.h>
#include <sys/mman.h>

#include "backend-drive.h"

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

void test_device(void)
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
void test_dma(void)
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

void test_irq(void)
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

void test_no_bind(void)
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

void test_legacy(void)
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
		IS(legacy_map(cdev.ret_handle, 0, 0x1000), -EOPNOTSUPP);
	}
	IS(try_open(dev_a, 0, &cdev), -EBUSY);
	IS(close_device(h), 0);
	if (probe(0x80) == 0)
		IS(try_open(dev_a, 0, &cdev), 0);
	IS(try_open(dev_a, OP_OPEN_LEGACY, &op), -EBUSY);
}

/* Two devices of one group, by the old way: one container. */
void test_legacy_group(void)
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
void test_group(void)
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
void test_client(void)
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
