// SPDX-License-Identifier: GPL-2.0-or-later
/* Devices: their nodes, what they are bound and attached to, their regions. */
#include "backend/kernel-objects.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "abi/vfio.h"
#include "base/str.h"

#define OPEN_FLAGS (OP_OPEN_NO_BIND | OP_OPEN_LEGACY)

/* --- the table --------------------------------------------------------------------------------------------------- */

static int compare_handles(const void *key, const void *element)
{
	uint32_t handle = *(const uint32_t *)key, other = (*(struct kernel_device *const *)element)->handle;

	return handle < other ? -1 : handle > other;
}

static struct kernel_device **find_slot(struct kernel_objects *o, uint32_t handle)
{
	return o->devices.n ? bsearch(&handle, o->devices.v, o->devices.n, sizeof(*o->devices.v), compare_handles) :
			      NULL;
}

int kernel_find_device(struct backend *b, uint32_t handle, struct kernel_device **ret)
{
	struct kernel_device **slot = find_slot(kernel_objects(b), handle);

	if (!slot)
		return -ENODEV;
	*ret = *slot;
	return 0;
}

/* Handles only grow: one that is out of date never names another device. */
struct kernel_device *kernel_new_device(struct kernel_objects *o)
{
	struct kernel_device *dev = must_calloc(1, sizeof(*dev));

	dev->handle = ++o->last_handle;
	dev->fd = -1;
	*vec_push(&o->devices) = dev;
	return dev;
}

/* Closing the last descriptor unbinds; the group goes after its device. */
static void free_device(struct kernel_objects *o, struct kernel_device *dev)
{
	kernel_mock_detach_pasids(o, dev);
	kernel_close_irqs(dev);
	if (dev->fd >= 0)
		close(dev->fd);
	if (dev->group)
		kernel_legacy_close(o, dev->group);
	vec_free(&dev->pasids);
	free(dev);
}

void kernel_forget_device(struct kernel_objects *o, uint32_t handle)
{
	struct kernel_device **slot = find_slot(o, handle), **end = o->devices.v + o->devices.n;

	if (!slot)
		return;
	free_device(o, *slot);
	memmove(slot, slot + 1, (char *)end - (char *)(slot + 1));
	o->devices.n--;
}

struct kernel_device *kernel_find_mock(struct kernel_objects *o, uint32_t stdev)
{
	for (size_t i = 0; i < o->devices.n; i++)
		if (stdev && o->devices.v[i]->stdev == stdev)
			return o->devices.v[i];
	return NULL;
}

void kernel_close_devices(struct kernel_objects *o)
{
	while (o->devices.n)
		free_device(o, o->devices.v[--o->devices.n]);
}

/* --- open and close ------------------------------------------------------------------------------------------------ */

/* A session's strings come from elsewhere. */
static bool good_string(const char *s, size_t size)
{
	return memchr(s, '\0', size) && kernel_good_name(s);
}

/* The node of a device: -ENODEV there is no such device; -ENOENT it has none, for want of a VFIO driver or of a kernel with such nodes. */
static int find_node(const struct op_device_open *op, char *path, size_t size)
{
	char dir[160];
	struct dirent *e;
	DIR *d;
	int r = -ENOENT;

	snprintf(dir, sizeof(dir), "/sys/bus/%s/devices/%s", op->bus, op->dev);
	if (access(dir, F_OK) < 0)
		return -ENODEV;
	strcat(dir, "/vfio-dev");
	d = opendir(dir);
	if (!d)
		return -errno;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.' && snprintf(path, size, "/dev/vfio/devices/%s", e->d_name) < (int)size)
			r = 0;
	closedir(d);
	return r;
}

static int open_node(const struct op_device_open *op, int *ret_fd)
{
	char path[320];
	int r = find_node(op, path, sizeof(path));

	if (r < 0)
		return r;
	r = open(path, O_RDWR | O_CLOEXEC);
	if (r < 0)
		return -errno;
	*ret_fd = r;
	return 0;
}

static int bind_device(struct backend *b, int fd, uint32_t *ret_dev_id)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = ABI_END(struct vfio_device_bind_iommufd, out_devid),
	};
	int r = kernel_iommufd_open(b, &bind.iommufd);

	r = r < 0 ? r : kernel_ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &bind);
	if (r < 0)
		return r;
	*ret_dev_id = bind.out_devid;
	return 0;
}

static int open_cdev(struct backend *b, const struct op_device_open *op, struct kernel_device *dev)
{
	int r = open_node(op, &dev->fd);

	if (r < 0 || (op->flags & OP_OPEN_NO_BIND))
		return r;
	return bind_device(b, dev->fd, &dev->dev_id);
}

int kernel_device_open(struct backend *b, struct op_device_open *op, _unused_ struct op_data *d)
{
	struct kernel_objects *o = kernel_objects(b);
	struct kernel_device *dev;
	int r;

	if (!good_string(op->bus, sizeof(op->bus)))
		return -EINVAL;
	if (streq(op->bus, "mock"))
		return kernel_mock_open(b, op);
	if (!good_string(op->dev, sizeof(op->dev)) || (op->flags & ~OPEN_FLAGS))
		return -EINVAL;
	dev = kernel_new_device(o);
	r = op->flags & OP_OPEN_LEGACY ? kernel_legacy_open(b, op, dev) : open_cdev(b, op, dev);
	if (r < 0) {
		kernel_forget_device(o, dev->handle);
		return r;
	}
	op->ret_handle = dev->handle;
	op->ret_dev_id = dev->dev_id;
	op->ret_hwpt_id = 0;
	return 0;
}

int kernel_device_close(struct backend *b, struct op_device_close *op, _unused_ struct op_data *d)
{
	struct kernel_device *dev;
	int r = kernel_find_device(b, op->handle, &dev);

	if (r == 0 && dev->stdev)
		r = kernel_mock_close(b, dev);
	if (r < 0)
		return r;
	kernel_forget_device(kernel_objects(b), op->handle);
	return 0;
}

/* --- page tables ----------------------------------------------------------------------------------------------------- */

/* The kernel replaces by itself when the device is attached already (vfio_iommufd_physical_attach_ioas()). */
int kernel_device_attach(struct backend *b, struct op_device_attach *op, _unused_ struct op_data *d)
{
	bool pasid = op->flags & OP_ATTACH_PASID;
	struct vfio_device_attach_iommufd_pt cmd = {
		.argsz = pasid ? sizeof(cmd) : ABI_END(struct vfio_device_attach_iommufd_pt, pt_id),
		.flags = op->flags,
		.pt_id = op->pt_id,
		.pasid = op->pasid,
	};
	struct kernel_device *dev;
	int r = kernel_find_device(b, op->handle, &dev);

	if (r < 0)
		return r;
	if (dev->stdev)
		return kernel_mock_attach(b, dev, op);
	r = kernel_ioctl(dev->fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd);
	if (r < 0)
		return r;
	op->pt_id = cmd.pt_id;
	return 0;
}

int kernel_device_detach(struct backend *b, struct op_device_detach *op, _unused_ struct op_data *d)
{
	bool pasid = op->flags & OP_ATTACH_PASID;
	struct vfio_device_detach_iommufd_pt cmd = {
		.argsz = pasid ? sizeof(cmd) : ABI_END(struct vfio_device_detach_iommufd_pt, flags),
		.flags = op->flags,
		.pasid = op->pasid,
	};
	struct kernel_device *dev;
	int r = kernel_find_device(b, op->handle, &dev);

	if (r < 0)
		return r;
	return dev->stdev ? kernel_mock_detach(b, dev, op) : kernel_ioctl(dev->fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &cmd);
}

/* --- the device itself --------------------------------------------------------------------------------------------- */

/* A value of the machine's byte order, which is that of VFIO's regions on the machines that have them. */
static int access_region(int fd, const struct op_device_region *op, off_t at, void *bytes)
{
	ssize_t n = op->write ? pwrite(fd, bytes, op->width, at) : pread(fd, bytes, op->width, at);

	return n < 0 ? -errno : n == (ssize_t)op->width ? 0 : -EIO;
}

static int region_at(int fd, const struct op_device_region *op, off_t *ret)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = op->index };
	int r = kernel_ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &info);

	if (r < 0)
		return r;
	if (op->width > info.size || op->offset > info.size - op->width)
		return -EINVAL;
	*ret = info.offset + op->offset;
	return 0;
}

int kernel_device_region(struct backend *b, struct op_device_region *op, _unused_ struct op_data *d)
{
	union {
		uint8_t u8;
		uint16_t u16;
		uint32_t u32;
		uint64_t u64;
	} v = { 0 };
	struct kernel_device *dev;
	off_t at;
	int r = kernel_find_device(b, op->handle, &dev);

	if (r < 0)
		return r;
	if (dev->stdev)
		return -EOPNOTSUPP;
	if (op->width != 1 && op->width != 2 && op->width != 4 && op->width != 8)
		return -EINVAL;
	switch (op->width) {
	case 1: v.u8 = op->value; break;
	case 2: v.u16 = op->value; break;
	case 4: v.u32 = op->value; break;
	case 8: v.u64 = op->value; break;
	}
	r = region_at(dev->fd, op, &at);
	r = r < 0 ? r : access_region(dev->fd, op, at, &v);
	if (r < 0 || op->write)
		return r;
	op->value = op->width == 1 ? v.u8 : op->width == 2 ? v.u16 : op->width == 4 ? v.u32 : v.u64;
	return 0;
}

int kernel_device_fd(struct backend *b, struct op_device_fd *op, struct op_data *d)
{
	struct kernel_device *dev;
	int fd = -1, r = op->handle ? kernel_find_device(b, op->handle, &dev) : kernel_iommufd_open(b, &fd);

	if (r < 0)
		return r;
	if (op->handle)
		fd = dev->fd;
	if (fd < 0)
		return -EOPNOTSUPP;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return -errno;
	d->fd_out = fd;
	return 0;
}
