// SPDX-License-Identifier: GPL-2.0-or-later
/* The kprobes: made, read and taken away. */
#include "kmem/probes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "kmem/kmem.h"

#define PREFIX "iommuctl_owner_"

struct probes {
	const char *tracefs;
	char name[64]; /* of the instance, and of the group of events */
	int pipe;
	bool instance;
};

/* What is watched. Arguments: D of a struct device, G of a struct iommu_group, R the return value. */
static const struct {
	const char *event, *function;
	char arguments;
	bool needed;
} wanted[] = {
	{ "use", "iommu_device_use_default_domain", 'D', true },
	{ "use_ret", "iommu_device_use_default_domain", 'R', true },
	{ "unuse", "iommu_device_unuse_default_domain", 'D', true },
	{ "claim", "iommu_device_claim_dma_owner", 'D', false }, /* after 6.1 */
	{ "claim_ret", "iommu_device_claim_dma_owner", 'R', false },
	{ "release", "iommu_device_release_dma_owner", 'D', false },
	{ "group_claim", "iommu_group_claim_dma_owner", 'G', true },
	{ "group_claim_ret", "iommu_group_claim_dma_owner", 'R', true },
	{ "group_release", "iommu_group_release_dma_owner", 'G', true },
};

/* -- small writes ------------------------------------------------------------------------------------------------------ */

static int write_file(int dir, const char *path, int flags, const char *text)
{
	_cleanup_close_ int fd = openat(dir, path, O_WRONLY | O_CLOEXEC | flags);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static _printf_(3, 4) int write_tracefs(const char *tracefs, const char *text, const char *fmt, ...)
{
	char path[SRC_PATH_MAX], rest[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(rest, sizeof(rest), fmt, ap);
	va_end(ap);
	pathf(path, sizeof(path), "%s/%s", tracefs, rest);
	return write_file(AT_FDCWD, path, streq(rest, "kprobe_events") ? O_APPEND : 0, text);
}

/* -- what earlier runs left -------------------------------------------------------------------------------------------- */

/* Whether the run behind "iommuctl_owner_4711" is still there. */
static bool still_runs(const char *name)
{
	uint64_t pid;

	if (parse_u64(name + strlen(PREFIX), &pid) < 0 || pid > INT32_MAX)
		return true; /* not one of ours */
	return (pid_t)pid != getpid() && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

static void remove_instance(const char *tracefs, const char *name)
{
	char path[SRC_PATH_MAX];

	write_tracefs(tracefs, "0", "instances/%s/events/%s/enable", name, name);
	pathf(path, sizeof(path), "%s/instances/%s", tracefs, name);
	rmdir(path); /* busy while somebody reads it: then it is not ours to take */
}

static void remove_events(const char *tracefs, const char *group)
{
	char text[512];

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		snprintf(text, sizeof(text), "-:%s/%s\n", group, wanted[i].event);
		write_tracefs(tracefs, text, "kprobe_events");
	}
}

static void clean_instances(const char *tracefs)
{
	char path[SRC_PATH_MAX];
	struct dirent *e;
	DIR *d;

	pathf(path, sizeof(path), "%s/instances", tracefs);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (strstarts(e->d_name, PREFIX) && !still_runs(e->d_name))
			remove_instance(tracefs, e->d_name);
	if (d)
		closedir(d);
}

/* Groups of events are folders, too, once their instances are gone nobody uses those of dead runs. */
static void clean_events(const char *tracefs)
{
	char path[SRC_PATH_MAX];
	struct dirent *e;
	DIR *d;

	pathf(path, sizeof(path), "%s/events", tracefs);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (strstarts(e->d_name, PREFIX) && !still_runs(e->d_name))
			remove_events(tracefs, e->d_name);
	if (d)
		closedir(d);
}

/* -- starting ----------------------------------------------------------------------------------------------------------- */

static int cannot(struct ctx *ctx, const char *code, int err, const char *why, const char *hint)
{
	return ctx_error(ctx, NOTE(.code = code, .err = err, .why = why, .hint = hint), "watching the groups' owners");
}

static int find_tracefs(struct ctx *ctx, const char **ret)
{
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	int err = ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char path[SRC_PATH_MAX];

		pathf(path, sizeof(path), "%s/kprobe_events", places[i]);
		if (access(path, W_OK) == 0) {
			*ret = places[i];
			return 0;
		}
		err = errno == ENOENT ? err : errno;
	}
	if (err == ENOENT)
		return cannot(ctx, "no-tracefs", EOPNOTSUPP,
			      "there is no kprobe_events below /sys/kernel/tracing: tracefs is not mounted, or the kernel has no kprobe events",
			      "mount -t tracefs tracefs /sys/kernel/tracing");
	return cannot(ctx, "tracefs-permission", err, "only root may set probes", "run this as root");
}

/* Where the members are, as an expression of the probe language. */
static void arguments(const struct ktypes *t, char kind, char *buf, size_t len)
{
#define AT(f) t->field[KF_##f].offset
	if (kind == 'R')
		snprintf(buf, len, "ret=$retval:s32");
	else if (kind == 'G')
		snprintf(buf, len, "grp=$arg1:x64 group=+%u($arg1):s32 count=+%u($arg1):u32 task=$comm", AT(GROUP_ID), AT(GROUP_OWNER_CNT));
	else
		snprintf(buf, len,
			 "grp=+%u($arg1):x64 group=+%u(+%u($arg1)):s32 count=+%u(+%u($arg1)):u32 dev=+0(+%u($arg1)):string "
			 "drv=+0(+%u(+%u($arg1))):string task=$comm",
			 AT(DEVICE_GROUP), AT(GROUP_ID), AT(DEVICE_GROUP), AT(GROUP_OWNER_CNT), AT(DEVICE_GROUP),
			 AT(DEVICE_KOBJ) + AT(KOBJ_NAME), AT(DRIVER_NAME), AT(DEVICE_DRIVER));
#undef AT
}

static int make_events(struct ctx *ctx, struct probes *p, const struct ktypes *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		char args[384], text[640];
		int r;

		arguments(t, wanted[i].arguments, args, sizeof(args));
		snprintf(text, sizeof(text), "%c:%s/%s %s %s\n", wanted[i].arguments == 'R' ? 'r' : 'p', p->name, wanted[i].event,
			 wanted[i].function, args);
		r = write_tracefs(p->tracefs, text, "kprobe_events");
		if (r == -EPERM)
			return cannot(ctx, "lockdown", EPERM, "the kernel refuses probes: it is locked down (confidentiality)", NULL);
		if (r < 0 && wanted[i].needed)
			return cannot(ctx, "no-probe", -r == EACCES ? EACCES : EOPNOTSUPP,
				      arena_printf(&ctx->arena, "no probe can be set on %s: %s", wanted[i].function, err_text(-r)),
				      NULL);
	}
	return 0;
}

static void set_up_instance(const struct probes *p)
{
	write_tracefs(p->tracefs, "mono", "instances/%s/trace_clock", p->name);
	write_tracefs(p->tracefs, "0", "instances/%s/buffer_percent", p->name);
	/* who called: on the calls, not on their returns; without it the ledger is as true, only less telling */
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (wanted[i].arguments != 'R')
			write_tracefs(p->tracefs, "stacktrace", "instances/%s/events/%s/%s/trigger", p->name, p->name,
				      wanted[i].event);
}

static int make_instance(struct ctx *ctx, struct probes *p)
{
	char path[SRC_PATH_MAX];

	pathf(path, sizeof(path), "%s/instances/%s", p->tracefs, p->name);
	if (mkdir(path, 0700) < 0)
		return cannot(ctx, "no-instance", errno, "a tracing instance cannot be made", NULL);
	p->instance = true;
	set_up_instance(p);
	pathf(path, sizeof(path), "%s/instances/%s/trace_pipe", p->tracefs, p->name);
	p->pipe = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return p->pipe < 0 ? cannot(ctx, "no-instance", errno, "its trace cannot be opened", NULL) : 0;
}

static int needed_types(struct ctx *ctx, struct ktypes *t)
{
	static const enum kfield needed[] = { KF_DEVICE_GROUP, KF_DEVICE_KOBJ, KF_KOBJ_NAME, KF_DEVICE_DRIVER,
					      KF_DRIVER_NAME,  KF_GROUP_ID,    KF_GROUP_OWNER_CNT };
	int r = kmem_types("", t);

	if (r < 0)
		return cannot(ctx, "no-btf", EOPNOTSUPP,
			      "the kernel's type information, /sys/kernel/btf/vmlinux, is not there (CONFIG_DEBUG_INFO_BTF) or cannot be read",
			      NULL);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!t->field[needed[i]].size)
			return cannot(ctx, "no-member", EOPNOTSUPP,
				      arena_printf(&ctx->arena, "this kernel has no %s of the kind we know", kfield_name(needed[i])), NULL);
	return 0;
}

int probes_start(struct ctx *ctx, struct probes **ret)
{
	_cleanup_(cleanup_probes_stop) struct probes *p = NULL;
	struct ktypes types = { 0 };
	const char *tracefs = NULL;
	int r = find_tracefs(ctx, &tracefs);

	if (r < 0)
		return r;
	clean_instances(tracefs);
	clean_events(tracefs);
	p = calloc(1, sizeof(*p));
	if (!p)
		abort();
	p->tracefs = tracefs;
	p->pipe = -1;
	snprintf(p->name, sizeof(p->name), PREFIX "%d", (int)getpid());
	r = needed_types(ctx, &types);
	if (r == 0)
		r = make_events(ctx, p, &types);
	ktypes_free(&types);
	if (r == 0)
		r = make_instance(ctx, p);
	if (r < 0)
		return r;
	r = write_tracefs(tracefs, "1", "instances/%s/events/%s/enable", p->name, p->name);
	if (r < 0)
		return cannot(ctx, "no-probe", -r, "the probes cannot be switched on", NULL);
	*ret = p;
	p = NULL;
	return 0;
}

/* -- reading and ending --------------------------------------------------------------------------------------------------- */

int probes_fd(const struct probes *p)
{
	return p->pipe;
}

int probes_read(struct probes *p, struct probe_log *log, int save_fd)
{
	char buf[8192];

	for (;;) {
		ssize_t n = read(p->pipe, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 || errno == EAGAIN ? 0 : -errno;
		probe_log_text(log, buf, (size_t)n);
		if (save_fd >= 0 && write(save_fd, buf, (size_t)n) != n)
			return -EIO;
	}
}

void probes_pause(struct probes *p)
{
	write_tracefs(p->tracefs, "0", "instances/%s/events/%s/enable", p->name, p->name);
}

void probes_stop(struct probes *p)
{
	if (!p)
		return;
	if (p->instance)
		probes_pause(p);
	if (p->pipe >= 0)
		close(p->pipe);
	if (p->instance)
		remove_instance(p->tracefs, p->name);
	remove_events(p->tracefs, p->name);
	free(p);
}
