/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strings: building, parsing, comparing, and making foreign bytes harmless. */
#ifndef IOMMUCTL_BASE_STR_H
#define IOMMUCTL_BASE_STR_H

#include <stdarg.h>
#include <string.h>

#include "base/util.h"

/* A string that grows. Start from {0}; s is NULL while nothing was added. */
struct strbuf {
	char *s;
	size_t len, cap;
};

/* Makes room for @n more bytes, and a NUL. */
void strbuf_grow(struct strbuf *b, size_t n);

/* Append; for want of memory the program ends. */
static inline void strbuf_add(struct strbuf *b, const void *p, size_t n)
{
	if (n >= b->cap - b->len)
		strbuf_grow(b, n);
	if (!b->s)
		__builtin_unreachable(); /* gcc's analyzer does not see that the first growth always comes */
	if (n)
		memcpy(b->s + b->len, p, n);
	b->len += n;
	b->s[b->len] = '\0';
}

static inline void strbuf_puts(struct strbuf *b, const char *s)
{
	strbuf_add(b, s, strlen(s));
}

static inline void strbuf_putc(struct strbuf *b, char c)
{
	strbuf_add(b, &c, 1);
}

/* What %llu and 0x%llx give, at a tenth of the cost: for lines that come by the million. */
void strbuf_put_dec(struct strbuf *b, uint64_t v);
void strbuf_put_hex(struct strbuf *b, uint64_t v);
void strbuf_printf(struct strbuf *b, const char *fmt, ...) _printf_(2, 3);
void strbuf_reset(struct strbuf *b);
void strbuf_free(struct strbuf *b);
/* The string so far, "" when nothing was added; valid until the next change. */
const char *strbuf_str(const struct strbuf *b);

static inline void cleanup_strbuf(struct strbuf *b)
{
	strbuf_free(b);
}
#define _cleanup_strbuf_ _cleanup_(cleanup_strbuf)

/* streq() takes NULL, which equals NULL alone. */
bool streq(const char *a, const char *b);
/* As strcmp(), with NULL before all others. */
int strorder(const char *a, const char *b);
bool strstarts(const char *s, const char *prefix);
bool strends(const char *s, const char *suffix);

/*
 * Whole-string numbers. 0, or -EINVAL (not a number, rubbish behind it) or -ERANGE. No sign, no
 * white space. parse_u64() takes decimal and 0x; parse_hex() hex digits with or without 0x.
 */
int parse_u64(const char *s, uint64_t *ret);
int parse_u32(const char *s, uint32_t *ret);
int parse_hex(const char *s, uint64_t *ret);

/* Order for people: runs of digits compare as numbers, so dmar2 comes before dmar10. */
int str_natural_cmp(const char *a, const char *b);

/* Bytes of the UTF-8 character at @s (1 to 4), or 0 when the bytes are not valid UTF-8. */
size_t utf8_len(const char *s, size_t n);
bool utf8_valid(const char *s, size_t n);

/* The code point of the valid character of @len bytes at @s. */
uint32_t utf8_code(const char *s, size_t len);

/* Code points that move a terminal's cursor or reorder the text around them; none is above U+FFFF. */
bool utf8_dangerous(uint32_t c);

/*
 * Appends @s so that a terminal only ever prints it: control characters, C1 codes, invalid bytes and
 * the bidirectional overrides become \xNN or \u{N}. The one place where text from outside is escaped
 * is the renderer; nobody else calls this on data.
 */
void strbuf_add_escaped(struct strbuf *b, const char *s);

#endif
