// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/host.h"
#include "host/load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

int device_cmp(const struct device *a, const struct device *b)
{
	int r;

	if (a->is_pci != b->is_pci)
		return a->is_pci ? -1 : 1;
	if (a->is_pci)
		return pci_addr_cmp(a->addr, b->addr);
	r = strcmp(a->bus ? a->bus : "", b->bus ? b->bus : "");
	return r ? r : str_natural_cmp(a->name, b->name);
}

int device_qsort(const void *a, const void *b)
{
	return device_cmp(a, b);
}

int group_qsort(const void *a, const void *b)
{
	uint32_t x = ((const struct group *)a)->id, y = ((const struct group *)b)->id;

	return x < y ? -1 : x > y;
}

const char *link_resolve(struct arena *a, const char *dir, const char *link)
{
	size_t len = strlen(dir);
	const char *rest = link;

	if (*link == '/')
		return NULL;
	while (strstarts(rest, "../") || strstarts(rest, "./")) {
		if (strstarts(rest, "./")) {
			rest += 2;
			continue;
		}
		rest += 3;
		while (len && dir[len - 1] != '/')
			len--;
		if (!len)
			return NULL;
		len--;
	}
	if (strstr(rest, "/../") || strends(rest, "/..") || streq(rest, ".."))
		return NULL;
	return arena_printf(a, "%.*s/%s", (int)len, dir, rest);
}

const char *last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* -- looking up -------------------------------------------------------------------------------------- */

struct unit *host_unit(const struct host *h, const char *name)
{
	for (size_t i = 0; i < h->n_units; i++)
		if (streq(h->units[i].name, name))
			return &h->units[i];
	return NULL;
}

struct group *host_group(const struct host *h, uint32_t id)
{
	struct group key = { .id = id };

	return h->n_groups ? bsearch(&key, h->groups, h->n_groups, sizeof(key), group_qsort) : NULL;
}

struct device *host_pci(const struct host *h, struct pci_addr addr)
{
	struct device key = { .is_pci = true, .addr = addr };

	return h->n_devices ? bsearch(&key, h->devices, h->n_devices, sizeof(key), device_qsort) : NULL;
}

struct device *host_device(const struct host *h, const char *bus, const char *name)
{
	struct device key = { .bus = bus, .name = name };
	struct pci_addr addr;

	if (streq(bus, "pci"))
		return pci_addr_parse(name, &addr) == 0 ? host_pci(h, addr) : NULL;
	return h->n_devices ? bsearch(&key, h->devices, h->n_devices, sizeof(key), device_qsort) : NULL;
}

/* -- one device --------------------------------------------------------------------------------------- */

const char *device_path(struct host *h, struct device *d)
{
	char path[SRC_PATH_MAX], target[SRC_PATH_MAX];

	if (d->path_done_)
		return d->path_;
	d->path_done_ = true;
	PATHF(path, "sys/bus/%s/devices/%s", d->bus ? d->bus : "", d->name);
	d->path_err_ = source_readlink(h->src, path, target, sizeof(target));
	if (d->path_err_ == 0) {
		PATHF(path, "sys/bus/%s/devices", d->bus ? d->bus : "");
		d->path_ = link_resolve(&h->arena, path, target);
		d->path_err_ = d->path_ ? 0 : -EXDEV;
	}
	return d->path_;
}

const char *device_sysfs(struct host *h, const struct device *d)
{
	if (d->path_)
		return d->path_;
	return arena_printf(&h->arena, "sys/bus/%s/devices/%s", d->bus ? d->bus : "", d->name);
}

int device_attr(struct host *h, struct device *d, const char *file, char **ret)
{
	char path[SRC_PATH_MAX];

	PATHF(path, "%s/%s", device_sysfs(h, d), file);
	return source_read_attr_dup(h->src, path, &h->arena, ret);
}
