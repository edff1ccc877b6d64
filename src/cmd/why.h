/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of `why` share: the record of one failure, and what the facts alone say about it. */
#ifndef IOMMUCTL_CMD_WHY_H
#define IOMMUCTL_CMD_WHY_H

#include "cmd/cmd.h"
#include "host/host.h"

struct why_row {
	const char *call, *err, *device, *task, *born_in, *meaning, *remedy, *command;
	struct num pid, group;
	struct rows chain, before, reasons;
	bool of_map; /* the reasons are map-check's, of the device */
};

/* The device, or the group, that a call was about, into @row->group. NULL: not known, or no longer there. */
struct group *why_group(struct host *h, const char *device, struct num group, struct why_row *row);

/* What keeps the group from being given away, into @row->reasons. */
void why_join_group(struct host *h, struct group *g, struct why_row *row);

/* Whether a mapping of @length bytes at @iova is refused by what is known of the device: then its reasons go into @row, and a meaning if it has none. */
bool why_join_map(struct host *h, const char *device, uint64_t iova, uint64_t length, struct why_row *row);

/* Calls that failed, seen by ptrace(2): which, on what. */
struct why_calls;

/*
 * Runs the command behind "--" to its end and keeps which of its VFIO and iommufd calls fail; *@ret_exit is its status. -EPERM and the like: it was
 * not run, and may be run otherwise. why_calls_free() in any case.
 */
int why_calls_run(struct invocation *inv, struct why_calls **ret, int *ret_exit);
void why_calls_free(struct why_calls *c);
DEFINE_CLEANUP(struct why_calls, why_calls_free);

/* How many failed. */
size_t why_calls_count(const struct why_calls *c);
/* The @i-th, from 0, with what the facts say. Strings are @c's, or the host's. */
struct why_row why_calls_row(struct why_calls *c, size_t i, struct host *h);

#endif
