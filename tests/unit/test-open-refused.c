// SPDX-License-Identifier: GPL-2.0-or-later
/* Why a device cannot be opened: each cause on a small machine, before the try and after the errno. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>

#include "base/str.h"
#include "diag/open-refused.h"
#include "machine.h"

static const char isolated[] = "           CPU0\n  24:          3  IR-PCI-MSIX-0000:01:00.0    0-edge      eth0\n";
static const char not_isolated[] = "           CPU0\n  24:          3  PCI-MSIX-0000:01:00.0    0-edge      eth0\n";
static const char nobody[] = "{\"complete\":true,\"unseen\":0,\"why\":null,\"held\":[]}";
static const char regions[] = "0x00000000fee00000 0x00000000feefffff msi\n";

#define NIC "0000:01:00.0"
#define TWIN "0000:01:00.1"

/* A NIC with two functions in group 2, on the drivers given; nothing in its way. */
static void start(struct machine *m, const char *driver, const char *twin)
{
	const struct machine_pci v[] = {
		{ "0000:00:03.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 1, .driver = "pcieport" },
		{ "0000:00:03.0/" NIC, .group = 2, .multi = true, .driver = driver },
		{ "0000:00:03.0/" TWIN, .group = 2, .multi = true, .driver = twin },
	};

	machine_new(m);
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		machine_pci(m, &v[i]);
	machine_file(m, "sys/kernel/iommu_groups/2/reserved_regions", "%s", regions);
	machine_file(m, "proc/interrupts", "%s", isolated);
	machine_file(m, "proc/kallsyms", "0000000000000000 T iommu_group_get\n"
					 "0000000000000000 T iommu_device_use_default_domain\n");
	machine_file(m, "iommuctl/holders.json", "%s", nobody);
	machine_file(m, "sys/class/misc/iommu/dev", "10:257\n");
	machine_file(m, "sys/class/misc/vfio/dev", "10:196\n");
	machine_file(m, "sys/class/vfio/2/dev", "241:0\n");
	machine_file(m, "sys/class/vfio-dev/vfio9/dev", "241:9\n"); /* another device's */
	for (size_t i = 1; i < ARRAY_SIZE(v); i++) {
		char dir[96], name[48];

		snprintf(dir, sizeof(dir), "sys/devices/pci0000:00/%s/vfio-dev/vfio%zu", v[i].path, i - 1);
		snprintf(name, sizeof(name), "sys/class/vfio-dev/vfio%zu", i - 1);
		if (!streq(v[i].driver, "vfio-pci"))
			continue;
		machine_file(m, arena_printf(&m->ctx.arena, "%s/dev", dir), "241:%zu\n", i);
		machine_link(m, name, arena_printf(&m->ctx.arena, "../../../%s", dir));
	}
	machine_file(m, "sys/bus/pci/drivers/vfio-pci/bind", "%s", "");
}

static void count_is(struct machine *m, int n)
{
	machine_file(m, "iommuctl/ownership.json",
		     "{\"version\":1,\"groups\":[{\"id\":2,\"owner_cnt\":%d,\"owned\":false,\"devices\":["
		     "{\"name\":\"" NIC "\",\"bus\":\"pci\",\"driver\":\"vfio-pci\",\"managed\":true,\"counted\":true,\"blocked\":null},"
		     "{\"name\":\"" TWIN "\",\"bus\":\"pci\",\"driver\":\"vfio-pci\",\"managed\":true,\"counted\":true,\"blocked\":null}"
		     "]}],\"domains\":[],\"owners\":[],\"obstacles\":[]}", n);
}

#define HELD(kind, more)                                                                                          \
	"{\"complete\":true,\"unseen\":0,\"why\":null,\"held\":[{\"pid\":77,\"uid\":0,\"comm\":\"qemu\",\"fd\":9," \
	"\"kind\":\"" kind "\"," more "}]}"

static void expect_way(struct machine *m, enum claim way, int err, int wanted, const char *cause)
{
	struct refusal r = { 0 };
	bool refused;

	machine_load(m);
	refused = open_refused(m->host, machine_dev(m, NIC), way, err, &r);
	if (refused != (wanted != 0) || !streq(r.cause ? r.cause : "", cause ? cause : "") || (refused && r.err != wanted))
		fail_msg("cause %s, errno %d (%s); wanted %s, %d", r.cause ? r.cause : "none", r.err, r.text ? r.text : "", cause ? cause : "none", wanted);
	if (refused)
		assert_non_null(r.text);
}

static void expect(struct machine *m, int err, int wanted, const char *cause)
{
	expect_way(m, CLAIM_IOMMUFD, err, wanted, cause);
}

static void test_nothing(_unused_ void **state)
{
	struct machine m;

	start(&m, "vfio-pci", "vfio-pci");
	count_is(&m, 0);
	expect(&m, 0, 0, NULL);
	expect_way(&m, CLAIM_LEGACY, 0, 0, NULL);
	expect(&m, -EPERM, -EPERM, NULL);
	expect(&m, -EINVAL, -EINVAL, NULL);
	expect(&m, -ENOMEM, -ENOMEM, NULL);
	expect(&m, -EACCES, -EACCES, "permission");
	machine_free(&m);
}

/* EPERM: the four. */
static void test_native_driver(_unused_ void **state)
{
	struct machine m;

	start(&m, "vfio-pci", "e1000e");
	expect(&m, 0, -EPERM, "native-driver");
	expect(&m, -EPERM, -EPERM, "native-driver");
	expect_way(&m, CLAIM_LEGACY, -EPERM, -EPERM, "native-driver");
	machine_free(&m);
}

static void test_other_owner(_unused_ void **state)
{
	struct machine m;

	start(&m, "vfio-pci", "vfio-pci");
	machine_file(&m, "iommuctl/holders.json", HELD("device", "\"node\":\"/dev/vfio/devices/vfio1\",\"vfio_dev\":\"vfio1\""));
	expect(&m, -EPERM, -EPERM, "other-owner");
	expect(&m, 0, -EPERM, "other-owner");
	expect_way(&m, CLAIM_LEGACY, 0, -EBUSY, "held");
	/* the group's node */
	machine_file(&m, "iommuctl/holders.json", HELD("group", "\"node\":\"/dev/vfio/2\",\"group\":2"));
	expect(&m, 0, -EBUSY, "held");
	expect(&m, -EBUSY, -EBUSY, "held");
	expect_way(&m, CLAIM_LEGACY, -EBUSY, -EBUSY, "held");
	machine_free(&m);
}

static void test_not_isolated(_unused_ void **state)
{
	struct machine m;

	start(&m, "vfio-pci", "vfio-pci");
	machine_file(&m, "proc/interrupts", "%s", not_isolated);
	expect(&m, 0, -EPERM, "no-isolated-msi");
	expect(&m, -EPERM, -EPERM, "no-isolated-msi");
	/* a waiver of the other way in is none of this one */
	machine_file(&m, "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
	expect(&m, -EPERM, -EPERM, "no-isolated-msi");
	expect_way(&m, CLAIM_LEGACY, 0, 0, NULL);
	machine_file(&m, "sys/module/iommufd/parameters/allow_unsafe_interrupts", "Y\n");
	expect(&m, 0, 0, NULL);
	machine_free(&m);
}

static void test_leaked_count(_unused_ void **state)
{
	struct machine m;

	start(&m, "vfio-pci", "vfio-pci");
	count_is(&m, 1);
	expect(&m, -EPERM, -EPERM, "leaked-count");
	expect(&m, 0, -EPERM, "leaked-count");
	machine_free(&m);
}

/* With two causes of one errno the kernel's order decides, and another errno tells of another cause. */
static void test_two_causes(_unused_ void **state)
{
	struct machine m;

	start(&m, "vfio-pci", "e1000e");
	machine_file(&m, "proc/interrupts", "%s", not_isolated);
	machine_file(&m, "sys/kernel/iommu_groups/2/reserved_regions", "0x0000000060000000 0x000000006001ffff direct\n%s", regions);
	expect(&m, -EPERM, -EPERM, "no-isolated-msi");
	expect(&m, -EINVAL, -EINVAL, "direct-region");
	machine_free(&m);
}

static void test_direct(_unused_ void **state)
{
	struct machine m;

	start(&m, "vfio-pci", "vfio-pci");
	machine_file(&m, "sys/kernel/iommu_groups/2/reserved_regions", "0x0000000060000000 0x000000006001ffff direct\n%s", regions);
	expect(&m, 0, -EINVAL, "direct-region");
	expect(&m, -EINVAL, -EINVAL, "direct-region");
	machine_free(&m);
}

static void test_open_already(_unused_ void **state)
{
	struct machine m;

	start(&m, "vfio-pci", "vfio-pci");
	machine_file(&m, "iommuctl/holders.json", HELD("device", "\"node\":\"/dev/vfio/devices/vfio0\",\"vfio_dev\":\"vfio0\""));
	expect(&m, -EINVAL, -EINVAL, "already-open");
	expect(&m, 0, -EINVAL, "already-open");
	machine_free(&m);
}

static void test_no_driver(_unused_ void **state)
{
	struct machine m;
	struct refusal r;

	start(&m, "e1000e", NULL);
	expect(&m, 0, -ENOENT, "no-vfio-driver");
	expect(&m, -ENOENT, -ENOENT, "no-vfio-driver");
	assert_true(open_refused(m.host, machine_dev(&m, NIC), CLAIM_IOMMUFD, 0, &r));
	assert_string_equal(r.hint, "iommuctl device bind " NIC);
	machine_free(&m);
}

/* A kernel without iommufd: no node of the device, and its group's is there. */
static void test_no_node(_unused_ void **state)
{
	struct machine m;

	start(&m, "vfio-pci", "vfio-pci");
	machine_remove(&m, "sys/class/misc/iommu");
	expect(&m, 0, -ENOENT, "no-node");
	expect(&m, -ENOENT, -ENOENT, "no-node");
	expect_way(&m, CLAIM_LEGACY, 0, 0, NULL);
	machine_free(&m);
}

static void test_no_group(_unused_ void **state)
{
	const struct machine_pci alone = { "0000:00:03.0", .group = MACHINE_NO_GROUP, .driver = "vfio-pci" };
	struct refusal r;
	struct machine m;

	machine_new(&m);
	machine_pci(&m, &alone);
	machine_load(&m);
	assert_true(open_refused(m.host, machine_dev(&m, "0000:00:03.0"), CLAIM_IOMMUFD, 0, &r));
	assert_string_equal(r.cause, "no-group");
	assert_true(open_refused(m.host, machine_dev(&m, "0000:00:03.0"), CLAIM_IOMMUFD, -ENOENT, &r));
	assert_string_equal(r.cause, "no-group");
	assert_true(open_refused(m.host, machine_dev(&m, "0000:00:03.0"), CLAIM_IOMMUFD, -EPERM, &r));
	assert_null(r.cause);
	machine_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),	     cmocka_unit_test(test_native_driver), cmocka_unit_test(test_other_owner),
		cmocka_unit_test(test_not_isolated), cmocka_unit_test(test_leaked_count),  cmocka_unit_test(test_two_causes),
		cmocka_unit_test(test_direct),	     cmocka_unit_test(test_open_already),  cmocka_unit_test(test_no_driver),
		cmocka_unit_test(test_no_node),	     cmocka_unit_test(test_no_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
