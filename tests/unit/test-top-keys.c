// SPDX-License-Identifier: GPL-2.0-or-later
/* iommutop without a terminal: keys in, cells out. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "machine.h"
#include "screen-of.h"

/* -- keys ------------------------------------------------------------------------------------------------ */

static int64_t selected_group(struct screen *s)
{
	size_t row = ui_selected(&s->ui);

	return row == SIZE_MAX ? -1 : ((const struct group_row *)model_row(&s->model, VIEW_GROUPS, row))->group.v;
}

static void moving(void **state _unused_)
{
	struct screen s;

	screen_start(&s, "demo", 80, 24);
	screen_press(&s, "<Down><Down>");
	assert_int_equal(selected_group(&s), 2);
	screen_press(&s, "<Up><Up><Up><Up>");
	assert_int_equal(selected_group(&s), 0);
	screen_press(&s, "<End>");
	assert_int_equal(selected_group(&s), 14);
	screen_press(&s, "<PgUp>");
	assert_int_equal(selected_group(&s), 14 - (s.ui.layout.rows_h - 1));
	screen_press(&s, "<PgDn><PgDn><PgDn>");
	assert_int_equal(selected_group(&s), 14);
	/* the cursor is on the screen whatever its size */
	screen_show(&s, 80, 8);
	screen_expect(&s, "   14 needs-bind");
	screen_press(&s, "<Home>");
	screen_expect(&s, "    0 nothing");
	screen_end(&s);
}

static void searching(void **state _unused_)
{
	struct screen s;

	screen_start(&s, "demo", 100, 30);
	screen_press(&s, "/QEMU-sys");
	assert_int_equal(selected_group(&s), 12); /* any case */
	screen_expect(&s, "search: QEMU-sys_");
	screen_press(&s, "<Backspace><Backspace><Backspace><Backspace><Backspace><Backspace><Backspace><Backspace>nvme<Enter>");
	assert_int_equal(selected_group(&s), 1);
	screen_press(&s, "n");
	assert_int_equal(selected_group(&s), 10);
	screen_press(&s, "nn");
	assert_int_equal(selected_group(&s), 1); /* round */
	screen_press(&s, "/nowhere");
	screen_expect(&s, "search: nowhere_");
	screen_press(&s, "<Enter>n");
	screen_expect(&s, "no row has \"nowhere\"");
	assert_int_equal(selected_group(&s), 1);
	screen_end(&s);
}

static void filtering(void **state _unused_)
{
	struct screen s;

	screen_start(&s, "demo", 100, 30);
	screen_press(&s, "<End>\\nvme<Enter>");
	assert_int_equal(s.ui.views[VIEW_GROUPS].list.order.n, 3);
	screen_expect(&s, "only rows with \"nvme\": 3");
	/* each view has its own */
	screen_press(&s, "3");
	assert_int_equal(s.ui.views[VIEW_DEVICES].list.order.n, 29);
	screen_press(&s, "1<Esc>");
	assert_int_equal(s.ui.views[VIEW_GROUPS].list.order.n, 15);
	screen_press(&s, "\\nothing like it<Enter>");
	screen_expect(&s, "no row has the text of the filter");
	assert_int_equal(ui_selected(&s.ui), SIZE_MAX);
	screen_press(&s, "<Enter><Down><PgDn>s<Esc>");
	assert_int_equal(s.ui.mode, MODE_LIST);
	screen_end(&s);
}

static void sorting(void **state _unused_)
{
	struct screen s;
	int head;

	screen_start(&s, "demo", 140, 30);
	head = s.ui.layout.head_y;
	screen_press(&s, "<Down><Down><Down>");
	/* VERDICT is the second: the cursor stays on its group */
	screen_press(&s, "<F6><Down><Enter>");
	assert_int_equal(selected_group(&s), 3);
	assert_non_null(strstr(screen_line(&s, head), "VERDICT△"));
	assert_non_null(strstr(screen_line(&s, head + 1), "    8 blocked"));
	screen_press(&s, "I");
	assert_non_null(strstr(screen_line(&s, head), "VERDICT▽"));
	assert_non_null(strstr(screen_line(&s, head + 1), "ready"));
	/* unknown ones come last, whichever way it goes: one process is known */
	screen_press(&s, "<F6><Home>");
	screen_press(&s, "<Esc>");
	s.ui.views[VIEW_GROUPS].list.sort = 5;
	s.ui.views[VIEW_GROUPS].list.descending = false;
	s.ui.stale = true;
	screen_show(&s, 140, 30);
	assert_non_null(strstr(screen_line(&s, head + 1), "qemu-system-x86"));
	screen_press(&s, "I");
	assert_non_null(strstr(screen_line(&s, head + 1), "qemu-system-x86"));
	screen_end(&s);
}

static void the_mouse(void **state _unused_)
{
	struct screen s;
	char click[48];

	screen_start(&s, "demo", 100, 30);
	snprintf(click, sizeof(click), "<Click %d 20>", s.ui.layout.rows_y + 5);
	screen_press(&s, click);
	assert_int_equal(selected_group(&s), 5);
	screen_press(&s, click);
	assert_int_equal(s.ui.mode, MODE_PANE);
	screen_expect(&s, "Group 5");
	screen_press(&s, "<Esc>");
	snprintf(click, sizeof(click), "<Click %d %d>", s.ui.layout.tabs_y, s.ui.layout.tab_x[VIEW_UNITS] + 2);
	screen_press(&s, click);
	assert_int_equal(s.ui.view, VIEW_UNITS);
	screen_press(&s, "1");
	snprintf(click, sizeof(click), "<Click %d %d>", s.ui.layout.head_y, s.ui.views[VIEW_GROUPS].list.cols[1].x);
	screen_press(&s, click);
	assert_int_equal(s.ui.views[VIEW_GROUPS].list.sort, 1);
	snprintf(click, sizeof(click), "<Click %d 1>", s.ui.layout.bar_y);
	screen_press(&s, click);
	screen_expect(&s, "Help");
	/* in the details there are other keys below, and the same tabs */
	snprintf(click, sizeof(click), "<Click %d 1>", s.ui.layout.bar_y);
	assert_non_null(strstr(screen_line(&s, s.ui.layout.bar_y), "EscBack"));
	screen_press(&s, click);
	assert_int_equal(s.ui.mode, MODE_LIST);
	screen_press(&s, "?");
	snprintf(click, sizeof(click), "<Click %d %d>", s.ui.layout.tabs_y, s.ui.layout.tab_x[VIEW_DEVICES] + 2);
	screen_press(&s, click);
	assert_int_equal(s.ui.mode, MODE_LIST);
	assert_int_equal(s.ui.view, VIEW_DEVICES);
	/* right of the last key there is none */
	snprintf(click, sizeof(click), "<Click %d %d>", s.ui.layout.bar_y, 99);
	screen_press(&s, click);
	assert_int_equal(s.last, UI_NONE);
	screen_press(&s, "<Click 0 0><Esc><Click 99 99><WheelDown>");
	screen_end(&s);
}

static void details(void **state _unused_)
{
	struct screen s;
	size_t top;

	screen_start(&s, "demo", 90, 30);
	screen_press(&s, "/10<Enter><Home><Down><Enter>");
	assert_int_equal(s.ui.mode, MODE_PANE);
	screen_expect(&s, "$ iommuctl group check 1");
	screen_expect(&s, "group 1: needs-bind: 0000:02:00.0 (nvme) must leave its driver first");
	screen_expect(&s, "iommuctl device bind 0000:02:00.0");
	assert_int_equal(screen_attr(&s, screen_find(&s, "group 1: needs"), "needs-bind"), ATTR_WARN);
	screen_press(&s, "<PgDn>");
	top = s.ui.pane_top;
	assert_true(top > 0);
	screen_press(&s, "<End><End><Home>");
	assert_int_equal(s.ui.pane_top, 0);
	screen_press(&s, "<Esc>3/1e.0<Enter><Enter>");
	screen_expect(&s, "$ iommuctl device show 0000:00:1e.0");
	screen_press(&s, "q4<Enter>");
	screen_expect(&s, "$ iommuctl iommu show dmar0");
	screen_press(&s, "q");
	assert_int_equal(s.last, UI_NONE);
	screen_press(&s, "q");
	assert_int_equal(s.last, UI_QUIT);
	screen_end(&s);
}

static void typed_lines(void **state _unused_)
{
	struct screen s;

	screen_start(&s, "demo", 80, 24);
	screen_press(&s, "d2.5<Enter>");
	assert_int_equal(s.ui.delay_ms, 2500);
	screen_press(&s, "d0<Enter>");
	screen_expect(&s, "is no number of seconds");
	assert_int_equal(s.ui.delay_ms, 2500);
	screen_press(&s, "dx<Enter>d-1<Enter>dnan<Enter>d1e9<Enter>d<Enter>");
	assert_int_equal(s.ui.delay_ms, 2500);
	screen_press(&s, "p");
	assert_true(s.ui.paused);
	screen_press(&s, "s/tmp/x.snap<Enter>");
	assert_int_equal(s.last, UI_SAVE);
	assert_string_equal(s.ui.input, "/tmp/x.snap");
	screen_press(&s, "s<Enter>");
	assert_int_equal(s.last, UI_NONE);
	screen_press(&s, "<Space");
	screen_end(&s);
}

static void machines_with_less(void **state _unused_)
{
	struct screen s;

	screen_start(&s, "noiommu", 80, 24);
	screen_expect(&s, "no IOMMU groups");
	screen_press(&s, "4");
	screen_expect(&s, "iommufd_selftest");
	screen_press(&s, "6");
	assert_non_null(strstr(s.model.empty[VIEW_SESSIONS], "only the kernel's memory tells: not captured"));
	screen_end(&s);
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
	screen_show(&s, 160, 30);
	screen_expect(&s, "e\\x1b[2Jx\\xff");
	screen_expect(&s, "DMA\\x1b");
	for (const char *const *k = (const char *const[]){ "1", "2", "3", "4", "5", "6", "3<End>", NULL }; *k; k++) {
		screen_press(&s, *k);
		for (int i = 0; i < s.cells.w * s.cells.h; i++)
			assert_true(!s.cells.v[i].ch || s.cells.v[i].ch >= 0x20);
	}
	screen_expect(&s, "0000:01:00.1");
	/* the last one has gone between two looks, and somebody presses Enter */
	machine_remove(&m, "sys/bus/pci/devices/0000:01:00.1");
	machine_remove(&m, "sys/kernel/iommu_groups/3/devices/0000:01:00.1");
	s.src = m.src;
	screen_press(&s, "<Enter>");
	screen_expect(&s, "device show");
	screen_press(&s, "<Esc>");
	machine_load(&m);
	assert_int_equal(host_load(&s.ctx, m.src, HOST_ALL, &h), 0);
	model_build(&s.model, h, NULL, -EACCES, NULL);
	screen_show(&s, 160, 30);
	assert_int_equal(screen_find(&s, "0000:01:00.1"), -1);
	assert_true(ui_selected(&s.ui) < s.model.rows[VIEW_DEVICES].n);
	/* nothing is left at all */
	assert_int_equal(source_open_memory(&s.ctx, "x", "", 0, &s.src) < 0, true);
	s.src = NULL;
	screen_end(&s);
	machine_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moving),
		cmocka_unit_test(searching),
		cmocka_unit_test(filtering),
		cmocka_unit_test(sorting),
		cmocka_unit_test(the_mouse),
		cmocka_unit_test(details),
		cmocka_unit_test(typed_lines),
		cmocka_unit_test(machines_with_less),
		cmocka_unit_test(hostile_names_and_vanishing_rows),
	};

	return cmocka_run_group_tests(tests, screen_set_up, NULL);
}
