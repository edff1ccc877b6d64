/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a traced process's descriptors are. Nobody's outside of kmem/. */
#ifndef IOMMUCTL_KMEM_TRACED_FD_H
#define IOMMUCTL_KMEM_TRACED_FD_H

#include "base/vec.h"
#include "kmem/call-ring.h"
#include "kmem/ptrace.h"

struct traced_node {
	dev_t rdev;
	enum traced_kind kind;
	const char *name;
};

/* A device's descriptor that came from its group: only the ioctl that made it told which. */
struct traced_got {
	pid_t pid;
	int fd;
	const char *name;
};

/* What a descriptor was when somebody looked last. */
struct traced_known {
	pid_t pid;
	int fd;
	enum traced_kind kind;
	const char *name;
};

struct traced_fds {
	struct arena arena;
	VEC(struct traced_known) known;
	VEC(struct traced_node) nodes;
	VEC(struct traced_got) got;
};

/*
 * By the device number behind it, whatever path it was opened by, or socket it came through. *@ret_name as in struct traced_call.
 */
enum traced_kind traced_fd(struct traced_fds *f, pid_t pid, pid_t tid, int fd, const char **ret_name);

/* The same of a call that is over, from what was seen of its descriptor then, else from what it was before. */
enum traced_kind traced_fd_past(struct traced_fds *f, const struct ring_call *r, const char **ret_name);

/* The process is gone, or another program. */
void traced_fds_forget(struct traced_fds *f, pid_t pid);

/* Learns from a call that came back. */
void traced_fd_returned(struct traced_fds *f, const struct traced_call *c);

void traced_fds_free(struct traced_fds *f);

/* The process of a thread; itself where that cannot be told. */
pid_t traced_process(pid_t tid);

/* Whose rights it has. 0; -ESRCH. */
int traced_euid(pid_t tid, uid_t *ret);

/* Its threads, to be freed by the caller; how many. */
size_t traced_threads(pid_t pid, pid_t **ret);

#endif
