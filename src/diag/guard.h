/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What would this machine lose if the device left its driver? The verdict is the first of these that holds:
 *
 *	loss	something that the machine uses comes over the device, or giving it away would take others along
 *	unknown	nothing of that is certain, and a fact that decides is missing: in a container the truth is
 *		elsewhere, or a file cannot be read
 *	safe	nothing was found
 *
 * Who acts treats unknown as loss.
 */
#ifndef IOMMUCTL_DIAG_GUARD_H
#define IOMMUCTL_DIAG_GUARD_H

#include "diag/finding.h"
#include "host/host.h"

struct guard_facts;

/*
 * The facts about the machine as a whole: mounts, swap areas, namespaces, routes. In the host's arena, never NULL.
 * @ssh_connection is the variable SSH_CONNECTION of the one who asks, NULL: on this machine the processes that
 * called us are asked.
 */
struct guard_facts *guard_facts_read(struct host *h, const char *ssh_connection);

struct guard {
	const char *verdict;
	const char *summary; /* one sentence */
	struct rows reasons; /* of struct reason */
	int missing;	     /* what made something unknown: -EACCES before anything else; 0 nothing */
};

/*
 * Pure: facts in, judgement out. @with are the devices that move together (@d among them or not): they are no loss to
 * each other.
 */
void device_guard(struct guard_facts *f, struct device *d, struct device *const *with, size_t n_with,
		  struct guard *ret);

#endif
