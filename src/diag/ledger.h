/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ledger of a trace: who took a use or a claim of a group, who gave it back, what remains. A device has one driver at a
 * time, and is bound to one iommufd at a time, so a second use of the same device while the first is still out means that the first will never
 * come back: that entry is surplus.
 */
#ifndef IOMMUCTL_DIAG_LEDGER_H
#define IOMMUCTL_DIAG_LEDGER_H

#include "base/arena.h"
#include "kmem/probes.h"

struct ledger_entry {
	const struct probe_event *event;
	bool surplus; /* taken, never given back, and taken again on top */
};

/* One device, or a group as such (claims by a VFIO container). */
struct account {
	struct num group;
	const char *device; /* NULL: the group as such */
	struct ledger_entry *entries; /* in the order of time */
	size_t n;
	size_t taken, refused; /* refused: the kernel said no */
	size_t given_back, given_before; /* given_before: given back, but taken before the trace began */
	size_t remains;	       /* taken in the trace and not given back in it */
	size_t surplus;	       /* of those, entries that are surplus */
};

struct ledger {
	struct account *v; /* in the order of the first event */
	size_t n;
	size_t surplus; /* of all */
};

/* Pure. Everything is in @a, and points into @log. */
void ledger_make(struct arena *a, const struct probe_log *log, struct ledger *ret);

#endif
