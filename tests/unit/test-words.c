// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines of a batch taken apart, and numbers with units. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "cmd/interp.h"
#include "cmd/object/objects.h"
#include "cmd/words.h"

static const char *value(void *arg, const char *name)
{
	(void)arg;
	if (streq(name, "A"))
		return "one two";
	return streq(name, "EMPTY") ? "" : NULL;
}

/* Words joined by |, or "!COLUMN". */
static char *split(struct arena *a, const char *line)
{
	struct words w;
	struct strbuf b = { 0 };
	char *text;

	if (words_split(a, line, strlen(line), value, NULL, &w) < 0) {
		assert_non_null(w.why);
		return arena_printf(a, "!%zu", w.at);
	}
	assert_null(w.v[w.n]);
	for (int i = 0; i < w.n; i++)
		strbuf_printf(&b, "%s%s", i ? "|" : "", w.v[i]);
	text = arena_strdup(a, strbuf_str(&b));
	strbuf_free(&b);
	return text;
}

static void test_words(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "  \t ", "" },
		{ "ioas alloc", "ioas|alloc" },
		{ " a  b\tc ", "a|b|c" },
		{ "a # b c", "a" },
		{ "# all", "" },
		{ "a#b", "a#b" },
		{ "a '#' b", "a|#|b" },
		{ "'a b' c", "a b|c" },
		{ "'a'b\"c\"", "abc" },
		{ "'' \"\"", "|" },
		{ "a\\ b", "a b" },
		{ "a\\#b \\'", "a#b|'" },
		{ "\"a\\\"b\\$c\\\\d\\e\"", "a\"b$c\\d\\e" },
		{ "'$A \\'", "$A \\" },
		{ "$A", "one two" },
		{ "x${A}y \"$A\"", "xone twoy|one two" },
		{ "$EMPTY", "" },
		{ "a$EMPTY b", "a|b" },
		{ "$ $5", "$|$5" },
		{ "\"$\"", "$" },
		{ "'a;b' \"c|d\" e\\;f", "a;b|c|d|e;f" },
		{ "a\r", "a" },
		{ "'a", "!1" },
		{ "x \"a", "!3" },
		{ "a $NO", "!3" },
		{ "${A", "!1" },
		{ "${}", "!1" },
		{ "\"${\"", "!2" },
		{ "a; b", "!2" },
		{ "a | b", "!3" },
		{ "$(ioas alloc)", "!1" },
		{ "`id`", "!1" },
		{ "a>b", "!2" },
		{ "a\\", "!2" },
	};
	struct arena a = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(split(&a, cases[i][0]), cases[i][1]);
	arena_free(&a);
}

static void test_nul(void **state)
{
	struct arena a = { 0 };
	struct words w;

	(void)state;
	assert_int_equal(words_split(&a, "a\0b", 3, value, NULL, &w), -EINVAL);
	assert_int_equal(w.at, 2);
	arena_free(&a);
}

static void test_size(void **state)
{
	static const struct {
		const char *s;
		int r;
		uint64_t v;
	} cases[] = {
		{ "0", 0, 0 },		       { "4096", 0, 4096 },
		{ "0x1000", 0, 4096 },	       { "4K", 0, 4096 },
		{ "0x10K", 0, 16384 },	       { "3M", 0, 3 << 20 },
		{ "2G", 0, 2ULL << 30 },	       { "1T", 0, 1ULL << 40 },
		{ "18446744073709551615", 0, UINT64_MAX }, { "18446744073709551616", -ERANGE, 0 },
		{ "16777215T", 0, 16777215ULL << 40 }, { "16777216T", -ERANGE, 0 },
		{ "", -EINVAL, 0 },	       { "K", -EINVAL, 0 },
		{ "4k", 0, 4096 },	       { "3m", 0, 3 << 20 },
		{ "2g", 0, 2ULL << 30 },       { "1t", 0, 1ULL << 40 },
		{ "k", -EINVAL, 0 },	       { "1KK", -EINVAL, 0 },
		{ "1kk", -EINVAL, 0 },	       { "1e", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },	       { " 1", -EINVAL, 0 },
		{ "1.5G", -EINVAL, 0 },	       { "0x", -EINVAL, 0 },
		{ "1000000000000000000000000000000000000000", -EINVAL, 0 },
	};
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		v = 77;
		assert_int_equal(parse_size(cases[i].s, &v), cases[i].r);
		assert_true(v == (cases[i].r ? 77 : cases[i].v));
	}
}

static void test_errno_names(void **state)
{
	(void)state;
	assert_int_equal(errno_from_name("EBUSY"), EBUSY);
	assert_int_equal(errno_from_name("EOPNOTSUPP"), EOPNOTSUPP);
	assert_int_equal(errno_from_name("ENOTSUP"), EOPNOTSUPP);
	assert_int_equal(errno_from_name("EDEADLOCK"), EDEADLK);
	assert_int_equal(errno_from_name("ebusy"), -EINVAL);
	assert_int_equal(errno_from_name(""), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_errno_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
