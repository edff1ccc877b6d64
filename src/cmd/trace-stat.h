/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record of trace stat, between the file that fills it and the one that prints it. */
#ifndef IOMMUCTL_CMD_TRACE_STAT_H
#define IOMMUCTL_CMD_TRACE_STAT_H

#include "out/out.h"
#include "trace/stat.h"

struct kind_row {
	const char *kind;
	struct num count, per_second;
};

struct name_row {
	const char *name;
	struct num events, per_second, maps, unmaps, invalidations, faults, requests;
};

struct size_row {
	struct num bytes, maps, unmaps;
};

struct mapping_row {
	struct num mapped_bytes, unmapped_bytes, live_bytes, live_mappings, peak_bytes, peak_ns;
	struct num lifetime_p50, lifetime_p99, lifetime_max;
	struct num early_unmaps, short_unmaps, overlaps;
	int several_domains;
};

struct inval_row {
	const char *cache, *scope;
	struct num count;
};

struct efficiency_row {
	struct num commands, waits, range_bytes, wider, percent_of_unmapped, after_map, redundant, mergeable, window_ns;
	struct rows kinds;
};

struct request_row {
	struct num requests, groups, largest_group, responses, success, invalid, failure;
	struct num p50, p99, max;
	struct num no_last, unanswered, answered_twice, unasked, out_of_order;
};

struct late_row {
	const char *device;
	struct num address;
	const char *access;
	struct num fault_line, unmap_address, unmap_size, unmap_line, after_ns;
	int certain;
};

struct object_row {
	struct num object;
	const char *devices;
	struct num maps, unmaps, mapped_bytes, unmapped_bytes, live_bytes, peak_bytes;
};

struct slice_row {
	struct num start_ns, live_bytes, maps, unmaps, invalidations, faults, requests, longest_ns;
};

struct stat_row {
	const char *file;
	struct num lines, events, undecoded, told_twice, lost, first_ns, last_ns, back_in_time;
	struct rows kinds;
	const struct mapping_row *mapping;
	struct rows sizes;
	const struct efficiency_row *invalidation;
	const struct request_row *page_requests;
	struct rows use_after_unmap;
	struct num n_use_after_unmap;
	struct rows objects, devices, domains, tasks, series;
};

/* The row as text for people: only what there is to say. */
void trace_stat_print(struct out *o, const struct stat_row *r);

#endif
