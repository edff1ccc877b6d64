// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The JSON envelope, written as the rows come, so that memory stays the same however many there are.
 * json-c builds a tree of heap objects and its strings know neither broken UTF-8 nor terminals; for rows
 * of known fields, writing them out is as short and five times as fast. What reads JSON uses json-c.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "out/internal.h"

/* Bytes of @s that JSON takes as they are. */
static size_t plain_span(const char *s)
{
	size_t n = 0;

	while (s[n] >= 0x20 && s[n] < 0x7f && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

static void add_json_char(struct strbuf *b, const char *s, size_t len)
{
	static const char short_forms[] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r',
					    ['"'] = '"', ['\\'] = '\\' };
	uint32_t c = utf8_code(s, len);

	if (c < sizeof(short_forms) && short_forms[c])
		strbuf_printf(b, "\\%c", short_forms[c]);
	else if (utf8_dangerous(c)) /* people look at JSON on a terminal, too */
		strbuf_printf(b, "\\u%04x", c);
	else
		strbuf_add(b, s, len);
}

/* Whether all of @s was UTF-8; each byte that was not became U+FFFD. */
static bool add_json_string(struct strbuf *b, const char *s)
{
	bool valid = true;
	size_t len;

	strbuf_putc(b, '"');
	for (;;) {
		len = plain_span(s);
		strbuf_add(b, s, len);
		s += len;
		if (!*s)
			break;
		len = utf8_len(s, strnlen(s, 4));
		if (len)
			add_json_char(b, s, len);
		else
			strbuf_puts(b, "\xef\xbf\xbd");
		valid = valid && len;
		s += MAX(len, (size_t)1);
	}
	strbuf_putc(b, '"');
	return valid;
}

static void add_hex_bytes(struct strbuf *b, const char *s)
{
	strbuf_putc(b, '"');
	for (; *s; s++)
		strbuf_printf(b, "%02x", (unsigned char)*s);
	strbuf_putc(b, '"');
}

static void add_key(struct strbuf *b, const char *name, const char *suffix)
{
	strbuf_putc(b, '"');
	strbuf_puts(b, name);
	strbuf_puts(b, suffix);
	strbuf_add(b, "\":", 2);
}

/* A member of an object: NAME, and NAME_raw where the bytes are not UTF-8. */
static void add_string_member(struct strbuf *b, const char *name, const char *s)
{
	add_key(b, name, "");
	if (!s) {
		strbuf_puts(b, "null");
		return;
	}
	if (add_json_string(b, s))
		return;
	strbuf_putc(b, ',');
	add_key(b, name, "_raw");
	add_hex_bytes(b, s);
}

/* The raw list is as long as the list, null where an element is UTF-8. */
static void add_strings_member(struct strbuf *b, const char *name, const struct strs *l)
{
	bool valid = true;

	add_key(b, name, "");
	strbuf_putc(b, '[');
	for (size_t i = 0; i < l->n; i++) {
		if (i)
			strbuf_putc(b, ',');
		if (!add_json_string(b, l->v[i]))
			valid = false;
	}
	strbuf_putc(b, ']');
	if (valid)
		return;
	strbuf_putc(b, ',');
	add_key(b, name, "_raw");
	strbuf_putc(b, '[');
	for (size_t i = 0; i < l->n; i++) {
		if (i)
			strbuf_putc(b, ',');
		if (utf8_valid(l->v[i], strlen(l->v[i])))
			strbuf_puts(b, "null");
		else
			add_hex_bytes(b, l->v[i]);
	}
	strbuf_putc(b, ']');
}

static void add_record(struct strbuf *b, const struct sel *s, const void *record);

static void add_rows(struct strbuf *b, const struct sel *s, const struct rows *rows)
{
	strbuf_putc(b, '[');
	for (size_t i = 0; i < rows->n; i++) {
		if (i)
			strbuf_putc(b, ',');
		add_record(b, s, (const char *)rows->v + i * s->field->sub->size);
	}
	strbuf_putc(b, ']');
}

static void add_number(struct strbuf *b, const struct field *f, const struct num *n)
{
	char text[32];

	strbuf_add(b, text, snprintf(text, sizeof(text), f->type == F_HEX ? "\"0x%" PRIx64 "\"" : "%" PRId64, n->v));
}

static void add_member(struct strbuf *b, const struct sel *s, const void *record)
{
	const struct field *f = s->field;
	const void *p = field_ptr(f, record);

	if (f->type == F_STR || value_null(f, record)) {
		add_string_member(b, f->name, f->type == F_STR ? *(const char *const *)p : NULL);
		return;
	}
	if (f->type == F_STRS) {
		add_strings_member(b, f->name, p);
		return;
	}
	add_key(b, f->name, "");
	if (f->type == F_BOOL)
		strbuf_puts(b, *(const int *)p ? "true" : "false");
	else if (f->type == F_LIST)
		add_rows(b, s, p);
	else if (f->type == F_OBJ)
		add_record(b, s, *(const void *const *)p);
	else
		add_number(b, f, p);
}

static void add_record(struct strbuf *b, const struct sel *s, const void *record)
{
	struct sel *const *p;

	strbuf_putc(b, '{');
	vec_for_each(p, &s->kids) {
		if (p != s->kids.v)
			strbuf_putc(b, ',');
		add_member(b, *p, record);
	}
	strbuf_putc(b, '}');
}

static void write_buffer(struct out *o)
{
	fwrite(strbuf_str(&o->json), 1, o->json.len, o->f);
	strbuf_reset(&o->json);
}

void json_open(struct out *o, const char *name, unsigned version)
{
	struct strbuf *b = &o->json;

	strbuf_printf(b, "{\"schema\":\"iommuctl.%s/%u\",", name, version);
	add_string_member(b, "host", o->origin.host);
	strbuf_putc(b, ',');
	add_string_member(b, "source", o->origin.source);
	strbuf_putc(b, ',');
	add_string_member(b, "boot_id", o->origin.boot_id);
	strbuf_puts(b, o->stream ? "}\n" : ",\"data\":[");
	write_buffer(o);
	o->opened = true;
}

static void list_row(struct out *o, const struct selection *sel, const void *record)
{
	if (o->rows++)
		strbuf_putc(&o->json, ',');
	add_record(&o->json, &sel->root, record);
	write_buffer(o);
}

void json_row(struct out *o, const struct selection *sel, const void *record)
{
	if (!o->stream) {
		list_row(o, sel, record);
		return;
	}
	o->rows++;
	add_record(&o->json, &sel->root, record);
	strbuf_putc(&o->json, '\n');
	write_buffer(o);
}

struct note_row {
	const char *code, *symbol, *what, *why, *hint, *where;
};

static const struct field note_fields[] = {
	FIELD(struct note_row, code, F_STR, "CODE", "stable word"),
	{ .name = "errno", .type = F_STR, .offset = offsetof(struct note_row, symbol), .head = "ERRNO" },
	FIELD(struct note_row, what, F_STR, "WHAT", "what it is about"),
	FIELD(struct note_row, why, F_STR, "WHY", "what is wrong"),
	FIELD(struct note_row, hint, F_STR, "HINT", "what to do"),
	FIELD(struct note_row, where, F_STR, "WHERE", "the place in the input"),
};

static const struct record_type note_record = RECORD("note", 1, struct note_row, note_fields);

static const char *errno_symbol(int err)
{
	if (!err)
		return NULL;
	return err == ENOTCAPTURED ? "ENOTCAPTURED" : strerrorname_np(err);
}

static void write_notes(struct out *o, const struct selection *sel, enum note_level level)
{
	const struct note *n;

	o->rows = 0;
	vec_for_each(n, &o->ctx->notes) {
		struct note_row row = {
			.code = n->code,
			.symbol = errno_symbol(n->err),
			.what = n->what,
			.why = n->why,
			.hint = n->hint,
			.where = n->where,
		};

		if (n->level == level)
			list_row(o, sel, &row);
	}
}

/* A machine that warns without end is cut short, and says so. */
static void write_dropped(struct out *o, const struct selection *sel)
{
	char why[64];
	struct note_row row = { .code = "warnings-dropped", .what = "warnings", .why = why };

	if (!o->ctx->dropped)
		return;
	snprintf(why, sizeof(why), "%zu more are not listed", o->ctx->dropped);
	list_row(o, sel, &row);
}

void json_close(struct out *o)
{
	struct selection sel = { .arena = &o->arena };

	selection_all(&sel, &note_record);
	if (o->stream)
		fprintf(o->f, "{\"end\":true,\"rows\":%zu,\"warnings\":[", o->rows);
	else
		fputs("],\"warnings\":[", o->f);
	write_notes(o, &sel, NOTE_WARNING);
	write_dropped(o, &sel);
	fputs("],\"errors\":[", o->f);
	write_notes(o, &sel, NOTE_ERROR);
	fputs("]}\n", o->f);
	selection_free(&sel);
}
