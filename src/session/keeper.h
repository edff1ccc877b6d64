/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process that keeps a session: one thread, one poll loop. It carries out operations and knows nothing else. Peers are
 * never waited for: what they send is collected until a frame is whole, what they do not read waits in a buffer, and nobody has
 * more than one request under way.
 */
#ifndef IOMMUCTL_SESSION_KEEPER_H
#define IOMMUCTL_SESSION_KEEPER_H

#include "backend/backend.h"

/* Clients at once; more are told so. */
#define KEEPER_MAX_CLIENTS 4096
/* Bytes of all half frames and unread answers together; the client that needs more is dropped. */
#define KEEPER_MAX_BUFFERED (128U << 20)

struct keeper {
	struct backend *be; /* a workspace */
	int listener;	    /* listens, non-blocking */
	bool model;
	const volatile sig_atomic_t *stop; /* a signal wants it to end */
};

/*
 * Until somebody stops it. 0, or a negative errno when the loop itself cannot go on. Blocks nothing, closes no member. The connection of who
 * stopped it stays open: it is closed when this process ends, which is what that one waits for.
 */
int keeper_run(const struct keeper *k);

#endif
