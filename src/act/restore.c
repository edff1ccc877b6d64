// SPDX-License-Identifier: GPL-2.0-or-later
/* Putting devices back, whatever happened to them since. */
#include <errno.h>
#include <string.h>

#include "act/move-internal.h"
#include "act/vfs.h"
#include "base/str.h"

static bool is_vfio(const char *driver)
{
	return driver && (strstr(driver, "vfio-pci") || strstarts(driver, "vfio-"));
}

static int set_override(struct mover *m, const struct move *was, const char *driver, pid_t *ret_pid)
{
	int r = was->has_override ? backend_set_override(m->be, was->bus, was->device, driver) : 0;

	if (r == -EINPROGRESS)
		return move_hangs(m, was, r, ret_pid);
	return r < 0 ? move_failed(m, "override", r, NULL, NULL, was) : 0;
}

/* A driver that somebody else chose in the meantime is somebody's decision. */
static int check_foreign(struct mover *m, const struct move *was, const char *now)
{
	if (!now || streq(now, was->to) || was->astray || m->force)
		return 0;
	return move_failed(m, "moved-meanwhile", ESTALE,
		      arena_printf(&m->ctx->arena, "it is on %s now, where iommuctl did not put it", now),
		      arena_printf(&m->ctx->arena, "iommuctl device restore --force %s puts it back all the same", was->device), was);
}

/* What this batch or session has open is closed by one command; a batch that waits for itself never ends. */
static int check_own(struct mover *m, const struct move *was)
{
	bool stays = false;
	const char *own = m->own ? m->own(m->own_arg, was->bus, was->device, &stays) : NULL;

	if (!own || (m->wait && !stays))
		return 0;
	return move_failed(m, "held", EBUSY, arena_printf(&m->ctx->arena, "it is open here, as %s", own),
			   arena_printf(&m->ctx->arena, "device close %s", own), was);
}

/* Nothing is written that would hang, or be refused half-way. */
static int check_held(struct mover *m, struct host *h, const struct move *was, const char *now)
{
	int r = is_vfio(now) ? check_own(m, was) : 0;
	const char *who = !r && is_vfio(now) && !m->wait ? move_held_by(h, was->bus, was->device, false) : NULL;

	if (r < 0)
		return r;
	if (!who && was->driver && !is_vfio(was->driver) && !m->wait)
		who = move_held_by(h, was->bus, was->device, true);
	if (!who)
		return 0;
	return move_failed(m, "held", EBUSY, arena_printf(&m->ctx->arena, "%s has it, or its group, open", who),
		      "close it there first (stop the guest)", was);
}

static int load_driver(struct mover *m, const struct move *was)
{
	char path[SRC_PATH_MAX];
	int r;

	PATHF(path, "sys/bus/%s/drivers/%s", was->bus, was->driver);
	if (source_exists(m->src, path))
		return 0;
	r = backend_load_module(m->be, was->module ? was->module : was->driver);
	if (r == 0 && !source_exists(m->src, path))
		r = -ENOENT;
	return r < 0 ? move_failed(m, "no-driver", r,
			      arena_printf(&m->ctx->arena, "its driver %s cannot be loaded: %s", was->driver, err_text(r)),
			      NULL, was) : 0;
}

/* Until the driver is back the override names it, so that no other probe can come in between. */
static int bind_back(struct mover *m, const struct move *was, pid_t *ret_pid)
{
	const char *now = NULL;
	int r = load_driver(m, was), seen;

	if (r == 0)
		r = set_override(m, was, was->driver, ret_pid);
	if (r < 0)
		return r;
	r = backend_bind(m->be, was->bus, was->device, was->driver);
	if (r == -EINPROGRESS)
		return move_hangs(m, was, r, ret_pid);
	seen = move_driver(m, was->bus, was->device, &now);
	if (seen == 0 && streq(now, was->driver))
		return 0;
	r = seen < 0 ? seen : r < 0 ? r : -EIO;
	return move_failed(m, "bind", r, arena_printf(&m->ctx->arena, "bind to %s: %s", was->driver, err_text(r)), NULL, was);
}

/* Whether it may be driven back to its driver, when it is on another one. */
static int check_driver(struct mover *m, struct host *h, const struct move *was, const char *now)
{
	int r = streq(now, was->driver) ? 0 : check_foreign(m, was, now);

	return r < 0 || streq(now, was->driver) ? r : check_held(m, h, was, now);
}

static int drive_back(struct mover *m, struct host *h, const struct move *was, const char *now, pid_t *ret_pid)
{
	int r = check_driver(m, h, was, now);

	move_guard(m, !now);
	if (r == 0 && was->driver)
		r = set_override(m, was, was->driver, ret_pid);
	if (r == 0 && now)
		r = move_unbind(m, was, now, ret_pid);
	if (r == 0 && was->driver)
		r = bind_back(m, was, ret_pid);
	move_guard(m, false);
	return r;
}

static int look(struct mover *m, const struct move *was, struct move *ret)
{
	int r = move_look(m, was->bus, was->device, ret);

	if (r == 0 || r == -ENODEV)
		return r;
	return move_failed(m, "unreadable", r, arena_printf(&m->ctx->arena, "what it is on cannot be read: %s", err_text(r)), NULL, was);
}

int move_put_back(struct mover *m, struct host *h, const struct move *was, pid_t *ret_pid)
{
	struct move now = { 0 };
	int r = look(m, was, &now);

	if (r < 0)
		return r;
	if (!streq(now.driver, was->driver))
		r = drive_back(m, h, was, now.driver, ret_pid);
	if (r < 0)
		return r;
	r = look(m, was, &now);
	if (r < 0 || streq(now.override, was->override))
		return r;
	move_guard(m, !now.driver);
	r = set_override(m, was, was->override, ret_pid);
	move_guard(m, false);
	return r;
}

/* -- the journal's entries -------------------------------------------------------------------------------------------- */

/* Those that there are go away with what holds them, and so only when nobody does. */
static int check_vfs(struct mover *m, struct host *h, const struct journal_entry *e, const struct move *was)
{
	struct vf_change now = { .pf = e->device };
	const char *who = NULL;
	size_t i;

	if (!e->vfs.known || m->wait || vfs_look(m, &now) < 0 || now.n_v == (size_t)e->vfs.v)
		return 0;
	for (i = 0; i < now.n_v; i++) {
		who = is_vfio(now.v[i].driver) ? move_held_by(h, "pci", now.v[i].device, false) : NULL;
		if (who)
			break;
	}
	if (!who)
		return 0;
	return move_failed(m, "held", EBUSY,
		      arena_printf(&m->ctx->arena, "%s has its virtual function %s open", who, now.v[i].device),
		      "close it there first (stop the guest)", was);
}

/*
 * All that can be said without changing anything; what it was in @was. @now: what it is. Noted, but for -ENODEV.
 */
static int check_one(struct mover *m, struct host *h, const struct journal_entry *e, struct move *was, struct move *now)
{
	int r;

	*was = (struct move){ .bus = e->bus, .device = e->device, .driver = e->driver, .module = e->module,
			      .override = e->override, .has_override = e->has_override, .to = e->to,
			      .astray = e->state == JOURNAL_MOVING };
	r = look(m, was, now);
	was->group = now->group;
	if (r == 0)
		r = move_check_pending(m, e, was);
	if (r == 0)
		r = check_vfs(m, h, e, was);
	return r < 0 ? r : check_driver(m, h, was, now->driver);
}

/* Its own driver makes virtual functions, where it had one; they go before it is taken off the other. */
static int put_back(struct mover *m, struct host *h, const struct journal_entry *e, const struct move *was, pid_t *ret_pid)
{
	unsigned n = e->vfs.known ? (unsigned)e->vfs.v : 0;
	int r = 0;

	if (e->vfs.known)
		r = e->driver ? vfs_take_away(m, e->device, n, ret_pid) : vfs_put_back(m, e->device, n, e->vf_autoprobe, ret_pid);
	if (r == 0)
		r = move_put_back(m, h, was, ret_pid);
	return r == 0 && e->vfs.known && e->driver ? vfs_put_back(m, e->device, n, e->vf_autoprobe, ret_pid) : r;
}

/* A virtual function that went with the others comes back with them, but for when that did not work. */
static bool may_come_back(struct mover *m, const struct journal_entry *e)
{
	const struct journal_entry *pf = e->pf ? journal_find(m->j, e->bus, e->pf) : NULL;

	return pf && pf->vfs.known && pf->vfs.v;
}

/* Whether that is all to be said of it. */
static bool say_gone(struct mover *m, const struct journal_entry *e, struct move *v)
{
	if (!may_come_back(m, e)) {
		ctx_warn(m->ctx, "gone", 0, NULL, "%s is gone: nothing to put back", e->device);
		return false;
	}
	move_failed(m, "gone", ENODEV, arena_printf(&m->ctx->arena, "it went with the other virtual functions of %s", e->pf),
		    arena_printf(&m->ctx->arena, "iommuctl device restore %s", e->pf), v);
	v->state = MOVE_REFUSED;
	return true;
}

static void restore_one(struct mover *m, struct host *h, const struct journal_entry *e, struct move *v)
{
	struct move now = { 0 };
	pid_t pid = 0;
	int r;

	r = check_one(m, h, e, v, &now);
	if (r == 0)
		r = put_back(m, h, e, v, &pid);
	if (r == -ENODEV && say_gone(m, e, v))
		return;
	v->state = r == 0 ? MOVE_DONE : r == -ENODEV ? MOVE_GONE : r == -EINPROGRESS ? MOVE_PENDING : MOVE_DIFFERS;
	if (r == 0 || r == -ENODEV) {
		journal_drop(m->j, v->bus, v->device);
		journal_save(m->j);
		return;
	}
	if (pid)
		move_write_pending(m, v, pid);
	if (move_look(m, v->bus, v->device, &now) < 0)
		return;
	v->left = now.driver;
	/* refused before anything was written */
	if (v->state == MOVE_DIFFERS && (r == -EBUSY || r == -ESTALE) && streq(now.driver, e->to) &&
	    (e->vfs.known || streq(now.override, e->to)))
		v->state = MOVE_REFUSED;
}

static void refuse(struct mover *m, const struct journal_entry *e, struct move *v)
{
	*v = (struct move){ .bus = e->bus, .device = e->device, .state = MOVE_REFUSED };
	if (move_driver(m, e->bus, e->device, &v->left) < 0)
		v->left = NULL;
}

enum move_result move_restore(struct mover *m, const struct journal_entry *entries, size_t n, struct move *v)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	enum move_result result = MOVES_DONE;

	if (host_load(m->ctx, m->src, HOST_DRIVERS, &h) < 0) {
		for (size_t i = 0; i < n; i++)
			refuse(m, &entries[i], &v[i]);
		return MOVES_FAILED;
	}
	acting_begins();
	for (size_t i = n; i-- > 0;) {
		if (m->be->interrupted && *m->be->interrupted) {
			refuse(m, &entries[i], &v[i]);
			result = result == MOVES_DIFFER ? result : MOVES_INTERRUPTED;
			continue;
		}
		restore_one(m, h, &entries[i], &v[i]);
		if (v[i].state == MOVE_DIFFERS || v[i].state == MOVE_PENDING)
			result = MOVES_DIFFER;
		else if (v[i].state == MOVE_REFUSED && result == MOVES_DONE)
			result = MOVES_FAILED;
	}
	return result;
}

/* Whether the physical function is one that brings it back. */
static bool comes_back(struct mover *m, const struct journal_entry *e, const struct journal_entry *entries, const struct move *v, size_t n)
{
	for (size_t i = 0; may_come_back(m, e) && i < n; i++)
		if (streq(entries[i].bus, e->bus) && streq(entries[i].device, e->pf))
			return v[i].state == MOVE_PLANNED;
	return false;
}

enum move_result move_restore_check(struct mover *m, const struct journal_entry *entries, size_t n, struct move *v)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	enum move_result result = MOVES_DONE;

	if (host_load(m->ctx, m->src, HOST_DRIVERS, &h) < 0)
		return MOVES_FAILED;
	for (size_t i = n; i-- > 0;) {
		struct move now = { 0 };
		int r = check_one(m, h, &entries[i], &v[i], &now);

		v[i].state = MOVE_PLANNED;
		v[i].left = now.driver;
		if (r == 0 || (r == -ENODEV && comes_back(m, &entries[i], entries, v, n)))
			continue;
		v[i].state = r == -ENODEV ? MOVE_GONE : r == -EINPROGRESS ? MOVE_PENDING : MOVE_REFUSED;
		if (r != -ENODEV || say_gone(m, &entries[i], &v[i]))
			result = MOVES_FAILED;
	}
	return result;
}
