// SPDX-License-Identifier: GPL-2.0-or-later
/* iommutop without a terminal: what is drawn, cells, meters, views of each size; the command line. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "counters.h"
#include "machine.h"
#include "options.h"
#include "screen-of.h"

/* -- cells ----------------------------------------------------------------------------------------------- */

static void put_cuts_and_marks(void **state _unused_)
{
	struct screen s = { 0 };

	cells_resize(&s.cells, 10, 2);
	s.cells.utf8 = true;
	assert_int_equal(cells_put(&s.cells, 0, 0, 6, ATTR_PLAIN, "abcdefgh"), 6);
	assert_string_equal(screen_line(&s, 0), "abcde…");
	assert_int_equal(cells_put(&s.cells, 0, 0, 10, ATTR_PLAIN, "abc"), 3);
	assert_string_equal(screen_line(&s, 0), "abc");
	assert_int_equal(cells_put_right(&s.cells, 1, 2, 6, ATTR_PLAIN, "42"), 2);
	assert_string_equal(screen_line(&s, 1), "      42");
	s.cells.utf8 = false;
	cells_put(&s.cells, 0, 0, 6, ATTR_PLAIN, "abcdefgh");
	assert_string_equal(screen_line(&s, 0), "abcde>");
	cells_free(&s.cells);
}

static void wide_characters_are_never_halved(void **state _unused_)
{
	struct screen s = { 0 };

	cells_resize(&s.cells, 7, 1);
	s.cells.utf8 = true;
	/* each takes two columns: two of them and the mark are all that goes into six */
	assert_int_equal(cells_put(&s.cells, 0, 0, 6, ATTR_PLAIN, "日本語版"), 5);
	assert_string_equal(screen_line(&s, 0), "日本…");
	assert_int_equal(cells_at(&s.cells, 0, 1)->ch, 0);
	assert_int_equal(cells_put(&s.cells, 0, 0, 7, ATTR_PLAIN, "日本語"), 6);
	assert_string_equal(screen_line(&s, 0), "日本語");
	/* combining marks take no column */
	assert_int_equal(cells_width("e\xcc\x81t"), 2);
	/* what would move the cursor, and rubbish, is shown as what it is not */
	cells_put(&s.cells, 0, 0, 7, ATTR_PLAIN, "a\033[2J\xff");
	assert_string_equal(screen_line(&s, 0), "a?[2J?");
	cells_free(&s.cells);
}

static void outside_is_nowhere(void **state _unused_)
{
	struct screen s = { 0 };

	cells_resize(&s.cells, 3, 1);
	assert_int_equal(cells_put(&s.cells, 5, 0, 3, ATTR_PLAIN, "abc"), 0);
	assert_int_equal(cells_put(&s.cells, 0, 3, 3, ATTR_PLAIN, "abc"), 0);
	assert_int_equal(cells_put(&s.cells, -1, 0, 3, ATTR_PLAIN, "abc"), 0);
	assert_int_equal(cells_put(&s.cells, 0, 0, -4, ATTR_PLAIN, "abc"), 0);
	cells_paint(&s.cells, 0, -5, 100, ATTR_BAD);
	assert_string_equal(screen_line(&s, 0), "");
	cells_free(&s.cells);
}

/* -- meters ---------------------------------------------------------------------------------------------- */

static void meters_are_rates(void **state _unused_)
{
	struct meter t = { 0 };

	meter_add(&t, NUM(1000), 0);
	assert_false(t.per_s.known);
	meter_add(&t, NUM(1500), 2000000000);
	assert_int_equal(t.per_s.v, 250);
	/* a counter that went back is no rate */
	meter_add(&t, NUM(10), 1000000000);
	assert_false(t.per_s.known);
	meter_add(&t, NUM(20), 1000000000);
	assert_int_equal(t.per_s.v, 10);
	/* one that has gone */
	meter_add(&t, NUM_UNKNOWN, 1000000000);
	assert_false(t.per_s.known);
	meter_add(&t, NUM(30), 1000000000);
	assert_false(t.per_s.known);
	assert_int_equal(t.n, 2);
	assert_int_equal(meter_past(&t, 0), 10);
	assert_int_equal(meter_past(&t, 1), 250);
	assert_int_equal(meter_past(&t, 2), 0);
	for (int i = 0; i < 3 * HISTORY; i++)
		meter_add(&t, NUM(30 + i), 1000000000);
	assert_int_equal(meter_past(&t, HISTORY - 1), 1);
	assert_int_equal(meter_past(&t, HISTORY), 0);
}

static void short_numbers(void **state _unused_)
{
	static const struct {
		int64_t v;
		const char *text;
	} v[] = { { 0, "0" }, { 999, "999" }, { 1000, "1.0k" }, { 1234567, "1.2M" }, { 98765, "99k" }, { INT64_MAX, "9223372T" } };
	struct strbuf b = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		strbuf_reset(&b);
		short_number(&b, v[i].v);
		assert_string_equal(b.s, v[i].text);
	}
	strbuf_free(&b);
}

static void interrupt_lines(void **state _unused_)
{
	char name[64];
	uint64_t sum;
	uint32_t irq;
	const char *l = "  24:          5          7   DMAR-MSI    0-edge      dmar0";

	assert_true(interrupts_line(l, strlen(l), &irq, &sum, name));
	assert_int_equal(irq, 24);
	assert_int_equal(sum, 12);
	assert_string_equal(name, "dmar0");
	l = " 121:  1  PCI-MSI-0000:00:02.0    0-edge      AMD-Vi0-Evt";
	assert_true(interrupts_line(l, strlen(l), &irq, &sum, name));
	assert_int_equal(sum, 1);
	assert_string_equal(name, "AMD-Vi0-Evt");
	for (const char *const *p = (const char *const[]){ "           CPU0       CPU1", "NMI:  5 6 Non-maskable", "24", "24:", "24: 7", "", NULL }; *p; p++)
		assert_false(interrupts_line(*p, strlen(*p), &irq, &sum, name));
}

/* SMMUv3 names its interrupts all alike: what the unit's device sends is its own. */
static void interrupts_of_units(void **state _unused_)
{
	static const char table[] = "           CPU0       CPU1\n"
				    " 30:  1  2  ITS-MSI 0 Edge  arm-smmu-v3-evtq\n"
				    " 31:  0  0  ITS-MSI 1 Edge  arm-smmu-v3-priq\n"
				    " 32:  9  9  ITS-MSI 2 Edge  arm-smmu-v3-gerror\n"
				    " 40:  1  2  ITS-MSI 0 Edge  arm-smmu-v3-evtq\n"
				    " 50:  4  4  GICv3 74 Edge  arm-smmu-v3-combined-irq\n";
	struct counters *c;
	const struct counts *now;
	struct machine m;

	machine_new(&m);
	machine_unit(&m, "smmu3.0x0000000009050000");
	machine_file(&m, "proc/interrupts", "%s", table);
	machine_file(&m, "sys/kernel/irq/40/per_cpu_count", "40,2\n");
	machine_file(&m, "sys/kernel/irq/30/per_cpu_count", "3,4\n");
	machine_file(&m, "sys/kernel/irq/31/per_cpu_count", "5,0\n");
	machine_file(&m, "sys/kernel/irq/50/per_cpu_count", "50,0\n");
	machine_load(&m);
	/* the only one: all are its own, and the last one counts */
	c = counters_open(m.host, false);
	now = counters_read(c);
	assert_int_equal(now->units[0].fault_irqs.v, 50);
	assert_int_equal(now->units[0].requests.v, 5);
	counters_close(c);
	machine_unit(&m, "smmu3.0x0000000009060000");
	machine_file(&m, "sys/class/iommu/smmu3.0x0000000009050000/device/msi_irqs/30", "msi\n");
	machine_file(&m, "sys/class/iommu/smmu3.0x0000000009050000/device/msi_irqs/31", "msi\n");
	machine_file(&m, "sys/class/iommu/smmu3.0x0000000009060000/device/msi_irqs/40", "msi\n");
	machine_load(&m);
	c = counters_open(m.host, false);
	now = counters_read(c);
	assert_int_equal(m.host->n_units, 2);
	assert_int_equal(now->units[0].fault_irqs.v, 7);
	assert_int_equal(now->units[0].requests.v, 5);
	assert_int_equal(now->units[1].fault_irqs.v, 42);
	assert_false(now->units[1].requests.known);
	counters_close(c);
	machine_free(&m);
}

/* -- the screen ------------------------------------------------------------------------------------------ */

/* What tests/hosts/vtd-half is: e1000e and e1000 on vfio-pci and not held, nothing else given away. */
static void groups_of_a_machine(void **state _unused_)
{
	struct screen s;
	int y, head;

	screen_start(&s, "vtd-half", 140, 30);
	screen_expect(&s, "Linux 7.2");
	screen_expect(&s, " groups:  ");
	head = screen_find(&s, "GROUP VERDICT");
	assert_true(head > 0);
	y = screen_find(&s, "0000:04:00.0");
	assert_true(y > head);
	assert_non_null(strstr(screen_line(&s, y), "    4 ready "));
	assert_non_null(strstr(screen_line(&s, y), "vfio-pci"));
	assert_int_equal(screen_attr(&s, y, "ready"), ATTR_GOOD);
	y = screen_find(&s, "    8 needs-bind");
	assert_int_equal(screen_attr(&s, y, "needs-bind"), ATTR_WARN);
	/* numbers end where their heading does, names begin where it begins */
	assert_int_equal(strstr(screen_line(&s, head), "GROUP") - screen_line(&s, head), 0);
	assert_int_equal(cells_at(&s.cells, y, 4)->ch, L'8');
	/* the first row has the cursor, all of the line */
	for (int x = 0; x < 140; x++)
		assert_int_equal(cells_at(&s.cells, head + 1, x)->attr, ATTR_CURSOR);
	screen_end(&s);
}

static void remedy_below_the_table(void **state _unused_)
{
	struct screen s;

	screen_start(&s, "vtd-half", 80, 24);
	screen_press(&s, "/virtio-pci<Enter>");
	assert_int_equal(((const struct group_row *)model_row(&s.model, VIEW_GROUPS, ui_selected(&s.ui)))->group.v, 8);
	screen_expect(&s, "0000:00:1e.0 (virtio-pci) must leave its driver first");
	screen_expect(&s, "# iommuctl device bind 0000:00:1e.0");
	screen_press(&s, "<Home>");
	assert_int_equal(screen_find(&s, "# iommuctl"), -1);
	screen_end(&s);
}

static void who_holds_a_group(void **state _unused_)
{
	struct screen s;
	int y;

	screen_start(&s, "demo", 140, 30);
	y = screen_find(&s, "   12 in-use");
	assert_true(y > 0);
	assert_non_null(strstr(screen_line(&s, y), "blocked"));
	assert_non_null(strstr(screen_line(&s, y), "iommufd"));
	assert_non_null(strstr(screen_line(&s, y), " 92 qemu-system-x86"));
	screen_press(&s, "2");
	y = screen_find(&s, "qemu-system-x86");
	assert_non_null(strstr(screen_line(&s, y), "blocked"));
	screen_end(&s);
}

static void each_view_has_its_columns(void **state _unused_)
{
	static const char *const words[VIEW_MAX] = { "GROUP VERDICT", "DOMAIN TYPE", "DEVICE       CLASS", "UNIT ", "DEVICE ", "OBJECT NAME" };
	struct screen s;

	screen_start(&s, "vtd", 100, 30);
	for (enum view_id v = 0; v < VIEW_MAX; v++) {
		char key[2] = { (char)('1' + v), 0 };

		screen_press(&s, key);
		assert_int_equal(s.ui.view, v);
		assert_true(strstr(screen_line(&s, s.ui.layout.head_y), words[v]) != NULL);
		assert_int_equal(cells_at(&s.cells, s.ui.layout.tabs_y, s.ui.layout.tab_x[v])->attr, ATTR_TAB_ON);
	}
	screen_press(&s, "<Tab>");
	assert_int_equal(s.ui.view, VIEW_GROUPS);
	screen_press(&s, "<BackTab>");
	assert_int_equal(s.ui.view, VIEW_SESSIONS);
	screen_end(&s);
}

/* No size draws outside, dies, or leaves the table without a place when there is one. */
static void every_size(void **state _unused_)
{
	static const char *const modes[] = { "", "<F6>", "/x", "\\x", "d9", "?", "<Enter>" };
	struct screen s;

	screen_start(&s, "demo", 80, 24);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		screen_press(&s, modes[i]);
		for (int w = 1; w <= 300; w = w < 20 ? w + 1 : w + 37)
			for (int h = 1; h <= 100; h = h < 28 ? h + 1 : h + 18)
				for (enum view_id v = 0; v < VIEW_MAX; v++) {
					if (s.ui.mode == MODE_LIST)
						s.ui.view = v;
					s.ui.stale = true;
					screen_show(&s, w, h);
					assert_true(s.ui.layout.rows_h >= 1);
				}
		s.ui.view = VIEW_GROUPS;
		s.ui.stale = true;
		screen_show(&s, 80, 24);
		screen_press(&s, "<Esc>");
	}
	screen_show(&s, 1, 1);
	assert_int_equal(cells_width(screen_line(&s, 0)) <= 1, true);
	screen_end(&s);
}

static void narrow_screens_keep_what_matters(void **state _unused_)
{
	struct screen s;
	const char *head;

	screen_start(&s, "vtd", 80, 24);
	head = screen_line(&s, s.ui.layout.head_y);
	assert_non_null(strstr(head, "GROUP"));
	assert_non_null(strstr(head, "VERDICT"));
	assert_non_null(strstr(head, "PROCESS"));
	assert_non_null(strstr(head, "DEVICES"));
	assert_null(strstr(head, "EXPECT"));
	screen_show(&s, 40, 24);
	head = screen_line(&s, s.ui.layout.head_y);
	assert_non_null(strstr(head, "GROUP"));
	assert_non_null(strstr(head, "DEVICES"));
	/* to the side there are the others */
	screen_press(&s, "<Right><Right>");
	head = screen_line(&s, s.ui.layout.head_y);
	assert_non_null(strstr(head, "GROUP"));
	assert_null(strstr(head, "VERDICT"));
	screen_press(&s, "<Left><Left><Left>");
	assert_non_null(strstr(screen_line(&s, s.ui.layout.head_y), "VERDICT"));
	screen_end(&s);
}

static void ascii_only(void **state _unused_)
{
	struct screen s;

	screen_start(&s, "demo", 80, 24);
	s.ui.utf8 = false;
	for (const char *const *k = (const char *const[]){ "1", "2", "3", "4", "5", "6", "1<F6>", "<Esc>?", "<Esc><Enter>", NULL }; *k; k++) {
		screen_press(&s, *k);
		for (int i = 0; i < s.cells.w * s.cells.h; i++)
			assert_true(s.cells.v[i].ch >= 0x20 && s.cells.v[i].ch < 0x7f);
	}
	screen_end(&s);
}

/* -- the command line ------------------------------------------------------------------------------------ */

static int parse(struct options *o, const char *words)
{
	char copy[256], *argv[16] = { (char[]){ "iommutop" } }, *save = NULL;
	struct ctx ctx = { 0 };
	int argc = 1, r;

	snprintf(copy, sizeof(copy), "%s", words);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	r = options_parse(&ctx, argc, argv, o);
	assert_int_equal(r < 0, ctx.notes.n > 0);
	ctx_free(&ctx);
	return r;
}

static void command_lines(void **state _unused_)
{
	struct options o;

	assert_int_equal(parse(&o, "-b -n 2 -d 0.5 -j --view units,groups"), 0);
	assert_true(o.batch && o.json && o.samples == 2 && o.delay_ms == 500);
	assert_int_equal(o.views, 1 << VIEW_GROUPS | 1 << VIEW_UNITS);
	assert_int_equal(parse(&o, "--frame 80x24"), 0);
	assert_int_equal(o.frame_w, 80);
	for (const char *const *p = (const char *const[]){ "-j", "-n 0 -b", "-n", "--nope", "-d 0", "-d x", "--frame 80", "--frame 0x5", "--view foo",
							   "x", "--keys q", "--replay x", "--speed 0", "--frame 80x24y", "-b -n -1", NULL }; *p; p++)
		assert_int_equal(parse(&o, *p), -22);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(put_cuts_and_marks),
		cmocka_unit_test(wide_characters_are_never_halved),
		cmocka_unit_test(outside_is_nowhere),
		cmocka_unit_test(meters_are_rates),
		cmocka_unit_test(short_numbers),
		cmocka_unit_test(interrupt_lines),
		cmocka_unit_test(interrupts_of_units),
		cmocka_unit_test(groups_of_a_machine),
		cmocka_unit_test(remedy_below_the_table),
		cmocka_unit_test(who_holds_a_group),
		cmocka_unit_test(each_view_has_its_columns),
		cmocka_unit_test(every_size),
		cmocka_unit_test(narrow_screens_keep_what_matters),
		cmocka_unit_test(ascii_only),
		cmocka_unit_test(command_lines),
	};

	return cmocka_run_group_tests(tests, screen_set_up, NULL);
}
