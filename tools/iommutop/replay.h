/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A trace or log as a source of rates and faults, in its own time: the screen without the machine. */
#ifndef IOMMUTOP_REPLAY_H
#define IOMMUTOP_REPLAY_H

#include "counters.h"

struct replay;

/* Reads all of @file, whatever trace decode reads. Negative errno, noted; -ENODATA: nothing of it is an event. */
int replay_open(struct ctx *ctx, const char *file, struct replay **ret);
void replay_free(struct replay *r);
DEFINE_CLEANUP(struct replay, replay_free);

/*
 * Goes on to @ns after the trace's first event: what comes before is counted, and each fault is handed to @fault, which may be NULL. Never
 * goes back.
 */
void replay_advance(struct replay *r, uint64_t ns, int (*fault)(void *arg, const struct event *ev), void *arg);

/* Hands over the faults so far again. */
void replay_faults(struct replay *r, int (*fault)(void *arg, const struct event *ev), void *arg);

/* What was counted so far, of the host's units in their order. Valid until the next call. */
const struct counts *replay_counts(struct replay *r, const struct host *h);

/* "3.0 of 12.4 s"; valid until the next call. */
const char *replay_place(struct replay *r);

#endif
