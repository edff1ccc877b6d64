/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest needs that is to get these devices: which physical IOMMU each sits behind, how many page tables and virtual IOMMUs that
 * makes, what has to come along, and the arguments for who runs the guest. The verdict is the first of these that holds:
 *
 *	blocked, in-use, nothing-to-give	of one of the groups, as group_check() with after_bind
 *	refused		the machine would lose something with a device that has to leave its driver: device_guard()
 *	too-many	there are more devices than buses of the guest
 *	unknown		a fact that decides is missing
 *	needs-bind	it works once the steps are done
 *	ready		it works now
 *
 * Which page tables units share is by the rules of the drivers of 7.2, and a guess until a kernel was asked.
 */
#ifndef IOMMUCTL_DIAG_GUEST_PLAN_H
#define IOMMUCTL_DIAG_GUEST_PLAN_H

#include "diag/finding.h"
#include "diag/guard.h"
#include "host/host.h"

/* One physical IOMMU. Rendered as it is, like all of these. */
struct guest_unit {
	const char *unit, *kind;
	struct strs devices; /* those of the guest behind it */
	int nests;	     /* enum tri: stage 1 can be the guest's own */
	const char *nests_by; /* "hwpt", "viommu"; NULL: nothing */
	const char *viommu;   /* type of its viommu object; NULL: its driver has none */
	struct num address_bits;
	struct strs page_sizes;
	int coherent; /* enum tri: reads page tables through the caches */
	int snoops;   /* enum tri: can enforce coherent DMA */
	const char *table; /* that its devices are attached to: struct guest_table */
	const char *why;   /* what is known of it, one sentence */
};

struct guest_device {
	const char *device, *name, *driver;
	struct num group;
	const char *unit;
	int asked;   /* enum tri: no: it comes along, being in the group of one that was asked for */
	int leaves;  /* enum tri: has to leave its driver */
	const char *guard, *guard_why; /* of those that leave; NULL others */
	int managed_rebinds; /* enum tri: libvirt would rebind it with managed='yes' */
	const char *table;
};

/* A page table that every unit in the list uses. */
struct guest_table {
	const char *table;
	const char *made_for; /* unit */
	struct strs units;
	int nest_parent; /* enum tri */
	struct num address_bits;
	struct strs page_sizes;
	int certain; /* enum tri: no: whether it is shared as said is a guess */
};

/* A table, and a unit that it was not made for, in the order in which one would try. */
struct guest_fit {
	const char *table, *unit;
	int fits;	  /* enum tri */
	const char *code; /* "page-sizes"; NULL: it fits */
	const char *why;
};

/* One way of giving the guest IOMMUs. */
struct guest_layout {
	const char *layout; /* "none", "per-iommu", "shared" */
	int chosen;	    /* enum tri */
	int possible;	    /* enum tri */
	struct num guest_iommus, viommus;
	struct num broadcast; /* physical IOMMUs that an invalidation goes to which names no device */
	const char *text;
};

struct guest_plan {
	const char *verdict, *summary;
	const char *machine, *layout, *guest_iommu; /* QEMU's "q35", "intel-iommu"; guest_iommu NULL: none */
	const char *interface;			    /* "iommufd", "legacy" */
	struct num viommus;
	struct rows units, devices, tables, fits, layouts; /* of the structs above */
	struct rows steps, reasons;
	struct strs qemu; /* arguments, one string each */
	const char *qemu_version;
	const char *libvirt; /* a piece of domain XML */
	const char *libvirt_version;
	int missing; /* what made something unknown: -EACCES before anything else; 0 nothing */
};

extern const struct record_type guest_unit_record, guest_device_record, guest_table_record, guest_fit_record, guest_layout_record;

struct guest_question {
	struct device **devices; /* each once, each in a group */
	const bool *ours; /* which of them this batch or session has open: it is not in its own way; NULL: none */
	size_t n;
	const char *machine; /* "q35", "virt", "pc"; NULL: what suits the units */
	const char *layout;  /* NULL: what suits them */
	struct guard_facts *guard;
	bool tried; /* the kernel is asked as well: guesses need no note */
};

/* Pure: facts in, judgement out. Strings are in the host's arena. */
void guest_plan(struct host *h, const struct guest_question *q, struct guest_plan *ret);

#endif
