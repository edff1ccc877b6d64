/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What viability.c found out about a group, for the sentences of viability-text.c. Nobody else's. */
#ifndef IOMMUCTL_DIAG_VIABILITY_FACTS_H
#define IOMMUCTL_DIAG_VIABILITY_FACTS_H

#include "host/drivers.h"
#include "diag/leak.h"
#include "diag/viability.h"
#include "host/holders.h"
#include "host/switches.h"

struct member {
	struct device *d;
	enum driver_use use;
	enum tri offends; /* keeps the group from being viable */
	enum tri bridge;
	bool can_give;
	struct device *maker; /* device_made_by() */
};

/* Groups that no IOMMU made. */
enum odd_group { ODD_NONE, ODD_NOIOMMU, ODD_MDEV, ODD_MOCK };

struct assessment {
	struct host *h;
	const struct question *q;
	enum odd_group odd;
	struct member *members;
	size_t n;
	size_t offenders, unsure;	/* in the group: certain ones, and those that may be */
	size_t can_give, on_vfio, give_unsure; /* of what was asked about */
	size_t no_bus;	/* and of that, what is on a bus that is not known */
	bool asked_rules;
	enum tri ownership; /* the kernel has the rules of 5.19; if asked_rules */
	const char *ownership_why;
	const struct switches *sw;
	enum tri direct, no_msi, not_coherent; /* yes: blocked */
	enum tri waived; /* isolated interrupts are missing and not asked for */
	struct device *incoherent;
	const char *coherency_file;
	const struct member *made; /* what was asked about, and goes when its maker leaves its driver; NULL */
	bool vfs; /* after binds: all that could be given has virtual functions, and cannot be bound */
	struct holder_list holders;
	struct ownership *counts; /* the kernel's own counts, where it mattered to look and they could be read; NULL */
	struct leak leak;	  /* if counts */
};

/* The sentences: summary, offenders, steps and reasons for the verdict that is in @ret already. */
void viability_describe(const struct assessment *a, struct viability *ret);

#endif
