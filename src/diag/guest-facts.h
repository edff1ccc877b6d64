/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the guest plan share. Nobody else's. */
#ifndef IOMMUCTL_DIAG_GUEST_FACTS_H
#define IOMMUCTL_DIAG_GUEST_FACTS_H

#include "diag/guest-plan.h"
#include "host/vtd-tables.h"

/* A unit of the plan; @facts NULL: devices whose unit no file tells. */
struct planned_unit {
	struct unit *facts;
	const char *name;
	enum unit_kind kind;
	bool known; /* its registers */
	struct vtd_unit vtd;
	enum tri nests, coherent, snoops;
	unsigned width;	     /* 0 unknown */
	uint64_t page_sizes; /* 0 unknown */
	size_t table;	     /* index */
	struct device **devices;
	size_t n;
};

struct planned_table {
	const char *name;
	struct planned_unit *unit; /* made for */
	bool first_stage_only; /* VT-d: no parent; what a plain allocation makes */
	struct vtd_table vtd;
	enum tri nest_parent;
	bool guess;
};

enum guest_iommu { GUEST_IOMMU_NONE, GUEST_IOMMU_INTEL, GUEST_IOMMU_SMMUV3, GUEST_IOMMU_VIRTIO };

struct planning {
	struct host *h;
	struct arena *a;
	const struct guest_question *q;
	struct guest_plan *plan;
	struct finding out;
	struct planned_unit *units;
	size_t n_units;
	struct planned_table *tables;
	size_t n_tables;
	VEC(struct guest_fit) fits;
	VEC(struct guest_device) devices;
	VEC(struct device *) moving; /* of each of them */
	const char *machine;
	bool legacy; /* no iommufd on this kernel */
	enum guest_iommu iommu;
	bool nested; /* the guest's IOMMU uses the hardware's stages */
	unsigned missing_facts;
};

/* guest-tables.c: units, and which tables they share. */
void guest_find_units(struct planning *p);
void guest_share_tables(struct planning *p);

/* guest-groups.c: what comes along, what the guard says; the verdict so far. */
void guest_judge_groups(struct planning *p);

/* guest-layout.c: which IOMMU the guest gets. */
void guest_choose_layout(struct planning *p);

/* guest-args.c: what to tell QEMU and libvirt. -ENOSPC: more buses than a guest has. */
int guest_arguments(struct planning *p);

#endif
