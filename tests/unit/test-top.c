// SPDX-License-Identifier: GPL-2.0-or-later
/* iommutop without a terminal: machines in, keys in, cells out. */
#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "counters.h"
#include "detail.h"
#include "kmem/ownership.h"
#include "keys.h"
#include "options.h"
#include "machine.h"
#include "sample.h"
#include "source/network.h"
#include "ui.h"

struct screen {
	struct ctx ctx;
	struct source *src;
	struct sampler *sampler;
	struct model model;
	struct ui ui;
	struct cells cells;
	enum ui_action last;
};

static void show(struct screen *s, int w, int h)
{
	cells_resize(&s->cells, w, h);
	draw(&s->cells, &s->ui, &s->model, "12:34:56");
}

static void start(struct screen *s, const char *machine, int w, int h)
{
	char path[512];

	*s = (struct screen){ 0 };
	snprintf(path, sizeof(path), HOSTS "/%s.snap", machine);
	assert_int_equal(source_open(&s->ctx, streq(machine, "demo") ? "demo" : path, &s->src), 0);
	s->sampler = sampler_new(&s->ctx, s->src, false);
	assert_int_equal(sampler_refresh(s->sampler, &s->model, 1000000000), 0);
	ui_init(&s->ui);
	s->ui.utf8 = true;
	show(s, w, h);
}

static void press(struct screen *s, const char *keys)
{
	struct ui_key key;

	while (keys_next(&keys, &key)) {
		s->last = ui_key(&s->ui, &s->model, &key);
		if (s->last == UI_DETAIL) {
			detail_fill(&s->ui, &s->model, s->src, s->cells.w);
			ui_show_pane(&s->ui);
		}
		show(s, s->cells.w, s->cells.h);
	}
}

static void end(struct screen *s)
{
	ui_free(&s->ui);
	sampler_free(s->sampler);
	model_free(&s->model);
	cells_free(&s->cells);
	source_close(s->src);
	ctx_free(&s->ctx);
}

static const char *line(const struct screen *s, int y)
{
	static struct strbuf b;

	strbuf_reset(&b);
	cells_line(&s->cells, y, &b);
	return strbuf_str(&b);
}

/* The line that has the text; -1 none. */
static int find(const struct screen *s, const char *text)
{
	for (int y = 0; y < s->cells.h; y++)
		if (strstr(line(s, y), text))
			return y;
	return -1;
}

static void expect(const struct screen *s, const char *text)
{
	if (find(s, text) >= 0)
		return;
	for (int y = 0; y < s->cells.h; y++)
		print_message("|%s\n", line(s, y));
	fail_msg("not on the screen: %s", text);
}

/* The attribute of the first cell of the text; ASCII lines only. */
static enum attr attr_of(const struct screen *s, int y, const char *text)
{
	const char *l = line(s, y), *at = strstr(l, text);

	assert_non_null(at);
	return cells_at(&s->cells, y, cells_width(l) - cells_width(at))->attr;
}

/* -- cells ----------------------------------------------------------------------------------------------- */

static void put_cuts_and_marks(void **state _unused_)
{
	struct screen s = { 0 };

	cells_resize(&s.cells, 10, 2);
	s.cells.utf8 = true;
	assert_int_equal(cells_put(&s.cells, 0, 0, 6, ATTR_PLAIN, "abcdefgh"), 6);
	assert_string_equal(line(&s, 0), "abcde…");
	assert_int_equal(cells_put(&s.cells, 0, 0, 10, ATTR_PLAIN, "abc"), 3);
	assert_string_equal(line(&s, 0), "abc");
	assert_int_equal(cells_put_right(&s.cells, 1, 2, 6, ATTR_PLAIN, "42"), 2);
	assert_string_equal(line(&s, 1), "      42");
	s.cells.utf8 = false;
	cells_put(&s.cells, 0, 0, 6, ATTR_PLAIN, "abcdefgh");
	assert_string_equal(line(&s, 0), "abcde>");
	cells_free(&s.cells);
}

static void wide_characters_are_never_halved(void **state _unused_)
{
	struct screen s = { 0 };

	cells_resize(&s.cells, 7, 1);
	s.cells.utf8 = true;
	/* each takes two columns: two of them and the mark are all that goes into six */
	assert_int_equal(cells_put(&s.cells, 0, 0, 6, ATTR_PLAIN, "日本語版"), 5);
	assert_string_equal(line(&s, 0), "日本…");
	assert_int_equal(cells_at(&s.cells, 0, 1)->ch, 0);
	assert_int_equal(cells_put(&s.cells, 0, 0, 7, ATTR_PLAIN, "日本語"), 6);
	assert_string_equal(line(&s, 0), "日本語");
	/* combining marks take no column */
	assert_int_equal(cells_width("e\xcc\x81t"), 2);
	/* what would move the cursor, and rubbish, is shown as what it is not */
	cells_put(&s.cells, 0, 0, 7, ATTR_PLAIN, "a\033[2J\xff");
	assert_string_equal(line(&s, 0), "a?[2J?");
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
	assert_string_equal(line(&s, 0), "");
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

	start(&s, "vtd-half", 140, 30);
	expect(&s, "Linux 7.2");
	expect(&s, " groups:  ");
	head = find(&s, "GROUP VERDICT");
	assert_true(head > 0);
	y = find(&s, "0000:04:00.0");
	assert_true(y > head);
	assert_non_null(strstr(line(&s, y), "    4 ready "));
	assert_non_null(strstr(line(&s, y), "vfio-pci"));
	assert_int_equal(attr_of(&s, y, "ready"), ATTR_GOOD);
	y = find(&s, "    8 needs-bind");
	assert_int_equal(attr_of(&s, y, "needs-bind"), ATTR_WARN);
	/* numbers end where their heading does, names begin where it begins */
	assert_int_equal(strstr(line(&s, head), "GROUP") - line(&s, head), 0);
	assert_int_equal(cells_at(&s.cells, y, 4)->ch, L'8');
	/* the first row has the cursor, all of the line */
	for (int x = 0; x < 140; x++)
		assert_int_equal(cells_at(&s.cells, head + 1, x)->attr, ATTR_CURSOR);
	end(&s);
}

static void remedy_below_the_table(void **state _unused_)
{
	struct screen s;

	start(&s, "vtd-half", 80, 24);
	press(&s, "/virtio-pci<Enter>");
	assert_int_equal(((const struct group_row *)model_row(&s.model, VIEW_GROUPS, ui_selected(&s.ui)))->group.v, 8);
	expect(&s, "0000:00:1e.0 (virtio-pci) must leave its driver first");
	expect(&s, "# iommuctl device bind 0000:00:1e.0");
	press(&s, "<Home>");
	assert_int_equal(find(&s, "# iommuctl"), -1);
	end(&s);
}

static void who_holds_a_group(void **state _unused_)
{
	struct screen s;
	int y;

	start(&s, "demo", 140, 30);
	y = find(&s, "   12 in-use");
	assert_true(y > 0);
	assert_non_null(strstr(line(&s, y), "blocked"));
	assert_non_null(strstr(line(&s, y), "iommufd"));
	assert_non_null(strstr(line(&s, y), " 92 qemu-system-x86"));
	press(&s, "2");
	y = find(&s, "qemu-system-x86");
	assert_non_null(strstr(line(&s, y), "blocked"));
	end(&s);
}

static void each_view_has_its_columns(void **state _unused_)
{
	static const char *const words[VIEW_MAX] = { "GROUP VERDICT", "DOMAIN TYPE", "DEVICE       CLASS", "UNIT ", "DEVICE ", "OBJECT NAME" };
	struct screen s;

	start(&s, "vtd", 100, 30);
	for (enum view_id v = 0; v < VIEW_MAX; v++) {
		char key[2] = { (char)('1' + v), 0 };

		press(&s, key);
		assert_int_equal(s.ui.view, v);
		assert_true(strstr(line(&s, s.ui.layout.head_y), words[v]) != NULL);
		assert_int_equal(cells_at(&s.cells, s.ui.layout.tabs_y, s.ui.layout.tab_x[v])->attr, ATTR_TAB_ON);
	}
	press(&s, "<Tab>");
	assert_int_equal(s.ui.view, VIEW_GROUPS);
	press(&s, "<BackTab>");
	assert_int_equal(s.ui.view, VIEW_SESSIONS);
	end(&s);
}

/* No size draws outside, dies, or leaves the table without a place when there is one. */
static void every_size(void **state _unused_)
{
	static const char *const modes[] = { "", "<F6>", "/x", "\\x", "d9", "?", "<Enter>" };
	struct screen s;

	start(&s, "demo", 80, 24);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		press(&s, modes[i]);
		for (int w = 1; w <= 300; w = w < 20 ? w + 1 : w + 37)
			for (int h = 1; h <= 100; h = h < 28 ? h + 1 : h + 18)
				for (enum view_id v = 0; v < VIEW_MAX; v++) {
					if (s.ui.mode == MODE_LIST)
						s.ui.view = v;
					s.ui.stale = true;
					show(&s, w, h);
					assert_true(s.ui.layout.rows_h >= 1);
				}
		s.ui.view = VIEW_GROUPS;
		s.ui.stale = true;
		show(&s, 80, 24);
		press(&s, "<Esc>");
	}
	show(&s, 1, 1);
	assert_int_equal(cells_width(line(&s, 0)) <= 1, true);
	end(&s);
}

static void narrow_screens_keep_what_matters(void **state _unused_)
{
	struct screen s;
	const char *head;

	start(&s, "vtd", 80, 24);
	head = line(&s, s.ui.layout.head_y);
	assert_non_null(strstr(head, "GROUP"));
	assert_non_null(strstr(head, "VERDICT"));
	assert_non_null(strstr(head, "PROCESS"));
	assert_non_null(strstr(head, "DEVICES"));
	assert_null(strstr(head, "EXPECT"));
	show(&s, 40, 24);
	head = line(&s, s.ui.layout.head_y);
	assert_non_null(strstr(head, "GROUP"));
	assert_non_null(strstr(head, "DEVICES"));
	/* to the side there are the others */
	press(&s, "<Right><Right>");
	head = line(&s, s.ui.layout.head_y);
	assert_non_null(strstr(head, "GROUP"));
	assert_null(strstr(head, "VERDICT"));
	press(&s, "<Left><Left><Left>");
	assert_non_null(strstr(line(&s, s.ui.layout.head_y), "VERDICT"));
	end(&s);
}

static void ascii_only(void **state _unused_)
{
	struct screen s;

	start(&s, "demo", 80, 24);
	s.ui.utf8 = false;
	for (const char *const *k = (const char *const[]){ "1", "2", "3", "4", "5", "6", "1<F6>", "<Esc>?", "<Esc><Enter>", NULL }; *k; k++) {
		press(&s, *k);
		for (int i = 0; i < s.cells.w * s.cells.h; i++)
			assert_true(s.cells.v[i].ch >= 0x20 && s.cells.v[i].ch < 0x7f);
	}
	end(&s);
}

/* -- keys ------------------------------------------------------------------------------------------------ */

static int64_t selected_group(struct screen *s)
{
	size_t row = ui_selected(&s->ui);

	return row == SIZE_MAX ? -1 : ((const struct group_row *)model_row(&s->model, VIEW_GROUPS, row))->group.v;
}

static void moving(void **state _unused_)
{
	struct screen s;

	start(&s, "demo", 80, 24);
	press(&s, "<Down><Down>");
	assert_int_equal(selected_group(&s), 2);
	press(&s, "<Up><Up><Up><Up>");
	assert_int_equal(selected_group(&s), 0);
	press(&s, "<End>");
	assert_int_equal(selected_group(&s), 14);
	press(&s, "<PgUp>");
	assert_int_equal(selected_group(&s), 14 - (s.ui.layout.rows_h - 1));
	press(&s, "<PgDn><PgDn><PgDn>");
	assert_int_equal(selected_group(&s), 14);
	/* the cursor is on the screen whatever its size */
	show(&s, 80, 8);
	expect(&s, "   14 needs-bind");
	press(&s, "<Home>");
	expect(&s, "    0 nothing");
	end(&s);
}

static void searching(void **state _unused_)
{
	struct screen s;

	start(&s, "demo", 100, 30);
	press(&s, "/QEMU-sys");
	assert_int_equal(selected_group(&s), 12); /* any case */
	expect(&s, "search: QEMU-sys_");
	press(&s, "<Backspace><Backspace><Backspace><Backspace><Backspace><Backspace><Backspace><Backspace>nvme<Enter>");
	assert_int_equal(selected_group(&s), 1);
	press(&s, "n");
	assert_int_equal(selected_group(&s), 10);
	press(&s, "nn");
	assert_int_equal(selected_group(&s), 1); /* round */
	press(&s, "/nowhere");
	expect(&s, "search: nowhere_");
	press(&s, "<Enter>n");
	expect(&s, "no row has \"nowhere\"");
	assert_int_equal(selected_group(&s), 1);
	end(&s);
}

static void filtering(void **state _unused_)
{
	struct screen s;

	start(&s, "demo", 100, 30);
	press(&s, "<End>\\nvme<Enter>");
	assert_int_equal(s.ui.views[VIEW_GROUPS].list.order.n, 3);
	expect(&s, "only rows with \"nvme\": 3");
	/* each view has its own */
	press(&s, "3");
	assert_int_equal(s.ui.views[VIEW_DEVICES].list.order.n, 29);
	press(&s, "1<Esc>");
	assert_int_equal(s.ui.views[VIEW_GROUPS].list.order.n, 15);
	press(&s, "\\nothing like it<Enter>");
	expect(&s, "no row has the text of the filter");
	assert_int_equal(ui_selected(&s.ui), SIZE_MAX);
	press(&s, "<Enter><Down><PgDn>s<Esc>");
	assert_int_equal(s.ui.mode, MODE_LIST);
	end(&s);
}

static void sorting(void **state _unused_)
{
	struct screen s;
	int head;

	start(&s, "demo", 140, 30);
	head = s.ui.layout.head_y;
	press(&s, "<Down><Down><Down>");
	/* VERDICT is the second: the cursor stays on its group */
	press(&s, "<F6><Down><Enter>");
	assert_int_equal(selected_group(&s), 3);
	assert_non_null(strstr(line(&s, head), "VERDICT△"));
	assert_non_null(strstr(line(&s, head + 1), "    8 blocked"));
	press(&s, "I");
	assert_non_null(strstr(line(&s, head), "VERDICT▽"));
	assert_non_null(strstr(line(&s, head + 1), "ready"));
	/* unknown ones come last, whichever way it goes: one process is known */
	press(&s, "<F6><Home>");
	press(&s, "<Esc>");
	s.ui.views[VIEW_GROUPS].list.sort = 5;
	s.ui.views[VIEW_GROUPS].list.descending = false;
	s.ui.stale = true;
	show(&s, 140, 30);
	assert_non_null(strstr(line(&s, head + 1), "qemu-system-x86"));
	press(&s, "I");
	assert_non_null(strstr(line(&s, head + 1), "qemu-system-x86"));
	end(&s);
}

static void the_mouse(void **state _unused_)
{
	struct screen s;
	char click[48];

	start(&s, "demo", 100, 30);
	snprintf(click, sizeof(click), "<Click %d 20>", s.ui.layout.rows_y + 5);
	press(&s, click);
	assert_int_equal(selected_group(&s), 5);
	press(&s, click);
	assert_int_equal(s.ui.mode, MODE_PANE);
	expect(&s, "Group 5");
	press(&s, "<Esc>");
	snprintf(click, sizeof(click), "<Click %d %d>", s.ui.layout.tabs_y, s.ui.layout.tab_x[VIEW_UNITS] + 2);
	press(&s, click);
	assert_int_equal(s.ui.view, VIEW_UNITS);
	press(&s, "1");
	snprintf(click, sizeof(click), "<Click %d %d>", s.ui.layout.head_y, s.ui.views[VIEW_GROUPS].list.cols[1].x);
	press(&s, click);
	assert_int_equal(s.ui.views[VIEW_GROUPS].list.sort, 1);
	snprintf(click, sizeof(click), "<Click %d 1>", s.ui.layout.bar_y);
	press(&s, click);
	expect(&s, "Help");
	/* in the details there are other keys below, and the same tabs */
	snprintf(click, sizeof(click), "<Click %d 1>", s.ui.layout.bar_y);
	assert_non_null(strstr(line(&s, s.ui.layout.bar_y), "EscBack"));
	press(&s, click);
	assert_int_equal(s.ui.mode, MODE_LIST);
	press(&s, "?");
	snprintf(click, sizeof(click), "<Click %d %d>", s.ui.layout.tabs_y, s.ui.layout.tab_x[VIEW_DEVICES] + 2);
	press(&s, click);
	assert_int_equal(s.ui.mode, MODE_LIST);
	assert_int_equal(s.ui.view, VIEW_DEVICES);
	/* right of the last key there is none */
	snprintf(click, sizeof(click), "<Click %d %d>", s.ui.layout.bar_y, 99);
	press(&s, click);
	assert_int_equal(s.last, UI_NONE);
	press(&s, "<Click 0 0><Esc><Click 99 99><WheelDown>");
	end(&s);
}

static void details(void **state _unused_)
{
	struct screen s;
	size_t top;

	start(&s, "demo", 90, 30);
	press(&s, "/10<Enter><Home><Down><Enter>");
	assert_int_equal(s.ui.mode, MODE_PANE);
	expect(&s, "$ iommuctl group check 1");
	expect(&s, "group 1: needs-bind: 0000:02:00.0 (nvme) must leave its driver first");
	expect(&s, "iommuctl device bind 0000:02:00.0");
	assert_int_equal(attr_of(&s, find(&s, "group 1: needs"), "needs-bind"), ATTR_WARN);
	press(&s, "<PgDn>");
	top = s.ui.pane_top;
	assert_true(top > 0);
	press(&s, "<End><End><Home>");
	assert_int_equal(s.ui.pane_top, 0);
	press(&s, "<Esc>3/1e.0<Enter><Enter>");
	expect(&s, "$ iommuctl device show 0000:00:1e.0");
	press(&s, "q4<Enter>");
	expect(&s, "$ iommuctl iommu show dmar0");
	press(&s, "q");
	assert_int_equal(s.last, UI_NONE);
	press(&s, "q");
	assert_int_equal(s.last, UI_QUIT);
	end(&s);
}

static void typed_lines(void **state _unused_)
{
	struct screen s;

	start(&s, "demo", 80, 24);
	press(&s, "d2.5<Enter>");
	assert_int_equal(s.ui.delay_ms, 2500);
	press(&s, "d0<Enter>");
	expect(&s, "is no number of seconds");
	assert_int_equal(s.ui.delay_ms, 2500);
	press(&s, "dx<Enter>d-1<Enter>dnan<Enter>d1e9<Enter>d<Enter>");
	assert_int_equal(s.ui.delay_ms, 2500);
	press(&s, "p");
	assert_true(s.ui.paused);
	press(&s, "s/tmp/x.snap<Enter>");
	assert_int_equal(s.last, UI_SAVE);
	assert_string_equal(s.ui.input, "/tmp/x.snap");
	press(&s, "s<Enter>");
	assert_int_equal(s.last, UI_NONE);
	press(&s, "<Space");
	end(&s);
}

static void machines_with_less(void **state _unused_)
{
	struct screen s;

	start(&s, "noiommu", 80, 24);
	expect(&s, "no IOMMU groups");
	press(&s, "4");
	expect(&s, "iommufd_selftest");
	press(&s, "6");
	assert_non_null(strstr(s.model.empty[VIEW_SESSIONS], "only the kernel's memory tells: not captured"));
	end(&s);
}

/* A machine with a terminal's codes in its names, one function of it gone at the second look. */
static void hostile_names_and_vanishing_rows(void **state _unused_)
{
	static const struct machine_pci v[] = {
		{ "0000:00:03.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 1, .driver = "pcieport" },
		{ "0000:00:03.0/0000:01:00.0", .group = 2, .driver = "e\033[2Jx\xff" },
		{ "0000:00:03.0/0000:01:00.1", .group = 3, .driver = "e1000e" },
	};
	struct screen s = { 0 };
	struct machine m;
	struct host *h;

	machine_new(&m);
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		machine_pci(&m, &v[i]);
	machine_file(&m, "sys/kernel/iommu_groups/2/type", "DMA\033]0;title\007");
	machine_load(&m);
	assert_int_equal(host_load(&s.ctx, m.src, HOST_ALL, &h), 0);
	model_build(&s.model, h, NULL, -EACCES, NULL);
	ui_init(&s.ui);
	s.ui.utf8 = true;
	show(&s, 160, 30);
	expect(&s, "e\\x1b[2Jx\\xff");
	expect(&s, "DMA\\x1b");
	for (const char *const *k = (const char *const[]){ "1", "2", "3", "4", "5", "6", "3<End>", NULL }; *k; k++) {
		press(&s, *k);
		for (int i = 0; i < s.cells.w * s.cells.h; i++)
			assert_true(!s.cells.v[i].ch || s.cells.v[i].ch >= 0x20);
	}
	expect(&s, "0000:01:00.1");
	/* the last one has gone between two looks, and somebody presses Enter */
	machine_remove(&m, "sys/bus/pci/devices/0000:01:00.1");
	machine_remove(&m, "sys/kernel/iommu_groups/3/devices/0000:01:00.1");
	s.src = m.src;
	press(&s, "<Enter>");
	expect(&s, "device show");
	press(&s, "<Esc>");
	machine_load(&m);
	assert_int_equal(host_load(&s.ctx, m.src, HOST_ALL, &h), 0);
	model_build(&s.model, h, NULL, -EACCES, NULL);
	show(&s, 160, 30);
	assert_int_equal(find(&s, "0000:01:00.1"), -1);
	assert_true(ui_selected(&s.ui) < s.model.rows[VIEW_DEVICES].n);
	/* nothing is left at all */
	assert_int_equal(source_open_memory(&s.ctx, "x", "", 0, &s.src) < 0, true);
	s.src = NULL;
	end(&s);
	machine_free(&m);
}

/* -- traces ---------------------------------------------------------------------------------------------- */

static void tick(struct screen *s, double seconds)
{
	static uint64_t now = 1000000000;

	now = MAX(now, (uint64_t)1000000000);
	if (seconds > 0)
		now += (uint64_t)(seconds * 1e9);
	assert_int_equal(sampler_refresh(s->sampler, &s->model, now), 0);
	show(s, s->cells.w, s->cells.h);
}

static void a_trace_is_played(void **state _unused_)
{
	/* three faults of the disk within a quarter of a second, another one two seconds later, and one of a device that the log alone knows */
	static const char log[] =
		"[  100.000000] DMAR: [DMA Write NO_PASID] Request device [03:00.0] fault addr 0x1000 [fault reason 0x05] x\n"
		"[  100.100000] DMAR: [DMA Write NO_PASID] Request device [03:00.0] fault addr 0x1000 [fault reason 0x05] x\n"
		"[  100.250000] DMAR: [DMA Write NO_PASID] Request device [03:00.0] fault addr 0x9000 [fault reason 0x05] x\n"
		"[  102.300000] DMAR: [DMA Read NO_PASID] Request device [03:00.0] fault addr 0x9000 [fault reason 0x06] x\n"
		"[  103.500000] DMAR: [DMA Read NO_PASID] Request device [7f:00.0] fault addr 0x9000 [fault reason 0x02] x\n";
	char path[] = "/tmp/test-top-XXXXXX";
	struct replay *r = NULL;
	struct screen s = { 0 };
	const struct group_row *g;
	int fd = mkstemp(path);

	assert_int_equal(write(fd, log, sizeof(log) - 1), sizeof(log) - 1);
	close(fd);
	assert_int_equal(source_open(&s.ctx, HOSTS "/vtd.snap", &s.src), 0);
	assert_int_equal(replay_open(&s.ctx, path, &r), 0);
	unlink(path);
	s.sampler = sampler_new(&s.ctx, s.src, false);
	sampler_set_replay(s.sampler, r, 1);
	ui_init(&s.ui);
	cells_resize(&s.cells, 120, 30);
	tick(&s, 0);
	expect(&s, "trace 0.0 of 3.5 s");
	assert_int_equal(s.model.rows[VIEW_FAULTS].n, 0);
	tick(&s, 1);
	assert_int_equal(s.model.meters[METER_FAULTS].per_s.v, 3);
	assert_int_equal(s.model.rows[VIEW_FAULTS].n, 2); /* folded by the page */
	g = model_row(&s.model, VIEW_GROUPS, host_device(s.model.host, "pci", "0000:03:00.0")->group - s.model.host->groups);
	assert_int_equal(g->faults.v, 3);
	assert_int_equal(g->fault_rate.v, 3);
	tick(&s, 1);
	assert_int_equal(s.model.meters[METER_FAULTS].per_s.v, 0);
	assert_int_equal(g->fault_rate.v, 0);
	/* half a second for one fault is two a second */
	tick(&s, 0.5);
	assert_int_equal(s.model.meters[METER_FAULTS].per_s.v, 2);
	tick(&s, 5);
	assert_int_equal(s.model.rows[VIEW_FAULTS].n, 4);
	expect(&s, "trace 3.5 of 3.5 s");
	press(&s, "5");
	/* the newest one is first */
	assert_non_null(strstr(line(&s, s.ui.layout.rows_y), "7f:00.0"));
	assert_non_null(strstr(line(&s, s.ui.layout.rows_y + 1), "0000:03:00.0"));
	press(&s, "<Down><Enter>");
	expect(&s, "$ iommuctl device show 0000:03:00.0");
	press(&s, "<Esc>3/03:00.0<Enter>");
	assert_int_equal(attr_of(&s, find(&s, "LAST-FAULT"), "LAST-FAULT"), ATTR_HEAD);
	for (int i = 0; i < 200; i++)
		tick(&s, 0.1);
	assert_int_equal(s.model.meters[METER_FAULTS].per_s.v, 0);
	end(&s);
	replay_free(r);
}

/* Each refresh brings a fault: what was made for the ones before must not pile up, nor the counts go back. */
static void many_faults(void **state _unused_)
{
	struct strbuf log = { 0 };
	struct replay *r = NULL;
	char path[] = "/tmp/test-top-XXXXXX";
	struct screen s = { 0 };
	int fd = mkstemp(path);

	for (int i = 0; i < 300; i++)
		strbuf_printf(&log, "[%5d.500000] DMAR: [DMA Write] Request device [03:00.0] fault addr 0x%x000 [fault reason 05] x\n", i + 1,
			      i % 7);
	assert_int_equal(write(fd, log.s, log.len), log.len);
	close(fd);
	assert_int_equal(source_open(&s.ctx, HOSTS "/vtd.snap", &s.src), 0);
	assert_int_equal(replay_open(&s.ctx, path, &r), 0);
	unlink(path);
	s.sampler = sampler_new(&s.ctx, s.src, false);
	sampler_set_replay(s.sampler, r, 1);
	ui_init(&s.ui);
	cells_resize(&s.cells, 120, 30);
	tick(&s, 0);
	for (int i = 0; i < 299; i++) {
		tick(&s, 1);
		assert_int_equal(s.model.meters[METER_FAULTS].per_s.v, 1);
		assert_int_equal(s.model.faults, i + 1);
	}
	assert_int_equal(s.model.rows[VIEW_FAULTS].n, 7);
	end(&s);
	replay_free(r);
	strbuf_free(&log);
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

/* -- the network ------------------------------------------------------------------------------------------ */

static void expect_network(const struct screen *s, const char *device, const char *expected)
{
	const struct device_row *v = s->model.rows[VIEW_DEVICES].v;
	size_t i = 0;

	while (i < s->model.rows[VIEW_DEVICES].n && !streq(v[i].device, device))
		i++;
	assert_true(i < s->model.rows[VIEW_DEVICES].n);
	if (v[i].network || expected)
		assert_string_equal(v[i].network ?: "(nothing)", expected ?: "(nothing)");
}

#define ON(dev) .device_bus = "pci", .device = dev

/* Over a bond and a bridge: who carries the default route is what would be missed. */
static void interfaces_and_what_goes_over_them(void **state)
{
	struct net_link links[] = {
		{ .name = "lo", .up = TRI_YES, .running = TRI_YES },
		{ .name = "eth0", .up = TRI_YES, .running = TRI_YES, .master = "bond0", ON("0000:03:00.1") },
		{ .name = "eth1", .up = TRI_YES, .running = TRI_NO, ON("0000:09:01.0") },
		{ .name = "eth2", .up = TRI_NO, .running = TRI_NO, ON("0000:09:01.0") },
		{ .name = "bond0", .up = TRI_YES, .running = TRI_YES },
		{ .name = "bond0.5", .up = TRI_YES, .running = TRI_YES, .lower = "bond0", .master = "br0" },
		{ .name = "br0", .up = TRI_YES, .running = TRI_YES, .lower = "br0" }, /* goes round in circles */
		{ .name = "odd", .up = TRI_UNKNOWN, ON("0000:99:00.0") }, /* a device that is not there */
		{ .name = NULL, ON("0000:09:02.0") },
		{ .name = "eth3", .up = TRI_UNKNOWN, .running = TRI_UNKNOWN, ON("0000:09:02.0") },
	};
	struct net_route routes[] = {
		{ .link = NULL, .is_default = TRI_YES },
		{ .link = "eth1", .is_default = TRI_NO },
		{ .link = "br0", .is_default = TRI_YES },
		{ .link = "nosuch", .is_default = TRI_YES },
	};
	struct network n = { .links = links, .n_links = ARRAY_SIZE(links), .routes = routes, .n_routes = ARRAY_SIZE(routes) };
	struct screen s;

	(void)state;
	start(&s, "demo", 200, 50);
	model_network(&s.model, &n);
	expect_network(&s, "0000:03:00.1", "eth0 up default");
	expect_network(&s, "0000:09:01.0", "eth1 no carrier, eth2 down");
	expect_network(&s, "0000:09:02.0", "eth3 ?");
	expect_network(&s, "0000:02:00.0", NULL);
	links[1].running = TRI_NO;
	n.n_routes = 2;
	model_network(&s.model, &n);
	expect_network(&s, "0000:03:00.1", "eth0 no carrier");
	model_network(&s.model, NULL);
	expect_network(&s, "0000:03:00.1", NULL);
	end(&s);
}

/* A snapshot tells it as the machine would, and it is on the screen. */
static void interfaces_of_a_snapshot(void **state)
{
	struct screen s;

	(void)state;
	start(&s, "vtd", 200, 50);
	press(&s, "3");
	expect(&s, "NETWORK");
	expect(&s, "eth0 down");
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(put_cuts_and_marks),
		cmocka_unit_test(interfaces_and_what_goes_over_them),
		cmocka_unit_test(interfaces_of_a_snapshot),
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
		cmocka_unit_test(moving),
		cmocka_unit_test(searching),
		cmocka_unit_test(filtering),
		cmocka_unit_test(sorting),
		cmocka_unit_test(the_mouse),
		cmocka_unit_test(details),
		cmocka_unit_test(typed_lines),
		cmocka_unit_test(machines_with_less),
		cmocka_unit_test(hostile_names_and_vanishing_rows),
		cmocka_unit_test(a_trace_is_played),
		cmocka_unit_test(many_faults),
		cmocka_unit_test(command_lines),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	source_set_provider(SECTION_OWNERSHIP, ownership_provide);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
