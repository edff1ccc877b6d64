/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where sessions are: one directory a user, $IOMMUCTL_SESSION_DIR, else /run/iommuctl/sessions for root, else
 * $XDG_RUNTIME_DIR/iommuctl. In it, for each session, NAME.sock, NAME.lock, which its keeper holds locked as long as it lives, and NAME.d, the
 * journal of a model.
 */
#ifndef IOMMUCTL_SESSION_PLACE_H
#define IOMMUCTL_SESSION_PLACE_H

#include "base/ctx.h"
#include "base/vec.h"

/*
 * Takes the session's lock and listens: *@ret_lock and *@ret_listener are the caller's to close. What a dead keeper left is taken away. Noted:
 * -EEXIST it runs; -EACCES and so on.
 */
int place_listen(struct ctx *ctx, const char *name, int *ret_lock, int *ret_listener);

/*
 * What place_clean() does to socket and lock, for an end without memory. @ret is given to oom_at_end(); its strings are in the context's arena.
 */
int place_end(struct ctx *ctx, const char *name, struct oom_end *ret);

/* Takes away what the session leaves behind; only by who holds its lock. */
void place_clean(struct ctx *ctx, const char *name);

/* Whether sessions can be where they are said to be; a directory that is not there yet is none that they cannot be in. Negative errno, noted. */
int place_check(struct ctx *ctx);

/* Connects. -ENOENT there is none; -ECONNREFUSED it is dead. Nothing is noted but what place_check() has to say. */
int place_connect(struct ctx *ctx, const char *name, int *ret_sock);

/* The journal directory of a model's session, in the arena. */
int place_journal(struct ctx *ctx, const char *name, const char **ret);

/* Names of all sessions that left a socket, in the arena, sorted. -ENOENT is no error: there are none. */
int place_list(struct ctx *ctx, const char ***ret, size_t *ret_n);

#endif
