// SPDX-License-Identifier: GPL-2.0-or-later
/* What a guest needs: units, page tables, layouts, arguments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "abi/iommufd.h"
#include "base/str.h"
#include "diag/guest-plan.h"
#include "diag/viability.h"
#include "host/vtd-tables.h"
#include "machine.h"

/* 48 bits, pages to 1 GiB; the same to 2 MiB; the same with 39 bits. */
#define CAP_1G 0xd2008c222f0686ull
#define CAP_2M 0xd20084222f0686ull
#define CAP_39 0xd2008c22260286ull
/* Scalable mode with second stage, coherent walks and snoop control; and what nests. */
#define ECAP_PLAIN (0xf00f5eull | 1ull << 43 | 1ull << 46 | 1ull << 48 | 1ull << 7)
#define ECAP_NESTS (ECAP_PLAIN | 1ull << 26)

static void build(struct machine *m)
{
	machine_new(m);
	machine_file(m, "proc/interrupts", " CPU0\n 24: 3 IR-PCI-MSIX-0000:01:00.0 0-edge eth0\n");
	machine_file(m, "proc/kallsyms", "0000000000000000 T iommu_group_get\n0000000000000000 T iommu_device_use_default_domain\n");
	machine_file(m, "sys/module/kernel/initstate", "live\n");
	machine_file(m, "iommuctl/holders.json", "{\"complete\":true,\"unseen\":0,\"why\":null,\"held\":[]}\n");
}

/* "0000:01:00.0" below a port of its own, on vfio-pci, behind @unit. */
static void card(struct machine *m, unsigned bus, const char *unit, int group, const char *driver)
{
	char port[32], path[64], file[128], target[256];
	struct machine_pci p = { port, .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 1000 + (int)bus, .driver = "pcieport" };
	struct machine_pci d = { path, .group = group, .driver = driver };

	snprintf(port, sizeof(port), "0000:00:%02x.%u", bus % 32, bus / 32);
	snprintf(path, sizeof(path), "%s/0000:%02x:00.0", port, bus);
	p.secondary = (uint8_t)bus;
	machine_pci(m, &p);
	machine_pci(m, &d);
	snprintf(file, sizeof(file), "sys/class/iommu/%s/devices/0000:%02x:00.0", unit, bus);
	snprintf(target, sizeof(target), "../../../../pci0000:00/%s", path);
	machine_link(m, file, target);
}

static void vtd(struct machine *m, const char *name, uint64_t cap, uint64_t ecap)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/class/iommu/%s/intel-iommu/cap", name);
	machine_file(m, path, "%llx\n", (unsigned long long)cap);
	snprintf(path, sizeof(path), "sys/class/iommu/%s/intel-iommu/ecap", name);
	machine_file(m, path, "%llx\n", (unsigned long long)ecap);
}

static void amd(struct machine *m, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/class/iommu/%s/amd-iommu/features", name);
	machine_file(m, path, "29d3:0\n");
	snprintf(path, sizeof(path), "sys/class/iommu/%s/amd-iommu/cap", name);
	machine_file(m, path, "40b\n");
}

/* The plan for the first device of buses 1 to @n. */
static void plan(struct machine *m, unsigned n, const char *machine, const char *layout, struct guest_plan *ret)
{
	struct guest_question q = { .machine = machine, .layout = layout };
	char name[32];

	machine_load(m);
	q.devices = arena_array(&m->host->arena, struct device *, n);
	for (q.n = 0; q.n < n; q.n++) {
		snprintf(name, sizeof(name), "0000:%02zx:00.0", q.n + 1);
		q.devices[q.n] = machine_dev(m, name);
	}
	q.guard = guard_facts_read(m->host, NULL);
	guest_plan(m->host, &q, ret);
}

static const struct guest_fit *fit(const struct guest_plan *p, size_t i)
{
	assert_true(i < p->fits.n);
	return (const struct guest_fit *)p->fits.v + i;
}

static const struct guest_layout *layout(const struct guest_plan *p, const char *name)
{
	const struct guest_layout *v = p->layouts.v;

	for (size_t i = 0; i < p->layouts.n; i++)
		if (streq(v[i].layout, name))
			return &v[i];
	fail_msg("no layout %s", name);
	return NULL;
}

static bool has_reason(const struct guest_plan *p, const char *code)
{
	const struct reason *v = p->reasons.v;

	for (size_t i = 0; i < p->reasons.n; i++)
		if (streq(v[i].code, code))
			return true;
	return false;
}

static bool has_argument(const struct guest_plan *p, const char *value)
{
	for (size_t i = 0; i < p->qemu.n; i++)
		if (streq(p->qemu.v[i], value))
			return true;
	return false;
}

static void two_vtd(struct machine *m, uint64_t cap0, uint64_t ecap0, uint64_t cap1, uint64_t ecap1, struct guest_plan *ret)
{
	build(m);
	vtd(m, "dmar0", cap0, ecap0);
	vtd(m, "dmar1", cap1, ecap1);
	card(m, 1, "dmar0", 1, "vfio-pci");
	card(m, 2, "dmar1", 2, "vfio-pci");
	plan(m, 2, NULL, NULL, ret);
}

/* -- page tables ------------------------------------------------------------------------------------------------------------ */

static void alike_units_share(void **state)
{
	const struct guest_table *t;
	const struct guest_unit *u;
	struct guest_plan p;
	struct machine m;

	(void)state;
	two_vtd(&m, CAP_1G, ECAP_NESTS, CAP_1G, ECAP_NESTS, &p);
	assert_string_equal(p.verdict, "ready");
	assert_int_equal(p.units.n, 2);
	assert_int_equal(p.tables.n, 1);
	t = p.tables.v;
	assert_int_equal(t->units.n, 2);
	assert_int_equal(t->nest_parent, TRI_YES);
	assert_int_equal(t->certain, TRI_NO);
	assert_true(has_reason(&p, "guess"));
	assert_int_equal(t->address_bits.v, 48);
	assert_int_equal(t->page_sizes.n, 3);
	assert_string_equal(t->page_sizes.v[2], "1G");
	assert_int_equal(fit(&p, 0)->fits, TRI_YES);
	u = p.units.v;
	assert_string_equal(u->nests_by, "hwpt");
	assert_null(u->viommu);
	assert_int_equal(p.viommus.v, 0);
	/* one IOMMU is all that an x86 machine takes */
	assert_string_equal(p.layout, "shared");
	assert_string_equal(p.guest_iommu, "intel-iommu");
	assert_int_equal(layout(&p, "per-iommu")->possible, TRI_NO);
	assert_int_equal(layout(&p, "shared")->broadcast.v, 2);
	assert_string_equal(p.qemu_version, "11.0");
	machine_free(&m);
}

static void one_unit_is_certain(void **state)
{
	const struct guest_table *t;
	struct guest_plan p;
	struct machine m;

	(void)state;
	build(&m);
	vtd(&m, "dmar0", CAP_1G, ECAP_NESTS);
	card(&m, 1, "dmar0", 1, "vfio-pci");
	card(&m, 2, "dmar0", 2, "vfio-pci");
	plan(&m, 2, NULL, NULL, &p);
	t = p.tables.v;
	assert_int_equal(p.tables.n, 1);
	assert_int_equal(t->certain, TRI_YES);
	assert_int_equal(p.fits.n, 0);
	assert_false(has_reason(&p, "guess"));
	assert_string_equal(p.layout, "per-iommu");
	assert_int_equal(layout(&p, "shared")->broadcast.v, 1);
	/* a root bus of its own needs only who is told apart from others */
	assert_true(has_argument(&p, "pcie-root-port,id=rp0,bus=pcie.0,chassis=1"));
	machine_free(&m);
}

/* A table for a unit with fewer sizes does for both, and not the other way round: order matters, as it does when it is tried. */
static void sizes_decide(void **state)
{
	struct guest_plan p;
	struct machine m;

	(void)state;
	two_vtd(&m, CAP_1G, ECAP_NESTS, CAP_2M, ECAP_NESTS, &p);
	assert_int_equal(p.tables.n, 2);
	assert_int_equal(fit(&p, 0)->fits, TRI_NO);
	assert_string_equal(fit(&p, 0)->code, "page-sizes");
	machine_free(&m);
	two_vtd(&m, CAP_2M, ECAP_NESTS, CAP_1G, ECAP_NESTS, &p);
	assert_int_equal(p.tables.n, 1);
	machine_free(&m);
}

static void each_rule_has_its_word(void **state)
{
	static const struct {
		uint64_t cap0, ecap0, cap1, ecap1;
		const char *code;
	} t[] = {
		{ CAP_1G, ECAP_NESTS, CAP_1G, ECAP_PLAIN, "nesting" },
		{ CAP_1G, ECAP_PLAIN, CAP_1G, ECAP_NESTS, "not-a-parent" },
		{ CAP_1G, ECAP_PLAIN, CAP_39, ECAP_PLAIN, "address-width" },
		{ CAP_1G, ECAP_PLAIN, CAP_1G, ECAP_PLAIN & ~(1ull << 48), "coherency" },
		{ CAP_1G, ECAP_PLAIN, CAP_1G, ECAP_PLAIN & ~(1ull << 7), "snoop" },
		{ CAP_1G, ECAP_PLAIN, CAP_1G, (ECAP_PLAIN & ~(1ull << 46)) | 1ull << 47, "stage" },
		{ CAP_1G & ~(1ull << 7), ECAP_PLAIN, CAP_1G | 1ull << 7, ECAP_PLAIN, "write-buffer" },
		{ CAP_1G, ECAP_PLAIN | 1ull << 47, CAP_1G, ECAP_PLAIN, "stage" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct guest_plan p;
		struct machine m;

		two_vtd(&m, t[i].cap0, t[i].ecap0, t[i].cap1, t[i].ecap1, &p);
		assert_int_equal(p.tables.n, 2);
		assert_int_equal(fit(&p, 0)->fits, TRI_NO);
		assert_string_equal(fit(&p, 0)->code, t[i].code);
		machine_free(&m);
	}
}

/* The third unit takes the second table. */
static void all_tables_are_tried(void **state)
{
	const struct guest_unit *u;
	struct guest_plan p;
	struct machine m;

	(void)state;
	build(&m);
	vtd(&m, "dmar0", CAP_1G, ECAP_NESTS);
	vtd(&m, "dmar1", CAP_1G, ECAP_PLAIN);
	vtd(&m, "dmar2", CAP_1G, ECAP_PLAIN);
	card(&m, 1, "dmar0", 1, "vfio-pci");
	card(&m, 2, "dmar1", 2, "vfio-pci");
	card(&m, 3, "dmar2", 3, "vfio-pci");
	plan(&m, 3, NULL, NULL, &p);
	assert_int_equal(p.tables.n, 2);
	assert_int_equal(p.fits.n, 3);
	u = p.units.v;
	assert_string_equal(u[2].table, u[1].table);
	assert_string_not_equal(u[2].table, u[0].table);
	/* not all of them nest: the guest gets none, and may have one that is followed by hand */
	assert_string_equal(p.layout, "none");
	assert_int_equal(layout(&p, "shared")->possible, TRI_YES);
	machine_free(&m);
}

static void unread_registers_are_open(void **state)
{
	const struct guest_unit *u;
	struct guest_plan p;
	struct machine m;

	(void)state;
	build(&m);
	vtd(&m, "dmar0", CAP_1G, ECAP_NESTS);
	machine_unit(&m, "dmar1");
	card(&m, 1, "dmar0", 1, "vfio-pci");
	card(&m, 2, "dmar1", 2, "vfio-pci");
	plan(&m, 2, NULL, NULL, &p);
	assert_int_equal(p.tables.n, 2);
	assert_int_equal(fit(&p, 0)->fits, TRI_UNKNOWN);
	assert_string_equal(fit(&p, 0)->code, "registers");
	u = p.units.v;
	assert_int_equal(u[1].nests, TRI_UNKNOWN);
	assert_false(u[1].address_bits.known);
	assert_false(u[1].page_sizes.known);
	machine_free(&m);
}

/* -- other drivers ------------------------------------------------------------------------------------------------------------ */

static void smmus_share_nothing(void **state)
{
	static const char *const names[] = { "smmu3.0x0000000009050000", "smmu3.0x0000000009090000" };
	struct guest_plan p;
	struct machine m;
	char path[128];

	(void)state;
	build(&m);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "sys/class/iommu/%s/devices/.keep", names[i]);
		machine_file(&m, path, "%s", "");
		machine_remove(&m, path);
	}
	card(&m, 1, names[0], 1, "vfio-pci");
	card(&m, 2, names[1], 2, "vfio-pci");
	plan(&m, 2, NULL, NULL, &p);
	assert_int_equal(p.tables.n, 2);
	assert_string_equal(fit(&p, 0)->code, "instance");
	assert_int_equal(p.viommus.v, 2);
	assert_string_equal(p.machine, "virt");
	assert_string_equal(p.layout, "per-iommu");
	assert_int_equal(layout(&p, "per-iommu")->possible, TRI_UNKNOWN); /* its registers are in no file */
	assert_int_equal(layout(&p, "per-iommu")->broadcast.v, 1);
	assert_true(has_argument(&p, "pxb-pcie,id=pxb0,bus=pcie.0,bus_nr=252"));
	assert_true(has_argument(&p, "pxb-pcie,id=pxb1,bus=pcie.0,bus_nr=254"));
	assert_true(has_argument(&p, "arm-smmuv3,id=smmu1,primary-bus=pxb1,accel=on"));
	assert_true(has_argument(&p, "pcie-root-port,id=rp1,bus=pxb1,chassis=2,addr=0.0"));
	assert_true(has_argument(&p, "vfio-pci,id=hostdev1,host=0000:02:00.0,bus=rp1,iommufd=iommufd0"));
	assert_non_null(strstr(p.libvirt, "<driver pciBus='2' accel='on'/>"));
	/* one for all cannot use the hardware's stages */
	plan(&m, 2, NULL, "shared", &p);
	assert_string_equal(p.guest_iommu, "virtio-iommu-pci");
	assert_string_equal(p.qemu_version, "9.0");
	machine_free(&m);
}

static void amd_units_share_and_do_not_nest(void **state)
{
	const struct guest_unit *u;
	struct guest_plan p;
	struct machine m;

	(void)state;
	build(&m);
	amd(&m, "ivhd0");
	amd(&m, "ivhd1");
	card(&m, 1, "ivhd0", 1, "vfio-pci");
	card(&m, 2, "ivhd1", 2, "vfio-pci");
	plan(&m, 2, NULL, NULL, &p);
	assert_int_equal(p.tables.n, 1);
	u = p.units.v;
	assert_int_equal(u->nests, TRI_NO);
	assert_null(u->nests_by);
	assert_int_equal(u->page_sizes.n, 1);
	assert_string_equal(u->page_sizes.v[0], "4K and above");
	assert_string_equal(p.layout, "none");
	assert_string_equal(p.machine, "q35");
	assert_false(has_reason(&p, "machine"));
	machine_free(&m);
}

static void mixed_drivers_are_certain(void **state)
{
	const struct guest_table *t;
	struct guest_plan p;
	struct machine m;

	(void)state;
	build(&m);
	vtd(&m, "dmar0", CAP_1G, ECAP_PLAIN);
	amd(&m, "ivhd0");
	card(&m, 1, "dmar0", 1, "vfio-pci");
	card(&m, 2, "ivhd0", 2, "vfio-pci");
	plan(&m, 2, NULL, NULL, &p);
	assert_int_equal(p.tables.n, 2);
	assert_string_equal(fit(&p, 0)->code, "driver");
	t = p.tables.v;
	assert_int_equal(t[0].certain, TRI_YES);
	assert_int_equal(t[1].certain, TRI_YES);
	assert_true(has_reason(&p, "machine"));
	machine_free(&m);
}

/* -- groups ------------------------------------------------------------------------------------------------------------------- */

static void groups_come_along(void **state)
{
	const struct guest_device *d;
	const struct step *s;
	struct guest_plan p;
	struct machine m;

	(void)state;
	build(&m);
	vtd(&m, "dmar0", CAP_1G, ECAP_PLAIN);
	card(&m, 1, "dmar0", 1, "e1000e");
	card(&m, 2, "dmar0", 1, "e1000e");
	card(&m, 3, "dmar0", 1, NULL);
	plan(&m, 1, NULL, NULL, &p);
	assert_int_equal(p.devices.n, 3);
	d = p.devices.v;
	assert_string_equal(d[0].device, "0000:01:00.0");
	assert_int_equal(d[0].asked, TRI_YES);
	assert_int_equal(d[0].managed_rebinds, TRI_YES);
	assert_int_equal(d[1].asked, TRI_NO);
	assert_int_equal(d[1].leaves, TRI_YES);
	assert_non_null(d[1].guard);
	assert_null(d[1].table);
	assert_int_equal(d[1].managed_rebinds, TRI_NO);
	assert_int_equal(d[2].leaves, TRI_NO);
	assert_null(d[2].guard);
	assert_true(p.steps.n >= 2);
	s = p.steps.v;
	assert_string_equal(s[0].to, "vfio-pci");
	assert_true(has_reason(&p, "managed"));
	assert_false(has_reason(&p, "one-table-a-group"));
	/* both of a group: behind one bridge, where the guest cannot tell them apart either */
	plan(&m, 2, NULL, "shared", &p);
	assert_true(has_reason(&p, "one-table-a-group"));
	assert_true(has_argument(&p, "pcie-pci-bridge,id=br0,bus=rp0"));
	assert_true(has_argument(&p, "vfio-pci,id=hostdev0,host=0000:01:00.0,bus=br0,addr=1,iommufd=iommufd0"));
	assert_true(has_argument(&p, "vfio-pci,id=hostdev1,host=0000:02:00.0,bus=br0,addr=2,iommufd=iommufd0"));
	assert_non_null(strstr(p.libvirt, "model='pcie-to-pci-bridge'"));
	machine_free(&m);
}

static void worst_group_decides(void **state)
{
	struct guest_plan p;
	struct machine m;

	(void)state;
	build(&m);
	vtd(&m, "dmar0", CAP_1G, ECAP_PLAIN);
	card(&m, 1, "dmar0", 1, "vfio-pci");
	card(&m, 2, "dmar0", 2, "e1000e");
	machine_file(&m, "sys/kernel/iommu_groups/1/reserved_regions", "0x00000000bdf6e000 0x00000000bdf84fff direct\n");
	plan(&m, 2, NULL, NULL, &p);
	assert_string_equal(p.verdict, "blocked");
	assert_true(has_reason(&p, "direct-region"));
	machine_free(&m);
}

/* -- arguments ---------------------------------------------------------------------------------------------------------------- */

static void without_iommufd(void **state)
{
	struct guest_plan p;
	struct machine m;

	(void)state;
	build(&m);
	vtd(&m, "dmar0", CAP_1G, ECAP_NESTS);
	card(&m, 1, "dmar0", 1, "vfio-pci");
	machine_file(&m, "proc/config.gz", "# CONFIG_IOMMUFD is not set\nCONFIG_VFIO=m\n");
	plan(&m, 1, NULL, NULL, &p);
	assert_string_equal(p.interface, "legacy");
	assert_true(has_reason(&p, "no-iommufd"));
	assert_string_equal(p.layout, "none");
	assert_true(has_argument(&p, "vfio-pci,id=hostdev0,host=0000:01:00.0,bus=rp0"));
	assert_null(p.qemu_version);
	assert_null(strstr(p.libvirt, "iommufd"));
	machine_free(&m);
}

static void many_devices(void **state)
{
	struct guest_plan p;
	struct machine m;

	(void)state;
	build(&m);
	vtd(&m, "dmar0", CAP_1G, ECAP_PLAIN);
	for (unsigned i = 1; i <= 224; i++)
		card(&m, i, "dmar0", (int)i, "vfio-pci");
	plan(&m, 40, NULL, NULL, &p);
	/* 40 ports and the root itself */
	assert_true(has_argument(&p, "pxb-pcie,id=pxb0,bus=pcie.0,bus_nr=215"));
	assert_true(has_argument(&p, "pcie-root-port,id=rp33,bus=pxb0,chassis=34,addr=1.1,multifunction=on"));
	assert_true(has_argument(&p, "pcie-root-port,id=rp1,bus=pxb0,chassis=2,addr=1.0,multifunction=on"));
	plan(&m, 223, NULL, NULL, &p);
	assert_string_equal(p.verdict, "ready");
	plan(&m, 224, NULL, NULL, &p);
	assert_string_equal(p.verdict, "too-many");
	assert_int_equal(p.qemu.n, 0);
	assert_null(p.libvirt);
	machine_free(&m);
}

static void machines_without_buses(void **state)
{
	struct guest_plan p;
	struct machine m;

	(void)state;
	build(&m);
	vtd(&m, "dmar0", CAP_1G, ECAP_NESTS);
	card(&m, 1, "dmar0", 1, "vfio-pci");
	plan(&m, 1, "pc", "shared", &p);
	assert_string_equal(p.layout, "none");
	assert_true(has_reason(&p, "layout"));
	assert_true(has_argument(&p, "vfio-pci,id=hostdev0,host=0000:01:00.0,iommufd=iommufd0"));
	assert_int_equal(p.qemu.n, 6);
	assert_null(strstr(p.libvirt, "root-port"));
	machine_free(&m);
}

/* A driver that calls itself something else is what libvirt is to take, and its name is a machine's to choose. */
static void names_are_escaped(void **state)
{
	struct guest_plan p;
	struct machine m;

	(void)state;
	build(&m);
	vtd(&m, "dmar0", CAP_1G, ECAP_PLAIN);
	card(&m, 1, "dmar0", 1, "a'<&\x01\xff-vfio-pci");
	plan(&m, 1, NULL, NULL, &p);
	assert_non_null(strstr(p.libvirt, "<driver model='a&#39;&#60;&#38;\xef\xbf\xbd\xef\xbf\xbd-vfio-pci' iommufd='yes'/>"));
	machine_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alike_units_share),
		cmocka_unit_test(one_unit_is_certain),
		cmocka_unit_test(sizes_decide),
		cmocka_unit_test(each_rule_has_its_word),
		cmocka_unit_test(all_tables_are_tried),
		cmocka_unit_test(unread_registers_are_open),
		cmocka_unit_test(smmus_share_nothing),
		cmocka_unit_test(amd_units_share_and_do_not_nest),
		cmocka_unit_test(mixed_drivers_are_certain),
		cmocka_unit_test(groups_come_along),
		cmocka_unit_test(worst_group_decides),
		cmocka_unit_test(without_iommufd),
		cmocka_unit_test(many_devices),
		cmocka_unit_test(machines_without_buses),
		cmocka_unit_test(names_are_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
