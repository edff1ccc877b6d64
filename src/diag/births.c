// SPDX-License-Identifier: GPL-2.0-or-later
#include "diag/births.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

#define OUTER(fn, sub, args) { fn, sub, args, true, false }
#define INNER(fn, sub)	     { fn, sub, WATCH_NOTHING, false, false }
#define NAMED(fn, sub, args) { fn, sub, args, false, false }
#define POINTER(fn, sub)     { fn, sub, WATCH_NOTHING, false, true }

static const struct watched_function functions[] = {
	OUTER("iommufd_fops_ioctl", "iommufd", WATCH_IOCTL),
	OUTER("vfio_device_fops_unl_ioctl", "vfio", WATCH_DEVICE_IOCTL),
	OUTER("vfio_group_fops_unl_ioctl", "vfio", WATCH_IOCTL),
	OUTER("vfio_fops_unl_ioctl", "vfio", WATCH_IOCTL),
	OUTER("vfio_device_fops_cdev_open", "vfio", WATCH_ENTRY),
	OUTER("vfio_group_fops_open", "vfio", WATCH_ENTRY),
	OUTER("iommu_group_store_type", "iommu", WATCH_ENTRY),
	OUTER("bind_store", "driver", WATCH_ENTRY),

	INNER("vfio_df_ioctl_bind_iommufd", "vfio"),
	INNER("vfio_df_ioctl_attach_pt", "vfio"),
	INNER("vfio_df_open", "vfio"),
	INNER("vfio_df_iommufd_bind", "vfio"),
	INNER("vfio_device_block_group", "vfio"),
	INNER("vfio_iommufd_physical_bind", "vfio"),
	INNER("vfio_iommufd_physical_attach_ioas", "vfio"),
	INNER("vfio_container_attach_group", "vfio"),
	INNER("vfio_group_use_container", "vfio"),
	INNER("vfio_iommu_type1_attach_group", "vfio"),
	INNER("vfio_dma_do_map", "vfio"),
	INNER("vfio_pci_core_enable", "vfio"),
	INNER("vfio_pci_open_device", "vfio"),
	INNER("vfio_pci_set_irqs_ioctl", "vfio"),
	INNER("vfio_pci_core_register_device", "vfio"),
	INNER("vfio_pci_probe", "vfio"),
	INNER("vfio_msi_enable", "vfio"),
	INNER("vfio_msi_set_vector_signal", "vfio"),

	{ "iommufd_device_bind", "iommufd", WATCH_DEVICE_2, false, true },
	INNER("iommufd_device_attach", "iommufd"),
	INNER("iommufd_device_replace", "iommufd"),
	INNER("iommufd_device_change_pt", "iommufd"),
	POINTER("iommufd_device_auto_get_domain", "iommufd"),
	POINTER("iommufd_device_do_attach", "iommufd"),
	INNER("iommufd_hw_pagetable_attach", "iommufd"),
	INNER("iommufd_hwpt_alloc", "iommufd"),
	POINTER("iommufd_hwpt_paging_alloc", "iommufd"),
	POINTER("iommufd_hwpt_nested_alloc", "iommufd"),
	INNER("iommufd_viommu_alloc_ioctl", "iommufd"),
	INNER("iommufd_vdevice_alloc_ioctl", "iommufd"),
	INNER("iommufd_destroy", "iommufd"),
	INNER("iommufd_ioas_map", "iommufd"),
	INNER("iommufd_ioas_unmap", "iommufd"),
	INNER("iopt_map_user_pages", "iommufd"),
	INNER("iopt_map_pages", "iommufd"),
	INNER("iopt_alloc_area_pages", "iommufd"),
	INNER("iopt_unmap_iova_range", "iommufd"),
	INNER("iopt_table_enforce_dev_resv_regions", "iommufd"),
	INNER("iopt_reserve_iova", "iommufd"),
	INNER("iopt_fill_domain", "iommufd"),
	INNER("iopt_table_add_domain", "iommufd"),

	NAMED("iommu_device_claim_dma_owner", "iommu", WATCH_DEVICE),
	NAMED("iommu_group_claim_dma_owner", "iommu", WATCH_GROUP),
	NAMED("iommu_device_use_default_domain", "iommu", WATCH_DEVICE),
	INNER("__iommu_take_dma_ownership", "iommu"),
	INNER("iommu_attach_group_handle", "iommu"),
	INNER("iommu_replace_group_handle", "iommu"),
	INNER("iommu_attach_device_pasid", "iommu"),
	INNER("__iommu_attach_group", "iommu"),
	INNER("__iommu_attach_device", "iommu"),
	INNER("__iommu_device_set_domain", "iommu"),
	INNER("__iommu_group_set_domain_internal", "iommu"),
	INNER("iommu_setup_default_domain", "iommu"),
	INNER("iommu_map", "iommu"),
	INNER("iommu_dma_prepare_msi", "iommu"),
	POINTER("iommu_paging_domain_alloc_flags", "iommu"),
	INNER("intel_iommu_attach_device", "iommu"),
	INNER("amd_iommu_attach_device", "iommu"),
	INNER("viommu_attach_dev", "iommu"),
	INNER("arm_smmu_attach_dev", "iommu"),

	INNER("pci_alloc_irq_vectors_affinity", "msi"),
	INNER("__pci_enable_msix_range", "msi"),
	INNER("__pci_enable_msi_range", "msi"),
	INNER("really_probe", "driver"),
};

const struct watched_function *births_functions(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(functions);
	return functions;
}

#define CHECK_GROUP "iommuctl group check says which device or count it is", "iommuctl group check %s"

#define NO_OBJECT    "there is no object of that id, or it is of another type"
#define WRAPS	     "address and length go beyond the last address"
#define UNKNOWN_FLAG "a flag is set that this kernel does not know, or a reserved member is not 0"
/* of the kernel alone (include/linux/errno.h) */
#define ENOIOCTLCMD  515

static const struct birth births[] = {
	{ "iommu_device_claim_dma_owner", -EPERM,
	  "it looks at the group's count of owners: somebody else's is not 0, so a device of the group is on a driver that uses the kernel's DMA API, "
	  "another iommufd has the group, or a count was left behind", CHECK_GROUP },
	{ "iommu_group_claim_dma_owner", -EPERM,
	  "it wants the group's count of owners to be 0: a device of the group is on a driver that uses the kernel's DMA API, somebody else has "
	  "claimed the group, or a count was left behind", CHECK_GROUP },
	{ "iommu_device_claim_dma_owner", -ENODEV, "the device is in no IOMMU group", "iommuctl doctor says whether an IOMMU is on", "iommuctl doctor" },
	{ "iommu_device_claim_dma_owner", -EBUSY, "the group's domain is not the default one: a PASID is attached, or a reset is under way", NULL, NULL },
	{ "__iommu_take_dma_ownership", -EBUSY, "the group's domain is not the default one: a PASID is attached, or a reset is under way", NULL, NULL },
	{ "__iommu_device_set_domain", -EINVAL,
	  "firmware wants memory mapped one to one for the device (RMRR, unity map), and such a device is not given away", CHECK_GROUP },
	{ "iommu_device_use_default_domain", -EBUSY,
	  "a native driver wants a device of a group that user space has claimed: the claim ends when the last device of the group is closed",
	  "iommuctl owner list shows who has it", "iommuctl owner check %s" },
	{ "iommufd_device_bind", -EPERM,
	  "interrupts of the device are not isolated from others, and allow_unsafe_interrupts of iommufd is off", CHECK_GROUP },
	{ "vfio_iommu_type1_attach_group", -EPERM,
	  "interrupts of the group are not isolated from others, and allow_unsafe_interrupts of vfio_iommu_type1 is off", CHECK_GROUP },
	{ "vfio_iommu_type1_attach_group", -EINVAL, "what the IOMMU can map, or has reserved, does not agree with what is mapped already", NULL, NULL },
	{ "vfio_device_block_group", -EBUSY, "the group's node is open: a device is had by its group or by its own node, not both",
	  "see who has it open", "iommuctl device show %s" },
	{ "vfio_group_fops_open", -EBUSY, "somebody has the group open, or one of its devices bound by its own node", "see who it is", "iommuctl group list" },
	{ "vfio_df_ioctl_bind_iommufd", -EINVAL,
	  "the descriptor is bound already, the device is open through another one, or flags or the iommufd make no sense", "see who has it open",
	  "iommuctl device show %s" },
	{ "vfio_device_fops_unl_ioctl", -EINVAL, "the device is not bound to an iommufd yet, or an argument makes no sense", NULL, NULL },
	{ "vfio_pci_core_register_device", -EBUSY, "a physical function with virtual ones is not given away",
	  "take its virtual functions away first", "iommuctl device vfs %s 0" },
	{ "iommufd_device_change_pt", -ENOENT, "there is no page table or address space of that id in the iommufd that the device is bound to", NULL, NULL },
	{ "iommufd_device_change_pt", -EINVAL, "the object is no page table and no address space", NULL, NULL },
	{ "iommufd_device_attach", -EINVAL, "the object is no page table and no address space", NULL, NULL },
	{ "iommufd_hw_pagetable_attach", -EINVAL, "another device of the group is attached to another page table: all of a group share one", NULL, NULL },
	{ "iommufd_device_do_attach", -EINVAL, "another device of the group is attached to another page table: all of a group share one", NULL, NULL },
	{ "iopt_table_enforce_dev_resv_regions", -EADDRINUSE,
	  "a range that is mapped, or allowed, is one that the device's IOMMU has reserved (interrupts, firmware)", "its reserved ranges",
	  "iommuctl group show %s" },
	{ "iopt_reserve_iova", -EADDRINUSE,
	  "a range that is mapped, or allowed, is one that the device's IOMMU has reserved (interrupts, firmware)", "its reserved ranges",
	  "iommuctl group show %s" },
	{ "iopt_alloc_area_pages", -EEXIST, "something is mapped in that range already", NULL, NULL },
	{ "iopt_alloc_area_pages", -EINVAL, "the address, or the length, is not aligned, or lies in a reserved range", NULL, NULL },
	{ "iopt_alloc_area_pages", -ENOSPC, "no free range of that length is left", NULL, NULL },
	{ "iopt_map_pages", -EINVAL, "the address, or the length, is not aligned, or lies in a reserved range", NULL, NULL },
	{ "iopt_map_pages", -EEXIST, "something is mapped in that range already", NULL, NULL },
	{ "iopt_fill_domain", -ENOMEM, "memory is short, or more than RLIMIT_MEMLOCK would be pinned", "raise the limit of the process", NULL },
	{ "iopt_map_pages", -ENOMEM, "memory is short, or more than RLIMIT_MEMLOCK would be pinned", "raise the limit of the process", NULL },
	{ "iopt_map_pages", -EFAULT, "the process has no such memory", NULL, NULL },
	{ "iopt_map_pages", -ENOSPC, "no free range of that length is left among those that may be used", "which these are",
	  "iommuctl group show %s" },
	{ "iopt_map_pages", -EOVERFLOW, WRAPS, NULL, NULL },
	{ "iopt_map_pages", -EPERM, "writing is asked for, and the memory was mapped for reading alone", NULL, NULL },
	{ "iopt_unmap_iova_range", -ENOENT, "nothing is mapped there, or only a part of a mapping would go", NULL, NULL },
	{ "iommufd_ioas_map", -EINVAL, "neither reading nor writing was asked for, or flags make no sense", NULL, NULL },
	{ "iommufd_ioas_map", -EOPNOTSUPP, UNKNOWN_FLAG, NULL, NULL },
	{ "iommufd_ioas_map", -EOVERFLOW, WRAPS, NULL, NULL },
	{ "iommufd_ioas_map", -ENOENT, NO_OBJECT, NULL, NULL },
	{ "iommufd_ioas_unmap", -EINVAL, "the length is 0, or the range begins or ends where it may not", NULL, NULL },
	{ "iommufd_ioas_unmap", -ENOENT, "there is no address space of that id, or nothing is mapped there", NULL, NULL },
	{ "iommufd_ioas_unmap", -EOVERFLOW, WRAPS, NULL, NULL },
	/* what the call itself checks, before it asks anybody: iommufd_fops_ioctl() and the functions that are inlined into it */
	{ "iommufd_fops_ioctl", -ENOIOCTLCMD, "this kernel has no ioctl of that number; the program is told ENOTTY", NULL, NULL },
	{ "iommufd_fops_ioctl", -E2BIG, "the structure is longer than this kernel knows, and what is beyond is not 0", NULL, NULL },
	{ "iommufd_fops_ioctl", -EFAULT, "the program's memory at that address cannot be read or written", NULL, NULL },
	{ "iommufd_fops_ioctl", -EINVAL,
	  "an argument makes no sense: the structure is shorter than the call's smallest, a length is 0 or not aligned, a word is none of those "
	  "that there are", NULL, NULL },
	{ "iommufd_fops_ioctl", -EOPNOTSUPP, UNKNOWN_FLAG, NULL, NULL },
	{ "iommufd_fops_ioctl", -ENOENT, NO_OBJECT, NULL, NULL },
	{ "iommufd_fops_ioctl", -EOVERFLOW, WRAPS, NULL, NULL },
	{ "iommufd_fops_ioctl", -EBUSY, "that can be changed only as long as the iommufd has no objects", NULL, NULL },
	{ "iommufd_fops_ioctl", -ENODEV, "the iommufd has no address space for VFIO's calls", NULL, NULL },
	{ "iommufd_fops_ioctl", -EBADF, "the program has no file open by the descriptor that it gives", NULL, NULL },
	{ "iommufd_fops_ioctl", -EMSGSIZE, "there are more ranges than the program left room for; the structure says how many", NULL, NULL },
	{ "iommufd_fops_ioctl", -EADDRINUSE, "a range that is to be allowed is reserved by the IOMMU of a device that is attached", "its reserved ranges",
	  "iommuctl group show %s" },
	{ "iommufd_hwpt_alloc", -ENOENT, "the iommufd has no device, or no parent, of that id", NULL, NULL },
	{ "iommufd_hwpt_alloc", -EOPNOTSUPP, UNKNOWN_FLAG, NULL, NULL },
	{ "iommufd_hwpt_alloc", -EINVAL,
	  "the object is none that a page table can be made of, or the flags, the fault queue and the data do not go together", NULL, NULL },
	{ "iommufd_vdevice_alloc_ioctl", -ENOENT, NO_OBJECT, NULL, NULL },
	{ "iommufd_viommu_alloc_ioctl", -ENOENT, NO_OBJECT, NULL, NULL },
	{ "intel_iommu_attach_device", -ENODEV, "the page table wants page faults, and the device makes no page requests (PRI)", NULL, NULL },
	{ "iommufd_destroy", -EBUSY, "something still uses the object", "see what", "iommuctl owner objects" },
	{ "iommufd_destroy", -ENOENT, "there is no object of that id", NULL, NULL },
	{ "iommufd_hwpt_paging_alloc", -EOPNOTSUPP, "the IOMMU or its driver cannot do what the flags ask for: nesting, dirty tracking, PASIDs, faults", NULL,
	  NULL },
	{ "iommu_paging_domain_alloc_flags", -EOPNOTSUPP, "the IOMMU or its driver cannot do what the flags ask for: nesting, dirty tracking, PASIDs", NULL,
	  NULL },
	{ "iommufd_hwpt_nested_alloc", -EINVAL, "the parent was not made as one for nesting, or the data is not what the driver takes", NULL, NULL },
	{ "iommufd_viommu_alloc_ioctl", -EOPNOTSUPP, "the driver of this IOMMU has no virtual IOMMU of that type", NULL, NULL },
	{ "iommu_dma_prepare_msi", -EOPNOTSUPP,
	  "an interrupt was set up while the device is attached to nothing, so that nothing maps the doorbell; it stays so: attach the device first, "
	  "then set up interrupts", "close the device, open it again, attach, and then set up interrupts", NULL },
	{ "pci_alloc_irq_vectors_affinity", -ENOSPC, "the interrupt controller has no vector left, or setting one up failed below", NULL, NULL },
	{ "iommu_group_store_type", -EPERM, "the group's count of owners is not 0: a device is on its driver, or somebody has claimed the group",
	  CHECK_GROUP },
	{ "iommu_group_store_type", -EINVAL, "no such type, or the driver, or a device that is not trusted, wants another one", NULL, NULL },
	{ "iommu_group_store_type", -EACCES, "it wants the capabilities CAP_SYS_ADMIN and CAP_SYS_RAWIO", NULL, NULL },
	{ "vfio_container_attach_group", -EPERM, "the process lacks CAP_SYS_RAWIO, which a group without an IOMMU takes", NULL, NULL },
	{ "vfio_container_attach_group", -EINVAL, "the group has a container already", NULL, NULL },
	{ "bind_store", -ENODEV, "the driver does not take this device, or there is none of that name", "make it take it",
	  "iommuctl device bind %s --driver vfio-pci" },
};

const struct birth *birth_of(const char *function, int err)
{
	for (size_t i = 0; i < ARRAY_SIZE(births); i++)
		if (births[i].err == err && streq(births[i].function, function))
			return &births[i];
	return NULL;
}

/* -- calls out of a trace ------------------------------------------------------------------------------------------------ */

/* What a thread's call from user space has brought so far. */
struct open_call {
	int64_t pid;
	bool open;
	uint32_t cmd;
	const char *device;
	struct num group, iova, length;
	VEC(struct failed_step) steps; /* in the order in which they came back */
};

typedef VEC(struct open_call) open_calls;

/* Threads of a storm come and go: one of that number, or a new one. */
static struct open_call *call_of(open_calls *v, int64_t pid)
{
	struct open_call *c;

	vec_for_each(c, v)
		if (c->pid == pid)
			return c;
	c = vec_push(v);
	c->pid = pid;
	return c;
}

static void begin(struct open_call *c, const struct failure_event *e)
{
	c->open = true;
	c->cmd = e->cmd;
	c->device = e->device;
	c->group = NUM_UNKNOWN;
	c->iova = e->iova;
	c->length = e->length;
	c->steps.n = 0;
}

/*
 * An errno goes up from where it was born through functions that pass it on, so its way is the last run of one and the same. What failed
 * before with another errno was dealt with, or made into this one on the way: our table knows that kind.
 */
static size_t birth_place(const struct open_call *c)
{
	size_t i = c->steps.n - 1;
	int err = c->steps.v[i].err;

	while (i > 0 && c->steps.v[i - 1].err == err)
		i--;
	if (i > 0 && c->steps.v[i - 1].err == -EOPNOTSUPP && err == -ENOSPC && streq(c->steps.v[i - 1].function->name, "iommu_dma_prepare_msi"))
		i--;
	return i;
}

static struct failure failure_of(struct arena *a, const struct open_call *c, const struct failure_event *e)
{
	size_t n = c->steps.n, at = birth_place(c);
	struct failure f = { .task = e->task, .pid = e->pid, .cmd = c->cmd, .device = c->device, .group = c->group,
			     .iova = c->iova, .length = c->length, .n = n - at, .n_before = at };

	f.steps = arena_array(a, struct failed_step, f.n);
	for (size_t i = 0; i < f.n; i++)
		f.steps[i] = c->steps.v[n - 1 - i];
	f.before = arena_array(a, struct failed_step, f.n_before);
	for (size_t i = 0; i < f.n_before; i++)
		f.before[i] = c->steps.v[at - 1 - i];
	for (size_t i = f.n; i-- > 0 && !f.birth;)
		f.birth = birth_of(f.steps[i].function->name, f.steps[i].err);
	return f;
}

static void take_event(struct arena *a, const struct failure_log *log, const struct failure_event *e, struct open_call *c, struct failure *v, size_t *n)
{
	const struct watched_function *f = &log->functions[e->function];

	if (e->entry && f->outer) {
		begin(c, e);
	} else if (e->entry) {
		c->device = e->device ? e->device : c->device;
		c->group = e->group.known ? e->group : c->group;
	} else if (c->open) {
		*vec_push(&c->steps) = (struct failed_step){ f, e->ret };
	}
	if (e->entry || !f->outer || !c->open)
		return;
	v[(*n)++] = failure_of(a, c, e);
	c->open = false;
}

void births_find(struct arena *a, const struct failure_log *log, struct failure **ret, size_t *ret_n)
{
	open_calls calls = { 0 };
	struct failure *v = arena_array(a, struct failure, log->v.n);
	struct open_call *c;

	*ret_n = 0;
	for (size_t i = 0; i < log->v.n; i++)
		take_event(a, log, &log->v.v[i], call_of(&calls, log->v.v[i].pid), v, ret_n);
	vec_for_each(c, &calls)
		vec_free(&c->steps);
	vec_free(&calls);
	*ret = v;
}
