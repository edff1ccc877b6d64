// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "diag/finding.h"

static void unsafe_remedies_come_last(void **state)
{
	struct arena arena = { 0 };
	struct finding f = { .arena = &arena };
	const struct remedy *v;
	const struct reason *r;
	struct rows rows;

	(void)state;
	finding_add(&f, SEVERITY_NOTE, "first");
	finding_add(&f, SEVERITY_PROBLEM, "second")->device = "0000:01:00.0";
	finding_remedy(&f, true, "iommu=off", "turn %s off", "it");
	finding_remedy(&f, false, NULL, "another slot");
	finding_remedy(&f, true, NULL, "ACS override");
	finding_remedy(&f, false, "true", "nothing");

	rows = finding_rows(&f);
	assert_true(rows.known);
	assert_int_equal(rows.n, 2);
	r = rows.v;
	assert_string_equal(r[0].severity, "note");
	assert_true(r[0].remedies.known);
	assert_int_equal(r[0].remedies.n, 0);
	assert_string_equal(r[1].code, "second");
	assert_string_equal(r[1].severity, "problem");
	assert_int_equal(r[1].remedies.n, 4);
	v = r[1].remedies.v;
	assert_string_equal(v[0].text, "another slot");
	assert_null(v[0].command);
	assert_string_equal(v[1].text, "nothing");
	assert_string_equal(v[2].text, "turn it off");
	assert_int_equal(v[2].unsafe, TRI_YES);
	assert_string_equal(v[3].text, "ACS override");
	arena_free(&arena);
}

static void no_reasons_is_an_empty_list(void **state)
{
	struct arena arena = { 0 };
	struct finding f = { .arena = &arena };
	struct rows rows = finding_rows(&f);

	(void)state;
	assert_true(rows.known);
	assert_int_equal(rows.n, 0);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unsafe_remedies_come_last),
		cmocka_unit_test(no_reasons_is_an_empty_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
