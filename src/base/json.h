/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json-c, for documents that are written: a member that got no memory must not be taken for a null, so what json-c cannot do for want of it ends in
 * out_of_memory(). Names are those of json-c, with make, set and append.
 */
#ifndef IOMMUCTL_BASE_JSON_H
#define IOMMUCTL_BASE_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

/* New values, the caller's until they are set or appended. */
struct json_object *json_make_object(void);
struct json_object *json_make_array(void);
struct json_object *json_make_string(const char *s); /* NULL: null */
struct json_object *json_make_string_len(const char *s, size_t len);
struct json_object *json_make_int(int64_t v);
struct json_object *json_make_bool(bool v);

/* Take @v over. */
void json_set(struct json_object *o, const char *key, struct json_object *v);
void json_append(struct json_object *list, struct json_object *v);

/* The document on one line; it is the document's, until it is asked again. */
const char *json_text(struct json_object *o);

/* Parses @len bytes, no deeper than @depth. NULL: they are no JSON; for want of memory the program ends. */
struct json_object *json_read(const char *text, size_t len, int depth);

#endif
