// SPDX-License-Identifier: GPL-2.0-or-later
/* Statistics: percentiles, time slices, live mappings under churn, page request groups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/str.h"
#include "trace/stat.h"

static struct event map_event(enum event_kind kind, uint64_t addr, uint64_t size, uint64_t time)
{
	return (struct event){ .kind = kind, .addr = addr, .size = size, .time_ns = time, .has = HAS_TIME | HAS_ADDR | HAS_SIZE };
}

static void test_percentiles(void **state)
{
	struct trace_stat *s = stat_new(NULL);

	(void)state;
	for (uint64_t i = 0; i < 1000; i++) {
		struct event m = map_event(EVENT_MAP, 0x1000, 4096, i * 1000000);
		struct event u = map_event(EVENT_UNMAP, 0x1000, 4096, i * 1000000 + i);

		stat_add(s, &m);
		stat_add(s, &u);
	}
	assert_int_equal(s->lifetime.n, 1000);
	assert_int_equal(s->lifetime.max, 999);
	assert_in_range(latency_percentile(&s->lifetime, 50), 480, 500);
	assert_in_range(latency_percentile(&s->lifetime, 99), 950, 990);
	assert_int_equal(latency_percentile(&s->lifetime, 100), latency_percentile(&s->lifetime, 99.99));
	stat_free(s);
}

/* Any value falls into the step that stands for it, 3% below at most. */
static void test_latency_steps(void **state)
{
	(void)state;
	for (unsigned shift = 0; shift < 63; shift++) {
		struct trace_stat *s = stat_new(NULL);
		uint64_t v = (1ULL << shift) + (1ULL << shift) / 3;
		struct event m = map_event(EVENT_MAP, 0x1000, 4096, 0), u = map_event(EVENT_UNMAP, 0x1000, 4096, v);

		stat_add(s, &m);
		stat_add(s, &u);
		assert_in_range(latency_percentile(&s->lifetime, 50), v - v / 32, v);
		stat_free(s);
	}
}

/* Against a plain model: many addresses mapped and unmapped in an order that makes the table grow and shrink. */
static void test_live_mappings(void **state)
{
	struct trace_stat *s = stat_new(NULL);
	static bool mapped[20000];
	uint64_t rng = 1, live = 0;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		unsigned page;
		struct event ev;

		rng = rng * 6364136223846793005ULL + 1442695040888963407ULL;
		page = (unsigned)(rng >> 33) % ARRAY_SIZE(mapped);
		ev = map_event(mapped[page] ? EVENT_UNMAP : EVENT_MAP, (page + 1) * 4096ULL, 4096, i);
		mapped[page] = !mapped[page];
		live += mapped[page] ? 1 : -1ULL;
		stat_add(s, &ev);
		assert_int_equal(s->live_mappings, live);
	}
	assert_int_equal(s->live_bytes, live * 4096);
	assert_int_equal(s->overlaps, 0);
	assert_int_equal(s->early_unmaps, 0);
	stat_free(s);
}

/* One unmap of what several maps made, and of a part. */
static void test_joined_unmap(void **state)
{
	struct trace_stat *s = stat_new(NULL);
	struct event a = map_event(EVENT_MAP, 0x10000, 0x4000, 1), b = map_event(EVENT_MAP, 0x14000, 0x4000, 2);
	struct event u = map_event(EVENT_UNMAP, 0x10000, 0x8000, 3), again = map_event(EVENT_UNMAP, 0x14000, 0x4000, 4);

	(void)state;
	stat_add(s, &a);
	stat_add(s, &b);
	stat_add(s, &u);
	assert_int_equal(s->live_mappings, 0);
	assert_int_equal(s->live_bytes, 0);
	stat_add(s, &again);
	assert_int_equal(s->early_unmaps, 1);
	stat_free(s);
}

static void test_slices(void **state)
{
	struct trace_stat *s = stat_new(NULL);
	uint64_t maps = 0;

	(void)state;
	for (uint64_t i = 0; i < 100000; i++) { /* 100 seconds */
		struct event ev = map_event(EVENT_MAP, 0x1000 * (i + 1), 4096, 5000000000ULL + i * 1000000);

		stat_add(s, &ev);
	}
	assert_true(s->n_slices > STAT_SLICES / 4 && s->n_slices <= STAT_SLICES);
	for (unsigned i = 0; i < s->n_slices; i++) {
		maps += s->slices[i].maps;
		assert_true(!i || s->slices[i].live >= s->slices[i - 1].live);
	}
	assert_int_equal(maps, 100000);
	assert_int_equal(s->slices[s->n_slices - 1].live, s->live_bytes);
	stat_free(s);
}

/* Times from the end of the world, and going back. */
static void test_hostile_times(void **state)
{
	struct trace_stat *s = stat_new(NULL);
	struct event ev = map_event(EVENT_MAP, 0, 4096, 0);
	_cleanup_strbuf_ struct strbuf b = { 0 };

	(void)state;
	stat_add(s, &ev);
	ev.time_ns = UINT64_MAX;
	ev.addr = UINT64_MAX - 4095;
	stat_add(s, &ev);
	ev.kind = EVENT_UNMAP;
	ev.size = UINT64_MAX;
	ev.time_ns = 5;
	stat_add(s, &ev);
	assert_int_equal(s->back_in_time, 1);
	stat_svg(s, "<&", &b);
	assert_non_null(strstr(strbuf_str(&b), "&#60;&#38;"));
	stat_free(s);
}

static struct event page_event(enum event_kind kind, uint32_t source, uint32_t group, bool last, uint64_t time)
{
	return (struct event){ .kind = kind, .source_id = source, .page = { .group = group, .last = last }, .time_ns = time,
			       .has = HAS_TIME | HAS_SOURCE };
}

static void test_pages(void **state)
{
	struct trace_stat *s = stat_new(NULL);
	struct event evs[] = {
		page_event(EVENT_PAGE_REQUEST, 1, 7, false, 100), page_event(EVENT_PAGE_REQUEST, 2, 7, true, 110),
		page_event(EVENT_PAGE_REQUEST, 1, 7, true, 120),  page_event(EVENT_PAGE_RESPONSE, 1, 7, true, 200),
		page_event(EVENT_PAGE_REQUEST, 1, 7, true, 300), /* the index again: a new group */
		page_event(EVENT_PAGE_RESPONSE, 1, 7, true, 400), page_event(EVENT_PAGE_RESPONSE, 3, 1, true, 500),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(evs); i++)
		stat_add(s, &evs[i]);
	stat_finish(s);
	assert_int_equal(s->pages.groups, 3);
	assert_int_equal(s->pages.largest_group, 2);
	assert_int_equal(s->pages.unanswered, 1); /* source 2 */
	assert_int_equal(s->pages.unasked, 1);
	assert_int_equal(s->pages.answered_twice, 0);
	assert_int_equal(s->pages.latency.n, 2);
	assert_int_equal(s->pages.latency.max, 100);
	stat_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_percentiles), cmocka_unit_test(test_latency_steps), cmocka_unit_test(test_live_mappings),
		cmocka_unit_test(test_joined_unmap), cmocka_unit_test(test_slices),	  cmocka_unit_test(test_hostile_times),
		cmocka_unit_test(test_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
