// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "base/util.h"

#define LETTERS 6
#define TRIES 100

int write_all(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

/* Who guesses them makes us choose others, no more. */
static void choose_letters(char *at)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	struct timespec t;
	uint64_t v;

	if (getrandom(&v, sizeof(v), GRND_NONBLOCK) != sizeof(v)) {
		clock_gettime(CLOCK_MONOTONIC, &t);
		v = (uint64_t)t.tv_nsec * (uint64_t)getpid();
	}
	for (int i = 0; i < LETTERS; i++, v /= sizeof(letters) - 1)
		at[i] = letters[v % (sizeof(letters) - 1)];
}

static int link_as(const struct new_file *f, const char *name)
{
	char self[sizeof("/proc/self/fd/-2147483648")];

	/* AT_EMPTY_PATH wants CAP_DAC_READ_SEARCH on kernels before 6.10 (do_linkat() in fs/namei.c) */
	snprintf(self, sizeof(self), "/proc/self/fd/%d", f->fd);
	return linkat(AT_FDCWD, self, f->dir, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

/* A name beside the other one, that nothing had: for what is open already, or (@ret_fd) for a file that is made under it. */
static int make_temp(struct new_file *f, mode_t mode, int *ret_fd)
{
	int r = -EEXIST;

	for (int i = 0; r == -EEXIST && i < (f->fixed ? 1 : TRIES); i++) {
		if (!f->fixed)
			choose_letters(f->temp + strlen(f->temp) - LETTERS);
		if (!ret_fd) {
			r = link_as(f, f->temp);
			continue;
		}
		*ret_fd = openat(f->dir, f->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
		r = *ret_fd < 0 ? -errno : 0;
	}
	f->linked = r == 0;
	return r;
}

static void remove_temp(void *arg)
{
	struct new_file *f = arg;

	if (f->linked)
		unlinkat(f->dir, f->temp, 0);
	f->linked = false;
}

static int begin(struct new_file *f, mode_t mode)
{
	f->end = (struct oom_end){ .fn = remove_temp, .arg = f };
	oom_at_end(&f->end);
	f->fd = openat(f->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
	/* not on this file system; if it is another reason, that is said of the name */
	return f->fd < 0 ? make_temp(f, mode, &f->fd) : 0;
}

int new_file_begin(struct new_file *ret, const char *path, mode_t mode)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	_cleanup_free_ char *dir = slash ? must_strdup(path) : must_strdup(".");

	*ret = (struct new_file){ .fd = -1, .dir = -1 };
	if (slash)
		dir[slash == path ? 1 : slash - path] = '\0';
	/* nobody needs to be able to list it */
	ret->dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ret->dir < 0)
		return -errno;
	if (!*name || streq(name, ".") || streq(name, ".."))
		return -EISDIR;
	ret->name = must_strdup(name);
	ret->temp = must_malloc(strlen(name) + LETTERS + 2);
	sprintf(ret->temp, "%s.XXXXXX", name);
	return begin(ret, mode);
}

int new_file_begin_at(struct new_file *ret, int dir, const char *name, const char *temp, mode_t mode)
{
	*ret = (struct new_file){ .fd = -1, .dir = openat(dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC), .fixed = true };
	if (ret->dir < 0 || (unlinkat(dir, temp, 0) < 0 && errno != ENOENT))
		return -errno;
	ret->name = must_strdup(name);
	ret->temp = must_strdup(temp);
	return begin(ret, mode);
}

/* Where there is no /proc, or the file system gives no name to what had none. */
static int copy_to_temp(struct new_file *f)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	off_t at = 0;
	int r = fstat(f->fd, &st) < 0 ? -errno : make_temp(f, 0600, &fd);

	while (r == 0 && at < st.st_size) {
		ssize_t n = sendfile(fd, f->fd, &at, (size_t)(st.st_size - at));

		if (n <= 0 && errno != EINTR)
			r = n < 0 ? -errno : -EIO;
	}
	if (r == 0 && (fchmod(fd, st.st_mode & 0777) < 0 || fsync(fd) < 0))
		r = -errno;
	return r;
}

int new_file_commit(struct new_file *f)
{
	int r = fsync(f->fd) < 0 ? -errno : 0;

	if (r == 0 && !f->linked) {
		r = link_as(f, f->name);
		if (r == 0)
			return 0;
		if (r != -EEXIST || make_temp(f, 0, NULL) < 0)
			r = copy_to_temp(f);
		else
			r = 0;
	}
	if (r == 0 && renameat(f->dir, f->temp, f->dir, f->name) < 0)
		r = -errno;
	if (r == 0)
		f->linked = false; /* that name is gone */
	return r;
}

void new_file_drop(struct new_file *f)
{
	remove_temp(f);
	oom_forget(&f->end);
	if (f->fd >= 0)
		close(f->fd);
	if (f->dir >= 0)
		close(f->dir);
	free(f->name);
	free(f->temp);
	*f = (struct new_file){ .fd = -1, .dir = -1 };
}
