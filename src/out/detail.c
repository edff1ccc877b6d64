// SPDX-License-Identifier: GPL-2.0-or-later
/* The detail view: NAME: value, one a line; lists as tables below. */
#include <stdio.h>
#include <string.h>

#include "out/internal.h"

/* A field's name for people: "reset_methods" is "reset methods". */
static void add_label(struct strbuf *b, const struct field *f)
{
	for (const char *p = f->name; *p; p++)
		strbuf_putc(b, *p == '_' ? ' ' : *p);
	strbuf_putc(b, ':');
}

static size_t label_width(const struct sel *s)
{
	size_t width = 0;
	struct sel *const *p;

	vec_for_each(p, &s->kids)
		if ((*p)->field->type != F_LIST)
			width = MAX(width, strlen((*p)->field->name) + 1);
	return width;
}

static void start_line(struct out *o, const struct field *f, int indent, size_t width)
{
	_cleanup_strbuf_ struct strbuf label = { 0 };

	add_label(&label, f);
	while (label.len < width + 1)
		strbuf_putc(&label, ' ');
	line_indent(o, indent);
	line_add(o, STYLE_BOLD, label.s);
}

static void print_leaf(struct out *o, const struct field *f, const void *record, int indent, size_t width)
{
	_cleanup_strbuf_ struct strbuf text = { 0 };

	start_line(o, f, indent, width);
	value_joined(&text, f, record, o->opt.utf8, ", ");
	line_add(o, f->flags & FIELD_VERDICT ? out_word_style(text.s) : STYLE_PLAIN, strbuf_str(&text));
	if (f->unit && !value_null(f, record)) {
		line_add(o, STYLE_PLAIN, " ");
		line_add(o, STYLE_PLAIN, f->unit);
	}
	line_end(o, MIN(indent + (int)width + 1, o->opt.width / 2));
}

static int print_object(struct out *o, const struct sel *s, const void *record, int indent, size_t width)
{
	const void *obj = *(const void *const *)field_ptr(s->field, record);

	start_line(o, s->field, indent, width);
	line_add(o, STYLE_PLAIN, obj ? "" : "-");
	line_end(o, 0);
	return obj ? detail_print(o, s, obj, indent + 2) : 0;
}

static int print_list(struct out *o, const struct sel *s, const void *record, int indent)
{
	const struct rows *rows = field_ptr(s->field, record);
	_cleanup_(cleanup_table_free) struct table *t = NULL;
	struct selection below = { .arena = &o->arena };
	int r;

	start_line(o, s->field, indent, 0);
	if (!rows->known || !rows->n) {
		line_add(o, STYLE_PLAIN, rows->known ? " none" : " -");
		line_end(o, 0);
		return 0;
	}
	line_end(o, 0);
	selection_below(&below, s);
	t = table_new(o, &below, false);
	for (size_t i = 0; i < rows->n; i++)
		table_row(t, (const char *)rows->v + i * s->field->sub->size, -1);
	r = table_print(t, indent + 2);
	selection_free(&below);
	return r;
}

int detail_print(struct out *o, const struct sel *sel, const void *record, int indent)
{
	size_t width = label_width(sel);
	struct sel *const *p;
	int r = 0;

	vec_for_each(p, &sel->kids) {
		if ((*p)->field->type == F_OBJ)
			r = print_object(o, *p, record, indent, width);
		else if ((*p)->field->type != F_LIST)
			print_leaf(o, (*p)->field, record, indent, width);
		if (r < 0)
			return r;
	}
	vec_for_each(p, &sel->kids) {
		if ((*p)->field->type != F_LIST)
			continue;
		r = print_list(o, *p, record, indent);
		if (r < 0)
			return r;
	}
	return 0;
}
