/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between explain.c, which finds the hops, and explain-text.c, which puts them into words. */
#ifndef IOMMUCTL_DIAG_EXPLAIN_GRAPH_H
#define IOMMUCTL_DIAG_EXPLAIN_GRAPH_H

#include "diag/explain.h"

enum hop_kind {
	HOP_ACS,
	HOP_BRIDGE,
	HOP_SLOT,
	HOP_VMD,
	HOP_QUIRK,
	HOP_NON_PCI,
	HOP_UNREADABLE,
	HOP_NOT_CAPTURED,
	HOP_SLEEPING,
	HOP_NOT_LISTED,
};

struct hop {
	struct device *a, *b;
	enum hop_kind kind;
	struct device *port;	/* whose state decides; NULL none */
	const char *not_listed; /* HOP_NOT_LISTED: the bridge that is missing */
};

/* What is unknown about the device's config space as a kind of hop. */
enum hop_kind unknown_kind(const struct host *h, const struct pci_info *pci);

/* "has no ACS capability", "has ACS with RR CR off", …: a port's state as the rest of a sentence. In the
 * arena. */
const char *acs_phrase(struct host *h, struct device *port);

/* The hop as the record has it. Strings are the host's. */
void hop_render(struct host *h, const struct hop *hop, struct explain_hop *ret);

/* The sentence about the whole group, what the hops leave unexplained, and what would separate the devices.
 */
const char *explain_summary(struct host *h, const struct group *g, const struct hop *hops, size_t n);
enum tri explain_complete(const struct hop *hops, size_t n);
struct rows explain_remedies(struct host *h, const struct hop *hops, size_t n);

/* What on the kernel command line makes config space a poor witness. */
void explain_warn_switches(struct host *h, struct finding *f);

/* A note that the hop's first device is apart from its second though the rule says that it should not be. */
void explain_note_apart(struct host *h, struct finding *f, const struct hop *hop);

#endif
