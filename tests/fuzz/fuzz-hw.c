// SPDX-License-Identifier: GPL-2.0-or-later
/* Any words as VT-d's invalidation descriptors and page requests, and SMMUv3's commands and events. What comes out can be written and counted. */
#include "fuzz.h"

#include <string.h>

#include "trace/hw.h"
#include "trace/jsonl.h"
#include "trace/reason.h"
#include "trace/stat.h"

static void take(struct trace_stat *s, const struct event *ev)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	struct fault_words w;

	fuzz_check(ev->kind != EVENT_NONE && ev->kind < EVENT_MAX);
	if (ev->kind == EVENT_FAULT)
		fault_explain(ev, &w);
	stat_add(s, ev);
	event_json(&b, ev);
}

static void decode_vtd(struct trace_stat *s, const uint64_t w[4])
{
	struct event ev = { .line = 1 };

	qi_decode(w, &ev);
	take(s, &ev);
	ev = (struct event){ .line = 1 };
	if (prq_decode(w, &ev))
		take(s, &ev);
}

static void decode_smmu(struct trace_stat *s, const uint64_t w[4])
{
	struct event ev = { .line = 1 };
	const char *name = smmuv3_event_name((uint32_t)(w[0] & 0xff));

	smmuv3_cmd_decode(w, &ev);
	take(s, &ev);
	ev = (struct event){ .line = 1 };
	smmuv3_event_decode(w, &ev);
	take(s, &ev);
	smmuv3_cmd_name((uint8_t)w[0]);
	if (name)
		fuzz_check(smmuv3_event_parse((struct slice){ name, strlen(name) }) == (int)(w[0] & 0xff));
}

FUZZ_TARGET(hw)
{
	struct trace_stat *s = stat_new(NULL);

	for (size_t at = 0; at + 32 <= size; at += 32) {
		uint64_t w[4];

		memcpy(w, data + at, sizeof(w));
		decode_vtd(s, w);
		decode_smmu(s, w);
	}
	stat_finish(s);
	stat_free(s);
	return 0;
}
