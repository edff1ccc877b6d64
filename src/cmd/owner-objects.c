// SPDX-License-Identifier: GPL-2.0-or-later
/* owner objects: what every iommufd of the machine holds, as a tree. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "cmd/owner-rows.h"
#include "cmd/rows.h"
#include "cmd/take.h"
#include "kmem/iommufd.h"
#include "out/tree.h"
#include "source/holders.h"

const char owner_objects_text[] =
	"An iommufd's objects - address spaces (ioas), page tables (hwpt), devices, virtual IOMMUs, fault queues - live as long as its "
	"descriptor, and no file shows them. This reads them from the kernel's memory, of each process that has one open: below its "
	"address space the page tables, with their domain and the groups that they translate for now, and below these the devices that are "
	"attached. USERS is the kernel's own count: what has more than 1 cannot be destroyed (EBUSY).\n\n"
	"It takes what owner list takes: root, and a kernel with kcore, kallsyms of variables and BTF. Without, it shows who has an iommufd "
	"open, and says what stands in the way of the rest.\n\n"
	"Exit 7: not permitted to read the kernel's memory; 6: this kernel, build or snapshot cannot tell.";

const struct option_row owner_objects_options[] = {
	{ .short_name = 'p', .name = "pid", .arg = "PID", .help = "only what this process has open" },
	{ 0 },
};

/* -- rows ----------------------------------------------------------------------------------------------------------- */

struct pasid_row {
	struct num pasid, hwpt;
};

static const struct field pasid_fields[] = {
	FIELD(struct pasid_row, pasid, F_INT, "PASID", "number of the address space on the bus", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct pasid_row, hwpt, F_INT, "PASID-HWPT", "page table that is attached to it", .flags = FIELD_DEFAULT | FIELD_RIGHT),
};

static const struct record_type pasid_record = RECORD("pasid", 1, struct pasid_row, pasid_fields);

struct group_row {
	struct num group;
};

static const struct field group_fields[] = {
	FIELD(struct group_row, group, F_INT, "TRANSLATES", "number of a group", .flags = FIELD_DEFAULT | FIELD_RIGHT),
};

static const struct record_type group_record = RECORD("group", 1, struct group_row, group_fields);

struct object_row {
	const char *node, *parent, *type, *device, *problem;
	struct num context, id, users, ioas, hwpt, viommu, fault, idev, group, virt_id;
	int attached, automatic, nest_parent, coherent, complete; /* enum tri */
	struct owner_domain_row *domain;
	struct rows groups, pasids, processes;
	struct strs holders;
};

#define ROW(member, type, head, text, ...) FIELD(struct object_row, member, type, head, text, ##__VA_ARGS__)

static const struct field object_fields[] = {
	ROW(node, F_STR, "OBJECT", "the context (iommufd 1), or an object in it by type and id", .flags = FIELD_DEFAULT),
	ROW(parent, F_STR, "PARENT", "object of the same context that it hangs on; null: it is the context"),
	ROW(context, F_INT, "CONTEXT", "number of the context, of this answer alone", .flags = FIELD_RIGHT),
	ROW(type, F_STR, "TYPE", "context, or the kernel's word: ioas, hwpt-paging, hwpt-nested, device, access, fault, viommu, vdevice, ..."),
	ROW(id, F_INT, "ID", "its id, as ioctls name it", .flags = FIELD_RIGHT),
	ROW(users, F_INT, "USERS", "the kernel's count; 1 is the object's own", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	ROW(ioas, F_INT, "IOAS", "id of the address space that a page table maps, or an access reads", .flags = FIELD_RIGHT),
	ROW(hwpt, F_INT, "HWPT", "id of the page table that a device is attached to, or of the stage-2 below", .flags = FIELD_RIGHT),
	ROW(viommu, F_INT, "VIOMMU", "id of the virtual IOMMU that it belongs to", .flags = FIELD_RIGHT),
	ROW(fault, F_INT, "FAULT", "id of the fault queue of a page table", .flags = FIELD_RIGHT),
	ROW(idev, F_INT, "IDEV", "id of the device that a vdevice stands for", .flags = FIELD_RIGHT),
	ROW(virt_id, F_HEX, "VIRT-ID", "number of a vdevice inside of the guest"),
	ROW(device, F_STR, "DEVICE", "name of the device", .flags = FIELD_DEFAULT),
	ROW(group, F_INT, "GROUP", "the device's group", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	ROW(attached, F_BOOL, "ATTACHED", "whether the device is attached to a page table"),
	ROW(pasids, F_LIST, "PASIDS", "page tables attached to PASIDs of the device", .sub = &pasid_record),
	ROW(domain, F_OBJ, "DOMAIN", "domain of a page table", .sub = &owner_domain_record, .flags = FIELD_DEFAULT),
	ROW(groups, F_LIST, "GROUPS", "groups that this page table translates for now", .sub = &group_record, .flags = FIELD_DEFAULT),
	ROW(automatic, F_BOOL, "AUTOMATIC", "whether the kernel made the page table by itself, for an attach to an address space"),
	ROW(nest_parent, F_BOOL, "NEST-PARENT", "whether a guest's page tables can be nested on it"),
	ROW(coherent, F_BOOL, "COHERENT", "whether it enforces cache coherency"),
	ROW(holders, F_STRS, "HELD-BY", "processes that have the context open", .flags = FIELD_DEFAULT),
	ROW(processes, F_LIST, "PROCESSES", "what they have open: the iommufd itself, devices, groups, queues", .sub = &owner_process_record),
	ROW(complete, F_BOOL, "COMPLETE", "whether all processes could be looked at"),
	ROW(problem, F_STR, "PROBLEM", "why the objects of the context are not known"),
};

const struct record_type owner_objects_record = RECORD("owner.objects", 1, struct object_row, object_fields);

struct forest {
	struct arena a;
	VEC(struct object_row) rows;
	VEC(int) parent;
};

static void add_row(struct forest *f, struct object_row row, int parent)
{
	if (parent >= 0)
		row.parent = f->rows.v[parent].node;
	*vec_push(&f->rows) = row;
	*vec_push(&f->parent) = parent;
}

static struct rows group_rows(struct arena *a, const struct iommufd_object *o)
{
	struct group_row *v = arena_array(a, struct group_row, o->n_groups);

	for (size_t i = 0; i < o->n_groups; i++)
		v[i].group = NUM(o->groups[i]);
	return ROWS(v, o->n_groups);
}

static struct rows pasid_rows(struct arena *a, const struct iommufd_object *o)
{
	struct pasid_row *v = arena_array(a, struct pasid_row, o->n_pasids);

	for (size_t i = 0; i < o->n_pasids; i++)
		v[i] = (struct pasid_row){ NUM(o->pasids[i].pasid), o->pasids[i].hwpt };
	return ROWS(v, o->n_pasids);
}

static struct object_row object_row(struct arena *a, const struct iommufd_object *o, struct num context)
{
	return (struct object_row){
		.node = arena_printf(a, "%s %u", o->type, o->id),
		.context = context,
		.type = o->type,
		.id = NUM(o->id),
		.users = o->users,
		.ioas = o->ioas,
		.hwpt = o->hwpt,
		.viommu = o->viommu,
		.fault = o->fault,
		.idev = o->idev,
		.virt_id = o->virt_id,
		.device = o->device,
		.group = o->group,
		.attached = o->attached,
		.automatic = o->automatic,
		.nest_parent = o->nest_parent,
		.coherent = o->coherent,
		.complete = TRI_UNKNOWN,
		.domain = owner_domain_row(a, o->domain),
		.groups = group_rows(a, o),
		.pasids = pasid_rows(a, o),
		.processes = ROWS(NULL, 0),
		.holders = STRS(NULL, 0),
	};
}

/* -- the tree -------------------------------------------------------------------------------------------------------- */

/* What an object hangs on; NULL: the context. */
static const struct iommufd_object *above(const struct iommufd_context *c, const struct iommufd_object *o)
{
	const struct iommufd_object *p = iommufd_object(c, o->viommu);

	if (!p)
		p = iommufd_object(c, o->hwpt);
	return p ? p : iommufd_object(c, o->ioas);
}

struct branches {
	const struct iommufd_context *c;
	struct num context;
	size_t *first, *next; /* children of each object, as indices + 1; [n] is the context */
	bool *done;
};

static void grow(struct forest *f, struct branches *b, size_t from, int parent)
{
	for (size_t i = b->first[from]; i; i = b->next[i - 1]) {
		if (b->done[i - 1])
			continue;
		b->done[i - 1] = true;
		add_row(f, object_row(&f->a, &b->c->objects[i - 1], b->context), parent);
		grow(f, b, i - 1, (int)f->rows.n - 1);
	}
}

/* Objects of a document made to break us may hang on each other in a ring: those come last, below the context. */
static void add_objects(struct forest *f, const struct iommufd_context *c, struct num context)
{
	struct branches b = { .c = c, .context = context, .first = arena_array(&f->a, size_t, c->n + 1),
			      .next = arena_array(&f->a, size_t, c->n), .done = arena_array(&f->a, bool, c->n) };
	int top = (int)f->rows.n - 1;

	for (size_t i = c->n; i-- > 0;) {
		const struct iommufd_object *p = above(c, &c->objects[i]);
		size_t at = p && p != &c->objects[i] ? (size_t)(p - c->objects) : c->n;

		b.next[i] = b.first[at];
		b.first[at] = i + 1;
	}
	grow(f, &b, c->n, top);
	for (size_t i = 0; i < c->n; i++)
		if (!b.done[i])
			add_row(f, object_row(&f->a, &c->objects[i], context), top);
}

/* Each process once, whatever number of descriptors it has: they come one after the other. */
static struct strs holder_names(struct arena *a, const struct iommufd_context *c)
{
	const char **v = arena_array(a, const char *, c->n_holders);
	size_t n = 0;

	for (size_t i = 0; i < c->n_holders; i++)
		if (!i || c->holders[i].pid != c->holders[i - 1].pid)
			v[n++] = arena_printf(a, "%s (pid %lld)", c->holders[i].command ? c->holders[i].command : "?",
					      (long long)c->holders[i].pid);
	return n || c->complete ? STRS(v, n) : (struct strs){ 0 };
}

static void add_context(struct forest *f, const struct iommufd_context *c, size_t number)
{
	add_row(f, (struct object_row){
			   .node = arena_printf(&f->a, "iommufd %zu", number),
			   .context = NUM(number),
			   .type = "context",
			   .attached = TRI_UNKNOWN,
			   .automatic = TRI_UNKNOWN,
			   .nest_parent = TRI_UNKNOWN,
			   .coherent = TRI_UNKNOWN,
			   .complete = c->complete ? TRI_YES : TRI_NO,
			   .problem = c->problem,
			   .groups = ROWS(NULL, 0),
			   .pasids = ROWS(NULL, 0),
			   .processes = c->n_holders || c->complete ? owner_process_rows(&f->a, c->holders, c->n_holders)
								    : (struct rows){ 0 },
			   .holders = holder_names(&f->a, c),
		   },
		-1);
	add_objects(f, c, NUM(number));
}

/* -- the command ----------------------------------------------------------------------------------------------------- */

static bool held_by(const struct iommufd_context *c, struct num pid)
{
	for (size_t i = 0; pid.known && i < c->n_holders; i++)
		if (c->holders[i].pid == pid.v)
			return true;
	return !pid.known;
}

static void add_known(struct invocation *inv, struct forest *f, const struct iommufds *d, struct num pid)
{
	bool complete = true;

	for (size_t i = 0; i < d->n; i++) {
		const struct iommufd_context *c = &d->v[i];

		complete &= c->complete;
		if (!held_by(c, pid))
			continue;
		add_context(f, c, i + 1);
		if (c->problem)
			ctx_note(inv->ctx, (struct note){ .level = NOTE_WARNING, .code = "objects-unknown", .err = EAGAIN, .why = c->problem },
				 "iommufd %zu", i + 1);
	}
	if (!complete)
		ctx_note(inv->ctx, (struct note){ .level = NOTE_WARNING, .code = "processes-unseen", .err = EAGAIN,
						  .why = "they changed each time they were looked at", .hint = "try again" },
			 "the files of some processes");
}

/* Memory cannot be read: who has an iommufd open is what the processes' own files tell. */
static void add_inferred(struct invocation *inv, struct forest *f, struct num pid)
{
	struct held_list l;

	if (source_holders(inv->source, inv->ctx, &f->a, &l) < 0)
		return;
	for (size_t i = 0; i < l.n; i++) {
		struct owner_process p = { .pid = l.v[i].pid.v, .command = l.v[i].comm, .fd = l.v[i].fd.v, .what = "iommufd" };
		struct iommufd_context c = { .problem = "the kernel's memory could not be read", .holders = &p, .n_holders = 1 };

		if (l.v[i].kind == HELD_IOMMUFD && held_by(&c, pid))
			add_context(f, &c, f->rows.n + 1);
	}
}

static enum exit_code not_known(const struct iommufds *d)
{
	for (size_t i = 0; i < d->n_obstacles; i++)
		if (d->obstacles[i].err != EACCES && d->obstacles[i].err != EPERM)
			return EXIT_UNSUPPORTED;
	return EXIT_PERMISSION;
}

static int print(struct invocation *inv, struct forest *f, struct num pid)
{
	if (!f->rows.n && pid.known)
		out_text(inv->out, "process %lld has no iommufd open", (long long)pid.v);
	else if (!f->rows.n)
		out_text(inv->out, "nobody has an iommufd open");
	return f->rows.n ? out_tree(inv->out, &owner_objects_record, f->rows.v, f->parent.v, f->rows.n) : 0;
}

static int load(struct invocation *inv, struct forest *f, struct num pid)
{
	struct iommufds *d;
	int r = iommufds_load(inv->ctx, inv->source, &f->a, &d), code = EXIT_DONE;

	if (r == 0 && d->known) {
		add_known(inv, f, d, pid);
	} else if (r == 0) {
		owner_note_obstacles(inv->ctx, d->obstacles, d->n_obstacles, NOTE_ERROR, "objects");
		add_inferred(inv, f, pid);
		code = not_known(d);
		if (!f->rows.n)
			return code;
	} else {
		if (r != -EBADMSG)
			ctx_note(inv->ctx, NOTE(.code = "no-objects", .err = r,
						.hint = r == -ENOTCAPTURED ? "snapshot save takes them along, as root on that machine" : NULL),
				 "objects of iommufd");
		return exit_from_errno(r);
	}
	r = print(inv, f, pid);
	return r < 0 ? r : code;
}

int owner_objects_run(struct invocation *inv)
{
	struct forest f = { 0 };
	pid_t pid = 0;
	int r;

	r = out_begin(inv->out, &owner_objects_record);
	if (r < 0)
		return EXIT_USAGE;
	r = option_pid(inv, "pid", &pid);
	if (r != EXIT_DONE)
		return r;
	r = load(inv, &f, pid ? NUM(pid) : NUM_UNKNOWN);
	vec_free(&f.rows);
	vec_free(&f.parent);
	arena_free(&f.a);
	return r;
}
