// SPDX-License-Identifier: GPL-2.0-or-later
/* Is there an IOMMU, is it on, and if not: is it the firmware, the command line, or the kernel's build? */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "diag/doctor-facts.h"
#include "host/ungrouped.h"

#define TABLES "/sys/firmware/acpi/tables"

/* What the machine would need, by the table that the firmware has. */
struct way {
	enum acpi_table_id table;
	const char *name;     /* what people call it */
	const char *param;    /* of the command line, that turns it on and off */
	enum kconfig_option driver;
};

static const struct way ways[] = {
	{ ACPI_DMAR, "VT-d", "intel_iommu", CONFIG_INTEL_IOMMU },
	{ ACPI_IVRS, "AMD-Vi", "amd_iommu", CONFIG_AMD_IOMMU },
	{ ACPI_IORT, "SMMU", NULL, CONFIG_ARM_SMMU_V3 },
	{ ACPI_VIOT, "virtio-iommu", NULL, CONFIG_VIRTIO_IOMMU },
};

/* There, whether we may read it or not. */
static bool has_table(const struct exam *e, enum acpi_table_id t)
{
	int err = e->acpi->tables[t].err;

	return !err || err == -EACCES || err == -EPERM || err == -EBADMSG || err == -EFBIG;
}

static const char *table_file(const struct exam *e, enum acpi_table_id t)
{
	return arena_printf(&e->h->arena, TABLES "/%s", acpi_table_name(t));
}

static const struct way *way_of_machine(const struct exam *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (has_table(e, ways[i].table))
			return &ways[i];
	return NULL;
}

/* The last parameter that turned it off: iommu=off, intel_iommu=off, amd_iommu=off; NULL none. */
static const char *turned_off_by(const struct exam *e, const struct way *w)
{
	const char *off = NULL;

	for (size_t i = 0; i < e->sw->n_params; i++) {
		const char *name = e->sw->params[i].name, *value = e->sw->params[i].value;
		bool general = streq(name, "iommu"), own = w && w->param && streq(name, w->param);

		if (!value || (!general && !own))
			continue;
		if (streq(value, "off") || strstarts(value, "off,"))
			off = arena_printf(&e->h->arena, "%s=%s", name, value);
		else if (own && (streq(value, "on") || strstarts(value, "on,")))
			off = off && strstarts(off, name) ? NULL : off;
	}
	return off;
}

static bool turned_on(const struct exam *e, const struct way *w)
{
	return w->param && boot_param_word(e->sw, w->param, "on");
}

static void say_off_by_command_line(struct exam *e, const char *param)
{
	exam_say(e, SEVERITY_PROBLEM, "off-by-command-line", &(struct fact){ .file = "/proc/cmdline", .value = param },
		 "The IOMMU was turned off on the kernel command line.");
	finding_remedy(&e->f, false, NULL, "Take %s off the kernel command line (GRUB_CMDLINE_LINUX in /etc/default/grub, then "
		       "update-grub) and boot again.", param);
}

static void say_no_driver(struct exam *e, const struct way *w)
{
	exam_say(e, SEVERITY_PROBLEM, "driver-not-built",
		 &(struct fact){ .file = e->sw->config_file, .value = kconfig_name(w->driver) },
		 "The firmware describes an IOMMU (%s), but this kernel is built without its driver.", w->name);
	finding_remedy(&e->f, false, NULL, "Use a kernel with %s.", kconfig_name(w->driver));
}

static void say_off_by_default(struct exam *e, const struct way *w)
{
	exam_say(e, SEVERITY_PROBLEM, "off-by-default",
		 e->sw->config_err ? &(struct fact){ .file = "/proc/cmdline", .value = e->sw->cmdline } :
				     &(struct fact){ .file = e->sw->config_file,
						     .value = "# CONFIG_INTEL_IOMMU_DEFAULT_ON is not set" },
		 "The firmware describes an IOMMU (%s), and the kernel leaves it off unless it is told to use it.", w->name);
	finding_remedy(&e->f, false, NULL, "Add %s=on to the kernel command line (GRUB_CMDLINE_LINUX in /etc/default/grub, then "
		       "update-grub) and boot again.", w->param);
}

static void say_not_started(struct exam *e, const struct way *w)
{
	exam_say(e, SEVERITY_PROBLEM, "not-started",
		 &(struct fact){ .file = table_file(e, w->table), .value = "there" },
		 "The firmware describes an IOMMU (%s) and nothing turns it off, yet the kernel drives none.", w->name);
	finding_remedy(&e->f, false, "dmesg | grep -iE 'dmar|iommu|smmu|amd-vi'", "See what the kernel said at boot");
}

static void say_no_firmware(struct exam *e)
{
	static const char *const switches[] = {
		[CPU_INTEL] = "VT-d (Intel Virtualization Technology for Directed I/O)",
		[CPU_AMD] = "IOMMU (AMD-Vi), next to SVM",
		[CPU_OTHER] = "IOMMU or SMMU",
	};
	const struct fact tables = { .file = TABLES, .value = "neither DMAR nor IVRS, IORT, VIOT" };

	exam_say(e, SEVERITY_PROBLEM, "off-in-firmware", &tables,
		 e->is_guest ? "This is a virtual machine without a virtual IOMMU: its firmware describes none." :
			       "The firmware describes no IOMMU: it is switched off in the firmware's setup, or the machine has none.");
	if (e->is_guest)
		finding_remedy(&e->f, false, NULL, "Give the virtual machine an IOMMU on its host (QEMU: -device intel-iommu, amd-iommu or "
			       "virtio-iommu-pci; libvirt: <iommu model='intel'/>).");
	else
		finding_remedy(&e->f, false, NULL, "Enter the firmware's setup, switch on %s, save, and boot again.",
			       switches[e->vendor]);
}

/* Machines without ACPI describe their IOMMUs in a devicetree, which is not read here. */
static bool has_devicetree(const struct exam *e)
{
	return !source_exists(e->h->src, "sys/firmware/acpi/tables") && source_exists(e->h->src, "sys/firmware/devicetree/base");
}

static void say_devicetree(struct exam *e)
{
	exam_say(e, SEVERITY_PROBLEM, "no-iommu", &(struct fact){ .file = "/sys/class/iommu", .value = "empty" },
		 "The kernel drives no IOMMU. This machine is described by a devicetree: either that names none, or this kernel has no "
		 "driver for it.");
	finding_remedy(&e->f, false, "find /sys/firmware/devicetree/base -iname '*iommu*' -o -iname '*smmu*'",
		       "See whether the devicetree names one");
}

/* No unit is there: the first cause that is certain is the one to mend. */
static void explain_absence(struct exam *e)
{
	const struct way *w = way_of_machine(e);
	const char *off = turned_off_by(e, w);

	if (off)
		return say_off_by_command_line(e, off);
	if (!w && e->acpi->tables[ACPI_DMAR].err == -ENOTCAPTURED) {
		exam_missing(e, -ENOTCAPTURED);
		exam_say(e, SEVERITY_UNKNOWN, "no-iommu", &(struct fact){ .file = "/sys/class/iommu", .value = "empty" },
			 "The kernel drives no IOMMU; why cannot be told, since the firmware's tables were not captured.");
		return;
	}
	if (!w)
		return has_devicetree(e) ? say_devicetree(e) : say_no_firmware(e);
	if (kconfig_is_off(e->sw, w->driver))
		return say_no_driver(e, w);
	if (w->table == ACPI_DMAR && !turned_on(e, w) && !e->sw->cmdline_err &&
	    (e->sw->config_err || kconfig_is_off(e->sw, CONFIG_INTEL_IOMMU_DEFAULT_ON)))
		return say_off_by_default(e, w);
	say_not_started(e, w);
}

static void say_no_groups(struct exam *e)
{
	if (e->h->groups_err && e->h->groups_err != -ENOENT) {
		exam_missing(e, e->h->groups_err);
		exam_say(e, SEVERITY_UNKNOWN, "no-groups",
			 &(struct fact){ .file = "/sys/kernel/iommu_groups", .value = err_text(e->h->groups_err) },
			 "There are IOMMU units, but groups could not be listed.");
		return;
	}
	exam_say(e, SEVERITY_PROBLEM, "no-groups", &(struct fact){ .file = "/sys/kernel/iommu_groups", .value = "empty" },
		 "There are IOMMU units, but no device is in a group: nothing is behind them.");
	finding_remedy(&e->f, false, "dmesg | grep -iE 'dmar|iommu|smmu|amd-vi'", "See what the kernel said at boot");
}

/* One device of a stream id that another one has: it has to be told apart from those that are meant to be without an IOMMU. */
static void say_shares_stream(struct exam *e, const struct device *d, const char *why)
{
	exam_say(e, SEVERITY_WARNING, "stream-taken",
		 &(struct fact){ .file = arena_printf(&e->h->arena, "/sys/bus/pci/devices/%s/iommu_group", d->name), .value = "not there" },
		 "%s is in no IOMMU group: %s. The kernel expects its DMA not to work, and it cannot be given away.", d->name, why);
	finding_remedy(&e->f, false, NULL, "Put %s into a slot that is not behind a conventional bridge with another device.", d->name);
}

/* Devices that no IOMMU stands before though others of the machine have one. */
static void examine_ungrouped(struct exam *e)
{
	const struct device *first = NULL;
	const char *why, *why_first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < e->h->n_devices; i++) {
		struct device *d = &e->h->devices[i];
		enum ungrouped u = d->is_pci ? device_ungrouped(e->h, d, &why) : UNGROUPED_NOT;

		if (u == UNGROUPED_SHARES_STREAM)
			say_shares_stream(e, d, why);
		if (u != UNGROUPED_BYPASS)
			continue;
		if (!first) {
			first = d;
			why_first = why;
		}
		n++;
	}
	if (n)
		exam_say(e, SEVERITY_NOTE, "bypasses",
			 &(struct fact){ .file = arena_printf(&e->h->arena, "/sys/bus/pci/devices/%s/iommu_group", first->name),
					 .value = "not there" },
			 "%zu device%s in no IOMMU group (%s%s): %s. What is there reaches all memory, and cannot be given away.", n,
			 n == 1 ? " is" : "s are", first->name, n == 1 ? "" : " first", why_first);
}

/* Groups are made for units alone: where there is one, an IOMMU is on, whatever else could not be read. */
static void say_units_unknown(struct exam *e, int err)
{
	struct fact unseen = { .file = "/sys/class/iommu", .value = err_text(err) };

	exam_missing(e, err);
	if (e->n_groups)
		exam_say(e, SEVERITY_UNKNOWN, "units-unseen", &unseen,
			 "An IOMMU is on, since there %s %zu group%s. Which units it has, and whether they are well, cannot be told.",
			 e->n_groups == 1 ? "is" : "are", e->n_groups, e->n_groups == 1 ? "" : "s");
	else
		exam_say(e, SEVERITY_UNKNOWN, "no-iommu", &unseen, "Whether an IOMMU is on cannot be told.");
}

void examine_iommu(struct exam *e)
{
	int err = e->h->units_err;

	if (err && err != -ENOENT && err != -ENOTDIR)
		return say_units_unknown(e, err);
	if (!e->n_units)
		return explain_absence(e);
	if (!e->n_groups)
		return say_no_groups(e);
	exam_say(e, SEVERITY_NOTE, "iommu-on", &(struct fact){ .file = "/sys/class/iommu", .value = e->h->units[0].name },
		 "The IOMMU is on: %zu unit%s, %zu group%s.", e->n_units, e->n_units == 1 ? "" : "s", e->n_groups,
		 e->n_groups == 1 ? "" : "s");
	examine_ungrouped(e);
}
