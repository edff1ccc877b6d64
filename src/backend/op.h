/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operations on iommufd and VFIO objects: one struct an operation, its arguments and its results. Kernel-shaped, so that
 * the kernel, the model and a session answer alike: object ids are the kernel's, results are 0 or a negative errno.
 *
 * No operation has a pointer in it: a session sends the struct as it is. What does not fit into one travels beside it, in a
 * struct op_data. Fields named ret_* are results, set on success only; ioas_map's iova and the like are in and out.
 *
 * Facts: include/uapi/linux/iommufd.h, include/uapi/linux/vfio.h of the kernel; the declarations are in src/abi.
 */
#ifndef IOMMUCTL_BACKEND_OP_H
#define IOMMUCTL_BACKEND_OP_H

#include <stdint.h>

#include "base/util.h"

/* [A-Za-z][A-Za-z0-9_-]{0,31} and a NUL, and the room that keeps structs free of holes. */
#define OP_NAME_MAX 32
typedef char op_name[OP_NAME_MAX + 8];

/* A device as in sysfs: "pci", "0000:01:00.0"; or "mock" and any name. */
typedef char op_bus[16];
typedef char op_dev[64];

/*
 * What goes beside an operation. @in is read; @out is filled up to @out_cap, and @out_len says how much there was. @fd_in is
 * lent; @fd_out is a new descriptor, the caller's to close.
 */
struct op_data {
	const void *in;
	size_t in_len;
	void *out;
	size_t out_cap, out_len;
	int fd_in, fd_out;
};

#define OP_DATA_NONE ((struct op_data){ .fd_in = -1, .fd_out = -1 })

/* --- what this kernel has ------------------------------------------------------------------------------------- */

/* Whether the iommufd ioctl with this number (0x80…) is there: 0, -ENOTTY; -ENOENT no /dev/iommu. */
struct op_probe {
	uint32_t nr, pad;
};

/* --- devices -------------------------------------------------------------------------------------------------- */

enum {
	OP_OPEN_NO_BIND = 1 << 0, /* the descriptor only: who gets it binds it */
	OP_OPEN_LEGACY = 1 << 1,  /* group and container, type1 */
	/* of the kernel's selftest device only */
	OP_OPEN_MOCK_NO_DIRTY = 1 << 8,
	OP_OPEN_MOCK_PASID = 1 << 9,
};

/*
 * In every operation a handle that names no device is -ENODEV; one whose device is not bound to the iommufd counts there as object
 * 0, which is the kernel's -ENOENT, but for attach and detach: VFIO's -EINVAL.
 *
 * Opens a device and, unless told not to, binds it to the iommufd of this backend. Opening resets it. Bus "mock": a new device of
 * the kernel's selftest driver, which the kernel attaches at once, to @pt_id or, when that is 0, to an IOAS that is made for
 * it and goes with it. -ENODEV: no such device; -ENOENT: it has no node, for want of a VFIO driver, or of a kernel that gives it one;
 * -EINVAL: what is no name. The rest is the kernel's.
 */
struct op_device_open {
	op_name name;
	op_bus bus;
	op_dev dev;
	uint32_t flags;
	uint32_t pt_id;
	uint32_t ret_handle;  /* names the device in all other operations; never 0 */
	uint32_t ret_dev_id;  /* its object id in the iommufd; 0 not bound */
	uint32_t ret_hwpt_id; /* mock: what it is attached to; else 0 */
	uint32_t group;	      /* as the caller knows it, OP_NO_GROUP: not; for the workspace's table alone */
};

#define OP_NO_GROUP UINT32_MAX

struct op_device_close {
	uint32_t handle, pad;
};

enum { OP_ATTACH_PASID = 1 << 0 };

/*
 * Attaches, or replaces when it is attached already. @pt_id: an hwpt, or an IOAS, which becomes the hwpt that was found or made. A mock
 * device is never without a page table: detaching it, but for a PASID, is -EOPNOTSUPP.
 */
struct op_device_attach {
	uint32_t handle, flags, pasid, pt_id;
};

struct op_device_detach {
	uint32_t handle, flags, pasid, pad;
};

/* GET_HW_INFO. @out: the data, whose kind is @ret_type. */
struct op_device_hwinfo {
	uint32_t handle;
	uint32_t in_type; /* 0: whatever there is */
	uint32_t ret_type;
	uint32_t ret_max_pasid_log2;
	uint64_t ret_capabilities;
	uint32_t ret_data_len; /* the kernel's, may be more than what was asked for */
	uint32_t pad;
};

enum { OP_IRQ_ARM, OP_IRQ_OFF, OP_IRQ_READ };

/*
 * One MSI-X vector of a device, or MSI where it has no MSI-X. Read: how often it came in since the last time; never waits. -EINVAL: the
 * device has no such vector, or it is not armed; -EBUSY: it is armed already; -EOPNOTSUPP: a mock.
 */
struct op_device_irq {
	uint32_t handle, what, vector, pad;
	uint64_t ret_count;
};

/*
 * Reads or writes 1, 2, 4 or 8 bytes of a region of the device (VFIO_PCI_BAR0_REGION_INDEX and so on). -EINVAL: not in it;
 * -EOPNOTSUPP: a mock.
 */
struct op_device_region {
	uint32_t handle, index, width, write;
	uint64_t offset;
	uint64_t value;
};

/* fd_out: a duplicate of the device's descriptor, or with handle 0 that of /dev/iommu. */
struct op_device_fd {
	uint32_t handle, pad;
};

/* Type1 container of a device opened with OP_OPEN_LEGACY: memory of the backend's own, as in op_ioas_map. */
struct op_legacy_map {
	uint32_t handle, flags;
	uint64_t iova, length;
};

struct op_legacy_unmap {
	uint32_t handle, pad;
	uint64_t iova, length;
	uint64_t ret_length;
};

/* --- address spaces ------------------------------------------------------------------------------------------- */

struct op_ioas_alloc {
	op_name name;
	uint32_t flags;
	uint32_t ret_id;
};

enum { OP_MAP_FIXED = 1, OP_MAP_WRITE = 2, OP_MAP_READ = 4 }; /* the kernel's IOMMU_IOAS_MAP_* */

/*
 * Maps @length bytes of memory that the backend owns until the last map of it is gone; or, with @fd_in, that much of a file from
 * @offset (IOAS_MAP_FILE where the kernel has it, else mmap). @iova is in with OP_MAP_FIXED, and out. -EACCES: OP_MAP_WRITE on a file that
 * is not open for reading and writing.
 */
struct op_ioas_map {
	uint32_t ioas_id, flags;
	uint64_t iova, length, offset;
};

struct op_ioas_unmap {
	uint32_t ioas_id, pad;
	uint64_t iova, length; /* 0, UINT64_MAX: all */
	uint64_t ret_length;
};

struct op_ioas_copy {
	uint32_t dst_ioas_id, src_ioas_id, flags, pad;
	uint64_t length, dst_iova, src_iova;
};

/* @out: struct op_range, all of them that fit; @ret_n says how many there are. */
struct op_range {
	uint64_t start, last;
};

struct op_ioas_ranges {
	uint32_t ioas_id, ret_n;
	uint64_t ret_alignment;
};

/* @in: struct op_range; none takes the list away. */
struct op_ioas_allow {
	uint32_t ioas_id, pad;
};

struct op_option {
	uint32_t option, set; /* IOMMU_OPTION_*; 1 set, 0 get */
	uint32_t object_id, pad;
	uint64_t value;
};

/* IOAS_CHANGE_PROCESS: pinned memory is accounted to who asks. */
struct op_change_process {
	uint32_t pad[2];
};

enum { OP_VFIO_IOAS_GET, OP_VFIO_IOAS_SET, OP_VFIO_IOAS_CLEAR };

struct op_vfio_ioas {
	uint32_t what, ioas_id;
};

/* --- page tables ---------------------------------------------------------------------------------------------- */

/* @in: the data of @data_type. Flags: IOMMU_HWPT_ALLOC_*. */
struct op_hwpt_alloc {
	op_name name;
	uint32_t handle, flags;
	uint32_t pt_id; /* an IOAS, a parent hwpt, or a viommu */
	uint32_t data_type;
	uint32_t fault_id;
	uint32_t ret_id;
};

/* @in: @n entries of @entry_len bytes. @ret_done is set on failure too. */
struct op_hwpt_invalidate {
	uint32_t id; /* nested hwpt, or viommu */
	uint32_t data_type, entry_len, n;
	uint32_t ret_done, pad;
};

struct op_dirty_set {
	uint32_t hwpt_id, enable;
};

/* @out: a bitmap, one bit a page of @page_size, zeroed before. -EMSGSIZE: there is no room for it, and nothing was cleared. */
struct op_dirty_get {
	uint32_t hwpt_id, flags;
	uint64_t iova, length, page_size;
};

/* --- virtual IOMMUs ------------------------------------------------------------------------------------------- */

/* @in, @out: the driver's data of @type, where it has any. */
struct op_viommu_alloc {
	op_name name;
	uint32_t handle, flags, type, hwpt_id;
	uint32_t ret_id, pad;
};

struct op_vdevice_alloc {
	op_name name;
	uint32_t viommu_id, handle;
	uint64_t virt_id;
	uint32_t ret_id, pad;
};

struct op_hwqueue_alloc {
	op_name name;
	uint32_t viommu_id, type, index, pad;
	uint64_t base, length;
	uint32_t ret_id, pad2;
};

struct op_veventq_alloc {
	op_name name;
	uint32_t viommu_id, type, depth, ret_id;
};

/* @out: what was queued, as the kernel wrote it: header and data of each event; none is not an error. Never waits. */
struct op_veventq_read {
	uint32_t id, pad;
};

/* --- fault queues --------------------------------------------------------------------------------------------- */

struct op_faultq_alloc {
	op_name name;
	uint32_t ret_id;
	uint32_t hold_ms; /* how long a workspace keeps a group that nobody answers; 0: its default */
};

/*
 * @out: struct iommu_hwpt_pgfault of src/abi, whole groups, oldest first; none is not an error. Never waits. A group that was
 * read is gone from the kernel's queue: only its cookie answers it. -EMSGSIZE: less room than OP_FAULT_ROOM; with that much a
 * group always fits, as its index has nine bits.
 */
#define OP_FAULT_ROOM (512 * 40)

struct op_faultq_read {
	uint32_t id, pad;
};

struct op_faultq_respond {
	uint32_t id, cookie, code, pad;
};

/* --- objects -------------------------------------------------------------------------------------------------- */

struct op_destroy {
	uint32_t id, pad;
};

/*
 * Any iommufd ioctl with any bytes: @in is copied, the ioctl made, the bytes come back in @out, on errors too. For tests of an ABI's
 * edges. No bytes: an address that cannot be read. Behind them are zeroes to the end of a page, and then nothing to be read.
 */
struct op_raw {
	uint32_t nr, pad;
};

/* --- the kernel's selftest device ----------------------------------------------------------------------------- */

struct op_mock_reserved {
	uint32_t ioas_id, pad;
	uint64_t start, length;
};

/* A page request of a mock device. The selftest driver always sets the last-page flag. */
struct op_mock_fault {
	uint32_t handle, pasid, grpid, perm;
	uint64_t addr;
};

/* Marks pages dirty, as a device's writes would. @in: a bitmap, one bit a page of @page_size. */
struct op_mock_dirty {
	uint32_t hwpt_id, pad;
	uint64_t iova, length, page_size;
	uint64_t ret_n;
};

/* -EINVAL unless slot @index of a nested hwpt's mock IOTLB has the value. */
struct op_mock_iotlb {
	uint32_t hwpt_id, index, value, pad;
};

/* The same for a device's mock cache. */
struct op_mock_cache {
	uint32_t handle, index, value, pad;
};

struct op_mock_event {
	uint32_t handle, pad;
};

/* fd_out: one that polls readable while the kernel has something in this fault or event queue; never to be read from. */
struct op_queue_fd {
	uint32_t id, pad;
};

/* --- what only a workspace has (backend/workspace.h) ---------------------------------------------------------- */

enum op_kind {
	OP_KIND_NONE,
	OP_KIND_DEVICE,
	OP_KIND_IOAS,
	OP_KIND_HWPT,
	OP_KIND_VIOMMU,
	OP_KIND_VDEVICE,
	OP_KIND_VEVENTQ,
	OP_KIND_HWQUEUE,
	OP_KIND_FAULTQ,
	OP_KIND_MAX
};

enum {
	OP_OBJECT_AUTO = 1 << 0,   /* made by an attach to an IOAS, and goes with its last user */
	OP_OBJECT_LEGACY = 1 << 1, /* a device of a type1 container */
	OP_OBJECT_MOCK = 1 << 2,
	OP_OBJECT_UNBOUND = 1 << 3, /* a device that was opened only */
};

/* One object and what it hangs on. Ids are the kernel's; 0 where there is none. */
struct op_object {
	op_name name;
	op_bus bus; /* device */
	op_dev dev;
	uint32_t kind, id, handle, flags; /* handle: of a device, or of the device that it was made for */
	uint32_t parent;   /* hwpt: ioas, hwpt or viommu; viommu: hwpt; vdevice, veventq, hwqueue: viommu */
	uint32_t ioas;	   /* hwpt, viommu: the address space at the end of the parents */
	uint32_t fault_id; /* hwpt */
	uint32_t type, alloc_flags; /* as given when it was made */
	uint32_t group;	   /* device; OP_NO_GROUP */
	uint32_t pending, expired; /* faultq: groups that wait for an answer; those answered invalid by the deadline */
	uint64_t virt_id;  /* vdevice */
	uint64_t maps, bytes; /* ioas, legacy device */
};

/* By @name, or where that is empty by @id of the iommufd, or by @handle. -ENOENT. */
struct op_object_find {
	op_name name;
	uint32_t id, handle;
	struct op_object ret;
};

/* @out: struct op_object, in the order in which they were made, all that fit. */
struct op_object_list {
	uint32_t ret_n, pad;
};

enum { OP_LINK_PASID = 1 << 0 };

struct op_link {
	uint32_t handle, flags, pasid, hwpt_id;
};

/* Who is attached to what. @out: struct op_link. */
struct op_link_list {
	uint32_t ret_n, pad;
};

enum { OP_MAP_OF_FILE = 1 << 8, OP_MAP_COPY = 1 << 9 };

struct op_map {
	uint64_t iova, length;
	uint32_t flags, pad; /* OP_MAP_* */
};

/* The maps of an ioas, or of a legacy device by @handle, by address. @out: struct op_map, those from @from on that fit. */
struct op_map_list {
	uint32_t ioas_id, handle;
	uint64_t from;
	uint64_t ret_n; /* in all */
};

/*
 * A copy of the oldest page request group that nobody has taken, and from now on the asker's to answer with
 * faultq_respond: when it goes without a word, or after @hold_ms, the answer is invalid. @out: struct iommu_hwpt_pgfault.
 * -EAGAIN: there is none; in a session that is said only after @wait_ms.
 */
struct op_fault_take {
	uint32_t id, hold_ms, wait_ms, ret_n;
};

enum op_act_what {
	OP_ACT_OVERRIDE,
	OP_ACT_UNBIND,
	OP_ACT_BIND,
	OP_ACT_MODULE,
	OP_ACT_MODULE_OPTIONS,
	OP_ACT_WATCH_NODES,
	OP_ACT_WAIT_NODE,
	OP_ACT_GROUP_TYPE,
	OP_ACT_VFS,
	OP_ACT_VF_AUTOPROBE,
};

/* The operations above that take strings, for a session: @arg is the driver, module, node or type. @out: the module's options. */
struct op_act {
	uint32_t what, has_arg;
	op_bus bus;
	op_dev dev, arg;
	uint32_t number;
	int32_t timeout_ms, ret_pid;
	uint32_t pad;
};

enum op_fact_what { OP_FACT_READ, OP_FACT_READLINK, OP_FACT_LIST, OP_FACT_EXISTS, OP_FACT_SECTION, OP_FACT_ORIGIN };

/*
 * A fact of the session's own source, where that is not the running machine. @in: the path. @out: a file's bytes, a link's text; for a
 * directory one byte (1 link, 2 directory), the name and a NUL each; a section's JSON; the source's name, host and boot id, each
 * with a NUL.
 */
struct op_fact {
	uint32_t what, section;
	uint64_t ret_len; /* may be more than was asked for */
};

/*
 * Every operation, once: the vtable, the callers below, and the frames of a session are made from this list. A name at the end is
 * never moved: its place is its number on the wire.
 */
#define BACKEND_OPS(OP)                                                                                          \
	OP(probe) OP(device_open) OP(device_close) OP(device_attach) OP(device_detach) OP(device_hwinfo)         \
	OP(device_irq) OP(device_region) OP(device_fd) OP(legacy_map) OP(legacy_unmap)                           \
	OP(ioas_alloc) OP(ioas_map) OP(ioas_unmap) OP(ioas_copy) OP(ioas_ranges) OP(ioas_allow)                  \
	OP(option) OP(change_process) OP(vfio_ioas)                                                              \
	OP(hwpt_alloc) OP(hwpt_invalidate) OP(dirty_set) OP(dirty_get)                                           \
	OP(viommu_alloc) OP(vdevice_alloc) OP(hwqueue_alloc) OP(veventq_alloc) OP(veventq_read)                  \
	OP(faultq_alloc) OP(faultq_read) OP(faultq_respond) OP(destroy) OP(raw)                                  \
	OP(mock_reserved) OP(mock_fault) OP(mock_dirty) OP(mock_iotlb) OP(mock_cache) OP(mock_event)             \
	OP(queue_fd) OP(object_find) OP(object_list) OP(link_list) OP(map_list) OP(fault_take) OP(act) OP(fact)

enum op_nr {
#define OP(x) OP_##x,
	BACKEND_OPS(OP)
#undef OP
	OP_MAX
};

#endif
