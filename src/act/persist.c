// SPDX-License-Identifier: GPL-2.0-or-later
#include "act/persist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/newfile.h"
#include "base/str.h"

static int failed(struct ctx *ctx, int err, const char *dir, const char *file)
{
	bool theirs = err == -EPERM && !file;

	return ctx_error(ctx, NOTE(.code = "persist", .err = err, .why = theirs ? "somebody else than root owns it, or may write to it" : NULL,
				   .hint = theirs ? "find out who put what there; then chown it to root, and chmod it to 755" : NULL),
			 "%s%s%s", dir, file ? "/" : "", file ? file : "");
}

/* Not one that *.conf matches: a half-written one is never read. */
static const char *beside(struct ctx *ctx, const struct binding *b)
{
	return arena_printf(&ctx->arena, ".%s.new", binding_file(&ctx->arena, b->chain));
}

/* Nobody but root may have a say in what is bound at every boot (in tests: nobody but us). */
static int check_owner(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return (st.st_uid == 0 || st.st_uid == geteuid()) && !(st.st_mode & 022) ? 0 : -EPERM;
}

/* One folder below @dir, which is closed. No link is followed: it could lead to somebody's. @make: it is made when it is not there. */
static int step_down(int dir, const char *name, bool make)
{
	int fd, r = make && mkdirat(dir, name, 0755) < 0 && errno != EEXIST ? -errno : 0;

	fd = r < 0 ? -1 : openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (r == 0 && fd < 0)
		r = -errno;
	close(dir);
	if (r == 0)
		r = check_owner(fd);
	if (r == 0)
		return fd;
	cleanup_close(&fd);
	return r;
}

/* The folder. Its name ends in two that are ours; what is above them is the machine's, and there. */
static int open_dir(const char *dir, bool make)
{
	const char *last = strrchr(dir, '/'), *first = last > dir ? memrchr(dir, '/', (size_t)(last - dir)) : NULL;
	char path[256], name[64];
	int fd;

	if (!first || snprintf(path, sizeof(path), "%.*s/", (int)(first - dir), dir) >= (int)sizeof(path) ||
	    snprintf(name, sizeof(name), "%.*s", (int)(last - first - 1), first + 1) >= (int)sizeof(name))
		return -ENAMETOOLONG;
	if (make)
		mkdir(path, 0755); /* /etc is there on every machine; what cannot be made cannot be opened */
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	fd = step_down(fd, name, make);
	return fd < 0 ? fd : step_down(fd, last + 1, make);
}

static int write_one(int dir, const char *name, const char *text)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text, strlen(text));
	return r < 0 ? r : fsync(fd) < 0 ? -errno : 0;
}

int persist_prepare(struct ctx *ctx, const char *dir, const struct binding *v, size_t n)
{
	_cleanup_close_ int fd = open_dir(dir, true);
	int r = fd < 0 ? failed(ctx, fd, dir, NULL) : 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
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
	_cleanup_close_ int fd = open_dir(dir, true);
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
	_cleanup_close_ int fd = open_dir(dir, false);

	for (size_t i = 0; fd >= 0 && i < n; i++)
		unlinkat(fd, beside(ctx, &v[i]), 0);
}

int persist_remove(struct ctx *ctx, const char *dir, const char *file)
{
	_cleanup_close_ int fd = open_dir(dir, false);

	if (fd < 0)
		return fd == -ENOENT ? 0 : failed(ctx, fd, dir, NULL);
	if (unlinkat(fd, file, 0) < 0)
		return errno == ENOENT ? 0 : failed(ctx, errno, dir, file);
	fsync(fd);
	return 1;
}

int persist_trusted(struct ctx *ctx, const char *dir, const char *file)
{
	_cleanup_close_ int fd = open_dir(dir, false);
	_cleanup_close_ int one = -1;
	int r;

	if (fd < 0)
		return failed(ctx, fd, dir, NULL);
	one = openat(fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	r = one < 0 ? -errno : check_owner(one);
	return r < 0 ? failed(ctx, r, dir, file) : 0;
}
