// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/ctx.h"
#include "base/str.h"

static void numbers_are_whole_strings(void **state _unused_)
{
	uint64_t v = 7;
	uint32_t w;

	assert_int_equal(parse_u64("42", &v), 0);
	assert_int_equal(v, 42);
	assert_int_equal(parse_u64("0xfee00000", &v), 0);
	assert_int_equal(v, 0xfee00000);
	assert_int_equal(parse_hex("fee", &v), 0);
	assert_int_equal(v, 0xfee);
	assert_int_equal(parse_u64("18446744073709551615", &v), 0);
	assert_true(v == UINT64_MAX);
	v = 7;
	assert_int_equal(parse_u64("18446744073709551616", &v), -ERANGE);
	assert_int_equal(parse_u64("", &v), -EINVAL);
	assert_int_equal(parse_u64("0x", &v), -EINVAL);
	assert_int_equal(parse_u64("-1", &v), -EINVAL);
	assert_int_equal(parse_u64(" 1", &v), -EINVAL);
	assert_int_equal(parse_u64("1 ", &v), -EINVAL);
	assert_int_equal(v, 7); /* untouched on failure */
	assert_int_equal(parse_u32("4294967296", &w), -ERANGE);
}

static void digits_compare_as_numbers(void **state _unused_)
{
	assert_true(str_natural_cmp("dmar2", "dmar10") < 0);
	assert_true(str_natural_cmp("dmar10", "dmar2") > 0);
	assert_true(str_natural_cmp("a", "a") == 0);
	assert_true(str_natural_cmp("a", "ab") < 0);
	assert_true(str_natural_cmp("a01", "a1") != 0);
	assert_true(str_natural_cmp("0000:9:00.0", "0000:0a:00.0") != 0);
}

static void no_text_comes_before_any(void **state _unused_)
{
	assert_true(strorder(NULL, "") < 0);
	assert_true(strorder("", NULL) > 0);
	assert_int_equal(strorder(NULL, NULL), 0);
	assert_true(strorder("a", "b") < 0);
	assert_int_equal(strorder("a", "a"), 0);
}

static void escapes(void **state _unused_)
{
	static const struct {
		const char *in, *out;
	} t[] = {
		{ "plain", "plain" },
		{ "\033[31mred", "\\x1b[31mred" },
		{ "two\nlines", "two\\x0alines" },
		{ "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "bad\xff", "bad\\xff" },
		{ "c1\xc2\x9b", "c1\\u{9b}" },
		{ "rtl\xe2\x80\xae", "rtl\\u{202e}" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
		{ "\xc0\x80", "\\xc0\\x80" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		_cleanup_strbuf_ struct strbuf b = { 0 };

		strbuf_add_escaped(&b, t[i].in);
		assert_string_equal(strbuf_str(&b), t[i].out);
	}
}

static void notes_return_their_errno(void **state _unused_)
{
	struct ctx ctx = { 0 };

	assert_int_equal(ctx_error(&ctx, NOTE(.err = ENOENT, .code = "no-group"), "group %d", 7), -ENOENT);
	assert_int_equal(ctx_error(&ctx, NOTE(.err = -EACCES, .code = "x"), "y"), -EACCES);
	assert_int_equal(ctx_error(&ctx, NOTE(.code = "x", .why = "because"), "y"), -EINVAL);
	assert_int_equal(ctx_warn(&ctx, "unreadable", -EIO, "sys/x", "attribute"), -EIO);
	assert_string_equal(ctx.notes.v[0].what, "group 7");
	assert_string_equal(ctx.notes.v[0].why, "No such file or directory");
	assert_string_equal(ctx.notes.v[2].why, "because");
	assert_int_equal(ctx.notes.v[3].level, NOTE_WARNING);
	for (int i = 0; i < 1000; i++)
		ctx_warn(&ctx, "many", 0, NULL, "warning %d", i);
	assert_int_equal(ctx.notes.n, CTX_MAX_NOTES);
	assert_int_equal(ctx.dropped, 1000 - CTX_MAX_NOTES + 4);
	ctx_free(&ctx);
}

static void arena_keeps_everything(void **state _unused_)
{
	struct arena a = { 0 };
	char *first = arena_strdup(&a, "first"), *big = arena_alloc(&a, 1 << 20);
	char *s[1000];

	for (int i = 0; i < 1000; i++)
		s[i] = arena_printf(&a, "%0*d", i, i);
	memset(big, 0xff, 1 << 20);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(strtol(s[i], NULL, 10), i);
	assert_string_equal(first, "first");
	assert_null(arena_strdup(&a, NULL));
	/* what it keeps is zeroed again */
	arena_reset(&a);
	for (int i = 0; i < 1000; i++) {
		const char *p = arena_alloc(&a, 100);

		for (int k = 0; k < 100; k++)
			assert_int_equal(p[k], 0);
		memset((char *)p, 1, 100);
		if (i % 100 == 50)
			arena_reset(&a);
	}
	arena_reset(&a);
	arena_reset(&a);
	arena_free(&a);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_whole_strings), cmocka_unit_test(digits_compare_as_numbers),
		cmocka_unit_test(escapes),		     cmocka_unit_test(notes_return_their_errno),
		cmocka_unit_test(arena_keeps_everything),     cmocka_unit_test(no_text_comes_before_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
