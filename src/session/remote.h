/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The backend that sends each operation to a session. */
#ifndef IOMMUCTL_SESSION_REMOTE_H
#define IOMMUCTL_SESSION_REMOTE_H

#include "backend/backend.h"

struct session_info {
	char version[48];
	uint32_t pid, objects;
	bool model;
	bool equal; /* its version is ours */
};

/*
 * What the session says of itself. @stop: and ends it; it is gone when this returns 0. -ENOENT there is none; -ECONNREFUSED its keeper is dead;
 * -EPROTO what answers is no keeper; -EBUSY it has no room, and did not hear it. Nothing is noted.
 */
int session_ask(struct ctx *ctx, const char *name, bool stop, struct session_info *ret);

/*
 * Connects. Operations on drivers go to the model where the session has one, else to the backend of
 * session_set_local(). Noted: no such session, a dead one, one of another version, one that is full.
 */
int session_connect(struct ctx *ctx, const char *name, struct session_info *ret_info, struct backend **ret);

/* Where operations on drivers go in a session that has no model; taken over. */
void session_set_local(struct backend *remote, struct backend *local);

#endif
