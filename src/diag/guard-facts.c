// SPDX-License-Identifier: GPL-2.0-or-later
/* What the machine as a whole uses: mounts, swap areas, loop devices; and whether we see the machine at all. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "diag/guard-facts.h"

/* A machine with 10,000 containers has some MiB of mounts. */
#define MAX_TABLE (64u << 20)

/* A process has at most a quarter of its stack's limit; shells have some KiB. */
#define MAX_ENVIRON (1u << 20)
#define MAX_ANCESTORS 64

/* PROC_PID_INIT_INO of the kernel, fixed since 3.8: the number of the first pid namespace. */
#define FIRST_PID_NS "pid:[4026531836]"

/* -- tables ------------------------------------------------------------------------------------------------ */

/* The kernel writes blanks, tabs, newlines and backslashes of names as \ooo (mangle_path()). */
static char *unescape(char *s)
{
	char *to = s;

	for (char *from = s; *from; to++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' && from[2] <= '7' &&
		    from[3] >= '0' && from[3] <= '7') {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
	return s;
}

/* "36 35 98:0 /root /point rw,noatime shared:1 - ext4 /dev/sda1 rw,errors=…", taken apart in place. -EINVAL when it is none. */
static int mount_parse(char *line, struct mounted *ret)
{
	char *word[6], *fstype, *source, *rest = strstr(line, " - ");
	struct mounted m = { 0 };

	if (!rest)
		return -EINVAL;
	*rest = '\0';
	rest += 3;
	for (size_t i = 0; i < ARRAY_SIZE(word); i++) {
		word[i] = strsep(&line, " ");
		if (!word[i])
			return -EINVAL;
	}
	fstype = strsep(&rest, " ");
	source = strsep(&rest, " ");
	if (!source || sscanf(word[2], "%u:%u", &m.major, &m.minor) != 2)
		return -EINVAL;
	m.point = unescape(word[4]);
	m.fstype = fstype;
	m.source = unescape(source);
	m.options = rest ? rest : "";
	*ret = m;
	return 0;
}

static void read_mounts(struct guard_facts *f)
{
	/* that of the first process: ours is the same one where it matters, see read_namespaces() */
	static const char *const files[] = { "proc/1/mountinfo", "proc/self/mountinfo" };
	struct arena *a = &f->h->arena;
	VEC(struct mounted) v = { 0 };
	char *text, *line;
	size_t len;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		f->mounts_file = arena_printf(a, "/%s", files[i]);
		f->mounts_err = source_read_all(f->h->src, files[i], MAX_TABLE, a, &text, &len);
		if (f->mounts_err == 0)
			break;
	}
	while (f->mounts_err == 0 && (line = strsep(&text, "\n"))) {
		struct mounted m;

		if (*line && mount_parse(line, &m) == 0)
			*vec_push(&v) = m;
	}
	f->mounts = (struct mounted *)arena_memdup(a, v.v, v.n * sizeof(*v.v));
	f->n_mounts = v.n;
	vec_free(&v);
}

/* The first column of /proc/swaps, below its heading. A kernel without swap has no such file. */
static void read_swaps(struct guard_facts *f)
{
	struct arena *a = &f->h->arena;
	VEC(const char *) v = { 0 };
	char *text = NULL, *line;
	size_t len;

	f->swaps_err = source_read_all(f->h->src, "proc/swaps", MAX_TABLE, a, &text, &len);
	if (f->swaps_err == -ENOENT)
		f->swaps_err = 0;
	if (text)
		(void)strsep(&text, "\n"); /* the headings */
	while (text && (line = strsep(&text, "\n"))) {
		line[strcspn(line, " \t")] = '\0';
		if (*line)
			*vec_push(&v) = unescape(line);
	}
	f->swaps = (const char **)arena_memdup(a, v.v, v.n * sizeof(*v.v));
	f->n_swaps = v.n;
	vec_free(&v);
}

static void read_loops(struct guard_facts *f)
{
	struct arena *a = &f->h->arena;
	struct src_list list = { 0 };
	VEC(struct loop_file) v = { 0 };

	source_list(f->h->src, "sys/block", a, &list);
	for (size_t i = 0; i < list.n; i++) {
		char path[SRC_PATH_MAX], *file;

		PATHF(path, "sys/block/%s/loop/backing_file", list.v[i].name);
		if (strstarts(list.v[i].name, "loop") && source_read_attr_dup(f->h->src, path, a, &file) == 0)
			*vec_push(&v) = (struct loop_file){ list.v[i].name, file };
	}
	f->loops = (struct loop_file *)arena_memdup(a, v.v, v.n * sizeof(*v.v));
	f->n_loops = v.n;
	vec_free(&v);
}

/* Mounts of btrfs have device numbers of their own, and name one of several disks; sysfs has them all. */
static void read_btrfs(struct guard_facts *f)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	struct arena *a = &f->h->arena;
	struct src_list systems = { 0 };

	source_list(f->h->src, "sys/fs/btrfs", a, &systems);
	for (size_t i = 0; i < systems.n; i++) {
		struct src_list members = { 0 };
		char path[SRC_PATH_MAX];

		PATHF(path, "sys/fs/btrfs/%s/devices", systems.v[i].name);
		source_list(f->h->src, path, a, &members);
		for (size_t k = 0; k < members.n; k++)
			strbuf_printf(&b, " %s ", members.v[k].name);
	}
	f->btrfs = arena_strdup(a, strbuf_str(&b));
}

/* -- namespaces ------------------------------------------------------------------------------------------------ */

/* 0 the same, 1 another one, or why that cannot be told. */
static int compare_namespace(struct guard_facts *f, const char *ns)
{
	char ours[64], first[64], path[64];
	int r;

	PATHF(path, "proc/self/ns/%s", ns);
	r = source_readlink(f->h->src, path, ours, sizeof(ours));
	if (r == -ENOENT && source_exists(f->h->src, "proc/self/ns"))
		return 0; /* a kernel without such namespaces has but one */
	if (r < 0)
		return r;
	if (streq(ns, "pid"))
		return !streq(ours, FIRST_PID_NS);
	PATHF(path, "proc/1/ns/%s", ns);
	r = source_readlink(f->h->src, path, first, sizeof(first));
	return r < 0 ? r : !streq(ours, first);
}

/*
 * In the first pid namespace, process 1 is the machine's own, so its other namespaces are the machine's. A capture without these links
 * is taken for the machine's own view, as it nearly always is; who reads the judgement is told.
 */
static void read_namespaces(struct guard_facts *f)
{
	static const char *const names[] = { "pid", "net", "mnt" };
	struct arena *a = &f->h->arena;

	f->whole = TRI_YES;
	for (size_t i = 0; i < ARRAY_SIZE(names) && f->whole == TRI_YES && !f->ns_err; i++) {
		int r = compare_namespace(f, names[i]);

		f->ns_file = arena_printf(a, "/proc/self/ns/%s", names[i]);
		f->ns_err = r < 0 ? r : 0;
		if (r > 0)
			f->ns_why = arena_printf(a, "this is the view from a %s namespace of its own, as in a container: what the "
						    "machine itself uses cannot be seen from there", names[i]);
		else if (r < 0)
			f->ns_why = arena_printf(a, "whether this is the view from the machine's own %s namespace cannot be told: %s",
						 names[i], err_text(r));
		if (r != -ENOTCAPTURED)
			f->whole = r > 0 ? TRI_NO : r < 0 ? TRI_UNKNOWN : TRI_YES;
	}
}

/* "CLIENT PORT SERVER PORT" */
static const char *our_ssh_address(struct arena *a, const char *connection)
{
	char *copy = arena_strdup(a, connection), *word = NULL;

	for (int i = 0; copy && i < 3; i++)
		word = strsep(&copy, " ");
	return word && *word ? word : NULL;
}

/* The process's own variable as it was started with; NULL none, or it may not be looked at. */
static const char *variable_of(struct host *h, long pid, const char *name)
{
	char path[64], *text;
	size_t len, n = strlen(name);

	PATHF(path, "proc/%ld/environ", pid);
	if (source_read_all(h->src, path, MAX_ENVIRON, &h->arena, &text, &len) < 0)
		return NULL;
	for (char *s = text; s < text + len; s += strlen(s) + 1)
		if (!strncmp(s, name, n) && s[n] == '=')
			return s + n + 1;
	return NULL;
}

static long parent_of(struct host *h, long pid)
{
	char path[64], text[1024], *at;
	long parent;

	PATHF(path, "proc/%ld/stat", pid);
	if (source_read_attr(h->src, path, text, sizeof(text)) < 0)
		return 0;
	at = strrchr(text, ')'); /* the name before it may hold anything */
	return at && sscanf(at, ") %*c %ld", &parent) == 1 ? parent : 0;
}

/* sudo and su -l keep the variable from us; who called them has it still. */
static const char *inherited_ssh(struct host *h)
{
	const char *found = NULL;
	long pid = getppid();

	for (int depth = 0; !found && pid > 1 && depth < MAX_ANCESTORS; depth++) {
		found = variable_of(h, pid, "SSH_CONNECTION");
		pid = parent_of(h, pid);
	}
	return found;
}

struct guard_facts *guard_facts_read(struct host *h, const char *ssh_connection)
{
	struct guard_facts *f = arena_new(&h->arena, struct guard_facts);

	f->h = h;
	read_namespaces(f);
	read_mounts(f);
	read_swaps(f);
	read_loops(f);
	read_btrfs(f);
	if (!ssh_connection && source_is_live(h->src))
		ssh_connection = inherited_ssh(h);
	f->ssh_local = our_ssh_address(&h->arena, ssh_connection);
	return f;
}
