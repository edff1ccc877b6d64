// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/pci.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* Sizes and registers: PCI 3.0 chapter 6, PCIe base spec chapter 7; the same as in <linux/pci_regs.h>. */
#define CONFIG_HEADER	 64
#define CONFIG_SIZE	 256
#define CONFIG_EXT_SIZE	 4096
#define REG_COMMAND	 0x04
#define REG_STATUS	 0x06
#define STATUS_CAP_LIST	 0x10
#define REG_HEADER_TYPE	 0x0e
#define HEADER_MULTI	 0x80
#define HEADER_NORMAL	 0
#define HEADER_BRIDGE	 1
#define HEADER_CARDBUS	 2
#define REG_SECONDARY	 0x19
#define REG_SUBORDINATE	 0x1a
#define REG_CAP_PTR	 0x34
#define REG_CB_CAP_PTR	 0x14
#define CAP_ID_PCIE	 0x10
#define CAP_ID_AF	 0x13
#define EXT_CAP_ID_ACS	 0x0d
#define EXT_CAP_ID_ATS	 0x0f
#define EXT_CAP_ID_SRIOV 0x10
#define EXT_CAP_ID_PRI	 0x13
#define EXT_CAP_ID_PASID 0x1b
#define PCIE_DEVCAP_FLR	 (1u << 28)
#define AF_CAP_FLR	 0x02

/* No list that fits into its space without overlap is longer than this. */
#define MAX_CAPS     ((CONFIG_SIZE - CONFIG_HEADER) / 4)
#define MAX_EXT_CAPS ((CONFIG_EXT_SIZE - CONFIG_SIZE) / 8)

/* The bytes that are there. A read beyond them gives 0 and sets @cut: what was to be found is not known then.
 */
struct view {
	const uint8_t *p;
	size_t len;
	bool cut;
};

static uint8_t get8(struct view *v, size_t at)
{
	if (at < v->len)
		return v->p[at];
	v->cut = true;
	return 0;
}

static uint16_t get16(struct view *v, size_t at)
{
	return get8(v, at) | get8(v, at + 1) << 8;
}

static uint32_t get32(struct view *v, size_t at)
{
	return get16(v, at) | (uint32_t)get16(v, at + 2) << 16;
}

static void parse_pcie(struct view *v, size_t at, struct pci_info *info)
{
	info->pcie = get16(v, at + 2) >> 4 & 0xf;
	if (get32(v, at + 4) & PCIE_DEVCAP_FLR)
		info->has_flr = true;
}

/*
 * The list of the first 256 bytes. As in the kernel, a pointer into the header or an id of 0xff ends it; so
 * do more entries than there is room for, which only a loop can have.
 */
static void parse_caps(struct view *v, struct pci_info *info)
{
	size_t at = get8(v, info->header == HEADER_CARDBUS ? REG_CB_CAP_PTR : REG_CAP_PTR) & ~3;

	for (size_t i = 0; i < MAX_CAPS && at >= CONFIG_HEADER; i++) {
		uint8_t id = get8(v, at);

		if (v->cut || id == 0xff)
			break;
		if (id == CAP_ID_PCIE && info->pcie == PCIE_NONE)
			parse_pcie(v, at, info);
		else if (id == CAP_ID_AF && get8(v, at + 3) & AF_CAP_FLR)
			info->has_flr = true;
		at = get8(v, at + 1) & ~3;
	}
	info->caps_known = !v->cut;
}

static void parse_sriov(struct view *v, size_t at, struct pci_info *info)
{
	info->sriov_ctrl = get16(v, at + 0x08);
	info->sriov_total = get16(v, at + 0x0e);
	info->sriov_num = get16(v, at + 0x10);
	info->sriov_vf_device = get16(v, at + 0x1a);
	info->has_sriov = !v->cut;
}

/* The first capability of an id counts, as in the kernel. One that is cut is not known. */
static void parse_ext_cap(struct view *v, uint16_t id, size_t at, struct pci_info *info)
{
	if (id == EXT_CAP_ID_ACS && !info->has_acs) {
		info->acs_cap = get16(v, at + 4);
		info->acs_ctrl = get16(v, at + 6);
		info->has_acs = !v->cut;
	} else if (id == EXT_CAP_ID_ATS && !info->has_ats) {
		info->ats_cap = get16(v, at + 4);
		info->ats_ctrl = get16(v, at + 6);
		info->has_ats = !v->cut;
	} else if (id == EXT_CAP_ID_SRIOV && !info->has_sriov) {
		parse_sriov(v, at, info);
	} else if (id == EXT_CAP_ID_PRI && !info->has_pri) {
		info->pri_ctrl = get16(v, at + 4);
		info->pri_status = get16(v, at + 6);
		info->pri_max = get32(v, at + 8);
		info->has_pri = !v->cut;
	} else if (id == EXT_CAP_ID_PASID && !info->has_pasid) {
		info->pasid_cap = get16(v, at + 4);
		info->pasid_ctrl = get16(v, at + 6);
		info->has_pasid = !v->cut;
	}
}

/*
 * The list from 256 on. A file of exactly 256 bytes is not a cut one: sysfs ends where the kernel itself
 * cannot read further (pci_cfg_space_size()), so the kernel found no extended capability there either.
 */
static void parse_ext_caps(struct view *v, struct pci_info *info)
{
	size_t at = CONFIG_SIZE;

	if (v->len == CONFIG_SIZE) {
		info->ext_known = true;
		return;
	}
	for (size_t i = 0; i < MAX_EXT_CAPS && at >= CONFIG_SIZE; i++) {
		uint32_t head = get32(v, at);

		if (v->cut || head == 0 || head == UINT32_MAX)
			break;
		parse_ext_cap(v, head & 0xffff, at, info);
		at = head >> 20 & 0xffc;
	}
	info->ext_known = !v->cut;
}

/* Not the ids alone: those of a VF read as ones by its specification. */
static bool all_ones(const uint8_t *p, size_t n)
{
	while (n && *p == 0xff) {
		p++;
		n--;
	}
	return n == 0;
}

void pci_parse(const uint8_t *raw, size_t len, struct pci_info *ret)
{
	struct view v = { .p = raw, .len = MIN(len, (size_t)CONFIG_EXT_SIZE) };

	*ret = (struct pci_info){ .len = v.len, .raw = raw, .pcie = PCIE_NONE, .multifunction = TRI_UNKNOWN };
	if (len < CONFIG_HEADER) {
		ret->err = -ENODATA;
		return;
	}
	if (all_ones(raw, CONFIG_HEADER)) {
		ret->err = -EIO;
		return;
	}
	ret->header = raw[REG_HEADER_TYPE] & ~HEADER_MULTI;
	ret->multifunction = raw[REG_HEADER_TYPE] & HEADER_MULTI ? TRI_YES : TRI_NO;
	ret->command = get16(&v, REG_COMMAND);
	if (ret->header == HEADER_BRIDGE) {
		ret->secondary = raw[REG_SECONDARY];
		ret->subordinate = raw[REG_SUBORDINATE];
	}
	if (!(get16(&v, REG_STATUS) & STATUS_CAP_LIST)) {
		ret->caps_known = ret->ext_known = true;
		return;
	}
	parse_caps(&v, ret);
	if (!ret->caps_known)
		return;
	if (ret->pcie == PCIE_NONE)
		ret->ext_known = true; /* conventional PCI has no extended capabilities */
	else
		parse_ext_caps(&v, ret);
}

/*
 * Reading the config file wakes a device that is runtime-suspended (pci_read_config() resumes it), so on a
 * live machine it is left asleep. A snapshot has nobody to wake.
 */
static bool asleep(struct host *h, struct device *d)
{
	char *status;

	return source_is_live(h->src) && device_attr(h, d, "power/runtime_status", &status) == 0 &&
	       (streq(status, "suspended") || streq(status, "suspending"));
}

static void read_config(struct host *h, struct device *d, struct pci_info *info)
{
	uint8_t buf[CONFIG_EXT_SIZE];
	char path[SRC_PATH_MAX];
	size_t len = 0;
	int r;

	PATHF(path, "%s/config", device_sysfs(h, d));
	r = source_read(h->src, path, buf, sizeof(buf), &len);
	if (r < 0) {
		*info = (struct pci_info){ .err = r, .pcie = PCIE_NONE, .multifunction = TRI_UNKNOWN };
		return;
	}
	pci_parse((uint8_t *)arena_memdup(&h->arena, buf, len), len, info);
}

static bool slot_has_others(struct host *h, const struct device *d)
{
	struct pci_addr a = d->addr;

	for (a.fn = 0; a.fn < 8; a.fn++) {
		if (a.fn != d->addr.fn && host_pci(h, a))
			return true;
	}
	return false;
}

static bool is_vf(struct host *h, const struct device *d)
{
	char path[SRC_PATH_MAX];

	PATHF(path, "%s/physfn", device_sysfs(h, d));
	return source_exists(h->src, path);
}

/* Other functions are only looked for when function 0 says that there are some, so seeing them settles it. */
static enum tri kernel_multifunction(struct host *h, const struct device *d, enum tri header)
{
	enum tri multi = header;

	if (d->addr.fn > 0 || (header == TRI_UNKNOWN && slot_has_others(h, d)))
		multi = TRI_YES;
	return multi == TRI_YES && is_vf(h, d) ? TRI_NO : multi;
}

const struct pci_info *device_pci(struct host *h, struct device *d)
{
	struct pci_info *info;

	if (d->pci_)
		return d->pci_;
	info = d->pci_ = arena_new(&h->arena, struct pci_info);
	*info = (struct pci_info){ .err = -ENOENT, .pcie = PCIE_NONE, .multifunction = TRI_UNKNOWN };
	if (!d->is_pci)
		return info;
	if (asleep(h, d)) {
		info->err = -EAGAIN;
		info->sleeping = true;
	} else {
		read_config(h, d, info);
	}
	info->multifunction = kernel_multifunction(h, d, info->multifunction);
	return info;
}

static enum acs_state capability_state(const struct pci_info *pci, uint16_t *missing)
{
	if (!pci->ext_known && !pci->has_acs)
		return ACS_STATE_UNKNOWN;
	*missing = pci->has_acs ? ACS_ISOLATION & pci->acs_cap & ~pci->acs_ctrl : ACS_ISOLATION;
	if (!pci->has_acs)
		return ACS_STATE_NO_CAP;
	return *missing ? ACS_STATE_BITS_OFF : ACS_STATE_ISOLATES;
}

static enum acs_state acs_state(const struct pci_info *pci, uint16_t *missing)
{
	if (pci->err || !pci->caps_known)
		return ACS_STATE_UNKNOWN;
	switch (pci->pcie) {
	case PCIE_NONE:
	case PCIE_TO_PCI:
	case PCI_TO_PCIE:
	case PCIE_RC_EVENT_COLLECTOR:
		return ACS_STATE_NEVER;
	case PCIE_ROOT_PORT:
	case PCIE_DOWNSTREAM:
		return capability_state(pci, missing);
	case PCIE_ENDPOINT:
	case PCIE_LEGACY_ENDPOINT:
	case PCIE_UPSTREAM:
	case PCIE_RC_ENDPOINT:
		if (pci->multifunction == TRI_YES)
			return capability_state(pci, missing);
		return pci->multifunction == TRI_NO ? ACS_STATE_NOT_NEEDED : ACS_STATE_UNKNOWN;
	}
	return ACS_STATE_NOT_NEEDED; /* reserved types: the kernel lets them pass */
}

enum acs_state pci_acs_state(const struct pci_info *pci, uint16_t *ret_missing)
{
	uint16_t missing = 0;
	enum acs_state s = acs_state(pci, &missing);

	if (ret_missing)
		*ret_missing = missing;
	return s;
}

enum tri acs_state_isolates(enum acs_state s)
{
	switch (s) {
	case ACS_STATE_ISOLATES:
	case ACS_STATE_NOT_NEEDED:
		return TRI_YES;
	case ACS_STATE_BITS_OFF:
	case ACS_STATE_NO_CAP:
	case ACS_STATE_NEVER:
		return TRI_NO;
	case ACS_STATE_UNKNOWN:
		break;
	}
	return TRI_UNKNOWN;
}

const char *pcie_type_name(enum pcie_type t)
{
	switch (t) {
	case PCIE_NONE:
		return "conventional PCI";
	case PCIE_ENDPOINT:
		return "endpoint";
	case PCIE_LEGACY_ENDPOINT:
		return "legacy endpoint";
	case PCIE_ROOT_PORT:
		return "root port";
	case PCIE_UPSTREAM:
		return "upstream port";
	case PCIE_DOWNSTREAM:
		return "downstream port";
	case PCIE_TO_PCI:
		return "PCIe-to-PCI bridge";
	case PCI_TO_PCIE:
		return "PCI-to-PCIe bridge";
	case PCIE_RC_ENDPOINT:
		return "root complex endpoint";
	case PCIE_RC_EVENT_COLLECTOR:
		return "root complex event collector";
	}
	return "unknown type";
}

const char *acs_bits_name(uint16_t bits, char *buf, size_t size)
{
	static const char *const names[] = { "SV", "TB", "RR", "CR", "UF", "EC", "DT" };
	size_t n = 0;

	snprintf(buf, size, "-");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (bits & 1u << i && n < size)
			n += snprintf(buf + n, size - n, "%s%s", n ? " " : "", names[i]);
	}
	return buf;
}
