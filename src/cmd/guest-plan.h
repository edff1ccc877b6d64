/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan --verify: what the kernel, or the model, says to a guest's page tables. */
#ifndef IOMMUCTL_CMD_GUEST_PLAN_H
#define IOMMUCTL_CMD_GUEST_PLAN_H

#include "cmd/cmd.h"
#include "diag/guest-plan.h"

/* One thing that was tried. Rendered as it is. */
struct guest_trial {
	const char *device, *what; /* "open", "attach", "alloc" */
	const char *table;	   /* name of the hwpt; NULL: it was not made */
	int done;		   /* enum tri */
	const char *error;	   /* "EINVAL"; NULL: done */
	const char *text;	   /* one sentence; NULL: nothing to add */
};

extern const struct record_type guest_trial_record;

struct guest_verified {
	struct rows trials;
	struct num tables; /* that the devices came to be on */
	int as_planned;	   /* enum tri; unknown: not all could be tried */
	int err;	   /* what kept one from being tried, or from any table; 0 nothing */
	bool refused;	   /* the kernel takes some device on no table at all */
};

/*
 * Opens the devices that are not open, attaches each to every page table there is, in turn, and allocates one for it when none is taken;
 * then takes all of that back. Devices that are attached stay as they are. An exit code: what could not be begun at all, noted.
 */
int guest_verify(struct invocation *inv, struct host *h, const struct guest_question *q, const struct guest_plan *plan,
		 struct guest_verified *ret);

#endif
