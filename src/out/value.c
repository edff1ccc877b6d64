// SPDX-License-Identifier: GPL-2.0-or-later
/* One field's value as text. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "out/internal.h"

bool value_null(const struct field *f, const void *record)
{
	const void *p = field_ptr(f, record);

	switch (f->type) {
	case F_STR:
		return !*(const char *const *)p;
	case F_INT:
	case F_HEX:
		return !((const struct num *)p)->known;
	case F_BOOL:
		return *(const int *)p < 0;
	case F_STRS:
		return !((const struct strs *)p)->known;
	case F_LIST:
		return !((const struct rows *)p)->known;
	case F_OBJ:
		return !*(const void *const *)p;
	}
	return true;
}

static bool plain_ascii(const char *s)
{
	for (; *s; s++)
		if (*s < 0x20 || *s >= 0x7f)
			return false;
	return true;
}

void add_safe(struct strbuf *b, const char *s, bool utf8)
{
	size_t start = b->len, n;
	_cleanup_free_ char *text = NULL;

	if (plain_ascii(s)) {
		strbuf_puts(b, s);
		return;
	}
	strbuf_add_escaped(b, s);
	if (utf8)
		return;
	/* what is left beyond ASCII is valid UTF-8 */
	text = must_strdup(b->s + start);
	b->len = start;
	for (const char *p = text; *p; p += n) {
		n = utf8_len(p, strlen(p));
		if (n == 1)
			strbuf_putc(b, *p);
		else
			strbuf_printf(b, "\\u{%x}", utf8_code(p, n));
	}
}

static void add_number(struct strbuf *b, const struct field *f, const void *p)
{
	const struct num *n = p;
	char buf[32];
	int len = snprintf(buf, sizeof(buf), f->type == F_HEX ? "0x%" PRIx64 : "%" PRId64, n->v);

	strbuf_add(b, buf, len);
}

void value_text(struct strbuf *b, const struct field *f, const void *record, bool utf8)
{
	value_joined(b, f, record, utf8, ",");
}

void value_joined(struct strbuf *b, const struct field *f, const void *record, bool utf8, const char *sep)
{
	const void *p = field_ptr(f, record);
	const struct strs *l = p;

	if (f->type == F_BOOL) {
		int v = *(const int *)p;

		strbuf_puts(b, v < 0 ? "?" : v ? "yes" : "no");
		return;
	}
	if (value_null(f, record)) {
		strbuf_putc(b, '-');
		return;
	}
	if (f->type == F_STR) {
		add_safe(b, *(const char *const *)p, utf8);
	} else if (f->type == F_STRS) {
		for (size_t i = 0; i < l->n; i++) {
			if (i)
				strbuf_puts(b, sep);
			add_safe(b, l->v[i], utf8);
		}
		if (!l->n)
			strbuf_putc(b, '-');
	} else {
		add_number(b, f, p);
	}
}

void out_value(struct strbuf *b, const struct field *f, const void *record, bool utf8)
{
	value_text(b, f, record, utf8);
}

/* A value must never look like "nothing", two values, or an escape that is not one. */
static void add_raw(struct strbuf *b, const char *s)
{
	_cleanup_strbuf_ struct strbuf safe = { 0 };
	size_t n = strlen(s), len;

	if (!n)
		strbuf_putc(b, '-');
	else if (streq(s, "-"))
		strbuf_puts(b, "\\x2d");
	else
		for (; n; s += len, n -= len) {
			char one[8] = { 0 };

			len = MAX(utf8_len(s, n), (size_t)1);
			if (strchr(" ,\\", *s)) {
				strbuf_printf(b, "\\x%02x", (unsigned char)*s);
				continue;
			}
			if (*s > 0x20 && *s < 0x7f) {
				strbuf_putc(b, *s);
				continue;
			}
			memcpy(one, s, len);
			strbuf_reset(&safe);
			strbuf_add_escaped(&safe, one);
			strbuf_add(b, safe.s, safe.len);
		}
}

void value_raw(struct strbuf *b, const struct field *f, const void *record)
{
	const void *p = field_ptr(f, record);
	const struct strs *l = p;

	if (f->type == F_STR && !value_null(f, record)) {
		add_raw(b, *(const char *const *)p);
	} else if (f->type == F_STRS && l->known && l->n) {
		for (size_t i = 0; i < l->n; i++) {
			if (i)
				strbuf_putc(b, ',');
			add_raw(b, l->v[i]);
		}
	} else {
		value_text(b, f, record, true);
	}
}
