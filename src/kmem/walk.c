// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmem/walk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* How often a walk starts again when the list changed under it. */
#define ATTEMPTS 4

static const char changing[] = "it changed while it was read";
static const char unfitting[] = "what was read does not fit together";

/* -- devices and drivers ------------------------------------------------------------------------------------- */

/* Where each bus keeps driver_managed_dma: beside the struct device_driver (include/linux/pci.h and so on). */
static const struct {
	const char *bus;
	enum kfield driver, managed;
} managed_fields[] = {
	{ "pci", KF_PCI_DRIVER, KF_PCI_MANAGED },	    { "platform", KF_PLATFORM_DRIVER, KF_PLATFORM_MANAGED },
	{ "amba", KF_AMBA_DRIVER, KF_AMBA_MANAGED },	    { "fsl-mc", KF_FSLMC_DRIVER, KF_FSLMC_MANAGED },
	{ "cdx", KF_CDX_DRIVER, KF_CDX_MANAGED },
};

static int read_bool(struct kmem *k, uint64_t base, enum kfield f)
{
	uint64_t v;

	if (kmem_num(k, base, f, &v) < 0 || v > 1)
		return TRI_UNKNOWN;
	return v ? TRI_YES : TRI_NO;
}

/* Those buses call iommu_device_use_default_domain() from dma_configure; a bus without that callback never does. */
static int bus_counts(struct kmem *k, uint64_t bus, const char *name)
{
	uint64_t configure;

	for (size_t i = 0; i < ARRAY_SIZE(managed_fields); i++)
		if (streq(name, managed_fields[i].bus))
			return TRI_YES;
	if (kmem_num(k, bus, KF_BUS_DMA_CONFIGURE, &configure) == 0 && !configure)
		return TRI_NO;
	return TRI_UNKNOWN;
}

static int driver_managed(struct kmem *k, uint64_t driver, const char *bus)
{
	for (size_t i = 0; i < ARRAY_SIZE(managed_fields); i++)
		if (streq(bus, managed_fields[i].bus) && kmem_has(k, managed_fields[i].driver))
			return read_bool(k, kmem_container(k, driver, managed_fields[i].driver), managed_fields[i].managed);
	return TRI_UNKNOWN;
}

/* A device of a group, from its struct device. */
static void walk_device(struct kmem *k, uint64_t dev, struct arena *a, struct owned_device *ret)
{
	uint64_t bus = kmem_num_or_0(k, dev, KF_DEVICE_BUS);
	uint64_t driver = kmem_num_or_0(k, dev, KF_DEVICE_DRIVER);

	*ret = (struct owned_device){
		.name = kmem_member_string(k, kmem_at(k, dev, KF_DEVICE_KOBJ), KF_KOBJ_NAME, a),
		.bus = kmem_member_string(k, bus, KF_BUS_NAME, a),
		.driver = kmem_member_string(k, driver, KF_DRIVER_NAME, a),
		.managed = TRI_UNKNOWN,
		.blocked = TRI_UNKNOWN,
	};
	ret->counted = bus_counts(k, bus, ret->bus);
	if (ret->driver)
		ret->managed = driver_managed(k, driver, ret->bus);
}

static int read_devices(struct walk *w, struct walked *g)
{
	struct klist l = klist_start(w->k, kmem_at(w->k, g->addr, KF_GROUP_DEVICES), MAX_MEMBERS);
	VEC(struct owned_device) v = { 0 };

	while (klist_next(&l)) {
		uint64_t gdev = kmem_container(w->k, l.node, KF_GDEV_LIST);
		uint64_t dev = kmem_num_or_0(w->k, gdev, KF_GDEV_DEV);
		struct owned_device d;

		walk_device(w->k, dev, w->o->arena, &d);
		d.blocked = read_bool(w->k, gdev, KF_GDEV_BLOCKED);
		if (!d.name ||
		    (kmem_has(w->k, KF_DEVICE_GROUP) && kmem_num_or_0(w->k, dev, KF_DEVICE_GROUP) != g->addr)) {
			l.err = -EAGAIN;
			break;
		}
		*vec_push(&v) = d;
	}
	g->g.devices = arena_array(w->o->arena, struct owned_device, v.n);
	g->g.n = v.n;
	if (v.n)
		memcpy(g->g.devices, v.v, v.n * sizeof(*v.v));
	vec_free(&v);
	return l.err;
}

/* -- groups ----------------------------------------------------------------------------------------------------- */

static struct num read_count(struct kmem *k, uint64_t base, enum kfield f)
{
	uint64_t v;

	return kmem_num(k, base, f, &v) == 0 ? NUM(v) : NUM_UNKNOWN;
}

/* The kernel names a group's object with its id (iommu_group_alloc()); anything else is no group. */
static bool is_group(struct walk *w, struct walked *g, uint64_t kobj, uint64_t kset)
{
	uint64_t id;
	char want[16];

	if (kmem_num_or_0(w->k, kobj, KF_KOBJ_KSET) != kset || kmem_num(w->k, g->addr, KF_GROUP_ID, &id) < 0 ||
	    id > INT32_MAX)
		return false;
	g->kobj_name = kmem_member_string(w->k, kobj, KF_KOBJ_NAME, w->o->arena);
	snprintf(want, sizeof(want), "%u", (unsigned)id);
	g->g.id = (uint32_t)id;
	return streq(g->kobj_name, want);
}

static void read_group(struct walk *w, struct walked *g)
{
	struct kmem *k = w->k;
	uint64_t owner;

	g->g.owner_cnt = read_count(k, g->addr, KF_GROUP_OWNER_CNT);
	g->g.recovery_cnt = read_count(k, g->addr, KF_GROUP_RECOVERY_CNT);
	g->g.name = kmem_member_string(k, g->addr, KF_GROUP_NAME, w->o->arena);
	g->g.owned = TRI_UNKNOWN;
	if (kmem_num(k, g->addr, KF_GROUP_OWNER, &owner) == 0) {
		g->owner = owner;
		g->g.owned = owner ? TRI_YES : TRI_NO;
	}
	g->domain = kmem_num_or_0(k, g->addr, KF_GROUP_DOMAIN);
	g->default_domain = kmem_num_or_0(k, g->addr, KF_GROUP_DEFAULT_DOMAIN);
	g->blocking_domain = kmem_num_or_0(k, g->addr, KF_GROUP_BLOCKING_DOMAIN);
	if (read_devices(w, g) < 0)
		g->g.problem = unfitting;
}

/* One attempt: 0, or why the list could not be followed to its end. */
static int read_groups(struct walk *w)
{
	uint64_t kset;
	struct klist l;
	int r;

	w->groups.n = 0;
	memory_forget(w->k->memory);
	r = kmem_pointer(w->k, symbols_addr(&w->k->symbols, KSYM_IOMMU_GROUP_KSET), &kset);
	if (r < 0 || !kset)
		return r < 0 ? r : -EOPNOTSUPP;
	l = klist_start(w->k, kmem_at(w->k, kset, KF_KSET_LIST), MAX_GROUPS);
	while (klist_next(&l)) {
		uint64_t kobj = kmem_container(w->k, l.node, KF_KOBJ_ENTRY);
		struct walked g = { .addr = kmem_container(w->k, kobj, KF_GROUP_KOBJ) };

		if (!is_group(w, &g, kobj, kset))
			return -EAGAIN;
		read_group(w, &g);
		*vec_push(&w->groups) = g;
	}
	return l.err;
}

static void forget_numbers(struct owned_group *g, const char *problem)
{
	g->problem = problem;
	g->owner_cnt = g->recovery_cnt = g->claims = NUM_UNKNOWN;
	g->owned = TRI_UNKNOWN;
	g->owner = NULL;
}

/* The second look. A group that went away meanwhile has lost its name, or its memory has another owner. */
static void look_again(struct walk *w)
{
	memory_forget(w->k->memory);
	for (size_t i = 0; i < w->groups.n; i++) {
		struct walked *g = &w->groups.v[i];
		uint64_t kobj = kmem_at(w->k, g->addr, KF_GROUP_KOBJ);
		uint64_t cnt, owner = 0;
		bool same = kmem_num(w->k, g->addr, KF_GROUP_OWNER_CNT, &cnt) == 0 &&
			    kmem_num(w->k, g->addr, KF_GROUP_OWNER, &owner) == 0 && (int64_t)cnt == g->g.owner_cnt.v &&
			    owner == g->owner &&
			    streq(kmem_member_string(w->k, kobj, KF_KOBJ_NAME, w->o->arena), g->kobj_name);

		if (g->g.problem || !same)
			forget_numbers(&g->g, g->g.problem ? g->g.problem : changing);
	}
}

/* -- domains -------------------------------------------------------------------------------------------------- */

/* Flag words of include/linux/iommu.h; the type is made of them. */
static const char *domain_type(uint64_t type)
{
	switch (type) {
	case 0x0:
		return "blocked";
	case 0x1:
		return "unmanaged";
	case 0x3:
		return "DMA";
	case 0xb:
		return "DMA-FQ";
	case 0x4:
		return "identity";
	case 0x10:
		return "SVA";
	case 0x20:
		return "platform";
	case 0x40:
		return "nested";
	default:
		return NULL;
	}
}

/* Kernels to 6.14 have a cookie with a type of its own inside; later ones say the kind beside it. */
static const char *domain_cookie(struct kmem *k, uint64_t d)
{
	uint64_t v;

	if (kmem_num(k, d, KF_DOMAIN_COOKIE_TYPE, &v) == 0)
		return ktypes_word(&k->types, KE_DOMAIN_COOKIE, (int64_t)v);
	if (kmem_has(k, KF_DOMAIN_COOKIE_TYPE) || kmem_num(k, d, KF_DOMAIN_IOVA_COOKIE, &v) < 0)
		return NULL;
	if (!v)
		return "none";
	if (kmem_num(k, v, KF_IOVA_COOKIE_TYPE, &v) < 0)
		return NULL;
	return ktypes_word(&k->types, KE_IOVA_COOKIE, (int64_t)v);
}

struct owned_domain walk_domain(struct kmem *k, uint64_t d, struct arena *a)
{
	const char *ops = symbols_name(&k->symbols, kmem_num_or_0(k, d, KF_DOMAIN_OPS));
	const char *driver = symbols_name(&k->symbols, kmem_num_or_0(k, d, KF_DOMAIN_OWNER));
	const char *cookie = domain_cookie(k, d);
	uint64_t type;

	return (struct owned_domain){
		.type = kmem_num(k, d, KF_DOMAIN_TYPE, &type) == 0 ? domain_type(type) : NULL,
		.ops = arena_strdup(a, ops),
		.driver = arena_strdup(a, driver),
		.cookie = arena_strdup(a, cookie),
		.page_sizes = read_count(k, d, KF_DOMAIN_PGSIZES),
		.start = read_count(k, d, KF_DOMAIN_START),
		.end = read_count(k, d, KF_DOMAIN_END),
		.forced = read_bool(k, d, KF_DOMAIN_FORCED),
	};
}

static int by_address(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static struct owned_domain *domain_of(struct ownership *o, const uint64_t *addrs, uint64_t addr)
{
	const uint64_t *found = NULL;

	if (addr && o->n_domains)
		found = bsearch(&addr, addrs, o->n_domains, sizeof(addr), by_address);
	return found ? &o->domains[found - addrs] : NULL;
}

/* Each domain once, however many groups share it (identity and blocking domains are one a driver). */
static void read_domains(struct walk *w)
{
	struct ownership *o = w->o;
	uint64_t *addrs = arena_array(o->arena, uint64_t, 3 * w->groups.n);
	size_t n = 0, m = 0;

	for (size_t i = 0; i < w->groups.n; i++) {
		addrs[n++] = w->groups.v[i].domain;
		addrs[n++] = w->groups.v[i].default_domain;
		addrs[n++] = w->groups.v[i].blocking_domain;
	}
	if (n)
		qsort(addrs, n, sizeof(*addrs), by_address);
	for (size_t i = 0; i < n; i++)
		if (addrs[i] && (!m || addrs[m - 1] != addrs[i]))
			addrs[m++] = addrs[i];
	o->n_domains = m;
	o->domains = arena_array(o->arena, struct owned_domain, m);
	for (size_t i = 0; i < m; i++)
		o->domains[i] = walk_domain(w->k, addrs[i], o->arena);
	for (size_t i = 0; i < w->groups.n; i++) {
		struct walked *g = &w->groups.v[i];

		g->g.domain = domain_of(o, addrs, g->domain);
		g->g.default_domain = domain_of(o, addrs, g->default_domain);
		g->g.blocking_domain = domain_of(o, addrs, g->blocking_domain);
	}
}

/* -- all together --------------------------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
	const struct owned_group *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static void keep_groups(struct walk *w)
{
	struct ownership *o = w->o;

	o->n_groups = w->groups.n;
	o->groups = arena_array(o->arena, struct owned_group, w->groups.n);
	for (size_t i = 0; i < w->groups.n; i++)
		o->groups[i] = w->groups.v[i].g;
	if (o->n_groups)
		qsort(o->groups, o->n_groups, sizeof(*o->groups), by_id);
}

static void cannot_follow(struct ownership *o, int err)
{
	struct obstacle *v = arena_array(o->arena, struct obstacle, o->n_obstacles + 1);

	if (o->n_obstacles)
		memcpy(v, o->obstacles, o->n_obstacles * sizeof(*v));
	v[o->n_obstacles++] = (struct obstacle){
		.code = "walk",
		.err = -err,
		.what = "/proc/kcore",
		.why = err == -EAGAIN ? "the kernel's list of groups changed each time it was read, or is damaged"
				      : "the kernel's list of groups cannot be followed to its end",
		.hint = err == -EAGAIN ? "try again" : NULL,
	};
	o->obstacles = v;
}

int walk_groups(struct walk *w)
{
	int r = -EAGAIN;

	for (int i = 0; i < ATTEMPTS && r == -EAGAIN; i++)
		r = read_groups(w);
	return r;
}

void walk_kernel(struct kmem *k, struct ownership *o)
{
	struct walk w = { .k = k, .o = o };
	int r = walk_groups(&w);

	if (r < 0) {
		cannot_follow(o, r);
	} else {
		read_domains(&w);
		look_again(&w);
		walk_owners(&w);
		keep_groups(&w);
		o->known = true;
	}
	vec_free(&w.groups);
	vec_free(&w.owners);
}

int walk_attached(struct kmem *k, struct arena *a, void (*each)(void *arg, uint64_t domain, const char *device), void *arg)
{
	struct ownership o = { .arena = a };
	struct walk w = { .k = k, .o = &o };
	int r = -EAGAIN;

	for (int i = 0; i < ATTEMPTS && r == -EAGAIN; i++)
		r = read_groups(&w);
	for (size_t i = 0; r == 0 && i < w.groups.n; i++) {
		const struct walked *g = &w.groups.v[i];

		for (size_t j = 0; g->domain && !g->g.problem && j < g->g.n; j++)
			each(arg, g->domain, g->g.devices[j].name);
	}
	vec_free(&w.groups);
	return r;
}
