/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is this machine fit to give devices away? What is wrong, what is worth knowing, each with evidence and
 * remedy. A machine is ill only of what keeps devices from being given away, or what the user should know before
 * it happens to him; the rest are notes.
 */
#ifndef IOMMUCTL_DIAG_DOCTOR_H
#define IOMMUCTL_DIAG_DOCTOR_H

#include "diag/finding.h"
#include "host/host.h"

struct diagnosis {
	const char *verdict;  /* "well", "ill", "unknown": nothing wrong was seen, but what decides could not be looked up */
	const char *headline; /* one sentence: what the machine has */
	struct num problems, warnings;
	struct rows reasons; /* of struct reason: problems first, then unknown, warnings, notes */
	int missing;	     /* why something is unknown: -EACCES before anything else; 0 nothing is */
};

/* Pure: facts in, judgement out. Strings are in the host's arena. The host is loaded with HOST_ALL. */
void doctor_examine(struct host *h, struct diagnosis *ret);

#endif
