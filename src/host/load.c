// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loading a machine. The order is: units, groups (with the names in their devices/), the devices of
 * the PCI bus, the devices of other buses that the groups name, then the links between them, then what
 * the caller wants of all of them, read in batches.
 */
#include "host/load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "host/names.h"

#define UNITS "sys/class/iommu"

/* A line in a group's devices/, before we know what it leads to. */
struct member {
	struct group *group;
	const char *link;  /* name of the link */
	const char *name;  /* of the device; of the link where the link could not be read */
	const char *bus;   /* NULL: on the PCI bus, or not known */
	const char *path;  /* for what is not in the PCI listing */
	bool pci;
	bool listed; /* the PCI bus listed it too */
};

struct loader {
	struct host *h;
	VEC(struct member) members;
};

/* -- units ------------------------------------------------------------------------------------- */

static int unit_qsort(const void *a, const void *b)
{
	return str_natural_cmp(((const struct unit *)a)->name, ((const struct unit *)b)->name);
}

static enum unit_kind kind_by_name(const char *name)
{
	static const struct {
		const char *prefix;
		enum unit_kind kind;
	} known[] = {
		{ "dmar", UNIT_VTD },	       { "ivhd", UNIT_AMD },
		{ "smmu3.", UNIT_SMMUV3 },     { "smmu.", UNIT_SMMUV2 },
		{ "iommufd_selftest", UNIT_MOCK }, { "riscv-iommu", UNIT_RISCV },
		{ "apple-dart", UNIT_APPLE_DART }, { "s390-iommu", UNIT_S390 },
		{ "mtk-iommu", UNIT_OTHER },   { "msm-smmu", UNIT_OTHER },
		{ "iommu-phb", UNIT_OTHER },
	};
	struct pci_addr addr;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strstarts(name, known[i].prefix))
			return known[i].kind;
	/* virtio-iommu is named after the bus name of the virtio device's parent */
	return pci_addr_parse(name, &addr) == 0 ? UNIT_VIRTIO : UNIT_UNKNOWN;
}

/* By attribute directory first, by the driver of its parent or its name second: sysfs has no "kind". */
static enum unit_kind unit_kind(struct host *h, const char *name)
{
	char path[SRC_PATH_MAX], driver[128];
	enum unit_kind kind = kind_by_name(name);

	PATHF(path, UNITS "/%s/intel-iommu", name);
	if (source_exists(h->src, path))
		return UNIT_VTD;
	PATHF(path, UNITS "/%s/amd-iommu", name);
	if (source_exists(h->src, path))
		return UNIT_AMD;
	if (kind == UNIT_UNKNOWN) {
		PATHF(path, UNITS "/%s/device/driver", name);
		if (source_readlink_name(h->src, path, driver, sizeof(driver)) == 0)
			return streq(driver, "virtio_iommu") ? UNIT_VIRTIO : UNIT_OTHER;
	}
	return kind;
}

static void load_unit(struct host *h, struct unit *u, const char *name)
{
	char path[SRC_PATH_MAX], parent[256];
	struct src_list list = { 0 };

	u->name = name;
	u->kind = unit_kind(h, name);
	PATHF(path, UNITS "/%s/device", name);
	if (source_readlink_name(h->src, path, parent, sizeof(parent)) == 0)
		u->parent = arena_strdup(&h->arena, parent);

	PATHF(path, UNITS "/%s/devices", name);
	u->members_err = source_list(h->src, path, &h->arena, &list);
	if (u->members_err < 0) {
		ctx_warn(h->ctx, "unreadable", u->members_err, path, "devices of unit %s", name);
		return;
	}
	u->n_members = list.n;
	u->members = arena_array(&h->arena, const char *, list.n);
	for (size_t i = 0; i < list.n; i++)
		((const char **)u->members)[i] = list.v[i].name;
}

static void load_units(struct host *h)
{
	struct src_list list = { 0 };

	h->units_err = source_list(h->src, UNITS, &h->arena, &list);
	if (h->units_err < 0) {
		if (h->units_err != -ENOENT)
			ctx_warn(h->ctx, "unreadable", h->units_err, UNITS, "IOMMU units");
		return;
	}
	h->units = arena_array(&h->arena, struct unit, list.n);
	h->n_units = list.n;
	for (size_t i = 0; i < list.n; i++)
		load_unit(h, &h->units[i], list.v[i].name);
	qsort(h->units, h->n_units, sizeof(*h->units), unit_qsort);
}

/* -- groups and the names in them ------------------------------------------------------------------ */

/* As the kernel writes it: "007" is another name, for a group that may be there as well. */
static bool is_group_name(const char *name, uint32_t *ret)
{
	return parse_u32(name, ret) == 0 && !strchr(name, 'x') && !strchr(name, 'X') && (*name != '0' || !name[1]);
}

static void load_groups(struct host *h)
{
	struct src_list list = { 0 };

	h->groups_err = source_list(h->src, GROUPS, &h->arena, &list);
	if (h->groups_err < 0) {
		if (h->groups_err != -ENOENT)
			ctx_warn(h->ctx, "unreadable", h->groups_err, GROUPS, "IOMMU groups");
		return;
	}
	h->groups = arena_array(&h->arena, struct group, list.n);
	for (size_t i = 0; i < list.n; i++) {
		uint32_t id;

		if (!is_group_name(list.v[i].name, &id)) {
			ctx_warn(h->ctx, "odd-name", 0, GROUPS, "group \"%s\": not a number as the kernel writes it, left out",
				 list.v[i].name);
			continue;
		}
		h->groups[h->n_groups++] = (struct group){ .id = id, .type_err = -ENOENT,
							   .regions_err = -ENOENT };
	}
	qsort(h->groups, h->n_groups, sizeof(*h->groups), group_qsort);
}

static void take_members(struct loader *l, struct group *g, const struct src_dir *dir)
{
	struct host *h = l->h;
	char path[SRC_PATH_MAX];

	if (dir->err < 0) {
		/* it may have gone since we listed the groups; an empty group is still worth showing */
		PATHF(path, GROUPS "/%u/devices", g->id);
		ctx_warn(h->ctx, "unreadable", dir->err, path, "devices of group %u", g->id);
		g->devices_err = dir->err;
		return;
	}
	for (size_t i = 0; i < dir->list.n; i++)
		*vec_push(&l->members) = (struct member){ .group = g, .link = dir->list.v[i].name,
							  .name = dir->list.v[i].name };
}

static void list_members(struct loader *l)
{
	struct host *h = l->h;
	const char **names = arena_array(&h->arena, const char *, h->n_groups);
	struct src_dir *dirs = arena_array(&h->arena, struct src_dir, h->n_groups);

	for (size_t i = 0; i < h->n_groups; i++)
		names[i] = arena_printf(&h->arena, "%u", h->groups[i].id);
	source_list_each(h->src, GROUPS, names, h->n_groups, "devices", &h->arena, dirs);
	for (size_t i = 0; i < h->n_groups; i++)
		take_members(l, &h->groups[i], &dirs[i]);
}

/* -- devices -------------------------------------------------------------------------------------- */

/* As the kernel writes it: in full and in lower case. People write 00:1F.0, which would be a second device at that place. */
static bool is_device_name(const char *name, struct pci_addr *ret)
{
	size_t domain = strcspn(name, ":");

	return pci_addr_parse(name, ret) == 0 && strlen(name) == domain + strlen(":bb:dd.f") && (domain == 4 || *name != '0') &&
	       !strpbrk(name, "ABCDEF");
}

static void load_pci_bus(struct host *h, size_t room)
{
	struct src_list list = { 0 };

	h->devices_err = source_list(h->src, PCI_DEVICES, &h->arena, &list);
	if (h->devices_err < 0 && h->devices_err != -ENOENT)
		ctx_warn(h->ctx, "unreadable", h->devices_err, PCI_DEVICES, "PCI devices");
	h->devices = arena_array(&h->arena, struct device, list.n + room);
	for (size_t i = 0; i < list.n; i++) {
		struct device *d = &h->devices[h->n_devices];

		if (!is_device_name(list.v[i].name, &d->addr)) {
			ctx_warn(h->ctx, "odd-name", 0, PCI_DEVICES, "PCI device \"%s\": not an address as the kernel writes it, left out",
				 list.v[i].name);
			continue;
		}
		d->name = list.v[i].name;
		d->bus = "pci";
		d->is_pci = true;
		h->n_devices++;
	}
	qsort(h->devices, h->n_devices, sizeof(*h->devices), device_qsort);
}

static bool is_listed(const struct host *h, size_t listed, struct pci_addr addr)
{
	struct device key = { .is_pci = true, .addr = addr };

	return listed && bsearch(&key, h->devices, listed, sizeof(key), device_qsort);
}

/* What a link in a group's devices/ leads to: the link's own name may carry a suffix after a clash. */
static void resolve_member(struct host *h, struct member *m, size_t listed)
{
	char dir[SRC_PATH_MAX], target[SRC_PATH_MAX], path[SRC_PATH_MAX], bus[128];
	struct pci_addr addr;
	int r;

	m->listed = pci_addr_parse(m->link, &addr) == 0 && is_listed(h, listed, addr);
	if (m->listed) {
		m->pci = true;
		return;
	}
	PATHF(dir, GROUPS "/%u/devices", m->group->id);
	PATHF(path, "%s/%s", dir, m->link);
	r = source_readlink(h->src, path, target, sizeof(target));
	if (r == 0) {
		m->path = link_resolve(&h->arena, dir, target);
		m->name = arena_strdup(&h->arena, last_component(target));
	}
	if (!m->path)
		ctx_warn(h->ctx, "unreadable", r ? r : -EXDEV, path, "link to device %s", m->link);
	PATHF(path, "%s/subsystem", m->path ? m->path : "");
	if (m->path && source_readlink_name(h->src, path, bus, sizeof(bus)) == 0)
		m->bus = arena_strdup(&h->arena, bus);
	m->pci = pci_addr_parse(m->name, &addr) == 0 && (!m->bus || streq(m->bus, "pci"));
	m->listed = m->pci && is_listed(h, listed, addr);
}

/* Two links to one device make two entries; keep the first. */
static void drop_doubles(struct host *h)
{
	size_t kept = 0;

	for (size_t i = 0; i < h->n_devices; i++)
		if (!kept || device_cmp(&h->devices[kept - 1], &h->devices[i]))
			h->devices[kept++] = h->devices[i];
	h->n_devices = kept;
}

/* Devices that only their group names: those of other buses, and PCI ones when the bus was not listed. */
static void add_members(struct loader *l)
{
	struct host *h = l->h;
	size_t listed = h->n_devices;
	struct member *m;

	vec_for_each(m, &l->members) {
		struct device *d = &h->devices[h->n_devices];

		resolve_member(h, m, listed);
		if (m->listed)
			continue;
		if (m->pci)
			pci_addr_parse(m->name, &d->addr);
		d->name = m->name;
		d->is_pci = m->pci;
		d->bus = m->pci ? "pci" : m->bus;
		d->path_ = m->path;
		d->path_done_ = m->path != NULL;
		h->n_devices++;
	}
	if (h->n_devices == listed)
		return;
	qsort(h->devices, h->n_devices, sizeof(*h->devices), device_qsort);
	drop_doubles(h);
}

static struct device *member_device(struct host *h, const struct member *m)
{
	struct pci_addr addr;

	if (m->pci && pci_addr_parse(m->name, &addr) == 0)
		return host_pci(h, addr);
	return host_device(h, m->bus, m->name);
}

static void join_groups(struct loader *l)
{
	struct host *h = l->h;
	struct member *m;

	vec_for_each(m, &l->members)
		m->group->n_devices++;
	for (size_t i = 0; i < h->n_groups; i++) {
		struct group *g = &h->groups[i];

		g->devices = arena_array(&h->arena, struct device *, g->n_devices);
		g->n_devices = 0;
	}
	vec_for_each(m, &l->members) {
		struct device *d = member_device(h, m);

		if (!d || d->group == m->group)
			continue;
		if (d->group)
			ctx_warn(h->ctx, "two-groups", 0, GROUPS, "device %s: in group %u and in group %u",
				 d->name, d->group->id, m->group->id);
		d->group = m->group;
		m->group->devices[m->group->n_devices++] = d;
	}
}

static int by_order(const void *a, const void *b)
{
	return device_cmp(*(struct device *const *)a, *(struct device *const *)b);
}

/* Adds the groups of the sorted @ids, each once. */
static void add_groups(struct host *h, const uint32_t *ids, size_t n)
{
	h->groups = arena_array(&h->arena, struct group, n);
	for (size_t i = 0; i < n; i++)
		if (!i || ids[i] != ids[i - 1])
			h->groups[h->n_groups++] = (struct group){ .id = ids[i], .type_err = h->groups_err,
								   .regions_err = h->groups_err };
}

static int id_qsort(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static bool group_of_link(struct host *h, struct device *d, uint32_t *ret)
{
	char path[SRC_PATH_MAX], name[64];

	PATHF(path, "%s/iommu_group", device_sysfs(h, d));
	return source_readlink_name(h->src, path, name, sizeof(name)) == 0 && parse_u32(name, ret) == 0;
}

/* Trees without /sys/kernel/iommu_groups still have a link on each device. */
static void groups_from_links(struct loader *l)
{
	struct host *h = l->h;
	uint32_t *ids = arena_array(&h->arena, uint32_t, h->n_devices), id;
	struct device **linked = arena_array(&h->arena, struct device *, h->n_devices);
	size_t n = 0;

	for (size_t i = 0; i < h->n_devices; i++) {
		if (!group_of_link(h, &h->devices[i], &id))
			continue;
		linked[n] = &h->devices[i];
		*vec_push(&l->members) = (struct member){ .name = linked[n]->name, .bus = linked[n]->bus,
							  .pci = linked[n]->is_pci };
		ids[n++] = id;
	}
	if (!n)
		return;
	ctx_warn(h->ctx, "no-group-listing", h->groups_err, GROUPS,
		 "group directory: groups taken from the devices' links");
	uint32_t *sorted = (uint32_t *)arena_memdup(&h->arena, ids, n * sizeof(*ids));

	qsort(sorted, n, sizeof(*sorted), id_qsort);
	add_groups(h, sorted, n);
	for (size_t i = 0; i < n; i++)
		l->members.v[i].group = host_group(h, ids[i]);
}

/* -- which unit ------------------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct device *const *)a)->name, (*(struct device *const *)b)->name);
}

struct device **other_devices(struct host *h, size_t *ret_n)
{
	size_t first = 0, n;
	struct device **v;

	while (first < h->n_devices && h->devices[first].is_pci)
		first++;
	n = h->n_devices - first;
	v = arena_array(&h->arena, struct device *, n);
	for (size_t i = 0; i < n; i++)
		v[i] = &h->devices[first + i];
	if (n)
		qsort(v, n, sizeof(*v), by_name);
	*ret_n = n;
	return v;
}

struct device *device_by_name(const struct host *h, struct device *const *others, size_t n, const char *name)
{
	struct device key = { .name = name }, *pkey = &key, *const *found;
	struct pci_addr addr;

	if (pci_addr_parse(name, &addr) == 0)
		return host_pci(h, addr);
	found = n ? bsearch(&pkey, others, n, sizeof(*others), by_name) : NULL;
	return found ? *found : NULL;
}

static void unit_from_link(struct host *h, struct device *d)
{
	char path[SRC_PATH_MAX], name[256];

	PATHF(path, "%s/iommu", device_sysfs(h, d));
	if (source_readlink_name(h->src, path, name, sizeof(name)) == 0)
		d->unit = host_unit(h, name);
}

static void join_units(struct host *h)
{
	struct device **others;
	bool holes = false;
	size_t n_others;

	others = other_devices(h, &n_others);
	for (size_t n = 0; n < h->n_units; n++) {
		struct unit *u = &h->units[n];

		holes |= u->members_err < 0;
		for (size_t i = 0; i < u->n_members; i++) {
			struct device *d = device_by_name(h, others, n_others, u->members[i]);

			if (d)
				d->unit = u;
		}
	}
	for (size_t i = 0; holes && i < h->n_devices; i++)
		if (!h->devices[i].unit && h->devices[i].group)
			unit_from_link(h, &h->devices[i]);
}

/* -- all of it -------------------------------------------------------------------------------------- */

int host_load(struct ctx *ctx, struct source *src, unsigned want, struct host **ret)
{
	struct host *h = must_calloc(1, sizeof(*h));
	struct loader l = { .h = h };

	h->ctx = ctx;
	h->src = src;
	load_units(h);
	load_groups(h);
	list_members(&l);
	load_pci_bus(h, l.members.n);
	add_members(&l);
	if (h->groups_err < 0)
		groups_from_links(&l);
	join_groups(&l);
	for (size_t i = 0; i < h->n_groups; i++)
		qsort(h->groups[i].devices, h->groups[i].n_devices, sizeof(struct device *), by_order);
	join_units(h);
	host_load_facts(h, want);
	vec_free(&l.members);
	*ret = h;
	return 0;
}

void host_free(struct host *h)
{
	if (!h)
		return;
	names_end();
	arena_free(&h->arena);
	free(h);
}
