// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "diag/explain.h"
#include "machine.h"

/* -- a machine from a table, and its answer as text -------------------------------------------------- */

static void build(struct machine *m, const struct machine_pci *v, size_t n)
{
	machine_new(m);
	for (size_t i = 0; i < n; i++)
		machine_pci(m, &v[i]);
	machine_load(m);
}

static const struct explanation *explain(struct machine *m, uint32_t id, const char *first)
{
	struct group *g = host_group(m->host, id);

	assert_non_null(g);
	return explain_group(m->host, g, first ? machine_dev(m, first) : NULL);
}

/* An address without the domain that nearly all have. */
static const char *brief(const char *name)
{
	return strstarts(name, "0000:") ? name + 5 : name;
}

/* "A>B kind port missing" of each hop, separated by "; ". */
static const char *hops_text(struct machine *m, const struct explanation *e)
{
	const struct explain_hop *hops = e->hops.v;
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (size_t i = 0; i < e->hops.n; i++) {
		const struct explain_hop *hop = &hops[i];

		strbuf_printf(&b, "%s%s>%s %s", i ? "; " : "", brief(hop->a), brief(hop->b), hop->kind);
		if (hop->port)
			strbuf_printf(&b, " %s", brief(hop->port));
		for (size_t j = 0; j < hop->missing.n; j++)
			strbuf_printf(&b, "%c%s", j ? '+' : ' ', hop->missing.v[j]);
		assert_non_null(hop->text);
		assert_true(!hop->port == !hop->file);
	}
	return arena_strdup(&m->host->arena, strbuf_str(&b));
}

static void assert_hops(struct machine *m, uint32_t id, const char *first, const char *expect)
{
	const struct explanation *e = explain(m, id, first);

	assert_string_equal(hops_text(m, e), expect);
	assert_int_equal(e->group.v, id);
	assert_non_null(e->summary);
	assert_int_equal(e->hops.n, e->devices.n ? e->devices.n - 1 : 0);
}

static bool has_remedy(const struct explanation *e, const char *part, int unsafe)
{
	const struct remedy *r = e->remedies.v;

	for (size_t i = 0; i < e->remedies.n; i++) {
		if (strstr(r[i].text, part))
			return r[i].unsafe == unsafe;
	}
	return false;
}

static const struct reason *warning(const struct explanation *e, const char *code)
{
	const struct reason *r = e->warnings.v;

	for (size_t i = 0; i < e->warnings.n; i++) {
		if (streq(r[i].code, code))
			return &r[i];
	}
	return NULL;
}

#define BUILD(m, table) build(m, table, ARRAY_SIZE(table))

/* -- each kind of hop -------------------------------------------------------------------------------- */

static void a_root_port_without_acs(void **state _unused_)
{
	static const struct machine_pci v[] = {
		{ "0000:00:03.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 1, .driver = "pcieport" },
		{ "0000:00:03.0/0000:01:00.0", .group = 2, .driver = "nvme" },
		{ "0000:00:06.0", .type = PCIE_ROOT_PORT, .group = 4, .driver = "pcieport" },
		{ "0000:00:06.0/0000:04:00.0", .group = 4, .driver = "e1000e" },
	};
	const struct explain_hop *hop;
	const struct explain_node *path;
	const struct explanation *e;
	struct machine m;

	BUILD(&m, v);
	assert_hops(&m, 4, NULL, "04:00.0>00:06.0 acs-missing 00:06.0 SV+RR+CR+UF");
	e = explain(&m, 4, "0000:04:00.0");
	assert_string_equal(e->summary, "2 devices share group 4 because root port 0000:00:06.0 has no ACS capability.");
	assert_int_equal(e->explained, TRI_YES);
	assert_string_equal(((const struct explain_device *)e->devices.v)[0].device, "0000:04:00.0");
	hop = e->hops.v;
	assert_string_equal(hop->port_type, "root port");
	assert_false(hop->acs_cap.known);
	assert_string_equal(hop->file, "/sys/bus/pci/devices/0000:00:06.0/config");
	path = e->path.v;
	assert_int_equal(e->path.n, 2);
	assert_string_equal(path[0].acs, "absent");
	assert_int_equal(path[0].isolates, TRI_NO);
	assert_null(path[0].upstream);
	assert_string_equal(path[1].upstream, "0000:00:06.0");
	assert_string_equal(path[1].acs, "not-needed");
	assert_true(has_remedy(e, "firmware", TRI_NO));
	assert_true(has_remedy(e, "pcie_acs_override=downstream", TRI_YES));
	assert_int_equal(((const struct remedy *)e->remedies.v)[e->remedies.n - 1].unsafe, TRI_YES);
	assert_int_equal(e->warnings.n, 0);

	assert_hops(&m, 2, NULL, "");
	e = explain(&m, 2, NULL);
	assert_string_equal(e->summary, "Group 2 has one device, 0000:01:00.0, which shares it with nobody. Every port above it isolates.");
	assert_int_equal(e->path.n, 2);
	assert_int_equal(((const struct explain_node *)e->path.v)[0].in_group, TRI_NO);
	assert_int_equal(e->remedies.n, 0);
	machine_free(&m);
}

static void bits_that_are_off(void **state _unused_)
{
	static const struct machine_pci v[] = {
		{ "0000:00:06.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS(0x1f, 0x11), .group = 4 },
		{ "0000:00:06.0/0000:04:00.0", .group = 4 },
	};
	const struct explanation *e;
	const struct explain_hop *hop;
	struct machine m;

	BUILD(&m, v);
	assert_hops(&m, 4, NULL, "04:00.0>00:06.0 acs-missing 00:06.0 RR+CR");
	e = explain(&m, 4, NULL);
	assert_string_equal(e->summary, "2 devices share group 4 because root port 0000:00:06.0 has ACS with SV UF on but RR CR off.");
	hop = e->hops.v;
	assert_int_equal(hop->acs_cap.v, 0x1f);
	assert_int_equal(hop->acs_ctrl.v, 0x11);
	assert_true(has_remedy(e, "pci=config_acs=11xx@0000:00:06.0", TRI_NO));
	assert_false(has_remedy(e, "firmware", TRI_NO));
	machine_free(&m);
}

/* A port high up without ACS takes everything below it into its group. */
static void a_port_further_up(void **state _unused_)
{
	static const struct machine_pci v[] = {
		{ "0000:00:05.0", .type = PCIE_ROOT_PORT, .group = 3 },
		{ "0000:00:05.0/0000:0a:00.0", .type = PCIE_UPSTREAM, .group = 3 },
		{ "0000:00:05.0/0000:0a:00.0/0000:0b:00.0", .type = PCIE_DOWNSTREAM, .acs = MACHINE_ACS_ON, .group = 3 },
		{ "0000:00:05.0/0000:0a:00.0/0000:0b:00.0/0000:0c:00.0", .group = 3 },
		{ "0000:00:05.0/0000:0a:00.0/0000:0b:01.0", .type = PCIE_DOWNSTREAM, .group = 3 },
		{ "0000:00:05.0/0000:0a:00.0/0000:0b:01.0/0000:0d:00.0", .group = 3 },
	};
	const struct explain_hop *hop;
	struct machine m;

	BUILD(&m, v);
	assert_hops(&m, 3, NULL,
		    "0a:00.0>00:05.0 acs-missing 00:05.0 SV+RR+CR+UF; 0b:00.0>0a:00.0 acs-missing 00:05.0 SV+RR+CR+UF; "
		    "0b:01.0>0a:00.0 acs-missing 00:05.0 SV+RR+CR+UF; 0c:00.0>0b:00.0 acs-missing 00:05.0 SV+RR+CR+UF; "
		    "0d:00.0>0b:01.0 acs-missing 0b:01.0 SV+RR+CR+UF");
	/* asked from the far end: its own hop first */
	hop = explain(&m, 3, "0000:0d:00.0")->hops.v;
	assert_string_equal(hop[0].a, "0000:0d:00.0");
	assert_string_equal(hop[1].a, "0000:0b:01.0");
	machine_free(&m);
}

static void a_switch_without_acs(void **state _unused_)
{
	static const struct machine_pci v[] = {
		{ "0000:00:03.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 1 },
		{ "0000:00:03.0/0000:01:00.0", .type = PCIE_UPSTREAM, .group = 6 },
		{ "0000:00:03.0/0000:01:00.0/0000:02:00.0", .type = PCIE_DOWNSTREAM, .group = 7 },
		{ "0000:00:03.0/0000:01:00.0/0000:02:00.0/0000:03:00.0", .group = 7 },
		{ "0000:00:03.0/0000:01:00.0/0000:02:01.0", .type = PCIE_DOWNSTREAM, .group = 8 },
		{ "0000:00:03.0/0000:01:00.0/0000:02:01.0/0000:04:00.0", .group = 8 },
	};
	struct machine m;

	BUILD(&m, v);
	assert_hops(&m, 7, NULL, "03:00.0>02:00.0 acs-missing 02:00.0 SV+RR+CR+UF");
	assert_hops(&m, 8, NULL, "04:00.0>02:01.0 acs-missing 02:01.0 SV+RR+CR+UF");
	assert_true(has_remedy(explain(&m, 7, NULL), "every port on the way up", TRI_NO));
	for (uint32_t g = 1; g <= 8; g++) {
		if (host_group(m.host, g))
			assert_int_equal(explain(&m, g, NULL)->warnings.n, 0);
	}
	machine_free(&m);
}

static void bridges_to_conventional_pci(void **state _unused_)
{
	static const struct machine_pci v[] = {
		{ "0000:00:08.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 6 },
		{ "0000:00:08.0/0000:06:00.0", .type = PCIE_TO_PCI, .group = 14 },
		{ "0000:00:08.0/0000:06:00.0/0000:07:01.0", .type = PCIE_NONE, .group = 14 },
		{ "0000:00:08.0/0000:06:00.0/0000:07:02.0", .type = PCIE_NONE, .bridge = true, .group = 14 },
		{ "0000:00:08.0/0000:06:00.0/0000:07:02.0/0000:08:00.0", .type = PCIE_NONE, .group = 14 },
		/* the 82801 bridge of old chipsets, on the root bus */
		{ "0000:00:1e.0", .type = PCIE_NONE, .bridge = true, .group = 20 },
		{ "0000:00:1e.0/0000:09:00.0", .type = PCIE_NONE, .group = 20 },
	};
	struct machine m;

	BUILD(&m, v);
	assert_hops(&m, 14, NULL,
		    "07:01.0>06:00.0 conventional-bridge 06:00.0; 07:02.0>06:00.0 conventional-bridge 06:00.0; "
		    "08:00.0>07:02.0 conventional-bridge 07:02.0");
	assert_hops(&m, 20, NULL, "09:00.0>00:1e.0 conventional-bridge 00:1e.0");
	assert_string_equal(explain(&m, 20, NULL)->summary,
			    "2 devices share group 20 because conventional PCI bridge 0000:00:1e.0 answers for what is behind it.");
	assert_false(has_remedy(explain(&m, 14, NULL), "override", TRI_YES));
	machine_free(&m);
}

static void functions_of_one_slot(void **state _unused_)
{
	static const struct machine_pci v[] = {
		{ "0000:00:07.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 5 },
		{ "0000:00:07.0/0000:05:00.0", .multi = true, .group = 13 },
		{ "0000:00:07.0/0000:05:00.1", .group = 13 },
		{ "0000:00:07.0/0000:05:00.2", .acs = MACHINE_ACS(0, 0), .group = 14 }, /* isolates by itself */
		{ "0000:00:07.0/0000:05:00.3", .acs = MACHINE_ACS(0x04, 0), .group = 13 },
		{ "0000:00:1f.0", .type = PCIE_NONE, .multi = true, .class = 0x060100, .group = 9 },
		{ "0000:00:1f.2", .type = PCIE_NONE, .group = 9 },
		{ "0000:00:1f.3", .type = PCIE_NONE, .group = 9 },
		/* of another slot, and no part of it */
		{ "0000:00:1e.0", .type = PCIE_NONE, .multi = true, .group = 8 },
	};
	struct machine m;

	BUILD(&m, v);
	assert_hops(&m, 13, NULL, "05:00.0>05:00.1 multifunction 05:00.0 SV+RR+CR+UF; 05:00.0>05:00.3 multifunction 05:00.0 SV+RR+CR+UF");
	assert_hops(&m, 9, NULL, "00:1f.0>00:1f.2 multifunction 00:1f.0; 00:1f.0>00:1f.3 multifunction 00:1f.0");
	assert_true(has_remedy(explain(&m, 9, NULL), "part of the chipset", TRI_NO));
	assert_true(has_remedy(explain(&m, 13, NULL), "give all of 0000:05:00", TRI_NO));
	assert_true(has_remedy(explain(&m, 13, NULL), "multifunction", TRI_YES));
	assert_int_equal(explain(&m, 14, NULL)->warnings.n, 0);
	assert_int_equal(explain(&m, 8, NULL)->warnings.n, 0);
	machine_free(&m);
}

static void virtual_functions_are_no_functions_of_the_slot(void **state _unused_)
{
	static const struct machine_pci v[] = {
		{ "0000:00:03.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 1 },
		{ "0000:00:03.0/0000:01:00.0", .group = 5 },
		{ "0000:00:03.0/0000:01:00.1", .group = 7 },
		{ "0000:00:03.0/0000:01:00.2", .group = 8 },
	};
	struct machine m;

	machine_new(&m);
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		machine_pci(&m, &v[i]);
	machine_link(&m, "sys/devices/pci0000:00/0000:00:03.0/0000:01:00.1/physfn", "../0000:01:00.0");
	machine_link(&m, "sys/devices/pci0000:00/0000:00:03.0/0000:01:00.2/physfn", "../0000:01:00.0");
	machine_load(&m);
	for (uint32_t g = 5; g <= 8; g++) {
		if (host_group(m.host, g))
			assert_int_equal(explain(&m, g, NULL)->warnings.n, 0);
	}
	machine_free(&m);
}

static void a_vmd_domain(void **state _unused_)
{
	static const struct machine_pci v[] = {
		{ "0000:00:0e.0", .type = PCIE_RC_ENDPOINT, .group = 7, .driver = "vmd" },
		{ "0000:00:0e.0/pci10000:e0/10000:e0:06.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 7 },
		{ "0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0", .group = 7, .driver = "nvme" },
	};
	struct machine m;

	BUILD(&m, v);
	assert_hops(&m, 7, NULL, "10000:e0:06.0>00:0e.0 vmd 00:0e.0; 10000:e1:00.0>00:0e.0 vmd 00:0e.0");
	assert_true(has_remedy(explain(&m, 7, NULL), "VMD", TRI_NO));
	machine_free(&m);
}

/* -- what cannot be seen ----------------------------------------------------------------------------- */

static void no_reason_in_config_space(void **state _unused_)
{
	static const struct machine_pci v[] = {
		{ "0000:00:03.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 1 },
		{ "0000:00:03.0/0000:01:00.0", .group = 2 },
		{ "0000:00:04.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 3 },
		{ "0000:00:04.0/0000:02:00.0", .group = 2 },
	};
	const struct explanation *e;
	struct machine m;

	BUILD(&m, v);
	assert_hops(&m, 2, NULL, "02:00.0>01:00.0 quirk-or-alias");
	e = explain(&m, 2, NULL);
	assert_int_equal(e->explained, TRI_NO);
	assert_non_null(strstr(((const struct explain_hop *)e->hops.v)->text, "quirk or alias not visible from user space"));
	machine_free(&m);
}

static void what_an_ordinary_user_sees(void **state _unused_)
{
	static const struct machine_pci v[] = {
		{ "0000:00:06.0", .type = PCIE_ROOT_PORT, .config = 64, .group = 4 },
		{ "0000:00:06.0/0000:04:00.0", .config = 64, .group = 4 },
		{ "0000:00:07.0", .type = PCIE_ROOT_PORT, .config = 64, .group = 5 },
		{ "0000:00:07.0/0000:05:00.0", .config = 64, .multi = true, .group = 6 },
		{ "0000:00:07.0/0000:05:00.1", .config = 64, .group = 6 },
	};
	const struct explanation *e;
	struct machine m;

	BUILD(&m, v);
	assert_hops(&m, 4, NULL, "04:00.0>00:06.0 unreadable 00:06.0");
	assert_hops(&m, 6, NULL, "05:00.0>05:00.1 unreadable 05:00.0");
	assert_hops(&m, 5, NULL, "");
	e = explain(&m, 4, NULL);
	assert_int_equal(e->explained, TRI_UNKNOWN);
	assert_true(has_remedy(e, "as root", TRI_NO));
	assert_int_equal(e->warnings.n, 0);
	assert_string_equal(e->summary, "2 devices share group 4; why cannot be seen (needs root).");
	machine_free(&m);
}

static void what_was_not_captured(void **state _unused_)
{
	static const struct machine_pci v[] = {
		{ "0000:00:06.0", .type = PCIE_ROOT_PORT, .no_config = true, .group = 4 },
		{ "0000:00:06.0/0000:04:00.0", .no_config = true, .group = 4 },
		{ "0000:00:07.0", .type = PCIE_ROOT_PORT, .group = 5 },
		{ "0000:00:07.0/0000:05:00.0", .type = PCIE_UPSTREAM, .group = 5 },
		{ "0000:00:07.0/0000:05:00.0/0000:06:00.0", .type = PCIE_DOWNSTREAM, .group = 5 },
		{ "0000:00:07.0/0000:05:00.0/0000:06:00.0/0000:07:00.0", .group = 5 },
	};
	struct machine m;

	BUILD(&m, v);
	assert_hops(&m, 4, NULL, "04:00.0>00:06.0 not-captured 00:06.0");
	assert_true(has_remedy(explain(&m, 4, NULL), "snapshot", TRI_NO));
	machine_remove(&m, "sys/bus/pci/devices/0000:06:00.0");
	machine_remove(&m, "sys/kernel/iommu_groups/5/devices/0000:06:00.0");
	machine_load(&m);
	assert_hops(&m, 5, NULL, "05:00.0>00:07.0 acs-missing 00:07.0 SV+RR+CR+UF; 07:00.0>05:00.0 acs-missing 00:07.0 SV+RR+CR+UF");
	machine_free(&m);
}

/* On a live machine a device that sleeps is left asleep: its config file is not even opened. */
static void sleeping_ports_stay_asleep(void **state _unused_)
{
	static const struct machine_pci v[] = {
		{ "0000:00:06.0", .type = PCIE_ROOT_PORT, .group = 4 },
		{ "0000:00:06.0/0000:04:00.0", .group = 4 },
	};
	struct source_ops live;
	struct machine m;

	BUILD(&m, v);
	machine_file(&m, "sys/devices/pci0000:00/0000:00:06.0/power/runtime_status", "suspended\n");
	machine_file(&m, "sys/devices/pci0000:00/0000:00:06.0/0000:04:00.0/power/runtime_status", "active\n");
	machine_load(&m);
	assert_hops(&m, 4, NULL, "04:00.0>00:06.0 acs-missing 00:06.0 SV+RR+CR+UF"); /* nobody to wake in a tree */
	machine_load(&m);
	live = *m.src->ops;
	live.kind = SOURCE_LIVE;
	m.src->ops = &live;
	assert_hops(&m, 4, NULL, "04:00.0>00:06.0 sleeping 00:06.0");
	assert_true(device_pci(m.host, machine_dev(&m, "0000:00:06.0"))->sleeping);
	assert_false(device_pci(m.host, machine_dev(&m, "0000:04:00.0"))->sleeping);
	assert_true(has_remedy(explain(&m, 4, NULL), "Wake 0000:00:06.0", TRI_NO));
	machine_free(&m);
}

/* The bridge that would tell is in neither list, and what is above it isolates. */
static void a_bridge_that_is_not_listed(void **state _unused_)
{
	static const struct machine_pci v[] = {
		{ "0000:00:07.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 5 },
		{ "0000:00:07.0/0000:05:00.0", .type = PCIE_TO_PCI, .group = 6 },
		{ "0000:00:07.0/0000:05:00.0/0000:06:01.0", .type = PCIE_NONE, .group = 6 },
		{ "0000:00:07.0/0000:05:00.0/0000:06:02.0", .type = PCIE_NONE, .group = 6 },
	};
	const struct explain_hop *hop;
	struct machine m;

	BUILD(&m, v);
	machine_remove(&m, "sys/bus/pci/devices/0000:05:00.0");
	machine_remove(&m, "sys/kernel/iommu_groups/6/devices/0000:05:00.0");
	machine_load(&m);
	assert_hops(&m, 6, NULL, "06:02.0>06:01.0 not-listed");
	hop = explain(&m, 6, NULL)->hops.v;
	assert_non_null(strstr(hop->text, "0000:05:00.0"));
	assert_int_equal(explain(&m, 6, NULL)->explained, TRI_UNKNOWN);
	machine_free(&m);
}

static void devices_of_other_buses(void **state _unused_)
{
	const struct explain_hop *hop;
	struct machine m;

	machine_new(&m);
	machine_other(&m, "fsl-mc", "dprc.2", "sys/devices/platform/soc/80c000000.fsl-mc/dprc.1/dprc.2", 3, NULL);
	machine_other(&m, "fsl-mc", "dpni.0", "sys/devices/platform/soc/80c000000.fsl-mc/dprc.1/dprc.2/dpni.0", 3, "fsl_dpaa2_eth");
	machine_other(&m, "platform", "a.gpu", "sys/devices/platform/a.gpu", 4, "panfrost");
	machine_other(&m, "platform", "b.vpu", "sys/devices/platform/b.vpu", 4, NULL);
	machine_load(&m);
	assert_hops(&m, 3, NULL, "dprc.2>dpni.0 non-pci");
	hop = explain(&m, 3, NULL)->hops.v;
	assert_non_null(strstr(hop->text, "DPRC"));
	hop = explain(&m, 4, NULL)->hops.v;
	assert_string_equal(hop->kind, "non-pci");
	assert_non_null(strstr(hop->text, "b.vpu (platform)"));
	machine_free(&m);
}

/* -- where the kernel saw it otherwise --------------------------------------------------------------- */

static void kept_apart_by_the_kernel(void **state _unused_)
{
	static const struct machine_pci v[] = {
		{ "0000:00:1c.0", .type = PCIE_ROOT_PORT, .group = 10 }, /* a chipset port that a quirk vouches for */
		{ "0000:00:1c.0/0000:04:00.0", .group = 15 },
		{ "0000:00:07.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 5 },
		{ "0000:00:07.0/0000:05:00.0", .multi = true, .group = 16 },
		{ "0000:00:07.0/0000:05:00.1", .group = 17 },
	};
	const struct reason *r;
	struct machine m;

	BUILD(&m, v);
	r = warning(explain(&m, 15, NULL), "kept-apart");
	assert_non_null(r);
	assert_string_equal(r->severity, "note");
	assert_string_equal(r->device, "0000:04:00.0");
	assert_non_null(strstr(r->text, "quirk"));
	assert_null(warning(explain(&m, 16, NULL), "kept-apart"));
	r = warning(explain(&m, 17, NULL), "kept-apart");
	assert_non_null(r);
	assert_non_null(strstr(r->text, "0000:05:00.0"));
	machine_free(&m);
}

/* The device has the lower number: its group was there before the port's, which it could not join. */
static void grouped_before_its_port(void **state _unused_)
{
	static const struct machine_pci v[] = {
		{ "0000:00:06.0", .type = PCIE_ROOT_PORT, .group = 8 },
		{ "0000:00:06.0/0000:04:00.0", .group = 3 },
	};
	const struct reason *r;
	struct machine m;

	BUILD(&m, v);
	r = warning(explain(&m, 3, NULL), "grouped-first");
	assert_non_null(r);
	assert_non_null(strstr(r->text, "before the port"));
	assert_null(warning(explain(&m, 3, NULL), "kept-apart"));
	machine_free(&m);
}

static void switches_that_change_groups(void **state _unused_)
{
	static const struct machine_pci v[] = {
		{ "0000:00:1c.0", .type = PCIE_ROOT_PORT, .group = 10 },
		{ "0000:00:1c.0/0000:04:00.0", .group = 15 },
	};
	const struct explanation *e;
	const struct reason *r;
	struct machine m;

	BUILD(&m, v);
	machine_file(&m, "proc/cmdline", "quiet pcie_acs_override=downstream,multifunction\n");
	machine_load(&m);
	e = explain(&m, 15, NULL);
	r = warning(e, "acs-override");
	assert_non_null(r);
	assert_string_equal(r->severity, "warning");
	assert_non_null(r->file);
	assert_non_null(strstr(warning(e, "kept-apart")->text, "pcie_acs_override="));
	machine_file(&m, "proc/cmdline", "pci=noaer,disable_acs_redir=0000:00:1c.0\n");
	machine_load(&m);
	assert_non_null(warning(explain(&m, 15, NULL), "acs-configured"));
	assert_null(warning(explain(&m, 15, NULL), "acs-override"));
	machine_free(&m);
}

/* -- shapes of machines that people have ------------------------------------------------------------- */

/*
 * A desktop of 2014: two processor root ports in one slot, without ACS, a graphics card of two functions and a wireless card
 * behind them. With the ACS override patch they are apart.
 */
static void processor_root_ports_of_one_slot(void **state _unused_)
{
	static const struct machine_pci plain[] = {
		{ "0000:00:01.0", .type = PCIE_ROOT_PORT, .multi = true, .group = 1 },
		{ "0000:00:01.0/0000:01:00.0", .type = PCIE_LEGACY_ENDPOINT, .multi = true, .group = 1 },
		{ "0000:00:01.0/0000:01:00.1", .multi = true, .group = 1 },
		{ "0000:00:01.1", .type = PCIE_ROOT_PORT, .multi = true, .group = 1 },
		{ "0000:00:01.1/0000:02:00.0", .group = 1 },
	};
	struct machine_pci overridden[ARRAY_SIZE(plain)];
	static const int groups[] = { 1, 16, 16, 2, 17 };
	const struct explanation *e;
	struct machine m;

	BUILD(&m, plain);
	assert_hops(&m, 1, NULL,
		    "00:01.0>00:01.1 multifunction 00:01.0 SV+RR+CR+UF; 01:00.0>00:01.0 acs-missing 00:01.0 SV+RR+CR+UF; "
		    "01:00.1>00:01.0 acs-missing 00:01.0 SV+RR+CR+UF; 02:00.0>00:01.1 acs-missing 00:01.1 SV+RR+CR+UF");
	assert_int_equal(explain(&m, 1, NULL)->explained, TRI_YES);
	machine_free(&m);

	memcpy(overridden, plain, sizeof(plain));
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		overridden[i].group = groups[i];
	BUILD(&m, overridden);
	machine_file(&m, "proc/cmdline", "pcie_acs_override=downstream\n");
	machine_load(&m);
	/* the card's functions are still together, and that is explained; that the rest is not is noted */
	assert_hops(&m, 16, NULL, "01:00.0>01:00.1 multifunction 01:00.0 SV+RR+CR+UF");
	e = explain(&m, 16, NULL);
	assert_non_null(warning(e, "acs-override"));
	assert_non_null(warning(e, "kept-apart"));
	assert_non_null(warning(explain(&m, 2, NULL), "kept-apart"));
	machine_free(&m);
}

/* An embedded board: a host bridge and all root ports are functions of one slot, so every card shares one group. */
static void host_bridge_and_root_ports_in_one_slot(void **state _unused_)
{
	static const struct machine_pci v[] = {
		{ "0000:00:00.0", .type = PCIE_NONE, .class = 0x060000, .group = 0 },
		{ "0000:00:02.0", .type = PCIE_NONE, .multi = true, .class = 0x060000, .group = 1 },
		{ "0000:00:02.2", .type = PCIE_ROOT_PORT, .multi = true, .group = 1 },
		{ "0000:00:02.2/0000:01:00.0", .group = 1 },
		{ "0000:00:02.3", .type = PCIE_ROOT_PORT, .multi = true, .group = 1 },
		{ "0000:00:02.3/0000:02:00.0", .group = 1 },
		{ "0000:00:14.0", .type = PCIE_NONE, .multi = true, .group = 6 },
		{ "0000:00:14.3", .type = PCIE_NONE, .multi = true, .class = 0x060100, .group = 6 },
		{ "0000:00:14.7", .type = PCIE_NONE, .multi = true, .group = 6 },
	};
	struct machine m;

	BUILD(&m, v);
	assert_hops(&m, 1, "0000:02:00.0",
		    "02:00.0>00:02.3 acs-missing 00:02.3 SV+RR+CR+UF; 00:02.0>00:02.3 multifunction 00:02.0; "
		    "00:02.0>00:02.2 multifunction 00:02.0; 01:00.0>00:02.2 acs-missing 00:02.2 SV+RR+CR+UF");
	assert_int_equal(explain(&m, 1, NULL)->explained, TRI_YES);
	assert_int_equal(explain(&m, 6, NULL)->explained, TRI_YES);
	machine_free(&m);
}

/* A workstation of two root complexes: a dummy host bridge, the internal port beside it and what is behind that. */
static void dummy_host_bridge_and_internal_port(void **state _unused_)
{
	static const struct machine_pci v[] = {
		{ "0000:00:07.0", .type = PCIE_NONE, .multi = true, .class = 0x060000, .group = 7 },
		{ "0000:00:07.1", .type = PCIE_ROOT_PORT, .multi = true, .group = 7 },
		{ "0000:00:07.1/0000:09:00.0", .multi = true, .group = 7 },
		{ "0000:00:07.1/0000:09:00.3", .multi = true, .group = 7 },
		{ "0000:40:08.0", .type = PCIE_NONE, .multi = true, .class = 0x060000, .group = 23 },
		{ "0000:40:08.1", .type = PCIE_ROOT_PORT, .multi = true, .group = 23 },
		{ "0000:40:08.1/0000:45:00.0", .multi = true, .group = 23 },
	};
	struct machine m;

	BUILD(&m, v);
	assert_hops(&m, 7, NULL,
		    "00:07.0>00:07.1 multifunction 00:07.0; 09:00.0>00:07.1 acs-missing 00:07.1 SV+RR+CR+UF; "
		    "09:00.3>00:07.1 acs-missing 00:07.1 SV+RR+CR+UF");
	assert_hops(&m, 23, NULL, "40:08.0>40:08.1 multifunction 40:08.0; 45:00.0>40:08.1 acs-missing 40:08.1 SV+RR+CR+UF");
	machine_free(&m);
}

/*
 * A chipset that is one switch: its upstream port is a function beside a USB and a SATA controller and has no ACS, so all that is
 * behind it is one group; the root port above it has ACS and stays out.
 */
static void a_chipset_behind_one_upstream_port(void **state _unused_)
{
	static const struct machine_pci v[] = {
		{ "0000:00:01.3", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .multi = true, .group = 3 },
		{ "0000:00:01.3/0000:01:00.0", .type = PCIE_LEGACY_ENDPOINT, .multi = true, .class = 0x0c0330, .group = 8 },
		{ "0000:00:01.3/0000:01:00.1", .type = PCIE_LEGACY_ENDPOINT, .multi = true, .class = 0x010601, .group = 8 },
		{ "0000:00:01.3/0000:01:00.2", .type = PCIE_UPSTREAM, .multi = true, .group = 8 },
		{ "0000:00:01.3/0000:01:00.2/0000:02:00.0", .type = PCIE_DOWNSTREAM, .acs = MACHINE_ACS_ON, .group = 8 },
		{ "0000:00:01.3/0000:01:00.2/0000:02:00.0/0000:03:00.0", .group = 8 },
		{ "0000:00:01.3/0000:01:00.2/0000:02:04.0", .type = PCIE_DOWNSTREAM, .acs = MACHINE_ACS_ON, .group = 8 },
	};
	struct machine m;

	BUILD(&m, v);
	assert_hops(&m, 8, "0000:03:00.0",
		    "03:00.0>02:00.0 acs-missing 01:00.2 SV+RR+CR+UF; 02:00.0>01:00.2 acs-missing 01:00.2 SV+RR+CR+UF; "
		    "01:00.0>01:00.2 multifunction 01:00.0 SV+RR+CR+UF; 02:04.0>01:00.2 acs-missing 01:00.2 SV+RR+CR+UF; "
		    "01:00.0>01:00.1 multifunction 01:00.0 SV+RR+CR+UF");
	assert_int_equal(explain(&m, 8, NULL)->explained, TRI_YES);
	assert_int_equal(explain(&m, 8, NULL)->warnings.n + explain(&m, 3, NULL)->warnings.n, 0);
	assert_string_equal(explain(&m, 8, NULL)->summary,
			    "6 devices share group 8 because the functions of slot 0000:01:00 have no ACS between them, and because "
			    "upstream port 0000:01:00.2 has no ACS capability.");
	machine_free(&m);
}

/* A listing and nothing else: groups with the names of devices, as people paste them. */
static void a_bare_listing(void **state _unused_)
{
	static const char *const names[] = { "0000:00:07.0", "0000:00:07.1", "0000:09:00.0", "0000:09:00.3" };
	const struct explain_hop *hops;
	const struct explanation *e;
	struct machine m;

	machine_new(&m);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[128];

		snprintf(path, sizeof(path), "sys/kernel/iommu_groups/7/devices/%s", names[i]);
		machine_file(&m, path, "%s", "");
	}
	machine_load(&m);
	e = explain(&m, 7, NULL);
	assert_int_equal(e->devices.n, 4);
	assert_int_equal(e->hops.n, 3);
	assert_int_equal(e->path.n, 4);
	assert_int_equal(e->explained, TRI_UNKNOWN);
	hops = e->hops.v;
	for (size_t i = 0; i < e->hops.n; i++)
		assert_string_equal(hops[i].kind, "not-captured");
	machine_free(&m);
}

/* One group of a thousand functions is no square of lines or of time. */
static void a_large_group(void **state _unused_)
{
	struct machine m;
	char path[64];

	machine_new(&m);
	machine_pci(&m, &(struct machine_pci){ "0000:00:03.0", .type = PCIE_ROOT_PORT, .group = 1 });
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "0000:00:03.0/0000:%02x:%02x.0", 1 + i / 32, i % 32);
		machine_pci(&m, &(struct machine_pci){ path, .group = 1, .config = 256 });
	}
	machine_load(&m);
	assert_int_equal(explain(&m, 1, "0000:05:00.0")->hops.n, 1000);
	assert_int_equal(explain(&m, 1, NULL)->remedies.n, 3);
	machine_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_root_port_without_acs),
		cmocka_unit_test(bits_that_are_off),
		cmocka_unit_test(a_port_further_up),
		cmocka_unit_test(a_switch_without_acs),
		cmocka_unit_test(bridges_to_conventional_pci),
		cmocka_unit_test(functions_of_one_slot),
		cmocka_unit_test(virtual_functions_are_no_functions_of_the_slot),
		cmocka_unit_test(a_vmd_domain),
		cmocka_unit_test(no_reason_in_config_space),
		cmocka_unit_test(what_an_ordinary_user_sees),
		cmocka_unit_test(what_was_not_captured),
		cmocka_unit_test(sleeping_ports_stay_asleep),
		cmocka_unit_test(a_bridge_that_is_not_listed),
		cmocka_unit_test(devices_of_other_buses),
		cmocka_unit_test(kept_apart_by_the_kernel),
		cmocka_unit_test(grouped_before_its_port),
		cmocka_unit_test(switches_that_change_groups),
		cmocka_unit_test(processor_root_ports_of_one_slot),
		cmocka_unit_test(host_bridge_and_root_ports_in_one_slot),
		cmocka_unit_test(dummy_host_bridge_and_internal_port),
		cmocka_unit_test(a_chipset_behind_one_upstream_port),
		cmocka_unit_test(a_bare_listing),
		cmocka_unit_test(a_large_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
