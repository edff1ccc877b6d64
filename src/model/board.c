// SPDX-License-Identifier: GPL-2.0-or-later
/* The machine that the model begins with: units, groups and devices out of the source's facts. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "host/holders.h"
#include "host/msi.h"
#include "host/pci.h"
#include "host/switches.h"
#include "host/units.h"
#include "kmem/ownership.h"
#include "model/internal.h"

static void *make(size_t size)
{
	return must_calloc(1, size);
}

static char *copy(const char *s)
{
	return must_strdup(s);
}

/* -- devices by name ------------------------------------------------------------------------------------------- */

static size_t bucket(const struct model *m, const char *name)
{
	uint64_t h = 0xcbf29ce484222325u;

	while (*name)
		h = (h ^ (unsigned char)*name++) * 0x100000001b3u;
	return (h ^ h >> 32) & (m->n_buckets - 1);
}

struct mdev *board_dev(struct model *m, const char *bus, const char *name)
{
	struct mdev *d = m->dev_buckets[bucket(m, name)];

	while (d && !(streq(d->name, name) && streq(d->bus, bus)))
		d = d->next;
	return d;
}

struct mdev *board_add_dev(struct model *m, const char *bus, const char *name)
{
	struct mdev *d = make(sizeof(*d));
	size_t b = bucket(m, name);

	d->bus = copy(bus);
	d->name = copy(name);
	d->next = m->dev_buckets[b];
	m->dev_buckets[b] = d;
	m->n_devs++;
	return d;
}

static void free_dev(struct mdev *d)
{
	faults_forget_partial(d);
	free(d->bus);
	free(d->name);
	free(d->driver);
	free(d->config);
	free(d);
}

static void leave(struct mdev *dev)
{
	struct mgroup *g = dev->group;
	size_t at = 0;

	if (!g)
		return;
	while (g->devs.v[at] != dev)
		at++;
	g->devs.n--;
	for (; at < g->devs.n; at++)
		g->devs.v[at] = g->devs.v[at + 1];
	dev->group = NULL;
}

void board_drop_dev(struct model *m, struct mdev *dev)
{
	struct mdev **p = &m->dev_buckets[bucket(m, dev->name)];

	leave(dev);
	while (*p != dev)
		p = &(*p)->next;
	*p = dev->next;
	m->n_devs--;
	free_dev(dev);
}

/* -- groups ---------------------------------------------------------------------------------------------------- */

struct mgroup *board_group(struct model *m, uint32_t id)
{
	struct mgroup *g = m->groups;

	while (g && g->id != id)
		g = g->next;
	return g;
}

/* They are in order of their numbers, so the lowest free one is found on the way. */
struct mgroup *board_add_group(struct model *m)
{
	struct mgroup **p = &m->groups, *g = make(sizeof(*g));

	for (; *p && (*p)->id == g->id; p = &(*p)->next)
		g->id++;
	g->next = *p;
	*p = g;
	return g;
}

static void free_group(struct mgroup *g)
{
	vec_free(&g->attaches);
	vec_free(&g->devs);
	vec_free(&g->regions);
	free(g);
}

void board_drop_group(struct model *m, struct mgroup *g)
{
	struct mgroup **p = &m->groups;

	while (*p != g)
		p = &(*p)->next;
	*p = g->next;
	free_group(g);
}

void board_join(struct mgroup *g, struct mdev *dev)
{
	*vec_push(&g->devs) = dev;
	dev->group = g;
}

static struct mgroup *load_group(const struct group *facts)
{
	struct mgroup *g = make(sizeof(*g));

	g->id = facts->id;
	g->facts = facts;
	snprintf(g->type.s, sizeof(g->type.s), "%s", facts->type ? facts->type : "");
	for (size_t i = 0; i < facts->n_regions; i++)
		*vec_push(&g->regions) = facts->regions[i];
	return g;
}

/* In the arena: the groups by their place among the host's. */
static struct mgroup **load_groups(struct model *m)
{
	struct host *h = m->host;
	struct mgroup **v = arena_array(&h->arena, struct mgroup *, h->n_groups), **end = &m->groups;

	for (size_t i = 0; i < h->n_groups; i++) {
		v[i] = *end = load_group(&h->groups[i]);
		end = &v[i]->next;
	}
	return v;
}

/* -- units ----------------------------------------------------------------------------------------------------- */

static const struct profile *profile_of(enum unit_kind k)
{
	switch (k) {
	case UNIT_VTD:
		return &profile_vtd;
	case UNIT_AMD:
		return &profile_amd;
	case UNIT_SMMUV3:
		return &profile_smmuv3;
	case UNIT_VIRTIO:
		return &profile_virtio;
	default:
		return &profile_other;
	}
}

static struct munit *add_unit(struct model *m, const char *name, const struct unit *facts, const struct profile *p)
{
	struct munit *u = make(sizeof(*u)), **end = &m->units;

	u->name = copy(name);
	u->facts = facts;
	u->profile = p;
	u->page = m->page;
	u->coherent = facts ? unit_cache_coherent(m->host, (struct unit *)facts, NULL) : TRI_YES;
	while (*end)
		end = &(*end)->next;
	*end = u;
	profile_read_unit(m, u);
	return u;
}

static struct munit *unit_of(const struct model *m, const struct unit *facts)
{
	for (struct munit *u = m->units; facts && u; u = u->next)
		if (u->facts == facts)
			return u;
	return NULL;
}

static void load_units(struct model *m)
{
	const struct host *h = m->host;

	for (size_t i = 0; i < h->n_units; i++)
		if (h->units[i].kind != UNIT_MOCK)
			add_unit(m, h->units[i].name, &h->units[i], profile_of(h->units[i].kind));
	m->mock_unit = add_unit(m, "iommufd_selftest_iommu.0", NULL, &profile_mock);
}

/* -- devices --------------------------------------------------------------------------------------------------- */

/* MSI-X where there is any, else MSI (PCI local bus spec 3.0, 6.8). */
static unsigned msi_vectors(const struct pci_info *pci)
{
	unsigned at = pci->len > 0x34 && (pci->raw[6] & 0x10) ? pci->raw[0x34] & ~3u : 0, n = 0;

	for (int i = 0; i < 48 && at >= 0x40 && at + 4 <= pci->len; i++, at = pci->raw[at + 1] & ~3u) {
		unsigned control = pci->raw[at + 2] | pci->raw[at + 3] << 8;

		if (pci->raw[at] == 0x11)
			return (control & 0x7ff) + 1;
		if (pci->raw[at] == 0x05)
			n = 1u << (control >> 1 & 7);
	}
	return n;
}

static void load_pci(struct model *m, struct mdev *d)
{
	const struct pci_info *pci = device_pci(m->host, d->facts);
	char path[SRC_PATH_MAX], text[256];

	PATHF(path, "%s/physfn", device_sysfs(m->host, d->facts));
	if (source_readlink_name(m->base, path, text, sizeof(text)) == 0) {
		d->is_vf = true;
		d->pf = board_dev(m, "pci", text);
	}
	d->has_pri = pci->ext_known && pci->has_pri;
	d->has_ats = pci->ext_known && pci->has_ats;
	d->n_msi = msi_vectors(pci);
	if (!pci->ext_known || !pci->has_pasid)
		return;
	d->pasid_bits = pci->pasid_cap >> 8 & 0x1f;
	d->pasid_exec = pci->pasid_cap & 2;
	d->pasid_priv = pci->pasid_cap & 4;
}

static void load_dev(struct model *m, struct device *facts, struct mgroup **groups)
{
	struct mdev *d;

	if (!facts->bus || board_dev(m, facts->bus, facts->name))
		return;
	d = board_add_dev(m, facts->bus, facts->name);
	d->facts = facts;
	d->unit = unit_of(m, facts->unit);
	if (facts->driver)
		d->driver = copy(facts->driver);
	if (facts->group)
		board_join(groups[facts->group - m->host->groups], d);
	d->vf_autoprobe = true;
	/* what a DMA mask, a capability or a parent says matters behind an IOMMU only */
	if (facts->is_pci && d->unit)
		load_pci(m, d);
}

static void load_windows(struct model *m)
{
	const struct region *r;

	for (struct mgroup *g = m->groups; g; g = g->next)
		vec_for_each(r, &g->regions)
			if (g->devs.n && g->devs.v[0]->unit && msi_window_is_software(g->devs.v[0]->unit->facts, r))
				g->sw_msi = true;
}

/* -- who owns what at the start ---------------------------------------------------------------------------------- */

static bool someone_holds(struct model *m, const struct mgroup *g)
{
	struct holder_list list;

	if (!g->facts)
		return false;
	group_holders(m->host, g->facts, &list);
	return list.n;
}

static void count_drivers(struct mgroup *g)
{
	for (size_t i = 0; i < g->devs.n; i++) {
		struct mdev *d = g->devs.v[i];

		if (d->driver && bus_counts_drivers(d->bus) == TRI_YES && !driver_is_managed(d->bus, d->driver))
			d->counted = group_use_dma(g) == 0;
	}
}

/* The kernel's own count, where somebody has looked at it, is better than one made from drivers. */
static void take_count(struct mgroup *g, const struct owned_group *o)
{
	if (!o || !o->owner_cnt.known)
		return;
	g->owner_cnt = o->owner_cnt.v;
	g->owner = !g->owner_cnt ? OWNER_NOBODY : o->owned == TRI_YES ? OWNER_OTHERS : OWNER_KERNEL_DMA;
}

/* Dear on a running machine, and there it tells more than drivers do only in kernels that may lose count. */
static struct ownership *load_counts(struct model *m)
{
	struct ownership *o = NULL;

	if (source_is_live(m->base) && host_switches(m->host)->test_driver_remove.is == TRI_NO)
		return NULL;
	if (ownership_load(m->ctx, m->base, &m->host->arena, &o) < 0 || !o->known)
		return NULL;
	return o;
}

static void load_owners(struct model *m)
{
	const struct ownership *o = load_counts(m);

	for (struct mgroup *g = m->groups; g; g = g->next) {
		count_drivers(g);
		if (o)
			take_count(g, ownership_group(o, g->id));
		if (!g->owner_cnt && someone_holds(m, g)) {
			g->owner = OWNER_OTHERS;
			g->owner_cnt = 1;
		}
	}
}

static int inject_leaks(struct model *m)
{
	for (size_t i = 0; i < m->opt.n_leaks; i++) {
		const struct model_leak *leak = &m->opt.leaks[i];
		struct mgroup *g = board_group(m, leak->group);

		if (!g)
			return ctx_error(m->ctx, NOTE(.code = "no-group", .err = ENOENT, .where = "--inject", .hint = "iommuctl group list has them"),
					 "group %u", leak->group);
		if (!g->owner_cnt)
			g->owner = OWNER_KERNEL_DMA;
		g->owner_cnt += leak->count;
	}
	return 0;
}

/* -- more IOMMUs --------------------------------------------------------------------------------------------------- */

static void free_unit_name(struct model *m, char *buf, size_t size, const char *like)
{
	size_t stem = strcspn(like, "0123456789");
	bool taken = true;

	/* dmar0 has dmar1 for a sister; what is named by its address or its bus gets a suffix */
	for (unsigned n = 1; taken; n++) {
		if (like[stem + strspn(like + stem, "0123456789")] == '\0')
			snprintf(buf, size, "%.*s%u", (int)stem, like, n);
		else
			snprintf(buf, size, "%s-%u", like, n);
		taken = false;
		for (const struct munit *u = m->units; u; u = u->next)
			taken |= streq(u->name, buf);
	}
}

/* A group is behind one unit as a whole. */
static void deal_out(struct model *m, struct munit *const *sisters, unsigned n)
{
	unsigned at = 0;

	for (struct mgroup *g = m->groups; g; g = g->next) {
		if (!g->devs.n || g->devs.v[0]->unit != sisters[0])
			continue;
		for (size_t i = 0; i < g->devs.n; i++) {
			g->devs.v[i]->unit = sisters[at % n];
			if (at % n)
				facts_unit_of(m, g->devs.v[i]);
		}
		at++;
	}
}

static void inject_units(struct model *m)
{
	size_t n_real = m->host->n_units;

	for (size_t i = 0; m->opt.iommus > 1 && i < n_real; i++) {
		struct munit *first = unit_of(m, &m->host->units[i]), *sisters[64] = { first };
		char name[128];

		for (unsigned n = 1; first && n < m->opt.iommus; n++) {
			free_unit_name(m, name, sizeof(name), first->name);
			sisters[n] = add_unit(m, name, first->facts, first->profile);
			sisters[n]->domains = first->domains;
			facts_unit(m, sisters[n], first, n);
		}
		if (first)
			deal_out(m, sisters, m->opt.iommus);
	}
}

/* -- all of it ----------------------------------------------------------------------------------------------------- */

/* Asked of the running kernel itself: the section reads its symbol table as well. Where no section says so, it is what nearly all have. */
static uint64_t page_size(struct model *m)
{
	struct ctx quiet = { 0 };
	struct probes p;
	uint64_t page = PAGE_4K;

	if (source_is_live(m->base))
		return sysconf(_SC_PAGESIZE);
	if (source_probes(m->base, &quiet, &m->host->arena, &p) == 0 && p.page_size.known)
		page = p.page_size.v;
	ctx_free(&quiet);
	return page;
}

int board_load(struct model *m)
{
	const struct switches *sw;
	struct mgroup **groups;
	int r = host_load(m->ctx, m->base, HOST_ALL, &m->host);

	if (r < 0)
		return r;
	sw = host_switches(m->host);
	/* unknown, as in a snapshot that some other program made: taken for what machines have had for ten years */
	m->isolated_msi = sw->isolated_msi.is != TRI_NO && !m->opt.no_isolated_msi;
	m->unsafe_interrupts = sw->iommufd_unsafe_interrupts.is == TRI_YES || m->opt.unsafe_interrupts;
	for (m->n_buckets = 64; m->n_buckets < m->host->n_devices;)
		m->n_buckets *= 2;
	m->dev_buckets = make(m->n_buckets * sizeof(*m->dev_buckets));
	m->page = page_size(m);
	load_units(m);
	groups = load_groups(m);
	for (size_t i = 0; i < m->host->n_devices; i++)
		load_dev(m, &m->host->devices[i], groups);
	load_windows(m);
	load_owners(m);
	for (struct munit *u = m->units; u; u = u->next)
		u->domains = facts_domains(m, u);
	inject_units(m);
	facts_inject(m);
	return inject_leaks(m);
}

void board_free(struct model *m)
{
	while (m->groups) {
		struct mgroup *g = m->groups;

		m->groups = g->next;
		free_group(g);
	}
	for (size_t i = 0; i < m->n_buckets; i++) {
		while (m->dev_buckets[i]) {
			struct mdev *d = m->dev_buckets[i];

			m->dev_buckets[i] = d->next;
			free_dev(d);
		}
	}
	free(m->dev_buckets);
	while (m->units) {
		struct munit *u = m->units;

		m->units = u->next;
		free(u->name);
		free(u);
	}
	host_free(m->host);
}

/* -- mock devices ------------------------------------------------------------------------------------------------------ */

struct mdev *board_add_mock(struct model *m, unsigned flags)
{
	struct mdev *d;
	char name[64];
	int id = -1;

	do
		snprintf(name, sizeof(name), "iommufd_mock%d", ++id);
	while (board_dev(m, "iommufd_mock", name));
	d = board_add_dev(m, "iommufd_mock", name);
	d->mock = true;
	d->mock_id = id;
	d->mock_flags = flags;
	d->unit = m->mock_unit;
	d->pasid_bits = flags & MOCK_FLAGS_DEVICE_PASID ? MOCK_PASID_WIDTH : 0;
	for (size_t i = 0; i < ARRAY_SIZE(d->cache); i++)
		d->cache[i] = IOMMU_TEST_DEV_CACHE_DEFAULT;
	board_join(board_add_group(m), d);
	snprintf(d->group->type.s, sizeof(d->group->type.s), "blocked");
	facts_mock(m, d, true);
	return d;
}

void board_drop_mock(struct model *m, struct mdev *dev)
{
	struct mgroup *g = dev->group;

	facts_mock(m, dev, false);
	board_drop_dev(m, dev);
	board_drop_group(m, g);
}
