// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * iommufd contexts in the kernel's memory: whoever has one open leads to it (struct iommufd_ctx), its array to the objects, and an object's
 * pointers to others. Proof of an object is its id, which is its place in the array; proof of a pointer, that the array holds what it leads to.
 */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "kmem/iommufd.h"
#include "kmem/tasks.h"
#include "kmem/walk.h"
#include "kmem/xarray.h"

#define ATTEMPTS 4

static const char changing[] = "its objects changed each time they were read, or are damaged";

/* An object in its context's array. */
struct found {
	uint64_t addr, index;
	uint64_t users;
};

typedef VEC(struct found) found_vec;

/* A context, and who has it. */
struct held_context {
	uint64_t addr;
	VEC(struct owner_process) holders;
};

struct object_walk {
	struct kmem *k;
	struct arena *a;
	struct walk groups; /* of which only the groups are used */
	VEC(struct held_context) contexts;
};

/* -- one object ---------------------------------------------------------------------------------------------------- */

struct context_walk {
	struct object_walk *w;
	const struct found *by_addr;
	size_t n;
	struct iommufd_object *o;
};

static int by_addr(const void *a, const void *b)
{
	uint64_t x = ((const struct found *)a)->addr, y = ((const struct found *)b)->addr;

	return x < y ? -1 : x > y;
}

/* The id of the object at @addr; unknown: none, or not one of this context's. */
static struct num id_at(const struct context_walk *c, uint64_t addr)
{
	struct found key = { .addr = addr };
	const struct found *f = addr && c->n ? bsearch(&key, c->by_addr, c->n, sizeof(key), by_addr) : NULL;

	return f ? NUM(f->index) : NUM_UNKNOWN;
}

/* The id of the object that a pointer leads to whose struct iommufd_object is its member @obj. */
static struct num id_of(const struct context_walk *c, uint64_t base, enum kfield pointer, enum kfield obj)
{
	uint64_t to = kmem_num_or_0(c->w->k, base, pointer);

	return to && kmem_has(c->w->k, obj) ? id_at(c, kmem_at(c->w->k, to, obj)) : NUM_UNKNOWN;
}

static struct num id_of_hwpt(const struct context_walk *c, uint64_t hwpt)
{
	return hwpt ? id_at(c, kmem_at(c->w->k, hwpt, KF_HWPT_OBJ)) : NUM_UNKNOWN;
}

/* A pointer to a struct iommufd_hwpt_paging. */
static struct num id_of_paging(const struct context_walk *c, uint64_t base, enum kfield pointer)
{
	uint64_t to = kmem_num_or_0(c->w->k, base, pointer);

	return to ? id_of_hwpt(c, kmem_at(c->w->k, to, KF_PAGING_COMMON)) : NUM_UNKNOWN;
}

/* A fault queue got an event queue inside of it in 6.15. */
static struct num id_of_fault(const struct context_walk *c, uint64_t hwpt)
{
	struct kmem *k = c->w->k;
	uint64_t fault = kmem_num_or_0(k, hwpt, KF_HWPT_FAULT);

	if (!fault)
		return NUM_UNKNOWN;
	if (kmem_has(k, KF_FAULT_COMMON))
		return id_at(c, kmem_at(k, kmem_at(k, fault, KF_FAULT_COMMON), KF_EVENTQ_OBJ));
	return id_at(c, kmem_at(k, fault, KF_FAULT_OBJ));
}

/* Groups whose present domain is this one. */
static void groups_of_domain(struct context_walk *c, uint64_t domain)
{
	struct walk *g = &c->w->groups;
	VEC(uint32_t) ids = { 0 };

	for (size_t i = 0; i < g->groups.n; i++)
		if (g->groups.v[i].domain == domain)
			*vec_push(&ids) = g->groups.v[i].g.id;
	c->o->n_groups = ids.n;
	if (ids.n)
		c->o->groups = (uint32_t *)arena_memdup(c->w->a, ids.v, ids.n * sizeof(*ids.v));
	vec_free(&ids);
}

static void read_page_table(struct context_walk *c, uint64_t hwpt)
{
	uint64_t domain = kmem_num_or_0(c->w->k, hwpt, KF_HWPT_DOMAIN);

	c->o->fault = id_of_fault(c, hwpt);
	if (!domain)
		return;
	c->o->domain = arena_new(c->w->a, struct owned_domain);
	*c->o->domain = walk_domain(c->w->k, domain, c->w->a);
	groups_of_domain(c, domain);
}

static void read_paging(struct context_walk *c, uint64_t hwpt)
{
	struct kmem *k = c->w->k;
	uint64_t paging = kmem_container(k, hwpt, KF_PAGING_COMMON);

	read_page_table(c, hwpt);
	c->o->ioas = id_of(c, paging, KF_PAGING_IOAS, KF_IOAS_OBJ);
	c->o->automatic = kmem_bit(k, paging, KF_PAGING_AUTO);
	c->o->nest_parent = kmem_bit(k, paging, KF_PAGING_NEST);
	c->o->coherent = kmem_bit(k, paging, KF_PAGING_COHERENT);
}

static void read_nested(struct context_walk *c, uint64_t hwpt)
{
	uint64_t nested = kmem_container(c->w->k, hwpt, KF_NESTED_COMMON);

	read_page_table(c, hwpt);
	c->o->hwpt = id_of_paging(c, nested, KF_NESTED_PARENT);
	c->o->viommu = id_of(c, nested, KF_NESTED_VIOMMU, KF_VIOMMU_OBJ);
}

/* Kernels to 6.6 know one sort of page table. */
static void read_only_sort(struct context_walk *c, uint64_t hwpt)
{
	read_page_table(c, hwpt);
	c->o->ioas = id_of(c, hwpt, KF_HWPT_IOAS, KF_IOAS_OBJ);
	c->o->automatic = kmem_bit(c->w->k, hwpt, KF_HWPT_AUTO);
}

static struct num group_at(const struct context_walk *c, uint64_t addr)
{
	const struct walk *g = &c->w->groups;

	for (size_t i = 0; addr && i < g->groups.n; i++)
		if (g->groups.v[i].addr == addr)
			return NUM(g->groups.v[i].g.id);
	return NUM_UNKNOWN;
}

/* To 6.14 a group had one page table, and a list of the devices that are attached. */
static void read_attached_list(struct context_walk *c, uint64_t idev, uint64_t igroup)
{
	struct kmem *k = c->w->k;
	struct klist l = klist_start(k, kmem_at(k, igroup, KF_IGROUP_DEVICES), MAX_MEMBERS);

	c->o->attached = TRI_NO;
	while (klist_next(&l))
		if (l.node == kmem_at(k, idev, KF_IDEV_ITEM))
			c->o->attached = TRI_YES;
	if (l.err)
		c->o->attached = TRI_UNKNOWN;
	if (c->o->attached == TRI_YES)
		c->o->hwpt = id_of_hwpt(c, kmem_num_or_0(k, igroup, KF_IGROUP_HWPT));
}

struct attach_walk {
	struct context_walk *c;
	uint64_t idev;
	bool here;
	VEC(struct iommufd_pasid) pasids;
	int err;
};

static void is_attached(uint64_t index _unused_, uint64_t entry, void *arg)
{
	struct attach_walk *t = arg;

	t->here |= entry == t->idev;
}

/* What is attached at one PASID of the group; 0 (IOMMU_NO_PASID) is the device without one. */
static void look_at_attach(uint64_t pasid, uint64_t attach, void *arg)
{
	struct attach_walk *t = arg;
	struct kmem *k = t->c->w->k;
	int r;

	t->here = false;
	r = xarray_each(k, kmem_at(k, attach, KF_ATTACH_DEVICES), MAX_OBJECTS, is_attached, t);
	if (r < 0)
		t->err = r;
	if (t->here && t->pasids.n < MAX_MEMBERS)
		*vec_push(&t->pasids) = (struct iommufd_pasid){
			(int64_t)pasid, id_of_hwpt(t->c, kmem_num_or_0(k, attach, KF_ATTACH_HWPT))
		};
}

static void read_attached_array(struct context_walk *c, uint64_t idev, uint64_t igroup)
{
	struct attach_walk t = { .c = c, .idev = idev };
	struct kmem *k = c->w->k;
	int r = xarray_each(k, kmem_at(k, igroup, KF_IGROUP_ATTACH), MAX_OBJECTS, look_at_attach, &t);

	c->o->attached = r < 0 || t.err < 0 ? TRI_UNKNOWN : TRI_NO;
	c->o->pasids = arena_array(c->w->a, struct iommufd_pasid, t.pasids.n);
	for (size_t i = 0; c->o->attached != TRI_UNKNOWN && i < t.pasids.n; i++) {
		if (t.pasids.v[i].pasid) {
			c->o->pasids[c->o->n_pasids++] = t.pasids.v[i];
			continue;
		}
		c->o->hwpt = t.pasids.v[i].hwpt;
		c->o->attached = TRI_YES;
	}
	vec_free(&t.pasids);
}

static void read_device(struct context_walk *c, uint64_t obj)
{
	struct kmem *k = c->w->k;
	uint64_t idev = kmem_container(k, obj, KF_IDEV_OBJ), dev = kmem_num_or_0(k, idev, KF_IDEV_DEV);
	uint64_t igroup = kmem_num_or_0(k, idev, KF_IDEV_GROUP);

	if (dev)
		c->o->device = kmem_member_string(k, kmem_at(k, dev, KF_DEVICE_KOBJ), KF_KOBJ_NAME, c->w->a);
	c->o->group = group_at(c, kmem_num_or_0(k, dev, KF_DEVICE_GROUP));
	if (igroup && kmem_has(k, KF_IGROUP_ATTACH) && kmem_has(k, KF_ATTACH_DEVICES))
		read_attached_array(c, idev, igroup);
	else if (igroup && kmem_has(k, KF_IGROUP_DEVICES) && kmem_has(k, KF_IDEV_ITEM))
		read_attached_list(c, idev, igroup);
}

static void read_vdevice(struct context_walk *c, uint64_t obj)
{
	struct kmem *k = c->w->k;
	uint64_t vdevice = kmem_container(k, obj, KF_VDEVICE_OBJ), id;

	c->o->viommu = id_of(c, vdevice, KF_VDEVICE_VIOMMU, KF_VIOMMU_OBJ);
	c->o->idev = id_of(c, vdevice, KF_VDEVICE_IDEV, KF_IDEV_OBJ);
	if (kmem_num(k, vdevice, KF_VDEVICE_ID, &id) == 0)
		c->o->virt_id = NUM(id);
}

static void read_viommu(struct context_walk *c, uint64_t obj)
{
	c->o->hwpt = id_of_paging(c, kmem_container(c->w->k, obj, KF_VIOMMU_OBJ), KF_VIOMMU_HWPT);
}

static void read_veventq(struct context_walk *c, uint64_t obj)
{
	struct kmem *k = c->w->k;
	uint64_t eventq = kmem_container(k, obj, KF_EVENTQ_OBJ);

	c->o->viommu = id_of(c, kmem_container(k, eventq, KF_VEVENTQ_COMMON), KF_VEVENTQ_VIOMMU, KF_VIOMMU_OBJ);
}

static void read_access(struct context_walk *c, uint64_t obj)
{
	c->o->ioas = id_of(c, kmem_container(c->w->k, obj, KF_ACCESS_OBJ), KF_ACCESS_IOAS, KF_IOAS_OBJ);
}

static void read_hw_queue(struct context_walk *c, uint64_t obj)
{
	c->o->viommu = id_of(c, kmem_container(c->w->k, obj, KF_HWQ_OBJ), KF_HWQ_VIOMMU, KF_VIOMMU_OBJ);
}

static void read_hwpt(struct context_walk *c, uint64_t obj)
{
	uint64_t hwpt = kmem_container(c->w->k, obj, KF_HWPT_OBJ);

	if (streq(c->o->type, "hwpt-paging"))
		read_paging(c, hwpt);
	else if (streq(c->o->type, "hwpt-nested"))
		read_nested(c, hwpt);
	else
		read_only_sort(c, hwpt);
}

/* By the kernel's own word for its type; @needs is the member by which the object is found in its structure. */
static const struct {
	const char *type;
	enum kfield needs;
	void (*read)(struct context_walk *c, uint64_t obj);
} readers[] = {
	{ "device", KF_IDEV_OBJ, read_device },	       { "hwpt-paging", KF_HWPT_OBJ, read_hwpt },
	{ "hwpt-nested", KF_HWPT_OBJ, read_hwpt },     { "hw-pagetable", KF_HWPT_OBJ, read_hwpt },
	{ "viommu", KF_VIOMMU_OBJ, read_viommu },      { "vdevice", KF_VDEVICE_OBJ, read_vdevice },
	{ "veventq", KF_VEVENTQ_COMMON, read_veventq }, { "access", KF_ACCESS_OBJ, read_access },
	{ "hw-queue", KF_HWQ_OBJ, read_hw_queue },
};

static void read_object(struct context_walk *c, const struct found *f, const char *type)
{
	*c->o = (struct iommufd_object){
		.id = (uint32_t)f->index,
		.type = type,
		.users = kmem_has(c->w->k, KF_OBJ_USERS) ? NUM(f->users) : NUM_UNKNOWN,
		.attached = TRI_UNKNOWN,
		.automatic = TRI_UNKNOWN,
		.nest_parent = TRI_UNKNOWN,
		.coherent = TRI_UNKNOWN,
	};
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++)
		if (streq(type, readers[i].type) && kmem_has(c->w->k, readers[i].needs))
			readers[i].read(c, f->addr);
}

/* -- one context --------------------------------------------------------------------------------------------------- */

struct collecting {
	struct kmem *k;
	found_vec *v;
	int err;
};

static void collect(uint64_t index, uint64_t addr, void *arg)
{
	struct collecting *c = arg;
	struct found f = { .addr = addr, .index = index };
	uint64_t id;

	if (kmem_num(c->k, addr, KF_OBJ_ID, &id) < 0 || id != index)
		c->err = -EAGAIN;
	f.users = kmem_num_or_0(c->k, addr, KF_OBJ_USERS);
	*vec_push(c->v) = f;
}

static int collect_objects(struct kmem *k, uint64_t ctx, found_vec *v)
{
	struct collecting c = { .k = k, .v = v };
	int r;

	v->n = 0;
	memory_forget(k->memory);
	r = xarray_each(k, kmem_at(k, ctx, KF_CTX_OBJECTS), MAX_SLOTS_OF_OBJECTS, collect, &c);
	return r < 0 ? r : c.err;
}

static bool same_objects(const found_vec *x, const found_vec *y)
{
	if (x->n != y->n)
		return false;
	for (size_t i = 0; i < x->n; i++)
		if (x->v[i].addr != y->v[i].addr || x->v[i].index != y->v[i].index || x->v[i].users != y->v[i].users)
			return false;
	return true;
}

static int read_objects(struct object_walk *w, const found_vec *v, struct iommufd_context *to)
{
	struct found *sorted = arena_array(w->a, struct found, v->n);
	struct context_walk c = { .w = w, .by_addr = sorted, .n = v->n };

	if (v->n) {
		memcpy(sorted, v->v, v->n * sizeof(*sorted));
		qsort(sorted, v->n, sizeof(*sorted), by_addr);
	}
	to->n = 0;
	to->objects = arena_array(w->a, struct iommufd_object, v->n);
	for (size_t i = 0; i < v->n; i++) {
		uint64_t type;
		const char *word = NULL;

		if (kmem_num(w->k, v->v[i].addr, KF_OBJ_TYPE, &type) == 0)
			word = ktypes_word(&w->k->types, KE_IOMMUFD_OBJECT, (int64_t)type);
		/* the enumeration's first and last words are no types */
		if (!word || streq(word, "none") || streq(word, "max"))
			return -EAGAIN;
		c.o = &to->objects[to->n++];
		read_object(&c, &v->v[i], arena_strdup(w->a, word));
	}
	return 0;
}

/* What was read counts when the same objects are there before and after. */
static int read_context_once(struct object_walk *w, uint64_t ctx, struct iommufd_context *to)
{
	found_vec before = { 0 }, after = { 0 };
	int r = collect_objects(w->k, ctx, &before);

	if (r == 0)
		r = read_objects(w, &before, to);
	if (r == 0)
		r = collect_objects(w->k, ctx, &after);
	if (r == 0 && !same_objects(&before, &after))
		r = -EAGAIN;
	vec_free(&before);
	vec_free(&after);
	return r;
}

static void read_context(struct object_walk *w, uint64_t ctx, struct iommufd_context *to)
{
	int r = -EAGAIN;

	for (int i = 0; i < ATTEMPTS && r == -EAGAIN; i++)
		r = read_context_once(w, ctx, to);
	if (r == 0)
		return;
	to->problem = r == -EAGAIN ? changing : "its objects cannot be followed to the last";
	to->n = 0;
}

/* -- all contexts -------------------------------------------------------------------------------------------------- */

/* A context points to its file, and that back to it. */
static bool is_context(struct kmem *k, uint64_t ctx)
{
	uint64_t file;

	return ctx && kmem_num(k, ctx, KF_CTX_FILE, &file) == 0 && kmem_num_or_0(k, file, KF_FILE_PRIVATE) == ctx &&
	       kmem_num_or_0(k, file, KF_FILE_OPS) == symbols_addr(&k->symbols, KSYM_IOMMUFD_FOPS);
}

static struct held_context *context_at(struct object_walk *w, uint64_t addr)
{
	for (size_t i = 0; i < w->contexts.n; i++)
		if (w->contexts.v[i].addr == addr)
			return &w->contexts.v[i];
	if (w->contexts.n >= MAX_CONTEXTS || !is_context(w->k, addr))
		return NULL;
	vec_push(&w->contexts)->addr = addr;
	return &w->contexts.v[w->contexts.n - 1];
}

static void look_at_file(const struct task_file *f, void *arg)
{
	struct object_walk *w = arg;
	struct held_context *c = context_at(w, task_file_context(w->k, f));

	if (c && c->holders.n < MAX_PROCESSES)
		*vec_push(&c->holders) = task_file_process(w->k, f, w->a);
}

static void forget_contexts(struct object_walk *w)
{
	struct held_context *c;

	vec_for_each(c, &w->contexts)
		vec_free(&c->holders);
	w->contexts.n = 0;
}

/* 0: all processes were seen. */
static int find_contexts(struct object_walk *w)
{
	int r = -EAGAIN;

	for (int i = 0; i < ATTEMPTS && r == -EAGAIN; i++) {
		forget_contexts(w);
		r = tasks_walk(w->k, look_at_file, w);
	}
	/* a descriptor on its way through a socket has no process, but what it has claimed has an owner */
	for (size_t i = 0; i < w->groups.groups.n; i++)
		(void)context_at(w, w->groups.groups.v[i].owner);
	return r;
}

static void keep_contexts(struct object_walk *w, struct iommufds *f, bool complete)
{
	f->n = w->contexts.n;
	f->v = arena_array(w->a, struct iommufd_context, f->n);
	for (size_t i = 0; i < f->n; i++) {
		struct held_context *c = &w->contexts.v[i];

		f->v[i].complete = complete;
		f->v[i].n_holders = c->holders.n;
		f->v[i].holders = arena_array(w->a, struct owner_process, c->holders.n);
		if (c->holders.n)
			memcpy(f->v[i].holders, c->holders.v, c->holders.n * sizeof(*c->holders.v));
		read_context(w, c->addr, &f->v[i]);
	}
}

static void stands_in_the_way(struct iommufds *f, struct arena *a, const char *what, const char *why)
{
	f->obstacles = arena_new(a, struct obstacle);
	f->n_obstacles = 1;
	*f->obstacles = (struct obstacle){ .code = "no-iommufd-types", .err = EOPNOTSUPP, .what = what, .why = why };
}

static const enum kfield for_objects[] = { KF_CTX_OBJECTS, KF_CTX_FILE, KF_OBJ_TYPE, KF_OBJ_ID, KF_XARRAY_HEAD, KF_XA_SHIFT, KF_XA_SLOTS };

/* Whether there is anything to be walked, and can be. */
static bool can_walk(struct kmem *k, struct arena *a, struct iommufds *f)
{
	/* not there, or its module is not loaded: nobody has a context */
	if (!k->symbols.wanted[KSYM_IOMMUFD_FOPS].seen) {
		f->known = true;
		return false;
	}
	if (!symbols_addr(&k->symbols, KSYM_IOMMUFD_FOPS) || !tasks_can_walk(k)) {
		stands_in_the_way(f, a, "/proc/kallsyms", "it does not lead to the files of processes");
		return false;
	}
	for (size_t i = 0; i < ARRAY_SIZE(for_objects); i++)
		if (!kmem_has(k, for_objects[i])) {
			stands_in_the_way(f, a, "/sys/kernel/btf",
					  arena_printf(a, "it has no %s of the kind we know", kfield_name(for_objects[i])));
			return false;
		}
	return true;
}

void walk_iommufds(struct kmem *k, struct arena *a, struct iommufds *f)
{
	struct ownership scratch = { .arena = a };
	struct object_walk w = { .k = k, .a = a, .groups = { .k = k, .o = &scratch } };

	if (!can_walk(k, a, f))
		return;
	/* without them the objects are shown, and groups are unknown */
	if (walk_groups(&w.groups) < 0)
		w.groups.groups.n = 0;
	keep_contexts(&w, f, find_contexts(&w) == 0);
	f->known = true;
	forget_contexts(&w);
	vec_free(&w.contexts);
	vec_free(&w.groups.groups);
}
