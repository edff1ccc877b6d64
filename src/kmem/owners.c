// SPDX-License-Identifier: GPL-2.0-or-later
/* What an owner pointer is, what it accounts for, and which processes stand behind it. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "kmem/walk.h"

/* -- an xarray's entries (include/linux/xarray.h) ---------------------------------------------------------------- */

struct xa_walk {
	struct kmem *k;
	size_t left; /* slots that may still be looked at */
	bool complete;
	void (*entry)(uint64_t addr, void *arg);
	void *arg;
};

/* An entry whose two low bits are 2 and that is no small number is a node. */
static bool is_node(uint64_t entry)
{
	return (entry & 3) == 2 && entry > 4096;
}

static void xa_visit(struct xa_walk *x, uint64_t entry, uint64_t max_shift)
{
	uint64_t node = entry - 2, shift;
	uint32_t slots = x->k->types.field[KF_XA_SLOTS].count;

	if (!is_node(entry)) {
		if (entry && !(entry & 3))
			x->entry(entry, x->arg);
		return;
	}
	/* a node below another has a smaller shift: a loop cannot go on */
	if (kmem_num(x->k, node, KF_XA_SHIFT, &shift) < 0 || shift >= max_shift) {
		x->complete = false;
		return;
	}
	for (uint32_t i = 0; i < slots; i++) {
		uint64_t at = kmem_at(x->k, node, KF_XA_SLOTS) + i * sizeof(uint64_t), slot;

		if (!x->left || kmem_pointer(x->k, at, &slot) < 0) {
			x->complete = false;
			return;
		}
		x->left--;
		if (slot)
			xa_visit(x, slot, shift);
	}
}

/* Whether all entries were seen. */
static bool xa_for_each(struct kmem *k, uint64_t xa, void (*entry)(uint64_t addr, void *arg), void *arg)
{
	struct xa_walk x = { .k = k, .left = MAX_OBJECTS, .complete = true, .entry = entry, .arg = arg };
	uint64_t head;

	if (!k->types.field[KF_XA_SLOTS].count || !kmem_has(k, KF_XA_SHIFT) || kmem_num(k, xa, KF_XARRAY_HEAD, &head) < 0)
		return false;
	xa_visit(&x, head, 64);
	return x.complete;
}

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
static void count_claim(uint64_t obj, void *arg)
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
	if (xa_for_each(k, kmem_at(k, g->owner, KF_CTX_OBJECTS), count_claim, &c) && c.n)
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

struct task_walk {
	struct walk *w;
	VEC(struct holding) found;
	uint64_t kernel_files; /* that kernel threads share */
};

static bool ops_are(struct kmem *k, uint64_t ops, enum ksym which)
{
	return symbols_addr(&k->symbols, which) && ops == symbols_addr(&k->symbols, which);
}

static size_t owner_index(const struct walk *w, uint64_t addr)
{
	for (size_t i = 0; addr && i < w->owners.n; i++)
		if (w->owners.v[i] == addr)
			return i;
	return SIZE_MAX;
}

/* A VFIO device's descriptor: since 6.6 with a structure of its own in between (struct vfio_device_file). */
static size_t device_file_owner(struct task_walk *t, uint64_t private, const char **ret_device)
{
	struct kmem *k = t->w->k;
	uint64_t vdev = kmem_has(k, KF_VDF_DEVICE) ? kmem_num_or_0(k, private, KF_VDF_DEVICE) : private;
	uint64_t dev = kmem_num_or_0(k, vdev, KF_VDEV_DEV);
	size_t i = owner_index(t->w, kmem_num_or_0(k, private, KF_VDF_IOMMUFD));

	if (i == SIZE_MAX)
		i = owner_index(t->w, kmem_num_or_0(k, vdev, KF_VDEV_GROUP));
	if (i != SIZE_MAX && dev)
		*ret_device = kmem_member_string(k, kmem_at(k, dev, KF_DEVICE_KOBJ), KF_KOBJ_NAME, t->w->o->arena);
	return i;
}

/* The owner that this descriptor stands for, SIZE_MAX: none. */
static size_t file_owner(struct task_walk *t, uint64_t file, struct owner_process *p)
{
	struct kmem *k = t->w->k;
	uint64_t ops = kmem_num_or_0(k, file, KF_FILE_OPS), private;

	if (!ops_are(k, ops, KSYM_IOMMUFD_FOPS) && !ops_are(k, ops, KSYM_VFIO_GROUP_FOPS) &&
	    !ops_are(k, ops, KSYM_VFIO_DEVICE_FOPS))
		return SIZE_MAX;
	private = kmem_num_or_0(k, file, KF_FILE_PRIVATE);
	if (ops_are(k, ops, KSYM_VFIO_DEVICE_FOPS)) {
		p->what = "vfio-device";
		return device_file_owner(t, private, &p->device);
	}
	p->what = ops_are(k, ops, KSYM_IOMMUFD_FOPS) ? "iommufd" : "vfio-group";
	return owner_index(t->w, private);
}

static void add_holding(struct task_walk *t, size_t owner, uint64_t task, uint64_t tgid, struct owner_process p)
{
	char comm[17] = { 0 };

	if (t->found.n >= MAX_PROCESSES)
		return;
	if (memory_read(t->w->k->memory, kmem_at(t->w->k, task, KF_TASK_COMM), comm, sizeof(comm) - 1) == 0)
		p.command = arena_strdup(t->w->o->arena, comm);
	p.pid = (int64_t)tgid;
	*vec_push(&t->found) = (struct holding){ .owner = owner, .p = p };
}

static int look_at_files(struct task_walk *t, uint64_t task)
{
	struct kmem *k = t->w->k;
	uint64_t files = kmem_num_or_0(k, task, KF_TASK_FILES), fdt, max, fds, tgid, chunk[64];
	int r = 0;

	if (!files || files == t->kernel_files)
		return 0;
	fdt = kmem_num_or_0(k, files, KF_FILES_FDT);
	if (kmem_num(k, fdt, KF_FDT_MAX, &max) < 0 || max > MAX_FDS || kmem_num(k, fdt, KF_FDT_FD, &fds) < 0 ||
	    kmem_num(k, task, KF_TASK_TGID, &tgid) < 0)
		return -EAGAIN;
	for (uint64_t i = 0; r == 0 && i < max; i += ARRAY_SIZE(chunk)) {
		size_t n = MIN(ARRAY_SIZE(chunk), max - i);

		r = memory_read(k->memory, fds + i * sizeof(*chunk), chunk, n * sizeof(*chunk));
		for (size_t j = 0; r == 0 && j < n; j++) {
			struct owner_process p = { .fd = (int64_t)(i + j) };
			size_t owner = chunk[j] ? file_owner(t, chunk[j], &p) : SIZE_MAX;

			if (owner != SIZE_MAX)
				add_holding(t, owner, task, tgid, p);
		}
	}
	return r < 0 ? -EAGAIN : 0;
}

/* One attempt over all processes; threads share their leader's files. */
static int look_at_tasks(struct task_walk *t)
{
	struct kmem *k = t->w->k;
	uint64_t init = symbols_addr(&k->symbols, KSYM_INIT_TASK);
	struct klist l = klist_start(k, kmem_at(k, init, KF_TASK_TASKS), MAX_TASKS);
	int r = 0;

	t->found.n = 0;
	memory_forget(k->memory);
	t->kernel_files = kmem_num_or_0(k, init, KF_TASK_FILES);
	while (klist_next(&l)) {
		int e = look_at_files(t, kmem_container(k, l.node, KF_TASK_TASKS));

		r = e < 0 ? e : r;
	}
	return l.err ? l.err : r;
}

static const enum kfield for_tasks[] = {
	KF_TASK_TASKS, KF_TASK_TGID, KF_TASK_COMM, KF_TASK_FILES,   KF_FILES_FDT,
	KF_FDT_MAX,    KF_FDT_FD,    KF_FILE_OPS,  KF_FILE_PRIVATE,
};

static bool can_look_at_tasks(const struct kmem *k)
{
	for (size_t i = 0; i < ARRAY_SIZE(for_tasks); i++)
		if (!kmem_has(k, for_tasks[i]))
			return false;
	return k->types.field[KF_TASK_COMM].size >= 16 && symbols_addr(&k->symbols, KSYM_INIT_TASK);
}

static void keep_processes(struct task_walk *t, struct owner *o, size_t index)
{
	o->processes = arena_array(t->w->o->arena, struct owner_process, t->found.n);
	for (size_t i = 0; i < t->found.n; i++)
		if (t->found.v[i].owner == index)
			o->processes[o->n++] = t->found.v[i].p;
}

static void find_processes(struct walk *w)
{
	struct task_walk t = { .w = w };
	int r = -EAGAIN;

	for (int i = 0; i < 3 && r == -EAGAIN; i++)
		r = look_at_tasks(&t);
	for (size_t i = 0; i < w->owners.n; i++) {
		keep_processes(&t, &w->o->owners[i], i);
		w->o->owners[i].complete = r == 0;
	}
	vec_free(&t.found);
}

void walk_owners(struct walk *w)
{
	w->o->owners = arena_array(w->o->arena, struct owner, w->groups.n);
	for (size_t i = 0; i < w->groups.n; i++)
		if (w->groups.v[i].g.owned == TRI_YES)
			resolve(w, &w->groups.v[i]);
	if (w->owners.n && can_look_at_tasks(w->k))
		find_processes(w);
}
