/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command that ioctls watches, from fork to exec: it waits until somebody traces it, and may have a filter that stops it for our ioctls
 * alone. Nobody's outside of kmem/.
 */
#ifndef IOMMUCTL_KMEM_TRACED_COMMAND_H
#define IOMMUCTL_KMEM_TRACED_COMMAND_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* ioctls of VFIO and iommufd have this type. */
#define TRACED_IOCTL_TYPE 0x3b00u

/* What ends or interrupts a tracer. */
#define TRACED_SIGNALS 5
extern const int traced_signals[TRACED_SIGNALS];

struct traced_signals {
	struct sigaction old[TRACED_SIGNALS];
};

void traced_signals_restore(const struct traced_signals *s);

struct traced_command {
	char **argv;
	bool stdout_is_ours;		      /* the command's goes to stderr */
	const struct traced_signals *signals; /* as it is to have them */
	/* filled by traced_command_start() */
	pid_t pid;
	bool filter; /* stops with PTRACE_EVENT_SECCOMP at our ioctls */
	int go, say; /* pipes to it and from it; go -1: it may run */
};

/* Forks; the command waits. @filter: set one, where the kernel can. Negative errno: nothing is left. */
int traced_command_start(struct traced_command *c, bool filter);

/* Lets it become the command. */
void traced_command_go(struct traced_command *c);

/* Why it could not, a positive errno; 0: it did. To be asked when it is at its end. */
int traced_command_error(const struct traced_command *c);

/* A command that was never let go is killed. */
void traced_command_end(struct traced_command *c);

#endif
