// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel offers to give devices away with, and what its safety switches say. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "diag/doctor-facts.h"
#include "host/units.h"
#include "source/probes.h"

/* -- iommufd and VFIO ------------------------------------------------------------------------------------ */

static bool is_module(const struct exam *e, enum kconfig_option o)
{
	return !e->sw->config_err && e->sw->config[o] == 'm';
}

/* What this kernel's iommufd has not got of what came after its first version, in words. */
static void say_lacking(struct exam *e)
{
	static const char *const words[PROBE_IOCTL_MAX] = {
		[PROBE_HWPT_ALLOC] = "page tables of one's own",
		[PROBE_GET_HW_INFO] = "what an IOMMU can do",
		[PROBE_HWPT_SET_DIRTY_TRACKING] = "dirty tracking",
		[PROBE_HWPT_INVALIDATE] = "invalidation of nested page tables",
		[PROBE_FAULT_QUEUE_ALLOC] = "page requests",
		[PROBE_IOAS_MAP_FILE] = "mapping of files",
		[PROBE_VIOMMU_ALLOC] = "virtual IOMMUs",
		[PROBE_VEVENTQ_ALLOC] = "events of virtual IOMMUs",
		[PROBE_HW_QUEUE_ALLOC] = "hardware queues of virtual IOMMUs",
	};
	struct strbuf b = { 0 };
	struct probes p;

	if (source_probes(e->h->src, e->h->ctx, &e->h->arena, &p) < 0)
		return;
	for (size_t i = 0; i < PROBE_IOCTL_MAX; i++)
		if (words[i] && p.iommufd[i] == TRI_NO)
			strbuf_printf(&b, "%s%s (Linux %s)", b.len ? ", " : "", words[i], probe_ioctl_since(i));
	if (b.len)
		exam_say(e, SEVERITY_NOTE, "iommufd-lacks", &e->sw->has_iommufd,
			 "This kernel's iommufd does not have what came later: %s.", strbuf_str(&b));
	strbuf_free(&b);
}

static void examine_iommufd(struct exam *e)
{
	if (e->sw->has_iommufd.is == TRI_YES) {
		exam_say(e, SEVERITY_NOTE, "iommufd", &e->sw->has_iommufd, "iommufd is there%s.",
			 e->sw->has_cdev.is == TRI_YES ? ", and VFIO has a node for each device" : "");
		if (e->sw->has_cdev.is == TRI_NO)
			exam_say(e, SEVERITY_NOTE, "no-cdev", &e->sw->has_cdev,
				 "VFIO has no node for each device (CONFIG_VFIO_DEVICE_CDEV): programs that bind devices to iommufd "
				 "themselves will not find /dev/vfio/devices.");
		say_lacking(e);
		return;
	}
	if (is_module(e, CONFIG_IOMMUFD)) {
		exam_say(e, SEVERITY_NOTE, "iommufd-not-loaded",
			 &(struct fact){ .file = e->sw->config_file, .value = "CONFIG_IOMMUFD=m" },
			 "iommufd is a module that is not loaded yet.");
		finding_remedy(&e->f, false, "modprobe iommufd", "Load it");
	} else if (kconfig_is_off(e->sw, CONFIG_VFIO) && e->sw->has_iommufd.is == TRI_NO) {
		return; /* there is a problem with VFIO then, and that is enough */
	} else if (kconfig_is_off(e->sw, CONFIG_IOMMUFD)) {
		exam_say(e, SEVERITY_NOTE, "no-iommufd",
			 &(struct fact){ .file = e->sw->config_file, .value = "CONFIG_IOMMUFD is not set" },
			 "This kernel is built without iommufd: the older way, VFIO by group and container, is the only one.");
		finding_remedy(&e->f, false, NULL, "Programs that want /dev/iommu need a kernel with CONFIG_IOMMUFD and "
			       "CONFIG_VFIO_DEVICE_CDEV.");
	} else if (e->sw->has_iommufd.is == TRI_NO) {
		exam_say(e, SEVERITY_NOTE, "no-iommufd", &e->sw->has_iommufd,
			 "iommufd is not there; whether this kernel could have it cannot be told, since its configuration could not be "
			 "read.");
	}
}

static void say_no_vfio(struct exam *e)
{
	exam_say(e, SEVERITY_PROBLEM, "no-vfio",
		 &(struct fact){ .file = e->sw->config_file, .value = "CONFIG_VFIO is not set" },
		 "This kernel is built without VFIO: it cannot give any device away.");
	finding_remedy(&e->f, false, NULL, "Use a kernel with CONFIG_VFIO and CONFIG_VFIO_PCI.");
}

static void say_not_loaded(struct exam *e)
{
	exam_say(e, SEVERITY_NOTE, "vfio-not-loaded", &e->sw->vfio_pci,
		 "The driver vfio-pci is not loaded yet; the kernel has it as a module.");
	finding_remedy(&e->f, false, "modprobe vfio-pci", "Load it");
}

static void examine_vfio(struct exam *e)
{
	if (kconfig_is_off(e->sw, CONFIG_VFIO) && e->sw->vfio_pci.is != TRI_YES)
		return say_no_vfio(e);
	if (e->sw->vfio_pci.is == TRI_NO) {
		if (is_module(e, CONFIG_VFIO_PCI))
			return say_not_loaded(e);
		if (kconfig_is_off(e->sw, CONFIG_VFIO_PCI)) {
			exam_say(e, SEVERITY_WARNING, "no-vfio-pci",
				 &(struct fact){ .file = e->sw->config_file, .value = "CONFIG_VFIO_PCI is not set" },
				 "This kernel is built without vfio-pci: no PCI device can be given away.");
			finding_remedy(&e->f, false, NULL, "Use a kernel with CONFIG_VFIO_PCI.");
			return;
		}
		exam_say(e, SEVERITY_NOTE, "vfio-not-loaded", &e->sw->vfio_pci, "The driver vfio-pci is not loaded.");
		finding_remedy(&e->f, false, "modprobe vfio-pci", "Load it, if this kernel has it");
	}
	if (e->sw->vfio_pci.is == TRI_YES && e->sw->has_iommufd.is == TRI_NO && !is_module(e, CONFIG_IOMMUFD) &&
	    e->sw->has_legacy_group.is == TRI_NO)
		exam_say(e, SEVERITY_PROBLEM, "no-way-in", &e->sw->has_legacy_group,
			 "There is neither iommufd nor VFIO by group: no program can take a device.");
}

/* -- interrupts ------------------------------------------------------------------------------------------- */

static const char *intremap_off(const struct exam *e)
{
	const char *v = boot_param(e->sw, "intremap");

	if (v && (streq(v, "off") || strstarts(v, "off,")))
		return "intremap=off";
	return boot_param(e->sw, "nointremap") ? "nointremap" : NULL;
}

/* A VT-d unit that cannot remap keeps all from it (dmar_ir_support()). */
static const char *unit_without_remapping(struct exam *e)
{
	for (size_t i = 0; i < e->h->n_units; i++) {
		const struct unit_info *u = unit_info(e->h, &e->h->units[i]);

		if (e->h->units[i].kind == UNIT_VTD && u->ecap.known && !(u->ecap.v >> 3 & 1))
			return e->h->units[i].name;
	}
	return NULL;
}

static bool only_virtio(const struct exam *e)
{
	for (size_t i = 0; i < e->h->n_units; i++)
		if (e->h->units[i].kind != UNIT_VIRTIO && e->h->units[i].kind != UNIT_MOCK)
			return false;
	return true;
}

/* The cause, where it can be known, and what mends it. */
static void remedy_remapping(struct exam *e)
{
	const char *off = intremap_off(e), *unit = unit_without_remapping(e);

	if (off)
		finding_remedy(&e->f, false, NULL, "Take %s off the kernel command line and boot again.", off);
	else if (only_virtio(e))
		finding_remedy(&e->f, false, NULL, "virtio-iommu does not remap interrupts on x86: give the virtual machine an "
			       "intel-iommu with intremap=on instead.");
	else if (unit && e->is_guest)
		finding_remedy(&e->f, false, NULL, "Give the virtual machine's IOMMU interrupt remapping on its host (QEMU: intremap=on, with "
			       "kernel-irqchip=split).");
	else if (unit)
		finding_remedy(&e->f, false, NULL, "%s has no interrupt remapping in hardware: only another machine mends it.", unit);
	else if (!e->acpi->tables[ACPI_DMAR].err && !(e->acpi->dmar_flags & DMAR_INTR_REMAP))
		finding_remedy(&e->f, false, NULL, "The firmware does not offer it (DMAR flag INTR_REMAP is clear): look for interrupt "
			       "remapping or x2APIC in its setup, or for a newer firmware.");
	else
		finding_remedy(&e->f, false, "dmesg | grep -iE 'remap|x2apic'", "See why the kernel did not turn it on");
	finding_remedy(&e->f, true,
		       e->sw->has_iommufd.is == TRI_YES ? "echo Y > /sys/module/iommufd/parameters/allow_unsafe_interrupts" :
							  "echo Y > /sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts",
		       "Give devices away all the same: whoever gets one can then send any interrupt to the host");
}

static void examine_interrupts(struct exam *e)
{
	const struct fact *unsafe = e->sw->iommufd_unsafe_interrupts.is == TRI_YES ? &e->sw->iommufd_unsafe_interrupts :
				    e->sw->type1_unsafe_interrupts.is == TRI_YES ? &e->sw->type1_unsafe_interrupts :
										       NULL;

	if (e->n_units && e->sw->isolated_msi.is == TRI_NO) {
		exam_say(e, unsafe ? SEVERITY_WARNING : SEVERITY_PROBLEM, "interrupts-not-isolated", &e->sw->isolated_msi,
			 "Interrupts of devices are not isolated: interrupt remapping is off. %s",
			 unsafe ? "Devices can be given away only because unsafe interrupts are allowed." :
				  "VFIO and iommufd refuse to give devices away (EPERM).");
		remedy_remapping(e);
	}
	if (e->n_units && e->sw->isolated_msi.is == TRI_YES)
		exam_say(e, SEVERITY_NOTE, "interrupts-isolated", &e->sw->isolated_msi, "Interrupts of devices are isolated.");
	if (e->n_units && e->sw->isolated_msi.is == TRI_UNKNOWN)
		exam_say(e, SEVERITY_NOTE, "interrupts-unknown", &e->sw->isolated_msi,
			 "Whether interrupts of devices are isolated cannot be told.");
	if (unsafe) {
		exam_say(e, SEVERITY_WARNING, "unsafe-interrupts", unsafe,
			 "Unsafe interrupts are allowed: whoever gets a device may send any interrupt to the host%s.",
			 e->sw->isolated_msi.is == TRI_YES ? ", though nothing on this machine needs it" : "");
		finding_remedy(&e->f, false, arena_printf(&e->h->arena, "echo N > %s", unsafe->file), "Forbid them");
	}
}

/* -- no-IOMMU mode, and locked memory ------------------------------------------------------------------------- */

static void examine_noiommu(struct exam *e)
{
	if (e->sw->noiommu.is != TRI_YES && !e->n_noiommu)
		return;
	exam_say(e, SEVERITY_WARNING, "no-iommu-mode", e->sw->noiommu.file ? &e->sw->noiommu : NULL,
		 "VFIO's no-IOMMU mode is %s%s: devices given away that way can read and write all memory.",
		 e->sw->noiommu.is == TRI_YES ? "allowed" : "in use", e->n_noiommu && e->sw->noiommu.is == TRI_YES ? " and in use" : "");
	finding_remedy(&e->f, false, "echo N > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Forbid it");
}

/*
 * "Max locked memory  8388608  8388608  bytes": of whoever runs this, or took the snapshot. Root with CAP_IPC_LOCK has no
 * limit for VFIO, whatever this says.
 */
static void examine_memlock(struct exam *e)
{
	char buf[4096], *line, *end;
	uint64_t bytes;

	if (source_read_attr(e->h->src, "proc/self/limits", buf, sizeof(buf)) < 0)
		return;
	line = strstr(buf, "Max locked memory");
	if (!line)
		return;
	line += strlen("Max locked memory");
	line += strspn(line, " ");
	end = line + strcspn(line, " \n");
	*end = '\0';
	if (parse_u64(line, &bytes) < 0) /* "unlimited" */
		return;
	exam_say(e, SEVERITY_NOTE, "memlock",
		 &(struct fact){ .file = "/proc/self/limits", .value = arena_printf(&e->h->arena, "Max locked memory %s", line) },
		 "Programs without privilege may lock %llu KiB of memory each. A virtual machine with a device locks all its memory, and fails "
		 "with ENOMEM beyond that.", (unsigned long long)(bytes >> 10));
	finding_remedy(&e->f, false, NULL, "For the program that takes devices, raise the limit above the size of its guest: LimitMEMLOCK= in a "
		       "systemd unit, <memtune><hard_limit> in libvirt, memlock in /etc/security/limits.conf.");
}

void examine_interfaces(struct exam *e)
{
	examine_iommufd(e);
	examine_vfio(e);
	examine_interrupts(e);
	examine_noiommu(e);
	examine_memlock(e);
}
