/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why the devices of a group share it: the kernel's own steps (pci_device_group() in drivers/iommu/iommu.c)
 * taken again on config space. The kernel decides once, when it meets the device; ACS bits that change later
 * change no group. It also knows things that config space does not show (quirks), so where the two differ the
 * kernel is right, and it is said.
 *
 * One group does not mean that its devices can reach each other, nor two groups that they cannot.
 */
#ifndef IOMMUCTL_DIAG_EXPLAIN_H
#define IOMMUCTL_DIAG_EXPLAIN_H

#include "diag/finding.h"
#include "host/host.h"
#include "host/pci.h"

/* One hop: what puts @a into the group of @b. A group of n devices has n - 1. */
struct explain_hop {
	const char *a, *b;
	/*
	 * acs-missing		a port between them and the root complex does not isolate
	 * conventional-bridge	a bridge that puts its own requester id on what is behind it
	 * multifunction	functions of one slot, without ACS between them
	 * vmd			all devices of a VMD domain do DMA in the controller's name
	 * quirk-or-alias	config space shows no reason
	 * non-pci		one of them is no PCI device
	 * unreadable, not-captured, sleeping, not-listed	what would tell cannot be read
	 */
	const char *kind;
	const char *port;	      /* the device whose state decides; NULL none */
	const char *port_type;	      /* "root port" …; NULL unknown or no port */
	struct num acs_cap, acs_ctrl; /* of the port; unknown without the capability */
	struct strs missing;	      /* ACS bits that would have to be on */
	const char *text;	      /* one or two sentences */
	const char *file;	      /* the evidence, NULL none */
};

/* One line of the picture: a device of the group, or a port on the way up from one. Parents come before
 * children. */
struct explain_node {
	const char *device;
	const char *upstream; /* the node above; NULL: on a root bus, or no PCI device */
	int parent;	      /* its index, -1 none */
	const char *root;     /* root bus: "pci0000:00"; NULL no PCI device */
	const char *bus;
	const char *type; /* "root port", "endpoint", …; NULL unknown */
	const char *acs;  /* acs_state_word() */
	struct num acs_cap, acs_ctrl;
	struct strs missing;
	int isolates; /* enum tri */
	struct num group;
	int in_group; /* enum tri: of the group explained */
	const char *driver, *name;
	const char *acs_why;   /* why acs is unknown; NULL when it is not */
	const char *acs_label; /* acs_label(); not part of the record */
};

struct explain_device {
	const char *device, *bus, *driver, *name;
};

struct explanation {
	struct num group;
	const char *summary; /* one sentence */
	int explained; /* enum tri: each hop has a reason that can be seen; unknown: something could not be
			  read */
	struct rows devices;  /* struct explain_device; the one asked about first */
	struct rows path;     /* struct explain_node */
	struct rows hops;     /* struct explain_hop, outwards from the first device */
	struct rows remedies; /* struct remedy: what would separate them; unsafe ones last */
	struct rows warnings; /* struct reason: what makes the answer doubtful, or differs from what config
				 space says */
};

extern const struct record_type explain_record;

/*
 * Explains @g; @first is the device asked about, NULL for the whole group. Reads config space of the group's
 * devices, of the bridges above them and of other functions in their slots, no more. Everything is in the
 * host's arena. Never fails: what cannot be read is in the answer.
 */
const struct explanation *explain_group(struct host *h, struct group *g, struct device *first);

/* "on", "bits-off", "absent", "never", "not-needed", "unknown": stable words for scripts. */
const char *acs_state_word(enum acs_state s);

/* Why that device's config space does not tell, in words: "needs root", "not captured", "asleep" …; NULL when
 * it does. */
const char *acs_unknown_why(const struct pci_info *pci);

/* The bits by name: "SV", "RR" …, one string each, in @a. */
struct strs acs_bit_list(struct arena *a, uint16_t bits);

/* For people: "ACS SV RR CR UF", "ACS SV UF, off RR CR", "no ACS", "ACS unknown (needs root)"; NULL where ACS
 * does not matter. In @a. */
const char *acs_label(struct arena *a, const struct pci_info *pci);

#endif
