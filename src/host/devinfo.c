// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/devinfo.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/vec.h"
#include "host/load.h"

/* A network interface or disk, and the device of ours that it hangs on. */
struct hanger {
	const struct device *on;
	const char *name;
};

/* Both classes, each sorted by device and then name; read once for all devices. */
struct attached {
	struct hanger *nets, *disks;
	size_t n_nets, n_disks;
	int net_err, disk_err;
};

/* -- what hangs where -------------------------------------------------------------------------------- */

/* The last component of @path that is a device of ours: whatever comes behind it hangs on that one. */
static struct device *device_on_path(struct host *h, struct device *const *others, size_t n, const char *path)
{
	_cleanup_free_ char *p = must_strdup(path);
	char *slash;

	while (p && (slash = strrchr(p, '/'))) {
		struct device *d = device_by_name(h, others, n, slash + 1);

		if (d)
			return d;
		*slash = '\0';
	}
	return NULL;
}

static int hanger_cmp(const void *a, const void *b)
{
	const struct hanger *x = a, *y = b;

	if (x->on != y->on)
		return x->on < y->on ? -1 : 1;
	return str_natural_cmp(x->name, y->name);
}

/*
 * With NVMe multipath the disk is a head without a device, and the path to it ("nvme0c1n1": subsystem 0,
 * controller 1, namespace 1) is what hangs on the controller; its head is "nvme0n1"
 * (nvme_mpath_set_disk_name()).
 */
static const char *disk_name(struct host *h, const char *name)
{
	unsigned subsystem, controller, ns;
	int end = 0;

	if (sscanf(name, "nvme%uc%un%u%n", &subsystem, &controller, &ns, &end) == 3 && !name[end])
		return arena_printf(&h->arena, "nvme%un%u", subsystem, ns);
	return name;
}

/* Each entry of a class directory is a link into the device tree, so one readlink tells where it hangs. */
static int read_class(struct host *h, const char *dir, struct hanger **ret, size_t *ret_n)
{
	VEC(struct hanger) v = { 0 };
	struct src_list list = { 0 };
	size_t n;
	struct device **others = other_devices(h, &n);
	int r = source_list(h->src, dir, &h->arena, &list);

	for (size_t i = 0; i < list.n; i++) {
		char path[SRC_PATH_MAX], target[SRC_PATH_MAX];
		const char *where;
		struct device *on;

		PATHF(path, "%s/%s", dir, list.v[i].name);
		if (source_readlink(h->src, path, target, sizeof(target)) < 0)
			continue; /* a file among the links, as bonding_masters, or gone meanwhile */
		where = link_resolve(&h->arena, dir, target);
		on = where ? device_on_path(h, others, n, where) : NULL;
		if (on)
			*vec_push(&v) = (struct hanger){ .on = on, .name = disk_name(h, list.v[i].name) };
	}
	if (v.n) {
		qsort(v.v, v.n, sizeof(*v.v), hanger_cmp);
		*ret = (struct hanger *)arena_memdup(&h->arena, v.v, v.n * sizeof(*v.v));
		*ret_n = v.n;
	}
	vec_free(&v);
	return r;
}

static const struct attached *host_attached(struct host *h)
{
	struct attached *a = h->attached_;

	if (a)
		return a;
	a = h->attached_ = arena_new(&h->arena, struct attached);
	a->net_err = read_class(h, "sys/class/net", &a->nets, &a->n_nets);
	a->disk_err = read_class(h, "sys/block", &a->disks, &a->n_disks);
	return a;
}

static size_t first_on(const struct hanger *v, size_t n, const struct device *d)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v[mid].on < d)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* No such class is an answer: there are none. A class that cannot be read is not. */
static struct strs hanging_on(struct host *h, const struct device *d, const struct hanger *v, size_t n,
			      int err)
{
	size_t first = first_on(v, n, d), end = first, found = 0;
	const char **names;

	if (err && err != -ENOENT)
		return (struct strs){ 0 };
	while (end < n && v[end].on == d)
		end++;
	names = arena_array(&h->arena, const char *, end - first);
	for (size_t i = first; i < end; i++) {
		if (!found || !streq(names[found - 1], v[i].name))
			names[found++] = v[i].name;
	}
	return STRS(names, found);
}

/* The same for a device that is not in host->devices: nothing there is told from what hangs on its parent. */
static struct strs hanging_below(struct host *h, struct device *d, const char *dir, int *ret_err)
{
	struct src_list list = { 0 };
	int r = source_list(h->src, dir, &h->arena, &list);
	const char *where = device_path(h, d), **names;
	size_t n = 0;

	*ret_err = r;
	if (!where)
		*ret_err = d->path_err_;
	if ((r < 0 && r != -ENOENT) || !where)
		return (struct strs){ 0 };
	names = arena_array(&h->arena, const char *, list.n);
	for (size_t i = 0; i < list.n; i++) {
		char path[SRC_PATH_MAX], target[SRC_PATH_MAX];
		const char *to;

		PATHF(path, "%s/%s", dir, list.v[i].name);
		to = source_readlink(h->src, path, target, sizeof(target)) < 0 ? NULL : link_resolve(&h->arena, dir, target);
		if (to && strstarts(to, where) && to[strlen(where)] == '/')
			names[n++] = disk_name(h, list.v[i].name);
	}
	return STRS(names, n);
}

/* -- attributes -------------------------------------------------------------------------------------- */

static struct num attr_num(struct host *h, struct device *d, const char *file)
{
	uint64_t v;
	char *s;

	/* "-1" of numa_node is no number, and so unknown */
	return device_attr(h, d, file, &s) == 0 && parse_u64(s, &v) == 0 && v <= INT64_MAX ? NUM(v)
											   : NUM_UNKNOWN;
}

static enum tri attr_bool(struct host *h, struct device *d, const char *file)
{
	struct num n = attr_num(h, d, file);

	return n.known ? n.v != 0 : TRI_UNKNOWN;
}

/* "fixed" or "removable" (drivers/base/core.c, removable_show()); "unknown" is what it says. */
static enum tri attr_removable(struct host *h, struct device *d)
{
	char *s;

	if (device_attr(h, d, "removable", &s) < 0)
		return TRI_UNKNOWN;
	return streq(s, "removable") ? TRI_YES : streq(s, "fixed") ? TRI_NO : TRI_UNKNOWN;
}

static struct strs attr_words(struct host *h, struct device *d, const char *file)
{
	VEC(const char *) words = { 0 };
	struct strs ret;
	char *s, *word;

	if (device_attr(h, d, file, &s) < 0)
		return (struct strs){ 0 };
	while ((word = strsep(&s, " \t\n"))) {
		if (*word)
			*vec_push(&words) = word;
	}
	ret = STRS((const char *const *)arena_memdup(&h->arena, words.v, words.n * sizeof(*words.v)),
		   words.n);
	vec_free(&words);
	return ret;
}

/* An override that is not set reads as "(null)". */
static void read_override(struct host *h, struct device *d, struct devinfo *info)
{
	char *s;

	info->override_err = device_attr(h, d, "driver_override", &s);
	if (info->override_err == 0 && *s && !streq(s, "(null)"))
		info->override = s;
}

static const char *first_entry(struct host *h, const struct device *d, const char *sub)
{
	char path[SRC_PATH_MAX];
	struct src_list list;

	PATHF(path, "%s/%s", device_sysfs(h, d), sub);
	if (source_list(h->src, path, &h->arena, &list) < 0)
		return NULL;
	for (size_t i = 0; i < list.n; i++) {
		if (strstarts(list.v[i].name, "vfio"))
			return list.v[i].name;
	}
	return NULL;
}

/* -- SR-IOV ------------------------------------------------------------------------------------------ */

/* The function that a link of @d leads to, NULL: the machine does not list it. Negative errno: there is no such link. */
static int linked_function(struct host *h, const struct device *d, const char *link, struct device **ret)
{
	char path[SRC_PATH_MAX], name[64];
	struct pci_addr addr;
	int r;

	PATHF(path, "%s/%s", device_sysfs(h, d), link);
	r = source_readlink_name(h->src, path, name, sizeof(name));
	if (r == 0)
		*ret = pci_addr_parse(name, &addr) < 0 ? NULL : host_pci(h, addr);
	return r;
}

/* The links virtfn0 … are there for as many VFs as are enabled; a foreign tree may say 65,535 of each device and have none. */
static void read_vfs(struct host *h, struct device *d, struct devinfo *info)
{
	size_t n = info->sriov_num.known ? MIN(info->sriov_num.v, UINT16_MAX) : 0;
	struct device *vf = NULL;
	char link[32];

	for (size_t i = 0; i < n; i++) {
		snprintf(link, sizeof(link), "virtfn%zu", i);
		if (linked_function(h, d, link, &vf) < 0)
			return;
		if (!vf)
			continue;
		if (!info->vfs)
			info->vfs = arena_array(&h->arena, struct device *, n);
		info->vfs[info->n_vfs++] = vf;
	}
}

static void read_pci(struct host *h, struct device *d, struct devinfo *info)
{
	info->reset_methods = attr_words(h, d, "reset_method");
	linked_function(h, d, "physfn", &info->pf);
	info->sriov_total = attr_num(h, d, "sriov_totalvfs");
	info->sriov_num = attr_num(h, d, "sriov_numvfs");
	read_vfs(h, d, info);
	info->enabled = attr_bool(h, d, "enable");
	info->boot_vga = attr_bool(h, d, "boot_vga");
}

const struct devinfo *device_info(struct host *h, struct device *d)
{
	const struct attached *a;
	struct devinfo *info;
	char *power;

	if (d->info_)
		return d->info_;
	info = d->info_ = arena_new(&h->arena, struct devinfo);
	*info = (struct devinfo){ .enabled = TRI_UNKNOWN, .boot_vga = TRI_UNKNOWN };
	if (device_is_listed(h, d)) {
		a = host_attached(h);
		info->netdevs = hanging_on(h, d, a->nets, a->n_nets, a->net_err);
		info->blocks = hanging_on(h, d, a->disks, a->n_disks, a->disk_err);
		info->netdevs_err = a->net_err;
		info->blocks_err = a->disk_err;
	} else {
		info->netdevs = hanging_below(h, d, "sys/class/net", &info->netdevs_err);
		info->blocks = hanging_below(h, d, "sys/block", &info->blocks_err);
	}
	info->vfio_dev = first_entry(h, d, "vfio-dev");
	info->numa_node = attr_num(h, d, "numa_node");
	info->removable = attr_removable(h, d);
	if (device_attr(h, d, "power/runtime_status", &power) == 0)
		info->power = power;
	read_override(h, d, info);
	if (d->is_pci)
		read_pci(h, d, info);
	return info;
}
