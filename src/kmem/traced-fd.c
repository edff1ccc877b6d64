// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmem/traced-fd.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "abi/iommufd.h"
#include "base/str.h"

/* VFIO_GROUP_GET_DEVICE_FD */
#define GET_DEVICE_FD 0x3b6a

#define PATH_BYTES 1024

/* "../../devices/…/0000:01:00.0/vfio-dev/vfio3", "…/virtual/vfio/12", "…/misc/iommu": what the kernel calls a device number. */
static void name_node(struct traced_fds *f, const char *path, struct traced_node *n)
{
	const char *last = strrchr(path, '/'), *dir;
	char *copy = arena_strdup(&f->arena, path);

	if (!last)
		return;
	copy[last - path] = '\0';
	dir = strrchr(copy, '/') ? strrchr(copy, '/') + 1 : copy;
	last++;
	if (streq(dir, "misc") && streq(last, "iommu")) {
		n->kind = TRACED_IOMMUFD;
	} else if (streq(dir, "misc") && streq(last, "vfio")) {
		n->kind = TRACED_CONTAINER;
	} else if (streq(dir, "vfio")) {
		n->kind = TRACED_GROUP;
		n->name = arena_strdup(&f->arena, last);
	} else if (streq(dir, "vfio-dev")) {
		copy[dir - copy - 1] = '\0';
		n->kind = TRACED_DEVICE;
		n->name = strrchr(copy, '/') ? strrchr(copy, '/') + 1 : copy;
	}
}

static const struct traced_node *node_of(struct traced_fds *f, dev_t rdev)
{
	char link[64], path[PATH_BYTES];
	struct traced_node *n;
	ssize_t len;

	vec_for_each(n, &f->nodes)
		if (n->rdev == rdev)
			return n;
	n = vec_push(&f->nodes);
	n->rdev = rdev;
	snprintf(link, sizeof(link), "/sys/dev/char/%u:%u", major(rdev), minor(rdev));
	len = readlink(link, path, sizeof(path) - 1);
	if (len > 0) {
		path[len] = '\0';
		name_node(f, path, n);
	}
	return n;
}

/* Since 6.18 the descriptor itself says where its device is. */
static const char *name_from_fdinfo(struct traced_fds *f, pid_t tid, int fd)
{
	static const char key[] = "\nvfio-device-syspath:";
	char path[64], text[4096];
	const char *at, *slash;
	size_t n;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)tid, fd);
	in = fopen(path, "re");
	if (!in)
		return NULL;
	n = fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	text[n] = '\0';
	at = strstr(text, key);
	if (!at)
		return NULL;
	at += strlen(key);
	text[(size_t)(at - text) + strcspn(at, "\n")] = '\0';
	slash = strrchr(at, '/');
	return slash ? arena_strdup(&f->arena, slash + 1) : NULL;
}

/* All anonymous files look the same but for the text of their link. */
static enum traced_kind anonymous(struct traced_fds *f, const char *path, pid_t pid, pid_t tid, int fd, const char **ret_name)
{
	struct traced_got *g;
	char text[64];
	ssize_t n = readlink(path, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	if (!streq(text, "anon_inode:[vfio-device]"))
		return TRACED_OTHER;
	vec_for_each(g, &f->got) {
		if (g->pid != pid || g->fd != fd)
			continue;
		*ret_name = g->name;
		return TRACED_DEVICE;
	}
	*ret_name = name_from_fdinfo(f, tid, fd);
	return TRACED_DEVICE;
}

/* Of a descriptor that is what it is: by its device number, or by its name. */
static enum traced_kind kind_of(struct traced_fds *f, mode_t mode, dev_t rdev, pid_t pid, pid_t tid, int fd, const char **ret_name)
{
	const struct traced_node *n;
	char path[64];

	*ret_name = NULL;
	if (!S_ISCHR(mode)) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)tid, fd);
		return anonymous(f, path, pid, tid, fd, ret_name);
	}
	n = node_of(f, rdev);
	*ret_name = n->name;
	return n->kind;
}

static struct traced_known *known_at(const struct traced_fds *f, pid_t pid, int fd)
{
	struct traced_known *k;

	vec_for_each(k, &f->known)
		if (k->pid == pid && k->fd == fd)
			return k;
	return NULL;
}

static enum traced_kind remember(struct traced_fds *f, pid_t pid, int fd, enum traced_kind kind, const char *name)
{
	struct traced_known *k = known_at(f, pid, fd);

	if (!k && kind == TRACED_OTHER)
		return kind;
	if (!k)
		k = vec_push(&f->known);
	*k = (struct traced_known){ pid, fd, kind, name };
	return kind;
}

enum traced_kind traced_fd(struct traced_fds *f, pid_t pid, pid_t tid, int fd, const char **ret_name)
{
	char path[64];
	struct stat st;

	*ret_name = NULL;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)tid, fd);
	if (fd < 0 || stat(path, &st) < 0)
		return TRACED_OTHER;
	return kind_of(f, st.st_mode, st.st_rdev, pid, tid, fd, ret_name);
}

/* Of a call whose descriptor nobody looked at, and nobody can any more: what iommufd alone understands was iommufd's. */
static enum traced_kind guess(const struct ring_call *r)
{
	return r->cmd == IOMMU_IOAS_MAP || r->cmd == IOMMU_IOAS_UNMAP ? TRACED_IOMMUFD : TRACED_CONTAINER;
}

enum traced_kind traced_fd_past(struct traced_fds *f, const struct ring_call *r, const char **ret_name)
{
	/* what this file did not know, another may have known that had its number before */
	bool refused = r->ret == -ENOTTY || r->ret == -EBADF;
	const struct traced_known *k = known_at(f, r->pid, r->fd);
	enum traced_kind kind;

	if (r->looked) {
		kind = kind_of(f, r->mode, r->rdev, r->pid, r->tid, r->fd, ret_name);
		/* its link is gone by now */
		if (kind == TRACED_OTHER && !S_ISCHR(r->mode) && k && k->kind == TRACED_DEVICE) {
			*ret_name = k->name;
			return k->kind;
		}
		return remember(f, r->pid, r->fd, kind, *ret_name);
	}
	if (k && !refused) {
		*ret_name = k->name;
		return k->kind;
	}
	kind = traced_fd(f, r->pid, r->pid, r->fd, ret_name);
	return remember(f, r->pid, r->fd, kind == TRACED_OTHER && !refused ? guess(r) : kind, *ret_name);
}

void traced_fds_forget(struct traced_fds *f, pid_t pid)
{
	size_t n = 0;

	for (size_t i = 0; i < f->known.n; i++)
		if (f->known.v[i].pid != pid)
			f->known.v[n++] = f->known.v[i];
	f->known.n = n;
}

void traced_fd_returned(struct traced_fds *f, const struct traced_call *c)
{
	struct traced_got *g, *mine = NULL;

	if (c->kind != TRACED_GROUP || c->cmd != GET_DEVICE_FD || c->ret < 0 || !memchr(c->in, 0, c->n_in))
		return;
	vec_for_each(g, &f->got)
		if (g->pid == c->pid && g->fd == (int)c->ret)
			mine = g;
	if (!mine)
		mine = vec_push(&f->got);
	*mine = (struct traced_got){ c->pid, (int)c->ret, arena_strdup(&f->arena, (const char *)c->in) };
}

void traced_fds_free(struct traced_fds *f)
{
	vec_free(&f->known);
	vec_free(&f->nodes);
	vec_free(&f->got);
	arena_free(&f->arena);
}

/* A line of /proc/TID/status; false when there is none. */
static bool status_line(pid_t tid, const char *key, char *line, int size)
{
	bool found = false;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	f = fopen(path, "re");
	while (f && !found && fgets(line, size, f))
		found = strstarts(line, key);
	if (f)
		fclose(f);
	return found;
}

pid_t traced_process(pid_t tid)
{
	char line[256];
	int pid = tid;

	if (status_line(tid, "Tgid:", line, sizeof(line)))
		sscanf(line, "Tgid: %d", &pid);
	return pid;
}

int traced_euid(pid_t tid, uid_t *ret)
{
	char line[256];
	unsigned real, effective;

	if (!status_line(tid, "Uid:", line, sizeof(line)) || sscanf(line, "Uid: %u %u", &real, &effective) != 2)
		return -ESRCH;
	*ret = effective;
	return 0;
}

size_t traced_threads(pid_t pid, pid_t **ret)
{
	VEC(pid_t) v = { 0 };
	struct dirent *e;
	char path[64];
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
			*vec_push(&v) = atoi(e->d_name);
	if (d)
		closedir(d);
	*ret = v.v;
	return v.n;
}
