/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A layer over a backend that gives objects names, remembers what hangs on what, and sees to it that every page request is
 * answered. Batch, shell and a session's keeper each have one. It adds the operations of the last section of backend/op.h;
 * all others it hands on, with its tables kept up.
 *
 * Names: a creating operation's `name` is taken as it is (-EEXIST while it is live, -EINVAL when it is none); empty, it is made up
 * and comes back in the operation: ioas1, hwpt1, dev1, ... and auto1 for what an attach makes. A made-up name is never used twice.
 *
 * Page requests: the workspace alone reads fault queues. A group waits until somebody takes it, and then for its answer; what is
 * neither taken nor answered in time, and what was taken by a client that died, is answered invalid.
 */
#ifndef IOMMUCTL_BACKEND_WORKSPACE_H
#define IOMMUCTL_BACKEND_WORKSPACE_H

#include "backend/backend.h"

/* How long a page request group may go without an answer, unless its queue says otherwise. */
#define WORKSPACE_HOLD_MS 30000

/* What op_fact asks: a backend knows no facts, a keeper may. */
struct workspace_facts {
	int (*answer)(void *arg, struct op_fact *op, struct op_data *d);
	void *arg;
};

/* Takes @inner over, also when it fails. @facts NULL: it has none. -ENOMEM. */
int workspace_new(struct backend *inner, const struct workspace_facts *facts, struct backend **ret);

/*
 * For a keeper. @client is whoever asks from now on; 0, as at first, is the process itself, and only for that one
 * a fault_take waits: everybody else gets -EAGAIN at once, and the keeper asks again when workspace_tick() has run.
 */
void workspace_set_client(struct backend *b, uint32_t client);

/*
 * Reads all fault queues and answers what is overdue. Returns the milliseconds until the next group is overdue, -1: none waits.
 */
int workspace_tick(struct backend *b);

/* What @client took and did not answer is answered invalid; @clean: it said good-bye, and what it took may be answered by another. */
void workspace_client_gone(struct backend *b, uint32_t client, bool clean);

/*
 * Descriptors that poll readable when a fault queue has something, at most @cap of them; how many there are. *@ret_blind: a
 * queue of a backend without such descriptors is there.
 */
size_t workspace_queue_fds(struct backend *b, int *fds, size_t cap, bool *ret_blind);

/* How many objects are live, devices included. */
size_t workspace_count(struct backend *b);

/* [A-Za-z][A-Za-z0-9_-]{0,31} */
bool workspace_good_name(const char *s);

/* "ioas"; never NULL. */
const char *op_kind_name(uint32_t kind);

#endif
