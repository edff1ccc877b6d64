/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scanning text by hand: slices of a line, and a cursor that moves over one. No allocation, no locale, no
 * NUL needed at the end. Decoders run millions of lines a second through these.
 */
#ifndef IOMMUCTL_TRACE_SCAN_H
#define IOMMUCTL_TRACE_SCAN_H

#include <string.h>

#include "base/util.h"

/* A piece of somebody else's text; p is NULL when there is none. */
struct slice {
	const char *p;
	size_t n;
};

#define SLICE(lit) ((struct slice){ (lit), sizeof(lit) - 1 })
#define SLICE_FMT(s) (int)(s).n, (s).p ? (s).p : ""

/* What is left of a line. */
struct scan {
	const char *p, *end;
};

static inline struct scan scan_of(struct slice s)
{
	const char *p = s.p ?: "";

	return (struct scan){ p, p + s.n };
}

static inline size_t scan_left(const struct scan *s)
{
	return (size_t)(s->end - s->p);
}

static inline bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Not NUL, which is in no set. */
static inline bool is_among(char c, const char *set)
{
	while (*set && *set != c)
		set++;
	return *set;
}

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The value of a hex digit, or -1. */
static inline int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline uint64_t load8(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Most often there is none or one; where columns are padded there are many: eight at a time. */
static inline void scan_blanks(struct scan *s)
{
	for (int i = 0; i < 2; i++, s->p++)
		if (s->p >= s->end || !is_blank(*s->p))
			return;
	while (s->end - s->p >= 8 && load8(s->p) == 0x2020202020202020ULL)
		s->p += 8;
	while (s->p < s->end && is_blank(*s->p))
		s->p++;
}

static inline bool scan_char(struct scan *s, char c)
{
	if (s->p >= s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* Skips @n bytes when they are @lit. */
static inline bool scan_bytes(struct scan *s, const char *lit, size_t n)
{
	if (scan_left(s) < n || memcmp(s->p, lit, n))
		return false;
	s->p += n;
	return true;
}
#define scan_lit(s, lit) scan_bytes((s), (lit), sizeof(lit) - 1)

/* Moves behind the next @lit; false, not moved, when there is none. */
static inline bool scan_past_bytes(struct scan *s, const char *lit, size_t n)
{
	const char *p = scan_left(s) ? memmem(s->p, scan_left(s), lit, n) : NULL;

	if (!p)
		return false;
	s->p = p + n;
	return true;
}
#define scan_past(s, lit) scan_past_bytes((s), (lit), sizeof(lit) - 1)

static inline bool slice_has_bytes(struct slice s, const char *lit, size_t n)
{
	return s.n >= n && memmem(s.p, s.n, lit, n);
}
#define slice_has(s, lit) slice_has_bytes((s), (lit), sizeof(lit) - 1)

static inline bool slice_eq_bytes(struct slice s, const char *lit, size_t n)
{
	return s.n == n && (!n || !memcmp(s.p, lit, n));
}
#define slice_is(s, lit) slice_eq_bytes((s), (lit), sizeof(lit) - 1)

static inline bool slice_starts_bytes(struct slice s, const char *lit, size_t n)
{
	return s.n >= n && (!n || !memcmp(s.p, lit, n));
}
#define slice_starts(s, lit) slice_starts_bytes((s), (lit), sizeof(lit) - 1)

/* Decimal digits. false: none there, or more than 64 bits hold. */
static inline bool scan_dec(struct scan *s, uint64_t *ret)
{
	const char *p = s->p, *safe = s->end - p > 19 ? p + 19 : s->end;
	uint64_t v = 0;

	for (; p < safe && is_digit(*p); p++)
		v = v * 10 + (uint64_t)(*p - '0');
	for (; p < s->end && is_digit(*p); p++) {
		if (v > UINT64_MAX / 10 || v * 10 > UINT64_MAX - (uint64_t)(*p - '0'))
			return false;
		v = v * 10 + (uint64_t)(*p - '0');
	}
	if (p == s->p)
		return false;
	s->p = p;
	*ret = v;
	return true;
}

/* All eight bytes of a word at once. */
#define EACH_BYTE(x) ((x) * 0x0101010101010101ULL)

/* The value of eight hex digits; false when they are not eight. */
static inline bool hex_digits8(const char *p, uint64_t *ret)
{
	uint64_t x = load8(p), t, letter, n;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	x = __builtin_bswap64(x);
#endif
	t = x | EACH_BYTE(0x20);
	letter = t >> 6 & EACH_BYTE(1);
	n = (t & EACH_BYTE(0x0f)) + letter * 9;
	/* 0x3_ or 0x6_ (the case is folded, but not that of 0x1_); below 16, letters from 10, digits below 10 */
	if ((t & EACH_BYTE(0xf0)) != EACH_BYTE(0x30) + letter * 0x30 || ((x >> 5 | letter) & EACH_BYTE(1)) != EACH_BYTE(1) ||
	    (n + EACH_BYTE(6) - letter * 6) & EACH_BYTE(0xf0) || ((n + letter * 6) & EACH_BYTE(0x10)) != letter << 4)
		return false;
	n = (n << 4 | n >> 8) & 0x00ff00ff00ff00ffULL;
	n = (n << 8 | n >> 16) & 0x0000ffff0000ffffULL;
	*ret = (n << 16 | n >> 32) & 0xffffffffULL;
	return true;
}

/* Hex digits, 0x in front or not. false: none there, or more than 16 that count. */
static inline __attribute__((always_inline)) bool scan_hex(struct scan *s, uint64_t *ret)
{
	const char *p = s->p, *first;
	uint64_t v = 0, low;
	int d;

	if (s->end - p > 2 && p[0] == '0' && (p[1] | 0x20) == 'x')
		p += 2;
	first = p;
	if (s->end - p >= 8 && hex_digit(p[7]) >= 0 && hex_digits8(p, &v)) {
		p += 8;
		if (s->end - p >= 8 && hex_digits8(p, &low)) {
			v = v << 32 | low;
			p += 8;
		}
	}
	for (; p < s->end && (d = hex_digit(*p)) >= 0; p++) {
		if (v >> 60)
			return false;
		v = v << 4 | (uint64_t)d;
	}
	if (p == first)
		return false;
	s->p = p;
	*ret = v;
	return true;
}

/* Everything up to @c, which is skipped; false, not moved, when there is no @c. */
static inline bool scan_until(struct scan *s, char c, struct slice *ret)
{
	const char *p = scan_left(s) ? memchr(s->p, c, scan_left(s)) : NULL;

	if (!p)
		return false;
	*ret = (struct slice){ s->p, (size_t)(p - s->p) };
	s->p = p + 1;
	return true;
}

/* A word: up to the next blank or the end. false: at the end. */
static inline bool scan_word(struct scan *s, struct slice *ret)
{
	const char *p;

	scan_blanks(s);
	for (p = s->p; p < s->end && !is_blank(*p); p++)
		;
	if (p == s->p)
		return false;
	*ret = (struct slice){ s->p, (size_t)(p - s->p) };
	s->p = p;
	return true;
}

static inline struct slice slice_trim(struct slice s)
{
	struct scan lead = scan_of(s);

	scan_blanks(&lead);
	s = (struct slice){ lead.p, scan_left(&lead) };
	while (s.n && (is_blank(s.p[s.n - 1]) || s.p[s.n - 1] == '\r' || s.p[s.n - 1] == '\n'))
		s.n--;
	return s;
}

static inline struct slice scan_rest(const struct scan *s)
{
	return (struct slice){ s->p, scan_left(s) };
}

#endif
