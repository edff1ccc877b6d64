// SPDX-License-Identifier: GPL-2.0-or-later
#include "act/move.h"

#include <errno.h>
#include <string.h>

#include "act/move-internal.h"
#include "base/str.h"
#include "host/holders.h"

/* -- looking ------------------------------------------------------------------------------------------------- */

static int read_link_name(struct mover *m, const char *path, const char **ret)
{
	char name[256];
	int r = source_readlink_name(m->src, path, name, sizeof(name));

	if (r == 0)
		*ret = arena_strdup(&m->ctx->arena, name);
	return r;
}

int move_driver(struct mover *m, const char *bus, const char *device, const char **ret)
{
	char path[SRC_PATH_MAX];
	int r;

	PATHF(path, "sys/bus/%s/devices/%s/driver", bus, device);
	r = read_link_name(m, path, ret);
	if (r != -ENOENT)
		return r;
	PATHF(path, "sys/bus/%s/devices/%s", bus, device);
	if (!source_exists(m->src, path))
		return -ENODEV;
	*ret = NULL;
	return 0;
}

/* An override that is not set reads as "(null)". */
static int read_override(struct mover *m, const char *bus, const char *device, const char **ret)
{
	char path[SRC_PATH_MAX], *s;
	int r;

	PATHF(path, "sys/bus/%s/devices/%s/driver_override", bus, device);
	r = source_read_attr_dup(m->src, path, &m->ctx->arena, &s);
	if (r == 0)
		*ret = *s && !streq(s, "(null)") ? s : NULL;
	return r;
}

int move_look(struct mover *m, const char *bus, const char *device, struct move *ret)
{
	struct move v = { .bus = bus, .device = device, .group = NUM_UNKNOWN };
	char path[SRC_PATH_MAX];
	const char *group;
	uint32_t id;
	int r = move_driver(m, bus, device, &v.driver);

	if (r < 0)
		return r;
	r = read_override(m, bus, device, &v.override);
	if (r < 0 && r != -ENOENT)
		return r;
	v.has_override = r == 0;
	PATHF(path, "sys/bus/%s/devices/%s/driver/module", bus, device);
	if (read_link_name(m, path, &v.module) < 0)
		v.module = NULL;
	PATHF(path, "sys/bus/%s/devices/%s/iommu_group", bus, device);
	if (read_link_name(m, path, &group) == 0 && parse_u32(group, &id) == 0)
		v.group = NUM(id);
	*ret = v;
	return 0;
}

const char *move_held_by(struct host *h, const char *bus, const char *device, bool whole_group)
{
	struct device *d = host_device(h, bus, device);
	struct holder_list list;

	if (!d || (!d->group && whole_group))
		return NULL;
	if (whole_group)
		group_holders(h, d->group, &list);
	else
		device_holders(h, d, &list);
	if (list.n)
		return list.v[0].who;
	return list.err ? "a process that cannot be seen, for all we know," : NULL;
}

struct num move_pid_start(struct mover *m, pid_t pid)
{
	char path[64], text[1024], *at;
	unsigned long long start;

	PATHF(path, "proc/%d/stat", (int)pid);
	if (source_read_attr(m->src, path, text, sizeof(text)) < 0)
		return NUM_UNKNOWN;
	/* the second field is a name that may hold anything, a ")" too */
	at = strrchr(text, ')');
	for (int i = 0; at && i < 20; i++)
		at = strchr(at + 1, ' ');
	if (!at || sscanf(at, "%llu", &start) != 1)
		return NUM_UNKNOWN;
	return NUM(start);
}

/* -- one step ---------------------------------------------------------------------------------------------------- */

int move_failed(struct mover *m, const char *code, int err, const char *why, const char *hint, const struct move *v)
{
	return ctx_error(m->ctx, NOTE(.code = code, .err = err, .why = why, .hint = hint), "%s", v->device);
}

static int somebody_else(struct mover *m, const struct move *v, const char *now)
{
	return move_failed(m, "moved-meanwhile", ESTALE,
		      now ? arena_printf(&m->ctx->arena, "somebody else bound it to %s in the meantime", now) :
			    "somebody else took it off its driver in the meantime",
		      "find out who (libvirt with managed='yes', driverctl, udev rules), then try again", v);
}

void move_write_pending(struct mover *m, const struct move *v, pid_t pid)
{
	struct journal_entry *e = journal_find(m->j, v->bus, v->device);

	if (!e)
		return;
	e->state = JOURNAL_PENDING;
	e->pid = NUM(pid);
	e->pid_start = move_pid_start(m, pid);
	journal_save(m->j);
}

int move_check_pending(struct mover *m, const struct journal_entry *e, const struct move *v)
{
	struct num start;

	if (e->state != JOURNAL_PENDING || !e->pid.known)
		return 0;
	start = move_pid_start(m, (pid_t)e->pid.v);
	if (!start.known || (e->pid_start.known && start.v != e->pid_start.v))
		return 0;
	return move_failed(m, "pending", EINPROGRESS,
		      arena_printf(&m->ctx->arena, "its unbind still hangs in the kernel (process %lld)", (long long)e->pid.v),
		      "it completes when whoever uses the device lets go", v);
}

static int unbind_pending(struct mover *m, const struct move *v, const char *driver, pid_t pid)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	const char *who = NULL;

	if (host_load(m->ctx, m->src, HOST_DRIVERS, &h) == 0)
		who = move_held_by(h, v->bus, v->device, false);
	return move_failed(m, "pending", EINPROGRESS,
		      arena_printf(&m->ctx->arena, "its unbind from %s hangs in the kernel (process %d) and cannot be called "
						   "back; it completes when %s", driver, (int)pid,
				   who ? arena_printf(&m->ctx->arena, "%s closes it", who) : "whoever uses it lets go"),
		      arena_printf(&m->ctx->arena, "afterwards: iommuctl device restore %s", v->device), v);
}

int move_unbind(struct mover *m, const struct move *v, const char *driver, pid_t *ret_pid)
{
	const char *now = NULL;
	int r = backend_unbind(m->be, v->bus, v->device, driver, m->timeout_ms, ret_pid);

	if (r == -EINPROGRESS)
		return unbind_pending(m, v, driver, *ret_pid);
	if (r == -ENODEV || r == -ENOENT) {
		/* gone from that driver all by itself */
		r = move_driver(m, v->bus, v->device, &now);
		if (r == 0 && now)
			return somebody_else(m, v, now);
	}
	if (r < 0)
		return move_failed(m, "unbind", r, arena_printf(&m->ctx->arena, "unbind from %s: %s", driver, err_text(r)), NULL, v);
	return 0;
}

static int explain_bind(struct mover *m, const struct move *v, int err)
{
	const char *why = err_text(err), *hint = NULL;

	if (err == -ENODEV)
		why = "the driver does not match the device";
	else if (err == -ENOENT)
		why = "no such driver";
	if (err == -EBUSY && !strstarts(v->to, "vfio"))
		hint = "its IOMMU group belongs to user space: iommuctl group check names who holds it";
	else if (err == -ENODEV && !v->has_override)
		hint = "this bus has no driver_override: a driver takes what its own table of ids has, and new_id would take all devices of the kind";
	else if (err == -EINVAL && strstarts(v->to, "vfio"))
		hint = "iommuctl group check says what VFIO asks for; the kernel's log may say more";
	return move_failed(m, "bind", err, arena_printf(&m->ctx->arena, "bind to %s: %s", v->to, why), hint, v);
}

/* Native drivers may wait for their firmware for two minutes. */
#define BIND_MS 120000

void move_guard(struct mover *m, bool bare)
{
	m->be->guard_ms = bare ? MAX(m->timeout_ms, BIND_MS) : 0;
}

int move_hangs(struct mover *m, const struct move *v, int err, pid_t *ret_pid)
{
	if (err != -EINPROGRESS)
		return err;
	*ret_pid = m->be->hangs;
	return move_failed(m, "pending", EINPROGRESS,
			   arena_printf(&m->ctx->arena, "what is written to it hangs in the kernel (process %d) and cannot be called back, as while somebody "
							"else takes it off its driver", (int)*ret_pid),
			   arena_printf(&m->ctx->arena, "stop whoever uses it; afterwards: iommuctl device restore %s", v->device), v);
}

static int bind_one(struct mover *m, const struct move *v, pid_t *ret_pid)
{
	const char *now = NULL;
	int r = backend_bind(m->be, v->bus, v->device, v->to), seen = move_driver(m, v->bus, v->device, &now);

	if (r == -EINPROGRESS)
		return move_hangs(m, v, r, ret_pid);
	if (seen == 0 && streq(now, v->to))
		return 0; /* whoever did it */
	if (seen == 0 && now)
		return somebody_else(m, v, now);
	return explain_bind(m, v, r < 0 ? r : seen < 0 ? seen : -EIO);
}

static int cannot_look(struct mover *m, const struct move *v, int err)
{
	if (err == -ENODEV)
		return move_failed(m, "gone", err, "it is gone", NULL, v);
	return move_failed(m, "unreadable", err, arena_printf(&m->ctx->arena, "its driver cannot be read: %s", err_text(err)), NULL, v);
}

static int set_override(struct mover *m, const struct move *v, const char *driver, pid_t *ret_pid)
{
	int r = v->has_override ? backend_set_override(m->be, v->bus, v->device, driver) : 0;

	if (r == -EINPROGRESS)
		return move_hangs(m, v, r, ret_pid);
	return r < 0 ? move_failed(m, "override", r, NULL, NULL, v) : 0;
}

static bool interrupted(const struct mover *m)
{
	return m->be->interrupted && *m->be->interrupted;
}

/*
 * The override is set before the unbind: from then on nobody's probe can give the device to another driver. @ret_pid is
 * of an unbind that hangs (-EINPROGRESS).
 */
static int move_one(struct mover *m, const struct move *v, pid_t *ret_pid)
{
	const char *now = NULL;
	int r = move_driver(m, v->bus, v->device, &now);

	if (r < 0)
		return cannot_look(m, v, r);
	if (!streq(now, v->driver))
		return somebody_else(m, v, now);
	move_guard(m, !now);
	if (v->to)
		r = set_override(m, v, v->to, ret_pid);
	if (r == 0 && now)
		r = move_unbind(m, v, now, ret_pid);
	if (r == 0 && v->to)
		r = bind_one(m, v, ret_pid);
	move_guard(m, false);
	return r;
}

/* -- nodes --------------------------------------------------------------------------------------------------------- */

static const char *vfio_dev_of(struct mover *m, const struct move *v)
{
	struct src_list list = { 0 };
	char path[SRC_PATH_MAX];

	PATHF(path, "sys/bus/%s/devices/%s/vfio-dev", v->bus, v->device);
	if (source_list(m->src, path, &m->ctx->arena, &list) < 0)
		return NULL;
	for (size_t i = 0; i < list.n; i++) {
		PATHF(path, "sys/bus/%s/devices/%s/vfio-dev/%s/dev", v->bus, v->device, list.v[i].name);
		if (strstarts(list.v[i].name, "vfio") && source_exists(m->src, path))
			return list.v[i].name;
	}
	return NULL;
}

static bool group_has_vfio(struct mover *m, const struct move *v)
{
	char path[SRC_PATH_MAX];

	PATHF(path, "sys/class/vfio/%lld", (long long)v->group.v);
	return v->group.known && source_exists(m->src, path);
}

/* A node that was there before has its event behind it. */
static int wait_node(struct mover *m, const struct move *v, const char *node, bool was_there)
{
	int r = was_there ? 0 : backend_wait_node(m->be, node, m->timeout_ms);

	if (r == -ETIMEDOUT) {
		ctx_warn(m->ctx, "udev-slow", 0, NULL, "udev has not finished with /dev/%s; its owner and mode may change yet", node);
		r = 0;
	}
	return r < 0 ? move_failed(m, "no-node", r, arena_printf(&m->ctx->arena, "/dev/%s does not appear", node), NULL, v) : 0;
}

static int wait_nodes(struct mover *m, struct move *v, bool group_was_there)
{
	const char *name = vfio_dev_of(m, v), *node;
	int r = 0;

	if (name) {
		node = arena_printf(&m->ctx->arena, "vfio/devices/%s", name);
		v->cdev = arena_printf(&m->ctx->arena, "/dev/%s", node);
		r = wait_node(m, v, node, false);
	}
	if (r == 0 && group_has_vfio(m, v)) {
		node = arena_printf(&m->ctx->arena, "vfio/%lld", (long long)v->group.v);
		v->node = arena_printf(&m->ctx->arena, "/dev/%s", node);
		r = wait_node(m, v, node, group_was_there);
	}
	return r;
}

/* -- all of them -------------------------------------------------------------------------------------------------- */

/* What the device was in the first place stays what restore goes back to, however often it is moved on. */
static void write_down(struct mover *m, const struct move *v, enum journal_state state)
{
	const struct journal_entry *old = journal_find(m->j, v->bus, v->device);
	struct journal_entry e = {
		.bus = v->bus,
		.device = v->device,
		.driver = v->driver,
		.module = v->module,
		.override = v->override,
		.has_override = v->has_override,
		.vf_autoprobe = TRI_UNKNOWN,
	};

	if (old)
		e = *old;
	e.to = v->to;
	e.state = state;
	e.pid = e.pid_start = NUM_UNKNOWN;
	journal_put(m->j, &e);
}

static bool is_moving(const struct move *v)
{
	return v->state != MOVE_UNCHANGED;
}

struct saved {
	bool was_there; /* in the journal */
	struct journal_entry entry;
	bool group_node; /* existed before */
};

/* What is put aside is enough for all that has to be written and taken back when there is no more. */
#define RESERVE (256u * 1024)

void acting_begins(void)
{
	oom_reserve(RESERVE);
	oom_status((struct oom_status){ .code = 4, .hint = "hint: iommuctl device restore --all puts back what has been moved" });
}

void acting_undone(void)
{
	oom_status((struct oom_status){ .code = 1 });
}

static int begin(struct mover *m, struct move *v, size_t n, struct saved *saved)
{
	for (size_t i = 0; i < n; i++) {
		const struct journal_entry *e = journal_find(m->j, v[i].bus, v[i].device);

		saved[i].was_there = e;
		if (e)
			saved[i].entry = *e;
		saved[i].group_node = group_has_vfio(m, &v[i]);
		if (is_moving(&v[i]))
			write_down(m, &v[i], JOURNAL_MOVING);
	}
	return journal_save(m->j);
}

static void forget(struct mover *m, const struct move *v, const struct saved *saved)
{
	if (saved->was_there)
		journal_put(m->j, &saved->entry);
	else
		journal_drop(m->j, v->bus, v->device);
}

static void leave_it(struct mover *m, struct move *v)
{
	v->state = MOVE_DIFFERS;
	if (move_driver(m, v->bus, v->device, &v->left) < 0)
		v->left = NULL;
}

/* One device, after something failed. */
static void take_back(struct mover *m, struct host *h, struct move *v, const struct saved *saved)
{
	pid_t pid = 0;
	int r = move_put_back(m, h, v, &pid);

	if (r == 0 || r == -ENODEV) {
		v->state = r ? MOVE_GONE : MOVE_UNDONE;
		forget(m, v, saved);
		return;
	}
	leave_it(m, v);
	v->state = r == -EINPROGRESS ? MOVE_PENDING : MOVE_DIFFERS;
	if (pid)
		move_write_pending(m, v, pid);
}

/* In reverse. A second interrupt does not stop it. */
static bool take_all_back(struct mover *m, struct move *v, size_t n_touched, size_t n, const struct saved *saved)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	bool clean = true;

	m->be->interrupted = NULL;
	if (n_touched && host_load(m->ctx, m->src, HOST_DRIVERS, &h) < 0)
		h = NULL;
	for (size_t i = n; i-- > 0;) {
		if (!is_moving(&v[i]))
			continue;
		if (i >= n_touched) {
			v[i].state = MOVE_UNDONE;
			forget(m, &v[i], &saved[i]);
		} else if (!h && v[i].state != MOVE_PENDING) {
			leave_it(m, &v[i]);
		} else if (v[i].state != MOVE_PENDING) {
			take_back(m, h, &v[i], &saved[i]);
		}
		clean &= v[i].state == MOVE_UNDONE || v[i].state == MOVE_GONE;
	}
	return journal_save(m->j) == 0 && clean;
}

/* Once more at the end: what was right when it was done may have been undone since. */
static int verify_all(struct mover *m, const struct move *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *now = NULL;
		int r = is_moving(&v[i]) ? move_driver(m, v[i].bus, v[i].device, &now) : 0;

		if (r < 0)
			return cannot_look(m, &v[i], r);
		if (is_moving(&v[i]) && !streq(now, v[i].to))
			return somebody_else(m, &v[i], now);
	}
	return 0;
}

static int do_all(struct mover *m, struct move *v, size_t n, const struct saved *saved, size_t *ret_touched)
{
	pid_t pid = 0;
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_moving(&v[i]))
			continue;
		if (interrupted(m))
			return -EINTR;
		*ret_touched = i + 1;
		r = move_one(m, &v[i], &pid);
		if (r == -EINPROGRESS) {
			v[i].state = MOVE_PENDING;
			move_write_pending(m, &v[i], pid);
		}
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < n; i++) {
		if (interrupted(m))
			return -EINTR;
		r = v[i].to ? wait_nodes(m, &v[i], saved[i].group_node) : 0;
		if (r < 0)
			return r;
	}
	return verify_all(m, v, n);
}

static int finish(struct mover *m, struct move *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_moving(&v[i]))
			write_down(m, &v[i], JOURNAL_MOVED);
	return journal_save(m->j);
}

static bool nothing_to_do(const struct move *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_moving(&v[i]))
			return false;
	return true;
}

/* A device whose unbind hangs is locked in the kernel: a bind would hang with it, and on kernels before 7 its override too. */
static int check_all_pending(struct mover *m, const struct move *v, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct journal_entry *e = journal_find(m->j, v[i].bus, v[i].device);

		r = e && is_moving(&v[i]) ? move_check_pending(m, e, &v[i]) : 0;
	}
	return r;
}

static void refuse_all(struct move *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_moving(&v[i]))
			v[i].state = MOVE_REFUSED;
}

enum move_result move_all(struct mover *m, struct move *v, size_t n)
{
	struct saved *saved = arena_array(&m->ctx->arena, struct saved, n);
	size_t touched = 0;
	int r;

	if (nothing_to_do(v, n))
		return MOVES_DONE;
	if (check_all_pending(m, v, n) < 0 || begin(m, v, n, saved) < 0) {
		refuse_all(v, n);
		return MOVES_FAILED;
	}
	acting_begins();
	r = backend_watch_nodes(m->be);
	if (r < 0)
		ctx_error(m->ctx, NOTE(.code = "watch", .err = r), "events of the kernel cannot be received");
	else
		r = do_all(m, v, n, saved, &touched);
	if (r == 0)
		r = finish(m, v, n);
	for (size_t i = 0; r == 0 && i < n; i++)
		v[i].state = is_moving(&v[i]) ? MOVE_DONE : MOVE_UNCHANGED;
	if (r == 0)
		return MOVES_DONE;
	if (!take_all_back(m, v, touched, n, saved))
		return MOVES_DIFFER;
	acting_undone();
	return r == -EINTR ? MOVES_INTERRUPTED : r == -EACCES ? MOVES_DENIED : MOVES_FAILED;
}
