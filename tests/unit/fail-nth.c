// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * LD_PRELOAD: one of the calls below fails, in the process that it is loaded into and in none that it makes.
 *
 *	FAIL_WHAT=calls|memory|all	which are counted: of the system (without it), of the allocator, both
 *	FAIL_NTH=N		the N-th fails
 *	FAIL_SITE=HASH:K	the K-th that came this way through the program fails: counts differ where threads do, ways do not
 *	FAIL_ON=1		and all of its kind after it
 *	FAIL_ERRNO=E		with this errno (a number); without it with what that call fails with in life
 *	FAIL_ALT=I		the I-th of these, from 0
 *	FAIL_COUNT=FILE		how many there were goes there at the end
 *	FAIL_LOG=FILE		at the end: a line each, its name and the hash of its way
 *	FAIL_MARK=SUFFIX	counting begins with the first file whose path ends in it
 *	FAIL_SPARE="NAME..."	memory asked for below exported functions of libraries that begin so is left alone: they are known not to look
 *	FAIL_KILL=1		the process is killed there, before the call
 *	FAIL_TELL=FILE		the name of the call that failed goes there, when it does
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is left of a definition by FORTIFY in our own: nothing. */
#undef open
#undef openat

enum kind { CALL = 1, MEMORY = 2 };

#define MAX_LOG 400000
#define MAX_DEPTH 24
#define MAX_MODULES 64

static struct {
	enum kind what;
	long nth, site_k;
	uint32_t site;
	bool by_site, all_after, ready, marked, kill;
	int err, alt;
	pid_t owner;
	const char *count, *log, *mark, *tell, *spare;
} opt;

static atomic_long calls, matches;
static atomic_int failing; /* enum kind of what goes on failing */
static __thread bool inside;
static bool starting;

struct line {
	const char *name;
	uint32_t hash;
};

static struct line *lines;
static atomic_long n_lines;

static struct {
	uintptr_t from, to;
	uint32_t name;
} modules[MAX_MODULES];
static int n_modules;

static uint32_t mix(uint32_t hash, uint64_t v)
{
	for (int i = 0; i < 8; i++, v >>= 8)
		hash = (hash ^ (uint8_t)v) * 16777619U;
	return hash;
}

static int add_module(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	(void)data;
	for (int i = 0; i < info->dlpi_phnum && n_modules < MAX_MODULES; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		modules[n_modules].from = info->dlpi_addr + p->p_vaddr;
		modules[n_modules].to = modules[n_modules].from + p->p_memsz;
		modules[n_modules++].name = mix(1, (uint64_t)p->p_memsz);
	}
	return 0;
}

/* The way here, without where things were loaded to. */
static uint32_t way(const char *name)
{
	void *at[MAX_DEPTH];
	int n = backtrace(at, MAX_DEPTH);
	uint32_t hash = 2166136261U;

	for (const char *c = name; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 16777619U;
	for (int i = 2; i < n; i++) {
		for (int m = 0; m < n_modules; m++) {
			uintptr_t a = (uintptr_t)at[i];

			if (a >= modules[m].from && a < modules[m].to)
				hash = mix(mix(hash, modules[m].name), a - modules[m].from);
		}
	}
	return hash;
}

/* Whether the function that is spared is on the way here. */
static bool spared(void)
{
	void *at[MAX_DEPTH];
	int n = opt.spare ? backtrace(at, MAX_DEPTH) : 0;
	Dl_info info;

	for (int i = 2; i < n; i++) {
		if (!dladdr(at[i], &info) || !info.dli_sname)
			continue;
		for (const char *s = opt.spare; *s; s += strcspn(s, " ")) {
			s += strspn(s, " ");
			if (*s && !strncmp(info.dli_sname, s, strcspn(s, " ")))
				return true;
		}
	}
	return false;
}

static long number(const char *name)
{
	const char *s = getenv(name);

	return s ? atol(s) : 0;
}

__attribute__((constructor)) static void begin(void)
{
	const char *what = getenv("FAIL_WHAT"), *site = getenv("FAIL_SITE");
	void *at[4];

	inside = true;
	opt.what = !what || !strcmp(what, "calls") ? CALL : !strcmp(what, "memory") ? MEMORY : CALL | MEMORY;
	opt.nth = number("FAIL_NTH");
	opt.all_after = number("FAIL_ON");
	opt.kill = number("FAIL_KILL");
	opt.err = (int)number("FAIL_ERRNO");
	opt.alt = (int)number("FAIL_ALT");
	opt.count = getenv("FAIL_COUNT");
	opt.log = getenv("FAIL_LOG");
	opt.mark = getenv("FAIL_MARK");
	opt.tell = getenv("FAIL_TELL");
	opt.spare = getenv("FAIL_SPARE");
	opt.marked = !opt.mark;
	opt.owner = getpid();
	if (site) {
		char *end;

		opt.by_site = true;
		opt.site = (uint32_t)strtoul(site, &end, 16);
		opt.site_k = *end == ':' ? atol(end + 1) : 1;
	}
	/* the first one loads the unwinder: for that it gets memory that no sanitizer counts */
	starting = true;
	if (opt.log || opt.by_site || opt.spare)
		backtrace(at, 4);
	starting = false;
	if (opt.log)
		lines = mmap(NULL, MAX_LOG * sizeof(*lines), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (opt.log || opt.by_site)
		dl_iterate_phdr(add_module, NULL);
	opt.ready = true;
	inside = false;
}

static void write_all(const char *file, const char *text)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0)
		return;
	if (syscall(SYS_write, fd, text, strlen(text)) < 0)
		(void)0;
	syscall(SYS_close, fd);
}

__attribute__((destructor)) static void report(void)
{
	char text[128];

	if (!opt.ready || getpid() != opt.owner)
		return;
	inside = true;
	if (opt.count) {
		snprintf(text, sizeof(text), "%ld\n", (long)calls);
		syscall(SYS_unlinkat, AT_FDCWD, opt.count, 0);
		write_all(opt.count, text);
	}
	if (lines) {
		int fd = (int)syscall(SYS_openat, AT_FDCWD, opt.log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		for (long i = 0; fd >= 0 && i < n_lines && i < MAX_LOG; i++)
			dprintf(fd, "%s %08x\n", lines[i].name, lines[i].hash);
		syscall(SYS_close, fd);
	}
}

static bool is_the_one(const char *name)
{
	uint32_t hash;
	long n = ++calls;

	if (!lines && !opt.by_site)
		return n == opt.nth;
	hash = way(name);
	if (lines) {
		long i = n_lines++;

		if (i < MAX_LOG)
			lines[i] = (struct line){ name, hash };
	}
	if (opt.by_site)
		return hash == opt.site && ++matches == opt.site_k;
	return n == opt.nth;
}

/* 0: it is let through; else the errno that it fails with. @errs ends with 0. */
static int fails_with(enum kind kind, const char *name, const int *errs)
{
	bool it = false;
	int n = 0, saved;

	/* the sanitizers begin before we have been relocated: nothing can be called yet, and no thread's variable be read */
	if (!opt.ready)
		return 0;
	saved = errno;
	if (inside || !(opt.what & kind) || !opt.marked || getpid() != opt.owner)
		return 0;
	inside = true;
	it = failing & kind;
	if (kind == MEMORY && spared())
		it = false;
	else if (!it && is_the_one(name)) {
		it = true;
		if (opt.all_after)
			failing = kind;
		if (opt.tell) {
			write_all(opt.tell, name);
			write_all(opt.tell, "\n");
		}
		if (opt.kill)
			raise(SIGKILL);
	}
	inside = false;
	errno = saved;
	if (!it)
		return 0;
	while (errs[n])
		n++;
	return opt.err ? opt.err : errs[opt.alt % n];
}

static void look_for_mark(const char *path)
{
	size_t len, want;

	if (opt.marked || !path || !opt.mark)
		return;
	len = strlen(path);
	want = strlen(opt.mark);
	opt.marked = len >= want && !strcmp(path + len - want, opt.mark);
}

#define ERRS(...) ((const int[]){ __VA_ARGS__, 0 })

#define NEXT(name)                                                                         \
	do {                                                                               \
		if (!next)                                                                 \
			*(void **)&next = dlsym(RTLD_NEXT, #name);                         \
	} while (0)

/* A definition of its own: headers may have made the name an inline function. */
#define WRAP(type, bad, name, params, args, ...)                                           \
	type name params;                                                                  \
	type name params                                                                   \
	{                                                                                  \
		static type (*next) params;                                                \
		int err = fails_with(CALL, #name, ERRS(__VA_ARGS__));                      \
                                                                                           \
		NEXT(name);                                                                \
		if (err) {                                                                 \
			errno = err;                                                       \
			return bad;                                                        \
		}                                                                          \
		return next args;                                                          \
	}

WRAP(int, -1, socket, (int domain, int kind, int protocol), (domain, kind, protocol), EMFILE, EACCES, EIO)
WRAP(int, -1, connect, (int fd, const struct sockaddr *a, socklen_t len), (fd, a, len), ECONNREFUSED, EACCES, EINTR)
WRAP(int, -1, bind, (int fd, const struct sockaddr *a, socklen_t len), (fd, a, len), EADDRINUSE, EACCES, ENOSPC)
WRAP(int, -1, listen, (int fd, int n), (fd, n), EADDRINUSE)
WRAP(int, -1, accept4, (int fd, struct sockaddr *a, socklen_t *len, int flags), (fd, a, len, flags), EMFILE, ECONNABORTED, EINTR)
WRAP(int, -1, getsockopt, (int fd, int l, int o, void *p, socklen_t *n), (fd, l, o, p, n), ENOBUFS)
WRAP(int, -1, setsockopt, (int fd, int l, int o, const void *p, socklen_t n), (fd, l, o, p, n), ENOBUFS, EPERM)
WRAP(int, -1, getsockname, (int fd, struct sockaddr *a, socklen_t *len), (fd, a, len), ENOBUFS)
WRAP(ssize_t, -1, send, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags), ENOBUFS, EPIPE)
WRAP(ssize_t, -1, sendto, (int fd, const void *p, size_t n, int flags, const struct sockaddr *a, socklen_t len), (fd, p, n, flags, a, len), ENOBUFS)
WRAP(ssize_t, -1, sendmsg, (int fd, const struct msghdr *m, int flags), (fd, m, flags), EPIPE, ENOBUFS, ECONNRESET)
WRAP(ssize_t, -1, recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags), ECONNRESET, ENOBUFS)
WRAP(ssize_t, -1, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags), ECONNRESET, ENOBUFS, ENOMEM)
WRAP(ssize_t, -1, read, (int fd, void *p, size_t n), (fd, p, n), EIO, EINTR, EACCES)
WRAP(ssize_t, -1, __read_chk, (int fd, void *p, size_t n, size_t room), (fd, p, n, room), EIO, EINTR, EACCES)
WRAP(ssize_t, -1, pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at), EIO, EINTR, EACCES)
WRAP(ssize_t, -1, pread64, (int fd, void *p, size_t n, off64_t at), (fd, p, n, at), EIO, EINTR, EACCES)
WRAP(ssize_t, -1, __pread_chk, (int fd, void *p, size_t n, off_t at, size_t room), (fd, p, n, at, room), EIO, EINTR, EACCES)
WRAP(ssize_t, -1, readv, (int fd, const struct iovec *v, int n), (fd, v, n), EIO)
WRAP(ssize_t, -1, write, (int fd, const void *p, size_t n), (fd, p, n), ENOSPC, EIO, EBUSY)
WRAP(ssize_t, -1, writev, (int fd, const struct iovec *v, int n), (fd, v, n), ENOSPC, EIO)
WRAP(int, -1, flock, (int fd, int how), (fd, how), ENOLCK, EINTR)
WRAP(int, -1, fstat, (int fd, struct stat *st), (fd, st), EIO, EOVERFLOW)
WRAP(int, -1, stat, (const char *path, struct stat *st), (path, st), EACCES, EIO)
WRAP(int, -1, lstat, (const char *path, struct stat *st), (path, st), EACCES, EIO)
WRAP(int, -1, fstatat, (int dir, const char *path, struct stat *st, int flags), (dir, path, st, flags), EACCES, EIO)
WRAP(int, -1, access, (const char *path, int how), (path, how), EACCES, EIO)
WRAP(int, -1, faccessat, (int dir, const char *path, int how, int flags), (dir, path, how, flags), EACCES, EROFS)
WRAP(ssize_t, -1, readlink, (const char *path, char *buf, size_t n), (path, buf, n), EACCES, EIO)
WRAP(ssize_t, -1, __readlink_chk, (const char *path, char *buf, size_t n, size_t room), (path, buf, n, room), EACCES, EIO)
WRAP(ssize_t, -1, readlinkat, (int dir, const char *path, char *buf, size_t n), (dir, path, buf, n), EACCES, EIO)
WRAP(ssize_t, -1, __readlinkat_chk, (int dir, const char *path, char *buf, size_t n, size_t room), (dir, path, buf, n, room), EACCES, EIO)
WRAP(int, -1, mkdir, (const char *path, mode_t mode), (path, mode), ENOSPC, EACCES, EROFS)
WRAP(int, -1, mkdirat, (int dir, const char *path, mode_t mode), (dir, path, mode), ENOSPC, EACCES, EROFS)
WRAP(int, -1, unlink, (const char *path), (path), EACCES, EIO)
WRAP(int, -1, unlinkat, (int fd, const char *path, int flags), (fd, path, flags), EACCES, EIO)
WRAP(int, -1, rename, (const char *from, const char *to), (from, to), ENOSPC, EACCES)
WRAP(int, -1, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), ENOSPC, EACCES)
WRAP(int, -1, linkat, (int a, const char *from, int b, const char *to, int flags), (a, from, b, to, flags), EXDEV, ENOENT, ENOSPC)
WRAP(ssize_t, -1, sendfile, (int to, int from, off_t *at, size_t n), (to, from, at, n), ENOSPC, EINTR)
WRAP(int, -1, fsync, (int fd), (fd), EIO, ENOSPC)
WRAP(int, -1, fchmod, (int fd, mode_t mode), (fd, mode), EPERM)
WRAP(int, -1, pipe2, (int fds[2], int flags), (fds, flags), EMFILE)
WRAP(int, -1, poll, (struct pollfd *v, nfds_t n, int ms), (v, n, ms), EINTR, ENOMEM)
WRAP(int, -1, __poll_chk, (struct pollfd *v, nfds_t n, int ms, size_t room), (v, n, ms, room), EINTR, ENOMEM)
WRAP(int, -1, ppoll, (struct pollfd *v, nfds_t n, const struct timespec *t, const sigset_t *s), (v, n, t, s), EINTR, ENOMEM)
WRAP(int, -1, __ppoll_chk, (struct pollfd *v, nfds_t n, const struct timespec *t, const sigset_t *s, size_t room), (v, n, t, s, room), EINTR, ENOMEM)
WRAP(int, -1, dup, (int fd), (fd), EMFILE)
WRAP(int, -1, dup2, (int from, int to), (from, to), EMFILE, EBUSY)
WRAP(int, -1, close_range, (unsigned a, unsigned b, int flags), (a, b, flags), ENOSYS, EMFILE)
WRAP(pid_t, -1, fork, (void), (), EAGAIN, ENOMEM)
WRAP(pid_t, -1, waitpid, (pid_t pid, int *status, int flags), (pid, status, flags), EINTR, ECHILD)
WRAP(pid_t, -1, setsid, (void), (), EPERM)
WRAP(int, -1, chdir, (const char *path), (path), EACCES)
WRAP(int, -1, eventfd, (unsigned n, int flags), (n, flags), EMFILE)
WRAP(int, -1, timerfd_create, (int clock, int flags), (clock, flags), EMFILE)
WRAP(int, -1, epoll_create1, (int flags), (flags), EMFILE)
WRAP(int, -1, epoll_ctl, (int e, int op, int fd, struct epoll_event *ev), (e, op, fd, ev), ENOSPC, ENOMEM)
WRAP(int, -1, getrlimit, (__rlimit_resource_t what, struct rlimit *r), (what, r), EPERM)
WRAP(int, -1, setrlimit, (__rlimit_resource_t what, const struct rlimit *r), (what, r), EPERM)
WRAP(ssize_t, -1, getrandom, (void *p, size_t n, unsigned flags), (p, n, flags), ENOSYS, EAGAIN)
WRAP(void *, MAP_FAILED, mmap, (void *at, size_t n, int prot, int flags, int fd, off_t off), (at, n, prot, flags, fd, off), ENOMEM, ENODEV)
WRAP(DIR *, NULL, opendir, (const char *path), (path), EMFILE, EACCES)
WRAP(DIR *, NULL, fdopendir, (int fd), (fd), ENOMEM)
WRAP(struct dirent *, NULL, readdir, (DIR *d), (d), EIO)
WRAP(FILE *, NULL, fopen, (const char *path, const char *mode), (path, mode), EMFILE, EACCES)
WRAP(FILE *, NULL, fdopen, (int fd, const char *mode), (fd, mode), ENOMEM)
WRAP(int, err, pthread_create, (pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg), (t, a, fn, arg), EAGAIN)

/* Linux closes it whatever it says. */
int close(int fd);
int close(int fd)
{
	int err = fails_with(CALL, "close", ERRS(EIO));
	long r = syscall(SYS_close, fd);

	if (!err)
		return (int)r;
	errno = err;
	return -1;
}

#define OPEN_ERRS ERRS(EMFILE, EACCES, EIO)

static int open_any(const char *name, int dir, const char *path, int flags, mode_t mode)
{
	int err;
	long fd;

	look_for_mark(path);
	err = fails_with(CALL, name, OPEN_ERRS);
	if (err) {
		errno = err;
		return -1;
	}
	/* what the sanitizers know of a file they learn from its use */
	fd = syscall(SYS_openat, dir, path, flags, mode);
	return (int)fd;
}

static mode_t mode_of(int flags, va_list ap)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

#define OPEN(name)                                                                         \
	int name(const char *path, int flags, ...);                                        \
	int name(const char *path, int flags, ...)                                         \
	{                                                                                  \
		va_list ap;                                                                \
		mode_t mode;                                                               \
                                                                                           \
		va_start(ap, flags);                                                       \
		mode = mode_of(flags, ap);                                                 \
		va_end(ap);                                                                \
		return open_any("open", AT_FDCWD, path, flags, mode);                      \
	}
OPEN(open)
OPEN(open64)
OPEN(__open_2)
OPEN(__open64_2)

#define OPENAT(name)                                                                       \
	int name(int dir, const char *path, int flags, ...);                               \
	int name(int dir, const char *path, int flags, ...)                                \
	{                                                                                  \
		va_list ap;                                                                \
		mode_t mode;                                                               \
                                                                                           \
		va_start(ap, flags);                                                       \
		mode = mode_of(flags, ap);                                                 \
		va_end(ap);                                                                \
		return open_any("openat", dir, path, flags, mode);                         \
	}
OPENAT(openat)
OPENAT(openat64)
OPENAT(__openat_2)
OPENAT(__openat64_2)

/* The argument behind is a word, or there is none. */
#define WITH_WORD(type, name, first, ...)                                                  \
	int name(int fd, type how, ...);                                                   \
	int name(int fd, type how, ...)                                                    \
	{                                                                                  \
		int err = fails_with(CALL, first, ERRS(__VA_ARGS__));                      \
		static int (*next)(int, type, ...);                                        \
		va_list ap;                                                                \
		void *arg;                                                                 \
                                                                                           \
		va_start(ap, how);                                                         \
		arg = va_arg(ap, void *);                                                  \
		va_end(ap);                                                                \
		NEXT(name);                                                                \
		if (!err)                                                                  \
			return next(fd, how, arg);                                         \
		errno = err;                                                               \
		return -1;                                                                 \
	}
WITH_WORD(int, fcntl, "fcntl", EMFILE, EINVAL)
WITH_WORD(int, fcntl64, "fcntl", EMFILE, EINVAL)
WITH_WORD(unsigned long, ioctl, "ioctl", EBUSY, ENOMEM, EINVAL)

/* -- memory --------------------------------------------------------------------------------------------------------------- */

/* libc's own, which need no look-up (a look-up allocates); with the sanitizers theirs. Weak: NULL as long as we have not been relocated. */
#define ALLOCATOR(type, name, params)                                                      \
	extern type __libc_##name params __attribute__((weak));                            \
	extern type __interceptor_##name params __attribute__((weak));
ALLOCATOR(void *, malloc, (size_t n))
ALLOCATOR(void *, calloc, (size_t n, size_t size))
ALLOCATOR(void *, realloc, (void *p, size_t n))
ALLOCATOR(void, free, (void *p))

#define NEXT_ALLOCATOR(name) (starting ? NULL : __interceptor_##name ? __interceptor_##name : __libc_##name)

/* What is asked for before that: never given back. */
static _Alignas(max_align_t) char early[65536];
static size_t early_used;

static void *early_alloc(size_t n)
{
	size_t at = early_used;

	if (n > sizeof(early) - at - 16)
		return NULL;
	early_used = (at + n + 15) & ~(size_t)15;
	return early + at;
}

static bool is_early(const void *p)
{
	return (const char *)p >= early && (const char *)p < early + sizeof(early);
}

static bool no_memory(const char *name)
{
	if (!fails_with(MEMORY, name, ERRS(ENOMEM)))
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t n)
{
	if (no_memory("malloc"))
		return NULL;
	return NEXT_ALLOCATOR(malloc) ? NEXT_ALLOCATOR(malloc)(n) : early_alloc(n);
}

void *calloc(size_t n, size_t size)
{
	if (no_memory("calloc"))
		return NULL;
	return NEXT_ALLOCATOR(calloc) ? NEXT_ALLOCATOR(calloc)(n, size) : early_alloc(n * size);
}

void *realloc(void *p, size_t n)
{
	void *q;

	if (n && no_memory("realloc"))
		return NULL;
	if (!is_early(p) && NEXT_ALLOCATOR(realloc))
		return NEXT_ALLOCATOR(realloc)(p, n);
	q = NEXT_ALLOCATOR(malloc) ? NEXT_ALLOCATOR(malloc)(n) : early_alloc(n);
	for (size_t i = 0; q && p && i < n && is_early((char *)p + i); i++)
		((char *)q)[i] = ((char *)p)[i];
	return q;
}

void free(void *p)
{
	if (p && !is_early(p) && NEXT_ALLOCATOR(free))
		NEXT_ALLOCATOR(free)(p);
}

void *reallocarray(void *p, size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(p, all);
}
