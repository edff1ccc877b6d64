// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file that node_exporter reads. It is also where fault totals are kept: in a comment at its head. One file that is replaced at once cannot
 * disagree with itself, however a run ends; a second file for the totals could.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/newfile.h"
#include "cmd/metrics.h"

/* Every file begins with this: what begins so may be written over. */
#define HEAD "# iommuctl metrics"

/* FAULT_TOTALS_MAX devices with names of some hundred bytes. */
#define STATE_MAX (1u << 20)

static int failed(struct ctx *ctx, int err, const char *path, const char *why, const char *hint)
{
	return ctx_error(ctx, NOTE(.code = err == -EEXIST ? "exists" : "write", .err = err, .where = path, .why = why, .hint = hint),
			 "cannot write %s", path);
}

/* -- opening -------------------------------------------------------------------------------------------------------- */

static int split_path(struct ctx *ctx, struct metrics_file *f)
{
	const char *slash = strrchr(f->path, '/');

	f->name = slash ? slash + 1 : f->path;
	f->dir = !slash ? "." : slash == f->path ? "/" : arena_memdup(&ctx->arena, f->path, slash - f->path);
	if (!*f->name || streq(f->name, ".") || streq(f->name, ".."))
		return failed(ctx, -EISDIR, f->path, NULL, NULL);
	f->dir_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dir_fd < 0)
		return failed(ctx, -errno, f->path, NULL, errno == ENOENT ? "the folder has to be there: prometheus-node-exporter brings it" : NULL);
	return 0;
}

/* What stands there now: something to replace, or to write into. */
static int look_at(struct ctx *ctx, struct metrics_file *f)
{
	struct stat st;

	if (fstatat(f->dir_fd, f->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : failed(ctx, -errno, f->path, NULL, NULL);
	if (S_ISDIR(st.st_mode))
		return failed(ctx, -EISDIR, f->path, NULL, NULL);
	if (S_ISLNK(st.st_mode))
		return failed(ctx, -ELOOP, f->path, "it is a symbolic link, which is neither followed nor replaced", "name the file itself");
	f->plain = !S_ISREG(st.st_mode);
	return 0;
}

/* A file that nobody else can open, so that nobody else can hold the lock. */
static int take_lock(struct ctx *ctx, struct metrics_file *f, int timeout_ms)
{
	const struct timespec nap = { .tv_nsec = 20 * 1000 * 1000 };
	struct stat st;

	f->lock_fd = openat(f->dir_fd, arena_printf(&ctx->arena, ".%s.lock", f->name), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (f->lock_fd < 0 || fstat(f->lock_fd, &st) < 0)
		return failed(ctx, -errno, f->path, NULL, NULL);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid())
		return failed(ctx, -EPERM, f->path, "the lock file beside it is another user's", "remove it, or choose a folder that nobody else writes to");
	while (flock(f->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return failed(ctx, -errno, f->path, NULL, NULL);
		if (timeout_ms <= 0)
			return failed(ctx, -ETIMEDOUT, f->path, "another iommuctl has been writing it all the time", NULL);
		nanosleep(&nap, NULL);
		timeout_ms -= 20;
	}
	return 0;
}

static int read_some(int fd, char *buf, size_t cap, size_t *ret)
{
	size_t n = 0;

	while (n < cap) {
		ssize_t r = read(fd, buf + n, cap - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (!r)
			break;
		n += (size_t)r;
	}
	*ret = n;
	return 0;
}

/* What another user wrote there is not believed. */
static int read_old(struct ctx *ctx, struct metrics_file *f, bool force)
{
	_cleanup_close_ int fd = openat(f->dir_fd, f->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_free_ char *buf = malloc(STATE_MAX);
	struct stat st;
	size_t n = 0, end;
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : failed(ctx, -errno, f->path, NULL, NULL);
	if (!buf)
		out_of_memory();
	r = fstat(fd, &st) < 0 ? -errno : read_some(fd, buf, STATE_MAX, &n);
	if (r < 0)
		return failed(ctx, r, f->path, NULL, NULL);
	if (n && (n < strlen(HEAD) || memcmp(buf, HEAD, strlen(HEAD))))
		return force ? 0 : failed(ctx, -EEXIST, f->path, "it exists and was not written by iommuctl metrics",
					  "choose another name, or overwrite it with --force");
	if (!n || st.st_uid != geteuid())
		return 0;
	end = memchr(buf, '\n', n) ? (size_t)((char *)memchr(buf, '\n', n) - buf) : n;
	f->state_len = end - strlen(HEAD);
	f->state = arena_memdup(&ctx->arena, buf + strlen(HEAD), f->state_len);
	return 0;
}

int metrics_file_open(struct ctx *ctx, const char *path, bool force, int timeout_ms, struct metrics_file *ret)
{
	struct metrics_file f = { .path = path, .dir_fd = -1, .lock_fd = -1 };
	int r = split_path(ctx, &f);

	if (r == 0)
		r = look_at(ctx, &f);
	if (r == 0 && !f.plain)
		r = take_lock(ctx, &f, timeout_ms);
	if (r == 0 && !f.plain)
		r = read_old(ctx, &f, force);
	if (r < 0)
		metrics_file_close(&f);
	else
		*ret = f;
	return r;
}

void metrics_file_close(struct metrics_file *f)
{
	if (f->lock_fd >= 0)
		close(f->lock_fd);
	if (f->dir_fd >= 0)
		close(f->dir_fd);
	f->lock_fd = f->dir_fd = -1;
}

/* -- writing -------------------------------------------------------------------------------------------------------- */

static int write_text(int fd, const char *state, const struct strbuf *text)
{
	_cleanup_strbuf_ struct strbuf head = { 0 };
	int r;

	strbuf_printf(&head, HEAD "%s%s\n", state ? " " : "", state ?: "");
	r = write_all(fd, head.s, head.len);
	return r < 0 ? r : write_all(fd, strbuf_str(text), text->len);
}

/* It takes the place of the old one when it is complete. The lock makes the name beside it ours: what a run that was killed left is removed. */
static int replace(struct ctx *ctx, struct metrics_file *f, const char *state, const struct strbuf *text)
{
	_cleanup_(new_file_drop) struct new_file new;
	int r = new_file_begin_at(&new, f->dir_fd, f->name, arena_printf(&ctx->arena, ".%s.new", f->name), 0600);

	if (r == 0)
		r = write_text(new.fd, state, text);
	if (r == 0 && fchmod(new.fd, 0644) < 0)
		r = -errno;
	return r < 0 ? r : new_file_commit(&new);
}

static int write_into(struct metrics_file *f, const struct strbuf *text)
{
	_cleanup_close_ int fd = openat(f->dir_fd, f->name, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);

	return fd < 0 ? -errno : write_text(fd, NULL, text);
}

int metrics_file_write(struct ctx *ctx, struct metrics_file *f, const char *state, const struct strbuf *text)
{
	int r = f->plain ? write_into(f, text) : replace(ctx, f, state, text);

	return r < 0 ? failed(ctx, r, f->path, NULL, NULL) : 0;
}
