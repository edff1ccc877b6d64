/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stream ids: what requests of a device carry at an Arm SMMU, and whose id it is that a fault names. Firmware says how they are made from
 * PCI requester ids: iommu-map and iommu-map-mask of the root complex's node in the devicetree (of_map_id() in drivers/of/base.c), id mappings
 * of its node in the IORT (Arm DEN 0049; iort_id_map() in drivers/acpi/arm64/iort.c). Other devices have theirs in iommus, or in a named component.
 */
#ifndef IOMMUCTL_HOST_STREAMS_H
#define IOMMUCTL_HOST_STREAMS_H

#include "host/host.h"
#include "out/record.h"

/* One range of ids of a root complex, or of a device that is not PCI, and where it goes. */
struct stream_map {
	const char *owner;    /* "pcie@10000000", "root complex at 0xa0 of the IORT" */
	const char *root_bus; /* "pci0000:00"; NULL: any of the segment, or no PCI */
	bool is_pci;
	struct device *device; /* the owner, when it is no root complex and the machine has it */
	uint32_t segment;
	uint32_t first, last; /* requester ids under @mask, inclusive; of what is not PCI 0 to the number of ids less one */
	uint32_t mask;
	uint32_t output; /* the id that @first becomes */
	bool single;	 /* all become @output */
	struct unit *unit; /* NULL: it leads to one that the kernel does not drive */
	const char *file; /* what says so: "/sys/firmware/…" */
};

struct streams {
	const struct stream_map *maps;
	size_t n;
	int tree_err, iort_err; /* 0: read; -ENOENT: the machine has none, or it maps no ids; else why it, or a part, could not be read */
};

/* Read once, never NULL. A map that makes no sense is left out, with a warning that names the place. */
const struct streams *host_streams(struct host *h);

/* 0 when devicetree or IORT was read whole; else why not: -EACCES and -ENOTCAPTURED before -ENOENT. */
int streams_err(const struct streams *s);

/* An id that a device's requests carry. */
struct stream_id {
	uint32_t id;
	const char *requester; /* "0000:04:00.0": whose requester id it is made from; NULL: not PCI */
	struct device *bridge; /* that puts its own requester id on the device's requests; NULL: the device itself */
	const struct stream_map *map;
	struct strs shared; /* other devices whose requests carry the same */
};

struct device_streams {
	const struct stream_id *v;
	size_t n;
	bool known;    /* what firmware says could be read; with n == 0: it gives the device none */
	bool complete; /* known, and the type of every bridge above could be seen */
	int err;       /* why nothing is known */
};

/* Made anew by each call; arrays in the host's arena. */
struct device_streams device_streams(struct host *h, struct device *d);

/* Who sends with an id. */
struct stream_sender {
	struct device *device; /* NULL: the machine lists none with that requester id */
	bool has_addr;
	struct pci_addr addr; /* the requester id, as an address */
	const struct stream_map *map;
};

/*
 * @u NULL: any unit, as long as one map alone has the id. -ENOENT: no map has it, or several have; else streams_err(). A function that
 * has the id by itself comes before one that would have it if it were there.
 */
int stream_find(struct host *h, const struct unit *u, uint32_t id, struct stream_sender *ret);

#endif
