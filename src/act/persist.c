// SPDX-License-Identifier: GPL-2.0-or-later
#include "act/persist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"

static int failed(struct ctx *ctx, int err, const char *dir, const char *file)
{
	return ctx_error(ctx, NOTE(.code = "persist", .err = err), "%s%s%s", dir, file ? "/" : "", file ? file : "");
}

/* Not one that *.conf matches: a half-written one is never read. */
static const char *beside(struct ctx *ctx, const struct binding *b)
{
	return arena_printf(&ctx->arena, ".%s.new", binding_file(&ctx->arena, b->chain));
}

/* The folder, made with the ones above it: /etc is there on every machine. */
static int open_dir(const char *dir)
{
	char path[256], *slash;
	int fd;

	if (snprintf(path, sizeof(path), "%s", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	for (slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int write_one(int dir, const char *name, const char *text)
{
	_cleanup_close_ int fd = -1;
	size_t len = strlen(text);

	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len)
		return errno ? -errno : -EIO;
	return fsync(fd) < 0 ? -errno : 0;
}

int persist_prepare(struct ctx *ctx, const char *dir, const struct binding *v, size_t n)
{
	_cleanup_close_ int fd = open_dir(dir);
	int r = fd < 0 ? failed(ctx, fd, dir, NULL) : 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		errno = 0;
		r = write_one(fd, beside(ctx, &v[i]), binding_text(&ctx->arena, &v[i]));
		if (r < 0)
			failed(ctx, r, dir, beside(ctx, &v[i]));
	}
	if (r < 0)
		persist_forget(ctx, dir, v, n);
	return r;
}

int persist_commit(struct ctx *ctx, const char *dir, const struct binding *v, size_t n)
{
	_cleanup_close_ int fd = open_dir(dir);
	int first = fd < 0 ? failed(ctx, fd, dir, NULL) : 0;

	for (size_t i = 0; fd >= 0 && i < n; i++) {
		const char *file = binding_file(&ctx->arena, v[i].chain);
		int r = renameat(fd, beside(ctx, &v[i]), fd, file) < 0 ? failed(ctx, errno, dir, file) : 0;

		first = first ? first : r;
	}
	if (fd >= 0)
		fsync(fd);
	return first;
}

void persist_forget(struct ctx *ctx, const char *dir, const struct binding *v, size_t n)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; fd >= 0 && i < n; i++)
		unlinkat(fd, beside(ctx, &v[i]), 0);
}

int persist_remove(struct ctx *ctx, const char *dir, const char *file)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : failed(ctx, errno, dir, NULL);
	if (unlinkat(fd, file, 0) < 0)
		return errno == ENOENT ? 0 : failed(ctx, errno, dir, file);
	fsync(fd);
	return 1;
}
