/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing records: as a table, as a detail view, as the JSON envelope, as JSON Lines. A command calls
 * out_begin() once, out_row() for each record, and the dispatcher calls out_end().
 */
#ifndef IOMMUCTL_OUT_OUT_H
#define IOMMUCTL_OUT_OUT_H

#include <stdio.h>

#include "base/ctx.h"
#include "base/str.h"
#include "out/record.h"

struct out_options {
	bool json;	  /* -j */
	bool noheadings;  /* --noheadings */
	bool raw;	  /* --raw: one row a line, columns by one blank, blanks in cells as \x20, empty as - */
	const char *cols; /* -o: "a,b" replaces the default, "+a,b" adds; NULL default */
	bool colour;	  /* a terminal, and neither NO_COLOR nor TERM=dumb */
	int width;	  /* of the terminal; 0: not a terminal, nothing is cut */
	bool utf8;	  /* line drawing may use it */
};

struct out;

/* Where the data comes from; goes into the JSON envelope. Strings are borrowed. */
struct out_origin {
	const char *host, *source, *boot_id;
};

/* @f is stdout, or a memory stream in tests. Never NULL. */
struct out *out_new(struct ctx *ctx, FILE *f, const struct out_options *o);

/* Before out_begin(); without it the envelope says null. */
void out_set_origin(struct out *o, const struct out_origin *origin);

/*
 * Before out_begin(): -j writes JSON Lines instead of one document: a header {schema, host, source, boot_id}, the records, a
 * trailer {"end":true, rows, warnings, errors}. For what has no end, or is too long to be read as one document.
 */
void out_set_stream(struct out *o);

/* Hands over what was written so far: a stream that has nothing more to say for now. Negative errno as out_row(). */
int out_flush(struct out *o);

/* Whether writing has failed (a full disk, a reader that went away): no use in going on. */
bool out_failed(const struct out *o);

void out_free(struct out *o);
DEFINE_CLEANUP(struct out, out_free);

/* What out_new() was given. */
const struct out_options *out_options(const struct out *o);

/* Whether -o fits @type: 0, or -EINVAL noted as by out_begin(). Writes and fixes nothing. */
int out_check_columns(struct out *o, const struct record_type *type);

/*
 * Fixes the record type and resolves -o. -EINVAL, with a note that lists what there is, when a column
 * is unknown. "help" as the column list is handled by the dispatcher.
 */
int out_begin(struct out *o, const struct record_type *type);

/* Whether somebody asked for this FIELD_EXTRA column ("reset.methods"). Call after out_begin(). */
bool out_wants(const struct out *o, const char *path);

/*
 * Tables: queued until out_end(), or until text or a detail view follows. JSON, --raw: written at once. Negative errno
 * once writing has failed: what would go on for long should end then; out_end() notes why.
 */
int out_row(struct out *o, const void *record);

/*
 * A detail view of one record (NAME: value lines, nested lists as tables below, of their FIELD_DEFAULT columns); JSON
 * and --raw as out_row(). -o selects the lines.
 */
int out_detail(struct out *o, const void *record);

/*
 * Free text of a command that explains in sentences (check, explain, doctor): nothing under -j, where
 * the record says the same. It ends the line that out_styled() may have begun; a newline at the format's end is
 * the same one, so "x" and "x\n" both are one line, "x\n\n" and "\n" make an empty one. What %s brings in is
 * escaped, newlines too. Long lines are wrapped at the terminal's width; the lines that wrapping makes are
 * indented like their first.
 */
void out_text(struct out *o, const char *fmt, ...) _printf_(2, 3);

/* The same, and never wrapped: a command that is to be copied, a line of a file. */
void out_verbatim(struct out *o, const char *fmt, ...) _printf_(2, 3);

enum out_style { STYLE_PLAIN, STYLE_GOOD, STYLE_WARN, STYLE_BAD, STYLE_DIM, STYLE_BOLD };

/* Adds to the line that the next out_text() ends; @s is escaped, and coloured where colour is on. */
void out_styled(struct out *o, enum out_style style, const char *s);

/* The style that a verdict's or severity's word has everywhere. */
enum out_style out_word_style(const char *word);

/*
 * Ends the document. In JSON: closes data, adds the ctx's warnings and errors; when out_begin() was
 * never reached, writes an envelope with empty data under @fallback's name (NULL: "error"). -EIO and the like when stdout failed
 * (closed, full), noted in ctx.
 */
int out_end(struct out *o, const struct record_type *fallback);

/* The leaf @f of @record as a table's cell has it, escaped: what draws tables of its own shows the same. Appends to @b. */
void out_value(struct strbuf *b, const struct field *f, const void *record, bool utf8);

/* -o help: name, type, unit and meaning of each column. */
int out_columns_help(struct out *o, const struct record_type *type);

#endif
