// SPDX-License-Identifier: GPL-2.0-or-later
/* The machine we run on. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/str.h"
#include "source/files.h"
#include "source/open.h"
#include "source/sections.h"

static const char *const tops[] = { "sys/", "proc/", "dev/" };

struct live {
	struct file_source files;
	int top[ARRAY_SIZE(tops)]; /* descriptors of /sys, /proc, /dev; -1 where there is none */
	int root;
};

/* Where @path starts and what is left of it; -1 when that directory does not exist. */
static int live_dir(const struct live *l, const char **path)
{
	for (size_t i = 0; i < ARRAY_SIZE(tops); i++) {
		if (!strstarts(*path, tops[i]))
			continue;
		*path += strlen(tops[i]);
		if (!**path)
			*path = ".";
		return l->top[i];
	}
	return l->root;
}

static int live_open(struct file_source *fs, const char *path, int flags)
{
	int dir = live_dir((struct live *)fs, &path), fd;

	if (dir < 0)
		return -ENOENT;
	fd = openat(dir, path, flags);
	return fd < 0 ? -errno : fd;
}

static int live_readlink(struct source *s, const char *path, char *buf, size_t cap)
{
	int dir = live_dir((struct live *)s, &path);
	ssize_t n;

	if (!path_fits(path))
		return -ENAMETOOLONG;
	if (dir < 0)
		return -ENOENT;
	n = readlinkat(dir, path, buf, cap);
	if (n < 0)
		return -errno;
	if ((size_t)n >= cap)
		return -ENAMETOOLONG;
	buf[n] = '\0';
	return 0;
}

static bool live_exists(struct source *s, const char *path)
{
	int dir = live_dir((struct live *)s, &path);

	return dir >= 0 && (!faccessat(dir, path, F_OK, 0) || errno == EACCES || errno == EPERM);
}

static void live_close(struct source *s)
{
	struct live *l = (struct live *)s;

	for (size_t i = 0; i < ARRAY_SIZE(tops); i++)
		if (l->top[i] >= 0)
			close(l->top[i]);
	if (l->root >= 0)
		close(l->root);
}

static const struct source_ops live_ops = {
	.kind = SOURCE_LIVE,
	.read = files_read,
	.readlink = live_readlink,
	.list = files_list,
	.read_each = files_read_each,
	.list_each = files_list_each,
	.exists = live_exists,
	.section = section_gather,
	.close = live_close,
};

int source_open_live(struct ctx *ctx _unused_, struct source **ret)
{
	struct live *l = must_calloc(1, sizeof(*l));
	char boot_id[64];
	struct utsname u;

	l->files.source = (struct source){ .ops = &live_ops, .name = must_strdup("live") };
	l->files.open = live_open;
	l->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(tops); i++)
		l->top[i] = openat(l->root, tops[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (!uname(&u))
		l->files.source.hostname = must_strdup(u.nodename);
	if (!source_read_attr(&l->files.source, "proc/sys/kernel/random/boot_id", boot_id, sizeof(boot_id)))
		l->files.source.boot_id = must_strdup(boot_id);
	*ret = &l->files.source;
	return 0;
}
