// SPDX-License-Identifier: GPL-2.0-or-later
/* virtio-iommu, the core's own words on groups and page faults, and VT-d's on page requests. */
#include <stdio.h>

#include "trace/internal.h"

/*
 * "virtio_iommu virtio1: page fault from EP 16 at 0xdead000 [W]" (drivers/iommu/virtio-iommu.c, viommu_fault_handler());
 * "domain fault", "unknown fault"; no address when the unit did not say one.
 */
static enum line_result parse_virtio(struct log_state *st, const struct log_msg *m, const char *at, struct scan s, bool last)
{
	struct slice driver, unit, flags, before = { m->text.p, (size_t)(at - m->text.p) };
	struct event *ev;
	uint64_t ep, addr;

	scan_blanks(&s);
	if (!scan_dec(&s, &ep) || ep > UINT32_MAX)
		return LINE_BAD;
	if (!last && slice_is(slice_trim(scan_rest(&s)), "at"))
		return LINE_PART;
	ev = hold_new(st, m);
	ev->kind = EVENT_FAULT;
	ev->vendor = VENDOR_VIRTIO;
	ev->source_id = (uint32_t)ep;
	ev->has |= HAS_SOURCE;
	ev->fault = (struct fault_info){ .kind = FAULT_DMA, .has_code = true };
	ev->fault.code = slice_has(before, "domain") ? 1 : slice_has(before, "page") ? 2 : 0;
	if (memrchr(before.p, ':', before.n) &&
	    log_device(m->text, (const char *)memrchr(before.p, ':', before.n) + 1, &driver, &unit))
		ev->unit = hold_text(st, unit);
	if (!scan_lit(&s, " at ") || !scan_hex(&s, &addr))
		return LINE_TAKEN;
	ev->addr = addr;
	ev->has |= HAS_ADDR;
	if (scan_past(&s, "[") && scan_until(&s, ']', &flags))
		ev->access = (memchr(flags.p, 'R', flags.n) ? ACCESS_READ : 0) |
			     (memchr(flags.p, 'W', flags.n) ? ACCESS_WRITE : 0) |
			     (memchr(flags.p, 'X', flags.n) ? ACCESS_EXEC : 0);
	return LINE_TAKEN;
}

/* "pci 0000:01:00.0: Adding to iommu group 2"; before 4.20 "iommu: Adding device 0000:01:00.0 to group 2". */
static enum line_result parse_group(struct log_state *st, const struct log_msg *m, enum event_kind kind, const char *at,
				    struct scan s)
{
	struct event ev = { .kind = kind, .line = m->line, .stamp = m->stamp, .has = HAS_GROUP | HAS_SEGMENT };
	struct slice driver = { 0 }, device;
	uint64_t id;

	if (scan_lit(&s, "device ")) {
		if (!scan_word(&s, &device))
			return LINE_OTHER;
	} else if (!log_device(m->text, at, &driver, &device)) {
		return LINE_OTHER;
	}
	if (!scan_past(&s, "group ") || !scan_dec(&s, &id) || id > UINT32_MAX)
		return LINE_OTHER;
	ev.device = device;
	ev.driver = driver;
	ev.group = (uint32_t)id;
	ev.time_ns = m->time_ns;
	ev.has |= m->has_time ? HAS_TIME : 0;
	/* a fault that is being put together goes on being so: this line came in between */
	if (!st->err)
		st->err = st->emit(st->arg, &ev);
	return LINE_TAKEN;
}

/* Page requests that went wrong: "DRIVER DEVICE: iopf with pasid 1 aborted", "IOMMU: dmar0: PRQ overflow detected". */
static enum line_result parse_page_trouble(struct log_state *st, const struct log_msg *m, const char *at, struct scan s)
{
	struct slice driver, device;
	struct event *ev = hold_new(st, m);
	uint64_t pasid;

	ev->kind = EVENT_FAULT;
	ev->fault = (struct fault_info){ .kind = FAULT_PAGE_REQUEST };
	ev->fault.text = hold_text(st, (struct slice){ at, (size_t)(s.end - at) });
	if (log_device(m->text, at, &driver, &device)) {
		if (slice_is(driver, "IOMMU:")) {
			ev->unit = hold_text(st, device);
			ev->vendor = VENDOR_VTD;
		} else {
			ev->device = hold_text(st, device);
			ev->driver = hold_text(st, driver);
			ev->has |= HAS_SEGMENT;
		}
	}
	scan_blanks(&s);
	if (scan_dec(&s, &pasid) && pasid <= 0xfffff) {
		ev->pasid = (uint32_t)pasid;
		ev->has |= HAS_PASID;
	}
	return LINE_TAKEN;
}

/*
 * "dmar_fault: 12 callbacks suppressed": the kernel left out so many, to spare the log (lib/ratelimit.c; the name is that of the
 * function). Not those of other subsystems.
 */
static bool parse_suppressed(struct log_state *st, const struct log_msg *m)
{
	static const char *const functions[] = { "dmar_", "amd_iommu_", "iommu_print_event", "arm_smmu_", "viommu_", "iopf_" };
	struct event ev = { .kind = EVENT_LOST, .line = m->line, .stamp = m->stamp, .time_ns = m->time_ns, .has = m->has_time ? HAS_TIME : 0 };
	const char *end = memmem(m->text.p, m->text.n, " callbacks suppressed", strlen(" callbacks suppressed")), *p = end;
	bool ours = false;
	struct slice name;
	struct scan s;

	while (p && p > m->text.p && is_digit(p[-1]))
		p--;
	if (!p || p == end || p - m->text.p < 3 || memcmp(p - 2, ": ", 2))
		return false;
	s = (struct scan){ p, end };
	name = (struct slice){ p - 2, 0 };
	while (name.p > m->text.p && !is_blank(name.p[-1]))
		name.p--, name.n++;
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		ours |= slice_starts_bytes(name, functions[i], strlen(functions[i]));
	if (!ours || !scan_dec(&s, &ev.lost))
		return false;
	hold_emit(st);
	if (!st->err)
		st->err = st->emit(st->arg, &ev);
	return true;
}

enum line_result log_misc(struct log_state *st, const struct log_msg *m, bool last)
{
	static const struct {
		const char *text;
		enum event_kind group; /* EVENT_NONE: trouble with page requests */
	} rows[] = {
		{ "Adding to iommu group ", EVENT_GROUP_ADD },
		{ "Removing from iommu group ", EVENT_GROUP_REMOVE },
		{ "iommu: Adding device ", EVENT_GROUP_ADD },
		{ "iommu: Removing device ", EVENT_GROUP_REMOVE },
		{ "iopf with pasid", EVENT_NONE },
		{ "PRQ overflow detected", EVENT_NONE },
		{ "Invalid page request", EVENT_NONE },
		{ "Page request without PASID", EVENT_NONE },
		{ "Page request in Privilege Mode", EVENT_NONE },
		{ "Address is not canonical", EVENT_NONE },
		{ "Execution request not supported", EVENT_NONE },
	};
	struct scan s = scan_of(m->text);
	const char *at;

	if (slice_has(m->text, "callbacks suppressed") && parse_suppressed(st, m))
		return LINE_TAKEN;
	if (scan_past(&s, "fault from EP"))
		return parse_virtio(st, m, s.p - strlen("fault from EP"), s, last);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		s = scan_of(m->text);
		if (!scan_past_bytes(&s, rows[i].text, strlen(rows[i].text)))
			continue;
		at = s.p - strlen(rows[i].text);
		if (rows[i].group == EVENT_NONE)
			return parse_page_trouble(st, m, at, s);
		s.p = rows[i].text[0] == 'i' ? s.p - strlen("device ") : at;
		return parse_group(st, m, rows[i].group, at, s);
	}
	return LINE_OTHER;
}
