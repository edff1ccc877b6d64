// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tables and trees on libsmartcols. A list inside a record takes one line of the table for each of its
 * elements, so that its columns stay beside each other.
 */
#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <string.h>

#include "out/internal.h"

struct grid {
	VEC(char *) cells; /* line * columns + column; NULL: nothing here */
	size_t cols;
};

struct table {
	struct out *o;
	const struct selection *sel;
	struct libscols_table *scols;
	VEC(struct libscols_line *) rows; /* of a tree: the line of each row */
	struct grid grid;
	int *widths; /* of the columns so far; only kept for a terminal */
	bool tree;
};

static void grid_put(struct grid *g, size_t line, size_t col, const char *text, size_t len)
{
	char *copy;

	while (g->cells.n < (line + 1) * g->cols)
		*vec_push(&g->cells) = NULL;
	copy = strndup(text, len);
	if (!copy)
		abort();
	g->cells.v[line * g->cols + col] = copy;
}

static void grid_clear(struct grid *g)
{
	for (size_t i = 0; i < g->cells.n; i++)
		free(g->cells.v[i]);
	g->cells.n = 0;
}

typedef void (*value_fn)(struct strbuf *b, const struct field *f, const void *record, bool utf8);

static void raw_value(struct strbuf *b, const struct field *f, const void *record, bool utf8 _unused_)
{
	value_raw(b, f, record);
}

struct layout {
	struct grid *grid;
	struct strbuf text;
	value_fn value;
	bool utf8;
};

/* A list with nothing in it still fills its columns. */
static void layout_nothing(struct layout *l, const struct sel *s, size_t line)
{
	struct sel *const *p;

	vec_for_each(p, &s->kids) {
		if (field_is_leaf((*p)->field))
			grid_put(l->grid, line, (*p)->col, "-", 1);
		else
			layout_nothing(l, *p, line);
	}
}

static size_t layout_record(struct layout *l, const struct sel *s, const void *record, size_t line);

static size_t layout_list(struct layout *l, const struct sel *s, const struct rows *rows, size_t line)
{
	size_t used = 0;

	if (!rows->known || !rows->n) {
		layout_nothing(l, s, line);
		return 1;
	}
	for (size_t i = 0; i < rows->n; i++)
		used += layout_record(l, s, (const char *)rows->v + i * s->field->sub->size, line + used);
	return used;
}

/* Fills the grid from @line on; returns how many lines the record takes. */
static size_t layout_record(struct layout *l, const struct sel *s, const void *record, size_t line)
{
	size_t used = 1;
	struct sel *const *p;

	vec_for_each(p, &s->kids) {
		const struct field *f = (*p)->field;
		const void *ptr = field_ptr(f, record), *obj;
		size_t n = 1;

		if (f->type == F_LIST) {
			n = layout_list(l, *p, ptr, line);
		} else if (f->type == F_OBJ) {
			obj = *(const void *const *)ptr;
			if (obj)
				n = layout_record(l, *p, obj, line);
			else
				layout_nothing(l, *p, line);
		} else {
			strbuf_reset(&l->text);
			l->value(&l->text, f, record, l->utf8);
			grid_put(l->grid, line, (*p)->col, strbuf_str(&l->text), l->text.len);
		}
		used = MAX(used, n);
	}
	return used;
}

/* One line a row: the elements of a list joined by commas. */
static void grid_join(struct grid *g)
{
	size_t lines = g->cells.n / g->cols;

	for (size_t c = 0; lines > 1 && c < g->cols; c++) {
		_cleanup_strbuf_ struct strbuf b = { 0 };

		for (size_t i = 0; i < lines; i++) {
			const char *cell = g->cells.v[i * g->cols + c];

			if (!cell)
				continue;
			if (b.len)
				strbuf_putc(&b, ',');
			strbuf_puts(&b, cell);
		}
		free(g->cells.v[c]);
		g->cells.v[c] = strdup(strbuf_str(&b));
	}
	for (size_t i = g->cols; i < g->cells.n; i++)
		free(g->cells.v[i]);
	g->cells.n = MIN(g->cells.n, g->cols);
}

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

static const char *column_head(const struct column *c)
{
	return c->field->head ? c->field->head : c->path;
}

static void scols_free_iter_ptr(struct libscols_iter **it)
{
	scols_free_iter(*it);
}

static int add_columns(struct table *t)
{
	const struct out_options *opt = &t->o->opt;
	const struct column *c;

	vec_for_each(c, &t->sel->cols) {
		bool tree = t->tree && c == t->sel->cols.v;
		/* the width counts the heading even where it is not printed */
		const char *head = opt->noheadings ? "" : column_head(c);
		struct libscols_column *cl =
			scols_table_new_column(t->scols, head, 0, column_flags(c->field, opt->width > 0, tree));

		if (!cl)
			return -ENOMEM;
		if (opt->colour)
			scols_cell_set_color(scols_column_get_header(cl), style_sequence(STYLE_BOLD));
	}
	return 0;
}

int table_new(struct out *o, const struct selection *sel, bool tree, struct table **ret)
{
	_cleanup_(cleanup_table_free) struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->o = o;
	t->sel = sel;
	t->tree = tree;
	t->grid.cols = sel->cols.n;
	t->widths = calloc(sel->cols.n, sizeof(*t->widths));
	t->scols = scols_new_table();
	if (!t->widths || !t->scols || add_columns(t) < 0)
		return -ENOMEM;
	scols_table_set_stream(t->scols, o->f);
	scols_table_enable_noencoding(t->scols, 1); /* it is escaped already */
	scols_table_enable_noheadings(t->scols, o->opt.noheadings);
	scols_table_enable_colors(t->scols, o->opt.colour);
	scols_table_enable_ascii(t->scols, !o->opt.utf8);
	scols_table_set_termforce(t->scols, o->opt.width ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
	if (o->opt.width)
		scols_table_set_termwidth(t->scols, o->opt.width);
	*ret = t;
	t = NULL;
	return 0;
}

static void colour_cell(struct table *t, struct libscols_line *ln, size_t col, const char *text)
{
	if (t->o->opt.colour && (t->sel->cols.v[col].field->flags & FIELD_VERDICT))
		scols_cell_set_color(scols_line_get_cell(ln, col), style_sequence(out_word_style(text)));
}

/* Moves the first line's cells of the grid into a new line of the table. */
static struct libscols_line *take_line(struct table *t, size_t line, struct libscols_line *parent)
{
	struct libscols_line *ln = scols_table_new_line(t->scols, parent);
	char **cells = t->grid.cells.v + line * t->grid.cols;

	if (!ln)
		return NULL;
	for (size_t c = 0; c < t->grid.cols; c++) {
		if (!cells[c])
			continue;
		colour_cell(t, ln, c, cells[c]);
		if (t->o->opt.width)
			t->widths[c] = MAX(t->widths[c], text_width(cells[c]));
		scols_line_refer_data(ln, c, cells[c]);
		cells[c] = NULL;
	}
	return ln;
}

int table_row(struct table *t, const void *record, int parent)
{
	struct layout l = { .grid = &t->grid, .value = value_text, .utf8 = t->o->opt.utf8 };
	struct libscols_line *ln = NULL, *up = NULL;
	size_t lines;

	lines = layout_record(&l, &t->sel->root, record, 0);
	strbuf_free(&l.text);
	if (t->tree) {
		grid_join(&t->grid);
		lines = 1;
		if (parent >= 0 && (size_t)parent < t->rows.n)
			up = t->rows.v[parent];
	}
	for (size_t i = 0; i < lines; i++) {
		ln = take_line(t, i, up);
		if (!ln)
			break;
	}
	if (t->tree)
		*vec_push(&t->rows) = ln;
	grid_clear(&t->grid);
	return ln ? 0 : -ENOMEM;
}

static int print_indented(struct table *t, int indent)
{
	_cleanup_free_ char *text = NULL;
	int r = scols_print_table_to_string(t->scols, &text);

	if (r)
		return r;
	for (char *p = text, *end; p && *p; p = end) {
		end = p + strcspn(p, "\n");
		end += *end == '\n';
		fprintf(t->o->f, "%*s%.*s", indent, "", (int)(end - p), p);
	}
	fputc('\n', t->o->f); /* the string has none at its end */
	return 0;
}

/* A column that can be cut is worth printing from this many characters on. */
#define CUT_MIN 8

/* Whether the table fits when what can be cut or wrapped is. */
static bool fits(const struct table *t, int width)
{
	int need = -1;

	for (size_t c = 0; c < t->grid.cols; c++) {
		const struct field *f = t->sel->cols.v[c].field;
		int head = t->o->opt.noheadings ? 0 : text_width(column_head(&t->sel->cols.v[c]));
		int w = MAX(t->widths[c], head);

		if (f->flags & (FIELD_TRUNC | FIELD_WRAP))
			w = MIN(w, MAX(head, CUT_MIN));
		need += w + 1;
	}
	return need <= width;
}

static bool in_list(const struct column *c)
{
	return strchr(c->path, '.');
}

/* Adds those of a line's cells that are, or are not, of a list. Whether there was one. */
static bool flow_cells(struct table *t, struct libscols_line *ln, bool list)
{
	bool any = false;

	for (size_t c = 0; c < t->grid.cols; c++) {
		const char *data = scols_cell_get_data(scols_line_get_cell(ln, c));
		const struct column *col = &t->sel->cols.v[c];

		if (!data || in_list(col) != list)
			continue;
		if (any)
			line_add(t->o, STYLE_PLAIN, " ");
		line_add(t->o, col->field->flags & FIELD_VERDICT ? out_word_style(data) : STYLE_PLAIN, data);
		any = true;
	}
	return any;
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

/*
 * A terminal that is too narrow for columns: each record flows over as many lines as it needs, each element of
 * its lists on lines of its own.
 */
static void print_flowing(struct table *t, int indent)
{
	_cleanup_(scols_free_iter_ptr) struct libscols_iter *it = scols_new_iter(SCOLS_ITER_FORWARD);
	struct libscols_line *ln;

	if (!it)
		abort();
	if (!t->o->opt.noheadings)
		flow_headings(t, indent);
	while (scols_table_next_line(t->scols, it, &ln) == 0) {
		line_indent(t->o, indent);
		if (flow_cells(t, ln, false))
			line_end(t->o, indent + 4);
		line_drop(t->o);
		line_indent(t->o, indent + 2);
		if (flow_cells(t, ln, true))
			line_end(t->o, indent + 6);
		line_drop(t->o);
	}
}

int table_print(struct table *t, int indent)
{
	int width = t->o->opt.width - indent;

	if (scols_table_is_empty(t->scols))
		return 0;
	if (t->o->opt.width && !t->tree && !fits(t, width)) {
		print_flowing(t, indent);
		return 0;
	}
	if (!indent)
		return scols_print_table(t->scols);
	if (t->o->opt.width)
		scols_table_set_termwidth(t->scols, width);
	return print_indented(t, indent);
}

void table_free(struct table *t)
{
	if (!t)
		return;
	scols_unref_table(t->scols);
	vec_free(&t->rows);
	grid_clear(&t->grid);
	vec_free(&t->grid.cells);
	free(t->widths);
	free(t);
}

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

int raw_row(struct out *o, const struct selection *sel, const void *record)
{
	struct grid g = { .cols = sel->cols.n };
	struct layout l = { .grid = &g, .value = raw_value };

	layout_record(&l, &sel->root, record, 0);
	grid_join(&g);
	for (size_t c = 0; c < g.cols; c++)
		fprintf(o->f, "%s%s", c ? " " : "", g.cells.v[c]);
	fputc('\n', o->f);
	strbuf_free(&l.text);
	grid_clear(&g);
	vec_free(&g.cells);
	return 0;
}
