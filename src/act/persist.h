/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing and taking away what host/bindings.h reads. */
#ifndef IOMMUCTL_ACT_PERSIST_H
#define IOMMUCTL_ACT_PERSIST_H

#include "base/ctx.h"
#include "host/bindings.h"

/* Where the files are on the running machine. */
#define PERSIST_DIR "/" BINDINGS_DIR

/*
 * In three steps, so that nothing can fail any more when devices have been moved: persist_prepare() writes all files beside
 * their places, with the folder when it is not there; persist_commit() puts them in their places; persist_forget() takes away those
 * that are beside. Each goes on with the others after a failure, and returns the first one's negative errno, noted.
 */
int persist_prepare(struct ctx *ctx, const char *dir, const struct binding *v, size_t n);
int persist_commit(struct ctx *ctx, const char *dir, const struct binding *v, size_t n);
void persist_forget(struct ctx *ctx, const char *dir, const struct binding *v, size_t n);

/*
 * Before what it says is done: whether folder and file are root's, no links, and nobody else's to write to. -EPERM, -ELOOP and so on, noted.
 */
int persist_trusted(struct ctx *ctx, const char *dir, const char *file);

/* Takes the file away. 1: it was there; 0: it was not; else noted. */
int persist_remove(struct ctx *ctx, const char *dir, const char *file);

#endif
