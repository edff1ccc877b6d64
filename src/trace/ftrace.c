// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ftrace as text. Layout of the columns: kernel/trace/trace_output.c, trace_print_context(); of the events:
 * include/trace/events/iommu.h, drivers/iommu/intel/trace.h. Fields are found by their names, so that those
 * that came, went or moved over the years do not matter.
 */
#include "trace/hw.h"
#include "trace/internal.h"

typedef enum line_result (*payload_parser)(struct scan *s, struct event *ev);

/*
 * Moves behind KEY, which is "name=" or "name ". The parsers ask in the order of the text, so the key is most often
 * right here; inlined, so that the comparison is with a constant.
 */
static inline __attribute__((always_inline)) bool find_key(struct scan *s, const char *key, size_t n)
{
	scan_blanks(s);
	return scan_bytes(s, key, n) || scan_past_bytes(s, key, n);
}

static inline __attribute__((always_inline)) bool scan_key_hex(struct scan *s, const char *key, size_t n, uint64_t *ret)
{
	struct scan t = *s;

	if (!find_key(&t, key, n))
		return false;
	scan_blanks(&t);
	/* not the "3D0" of "=3D0x1000", a mail's source */
	if (!scan_hex(&t, ret) || (t.p < t.end && *t.p == 'x'))
		return false;
	*s = t;
	return true;
}

static inline __attribute__((always_inline)) bool scan_key_dec(struct scan *s, const char *key, size_t n, uint64_t *ret)
{
	struct scan t = *s;

	if (!find_key(&t, key, n))
		return false;
	scan_blanks(&t);
	if (!scan_dec(&t, ret))
		return false;
	*s = t;
	return true;
}
#define key_hex(s, key, ret) scan_key_hex((s), (key), sizeof(key) - 1, (ret))
#define key_dec(s, key, ret) scan_key_dec((s), (key), sizeof(key) - 1, (ret))

static void skip_lead(struct scan *s)
{
	scan_lit(s, "IOMMU:");
	scan_blanks(s);
}

static inline __attribute__((always_inline)) bool key_word(struct scan *s, const char *key, size_t n, struct slice *ret)
{
	struct scan t = *s;

	if (!find_key(&t, key, n))
		return false;
	if (!scan_word(&t, ret))
		return false;
	*s = t;
	return true;
}

static void set_device(struct event *ev, struct slice name)
{
	ev->device = name;
	ev->has |= HAS_SEGMENT;
}

/* " - 0x…": the end of a range, which says nothing new. */
static void skip_end(struct scan *s)
{
	static const size_t n = sizeof(" - 0x0000000000000000") - 1;
	struct scan t = *s;
	uint64_t end;

	if (!scan_lit(&t, " - "))
		return;
	if (scan_left(s) > n && s->p[n] == ' ')
		s->p += n;
	else if (scan_hex(&t, &end))
		*s = t;
}

/* "iova=0x… - 0x… paddr=0x… size=N", older without the second number; some vendors put "dev=NAME" in front. */
static enum line_result parse_map(struct scan *s, struct event *ev)
{
	struct slice dev;

	ev->kind = EVENT_MAP;
	skip_lead(s);
	if (scan_left(s) > 4 && !memcmp(s->p, "dev=", 4) && key_word(s, "dev=", 4, &dev))
		set_device(ev, dev);
	if (!key_hex(s, "iova=", &ev->addr))
		return LINE_PART;
	skip_end(s);
	if (!key_hex(s, "paddr=", &ev->paddr) || !key_dec(s, "size=", &ev->size))
		return LINE_PART;
	ev->has |= HAS_ADDR | HAS_PADDR | HAS_SIZE;
	return LINE_EVENT;
}

static enum line_result parse_unmap(struct scan *s, struct event *ev)
{
	struct slice dev;

	ev->kind = EVENT_UNMAP;
	skip_lead(s);
	if (scan_left(s) > 4 && !memcmp(s->p, "dev=", 4) && key_word(s, "dev=", 4, &dev))
		set_device(ev, dev);
	if (!key_hex(s, "iova=", &ev->addr))
		return LINE_PART;
	skip_end(s);
	if (!key_dec(s, "size=", &ev->size))
		return LINE_PART;
	ev->has |= HAS_ADDR | HAS_SIZE;
	if (key_dec(s, "unmapped_size=", &ev->done))
		ev->has |= HAS_DONE;
	return LINE_EVENT;
}

/* "IOMMU:DRIVER DEVICE iova=0x… flags=0x…" */
static enum line_result parse_io_page_fault(struct scan *s, struct event *ev)
{
	uint64_t flags;

	ev->kind = EVENT_FAULT;
	ev->fault = (struct fault_info){ .kind = FAULT_DMA };
	scan_lit(s, "IOMMU:");
	if (!scan_word(s, &ev->driver) || !scan_word(s, &ev->device))
		return LINE_PART;
	ev->has |= HAS_SEGMENT;
	if (!key_hex(s, "iova=", &ev->addr))
		return LINE_PART;
	ev->has |= HAS_ADDR;
	if (!key_hex(s, "flags=", &flags))
		return LINE_PART;
	ev->access = flags & 1 ? ACCESS_WRITE : ACCESS_READ; /* IOMMU_FAULT_WRITE */
	return LINE_EVENT;
}

static enum line_result parse_device_event(struct scan *s, struct event *ev, enum event_kind kind)
{
	struct slice dev;

	ev->kind = kind;
	if (!key_word(s, "device=", 7, &dev))
		return LINE_PART;
	set_device(ev, dev);
	return LINE_EVENT;
}

static enum line_result parse_attach(struct scan *s, struct event *ev)
{
	return parse_device_event(s, ev, EVENT_ATTACH);
}

static enum line_result parse_detach(struct scan *s, struct event *ev)
{
	return parse_device_event(s, ev, EVENT_DETACH);
}

static enum line_result parse_group(struct scan *s, struct event *ev, enum event_kind kind)
{
	uint64_t gid;

	if (!key_dec(s, "groupID=", &gid) || gid > UINT32_MAX)
		return LINE_PART;
	ev->group = (uint32_t)gid;
	ev->has |= HAS_GROUP;
	return parse_device_event(s, ev, kind);
}

static enum line_result parse_group_add(struct scan *s, struct event *ev)
{
	return parse_group(s, ev, EVENT_GROUP_ADD);
}

static enum line_result parse_group_remove(struct scan *s, struct event *ev)
{
	return parse_group(s, ev, EVENT_GROUP_REMOVE);
}

/* Before 5.9 the VT-d driver had its own map events, with a device: "dev=NAME [1/9] dev_addr=0x… phys_addr=0x… size=N". */
static enum line_result parse_intel_map(struct scan *s, struct event *ev)
{
	struct slice dev;

	ev->kind = EVENT_MAP;
	if (!key_word(s, "dev=", 4, &dev) || !key_hex(s, "dev_addr=", &ev->addr) ||
	    !key_hex(s, "phys_addr=", &ev->paddr) || !key_dec(s, "size=", &ev->size))
		return LINE_PART;
	set_device(ev, dev);
	ev->vendor = VENDOR_VTD;
	ev->has |= HAS_ADDR | HAS_PADDR | HAS_SIZE;
	return LINE_EVENT;
}

static enum line_result parse_intel_unmap(struct scan *s, struct event *ev)
{
	struct slice dev;

	ev->kind = EVENT_UNMAP;
	if (!key_word(s, "dev=", 4, &dev) || !key_hex(s, "dev_addr=", &ev->addr) || !key_dec(s, "size=", &ev->size))
		return LINE_PART;
	set_device(ev, dev);
	ev->vendor = VENDOR_VTD;
	ev->has |= HAS_ADDR | HAS_SIZE;
	return LINE_EVENT;
}

/* "iotlb_inv dmar0: 0x… 0x… 0x… 0x…" */
static enum line_result parse_qi_submit(struct scan *s, struct event *ev)
{
	struct slice type;
	uint64_t qw[4];

	if (!scan_word(s, &type))
		return LINE_PART;
	scan_blanks(s);
	if (!scan_until(s, ':', &ev->unit))
		return LINE_PART;
	for (int i = 0; i < 4; i++) {
		scan_blanks(s);
		if (!scan_hex(s, &qw[i]))
			return LINE_PART;
	}
	qi_decode(qw, ev);
	return LINE_EVENT;
}

static unsigned prq_access(struct slice flags)
{
	unsigned access = 0;

	for (size_t i = 0; i < flags.n; i++)
		access |= flags.p[i] == 'r' ? ACCESS_READ :
			  flags.p[i] == 'w' ? ACCESS_WRITE :
			  flags.p[i] == 'x' ? ACCESS_EXEC :
			  flags.p[i] == 'p' ? ACCESS_PRIVILEGED :
					      0;
	return access;
}

/*
 * "dmar0/0000:00:0a.0 seq# 1: rid=0x50 addr=0x559ef6f9f rw--l pasid=0x2 index=0x1". The address is a page frame
 * number, though it looks like an address (drivers/iommu/intel/iommu.h, decode_prq_descriptor()).
 */
static enum line_result parse_prq_report(struct scan *s, struct event *ev)
{
	uint64_t seq, rid, pfn, pasid, index;
	struct slice dev, flags;

	ev->kind = EVENT_PAGE_REQUEST;
	ev->vendor = VENDOR_VTD;
	scan_blanks(s);
	if (!scan_until(s, '/', &ev->unit) || !scan_word(s, &dev))
		return LINE_PART;
	set_device(ev, dev);
	if (!key_dec(s, "seq# ", &seq) || !key_hex(s, "rid=", &rid) || !key_hex(s, "addr=", &pfn) ||
	    !scan_word(s, &flags) || !key_hex(s, "pasid=", &pasid) || !key_hex(s, "index=", &index))
		return LINE_PART;
	ev->page = (struct page_info){ .group = (uint32_t)index, .last = flags.n && flags.p[flags.n - 1] == 'l',
				       .seq = seq, .has_seq = true };
	ev->access = prq_access(flags);
	ev->source_id = (uint32_t)rid;
	ev->pasid = (uint32_t)pasid;
	ev->addr = pfn << 12;
	ev->has |= HAS_SOURCE | HAS_PASID | HAS_ADDR;
	return LINE_EVENT;
}

/* "type iotlb did 9 …": what all cache tags have. */
static bool parse_tag(struct scan *s, struct event *ev)
{
	struct slice type;
	uint64_t did;

	if (!key_word(s, "type ", 5, &type) || !key_dec(s, "did ", &did))
		return false;
	ev->vendor = VENDOR_VTD;
	ev->inval.kind = slice_has(type, "devtlb") ? INVAL_DEVTLB : INVAL_IOTLB;
	ev->inval.nested = slice_has(type, "nesting");
	ev->domain = (uint32_t)did;
	ev->has |= HAS_DOMAIN;
	return true;
}

static enum line_result parse_tag_event(struct scan *s, struct event *ev, enum event_kind kind)
{
	struct slice dev;
	uint64_t pasid;

	ev->kind = kind;
	ev->inval = (struct inval_info){ .scope = EXTENT_DOMAIN };
	scan_blanks(s);
	if (!scan_until(s, '/', &ev->unit) || !scan_word(s, &dev) || !parse_tag(s, ev) || !key_dec(s, "pasid ", &pasid))
		return LINE_PART;
	set_device(ev, dev);
	ev->pasid = (uint32_t)pasid;
	ev->has |= HAS_PASID;
	return LINE_EVENT;
}

static enum line_result parse_tag_assign(struct scan *s, struct event *ev)
{
	return parse_tag_event(s, ev, EVENT_TAG_ASSIGN);
}

static enum line_result parse_tag_unassign(struct scan *s, struct event *ev)
{
	return parse_tag_event(s, ev, EVENT_TAG_UNASSIGN);
}

static enum line_result parse_flush_all(struct scan *s, struct event *ev)
{
	return parse_tag_event(s, ev, EVENT_FLUSH);
}

/* "dmar0 DEVICE[PASID] type iotlb did 9 [0xSTART-0xEND] addr 0x… mask 0x…"; END is inclusive. */
static enum line_result parse_flush_range(struct scan *s, struct event *ev)
{
	uint64_t pasid, end;
	struct slice dev;

	ev->kind = EVENT_FLUSH;
	ev->inval = (struct inval_info){ .scope = EXTENT_RANGE };
	if (!scan_word(s, &ev->unit))
		return LINE_PART;
	scan_blanks(s);
	if (!scan_until(s, '[', &dev) || !scan_dec(s, &pasid) || !scan_char(s, ']') || !parse_tag(s, ev) || !find_key(s, "[", 1))
		return LINE_PART;
	if (!scan_hex(s, &ev->addr) || !scan_char(s, '-') || !scan_hex(s, &end) || end < ev->addr)
		return LINE_PART;
	set_device(ev, dev);
	if (slice_eq_bytes(dev, ev->unit.p, ev->unit.n)) /* an IOTLB has no device of its own: the unit's name stands in */
		ev->device = (struct slice){ 0 };
	ev->pasid = (uint32_t)pasid;
	ev->size = end - ev->addr + 1;
	ev->has |= HAS_PASID | HAS_ADDR | (ev->size ? HAS_SIZE : 0);
	return LINE_EVENT;
}

static enum line_result parse_flush_range_np(struct scan *s, struct event *ev)
{
	enum line_result r = parse_flush_range(s, ev);

	ev->inval.not_present = true;
	return r;
}

static const struct ftrace_event {
	const char *name;
	size_t n;
	payload_parser parse;
} ftrace_events[] = {
#define EV(name, fn) { name, sizeof(name) - 1, fn }
	/* by how often they come; find_event() knows the first two */
	EV("map", parse_map),
	EV("unmap", parse_unmap),
	EV("qi_submit", parse_qi_submit),
	EV("cache_tag_flush_range", parse_flush_range),
	EV("cache_tag_flush_range_np", parse_flush_range_np),
	EV("cache_tag_flush_all", parse_flush_all),
	EV("prq_report", parse_prq_report),
	EV("io_page_fault", parse_io_page_fault),
	EV("attach_device_to_domain", parse_attach),
	EV("detach_device_from_domain", parse_detach),
	EV("add_device_to_group", parse_group_add),
	EV("remove_device_from_group", parse_group_remove),
	EV("cache_tag_assign", parse_tag_assign),
	EV("cache_tag_unassign", parse_tag_unassign),
	EV("map_single", parse_intel_map),
	EV("map_sg", parse_intel_map),
	EV("bounce_map_single", parse_intel_map),
	EV("bounce_map_sg", parse_intel_map),
	EV("unmap_single", parse_intel_unmap),
	EV("unmap_sg", parse_intel_unmap),
	EV("bounce_unmap_single", parse_intel_unmap),
	EV("bounce_unmap_sg", parse_intel_unmap),
#undef EV
};

static const struct ftrace_event *find_event(struct slice name)
{
	/* compared with constants, which a call of memcmp() is not */
	if (slice_is(name, "map"))
		return &ftrace_events[0];
	if (slice_is(name, "unmap"))
		return &ftrace_events[1];
	for (size_t i = 2; i < ARRAY_SIZE(ftrace_events); i++)
		if (name.n == ftrace_events[i].n && !memcmp(name.p, ftrace_events[i].name, name.n))
			return &ftrace_events[i];
	return NULL;
}

/* What is known before the event's own text, and nothing else. */
static void rewind_event(struct event *ev)
{
	*ev = (struct event){ .line = ev->line, .cpu = ev->cpu, .pid = ev->pid, .time_ns = ev->time_ns, .stamp = ev->stamp, .task = ev->task,
			      .has = ev->has & (HAS_TIME | HAS_CPU | HAS_PID) };
}

/* The kernel's sentence, or else the event's fields by name. In some both look alike but for the base of a number, so those are told first. */
static enum line_result parse_payload(const struct ftrace_event *e, struct slice name, struct scan s, struct event *ev)
{
	bool alike = e->parse == parse_map || e->parse == parse_unmap || e->parse == parse_io_page_fault;
	struct slice text = scan_rest(&s);
	enum line_result r;

	if (!alike || slice_starts(text, "dev=")) {
		r = e->parse(&s, ev);
		if (r != LINE_PART)
			return r;
		rewind_event(ev);
	}
	if (fields_event(name, text, ev) == LINE_EVENT)
		return LINE_EVENT;
	rewind_event(ev);
	s = scan_of(text);
	return e->parse(&s, ev);
}

enum line_result ftrace_payload(struct slice name, struct slice text, struct event *ev)
{
	const struct ftrace_event *e = find_event(name);
	struct scan s = scan_of(text);
	const char *system;

	if (!e) { /* perf script writes iommu:map */
		system = memchr(name.p, ':', name.n);
		if (!system)
			return LINE_OTHER;
		name.n -= (size_t)(system + 1 - name.p);
		name.p = system + 1;
		e = find_event(name);
		if (!e)
			return LINE_OTHER;
	}
	scan_blanks(&s);
	if (scan_left(&s) && *s.p == 'I') /* "IOMMU:", most of all */
		return e->parse(&s, ev);
	return parse_payload(e, name, s, ev);
}

/* "[007]" behind the task; *ret_head is what comes before. Task names may hold brackets, too. */
static bool scan_cpu(struct scan *s, struct slice *ret_head, int32_t *ret_cpu)
{
	const char *line = s->p;
	struct scan t = *s;
	struct slice skipped;
	uint64_t cpu;

	while (scan_until(&t, '[', &skipped)) {
		struct scan u = t;

		if (scan_left(&u) < 4 || !scan_dec(&u, &cpu) || u.p - t.p < 3 || cpu > 99999 || !scan_char(&u, ']'))
			continue;
		*ret_head = (struct slice){ line, (size_t)(t.p - 1 - line) };
		*ret_cpu = (int32_t)cpu;
		*s = u;
		return true;
	}
	return false;
}

/* "     more:       dd-59": the name of its buffer, or of its file, before the task (trace-cmd report of several). */
static void skip_buffer(struct slice *head, size_t *pid)
{
	const char *colon = memchr(head->p, ':', *pid);
	size_t n = colon ? (size_t)(colon + 1 - head->p) : 0;

	/* the column of tasks is 16 wide, and so is that of buffers */
	if (!colon || n + 8 > *pid || !is_blank(head->p[n]))
		return;
	head->p += n;
	head->n -= n;
	*pid -= n;
}

/* "      dd-59   (   57)": the pid is behind the last dash; perf script writes a blank there. */
bool ftrace_task(struct slice head, struct event *ev)
{
	uint64_t pid = 0, unit = 1;
	size_t i;

	while (head.n && head.p[head.n - 1] == ' ')
		head.n--;
	if (head.n && head.p[head.n - 1] == ')') { /* thread group, with record-tgid */
		while (head.n && head.p[head.n - 1] != '(')
			head.n--;
		if (head.n)
			head.n--;
		head = slice_trim(head);
	}
	for (i = head.n; i && is_digit(head.p[i - 1]) && head.n - i < 9; i--, unit *= 10)
		pid += unit * (uint64_t)(head.p[i - 1] - '0');
	if (i < head.n && i > 2 && head.p[i - 1] == '/') /* perf script -F pid,tid: "59/60" */
		for (i--; i && is_digit(head.p[i - 1]);)
			i--;
	if (i == head.n || i < 2 || (head.p[i - 1] != '-' && !is_blank(head.p[i - 1])))
		return false;
	skip_buffer(&head, &i);
	if (*head.p == '>') /* quoted in a mail */
		head.p++, head.n--, i--;
	ev->task = slice_trim((struct slice){ head.p, i - 1 });
	ev->pid = (int32_t)pid;
	ev->has |= HAS_PID;
	return true;
}

/* "127901:", the usual fraction. */
static bool micros(struct scan *s, uint64_t *ret)
{
	unsigned v = 0, bad = 0;

	if (scan_left(s) < 7 || s->p[6] != ':')
		return false;
	for (int i = 0; i < 6; i++) {
		unsigned digit = (unsigned char)s->p[i] - (unsigned)'0';

		bad |= digit > 9;
		v = v * 10 + digit;
	}
	if (bad)
		return false;
	s->p += 7;
	*ret = v;
	return true;
}

/* "2.127901:", or with nanoseconds (trace-cmd -t, the mono_raw clocks). */
bool ftrace_time(struct scan *s, uint64_t *ret_ns)
{
	uint64_t sec, frac;
	const char *p;
	struct scan t = *s;
	ptrdiff_t digits;

	if (!scan_dec(&t, &sec) || !scan_char(&t, '.') || sec > UINT64_MAX / 1000000000 - 1)
		return false;
	p = t.p;
	if (micros(&t, &frac)) {
		*ret_ns = sec * 1000000000 + frac * 1000;
		*s = t;
		return true;
	}
	if (!scan_dec(&t, &frac) || !scan_char(&t, ':'))
		return false;
	digits = t.p - 1 - p;
	if (digits > 9)
		return false;
	for (; digits < 9; digits++)
		frac *= 10;
	*ret_ns = sec * 1000000000 + frac;
	*s = t;
	return true;
}

/* "CPU:3 [LOST 1234 EVENTS]", trace-cmd: "CPU:3 [1234 EVENTS DROPPED]". */
static bool lost_line(struct slice line, struct event *ev)
{
	struct scan s = scan_of(line);
	uint64_t cpu, n = 0;

	scan_blanks(&s);
	if (!scan_lit(&s, "CPU:") || !scan_dec(&s, &cpu) || cpu > 99999)
		return false;
	if (!slice_has(scan_rest(&s), "EVENTS"))
		return false;
	while (s.p < s.end && !is_digit(*s.p))
		s.p++;
	scan_dec(&s, &n);
	ev->kind = EVENT_LOST;
	ev->lost = n;
	ev->cpu = (int32_t)cpu;
	ev->has |= HAS_CPU;
	return true;
}

/* "iommuctl_map", with its group in front where perf script wrote it. */
static bool probe_name(struct slice name, struct slice *ret)
{
	const char *system = memrchr(name.p, ':', name.n);

	if (system) {
		name.n -= (size_t)(system + 1 - name.p);
		name.p = system + 1;
	}
	if (!slice_starts(name, PROBE_PREFIX))
		return false;
	*ret = (struct slice){ name.p + strlen(PROBE_PREFIX), name.n - strlen(PROBE_PREFIX) };
	return true;
}

/* Clocks that count something else than time (trace_clock: counter, x86-tsc, boot's uptime in jiffies): "12345:". */
static bool scan_count(struct scan *s)
{
	struct scan t = *s;
	uint64_t count;

	if (!scan_dec(&t, &count) || !scan_char(&t, ':'))
		return false;
	*s = t;
	return true;
}

/* The time, behind the column of latency flags where there is one. Whether there was one at all; has HAS_TIME where it is one. */
static bool scan_when(struct scan *s, struct event *ev)
{
	struct slice word;

	if (!ftrace_time(s, &ev->time_ns)) {
		if (scan_count(s))
			return true;
		if (!scan_word(s, &word) || word.n > 8)
			return false;
		scan_blanks(s);
		if (!ftrace_time(s, &ev->time_ns))
			return scan_count(s);
	}
	ev->has |= HAS_TIME;
	return true;
}

/* "NAME: " of an event; perf script may write its count before it, trace-cmd report --ts-diff the time since the last one, "(+47276)". */
bool ftrace_name(struct scan *s, struct slice *ret)
{
	struct scan t;
	uint64_t count;

	scan_blanks(s);
	ret->p = s->p;
	s->p = memchr(s->p, ' ', scan_left(s)) ?: s->end;
	if (s->p == ret->p)
		return false;
	if (s->p[-1] != ':') {
		t = (struct scan){ ret->p, s->end };
		if (!(scan_lit(&t, "(+") && scan_dec(&t, &count) && scan_char(&t, ')')) && !scan_dec(&t, &count))
			return false;
		if (t.p != s->p)
			return false;
		scan_blanks(s);
		ret->p = s->p;
		s->p = memchr(s->p, ' ', scan_left(s)) ?: s->end;
		if (s->p == ret->p || s->p[-1] != ':')
			return false;
	}
	ret->n = (size_t)(s->p - 1 - ret->p);
	return true;
}

bool ftrace_known(struct slice name)
{
	return find_event(name);
}

/* What the event of that name says. */
enum line_result ftrace_named(struct slice name, struct scan s, struct event *ev)
{
	enum line_result r;

	if (slice_is(name, "console") || slice_is(name, "printk:console")) {
		ev->stamp = slice_trim(scan_rest(&s));
		return LINE_LOG;
	}
	r = ftrace_payload(name, scan_rest(&s), ev);
	if (r == LINE_OTHER && probe_name(name, &ev->unit)) {
		ev->stamp = scan_rest(&s);
		return LINE_PROBE;
	}
	if (r == LINE_OTHER)
		return memchr(name.p, '\t', name.n) ? LINE_OTHER : LINE_TAKEN; /* somebody else's event */
	return r;
}

enum line_result ftrace_line(struct slice line, struct event *ev)
{
	struct scan s = scan_of(line);
	struct slice head, name;

	if (!scan_cpu(&s, &head, &ev->cpu))
		return lost_line(line, ev) ? LINE_EVENT : LINE_OTHER;
	scan_blanks(&s);
	if (!scan_when(&s, ev))
		return LINE_OTHER;
	ev->has |= HAS_CPU;
	if (!ftrace_name(&s, &name))
		return LINE_OTHER;
	ftrace_task(head, ev);
	return ftrace_named(name, s, ev);
}
