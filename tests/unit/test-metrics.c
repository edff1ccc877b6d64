// SPDX-License-Identifier: GPL-2.0-or-later
/* Prometheus' text, and fault totals that never go back: over looks at any moment, over a log that wraps, over reboots. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "cmd/metrics.h"
#include "diag/fault-totals.h"
#include "machine.h"
#include "out/metrics.h"

/* -- text ------------------------------------------------------------------------------------------------------------- */

static void assert_value(const char *raw, const char *expected)
{
	struct strbuf b = { 0 };

	metrics_add_value(&b, raw);
	assert_string_equal(strbuf_str(&b), expected);
	strbuf_free(&b);
}

static void test_label_values(void **state)
{
	(void)state;
	assert_value("", "");
	assert_value("0000:01:00.0", "0000:01:00.0");
	assert_value("a\\b", "a\\\\b");
	assert_value("say \"hi\"", "say \\\"hi\\\"");
	assert_value("Gr\xc3\xbc\xc3\x9f", "Gr\xc3\xbc\xc3\x9f");
	/* a newline, a terminal's code and what is no UTF-8 come as text: the value is \x0a, so a reader sees what was there */
	assert_value("two\nlines", "two\\\\x0alines");
	assert_value("\x1b[31mred", "\\\\x1b[31mred");
	assert_value("bad\xff", "bad\\\\xff");
}

/* A reader's side of the format's rules. */
static void unescape(const char *s, struct strbuf *b)
{
	for (; *s; s++) {
		assert_int_not_equal(*s, '"');
		assert_int_not_equal(*s, '\n');
		if (*s != '\\') {
			strbuf_putc(b, *s);
			continue;
		}
		s++;
		assert_true(*s == '\\' || *s == '"' || *s == 'n');
		strbuf_putc(b, *s == 'n' ? '\n' : *s);
	}
}

static uint32_t random_next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void test_any_bytes(void **state)
{
	static const char odd[] = "\\\"\n\r\t\x1b\x7f\xc2\x80\xe2\x80\xae\xff{},= a";
	uint32_t seed = 7;

	(void)state;
	for (int round = 0; round < 5000; round++) {
		struct strbuf harmless = { 0 }, escaped = { 0 }, back = { 0 };
		char raw[40];
		size_t n = random_next(&seed) % (sizeof(raw) - 1);

		for (size_t i = 0; i < n; i++)
			raw[i] = random_next(&seed) % 3 ? odd[random_next(&seed) % (sizeof(odd) - 1)] : (char)(1 + random_next(&seed) % 255);
		raw[n] = '\0';
		metrics_add_value(&escaped, raw);
		unescape(strbuf_str(&escaped), &back);
		strbuf_add_escaped(&harmless, raw);
		assert_string_equal(strbuf_str(&back), strbuf_str(&harmless));
		assert_true(utf8_valid(strbuf_str(&escaped), escaped.len));
		strbuf_free(&harmless);
		strbuf_free(&escaped);
		strbuf_free(&back);
	}
}

static void test_text(void **state)
{
	struct arena a = { 0 };
	struct metrics m = { .arena = &a };
	struct strbuf b = { 0 };

	(void)state;
	metrics_family(&m, "a_total", METRIC_COUNTER, "Counts \\ and\nmore.");
	metrics_add(&m, 3, "x", "1", "gone", NULL, NULL);
	metrics_add(&m, 4, "x", "2", NULL);
	metrics_add(&m, 5, "x", "1", NULL); /* the same again */
	metrics_family(&m, "b_info", METRIC_GAUGE, "One.");
	metrics_add(&m, 1, "x", "1", NULL);
	metrics_add(&m, 1, "x", "1", NULL);
	metrics_family(&m, "c", METRIC_GAUGE, "Not known.");
	metrics_add(&m, 9, NULL);
	metrics_unknown(&m);
	metrics_family(&m, "d", METRIC_GAUGE, "None.");
	metrics_family(&m, "e", METRIC_GAUGE, "Plain.");
	metrics_add(&m, -1, NULL);
	metrics_end(&m);
	metrics_text(&m, &b);
	assert_string_equal(strbuf_str(&b),
			    "# HELP a_total Counts \\\\ and\\nmore.\n# TYPE a_total counter\na_total{x=\"1\"} 8\na_total{x=\"2\"} 4\n"
			    "# HELP b_info One.\n# TYPE b_info gauge\nb_info{x=\"1\"} 1\n"
			    "# HELP e Plain.\n# TYPE e gauge\ne -1\n");
	assert_false(m.families.v[2].samples.known);
	assert_true(m.families.v[3].samples.known);
	strbuf_free(&b);
	metrics_free(&m);
	arena_free(&a);
}

/* -- /proc/interrupts --------------------------------------------------------------------------------------------------- */

static void assert_interrupts(const char *text, const char *expected)
{
	struct machine m;
	struct metrics out = { 0 };
	struct strbuf b = { 0 };

	machine_new(&m);
	machine_load(&m);
	out.arena = &m.host->arena;
	metrics_family(&out, "i_total", METRIC_COUNTER, "h");
	metrics_take_interrupts(&out, m.host, text, strlen(text));
	metrics_end(&out);
	metrics_text(&out, &b);
	assert_string_equal(b.len ? strstr(b.s, "counter\n") + strlen("counter\n") : "", expected);
	strbuf_free(&b);
	metrics_free(&out);
	machine_free(&m);
}

static void test_interrupts(void **state)
{
	(void)state;
	assert_interrupts("           CPU0       CPU1       \n"
			  "  9:          0          7  IO-APIC   9-fasteoi   acpi, dmar9\n"
			  " 24:          5          2  DMAR-MSI    0-edge      dmar0\n"
			  " 25:          0          1  DMAR-MSI    1-edge      dmar0-prq\n"
			  " 26:          3          0  AMD-Vi    0-edge      AMD-Vi1-Evt\n"
			  " 27:          3          0  IR-PCI-MSI 4096-edge      AMD-Vi\n"
			  " 28:          1          1  ITS-MSI   0 Edge      arm-smmu-v3-evtq\n"
			  " 29:          1          1  ITS-MSI   1 Edge      arm-smmu-v3-evtq\n"
			  " 30:          9          9  PCI-MSI   1-edge      dmarket\n"
			  "NMI:          0          0   Non-maskable interrupts\n",
			  "i_total{unit=\"dmar9\",interrupt=\"dmar9\"} 7\n"
			  "i_total{unit=\"dmar0\",interrupt=\"dmar0\"} 7\n"
			  "i_total{unit=\"dmar0\",interrupt=\"dmar0-prq\"} 1\n"
			  "i_total{unit=\"ivhd1\",interrupt=\"AMD-Vi1-Evt\"} 3\n"
			  "i_total{interrupt=\"AMD-Vi\"} 3\n"
			  "i_total{interrupt=\"arm-smmu-v3-evtq\"} 4\n");
	/* cut, empty, no heading, numbers that are none */
	assert_interrupts("", "");
	assert_interrupts("24: 1 dmar0\n", "");
	assert_interrupts("  CPU0 CPU1\n 24: 1", "");
	assert_interrupts("  CPU0 CPU1\n 24: 1 x  MSI  dmar0\n", "");
	assert_interrupts("  CPU0\n 24: 1\n25:\n:\n 26: 4  MSI 0-edge  dmar0", "i_total{unit=\"dmar0\",interrupt=\"dmar0\"} 4\n");
}

/* -- fault totals --------------------------------------------------------------------------------------------------------- */

#define LINES_MAX 2000

/* A kernel log that only the test knows whole. */
struct journal {
	const char *text[LINES_MAX];
	uint64_t faults[LINES_MAX + 1]; /* that begin before record i */
	size_t n;
};

static void say(struct journal *j, const char *text, bool fault)
{
	assert_true(j->n < LINES_MAX);
	j->text[j->n] = text;
	j->faults[j->n + 1] = j->faults[j->n] + fault;
	j->n++;
}

/* Of every form: one record, two, a head and four lines of data, one that was torn and is no fault without its second half. */
static void fill(struct journal *j, uint32_t seed, size_t n)
{
	while (j->n + 10 < n) {
		switch (random_next(&seed) % 6) {
		case 0:
			say(j, "DMAR: DRHD: handling fault status reg 2", false);
			say(j, "DMAR: [DMA Read NO_PASID] Request device [02:00.0] fault addr 0x1000 [fault reason 0x06] PTE Read access is not set", true);
			break;
		case 1:
			say(j, "DMAR: [DMA Write NO_PASID] Request device [02:00.0] fault addr 0x2000 [fault reason 0x05] PTE Write access is not set", true);
			break;
		case 2:
			say(j, "AMD-Vi: Event logged [IO_PAGE_FAULT device=63:00.0 domain=0x000a address=0x3000 flags=0x0020]", true);
			break;
		case 3:
			say(j, "arm-smmu-v3 arm-smmu-v3.0.auto: event 0x10 received:", true);
			say(j, "arm-smmu-v3 arm-smmu-v3.0.auto: \t0x0000010000000010", false);
			say(j, "arm-smmu-v3 arm-smmu-v3.0.auto: \t0x0000020800000000", false);
			say(j, "arm-smmu-v3 arm-smmu-v3.0.auto: \t0x0000000000001000", false);
			say(j, "arm-smmu-v3 arm-smmu-v3.0.auto: \t0x0000000000000000", false);
			break;
		case 4:
			say(j, "AMD-Vi: Event logged [IO_PAGE_FAULT device=63:00.0 domain=0x000a", true);
			say(j, "address=0x3000 flags=0x0020]", false);
			break;
		default:
			say(j, "usb 1-1: new high-speed USB device number 2 using xhci_hcd", false);
		}
	}
}

/* What the log holds from record @from to before @to, its first record being number @base. */
static struct kmsg view(struct arena *a, const struct journal *j, size_t from, size_t to)
{
	struct kmsg log = { .v = arena_array(a, struct kmsg_line, to - from + 1), .n = to - from };

	for (size_t i = from; i < to; i++)
		log.v[i - from] = (struct kmsg_line){ .seq = NUM(i), .usec = NUM(i * 1000), .text = j->text[i] };
	return log;
}

static uint64_t total(const struct fault_totals *t)
{
	const struct fault_total *e;
	uint64_t sum = 0;

	vec_for_each(e, &t->v)
		sum += e->count;
	return sum;
}

/* Looks, and takes the totals through their text, as each run does. */
static void look(struct arena *a, struct fault_totals *t, const struct kmsg *log, const char *boot)
{
	struct strbuf b = { 0 };

	fault_totals_look(t, log, boot, NULL, true);
	fault_totals_write(t, &b);
	assert_null(strchr(b.s, '\n'));
	fault_totals_free(t);
	*t = (struct fault_totals){ .arena = a };
	assert_int_equal(fault_totals_read(b.s, b.len, t), 0);
	strbuf_free(&b);
}

/* Looks at moments that cut faults in two count each once; the last one sees all. */
static void test_cut_anywhere(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 30; seed++) {
		struct arena a = { 0 };
		struct fault_totals t = { .arena = &a };
		struct journal *j = calloc(1, sizeof(*j));
		uint32_t r = seed;
		uint64_t before = 0;

		fill(j, seed, 400);
		for (size_t at = 0, oldest = 0; at < j->n; ) {
			struct kmsg log;

			at += 1 + random_next(&r) % 40;
			at = MIN(at, j->n);
			/* the ring forgets what was looked at long ago */
			oldest = MAX(oldest, at > 150 ? at - 150 : 0);
			log = view(&a, j, oldest, at);
			look(&a, &t, &log, "boot");
			assert_true(total(&t) >= before);
			before = total(&t);
			assert_int_equal(t.next, at);
			assert_true(t.counted.n <= FAULT_TOTALS_BACK);
		}
		assert_int_equal(total(&t), j->faults[j->n]);
		assert_int_equal(t.lost, 0);
		fault_totals_free(&t);
		arena_free(&a);
		free(j);
	}
}

static void test_overwritten(void **state)
{
	struct arena a = { 0 };
	struct fault_totals t = { .arena = &a };
	struct journal *j = calloc(1, sizeof(*j));
	struct kmsg log;

	(void)state;
	fill(j, 3, 1000);
	log = view(&a, j, 10, 100); /* the boot's first ten are gone before the first look */
	look(&a, &t, &log, "boot");
	assert_int_equal(t.lost, 10);
	log = view(&a, j, 700, 900);
	look(&a, &t, &log, "boot");
	assert_int_equal(t.lost, 610);
	assert_in_range(total(&t), j->faults[100] - j->faults[11] + j->faults[900] - j->faults[701],
			j->faults[100] - j->faults[10] + j->faults[900] - j->faults[700] + 2);
	/* nothing new: nothing changes */
	look(&a, &t, &log, "boot");
	assert_int_equal(t.lost, 610);
	fault_totals_free(&t);
	arena_free(&a);
	free(j);
}

/* The totals go on; the place in the log begins anew, also where boots cannot be told apart. */
static void test_reboot(void **state)
{
	static const char *const boots[] = { "second", NULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(boots); i++) {
		struct arena a = { 0 };
		struct fault_totals t = { .arena = &a };
		struct journal *j = calloc(1, sizeof(*j));
		struct kmsg log;
		uint64_t first;

		fill(j, 5, 500);
		log = view(&a, j, 0, 400);
		look(&a, &t, &log, boots[i] ? "first" : NULL);
		first = total(&t);
		assert_int_equal(first, j->faults[400]);
		log = view(&a, j, 0, 90); /* the same again, as at each boot */
		look(&a, &t, &log, boots[i]);
		/* a fault that is cut in two by the end of the view may count or not */
		assert_in_range(total(&t), first + j->faults[90], first + j->faults[90] + 1);
		assert_int_equal(t.lost, 0);
		fault_totals_free(&t);
		arena_free(&a);
		free(j);
	}
}

static void test_by_device(void **state)
{
	static const char *const lines[] = {
		"DMAR: [DMA Write NO_PASID] Request device [02:00.0] fault addr 0x2000 [fault reason 0x05] PTE Write access is not set",
		"DMAR: [INTR-REMAP] Request device [f0:1f.7] fault index 0x0 [fault reason 0x22] Present field in the IRTE entry is clear",
		"DMAR: [DMA Write NO_PASID] Request device [02:00.0] fault addr 0x9000 [fault reason 0x05] PTE Write access is not set",
		"dmar_fault: 41 callbacks suppressed",
		"dmar_fault: 1 callbacks suppressed",
		"net_ratelimit: 9 callbacks suppressed",
	};
	struct arena a = { 0 };
	struct fault_totals t = { .arena = &a };
	struct journal *j = calloc(1, sizeof(*j));
	struct kmsg log;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		say(j, lines[i], i < 3);
	log = view(&a, j, 0, j->n);
	look(&a, &t, &log, "boot");
	look(&a, &t, &log, "boot");
	assert_int_equal(t.v.n, 2);
	assert_string_equal(t.v.v[0].device, "02:00.0");
	assert_int_equal(t.v.v[0].kind, FAULT_DMA);
	assert_int_equal(t.v.v[0].count, 2);
	assert_int_equal(t.v.v[1].kind, FAULT_INTERRUPT);
	assert_int_equal(t.suppressed, 42);
	fault_totals_free(&t);
	arena_free(&a);
	free(j);
}

/* More devices than are told apart are still counted. */
static void test_many_devices(void **state)
{
	struct arena a = { 0 };
	struct fault_totals t = { .arena = &a };
	struct kmsg log = { .n = FAULT_TOTALS_MAX + 500 };

	(void)state;
	log.v = arena_array(&a, struct kmsg_line, log.n);
	for (size_t i = 0; i < log.n; i++)
		log.v[i] = (struct kmsg_line){ .seq = NUM(i), .text = arena_printf(&a,
			"AMD-Vi: Event logged [IO_PAGE_FAULT device=%02zx:%02zx.%zx domain=0x000a address=0x3000 flags=0x0020]",
			i >> 8, i >> 3 & 31, i & 7) };
	look(&a, &t, &log, "boot");
	assert_int_equal(total(&t), log.n);
	assert_true(t.v.n <= FAULT_TOTALS_MAX + 1);
	assert_string_equal(t.v.v[t.v.n - 1].device, FAULT_TOTALS_OTHER);
	fault_totals_free(&t);
	arena_free(&a);
}

static void test_bad_state(void **state)
{
	static const char *const bad[] = {
		"", "x", "{", "[]", "null", "{}", "{\"version\":2,\"next\":1,\"lost\":0,\"suppressed\":0}",
		"{\"version\":1,\"next\":-1,\"lost\":0,\"suppressed\":0}",
		"{\"version\":1,\"next\":1,\"lost\":0,\"suppressed\":0,\"counted\":[-1]}",
		"{\"version\":1,\"next\":1,\"lost\":0,\"suppressed\":0,\"counted\":[\"1\"]}",
		"{\"version\":1,\"next\":1,\"lost\":0,\"suppressed\":0,\"faults\":[{\"device\":\"a\",\"kind\":\"odd\",\"count\":1}]}",
		"{\"version\":1,\"next\":1,\"lost\":0,\"suppressed\":0,\"faults\":[{\"device\":\"a\",\"kind\":\"dma\",\"count\":-1}]}",
		"{\"version\":1,\"next\":1,\"lost\":0,\"suppressed\":0,\"faults\":[{\"device\":\"a\",\"kind\":\"dma\",\"count\":1},{}]}",
	};
	static const char odd[] = "{\"version\":1,\"next\":9,\"lost\":1,\"suppressed\":2,\"boot_id\":7,\"faults\":["
				  "{\"device\":\"\\u001b[2J\",\"kind\":\"dma\",\"count\":9223372036854775807},"
				  "{\"device\":\"\\u001b[2J\",\"kind\":\"dma\",\"count\":9223372036854775807}]}";
	struct arena a = { 0 };
	struct fault_totals t = { .arena = &a };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(fault_totals_read(bad[i], strlen(bad[i]), &t), -EBADMSG);
		assert_int_equal(t.v.n + t.counted.n + t.next, 0);
	}
	assert_int_equal(fault_totals_read(odd, strlen(odd), &t), 0);
	assert_int_equal(t.v.n, 1);
	assert_string_equal(t.v.v[0].device, "\\x1b[2J");
	assert_int_equal(t.v.v[0].count, INT64_MAX); /* stays where it is rather than wrap */
	assert_null(t.boot_id);
	fault_totals_free(&t);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_label_values), cmocka_unit_test(test_any_bytes),	 cmocka_unit_test(test_text),
		cmocka_unit_test(test_interrupts),   cmocka_unit_test(test_cut_anywhere), cmocka_unit_test(test_overwritten),
		cmocka_unit_test(test_reboot),	     cmocka_unit_test(test_by_device),	 cmocka_unit_test(test_many_devices),
		cmocka_unit_test(test_bad_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
