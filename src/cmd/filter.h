/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The filters that group list and device list have in common. */
#ifndef IOMMUCTL_CMD_FILTER_H
#define IOMMUCTL_CMD_FILTER_H

#include "cmd/cmd.h"
#include "host/host.h"

/* For the option rows. */
#define FILTER_CLASS                                                                                         \
	{ .name = "class", .arg = "WORD", .help = "only devices of this class", .complete = COMPLETE_WORDS, \
	  .words = class_words }
#define FILTER_DRIVER                                                                                   \
	{ .name = "driver", .arg = "NAME", .help = "only devices on this driver; \"none\": on no driver", \
	  .complete = COMPLETE_DRIVER }
#define FILTER_UNIT                                                                              \
	{ .name = "unit", .arg = "NAME", .help = "only devices behind this IOMMU unit", \
	  .complete = COMPLETE_UNIT }
#define FILTER_VIABLE { .name = "viable", .help = "only groups that the kernel would give away now" }
#define FILTER_NOT_VIABLE { .name = "not-viable", .help = "only groups that it would not give away now" }

extern const char *const class_words[];

struct filter {
	const char *class, *driver; /* NULL: any */
	const struct unit *unit;
	bool viable, not_viable;
};

/* Reads the options of the invocation. -ENOENT, noted: there is no such unit. -EINVAL: both --viable and --not-viable. */
int filter_read(const struct invocation *inv, const struct host *h, struct filter *ret);

/* Whether the device passes class, driver and unit. */
bool filter_device(const struct filter *f, const struct device *d);

/* Whether a group with this answer (enum tri) passes. */
bool filter_viable(const struct filter *f, int viable);

/* Says in a warning that the machine has no groups at all, when that is so. */
void warn_no_groups(struct host *h);

#endif
