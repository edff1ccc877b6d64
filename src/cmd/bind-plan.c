// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/bind-plan.h"

#include <errno.h>
#include <string.h>

#include "cmd/machine.h"
#include "host/ids.h"
#include "base/str.h"
#include "host/devinfo.h"
#include "host/drivers.h"
#include "diag/guard.h"
#include "diag/viability.h"
#include "host/holders.h"
#include "host/topology.h"

static int mistake(struct bind_plan *p, const char *word, int code, int err, const char *what, const char *why, const char *hint)
{
	ctx_error(p->inv->ctx, NOTE(.code = word, .err = err, .why = why, .hint = hint), "%s", what);
	return code;
}

/* -- who moves ---------------------------------------------------------------------------------------------------- */

static bool is_bridge(const struct device *d)
{
	return device_is_bridge(d) && d->class >> 8 != 0x0680;
}

static bool in_plan(const struct bind_plan *p, const struct device *d)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->devices[i] == d)
			return true;
	return false;
}

/* @to NULL: off its driver. */
static int add(struct bind_plan *p, struct device *d, const char *to)
{
	struct arena *a = &p->inv->ctx->arena;
	struct move *v;
	int r;

	if (in_plan(p, d))
		return EXIT_DONE;
	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 8;
		struct move *moves = arena_array(a, struct move, cap);
		struct device **devices = arena_array(a, struct device *, cap);

		for (size_t i = 0; i < p->n; i++) {
			moves[i] = p->v[i];
			devices[i] = p->devices[i];
		}
		p->v = moves;
		p->devices = devices;
		p->cap = cap;
	}
	v = &p->v[p->n];
	r = move_look(&p->a->mover, d->bus, d->name, v);
	if (r < 0)
		return mistake(p, "device", exit_from_errno(r), r, d->name, NULL, NULL);
	v->to = to;
	v->state = streq(v->driver, to) || (!v->driver && !to) ? MOVE_UNCHANGED : MOVE_PLANNED;
	p->devices[p->n++] = d;
	return EXIT_DONE;
}

/* A physical function with virtual ones in its own group: no VFIO driver takes it, and it is in nobody's way once it is on none. */
static bool only_leaves(struct bind_plan *p, struct device *d)
{
	const struct devinfo *info = device_info(p->h, d);

	return info->n_vfs && info->vfs[0]->group == d->group;
}

static int add_sibling(struct bind_plan *p, struct device *d)
{
	if (device_made_by(p->h, d))
		return EXIT_DONE;
	if (!is_bridge(d) && !only_leaves(p, d))
		return bus_vfio_driver(d->bus) ? add(p, d, p->driver ? p->driver : bus_vfio_driver(d->bus)) : EXIT_DONE;
	if (device_driver_use(p->h, d) != USE_NATIVE)
		return EXIT_DONE;
	return add(p, d, NULL);
}

/* Whether @driver gives devices to user space, as far as its name tells. */
static bool is_vfio_name(const char *driver)
{
	return driver && (strstr(driver, "vfio-pci") || strstarts(driver, "vfio-"));
}

/* A device of a bus without IOMMU groups, as virtio, mostly sits on one that is in a group. */
static int no_group(struct bind_plan *p, struct device *d)
{
	struct device *below = bus_vfio_driver(d->bus) ? NULL : device_sits_on(p->h, d);

	if (below)
		return mistake(p, "no-group", EXIT_UNSUPPORTED, EOPNOTSUPP, d->name,
			       arena_printf(&p->inv->ctx->arena, "devices of the %s bus are in no IOMMU group", d->bus),
			       arena_printf(&p->inv->ctx->arena, "it sits on %s: name that one", below->name));
	return mistake(p, "no-group", EXIT_UNSUPPORTED, EOPNOTSUPP, d->name, "no IOMMU covers it: it is in no group",
		       "iommuctl doctor says what keeps the IOMMU from working");
}

static int made(struct bind_plan *p, const struct device *d, const struct device *maker)
{
	const char *hint = device_is_vf_of(d, maker) ?
				   arena_printf(&p->inv->ctx->arena, "iommuctl group explain %s says what joins them; iommuctl device vfs %s 0 && "
						"iommuctl device bind %s gives that one away, without virtual functions", d->name, maker->name, maker->name) :
				   arena_printf(&p->inv->ctx->arena, "iommuctl device bind --group %s gives that one away, with all that is behind it",
						maker->name);

	return mistake(p, "made-by-driver", EXIT_UNSUPPORTED, EOPNOTSUPP, d->name,
		       arena_printf(&p->inv->ctx->arena, "it is there only while %s drives %s, and with that its group is not viable", maker->driver,
				    maker->name), hint);
}

int bind_plan_add(struct bind_plan *p, struct device *d, bool group)
{
	const char *to = p->leave ? NULL : p->driver ? p->driver : bus_vfio_driver(d->bus);
	int r = EXIT_DONE;

	if (!d->bus || (!p->leave && !to))
		return mistake(p, "no-vfio-driver", EXIT_UNSUPPORTED, EOPNOTSUPP, d->name,
			       "no driver gives devices of its bus to user space", "--driver names another one");
	if (is_vfio_name(to) && is_bridge(d))
		return mistake(p, "bridge", EXIT_UNSUPPORTED, EOPNOTSUPP, d->name, "a bridge is nothing to give away",
			       "name the devices below it, or one of them with --group");
	if (is_vfio_name(to) && !d->group)
		return no_group(p, d);
	if (p->inv->machine->model && !device_is_listed(p->h, d))
		return mistake(p, "not-modelled", EXIT_UNSUPPORTED, EOPNOTSUPP, d->name,
			       "the model has the PCI devices, and of other buses those that are in a group", NULL);
	if (is_vfio_name(to) && device_made_by(p->h, d))
		return made(p, d, device_made_by(p->h, d));
	/* what it makes goes with it: off its driver before that, while it is there */
	for (size_t i = 0; group && d->group && r == EXIT_DONE && i < d->group->n_devices; i++)
		if (device_made_by(p->h, d->group->devices[i]) == d && !is_bridge(d->group->devices[i]))
			r = add(p, d->group->devices[i], NULL);
	if (r == EXIT_DONE)
		r = add(p, d, to);
	for (size_t i = 0; group && d->group && r == EXIT_DONE && i < d->group->n_devices; i++)
		r = add_sibling(p, d->group->devices[i]);
	return r;
}

/* -- whether it may ------------------------------------------------------------------------------------------------- */

static const char *first_remedy(const struct reason *r)
{
	const struct remedy *m = r->remedies.v;

	if (!r->remedies.n || m->unsafe == TRI_YES)
		return NULL;
	return m->command ? m->command : m->text;
}

/* What --force does not help against: an unbind of a held device cannot be called back. */
static bool is_absolute(const struct reason *r)
{
	return streq(r->code, "held") || streq(r->code, "holders");
}

/* What the object is closed with that has it open; NULL: another process has. */
static const char *close_own(const struct bind_plan *p, const struct device *d, bool *ret_stays)
{
	const char *own = acting_own_object(p->inv, d->bus, d->name, ret_stays);

	return own ? arena_printf(&p->inv->ctx->arena, "device close %s", own) : NULL;
}

static void refuse(struct bind_plan *p, const struct device *d, const struct reason *r, bool absolute)
{
	bool stays;
	const char *own = streq(r->code, "held") ? close_own(p, d, &stays) : NULL;
	struct note n = { .level = NOTE_ERROR, .code = r->code, .err = absolute ? EBUSY : ECANCELED, .why = r->text,
			  .hint = own ? own : first_remedy(r), .where = r->file };

	if (!n.hint)
		n.hint = absolute ? "--wait waits for it to let go" : "--force does it all the same";
	if (p->inv->force && !absolute) {
		n.level = NOTE_WARNING;
		n.hint = NULL;
	}
	ctx_note(p->inv->ctx, n, "%s", d->name);
}

/* With --wait. */
static bool waits_for_itself(const struct bind_plan *p, size_t at)
{
	bool stays = false;

	return close_own(p, p->devices[at], &stays) && stays;
}

/* Counts what stands in the way, after saying it. */
static size_t check_reasons(struct bind_plan *p, size_t at, const struct guard *g)
{
	const struct reason *v = g->reasons.v;
	size_t n = 0;

	for (size_t i = 0; i < g->reasons.n; i++) {
		bool absolute = is_absolute(&v[i]);

		if (!streq(v[i].severity, "problem") && !streq(v[i].severity, "unknown"))
			continue;
		if (streq(v[i].code, "bridge") && !p->v[at].to && !p->leave)
			continue; /* it only loses a driver that spoils its group */
		if (streq(v[i].code, "vfs-enabled") && !p->v[at].to && device_leaves_vfs(p->devices[at]))
			continue; /* they stay */
		if (absolute && p->a->mover.wait && !waits_for_itself(p, at))
			continue;
		refuse(p, p->devices[at], &v[i], absolute);
		n += absolute || !p->inv->force;
	}
	return n;
}

static size_t check_guard(struct bind_plan *p)
{
	struct guard_facts *facts = guard_facts_read(p->h, getenv("SSH_CONNECTION"));
	size_t n = 0, refused;

	for (size_t i = 0; i < p->n; i++) {
		struct guard g;

		/* what has no driver is not in use, but its group's other half may be what VFIO's user is on */
		if (p->v[i].state == MOVE_UNCHANGED)
			continue;
		device_guard(facts, p->devices[i], p->devices, p->n, &g);
		refused = check_reasons(p, i, &g);
		if (streq(g.verdict, "unknown") && g.missing == -EACCES)
			p->denied += refused;
		n += refused;
	}
	return n;
}

static const struct device *offender_left(const struct bind_plan *p, const struct group *g, const char *name)
{
	for (size_t i = 0; i < g->n_devices; i++)
		if (streq(g->devices[i]->name, name) && !in_plan(p, g->devices[i]))
			return g->devices[i];
	return NULL;
}

static size_t check_offenders(struct bind_plan *p, const struct group *g, const struct viability *v)
{
	struct arena *a = &p->h->arena;
	size_t n = 0;

	for (size_t i = 0; i < v->offenders.n; i++) {
		const struct device *d = offender_left(p, g, v->offenders.v[i]);
		struct reason r = { .code = "not-viable" };

		if (!d)
			continue;
		r.text = arena_printf(a, "it is on %s and in the same group (%u): the group would still not be viable",
				      d->driver ? d->driver : "a driver", g->id);
		r.remedies = ROWS(arena_new(a, struct remedy), 1);
		*(struct remedy *)r.remedies.v = (struct remedy){ .text = "--group moves what has to move with it" };
		refuse(p, d, &r, false);
		n += !p->inv->force;
	}
	return n;
}

/* The device that the reason is about, if it is in the plan, else @fallback. */
static const struct device *about(const struct bind_plan *p, const struct reason *r, const struct device *fallback)
{
	for (size_t i = 0; i < p->n; i++)
		if (streq(p->devices[i]->name, r->device))
			return p->devices[i];
	return fallback;
}

/* What binding mends is said of those that are not bound, by check_offenders(). */
static bool is_mended(const struct reason *r)
{
	return streq(r->code, "native-driver") || streq(r->code, "no-vfio-driver");
}

/* What binding will not mend, and who else has to move. */
static size_t check_group(struct bind_plan *p, const struct device *d)
{
	struct group *g = d->group;
	struct question q = { .group = g };
	struct viability v;
	const struct reason *r;
	size_t n = 0;

	group_check(p->h, &q, &v);
	n += check_offenders(p, g, &v);
	q.after_bind = true;
	group_check(p->h, &q, &v);
	r = v.reasons.v;
	for (size_t i = 0; streq(v.verdict, "blocked") && i < v.reasons.n; i++) {
		if (!streq(r[i].severity, "problem") || is_mended(&r[i]))
			continue;
		refuse(p, about(p, &r[i], d), &r[i], false);
		n += !p->inv->force;
	}
	return n;
}

/* Bridges that only lose their drivers ask nothing of their group. */
static bool group_seen(const struct bind_plan *p, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (is_vfio_name(p->v[i].to) && p->devices[i]->group == p->devices[at]->group)
			return true;
	return false;
}

int bind_plan_check(struct bind_plan *p)
{
	size_t n = check_guard(p);

	for (size_t i = 0; i < p->n; i++)
		if (is_vfio_name(p->v[i].to) && p->devices[i]->group && !group_seen(p, i))
			n += check_group(p, p->devices[i]);
	return !n ? EXIT_DONE : n == p->denied ? EXIT_PERMISSION : EXIT_REFUSED;
}

/* -- drivers --------------------------------------------------------------------------------------------------------- */

static bool has_driver(struct bind_plan *p, const char *bus, const char *driver)
{
	char path[SRC_PATH_MAX];

	PATHF(path, "sys/bus/%s/drivers/%s", bus, driver);
	return source_exists(p->inv->source, path);
}

/* A module that is loaded with ids= takes every device without a driver that has one of them. */
static int check_ids(struct bind_plan *p, const char *module, const char *options)
{
	size_t n = 0;

	for (size_t i = 0; i < p->h->n_devices; i++) {
		const struct device *d = &p->h->devices[i];
		struct remedy undo = { .text = "take the ids= out of modprobe.d or the kernel command line" };
		struct reason r = { .code = "ids", .remedies = ROWS(&undo, 1) };

		if (d->driver || d->driver_err || in_plan(p, d) || !ids_match(options, d))
			continue;
		r.text = arena_printf(&p->inv->ctx->arena, "loading %s would take it too, by its option %s", module, options);
		refuse(p, d, &r, false);
		n++;
	}
	return n && !p->inv->force ? EXIT_REFUSED : EXIT_DONE;
}

static int no_driver(struct bind_plan *p, const char *driver)
{
	return mistake(p, "no-driver", EXIT_FAILED, ENOENT, driver, "there is no such driver, nor a module of that name",
		       "ls /sys/bus/*/drivers shows those that are loaded");
}

int bind_plan_driver(struct bind_plan *p, const char *bus, const char *driver)
{
	const char *options = "";
	int r, code;

	if (has_driver(p, bus, driver))
		return EXIT_DONE;
	r = backend_module_options(p->a->be, driver, &p->inv->ctx->arena, &options);
	if (r == -ENOENT)
		return no_driver(p, driver);
	code = check_ids(p, driver, options);
	if (code != EXIT_DONE || p->inv->dry_run)
		return code;
	r = backend_load_module(p->a->be, driver);
	if (has_driver(p, bus, driver))
		return EXIT_DONE;
	if (r == -ENOENT || r >= 0)
		return no_driver(p, driver);
	return mistake(p, "no-driver", exit_from_errno(r), r, driver,
		       arena_printf(&p->inv->ctx->arena, "the module cannot be loaded: %s", err_text(r)), NULL);
}

int bind_plan_drivers(struct bind_plan *p)
{
	int r = EXIT_DONE;

	for (size_t i = 0; r == EXIT_DONE && i < p->n; i++)
		if (p->v[i].to && p->v[i].state != MOVE_UNCHANGED)
			r = bind_plan_driver(p, p->v[i].bus, p->v[i].to);
	return r;
}
