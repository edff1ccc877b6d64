/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The word that was probably meant. */
#ifndef IOMMUCTL_CMD_SUGGEST_H
#define IOMMUCTL_CMD_SUGGEST_H

#include "base/util.h"

/* Keeps the candidate that is nearest to @word. Start from { .word = w }. */
struct suggestion {
	const char *word, *best;
	unsigned distance;
};

/* Looks at one more candidate, which is not copied. */
void suggest(struct suggestion *s, const char *candidate);

/* The best one, NULL when none is near enough to be offered. */
const char *suggestion_best(const struct suggestion *s);

#endif
