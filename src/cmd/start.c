// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/start.h"

#include <errno.h>
#include <spawn.h>
#include <unistd.h>

#include "base/util.h"

int start_command(struct ctx *ctx, char *const *cmd, struct start_how how, pid_t *ret)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t defaults;
	pid_t pid;
	int r;

	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_init(&files);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	if (how.mask)
		posix_spawnattr_setsigmask(&attr, how.mask);
	posix_spawnattr_setflags(&attr, (short)(POSIX_SPAWN_SETSIGDEF | (how.mask ? POSIX_SPAWN_SETSIGMASK : 0)));
	if (how.stdout_to_stderr)
		posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
	r = posix_spawnp(&pid, cmd[0], &files, &attr, cmd, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	if (r)
		return ctx_cannot_start(ctx, r, cmd[0]);
	*ret = pid;
	return 0;
}

int start_status(int err)
{
	return err == -ENOENT ? 127 : 126;
}
