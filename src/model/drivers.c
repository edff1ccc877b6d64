// SPDX-License-Identifier: GPL-2.0-or-later
/* Drivers and their devices (drivers/base/bus.c, dd.c), VFIO's probe, virtual functions (drivers/pci/pci-sysfs.c). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "host/holders.h"
#include "host/pci.h"
#include "model/internal.h"

/* A name becomes part of a path. */
static bool good_name(const char *s)
{
	return *s && *s != '.' && !strchr(s, '/');
}

static struct source *facts(struct model *m)
{
	return (struct source *)m->overlay;
}

static int find(struct model *m, const char *bus, const char *name, struct mdev **ret)
{
	if (!good_name(bus) || !good_name(name))
		return -EINVAL;
	*ret = board_dev(m, bus, name);
	return *ret ? 0 : -ENODEV;
}

static bool has_driver(struct model *m, const char *bus, const char *driver)
{
	char path[SRC_PATH_MAX];

	PATHF(path, "sys/bus/%s/drivers/%s", bus, driver);
	return source_exists(facts(m), path);
}

/* -- driver_override -------------------------------------------------------------------------------------------- */

/* "" when there is none set. False: there is no such file. */
static bool read_override(struct model *m, const struct mdev *d, char *buf, size_t size)
{
	char path[SRC_PATH_MAX];
	int r;

	PATHF(path, "sys/bus/%s/devices/%s/driver_override", d->bus, d->name);
	r = source_read_attr(facts(m), path, buf, size);
	if (r < 0 || streq(buf, "(null)"))
		*buf = '\0';
	return r == 0;
}

int model_set_override(struct backend *b, const char *bus, const char *dev, const char *driver)
{
	struct model *m = to_model(b);
	char path[SRC_PATH_MAX], real[SRC_PATH_MAX], text[128];
	struct mdev *d;
	int r = find(m, bus, dev, &d);

	if (r < 0)
		return r == -ENODEV ? -ENOENT : r;
	if (driver && strlen(driver) >= sizeof(text) - 1)
		return -ENAMETOOLONG;
	PATHF(path, "sys/bus/%s/devices/%s/driver_override", bus, dev);
	r = overlay_real(m->overlay, path, real, sizeof(real));
	if (r < 0)
		return r;
	snprintf(text, sizeof(text), "%s\n", driver && *driver ? driver : "(null)");
	overlay_file(m->overlay, real, text);
	return 0;
}

/* -- matching and probing ------------------------------------------------------------------------------------------ */

/*
 * Tables of ids are in no file. So a driver takes what it had when the model began, and devices like one that it had then; VFIO's
 * take what is given to them by driver_override only.
 */
static bool likes(const struct model *m, const struct mdev *d, const char *driver)
{
	const struct host *h = m->host;

	if (driver_is_vfio(driver) || !d->facts)
		return false;
	if (streq(d->facts->driver, driver))
		return true;
	for (size_t i = 0; d->facts->has_ids && i < h->n_devices; i++) {
		const struct device *o = &h->devices[i];

		if (streq(o->driver, driver) && o->has_ids && o->vendor == d->facts->vendor && o->device == d->facts->device)
			return true;
	}
	return false;
}

static bool matches(struct model *m, const struct mdev *d, const char *driver)
{
	char override[128];
	bool there = read_override(m, d, override, sizeof(override));

	if (*override)
		return streq(override, driver);
	/* a tree that somebody made by hand lacks the file, not the device */
	return likes(m, d, driver) || (!there && driver_is_vfio(driver));
}

/* Devices with errata that a user of them could exploit (vfio_pci_dev_in_denylist()): QAT, DSA and IAA of Intel. */
static bool denied(const struct device *d)
{
	static const uint16_t intel[] = { 0x19e2, 0x19e3, 0x37c8, 0x37c9, 0x0435, 0x0443, 0x0b25, 0x0cfe };

	for (size_t i = 0; d->has_ids && d->vendor == 0x8086 && i < ARRAY_SIZE(intel); i++)
		if (d->device == intel[i])
			return true;
	return false;
}

static bool has_bridge_header(struct model *m, struct device *d)
{
	const struct pci_info *pci = device_pci(m->host, d);

	return pci->err ? device_is_pci_bridge(d) : pci->header != 0;
}

unsigned board_vfs(struct model *m, const struct mdev *pf)
{
	char path[SRC_PATH_MAX];
	uint64_t n;

	PATHF(path, "sys/bus/pci/devices/%s/sriov_numvfs", pf->name);
	return streq(pf->bus, "pci") && source_read_u64(facts(m), path, &n) == 0 ? n : 0;
}

/* In the order of vfio_pci_probe(), vfio_pci_core_register_device() and vfio_register_group_dev(). */
static int probe_vfio(struct model *m, struct mdev *d)
{
	if (d->facts && d->facts->is_pci && (denied(d->facts) || has_bridge_header(m, d->facts)))
		return -EINVAL;
	if (board_vfs(m, d))
		return -EBUSY;
	if (!d->group || !d->unit || d->unit->coherent == TRI_NO)
		return -EINVAL;
	return 0;
}

static void set_driver(struct model *m, struct mdev *d, const char *driver)
{
	char *was = d->driver;

	d->driver = must_strdup(driver);
	facts_driver(m, d, was);
	free(was);
}

static bool on_vfio(const struct mdev *d)
{
	return d->driver && driver_is_vfio(d->driver);
}

static bool group_on_vfio(const struct mgroup *g)
{
	for (size_t i = 0; i < g->devs.n; i++)
		if (on_vfio(g->devs.v[i]))
			return true;
	return false;
}

static int probe(struct model *m, struct mdev *d, const char *driver)
{
	bool vfio = driver_is_vfio(driver), first;
	int r = 0;

	if (vfio) {
		r = probe_vfio(m, d);
	} else if (d->group && bus_counts_drivers(d->bus) == TRI_YES && !driver_is_managed(d->bus, driver)) {
		r = group_use_dma(d->group);
		d->counted = r == 0;
	}
	if (r < 0)
		return r;
	first = vfio && !group_on_vfio(d->group);
	set_driver(m, d, driver);
	if (vfio)
		facts_vfio_device(m, d, true);
	if (first)
		facts_vfio_group(m, d->group, true);
	return 0;
}

int model_bind(struct backend *b, const char *bus, const char *dev, const char *driver)
{
	struct model *m = to_model(b);
	struct mdev *d;
	int r = find(m, bus, dev, &d);

	if (r == -EINVAL || !good_name(driver))
		return -EINVAL;
	if (!has_driver(m, bus, driver))
		return -ENOENT;
	if (r < 0 || !matches(m, d, driver))
		return -ENODEV;
	if (d->driver)
		return -EBUSY;
	return probe(m, d, driver);
}

static bool held(struct model *m, const struct mdev *d)
{
	struct holder_list list = { 0 };

	if (d->opens)
		return true;
	if (d->facts && streq(d->facts->driver, d->driver) && on_vfio(d))
		device_holders(m->host, d->facts, &list);
	return list.n;
}

/*
 * A VFIO device that somebody has open leaves its driver at once, as far as files tell, and the unbind hangs until it is closed.
 * When that somebody is a process outside, the model cannot see it close.
 */
int model_unbind(struct backend *b, const char *bus, const char *dev, const char *driver, int timeout_ms, pid_t *ret_pid)
{
	struct model *m = to_model(b);
	struct mdev *d;
	bool vfio, hangs;
	int r = find(m, bus, dev, &d);

	(void)timeout_ms;
	if (r == -EINVAL || !good_name(driver))
		return -EINVAL;
	if (!has_driver(m, bus, driver))
		return -ENOENT;
	if (r < 0 || !d->driver || !streq(d->driver, driver))
		return -ENODEV;
	vfio = on_vfio(d);
	hangs = held(m, d);
	if (d->counted)
		group_unuse_dma(d->group);
	d->counted = false;
	set_driver(m, d, NULL);
	if (vfio)
		facts_vfio_device(m, d, false);
	if (vfio && d->group && !group_on_vfio(d->group))
		facts_vfio_group(m, d->group, false);
	if (!hangs)
		return 0;
	*ret_pid = getpid();
	return -EINPROGRESS;
}

/* -- modules and nodes ------------------------------------------------------------------------------------------------ */

/* The VFIO drivers are modules on most machines. Of others it is not known what loading them would do. */
int model_load_module(struct backend *b, const char *name)
{
	struct model *m = to_model(b);
	const char *bus = NULL;
	char path[SRC_PATH_MAX];

	if (!good_name(name))
		return -EINVAL;
	for (size_t i = 0; i < 5 && !bus; i++) {
		static const char *const buses[] = { "pci", "platform", "amba", "fsl-mc", "cdx" };

		if (streq(name, bus_vfio_driver(buses[i])))
			bus = buses[i];
	}
	if (!bus)
		return -ENOENT;
	if (has_driver(m, bus, name))
		return 0;
	PATHF(path, "sys/bus/%s", bus);
	if (!source_exists(m->base, path))
		return -ENOENT;
	PATHF(path, "sys/bus/%s/drivers/%s", bus, name);
	overlay_dir(m->overlay, path);
	return 0;
}

/* /etc/modprobe.d is not part of the facts. */
int model_module_options(struct backend *b, const char *name, struct arena *a, const char **ret)
{
	(void)b;
	(void)name;
	*ret = arena_strdup(a, "");
	return 0;
}

int model_watch_nodes(struct backend *b)
{
	(void)b;
	return 0;
}

/* Nodes are there as soon as what they are for is. */
int model_wait_node(struct backend *b, const char *node, int timeout_ms)
{
	char path[SRC_PATH_MAX];

	(void)timeout_ms;
	PATHF(path, "dev/%s", node);
	return source_exists(facts(to_model(b)), path) ? 0 : -ENOENT;
}

/* -- virtual functions ------------------------------------------------------------------------------------------------- */

struct sriov {
	uint64_t total, offset, stride;
};

static int read_sriov(struct model *m, const struct mdev *pf, struct sriov *ret)
{
	const struct {
		const char *file;
		uint64_t *v;
	} files[] = {
		{ "sriov_totalvfs", &ret->total },
		{ "sriov_offset", &ret->offset },
		{ "sriov_stride", &ret->stride },
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char path[SRC_PATH_MAX];
		int r;

		PATHF(path, "sys/bus/pci/devices/%s/%s", pf->name, files[i].file);
		r = source_read_u64(facts(m), path, files[i].v);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The bridges above the physical function isolate what is below them, or all of it is one group. */
static struct mgroup *vf_group(struct model *m, const struct mdev *pf)
{
	for (size_t i = 0; pf->group && i < pf->group->devs.n; i++)
		if (pf->group->devs.v[i]->facts && device_is_pci_bridge(pf->group->devs.v[i]->facts))
			return pf->group;
	return board_add_group(m);
}

static void add_vf(struct model *m, struct mdev *pf, const struct sriov *s, unsigned nr)
{
	unsigned rid = pci_addr_rid(pf->facts->addr) + s->offset + s->stride * nr;
	struct mdev *vf;
	char name[64];

	snprintf(name, sizeof(name), "%04x:%02x:%02x.%u", pf->facts->addr.domain, rid >> 8 & 0xff, rid >> 3 & 0x1f, rid & 7);
	if (board_dev(m, "pci", name))
		return;
	vf = board_add_dev(m, "pci", name);
	vf->is_vf = true;
	vf->pf = pf;
	vf->vf_nr = nr;
	vf->unit = pf->unit;
	vf->has_pri = pf->has_pri;
	vf->has_ats = pf->has_ats;
	vf->pasid_bits = pf->pasid_bits;
	if (pf->group) {
		struct mgroup *g = vf_group(m, pf);

		if (g != pf->group) {
			g->type = pf->group->type;
			g->sw_msi = pf->group->sw_msi;
			/* firmware's regions are the physical function's */
			for (size_t i = 0; i < pf->group->regions.n; i++)
				if (pf->group->regions.v[i].type == REGION_MSI || pf->group->regions.v[i].type == REGION_RESERVED)
					*vec_push(&g->regions) = pf->group->regions.v[i];
		}
		board_join(g, vf);
	}
	facts_vf(m, vf, nr, true);
}

/* Every virtual function of @pf, one by one; NULL at the end. */
static struct mdev *next_vf(const struct model *m, const struct mdev *pf, size_t *bucket, struct mdev *after)
{
	struct mdev *d = after ? after->next : m->dev_buckets[*bucket];

	for (;;) {
		for (; d; d = d->next)
			if (d->is_vf && d->pf == pf)
				return d;
		if (++*bucket >= m->n_buckets)
			return NULL;
		d = m->dev_buckets[*bucket];
	}
}

static bool vf_in_use(const struct model *m, const struct mdev *pf)
{
	size_t bucket = 0;
	struct mdev *d = NULL;

	while ((d = next_vf(m, pf, &bucket, d)))
		if (d->opens)
			return true;
	return false;
}

static void drop_vfs(struct model *m, struct mdev *pf)
{
	size_t bucket = 0;
	struct mdev *d;

	while ((d = next_vf(m, pf, &bucket, NULL))) {
		struct mgroup *g = d->group;
		bool alone = g && g->devs.n == 1;

		if (d->counted)
			group_unuse_dma(g);
		facts_vf(m, d, d->vf_nr, false);
		board_drop_dev(m, d);
		if (alone)
			board_drop_group(m, g);
		bucket = 0;
	}
}

/* The order of the checks is sriov_numvfs_store()'s. Turning them off while one is open hangs, and here changes nothing. */
int model_set_vfs(struct backend *b, const char *dev, unsigned n, int timeout_ms, pid_t *ret_pid)
{
	struct model *m = to_model(b);
	struct sriov s = { 0 };
	struct mdev *pf;
	unsigned now;
	int r = find(m, "pci", dev, &pf);

	(void)timeout_ms;
	if (r < 0)
		return r == -ENODEV ? -ENOENT : r;
	r = pf->facts ? read_sriov(m, pf, &s) : -ENOENT;
	if (r < 0)
		return r;
	if (n > s.total)
		return -ERANGE;
	now = board_vfs(m, pf);
	if (n == now)
		return 0;
	/* VFIO's drivers take them with a module parameter only */
	if (!pf->driver || on_vfio(pf))
		return -ENOENT;
	if (n && now)
		return -EBUSY;
	if (!n && vf_in_use(m, pf)) {
		*ret_pid = getpid();
		return -EINPROGRESS;
	}
	if (!n)
		drop_vfs(m, pf);
	for (unsigned i = 0; i < n; i++)
		add_vf(m, pf, &s, i);
	facts_vfs(m, pf, n);
	return 0;
}

int model_set_vf_autoprobe(struct backend *b, const char *dev, bool on)
{
	struct model *m = to_model(b);
	char path[SRC_PATH_MAX], real[SRC_PATH_MAX];
	struct mdev *pf;
	int r = find(m, "pci", dev, &pf);

	if (r < 0)
		return r == -ENODEV ? -ENOENT : r;
	PATHF(path, "sys/bus/pci/devices/%s/sriov_drivers_autoprobe", dev);
	r = overlay_real(m->overlay, path, real, sizeof(real));
	if (r < 0)
		return r;
	overlay_file(m->overlay, real, on ? "1\n" : "0\n");
	return 0;
}
