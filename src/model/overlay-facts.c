// SPDX-License-Identifier: GPL-2.0-or-later
/* What the driver core and the IOMMU core show of a change in sysfs, and /dev with it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "host/switches.h"
#include "kmem/ownership.h"
#include "model/internal.h"

#define GROUPS "sys/kernel/iommu_groups"

/* Numbers that a running kernel gives out at boot; any will do. */
#define VFIO_MAJOR 242
#define VFIO_DEV_MAJOR 241

static struct source *facts(struct model *m)
{
	return (struct source *)m->overlay;
}

static int device_dir(struct model *m, const struct mdev *d, char *buf, size_t size)
{
	char path[SRC_PATH_MAX];

	PATHF(path, "sys/bus/%s/devices/%s", d->bus, d->name);
	return overlay_real(m->overlay, path, buf, size);
}

/* A link in the directory @from (without links, below "sys") to @to: both paths from the root. */
static void link_to(struct model *m, const char *from, const char *name, const char *to)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	char path[SRC_PATH_MAX];

	for (const char *s = from; (s = strchr(s, '/')); s++)
		strbuf_puts(&b, "../");
	strbuf_puts(&b, to + strlen("sys/"));
	PATHF(path, "%s/%s", from, name);
	if (*path)
		overlay_link(m->overlay, path, strbuf_str(&b));
}

static void remove_at(struct model *m, const char *dir, const char *name)
{
	char path[SRC_PATH_MAX];

	PATHF(path, "%s/%s", dir, name);
	if (*path)
		overlay_remove(m->overlay, path);
}

static void file_at(struct model *m, const char *dir, const char *name, const char *text)
{
	char path[SRC_PATH_MAX];

	PATHF(path, "%s/%s", dir, name);
	if (*path)
		overlay_file(m->overlay, path, text);
}

/* -- drivers ---------------------------------------------------------------------------------------------------- */

/* The line DRIVER= of uevent comes and goes with the driver. */
static void set_uevent(struct model *m, const char *dir, const char *driver)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	char path[SRC_PATH_MAX], text[4096], *line, *rest = text;

	PATHF(path, "%s/uevent", dir);
	if (source_read_attr(facts(m), path, text, sizeof(text)) < 0)
		return;
	if (driver)
		strbuf_printf(&b, "DRIVER=%s\n", driver);
	while ((line = strsep(&rest, "\n")))
		if (*line && !strstarts(line, "DRIVER="))
			strbuf_printf(&b, "%s\n", line);
	overlay_file(m->overlay, path, strbuf_str(&b));
}

static void show(struct model *m, const char *path, bool there)
{
	if (there)
		overlay_show(m->overlay, path);
	else
		overlay_remove(m->overlay, path);
}

/* "…/net" of "…/net/eth0": the class's directory in the device goes with what is in it. */
static char *class_dir(char *path, const char *class)
{
	char *last = strrchr(path, '/'), *above;

	*last = '\0';
	above = strrchr(path, '/');
	if (!streq(above + 1, class))
		*last = '/';
	return path;
}

/* What a driver made below its device and in the classes: gone with it, and back when the same driver comes back. */
static void show_functions(struct model *m, const struct mdev *d, const char *dir, bool there)
{
	static const char *const classes[] = { "net", "block", "nvme", "drm", "scsi_host", "graphics", "infiniband" };
	_cleanup_(arena_free) struct arena a = { 0 };

	if (!d->facts)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		struct src_list list = { 0 };
		char path[SRC_PATH_MAX], real[SRC_PATH_MAX];

		PATHF(path, "sys/class/%s", classes[i]);
		if (source_list(m->base, path, &a, &list) < 0)
			continue;
		for (size_t j = 0; j < list.n; j++) {
			char link[SRC_PATH_MAX], *below;

			PATHF(path, "sys/class/%s/%s", classes[i], list.v[j].name);
			if (source_readlink(m->base, path, link, sizeof(link)) < 0)
				continue;
			below = strstr(link, "devices/");
			if (!below)
				continue;
			PATHF(real, "sys/%s", below);
			if (!strstarts(real, dir) || real[strlen(dir)] != '/')
				continue;
			show(m, path, there);
			show(m, class_dir(real, classes[i]), there);
		}
	}
}

void facts_driver(struct model *m, const struct mdev *d, const char *was)
{
	char dir[SRC_PATH_MAX], drivers[SRC_PATH_MAX];

	if (device_dir(m, d, dir, sizeof(dir)) < 0)
		return;
	if (was) {
		PATHF(drivers, "sys/bus/%s/drivers/%s", d->bus, was);
		remove_at(m, dir, "driver");
		remove_at(m, drivers, d->name);
	}
	if (d->driver) {
		PATHF(drivers, "sys/bus/%s/drivers/%s", d->bus, d->driver);
		link_to(m, dir, "driver", drivers);
		link_to(m, drivers, d->name, dir);
	}
	set_uevent(m, dir, d->driver);
	if (d->facts && d->facts->driver && (streq(was, d->facts->driver) || streq(d->driver, d->facts->driver)))
		show_functions(m, d, dir, streq(d->driver, d->facts->driver));
}

void facts_type(struct model *m, const struct mgroup *g)
{
	char path[SRC_PATH_MAX], text[32];

	PATHF(path, GROUPS "/%u/type", g->id);
	snprintf(text, sizeof(text), "%s\n", g->type.s);
	overlay_file(m->overlay, path, text);
}

/* -- VFIO's nodes -------------------------------------------------------------------------------------------------- */

/* The lowest N for which there is no vfioN. */
static unsigned free_vfio_nr(struct model *m)
{
	unsigned n = 0;
	char path[SRC_PATH_MAX];

	for (;; n++) {
		PATHF(path, "sys/class/vfio-dev/vfio%u", n);
		if (!source_exists(facts(m), path))
			return n;
	}
}

static void add_vfio_device(struct model *m, const char *dir)
{
	char path[SRC_PATH_MAX], name[32], text[32];
	unsigned n = free_vfio_nr(m);

	snprintf(name, sizeof(name), "vfio%u", n);
	PATHF(path, "%s/vfio-dev/%s", dir, name);
	overlay_dir(m->overlay, path);
	link_to(m, "sys/class/vfio-dev", name, path);
	if (host_switches(m->host)->has_cdev.is == TRI_NO)
		return;
	snprintf(text, sizeof(text), "%d:%u\n", VFIO_DEV_MAJOR, n);
	file_at(m, path, "dev", text);
	PATHF(path, "dev/vfio/devices/%s", name);
	overlay_file(m->overlay, path, "");
}

void facts_vfio_device(struct model *m, const struct mdev *d, bool there)
{
	_cleanup_(arena_free) struct arena a = { 0 };
	char dir[SRC_PATH_MAX], path[SRC_PATH_MAX];
	struct src_list list = { 0 };

	if (device_dir(m, d, dir, sizeof(dir)) < 0)
		return;
	if (there)
		return add_vfio_device(m, dir);
	PATHF(path, "%s/vfio-dev", dir);
	if (source_list(facts(m), path, &a, &list) < 0)
		return;
	for (size_t i = 0; i < list.n; i++) {
		remove_at(m, "sys/class/vfio-dev", list.v[i].name);
		remove_at(m, "dev/vfio/devices", list.v[i].name);
	}
	overlay_remove(m->overlay, path);
}

void facts_vfio_group(struct model *m, const struct mgroup *g, bool there)
{
	char dir[SRC_PATH_MAX], node[SRC_PATH_MAX], name[16], text[32];

	snprintf(name, sizeof(name), "%u", g->id);
	PATHF(dir, "sys/devices/virtual/vfio/%s", name);
	PATHF(node, "dev/vfio/%s", name);
	if (!there) {
		overlay_remove(m->overlay, dir);
		overlay_remove(m->overlay, node);
		return remove_at(m, "sys/class/vfio", name);
	}
	if (host_switches(m->host)->has_legacy_group.is == TRI_NO)
		return;
	snprintf(text, sizeof(text), "%d:%u\n", VFIO_MAJOR, g->id);
	overlay_dir(m->overlay, dir);
	file_at(m, dir, "dev", text);
	link_to(m, "sys/class/vfio", name, dir);
	overlay_file(m->overlay, node, "");
}

/* -- groups and devices that come and go ----------------------------------------------------------------------------- */

static void add_group(struct model *m, const struct mgroup *g)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	char dir[SRC_PATH_MAX], text[32];
	const struct region *r;

	PATHF(dir, GROUPS "/%u", g->id);
	overlay_dir(m->overlay, dir);
	snprintf(text, sizeof(text), "%s\n", g->type.s);
	file_at(m, dir, "type", text);
	vec_for_each(r, &g->regions)
		strbuf_printf(&b, "0x%016llx 0x%016llx %s\n", (unsigned long long)r->start, (unsigned long long)r->end, r->word);
	file_at(m, dir, "reserved_regions", strbuf_str(&b));
}

static void join_group(struct model *m, const struct mdev *d, const char *dir)
{
	char path[SRC_PATH_MAX];

	if (d->group->devs.n == 1)
		add_group(m, d->group);
	PATHF(path, GROUPS "/%u", d->group->id);
	link_to(m, dir, "iommu_group", path);
	PATHF(path, GROUPS "/%u/devices", d->group->id);
	link_to(m, path, d->name, dir);
}

static void leave_group(struct model *m, const struct mdev *d)
{
	char path[SRC_PATH_MAX];

	if (d->group->devs.n > 1) {
		PATHF(path, GROUPS "/%u/devices", d->group->id);
		return remove_at(m, path, d->name);
	}
	PATHF(path, GROUPS "/%u", d->group->id);
	overlay_remove(m->overlay, path);
}

static int unit_dir(struct model *m, const struct munit *u, char *buf, size_t size)
{
	char path[SRC_PATH_MAX];

	PATHF(path, "sys/class/iommu/%s", u->name);
	return overlay_real(m->overlay, path, buf, size);
}

/* The device's link to its unit, and the unit's to the device. */
static void set_unit(struct model *m, const struct mdev *d, const char *dir, bool there)
{
	char unit[SRC_PATH_MAX], devices[SRC_PATH_MAX];

	if (!d->unit || unit_dir(m, d->unit, unit, sizeof(unit)) < 0)
		return;
	PATHF(devices, "%s/devices", unit);
	if (!there)
		return remove_at(m, devices, d->name);
	link_to(m, dir, "iommu", unit);
	link_to(m, devices, d->name, dir);
}

static void add_to_bus(struct model *m, const struct mdev *d, const char *dir)
{
	char path[SRC_PATH_MAX], bus[SRC_PATH_MAX];

	overlay_dir(m->overlay, dir);
	PATHF(bus, "sys/bus/%s", d->bus);
	PATHF(path, "%s/devices", bus);
	link_to(m, path, d->name, dir);
	link_to(m, dir, "subsystem", bus);
}

static void remove_from_bus(struct model *m, const struct mdev *d, const char *dir)
{
	char path[SRC_PATH_MAX];

	PATHF(path, "sys/bus/%s/devices", d->bus);
	remove_at(m, path, d->name);
	overlay_remove(m->overlay, dir);
}

void facts_mock(struct model *m, const struct mdev *d, bool there)
{
	char dir[SRC_PATH_MAX];

	PATHF(dir, "sys/devices/%s", d->name);
	if (!there) {
		set_unit(m, d, dir, false);
		leave_group(m, d);
		return remove_from_bus(m, d, dir);
	}
	add_to_bus(m, d, dir);
	file_at(m, dir, "uevent", "");
	join_group(m, d, dir);
	set_unit(m, d, dir, true);
}

/* -- virtual functions ------------------------------------------------------------------------------------------------- */

/* An endpoint with a PCI Express capability and nothing else; the ids are what sysfs says, not the all-ones of the hardware. */
static void vf_config(struct model *m, const char *dir, const struct device *pf, unsigned device)
{
	uint8_t c[4096] = { 0 };
	char path[SRC_PATH_MAX];

	c[0] = pf->vendor;
	c[1] = pf->vendor >> 8;
	c[2] = device;
	c[3] = device >> 8;
	c[6] = 0x10; /* status: capabilities */
	c[9] = pf->class;
	c[10] = pf->class >> 8;
	c[11] = pf->class >> 16;
	c[0x34] = 0x40;
	c[0x40] = 0x10; /* PCI Express, version 2, endpoint */
	c[0x42] = 0x02;
	PATHF(path, "%s/config", dir);
	overlay_bytes(m->overlay, path, c, sizeof(c));
}

static void vf_files(struct model *m, const struct mdev *vf, const char *dir)
{
	const struct device *pf = vf->pf->facts;
	_cleanup_strbuf_ struct strbuf b = { 0 };
	char path[SRC_PATH_MAX], text[32];
	uint64_t id = pf->device;
	const struct {
		const char *name, *format;
		unsigned v;
	} files[] = {
		{ "vendor", "0x%04x\n", pf->vendor },
		{ "class", "0x%06x\n", pf->class },
		{ "subsystem_vendor", "0x%04x\n", pf->subvendor },
		{ "subsystem_device", "0x%04x\n", pf->subdevice },
	};

	PATHF(path, "sys/bus/pci/devices/%s/sriov_vf_device", vf->pf->name);
	if (source_read_hex(facts(m), path, &id) < 0 || id > UINT16_MAX)
		id = pf->device;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(text, sizeof(text), files[i].format, files[i].v);
		file_at(m, dir, files[i].name, text);
	}
	snprintf(text, sizeof(text), "0x%04x\n", (unsigned)id);
	file_at(m, dir, "device", text);
	strbuf_printf(&b, "PCI_CLASS=%X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\nPCI_SLOT_NAME=%s\n", pf->class, pf->vendor,
		      (unsigned)id, pf->subvendor, pf->subdevice, vf->name);
	file_at(m, dir, "uevent", strbuf_str(&b));
	file_at(m, dir, "driver_override", "(null)\n");
	file_at(m, dir, "reset_method", "flr\n");
	vf_config(m, dir, pf, id);
}

void facts_vf(struct model *m, const struct mdev *vf, unsigned nr, bool there)
{
	char pf[SRC_PATH_MAX], dir[SRC_PATH_MAX], path[SRC_PATH_MAX], *slash;

	if (device_dir(m, vf->pf, pf, sizeof(pf)) < 0)
		return;
	PATHF(dir, "%s", pf);
	slash = strrchr(dir, '/');
	snprintf(slash + 1, sizeof(dir) - (slash + 1 - dir), "%s", vf->name);
	PATHF(path, "virtfn%u", nr);
	if (!there) {
		remove_at(m, pf, path);
		set_unit(m, vf, dir, false);
		if (vf->group)
			leave_group(m, vf);
		return remove_from_bus(m, vf, dir);
	}
	add_to_bus(m, vf, dir);
	vf_files(m, vf, dir);
	link_to(m, dir, "physfn", pf);
	link_to(m, pf, path, dir);
	if (vf->group)
		join_group(m, vf, dir);
	set_unit(m, vf, dir, true);
}

void facts_vfs(struct model *m, const struct mdev *pf, unsigned n)
{
	char dir[SRC_PATH_MAX], text[16];

	if (device_dir(m, pf, dir, sizeof(dir)) < 0)
		return;
	snprintf(text, sizeof(text), "%u\n", n);
	file_at(m, dir, "sriov_numvfs", text);
}

/* -- units that are not there -------------------------------------------------------------------------------------------- */

static void copy_files(struct model *m, const char *from, const char *to, const char *sub)
{
	_cleanup_(arena_free) struct arena a = { 0 };
	char path[SRC_PATH_MAX];
	struct src_list list = { 0 };

	PATHF(path, "%s/%s", from, sub);
	if (source_list(facts(m), path, &a, &list) < 0)
		return;
	for (size_t i = 0; i < list.n; i++) {
		char text[256], file[SRC_PATH_MAX];

		PATHF(path, "%s/%s/%s", from, sub, list.v[i].name);
		PATHF(file, "%s/%s/%s", to, sub, list.v[i].name);
		if (*file && source_read_attr(facts(m), path, text, sizeof(text)) == 0)
			overlay_file(m->overlay, file, text);
	}
}

/* Registers of their own, a page apart. */
static void move_registers(struct model *m, const char *dir, unsigned nth)
{
	char path[SRC_PATH_MAX], text[32];
	uint64_t address;

	PATHF(path, "%s/intel-iommu/address", dir);
	if (source_read_hex(facts(m), path, &address) < 0)
		return;
	snprintf(text, sizeof(text), "%llx\n", (unsigned long long)address + nth * 0x1000ull);
	overlay_file(m->overlay, path, text);
}

void facts_unit(struct model *m, const struct munit *u, const struct munit *like, unsigned nth)
{
	char from[SRC_PATH_MAX], dir[SRC_PATH_MAX], path[SRC_PATH_MAX], text[SRC_PATH_MAX], *slash;

	if (unit_dir(m, like, from, sizeof(from)) < 0)
		return;
	PATHF(dir, "%s", from);
	slash = strrchr(dir, '/');
	snprintf(slash + 1, sizeof(dir) - (slash + 1 - dir), "%s", u->name);
	PATHF(path, "%s/devices", dir);
	overlay_dir(m->overlay, path);
	copy_files(m, from, dir, "intel-iommu");
	copy_files(m, from, dir, "amd-iommu");
	move_registers(m, dir, nth);
	PATHF(path, "%s/device", from);
	if (source_readlink(facts(m), path, text, sizeof(text)) == 0) {
		PATHF(path, "%s/device", dir);
		overlay_link(m->overlay, path, text);
	}
	link_to(m, "sys/class/iommu", u->name, dir);
}

void facts_unit_of(struct model *m, const struct mdev *d)
{
	char dir[SRC_PATH_MAX], path[SRC_PATH_MAX], was[SRC_PATH_MAX];

	if (device_dir(m, d, dir, sizeof(dir)) < 0)
		return;
	PATHF(path, "%s/iommu", dir);
	if (overlay_real(m->overlay, path, was, sizeof(was)) == 0) {
		PATHF(path, "%s/devices", was);
		remove_at(m, path, d->name);
	}
	set_unit(m, d, dir, true);
}

/* Whether no group before @g is on the same page table behind the same unit. */
static bool first_of_table(const struct model *m, const struct mgroup *g, const struct hwpt *h, const struct munit *u)
{
	for (const struct mgroup *o = m->groups; o != g; o = o->next) {
		const struct attach *a = group_attach(o, NO_PASID);

		if (a && a->hwpt == h && o->devs.v[0]->unit == u)
			return false;
	}
	return true;
}

/* Default domains that are in use, and page tables that groups of the unit are attached to; identity takes no id. */
unsigned facts_domains(const struct model *m, const struct munit *u)
{
	unsigned n = 0;

	for (const struct mgroup *g = m->groups; g; g = g->next) {
		const struct attach *a = group_attach(g, NO_PASID);

		if (!g->devs.n || g->devs.v[0]->unit != u)
			continue;
		if (g->owner != OWNER_US)
			n += !streq(g->type.s, "identity");
		else if (a)
			n += first_of_table(m, g, a->hwpt, u);
	}
	return n;
}

/* -- the section of owners -------------------------------------------------------------------------------------------------- */

static int was_blocked(const struct owned_group *was, const char *name)
{
	for (size_t i = 0; was && i < was->n; i++)
		if (streq(was->devices[i].name, name))
			return was->devices[i].blocked;
	return TRI_UNKNOWN;
}

static void fill_devices(struct arena *a, const struct mgroup *g, const struct owned_group *was, struct owned_group *ret)
{
	ret->n = g->devs.n;
	ret->devices = arena_array(a, struct owned_device, ret->n);
	for (size_t i = 0; i < ret->n; i++) {
		const struct mdev *d = g->devs.v[i];

		ret->devices[i] = (struct owned_device){
			.name = d->name,
			.bus = d->bus,
			.driver = d->driver,
			.managed = d->driver ? driver_is_managed(d->bus, d->driver) : TRI_NO,
			.counted = bus_counts_drivers(d->bus),
			.blocked = was_blocked(was, d->name),
		};
	}
}

static struct owner *ourselves(struct arena *a, struct ownership *o, enum owns who)
{
	struct owner *w = &o->owners[o->n_owners++];

	w->kind = who == OWNER_US ? OWNER_IOMMUFD : OWNER_VFIO_GROUP;
	w->complete = true;
	w->n = 1;
	w->processes = arena_new(a, struct owner_process);
	*w->processes = (struct owner_process){ .pid = getpid(), .command = "iommuctl", .fd = -1,
						.what = who == OWNER_US ? "iommufd" : "vfio-group" };
	return w;
}

/* The page table that the group is on; blocked while there is none. */
static struct owned_domain *our_domain(struct ownership *o, const struct mgroup *g)
{
	const struct attach *at = group_attach(g, NO_PASID);
	struct owned_domain *d = &o->domains[o->n_domains++];

	*d = (struct owned_domain){ .type = at ? at->hwpt->domain.nested ? "nested" : "unmanaged" : "blocked",
				    .forced = at ? TRI_YES : TRI_UNKNOWN, .cookie = at ? "iommufd" : NULL };
	if (at && !at->hwpt->domain.nested) {
		d->page_sizes = NUM(at->hwpt->domain.page_sizes);
		d->start = NUM(at->hwpt->domain.aperture_first);
		d->end = NUM(at->hwpt->domain.aperture_last);
	}
	return d;
}

/* What the base knew of the group's domains stays, where the group has still the same kind of owner. */
static void fill_group(struct arena *a, struct ownership *o, const struct ownership *base, const struct mgroup *g,
		       struct owned_group *ret)
{
	const struct owned_group *was = base && base->known ? ownership_group(base, g->id) : NULL;
	bool same = was && was->owner_cnt.known && (was->owned == TRI_YES) == (g->owner == OWNER_OTHERS) &&
		    g->owner != OWNER_US && g->owner != OWNER_LEGACY;

	if (same)
		*ret = *was;
	ret->id = g->id;
	ret->owner_cnt = NUM(g->owner_cnt);
	fill_devices(a, g, was, ret);
	if (same)
		return;
	ret->owned = g->owner == OWNER_US || g->owner == OWNER_LEGACY || g->owner == OWNER_OTHERS;
	if (g->owner == OWNER_US || g->owner == OWNER_LEGACY) {
		ret->owner = ourselves(a, o, g->owner);
		ret->claims = NUM(g->owner_cnt);
		ret->domain = our_domain(o, g);
	}
}

static void copy_base(struct arena *a, const struct ownership *base, struct ownership *o, size_t more)
{
	o->owners = arena_array(a, struct owner, (base ? base->n_owners : 0) + more);
	o->domains = arena_array(a, struct owned_domain, (base ? base->n_domains : 0) + more);
	if (!base || !base->known)
		return;
	for (size_t i = 0; i < base->n_domains; i++)
		o->domains[i] = base->domains[i];
	o->n_domains = base->n_domains;
	for (size_t i = 0; i < base->n_owners; i++)
		o->owners[i] = base->owners[i];
	o->n_owners = base->n_owners;
}

static struct owned_domain *moved(const struct ownership *base, struct ownership *o, struct owned_domain *d)
{
	return d >= base->domains && d < base->domains + base->n_domains ? &o->domains[d - base->domains] : d;
}

/* Owners and domains are told apart by their places in the arrays. */
static void move_pointers(const struct ownership *base, struct ownership *o, struct owned_group *g)
{
	if (!base || !base->known)
		return;
	if (g->owner >= base->owners && g->owner < base->owners + base->n_owners)
		g->owner = &o->owners[g->owner - base->owners];
	g->domain = moved(base, o, g->domain);
	g->default_domain = moved(base, o, g->default_domain);
	g->blocking_domain = moved(base, o, g->blocking_domain);
}

int facts_ownership(struct model *m, struct json_object **ret)
{
	_cleanup_(arena_free) struct arena a = { 0 };
	struct ctx quiet = { 0 };
	struct ownership *base = NULL, o = { .arena = &a, .known = true };
	size_t n = 0;

	if (ownership_load(&quiet, m->base, &a, &base) < 0)
		base = NULL;
	ctx_free(&quiet);
	for (const struct mgroup *g = m->groups; g; g = g->next)
		n++;
	o.groups = arena_array(&a, struct owned_group, n);
	copy_base(&a, base, &o, n);
	for (const struct mgroup *g = m->groups; g; g = g->next) {
		fill_group(&a, &o, base, g, &o.groups[o.n_groups]);
		move_pointers(base, &o, &o.groups[o.n_groups++]);
	}
	*ret = ownership_to_json(&o);
	return 0;
}
