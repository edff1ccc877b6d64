/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What ends a command that watches: a signal, a time (-d SECONDS), or the command line behind "--". Between until_begin() and until_end() no
 * signal kills the program, so that what it set up is taken away again.
 */
#ifndef IOMMUCTL_CMD_UNTIL_H
#define IOMMUCTL_CMD_UNTIL_H

#include <poll.h>
#include <signal.h>
#include <sys/types.h>

#include "cmd/cmd.h"

struct until {
	int signal_fd, timer_fd;
	sigset_t before;
	pid_t child; /* runs; 0 none */
	int status;  /* of the child, when it ended */
	int signal;  /* that ended us; 0 none */
	bool over;
};

/*
 * Reads -d and checks it against the command line behind "--": seconds, 0 when there is none. An exit code. The option's row is
 * UNTIL_DURATION.
 */
int until_seconds(struct invocation *inv, double *ret);
#define UNTIL_DURATION { .short_name = 'd', .name = "duration", .arg = "SECONDS", .help = "end after so many seconds" }

/* Catches the signals. until_end() is needed in any case. Negative errno. */
int until_begin(struct until *u);

/* Starts the clock (@seconds, when not 0) and the command behind "--", if there is one. Negative errno, noted. */
int until_start(struct until *u, struct invocation *inv, double seconds, bool stdout_is_ours);

/* Fills what is to be polled beside one's own. */
#define UNTIL_FDS 2
void until_fds(const struct until *u, struct pollfd fds[UNTIL_FDS]);

/* Takes in what came; u->over when it is time to end. */
void until_look(struct until *u, const struct pollfd fds[UNTIL_FDS]);

/* The exit status: that of the command; 130 when a signal came before -d was over; else 0. */
int until_exit(const struct until *u, const struct invocation *inv);

/* Signals are again as they were before until_begin(), for a batch or a shell goes on; those that came in between are forgotten. */
void until_end(struct until *u);

#endif
