// SPDX-License-Identifier: GPL-2.0-or-later
/* One line of our JSON Lines, or of a tool that prints logs as JSON: any bytes. What is an event can be written and read again as the same. */
#include "fuzz.h"

#include "trace/internal.h"
#include "trace/jsonl.h"

struct reading {
	struct json_tokener *tok;
	struct json_object *keep;
	struct strbuf buf;
};

static enum line_result read_one(struct reading *r, struct slice line, size_t nth, struct event *ev)
{
	struct log_msg m = { .line = 1, .fresh = true };

	*ev = (struct event){ .line = 1 };
	return json_line(line, nth, r->tok, &r->keep, &r->buf, ev, &m);
}

static void free_reading(struct reading *r)
{
	json_object_put(r->keep);
	json_tokener_free(r->tok);
	strbuf_free(&r->buf);
}

static void read_back(const struct event *ev)
{
	struct reading r = { .tok = json_tokener_new() };
	_cleanup_strbuf_ struct strbuf first = { 0 }, second = { 0 };
	struct event again;

	event_json(&first, ev);
	fuzz_check(read_one(&r, (struct slice){ first.s, first.len }, 0, &again) == LINE_EVENT);
	event_json(&second, &again);
	fuzz_check(streq(strbuf_str(&first), strbuf_str(&second)));
	free_reading(&r);
}

FUZZ_TARGET(jsonl)
{
	struct reading r = { .tok = json_tokener_new() };
	enum line_result got = LINE_PART;
	struct event ev;

	/* an array holds several */
	for (size_t i = 0; i < 64 && got != LINE_OTHER; i++) {
		got = read_one(&r, (struct slice){ (const char *)data, size }, i, &ev);
		if (got == LINE_EVENT)
			read_back(&ev);
	}
	free_reading(&r);
	return 0;
}
