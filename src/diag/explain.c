// SPDX-License-Identifier: GPL-2.0-or-later
#include "diag/explain.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "diag/explain-graph.h"
#include "host/names.h"
#include "host/topology.h"

/*
 * The group as a graph. Each device is followed on the way that the kernel goes when it looks for a group to
 * join; each group that it would meet there is an edge. Edges that config space proves come first, those that
 * it leaves open second, and what is still in pieces then is joined by "not visible".
 */
struct graph {
	struct host *h;
	const struct group *g;
	struct device **v; /* parents before children */
	size_t n;
	int *index;	/* of a host's device in v; -1 not in the group */
	size_t *union_; /* disjoint sets over v */
	VEC(struct hop) maybe;
	VEC(struct hop) tree; /* the hops chosen */
	struct finding notes;
};

/* -- disjoint sets ----------------------------------------------------------------------------------- */

static size_t find_set(struct graph *gr, size_t i)
{
	while (gr->union_[i] != i)
		i = gr->union_[i] = gr->union_[gr->union_[i]];
	return i;
}

static size_t index_of(const struct graph *gr, const struct device *d)
{
	return gr->index[d - gr->h->devices];
}

/* Keeps the hop when it joins what was apart. */
static void join(struct graph *gr, const struct hop *hop)
{
	size_t a = find_set(gr, index_of(gr, hop->a)), b = find_set(gr, index_of(gr, hop->b));

	if (a == b)
		return;
	gr->union_[MAX(a, b)] = MIN(a, b);
	*vec_push(&gr->tree) = *hop;
}

/* -- the kernel's way -------------------------------------------------------------------------------- */

/* What the kernel meets on its way: no group, ours (it joins and stops), or another (then it saw the hop
 * otherwise). */
enum met { MET_NOTHING, MET_OURS, MET_OTHER };

/* @sure: config space proves the hop; else it only leaves it open. */
static enum met meet(struct graph *gr, struct hop hop, bool sure)
{
	if (!hop.b->group)
		return MET_NOTHING;
	if (hop.b->group != gr->g) {
		if (sure)
			explain_note_apart(gr->h, &gr->notes, &hop);
		return MET_OTHER;
	}
	if (sure)
		join(gr, &hop);
	else
		*vec_push(&gr->maybe) = hop;
	return MET_OURS;
}

static bool type_known(const struct pci_info *pci)
{
	return !pci->err && pci->caps_known;
}

/* A hop that hangs on a bridge which is on the way up from @from and not listed. */
static void note_missing_bridge(struct graph *gr, struct device *d, struct device *from)
{
	const char *missing = device_missing_bridge(gr->h, from);
	struct device *up = device_upstream(gr->h, from);

	if (missing && up)
		meet(gr, (struct hop){ .a = d, .b = up, .kind = HOP_NOT_LISTED, .not_listed = missing },
		     false);
}

/*
 * Requester ids: bridges to conventional PCI answer for what is behind them (pci_for_each_dma_alias()).
 * Returns the point from which ACS is asked for, NULL when a group was met on the way.
 */
static struct device *follow_aliases(struct graph *gr, struct device *d)
{
	struct device *point = d, *up;

	for (up = d; up; up = device_upstream(gr->h, up)) {
		const struct pci_info *pci;

		note_missing_bridge(gr, d, up);
		if (up == d)
			continue;
		pci = device_pci(gr->h, up);
		if (!type_known(pci)) {
			meet(gr, (struct hop){ d, up, unknown_kind(gr->h, pci), .port = up }, false);
			continue;
		}
		if (pci->pcie != PCIE_NONE && pci->pcie != PCIE_TO_PCI && pci->pcie != PCI_TO_PCIE)
			continue;
		if (meet(gr, (struct hop){ d, up, HOP_BRIDGE, .port = up }, true) != MET_NOTHING)
			return NULL;
		point = up;
	}
	return point;
}

/*
 * Whether everything from @port up to the root complex isolates (pci_acs_path_enabled()); else *@ret is the
 * one that does not, or that cannot be read.
 */
static enum tri path_isolates(struct host *h, struct device *port, struct device **ret)
{
	enum tri answer = TRI_YES;

	for (; port; port = device_upstream(h, port)) {
		enum tri here = acs_state_isolates(pci_acs_state(device_pci(h, port), NULL));

		if (here == TRI_NO) {
			*ret = port;
			return TRI_NO;
		}
		if (here == TRI_UNKNOWN && answer == TRI_YES) {
			*ret = port;
			answer = TRI_UNKNOWN;
		}
	}
	return answer;
}

/*
 * Up to where the path isolates. A bridge without a group is passed; one in another group shows that the
 * kernel found the path isolated after all. Returns the point reached, NULL when our group was met.
 */
static struct device *climb(struct graph *gr, struct device *d, struct device *point)
{
	struct device *up;

	for (up = device_upstream(gr->h, point); up; up = device_upstream(gr->h, up)) {
		struct device *port = NULL;
		enum tri isolates = path_isolates(gr->h, up, &port);
		struct hop hop = { .a = d, .b = up, .kind = HOP_ACS, .port = port };
		enum met met;

		if (isolates == TRI_YES)
			break;
		if (isolates == TRI_UNKNOWN)
			hop.kind = unknown_kind(gr->h, device_pci(gr->h, port));
		met = meet(gr, hop, isolates == TRI_NO);
		if (met == MET_OURS && isolates == TRI_NO)
			return NULL;
		if (met != MET_NOTHING)
			break;
		point = up;
	}
	return point;
}

/* Other functions of the slot that have no ACS between them either (get_pci_function_alias_group()). */
static void look_into_slot(struct graph *gr, struct device *d, struct device *at)
{
	const struct pci_info *pci = device_pci(gr->h, at);
	enum tri here = acs_state_isolates(pci_acs_state(pci, NULL));
	struct pci_addr a = at->addr;
	bool noted = false; /* that it is apart from one function is said once, not for each */

	if (pci->multifunction == TRI_NO || here == TRI_YES)
		return;
	for (a.fn = 0; a.fn < 8; a.fn++) {
		struct device *other = a.fn == at->addr.fn ? NULL : host_pci(gr->h, a);
		struct hop hop = { .a = d, .b = other, .kind = HOP_SLOT, .port = at };
		enum tri there;

		if (!other)
			continue;
		there = acs_state_isolates(pci_acs_state(device_pci(gr->h, other), NULL));
		if (there == TRI_YES)
			continue;
		if (here == TRI_UNKNOWN || there == TRI_UNKNOWN) {
			hop.port = here == TRI_UNKNOWN ? at : other;
			hop.kind = unknown_kind(gr->h, device_pci(gr->h, hop.port));
			meet(gr, hop, false);
		} else if (other->group == gr->g || (a.fn < at->addr.fn && !noted)) {
			noted |= meet(gr, hop, true) == MET_OTHER;
		}
	}
}

static void follow(struct graph *gr, struct device *d)
{
	struct device *vmd = device_dma_parent(gr->h, d), *point;

	if (!d->is_pci)
		return;
	/* pci_real_dma_dev(): the search starts at the controller, which has a group */
	if (vmd && meet(gr, (struct hop){ d, vmd, HOP_VMD, .port = vmd }, true) != MET_NOTHING)
		return;
	point = follow_aliases(gr, d);
	if (point)
		point = climb(gr, d, point);
	if (point)
		look_into_slot(gr, d, point);
}

/* -- what is left ------------------------------------------------------------------------------------ */

/* Something on the way up from @d that could have told and cannot be read. */
static bool find_unknown(struct graph *gr, struct device *d, struct hop *hop)
{
	for (; d; d = device_upstream(gr->h, d)) {
		const struct pci_info *pci = device_pci(gr->h, d);
		const char *missing = device_missing_bridge(gr->h, d);

		if (missing) {
			hop->kind = HOP_NOT_LISTED;
			hop->not_listed = missing;
			return true;
		}
		if (pci_acs_state(pci, NULL) == ACS_STATE_UNKNOWN) {
			hop->kind = unknown_kind(gr->h, pci);
			hop->port = d;
			return true;
		}
	}
	return false;
}

static void join_leftover(struct graph *gr, struct device *d, struct device *to)
{
	struct hop hop = { .a = d, .b = to, .kind = HOP_QUIRK };

	if (!d->is_pci || !to->is_pci)
		hop.kind = HOP_NON_PCI;
	else if (!find_unknown(gr, d, &hop))
		find_unknown(gr, to, &hop);
	join(gr, &hop);
}

static void find_hops(struct graph *gr)
{
	struct hop *hop;

	for (size_t i = 0; i < gr->n; i++)
		follow(gr, gr->v[i]);
	vec_for_each (hop, &gr->maybe)
		join(gr, hop);
	for (size_t i = 1; i < gr->n; i++) {
		if (find_set(gr, i) != find_set(gr, 0))
			join_leftover(gr, gr->v[i], gr->v[0]);
	}
}

/* -- the order of hops: outwards from the first device ----------------------------------------------- */

struct ends {
	int *head, *next; /* half edges at a device: 2i is a of hop i, 2i + 1 its b */
};

static struct ends list_ends(struct graph *gr)
{
	struct ends e = { .head = arena_array(&gr->h->arena, int, gr->n),
			  .next = arena_array(&gr->h->arena, int, 2 * gr->tree.n) };

	for (size_t i = 0; i < gr->n; i++)
		e.head[i] = -1;
	for (int i = 2 * (int)gr->tree.n - 1; i >= 0; i--) {
		const struct hop *hop = &gr->tree.v[i / 2];
		size_t at = index_of(gr, i % 2 ? hop->b : hop->a);

		e.next[i] = e.head[at];
		e.head[at] = i;
	}
	return e;
}

/* Breadth first, so that the hops of the device asked about come before those of others. */
static struct hop *order_hops(struct graph *gr, size_t first)
{
	struct hop *ret = arena_array(&gr->h->arena, struct hop, gr->tree.n);
	size_t *queue = arena_array(&gr->h->arena, size_t, gr->n);
	bool *seen = arena_array(&gr->h->arena, bool, gr->n);
	struct ends e = list_ends(gr);
	size_t in = 0, n = 0;

	if (!gr->n)
		return ret;
	queue[in++] = first;
	seen[first] = true;
	for (size_t out = 0; out < in; out++) {
		for (int i = e.head[queue[out]]; i >= 0; i = e.next[i]) {
			const struct hop *hop = &gr->tree.v[i / 2];
			size_t far = index_of(gr, i % 2 ? hop->a : hop->b);

			if (seen[far])
				continue;
			seen[far] = true;
			queue[in++] = far;
			ret[n++] = *hop;
		}
	}
	return ret;
}

/* -- the record -------------------------------------------------------------------------------------- */

/* The name, or the ids of a device that no database knows. */
static const char *label(struct host *h, const struct device *d)
{
	const char *title = device_title(h, d);

	return title || !d->has_ids ? title : arena_printf(&h->arena, "%04x:%04x", d->vendor, d->device);
}

static struct rows device_rows(struct graph *gr, const struct device *first)
{
	struct explain_device *v = arena_array(&gr->h->arena, struct explain_device, gr->n);
	size_t n = first ? 1 : 0;

	for (size_t i = 0; i < gr->n; i++) {
		struct device *d = gr->g->devices[i];

		v[d == first ? 0 : n++] = (struct explain_device){
			.device = d->name,
			.bus = d->bus,
			.driver = d->driver,
			.name = label(gr->h, d),
		};
	}
	return ROWS(v, gr->n);
}

static void fill_node(struct graph *gr, struct device *d, struct explain_node *node)
{
	const struct pci_info *pci;
	enum acs_state state;
	uint16_t missing;

	node->device = d->name;
	node->bus = d->bus;
	node->driver = d->driver;
	node->name = label(gr->h, d);
	node->group = d->group ? NUM(d->group->id) : NUM_UNKNOWN;
	node->in_group = d->group == gr->g;
	node->isolates = TRI_UNKNOWN;
	if (!d->is_pci)
		return;
	pci = device_pci(gr->h, d);
	state = pci_acs_state(pci, &missing);
	node->root = device_root_bus(gr->h, d);
	node->acs_why = acs_unknown_why(pci);
	node->acs_label = acs_label(&gr->h->arena, pci);
	node->type = type_known(pci) ? pcie_type_name(pci->pcie) : NULL;
	node->acs = acs_state_word(state);
	node->isolates = acs_state_isolates(state);
	node->acs_cap = pci->has_acs ? NUM(pci->acs_cap) : NUM_UNKNOWN;
	node->acs_ctrl = pci->has_acs ? NUM(pci->acs_ctrl) : NUM_UNKNOWN;
	if (state != ACS_STATE_UNKNOWN)
		node->missing = acs_bit_list(&gr->h->arena, missing);
}

/* The group's devices and everything above them, from the top. */
static struct rows path_rows(struct graph *gr)
{
	struct device **v = arena_array(&gr->h->arena, struct device *, gr->h->n_devices);
	bool *in = arena_array(&gr->h->arena, bool, gr->h->n_devices);
	struct explain_node *nodes;
	size_t n = 0;
	int *parent;

	for (size_t i = 0; i < gr->n; i++) {
		for (struct device *d = gr->v[i]; d && !in[d - gr->h->devices];
		     d = device_upstream(gr->h, d)) {
			in[d - gr->h->devices] = true;
			v[n++] = d;
		}
	}
	parent = arena_array(&gr->h->arena, int, n);
	topology_sort(gr->h, v, n, parent);
	nodes = arena_array(&gr->h->arena, struct explain_node, n);
	for (size_t i = 0; i < n; i++) {
		fill_node(gr, v[i], &nodes[i]);
		nodes[i].parent = parent[i];
		if (parent[i] >= 0)
			nodes[i].upstream = v[parent[i]]->name;
	}
	return ROWS(nodes, n);
}

static void graph_init(struct graph *gr, struct host *h, struct group *g)
{
	int *parent = arena_array(&h->arena, int, g->n_devices);

	*gr = (struct graph){ .h = h, .g = g, .n = g->n_devices, .notes.arena = &h->arena };
	gr->v = arena_array(&h->arena, struct device *, gr->n);
	if (gr->n)
		memcpy(gr->v, g->devices, gr->n * sizeof(*gr->v));
	topology_sort(h, gr->v, gr->n, parent);
	gr->index = arena_array(&h->arena, int, h->n_devices);
	gr->union_ = arena_array(&h->arena, size_t, gr->n);
	for (size_t i = 0; i < gr->n; i++) {
		gr->index[gr->v[i] - h->devices] = (int)i;
		gr->union_[i] = i;
	}
}

const struct explanation *explain_group(struct host *h, struct group *g, struct device *first)
{
	struct explanation *e = arena_new(&h->arena, struct explanation);
	struct explain_hop *rows;
	struct graph gr;
	struct hop *hops;
	size_t n;

	graph_init(&gr, h, g);
	find_hops(&gr);
	n = gr.tree.n;
	hops = order_hops(&gr, first ? index_of(&gr, first) : 0);
	rows = arena_array(&h->arena, struct explain_hop, n);
	for (size_t i = 0; i < n; i++)
		hop_render(h, &hops[i], &rows[i]);
	explain_warn_switches(h, &gr.notes);
	*e = (struct explanation){
		.group = NUM(g->id),
		.summary = explain_summary(h, g, hops, n),
		.explained = explain_complete(hops, n),
		.devices = device_rows(&gr, first),
		.path = path_rows(&gr),
		.hops = ROWS(rows, n),
		.remedies = explain_remedies(h, hops, n),
		.warnings = finding_rows(&gr.notes),
	};
	vec_free(&gr.maybe);
	vec_free(&gr.tree);
	return e;
}
