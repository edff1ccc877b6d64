// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Locked memory. What is mapped for a device is pinned, and pinned memory is counted against RLIMIT_MEMLOCK of whoever maps it, unless that one has
 * CAP_IPC_LOCK in the first user namespace. Against what it is counted depends on the interface: a VFIO container counts
 * by process (mm->locked_vm: vfio_lock_acct() in drivers/vfio/vfio_iommu_type1.c), iommufd by user (user->locked_vm:
 * incr_user_locked_vm() in drivers/iommu/iommufd/pages.c) but for its container mode. In each case ENOMEM.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "diag/mapcheck-facts.h"
#include "source/holders.h"

#define CAP_IPC_LOCK 14
#define PAGE_4K	     4096 /* what is locked is at least that; larger pages round it up further */

/* PROC_USER_INIT_INO of the kernel, fixed since 3.8: the number of the first user namespace. */
#define FIRST_USER_NS "user:[4026531837]"

struct locker {
	struct num pid;
	const char *who; /* for sentences */
	uint64_t limit;
	bool unlimited;
	uint64_t locked, pinned; /* bytes: VmLck, VmPin */
	uint64_t caps;
	uint32_t uid;
	bool iommufd, container; /* what it has open */
	uint64_t by_user; /* pinned by all processes of its user, as far as seen */
};

/* -- reading ---------------------------------------------------------------------------------------------------- */

/* "VmPin:\t      12 kB" and the like: what stands behind NAME: in a status file; NULL none. */
static const char *status_value(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
		if (!strncmp(line, name, len) && line[len] == ':')
			return line + len + 1 + strspn(line + len + 1, " \t");
	return NULL;
}

static uint64_t status_bytes(const char *text, const char *name)
{
	const char *v = status_value(text, name);
	unsigned long long n;

	return v && sscanf(v, "%llu", &n) == 1 && n <= UINT64_MAX >> 10 ? (uint64_t)n << 10 : 0;
}

static int read_status(struct mapping *m, const char *pid, char **ret)
{
	char path[SRC_PATH_MAX];

	PATHF(path, "proc/%s/status", pid);
	return source_read_attr_dup(m->h->src, path, &m->h->arena, ret);
}

/* "Max locked memory  8388608  8388608  bytes": soft, hard. */
static int read_limit(struct mapping *m, struct locker *l)
{
	char path[SRC_PATH_MAX], *text, *line;
	unsigned long long soft;
	int r;

	PATHF(path, "proc/%lld/limits", (long long)l->pid.v);
	r = source_read_attr_dup(m->h->src, path, &m->h->arena, &text);
	if (r < 0)
		return r;
	line = strstr(text, "Max locked memory");
	if (!line)
		return -EBADMSG;
	line += strlen("Max locked memory");
	l->unlimited = strstarts(line + strspn(line, " "), "unlimited");
	if (l->unlimited)
		return 0;
	if (sscanf(line, "%llu", &soft) != 1)
		return -EBADMSG;
	l->limit = soft;
	return 0;
}

static int read_process(struct mapping *m, struct locker *l)
{
	const char *v;
	char *text, pid[24], name[32] = "";
	int r;

	snprintf(pid, sizeof(pid), "%lld", (long long)l->pid.v);
	r = read_status(m, pid, &text);
	if (r < 0)
		return r;
	v = status_value(text, "Name");
	if (v)
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(v, "\n"), v);
	l->who = arena_printf(&m->h->arena, "process %s%s%s%s", pid, *name ? " (" : "", name, *name ? ")" : "");
	v = status_value(text, "Uid");
	if (!v || sscanf(v, "%u", &l->uid) != 1)
		return -EBADMSG;
	v = status_value(text, "CapEff");
	if (!v || sscanf(v, "%llx", (unsigned long long *)&l->caps) != 1)
		return -EBADMSG;
	l->locked = status_bytes(text, "VmLck");
	l->pinned = status_bytes(text, "VmPin");
	return read_limit(m, l);
}

/* The kernel does not show what it counts for a user; what its processes have pinned is part of that. */
static void add_up_user(struct mapping *m, struct locker *l)
{
	struct src_list list = { 0 };

	source_list(m->h->src, "proc", &m->h->arena, &list);
	for (size_t i = 0; i < list.n; i++) {
		const char *v;
		uint32_t uid;
		char *text;

		if (list.v[i].name[strspn(list.v[i].name, "0123456789")] || read_status(m, list.v[i].name, &text) < 0)
			continue;
		v = status_value(text, "Uid");
		if (v && sscanf(v, "%u", &uid) == 1 && uid == l->uid)
			l->by_user += status_bytes(text, "VmPin");
	}
	l->by_user = MAX(l->by_user, l->pinned);
}

static void read_interface(struct mapping *m, struct locker *l)
{
	struct held_list list = { 0 };

	if (source_holders(m->h->src, m->h->ctx, &m->h->arena, &list) < 0)
		return;
	for (size_t i = 0; i < list.n; i++) {
		if (!list.v[i].pid.known || list.v[i].pid.v != l->pid.v)
			continue;
		l->iommufd |= list.v[i].kind == HELD_IOMMUFD;
		l->container |= list.v[i].kind == HELD_CONTAINER;
	}
}

/* The capability counts in the first user namespace only: root in a container's own has none there. */
static enum tri may_lock_all(struct mapping *m, const struct locker *l)
{
	char path[SRC_PATH_MAX], link[64];
	int r;

	if (!(l->caps >> CAP_IPC_LOCK & 1))
		return TRI_NO;
	PATHF(path, "proc/%lld/ns/user", (long long)l->pid.v);
	r = source_readlink(m->h->src, path, link, sizeof(link));
	if (r == 0)
		return streq(link, FIRST_USER_NS) ? TRI_YES : TRI_NO;
	PATHF(path, "proc/%lld/ns", (long long)l->pid.v);
	return r == -ENOENT && source_exists(m->h->src, path) ? TRI_YES : TRI_UNKNOWN;
}

/* -- judging ------------------------------------------------------------------------------------------------------ */

static uint64_t locked_by(const struct mapping *m)
{
	uint64_t up = (m->q->length + (PAGE_4K - 1)) & ~(uint64_t)(PAGE_4K - 1);

	return up < m->q->length ? UINT64_MAX : up;
}

static bool fits(uint64_t limit, uint64_t used, uint64_t more)
{
	return used <= limit && more <= limit - used;
}

static const char *kib(struct mapping *m, uint64_t bytes)
{
	return arena_printf(&m->h->arena, "%llu KiB", (unsigned long long)(bytes >> 10));
}

static void remedy(struct mapping *m, const struct locker *l, uint64_t used)
{
	uint64_t wanted = used + locked_by(m) < used ? UINT64_MAX : used + locked_by(m);

	if (l->pid.known)
		finding_remedy(&m->out, false,
			       arena_printf(&m->h->arena, "prlimit --pid %lld --memlock=%llu", (long long)l->pid.v, (unsigned long long)wanted),
			       "raise the limit of the process that runs");
	finding_remedy(&m->out, false, NULL, "raise it for good: LimitMEMLOCK= in its systemd unit, <memtune><hard_limit> in libvirt, memlock in "
		       "/etc/security/limits.conf");
}

static void refuse(struct mapping *m, const struct locker *l, uint64_t used, const char *counted)
{
	mapping_refuse(m, "memlock", "%s may lock %s (RLIMIT_MEMLOCK), %s%s, and the mapping locks %s more (ENOMEM)", l->who,
		       kib(m, l->limit), kib(m, used), counted, kib(m, locked_by(m)))->file =
		l->pid.known ? arena_printf(&m->h->arena, "/proc/%lld/limits", (long long)l->pid.v) : NULL;
	remedy(m, l, used);
}

static void judge(struct mapping *m, struct locker *l)
{
	uint64_t more = locked_by(m);
	bool by_process = fits(l->limit, l->locked, more), by_user;
	bool maybe_user = l->iommufd || !l->container, maybe_process = l->container || !l->iommufd;

	add_up_user(m, l);
	by_user = fits(l->limit, l->by_user, more);
	if (!by_process && (!maybe_user || !by_user)) {
		refuse(m, l, maybe_process ? l->locked : l->by_user, maybe_process ? " are locked by it" : " are pinned by its user");
	} else if (!by_user && (!maybe_process || !by_process)) {
		refuse(m, l, l->by_user, " are pinned by its user's processes");
	} else if ((maybe_user && !by_user) || (maybe_process && !by_process)) {
		mapping_unknown(m, "memlock-mode", -EOPNOTSUPP, "%s may lock %s (RLIMIT_MEMLOCK): %s for a VFIO container, which counts by process "
				"(%s locked), and %s for iommufd, which counts by user (%s pinned); it has %s open", l->who,
				kib(m, l->limit), by_process ? "enough" : "too little", kib(m, l->locked),
				by_user ? "enough" : "too little", kib(m, l->by_user), l->iommufd ? "both" : "neither");
	} else {
		mapping_note(m, "memlock-fits", "%s may lock %s (RLIMIT_MEMLOCK); %s are locked, and pinned by its user's processes %s", l->who,
			     kib(m, l->limit), kib(m, l->locked), kib(m, l->by_user));
	}
}

static void judge_process(struct mapping *m)
{
	struct locker l = { .pid = m->q->pid };
	int r = read_process(m, &l);
	enum tri all;

	if (r < 0) {
		mapping_unknown(m, "memlock-unread", r, "what process %lld may lock cannot be read: %s", (long long)l.pid.v, err_text(r));
		return;
	}
	all = may_lock_all(m, &l);
	if (l.unlimited || all == TRI_YES) {
		mapping_note(m, "memlock-free", "%s may lock any amount of memory: %s", l.who,
			     l.unlimited ? "its RLIMIT_MEMLOCK is unlimited" : "it has CAP_IPC_LOCK");
		return;
	}
	read_interface(m, &l);
	if (all == TRI_UNKNOWN && !fits(l.limit, MAX(l.locked, l.pinned), locked_by(m)))
		mapping_unknown(m, "memlock-unread", -EACCES, "whether the CAP_IPC_LOCK of %s counts (its user namespace) cannot be read", l.who);
	else
		judge(m, &l);
}

void mapping_limit(struct mapping *m)
{
	if (m->q->pid.known) {
		judge_process(m);
	} else if (m->q->memlock.known) {
		struct locker l = { .who = "a process with that limit", .limit = (uint64_t)m->q->memlock.v };

		if (!fits(l.limit, 0, locked_by(m)))
			refuse(m, &l, 0, " are locked");
	} else {
		mapping_note(m, "memlock-not-asked", "locked memory was not judged: it is a matter of the process that maps (--pid, --memlock)");
	}
}
