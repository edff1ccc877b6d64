/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the statistics keep while a trace goes by. */
#ifndef IOMMUCTL_TRACE_STAT_INTERNAL_H
#define IOMMUCTL_TRACE_STAT_INTERNAL_H

#include "trace/stat.h"

/* Live mappings by their start, open addressing. */
struct mapping {
	uint64_t key; /* address >> 12, + 1; 0: free */
	uint64_t size, time_ns;
	uint32_t times; /* mapped so often at this address: several domains */
	uint32_t domain; /* number of the kernel's domain, 0 unknown */
};

struct mapping_table {
	struct mapping *v;
	size_t n, size; /* a power of two */
};

/* What was mapped and unmapped of late, for questions that are asked seldom. */
struct recent {
	uint64_t addr, end; /* inclusive */
	uint64_t time_ns, line;
	uint32_t domain;
	bool is_map, has_time;
};
#define RECENT (1U << 16)

/* Invalidations of late, for redundancy. */
struct recent_inval {
	uint64_t addr, end;
	uint64_t seq; /* of maps and unmaps, when it came */
	uint64_t key;
};
#define RECENT_INVALS 16

struct merge_slot {
	uint64_t key, time_ns;
};
#define MERGE_SLOTS 256

struct name_table {
	struct stat_name *v;
	uint32_t n, slots[STAT_NAMES * 4]; /* index + 1 */
	uint64_t other;
	struct stat_name *last;
	size_t last_n;
};

/* A group as seen in the unit's queue [0] and in the kernel's core [1]: a trace may have either, or both. */
struct page_group {
	uint64_t key; /* source, PASID-less, group index; + 1, 0: free */
	uint64_t first_ns;
	uint32_t pages[2];
	bool has_time, last[2], answered[2];
};

struct page_table {
	struct page_group *v;
	size_t n, size;
};

struct object_table {
	struct stat_object *v;
	size_t n, cap;
};

/* What a device is attached to. */
struct stat_attached {
	char device[48];
	size_t n;
	uint32_t object;
};

/* Faults of the trace that its log may tell once more. */
#define TRACED_FAULTS 64
struct traced_fault {
	uint64_t addr, time_ns;
	char device[48];
	size_t n;
	bool known, has_time;
};

struct stat_state {
	struct object_table objects;
	VEC(struct stat_attached) attached;
	struct mapping_table mappings;
	struct recent *recent;
	uint64_t recent_n; /* maps and unmaps so far */
	struct recent_inval invals[RECENT_INVALS];
	uint64_t n_invals;
	struct merge_slot merges[MERGE_SLOTS];
	struct name_table names[STAT_BY_MAX];
	struct stat_name *domain; /* of the last event that had one, NULL none */
	uint32_t domain_id;
	size_t domain_unit_n;
	char domain_unit[24];
	struct page_table groups;
	uint64_t last_seq;
	bool has_seq;
	uint64_t late_page; /* of the last late use looked for */
	struct traced_fault traced[TRACED_FAULTS];
	uint64_t n_traced;
};

/* Counts the name, which is copied; NULL: the table is full, and it is counted as one of the others. */
struct stat_name *name_count(struct name_table *t, struct slice s);
/* The slice of time that the event is in. */
struct stat_slice *stat_slice_at(struct trace_stat *s, const struct event *ev);

/* NULL: not known. */
struct stat_object *stat_object_of(struct trace_stat *s, const struct event *ev);
uint32_t stat_object_of_device(const struct trace_stat *s, const struct event *ev);

/* Each takes an event of its kind in; stat_finish_pages() at the end what is still mapped. */
void stat_attach(struct trace_stat *s, const struct event *ev);
void stat_map(struct trace_stat *s, const struct event *ev);
void stat_unmap(struct trace_stat *s, const struct event *ev);
void stat_fault(struct trace_stat *s, const struct event *ev);
/* Whether this fault was counted already, as the trace's own event. */
bool stat_told_twice(struct trace_stat *s, const struct event *ev);
void stat_invalidate(struct trace_stat *s, const struct event *ev);
void stat_request(struct trace_stat *s, const struct event *ev);
void stat_response(struct trace_stat *s, const struct event *ev);
void stat_finish_pages(struct trace_stat *s);

static inline uint64_t mix(uint64_t x)
{
	x *= 0x9e3779b97f4a7c15ULL;
	return x ^ x >> 32;
}

static inline unsigned log2_of(uint64_t v)
{
	return v ? 63 - (unsigned)__builtin_clzll(v) : 0;
}

#endif
