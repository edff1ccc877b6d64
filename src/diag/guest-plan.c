// SPDX-License-Identifier: GPL-2.0-or-later
#include "diag/guest-facts.h"

#include <errno.h>

#include "base/str.h"

#define U(member, type, head, text, ...) FIELD(struct guest_unit, member, type, head, text, ##__VA_ARGS__)

static const struct field unit_fields[] = {
	U(unit, F_STR, "UNIT", "physical IOMMU; null: no file tells which", .flags = FIELD_DEFAULT),
	U(kind, F_STR, "KIND", "vt-d, amd-vi, smmuv3, virtio, ...", .flags = FIELD_DEFAULT),
	U(devices, F_STRS, "DEVICES", "devices of the guest that are behind it", .flags = FIELD_DEFAULT),
	U(nests, F_BOOL, "NESTS", "whether the first stage can be the guest's own tables", .flags = FIELD_DEFAULT),
	U(nests_by, F_STR, "BY", "the object that nested tables are made on: hwpt, viommu; null: none", .flags = FIELD_DEFAULT),
	U(viommu, F_STR, "VIOMMU", "type of its viommu object; null: its driver has none", .flags = FIELD_DEFAULT),
	U(address_bits, F_INT, "WIDTH", "widest address of its page tables", .unit = "bits", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	U(page_sizes, F_STRS, "PAGES", "page sizes of its page tables", .flags = FIELD_DEFAULT),
	U(coherent, F_BOOL, "COHERENT", "whether it reads page tables through the caches"),
	U(snoops, F_BOOL, "SNOOPS", "whether it can enforce coherent DMA"),
	U(table, F_STR, "TABLE", "page table that its devices get", .flags = FIELD_DEFAULT),
	U(why, F_STR, "WHY", "what is known of its nesting, one sentence"),
};

const struct record_type guest_unit_record = RECORD("guest-unit", 1, struct guest_unit, unit_fields);

#define D(member, type, head, text, ...) FIELD(struct guest_device, member, type, head, text, ##__VA_ARGS__)

static const struct field device_fields[] = {
	D(device, F_STR, "DEVICE", "device", .flags = FIELD_DEFAULT),
	D(name, F_STR, "NAME", "vendor and device"),
	D(driver, F_STR, "DRIVER", "driver that it is on; null: none", .flags = FIELD_DEFAULT),
	D(group, F_INT, "GROUP", "its group", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	D(unit, F_STR, "UNIT", "physical IOMMU that it is behind", .flags = FIELD_DEFAULT),
	D(asked, F_BOOL, "ASKED", "no: not asked for, but in the group of one that is", .flags = FIELD_DEFAULT),
	D(leaves, F_BOOL, "LEAVES", "whether it has to leave its driver", .flags = FIELD_DEFAULT),
	D(guard, F_STR, "GUARD", "what device guard says of its leaving: safe, loss, unknown; null: it stays", .flags = FIELD_DEFAULT | FIELD_VERDICT),
	D(guard_why, F_STR, "GUARD-WHY", "the guard's verdict in one sentence"),
	D(managed_rebinds, F_BOOL, "REBINDS", "whether libvirt would rebind it with managed='yes'", .flags = FIELD_DEFAULT),
	D(table, F_STR, "TABLE", "page table that it gets; null: it is not the guest's", .flags = FIELD_DEFAULT),
};

const struct record_type guest_device_record = RECORD("guest-device", 1, struct guest_device, device_fields);

#define T(member, type, head, text, ...) FIELD(struct guest_table, member, type, head, text, ##__VA_ARGS__)

static const struct field table_fields[] = {
	T(table, F_STR, "TABLE", "page table of the guest's memory", .flags = FIELD_DEFAULT),
	T(made_for, F_STR, "MADE-FOR", "unit that it is allocated for", .flags = FIELD_DEFAULT),
	T(units, F_STRS, "UNITS", "units that use it", .flags = FIELD_DEFAULT),
	T(nest_parent, F_BOOL, "PARENT", "whether nested tables are made on it", .flags = FIELD_DEFAULT),
	T(address_bits, F_INT, "WIDTH", "width of its addresses", .unit = "bits", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	T(page_sizes, F_STRS, "PAGES", "page sizes that it may have", .flags = FIELD_DEFAULT),
	T(certain, F_BOOL, "CERTAIN", "no: who shares it is a guess by the drivers' rules, which --verify replaces", .flags = FIELD_DEFAULT),
};

const struct record_type guest_table_record = RECORD("guest-table", 1, struct guest_table, table_fields);

#define F(member, type, head, text, ...) FIELD(struct guest_fit, member, type, head, text, ##__VA_ARGS__)

static const struct field fit_fields[] = {
	F(table, F_STR, "TABLE", "page table", .flags = FIELD_DEFAULT),
	F(unit, F_STR, "UNIT", "unit that it was not made for", .flags = FIELD_DEFAULT),
	F(fits, F_BOOL, "FITS", "whether the unit takes it", .flags = FIELD_DEFAULT),
	F(code, F_STR, "CODE", "stable word for why not; null: it does", .flags = FIELD_DEFAULT),
	F(why, F_STR, "WHY", "the reason, one sentence", .flags = FIELD_DEFAULT | FIELD_WRAP),
};

const struct record_type guest_fit_record = RECORD("guest-fit", 1, struct guest_fit, fit_fields);

#define L(member, type, head, text, ...) FIELD(struct guest_layout, member, type, head, text, ##__VA_ARGS__)

static const struct field layout_fields[] = {
	L(layout, F_STR, "LAYOUT", "none, per-iommu: an IOMMU of the guest for each physical one, shared: one for all", .flags = FIELD_DEFAULT),
	L(chosen, F_BOOL, "CHOSEN", "whether the arguments are for this one", .flags = FIELD_DEFAULT),
	L(possible, F_BOOL, "POSSIBLE", "whether it can be had; null: a register decides that no file shows", .flags = FIELD_DEFAULT),
	L(guest_iommus, F_INT, "IOMMUS", "IOMMUs that the guest sees", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	L(viommus, F_INT, "VIOMMUS", "viommu objects behind them", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	L(broadcast, F_INT, "BROADCAST", "physical IOMMUs that an invalidation goes to which names no device", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	L(text, F_STR, "WHY", "what that means, one sentence", .flags = FIELD_DEFAULT | FIELD_WRAP),
};

const struct record_type guest_layout_record = RECORD("guest-layout", 1, struct guest_layout, layout_fields);

/* -- the sentence ---------------------------------------------------------------------------------------------------------- */

static const char *plural(struct arena *a, size_t n, const char *word)
{
	return arena_printf(a, "%zu %s%s", n, word, n == 1 ? "" : "s");
}

/* The first reason that makes it so. */
static const char *deciding(const struct planning *p)
{
	const char *severity = streq(p->plan->verdict, "unknown") || !p->plan->verdict ? "unknown" : "problem";
	const struct reason *r;

	vec_for_each(r, &p->out.reasons)
		if (streq(r->severity, severity))
			return r->text;
	return "see the groups";
}

static const char *summarise(struct planning *p)
{
	const struct guest_plan *plan = p->plan;
	const char *what = arena_printf(p->a, "%s behind %s, on %s", plural(p->a, p->q->n, "device"), plural(p->a, p->n_units, "physical IOMMU"),
					plural(p->a, p->n_tables, "page table"));

	if (streq(plan->verdict, "ready"))
		return arena_printf(p->a, "%s; nothing has to be done before", what);
	if (streq(plan->verdict, "needs-bind"))
		return arena_printf(p->a, "%s; %s first", what, plural(p->a, plan->steps.n, "move"));
	return deciding(p);
}

/* -- what is to be known besides ------------------------------------------------------------------------------------------- */

static void note_guesses(struct planning *p)
{
	struct reason *r;

	for (size_t i = 0; !p->q->tried && i < p->n_tables; i++) {
		if (!p->tables[i].guess)
			continue;
		r = finding_add(&p->out, SEVERITY_NOTE, "guess");
		r->text = "which units share a page table is a guess by the rules of today's drivers, until the kernel is asked";
		finding_remedy(&p->out, false, NULL, "--verify, in a batch or session, attaches each device to each table in turn");
		return;
	}
}

static void note_managed(struct planning *p)
{
	const struct guest_device *v = p->plan->devices.v;
	_cleanup_strbuf_ struct strbuf b = { 0 };
	struct reason *r;

	for (size_t i = 0; i < p->plan->devices.n; i++)
		if (v[i].managed_rebinds == TRI_YES)
			strbuf_printf(&b, "%s%s", b.len ? ", " : "", v[i].device);
	if (!b.len)
		return;
	r = finding_add(&p->out, SEVERITY_NOTE, "managed");
	r->text = arena_printf(p->a, "with managed='yes' libvirt would rebind %s whenever the guest starts, and leave it to the kernel to find a driver "
			       "when it ends; other devices of the group it does not touch", strbuf_str(&b));
}

static void note_versions(struct planning *p)
{
	const struct guest_plan *plan = p->plan;
	struct reason *r;

	if (!plan->qemu_version)
		return;
	r = finding_add(&p->out, SEVERITY_NOTE, "versions");
	r->text = arena_printf(p->a, "the arguments want QEMU %s, the XML libvirt %s%s", plan->qemu_version, plan->libvirt_version,
			       p->iommu == GUEST_IOMMU_INTEL ? "; QEMU after 11.0 writes scalable-mode=on,fsts=on" : "");
}

static void judge_arguments(struct planning *p)
{
	struct reason *r;

	if (guest_arguments(p) == 0)
		return;
	p->plan->qemu = STRS(NULL, 0);
	r = finding_add(&p->out, SEVERITY_PROBLEM, "too-many");
	r->text = "a guest has not as many PCI buses as these devices need";
	if (streq(p->plan->verdict, "ready") || streq(p->plan->verdict, "needs-bind") || streq(p->plan->verdict, "unknown"))
		p->plan->verdict = "too-many";
}

void guest_plan(struct host *h, const struct guest_question *q, struct guest_plan *ret)
{
	struct planning p = { .h = h, .a = &h->arena, .q = q, .plan = ret, .out.arena = &h->arena };

	*ret = (struct guest_plan){ 0 };
	guest_find_units(&p);
	guest_share_tables(&p);
	guest_judge_groups(&p);
	guest_choose_layout(&p);
	judge_arguments(&p);
	ret->summary = summarise(&p);
	note_guesses(&p);
	note_managed(&p);
	note_versions(&p);
	ret->reasons = finding_rows(&p.out);
}
