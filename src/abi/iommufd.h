/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iommufd: what can be asked of /dev/iommu. Facts: include/uapi/linux/iommufd.h of Linux 7.2.
 *
 * Every struct begins with its size. The kernel takes a longer one when what it does not know is zero (else E2BIG), and one that
 * is shorter down to a minimum (else EINVAL); an ioctl that it does not have is ENOTTY. So a zeroed struct, whose size is 0, asks
 * whether an ioctl is there: EINVAL yes, ENOTTY no.
 */
#ifndef IOMMUCTL_ABI_IOMMUFD_H
#define IOMMUCTL_ABI_IOMMUFD_H

#include "abi/abi.h"

#if defined(_IOMMUFD_H) || defined(_UAPI_IOMMUFD_H)
#error "linux/iommufd.h is included as well"
#endif

/* --- objects in general --------------------------------------------------------------------------------------- */

struct iommu_destroy {
	uint32_t size;
	uint32_t id;
};
ABI_SIZE(struct iommu_destroy, 8);
ABI_AT(struct iommu_destroy, id, 4);

enum {
	IOMMU_OPTION_RLIMIT_MODE, /* of the whole iommufd: pinned memory counts for 0 the user, 1 the process */
	IOMMU_OPTION_HUGE_PAGES,  /* of an IOAS: 0 maps page by page */
};

enum { IOMMU_OPTION_OP_SET, IOMMU_OPTION_OP_GET };

struct iommu_option {
	uint32_t size;
	uint32_t option_id;
	uint16_t op;
	uint16_t reserved;
	uint32_t object_id;
	abi_u64 val64;
};
ABI_SIZE(struct iommu_option, 24);
ABI_AT(struct iommu_option, op, 8);
ABI_AT(struct iommu_option, object_id, 12);
ABI_AT(struct iommu_option, val64, 16);

enum { IOMMU_VFIO_IOAS_GET, IOMMU_VFIO_IOAS_SET, IOMMU_VFIO_IOAS_CLEAR };

/* The IOAS that VFIO's container interface on an iommufd maps into. */
struct iommu_vfio_ioas {
	uint32_t size;
	uint32_t ioas_id;
	uint16_t op;
	uint16_t reserved;
};
ABI_SIZE(struct iommu_vfio_ioas, 12);
ABI_AT(struct iommu_vfio_ioas, op, 8);

/* Memory pinned through IOAS_MAP_FILE counts for the caller from now on. */
struct iommu_ioas_change_process {
	uint32_t size;
	uint32_t reserved;
};
ABI_SIZE(struct iommu_ioas_change_process, 8);

/* --- address spaces ------------------------------------------------------------------------------------------- */

struct iommu_ioas_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t out_ioas_id;
};
ABI_SIZE(struct iommu_ioas_alloc, 12);
ABI_AT(struct iommu_ioas_alloc, out_ioas_id, 8);

/* @last is in the range. */
struct iommu_iova_range {
	abi_u64 start;
	abi_u64 last;
};
ABI_SIZE(struct iommu_iova_range, 16);
ABI_AT(struct iommu_iova_range, last, 8);

/* @num_iovas: in what there is room for, out what there is; EMSGSIZE when that is more. */
struct iommu_ioas_iova_ranges {
	uint32_t size;
	uint32_t ioas_id;
	uint32_t num_iovas;
	uint32_t reserved;
	abi_u64 allowed_iovas;
	abi_u64 out_iova_alignment;
};
ABI_SIZE(struct iommu_ioas_iova_ranges, 32);
ABI_AT(struct iommu_ioas_iova_ranges, num_iovas, 8);
ABI_AT(struct iommu_ioas_iova_ranges, allowed_iovas, 16);
ABI_AT(struct iommu_ioas_iova_ranges, out_iova_alignment, 24);

struct iommu_ioas_allow_iovas {
	uint32_t size;
	uint32_t ioas_id;
	uint32_t num_iovas;
	uint32_t reserved;
	abi_u64 allowed_iovas;
};
ABI_SIZE(struct iommu_ioas_allow_iovas, 24);
ABI_AT(struct iommu_ioas_allow_iovas, num_iovas, 8);
ABI_AT(struct iommu_ioas_allow_iovas, allowed_iovas, 16);

/* Of map, map file and copy. Without FIXED_IOVA the kernel chooses and writes @iova. */
enum {
	IOMMU_IOAS_MAP_FIXED_IOVA = 1 << 0,
	IOMMU_IOAS_MAP_WRITEABLE = 1 << 1,
	IOMMU_IOAS_MAP_READABLE = 1 << 2,
};

struct iommu_ioas_map {
	uint32_t size;
	uint32_t flags;
	uint32_t ioas_id;
	uint32_t reserved;
	abi_u64 user_va;
	abi_u64 length;
	abi_u64 iova;
};
ABI_SIZE(struct iommu_ioas_map, 40);
ABI_AT(struct iommu_ioas_map, ioas_id, 8);
ABI_AT(struct iommu_ioas_map, user_va, 16);
ABI_AT(struct iommu_ioas_map, length, 24);
ABI_AT(struct iommu_ioas_map, iova, 32);

struct iommu_ioas_map_file {
	uint32_t size;
	uint32_t flags;
	uint32_t ioas_id;
	int32_t fd;
	abi_u64 start;
	abi_u64 length;
	abi_u64 iova;
};
ABI_SIZE(struct iommu_ioas_map_file, 40);
ABI_AT(struct iommu_ioas_map_file, fd, 12);
ABI_AT(struct iommu_ioas_map_file, start, 16);
ABI_AT(struct iommu_ioas_map_file, length, 24);
ABI_AT(struct iommu_ioas_map_file, iova, 32);

struct iommu_ioas_copy {
	uint32_t size;
	uint32_t flags;
	uint32_t dst_ioas_id;
	uint32_t src_ioas_id;
	abi_u64 length;
	abi_u64 dst_iova;
	abi_u64 src_iova;
};
ABI_SIZE(struct iommu_ioas_copy, 40);
ABI_AT(struct iommu_ioas_copy, dst_ioas_id, 8);
ABI_AT(struct iommu_ioas_copy, src_ioas_id, 12);
ABI_AT(struct iommu_ioas_copy, length, 16);
ABI_AT(struct iommu_ioas_copy, dst_iova, 24);
ABI_AT(struct iommu_ioas_copy, src_iova, 32);

/* @length: in and out, what was unmapped. 0 and UINT64_MAX: everything. */
struct iommu_ioas_unmap {
	uint32_t size;
	uint32_t ioas_id;
	abi_u64 iova;
	abi_u64 length;
};
ABI_SIZE(struct iommu_ioas_unmap, 24);
ABI_AT(struct iommu_ioas_unmap, iova, 8);
ABI_AT(struct iommu_ioas_unmap, length, 16);

/* --- what a device's IOMMU can -------------------------------------------------------------------------------- */

enum {
	IOMMU_HW_INFO_TYPE_NONE = 0,
	IOMMU_HW_INFO_TYPE_INTEL_VTD = 1,
	IOMMU_HW_INFO_TYPE_ARM_SMMUV3 = 2,
	IOMMU_HW_INFO_TYPE_TEGRA241_CMDQV = 3,
	IOMMU_HW_INFO_TYPE_AMD = 4,
};

/* hw_info flags: in_data_type says which data is wanted. */
enum { IOMMU_HW_INFO_FLAG_INPUT_TYPE = 1 << 0 };

enum {
	IOMMU_HW_CAP_DIRTY_TRACKING = 1 << 0,
	IOMMU_HW_CAP_PCI_PASID_EXEC = 1 << 1,
	IOMMU_HW_CAP_PCI_PASID_PRIV = 1 << 2,
	IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED = 1 << 3,
};

/* VT-d flags: erratum 772415, no read-only mapping below a nest parent. */
enum { IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17 = 1 << 0 };

struct iommu_hw_info_vtd {
	uint32_t flags;
	uint32_t reserved;
	abi_u64 cap_reg;
	abi_u64 ecap_reg;
};
ABI_SIZE(struct iommu_hw_info_vtd, 24);
ABI_AT(struct iommu_hw_info_vtd, cap_reg, 8);
ABI_AT(struct iommu_hw_info_vtd, ecap_reg, 16);

struct iommu_hw_info_arm_smmuv3 {
	uint32_t flags;
	uint32_t reserved;
	uint32_t idr[6];
	uint32_t iidr;
	uint32_t aidr;
};
ABI_SIZE(struct iommu_hw_info_arm_smmuv3, 40);
ABI_AT(struct iommu_hw_info_arm_smmuv3, idr, 8);
ABI_AT(struct iommu_hw_info_arm_smmuv3, iidr, 32);
ABI_AT(struct iommu_hw_info_arm_smmuv3, aidr, 36);

struct iommu_hw_info_tegra241_cmdqv {
	uint32_t flags;
	uint8_t version;
	uint8_t log2vcmdqs;
	uint8_t log2vsids;
	uint8_t reserved;
};
ABI_SIZE(struct iommu_hw_info_tegra241_cmdqv, 8);
ABI_AT(struct iommu_hw_info_tegra241_cmdqv, version, 4);
ABI_AT(struct iommu_hw_info_tegra241_cmdqv, log2vcmdqs, 5);
ABI_AT(struct iommu_hw_info_tegra241_cmdqv, log2vsids, 6);

struct iommu_hw_info_amd {
	abi_u64 efr;
	abi_u64 efr2;
};
ABI_SIZE(struct iommu_hw_info_amd, 16);
ABI_AT(struct iommu_hw_info_amd, efr2, 8);

/* @data_len: in the room, out what the kernel has, which may be more. */
struct iommu_hw_info {
	uint32_t size;
	uint32_t flags;
	uint32_t dev_id;
	uint32_t data_len;
	abi_u64 data_uptr;
	union {
		uint32_t in_data_type;
		uint32_t out_data_type;
	};
	uint8_t out_max_pasid_log2;
	uint8_t reserved[3];
	abi_u64 out_capabilities;
};
ABI_SIZE(struct iommu_hw_info, 40);
ABI_AT(struct iommu_hw_info, dev_id, 8);
ABI_AT(struct iommu_hw_info, data_len, 12);
ABI_AT(struct iommu_hw_info, data_uptr, 16);
ABI_AT(struct iommu_hw_info, in_data_type, 24);
ABI_AT(struct iommu_hw_info, out_data_type, 24);
ABI_AT(struct iommu_hw_info, out_max_pasid_log2, 28);
ABI_AT(struct iommu_hw_info, out_capabilities, 32);

/* --- page tables ---------------------------------------------------------------------------------------------- */

enum {
	IOMMU_HWPT_ALLOC_NEST_PARENT = 1 << 0,
	IOMMU_HWPT_ALLOC_DIRTY_TRACKING = 1 << 1,
	IOMMU_HWPT_FAULT_ID_VALID = 1 << 2,
	IOMMU_HWPT_ALLOC_PASID = 1 << 3,
};

enum {
	IOMMU_HWPT_DATA_NONE = 0,
	IOMMU_HWPT_DATA_VTD_S1 = 1,
	IOMMU_HWPT_DATA_ARM_SMMUV3 = 2,
	IOMMU_HWPT_DATA_AMD_GUEST = 3,
};

enum { IOMMU_VTD_S1_SRE = 1 << 0, IOMMU_VTD_S1_EAFE = 1 << 1, IOMMU_VTD_S1_WPE = 1 << 2 };

struct iommu_hwpt_vtd_s1 {
	abi_u64 flags;
	abi_u64 pgtbl_addr;
	uint32_t addr_width;
	uint32_t reserved;
};
ABI_SIZE(struct iommu_hwpt_vtd_s1, 24);
ABI_AT(struct iommu_hwpt_vtd_s1, pgtbl_addr, 8);
ABI_AT(struct iommu_hwpt_vtd_s1, addr_width, 16);

/* The first two double words of a stream table entry, little-endian. */
struct iommu_hwpt_arm_smmuv3 {
	abi_u64 ste[2];
};
ABI_SIZE(struct iommu_hwpt_arm_smmuv3, 16);

/* A guest's device table entry. */
struct iommu_hwpt_amd_guest {
	abi_u64 dte[4];
};
ABI_SIZE(struct iommu_hwpt_amd_guest, 32);

/* @pt_id: an IOAS, a nest parent, or a viommu. @fault_id counts with IOMMU_HWPT_FAULT_ID_VALID. */
struct iommu_hwpt_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t dev_id;
	uint32_t pt_id;
	uint32_t out_hwpt_id;
	uint32_t reserved;
	uint32_t data_type;
	uint32_t data_len;
	abi_u64 data_uptr;
	uint32_t fault_id;
	uint32_t reserved2;
};
ABI_SIZE(struct iommu_hwpt_alloc, 48);
ABI_AT(struct iommu_hwpt_alloc, dev_id, 8);
ABI_AT(struct iommu_hwpt_alloc, pt_id, 12);
ABI_AT(struct iommu_hwpt_alloc, out_hwpt_id, 16);
ABI_AT(struct iommu_hwpt_alloc, data_type, 24);
ABI_AT(struct iommu_hwpt_alloc, data_len, 28);
ABI_AT(struct iommu_hwpt_alloc, data_uptr, 32);
ABI_AT(struct iommu_hwpt_alloc, fault_id, 40);

enum { IOMMU_HWPT_DIRTY_TRACKING_ENABLE = 1 };

struct iommu_hwpt_set_dirty_tracking {
	uint32_t size;
	uint32_t flags;
	uint32_t hwpt_id;
	uint32_t reserved;
};
ABI_SIZE(struct iommu_hwpt_set_dirty_tracking, 16);
ABI_AT(struct iommu_hwpt_set_dirty_tracking, hwpt_id, 8);

enum { IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR = 1 };

/* @data: one bit a page of @page_size, least significant first. The kernel only sets bits. */
struct iommu_hwpt_get_dirty_bitmap {
	uint32_t size;
	uint32_t hwpt_id;
	uint32_t flags;
	uint32_t reserved;
	abi_u64 iova;
	abi_u64 length;
	abi_u64 page_size;
	abi_u64 data;
};
ABI_SIZE(struct iommu_hwpt_get_dirty_bitmap, 48);
ABI_AT(struct iommu_hwpt_get_dirty_bitmap, hwpt_id, 4);
ABI_AT(struct iommu_hwpt_get_dirty_bitmap, flags, 8);
ABI_AT(struct iommu_hwpt_get_dirty_bitmap, iova, 16);
ABI_AT(struct iommu_hwpt_get_dirty_bitmap, length, 24);
ABI_AT(struct iommu_hwpt_get_dirty_bitmap, page_size, 32);
ABI_AT(struct iommu_hwpt_get_dirty_bitmap, data, 40);

enum {
	IOMMU_HWPT_INVALIDATE_DATA_VTD_S1 = 0,
	IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3 = 1,
};

enum { IOMMU_VTD_INV_FLAGS_LEAF = 1 << 0 };

/* @npages UINT64_MAX with @addr 0: everything. */
struct iommu_hwpt_vtd_s1_invalidate {
	abi_u64 addr;
	abi_u64 npages;
	uint32_t flags;
	uint32_t reserved;
};
ABI_SIZE(struct iommu_hwpt_vtd_s1_invalidate, 24);
ABI_AT(struct iommu_hwpt_vtd_s1_invalidate, npages, 8);
ABI_AT(struct iommu_hwpt_vtd_s1_invalidate, flags, 16);

/* One command, little-endian, with the guest's ids. */
struct iommu_viommu_arm_smmuv3_invalidate {
	abi_u64 cmd[2];
};
ABI_SIZE(struct iommu_viommu_arm_smmuv3_invalidate, 16);

/* @entry_num: in and out, how many were done, on errors too. @hwpt_id: a nested hwpt, or a viommu. */
struct iommu_hwpt_invalidate {
	uint32_t size;
	uint32_t hwpt_id;
	abi_u64 data_uptr;
	uint32_t data_type;
	uint32_t entry_len;
	uint32_t entry_num;
	uint32_t reserved;
};
ABI_SIZE(struct iommu_hwpt_invalidate, 32);
ABI_AT(struct iommu_hwpt_invalidate, hwpt_id, 4);
ABI_AT(struct iommu_hwpt_invalidate, data_uptr, 8);
ABI_AT(struct iommu_hwpt_invalidate, data_type, 16);
ABI_AT(struct iommu_hwpt_invalidate, entry_len, 20);
ABI_AT(struct iommu_hwpt_invalidate, entry_num, 24);

/* --- page requests -------------------------------------------------------------------------------------------- */

enum { IOMMU_PGFAULT_FLAGS_PASID_VALID = 1 << 0, IOMMU_PGFAULT_FLAGS_LAST_PAGE = 1 << 1 };

enum {
	IOMMU_PGFAULT_PERM_READ = 1 << 0,
	IOMMU_PGFAULT_PERM_WRITE = 1 << 1,
	IOMMU_PGFAULT_PERM_EXEC = 1 << 2,
	IOMMU_PGFAULT_PERM_PRIV = 1 << 3,
};

/* What is read from a fault queue. Flags of the kernel's own can show (bit 2): mask them. */
struct iommu_hwpt_pgfault {
	uint32_t flags;
	uint32_t dev_id;
	uint32_t pasid;
	uint32_t grpid;
	uint32_t perm;
	uint32_t reserved;
	abi_u64 addr;
	uint32_t length;
	uint32_t cookie;
};
ABI_SIZE(struct iommu_hwpt_pgfault, 40);
ABI_AT(struct iommu_hwpt_pgfault, dev_id, 4);
ABI_AT(struct iommu_hwpt_pgfault, pasid, 8);
ABI_AT(struct iommu_hwpt_pgfault, grpid, 12);
ABI_AT(struct iommu_hwpt_pgfault, perm, 16);
ABI_AT(struct iommu_hwpt_pgfault, addr, 24);
ABI_AT(struct iommu_hwpt_pgfault, length, 32);
ABI_AT(struct iommu_hwpt_pgfault, cookie, 36);

enum { IOMMUFD_PAGE_RESP_SUCCESS, IOMMUFD_PAGE_RESP_INVALID };

/* What is written to it. */
struct iommu_hwpt_page_response {
	uint32_t cookie;
	uint32_t code;
};
ABI_SIZE(struct iommu_hwpt_page_response, 8);
ABI_AT(struct iommu_hwpt_page_response, code, 4);

struct iommu_fault_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t out_fault_id;
	uint32_t out_fault_fd;
};
ABI_SIZE(struct iommu_fault_alloc, 16);
ABI_AT(struct iommu_fault_alloc, out_fault_id, 8);
ABI_AT(struct iommu_fault_alloc, out_fault_fd, 12);

/* --- virtual IOMMUs ------------------------------------------------------------------------------------------- */

enum {
	IOMMU_VIOMMU_TYPE_DEFAULT = 0,
	IOMMU_VIOMMU_TYPE_ARM_SMMUV3 = 1,
	IOMMU_VIOMMU_TYPE_TEGRA241_CMDQV = 2,
};

/* What CMDQV answers: what of /dev/iommu to map, for the guest's command queues. */
struct iommu_viommu_tegra241_cmdqv {
	abi_u64 out_vintf_mmap_offset;
	abi_u64 out_vintf_mmap_length;
};
ABI_SIZE(struct iommu_viommu_tegra241_cmdqv, 16);
ABI_AT(struct iommu_viommu_tegra241_cmdqv, out_vintf_mmap_length, 8);

struct iommu_viommu_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t type;
	uint32_t dev_id;
	uint32_t hwpt_id;
	uint32_t out_viommu_id;
	uint32_t data_len;
	uint32_t reserved;
	abi_u64 data_uptr;
};
ABI_SIZE(struct iommu_viommu_alloc, 40);
ABI_AT(struct iommu_viommu_alloc, type, 8);
ABI_AT(struct iommu_viommu_alloc, dev_id, 12);
ABI_AT(struct iommu_viommu_alloc, hwpt_id, 16);
ABI_AT(struct iommu_viommu_alloc, out_viommu_id, 20);
ABI_AT(struct iommu_viommu_alloc, data_len, 24);
ABI_AT(struct iommu_viommu_alloc, data_uptr, 32);

struct iommu_vdevice_alloc {
	uint32_t size;
	uint32_t viommu_id;
	uint32_t dev_id;
	uint32_t out_vdevice_id;
	abi_u64 virt_id;
};
ABI_SIZE(struct iommu_vdevice_alloc, 24);
ABI_AT(struct iommu_vdevice_alloc, viommu_id, 4);
ABI_AT(struct iommu_vdevice_alloc, dev_id, 8);
ABI_AT(struct iommu_vdevice_alloc, out_vdevice_id, 12);
ABI_AT(struct iommu_vdevice_alloc, virt_id, 16);

enum {
	IOMMU_VEVENTQ_TYPE_DEFAULT = 0,
	IOMMU_VEVENTQ_TYPE_ARM_SMMUV3 = 1,
	IOMMU_VEVENTQ_TYPE_TEGRA241_CMDQV = 2,
};

enum { IOMMU_VEVENTQ_FLAG_LOST_EVENTS = 1 << 0 };

/* Before each event that is read. With LOST_EVENTS no data comes after it. */
struct iommufd_vevent_header {
	uint32_t flags;
	uint32_t sequence;
};
ABI_SIZE(struct iommufd_vevent_header, 8);
ABI_AT(struct iommufd_vevent_header, sequence, 4);

struct iommu_vevent_arm_smmuv3 {
	abi_u64 evt[4];
};
ABI_SIZE(struct iommu_vevent_arm_smmuv3, 32);

struct iommu_vevent_tegra241_cmdqv {
	abi_u64 lvcmdq_err_map[2];
};
ABI_SIZE(struct iommu_vevent_tegra241_cmdqv, 16);

struct iommu_veventq_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t viommu_id;
	uint32_t type;
	uint32_t veventq_depth;
	uint32_t out_veventq_id;
	uint32_t out_veventq_fd;
	uint32_t reserved;
};
ABI_SIZE(struct iommu_veventq_alloc, 32);
ABI_AT(struct iommu_veventq_alloc, viommu_id, 8);
ABI_AT(struct iommu_veventq_alloc, type, 12);
ABI_AT(struct iommu_veventq_alloc, veventq_depth, 16);
ABI_AT(struct iommu_veventq_alloc, out_veventq_id, 20);
ABI_AT(struct iommu_veventq_alloc, out_veventq_fd, 24);

enum {
	IOMMU_HW_QUEUE_TYPE_DEFAULT = 0,
	IOMMU_HW_QUEUE_TYPE_TEGRA241_CMDQV = 1,
};

struct iommu_hw_queue_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t viommu_id;
	uint32_t type;
	uint32_t index;
	uint32_t out_hw_queue_id;
	abi_u64 nesting_parent_iova;
	abi_u64 length;
};
ABI_SIZE(struct iommu_hw_queue_alloc, 40);
ABI_AT(struct iommu_hw_queue_alloc, viommu_id, 8);
ABI_AT(struct iommu_hw_queue_alloc, type, 12);
ABI_AT(struct iommu_hw_queue_alloc, index, 16);
ABI_AT(struct iommu_hw_queue_alloc, out_hw_queue_id, 20);
ABI_AT(struct iommu_hw_queue_alloc, nesting_parent_iova, 24);
ABI_AT(struct iommu_hw_queue_alloc, length, 32);

/* --- the ioctls ----------------------------------------------------------------------------------------------- */

/*
 * Every ioctl once: its name after IOMMU_, its number, its struct, the member that the shortest struct ends with (the table of
 * drivers/iommu/iommufd/main.c), and the first kernel that has it, for words to people only.
 */
#define IOMMUFD_IOCTLS(X)                                                                                        \
	X(DESTROY, 0x80, iommu_destroy, id, "6.2")                                                               \
	X(IOAS_ALLOC, 0x81, iommu_ioas_alloc, out_ioas_id, "6.2")                                                \
	X(IOAS_ALLOW_IOVAS, 0x82, iommu_ioas_allow_iovas, allowed_iovas, "6.2")                                  \
	X(IOAS_COPY, 0x83, iommu_ioas_copy, src_iova, "6.2")                                                     \
	X(IOAS_IOVA_RANGES, 0x84, iommu_ioas_iova_ranges, out_iova_alignment, "6.2")                             \
	X(IOAS_MAP, 0x85, iommu_ioas_map, iova, "6.2")                                                           \
	X(IOAS_UNMAP, 0x86, iommu_ioas_unmap, length, "6.2")                                                     \
	X(OPTION, 0x87, iommu_option, val64, "6.2")                                                              \
	X(VFIO_IOAS, 0x88, iommu_vfio_ioas, reserved, "6.2")                                                     \
	X(HWPT_ALLOC, 0x89, iommu_hwpt_alloc, reserved, "6.6")                                                   \
	X(GET_HW_INFO, 0x8a, iommu_hw_info, reserved, "6.6")                                                     \
	X(HWPT_SET_DIRTY_TRACKING, 0x8b, iommu_hwpt_set_dirty_tracking, reserved, "6.7")                         \
	X(HWPT_GET_DIRTY_BITMAP, 0x8c, iommu_hwpt_get_dirty_bitmap, data, "6.7")                                 \
	X(HWPT_INVALIDATE, 0x8d, iommu_hwpt_invalidate, reserved, "6.8")                                         \
	X(FAULT_QUEUE_ALLOC, 0x8e, iommu_fault_alloc, out_fault_fd, "6.11")                                      \
	X(IOAS_MAP_FILE, 0x8f, iommu_ioas_map_file, iova, "6.13")                                                \
	X(VIOMMU_ALLOC, 0x90, iommu_viommu_alloc, out_viommu_id, "6.13")                                         \
	X(VDEVICE_ALLOC, 0x91, iommu_vdevice_alloc, virt_id, "6.13")                                             \
	X(IOAS_CHANGE_PROCESS, 0x92, iommu_ioas_change_process, reserved, "6.13")                                \
	X(VEVENTQ_ALLOC, 0x93, iommu_veventq_alloc, out_veventq_fd, "6.15")                                      \
	X(HW_QUEUE_ALLOC, 0x94, iommu_hw_queue_alloc, length, "6.17")

#define IOMMUFD_IOCTL(nr) _IO(';', nr)

#define IOMMU_DESTROY IOMMUFD_IOCTL(0x80)
#define IOMMU_IOAS_ALLOC IOMMUFD_IOCTL(0x81)
#define IOMMU_IOAS_ALLOW_IOVAS IOMMUFD_IOCTL(0x82)
#define IOMMU_IOAS_COPY IOMMUFD_IOCTL(0x83)
#define IOMMU_IOAS_IOVA_RANGES IOMMUFD_IOCTL(0x84)
#define IOMMU_IOAS_MAP IOMMUFD_IOCTL(0x85)
#define IOMMU_IOAS_UNMAP IOMMUFD_IOCTL(0x86)
#define IOMMU_OPTION IOMMUFD_IOCTL(0x87)
#define IOMMU_VFIO_IOAS IOMMUFD_IOCTL(0x88)
#define IOMMU_HWPT_ALLOC IOMMUFD_IOCTL(0x89)
#define IOMMU_GET_HW_INFO IOMMUFD_IOCTL(0x8a)
#define IOMMU_HWPT_SET_DIRTY_TRACKING IOMMUFD_IOCTL(0x8b)
#define IOMMU_HWPT_GET_DIRTY_BITMAP IOMMUFD_IOCTL(0x8c)
#define IOMMU_HWPT_INVALIDATE IOMMUFD_IOCTL(0x8d)
#define IOMMU_FAULT_QUEUE_ALLOC IOMMUFD_IOCTL(0x8e)
#define IOMMU_IOAS_MAP_FILE IOMMUFD_IOCTL(0x8f)
#define IOMMU_VIOMMU_ALLOC IOMMUFD_IOCTL(0x90)
#define IOMMU_VDEVICE_ALLOC IOMMUFD_IOCTL(0x91)
#define IOMMU_IOAS_CHANGE_PROCESS IOMMUFD_IOCTL(0x92)
#define IOMMU_VEVENTQ_ALLOC IOMMUFD_IOCTL(0x93)
#define IOMMU_HW_QUEUE_ALLOC IOMMUFD_IOCTL(0x94)

#define X(name, nr, type, last, since) ABI_NR(IOMMU_##name, 0x3b00 | (nr));
IOMMUFD_IOCTLS(X)
#undef X

/* The shortest structs that the kernel takes. */
_Static_assert(ABI_END(struct iommu_hwpt_alloc, reserved) == 24, "HWPT_ALLOC takes 24 bytes");
_Static_assert(ABI_END(struct iommu_hw_info, reserved) == 32, "GET_HW_INFO takes 32 bytes");
_Static_assert(ABI_END(struct iommu_viommu_alloc, out_viommu_id) == 24, "VIOMMU_ALLOC takes 24 bytes");
_Static_assert(ABI_END(struct iommu_veventq_alloc, out_veventq_fd) == 28, "VEVENTQ_ALLOC takes 28 bytes");

#endif
