// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page tables of a guest: what each unit can, and which of them take a table that was made for another. By the rules of the drivers of
 * 7.2; what others than VT-d say is short enough to be here.
 */
#include "diag/guest-facts.h"

#include <string.h>

#include "abi/iommufd.h"
#include "abi/selftest.h"
#include "base/str.h"
#include "host/amd.h"
#include "host/units.h"

#define PAGE_4K ((uint64_t)4096)

/* -- what a unit can ------------------------------------------------------------------------------------------------------- */

static void make_vtd_table(struct planned_unit *u, uint32_t flags)
{
	struct vtd_table t;

	if (vtd_table_make(&u->vtd, flags, &t) < 0)
		return;
	u->width = t.width;
	u->page_sizes = t.page_sizes;
}

static void read_vtd(struct host *h, struct planned_unit *u)
{
	const struct unit_info *i = unit_info(h, u->facts);

	u->known = i->cap.known && i->ecap.known;
	if (!u->known)
		return;
	vtd_unit_read(h, (uint64_t)i->cap.v, (uint64_t)i->ecap.v, &u->vtd);
	u->nests = u->vtd.nesting ? TRI_YES : TRI_NO;
	u->coherent = (u->vtd.scalable ? u->vtd.smpwcs : u->vtd.c) ? TRI_YES : TRI_NO;
	u->snoops = u->vtd.sc ? TRI_YES : TRI_NO;
	make_vtd_table(u, u->vtd.nesting ? IOMMU_HWPT_ALLOC_NEST_PARENT : 0);
}

/* Its driver makes parents where the hardware can, but has no nested tables yet: its viommu holds nothing (amd/iommufd.c). */
static void read_amd(struct host *h, struct planned_unit *u)
{
	const struct unit_info *i = unit_info(h, u->facts);
	uint64_t levels;

	u->nests = TRI_NO;
	u->snoops = u->coherent = TRI_YES;
	u->known = i->efr.known;
	levels = u->known ? reg_get_named(&amd_efr_table, "HATS", (uint64_t)i->efr.v) : 3;
	if (levels == 3)
		return;
	u->width = MIN(64, (unsigned)(levels + 3) * 9 + 21);
	u->page_sizes = ~(PAGE_4K - 1);
}

static void read_unit(struct host *h, struct planned_unit *u)
{
	u->nests = u->coherent = u->snoops = TRI_UNKNOWN;
	if (!u->facts)
		return;
	switch (u->kind) {
	case UNIT_VTD:
		read_vtd(h, u);
		return;
	case UNIT_AMD:
		read_amd(h, u);
		return;
	case UNIT_SMMUV3:
		u->coherent = unit_cache_coherent(h, u->facts, NULL);
		return;
	case UNIT_MOCK:
		u->nests = u->coherent = TRI_YES;
		u->known = true;
		u->page_sizes = ~(uint64_t)(MOCK_PAGE_SIZE - 1);
		return;
	default: /* no other driver makes parents */
		u->nests = TRI_NO;
		u->coherent = unit_cache_coherent(h, u->facts, NULL);
	}
}

static struct planned_unit *unit_of(struct planning *p, struct device *d)
{
	struct planned_unit *u;

	for (size_t i = 0; i < p->n_units; i++)
		if (p->units[i].facts == d->unit)
			return &p->units[i];
	u = &p->units[p->n_units++];
	*u = (struct planned_unit){
		.facts = d->unit,
		.name = d->unit ? d->unit->name : NULL,
		.kind = d->unit ? d->unit->kind : UNIT_UNKNOWN,
		.devices = arena_array(p->a, struct device *, p->q->n),
	};
	read_unit(p->h, u);
	return u;
}

void guest_find_units(struct planning *p)
{
	p->units = arena_array(p->a, struct planned_unit, p->q->n);
	for (size_t i = 0; i < p->q->n; i++) {
		struct planned_unit *u = unit_of(p, p->q->devices[i]);

		u->devices[u->n++] = p->q->devices[i];
	}
}

/* -- whether a unit takes a table ------------------------------------------------------------------------------------------- */

static const struct {
	const char *code, *why;
} misfits[] = {
	{ "driver", "it is a page table of another driver's format" },
	{ "instance", "its driver takes only page tables that were made for the same unit" },
	{ "not-a-parent", "this unit nests, and the table cannot be a parent" },
	{ "stage", "this unit has no tables of that stage" },
	{ "nesting", "the table is a parent of nested ones, and this unit cannot nest" },
	{ "dirty-tracking", "the table tracks dirty pages, and this unit cannot" },
	{ "coherency", "this unit does not read page tables through the caches, as the table's unit does" },
	{ "address-width", "the table is wider than the addresses of this unit" },
	{ "page-sizes", "the table may have pages of a size that this unit lacks" },
	{ "write-buffer", "this unit wants every change flushed, and the table's unit does not" },
	{ "snoop", "the table enforces coherent DMA, and this unit cannot" },
	{ "registers", "the registers of one of the units are not known" },
	{ "unknown-driver", "what this driver takes is not known" },
};

static const char *misfit_text(const char *code)
{
	for (size_t i = 0; code && i < ARRAY_SIZE(misfits); i++)
		if (streq(code, misfits[i].code))
			return misfits[i].why;
	return "it has all that the table asks for";
}

/* NULL: it fits. *@ret is unknown for the codes that say that nobody knows. */
static const char *misfit(const struct planned_table *t, const struct planned_unit *u, enum tri *ret)
{
	const char *code = NULL;

	*ret = TRI_NO;
	if (t->unit->kind != u->kind)
		return "driver";
	if (u->kind == UNIT_SMMUV3 || u->kind == UNIT_VIRTIO)
		return "instance";
	if (u->kind == UNIT_VTD && (!u->known || !t->unit->known)) {
		*ret = TRI_UNKNOWN;
		return "registers";
	}
	if (u->kind == UNIT_VTD)
		code = vtd_table_misfit(&t->vtd, &t->unit->vtd, &u->vtd);
	else if (u->kind != UNIT_AMD && u->kind != UNIT_MOCK) {
		*ret = TRI_UNKNOWN;
		return "unknown-driver";
	}
	if (!code && u->nests == TRI_YES && t->nest_parent == TRI_NO)
		code = "not-a-parent";
	*ret = code ? TRI_NO : TRI_YES;
	return code;
}

static void add_table(struct planning *p, struct planned_unit *u)
{
	struct planned_table *t = &p->tables[p->n_tables];

	*t = (struct planned_table){
		.name = arena_printf(p->a, "table%zu", p->n_tables),
		.unit = u,
		.nest_parent = u->nests,
	};
	if (u->kind == UNIT_VTD && u->known)
		vtd_table_make(&u->vtd, u->vtd.nesting ? IOMMU_HWPT_ALLOC_NEST_PARENT : 0, &t->vtd);
	u->table = p->n_tables++;
}

/* Every table so far, until one is taken; what may be taken counts as not. */
static bool find_table(struct planning *p, struct planned_unit *u)
{
	for (size_t i = 0; i < p->n_tables; i++) {
		struct guest_fit *f = vec_push(&p->fits);
		enum tri fits;
		const char *code = misfit(&p->tables[i], u, &fits);

		*f = (struct guest_fit){ p->tables[i].name, u->name, fits, code, misfit_text(code) };
		if (!code || !streq(code, "driver"))
			p->tables[i].guess = true;
		if (fits != TRI_YES)
			continue;
		u->table = i;
		return true;
	}
	return false;
}

/* -- rows --------------------------------------------------------------------------------------------------------------------- */

static const char *size_word(struct arena *a, unsigned bit)
{
	static const char units[] = { 'B', 'K', 'M', 'G', 'T', 'P', 'E' };

	return arena_printf(a, bit < 10 ? "%u" : "%u%c", 1u << bit % 10, units[bit / 10]);
}

/* "4K", "2M", "1G"; one word when it is every size from some on. */
static struct strs size_words(struct arena *a, uint64_t sizes)
{
	const char **v = arena_array(a, const char *, 64);
	size_t n = 0;

	if (!sizes)
		return (struct strs){ 0 };
	if (sizes == -(sizes & -sizes)) {
		v[0] = arena_printf(a, "%s and above", size_word(a, (unsigned)__builtin_ctzll(sizes)));
		return STRS(v, 1);
	}
	for (unsigned bit = 0; bit < 64; bit++)
		if (sizes >> bit & 1)
			v[n++] = size_word(a, bit);
	return STRS(v, n);
}

static struct strs device_names(struct arena *a, struct device *const *v, size_t n)
{
	const char **names = arena_array(a, const char *, n);

	for (size_t i = 0; i < n; i++)
		names[i] = v[i]->name;
	return STRS(names, n);
}

static const char *unit_text(const struct planned_unit *u)
{
	switch (u->kind) {
	case UNIT_VTD:
		if (!u->known)
			return "its registers are not known: whether it nests, and what tables it takes, is open";
		return u->vtd.nesting ? "VT-d nests on the page table itself: it has no viommu object" :
		       !u->vtd.nest ? "its registers say that it cannot nest" :
				      "it could nest in scalable mode, which is off or missing";
	case UNIT_AMD:
		return "the driver has no nested page tables yet";
	case UNIT_SMMUV3:
		return "no file shows its registers: whether it nests is known once a device of it is open (device hwinfo)";
	case UNIT_VIRTIO:
		return "virtio-iommu does not nest";
	case UNIT_MOCK:
		return "the selftest's IOMMU nests either way";
	default:
		return u->facts ? "its driver has no nested page tables" : "which unit its devices are behind is not known";
	}
}

static const char *viommu_type(const struct planned_unit *u)
{
	return u->kind == UNIT_SMMUV3 ? "smmuv3" : u->kind == UNIT_MOCK ? "selftest" : NULL;
}

static struct rows unit_rows(struct planning *p)
{
	struct guest_unit *v = arena_array(p->a, struct guest_unit, p->n_units);

	for (size_t i = 0; i < p->n_units; i++) {
		const struct planned_unit *u = &p->units[i];

		v[i] = (struct guest_unit){
			.unit = u->name,
			.kind = u->facts ? unit_kind_name(u->kind) : NULL,
			.devices = device_names(p->a, u->devices, u->n),
			.nests = u->nests,
			.nests_by = u->nests == TRI_NO ? NULL : viommu_type(u) ? "viommu" : u->kind == UNIT_VTD ? "hwpt" : NULL,
			.viommu = viommu_type(u),
			.address_bits = u->width ? NUM(u->width) : NUM_UNKNOWN,
			.page_sizes = size_words(p->a, u->page_sizes),
			.coherent = u->coherent,
			.snoops = u->snoops,
			.table = p->tables[u->table].name,
			.why = unit_text(u),
		};
	}
	return ROWS(v, p->n_units);
}

static struct rows table_rows(struct planning *p)
{
	struct guest_table *v = arena_array(p->a, struct guest_table, p->n_tables);

	for (size_t i = 0; i < p->n_tables; i++) {
		const struct planned_table *t = &p->tables[i];
		const char **units = arena_array(p->a, const char *, p->n_units);
		size_t n = 0;

		for (size_t k = 0; k < p->n_units; k++)
			if (p->units[k].table == i)
				units[n++] = p->units[k].name ?: "unknown";
		v[i] = (struct guest_table){
			.table = t->name,
			.made_for = t->unit->name,
			.units = STRS(units, n),
			.nest_parent = t->nest_parent,
			.address_bits = t->unit->width ? NUM(t->unit->width) : NUM_UNKNOWN,
			.page_sizes = size_words(p->a, t->unit->page_sizes),
			.certain = t->guess ? TRI_NO : TRI_YES,
		};
	}
	return ROWS(v, p->n_tables);
}

void guest_share_tables(struct planning *p)
{
	struct guest_plan *plan = p->plan;
	size_t viommus = 0;

	p->tables = arena_array(p->a, struct planned_table, p->n_units);
	for (size_t i = 0; i < p->n_units; i++) {
		size_t tried = p->fits.n;

		if (!find_table(p, &p->units[i]))
			add_table(p, &p->units[i]);
		/* whether it needs one of its own was a guess too */
		for (; tried < p->fits.n; tried++)
			if (!p->fits.v[tried].code || !streq(p->fits.v[tried].code, "driver"))
				p->tables[p->units[i].table].guess = true;
		viommus += viommu_type(&p->units[i]) != NULL;
	}
	plan->units = unit_rows(p);
	plan->tables = table_rows(p);
	plan->fits = ROWS(arena_memdup(p->a, p->fits.v ? (void *)p->fits.v : "", p->fits.n * sizeof(*p->fits.v)), p->fits.n);
	plan->viommus = NUM(viommus);
	vec_free(&p->fits);
}
