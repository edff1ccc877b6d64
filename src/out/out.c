// SPDX-License-Identifier: GPL-2.0-or-later
#include "out/out.h"

#include <errno.h>
#include <stdio_ext.h>
#include <string.h>

#include "out/internal.h"

struct out *out_new(struct ctx *ctx, FILE *f, const struct out_options *opt)
{
	struct out *o = must_calloc(1, sizeof(*o));

	o->ctx = ctx;
	o->f = f;
	o->opt = *opt;
	o->table_sel.arena = o->json_sel.arena = &o->arena;
	return o;
}

static void drop_selections(struct out *o)
{
	json_drop_row(o);
	selection_free(&o->json_sel);
	selection_free(&o->table_sel);
}

void out_free(struct out *o)
{
	if (!o)
		return;
	table_free(o->table);
	grid_free(&o->raw_grid);
	drop_selections(o);
	strbuf_free(&o->line.text);
	strbuf_free(&o->line.style);
	arena_free(&o->arena);
	free(o);
}

void out_set_origin(struct out *o, const struct out_origin *origin)
{
	o->origin = *origin;
}

void out_set_stream(struct out *o)
{
	o->stream = true;
}

bool out_failed(const struct out *o)
{
	return ferror(o->f);
}

const struct out_options *out_options(const struct out *o)
{
	return &o->opt;
}

static void list_columns(struct strbuf *b, const struct record_type *type, const char *prefix, int depth)
{
	for (size_t i = 0; depth <= RECORD_MAX_DEPTH && i < type->n; i++) {
		const struct field *f = &type->fields[i];
		_cleanup_strbuf_ struct strbuf path = { 0 };

		strbuf_puts(&path, prefix);
		strbuf_puts(&path, f->name);
		if (field_is_leaf(f)) {
			strbuf_printf(b, "%s%s", b->len ? ", " : "", path.s);
			continue;
		}
		strbuf_putc(&path, '.');
		list_columns(b, f->sub, path.s, depth + 1);
	}
}

static int unknown_column(struct out *o, const struct record_type *type, const char *name)
{
	_cleanup_strbuf_ struct strbuf hint = { 0 }, names = { 0 };

	list_columns(&names, type, "", 0);
	strbuf_printf(&hint, "columns: %s", strbuf_str(&names));
	return ctx_error(o->ctx,
			 NOTE(.code = "unknown-column", .err = EINVAL, .why = "there is no such column",
			      .hint = hint.s, .where = "-o"),
			 "column \"%s\"", name);
}

/* Adds each of "a,b.c" to @s. */
static int add_names(struct out *o, struct selection *s, const struct record_type *type, const char *cols)
{
	_cleanup_free_ char *copy = must_strdup(cols);
	char *save = NULL;

	for (char *name = strtok_r(copy, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
		if (*name == '+')
			name++; /* -o +a -o +b arrives as "+a,+b" */
		if (selection_add(s, type, name) < 0)
			return unknown_column(o, type, name);
	}
	return 0;
}

static int resolve_columns(struct out *o, const struct record_type *type)
{
	const char *cols = o->opt.cols;
	int r = 0;

	if (!cols || *cols == '+') {
		selection_all(&o->json_sel, type);
		selection_columns(&o->table_sel, type);
	}
	if (cols)
		r = add_names(o, &o->json_sel, type, cols);
	if (cols && r >= 0)
		r = add_names(o, &o->table_sel, type, cols);
	if (r >= 0 && !o->table_sel.cols.n)
		r = ctx_error(o->ctx,
			      NOTE(.code = "no-column", .err = EINVAL, .why = "names no column", .hint = "-o help lists them", .where = "-o"),
			      "-o \"%s\"", cols);
	if (r < 0)
		drop_selections(o); /* the envelope is still written, with nothing in it */
	return r;
}

int out_check_columns(struct out *o, const struct record_type *type)
{
	int r = resolve_columns(o, type);

	drop_selections(o);
	return r;
}

int out_begin(struct out *o, const struct record_type *type)
{
	int r;

	if (o->type)
		return 0;
	r = resolve_columns(o, type);
	if (r < 0)
		return r;
	o->type = type;
	if (o->opt.json)
		json_open(o, type->name, type->version);
	return 0;
}

bool out_wants(const struct out *o, const char *path)
{
	return selection_has(o->opt.json ? &o->json_sel : &o->table_sel, path);
}

static void table_queue(struct out *o, const void *record)
{
	if (!o->table)
		o->table = table_new(o, &o->table_sel, false);
	table_row(o->table, record, -1);
}

/* What went wrong with writing, as soon as it does: a stream that nobody reads any more has to end. */
static int write_error(struct out *o)
{
	if (ferror(o->f) && !o->write_err)
		o->write_err = errno ? errno : EIO;
	return -o->write_err;
}

int out_row(struct out *o, const void *record)
{
	if (o->opt.json) {
		json_row(o, &o->json_sel, record);
		return write_error(o);
	}
	if (!o->opt.raw) {
		table_queue(o, record);
		return 0;
	}
	if (!o->headed && !o->opt.noheadings)
		raw_headings(o, &o->table_sel);
	o->headed = true;
	raw_row(o, &o->table_sel, record);
	return write_error(o);
}

int out_detail(struct out *o, const void *record)
{
	int r;

	if (o->opt.json || o->opt.raw)
		return out_row(o, record);
	flush_table(o);
	if (o->rows++)
		fputc('\n', o->f);
	r = detail_print(o, &o->json_sel.root, record, 0);
	return r < 0 ? r : write_error(o);
}

int out_flush(struct out *o)
{
	errno = 0;
	fflush(o->f);
	return write_error(o);
}

int out_end(struct out *o, const struct record_type *fallback)
{
	int r = 0;

	if (o->line.text.len)
		line_end(o, -1);
	if (o->opt.json) {
		if (!o->opened)
			json_open(o, fallback ? fallback->name : "error", fallback ? fallback->version : 1);
		json_close(o);
	} else if (o->table) {
		r = table_print(o->table, 0);
	}
	if (out_flush(o) == 0 && r == 0)
		return 0;
	/* the next command of a batch fails by itself, with its own errno, or not any more */
	__fpurge(o->f);
	clearerr(o->f);
	return ctx_error(o->ctx,
			 NOTE(.code = "stdout", .err = o->write_err ? o->write_err : -r, .where = "stdout"),
			 "cannot write the output");
}

struct column_row {
	const char *column, *type, *unit, *help;
};

static const struct field column_fields[] = {
	FIELD(struct column_row, column, F_STR, "COLUMN", "name for -o", .flags = FIELD_DEFAULT),
	FIELD(struct column_row, type, F_STR, "TYPE", "type in JSON", .flags = FIELD_DEFAULT),
	FIELD(struct column_row, unit, F_STR, "UNIT", "unit of the value", .flags = FIELD_DEFAULT),
	FIELD(struct column_row, help, F_STR, "MEANING", "what it says", .flags = FIELD_DEFAULT | FIELD_WRAP),
};

static const struct record_type column_record = RECORD("columns", 1, struct column_row, column_fields);

static const char *type_name(enum field_type t)
{
	static const char *const names[] = {
		[F_STR] = "string", [F_INT] = "integer", [F_HEX] = "hex",  [F_BOOL] = "boolean",
		[F_STRS] = "strings", [F_LIST] = "list", [F_OBJ] = "object",
	};

	return names[t];
}

static int help_rows(struct out *o, const struct record_type *type, const char *prefix, int depth)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && depth <= RECORD_MAX_DEPTH && i < type->n; i++) {
		const struct field *f = &type->fields[i];
		_cleanup_strbuf_ struct strbuf path = { 0 };

		strbuf_printf(&path, "%s%s", prefix, f->name);
		if (field_is_leaf(f)) {
			struct column_row row = { path.s, type_name(f->type), f->unit, f->help };

			r = out_row(o, &row);
			continue;
		}
		strbuf_putc(&path, '.');
		r = help_rows(o, f->sub, path.s, depth + 1);
	}
	return r;
}

int out_columns_help(struct out *o, const struct record_type *type)
{
	int r;

	o->opt.cols = NULL; /* that was "help" */
	r = out_begin(o, &column_record);
	return r < 0 ? r : help_rows(o, type, "", 0);
}
