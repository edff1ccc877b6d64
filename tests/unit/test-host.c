// SPDX-License-Identifier: GPL-2.0-or-later
/* Loading a machine: what is joined to what, and what a strange tree must not break. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "machine.h"

static bool warned(const struct machine *m, const char *code, const char *what)
{
	for (size_t i = 0; i < m->ctx.notes.n; i++)
		if (streq(m->ctx.notes.v[i].code, code) && strstr(m->ctx.notes.v[i].what, what))
			return true;
	return false;
}

static void two_devices(struct machine *m)
{
	machine_new(m);
	machine_pci(m, &(struct machine_pci){ "0000:00:03.0", .group = 10, .driver = "e1000e" });
	machine_pci(m, &(struct machine_pci){ "0000:00:04.0", .group = 2, .vendor = 0x144d, .device = 0xa808,
					      .class = 0x010802 });
}

static void devices_groups_and_units_are_joined(void **state _unused_)
{
	struct machine m;
	struct device *d;

	two_devices(&m);
	machine_unit(&m, "dmar0");
	machine_link(&m, "sys/class/iommu/dmar0/devices/0000:00:03.0", "../../../../devices/pci0000:00/0000:00:03.0");
	machine_file(&m, "sys/kernel/iommu_groups/2/type", "DMA-FQ\n");
	machine_file(&m, "sys/kernel/iommu_groups/2/reserved_regions",
		     "0x00000000bdf6e000 0x00000000bdf84fff direct\n0x00000000fee00000 0x00000000feefffff msi\n");
	machine_load(&m);

	assert_int_equal(m.host->n_groups, 2);
	assert_int_equal(m.host->groups[0].id, 2); /* by number, not by name */
	assert_string_equal(m.host->groups[0].type, "DMA-FQ");
	assert_int_equal(m.host->groups[0].n_regions, 2);
	assert_int_equal(m.host->groups[0].regions[0].type, REGION_DIRECT);
	assert_true(m.host->groups[0].regions[0].start == 0xbdf6e000);
	assert_true(m.host->groups[0].regions[0].end == 0xbdf84fff);
	d = machine_dev(&m, "0000:00:03.0");
	assert_string_equal(d->driver, "e1000e");
	assert_int_equal(d->group->id, 10);
	assert_string_equal(d->unit->name, "dmar0");
	assert_string_equal(device_class_word(d), "network");
	d = machine_dev(&m, "0000:00:04.0");
	assert_null(d->driver);
	assert_int_equal(d->driver_err, 0);
	assert_null(d->unit);
	assert_int_equal(d->vendor, 0x144d);
	assert_string_equal(device_class_word(d), "storage");
	machine_free(&m);
}

static void a_clash_suffix_in_a_group_is_seen_through(void **state _unused_)
{
	struct machine m;
	struct device *d;

	two_devices(&m);
	machine_other(&m, "platform", "arm-thing", "sys/devices/platform/arm-thing", 5, "thing-driver");
	machine_remove(&m, "sys/kernel/iommu_groups/5/devices/arm-thing");
	machine_link(&m, "sys/kernel/iommu_groups/5/devices/arm-thing.1", "../../../../devices/platform/arm-thing");
	machine_load(&m);
	d = host_device(m.host, "platform", "arm-thing");
	assert_non_null(d);
	assert_int_equal(d->group->id, 5);
	assert_string_equal(d->driver, "thing-driver");
	assert_null(host_device(m.host, "platform", "arm-thing.1"));
	machine_free(&m);
}

static void a_group_that_vanishes_leaves_the_rest(void **state _unused_)
{
	struct machine m;

	two_devices(&m);
	machine_remove(&m, "sys/kernel/iommu_groups/2/devices");
	machine_file(&m, "sys/kernel/iommu_groups/not-a-number/type", "DMA\n");
	machine_load(&m);
	assert_int_equal(m.host->n_groups, 2);
	assert_int_equal(m.host->groups[0].n_devices, 0);
	assert_int_equal(m.host->groups[1].n_devices, 1);
	assert_true(warned(&m, "unreadable", "devices of group 2"));
	assert_true(warned(&m, "odd-name", "not-a-number"));
	machine_free(&m);
}

/* Another way to write a name must not put another device in the place of the one that has it. */
static void other_names_are_of_nobody(void **state _unused_)
{
	static const char *const devices[] = { "00:04.0", "0000:00:1F.0", "00000000:00:05.0", "0000:00:04.00", "" };
	static const char *const groups[] = { "0x2", "02", "2 ", "+2", "-2", "4294967298" };
	struct machine m;
	struct device *d;
	char path[128];

	two_devices(&m);
	machine_pci(&m, &(struct machine_pci){ "10000:00:00.0", .group = 0 });
	for (size_t i = 0; *devices[i]; i++) {
		PATHF(path, "sys/bus/pci/devices/%s", devices[i]);
		machine_link(&m, path, "../../../devices/pci0000:00/0000:00:03.0");
	}
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		PATHF(path, "sys/kernel/iommu_groups/%s/devices/0000:00:03.0", groups[i]);
		machine_link(&m, path, "../../../../devices/pci0000:00/0000:00:03.0");
	}
	machine_load(&m);
	assert_int_equal(m.host->n_devices, 3);
	assert_int_equal(m.host->n_groups, 3);
	d = machine_dev(&m, "0000:00:04.0");
	assert_string_equal(d->name, "0000:00:04.0");
	assert_int_equal(d->vendor, 0x144d);
	assert_int_equal(d->group->id, 2);
	assert_int_equal(machine_dev(&m, "0000:00:03.0")->group->id, 10);
	assert_int_equal(machine_dev(&m, "10000:00:00.0")->group->id, 0);
	for (size_t i = 0; *devices[i]; i++)
		assert_true(warned(&m, "odd-name", devices[i]));
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		assert_true(warned(&m, "odd-name", groups[i]));
	assert_false(warned(&m, "two-groups", ""));
	machine_free(&m);
}

static void without_the_group_directory_the_links_serve(void **state _unused_)
{
	struct machine m;

	two_devices(&m);
	machine_remove(&m, "sys/kernel/iommu_groups");
	machine_load(&m);
	assert_int_equal(m.host->n_groups, 2);
	assert_int_equal(machine_dev(&m, "0000:00:03.0")->group->id, 10);
	assert_int_equal(m.host->groups[0].type_err, -ENOENT);
	assert_true(warned(&m, "no-group-listing", "groups taken from the devices' links"));
	machine_free(&m);
}

static void without_the_bus_directory_the_groups_serve(void **state _unused_)
{
	struct machine m;
	struct device *d;

	two_devices(&m);
	machine_remove(&m, "sys/bus/pci/devices");
	machine_load(&m);
	assert_int_equal(m.host->n_devices, 2);
	d = machine_dev(&m, "0000:00:03.0");
	assert_true(d->is_pci);
	assert_string_equal(d->driver, "e1000e");
	machine_free(&m);
}

static void a_device_that_dangles_is_said(void **state _unused_)
{
	struct machine m;
	struct device *d;

	two_devices(&m);
	machine_remove(&m, "sys/devices/pci0000:00/0000:00:04.0");
	machine_load(&m);
	d = machine_dev(&m, "0000:00:04.0");
	assert_false(d->has_ids);
	assert_int_equal(d->driver_err, -ENOENT); /* unknown, not "none" */
	assert_true(warned(&m, "unreadable", "driver of 0000:00:04.0"));
	assert_string_equal(machine_dev(&m, "0000:00:03.0")->driver, "e1000e");
	machine_free(&m);
}

static void odd_attributes_are_unknown_with_a_warning(void **state _unused_)
{
	static char big[1 << 20];
	struct machine m;

	memset(big, 'x', sizeof(big));
	two_devices(&m);
	machine_file(&m, "sys/kernel/iommu_groups/2/type", "%s", "");
	machine_write(&m, "sys/kernel/iommu_groups/10/type", big, sizeof(big));
	machine_file(&m, "sys/kernel/iommu_groups/2/reserved_regions", "rubbish\n0x5 0x1 msi\n0x0 0xfff direct\n");
	machine_file(&m, "sys/kernel/iommu_groups/10/reserved_regions", "%s", "");
	machine_file(&m, "sys/devices/pci0000:00/0000:00:04.0/uevent", "PCI_CLASS=zzz\nPCI_ID=1:2:3\n");
	machine_remove(&m, "sys/devices/pci0000:00/0000:00:04.0/vendor");
	machine_load(&m);
	assert_null(m.host->groups[0].type);
	assert_null(m.host->groups[1].type);
	assert_int_equal(m.host->groups[1].type_err, -EFBIG);
	assert_true(warned(&m, "unreadable", "type of group 10"));
	assert_int_equal(m.host->groups[0].n_regions, 1);
	assert_int_equal(m.host->groups[0].regions_err, -EINVAL);
	assert_int_equal(m.host->groups[1].n_regions, 0);
	assert_int_equal(m.host->groups[1].regions_err, 0); /* an empty file is an answer */
	assert_false(machine_dev(&m, "0000:00:04.0")->has_ids);
	assert_true(warned(&m, "no-ids", "0000:00:04.0"));
	machine_free(&m);
}

/* More than 64 devices: drivers come from the drivers' own links, and from the devices' where those are missing. */
static void drivers_either_way_round(void **state _unused_)
{
	struct machine m;
	char path[64];

	machine_new(&m);
	for (int i = 0; i < 96; i++) {
		snprintf(path, sizeof(path), "0000:%02x:00.0", i);
		machine_pci(&m, &(struct machine_pci){ path, .group = i, .driver = i % 3 ? "nvme" : NULL });
		if (i % 2 || i % 3 == 0)
			continue;
		snprintf(path, sizeof(path), "sys/bus/pci/drivers/nvme/0000:%02x:00.0", i);
		machine_link(&m, path, "../../../../devices/somewhere");
	}
	machine_load(&m);
	for (int i = 0; i < 96; i++) {
		struct device *d;

		snprintf(path, sizeof(path), "0000:%02x:00.0", i);
		d = machine_dev(&m, path);
		assert_true(streq(d->driver, i % 3 ? "nvme" : NULL));
		assert_int_equal(d->driver_err, 0);
	}
	machine_free(&m);
}

/* What is on a bus that no IOMMU sees is found by "bus/name", and is in no list. */
static void a_device_of_another_bus(void **state _unused_)
{
	static const char *const none[] = { "virtio/virtio2", "virtio/", "/virtio1", "virtio/../x", "virtio/virtio1/net", "../virtio1", "usb/virtio1",
					    "virtio1", "pci/virtio1" };
	struct device *d, *again;
	struct group *g;
	struct machine m;
	size_t n;

	machine_new(&m);
	machine_pci(&m, &(struct machine_pci){ "0000:00:03.0", .group = 10, .driver = "virtio-pci" });
	machine_other(&m, "virtio", "virtio1", "sys/devices/pci0000:00/0000:00:03.0/virtio1", MACHINE_NO_GROUP, "virtio_net");
	machine_load(&m);
	n = m.host->n_devices;
	assert_int_equal(host_find_device(m.host, "virtio/virtio1", &d), 0);
	assert_string_equal(d->name, "virtio1");
	assert_string_equal(d->bus, "virtio");
	assert_string_equal(d->driver, "virtio_net");
	assert_string_equal(device_path(m.host, d), "sys/devices/pci0000:00/0000:00:03.0/virtio1");
	assert_null(d->group);
	assert_false(device_is_listed(m.host, d));
	assert_ptr_equal(device_sits_on(m.host, d), machine_dev(&m, "0000:00:03.0"));
	assert_null(device_sits_on(m.host, machine_dev(&m, "0000:00:03.0")));
	assert_int_equal(m.host->n_devices, n);
	assert_int_equal(host_find_device(m.host, "virtio/virtio1", &again), 0);
	assert_ptr_equal(d, again);
	assert_int_equal(host_find_group(m.host, "virtio/virtio1", &g), -ENODEV);
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		assert_int_equal(host_find_device(m.host, none[i], &d), -ENOENT);
	machine_free(&m);
}

static void what_the_user_types(void **state _unused_)
{
	struct machine m;
	struct device *d;
	struct group *g;

	machine_new(&m);
	machine_pci(&m, &(struct machine_pci){ "0000:00:03.0", .group = 10, .driver = "e1000e" });
	machine_pci(&m, &(struct machine_pci){ "0000:00:04.0", .group = 2, .driver = "e1000e" });
	machine_pci(&m, &(struct machine_pci){ "0000:00:0e.0/pci10000:e0/10000:e0:06.0", .group = MACHINE_NO_GROUP,
					       .vendor = 0x144d, .device = 0xa808, .class = 0x010802 });
	machine_other(&m, "platform", "thing", "sys/devices/platform/thing", 5, NULL);
	machine_link(&m, "sys/class/net/eth0", "../../devices/pci0000:00/0000:00:03.0/net/eth0");
	machine_load(&m);

	static const struct {
		const char *spec, *name;
		int r;
	} t[] = {
		{ "0000:00:03.0", "0000:00:03.0", 0 }, { "00:03.0", "0000:00:03.0", 0 },
		{ "pci/0000:00:03.0", "0000:00:03.0", 0 }, { "pci_0000_00_03_0", "0000:00:03.0", 0 },
		{ "net:eth0", "0000:00:03.0", 0 }, { "platform/thing", "thing", 0 }, { "thing", "thing", 0 },
		{ "id:144d:a808", "10000:e0:06.0", 0 }, { "10000:e0:06.0", "10000:e0:06.0", 0 },
		{ "id:8086:10d3", NULL, -ENOTUNIQ }, { "id:1:2", NULL, -ENOENT }, { "id:zz", NULL, -EINVAL },
		{ "00:05.0", NULL, -ENOENT }, { "net:eth1", NULL, -ENOENT }, { "net:../x", NULL, -ENOENT },
		{ "", NULL, -ENOENT }, { "00:03.8", NULL, -ENOENT }, { "00:20.0", NULL, -ENOENT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		size_t notes = m.ctx.notes.n;

		d = NULL;
		assert_int_equal(host_find_device(m.host, t[i].spec, &d), t[i].r);
		assert_true(streq(d ? d->name : NULL, t[i].name));
		assert_int_equal(m.ctx.notes.n - notes, t[i].r ? 1 : 0);
	}
	assert_int_equal(host_find_group(m.host, "10", &g), 0);
	assert_int_equal(g->id, 10);
	assert_int_equal(host_find_group(m.host, "00:04.0", &g), 0);
	assert_int_equal(g->id, 2);
	assert_int_equal(host_find_group(m.host, "3", &g), -ENOENT);
	assert_int_equal(host_find_group(m.host, "4294967296", &g), -ENOENT);
	assert_string_equal(m.ctx.notes.v[m.ctx.notes.n - 1].code, "no-group");
	assert_int_equal(host_find_group(m.host, "", &g), -ENOENT);
	assert_string_equal(m.ctx.notes.v[m.ctx.notes.n - 1].why, "the name is empty");
	assert_int_equal(host_find_group(m.host, "10000:e0:06.0", &g), -ENODEV);
	machine_free(&m);
}

static void kinds_of_unit(void **state _unused_)
{
	static const struct {
		const char *name;
		enum unit_kind kind;
	} t[] = {
		{ "dmar0", UNIT_VTD }, { "ivhd3", UNIT_AMD }, { "smmu3.0x0000000009050000", UNIT_SMMUV3 },
		{ "smmu.0x0000000005000000", UNIT_SMMUV2 }, { "0000:00:01.0", UNIT_VIRTIO },
		{ "iommufd_selftest_iommu.0", UNIT_MOCK }, { "riscv-iommu@x", UNIT_RISCV },
		{ "something-else", UNIT_UNKNOWN },
	};
	struct machine m;

	machine_new(&m);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		char path[128];

		snprintf(path, sizeof(path), "sys/class/iommu/%s/uevent", t[i].name);
		machine_file(&m, path, "%s", "");
	}
	machine_load(&m);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(host_unit(m.host, t[i].name)->kind, t[i].kind);
	machine_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_groups_and_units_are_joined),
		cmocka_unit_test(a_clash_suffix_in_a_group_is_seen_through),
		cmocka_unit_test(a_group_that_vanishes_leaves_the_rest),
		cmocka_unit_test(other_names_are_of_nobody),
		cmocka_unit_test(without_the_group_directory_the_links_serve),
		cmocka_unit_test(without_the_bus_directory_the_groups_serve),
		cmocka_unit_test(a_device_that_dangles_is_said),
		cmocka_unit_test(odd_attributes_are_unknown_with_a_warning),
		cmocka_unit_test(drivers_either_way_round),
		cmocka_unit_test(what_the_user_types),
		cmocka_unit_test(a_device_of_another_bus),
		cmocka_unit_test(kinds_of_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
