// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Arm SMMUs in the kernel log.
 *
 * SMMUv3 (drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.c): "event 0x10 received:" and four lines of one word each;
 * newer kernels add the same decoded in two lines. Other lines may come between them. SMMUv2 (arm-smmu.c and the
 * SoC vendors' parts): "Unhandled context fault: fsr=… iova=…", with the registers decoded behind it on newer
 * kernels; global faults in two lines, the registers in the second.
 */
#include <stdio.h>

#include "trace/hw.h"
#include "trace/internal.h"
#include "trace/smmuv3.h"

/*
 * The unit's name: "arm-smmu-v3 9050000.smmuv3: text", or "arm-smmu-v3: text" in cut logs; "qcom-iommu-ctx 1f09000.iommu-ctx: text";
 * Xen's "smmu: /smmu@fd800000: text" and "SMMUv3: /smmuv3@9050000: text".
 */
static bool split_speaker(struct slice text, struct slice *ret_unit, struct slice *ret_rest, bool *ret_v3)
{
	struct scan s = scan_of(text);
	struct slice head;

	*ret_v3 = false;
	*ret_unit = (struct slice){ 0 };
	if (scan_past(&s, "arm-smmu"))
		*ret_v3 = scan_lit(&s, "-v3");
	else if (scan_past(&s, "qcom-iommu"))
		scan_lit(&s, "-ctx");
	else if (slice_has(text, "(XEN)") && (scan_past(&s, "smmu: /") || (*ret_v3 = scan_past(&s, "SMMUv3: /"))))
		s.p -= strlen(" /");
	else
		return false;
	if (scan_char(&s, ':')) {
		*ret_rest = slice_trim(scan_rest(&s));
		return true;
	}
	if (!scan_char(&s, ' ') || !scan_word(&s, &head) || head.p[head.n - 1] != ':')
		return false;
	head.p += *head.p == '/';
	*ret_unit = (struct slice){ head.p, (size_t)(s.p - head.p) - 1 };
	*ret_rest = slice_trim(scan_rest(&s));
	return true;
}

static bool key_hex(struct slice in, const char *key, uint64_t *ret)
{
	struct scan s = scan_of(in);

	if (!scan_past_bytes(&s, key, strlen(key)))
		return false;
	scan_blanks(&s);
	return scan_hex(&s, ret);
}

static bool same_unit(const struct held *h, struct slice unit)
{
	return h->ev.unit.n == unit.n && (!unit.n || !memcmp(h->ev.unit.p, unit.p, unit.n));
}

/* All words are there: what they say goes into the held event, whose time, line and unit stay. */
static void finish_words(struct log_state *st)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	struct held *h = st->held;
	struct slice text = h->ev.fault.text;

	if (!h->is_command) {
		smmuv3_event_decode(h->words, &h->ev);
		smmuv3_event_detail(h->words, &b);
		if (b.len)
			h->ev.fault.detail = hold_printf(st, "%s", strbuf_str(&b));
		if (h->ev.fault.code == 0x02 || h->ev.fault.code == 0x06)
			h->ev.has &= ~HAS_ADDR;
	} else {
		struct event cmd = { 0 };

		smmuv3_cmd_decode(h->words, &cmd);
		h->ev.source_id = cmd.source_id;
		h->ev.domain = cmd.domain;
		h->ev.addr = cmd.addr;
		h->ev.has |= cmd.has & (HAS_SOURCE | HAS_DOMAIN | HAS_ADDR);
		h->ev.fault.detail = hold_printf(st, "%s", smmuv3_cmd_name((uint8_t)h->words[0]) ?: "no such command");
	}
	h->ev.fault.text = text;
}

static enum line_result add_word(struct log_state *st, struct slice unit, uint64_t word)
{
	struct held *h = st->held;

	if (!h->active || h->n_words >= h->want_words || !same_unit(h, unit))
		return LINE_OTHER;
	h->words[h->n_words++] = word;
	if (h->n_words == h->want_words)
		finish_words(st);
	return LINE_TAKEN;
}

/* "0x0000020000000010", nothing else but what a table, a list or quotes have behind it; "0x00000200 00000010" of some. */
static bool only_word(struct slice rest, uint64_t *ret)
{
	struct scan s = scan_of(rest);
	uint64_t high, low;

	if (rest.n == 19 && scan_hex(&s, &high) && s.p - rest.p == 10 && scan_char(&s, ' ') && hex_digit(*s.p) >= 0 && scan_hex(&s, &low) &&
	    !scan_left(&s)) {
		*ret = high << 32 | low;
		return true;
	}
	s = scan_of(rest);
	return rest.n >= 18 && scan_hex(&s, ret) && s.p - rest.p == 18 && (!scan_left(&s) || is_among(*s.p, "`|\"',<* "));
}

static enum line_result v3_header(struct log_state *st, const struct log_msg *m, struct slice unit, struct scan s)
{
	struct event *ev;
	uint64_t id;

	if (!scan_hex(&s, &id) || id > 0xff)
		return LINE_BAD;
	ev = hold_new(st, m);
	ev->kind = EVENT_FAULT;
	ev->vendor = VENDOR_SMMUV3;
	ev->unit = hold_text(st, unit);
	ev->fault = (struct fault_info){ .kind = FAULT_DMA, .has_code = true, .code = (uint32_t)id };
	st->held->want_words = 4;
	return LINE_TAKEN;
}

/* "event: F_TRANSLATION client: 0000:02:00.0 sid: 0x200 ssid: 0x0 iova: 0xdead000 ipa: 0x0": with its dump, or alone. */
static enum line_result v3_decoded(struct log_state *st, const struct log_msg *m, struct slice unit, struct slice rest, bool last)
{
	struct event *ev = &st->held->ev;
	struct scan s = scan_of(rest);
	struct slice name, client;
	uint64_t v, sid;
	char buf[32];

	if (!scan_past(&s, "event: ") || !scan_word(&s, &name))
		return LINE_BAD;
	if (!key_hex(rest, "sid: ", &sid))
		return last ? LINE_BAD : LINE_PART;
	if (!st->held->active || ev->vendor != VENDOR_SMMUV3 || st->held->is_command || !same_unit(st->held, unit) ||
	    (ev->has & HAS_SOURCE && ev->source_id != sid)) {
		ev = hold_new(st, m);
		ev->kind = EVENT_FAULT;
		ev->vendor = VENDOR_SMMUV3;
		ev->unit = hold_text(st, unit);
		ev->fault = (struct fault_info){ .kind = FAULT_DMA };
	}
	/* where its words are whole they have told that, and more exactly */
	if ((!st->held->want_words || st->held->n_words < st->held->want_words) && key_hex(rest, "iova: ", &v)) {
		ev->addr = v;
		ev->has |= HAS_ADDR;
	}
	if (!ev->fault.has_code && smmuv3_event_parse(name) >= 0) {
		ev->fault.code = (uint32_t)smmuv3_event_parse(name);
		ev->fault.has_code = true;
	}
	ev->source_id = (uint32_t)sid;
	ev->has |= HAS_SOURCE;
	ev->fault.text = hold_text(st, name);
	if (!scan_past(&s, "client: ") || !scan_word(&s, &client) || client.p[0] == '(')
		return LINE_TAKEN;
	if (scan_bdf(client, buf, sizeof(buf), &ev->has))
		ev->device = hold_printf(st, "%s", buf);
	else
		ev->device = hold_text(st, client);
	ev->has |= HAS_SEGMENT;
	return LINE_TAKEN;
}

/* "unpriv data read s1 "CD fetch" stag: 0x0" */
static enum line_result v3_attributes(struct log_state *st, struct slice unit, struct slice rest)
{
	struct event *ev = &st->held->ev;

	if (!st->held->active || ev->vendor != VENDOR_SMMUV3 || !same_unit(st->held, unit))
		return LINE_OTHER;
	if (!ev->access) {
		ev->access = slice_has(rest, "inst") ? ACCESS_EXEC : slice_has(rest, " read") ? ACCESS_READ : ACCESS_WRITE;
		if (!slice_has(rest, "unpriv"))
			ev->access |= ACCESS_PRIVILEGED;
	}
	ev->fault.detail = hold_text(st, rest);
	return LINE_TAKEN;
}

/* What this line announces, the next ones say (arm_smmu_gerror_handler()). */
#define GLOBAL_ERROR "unexpected global error"

static struct event *v3_error(struct log_state *st, const struct log_msg *m, struct slice unit, enum fault_kind kind,
			      struct slice text)
{
	bool announced = (kind == FAULT_COMMAND || slice_has(text, " aborted") || slice_has(text, "Service Failure Mode")) &&
			 st->held->active && st->held->age < 2 && same_unit(st->held, unit) &&
			 slice_starts(st->held->ev.fault.text, GLOBAL_ERROR);
	struct event *ev = announced ? &st->held->ev : hold_new(st, m);

	ev->kind = EVENT_FAULT;
	ev->vendor = VENDOR_SMMUV3;
	ev->unit = hold_text(st, unit);
	ev->fault = (struct fault_info){ .kind = kind };
	ev->fault.text = hold_text(st, text);
	return ev;
}

/* "sid 0x00000100.0x00001: [0 last] unprivileged RW access at iova 0x…", behind "unexpected PRI request received:". */
static enum line_result v3_pri(struct log_state *st, struct slice unit, struct slice rest)
{
	struct event *ev = &st->held->ev;
	struct scan s = scan_of(rest);
	uint64_t sid, ssid, iova;

	if (!st->held->active || ev->fault.kind != FAULT_PAGE_REQUEST || !same_unit(st->held, unit))
		return LINE_OTHER;
	if (!scan_lit(&s, "sid ") || !scan_hex(&s, &sid))
		return LINE_BAD;
	ev->source_id = (uint32_t)sid;
	ev->has |= HAS_SOURCE;
	if (scan_char(&s, '.') && scan_hex(&s, &ssid)) {
		ev->pasid = (uint32_t)ssid;
		ev->has |= HAS_PASID;
	}
	if (key_hex(rest, "iova ", &iova)) {
		ev->addr = iova;
		ev->has |= HAS_ADDR;
	}
	return LINE_TAKEN;
}

static enum line_result v3_line(struct log_state *st, const struct log_msg *m, struct slice unit, struct slice rest, bool last)
{
	struct scan s = scan_of(rest);
	uint64_t word;

	/* a tab as /dev/kmsg writes it */
	if (scan_lit(&s, "\\x09"))
		rest = scan_rest(&s);
	if (only_word(rest, &word))
		return add_word(st, unit, word);
	if (scan_lit(&s, "event 0x"))
		return v3_header(st, m, unit, s);
	if (slice_has(rest, "event: "))
		return v3_decoded(st, m, unit, rest, last);
	if (slice_has(rest, "stag: ") || slice_has(rest, "priv data ") || slice_has(rest, "priv inst "))
		return v3_attributes(st, unit, rest);
	if (slice_has(rest, "CMDQ error") || slice_has(rest, "CMDQ timeout") || slice_has(rest, "CMD_SYNC timeout")) {
		v3_error(st, m, unit, slice_has(rest, "error") ? FAULT_COMMAND : FAULT_INVALIDATION, rest);
		return LINE_TAKEN;
	}
	if (slice_has(rest, "skipping command in error state")) {
		if (!st->held->active || st->held->ev.fault.kind != FAULT_COMMAND || !same_unit(st->held, unit))
			v3_error(st, m, unit, FAULT_COMMAND, rest);
		st->held->is_command = true;
		st->held->want_words = 2;
		return LINE_TAKEN;
	}
	if (slice_has(rest, "unexpected PRI request")) {
		v3_error(st, m, unit, FAULT_PAGE_REQUEST, rest);
		return LINE_TAKEN;
	}
	if (slice_has(rest, "EVTQ overflow") || slice_has(rest, "PRIQ overflow") || slice_has(rest, GLOBAL_ERROR) ||
	    slice_has(rest, "write aborted") || slice_has(rest, "Service Failure Mode")) {
		v3_error(st, m, unit, FAULT_GLOBAL, rest);
		return LINE_TAKEN;
	}
	s = scan_of(rest);
	return scan_lit(&s, "sid ") ? v3_pri(st, unit, rest) : LINE_OTHER;
}

/* "FSR    = 0x40000402 [TF R SS ]": a register's value. */
static bool register_is(struct slice rest, const char *name, uint64_t *ret)
{
	struct scan s = scan_of(rest);

	if (!scan_bytes(&s, name, strlen(name)))
		return false;
	scan_blanks(&s);
	if (!scan_char(&s, '='))
		return false;
	scan_blanks(&s);
	return scan_hex(&s, ret);
}

/* FSYNR0: bit 4 write, 5 privileged, 6 instruction (Arm IHI 0062, 16.5.6). */
static unsigned fsynr_access(uint64_t fsynr)
{
	return (fsynr & 0x40 ? ACCESS_EXEC : fsynr & 0x10 ? ACCESS_WRITE : ACCESS_READ) |
	       (fsynr & 0x20 ? ACCESS_PRIVILEGED : 0);
}

/*
 * "Unhandled context fault: fsr=0x402, iova=0x…, fsynr=0x…, cbfrsynra=0x…, cb=7"; before 5.0 without cbfrsynra, before 4.12 without
 * fsr.
 */
static enum line_result v2_context(struct log_state *st, const struct log_msg *m, struct slice unit, struct slice rest, bool last)
{
	struct event *ev;
	uint64_t fsr = 0, iova, fsynr, sid;
	bool has_fsr = key_hex(rest, "fsr=", &fsr);

	if (!last && !slice_has(rest, "cb="))
		return LINE_PART;
	if (!key_hex(rest, "iova=", &iova))
		return LINE_BAD;
	ev = hold_new(st, m);
	ev->kind = EVENT_FAULT;
	ev->vendor = VENDOR_SMMUV2;
	ev->unit = hold_text(st, unit);
	ev->addr = iova;
	ev->has |= HAS_ADDR;
	ev->fault = (struct fault_info){ .kind = FAULT_DMA, .has_code = has_fsr, .code = (uint32_t)fsr,
					 .stalled = fsr >> 30 & 1 };
	if (key_hex(rest, "fsynr=", &fsynr)) {
		ev->fault.flags = fsynr;
		ev->fault.has_flags = true;
		ev->access = fsynr_access(fsynr);
	}
	if (key_hex(rest, "cbfrsynra=", &sid)) {
		ev->source_id = (uint32_t)sid & 0xffff;
		ev->has |= HAS_SOURCE;
	}
	return LINE_TAKEN;
}

/*
 * Kernels of telephones have a line a register: "Unhandled arm-smmu context fault from a600000.dwc3!", "FAR    = 0x…", "FSR    = 0x… [TF R ]",
 * "FSYNR0    = 0x…", "SID = 0x…". Newer kernels elsewhere have such lines, too, behind one that has it all.
 */
static enum line_result v2_registers_follow(struct log_state *st, const struct log_msg *m, struct slice unit, struct slice rest)
{
	struct event *ev = hold_new(st, m);
	struct scan s = scan_of(rest);
	struct slice device;

	ev->kind = EVENT_FAULT;
	ev->vendor = VENDOR_SMMUV2;
	ev->unit = hold_text(st, unit);
	ev->fault = (struct fault_info){ .kind = FAULT_DMA };
	if (scan_past(&s, " from ") && scan_word(&s, &device)) {
		device.n -= device.p[device.n - 1] == '!';
		ev->device = hold_text(st, device);
		ev->has |= HAS_SEGMENT;
	}
	return LINE_TAKEN;
}

/* "TLB sync timed out -- SMMU may be deadlocked" (arm-smmu.c), "timeout waiting for TLB SYNC" (qcom_iommu.c). */
static enum line_result v2_timeout(struct log_state *st, const struct log_msg *m, struct slice unit, struct slice rest)
{
	struct event *ev = hold_new(st, m);

	ev->kind = EVENT_FAULT;
	ev->vendor = VENDOR_SMMUV2;
	ev->unit = hold_text(st, unit);
	ev->fault = (struct fault_info){ .kind = FAULT_INVALIDATION };
	ev->fault.text = hold_text(st, rest);
	return LINE_TAKEN;
}

static enum line_result v2_register(struct log_state *st, const struct log_msg *m, struct slice unit, struct slice rest)
{
	struct held *h = st->held;
	struct event *ev = &h->ev;
	struct scan s = scan_of(rest);
	uint64_t v;

	if (!h->active || ev->vendor != VENDOR_SMMUV2 || ev->fault.kind != FAULT_DMA || !same_unit(h, unit)) {
		if (!register_is(rest, "FAR", &v))
			return LINE_OTHER;
		v2_registers_follow(st, m, unit, rest); /* the first of the registers; what announced them was not copied */
	}
	if (register_is(rest, "FAR", &v)) {
		if (!(ev->has & HAS_ADDR))
			ev->addr = v;
		ev->has |= HAS_ADDR;
	} else if (register_is(rest, "FSR", &v)) {
		if (!ev->fault.has_code)
			ev->fault.code = (uint32_t)v;
		ev->fault.has_code = true;
		ev->fault.stalled |= v >> 30 & 1;
	} else if (register_is(rest, "FSYNR0", &v)) {
		if (!ev->fault.has_flags) {
			ev->fault.flags = v;
			ev->access = fsynr_access(v);
		}
		ev->fault.has_flags = true;
	} else if (!register_is(rest, "PAR", &v) && !register_is(rest, "FSYNR1", &v) && !register_is(rest, "SID", &v)) {
		return LINE_OTHER;
	}
	if (!(ev->has & HAS_SOURCE) && scan_past(&s, "SID") && (scan_blanks(&s), scan_char(&s, '=')) && (scan_blanks(&s), scan_hex(&s, &v))) {
		ev->source_id = (uint32_t)v & 0xffff;
		ev->has |= HAS_SOURCE;
	}
	return LINE_TAKEN;
}

/* "GFSR 0x80000002, GFSYNR0 0x…, GFSYNR1 0x…, GFSYNR2 0x…" (GFSYNR1: the stream id). */
static enum line_result v2_global(struct log_state *st, const struct log_msg *m, struct slice unit, struct slice rest, bool last)
{
	struct held *h = st->held;
	struct event *ev = &h->ev;
	uint64_t gfsr, syn0, syn1;
	bool announced = h->active && ev->vendor == VENDOR_SMMUV2 && ev->fault.kind == FAULT_GLOBAL && !ev->fault.has_code &&
			 same_unit(h, unit);

	if (!last && !slice_has(rest, "GFSYNR2"))
		return LINE_PART;
	if (!key_hex(rest, "GFSR ", &gfsr))
		return LINE_BAD;
	if (!announced) {
		ev = hold_new(st, m);
		ev->kind = EVENT_FAULT;
		ev->vendor = VENDOR_SMMUV2;
		ev->unit = hold_text(st, unit);
		ev->fault = (struct fault_info){ .kind = FAULT_GLOBAL };
	}
	ev->fault.has_code = true;
	ev->fault.code = (uint32_t)gfsr;
	if (key_hex(rest, "GFSYNR0 ", &syn0)) {
		ev->fault.flags = syn0;
		ev->fault.has_flags = true;
		ev->access = syn0 & 8 ? ACCESS_EXEC : syn0 & 2 ? ACCESS_WRITE : ACCESS_READ;
	}
	if (key_hex(rest, "GFSYNR1 ", &syn1)) {
		ev->source_id = (uint32_t)syn1 & 0xffff;
		ev->has |= HAS_SOURCE;
	}
	return LINE_TAKEN;
}

/* The line before: "Unexpected global fault, this could be serious", "Blocked unknown Stream ID 0x809; boot with …". */
static enum line_result v2_announce(struct log_state *st, const struct log_msg *m, struct slice unit, struct slice rest)
{
	struct event *ev = hold_new(st, m);
	uint64_t sid;

	ev->kind = EVENT_FAULT;
	ev->vendor = VENDOR_SMMUV2;
	ev->unit = hold_text(st, unit);
	ev->fault = (struct fault_info){ .kind = FAULT_GLOBAL };
	ev->fault.text = hold_text(st, rest);
	if (key_hex(rest, "Stream ID ", &sid)) {
		ev->source_id = (uint32_t)sid;
		ev->has |= HAS_SOURCE;
	}
	return LINE_TAKEN;
}

static enum line_result v2_line(struct log_state *st, const struct log_msg *m, struct slice unit, struct slice rest, bool last)
{
	if (slice_has(rest, "arm-smmu context fault"))
		return v2_registers_follow(st, m, unit, rest);
	if (slice_has(rest, "context fault"))
		return v2_context(st, m, unit, rest, last);
	if (slice_has(rest, "GFSR "))
		return v2_global(st, m, unit, rest, last);
	if (slice_has(rest, "global fault") || slice_has(rest, "Blocked unknown Stream ID"))
		return v2_announce(st, m, unit, rest);
	if (slice_has(rest, "TLB sync timed out") || slice_has(rest, "timeout waiting for TLB SYNC"))
		return v2_timeout(st, m, unit, rest);
	return v2_register(st, m, unit, rest);
}

enum line_result log_smmu(struct log_state *st, const struct log_msg *m, bool last)
{
	struct slice unit, rest;
	bool v3;

	if (!split_speaker(m->text, &unit, &rest, &v3))
		return LINE_OTHER;
	hold_speaker(st, v3 ? VENDOR_SMMUV3 : VENDOR_SMMUV2, unit);
	return v3 ? v3_line(st, m, unit, rest, last) : v2_line(st, m, unit, rest, last);
}
