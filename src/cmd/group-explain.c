// SPDX-License-Identifier: GPL-2.0-or-later
/* group explain: a picture of the path, what joins the devices, and what would separate them. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "cmd/group.h"
#include "cmd/rows.h"
#include "host/pci.h"

const char group_explain_text[] =
	"Takes the kernel's own steps again on PCI configuration space and names what puts the devices of "
	"a group together: the port that lacks ACS and which bits of it, a bridge to conventional PCI, "
	"functions of one slot. Where config space gives no reason, a quirk or alias is at work that is "
	"not visible from user space; where it cannot be read, that is said.\n\n"
	"ACS, access control services, makes a port send requests between devices up to the IOMMU. The "
	"kernel asks for source validation (SV), request redirect (RR), completion redirect (CR) and "
	"upstream forwarding (UF) on each port of the way up. It decides when it first meets a device; "
	"later changes of ACS bits change no group.\n\n"
	"Devices of one group need not be able to reach each other, and devices of two groups may be. What "
	"would separate them is listed, with what gives up protection marked unsafe.";

const struct arg_row group_explain_args[] = {
	{ .name = "G|DEV",
	  .help = "number of a group, or a device: then the answer starts at it",
	  .complete = COMPLETE_GROUP_OR_DEVICE },
	{ 0 },
};

/* -- the picture ------------------------------------------------------------------------------------- */

struct picture {
	struct out *o;
	struct arena *a;
	const struct explain_node *v;
	size_t n;
	bool *last; /* of its siblings */
	int width;  /* of the widest branch with its address */
};

/* Whether a sibling of each node follows. */
static void find_last(struct picture *p)
{
	bool *seen = arena_array(p->a, bool, p->n);
	const char *root = NULL;

	p->last = arena_array(p->a, bool, p->n);
	for (size_t i = p->n; i-- > 0;) {
		int parent = p->v[i].parent;

		if (parent >= 0) {
			p->last[i] = !seen[parent];
			seen[parent] = true;
		} else {
			p->last[i] = !streq(root, p->v[i].root);
			root = p->v[i].root;
		}
	}
}

static void add_branches(const struct picture *p, int i, struct strbuf *b)
{
	bool utf8 = out_options(p->o)->utf8;

	if (i < 0)
		return;
	add_branches(p, p->v[i].parent, b);
	strbuf_puts(b, p->last[i] ? "   " : utf8 ? "│  " : "|  ");
}

static int branch_width(const struct picture *p, int i)
{
	int depth = 1;

	while ((i = p->v[i].parent) >= 0)
		depth++;
	return 3 * depth;
}

static enum out_style acs_style(int isolates)
{
	return isolates == TRI_YES ? STYLE_GOOD : isolates == TRI_NO ? STYLE_BAD : STYLE_WARN;
}

/* "root port, ACS SV RR CR UF", coloured where ACS decides. */
static void print_state(struct picture *p, const struct explain_node *node)
{
	const char *type = node->type	? node->type
			   : node->root ? "PCI"
			   : node->bus	? node->bus
					: "unknown bus";

	out_styled(p->o, STYLE_PLAIN, arena_printf(p->a, "  %s", type));
	if (!node->acs_label)
		return;
	out_styled(p->o, STYLE_PLAIN, ", ");
	out_styled(p->o, acs_style(node->isolates), node->acs_label);
}

static void print_node(struct picture *p, int i)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	const struct explain_node *node = &p->v[i];
	bool utf8 = out_options(p->o)->utf8;
	const char *group =
		node->group.known ? arena_printf(p->a, ", group %d", (int)node->group.v) : ", in no group";

	strbuf_puts(&b, "  ");
	add_branches(p, node->parent, &b);
	if (node->root)
		strbuf_puts(&b, p->last[i] ? utf8 ? "└─ " : "`- " : utf8 ? "├─ " : "|- ");
	out_styled(p->o, STYLE_DIM, strbuf_str(&b));
	out_styled(p->o, node->in_group == TRI_YES ? STYLE_BOLD : STYLE_PLAIN, node->device);
	if (node->root)
		out_styled(p->o, STYLE_PLAIN,
			   arena_printf(p->a, "%*s",
					MAX(p->width - branch_width(p, i) - (int)strlen(node->device), 0),
					""));
	print_state(p, node);
	out_styled(p->o, node->in_group == TRI_YES ? STYLE_BOLD : STYLE_DIM, group);
	out_text(p->o, "%s%s", node->name ? ": " : "", node->name ? node->name : "");
}

static void print_picture(struct out *o, struct arena *a, struct rows rows)
{
	struct picture p = { .o = o, .a = a, .v = rows.v, .n = rows.n };
	const char *root = NULL;

	find_last(&p);
	for (size_t i = 0; i < p.n; i++)
		p.width = MAX(p.width, branch_width(&p, (int)i) + (int)strlen(p.v[i].device));
	for (size_t i = 0; i < p.n; i++) {
		if (p.v[i].root && !streq(p.v[i].root, root))
			out_text(o, "  %s", p.v[i].root);
		root = p.v[i].root;
		print_node(&p, (int)i);
	}
}

/* -- why --------------------------------------------------------------------------------------------- */

/* Hops that follow one another and have the same cause need its words once. */
static size_t same_cause(const struct explain_hop *v, size_t n)
{
	size_t k = 1;

	while (v[0].port && k < n && streq(v[k].kind, v[0].kind) && streq(v[k].port, v[0].port))
		k++;
	return k;
}

static void print_hops(struct out *o, struct rows rows)
{
	const struct explain_hop *v = rows.v;
	size_t k;

	out_text(o, "%s", "");
	out_styled(o, STYLE_BOLD, "Why");
	out_text(o, "%s", "");
	for (size_t i = 0; i < rows.n; i += k) {
		_cleanup_strbuf_ struct strbuf others = { 0 };

		k = same_cause(v + i, rows.n - i);
		out_text(o, "  %s", v[i].text);
		for (size_t j = i + 1; j < i + k; j++)
			strbuf_printf(&others, "%s%s with %s", j == i + 1 ? "" : ", ", v[j].a, v[j].b);
		if (k > 1)
			out_text(o, "  The same joins %s.", strbuf_str(&others));
	}
}

/* What the sentence about each port rests on. */
static void print_principle(struct out *o, struct rows rows)
{
	const struct explain_hop *v = rows.v;

	for (size_t i = 0; i < rows.n; i++) {
		if (!streq(v[i].kind, "acs-missing"))
			continue;
		out_text(o, "  The kernel keeps devices apart only where every port on the way up has ACS on "
			    "(SV RR CR UF): then requests between devices are sure to pass the IOMMU.");
		return;
	}
}

static void print_remedies(struct out *o, struct rows rows)
{
	const struct remedy *v = rows.v;

	if (!rows.n)
		return;
	out_text(o, "%s", "");
	out_styled(o, STYLE_BOLD, "What would separate them, or tell more");
	out_text(o, "%s", "");
	for (size_t i = 0; i < rows.n; i++) {
		out_styled(o, STYLE_PLAIN, "  ");
		if (v[i].unsafe == TRI_YES) {
			out_styled(o, STYLE_BAD, "unsafe:");
			out_styled(o, STYLE_PLAIN, " ");
		}
		out_text(o, "%s", v[i].text);
		if (v[i].command)
			out_verbatim(o, "      %s", v[i].command);
	}
}

static void print_warnings(struct out *o, struct rows rows)
{
	const struct reason *v = rows.v;

	if (!rows.n)
		return;
	out_text(o, "%s", "");
	for (size_t i = 0; i < rows.n; i++) {
		out_styled(o, out_word_style(v[i].severity), v[i].severity);
		out_text(o, ": %s", v[i].text);
		if (v[i].file && v[i].value)
			out_text(o, "    seen in %s: %s", v[i].file, v[i].value);
	}
}

static void print_explanation(struct out *o, struct arena *a, const struct explanation *e)
{
	out_styled(o, STYLE_BOLD, e->summary);
	out_text(o, "%s", "");
	if (e->path.n) {
		out_text(o, "%s", "");
		print_picture(o, a, e->path);
	}
	if (e->hops.n)
		print_hops(o, e->hops);
	print_principle(o, e->hops);
	print_remedies(o, e->remedies);
	print_warnings(o, e->warnings);
}

/* -- the command ------------------------------------------------------------------------------------- */

int group_explain_run(struct invocation *inv)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	const struct explanation *e;
	struct device *d = NULL;
	struct group *g;
	uint64_t id;
	int r;

	r = out_begin(inv->out, &explain_record);
	if (r < 0)
		return EXIT_USAGE;
	r = host_load(inv->ctx, inv->source, HOST_IDS | HOST_DRIVERS | HOST_NAMES, &h);
	if (r < 0)
		return r;
	r = host_find_group(h, inv->argv[0], &g);
	if (r >= 0 && parse_u64(inv->argv[0], &id) < 0)
		r = host_find_device(h, inv->argv[0], &d);
	if (r < 0)
		return exit_from_lookup(r);
	e = explain_group(h, g, d);
	if (out_options(inv->out)->json)
		return out_row(inv->out, e);
	print_explanation(inv->out, &h->arena, e);
	return EXIT_DONE;
}
