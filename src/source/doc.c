// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/doc.h"

#include "base/json.h"

struct json_object *doc_get(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *v;

	if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &v))
		return NULL;
	return json_object_is_type(v, type) ? v : NULL;
}

const char *doc_text(struct arena *a, struct json_object *o, const char *key)
{
	struct json_object *v = doc_get(o, key, json_type_string);

	return v ? arena_strdup(a, json_object_get_string(v)) : NULL;
}

enum tri doc_bool(struct json_object *o, const char *key)
{
	struct json_object *v = doc_get(o, key, json_type_boolean);

	return !v ? TRI_UNKNOWN : json_object_get_boolean(v) ? TRI_YES : TRI_NO;
}

struct num doc_num(struct json_object *o, const char *key)
{
	struct json_object *v = doc_get(o, key, json_type_int);

	return v ? NUM(json_object_get_int64(v)) : NUM_UNKNOWN;
}

size_t doc_len(struct json_object *o, const char *key)
{
	struct json_object *v = doc_get(o, key, json_type_array);

	return v ? json_object_array_length(v) : 0;
}

struct json_object *doc_at(struct json_object *o, const char *key, size_t i)
{
	return json_object_array_get_idx(doc_get(o, key, json_type_array), i);
}

void doc_put(struct json_object *o, const char *key, const char *text)
{
	json_set(o, key, json_make_string(text));
}

void doc_put_int(struct json_object *o, const char *key, int64_t v)
{
	json_set(o, key, json_make_int(v));
}

void doc_put_bool(struct json_object *o, const char *key, bool v)
{
	json_set(o, key, json_make_bool(v));
}
