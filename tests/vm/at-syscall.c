// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Does something to a program at exactly one point: behind its N-th system call.
 *
 *	at-syscall [-m MARK] [-s SIGNAL | -c COMMAND] N PROGRAM ARGUMENT...
 *
 * -m  counting begins with the first openat(2) whose path ends in MARK
 * -s  sends the signal (a number; default 9)
 * -c  stops the program, has the shell run COMMAND, lets the program go on
 *
 * N 0: does nothing but count. The exit status is the program's (128 + signal when one killed it); at the end "calls=COUNT" and "forks=COUNT" go
 * to file descriptor 3 if that is open. Its children are let run: what they do belongs to the kernel.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *mark, *command;
static int sig = SIGKILL;
static long target, calls, forks;
static int counting;

static void die(const char *what)
{
	perror(what);
	exit(99);
}

/* Word by word: a kernel need not have process_vm_readv(2). */
static void read_path(pid_t pid, unsigned long addr, char *buf, size_t size)
{
	size_t n = 0;

	while (n + sizeof(long) < size) {
		long word;

		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, pid, addr + n, 0);
		if (errno)
			break;
		memcpy(buf + n, &word, sizeof(word));
		if (memchr(&word, 0, sizeof(word)))
			return;
		n += sizeof(word);
	}
	buf[n] = '\0';
}

#define THREAD 0x10000 /* CLONE_THREAD */

/* A thread is no fork. clone3(2) has its flags in memory, at the beginning. */
static int is_fork(pid_t pid, unsigned long nr, unsigned long arg)
{
	switch (nr) {
	case SYS_clone:
		return !(arg & THREAD);
	case SYS_clone3:
		return !(ptrace(PTRACE_PEEKDATA, pid, arg, 0) & THREAD);
#ifdef SYS_fork
	case SYS_fork:
	case SYS_vfork:
		return 1;
#endif
	}
	return 0;
}

/* At the entry of a system call: on its way out its number and arguments are gone. */
static void enter(pid_t pid)
{
	struct __ptrace_syscall_info info = { 0 };
	char path[256];
	size_t len, want;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0)
		die("PTRACE_GET_SYSCALL_INFO");
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	forks += is_fork(pid, info.entry.nr, info.entry.args[0]);
	if (!mark || counting || info.entry.nr != SYS_openat)
		return;
	read_path(pid, info.entry.args[1], path, sizeof(path));
	len = strlen(path);
	want = strlen(mark);
	counting = len >= want && !strcmp(path + len - want, mark);
}

/* Behind a system call. */
static void leave(pid_t pid)
{
	if (!counting)
		return;
	if (++calls != target)
		return;
	if (command) {
		if (system(command) < 0)
			die(command);
	} else if (kill(pid, sig) < 0) {
		die("kill");
	}
}

static int finish(int status)
{
	dprintf(3, "calls=%ld\nforks=%ld\n", calls, forks);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int trace(pid_t pid)
{
	int status, inside = 0, deliver = 0;

	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	if (ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) < 0)
		die("PTRACE_SETOPTIONS");
	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, 0, deliver) < 0 && errno != ESRCH)
			die("PTRACE_SYSCALL");
		if (waitpid(pid, &status, 0) < 0)
			die("waitpid");
		if (WIFEXITED(status) || WIFSIGNALED(status))
			return finish(status);
		deliver = 0;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			inside = !inside;
			if (inside)
				enter(pid);
			else
				leave(pid);
		} else if (WSTOPSIG(status) != SIGTRAP) {
			deliver = WSTOPSIG(status);
		}
	}
}

int main(int argc, char **argv)
{
	pid_t pid;
	int o;

	while ((o = getopt(argc, argv, "+m:s:c:")) != -1) {
		if (o == 'm')
			mark = optarg;
		else if (o == 's')
			sig = atoi(optarg);
		else if (o == 'c')
			command = optarg;
		else
			return 99;
	}
	if (argc - optind < 2)
		return 99;
	target = atol(argv[optind]);
	counting = !mark;
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
			die("PTRACE_TRACEME");
		execvp(argv[optind + 1], argv + optind + 1);
		die(argv[optind + 1]);
	}
	return trace(pid);
}
