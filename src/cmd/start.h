/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that the user names behind "--". */
#ifndef IOMMUCTL_CMD_START_H
#define IOMMUCTL_CMD_START_H

#include <signal.h>
#include <sys/types.h>

#include "base/ctx.h"

/* The row of a command line that may be there. */
#define COMMAND_ARG(text) { .name = "CMD", .help = text, .complete = COMPLETE_COMMAND, .optional = true, .repeat = true, .behind = true }

struct start_how {
	const sigset_t *mask; /* signals blocked in it; NULL: those that are blocked now */
	bool stdout_to_stderr; /* standard output is ours */
};

/*
 * Starts @cmd, found as a shell would find it, with SIGPIPE as it is usual. Its end is the caller's to wait for. Negative errno, noted: it cannot be
 * started; then start_status() is what a shell would say.
 */
int start_command(struct ctx *ctx, char *const *cmd, struct start_how how, pid_t *ret);

/* 127 for -ENOENT, else 126. */
int start_status(int err);

#endif
