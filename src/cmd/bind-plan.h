/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which devices a bind or unbind moves, and whether it may. */
#ifndef IOMMUCTL_CMD_BIND_PLAN_H
#define IOMMUCTL_CMD_BIND_PLAN_H

#include "cmd/acting.h"
#include "host/host.h"

struct bind_plan {
	struct invocation *inv;
	struct acting *a;
	struct host *h;
	struct move *v;
	struct device **devices; /* of each move */
	size_t n, cap;
	bool leave; /* off their drivers, onto none */
	size_t denied; /* refusals only for want of permission to see */
	const char *driver; /* --driver; NULL: the one that gives devices of their bus away */
};

/*
 * All of these: 0 (EXIT_DONE), or an exit code with what is wrong noted.
 * bind_plan_add(): the device, and with @group what has to move with it: the other endpoints of its group, and bridges off drivers that
 * spoil it. What is there already is in the plan as unchanged.
 */
int bind_plan_add(struct bind_plan *p, struct device *d, bool group);

/* Whether the machine can spare them, and groups are viable afterwards. --force turns refusals into warnings, but for held ones. */
int bind_plan_check(struct bind_plan *p);

/* Whether the drivers are there. Loads them unless it is a dry run. */
int bind_plan_drivers(struct bind_plan *p);

/* The same for one driver, whoever is to go to it. */
int bind_plan_driver(struct bind_plan *p, const char *bus, const char *driver);

#endif
