// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Records as cells. A list inside a record takes one line for each of its elements, so that its columns
 * stay beside each other.
 */
#include <string.h>

#include "out/internal.h"

void grid_free(struct grid *g)
{
	vec_free(&g->cells);
	arena_free(&g->arena);
}

void grid_clear(struct grid *g)
{
	g->cells.n = 0;
	g->lines = 0;
	arena_free(&g->arena);
}

static void grid_put(struct grid *g, size_t line, size_t col, const char *text, size_t len)
{
	while (g->lines <= line) {
		for (size_t c = 0; c < g->cols; c++)
			*vec_push(&g->cells) = NULL;
		g->lines++;
	}
	g->cells.v[line * g->cols + col] = arena_memdup(&g->arena, text, len);
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

size_t grid_add(struct grid *g, const struct sel *s, const void *record, value_fn value, bool utf8)
{
	struct layout l = { .grid = g, .value = value, .utf8 = utf8 };
	size_t first = g->lines;

	layout_record(&l, s, record, first);
	strbuf_free(&l.text);
	return first;
}

void grid_join(struct grid *g, size_t first)
{
	for (size_t c = 0; g->lines > first + 1 && c < g->cols; c++) {
		_cleanup_strbuf_ struct strbuf b = { 0 };

		for (size_t i = first; i < g->lines; i++) {
			const char *cell = grid_cell(g, i, c);

			if (!cell)
				continue;
			if (b.len)
				strbuf_putc(&b, ',');
			strbuf_puts(&b, cell);
		}
		g->cells.v[first * g->cols + c] = arena_strdup(&g->arena, strbuf_str(&b));
	}
	g->lines = first + 1;
	g->cells.n = g->lines * g->cols;
}
