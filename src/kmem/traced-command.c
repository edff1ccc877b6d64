// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmem/traced-command.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"

const int traced_signals[TRACED_SIGNALS] = { SIGALRM, SIGTERM, SIGHUP, SIGINT, SIGQUIT };

void traced_signals_restore(const struct traced_signals *s)
{
	for (size_t i = 0; i < TRACED_SIGNALS; i++)
		sigaction(traced_signals[i], &s->old[i], NULL);
}

#define LOAD(member)	     BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define SKIP_UNLESS(v, n)    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (v), 0, (n))
#define GO_IF(v, n)	     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (v), (n), 0)

/* ioctl of each calling convention of this machine, and of these, those of our type. */
static int set_filter(void)
{
	struct sock_filter code[] = {
		LOAD(arch),
#if defined(__x86_64__)
		SKIP_UNLESS(AUDIT_ARCH_X86_64, 3),
		LOAD(nr),
		GO_IF(16, 5),
		GO_IF(0x40000202, 4),
		LOAD(arch),
		SKIP_UNLESS(AUDIT_ARCH_I386, 6),
		LOAD(nr),
		SKIP_UNLESS(54, 4),
#else
		LOAD(nr),
		SKIP_UNLESS(__NR_ioctl, 4),
#endif
		/* the low half of the second argument */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[1]) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0)),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff00),
		SKIP_UNLESS(TRACED_IOCTL_TYPE, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = ARRAY_SIZE(code), .filter = code };

	/* the right to set one at all is CAP_SYS_ADMIN, or the promise never to gain rights */
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0)
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0 ? -errno : 0;
}

static bool can_filter(void)
{
	uint32_t action = SECCOMP_RET_TRACE;

	return syscall(__NR_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* In the child: waits until it is traced, and becomes the command. */
static _Noreturn void become_command(const struct traced_command *c)
{
	int err = 0;
	char go;

	while (read(c->go, &go, 1) < 0 && errno == EINTR)
		;
	if (c->stdout_is_ours)
		dup2(STDERR_FILENO, STDOUT_FILENO);
	signal(SIGPIPE, SIG_DFL);
	traced_signals_restore(c->signals);
	if (c->filter)
		err = -set_filter();
	if (!err) {
		execvp(c->argv[0], c->argv);
		err = errno;
	}
	while (write(c->say, &err, sizeof(err)) < 0 && errno == EINTR)
		;
	_exit(err == ENOENT ? 127 : 126);
}

int traced_command_start(struct traced_command *c, bool filter)
{
	int go[2], say[2], err = 0;

	if (pipe2(go, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(say, O_CLOEXEC) < 0) {
		err = errno;
		close(go[0]);
		close(go[1]);
		return -err;
	}
	c->filter = filter && can_filter();
	c->pid = fork();
	if (c->pid == 0) {
		close(go[1]); /* or its end would not be seen */
		c->go = go[0];
		c->say = say[1];
		become_command(c);
	}
	err = c->pid < 0 ? errno : 0;
	close(go[0]);
	close(say[1]);
	c->go = go[1];
	c->say = say[0];
	if (err)
		traced_command_end(c);
	return -err;
}

void traced_command_go(struct traced_command *c)
{
	close(c->go);
	c->go = -1;
}

int traced_command_error(const struct traced_command *c)
{
	int err = 0;

	return read(c->say, &err, sizeof(err)) == sizeof(err) ? err : 0;
}

void traced_command_end(struct traced_command *c)
{
	if (c->go >= 0 && c->pid > 0) {
		kill(c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
	}
	if (c->go >= 0)
		close(c->go);
	close(c->say);
}
