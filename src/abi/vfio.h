/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VFIO: devices by their own node (/dev/vfio/devices/vfioX) or by group and container, and the type1 container. Facts:
 * include/uapi/linux/vfio.h of Linux 7.2. Of that header what moving, mapping and interrupts need.
 *
 * Every struct begins with argsz. Numbers of container ioctls are those of device ioctls again.
 */
#ifndef IOMMUCTL_ABI_VFIO_H
#define IOMMUCTL_ABI_VFIO_H

#include "abi/abi.h"

#if defined(VFIO_H) || defined(_UAPIVFIO_H)
#error "linux/vfio.h is included as well"
#endif

#define VFIO_IOCTL(n) _IO(';', 100 + (n))

/* --- container and group -------------------------------------------------------------------------------------- */

#define VFIO_GET_API_VERSION VFIO_IOCTL(0)
#define VFIO_CHECK_EXTENSION VFIO_IOCTL(1)
#define VFIO_SET_IOMMU VFIO_IOCTL(2)
#define VFIO_GROUP_GET_STATUS VFIO_IOCTL(3)
#define VFIO_GROUP_SET_CONTAINER VFIO_IOCTL(4)
#define VFIO_GROUP_UNSET_CONTAINER VFIO_IOCTL(5)
#define VFIO_GROUP_GET_DEVICE_FD VFIO_IOCTL(6)

enum {
	VFIO_API_VERSION = 0,
	VFIO_TYPE1_IOMMU = 1,
	VFIO_TYPE1v2_IOMMU = 3,
	VFIO_NOIOMMU_IOMMU = 8,
	VFIO_UNMAP_ALL = 9, /* an extension to ask for */
};

enum { VFIO_GROUP_FLAGS_VIABLE = 1 << 0, VFIO_GROUP_FLAGS_CONTAINER_SET = 1 << 1 };

struct vfio_group_status {
	uint32_t argsz;
	uint32_t flags;
};
ABI_SIZE(struct vfio_group_status, 8);

#define VFIO_IOMMU_GET_INFO VFIO_IOCTL(12)
#define VFIO_IOMMU_MAP_DMA VFIO_IOCTL(13)
#define VFIO_IOMMU_UNMAP_DMA VFIO_IOCTL(14)
#define VFIO_IOMMU_DIRTY_PAGES VFIO_IOCTL(17)

enum { VFIO_IOMMU_INFO_PGSIZES = 1 << 0, VFIO_IOMMU_INFO_CAPS = 1 << 1 };

struct vfio_iommu_type1_info {
	uint32_t argsz;
	uint32_t flags;
	abi_u64 iova_pgsizes;
	uint32_t cap_offset;
	uint32_t pad;
};
ABI_SIZE(struct vfio_iommu_type1_info, 24);
ABI_AT(struct vfio_iommu_type1_info, iova_pgsizes, 8);
ABI_AT(struct vfio_iommu_type1_info, cap_offset, 16);

enum { VFIO_DMA_MAP_FLAG_READ = 1 << 0, VFIO_DMA_MAP_FLAG_WRITE = 1 << 1 };

struct vfio_iommu_type1_dma_map {
	uint32_t argsz;
	uint32_t flags;
	uint64_t vaddr;
	uint64_t iova;
	uint64_t size;
};
ABI_SIZE(struct vfio_iommu_type1_dma_map, 32);
ABI_AT(struct vfio_iommu_type1_dma_map, vaddr, 8);
ABI_AT(struct vfio_iommu_type1_dma_map, iova, 16);
ABI_AT(struct vfio_iommu_type1_dma_map, size, 24);

enum { VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP = 1 << 0, VFIO_DMA_UNMAP_FLAG_ALL = 1 << 1 };

/* @size: in and out, what was unmapped. */
struct vfio_iommu_type1_dma_unmap {
	uint32_t argsz;
	uint32_t flags;
	uint64_t iova;
	uint64_t size;
};
ABI_SIZE(struct vfio_iommu_type1_dma_unmap, 24);
ABI_AT(struct vfio_iommu_type1_dma_unmap, iova, 8);
ABI_AT(struct vfio_iommu_type1_dma_unmap, size, 16);

/* --- device --------------------------------------------------------------------------------------------------- */

#define VFIO_DEVICE_GET_INFO VFIO_IOCTL(7)
#define VFIO_DEVICE_GET_REGION_INFO VFIO_IOCTL(8)
#define VFIO_DEVICE_GET_IRQ_INFO VFIO_IOCTL(9)
#define VFIO_DEVICE_SET_IRQS VFIO_IOCTL(10)
#define VFIO_DEVICE_RESET VFIO_IOCTL(11)
#define VFIO_DEVICE_GET_PCI_HOT_RESET_INFO VFIO_IOCTL(12)
#define VFIO_DEVICE_PCI_HOT_RESET VFIO_IOCTL(13)
#define VFIO_DEVICE_FEATURE VFIO_IOCTL(17)

enum { VFIO_DEVICE_FLAGS_RESET = 1 << 0, VFIO_DEVICE_FLAGS_PCI = 1 << 1, VFIO_DEVICE_FLAGS_PLATFORM = 1 << 2 };

struct vfio_device_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t num_regions;
	uint32_t num_irqs;
	uint32_t cap_offset;
	uint32_t pad;
};
ABI_SIZE(struct vfio_device_info, 24);
ABI_AT(struct vfio_device_info, num_regions, 8);
ABI_AT(struct vfio_device_info, num_irqs, 12);
ABI_AT(struct vfio_device_info, cap_offset, 16);

enum {
	VFIO_REGION_INFO_FLAG_READ = 1 << 0,
	VFIO_REGION_INFO_FLAG_WRITE = 1 << 1,
	VFIO_REGION_INFO_FLAG_MMAP = 1 << 2,
	VFIO_REGION_INFO_FLAG_CAPS = 1 << 3,
};

enum {
	VFIO_PCI_BAR0_REGION_INDEX,
	VFIO_PCI_BAR1_REGION_INDEX,
	VFIO_PCI_BAR2_REGION_INDEX,
	VFIO_PCI_BAR3_REGION_INDEX,
	VFIO_PCI_BAR4_REGION_INDEX,
	VFIO_PCI_BAR5_REGION_INDEX,
	VFIO_PCI_ROM_REGION_INDEX,
	VFIO_PCI_CONFIG_REGION_INDEX,
	VFIO_PCI_VGA_REGION_INDEX,
};

/* @offset: where the region begins in the device's file. */
struct vfio_region_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t cap_offset;
	abi_u64 size;
	abi_u64 offset;
};
ABI_SIZE(struct vfio_region_info, 32);
ABI_AT(struct vfio_region_info, index, 8);
ABI_AT(struct vfio_region_info, cap_offset, 12);
ABI_AT(struct vfio_region_info, size, 16);
ABI_AT(struct vfio_region_info, offset, 24);

enum {
	VFIO_PCI_INTX_IRQ_INDEX,
	VFIO_PCI_MSI_IRQ_INDEX,
	VFIO_PCI_MSIX_IRQ_INDEX,
	VFIO_PCI_ERR_IRQ_INDEX,
	VFIO_PCI_REQ_IRQ_INDEX,
};

enum {
	VFIO_IRQ_INFO_EVENTFD = 1 << 0,
	VFIO_IRQ_INFO_MASKABLE = 1 << 1,
	VFIO_IRQ_INFO_AUTOMASKED = 1 << 2,
	VFIO_IRQ_INFO_NORESIZE = 1 << 3,
};

struct vfio_irq_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t count;
};
ABI_SIZE(struct vfio_irq_info, 16);
ABI_AT(struct vfio_irq_info, index, 8);
ABI_AT(struct vfio_irq_info, count, 12);

enum {
	VFIO_IRQ_SET_DATA_NONE = 1 << 0,
	VFIO_IRQ_SET_DATA_BOOL = 1 << 1,
	VFIO_IRQ_SET_DATA_EVENTFD = 1 << 2,
	VFIO_IRQ_SET_ACTION_MASK = 1 << 3,
	VFIO_IRQ_SET_ACTION_UNMASK = 1 << 4,
	VFIO_IRQ_SET_ACTION_TRIGGER = 1 << 5,
};

/* @count eventfds (int32_t, -1 none), or bytes, come after it. */
struct vfio_irq_set {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t start;
	uint32_t count;
	uint8_t data[];
};
ABI_SIZE(struct vfio_irq_set, 20);
ABI_AT(struct vfio_irq_set, index, 8);
ABI_AT(struct vfio_irq_set, start, 12);
ABI_AT(struct vfio_irq_set, count, 16);
ABI_AT(struct vfio_irq_set, data, 20);

/* --- device and iommufd --------------------------------------------------------------------------------------- */

#define VFIO_DEVICE_BIND_IOMMUFD VFIO_IOCTL(18)
#define VFIO_DEVICE_ATTACH_IOMMUFD_PT VFIO_IOCTL(19)
#define VFIO_DEVICE_DETACH_IOMMUFD_PT VFIO_IOCTL(20)

enum { VFIO_DEVICE_BIND_FLAG_TOKEN = 1 << 0 };

/* Up to and with out_devid since 6.6; the token, of virtual functions, came later. */
struct vfio_device_bind_iommufd {
	uint32_t argsz;
	uint32_t flags;
	int32_t iommufd;
	uint32_t out_devid;
	abi_u64 token_uuid_ptr;
};
ABI_SIZE(struct vfio_device_bind_iommufd, 24);
ABI_AT(struct vfio_device_bind_iommufd, iommufd, 8);
ABI_AT(struct vfio_device_bind_iommufd, out_devid, 12);
ABI_AT(struct vfio_device_bind_iommufd, token_uuid_ptr, 16);

enum { VFIO_DEVICE_ATTACH_PASID = 1 << 0 };

/* @pt_id: in and out. @pasid since 6.15. */
struct vfio_device_attach_iommufd_pt {
	uint32_t argsz;
	uint32_t flags;
	uint32_t pt_id;
	uint32_t pasid;
};
ABI_SIZE(struct vfio_device_attach_iommufd_pt, 16);
ABI_AT(struct vfio_device_attach_iommufd_pt, pt_id, 8);
ABI_AT(struct vfio_device_attach_iommufd_pt, pasid, 12);

enum { VFIO_DEVICE_DETACH_PASID = 1 << 0 };

struct vfio_device_detach_iommufd_pt {
	uint32_t argsz;
	uint32_t flags;
	uint32_t pasid;
};
ABI_SIZE(struct vfio_device_detach_iommufd_pt, 12);
ABI_AT(struct vfio_device_detach_iommufd_pt, pasid, 8);

ABI_NR(VFIO_GET_API_VERSION, 0x3b64);
ABI_NR(VFIO_SET_IOMMU, 0x3b66);
ABI_NR(VFIO_GROUP_GET_DEVICE_FD, 0x3b6a);
ABI_NR(VFIO_DEVICE_SET_IRQS, 0x3b6e);
ABI_NR(VFIO_IOMMU_MAP_DMA, 0x3b71);
ABI_NR(VFIO_DEVICE_BIND_IOMMUFD, 0x3b76);
ABI_NR(VFIO_DEVICE_ATTACH_IOMMUFD_PT, 0x3b77);
ABI_NR(VFIO_DEVICE_DETACH_IOMMUFD_PT, 0x3b78);

#endif
