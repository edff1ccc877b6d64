// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * LD_PRELOAD: the FAIL_NTH-th of the calls below fails with FAIL_ERRNO (a number; EIO without it), in the process that it is
 * loaded into and in none that it makes. FAIL_COUNT=FILE: how many there were goes there at the end.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static long calls, nth = -1;
static pid_t owner;

static int fails(void)
{
	const char *err = getenv("FAIL_ERRNO");

	if (nth < 0) {
		const char *n = getenv("FAIL_NTH");

		nth = n ? atol(n) : 0;
		owner = getpid();
	}
	if (++calls != nth || getpid() != owner)
		return 0;
	errno = err ? atoi(err) : EIO;
	return 1;
}

__attribute__((destructor)) static void report(void)
{
	const char *name = getenv("FAIL_COUNT");
	FILE *f = name && getpid() == owner ? fopen(name, "w") : NULL;

	if (f) {
		fprintf(f, "%ld\n", calls);
		fclose(f);
	}
}

#define WRAP(type, name, params, args)                                                     \
	type name params;                                                                  \
	type name params                                                                   \
	{                                                                                  \
		static type (*next) params;                                                \
                                                                                           \
		if (!next)                                                                 \
			*(void **)&next = dlsym(RTLD_NEXT, #name);                         \
		return fails() ? -1 : next args;                                           \
	}

WRAP(int, socket, (int domain, int kind, int protocol), (domain, kind, protocol))
WRAP(int, connect, (int fd, const struct sockaddr *a, socklen_t len), (fd, a, len))
WRAP(int, bind, (int fd, const struct sockaddr *a, socklen_t len), (fd, a, len))
WRAP(int, listen, (int fd, int n), (fd, n))
WRAP(int, accept4, (int fd, struct sockaddr *a, socklen_t *len, int flags), (fd, a, len, flags))
WRAP(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags), (fd, m, flags))
WRAP(ssize_t, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags))
WRAP(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n))
WRAP(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n))
WRAP(int, flock, (int fd, int how), (fd, how))
WRAP(int, fstat, (int fd, struct stat *st), (fd, st))
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode))
WRAP(int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags))
WRAP(pid_t, fork, (void), ())
WRAP(pid_t, setsid, (void), ())
WRAP(int, chdir, (const char *path), (path))
WRAP(int, dup2, (int from, int to), (from, to))

int open(const char *path, int flags, ...);
int openat(int dir, const char *path, int flags, ...);

int open(const char *path, int flags, ...)
{
	static int (*next)(const char *, int, ...);
	va_list ap;
	mode_t mode;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "open");
	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return fails() ? -1 : next(path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
	static int (*next)(int, const char *, int, ...);
	va_list ap;
	mode_t mode;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "openat");
	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return fails() ? -1 : next(dir, path, flags, mode);
}
