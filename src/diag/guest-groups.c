// SPDX-License-Identifier: GPL-2.0-or-later
/* A guest's devices as groups: what comes along, what stands in the way, what the machine would lose. */
#include "diag/guest-facts.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "diag/viability.h"
#include "host/drivers.h"
#include "host/names.h"

/* The worst first; what is not here has not been judged. */
static const char *const order[] = { "blocked", "in-use", "nothing-to-give", "refused", "unknown", "needs-bind", "ready" };

static size_t rank(const char *verdict)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(order) && !streq(verdict, order[i]))
		i++;
	return i;
}

static void worsen(struct planning *p, const char *verdict, int missing)
{
	if (rank(verdict) < rank(p->plan->verdict))
		p->plan->verdict = verdict;
	if (missing && p->plan->missing != -EACCES)
		p->plan->missing = missing == -EPERM ? -EACCES : missing;
}

static bool asked_for(const struct planning *p, const struct device *d)
{
	for (size_t i = 0; i < p->q->n; i++)
		if (p->q->devices[i] == d)
			return true;
	return false;
}

/* Names are judgements' own words: the reasons of one group come once, whoever of it was asked for. */
static void copy_reasons(struct planning *p, struct rows reasons, bool warnings)
{
	const struct reason *v = reasons.v, *have;

	for (size_t i = 0; i < reasons.n; i++) {
		bool known = streq(v[i].severity, "note") || (!warnings && streq(v[i].severity, "warning")) ||
			     streq(v[i].code, "native-driver");

		vec_for_each(have, &p->out.reasons)
			known = known || (streq(have->code, v[i].code) && streq(have->text, v[i].text));
		if (!known)
			*vec_push(&p->out.reasons) = v[i];
	}
}

/* -- steps ------------------------------------------------------------------------------------------------------------------ */

struct steps {
	VEC(struct step) v;
};

static struct step *find_step(struct steps *s, const char *device)
{
	struct step *have;

	vec_for_each(have, &s->v)
		if (streq(have->device, device))
			return have;
	return NULL;
}

static void add_steps(struct steps *s, struct rows rows)
{
	const struct step *v = rows.v;

	for (size_t i = 0; i < rows.n; i++) {
		struct step *have = find_step(s, v[i].device);

		if (!have)
			*vec_push(&s->v) = v[i];
		else if (!have->to)
			*have = v[i];
	}
}

static void judge_group(struct planning *p, struct steps *s, size_t at)
{
	struct device *d = p->q->devices[at];
	struct question q = { .group = d->group, .device = d, .after_bind = true };
	struct viability v;

	group_check(p->h, &q, &v);
	if (!v.verdict) {
		struct reason *r = finding_add(&p->out, SEVERITY_UNKNOWN, "not-judged");

		r->device = d->name;
		r->text = v.summary;
		p->plan->verdict = NULL;
		return;
	}
	if (p->q->ours && p->q->ours[at] && streq(v.verdict, "in-use"))
		return;
	add_steps(s, v.steps);
	if (p->plan->verdict)
		worsen(p, v.verdict, streq(v.verdict, "unknown") ? v.missing : 0);
	if (!streq(v.verdict, "ready") && !streq(v.verdict, "needs-bind"))
		copy_reasons(p, v.reasons, false);
}

/* -- rows ------------------------------------------------------------------------------------------------------------------- */

/*
 * libvirt leaves a device with managed='yes' alone when it is on the driver that it wants, and else takes it off its driver before the
 * guest starts and lets the kernel look for one when it has ended (virPCIDeviceBindToStub() and virPCIDeviceUnbindFromStub() in
 * src/util/virpci.c). The XML names a VFIO driver that is not the usual one.
 */
static enum tri managed_rebinds(struct planning *p, const struct device *d)
{
	switch (device_driver_use(p->h, d)) {
	case USE_VFIO:
		return TRI_NO;
	case USE_UNKNOWN:
		return TRI_UNKNOWN;
	default:
		return d->is_pci ? TRI_YES : TRI_NO;
	}
}

static void add_device(struct planning *p, struct steps *s, struct device *d)
{
	struct guest_device *row = vec_push(&p->devices);
	bool asked = asked_for(p, d);
	const struct step *step = find_step(s, d->name);

	*vec_push(&p->moving) = d;
	*row = (struct guest_device){
		.device = d->name,
		.name = device_title(p->h, d),
		.driver = d->driver,
		.group = NUM(d->group->id),
		.unit = d->unit ? d->unit->name : NULL,
		.asked = asked ? TRI_YES : TRI_NO,
		.leaves = d->driver_err ? TRI_UNKNOWN : step && d->driver ? TRI_YES : TRI_NO,
		.managed_rebinds = asked ? managed_rebinds(p, d) : TRI_NO,
	};
	for (size_t i = 0; asked && i < p->n_units; i++)
		if (p->units[i].facts == d->unit)
			row->table = p->tables[p->units[i].table].name;
}

static bool has_row(const struct planning *p, const struct device *d)
{
	for (size_t i = 0; i < p->moving.n; i++)
		if (p->moving.v[i] == d)
			return true;
	return false;
}

/* The other endpoints of the groups, and bridges that have to leave a driver. */
static void add_along(struct planning *p, struct steps *s, const struct group *g)
{
	for (size_t i = 0; i < g->n_devices; i++) {
		struct device *d = g->devices[i];

		if (!has_row(p, d) && (!device_is_bridge(d) || find_step(s, d->name)))
			add_device(p, s, d);
	}
}

static void judge_losses(struct planning *p)
{
	for (size_t i = 0; i < p->devices.n; i++) {
		struct guest_device *row = &p->devices.v[i];
		struct device *d = p->moving.v[i];
		struct guard g;

		if (row->leaves == TRI_NO || device_is_bridge(d))
			continue;
		device_guard(p->q->guard, d, p->moving.v, p->moving.n, &g);
		row->guard = g.verdict;
		row->guard_why = g.summary;
		copy_reasons(p, g.reasons, true);
		if (p->plan->verdict && !streq(g.verdict, "safe"))
			worsen(p, streq(g.verdict, "loss") ? "refused" : "unknown", g.missing);
	}
}

/* A group has one page table, whatever its devices are told apart by. */
static void warn_shared_groups(struct planning *p)
{
	for (size_t i = 0; i < p->q->n; i++) {
		const struct device *d = p->q->devices[i];
		const struct device *first = NULL;
		struct reason *r;

		for (size_t k = 0; k < i && !first; k++)
			if (p->q->devices[k]->group == d->group)
				first = p->q->devices[k];
		if (!first)
			continue;
		r = finding_add(&p->out, SEVERITY_NOTE, "one-table-a-group");
		r->device = d->name;
		r->text = arena_printf(p->a, "it is in group %u with %s: both are always on the same page table, so that a guest with an IOMMU of its own "
				       "must keep them in one domain", d->group->id, first->name);
	}
}

void guest_judge_groups(struct planning *p)
{
	struct steps s = { 0 };

	p->plan->verdict = "ready";
	for (size_t i = 0; i < p->q->n; i++)
		judge_group(p, &s, i);
	for (size_t i = 0; i < p->q->n; i++)
		add_device(p, &s, p->q->devices[i]);
	for (size_t i = 0; i < p->q->n; i++)
		add_along(p, &s, p->q->devices[i]->group);
	judge_losses(p);
	warn_shared_groups(p);
	p->plan->steps = ROWS(arena_memdup(p->a, s.v.n ? (void *)s.v.v : "", s.v.n * sizeof(*s.v.v)), s.v.n);
	p->plan->devices = ROWS(arena_memdup(p->a, p->devices.v, p->devices.n * sizeof(*p->devices.v)), p->devices.n);
	vec_free(&s.v);
	vec_free(&p->devices);
	vec_free(&p->moving);
}
