/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of src/replay share. */
#ifndef IOMMUCTL_REPLAY_INTERNAL_H
#define IOMMUCTL_REPLAY_INTERNAL_H

#include "replay/replay.h"

struct replay_device {
	uint64_t key;
	uint32_t handle, queue, nested, domain;
	bool attached;
	char name[48];
};

/* A page request group. Its two columns are the layers that may tell of it: the unit's queue, and the kernel's core. */
struct replay_group {
	uint64_t key; /* device and index, + 1; 0: free */
	uint64_t line, raised_ns;
	uint32_t device, index, cookie;
	uint32_t pages[2];
	bool last[2], answered[2];
	bool open;	/* raised in full, and waits for an answer */
	bool complete;	/* its last page was raised */
	enum replay_outcome recorded, replayed;
};

struct replay_unit {
	char name[32];
	uint32_t handle, nested;
};

struct player {
	struct backend *b;
	struct replay_options opt;
	struct replay_report report;
	VEC(uint32_t) spaces; /* address spaces by domain of the trace; [0] is that of all events that name none; 0: not made yet */
	VEC(struct replay_device) devices;
	uint32_t *device_slots; /* index + 1, by key */
	size_t n_device_slots;
	VEC(struct replay_unit) units;
	struct replay_group *groups; /* open addressing */
	size_t n_groups, size_groups;
	VEC(uint32_t) made; /* objects, in the order in which they were made */
	VEC(uint32_t) handles;
	bool has_start, finished;
	uint64_t first_ns, start_ns;
	uint32_t stage; /* address space of all selftest devices; 0: not made yet */
	char *buf; /* for what a fault queue gives */
};

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t replay_now(void);

/* The address space of a domain, made when it is not there yet. */
int space_of(struct player *r, uint32_t domain, uint32_t *ret);

/*
 * An open selftest device with a nested page table; with a fault queue, unless @ret_queue is NULL. Selftest devices translate only
 * addresses below 2 GiB, so none of them is in an address space that the trace's maps go to.
 */
int make_device(struct player *r, const char *name, uint32_t *ret_handle, uint32_t *ret_nested, uint32_t *ret_queue);
int make_nested(struct player *r, uint32_t handle, uint32_t queue, uint32_t *ret_nested);

/* Which device an event is about, made when it is new. */
int device_of(struct player *r, const struct event *ev, uint32_t *ret);

/* Plays a page request, and what the trace says was answered to one. */
int replay_request(struct player *r, const struct event *ev);
int replay_response(struct player *r, const struct event *ev);
/* Answers all that is pending of a device, or of all (UINT32_MAX): *ret_n how many. */
int replay_drain(struct player *r, uint32_t device, uint64_t *ret_n);
/* Counts what became of every group. */
void replay_count_groups(struct player *r);

#endif
