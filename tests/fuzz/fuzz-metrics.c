// SPDX-License-Identifier: GPL-2.0-or-later
/* metrics: labels that Prometheus reads back, totals that a file of any bytes cannot make go back, the kernel's table of interrupts. */
#include <string.h>

#include "fuzz.h"

#include "cmd/metrics.h"
#include "diag/fault-totals.h"

/* What a reader of the format makes of it is what was there, made harmless. */
FUZZ_TARGET(label)
{
	_cleanup_free_ char *text = fuzz_text(data, size);
	_cleanup_strbuf_ struct strbuf escaped = { 0 }, back = { 0 }, harmless = { 0 };

	metrics_add_value(&escaped, text);
	for (const char *s = strbuf_str(&escaped); *s; s++) {
		fuzz_check(*s != '"' && *s != '\n');
		if (*s == '\\')
			fuzz_check(*++s == '\\' || *s == '"');
		strbuf_putc(&back, *s);
	}
	strbuf_add_escaped(&harmless, text);
	fuzz_check(streq(strbuf_str(&back), strbuf_str(&harmless)));
	fuzz_check(utf8_valid(strbuf_str(&escaped), escaped.len));
	return 0;
}

static uint64_t sum(const struct fault_totals *t)
{
	const struct fault_total *e;
	uint64_t all = 0;

	vec_for_each(e, &t->v)
		all += e->count >> 16; /* INT64_MAX for each is possible */
	return all;
}

/* Taken, written and taken again it is the same; a look afterwards takes nothing away. */
FUZZ_TARGET(fault_totals)
{
	struct kmsg_line lines[] = {
		{ .seq = NUM(7), .text = "DMAR: [DMA Write NO_PASID] Request device [02:00.0] fault addr 0x2000 [fault reason 0x05] PTE Write access is not set" },
		{ .seq = NUM(8), .text = "dmar_fault: 4 callbacks suppressed" },
	};
	struct kmsg log = { .v = lines, .n = ARRAY_SIZE(lines) };
	struct arena a = { 0 };
	struct fault_totals t = { .arena = &a }, again = { .arena = &a };
	_cleanup_strbuf_ struct strbuf first = { 0 }, second = { 0 };

	if (fault_totals_read((const char *)data, size, &t) == 0) {
		uint64_t lost = t.lost, suppressed = t.suppressed, before = sum(&t);

		fault_totals_write(&t, &first);
		fuzz_check(!strchr(first.s, '\n'));
		fuzz_check(fault_totals_read(first.s, first.len, &again) == 0);
		fault_totals_write(&again, &second);
		fuzz_check(streq(first.s, second.s));
		fault_totals_look(&t, &log, "boot", NULL, true);
		fuzz_check(t.lost >= lost && t.suppressed >= suppressed && sum(&t) >= before && t.counted.n <= 4 * FAULT_TOTALS_BACK);
	}
	fault_totals_free(&t);
	fault_totals_free(&again);
	arena_free(&a);
	return 0;
}

FUZZ_TARGET(interrupts)
{
	struct host h = { 0 };
	struct metrics m = { .arena = &h.arena };
	_cleanup_strbuf_ struct strbuf text = { 0 };

	metrics_family(&m, "i_total", METRIC_COUNTER, "Interrupts.");
	metrics_take_interrupts(&m, &h, (const char *)data, size);
	metrics_end(&m);
	metrics_text(&m, &text);
	metrics_free(&m);
	arena_free(&h.arena);
	return 0;
}
