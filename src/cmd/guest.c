// SPDX-License-Identifier: GPL-2.0-or-later
/* The noun plan: what a guest that gets these devices needs. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "cmd/device.h"
#include "cmd/guest-verify.h"
#include "cmd/objects.h"
#include "cmd/reasons.h"
#include "cmd/rows.h"
#include "diag/guest.h"
#include "host/drivers.h"

struct plan_row {
	int feasible;
	struct rows units, along;
	struct num physical, viommus, stage2;
	struct rows reasons;
	struct strs rebinds;
	const char *machine, *format;
	struct strs arguments;
	struct rows tries;
};

#define P(member, type, head, text, ...) FIELD(struct plan_row, member, type, head, text, ##__VA_ARGS__)

static const struct field plan_fields[] = {
	P(feasible, F_BOOL, "FEASIBLE", "whether the guest can have them, once they are bound; null: cannot be told"),
	P(units, F_LIST, "UNITS", "physical IOMMUs that the devices are behind", .sub = &guest_unit_record, .flags = FIELD_DEFAULT),
	P(physical, F_INT, "PHYSICAL", "how many of them there are"),
	P(viommus, F_INT, "VIOMMUS", "virtual IOMMU objects that the guest needs: one for each whose driver has them"),
	P(stage2, F_INT, "STAGE-2", "second-stage page tables that it needs"),
	P(along, F_LIST, "ALONG", "other devices of their groups", .sub = &guest_along_record, .flags = FIELD_DEFAULT),
	P(reasons, F_LIST, "REASONS", "what stands in the way, and what to know", .sub = &reason_record),
	P(rebinds, F_STRS, "REBINDS", "devices that libvirt would move to vfio-pci itself with managed='yes'"),
	P(machine, F_STR, "MACHINE", "machine type that the arguments are for", .flags = FIELD_DEFAULT),
	P(format, F_STR, "FORMAT", "qemu or libvirt"),
	P(arguments, F_STRS, "ARGUMENTS", "arguments for QEMU, or lines of libvirt's XML", .flags = FIELD_DEFAULT),
	P(tries, F_LIST, "TRIES", "what the kernel said to each second-stage table, with --verify; null without", .sub = &guest_try_record),
};

static const struct record_type plan_record = RECORD("plan", 1, struct plan_row, plan_fields);

struct planning {
	struct invocation *inv;
	struct host *h;
	struct device **v;
	struct guest_plan plan;
	const char *machine;
	VEC(const char *) lines;
};

static void line(struct planning *p, const char *fmt, ...) _printf_(2, 3);

static void line(struct planning *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	*vec_push(&p->lines) = arena_vprintf(&p->h->arena, fmt, ap);
	va_end(ap);
}

/* -- QEMU ---------------------------------------------------------------------------------------------------------------------- */

/* An SMMUv3 in the guest hangs on a root complex of its own; x86 machine types take one virtual IOMMU. */
static bool has_own_viommus(const struct planning *p)
{
	return p->plan.n_viommus && streq(p->machine, "virt");
}

static size_t unit_index(const struct planning *p, const struct device *d)
{
	const struct guest_unit *u = p->plan.units.v;

	for (size_t i = 0; i < p->plan.units.n; i++)
		for (size_t k = 0; k < u[i].devices.n; k++)
			if (streq(u[i].devices.v[k], d->name))
				return i;
	return 0;
}

static const char *bus_of(struct planning *p, const struct device *d)
{
	return has_own_viommus(p) ? arena_printf(&p->h->arena, "pxb%zu", unit_index(p, d)) : "pcie.0";
}

static void qemu_viommus(struct planning *p)
{
	const struct guest_unit *u = p->plan.units.v;

	for (size_t i = 0; has_own_viommus(p) && i < p->plan.units.n; i++) {
		line(p, "-device pxb-pcie,id=pxb%zu,bus=pcie.0,bus_nr=%zu", i, 64 * (i + 1));
		if (u[i].viommu)
			line(p, "-device arm-smmuv3,primary-bus=pxb%zu,id=%s,accel=on", i, u[i].viommu);
	}
	if (streq(p->machine, "q35") && p->plan.units.n && streq(u[0].kind, "vt-d"))
		line(p, "-device intel-iommu,intremap=on,caching-mode=on");
}

static void qemu_lines(struct planning *p)
{
	line(p, streq(p->machine, "q35") ? "-machine q35,kernel-irqchip=split" : "-machine virt,gic-version=3");
	line(p, "-object iommufd,id=iommufd0");
	qemu_viommus(p);
	for (int i = 0; i < p->inv->argc; i++) {
		line(p, "-device pcie-root-port,id=rp%d,bus=%s,chassis=%d", i, bus_of(p, p->v[i]), i + 1);
		line(p, "-device vfio-pci,host=%s,bus=rp%d,iommufd=iommufd0", p->v[i]->name, i);
	}
}

/* -- libvirt ------------------------------------------------------------------------------------------------------------------- */

static void libvirt_lines(struct planning *p)
{
	for (int i = 0; i < p->inv->argc; i++) {
		struct pci_addr a = p->v[i]->addr;

		line(p, "<hostdev mode='subsystem' type='pci' managed='no'>");
		line(p, "  <source><address domain='0x%04x' bus='0x%02x' slot='0x%02x' function='0x%x'/></source>", a.domain, a.bus, a.dev, a.fn);
		line(p, "</hostdev>");
	}
}

static struct strs rebinds(struct planning *p)
{
	const char **v = arena_array(&p->h->arena, const char *, (size_t)p->inv->argc + 1);
	size_t n = 0;

	for (int i = 0; i < p->inv->argc; i++)
		if (device_driver_use(p->h, p->v[i]) != USE_VFIO)
			v[n++] = p->v[i]->name;
	return STRS(v, n);
}

/* -- answer ---------------------------------------------------------------------------------------------------------------------- */

static const char *names(struct planning *p, const struct strs *s)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (size_t i = 0; i < s->n; i++)
		strbuf_printf(&b, "%s%s", i ? ", " : "", s->v[i]);
	return arena_strdup(&p->h->arena, strbuf_str(&b));
}

static void print_units(struct planning *p)
{
	const struct guest_unit *u = p->plan.units.v;
	const struct guest_along *a = p->plan.along.v;
	struct out *o = p->inv->out;

	for (size_t i = 0; i < p->plan.units.n; i++) {
		out_text(o, "%s (%s): %s", u[i].unit ?: "unknown unit", u[i].kind ?: "-", names(p, &u[i].devices));
		out_text(o, "  stage 2: %s (%s)%s%s", u[i].stage2, u[i].stage2_why, u[i].viommu ? ", virtual IOMMU: " : "", u[i].viommu ?: "");
	}
	for (size_t i = 0; i < p->plan.along.n; i++)
		out_text(o, "group %lld, %s (%s): %s", (long long)a[i].group.v, a[i].device, a[i].driver ?: "no driver", a[i].what);
}

static void print_plan(struct planning *p, const struct plan_row *row)
{
	const struct guest_try *t = row->tries.v;
	struct out *o = p->inv->out;

	out_text(o, "physical IOMMUs: %zu, second-stage page tables: %zu, virtual IOMMU objects: %zu; by what the drivers do, a guess until it is tried (--verify)",
		 p->plan.units.n, p->plan.n_stage2, p->plan.n_viommus);
	print_units(p);
	print_reasons(o, &p->h->arena, p->plan.reasons);
	for (size_t i = 0; i < row->tries.n; i++)
		out_text(o, "tried: %s on %s: %s", t[i].device, t[i].table, t[i].result);
	if (row->rebinds.n && streq(row->format, "libvirt"))
		out_text(o, "managed='yes' would move %s to vfio-pci, and back to its driver when the guest ends", names(p, &row->rebinds));
	out_text(o, "\n");
	for (size_t i = 0; i < row->arguments.n; i++)
		out_verbatim(o, "%s", row->arguments.v[i]);
}

static int exit_of(const struct guest_plan *plan)
{
	if (!plan->feasible)
		return EXIT_NO;
	return plan->missing ? plan->missing == -EACCES ? EXIT_PERMISSION : EXIT_UNSUPPORTED : EXIT_DONE;
}

static int answer(struct planning *p, const struct rows *tries)
{
	const char *format = inv_opt(p->inv, "format") ?: "qemu";
	struct plan_row row = {
		.feasible = !p->plan.feasible ? TRI_NO : p->plan.missing ? TRI_UNKNOWN : TRI_YES,
		.units = p->plan.units,
		.along = p->plan.along,
		.physical = NUM(p->plan.units.n),
		.viommus = NUM(p->plan.n_viommus),
		.stage2 = NUM(p->plan.n_stage2),
		.reasons = p->plan.reasons,
		.rebinds = rebinds(p),
		.machine = p->machine,
		.format = format,
		.tries = *tries,
	};
	int r = 0;

	if (streq(format, "libvirt"))
		libvirt_lines(p);
	else
		qemu_lines(p);
	row.arguments = STRS(p->lines.v, p->lines.n);
	if (wants_text(p->inv))
		print_plan(p, &row);
	else
		r = out_row(p->inv->out, &row);
	return r < 0 ? r : exit_of(&p->plan);
}

/* Arm machines have SMMUs, and the others take PCI Express as q35 does. */
static const char *default_machine(const struct planning *p)
{
	for (int i = 0; i < p->inv->argc; i++)
		if (p->v[i]->unit && (p->v[i]->unit->kind == UNIT_SMMUV3 || p->v[i]->unit->kind == UNIT_SMMUV2))
			return "virt";
	return "q35";
}

static int check_devices(struct planning *p)
{
	for (int i = 0; i < p->inv->argc; i++) {
		if (!p->v[i]->is_pci)
			return bad_argument(p->inv, p->inv->argv[i], "not a PCI device: a guest's machine has no place for it", NULL);
		for (int k = 0; k < i; k++)
			if (p->v[k] == p->v[i])
				return bad_argument(p->inv, p->inv->argv[i], "is named twice", NULL);
	}
	return EXIT_DONE;
}

static int run_plan(struct invocation *inv)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	struct planning p = { .inv = inv };
	struct rows tries = { 0 };
	int r;

	if (out_begin(inv->out, &plan_record) < 0)
		return EXIT_USAGE;
	if (inv_opt(inv, "verify") && !inv->machine->lasting) {
		ctx_error(inv->ctx, NOTE(.code = "no-session", .err = EINVAL, .why = "it opens the devices and attaches them",
					 .hint = "use session start, or batch"), "plan --verify");
		return EXIT_USAGE;
	}
	r = host_load(inv->ctx, inv->source, HOST_ALL, &h);
	if (r < 0)
		return r;
	p.h = h;
	r = device_find_all(inv, h, &p.v);
	if (r == EXIT_DONE)
		r = check_devices(&p);
	if (r != EXIT_DONE)
		return r;
	p.machine = inv_opt(inv, "machine") ?: default_machine(&p);
	guest_plan(h, p.v, (size_t)inv->argc, &p.plan);
	if (inv_opt(inv, "verify"))
		r = guest_verify(inv, p.v, (size_t)inv->argc, &tries);
	if (r == EXIT_DONE)
		r = answer(&p, &tries);
	vec_free(&p.lines);
	return r;
}

/* -- rows ------------------------------------------------------------------------------------------------------------------------ */

static const char *const formats[] = { "qemu", "libvirt", NULL };
static const char *const machines[] = { "q35", "virt", NULL };

static const struct arg_row plan_args[] = {
	{ .name = "DEV", .help = "a device that the guest gets", .complete = COMPLETE_DEVICE, .repeat = true },
	{ 0 },
};

static const struct option_row plan_options[] = {
	{ .name = "verify", .help = "open the devices and try each second-stage page table: in a batch or session, with the devices bound" },
	{ .name = "format", .arg = "FORMAT", .help = "arguments for qemu (the default), or elements for libvirt", .complete = COMPLETE_WORDS, .words = formats },
	{ .name = "machine", .arg = "TYPE", .help = "machine type of the guest: those with PCI Express take root ports and expander bridges", .complete = COMPLETE_WORDS,
	  .words = machines },
	{ 0 },
};

static const struct command plan_commands[] = {
	{
		.summary = "what a guest that gets these devices needs",
		.text = "Which physical IOMMUs the devices are behind; how many virtual IOMMU objects that makes, one for each physical one; which of them can share a second-stage "
			"page table, and why not; what else is in their groups and has to come along; and arguments for QEMU or libvirt. That is judged by what "
			"each IOMMU driver of Linux 7.2 looks at, from the registers in sysfs. --verify tries it: each device is attached to each second-stage table there is, and where "
			"the kernel refuses (EINVAL) it gets one of its own; every errno is reported, and everything is given back.\n\n"
			"Exit status 3: a guest cannot have them so; the reasons say why.",
		.args = plan_args,
		.options = plan_options,
		.record = &plan_record,
		.flags = COMMAND_QUESTION | COMMAND_DETAIL,
		.run = run_plan,
	},
};

const struct noun noun_plan = {
	.name = "plan",
	.summary = "what a guest that gets these devices needs",
	.commands = plan_commands,
	.n = ARRAY_SIZE(plan_commands),
};
