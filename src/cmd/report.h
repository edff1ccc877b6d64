/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page of a report: what a maintainer wants to see first, as text to be mailed. */
#ifndef IOMMUCTL_CMD_REPORT_H
#define IOMMUCTL_CMD_REPORT_H

#include "cmd/cmd.h"
#include "host/host.h"

struct report {
	const char *file; /* the archive's name */
	const char *note; /* NULL none */
	struct group **groups; /* in question */
	size_t n;
	bool chosen; /* by the user; else by what is odd about them */
};

/* Groups that look as if they were what this is about: given away, owned oddly, or with a device that was taken off its driver. At most 6. */
void report_choose_groups(struct host *h, struct report *r);

/* Writes the page to @f. Strings come from @h alone. */
void report_page(struct host *h, const struct report *r, FILE *f);

#endif
