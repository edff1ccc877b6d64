// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * any bytes as a log, a trace or JSON Lines, mixed. Every event must hold together: what is said to be
 * known can be written as JSON and read back as an event of the same kind, and counted.
 */
#include "fuzz.h"

#include "trace/decode.h"
#include "trace/jsonl.h"
#include "trace/reader.h"
#include "trace/reason.h"
#include "trace/stat.h"

static int read_back(void *arg, const struct event *ev)
{
	if (ev->kind != *(const enum event_kind *)arg)
		abort();
	return 0;
}

static int on_event(void *arg, const struct event *ev)
{
	static const struct decode_sink again = { .event = read_back };
	_cleanup_(cleanup_decoder_free) struct decoder *d = NULL;
	_cleanup_strbuf_ struct strbuf b = { 0 };
	enum event_kind kind = ev->kind;
	struct fault_words w;

	stat_add(arg, ev);
	if (kind == EVENT_FAULT) {
		fault_explain(ev, &w);
		if (!w.text[0])
			abort();
	}
	event_json(&b, ev);
	d = decoder_new(&again, &kind);
	decoder_line(d, (struct slice){ strbuf_str(&b), b.len }, 1);
	if (decoder_counts(d)->events != 1)
		abort();
	return 0;
}

FUZZ_TARGET(trace)
{
	static const struct decode_sink sink = { .event = on_event };
	_cleanup_(cleanup_reader_close) struct reader *r = reader_memory("fuzz", (struct slice){ (const char *)data, size });
	_cleanup_(cleanup_stat_free) struct trace_stat *s = stat_new(NULL);
	_cleanup_(cleanup_decoder_free) struct decoder *d = decoder_new(&sink, s);
	_cleanup_strbuf_ struct strbuf svg = { 0 };
	struct slice line;

	while (reader_next(r, &line) == READER_LINE)
		decoder_line(d, line, reader_line(r));
	decoder_flush(d);
	stat_finish(s);
	stat_svg(s, "fuzz", &svg);
	return 0;
}
