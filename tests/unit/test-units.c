// SPDX-License-Identifier: GPL-2.0-or-later
/* Units in full: registers, members, firmware's word, and attributes that are not what they should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "host/units.h"
#include "machine.h"

static bool has_feature(const struct unit_info *i, const char *word)
{
	for (size_t n = 0; n < i->features.n; n++)
		if (streq(i->features.v[n], word))
			return true;
	return false;
}

static const char *hidden_why(const struct unit_info *i, const char *what)
{
	for (size_t n = 0; n < i->n_hidden; n++)
		if (strstr(i->hidden[n].what, what))
			return i->hidden[n].why;
	return NULL;
}

/* A root port with an endpoint below it, and an RMRR for the endpoint: 00:03.0 -> 00.0. */
static void machine_with_rmrr(struct machine *m)
{
	static const struct machine_pci pci[] = {
		{ "0000:00:03.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 1, .driver = "pcieport",
		  .secondary = 1 },
		{ "0000:00:03.0/0000:01:00.0", .group = 2, .driver = "e1000e" },
	};
	static const uint8_t dmar[] = {
		'D', 'M', 'A', 'R', 0x62, 0, 0, 0, 1, 0, 'L', 'A', 'B', ' ', ' ', ' ', 'M', 'A', 'D', 'E', ' ', ' ', ' ', ' ',
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 38, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 16, 0, 1, 0, 0, 0, 0, 0, 0xd9, 0xfe, 0, 0, 0, 0,		    /* DRHD, include all */
		1, 0, 34, 0, 0, 0, 0, 0, 0, 0, 0, 0x60, 0, 0, 0, 0, 0xff, 0xff, 1, 0x60, 0, 0, 0, 0, /* RMRR */
		1, 10, 0, 0, 0, 0, 3, 0, 0, 0,
	};

	machine_new(m);
	for (size_t i = 0; i < ARRAY_SIZE(pci); i++)
		machine_pci(m, &pci[i]);
	machine_unit(m, "dmar0");
	machine_file(m, "sys/class/iommu/dmar0/intel-iommu/address", "fed90000\n");
	machine_file(m, "sys/class/iommu/dmar0/intel-iommu/cap", "8d2078c106f0466\n");
	machine_file(m, "sys/class/iommu/dmar0/intel-iommu/ecap", "f020de\n");
	machine_file(m, "sys/class/iommu/dmar0/intel-iommu/domains_supported", "65536\n");
	machine_file(m, "sys/class/iommu/dmar0/intel-iommu/domains_used", "7\n");
	machine_link(m, "sys/class/iommu/dmar0/devices/0000:00:03.0", "../../../../pci0000:00/0000:00:03.0");
	machine_link(m, "sys/class/iommu/dmar0/devices/0000:01:00.0", "../../../../pci0000:00/0000:00:03.0/0000:01:00.0");
	machine_file(m, "sys/kernel/iommu_groups/2/reserved_regions",
		     "0x0000000060000000 0x000000006001ffff direct\n0x00000000fee00000 0x00000000feefffff msi\n");
	machine_write(m, "sys/firmware/acpi/tables/DMAR", dmar, sizeof(dmar));
}

static void vtd_in_full(void **state _unused_)
{
	struct machine m;
	const struct unit_info *i;
	struct unit_reserved *rows;
	struct unit *u;
	char *version;

	machine_with_rmrr(&m);
	machine_load(&m);
	u = host_unit(m.host, "dmar0");
	i = unit_info(m.host, u);
	assert_int_equal(i->address.v, 0xfed90000);
	assert_int_equal(i->domains_used.v, 7);
	assert_int_equal(i->domains_supported.v, 65536);
	assert_int_equal(i->address_bits.v, 48);
	assert_int_equal(i->pasid_bits.v, 0);
	assert_true(has_feature(i, "snoop-control") && has_feature(i, "1G-pages") && !has_feature(i, "pasid"));
	assert_int_equal(i->n_devices, 2);
	assert_int_equal(i->n_groups, 2);
	assert_non_null(i->acpi);
	assert_true(i->acpi->include_all);
	assert_int_equal(unit_version(m.host, u, &version), 0);
	assert_string_equal(version, "1:0");
	assert_int_equal(unit_cache_coherent(m.host, u, NULL), TRI_YES);
	/* the path of the table leads through the bridge to the device, whose group is known, and the kernel's word with it */
	assert_int_equal(unit_reserved(m.host, u, &rows), 1);
	assert_string_equal(rows[0].device, "0000:01:00.0");
	assert_int_equal(rows[0].group.v, 2);
	assert_string_equal(rows[0].type, "direct");
	assert_int_equal(rows[0].end.v, 0x6001ffff);
	assert_ptr_equal(unit_info(m.host, u), i); /* read once */
	machine_free(&m);
}

static void reserved_of_a_device(void **state _unused_)
{
	const struct acpi_reserved **v;
	struct machine m;

	machine_with_rmrr(&m);
	machine_load(&m);
	assert_int_equal(acpi_reserved_of(m.host, machine_dev(&m, "0000:01:00.0"), &v), 1);
	assert_string_equal(v[0]->kind, "RMRR");
	assert_int_equal(acpi_reserved_of(m.host, machine_dev(&m, "0000:00:03.0"), &v), 0);
	/* the checksum of the table above is not right: said, and used all the same */
	assert_true(m.ctx.notes.n > 0);
	machine_free(&m);
}

static void bridges_that_cannot_be_read(void **state _unused_)
{
	const struct acpi_reserved **v;
	const struct acpi *a;
	struct machine m;

	machine_with_rmrr(&m);
	machine_remove(&m, "sys/devices/pci0000:00/0000:00:03.0/config");
	machine_load(&m);
	a = host_acpi(m.host);
	assert_int_equal(a->reserved.n, 1);
	assert_false(a->reserved.v[0].scopes.v[0].resolved);
	assert_string_equal(acpi_scope_text(&m.host->arena, &a->reserved.v[0].scopes.v[0]), "0000:00:03.0/00.0");
	assert_int_equal(acpi_reserved_of(m.host, machine_dev(&m, "0000:01:00.0"), &v), 0);
	machine_free(&m);
}

static void no_attributes(void **state _unused_)
{
	static const char *const names[] = { "smmu3.0x000000002b400000", "smmu.0xabc", "smmu3.0xzz", "riscv-iommu@3",
					     "13f80000.iommu", "dmar9" };
	struct machine m;

	machine_new(&m);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		machine_file(&m, arena_printf(&m.ctx.arena, "sys/class/iommu/%s/uevent", names[i]), "%s", "");
	machine_load(&m);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct unit *u = host_unit(m.host, names[i]);
		const struct unit_info *info = unit_info(m.host, u);

		assert_true(info->n_hidden > 0);
		assert_false(info->features.known);
		assert_int_equal(info->address.known, i < 2);
		assert_int_not_equal(u->members_err, 0);
	}
	assert_int_equal(unit_info(m.host, host_unit(m.host, names[0]))->address.v, 0x2b400000);
	assert_non_null(strstr(hidden_why(unit_info(m.host, host_unit(m.host, names[0])), "ID registers"), "GET_HW_INFO"));
	assert_int_equal(unit_cache_coherent(m.host, host_unit(m.host, names[0]), NULL), TRI_UNKNOWN);
	machine_free(&m);
}

static void hostile_attributes(void **state _unused_)
{
	const struct unit_info *i;
	char *big = malloc(1 << 20);
	struct machine m;
	char *version;

	memset(big, '1', 1 << 20);
	machine_with_rmrr(&m);
	machine_file(&m, "sys/class/iommu/dmar0/intel-iommu/cap", "%s", "");
	machine_write(&m, "sys/class/iommu/dmar0/intel-iommu/ecap", big, 1 << 20);
	machine_file(&m, "sys/class/iommu/dmar0/intel-iommu/domains_used", "many\n");
	machine_file(&m, "sys/class/iommu/dmar0/intel-iommu/version", "1\033[31m:0\n");
	machine_remove(&m, "sys/class/iommu/dmar0/intel-iommu/domains_supported");
	machine_load(&m);
	i = unit_info(m.host, host_unit(m.host, "dmar0"));
	assert_false(i->cap.known || i->ecap.known || i->domains_used.known || i->domains_supported.known);
	assert_true(i->address.known);
	assert_false(i->features.known);
	assert_string_equal(hidden_why(i, "domains_supported"), "this kernel has no such file");
	assert_non_null(hidden_why(i, "intel-iommu/cap"));
	assert_int_not_equal(unit_version(m.host, host_unit(m.host, "dmar0"), &version), 0);
	assert_int_equal(i->n_devices, 2); /* everything else is still there */
	assert_true(m.ctx.notes.n >= 4);
	free(big);
	machine_free(&m);
}

static void amd_by_its_function(void **state _unused_)
{
	static const struct machine_pci iommu = { "0000:00:00.2", .group = MACHINE_NO_GROUP, .class = 0x080600 };
	const struct unit_info *i;
	struct machine m;
	uint8_t ivrs[48 + 24] = { 'I', 'V', 'R', 'S', 48 + 24, [48] = 0x10, [50] = 24, [52] = 0x02, [58] = 0xb0, [59] = 0xfe };

	machine_new(&m);
	machine_pci(&m, &iommu);
	machine_file(&m, "sys/devices/pci0000:00/0000:00:00.2/iommu/ivhd0/amd-iommu/features", "58f77ef22294ade:20\n");
	machine_file(&m, "sys/devices/pci0000:00/0000:00:00.2/iommu/ivhd0/amd-iommu/cap", "190b640f\n");
	machine_link(&m, "sys/devices/pci0000:00/0000:00:00.2/iommu/ivhd0/device", "../../../0000:00:00.2");
	machine_link(&m, "sys/class/iommu/ivhd0", "../../devices/pci0000:00/0000:00:00.2/iommu/ivhd0");
	machine_write(&m, "sys/firmware/acpi/tables/IVRS", ivrs, sizeof(ivrs));
	machine_load(&m);
	i = unit_info(m.host, host_unit(m.host, "ivhd0"));
	assert_int_equal(i->efr2.v, 0x20);
	assert_int_equal(i->pasid_bits.v, 16);
	assert_true(has_feature(i, "x2apic") && has_feature(i, "viommu") && !has_feature(i, "snp"));
	assert_non_null(i->acpi);
	assert_int_equal(i->address.v, 0xfeb00000);
	assert_string_equal(i->address_from, "ACPI table IVRS");
	machine_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vtd_in_full),
		cmocka_unit_test(reserved_of_a_device),
		cmocka_unit_test(bridges_that_cannot_be_read),
		cmocka_unit_test(no_attributes),
		cmocka_unit_test(hostile_attributes),
		cmocka_unit_test(amd_by_its_function),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
