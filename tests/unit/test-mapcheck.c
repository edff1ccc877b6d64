// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"
#include "diag/mapcheck.h"
#include "host/vtd.h"
#include "machine.h"

#define NIC "0000:01:00.0"
#define GPU "0000:02:00.0"

/* SAGAW 39 and 48 bits, MGAW 48; ECAP without scalable mode */
#define CAP_48	UINT64_C(0x2f0600)
#define REGIONS "sys/kernel/iommu_groups/2/reserved_regions"

static const char msi[] = "0x00000000fee00000 0x00000000feefffff msi\n";

static int set_up(void **state)
{
	static const struct machine_pci v[] = {
		{ "0000:00:01.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 1, .driver = "pcieport" },
		{ "0000:00:01.0/" NIC, .group = 2, .driver = "vfio-pci" },
		{ "0000:00:02.0/" GPU, .group = 3, .driver = "vfio-pci" },
	};
	struct machine *m = calloc(1, sizeof(*m));

	machine_new(m);
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		machine_pci(m, &v[i]);
	machine_unit(m, "dmar0");
	machine_file(m, "sys/devices/virtual/iommu/dmar0/intel-iommu/cap", "%llx\n", (unsigned long long)CAP_48);
	machine_file(m, "sys/devices/virtual/iommu/dmar0/intel-iommu/ecap", "f020df\n");
	machine_link(m, "sys/devices/virtual/iommu/dmar0/devices/" NIC, "../../../../pci0000:00/0000:00:01.0/" NIC);
	machine_file(m, REGIONS, "%s", msi);
	machine_file(m, "sys/kernel/iommu_groups/3/reserved_regions", "%s", msi);
	machine_file(m, "iommuctl/holders.json", "{\"complete\":true,\"unseen\":0,\"why\":null,\"held\":[]}");
	*state = m;
	return 0;
}

static int tear_down(void **state)
{
	machine_free(*state);
	free(*state);
	return 0;
}

static struct map_check ask_full(struct machine *m, struct map_question q)
{
	struct map_check c;

	machine_load(m);
	q.device = machine_dev(m, q.device ? GPU : NIC);
	map_check(m->host, &q, &c);
	return c;
}

static struct map_check ask(struct machine *m, uint64_t iova, uint64_t length)
{
	return ask_full(m, (struct map_question){ .iova = iova, .length = length });
}

static const struct reason *reason(const struct map_check *c, const char *code)
{
	const struct reason *r = c->reasons.v;

	for (size_t i = 0; i < c->reasons.n; i++)
		if (streq(r[i].code, code))
			return &r[i];
	return NULL;
}

static void expect(const struct map_check *c, const char *verdict, const char *rule)
{
	assert_string_equal(c->verdict, verdict);
	if (rule)
		assert_string_equal(c->rule, rule);
	else
		assert_null(c->rule);
}

static void expect_nearest(const struct map_check *c, uint64_t start, uint64_t end)
{
	assert_true(c->nearest_start.known);
	assert_int_equal(c->nearest_start.v, start);
	assert_int_equal(c->nearest_end.v, end);
}

static void length_and_wrap(void **state)
{
	struct map_check c = ask(*state, 0x1000, 0);

	expect(&c, "refused", "length-zero");
	assert_false(c.nearest_start.known);
	c = ask(*state, UINT64_MAX - 0xfff, 0x2000);
	expect(&c, "refused", "wraps");
	expect_nearest(&c, 0xffffffffe000, 0xffffffffffff);
	c = ask(*state, 0, UINT64_MAX);
	expect(&c, "refused", "alignment");
	assert_false(c.nearest_start.known);
	c = ask(*state, 0x1000, 0x1000);
	expect(&c, "fits", NULL);
	expect_nearest(&c, 0x1000, 0x1fff);
}

static void alignment(void **state)
{
	struct map_check c = ask(*state, 0x1800, 0x1000);

	expect(&c, "refused", "alignment");
	expect_nearest(&c, 0x1000, 0x1fff);
	c = ask(*state, 0x1000, 0x10);
	expect(&c, "refused", "alignment");
	expect_nearest(&c, 0x1000, 0x1fff);
}

static void reserved_regions(void **state)
{
	struct map_check c = ask(*state, 0xfedff000, 0x2000);

	expect(&c, "refused", "reserved-region");
	assert_string_equal(reason(&c, "reserved-region")->value, "0x00000000fee00000 0x00000000feefffff msi");
	expect_nearest(&c, 0xfedfe000, 0xfedfffff);
	c = ask(*state, 0xfedff000, 0x1000);
	expect(&c, "fits", NULL);
	c = ask(*state, 0xfef00000, 0x1000);
	expect(&c, "fits", NULL);
	c = ask(*state, 0xfeeff000, 0x2000);
	expect_nearest(&c, 0xfef00000, 0xfef01fff);
	/* what QEMU asks for on a machine with an ISA bridge in the group */
	machine_file(*state, REGIONS, "0x0000000000000000 0x0000000000ffffff direct\n%s", msi);
	c = ask(*state, 0xc0000, 0x7ff40000);
	expect(&c, "refused", "reserved-region");
	expect_nearest(&c, 0x1000000, 0x80f3ffff);
	assert_non_null(reason(&c, "direct-region"));
	machine_file(*state, REGIONS, "0x0000000000000000 0x0000000000ffffff direct-relaxable\n%s", msi);
	c = ask(*state, 0xc0000, 0x7ff40000);
	expect(&c, "fits", NULL);
	assert_null(reason(&c, "direct-region"));
}

/* Unsorted, overlapping, up to the end of all addresses, and covering everything. */
static void odd_regions(void **state)
{
	struct map_check c;

	machine_file(*state, REGIONS, "0x2000 0x5fff reserved\n0x0 0x2fff msi\n0x4000 0x8fff reserved\n"
		     "0x10000 0xffffffffffffffff reserved\n");
	c = ask(*state, 0x3000, 0x1000);
	expect(&c, "refused", "reserved-region");
	expect_nearest(&c, 0x9000, 0x9fff);
	c = ask(*state, 0x3000, 0x8000);
	assert_false(c.nearest_start.known);
	machine_file(*state, REGIONS, "0x0 0xffffffffffffffff reserved\n");
	c = ask(*state, 0x3000, 0x1000);
	expect(&c, "refused", "reserved-region");
	assert_false(c.nearest_start.known);
	machine_remove(*state, REGIONS);
	c = ask(*state, 0x3000, 0x1000);
	expect(&c, "unknown", "regions");
	assert_false(c.nearest_start.known);
}

static void aperture(void **state)
{
	struct map_check c = ask(*state, UINT64_C(1) << 48, 0x1000);

	expect(&c, "refused", "aperture");
	expect_nearest(&c, 0xfffffffff000, 0xffffffffffff);
	c = ask(*state, (UINT64_C(1) << 48) - 0x1000, 0x1000);
	expect(&c, "fits", NULL);
	/* scalable mode with both stages: which one the kernel takes is not seen */
	machine_file(*state, "sys/devices/virtual/iommu/dmar0/intel-iommu/ecap", "%llx\n", (1ull << 43 | 1ull << 46 | 1ull << 47));
	c = ask(*state, (UINT64_C(1) << 48) - 0x1000, 0x1000);
	expect(&c, "unknown", "aperture");
	assert_int_equal(c.missing, -EOPNOTSUPP);
	assert_int_equal(c.aperture_end.v, 0x7fffffffffff);
	c = ask(*state, (UINT64_C(1) << 47) - 0x1000, 0x1000);
	expect(&c, "fits", NULL);
	c = ask(*state, UINT64_C(1) << 48, 0x1000);
	expect(&c, "refused", "aperture");
}

static void aperture_of_registers(void **state)
{
	uint64_t sure, most;

	(void)state;
	assert_int_equal(vtd_aperture(0, 0, &sure, &most), -EINVAL);
	/* 57 bits of table, 39 of address */
	assert_int_equal(vtd_aperture(UINT64_C(38) << 16 | 8 << 8, 0, &sure, &most), 0);
	assert_int_equal(sure, 0x7fffffffff);
	assert_int_equal(most, 0x7fffffffff);
	assert_int_equal(vtd_aperture(UINT64_C(63) << 16 | 16 << 8, 0, &sure, &most), 0);
	assert_int_equal(sure, UINT64_MAX);
	/* first stage with 5 levels reaches further than a second stage of 39 bits */
	assert_int_equal(vtd_aperture(UINT64_C(1) << 60 | UINT64_C(56) << 16 | 2 << 8, 1ull << 43 | 1ull << 47, &sure, &most), 0);
	assert_int_equal(sure, 0x7fffffffff);
	assert_int_equal(most, 0xffffffffffffff);
}

/* Another unit than VT-d: what is refused for certain is, everything else is unknown, and the reason said. */
static void no_aperture(void **state)
{
	struct map_question q = { .device = (struct device *)1, .iova = 0x10000, .length = 0x10000 };
	struct map_check c = ask_full(*state, q);

	expect(&c, "unknown", "aperture");
	assert_false(c.aperture_end.known);
	q.length = 0x1000;
	c = ask_full(*state, q);
	expect(&c, "unknown", "page-size");
	q.iova = 0xfee00000;
	c = ask_full(*state, q);
	expect(&c, "refused", "reserved-region");
	assert_int_equal((uint64_t)c.nearest_start.v % 65536, 0);
	q.iova = 0x10800;
	c = ask_full(*state, q);
	expect(&c, "refused", "alignment");
}

/* -- locked memory -------------------------------------------------------------------------------------------------- */

static void process(struct machine *m, int pid, unsigned uid, unsigned locked, unsigned pinned, const char *limit)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/%d/status", pid);
	machine_file(m, path, "Name:\tqemu\nUid:\t%u\t%u\t%u\t%u\nVmLck:\t%8u kB\nVmPin:\t%8u kB\nCapEff:\t0000000000000000\n", uid, uid, uid,
		     uid, locked, pinned);
	snprintf(path, sizeof(path), "proc/%d/limits", pid);
	machine_file(m, path, "Limit                     Soft Limit           Hard Limit           Units\n"
		     "Max locked memory         %-20s unlimited            bytes\n", limit);
}

static void held(struct machine *m, const char *kind)
{
	machine_file(m, "iommuctl/holders.json",
		     "{\"complete\":true,\"unseen\":0,\"why\":null,\"held\":[{\"pid\":10,\"uid\":7,\"comm\":\"qemu\",\"args\":[],\"fd\":3,"
		     "\"kind\":\"%s\",\"node\":null,\"group\":null,\"vfio_dev\":null,\"syspath\":null,\"unit\":null,\"container\":null,"
		     "\"container_kind\":null,\"pod\":null,\"guest\":null,\"guest_uuid\":null}]}", kind);
}

static struct map_check of_process(struct machine *m, uint64_t length)
{
	return ask_full(m, (struct map_question){ .iova = UINT64_C(1) << 32, .length = length, .pid = NUM(10) });
}

static void a_limit_given(void **state)
{
	struct map_question q = { .iova = 0, .length = 0x10000, .memlock = NUM(0x10000) };
	struct map_check c = ask_full(*state, q);

	expect(&c, "fits", NULL);
	q.length += 0x1000;
	c = ask_full(*state, q);
	expect(&c, "refused", "memlock");
	assert_non_null(strstr(c.summary, "64 KiB"));
	q.memlock = NUM(0);
	q.iova = UINT64_C(1) << 32;
	q.length = UINT64_C(1) << 40;
	c = ask_full(*state, q);
	expect(&c, "refused", "memlock");
}

static void by_process_and_by_user(void **state)
{
	struct map_check c;

	process(*state, 10, 7, 32, 0, "65536");
	process(*state, 11, 7, 0, 48, "65536");
	process(*state, 12, 8, 0, 4096, "65536");
	/* 32 KiB are locked by the process, 48 pinned by its user */
	c = of_process(*state, 0x4000);
	expect(&c, "fits", NULL);
	c = of_process(*state, 0x6000);
	expect(&c, "unknown", "memlock-mode");
	c = of_process(*state, 0x9000);
	expect(&c, "refused", "memlock");
	held(*state, "container");
	c = of_process(*state, 0x8000);
	expect(&c, "fits", NULL);
	c = of_process(*state, 0x9000);
	expect(&c, "refused", "memlock");
	held(*state, "iommufd");
	c = of_process(*state, 0x4000);
	expect(&c, "fits", NULL);
	c = of_process(*state, 0x5000);
	expect(&c, "refused", "memlock");
	assert_string_equal(((const struct remedy *)reason(&c, "memlock")->remedies.v)->command, "prlimit --pid 10 --memlock=69632");
}

static void no_limit(void **state)
{
	struct map_check c;

	process(*state, 10, 0, 0, 0, "unlimited");
	c = of_process(*state, UINT64_C(1) << 40);
	expect(&c, "fits", NULL);
	process(*state, 10, 0, 0, 0, "4096");
	machine_file(*state, "proc/10/status", "Name:\tqemu\nUid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n");
	machine_link(*state, "proc/10/ns/user", "user:[4026531837]");
	c = of_process(*state, UINT64_C(1) << 40);
	expect(&c, "fits", NULL);
	/* root in a container has it there only */
	machine_link(*state, "proc/10/ns/user", "user:[4026532000]");
	c = of_process(*state, UINT64_C(1) << 40);
	expect(&c, "refused", "memlock");
	machine_remove(*state, "proc/10/ns/user");
	machine_remove(*state, "proc/10/ns");
	c = of_process(*state, UINT64_C(1) << 40);
	expect(&c, "unknown", "memlock-unread");
}

static void not_a_process(void **state)
{
	static const char *const texts[] = { "", "\n", "Uid:", "Uid:\tx\nCapEff:\t0\n", "Uid:\t1\n", "CapEff:\t0\nUid:\t1\nVmPin:\t99999999999999999999 kB\n" };
	struct map_check c = of_process(*state, 0x1000);

	expect(&c, "unknown", "memlock-unread");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		process(*state, 10, 0, 0, 0, i & 1 ? "x" : "9x");
		machine_file(*state, "proc/10/status", "%s", texts[i]);
		c = of_process(*state, 0x1000);
		assert_string_not_equal(c.verdict, "fits");
	}
	/* a name made to look like another line */
	machine_file(*state, "proc/10/status", "Name:\tUid: 0 \\nCapEff:\t3fffffffff\nUid:\t5\t5\t5\t5\nCapEff:\t0\n");
	process(*state, 11, 7, 0, 0, "1");
	machine_file(*state, "proc/10/limits", "Max locked memory  4096 4096 bytes\n");
	c = of_process(*state, 0x2000);
	expect(&c, "refused", "memlock");
}

/* An SMMU's window of interrupts is called as VT-d's is; what it is, and whether interrupts follow a move, is said of it alone. */
static void software_window(void **state)
{
	static const struct {
		const char *symbols, *stays;
	} t[] = {
		{ "\"iommufd_sw_msi\":true,\"iommufd_device_bind\":true", NULL },
		{ "\"iommufd_sw_msi\":false,\"iommufd_device_bind\":true", "lost" },
		{ "\"iommufd_sw_msi\":false,\"iommufd_device_bind\":false", NULL },
		{ "\"iommufd_device_bind\":true", NULL },
	};
	static const char unit[] = "sys/class/iommu/smmu3.0x0000000009050000";
	struct machine *m = *state;
	struct map_check c;

	c = ask(m, 0xfee00000, 0x1000);
	expect(&c, "refused", "reserved-region");
	assert_null(reason(&c, "software-msi-window"));
	machine_remove(m, "sys/devices/virtual/iommu/dmar0/devices/" NIC);
	machine_link(m, arena_printf(&m->ctx.arena, "%s/devices/" NIC, unit), "../../../../devices/pci0000:00/0000:00:01.0/" NIC);
	machine_file(m, REGIONS, "0x0000000008000000 0x00000000080fffff msi\n");
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		machine_file(m, "iommuctl/probes.json", "{\"symbols\":{%s}}", t[i].symbols);
		c = ask(m, 0x8000000, 0x10000);
		expect(&c, "refused", "reserved-region");
		expect_nearest(&c, 0x7ff0000, 0x7ffffff);
		assert_non_null(strstr(reason(&c, "software-msi-window")->text, "interrupts of devices behind smmu3.0x0000000009050000 are translated"));
		assert_int_equal(!!reason(&c, "msi-stays-behind"), !!t[i].stays);
	}
	c = ask(m, 0x8100000, 0x10000);
	assert_null(reason(&c, "software-msi-window"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(length_and_wrap),	T(alignment),	   T(reserved_regions), T(odd_regions), T(aperture), T(aperture_of_registers),
		T(no_aperture),		T(a_limit_given),  T(by_process_and_by_user), T(no_limit), T(not_a_process),
		T(software_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
