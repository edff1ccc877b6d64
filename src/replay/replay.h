/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plays a trace into a backend: devices become selftest devices, each with a nested page table and a fault queue of its own; maps and
 * unmaps go to an address space for each domain; page requests are raised, read from the queue, and answered by the policy;
 * invalidations go to a nested page table for each unit. What the backend does with it is the report.
 */
#ifndef IOMMUCTL_REPLAY_REPLAY_H
#define IOMMUCTL_REPLAY_REPLAY_H

#include <signal.h>

#include "backend/backend.h"
#include "trace/stat.h"

enum replay_policy { REPLAY_SUCCESS, REPLAY_INVALID, REPLAY_AS_RECORDED };

struct replay_options {
	enum replay_policy policy;
	double speed;	  /* of the trace's own time; 0: as fast as it goes */
	bool shared;	  /* a guest with one virtual IOMMU over all units */
	unsigned units;	  /* of the machine; 0: those of the trace */
	bool session;	  /* the backend reads fault queues itself: ask it for copies */
	struct backend *model; /* of which page requests can be raised that are not the last; NULL: the selftest's own */
	const volatile sig_atomic_t *stop; /* NULL: nothing does */
};

/* What became of a page request group. */
enum replay_outcome {
	OUTCOME_NONE,	 /* nobody answered */
	OUTCOME_SUCCESS,
	OUTCOME_INVALID,
	OUTCOME_FAILURE, /* recorded only: user space has no such answer */
	OUTCOME_REFUSED, /* the core answered invalid by itself: nobody takes the device's requests */
	OUTCOME_MAX
};

/* "none", "success", "invalid", "failure", "refused". */
const char *replay_outcome_name(enum replay_outcome o);

/* A group whose answer was another one than the recorded. */
struct replay_difference {
	uint64_t line; /* of its first request */
	uint32_t group;
	enum replay_outcome recorded, replayed;
	char device[48];
};
#define REPLAY_DIFFERENCES 64

/* Operations of one sort, and why those that failed did. */
struct replay_ops {
	uint64_t done, failed;
	int err; /* positive errno of the first failure */
	uint64_t err_line;
};

struct replay_report {
	uint64_t events, devices, domains, attaches, detaches;
	struct replay_ops maps, unmaps, invalidations;
	uint64_t requests, groups, incomplete; /* incomplete: their last page never came */
	uint64_t recorded[OUTCOME_MAX], replayed[OUTCOME_MAX];
	uint64_t drained;    /* pending groups that were answered because their device was detached or moved */
	uint64_t lost;	     /* complete groups that were neither answered nor refused, nor are pending: must be 0 */
	uint64_t overdue;    /* pending at the end of the trace; answered invalid then */
	uint64_t folded;     /* requests that had to be raised as the last of their group, though they were not */
	uint64_t differences;
	struct replay_difference v[REPLAY_DIFFERENCES];
	struct stat_latency latency; /* from raising to answering, ns, as it took here */
	uint64_t units, placed, unplaced, broadcasts; /* invalidations that name a device, those that do not, and what these cost a shared one more */
	uint64_t live_bytes; /* left behind */
	uint64_t not_cleaned;	/* objects that could not be destroyed */
};

struct player;

/* @b stays the caller's. */
struct player *player_new(struct backend *b, const struct replay_options *opt);
/* Destroys what it made. */
void player_free(struct player *r);
DEFINE_CLEANUP(struct player, player_free);

/*
 * One event. 0; -EINTR: stopped; -E2BIG: more devices, units or domains than any machine has; or the errno of a step without which nothing
 * can go on: making a device or its page tables, whose name is *ret_what then (static).
 */
int player_event(struct player *r, const struct event *ev, const char **ret_what);

/* At the end: what is pending is answered, what was made is destroyed. The report is valid until player_free(). */
const struct replay_report *player_finish(struct player *r);

#endif
