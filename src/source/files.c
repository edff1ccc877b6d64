// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "base/str.h"
#include "source/open.h"

/* Files opened before the first is closed: large enough to make closing free, far below the usual
 * limit of 1024 descriptors. */
#define BATCH 128

/* sysfs hands out at most a page at a time, and pages have at least this many bytes: a shorter read
 * is the end of the file (fs/kernfs/file.c, kernfs_file_read_iter()). */
#define SYSFS_CHUNK 4096

#define LIST_BUFFER (64 * 1024)
#define LIST_FLAGS (O_RDONLY | O_DIRECTORY)

/* O_NONBLOCK: a FIFO or a device node in a foreign tree must not make us wait. */
#define READ_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY)

/*
 * What goes away while it is read is as good as missing: a device's attributes are ENODEV then (fs/kernfs/file.c, kernfs_fop_open() and
 * kernfs_file_read_iter()), what /proc says of a process ESRCH.
 */
static int gone_is_missing(int err)
{
	return err == -ENODEV || err == -ESRCH ? -ENOENT : err;
}

/* fs->open(), of a path of any length. */
static int open_path(struct file_source *fs, const char *path, int flags)
{
	return path_fits(path) ? gone_is_missing(fs->open(fs, path, flags | O_CLOEXEC)) : -ENAMETOOLONG;
}

static int files_open(struct file_source *fs, const char *path, int flags)
{
	int fd = open_path(fs, path, flags);

	if ((fd == -ENOENT || fd == -ENOTDIR) && fs->missing)
		return fs->missing(fs, path, fd);
	return fd;
}

/*
 * Reads at most @cap bytes; *@ret_len is @cap + 1 when there were more. /proc may hand out less than
 * was asked for before its end, sysfs does not: @to_the_end says to go on until nothing comes.
 */
static int read_fd(int fd, void *buf, size_t cap, bool to_the_end, size_t *ret_len)
{
	size_t got = 0;
	char more;

	for (;;) {
		struct iovec v[2] = {
			{ .iov_base = (char *)buf + MIN(got, cap), .iov_len = cap - MIN(got, cap) },
			{ .iov_base = &more, .iov_len = 1 },
		};
		ssize_t n = got < cap ? readv(fd, v, 2) : read(fd, &more, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return gone_is_missing(-errno);
		got += n;
		if (!n || got > cap || (!to_the_end && n < SYSFS_CHUNK))
			break;
	}
	*ret_len = got;
	return 0;
}

static bool read_to_the_end(const char *path)
{
	return !strstarts(path, "sys/");
}

int files_read(struct source *s, const char *path, void *buf, size_t cap, size_t *ret_len)
{
	_cleanup_close_ int fd = files_open((struct file_source *)s, path, READ_FLAGS);

	if (fd < 0)
		return fd;
	return read_fd(fd, buf, cap, read_to_the_end(path), ret_len);
}

/* The text of the link that @fd (O_PATH | O_NOFOLLOW) is. -EINVAL: it is no link. */
static int readlink_fd(int fd, char *buf, size_t cap)
{
	ssize_t n = readlinkat(fd, "", buf, cap);

	/* an empty path is ENOENT for everything but a link */
	if (n < 0)
		return errno == ENOENT ? -EINVAL : -errno;
	if ((size_t)n >= cap)
		return -ENAMETOOLONG;
	buf[n] = '\0';
	return 0;
}

int files_readlink(struct source *s, const char *path, char *buf, size_t cap)
{
	_cleanup_close_ int fd = files_open((struct file_source *)s, path, O_PATH | O_NOFOLLOW);

	return fd < 0 ? fd : readlink_fd(fd, buf, cap);
}

struct linux_dirent64 {
	uint64_t d_ino;
	int64_t d_off;
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[];
};

static bool dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* Not every file system fills in d_type; sysfs and those that trees are unpacked on do. */
static unsigned char entry_type(int fd, const struct linux_dirent64 *d)
{
	struct stat st;

	if (d->d_type != DT_UNKNOWN || fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return d->d_type;
	return IFTODT(st.st_mode);
}

static int list_fd(int fd, struct arena *a, struct src_list *ret)
{
	_Alignas(struct linux_dirent64) char buf[LIST_BUFFER];
	VEC(struct src_entry) found = { 0 };
	long n;

	while ((n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < n;) {
			const struct linux_dirent64 *d = (const void *)(buf + at);
			unsigned char type = entry_type(fd, d);

			at += d->d_reclen;
			if (dots(d->d_name))
				continue;
			*vec_push(&found) = (struct src_entry){
				.name = arena_strdup(a, d->d_name),
				.is_link = type == DT_LNK,
				.is_dir = type == DT_DIR,
			};
		}
	}
	if (n < 0) {
		n = -errno;
	} else {
		*ret = (struct src_list){ .n = found.n };
		if (found.n)
			ret->v = (void *)arena_memdup(a, found.v, found.n * sizeof(*found.v));
	}
	vec_free(&found);
	return n;
}

int files_list(struct source *s, const char *path, struct arena *a, struct src_list *ret)
{
	_cleanup_close_ int fd = files_open((struct file_source *)s, path, LIST_FLAGS);

	return fd < 0 ? fd : list_fd(fd, a, ret);
}

static void close_run(int first, int last)
{
	if (last > first && !close_range(first, last, 0))
		return;
	for (int fd = first; fd <= last; fd++)
		close(fd);
}

void files_close_all(const int *fds, size_t n)
{
	size_t start = 0;

	for (size_t i = 1; i <= n; i++) {
		if (i < n && fds[i] == fds[i - 1] + 1)
			continue;
		close_run(fds[start], fds[i - 1]);
		start = i;
	}
}

/*
 * A share of a batch job: the same file of @n directories. It has memory of its own, so that two shares
 * can run at once.
 */
struct share {
	struct file_source *fs;
	const char *base, *file;
	const char *const *names;
	struct src_blob *blobs; /* where the answers go: these, */
	struct src_dir *dirs;	/* or these when directories are listed */
	size_t n, cap;
	int flags; /* of open(2); O_PATH means that the link's text is wanted */
	struct arena arena;
};

static void set_err(struct share *sh, size_t i, int err)
{
	if (sh->dirs)
		sh->dirs[i] = (struct src_dir){ .err = err };
	else if (sh->blobs)
		sh->blobs[i] = (struct src_blob){ .err = err };
}

/* Opens as many as fit into one batch from @at on; how many were dealt with. */
static size_t open_batch(struct share *sh, size_t at, int fds[static BATCH])
{
	size_t i;

	for (i = 0; at + i < sh->n && i < BATCH; i++) {
		char path[SRC_PATH_MAX];

		PATHF(path, "%s/%s/%s", sh->base, sh->names[at + i], sh->file);
		fds[i] = open_path(sh->fs, path, sh->flags);
		/* no more descriptors: what is open is read first, then it goes on */
		if ((fds[i] == -EMFILE || fds[i] == -ENFILE) && i)
			break;
		set_err(sh, at + i, MIN(fds[i], 0));
	}
	return i;
}

static void close_batch(const int *fds, size_t n)
{
	int open[BATCH];
	size_t m = 0;

	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			open[m++] = fds[i];
	files_close_all(open, m);
}

static void take_text(struct share *sh, int fd, struct src_blob *ret)
{
	char text[SRC_PATH_MAX];

	ret->err = readlink_fd(fd, text, sizeof(text));
	if (!ret->err)
		*ret = (struct src_blob){ .data = arena_strdup(&sh->arena, text), .len = strlen(text) };
}

/* An attribute that tar filled up with zeros is as long as its text. */
static bool padded(const char *buf, size_t cap)
{
	const char *end = memchr(buf, '\0', cap);

	if (!end)
		return false;
	for (const char *p = end; p < buf + cap; p++)
		if (*p)
			return false;
	return true;
}

static void take_data(struct share *sh, int fd, char *buf, struct src_blob *ret)
{
	size_t len = 0;

	ret->err = read_fd(fd, buf, sh->cap, read_to_the_end(sh->base), &len);
	if (!ret->err && len > sh->cap && padded(buf, sh->cap))
		len = strlen(buf);
	if (!ret->err && len > sh->cap)
		ret->err = -EFBIG;
	if (!ret->err)
		*ret = (struct src_blob){ .data = arena_memdup(&sh->arena, buf, len), .len = len };
}

static void run_share(struct share *sh)
{
	_cleanup_free_ char *buf = must_malloc(sh->cap + 1);
	int fds[BATCH];
	size_t m;

	for (size_t at = 0; at < sh->n; at += m) {
		m = open_batch(sh, at, fds);
		for (size_t i = 0; i < m; i++) {
			if (fds[i] < 0)
				continue;
			if (sh->dirs)
				sh->dirs[at + i].err = list_fd(fds[i], &sh->arena, &sh->dirs[at + i].list);
			else if (sh->flags & O_PATH)
				take_text(sh, fds[i], &sh->blobs[at + i]);
			else
				take_data(sh, fds[i], buf, &sh->blobs[at + i]);
		}
		close_batch(fds, m);
	}
}

/* Where few descriptors are allowed one share may have used them all up for the other. */
static void read_again(struct share *whole)
{
	for (size_t i = 0; i < whole->n; i++) {
		int err = whole->dirs ? whole->dirs[i].err : whole->blobs[i].err;
		struct share one = *whole;

		if (err != -EMFILE && err != -ENFILE)
			continue;
		one.names += i;
		one.n = 1;
		if (one.dirs)
			one.dirs += i;
		else
			one.blobs += i;
		run_share(&one);
		whole->arena = one.arena;
	}
}

static void *share_thread(void *arg)
{
	/* a descriptor table of its own keeps its batches free of the other's numbers; where that is
	 * forbidden the batches are only shorter */
	unshare(CLONE_FILES);
	run_share(arg);
	return NULL;
}

/*
 * Nearly all of the time goes into the kernel's path look-ups, which two processors do side by side: from
 * some hundred files on half of them are read by a second thread.
 */
static void run_in_shares(struct share *whole, struct arena *a)
{
	struct share first = *whole, second = *whole;
	pthread_t thread;

	first.n = whole->n >= 2 * BATCH ? whole->n / 2 : whole->n;
	second.n = whole->n - first.n;
	second.names += first.n;
	if (second.dirs)
		second.dirs += first.n;
	else
		second.blobs += first.n;
	if (!second.n || pthread_create(&thread, NULL, share_thread, &second)) {
		run_share(whole);
		arena_adopt(a, &whole->arena);
		return;
	}
	run_share(&first);
	pthread_join(thread, NULL);
	arena_adopt(a, &first.arena);
	arena_adopt(a, &second.arena);
	read_again(whole);
	arena_adopt(a, &whole->arena);
}

/* What the manifest has to say about those that were not there; not for two threads at once. */
static void ask_missing(struct share *sh)
{
	char path[SRC_PATH_MAX];

	for (size_t i = 0; sh->fs->missing && i < sh->n; i++) {
		int *err = sh->dirs ? &sh->dirs[i].err : &sh->blobs[i].err;

		if (*err != -ENOENT && *err != -ENOTDIR)
			continue;
		PATHF(path, "%s/%s/%s", sh->base, sh->names[i], sh->file);
		*err = sh->fs->missing(sh->fs, path, *err);
	}
}

void files_read_each(struct source *s, const char *base, const char *const *names, size_t n,
		     const char *file, size_t cap, struct arena *a, struct src_blob *ret)
{
	struct share all = { .fs = (struct file_source *)s, .base = base, .names = names, .n = n,
			     .file = file, .cap = cap, .blobs = ret, .flags = READ_FLAGS };

	run_in_shares(&all, a);
	ask_missing(&all);
}

void files_readlink_each(struct source *s, const char *base, const char *const *names, size_t n,
			 const char *file, struct arena *a, struct src_blob *ret)
{
	struct share all = { .fs = (struct file_source *)s, .base = base, .names = names, .n = n,
			     .file = file, .blobs = ret, .flags = O_PATH | O_NOFOLLOW };

	run_in_shares(&all, a);
	ask_missing(&all);
}

void files_list_each(struct source *s, const char *base, const char *const *names, size_t n,
		     const char *file, struct arena *a, struct src_dir *ret)
{
	struct share all = { .fs = (struct file_source *)s, .base = base, .names = names, .n = n,
			     .file = file, .dirs = ret, .flags = LIST_FLAGS };

	run_in_shares(&all, a);
	ask_missing(&all);
}
