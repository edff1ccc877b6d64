// SPDX-License-Identifier: GPL-2.0-or-later
#include "act/vfs.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "act/move-internal.h"
#include "base/str.h"

#define NAP_MS 20

/* -- looking -------------------------------------------------------------------------------------------------- */

static int read_number(struct mover *m, const char *pf, const char *file, uint64_t *ret)
{
	char path[SRC_PATH_MAX];

	PATHF(path, "sys/bus/pci/devices/%s/%s", pf, file);
	return source_read_u64(m->src, path, ret);
}

/* Kernels before 4.14 have no such file, and give every new one a driver. */
static enum tri read_autoprobe(struct mover *m, const char *pf)
{
	uint64_t on;

	return read_number(m, pf, "sriov_drivers_autoprobe", &on) < 0 ? TRI_UNKNOWN : on ? TRI_YES : TRI_NO;
}

static int look_at(struct mover *m, const char *pf, unsigned i, struct move *ret)
{
	char path[SRC_PATH_MAX], name[64];
	int r;

	PATHF(path, "sys/bus/pci/devices/%s/virtfn%u", pf, i);
	r = source_readlink_name(m->src, path, name, sizeof(name));
	return r < 0 ? r : move_look(m, "pci", arena_strdup(&m->ctx->arena, name), ret);
}

int vfs_look(struct mover *m, struct vf_change *c)
{
	uint64_t n;
	int r = read_number(m, c->pf, "sriov_numvfs", &n);

	if (r < 0)
		return r;
	if (n > UINT16_MAX)
		return -ERANGE;
	c->v = arena_array(&m->ctx->arena, struct move, n);
	c->n_v = 0;
	for (unsigned i = 0; i < n; i++)
		if (look_at(m, c->pf, i, &c->v[c->n_v]) == 0)
			c->n_v++;
	return 0;
}

/* -- one step ----------------------------------------------------------------------------------------------------- */

static int failed(struct mover *m, const char *pf, int err, const char *why, const char *hint)
{
	struct move v = { .device = pf };

	return err == -EINPROGRESS ? move_failed(m, "pending", err, why, hint, &v) : move_failed(m, "vfs", err, why, hint, &v);
}

static int set_number(struct mover *m, const char *pf, unsigned n, pid_t *ret_pid)
{
	struct arena *a = &m->ctx->arena;
	const char *why = NULL, *hint = NULL;
	int r = backend_set_vfs(m->be, pf, n, m->timeout_ms, ret_pid);

	if (r == 0)
		return 0;
	if (r == -ENOENT) {
		why = "its driver makes no virtual functions";
	} else if (r == -EINPROGRESS) {
		why = arena_printf(a, "setting the number of virtual functions to %u hangs in the kernel (process %d) and cannot be called back", n,
				   (int)*ret_pid);
		hint = arena_printf(a, "afterwards: iommuctl device restore %s", pf);
	} else {
		why = arena_printf(a, "%u virtual function%s: %s", n, n == 1 ? "" : "s", err_text(r));
		hint = r == -ENOMEM || r == -ENOSPC ?
			"firmware may have left no room for them: look for SR-IOV in its setup, or boot with pci=realloc" : NULL;
	}
	return failed(m, pf, r, why, hint);
}

static int set_autoprobe(struct mover *m, const char *pf, enum tri on)
{
	int r;

	if (on == TRI_UNKNOWN || read_autoprobe(m, pf) == on)
		return 0;
	r = backend_set_vf_autoprobe(m->be, pf, on);
	return r < 0 ? failed(m, pf, r, arena_printf(&m->ctx->arena, "sriov_drivers_autoprobe: %s", err_text(r)), NULL) : 0;
}

/* The group is there a moment after the device where its IOMMU is probed behind its back; a device without one never gets it. */
static bool all_there(struct mover *m, struct vf_change *c, bool with_groups)
{
	if (vfs_look(m, c) < 0 || c->n_v < c->n)
		return false;
	for (size_t i = 0; with_groups && i < c->n_v; i++)
		if (!c->v[i].group.known)
			return false;
	return true;
}

static int await(struct mover *m, struct vf_change *c, bool with_groups)
{
	const struct timespec nap = { .tv_nsec = NAP_MS * 1000 * 1000 };
	uint64_t n = 0;

	if (read_number(m, c->pf, "sriov_numvfs", &n) == 0 && n != c->n)
		return failed(m, c->pf, EIO,
			      arena_printf(&m->ctx->arena, "its driver made %u instead of %u", (unsigned)n, c->n), NULL);
	for (int left = m->timeout_ms; !all_there(m, c, with_groups); left -= NAP_MS) {
		if (m->be->interrupted && *m->be->interrupted)
			return -EINTR;
		if (left <= 0)
			return failed(m, c->pf, ETIMEDOUT,
				      arena_printf(&m->ctx->arena, "%zu of %u virtual functions have come", c->n_v, c->n), NULL);
		nanosleep(&nap, NULL);
	}
	return 0;
}

/* -- the journal ---------------------------------------------------------------------------------------------------- */

struct before {
	struct move pf;
	struct move *v; /* those that were there */
	size_t n;
	enum tri autoprobe;
	struct journal_entry *journal; /* as it was */
	size_t n_journal;
};

/* Virtual functions before the physical one: restore goes backwards. */
static int write_down(struct mover *m, const struct vf_change *c, const struct before *b)
{
	const struct journal_entry *old = journal_find(m->j, "pci", c->pf);
	struct journal_entry e = { .bus = "pci", .device = c->pf, .driver = b->pf.driver, .module = b->pf.module,
				   .override = b->pf.override, .has_override = b->pf.has_override, .to = b->pf.driver };

	if (old)
		e = *old;
	for (size_t i = 0; i < b->n; i++) {
		const struct move *v = &b->v[i];
		const struct journal_entry *was = journal_find(m->j, v->bus, v->device);
		struct journal_entry vf = { .bus = v->bus, .device = v->device, .driver = v->driver, .module = v->module,
					    .override = v->override, .has_override = v->has_override, .state = JOURNAL_MOVED };

		if (was)
			vf = *was;
		vf.pf = c->pf;
		journal_put(m->j, &vf);
	}
	if (!e.vfs.known) {
		e.vfs = NUM(b->n);
		e.vf_autoprobe = b->autoprobe;
	}
	e.state = JOURNAL_MOVING;
	journal_drop(m->j, "pci", c->pf);
	journal_put(m->j, &e);
	return journal_save(m->j);
}

static bool was_before(const struct before *b, const char *device)
{
	for (size_t i = 0; i < b->n_journal; i++)
		if (streq(b->journal[i].device, device))
			return true;
	return false;
}

static void drop_of(struct mover *m, const char *pf)
{
	for (size_t i = m->j->v.n; i-- > 0;)
		if (streq(m->j->v.v[i].pf, pf))
			journal_drop(m->j, m->j->v.v[i].bus, m->j->v.v[i].device);
}

/* New ones were nothing before; a physical function that is as it was at first needs no entry. */
static int finish(struct mover *m, const struct vf_change *c, const struct before *b)
{
	struct journal_entry *e;

	for (size_t i = 0; i < c->n_v; i++) {
		e = journal_find(m->j, "pci", c->v[i].device);
		if (e && !e->pf && !was_before(b, c->v[i].device))
			journal_drop(m->j, "pci", c->v[i].device);
	}
	e = journal_find(m->j, "pci", c->pf);
	e->state = JOURNAL_MOVED;
	if (!c->n && !e->vfs.v && streq(e->driver, e->to) && read_autoprobe(m, c->pf) == e->vf_autoprobe) {
		drop_of(m, c->pf);
		journal_drop(m->j, "pci", c->pf);
	}
	return journal_save(m->j);
}

static void take_copy(struct mover *m, struct before *b)
{
	b->n_journal = m->j->v.n;
	b->journal = arena_array(&m->ctx->arena, struct journal_entry, b->n_journal);
	for (size_t i = 0; i < b->n_journal; i++)
		b->journal[i] = m->j->v.v[i];
}

static bool put_copy_back(struct mover *m, const struct before *b)
{
	m->j->v.n = 0;
	for (size_t i = 0; i < b->n_journal; i++)
		journal_put(m->j, &b->journal[i]);
	return journal_save(m->j) == 0;
}

/* -- there and back --------------------------------------------------------------------------------------------------- */

static int count(struct mover *m, const char *pf, uint64_t *ret)
{
	int r = read_number(m, pf, "sriov_numvfs", ret);

	return r < 0 ? failed(m, pf, r, arena_printf(&m->ctx->arena, "how many virtual functions it has cannot be read: %s", err_text(r)), NULL) : 0;
}

int vfs_take_away(struct mover *m, const char *pf, unsigned n, pid_t *ret_pid)
{
	uint64_t now = 0;
	int r = count(m, pf, &now);

	return r == 0 && now && now != n ? set_number(m, pf, 0, ret_pid) : r;
}

int vfs_put_back(struct mover *m, const char *pf, unsigned n, enum tri autoprobe, pid_t *ret_pid)
{
	struct vf_change c = { .pf = pf, .n = n };
	uint64_t now = 0;
	int r = vfs_take_away(m, pf, n, ret_pid);

	if (r == 0)
		r = count(m, pf, &now);
	/* none gets a driver before its own entry says which: they come back bare */
	if (r == 0 && now != n) {
		r = set_autoprobe(m, pf, autoprobe == TRI_UNKNOWN ? TRI_UNKNOWN : TRI_NO);
		if (r == 0)
			r = set_number(m, pf, n, ret_pid);
		if (r == 0)
			r = await(m, &c, false);
	}
	return r < 0 ? r : set_autoprobe(m, pf, autoprobe);
}

static enum move_result undo(struct mover *m, const struct vf_change *c, const struct before *b, int err)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	pid_t pid = 0;
	int r;

	acting_begins(); /* where the moves of them took themselves back, too */
	m->be->interrupted = NULL;
	r = host_load(m->ctx, m->src, HOST_DRIVERS, &h);
	if (r == 0)
		r = vfs_put_back(m, c->pf, b->n, b->autoprobe, &pid);
	for (size_t i = 0; r == 0 && i < b->n; i++)
		r = move_put_back(m, h, &b->v[i], &pid);
	if (r == -EINPROGRESS && pid)
		move_write_pending(m, &b->pf, pid);
	if (r < 0 || !put_copy_back(m, b))
		return MOVES_DIFFER;
	acting_undone();
	return err == -EINTR ? MOVES_INTERRUPTED : err == -EACCES || err == -EPERM ? MOVES_DENIED : MOVES_FAILED;
}

static int change(struct mover *m, struct vf_change *c, const struct before *b, pid_t *ret_pid)
{
	int r = 0;

	if (c->bare && c->n)
		r = set_autoprobe(m, c->pf, b->autoprobe == TRI_UNKNOWN ? TRI_UNKNOWN : TRI_NO);
	if (r == 0 && b->n)
		r = set_number(m, c->pf, 0, ret_pid);
	if (r == 0 && m->be->interrupted && *m->be->interrupted)
		r = -EINTR;
	if (r == 0 && c->n)
		r = set_number(m, c->pf, c->n, ret_pid);
	return r < 0 ? r : await(m, c, b->pf.group.known);
}

static enum move_result give(struct mover *m, struct vf_change *c)
{
	for (size_t i = 0; i < c->n_v; i++) {
		c->v[i].to = c->driver;
		c->v[i].state = streq(c->v[i].driver, c->driver) ? MOVE_UNCHANGED : MOVE_PLANNED;
	}
	return move_all(m, c->v, c->n_v);
}

/* Neither the physical function nor one of those that there are may hang in an unbind: the write would hang with it. */
static int check_pending(struct mover *m, const struct vf_change *c, const struct move *pf)
{
	const struct journal_entry *e = journal_find(m->j, pf->bus, pf->device);
	int r = e ? move_check_pending(m, e, pf) : 0;

	for (size_t i = 0; r == 0 && i < c->n_v; i++) {
		e = journal_find(m->j, c->v[i].bus, c->v[i].device);
		r = e ? move_check_pending(m, e, &c->v[i]) : 0;
	}
	return r;
}

enum move_result vfs_set(struct mover *m, struct vf_change *c)
{
	struct before b = { .autoprobe = read_autoprobe(m, c->pf) };
	enum move_result result = MOVES_DONE;
	pid_t pid = 0;
	int r = move_look(m, "pci", c->pf, &b.pf);

	c->bare |= c->driver != NULL;
	if (r == 0)
		r = vfs_look(m, c);
	if (r < 0) {
		failed(m, c->pf, r, NULL, NULL);
		return MOVES_FAILED;
	}
	if (check_pending(m, c, &b.pf) < 0)
		return MOVES_FAILED;
	b.v = c->v;
	b.n = c->n_v;
	take_copy(m, &b);
	if (write_down(m, c, &b) < 0)
		return MOVES_FAILED;
	acting_begins();
	r = change(m, c, &b, &pid);
	if (r == -EINPROGRESS) {
		move_write_pending(m, &b.pf, pid);
		return MOVES_DIFFER;
	}
	if (r == 0 && c->driver)
		result = give(m, c);
	if (r == 0 && result == MOVES_DONE && c->driver)
		r = set_autoprobe(m, c->pf, b.autoprobe); /* their overrides keep others away from them */
	if (r == 0 && result == MOVES_DONE)
		r = finish(m, c, &b);
	if (r == 0 && result == MOVES_DONE)
		return MOVES_DONE;
	if (result == MOVES_DIFFER)
		return result;
	return undo(m, c, &b, result == MOVES_INTERRUPTED ? -EINTR : result == MOVES_DENIED ? -EACCES : r);
}
