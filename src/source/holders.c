// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/holders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/json.h"
#include "base/str.h"
#include "source/doc.h"

/* Arguments beyond this are cut off: QEMU's reach some 10 KiB. */
#define ARGS_MAX (64 * 1024)

/* A kernel thread (include/linux/sched.h, PF_KTHREAD): it has no descriptors, and nobody may list them. */
#define KERNEL_THREAD 0x00200000

/* The inode of the first PID namespace (include/linux/proc_ns.h, PROC_PID_INIT_INO). */
#define FIRST_PID_NAMESPACE "pid:[4026531836]"

static const char *const kind_names[] = {
	[HELD_GROUP] = "group",
	[HELD_DEVICE] = "device",
	[HELD_CONTAINER] = "container",
	[HELD_IOMMUFD] = "iommufd",
	[HELD_DEVICE_FD] = "device-fd",
	[HELD_FAULT_QUEUE] = "fault-queue",
	[HELD_EVENT_QUEUE] = "event-queue",
	[HELD_BLOCK] = "block",
	[HELD_NODE] = "node",
	[HELD_UNKNOWN] = "unknown",
};

const char *held_kind_name(enum held_kind k)
{
	return kind_names[k];
}

/* -- nodes --------------------------------------------------------------------------------------- */

struct node {
	dev_t rdev;
	enum held_kind kind;
	const char *name; /* in its class: "12", "vfio3" */
	const char *path; /* "/dev/vfio/12"; NULL: none that is of interest */
	const char *syspath; /* of HELD_BLOCK, HELD_NODE */
};

struct walk {
	struct source *src;
	struct arena arena;
	VEC(struct node) nodes;
	VEC(struct node) others; /* HELD_BLOCK, HELD_NODE: those that were come across */
	struct json_object *held;
	size_t unseen;
	char *buf; /* ARGS_MAX bytes, for one file of a process */
};

static void add_node(struct walk *w, enum held_kind kind, const char *class, const char *name, const char *dir)
{
	char path[SRC_PATH_MAX], text[32], *colon;
	uint32_t major, minor;

	PATHF(path, "sys/class/%s/%s/dev", class, name);
	if (source_read_attr(w->src, path, text, sizeof(text)) < 0)
		return;
	colon = strchr(text, ':');
	if (!colon)
		return;
	*colon = '\0';
	if (parse_u32(text, &major) < 0 || parse_u32(colon + 1, &minor) < 0)
		return;
	*vec_push(&w->nodes) = (struct node){ .rdev = makedev(major, minor), .kind = kind,
					      .name = arena_strdup(&w->arena, name),
					      .path = arena_printf(&w->arena, "%s%s", dir, name) };
}

static void add_class(struct walk *w, enum held_kind kind, const char *class, const char *dir)
{
	struct src_list l = { 0 };
	char path[SRC_PATH_MAX];

	PATHF(path, "sys/class/%s", class);
	if (source_list(w->src, path, &w->arena, &l) < 0)
		return;
	for (size_t i = 0; i < l.n; i++)
		add_node(w, kind, class, l.v[i].name, dir);
}

static void find_nodes(struct walk *w)
{
	add_class(w, HELD_GROUP, "vfio", "/dev/vfio/");
	add_class(w, HELD_DEVICE, "vfio-dev", "/dev/vfio/devices/");
	add_node(w, HELD_CONTAINER, "misc", "vfio", "/dev/vfio/");
	add_node(w, HELD_IOMMUFD, "misc", "iommu", "/dev/");
}

static const struct node *node_of(const struct walk *w, dev_t rdev)
{
	const struct node *n;

	vec_for_each(n, &w->nodes)
		if (n->rdev == rdev)
			return n;
	return NULL;
}

/* "DEVNAME=dri/card0" */
static const char *node_name(struct walk *w, const char *dir)
{
	static const char key[] = "DEVNAME=";
	char path[SRC_PATH_MAX], *text, *line;
	size_t len;

	PATHF(path, "%s/uevent", dir);
	if (source_read_all(w->src, path, SRC_PATH_MAX, &w->arena, &text, &len) < 0)
		return NULL;
	while ((line = strsep(&text, "\n")))
		if (strstarts(line, key))
			return arena_printf(&w->arena, "/dev/%s", line + strlen(key));
	return NULL;
}

/* Terminals, /dev/null and their like are virtual; so are disks that are made of disks. */
static void learn_other(struct walk *w, struct node *n)
{
	char path[SRC_PATH_MAX], link[SRC_PATH_MAX], *at;

	PATHF(path, "sys/dev/%s/%u:%u", n->kind == HELD_BLOCK ? "block" : "char", major(n->rdev), minor(n->rdev));
	if (source_readlink(w->src, path, link, sizeof(link)) < 0)
		return;
	at = strstr(link, "devices/");
	if (!at || (n->kind == HELD_NODE && strstarts(at, "devices/virtual/")))
		return;
	n->syspath = arena_printf(&w->arena, "/sys/%s", at);
	n->path = node_name(w, path);
}

/* One that is none of VFIO's. Found once, since a process may have thousands of /dev/null. */
static const struct node *other_node(struct walk *w, enum held_kind kind, dev_t rdev)
{
	struct node *n, new = { .rdev = rdev, .kind = kind };

	vec_for_each(n, &w->others)
		if (n->rdev == rdev && n->kind == kind)
			return n;
	learn_other(w, &new);
	n = vec_push(&w->others);
	*n = new;
	return n;
}

/* -- one process --------------------------------------------------------------------------------- */

struct process {
	int dir; /* /proc/PID */
	const char *pid;
	bool known; /* the fields below were read */
	struct held who;
};

/* At most @cap - 1 bytes of a file of the process. */
static ssize_t read_at(int dir, const char *name, char *buf, size_t cap)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while (len < cap - 1 && (n = read(fd, buf + len, cap - 1 - len)) != 0) {
		if (n < 0)
			return -errno;
		len += n;
	}
	buf[len] = '\0';
	return len;
}

static struct strs split_args(struct arena *a, const char *buf, size_t len)
{
	VEC(const char *) v = { 0 };
	struct strs args;

	for (size_t at = 0; at < len; at += strlen(buf + at) + 1)
		*vec_push(&v) = arena_strdup(a, buf + at);
	args = STRS((void *)arena_memdup(a, v.v, v.n * sizeof(*v.v)), v.n);
	vec_free(&v);
	return args;
}

static void learn_process(struct walk *w, struct process *p)
{
	char *buf = w->buf;
	struct stat st;
	uint64_t pid = 0;
	ssize_t n;

	p->known = true;
	p->who = (struct held){ 0 };
	if (!parse_u64(p->pid, &pid))
		p->who.pid = NUM(pid);
	if (!fstat(p->dir, &st))
		p->who.uid = NUM(st.st_uid);
	n = read_at(p->dir, "comm", buf, ARGS_MAX);
	if (n > 0)
		p->who.comm = arena_memdup(&w->arena, buf, n - (buf[n - 1] == '\n'));
	n = read_at(p->dir, "cmdline", buf, ARGS_MAX);
	if (n >= 0)
		p->who.args = split_args(&w->arena, buf, n);
	n = read_at(p->dir, "cgroup", buf, ARGS_MAX);
	if (n > 0)
		holder_from_cgroup(&w->arena, buf, &p->who);
	holder_from_args(&w->arena, &p->who.args, &p->who);
}

/* "vfio-device-syspath:	/sys/devices/…", from 6.18 on. */
static const char *fdinfo_syspath(struct walk *w, const struct process *p, const char *fd)
{
	static const char key[] = "vfio-device-syspath:";
	char name[64], buf[4096], *s, *end;

	snprintf(name, sizeof(name), "fdinfo/%s", fd);
	if (read_at(p->dir, name, buf, sizeof(buf)) <= 0)
		return NULL;
	s = strstr(buf, key);
	if (!s)
		return NULL;
	s += strlen(key);
	s += strspn(s, " \t");
	end = strchrnul(s, '\n');
	return arena_memdup(&w->arena, s, end - s);
}

static struct json_object *args_json(const struct strs *args)
{
	struct json_object *list;

	if (!args->known)
		return NULL;
	list = json_make_array();
	for (size_t i = 0; i < args->n; i++)
		json_append(list, json_make_string(args->v[i]));
	return list;
}

static void put_num(struct json_object *o, const char *key, struct num n)
{
	json_set(o, key, n.known ? json_make_int(n.v) : NULL);
}

static struct json_object *held_json(const struct held *h)
{
	struct json_object *o = json_make_object();

	put_num(o, "pid", h->pid);
	put_num(o, "uid", h->uid);
	doc_put(o, "comm", h->comm);
	json_set(o, "args", args_json(&h->args));
	put_num(o, "fd", h->fd);
	doc_put(o, "kind", held_kind_name(h->kind));
	doc_put(o, "node", h->node);
	put_num(o, "group", h->group);
	doc_put(o, "vfio_dev", h->vfio_dev);
	doc_put(o, "syspath", h->syspath);
	doc_put(o, "unit", h->unit);
	doc_put(o, "container", h->container);
	doc_put(o, "container_kind", h->container_kind);
	doc_put(o, "pod", h->pod);
	doc_put(o, "guest", h->guest);
	doc_put(o, "guest_uuid", h->guest_uuid);
	return o;
}

static void add_held(struct walk *w, struct process *p, const char *fd, enum held_kind kind, const struct node *n)
{
	struct held h;
	uint32_t group;
	uint64_t num;

	if (!p->known)
		learn_process(w, p);
	h = p->who;
	h.kind = kind;
	if (!parse_u64(fd, &num))
		h.fd = NUM(num);
	h.node = n ? n->path : NULL;
	if (n && kind == HELD_GROUP && !parse_u32(strstarts(n->name, "noiommu-") ? n->name + 8 : n->name, &group))
		h.group = NUM(group);
	if (n && kind == HELD_DEVICE)
		h.vfio_dev = n->name;
	if (kind == HELD_DEVICE || kind == HELD_DEVICE_FD)
		h.syspath = fdinfo_syspath(w, p, fd);
	else if (n)
		h.syspath = n->syspath;
	json_append(w->held, held_json(&h));
}

/* Descriptors without a file: the link's text says what they are. */
static void look_anonymous(struct walk *w, struct process *p, int fds, const char *fd)
{
	static const struct {
		const char *text;
		enum held_kind kind;
	} known[] = {
		{ "anon_inode:[vfio-device]", HELD_DEVICE_FD },
		{ "anon_inode:[iommufd-pgfault]", HELD_FAULT_QUEUE },
		{ "anon_inode:[iommufd-viommu-event]", HELD_EVENT_QUEUE },
	};
	char text[64];
	ssize_t n = readlinkat(fds, fd, text, sizeof(text) - 1);

	if (n < 0)
		return;
	text[n] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (streq(text, known[i].text))
			add_held(w, p, fd, known[i].kind, NULL);
}

static void look_fd(struct walk *w, struct process *p, int fds, const char *fd)
{
	const struct node *n = NULL;
	struct statx st;
	dev_t rdev;

	/* without asking a file server that may be gone */
	if (statx(fds, fd, AT_STATX_DONT_SYNC, STATX_TYPE, &st) < 0)
		return;
	rdev = makedev(st.stx_rdev_major, st.stx_rdev_minor);
	if ((st.stx_mode & S_IFMT) == 0) {
		look_anonymous(w, p, fds, fd);
		return;
	}
	if (S_ISCHR(st.stx_mode)) {
		n = node_of(w, rdev);
		n = n ? n : other_node(w, HELD_NODE, rdev);
	} else if (S_ISBLK(st.stx_mode)) {
		n = other_node(w, HELD_BLOCK, rdev);
	}
	if (n && n->path)
		add_held(w, p, fd, n->kind, n);
}

static bool is_kernel_thread(int dir)
{
	char buf[1024], *s;
	unsigned long flags;

	if (read_at(dir, "stat", buf, sizeof(buf)) <= 0)
		return false;
	/* the name in parentheses may hold anything, the last one closes it (proc(5)) */
	s = strrchr(buf, ')');
	return s && sscanf(s + 1, " %*c %*d %*d %*d %*d %*d %lu", &flags) == 1 && flags & KERNEL_THREAD;
}

static void look_process(struct walk *w, int proc, const char *pid)
{
	_cleanup_close_ int dir = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct process p = { .dir = dir, .pid = pid };
	struct dirent *e;
	DIR *fds;
	int fd;

	/* hidepid=1 shows that it is there, and no more (proc(5)) */
	if (dir < 0) {
		w->unseen += errno == EACCES || errno == EPERM;
		return;
	}
	fd = openat(dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fds = fd < 0 ? NULL : fdopendir(fd);
	if (!fds) {
		if ((errno == EACCES || errno == EPERM) && !is_kernel_thread(dir))
			w->unseen++;
		return;
	}
	errno = 0;
	while ((e = readdir(fds)))
		if (e->d_name[0] != '.')
			look_fd(w, &p, dirfd(fds), e->d_name);
	/* listing an open directory fails too when the process changed its credentials meanwhile */
	if (errno == EACCES || errno == EPERM)
		w->unseen++;
	closedir(fds);
}

/* -- all of them --------------------------------------------------------------------------------- */

static const char *whats_hidden(const struct walk *w, int proc)
{
	char ns[64];
	ssize_t n = readlinkat(proc, "self/ns/pid", ns, sizeof(ns) - 1);
	struct stat st;

	if (n > 0) {
		ns[n] = '\0';
		if (!streq(ns, FIRST_PID_NAMESPACE))
			return "pid-namespace";
	}
	if (fstatat(proc, "1", &st, 0) < 0)
		return "hidepid";
	return w->unseen ? "permission" : NULL;
}

static int look_all(struct walk *w, const char **ret_why)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;

	if (!proc)
		return -errno;
	while ((e = readdir(proc)))
		if (e->d_name[0] >= '0' && e->d_name[0] <= '9')
			look_process(w, dirfd(proc), e->d_name);
	*ret_why = whats_hidden(w, dirfd(proc));
	closedir(proc);
	return 0;
}

int holders_gather(struct ctx *ctx, struct json_object **ret)
{
	_cleanup_(cleanup_source_close) struct source *src = NULL;
	struct walk w = { 0 };
	const char *why = NULL;
	struct json_object *o;
	int r = source_open_live(ctx, &src);

	if (r < 0)
		return r;
	w.src = src;
	w.held = json_make_array();
	w.buf = must_malloc(ARGS_MAX);
	find_nodes(&w);
	r = look_all(&w, &why);
	if (r < 0) {
		json_object_put(w.held);
	} else {
		o = json_make_object();
		doc_put_bool(o, "complete", !why);
		doc_put_bool(o, "nodes", true);
		doc_put_int(o, "unseen", w.unseen);
		doc_put(o, "why", why);
		json_set(o, "held", w.held);
		*ret = o;
	}
	free(w.buf);
	vec_free(&w.nodes);
	vec_free(&w.others);
	arena_free(&w.arena);
	return r;
}

/* -- the document -------------------------------------------------------------------------------- */

static enum held_kind kind_of(const char *word)
{
	for (enum held_kind k = 0; k < HELD_UNKNOWN; k++)
		if (streq(kind_names[k], word))
			return k;
	return HELD_UNKNOWN;
}

static struct strs parse_args(struct arena *a, struct json_object *o)
{
	size_t n = doc_len(o, "args");
	const char **v = arena_array(a, const char *, n);

	if (!doc_get(o, "args", json_type_array))
		return (struct strs){ 0 };
	for (size_t i = 0; i < n; i++) {
		const char *s = json_object_get_string(doc_at(o, "args", i));

		v[i] = arena_strdup(a, s ? s : "");
	}
	return STRS(v, n);
}

static void parse_held(struct arena *a, struct json_object *o, struct held *h)
{
	*h = (struct held){
		.pid = doc_num(o, "pid"),
		.uid = doc_num(o, "uid"),
		.fd = doc_num(o, "fd"),
		.comm = doc_text(a, o, "comm"),
		.args = parse_args(a, o),
		.kind = kind_of(doc_text(a, o, "kind")),
		.node = doc_text(a, o, "node"),
		.group = doc_num(o, "group"),
		.vfio_dev = doc_text(a, o, "vfio_dev"),
		.syspath = doc_text(a, o, "syspath"),
		.unit = doc_text(a, o, "unit"),
		.container = doc_text(a, o, "container"),
		.container_kind = doc_text(a, o, "container_kind"),
		.pod = doc_text(a, o, "pod"),
		.guest = doc_text(a, o, "guest"),
		.guest_uuid = doc_text(a, o, "guest_uuid"),
	};
}

int source_holders(struct source *src, struct ctx *ctx, struct arena *a, struct held_list *ret)
{
	struct json_object *doc;
	struct held_list l = { 0 };
	int r = source_section(src, ctx, SECTION_HOLDERS, &doc);

	if (r < 0)
		return r;
	l.complete = doc_bool(doc, "complete") == TRI_YES;
	l.nodes = doc_bool(doc, "nodes") == TRI_YES;
	l.unseen = MAX(doc_num(doc, "unseen").v, 0);
	l.why = doc_text(a, doc, "why");
	l.n = doc_len(doc, "held");
	l.v = arena_array(a, struct held, l.n);
	for (size_t i = 0; i < l.n; i++)
		parse_held(a, doc_at(doc, "held", i), &l.v[i]);
	json_object_put(doc);
	*ret = l;
	return 0;
}
