// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmem/parts.h"

#include <errno.h>
#include <stdio.h>

#include "base/json.h"
#include "base/str.h"
#include "source/doc.h"

struct json_object *part_put_array(struct json_object *o, const char *key)
{
	struct json_object *v = json_make_array();

	json_set(o, key, v);
	return v;
}

struct json_object *part_put_element(struct json_object *array)
{
	struct json_object *o = json_make_object();

	json_append(array, o);
	return o;
}

void part_put_int(struct json_object *o, const char *key, struct num n)
{
	json_set(o, key, n.known ? json_make_int(n.v) : NULL);
}

void part_put_tri(struct json_object *o, const char *key, int t)
{
	json_set(o, key, t == TRI_UNKNOWN ? NULL : json_make_bool(t == TRI_YES));
}

void part_put_hex(struct json_object *o, const char *key, struct num n)
{
	char word[24];

	snprintf(word, sizeof(word), "0x%llx", (unsigned long long)n.v);
	doc_put(o, key, n.known ? word : NULL);
}

struct num part_get_hex(struct json_object *o, const char *key)
{
	struct json_object *s = doc_get(o, key, json_type_string);
	uint64_t v;

	if (!s || parse_hex(json_object_get_string(s), &v) < 0)
		return NUM_UNKNOWN;
	return NUM(v);
}

void part_put_domain(struct json_object *to, const struct owned_domain *d)
{
	doc_put(to, "type", d->type);
	doc_put(to, "ops", d->ops);
	doc_put(to, "driver", d->driver);
	doc_put(to, "cookie", d->cookie);
	part_put_hex(to, "page_sizes", d->page_sizes);
	part_put_hex(to, "start", d->start);
	part_put_hex(to, "end", d->end);
	part_put_tri(to, "forced", d->forced);
}

struct owned_domain part_get_domain(struct arena *a, struct json_object *from)
{
	return (struct owned_domain){
		.type = doc_text(a, from, "type"),
		.ops = doc_text(a, from, "ops"),
		.driver = doc_text(a, from, "driver"),
		.cookie = doc_text(a, from, "cookie"),
		.page_sizes = part_get_hex(from, "page_sizes"),
		.start = part_get_hex(from, "start"),
		.end = part_get_hex(from, "end"),
		.forced = doc_bool(from, "forced"),
	};
}

void part_put_process(struct json_object *to, const struct owner_process *p)
{
	doc_put_int(to, "pid", p->pid);
	doc_put(to, "command", p->command);
	doc_put_int(to, "fd", p->fd);
	doc_put(to, "what", p->what);
	doc_put(to, "device", p->device);
}

struct owner_process part_get_process(struct arena *a, struct json_object *from)
{
	return (struct owner_process){
		.pid = doc_num(from, "pid").v,
		.command = doc_text(a, from, "command"),
		.fd = doc_num(from, "fd").v,
		.what = doc_text(a, from, "what"),
		.device = doc_text(a, from, "device"),
	};
}

void part_put_obstacle(struct json_object *to, const struct obstacle *b)
{
	doc_put(to, "code", b->code);
	doc_put_int(to, "errno", b->err);
	doc_put(to, "what", b->what);
	doc_put(to, "why", b->why);
	doc_put(to, "hint", b->hint);
}

struct obstacle part_get_obstacle(struct arena *a, struct json_object *from)
{
	return (struct obstacle){
		.code = doc_text(a, from, "code"),
		.err = (int)doc_num(from, "errno").v,
		.what = doc_text(a, from, "what"),
		.why = doc_text(a, from, "why"),
		.hint = doc_text(a, from, "hint"),
	};
}

int part_loaded(struct ctx *ctx, const struct source *src, enum source_section which, struct json_object *doc, int r)
{
	json_object_put(doc);
	if (r < 0)
		ctx_warn(ctx, "bad-section", EBADMSG, source_section_file(which), "%s: section %s is not what this version writes", src->name,
			 source_section_file(which));
	return r;
}
