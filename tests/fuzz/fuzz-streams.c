// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * iommu-map, iommu-map-mask and phandle of a devicetree, each behind a byte that says how long it is, and an IORT behind them: the ids of devices, and whose they
 * are. What a device is said to send with leads back to a device that does.
 */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "host/streams.h"

#define TREE "sys/firmware/devicetree/base/"

struct text {
	const char *path;
	const uint8_t *p;
	size_t len;
};

struct machine {
	struct source source;
	struct text files[4];
};

static const struct {
	const char *path, *target;
} links[] = {
	{ "sys/class/iommu/smmu3.0x9050000/device/of_node", "../../../firmware/devicetree/base/smmu" },
	{ "sys/devices/pci0000:00/pci_bus/0000:00/of_node", "../../../../../firmware/devicetree/base/pcie" },
	{ "sys/bus/pci/devices/0000:00:01.0", "../../../devices/pci0000:00/0000:00:01.0" },
	{ "sys/bus/pci/devices/0000:01:00.0", "../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0" },
	{ "sys/bus/pci/devices/0000:02:1f.7", "../../../devices/pci0000:00/0000:02:1f.7" },
};

static const char *const units[] = { "smmu3.0x9050000" }, *const devs[] = { "0000:00:01.0", "0000:01:00.0", "0000:02:1f.7" };

static int machine_read(struct source *s, const char *path, void *buf, size_t cap, size_t *ret_len)
{
	const struct machine *m = (const struct machine *)s;

	for (size_t i = 0; i < ARRAY_SIZE(m->files); i++) {
		const struct text *f = &m->files[i];

		if (!streq(f->path, path))
			continue;
		if (f->len)
			memcpy(buf, f->p, MIN(f->len, cap));
		*ret_len = f->len;
		return 0;
	}
	return -ENOENT;
}

static int machine_readlink(struct source *s _unused_, const char *path, char *buf, size_t cap)
{
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		if (!streq(links[i].path, path))
			continue;
		strncpy(buf, links[i].target, cap - 1);
		buf[cap - 1] = '\0';
		return 0;
	}
	return -ENOENT;
}

static int machine_list(struct source *s _unused_, const char *path, struct arena *a, struct src_list *ret)
{
	bool unit = streq(path, "sys/class/iommu"), members = streq(path, "sys/class/iommu/smmu3.0x9050000/devices");
	size_t n = unit ? ARRAY_SIZE(units) : ARRAY_SIZE(devs);

	if (!unit && !members && !streq(path, "sys/bus/pci/devices"))
		return -ENOENT;
	ret->v = arena_array(a, struct src_entry, n);
	ret->n = n;
	for (size_t i = 0; i < n; i++)
		ret->v[i] = (struct src_entry){ .name = unit ? units[i] : devs[i], .is_link = true };
	return 0;
}

static bool machine_exists(struct source *s _unused_, const char *path _unused_)
{
	return false;
}

static int machine_section(struct source *s _unused_, struct ctx *ctx _unused_, enum source_section which _unused_, struct json_object **ret _unused_)
{
	return -ENOTCAPTURED;
}

static const struct source_ops ops = {
	.kind = SOURCE_TREE, .read = machine_read, .readlink = machine_readlink, .list = machine_list, .exists = machine_exists, .section = machine_section,
};

static bool sends_with(struct host *h, struct device *d, uint32_t id)
{
	struct device_streams s = device_streams(h, d);

	for (size_t i = 0; i < s.n; i++)
		if (s.v[i].id == id)
			return true;
	return false;
}

static void check(struct host *h)
{
	for (size_t i = 0; i < h->n_devices; i++) {
		struct device_streams s = device_streams(h, &h->devices[i]);

		fuzz_check(s.known || s.err < 0);
		for (size_t k = 0; k < s.n; k++) {
			struct stream_sender who;

			if (!s.v[k].map->unit || s.v[k].map->single)
				continue;
			fuzz_check(stream_find(h, s.v[k].map->unit, s.v[k].id, &who) == 0);
			fuzz_check(!who.device || sends_with(h, who.device, s.v[k].id));
		}
	}
	for (uint32_t id = 0; id < 64; id++) {
		struct stream_sender who;

		stream_find(h, NULL, id, &who);
	}
}

FUZZ_TARGET(streams)
{
	struct machine m = { .source = { .ops = &ops },
			     .files = { { TREE "pcie/iommu-map" }, { TREE "pcie/iommu-map-mask" }, { TREE "smmu/phandle" }, { "sys/firmware/acpi/tables/IORT" } } };
	struct ctx ctx = { 0 };
	struct host *h = NULL;

	for (size_t i = 0; i < 3 && size; i++) {
		size_t n = MIN((size_t)data[0], size - 1);

		m.files[i].p = data + 1;
		m.files[i].len = n;
		data += 1 + n;
		size -= 1 + n;
	}
	m.files[3].p = data;
	m.files[3].len = size;
	if (host_load(&ctx, &m.source, 0, &h) == 0)
		check(h);
	host_free(h);
	ctx_free(&ctx);
	return 0;
}
