/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The filters that group list and device list have in common. */
#ifndef IOMMUCTL_CMD_FILTER_H
#define IOMMUCTL_CMD_FILTER_H

#include "cmd/cmd.h"
#include "host/host.h"

/* For the option rows. */
#define FILTER_CLASS                                                                                         \
	{ .name = "class", .arg = "WORD", .help = "only devices of these classes, several by commas", \
	  .complete = COMPLETE_WORDS, .words = class_words, .list = true }
#define FILTER_DRIVER                                                                                   \
	{ .name = "driver", .arg = "NAME", .help = "only devices on these drivers, several by commas; \"none\": on no driver", \
	  .complete = COMPLETE_DRIVER, .words = no_driver_words, .list = true }
#define FILTER_UNIT                                                                              \
	{ .name = "unit", .arg = "NAME", .help = "only devices behind these IOMMU units, several by commas", \
	  .complete = COMPLETE_UNIT, .list = true }
#define FILTER_VIABLE { .name = "viable", .help = "only groups that the kernel would give away now" }
#define FILTER_NOT_VIABLE { .name = "not-viable", .help = "only groups that it would not give away now" }

extern const char *const class_words[], *const no_driver_words[];

struct filter {
	const char *class, *driver, *unit; /* by commas; NULL: any */
	bool viable, not_viable;
};

/* Reads the options of the invocation. -ENOENT, noted: there is no such unit, among those that are named. -EINVAL: both --viable and --not-viable. */
int filter_read(const struct invocation *inv, const struct host *h, struct filter *ret);

/* Whether the device passes class, driver and unit. */
bool filter_device(const struct filter *f, const struct device *d);

/* Whether a group with this answer (enum tri) passes. */
bool filter_viable(const struct filter *f, int viable);

/* Says in a warning that the machine has no groups at all, when that is so. */
void warn_no_groups(struct host *h);

#endif
