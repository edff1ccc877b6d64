// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/ioctl.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "abi/iommufd.h"
#include "abi/selftest.h"
#include "abi/vfio.h"
#include "base/str.h"
#include "trace/smmuv3.h"

enum dir { IN = 1, OUT = 2, BOTH = 3 };

struct word {
	uint64_t v;
	const char *text;
};

struct member {
	const char *name;
	uint16_t at;
	uint8_t width;
	uint8_t kind; /* enum ioctl_kind */
	uint8_t dir;
	const struct word *words; /* of flags and words; ends with a NULL text */
};

#define M(type, field, kind, dir, ...) \
	{ #field, offsetof(struct type, field), sizeof(((struct type *)NULL)->field), kind, dir, ##__VA_ARGS__ }
#define END { 0 }
#define WORDS(name, ...) static const struct word name[] = { __VA_ARGS__, { 0 } }

/* -- words ------------------------------------------------------------------------------------------------------------ */

WORDS(map_flags, { IOMMU_IOAS_MAP_FIXED_IOVA, "fixed" }, { IOMMU_IOAS_MAP_WRITEABLE, "write" }, { IOMMU_IOAS_MAP_READABLE, "read" });
WORDS(option_ids, { IOMMU_OPTION_RLIMIT_MODE, "rlimit-mode" }, { IOMMU_OPTION_HUGE_PAGES, "huge-pages" });
WORDS(option_ops, { IOMMU_OPTION_OP_SET, "set" }, { IOMMU_OPTION_OP_GET, "get" });
WORDS(compat_ops, { IOMMU_VFIO_IOAS_GET, "get" }, { IOMMU_VFIO_IOAS_SET, "set" }, { IOMMU_VFIO_IOAS_CLEAR, "clear" });
WORDS(hwpt_flags, { IOMMU_HWPT_ALLOC_NEST_PARENT, "nest-parent" }, { IOMMU_HWPT_ALLOC_DIRTY_TRACKING, "dirty" },
      { IOMMU_HWPT_FAULT_ID_VALID, "fault" }, { IOMMU_HWPT_ALLOC_PASID, "pasid" });
WORDS(hwpt_data, { IOMMU_HWPT_DATA_NONE, "none" }, { IOMMU_HWPT_DATA_VTD_S1, "vtd-s1" }, { IOMMU_HWPT_DATA_ARM_SMMUV3, "smmuv3" },
      { IOMMU_HWPT_DATA_AMD_GUEST, "amd" }, { IOMMU_HWPT_DATA_SELFTEST, "selftest" });
WORDS(dirty_flags, { IOMMU_HWPT_DIRTY_TRACKING_ENABLE, "enable" });
WORDS(bitmap_flags, { IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR, "no-clear" });
WORDS(hw_types, { IOMMU_HW_INFO_TYPE_NONE, "none" }, { IOMMU_HW_INFO_TYPE_INTEL_VTD, "vt-d" }, { IOMMU_HW_INFO_TYPE_ARM_SMMUV3, "smmuv3" },
      { IOMMU_HW_INFO_TYPE_TEGRA241_CMDQV, "cmdqv" }, { IOMMU_HW_INFO_TYPE_AMD, "amd-vi" }, { IOMMU_HW_INFO_TYPE_SELFTEST, "selftest" });
WORDS(hw_caps, { IOMMU_HW_CAP_DIRTY_TRACKING, "dirty" }, { IOMMU_HW_CAP_PCI_PASID_EXEC, "pasid-exec" },
      { IOMMU_HW_CAP_PCI_PASID_PRIV, "pasid-priv" }, { IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED, "no-ats" });
WORDS(viommu_types, { IOMMU_VIOMMU_TYPE_DEFAULT, "default" }, { IOMMU_VIOMMU_TYPE_ARM_SMMUV3, "smmuv3" },
      { IOMMU_VIOMMU_TYPE_TEGRA241_CMDQV, "cmdqv" }, { IOMMU_VIOMMU_TYPE_SELFTEST, "selftest" });
WORDS(group_flags, { VFIO_GROUP_FLAGS_VIABLE, "viable" }, { VFIO_GROUP_FLAGS_CONTAINER_SET, "container-set" });
WORDS(dma_flags, { VFIO_DMA_MAP_FLAG_READ, "read" }, { VFIO_DMA_MAP_FLAG_WRITE, "write" });
WORDS(unmap_flags, { VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, "dirty-bitmap" }, { VFIO_DMA_UNMAP_FLAG_ALL, "all" });
WORDS(container_types, { VFIO_TYPE1_IOMMU, "type1" }, { VFIO_TYPE1v2_IOMMU, "type1v2" }, { VFIO_NOIOMMU_IOMMU, "noiommu" });
WORDS(device_flags, { VFIO_DEVICE_FLAGS_RESET, "reset" }, { VFIO_DEVICE_FLAGS_PCI, "pci" }, { VFIO_DEVICE_FLAGS_PLATFORM, "platform" });
WORDS(irq_flags, { VFIO_IRQ_SET_DATA_NONE, "none" }, { VFIO_IRQ_SET_DATA_BOOL, "bool" }, { VFIO_IRQ_SET_DATA_EVENTFD, "eventfd" },
      { VFIO_IRQ_SET_ACTION_MASK, "mask" }, { VFIO_IRQ_SET_ACTION_UNMASK, "unmask" }, { VFIO_IRQ_SET_ACTION_TRIGGER, "trigger" });
WORDS(irqs, { VFIO_PCI_INTX_IRQ_INDEX, "intx" }, { VFIO_PCI_MSI_IRQ_INDEX, "msi" }, { VFIO_PCI_MSIX_IRQ_INDEX, "msix" },
      { VFIO_PCI_ERR_IRQ_INDEX, "err" }, { VFIO_PCI_REQ_IRQ_INDEX, "req" });
WORDS(regions, { VFIO_PCI_BAR0_REGION_INDEX, "bar0" }, { VFIO_PCI_BAR1_REGION_INDEX, "bar1" }, { VFIO_PCI_BAR2_REGION_INDEX, "bar2" },
      { VFIO_PCI_BAR3_REGION_INDEX, "bar3" }, { VFIO_PCI_BAR4_REGION_INDEX, "bar4" }, { VFIO_PCI_BAR5_REGION_INDEX, "bar5" },
      { VFIO_PCI_ROM_REGION_INDEX, "rom" }, { VFIO_PCI_CONFIG_REGION_INDEX, "config" }, { VFIO_PCI_VGA_REGION_INDEX, "vga" });
WORDS(bind_flags, { VFIO_DEVICE_BIND_FLAG_TOKEN, "token" });
WORDS(pasid_flags, { VFIO_DEVICE_ATTACH_PASID, "pasid" });

/* -- members, in the order in which they are shown ----------------------------------------------------------------------- */

#define MEMBERS(name, ...) static const struct member name[] = { __VA_ARGS__, END }

MEMBERS(destroy, M(iommu_destroy, id, IOV_ID, IN));
MEMBERS(ioas_alloc, M(iommu_ioas_alloc, flags, IOV_HEX, IN), M(iommu_ioas_alloc, out_ioas_id, IOV_ID, OUT));
MEMBERS(allow_iovas, M(iommu_ioas_allow_iovas, ioas_id, IOV_ID, IN), M(iommu_ioas_allow_iovas, num_iovas, IOV_DEC, IN),
	M(iommu_ioas_allow_iovas, allowed_iovas, IOV_HEX, IN));
MEMBERS(ioas_copy, M(iommu_ioas_copy, flags, IOV_FLAGS, IN, map_flags), M(iommu_ioas_copy, dst_ioas_id, IOV_ID, IN),
	M(iommu_ioas_copy, src_ioas_id, IOV_ID, IN), M(iommu_ioas_copy, length, IOV_HEX, IN), M(iommu_ioas_copy, dst_iova, IOV_HEX, BOTH),
	M(iommu_ioas_copy, src_iova, IOV_HEX, IN));
MEMBERS(iova_ranges, M(iommu_ioas_iova_ranges, ioas_id, IOV_ID, IN), M(iommu_ioas_iova_ranges, num_iovas, IOV_DEC, BOTH),
	M(iommu_ioas_iova_ranges, out_iova_alignment, IOV_HEX, OUT));
MEMBERS(ioas_map, M(iommu_ioas_map, flags, IOV_FLAGS, IN, map_flags), M(iommu_ioas_map, ioas_id, IOV_ID, IN),
	M(iommu_ioas_map, user_va, IOV_HEX, IN), M(iommu_ioas_map, length, IOV_HEX, IN), M(iommu_ioas_map, iova, IOV_HEX, BOTH));
MEMBERS(ioas_unmap, M(iommu_ioas_unmap, ioas_id, IOV_ID, IN), M(iommu_ioas_unmap, iova, IOV_HEX, IN),
	M(iommu_ioas_unmap, length, IOV_HEX, BOTH));
MEMBERS(option, M(iommu_option, option_id, IOV_WORD, IN, option_ids), M(iommu_option, op, IOV_WORD, IN, option_ops),
	M(iommu_option, object_id, IOV_ID, IN), M(iommu_option, val64, IOV_DEC, BOTH));
MEMBERS(vfio_ioas, M(iommu_vfio_ioas, op, IOV_WORD, IN, compat_ops), M(iommu_vfio_ioas, ioas_id, IOV_ID, BOTH));
MEMBERS(hwpt_alloc, M(iommu_hwpt_alloc, flags, IOV_FLAGS, IN, hwpt_flags), M(iommu_hwpt_alloc, dev_id, IOV_ID, IN),
	M(iommu_hwpt_alloc, pt_id, IOV_ID, IN), M(iommu_hwpt_alloc, data_type, IOV_WORD, IN, hwpt_data),
	M(iommu_hwpt_alloc, data_len, IOV_DEC, IN), M(iommu_hwpt_alloc, data_uptr, IOV_HEX, IN), M(iommu_hwpt_alloc, fault_id, IOV_ID, IN),
	M(iommu_hwpt_alloc, out_hwpt_id, IOV_ID, OUT));
MEMBERS(hw_info, M(iommu_hw_info, dev_id, IOV_ID, IN), M(iommu_hw_info, data_len, IOV_DEC, BOTH),
	M(iommu_hw_info, out_data_type, IOV_WORD, OUT, hw_types), M(iommu_hw_info, out_max_pasid_log2, IOV_DEC, OUT),
	M(iommu_hw_info, out_capabilities, IOV_FLAGS, OUT, hw_caps));
MEMBERS(set_dirty, M(iommu_hwpt_set_dirty_tracking, flags, IOV_FLAGS, IN, dirty_flags), M(iommu_hwpt_set_dirty_tracking, hwpt_id, IOV_ID, IN));
MEMBERS(get_dirty, M(iommu_hwpt_get_dirty_bitmap, hwpt_id, IOV_ID, IN), M(iommu_hwpt_get_dirty_bitmap, flags, IOV_FLAGS, IN, bitmap_flags),
	M(iommu_hwpt_get_dirty_bitmap, iova, IOV_HEX, IN), M(iommu_hwpt_get_dirty_bitmap, length, IOV_HEX, IN),
	M(iommu_hwpt_get_dirty_bitmap, page_size, IOV_HEX, IN));
MEMBERS(invalidate, M(iommu_hwpt_invalidate, hwpt_id, IOV_ID, IN), M(iommu_hwpt_invalidate, data_type, IOV_DEC, IN),
	M(iommu_hwpt_invalidate, data_uptr, IOV_HEX, IN),
	M(iommu_hwpt_invalidate, entry_len, IOV_DEC, IN), M(iommu_hwpt_invalidate, entry_num, IOV_DEC, BOTH));
MEMBERS(fault_alloc, M(iommu_fault_alloc, flags, IOV_HEX, IN), M(iommu_fault_alloc, out_fault_id, IOV_ID, OUT),
	M(iommu_fault_alloc, out_fault_fd, IOV_FD, OUT));
MEMBERS(map_file, M(iommu_ioas_map_file, flags, IOV_FLAGS, IN, map_flags), M(iommu_ioas_map_file, ioas_id, IOV_ID, IN),
	M(iommu_ioas_map_file, fd, IOV_FD, IN), M(iommu_ioas_map_file, start, IOV_HEX, IN), M(iommu_ioas_map_file, length, IOV_HEX, IN),
	M(iommu_ioas_map_file, iova, IOV_HEX, BOTH));
MEMBERS(viommu_alloc, M(iommu_viommu_alloc, flags, IOV_HEX, IN), M(iommu_viommu_alloc, type, IOV_WORD, IN, viommu_types),
	M(iommu_viommu_alloc, dev_id, IOV_ID, IN), M(iommu_viommu_alloc, hwpt_id, IOV_ID, IN), M(iommu_viommu_alloc, out_viommu_id, IOV_ID, OUT));
MEMBERS(vdevice_alloc, M(iommu_vdevice_alloc, viommu_id, IOV_ID, IN), M(iommu_vdevice_alloc, dev_id, IOV_ID, IN),
	M(iommu_vdevice_alloc, virt_id, IOV_HEX, IN), M(iommu_vdevice_alloc, out_vdevice_id, IOV_ID, OUT));
MEMBERS(change_process, M(iommu_ioas_change_process, reserved, IOV_HEX, IN));
MEMBERS(veventq_alloc, M(iommu_veventq_alloc, viommu_id, IOV_ID, IN), M(iommu_veventq_alloc, type, IOV_DEC, IN),
	M(iommu_veventq_alloc, veventq_depth, IOV_DEC, IN), M(iommu_veventq_alloc, out_veventq_id, IOV_ID, OUT),
	M(iommu_veventq_alloc, out_veventq_fd, IOV_FD, OUT));
MEMBERS(hw_queue_alloc, M(iommu_hw_queue_alloc, viommu_id, IOV_ID, IN), M(iommu_hw_queue_alloc, type, IOV_DEC, IN),
	M(iommu_hw_queue_alloc, index, IOV_DEC, IN), M(iommu_hw_queue_alloc, nesting_parent_iova, IOV_HEX, IN),
	M(iommu_hw_queue_alloc, length, IOV_HEX, IN), M(iommu_hw_queue_alloc, out_hw_queue_id, IOV_ID, OUT));

MEMBERS(group_status, M(vfio_group_status, flags, IOV_FLAGS, OUT, group_flags));
MEMBERS(type1_info, M(vfio_iommu_type1_info, iova_pgsizes, IOV_HEX, OUT));
MEMBERS(type1_map, M(vfio_iommu_type1_dma_map, flags, IOV_FLAGS, IN, dma_flags), M(vfio_iommu_type1_dma_map, vaddr, IOV_HEX, IN),
	M(vfio_iommu_type1_dma_map, iova, IOV_HEX, IN), M(vfio_iommu_type1_dma_map, size, IOV_HEX, IN));
MEMBERS(type1_unmap, M(vfio_iommu_type1_dma_unmap, flags, IOV_FLAGS, IN, unmap_flags), M(vfio_iommu_type1_dma_unmap, iova, IOV_HEX, IN),
	M(vfio_iommu_type1_dma_unmap, size, IOV_HEX, BOTH));
MEMBERS(device_info, M(vfio_device_info, flags, IOV_FLAGS, OUT, device_flags), M(vfio_device_info, num_regions, IOV_DEC, OUT),
	M(vfio_device_info, num_irqs, IOV_DEC, OUT));
MEMBERS(region_info, M(vfio_region_info, index, IOV_WORD, IN, regions), M(vfio_region_info, flags, IOV_HEX, OUT),
	M(vfio_region_info, size, IOV_HEX, OUT), M(vfio_region_info, offset, IOV_HEX, OUT));
MEMBERS(irq_info, M(vfio_irq_info, index, IOV_WORD, IN, irqs), M(vfio_irq_info, flags, IOV_HEX, OUT), M(vfio_irq_info, count, IOV_DEC, OUT));
MEMBERS(irq_set, M(vfio_irq_set, flags, IOV_FLAGS, IN, irq_flags), M(vfio_irq_set, index, IOV_WORD, IN, irqs),
	M(vfio_irq_set, start, IOV_DEC, IN), M(vfio_irq_set, count, IOV_DEC, IN));
MEMBERS(bind_iommufd, M(vfio_device_bind_iommufd, flags, IOV_FLAGS, IN, bind_flags), M(vfio_device_bind_iommufd, iommufd, IOV_FD, IN),
	M(vfio_device_bind_iommufd, out_devid, IOV_ID, OUT));
MEMBERS(attach_pt, M(vfio_device_attach_iommufd_pt, flags, IOV_FLAGS, IN, pasid_flags),
	M(vfio_device_attach_iommufd_pt, pt_id, IOV_ID, BOTH), M(vfio_device_attach_iommufd_pt, pasid, IOV_DEC, IN));
MEMBERS(detach_pt, M(vfio_device_detach_iommufd_pt, flags, IOV_FLAGS, IN, pasid_flags), M(vfio_device_detach_iommufd_pt, pasid, IOV_DEC, IN));
MEMBERS(nothing, END);

/* -- the calls ------------------------------------------------------------------------------------------------------------ */

enum shape { SHAPE_STRUCT, SHAPE_VALUE, SHAPE_FD, SHAPE_NAME, SHAPE_NONE };

#define ON_COMPAT (IOCTL_ON_CONTAINER | IOCTL_ON_IOMMUFD)

static const struct call {
	unsigned on;
	uint32_t cmd;
	const char *name;
	enum shape shape;
	const struct member *members;
	const struct word *words; /* of SHAPE_VALUE */
} calls[] = {
#define IOMMUFD(name, members) { IOCTL_ON_IOMMUFD, IOMMU_##name, "IOMMU_" #name, SHAPE_STRUCT, members, NULL }
	IOMMUFD(IOAS_MAP, ioas_map),
	IOMMUFD(IOAS_UNMAP, ioas_unmap),
	IOMMUFD(HWPT_INVALIDATE, invalidate),
	IOMMUFD(DESTROY, destroy),
	IOMMUFD(IOAS_ALLOC, ioas_alloc),
	IOMMUFD(IOAS_ALLOW_IOVAS, allow_iovas),
	IOMMUFD(IOAS_COPY, ioas_copy),
	IOMMUFD(IOAS_IOVA_RANGES, iova_ranges),
	IOMMUFD(OPTION, option),
	IOMMUFD(VFIO_IOAS, vfio_ioas),
	IOMMUFD(HWPT_ALLOC, hwpt_alloc),
	IOMMUFD(GET_HW_INFO, hw_info),
	IOMMUFD(HWPT_SET_DIRTY_TRACKING, set_dirty),
	IOMMUFD(HWPT_GET_DIRTY_BITMAP, get_dirty),
	IOMMUFD(FAULT_QUEUE_ALLOC, fault_alloc),
	IOMMUFD(IOAS_MAP_FILE, map_file),
	IOMMUFD(VIOMMU_ALLOC, viommu_alloc),
	IOMMUFD(VDEVICE_ALLOC, vdevice_alloc),
	IOMMUFD(IOAS_CHANGE_PROCESS, change_process),
	IOMMUFD(VEVENTQ_ALLOC, veventq_alloc),
	IOMMUFD(HW_QUEUE_ALLOC, hw_queue_alloc),
	{ ON_COMPAT, VFIO_GET_API_VERSION, "VFIO_GET_API_VERSION", SHAPE_NONE, nothing, NULL },
	{ ON_COMPAT, VFIO_CHECK_EXTENSION, "VFIO_CHECK_EXTENSION", SHAPE_VALUE, nothing, container_types },
	{ ON_COMPAT, VFIO_SET_IOMMU, "VFIO_SET_IOMMU", SHAPE_VALUE, nothing, container_types },
	{ ON_COMPAT, VFIO_IOMMU_GET_INFO, "VFIO_IOMMU_GET_INFO", SHAPE_STRUCT, type1_info, NULL },
	{ ON_COMPAT, VFIO_IOMMU_MAP_DMA, "VFIO_IOMMU_MAP_DMA", SHAPE_STRUCT, type1_map, NULL },
	{ ON_COMPAT, VFIO_IOMMU_UNMAP_DMA, "VFIO_IOMMU_UNMAP_DMA", SHAPE_STRUCT, type1_unmap, NULL },
	{ ON_COMPAT, VFIO_IOMMU_DIRTY_PAGES, "VFIO_IOMMU_DIRTY_PAGES", SHAPE_STRUCT, nothing, NULL },
	{ IOCTL_ON_GROUP, VFIO_GROUP_GET_STATUS, "VFIO_GROUP_GET_STATUS", SHAPE_STRUCT, group_status, NULL },
	{ IOCTL_ON_GROUP, VFIO_GROUP_SET_CONTAINER, "VFIO_GROUP_SET_CONTAINER", SHAPE_FD, nothing, NULL },
	{ IOCTL_ON_GROUP, VFIO_GROUP_UNSET_CONTAINER, "VFIO_GROUP_UNSET_CONTAINER", SHAPE_NONE, nothing, NULL },
	{ IOCTL_ON_GROUP, VFIO_GROUP_GET_DEVICE_FD, "VFIO_GROUP_GET_DEVICE_FD", SHAPE_NAME, nothing, NULL },
	{ IOCTL_ON_DEVICE, VFIO_DEVICE_GET_INFO, "VFIO_DEVICE_GET_INFO", SHAPE_STRUCT, device_info, NULL },
	{ IOCTL_ON_DEVICE, VFIO_DEVICE_GET_REGION_INFO, "VFIO_DEVICE_GET_REGION_INFO", SHAPE_STRUCT, region_info, NULL },
	{ IOCTL_ON_DEVICE, VFIO_DEVICE_GET_IRQ_INFO, "VFIO_DEVICE_GET_IRQ_INFO", SHAPE_STRUCT, irq_info, NULL },
	{ IOCTL_ON_DEVICE, VFIO_DEVICE_SET_IRQS, "VFIO_DEVICE_SET_IRQS", SHAPE_STRUCT, irq_set, NULL },
	{ IOCTL_ON_DEVICE, VFIO_DEVICE_RESET, "VFIO_DEVICE_RESET", SHAPE_NONE, nothing, NULL },
	{ IOCTL_ON_DEVICE, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, "VFIO_DEVICE_GET_PCI_HOT_RESET_INFO", SHAPE_STRUCT, nothing, NULL },
	{ IOCTL_ON_DEVICE, VFIO_DEVICE_PCI_HOT_RESET, "VFIO_DEVICE_PCI_HOT_RESET", SHAPE_STRUCT, nothing, NULL },
	{ IOCTL_ON_DEVICE, VFIO_DEVICE_FEATURE, "VFIO_DEVICE_FEATURE", SHAPE_STRUCT, nothing, NULL },
	{ IOCTL_ON_DEVICE, VFIO_DEVICE_BIND_IOMMUFD, "VFIO_DEVICE_BIND_IOMMUFD", SHAPE_STRUCT, bind_iommufd, NULL },
	{ IOCTL_ON_DEVICE, VFIO_DEVICE_ATTACH_IOMMUFD_PT, "VFIO_DEVICE_ATTACH_IOMMUFD_PT", SHAPE_STRUCT, attach_pt, NULL },
	{ IOCTL_ON_DEVICE, VFIO_DEVICE_DETACH_IOMMUFD_PT, "VFIO_DEVICE_DETACH_IOMMUFD_PT", SHAPE_STRUCT, detach_pt, NULL },
	{ IOCTL_ON_IOMMUFD, IOMMUFD_IOCTL(0xa0), "IOMMU_TEST_CMD", SHAPE_STRUCT, nothing, NULL },
};

static const char *first_kernel(uint32_t cmd)
{
	switch (cmd) {
#define X(name, nr, type, last, since) \
	case IOMMU_##name:             \
		return since;
	IOMMUFD_IOCTLS(X)
#undef X
	default:
		return NULL;
	}
}

/* -- taking apart ----------------------------------------------------------------------------------------------------------- */

struct decoding {
	struct arena *a;
	const unsigned char *in, *out;
	size_t n_in, n_out; /* of it, what the caller's own size covers */
	struct ioctl_decoded *d;
};

static uint64_t number(const unsigned char *p, size_t width)
{
	uint16_t h;
	uint32_t w;
	uint64_t l;

	switch (width) {
	case 1:
		return *p;
	case 2:
		return memcpy(&h, p, 2), h;
	case 4:
		return memcpy(&w, p, 4), w;
	default:
		return memcpy(&l, p, 8), l;
	}
}

static const char *word_of(const struct word *words, uint64_t v)
{
	for (; words && words->text; words++)
		if (words->v == v)
			return words->text;
	return NULL;
}

/* "fixed,read", and what has no word in hex; "0x0" when there is none at all. */
static const char *flag_words(struct arena *a, const struct word *words, uint64_t v)
{
	const struct word *w;
	size_t len = 0;
	char *text, *p;

	for (w = words; w && w->text; w++)
		if (v & w->v)
			len += strlen(w->text) + 1;
	p = text = arena_alloc(a, len + sizeof("0x0123456789abcdef"));
	for (w = words; w && w->text; w++) {
		if (!(v & w->v))
			continue;
		p = stpcpy(p == text ? p : stpcpy(p, ","), w->text);
		v &= ~w->v;
	}
	if (v || p == text)
		sprintf(p == text ? p : stpcpy(p, ","), "0x%llx", (unsigned long long)v);
	return text;
}

static void add(struct decoding *c, const char *name, enum ioctl_kind kind, const struct word *words, bool out, uint64_t v)
{
	const char *text = kind == IOV_FLAGS ? flag_words(c->a, words, v) : kind == IOV_WORD ? word_of(words, v) : NULL;

	c->d->v[c->d->n++] = (struct ioctl_value){ .name = name, .kind = kind, .out = out, .v = v, .text = text };
}

static void add_member(struct decoding *c, const struct member *m, bool out)
{
	const unsigned char *p = out ? c->out : c->in;

	if ((size_t)m->at + m->width > (out ? c->n_out : c->n_in))
		return;
	add(c, m->name, (enum ioctl_kind)m->kind, m->words, out, number(p + m->at, m->width));
}

static size_t n_members(const struct member *m)
{
	size_t n = 0;

	while (m[n].name)
		n++;
	return n;
}

static void add_struct(struct decoding *c, const struct member *m, bool done)
{
	uint32_t size = 0;

	/* the first word is how long the caller says it is */
	if (c->n_in >= sizeof(size))
		memcpy(&size, c->in, sizeof(size));
	c->n_in = MIN(c->n_in, size);
	c->n_out = MIN(c->n_out, size);
	for (size_t i = 0; m[i].name; i++)
		if (m[i].dir & IN)
			add_member(c, &m[i], false);
	for (size_t i = 0; done && m[i].name; i++)
		if (m[i].dir & OUT)
			add_member(c, &m[i], true);
}

static void add_name(struct decoding *c)
{
	const void *end = memchr(c->in, 0, c->n_in);

	if (!end)
		return;
	c->d->v[c->d->n++] = (struct ioctl_value){
		.name = "name", .kind = IOV_TEXT, .text = arena_memdup(c->a, c->in, (size_t)((const unsigned char *)end - c->in)) };
}

static const struct call *find_call(enum ioctl_on on, uint32_t cmd)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].cmd == cmd && calls[i].on & on)
			return &calls[i];
	return NULL;
}

void ioctl_decode(struct arena *a, enum ioctl_on on, uint32_t cmd, uint64_t arg, const unsigned char *in, size_t n_in,
		  const unsigned char *out, size_t n_out, bool done, struct ioctl_decoded *ret)
{
	const struct call *call = find_call(on, cmd);
	struct decoding c = { .a = a, .in = in, .out = out, .n_in = n_in, .n_out = n_out, .d = ret };

	*ret = (struct ioctl_decoded){ .name = call ? call->name : NULL, .first = call ? first_kernel(cmd) : NULL };
	if (!call)
		return;
	ret->v = arena_array(a, struct ioctl_value, 2 * n_members(call->members) + 1);
	switch (call->shape) {
	case SHAPE_STRUCT:
		add_struct(&c, call->members, done);
		break;
	case SHAPE_VALUE:
		add(&c, "value", IOV_WORD, call->words, false, arg);
		break;
	case SHAPE_FD:
		if (n_in >= 4)
			add(&c, "fd", IOV_FD, NULL, false, number(in, 4));
		break;
	case SHAPE_NAME:
		add_name(&c);
		break;
	case SHAPE_NONE:
		break;
	}
}

/* -- behind pointers ----------------------------------------------------------------------------------------------------------- */

#define DOUBLE 16

static const char *text_of(struct arena *a, const unsigned char *p, void (*say)(const uint64_t words[2], struct strbuf *b))
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	uint64_t words[2];

	memcpy(words, p, sizeof(words));
	words[0] = le64toh(words[0]);
	words[1] = le64toh(words[1]);
	say(words, &b);
	return arena_strdup(a, strbuf_str(&b));
}

static bool is_value(const struct ioctl_decoded *d, const char *name, uint64_t v)
{
	const struct ioctl_value *found = ioctl_value(d, name);

	return found && found->v == v;
}

/* Behind the last argument, before what the kernel wrote. */
static void insert(struct ioctl_decoded *d, const char *name, const char *text)
{
	size_t at = d->n;

	while (at && d->v[at - 1].out)
		at--;
	memmove(d->v + at + 1, d->v + at, (d->n - at) * sizeof(*d->v));
	d->v[at] = (struct ioctl_value){ .name = name, .kind = IOV_TEXT, .text = text };
	d->n++;
}

void ioctl_decode_data(struct arena *a, const unsigned char *data, size_t n, struct ioctl_decoded *d)
{
	bool ste = streq(d->name, "IOMMU_HWPT_ALLOC") && is_value(d, "data_type", IOMMU_HWPT_DATA_ARM_SMMUV3);
	bool cmds = streq(d->name, "IOMMU_HWPT_INVALIDATE") && is_value(d, "data_type", IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3) &&
		    is_value(d, "entry_len", DOUBLE);
	struct ioctl_value *v;

	if ((!ste && !cmds) || n < DOUBLE)
		return;
	v = arena_array(a, struct ioctl_value, d->n + n / DOUBLE);
	memcpy(v, d->v, d->n * sizeof(*v));
	d->v = v;
	if (ste)
		insert(d, "ste", text_of(a, data, smmuv3_ste_text));
	for (size_t i = 0; cmds && i < n / DOUBLE; i++)
		insert(d, "cmd", text_of(a, data + i * DOUBLE, smmuv3_cmd_text));
}

const struct ioctl_value *ioctl_value(const struct ioctl_decoded *d, const char *name)
{
	for (size_t i = 0; i < d->n; i++)
		if (*d->v[i].name == *name && streq(d->v[i].name, name))
			return &d->v[i];
	return NULL;
}
