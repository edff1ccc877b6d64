// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tables and trees, drawn by libsmartcols: it lines up, cuts, wraps, colours and draws branches. What is too wide for it on a
 * narrow terminal flows in lines of our own, a table for a file or a pipe is padded by us, and --raw is one record a line.
 */
#include <ctype.h>
#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <string.h>

#include "out/internal.h"

struct table {
	struct out *o;
	const struct selection *sel;
	struct grid grid;
	VEC(int) parents; /* of a tree, by line */
	bool tree;
};

static const char *column_head(const struct column *c)
{
	return c->field->head ? c->field->head : c->path;
}

struct table *table_new(struct out *o, const struct selection *sel, bool tree)
{
	struct table *t = must_calloc(1, sizeof(*t));

	t->o = o;
	t->sel = sel;
	t->tree = tree;
	t->grid.cols = sel->cols.n;
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	grid_free(&t->grid);
	vec_free(&t->parents);
	free(t);
}

void table_row(struct table *t, const void *record, int parent)
{
	size_t first = grid_add(&t->grid, &t->sel->root, record, value_text, t->o->opt.utf8);

	if (!t->tree)
		return;
	grid_join(&t->grid, first);
	*vec_push(&t->parents) = parent < (int)first ? parent : -1;
}

static enum out_style cell_style(const struct column *c, const char *text)
{
	return c->field->flags & FIELD_VERDICT ? out_word_style(text) : STYLE_PLAIN;
}

/* -- libsmartcols ------------------------------------------------------------------------------- */

static int column_flags(const struct field *f, bool cut, bool tree)
{
	int flags = 0;

	if (f->flags & FIELD_RIGHT)
		flags |= SCOLS_FL_RIGHT;
	if (cut && (f->flags & FIELD_TRUNC))
		flags |= SCOLS_FL_TRUNC;
	if (cut && (f->flags & FIELD_WRAP))
		flags |= SCOLS_FL_WRAP;
	if (tree)
		flags |= SCOLS_FL_TREE;
	return flags;
}

/* A narrow tree has one column, with everything that is known in it. */
static int narrow_column(struct table *t, struct libscols_table *tb)
{
	const char *head = t->o->opt.noheadings ? "" : column_head(&t->sel->cols.v[0]);

	return scols_table_new_column(tb, head, 0, SCOLS_FL_TREE) ? 0 : -ENOMEM;
}

static int narrow_line(struct table *t, struct libscols_line *ln, size_t line)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (size_t c = 0; c < t->grid.cols; c++) {
		const char *text = grid_cell(&t->grid, line, c);

		if (text && !streq(text, "-"))
			strbuf_printf(&b, "%s%s", b.len ? " " : "", text);
	}
	return scols_line_set_data(ln, 0, strbuf_str(&b));
}

static int scols_columns(struct table *t, struct libscols_table *tb)
{
	const struct out_options *opt = &t->o->opt;
	const struct column *c;

	vec_for_each(c, &t->sel->cols) {
		bool tree = t->tree && c == t->sel->cols.v;
		/* the width counts the heading even where it is not printed */
		struct libscols_column *cl =
			scols_table_new_column(tb, opt->noheadings ? "" : column_head(c), 0,
					       column_flags(c->field, opt->width > 0, tree));

		if (!cl)
			return -ENOMEM;
		if (opt->colour)
			scols_cell_set_color(scols_column_get_header(cl), style_sequence(STYLE_BOLD));
	}
	return 0;
}

static int scols_line(struct table *t, struct libscols_line *ln, size_t line)
{
	for (size_t c = 0; c < t->grid.cols; c++) {
		const char *text = grid_cell(&t->grid, line, c);
		enum out_style style = text ? cell_style(&t->sel->cols.v[c], text) : STYLE_PLAIN;

		if (text && scols_line_set_data(ln, c, text) < 0)
			return -ENOMEM;
		if (style != STYLE_PLAIN && t->o->opt.colour)
			scols_cell_set_color(scols_line_get_cell(ln, c), style_sequence(style));
	}
	return 0;
}

static int scols_lines(struct table *t, struct libscols_table *tb, bool narrow)
{
	/* scols_table_get_line() counts from the first line each time */
	struct libscols_line **lines = arena_array(&t->grid.arena, struct libscols_line *, t->grid.lines);

	for (size_t i = 0; i < t->grid.lines; i++) {
		int parent = t->tree ? t->parents.v[i] : -1;

		lines[i] = scols_table_new_line(tb, parent < 0 ? NULL : lines[parent]);
		if (!lines[i] || (narrow ? narrow_line(t, lines[i], i) : scols_line(t, lines[i], i)) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Columns up to the first letter or digit: the branches. */
static int branch_width(const char *s)
{
	int width = 0;

	for (size_t n; *s && !isalnum((unsigned char)*s); s += MAX(n, (size_t)1), width++)
		n = utf8_len(s, strlen(s));
	return width;
}

/* Indented as the table is; a narrow tree's lines are wrapped behind their branches. */
static void write_line(struct table *t, char *line, int indent, bool narrow)
{
	if (!narrow) {
		fprintf(t->o->f, "%*s%s\n", *line ? indent : 0, "", line);
		return;
	}
	line_indent(t->o, indent);
	line_add(t->o, STYLE_PLAIN, line);
	line_end(t->o, MIN(indent + branch_width(line) + 2, t->o->opt.width / 2));
}

static int scols_write(struct table *t, struct libscols_table *tb, int indent, bool narrow)
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line;
	int r;

	if (!indent && !narrow)
		return scols_print_table(tb);
	r = scols_print_table_to_string(tb, &text);
	if (r)
		return r;
	for (rest = text; (line = strsep(&rest, "\n"));)
		write_line(t, line, indent, narrow);
	return 0;
}

static int print_scols(struct table *t, int indent, bool narrow)
{
	struct libscols_table *tb = scols_new_table();
	int width = narrow ? 0 : t->o->opt.width; /* what is narrow is wrapped by us */
	int r;

	if (!tb)
		return -ENOMEM;
	scols_table_set_stream(tb, t->o->f);
	scols_table_enable_noencoding(tb, 1); /* it is escaped already */
	scols_table_enable_noheadings(tb, t->o->opt.noheadings);
	scols_table_enable_colors(tb, t->o->opt.colour);
	scols_table_enable_ascii(tb, !t->o->opt.utf8);
	scols_table_enable_minout(tb, 1); /* no blanks behind a line's last cell */
	scols_table_set_termforce(tb, width ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
	if (width)
		scols_table_set_termwidth(tb, width - indent);
	r = narrow ? narrow_column(t, tb) : scols_columns(t, tb);
	if (r == 0)
		r = scols_lines(t, tb, narrow);
	if (r == 0)
		r = scols_write(t, tb, indent, narrow);
	scols_unref_table(tb);
	return r;
}

/* -- on a terminal that is too narrow for columns ------------------------------------------------ */

/* A column that can be cut is worth printing from this many characters on. */
#define CUT_MIN 8

/* What the branches of a tree add to its first column. */
static int branches(const struct table *t)
{
	int deepest = 0;

	for (size_t i = 0; t->tree && i < t->grid.lines; i++) {
		int depth = 0;

		/* parents stand before their children, so this ends */
		for (int up = t->parents.v[i]; up >= 0; up = t->parents.v[up])
			depth++;
		deepest = MAX(deepest, depth);
	}
	return 2 * deepest;
}

static int head_width(const struct table *t, size_t c)
{
	return t->o->opt.noheadings ? 0 : text_width(column_head(&t->sel->cols.v[c]));
}

static int column_width(const struct table *t, size_t c)
{
	int w = head_width(t, c);

	for (size_t i = 0; i < t->grid.lines; i++) {
		const char *text = grid_cell(&t->grid, i, c);

		if (text)
			w = MAX(w, text_width(text));
	}
	return w;
}

/* What a column needs when it is cut or wrapped, where it can be. */
static int column_need(const struct table *t, size_t c)
{
	int w = column_width(t, c);

	if (t->sel->cols.v[c].field->flags & (FIELD_TRUNC | FIELD_WRAP))
		return MIN(w, MAX(head_width(t, c), CUT_MIN));
	return w;
}

static bool fits(const struct table *t, int width)
{
	int need = branches(t) - 1;

	for (size_t c = 0; c < t->grid.cols; c++)
		need += column_need(t, c) + 1;
	return need <= width;
}

static bool in_list(const struct column *c)
{
	return strchr(c->path, '.');
}

/* Writes those of a line's cells that are, or are not, of a list. */
static void flow_cells(struct table *t, size_t line, bool list, int indent)
{
	bool any = false;

	line_indent(t->o, indent);
	for (size_t c = 0; c < t->grid.cols; c++) {
		const char *text = grid_cell(&t->grid, line, c);
		const struct column *col = &t->sel->cols.v[c];

		if (!text || in_list(col) != list)
			continue;
		line_add(t->o, STYLE_PLAIN, any ? " " : "");
		line_add(t->o, cell_style(col, text), text);
		any = true;
	}
	if (any)
		line_end(t->o, indent + 4);
	else
		line_drop(t->o);
}

static void flow_headings(struct table *t, int indent)
{
	const struct column *c;

	line_indent(t->o, indent);
	vec_for_each(c, &t->sel->cols) {
		line_add(t->o, STYLE_BOLD, column_head(c));
		line_add(t->o, STYLE_PLAIN, " ");
	}
	line_end(t->o, indent + 4);
}

/* Each record flows over as many lines as it needs, each element of its lists on lines of its own. */
static void print_flowing(struct table *t, int indent)
{
	if (!t->o->opt.noheadings)
		flow_headings(t, indent);
	for (size_t i = 0; i < t->grid.lines; i++) {
		flow_cells(t, i, false, indent);
		flow_cells(t, i, true, indent + 2);
	}
}

/* -- not on a terminal --------------------------------------------------------------------------- */

static void put_blanks(FILE *f, int n)
{
	while (n-- > 0)
		putc_unlocked(' ', f);
}

/* Blanks are written when something follows them. */
static void plain_line(struct table *t, const int *widths, const char *const *texts, int indent)
{
	int due = indent;

	for (size_t c = 0; c < t->grid.cols; c++) {
		const char *text = texts[c] ? texts[c] : "";
		int rest = widths[c] - text_width(text);
		bool right = t->sel->cols.v[c].field->flags & FIELD_RIGHT;

		if (*text) {
			put_blanks(t->o->f, due + (right ? rest : 0));
			fputs(text, t->o->f);
			due = right ? 0 : rest;
		} else {
			due += rest;
		}
		due++; /* between columns */
	}
	putc_unlocked('\n', t->o->f);
}

static void plain_headings(struct table *t, const int *widths, int indent)
{
	const char **heads = arena_array(&t->grid.arena, const char *, t->grid.cols);

	for (size_t c = 0; c < t->grid.cols; c++)
		heads[c] = column_head(&t->sel->cols.v[c]);
	plain_line(t, widths, heads, indent);
}

/*
 * Where nothing is cut, wrapped, coloured or drawn, what is left of a table is blanks. libsmartcols, which measures each
 * text character by character several times, takes 25 times the instructions for them: a fifth of the time of a large list.
 */
static void print_plain(struct table *t, int indent)
{
	int *widths = arena_array(&t->grid.arena, int, t->grid.cols);

	for (size_t c = 0; c < t->grid.cols; c++)
		widths[c] = column_width(t, c);
	if (!t->o->opt.noheadings)
		plain_headings(t, widths, indent);
	for (size_t i = 0; i < t->grid.lines; i++)
		plain_line(t, widths, &t->grid.cells.v[i * t->grid.cols], indent);
}

int table_print(struct table *t, int indent)
{
	int width = t->o->opt.width;
	bool narrow = width && !fits(t, width - indent);

	if (!t->grid.lines)
		return 0;
	if (!t->tree && narrow)
		print_flowing(t, indent);
	else if (!t->tree && !width && !t->o->opt.colour)
		print_plain(t, indent);
	else
		return print_scols(t, indent, narrow);
	return 0;
}

/* -- --raw: one record a line, written at once -------------------------------------------------- */

void raw_headings(struct out *o, const struct selection *sel)
{
	const struct column *c;

	vec_for_each(c, &sel->cols) {
		fputs(c == sel->cols.v ? "" : " ", o->f);
		for (const char *p = column_head(c); *p; p++)
			fputc(*p == ' ' ? '_' : *p, o->f);
	}
	fputc('\n', o->f);
}

/* Rows that are kept before their memory is taken back: it comes in blocks. */
#define RAW_KEEP 256

static void raw_value(struct strbuf *b, const struct field *f, const void *record, bool utf8 _unused_)
{
	value_raw(b, f, record);
}

void raw_row(struct out *o, const struct selection *sel, const void *record)
{
	struct grid *g = &o->raw_grid;
	size_t first;

	g->cols = sel->cols.n;
	first = grid_add(g, &sel->root, record, raw_value, true);
	grid_join(g, first);
	for (size_t c = 0; c < g->cols; c++) {
		if (c)
			fputc(' ', o->f);
		fputs(grid_cell(g, first, c), o->f);
	}
	fputc('\n', o->f);
	if (g->lines >= RAW_KEEP)
		grid_clear(g);
}
