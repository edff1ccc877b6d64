/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a surplus comes from, and what helps. For leak.c; nobody else's. */
#ifndef IOMMUCTL_DIAG_LEAK_CURE_H
#define IOMMUCTL_DIAG_LEAK_CURE_H

#include "diag/leak.h"

/* Adds the cause of a surplus as far as it is known, and the cure under its conditions. */
void leak_say_cause(struct finding *f, struct host *h, struct ownership *o, const struct group *g,
		    const struct leak *l);

#endif
