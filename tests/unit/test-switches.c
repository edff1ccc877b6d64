// SPDX-License-Identifier: GPL-2.0-or-later
/* Machine-wide switches: command lines, configurations, interrupt chips, module parameters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "host/switches.h"
#include "host/vtd-tables.h"
#include "machine.h"

static void parameters(void **state _unused_)
{
	static const struct {
		const char *line, *name, *value;
	} t[] = {
		{ "quiet iommu=pt", "iommu", "pt" },
		{ "quiet iommu=pt", "quiet", "" },
		{ "iommu=off iommu=pt", "iommu", "pt" }, /* the last one wins */
		{ "a-b=1", "a_b", "1" },
		{ "x=\"a b\" iommu=off", "x", "a b" },
		{ "x=\"a b\" iommu=off", "iommu", "off" },
		{ "\"x=a b\" y=2", "x", "a b" },
		{ "\"x=a b\" y=2", "y", "2" },
		{ "  lead=1\t\tlast=2 ", "lead", "1" },
		{ "  lead=1\t\tlast=2 ", "last", "2" },
		{ "x=\"never closed iommu=off", "x", "never closed iommu=off" },
		{ "x==1", "x", "=1" },
		{ "x=", "x", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct arena a = { 0 };
		struct switches sw = { 0 };

		sw.n_params = cmdline_parse(&a, t[i].line, &sw.params);
		assert_non_null(boot_param(&sw, t[i].name));
		assert_string_equal(boot_param(&sw, t[i].name), t[i].value);
		assert_null(boot_param(&sw, "nosuch"));
		arena_free(&a);
	}
}

static void odd_command_lines(void **state _unused_)
{
	static const char *const lines[] = { "", " ", "\"", "\"\"", "=", "=\"", "\" \" \"", "a=\"", "\n\n" };

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct arena a = { 0 };
		struct switches sw = { 0 };

		sw.n_params = cmdline_parse(&a, lines[i], &sw.params);
		assert_true(sw.n_params <= 2);
		arena_free(&a);
	}
}

static void words_of_parameters(void **state _unused_)
{
	struct arena a = { 0 };
	struct switches sw = { 0 };

	sw.n_params = cmdline_parse(&a, "pci=noaer,disable_acs_redir=pci:0:0 pci=nomsi", &sw.params);
	assert_string_equal(boot_param_word(&sw, "pci", "disable_acs_redir="), "disable_acs_redir=pci:0:0");
	assert_string_equal(boot_param_word(&sw, "pci", "nomsi"), "nomsi");
	assert_null(boot_param_word(&sw, "pci", "config_acs="));
	arena_free(&a);
}

static void configuration(void **state _unused_)
{
	struct switches sw = { 0 };

	kconfig_parse(&sw, "# a comment\nCONFIG_IOMMUFD=m\n# CONFIG_VFIO_NOIOMMU is not set\nCONFIG_VFIO_GROUPS=y\n"
			   "CONFIG_VFIO=y\nCONFIG_VFIO_PCI=x\n# CONFIG_VFIO_GROUP is not set, though\nCONFIG_AMD_IOMMU=y");
	assert_int_equal(sw.config[CONFIG_IOMMUFD], 'm');
	assert_int_equal(sw.config[CONFIG_VFIO_NOIOMMU], 'n');
	assert_int_equal(sw.config[CONFIG_VFIO], 'y');
	assert_int_equal(sw.config[CONFIG_AMD_IOMMU], 'y');
	assert_int_equal(sw.config[CONFIG_VFIO_GROUP], 0);
	assert_int_equal(sw.config[CONFIG_VFIO_PCI], 0);
	assert_true(kconfig_is_off(&sw, CONFIG_VFIO_NOIOMMU));
	assert_true(kconfig_is_off(&sw, CONFIG_DEBUG_TEST_DRIVER_REMOVE));
	assert_false(kconfig_is_off(&sw, CONFIG_IOMMUFD));
	sw.config_err = -ENOENT;
	assert_false(kconfig_is_off(&sw, CONFIG_VFIO_NOIOMMU));
}

static const struct switches *load(struct machine *m)
{
	machine_load(m);
	return host_switches(m->host);
}

static void isolation(void **state _unused_)
{
	static const struct {
		const char *interrupts;
		enum tri is;
		const char *value;
	} t[] = {
		{ "           CPU0       CPU1\n   0:  51  0  IR-IO-APIC    2-edge      timer\n  24:  0  0  DMAR-MSI    0-edge  dmar0\n"
		  "  31:  0  13  IR-PCI-MSIX-0000:03:00.0    0-edge      nvme0q0\n",
		  TRI_YES, "IR-IO-APIC" },
		{ "           CPU0\n   0:  51  IO-APIC    2-edge      timer\n  31:  13  PCI-MSI 524288-edge   nvme0q0\n", TRI_NO,
		  "IO-APIC" },
		/* the unit's own interrupt is never remapped */
		{ "  CPU0\n 25:  0  PCI-MSI-0000:00:00.2  0-edge  AMD-Vi\n 26: 1  IR-PCI-MSI-0000:01:00.0 0-edge eth0\n", TRI_YES,
		  "IR-PCI-MSI-0000:01:00.0" },
		{ "  CPU0\n 14: 0 GICv3 27 Level arch_timer\n 48: 5 ITS-PCI-MSIX-0000:01:00.0 0 Edge nvme0q0\n", TRI_YES,
		  "ITS-PCI-MSIX-0000:01:00.0" },
		{ "  CPU0\n 48: 5 GICv2m-PCI-MSIX-0000:01:00.0 0 Edge nvme0q0\n", TRI_NO, "GICv2m-PCI-MSIX-0000:01:00.0" },
		{ "  CPU0\nNMI: 0 IR-PCI-MSI\n 14: 0 GICv3 27 Level arch_timer\n", TRI_UNKNOWN, NULL },
		{ "", TRI_UNKNOWN, NULL },
		{ "9: 9: 9:\n1:\n2: 3\n4: 5 \n: 6 IR-PCI-MSI\n", TRI_UNKNOWN, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct machine m;
		const struct switches *sw;

		machine_new(&m);
		machine_file(&m, "proc/interrupts", "%s", t[i].interrupts);
		sw = load(&m);
		assert_int_equal(sw->isolated_msi.is, t[i].is);
		if (t[i].value)
			assert_string_equal(sw->isolated_msi.value, t[i].value);
		else
			assert_non_null(sw->isolated_msi.why);
		machine_free(&m);
	}
}

/* arch_is_isolated_msi() is true there, whatever the chip is called. */
static void isolation_of_s390(void **state _unused_)
{
	struct machine m;
	const struct switches *sw;

	machine_new(&m);
	machine_file(&m, "sys/devices/virtual/iommu/s390-iommu.00000001/uevent", "%s", "");
	machine_link(&m, "sys/class/iommu/s390-iommu.00000001", "../../devices/virtual/iommu/s390-iommu.00000001");
	machine_file(&m, "proc/interrupts", "           CPU0\nEXT:       12  \n  1:          5   PCI-MSI  mlx5_async0\n");
	sw = load(&m);
	assert_int_equal(sw->isolated_msi.is, TRI_YES);
	assert_string_equal(sw->isolated_msi.value, "s390-iommu.00000001");
	machine_free(&m);
}

static void isolation_from_sysfs(void **state _unused_)
{
	struct machine m;
	const struct switches *sw;

	machine_new(&m);
	machine_file(&m, "sys/kernel/irq/1/chip_name", "IO-APIC\n");
	machine_file(&m, "sys/kernel/irq/24/chip_name", "IR-PCI-MSI-0000:01:00.0\n");
	sw = load(&m);
	assert_int_equal(sw->isolated_msi.is, TRI_YES);
	assert_string_equal(sw->isolated_msi.file, "/sys/kernel/irq");
	machine_free(&m);
}

static void words_of_passthrough(void **state _unused_)
{
	static const struct {
		const char *line;
		enum tri passthrough, strict;
	} t[] = {
		{ "iommu=noagp,pt", TRI_YES, TRI_UNKNOWN },
		{ "iommu=pt,nobypass", TRI_YES, TRI_UNKNOWN },
		{ "iommu=pt,nopt iommu.strict=On", TRI_NO, TRI_YES },
		{ "iommu.passthrough=True iommu.strict=OFF", TRI_YES, TRI_NO },
		{ "iommu.passthrough=yes iommu=optimal", TRI_YES, TRI_UNKNOWN },
		{ "iommu.passthrough=o iommu.strict=", TRI_UNKNOWN, TRI_UNKNOWN },
		{ "iommu.passthrough=maybe iommu.strict=2", TRI_UNKNOWN, TRI_UNKNOWN },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct switches *sw;
		struct machine m;

		machine_new(&m);
		machine_file(&m, "proc/cmdline", "%s\n", t[i].line);
		sw = load(&m);
		assert_int_equal(sw->passthrough.is, t[i].passthrough);
		assert_int_equal(sw->strict.is, t[i].strict);
		machine_free(&m);
	}
}

/* Which of several words counts, and that one need not be the last of its list. */
static void scalable_mode(void **state _unused_)
{
	static const struct {
		const char *line, *config;
		bool scalable;
	} t[] = {
		{ "intel_iommu=on", "CONFIG_INTEL_IOMMU_SCALABLE_MODE_DEFAULT_ON=y\n", true },
		{ "intel_iommu=on", "# CONFIG_INTEL_IOMMU_SCALABLE_MODE_DEFAULT_ON is not set\n", false },
		{ "intel_iommu=on,sm_on", "# CONFIG_INTEL_IOMMU_SCALABLE_MODE_DEFAULT_ON is not set\n", true },
		{ "intel_iommu=on,sm_off", "CONFIG_INTEL_IOMMU_SCALABLE_MODE_DEFAULT_ON=y\n", false },
		{ "intel_iommu=sm_off,strict", "CONFIG_INTEL_IOMMU_SCALABLE_MODE_DEFAULT_ON=y\n", false },
		{ "intel_iommu=sm_on,igfx_off intel_iommu=sm_off,strict", NULL, false },
		{ "intel_iommu=sm_off,strict intel_iommu=sm_on,igfx_off", NULL, true },
		{ "quiet", NULL, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct vtd_unit u = { 0 };
		struct machine m;

		machine_new(&m);
		machine_file(&m, "proc/cmdline", "%s\n", t[i].line);
		if (t[i].config)
			machine_file(&m, "proc/config.gz", "%s", t[i].config);
		load(&m);
		vtd_unit_read(m.host, 0, UINT64_C(1) << 43, &u);
		assert_int_equal(u.scalable, t[i].scalable);
		machine_free(&m);
	}
}

static void what_is_there(void **state _unused_)
{
	struct machine m;
	const struct switches *sw;

	machine_new(&m);
	machine_file(&m, "sys/class/misc/iommu/dev", "10:257\n");
	machine_file(&m, "sys/class/misc/vfio/dev", "10:196\n");
	machine_file(&m, "sys/class/vfio/7/dev", "240:0\n");
	machine_file(&m, "sys/class/vfio-dev/vfio0/dev", "241:0\n");
	machine_file(&m, "sys/bus/pci/drivers/vfio-pci/bind", "%s", "");
	machine_file(&m, "sys/module/iommufd/parameters/allow_unsafe_interrupts", "Y\n");
	machine_file(&m, "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N\n");
	machine_file(&m, "sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "1\n");
	machine_file(&m, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	machine_file(&m, "proc/sys/kernel/tainted", "4097\n");
	machine_file(&m, "proc/sys/kernel/panic_on_warn", "0\n");
	machine_file(&m, "proc/cmdline", "iommu=pt iommu.strict=0 pcie_acs_override=downstream pci=disable_acs_redir=0:1\n");
	sw = load(&m);
	assert_int_equal(sw->has_iommufd.is, TRI_YES);
	assert_int_equal(sw->has_legacy_container.is, TRI_YES);
	assert_int_equal(sw->has_legacy_group.is, TRI_YES);
	assert_int_equal(sw->has_cdev.is, TRI_YES);
	assert_int_equal(sw->vfio_pci.is, TRI_YES);
	assert_int_equal(sw->iommufd_unsafe_interrupts.is, TRI_YES);
	assert_string_equal(sw->iommufd_unsafe_interrupts.file, "/sys/module/iommufd/parameters/allow_unsafe_interrupts");
	assert_int_equal(sw->type1_unsafe_interrupts.is, TRI_NO);
	assert_int_equal(sw->noiommu.is, TRI_YES);
	assert_string_equal(sw->lockdown, "integrity");
	assert_int_equal(sw->taint.v, 4097);
	assert_int_equal(sw->panic_on_warn.is, TRI_NO);
	assert_int_equal(sw->passthrough.is, TRI_YES);
	assert_string_equal(sw->passthrough.value, "iommu=pt");
	assert_int_equal(sw->strict.is, TRI_NO);
	assert_int_equal(sw->acs_override.is, TRI_YES);
	assert_string_equal(sw->acs_redir_off.value, "pci=disable_acs_redir=0:1");
	assert_int_equal(sw->config_err, -ENOTCAPTURED);
	assert_int_equal(sw->test_driver_remove.is, TRI_UNKNOWN);
	assert_int_equal(host_kernel_has_ownership(m.host, NULL), TRI_YES);
	machine_free(&m);
}

/* A tree of nothing but units: no answer may be "no" that only nobody looked up. */
static void nothing_to_look_at(void **state _unused_)
{
	struct machine m;
	const struct switches *sw;

	machine_new(&m);
	machine_unit(&m, "dmar0");
	machine_remove(&m, "proc/cmdline");
	machine_remove(&m, "sys/class/mem"); /* by which a tree shows that its classes are all there */
	machine_remove(&m, "sys/kernel/notes");
	sw = load(&m);
	assert_int_equal(sw->has_iommufd.is, TRI_UNKNOWN);
	assert_int_equal(sw->iommufd_unsafe_interrupts.is, TRI_UNKNOWN);
	assert_int_equal(sw->noiommu.is, TRI_UNKNOWN);
	assert_int_equal(sw->isolated_msi.is, TRI_UNKNOWN);
	assert_int_equal(sw->has_cdev.is, TRI_UNKNOWN);
	assert_int_equal(sw->passthrough.is, TRI_UNKNOWN);
	assert_int_equal(sw->acs_override.is, TRI_UNKNOWN);
	assert_int_equal(sw->tainted.is, TRI_UNKNOWN);
	assert_int_equal(sw->panic_on_warn.is, TRI_UNKNOWN);
	assert_int_not_equal(sw->lockdown_err, 0);
	assert_int_equal(host_kernel_has_ownership(m.host, NULL), TRI_UNKNOWN);
	machine_free(&m);
}

/* What is there and leads nowhere that can be read is not what this kernel has not. */
static void what_cannot_be_read(void **state _unused_)
{
	struct machine m;
	const struct switches *sw;

	machine_new(&m);
	machine_link(&m, "sys/class/misc/iommu", "iommu");
	machine_link(&m, "sys/class/misc/vfio", "../../../../etc");
	machine_file(&m, "sys/module/vfio/version", "%s", "x");
	sw = load(&m);
	assert_int_equal(sw->has_iommufd.is, TRI_UNKNOWN);
	assert_non_null(sw->has_iommufd.why);
	assert_int_equal(sw->has_legacy_container.is, TRI_UNKNOWN);
	assert_int_equal(sw->noiommu.is, TRI_NO); /* the module is there, without the parameter */
	machine_free(&m);
}

static void ownership_by_probes(void **state _unused_)
{
	static const struct {
		const char *probes;
		enum tri is;
	} t[] = {
		{ "{\"owner_cnt\":true,\"symbols\":null}", TRI_YES },
		{ "{\"owner_cnt\":false,\"symbols\":null}", TRI_NO },
		{ "{\"owner_cnt\":null,\"symbols\":{\"iommu_device_use_default_domain\":true,\"iommu_group_get\":true}}", TRI_YES },
		{ "{\"owner_cnt\":null,\"symbols\":{\"iommu_device_use_default_domain\":false,\"iommu_group_get\":true}}", TRI_NO },
		{ "{\"owner_cnt\":null,\"symbols\":{\"iommu_device_use_default_domain\":false,\"iommu_group_get\":false}}",
		  TRI_UNKNOWN },
		{ "{\"owner_cnt\":null,\"symbols\":null}", TRI_UNKNOWN },
		{ "[]", TRI_UNKNOWN },
		{ "{\"owner_cnt\":7,\"symbols\":\"x\"}", TRI_UNKNOWN },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct machine m;
		const char *why = NULL;

		machine_new(&m);
		machine_file(&m, "iommuctl/probes.json", "%s", t[i].probes);
		machine_load(&m);
		assert_int_equal(host_kernel_has_ownership(m.host, &why), t[i].is);
		assert_non_null(why);
		machine_free(&m);
	}
}

static void ownership_by_symbols(void **state _unused_)
{
	struct machine m;
	const char *why;

	machine_new(&m);
	machine_file(&m, "proc/kallsyms", "0000000000000000 T iommu_group_get\n0000000000000000 T x\n");
	machine_load(&m);
	assert_int_equal(host_kernel_has_ownership(m.host, &why), TRI_NO);
	assert_string_equal(why, "/proc/kallsyms");
	machine_file(&m, "proc/kallsyms", "0 T iommu_device_use_default_domain\n0 T iommu_group_get\n");
	machine_load(&m);
	assert_int_equal(host_kernel_has_ownership(m.host, NULL), TRI_YES);
	machine_free(&m);
}

/* Text as /boot has it, and gzip as /proc has it; a cut one is said and not believed. */
static void configuration_files(void **state _unused_)
{
	static const uint8_t gz[] = { /* "CONFIG_IOMMUFD=y\n# CONFIG_VFIO_NOIOMMU is not set\n" */
		0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0x73, 0xf6, 0xf7, 0x73, 0xf3, 0x74,
		0x8f, 0xf7, 0xf4, 0xf7, 0xf5, 0x0d, 0x75, 0x73, 0xb1, 0xad, 0xe4, 0x52, 0x56, 0x70, 0x86, 0x08,
		0x85, 0xb9, 0x79, 0xfa, 0xc7, 0xfb, 0xf9, 0x83, 0x65, 0x14, 0x32, 0x8b, 0x15, 0xf2, 0xf2, 0x4b,
		0x14, 0x8a, 0x53, 0x4b, 0xb8, 0x00, 0x36, 0x69, 0xa2, 0xe9, 0x32, 0x00, 0x00, 0x00,
	};
	struct machine m;
	const struct switches *sw;

	machine_new(&m);
	machine_write(&m, "proc/config.gz", gz, sizeof(gz));
	sw = load(&m);
	assert_int_equal(sw->config_err, 0);
	assert_string_equal(sw->config_file, "/proc/config.gz");
	assert_int_equal(sw->config[CONFIG_IOMMUFD], 'y');
	assert_int_equal(sw->config[CONFIG_VFIO_NOIOMMU], 'n');
	machine_write(&m, "proc/config.gz", gz, sizeof(gz) - 12);
	sw = load(&m);
	assert_int_not_equal(sw->config_err, 0);
	assert_int_equal(sw->config[CONFIG_IOMMUFD], 0);
	machine_remove(&m, "proc/config.gz");
	machine_file(&m, "proc/sys/kernel/osrelease", "6.1.0-test\n");
	machine_file(&m, "boot/config-6.1.0-test", "CONFIG_DEBUG_TEST_DRIVER_REMOVE=y\n");
	sw = load(&m);
	assert_string_equal(sw->config_file, "/boot/config-6.1.0-test");
	assert_int_equal(sw->test_driver_remove.is, TRI_YES);
	assert_string_equal(sw->test_driver_remove.value, "CONFIG_DEBUG_TEST_DRIVER_REMOVE=y");
	machine_free(&m);
}

static void foreign_words(void **state _unused_)
{
	struct machine m;
	const struct switches *sw;
	char *big = malloc(1 << 20);

	memset(big, 'Y', 1 << 20);
	machine_new(&m);
	machine_write(&m, "sys/module/iommufd/parameters/allow_unsafe_interrupts", big, 1 << 20);
	machine_file(&m, "sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "%s", "");
	machine_file(&m, "sys/kernel/security/lockdown", "none integrity\n");
	machine_write(&m, "proc/cmdline", big, 1 << 20);
	machine_write(&m, "proc/config.gz", big, 1 << 20);
	sw = load(&m);
	assert_int_equal(sw->iommufd_unsafe_interrupts.is, TRI_UNKNOWN);
	assert_non_null(sw->iommufd_unsafe_interrupts.why);
	assert_int_equal(sw->noiommu.is, TRI_UNKNOWN);
	assert_int_equal(sw->lockdown_err, -EINVAL);
	assert_null(sw->lockdown);
	assert_int_equal(sw->cmdline_err, -EFBIG);
	free(big);
	machine_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters),		cmocka_unit_test(odd_command_lines),
		cmocka_unit_test(words_of_parameters),	cmocka_unit_test(configuration),
		cmocka_unit_test(isolation),		cmocka_unit_test(words_of_passthrough),	cmocka_unit_test(scalable_mode),
		cmocka_unit_test(isolation_of_s390),		cmocka_unit_test(isolation_from_sysfs),
		cmocka_unit_test(what_is_there),	cmocka_unit_test(nothing_to_look_at),
		cmocka_unit_test(what_cannot_be_read),
		cmocka_unit_test(ownership_by_probes),
		cmocka_unit_test(ownership_by_symbols), cmocka_unit_test(configuration_files),
		cmocka_unit_test(foreign_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
