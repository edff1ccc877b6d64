/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine-wide switches: what the command line, the kernel's configuration, module parameters and
 * the interrupt chips say about giving devices away. Facts with their evidence; no judgement.
 */
#ifndef IOMMUCTL_HOST_SWITCHES_H
#define IOMMUCTL_HOST_SWITCHES_H

#include "host/host.h"
#include "out/record.h"

/*
 * One switch: the answer, and what says so. @file is the path on that machine, with its leading slash,
 * NULL when nothing was found to look at; @value is what was read there (cut to the part that decides).
 * When @is is unknown, @why says so in words ("not captured", "no file says it").
 */
struct fact {
	enum tri is;
	const char *file, *value;
	const char *why;
};

/* One word of the kernel command line: NAME or NAME=VALUE, quotes taken out. */
struct boot_param {
	const char *name;  /* '-' is written as '_', as the kernel compares them */
	const char *value; /* NULL: no '=' */
};

/* The kernel's configuration options that we ask for, by name below. */
enum kconfig_option {
	CONFIG_IOMMUFD,
	CONFIG_IOMMUFD_VFIO_CONTAINER,
	CONFIG_VFIO,
	CONFIG_VFIO_GROUP,
	CONFIG_VFIO_CONTAINER,
	CONFIG_VFIO_IOMMU_TYPE1,
	CONFIG_VFIO_DEVICE_CDEV,
	CONFIG_VFIO_NOIOMMU,
	CONFIG_VFIO_PCI,
	CONFIG_INTEL_IOMMU,
	CONFIG_INTEL_IOMMU_DEFAULT_ON,
	CONFIG_INTEL_IOMMU_SCALABLE_MODE_DEFAULT_ON,
	CONFIG_AMD_IOMMU,
	CONFIG_ARM_SMMU_V3,
	CONFIG_VIRTIO_IOMMU,
	CONFIG_IRQ_REMAP,
	CONFIG_IOMMU_DEFAULT_PASSTHROUGH,
	CONFIG_IOMMU_DEFAULT_DMA_STRICT,
	CONFIG_DEBUG_TEST_DRIVER_REMOVE,
	CONFIG_MAX_,
};

struct switches {
	/*
	 * Interrupts of devices are isolated from each other, now, machine-wide. On x86 this is yes only when the
	 * interrupt chips carry the IR- prefix, which the kernel gives to a chip that sits on a remapping
	 * domain; a DMAR table that offers remapping proves nothing. On Arm, chips of a GICv3 ITS.
	 */
	struct fact isolated_msi;
	/* allow_unsafe_interrupts of the two modules; no when the module is not there */
	struct fact iommufd_unsafe_interrupts, type1_unsafe_interrupts;
	struct fact has_iommufd;      /* /dev/iommu can be opened now: driver loaded */
	struct fact has_cdev;	      /* VFIO offers /dev/vfio/devices/vfioX */
	struct fact has_legacy_group; /* VFIO offers /dev/vfio/GROUP */
	struct fact has_legacy_container; /* /dev/vfio/vfio is there: SET_CONTAINER, SET_IOMMU */
	struct fact noiommu;	      /* enable_unsafe_noiommu_mode is on */
	struct fact vfio_pci;	      /* the vfio-pci driver is loaded */
	struct fact acs_override;     /* pcie_acs_override= on the command line (out-of-tree patch) */
	struct fact acs_redir_off;    /* pci=disable_acs_redir= or pci=config_acs= on the command line */
	struct fact passthrough;      /* identity domains by default, as far as the command line and the configuration tell */
	struct fact strict;	      /* invalidations at once; no: lazy flush queue */
	struct fact test_driver_remove; /* CONFIG_DEBUG_TEST_DRIVER_REMOVE (alone it proves nothing) */
	struct fact panic_on_warn;
	struct fact tainted;
	const char *lockdown;	      /* "none", "integrity", "confidentiality"; NULL unknown or no such file */
	int lockdown_err;
	struct num taint;	      /* the mask */

	/* the command line; cmdline_err says why it is unknown */
	const char *cmdline;
	int cmdline_err;
	struct boot_param *params;
	size_t n_params;

	/* kernel configuration: y, m, n, or 0 for an option that the file does not mention. config_err says why
	 * there is none (-ENOENT: neither /proc/config.gz nor /boot/config-RELEASE) */
	char config[CONFIG_MAX_];
	const char *config_file;
	int config_err;
};

/* Read once; never NULL. Reads some dozen files. */
const struct switches *host_switches(struct host *h);

/* Whether the option is known to be off: not set, or not even mentioned in a configuration that could be read. */
bool kconfig_is_off(const struct switches *sw, enum kconfig_option o);

/*
 * Whether this kernel counts the owners of a group (5.19 and later). Before, viability had other rules: see
 * diag/viability. Dear (BTF or the symbol table), so asked only when it matters. Probed, never by version;
 * @ret_why, if not NULL, is set to what told (a path) or why it is unknown.
 */
enum tri host_kernel_has_ownership(struct host *h, const char **ret_why);

/* "CONFIG_IOMMUFD". */
const char *kconfig_name(enum kconfig_option o);

/*
 * The value of the last NAME= on the command line ("" for NAME alone); NULL when it is not there. Later ones
 * win, as in the kernel.
 */
const char *boot_param(const struct switches *sw, const char *name);

/*
 * Looks through every NAME= of the command line for a comma-separated word that begins with @word ("pt",
 * "disable_acs_redir="). The last one, in the arena of the machine; NULL none.
 */
const char *boot_param_word(const struct switches *sw, const char *name, const char *word);

/* Fills in @sw->config from the text of a configuration file. Pure. */
void kconfig_parse(struct switches *sw, const char *text);

/* Splits a command line as the kernel does (lib/cmdline.c, next_arg(): double quotes only). Pure. */
size_t cmdline_parse(struct arena *a, const char *cmdline, struct boot_param **ret);

#endif
