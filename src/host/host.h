/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine as facts: units, groups, devices. host_load() reads what all commands need in few system
 * calls; everything dearer is read on first use by the functions below it and in the other headers of
 * this folder, and remembered.
 *
 * Everything points into the host's arena and lives until host_free(). What could not be read is
 * left unknown, with a warning in the context that names the place; it never makes a load fail.
 */
#ifndef IOMMUCTL_HOST_HOST_H
#define IOMMUCTL_HOST_HOST_H

#include "base/arena.h"
#include "base/ctx.h"
#include "source/source.h"

struct unit;
struct group;
struct device;
struct pci_info; /* host/pci.h */
struct devinfo;	 /* host/devinfo.h */
struct unit_info; /* host/units.h */
struct switches; /* host/switches.h */
struct acpi;	 /* host/acpi.h */
struct names;	 /* host/names.h */
struct holdings; /* host/holders.h */
struct streams;	 /* host/streams.h */
struct attached; /* host/devinfo.c */
struct unlisted; /* host/find.c */

enum unit_kind {
	UNIT_UNKNOWN,
	UNIT_VTD,
	UNIT_AMD,
	UNIT_SMMUV3,
	UNIT_SMMUV2,
	UNIT_VIRTIO,
	UNIT_MOCK, /* iommufd selftest */
	UNIT_RISCV,
	UNIT_APPLE_DART,
	UNIT_S390,
	UNIT_OTHER, /* a kind that we know by name only */
};

struct unit {
	const char *name; /* in /sys/class/iommu */
	enum unit_kind kind;
	const char *parent;	  /* name of the device it sits on ("0000:00:02.0"), NULL none */
	const char *const *members; /* names in its devices/ */
	size_t n_members;
	int members_err; /* 0, or why members could not be listed */
	struct unit_info *info_; /* host/units.h */
	bool coherent_done_;	 /* diag/coherency.h */
	enum tri coherent_;
	const char *coherent_file_;
};

/* What a reserved region means for mappings; the kernel's words in sysfs. */
enum region_type {
	REGION_DIRECT,	       /* must stay mapped 1:1 (RMRR, unity map): claims are refused */
	REGION_DIRECT_RELAXABLE, /* the same, but given up for user space */
	REGION_RESERVED,
	REGION_MSI, /* hardware or software window, the file does not tell which */
	REGION_UNKNOWN,
};

struct region {
	uint64_t start, end; /* inclusive, as in sysfs */
	enum region_type type;
	const char *word; /* as read */
};

struct group {
	uint32_t id;
	const char *name;  /* NULL none; "vfio-noiommu" marks no-iommu groups */
	const char *type;  /* of the default domain: DMA, DMA-FQ, identity, blocked, unmanaged, unknown; NULL: no
			      such file (before 5.11), or not readable: see type_err */
	int type_err;
	struct device **devices;
	size_t n_devices;
	int devices_err; /* 0: devices is the truth; else why it could not be listed */
	struct region *regions;
	size_t n_regions;
	int regions_err; /* 0: regions is the truth; -ENOENT: no such file (before 4.11) */
};

struct pci_addr {
	uint32_t domain; /* VMD domains start at 0x10000 */
	uint8_t bus, dev, fn;
};

struct device {
	const char *name; /* of the device itself, not of the link in the group */
	const char *bus;  /* "pci", "platform", "fsl-mc", "iommufd_mock"; NULL unknown */
	bool is_pci;
	struct pci_addr addr;		/* if is_pci */
	bool has_ids;			/* vendor … class below are known */
	bool has_class;			/* class is, as where has_ids; a listing may have nothing else */
	uint16_t vendor, device;
	uint16_t subvendor, subdevice;
	uint32_t class;			/* 24 bits: base, sub, interface */
	const char *driver;		/* of the driver link; NULL: none, or driver_err says why unknown */
	int driver_err;
	struct group *group; /* NULL none */
	struct unit *unit;   /* NULL none, or not known */

	bool says_driver_; /* its uevent names a driver: host/facts.c */

	/* filled on first use; call the functions of the named header instead of touching these */
	const char *path_; /* device_path() */
	int path_err_;
	bool path_done_;
	struct device *parent_; /* host/topology.h */
	bool parent_done_;
	struct device *maker_;
	bool maker_done_;
	struct pci_info *pci_; /* host/pci.h */
	struct devinfo *info_; /* host/devinfo.h */
};

struct host {
	struct ctx *ctx;
	struct source *src;
	struct arena arena;
	struct unit *units; /* natural order of names */
	size_t n_units;
	struct group *groups; /* by id */
	size_t n_groups;
	struct device *devices; /* PCI by address, then the others by bus and name */
	size_t n_devices;
	int units_err;	/* 0, or why /sys/class/iommu could not be listed */
	int groups_err; /* the same for /sys/kernel/iommu_groups */
	int devices_err;

	bool says_driver_; /* its uevent names a driver: host/facts.c */

	/* filled on first use; call the functions of the named header instead of touching these */
	struct switches *switches_; /* host/switches.h */
	struct acpi *acpi_;	    /* host/acpi.h */
	struct names *names_;	    /* host/names.h */
	struct holdings *holdings_; /* host/holders.h */
	struct streams *streams_;   /* host/streams.h */
	struct ownership *ownership_; /* diag/leak.h */
	int ownership_err_;
	bool ownership_done_;
	struct attached *attached_; /* host/devinfo.h */
	struct unlisted *unlisted_; /* host_find_device() */
};

/* What to read for all devices or groups at once. Units, group ids and membership are always read. */
enum host_want {
	HOST_IDS = 1 << 0,     /* vendor, device, class */
	HOST_DRIVERS = 1 << 1, /* driver */
	HOST_TYPES = 1 << 2,   /* group type */
	HOST_REGIONS = 1 << 3, /* group reserved regions */
	HOST_NAMES = 1 << 4,   /* group name */
	HOST_ALL = (1 << 5) - 1,
};

/* Always 0 unless @ret cannot be made; what is missing or unreadable is in the *_err fields. */
int host_load(struct ctx *ctx, struct source *src, unsigned want, struct host **ret);
void host_free(struct host *h);
DEFINE_CLEANUP(struct host, host_free);

/* NULL when there is none. */
struct unit *host_unit(const struct host *h, const char *name);
struct group *host_group(const struct host *h, uint32_t id);
struct device *host_device(const struct host *h, const char *bus, const char *name);
struct device *host_pci(const struct host *h, struct pci_addr addr);

/*
 * The device that the user means: "[dddd:]bb:dd.f", "bus/name", a bare name that is unique,
 * "net:eth0", "pci_0000_01_00_0" (libvirt), "id:10de:2204". -ENOENT none, -ENOTUNIQ several; noted with a hint.
 * "bus/name" also finds what is on a bus that no IOMMU sees ("virtio/virtio1", "usb/1-1:1.0"): such a device is not in
 * host->devices, see device_is_listed(), and has no group and no ids.
 */
int host_find_device(struct host *h, const char *spec, struct device **ret);

/* Whether it is one of host->devices. */
bool device_is_listed(const struct host *h, const struct device *d);

/* The listed device that one which is not listed sits on, at any depth: the PCI function of "virtio/virtio1". NULL none. */
struct device *device_sits_on(struct host *h, struct device *d);

/* The group that the user means: its number, or a device as above. -EINVAL, -ENOENT, noted with a hint.
 * A device without a group: -ENODEV. */
int host_find_group(struct host *h, const char *spec, struct group **ret);

/* "0000:01:00.0" and "01:00.0" (domain 0); -EINVAL for anything else. Domains up to 8 hex digits. */
int pci_addr_parse(const char *s, struct pci_addr *ret);

/* bus:dev.fn as the 16-bit requester id */
static inline uint16_t pci_addr_rid(struct pci_addr a)
{
	return a.bus << 8 | a.dev << 3 | a.fn;
}

/* Here, since sorting and finding the devices of a large machine calls it some hundred thousand times. */
static inline int pci_addr_cmp(struct pci_addr a, struct pci_addr b)
{
	uint64_t x = (uint64_t)a.domain << 16 | pci_addr_rid(a), y = (uint64_t)b.domain << 16 | pci_addr_rid(b);

	return x < y ? -1 : x > y;
}

/*
 * The device's directory, links resolved, below the source's root: "sys/devices/pci0000:00/…".
 * NULL when it cannot be known.
 */
const char *device_path(struct host *h, struct device *d);

/* "sys/bus/pci/devices/0000:01:00.0" (through the link: no extra system call); in the arena. */
const char *device_sysfs(struct host *h, const struct device *d);

/* Reads one attribute of the device in the arena: 0 or negative errno. */
int device_attr(struct host *h, struct device *d, const char *file, char **ret);

/* "Network controller"-like word of the class: network, display, storage, usb, audio, bridge, memory, processor,
 * serial, input, crypto, accelerator, other; NULL when the class is unknown. */
const char *device_class_word(const struct device *d);

/* A PCI-to-PCI bridge of any sort (class 0604), and any bridge (base class 06). */
bool device_is_pci_bridge(const struct device *d);
bool device_is_bridge(const struct device *d);

const char *unit_kind_name(enum unit_kind k); /* "vt-d", "amd-vi", "smmuv3", "virtio", … */

#endif
