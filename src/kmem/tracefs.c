// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmem/tracefs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "source/source.h"

int tracefs_cannot(struct ctx *ctx, const char *code, const struct tracefs *t, int err, const char *why, const char *hint)
{
	return ctx_error(ctx, NOTE(.code = code, .err = err, .why = why, .hint = hint), "%s", t->doing);
}

/* -- files ------------------------------------------------------------------------------------------------------------- */

static void path_v(char *path, const char *root, const char *instance, const char *fmt, va_list ap)
{
	char rest[512];

	vsnprintf(rest, sizeof(rest), fmt, ap);
	if (instance)
		pathf(path, SRC_PATH_MAX, "%s/instances/%s/%s", root, instance, rest);
	else
		pathf(path, SRC_PATH_MAX, "%s/%s", root, rest);
}

static int write_path(const char *path, const char *text)
{
	/* kprobe_events is a list that everybody adds to: opening it to be truncated would empty it */
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC | (strends(path, "/kprobe_events") ? O_APPEND : 0));

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* Writes to a file below tracefs. Negative errno, not noted. */
static int tracefs_write(const struct tracefs *t, const char *text, const char *fmt, ...) _printf_(3, 4);
static int tracefs_write(const struct tracefs *t, const char *text, const char *fmt, ...)
{
	char path[SRC_PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	path_v(path, t->root, NULL, fmt, ap);
	va_end(ap);
	return write_path(path, text);
}

int tracefs_write_own(const struct tracefs *t, const char *text, const char *fmt, ...)
{
	char path[SRC_PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	path_v(path, t->root, t->name, fmt, ap);
	va_end(ap);
	return write_path(path, text);
}

bool tracefs_has(const struct tracefs *t, const char *fmt, ...)
{
	char path[SRC_PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	path_v(path, t->root, NULL, fmt, ap);
	va_end(ap);
	return access(path, F_OK) == 0;
}

static ssize_t read_path(const char *path, char *buf, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return n;
}

/* The file's text, cut to @size, NUL-terminated. Bytes read, or negative errno. */
static ssize_t tracefs_read(const struct tracefs *t, char *buf, size_t size, const char *fmt, ...) _printf_(4, 5);
static ssize_t tracefs_read(const struct tracefs *t, char *buf, size_t size, const char *fmt, ...)
{
	char path[SRC_PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	path_v(path, t->root, NULL, fmt, ap);
	va_end(ap);
	return read_path(path, buf, size);
}

/* -- who runs ---------------------------------------------------------------------------------------------------------- */

/* When a process began, in ticks since boot: with its id that names it for good. 0: there is none. (proc(5), stat.) */
static uint64_t start_of(uint64_t pid)
{
	char path[64], text[1024], *p, *save = NULL;
	uint64_t start = 0;

	snprintf(path, sizeof(path), "/proc/%u/stat", (unsigned)pid);
	if (read_path(path, text, sizeof(text)) <= 0)
		return 0;
	p = strrchr(text, ')'); /* a process may have any name */
	p = p ? strtok_r(p + 1, " ", &save) : NULL;
	for (int field = 3; p && field < 22; field++)
		p = strtok_r(NULL, " ", &save);
	return p && parse_u64(p, &start) == 0 ? start : 0;
}

/* Whether the run that made "iommuctl_owner_4711_88123" is over. A name of another form is not ours to judge. */
static bool run_is_over(const char *name)
{
	char copy[64];
	char *start, *pid;
	uint64_t p, s;

	if (!strstarts(name, TRACEFS_PREFIX) || strlen(name) >= sizeof(copy))
		return false;
	strcpy(copy, name);
	start = strrchr(copy, '_');
	*start++ = '\0';
	pid = strrchr(copy, '_');
	if (!pid || parse_u64(pid + 1, &p) < 0 || parse_u64(start, &s) < 0 || p > INT32_MAX)
		return false;
	return start_of(p) != s;
}

/* -- taking away ------------------------------------------------------------------------------------------------------- */

/* The kernel refuses while somebody has it open, and then it is not ours to take. */
static void remove_instance(const char *root, const char *name)
{
	char path[SRC_PATH_MAX];

	pathf(path, sizeof(path), "%s/instances/%s", root, name);
	rmdir(path);
}

/* A group of events is a folder with a folder for each. */
static void remove_probes(const char *root, const char *group)
{
	char path[SRC_PATH_MAX], text[512];
	struct dirent *e;
	DIR *d;

	pathf(path, sizeof(path), "%s/events/%s", root, group);
	d = opendir(path);
	if (!d)
		return;
	pathf(path, sizeof(path), "%s/kprobe_events", root);
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.' || e->d_type != DT_DIR)
			continue;
		snprintf(text, sizeof(text), "-:%s/%s\n", group, e->d_name);
		write_path(path, text);
	}
	closedir(d);
}

static void for_each_dead(const char *root, const char *folder, void (*take)(const char *root, const char *name))
{
	char path[SRC_PATH_MAX];
	struct dirent *e;
	DIR *d;

	pathf(path, sizeof(path), "%s/%s", root, folder);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (run_is_over(e->d_name))
			take(root, e->d_name);
	if (d)
		closedir(d);
}

void tracefs_close(struct tracefs *t)
{
	if (!t->root)
		return;
	if (t->pipe >= 0)
		close(t->pipe);
	t->pipe = -1;
	if (t->instance)
		remove_instance(t->root, t->name);
	t->instance = false;
	remove_probes(t->root, t->name);
}

/* -- making ------------------------------------------------------------------------------------------------------------ */

static int find_root(struct ctx *ctx, struct tracefs *t)
{
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	int err = ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char path[SRC_PATH_MAX];

		pathf(path, sizeof(path), "%s/kprobe_events", places[i]);
		if (access(path, W_OK) == 0) {
			t->root = places[i];
			return 0;
		}
		err = errno == ENOENT ? err : errno;
	}
	if (err == ENOENT)
		return tracefs_cannot(ctx, "no-tracefs", t, EOPNOTSUPP,
				      "there is no kprobe_events below /sys/kernel/tracing: tracefs is not mounted, or the kernel has no kprobe events",
				      "mount -t tracefs tracefs /sys/kernel/tracing");
	return tracefs_cannot(ctx, "tracefs-permission", t, err, "only root may set probes", "run this as root");
}

int tracefs_open(struct ctx *ctx, const char *what, const char *doing, struct tracefs *ret)
{
	struct tracefs t = { .doing = doing, .pipe = -1 };
	int r = find_root(ctx, &t);

	if (r < 0)
		return r;
	for_each_dead(t.root, "instances", remove_instance);
	/* probes cannot go while an instance has them on */
	for_each_dead(t.root, "events", remove_probes);
	snprintf(t.name, sizeof(t.name), TRACEFS_PREFIX "%s_%d_%llu", what, (int)getpid(), (unsigned long long)start_of((uint64_t)getpid()));
	*ret = t;
	return 0;
}

int tracefs_make_instance(struct ctx *ctx, struct tracefs *t)
{
	char path[SRC_PATH_MAX];

	pathf(path, sizeof(path), "%s/instances/%s", t->root, t->name);
	if (mkdir(path, 0700) < 0)
		return tracefs_cannot(ctx, "no-instance", t, errno, "a tracing instance cannot be made", NULL);
	t->instance = true;
	pathf(path, sizeof(path), "%s/instances/%s/trace_pipe", t->root, t->name);
	t->pipe = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (t->pipe < 0)
		return tracefs_cannot(ctx, "no-instance", t, errno, "its trace cannot be opened", NULL);
	tracefs_write_own(t, "mono", "trace_clock");
	tracefs_write_own(t, "0", "buffer_percent");
	return 0;
}

int tracefs_add_probe(const struct tracefs *t, char kind, const char *event, const char *function, const char *args)
{
	char text[1024];

	snprintf(text, sizeof(text), "%c:%s/%s %s %s\n", kind, t->name, event, function, args);
	return tracefs_write(t, text, "kprobe_events");
}

int tracefs_enable_probes(const struct tracefs *t, bool on)
{
	return tracefs_write_own(t, on ? "1" : "0", "events/%s/enable", t->name);
}

/* "overrun: 12" and "dropped events: 3" of a processor's stats. */
static uint64_t lost_in(const char *text)
{
	static const char *const words[] = { "\noverrun: ", "\ndropped events: " };
	uint64_t sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const char *p = strstr(text, words[i]);

		sum += p ? strtoull(p + strlen(words[i]), NULL, 10) : 0;
	}
	return sum;
}

uint64_t tracefs_lost(const struct tracefs *t)
{
	char path[SRC_PATH_MAX], text[1024];
	uint64_t sum = 0;
	struct dirent *e;
	DIR *d;

	pathf(path, sizeof(path), "%s/instances/%s/per_cpu", t->root, t->name);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (strstarts(e->d_name, "cpu") &&
		    tracefs_read(t, text, sizeof(text), "instances/%s/per_cpu/%s/stats", t->name, e->d_name) > 0)
			sum += lost_in(text);
	if (d)
		closedir(d);
	return sum;
}
