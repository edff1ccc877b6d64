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

static inline void scan_blanks(struct scan *s)
{
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
	const char *p = s->p;
	uint64_t v = 0;

	for (; p < s->end && is_digit(*p); p++) {
		if (p - s->p >= 19 && (v > UINT64_MAX / 10 || v * 10 > UINT64_MAX - (uint64_t)(*p - '0')))
			return false;
		v = v * 10 + (uint64_t)(*p - '0');
	}
	if (p == s->p)
		return false;
	s->p = p;
	*ret = v;
	return true;
}

/* Hex digits, 0x in front or not. false: none there, or more than 16 that count. */
static inline bool scan_hex(struct scan *s, uint64_t *ret)
{
	const char *p = s->p, *first;
	uint64_t v = 0;
	int d;

	if (s->end - p > 2 && p[0] == '0' && (p[1] | 0x20) == 'x')
		p += 2;
	for (first = p; p < s->end && (d = hex_digit(*p)) >= 0; p++) {
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
	while (s.n && is_blank(*s.p))
		s.p++, s.n--;
	while (s.n && (is_blank(s.p[s.n - 1]) || s.p[s.n - 1] == '\r' || s.p[s.n - 1] == '\n'))
		s.n--;
	return s;
}

static inline struct slice scan_rest(const struct scan *s)
{
	return (struct slice){ s->p, scan_left(s) };
}

#endif
