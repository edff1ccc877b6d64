// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/holders.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

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

const char *device_vfio_dev(struct host *h, const struct device *d)
{
	const struct holdings *hold = holdings(h);
	struct vfio_dev key = { .device = d->name }, *v;

	v = hold->n_devs ? bsearch(&key, hold->devs, hold->n_devs, sizeof(key), dev_cmp) : NULL;
	/* names are unique on a bus only */
	if (!v || (d->path_ && !streq(d->path_, v->path)))
		return NULL;
	return v->name;
}

/* Modules are named with underscores, drivers with either. */
static bool is_vfio_name(const char *driver)
{
	char name[64];
	size_t n = strlen(driver);

	if (n >= sizeof(name))
		return false;
	for (size_t i = 0; i <= n; i++)
		name[i] = driver[i] == '_' ? '-' : driver[i];
	return strstarts(name, "vfio-") || strends(name, "-vfio-pci");
}

bool device_on_vfio(struct host *h, const struct device *d)
{
	return d->driver && (is_vfio_name(d->driver) || device_vfio_dev(h, d));
}

bool group_has_node(struct host *h, const struct group *g)
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

static int load_section(struct host *h)
{
	struct json_object *json;
	int r = source_section(h->src, h->ctx, SECTION_HOLDERS, &json);

	if (r == 0)
		json_object_put(json);
	return r;
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

void group_holders(struct host *h, const struct group *g, struct holder_list *ret)
{
	*ret = (struct holder_list){ 0 };
	if (!may_be_held(h, g))
		return;
	ret->err = load_section(h);
}

void device_holders(struct host *h, const struct device *d, struct holder_list *ret)
{
	*ret = (struct holder_list){ 0 };
	if (d->group)
		group_holders(h, d->group, ret);
}
