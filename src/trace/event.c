// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/event.h"

static const char *const event_kinds[EVENT_MAX] = {
	[EVENT_NONE] = "none",
	[EVENT_ATTACH] = "attach",
	[EVENT_ATTACHED] = "attached",
	[EVENT_DETACH] = "detach",
	[EVENT_GROUP_ADD] = "group-add",
	[EVENT_GROUP_REMOVE] = "group-remove",
	[EVENT_MAP] = "map",
	[EVENT_UNMAP] = "unmap",
	[EVENT_FAULT] = "fault",
	[EVENT_PAGE_REQUEST] = "page-request",
	[EVENT_PAGE_RESPONSE] = "page-response",
	[EVENT_INVALIDATE] = "invalidate",
	[EVENT_FLUSH] = "flush",
	[EVENT_TAG_ASSIGN] = "tag-assign",
	[EVENT_TAG_UNASSIGN] = "tag-unassign",
	[EVENT_VEVENT] = "vevent",
	[EVENT_LOST] = "lost",
};

static const char *const vendors[VENDOR_MAX] = {
	[VENDOR_VTD] = "vt-d",	     [VENDOR_AMD] = "amd-vi",	  [VENDOR_SMMUV2] = "smmuv2",
	[VENDOR_SMMUV3] = "smmuv3", [VENDOR_VIRTIO] = "virtio",	  [VENDOR_RISCV] = "riscv",
	[VENDOR_DART] = "dart",	     [VENDOR_EXYNOS] = "exynos",  [VENDOR_IPMMU] = "ipmmu",
	[VENDOR_MEDIATEK] = "mediatek", [VENDOR_OMAP] = "omap",	  [VENDOR_ROCKCHIP] = "rockchip",
	[VENDOR_SUN50I] = "sun50i",  [VENDOR_TEGRA] = "tegra",
};

static const char *const fault_kinds[FAULT_MAX] = {
	[FAULT_DMA] = "dma",
	[FAULT_INTERRUPT] = "interrupt",
	[FAULT_CONFIG] = "configuration",
	[FAULT_COMMAND] = "command",
	[FAULT_INVALIDATION] = "invalidation",
	[FAULT_PAGE_REQUEST] = "page-request",
	[FAULT_GLOBAL] = "global",
};

static const char *const inval_kinds[INVAL_MAX] = {
	[INVAL_CONTEXT] = "context",	 [INVAL_IOTLB] = "iotlb", [INVAL_DEVTLB] = "devtlb",
	[INVAL_PASID] = "pasid",	 [INVAL_INTERRUPT] = "interrupt", [INVAL_WAIT] = "wait",
	[INVAL_PREFETCH] = "prefetch",	 [INVAL_OTHER] = "other",
};

static const char *const inval_scopes[EXTENT_MAX] = {
	[EXTENT_UNKNOWN] = "unknown", [EXTENT_GLOBAL] = "global", [EXTENT_DOMAIN] = "domain",
	[EXTENT_DEVICE] = "device",   [EXTENT_PASID] = "pasid",	[EXTENT_RANGE] = "range",
};

/* By the bits of enum access. */
static const char *const accesses[16] = {
	[ACCESS_READ] = "read",
	[ACCESS_WRITE] = "write",
	[ACCESS_READ | ACCESS_WRITE] = "read+write",
	[ACCESS_EXEC] = "execute",
	[ACCESS_READ | ACCESS_EXEC] = "read+execute",
	[ACCESS_WRITE | ACCESS_EXEC] = "write+execute",
	[ACCESS_READ | ACCESS_WRITE | ACCESS_EXEC] = "read+write+execute",
	[ACCESS_PRIVILEGED] = "privileged",
	[ACCESS_PRIVILEGED | ACCESS_READ] = "privileged read",
	[ACCESS_PRIVILEGED | ACCESS_WRITE] = "privileged write",
	[ACCESS_PRIVILEGED | ACCESS_READ | ACCESS_WRITE] = "privileged read+write",
	[ACCESS_PRIVILEGED | ACCESS_EXEC] = "privileged execute",
	[ACCESS_PRIVILEGED | ACCESS_READ | ACCESS_EXEC] = "privileged read+execute",
	[ACCESS_PRIVILEGED | ACCESS_WRITE | ACCESS_EXEC] = "privileged write+execute",
	[ACCESS_PRIVILEGED | ACCESS_READ | ACCESS_WRITE | ACCESS_EXEC] = "privileged read+write+execute",
};

const char *event_kind_name(enum event_kind k)
{
	return event_kinds[k];
}

const char *vendor_name(enum vendor v)
{
	return vendors[v];
}

const char *fault_kind_name(enum fault_kind k)
{
	return fault_kinds[k];
}

const char *inval_kind_name(enum inval_kind k)
{
	return inval_kinds[k];
}

const char *inval_scope_name(enum inval_scope s)
{
	return inval_scopes[s];
}

/* The index of @s among @n words, -1 when it is none of them. */
static int word_index(struct slice s, const char *const *words, int n)
{
	for (int i = 0; i < n; i++)
		if (words[i] && slice_eq_bytes(s, words[i], strlen(words[i])))
			return i;
	return -1;
}

enum event_kind event_kind_parse(struct slice s)
{
	return (enum event_kind)MAX(word_index(s, event_kinds, EVENT_MAX), 0);
}

enum vendor vendor_parse(struct slice s)
{
	return (enum vendor)MAX(word_index(s, vendors, VENDOR_MAX), 0);
}

bool fault_kind_parse(struct slice s, enum fault_kind *ret)
{
	int i = word_index(s, fault_kinds, FAULT_MAX);

	if (i >= 0)
		*ret = (enum fault_kind)i;
	return i >= 0;
}

bool inval_kind_parse(struct slice s, enum inval_kind *ret)
{
	int i = word_index(s, inval_kinds, INVAL_MAX);

	if (i >= 0)
		*ret = (enum inval_kind)i;
	return i >= 0;
}

enum inval_scope inval_scope_parse(struct slice s)
{
	return (enum inval_scope)MAX(word_index(s, inval_scopes, EXTENT_MAX), 0);
}

const char *access_name(unsigned access)
{
	return accesses[access & 15];
}

unsigned access_parse(struct slice s)
{
	return (unsigned)MAX(word_index(s, accesses, ARRAY_SIZE(accesses)), 0);
}

const char *response_name(uint32_t code)
{
	switch (code) {
	case 0:
		return "success";
	case 1:
		return "invalid";
	case 0xf:
		return "failure";
	}
	return "reserved";
}
