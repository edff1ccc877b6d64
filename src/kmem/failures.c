// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmem/failures.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "kmem/kmem.h"
#include "kmem/traced-fd.h"
#include "kmem/tracefs.h"

/*
 * Entries of all calls are written, since it is not known then which will fail; the kernel makes text of them when they are read, which
 * costs more than all else. So they stay in the ring, where later ones overwrite them, until a second instance, which has the calls that
 * failed and nothing else, tells that there is something to read. That one has everybody's, which are few: to have two instances follow
 * processes makes the kernel patch the scheduler while it runs through the place, which emulators are known to get wrong.
 */
struct failure_probes {
	struct tracefs fs;
	struct tracefs bell; /* its events are those of @fs */
	struct failure_log rung;
};

static bool has_all(const struct ktypes *t, const enum kfield *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!t->field[v[i]].size)
			return false;
	return true;
}

/* Where names are, as expressions of the probe language; nothing where this kernel's types do not tell. */
static void arguments(const struct ktypes *t, enum watched_args what, char *buf, size_t len)
{
	static const enum kfield device[] = { KF_DEVICE_KOBJ, KF_KOBJ_NAME };
	static const enum kfield file[] = { KF_DEVICE_KOBJ, KF_KOBJ_NAME, KF_VDEV_DEV, KF_VDF_DEVICE, KF_FILE_PRIVATE };
	static const enum kfield group[] = { KF_GROUP_ID };
#define AT(f) t->field[KF_##f].offset
	unsigned name = AT(DEVICE_KOBJ) + AT(KOBJ_NAME);

	buf[0] = '\0';
	/* words of the caller's structure: where a mapping is asked for (see add_words()) */
	if (what == WATCH_IOCTL)
		snprintf(buf, len, "cmd=$arg2:x32 w2=+u16($arg3):x64 w3=+u24($arg3):x64 w4=+u32($arg3):x64");
	if (what == WATCH_DEVICE_IOCTL)
		snprintf(buf, len, "cmd=$arg2:x32");
	if (what == WATCH_DEVICE_IOCTL && has_all(t, file, ARRAY_SIZE(file)))
		snprintf(buf, len, "cmd=$arg2:x32 dev=+0(+%u(+%u(+%u(+%u($arg1))))):string", name, AT(VDEV_DEV), AT(VDF_DEVICE), AT(FILE_PRIVATE));
	else if ((what == WATCH_DEVICE || what == WATCH_DEVICE_2) && has_all(t, device, ARRAY_SIZE(device)))
		snprintf(buf, len, "dev=+0(+%u($arg%d)):string", name, what == WATCH_DEVICE ? 1 : 2);
	else if (what == WATCH_GROUP && has_all(t, group, ARRAY_SIZE(group)))
		snprintf(buf, len, "group=+%u($arg1):s32", AT(GROUP_ID));
#undef AT
}

static int add_one(const struct failure_probes *p, const struct ktypes *t, const struct watched_function *f)
{
	char event[128], args[384];
	int r;

	snprintf(event, sizeof(event), "r_%s", f->name);
	snprintf(args, sizeof(args), "ret=$retval:s%d%s", f->pointer ? 64 : 32, f->outer ? " task=$comm" : "");
	r = tracefs_add_probe(&p->fs, 'r', event, f->name, args);
	if (r < 0 || f->args == WATCH_NOTHING)
		return r;
	snprintf(event, sizeof(event), "e_%s", f->name);
	arguments(t, f->args, args, sizeof(args));
	r = tracefs_add_probe(&p->fs, 'p', event, f->name, args);
	if (r == -EINVAL && f->args == WATCH_IOCTL) /* probes read the caller's memory since 5.4 */
		r = tracefs_add_probe(&p->fs, 'p', event, f->name, "cmd=$arg2:x32");
	return r;
}

/* Not every kernel has every function: some are static and inlined, some came later. */
static int add_probes(struct ctx *ctx, const struct failure_probes *p, const struct watched_function *v, size_t n, size_t *ret_n)
{
	struct ktypes types = { 0 };
	int err = 0;

	(void)kmem_types("", &types); /* without, failures have no device's name */
	*ret_n = 0;
	for (size_t i = 0; i < n; i++) {
		int r = add_one(p, &types, &v[i]);

		*ret_n += r == 0;
		err = r < 0 ? r : err;
	}
	ktypes_free(&types);
	if (*ret_n)
		return 0;
	if (err == -EPERM)
		return tracefs_cannot(ctx, "lockdown", &p->fs, EPERM, "the kernel refuses probes: it is locked down (confidentiality)", NULL);
	return tracefs_cannot(ctx, "no-probe", &p->fs, err == -EACCES ? EACCES : EOPNOTSUPP,
			      "no return probe can be set on any of the functions: a kernel without kretprobes, VFIO and iommufd", NULL);
}

#define FAILED "ret < 0 && ret >= -4095"

/* Failures alone. Kernels that know no such filter report all, and the reader passes over the rest. */
static void filter_returns(const struct failure_probes *p, const struct watched_function *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)tracefs_write_own(&p->fs, FAILED, "events/%s/r_%s/filter", p->fs.name, v[i].name);
}

static int follow(struct ctx *ctx, const struct failure_probes *p, pid_t pid)
{
	_cleanup_strbuf_ struct strbuf pids = { 0 };
	pid_t *tids = NULL;
	size_t n = pid ? traced_threads(pid, &tids) : 0;
	int r;

	if (pid && !n)
		return ctx_error(ctx, NOTE(.code = "no-process", .err = ESRCH), "process %d", (int)pid);
	strbuf_printf(&pids, "%d", (int)(pid ? pid : getpid()));
	for (size_t i = 0; i < n; i++)
		strbuf_printf(&pids, " %d", (int)tids[i]);
	free(tids);
	(void)tracefs_write_own(&p->fs, "1", "options/event-fork");
	r = tracefs_write_own(&p->fs, strbuf_str(&pids), "set_event_pid");
	return r < 0 ? tracefs_cannot(ctx, "no-instance", &p->fs, -r, "this kernel cannot trace one process alone", NULL) : 0;
}

/* The results of the calls themselves, if they failed. */
static void hang_bell(const struct failure_probes *p, const struct watched_function *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!v[i].outer)
			continue;
		(void)tracefs_write_own(&p->bell, FAILED, "events/%s/r_%s/filter", p->fs.name, v[i].name);
		(void)tracefs_write_own(&p->bell, "1", "events/%s/r_%s/enable", p->fs.name, v[i].name);
	}
}

int failure_probes_start(struct ctx *ctx, const struct watched_function *v, size_t n, pid_t pid, struct failure_probes **ret, size_t *ret_n)
{
	_cleanup_(cleanup_failure_probes_stop) struct failure_probes *p = must_calloc(1, sizeof(*p));
	int r;

	r = tracefs_open(ctx, "why", "watching which functions fail", &p->fs);
	if (r == 0)
		r = add_probes(ctx, p, v, n, ret_n);
	if (r == 0)
		r = tracefs_make_instance(ctx, &p->fs);
	if (r == 0)
		r = tracefs_open(ctx, "bell", p->fs.doing, &p->bell);
	if (r == 0)
		r = tracefs_make_instance(ctx, &p->bell);
	if (r == 0)
		r = follow(ctx, p, pid);
	if (r < 0)
		return r;
	p->rung.functions = v;
	p->rung.n = n;
	filter_returns(p, v, n);
	hang_bell(p, v, n);
	r = tracefs_enable_probes(&p->fs, true);
	if (r < 0)
		return tracefs_cannot(ctx, "no-probe", &p->fs, -r, "the probes cannot be switched on", NULL);
	*ret = p;
	p = NULL;
	return 0;
}

int failure_probes_fd(const struct failure_probes *p)
{
	return p->bell.pipe;
}

/* -- reading ------------------------------------------------------------------------------------------------------------ */

static int drain(int fd, struct failure_log *log)
{
	char buf[8192];

	for (;;) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 || errno == EAGAIN ? 0 : -errno;
		failure_log_text(log, buf, (size_t)n);
	}
}

int failure_probes_read(struct failure_probes *p, struct failure_log *log)
{
	size_t before = p->rung.v.n;
	int r = drain(p->bell.pipe, &p->rung);

	return r == 0 && p->rung.v.n > before ? drain(p->fs.pipe, log) : r;
}

int failure_probes_read_rest(struct failure_probes *p, struct failure_log *log)
{
	int r = failure_probes_read(p, log);

	/* what had rung was perhaps not written down everywhere yet */
	return r == 0 && p->rung.v.n ? drain(p->fs.pipe, log) : r;
}

static int by_pid(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

size_t failure_probes_rung(const struct failure_probes *p, const struct failure_log *log)
{
	int64_t *ours = must_calloc(log->v.n + 1, sizeof(*ours));
	const struct failure_event *e;
	size_t n = 0;

	for (size_t i = 0; i < log->v.n; i++)
		ours[i] = log->v.v[i].pid;
	qsort(ours, log->v.n, sizeof(*ours), by_pid);
	vec_for_each(e, &p->rung.v)
		n += bsearch(&e->pid, ours, log->v.n, sizeof(*ours), by_pid) != NULL;
	free(ours);
	return n;
}

void failure_probes_stop(struct failure_probes *p)
{
	if (!p)
		return;
	tracefs_enable_probes(&p->fs, false);
	/* probes cannot go while an instance has them on */
	tracefs_close(&p->bell);
	tracefs_close(&p->fs);
	failure_log_free(&p->rung);
	free(p);
}
