// SPDX-License-Identifier: GPL-2.0-or-later
/* The noun device: list and show. */
#include <errno.h>

#include "base/str.h"
#include "cmd/device.h"
#include "cmd/device-map.h"
#include "cmd/device-vfs.h"
#include "cmd/filter.h"
#include "cmd/rows.h"
#include "diag/viability.h"
#include "host/devinfo.h"
#include "host/holders.h"
#include "host/names.h"
#include "host/pci.h"
#include "host/streams.h"
#include "source/udev.h"

/* One struct for both: show has every field, list gathers the dear ones only when somebody names them. */
struct device_row {
	const char *device, *bus, *class, *class_name, *name;
	struct num vendor, device_id, subvendor, subdevice, class_code;
	const char *driver;
	struct num group;
	const char *unit;
	const char *verdict;
	int viable;
	/* dear */
	const char *summary;
	const char *override, *vfio_dev, *power;
	const char *pcie, *ats, *pri, *pasid, *acs;
	const char *pf;
	struct strs vfs;
	struct num sriov_total, sriov_vfs, numa_node;
	struct strs netdevs, blocks, reset_methods, reset_set;
	int boot_vga, removable;
	struct rows holders;
	const char *id_path;
	const char *path;
	/* show only */
	struct rows stream_ids;
	const char *streams_from;
};

/* An id that its requests carry at an SMMU. */
struct stream_row {
	struct num id;
	const char *requester, *via, *unit;
	struct strs shared;
	const char *file;
};

static const struct field stream_fields[] = {
	FIELD(struct stream_row, id, F_HEX, "ID", "stream id", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct stream_row, requester, F_STR, "REQUESTER", "PCI requester id that it is made from; null: not PCI", .flags = FIELD_DEFAULT),
	FIELD(struct stream_row, via, F_STR, "VIA", "bridge that puts its own id on requests; null: the device's own", .flags = FIELD_DEFAULT),
	FIELD(struct stream_row, unit, F_STR, "UNIT", "unit that it is an id of; null: none that the kernel drives", .flags = FIELD_DEFAULT),
	FIELD(struct stream_row, shared, F_STRS, "SHARED", "other devices whose requests carry the same id", .flags = FIELD_DEFAULT),
	FIELD(struct stream_row, file, F_STR, "BY", "what says so", .flags = FIELD_TRUNC),
};

static const struct record_type stream_record = RECORD("device.stream", 1, struct stream_row, stream_fields);

#define D(member, type, head, text, ...) FIELD(struct device_row, member, type, head, text, ##__VA_ARGS__)

#define CHEAP_FIELDS(shown)                                                                                          \
	D(device, F_STR, "DEVICE", "its address, or its name on another bus", .flags = shown),                      \
	D(bus, F_STR, "BUS", "bus that it is on: pci, platform, fsl-mc, ..."),                                                           \
	D(class, F_STR, "CLASS", "word for its class", .flags = shown),                                            \
	D(class_code, F_HEX, "CLASS-CODE", "class, subclass and interface"),                                       \
	D(vendor, F_HEX, "VENDOR", "vendor id"),                                                                   \
	D(device_id, F_HEX, "DEVICE-ID", "device id"),                                                             \
	D(subvendor, F_HEX, "SUBVENDOR", "subsystem vendor id"),                                                   \
	D(subdevice, F_HEX, "SUBDEVICE", "subsystem id"),                                                          \
	D(driver, F_STR, "DRIVER", "driver that it is bound to", .flags = shown),                                  \
	D(group, F_INT, "GROUP", "number of its IOMMU group", .flags = (shown) | FIELD_RIGHT),                     \
	D(unit, F_STR, "UNIT", "IOMMU unit that it is behind", .flags = shown),                                    \
	D(viable, F_BOOL, "VIABLE", "what the kernel says now about its group"),                                   \
	D(verdict, F_STR, "VERDICT", "whether it can be given away: ready, needs-bind, blocked, in-use, "          \
	  "nothing-to-give, unknown; null: in no group, or not judged", .flags = (shown) | FIELD_VERDICT),         \
	D(name, F_STR, "NAME", "vendor and device", .flags = (shown) ? (shown) | FIELD_TRUNC : 0)

#define DEAR_FIELDS(dear)                                                                                            \
	D(class_name, F_STR, "CLASS-NAME", "class in words", .flags = dear),                                       \
	D(override, F_STR, "OVERRIDE", "driver_override; null: none", .flags = dear),                              \
	D(vfio_dev, F_STR, "VFIO", "its name in /dev/vfio/devices", .flags = dear),                                \
	D(power, F_STR, "POWER", "runtime power state", .flags = dear),                                            \
	D(pcie, F_STR, "PCIE", "type of its PCI Express port; null: not known", .flags = dear),                    \
	D(acs, F_STR, "ACS", "ACS bits that are on; none: no such capability; null: not known", .flags = dear),    \
	D(ats, F_STR, "ATS", "address translation service: on, off, none; null: not known", .flags = dear),        \
	D(pri, F_STR, "PRI", "page requests: on, off, none; null: not known; of a VF: its PF's", .flags = dear),   \
	D(pasid, F_STR, "PASID", "process address spaces: on, off, none; null: not known; of a VF: its PF's",      \
	  .flags = dear),                                                                                          \
	D(sriov_total, F_INT, "VFS-MAX", "virtual functions that it can have", .flags = (dear) | FIELD_RIGHT),     \
	D(sriov_vfs, F_INT, "VFS-ON", "virtual functions that are on", .flags = (dear) | FIELD_RIGHT),             \
	D(vfs, F_STRS, "VFS", "its virtual functions", .flags = dear),                                             \
	D(pf, F_STR, "PF", "physical function that it is a VF of", .flags = dear),                                 \
	D(netdevs, F_STRS, "NETDEVS", "network interfaces on it", .flags = dear),                                  \
	D(blocks, F_STRS, "DISKS", "block devices on it", .flags = dear),                                          \
	D(reset_methods, F_STRS, "RESET", "ways to reset it, in the order tried", .flags = dear),                  \
	D(reset_set, F_STRS, "RESET-SET", "devices that a bus reset takes along, in other groups too",             \
	  .flags = dear),                                                                                          \
	D(numa_node, F_INT, "NUMA", "NUMA node; null: none", .flags = (dear) | FIELD_RIGHT),                       \
	D(boot_vga, F_BOOL, "BOOT-VGA", "whether firmware showed its screen on it", .flags = dear),                \
	D(removable, F_BOOL, "REMOVABLE", "whether it sits in a slot that the user can pull it from", .flags = dear), \
	D(path, F_STR, "PATH", "its directory", .flags = dear),                                                    \
	D(holders, F_LIST, "HOLDERS", "processes that have it open; null: not all could be seen, and none was",    \
	  .sub = &holder_record, .flags = dear)

static const struct field list_fields[] = {
	CHEAP_FIELDS(FIELD_DEFAULT),
	DEAR_FIELDS(FIELD_EXTRA),
};

static const struct record_type device_list_record = RECORD("device.list", 1, struct device_row, list_fields);

static const struct field show_fields[] = {
	CHEAP_FIELDS(0),
	D(summary, F_STR, "SUMMARY", "the verdict in one sentence"),
	D(id_path, F_STR, "ID-PATH", "udev's name of the place that it is plugged into"),
	DEAR_FIELDS(0),
	D(stream_ids, F_LIST, "STREAM-IDS", "ids of its requests at an SMMU; null: there is no SMMU, or firmware's maps cannot be seen",
	  .sub = &stream_record),
	D(streams_from, F_STR, "STREAMS-FROM", "what says so, or why they are not known; null: there is no SMMU"),
};

static const struct record_type device_show_record = RECORD("device.show", 1, struct device_row, show_fields);

/* -- filling ------------------------------------------------------------------------------------------------ */

static const char *path_of(struct host *h, struct device *d)
{
	const char *path = device_path(h, d);

	return path ? arena_printf(&h->arena, "/%s", path) : NULL;
}

/* What udev does not tell is only missing: nothing is judged by it. */
static const char *id_path_of(struct host *h, struct device *d)
{
	const char *dir = device_path(h, d);
	struct udev_facts facts;

	return dir && source_udev(h->src, h->ctx, &h->arena, dir, &facts) == 0 ? facts.path : NULL;
}

static void fill_cheap(struct device *d, struct device_row *row)
{
	*row = (struct device_row){
		.device = d->name,
		.bus = d->bus,
		.class = device_class_word(d),
		.driver = d->driver,
		.unit = d->unit ? d->unit->name : NULL,
		.viable = TRI_UNKNOWN,
		.boot_vga = TRI_UNKNOWN,
		.removable = TRI_UNKNOWN,
	};
	if (d->has_ids) {
		row->vendor = NUM(d->vendor);
		row->device_id = NUM(d->device);
		row->subvendor = NUM(d->subvendor);
		row->subdevice = NUM(d->subdevice);
	}
	if (d->has_class)
		row->class_code = NUM(d->class);
	if (d->group)
		row->group = NUM(d->group->id);
}

static void fill_verdict(struct host *h, struct device *d, bool brief, struct device_row *row)
{
	struct question q = { .group = d->group, .device = d, .brief = brief };
	struct viability answer;

	if (!d->group)
		return;
	group_check(h, &q, &answer);
	row->viable = answer.viable;
	row->verdict = answer.verdict;
	row->summary = answer.summary;
}

static void fill_info(struct host *h, struct device *d, struct device_row *row)
{
	const struct devinfo *info = device_info(h, d);
	const char **vfs = arena_array(&h->arena, const char *, info->n_vfs);

	row->override = info->override;
	row->vfio_dev = info->vfio_dev;
	row->power = info->power;
	row->pf = info->pf ? info->pf->name : NULL;
	for (size_t i = 0; i < info->n_vfs; i++)
		vfs[i] = info->vfs[i]->name;
	row->vfs = STRS(vfs, info->n_vfs);
	row->sriov_total = info->sriov_total;
	row->sriov_vfs = info->sriov_num;
	row->netdevs = info->netdevs;
	row->blocks = info->blocks;
	row->reset_methods = info->reset_methods;
	row->numa_node = info->numa_node;
	row->boot_vga = info->boot_vga;
	row->removable = info->removable;
}

static const char *state_word(const struct pci_info *pci, bool has, unsigned ctrl, unsigned enable)
{
	if (pci->err || !pci->ext_known)
		return NULL;
	return !has ? "none" : ctrl & enable ? "on" : "off";
}

static const char *acs_word(struct host *h, const struct pci_info *pci)
{
	char buf[64];

	if (pci->err || !pci->ext_known)
		return NULL;
	return pci->has_acs ? arena_strdup(&h->arena, acs_bits_name(pci->acs_ctrl, buf, sizeof(buf))) : "none";
}

static void fill_pci(struct host *h, struct device *d, struct device_row *row)
{
	const struct pci_info *pci = device_pci(h, d), *shared = pci;
	struct device *pf = device_info(h, d)->pf;

	if (!d->is_pci)
		return;
	if (pf)
		shared = device_pci(h, pf); /* one page request interface and PASID width for all of its VFs */
	row->pcie = pci->err || !pci->caps_known ? NULL : pcie_type_name(pci->pcie);
	row->acs = acs_word(h, pci);
	row->ats = state_word(pci, pci->has_ats, pci->ats_ctrl, 0x8000);
	row->pri = state_word(shared, shared->has_pri, shared->pri_ctrl, 1);
	row->pasid = state_word(shared, shared->has_pasid, shared->pasid_ctrl, 1);
}

static bool wants_any(const struct out *out, const char *const *paths)
{
	while (*paths && !out_wants(out, *paths))
		paths++;
	return *paths;
}

/* Which of the dear facts somebody asked for; of the cheap ones, names may cost a database. */
struct wanted {
	bool name, class_name, info, pci, reset_set, path, holders;
};

static struct wanted what_is_wanted(const struct out *out)
{
	static const char *const info[] = { "override", "vfio_dev", "power", "pf", "vfs", "sriov_total", "sriov_vfs",
					    "netdevs", "blocks", "reset_methods", "numa_node", "boot_vga",
					    "removable", NULL };
	static const char *const pci[] = { "pcie", "acs", "ats", "pri", "pasid", NULL };
	static const char *const holders[] = { "holders.pid", "holders.command", "holders.node", "holders.device",
					       "holders.unit", "holders.container", "holders.pod",
					       "holders.guest", NULL };

	return (struct wanted){
		.name = out_wants(out, "name"),
		.class_name = out_wants(out, "class_name"),
		.info = wants_any(out, info),
		.pci = wants_any(out, pci),
		.reset_set = out_wants(out, "reset_set"),
		.path = out_wants(out, "path"),
		.holders = wants_any(out, holders),
	};
}

static void fill_wanted(struct host *h, struct device *d, const struct wanted *w, struct device_row *row)
{
	if (w->name)
		row->name = device_label(h, d);
	if (w->class_name)
		row->class_name = device_class_title(h, d);
	if (w->info)
		fill_info(h, d, row);
	if (w->pci)
		fill_pci(h, d, row);
	if (w->reset_set)
		row->reset_set = reset_set_names(h, d);
	if (w->path)
		row->path = path_of(h, d);
	if (w->holders)
		row->holders = holder_rows_of_device(h, d);
}

static bool has_smmu(const struct host *h)
{
	for (size_t i = 0; i < h->n_units; i++)
		if (h->units[i].kind == UNIT_SMMUV3 || h->units[i].kind == UNIT_SMMUV2)
			return true;
	return false;
}

static const char *streams_why(struct host *h, const struct device_streams *s)
{
	if (s->n && !s->complete)
		return arena_printf(&h->arena, "%s; ids of bridges above may be missing: their config space cannot be read", s->v[0].map->file);
	if (s->n)
		return s->v[0].map->file;
	if (s->known)
		return "firmware leads its requests to no SMMU";
	return s->err == -ENOENT ? "neither a devicetree nor an ACPI table IORT maps ids" :
				   arena_printf(&h->arena, "%s: %s", host_streams(h)->tree_err == s->err ? "devicetree" : "ACPI table IORT",
						err_text(s->err));
}

static void fill_streams(struct host *h, struct device *d, struct device_row *row)
{
	struct device_streams s;
	struct stream_row *v;

	if (!has_smmu(h))
		return;
	s = device_streams(h, d);
	v = arena_array(&h->arena, struct stream_row, s.n + 1);
	for (size_t i = 0; i < s.n; i++)
		v[i] = (struct stream_row){ NUM(s.v[i].id), s.v[i].requester, s.v[i].bridge ? s.v[i].bridge->name : NULL,
					    s.v[i].map->unit ? s.v[i].map->unit->name : NULL, s.v[i].shared, s.v[i].map->file };
	row->stream_ids = (struct rows){ .v = v, .n = s.n, .known = s.known };
	row->streams_from = streams_why(h, &s);
}

/* -- list ---------------------------------------------------------------------------------------------------- */

static int list_device(struct invocation *inv, struct host *h, const struct filter *f, const struct wanted *w,
		       struct device *d)
{
	struct device_row row;

	if (!filter_device(f, d))
		return 0;
	fill_cheap(d, &row);
	fill_verdict(h, d, true, &row);
	if (!filter_viable(f, row.viable))
		return 0;
	fill_wanted(h, d, w, &row);
	return out_row(inv->out, &row);
}

static int run_list(struct invocation *inv)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	struct group *g = NULL;
	struct wanted wanted;
	struct filter f;
	int r;

	r = out_begin(inv->out, &device_list_record);
	if (r < 0)
		return EXIT_USAGE;
	wanted = what_is_wanted(inv->out);
	if (wanted.name || wanted.class_name)
		names_begin();
	r = host_load(inv->ctx, inv->source, HOST_IDS | HOST_DRIVERS | HOST_REGIONS, &h);
	if (r < 0)
		return r;
	r = filter_read(inv, h, &f);
	if (r < 0)
		return r == -EINVAL ? EXIT_USAGE : r;
	if (inv_opt(inv, "group"))
		r = host_find_group(h, inv_opt(inv, "group"), &g);
	if (r < 0)
		return exit_from_lookup(r);
	for (size_t i = 0; r >= 0 && i < h->n_devices; i++)
		if (!g || h->devices[i].group == g)
			r = list_device(inv, h, &f, &wanted, &h->devices[i]);
	return r;
}

/* -- show ------------------------------------------------------------------------------------------------------- */

static int run_show(struct invocation *inv)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	struct device_row row;
	struct device *d;
	int r;

	r = out_begin(inv->out, &device_show_record);
	if (r < 0)
		return EXIT_USAGE;
	r = host_load(inv->ctx, inv->source, HOST_ALL, &h);
	if (r < 0)
		return r;
	r = host_find_device(h, inv->argv[0], &d);
	if (r < 0)
		return exit_from_lookup(r);
	fill_cheap(d, &row);
	fill_verdict(h, d, false, &row);
	fill_info(h, d, &row);
	fill_pci(h, d, &row);
	row.name = device_label(h, d);
	row.class_name = device_class_title(h, d);
	row.reset_set = reset_set_names(h, d);
	row.holders = holder_rows_of_device(h, d);
	row.path = path_of(h, d);
	row.id_path = id_path_of(h, d);
	fill_streams(h, d, &row);
	return out_detail(inv->out, &row);
}

/* -- rows --------------------------------------------------------------------------------------------------------- */

static const struct option_row list_options[] = {
	FILTER_VIABLE,
	FILTER_NOT_VIABLE,
	FILTER_CLASS,
	FILTER_DRIVER,
	FILTER_UNIT,
	{ .name = "group", .arg = "G|DEV", .help = "only devices of this group", .complete = COMPLETE_GROUP_OR_DEVICE },
	{ 0 },
};

static const struct arg_row show_args[] = {
	{ .name = "DEV", .help = "a device", .complete = COMPLETE_DEVICE },
	{ 0 },
};

static const struct command commands[] = {
	{
		.verb = "list",
		.summary = "devices with their drivers and groups, and whether they can be given away",
		.text = "All PCI devices, and those of other buses that are in a group. More about each, such as its reset methods, "
			"network interfaces or holders, is gathered when its column is named: -o +reset_methods,netdevs.",
		.options = list_options,
		.record = &device_list_record,
		.run = run_list,
	},
	{
		.verb = "show",
		.summary = "everything about one device",
		.text = "DEV is a PCI address (01:00.0, 0000:01:00.0), BUS/NAME, net:INTERFACE, id:VENDOR:DEVICE where only one "
			"device has these ids, or libvirt's name (pci_0000_01_00_0).",
		.args = show_args,
		.record = &device_show_record,
		.flags = COMMAND_DETAIL,
		.run = run_show,
	},
	{
		.verb = "guard",
		.summary = "what this machine would lose without these devices",
		.text = device_guard_text,
		.args = device_guard_args,
		.record = &device_guard_record,
		.flags = COMMAND_QUESTION,
		.run = device_guard_run,
	},
	{
		.verb = "bind",
		.summary = "move devices to vfio-pci or another driver, all or none",
		.text = device_bind_text,
		.args = device_bind_args,
		.options = device_bind_options,
		.record = &device_bind_record,
		.flags = COMMAND_ACTS,
		.run = device_bind_run,
	},
	{
		.verb = "unbind",
		.summary = "take devices off their drivers",
		.text = device_unbind_text,
		.args = device_unbind_args,
		.options = device_unbind_options,
		.record = &device_unbind_record,
		.flags = COMMAND_ACTS,
		.run = device_unbind_run,
	},
	{
		.verb = "restore",
		.summary = "put devices back as they were before iommuctl moved them",
		.text = device_restore_text,
		.args = device_restore_args,
		.options = device_restore_options,
		.record = &device_restore_record,
		.flags = COMMAND_ACTS,
		.run = device_restore_run,
	},
	{
		.verb = "vfs",
		.summary = "set the number of virtual functions (SR-IOV)",
		.text = device_vfs_text,
		.args = device_vfs_args,
		.options = device_vfs_options,
		.record = &device_vfs_record,
		.flags = COMMAND_ACTS,
		.run = device_vfs_run,
	},
	{
		.verb = "open",
		.summary = "open a device for user space; it is reset",
		.text = device_open_text,
		.args = device_open_args,
		.options = device_open_options,
		.record = &device_open_record,
		.flags = COMMAND_OBJECT | COMMAND_CREATES,
		.run = device_open_run,
	},
	{
		.verb = "close",
		.summary = "give an open device back",
		.text = device_close_text,
		.args = device_object_args,
		.record = &device_close_record,
		.flags = COMMAND_OBJECT,
		.run = device_close_run,
	},
	{
		.verb = "attach",
		.summary = "put a page table in force for an open device, or replace it",
		.text = device_attach_text,
		.args = device_attach_args,
		.options = device_pasid_options,
		.record = &device_attach_record,
		.flags = COMMAND_OBJECT,
		.run = device_attach_run,
	},
	{
		.verb = "detach",
		.summary = "leave an open device without a page table",
		.text = device_detach_text,
		.args = device_object_args,
		.options = device_pasid_options,
		.record = &device_detach_record,
		.flags = COMMAND_OBJECT,
		.run = device_detach_run,
	},
	{
		.verb = "hwinfo",
		.summary = "what the IOMMU of an open device can do, by its registers",
		.text = device_hwinfo_text,
		.args = device_object_args,
		.options = device_hwinfo_options,
		.record = &device_hwinfo_record,
		.flags = COMMAND_OBJECT | COMMAND_DETAIL,
		.run = device_hwinfo_run,
	},
	{
		.verb = "irq",
		.summary = "arm an interrupt of an open device, and wait for it",
		.text = device_irq_text,
		.args = device_irq_args,
		.options = device_irq_options,
		.record = &device_irq_record,
		.flags = COMMAND_OBJECT,
		.run = device_irq_run,
	},
	{
		.verb = "region",
		.summary = "read or write a register of an open device",
		.text = device_region_text,
		.args = device_region_args,
		.options = device_region_options,
		.record = &device_region_record,
		.flags = COMMAND_OBJECT,
		.run = device_region_run,
	},
	{
		.verb = "map",
		.summary = "map memory for a device that was opened with --legacy",
		.text = device_map_text,
		.args = device_map_args,
		.record = &device_map_record,
		.flags = COMMAND_OBJECT,
		.run = device_map_run,
	},
	{
		.verb = "unmap",
		.summary = "take away what device map has mapped",
		.args = device_map_args,
		.record = &device_unmap_record,
		.flags = COMMAND_OBJECT,
		.run = device_unmap_run,
	},
	{
		.verb = "map-check",
		.summary = "whether a mapping would be refused, and by which rule",
		.text = device_map_check_text,
		.args = device_map_check_args,
		.options = device_map_check_options,
		.record = &device_map_check_record,
		.flags = COMMAND_QUESTION,
		.run = device_map_check_run,
	},
};

const struct noun noun_device = {
	.name = "device",
	.summary = "devices, and what hangs on them",
	.commands = commands,
	.n = ARRAY_SIZE(commands),
};
