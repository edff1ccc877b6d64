// SPDX-License-Identifier: GPL-2.0-or-later
#include "diag/guard.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "host/drivers.h"
#include "diag/guard-facts.h"
#include "host/holders.h"

struct reason *guard_loss(struct guarding *g, const char *code)
{
	struct reason *r = finding_add(&g->out, SEVERITY_PROBLEM, code);

	r->device = g->d->name;
	r->driver = g->d->driver;
	g->loss = true;
	return r;
}

struct reason *guard_unknown(struct guarding *g, const char *code, int err)
{
	struct reason *r = finding_add(&g->out, SEVERITY_UNKNOWN, code);

	r->device = g->d->name;
	r->driver = g->d->driver;
	g->unknown = true;
	if (g->missing != -EACCES)
		g->missing = err == -EPERM ? -EACCES : err;
	return r;
}

static struct reason *mention(struct guarding *g, enum severity severity, const char *code)
{
	struct reason *r = finding_add(&g->out, severity, code);

	r->device = g->d->name;
	return r;
}

bool guard_moves_along(const struct guarding *g, const struct device *d)
{
	for (size_t i = 0; i < g->n_with; i++)
		if (g->with[i] == d)
			return true;
	return d == g->d;
}

const char *guard_join(struct arena *a, const char *const *v, size_t n)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	size_t shown = n <= 4 ? n : 3;

	for (size_t i = 0; i < shown; i++)
		strbuf_printf(&b, "%s%s", !i ? "" : i + 1 == n ? " and " : ", ", v[i]);
	if (shown < n)
		strbuf_printf(&b, " and %zu more", n - shown);
	return arena_strdup(a, strbuf_str(&b));
}

static const char *join_devices(struct arena *a, struct device *const *v, size_t n)
{
	const char **names = arena_array(a, const char *, n);

	for (size_t i = 0; i < n; i++)
		names[i] = v[i]->name;
	return guard_join(a, names, n);
}

static const char *device_file(struct guarding *g, const char *file)
{
	return arena_printf(&g->h->arena, "/%s/%s", device_sysfs(g->h, g->d), file);
}

/* -- the parts ------------------------------------------------------------------------------------------------ */

static void guard_namespaces(struct guarding *g)
{
	bool whole = g->f->whole == TRI_YES;
	struct reason *r;

	if (whole && !g->f->ns_err)
		return;
	r = whole ? mention(g, SEVERITY_NOTE, "container") : guard_unknown(g, "container", g->f->ns_err);
	r->text = g->f->ns_why;
	r->file = g->f->ns_file;
	if (whole)
		return;
	finding_remedy(&g->out, false, NULL, "ask on the machine itself, as root");
}

static void guard_bridge(struct guarding *g)
{
	struct reason *r;

	if (!device_is_bridge(g->d) || g->d->class >> 8 == 0x0680)
		return;
	r = guard_loss(g, "bridge");
	r->text = "it is a bridge: it is nothing to give away, and its driver serves the devices below it";
	r->file = device_file(g, "class");
}

static const char *vf_users(struct guarding *g, const struct devinfo *info)
{
	struct arena *a = &g->h->arena;
	struct device **used = arena_array(a, struct device *, info->n_vfs);
	size_t n = 0;

	for (size_t i = 0; i < info->n_vfs; i++)
		if (info->vfs[i]->driver)
			used[n++] = info->vfs[i];
	return n ? arena_printf(a, ", of which %s %s on a driver", join_devices(a, used, n), n == 1 ? "is" : "are") : "";
}

/* vfio-pci refuses a PF with VFs (EBUSY), and most other drivers take their VFs away when they leave. */
static void guard_vfs(struct guarding *g)
{
	const struct devinfo *info = device_info(g->h, g->d);
	const char *file = device_file(g, "sriov_numvfs");
	struct reason *r;

	if (!info->sriov_num.known || info->sriov_num.v == 0)
		return;
	r = guard_loss(g, "vfs-enabled");
	r->text = arena_printf(&g->h->arena, "%lld virtual function%s on it %s enabled%s", (long long)info->sriov_num.v,
			       info->sriov_num.v == 1 ? "" : "s", info->sriov_num.v == 1 ? "is" : "are", vf_users(g, info));
	r->file = file;
	r->value = arena_printf(&g->h->arena, "%lld", (long long)info->sriov_num.v);
	if (g->d->driver)
		finding_remedy(&g->out, false, arena_printf(&g->h->arena, "iommuctl device vfs %s 0", g->d->name),
			       "turn them off, once nobody uses one");
	else
		finding_remedy(&g->out, false, arena_printf(&g->h->arena, "iommuctl device bind --force --driver DRIVER %s", g->d->name),
			       "only its own driver can turn them off, and it has none: bind that one");
}

/* Why not all processes could be looked at: see struct holder_list. */
static const char *unseen(int err)
{
	return err == -EOPNOTSUPP ? "some are in another PID namespace" : err_text(err);
}

static void guard_holders(struct guarding *g)
{
	struct holder_list list;
	struct reason *r;

	/* off a driver of its own a device may always go: its group's users have others */
	if (!device_on_vfio(g->h, g->d))
		return;
	device_holders(g->h, g->d, &list);
	for (size_t i = 0; i < list.n; i++) {
		r = guard_loss(g, "held");
		r->text = arena_printf(&g->h->arena, "%s has it open", list.v[i].who);
		r->file = list.v[i].node;
	}
	if (!list.err)
		return;
	r = guard_unknown(g, "holders", list.err);
	r->text = arena_printf(&g->h->arena, "whether a process has it open cannot be told: %s", unseen(list.err));
}

/*
 * Nodes that its own driver makes, but for disks: guard-disk.c. A screen cannot be taken from who draws on it; the rest is worth knowing.
 */
static void guard_nodes(struct guarding *g)
{
	struct holder_list list;
	struct reason *r;

	if (!g->d->driver || device_is_bridge(g->d) || device_on_vfio(g->h, g->d))
		return;
	node_holders(g->h, g->d, NULL, &list);
	for (size_t i = 0; i < list.n; i++) {
		r = strstarts(list.v[i].node, "/dev/dri/") ? guard_loss(g, "open") : mention(g, SEVERITY_WARNING, "open");
		r->text = arena_printf(&g->h->arena, "%s has %s open", list.v[i].who, list.v[i].node);
		r->file = list.v[i].node;
	}
	if (!list.err)
		return;
	r = list.err == -ENOTCAPTURED ? mention(g, SEVERITY_NOTE, "open") : guard_unknown(g, "open", list.err);
	r->text = arena_printf(&g->h->arena, "whether a process uses it cannot be told: %s", unseen(list.err));
}

/* Only a bus reset takes others along, and VFIO does one only for who owns them all; worth knowing all the same. */
static void guard_reset(struct guarding *g)
{
	const struct devinfo *info = device_info(g->h, g->d);
	struct arena *a = &g->h->arena;
	struct device **v, **others;
	size_t n, n_others = 0;
	bool only_bus = info->reset_methods.known && info->reset_methods.n == 1 && streq(info->reset_methods.v[0], "bus");
	struct reason *r;

	if (device_is_bridge(g->d) || device_reset_set(g->h, g->d, &v, &n) < 0)
		return;
	others = arena_array(a, struct device *, n);
	for (size_t i = 0; i < n; i++)
		if (!guard_moves_along(g, v[i]) && !device_is_bridge(v[i]))
			others[n_others++] = v[i];
	if (!n_others)
		return;
	r = mention(g, only_bus || (info->reset_methods.known && !info->reset_methods.n) ? SEVERITY_WARNING : SEVERITY_NOTE,
		    "reset-set");
	r->text = arena_printf(a, "a bus reset of it would reset %s too", join_devices(a, others, n_others));
	r->file = device_file(g, "reset_method");
}

/* -- the answer ----------------------------------------------------------------------------------------------- */

static const char *summarise(struct guarding *g, size_t problems)
{
	struct arena *a = &g->h->arena;
	const struct reason *r;

	vec_for_each(r, &g->out.reasons) {
		if ((g->loss && streq(r->severity, "problem")) || (!g->loss && streq(r->severity, "unknown")))
			return problems > 1 ? arena_printf(a, "%s; and %zu more", r->text, problems - 1) : r->text;
	}
	return "nothing that this machine uses was found on it";
}

void device_guard(struct guard_facts *f, struct device *d, struct device *const *with, size_t n_with,
		  struct guard *ret)
{
	struct guarding g = { .f = f, .h = f->h, .d = d, .with = with, .n_with = n_with, .out.arena = &f->h->arena };
	const char *decides;
	const struct reason *r;
	size_t n = 0;

	guard_bridge(&g);
	guard_disks(&g);
	guard_network(&g);
	guard_vfs(&g);
	guard_holders(&g);
	guard_nodes(&g);
	guard_console(&g);
	guard_keyboard(&g);
	guard_namespaces(&g);
	guard_reset(&g);

	decides = g.loss ? "problem" : "unknown";
	vec_for_each(r, &g.out.reasons)
		n += streq(r->severity, decides);
	ret->verdict = g.loss ? "loss" : g.unknown ? "unknown" : "safe";
	ret->summary = summarise(&g, n);
	ret->missing = g.missing;
	ret->reasons = finding_rows(&g.out);
}
