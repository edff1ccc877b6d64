// SPDX-License-Identifier: GPL-2.0-or-later
/* Events of a trace behind other columns than those of a trace file: the latency format, perf, and none at all. */
#include "trace/internal.h"

/* "1d.h2.", "0X..1.": a processor and the flags of its state; counts in them are hex (trace_print_lat_fmt()). */
static bool latency_column(struct slice word, int32_t *ret_cpu)
{
	struct scan s = scan_of(word);
	uint64_t cpu;

	if (!scan_dec(&s, &cpu) || cpu > 99999 || scan_left(&s) < 3 || scan_left(&s) > 8)
		return false;
	for (const char *p = s.p; p < s.end; p++)
		if (!is_among(*p, ".#*dDbBXnNpPLlhHsSzZ0123456789acef"))
			return false;
	*ret_cpu = (int32_t)cpu;
	return true;
}

/* trace-cmd report -l has the columns of the latency format, and seconds: "dd-122     1d.h2.    14.065063: unmap: ". */
static enum line_result latency_seconds(struct slice line, struct event *ev)
{
	struct scan s = scan_of(line), t;
	struct slice word, before = { 0 }, name;
	bool found = false;

	while (!found && scan_word(&s, &word)) {
		t = (struct scan){ word.p, s.end };
		found = before.p && latency_column(before, &ev->cpu) && ftrace_time(&t, &ev->time_ns) && t.p == s.p;
		if (!found)
			before = word;
	}
	if (!found || !ftrace_name(&s, &name) || !ftrace_task((struct slice){ line.p, (size_t)(before.p - line.p) }, ev))
		return LINE_OTHER;
	ev->has |= HAS_TIME | HAS_CPU;
	return ftrace_named(name, s, ev);
}

enum line_result ftrace_latency(struct slice line, struct event *ev)
{
	struct scan s = scan_of(line), t;
	struct slice head, name;
	uint64_t us, cpu;
	const char *p;

	do {
		if (!scan_past(&s, "us"))
			return latency_seconds(line, ev);
		p = s.p - 2;
	} while (p == line.p || !is_digit(p[-1]) || scan_left(&s) < 3 || memcmp(s.p + 1, ": ", 2));
	s.p += 2;
	while (p > line.p && is_digit(p[-1]))
		p--;
	t = (struct scan){ p, s.end };
	/* "dd-59        0d..1. ": the processor and its flags are a word */
	head = slice_trim((struct slice){ line.p, (size_t)(p - line.p) });
	for (p = head.p + head.n; p > head.p && !is_blank(p[-1]);)
		p--;
	if (!scan_dec(&t, &us) || us > UINT64_MAX / 1000 || !ftrace_name(&s, &name))
		return LINE_OTHER;
	t = (struct scan){ p, head.p + head.n };
	if (!scan_dec(&t, &cpu) || cpu > 99999 || !ftrace_task((struct slice){ head.p, (size_t)(p - head.p) }, ev))
		return LINE_OTHER;
	ev->cpu = (int32_t)cpu;
	ev->time_ns = us * 1000;
	ev->has |= HAS_TIME | HAS_CPU;
	return ftrace_named(name, s, ev);
}

enum line_result ftrace_bare(struct slice line, struct event *ev)
{
	struct scan s = scan_of(line);
	struct slice name;

	while (s.p < s.end && (is_blank(*s.p) || *s.p == '|'))
		s.p++;
	if (!scan_until(&s, ':', &name) || name.n > 32 || !ftrace_known(name))
		return LINE_OTHER;
	/* "map:" and "unmap:" are words of many programs; ours say more */
	if ((slice_is(name, "map") || slice_is(name, "unmap")) && !slice_has(scan_rest(&s), "iova="))
		return LINE_OTHER;
	return ftrace_payload(name, scan_rest(&s), ev);
}

enum line_result ftrace_perf(struct slice line, struct event *ev)
{
	struct scan s = scan_of(line), time;
	struct slice name, head;
	const char *p;

	if (!scan_past(&s, "iommu:") || s.p - line.p < 8)
		return LINE_OTHER;
	name = (struct slice){ s.p, 0 };
	while (name.n < scan_left(&s) && ((name.p[name.n] >= 'a' && name.p[name.n] <= 'z') || name.p[name.n] == '_'))
		name.n++;
	if (name.n == scan_left(&s) || (name.p[name.n] != ':' && name.p[name.n] != '(') || !ftrace_known(name))
		return LINE_OTHER;
	for (p = s.p; p > line.p && !is_blank(p[-1]);)
		p--;
	/* the word before it is the time, when it looks like one of the trace's clock */
	head = slice_trim((struct slice){ line.p, (size_t)(p - line.p) });
	for (p = head.p + head.n; p > head.p && !is_blank(p[-1]);)
		p--;
	time = (struct scan){ p, head.p + head.n };
	if (ftrace_time(&time, &ev->time_ns)) {
		ev->has |= HAS_TIME;
		ftrace_task((struct slice){ head.p, (size_t)(p - head.p) }, ev);
	}
	s.p = name.p + name.n + 1;
	return ftrace_payload(name, scan_rest(&s), ev);
}
