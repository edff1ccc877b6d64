// SPDX-License-Identifier: GPL-2.0-or-later
/* Objects by name, id and handle; and who is attached to what. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/workspace-internal.h"
#include "base/str.h"
#include "base/tree.h"

static const struct {
	const char *kind, *prefix;
} kinds[] = {
	[OP_KIND_NONE] = { "object", "object" },     [OP_KIND_DEVICE] = { "device", "dev" },
	[OP_KIND_IOAS] = { "ioas", "ioas" },	     [OP_KIND_HWPT] = { "hwpt", "hwpt" },
	[OP_KIND_VIOMMU] = { "viommu", "viommu" },   [OP_KIND_VDEVICE] = { "vdevice", "vdevice" },
	[OP_KIND_VEVENTQ] = { "veventq", "veventq" }, [OP_KIND_HWQUEUE] = { "hwqueue", "hwqueue" },
	[OP_KIND_FAULTQ] = { "faultq", "faultq" },   [OP_KIND_MAX] = { "hwpt", "auto" },
};

const char *op_kind_name(uint32_t kind)
{
	return kinds[kind < OP_KIND_MAX ? kind : OP_KIND_NONE].kind;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool workspace_good_name(const char *s)
{
	size_t n = 1;

	if (!is_letter(s[0]))
		return false;
	while (is_letter(s[n]) || (s[n] >= '0' && s[n] <= '9') || s[n] == '_' || s[n] == '-')
		n++;
	return !s[n] && n <= OP_NAME_MAX;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct object *)a)->o.name, ((const struct object *)b)->o.name);
}

static int by_id(const void *a, const void *b)
{
	uint32_t x = ((const struct object *)a)->o.id, y = ((const struct object *)b)->o.id;

	return x < y ? -1 : x > y;
}

static int by_handle(const void *a, const void *b)
{
	uint32_t x = ((const struct object *)a)->o.handle, y = ((const struct object *)b)->o.handle;

	return x < y ? -1 : x > y;
}

static struct object *look(void *const *tree, const struct object *key, int (*compare)(const void *, const void *))
{
	struct object **p = tfind(key, tree, compare);

	return p ? *p : NULL;
}

struct object *objects_by_name(struct workspace *w, const char *name)
{
	struct object key;

	if (strlen(name) >= sizeof(key.o.name))
		return NULL;
	strcpy(key.o.name, name);
	return look(&w->by_name, &key, by_name);
}

struct object *objects_by_id(struct workspace *w, uint32_t id)
{
	struct object key;

	key.o.id = id;
	return id ? look(&w->by_id, &key, by_id) : NULL;
}

struct object *objects_by_handle(struct workspace *w, uint32_t handle)
{
	struct object key;

	key.o.handle = handle;
	return handle ? look(&w->by_handle, &key, by_handle) : NULL;
}

int objects_name(struct workspace *w, char *name, uint32_t kind)
{
	if (!memchr(name, '\0', sizeof(op_name)))
		return -EINVAL;
	if (*name && !workspace_good_name(name))
		return -EINVAL;
	if (*name)
		return objects_by_name(w, name) ? -EEXIST : 0;
	do
		snprintf(name, sizeof(op_name), "%s%u", kinds[kind].prefix, ++w->serial[kind]);
	while (objects_by_name(w, name));
	return 0;
}

void workspace_put(void *e, void **tree, int (*compare)(const void *, const void *))
{
	while (!tsearch(e, tree, compare))
		if (!oom_give_up_reserve())
			out_of_memory();
}

struct object *objects_add(struct workspace *w, const struct op_object *o)
{
	struct object *e = must_calloc(1, sizeof(*e)), *stale = objects_by_id(w, o->id);

	if (stale)
		objects_remove(w, stale);
	e->o = *o;
	e->queue_fd = -1;
	workspace_put(e, &w->by_name, by_name);
	if (o->id)
		workspace_put(e, &w->by_id, by_id);
	if (o->kind == OP_KIND_DEVICE)
		workspace_put(e, &w->by_handle, by_handle);
	e->prev = w->last;
	*(w->last ? &w->last->next : &w->first) = e;
	w->last = e;
	w->n++;
	w->n_queues += o->kind == OP_KIND_FAULTQ;
	return e;
}

static void entry_free(struct object *e)
{
	cleanup_close(&e->queue_fd);
	maps_free(&e->maps);
	free(e);
}

void objects_remove(struct workspace *w, struct object *e)
{
	tdelete(e, &w->by_name, by_name);
	if (e->o.id)
		tdelete(e, &w->by_id, by_id);
	if (e->o.kind == OP_KIND_DEVICE)
		tdelete(e, &w->by_handle, by_handle);
	*(e->prev ? &e->prev->next : &w->first) = e->next;
	*(e->next ? &e->next->prev : &w->last) = e->prev;
	w->n--;
	w->n_queues -= e->o.kind == OP_KIND_FAULTQ;
	entry_free(e);
}

void objects_free(struct workspace *w)
{
	for (struct object *e = w->first, *next; e; e = next) {
		next = e->next;
		entry_free(e);
	}
	tree_forget(w->by_name);
	tree_forget(w->by_id);
	tree_forget(w->by_handle);
	vec_free(&w->links);
}

/* -- attachments --------------------------------------------------------------------------------------------------- */

static bool same_place(const struct op_link *l, bool has_pasid, uint32_t pasid)
{
	bool has = l->flags & OP_LINK_PASID;

	return has == has_pasid && (!has || l->pasid == pasid);
}

static bool in_use(struct workspace *w, uint32_t id)
{
	struct op_link *l;

	vec_for_each(l, &w->links)
		if (l->hwpt_id == id)
			return true;
	for (const struct object *e = w->first; e; e = e->next)
		if (e->o.parent == id)
			return true;
	return false;
}

/* What an attach has made goes with its last user. */
static void drop_auto(struct workspace *w, uint32_t id)
{
	struct object *e = objects_by_id(w, id);

	if (e && (e->o.flags & OP_OBJECT_AUTO) && !in_use(w, id))
		objects_remove(w, e);
}

static void add_auto(struct workspace *w, uint32_t id, uint32_t handle, uint32_t wanted)
{
	struct op_object o = { .kind = OP_KIND_HWPT, .id = id, .handle = handle, .flags = OP_OBJECT_AUTO,
			       .parent = wanted, .ioas = wanted };

	objects_name(w, o.name, OP_KIND_MAX);
	objects_add(w, &o);
}

static uint32_t group_of(struct workspace *w, uint32_t handle)
{
	const struct object *e = objects_by_handle(w, handle);

	return e ? e->o.group : OP_NO_GROUP;
}

static struct op_link *find_link(struct workspace *w, uint32_t handle, bool has_pasid, uint32_t pasid)
{
	struct op_link *l;

	vec_for_each(l, &w->links)
		if (l->handle == handle && same_place(l, has_pasid, pasid))
			return l;
	return NULL;
}

/* A replace moves every attached device of the group (iommufd_device_do_replace() in drivers/iommu/iommufd/device.c). */
static void move_group(struct workspace *w, uint32_t handle, bool has_pasid, uint32_t pasid, uint32_t id)
{
	uint32_t group = group_of(w, handle);
	struct op_link *l;

	vec_for_each(l, &w->links)
		if (same_place(l, has_pasid, pasid) &&
		    (l->handle == handle || (group != OP_NO_GROUP && group_of(w, l->handle) == group)))
			l->hwpt_id = id;
}

void links_attach(struct workspace *w, const struct op_device_attach *op, uint32_t wanted)
{
	bool has_pasid = op->flags & OP_ATTACH_PASID;
	struct op_link *l = find_link(w, op->handle, has_pasid, op->pasid);
	uint32_t old = l ? l->hwpt_id : 0;

	if (op->pt_id != wanted && !objects_by_id(w, op->pt_id))
		add_auto(w, op->pt_id, op->handle, wanted);
	if (!l)
		*vec_push(&w->links) = (struct op_link){ op->handle, has_pasid ? OP_LINK_PASID : 0, op->pasid, op->pt_id };
	else
		move_group(w, op->handle, has_pasid, op->pasid, op->pt_id);
	if (old && old != op->pt_id)
		drop_auto(w, old);
}

static void unlink_at(struct workspace *w, size_t i)
{
	uint32_t id = w->links.v[i].hwpt_id;

	w->links.n--;
	memmove(&w->links.v[i], &w->links.v[i + 1], (w->links.n - i) * sizeof(w->links.v[0]));
	drop_auto(w, id);
}

void links_detach(struct workspace *w, uint32_t handle, bool has_pasid, uint32_t pasid)
{
	struct op_link *l = find_link(w, handle, has_pasid, pasid);

	if (l)
		unlink_at(w, (size_t)(l - w->links.v));
}

void links_close(struct workspace *w, uint32_t handle)
{
	for (size_t i = w->links.n; i-- > 0;)
		if (w->links.v[i].handle == handle)
			unlink_at(w, i);
}
