// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

void strbuf_grow(struct strbuf *b, size_t n)
{
	size_t want = b->cap ? b->cap : 64;

	if (n >= SIZE_MAX / 2 - b->len)
		out_of_memory();
	while (want < b->len + n + 1)
		want *= 2;
	b->s = must_realloc(b->s, want, 1);
	b->cap = want;
}

void strbuf_put_dec(struct strbuf *b, uint64_t v)
{
	char text[20];
	size_t at = sizeof(text);

	do
		text[--at] = (char)('0' + v % 10);
	while (v /= 10);
	strbuf_add(b, text + at, sizeof(text) - at);
}

void strbuf_put_hex(struct strbuf *b, uint64_t v)
{
	char text[18];
	size_t at = sizeof(text);

	do
		text[--at] = "0123456789abcdef"[v & 15];
	while (v >>= 4);
	text[--at] = 'x';
	text[--at] = '0';
	strbuf_add(b, text + at, sizeof(text) - at);
}

void strbuf_printf(struct strbuf *b, const char *fmt, ...)
{
	size_t room;
	va_list ap;
	int n;

	if (!b->cap)
		strbuf_grow(b, 0);
	room = b->cap - b->len;
	va_start(ap, fmt);
	n = vsnprintf(b->s + b->len, room, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->s[b->len] = '\0';
		return;
	}
	if ((size_t)n >= room) { /* measured by that */
		strbuf_grow(b, n);
		va_start(ap, fmt);
		vsnprintf(b->s + b->len, n + 1, fmt, ap);
		va_end(ap);
	}
	b->len += n;
}

void strbuf_reset(struct strbuf *b)
{
	b->len = 0;
	if (b->s)
		b->s[0] = '\0';
}

void strbuf_free(struct strbuf *b)
{
	free(b->s);
	*b = (struct strbuf){ 0 };
}

const char *strbuf_str(const struct strbuf *b)
{
	return b->s ? b->s : "";
}

int strorder(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

bool streq(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return *a == *b && strcmp(a, b) == 0;
}

bool strstarts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool strends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

static int parse_base(const char *s, int base, uint64_t *ret)
{
	uint64_t v = 0;

	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		int d = isdigit((unsigned char)*s) ? *s - '0' :
			isxdigit((unsigned char)*s) ? tolower((unsigned char)*s) - 'a' + 10 : 99;

		if (d >= base)
			return -EINVAL;
		if (v > (UINT64_MAX - d) / base)
			return -ERANGE;
		v = v * base + d;
	}
	*ret = v;
	return 0;
}

static bool has_0x(const char *s)
{
	return s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
}

int parse_u64(const char *s, uint64_t *ret)
{
	return has_0x(s) ? parse_base(s + 2, 16, ret) : parse_base(s, 10, ret);
}

int parse_u32(const char *s, uint32_t *ret)
{
	uint64_t v;
	int r = parse_u64(s, &v);

	if (r < 0)
		return r;
	if (v > UINT32_MAX)
		return -ERANGE;
	*ret = v;
	return 0;
}

int parse_hex(const char *s, uint64_t *ret)
{
	return parse_base(has_0x(s) ? s + 2 : s, 16, ret);
}

static size_t digits(const char *s)
{
	return strspn(s, "0123456789");
}

int str_natural_cmp(const char *a, const char *b)
{
	const char *start_a = a, *start_b = b;

	while (*a && *b) {
		if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
			size_t n, m;
			int r;

			a += strspn(a, "0");
			b += strspn(b, "0");
			n = digits(a);
			m = digits(b);
			if (n != m)
				return n < m ? -1 : 1;
			r = memcmp(a, b, n);
			if (r)
				return r;
			a += n;
			b += m;
			continue;
		}
		if (*a != *b)
			break;
		a++;
		b++;
	}
	if (*a == *b) /* both at their end: 01 and 1 still need an order */
		return strcmp(start_a, start_b);
	return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

size_t utf8_len(const char *p, size_t n)
{
	const unsigned char *s = (const unsigned char *)p;
	uint32_t c;
	size_t len;

	if (!n)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (n < len)
		return 0;
	c = s[0] & (0xff >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	/* over-long forms, surrogates, beyond Unicode */
	if ((len == 3 && c < 0x800) || (len == 4 && c < 0x10000) || c > 0x10ffff ||
	    (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return len;
}

bool utf8_valid(const char *s, size_t n)
{
	while (n) {
		size_t len = utf8_len(s, n);

		if (!len)
			return false;
		s += len;
		n -= len;
	}
	return true;
}

uint32_t utf8_code(const char *s, size_t len)
{
	uint32_t c = (unsigned char)s[0];

	if (len == 1)
		return c;
	c &= 0xff >> (len + 1);
	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	return c;
}

bool utf8_dangerous(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/* Bytes at @s that everybody may see as they are, which most of them are. */
static size_t plain_len(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && s[i] >= 0x20 && s[i] < 0x7f)
		i++;
	return i;
}

void strbuf_add_escaped(struct strbuf *b, const char *s)
{
	size_t n = strlen(s);

	while (n) {
		size_t len = plain_len(s, n);
		uint32_t c;

		if (len) {
			strbuf_add(b, s, len);
			s += len;
			n -= len;
			continue;
		}
		len = utf8_len(s, n);
		if (!len) {
			strbuf_printf(b, "\\x%02x", (unsigned char)*s);
			s++;
			n--;
			continue;
		}
		c = utf8_code(s, len);
		if (!utf8_dangerous(c))
			strbuf_add(b, s, len);
		else if (c < 0x80)
			strbuf_printf(b, "\\x%02x", c);
		else
			strbuf_printf(b, "\\u{%x}", c);
		s += len;
		n -= len;
	}
}
