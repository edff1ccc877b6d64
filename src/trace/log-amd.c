// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * AMD's IOMMU in the kernel log (drivers/iommu/amd/iommu.c, iommu_print_event() and its helpers): one line an event,
 * "Event logged [NAME key=value …]", said by the device when the kernel knows it, else by the unit or by nobody.
 */
#include <stdio.h>

#include "trace/internal.h"

static const struct amd_event {
	const char *name;
	enum fault_kind kind;
	uint8_t code; /* of the event log entry (AMD 48882, 2.5) */
} amd_events[] = {
	{ "ILLEGAL_DEV_TABLE_ENTRY", FAULT_CONFIG, 1 },
	{ "IO_PAGE_FAULT", FAULT_DMA, 2 },
	{ "DEV_TAB_HARDWARE_ERROR", FAULT_CONFIG, 3 },
	{ "PAGE_TAB_HARDWARE_ERROR", FAULT_DMA, 4 },
	{ "ILLEGAL_COMMAND_ERROR", FAULT_COMMAND, 5 },
	{ "COMMAND_HARDWARE_ERROR", FAULT_COMMAND, 6 },
	{ "IOTLB_INV_TIMEOUT", FAULT_INVALIDATION, 7 },
	{ "INVALID_DEVICE_REQUEST", FAULT_DMA, 8 },
	{ "INVALID_PPR_REQUEST", FAULT_PAGE_REQUEST, 9 },
	{ "RMP_HW_ERROR", FAULT_DMA, 0xd },
	{ "RMP_PAGE_FAULT", FAULT_DMA, 0xe },
};

static const struct amd_event *find_event(struct slice name)
{
	for (size_t i = 0; i < ARRAY_SIZE(amd_events); i++)
		if (slice_eq_bytes(name, amd_events[i].name, strlen(amd_events[i].name)))
			return &amd_events[i];
	return NULL;
}

/* The value behind KEY=, which stands at the start or behind a blank; 0x in front or not. */
static bool key_value(struct slice in, const char *key, uint64_t *ret)
{
	size_t n = strlen(key);
	struct scan s = scan_of(in);

	while (scan_past_bytes(&s, key, n))
		if ((s.p - n == in.p || is_blank(s.p[-(ptrdiff_t)n - 1])) && scan_hex(&s, ret))
			return true;
	return false;
}

static bool key_device(struct slice in, struct slice *ret)
{
	struct scan s = scan_of(in);

	return scan_past(&s, "device=") && scan_word(&s, ret);
}

#define AMD_FLAG_I 0x008  /* an interrupt, not a memory access */
#define AMD_FLAG_RW 0x020 /* write */

static void set_flags(struct event *ev, uint64_t flags)
{
	struct fault_info *f = &ev->fault;

	f->flags = flags;
	f->has_flags = true;
	if (flags & AMD_FLAG_I && f->kind == FAULT_DMA)
		f->kind = FAULT_INTERRUPT;
	ev->access = flags & AMD_FLAG_RW ? ACCESS_WRITE : ACCESS_READ;
}

static void parse_fields(struct log_state *st, struct event *ev, struct slice in)
{
	struct slice dev;
	char buf[32];
	uint64_t v;

	if (key_device(in, &dev) && scan_bdf(dev, buf, sizeof(buf), &ev->has))
		ev->device = hold_printf(st, "%s", buf);
	if (key_value(in, "address=", &v) || key_value(in, "gpa=", &v) || key_value(in, "spa=", &v)) {
		ev->addr = v;
		ev->has |= HAS_ADDR;
	}
	if (key_value(in, "domain=", &v)) {
		ev->domain = (uint32_t)v;
		ev->has |= HAS_DOMAIN;
	}
	if (key_value(in, "pasid=", &v) && v) { /* the unit writes 0 for "without a PASID" */
		ev->pasid = (uint32_t)v;
		ev->has |= HAS_PASID;
	}
	if (key_value(in, "flags=", &v))
		set_flags(ev, v);
}

/* Who said it: "nvme 0000:01:00.0: AMD-Vi: Event logged", "iommu ivhd0: AMD-Vi: …", "AMD-Vi: …"; for a while without "AMD-Vi:". */
static void parse_speaker(struct log_state *st, struct event *ev, const struct log_msg *m, const char *at)
{
	struct slice before = { m->text.p, (size_t)(at - m->text.p) }, driver, device;
	struct scan s = scan_of(before);
	char buf[32];

	if (scan_past(&s, "AMD-Vi:"))
		at = s.p - strlen("AMD-Vi:");
	if (!log_device(m->text, at, &driver, &device))
		return;
	if (slice_is(driver, "iommu") || slice_has(device, "ivhd")) {
		ev->unit = hold_text(st, device);
		return;
	}
	if (!scan_bdf(device, buf, sizeof(buf), &ev->has))
		return;
	/* the unit's own PCI function spoke for itself before there was a name like ivhd0 */
	if (slice_is(driver, "pci") && ev->fault.kind != FAULT_DMA) {
		ev->unit = hold_printf(st, "%s", buf);
		return;
	}
	ev->device = hold_printf(st, "%s", buf);
	ev->driver = hold_text(st, driver);
}

/* "device=…" */
static bool is_field(struct slice s)
{
	struct scan t = scan_of(s);
	struct slice key;

	return scan_until(&t, '=', &key) && key.n && !memchr(key.p, ' ', key.n);
}

static enum line_result parse_event(struct log_state *st, const struct log_msg *m, const char *at, struct scan s, bool last)
{
	const struct amd_event *e;
	struct slice in, name, fields;
	struct scan inner;
	struct event *ev;

	scan_blanks(&s);
	scan_char(&s, '[');
	if (!scan_until(&s, ']', &in)) { /* unknown events were printed without their bracket */
		if (!slice_has(scan_rest(&s), "UNKNOWN"))
			return last ? LINE_BAD : LINE_PART;
		in = scan_rest(&s);
	}
	inner = scan_of(in);
	if (!scan_word(&inner, &name))
		return LINE_BAD;
	e = find_event(name);
	fields = slice_trim(scan_rest(&inner));
	if (e && !fields.n) /* somebody closed the bracket behind the name */
		fields = slice_trim(scan_rest(&s));
	if (e ? !is_field(fields) : !slice_is(name, "UNKNOWN")) /* a name alone is prose about it */
		return LINE_BAD;
	ev = hold_new(st, m);
	ev->kind = EVENT_FAULT;
	ev->vendor = VENDOR_AMD;
	ev->fault = (struct fault_info){ .kind = e ? e->kind : FAULT_GLOBAL, .has_code = e, .code = e ? e->code : 0 };
	ev->fault.text = hold_text(st, name);
	parse_speaker(st, ev, m, at);
	parse_fields(st, ev, fields);
	return LINE_TAKEN;
}

/*
 * Xen: "AMD-Vi: IO_PAGE_FAULT: 0000:00:14.0 d0 addr 000000fdf8010140 flags 0x8 I"; before 4.13 "IO_PAGE_FAULT: domain = 0, device id = 0xa4,
 * fault address = 0xbf695000, flags = 0x8" (xen/drivers/passthrough/amd/iommu_init.c, parse_event_log_entry()).
 */
static enum line_result parse_xen(struct log_state *st, const struct log_msg *m, struct scan s, bool last)
{
	static const struct {
		const char *domain, *addr, *flags;
	} forms[] = { { " d", "addr ", "flags " }, { "domain = ", "fault address = ", "flags = " } };
	bool old = slice_has(scan_rest(&s), "device id = ");
	struct scan domain = s, addr = s, flags = s, id = s;
	struct slice device;
	struct event *ev;
	uint64_t v, did;
	unsigned has = 0;
	char buf[32];

	scan_blanks(&s);
	if (!last && !slice_has(scan_rest(&s), "flags"))
		return LINE_PART;
	if (!scan_past_bytes(&addr, forms[old].addr, strlen(forms[old].addr)))
		return LINE_BAD;
	if (old && scan_past(&id, "device id = ") && scan_hex(&id, &v) && v <= 0xffff)
		snprintf(buf, sizeof(buf), "%02x:%02x.%x", (unsigned)v >> 8, (unsigned)v >> 3 & 31, (unsigned)v & 7);
	else if (!scan_word(&s, &device) || !scan_bdf(device, buf, sizeof(buf), &has))
		return LINE_BAD;
	if (!scan_hex(&addr, &v) || !scan_past_bytes(&domain, forms[old].domain, strlen(forms[old].domain)) || !scan_dec(&domain, &did))
		return LINE_BAD;
	ev = hold_new(st, m);
	*ev = (struct event){ .kind = EVENT_FAULT, .vendor = VENDOR_AMD, .line = ev->line, .stamp = ev->stamp, .time_ns = ev->time_ns,
			      .has = ev->has | has | HAS_ADDR | HAS_DOMAIN, .addr = v, .domain = (uint32_t)did };
	ev->fault = (struct fault_info){ .kind = FAULT_DMA, .has_code = true, .code = 2 };
	ev->fault.text = hold_text(st, SLICE("IO_PAGE_FAULT"));
	ev->device = hold_printf(st, "%s", buf);
	if (scan_past_bytes(&flags, forms[old].flags, strlen(forms[old].flags)) && scan_hex(&flags, &v))
		set_flags(ev, v);
	return LINE_TAKEN;
}

/* "AMD-Vi: Completion-Wait loop timed out": the unit takes no more commands. */
static enum line_result parse_timeout(struct log_state *st, const struct log_msg *m, const char *at)
{
	struct event *ev = hold_new(st, m);

	ev->kind = EVENT_FAULT;
	ev->vendor = VENDOR_AMD;
	ev->fault = (struct fault_info){ .kind = FAULT_INVALIDATION };
	ev->fault.text = hold_text(st, (struct slice){ at, (size_t)(m->text.p + m->text.n - at) });
	parse_speaker(st, ev, m, at);
	return LINE_TAKEN;
}

/* "IOMMU Event log restarting", older "IOMMU event log overflow": the log in memory was full, and what came then is lost. */
static bool parse_overflow(struct log_state *st, const struct log_msg *m)
{
	static const char *const words[] = { "Event log restarting", "PPR log restarting", "event log overflow", "Event log overflow",
					     "PPR log overflow" };
	const struct event ev = { .kind = EVENT_LOST, .vendor = VENDOR_AMD, .line = m->line, .stamp = m->stamp, .time_ns = m->time_ns,
				  .has = m->has_time ? HAS_TIME : 0 };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!slice_has_bytes(m->text, words[i], strlen(words[i])))
			continue;
		hold_emit(st);
		if (!st->err)
			st->err = st->emit(st->arg, &ev);
		return true;
	}
	return false;
}

enum line_result log_amd(struct log_state *st, const struct log_msg *m, bool last)
{
	struct scan s = scan_of(m->text);
	const char *at;

	if (scan_past(&s, "Event logged")) {
		at = s.p - strlen("Event logged");
		return parse_event(st, m, at, s, last);
	}
	s = scan_of(m->text);
	if (scan_past(&s, "AMD-Vi: IO_PAGE_FAULT:"))
		return parse_xen(st, m, s, last);
	s = scan_of(m->text);
	if (slice_has(m->text, "AMD-Vi:") && scan_past(&s, "Completion-Wait loop timed out"))
		return parse_timeout(st, m, s.p - strlen("Completion-Wait loop timed out"));
	if (slice_has(m->text, "AMD-Vi:") && parse_overflow(st, m))
		return LINE_TAKEN;
	/* dumps of the device table and of the command behind an event */
	if (st->held->active && st->held->ev.vendor == VENDOR_AMD && slice_has(m->text, "AMD-Vi:") &&
	    (slice_has(m->text, "DTE[") || slice_has(m->text, "CMD[") || slice_has(m->text, "Control Reg")))
		return LINE_TAKEN;
	return LINE_OTHER;
}
