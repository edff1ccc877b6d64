// SPDX-License-Identifier: GPL-2.0-or-later
/* plan DEV... */
#include "cmd/guest-plan.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "cmd/acting.h"
#include "cmd/device.h"
#include "cmd/machine.h"
#include "cmd/object/objects.h"
#include "cmd/reasons.h"
#include "cmd/rows.h"
#include "diag/viability.h"
#include "host/names.h"

struct plan_row {
	struct guest_plan p;
	struct guest_verified v;
};

#define P(member, ftype, heading, text, ...) \
	{ .name = #member, .type = (ftype), .offset = offsetof(struct plan_row, p.member), .head = (heading), .help = (text), ##__VA_ARGS__ }
#define V(fname, member, ftype, heading, text, ...) \
	{ .name = (fname), .type = (ftype), .offset = offsetof(struct plan_row, v.member), .head = (heading), .help = (text), ##__VA_ARGS__ }

static const struct field plan_fields[] = {
	P(verdict, F_STR, "VERDICT", "ready, needs-bind, refused, blocked, in-use, nothing-to-give, too-many, unknown; null: not judged",
	  .flags = FIELD_VERDICT),
	P(summary, F_STR, "SUMMARY", "the verdict in one sentence"),
	P(units, F_LIST, "UNITS", "the physical IOMMUs that the devices are behind", .sub = &guest_unit_record),
	P(viommus, F_INT, "VIOMMUS", "viommu objects: one for each physical IOMMU whose driver has them"),
	P(devices, F_LIST, "DEVICES", "the devices, and those that come along with them", .sub = &guest_device_record),
	P(tables, F_LIST, "TABLES", "page tables of the guest's memory", .sub = &guest_table_record),
	P(fits, F_LIST, "FITS", "which unit takes which of them, and why not", .sub = &guest_fit_record),
	P(layouts, F_LIST, "LAYOUTS", "the ways of giving the guest an IOMMU", .sub = &guest_layout_record),
	P(machine, F_STR, "MACHINE", "machine type of QEMU that the arguments are for"),
	P(layout, F_STR, "LAYOUT", "the layout that they are for"),
	P(guest_iommu, F_STR, "GUEST-IOMMU", "QEMU's device for the guest's IOMMU; null: none"),
	P(interface, F_STR, "INTERFACE", "iommufd, or legacy: groups and a container"),
	P(qemu, F_STRS, "QEMU", "arguments for QEMU"),
	P(qemu_version, F_STR, "QEMU-VERSION", "the first QEMU that knows them; null: any of today"),
	P(libvirt, F_STR, "LIBVIRT", "the same as a piece of libvirt's domain XML; null: it cannot be said"),
	P(libvirt_version, F_STR, "LIBVIRT-VERSION", "the first libvirt that knows it; null: any of today"),
	P(steps, F_LIST, "STEPS", "the moves that are left", .sub = &step_record),
	V("tried", trials, F_LIST, "TRIED", "what --verify tried; null: nothing", .sub = &guest_trial_record),
	V("tables_verified", tables, F_INT, "TABLES-VERIFIED", "page tables that it came to; null: not tried"),
	V("as_planned", as_planned, F_BOOL, "AS-PLANNED", "whether they are shared as planned; null: not, or not all, tried"),
	P(reasons, F_LIST, "REASONS", "why, with evidence and remedies", .sub = &reason_record),
};

static const struct record_type plan_record = RECORD("plan", 1, struct plan_row, plan_fields);

/* -- text ----------------------------------------------------------------------------------------------------------------------- */

static const char *join(struct arena *a, struct strs s)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (size_t i = 0; i < s.n; i++)
		strbuf_printf(&b, "%s%s", i ? ", " : "", s.v[i] ?: "?");
	return arena_strdup(a, strbuf_str(&b));
}

static void print_device(struct out *out, const struct guest_device *d)
{
	out_styled(out, STYLE_PLAIN, "    ");
	out_styled(out, STYLE_BOLD, d->device);
	out_text(out, " (%s), group %d%s%s%s%s%s", d->driver ?: "no driver", (int)d->group.v, d->asked == TRI_YES ? "" : ", comes along",
		 d->leaves == TRI_YES ? ": leaves its driver" : "", d->guard ? "; guard: " : "", d->guard ?: "", d->table ? "" : "; not the guest's");
}

static void print_unit(struct out *out, struct arena *a, const struct guest_unit *u, struct rows devices)
{
	const struct guest_device *d = devices.v;

	out_styled(out, STYLE_PLAIN, "  ");
	out_styled(out, STYLE_BOLD, u->unit ?: "unknown unit");
	out_styled(out, STYLE_PLAIN, arena_printf(a, "%s%s%s: ", u->kind ? " (" : "", u->kind ?: "", u->kind ? ")" : ""));
	if (u->address_bits.known)
		out_styled(out, STYLE_PLAIN, arena_printf(a, "%d bits, pages of %s; ", (int)u->address_bits.v, join(a, u->page_sizes)));
	out_text(out, "%s", u->why);
	for (size_t i = 0; i < devices.n; i++)
		if (streq(d[i].unit, u->unit))
			print_device(out, &d[i]);
}

static void print_tables(struct out *out, struct arena *a, const struct guest_plan *p)
{
	const struct guest_table *t = p->tables.v;
	const struct guest_fit *f = p->fits.v;

	out_text(out, "page tables");
	for (size_t i = 0; i < p->tables.n; i++)
		out_text(out, "  %s: made for %s, for devices behind %s%s%s", t[i].table, t[i].made_for ?: "?", join(a, t[i].units),
			 t[i].nest_parent == TRI_YES ? "; parent of nested ones" : "", t[i].certain == TRI_YES ? "" : " (a guess)");
	for (size_t i = 0; i < p->fits.n; i++)
		out_text(out, "  %s and %s: %s: %s", f[i].table, f[i].unit ?: "?",
			 f[i].fits == TRI_YES ? "fit" : f[i].fits == TRI_NO ? "do not fit" : "perhaps", f[i].why);
}

static void print_layouts(struct out *out, const struct guest_plan *p)
{
	const struct guest_layout *l = p->layouts.v;

	out_text(out, "IOMMUs of the guest");
	for (size_t i = 0; i < p->layouts.n; i++) {
		out_styled(out, STYLE_PLAIN, "  ");
		out_styled(out, l[i].chosen == TRI_YES ? STYLE_BOLD : STYLE_PLAIN, l[i].layout);
		out_text(out, "%s: %s", l[i].chosen == TRI_YES ? ", planned" : l[i].possible == TRI_NO ? ", not possible" : "", l[i].text);
	}
}

static void print_trials(struct out *out, const struct guest_verified *v)
{
	const struct guest_trial *t = v->trials.v;

	if (!v->trials.known)
		return;
	out_text(out, "tried");
	for (size_t i = 0; i < v->trials.n; i++)
		out_text(out, "  %s: %s%s%s: %s%s%s", t[i].device, t[i].what, t[i].table ? " " : "", t[i].table ?: "", t[i].error ?: "done",
			 t[i].text ? ": " : "", t[i].text ?: "");
	out_text(out, "  %lld page tables, %s", (long long)v->tables.v,
		 v->as_planned == TRI_YES ? "shared as planned" : v->as_planned == TRI_NO ? "not shared as planned" : "and not all could be tried");
}

/* For a person to paste; or, alone, for $(...), where a backslash would be an argument. No value has a blank in it. */
static void print_qemu(struct out *out, struct strs args, bool alone)
{
	for (size_t i = 0; i + 1 < args.n; i += 2)
		out_verbatim(out, "%s%s %s%s", alone ? "" : "  ", args.v[i], args.v[i + 1], alone || i + 2 >= args.n ? "" : " \\");
}

static void print_plan(struct out *out, struct arena *a, const struct plan_row *row)
{
	const struct guest_plan *p = &row->p;
	const struct guest_unit *u = p->units.v;
	const struct step *s = p->steps.v;

	out_styled(out, out_word_style(p->verdict), p->verdict ?: "not judged");
	out_text(out, ": %s", p->summary);
	for (size_t i = 0; i < p->units.n; i++)
		print_unit(out, a, &u[i], p->devices);
	print_tables(out, a, p);
	print_layouts(out, p);
	print_trials(out, &row->v);
	if (p->steps.n)
		out_text(out, "first");
	for (size_t i = 0; i < p->steps.n; i++)
		out_verbatim(out, "  %s", s[i].command ?: s[i].device);
	print_reasons(out, a, p->reasons);
	if (p->qemu.n)
		out_text(out, "for QEMU%s%s", p->qemu_version ? " from " : "", p->qemu_version ?: "");
	print_qemu(out, p->qemu, false);
}

/* What is printed alone is to be used by a program: what speaks against it goes to stderr. */
static void warn_of(struct invocation *inv, const struct guest_plan *p)
{
	const struct reason *r = p->reasons.v;

	for (size_t i = 0; i < p->reasons.n; i++)
		if (!streq(r[i].severity, "note"))
			ctx_note(inv->ctx, (struct note){ .level = NOTE_WARNING, .code = r[i].code, .why = r[i].text, .where = r[i].file }, "%s",
				 r[i].device ?: "plan");
}

static void print_lines(struct out *out, struct arena *a, const char *text)
{
	char *copy = arena_strdup(a, text ?: ""), *line;

	while ((line = strsep(&copy, "\n")))
		if (*line)
			out_verbatim(out, "%s", line);
}

static int print(struct invocation *inv, struct arena *a, const struct plan_row *row)
{
	const char *format = inv_opt(inv, "format");

	if (!wants_text(inv))
		return out_row(inv->out, row);
	if (!format) {
		print_plan(inv->out, a, row);
		return 0;
	}
	warn_of(inv, &row->p);
	if (streq(format, "qemu"))
		print_qemu(inv->out, row->p.qemu, true);
	else
		print_lines(inv->out, a, row->p.libvirt);
	return 0;
}

/* -- the command ---------------------------------------------------------------------------------------------------------------- */

static enum exit_code exit_from_plan(const struct guest_plan *p)
{
	if (!p->verdict)
		return EXIT_UNSUPPORTED;
	if (streq(p->verdict, "ready") || streq(p->verdict, "needs-bind"))
		return EXIT_DONE;
	if (streq(p->verdict, "unknown"))
		return p->missing == -EACCES ? EXIT_PERMISSION : EXIT_UNSUPPORTED;
	return EXIT_NO;
}

static enum exit_code exit_from_verify(const struct guest_verified *v)
{
	if (!v->err)
		return EXIT_DONE;
	if (v->refused)
		return EXIT_NO;
	return v->err == -EACCES ? EXIT_PERMISSION : EXIT_UNSUPPORTED;
}

static int may_verify(struct invocation *inv)
{
	if (inv->from && !inv->machine->model)
		return bad_argument(inv, "--verify", "it acts, and that machine is not here", "-M asks a model of that machine");
	if (!inv->machine->lasting && !inv->machine->model)
		return bad_argument(inv, "--verify", "it opens the devices, which resets them: it wants a batch or a session", "session start, or batch");
	return EXIT_DONE;
}

/* Each device once, and each in a group. */
static int take_devices(struct invocation *inv, struct host *h, struct guest_question *q)
{
	struct device **v;
	int r = device_find_all(inv, h, &v);

	if (r != EXIT_DONE)
		return r;
	q->devices = arena_array(&h->arena, struct device *, inv->argc);
	for (int i = 0; i < inv->argc; i++) {
		bool again = false;

		if (!v[i]->group) {
			ctx_error(inv->ctx, NOTE(.code = "no-group", .err = EOPNOTSUPP, .why = "no IOMMU covers it: it is in no group",
						 .hint = "iommuctl doctor says what keeps the IOMMU from working"), "%s", v[i]->name);
			return EXIT_UNSUPPORTED;
		}
		for (size_t k = 0; k < q->n; k++)
			again = again || q->devices[k] == v[i];
		if (!again)
			q->devices[q->n++] = v[i];
	}
	return EXIT_DONE;
}

/* Which of them this batch or session has open already. */
static const bool *find_ours(struct invocation *inv, struct host *h, const struct guest_question *q)
{
	bool stays, *ours = arena_array(&h->arena, bool, q->n);

	for (size_t i = 0; i < q->n; i++)
		ours[i] = acting_own_object(inv, q->devices[i]->bus, q->devices[i]->name, &stays) != NULL;
	return ours;
}

static int run_plan(struct invocation *inv)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	struct guest_question q = { .machine = inv_opt(inv, "machine"), .layout = inv_opt(inv, "layout"), .tried = inv_opt(inv, "verify") };
	struct plan_row row = { .v.as_planned = TRI_UNKNOWN };
	enum exit_code code;
	int r = out_begin(inv->out, &plan_record);

	if (r < 0)
		return EXIT_USAGE;
	if (inv_opt(inv, "verify"))
		r = may_verify(inv);
	if (r != EXIT_DONE)
		return r;
	names_begin();
	r = host_load(inv->ctx, inv->source, HOST_ALL, &h);
	if (r < 0)
		return r;
	r = take_devices(inv, h, &q);
	if (r != EXIT_DONE)
		return r;
	q.ours = find_ours(inv, h, &q);
	q.guard = guard_facts_read(h, source_is_live(inv->source) ? getenv("SSH_CONNECTION") : NULL);
	guest_plan(h, &q, &row.p);
	code = exit_from_plan(&row.p);
	if (inv_opt(inv, "verify")) {
		r = guest_verify(inv, h, &q, &row.p, &row.v);
		if (r != EXIT_DONE)
			return r;
		code = worse_exit(code, exit_from_verify(&row.v));
	}
	r = print(inv, &h->arena, &row);
	return r < 0 ? r : (int)code;
}

static const char *const format_words[] = { "qemu", "libvirt", NULL };
static const char *const machine_words[] = { "q35", "virt", "pc", NULL };
static const char *const layout_words[] = { "none", "per-iommu", "shared", NULL };

static const struct arg_row args[] = {
	{ .name = "DEV", .help = "a device that the guest is to get", .complete = COMPLETE_DEVICE, .repeat = true },
	{ 0 },
};

static const struct option_row options[] = {
	{ .name = "verify", .help = "ask the kernel, or the model, which page tables are shared: attach each device to each in turn" },
	{ .name = "format", .arg = "WORD", .help = "print only the arguments", .complete = COMPLETE_WORDS, .words = format_words },
	{ .name = "machine", .arg = "TYPE", .help = "machine type of QEMU, instead of the one that suits the IOMMU", .complete = COMPLETE_WORDS,
	  .words = machine_words },
	{ .name = "layout", .arg = "WORD", .help = "which IOMMUs the guest gets, instead of as many as the hardware can nest", .complete = COMPLETE_WORDS,
	  .words = layout_words },
	{ 0 },
};

static const struct command commands[] = {
	{
		.summary = "what a guest needs that is to get these devices",
		.text = "Says which physical IOMMU each device is behind, how many page tables for the guest's memory that makes and which units share one or "
			"why not, how many viommu objects (one for each physical IOMMU whose driver has them), which devices come along since they are in the "
			"same group, what the guard says about those that leave their drivers, and the moves that are left. Then the arguments for QEMU; "
			"--format libvirt prints a piece of domain XML instead, with managed='no': what libvirt would rebind with managed='yes' is said.\n\n"
			"A guest whose devices are behind several physical IOMMUs can be given one IOMMU for each, or one for all; then an invalidation that "
			"names no device has to go to all of them. QEMU's x86 machines (q35) take one IOMMU; its arm64 machine (virt) takes an SMMUv3 for "
			"each root bus; pc takes none. Where the guest has IOMMUs and there are several physical ones, each of those gets a root bus "
			"of its own (pxb-pcie). Without hardware that nests no IOMMU is planned; --layout shared gives a virtio-iommu.\n\n"
			"Which units share a page table follows from their registers and from the rules of the drivers of Linux 7.2, and is a guess until it is tried. "
			"--verify, in a batch or session or on a model, opens the devices that are not open, which resets them, attaches each to every page "
			"table that was made there, allocates one on EINVAL, reports each error, and takes all of it back. Devices that are attached are "
			"left alone.\n\n"
			"Verdicts: ready and needs-bind: it works, now or after the moves (exit 0); refused: the machine would lose something, as device guard "
			"says; blocked, in-use, nothing-to-give: as group check says of a group; too-many: more devices than a guest has buses (3); unknown (7 for "
			"want of permission, else 6). With --verify it is 3 as well when the kernel takes a device on no table, and 6 or 7 when one could not be tried.",
		.args = args,
		.options = options,
		.record = &plan_record,
		.flags = COMMAND_QUESTION | COMMAND_DETAIL,
		.run = run_plan,
	},
};

extern const struct noun noun_plan;
const struct noun noun_plan = {
	.name = "plan",
	.summary = "what a guest needs that is to get some devices",
	.commands = commands,
	.n = ARRAY_SIZE(commands),
};
