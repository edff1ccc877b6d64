// SPDX-License-Identifier: GPL-2.0-or-later
/* object tree: what was made from what, and who is attached to it. */
#include <errno.h>
#include <string.h>

#include "backend/workspace.h"
#include "base/str.h"
#include "cmd/object/object.h"
#include "cmd/object/objects.h"
#include "out/tree.h"

struct map_row {
	struct num iova, length;
	const char *access, *memory;
};

static const struct field map_fields[] = {
	FIELD(struct map_row, iova, F_HEX, "IOVA", "first address", .flags = FIELD_DEFAULT),
	FIELD(struct map_row, length, F_INT, "LENGTH", "how much", .unit = "bytes", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct map_row, access, F_STR, "ACCESS", "what devices may do: r, w, rw", .flags = FIELD_DEFAULT),
	FIELD(struct map_row, memory, F_STR, "MEMORY", "own, file, or copy", .flags = FIELD_DEFAULT),
};

static const struct record_type tree_map_record = RECORD("object.map", 1, struct map_row, map_fields);

struct tree_row {
	const char *name, *kind, *parent;
	struct num id;
	const char *device;
	struct num group, pasid;
	const char *detail;
	struct num refs, maps, bytes, pending, expired;
	struct rows ranges;
};

#define T(member, type, head, text, ...) FIELD(struct tree_row, member, type, head, text, ##__VA_ARGS__)

static const struct field tree_fields[] = {
	T(name, F_STR, "NAME", "object; a device stands below each page table that it is attached to", .flags = FIELD_DEFAULT),
	T(kind, F_STR, "KIND", "device, ioas, hwpt, viommu, vdevice, veventq, hwqueue or faultq", .flags = FIELD_DEFAULT),
	T(id, F_INT, "ID", "the kernel's id; null: it has none", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	T(parent, F_STR, "PARENT", "what it was made from, or is attached to; null: nothing"),
	T(device, F_STR, "DEVICE", "the device, or the one that it was made for", .flags = FIELD_DEFAULT),
	T(group, F_INT, "GROUP", "IOMMU group of the device", .flags = FIELD_RIGHT),
	T(pasid, F_INT, "PASID", "process address space that is attached; null: the device itself", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	T(detail, F_STR, "DETAIL", "what else is known of it", .flags = FIELD_DEFAULT),
	T(refs, F_INT, "REFS", "objects that were made from it and devices that are attached to it", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	T(maps, F_INT, "MAPS", "maps of an address space", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	T(bytes, F_INT, "BYTES", "bytes that are mapped", .unit = "bytes", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	T(pending, F_INT, "PENDING", "page request groups that have no answer", .flags = FIELD_RIGHT),
	T(expired, F_INT, "EXPIRED", "groups that were answered invalid because nobody did in time", .flags = FIELD_RIGHT),
	T(ranges, F_LIST, "RANGES", "what is mapped; null unless --maps is given", .sub = &tree_map_record),
};

const struct record_type object_tree_record = RECORD("object.tree", 1, struct tree_row, tree_fields);

const char object_tree_text[] =
	"Address spaces with the page tables made from them, nested ones and virtual IOMMUs below; devices below what they are attached to, or by themselves "
	"when they are not. With -j the rows are a flat list, in which parent is a name. --maps adds what is mapped where.";

const struct option_row object_tree_options[] = {
	{ .name = "maps", .help = "with every map of every address space" },
	{ 0 },
};

/* A node of the tree: an object, or an attachment. */
struct node {
	const struct op_object *o; /* the object; of an attachment its device */
	const struct op_link *link;
	uint32_t parent; /* its id, 0 none */
};

struct tree {
	struct invocation *inv;
	struct backend *be;
	struct op_object *v;
	struct op_link *links;
	size_t n, n_links;
	const struct op_object **ids, **devices; /* in the order of ids; devices in that of handles */
	size_t n_ids, n_devices;
	struct node *nodes; /* by parent */
	size_t n_nodes;
	struct tree_row *rows;
	int *parents;
	size_t n_rows;
};

static int compare_nodes(const void *pa, const void *pb)
{
	const struct node *a = pa, *b = pb;

	if (a->parent != b->parent)
		return a->parent < b->parent ? -1 : 1;
	if (!a->link != !b->link)
		return a->link ? -1 : 1; /* devices first */
	return a->o < b->o ? -1 : a->o > b->o;
}

static int compare_ids(const void *pa, const void *pb)
{
	uint32_t a = (*(const struct op_object *const *)pa)->id, b = (*(const struct op_object *const *)pb)->id;

	return a < b ? -1 : a > b;
}

static int compare_handles(const void *pa, const void *pb)
{
	uint32_t a = (*(const struct op_object *const *)pa)->handle, b = (*(const struct op_object *const *)pb)->handle;

	return a < b ? -1 : a > b;
}

/* Objects in the order of @compare; only devices with @devices. */
static const struct op_object **sorted(struct tree *t, bool devices, int (*compare)(const void *, const void *), size_t *ret_n)
{
	const struct op_object **v = arena_array(&t->inv->ctx->arena, const struct op_object *, t->n + 1);
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		if (!devices || t->v[i].kind == OP_KIND_DEVICE)
			v[n++] = &t->v[i];
	qsort(v, n, sizeof(*v), compare);
	*ret_n = n;
	return v;
}

static const struct op_object *object_of(const struct tree *t, uint32_t id)
{
	const struct op_object key = { .id = id }, *p = &key;
	const struct op_object **found = id ? bsearch(&p, t->ids, t->n_ids, sizeof(*t->ids), compare_ids) : NULL;

	return found ? *found : NULL;
}

static const struct op_object *device_of(const struct tree *t, uint32_t handle)
{
	const struct op_object key = { .handle = handle }, *p = &key;
	const struct op_object **found = bsearch(&p, t->devices, t->n_devices, sizeof(*t->devices), compare_handles);

	return found ? *found : NULL;
}

/* Names without asking for each: there may be many, and each question is a round trip in a session. */
static const char *name_of(const struct tree *t, uint32_t id)
{
	const struct op_object *o = object_of(t, id);

	return o ? o->name : arena_printf(&t->inv->ctx->arena, "id:%u", id);
}

/* A device is a root only when it is attached to nothing. */
static void make_nodes(struct tree *t)
{
	bool *attached = arena_array(&t->inv->ctx->arena, bool, t->n + 1);

	t->ids = sorted(t, false, compare_ids, &t->n_ids);
	t->devices = sorted(t, true, compare_handles, &t->n_devices);
	t->nodes = arena_array(&t->inv->ctx->arena, struct node, t->n + t->n_links + 1);
	for (size_t i = 0; i < t->n_links; i++) {
		const struct op_object *d = device_of(t, t->links[i].handle);

		if (!d || !object_of(t, t->links[i].hwpt_id))
			continue;
		attached[d - t->v] = true;
		t->nodes[t->n_nodes++] = (struct node){ d, &t->links[i], t->links[i].hwpt_id };
	}
	for (size_t i = 0; i < t->n; i++)
		if (!attached[i])
			t->nodes[t->n_nodes++] = (struct node){ &t->v[i], NULL, object_of(t, t->v[i].parent) ? t->v[i].parent : 0 };
	qsort(t->nodes, t->n_nodes, sizeof(*t->nodes), compare_nodes);
}

static size_t first_child(const struct tree *t, uint32_t parent)
{
	size_t lo = 0, hi = t->n_nodes;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->nodes[mid].parent < parent)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static size_t count_children(const struct tree *t, uint32_t parent)
{
	size_t first = first_child(t, parent), i = first;

	while (i < t->n_nodes && t->nodes[i].parent == parent)
		i++;
	return i - first;
}

/* What was made from it or is attached to it; of a fault queue the page tables that send to it. */
static size_t count_refs(const struct tree *t, const struct op_object *o)
{
	size_t n = count_children(t, o->id);

	for (size_t i = 0; o->kind == OP_KIND_FAULTQ && i < t->n; i++)
		n += t->v[i].fault_id == o->id;
	return n;
}

static const char *detail_of(struct tree *t, const struct op_object *o)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	if (o->flags & OP_OBJECT_AUTO)
		strbuf_puts(&b, " auto");
	if (o->flags & OP_OBJECT_LEGACY)
		strbuf_puts(&b, " type1");
	if (o->flags & OP_OBJECT_UNBOUND)
		strbuf_puts(&b, " unbound");
	if (o->kind == OP_KIND_HWPT && o->alloc_flags & 1)
		strbuf_puts(&b, " nest-parent");
	if (o->kind == OP_KIND_HWPT && o->alloc_flags & 2)
		strbuf_puts(&b, " dirty");
	if (o->kind == OP_KIND_HWPT && o->alloc_flags & 8)
		strbuf_puts(&b, " pasid");
	if (o->kind == OP_KIND_HWPT && o->type)
		strbuf_puts(&b, " nested");
	if (o->fault_id)
		strbuf_printf(&b, " faults to %s", name_of(t, o->fault_id));
	if (o->kind == OP_KIND_VDEVICE)
		strbuf_printf(&b, " id 0x%llx in the guest", (unsigned long long)o->virt_id);
	if (o->kind == OP_KIND_FAULTQ && (o->pending || o->expired))
		strbuf_printf(&b, " %u wait, %u expired", o->pending, o->expired);
	return b.len ? arena_strdup(&t->inv->ctx->arena, b.s + 1) : NULL;
}

static const char *memory_word(uint32_t flags)
{
	return flags & OP_MAP_COPY ? "copy" : flags & OP_MAP_OF_FILE ? "file" : "own";
}

static struct rows read_maps(struct tree *t, const struct op_object *o)
{
	struct op_map_list op = { .ioas_id = o->kind == OP_KIND_IOAS ? o->id : 0, .handle = o->flags & OP_OBJECT_LEGACY ? o->handle : 0 };
	struct op_data d = OP_DATA_NONE;
	struct map_row *rows;
	struct op_map *v;
	size_t n;

	if (!inv_opt(t->inv, "maps") || (!op.ioas_id && !op.handle))
		return (struct rows){ 0 };
	d.out_cap = o->maps * sizeof(*v);
	d.out = v = arena_alloc(&t->inv->ctx->arena, d.out_cap + 1);
	if (backend_map_list(t->be, &op, &d) < 0)
		return (struct rows){ 0 };
	n = d.out_len / sizeof(*v);
	rows = arena_array(&t->inv->ctx->arena, struct map_row, n + 1);
	for (size_t i = 0; i < n; i++)
		rows[i] = (struct map_row){ NUM(v[i].iova), NUM(v[i].length),
					    !(v[i].flags & OP_MAP_WRITE) ? "r" : v[i].flags & OP_MAP_READ ? "rw" : "w",
					    memory_word(v[i].flags) };
	return ROWS(rows, n);
}

static const char *device_name(struct tree *t, const struct op_object *o)
{
	const struct op_object *d;

	if (o->kind == OP_KIND_DEVICE)
		return o->dev[0] ? o->dev : o->bus;
	d = o->handle ? device_of(t, o->handle) : NULL;
	return d ? d->name : NULL;
}

static void fill_row(struct tree *t, const struct node *node, struct tree_row *row)
{
	const struct op_object *o = node->o;
	bool has_maps = o->kind == OP_KIND_IOAS || (o->flags & OP_OBJECT_LEGACY);

	*row = (struct tree_row){
		.name = o->name,
		.kind = op_kind_name(o->kind),
		.id = o->id ? NUM(o->id) : NUM_UNKNOWN,
		.parent = node->parent ? name_of(t, node->parent) : NULL,
		.device = device_name(t, o),
		.group = o->kind == OP_KIND_DEVICE && o->group != OP_NO_GROUP ? NUM(o->group) : NUM_UNKNOWN,
		.pasid = node->link && node->link->flags & OP_LINK_PASID ? NUM(node->link->pasid) : NUM_UNKNOWN,
		.detail = detail_of(t, o),
		.refs = o->id && o->kind != OP_KIND_DEVICE ? NUM(count_refs(t, o)) : NUM_UNKNOWN,
		.maps = has_maps ? NUM(o->maps) : NUM_UNKNOWN,
		.bytes = has_maps ? NUM(o->bytes) : NUM_UNKNOWN,
		.pending = o->kind == OP_KIND_FAULTQ ? NUM(o->pending) : NUM_UNKNOWN,
		.expired = o->kind == OP_KIND_FAULTQ ? NUM(o->expired) : NUM_UNKNOWN,
		.ranges = read_maps(t, o),
	};
}

/* Depth first; parents are always made before their children, so this ends. */
static void add_rows(struct tree *t, uint32_t parent, int parent_row)
{
	for (size_t i = first_child(t, parent); i < t->n_nodes && t->nodes[i].parent == parent; i++) {
		size_t at = t->n_rows++;

		fill_row(t, &t->nodes[i], &t->rows[at]);
		t->parents[at] = parent_row;
		if (!t->nodes[i].link && t->nodes[i].o->id && t->nodes[i].o->kind != OP_KIND_DEVICE)
			add_rows(t, t->nodes[i].o->id, (int)at);
	}
}

int object_tree_run(struct invocation *inv)
{
	struct tree t = { .inv = inv };
	int r = object_begin(inv, &t.be);

	if (r != EXIT_DONE)
		return r;
	r = object_list(inv, &t.v, &t.n);
	if (r == 0)
		r = link_list(inv, &t.links, &t.n_links);
	if (r < 0)
		return op_failed(inv, r, NULL, 0, "object tree");
	make_nodes(&t);
	t.rows = arena_array(&inv->ctx->arena, struct tree_row, t.n_nodes + 1);
	t.parents = arena_array(&inv->ctx->arena, int, t.n_nodes + 1);
	add_rows(&t, 0, -1);
	return out_tree(inv->out, &object_tree_record, t.rows, t.parents, t.n_rows);
}
