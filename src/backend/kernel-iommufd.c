// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The operations on iommufd's objects: op.h's structs put into the kernel's and back. What the kernel refuses is told
 * with its own errno, so nothing is checked here that the kernel checks.
 */
#include "backend/kernel-objects.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/selftest.h"

struct kernel_objects *kernel_objects(struct backend *b)
{
	struct kernel_backend *k = (struct kernel_backend *)b;

	if (!k->objects) {
		k->objects = must_calloc(1, sizeof(*k->objects));
		k->objects->fd = -1;
	}
	return k->objects;
}

void kernel_close_objects(struct kernel_backend *k)
{
	struct kernel_objects *o = k->objects;

	if (!o)
		return;
	kernel_close_queues(o);
	kernel_close_devices(o);
	if (o->fd >= 0)
		close(o->fd);
	kernel_close_areas(o);
	vec_free(&o->devices);
	vec_free(&o->groups);
	vec_free(&o->queues);
	vec_free(&o->fault_users);
	free(o);
	k->objects = NULL;
}

int kernel_ioctl(int fd, unsigned long request, void *arg)
{
	int r = ioctl(fd, request, arg);

	return r < 0 ? -errno : r;
}

int kernel_iommufd_open(struct backend *b, int *ret_fd)
{
	struct kernel_objects *o = kernel_objects(b);

	if (o->fd < 0)
		o->fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (o->fd < 0)
		return -errno;
	*ret_fd = o->fd;
	return 0;
}

int kernel_iommufd(struct backend *b, unsigned long request, void *arg)
{
	int fd = -1, r = kernel_iommufd_open(b, &fd);

	return r < 0 ? r : kernel_ioctl(fd, request, arg);
}

int kernel_device_id(struct backend *b, uint32_t handle, uint32_t *ret)
{
	struct kernel_device *dev;
	int r = kernel_find_device(b, handle, &dev);

	if (r < 0)
		return r;
	*ret = dev->dev_id;
	return 0;
}

static uint64_t address(const void *p)
{
	return (uintptr_t)p;
}

/* Nothing that is remembered of it may meet whatever gets its id next. */
static void object_gone(struct kernel_objects *o, uint32_t id)
{
	struct kernel_device *mock = kernel_find_mock(o, id), **dev;

	kernel_forget_queue(o, id);
	if (mock)
		kernel_forget_device(o, mock->handle);
	vec_for_each(dev, &o->devices)
		if ((*dev)->ioas == id)
			(*dev)->ioas = 0;
	kernel_area_drop(o, id, 0, UINT64_MAX);
	for (size_t i = 0; i < o->fault_users.n; i++)
		if (o->fault_users.v[i].hwpt_id == id)
			o->fault_users.v[i--] = o->fault_users.v[--o->fault_users.n];
}

/* --- what is there ---------------------------------------------------------------------------------------------- */

/* A zeroed struct has size 0: too short for an ioctl that is there. */
int kernel_probe(struct backend *b, struct op_probe *op, _unused_ struct op_data *d)
{
	uint64_t zero[16] = { 0 };
	int r;

	if (op->nr > 0xff)
		return -ENOTTY;
	r = kernel_iommufd(b, IOMMUFD_IOCTL(op->nr), zero);
	return r == -EINVAL ? 0 : r;
}

/*
 * The bytes go where the kernel may read as many as their first word says: zeroes, up to the end of the mapping and then nothing. Without
 * any the address is one that cannot be read.
 */
int kernel_raw(struct backend *b, struct op_raw *op, struct op_data *d)
{
	size_t page = sysconf(_SC_PAGESIZE), size = (d->in_len + page - 1) / page * page;
	void *map = NULL;
	int r;

	if (op->nr > 0xff)
		return -ENOTTY;
	if (d->in_len) {
		map = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (map == MAP_FAILED)
			return -errno;
		memcpy(map, d->in, d->in_len);
		mprotect((char *)map + size, page, PROT_NONE);
	}
	r = kernel_iommufd(b, IOMMUFD_IOCTL(op->nr), map);
	if (r == 0 && map && op->nr == 0x80)
		object_gone(kernel_objects(b), ((struct iommu_destroy *)map)->id);
	d->out_len = d->in_len;
	if (map) {
		if (d->out && d->out_cap)
			memcpy(d->out, map, MIN(d->out_cap, d->in_len));
		munmap(map, size + page);
	}
	return r < 0 ? r : 0;
}

/* --- address spaces: maps are in kernel-memory.c ------------------------------------------------------------------ */

int kernel_ioas_alloc(struct backend *b, struct op_ioas_alloc *op, _unused_ struct op_data *d)
{
	struct iommu_ioas_alloc cmd = { .size = sizeof(cmd), .flags = op->flags };
	int r = kernel_iommufd(b, IOMMU_IOAS_ALLOC, &cmd);

	if (r < 0)
		return r;
	op->ret_id = cmd.out_ioas_id;
	return 0;
}

/* Their number changes with what is attached: asked again until there is room for all. */
int kernel_ioas_ranges(struct backend *b, struct op_ioas_ranges *op, struct op_data *d)
{
	struct iommu_ioas_iova_ranges cmd = { .size = sizeof(cmd), .ioas_id = op->ioas_id, .num_iovas = 64 };
	_cleanup_free_ struct iommu_iova_range *ranges = NULL;
	int r;

	do {
		free(ranges);
		ranges = calloc(cmd.num_iovas, sizeof(*ranges));
		if (!ranges)
			return -ENOMEM;
		cmd.allowed_iovas = address(ranges);
		r = kernel_iommufd(b, IOMMU_IOAS_IOVA_RANGES, &cmd);
	} while (r == -EMSGSIZE);
	if (r < 0)
		return r;
	_Static_assert(sizeof(*ranges) == sizeof(struct op_range), "the kernel's ranges are ours");
	d->out_len = cmd.num_iovas * sizeof(*ranges);
	if (d->out)
		memcpy(d->out, ranges, MIN(d->out_len, d->out_cap / sizeof(*ranges) * sizeof(*ranges)));
	op->ret_n = cmd.num_iovas;
	op->ret_alignment = cmd.out_iova_alignment;
	return 0;
}

int kernel_ioas_allow(struct backend *b, struct op_ioas_allow *op, struct op_data *d)
{
	struct iommu_ioas_allow_iovas cmd = {
		.size = sizeof(cmd),
		.ioas_id = op->ioas_id,
		.num_iovas = d->in_len / sizeof(struct op_range),
		.allowed_iovas = address(d->in),
	};

	return kernel_iommufd(b, IOMMU_IOAS_ALLOW_IOVAS, &cmd);
}

int kernel_option(struct backend *b, struct op_option *op, _unused_ struct op_data *d)
{
	struct iommu_option cmd = {
		.size = sizeof(cmd),
		.option_id = op->option,
		.op = op->set ? IOMMU_OPTION_OP_SET : IOMMU_OPTION_OP_GET,
		.object_id = op->object_id,
		.val64 = op->value,
	};
	int r = kernel_iommufd(b, IOMMU_OPTION, &cmd);

	if (r < 0)
		return r;
	op->value = cmd.val64;
	return 0;
}

int kernel_change_process(struct backend *b, _unused_ struct op_change_process *op, _unused_ struct op_data *d)
{
	struct iommu_ioas_change_process cmd = { .size = sizeof(cmd) };

	return kernel_iommufd(b, IOMMU_IOAS_CHANGE_PROCESS, &cmd);
}

int kernel_vfio_ioas(struct backend *b, struct op_vfio_ioas *op, _unused_ struct op_data *d)
{
	struct iommu_vfio_ioas cmd = { .size = sizeof(cmd), .ioas_id = op->ioas_id, .op = op->what };
	int r = kernel_iommufd(b, IOMMU_VFIO_IOAS, &cmd);

	if (r < 0)
		return r;
	op->ioas_id = cmd.ioas_id;
	return 0;
}

/* --- page tables ------------------------------------------------------------------------------------------------ */

int kernel_hwpt_alloc(struct backend *b, struct op_hwpt_alloc *op, struct op_data *d)
{
	struct kernel_objects *o = kernel_objects(b);
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = op->flags,
		.pt_id = op->pt_id,
		.data_type = op->data_type,
		.data_len = d->in_len,
		.data_uptr = address(d->in),
		.fault_id = op->fault_id,
	};
	int r = kernel_device_id(b, op->handle, &cmd.dev_id);

	r = r < 0 ? r : kernel_iommufd(b, IOMMU_HWPT_ALLOC, &cmd);
	if (r < 0)
		return r;
	if (op->flags & IOMMU_HWPT_FAULT_ID_VALID)
		*vec_push(&o->fault_users) = (struct kernel_fault_user){ cmd.out_hwpt_id, op->fault_id };
	op->ret_id = cmd.out_hwpt_id;
	return 0;
}

int kernel_hwpt_invalidate(struct backend *b, struct op_hwpt_invalidate *op, struct op_data *d)
{
	struct iommu_hwpt_invalidate cmd = {
		.size = sizeof(cmd),
		.hwpt_id = op->id,
		.data_uptr = address(d->in),
		.data_type = op->data_type,
		.entry_len = op->entry_len,
		.entry_num = op->n,
	};
	int r;

	/* nothing behind our bytes is an entry */
	op->ret_done = 0;
	if ((uint64_t)op->entry_len * op->n > d->in_len)
		return -EINVAL;
	r = kernel_iommufd(b, IOMMU_HWPT_INVALIDATE, &cmd);
	/* written back on errors too, except on those that come before the entries */
	op->ret_done = r < 0 && cmd.entry_num >= op->n ? 0 : cmd.entry_num;
	return r;
}

int kernel_dirty_set(struct backend *b, struct op_dirty_set *op, _unused_ struct op_data *d)
{
	struct iommu_hwpt_set_dirty_tracking cmd = {
		.size = sizeof(cmd),
		.hwpt_id = op->hwpt_id,
		.flags = op->enable ? IOMMU_HWPT_DIRTY_TRACKING_ENABLE : 0,
	};

	return kernel_iommufd(b, IOMMU_HWPT_SET_DIRTY_TRACKING, &cmd);
}

/* The kernel only sets bits, and in words of 64. */
int kernel_dirty_get(struct backend *b, struct op_dirty_get *op, struct op_data *d)
{
	struct iommu_hwpt_get_dirty_bitmap cmd = {
		.size = sizeof(cmd),
		.hwpt_id = op->hwpt_id,
		.flags = op->flags,
		.iova = op->iova,
		.length = op->length,
		.page_size = op->page_size,
	};
	uint64_t pages = op->page_size ? op->length / op->page_size + !!(op->length % op->page_size) : 0;
	uint64_t bytes = pages / 8 + !!(pages % 8);
	_cleanup_free_ uint64_t *bits = NULL;
	int r;

	if (bytes > d->out_cap) {
		/* the kernel's own refusal goes first; with no place for bits it changes nothing */
		cmd.flags |= IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR;
		r = kernel_iommufd(b, IOMMU_HWPT_GET_DIRTY_BITMAP, &cmd);
		return r < 0 && r != -EFAULT ? r : -EMSGSIZE;
	}
	bits = calloc(bytes / 8 + 1, sizeof(*bits));
	if (!bits)
		return -ENOMEM;
	cmd.data = address(bits);
	r = kernel_iommufd(b, IOMMU_HWPT_GET_DIRTY_BITMAP, &cmd);
	if (r < 0)
		return r;
	d->out_len = bytes;
	if (bytes)
		memcpy(d->out, bits, bytes);
	return 0;
}

int kernel_device_hwinfo(struct backend *b, struct op_device_hwinfo *op, struct op_data *d)
{
	struct iommu_hw_info cmd = {
		.size = sizeof(cmd),
		.flags = op->in_type ? IOMMU_HW_INFO_FLAG_INPUT_TYPE : 0,
		.data_len = d->out_cap,
		.data_uptr = address(d->out),
		.in_data_type = op->in_type,
	};
	int r = kernel_device_id(b, op->handle, &cmd.dev_id);

	r = r < 0 ? r : kernel_iommufd(b, IOMMU_GET_HW_INFO, &cmd);
	if (r < 0)
		return r;
	op->ret_type = cmd.out_data_type;
	op->ret_max_pasid_log2 = cmd.out_max_pasid_log2;
	op->ret_capabilities = cmd.out_capabilities;
	op->ret_data_len = cmd.data_len;
	d->out_len = MIN(cmd.data_len, d->out_cap);
	return 0;
}

/* --- virtual IOMMUs --------------------------------------------------------------------------------------------- */

/* The driver's data comes back where it was taken from. */
int kernel_viommu_alloc(struct backend *b, struct op_viommu_alloc *op, struct op_data *d)
{
	_cleanup_free_ uint8_t *data = calloc(1, d->in_len + 1);
	struct iommu_viommu_alloc cmd = {
		.size = sizeof(cmd),
		.flags = op->flags,
		.type = op->type,
		.hwpt_id = op->hwpt_id,
		.data_len = d->in_len,
		.data_uptr = d->in_len ? address(data) : 0,
	};
	int r = data ? kernel_device_id(b, op->handle, &cmd.dev_id) : -ENOMEM;

	if (r < 0)
		return r;
	if (d->in_len)
		memcpy(data, d->in, d->in_len);
	r = kernel_iommufd(b, IOMMU_VIOMMU_ALLOC, &cmd);
	if (r < 0)
		return r;
	op->ret_id = cmd.out_viommu_id;
	d->out_len = d->in_len;
	if (d->out)
		memcpy(d->out, data, MIN(d->out_len, d->out_cap));
	return 0;
}

int kernel_vdevice_alloc(struct backend *b, struct op_vdevice_alloc *op, _unused_ struct op_data *d)
{
	struct iommu_vdevice_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = op->viommu_id,
		.virt_id = op->virt_id,
	};
	int r = kernel_device_id(b, op->handle, &cmd.dev_id);

	r = r < 0 ? r : kernel_iommufd(b, IOMMU_VDEVICE_ALLOC, &cmd);
	if (r < 0)
		return r;
	op->ret_id = cmd.out_vdevice_id;
	return 0;
}

int kernel_hwqueue_alloc(struct backend *b, struct op_hwqueue_alloc *op, _unused_ struct op_data *d)
{
	struct iommu_hw_queue_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = op->viommu_id,
		.type = op->type,
		.index = op->index,
		.nesting_parent_iova = op->base,
		.length = op->length,
	};
	int r = kernel_iommufd(b, IOMMU_HW_QUEUE_ALLOC, &cmd);

	if (r < 0)
		return r;
	op->ret_id = cmd.out_hw_queue_id;
	return 0;
}

/* --- the end of an object --------------------------------------------------------------------------------------- */

int kernel_destroy_id(struct backend *b, uint32_t id)
{
	struct iommu_destroy cmd = { .size = sizeof(cmd), .id = id };

	return kernel_iommufd(b, IOMMU_DESTROY, &cmd);
}

int kernel_destroy(struct backend *b, struct op_destroy *op, _unused_ struct op_data *d)
{
	struct kernel_objects *o = kernel_objects(b);
	struct kernel_device *mock = kernel_find_mock(o, op->id);
	int r = kernel_release_queue(o, op->id);

	if (mock)
		kernel_mock_detach_pasids(o, mock);
	r = r < 0 ? r : kernel_destroy_id(b, op->id);
	if (r < 0)
		return r;
	object_gone(o, op->id);
	return 0;
}
