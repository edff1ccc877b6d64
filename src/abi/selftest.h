/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iommufd's selftest: a mock IOMMU inside the kernel, there with CONFIG_IOMMUFD_TEST. Facts:
 * drivers/iommu/iommufd/iommufd_test.h and selftest.c of Linux 7.2. No ABI that anybody promised: numbers were only
 * ever added, but flags went (2, huge IOVA, is gone).
 */
#ifndef IOMMUCTL_ABI_SELFTEST_H
#define IOMMUCTL_ABI_SELFTEST_H

#include "abi/iommufd.h"

#ifdef _UAPI_IOMMUFD_TEST_H
#error "iommufd_test.h is included as well"
#endif

enum {
	IOMMU_TEST_OP_ADD_RESERVED = 1,
	IOMMU_TEST_OP_MOCK_DOMAIN = 2,
	IOMMU_TEST_OP_MD_CHECK_MAP = 3,
	IOMMU_TEST_OP_MD_CHECK_REFS = 4,
	IOMMU_TEST_OP_CREATE_ACCESS = 5,
	IOMMU_TEST_OP_DESTROY_ACCESS_PAGES = 6,
	IOMMU_TEST_OP_ACCESS_PAGES = 7,
	IOMMU_TEST_OP_ACCESS_RW = 8,
	IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT = 9,
	IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE = 10,
	IOMMU_TEST_OP_ACCESS_REPLACE_IOAS = 11,
	IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS = 12,
	IOMMU_TEST_OP_DIRTY = 13,
	IOMMU_TEST_OP_MD_CHECK_IOTLB = 14,
	IOMMU_TEST_OP_TRIGGER_IOPF = 15,
	/* not in 6.12 */
	IOMMU_TEST_OP_DEV_CHECK_CACHE = 16,
	IOMMU_TEST_OP_TRIGGER_VEVENT = 17,
	IOMMU_TEST_OP_PASID_ATTACH = 18,
	IOMMU_TEST_OP_PASID_REPLACE = 19,
	IOMMU_TEST_OP_PASID_DETACH = 20,
	IOMMU_TEST_OP_PASID_CHECK_HWPT = 21,
	IOMMU_TEST_OP_DMABUF_GET = 22,
	IOMMU_TEST_OP_DMABUF_REVOKE = 23,
};

enum { MOCK_FLAGS_DEVICE_NO_DIRTY = 1 << 0, MOCK_FLAGS_DEVICE_PASID = 1 << 2 };

/* What a mock domain is like. */
enum {
	MOCK_APERTURE_START = 0x1000000,
	MOCK_APERTURE_LAST = 0x7fffffff,
	MOCK_PAGE_SIZE = 2048, /* half a page of 4 KiB; of larger ones half, too */
	MOCK_HUGE_PAGE_SIZE = 512 * 2048,
	MOCK_NESTED_DOMAIN_IOTLB_ID_MAX = 3,
	MOCK_NESTED_DOMAIN_IOTLB_NUM = 4,
	MOCK_DEV_CACHE_ID_MAX = 3,
	MOCK_DEV_CACHE_NUM = 4,
	MOCK_PASID_WIDTH = 20,
	IOMMU_TEST_PASID_RESERVED = 1024, /* every second attach or replace there fails, on purpose */
	IOMMU_TEST_HW_QUEUE_MAX = 2,
};

/* @id: the IOAS, hwpt or stdev that the operation is about. */
struct iommu_test_cmd {
	uint32_t size;
	uint32_t op;
	uint32_t id;
	uint32_t reserved;
	union {
		struct {
			abi_u64 start;
			abi_u64 length;
		} add_reserved;
		struct {
			uint32_t out_stdev_id;
			uint32_t out_hwpt_id;
			uint32_t out_idev_id;
		} mock_domain;
		struct {
			uint32_t out_stdev_id;
			uint32_t out_hwpt_id;
			uint32_t out_idev_id;
			uint32_t dev_flags;
		} mock_domain_flags;
		struct {
			uint32_t pt_id;
		} mock_domain_replace;
		struct {
			abi_u64 iova;
			abi_u64 length;
			abi_u64 uptr;
		} check_map;
		struct {
			abi_u64 length;
			abi_u64 uptr;
			uint32_t refs;
		} check_refs;
		struct {
			uint32_t out_access_fd;
			uint32_t flags;
		} create_access;
		struct {
			uint32_t access_pages_id;
		} destroy_access_pages;
		struct {
			uint32_t flags;
			uint32_t out_access_pages_id;
			abi_u64 iova;
			abi_u64 length;
			abi_u64 uptr;
		} access_pages;
		struct {
			abi_u64 iova;
			abi_u64 length;
			abi_u64 uptr;
			uint32_t flags;
		} access_rw;
		struct {
			uint32_t limit;
		} memory_limit;
		struct {
			uint32_t ioas_id;
		} access_replace_ioas;
		struct {
			uint32_t flags;
			abi_u64 iova;
			abi_u64 length;
			abi_u64 page_size;
			abi_u64 uptr;
			abi_u64 out_nr_dirty;
		} dirty;
		struct {
			uint32_t id;
			uint32_t iotlb;
		} check_iotlb;
		struct {
			uint32_t dev_id;
			uint32_t pasid;
			uint32_t grpid;
			uint32_t perm;
			uint64_t addr;
		} trigger_iopf;
		struct {
			uint32_t id;
			uint32_t cache;
		} check_dev_cache;
		struct {
			uint32_t dev_id;
		} trigger_vevent;
		struct {
			uint32_t pasid;
			uint32_t pt_id;
		} pasid_attach;
		struct {
			uint32_t pasid;
			uint32_t pt_id;
		} pasid_replace;
		struct {
			uint32_t pasid;
		} pasid_detach;
		struct {
			uint32_t pasid;
			uint32_t hwpt_id;
		} pasid_check;
		struct {
			uint32_t length;
			uint32_t open_flags;
		} dmabuf_get;
		struct {
			int32_t dmabuf_fd;
			uint32_t revoked;
		} dmabuf_revoke;
	};
	uint32_t last;
};
ABI_SIZE(struct iommu_test_cmd, 72);
ABI_AT(struct iommu_test_cmd, id, 8);
ABI_AT(struct iommu_test_cmd, add_reserved, 16);
ABI_AT(struct iommu_test_cmd, mock_domain_flags.dev_flags, 28);
ABI_AT(struct iommu_test_cmd, access_pages.iova, 24);
ABI_AT(struct iommu_test_cmd, dirty.iova, 24);
ABI_AT(struct iommu_test_cmd, dirty.out_nr_dirty, 56);
ABI_AT(struct iommu_test_cmd, check_iotlb.iotlb, 20);
ABI_AT(struct iommu_test_cmd, trigger_iopf.addr, 32);
ABI_AT(struct iommu_test_cmd, last, 64);

#define IOMMU_TEST_CMD IOMMUFD_IOCTL(0xa0)
ABI_NR(IOMMU_TEST_CMD, 0x3ba0);

/* Kinds of data that only the mock has. Defines: they are beyond what an enum holds. */
#define IOMMU_HW_INFO_TYPE_SELFTEST 0xfeedbeef
#define IOMMU_HW_INFO_SELFTEST_REGVAL 0xdeadbeef
#define IOMMU_HWPT_DATA_SELFTEST 0xdead
#define IOMMU_HWPT_INVALIDATE_DATA_SELFTEST 0xdeadbeef
#define IOMMU_VIOMMU_TYPE_SELFTEST 0xdeadbeef
#define IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST 0xdeadbeef
#define IOMMU_VEVENTQ_TYPE_SELFTEST 0xbeefbeef
#define IOMMU_HW_QUEUE_TYPE_SELFTEST 0xdeadbeef
#define IOMMU_TEST_IOTLB_DEFAULT 0xbadbeef
#define IOMMU_TEST_DEV_CACHE_DEFAULT 0xbaddad
#define IOMMU_TEST_INVALIDATE_FLAG_ALL 1

struct iommu_test_hw_info {
	uint32_t flags;
	uint32_t test_reg;
};
ABI_SIZE(struct iommu_test_hw_info, 8);

/* @pagetable_type came later: 6.12 takes the first four bytes. */
struct iommu_hwpt_selftest {
	uint32_t iotlb;
	uint32_t pagetable_type;
};
ABI_SIZE(struct iommu_hwpt_selftest, 8);

struct iommu_hwpt_invalidate_selftest {
	uint32_t flags;
	uint32_t iotlb_id;
};
ABI_SIZE(struct iommu_hwpt_invalidate_selftest, 8);

struct iommu_viommu_selftest {
	uint32_t in_data;
	uint32_t out_data;
	abi_u64 out_mmap_offset;
	abi_u64 out_mmap_length;
};
ABI_SIZE(struct iommu_viommu_selftest, 24);
ABI_AT(struct iommu_viommu_selftest, out_mmap_offset, 8);

struct iommu_viommu_invalidate_selftest {
	uint32_t flags;
	uint32_t vdev_id;
	uint32_t cache_id;
};
ABI_SIZE(struct iommu_viommu_invalidate_selftest, 12);

struct iommu_viommu_event_selftest {
	uint32_t virt_id;
};
ABI_SIZE(struct iommu_viommu_event_selftest, 4);

#endif
