/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The members of kernel structures that we read: X(id, structure, member, kind). Where each is comes from the
 * running kernel's own type information, so one that this kernel does not have is simply not there; kmem_has() tells.
 *
 * Kinds: P a pointer, N a number of 1 to 8 bytes, B one bit of a bit-field or a bool, E something embedded (only its address
 * is used).
 * Which kernels have what, as seen in 6.1, 6.12 and 7.2: see the notes at the end of a line.
 */
#ifndef IOMMUCTL_KMEM_FIELDS_H
#define IOMMUCTL_KMEM_FIELDS_H

#define KMEM_FIELDS(X)                                                                                  \
	X(LIST_NEXT, "list_head", "next", P)                                                            \
	X(LIST_PREV, "list_head", "prev", P)                                                            \
	X(KSET_LIST, "kset", "list", E)                                                                 \
	X(KOBJ_NAME, "kobject", "name", P)                                                              \
	X(KOBJ_ENTRY, "kobject", "entry", E)                                                            \
	X(KOBJ_KSET, "kobject", "kset", P)                                                              \
	X(GROUP_KOBJ, "iommu_group", "kobj", E)                                                         \
	X(GROUP_DEVICES, "iommu_group", "devices", E)                                                   \
	X(GROUP_NAME, "iommu_group", "name", P)                                                         \
	X(GROUP_ID, "iommu_group", "id", N)                                                             \
	X(GROUP_DEFAULT_DOMAIN, "iommu_group", "default_domain", P)                                     \
	X(GROUP_BLOCKING_DOMAIN, "iommu_group", "blocking_domain", P) /* 5.19 */                        \
	X(GROUP_DOMAIN, "iommu_group", "domain", P)                                                     \
	X(GROUP_OWNER_CNT, "iommu_group", "owner_cnt", N) /* 5.19 */                                    \
	X(GROUP_OWNER, "iommu_group", "owner", P)	  /* 5.19 */                                          \
	X(GROUP_RECOVERY_CNT, "iommu_group", "recovery_cnt", N) /* 7.2 */                               \
	X(GDEV_LIST, "group_device", "list", E)                                                         \
	X(GDEV_DEV, "group_device", "dev", P)                                                           \
	X(GDEV_BLOCKED, "group_device", "blocked", N) /* 7.2 */                                         \
	X(DOMAIN_TYPE, "iommu_domain", "type", N)                                                       \
	X(DOMAIN_OPS, "iommu_domain", "ops", P)                                                         \
	X(DOMAIN_OWNER, "iommu_domain", "owner", P) /* struct iommu_ops; after 6.6 */                   \
	X(DOMAIN_PGSIZES, "iommu_domain", "pgsize_bitmap", N)                                           \
	X(DOMAIN_START, "iommu_domain", "geometry.aperture_start", N)                                   \
	X(DOMAIN_END, "iommu_domain", "geometry.aperture_end", N)                                       \
	X(DOMAIN_FORCED, "iommu_domain", "geometry.force_aperture", N)                                  \
	X(DOMAIN_COOKIE_TYPE, "iommu_domain", "cookie_type", N) /* after 6.12 */                        \
	X(DOMAIN_IOVA_COOKIE, "iommu_domain", "iova_cookie", P)                                         \
	X(IOVA_COOKIE_TYPE, "iommu_dma_cookie", "type", N) /* to 6.12 */                                \
	X(DEVICE_KOBJ, "device", "kobj", E)                                                             \
	X(DEVICE_BUS, "device", "bus", P)                                                               \
	X(DEVICE_DRIVER, "device", "driver", P)                                                         \
	X(DEVICE_GROUP, "device", "iommu_group", P)                                                     \
	X(BUS_NAME, "bus_type", "name", P)                                                              \
	X(BUS_DMA_CONFIGURE, "bus_type", "dma_configure", P)                                            \
	X(DRIVER_NAME, "device_driver", "name", P)                                                      \
	X(IOPF_FAULT, "iopf_fault", "fault", E)                                                         \
	X(FAULT_EVENT_FAULT, "iommu_fault_event", "fault", E) /* to 6.8 */                              \
	X(FAULT_FLAGS, "iommu_fault", "prm.flags", N)                                                   \
	X(FAULT_PASID, "iommu_fault", "prm.pasid", N)                                                   \
	X(FAULT_GRPID, "iommu_fault", "prm.grpid", N)                                                   \
	X(FAULT_PERM, "iommu_fault", "prm.perm", N)                                                     \
	X(FAULT_ADDR, "iommu_fault", "prm.addr", N)                                                     \
	X(IOPF_GROUP_LAST, "iopf_group", "last_fault", E)                                               \
	X(IOPF_GROUP_PARAM, "iopf_group", "fault_param", P) /* 6.9 */                                   \
	X(IOPF_PARAM_DEV, "iommu_fault_param", "dev", P)                                                \
	X(PCI_DRIVER, "pci_driver", "driver", E)                                                        \
	X(PCI_MANAGED, "pci_driver", "driver_managed_dma", N)                                           \
	X(PLATFORM_DRIVER, "platform_driver", "driver", E)                                              \
	X(PLATFORM_MANAGED, "platform_driver", "driver_managed_dma", N)                                 \
	X(AMBA_DRIVER, "amba_driver", "drv", E)                                                         \
	X(AMBA_MANAGED, "amba_driver", "driver_managed_dma", N)                                         \
	X(FSLMC_DRIVER, "fsl_mc_driver", "driver", E)                                                   \
	X(FSLMC_MANAGED, "fsl_mc_driver", "driver_managed_dma", N)                                      \
	X(CDX_DRIVER, "cdx_driver", "driver", E)                                                        \
	X(CDX_MANAGED, "cdx_driver", "driver_managed_dma", N)                                           \
	X(VFIO_GROUP_GROUP, "vfio_group", "iommu_group", P)                                             \
	X(VFIO_GROUP_CONTAINER, "vfio_group", "container", P)                                           \
	X(CTX_OBJECTS, "iommufd_ctx", "objects", E)                                                     \
	X(OBJ_TYPE, "iommufd_object", "type", N)                                                        \
	X(OBJ_ID, "iommufd_object", "id", N)                                                            \
	X(IDEV_OBJ, "iommufd_device", "obj", E)                                                         \
	X(IDEV_CTX, "iommufd_device", "ictx", P)                                                        \
	X(IDEV_DEV, "iommufd_device", "dev", P)                                                         \
	X(XARRAY_HEAD, "xarray", "xa_head", P)                                                          \
	X(XA_SHIFT, "xa_node", "shift", N)                                                              \
	X(XA_SLOTS, "xa_node", "slots", E)                                                              \
	X(FILE_OPS, "file", "f_op", P)                                                                  \
	X(FILE_PRIVATE, "file", "private_data", P)                                                      \
	X(FILE_INODE, "file", "f_inode", P)                                                             \
	X(INODE_MODE, "inode", "i_mode", N)                                                             \
	X(INODE_RDEV, "inode", "i_rdev", N)                                                             \
	X(TASK_TASKS, "task_struct", "tasks", E)                                                        \
	X(TASK_TGID, "task_struct", "tgid", N)                                                          \
	X(TASK_COMM, "task_struct", "comm", E)                                                          \
	X(TASK_FILES, "task_struct", "files", P)                                                        \
	X(FILES_FDT, "files_struct", "fdt", P)                                                          \
	X(FDT_MAX, "fdtable", "max_fds", N)                                                             \
	X(FDT_FD, "fdtable", "fd", P)                                                                   \
	X(VDF_DEVICE, "vfio_device_file", "device", P) /* 6.6 */                                        \
	X(VDF_IOMMUFD, "vfio_device_file", "iommufd", P)                                                \
	X(VDEV_DEV, "vfio_device", "dev", P)                                                            \
	X(VDEV_GROUP, "vfio_device", "group", P)                                                        \
	X(CTX_FILE, "iommufd_ctx", "file", P)                                                           \
	X(OBJ_USERS, "iommufd_object", "users.refs.counter", N)                                         \
	X(IOAS_OBJ, "iommufd_ioas", "obj", E)                                                           \
	X(HWPT_OBJ, "iommufd_hw_pagetable", "obj", E)                                                   \
	X(HWPT_DOMAIN, "iommufd_hw_pagetable", "domain", P)                                             \
	X(HWPT_FAULT, "iommufd_hw_pagetable", "fault", P) /* 6.11 */                                    \
	X(HWPT_IOAS, "iommufd_hw_pagetable", "ioas", P) /* to 6.6 */                                    \
	X(HWPT_AUTO, "iommufd_hw_pagetable", "auto_domain", B)                                          \
	X(PAGING_COMMON, "iommufd_hwpt_paging", "common", E) /* 6.7 */                                  \
	X(PAGING_IOAS, "iommufd_hwpt_paging", "ioas", P)                                                \
	X(PAGING_AUTO, "iommufd_hwpt_paging", "auto_domain", B)                                         \
	X(PAGING_COHERENT, "iommufd_hwpt_paging", "enforce_cache_coherency", B)                         \
	X(PAGING_NEST, "iommufd_hwpt_paging", "nest_parent", B)                                         \
	X(NESTED_COMMON, "iommufd_hwpt_nested", "common", E)                                            \
	X(NESTED_PARENT, "iommufd_hwpt_nested", "parent", P)                                            \
	X(NESTED_VIOMMU, "iommufd_hwpt_nested", "viommu", P) /* 6.13 */                                 \
	X(IDEV_GROUP, "iommufd_device", "igroup", P)                                                    \
	X(IDEV_ITEM, "iommufd_device", "group_item", E)                                                 \
	X(IGROUP_GROUP, "iommufd_group", "group", P)                                                    \
	X(IGROUP_HWPT, "iommufd_group", "hwpt", P) /* to 6.14 */                                        \
	X(IGROUP_DEVICES, "iommufd_group", "device_list", E)                                            \
	X(IGROUP_ATTACH, "iommufd_group", "pasid_attach", E) /* then */                                 \
	X(ATTACH_HWPT, "iommufd_attach", "hwpt", P)                                                     \
	X(ATTACH_DEVICES, "iommufd_attach", "device_array", E)                                          \
	X(VIOMMU_OBJ, "iommufd_viommu", "obj", E) /* 6.13 */                                            \
	X(VIOMMU_HWPT, "iommufd_viommu", "hwpt", P)                                                     \
	X(VDEVICE_OBJ, "iommufd_vdevice", "obj", E)                                                     \
	X(VDEVICE_VIOMMU, "iommufd_vdevice", "viommu", P)                                               \
	X(VDEVICE_IDEV, "iommufd_vdevice", "idev", P)                                                   \
	X(VDEVICE_ID, "iommufd_vdevice", "virt_id", N)                                                  \
	X(EVENTQ_OBJ, "iommufd_eventq", "obj", E) /* 6.15 */                                            \
	X(EVENTQ_CTX, "iommufd_eventq", "ictx", P)                                                      \
	X(FAULT_OBJ, "iommufd_fault", "obj", E) /* to 6.14 */                                           \
	X(FAULT_CTX, "iommufd_fault", "ictx", P)                                                        \
	X(FAULT_COMMON, "iommufd_fault", "common", E) /* then */                                        \
	X(VEVENTQ_COMMON, "iommufd_veventq", "common", E)                                               \
	X(VEVENTQ_VIOMMU, "iommufd_veventq", "viommu", P)                                               \
	X(ACCESS_OBJ, "iommufd_access", "obj", E)                                                       \
	X(ACCESS_IOAS, "iommufd_access", "ioas", P)                                                     \
	X(HWQ_OBJ, "iommufd_hw_queue", "obj", E) /* 6.17 */                                             \
	X(HWQ_VIOMMU, "iommufd_hw_queue", "viommu", P)                                                  \
	X(XA_OFFSET, "xa_node", "offset", N)                                                            \
	X(XA_PARENT, "xa_node", "parent", P)                                                            \
	X(TASK_SIGNAL, "task_struct", "signal", P)                                                      \
	X(TASK_THREAD, "task_struct", "thread_node", E)                                                 \
	X(SIGNAL_THREADS, "signal_struct", "thread_head", E)                                            \
	X(VFIO_GROUP_IOMMUFD, "vfio_group", "iommufd", P)

enum kfield {
#define X(id, type, member, kind) KF_##id,
	KMEM_FIELDS(X)
#undef X
	KF_MAX
};

#endif
