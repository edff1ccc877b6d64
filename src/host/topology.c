// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/topology.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "host/drivers.h"
#include "host/pci.h"

/* What precedes the last component of @path, and in @name that component. Cuts @path in place; false at its
 * end. */
static bool pop_component(char *path, const char **name)
{
	char *slash = strrchr(path, '/');

	if (!slash)
		return false;
	*slash = '\0';
	*name = slash + 1;
	return true;
}

/* "pci0000:00", as pci_register_host_bridge() names the directory of a root bus. */
static bool is_root_bus(const char *name)
{
	const char *p = name + 3;
	size_t n;

	if (!strstarts(name, "pci"))
		return false;
	n = strspn(p, "0123456789abcdef");
	return n >= 4 && p[n] == ':' && isxdigit((unsigned char)p[n + 1]) &&
	       isxdigit((unsigned char)p[n + 2]) && p[n + 3] == '\0';
}

/*
 * A device is only taken for a parent when its own path says so too: then every step up is a shorter path,
 * and links that lead in circles cannot make us do so.
 */
static struct device *listed_at(struct host *h, const char *path, struct pci_addr addr)
{
	struct device *d = host_pci(h, addr);

	return d && streq(device_path(h, d), path) ? d : NULL;
}

/* Climbs @path (which is cut on the way) to a listed device; @missing is set to the first bridge that is not.
 */
static struct device *climb(struct host *h, char *path, const char **missing)
{
	const char *name;

	if (!pop_component(path, &name))
		return NULL;
	for (;;) {
		const char *last = strrchr(path, '/');
		struct pci_addr addr;
		struct device *up;

		if (!last || pci_addr_parse(last + 1, &addr) < 0)
			return NULL;
		up = listed_at(h, path, addr);
		if (up)
			return up;
		if (!*missing)
			*missing = arena_strdup(&h->arena, last + 1);
		pop_component(path, &name);
	}
}

static struct device *upstream_by_path(struct host *h, struct device *d, const char **missing)
{
	_cleanup_free_ char *path = must_strdup(device_path(h, d));

	return path ? climb(h, path, missing) : NULL;
}

/* What is on one bus is below one bridge, so a neighbour that was asked before knows. */
static bool ask_neighbour(const struct host *h, const struct device *d, const struct device *other,
			  struct device **ret)
{
	if (other < h->devices || other >= h->devices + h->n_devices || !other->is_pci ||
	    !other->parent_done_ || other->path_)
		return false;
	if (other->addr.domain != d->addr.domain || other->addr.bus != d->addr.bus)
		return false;
	*ret = other->parent_;
	return true;
}

/* Bus numbers grow on the way down, so a bridge that claims a lower one is not believed (and no circle can
 * arise). */
static struct device *upstream_by_bus(struct host *h, struct device *d)
{
	struct device *up;

	if (ask_neighbour(h, d, d - 1, &up) || ask_neighbour(h, d, d + 1, &up))
		return up;
	for (size_t i = 0; i < h->n_devices && h->devices[i].is_pci; i++) {
		struct device *b = &h->devices[i];
		const struct pci_info *pci;

		if (b->addr.domain != d->addr.domain || b->addr.bus >= d->addr.bus)
			continue;
		if (b->has_class && !device_is_pci_bridge(b))
			continue;
		pci = device_pci(h, b);
		if (!pci->err && pci->header == 1 && pci->secondary == d->addr.bus)
			return b;
	}
	return NULL;
}

struct device *device_upstream(struct host *h, struct device *d)
{
	const char *missing = NULL;

	if (d->parent_done_ || !d->is_pci)
		return d->parent_;
	d->parent_done_ = true;
	d->parent_ = device_path(h, d) ? upstream_by_path(h, d, &missing) : upstream_by_bus(h, d);
	return d->parent_;
}

const char *device_missing_bridge(struct host *h, struct device *d)
{
	const char *missing = NULL;

	if (d->is_pci && device_path(h, d))
		upstream_by_path(h, d, &missing);
	return missing;
}

/* Cuts @path behind its last root bus; false when there is none. */
static bool cut_at_root_bus(char *path, const char **bus)
{
	while (pop_component(path, bus)) {
		if (is_root_bus(*bus))
			return true;
	}
	return false;
}

struct device *device_dma_parent(struct host *h, struct device *d)
{
	_cleanup_free_ char *path = NULL;
	const char *bus, *last;
	struct pci_addr addr;

	if (!d->is_pci || !device_path(h, d))
		return NULL;
	path = must_strdup(device_path(h, d));
	if (!path || !cut_at_root_bus(path, &bus))
		return NULL;
	last = strrchr(path, '/');
	if (!last || pci_addr_parse(last + 1, &addr) < 0)
		return NULL;
	return listed_at(h, path, addr);
}

/* Domains of VMD begin behind those of 16 bits (vmd_find_free_domain()). */
#define FIRST_VMD_DOMAIN 0x10000

static struct device *vmd_controller(struct host *h, struct device *d)
{
	struct device *maker = d->addr.domain >= FIRST_VMD_DOMAIN ? device_dma_parent(h, d) : NULL;

	return maker && maker != d && maker->driver ? maker : NULL;
}

/* A virtual function has its physical one's vendor and class (PCIe spec, 9.3.4.1), and comes behind it. */
static bool may_be_pf(const struct device *pf, const struct device *vf)
{
	return pf != vf && pf->is_pci && pf->driver && pf->addr.domain == vf->addr.domain && pci_addr_cmp(pf->addr, vf->addr) < 0 &&
	       (!pf->has_ids || !vf->has_ids || (pf->vendor == vf->vendor && pf->class == vf->class));
}

bool device_leaves_vfs(const struct device *d)
{
	static const char *const v[] = { "nvme", "ena", "alibaba_eea", "hinic3", "mrvl_cn10k_dpi", "pci-pf-stub", "pci-endpoint-test" };

	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		if (streq(v[i], d->driver))
			return true;
	return false;
}

/* Its physical function, when that shares its group, spoils it, and takes @d along when it leaves its driver. The link is only read where there may be one. */
static struct device *physical_maker(struct host *h, struct device *d)
{
	char path[SRC_PATH_MAX], name[64] = "";

	for (size_t i = 0; d->group && i < d->group->n_devices; i++) {
		struct device *pf = d->group->devices[i];

		if (!may_be_pf(pf, d) || device_leaves_vfs(pf) || device_driver_use(h, pf) != USE_NATIVE)
			continue;
		PATHF(path, "%s/physfn", device_sysfs(h, d));
		if (!*name && source_readlink_name(h->src, path, name, sizeof(name)) < 0)
			return NULL;
		if (streq(name, pf->name))
			return pf;
	}
	return NULL;
}

struct device *device_made_by(struct host *h, struct device *d)
{
	if (!d->is_pci)
		return NULL;
	if (!d->maker_done_) {
		d->maker_done_ = true;
		d->maker_ = vmd_controller(h, d);
		if (!d->maker_)
			d->maker_ = physical_maker(h, d);
	}
	return d->maker_;
}

bool device_is_vf_of(const struct device *d, const struct device *maker)
{
	return maker->addr.domain == d->addr.domain;
}

const char *device_root_bus(struct host *h, struct device *d)
{
	_cleanup_free_ char *path = NULL;
	const char *bus;

	if (!d->is_pci)
		return NULL;
	if (device_path(h, d) && (path = must_strdup(device_path(h, d))) && cut_at_root_bus(path, &bus))
		return arena_strdup(&h->arena, bus);
	while (device_upstream(h, d))
		d = device_upstream(h, d);
	if (d->addr.bus)
		return arena_printf(&h->arena, "pci%04x:??", d->addr.domain);
	return arena_printf(&h->arena, "pci%04x:00", d->addr.domain);
}

bool device_is_below(struct host *h, struct device *d, const struct device *bridge)
{
	for (d = device_upstream(h, d); d; d = device_upstream(h, d)) {
		if (d == bridge)
			return true;
	}
	return false;
}

/* A tree over device indices of the host: -1 is none. Only devices of the set have a mark in @in. */
struct tree_order {
	struct host *h;
	bool *in;
	int *child, *next;
	struct device **v;
	int *parent;
	size_t n;
};

static void emit(struct tree_order *t, int i, int parent)
{
	for (; i >= 0; i = t->next[i]) {
		t->v[t->n] = &t->h->devices[i];
		t->parent[t->n] = parent;
		t->n++;
		emit(t, t->child[i], (int)t->n - 1);
	}
}

static int parent_in_set(const struct tree_order *t, struct device *d)
{
	while ((d = device_upstream(t->h, d))) {
		if (t->in[d - t->h->devices])
			return (int)(d - t->h->devices);
	}
	return -1;
}

void topology_sort(struct host *h, struct device **v, size_t n, int *ret_parent)
{
	size_t all = h->n_devices;
	struct tree_order t = { .h = h, .v = v, .parent = ret_parent };
	int top = -1;

	t.in = arena_array(&h->arena, bool, all);
	t.child = arena_array(&h->arena, int, all);
	t.next = arena_array(&h->arena, int, all);
	for (size_t i = 0; i < n; i++)
		t.in[v[i] - h->devices] = true;
	for (size_t i = 0; i < all; i++)
		t.child[i] = -1;
	/* from the last to the first, each put before its later siblings */
	for (size_t i = all; i-- > 0;) {
		int parent;

		if (!t.in[i])
			continue;
		parent = parent_in_set(&t, &h->devices[i]);
		t.next[i] = parent < 0 ? top : t.child[parent];
		*(parent < 0 ? &top : &t.child[parent]) = (int)i;
	}
	emit(&t, top, -1);
}
