// SPDX-License-Identifier: GPL-2.0-or-later
/* Doctor on machines that are ill in one way each, and on pasted messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "diag/doctor.h"
#include "diag/messages.h"
#include "machine.h"

static const char interrupts_on[] = "  CPU0\n 26: 1  IR-PCI-MSI-0000:01:00.0 0-edge eth0\n";
static const char interrupts_off[] = "  CPU0\n 26: 1  PCI-MSI-0000:01:00.0 0-edge eth0\n";

/* Nothing wrong: a unit, a group, both interfaces, interrupts remapped. */
static void healthy(struct machine *m)
{
	static const struct machine_pci nic = { "0000:00:01.0", .group = 1, .driver = "e1000e" };

	machine_new(m);
	machine_pci(m, &nic);
	machine_unit(m, "dmar0");
	machine_file(m, "sys/class/iommu/dmar0/intel-iommu/ecap", "f020de\n");
	machine_link(m, "sys/class/iommu/dmar0/devices/0000:00:01.0", "../../../../pci0000:00/0000:00:01.0");
	machine_file(m, "sys/class/misc/iommu/dev", "10:257\n");
	machine_file(m, "sys/class/vfio/.keep", "%s", "");
	machine_file(m, "sys/class/vfio-dev/vfio0/dev", "241:0\n");
	machine_file(m, "sys/bus/pci/drivers/vfio-pci/bind", "%s", "");
	machine_file(m, "sys/firmware/acpi/tables/DMAR", "%048d", 0);
	machine_file(m, "sys/module/kernel/parameters/panic", "0\n");
	machine_file(m, "proc/interrupts", "%s", interrupts_on);
	machine_file(m, "proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu vmx\n\nvendor_id\t: AuthenticAMD\n");
}

/* The same with the IOMMU off. */
static void without_units(struct machine *m)
{
	healthy(m);
	machine_remove(m, "sys/class/iommu/dmar0");
	machine_remove(m, "sys/kernel/iommu_groups/1");
	machine_remove(m, "sys/devices/pci0000:00/0000:00:01.0/iommu_group");
}

static struct diagnosis examine(struct machine *m)
{
	struct diagnosis d;

	machine_load(m);
	doctor_examine(m->host, &d);
	return d;
}

static const struct reason *find(struct rows rows, const char *code)
{
	const struct reason *r = rows.v;

	for (size_t i = 0; i < rows.n; i++)
		if (streq(r[i].code, code))
			return &r[i];
	return NULL;
}

static const struct remedy *remedy(const struct reason *r, size_t n)
{
	assert_non_null(r);
	assert_true(n < r->remedies.n);
	return (const struct remedy *)r->remedies.v + n;
}

/* The one problem is @code; returns it. */
static const struct reason *assert_ill(const struct diagnosis *d, const char *code)
{
	const struct reason *r = find(d->reasons, code);

	assert_non_null(r);
	assert_string_equal(r->severity, "problem");
	assert_string_equal(d->verdict, "ill");
	assert_int_equal(d->problems.v, 1);
	assert_ptr_equal(r, d->reasons.v); /* the worst comes first */
	return r;
}

static void nothing_wrong(void **state _unused_)
{
	struct machine m;
	struct diagnosis d;

	healthy(&m);
	d = examine(&m);
	assert_string_equal(d.verdict, "well");
	assert_int_equal(d.problems.v, 0);
	assert_int_equal(d.warnings.v, 0);
	assert_int_equal(d.missing, 0);
	assert_string_equal(d.headline, "vt-d, 1 unit, 1 group; iommufd, and VFIO by device and by group; interrupts isolated");
	assert_non_null(find(d.reasons, "iommu-on"));
	machine_free(&m);
}

static void off_by_command_line(void **state _unused_)
{
	static const struct {
		const char *cmdline, *code, *value;
	} t[] = {
		{ "quiet intel_iommu=off", "off-by-command-line", "intel_iommu=off" },
		{ "iommu=off", "off-by-command-line", "iommu=off" },
		{ "intel_iommu=off intel_iommu=on", "not-started", NULL },
		{ "intel_iommu=on,sm_on", "not-started", NULL },
		{ "amd_iommu=off", "off-by-default", NULL }, /* not of this machine */
		{ "quiet", "off-by-default", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct reason *r;
		struct diagnosis d;
		struct machine m;

		without_units(&m);
		machine_file(&m, "proc/cmdline", "%s\n", t[i].cmdline);
		d = examine(&m);
		r = assert_ill(&d, t[i].code);
		if (t[i].value) {
			assert_string_equal(r->file, "/proc/cmdline");
			assert_string_equal(r->value, t[i].value);
		}
		machine_free(&m);
	}
}

static void off_by_the_kernels_build(void **state _unused_)
{
	static const struct {
		const char *config, *code;
	} t[] = {
		{ "CONFIG_VFIO=y\nCONFIG_VFIO_PCI=y\n# CONFIG_INTEL_IOMMU is not set\n", "driver-not-built" },
		{ "CONFIG_VFIO=y\nCONFIG_VFIO_PCI=y\nCONFIG_INTEL_IOMMU=y\n# CONFIG_INTEL_IOMMU_DEFAULT_ON is not set\n", "off-by-default" },
		{ "CONFIG_VFIO=y\nCONFIG_VFIO_PCI=y\nCONFIG_INTEL_IOMMU=y\nCONFIG_INTEL_IOMMU_DEFAULT_ON=y\n", "not-started" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct diagnosis d;
		struct machine m;

		without_units(&m);
		machine_file(&m, "proc/config.gz", "%s", t[i].config);
		d = examine(&m);
		assert_ill(&d, t[i].code);
		machine_free(&m);
	}
}

static void off_in_firmware(void **state _unused_)
{
	struct machine m;
	struct diagnosis d;
	const struct reason *r;

	without_units(&m);
	machine_remove(&m, "sys/firmware/acpi/tables/DMAR");
	machine_file(&m, "sys/firmware/acpi/tables/APIC", "x");
	d = examine(&m);
	r = assert_ill(&d, "off-in-firmware");
	assert_non_null(strstr(remedy(r, 0)->text, "VT-d"));
	machine_file(&m, "proc/cpuinfo", "vendor_id\t: AuthenticAMD\nflags\t\t: fpu svm\n");
	d = examine(&m);
	assert_non_null(strstr(remedy(assert_ill(&d, "off-in-firmware"), 0)->text, "AMD-Vi"));
	machine_file(&m, "proc/cpuinfo", "vendor_id\t: AuthenticAMD\nflags\t\t: fpu svm hypervisor\n");
	d = examine(&m);
	assert_non_null(strstr(assert_ill(&d, "off-in-firmware")->text, "virtual machine"));
	machine_free(&m);
}

static void devicetree(void **state _unused_)
{
	struct machine m;
	struct diagnosis d;

	without_units(&m);
	machine_remove(&m, "sys/firmware/acpi");
	machine_file(&m, "sys/firmware/devicetree/base/model", "A board");
	d = examine(&m);
	assert_ill(&d, "no-iommu");
	machine_free(&m);
}

static void not_captured_is_unknown(void **state _unused_)
{
	struct machine m;
	struct diagnosis d;

	without_units(&m);
	machine_remove(&m, "sys/firmware");
	d = examine(&m);
	assert_string_equal(d.verdict, "unknown");
	assert_int_equal(d.missing, -ENOTCAPTURED);
	assert_string_equal(find(d.reasons, "no-iommu")->severity, "unknown");
	machine_free(&m);

	healthy(&m);
	machine_remove(&m, "sys/class");
	d = examine(&m);
	assert_string_equal(d.verdict, "unknown");
	assert_int_equal(d.missing, -ENOTCAPTURED);
	machine_free(&m);
}

static void units_without_groups(void **state _unused_)
{
	struct machine m;
	struct diagnosis d;

	healthy(&m);
	machine_remove(&m, "sys/kernel/iommu_groups/1");
	machine_remove(&m, "sys/devices/pci0000:00/0000:00:01.0/iommu_group");
	d = examine(&m);
	assert_ill(&d, "no-groups");
	machine_free(&m);
}

static void interrupts_not_isolated(void **state _unused_)
{
	struct machine m;
	struct diagnosis d;
	const struct reason *r;

	healthy(&m);
	machine_file(&m, "proc/interrupts", "%s", interrupts_off);
	machine_file(&m, "proc/cmdline", "intremap=off\n");
	d = examine(&m);
	r = assert_ill(&d, "interrupts-not-isolated");
	assert_string_equal(r->file, "/proc/interrupts");
	assert_non_null(strstr(remedy(r, 0)->text, "intremap=off"));
	assert_int_equal(remedy(r, 0)->unsafe, TRI_NO);
	assert_int_equal(remedy(r, r->remedies.n - 1)->unsafe, TRI_YES);
	/* allowed all the same: no problem any more, but two things to be warned of */
	machine_file(&m, "sys/module/iommufd/parameters/allow_unsafe_interrupts", "Y\n");
	d = examine(&m);
	assert_string_equal(d.verdict, "well");
	assert_int_equal(d.warnings.v, 2);
	assert_string_equal(remedy(find(d.reasons, "unsafe-interrupts"), 0)->command,
			    "echo N > /sys/module/iommufd/parameters/allow_unsafe_interrupts");
	machine_free(&m);
}

static void a_unit_that_cannot_remap(void **state _unused_)
{
	struct machine m;
	struct diagnosis d;

	healthy(&m);
	machine_file(&m, "proc/interrupts", "%s", interrupts_off);
	machine_file(&m, "sys/class/iommu/dmar0/intel-iommu/ecap", "f020d6\n"); /* without IR */
	d = examine(&m);
	assert_non_null(strstr(remedy(assert_ill(&d, "interrupts-not-isolated"), 0)->text, "dmar0"));
	machine_free(&m);
}

static void kernels_of_other_builds(void **state _unused_)
{
	struct machine m;
	struct diagnosis d;

	/* as distributions have it: everything a module, nothing loaded, no iommufd */
	healthy(&m);
	machine_remove(&m, "sys/class/misc/iommu");
	machine_file(&m, "sys/class/misc/hpet/dev", "10:228\n");
	machine_remove(&m, "sys/class/vfio");
	machine_remove(&m, "sys/class/vfio-dev");
	machine_remove(&m, "sys/bus/pci/drivers/vfio-pci");
	machine_file(&m, "proc/config.gz",
		     "# CONFIG_IOMMUFD is not set\nCONFIG_VFIO=m\nCONFIG_VFIO_PCI=m\nCONFIG_VFIO_GROUP=y\n"
		     "CONFIG_DEBUG_TEST_DRIVER_REMOVE=y\n");
	d = examine(&m);
	assert_string_equal(d.verdict, "well");
	assert_non_null(find(d.reasons, "no-iommufd"));
	assert_string_equal(remedy(find(d.reasons, "vfio-not-loaded"), 0)->command, "modprobe vfio-pci");
	assert_string_equal(find(d.reasons, "test-driver-remove")->severity, "note");
	assert_string_equal(d.headline, "vt-d, 1 unit, 1 group; VFIO by group; interrupts isolated");
	machine_file(&m, "proc/config.gz", "# CONFIG_IOMMUFD is not set\n# CONFIG_VFIO is not set\n");
	d = examine(&m);
	assert_ill(&d, "no-vfio");
	machine_free(&m);
}

static void what_weakens(void **state _unused_)
{
	struct machine m;
	struct diagnosis d;

	healthy(&m);
	machine_file(&m, "proc/cmdline", "pcie_acs_override=downstream,multifunction pci=config_acs=0@0 iommu=pt\n");
	machine_file(&m, "sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
	machine_file(&m, "sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
	machine_file(&m, "sys/kernel/iommu_groups/1/type", "identity\n");
	d = examine(&m);
	assert_string_equal(d.verdict, "well");
	assert_int_equal(d.warnings.v, 3);
	assert_non_null(find(d.reasons, "acs-override"));
	assert_non_null(find(d.reasons, "acs-redirect-off"));
	assert_non_null(find(d.reasons, "no-iommu-mode"));
	assert_string_equal(find(d.reasons, "lockdown")->value, "confidentiality");
	assert_string_equal(find(d.reasons, "identity-default")->value, "iommu=pt");
	machine_free(&m);
}

static void firmware_framebuffer(void **state _unused_)
{
	struct machine m;
	struct diagnosis d;
	const struct reason *r;

	healthy(&m);
	/* as an ordinary user sees it: nesting, but no addresses */
	machine_file(&m, "proc/iomem",
		     "00000000-00000000 : PCI Bus 0000:00\n  00000000-00000000 : 0000:00:01.0\n    00000000-00000000 : BOOTFB\n"
		     "      00000000-00000000 : simplefb\n");
	machine_file(&m, "sys/bus/platform/drivers/simple-framebuffer/simple-framebuffer.0/x", "%s", "");
	d = examine(&m);
	r = find(d.reasons, "firmware-framebuffer");
	assert_non_null(r);
	assert_string_equal(r->severity, "warning");
	assert_string_equal(r->device, "0000:00:01.0");
	assert_string_equal(r->value, "BOOTFB");
	assert_string_equal(remedy(r, 0)->command,
			    "echo simple-framebuffer.0 > /sys/bus/platform/drivers/simple-framebuffer/unbind");
	assert_int_equal(d.warnings.v, 1);
	/* memory of nobody on the PCI bus concerns no device */
	machine_file(&m, "proc/iomem", "0-1 : PCI Bus 0000:00\n  0-1 : 0000:00:01.0\n0-1 : BOOTFB\n");
	d = examine(&m);
	assert_null(find(d.reasons, "firmware-framebuffer"));
	machine_free(&m);
}

static void hostile_iomem(void **state _unused_)
{
	struct machine m;
	struct diagnosis d;

	healthy(&m);
	machine_file(&m, "proc/iomem", "%0200d\n%*s : BOOTFB\n : \n :BOOTFB\n  0-1 : 0000:00:01.0\n%*s : BOOTFB", 0, 400, "", 33, "");
	machine_file(&m, "proc/cpuinfo", "%s", "");
	d = examine(&m);
	assert_string_equal(d.verdict, "well");
	machine_free(&m);
}

static void reserved_memory(void **state _unused_)
{
	struct machine m;
	struct diagnosis d;

	healthy(&m);
	machine_file(&m, "sys/kernel/iommu_groups/1/reserved_regions", "0x00000000bdf6e000 0x00000000bdf84fff direct\n");
	d = examine(&m);
	assert_string_equal(d.verdict, "well");
	assert_non_null(strstr(find(d.reasons, "direct-region")->text, "Group 1 cannot be given away"));
	machine_free(&m);
}

/* Memory says @count for the one group, whose one device is on e1000e. */
static struct diagnosis with_owners(struct machine *m, bool readable, int count)
{
	healthy(m);
	machine_file(m, "iommuctl/ownership.json",
		     "{\"version\":1,\"known\":%s,\"groups\":[{\"id\":1,\"owner_cnt\":%d,\"owned\":false,\"devices\":[{\"name\":"
		     "\"0000:00:01.0\",\"bus\":\"pci\",\"driver\":\"e1000e\",\"managed\":false,\"counted\":true,\"blocked\":null}]}],"
		     "\"domains\":[],\"owners\":[],\"obstacles\":[]}",
		     readable ? "true" : "false", count);
	return examine(m);
}

static void counts_of_owners(void **state _unused_)
{
	const struct reason *r;
	struct diagnosis d;
	struct machine m;

	d = with_owners(&m, true, 1);
	assert_string_equal(d.verdict, "well");
	machine_free(&m);

	d = with_owners(&m, true, 2);
	r = assert_ill(&d, "owner-surplus");
	assert_string_equal(r->text, "1 group (1) counts more owners than anything accounts for: every claim gets EPERM though no "
				     "device is in the way.");
	assert_string_equal(remedy(r, 0)->command, "iommuctl owner check 1");
	machine_free(&m);

	d = with_owners(&m, true, 0);
	r = assert_ill(&d, "owner-deficit");
	assert_string_equal(remedy(r, 0)->command, "iommuctl owner check 1");
	machine_free(&m);
}

static const struct {
	const char *line, *code, *command;
} pasted[] = {
	{ "qemu-system-x86_64: -device vfio-pci,host=01:00.0: vfio 0000:01:00.0: group 17 is not viable", "not-viable",
	  "iommuctl group check 17" },
	{ "EAL: 0000:44:00.3 VFIO group is not viable! Not all devices in IOMMU group bound to VFIO or unbound",
	  "not-viable", "iommuctl group check 0000:44:00.3" },
	{ "Please ensure all devices within the iommu_group are bound to their vfio bus driver.", "not-viable",
	  "iommuctl group list --not-viable" },
	{ "EAL: Cannot open /dev/vfio/151: Device or resource busy", "in-use", "iommuctl group check 151" },
	{ "EAL: Failed to open VFIO group 151", "in-use", "iommuctl group check 151" },
	{ "vfio 0000:00:14.5: group 5 used in multiple address spaces", "address-spaces", "iommuctl group explain 5" },
	{ "VFIO_MAP_DMA failed: Cannot allocate memory", "memlock", "iommuctl doctor" },
	{ "vfio_dma_map(0x648f08f946c0, 0x0, 0x80000000, 0x715dc0000000) = -12 (Cannot allocate memory)", "memlock",
	  "iommuctl doctor" },
	{ "vfio_pin_pages_remote: RLIMIT_MEMLOCK (65536) exceeded", "memlock", "iommuctl doctor" },
	{ "kvm: vfio_dma_map(0x5e043daea2f0, 0x380010000000, 0x2000000, 0x771a6ce00000) = -22 (Invalid argument)",
	  "bad-range", "iommuctl iommu list -o +address_width" },
	{ "cannot open VFIO device /dev/vfio/devices/vfio0: No such file or directory", "no-cdev", "iommuctl doctor" },
	{ "vfio-pci 0000:65:00.0: Relaying device request to user (#0)", "waits-for-holder",
	  "iommuctl device show 0000:65:00.0" },
	{ "Error: bind failed for 0000:02:06.0 - Cannot bind to driver vfio-pci: [Errno 22] Invalid argument",
	  "bind-refused", "iommuctl group check 0000:02:06.0" },
	{ "vfio 0000:10:00.1: Cannot reset device 0000:10:00.1, no available reset mechanism.", "no-reset",
	  "iommuctl device show 0000:10:00.1" },
	{ "IOMMU group 15 has devices not bound to vfio-pci:", "not-viable", "iommuctl group check 15" },
	{ "-device vfio-pci,host=0000:4c:00.0: VFIO_MAP_DMA: -12", "memlock", "iommuctl doctor" },
	{ "EAL: 0000:03:00.0 cannot set up DMA remapping, error 22 (Invalid argument)", "bad-range",
	  "iommuctl iommu list -o +address_width" },
	{ "vfio_dma_map(0x55e0, 0x8000000000, 0x1000000, 0x7f00) = -14 (Bad address)", "no-peer-to-peer", "iommuctl doctor" },
	{ "vfio 0000:17:00.0: failed to open /dev/vfio/40: No such file or directory", "no-group-node", "iommuctl group check 40" },
	{ "vfio 0000:04:10.0: failed to open /dev/vfio/94: Permission denied", "no-permission", "iommuctl group check 94" },
	{ "vfio 0000:08:00.0: no iommu_group found: No such file or directory", "no-iommu", "iommuctl doctor" },
	{ "unsupported configuration: host doesn't support passthrough of host PCI devices", "no-iommu", "iommuctl doctor" },
	{ "EAL: VFIO support could not be initialized", "no-vfio", "iommuctl doctor" },
	{ "vfio 0000:02:00.0: Failed to set vIOMMU: Need IOMMUFD backend when x-flts=on", "needs-iommufd", "iommuctl plan 0000:02:00.0" },
	{ "TASK ERROR: Cannot bind 0000:01:00.0 to vfio", "bind-refused", "iommuctl group check 0000:01:00.0" },
	{ "vfio-pci: probe of 0000:02:00.0 failed with error -22", "bind-refused", "iommuctl group check 0000:02:00.0" },
	{ "vfio-pci 0000:02:00.0: probe with driver vfio-pci failed with error -22", "bind-refused",
	  "iommuctl group check 0000:02:00.0" },
	{ "vfio-pci 0000:0a:00.0: not ready 65535ms after FLR; giving up", "reset-hangs", "iommuctl device show 0000:0a:00.0" },
	{ "vfio-pci 0000:01:00.0: vfio_bar_restore: reset recovery - restoring BARs", "lost-bars", "iommuctl device show 0000:01:00.0" },
	{ "vfio-pci 0000:01:00.0: Invalid PCI ROM header signature: expecting 0xaa55, got 0xffff", "bad-rom",
	  "iommuctl device show 0000:01:00.0" },
	{ "Device is ineligible for IOMMU domain attach due to platform RMRR requirement.", "direct-region", "iommuctl doctor" },
	{ "failed to setup container for group 11: Failed to set iommu for container: Input/output error", "attach-refused",
	  "iommuctl group list" },
	{ "EAL: 0000:03:00.0 cannot add VFIO group to container, error 1 (Operation not permitted)", "claim-refused", "iommuctl group list" },
	{ "IOMMU_IOAS_MAP failed: Bad address, PCI BAR?", "no-peer-to-peer", "iommuctl doctor" },
	{ "IOMMU_IOAS_MAP failed: Cannot allocate memory", "memlock", "iommuctl doctor" },
	{ "EAL: Cannot open /dev/vfio/noiommu-0: Operation not permitted", "noiommu-rights", "iommuctl doctor" },
	{ "EAL:   0000:01:00.0 not managed by VFIO driver, skipping", "not-on-vfio", "iommuctl device bind 0000:01:00.0" },
	{ "AMD-Vi: Completion-Wait loop timed out", "invalidation-timeout", "iommuctl doctor" },
	/* cloud-hypervisor, crosvm, Kata: as they say it, and as they print the error itself */
	{ "Failed to create VFIO device: failed to open /dev/vfio/17 group: Device or resource busy (os error 16)", "in-use", "iommuctl group check 17" },
	{ "VfioCreate(OpenGroup(Os { code: 16, kind: ResourceBusy, message: \"Device or resource busy\" }, \"17\"))", "in-use", "iommuctl group check 17" },
	{ "VfioCreate(OpenGroup(Os { code: 2, kind: NotFound, message: \"No such file or directory\" }, \"9\"))", "no-group-node", "iommuctl group check 9" },
	{ "failed to open /dev/vfio/9 group: No such file or directory (os error 2)", "no-group-node", "iommuctl group check 9" },
	{ "failed to open /dev/vfio/vfio container: No such file or directory (os error 2)", "no-vfio", "iommuctl doctor" },
	{ "failed to open /dev/vfio/vfio container: Permission denied (os error 13)", "no-permission", "iommuctl doctor" },
	{ "cannot open /dev/vfio/vfio: No such device", "no-vfio", "iommuctl doctor" },
	{ "VmBoot(DeviceManager(VfioCreate(GroupViable)))", "not-viable", "iommuctl group list --not-viable" },
	{ "group is inviable", "not-viable", "iommuctl group list --not-viable" },
	{ "container doesn't support VfioType1V2 IOMMU driver type", "no-type1", "iommuctl doctor" },
	{ "container dones't support VfioType1V2 IOMMU driver type", "no-type1", "iommuctl doctor" },
	{ "failed to set container's IOMMU driver type as VfioType1V2: Operation not permitted (os error 1)", "claim-refused", "iommuctl group list" },
	{ "failed to set container's IOMMU driver type as VfioType1V2: Invalid argument (os error 22)", "attach-refused", "iommuctl group list" },
	{ "failed to bind the vfio device to the specified iommufd: Operation not permitted (os error 1)", "claim-refused", "iommuctl group list" },
	{ "failed to add guest memory map into iommu table: Cannot allocate memory (os error 12)", "memlock", "iommuctl doctor" },
	{ "error 500: VfioMapRegion(DmaMap(IommuDmaMap(Error(17)))): unknown", "mapped-twice", "iommuctl doctor" },
	{ "VfioDmaMap(IommuDmaMap(Error(22)))", "bad-range", "iommuctl iommu list -o +address_width" },
	{ "EAL:   0000:01:00.0 failed to select IOMMU type", "claim-refused", "iommuctl group check 0000:01:00.0" },
	{ "cannot limit locked memory of process 111 to 9007199254740991: Operation not permitted", "memlock-rights", "iommuctl doctor" },
	{ "Process exited prior to exec: libvirt: error : cannot limit locked memory", "memlock-rights", "iommuctl doctor" },
	{ "denied the request: pcidevice hv-main11-000001000 has no iommuGroup available", "no-iommu", "iommuctl doctor" },
	{ "EAL: no supported IOMMU extensions found!", "no-type1", "iommuctl doctor" },
	{ "Cannot update DMA mapping, error 22", "bad-range", "iommuctl iommu list -o +address_width" },
	{ "modprobe: FATAL: Module vfio_pci is builtin.", "built-in", "iommuctl doctor" },
	{ "vfio-pci 0000:0b:00.0: AMD_VEGA10: failed to reset device", "reset-hangs", "iommuctl device show 0000:0b:00.0" },
	{ "vfio_region_write(0000:01:00.0:region1+0x3, 0xff,4) failed: Device or resource busy", "bar-taken", "iommuctl doctor" },
	{ "iommu ivhd0: AMD-Vi: Event logged [IOTLB_INV_TIMEOUT device=0b:00.0 address=0x10018]", "invalidation-timeout", "iommuctl device show 0b:00.0" },
	{ "arm-smmu-v3 arm-smmu-v3.0.auto: CMD_SYNC timeout at 0x00000000 [hwprod 0x00000000, hwcons 0x00000000]", "invalidation-timeout",
	  "iommuctl doctor" },
	{ "DMAR: [Firmware Bug]: No firmware reserved region can cover this RMRR [0x00000000df800000-0x00000000dfffffff], contact BIOS vendor for fixes",
	  "rmrr-not-reserved", "iommuctl doctor" },
	{ "error: Requested operation is not valid: PCI device 0000:01:00.0 is in use by driver QEMU, domain win10", "in-use",
	  "iommuctl group check 0000:01:00.0" },
	{ "internal error: Not detaching active device 0000:01:00.0", "in-use", "iommuctl group check 0000:01:00.0" },
	{ "error writing '1' to '/sys/bus/pci/devices/0000:01:00.0/reset': Inappropriate ioctl for device", "no-reset",
	  "iommuctl device show 0000:01:00.0" },
	{ "cannot prepare PCI pass-through, IOMMU not present", "no-iommu", "iommuctl doctor" },
	{ "vfio 0000:01:00.0: error getting device from group 1: Invalid argument", "open-refused", "iommuctl group check 1" },
	{ "Verify all devices in group 1 are bound to vfio-<bus> or pci-stub and not already in use", "open-refused", "iommuctl group check 1" },
	{ "bash: echo: write error: No such device", "bind-refused", "iommuctl help device bind" },
	{ "tee: /sys/bus/pci/drivers/vfio-pci/new_id: File exists", "ids-known", "iommuctl device list" },
	{ "sh: write error: Device or resource busy", "has-driver", "iommuctl device list" },
	{ "error: Failed to bind PCI device '0000:01:00.0' to vfio-pci: No such device", "bind-refused", "iommuctl group check 0000:01:00.0" },
	{ "vfio 0000:01:00.0: hardware reports invalid configuration, MSIX PBA outside of specified BAR", "bad-config",
	  "iommuctl device show 0000:01:00.0" },
	{ "vfio-pci: Cannot read device rom at 0000:01:00.0", "bad-rom", "iommuctl device show 0000:01:00.0" },
	{ "vfio-pci 0000:0a:00.0: Unable to change power state from D3cold to D0, device inaccessible", "reset-hangs",
	  "iommuctl device show 0000:0a:00.0" },
	{ "vfio 0000:01:00.0: Failed to set vIOMMU: aw-bits 48 > host aw-bits 39", "address-width", "iommuctl iommu list -o +address_width" },
	{ "qemu-system-x86_64: -device vfio-pci,host=0000:01:00.0,iommufd=iommufd0: Property 'vfio-pci.iommufd' not found", "old-qemu",
	  "iommuctl doctor" },
	{ "qemu-system-x86_64: -object iommufd,id=iommufd0: Could not open '/dev/iommu': No such file or directory", "no-iommufd", "iommuctl doctor" },
	{ "mlx5_core 0000:03:00.0: swiotlb buffer is full (sz: 65536 bytes), total 32768 (slots), used 0 (slots)", "bounce-buffers",
	  "iommuctl device show 0000:03:00.0" },
	{ "DMAR: DRHD: handling fault status reg 2", "fault-record", "dmesg | iommuctl faults decode -" },
	{ "arm-smmu-v3 2b400000.smmuv3: event 0x10 received:", "fault-record", "dmesg | iommuctl faults decode -" },
	{ "Failed to open '/dev/vfio/vfio': Permission denied", "no-permission", "iommuctl doctor" },
	{ "[iommufd=20] error attach 0000:01:00.0 (21) to id=7: Invalid argument", "attach-refused", "iommuctl group check 0000:01:00.0" },
	{ "pci 0000:04:02.0: Aliasing StreamID 0x400 (from 0000:04:01.0) unsupported, expect DMA to be broken", "stream-shared",
	  "iommuctl device show 0000:04:02.0" },
};

static void messages(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(pasted); i++) {
		struct arena a = { 0 };
		struct rows rows = messages_explain(&a, pasted[i].line);

		assert_int_equal(rows.n, 1);
		assert_string_equal(((const struct reason *)rows.v)->code, pasted[i].code);
		assert_string_equal(remedy(rows.v, 0)->command, pasted[i].command);
		arena_free(&a);
	}
}

static void messages_in_a_log(void **state _unused_)
{
	struct arena a = { 0 };
	char *big = malloc(3 << 20);
	struct rows rows;

	rows = messages_explain(&a, "nothing\n\ngroup 3 is not viable\nPlease ensure all devices within the iommu_group are bound\r\n"
				    "x: /dev/vfio/3: Device or resource busy");
	assert_int_equal(rows.n, 2); /* the second line means the same as the first */
	assert_int_equal(messages_explain(&a, "").n, 0);
	assert_int_equal(messages_explain(&a, "group ; rm -rf / is not viable").n, 0);
	memset(big, 'x', 3 << 20);
	memcpy(big + (2 << 20), "\ngroup 3 is not viable\n", 23);
	big[(3 << 20) - 1] = '\0';
	assert_int_equal(messages_explain(&a, big).n, 0); /* beyond what is looked at */
	free(big);
	arena_free(&a);
}

/* An older iommufd: what it lacks is said with the kernels that have it; one that was not asked is not guessed about. */
static void test_iommufd_lacks(_unused_ void **state)
{
	const struct reason *r;
	struct machine m;
	struct diagnosis d;

	healthy(&m);
	d = examine(&m);
	assert_null(find(d.reasons, "iommufd-lacks"));
	machine_file(&m, "iommuctl/probes.json", "{\"iommufd\":{\"IOAS_MAP\":true,\"IOAS_MAP_FILE\":false,\"VIOMMU_ALLOC\":false}}");
	d = examine(&m);
	r = find(d.reasons, "iommufd-lacks");
	assert_non_null(r);
	assert_non_null(strstr(r->text, "mapping of files (Linux 6.13), virtual IOMMUs (Linux 6.13)."));
	assert_string_equal(r->severity, "note");
	machine_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_iommufd_lacks),
		cmocka_unit_test(nothing_wrong),
		cmocka_unit_test(off_by_command_line),
		cmocka_unit_test(off_by_the_kernels_build),
		cmocka_unit_test(off_in_firmware),
		cmocka_unit_test(devicetree),
		cmocka_unit_test(not_captured_is_unknown),
		cmocka_unit_test(units_without_groups),
		cmocka_unit_test(interrupts_not_isolated),
		cmocka_unit_test(a_unit_that_cannot_remap),
		cmocka_unit_test(kernels_of_other_builds),
		cmocka_unit_test(what_weakens),
		cmocka_unit_test(firmware_framebuffer),
		cmocka_unit_test(hostile_iomem),
		cmocka_unit_test(reserved_memory),
		cmocka_unit_test(counts_of_owners),
		cmocka_unit_test(messages),
		cmocka_unit_test(messages_in_a_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
