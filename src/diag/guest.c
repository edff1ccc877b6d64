// SPDX-License-Identifier: GPL-2.0-or-later
#include "diag/guest.h"

#include <errno.h>
#include <string.h>

#include "abi/iommufd.h"
#include "base/str.h"
#include "diag/viability.h"
#include "host/drivers.h"
#include "host/units.h"
#include "host/vtd-tables.h"

#define U(member, type, head, text, ...) FIELD(struct guest_unit, member, type, head, text, ##__VA_ARGS__)

static const struct field unit_fields[] = {
	U(unit, F_STR, "UNIT", "physical IOMMU; null: not known", .flags = FIELD_DEFAULT),
	U(kind, F_STR, "KIND", "vt-d, amd-vi, smmuv3, ...", .flags = FIELD_DEFAULT),
	U(devices, F_STRS, "DEVICES", "devices of the guest behind it", .flags = FIELD_DEFAULT),
	U(viommu, F_STR, "VIOMMU", "virtual IOMMU object that is a slice of it; null: its driver has none", .flags = FIELD_DEFAULT),
	U(nests, F_BOOL, "NESTS", "whether it can do nested translation", .flags = FIELD_DEFAULT),
	U(stage2, F_STR, "STAGE-2", "second-stage page table: the same name is the same table", .flags = FIELD_DEFAULT),
	U(stage2_why, F_STR, "WHY", "why it shares that table, or needs one of its own", .flags = FIELD_DEFAULT | FIELD_WRAP),
};

const struct record_type guest_unit_record = RECORD("guest.unit", 1, struct guest_unit, unit_fields);

#define A(member, type, head, text, ...) FIELD(struct guest_along, member, type, head, text, ##__VA_ARGS__)

static const struct field along_fields[] = {
	A(device, F_STR, "DEVICE", "device that shares a group with one of the guest's", .flags = FIELD_DEFAULT),
	A(driver, F_STR, "DRIVER", "driver that it has; null: none", .flags = FIELD_DEFAULT),
	A(group, F_INT, "GROUP", "number of the group", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	A(what, F_STR, "WHAT", "what has to become of it", .flags = FIELD_DEFAULT),
};

const struct record_type guest_along_record = RECORD("guest.along", 1, struct guest_along, along_fields);

struct planner {
	struct host *h;
	struct device *const *v;
	size_t n;
	struct guest_unit *units;
	struct unit **facts; /* of each */
	const char **names;  /* of devices, room for all units */
	size_t n_units, n_stage2, n_viommus;
	struct finding f;
	bool feasible;
	int missing;
};

/* -- page tables ------------------------------------------------------------------------------------------------------------ */

static bool read_vtd(struct planner *p, struct unit *u, struct vtd_unit *ret)
{
	const struct unit_info *i = unit_info(p->h, u);

	if (!i->cap.known || !i->ecap.known)
		return false;
	vtd_unit_read(p->h, (uint64_t)i->cap.v, (uint64_t)i->ecap.v, ret);
	return true;
}

/* NULL: the table of @of is taken by @u; else why not. */
static const char *vtd_misfit(struct planner *p, struct unit *of, struct unit *u)
{
	struct vtd_table table;
	struct vtd_unit a, b;
	const char *misfit;

	if (!read_vtd(p, of, &a) || !read_vtd(p, u, &b))
		return "their registers cannot be read";
	if (vtd_table_make(&a, a.nesting ? IOMMU_HWPT_ALLOC_NEST_PARENT : 0, &table) < 0)
		return "it has no such table";
	misfit = vtd_table_misfit(&table, &a, &b);
	return misfit ? arena_printf(&p->h->arena, "they differ in %s", misfit) : NULL;
}

/*
 * What the drivers look at when a table that was made for one unit is to be put in force by another one: VT-d paging_domain_compatible(),
 * AMD amd_iommu_attach_device(), SMMUv3 arm_smmu_attach_dev(), virtio viommu_attach_dev().
 */
static const char *misfit(struct planner *p, struct unit *of, struct unit *u)
{
	if (of->kind != u->kind)
		return "it is of another kind";
	switch (u->kind) {
	case UNIT_VTD:
		return vtd_misfit(p, of, u);
	case UNIT_AMD:
		return NULL;
	case UNIT_SMMUV3:
	case UNIT_VIRTIO:
		return "its driver takes no table of another instance";
	default:
		return "nothing tells whether its driver would take it";
	}
}

static void choose_stage2(struct planner *p, size_t at)
{
	struct guest_unit *g = &p->units[at];
	const char *why = NULL;

	for (size_t i = 0; i < at; i++) {
		const char *no = p->facts[i] && p->facts[at] ? misfit(p, p->facts[i], p->facts[at]) : "its unit is not known";

		if (!no) {
			g->stage2 = p->units[i].stage2;
			g->stage2_why = arena_printf(&p->h->arena, "what %s takes, it takes too", p->units[i].unit);
			return;
		}
		why = arena_printf(&p->h->arena, "not that of %s: %s", p->units[i].unit ?: "the other one", no);
	}
	g->stage2 = arena_printf(&p->h->arena, "s2-%zu", p->n_stage2++);
	g->stage2_why = why ?: "the first";
}

/* -- units -------------------------------------------------------------------------------------------------------------------- */

static int nests(struct planner *p, struct unit *u)
{
	const struct unit_info *i = u ? unit_info(p->h, u) : NULL;
	struct vtd_unit v;

	if (u && u->kind == UNIT_VTD && read_vtd(p, u, &v))
		return v.nesting ? TRI_YES : TRI_NO;
	/* guest tables, and the guest's own ones of them: GT and GIOSUP of EFR, GCR3TRPMode of EFR2 */
	if (u && u->kind == UNIT_AMD && i->efr.known && i->efr2.known)
		return (i->efr.v >> 4 & 1) && (i->efr.v >> 48 & 1) && (i->efr2.v >> 3 & 1) ? TRI_YES : TRI_NO;
	if (u && u->kind == UNIT_VIRTIO)
		return TRI_NO;
	return TRI_UNKNOWN;
}

static size_t unit_of(struct planner *p, struct unit *u)
{
	for (size_t i = 0; i < p->n_units; i++)
		if (p->facts[i] == u)
			return i;
	p->facts[p->n_units] = u;
	return p->n_units++;
}

static void fill_unit(struct planner *p, size_t at)
{
	struct unit *u = p->facts[at];
	struct guest_unit *g = &p->units[at];
	const char **names = p->names + at * p->n;
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		if (p->v[i]->unit == u)
			names[n++] = p->v[i]->name;
	*g = (struct guest_unit){ .unit = u ? u->name : NULL, .kind = u ? unit_kind_name(u->kind) : NULL, .devices = STRS(names, n) };
	g->nests = nests(p, u);
	if (u && u->kind == UNIT_SMMUV3)
		g->viommu = arena_printf(&p->h->arena, "viommu%zu", p->n_viommus++);
	choose_stage2(p, at);
}

static void make_units(struct planner *p)
{
	p->facts = arena_array(&p->h->arena, struct unit *, p->n + 1);
	p->units = arena_array(&p->h->arena, struct guest_unit, p->n + 1);
	p->names = arena_array(&p->h->arena, const char *, p->n * p->n + 1);
	for (size_t i = 0; i < p->n; i++)
		unit_of(p, p->v[i]->unit);
	for (size_t i = 0; i < p->n_units; i++)
		fill_unit(p, i);
}

/* -- groups --------------------------------------------------------------------------------------------------------------------- */

static bool is_asked(const struct planner *p, const struct device *d)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i] == d)
			return true;
	return false;
}

static bool group_seen(const struct planner *p, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (p->v[i]->group == p->v[at]->group)
			return true;
	return false;
}

static const char *what_becomes(struct host *h, const struct device *d)
{
	if (device_driver_use(h, d) == USE_NATIVE)
		return device_is_bridge(d) ? "must leave its driver" : "must leave its driver, and go to the same guest or to nobody";
	return "stays with the guest's group: nobody else can have it";
}

/* Bridges on drivers that leave DMA alone need nothing. */
static struct rows make_along(struct planner *p)
{
	VEC(struct guest_along) v = { 0 };
	struct guest_along *copy;
	struct rows rows;

	for (size_t i = 0; i < p->n; i++) {
		struct group *g = p->v[i]->group;

		for (size_t k = 0; g && !group_seen(p, i) && k < g->n_devices; k++) {
			struct device *d = g->devices[k];

			if (is_asked(p, d) || (device_is_bridge(d) && device_driver_use(p->h, d) != USE_NATIVE))
				continue;
			*vec_push(&v) = (struct guest_along){ d->name, d->driver, NUM(g->id), what_becomes(p->h, d) };
		}
	}
	copy = arena_array(&p->h->arena, struct guest_along, v.n + 1);
	if (v.n)
		memcpy(copy, v.v, v.n * sizeof(*copy));
	rows = ROWS(copy, v.n);
	vec_free(&v);
	return rows;
}

static void add_reason(struct planner *p, enum severity severity, const char *code, const struct device *d, const char *text)
{
	struct reason *r = finding_add(&p->f, severity, code);

	r->device = d ? d->name : NULL;
	r->driver = d ? d->driver : NULL;
	r->text = text;
	if (severity == SEVERITY_PROBLEM)
		p->feasible = false;
}

static void check_device(struct planner *p, struct device *d)
{
	struct question q = { .group = d->group, .device = d, .after_bind = true };
	struct viability v;

	if (!d->group) {
		add_reason(p, SEVERITY_PROBLEM, "no-group", d, arena_printf(&p->h->arena, "%s is in no IOMMU group", d->name));
		return;
	}
	group_check(p->h, &q, &v);
	if (streq(v.verdict, "ready") || streq(v.verdict, "needs-bind"))
		return;
	if (!v.verdict || streq(v.verdict, "unknown")) {
		p->missing = v.missing == -EACCES || !p->missing ? v.missing ?: -ENODATA : p->missing;
		add_reason(p, SEVERITY_UNKNOWN, "not-judged", d, arena_printf(&p->h->arena, "%s: %s", d->name, v.summary));
		return;
	}
	add_reason(p, SEVERITY_PROBLEM, v.verdict, d, arena_printf(&p->h->arena, "%s: %s: %s", d->name, v.verdict, v.summary));
}

static void check_layout(struct planner *p)
{
	struct arena *a = &p->h->arena;

	if (p->n_units > 1)
		add_reason(p, SEVERITY_NOTE, "broadcast", NULL,
			   arena_printf(a, "with one virtual IOMMU for all, each invalidation that names no device has to go to %zu physical "
					   "IOMMUs; with one for each it goes to one", p->n_units));
	for (size_t i = 0; i < p->n_units; i++) {
		const struct guest_unit *g = &p->units[i];

		if (g->nests == TRI_NO)
			add_reason(p, SEVERITY_NOTE, "no-nesting", NULL,
				   arena_printf(a, "%s cannot nest: a virtual IOMMU in the guest is emulated, and every map of the guest is caught",
						g->unit));
		else if (g->nests == TRI_UNKNOWN)
			add_reason(p, SEVERITY_NOTE, "nesting-unknown", NULL,
				   arena_printf(a, "no file tells whether %s can nest: device hwinfo does, on an open device", g->unit ?: "its unit"));
	}
}

void guest_plan(struct host *h, struct device *const *v, size_t n, struct guest_plan *ret)
{
	struct planner p = { .h = h, .v = v, .n = n, .f = { .arena = &h->arena }, .feasible = true };

	make_units(&p);
	for (size_t i = 0; i < n; i++)
		check_device(&p, v[i]);
	check_layout(&p);
	*ret = (struct guest_plan){ .units = ROWS(p.units, p.n_units), .along = make_along(&p) };
	ret->n_stage2 = p.n_stage2;
	ret->n_viommus = p.n_viommus;
	ret->feasible = p.feasible;
	ret->missing = p.missing;
	ret->reasons = finding_rows(&p.f);
}
