/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A screen as data: a grid of characters with attributes. Everything is drawn into it, ncurses only copies it, and tests
 * read it.
 */
#ifndef IOMMUTOP_CELLS_H
#define IOMMUTOP_CELLS_H

#include <wchar.h>

#include "base/str.h"

/* What a piece of text is, not how it looks: screen.c maps it to colours, or to bold and reverse where there are none. */
enum attr {
	ATTR_PLAIN,
	ATTR_GOOD,
	ATTR_WARN,
	ATTR_BAD,
	ATTR_DIM,
	ATTR_BOLD,
	ATTR_GRAPH,
	ATTR_HEAD,     /* headings of a table */
	ATTR_HEAD_SORT, /* the one that it is sorted by */
	ATTR_TAB,
	ATTR_TAB_ON,
	ATTR_CURSOR,   /* the selected row */
	ATTR_KEY,      /* a key in the bar at the bottom */
	ATTR_KEY_TEXT, /* what it does */
	ATTR_MAX
};

struct cell {
	wchar_t ch; /* 0: the right half of the character before it */
	uint8_t attr;
};

struct cells {
	struct cell *v; /* row by row */
	int w, h;
	bool utf8; /* characters beyond ASCII may be put; else they are replaced */
};

/* Blanks when the size is a new one, else what there was. Sizes below 1 become 1. */
void cells_resize(struct cells *c, int w, int h);
void cells_clear(struct cells *c);
void cells_free(struct cells *c);

/* NULL outside of the grid. */
struct cell *cells_at(const struct cells *c, int y, int x);

/*
 * Puts text at (@y, @x) into @w columns and fills the rest with blanks. What does not fit is cut before a whole
 * character, and the cut is marked. Control characters and bytes that are no UTF-8 become "?": foreign text is
 * escaped before. Returns the columns that the text took. Outside of the grid nothing happens.
 */
int cells_put(struct cells *c, int y, int x, int w, enum attr attr, const char *text);

/* The same at the right end of the @w columns. */
int cells_put_right(struct cells *c, int y, int x, int w, enum attr attr, const char *text);

/* Formatted text, cut to @w columns; how many it took. */
int cells_printf(struct cells *c, int y, int x, int w, enum attr attr, const char *fmt, ...) _printf_(6, 7);

/* Changes the attribute of @w cells, text stays. */
void cells_paint(struct cells *c, int y, int x, int w, enum attr attr);

/* Columns that the text takes. */
int cells_width(const char *text);

/* Line @y as UTF-8 without the blanks at its end. */
void cells_line(const struct cells *c, int y, struct strbuf *b);

#endif
