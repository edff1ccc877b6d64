// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A directory that holds another machine's files. Its links are followed inside of it only: one that
 * leads out is -EXDEV, whoever made it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/str.h"
#include "source/capture.h"
#include "source/files.h"
#include "source/sections.h"
#include "source/open.h"

/* As many links as the kernel follows in one path. */
#define MAX_LINKS 40

/* How often openat2(2) is asked again before we walk by hand. */
#define MAX_TRIES 16

/* As large as archive.c lets it be. */
#define MANIFEST_MAX_BYTES (16u << 20)

struct tree {
	struct file_source files;
	int root;
	bool is_sys;	/* the directory is the contents of /sys, not the machine's root */
	struct capture capture;
	bool by_hand;	/* no openat2(2) here: an old kernel, or a sandbox that forbids it */
};

/*
 * EAGAIN: something was renamed or mounted, anywhere, while ".." was looked at (openat2(2)). On a busy
 * machine that happens more than once in a row.
 */
static int beneath(int root, const char *path, int flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };

	for (int tries = 0; tries < MAX_TRIES; tries++) {
		int fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

		if (fd >= 0)
			return fd;
		if (errno != EAGAIN)
			return -errno;
	}
	return -EAGAIN;
}

/* One step of a path that still lies before us. */
struct walk {
	int dir, depth, links;
	char rest[2 * SRC_PATH_MAX];
};

/* Cuts the first component off; NULL when none is left. *@ret_last: nothing comes behind it. */
static char *next_component(struct walk *w, char comp[static NAME_MAX + 1], bool *ret_last)
{
	const char *start = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(start, "/");

	if (!n || n > NAME_MAX)
		return NULL;
	memcpy(comp, start, n);
	comp[n] = '\0';
	start += n;
	start += strspn(start, "/");
	*ret_last = !*start;
	memmove(w->rest, start, strlen(start) + 1);
	return comp;
}

/* Puts the link's text before what is left of the path. */
static int splice_link(struct walk *w, const char *comp)
{
	char text[SRC_PATH_MAX], rest[sizeof(w->rest)];
	ssize_t n = readlinkat(w->dir, comp, text, sizeof(text) - 1);

	if (n < 0)
		return errno == EINVAL ? 0 : -errno;
	if (n == sizeof(text) - 1)
		return -ENAMETOOLONG; /* it may have been cut */
	text[n] = '\0';
	if (text[0] == '/')
		return -EXDEV;
	if (++w->links > MAX_LINKS)
		return -ELOOP;
	strcpy(rest, w->rest);
	if (snprintf(w->rest, sizeof(w->rest), "%s/%s", text, rest) >= (int)sizeof(w->rest))
		return -ENAMETOOLONG;
	return 1;
}

static int step(struct walk *w, const char *comp)
{
	int fd;

	if (streq(comp, "."))
		return 0;
	if (streq(comp, "..") && !w->depth)
		return -EXDEV;
	fd = openat(w->dir, comp, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	close(w->dir);
	w->dir = fd;
	w->depth += streq(comp, "..") ? -1 : 1;
	return 0;
}

/* The same as beneath(), component by component. Consumes w->dir. */
static int walk(struct walk *w, int flags)
{
	char comp[NAME_MAX + 1];
	bool last;
	int fd;

	while (next_component(w, comp, &last)) {
		bool final = last && !streq(comp, "..") && !streq(comp, ".");
		int r;

		if (!final || !(flags & O_NOFOLLOW)) {
			r = splice_link(w, comp);
			if (r < 0)
				return r;
			if (r)
				continue;
		}
		if (final) {
			fd = openat(w->dir, comp, flags | O_NOFOLLOW | O_CLOEXEC);
			return fd < 0 ? -errno : fd;
		}
		r = step(w, comp);
		if (r < 0)
			return r;
	}
	if (*w->rest)
		return -ENAMETOOLONG;
	fd = openat(w->dir, ".", flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int beneath_by_hand(int root, const char *path, int flags)
{
	struct walk w = { 0 };
	int fd;

	if (*path == '/')
		return -EXDEV;
	w.dir = fcntl(root, F_DUPFD_CLOEXEC, 0);
	if (w.dir < 0)
		return -errno;
	snprintf(w.rest, sizeof(w.rest), "%s", path);
	fd = walk(&w, flags);
	close(w.dir);
	return fd;
}

static int tree_open_at(const struct tree *t, const char *path, int flags)
{
	int fd = t->by_hand ? -EAGAIN : beneath(t->root, path, flags);

	return fd == -EAGAIN ? beneath_by_hand(t->root, path, flags) : fd;
}

static int tree_open(struct file_source *fs, const char *path, int flags)
{
	const struct tree *t = (struct tree *)fs;

	if (t->is_sys) {
		if (!streq(path, "sys") && !strstarts(path, "sys/"))
			return -ENOTCAPTURED;
		path += strlen("sys");
		path += strspn(path, "/");
	}
	return tree_open_at(t, *path ? path : ".", flags);
}

static bool tree_exists(struct source *s, const char *path)
{
	_cleanup_close_ int fd = path_fits(path) ? tree_open((struct file_source *)s, path, O_PATH) : -ENAMETOOLONG;

	return fd >= 0 || fd == -EACCES || fd == -EPERM;
}

static void tree_close(struct source *s)
{
	struct tree *t = (struct tree *)s;

	close(t->root);
	capture_free(&t->capture);
}

static const struct source_ops tree_ops = {
	.kind = SOURCE_TREE,
	.read = files_read,
	.readlink = files_readlink,
	.list = files_list,
	.read_each = files_read_each,
	.list_each = files_list_each,
	.readlink_each = files_readlink_each,
	.exists = tree_exists,
	.section = section_stored,
	.close = tree_close,
};

static bool has(const struct tree *t, const char *path)
{
	_cleanup_close_ int fd = tree_open_at(t, path, O_PATH | O_DIRECTORY);

	return fd >= 0;
}

/* Whether it is the machine's root, the contents of /sys, or neither. */
static int tree_look(struct tree *t)
{
	_cleanup_close_ int probe = beneath(t->root, ".", O_PATH | O_DIRECTORY);

	t->by_hand = probe == -ENOSYS || probe == -EPERM;
	if (has(t, "sys"))
		return 0;
	if (!has(t, "bus") || !(has(t, "kernel") || has(t, "class")))
		return -ENOENT;
	t->is_sys = true;
	return 0;
}

static int tree_missing(struct file_source *fs, const char *path, int err)
{
	return err == -ENOENT ? capture_missing(&((struct tree *)fs)->capture, &fs->source, path) : err;
}

/* An unpacked snapshot has a manifest. */
static int tree_manifest(struct tree *t, struct ctx *ctx)
{
	struct source *s = &t->files.source;
	struct arena a = { 0 };
	char *text;
	size_t len;
	int r = source_read_all(s, SNAPSHOT_MANIFEST, MANIFEST_MAX_BYTES, &a, &text, &len);

	if (!r)
		r = capture_read_manifest(&t->capture, ctx, s, text, len);
	else
		r = 0;
	if (!r && !t->capture.is_snapshot)
		source_identify(s);
	arena_free(&a);
	return r;
}

int source_open_tree(struct ctx *ctx, const char *dir, struct source **ret)
{
	struct tree *t;
	int r, root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return ctx_error(ctx, NOTE(.code = "source-open", .err = errno, .where = dir), "%s", dir);
	t = must_calloc(1, sizeof(*t));
	t->files.source = (struct source){ .ops = &tree_ops, .name = must_strdup(dir) };
	t->files.open = tree_open;
	t->root = root;
	if (tree_look(t) < 0) {
		source_close(&t->files.source);
		return ctx_error(ctx,
				 NOTE(.code = "source-unknown", .err = EINVAL, .where = dir,
				      .why = "not a snapshot, and no sys/ in it",
				      .hint = "name a directory that holds a machine's sys/, or its /sys itself"),
				 "%s", dir);
	}
	r = tree_manifest(t, ctx);
	if (r < 0) {
		source_close(&t->files.source);
		return r;
	}
	t->files.missing = tree_missing;
	*ret = &t->files.source;
	return 0;
}
