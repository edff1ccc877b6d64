// SPDX-License-Identifier: GPL-2.0-or-later
/* The noun group: list and show. check, explain and tree are in files of their own. */
#include <errno.h>
#include <inttypes.h>

#include "base/str.h"
#include "cmd/filter.h"
#include "cmd/group-check.h"
#include "cmd/group.h"
#include "cmd/rows.h"
#include "diag/viability.h"
#include "host/acpi.h"
#include "host/devinfo.h"
#include "host/holders.h"
#include "host/msi.h"
#include "host/names.h"

/* -- list ------------------------------------------------------------------------------------------------ */

struct member_row {
	const char *device, *bus, *class, *name, *driver;
};

static const struct field member_fields[] = {
	FIELD(struct member_row, device, F_STR, "DEVICE", "its address, or its name on another bus", .flags = FIELD_DEFAULT),
	FIELD(struct member_row, bus, F_STR, "BUS", "bus that it is on: pci, platform, fsl-mc, ..."),
	FIELD(struct member_row, class, F_STR, "CLASS", "word for its class", .flags = FIELD_DEFAULT),
	FIELD(struct member_row, driver, F_STR, "DRIVER", "driver that it is bound to", .flags = FIELD_DEFAULT),
	FIELD(struct member_row, name, F_STR, "NAME", "vendor and device", .flags = FIELD_DEFAULT | FIELD_TRUNC),
};

static const struct record_type member_record = RECORD("member", 1, struct member_row, member_fields);

struct group_row {
	struct num group;
	const char *verdict;
	int viable;
	const char *type, *name;
	struct strs units;
	struct rows devices;
};

static const struct field group_fields[] = {
	FIELD(struct group_row, group, F_INT, "GROUP", "number of the group", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct group_row, verdict, F_STR, "VERDICT", "whether it can be given away: ready, needs-bind, blocked, in-use, "
	      "nothing-to-give, unknown; null: not judged", .flags = FIELD_DEFAULT | FIELD_VERDICT),
	FIELD(struct group_row, viable, F_BOOL, "VIABLE", "what the kernel says now", .flags = FIELD_DEFAULT),
	FIELD(struct group_row, type, F_STR, "TYPE", "type of its default domain", .flags = FIELD_DEFAULT),
	FIELD(struct group_row, units, F_STRS, "UNIT", "IOMMU units that its devices are behind", .flags = FIELD_DEFAULT),
	FIELD(struct group_row, name, F_STR, "GROUP-NAME", "name that a driver gave to the group", .flags = FIELD_EXTRA),
	FIELD(struct group_row, devices, F_LIST, "DEVICES", "what is in it", .sub = &member_record, .flags = FIELD_DEFAULT),
};

static const struct record_type group_list_record = RECORD("group.list", 1, struct group_row, group_fields);

static struct rows member_rows(struct host *h, const struct group *g, bool names)
{
	struct member_row *v = arena_array(&h->arena, struct member_row, g->n_devices);

	if (g->devices_err)
		return (struct rows){ 0 };
	for (size_t i = 0; i < g->n_devices; i++) {
		const struct device *d = g->devices[i];

		v[i] = (struct member_row){ d->name, d->bus, device_class_word(d), names ? device_label(h, d) : NULL, d->driver };
	}
	return ROWS(v, g->n_devices);
}

static struct strs group_units(struct host *h, const struct group *g)
{
	const char **v = arena_array(&h->arena, const char *, g->n_devices);
	size_t n = 0;

	for (size_t i = 0; i < g->n_devices; i++) {
		const struct unit *u = g->devices[i]->unit;
		size_t k = 0;

		while (u && k < n && v[k] != u->name)
			k++;
		if (u && k == n)
			v[n++] = u->name;
	}
	return STRS(v, n);
}

/* Bridges share a group with what is behind them by design; two devices that one wants apart are another matter. */
static bool is_shared(const struct group *g)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n_devices; i++)
		n += !device_is_bridge(g->devices[i]);
	return n > 1;
}

static bool group_passes(const struct filter *f, const struct group *g)
{
	if (!f->class && !f->driver && !f->unit)
		return true;
	for (size_t i = 0; i < g->n_devices; i++)
		if (filter_device(f, g->devices[i]))
			return true;
	return false;
}

static int list_group(struct invocation *inv, struct host *h, const struct filter *f, struct group *g)
{
	struct question q = { .group = g, .brief = true };
	struct viability answer;

	if (!group_passes(f, g) || (inv_opt(inv, "shared") && !is_shared(g)))
		return 0;
	group_check(h, &q, &answer);
	if (!filter_viable(f, answer.viable))
		return 0;
	return out_row(inv->out, &(struct group_row){
		.group = NUM(g->id),
		.verdict = answer.verdict,
		.viable = answer.viable,
		.type = g->type,
		.name = g->name,
		.units = group_units(h, g),
		.devices = member_rows(h, g, out_wants(inv->out, "devices.name")),
	});
}

static int run_list(struct invocation *inv)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	unsigned want = HOST_ALL & ~HOST_NAMES;
	struct filter f;
	int r;

	r = out_begin(inv->out, &group_list_record);
	if (r < 0)
		return EXIT_USAGE;
	if (out_wants(inv->out, "name"))
		want |= HOST_NAMES;
	if (out_wants(inv->out, "devices.name"))
		names_begin();
	r = host_load(inv->ctx, inv->source, want, &h);
	if (r < 0)
		return r;
	r = filter_read(inv, h, &f);
	if (r < 0)
		return r == -EINVAL ? EXIT_USAGE : r;
	warn_no_groups(h);
	for (size_t i = 0; r >= 0 && i < h->n_groups; i++)
		r = list_group(inv, h, &f, &h->groups[i]);
	return r;
}

/* -- show -------------------------------------------------------------------------------------------------- */

struct region_row {
	struct num start, end;
	const char *type, *window;
	struct strs owners;
};

static const struct field region_fields[] = {
	FIELD(struct region_row, start, F_HEX, "START", "first address", .flags = FIELD_DEFAULT),
	FIELD(struct region_row, end, F_HEX, "END", "last address", .flags = FIELD_DEFAULT),
	FIELD(struct region_row, type, F_STR, "TYPE", "direct, direct-relaxable, reserved, msi", .flags = FIELD_DEFAULT),
	FIELD(struct region_row, window, F_STR, "WINDOW", "of type msi: hardware (writes there are interrupts, and no page table has a part in them), software "
	      "(where the kernel maps the doorbell of interrupts that are translated); null: not known, or no window", .flags = FIELD_DEFAULT),
	FIELD(struct region_row, owners, F_STRS, "OWNER", "devices that firmware reserves it for",
	      .flags = FIELD_DEFAULT | FIELD_WRAP),
};

static const struct record_type region_record = RECORD("region", 1, struct region_row, region_fields);

struct inside_row {
	const char *device, *bus, *class, *name, *driver, *vfio_dev, *unit;
	struct strs reset_methods, reset_set;
};

static const struct field inside_fields[] = {
	FIELD(struct inside_row, device, F_STR, "DEVICE", "its address, or its name on another bus", .flags = FIELD_DEFAULT),
	FIELD(struct inside_row, bus, F_STR, "BUS", "bus that it is on: pci, platform, fsl-mc, ..."),
	FIELD(struct inside_row, class, F_STR, "CLASS", "word for its class", .flags = FIELD_DEFAULT),
	FIELD(struct inside_row, driver, F_STR, "DRIVER", "driver that it is bound to", .flags = FIELD_DEFAULT),
	FIELD(struct inside_row, vfio_dev, F_STR, "VFIO", "its name in /dev/vfio/devices", .flags = FIELD_DEFAULT),
	FIELD(struct inside_row, unit, F_STR, "UNIT", "IOMMU unit that it is behind"),
	FIELD(struct inside_row, reset_methods, F_STRS, "RESET", "ways to reset it, in the order tried", .flags = FIELD_DEFAULT),
	FIELD(struct inside_row, reset_set, F_STRS, "RESET-SET", "devices that a bus reset takes along, in other groups too"),
	FIELD(struct inside_row, name, F_STR, "NAME", "vendor and device", .flags = FIELD_DEFAULT | FIELD_TRUNC),
};

static const struct record_type inside_record = RECORD("inside", 1, struct inside_row, inside_fields);

struct group_detail {
	struct num group;
	const char *name, *type, *verdict, *summary;
	int viable;
	struct strs units;
	struct rows devices, regions, holders;
};

static const struct field detail_fields[] = {
	FIELD(struct group_detail, group, F_INT, "GROUP", "number of the group"),
	FIELD(struct group_detail, name, F_STR, "NAME", "name that a driver gave to the group"),
	FIELD(struct group_detail, type, F_STR, "TYPE", "type of its default domain"),
	FIELD(struct group_detail, units, F_STRS, "UNITS", "IOMMU units that its devices are behind"),
	FIELD(struct group_detail, viable, F_BOOL, "VIABLE", "what the kernel says now"),
	FIELD(struct group_detail, verdict, F_STR, "VERDICT", "whether it can be given away; null: not judged",
	      .flags = FIELD_VERDICT),
	FIELD(struct group_detail, summary, F_STR, "SUMMARY", "the verdict in one sentence"),
	FIELD(struct group_detail, devices, F_LIST, "DEVICES", "what is in it", .sub = &inside_record),
	FIELD(struct group_detail, regions, F_LIST, "REGIONS", "reserved regions: what cannot be mapped as one likes",
	      .sub = &region_record),
	FIELD(struct group_detail, holders, F_LIST, "HOLDERS", "processes that have it open; null: not all could be seen, "
	      "and none was", .sub = &holder_record),
};

static const struct record_type group_show_record = RECORD("group.show", 1, struct group_detail, detail_fields);

static struct strs region_owners(struct host *h, const struct group *g, const struct region *region)
{
	const char **v = arena_array(&h->arena, const char *, g->n_devices);
	size_t n = 0;

	if (region->type != REGION_DIRECT && region->type != REGION_DIRECT_RELAXABLE)
		return STRS(v, 0);
	for (size_t i = 0; i < g->n_devices; i++) {
		const struct acpi_reserved **found;
		size_t k = 0, n_found = acpi_reserved_of(h, g->devices[i], &found);

		while (k < n_found && (found[k]->start > region->end || found[k]->end < region->start))
			k++;
		if (k < n_found)
			v[n++] = arena_printf(&h->arena, "%s (%s)", g->devices[i]->name, found[k]->kind);
	}
	return STRS(v, n);
}

/* sysfs has one word for both. */
static const char *window_word(const struct msi_facts *msi, const struct region *r)
{
	if (r->type != REGION_MSI || msi->route == MSI_UNKNOWN)
		return NULL;
	return msi_window_is_software(msi->unit, r) ? "software" : "hardware";
}

static struct rows region_rows(struct host *h, const struct group *g)
{
	struct region_row *v = arena_array(&h->arena, struct region_row, g->n_regions);
	struct msi_facts msi = group_msi(g);

	if (g->regions_err)
		return (struct rows){ 0 };
	for (size_t i = 0; i < g->n_regions; i++) {
		const struct region *region = &g->regions[i];

		v[i] = (struct region_row){ NUM(region->start), NUM(region->end), region->word, window_word(&msi, region),
					    region_owners(h, g, region) };
	}
	return ROWS(v, g->n_regions);
}

static struct rows inside_rows(struct host *h, const struct group *g)
{
	struct inside_row *v = arena_array(&h->arena, struct inside_row, g->n_devices);

	if (g->devices_err)
		return (struct rows){ 0 };
	for (size_t i = 0; i < g->n_devices; i++) {
		struct device *d = g->devices[i];
		const struct devinfo *info = device_info(h, d);

		v[i] = (struct inside_row){
			.device = d->name,
			.bus = d->bus,
			.class = device_class_word(d),
			.name = device_label(h, d),
			.driver = d->driver,
			.vfio_dev = info->vfio_dev,
			.unit = d->unit ? d->unit->name : NULL,
			.reset_methods = info->reset_methods,
			.reset_set = reset_set_names(h, d),
		};
	}
	return ROWS(v, g->n_devices);
}

static int run_show(struct invocation *inv)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	struct viability answer;
	struct question q = { 0 };
	int r;

	r = out_begin(inv->out, &group_show_record);
	if (r < 0)
		return EXIT_USAGE;
	r = host_load(inv->ctx, inv->source, HOST_ALL, &h);
	if (r < 0)
		return r;
	r = host_find_group(h, inv->argv[0], &q.group);
	if (r < 0)
		return exit_from_lookup(r);
	group_check(h, &q, &answer);
	return out_detail(inv->out, &(struct group_detail){
		.group = NUM(q.group->id),
		.name = q.group->name,
		.type = q.group->type,
		.verdict = answer.verdict,
		.summary = answer.summary,
		.viable = answer.viable,
		.units = group_units(h, q.group),
		.devices = inside_rows(h, q.group),
		.regions = region_rows(h, q.group),
		.holders = holder_rows_of_group(h, q.group),
	});
}

/* -- rows --------------------------------------------------------------------------------------------------- */

static const struct option_row list_options[] = {
	FILTER_VIABLE,
	FILTER_NOT_VIABLE,
	{ .name = "shared", .help = "only groups of more than one device, bridges not counted" },
	FILTER_CLASS,
	FILTER_DRIVER,
	FILTER_UNIT,
	{ 0 },
};

static const struct arg_row show_args[] = {
	{ .name = "G|DEV", .help = "number of the group, or a device in it", .complete = COMPLETE_GROUP_OR_DEVICE },
	{ 0 },
};

static const struct command commands[] = {
	{
		.verb = "list",
		.summary = "groups with their devices, and whether they can be given away",
		.text = "One line a device, and the verdict of its group: whether the group can be given to user space or a "
			"virtual machine now. A filter on devices shows the groups that have such a device, whole.\n\n"
			"VIABLE is the kernel's own answer; VERDICT is whether a claim would succeed. group check gives the reasons.",
		.options = list_options,
		.record = &group_list_record,
		.run = run_list,
	},
	{
		.verb = "show",
		.summary = "everything about one group",
		.text = "Devices, reserved regions with the device that firmware reserves them for, who has the group open, and how "
			"its devices are reset.",
		.args = show_args,
		.record = &group_show_record,
		.flags = COMMAND_DETAIL,
		.run = run_show,
	},
	{
		.verb = "check",
		.summary = "can it be given away, and if not, who is in the way",
		.text = group_check_text,
		.args = group_check_args,
		.options = group_check_options,
		.record = &group_check_record,
		.flags = COMMAND_QUESTION | COMMAND_DETAIL,
		.run = group_check_run,
	},
	{
		.verb = "explain",
		.summary = "why its devices share it, and what would separate them",
		.text = group_explain_text,
		.args = group_explain_args,
		.record = &explain_record,
		.flags = COMMAND_DETAIL,
		.run = group_explain_run,
	},
	{
		.verb = "tree",
		.summary = "the PCI hierarchy with the ACS state of ports and the groups",
		.text = group_tree_text,
		.options = group_tree_options,
		.record = &group_tree_record,
		.run = group_tree_run,
	},
	{
		.verb = "set-type",
		.summary = "change the type of its default domain",
		.text = group_set_type_text,
		.args = group_set_type_args,
		.options = group_set_type_options,
		.record = &group_set_type_record,
		.flags = COMMAND_ACTS,
		.run = group_set_type_run,
	},
};

const struct noun noun_group = {
	.name = "group",
	.summary = "IOMMU groups: what can be given away, and who is in the way",
	.commands = commands,
	.n = ARRAY_SIZE(commands),
};
