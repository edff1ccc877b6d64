// SPDX-License-Identifier: GPL-2.0-or-later
/* What goes over a session's socket: the hello, whose form is kept for ever, and frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "session/protocol.h"

/* A hello as version 0.1.0 sent it, to stop a session. It has to be understood by every later version. */
static const unsigned char old_hello[80] = {
	'I', 'O', 'M', 'M', 'U', 'C', 'T', 'L', 1, 0, 0, 0, 2, 0, 0, 0, '0', '.', '1', '.', '0', '-', 'd', 'e', 'v',
};

static void test_old_hello(void **state)
{
	struct hello h;

	(void)state;
	memcpy(&h, old_hello, sizeof(h));
	assert_true(hello_valid(&h));
	assert_int_equal(h.what, HELLO_STOP);
	assert_string_equal(h.version, "0.1.0-dev");
	assert_false(hello_equal(&h)); /* its operations had another layout */
}

static void test_hello(void **state)
{
	struct hello h;

	(void)state;
	hello_fill(&h, HELLO_CONNECT);
	assert_true(hello_valid(&h) && hello_equal(&h));
	h.layout ^= 1;
	assert_true(hello_valid(&h));
	assert_false(hello_equal(&h));
	hello_fill(&h, HELLO_CONNECT);
	memset(h.version, 'x', sizeof(h.version));
	assert_false(hello_valid(&h));
	hello_fill(&h, HELLO_CONNECT);
	h.magic[0] = 'X';
	assert_false(hello_valid(&h));
	hello_fill(&h, HELLO_CONNECT);
	h.form = 2;
	assert_false(hello_valid(&h));
}

static void test_frames(void **state)
{
	struct frame f = { .op = OP_ioas_alloc, .op_len = sizeof(struct op_ioas_alloc) };

	(void)state;
	assert_true(frame_valid(&f));
	f.data_len = FRAME_MAX_DATA;
	assert_true(frame_valid(&f));
	f.data_len++;
	assert_false(frame_valid(&f));
	f.data_len = 0;
	f.out_cap = UINT32_MAX;
	assert_false(frame_valid(&f));
	f.out_cap = 0;
	f.op_len--;
	assert_false(frame_valid(&f));
	f = (struct frame){ .op = OP_MAX };
	assert_false(frame_valid(&f));
	f = (struct frame){ .flags = FRAME_BYE };
	assert_true(frame_valid(&f));
	f.data_len = 1;
	assert_false(frame_valid(&f));
}

/* No struct has a hole that would send a byte of the stack, and each fits where it is copied to. */
static void test_operations(void **state)
{
	(void)state;
	assert_int_equal(op_size(OP_MAX), 0);
	for (uint32_t i = 0; i < OP_MAX; i++) {
		assert_true(op_size(i) > 0);
		assert_true(op_size(i) <= sizeof(union any_op));
		assert_int_equal(op_size(i) % 4, 0);
	}
}

static size_t read_kept(const char *name, char *buf, size_t size)
{
	const char *src = getenv("IOMMUCTL_SRCDIR");
	char path[512];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/fixtures/old/%s", src ? src : ".", name);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(buf, 1, size, f);
	fclose(f);
	return n;
}

/* tests/fixtures/old/README.md. Every version reads the hello; frames are for equals, but where they end is seen. */
static void test_kept_frames(void **state)
{
	static const struct {
		const char *name;
		size_t len;
	} kept[] = { { "frame-1.request", 240 }, { "frame-1.answer", 255 } };
	_Alignas(struct frame) char buf[512];
	struct hello h;
	struct frame f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		size_t n = read_kept(kept[i].name, buf, sizeof(buf)), at = sizeof(h);
		uint32_t seq = 0;

		assert_int_equal(n, kept[i].len);
		memcpy(&h, buf, sizeof(h));
		assert_true(hello_valid(&h));
		assert_int_equal(h.what, HELLO_CONNECT);
		assert_string_equal(h.version, "0.1.0-dev");
		assert_int_equal(h.layout, 0x46a3544e);
		assert_int_equal(h.flags, i ? HELLO_MODEL : 0);
		assert_int_equal(h.objects, 0);
		for (; at < n; at += sizeof(f) + f.op_len + f.data_len) {
			assert_true(n - at >= sizeof(f));
			memcpy(&f, buf + at, sizeof(f));
			assert_int_equal(f.result, 0);
			if (f.flags == FRAME_BYE)
				break;
			assert_int_equal(f.flags, 0);
			assert_int_equal(f.seq, ++seq);
		}
		assert_int_equal(seq, 2);
		assert_int_equal(at, i ? n : n - sizeof(f)); /* a client says good-bye */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_old_hello),
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_kept_frames),
		cmocka_unit_test(test_operations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
