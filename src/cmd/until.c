// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/until.h"

#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "cmd/start.h"
#include "cmd/take.h"

int until_seconds(struct invocation *inv, double *ret)
{
	double seconds = 0;
	int r = option_duration(inv, &seconds);

	if (r == EXIT_DONE && seconds > 0 && inv->cmd)
		return bad_usage(inv, "--duration", "the command behind -- says when it ends", "give one or the other");
	if (r == EXIT_DONE)
		*ret = seconds;
	return r;
}

int until_begin(struct until *u)
{
	sigset_t set;

	*u = (struct until){ .signal_fd = -1, .timer_fd = -1 };
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &u->before);
	u->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return u->signal_fd < 0 ? -errno : 0;
}

static int set_timer(struct until *u, double seconds)
{
	struct itimerspec when = { .it_value.tv_sec = (time_t)seconds,
				   .it_value.tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9) };

	u->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (u->timer_fd < 0 || timerfd_settime(u->timer_fd, 0, &when, NULL) < 0)
		return -errno;
	return 0;
}

int until_start(struct until *u, struct invocation *inv, double seconds, bool stdout_is_ours)
{
	int r = seconds > 0 ? set_timer(u, seconds) : 0;

	/* it gets the signals as we got them; when standard output is ours (a document, a trace), its own goes to stderr */
	if (r == 0 && inv->cmd)
		r = start_command(inv->ctx, inv->cmd, (struct start_how){ .mask = &u->before, .stdout_to_stderr = stdout_is_ours }, &u->child);
	return r;
}

void until_fds(const struct until *u, struct pollfd fds[UNTIL_FDS])
{
	fds[0] = (struct pollfd){ .fd = u->signal_fd, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = u->timer_fd, .events = POLLIN };
}

static void take_signals(struct until *u)
{
	struct signalfd_siginfo info;

	while (read(u->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGCHLD) {
			u->signal = (int)info.ssi_signo;
			/* a command that we started ends first: what it still does is part of what we watch */
			if (u->child && info.ssi_signo != SIGINT && info.ssi_signo != SIGQUIT)
				kill(u->child, (int)info.ssi_signo);
			u->over |= !u->child;
		} else if (u->child && waitpid(u->child, &u->status, WNOHANG) == u->child) {
			u->child = 0;
			u->over = true;
		}
	}
}

void until_look(struct until *u, const struct pollfd fds[UNTIL_FDS])
{
	if (fds[0].revents)
		take_signals(u);
	u->over |= fds[1].revents != 0;
}

int until_exit(const struct until *u, const struct invocation *inv)
{
	if (inv->cmd && !u->child)
		return WIFSIGNALED(u->status) ? 128 + WTERMSIG(u->status) : WEXITSTATUS(u->status);
	/* without -d a signal is the way to end it */
	return u->signal && inv_opt(inv, "duration") ? EXIT_INTERRUPTED : EXIT_DONE;
}

void until_end(struct until *u)
{
	struct signalfd_siginfo info;

	if (u->signal_fd >= 0) {
		while (read(u->signal_fd, &info, sizeof(info)) == sizeof(info))
			;
		close(u->signal_fd);
	}
	sigprocmask(SIG_SETMASK, &u->before, NULL);
	if (u->timer_fd >= 0)
		close(u->timer_fd);
}
