// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Devices the old way: a group's node, which can be open once, and a type1 container. Devices of one group share both, so
 * that maps are theirs together.
 */
#include "backend/kernel-objects.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "abi/vfio.h"

static int group_number(const struct op_device_open *op, uint32_t *ret)
{
	char path[160], target[256];
	const char *base;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/%s/devices/%s", op->bus, op->dev);
	if (access(path, F_OK) < 0)
		return -ENODEV;
	strcat(path, "/iommu_group");
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	base = strrchr(target, '/');
	if (!base)
		return -ENOENT;
	*ret = strtoul(base + 1, NULL, 10);
	return 0;
}

static int open_path(const char *path, int *ret)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret = fd;
	return 0;
}

static void free_group(struct kernel_group *g)
{
	if (!g)
		return;
	/* a group's devices are gone: now it can leave its container */
	if (g->fd >= 0)
		close(g->fd);
	if (g->container >= 0)
		close(g->container);
	free(g);
}
DEFINE_CLEANUP(struct kernel_group, free_group);

static int open_group(uint32_t nr, struct kernel_group **ret)
{
	_cleanup_(cleanup_free_group) struct kernel_group *g = must_calloc(1, sizeof(*g));
	char path[64];
	int r;

	*g = (struct kernel_group){ .nr = nr, .fd = -1, .container = -1 };
	snprintf(path, sizeof(path), "/dev/vfio/%u", nr);
	r = open_path("/dev/vfio/vfio", &g->container);
	r = r < 0 ? r : open_path(path, &g->fd);
	r = r < 0 ? r : kernel_ioctl(g->fd, VFIO_GROUP_SET_CONTAINER, &g->container);
	r = r < 0 ? r : kernel_ioctl(g->container, VFIO_SET_IOMMU, (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU);
	if (r < 0)
		return r;
	*ret = g;
	g = NULL;
	return 0;
}

static int get_group(struct kernel_objects *o, uint32_t nr, struct kernel_group **ret)
{
	struct kernel_group **g;
	int r;

	vec_for_each(g, &o->groups)
		if ((*g)->nr == nr) {
			*ret = *g;
			return 0;
		}
	r = open_group(nr, ret);
	if (r < 0)
		return r;
	*vec_push(&o->groups) = *ret;
	return 0;
}

void kernel_legacy_close(struct kernel_objects *o, struct kernel_group *g)
{
	if (--g->users)
		return;
	for (size_t i = 0; i < o->groups.n; i++)
		if (o->groups.v[i] == g)
			o->groups.v[i--] = o->groups.v[--o->groups.n];
	kernel_area_drop(o, kernel_space_of_group(g->nr), 0, UINT64_MAX);
	free_group(g);
}

int kernel_legacy_open(struct backend *b, const struct op_device_open *op, struct kernel_device *dev)
{
	struct kernel_objects *o = kernel_objects(b);
	struct kernel_group *g = NULL;
	uint32_t nr = 0;
	int r = group_number(op, &nr);

	r = r < 0 ? r : get_group(o, nr, &g);
	if (r < 0)
		return r;
	g->users++;
	dev->group = g;
	r = kernel_ioctl(g->fd, VFIO_GROUP_GET_DEVICE_FD, (void *)(uintptr_t)op->dev);
	if (r < 0)
		return r;
	dev->fd = r;
	fcntl(dev->fd, F_SETFD, FD_CLOEXEC);
	return 0;
}

static int find_group(struct backend *b, uint32_t handle, struct kernel_group **ret)
{
	struct kernel_device *dev;
	int r = kernel_find_device(b, handle, &dev);

	if (r < 0)
		return r;
	if (!dev->group)
		return -EOPNOTSUPP;
	*ret = dev->group;
	return 0;
}

int kernel_legacy_map(struct backend *b, struct op_legacy_map *op, struct op_data *d)
{
	_cleanup_(cleanup_kernel_block_put) struct kernel_block *block = NULL;
	struct vfio_iommu_type1_dma_map cmd = {
		.argsz = sizeof(cmd),
		.flags = (op->flags & OP_MAP_READ ? VFIO_DMA_MAP_FLAG_READ : 0) |
			 (op->flags & OP_MAP_WRITE ? VFIO_DMA_MAP_FLAG_WRITE : 0),
		.iova = op->iova,
		.size = op->length,
	};
	struct kernel_group *g;
	void *va = NULL;
	int r = find_group(b, op->handle, &g);

	(void)d;
	if (r < 0)
		return r;
	/* what has no memory at all is the kernel's to refuse */
	if (op->length && op->length <= INT64_MAX)
		r = kernel_block_new(op->length, &block, &va);
	if (r < 0)
		return r;
	cmd.vaddr = (uintptr_t)va;
	r = kernel_ioctl(g->container, VFIO_IOMMU_MAP_DMA, &cmd);
	if (r == 0 && block)
		kernel_area_add(kernel_objects(b), kernel_space_of_group(g->nr), op->iova, op->length, block);
	return r;
}

int kernel_legacy_unmap(struct backend *b, struct op_legacy_unmap *op, _unused_ struct op_data *d)
{
	bool all = !op->iova && op->length == UINT64_MAX;
	struct vfio_iommu_type1_dma_unmap cmd = {
		.argsz = sizeof(cmd),
		.flags = all ? VFIO_DMA_UNMAP_FLAG_ALL : 0,
		.iova = op->iova,
		.size = all ? 0 : op->length,
	};
	struct kernel_group *g;
	int r = find_group(b, op->handle, &g);

	r = r < 0 ? r : kernel_ioctl(g->container, VFIO_IOMMU_UNMAP_DMA, &cmd);
	if (r < 0)
		return r;
	if (op->length)
		kernel_area_drop(kernel_objects(b), kernel_space_of_group(g->nr), op->iova, op->length);
	op->ret_length = cmd.size;
	return 0;
}
