// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/json.h"

#include <errno.h>

#include "base/util.h"

/* json-c asks malloc(3) itself: what it could not do is done again with what was put aside. */
#define MUST(make)                                                                         \
	({                                                                                 \
		struct json_object *made;                                                  \
                                                                                           \
		do                                                                         \
			made = (make);                                                     \
		while (!made && oom_give_up_reserve());                                 \
		must(made);                                                                \
	})

struct json_object *json_make_object(void)
{
	return MUST(json_object_new_object());
}

struct json_object *json_make_array(void)
{
	return MUST(json_object_new_array());
}

struct json_object *json_make_string(const char *s)
{
	return s ? MUST(json_object_new_string(s)) : NULL;
}

struct json_object *json_make_string_len(const char *s, size_t len)
{
	return MUST(json_object_new_string_len(s, (int)len));
}

struct json_object *json_make_int(int64_t v)
{
	return MUST(json_object_new_int64(v));
}

struct json_object *json_make_bool(bool v)
{
	return MUST(json_object_new_boolean(v));
}

void json_set(struct json_object *o, const char *key, struct json_object *v)
{
	while (json_object_object_add(o, key, v) < 0)
		if (!oom_give_up_reserve())
			out_of_memory();
}

void json_append(struct json_object *list, struct json_object *v)
{
	while (json_object_array_add(list, v) < 0)
		if (!oom_give_up_reserve())
			out_of_memory();
}

/*
 * A buffer that cannot grow makes json-c leave out what does not fit, and say nothing: the errno is what is left of it
 * (printbuf_extend() in printbuf.c).
 */
const char *json_text(struct json_object *o)
{
	const char *text;

	do {
		errno = 0;
		text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	} while ((!text || errno == ENOMEM) && oom_give_up_reserve());
	if (!text || errno == ENOMEM)
		out_of_memory();
	return text;
}

/*
 * json_tokener_parse_ex() of 0.16 does not look at what strdup(3) gives it for a name, and follows NULL. So memory for all of the document is asked for
 * first: more than it takes in json-c's objects.
 */
#define PER_BYTE 16

static void ask_for_memory(size_t len)
{
	free(must_malloc(len * PER_BYTE + 65536));
}

static struct json_object *parse(const char *text, size_t len, int depth)
{
	struct json_tokener *tok = json_tokener_new_ex(depth);
	struct json_object *doc = tok ? json_tokener_parse_ex(tok, text, (int)len) : NULL;
	int err = errno;

	if (tok)
		json_tokener_free(tok);
	errno = err;
	return doc;
}

/* json-c 0.16 has one word for a syntax error and for no memory; only the errno tells. */
struct json_object *json_read(const char *text, size_t len, int depth)
{
	struct json_object *doc;

	ask_for_memory(len);
	do {
		errno = 0;
		doc = parse(text, len, depth);
	} while (!doc && errno == ENOMEM && oom_give_up_reserve());
	if (!doc && errno == ENOMEM)
		out_of_memory();
	return doc;
}
