/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which devices are to be on which driver after every boot: one file a device in /etc/iommuctl/bindings.d.
 *
 *	# written by iommuctl; a line is NAME=VALUE
 *	path=0000:00/03.0/00.0
 *	id=8086:10d3
 *	driver=vfio-pci
 *	was=e1000e
 *
 * path: the place: domain and bus of the host bridge, then device.function of each bridge on the way down, and of the device. Bus numbers below
 * the host bridge are counted anew at every boot and move when a card is put in; these do not. Where a controller makes a root bus of
 * its own (VMD), the word "pci". id: vendor and device that sat there: another card in that place is not the one that was meant. driver: where it goes;
 * none: off its driver. was: where it was; none. All four are there, once, and nothing else is: what is in here is written to sysfs, as root.
 */
#ifndef IOMMUCTL_HOST_BINDINGS_H
#define IOMMUCTL_HOST_BINDINGS_H

#include "host/host.h"

#define BINDINGS_DIR "etc/iommuctl/bindings.d"

struct binding {
	const char *file; /* its name in the folder; NULL not from there */
	const char *chain;
	uint16_t vendor, device;
	const char *driver, *was; /* NULL none */
};

struct bindings {
	struct binding *v; /* by name of the file */
	size_t n;
};

/* -EBADMSG with *@ret_why, one sentence in the arena or static: it is not such a file. Pure. */
int binding_parse(struct arena *a, const char *text, size_t len, struct binding *ret, const char **ret_why);

/* The text of the file, and its name; in the arena. */
const char *binding_text(struct arena *a, const struct binding *b);
const char *binding_file(struct arena *a, const char *chain);

/*
 * All files of the folder; in the host's arena. What is no such file is left out with a warning that names it. 0 and none where there is no
 * folder; else why it could not be listed.
 */
int host_bindings(struct host *h, struct bindings *ret);

/* The place of a PCI device as in a file. -EOPNOTSUPP: not PCI; -ENODATA: its directory is not known. In the arena. */
int device_chain(struct host *h, struct device *d, const char **ret);

/* What sits in the place, whatever its ids; NULL nothing does. */
struct device *binding_place(struct host *h, const struct binding *b);

bool binding_is(const struct binding *b, const struct device *d); /* by ids */

#endif
