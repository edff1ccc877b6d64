// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/allow.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "source/source.h"

/* Attributes and links of any device; other devices' of the same name come along, which does no harm. */
#define DEVICE_LINKS                                                                       \
	"driver iommu iommu_group subsystem physfn virtfn* module master lower_* "  \
	"upper_* firmware_node physical_node* of_node bdi"

#define DEVICE_ATTRIBUTES                                                                  \
	"vendor device class subsystem_vendor subsystem_device revision modalias "  \
	"driver_override reset_method sriov_* numa_node enable boot_vga power_state irq "  \
	"local_cpulist current_link_* max_link_* msi_bus d3cold_allowed ari_enabled "      \
	"broken_parity_status dma_mask_bits consistent_dma_mask_bits removable label "     \
	"acpi_index secondary_bus_number subordinate_bus_number untrusted dev hid path "   \
	"status adr"

/* Of the things that hang on a device: interfaces, disks, controllers, displays. */
#define FUNCTION_ATTRIBUTES                                                                \
	"ifindex operstate carrier flags type mtu speed duplex dev_id dev_port "           \
	"phys_port_name name_assign_type addr_assign_type size ro partition start hidden " \
	"model rev state transport cntlid firmware_rev idVendor idProduct bDeviceClass "   \
	"busnum devnum manufacturer product enabled name"

#define SERIALS "serial serial_number wwid eui nguid uuid wwn unique_id subsysnqn nqn hostnqn hostid vpd_pg80 vpd_pg83"

static const struct allow_row rows[] = {
	{ "sys/class/iommu", "*", ALLOW_LINKS },
	{ "sys/class/vfio", "*", ALLOW_LINKS },
	{ "sys/class/vfio-dev", "*", ALLOW_LINKS },
	{ "sys/class/mdev_bus", "*", ALLOW_LINKS },
	{ "sys/class/misc", "iommu vfio", ALLOW_LINKS },
	{ "sys/class/net", "*", ALLOW_LINKS },
	{ "sys/class/block", "*", ALLOW_LINKS },
	{ "sys/class/nvme", "*", ALLOW_LINKS },
	{ "sys/class/nvme-subsystem", "*", ALLOW_LINKS },
	{ "sys/class/scsi_host", "*", ALLOW_LINKS },
	{ "sys/class/drm", "*", ALLOW_LINKS },
	{ "sys/class/graphics", "fb*", ALLOW_LINKS },
	{ "sys/class/pci_bus", "*", ALLOW_LINKS },
	{ "sys/block", "*", ALLOW_LINKS },

	{ "sys/kernel/iommu_groups/*", "name type reserved_regions" },
	{ "sys/kernel/iommu_groups/*/devices", "*", ALLOW_LINKS },
	{ "sys/kernel/security", "lockdown" },
	{ "sys/kernel/irq/*", "chip_name actions name type" },

	{ "sys/bus/*", "drivers_autoprobe" },
	{ "sys/bus/*/devices", "*", ALLOW_LINKS },
	{ "sys/bus/*/drivers/*", "*", ALLOW_LINKS },
	{ "sys/bus/pci/slots/*", "address" },

	/* the first row that matches counts: private ones before those for all devices */
	{ "sys/devices/**", SERIALS, ALLOW_PRIVATE },
	{ "sys/devices/**/net/*", "address broadcast permaddr phys_port_id phys_switch_id ifalias", ALLOW_PRIVATE },
	{ "sys/devices/**/nvme/*", "address" },
	{ "sys/devices/**/dm", "name", ALLOW_SCRUB },
	{ "sys/devices/**", "uevent", ALLOW_SCRUB },
	{ "sys/devices/**", DEVICE_LINKS, ALLOW_LINKS },
	{ "sys/devices/**", DEVICE_ATTRIBUTES },
	{ "sys/devices/**", FUNCTION_ATTRIBUTES },
	{ "sys/devices/**", "config", ALLOW_CONFIG },
	{ "sys/devices/**/power", "runtime_status control" },
	{ "sys/devices/**/intel-iommu", "*" },
	{ "sys/devices/**/amd-iommu", "*" },
	{ "sys/devices/**/devices", "*", ALLOW_LINKS },
	{ "sys/devices/**/block/*", "" },
	{ "sys/devices/**/iommu/*", "" },
	{ "sys/devices/**/drm/*", "" },
	{ "sys/devices/**/graphics/*", "" },
	{ "sys/devices/**/scsi_host/*", "" },
	{ "sys/devices/**/infiniband/*", "" },
	{ "sys/devices/**/vfio-dev/*", "dev" },
	{ "sys/devices/**/holders", "*", ALLOW_LINKS },
	{ "sys/devices/**/slaves", "*", ALLOW_LINKS },
	{ "sys/devices/**/md", "level array_state raid_disks" },
	{ "sys/devices/**/bonding", "mode slaves active_slave" },
	{ "sys/devices/**/mdev_supported_types/*", "name device_api available_instances description" },
	{ "sys/devices/system/node", "online possible has_memory has_cpu" },
	{ "sys/devices/system/node/*", "cpulist distance" },
	{ "sys/devices/virtual/dmi/id",
	  "sys_vendor product_name product_version board_vendor board_name bios_vendor bios_version "
	  "bios_date chassis_type" },

	{ "sys/module/*", "initstate refcnt taint" },
	{ "sys/module/*/drivers", "*", ALLOW_LINKS },
	{ "sys/module/*/holders", "*", ALLOW_LINKS },
	{ "sys/module/vfio*/parameters", "*" },
	{ "sys/module/iommufd*/parameters", "*" },
	{ "sys/module/*iommu*/parameters", "*" },
	{ "sys/module/arm_smmu*/parameters", "*" },
	{ "sys/module/pci*/parameters", "*" },
	{ "sys/module/kvm*/parameters", "*" },
	{ "sys/module/irqbypass/parameters", "*" },
	{ "sys/module/kernel/parameters", "panic_on_warn" },

	{ "sys/firmware/acpi/tables", "DMAR IVRS IORT VIOT" },
	{ "sys/firmware/devicetree/base/**",
	  "dma-coherent dma-noncoherent phandle iommus iommu-map iommu-map-mask #iommu-cells", .since = 3 },
	{ "sys/firmware/efi", "fw_platform_size" },
	{ "sys/hypervisor", "type" },

	{ "proc", "cmdline mounts", ALLOW_SCRUB },
	{ "proc", "config.gz modules swaps version interrupts iomem devices misc filesystems cpuinfo" },
	{ "proc/self", "mounts mountinfo", ALLOW_SCRUB },
	{ "proc/self", "limits" },
	{ "proc/1", "mountinfo", ALLOW_SCRUB },
	{ "proc/self/ns", "pid net mnt", ALLOW_LINKS, .since = 2 },
	{ "proc/1/ns", "net mnt", ALLOW_LINKS, .since = 2 },
	{ "proc/sys/kernel",
	  "tainted hostname osrelease ostype dmesg_restrict kptr_restrict perf_event_paranoid "
	  "panic_on_warn modules_disabled" },
	{ "proc/sys/kernel/random", "boot_id" },
	{ "boot", "config-*" },
	{ "lib/modules/*", "modules.builtin" },
	{ "etc", "hostname os-release" },
	{ "etc/iommuctl/bindings.d", "*.conf" },
	{ "dev", "iommu", ALLOW_NODE },
	{ "dev/vfio", "*", ALLOW_NODE },
	{ "dev/vfio/devices", "*", ALLOW_NODE },

	{ ".", "dmesg dmesg.txt", ALLOW_FOREIGN },
	{ "var/log", "dmesg kern.log", ALLOW_FOREIGN },
	{ "iommuctl", "*.json", ALLOW_OWN },
};

const char *const allow_tops[] = {
	"sys/class", "sys/block", "sys/kernel/iommu_groups", "sys/kernel/security", "sys/kernel/irq",
	"sys/bus", "sys/devices", "sys/module", "sys/firmware/acpi/tables", "sys/firmware/devicetree/base", "sys/firmware/efi",
	"sys/hypervisor", "dev/vfio", NULL,
};

/* Never captured, whatever a pattern above says: reading does something, or shows the firmware's insides. */
static const char never[] = "rom vpd resource resource[0-9] resource[0-9]_wc reset remove rescan";

/* Directories without an end that hold nothing for us. */
static const char barren[] =
	"msi_irqs queues statistics tty input sound leds hwmon thermal* cooling_device* cpu* i2c-* workqueue ptp "
	"wakeup pps tpm mq integrity trace queue iosched format events pcie_bw capabilities link_layer "
	"port_type vc vtconsole mem rtc watchdog bdi";

const struct allow_row *allow_rows(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(rows);
	return rows;
}

static bool glob_char(const char **p, char c)
{
	bool hit = false;

	if (**p == '?')
		return (*p)++, c;
	if (**p != '[')
		return *(*p)++ == c;
	for ((*p)++; **p && **p != ']'; (*p)++) {
		if ((*p)[1] == '-' && (*p)[2] != ']') {
			hit |= c >= (*p)[0] && c <= (*p)[2];
			*p += 2;
		} else {
			hit |= **p == c;
		}
	}
	*p += **p == ']';
	return hit;
}

/* One word of a pattern, up to @end, against one component. */
static bool glob(const char *p, const char *end, const char *s, const char *s_end)
{
	while (p < end) {
		if (*p == '*') {
			while (p < end && *p == '*')
				p++;
			if (p == end)
				return true;
			for (; s < s_end; s++)
				if (glob(p, end, s, s_end))
					return true;
			return false;
		}
		if (s == s_end || !glob_char(&p, *s))
			return false;
		s++;
	}
	return s == s_end;
}

static bool in_words(const char *words, const char *s, const char *s_end)
{
	while (*words) {
		size_t n = strcspn(words, " ");

		if (glob(words, words + n, s, s_end))
			return true;
		words += n;
		words += strspn(words, " ");
	}
	return false;
}

enum match {
	MATCH_NONE,
	MATCH_ABOVE, /* the path is a directory on the pattern's way */
	MATCH_WHOLE,
};

static const char *after(const char *s, const char *end)
{
	return end < s + strlen(s) ? end + 1 : s + strlen(s);
}

/* A path's components against a pattern's. "**" takes any number, none too. */
static enum match match_dir(const char *p, const char *s, const char *s_end)
{
	while (*p) {
		const char *p_end = strchrnul(p, '/'), *c_end;

		if (p_end - p == 2 && p[0] == '*' && p[1] == '*') {
			const char *rest = after(p, p_end);
			enum match best = MATCH_ABOVE;

			for (; *rest && s < s_end; s = MIN(s_end, c_end + 1)) {
				c_end = memchr(s, '/', s_end - s);
				c_end = c_end ? c_end : s_end;
				if (match_dir(rest, s, s_end) == MATCH_WHOLE)
					return MATCH_WHOLE;
			}
			return *rest ? best : MATCH_WHOLE;
		}
		if (s >= s_end)
			return MATCH_ABOVE;
		c_end = memchr(s, '/', s_end - s);
		c_end = c_end ? c_end : s_end;
		if (!glob(p, p_end, s, c_end))
			return MATCH_NONE;
		p = after(p, p_end);
		s = MIN(s_end, c_end + 1);
	}
	return s >= s_end ? MATCH_WHOLE : MATCH_NONE;
}

/*
 * sys/bus/pci/devices/X/rest and its like lead to a device's directory by a link: what may be there is
 * what may be in sys/devices/X/rest.
 */
static const char *through_link(const char *path, char buf[static SRC_PATH_MAX])
{
	static const char *const ways[] = { "sys/bus/*/devices/*", "sys/class/*/*", "sys/block/*",
					    "sys/kernel/iommu_groups/*/devices/*" };

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		const char *end = *path ? path : NULL;

		for (const char *p = ways[i]; p && end; p = strchr(p + 1, '/'))
			end = strchr(end + 1, '/');
		if (!end || match_dir(ways[i], path, end) != MATCH_WHOLE)
			continue;
		snprintf(buf, SRC_PATH_MAX, "sys/devices/x%s", end);
		return buf;
	}
	return path;
}

const struct allow_row *allow_find(const char *path)
{
	char buf[SRC_PATH_MAX];
	const char *name, *dir_end, *end;

	path = through_link(path, buf);
	end = path + strlen(path);
	name = strrchr(path, '/');
	dir_end = name ? name : path;
	name = name ? name + 1 : path;
	if (in_words(never, name, end))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool here = streq(rows[i].dir, ".") ? dir_end == path :
						      match_dir(rows[i].dir, path, dir_end) == MATCH_WHOLE;

		if (here && in_words(rows[i].names, name, end))
			return &rows[i];
	}
	return NULL;
}

static bool has_barren(const char *path)
{
	const char *s = path + strlen("sys/devices/");

	if (!strstarts(path, "sys/devices/"))
		return false;
	while (*s) {
		const char *end = strchrnul(s, '/');

		if (in_words(barren, s, end))
			return true;
		s = after(s, end);
	}
	return false;
}

bool allow_below(const char *path)
{
	const char *end = path + strlen(path);

	if (has_barren(path))
		return false;
	if (strstarts(path, "sys/devices/system/") && !strstarts(path, "sys/devices/system/node"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (match_dir(rows[i].dir, path, end) != MATCH_NONE)
			return true;
	return false;
}

/*
 * Whether @path is a directory that the pattern names, or one on the way to it: sys/devices/x/net for
 * sys/devices/ ** /net/ *. What only "**" covers is not named.
 */
static bool names_directory(const char *pattern, const char *path)
{
	char part[SRC_PATH_MAX], *cut = part;

	PATHF(part, "%s", pattern);
	while (cut && !strends(part, "**")) {
		if (match_dir(part, path, path + strlen(path)) == MATCH_WHOLE)
			return true;
		cut = strrchr(part, '/');
		if (cut)
			*cut = '\0';
	}
	return false;
}

bool allow_known(const char *path)
{
	char buf[SRC_PATH_MAX];

	if (allow_find(path))
		return true;
	path = through_link(path, buf);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (names_directory(rows[i].dir, path))
			return true;
	return false;
}
