// SPDX-License-Identifier: GPL-2.0-or-later
#include "svg.h"

/* Of one cell, in units of the picture. */
#define CELL_W 8
#define CELL_H 17
#define MARGIN 10

static const struct {
	const char *fg, *bg;
	bool bold;
} looks[ATTR_MAX] = {
	[ATTR_PLAIN] = { "#d4d4d4", NULL, false },	   [ATTR_GOOD] = { "#4ec94e", NULL, false },
	[ATTR_WARN] = { "#d7ba3d", NULL, false },	   [ATTR_BAD] = { "#f14c4c", NULL, true },
	[ATTR_DIM] = { "#8a8a8a", NULL, false },	   [ATTR_BOLD] = { "#ffffff", NULL, true },
	[ATTR_GRAPH] = { "#29b8db", NULL, false },	   [ATTR_HEAD] = { "#101010", "#2fa34f", false },
	[ATTR_HEAD_SORT] = { "#101010", "#29b8db", false }, [ATTR_TAB] = { "#8a8a8a", NULL, false },
	[ATTR_TAB_ON] = { "#4ec94e", NULL, true },	   [ATTR_CURSOR] = { "#101010", "#29b8db", false },
	[ATTR_KEY] = { "#d4d4d4", NULL, false },	   [ATTR_KEY_TEXT] = { "#101010", "#29b8db", false },
};

/* Cells from @x on that look alike. */
static int run_length(const struct cells *c, int y, int x)
{
	int n = 1;

	while (x + n < c->w && cells_at(c, y, x + n)->attr == cells_at(c, y, x)->attr)
		n++;
	return n;
}

static void put_text(const struct cells *c, int y, int x, int n, FILE *f)
{
	_cleanup_strbuf_ struct strbuf line = { 0 };
	struct cells piece = { .v = cells_at(c, y, x), .w = n, .h = 1, .utf8 = true };
	const char *p;

	cells_line(&piece, 0, &line);
	p = strbuf_str(&line);
	if (!*p)
		return;
	fprintf(f, "<text x=\"%d\" y=\"%d\" textLength=\"%d\" fill=\"%s\"%s>", MARGIN + x * CELL_W, MARGIN + y * CELL_H + 13,
		cells_width(p) * CELL_W, looks[cells_at(c, y, x)->attr].fg, looks[cells_at(c, y, x)->attr].bold ? " font-weight=\"bold\"" : "");
	for (; *p; p++) {
		if (*p == '<')
			fputs("&lt;", f);
		else if (*p == '&')
			fputs("&amp;", f);
		else
			fputc(*p, f);
	}
	fputs("</text>\n", f);
}

void svg_write(const struct cells *c, const char *title, FILE *f)
{
	int w = c->w * CELL_W + 2 * MARGIN, h = c->h * CELL_H + 2 * MARGIN;

	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" xml:space=\"preserve\"", w, h,
		w, h);
	fprintf(f, " font-family=\"DejaVu Sans Mono, Liberation Mono, Menlo, Consolas, monospace\" font-size=\"13px\">\n<title>%s</title>\n", title);
	fprintf(f, "<rect width=\"%d\" height=\"%d\" rx=\"6\" fill=\"#1b1b1b\"/>\n", w, h);
	for (int y = 0; y < c->h; y++)
		for (int x = 0, n; x < c->w; x += n) {
			const char *bg = looks[cells_at(c, y, x)->attr].bg;

			n = run_length(c, y, x);
			if (bg)
				fprintf(f, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"/>\n", MARGIN + x * CELL_W,
					MARGIN + y * CELL_H, n * CELL_W, CELL_H, bg);
			put_text(c, y, x, n, f);
		}
	fputs("</svg>\n", f);
}
