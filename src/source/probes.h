/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel has and no file says directly: SECTION_PROBES.
 *
 *	{ "kernel": { "release": "7.2.12", "version": "#1 SMP …", "machine": "x86_64" },	for display only
 *	  "page_size": 4096,	of memory, as the kernel divides it; sections that older versions wrote have none
 *	  "owner_cnt": null | bool,	struct iommu_group counts owners, by BTF; null: no BTF to be read
 *	  "symbols": null | { "iommu_group_claim_dma_owner": bool, … },	null: no symbol table
 *	  "nodes": { "iommu": bool, "vfio": bool, "vfio_devices": bool },	/dev/iommu, /dev/vfio/vfio, …/devices
 *	  "iommufd": null | { "IOAS_MAP": bool, …, "TEST_CMD": bool } }	which ioctls it has; null: none, or not ours to open
 */
#ifndef IOMMUCTL_SOURCE_PROBES_H
#define IOMMUCTL_SOURCE_PROBES_H

#include "abi/iommufd.h"
#include "source/source.h"

/* iommufd's ioctls, and its selftest's. */
enum probe_ioctl {
#define X(name, nr, type, last, since) PROBE_##name,
	IOMMUFD_IOCTLS(X)
#undef X
	PROBE_TEST_CMD,
	PROBE_IOCTL_MAX
};

/* The functions asked for: where owners, domains and page requests can be watched. */
enum probe_symbol {
	SYM_USE_DEFAULT_DOMAIN,
	SYM_UNUSE_DEFAULT_DOMAIN,
	SYM_GROUP_CLAIM,
	SYM_DEVICE_CLAIM,
	SYM_GROUP_RELEASE,
	SYM_DEVICE_RELEASE,
	SYM_OWNER_CLAIMED,
	SYM_TAKE_OWNERSHIP,
	SYM_RELEASE_OWNERSHIP,
	SYM_GROUP_SET_DOMAIN,
	SYM_DEVICE_SET_DOMAIN,
	SYM_ATTACH_DEVICE,
	SYM_ATTACH_GROUP,
	SYM_SETUP_DEFAULT_DOMAIN,
	SYM_STORE_TYPE,
	SYM_ATTACH_GROUP_HANDLE,
	SYM_DETACH_GROUP_HANDLE,
	SYM_REPLACE_GROUP_HANDLE,
	SYM_ATTACH_HANDLE_GET,
	SYM_ATTACH_PASID,
	SYM_DETACH_PASID,
	SYM_REPORT_FAULT,
	SYM_GROUP_RESPONSE,
	SYM_IOPF_ADD,
	SYM_IOPF_REMOVE,
	SYM_IOPF_FLUSH,
	SYM_IOPF_DISCARD,
	SYM_IOMMUFD_BIND,
	SYM_IOMMUFD_UNBIND,
	SYM_IOMMUFD_ATTACH,
	SYM_IOMMUFD_DETACH,
	SYM_IOMMUFD_REPLACE,
	SYM_VFIO_BIND,
	SYM_VFIO_ATTACH,
	SYM_VFIO_CONTAINER_ATTACH,
	SYM_VFIO_GROUP_OPEN,
	SYM_SW_MSI,    /* doorbells of message interrupts that follow a device from page table to page table */
	SYM_GROUP_GET, /* in every kernel with an IOMMU core: without it the table tells nothing */
	SYM_MAX
};

struct probes {
	const char *release, *version, *machine;
	struct num page_size; /* a power of two; else it is unknown */
	enum tri owner_cnt;
	enum tri symbols[SYM_MAX];
	enum tri dev_iommu, dev_vfio, dev_vfio_devices;
	enum tri iommufd[PROBE_IOCTL_MAX];
};

/* -ENOTCAPTURED; errors of the section. */
int source_probes(struct source *src, struct ctx *ctx, struct arena *a, struct probes *ret);

/* The first Linux that has it, "6.2", to be told to people, never compared. TEST_CMD hangs on the configuration: "". */
const char *probe_ioctl_since(enum probe_ioctl i);

/* The provider of the live section. Cheap: some milliseconds, most of them for the symbol table. */
int probes_gather(struct ctx *ctx, struct json_object **ret);

/*
 * Marks in @found which symbols a piece of /proc/kallsyms names. Give the pieces in order with the same
 * @state, zeroed before the first.
 */
struct kallsyms_state {
	char line[512];
	size_t len;
	bool too_long;
};
void kallsyms_scan(struct kallsyms_state *state, const char *text, size_t len, bool found[static SYM_MAX]);

#endif
