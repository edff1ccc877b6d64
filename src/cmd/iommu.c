// SPDX-License-Identifier: GPL-2.0-or-later
/* iommu list | show UNIT */
#include <errno.h>

#include "base/str.h"
#include "cmd/cmd.h"
#include "host/names.h"
#include "host/streams.h"
#include "host/units.h"

/* -- list ---------------------------------------------------------------------------------------------- */

struct list_row {
	const char *name, *kind;
	struct num address, devices, groups, domains_used, domains_supported, address_width, pasid_width;
	struct strs features;
	const char *parent, *table;
};

static const struct field list_fields[] = {
	FIELD(struct list_row, name, F_STR, "UNIT", "name in /sys/class/iommu", .flags = FIELD_DEFAULT),
	FIELD(struct list_row, kind, F_STR, "KIND", "vt-d, amd-vi, smmuv3, virtio, ...", .flags = FIELD_DEFAULT),
	FIELD(struct list_row, address, F_HEX, "ADDRESS", "physical address of its registers",
	      .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct list_row, devices, F_INT, "DEVICES", "devices behind it", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct list_row, groups, F_INT, "GROUPS", "groups behind it", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct list_row, domains_used, F_INT, "DOMAINS",
	      "domain ids in use, with those that the driver keeps for itself", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct list_row, domains_supported, F_INT, "OF", "domain ids that there are",
	      .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct list_row, address_width, F_INT, "WIDTH", "widest address that devices may use", .unit = "bits",
	      .flags = FIELD_RIGHT),
	FIELD(struct list_row, pasid_width, F_INT, "PASID", "width of PASIDs, 0 when there are none", .unit = "bits",
	      .flags = FIELD_RIGHT),
	FIELD(struct list_row, features, F_STRS, "FEATURES", "what it can do, in words of its registers",
	      .flags = FIELD_DEFAULT | FIELD_TRUNC),
	FIELD(struct list_row, parent, F_STR, "PARENT", "device that it sits on"),
	FIELD(struct list_row, table, F_STR, "TABLE", "structure of the firmware's tables that describes it"),
};

static const struct record_type list_record = RECORD("iommu.list", 1, struct list_row, list_fields);

/* "DMAR DRHD at 0x30"; NULL when no table has it. */
static const char *table_place(struct host *h, const struct unit_info *i)
{
	if (!i->acpi)
		return NULL;
	return arena_printf(&h->arena, "%s %s at 0x%x", acpi_table_name(i->acpi->table), i->acpi->name, i->acpi->offset);
}

static struct list_row list_row(struct host *h, struct unit *u)
{
	const struct unit_info *i = unit_info(h, u);

	return (struct list_row){
		.name = u->name,
		.kind = unit_kind_name(u->kind),
		.address = i->address,
		.devices = u->members_err ? NUM_UNKNOWN : NUM(u->n_members),
		.groups = u->members_err || h->groups_err ? NUM_UNKNOWN : NUM(i->n_groups),
		.domains_used = i->domains_used,
		.domains_supported = i->domains_supported,
		.address_width = i->address_bits,
		.pasid_width = i->pasid_bits,
		.features = i->features,
		.parent = u->parent,
		.table = table_place(h, i),
	};
}

/* Whether there may be units, and only the list of them cannot be read. */
static bool units_unseen(const struct host *h)
{
	return h->units_err && h->units_err != -ENOENT && h->units_err != -ENOTDIR;
}

static const char *why_none(const struct host *h)
{
	return h->units_err ? "this kernel has no IOMMU support, or this is not all of its /sys" : "the kernel drives none";
}

/* Why there is no unit to show, said as what it is: none, not readable, not captured. */
static int note_no_units(struct host *h)
{
	int r = h->units_err;

	if (units_unseen(h))
		return ctx_error(h->ctx, NOTE(.code = "unreadable", .err = r, .where = "/sys/class/iommu"), "IOMMU units");
	ctx_note(h->ctx,
		 (struct note){ .level = NOTE_WARNING, .code = "no-iommu", .where = "/sys/class/iommu",
				.why = why_none(h),
				.hint = "'iommuctl doctor' looks for the reason" },
		 "no IOMMU unit");
	return 0;
}

static int run_list(struct invocation *inv)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	int r = host_load(inv->ctx, inv->source, 0, &h);

	if (r >= 0)
		r = out_begin(inv->out, &list_record);
	if (r >= 0 && !h->n_units)
		r = note_no_units(h);
	for (size_t i = 0; r >= 0 && i < h->n_units; i++) {
		struct list_row row = list_row(h, &h->units[i]);

		r = out_row(inv->out, &row);
	}
	return r;
}

/* -- show ---------------------------------------------------------------------------------------------- */

struct scope_row {
	const char *text, *device;
};

static const struct field scope_fields[] = {
	FIELD(struct scope_row, text, F_STR, "SCOPE", "devices that the firmware puts behind the unit",
	      .flags = FIELD_DEFAULT),
	FIELD(struct scope_row, device, F_STR, "DEVICE", "the one that it names, if the machine has it",
	      .flags = FIELD_DEFAULT),
};

static const struct record_type scope_record = RECORD("iommu.scope", 1, struct scope_row, scope_fields);

struct member_row {
	const char *device;
	struct num group;
	const char *driver, *title;
	struct strs stream_ids;
};

static const struct field member_fields[] = {
	FIELD(struct member_row, device, F_STR, "DEVICE", "device", .flags = FIELD_DEFAULT),
	FIELD(struct member_row, group, F_INT, "GROUP", "its group", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct member_row, driver, F_STR, "DRIVER", "its driver", .flags = FIELD_DEFAULT),
	FIELD(struct member_row, title, F_STR, "NAME", "what it is", .flags = FIELD_DEFAULT | FIELD_TRUNC),
	FIELD(struct member_row, stream_ids, F_STRS, "STREAMS", "stream ids of its requests; of SMMUs", .flags = FIELD_DEFAULT),
};

static const struct record_type member_record = RECORD("iommu.member", 1, struct member_row, member_fields);

/* A range of ids that firmware leads to the unit. */
struct stream_row {
	const char *owner, *bus;
	struct num segment, first_requester, last_requester, mask, first, last;
	const char *file;
};

static const struct field stream_fields[] = {
	FIELD(struct stream_row, owner, F_STR, "FROM", "root complex or device whose ids these are, as firmware calls it", .flags = FIELD_DEFAULT),
	FIELD(struct stream_row, bus, F_STR, "BUS", "root bus; null: all of the segment, or not PCI", .flags = FIELD_DEFAULT),
	FIELD(struct stream_row, segment, F_INT, "SEGMENT", "PCI segment; null: not PCI", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct stream_row, first_requester, F_HEX, "REQUESTERS", "first PCI requester id", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct stream_row, last_requester, F_HEX, "TO", "last one", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct stream_row, mask, F_HEX, "MASK", "bits of a requester id that count"),
	FIELD(struct stream_row, first, F_HEX, "STREAMS", "stream id that the first becomes", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct stream_row, last, F_HEX, "UNTIL", "stream id that the last becomes", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct stream_row, file, F_STR, "BY", "what says so", .flags = FIELD_DEFAULT | FIELD_TRUNC),
};

static const struct record_type stream_record = RECORD("iommu.stream", 1, struct stream_row, stream_fields);

struct show_row {
	const char *name, *kind, *parent, *version;
	struct num address;
	const char *address_from;
	struct num node, domains_used, domains_supported, address_width, pasid_width, cap, ecap, efr, efr2;
	int cache_coherent;
	const char *coherence_from, *table;
	int include_all;
	struct strs features;
	struct rows devices, streams, reserved, scopes, not_visible, fields;
};

static const struct field show_fields[] = {
	FIELD(struct show_row, name, F_STR, "UNIT", "name in /sys/class/iommu"),
	FIELD(struct show_row, kind, F_STR, "KIND", "vt-d, amd-vi, smmuv3, virtio, ..."),
	FIELD(struct show_row, parent, F_STR, "PARENT", "device that it sits on"),
	FIELD(struct show_row, version, F_STR, "VERSION", "version register, read from the hardware just now"),
	FIELD(struct show_row, address, F_HEX, "ADDRESS", "physical address of its registers"),
	FIELD(struct show_row, address_from, F_STR, "ADDRESS-FROM", "what says so"),
	FIELD(struct show_row, node, F_INT, "NODE", "proximity domain, by the firmware"),
	FIELD(struct show_row, domains_used, F_INT, "DOMAINS",
	      "domain ids in use, with those that the driver keeps for itself"),
	FIELD(struct show_row, domains_supported, F_INT, "OF", "domain ids that there are"),
	FIELD(struct show_row, address_width, F_INT, "WIDTH", "widest address that devices may use", .unit = "bits"),
	FIELD(struct show_row, pasid_width, F_INT, "PASID", "width of PASIDs, 0 when there are none", .unit = "bits"),
	FIELD(struct show_row, cap, F_HEX, "CAP", "capability register"),
	FIELD(struct show_row, ecap, F_HEX, "ECAP", "extended capability register"),
	FIELD(struct show_row, efr, F_HEX, "EFR", "extended feature register"),
	FIELD(struct show_row, efr2, F_HEX, "EFR2", "second extended feature register"),
	FIELD(struct show_row, cache_coherent, F_BOOL, "COHERENT",
	      "whether the kernel takes DMA through it for cache-coherent; VFIO wants that"),
	FIELD(struct show_row, coherence_from, F_STR, "COHERENT-FROM", "what says so"),
	FIELD(struct show_row, table, F_STR, "TABLE", "structure of the firmware's tables that describes it"),
	FIELD(struct show_row, include_all, F_BOOL, "INCLUDE-ALL",
	      "whether the firmware puts everything behind it that no other unit has"),
	FIELD(struct show_row, features, F_STRS, "FEATURES", "what it can do, in words of its registers"),
	FIELD(struct show_row, devices, F_LIST, "DEVICES", "devices behind it", .sub = &member_record),
	FIELD(struct show_row, streams, F_LIST, "STREAMS", "ids that firmware leads to it, and what they become; null: not an SMMU, or not known",
	      .sub = &stream_record),
	FIELD(struct show_row, reserved, F_LIST, "RESERVED", "memory that the firmware wants mapped for them",
	      .sub = &unit_reserved_record),
	FIELD(struct show_row, scopes, F_LIST, "SCOPES", "what the firmware puts behind it", .sub = &scope_record),
	FIELD(struct show_row, not_visible, F_LIST, "NOT-VISIBLE", "what cannot be seen, and why",
	      .sub = &unit_hidden_record),
	FIELD(struct show_row, fields, F_LIST, "FIELDS", "its registers, decoded", .sub = &unit_field_record),
};

static const struct record_type show_record = RECORD("iommu.show", 1, struct show_row, show_fields);

static struct rows scope_rows(struct host *h, const struct unit_info *info)
{
	size_t n = info->acpi ? info->acpi->scopes.n : 0;
	struct scope_row *v = arena_array(&h->arena, struct scope_row, n + 1);

	for (size_t i = 0; i < n; i++) {
		const struct acpi_scope *s = &info->acpi->scopes.v[i];

		v[i] = (struct scope_row){ acpi_scope_text(&h->arena, s), s->device ? s->device->name : NULL };
	}
	return (struct rows){ .v = v, .n = n, .known = info->acpi };
}

static bool is_smmu(const struct unit *u)
{
	return u->kind == UNIT_SMMUV3 || u->kind == UNIT_SMMUV2;
}

static struct rows stream_rows(struct host *h, const struct unit *u)
{
	const struct streams *s = is_smmu(u) ? host_streams(h) : NULL;
	struct stream_row *v = arena_array(&h->arena, struct stream_row, s ? s->n + 1 : 1);
	size_t n = 0;

	for (size_t i = 0; s && i < s->n; i++) {
		const struct stream_map *m = &s->maps[i];
		struct stream_row *row = &v[n];

		if (m->unit != u)
			continue;
		*row = (struct stream_row){ .owner = m->device ? m->device->name : m->owner, .bus = m->root_bus, .first = NUM(m->output),
					    .last = NUM(m->single ? m->output : m->output + (m->last - m->first)), .file = m->file };
		if (m->is_pci) {
			row->segment = NUM(m->segment);
			row->first_requester = NUM(m->first);
			row->last_requester = NUM(m->last);
			row->mask = NUM(m->mask);
		}
		n++;
	}
	return (struct rows){ .v = v, .n = n, .known = s && (n || !streams_err(s)) };
}

static struct strs member_streams(struct host *h, const struct unit *u, struct device *d)
{
	struct device_streams s = { 0 };
	const char **v;

	if (is_smmu(u))
		s = device_streams(h, d);
	if (!s.known)
		return (struct strs){ 0 };
	v = arena_array(&h->arena, const char *, s.n + 1);
	for (size_t i = 0; i < s.n; i++)
		v[i] = arena_printf(&h->arena, "0x%x", s.v[i].id);
	return STRS(v, s.n);
}

static struct rows member_rows(struct host *h, const struct unit *u, const struct unit_info *info)
{
	struct member_row *v = arena_array(&h->arena, struct member_row, info->n_devices + 1);

	for (size_t i = 0; i < info->n_devices; i++) {
		struct device *d = info->devices[i];

		v[i] = (struct member_row){ d->name, d->group ? NUM(d->group->id) : NUM_UNKNOWN, d->driver,
					    device_title(h, d), member_streams(h, u, d) };
	}
	return (struct rows){ .v = v, .n = info->n_devices, .known = !u->members_err };
}

/* Reserved memory is known when a table that would list it could be read. */
static struct rows reserved_rows(struct host *h, struct unit *u)
{
	const struct acpi *a = host_acpi(h);
	struct unit_reserved *v;
	size_t n = unit_reserved(h, u, &v);

	return (struct rows){ .v = v, .n = n,
			      .known = !a->tables[ACPI_DMAR].err || !a->tables[ACPI_IVRS].err || !a->tables[ACPI_IORT].err };
}

/* Why the firmware's word is missing, among the things that are not visible. */
static struct rows hidden_rows(struct host *h, const struct unit_info *info)
{
	const struct acpi *a = host_acpi(h);
	struct unit_hidden *v = arena_array(&h->arena, struct unit_hidden, info->n_hidden + ACPI_TABLES);
	size_t n = info->n_hidden;

	for (size_t i = 0; i < n; i++)
		v[i] = info->hidden[i];
	for (enum acpi_table_id t = 0; t < ACPI_TABLES; t++)
		if (a->tables[t].err && a->tables[t].err != -ENOENT && a->tables[t].err != -ENOTDIR)
			v[n++] = (struct unit_hidden){ arena_printf(&h->arena, "ACPI table %s", acpi_table_name(t)),
						       err_text(a->tables[t].err) };
	return ROWS(v, n);
}

static struct show_row show_row(struct host *h, struct unit *u)
{
	const struct unit_info *i = unit_info(h, u);
	struct show_row row = {
		.name = u->name, .kind = unit_kind_name(u->kind), .parent = u->parent, .address = i->address,
		.address_from = i->address_from, .node = i->node, .domains_used = i->domains_used,
		.domains_supported = i->domains_supported, .address_width = i->address_bits, .pasid_width = i->pasid_bits,
		.cap = i->cap, .ecap = i->ecap, .efr = i->efr, .efr2 = i->efr2, .features = i->features,
		.table = table_place(h, i), .include_all = TRI_UNKNOWN,
	};
	char *version;

	if (unit_version(h, u, &version) == 0)
		row.version = version;
	row.cache_coherent = unit_cache_coherent(h, u, &row.coherence_from);
	if (i->acpi && i->acpi->table == ACPI_DMAR)
		row.include_all = i->acpi->include_all;
	row.devices = member_rows(h, u, i);
	row.streams = stream_rows(h, u);
	row.reserved = reserved_rows(h, u);
	row.scopes = scope_rows(h, i);
	row.fields = (struct rows){ .v = i->fields, .n = i->n_fields, .known = i->n_fields };
	row.not_visible = hidden_rows(h, i);
	return row;
}

static int no_such_unit(struct host *h, const char *name)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	if (!h->n_units) {
		return ctx_error(h->ctx, NOTE(.code = "no-unit", .err = h->units_err ? h->units_err : -ENOENT,
					      .why = units_unseen(h) ? NULL : why_none(h), .where = "/sys/class/iommu", .hint = "'iommuctl doctor' looks for the reason"),
				 "unit %s", name);
	}
	strbuf_puts(&b, "there are ");
	for (size_t i = 0; i < h->n_units && i < 8; i++)
		strbuf_printf(&b, "%s%s", i ? ", " : "", h->units[i].name);
	if (h->n_units > 8)
		strbuf_puts(&b, ", ...");
	return ctx_error(h->ctx, NOTE(.code = "no-unit", .err = ENOENT, .why = "no such unit", .hint = strbuf_str(&b)),
			 "unit %s", name);
}

static int run_show(struct invocation *inv)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	struct show_row row;
	struct unit *u;
	int r = host_load(inv->ctx, inv->source, HOST_ALL, &h);

	if (r < 0)
		return r;
	u = host_unit(h, inv->argv[0]);
	if (!u)
		return no_such_unit(h, inv->argv[0]);
	r = out_begin(inv->out, &show_record);
	if (r < 0)
		return r;
	row = show_row(h, u);
	return out_detail(inv->out, &row);
}

static const struct arg_row show_args[] = {
	{ "UNIT", "name of the unit, as 'iommu list' has it", COMPLETE_UNIT, false, false },
	{ 0 },
};

static const struct command commands[] = {
	{
		.verb = "list",
		.summary = "list the IOMMUs of the machine",
		.text = "One line for each unit that the kernel drives: what kind it is, where its registers are, how many devices and "
			"groups are behind it, how many of its domain ids are in use, and what it can do.\n\n"
			"Registers are decoded where the kernel shows them: VT-d and AMD-Vi. SMMUv3 shows its own only to the "
			"holder of a device.",
		.record = &list_record,
		.run = run_list,
	},
	{
		.verb = "show",
		.summary = "show everything about one IOMMU",
		.text = "Its registers field by field, the devices behind it, the memory that the firmware wants mapped for them and whose it is, "
			"what the firmware's tables (DMAR, IVRS, IORT, VIOT) put behind it, and what cannot be seen and why. The tables can be read "
			"by root alone.",
		.args = show_args,
		.record = &show_record,
		.flags = COMMAND_DETAIL,
		.run = run_show,
	},
};

extern const struct noun noun_iommu;
const struct noun noun_iommu = {
	.name = "iommu",
	.summary = "the IOMMU units of the machine",
	.commands = commands,
	.n = ARRAY_SIZE(commands),
};
