// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkdocs SRCDIR OUTDIR: writes OUTDIR/man and OUTDIR/docs/schema from the rows, and from the parts
 * written by hand in SRCDIR/man/parts. The results are committed; a test runs this again and compares.
 */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "base/str.h"
#include "cmd/args.h"
#include "cmd/mkdocs.h"
#include "../tools/iommutop/model.h"
#include "../tools/iommutop/options.h"

static const char *const note_members[] = { "code", "errno", "what", "why", "hint", "where" };

static struct json_object *words(const char *const *v, size_t n)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(list, json_object_new_string(v[i]));
	return list;
}

/* {"type": TYPE} or {"type": [TYPE, "null"]} */
static struct json_object *typed(const char *type, bool nullable)
{
	const char *const both[] = { type, "null" };
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "type", nullable ? words(both, 2) : json_object_new_string(type));
	return o;
}

static void set(struct json_object *o, const char *key, const char *value)
{
	if (value)
		json_object_object_add(o, key, json_object_new_string(value));
}

static struct json_object *hex_bytes(void)
{
	struct json_object *o = typed("string", false);

	set(o, "pattern", "^([0-9a-f]{2})+$");
	set(o, "description", "the bytes, in hex; only there when they are not UTF-8");
	return o;
}

static struct json_object *list_of(struct json_object *items, bool nullable)
{
	struct json_object *o = typed("array", nullable);

	json_object_object_add(o, "items", items);
	return o;
}

static struct json_object *hex_bytes_list(void)
{
	struct json_object *items = typed("string", true);

	set(items, "pattern", "^([0-9a-f]{2})+$");
	return list_of(items, false);
}

/* An object that has nothing else than what is added to its "properties". */
static struct json_object *closed_object(bool nullable, struct json_object **ret_properties,
					 struct json_object **ret_required)
{
	struct json_object *o = typed("object", nullable);

	*ret_properties = json_object_new_object();
	*ret_required = json_object_new_array();
	json_object_object_add(o, "additionalProperties", json_object_new_boolean(false));
	json_object_object_add(o, "required", *ret_required);
	json_object_object_add(o, "properties", *ret_properties);
	return o;
}

static struct json_object *record_schema(const struct record_type *type, bool nullable);

static struct json_object *field_schema(const struct field *f)
{
	struct json_object *o = NULL;

	switch (f->type) {
	case F_STR:
		o = typed("string", true);
		break;
	case F_INT:
		o = typed("integer", true);
		break;
	case F_HEX:
		o = typed("string", true);
		set(o, "pattern", "^0x(0|[1-9a-f][0-9a-f]*)$");
		break;
	case F_BOOL:
		o = typed("boolean", true);
		break;
	case F_STRS:
		o = list_of(typed("string", false), true);
		break;
	case F_LIST:
		o = list_of(record_schema(f->sub, false), true);
		break;
	case F_OBJ:
		o = record_schema(f->sub, true);
		break;
	}
	set(o, "description", f->help);
	set(o, "x-unit", f->unit);
	return o;
}

static void add_raw(struct json_object *properties, const char *name, struct json_object *schema)
{
	_cleanup_strbuf_ struct strbuf raw = { 0 };

	strbuf_printf(&raw, "%s_raw", name);
	json_object_object_add(properties, raw.s, schema);
}

static struct json_object *record_schema(const struct record_type *type, bool nullable)
{
	struct json_object *properties, *required, *o = closed_object(nullable, &properties, &required);

	for (size_t i = 0; i < type->n; i++) {
		const struct field *f = &type->fields[i];

		json_object_object_add(properties, f->name, field_schema(f));
		if (f->type == F_STR)
			add_raw(properties, f->name, hex_bytes());
		else if (f->type == F_STRS)
			add_raw(properties, f->name, hex_bytes_list());
		if (!(f->flags & FIELD_EXTRA))
			json_object_array_add(required, json_object_new_string(f->name));
	}
	return o;
}

/* A member that is there always, a string or null. */
static void add_string(struct json_object *properties, struct json_object *required, const char *name,
		       const char *help)
{
	struct json_object *o = typed("string", true);

	set(o, "description", help);
	json_object_object_add(properties, name, o);
	add_raw(properties, name, hex_bytes());
	json_object_array_add(required, json_object_new_string(name));
}

static struct json_object *notes_schema(void)
{
	struct json_object *properties, *required, *o = closed_object(false, &properties, &required);

	for (size_t i = 0; i < ARRAY_SIZE(note_members); i++)
		add_string(properties, required, note_members[i], NULL);
	return list_of(o, false);
}

/* The members that name the schema and the machine. */
static void add_origin(struct json_object *properties, struct json_object *required, const char *id)
{
	struct json_object *schema = json_object_new_object();

	set(schema, "const", id);
	json_object_object_add(properties, "schema", schema);
	json_object_array_add(required, json_object_new_string("schema"));
	add_string(properties, required, "host", "name of the machine that was looked at");
	add_string(properties, required, "source", "live, or what --from was given");
	add_string(properties, required, "boot_id", "boot of that machine");
}

static void add_member(struct json_object *properties, struct json_object *required, const char *name,
		       struct json_object *schema)
{
	json_object_object_add(properties, name, schema);
	json_object_array_add(required, json_object_new_string(name));
}

static struct json_object *envelope_schema(const struct record_type *type, const char *id)
{
	struct json_object *properties, *required, *o = closed_object(false, &properties, &required), *data;

	set(o, "$schema", "http://json-schema.org/draft-07/schema#");
	set(o, "title", id);
	add_origin(properties, required, id);
	data = list_of(type ? record_schema(type, false) : json_object_new_object(), false);
	if (!type)
		json_object_object_add(data, "maxItems", json_object_new_int(0));
	add_member(properties, required, "data", data);
	add_member(properties, required, "warnings", notes_schema());
	add_member(properties, required, "errors", notes_schema());
	return o;
}

/* One line of JSON Lines: the header, a record, or the trailer. */
static struct json_object *stream_schema(const struct record_type *type, const char *id)
{
	struct json_object *o = json_object_new_object(), *forms = json_object_new_array(), *end = json_object_new_object();
	struct json_object *properties, *required, *header = closed_object(false, &properties, &required), *trailer;

	add_origin(properties, required, id);
	json_object_array_add(forms, header);
	json_object_array_add(forms, record_schema(type, false));
	trailer = closed_object(false, &properties, &required);
	json_object_object_add(end, "const", json_object_new_boolean(true));
	add_member(properties, required, "end", end);
	add_member(properties, required, "rows", typed("integer", false));
	add_member(properties, required, "warnings", notes_schema());
	add_member(properties, required, "errors", notes_schema());
	json_object_array_add(forms, trailer);
	set(o, "$schema", "http://json-schema.org/draft-07/schema#");
	set(o, "title", id);
	set(o, "description", "one line of JSON Lines: the header, a record, or the trailer");
	json_object_object_add(o, "oneOf", forms);
	return o;
}

static FILE *create(const char *dir, const char *name)
{
	_cleanup_strbuf_ struct strbuf path = { 0 };
	FILE *f;

	strbuf_printf(&path, "%s/%s", dir, name);
	f = fopen(path.s, "w");
	if (!f) {
		fprintf(stderr, "mkdocs: %s: %s\n", path.s, err_text(errno));
		exit(1);
	}
	return f;
}

static void finish(FILE *f)
{
	if (fclose(f) == 0)
		return;
	fprintf(stderr, "mkdocs: %s\n", err_text(errno));
	exit(1);
}

static FILE *open_part(const char *src, const char *name)
{
	_cleanup_strbuf_ struct strbuf path = { 0 };

	strbuf_printf(&path, "%s/man/parts/%s.mdoc", src, name);
	return fopen(path.s, "r");
}

static void write_schema(const char *out, const struct record_type *type, bool stream)
{
	_cleanup_strbuf_ struct strbuf id = { 0 }, file = { 0 };
	struct json_object *o;
	FILE *f;

	strbuf_printf(&id, "iommuctl.%s/%u", type ? type->name : "error", type ? type->version : 1);
	strbuf_printf(&file, "docs/schema/%s.json", type ? type->name : "error");
	o = stream ? stream_schema(type, id.s) : envelope_schema(type, id.s);
	f = create(out, file.s);
	fprintf(f, "%s\n",
		json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	finish(f);
}

static void write_noun(const char *src, const char *out, const struct noun *n)
{
	_cleanup_strbuf_ struct strbuf file = { 0 };
	FILE *part, *f;

	for (size_t i = 0; i < n->n; i++)
		if (n->commands[i].record)
			write_schema(out, n->commands[i].record, n->commands[i].flags & COMMAND_STREAM);
	if (noun_hidden(n) || streq(n->name, "help"))
		return;
	strbuf_printf(&file, "man/iommuctl-%s.1", n->name);
	part = open_part(src, n->name);
	f = create(out, file.s);
	mkman_noun(f, n, part);
	finish(f);
	if (part)
		fclose(part);
}

static void write_top(const char *src, const char *out)
{
	FILE *part = open_part(src, "iommutop"), *f = create(out, "man/iommutop.1");

	mkman_top(f, part, top_options, view_records, VIEW_MAX);
	finish(f);
	if (part)
		fclose(part);
	write_schema(out, &sample_record, true);
}

int main(int argc, char **argv)
{
	FILE *part, *f;

	if (argc != 3) {
		fputs("usage: mkdocs SRCDIR OUTDIR\n", stderr);
		return EXIT_USAGE;
	}
	part = open_part(argv[1], "iommuctl");
	if (!part) {
		fprintf(stderr, "mkdocs: %s/man/parts: %s\n", argv[1], err_text(errno));
		return 1;
	}
	f = create(argv[2], "man/iommuctl.1");
	mkman_program(f, part);
	finish(f);
	fclose(part);
	write_schema(argv[2], NULL, false);
	for (size_t i = 0; i < n_nouns; i++)
		write_noun(argv[1], argv[2], nouns[i]);
	write_top(argv[1], argv[2]);
	return 0;
}
