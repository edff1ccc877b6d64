// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/hw.h"

#define PAGE_4K_SHIFT 12

/* Bits @hi to @lo of @v. */
static inline uint64_t bits(uint64_t v, unsigned hi, unsigned lo)
{
	return v >> lo & (UINT64_MAX >> (63 - (hi - lo)));
}

static inline bool bit(uint64_t v, unsigned n)
{
	return v >> n & 1;
}

static void set_domain(struct event *ev, uint32_t id)
{
	ev->domain = id;
	ev->has |= HAS_DOMAIN;
}

static void set_pasid(struct event *ev, uint32_t pasid)
{
	ev->pasid = pasid;
	ev->has |= HAS_PASID;
}

static void set_source(struct event *ev, uint32_t id)
{
	ev->source_id = id;
	ev->has |= HAS_SOURCE;
}

static void set_range(struct event *ev, uint64_t addr, uint64_t size)
{
	ev->inval.scope = EXTENT_RANGE;
	ev->addr = addr;
	ev->size = size;
	ev->has |= HAS_ADDR | HAS_SIZE;
}

/* Address and mask: 2^@am pages from the address with as many low bits clear. */
static void set_masked_range(struct event *ev, uint64_t qw, unsigned am)
{
	uint64_t size;

	if (am + PAGE_4K_SHIFT > 63) {
		ev->inval.scope = EXTENT_GLOBAL;
		return;
	}
	size = 1ULL << (am + PAGE_4K_SHIFT);
	set_range(ev, (qw & ~0xfffULL) & ~(size - 1), size);
}

/*
 * The way of ATS (PCIe base spec 10.3.1): with the S bit, the lowest clear bit of the address gives the size; what
 * covers all of the address space is said as the scope that holds without a range.
 */
static void set_ats_range(struct event *ev, uint64_t qw, bool s, enum inval_scope whole)
{
	uint64_t addr = qw >> PAGE_4K_SHIFT;
	unsigned ones = 0;

	if (s)
		while (ones < 52 && bit(addr, ones))
			ones++;
	if (ones >= 50) {
		ev->inval.scope = whole;
		return;
	}
	if (s)
		addr &= ~((1ULL << (ones + 1)) - 1);
	set_range(ev, addr << PAGE_4K_SHIFT, 1ULL << (PAGE_4K_SHIFT + (s ? ones + 1 : 0)));
}

static void qi_context(const uint64_t *qw, struct event *ev)
{
	static const enum inval_scope scopes[] = { EXTENT_UNKNOWN, EXTENT_GLOBAL, EXTENT_DOMAIN, EXTENT_DEVICE };

	ev->inval = (struct inval_info){ .kind = INVAL_CONTEXT, .scope = scopes[bits(qw[0], 5, 4)] };
	if (ev->inval.scope == EXTENT_DOMAIN || ev->inval.scope == EXTENT_DEVICE)
		set_domain(ev, (uint32_t)bits(qw[0], 31, 16));
	if (ev->inval.scope == EXTENT_DEVICE)
		set_source(ev, (uint32_t)bits(qw[0], 47, 32));
}

static void qi_iotlb(const uint64_t *qw, struct event *ev)
{
	static const enum inval_scope scopes[] = { EXTENT_UNKNOWN, EXTENT_GLOBAL, EXTENT_DOMAIN, EXTENT_RANGE };

	ev->inval = (struct inval_info){ .kind = INVAL_IOTLB, .scope = scopes[bits(qw[0], 5, 4)],
					 .leaf = bit(qw[1], 6) };
	if (ev->inval.scope != EXTENT_GLOBAL)
		set_domain(ev, (uint32_t)bits(qw[0], 31, 16));
	if (ev->inval.scope == EXTENT_RANGE)
		set_masked_range(ev, qw[1], (unsigned)bits(qw[1], 5, 0));
}

static void qi_dev_iotlb(const uint64_t *qw, struct event *ev)
{
	ev->inval = (struct inval_info){ .kind = INVAL_DEVTLB };
	set_source(ev, (uint32_t)bits(qw[0], 47, 32));
	set_ats_range(ev, qw[1], bit(qw[1], 0), EXTENT_DEVICE);
}

static void qi_interrupt(const uint64_t *qw, struct event *ev)
{
	ev->inval = (struct inval_info){ .kind = INVAL_INTERRUPT, .scope = EXTENT_GLOBAL };
	if (!bit(qw[0], 4))
		return;
	ev->inval.scope = EXTENT_RANGE;
	ev->addr = bits(qw[0], 47, 32);
	ev->size = 1ULL << bits(qw[0], 31, 27);
	ev->has |= HAS_ADDR | HAS_SIZE;
}

static void qi_piotlb(const uint64_t *qw, struct event *ev)
{
	static const enum inval_scope scopes[] = { EXTENT_UNKNOWN, EXTENT_UNKNOWN, EXTENT_PASID, EXTENT_RANGE };

	ev->inval = (struct inval_info){ .kind = INVAL_IOTLB, .scope = scopes[bits(qw[0], 5, 4)],
					 .leaf = bit(qw[1], 6) };
	set_domain(ev, (uint32_t)bits(qw[0], 31, 16));
	set_pasid(ev, (uint32_t)bits(qw[0], 51, 32));
	if (ev->inval.scope == EXTENT_RANGE)
		set_masked_range(ev, qw[1], (unsigned)bits(qw[1], 5, 0));
}

static void qi_pasid_cache(const uint64_t *qw, struct event *ev)
{
	static const enum inval_scope scopes[] = { EXTENT_DOMAIN, EXTENT_PASID, EXTENT_UNKNOWN, EXTENT_GLOBAL };

	ev->inval = (struct inval_info){ .kind = INVAL_PASID, .scope = scopes[bits(qw[0], 5, 4)] };
	if (ev->inval.scope != EXTENT_GLOBAL)
		set_domain(ev, (uint32_t)bits(qw[0], 31, 16));
	if (ev->inval.scope == EXTENT_PASID)
		set_pasid(ev, (uint32_t)bits(qw[0], 51, 32));
}

static void qi_dev_piotlb(const uint64_t *qw, struct event *ev)
{
	ev->inval = (struct inval_info){ .kind = INVAL_DEVTLB };
	set_source(ev, (uint32_t)bits(qw[0], 31, 16));
	if (!bit(qw[1], 0)) /* else: for all PASIDs of the device */
		set_pasid(ev, (uint32_t)bits(qw[0], 51, 32));
	set_ats_range(ev, qw[1], bit(qw[1], 11), bit(qw[1], 0) ? EXTENT_DEVICE : EXTENT_PASID);
}

static void qi_page_response(const uint64_t *qw, struct event *ev)
{
	ev->kind = EVENT_PAGE_RESPONSE;
	ev->page = (struct page_info){ .group = (uint32_t)bits(qw[1], 11, 3), .last = bit(qw[1], 2),
				       .code = (uint32_t)bits(qw[0], 15, 12) };
	set_source(ev, (uint32_t)bits(qw[0], 31, 16));
	if (bit(qw[0], 4))
		set_pasid(ev, (uint32_t)bits(qw[0], 51, 32));
}

bool qi_decode(const uint64_t qw[4], struct event *ev)
{
	/* the type's upper three bits sit apart from its lower four */
	static void (*const types[])(const uint64_t *, struct event *) = {
		NULL, qi_context, qi_iotlb, qi_dev_iotlb, qi_interrupt, NULL, qi_piotlb, qi_pasid_cache, qi_dev_piotlb,
		qi_page_response,
	};
	unsigned type = (unsigned)(bits(qw[0], 3, 0) | bits(qw[0], 11, 9) << 4);

	ev->kind = EVENT_INVALIDATE;
	ev->vendor = VENDOR_VTD;
	if (type == 5) {
		ev->inval = (struct inval_info){ .kind = INVAL_WAIT, .scope = EXTENT_GLOBAL };
		return true;
	}
	if (type >= ARRAY_SIZE(types) || !types[type]) {
		ev->inval = (struct inval_info){ .kind = INVAL_OTHER };
		return false;
	}
	types[type](qw, ev);
	return true;
}

bool prq_decode(const uint64_t dw[4], struct event *ev)
{
	if (bits(dw[0], 7, 0) != 1)
		return false;
	ev->kind = EVENT_PAGE_REQUEST;
	ev->vendor = VENDOR_VTD;
	ev->page = (struct page_info){ .group = (uint32_t)bits(dw[1], 11, 3), .last = bit(dw[1], 2) };
	ev->addr = dw[1] & ~0xfffULL;
	ev->has |= HAS_ADDR;
	set_source(ev, (uint32_t)bits(dw[0], 31, 16));
	if (bit(dw[0], 8))
		set_pasid(ev, (uint32_t)bits(dw[0], 51, 32));
	ev->access = (bit(dw[1], 0) ? ACCESS_READ : 0) | (bit(dw[1], 1) ? ACCESS_WRITE : 0) |
		     (bit(dw[0], 52) ? ACCESS_EXEC : 0) | (bit(dw[0], 53) ? ACCESS_PRIVILEGED : 0);
	return true;
}

/* What a command works on. */
enum cmd_form {
	CMD_PLAIN,
	CMD_SID,
	CMD_SID_SSID,
	CMD_RANGE_OF_SIDS,
	CMD_VMID,
	CMD_ASID,
	CMD_VA_ASID,
	CMD_VA_VMID,
	CMD_ATC,
	CMD_PRI_RESP,
	CMD_RESUME,
};

struct smmuv3_cmd {
	const char *name;
	enum inval_kind kind;
	enum inval_scope scope;
	enum cmd_form form;
};

static const struct smmuv3_cmd smmuv3_cmds[] = {
	[0x01] = { "CMD_PREFETCH_CONFIG", INVAL_PREFETCH, EXTENT_DEVICE, CMD_SID_SSID },
	[0x02] = { "CMD_PREFETCH_ADDR", INVAL_PREFETCH, EXTENT_DEVICE, CMD_SID_SSID },
	[0x03] = { "CMD_CFGI_STE", INVAL_CONTEXT, EXTENT_DEVICE, CMD_SID },
	[0x04] = { "CMD_CFGI_STE_RANGE", INVAL_CONTEXT, EXTENT_GLOBAL, CMD_RANGE_OF_SIDS },
	[0x05] = { "CMD_CFGI_CD", INVAL_PASID, EXTENT_PASID, CMD_SID_SSID },
	[0x06] = { "CMD_CFGI_CD_ALL", INVAL_PASID, EXTENT_DEVICE, CMD_SID },
	[0x07] = { "CMD_CFGI_VMS_PIDM", INVAL_CONTEXT, EXTENT_DOMAIN, CMD_VMID },
	[0x10] = { "CMD_TLBI_NH_ALL", INVAL_IOTLB, EXTENT_DOMAIN, CMD_VMID },
	[0x11] = { "CMD_TLBI_NH_ASID", INVAL_IOTLB, EXTENT_DOMAIN, CMD_ASID },
	[0x12] = { "CMD_TLBI_NH_VA", INVAL_IOTLB, EXTENT_RANGE, CMD_VA_ASID },
	[0x13] = { "CMD_TLBI_NH_VAA", INVAL_IOTLB, EXTENT_RANGE, CMD_VA_VMID },
	[0x18] = { "CMD_TLBI_EL3_ALL", INVAL_IOTLB, EXTENT_GLOBAL, CMD_PLAIN },
	[0x1a] = { "CMD_TLBI_EL3_VA", INVAL_IOTLB, EXTENT_RANGE, CMD_VA_ASID },
	[0x20] = { "CMD_TLBI_EL2_ALL", INVAL_IOTLB, EXTENT_GLOBAL, CMD_PLAIN },
	[0x21] = { "CMD_TLBI_EL2_ASID", INVAL_IOTLB, EXTENT_DOMAIN, CMD_ASID },
	[0x22] = { "CMD_TLBI_EL2_VA", INVAL_IOTLB, EXTENT_RANGE, CMD_VA_ASID },
	[0x23] = { "CMD_TLBI_EL2_VAA", INVAL_IOTLB, EXTENT_RANGE, CMD_VA_VMID },
	[0x28] = { "CMD_TLBI_S12_VMALL", INVAL_IOTLB, EXTENT_DOMAIN, CMD_VMID },
	[0x2a] = { "CMD_TLBI_S2_IPA", INVAL_IOTLB, EXTENT_RANGE, CMD_VA_VMID },
	[0x30] = { "CMD_TLBI_NSNH_ALL", INVAL_IOTLB, EXTENT_GLOBAL, CMD_PLAIN },
	[0x40] = { "CMD_ATC_INV", INVAL_DEVTLB, EXTENT_RANGE, CMD_ATC },
	[0x41] = { "CMD_PRI_RESP", INVAL_OTHER, EXTENT_UNKNOWN, CMD_PRI_RESP },
	[0x44] = { "CMD_RESUME", INVAL_OTHER, EXTENT_UNKNOWN, CMD_RESUME },
	[0x45] = { "CMD_STALL_TERM", INVAL_OTHER, EXTENT_DEVICE, CMD_SID },
	[0x46] = { "CMD_SYNC", INVAL_WAIT, EXTENT_GLOBAL, CMD_PLAIN },
};

const char *smmuv3_cmd_name(uint8_t opcode)
{
	return opcode < ARRAY_SIZE(smmuv3_cmds) ? smmuv3_cmds[opcode].name : NULL;
}

/* Range invalidation (SMMU_IDR3.RIL): (NUM + 1) << SCALE granules of TG; without TG, one address of unknown size. */
static void set_tlbi_range(struct event *ev, const uint64_t *w)
{
	unsigned tg = (unsigned)bits(w[1], 11, 10), scale = (unsigned)bits(w[0], 24, 20);
	uint64_t num = bits(w[0], 16, 12) + 1;

	ev->inval.leaf = bit(w[1], 0);
	ev->addr = w[1] & ~0xfffULL;
	ev->has |= HAS_ADDR;
	if (!tg || scale > 39)
		return;
	ev->size = num << scale << (10 + 2 * tg);
	ev->has |= HAS_SIZE;
}

static void set_response(struct event *ev, uint32_t group, uint32_t code)
{
	ev->kind = EVENT_PAGE_RESPONSE;
	ev->page = (struct page_info){ .group = group, .last = true, .code = code };
}

static void smmuv3_cmd_fields(const struct smmuv3_cmd *c, const uint64_t *w, struct event *ev)
{
	static const uint32_t pri_codes[] = { 0xf, 1, 0, 2 }; /* deny, fail, success, reserved */
	static const uint32_t resume_codes[] = { 1, 0, 0xf, 2 }; /* terminate, retry, abort, reserved */

	switch (c->form) {
	case CMD_PLAIN:
		return;
	case CMD_RANGE_OF_SIDS: /* 31: all of them */
		if (bits(w[1], 4, 0) < 31)
			ev->inval.scope = EXTENT_DEVICE;
		set_source(ev, (uint32_t)bits(w[0], 63, 32));
		return;
	case CMD_SID_SSID:
		set_pasid(ev, (uint32_t)bits(w[0], 31, 12));
		/* fall through */
	case CMD_SID:
		set_source(ev, (uint32_t)bits(w[0], 63, 32));
		return;
	case CMD_VMID:
		set_domain(ev, (uint32_t)bits(w[0], 47, 32));
		return;
	case CMD_ASID:
		set_domain(ev, (uint32_t)bits(w[0], 63, 48));
		return;
	case CMD_VA_ASID:
		set_domain(ev, (uint32_t)bits(w[0], 63, 48));
		set_tlbi_range(ev, w);
		return;
	case CMD_VA_VMID:
		set_domain(ev, (uint32_t)bits(w[0], 47, 32));
		set_tlbi_range(ev, w);
		return;
	case CMD_ATC:
		set_source(ev, (uint32_t)bits(w[0], 63, 32));
		if (bit(w[0], 11) && !bit(w[0], 9))
			set_pasid(ev, (uint32_t)bits(w[0], 31, 12));
		set_masked_range(ev, w[1], (unsigned)bits(w[1], 5, 0));
		if (ev->inval.scope == EXTENT_GLOBAL)
			ev->inval.scope = EXTENT_DEVICE;
		return;
	case CMD_PRI_RESP:
		set_source(ev, (uint32_t)bits(w[0], 63, 32));
		if (bit(w[0], 11))
			set_pasid(ev, (uint32_t)bits(w[0], 31, 12));
		set_response(ev, (uint32_t)bits(w[1], 8, 0), pri_codes[bits(w[1], 13, 12)]);
		return;
	case CMD_RESUME:
		set_source(ev, (uint32_t)bits(w[0], 63, 32));
		set_response(ev, (uint32_t)bits(w[1], 15, 0), resume_codes[bits(w[0], 13, 12)]);
		return;
	}
}

bool smmuv3_cmd_decode(const uint64_t w[2], struct event *ev)
{
	uint8_t opcode = (uint8_t)bits(w[0], 7, 0);

	ev->kind = EVENT_INVALIDATE;
	ev->vendor = VENDOR_SMMUV3;
	ev->inval = (struct inval_info){ .kind = INVAL_OTHER };
	if (!smmuv3_cmd_name(opcode))
		return false;
	ev->inval.kind = smmuv3_cmds[opcode].kind;
	ev->inval.scope = smmuv3_cmds[opcode].scope;
	smmuv3_cmd_fields(&smmuv3_cmds[opcode], w, ev);
	return true;
}

static const char *const smmuv3_events[] = {
	[0x01] = "F_UUT",	     [0x02] = "C_BAD_STREAMID",	   [0x03] = "F_STE_FETCH",
	[0x04] = "C_BAD_STE",	     [0x05] = "F_BAD_ATS_TREQ",	   [0x06] = "F_STREAM_DISABLED",
	[0x07] = "F_TRANSL_FORBIDDEN", [0x08] = "C_BAD_SUBSTREAMID", [0x09] = "F_CD_FETCH",
	[0x0a] = "C_BAD_CD",	     [0x0b] = "F_WALK_EABT",	   [0x10] = "F_TRANSLATION",
	[0x11] = "F_ADDR_SIZE",	     [0x12] = "F_ACCESS",	   [0x13] = "F_PERMISSION",
	[0x20] = "F_TLB_CONFLICT",   [0x21] = "F_CFG_CONFLICT",	   [0x24] = "E_PAGE_REQUEST",
	[0x25] = "F_VMS_FETCH",
};

const char *smmuv3_event_name(uint32_t id)
{
	return id < ARRAY_SIZE(smmuv3_events) ? smmuv3_events[id] : NULL;
}

int smmuv3_event_parse(struct slice name)
{
	for (size_t i = 0; i < ARRAY_SIZE(smmuv3_events); i++)
		if (smmuv3_events[i] && slice_eq_bytes(name, smmuv3_events[i], strlen(smmuv3_events[i])))
			return (int)i;
	return -1;
}

/* Ids that carry an input address and the bits of the transaction. */
static bool event_has_address(uint32_t id)
{
	return id == 0x01 || id == 0x05 || id == 0x07 || id == 0x0b || (id >= 0x10 && id <= 0x13) || id == 0x20 || id == 0x21;
}

void smmuv3_event_decode(const uint64_t w[4], struct event *ev)
{
	uint32_t id = (uint32_t)bits(w[0], 7, 0);

	ev->kind = EVENT_FAULT;
	ev->vendor = VENDOR_SMMUV3;
	ev->fault.kind = id >= 0x02 && id <= 0x0a && id != 0x05 && id != 0x07 ? FAULT_CONFIG : FAULT_DMA;
	if (id == 0x21 || id == 0x25)
		ev->fault.kind = FAULT_CONFIG;
	ev->fault.has_code = true;
	ev->fault.code = id;
	set_source(ev, (uint32_t)bits(w[0], 63, 32));
	if (bit(w[0], 11))
		set_pasid(ev, (uint32_t)bits(w[0], 31, 12));
	if (!event_has_address(id))
		return;
	ev->fault.flags = w[1];
	ev->fault.has_flags = true;
	ev->fault.stalled = bit(w[1], 31) && id >= 0x10 && id <= 0x13;
	ev->addr = w[2];
	ev->has |= HAS_ADDR;
	ev->access = bit(w[1], 34) ? ACCESS_EXEC : bit(w[1], 35) ? ACCESS_READ : ACCESS_WRITE;
	if (bit(w[1], 33))
		ev->access |= ACCESS_PRIVILEGED;
}
