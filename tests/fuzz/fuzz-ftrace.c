// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines of ftrace's text, and of our own probes in it: any bytes. The first one says whether the columns before the event's name are there. */
#include "fuzz.h"

#include "trace/internal.h"
#include "trace/jsonl.h"
#include "trace/stat.h"

struct reading {
	struct probe_state *probes;
	struct trace_stat *stat;
};

static void take(struct reading *r, enum line_result got, struct event *ev)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	if (got == LINE_PROBE) {
		struct slice name = ev->unit, text = ev->stamp;

		ev->unit = ev->stamp = (struct slice){ 0 };
		got = probe_event(&r->probes, name, text, ev);
	}
	if (got != LINE_EVENT)
		return;
	fuzz_check(ev->kind != EVENT_NONE && ev->kind < EVENT_MAX);
	if (r->probes)
		probe_complete(r->probes, ev);
	stat_add(r->stat, ev);
	event_json(&b, ev);
}

static void read_line(struct reading *r, bool bare, const char *p, size_t n, uint64_t line)
{
	_cleanup_free_ char *copy = malloc(n + !n);
	struct slice text = { copy, n };
	struct event ev = { .line = line };

	if (!copy)
		abort();
	memcpy(copy, p, n);
	if (n && p[0] == '#')
		take(r, probe_comment(&r->probes, text, &ev), &ev);
	else
		take(r, bare ? ftrace_bare(text, &ev) : ftrace_line(text, &ev), &ev);
}

FUZZ_TARGET(ftrace)
{
	struct reading r = { .stat = stat_new(NULL) };
	const char *p = (const char *)data + 1, *end = (const char *)data + size, *eol;
	uint64_t line = 0;

	for (; size > 1 && p < end; p = eol + 1) {
		eol = memchr(p, '\n', (size_t)(end - p));
		eol = eol ? eol : end;
		read_line(&r, data[0] & 1, p, (size_t)(eol - p), ++line);
	}
	stat_finish(r.stat);
	stat_free(r.stat);
	probe_free(r.probes);
	return 0;
}
