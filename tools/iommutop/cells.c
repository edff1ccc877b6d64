// SPDX-License-Identifier: GPL-2.0-or-later
#include "cells.h"

#include <stdio.h>
#include <string.h>

void cells_clear(struct cells *c)
{
	for (int i = 0; i < c->w * c->h; i++)
		c->v[i] = (struct cell){ .ch = L' ' };
}

void cells_resize(struct cells *c, int w, int h)
{
	w = MIN(MAX(w, 1), 4096);
	h = MIN(MAX(h, 1), 4096);
	if (!c->v || c->w != w || c->h != h) {
		free(c->v);
		c->v = must_calloc((size_t)w * h, sizeof(*c->v));
		c->w = w;
		c->h = h;
		cells_clear(c);
	}
}

void cells_free(struct cells *c)
{
	free(c->v);
	*c = (struct cells){ 0 };
}

struct cell *cells_at(const struct cells *c, int y, int x)
{
	return y < 0 || x < 0 || y >= c->h || x >= c->w ? NULL : &c->v[y * c->w + x];
}

/* The character at @s, and its width; its bytes in @ret_len. Zero width is dropped by the callers. */
static wchar_t next_char(const char *s, size_t n, size_t *ret_len, int *ret_width)
{
	wchar_t ch;

	*ret_len = utf8_len(s, n);
	*ret_width = 1;
	if (*ret_len == 1 && *s >= 0x20 && *s < 0x7f)
		return *s;
	if (!*ret_len || *ret_len == 1) {
		*ret_len = 1;
		return L'?';
	}
	ch = (wchar_t)utf8_code(s, *ret_len);
	*ret_width = wcwidth(ch);
	if (*ret_width < 0 || utf8_dangerous((uint32_t)ch)) {
		*ret_width = 1;
		return L'?';
	}
	return ch;
}

int cells_width(const char *text)
{
	size_t n, len;
	int width = 0, one;

	while (*text >= 0x20 && *text < 0x7f) { /* nearly always all of it */
		text++;
		width++;
	}
	for (n = strlen(text); n; text += len, n -= len) {
		next_char(text, n, &len, &one);
		width += one;
	}
	return width;
}

static void put_char(struct cells *c, int y, int x, wchar_t ch, int width, enum attr attr)
{
	struct cell *at = cells_at(c, y, x);

	if (!at)
		return;
	*at = (struct cell){ .ch = c->utf8 || ch < 0x80 ? ch : L'?', .attr = attr };
	/* half of a wide character at the edge, or one that this terminal cannot show */
	if (width < 2)
		return;
	if (x + 1 >= c->w)
		at->ch = L' ';
	else
		at[1] = (struct cell){ .ch = at->ch == L'?' ? L'?' : 0, .attr = attr };
}

int cells_put(struct cells *c, int y, int x, int w, enum attr attr, const char *text)
{
	struct cell *row;
	size_t n, len;
	int total, room, used = 0, width;

	w = MIN(w, c->w - x);
	if (w <= 0 || y < 0 || y >= c->h || x < 0)
		return 0;
	row = &c->v[y * c->w + x];
	total = cells_width(text);
	room = total > w ? w - 1 : w;
	for (; used < room && *text >= 0x20 && *text < 0x7f; text++)
		row[used++] = (struct cell){ .ch = *text, .attr = attr };
	for (n = used < room ? strlen(text) : 0; n; text += len, n -= len) {
		wchar_t ch = next_char(text, n, &len, &width);

		if (used + width > room)
			break;
		if (!width)
			continue;
		put_char(c, y, x + used, ch, width, attr);
		used += width;
	}
	if (total > w) /* ASCII has no ellipsis */
		put_char(c, y, x + used++, c->utf8 ? L'…' : L'>', 1, attr);
	for (int i = used; i < w; i++)
		row[i] = (struct cell){ .ch = L' ', .attr = attr };
	return used;
}

int cells_put_right(struct cells *c, int y, int x, int w, enum attr attr, const char *text)
{
	int width = cells_width(text), room = MIN(w, c->w - x) - width;

	if (room <= 0)
		return cells_put(c, y, x, w, attr, text);
	cells_put(c, y, x, room, attr, "");
	return cells_put(c, y, x + room, width, attr, text);
}

int cells_printf(struct cells *c, int y, int x, int w, enum attr attr, const char *fmt, ...)
{
	char buf[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	return cells_put(c, y, x, w, attr, buf);
}

void cells_paint(struct cells *c, int y, int x, int w, enum attr attr)
{
	for (int i = 0; i < w; i++) {
		struct cell *at = cells_at(c, y, x + i);

		if (at)
			at->attr = attr;
	}
}

static void add_utf8(struct strbuf *b, uint32_t ch)
{
	if (ch < 0x80) {
		strbuf_putc(b, (char)ch);
	} else if (ch < 0x800) {
		strbuf_putc(b, (char)(0xc0 | ch >> 6));
		strbuf_putc(b, (char)(0x80 | (ch & 0x3f)));
	} else if (ch < 0x10000) {
		strbuf_putc(b, (char)(0xe0 | ch >> 12));
		strbuf_putc(b, (char)(0x80 | (ch >> 6 & 0x3f)));
		strbuf_putc(b, (char)(0x80 | (ch & 0x3f)));
	} else {
		strbuf_putc(b, (char)(0xf0 | ch >> 18));
		strbuf_putc(b, (char)(0x80 | (ch >> 12 & 0x3f)));
		strbuf_putc(b, (char)(0x80 | (ch >> 6 & 0x3f)));
		strbuf_putc(b, (char)(0x80 | (ch & 0x3f)));
	}
}

void cells_line(const struct cells *c, int y, struct strbuf *b)
{
	size_t end = b->len;

	for (int x = 0; x < c->w; x++) {
		wchar_t ch = c->v[y * c->w + x].ch;

		if (ch)
			add_utf8(b, (uint32_t)ch);
		if (ch && ch != L' ')
			end = b->len;
	}
	if (b->s) {
		b->len = end;
		b->s[end] = '\0';
	}
}
