// SPDX-License-Identifier: GPL-2.0-or-later
/* group tree: the PCI hierarchy with what each port isolates and each device's group; as a table, as JSON, or
 * for Graphviz. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/vec.h"
#include "cmd/group.h"
#include "cmd/rows.h"
#include "host/names.h"
#include "host/pci.h"
#include "host/topology.h"
#include "out/tree.h"

const char group_tree_text[] =
	"The PCI hierarchy from the root buses down, with the ACS state of each port and the group of "
	"each device; devices of other buses that are in groups are listed below their bus. A port with "
	"ACS SV RR CR UF keeps what is below it apart from the rest, if all ports above it do too; \"no "
	"ACS\" does not. Bits that a port's capability lacks are not missed. Without privilege the ACS "
	"state of ports is unknown.\n\n"
	"--dot prints a graph for Graphviz (iommuctl group tree --dot | dot -Tsvg): groups are clusters, "
	"ports are boxes, and ports that do not isolate are red.";

const struct option_row group_tree_options[] = {
	{ .name = "dot", .help = "print a graph for Graphviz" },
	{ 0 },
};

/* -- rows -------------------------------------------------------------------------------------------- */

struct tree_row {
	const char *node, *parent, *kind;
	const char *type, *acs_text, *acs;
	struct num acs_cap, acs_ctrl;
	struct strs missing;
	int isolates;
	struct num group;
	const char *driver, *name;
};

static const struct field tree_fields[] = {
	FIELD(struct tree_row, node, F_STR, "NODE", "root bus, bus, port or device", .flags = FIELD_DEFAULT),
	FIELD(struct tree_row, parent, F_STR, "PARENT", "node above it; null: it is a root bus or a bus"),
	FIELD(struct tree_row, kind, F_STR, "KIND", "root, bus, port or device"),
	FIELD(struct tree_row, type, F_STR, "TYPE", "PCI Express type", .flags = FIELD_DEFAULT),
	FIELD(struct tree_row, acs_text, F_STR, "ACS", "what of ACS is on, in words", .flags = FIELD_DEFAULT),
	FIELD(struct tree_row, acs, F_STR, "ACS-STATE", "on, bits-off, absent, never, not-needed or unknown"),
	FIELD(struct tree_row, acs_cap, F_HEX, "ACS-CAP", "ACS capability register"),
	FIELD(struct tree_row, acs_ctrl, F_HEX, "ACS-CTRL", "ACS control register"),
	FIELD(struct tree_row, missing, F_STRS, "MISSING", "ACS bits that would have to be on"),
	FIELD(struct tree_row, isolates, F_BOOL, "ISOLATES", "whether the kernel's rule is content with it"),
	FIELD(struct tree_row, group, F_INT, "GROUP", "its group", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct tree_row, driver, F_STR, "DRIVER", "driver that it is bound to", .flags = FIELD_DEFAULT),
	FIELD(struct tree_row, name, F_STR, "NAME", "vendor and device",
	      .flags = FIELD_DEFAULT | FIELD_TRUNC),
};

const struct record_type group_tree_record = RECORD("group.tree", 1, struct tree_row, tree_fields);

struct forest {
	struct host *h;
	VEC(struct tree_row) rows;
	VEC(int) parent;
	int top; /* the last root or bus, -1 none yet */
};

static int add_row(struct forest *f, struct tree_row row, int parent)
{
	if (parent >= 0)
		row.parent = f->rows.v[parent].node;
	*vec_push(&f->rows) = row;
	*vec_push(&f->parent) = parent;
	return (int)f->rows.n - 1;
}

/* The row of that root or bus. Devices come in order, so it is the last one, or new. */
static int top_row(struct forest *f, const char *kind, const char *name)
{
	if (f->top < 0 || !streq(f->rows.v[f->top].kind, kind) || !streq(f->rows.v[f->top].node, name))
		f->top = add_row(f, (struct tree_row){ .node = name, .kind = kind, .isolates = TRI_UNKNOWN },
				 -1);
	return f->top;
}

static struct tree_row device_row(struct host *h, struct device *d)
{
	struct tree_row row = {
		.node = d->name,
		.kind = "device",
		.isolates = TRI_UNKNOWN,
		.group = d->group ? NUM(d->group->id) : NUM_UNKNOWN,
		.driver = d->driver,
		.name = device_label(h, d),
	};
	const struct pci_info *pci;
	enum acs_state state;
	uint16_t missing;

	if (!d->is_pci)
		return row;
	pci = device_pci(h, d);
	state = pci_acs_state(pci, &missing);
	row.kind = device_is_pci_bridge(d) || (!pci->err && pci->header == 1) ? "port" : "device";
	row.type = pci->err || !pci->caps_known ? NULL : pcie_type_name(pci->pcie);
	row.acs_text = acs_label(&h->arena, pci);
	row.acs = acs_state_word(state);
	row.acs_cap = pci->has_acs ? NUM(pci->acs_cap) : NUM_UNKNOWN;
	row.acs_ctrl = pci->has_acs ? NUM(pci->acs_ctrl) : NUM_UNKNOWN;
	if (state != ACS_STATE_UNKNOWN)
		row.missing = acs_bit_list(&h->arena, missing);
	row.isolates = acs_state_isolates(state);
	return row;
}

static void grow(struct forest *f)
{
	struct host *h = f->h;
	struct device **v = arena_array(&h->arena, struct device *, h->n_devices);
	int *parent = arena_array(&h->arena, int, h->n_devices);
	int *row = arena_array(&h->arena, int, h->n_devices);
	size_t n = 0;

	for (size_t i = 0; i < h->n_devices; i++) {
		if (h->devices[i].is_pci || h->devices[i].group)
			v[n++] = &h->devices[i];
	}
	topology_sort(h, v, n, parent);
	for (size_t i = 0; i < n; i++) {
		int above;

		if (parent[i] >= 0)
			above = row[parent[i]];
		else if (v[i]->is_pci)
			above = top_row(f, "root", device_root_bus(h, v[i]));
		else
			above = top_row(f, "bus", v[i]->bus ? v[i]->bus : "unknown bus");
		row[i] = add_row(f, device_row(h, v[i]), above);
	}
}

/* -- Graphviz ---------------------------------------------------------------------------------------- */

/* Inside of double quotes. What could move a terminal's cursor is escaped like everywhere, and so the
 * backslashes are doubled. */
static void dot_puts(struct strbuf *b, const char *s)
{
	_cleanup_strbuf_ struct strbuf clean = { 0 };

	strbuf_add_escaped(&clean, s);
	for (const char *p = strbuf_str(&clean); *p; p++) {
		if (*p == '"' || *p == '\\')
			strbuf_putc(b, '\\');
		strbuf_putc(b, *p);
	}
}

static void dot_line(struct strbuf *b, const char *s)
{
	if (!s)
		return;
	strbuf_puts(b, "\\n");
	dot_puts(b, s);
}

static void dot_node(struct out *o, const struct tree_row *row, const char *indent)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	bool port = streq(row->kind, "port"), top = streq(row->kind, "root") || streq(row->kind, "bus");

	strbuf_printf(&b, "%s\"", indent);
	dot_puts(&b, row->node);
	strbuf_puts(&b, "\" [label=\"");
	dot_puts(&b, row->node);
	dot_line(&b, row->type);
	dot_line(&b, row->acs_text);
	dot_line(&b, row->name);
	dot_line(&b, row->driver);
	strbuf_printf(&b, "\", shape=%s%s];",
		      port  ? "box"
		      : top ? "plaintext"
			    : "ellipse",
		      port && row->isolates == TRI_NO ? ", color=red" : "");
	out_verbatim(o, "%s", strbuf_str(&b));
}

static void dot_edge(struct out *o, const struct tree_row *row)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	strbuf_puts(&b, "  \"");
	dot_puts(&b, row->parent);
	strbuf_puts(&b, "\" -- \"");
	dot_puts(&b, row->node);
	strbuf_puts(&b, "\";");
	out_verbatim(o, "%s", strbuf_str(&b));
}

static int by_group(const void *a, const void *b)
{
	const struct tree_row *x = *(const struct tree_row *const *)a,
			      *y = *(const struct tree_row *const *)b;

	if (x->group.known != y->group.known)
		return x->group.known ? 1 : -1;
	if (x->group.v != y->group.v)
		return x->group.v < y->group.v ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* Nodes without a group first, then a cluster for each group. */
static void dot_nodes(struct out *o, struct arena *a, const struct forest *f)
{
	const struct tree_row **v = arena_array(a, const struct tree_row *, f->rows.n);
	size_t n = f->rows.n;

	for (size_t i = 0; i < n; i++)
		v[i] = &f->rows.v[i];
	if (n)
		qsort(v, n, sizeof(*v), by_group);
	for (size_t i = 0; i < n; i++) {
		bool opens = v[i]->group.known && (!i || by_group(&v[i - 1], &v[i]) < 0) &&
			     (!i || !v[i - 1]->group.known || v[i - 1]->group.v != v[i]->group.v);
		bool closes = v[i]->group.known && (i + 1 == n || v[i + 1]->group.v != v[i]->group.v);

		if (opens)
			out_verbatim(o, "  subgraph cluster_%lld { label=\"group %lld\";",
				     (long long)v[i]->group.v, (long long)v[i]->group.v);
		dot_node(o, v[i], v[i]->group.known ? "    " : "  ");
		if (closes)
			out_verbatim(o, "  }");
	}
}

static void print_dot(struct out *o, struct arena *a, const struct forest *f)
{
	out_verbatim(o, "graph iommu {");
	out_verbatim(o, "  rankdir=LR;");
	out_verbatim(o, "  node [fontname=\"sans-serif\"];");
	dot_nodes(o, a, f);
	for (size_t i = 0; i < f->rows.n; i++) {
		if (f->rows.v[i].parent)
			dot_edge(o, &f->rows.v[i]);
	}
	out_verbatim(o, "}");
}

/* -- the command ------------------------------------------------------------------------------------- */

static int print_forest(struct invocation *inv, struct host *h, const struct forest *f)
{
	if (!inv_opt(inv, "dot"))
		return out_tree(inv->out, &group_tree_record, f->rows.v, f->parent.v, f->rows.n);
	print_dot(inv->out, &h->arena, f);
	return EXIT_DONE;
}

int group_tree_run(struct invocation *inv)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	struct forest f = { .top = -1 };
	int r;

	r = out_begin(inv->out, &group_tree_record);
	if (r < 0)
		return EXIT_USAGE;
	if (inv_opt(inv, "dot") && out_options(inv->out)->json) {
		ctx_error(inv->ctx,
			  NOTE(.code = "usage", .err = EINVAL, .why = "is no JSON",
			       .hint = "leave one of them out"),
			  "--dot with --json");
		return EXIT_USAGE;
	}
	names_begin();
	r = host_load(inv->ctx, inv->source, HOST_IDS | HOST_DRIVERS | HOST_NAMES, &h);
	if (r < 0)
		return r;
	f.h = h;
	grow(&f);
	r = print_forest(inv, h, &f);
	vec_free(&f.rows);
	vec_free(&f.parent);
	return r;
}
