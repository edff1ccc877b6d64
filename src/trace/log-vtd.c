// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Intel VT-d in the kernel log. One fault has been written in many ways (drivers/iommu/intel/dmar.c,
 * dmar_fault_do_one(), over the years):
 *
 *	DMAR:[DMA Read] Request device [05:00.1] fault addr 87f8000		two lines, before 4.6
 *	DMAR:[fault reason 06] PTE Read access is not set
 *	DMAR: INTR-REMAP: Request device [[f0:1f.7] fault index 14		two lines, before 4.6
 *	INTR-REMAP:[fault reason 34] Present field in the IRTE entry is clear
 *	DMAR: [DMA Read] Request device [05:00.0] PASID ffffffff fault addr 69974000 [fault reason 05] …
 *	DMAR: [DMA Read NO_PASID] Request device [05:00.0] fault addr 0x69974000 [fault reason 0x05] …
 *	DMAR: [DMA Read PASID 0x0] Request device [0000:02:00.0] fault addr 0xdead000 [fault reason 0x06] …
 *	DMAR: [INTR-REMAP] Request device [00:11.0] fault index 3b [fault reason 38] …
 *
 * followed, with CONFIG_DMAR_DEBUG, by a dump of the tables that names the unit.
 */
#include <stdio.h>

#include "trace/hw.h"
#include "trace/internal.h"
#include "trace/reason.h"

/* Old kernels printed this PASID for a request without one. */
#define PASID_NONE_32 0xffffffffU

/* "0x05" and "5a" are hex; digits alone were printed as decimal, up to 5.13. */
static bool parse_reason(struct scan *s, struct fault_info *f)
{
	struct scan hex_end, dec_end;
	uint64_t hex, dec;

	scan_blanks(s);
	hex_end = dec_end = *s;
	if (!scan_hex(&hex_end, &hex))
		return false;
	f->has_code = true;
	f->code = (uint32_t)hex;
	if (scan_left(s) > 2 && (s->p[1] | 0x20) == 'x') {
		*s = hex_end;
		return hex <= 0xff;
	}
	if (!scan_dec(&dec_end, &dec) || dec_end.p != hex_end.p) {
		*s = hex_end;
		return hex <= 0xff;
	}
	*s = dec_end;
	f->code = (uint32_t)dec;
	f->code_doubtful = dec != hex && hex <= 0xff;
	return dec <= 0xff;
}

/* Which of the two readings the kernel's own text speaks for. */
static void settle_reason(struct fault_info *f)
{
	uint32_t hex = f->code / 10 * 16 + f->code % 10; /* the same digits; only below 100 is there a doubt */

	if (!f->code_doubtful)
		return;
	if (vtd_reason_matches(f->code, f->text)) {
		f->code_doubtful = false;
	} else if (vtd_reason_matches(hex, f->text)) {
		f->code = hex;
		f->code_doubtful = false;
	}
}

/* "[DMA Read PASID 0x5]": what is in the brackets. */
static void parse_access(struct event *ev, struct slice in)
{
	struct scan s = scan_of(in);
	uint64_t pasid;

	if (slice_has(in, "Read"))
		ev->access = ACCESS_READ;
	else if (slice_has(in, "Write"))
		ev->access = ACCESS_WRITE;
	if (!slice_has(in, "NO_PASID") && scan_past(&s, "PASID") && (scan_blanks(&s), scan_hex(&s, &pasid)) &&
	    pasid <= 0xfffff) {
		ev->pasid = (uint32_t)pasid;
		ev->has |= HAS_PASID;
	}
}

static void parse_old_pasid(struct event *ev, struct scan s)
{
	uint64_t pasid;

	if (!scan_past(&s, "PASID "))
		return;
	scan_blanks(&s);
	if (!scan_hex(&s, &pasid) || pasid == PASID_NONE_32 || pasid > 0xfffff)
		return;
	ev->pasid = (uint32_t)pasid;
	ev->has |= HAS_PASID;
}

/* "[DMA Read]", "[INTR-REMAP]"; and "INTR-REMAP:", which had a bracket too many behind it. */
static bool scan_what(struct scan *s, struct slice *ret)
{
	if (scan_char(s, '['))
		return scan_until(s, ']', ret);
	return scan_until(s, ':', ret);
}

static bool scan_requester(struct scan *s, struct slice *ret)
{
	if (!scan_past(s, "Request device"))
		return false;
	scan_blanks(s);
	if (!scan_char(s, '['))
		return false;
	scan_char(s, '[');
	return scan_until(s, ']', ret);
}

/*
 * Whether a record of two lines still waits for its second when the next one begins: two units fault at once, and each one's
 * handler prints its own two lines. Nothing in them tells whose a reason is.
 */
static bool crowded(const struct log_state *st)
{
	const struct event *ev = &st->held->ev;

	return st->held->active && ev->kind == EVENT_FAULT && ev->vendor == VENDOR_VTD && !ev->fault.has_code &&
	       (ev->fault.kind == FAULT_DMA || ev->fault.kind == FAULT_INTERRUPT);
}

/* From "[DMA …" or "[INTR-REMAP]" on. */
static enum line_result parse_record(struct log_state *st, const struct log_msg *m, struct scan s, bool last)
{
	struct slice what, bdf;
	char device[32];
	unsigned has = 0;
	struct event *ev;
	struct scan reason = s, rest;
	bool complete = scan_past(&reason, "[fault reason ");
	struct fault_info f = { .kind = FAULT_DMA, .reason_doubtful = crowded(st) };
	uint64_t v;

	if (!last && (!complete || !memchr(reason.p, ']', scan_left(&reason))))
		return LINE_PART;
	if (!scan_what(&s, &what) || !scan_requester(&s, &bdf) || !scan_bdf(bdf, device, sizeof(device), &has))
		return LINE_BAD;
	if (complete && !parse_reason(&reason, &f))
		return LINE_BAD;
	ev = hold_new(st, m);
	ev->kind = EVENT_FAULT;
	ev->vendor = VENDOR_VTD;
	ev->device = hold_printf(st, "%s", device);
	ev->has |= has;
	parse_access(ev, what);
	rest = s;
	if (slice_has(what, "INTR-REMAP")) {
		f.kind = FAULT_INTERRUPT;
		if (scan_past(&rest, "fault index ") && (scan_blanks(&rest), scan_hex(&rest, &v))) {
			f.index = v;
			f.has_index = true;
		}
	} else {
		parse_old_pasid(ev, s);
		if (scan_past(&rest, "fault addr ") && (scan_blanks(&rest), scan_hex(&rest, &v))) {
			ev->addr = v;
			ev->has |= HAS_ADDR;
		}
	}
	if (complete && scan_past(&reason, "]"))
		f.text = hold_text(st, slice_trim(scan_rest(&reason)));
	settle_reason(&f);
	f.overflowed = st->overflowed;
	st->overflowed = false;
	ev->fault = f;
	return LINE_TAKEN;
}

/* The second half of a record, after lines of others have come in between: "DMAR:[fault reason 06] text". */
static enum line_result parse_late_reason(struct log_state *st, struct scan s)
{
	struct event *ev = &st->held->ev;
	struct fault_info f = ev->fault;

	if (!st->held->active || ev->vendor != VENDOR_VTD || f.has_code || (f.kind != FAULT_DMA && f.kind != FAULT_INTERRUPT))
		return LINE_OTHER;
	if (!parse_reason(&s, &f))
		return LINE_BAD;
	if (scan_past(&s, "]") || scan_past(&s, " - "))
		f.text = hold_text(st, slice_trim(scan_rest(&s)));
	settle_reason(&f);
	ev->fault = f;
	return LINE_TAKEN;
}

static bool is_vtd(struct slice t)
{
	return slice_has(t, "DMAR") || slice_has(t, "dmar") || slice_has(t, "INTR-REMAP:");
}

/*
 * The rest of a reason's text that was wrapped, once or twice, and for which the log has no prefix: taken when it makes the text that of
 * the reason, so that it is no prose behind the log.
 */
static bool parse_wrapped_text(struct log_state *st, const struct log_msg *m)
{
	struct held *h = st->held;
	struct fault_info f = h->ev.fault;

	if (m->fresh || !m->text.n || is_vtd(m->text) || !h->active || h->age > 1 || h->ev.vendor != VENDOR_VTD || !f.has_code ||
	    (f.kind != FAULT_DMA && f.kind != FAULT_INTERRUPT) || vtd_reason_matches(f.code, f.text))
		return false;
	if (!h->age)
		h->maybe = f.text;
	h->maybe = hold_printf(st, "%.*s%s%.*s", SLICE_FMT(h->maybe), h->maybe.n ? " " : "", SLICE_FMT(m->text));
	f.text = h->maybe;
	settle_reason(&f);
	if (!vtd_reason_matches(f.code, f.text))
		return false;
	h->ev.fault = f;
	return true;
}

/* The fault status register (VT-d spec 11.4.9.1). */
enum {
	STATUS_OVERFLOW = 1 << 0,
	STATUS_QUEUE = 1 << 4,
	STATUS_COMPLETION = 1 << 5,
	STATUS_TIMEOUT = 1 << 6,
	STATUS_KNOWN = 0xffff,
};

static bool holds_queue_error(const struct log_state *st)
{
	const struct event *ev = &st->held->ev;

	return st->held->active && ev->vendor == VENDOR_VTD && (ev->fault.kind == FAULT_COMMAND || ev->fault.kind == FAULT_INVALIDATION);
}

#define STATUS_WORDS "handling fault status reg"

/*
 * "DRHD: handling fault status reg 3": whether the fault registers had overflowed. What went wrong with the queue of invalidations is
 * said here alone before 5.16; since then there are lines of their own, before this one or behind it.
 */
static enum line_result parse_status(struct log_state *st, const struct log_msg *m, struct scan s)
{
	const char *at = s.p - strlen(STATUS_WORDS);
	struct event *ev;
	uint64_t status;

	scan_blanks(&s);
	if (!scan_hex(&s, &status))
		return LINE_BAD;
	st->overflowed = status & STATUS_OVERFLOW && status <= STATUS_KNOWN;
	if (!(status & (STATUS_QUEUE | STATUS_COMPLETION | STATUS_TIMEOUT)))
		return LINE_TAKEN;
	if (holds_queue_error(st) && !st->held->has_status && status <= STATUS_KNOWN) {
		st->held->has_status = true;
		return LINE_TAKEN;
	}
	ev = hold_new(st, m);
	st->held->has_status = true;
	ev->kind = EVENT_FAULT;
	ev->vendor = VENDOR_VTD;
	ev->fault = (struct fault_info){ .kind = status > STATUS_KNOWN ? FAULT_GLOBAL :
						 status & STATUS_QUEUE ? FAULT_COMMAND : FAULT_INVALIDATION };
	ev->fault.text = hold_text(st, (struct slice){ at, (size_t)(s.p - at) });
	ev->fault.detail = hold_printf(st, "%s", status > STATUS_KNOWN ? "the unit's registers cannot be read: it is off, or gone" :
						 status & STATUS_QUEUE ? "the unit did not take an invalidation" :
						 status & STATUS_TIMEOUT ? "a device did not answer an invalidation of its TLB in time" :
									   "a device answered an invalidation of its TLB that it was not sent");
	return LINE_TAKEN;
}

static void set_requester(struct log_state *st, struct event *ev, uint32_t id)
{
	ev->source_id = id;
	ev->has |= HAS_SOURCE;
	ev->device = hold_printf(st, "%02x:%02x.%x", id >> 8 & 0xff, id >> 3 & 31, id & 7);
}

/* "VT-d detected Invalidation Time-out Error: SID 200", …Completion Error: SID, …Queue Error: Reason. */
static enum line_result parse_queue_error(struct log_state *st, const struct log_msg *m, struct scan s)
{
	bool announced = holds_queue_error(st) && slice_starts(st->held->ev.fault.text, STATUS_WORDS);
	struct event *ev = announced ? &st->held->ev : hold_new(st, m);
	struct slice what = slice_trim(scan_rest(&s));
	uint64_t sid;

	ev->kind = EVENT_FAULT;
	ev->vendor = VENDOR_VTD;
	ev->fault = (struct fault_info){ .kind = slice_has(what, "Queue Error") ? FAULT_COMMAND : FAULT_INVALIDATION };
	ev->fault.text = hold_text(st, what);
	/* units that do not record it have 0 there (VT-d spec 11.4.9.9); all ones is what a unit that is gone answers */
	if (scan_past(&s, "SID ") && (scan_blanks(&s), scan_hex(&s, &sid)) && sid && sid < 0xffff)
		set_requester(st, ev, (uint32_t)sid);
	return LINE_TAKEN;
}

/*
 * "QI HEAD: Device-TLB Invalidation qw0 = 0x…, qw1 = 0x…", and QI PRIOR: the descriptors at which the queue stands. They name the device
 * where the unit did not.
 */
static enum line_result parse_queue_head(struct log_state *st, struct scan s)
{
	struct event *ev = &st->held->ev, inval = { 0 };
	uint64_t qw[4] = { 0 };

	if (!holds_queue_error(st))
		return LINE_OTHER;
	if (!scan_past(&s, "qw0 =") || (scan_blanks(&s), !scan_hex(&s, &qw[0])) || !qi_decode(qw, &inval) || inval.inval.kind != INVAL_DEVTLB ||
	    !(inval.has & HAS_SOURCE) || ev->device.n)
		return LINE_TAKEN;
	set_requester(st, ev, inval.source_id);
	ev->fault.detail = hold_printf(st, "the device is that of the invalidation at which the queue stands");
	return LINE_TAKEN;
}

/* The dump of the tables: the unit's name from its first line, where the walk ended from its last. */
static enum line_result parse_dump(struct log_state *st, struct slice text)
{
	static const char *const rows[] = { "root entry", "context entry", "pasid dir entry", "pasid table entry",
					    "pte level", "page table not present", "not present", "pte not" };
	struct event *ev = &st->held->ev;
	struct scan s = scan_of(text);
	struct slice unit;

	if (!st->held->active || ev->vendor != VENDOR_VTD)
		return LINE_OTHER;
	if (scan_past(&s, "Dump ")) {
		if (!slice_has(text, "table entries for IOVA") || !scan_word(&s, &unit))
			return LINE_OTHER;
		ev->unit = hold_text(st, unit);
		return LINE_TAKEN;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!slice_has_bytes(text, rows[i], strlen(rows[i])))
			continue;
		if (slice_has(text, "not present"))
			ev->fault.detail = hold_text(st, slice_trim(text));
		return LINE_TAKEN;
	}
	return LINE_OTHER;
}

enum line_result log_vtd(struct log_state *st, const struct log_msg *m, bool last)
{
	struct scan s = scan_of(m->text), t = s;

	if (parse_wrapped_text(st, m))
		return LINE_TAKEN;
	if (!is_vtd(m->text))
		return LINE_OTHER;
	if (scan_past(&t, "[DMA ") || (t = s, scan_past(&t, "[INTR-REMAP"))) {
		/* the line may end here: back first, then look */
		do
			t.p--;
		while (*t.p != '[');
		return parse_record(st, m, t, last);
	}
	t = s;
	if (scan_past(&t, "INTR-REMAP: Request device")) {
		t.p -= strlen("INTR-REMAP: Request device");
		return parse_record(st, m, t, last);
	}
	t = s;
	if (scan_past(&t, "[fault reason "))
		return parse_late_reason(st, t);
	t = s;
	/* Xen's second line: "reason 06 - PTE Read access is not set" */
	if (scan_past(&t, "[VT-D]DMAR: reason ") || scan_past(&t, "[VT-D]INTR-REMAP: reason "))
		return parse_late_reason(st, t);
	t = s;
	if (scan_past(&t, STATUS_WORDS))
		return parse_status(st, m, t);
	t = s;
	if (scan_past(&t, "VT-d detected "))
		return parse_queue_error(st, m, t);
	t = s;
	if (scan_past(&t, "QI HEAD: ") || scan_past(&t, "QI PRIOR: "))
		return parse_queue_head(st, t);
	t = s;
	/* not "[DMAR-BOCHS ]", an ACPI table that is replaced */
	if ((scan_past(&t, "[DMA") && !(t.p < t.end && *t.p == 'R')) || (t = s, scan_past(&t, "[INTR")))
		return last ? LINE_BAD : LINE_PART;
	t = s;
	if (!scan_past(&t, "DMAR:") && (t = s, !scan_past(&t, "dmar:")))
		return LINE_OTHER;
	return parse_dump(st, scan_rest(&t));
}
