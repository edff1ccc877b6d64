// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The JSON envelope. Each row is built and serialised by json-c in the place of the one before, so that memory stays the
 * same however many there are. Two things json-c leaves to us: its strings take any bytes, so those that are
 * not UTF-8 are replaced on the way in; and it prints what acts on a terminal, which is escaped on the way out.
 */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "out/internal.h"

/* -- building ------------------------------------------------------------------------------------ */

/* Field tables name each member once, and outlive every row. A NULL @v is null. */
static void add_member(struct json_object *obj, const char *name, struct json_object *v)
{
	if (json_object_object_add_ex(obj, name, v, JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY) < 0)
		must(NULL);
}

/* NAME_raw; none when @v is NULL. */
static void add_raw(struct json_object *obj, const char *name, struct json_object *v)
{
	_cleanup_strbuf_ struct strbuf key = { 0 };

	if (!v)
		return;
	strbuf_printf(&key, "%s_raw", name);
	if (json_object_object_add_ex(obj, key.s, v, JSON_C_OBJECT_ADD_KEY_IS_NEW) < 0)
		must(NULL);
}

static void append(struct json_object *list, struct json_object *v)
{
	if (json_object_array_add(list, v) < 0)
		must(NULL);
}

static bool is_utf8(const char *s)
{
	return utf8_valid(s, strlen(s));
}

static struct json_object *new_string(const char *s)
{
	return must(json_object_new_string(s));
}

/* Each byte that is not UTF-8 becomes U+FFFD. */
static struct json_object *new_repaired(const char *s)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	size_t n = strlen(s), len;

	for (; n; s += len, n -= len) {
		len = utf8_len(s, n);
		if (len) {
			strbuf_add(&b, s, len);
			continue;
		}
		strbuf_puts(&b, "\xef\xbf\xbd");
		len = 1;
	}
	return new_string(strbuf_str(&b));
}

static struct json_object *new_bytes(const char *s)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (; *s; s++)
		strbuf_printf(&b, "%02x", (unsigned char)*s);
	return new_string(strbuf_str(&b));
}

/* *@ret_raw stays as it is where the bytes are UTF-8. */
static struct json_object *new_text(const char *s, struct json_object **ret_raw)
{
	if (is_utf8(s))
		return new_string(s);
	*ret_raw = new_bytes(s);
	return new_repaired(s);
}

/* The raw list is as long as the list, null where an element is UTF-8. */
static struct json_object *new_texts(const struct strs *l, struct json_object **ret_raw)
{
	struct json_object *list = must(json_object_new_array_ext(MAX(l->n, (size_t)1))), *raw;
	bool all_valid = true;

	for (size_t i = 0; i < l->n; i++) {
		bool valid = is_utf8(l->v[i]);

		append(list, valid ? new_string(l->v[i]) : new_repaired(l->v[i]));
		all_valid = all_valid && valid;
	}
	if (all_valid)
		return list;
	raw = must(json_object_new_array_ext(l->n));
	for (size_t i = 0; i < l->n; i++)
		append(raw, is_utf8(l->v[i]) ? NULL : new_bytes(l->v[i]));
	*ret_raw = raw;
	return list;
}

static struct json_object *new_record(const struct sel *s, const void *record);

static struct json_object *new_rows(const struct sel *s, const struct rows *rows)
{
	struct json_object *list = must(json_object_new_array_ext(MAX(rows->n, (size_t)1)));

	for (size_t i = 0; i < rows->n; i++)
		append(list, new_record(s, (const char *)rows->v + i * s->field->sub->size));
	return list;
}

static struct json_object *new_hex(const struct num *n)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	strbuf_put_hex(&b, (uint64_t)n->v);
	return must(json_object_new_string_len(b.s, (int)b.len));
}

/* The member's value, NULL for null, and in *@ret_raw that of NAME_raw, where there is to be one. */
static struct json_object *new_value(const struct sel *s, const void *record, struct json_object **ret_raw)
{
	const struct field *f = s->field;
	const void *p = field_ptr(f, record);

	if (value_null(f, record))
		return NULL;
	switch (f->type) {
	case F_STR:
		return new_text(*(const char *const *)p, ret_raw);
	case F_STRS:
		return new_texts(p, ret_raw);
	case F_BOOL:
		return must(json_object_new_boolean(*(const int *)p));
	case F_LIST:
		return new_rows(s, p);
	case F_OBJ:
		return new_record(s, *(const void *const *)p);
	case F_HEX:
		return new_hex(p);
	default:
		return must(json_object_new_int64(((const struct num *)p)->v));
	}
}

static struct json_object *new_record(const struct sel *s, const void *record)
{
	struct json_object *obj = must(json_object_new_object());
	struct sel *const *kid;

	vec_for_each(kid, &s->kids) {
		struct json_object *raw = NULL;

		add_member(obj, (*kid)->field->name, new_value(*kid, record, &raw));
		add_raw(obj, (*kid)->field->name, raw);
	}
	return obj;
}

/*
 * Makes @obj, of another record of the same selection, that of @record: with its members in place already this is half the work. False: this record
 * has more members, and @obj is of no record now.
 */
static bool change_record(struct json_object *obj, const struct sel *s, const void *record)
{
	struct lh_entry *e = lh_table_head(json_object_get_object(obj));
	struct sel *const *kid;

	vec_for_each(kid, &s->kids) {
		struct json_object *raw = NULL, *v = new_value(*kid, record, &raw);

		json_object_put(lh_entry_v(e));
		lh_entry_set_val(e, v);
		if (raw) {
			json_object_put(raw);
			return false;
		}
		e = lh_entry_next(e);
	}
	return true;
}

/* -- writing ------------------------------------------------------------------------------------- */

/* Bytes of @s that are no terminal's business: below 0x7f. Eight at a time: one that is not has its high bit set, or gets it when one is added. */
static size_t ascii_span(const char *s, size_t n)
{
	size_t i = 0;
	uint64_t w;

	for (; n - i >= sizeof(w); i += sizeof(w)) {
		memcpy(&w, s + i, sizeof(w));
		if ((w | (w + 0x0101010101010101)) & 0x8080808080808080)
			break;
	}
	while (i < n && (unsigned char)s[i] < 0x7f)
		i++;
	return i;
}

/* @s is JSON, and all of it that is not ASCII stands inside strings: people look at it on a terminal, too. */
static void write_safe(struct out *o, const char *s, size_t n)
{
	for (size_t len; n; s += len, n -= len) {
		uint32_t c;

		len = ascii_span(s, n);
		if (len) {
			fwrite(s, 1, len, o->f);
			continue;
		}
		len = utf8_len(s, n);
		c = utf8_code(s, len);
		if (utf8_dangerous(c))
			fprintf(o->f, "\\u%04x", c);
		else
			fwrite(s, 1, len, o->f);
	}
}

/* Writes @v, less @head bytes at its beginning and @tail at its end: brackets. */
static void write_json(struct out *o, struct json_object *v, size_t head, size_t tail)
{
	size_t n;
	const char *s = json_object_to_json_string_length(v, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);

	if (!s)
		must(NULL);
	write_safe(o, s + head, n - head - tail);
}

/* The same, and frees it. */
static void write_out(struct out *o, struct json_object *v, size_t head, size_t tail)
{
	write_json(o, v, head, tail);
	json_object_put(v);
}

/* NAME, and NAME_raw where the bytes are not UTF-8; NULL is null. */
static void add_string(struct json_object *obj, const char *name, const char *s)
{
	struct json_object *raw = NULL;

	add_member(obj, name, s ? new_text(s, &raw) : NULL);
	add_raw(obj, name, raw);
}

void json_open(struct out *o, const char *name, unsigned version)
{
	_cleanup_strbuf_ struct strbuf schema = { 0 };
	struct json_object *head = must(json_object_new_object());

	strbuf_printf(&schema, "iommuctl.%s/%u", name, version);
	add_string(head, "schema", schema.s);
	add_string(head, "host", o->origin.host);
	add_string(head, "source", o->origin.source);
	add_string(head, "boot_id", o->origin.boot_id);
	write_out(o, head, 0, o->stream ? 0 : 1);
	fputs(o->stream ? "\n" : ",\"data\":[", o->f); /* a document goes on with its rows */
	o->opened = true;
}

void json_drop_row(struct out *o)
{
	json_object_put(o->row);
	o->row = NULL;
}

void json_row(struct out *o, const struct selection *sel, const void *record)
{
	if (o->rows++ && !o->stream)
		fputc(',', o->f);
	if (!o->row || !change_record(o->row, &sel->root, record)) {
		json_drop_row(o);
		o->row = new_record(&sel->root, record);
	}
	write_json(o, o->row, 0, 0);
	/* one with a NAME_raw has no place for the next */
	if ((size_t)json_object_object_length(o->row) != sel->root.kids.n)
		json_drop_row(o);
	if (o->stream)
		fputc('\n', o->f);
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

static struct json_object *new_notes(const struct out *o, const struct selection *sel, enum note_level level)
{
	struct json_object *list = must(json_object_new_array());
	const struct note *n;

	vec_for_each(n, &o->ctx->notes) {
		const struct note_row row = {
			.code = n->code,
			.symbol = errno_symbol(n->err),
			.what = n->what,
			.why = n->why,
			.hint = n->hint,
			.where = n->where,
		};

		if (n->level == level)
			append(list, new_record(&sel->root, &row));
	}
	return list;
}

/* A machine that warns without end is cut short, and says so. */
static void append_dropped(const struct out *o, const struct selection *sel, struct json_object *warnings)
{
	char why[64];
	const struct note_row row = { .code = "warnings-dropped", .what = "warnings", .why = why };

	if (!o->ctx->dropped)
		return;
	snprintf(why, sizeof(why), "%zu more are not listed", o->ctx->dropped);
	append(warnings, new_record(&sel->root, &row));
}

void json_close(struct out *o)
{
	struct json_object *end = must(json_object_new_object()), *warnings;
	struct selection sel = { .arena = &o->arena };

	selection_all(&sel, &note_record);
	if (o->stream) {
		add_member(end, "end", must(json_object_new_boolean(true)));
		add_member(end, "rows", must(json_object_new_int64(o->rows)));
	}
	warnings = new_notes(o, &sel, NOTE_WARNING);
	append_dropped(o, &sel, warnings);
	add_member(end, "warnings", warnings);
	add_member(end, "errors", new_notes(o, &sel, NOTE_ERROR));
	if (!o->stream)
		fputs("],", o->f); /* the members follow the rows */
	write_out(o, end, o->stream ? 0 : 1, 0);
	fputc('\n', o->f);
	selection_free(&sel);
}
