// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/streams.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "host/acpi.h"
#include "host/devtree.h"
#include "host/pci.h"
#include "host/topology.h"
#include "host/units.h"

#define ALL_IDS UINT32_MAX

/* Bridges between a device and its root bus that can put an id of theirs on its requests. */
#define ALIASES_MAX 32

/* Which node each SMMU is: in the devicetree by phandle. */
struct target {
	struct unit *unit;
	uint32_t phandle;
	bool has_phandle;
	uint32_t cells; /* #iommu-cells: how many a specifier has */
};

struct loader {
	struct host *h;
	struct streams *s;
	struct target *targets;
	VEC(struct stream_map) maps;
};

static bool is_smmu(const struct unit *u)
{
	return u->kind == UNIT_SMMUV3 || u->kind == UNIT_SMMUV2;
}

/* What was not readable counts before what is not there. */
static void tree_failed(struct loader *l, int err)
{
	if (err && (l->s->tree_err == 0 || l->s->tree_err == -ENOENT))
		l->s->tree_err = err;
}

static void odd_map(struct loader *l, const char *node, const char *property, const char *why)
{
	ctx_note(l->h->ctx, (struct note){ .level = NOTE_WARNING, .code = "devicetree", .why = why,
					   .where = arena_printf(&l->h->arena, "/%s/%s", node, property) },
		 "stream ids of %s", strrchr(node, '/') + 1);
	tree_failed(l, -EBADMSG);
}

/* -- devicetree ------------------------------------------------------------------------------------------------------- */

static void read_target(struct loader *l, struct target *t)
{
	char dir[SRC_PATH_MAX];
	const char *node;
	uint32_t *cells;
	size_t n;
	int r;

	PATHF(dir, "sys/class/iommu/%s/device", t->unit->name);
	r = devtree_node(l->h, dir, &node);
	if (r == 0)
		r = devtree_cells(l->h, node, "phandle", &cells, &n);
	if (r < 0)
		return tree_failed(l, r);
	if (n != 1)
		return odd_map(l, node, "phandle", "it is not one cell");
	t->phandle = cells[0];
	t->has_phandle = true;
	t->cells = 1;
	if (devtree_cells(l->h, node, "#iommu-cells", &cells, &n) == 0 && n == 1)
		t->cells = cells[0];
}

static void read_targets(struct loader *l)
{
	l->targets = arena_array(&l->h->arena, struct target, l->h->n_units + 1);
	for (size_t i = 0; i < l->h->n_units; i++) {
		l->targets[i].unit = &l->h->units[i];
		if (is_smmu(&l->h->units[i]))
			read_target(l, &l->targets[i]);
	}
}

static const struct target *target_of(const struct loader *l, uint32_t phandle)
{
	for (size_t i = 0; i < l->h->n_units; i++)
		if (l->targets[i].has_phandle && l->targets[i].phandle == phandle)
			return &l->targets[i];
	return NULL;
}

static const char *node_name(const char *node)
{
	return strrchr(node, '/') + 1;
}

static const char *property_file(struct loader *l, const char *node, const char *property)
{
	return arena_printf(&l->h->arena, "/%s/%s", node, property);
}

/* Entries of four cells: first requester id, phandle of the unit, the id that it becomes, how many. */
static void add_entry(struct loader *l, const char *node, const char *bus, uint32_t segment, uint32_t mask, const uint32_t *e)
{
	const struct target *t = target_of(l, e[1]);

	if (e[0] & ~mask)
		return odd_map(l, node, "iommu-map", "an entry begins at an id that iommu-map-mask does not let through");
	if (!e[3] || e[0] + (e[3] - 1) < e[0] || e[2] + (e[3] - 1) < e[2])
		return odd_map(l, node, "iommu-map", "an entry has no ids, or wraps");
	*vec_push(&l->maps) = (struct stream_map){
		.owner = node_name(node), .root_bus = bus, .is_pci = true, .segment = segment, .first = e[0], .last = e[0] + (e[3] - 1),
		.mask = mask, .output = e[2], .unit = t ? t->unit : NULL, .file = property_file(l, node, "iommu-map"),
	};
}

static void read_iommu_map(struct loader *l, const char *node, const char *bus, uint32_t segment)
{
	uint32_t *cells, *mask, all = ALL_IDS;
	size_t n, n_mask;
	int r = devtree_cells(l->h, node, "iommu-map", &cells, &n);

	if (r < 0)
		return tree_failed(l, r);
	r = devtree_cells(l->h, node, "iommu-map-mask", &mask, &n_mask);
	if (r < 0 && r != -ENOENT)
		return tree_failed(l, r);
	if (r == 0 && n_mask != 1)
		return odd_map(l, node, "iommu-map-mask", "it is not one cell");
	if (n % 4)
		return odd_map(l, node, "iommu-map", "its entries are not of four cells each");
	for (size_t i = 0; i < n; i += 4)
		add_entry(l, node, bus, segment, r == 0 ? *mask : all, cells + i);
}

/* "sys/devices/platform/4010000000.pcie" and "pci0000:00" of the path of a device on that bus. */
static bool split_at_root(struct host *h, struct device *d, const char *bus, const char **ret_bridge)
{
	const char *path = device_path(h, d), *at;
	_cleanup_strbuf_ struct strbuf b = { 0 };

	strbuf_printf(&b, "/%s/", bus);
	at = path ? strstr(path, strbuf_str(&b)) : NULL;
	if (!at)
		return false;
	*ret_bridge = arena_memdup(&h->arena, path, (size_t)(at - path));
	return true;
}

static bool bus_done(const char *const *done, size_t n, const char *bus)
{
	for (size_t i = 0; i < n; i++)
		if (streq(done[i], bus))
			return true;
	return false;
}

static void read_root_bus(struct loader *l, struct device *d, const char *bus)
{
	char dir[SRC_PATH_MAX];
	const char *bridge, *node;
	int r;

	if (!split_at_root(l->h, d, bus, &bridge))
		return;
	/* the root bus has the node of its bridge; older kernels show it at the bridge alone */
	PATHF(dir, "%s/%s/pci_bus/%s", bridge, bus, bus + strlen("pci"));
	r = devtree_node(l->h, dir, &node);
	if (r == -ENOENT)
		r = devtree_node(l->h, bridge, &node);
	if (r < 0)
		return tree_failed(l, r);
	read_iommu_map(l, node, bus, d->addr.domain);
}

/* One device of each bus is enough to find all root buses. */
static void read_root_buses(struct loader *l)
{
	VEC(const char *) done = { 0 };
	const struct device *last = NULL;

	for (size_t i = 0; i < l->h->n_devices; i++) {
		struct device *d = &l->h->devices[i];
		const char *bus;

		if (!d->is_pci || (last && last->addr.domain == d->addr.domain && last->addr.bus == d->addr.bus))
			continue;
		last = d;
		bus = device_root_bus(l->h, d);
		if (!bus || bus_done(done.v, done.n, bus))
			continue;
		*vec_push(&done) = bus;
		read_root_bus(l, d, bus);
	}
	vec_free(&done);
}

/* iommus: a phandle and as many cells as that unit wants, again and again; the first cell of an SMMU's is the stream id. */
static void read_iommus(struct loader *l, struct device *d)
{
	const char *node;
	uint32_t *cells;
	size_t n;
	int r = devtree_node(l->h, device_sysfs(l->h, d), &node);

	if (r == 0)
		r = devtree_cells(l->h, node, "iommus", &cells, &n);
	if (r < 0)
		return tree_failed(l, r);
	for (size_t i = 0, k = 0; i < n; k++) {
		const struct target *t = target_of(l, cells[i]);

		if (!t)
			return; /* another kind of unit: how many cells it wants is not known here */
		if (!t->cells || n - i - 1 < t->cells)
			return odd_map(l, node, "iommus", "it ends within an entry");
		*vec_push(&l->maps) = (struct stream_map){
			.owner = node_name(node), .device = d, .first = (uint32_t)k, .last = (uint32_t)k, .mask = ALL_IDS,
			.output = cells[i + 1], .unit = t->unit, .file = property_file(l, node, "iommus"),
		};
		i += 1 + t->cells;
	}
}

/* -- IORT --------------------------------------------------------------------------------------------------------------- */

/* The unit of sysfs that the SMMU node at @offset is. */
static struct unit *unit_at(struct loader *l, uint32_t offset)
{
	const struct acpi *a = host_acpi(l->h);

	for (size_t i = 0; i < l->h->n_units; i++) {
		const struct acpi_unit *au;
		uint64_t base;

		if (!is_smmu(&l->h->units[i]) || unit_name_address(l->h->units[i].name, &base) < 0)
			continue;
		au = acpi_find_unit(a, l->h->units[i].kind, base, NULL);
		if (au && au->table == ACPI_IORT && au->offset == offset)
			return &l->h->units[i];
	}
	return NULL;
}

static bool is_smmu_node(const struct acpi *a, uint32_t offset)
{
	const struct acpi_iort_node *n;

	vec_for_each(n, &a->nodes)
		if (n->offset == offset)
			return n->unit >= 0;
	return false;
}

static struct device *component_device(struct host *h, const char *name)
{
	const struct acpi_scope s = { .kind = SCOPE_NAMESPACE, .name = name };

	for (size_t i = 0; i < h->n_devices; i++)
		if (!h->devices[i].is_pci && acpi_scope_has(h, &s, &h->devices[i]))
			return &h->devices[i];
	return NULL;
}

static void add_iort_maps(struct loader *l, const struct acpi_iort_node *n)
{
	const struct acpi *a = host_acpi(l->h);
	bool is_pci = n->type == IORT_ROOT_COMPLEX;
	const struct acpi_iort_map *m;

	vec_for_each(m, &n->maps) {
		struct stream_map map = {
			.owner = is_pci ? arena_printf(&l->h->arena, "root complex at 0x%x of the IORT", n->offset) : n->name,
			.is_pci = is_pci, .segment = n->segment, .first = m->input, .last = m->input + (m->count - 1), .mask = ALL_IDS,
			.output = m->output, .single = m->single, .file = "/sys/firmware/acpi/tables/IORT",
		};

		if (!is_smmu_node(a, m->target))
			continue;
		if (map.last < map.first || map.output + (map.last - map.first) < map.output) {
			ctx_note(l->h->ctx, (struct note){ .level = NOTE_WARNING, .code = "acpi-table", .why = "an id mapping wraps",
							   .where = map.file },
				 "ACPI table IORT, offset 0x%x", n->offset);
			continue;
		}
		map.unit = unit_at(l, m->target);
		map.device = is_pci ? NULL : component_device(l->h, n->name);
		*vec_push(&l->maps) = map;
	}
}

static void read_iort(struct loader *l)
{
	const struct acpi *a = host_acpi(l->h);
	const struct acpi_iort_node *n;

	l->s->iort_err = a->tables[ACPI_IORT].err;
	vec_for_each(n, &a->nodes)
		if (n->type == IORT_ROOT_COMPLEX || n->type == IORT_COMPONENT)
			add_iort_maps(l, n);
}

/* -- all together -------------------------------------------------------------------------------------------------------- */

const struct streams *host_streams(struct host *h)
{
	struct loader l = { .h = h };
	size_t from_iort;

	if (h->streams_)
		return h->streams_;
	l.s = h->streams_ = arena_new(&h->arena, struct streams);
	read_targets(&l);
	read_root_buses(&l);
	for (size_t i = 0; i < h->n_devices; i++)
		if (!h->devices[i].is_pci && h->devices[i].unit && is_smmu(h->devices[i].unit))
			read_iommus(&l, &h->devices[i]);
	if (!l.s->tree_err || l.s->tree_err == -ENOENT)
		l.s->tree_err = l.maps.n ? 0 : -ENOENT;
	from_iort = l.maps.n;
	read_iort(&l);
	if (l.maps.n == from_iort && !l.s->iort_err)
		l.s->iort_err = -ENOENT;
	l.s->n = l.maps.n;
	l.s->maps = (void *)arena_memdup(&h->arena, l.maps.v, l.maps.n * sizeof(*l.maps.v));
	vec_free(&l.maps);
	return l.s;
}

int streams_err(const struct streams *s)
{
	if (!s->tree_err || !s->iort_err)
		return 0;
	return s->tree_err != -ENOENT ? s->tree_err : s->iort_err;
}

/* What becomes of @id; false: it is not in the map. */
static bool stream_map_id(const struct stream_map *m, uint32_t id, uint32_t *ret)
{
	id &= m->mask;
	if (id < m->first || id > m->last)
		return false;
	*ret = m->single ? m->output : m->output + (id - m->first);
	return true;
}

/* -- of a device ------------------------------------------------------------------------------------------------------------ */

/* A requester id that the device's requests can carry. */
struct requester {
	uint32_t id;
	struct device *bridge; /* NULL: its own */
};

/*
 * Its own id, then those that bridges put on (pci_for_each_dma_alias() in drivers/pci/search.c): from PCIe to PCI the secondary bus's function 0,
 * conventional ones their own. *ret_sure: no bridge's type was hidden. Aliases by quirk are nowhere to be seen.
 */
static size_t list_requesters(struct host *h, struct device *d, struct requester v[static ALIASES_MAX], bool *ret_sure)
{
	size_t n = 0;

	*ret_sure = true;
	v[n++] = (struct requester){ pci_addr_rid(d->addr), NULL };
	for (struct device *up = device_upstream(h, d); up && n < ALIASES_MAX; up = device_upstream(h, up)) {
		const struct pci_info *pci = device_pci(h, up);

		if (pci->err || !pci->caps_known)
			*ret_sure = false;
		else if (pci->pcie == PCIE_TO_PCI)
			v[n++] = (struct requester){ (uint32_t)pci->secondary << 8, up };
		else if (pci->pcie == PCI_TO_PCIE || pci->pcie == PCIE_NONE)
			v[n++] = (struct requester){ pci_addr_rid(up->addr), up };
	}
	return n;
}

static bool map_is_for(struct host *h, const struct stream_map *m, struct device *d)
{
	const char *bus;

	if (!d->is_pci)
		return m->device == d;
	if (!m->is_pci || m->segment != d->addr.domain)
		return false;
	bus = m->root_bus ? device_root_bus(h, d) : NULL;
	return !m->root_bus || streq(m->root_bus, bus);
}

/* Devices behind @bridge, but @d: their requests carry its id as well. */
static struct strs who_shares(struct host *h, const struct device *bridge, const struct device *d)
{
	VEC(const char *) names = { 0 };
	struct strs ret;

	for (size_t i = 0; bridge && i < h->n_devices; i++)
		if (h->devices[i].is_pci && &h->devices[i] != d && device_is_below(h, &h->devices[i], bridge))
			*vec_push(&names) = h->devices[i].name;
	ret = STRS((void *)arena_memdup(&h->arena, names.v, names.n * sizeof(*names.v)), names.n);
	vec_free(&names);
	return ret;
}

static void add_ids(struct host *h, struct device *d, const struct requester *q, struct device_streams *ret, struct stream_id *v)
{
	const struct streams *s = host_streams(h);

	for (size_t i = 0; i < s->n; i++) {
		const struct stream_map *m = &s->maps[i];
		uint32_t id;

		if (!map_is_for(h, m, d))
			continue;
		if (q && !stream_map_id(m, q->id, &id))
			continue;
		v[ret->n] = (struct stream_id){ .id = q ? id : m->output, .bridge = q ? q->bridge : NULL, .map = m };
		if (q) {
			v[ret->n].requester = arena_printf(&h->arena, "%04x:%02x:%02x.%x", d->addr.domain, q->id >> 8, q->id >> 3 & 31, q->id & 7);
			v[ret->n].shared = who_shares(h, q->bridge, d);
		}
		ret->n++;
		if (q)
			return; /* the first map that has it counts */
	}
}

/* Ids that several requesters have in common are one to the SMMU. */
static void drop_twins(struct device_streams *ret, struct stream_id *v)
{
	size_t n = 0;

	for (size_t i = 0; i < ret->n; i++) {
		bool twin = false;

		for (size_t k = 0; k < n; k++)
			twin |= v[k].id == v[i].id && v[k].map->unit == v[i].map->unit;
		if (!twin)
			v[n++] = v[i];
	}
	ret->n = n;
}

struct device_streams device_streams(struct host *h, struct device *d)
{
	const struct streams *s = host_streams(h);
	struct device_streams ret = { 0 };
	struct requester q[ALIASES_MAX];
	struct stream_id *v;
	bool sure = true;
	size_t n;

	v = arena_array(&h->arena, struct stream_id, s->n + ALIASES_MAX);
	if (d->is_pci) {
		n = list_requesters(h, d, q, &sure);
		for (size_t i = 0; i < n; i++)
			add_ids(h, d, &q[i], &ret, v);
	} else {
		add_ids(h, d, NULL, &ret, v);
	}
	drop_twins(&ret, v);
	ret.v = v;
	ret.err = ret.n ? 0 : streams_err(s);
	ret.known = !ret.err;
	ret.complete = ret.known && sure;
	return ret;
}

/* -- of an id ----------------------------------------------------------------------------------------------------------------- */

/* The function whose own requester id becomes @id. */
static struct device *function_with(struct host *h, const struct stream_map *m, uint32_t id)
{
	for (size_t i = 0; i < h->n_devices; i++) {
		struct device *d = &h->devices[i];
		uint32_t out;

		if (d->is_pci && !m->single && d->addr.domain == m->segment && stream_map_id(m, pci_addr_rid(d->addr), &out) && out == id &&
		    map_is_for(h, m, d))
			return d;
	}
	return NULL;
}

static bool has_output(const struct stream_map *m, uint32_t id)
{
	return m->single ? id == m->output : id >= m->output && id - m->output <= m->last - m->first;
}

static struct stream_sender sender_of(struct host *h, const struct stream_map *m, uint32_t id)
{
	struct stream_sender s = { .map = m, .device = m->device };
	uint32_t rid = m->first + (id - m->output);

	if (!m->is_pci || m->single)
		return s;
	s.device = function_with(h, m, id);
	s.addr = s.device ? s.device->addr : (struct pci_addr){ m->segment, (uint8_t)(rid >> 8), rid >> 3 & 31, rid & 7 };
	s.has_addr = rid <= UINT16_MAX;
	return s;
}

int stream_find(struct host *h, const struct unit *u, uint32_t id, struct stream_sender *ret)
{
	const struct streams *s = host_streams(h);
	struct stream_sender found = { 0 };
	unsigned n = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct stream_sender one;

		if ((u && s->maps[i].unit != u) || !has_output(&s->maps[i], id))
			continue;
		one = sender_of(h, &s->maps[i], id);
		if (!n || (one.device && !found.device))
			found = one;
		n++;
	}
	if (!n)
		return streams_err(s) ?: -ENOENT;
	if (n > 1 && !u)
		return -ENOENT;
	*ret = found;
	return 0;
}
