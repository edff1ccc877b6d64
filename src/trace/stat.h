/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a trace says in numbers, gathered in one pass and constant memory (but for what live mappings and open page
 * requests need).
 *
 * map and unmap events carry neither device nor domain, and domains use the same addresses: sums over all domains hold, what
 * would need to know the domain is bounded or unknown, never guessed (fields say which). A trace that was recorded with domains
 * (HAS_DOMAIN_OBJECT) tells them apart.
 */
#ifndef IOMMUCTL_TRACE_STAT_H
#define IOMMUCTL_TRACE_STAT_H

#include "base/vec.h"
#include "trace/event.h"

/* Events counted under a name: of a device, a task, a domain. */
struct stat_name {
	char name[48]; /* cut when longer */
	uint64_t count, maps, unmaps, invals, faults, requests;
};

/* A histogram of powers of two: [i] counts values from 2^i up to the next. */
#define STAT_LOG2 64

/* Latencies with 32 steps to each power of two: 3% off at most. */
#define STAT_STEPS 32
struct stat_latency {
	uint64_t n, max, min, sum;
	uint32_t counts[STAT_LOG2 * STAT_STEPS];
};

/* Takes one value in. */
void latency_add(struct stat_latency *l, uint64_t v);

/* The value that @percent of all are not above; 0 when there are none. */
uint64_t latency_percentile(const struct stat_latency *l, double percent);

/* One slice of time. Slices grow as the trace does, so that there are never more than STAT_SLICES. */
#define STAT_SLICES 512
struct stat_slice {
	uint64_t live; /* most bytes mapped at one time in it */
	uint32_t maps, unmaps, invals, faults, requests, responses;
	uint64_t latency; /* longest of the responses */
	bool has_live;
};

struct stat_place {
	uint64_t line, time_ns;
	bool has_time;
};

/* A fault on an address that had been mapped, and was unmapped not long before. */
struct stat_late_use {
	struct stat_place unmap, fault;
	uint64_t addr, unmap_addr, unmap_size, after_ns;
	bool has_after;
	char device[48];
	unsigned access;
	bool certain; /* the unmap was in the domain that the device is attached to */
};
#define STAT_LATE_USES 64

/* A domain of the kernel: what was mapped in it, and the devices that were attached to it. */
struct stat_object {
	uint32_t object;
	uint64_t maps, unmaps, mapped_bytes, unmapped_bytes, live_bytes, peak_bytes;
	uint32_t n_devices;
	char devices[84]; /* joined by ", ", as many as there is room for */
};

struct stat_inval {
	uint64_t count;		 /* commands, waits not counted */
	uint64_t waits;
	uint64_t by_kind[INVAL_MAX][EXTENT_MAX];
	uint64_t range_bytes;	 /* of IOTLB invalidations that have a range */
	uint64_t wider;		 /* IOTLB invalidations of a whole PASID, domain or unit */
	uint64_t not_present;	 /* flushes after a map, not after an unmap (caching mode) */
	uint64_t redundant;	 /* covered by an earlier one, with no map or unmap in between: at least so many */
	uint64_t mergeable;	 /* another of the same unit, domain and cache came within the window before */
};

struct stat_pages {
	uint64_t requests, responses, groups;
	uint64_t by_code[3];	   /* success, invalid, failure and others */
	uint64_t largest_group;	   /* pages */
	uint64_t no_last;	   /* groups whose last page never came */
	uint64_t unanswered;	   /* complete, and never answered */
	uint64_t answered_twice;   /* responses to a group that was answered already */
	uint64_t unasked;	   /* responses to a group that was never seen: it began before the trace did */
	uint64_t out_of_order;	   /* requests whose number is lower than one before, and responses before the last page */
	struct stat_latency latency; /* from a group's first request to its response, ns */
};

struct stat_options {
	uint64_t merge_window_ns; /* invalidations this close could have been one; default 100 us */
	uint64_t late_window_ns;  /* a fault this long after an unmap is a use after unmap; default 10 s */
};

struct trace_stat {
	struct stat_options opt;
	uint64_t events, by_kind[EVENT_MAX], faults_by_vendor[VENDOR_MAX];
	bool has_time;
	uint64_t first_ns, last_ns;
	uint64_t back_in_time; /* events older than one before them: buffers of several CPUs */

	uint64_t mapped_bytes, unmapped_bytes, short_unmaps; /* short: less was unmapped than asked for */
	uint64_t live_bytes, peak_live_bytes, live_mappings;
	uint64_t peak_ns;
	uint64_t early_unmaps; /* of what was mapped before the trace began, or in another domain at another size */
	uint64_t overlaps;     /* maps of an address that is mapped already: more than one domain is at work */
	uint64_t unnamed;      /* maps and unmaps whose domain is not known */
	uint64_t map_sizes[STAT_LOG2], unmap_sizes[STAT_LOG2];
	struct stat_latency lifetime; /* of mappings, ns */

	struct stat_inval inval;
	struct stat_pages pages;
	struct stat_slice slices[STAT_SLICES];
	uint64_t slice_ns;
	unsigned n_slices;
	struct stat_late_use late[STAT_LATE_USES];
	uint64_t n_late; /* also those beyond what is kept */
	uint64_t told_twice; /* faults of the trace that the log in it told, too: counted once */
	struct stat_state *state;
};

/* @opt may be NULL. */
struct trace_stat *stat_new(const struct stat_options *opt);
void stat_free(struct trace_stat *s);
DEFINE_CLEANUP(struct trace_stat, stat_free);

/* Takes one event in, in the order of the trace. Keeps nothing of @ev. */
void stat_add(struct trace_stat *s, const struct event *ev);

/*
 * Whether the address of this EVENT_FAULT had been unmapped not long before, as far as the last 65536 maps and unmaps
 * tell; a mapping since then makes it none. What @ev says goes into *@ret.
 */
bool stat_late_use(const struct trace_stat *s, const struct event *ev, struct stat_late_use *ret);

/* At the end: groups that are still open. */
void stat_finish(struct trace_stat *s);

/* Names by count, most first; arrays belong to @s. Further ones than STAT_NAMES are only in *ret_other. */
enum stat_by { STAT_BY_TASK, STAT_BY_DEVICE, STAT_BY_DOMAIN, STAT_BY_MAX };
#define STAT_NAMES 1024
const struct stat_name *stat_names(struct trace_stat *s, enum stat_by by, size_t *ret_n, uint64_t *ret_other);

/* Domains by their number, from 1. None when the trace has no such data. The array belongs to @s. */
const struct stat_object *stat_objects(const struct trace_stat *s, size_t *ret_n);

/* Draws the slices as an SVG of lanes: mapped bytes, invalidations, faults, request latency. */
struct strbuf;
void stat_svg(const struct trace_stat *s, const char *title, struct strbuf *b);

#endif
