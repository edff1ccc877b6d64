// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/rmtree.h"
#include "base/str.h"

/* The directory, in the arena; it need not be there. Noted: -ENOENT, nobody says where this user's is; -EINVAL, what is said is no place. */
static int place_dir(struct ctx *ctx, const char **ret)
{
	const char *run = secure_getenv("XDG_RUNTIME_DIR"), *chosen = secure_getenv("IOMMUCTL_SESSION_DIR");

	if (chosen && *chosen && *chosen != '/')
		/* it would be another place wherever a command is started: sessions would come and go */
		return ctx_error(ctx, NOTE(.code = "no-place", .err = EINVAL, .why = "a relative path is another directory at every place",
					   .hint = "set IOMMUCTL_SESSION_DIR to a path that begins with /"),
				 "IOMMUCTL_SESSION_DIR \"%s\"", chosen);
	if (chosen && *chosen) {
		*ret = chosen;
		return 0;
	}
	if (geteuid() == 0) {
		*ret = "/run/iommuctl/sessions";
		return 0;
	}
	if (!run || *run != '/') {
		ctx_error(ctx, NOTE(.code = "no-place", .err = ENOENT, .why = "XDG_RUNTIME_DIR does not say where this user's are",
					   .hint = "log in as usual (pam_systemd sets it), or set IOMMUCTL_SESSION_DIR to a directory of your own"), "sessions");
		return -ENOENT;
	}
	*ret = arena_printf(&ctx->arena, "%s/iommuctl", run);
	return 0;
}

static int make_dirs(struct ctx *ctx, const char *dir)
{
	char *path = arena_strdup(&ctx->arena, dir);

	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755); /* what cannot be made is said by the last one */
		*slash = '/';
	}
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return ctx_error(ctx, NOTE(.code = "session", .err = errno, .hint = "set IOMMUCTL_SESSION_DIR to a directory of your own"), "%s", dir);
	return 0;
}

static int open_dir(struct ctx *ctx, const char *dir, int *ret)
{
	struct stat st;
	int fd = open(dir, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		int err = errno;

		close(fd);
		return -err;
	}
	/* somebody else's directory would hand our sessions to him */
	if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & 022)) {
		close(fd);
		return ctx_error(ctx, NOTE(.code = "session", .err = EPERM, .why = "it is another user's, or others may write there",
					   .hint = "chmod go-w it, or set IOMMUCTL_SESSION_DIR to a directory of your own"), "%s", dir);
	}
	*ret = fd;
	return 0;
}

/* By the directory's descriptor: a path of any length fits into an address of 108 bytes. */
static void address(struct sockaddr_un *a, int dir, const char *name)
{
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(a->sun_path, sizeof(a->sun_path), "/proc/self/fd/%d/%s.sock", dir, name);
}

static char *file_name(struct ctx *ctx, const char *name, const char *suffix)
{
	return arena_printf(&ctx->arena, "%s%s", name, suffix);
}

/* Whether the file is still there under its name: a keeper that ends takes it away. */
static bool is_current(int dir, const char *file, int fd)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 && fstatat(dir, file, &named, AT_SYMLINK_NOFOLLOW) == 0 && ours.st_ino == named.st_ino &&
	       ours.st_dev == named.st_dev;
}

static int try_lock(struct ctx *ctx, int dir, const char *name, const char *file, int *ret)
{
	int fd = openat(dir, file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600), err;

	if (fd < 0)
		return ctx_error(ctx, NOTE(.code = "session", .err = errno), "session %s", name);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		*ret = fd;
		return 0;
	}
	err = errno;
	close(fd);
	return ctx_error(ctx, NOTE(.code = "session-runs", .err = err == EWOULDBLOCK ? EEXIST : err,
				   .why = err == EWOULDBLOCK ? "it runs already" : NULL,
				   .hint = err == EWOULDBLOCK ? arena_printf(&ctx->arena, "iommuctl session stop %s, or take another name", name) : NULL),
			 "session %s", name);
}

/* A lock on a file that was taken away in between locks nobody out. */
static int take_lock(struct ctx *ctx, int dir, const char *name, int *ret)
{
	const char *file = file_name(ctx, name, ".lock");
	int fd = -1, r;

	for (;;) {
		r = try_lock(ctx, dir, name, file, &fd);
		if (r < 0)
			return r;
		if (is_current(dir, file, fd)) {
			*ret = fd;
			return 0;
		}
		close(fd);
	}
}

static int listen_at(struct ctx *ctx, int dir, const char *name, int *ret)
{
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_un a;
	mode_t mask;
	int r = 0;

	if (sock < 0)
		return ctx_error(ctx, NOTE(.code = "session", .err = errno), "session %s", name);
	address(&a, dir, name);
	unlinkat(dir, file_name(ctx, name, ".sock"), 0);
	mask = umask(0177);
	if (bind(sock, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(sock, 1024) < 0)
		r = -errno;
	umask(mask);
	if (r < 0) {
		close(sock);
		unlinkat(dir, file_name(ctx, name, ".sock"), 0);
		return ctx_error(ctx, NOTE(.code = "session", .err = r), "session %s", name);
	}
	*ret = sock;
	return 0;
}

int place_listen(struct ctx *ctx, const char *name, int *ret_lock, int *ret_listener)
{
	_cleanup_close_ int dir = -1;
	_cleanup_close_ int lock = -1;
	const char *path = "";
	int r = place_dir(ctx, &path);

	if (r < 0)
		return r;
	r = make_dirs(ctx, path);
	if (r < 0)
		return r;
	r = open_dir(ctx, path, &dir);
	if (r < 0 && r != -EPERM)
		return ctx_error(ctx, NOTE(.code = "session", .err = r), "%s", path);
	if (r == 0)
		r = take_lock(ctx, dir, name, &lock);
	if (r == 0)
		r = listen_at(ctx, dir, name, ret_listener);
	if (r < 0)
		return r;
	*ret_lock = lock;
	lock = -1;
	return 0;
}

void place_clean(struct ctx *ctx, const char *name)
{
	const char *dir = NULL, *journal = NULL;

	if (place_dir(ctx, &dir) < 0 || place_journal(ctx, name, &journal) < 0)
		return;
	rmtree(journal);
	unlink(arena_printf(&ctx->arena, "%s/%s.sock", dir, name));
	unlink(arena_printf(&ctx->arena, "%s/%s.lock", dir, name));
}

static void unlink_all(void *paths)
{
	for (const char *p = paths; *p; p += strlen(p) + 1)
		unlink(p);
}

int place_end(struct ctx *ctx, const char *name, struct oom_end *ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	const char *dir = NULL;
	int r = place_dir(ctx, &dir);

	if (r < 0)
		return r;
	strbuf_printf(&b, "%s/%s.sock%c%s/%s.lock%c", dir, name, 0, dir, name, 0);
	*ret = (struct oom_end){ .fn = unlink_all, .arg = arena_memdup(&ctx->arena, b.s, b.len) };
	return 0;
}

int place_check(struct ctx *ctx)
{
	_cleanup_close_ int dir = -1;
	const char *path;
	int r = place_dir(ctx, &path);

	if (r < 0)
		return r;
	r = open_dir(ctx, path, &dir);
	return r == -EPERM || r == -EINVAL ? r : 0;
}

int place_connect(struct ctx *ctx, const char *name, int *ret_sock)
{
	_cleanup_close_ int dir = -1;
	struct sockaddr_un a;
	const char *path;
	int sock, r = place_dir(ctx, &path);

	if (r == 0)
		r = open_dir(ctx, path, &dir);
	if (r < 0)
		return r;
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	address(&a, dir, name);
	if (connect(sock, (struct sockaddr *)&a, sizeof(a)) < 0) {
		r = -errno;
		close(sock);
		return r;
	}
	*ret_sock = sock;
	return 0;
}

int place_journal(struct ctx *ctx, const char *name, const char **ret)
{
	const char *dir;
	int r = place_dir(ctx, &dir);

	if (r < 0)
		return r;
	*ret = arena_printf(&ctx->arena, "%s/%s.d", dir, name);
	return 0;
}

static int compare(const void *a, const void *b)
{
	return str_natural_cmp(*(const char *const *)a, *(const char *const *)b);
}

static void read_names(struct ctx *ctx, DIR *d, const char ***ret, size_t *ret_n)
{
	VEC(const char *) v = { 0 };
	struct dirent *e;

	while ((e = readdir(d)))
		if (strends(e->d_name, ".sock"))
			*vec_push(&v) = arena_memdup(&ctx->arena, e->d_name, strlen(e->d_name) - 5);
	*ret = arena_array(&ctx->arena, const char *, v.n + 1);
	if (v.n)
		memcpy(*ret, v.v, v.n * sizeof(*v.v));
	*ret_n = v.n;
	qsort(*ret, *ret_n, sizeof(**ret), compare);
	vec_free(&v);
}

int place_list(struct ctx *ctx, const char ***ret, size_t *ret_n)
{
	const char *path;
	int fd, r = place_dir(ctx, &path);
	DIR *d;

	*ret_n = 0;
	if (r < 0)
		return r;
	r = open_dir(ctx, path, &fd);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	read_names(ctx, d, ret, ret_n);
	closedir(d);
	return 0;
}
