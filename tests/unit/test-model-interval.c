// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/interval.h"

#define SPACE 512

/* The tree beside a plain array of addresses, which cannot be wrong. */
struct twin {
	struct ranges t;
	struct range v[96];
	size_t n;
	uint8_t used[SPACE];
	uint64_t seed;
};

static uint64_t next(struct twin *w)
{
	w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
	return w->seed >> 33;
}

static int height(const struct range *n)
{
	return n ? n->height_ : 0;
}

static void check_balance(const struct range *n)
{
	int lean;

	if (!n)
		return;
	lean = height(n->kid_[1]) - height(n->kid_[0]);
	assert_in_range(lean + 1, 0, 2);
	check_balance(n->kid_[0]);
	check_balance(n->kid_[1]);
}

static bool clear(const struct twin *w, uint64_t at, uint64_t len)
{
	for (uint64_t i = at; i < at + len; i++)
		if (w->used[i])
			return false;
	return true;
}

static void check_holes(struct twin *w)
{
	uint64_t lo = next(w) % SPACE, hi = lo + next(w) % (SPACE - lo), len = 1 + next(w) % 40, want = SPACE, got = SPACE;

	for (uint64_t at = lo; at <= hi && hi - at >= len - 1 && want == SPACE; at++)
		if (clear(w, at, len))
			want = at;
	assert_int_equal(range_hole(&w->t, lo, hi, len, &got), want != SPACE);
	assert_int_equal(got, want);
}

static void check_first(struct twin *w)
{
	uint64_t start = next(w) % SPACE, last = start + next(w) % (SPACE - start);
	const struct range *got = range_first(&w->t, start, last);
	uint64_t lowest = UINT64_MAX;

	for (size_t i = 0; i < w->n; i++)
		if (w->v[i].start <= last && w->v[i].last >= start && w->v[i].start < lowest)
			lowest = w->v[i].start;
	assert_int_equal(got != NULL, lowest != UINT64_MAX);
	if (got)
		assert_int_equal(got->start, lowest);
}

static void check_order(struct twin *w)
{
	const struct range *r = range_first(&w->t, 0, UINT64_MAX), *prev = NULL;
	size_t n = 0;

	for (; r; prev = r, r = range_next(&w->t, r), n++)
		assert_true(!prev || prev->start <= r->start);
	assert_int_equal(n, w->n);
	assert_int_equal(w->t.n, w->n);
}

static void mark(struct twin *w, const struct range *r, int by)
{
	for (uint64_t i = r->start; i <= r->last; i++)
		w->used[i] += by;
}

static void add_one(struct twin *w)
{
	struct range *r = &w->v[w->n++];

	r->start = next(w) % SPACE;
	r->last = r->start + next(w) % 24;
	if (r->last >= SPACE)
		r->last = SPACE - 1;
	range_insert(&w->t, r);
	mark(w, r, 1);
}

/* The tree holds places in the array, so the last one can move only when it is out. */
static void drop_one(struct twin *w)
{
	size_t at = next(w) % w->n;
	struct range *r = &w->v[at], *last = &w->v[w->n - 1];

	range_remove(&w->t, r);
	mark(w, r, -1);
	if (r != last) {
		range_remove(&w->t, last);
		*r = *last;
		range_insert(&w->t, r);
	}
	w->n--;
}

static void random_ranges(void **state)
{
	struct twin w = { .seed = 7 };

	(void)state;
	for (int i = 0; i < 20000; i++) {
		bool grow = w.n < 4 || (w.n < ARRAY_SIZE(w.v) && next(&w) % 2);

		if (grow)
			add_one(&w);
		else
			drop_one(&w);
		check_first(&w);
		check_holes(&w);
		if (i % 64 == 0) {
			check_order(&w);
			check_balance(w.t.root);
		}
	}
}

static void the_ends_of_the_address_space(void **state)
{
	struct ranges t = { 0 };
	struct range low = { .start = 0, .last = 0xfff }, high = { .start = UINT64_MAX - 0xfff, .last = UINT64_MAX }, all = { 0, UINT64_MAX };
	uint64_t at = 1;

	(void)state;
	assert_true(range_hole(&t, 0, UINT64_MAX, UINT64_MAX, &at));
	assert_int_equal(at, 0);
	range_insert(&t, &low);
	range_insert(&t, &high);
	assert_true(range_hole(&t, 0, UINT64_MAX, UINT64_MAX - 0x1fff, &at));
	assert_int_equal(at, 0x1000);
	assert_false(range_hole(&t, 0, UINT64_MAX, UINT64_MAX - 0x1ffe, &at));
	assert_ptr_equal(range_first(&t, UINT64_MAX, UINT64_MAX), &high);
	range_insert(&t, &all);
	assert_false(range_hole(&t, 0, UINT64_MAX, 1, &at));
	range_remove(&t, &all);
	assert_true(range_hole(&t, 0x2000, 0x2fff, 0x1000, &at));
	assert_int_equal(at, 0x2000);
}

static size_t by_place(size_t i, size_t n, int order)
{
	return order == 0 ? i : order == 1 ? n - 1 - i : i * 7919 % n;
}

/* Every operation goes down one way or two, so that the longest way says what they cost: in an AVL tree 1.44 log2 n, whatever came in which order. */
static void ways_grow_with_the_logarithm(void **state)
{
	const size_t n = 1 << 17;
	struct range *v = calloc(n, sizeof(*v));

	(void)state;
	assert_non_null(v);
	for (int order = 0; order < 3; order++) {
		struct ranges t = { 0 };

		for (size_t i = 0; i < n; i++) {
			size_t at = by_place(i, n, order);

			v[at] = (struct range){ .start = at * 0x2000, .last = at * 0x2000 + 0xfff };
			range_insert(&t, &v[at]);
		}
		assert_in_range(t.root->height_, 17, 24);
		for (size_t i = 0; i < n; i++)
			if (i % 1024)
				range_remove(&t, &v[by_place(i, n, order)]);
		assert_int_equal(t.n, n / 1024);
		assert_in_range(t.root->height_, 7, 10);
		check_balance(t.root);
	}
	free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_ranges),
		cmocka_unit_test(the_ends_of_the_address_space),
		cmocka_unit_test(ways_grow_with_the_logarithm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
