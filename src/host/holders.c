// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/holders.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "host/drivers.h"
#include "source/holders.h"

#define VFIO_GROUPS "sys/class/vfio"
#define VFIO_DEVICES "sys/class/vfio-dev"

/* A VFIO device: the device that it stands for, and its own name in the class. */
struct vfio_dev {
	const char *device;
	const char *path; /* the device's directory: "sys/devices/…", as the link in the class says it */
	const char *name;
};

struct holdings {
	struct vfio_dev *devs; /* by device */
	size_t n_devs;
	uint32_t *nodes; /* ids of the groups that have a node, sorted */
	size_t n_nodes;
	struct held_list held;
	int held_err;
	bool held_done;
};

/* -- the classes ---------------------------------------------------------------------------------------- */

static int dev_cmp(const void *a, const void *b)
{
	return strcmp(((const struct vfio_dev *)a)->device, ((const struct vfio_dev *)b)->device);
}

/* "../../devices/pci0000:00/0000:01:00.0/vfio-dev/vfio0" */
static bool parse_class_link(struct arena *a, const char *name, const char *link, struct vfio_dev *ret)
{
	const char *devices = strstr(link, "devices/"), *end = strstr(link, "/vfio-dev/"), *start;

	if (!devices || !end || end < devices)
		return false;
	for (start = end; start > devices && start[-1] != '/'; start--)
		;
	ret->path = arena_printf(a, "sys/%.*s", (int)(end - devices), devices);
	ret->device = arena_memdup(a, start, end - start);
	ret->name = name;
	return true;
}

static int id_cmp(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Neither class is there while no VFIO driver is loaded. */
static void load_nodes(struct host *h, struct holdings *hold)
{
	struct src_list list = { 0 };

	if (source_list(h->src, VFIO_GROUPS, &h->arena, &list) < 0)
		return;
	hold->nodes = arena_array(&h->arena, uint32_t, list.n);
	for (size_t i = 0; i < list.n; i++)
		if (parse_u32(list.v[i].name, &hold->nodes[hold->n_nodes]) == 0)
			hold->n_nodes++;
	qsort(hold->nodes, hold->n_nodes, sizeof(*hold->nodes), id_cmp);
}

static void load_devs(struct host *h, struct holdings *hold)
{
	struct src_list list = { 0 };

	if (source_list(h->src, VFIO_DEVICES, &h->arena, &list) < 0)
		return;
	hold->devs = arena_array(&h->arena, struct vfio_dev, list.n);
	for (size_t i = 0; i < list.n; i++) {
		char path[SRC_PATH_MAX], link[SRC_PATH_MAX];

		PATHF(path, VFIO_DEVICES "/%s", list.v[i].name);
		if (source_readlink(h->src, path, link, sizeof(link)) == 0 &&
		    parse_class_link(&h->arena, list.v[i].name, link, &hold->devs[hold->n_devs]))
			hold->n_devs++;
	}
	qsort(hold->devs, hold->n_devs, sizeof(*hold->devs), dev_cmp);
}

static struct holdings *holdings(struct host *h)
{
	if (!h->holdings_) {
		h->holdings_ = arena_new(&h->arena, struct holdings);
		load_nodes(h, h->holdings_);
		load_devs(h, h->holdings_);
	}
	return h->holdings_;
}

/*
 * "vfio3": the name in the device's vfio-dev/ directory, which says that it is bound to a VFIO driver, whatever
 * that driver's name (kernels since 6.1). NULL: none. One listing for the whole machine.
 */
static const char *device_vfio_dev(struct host *h, const struct device *d)
{
	const struct holdings *hold = holdings(h);
	struct vfio_dev key = { .device = d->name }, *v;

	v = hold->n_devs ? bsearch(&key, hold->devs, hold->n_devs, sizeof(key), dev_cmp) : NULL;
	/* names are unique on a bus only */
	if (!v || (d->path_ && !streq(d->path_, v->path)))
		return NULL;
	return v->name;
}

bool device_on_vfio(struct host *h, const struct device *d)
{
	return d->driver && (driver_is_vfio(d->driver) || device_vfio_dev(h, d));
}

/* Whether the group's own node (/dev/vfio/N) exists. */
static bool group_has_node(struct host *h, const struct group *g)
{
	const struct holdings *hold = holdings(h);

	return hold->n_nodes && bsearch(&g->id, hold->nodes, hold->n_nodes, sizeof(g->id), id_cmp);
}

/* -- processes ------------------------------------------------------------------------------------------ */

static const struct field holder_fields[] = {
	FIELD(struct holder, pid, F_INT, "PID", "process", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct holder, command, F_STR, "COMMAND", "its name", .flags = FIELD_DEFAULT),
	FIELD(struct holder, node, F_STR, "NODE", "what it has open", .flags = FIELD_DEFAULT),
	FIELD(struct holder, device, F_STR, "DEVICE", "device that the descriptor is for", .flags = FIELD_DEFAULT),
	FIELD(struct holder, unit, F_STR, "UNIT", "systemd unit that it runs in"),
	FIELD(struct holder, container, F_STR, "CONTAINER", "container that it runs in"),
	FIELD(struct holder, pod, F_STR, "POD", "pod that it runs in"),
	FIELD(struct holder, guest, F_STR, "GUEST", "name of the virtual machine", .flags = FIELD_DEFAULT),
};

const struct record_type holder_record = RECORD("holder", 1, struct holder, holder_fields);

/* Everything on the machine that is held, read once. */
static const struct held_list *held(struct host *h)
{
	struct holdings *hold = holdings(h);

	if (!hold->held_done) {
		hold->held_done = true;
		hold->held_err = source_holders(h->src, h->ctx, &h->arena, &hold->held);
	}
	return &hold->held;
}

static bool may_be_held(struct host *h, const struct group *g)
{
	if (group_has_node(h, g))
		return true;
	for (size_t i = 0; i < g->n_devices; i++)
		if (device_on_vfio(h, g->devices[i]))
			return true;
	return false;
}

/* The device of the group that the descriptor is for; NULL: it is for none, or does not say. */
static const struct device *device_of(struct host *h, const struct group *g, const struct held *v)
{
	for (size_t i = 0; i < g->n_devices; i++) {
		struct device *d = g->devices[i];
		const char *path;

		if (v->vfio_dev && streq(v->vfio_dev, device_vfio_dev(h, d)))
			return d;
		path = v->syspath ? device_path(h, d) : NULL;
		if (path && *v->syspath == '/' && streq(v->syspath + 1, path))
			return d;
	}
	return NULL;
}

/* "qemu-system-x86 (pid 4711, guest web1)": the one name that says most. */
static const char *who(struct host *h, const struct held *v)
{
	const char *kind = v->guest ? "guest" : v->pod ? "pod" : v->container ? "container" : v->unit ? "unit" : NULL;
	const char *name = v->guest ? v->guest : v->pod ? v->pod : v->container ? v->container : v->unit;
	const char *comm = v->comm ? v->comm : "a process";

	if (!v->pid.known)
		return comm;
	if (!kind)
		return arena_printf(&h->arena, "%s (pid %" PRId64 ")", comm, v->pid.v);
	return arena_printf(&h->arena, "%s (pid %" PRId64 ", %s %s)", comm, v->pid.v, kind, name);
}

static bool same_holder(const struct holder *a, const struct holder *b)
{
	return a->pid.v == b->pid.v && streq(a->node, b->node) && streq(a->device, b->device);
}

/* One process may have a node open many times. */
static void add_holder(struct holder *v, size_t *n, const struct holder *one)
{
	for (size_t i = 0; i < *n; i++)
		if (same_holder(&v[i], one))
			return;
	v[(*n)++] = *one;
}

static int list_err(const struct holdings *hold)
{
	if (hold->held_err)
		return hold->held_err;
	if (hold->held.complete)
		return 0;
	if (streq(hold->held.why, "not-captured"))
		return -ENOTCAPTURED;
	/* another namespace hides processes from root as well */
	return streq(hold->held.why, "pid-namespace") ? -EOPNOTSUPP : -EACCES;
}

/* @only NULL: any device of the group, and the group itself. */
static void find_holders(struct host *h, const struct group *g, const struct device *only, struct holder_list *ret)
{
	const struct held_list *all;
	struct holder *v;
	size_t n = 0;

	*ret = (struct holder_list){ 0 };
	if (!g || !may_be_held(h, g))
		return;
	all = held(h);
	v = arena_array(&h->arena, struct holder, all->n);
	for (size_t i = 0; i < all->n; i++) {
		const struct held *one = &all->v[i];
		bool of_group = one->kind == HELD_GROUP && one->group.known && one->group.v == g->id;
		const struct device *d = device_of(h, g, one);

		if (!of_group && (!d || (only && d != only)))
			continue;
		add_holder(v, &n, &(struct holder){ one->pid, one->comm, one->node, d ? d->name : NULL, one->unit,
						    one->container, one->pod, one->guest, who(h, one) });
	}
	*ret = (struct holder_list){ .v = v, .n = n, .err = list_err(h->holdings_) };
}

void group_holders(struct host *h, const struct group *g, struct holder_list *ret)
{
	find_holders(h, g, NULL, ret);
}

void device_holders(struct host *h, const struct device *d, struct holder_list *ret)
{
	find_holders(h, d->group, d, ret);
}

/* -- other nodes ---------------------------------------------------------------------------------------- */

static bool is_udev(const struct held *v)
{
	return streq(v->unit, "systemd-udevd.service") || streq(v->comm, "systemd-udevd") || streq(v->comm, "(udev-worker)");
}

static bool is_block(const struct held *v, const char *name)
{
	const char *slash = v->kind == HELD_BLOCK && v->syspath ? strrchr(v->syspath, '/') : NULL;

	return slash && streq(slash + 1, name);
}

static bool is_below(const struct held *v, const char *path)
{
	size_t len = path ? strlen(path) : 0;

	return path && v->kind == HELD_NODE && v->syspath && v->syspath[0] == '/' && !strncmp(v->syspath + 1, path, len) &&
	       v->syspath[1 + len] == '/';
}

void node_holders(struct host *h, struct device *d, const char *block, struct holder_list *ret)
{
	const struct held_list *all = held(h);
	const char *path = block ? NULL : device_path(h, d);
	struct holder *v = arena_array(&h->arena, struct holder, all->n);
	size_t n = 0;
	int err = list_err(h->holdings_);

	for (size_t i = 0; i < all->n; i++) {
		const struct held *one = &all->v[i];

		if (is_udev(one) || !(block ? is_block(one, block) : is_below(one, path)))
			continue;
		add_holder(v, &n, &(struct holder){ one->pid, one->comm, one->node, d->name, one->unit, one->container, one->pod,
						    one->guest, who(h, one) });
	}
	*ret = (struct holder_list){ .v = v, .n = n, .err = err ? err : all->nodes ? 0 : -ENOTCAPTURED };
}
