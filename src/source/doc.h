/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fields of a JSON document that may be anything: a section out of a foreign snapshot. What is missing
 * or of another type is unknown.
 */
#ifndef IOMMUCTL_SOURCE_DOC_H
#define IOMMUCTL_SOURCE_DOC_H

#include <json-c/json.h>

#include "base/arena.h"
#include "base/util.h"

/* The member when it has this type, else NULL. @o may be NULL. */
struct json_object *doc_get(struct json_object *o, const char *key, enum json_type type);

/* A copy in @a, NULL unknown. */
const char *doc_text(struct arena *a, struct json_object *o, const char *key);

/* -1 unknown, 0, 1. */
enum tri doc_bool(struct json_object *o, const char *key);

/* The member when it is an integer, else unknown. */
struct num doc_num(struct json_object *o, const char *key);

/* The member's length when it is an array, else 0; and its element @i. */
size_t doc_len(struct json_object *o, const char *key);
struct json_object *doc_at(struct json_object *o, const char *key, size_t i);

/* Adds a string, null when @text is NULL. Bytes that are not UTF-8 are kept as they are. */
void doc_put(struct json_object *o, const char *key, const char *text);
void doc_put_int(struct json_object *o, const char *key, int64_t v);
void doc_put_bool(struct json_object *o, const char *key, bool v);

#endif
