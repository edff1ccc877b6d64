// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "host/names.h"

/* Whatever databases this machine has: the same id gives the same string, kept once. */
static void asked_twice_answered_once(void **state)
{
	struct host h = { 0 };
	struct device a = { .name = "0000:00:02.0", .has_ids = true, .has_class = true, .vendor = 0x8086, .device = 0x10d3,
			    .class = 0x020000 };
	struct device b = a;

	(void)state;
	b.name = "0000:00:03.0";
	assert_ptr_equal(device_title(&h, &a), device_title(&h, &b));
	assert_ptr_equal(device_class_title(&h, &a), device_class_title(&h, &b));
	if (device_title(&h, &a)) {
		assert_non_null(strstr(device_title(&h, &a), "Intel"));
		assert_non_null(strstr(device_title(&h, &a), "82574L"));
		assert_string_equal(device_class_title(&h, &a), "Ethernet controller");
	}
	arena_free(&h.arena);
}

/* Many ids: the table grows and keeps what it had. */
static void many_ids(void **state)
{
	struct host h = { 0 };
	const char *first[3000];

	(void)state;
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 3000; i++) {
			struct device d = { .has_ids = true, .has_class = true, .vendor = 0x8086, .device = i };
			const char *t = device_title(&h, &d);

			if (round)
				assert_ptr_equal(t, first[i]);
			first[i] = t;
		}
	arena_free(&h.arena);
}

static void without_ids_no_name(void **state)
{
	struct host h = { 0 };
	struct device d = { .name = "dprc.1", .bus = "fsl-mc" };
	struct device nobody = { .has_ids = true, .has_class = true, .vendor = 0xfff0, .device = 0xfff0 };

	(void)state;
	assert_null(device_title(&h, &d));
	assert_null(device_class_title(&h, &d));
	assert_null(device_title(&h, &nobody));
	arena_free(&h.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asked_twice_answered_once),
		cmocka_unit_test(many_ids),
		cmocka_unit_test(without_ids_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
