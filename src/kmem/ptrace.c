// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmem/ptrace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "abi/iommufd.h"
#include "base/str.h"
#include "base/vec.h"
#include "kmem/call-ring.h"
#include "kmem/traced-command.h"
#include "kmem/traced-fd.h"

/* The kernel's struct ptrace_syscall_info (include/uapi/linux/ptrace.h); glibc's name for it differs between versions. */
struct syscall_info {
	uint8_t op;
	uint8_t pad[3];
	uint32_t arch;
	uint64_t instruction_pointer, stack_pointer;
	union {
		struct {
			uint64_t nr, args[6];
		} entry; /* and of seccomp */
		struct {
			int64_t rval;
			uint8_t is_error;
		} exit;
	};
};

enum { OP_ENTRY = 1, OP_EXIT = 2, OP_SECCOMP = 3 };

#define GET_SYSCALL_INFO 0x420e

#define FOLLOW (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC)

/* Calls from the ring between two looks at our threads. */
#define RING_SHARE 8192

struct tracee {
	pid_t tid, pid;
	bool in_call;  /* ours: the next system call stop is its return */
	bool leaving;
	bool told; /* a call of it came from the ring since it was last interrupted */
	struct tracee *next; /* in its bucket */
	struct traced_call call;
	unsigned char in[TRACED_BYTES], out[TRACED_BYTES], behind[TRACED_BYTES];
};

struct tracer {
	struct ctx *ctx;
	const struct tracer_options *o;
	struct traced_fds fds;
	struct tracee *buckets[1024];
	size_t n;
	struct call_ring *ring; /* tells the calls; NULL: threads stop at them */
	bool filter;		/* for our ioctls alone */
	uint64_t began;		/* of the monotonic clock */
	struct traced_signals signals;
	bool silent; /* the time is over */
	bool leaving;
	bool said_rights;
	pid_t child;
	int status;
	uint64_t unseen; /* threads that the ring has no room for */
};

/* What ended or interrupts us; set by handlers. */
static volatile sig_atomic_t got_signal, got_alarm;

/* -- threads ----------------------------------------------------------------------------------------------------------- */

static struct tracee **place(struct tracer *t, pid_t tid)
{
	struct tracee **p = &t->buckets[(unsigned)tid % ARRAY_SIZE(t->buckets)];

	while (*p && (*p)->tid != tid)
		p = &(*p)->next;
	return p;
}

static struct tracee *tracee_of(struct tracer *t, pid_t tid)
{
	struct tracee **p = place(t, tid);

	if (!*p) {
		*p = must_calloc(1, sizeof(**p));
		(*p)->tid = tid;
		(*p)->pid = traced_process(tid);
		t->n++;
		if (t->ring && call_ring_add(t->ring, tid) < 0)
			t->unseen++;
	}
	return *p;
}

static void tell(struct tracer *t, const struct traced_call *c)
{
	if (!t->silent)
		t->o->call(c, t->o->arg);
}

static void finish_call(struct tracer *t, struct tracee *e)
{
	if (e->in_call)
		tell(t, &e->call);
	e->in_call = false;
}

/* How much of what is behind the pointer is the call's: the structures say. */
static size_t length_behind(const struct traced_call *c)
{
	struct iommu_hwpt_alloc alloc = { 0 };
	struct iommu_hwpt_invalidate entries = { 0 };
	struct iommu_ioas_allow_iovas ranges = { 0 };

	switch (c->cmd) {
	case IOMMU_HWPT_ALLOC:
		memcpy(&alloc, c->in, MIN(c->n_in, sizeof(alloc)));
		return alloc.data_len;
	case IOMMU_HWPT_INVALIDATE:
		memcpy(&entries, c->in, MIN(c->n_in, sizeof(entries)));
		return (size_t)entries.entry_len * MIN(entries.entry_num, (uint32_t)TRACED_BYTES);
	case IOMMU_IOAS_ALLOW_IOVAS:
		memcpy(&ranges, c->in, MIN(c->n_in, sizeof(ranges)));
		return 16 * (size_t)MIN(ranges.num_iovas, (uint32_t)TRACED_BYTES);
	default:
		return 0;
	}
}

/* -- calls from the ring ------------------------------------------------------------------------------------------------- */

static void from_ring(const struct ring_call *r, void *arg)
{
	struct tracer *t = arg;
	struct tracee *e = *place(t, r->tid);
	struct traced_call c = {
		.pid = r->pid, .tid = r->tid, .start = r->start - t->began, .took = r->end - r->start, .fd = r->fd, .cmd = r->cmd, .arg = r->arg, .compat = r->compat,
		.in = r->in, .out = r->out, .behind = r->behind, .n_in = r->n_in, .n_out = r->n_out, .n_behind = r->n_behind, .returned = r->end != 0,
		.ret = r->ret,
	};

	if (e)
		e->told = true;
	if (t->silent)
		return;
	c.kind = traced_fd_past(&t->fds, r, &c.name);
	if (c.kind == TRACED_OTHER)
		return;
	c.n_behind = MIN(c.n_behind, length_behind(&c));
	if (c.returned)
		traced_fd_returned(&t->fds, &c);
	tell(t, &c);
}

static void read_ring(struct tracer *t)
{
	if (t->ring)
		call_ring_read(t->ring, SIZE_MAX, from_ring, t);
}

/* A thread is gone; one that a command's time ends for may be inside of a call. */
static void leave_ring(struct tracer *t, const struct tracee *e)
{
	struct ring_call r;

	if (!t->ring || !call_ring_drop(t->ring, e->tid, &r))
		return;
	r.pid = e->pid;
	from_ring(&r, t);
}

static void forget(struct tracer *t, pid_t tid)
{
	struct tracee **p = place(t, tid), *e = *p;

	if (!e)
		return;
	finish_call(t, e); /* it never came back */
	leave_ring(t, e);
	if (e->pid == tid)
		traced_fds_forget(&t->fds, tid);
	*p = e->next;
	free(e);
	t->n--;
}

/* -- one system call --------------------------------------------------------------------------------------------------- */

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Kernels without CONFIG_CROSS_MEMORY_ATTACH: by the thread's memory as a file. */
static size_t peek_file(pid_t tid, uint64_t addr, void *buf, size_t len)
{
	_cleanup_close_ int fd = -1;
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : pread(fd, buf, len, (off_t)addr);
	return n > 0 ? (size_t)n : 0;
}

/* At most @len bytes of the calling thread's memory; how many there were. */
static size_t peek(const struct traced_call *c, uint64_t addr, void *buf, size_t len)
{
	/* a page at a time: what lies behind the end of memory must not cost what lies before it */
	size_t first = MIN(len, 4096 - addr % 4096);
	struct iovec to = { buf, len };
	struct iovec from[2] = { { (void *)(uintptr_t)addr, first }, { (void *)(uintptr_t)(addr + first), len - first } };
	ssize_t n = addr && len ? process_vm_readv(c->tid, &to, 1, from, len > first ? 2 : 1, 0) : 0;

	if (n < 0 && errno == ENOSYS)
		return peek_file(c->tid, addr, buf, len);
	return n > 0 ? (size_t)n : 0;
}

static bool is_ioctl(const struct syscall_info *i, bool *ret_compat)
{
	*ret_compat = i->arch == AUDIT_ARCH_I386 || i->arch == AUDIT_ARCH_ARM;
	switch (i->arch) {
	case AUDIT_ARCH_X86_64:
		return i->entry.nr == 16 || i->entry.nr == 0x40000202;
	case AUDIT_ARCH_I386:
	case AUDIT_ARCH_ARM:
		return i->entry.nr == 54;
	default:
		return i->entry.nr == __NR_ioctl;
	}
}

static void peek_behind(struct tracee *e)
{
	struct traced_call *c = &e->call;
	size_t at = call_pointer(c->cmd), len = length_behind(c);
	uint64_t addr;

	if (!len || at + sizeof(addr) > c->n_in)
		return;
	memcpy(&addr, e->in + at, sizeof(addr));
	c->n_behind = peek(c, addr, e->behind, MIN(len, sizeof(e->behind)));
}

static void enter_call(struct tracer *t, struct tracee *e, const struct syscall_info *i)
{
	struct traced_call *c = &e->call;
	bool compat;

	if (t->silent || !is_ioctl(i, &compat) || (i->entry.args[1] & 0xff00) != TRACED_IOCTL_TYPE)
		return;
	*c = (struct traced_call){ .pid = e->pid, .tid = e->tid, .fd = (int)i->entry.args[0], .cmd = (uint32_t)i->entry.args[1],
				   .arg = compat ? (uint32_t)i->entry.args[2] : i->entry.args[2], .compat = compat,
				   .in = e->in, .out = e->out, .behind = e->behind };
	c->kind = traced_fd(&t->fds, e->pid, e->tid, c->fd, &c->name);
	if (c->kind == TRACED_OTHER)
		return;
	c->n_in = peek(c, c->arg, e->in, sizeof(e->in));
	peek_behind(e);
	e->in_call = true;
	c->start = now() - t->began;
}

static void leave_call(struct tracer *t, struct tracee *e, const struct syscall_info *i)
{
	struct traced_call *c = &e->call;

	if (!e->in_call)
		return;
	c->took = now() - t->began - c->start;
	c->returned = true;
	c->ret = i->exit.rval;
	c->n_out = peek(c, c->arg, e->out, sizeof(e->out));
	traced_fd_returned(&t->fds, c);
	finish_call(t, e);
}

static void system_call(struct tracer *t, struct tracee *e)
{
	struct syscall_info i = { 0 };

	if (ptrace((enum __ptrace_request)GET_SYSCALL_INFO, e->tid, sizeof(i), &i) <= 0)
		return;
	if (i.op == OP_EXIT)
		leave_call(t, e, &i);
	else if (i.op == OP_SECCOMP || (i.op == OP_ENTRY && !t->filter))
		enter_call(t, e, &i);
}

/* -- stops --------------------------------------------------------------------------------------------------------------- */

static void caught_up(struct tracer *t)
{
	if (t->o->caught_up)
		t->o->caught_up(t->o->arg);
}

static void resume(struct tracer *t, struct tracee *e, int sig)
{
	bool stops_at_all = !t->ring && !t->filter;

	caught_up(t);
	if (e->leaving)
		ptrace(PTRACE_DETACH, e->tid, NULL, (void *)(intptr_t)sig);
	else
		ptrace(stops_at_all || e->in_call ? PTRACE_SYSCALL : PTRACE_CONT, e->tid, NULL, (void *)(intptr_t)sig);
	if (e->leaving)
		forget(t, e->tid);
}

static bool stops_groups(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

/*
 * A set-user-ID program that is traced by somebody without the right to trace its owner's processes starts without the bit
 * (security/commoncap.c, cap_bprm_creds_from_file()), and so does one that promised never to gain rights, as our filter wants of us. What
 * fails then is not what would fail otherwise: that is said once.
 */
static void look_at_rights(struct tracer *t, pid_t tid)
{
	char link[64], path[512];
	struct stat st;
	uid_t euid;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)tid);
	if (t->said_rights || stat(link, &st) < 0 || !(st.st_mode & S_ISUID))
		return;
	n = readlink(link, path, sizeof(path) - 1);
	path[MAX(n, 0)] = '\0';
	if (traced_euid(tid, &euid) < 0 || euid == st.st_uid)
		return;
	t->said_rights = true;
	ctx_note(t->ctx, (struct note){ .level = NOTE_WARNING, .code = "no-setuid", .err = EPERM, .where = path,
					.why = "the kernel lets nobody but root watch what gains rights",
					.hint = "run iommuctl as root, and the program as its user: setpriv --reuid USER PROGRAM" },
		 "%s: its set-user-ID bit has no effect while it is watched", path);
}

/* exec by a thread: it goes on under its process's number, and all others are gone. */
static void after_exec(struct tracer *t, struct tracee *e)
{
	unsigned long former = 0;

	ptrace(PTRACE_GETEVENTMSG, e->tid, NULL, &former);
	finish_call(t, e);
	traced_fds_forget(&t->fds, e->pid);
	if (former && (pid_t)former != e->tid)
		forget(t, (pid_t)former);
}

static void stopped(struct tracer *t, pid_t tid, int status)
{
	struct tracee *e = tracee_of(t, tid);
	int sig = WSTOPSIG(status), event = status >> 16;

	e->leaving = t->leaving;
	if (sig == (SIGTRAP | 0x80)) {
		system_call(t, e);
		sig = 0;
	} else if (event == PTRACE_EVENT_SECCOMP) {
		system_call(t, e);
		sig = 0;
	} else if (event == PTRACE_EVENT_STOP) {
		if (stops_groups(sig) && !e->leaving) {
			ptrace(PTRACE_LISTEN, tid, NULL, NULL);
			return;
		}
		sig = 0;
	} else if (event) {
		/* while its descriptors can be looked at still */
		if (event == PTRACE_EVENT_EXIT || event == PTRACE_EVENT_EXEC)
			read_ring(t);
		if (event == PTRACE_EVENT_EXEC) {
			after_exec(t, e);
			look_at_rights(t, e->tid);
		}
		sig = 0;
	}
	resume(t, e, sig);
}

static void each_tracee(struct tracer *t, void (*fn)(struct tracee *e))
{
	for (size_t i = 0; i < ARRAY_SIZE(t->buckets); i++)
		for (struct tracee *e = t->buckets[i]; e; e = e->next)
			fn(e);
}

static void interrupt_one(struct tracee *e)
{
	ptrace(PTRACE_INTERRUPT, e->tid, NULL, NULL);
}

/* What came while we waited. A command goes on, unseen; a process is let go. */
static void look_at_signals(struct tracer *t)
{
	if (t->child && got_signal) {
		kill(t->child, got_signal);
		got_signal = 0;
	}
	if (got_alarm && t->child)
		t->silent = true;
	if (!t->child && !t->leaving && (got_signal || got_alarm)) {
		t->leaving = true;
		each_tracee(t, interrupt_one);
	}
}

/* Something happened to a thread. */
static void changed(struct tracer *t, pid_t tid, int status)
{
	if (WIFSTOPPED(status)) {
		stopped(t, tid, status);
		return;
	}
	read_ring(t);
	if (tid == t->child)
		t->status = status;
	forget(t, tid);
}

static void loop(struct tracer *t)
{
	while (t->n) {
		int status;
		pid_t tid = waitpid(-1, &status, __WALL);

		look_at_signals(t);
		if (tid < 0 && errno == EINTR)
			continue;
		if (tid < 0)
			return;
		changed(t, tid, status);
	}
}

static void do_nothing(int sig _unused_)
{
}

/* Signals interrupt the wait, and nothing else: one that comes between a look and a wait is not lost. */
static void hold_signals(sigset_t *ret_before)
{
	static const int sigs[] = { SIGCHLD, SIGALRM, SIGTERM, SIGHUP, SIGINT, SIGQUIT };
	struct sigaction sa = { .sa_handler = do_nothing };
	sigset_t held;

	sigemptyset(&held);
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++)
		sigaddset(&held, sigs[i]);
	sigprocmask(SIG_BLOCK, &held, ret_before);
	sigaction(SIGCHLD, &sa, NULL);
}

/* A thread that waits for something else is left in peace: an interrupted epoll_wait(2) says so to its caller. */
static void interrupt_if_told(struct tracee *e)
{
	if (e->told)
		interrupt_one(e);
	e->told = false;
}

/*
 * The same with a ring to read. Threads that fill it faster than we tell are stopped: while one stands, and the ring is read to its end, it
 * makes no more calls.
 */
static void loop_with_ring(struct tracer *t)
{
	struct timespec soon = { .tv_nsec = 100000000 }, at_once = { 0 };
	struct pollfd p = { .fd = call_ring_fd(t->ring), .events = POLLIN };
	sigset_t before;

	hold_signals(&before);
	while (t->n) {
		bool more = call_ring_read(t->ring, RING_SHARE, from_ring, t) == RING_SHARE;
		int status;
		pid_t tid;

		if (more)
			each_tracee(t, interrupt_if_told);
		caught_up(t);
		while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
			if (more)
				read_ring(t);
			changed(t, tid, status);
		}
		look_at_signals(t);
		if (tid < 0 || !t->n)
			break;
		ppoll(&p, 1, more ? &at_once : &soon, &before);
		look_at_signals(t);
	}
	read_ring(t);
	caught_up(t);
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Nothing is left out in silence. */
static void look_at_losses(struct tracer *t)
{
	uint64_t lost = call_ring_lost(t->ring);

	if (lost)
		ctx_note(t->ctx, (struct note){ .level = NOTE_WARNING, .code = "lost-calls", .err = ENOBUFS,
						.hint = "as another user than root it may not use BPF: then each call waits until it is told" },
			 "%llu calls came too fast to be told", (unsigned long long)lost);
	if (t->unseen)
		ctx_note(t->ctx, (struct note){ .level = NOTE_WARNING, .code = "lost-threads", .err = E2BIG, .why = "there are too many of them" },
			 "the calls of %llu threads are not told", (unsigned long long)t->unseen);
}

static void follow(struct tracer *t)
{
	if (!t->ring) {
		loop(t);
		return;
	}
	loop_with_ring(t);
	look_at_losses(t);
}

/* -- a command ------------------------------------------------------------------------------------------------------------- */

static int seize(pid_t tid, unsigned long options)
{
	return ptrace(PTRACE_SEIZE, tid, NULL, (void *)options) < 0 ? -errno : 0;
}

static int cannot_trace(struct ctx *ctx, int err, pid_t pid)
{
	const char *hint = NULL;

	if (err == -EPERM)
		hint = "run it as the process's user or as root; kernel.yama.ptrace_scope may forbid it, and a process can have one tracer only";
	return ctx_error(ctx, NOTE(.code = "ptrace", .err = -err, .hint = hint), "cannot trace process %d", (int)pid);
}

/* A thread that exits stops once more, with its descriptors still open. */
static unsigned long at_exit(const struct tracer *t)
{
	return t->ring ? PTRACE_O_TRACEEXIT : 0;
}

static int trace_command(struct tracer *t, struct traced_command *c)
{
	int r = seize(c->pid, FOLLOW | PTRACE_O_EXITKILL | (c->filter ? PTRACE_O_TRACESECCOMP : 0) | at_exit(t));

	if (r < 0)
		return cannot_trace(t->ctx, r, c->pid);
	tracee_of(t, c->pid);
	if (!c->filter && !t->ring)
		ptrace(PTRACE_INTERRUPT, c->pid, NULL, NULL); /* from there on it stops at system calls */
	traced_command_go(c);
	follow(t);
	r = traced_command_error(c);
	return r ? ctx_cannot_start(t->ctx, r, t->o->cmd[0]) : 0;
}

static int run_command(struct tracer *t)
{
	struct traced_command c = { .argv = t->o->cmd, .stdout_is_ours = t->o->stdout_is_ours, .signals = &t->signals };
	int r = traced_command_start(&c, !t->ring);

	if (r < 0)
		return ctx_cannot_start(t->ctx, -r, t->o->cmd[0]);
	t->child = c.pid;
	t->filter = c.filter;
	r = trace_command(t, &c);
	traced_command_end(&c);
	return r;
}

/* -- a process that runs ------------------------------------------------------------------------------------------------------- */

/* Threads may be born while we look: until a look finds no new one. */
static int seize_all(struct tracer *t, pid_t pid)
{
	size_t before;
	int r = 0;

	do {
		pid_t *tids;
		size_t n = traced_threads(pid, &tids);

		before = t->n;
		for (size_t i = 0; i < n; i++) {
			int e;

			if (*place(t, tids[i]))
				continue;
			e = seize(tids[i], FOLLOW | at_exit(t));
			if (e == 0) {
				tracee_of(t, tids[i]);
				if (!t->ring)
					ptrace(PTRACE_INTERRUPT, tids[i], NULL, NULL);
			} else if (e != -ESRCH || !t->n) {
				r = e;
			}
		}
		if (!n && !t->n)
			r = -ESRCH;
		free(tids);
	} while (r == 0 && t->n > before);
	return t->n ? 0 : r;
}

static int watch_process(struct tracer *t)
{
	int r = seize_all(t, t->o->pid);

	if (r < 0)
		return cannot_trace(t->ctx, r, t->o->pid);
	follow(t);
	return got_signal ? -EINTR : 0;
}

/* -- all together ---------------------------------------------------------------------------------------------------------------- */

static void take_signal(int sig)
{
	if (sig == SIGALRM)
		got_alarm = 1;
	else
		got_signal = sig;
}

/*
 * No restart: they end our wait. What a terminal sends (SIGINT, SIGQUIT) reaches a command by itself. SIGHUP that is ignored stays so
 * (nohup); SIGINT does not: jobs that a script starts with & are born with it ignored.
 */
static void catch_signals(bool has_command, struct traced_signals *before)
{
	struct sigaction sa = { .sa_handler = take_signal };

	got_signal = got_alarm = 0;
	for (size_t i = 0; i < ARRAY_SIZE(traced_signals); i++) {
		int sig = traced_signals[i];
		bool terminal = sig == SIGINT || sig == SIGQUIT;

		sigaction(sig, NULL, &before->old[i]);
		if (sig == SIGHUP && before->old[i].sa_handler == SIG_IGN)
			continue;
		sa.sa_handler = has_command && terminal ? SIG_IGN : take_signal;
		sigaction(sig, &sa, NULL);
	}
}

static void set_alarm(double seconds)
{
	/* again and again: one that comes between a look and a wait is not lost */
	struct itimerval it = { .it_value = { (time_t)seconds, (suseconds_t)((seconds - (double)(time_t)seconds) * 1e6) },
				.it_interval = { 0, 100000 } };

	if (seconds > 0)
		setitimer(ITIMER_REAL, &it, NULL);
}

int tracer_run(struct ctx *ctx, const struct tracer_options *o, int *ret_status)
{
	struct itimerval none = { 0 };
	struct tracer t = { .ctx = ctx, .o = o, .status = -1 };
	int r;

	if (call_ring_open(&t.ring) < 0)
		t.ring = NULL;
	t.began = now();
	catch_signals(o->cmd != NULL, &t.signals);
	set_alarm(o->seconds);
	r = o->cmd ? run_command(&t) : watch_process(&t);
	setitimer(ITIMER_REAL, &none, NULL);
	traced_signals_restore(&t.signals);
	for (size_t i = 0; i < ARRAY_SIZE(t.buckets); i++)
		while (t.buckets[i])
			forget(&t, t.buckets[i]->tid);
	call_ring_close(t.ring);
	traced_fds_free(&t.fds);
	*ret_status = t.status;
	return r;
}
