/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of map_check() share. Nobody else's. */
#ifndef IOMMUCTL_DIAG_MAPCHECK_FACTS_H
#define IOMMUCTL_DIAG_MAPCHECK_FACTS_H

#include "diag/mapcheck.h"

struct mapping {
	struct host *h;
	struct group *g;
	const struct map_question *q;
	struct finding out;
	uint64_t page;	   /* of what is asked about: the unit's, or the smallest that any has */
	bool page_known;
	uint64_t last;	   /* of the range; only where it does not wrap */
	uint64_t fits_to;  /* addresses up to here can be mapped for certain, as far as the unit goes */
	uint64_t never_from; /* addresses from here on cannot; 0: none that is known */
	bool aperture_known; /* fits_to is */
	int missing;
};

/* Adds a reason against it, or a fact that is missing, with its text. */
struct reason *mapping_refuse(struct mapping *m, const char *code, const char *fmt, ...) _printf_(3, 4);
struct reason *mapping_unknown(struct mapping *m, const char *code, int err, const char *fmt, ...) _printf_(4, 5);
struct reason *mapping_note(struct mapping *m, const char *code, const char *fmt, ...) _printf_(3, 4);

/* "0x… to 0x…" */
const char *mapping_range(struct mapping *m, uint64_t start, uint64_t end);

/* mapcheck-limit.c: locked memory. */
void mapping_limit(struct mapping *m);

#endif
