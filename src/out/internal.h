/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the renderers share. Nobody outside src/out includes this. */
#ifndef IOMMUCTL_OUT_INTERNAL_H
#define IOMMUCTL_OUT_INTERNAL_H

#include "out/out.h"

/*
 * A selection: which fields of a record are wanted, as a tree that follows the record's own nesting.
 * The root has no field. A leaf knows its table column.
 */
struct sel {
	const struct field *field;
	size_t col; /* of a leaf */
	VEC(struct sel *) kids;
};

struct column {
	const struct field *field;
	const char *path; /* "devices.driver" */
};

struct selection {
	struct arena *arena;
	struct sel root;
	VEC(struct column) cols;
};

/* Deeper nesting than this is a mistake in a field table. */
#define RECORD_MAX_DEPTH 8

static inline bool field_is_leaf(const struct field *f)
{
	return !f->sub;
}

/* The member of @f in @record. */
static inline const void *field_ptr(const struct field *f, const void *record)
{
	return (const char *)record + f->offset;
}

/* The columns of a table when nobody says -o: FIELD_DEFAULT on the whole path; all leaves when a type has none. */
void selection_columns(struct selection *s, const struct record_type *type);

/* Every field but the FIELD_EXTRA ones. */
void selection_all(struct selection *s, const struct record_type *type);

/* Adds "a.b" (a leaf, or all below a list), or the leaf with that heading, in any case. -ENOENT when there is neither. */
int selection_add(struct selection *s, const struct record_type *type, const char *path);

/* The fields below @of as a selection of their own: what a list inside a detail view shows. */
void selection_below(struct selection *s, const struct sel *of);

/* Whether the field @path is in: a leaf, or a list with any of its leaves. */
bool selection_has(const struct selection *s, const char *path);
void selection_free(struct selection *s);

/* Appends the leaf @f of @record for people: "-" for null, yes and no, "a,b"; as it is, escaped for a terminal. */
void value_text(struct strbuf *b, const struct field *f, const void *record, bool utf8);

/* The same with @sep between the strings of a list. */
void value_joined(struct strbuf *b, const struct field *f, const void *record, bool utf8, const char *sep);

/* The same for --raw: no blank, no comma and no backslash of the value's own is left. */
void value_raw(struct strbuf *b, const struct field *f, const void *record);

/* Whether @f is null in @record. */
bool value_null(const struct field *f, const void *record);

/* strbuf_add_escaped(), and without @utf8 everything beyond ASCII is escaped too. */
void add_safe(struct strbuf *b, const char *s, bool utf8);

/* Cells in lines and columns. */
struct grid {
	VEC(const char *) cells; /* line * columns + column; NULL: nothing here */
	size_t cols, lines;
	struct arena arena;
};

typedef void (*value_fn)(struct strbuf *b, const struct field *f, const void *record, bool utf8);

/* Adds a record's lines at the end; returns the first one's index. */
size_t grid_add(struct grid *g, const struct sel *s, const void *record, value_fn value, bool utf8);
/* Makes one line of those from @first on: what they have in a column, joined by commas. */
void grid_join(struct grid *g, size_t first);
void grid_clear(struct grid *g);
void grid_free(struct grid *g);

static inline const char *grid_cell(const struct grid *g, size_t line, size_t col)
{
	return g->cells.v[line * g->cols + col];
}

/* A table of records: laid out row by row, printed at the end. @sel has to outlive it. */
struct table;
struct table *table_new(struct out *o, const struct selection *sel, bool tree);
/* @parent: index of the row that this one hangs under, -1 none. */
void table_row(struct table *t, const void *record, int parent);
int table_print(struct table *t, int indent);
void table_free(struct table *t);
DEFINE_CLEANUP(struct table, table_free);

/* Prints the rows that are queued. */
int flush_table(struct out *o);

/* --raw: the line of headings, and a record's line. */
void raw_headings(struct out *o, const struct selection *sel);
void raw_row(struct out *o, const struct selection *sel, const void *record);

/* The envelope's head, a record, and the envelope's end with the notes of the context. */
void json_open(struct out *o, const char *name, unsigned version);
void json_row(struct out *o, const struct selection *sel, const void *record);
void json_close(struct out *o);
/* Before rows of another selection, and at the end. */
void json_drop_row(struct out *o);

/* A record as a detail view, @indent columns in. Negative errno. */
int detail_print(struct out *o, const struct sel *sel, const void *record, int indent);

/* Text that waits for its end of line, one style byte for each of its bytes. */
struct line {
	struct strbuf text, style;
};

/* Adds escaped bytes to the pending line. */
void line_add(struct out *o, enum out_style style, const char *s);
/* Adds @n blanks. */
void line_indent(struct out *o, int n);
/* Forgets the pending line. */
void line_drop(struct out *o);
/* Wraps and writes the pending line; what wrapping makes is indented by @hang, -1 as the line itself. */
void line_end(struct out *o, int hang);

/* Columns that @s takes on a terminal. */
int text_width(const char *s);

struct out {
	struct ctx *ctx;
	FILE *f;
	struct out_options opt;
	struct out_origin origin;
	struct arena arena;
	const struct record_type *type;
	struct selection table_sel, json_sel;
	struct table *table;
	struct grid raw_grid;
	struct line line;
	size_t rows; /* written so far in JSON */
	struct json_object *row; /* the last one, for the next to be put into its place */
	int write_err; /* the first errno of writing, 0 none */
	bool stream; /* JSON Lines */
	bool opened; /* the JSON envelope's head is written */
	bool headed; /* --raw has its headings */
};

/* The terminal's sequence that switches the style on. Static. */
const char *style_sequence(enum out_style s);

#endif
