// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/units.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "host/amd.h"
#include "host/devtree.h"
#include "host/streams.h"
#include "host/vtd.h"

#define UNITS "sys/class/iommu"

static const struct field field_fields[] = {
	FIELD(struct unit_field, reg, F_STR, "REGISTER", "register", .flags = FIELD_DEFAULT),
	FIELD(struct unit_field, field, F_STR, "FIELD", "field, as the specification abbreviates it",
	      .flags = FIELD_DEFAULT),
	FIELD(struct unit_field, bit, F_INT, "BIT", "its lowest bit", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct unit_field, width, F_INT, "WIDTH", "its width", .unit = "bits", .flags = FIELD_RIGHT),
	FIELD(struct unit_field, value, F_HEX, "VALUE", "its value", .flags = FIELD_RIGHT),
	FIELD(struct unit_field, words, F_STR, "SAYS", "the value in words", .flags = FIELD_DEFAULT),
	FIELD(struct unit_field, text, F_STR, "ABOUT", "what the field is about", .flags = FIELD_DEFAULT | FIELD_TRUNC),
	FIELD(struct unit_field, ref, F_STR, "REFERENCE", "where the specification defines it"),
};

static const struct field hidden_fields[] = {
	FIELD(struct unit_hidden, what, F_STR, "WHAT", "what cannot be seen", .flags = FIELD_DEFAULT),
	FIELD(struct unit_hidden, why, F_STR, "WHY", "why", .flags = FIELD_DEFAULT | FIELD_WRAP),
};

static const struct field reserved_fields[] = {
	FIELD(struct unit_reserved, start, F_HEX, "START", "first address", .flags = FIELD_DEFAULT),
	FIELD(struct unit_reserved, end, F_HEX, "END", "last address", .flags = FIELD_DEFAULT),
	FIELD(struct unit_reserved, kind, F_STR, "KIND", "what the firmware calls it", .flags = FIELD_DEFAULT),
	FIELD(struct unit_reserved, device, F_STR, "DEVICE", "device that it is for", .flags = FIELD_DEFAULT),
	FIELD(struct unit_reserved, group, F_INT, "GROUP", "group of that device", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct unit_reserved, type, F_STR, "TYPE", "the kernel's word for that range in the group",
	      .flags = FIELD_DEFAULT),
};

const struct record_type unit_field_record = RECORD("unit.field", 1, struct unit_field, field_fields);
const struct record_type unit_hidden_record = RECORD("unit.hidden", 1, struct unit_hidden, hidden_fields);
const struct record_type unit_reserved_record = RECORD("unit.reserved", 1, struct unit_reserved, reserved_fields);

/* What is collected while a unit is read. */
struct reader {
	struct host *h;
	struct unit *u;
	struct unit_info *i;
	VEC(struct unit_field) fields;
	VEC(struct unit_hidden) hidden;
	VEC(const char *) features;
};

static void hide(struct reader *r, const char *what, const char *why)
{
	*vec_push(&r->hidden) = (struct unit_hidden){ what, why };
}

static void add_feature(struct reader *r, const char *word)
{
	*vec_push(&r->features) = word;
}

/* A file of the unit that holds a number: unknown, noted and said in hidden when it does not. */
static struct num read_number(struct reader *r, const char *file, bool hex)
{
	char path[SRC_PATH_MAX];
	uint64_t v;
	int err;

	PATHF(path, UNITS "/%s/%s", r->u->name, file);
	err = hex ? source_read_hex(r->h->src, path, &v) : source_read_u64(r->h->src, path, &v);
	if (!err)
		return NUM(v);
	hide(r, file, err == -ENOENT ? "this kernel has no such file" : err_text(err));
	if (err != -ENOENT && err != -EACCES && err != -ENOTCAPTURED)
		ctx_warn(r->h->ctx, "bad-attribute", err, path, "unit %s", r->u->name);
	return NUM_UNKNOWN;
}

static void decode(struct reader *r, const struct reg_table *t, struct num reg)
{
	struct arena *a = &r->h->arena;
	uint64_t rest;

	if (!reg.known)
		return;
	for (size_t i = 0; i < t->n; i++) {
		const struct reg_field *f = &t->fields[i];

		*vec_push(&r->fields) = (struct unit_field){
			t->reg, f->name, NUM(f->shift), NUM(f->width), NUM(reg_get(f, reg.v)), reg_words(f, a, reg.v), f->text,
			arena_printf(a, "%s: %s", t->spec, f->ref),
		};
		if (f->feature && reg_get(f, reg.v))
			add_feature(r, f->feature);
	}
	rest = reg_unknown_bits(t, reg.v);
	if (rest)
		hide(r, arena_printf(a, "%s bits 0x%llx", t->reg, (unsigned long long)rest),
		     "set, and of a meaning that this program does not know");
}

static void read_vtd(struct reader *r)
{
	struct unit_info *i = r->i;

	i->address = read_number(r, "intel-iommu/address", true);
	i->address_from = i->address.known ? arena_printf(&r->h->arena, "/" UNITS "/%s/intel-iommu/address", r->u->name) : NULL;
	i->cap = read_number(r, "intel-iommu/cap", true);
	i->ecap = read_number(r, "intel-iommu/ecap", true);
	i->domains_used = read_number(r, "intel-iommu/domains_used", false);
	i->domains_supported = read_number(r, "intel-iommu/domains_supported", false);
	decode(r, &vtd_cap_table, i->cap);
	decode(r, &vtd_ecap_table, i->ecap);
	if (i->cap.known) {
		i->address_bits = NUM(vtd_address_width(i->cap.v));
		if (reg_get_named(&vtd_cap_table, "SLLPS", i->cap.v) & 1)
			add_feature(r, "2M-pages");
		if (reg_get_named(&vtd_cap_table, "SLLPS", i->cap.v) & 2)
			add_feature(r, "1G-pages");
	}
	if (i->ecap.known)
		i->pasid_bits = NUM(vtd_pasid_bits(i->ecap.v));
	hide(r, "whether translation and remapping are on", "the status registers are in no file of sysfs");
}

static void read_amd(struct reader *r)
{
	char path[SRC_PATH_MAX], buf[64];
	uint64_t efr, efr2;
	bool has_efr2;
	int err;

	r->i->cap = read_number(r, "amd-iommu/cap", true);
	decode(r, &amd_cap_table, r->i->cap);
	PATHF(path, UNITS "/%s/amd-iommu/features", r->u->name);
	err = source_read_attr(r->h->src, path, buf, sizeof(buf));
	if (!err)
		err = amd_features_parse(buf, &efr, &efr2, &has_efr2);
	if (err) {
		hide(r, "amd-iommu/features", err == -ENOENT ? "this kernel has no such file" : err_text(err));
		if (err != -ENOENT && err != -EACCES && err != -ENOTCAPTURED)
			ctx_warn(r->h->ctx, "bad-attribute", err, path, "unit %s", r->u->name);
		return;
	}
	r->i->efr = NUM(efr);
	r->i->pasid_bits = NUM(amd_pasid_bits(efr));
	decode(r, &amd_efr_table, r->i->efr);
	if (has_efr2) {
		r->i->efr2 = NUM(efr2);
		decode(r, &amd_efr2_table, r->i->efr2);
	} else {
		hide(r, "EFR2", "this kernel prints one feature register");
	}
	hide(r, "features of this unit alone", "the kernel prints what all AMD-Vi units of the machine have in common");
	hide(r, "domains in use", "AMD-Vi counts them for the machine, and in no file");
}

int unit_name_address(const char *name, uint64_t *ret)
{
	const char *hex = strstr(name, ".0x");

	return hex ? parse_hex(hex + 1, ret) : -EINVAL;
}

/* Why the ids of devices at the unit are not known. */
static void hide_streams(struct reader *r)
{
	const struct streams *s = host_streams(r->h);

	for (size_t i = 0; i < s->n; i++)
		if (s->maps[i].unit == r->u)
			return;
	if (streams_err(s) == -ENOENT)
		hide(r, "stream ids of devices", "neither a devicetree nor an ACPI table IORT maps them");
	else if (streams_err(s))
		hide(r, "stream ids of devices",
		     arena_printf(&r->h->arena, "%s: %s", s->tree_err == streams_err(s) ? "devicetree" : "ACPI table IORT", err_text(streams_err(s))));
	else
		hide(r, "stream ids of devices", "the firmware's maps lead to other units only");
}

static void read_smmu(struct reader *r)
{
	uint64_t base;

	if (unit_name_address(r->u->name, &base) == 0) {
		r->i->address = NUM(base);
		r->i->address_from = "its name";
	}
	if (r->u->kind == UNIT_SMMUV3)
		hide(r, "ID registers (stages, address sizes, ATS, PRI, stall, HTTU)",
		     "SMMUv3 shows them only to the holder of a bound device, through iommufd's GET_HW_INFO (6.13 and later)");
	else
		hide(r, "ID registers", "SMMUv2 shows them in no file; its driver prints them at boot");
	hide(r, "domains in use", "the driver has no file for it");
	hide_streams(r);
}

static void read_virtio(struct reader *r)
{
	hide(r, "page sizes, address range, domain range", "they are in the virtio device's own configuration, which no file shows");
	hide(r, "domains in use", "the driver has no file for it");
}

static void read_registers(struct reader *r)
{
	switch (r->u->kind) {
	case UNIT_VTD:
		return read_vtd(r);
	case UNIT_AMD:
		return read_amd(r);
	case UNIT_SMMUV3:
	case UNIT_SMMUV2:
		return read_smmu(r);
	case UNIT_VIRTIO:
		return read_virtio(r);
	case UNIT_MOCK:
		return hide(r, "capabilities", "it is the kernel's own stand-in for tests; no hardware is behind it");
	default:
		return hide(r, "capabilities", "the driver of this kind of unit has no file for them");
	}
}

/* The unit in the firmware's tables: by register base, or by the PCI function that it is. */
static void find_in_tables(struct reader *r)
{
	struct unit_info *i = r->i;
	struct pci_addr addr;
	const char *name = r->u->kind == UNIT_VIRTIO ? r->u->name : r->u->parent;
	bool has_addr = name && pci_addr_parse(name, &addr) == 0;

	i->acpi = acpi_find_unit(host_acpi(r->h), r->u->kind, i->address.known ? i->address.v : 0,
				 has_addr ? &addr : NULL);
	if (!i->acpi)
		return;
	i->node = i->acpi->node;
	if (!i->address.known && i->acpi->base) {
		i->address = NUM(i->acpi->base);
		i->address_from = arena_printf(&r->h->arena, "ACPI table %s", acpi_table_name(i->acpi->table));
	}
}

static void find_members(struct reader *r)
{
	struct host *h = r->h;

	r->i->devices = arena_array(&h->arena, struct device *, r->u->n_members + 1);
	r->i->groups = arena_array(&h->arena, struct group *, h->n_groups + 1);
	for (size_t i = 0; i < h->n_devices && r->i->n_devices < r->u->n_members; i++)
		if (h->devices[i].unit == r->u)
			r->i->devices[r->i->n_devices++] = &h->devices[i];
	for (size_t i = 0; i < h->n_groups; i++)
		for (size_t d = 0; d < h->groups[i].n_devices; d++)
			if (h->groups[i].devices[d]->unit == r->u) {
				r->i->groups[r->i->n_groups++] = &h->groups[i];
				break;
			}
}

#define TO_ARENA(a, vec) ((void *)arena_memdup(a, (vec)->v, (vec)->n * sizeof(*(vec)->v)))

const struct unit_info *unit_info(struct host *h, struct unit *u)
{
	struct reader r = { .h = h, .u = u };
	bool has_registers = u->kind == UNIT_VTD || u->kind == UNIT_AMD;

	if (u->info_)
		return u->info_;
	r.i = u->info_ = arena_new(&h->arena, struct unit_info);
	read_registers(&r);
	find_in_tables(&r);
	find_members(&r);
	r.i->fields = TO_ARENA(&h->arena, &r.fields);
	r.i->n_fields = r.fields.n;
	r.i->hidden = TO_ARENA(&h->arena, &r.hidden);
	r.i->n_hidden = r.hidden.n;
	r.i->features = STRS(TO_ARENA(&h->arena, &r.features), r.features.n);
	r.i->features.known = has_registers && r.fields.n;
	vec_free(&r.fields);
	vec_free(&r.hidden);
	vec_free(&r.features);
	return u->info_;
}

int unit_version(struct host *h, const struct unit *u, char **ret)
{
	char path[SRC_PATH_MAX], buf[64];
	unsigned major = 0, minor = 0;
	int r;

	if (u->kind != UNIT_VTD)
		return -ENOENT;
	PATHF(path, UNITS "/%s/intel-iommu/version", u->name);
	r = source_read_attr(h->src, path, buf, sizeof(buf));
	if (!r)
		r = vtd_version_parse(buf, &major, &minor);
	if (r < 0) {
		if (r != -ENOENT && r != -EACCES && r != -ENOTCAPTURED)
			ctx_warn(h->ctx, "bad-attribute", r, path, "unit %s", u->name);
		return r;
	}
	*ret = arena_printf(&h->arena, "%u:%u", major, minor);
	return 0;
}

/* The kernel's word for the range that firmware asked for; the kernel may have merged it with a neighbour. */
static const char *kernel_word(const struct group *g, const struct acpi_reserved *r)
{
	for (size_t i = 0; i < g->n_regions; i++)
		if (g->regions[i].start <= r->start && g->regions[i].end >= r->end)
			return g->regions[i].word;
	return NULL;
}

static struct unit_reserved reserved_row(struct host *h, const struct acpi_reserved *r, const struct acpi_scope *s,
					 const struct device *d)
{
	struct unit_reserved row = { .start = NUM(r->start), .end = NUM(r->end), .kind = r->kind };

	row.device = d ? d->name : acpi_scope_text(&h->arena, s);
	if (d && d->group) {
		row.group = NUM(d->group->id);
		row.type = kernel_word(d->group, r);
	}
	return row;
}

/* Ranges of requester ids are matched against the unit's devices; one device alone is named even if it is not there. */
size_t unit_reserved(struct host *h, struct unit *u, struct unit_reserved **ret)
{
	const struct unit_info *info = unit_info(h, u);
	const struct acpi *a = host_acpi(h);
	const struct acpi_reserved *r;
	const struct acpi_scope *s;
	VEC(struct unit_reserved) rows = { 0 };
	size_t n;

	vec_for_each(r, &a->reserved)
		vec_for_each(s, &r->scopes)
			for (size_t i = 0; i < info->n_devices; i++)
				if (acpi_scope_has(h, s, info->devices[i]))
					*vec_push(&rows) = reserved_row(h, r, s, info->devices[i]);
	*ret = TO_ARENA(&h->arena, &rows);
	n = rows.n;
	vec_free(&rows);
	return n;
}

/* What firmware says counts, whatever the register; only SMMUv2's driver looks at that where firmware says nothing. */
static enum tri smmu_coherent(struct host *h, struct unit *u, const char **ret_why)
{
	const struct acpi_unit *acpi = unit_info(h, u)->acpi;
	char dir[SRC_PATH_MAX];
	enum tri is = TRI_UNKNOWN;
	const char *node;

	PATHF(dir, UNITS "/%s/device", u->name);
	*ret_why = "neither the ACPI table IORT nor the devicetree could be read";
	if (acpi) {
		is = acpi->coherent;
		*ret_why = is == TRI_YES ? "the ACPI table IORT says that its page walks are coherent" :
					   "the ACPI table IORT does not say that its page walks are coherent";
	} else if (devtree_node(h, dir, &node) == 0) {
		is = devtree_coherent(h, node);
		if (is != TRI_UNKNOWN)
			*ret_why = is == TRI_YES ? "the devicetree says dma-coherent" : "the devicetree does not say dma-coherent";
	}
	return is == TRI_NO && u->kind == UNIT_SMMUV2 ? TRI_UNKNOWN : is;
}

enum tri unit_cache_coherent(struct host *h, struct unit *u, const char **ret_why)
{
	const char *why = "the driver of this kind of unit always says yes";
	enum tri is = TRI_UNKNOWN;

	switch (u->kind) {
	case UNIT_VTD:
	case UNIT_AMD:
	case UNIT_VIRTIO:
	case UNIT_S390:
	case UNIT_MOCK:
		is = TRI_YES;
		break;
	case UNIT_SMMUV3:
	case UNIT_SMMUV2:
		is = smmu_coherent(h, u, &why);
		break;
	default:
		why = "nothing tells for this kind of unit";
	}
	if (ret_why)
		*ret_why = why;
	return is;
}
