// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules of group check on small machines. Facts that are dear to build as files (interrupt chips, the kernel's
 * rules) are set in the machine's proc/ and sys/ as a real one has them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>

#include "base/str.h"
#include "diag/viability.h"
#include "machine.h"

static const char isolated[] = "           CPU0\n  24:          3  IR-PCI-MSIX-0000:01:00.0    0-edge      eth0\n";
static const char not_isolated[] = "           CPU0\n  24:          3  PCI-MSIX-0000:01:00.0    0-edge      eth0\n";
static const char holders_none[] = "{\"complete\":true,\"unseen\":0,\"why\":null,\"held\":[]}";

static const char regions_msi[] = "0x00000000fee00000 0x00000000feefffff msi\n";

/* A machine with everything that a verdict needs to be certain, and kernel rules of today. */
static void start(struct machine *m)
{
	machine_new(m);
	machine_file(m, "proc/interrupts", "%s", isolated);
	machine_file(m, "proc/kallsyms", "0000000000000000 T iommu_group_get\n"
					 "0000000000000000 T iommu_device_use_default_domain\n");
	machine_file(m, "iommuctl/holders.json", "%s", holders_none);
}

static void add(struct machine *m, const struct machine_pci *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		machine_pci(m, &v[i]);
		if (v[i].group >= 0)
			machine_file(m, arena_printf(&m->ctx.arena, "sys/kernel/iommu_groups/%d/reserved_regions", v[i].group),
				     "%s", regions_msi);
	}
}

#define ADD(m, ...) add(m, (const struct machine_pci[]){ __VA_ARGS__ }, \
			sizeof((const struct machine_pci[]){ __VA_ARGS__ }) / sizeof(struct machine_pci))

static struct viability ask(struct machine *m, uint32_t group, const char *device, bool after_bind)
{
	struct question q = { .after_bind = after_bind };
	struct viability v, brief;

	q.group = host_group(m->host, group);
	assert_non_null(q.group);
	if (device)
		q.device = machine_dev(m, device);
	group_check(m->host, &q, &v);
	q.brief = true;
	group_check(m->host, &q, &brief);
	/* the short way comes to the same answers */
	assert_int_equal(v.viable, brief.viable);
	assert_true(streq(v.verdict, brief.verdict));
	assert_int_equal(v.missing, brief.missing);
	return v;
}

static const struct reason *reason(const struct viability *v, const char *code)
{
	const struct reason *r = v->reasons.v;

	for (size_t i = 0; i < v->reasons.n; i++)
		if (streq(r[i].code, code))
			return &r[i];
	return NULL;
}

static void expect(const struct viability *v, const char *verdict, int viable)
{
	if (!streq(v->verdict, verdict) || v->viable != viable)
		fail_msg("verdict %s, viable %d (%s); wanted %s, %d", v->verdict ? v->verdict : "null", v->viable,
			 v->summary, verdict, viable);
}

static void expect_offenders(const struct viability *v, const char *names)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (size_t i = 0; i < v->offenders.n; i++)
		strbuf_printf(&b, "%s%s", i ? " " : "", v->offenders.v[i]);
	assert_string_equal(strbuf_str(&b), names);
}

/* "DEVICE>DRIVER", or "DEVICE>" for one that only leaves */
static void expect_steps(const struct viability *v, const char *steps)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	const struct step *s = v->steps.v;

	for (size_t i = 0; i < v->steps.n; i++)
		strbuf_printf(&b, "%s%s>%s", i ? " " : "", s[i].device, s[i].to ? s[i].to : "");
	assert_string_equal(strbuf_str(&b), steps);
}

/* -- who is in the way --------------------------------------------------------------------------------- */

static void native_driver_offends(void **state)
{
	struct machine m;
	struct viability v;
	const struct reason *r;

	(void)state;
	start(&m);
	ADD(&m, { "0000:00:01.0", .type = PCIE_ROOT_PORT, .group = 1, .driver = "pcieport" },
	    { "0000:00:01.0/0000:01:00.0", .group = 1, .driver = "vfio-pci", .class = 0x030000 },
	    { "0000:00:01.1", .type = PCIE_ROOT_PORT, .group = 1, .driver = "pcieport" },
	    { "0000:00:01.1/0000:02:00.0", .group = 1, .driver = "ath9k", .class = 0x028000 });
	machine_load(&m);
	v = ask(&m, 1, NULL, false);
	expect(&v, "needs-bind", TRI_NO);
	expect_offenders(&v, "0000:02:00.0");
	expect_steps(&v, "0000:02:00.0>vfio-pci");
	r = reason(&v, "native-driver");
	assert_string_equal(r->device, "0000:02:00.0");
	assert_string_equal(r->driver, "ath9k");
	assert_string_equal(r->value, "ath9k");
	assert_true(strends(r->file, "0000:02:00.0/driver"));
	assert_string_equal(((const struct remedy *)r->remedies.v)->command,
			    "iommuctl device bind 0000:02:00.0");
	machine_free(&m);
}

/* It is the driver that counts: shpchp on a bridge spoils the group, pcieport and no driver do not. */
static void bridges(void **state)
{
	static const struct {
		const char *driver;
		const char *verdict;
		int viable;
		const char *steps;
	} cases[] = {
		{ "pcieport", "ready", TRI_YES, "" },
		{ NULL, "ready", TRI_YES, "" },
		{ "pci-stub", "ready", TRI_YES, "" },
		{ "shpchp", "needs-bind", TRI_NO, "0000:00:04.0>" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct machine m;
		struct viability v;

		start(&m);
		ADD(&m, { "0000:00:04.0", .type = PCIE_TO_PCI, .secondary = 5, .group = 3, .driver = cases[i].driver },
		    { "0000:00:04.0/0000:05:01.0", .type = PCIE_NONE, .group = 3, .driver = "vfio-pci" });
		machine_load(&m);
		v = ask(&m, 3, NULL, false);
		expect(&v, cases[i].verdict, cases[i].viable);
		expect_steps(&v, cases[i].steps);
		machine_free(&m);
	}
}

static void unbound_is_no_offender(void **state)
{
	struct machine m;
	struct viability v;

	(void)state;
	start(&m);
	ADD(&m, { "0000:00:02.0", .multi = true, .group = 5 }, { "0000:00:02.1", .multi = true, .group = 5 });
	machine_load(&m);
	v = ask(&m, 5, NULL, false);
	expect(&v, "needs-bind", TRI_YES);
	expect_offenders(&v, "");
	expect_steps(&v, "0000:00:02.0>vfio-pci 0000:00:02.1>vfio-pci");
	v = ask(&m, 5, "0000:00:02.1", false);
	expect(&v, "needs-bind", TRI_YES);
	expect_steps(&v, "0000:00:02.1>vfio-pci");
	v = ask(&m, 5, NULL, true);
	expect(&v, "needs-bind", TRI_YES);
	machine_free(&m);
}

/* One of two is on vfio-pci: the group is ready, the other device itself is not. */
static void asked_about_one_device(void **state)
{
	struct machine m;
	struct viability v;

	(void)state;
	start(&m);
	ADD(&m, { "0000:00:02.0", .multi = true, .group = 5, .driver = "vfio-pci" },
	    { "0000:00:02.1", .multi = true, .group = 5 },
	    { "0000:00:03.0", .type = PCIE_ROOT_PORT, .group = 5, .driver = "pcieport" });
	machine_load(&m);
	v = ask(&m, 5, NULL, false);
	expect(&v, "ready", TRI_YES);
	expect_steps(&v, "");
	v = ask(&m, 5, "0000:00:02.0", false);
	expect(&v, "ready", TRI_YES);
	v = ask(&m, 5, "0000:00:02.1", false);
	expect(&v, "needs-bind", TRI_YES);
	v = ask(&m, 5, "0000:00:03.0", false);
	expect(&v, "nothing-to-give", TRI_YES);
	machine_free(&m);
}

/* Twins: only the one that is in the group is named. */
static void twins(void **state)
{
	struct machine m;
	struct viability v;

	(void)state;
	start(&m);
	ADD(&m, { "0000:01:00.0", .group = 10, .driver = "e1000e" }, { "0000:02:00.0", .group = 11, .driver = "e1000e" });
	machine_load(&m);
	v = ask(&m, 11, NULL, false);
	expect_offenders(&v, "0000:02:00.0");
	expect_steps(&v, "0000:02:00.0>vfio-pci");
	assert_null(strstr(((const struct step *)v.steps.v)->command, "0000:01:00.0"));
	machine_free(&m);
}

static void nothing_to_give(void **state)
{
	struct machine m;
	struct viability v;

	(void)state;
	start(&m);
	ADD(&m, { "0000:00:01.0", .type = PCIE_ROOT_PORT, .group = 1, .driver = "pcieport" },
	    { "0000:00:02.0", .type = PCIE_ROOT_PORT, .group = 2, .driver = "shpchp" },
	    { "0000:00:00.0", .class = 0x060000, .group = 0 });
	machine_load(&m);
	v = ask(&m, 1, NULL, false);
	expect(&v, "nothing-to-give", TRI_YES);
	v = ask(&m, 2, NULL, true);
	expect(&v, "nothing-to-give", TRI_NO);
	v = ask(&m, 0, NULL, false);
	expect(&v, "nothing-to-give", TRI_YES);
	machine_free(&m);
}

/* A variant driver with any name has a vfio-dev directory. */
static void vfio_by_directory(void **state)
{
	static const char *const names[] = { "mlx5_vfio_pci", "hisi-acc-vfio-pci", "qat_vfio_pci", "xe-vfio-pci" };
	struct machine m;
	struct viability v;

	(void)state;
	start(&m);
	ADD(&m, { "0000:01:00.0", .group = 1, .driver = "house-made" }, { "0000:02:00.0", .group = 2, .driver = "house-made" });
	for (int i = 0; i < 4; i++)
		ADD(&m, { arena_printf(&m.ctx.arena, "0000:1%d:00.0", i), .group = 10 + i, .driver = names[i] });
	machine_link(&m, "sys/class/vfio-dev/vfio0", "../../devices/pci0000:01/0000:01:00.0/vfio-dev/vfio0");
	machine_load(&m);
	v = ask(&m, 1, NULL, false);
	expect(&v, "ready", TRI_YES);
	v = ask(&m, 2, NULL, false);
	expect(&v, "needs-bind", TRI_NO);
	for (uint32_t i = 0; i < 4; i++) {
		v = ask(&m, 10 + i, NULL, false);
		expect(&v, "ready", TRI_YES);
	}
	machine_free(&m);
}

/* -- other buses ------------------------------------------------------------------------------------------ */

static void other_buses(void **state)
{
	struct machine m;
	struct viability v;
	const struct step *s;

	(void)state;
	start(&m);
	machine_other(&m, "platform", "fd000000.dma", "sys/devices/platform/fd000000.dma", 1, "pl330");
	machine_other(&m, "host1x", "context.0", "sys/devices/platform/context.0", 2, "somebody");
	machine_other(&m, "fsl-mc", "dprc.2", "sys/devices/platform/dprc.2", 3, "vfio-fsl-mc");
	ADD(&m, { "0000:01:00.0", .group = 4, .driver = "vfio-pci" });
	machine_other(&m, "host1x", "context.1", "sys/devices/platform/context.1", 4, "somebody");
	for (int i = 1; i < 5; i++)
		machine_file(&m, arena_printf(&m.ctx.arena, "sys/kernel/iommu_groups/%d/reserved_regions", i), "%s", regions_msi);
	machine_load(&m);
	v = ask(&m, 1, NULL, false);
	expect(&v, "needs-bind", TRI_NO);
	s = v.steps.v;
	assert_string_equal(s->to, "vfio-platform");
	assert_string_equal(s->command, "iommuctl device bind platform/fd000000.dma");
	/* its driver is not counted, and VFIO has none for it */
	v = ask(&m, 2, NULL, false);
	expect(&v, "nothing-to-give", TRI_YES);
	v = ask(&m, 3, NULL, false);
	expect(&v, "ready", TRI_YES);
	v = ask(&m, 4, NULL, false);
	expect(&v, "ready", TRI_YES);
	machine_free(&m);
}

static void odd_groups(void **state)
{
	struct machine m;
	struct viability v;

	(void)state;
	start(&m);
	machine_other(&m, "mdev", "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", "sys/devices/virtual/mtty/mtty/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", 1, "vfio_mdev");
	machine_other(&m, "iommufd_mock", "iommufd_mock0", "sys/devices/iommufd_mock0", 2, "iommufd_mock");
	ADD(&m, { "0000:01:00.0", .group = 3, .driver = "vfio-pci" });
	machine_file(&m, "sys/kernel/iommu_groups/3/name", "vfio-noiommu\n");
	machine_file(&m, "sys/kernel/iommu_groups/1/name", "vfio-noiommu\n");
	machine_load(&m);
	for (uint32_t i = 1; i <= 3; i++) {
		static const char *const codes[] = { "", "mdev", "mock", "no-iommu" };

		v = ask(&m, i, NULL, false);
		assert_null(v.verdict);
		assert_int_equal(v.viable, TRI_UNKNOWN);
		assert_non_null(reason(&v, codes[i]));
		assert_true(strlen(v.summary) > 10);
	}
	machine_free(&m);
}

/* -- the rules before 5.19 -------------------------------------------------------------------------------------- */

static void old_rules(void **state)
{
	static const struct {
		const char *kallsyms;
		int port, shpchp, other_bus; /* viable */
	} cases[] = {
		/* now: shpchp counts, other buses do not */
		{ "0000000000000000 T iommu_group_get\n0000000000000000 T iommu_device_use_default_domain\n", TRI_YES, TRI_NO,
		  TRI_YES },
		/* then: any bridge was fine, anything else bound was not */
		{ "0000000000000000 T iommu_group_get\n", TRI_YES, TRI_YES, TRI_NO },
		/* nobody can tell */
		{ NULL, TRI_YES, TRI_UNKNOWN, TRI_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct machine m;
		struct viability v;

		start(&m);
		if (cases[i].kallsyms)
			machine_file(&m, "proc/kallsyms", "%s", cases[i].kallsyms);
		else
			machine_remove(&m, "proc/kallsyms");
		ADD(&m, { "0000:00:01.0", .type = PCIE_ROOT_PORT, .group = 1, .driver = "pcieport" },
		    { "0000:00:01.0/0000:01:00.0", .group = 1 },
		    { "0000:00:02.0", .type = PCIE_ROOT_PORT, .group = 2, .driver = "shpchp" },
		    { "0000:00:02.0/0000:02:00.0", .group = 2 }, { "0000:00:03.0", .group = 3 },
		    { "0000:00:04.0", .group = 4, .driver = "e1000e" });
		machine_other(&m, "host1x", "context.1", "sys/devices/platform/context.1", 3, "somebody");
		machine_load(&m);
		assert_int_equal(ask(&m, 1, NULL, false).viable, cases[i].port);
		assert_int_equal(ask(&m, 2, NULL, false).viable, cases[i].shpchp);
		assert_int_equal(ask(&m, 3, NULL, false).viable, cases[i].other_bus);
		/* where both rules agree, nobody has to know */
		v = ask(&m, 4, NULL, false);
		expect(&v, "needs-bind", TRI_NO);
		assert_null(reason(&v, "rules-unknown"));
		machine_free(&m);
	}
}

/* -- what binding does not mend ---------------------------------------------------------------------------------- */

static void direct_region(void **state)
{
	struct machine m;
	struct viability v;
	const struct reason *r;

	(void)state;
	start(&m);
	ADD(&m, { "0000:01:00.0", .group = 1, .driver = "vfio-pci" }, { "0000:02:00.0", .group = 2, .driver = "vfio-pci" });
	machine_file(&m, "sys/kernel/iommu_groups/1/reserved_regions",
		     "0x00000000bdf6e000 0x00000000bdf84fff direct\n%s", regions_msi);
	machine_file(&m, "sys/kernel/iommu_groups/2/reserved_regions",
		     "0x0000000000000000 0x0000000000ffffff direct-relaxable\n%s", regions_msi);
	machine_load(&m);
	v = ask(&m, 1, NULL, false);
	expect(&v, "blocked", TRI_YES);
	r = reason(&v, "direct-region");
	assert_string_equal(r->file, "/sys/kernel/iommu_groups/1/reserved_regions");
	assert_string_equal(r->value, "0x00000000bdf6e000 0x00000000bdf84fff direct");
	v = ask(&m, 1, NULL, true);
	expect(&v, "blocked", TRI_YES);
	v = ask(&m, 2, NULL, false);
	expect(&v, "ready", TRI_YES);
	machine_free(&m);
}

static void isolated_msi(void **state)
{
	static const struct {
		const char *iommufd, *type1;
		const char *verdict;
	} cases[] = {
		{ NULL, NULL, "blocked" },
		{ "N\n", "N\n", "blocked" },
		{ "Y\n", "N\n", "ready" },
		{ "N\n", "Y\n", "ready" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct remedy *remedies;
		const struct reason *r;
		struct machine m;
		struct viability v;

		start(&m);
		machine_file(&m, "proc/interrupts", "%s", not_isolated);
		machine_file(&m, "proc/cmdline", "quiet intremap=off\n");
		machine_file(&m, "sys/module/kernel/initstate", "live\n");
		ADD(&m, { "0000:01:00.0", .group = 1, .driver = "vfio-pci" });
		if (cases[i].iommufd)
			machine_file(&m, "sys/module/iommufd/parameters/allow_unsafe_interrupts", "%s", cases[i].iommufd);
		if (cases[i].type1)
			machine_file(&m, "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "%s",
				     cases[i].type1);
		machine_load(&m);
		v = ask(&m, 1, NULL, false);
		expect(&v, cases[i].verdict, TRI_YES);
		if (!streq(v.verdict, "blocked")) {
			assert_string_equal(reason(&v, "unsafe-interrupts")->severity, "warning");
			assert_true(strends(reason(&v, "unsafe-interrupts")->file, "allow_unsafe_interrupts"));
			machine_free(&m);
			continue;
		}
		r = reason(&v, "no-isolated-msi");
		remedies = r->remedies.v;
		assert_int_equal(r->remedies.n, 3);
		assert_non_null(strstr(remedies[0].text, "intremap=off"));
		assert_int_equal(remedies[0].unsafe, TRI_NO);
		assert_int_equal(remedies[1].unsafe, TRI_YES);
		assert_int_equal(remedies[2].unsafe, TRI_YES);
		assert_string_equal(remedies[1].command,
				    cases[i].iommufd ? "echo Y > /sys/module/iommufd/parameters/allow_unsafe_interrupts" :
						       "modprobe iommufd allow_unsafe_interrupts=1");
		machine_free(&m);
	}
}

/* An SMMU's firmware says whether it is coherent; a device that VFIO took proves it. */
static void coherency(void **state)
{
	static const char node[] = "sys/firmware/devicetree/base/soc/smmu@9050000/";
	static const struct {
		const char *file, *driver, *verdict;
	} cases[] = {
		{ "dma-coherent", NULL, "needs-bind" },	       { "compatible", NULL, "blocked" },
		{ "../dma-coherent", NULL, "needs-bind" },     { "dma-noncoherent", NULL, "blocked" },
		{ "compatible", "vfio-pci", "ready" },	       { NULL, NULL, "unknown" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct machine m;
		struct viability v;

		start(&m);
		ADD(&m, { "0000:01:00.0", .group = 1, .driver = cases[i].driver });
		machine_link(&m, "sys/class/iommu/smmu3.0x0000000009050000/devices/0000:01:00.0",
			     "../../../../devices/pci0000:01/0000:01:00.0");
		machine_link(&m, "sys/class/iommu/smmu3.0x0000000009050000/device", "../../../devices/platform/9050000.smmu");
		machine_file(&m, "sys/devices/platform/9050000.smmu/uevent", "x\n");
		if (cases[i].file) {
			machine_link(&m, "sys/devices/platform/9050000.smmu/of_node",
				     "../../../firmware/devicetree/base/soc/smmu@9050000");
			machine_file(&m, arena_printf(&m.ctx.arena, "%sreg", node), "x");
			machine_file(&m, arena_printf(&m.ctx.arena, "%s%s", node, cases[i].file), "%s", "");
		}
		machine_load(&m);
		v = ask(&m, 1, NULL, true);
		expect(&v, cases[i].verdict, TRI_YES);
		if (streq(v.verdict, "blocked"))
			assert_true(strends(reason(&v, "not-coherent")->file, "smmu@9050000/dma-coherent"));
		machine_free(&m);
	}
}

/* -- what is not known --------------------------------------------------------------------------------------------- */

static void unknown_facts(void **state)
{
	struct machine m;
	struct viability v;

	(void)state;
	start(&m);
	ADD(&m, { "0000:01:00.0", .group = 1, .driver = "vfio-pci" }, { "0000:02:00.0", .group = 2, .driver = "e1000e" });
	machine_remove(&m, "proc/interrupts");
	machine_load(&m);
	v = ask(&m, 1, NULL, false);
	expect(&v, "unknown", TRI_YES);
	assert_non_null(reason(&v, "msi-unknown"));
	/* no is certain all the same, yes is not */
	v = ask(&m, 2, NULL, false);
	expect(&v, "needs-bind", TRI_NO);
	v = ask(&m, 2, NULL, true);
	expect(&v, "unknown", TRI_NO);
	machine_free(&m);

	start(&m);
	ADD(&m, { "0000:01:00.0", .group = 1, .driver = "vfio-pci" }, { "0000:02:00.0", .group = 2 });
	machine_remove(&m, "iommuctl/holders.json");
	machine_remove(&m, "sys/kernel/iommu_groups/2/reserved_regions");
	machine_load(&m);
	v = ask(&m, 1, NULL, false);
	expect(&v, "unknown", TRI_UNKNOWN);
	assert_int_equal(v.missing, -ENOTCAPTURED);
	assert_non_null(reason(&v, "holders-unknown"));
	v = ask(&m, 2, NULL, true);
	expect(&v, "unknown", TRI_YES);
	assert_non_null(reason(&v, "regions-unknown"));
	machine_free(&m);
}

/* Not isolated, and the parameters that could waive it were not captured. */
static void waiver_not_captured(void **state)
{
	struct machine m;
	struct viability v;

	(void)state;
	start(&m);
	machine_file(&m, "proc/interrupts", "%s", not_isolated);
	ADD(&m, { "0000:01:00.0", .group = 1, .driver = "vfio-pci" });
	machine_load(&m);
	v = ask(&m, 1, NULL, false);
	expect(&v, "unknown", TRI_YES);
	assert_non_null(strstr(reason(&v, "msi-unknown")->text, "allow_unsafe_interrupts"));
	machine_free(&m);
}

static void driver_not_readable(void **state)
{
	struct machine m;
	struct viability v;
	struct device *d;

	(void)state;
	start(&m);
	ADD(&m, { "0000:01:00.0", .multi = true, .group = 1, .driver = "vfio-pci" },
	    { "0000:01:00.1", .multi = true, .group = 1 }, { "0000:01:00.2", .multi = true, .group = 1 });
	machine_load(&m);
	d = machine_dev(&m, "0000:01:00.1");
	d->driver_err = -EACCES;
	v = ask(&m, 1, NULL, false);
	expect(&v, "unknown", TRI_UNKNOWN);
	assert_int_equal(v.missing, -EACCES);
	assert_string_equal(reason(&v, "driver-unknown")->device, "0000:01:00.1");
	/* one certain offender makes no certain */
	machine_dev(&m, "0000:01:00.2")->driver = "e1000e";
	v = ask(&m, 1, NULL, false);
	expect(&v, "needs-bind", TRI_NO);
	expect_offenders(&v, "0000:01:00.2");
	v = ask(&m, 1, NULL, true);
	expect(&v, "unknown", TRI_NO);
	/* a group that nobody could look into */
	host_group(m.host, 1)->devices_err = -EACCES;
	v = ask(&m, 1, NULL, false);
	expect(&v, "unknown", TRI_UNKNOWN);
	machine_free(&m);
}

/* -- who has it open -------------------------------------------------------------------------------------------- */

#define HELD(kind, more)                                                                                              \
	"{\"pid\":4711,\"uid\":0,\"comm\":\"qemu-system-x86\",\"fd\":31,\"kind\":\"" kind "\"," more            \
	",\"unit\":\"machine-web1.scope\",\"guest\":\"web1\"}"

static void held(struct machine *m, bool complete, const char *list)
{
	machine_file(m, "iommuctl/holders.json", "{\"complete\":%s,\"unseen\":%d,\"why\":%s,\"held\":[%s]}",
		     complete ? "true" : "false", !complete, complete ? "null" : "\"permission\"", list);
}

static void somebody_has_it_open(void **state)
{
	static const char *const lists[] = {
		HELD("group", "\"node\":\"/dev/vfio/1\",\"group\":1"),
		HELD("device", "\"node\":\"/dev/vfio/devices/vfio0\",\"vfio_dev\":\"vfio0\""),
		HELD("device-fd", "\"node\":null,\"syspath\":\"/sys/devices/pci0000:00/0000:00:02.0\""),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct machine m;
		struct viability v;

		start(&m);
		ADD(&m, { "0000:00:02.0", .multi = true, .group = 1, .driver = "vfio-pci" },
		    { "0000:00:02.1", .multi = true, .group = 1 }, { "0000:00:03.0", .group = 2, .driver = "vfio-pci" },
		    { "0000:00:04.0", .group = 3, .driver = "e1000e" });
		machine_link(&m, "sys/class/vfio-dev/vfio0", "../../devices/pci0000:00/0000:00:02.0/vfio-dev/vfio0");
		held(&m, true, lists[i]);
		machine_load(&m);
		v = ask(&m, 1, NULL, false);
		expect(&v, "in-use", TRI_UNKNOWN);
		assert_non_null(strstr(v.summary, "qemu-system-x86 (pid 4711, guest web1)"));
		assert_string_equal(reason(&v, "held")->file, "/proc/4711/fd");
		/* a driverless device of that group, after binds or not */
		v = ask(&m, 1, "0000:00:02.1", true);
		expect(&v, "in-use", TRI_UNKNOWN);
		v = ask(&m, 2, NULL, false);
		expect(&v, "ready", TRI_YES);
		machine_free(&m);
	}
}

/* Not all could be looked at: never free, but where nobody can hold anything it does not matter. */
static void not_all_seen(void **state)
{
	struct machine m;
	struct viability v;

	(void)state;
	start(&m);
	ADD(&m, { "0000:00:02.0", .group = 1, .driver = "vfio-pci" }, { "0000:00:03.0", .group = 2 },
	    { "0000:00:04.0", .group = 3, .driver = "e1000e" });
	held(&m, false, "");
	machine_load(&m);
	v = ask(&m, 1, NULL, false);
	expect(&v, "unknown", TRI_UNKNOWN);
	assert_int_equal(v.missing, -EACCES);
	v = ask(&m, 2, NULL, true);
	expect(&v, "needs-bind", TRI_YES);
	v = ask(&m, 3, NULL, true);
	expect(&v, "needs-bind", TRI_NO);
	machine_free(&m);
}

/* -- the kernel's own count ------------------------------------------------------------------------------------------ */

/* Group 1 with one e1000 on @driver: the count that the kernel's memory holds. */
static void counts(struct machine *m, const char *driver, bool managed, int count, bool owned)
{
	machine_file(m, "iommuctl/ownership.json",
		     "{\"version\":1,\"groups\":[{\"id\":1,\"name\":null,\"problem\":null,\"owner_cnt\":%d,\"recovery_cnt\":null,"
		     "\"owner\":%s,\"owned\":%s,\"claims\":%s,\"default_domain\":null,\"blocking_domain\":null,"
		     "\"domain\":null,\"devices\":[{\"name\":\"0000:00:02.0\",\"bus\":\"pci\",\"driver\":%s%s%s,"
		     "\"managed\":%s,\"counted\":true,\"blocked\":null}]}],\"domains\":[],"
		     "\"owners\":[{\"kind\":\"iommufd\",\"complete\":true,\"processes\":[]}],\"obstacles\":[]}",
		     count, owned ? "0" : "null", owned ? "true" : "false", owned ? "1" : "null", driver ? "\"" : "",
		     driver ? driver : "null", driver ? "\"" : "", managed ? "true" : "false");
}

static void the_kernels_count(void **state)
{
	static const struct {
		const char *driver;
		bool managed;
		int count;
		bool owned;
		const char *verdict;
		int viable;
		const char *code;
	} cases[] = {
		{ "vfio-pci", true, 0, false, "ready", TRI_YES, "not-in-the-way" },
		{ "e1000", false, 1, false, "needs-bind", TRI_NO, "native-driver" },
		/* a count that nobody accounts for outlasts every bind */
		{ "vfio-pci", true, 1, false, "blocked", TRI_NO, "surplus" },
		{ "e1000", false, 2, false, "blocked", TRI_NO, "surplus" },
		/* claimed, by nobody who could be seen */
		{ "vfio-pci", true, 1, true, "in-use", TRI_NO, "claim" },
		/* a driver that manages its own DMA by its own word */
		{ "newstub", true, 0, false, "needs-bind", TRI_YES, "no-vfio-driver" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct machine m;
		struct viability v;

		start(&m);
		ADD(&m, { "0000:00:02.0", .group = 1, .driver = cases[i].driver });
		counts(&m, cases[i].driver, cases[i].managed, cases[i].count, cases[i].owned);
		machine_load(&m);
		v = ask(&m, 1, NULL, false);
		expect(&v, cases[i].verdict, cases[i].viable);
		assert_non_null(reason(&v, cases[i].code));
		machine_free(&m);
	}
}

/* -- names from a foreign machine ------------------------------------------------------------------------------------- */

static void hostile_names(void **state)
{
	struct machine m;
	struct viability v;

	(void)state;
	start(&m);
	machine_other(&m, "platform", "$(touch x)", "sys/devices/platform/$(touch x)", 1, "evil");
	machine_other(&m, "platform", "a;b", "sys/devices/platform/a;b", 2, "evil");
	machine_load(&m);
	for (uint32_t g = 1; g <= 2; g++) {
		v = ask(&m, g, NULL, false);
		expect(&v, "needs-bind", TRI_NO);
		assert_null(((const struct step *)v.steps.v)->command);
	}
	machine_free(&m);
}

static void vfs_go_first(void **state)
{
	struct machine m;
	struct viability v;
	const struct step *s;

	(void)state;
	start(&m);
	ADD(&m, { "0000:01:00.0", .group = 1, .driver = "nvme" });
	machine_file(&m, "sys/devices/pci0000:01/0000:01:00.0/sriov_numvfs", "4\n");
	machine_file(&m, "sys/devices/pci0000:01/0000:01:00.0/sriov_totalvfs", "8\n");
	machine_load(&m);
	v = ask(&m, 1, NULL, false);
	expect(&v, "needs-bind", TRI_NO);
	s = v.steps.v;
	assert_true(strstr(s->command, "iommuctl device vfs 0000:01:00.0 0 && iommuctl device bind ") != NULL);
	assert_string_equal(reason(&v, "vfs-enabled")->severity, "warning");
	/* that is more than a bind */
	v = ask(&m, 1, NULL, true);
	expect(&v, "blocked", TRI_NO);
	assert_string_equal(reason(&v, "vfs-enabled")->severity, "problem");
	machine_free(&m);
}

/* A disk or a network interface on what has to move is worth a word before the command is pasted. */
static void what_the_machine_loses(void **state)
{
	struct machine m;
	struct viability v;

	(void)state;
	start(&m);
	ADD(&m, { "0000:01:00.0", .multi = true, .group = 1, .driver = "e1000e" },
	    { "0000:01:00.1", .multi = true, .group = 1, .driver = "e1000e" });
	machine_link(&m, "sys/class/net/eth0", "../../devices/pci0000:01/0000:01:00.0/net/eth0");
	machine_file(&m, "sys/devices/pci0000:01/0000:01:00.0/net/eth0/uevent", "INTERFACE=eth0\n");
	machine_load(&m);
	v = ask(&m, 1, NULL, false);
	expect_offenders(&v, "0000:01:00.0 0000:01:00.1");
	assert_string_equal(reason(&v, "carries")->device, "0000:01:00.0");
	assert_non_null(strstr(reason(&v, "carries")->text, "network interface eth0"));
	assert_non_null(strstr(v.summary, "0000:01:00.0 (e1000e) and 0000:01:00.1 (e1000e) must leave their drivers first"));
	machine_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(native_driver_offends),
		cmocka_unit_test(bridges),
		cmocka_unit_test(unbound_is_no_offender),
		cmocka_unit_test(asked_about_one_device),
		cmocka_unit_test(twins),
		cmocka_unit_test(nothing_to_give),
		cmocka_unit_test(vfio_by_directory),
		cmocka_unit_test(other_buses),
		cmocka_unit_test(odd_groups),
		cmocka_unit_test(old_rules),
		cmocka_unit_test(direct_region),
		cmocka_unit_test(isolated_msi),
		cmocka_unit_test(coherency),
		cmocka_unit_test(unknown_facts),
		cmocka_unit_test(waiver_not_captured),
		cmocka_unit_test(driver_not_readable),
		cmocka_unit_test(somebody_has_it_open),
		cmocka_unit_test(not_all_seen),
		cmocka_unit_test(the_kernels_count),
		cmocka_unit_test(hostile_names),
		cmocka_unit_test(vfs_go_first),
		cmocka_unit_test(what_the_machine_loses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
