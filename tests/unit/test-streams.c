// SPDX-License-Identifier: GPL-2.0-or-later
/* Stream ids: by devicetree and IORT, there and back, behind bridges, and what firmware may not say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "diag/faults.h"
#include "host/devtree.h"
#include "host/streams.h"
#include "host/ungrouped.h"
#include "host/units.h"
#include "machine.h"

#define TREE "sys/firmware/devicetree/base/"
#define ROOT "sys/devices/pci0000:00/"

static const char first[] = "smmu3.0x0000000009050000", second[] = "smmu3.0x0000000009070000";

/* Big-endian, as they lie in the tree. */
static void cells(struct machine *m, const char *path, size_t n, const uint32_t *v)
{
	uint8_t b[256];

	for (size_t i = 0; i < 4 * n; i++)
		b[i] = (uint8_t)(v[i / 4] >> (24 - 8 * (i % 4)));
	machine_write(m, path, b, 4 * n);
}

#define CELLS(m, path, ...) cells(m, path, sizeof((uint32_t[]){ __VA_ARGS__ }) / 4, (uint32_t[]){ __VA_ARGS__ })

static void add_smmu(struct machine *m, const char *unit, const char *device, const char *node, uint32_t phandle)
{
	struct arena *a = &m->ctx.arena;

	machine_link(m, arena_printf(a, "sys/class/iommu/%s/device", unit), arena_printf(a, "../../../devices/platform/%s", device));
	machine_file(m, arena_printf(a, "sys/class/iommu/%s/devices/.keep", unit), "%s", "");
	machine_remove(m, arena_printf(a, "sys/class/iommu/%s/devices/.keep", unit));
	machine_file(m, arena_printf(a, "sys/devices/platform/%s/uevent", device), "x\n");
	if (!node)
		return;
	machine_link(m, arena_printf(a, "sys/devices/platform/%s/of_node", device),
		     arena_printf(a, "../../../firmware/devicetree/base/%s", node));
	CELLS(m, arena_printf(a, TREE "%s/phandle", node), phandle);
	CELLS(m, arena_printf(a, TREE "%s/#iommu-cells", node), 1);
}

static void behind(struct machine *m, const char *unit, const char *name, const char *path)
{
	machine_link(m, arena_printf(&m->ctx.arena, "sys/class/iommu/%s/devices/%s", unit, name),
		     arena_printf(&m->ctx.arena, "../../../../../%s", path));
}

/* A port with a NIC; a port, a bridge to conventional PCI, and two devices behind that. */
static void add_devices(struct machine *m)
{
	static const struct machine_pci pci[] = {
		{ "0000:00:01.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 1, .secondary = 1 },
		{ "0000:00:01.0/0000:01:00.0", .group = 2 },
		{ "0000:00:03.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 3, .secondary = 3 },
		{ "0000:00:03.0/0000:03:00.0", .type = PCIE_TO_PCI, .group = 4, .secondary = 4 },
		{ "0000:00:03.0/0000:03:00.0/0000:04:01.0", .type = PCIE_NONE, .group = 4 },
		{ "0000:00:03.0/0000:03:00.0/0000:04:02.0", .type = PCIE_NONE, .group = MACHINE_NO_GROUP },
	};

	machine_new(m);
	for (size_t i = 0; i < ARRAY_SIZE(pci); i++)
		machine_pci(m, &pci[i]);
	behind(m, first, "0000:00:01.0", ROOT "0000:00:01.0");
	behind(m, first, "0000:01:00.0", ROOT "0000:00:01.0/0000:01:00.0");
	behind(m, first, "0000:03:00.0", ROOT "0000:00:03.0/0000:03:00.0");
	behind(m, first, "0000:04:01.0", ROOT "0000:00:03.0/0000:03:00.0/0000:04:01.0");
}

/* What a lab machine's tree says: everything of the one root complex, id for id. */
static void add_tree(struct machine *m)
{
	add_devices(m);
	add_smmu(m, first, "9050000.smmuv3", "smmuv3@9050000", 0x8005);
	machine_link(m, ROOT "pci_bus/0000:00/of_node", "../../../../../firmware/devicetree/base/pcie@10000000");
	CELLS(m, TREE "pcie@10000000/iommu-map", 0, 0x8005, 0, 0x10000);
}

static struct device_streams streams_of(struct machine *m, const char *addr)
{
	return device_streams(m->host, machine_dev(m, addr));
}

static void devicetree(void **state _unused_)
{
	const struct streams *s;
	struct device_streams d;
	struct machine m;

	add_tree(&m);
	machine_load(&m);
	s = host_streams(m.host);
	assert_int_equal(s->n, 1);
	assert_int_equal(streams_err(s), 0);
	assert_int_equal(s->iort_err, -ENOENT);
	assert_string_equal(s->maps[0].owner, "pcie@10000000");
	assert_string_equal(s->maps[0].root_bus, "pci0000:00");
	assert_string_equal(s->maps[0].unit->name, first);
	assert_string_equal(s->maps[0].file, "/" TREE "pcie@10000000/iommu-map");
	d = streams_of(&m, "0000:01:00.0");
	assert_true(d.known && d.complete);
	assert_int_equal(d.n, 1);
	assert_int_equal(d.v[0].id, 0x100);
	assert_string_equal(d.v[0].requester, "0000:01:00.0");
	assert_null(d.v[0].bridge);
	assert_int_equal(d.v[0].shared.n, 0);
	assert_ptr_equal(host_streams(m.host), s);
	machine_free(&m);
}

/* Behind a bridge from PCIe to PCI requests carry the id of its secondary bus, and two devices cannot be told apart. */
static void behind_a_bridge(void **state _unused_)
{
	struct stream_sender sender;
	struct device_streams d;
	struct machine m;

	add_tree(&m);
	machine_load(&m);
	d = streams_of(&m, "0000:04:01.0");
	assert_int_equal(d.n, 2);
	assert_int_equal(d.v[0].id, 0x408);
	assert_int_equal(d.v[1].id, 0x400);
	assert_string_equal(d.v[1].bridge->name, "0000:03:00.0");
	assert_string_equal(d.v[1].requester, "0000:04:00.0");
	assert_int_equal(d.v[1].shared.n, 1);
	assert_string_equal(d.v[1].shared.v[0], "0000:04:02.0");
	assert_int_equal(streams_of(&m, "0000:03:00.0").n, 1);
	assert_int_equal(stream_find(m.host, NULL, 0x400, &sender), 0);
	assert_null(sender.device);
	assert_true(sender.has_addr);
	assert_int_equal(pci_addr_rid(sender.addr), 0x400);
	assert_int_equal(stream_find(m.host, NULL, 0x408, &sender), 0);
	assert_string_equal(sender.device->name, "0000:04:01.0");
	machine_free(&m);

	/* a bridge whose type cannot be seen: what is known is said, and that it may not be all */
	add_tree(&m);
	machine_remove(&m, ROOT "0000:00:03.0/0000:03:00.0/config");
	machine_load(&m);
	d = streams_of(&m, "0000:04:01.0");
	assert_true(d.known && !d.complete);
	assert_int_equal(d.n, 1);
	machine_free(&m);
}

/* Why a device has no group: another one has its stream id, or firmware leads its requests to no SMMU. */
static void without_group(void **state _unused_)
{
	static const struct machine_pci far = { "0000:00:05.0", .group = MACHINE_NO_GROUP };
	const char *why = NULL;
	struct machine m;

	add_tree(&m);
	machine_load(&m);
	assert_int_equal(device_ungrouped(m.host, machine_dev(&m, "0000:04:01.0"), &why), UNGROUPED_NOT);
	assert_null(why);
	assert_int_equal(device_ungrouped(m.host, machine_dev(&m, "0000:04:02.0"), &why), UNGROUPED_SHARES_STREAM);
	assert_string_equal(why, "its requests carry stream id 0x400, which the SMMU's driver has given to 0000:04:01.0: it takes one device a stream");
	machine_free(&m);

	add_tree(&m);
	machine_pci(&m, &far);
	CELLS(&m, TREE "pcie@10000000/iommu-map", 0, 0x8005, 0, 0x28);
	machine_load(&m);
	assert_int_equal(device_ungrouped(m.host, machine_dev(&m, "0000:00:05.0"), &why), UNGROUPED_BYPASS);
	assert_string_equal(why, "firmware leads its requests to no SMMU, so nothing translates them");
	machine_free(&m);

	/* nothing says which ids there are */
	add_devices(&m);
	machine_load(&m);
	assert_int_equal(device_ungrouped(m.host, machine_dev(&m, "0000:04:02.0"), &why), UNGROUPED_UNKNOWN);
	machine_free(&m);
}

/* Two units; ids are masked, moved, and some lead nowhere. A device that is not PCI has its own. */
static void two_units(void **state _unused_)
{
	static const struct machine_pci far = { "0000:00:05.0", .group = 7 };
	struct stream_sender sender;
	struct device_streams d;
	struct machine m;

	add_tree(&m);
	machine_pci(&m, &far);
	add_smmu(&m, second, "9070000.smmuv3", "soc/smmuv3@9070000", 0x9);
	CELLS(&m, TREE "pcie@10000000/iommu-map", 0x0, 0x8005, 0x10000, 0x28, 0x28, 0x9, 0x20, 0x8, 0x100, 0x77, 0, 8);
	CELLS(&m, TREE "pcie@10000000/iommu-map-mask", 0xfff8);
	machine_other(&m, "platform", "a.gpu", "sys/devices/platform/a.gpu", 8, NULL);
	machine_link(&m, "sys/devices/platform/a.gpu/of_node", "../../../firmware/devicetree/base/soc/gpu@a");
	behind(&m, second, "a.gpu", "sys/devices/platform/a.gpu");
	CELLS(&m, TREE "soc/gpu@a/iommus", 0x9, 0x31, 0x9, 0x33);
	machine_load(&m);
	assert_int_equal(host_streams(m.host)->n, 5);
	d = streams_of(&m, "0000:00:01.0");
	assert_int_equal(d.n, 1);
	assert_int_equal(d.v[0].id, 0x10008);
	d = streams_of(&m, "0000:00:05.0");
	assert_int_equal(d.v[0].id, 0x20);
	assert_string_equal(d.v[0].map->unit->name, second);
	/* it leads to a unit that the kernel does not drive */
	d = streams_of(&m, "0000:01:00.0");
	assert_int_equal(d.n, 1);
	assert_null(d.v[0].map->unit);
	/* and no entry has it */
	d = streams_of(&m, "0000:04:01.0");
	assert_true(d.known);
	assert_int_equal(d.n, 0);
	d = device_streams(m.host, host_device(m.host, "platform", "a.gpu"));
	assert_int_equal(d.n, 2);
	assert_int_equal(d.v[0].id, 0x31);
	assert_int_equal(d.v[1].id, 0x33);
	assert_null(d.v[1].requester);
	assert_int_equal(stream_find(m.host, host_unit(m.host, second), 0x33, &sender), 0);
	assert_string_equal(sender.device->name, "a.gpu");
	assert_int_equal(stream_find(m.host, host_unit(m.host, second), 0x20, &sender), 0);
	assert_string_equal(sender.device->name, "0000:00:05.0");
	assert_int_equal(stream_find(m.host, host_unit(m.host, first), 0x20, &sender), -ENOENT);
	machine_free(&m);
}

/* -- IORT --------------------------------------------------------------------------------------------------------------- */

struct table {
	uint8_t b[1024];
	size_t n;
};

static void put(struct table *t, size_t width, uint64_t v)
{
	for (size_t i = 0; i < width; i++)
		t->b[t->n++] = (uint8_t)(i < sizeof(v) ? v >> 8 * i : 0);
}

static void node(struct table *t, unsigned type, size_t len, unsigned maps, size_t maps_at)
{
	put(t, 1, type);
	put(t, 2, len);
	put(t, 1, 1);
	put(t, 4, 0);
	put(t, 4, maps);
	put(t, 4, maps_at);
}

static void map(struct table *t, uint32_t in, uint32_t count, uint32_t out, uint32_t target, uint32_t flags)
{
	put(t, 4, in);
	put(t, 4, count - 1);
	put(t, 4, out);
	put(t, 4, target);
	put(t, 4, flags);
}

/* An SMMU at 0x30, without the COHACC override; a root complex of segment @segment at 0x74 whose ids lead there from 0x10000 up. */
static void add_iort(struct machine *m, unsigned segment)
{
	struct table t = { 0 };

	memcpy(t.b, "IORT", 4);
	t.n = 36;
	put(&t, 4, 2);
	put(&t, 4, 0x30);
	put(&t, 4, 0);
	node(&t, 4, 68, 0, 0);
	put(&t, 8, 0x9050000);
	put(&t, 44, 0);
	node(&t, 2, 56, 1, 36);
	put(&t, 8, 1);
	put(&t, 4, 0);
	put(&t, 4, segment);
	put(&t, 4, 0);
	map(&t, 0, 0x10000, 0x10000, 0x30, 0);
	t.b[4] = (uint8_t)t.n;
	t.b[8] = 3;
	for (size_t i = 0; i < t.n; i++)
		t.b[9] = (uint8_t)(t.b[9] - (i == 9 ? 0 : t.b[i]));
	machine_write(m, "sys/firmware/acpi/tables/IORT", t.b, t.n);
}

static void iort(void **state _unused_)
{
	struct device_streams d;
	struct stream_sender sender;
	struct machine m;
	const char *why;

	add_devices(&m);
	add_smmu(&m, first, "arm-smmu-v3.0.auto", NULL, 0);
	add_iort(&m, 0);
	machine_load(&m);
	d = streams_of(&m, "0000:01:00.0");
	assert_int_equal(d.n, 1);
	assert_int_equal(d.v[0].id, 0x10100);
	assert_string_equal(d.v[0].map->owner, "root complex at 0x74 of the IORT");
	assert_string_equal(d.v[0].map->unit->name, first);
	assert_int_equal(stream_find(m.host, host_unit(m.host, first), 0x10100, &sender), 0);
	assert_string_equal(sender.device->name, "0000:01:00.0");
	assert_int_equal(stream_find(m.host, host_unit(m.host, first), 0x100, &sender), -ENOENT);
	/* the register is not asked: firmware's word alone counts */
	assert_int_equal(unit_cache_coherent(m.host, host_unit(m.host, first), &why), TRI_NO);
	assert_non_null(strstr(why, "IORT"));
	assert_int_equal(m.ctx.notes.n, 0);
	machine_free(&m);

	add_devices(&m);
	add_smmu(&m, first, "arm-smmu-v3.0.auto", NULL, 0);
	add_iort(&m, 1);
	machine_load(&m);
	d = streams_of(&m, "0000:01:00.0");
	assert_true(d.known);
	assert_int_equal(d.n, 0);
	machine_free(&m);
}

/* -- what is missing, unreadable, not captured ------------------------------------------------------------------------------ */

static const char *hidden(struct machine *m)
{
	const struct unit_info *i = unit_info(m->host, host_unit(m->host, first));

	for (size_t n = 0; n < i->n_hidden; n++)
		if (strstr(i->hidden[n].what, "stream ids"))
			return i->hidden[n].why;
	return "";
}

static void three_answers(void **state _unused_)
{
	static const struct {
		const char *manifest, *says;
		int err;
	} t[] = {
		{ NULL, "neither a devicetree nor an ACPI table IORT maps them", -ENOENT },
		{ "{\"format\":1,\"allow_list\":3}", "neither a devicetree nor an ACPI table IORT maps them", -ENOENT },
		{ "{\"format\":1,\"allow_list\":3,\"unreadable\":[{\"path\":\"sys/firmware/acpi/tables/IORT\",\"errno\":\"EACCES\"}]}",
		  "ACPI table IORT: Permission denied", -EACCES },
	};
	struct device_streams d;
	struct machine m;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		add_devices(&m);
		add_smmu(&m, first, "arm-smmu-v3.0.auto", NULL, 0);
		machine_file(&m, "sys/firmware/memmap/0/type", "x\n");
		if (t[i].manifest)
			machine_file(&m, "iommuctl/manifest.json", "%s", t[i].manifest);
		machine_load(&m);
		d = streams_of(&m, "0000:01:00.0");
		assert_false(d.known);
		assert_int_equal(d.err, t[i].err);
		assert_string_equal(hidden(&m), t[i].says);
		machine_free(&m);
	}

	/* a snapshot from before these properties were captured */
	add_tree(&m);
	machine_remove(&m, TREE "pcie@10000000/iommu-map");
	machine_remove(&m, TREE "smmuv3@9050000/phandle");
	machine_file(&m, "iommuctl/manifest.json", "{\"format\":1,\"allow_list\":2}");
	machine_load(&m);
	d = streams_of(&m, "0000:01:00.0");
	assert_int_equal(d.err, -ENOTCAPTURED);
	assert_true(strstarts(hidden(&m), "devicetree: "));
	assert_int_equal(unit_cache_coherent(m.host, host_unit(m.host, first), NULL), TRI_UNKNOWN);
	machine_free(&m);
}

static void hostile(void **state _unused_)
{
	struct machine m;

	for (int how = 0; how < 7; how++) {
		add_tree(&m);
		if (how == 0)
			machine_file(&m, TREE "pcie@10000000/iommu-map", "odd");
		if (how == 1)
			CELLS(&m, TREE "pcie@10000000/iommu-map", 1, 2, 3);
		if (how == 2)
			CELLS(&m, TREE "pcie@10000000/iommu-map", 0xfffffff0, 0x8005, 0, 0x20);
		if (how == 3)
			CELLS(&m, TREE "pcie@10000000/iommu-map", 0, 0x8005, 0, 0);
		if (how == 4)
			CELLS(&m, TREE "pcie@10000000/iommu-map-mask", 1, 2);
		if (how == 5) {
			CELLS(&m, TREE "pcie@10000000/iommu-map-mask", 0xff00);
			CELLS(&m, TREE "pcie@10000000/iommu-map", 0x1, 0x8005, 0, 1);
		}
		if (how == 6)
			machine_link(&m, ROOT "pci_bus/0000:00/of_node", "../../../../../firmware/devicetree/base/../../../proc");
		machine_load(&m);
		assert_int_equal(streams_of(&m, "0000:01:00.0").n, 0);
		assert_int_not_equal(host_streams(m.host)->tree_err, 0);
		if (how && how < 6)
			assert_true(m.ctx.notes.n > 0);
		machine_free(&m);
	}
}

/* -- faults are named ------------------------------------------------------------------------------------------------------- */

static struct device *who(struct machine *m, uint32_t sid, const char **ret_note)
{
	struct event ev = { .kind = EVENT_FAULT, .vendor = VENDOR_SMMUV3, .has = HAS_SOURCE, .source_id = sid, .unit = { "9050000.smmuv3", 14 } };
	struct fault_notes notes = { .arena = &m->ctx.arena };
	struct device *d = fault_device(m->host, &ev, &notes);

	*ret_note = "";
	for (size_t i = 0; i < notes.v.n; i++)
		*ret_note = arena_printf(&m->ctx.arena, "%s; %s", *ret_note, notes.v.v[i]);
	vec_free(&notes.v);
	return d;
}

static void faults(void **state _unused_)
{
	const char *note;
	struct machine m;

	add_tree(&m);
	machine_load(&m);
	assert_string_equal(who(&m, 0x100, &note)->name, "0000:01:00.0");
	assert_string_equal(note, "");
	/* the id of the bus behind the bridge: it was one of those there */
	assert_string_equal(who(&m, 0x400, &note)->name, "0000:03:00.0");
	assert_non_null(strstr(note, "0000:04:01.0, 0000:04:02.0"));
	/* with one device there, it was that */
	machine_remove(&m, "sys/bus/pci/devices/0000:04:02.0");
	machine_load(&m);
	assert_string_equal(who(&m, 0x400, &note)->name, "0000:04:01.0");
	assert_null(who(&m, 0x900, &note));
	assert_non_null(strstr(note, "has no such device"));
	machine_free(&m);

	/* no table: guessed, and said so; through the bridge too */
	add_devices(&m);
	add_smmu(&m, first, "9050000.smmuv3", NULL, 0);
	machine_file(&m, "sys/firmware/memmap/0/type", "x\n");
	machine_load(&m);
	assert_string_equal(who(&m, 0x100, &note)->name, "0000:01:00.0");
	assert_non_null(strstr(note, "is guessed from id 0x100: no firmware table says how ids map"));
	assert_string_equal(who(&m, 0x400, &note)->name, "0000:03:00.0");
	assert_non_null(strstr(note, "guessed"));
	machine_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devicetree), cmocka_unit_test(behind_a_bridge), cmocka_unit_test(without_group),
		cmocka_unit_test(two_units), cmocka_unit_test(iort),
		cmocka_unit_test(three_answers), cmocka_unit_test(hostile), cmocka_unit_test(faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
