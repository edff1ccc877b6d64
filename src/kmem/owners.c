// SPDX-License-Identifier: GPL-2.0-or-later
/* What an owner pointer is, what it accounts for, and which processes stand behind it. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "kmem/tasks.h"
#include "kmem/walk.h"
#include "kmem/xarray.h"

/* -- kinds and claims ------------------------------------------------------------------------------------------------ */

/* VFIO claims a group for a container once, whatever number of devices is opened (vfio_container_attach_group()). */
static bool is_vfio_group(struct kmem *k, const struct walked *g, struct num *ret_claims)
{
	uint64_t container;

	if (!kmem_has(k, KF_VFIO_GROUP_GROUP) || kmem_num_or_0(k, g->owner, KF_VFIO_GROUP_GROUP) != g->addr)
		return false;
	if (kmem_num(k, g->owner, KF_VFIO_GROUP_CONTAINER, &container) == 0 && container)
		*ret_claims = NUM(1);
	return true;
}

struct ctx_claims {
	struct kmem *k;
	int64_t device_type;
	uint64_t ctx, group;
	int64_t n;
};

/* A device of iommufd belongs to the group if its struct device does; it points back to its context. */
static void count_claim(uint64_t index _unused_, uint64_t obj, void *arg)
{
	struct ctx_claims *c = arg;
	uint64_t type, idev = kmem_container(c->k, obj, KF_IDEV_OBJ);
	uint64_t dev;

	if (kmem_num(c->k, obj, KF_OBJ_TYPE, &type) < 0 || (int64_t)type != c->device_type ||
	    kmem_num_or_0(c->k, idev, KF_IDEV_CTX) != c->ctx)
		return;
	dev = kmem_num_or_0(c->k, idev, KF_IDEV_DEV);
	if (dev && kmem_num_or_0(c->k, dev, KF_DEVICE_GROUP) == c->group)
		c->n++;
}

/* iommufd claims once for each device that is bound to it (iommufd_device_bind()). */
static bool is_iommufd(struct kmem *k, const struct walked *g, struct num *ret_claims)
{
	struct ctx_claims c = { .k = k, .ctx = g->owner, .group = g->addr };

	if (!kmem_has(k, KF_CTX_OBJECTS) || !kmem_has(k, KF_IDEV_CTX) || !kmem_has(k, KF_IDEV_DEV) ||
	    !kmem_has(k, KF_DEVICE_GROUP) || !kmem_has(k, KF_IDEV_OBJ) ||
	    ktypes_value(&k->types, KE_IOMMUFD_OBJECT, "device", &c.device_type) < 0)
		return false;
	if (xarray_each(k, kmem_at(k, g->owner, KF_CTX_OBJECTS), MAX_OBJECTS, count_claim, &c) == 0 && c.n)
		*ret_claims = NUM(c.n);
	return c.n > 0;
}

static struct owner *owner_at(struct walk *w, uint64_t addr)
{
	for (size_t i = 0; i < w->owners.n; i++)
		if (w->owners.v[i] == addr)
			return &w->o->owners[i];
	w->o->owners[w->owners.n] = (struct owner){ 0 };
	*vec_push(&w->owners) = addr;
	w->o->n_owners = w->owners.n;
	return &w->o->owners[w->owners.n - 1];
}

static void resolve(struct walk *w, struct walked *g)
{
	g->g.owner = owner_at(w, g->owner);
	if (is_vfio_group(w->k, g, &g->g.claims))
		g->g.owner->kind = OWNER_VFIO_GROUP;
	else if (is_iommufd(w->k, g, &g->g.claims))
		g->g.owner->kind = OWNER_IOMMUFD;
}

/* -- processes ------------------------------------------------------------------------------------------------------- */

struct holding {
	size_t owner;
	struct owner_process p;
};

struct holders {
	struct walk *w;
	VEC(struct holding) found;
};

static size_t owner_index(const struct walk *w, uint64_t addr)
{
	for (size_t i = 0; addr && i < w->owners.n; i++)
		if (w->owners.v[i] == addr)
			return i;
	return SIZE_MAX;
}

/* The owner that this descriptor stands for, SIZE_MAX: none. */
static size_t file_owner(const struct walk *w, const struct task_file *f)
{
	size_t i = owner_index(w, f->private_data);

	switch (f->kind) {
	case KSYM_IOMMUFD_FOPS:
	case KSYM_VFIO_GROUP_FOPS:
		return i;
	case KSYM_VFIO_DEVICE_FOPS:
		i = owner_index(w, task_file_context(w->k, f));
		return i != SIZE_MAX ? i : owner_index(w, kmem_num_or_0(w->k, task_file_device(w->k, f), KF_VDEV_GROUP));
	default:
		return SIZE_MAX;
	}
}

static void look_at_file(const struct task_file *f, void *arg)
{
	struct holders *h = arg;
	size_t owner = file_owner(h->w, f);

	if (owner != SIZE_MAX && h->found.n < MAX_PROCESSES)
		*vec_push(&h->found) = (struct holding){ owner, task_file_process(h->w->k, f, h->w->o->arena) };
}

static void keep_processes(struct holders *h, struct owner *o, size_t index)
{
	o->processes = arena_array(h->w->o->arena, struct owner_process, h->found.n);
	for (size_t i = 0; i < h->found.n; i++)
		if (h->found.v[i].owner == index)
			o->processes[o->n++] = h->found.v[i].p;
}

static void find_processes(struct walk *w)
{
	struct holders h = { .w = w };
	int r = -EAGAIN;

	for (int i = 0; i < 3 && r == -EAGAIN; i++) {
		h.found.n = 0;
		r = tasks_walk(w->k, look_at_file, &h);
	}
	for (size_t i = 0; i < w->owners.n; i++) {
		keep_processes(&h, &w->o->owners[i], i);
		w->o->owners[i].complete = r == 0;
	}
	vec_free(&h.found);
}

void walk_owners(struct walk *w)
{
	w->o->owners = arena_array(w->o->arena, struct owner, w->groups.n);
	for (size_t i = 0; i < w->groups.n; i++)
		if (w->groups.v[i].g.owned == TRI_YES)
			resolve(w, &w->groups.v[i]);
	if (w->owners.n && tasks_can_walk(w->k))
		find_processes(w);
}
