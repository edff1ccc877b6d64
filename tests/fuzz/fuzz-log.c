// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A kernel log, any bytes, given to one vendor's decoder line by line. Whatever it makes of them must be an event that can be written as
 * JSON and explained.
 */
#include "fuzz.h"

#include "trace/internal.h"
#include "trace/jsonl.h"
#include "trace/reason.h"

typedef enum line_result (*log_parser)(struct log_state *, const struct log_msg *, bool);

static int on_event(void *arg, const struct event *ev)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	struct fault_words w;

	(void)arg;
	fuzz_check(ev->kind != EVENT_NONE && ev->kind < EVENT_MAX);
	if (ev->kind == EVENT_FAULT) {
		fault_explain(ev, &w);
		fuzz_check(w.text[0]);
	}
	event_json(&b, ev);
	return 0;
}

/* The first bit says whether a record may go on in the next line. */
static int decode(log_parser parser, const uint8_t *data, size_t size)
{
	struct log_state st = { .emit = on_event };
	bool last = size && data[0] & 1;
	const char *p = (const char *)data + 1, *end = (const char *)data + size, *eol;
	uint64_t line = 0;

	hold_init(&st);
	for (; size > 1 && p < end; p = eol + 1) {
		struct log_msg m = { .line = ++line };
		char buf[4096];
		/* a copy of its size: reading beyond the line is seen */
		_cleanup_free_ char *copy = NULL;

		eol = memchr(p, '\n', (size_t)(end - p));
		eol = eol ? eol : end;
		copy = malloc((size_t)(eol - p) + !(eol - p));
		if (!copy)
			abort();
		memcpy(copy, p, (size_t)(eol - p));
		log_prefix((struct slice){ copy, (size_t)(eol - p) }, buf, sizeof(buf), &m);
		if (parser(&st, &m, last) == LINE_OTHER)
			hold_age(&st);
	}
	hold_emit(&st);
	return 0;
}

FUZZ_TARGET(log_vtd)
{
	return decode(log_vtd, data, size);
}

FUZZ_TARGET(log_amd)
{
	return decode(log_amd, data, size);
}

FUZZ_TARGET(log_smmu)
{
	return decode(log_smmu, data, size);
}

FUZZ_TARGET(log_soc)
{
	return decode(log_soc, data, size);
}

FUZZ_TARGET(log_misc)
{
	return decode(log_misc, data, size);
}
