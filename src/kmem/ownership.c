// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmem/ownership.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "kmem/parts.h"
#include "source/doc.h"

static const char *const kind_words[] = {
	[OWNER_VFIO_GROUP] = "vfio-group",
	[OWNER_IOMMUFD] = "iommufd",
};

const char *owner_kind_word(enum owner_kind k)
{
	return kind_words[k];
}

const struct owned_group *ownership_group(const struct ownership *o, uint32_t id)
{
	size_t lo = 0, hi = o->n_groups;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (o->groups[mid].id == id)
			return &o->groups[mid];
		if (o->groups[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* -- writing ------------------------------------------------------------------------------------------------------- */

static void put_index(struct json_object *o, const char *key, const void *p, const void *base, size_t size)
{
	json_set(
		o, key, p ? json_make_int(((const char *)p - (const char *)base) / (int64_t)size) : NULL);
}

static void write_group(struct json_object *to, const struct ownership *o, const struct owned_group *g)
{
	struct json_object *devices;

	json_set(to, "id", json_make_int(g->id));
	doc_put(to, "name", g->name);
	doc_put(to, "problem", g->problem);
	part_put_int(to, "owner_cnt", g->owner_cnt);
	part_put_int(to, "recovery_cnt", g->recovery_cnt);
	put_index(to, "owner", g->owner, o->owners, sizeof(*o->owners));
	part_put_tri(to, "owned", g->owned);
	part_put_int(to, "claims", g->claims);
	put_index(to, "default_domain", g->default_domain, o->domains, sizeof(*o->domains));
	put_index(to, "blocking_domain", g->blocking_domain, o->domains, sizeof(*o->domains));
	put_index(to, "domain", g->domain, o->domains, sizeof(*o->domains));
	devices = part_put_array(to, "devices");
	for (size_t i = 0; i < g->n; i++) {
		struct json_object *d = part_put_element(devices);

		doc_put(d, "name", g->devices[i].name);
		doc_put(d, "bus", g->devices[i].bus);
		doc_put(d, "driver", g->devices[i].driver);
		part_put_tri(d, "managed", g->devices[i].managed);
		part_put_tri(d, "counted", g->devices[i].counted);
		part_put_tri(d, "blocked", g->devices[i].blocked);
	}
}

static void write_owner(struct json_object *to, const struct owner *w)
{
	struct json_object *processes;

	doc_put(to, "kind", owner_kind_word(w->kind));
	part_put_tri(to, "complete", w->complete ? TRI_YES : TRI_NO);
	processes = part_put_array(to, "processes");
	for (size_t i = 0; i < w->n; i++)
		part_put_process(part_put_element(processes), &w->processes[i]);
}

struct json_object *ownership_to_json(const struct ownership *o)
{
	struct json_object *doc = json_make_object(), *v;

	json_set(doc, "version", json_make_int(1));
	json_set(doc, "groups", NULL);
	if (o->known) {
		v = part_put_array(doc, "groups");
		for (size_t i = 0; i < o->n_groups; i++)
			write_group(part_put_element(v), o, &o->groups[i]);
	}
	v = part_put_array(doc, "domains");
	for (size_t i = 0; i < o->n_domains; i++)
		part_put_domain(part_put_element(v), &o->domains[i]);
	v = part_put_array(doc, "owners");
	for (size_t i = 0; i < o->n_owners; i++)
		write_owner(part_put_element(v), &o->owners[i]);
	v = part_put_array(doc, "obstacles");
	for (size_t i = 0; i < o->n_obstacles; i++)
		part_put_obstacle(part_put_element(v), &o->obstacles[i]);
	return doc;
}

/* -- reading: anything may be in there ----------------------------------------------------------------------------- */

struct reader {
	struct ownership *o;
	bool bad;
};

/* A member of that type; NULL when it is null, not there, or something else (then the document is bad). */
static struct json_object *get(struct reader *r, struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, key, &v) || !v)
		return NULL;
	if (json_object_is_type(v, type))
		return v;
	r->bad = true;
	return NULL;
}

static const char *get_str(struct reader *r, struct json_object *o, const char *key)
{
	struct json_object *v = get(r, o, key, json_type_string);

	return v ? arena_strdup(r->o->arena, json_object_get_string(v)) : NULL;
}

static struct num get_int(struct reader *r, struct json_object *o, const char *key)
{
	struct json_object *v = get(r, o, key, json_type_int);

	return v ? NUM(json_object_get_int64(v)) : NUM_UNKNOWN;
}

static int get_tri(struct reader *r, struct json_object *o, const char *key)
{
	struct json_object *v = get(r, o, key, json_type_boolean);

	return !v ? TRI_UNKNOWN : json_object_get_boolean(v) ? TRI_YES : TRI_NO;
}

/* The array and its length; elements that are no objects make the document bad. */
static struct json_object *get_array(struct reader *r, struct json_object *o, const char *key, size_t *ret_n)
{
	struct json_object *v = get(r, o, key, json_type_array);

	*ret_n = v ? json_object_array_length(v) : 0;
	for (size_t i = 0; i < *ret_n; i++)
		if (!json_object_is_type(json_object_array_get_idx(v, i), json_type_object))
			r->bad = true;
	if (r->bad)
		*ret_n = 0;
	return v;
}

static size_t get_index(struct reader *r, struct json_object *o, const char *key, size_t n)
{
	struct num i = get_int(r, o, key);

	if (i.known && (i.v < 0 || (uint64_t)i.v >= n))
		r->bad = true;
	return i.known && !r->bad ? (size_t)i.v : SIZE_MAX;
}

static struct owned_domain *get_domain(struct reader *r, struct json_object *from, const char *key)
{
	size_t i = get_index(r, from, key, r->o->n_domains);

	return i == SIZE_MAX ? NULL : &r->o->domains[i];
}

static void read_group(struct reader *r, struct json_object *from, struct owned_group *g)
{
	struct num id = get_int(r, from, "id");
	struct json_object *devices = get_array(r, from, "devices", &g->n);
	size_t owner = get_index(r, from, "owner", r->o->n_owners);

	r->bad |= !id.known || id.v < 0 || id.v > UINT32_MAX;
	g->id = (uint32_t)id.v;
	g->name = get_str(r, from, "name");
	g->problem = get_str(r, from, "problem");
	g->owner_cnt = get_int(r, from, "owner_cnt");
	g->recovery_cnt = get_int(r, from, "recovery_cnt");
	g->owner = owner == SIZE_MAX ? NULL : &r->o->owners[owner];
	g->owned = get_tri(r, from, "owned");
	g->claims = get_int(r, from, "claims");
	g->default_domain = get_domain(r, from, "default_domain");
	g->blocking_domain = get_domain(r, from, "blocking_domain");
	g->domain = get_domain(r, from, "domain");
	g->devices = arena_array(r->o->arena, struct owned_device, g->n);
	for (size_t i = 0; i < g->n; i++) {
		struct json_object *d = json_object_array_get_idx(devices, i);

		g->devices[i] = (struct owned_device){
			.name = get_str(r, d, "name"),
			.bus = get_str(r, d, "bus"),
			.driver = get_str(r, d, "driver"),
			.managed = get_tri(r, d, "managed"),
			.counted = get_tri(r, d, "counted"),
			.blocked = get_tri(r, d, "blocked"),
		};
	}
}

static void read_owner(struct reader *r, struct json_object *from, struct owner *w)
{
	const char *kind = get_str(r, from, "kind");
	struct json_object *v = get_array(r, from, "processes", &w->n);

	for (size_t i = 0; i < ARRAY_SIZE(kind_words); i++)
		if (kind && streq(kind, kind_words[i]))
			w->kind = (enum owner_kind)i;
	w->complete = get_tri(r, from, "complete") == TRI_YES;
	w->processes = arena_array(r->o->arena, struct owner_process, w->n);
	for (size_t i = 0; i < w->n; i++)
		w->processes[i] = part_get_process(r->o->arena, json_object_array_get_idx(v, i));
}

static void read_domain(struct reader *r, struct json_object *from, struct owned_domain *d)
{
	*d = part_get_domain(r->o->arena, from);
}

static void read_obstacle(struct reader *r, struct json_object *from, struct obstacle *b)
{
	*b = part_get_obstacle(r->o->arena, from);
	r->bad |= !b->code || !b->what;
}

#define READ_ARRAY(r, doc, key, member, count, type, read_one)                                        \
	do {                                                                                          \
		struct json_object *array_ = get_array(r, doc, key, &(r)->o->count);                  \
		(r)->o->member = arena_array((r)->o->arena, type, (r)->o->count);                    \
		for (size_t i_ = 0; i_ < (r)->o->count; i_++)                                         \
			read_one(r, json_object_array_get_idx(array_, i_), &(r)->o->member[i_]);      \
	} while (0)

static int by_id(const void *a, const void *b)
{
	const struct owned_group *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

int ownership_from_json(struct json_object *doc, struct arena *a, struct ownership **ret)
{
	struct ownership *o = arena_new(a, struct ownership);
	struct reader r = { .o = o };

	o->arena = a;
	if (!json_object_is_type(doc, json_type_object) || get_int(&r, doc, "version").v != 1)
		return -EBADMSG;
	READ_ARRAY(&r, doc, "domains", domains, n_domains, struct owned_domain, read_domain);
	READ_ARRAY(&r, doc, "owners", owners, n_owners, struct owner, read_owner);
	READ_ARRAY(&r, doc, "obstacles", obstacles, n_obstacles, struct obstacle, read_obstacle);
	READ_ARRAY(&r, doc, "groups", groups, n_groups, struct owned_group, read_group);
	if (r.bad)
		return -EBADMSG;
	o->known = get(&r, doc, "groups", json_type_array) != NULL;
	if (o->n_groups)
		qsort(o->groups, o->n_groups, sizeof(*o->groups), by_id);
	*ret = o;
	return 0;
}

/* -- from a source --------------------------------------------------------------------------------------------------- */

int ownership_provide(struct ctx *ctx _unused_, struct json_object **ret)
{
	struct arena a = { 0 };

	*ret = ownership_to_json(ownership_gather("", &a));
	arena_free(&a);
	return 0;
}

int ownership_load(struct ctx *ctx, struct source *src, struct arena *a, struct ownership **ret)
{
	struct json_object *doc;
	int r = source_section(src, ctx, SECTION_OWNERSHIP, &doc);

	return r < 0 ? r : part_loaded(ctx, src, SECTION_OWNERSHIP, doc, ownership_from_json(doc, a, ret));
}
