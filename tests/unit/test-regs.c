// SPDX-License-Identifier: GPL-2.0-or-later
/* Capability registers of real machines: what they say is known from what those machines can do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "host/amd.h"
#include "host/vtd.h"

static const struct reg_field *field(const struct reg_table *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (streq(t->fields[i].name, name))
			return &t->fields[i];
	fail_msg("no field %s", name);
	return NULL;
}

static void assert_words(const struct reg_table *t, uint64_t reg, const char *name, const char *words)
{
	struct arena a = { 0 };

	assert_string_equal(reg_words(field(t, name), &a, reg), words);
	arena_free(&a);
}

/* A two-socket Xeon board of 2017: four units with the same registers. */
static void vtd_of_a_server(void **state _unused_)
{
	const uint64_t cap = 0x8d2078c106f0466, ecap = 0xf020de;

	assert_words(&vtd_cap_table, cap, "ND", "65536 domains");
	assert_words(&vtd_cap_table, cap, "SAGAW", "48-bit (4 levels)");
	assert_words(&vtd_cap_table, cap, "MGAW", "48 bits");
	assert_words(&vtd_cap_table, cap, "SLLPS", "2 MiB, 1 GiB");
	assert_words(&vtd_cap_table, cap, "CM", "no");
	assert_words(&vtd_cap_table, cap, "PI", "yes");
	assert_words(&vtd_cap_table, cap, "NFR", "8");
	assert_words(&vtd_cap_table, cap, "FRO", "0x100");
	assert_words(&vtd_ecap_table, ecap, "QI", "yes");
	assert_words(&vtd_ecap_table, ecap, "DT", "yes");
	assert_words(&vtd_ecap_table, ecap, "IR", "yes");
	assert_words(&vtd_ecap_table, ecap, "EIM", "yes");
	assert_words(&vtd_ecap_table, ecap, "PT", "yes");
	assert_words(&vtd_ecap_table, ecap, "SC", "yes");
	assert_words(&vtd_ecap_table, ecap, "C", "no");
	assert_words(&vtd_ecap_table, ecap, "SMTS", "no");
	assert_words(&vtd_ecap_table, ecap, "PASID", "no");
	assert_words(&vtd_ecap_table, ecap, "IRO", "0x200");
	assert_words(&vtd_ecap_table, ecap, "MHMV", "2^15 entries");
	assert_int_equal(vtd_address_width(cap), 48);
	assert_int_equal(vtd_pasid_bits(ecap), 0);
}

/* QEMU 7.2 with x-scalable-mode=on,device-iotlb=on,intremap=on,caching-mode=on. */
static void vtd_of_qemu(void **state _unused_)
{
	const uint64_t cap = 0xd2008c22260286, ecap = 0x480080f00f4e;

	assert_words(&vtd_cap_table, cap, "SAGAW", "39-bit (3 levels)");
	assert_words(&vtd_cap_table, cap, "MGAW", "39 bits");
	assert_words(&vtd_cap_table, cap, "CM", "yes");
	assert_words(&vtd_cap_table, cap, "SLLPS", "2 MiB, 1 GiB");
	assert_words(&vtd_cap_table, cap, "PI", "no");
	assert_words(&vtd_ecap_table, ecap, "DT", "yes");
	assert_words(&vtd_ecap_table, ecap, "IR", "yes");
	assert_words(&vtd_ecap_table, ecap, "EIM", "no");
	assert_words(&vtd_ecap_table, ecap, "SMTS", "yes");
	assert_words(&vtd_ecap_table, ecap, "SSTS", "yes");
	assert_words(&vtd_ecap_table, ecap, "FSTS", "no");
	assert_words(&vtd_ecap_table, ecap, "SRS", "yes");
	assert_words(&vtd_ecap_table, ecap, "NEST", "no");
	assert_words(&vtd_ecap_table, ecap, "PASID", "no");
	assert_false(vtd_dirty_tracking(ecap));
}

/* Each bit alone sets one field, and fields never overlap. */
static void fields_are_apart(void **state _unused_)
{
	const struct reg_table *const tables[] = { &vtd_cap_table, &vtd_ecap_table, &amd_cap_table, &amd_efr_table,
						   &amd_efr2_table };

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (unsigned bit = 0; bit < 64; bit++) {
			size_t set = 0;

			for (size_t i = 0; i < tables[t]->n; i++)
				set += reg_get(&tables[t]->fields[i], UINT64_C(1) << bit) != 0;
			assert_true(set <= 1);
			assert_int_equal(set == 0, reg_unknown_bits(tables[t], UINT64_C(1) << bit) != 0);
		}
}

static void no_value_breaks_the_words(void **state _unused_)
{
	const struct reg_table *const tables[] = { &vtd_cap_table, &vtd_ecap_table, &amd_cap_table, &amd_efr_table,
						   &amd_efr2_table };
	struct arena a = { 0 };

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (size_t i = 0; i < tables[t]->n; i++) {
			const struct reg_field *f = &tables[t]->fields[i];

			for (uint64_t v = 0; v < UINT64_C(1) << f->width; v++)
				assert_true(strlen(reg_words(f, &a, v << f->shift)) > 0);
		}
	arena_free(&a);
}

static void vtd_derived(void **state _unused_)
{
	/* PASID with a width of 20 bits; SSADS alone is not dirty tracking */
	assert_int_equal(vtd_pasid_bits(UINT64_C(1) << 40 | UINT64_C(19) << 35), 20);
	assert_int_equal(vtd_pasid_bits(UINT64_C(19) << 35), 0);
	assert_false(vtd_dirty_tracking(UINT64_C(1) << 45));
	assert_true(vtd_dirty_tracking(UINT64_C(1) << 45 | UINT64_C(1) << 48));
}

static void vtd_versions(void **state _unused_)
{
	unsigned major = 9, minor = 9;

	assert_int_equal(vtd_version_parse("6:0", &major, &minor), 0);
	assert_int_equal(major, 6);
	assert_int_equal(minor, 0);
	assert_int_equal(vtd_version_parse("", &major, &minor), -EINVAL);
	assert_int_equal(vtd_version_parse("1", &major, &minor), -EINVAL);
	assert_int_equal(vtd_version_parse(":", &major, &minor), -EINVAL);
	assert_int_equal(vtd_version_parse("1:x", &major, &minor), -EINVAL);
	assert_int_equal(vtd_version_parse("11111111111111111111:1", &major, &minor), -EINVAL);
	assert_int_equal(major, 6);
}

/* QEMU 7.2's amd-iommu. */
static void amd_of_qemu(void **state _unused_)
{
	uint64_t efr, efr2;
	bool has_efr2;

	assert_int_equal(amd_features_parse("29d3:0", &efr, &efr2, &has_efr2), 0);
	assert_true(has_efr2);
	assert_words(&amd_efr_table, efr, "PreFSup", "yes");
	assert_words(&amd_efr_table, efr, "PPRSup", "yes");
	assert_words(&amd_efr_table, efr, "XTSup", "no");
	assert_words(&amd_efr_table, efr, "NXSup", "no");
	assert_words(&amd_efr_table, efr, "GTSup", "yes");
	assert_words(&amd_efr_table, efr, "GASup", "yes");
	assert_words(&amd_efr_table, efr, "HATS", "6 levels");
	assert_words(&amd_efr_table, efr, "GATS", "6 levels");
	assert_words(&amd_efr_table, efr, "GLXSup", "1 level");
	assert_words(&amd_cap_table, 0x1f03000f, "IotlbSup", "yes");
	assert_words(&amd_cap_table, 0x1f03000f, "NpCache", "yes");
	assert_words(&amd_cap_table, 0x1f03000f, "CapType", "IOMMU");
}

/* Zen 2 and Zen 3 machines, and what their kernels print of these registers at boot. */
static void amd_of_servers(void **state _unused_)
{
	static const struct {
		const char *features, *set, *clear;
	} machines[] = {
		{ "58f77ef22294ade", "PPRSup XTSup NXSup GTSup IASup GASup PCSup", "SNPSup" },
		{ "58f77ef22294a5a", "PPRSup NXSup GTSup IASup PCSup", "XTSup GASup" },
		{ "841f77e022094ace", "PPRSup XTSup NXSup IASup GASup PCSup SNPSup", "GTSup" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		uint64_t efr, efr2;
		bool has_efr2;

		assert_int_equal(amd_features_parse(machines[i].features, &efr, &efr2, &has_efr2), 0);
		assert_false(has_efr2);
		for (size_t f = 0; f < amd_efr_table.n; f++) {
			const struct reg_field *fd = &amd_efr_table.fields[f];

			if (strstr(machines[i].set, fd->name))
				assert_true(reg_get(fd, efr));
			if (strstr(machines[i].clear, fd->name))
				assert_false(reg_get(fd, efr));
		}
		assert_words(&amd_efr_table, efr, "HATS", "6 levels");
	}
	assert_words(&amd_efr_table, 0x58f77ef22294ade, "GAMSup", "virtual APIC");
	assert_words(&amd_efr_table, 0x58f77ef22294ade, "PASmax", "16 bits");
	assert_int_equal(amd_pasid_bits(0x58f77ef22294ade), 16);
	assert_int_equal(amd_pasid_bits(0x841f77e022094ace), 0); /* no guest translation */
}

static void amd_features_hostile(void **state _unused_)
{
	static const char *const bad[] = { "", ":", "1:", ":1", "x", "1:x", "11111111111111111", "1 :2", "1:2:3",
					   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1" };
	uint64_t efr = 1, efr2 = 2;
	bool has = true;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_true(amd_features_parse(bad[i], &efr, &efr2, &has) < 0);
	assert_int_equal(efr, 1);
	assert_int_equal(efr2, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vtd_of_a_server),  cmocka_unit_test(vtd_of_qemu),
		cmocka_unit_test(fields_are_apart), cmocka_unit_test(no_value_breaks_the_words),
		cmocka_unit_test(vtd_derived),	    cmocka_unit_test(vtd_versions),
		cmocka_unit_test(amd_of_qemu),	    cmocka_unit_test(amd_of_servers),
		cmocka_unit_test(amd_features_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
