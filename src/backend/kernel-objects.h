/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel backend keeps for the operations of op.h: descriptors, and memory that is mapped. Names, relations
 * and who waits for what are a workspace's; here is only what must not be lost while the kernel uses it.
 */
#ifndef IOMMUCTL_BACKEND_KERNEL_OBJECTS_H
#define IOMMUCTL_BACKEND_KERNEL_OBJECTS_H

#include "abi/iommufd.h"
#include "backend/kernel.h"

/* A group that is open the old way, by node and container; its devices share both. */
struct kernel_group {
	uint32_t nr, users;
	int fd, container;
};

/* Vectors of the one kind, MSI or MSI-X, that is in use. */
struct kernel_irqs {
	uint32_t index;	 /* VFIO_PCI_MSI_IRQ_INDEX, … */
	uint32_t enabled; /* so many vectors the kernel has set up */
	VEC(int) fds;	 /* an eventfd each, -1 not armed */
};

struct kernel_device {
	uint32_t handle;
	uint32_t dev_id; /* 0 not bound */
	int fd;		 /* -1: a mock */
	uint32_t stdev;	 /* a mock: its own object id */
	uint32_t ioas;	 /* a mock: the one made for it, else 0 */
	struct kernel_group *group; /* legacy */
	struct kernel_irqs irqs;
	VEC(uint32_t) pasids; /* a mock: where it is attached */
};

/* A fault or event queue. A group that was read and not answered is in cookies. */
struct kernel_queue {
	uint32_t id;
	int fd;
	bool faults;
	VEC(uint32_t) cookies;
};

struct kernel_fault_user {
	uint32_t hwpt_id, fault_id;
};

struct kernel_objects {
	int fd; /* /dev/iommu, -1 not open */
	uint32_t last_handle;
	bool no_map_file;			/* this kernel has no IOAS_MAP_FILE */
	VEC(struct kernel_device *) devices;	/* by handle */
	VEC(struct kernel_group *) groups;
	VEC(struct kernel_queue) queues;
	VEC(struct kernel_fault_user) fault_users; /* page tables with a fault queue */
	void *areas;				/* kernel-memory.c: a tree of what is mapped from our memory */
};

/* The operations of this backend: every one up to and with queue_fd; the rest is a workspace's. */
#define KERNEL_OPS(OP)                                                                                           \
	OP(probe) OP(device_open) OP(device_close) OP(device_attach) OP(device_detach) OP(device_hwinfo)         \
	OP(device_irq) OP(device_region) OP(device_fd) OP(legacy_map) OP(legacy_unmap)                           \
	OP(ioas_alloc) OP(ioas_map) OP(ioas_unmap) OP(ioas_copy) OP(ioas_ranges) OP(ioas_allow)                  \
	OP(option) OP(change_process) OP(vfio_ioas)                                                              \
	OP(hwpt_alloc) OP(hwpt_invalidate) OP(dirty_set) OP(dirty_get)                                           \
	OP(viommu_alloc) OP(vdevice_alloc) OP(hwqueue_alloc) OP(veventq_alloc) OP(veventq_read)                  \
	OP(faultq_alloc) OP(faultq_read) OP(faultq_respond) OP(destroy) OP(raw)                                  \
	OP(mock_reserved) OP(mock_fault) OP(mock_dirty) OP(mock_iotlb) OP(mock_cache) OP(mock_event)             \
	OP(queue_fd)
#define OP(x) int kernel_##x(struct backend *b, struct op_##x *op, struct op_data *d);
KERNEL_OPS(OP)
#undef OP

/* kernel-iommufd.c */

/* Never NULL: without memory the program ends. */
struct kernel_objects *kernel_objects(struct backend *b);

/* An ioctl of VFIO's or iommufd's on @fd: 0 or more, or a negative errno. */
int kernel_ioctl(int fd, unsigned long request, void *arg);

/* The same on /dev/iommu, which is opened when it is not yet: errno of open(2). */
int kernel_iommufd(struct backend *b, unsigned long request, void *arg);
int kernel_iommufd_open(struct backend *b, int *ret_fd);

/* IOMMU_DESTROY of an id. Negative errno. */
int kernel_destroy_id(struct backend *b, uint32_t id);

/* Faults are answered, then devices closed, then /dev/iommu. */
void kernel_close_objects(struct kernel_backend *k);

/* kernel-vfio.c. -ENODEV: no such handle. */
int kernel_find_device(struct backend *b, uint32_t handle, struct kernel_device **ret);
/* Its object id in the iommufd. As kernel_find_device(). */
int kernel_device_id(struct backend *b, uint32_t handle, uint32_t *ret);
/* A mock device by its own object's id; NULL none. */
struct kernel_device *kernel_find_mock(struct kernel_objects *o, uint32_t stdev);
void kernel_forget_device(struct kernel_objects *o, uint32_t handle);
struct kernel_device *kernel_new_device(struct kernel_objects *o);
void kernel_close_devices(struct kernel_objects *o);

/* kernel-irq.c */
void kernel_close_irqs(struct kernel_device *dev);

/* kernel-legacy.c */
int kernel_legacy_open(struct backend *b, const struct op_device_open *op, struct kernel_device *dev);
void kernel_legacy_close(struct kernel_objects *o, struct kernel_group *g);

/* kernel-mock.c */
int kernel_mock_open(struct backend *b, struct op_device_open *op);
int kernel_mock_close(struct backend *b, struct kernel_device *dev);
void kernel_mock_detach_pasids(struct kernel_objects *o, struct kernel_device *dev);
int kernel_mock_attach(struct backend *b, struct kernel_device *dev, struct op_device_attach *op);
int kernel_mock_detach(struct backend *b, struct kernel_device *dev, const struct op_device_detach *op);

/* kernel-queue.c */

/* -EBUSY: a page table uses it; else the queue's descriptor is closed, so that the kernel lets it go. */
int kernel_release_queue(struct kernel_objects *o, uint32_t id);
/* The object is gone. */
void kernel_forget_queue(struct kernel_objects *o, uint32_t id);
void kernel_close_queues(struct kernel_objects *o);

/* kernel-memory.c. A space is an IOAS by its id, or a legacy group. */

struct kernel_block;

static inline uint64_t kernel_space_of_group(uint32_t nr)
{
	return UINT64_C(1) << 32 | nr;
}

/* Memory of our own, zeroed; or @length bytes of a file from @offset. The address is that of the first byte wanted. */
int kernel_block_new(uint64_t length, struct kernel_block **ret, void **ret_va);
int kernel_block_of_file(int fd, uint64_t offset, uint64_t length, bool writable, struct kernel_block **ret,
			 void **ret_va);
void kernel_block_put(struct kernel_block *block);
DEFINE_CLEANUP(struct kernel_block, kernel_block_put);

/* @block is mapped there from now on, and lives as long as any area of it. Takes a reference of its own. */
void kernel_area_add(struct kernel_objects *o, uint64_t space, uint64_t iova, uint64_t length, struct kernel_block *block);
/* Every area that begins in the range is unmapped. @length UINT64_MAX: to the end. */
void kernel_area_drop(struct kernel_objects *o, uint64_t space, uint64_t iova, uint64_t length);
void kernel_close_areas(struct kernel_objects *o);

#endif
