// SPDX-License-Identifier: GPL-2.0-or-later
/* From what the user typed to the device or group meant. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "host/host.h"
#include "host/ungrouped.h"

static int no_device(struct host *h, const char *spec, const char *why, const char *hint)
{
	return ctx_error(h->ctx, NOTE(.err = ENOENT, .code = "no-device", .why = why, .hint = hint),
			 "device %s", spec);
}

static int several(struct host *h, const char *spec, const struct device *a, const struct device *b,
		   size_t n)
{
	return ctx_error(h->ctx,
			 NOTE(.err = ENOTUNIQ, .code = "ambiguous-device",
			      .why = arena_printf(&h->arena, "%zu devices match: %s, %s%s", n, a->name, b->name,
						  n > 2 ? " ..." : ""),
			      .hint = "name the one that is meant by its address"),
			 "device %s", spec);
}

static bool good_name(const char *s)
{
	return *s && *s != '.' && !strchr(s, '/');
}

/* "pci_0000_01_00_0" is libvirt's name for it. */
static bool libvirt_name(const char *spec, struct pci_addr *ret)
{
	char s[64];

	if (!strstarts(spec, "pci_") || strlen(spec + 4) >= sizeof(s))
		return false;
	strcpy(s, spec + 4);
	for (char *p = s, left = 3; *p; p++)
		if (*p == '_')
			*p = --left ? ':' : '.';
	return pci_addr_parse(s, ret) == 0;
}

/* What a search over all devices came to. */
struct matches {
	struct device *first, *second;
	size_t n;
};

static void matches_add(struct matches *m, struct device *d)
{
	if (!m->n)
		m->first = d;
	else if (m->n == 1)
		m->second = d;
	m->n++;
}

static int only_match(struct host *h, const char *spec, const struct matches *m, const char *none, const char *hint,
		      struct device **ret)
{
	if (!m->n)
		return no_device(h, spec, none, hint);
	if (m->n > 1)
		return several(h, spec, m->first, m->second, m->n);
	*ret = m->first;
	return 0;
}

static struct matches find_ids(const struct host *h, unsigned vendor, unsigned device)
{
	struct matches m = { 0 };

	for (size_t i = 0; i < h->n_devices; i++) {
		struct device *d = &h->devices[i];

		if (d->has_ids && d->vendor == vendor && d->device == device)
			matches_add(&m, d);
	}
	return m;
}

static int find_by_ids(struct host *h, const char *spec, struct device **ret)
{
	unsigned vendor, device;
	struct matches m;
	char rest;

	if (sscanf(spec, "id:%4x:%4x%c", &vendor, &device, &rest) != 2)
		return ctx_error(h->ctx, NOTE(.err = EINVAL, .code = "bad-device", .why = "not id:VENDOR:DEVICE in hex",
					      .hint = "for instance id:8086:10d3"), "device %s", spec);
	m = find_ids(h, vendor, device);
	return only_match(h, spec, &m, "no device has these ids", "iommuctl device list -o +vendor,device_id", ret);
}

/* The deepest directory on @path that is a device we know: a virtio NIC's path ends below its PCI function. */
static struct device *deepest_device(struct host *h, char *path)
{
	for (char *slash; (slash = strrchr(path, '/')); *slash = '\0') {
		struct pci_addr addr;
		struct device *d = pci_addr_parse(slash + 1, &addr) == 0 ? host_pci(h, addr) : NULL;

		for (size_t i = h->n_devices; !d && i-- > 0 && !h->devices[i].is_pci;)
			if (h->devices[i].path_ && streq(h->devices[i].path_, path))
				d = &h->devices[i];
		if (d)
			return d;
	}
	return NULL;
}

static int find_by_netdev(struct host *h, const char *spec, struct device **ret)
{
	char path[SRC_PATH_MAX], target[SRC_PATH_MAX], full[SRC_PATH_MAX];
	const char *name = spec + 4, *p;
	struct device *d;
	int r;

	PATHF(path, "sys/class/net/%s", name);
	r = good_name(name) ? source_readlink(h->src, path, target, sizeof(target)) : -ENOENT;
	if (r < 0)
		return ctx_error(h->ctx, NOTE(.err = r, .code = "no-device", .where = r == -ENOENT ? NULL : path,
					      .why = !*name ? "the name is empty" : r == -ENOENT ? "no such interface on this machine" : NULL,
					      .hint = "iommuctl device list -o +netdevs shows them"), "network interface %s", name);
	p = strstr(target, "devices/");
	PATHF(full, "sys/%s", p ? p : "");
	d = deepest_device(h, full);
	if (!d)
		return no_device(h, spec, "no bus device is behind this interface", NULL);
	*ret = d;
	return 0;
}

/* The functions of "03:00" or "0000:03:00". NULL none. */
static const char *functions_of(struct host *h, const char *spec)
{
	const char *first = strchr(spec, ':');
	const char *slot = arena_printf(&h->arena, "%s%s.", first && strchr(first + 1, ':') ? "" : "0000:", spec);
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (size_t i = 0; i < h->n_devices; i++)
		if (h->devices[i].is_pci && strstarts(h->devices[i].name, slot))
			strbuf_printf(&b, "%s%s", b.len ? ", " : "a function is missing behind it: ", h->devices[i].name);
	return b.len ? arena_strdup(&h->arena, b.s) : NULL;
}

/* The device that a disk, or a partition of it, sits on. NULL none. */
static struct device *below_disk(struct host *h, const char *name)
{
	char path[SRC_PATH_MAX], target[SRC_PATH_MAX], full[SRC_PATH_MAX];
	const char *p;

	PATHF(path, "sys/class/block/%s", name);
	if (source_readlink(h->src, path, target, sizeof(target)) < 0)
		return NULL;
	p = strstr(target, "devices/");
	PATHF(full, "sys/%s", p ? p : "");
	return deepest_device(h, full);
}

/* Something else of this machine is called that: what would have been the right name for it. */
static const char *other_name(struct host *h, const char *spec)
{
	const char *slash = strrchr(spec, '/'), *name = slash ? slash + 1 : spec;
	char path[SRC_PATH_MAX];
	unsigned vendor, device;
	struct pci_addr addr;
	struct device *d;
	char rest;

	if (!good_name(name))
		return NULL;
	PATHF(path, "sys/class/net/%s", name);
	if (source_exists(h->src, path))
		return arena_printf(&h->arena, "it is a network interface: net:%s", name);
	d = pci_addr_parse(name, &addr) == 0 ? host_pci(h, addr) : below_disk(h, name);
	if (d)
		return arena_printf(&h->arena, "did you mean \"%s\"?", d->name);
	if (host_unit(h, name))
		return arena_printf(&h->arena, "it is an IOMMU: iommuctl iommu show %s", name);
	if (sscanf(name, "%4x:%4x%c", &vendor, &device, &rest) == 2 && find_ids(h, vendor, device).n)
		return arena_printf(&h->arena, "by its ids a device is named id:%s", name);
	return functions_of(h, name);
}

static int no_such_device(struct host *h, const char *spec)
{
	const char *hint = other_name(h, spec);

	return no_device(h, spec, *spec ? "no such device on this machine" : "the name is empty", hint ? hint : "iommuctl device list shows them");
}

static int find_by_name(struct host *h, const char *spec, struct device **ret)
{
	struct matches m = { 0 };

	for (size_t i = 0; i < h->n_devices; i++)
		if (streq(h->devices[i].name, spec))
			matches_add(&m, &h->devices[i]);
	return m.n ? only_match(h, spec, &m, NULL, NULL, ret) : no_such_device(h, spec);
}

/* -- devices that no group names -------------------------------------------------------------------------------- */

struct unlisted {
	struct device device;
	struct unlisted *next;
};

bool device_is_listed(const struct host *h, const struct device *d)
{
	return d >= h->devices && d < h->devices + h->n_devices;
}

static void read_unlisted(struct host *h, struct device *d)
{
	char path[SRC_PATH_MAX], driver[128];
	int r;

	PATHF(path, "sys/bus/%s/devices/%s/driver", d->bus, d->name);
	r = source_readlink_name(h->src, path, driver, sizeof(driver));
	if (r == 0)
		d->driver = arena_strdup(&h->arena, driver);
	else if (r != -ENOENT)
		d->driver_err = r;
	device_path(h, d);
}

/* Asked for twice it is the same one: commands compare pointers. */
static struct device *find_unlisted(struct host *h, const char *bus, const char *name)
{
	char path[SRC_PATH_MAX];
	struct unlisted *u;

	for (u = h->unlisted_; u; u = u->next)
		if (streq(u->device.bus, bus) && streq(u->device.name, name))
			return &u->device;
	if (!good_name(bus) || !good_name(name) || streq(bus, "pci"))
		return NULL;
	PATHF(path, "sys/bus/%s/devices/%s", bus, name);
	if (!source_exists(h->src, path))
		return NULL;
	u = arena_new(&h->arena, struct unlisted);
	u->next = h->unlisted_;
	h->unlisted_ = u;
	u->device = (struct device){ .bus = bus, .name = arena_strdup(&h->arena, name) };
	read_unlisted(h, &u->device);
	return &u->device;
}

struct device *device_sits_on(struct host *h, struct device *d)
{
	const char *path = device_path(h, d);

	return path && !device_is_listed(h, d) ? deepest_device(h, arena_strdup(&h->arena, path)) : NULL;
}

static struct device *find_on_bus(struct host *h, const char *spec, const char *slash)
{
	const char *bus = arena_memdup(&h->arena, spec, slash - spec);
	struct device *d = host_device(h, bus, slash + 1);

	return d ? d : find_unlisted(h, bus, slash + 1);
}

int host_find_device(struct host *h, const char *spec, struct device **ret)
{
	const char *slash = strchr(spec, '/');
	struct pci_addr addr;
	struct device *d;

	if (strstarts(spec, "id:"))
		return find_by_ids(h, spec, ret);
	if (strstarts(spec, "net:"))
		return find_by_netdev(h, spec, ret);
	if (slash) {
		d = find_on_bus(h, spec, slash);
	} else if (pci_addr_parse(spec, &addr) == 0 || libvirt_name(spec, &addr)) {
		d = host_pci(h, addr);
	} else {
		return find_by_name(h, spec, ret);
	}
	if (!d)
		return no_such_device(h, spec);
	*ret = d;
	return 0;
}

static int no_group(struct host *h, struct device *d, const char *spec)
{
	const char *why = "the device is in no IOMMU group", *hint = "iommuctl doctor says whether the IOMMU is on";

	if (device_ungrouped(h, d, &why) != UNGROUPED_NOT)
		hint = "iommuctl doctor says what that means";
	return ctx_error(h->ctx, NOTE(.err = ENODEV, .code = "no-group", .why = why, .hint = hint), "group of %s", spec);
}

int host_find_group(struct host *h, const char *spec, struct group **ret)
{
	struct device *d;
	struct group *g;
	uint32_t id;
	int r;

	/* digits are a group's number, even one that no group can have */
	if (*spec && !spec[strspn(spec, "0123456789")]) {
		g = parse_u32(spec, &id) == 0 ? host_group(h, id) : NULL;
		if (!g)
			return ctx_error(h->ctx,
					 NOTE(.err = ENOENT, .code = "no-group",
					      .why = h->n_groups ? "no such group on this machine" :
								   "this machine has no IOMMU groups",
					      .hint = h->n_groups ? "iommuctl group list shows them" :
								    "iommuctl doctor says why"),
					 "group %s", spec);
		*ret = g;
		return 0;
	}
	r = host_find_device(h, spec, &d);
	if (r < 0)
		return r;
	if (!d->group)
		return no_group(h, d, spec);
	*ret = d->group;
	return 0;
}
