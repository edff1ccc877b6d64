// SPDX-License-Identifier: GPL-2.0-or-later
/* What the caller wants of all devices and groups at once, read in batches: ids, drivers, types, regions, names. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "host/load.h"

#define PCI_DRIVERS "sys/bus/pci/drivers"

static uint64_t hex_or(const char *s, size_t n, uint64_t otherwise)
{
	char buf[20];
	uint64_t v;

	if (n >= sizeof(buf))
		return otherwise;
	memcpy(buf, s, n);
	buf[n] = '\0';
	return parse_hex(buf, &v) == 0 ? v : otherwise;
}

static bool id_pair(const char *value, size_t n, uint16_t *first, uint16_t *second)
{
	const char *colon = memchr(value, ':', n);
	uint64_t a, b;

	if (!colon)
		return false;
	a = hex_or(value, colon - value, UINT64_MAX);
	b = hex_or(colon + 1, n - (colon + 1 - value), UINT64_MAX);
	if (a > UINT16_MAX || b > UINT16_MAX)
		return false;
	*first = a;
	*second = b;
	return true;
}

/* PCI_CLASS=20000 PCI_ID=8086:10D3 PCI_SUBSYS_ID=… : one file instead of six. */
static bool ids_from_uevent(struct device *d, const char *text, size_t len)
{
	const char *line = text, *end = text + len;
	bool id = false;

	while (line < end) {
		const char *eol = memchr(line, '\n', end - line);
		size_t n = (eol ? eol : end) - line;

		if (n > 10 && !memcmp(line, "PCI_CLASS=", 10)) {
			uint64_t v = hex_or(line + 10, n - 10, UINT64_MAX);

			d->has_class = v <= 0xffffff;
			d->class = d->has_class ? v : 0;
		} else if (n > 7 && !memcmp(line, "PCI_ID=", 7)) {
			id = id_pair(line + 7, n - 7, &d->vendor, &d->device);
		} else if (n > 14 && !memcmp(line, "PCI_SUBSYS_ID=", 14)) {
			id_pair(line + 14, n - 14, &d->subvendor, &d->subdevice);
		} else if (n > 7 && !memcmp(line, "DRIVER=", 7)) {
			d->says_driver_ = true;
		}
		line += n + 1;
	}
	return id && d->has_class;
}

static int read_id(struct host *h, struct device *d, const char *file, uint64_t max, uint64_t *ret)
{
	char path[SRC_PATH_MAX];
	uint64_t v;
	int r;

	PATHF(path, "%s/%s", device_sysfs(h, d), file);
	r = source_read_hex(h->src, path, &v);
	if (r == 0 && v > max)
		r = -ERANGE;
	if (r == 0)
		*ret = v;
	return r;
}

/* A tree that somebody made by hand may lack uevent and have the single files. */
static void ids_from_files(struct host *h, struct device *d, int uevent_err)
{
	uint64_t vendor, device, class;
	char path[SRC_PATH_MAX];

	if (read_id(h, d, "class", 0xffffff, &class) == 0) {
		d->class = class;
		d->has_class = true;
	}
	if (d->has_class && read_id(h, d, "vendor", UINT16_MAX, &vendor) == 0 && read_id(h, d, "device", UINT16_MAX, &device) == 0) {
		d->vendor = vendor;
		d->device = device;
		d->has_ids = true;
		return;
	}
	PATHF(path, "%s/uevent", device_sysfs(h, d));
	ctx_warn(h->ctx, "no-ids", uevent_err ? uevent_err : -EINVAL, path, "vendor, device and class of %s",
		 d->name);
}

static size_t pci_count(const struct host *h)
{
	size_t n = 0;

	while (n < h->n_devices && h->devices[n].is_pci)
		n++;
	return n;
}

/* The PCI devices that pass @pick and that the bus listed, by pointer and by name, for a batch. */
struct batch {
	struct device **devices;
	const char **names;
	struct src_blob *blobs;
	size_t n;
};

static struct batch make_batch(struct host *h, bool (*pick)(const struct device *))
{
	size_t n = pci_count(h);
	struct batch b = {
		.devices = arena_array(&h->arena, struct device *, n),
		.names = arena_array(&h->arena, const char *, n),
	};

	for (size_t i = 0; i < n; i++) {
		if (!pick(&h->devices[i]))
			continue;
		b.devices[b.n] = &h->devices[i];
		b.names[b.n++] = h->devices[i].name;
	}
	b.blobs = arena_array(&h->arena, struct src_blob, b.n);
	return b;
}

/* What only a group named has its path from there, and no entry in the bus's directory. */
static bool on_the_bus(const struct device *d)
{
	return !d->path_;
}

static void set_ids(struct host *h, struct device *d, int err, const char *uevent, size_t len)
{
	d->has_ids = err == 0 && ids_from_uevent(d, uevent, len);
	if (!d->has_ids)
		ids_from_files(h, d, err);
}

static void load_ids(struct host *h)
{
	struct batch b = make_batch(h, on_the_bus);
	size_t n = pci_count(h);

	source_read_each(h->src, PCI_DEVICES, b.names, b.n, "uevent", 4096, &h->arena, b.blobs);
	for (size_t i = 0; i < b.n; i++)
		set_ids(h, b.devices[i], b.blobs[i].err, b.blobs[i].data, b.blobs[i].len);
	for (size_t i = 0; i < n; i++) {
		char *text;
		int r;

		if (on_the_bus(&h->devices[i]))
			continue;
		r = device_attr(h, &h->devices[i], "uevent", &text);
		set_ids(h, &h->devices[i], r, r ? NULL : text, r ? 0 : strlen(text));
	}
}

/* No link is an answer, but only from a device that is still there. */
static void set_driver(struct host *h, struct device *d, int err, const char *name)
{
	if (err == 0) {
		d->driver = arena_strdup(&h->arena, name);
		return;
	}
	d->driver_err = err == -ENOENT && (d->has_ids || source_exists(h->src, device_sysfs(h, d))) ? 0 : err;
	if (d->driver_err)
		ctx_warn(h->ctx, "unreadable", d->driver_err,
			 arena_printf(&h->arena, "%s/driver", device_sysfs(h, d)), "driver of %s", d->name);
}

static void load_driver(struct host *h, struct device *d)
{
	char path[SRC_PATH_MAX], name[256];
	int r;

	PATHF(path, "%s/driver", device_sysfs(h, d));
	r = source_readlink_name(h->src, path, name, sizeof(name));
	set_driver(h, d, r, name);
}

/* The links of one driver's directory back to its devices. */
static void drivers_devices(struct host *h, const char *driver)
{
	struct src_list list = { 0 };
	char path[SRC_PATH_MAX];

	PATHF(path, PCI_DRIVERS "/%s", driver);
	if (source_list(h->src, path, &h->arena, &list) < 0)
		return;
	for (size_t i = 0; i < list.n; i++) {
		struct pci_addr addr;
		struct device *d = list.v[i].is_link && pci_addr_parse(list.v[i].name, &addr) == 0 ?
					   host_pci(h, addr) : NULL;

		if (d)
			d->driver = driver;
	}
}

static bool needs_driver(const struct device *d)
{
	return on_the_bus(d) && !d->driver;
}

/*
 * Whether the drivers' directories named every device whose uevent names a driver. If so, two independent
 * answers of the kernel agree for the whole machine, and a device that neither names has none.
 */
static bool drivers_named_all(const struct host *h)
{
	size_t named = 0;

	for (size_t i = 0; i < h->n_devices && h->devices[i].is_pci; i++) {
		const struct device *d = &h->devices[i];

		if (!d->has_ids || (d->says_driver_ && !d->driver))
			return false;
		named += d->driver != NULL;
	}
	return named > 0;
}

/*
 * The kernel makes both links at once (driver_sysfs_add() in drivers/base/dd.c): the device's to its
 * driver and the driver's to the device. On a large machine asking the few drivers is far cheaper than
 * asking the many devices; where they leave a doubt the devices' own links decide.
 */
static void load_drivers(struct host *h)
{
	struct src_list list = { 0 };
	size_t n = pci_count(h);
	struct batch b = { 0 };

	if (n > 64 && source_list(h->src, PCI_DRIVERS, &h->arena, &list) == 0 && list.n < n / 4)
		for (size_t i = 0; i < list.n; i++)
			drivers_devices(h, list.v[i].name);
	if (!list.n || !drivers_named_all(h))
		b = make_batch(h, needs_driver);
	source_readlink_each(h->src, PCI_DEVICES, b.names, b.n, "driver", &h->arena, b.blobs);
	for (size_t i = 0; i < b.n; i++)
		set_driver(h, b.devices[i], b.blobs[i].err,
			   b.blobs[i].err ? NULL : last_component(b.blobs[i].data));
	for (size_t i = 0; i < h->n_devices; i++)
		if (!h->devices[i].is_pci || !on_the_bus(&h->devices[i]))
			load_driver(h, &h->devices[i]);
}

/* Reads GROUPS/N/FILE of every group. */
static struct src_blob *group_files(struct host *h, const char *file, size_t cap)
{
	const char **names = arena_array(&h->arena, const char *, h->n_groups);
	struct src_blob *blobs = arena_array(&h->arena, struct src_blob, h->n_groups);

	for (size_t i = 0; i < h->n_groups; i++)
		names[i] = arena_printf(&h->arena, "%u", h->groups[i].id);
	source_read_each(h->src, GROUPS, names, h->n_groups, file, cap, &h->arena, blobs);
	for (size_t i = 0; i < h->n_groups; i++) {
		char path[SRC_PATH_MAX];

		if (blobs[i].err == 0 || blobs[i].err == -ENOENT)
			continue;
		PATHF(path, GROUPS "/%u/%s", h->groups[i].id, file);
		ctx_warn(h->ctx, "unreadable", blobs[i].err, path, "%s of group %u", file, h->groups[i].id);
	}
	return blobs;
}

/* Text up to the newline or the NULs that GNU tar pads with. NULL for an empty one. */
static const char *first_line(struct host *h, const struct src_blob *b)
{
	size_t n = 0;

	while (n < b->len && b->data[n] != '\n' && b->data[n] != '\0')
		n++;
	return n ? arena_memdup(&h->arena, b->data, n) : NULL;
}

static void load_types(struct host *h)
{
	struct src_blob *blobs = group_files(h, "type", 256);

	for (size_t i = 0; i < h->n_groups; i++) {
		struct group *g = &h->groups[i];

		g->type_err = blobs[i].err;
		if (blobs[i].err == 0)
			g->type = first_line(h, &blobs[i]);
	}
}

static void load_names(struct host *h)
{
	struct src_blob *blobs = group_files(h, "name", 256);

	for (size_t i = 0; i < h->n_groups; i++)
		if (blobs[i].err == 0)
			h->groups[i].name = first_line(h, &blobs[i]);
}

static enum region_type region_type(const char *word)
{
	static const char *const words[] = {
		[REGION_DIRECT] = "direct",
		[REGION_DIRECT_RELAXABLE] = "direct-relaxable",
		[REGION_RESERVED] = "reserved",
		[REGION_MSI] = "msi",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (streq(word, words[i]))
			return i;
	return REGION_UNKNOWN;
}

/* One line: 0x<start> 0x<inclusive end> <type> (drivers/iommu/iommu.c, iommu_group_show_resv_regions). */
static bool parse_region(struct host *h, char *line, struct region *r)
{
	char *save, *start = strtok_r(line, " \t", &save), *end = strtok_r(NULL, " \t", &save),
	     *word = strtok_r(NULL, " \t", &save);

	if (!start || !end || !word || parse_u64(start, &r->start) < 0 || parse_u64(end, &r->end) < 0 ||
	    r->end < r->start)
		return false;
	r->word = arena_strdup(&h->arena, word);
	r->type = region_type(word);
	return true;
}

static void parse_regions(struct host *h, struct group *g, const struct src_blob *b)
{
	char *text = arena_memdup(&h->arena, b->data, b->len), *save, *line;
	size_t lines = 1;

	for (char *p = text; *p; p++)
		lines += *p == '\n';
	g->regions = arena_array(&h->arena, struct region, lines);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (parse_region(h, line, &g->regions[g->n_regions])) {
			g->n_regions++;
			continue;
		}
		g->regions_err = -EINVAL;
		ctx_warn(h->ctx, "odd-content", 0,
			 arena_printf(&h->arena, GROUPS "/%u/reserved_regions", g->id),
			 "reserved region of group %u: not START END TYPE", g->id);
	}
}

static void load_regions(struct host *h)
{
	struct src_blob *blobs = group_files(h, "reserved_regions", 64 * 1024);

	for (size_t i = 0; i < h->n_groups; i++) {
		h->groups[i].regions_err = blobs[i].err;
		if (blobs[i].err == 0)
			parse_regions(h, &h->groups[i], &blobs[i]);
	}
}

void host_load_facts(struct host *h, unsigned want)
{
	if (want & HOST_IDS)
		load_ids(h);
	if (want & HOST_DRIVERS)
		load_drivers(h);
	if (want & HOST_TYPES)
		load_types(h);
	if (want & HOST_REGIONS)
		load_regions(h);
	if (want & HOST_NAMES)
		load_names(h);
}
