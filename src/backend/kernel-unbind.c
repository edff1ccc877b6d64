// SPDX-License-Identifier: GPL-2.0-or-later
/* A write that may never come back, in a process of its own. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>

#include "backend/kernel.h"

/* How long an unbind that works may still take when the user wants out. */
#define GRACE_MS 2000

#define SLICE_MS 100

/*
 * The child shares nothing with us that we, or who reads our output, would wait for: it keeps its two descriptors and
 * closes all others. A signal to the whole terminal must not hit it: it is what keeps us from being hit.
 */
static _Noreturn void child(int file, int result, const char *text)
{
	int err = 0;

	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (dup2(file, 0) != 0 || dup2(result, 1) != 1)
		_exit(1);
	close_range(2, ~0u, 0);
	if (write(0, text, strlen(text)) < 0)
		err = errno;
	_exit(write(1, &err, sizeof(err)) == sizeof(err) ? 0 : 1);
}

static bool is_interrupted(const struct kernel_backend *k)
{
	return k->backend.interrupted && *k->backend.interrupted;
}

/* 0 there is something to read; -ETIMEDOUT. */
static int await(struct kernel_backend *k, int fd, int timeout_ms)
{
	int64_t deadline = kernel_now_ms() + timeout_ms;
	bool hurried = false;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int left = kernel_ms_left(deadline);

		if (poll(&p, 1, MIN(left, SLICE_MS)) > 0)
			return 0;
		if (!left)
			return -ETIMEDOUT;
		if (!hurried && is_interrupted(k)) {
			hurried = true;
			deadline = MIN(deadline, kernel_now_ms() + GRACE_MS);
		}
	}
}

int kernel_write_guarded(struct kernel_backend *k, const char *path, const char *text, int timeout_ms,
			 pid_t *ret_pid)
{
	_cleanup_close_ int file = open(path, O_WRONLY | O_CLOEXEC);
	int pipes[2], err = EIO, r;
	pid_t pid;

	if (file < 0)
		return -errno;
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		child(file, pipes[1], text);
	r = pid < 0 ? -errno : 0;
	close(pipes[1]);
	if (r == 0 && await(k, pipes[0], timeout_ms) < 0) {
		*ret_pid = pid;
		r = -EINPROGRESS;
	} else if (r == 0) {
		/* nothing in the pipe: it was killed */
		if (read(pipes[0], &err, sizeof(err)) != sizeof(err))
			err = EIO;
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		r = -err;
	}
	close(pipes[0]);
	return r;
}
