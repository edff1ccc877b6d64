// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmem/iommufd.h"

#include <errno.h>

#include "base/json.h"
#include "kmem/parts.h"
#include "source/doc.h"

const struct iommufd_object *iommufd_object(const struct iommufd_context *c, struct num id)
{
	size_t lo = 0, hi = id.known ? c->n : 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->objects[mid].id == id.v)
			return &c->objects[mid];
		if (c->objects[mid].id < id.v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* -- writing ------------------------------------------------------------------------------------------------------- */

static void write_pasids(struct json_object *to, const struct iommufd_object *o)
{
	struct json_object *v = part_put_array(to, "pasids");

	for (size_t i = 0; i < o->n_pasids; i++) {
		struct json_object *p = part_put_element(v);

		doc_put_int(p, "pasid", o->pasids[i].pasid);
		part_put_int(p, "hwpt", o->pasids[i].hwpt);
	}
}

static void write_page_table(struct json_object *to, const struct iommufd_object *o)
{
	struct json_object *v = part_put_array(to, "groups"), *domain = o->domain ? json_make_object() : NULL;

	for (size_t i = 0; i < o->n_groups; i++)
		json_append(v, json_make_int(o->groups[i]));
	part_put_tri(to, "automatic", o->automatic);
	part_put_tri(to, "nest_parent", o->nest_parent);
	part_put_tri(to, "coherent", o->coherent);
	if (domain)
		part_put_domain(domain, o->domain);
	json_set(to, "domain", domain);
}

static void write_object(struct json_object *to, const struct iommufd_object *o)
{
	doc_put_int(to, "id", o->id);
	doc_put(to, "type", o->type);
	part_put_int(to, "users", o->users);
	part_put_int(to, "ioas", o->ioas);
	part_put_int(to, "hwpt", o->hwpt);
	part_put_int(to, "viommu", o->viommu);
	part_put_int(to, "fault", o->fault);
	part_put_int(to, "idev", o->idev);
	doc_put(to, "device", o->device);
	part_put_int(to, "group", o->group);
	part_put_tri(to, "attached", o->attached);
	part_put_hex(to, "virt_id", o->virt_id);
	write_pasids(to, o);
	write_page_table(to, o);
}

static void write_context(struct json_object *to, const struct iommufd_context *c)
{
	struct json_object *v;

	doc_put_bool(to, "complete", c->complete);
	doc_put(to, "problem", c->problem);
	v = part_put_array(to, "holders");
	for (size_t i = 0; i < c->n_holders; i++)
		part_put_process(part_put_element(v), &c->holders[i]);
	v = part_put_array(to, "objects");
	for (size_t i = 0; i < c->n; i++)
		write_object(part_put_element(v), &c->objects[i]);
}

struct json_object *iommufds_to_json(const struct iommufds *f)
{
	struct json_object *doc = json_make_object(), *v;

	doc_put_int(doc, "version", 1);
	json_set(doc, "contexts", NULL);
	if (f->known) {
		v = part_put_array(doc, "contexts");
		for (size_t i = 0; i < f->n; i++)
			write_context(part_put_element(v), &f->v[i]);
	}
	v = part_put_array(doc, "obstacles");
	for (size_t i = 0; i < f->n_obstacles; i++)
		part_put_obstacle(part_put_element(v), &f->obstacles[i]);
	return doc;
}

/* -- reading: anything may be in there ----------------------------------------------------------------------------- */

static bool is_id(struct num n)
{
	return n.known && n.v >= 0 && n.v <= UINT32_MAX;
}

static void read_pasids(struct arena *a, struct json_object *from, struct iommufd_object *o)
{
	o->n_pasids = doc_len(from, "pasids");
	o->pasids = arena_array(a, struct iommufd_pasid, o->n_pasids);
	for (size_t i = 0; i < o->n_pasids; i++) {
		struct json_object *p = doc_at(from, "pasids", i);

		o->pasids[i] = (struct iommufd_pasid){ doc_num(p, "pasid").v, doc_num(p, "hwpt") };
	}
}

static void read_page_table(struct arena *a, struct json_object *from, struct iommufd_object *o)
{
	struct json_object *domain = doc_get(from, "domain", json_type_object);
	size_t n = doc_len(from, "groups");
	uint32_t *groups = arena_array(a, uint32_t, n);

	for (size_t i = 0; i < n; i++)
		groups[i] = (uint32_t)json_object_get_int64(doc_at(from, "groups", i));
	o->groups = groups;
	o->n_groups = n;
	o->automatic = doc_bool(from, "automatic");
	o->nest_parent = doc_bool(from, "nest_parent");
	o->coherent = doc_bool(from, "coherent");
	if (!domain)
		return;
	o->domain = arena_new(a, struct owned_domain);
	*o->domain = part_get_domain(a, domain);
}

static bool read_object(struct arena *a, struct json_object *from, struct iommufd_object *o)
{
	struct num id = doc_num(from, "id");

	*o = (struct iommufd_object){
		.id = (uint32_t)id.v,
		.type = doc_text(a, from, "type"),
		.users = doc_num(from, "users"),
		.ioas = doc_num(from, "ioas"),
		.hwpt = doc_num(from, "hwpt"),
		.viommu = doc_num(from, "viommu"),
		.fault = doc_num(from, "fault"),
		.idev = doc_num(from, "idev"),
		.device = doc_text(a, from, "device"),
		.group = doc_num(from, "group"),
		.attached = doc_bool(from, "attached"),
		.virt_id = part_get_hex(from, "virt_id"),
	};
	read_pasids(a, from, o);
	read_page_table(a, from, o);
	return is_id(id) && o->type;
}

/* Objects are by id, each once: what says something else is not ours. */
static bool read_context(struct arena *a, struct json_object *from, struct iommufd_context *c)
{
	*c = (struct iommufd_context){
		.complete = doc_bool(from, "complete") == TRI_YES,
		.problem = doc_text(a, from, "problem"),
		.n_holders = doc_len(from, "holders"),
		.n = doc_len(from, "objects"),
	};
	c->holders = arena_array(a, struct owner_process, c->n_holders);
	for (size_t i = 0; i < c->n_holders; i++)
		c->holders[i] = part_get_process(a, doc_at(from, "holders", i));
	c->objects = arena_array(a, struct iommufd_object, c->n);
	for (size_t i = 0; i < c->n; i++)
		if (!read_object(a, doc_at(from, "objects", i), &c->objects[i]) ||
		    (i && c->objects[i].id <= c->objects[i - 1].id))
			return false;
	return true;
}

int iommufds_from_json(struct json_object *doc, struct arena *a, struct iommufds **ret)
{
	struct iommufds *f = arena_new(a, struct iommufds);

	if (doc_num(doc, "version").v != 1)
		return -EBADMSG;
	f->known = doc_get(doc, "contexts", json_type_array) != NULL;
	f->n = doc_len(doc, "contexts");
	f->v = arena_array(a, struct iommufd_context, f->n);
	for (size_t i = 0; i < f->n; i++)
		if (!read_context(a, doc_at(doc, "contexts", i), &f->v[i]))
			return -EBADMSG;
	f->n_obstacles = doc_len(doc, "obstacles");
	f->obstacles = arena_array(a, struct obstacle, f->n_obstacles);
	for (size_t i = 0; i < f->n_obstacles; i++) {
		f->obstacles[i] = part_get_obstacle(a, doc_at(doc, "obstacles", i));
		if (!f->obstacles[i].code || !f->obstacles[i].what)
			return -EBADMSG;
	}
	*ret = f;
	return 0;
}

/* -- from a source --------------------------------------------------------------------------------------------------- */

int iommufds_provide(struct ctx *ctx _unused_, struct json_object **ret)
{
	struct arena a = { 0 };

	*ret = iommufds_to_json(iommufds_gather("", &a));
	arena_free(&a);
	return 0;
}

int iommufds_load(struct ctx *ctx, struct source *src, struct arena *a, struct iommufds **ret)
{
	struct json_object *doc;
	int r = source_section(src, ctx, SECTION_IOMMUFD, &doc);

	return r < 0 ? r : part_loaded(ctx, src, SECTION_IOMMUFD, doc, iommufds_from_json(doc, a, ret));
}
