// SPDX-License-Identifier: GPL-2.0-or-later
/* Counts of owners that nothing accounts for. Told only where the counts can be read: doctor does not ask for more. */
#include "base/str.h"
#include "diag/doctor-facts.h"
#include "diag/leak.h"

/* Groups that are named; behind them it is how many more. */
#define SHOWN 4

struct off_count {
	struct strbuf groups;
	size_t n;
	uint32_t first;
};

static void take(struct off_count *c, const struct group *g)
{
	if (!c->n)
		c->first = g->id;
	if (c->n++ < SHOWN)
		strbuf_printf(&c->groups, "%s%u", c->groups.len ? ", " : "", g->id);
}

static void say(struct exam *e, struct off_count *c, const char *code, const char *what)
{
	static const struct fact memory = { .file = "/proc/kcore", .value = "iommu_group.owner_cnt" };

	if (!c->n)
		return;
	if (c->n > SHOWN)
		strbuf_printf(&c->groups, " and %zu more", c->n - SHOWN);
	exam_say(e, SEVERITY_PROBLEM, code, &memory, "%zu group%s (%s) count%s %s", c->n, c->n == 1 ? "" : "s", strbuf_str(&c->groups),
		 c->n == 1 ? "s" : "", what);
	finding_remedy(&e->f, false, arena_printf(&e->h->arena, "iommuctl owner check %u", c->first),
		       "See the cause, and the commands that mend it");
	strbuf_free(&c->groups);
}

void examine_owners(struct exam *e)
{
	struct off_count surplus = { 0 }, deficit = { 0 };
	int err;
	struct ownership *o = host_ownership(e->h, &err);

	if (!o || !o->known)
		return;
	for (size_t i = 0; i < e->h->n_groups; i++) {
		struct leak l;

		group_ownership(e->h, o, &e->h->groups[i], true, &l);
		if (streq(l.verdict, "surplus"))
			take(&surplus, &e->h->groups[i]);
		else if (streq(l.verdict, "deficit"))
			take(&deficit, &e->h->groups[i]);
	}
	say(e, &surplus, "owner-surplus", "more owners than anything accounts for: every claim gets EPERM though no device is in the way.");
	say(e, &deficit, "owner-deficit", "fewer owners than drivers and claims account for: user space could claim a device under a driver that uses it.");
}
