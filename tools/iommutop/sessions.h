/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running sessions of iommuctl, and what they keep. */
#ifndef IOMMUTOP_SESSIONS_H
#define IOMMUTOP_SESSIONS_H

#include "backend/op.h"
#include "base/arena.h"
#include "base/ctx.h"

struct session {
	const char *name;
	struct num pid;
	bool model; /* its objects are those of a model: the kernel has none of them */
	const struct op_object *objects;
	size_t n;
	const char *problem; /* why they are not known; NULL: they are */
};

struct sessions {
	struct session *v;
	size_t n;
};

/* Asks each of this user's sessions. Never fails; all in @a. */
struct sessions *sessions_read(struct ctx *ctx, struct arena *a);

/* "hwpt", "device", ...; static. */
const char *session_kind_word(uint32_t kind);

#endif
