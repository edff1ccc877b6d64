/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine's sysfs tree, built in a temporary directory from a compact description, to be opened as a
 *source. Whatever goes wrong while building aborts the test program.
 *
 *	struct machine m;
 *	static const struct machine_pci v[] = {
 *		{ "0000:00:03.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 1, .driver =
 *"pcieport" }, { "0000:00:03.0/0000:01:00.0", .group = 2, .driver = "e1000e" },
 *	};
 *	machine_new(&m);
 *	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
 *		machine_pci(&m, &v[i]);
 *	machine_load(&m);
 *	… m.host …
 *	machine_free(&m);
 */
#ifndef IOMMUCTL_TESTS_MACHINE_H
#define IOMMUCTL_TESTS_MACHINE_H

#include "host/host.h"
#include "host/pci.h"

struct machine {
	char *dir; /* the root: holds sys/ and proc/ */
	bool keep; /* machine_free() leaves it */
	struct ctx ctx;
	struct source *src; /* after machine_load() */
	struct host *host;
};

/* capability << 16 | control; 0: no ACS capability */
#define MACHINE_ACS(cap, ctrl) (0x80000000u | (uint32_t)(cap) << 16 | (ctrl))
#define MACHINE_ACS_ON	       MACHINE_ACS(0x1d, 0x1d)

/* For group: in none. */
#define MACHINE_NO_GROUP (-1)

struct machine_pci {
	/* the way down from the root bus: "0000:00:03.0/0000:01:00.0". The root bus is made from the first
	 * address; another one can be named in between ("0000:00:0e.0/pci10000:e0/10000:e0:06.0") */
	const char *path;
	int group;
	const char *driver;  /* NULL none */
	enum pcie_type type; /* 0 is an endpoint; PCIE_NONE conventional PCI */
	bool bridge;	     /* header type 1: for PCIE_NONE; the port and bridge types are bridges anyway */
	bool multi;	     /* the multifunction bit */
	uint32_t acs;	     /* MACHINE_ACS() */
	uint32_t class;	     /* 0: 0x060400 for bridges, else 0x020000 */
	uint16_t vendor, device; /* 0: 8086:10d3 */
	uint8_t secondary;	 /* of a bridge */
	size_t config;		 /* bytes of the config file: 0 means 4096, or 256 for conventional PCI */
	bool no_config;		 /* there is no such file */
};

/* What the function's config space reads as, 4096 bytes into @buf. */
void machine_config(const struct machine_pci *p, uint8_t buf[static 4096]);

void machine_new(struct machine *m);

/* The same in the directory given, which stays behind after machine_free(). */
void machine_new_at(struct machine *m, const char *dir);
void machine_pci(struct machine *m, const struct machine_pci *p);

/* A device of another bus: "platform", "sys/devices/platform/x" is its directory. */
void machine_other(struct machine *m, const char *bus, const char *name, const char *path, int group,
		   const char *driver);

/* A unit in sys/class/iommu with an empty intel-iommu/ beside its devices/. */
void machine_unit(struct machine *m, const char *name);

/* Files and links below the root, directories made as needed; an existing one is replaced. */
void machine_write(struct machine *m, const char *path, const void *data, size_t len);
void machine_file(struct machine *m, const char *path, const char *fmt, ...) _printf_(3, 4);
void machine_link(struct machine *m, const char *path, const char *target);
void machine_remove(struct machine *m, const char *path);

/* The .watch_nodes of a played kernel, which makes no nodes. */
struct backend;
int machine_no_nodes(struct backend *b);

/* Opens the tree and loads everything; again after a change. */
void machine_load(struct machine *m);

/* The device at that address; it must be there. */
struct device *machine_dev(struct machine *m, const char *addr);

/* Removes the tree and frees the rest. */
void machine_free(struct machine *m);

#endif
