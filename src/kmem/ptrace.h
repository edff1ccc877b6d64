/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VFIO and iommufd ioctls of a command, or of a process that runs already. ptrace(2) follows its children and threads. Where the kernel lets us, the calls themselves
 * come from BPF programs (kmem/call-ring.h), and nobody stops for one. Where it does not, threads stop at them: a command has a seccomp filter that
 * stops it for ioctls of their type (';') alone, so that all else runs at full speed; a process that runs already cannot be given
 * one, and stops at each of its system calls.
 *
 * A command lives no longer than we do (PTRACE_O_EXITKILL): with the filter and without us its ioctls would fail. A process that we
 * attached to runs on whatever becomes of us.
 */
#ifndef IOMMUCTL_KMEM_PTRACE_H
#define IOMMUCTL_KMEM_PTRACE_H

#include <sys/types.h>

#include "base/ctx.h"

enum traced_kind { TRACED_OTHER, TRACED_IOMMUFD, TRACED_CONTAINER, TRACED_GROUP, TRACED_DEVICE };

/* More than any of their structures has. */
#define TRACED_BYTES 256

struct traced_call {
	pid_t pid, tid; /* process and thread */
	uint64_t start, took; /* nanoseconds: from the start of the watching to the call's, and until it came back */
	int fd;
	enum traced_kind kind; /* what the descriptor is, by its device number; never TRACED_OTHER */
	const char *name;      /* of the device ("0000:01:00.0"), or the group ("12"); NULL unknown. As long as the tracer */
	uint32_t cmd;
	uint64_t arg;
	bool compat; /* a 32-bit caller */
	const unsigned char *in, *out; /* memory at arg, before and after */
	const unsigned char *behind;   /* what a pointer in it pointed to before: data of drivers, ranges, entries */
	size_t n_in, n_out, n_behind;
	bool returned;
	int64_t ret; /* result, or negative errno; -512 and beyond: interrupted, will be made again */
};

struct tracer_options {
	char **cmd;	   /* NULL: pid */
	pid_t pid;
	double seconds;	   /* report for so long; 0: to the end */
	bool stdout_is_ours; /* the command's goes to stderr */
	void (*call)(const struct traced_call *c, void *arg); /* came back, or never will */
	void (*caught_up)(void *arg); /* for now there is no more: before a thread goes on, and before a wait; may be NULL */
	void *arg;
};

/*
 * Runs the command, or watches the process, to the end. *@ret_status is the command's wait status, -1 when there is none (a process that
 * was attached to). -ENOEXEC and the like, noted: the command could not be run, *@ret_status has 127 or 126 as an exit; -ESRCH, -EPERM, noted:
 * the process cannot be attached to; -EINTR: a signal ended the watching of a process.
 */
int tracer_run(struct ctx *ctx, const struct tracer_options *o, int *ret_status);

#endif
