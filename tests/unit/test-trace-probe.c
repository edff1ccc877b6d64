// SPDX-License-Identifier: GPL-2.0-or-later
/* What the probes of trace record write, joined with trace events: domains by task and address, answers that the core gave by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"
#include "trace/decode.h"
#include "trace/stat.h"

struct seen {
	struct event v[16];
	char device[16][32];
	size_t n;
};

static int keep(void *arg, const struct event *ev)
{
	struct seen *s = arg;

	assert_true(s->n < 16);
	s->v[s->n] = *ev;
	snprintf(s->device[s->n], sizeof(s->device[0]), "%.*s", SLICE_FMT(ev->device));
	s->n++;
	return 0;
}

static uint64_t decode(struct seen *s, const char *const *lines)
{
	static const struct decode_sink sink = { .event = keep };
	struct decoder *d = decoder_new(&sink, s);
	uint64_t bad;

	memset(s, 0, sizeof(*s));
	for (size_t i = 0; lines[i]; i++)
		assert_int_equal(decoder_line(d, (struct slice){ lines[i], strlen(lines[i]) }, i + 1), 0);
	decoder_flush(d);
	bad = decoder_counts(d)->undecoded;
	decoder_free(d);
	return bad;
}

#define MAP_CALL(who, domain, iova) " " who " .... 1.0: iommuctl_map: (iommu_map+0x0/0x80) domain=" domain " iova=" iova
#define MAP(who, iova) " " who " .... 1.0: map: IOMMU: iova=" iova " - 0x9000 paddr=0x5000 size=4096"

/* An interrupt maps in another domain while a task is inside of its own map. */
static void test_nested(void **state)
{
	const char *const lines[] = {
		MAP_CALL("dd-5 [000]", "0xff00000000000100", "0x1000"), MAP_CALL("dd-5 [000]", "0xff00000000000200", "0x4000"),
		MAP("dd-5 [000]", "0x4000"), MAP("dd-5 [000]", "0x1000"), NULL,
	};
	struct seen s;

	(void)state;
	assert_int_equal(decode(&s, lines), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.v[0].domain_object, 2);
	assert_int_equal(s.v[1].domain_object, 1);
}

/* Idle processors all are process 0, and are told apart. */
static void test_idle(void **state)
{
	const char *const lines[] = {
		MAP_CALL("<idle>-0 [000]", "0xff00000000000100", "0x1000"), MAP_CALL("<idle>-0 [001]", "0xff00000000000200", "0x1000"),
		MAP("<idle>-0 [000]", "0x1000"), MAP("<idle>-0 [001]", "0x1000"), NULL,
	};
	struct seen s;

	(void)state;
	assert_int_equal(decode(&s, lines), 0);
	assert_int_equal(s.v[0].domain_object, 1);
	assert_int_equal(s.v[1].domain_object, 2);
}

/* A list of segments is mapped in one call that names the first address; a task that nothing is known of has no domain. */
static void test_segments(void **state)
{
	const char *const lines[] = {
		" dd-5 [000] .... 1.0: iommuctl_map_sg: (iommu_map_sg+0x0/0x80) domain=0xff00000000000100 iova=0x1000",
		MAP("dd-5 [000]", "0x1000"), MAP("dd-5 [000]", "0x3000"), MAP("cp-6 [000]", "0x1000"), NULL,
	};
	struct seen s;

	(void)state;
	assert_int_equal(decode(&s, lines), 0);
	assert_int_equal(s.v[0].domain_object, 1);
	assert_int_equal(s.v[1].domain_object, 1);
	assert_false(s.v[2].has & HAS_DOMAIN_OBJECT);
}

#define REQUEST(flags) " w-9 [000] .... 1.0: iommuctl_request: (f+0x0/0x1) dev=\"0000:01:00.0\" flags=" flags " pasid=3 grpid=7 perm=0x1 addr=0x7000"
#define RESULT(ret) " w-9 [000] .... 1.1: iommuctl_request_ret: (g+0x1/0x2 <- f) ret=" ret
#define RESPONSE(code) " w-9 [000] .... 1.05: iommuctl_response: (h+0x0/0x1) dev=\"0000:01:00.0\" flags=0x3 pasid=3 grpid=7 code=" code

static void test_refused(void **state)
{
	const char *const refused[] = { REQUEST("0x3"), RESULT("-22"), NULL };
	const char *const aborted[] = { REQUEST("0x3"), RESPONSE("2"), RESULT("-22"), NULL };
	const char *const partial[] = { REQUEST("0x1"), RESULT("-12"), NULL };
	struct seen s;

	(void)state;
	assert_int_equal(decode(&s, refused), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.v[1].kind, EVENT_PAGE_RESPONSE);
	assert_int_equal(s.v[1].page.code, 1);
	assert_int_equal(s.v[1].addr, 0x7000);
	assert_string_equal(s.device[1], "0000:01:00.0");
	/* the failure was the answer; what the call returned is no second one */
	assert_int_equal(decode(&s, aborted), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.v[1].page.code, 0xf);
	assert_int_equal(decode(&s, partial), 0);
	assert_int_equal(s.n, 1);
}

/* A device whose name the kernel could not read, and lines that are cut. */
static void test_bad(void **state)
{
	const char *const lines[] = {
		" w-9 [000] .... 1.0: iommuctl_request: (f+0x0/0x1) dev=(fault) flags=0x3 pasid=3 grpid=7 perm=0x1 addr=0x7000",
		" w-9 [000] .... 1.0: iommuctl_request: (f+0x0/0x1) dev=\"0000:01:00.0\" flags=0x3 pas",
		" w-9 [000] .... 1.0: iommuctl_map: (f+0x0/0x1) domain=0x",
		" w-9 [000] .... 1.0: iommuctl_whatever: (f+0x0/0x1)",
		"# iommuctl attached domain=0x1 device=",
		NULL,
	};
	struct seen s;

	(void)state;
	assert_int_equal(decode(&s, lines), 2);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.device[0], "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nested),	 cmocka_unit_test(test_idle), cmocka_unit_test(test_segments),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
