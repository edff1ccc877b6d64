// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/guest-plan.h"

#include <errno.h>
#include <string.h>

#include "abi/iommufd.h"
#include "base/str.h"
#include "cmd/object/objects.h"

static const struct field trial_fields[] = {
	FIELD(struct guest_trial, device, F_STR, "DEVICE", "device", .flags = FIELD_DEFAULT),
	FIELD(struct guest_trial, what, F_STR, "WHAT", "open, attach or alloc", .flags = FIELD_DEFAULT),
	FIELD(struct guest_trial, table, F_STR, "TABLE", "hwpt that it was tried with; null: none came of it", .flags = FIELD_DEFAULT),
	FIELD(struct guest_trial, done, F_BOOL, "DONE", "whether it was done", .flags = FIELD_DEFAULT),
	FIELD(struct guest_trial, error, F_STR, "ERROR", "errno; null: it was done", .flags = FIELD_DEFAULT),
	FIELD(struct guest_trial, text, F_STR, "TEXT", "what that means; null: what it says", .flags = FIELD_DEFAULT | FIELD_WRAP),
};

const struct record_type guest_trial_record = RECORD("guest-trial", 1, struct guest_trial, trial_fields);

struct table {
	uint32_t id;
	const char *name;
	bool ours;
};

struct on {
	struct device *d;
	uint32_t handle, table;
	bool opened, attached; /* by us */
};

struct trying {
	struct invocation *inv;
	struct arena *a;
	struct backend *be;
	const struct guest_plan *plan;
	struct guest_verified *ret;
	VEC(struct guest_trial) trials;
	VEC(struct table) tables;
	struct on *v;
	size_t n;
	uint32_t ioas; /* ours; 0 none yet */
};

static void record(struct trying *t, const struct device *d, const char *what, const char *table, int err, const char *text)
{
	*vec_push(&t->trials) = (struct guest_trial){
		.device = d->name, .what = what, .table = table, .done = err < 0 ? TRI_NO : TRI_YES,
		.error = err < 0 ? strerrorname_np(-err) : NULL, .text = text,
	};
}

/* The first error is the one that is answered. */
static void give_up(struct trying *t, int err)
{
	if (!t->ret->err || err == -EACCES)
		t->ret->err = err;
}

/* -- what is there -------------------------------------------------------------------------------------------------------- */

/* Page tables of address spaces that somebody made: those that an attach made go with their users. */
static int find_tables(struct trying *t)
{
	struct op_object *v;
	size_t n;
	int r = object_list(t->inv, &v, &n);

	for (size_t i = 0; r >= 0 && i < n; i++) {
		if (v[i].kind != OP_KIND_HWPT || v[i].parent != v[i].ioas || (v[i].flags & OP_OBJECT_AUTO))
			continue;
		*vec_push(&t->tables) = (struct table){ .id = v[i].id, .name = arena_strdup(t->a, v[i].name) };
	}
	return r;
}

static const struct op_object *find_device(struct trying *t, const struct device *d)
{
	struct op_object *v;
	size_t n;

	if (object_list(t->inv, &v, &n) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (v[i].kind == OP_KIND_DEVICE && streq(v[i].bus, d->bus) && streq(v[i].dev, d->name))
			return &v[i];
	return NULL;
}

/* The page table that the device itself is attached to; 0 none. */
static uint32_t attached_to(struct trying *t, uint32_t handle)
{
	struct op_link *v;
	size_t n;

	if (link_list(t->inv, &v, &n) < 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (v[i].handle == handle && !(v[i].flags & OP_LINK_PASID))
			return v[i].hwpt_id;
	return 0;
}

/* -- one device ------------------------------------------------------------------------------------------------------------ */

static const char *open_text(int err)
{
	return err == -ENOENT ? "it has no node: it must be on a driver of VFIO (device bind)" :
	       err == -EPERM  ? "its group is not viable, or interrupts are not isolated: group check says which" :
	       err == -EBUSY || err == -EINVAL ? "somebody has it, or its group" : NULL;
}

static int open_device(struct trying *t, struct on *on)
{
	const struct op_object *have = find_device(t, on->d);
	struct op_device_open op = { .group = on->d->group->id };
	int r;

	if (have) {
		on->handle = have->handle;
		r = (have->flags & (OP_OBJECT_LEGACY | OP_OBJECT_UNBOUND)) ? -EINVAL : 0;
		if (r < 0)
			record(t, on->d, "open", NULL, r, "it is open, and not bound to the iommufd");
		return r;
	}
	if (!on->d->bus || strlen(on->d->bus) >= sizeof(op.bus) || strlen(on->d->name) >= sizeof(op.dev))
		return -ENAMETOOLONG;
	strcpy(op.bus, on->d->bus);
	strcpy(op.dev, on->d->name);
	r = backend_device_open(t->be, &op, NULL);
	record(t, on->d, "open", NULL, r, r < 0 ? open_text(r) : NULL);
	on->handle = op.ret_handle;
	on->opened = r >= 0;
	return r;
}

/* One of its group came before it, and is on another table. */
static bool group_elsewhere(const struct trying *t, const struct on *on, uint32_t table)
{
	for (size_t i = 0; i < t->n && &t->v[i] != on; i++)
		if (t->v[i].d->group == on->d->group && t->v[i].table && t->v[i].table != table)
			return true;
	return false;
}

static const char *attach_text(const struct trying *t, const struct on *on, uint32_t table, int err)
{
	if (err == -EADDRINUSE)
		return "something is mapped there where the device has reserved regions";
	if (err != -EINVAL)
		return NULL;
	return group_elsewhere(t, on, table) ? "its group is attached to another one" : "it does not take this table";
}

static int attach(struct trying *t, struct on *on, const struct table *table)
{
	struct op_device_attach op = { .handle = on->handle, .pt_id = table->id };
	int r = backend_device_attach(t->be, &op, NULL);

	record(t, on->d, "attach", table->name, r, attach_text(t, on, table->id, r));
	if (r < 0)
		return r;
	on->attached = true;
	on->table = table->id;
	return 0;
}

static bool nests(const struct trying *t, const struct device *d)
{
	const struct guest_unit *v = t->plan->units.v;

	for (size_t i = 0; i < t->plan->units.n; i++)
		if (d->unit && streq(v[i].unit, d->unit->name))
			return v[i].nests != TRI_NO;
	return false;
}

static int make_table(struct trying *t, struct on *on, uint32_t flags)
{
	struct op_hwpt_alloc op = { .handle = on->handle, .flags = flags, .pt_id = t->ioas };
	int r = backend_hwpt_alloc(t->be, &op, NULL);
	const char *name = r < 0 ? NULL : arena_strdup(t->a, op.name);

	record(t, on->d, "alloc", name, r, r == -EOPNOTSUPP && flags ? "its IOMMU makes no parents of nested tables" : NULL);
	if (r >= 0)
		*vec_push(&t->tables) = (struct table){ .id = op.ret_id, .name = name, .ours = true };
	return r;
}

static int make_one_for(struct trying *t, struct on *on)
{
	struct op_ioas_alloc ioas = { .flags = 0 };
	int r = t->ioas ? 0 : backend_ioas_alloc(t->be, &ioas, NULL);

	if (r < 0)
		return r;
	if (!t->ioas)
		t->ioas = ioas.ret_id;
	r = make_table(t, on, nests(t, on->d) ? IOMMU_HWPT_ALLOC_NEST_PARENT : 0);
	if (r == -EOPNOTSUPP && nests(t, on->d))
		r = make_table(t, on, 0);
	return r < 0 ? r : attach(t, on, &t->tables.v[t->tables.n - 1]);
}

/* EINVAL says that this table will not do; everything else says that none will. */
static int try_device(struct trying *t, struct on *on)
{
	int r = open_device(t, on);

	if (r < 0)
		return r;
	on->table = attached_to(t, on->handle);
	if (on->table) {
		record(t, on->d, "attach", object_word(t->inv, on->table), 0, "it is attached there, and was left alone");
		return 0;
	}
	for (size_t i = 0; i < t->tables.n; i++) {
		r = attach(t, on, &t->tables.v[i]);
		if (r != -EINVAL)
			return r;
	}
	r = make_one_for(t, on);
	t->ret->refused = t->ret->refused || r < 0;
	return r;
}

/* -- all of it -------------------------------------------------------------------------------------------------------------- */

static void undo(struct trying *t)
{
	for (size_t i = t->n; i-- > 0;) {
		struct on *on = &t->v[i];

		if (on->attached)
			backend_device_detach(t->be, &(struct op_device_detach){ .handle = on->handle }, NULL);
	}
	for (size_t i = 0; i < t->tables.n; i++)
		if (t->tables.v[i].ours)
			backend_destroy(t->be, &(struct op_destroy){ .id = t->tables.v[i].id }, NULL);
	for (size_t i = t->n; i-- > 0;)
		if (t->v[i].opened)
			backend_device_close(t->be, &(struct op_device_close){ .handle = t->v[i].handle }, NULL);
	if (t->ioas)
		backend_destroy(t->be, &(struct op_destroy){ .id = t->ioas }, NULL);
}

static const char *planned_table(const struct trying *t, const struct device *d)
{
	const struct guest_device *v = t->plan->devices.v;

	for (size_t i = 0; i < t->plan->devices.n; i++)
		if (streq(v[i].device, d->name) && v[i].asked == TRI_YES)
			return v[i].table;
	return NULL;
}

/* Whether those share a table that were to share one, and no others. */
static int as_planned(const struct trying *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (!t->v[i].table)
			return TRI_UNKNOWN;
		for (size_t k = 0; k < i; k++)
			if (streq(planned_table(t, t->v[i].d), planned_table(t, t->v[k].d)) != (t->v[i].table == t->v[k].table))
				return TRI_NO;
	}
	return TRI_YES;
}

static size_t count_tables(const struct trying *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		bool seen = !t->v[i].table;

		for (size_t k = 0; k < i; k++)
			seen = seen || t->v[k].table == t->v[i].table;
		n += !seen;
	}
	return n;
}

int guest_verify(struct invocation *inv, struct host *h, const struct guest_question *q, const struct guest_plan *plan,
		 struct guest_verified *ret)
{
	struct trying t = { .inv = inv, .a = &h->arena, .plan = plan, .ret = ret, .n = q->n };
	int r = machine_backend(inv->machine, &t.be);

	if (r != EXIT_DONE)
		return r;
	t.v = arena_array(t.a, struct on, q->n);
	r = find_tables(&t);
	if (r < 0)
		return op_failed(inv, r, NULL, 0, "plan --verify");
	for (size_t i = 0; i < q->n; i++) {
		t.v[i].d = q->devices[i];
		r = try_device(&t, &t.v[i]);
		if (r < 0)
			give_up(&t, r);
	}
	ret->tables = NUM(count_tables(&t));
	ret->as_planned = as_planned(&t);
	undo(&t);
	ret->trials = ROWS(arena_memdup(t.a, t.trials.n ? (void *)t.trials.v : "", t.trials.n * sizeof(*t.trials.v)), t.trials.n);
	vec_free(&t.trials);
	vec_free(&t.tables);
	return EXIT_DONE;
}
