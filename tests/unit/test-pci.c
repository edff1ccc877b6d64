// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "host/devinfo.h"
#include "host/topology.h"
#include "machine.h"
#include "snapshot/gather.h"

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = v;
	p[1] = v >> 8;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v);
	put16(p + 2, v >> 16);
}

static uint32_t ext_head(uint16_t id, uint16_t next)
{
	return id | 1 << 16 | (uint32_t)next << 20;
}

static const struct machine_pci port = { .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS(0x5f, 0x1d), .secondary = 3 };

/* -- parsing ----------------------------------------------------------------------------------------- */

static void a_port_is_read(void **state _unused_)
{
	struct pci_info info;
	uint8_t raw[4096];

	machine_config(&port, raw);
	pci_parse(raw, sizeof(raw), &info);
	assert_int_equal(info.err, 0);
	assert_int_equal(info.len, 4096);
	assert_int_equal(info.header, 1);
	assert_int_equal(info.secondary, 3);
	assert_int_equal(info.multifunction, TRI_NO);
	assert_true(info.caps_known && info.ext_known);
	assert_int_equal(info.pcie, PCIE_ROOT_PORT);
	assert_true(info.has_acs);
	assert_int_equal(info.acs_cap, 0x5f);
	assert_int_equal(info.acs_ctrl, 0x1d);
	assert_false(info.has_ats || info.has_pri || info.has_pasid || info.has_sriov || info.has_flr);
}

static void every_capability_is_read(void **state _unused_)
{
	struct pci_info info;
	uint8_t raw[4096];

	machine_config(&(struct machine_pci){ .type = PCIE_ENDPOINT, .multi = true }, raw);
	put32(raw + 0x64, 1u << 28); /* FLR */
	put32(raw + 0x100, ext_head(0x0f, 0x140));
	put16(raw + 0x104, 0x20);
	put16(raw + 0x106, 0x8000);
	put32(raw + 0x140, ext_head(0x10, 0x200));
	put16(raw + 0x148, 0x9);
	put16(raw + 0x14e, 16);
	put16(raw + 0x150, 4);
	put16(raw + 0x15a, 0x154c);
	put32(raw + 0x200, ext_head(0x13, 0x240));
	put16(raw + 0x204, 1);
	put16(raw + 0x206, 0x8100);
	put32(raw + 0x208, 512);
	put32(raw + 0x240, ext_head(0x1b, 0xff0));
	put16(raw + 0x244, 0x1406);
	put16(raw + 0x246, 1);
	put32(raw + 0xff0, ext_head(0x0d, 0));
	put16(raw + 0xff4, 0x1d);
	put16(raw + 0xff6, 0x04);
	pci_parse(raw, sizeof(raw), &info);
	assert_true(info.has_flr && info.has_ats && info.has_sriov && info.has_pri && info.has_pasid && info.has_acs);
	assert_int_equal(info.multifunction, TRI_YES);
	assert_int_equal(info.ats_cap, 0x20);
	assert_int_equal(info.ats_ctrl, 0x8000);
	assert_int_equal(info.sriov_ctrl, 9);
	assert_int_equal(info.sriov_total, 16);
	assert_int_equal(info.sriov_num, 4);
	assert_int_equal(info.sriov_vf_device, 0x154c);
	assert_int_equal(info.pri_ctrl, 1);
	assert_int_equal(info.pri_status, 0x8100);
	assert_int_equal(info.pri_max, 512);
	assert_int_equal(info.pasid_cap, 0x1406);
	assert_int_equal(info.pasid_ctrl, 1);
	assert_int_equal(info.acs_ctrl, 4);
}

static void flr_of_a_conventional_device(void **state _unused_)
{
	struct pci_info info;
	uint8_t raw[4096];

	machine_config(&(struct machine_pci){ .type = PCIE_NONE }, raw);
	raw[0x41] = 0x80;
	raw[0x80] = 0x13; /* Advanced Features */
	raw[0x83] = 0x03;
	pci_parse(raw, 256, &info);
	assert_true(info.has_flr);
	assert_int_equal(info.pcie, PCIE_NONE);
	assert_true(info.caps_known && info.ext_known);
}

/* How much of a port's config space was read decides what is known of it. */
static void a_short_read_is_not_an_absence(void **state _unused_)
{
	static const struct {
		size_t len;
		int err;
		bool caps, ext;
		enum acs_state acs;
	} t[] = {
		{ 0, -ENODATA, false, false, ACS_STATE_UNKNOWN },
		{ 63, -ENODATA, false, false, ACS_STATE_UNKNOWN },
		{ 64, 0, false, false, ACS_STATE_UNKNOWN }, /* an ordinary user */
		{ 0x62, 0, false, false, ACS_STATE_UNKNOWN },
		{ 0x80, 0, true, false, ACS_STATE_UNKNOWN },
		{ 256, 0, true, true, ACS_STATE_NO_CAP }, /* sysfs ends where the kernel cannot read on */
		{ 0x14a, 0, true, false, ACS_STATE_UNKNOWN },
		{ 0x14f, 0, true, false, ACS_STATE_UNKNOWN },
		{ 0x150, 0, true, true, ACS_STATE_ISOLATES },
		{ 4096, 0, true, true, ACS_STATE_ISOLATES },
	};
	uint8_t raw[4096];

	machine_config(&port, raw);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct pci_info info;

		pci_parse(raw, t[i].len, &info);
		if (info.err != t[i].err || info.caps_known != t[i].caps || info.ext_known != t[i].ext ||
		    pci_acs_state(&info, NULL) != t[i].acs)
			fail_msg("at %zu bytes: err %d caps %d ext %d acs %d", t[i].len, info.err, info.caps_known,
				 info.ext_known, pci_acs_state(&info, NULL));
	}
}

static void hostile_chains_end(void **state _unused_)
{
	struct pci_info info;
	uint8_t raw[4096];

	machine_config(&port, raw);
	raw[0x61] = 0x40; /* PCI Express points back at power management */
	put32(raw + 0x148, ext_head(0x0d, 0x100));
	pci_parse(raw, sizeof(raw), &info);
	assert_true(info.caps_known && info.ext_known && info.has_acs);
	assert_int_equal(info.pcie, PCIE_ROOT_PORT);

	machine_config(&port, raw);
	raw[0x34] = 0x10; /* into the header */
	pci_parse(raw, sizeof(raw), &info);
	assert_int_equal(info.pcie, PCIE_NONE);

	machine_config(&port, raw);
	raw[0x40] = raw[0x41] = 0xff; /* the list was lost */
	pci_parse(raw, sizeof(raw), &info);
	assert_int_equal(info.pcie, PCIE_NONE);

	machine_config(&port, raw);
	put32(raw + 0x100, ext_head(0x01, 0x0fc)); /* out of the extended space */
	pci_parse(raw, sizeof(raw), &info);
	assert_true(info.ext_known);
	assert_false(info.has_acs);

	memset(raw + 0x100, 0xff, sizeof(raw) - 0x100);
	pci_parse(raw, sizeof(raw), &info);
	assert_true(info.ext_known);
	assert_false(info.has_acs || info.has_sriov);
}

static void silence_is_an_error_but_a_vf_is_not(void **state _unused_)
{
	struct pci_info info;
	uint8_t raw[4096];

	memset(raw, 0xff, sizeof(raw));
	pci_parse(raw, sizeof(raw), &info);
	assert_int_equal(info.err, -EIO);
	machine_config(&(struct machine_pci){ .type = PCIE_ENDPOINT }, raw);
	put32(raw, UINT32_MAX); /* vendor and device of a VF read as ones */
	pci_parse(raw, sizeof(raw), &info);
	assert_int_equal(info.err, 0);
	assert_int_equal(info.pcie, PCIE_ENDPOINT);
}

static void any_bytes_are_survived(void **state _unused_)
{
	uint32_t seed = 12345;
	uint8_t raw[4096];

	for (int round = 0; round < 2000; round++) {
		struct pci_info info;

		for (size_t i = 0; i < sizeof(raw); i++)
			raw[i] = (seed = seed * 1664525 + 1013904223) >> 24;
		raw[6] |= 0x10;
		pci_parse(raw, seed % 4097, &info);
		assert_true(!info.has_acs || info.caps_known);
		assert_true(!info.ext_known || info.caps_known);
	}
}

/* -- ACS --------------------------------------------------------------------------------------------- */

static void acs_by_type(void **state _unused_)
{
	static const struct {
		enum pcie_type type;
		enum tri multi;
		uint32_t acs;
		enum acs_state state;
		uint16_t missing;
	} t[] = {
		{ PCIE_ROOT_PORT, TRI_NO, MACHINE_ACS(0x1d, 0x1d), ACS_STATE_ISOLATES, 0 },
		{ PCIE_ROOT_PORT, TRI_NO, MACHINE_ACS(0x1d, 0x1c), ACS_STATE_BITS_OFF, ACS_SV },
		{ PCIE_ROOT_PORT, TRI_NO, MACHINE_ACS(0x1d, 0x11), ACS_STATE_BITS_OFF, ACS_RR | ACS_CR },
		{ PCIE_ROOT_PORT, TRI_NO, 0, ACS_STATE_NO_CAP, 0x1d },
		/* bits that the capability lacks count as on */
		{ PCIE_ROOT_PORT, TRI_NO, MACHINE_ACS(0x05, 0x05), ACS_STATE_ISOLATES, 0 },
		{ PCIE_ROOT_PORT, TRI_NO, MACHINE_ACS(0x05, 0x01), ACS_STATE_BITS_OFF, ACS_RR },
		{ PCIE_ROOT_PORT, TRI_NO, MACHINE_ACS(0x00, 0x00), ACS_STATE_ISOLATES, 0 },
		/* translation blocking, egress control and direct translated are not asked for */
		{ PCIE_DOWNSTREAM, TRI_NO, MACHINE_ACS(0x7f, 0x1d), ACS_STATE_ISOLATES, 0 },
		{ PCIE_DOWNSTREAM, TRI_YES, 0, ACS_STATE_NO_CAP, 0x1d },
		{ PCIE_UPSTREAM, TRI_NO, 0, ACS_STATE_NOT_NEEDED, 0 },
		{ PCIE_UPSTREAM, TRI_YES, 0, ACS_STATE_NO_CAP, 0x1d },
		{ PCIE_ENDPOINT, TRI_NO, 0, ACS_STATE_NOT_NEEDED, 0 },
		{ PCIE_ENDPOINT, TRI_NO, MACHINE_ACS(0x1d, 0), ACS_STATE_NOT_NEEDED, 0 },
		{ PCIE_ENDPOINT, TRI_YES, 0, ACS_STATE_NO_CAP, 0x1d },
		{ PCIE_ENDPOINT, TRI_YES, MACHINE_ACS(0, 0), ACS_STATE_ISOLATES, 0 },
		{ PCIE_LEGACY_ENDPOINT, TRI_YES, MACHINE_ACS(0x1d, 0x1d), ACS_STATE_ISOLATES, 0 },
		{ PCIE_RC_ENDPOINT, TRI_YES, 0, ACS_STATE_NO_CAP, 0x1d },
		{ PCIE_RC_ENDPOINT, TRI_UNKNOWN, 0, ACS_STATE_UNKNOWN, 0 },
		{ PCIE_RC_EVENT_COLLECTOR, TRI_NO, MACHINE_ACS(0x1d, 0x1d), ACS_STATE_NEVER, 0 },
		{ PCIE_TO_PCI, TRI_NO, MACHINE_ACS(0x1d, 0x1d), ACS_STATE_NEVER, 0 },
		{ PCI_TO_PCIE, TRI_NO, MACHINE_ACS(0x1d, 0x1d), ACS_STATE_NEVER, 0 },
		{ PCIE_NONE, TRI_NO, 0, ACS_STATE_NEVER, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct pci_info info;
		uint8_t raw[4096];
		uint16_t missing;

		machine_config(&(struct machine_pci){ .type = t[i].type, .acs = t[i].acs }, raw);
		pci_parse(raw, sizeof(raw), &info);
		info.multifunction = t[i].multi;
		if (pci_acs_state(&info, &missing) != t[i].state || missing != t[i].missing)
			fail_msg("row %zu: state %d missing %#x", i, pci_acs_state(&info, NULL), missing);
	}
}

static void words(void **state _unused_)
{
	char buf[32], small[8];

	assert_string_equal(acs_bits_name(ACS_ISOLATION, buf, sizeof(buf)), "SV RR CR UF");
	assert_string_equal(acs_bits_name(0x7f, buf, sizeof(buf)), "SV TB RR CR UF EC DT");
	assert_string_equal(acs_bits_name(0, buf, sizeof(buf)), "-");
	assert_string_equal(acs_bits_name(0x7f, small, sizeof(small)), "SV TB R");
	assert_string_equal(pcie_type_name(PCIE_DOWNSTREAM), "downstream port");
	assert_string_equal(pcie_type_name(15), "unknown type");
}

/* -- on a machine ------------------------------------------------------------------------------------ */

static const struct machine_pci devices[] = {
	{ "0000:00:03.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .secondary = 1, .group = 1 },
	{ "0000:00:03.0/0000:01:00.0", .group = 2, .driver = "nvme" },
	{ "0000:00:03.0/0000:01:00.1", .group = 3 }, /* a VF */
	{ "0000:00:03.0/0000:01:00.2", .group = 4 },
	{ "0000:00:04.0", .type = PCIE_ROOT_PORT, .secondary = 2, .group = 5 },
	{ "0000:00:04.0/0000:02:00.0", .type = PCIE_UPSTREAM, .secondary = 3, .group = 5 },
	{ "0000:00:04.0/0000:02:00.0/0000:03:00.0", .type = PCIE_DOWNSTREAM, .secondary = 4, .group = 5 },
	{ "0000:00:04.0/0000:02:00.0/0000:03:00.0/0000:04:00.0", .multi = true, .group = 5 },
	{ "0000:00:04.0/0000:02:00.0/0000:03:00.0/0000:04:00.1", .no_config = true, .group = 5 },
	{ "0000:00:04.0/0000:02:00.0/0000:03:01.0", .type = PCIE_DOWNSTREAM, .secondary = 5, .group = 6 },
	{ "0000:00:04.0/0000:02:00.0/0000:03:01.0/0000:05:00.0", .class = 0x0c0330, .group = 6 },
	{ "0000:00:0e.0", .type = PCIE_RC_ENDPOINT, .group = 7, .driver = "vmd" },
	{ "0000:00:0e.0/pci10000:e0/10000:e0:06.0", .type = PCIE_ROOT_PORT, .secondary = 0xe1, .group = 7 },
	{ "0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0", .group = 7 },
};

static int setup(void **state)
{
	static struct machine m;

	machine_new(&m);
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		machine_pci(&m, &devices[i]);
	*state = &m;
	return 0;
}

static int teardown(void **state)
{
	machine_free(*state);
	return 0;
}

static void assert_upstream(struct machine *m, const char *addr, const char *up)
{
	struct device *d = device_upstream(m->host, machine_dev(m, addr));

	if (!streq(d ? d->name : NULL, up))
		fail_msg("upstream of %s is %s, not %s", addr, d ? d->name : "nothing", up ? up : "nothing");
}

static void who_is_below_whom(void **state)
{
	struct machine *m = *state;

	machine_load(m);
	assert_upstream(m, "0000:00:03.0", NULL);
	assert_upstream(m, "0000:01:00.1", "0000:00:03.0");
	assert_upstream(m, "0000:05:00.0", "0000:03:01.0");
	assert_upstream(m, "0000:03:01.0", "0000:02:00.0");
	assert_upstream(m, "10000:e0:06.0", NULL);
	assert_upstream(m, "10000:e1:00.0", "10000:e0:06.0");
	assert_true(device_is_below(m->host, machine_dev(m, "0000:05:00.0"), machine_dev(m, "0000:00:04.0")));
	assert_false(device_is_below(m->host, machine_dev(m, "0000:05:00.0"), machine_dev(m, "0000:03:00.0")));
	assert_false(device_is_below(m->host, machine_dev(m, "0000:00:04.0"), machine_dev(m, "0000:00:04.0")));
	assert_ptr_equal(device_dma_parent(m->host, machine_dev(m, "10000:e1:00.0")), machine_dev(m, "0000:00:0e.0"));
	assert_null(device_dma_parent(m->host, machine_dev(m, "0000:05:00.0")));
	assert_string_equal(device_root_bus(m->host, machine_dev(m, "10000:e1:00.0")), "pci10000:e0");
	assert_string_equal(device_root_bus(m->host, machine_dev(m, "0000:05:00.0")), "pci0000:00");
	assert_null(device_missing_bridge(m->host, machine_dev(m, "0000:05:00.0")));
}

static void a_bridge_that_is_not_listed(void **state)
{
	struct machine *m = *state;

	machine_remove(m, "sys/bus/pci/devices/0000:03:01.0");
	machine_remove(m, "sys/kernel/iommu_groups/6/devices/0000:03:01.0");
	machine_load(m);
	assert_null(host_device(m->host, "pci", "0000:03:01.0"));
	assert_upstream(m, "0000:05:00.0", "0000:02:00.0");
	assert_string_equal(device_missing_bridge(m->host, machine_dev(m, "0000:05:00.0")), "0000:03:01.0");
}

/* Without links (a tree that was copied by following them) the bridges' own bus numbers tell. */
static void without_paths(void **state)
{
	static const char *const addrs[] = { "0000:01:00.0", "0000:03:01.0", "0000:05:00.0", "0000:04:00.1" };
	static const char *const up[] = { "0000:00:03.0", "0000:02:00.0", "0000:03:01.0", "0000:03:00.0" };
	struct machine *m = *state;

	machine_load(m);
	for (size_t i = 0; i < m->host->n_devices; i++) {
		m->host->devices[i].path_ = NULL;
		m->host->devices[i].path_done_ = true;
		device_pci(m->host, &m->host->devices[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(addrs); i++)
		assert_upstream(m, addrs[i], up[i]);
	assert_upstream(m, "0000:00:04.0", NULL);
	assert_upstream(m, "0000:04:00.0", "0000:03:00.0");
	assert_string_equal(device_root_bus(m->host, machine_dev(m, "0000:05:00.0")), "pci0000:00");
	assert_string_equal(device_root_bus(m->host, machine_dev(m, "10000:e1:00.0")), "pci10000:??");
}

/* Links that make two bridges each other's parent must not make anybody go round and round. */
static void circles(void **state)
{
	struct machine *m = *state;

	machine_link(m, "sys/bus/pci/devices/0000:00:04.0",
		     "../../../devices/pci0000:00/0000:02:00.0/0000:00:04.0");
	machine_link(m, "sys/bus/pci/devices/0000:02:00.0",
		     "../../../devices/pci0000:00/0000:00:04.0/0000:02:00.0");
	machine_link(m, "sys/bus/pci/devices/0000:00:03.0",
		     "../../../devices/pci0000:00/0000:00:03.0/0000:00:03.0");
	machine_load(m);
	for (size_t i = 0; i < m->host->n_devices; i++) {
		struct device *d = &m->host->devices[i];

		assert_false(device_is_below(m->host, d, d));
		device_dma_parent(m->host, d);
		device_root_bus(m->host, d);
	}
}

static void multifunction_as_the_kernel_has_it(void **state)
{
	struct machine *m = *state;

	machine_link(m, "sys/devices/pci0000:00/0000:00:03.0/0000:01:00.1/physfn", "../0000:01:00.0");
	machine_load(m);
	assert_int_equal(device_pci(m->host, machine_dev(m, "0000:04:00.0"))->multifunction, TRI_YES);
	assert_int_equal(device_pci(m->host, machine_dev(m, "0000:04:00.1"))->multifunction, TRI_YES);
	assert_int_equal(device_pci(m->host, machine_dev(m, "0000:04:00.1"))->err, -ENOENT);
	assert_int_equal(device_pci(m->host, machine_dev(m, "0000:01:00.0"))->multifunction, TRI_NO);
	assert_int_equal(device_pci(m->host, machine_dev(m, "0000:01:00.1"))->multifunction, TRI_NO); /* a VF */
	assert_int_equal(device_pci(m->host, machine_dev(m, "0000:01:00.2"))->multifunction, TRI_YES);
}

/* -- what hangs on a device -------------------------------------------------------------------------- */

#define NVME "sys/devices/pci0000:00/0000:00:03.0/0000:01:00.0"
#define USB  "sys/devices/pci0000:00/0000:00:04.0/0000:02:00.0/0000:03:01.0/0000:05:00.0"
#define NIC  "sys/devices/pci0000:00/0000:00:04.0/0000:02:00.0/0000:03:00.0/0000:04:00.0"

static void assert_strs(struct strs s, const char *expect)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	assert_true(s.known);
	for (size_t i = 0; i < s.n; i++)
		strbuf_printf(&b, "%s%s", i ? " " : "", s.v[i]);
	assert_string_equal(strbuf_str(&b), expect);
}

static void netdevs_and_disks(void **state)
{
	struct machine *m = *state;

	machine_link(m, "sys/block/nvme0n2", "../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n2");
	machine_link(m, "sys/block/nvme0c0n2", "../devices/pci0000:00/0000:00:03.0/0000:01:00.0/nvme/nvme0/nvme0c0n2");
	machine_link(m, "sys/block/nvme0n1", "../devices/pci0000:00/0000:00:03.0/0000:01:00.0/nvme/nvme0/nvme0n1");
	machine_link(m, "sys/block/sda",
		     "../devices/pci0000:00/0000:00:04.0/0000:02:00.0/0000:03:01.0/0000:05:00.0/usb1/1-1/1-1:1.0/"
		     "host0/target0:0:0/0:0:0:0/block/sda");
	machine_link(m, "sys/block/loop0", "../devices/virtual/block/loop0");
	machine_link(m, "sys/class/net/eth10",
		     "../../devices/pci0000:00/0000:00:04.0/0000:02:00.0/0000:03:00.0/0000:04:00.0/net/eth10");
	machine_link(m, "sys/class/net/eth9",
		     "../../devices/pci0000:00/0000:00:04.0/0000:02:00.0/0000:03:00.0/0000:04:00.0/virtio3/net/eth9");
	machine_link(m, "sys/class/net/lo", "../../devices/virtual/net/lo");
	machine_file(m, "sys/class/net/bonding_masters", "\n");
	machine_other(m, "platform", "fe300000.ethernet", "sys/devices/platform/soc/fe300000.ethernet", 20, "gem");
	machine_link(m, "sys/class/net/end0", "../../devices/platform/soc/fe300000.ethernet/net/end0");
	machine_load(m);
	assert_strs(device_info(m->host, machine_dev(m, "0000:01:00.0"))->blocks, "nvme0n1 nvme0n2");
	assert_strs(device_info(m->host, machine_dev(m, "0000:05:00.0"))->blocks, "sda");
	assert_strs(device_info(m->host, machine_dev(m, "0000:00:04.0"))->blocks, "");
	assert_strs(device_info(m->host, machine_dev(m, "0000:04:00.0"))->netdevs, "eth9 eth10");
	assert_strs(device_info(m->host, machine_dev(m, "0000:05:00.0"))->netdevs, "");
	assert_strs(device_info(m->host, host_device(m->host, "platform", "fe300000.ethernet"))->netdevs, "end0");
}

static void attributes(void **state)
{
	struct machine *m = *state;
	const struct devinfo *info;

	machine_file(m, NIC "/driver_override", "(null)\n");
	machine_file(m, NIC "/reset_method", "flr pm bus\n");
	machine_file(m, NIC "/numa_node", "-1\n");
	machine_file(m, NIC "/enable", "1\n");
	machine_file(m, NIC "/boot_vga", "0\n");
	machine_file(m, NIC "/removable", "removable\n");
	machine_file(m, NIC "/power/runtime_status", "active\n");
	machine_file(m, NIC "/vfio-dev/vfio3/dev", "511:3\n");
	machine_file(m, USB "/driver_override", "vfio-pci\n");
	machine_file(m, USB "/numa_node", "1\n");
	machine_load(m);
	info = device_info(m->host, machine_dev(m, "0000:04:00.0"));
	assert_int_equal(info->override_err, 0);
	assert_null(info->override);
	assert_strs(info->reset_methods, "flr pm bus");
	assert_false(info->numa_node.known);
	assert_int_equal(info->enabled, TRI_YES);
	assert_int_equal(info->boot_vga, TRI_NO);
	assert_int_equal(info->removable, TRI_YES);
	assert_string_equal(info->power, "active");
	assert_string_equal(info->vfio_dev, "vfio3");
	info = device_info(m->host, machine_dev(m, "0000:05:00.0"));
	assert_string_equal(info->override, "vfio-pci");
	assert_int_equal(info->numa_node.v, 1);
	assert_false(info->reset_methods.known);
	assert_int_equal(info->boot_vga, TRI_UNKNOWN);
	assert_null(info->vfio_dev);
	assert_int_equal(device_info(m->host, machine_dev(m, "0000:00:04.0"))->override_err, -ENOENT);
}

static void virtual_functions(void **state)
{
	struct machine *m = *state;
	const struct devinfo *pf;

	machine_file(m, NVME "/sriov_totalvfs", "4\n");
	machine_file(m, NVME "/sriov_numvfs", "3\n");
	machine_link(m, NVME "/virtfn0", "../0000:01:00.1");
	machine_link(m, NVME "/virtfn1", "../0000:01:00.2");
	machine_link(m, NVME "/virtfn2", "../0000:01:00.3"); /* vanished meanwhile */
	machine_link(m, "sys/devices/pci0000:00/0000:00:03.0/0000:01:00.1/physfn", "../0000:01:00.0");
	machine_load(m);
	pf = device_info(m->host, machine_dev(m, "0000:01:00.0"));
	assert_int_equal(pf->sriov_total.v, 4);
	assert_int_equal(pf->sriov_num.v, 3);
	assert_int_equal(pf->n_vfs, 2);
	assert_ptr_equal(pf->vfs[1], machine_dev(m, "0000:01:00.2"));
	assert_ptr_equal(device_info(m->host, pf->vfs[0])->pf, machine_dev(m, "0000:01:00.0"));
	machine_file(m, NVME "/sriov_numvfs", "18446744073709551615\n");
	machine_load(m);
	assert_int_equal(device_info(m->host, machine_dev(m, "0000:01:00.0"))->n_vfs, 0);
}

static const struct source_ops *counted_ops;
static unsigned n_links;

static int count_readlink(struct source *src, const char *path, char *buf, size_t cap)
{
	n_links++;
	return counted_ops->readlink(src, path, buf, cap);
}

/* A tree that says more than there is costs no more than there is. */
static void a_number_of_virtual_functions_is_not_believed(void **state)
{
	struct machine *m = *state;
	struct source_ops ops;
	const struct devinfo *pf;

	machine_file(m, NVME "/sriov_numvfs", "65535\n");
	machine_link(m, NVME "/virtfn0", "../0000:01:00.1");
	machine_load(m);
	counted_ops = m->src->ops;
	ops = *counted_ops;
	ops.readlink = count_readlink;
	m->src->ops = &ops;
	n_links = 0;
	pf = device_info(m->host, machine_dev(m, "0000:01:00.0"));
	m->src->ops = counted_ops;
	assert_int_equal(pf->n_vfs, 1);
	assert_true(n_links < 100);
}

static void what_a_bus_reset_takes_along(void **state)
{
	struct machine *m = *state;
	struct device **v;
	size_t n;

	machine_load(m);
	assert_int_equal(device_reset_set(m->host, machine_dev(m, "0000:04:00.0"), &v, &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(v[0]->name, "0000:04:00.1");
	/* a switch port's reset comes from the upstream port: all that is behind the switch, in two groups */
	assert_int_equal(device_reset_set(m->host, machine_dev(m, "0000:03:01.0"), &v, &n), 0);
	assert_int_equal(n, 4);
	assert_string_equal(v[0]->name, "0000:03:00.0");
	assert_string_equal(v[3]->name, "0000:05:00.0");
	assert_int_not_equal(v[0]->group->id, v[3]->group->id);
	assert_int_equal(device_reset_set(m->host, machine_dev(m, "0000:05:00.0"), &v, &n), 0);
	assert_int_equal(n, 0);
	n = 99;
	assert_int_equal(device_reset_set(m->host, machine_dev(m, "0000:00:03.0"), &v, &n), -ENOTTY);
	assert_int_equal(n, 99);
	machine_remove(m, "sys/bus/pci/devices/0000:03:01.0");
	machine_remove(m, "sys/kernel/iommu_groups/6/devices/0000:03:01.0");
	machine_load(m);
	assert_int_equal(device_reset_set(m->host, machine_dev(m, "0000:05:00.0"), &v, &n), -ENODATA);
}

/* -- devices that sleep ------------------------------------------------------------------------------ */

#define SLEEPER "sys/devices/pci0000:00/0000:00:06.0"

static const struct source_ops *real_ops;
static int sleeper_reads; /* of its config space: on a real machine each resumes it */

static int count_read(struct source *s, const char *path, void *buf, size_t cap, size_t *ret_len)
{
	sleeper_reads += streq(path, SLEEPER "/config");
	return real_ops->read(s, path, buf, cap, ret_len);
}

static bool has_item(const struct gathered *g, const char *path)
{
	for (size_t i = 0; i < g->items.n; i++)
		if (streq(g->items.v[i].path, path))
			return true;
	return false;
}

static int left_out_err(const struct gathered *g, const char *path)
{
	for (size_t i = 0; i < g->left_out.n; i++)
		if (streq(g->left_out.v[i].path, path))
			return g->left_out.v[i].err;
	return 0;
}

/* On a live machine reading config space resumes a suspended device: a snapshot does it only when told to. */
static void a_snapshot_wakes_nobody(void **state _unused_)
{
	static const char *const states[] = { "suspended", "suspending", "active" };
	struct snapshot_options opt = { 0 };
	struct source_ops live;
	struct gathered g;
	struct machine m;

	machine_new(&m);
	machine_pci(&m, &(struct machine_pci){ "0000:00:06.0", .type = PCIE_ROOT_PORT, .group = 4 });
	machine_pci(&m, &(struct machine_pci){ "0000:00:06.0/0000:04:00.0", .group = 4 });
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		for (int wake = 0; wake < 2; wake++) {
			bool read = wake || streq(states[i], "active");

			machine_file(&m, SLEEPER "/power/runtime_status", "%s\n", states[i]);
			machine_load(&m);
			real_ops = m.src->ops;
			live = *real_ops;
			live.kind = SOURCE_LIVE;
			live.read = count_read;
			m.src->ops = &live;
			opt.wake = wake;
			sleeper_reads = 0;
			gather(&m.ctx, m.src, &opt, &g);
			m.src->ops = real_ops;
			assert_int_equal(sleeper_reads, read);
			assert_int_equal(has_item(&g, SLEEPER "/config"), read);
			assert_int_equal(left_out_err(&g, SLEEPER "/config"), read ? 0 : -ENOTCAPTURED);
			assert_true(has_item(&g, SLEEPER "/0000:04:00.0/config"));
			gathered_free(&g);
		}
	machine_free(&m);
}

#define ON_MACHINE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_port_is_read),
		cmocka_unit_test(every_capability_is_read),
		cmocka_unit_test(flr_of_a_conventional_device),
		cmocka_unit_test(a_short_read_is_not_an_absence),
		cmocka_unit_test(hostile_chains_end),
		cmocka_unit_test(silence_is_an_error_but_a_vf_is_not),
		cmocka_unit_test(any_bytes_are_survived),
		cmocka_unit_test(acs_by_type),
		cmocka_unit_test(words),
		cmocka_unit_test(a_snapshot_wakes_nobody),
		ON_MACHINE(who_is_below_whom),
		ON_MACHINE(a_bridge_that_is_not_listed),
		ON_MACHINE(without_paths),
		ON_MACHINE(circles),
		ON_MACHINE(multifunction_as_the_kernel_has_it),
		ON_MACHINE(netdevs_and_disks),
		ON_MACHINE(attributes),
		ON_MACHINE(virtual_functions),
		ON_MACHINE(a_number_of_virtual_functions_is_not_believed),
		ON_MACHINE(what_a_bus_reset_takes_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
