/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What ioctls.c and ioctls-batch.c share: a call with its decoded arguments, and the names that objects get. */
#ifndef IOMMUCTL_CMD_IOCTLS_H
#define IOMMUCTL_CMD_IOCTLS_H

#include <stdio.h>

#include "base/str.h"
#include "base/vec.h"
#include "kmem/ptrace.h"
#include "trace/ioctl.h"

/* An object that a call made, as long as it lives. */
struct ioctl_object {
	pid_t pid;
	int iommufd; /* descriptor of its context in that process */
	uint32_t id;
	const char *name; /* "ioas1" */
};

/* A device's descriptor and the context that it was bound to. */
struct ioctl_bound {
	pid_t pid;
	int fd, iommufd;
	const char *name;
};

struct ioctl_names {
	struct arena arena;
	VEC(struct ioctl_object) objects;
	VEC(struct ioctl_bound) bound;
	unsigned count; /* of names given */
};

/* The name of an object of the context that the call is about; NULL: nobody saw it made. */
const char *ioctl_name(const struct ioctl_names *n, const struct traced_call *c, uint32_t id);

/* Whether it takes an object away, when it succeeds. */
bool ioctl_destroys(const struct traced_call *c);

/*
 * Learns from a call that came back: what it made gets a name, what it destroyed loses it. To be called behind the call's own line is
 * made for what is destroyed, and before it for what is made: *@ret_made is the name that it gave, NULL none.
 */
void ioctl_learn(struct ioctl_names *n, const struct traced_call *c, const struct ioctl_decoded *d, const char **ret_made);

/* -- batch ------------------------------------------------------------------------------------------------------------- */

/* The script's head, a comment: what command it was made from (NULL: from a process), and how to run it. */
void ioctl_batch_begin(FILE *f, char *const *cmd);

/* The line of a batch that does the same; a comment where there is none. @made: as ioctl_learn() said. @b is room to write in. */
void ioctl_batch_line(FILE *f, struct strbuf *b, const struct ioctl_names *n, const struct traced_call *c, const struct ioctl_decoded *d, const char *made);

#endif
