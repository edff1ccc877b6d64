// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The JSON envelope on json-c. Each row is built, printed and dropped, so that memory stays the same
 * however many there are.
 */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#include "out/internal.h"

#define PLAIN (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

static void add_hex(struct strbuf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		strbuf_printf(b, "%02x", (unsigned char)s[i]);
}

/* Each byte that is not UTF-8 becomes U+FFFD. */
static struct json_object *repaired(const char *s, size_t n)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	while (n) {
		size_t len = utf8_len(s, n);

		if (len)
			strbuf_add(&b, s, len);
		else
			strbuf_puts(&b, "\xef\xbf\xbd");
		len = MAX(len, (size_t)1);
		s += len;
		n -= len;
	}
	return json_object_new_string_len(strbuf_str(&b), b.len);
}

/* A string, and in @ret_raw its bytes in hex when they are not UTF-8. */
static struct json_object *string_value(const char *s, struct json_object **ret_raw)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	size_t n;

	if (!s)
		return NULL;
	n = strlen(s);
	if (utf8_valid(s, n))
		return json_object_new_string_len(s, n);
	add_hex(&b, s, n);
	*ret_raw = json_object_new_string_len(b.s, b.len);
	return repaired(s, n);
}

/* The raw list is as long as the list, null where an element is UTF-8. */
static struct json_object *strings_value(const struct strs *l, struct json_object **ret_raw)
{
	struct json_object *list;

	if (!l->known)
		return NULL;
	list = json_object_new_array();
	for (size_t i = 0; i < l->n; i++) {
		struct json_object *raw = NULL;

		json_object_array_add(list, string_value(l->v[i], &raw));
		if (!raw)
			continue;
		if (!*ret_raw)
			*ret_raw = json_object_new_array();
		json_object_array_put_idx(*ret_raw, i, raw);
	}
	while (*ret_raw && json_object_array_length(*ret_raw) < l->n)
		json_object_array_add(*ret_raw, NULL);
	return list;
}

static struct json_object *hex_value(const struct num *n)
{
	char buf[24];

	return json_object_new_string_len(buf, snprintf(buf, sizeof(buf), "0x%" PRIx64, n->v));
}

static struct json_object *record_value(const struct sel *s, const void *record);

static struct json_object *rows_value(const struct sel *s, const struct rows *rows)
{
	struct json_object *list;

	if (!rows->known)
		return NULL;
	list = json_object_new_array();
	for (size_t i = 0; i < rows->n; i++)
		json_object_array_add(list, record_value(s, (const char *)rows->v + i * s->field->sub->size));
	return list;
}

static struct json_object *field_value(const struct sel *s, const void *record, struct json_object **ret_raw)
{
	const void *p = field_ptr(s->field, record);

	if (value_null(s->field, record))
		return NULL;
	switch (s->field->type) {
	case F_STR:
		return string_value(*(const char *const *)p, ret_raw);
	case F_INT:
		return json_object_new_int64(((const struct num *)p)->v);
	case F_HEX:
		return hex_value(p);
	case F_BOOL:
		return json_object_new_boolean(*(const int *)p);
	case F_STRS:
		return strings_value(p, ret_raw);
	case F_LIST:
		return rows_value(s, p);
	case F_OBJ:
		return record_value(s, *(const void *const *)p);
	}
	return NULL;
}

static struct json_object *record_value(const struct sel *s, const void *record)
{
	const unsigned constant = JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_KEY_IS_CONSTANT;
	struct json_object *obj = json_object_new_object();
	struct sel *const *p;

	vec_for_each(p, &s->kids) {
		struct json_object *raw = NULL;

		json_object_object_add_ex(obj, (*p)->field->name, field_value(*p, record, &raw), constant);
		if (raw) {
			char name[128];

			snprintf(name, sizeof(name), "%s_raw", (*p)->field->name);
			json_object_object_add(obj, name, raw);
		}
	}
	return obj;
}

static bool all_ascii(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] >= 0x7f)
			return false;
	return true;
}

/*
 * json-c escapes what JSON demands, the control characters below the blank. People look at JSON on a
 * terminal too, and JSON has a form for the others that a terminal would act on.
 */
static void write_calmed(struct out *o, const char *s, size_t n)
{
	for (size_t len; n; s += len, n -= len) {
		uint32_t c;

		len = MAX(utf8_len(s, n), (size_t)1);
		c = utf8_code(s, len);
		if (utf8_dangerous(c))
			fprintf(o->f, "\\u%04x", c);
		else
			fwrite(s, 1, len, o->f);
	}
}

static void write_value(struct out *o, struct json_object *v)
{
	size_t len;
	const char *text = json_object_to_json_string_length(v, PLAIN, &len);

	if (all_ascii(text, len))
		fwrite(text, 1, len, o->f);
	else
		write_calmed(o, text, len);
	json_object_put(v);
}

static void write_member(struct out *o, const char *name, const char *s)
{
	struct json_object *raw = NULL, *v = string_value(s, &raw);

	fprintf(o->f, ",\"%s\":", name);
	write_value(o, v);
	if (raw) {
		fprintf(o->f, ",\"%s_raw\":", name);
		write_value(o, raw);
	}
}

void json_open(struct out *o, const char *name, unsigned version)
{
	fprintf(o->f, "{\"schema\":\"iommuctl.%s/%u\"", name, version);
	write_member(o, "host", o->origin.host);
	write_member(o, "source", o->origin.source);
	write_member(o, "boot_id", o->origin.boot_id);
	fputs(",\"data\":[", o->f);
	o->opened = true;
}

int json_row(struct out *o, const struct selection *sel, const void *record)
{
	struct json_object *v = record_value(&sel->root, record);

	if (!v)
		return -ENOMEM;
	if (o->rows++)
		fputc(',', o->f);
	write_value(o, v);
	return 0;
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
			json_row(o, sel, &row);
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
	json_row(o, sel, &row);
}

void json_close(struct out *o)
{
	struct selection sel = { .arena = &o->arena };

	selection_all(&sel, &note_record);
	fputs("],\"warnings\":[", o->f);
	write_notes(o, &sel, NOTE_WARNING);
	write_dropped(o, &sel);
	fputs("],\"errors\":[", o->f);
	write_notes(o, &sel, NOTE_ERROR);
	fputs("]}\n", o->f);
	selection_free(&sel);
}
