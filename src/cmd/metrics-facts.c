// SPDX-License-Identifier: GPL-2.0-or-later
/* From facts to samples. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/metrics.h"
#include "diag/leak.h"
#include "diag/viability.h"
#include "host/holders.h"
#include "host/units.h"

#define INTERRUPTS_MAX (8u << 20)

static const char *number(struct scrape *s, uint64_t v)
{
	return arena_printf(&s->h->arena, "%" PRIu64, v);
}

/* Counts by a word, in the order of their first coming. */
struct count {
	const char *word, *second;
	int64_t n;
};

typedef VEC(struct count) tally;

static void tally_add(tally *t, const char *word, const char *second, int64_t n)
{
	struct count *c;

	vec_for_each(c, t) {
		if (!streq(c->word, word) || !streq(c->second, second))
			continue;
		/* counts that a file claims are of any size */
		if (__builtin_add_overflow(c->n, n, &c->n))
			c->n = INT64_MAX;
		return;
	}
	*vec_push(t) = (struct count){ word, second, n };
}

static void tally_put(struct metrics *m, tally *t, const char *label, const char *second)
{
	struct count *c;

	vec_for_each(c, t)
		metrics_add(m, c->n, label, c->word, second, c->second, NULL);
	vec_free(t);
}

/* A machine without such a folder has none of them: that is an answer. */
static void listed(struct scrape *s, const char *collector, int err)
{
	metrics_went(s, collector, err == -ENOENT ? 0 : err, "unreadable", NULL);
}

/* -- units --------------------------------------------------------------------------------------------------------- */

static void unit_numbers(struct scrape *s, const char *name, const char *help, size_t offset)
{
	metrics_family(&s->m, name, METRIC_GAUGE, help);
	for (size_t i = 0; i < s->h->n_units; i++) {
		struct unit *u = &s->h->units[i];
		const struct num *v = (const struct num *)((const char *)unit_info(s->h, u) + offset);

		if (v->known)
			metrics_add(&s->m, v->v, "unit", u->name, NULL);
	}
}

void metrics_units(struct scrape *s)
{
	tally kinds = { 0 };
	struct host *h = s->h;

	listed(s, "units", h->units_err);
	metrics_family(&s->m, "iommu_units", METRIC_GAUGE, "IOMMU units, by kind.");
	for (size_t i = 0; i < h->n_units; i++)
		tally_add(&kinds, unit_kind_name(h->units[i].kind), NULL, 1);
	tally_put(&s->m, &kinds, "kind", NULL);

	metrics_family(&s->m, "iommu_unit_info", METRIC_GAUGE, "What a unit is; always 1.");
	for (size_t i = 0; i < h->n_units; i++)
		metrics_add(&s->m, 1, "unit", h->units[i].name, "kind", unit_kind_name(h->units[i].kind), "parent", h->units[i].parent, NULL);

	metrics_family(&s->m, "iommu_unit_devices", METRIC_GAUGE, "Devices behind a unit.");
	for (size_t i = 0; i < h->n_units; i++)
		metrics_add(&s->m, (int64_t)unit_info(h, &h->units[i])->n_devices, "unit", h->units[i].name, NULL);
	metrics_family(&s->m, "iommu_unit_groups", METRIC_GAUGE, "Groups with a device behind a unit.");
	for (size_t i = 0; i < h->n_units; i++)
		metrics_add(&s->m, (int64_t)unit_info(h, &h->units[i])->n_groups, "unit", h->units[i].name, NULL);
	unit_numbers(s, "iommu_unit_domains_used", "Domain ids that a unit has in use, those that the driver keeps for itself too; VT-d only.",
		     offsetof(struct unit_info, domains_used));
	unit_numbers(s, "iommu_unit_domains_supported", "Domain ids that a unit has; VT-d only.",
		     offsetof(struct unit_info, domains_supported));
}

/* -- interrupts of units -------------------------------------------------------------------------------------------- */

/* "dmar0", "dmar0-prq": the unit's name is its beginning (dmar_set_interrupt(), intel_iommu_enable_prq()). */
static const char *unit_of_vtd(struct host *h, const char *action)
{
	size_t n = strlen("dmar") + strspn(action + strlen("dmar"), "0123456789");
	char *name = arena_memdup(&h->arena, action, n);

	return n > strlen("dmar") && (!action[n] || action[n] == '-') ? name : NULL;
}

/* "AMD-Vi0-Evt" is of ivhd0 (iommu_init_irq()); "AMD-Vi" alone is of any. */
static const char *unit_of_amd(struct host *h, const char *action)
{
	const char *p = action + strlen("AMD-Vi");
	size_t n = strspn(p, "0123456789");

	return !*p ? "" : n && p[n] == '-' ? arena_printf(&h->arena, "ivhd%.*s", (int)n, p) : NULL;
}

/* A virtio device's interrupts begin with its name. */
static const char *unit_of_virtio(struct host *h, const char *action)
{
	for (size_t i = 0; i < h->n_units; i++) {
		const char *parent = h->units[i].parent;

		if (h->units[i].kind == UNIT_VIRTIO && parent && strstarts(action, parent) && action[strlen(parent)] == '-')
			return h->units[i].name;
	}
	return NULL;
}

/* The unit whose interrupt this is, "" when its name does not tell which; NULL: of something else. */
static const char *unit_of_action(struct host *h, const char *action)
{
	if (strstarts(action, "dmar"))
		return unit_of_vtd(h, action);
	if (strstarts(action, "AMD-Vi"))
		return unit_of_amd(h, action);
	if (strstarts(action, "arm-smmu"))
		return ""; /* all instances have the same names (arm_smmu_setup_unique_irqs()) */
	return unit_of_virtio(h, action);
}

/* " 24:   0   5  DMAR-MSI  0-edge  dmar0, other": the counts of @n processors, and the names behind the last two blanks. */
static void take_interrupt(tally *t, struct host *h, char *line, size_t n)
{
	char *p = line + strspn(line, " "), *names, *name;
	uint64_t sum = 0;
	size_t digits = strspn(p, "0123456789");

	if (!digits || p[digits] != ':')
		return;
	p += digits + 1;
	for (size_t i = 0; i < n; i++) {
		char *end;
		uint64_t v = strtoull(p, &end, 10);

		if (end == p || (*end != ' ' && *end))
			return;
		sum += v;
		p = end;
	}
	for (names = NULL; (p = strstr(p, "  ")); p = names)
		names = p + strspn(p, " ");
	while (names && (name = strsep(&names, ","))) {
		const char *unit;

		name += strspn(name, " ");
		unit = unit_of_action(h, name);
		if (unit)
			tally_add(t, unit, arena_strdup(&h->arena, name), (int64_t)MIN(sum, (uint64_t)INT64_MAX));
	}
}

/* As many as the heading has words. */
static size_t count_processors(const char *heading)
{
	size_t n = 0;

	for (const char *p = heading; (p = strstr(p, "CPU")); p += 3)
		n++;
	return n;
}

void metrics_take_interrupts(struct metrics *m, struct host *h, const char *text, size_t len)
{
	char *rest = arena_memdup(&h->arena, text, len), *line = strsep(&rest, "\n");
	size_t n = line ? count_processors(line) : 0;
	tally t = { 0 };

	while (n && (line = strsep(&rest, "\n")))
		take_interrupt(&t, h, line, n);
	tally_put(m, &t, "unit", "interrupt");
}

void metrics_interrupts(struct scrape *s)
{
	char *text;
	size_t len;
	int r = source_read_all(s->h->src, "proc/interrupts", INTERRUPTS_MAX, &s->h->arena, &text, &len);

	metrics_family(&s->m, "iommu_interrupts_total", METRIC_COUNTER,
		       "Interrupts of units since boot, by the kernel's name of the interrupt: faults and events, page requests, errors. No rate limit "
		       "cuts them. Without a unit: of all units of that kind.");
	metrics_went(s, "interrupts", r, "unreadable", "/proc/interrupts");
	if (r < 0)
		metrics_unknown(&s->m);
	else
		metrics_take_interrupts(&s->m, s->h, text, len);
}

/* -- groups --------------------------------------------------------------------------------------------------------- */

static const char *const verdicts[] = { "ready", "needs-bind", "blocked", "in-use", "nothing-to-give", "unknown" };

static const char *group_unit(const struct group *g)
{
	for (size_t i = 0; i < g->n_devices; i++)
		if (g->devices[i]->unit)
			return g->devices[i]->unit->name;
	return NULL;
}

void metrics_groups(struct scrape *s)
{
	tally types = { 0 }, answers = { 0 };
	struct host *h = s->h;

	listed(s, "groups", h->groups_err);
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++)
		tally_add(&answers, verdicts[i], NULL, 0);
	metrics_family(&s->m, "iommu_group_info", METRIC_GAUGE,
		       "A group: the verdict of group check, the type of its default domain, the unit of its first device; always 1.");
	for (size_t i = 0; i < h->n_groups; i++) {
		struct group *g = &h->groups[i];
		struct viability answer;
		const char *verdict;

		group_check(h, &(struct question){ .group = g, .brief = true }, &answer);
		verdict = answer.verdict ?: "not-judged";
		tally_add(&answers, verdict, NULL, 1);
		tally_add(&types, g->type ?: "unknown", NULL, 1);
		if (!s->brief)
			metrics_add(&s->m, 1, "group", number(s, g->id), "verdict", verdict, "type", g->type, "unit", group_unit(g), NULL);
	}
	metrics_family(&s->m, "iommu_groups", METRIC_GAUGE, "IOMMU groups, by the verdict of group check.");
	tally_put(&s->m, &answers, "verdict", NULL);
	metrics_family(&s->m, "iommu_groups_by_type", METRIC_GAUGE, "IOMMU groups, by the type of their default domain.");
	tally_put(&s->m, &types, "type", NULL);
}

/* -- devices -------------------------------------------------------------------------------------------------------- */

static const char *driver_word(const struct device *d)
{
	return d->driver ?: d->driver_err && d->driver_err != -ENOENT ? "unknown" : "none";
}

void metrics_devices(struct scrape *s)
{
	tally drivers = { 0 };
	struct host *h = s->h;
	int64_t without = 0;

	listed(s, "devices", h->devices_err);
	metrics_family(&s->m, "iommu_device_info", METRIC_GAUGE, "A device in a group; always 1.");
	for (size_t i = 0; i < h->n_devices; i++) {
		const struct device *d = &h->devices[i];

		without += !d->group;
		if (!d->group)
			continue;
		tally_add(&drivers, driver_word(d), d->bus, 1);
		if (!s->brief)
			metrics_add(&s->m, 1, "device", d->name, "bus", d->bus, "group", number(s, d->group->id), "driver", driver_word(d),
				    "class", device_class_word(d), "unit", d->unit ? d->unit->name : NULL,
				    "id", d->has_ids ? arena_printf(&h->arena, "%04x:%04x", d->vendor, d->device) : NULL, NULL);
	}
	metrics_family(&s->m, "iommu_devices", METRIC_GAUGE, "Devices in groups, by driver; none: bound to none.");
	tally_put(&s->m, &drivers, "driver", "bus");
	metrics_family(&s->m, "iommu_devices_without_group", METRIC_GAUGE, "PCI devices that no IOMMU translates for.");
	metrics_add(&s->m, without, NULL);
}

/* -- holders -------------------------------------------------------------------------------------------------------- */

/* Whether an earlier entry is the same process. */
static bool seen_before(const struct holder_list *l, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (l->v[i].pid.known && l->v[i].pid.v == l->v[at].pid.v)
			return true;
	return false;
}

void metrics_holders(struct scrape *s)
{
	struct host *h = s->h;
	int64_t held = 0;

	metrics_went(s, "holders", 0, NULL, NULL);
	metrics_family(&s->m, "iommu_group_holders", METRIC_GAUGE,
		       "Processes that have the group, or a device of it, open through VFIO; by what they are, not by number.");
	for (size_t i = 0; i < h->n_groups; i++) {
		struct holder_list l;

		group_holders(h, &h->groups[i], &l);
		if (l.err)
			metrics_went(s, "holders", l.err, "not-all-seen", "not all processes could be looked at");
		held += l.n != 0;
		for (size_t k = 0; k < l.n && !s->brief; k++)
			if (!seen_before(&l, k))
				metrics_add(&s->m, 1, "group", number(s, h->groups[i].id), "command", l.v[k].command, "systemd_unit", l.v[k].unit,
					    "container", l.v[k].container, "pod", l.v[k].pod, "guest", l.v[k].guest, NULL);
	}
	metrics_family(&s->m, "iommu_groups_held", METRIC_GAUGE, "Groups that at least one process was seen to have open through VFIO.");
	metrics_add(&s->m, held, NULL);
}

/* -- owners --------------------------------------------------------------------------------------------------------- */

static void owners_failed(struct scrape *s, const struct ownership *o, int err)
{
	if (!o) {
		metrics_went(s, "owners", err ?: -ENODATA, "no-ownership", NULL);
		return;
	}
	for (size_t i = 0; i < o->n_obstacles; i++)
		metrics_went(s, "owners", o->obstacles[i].err ? -o->obstacles[i].err : -EIO, o->obstacles[i].code,
			     o->obstacles[i].why ? arena_printf(&s->h->arena, "%s: %s", o->obstacles[i].what, o->obstacles[i].why) :
						   o->obstacles[i].what);
	metrics_went(s, "owners", -ENODATA, "no-ownership", NULL);
}

enum owner_number { OWNERS, EXPECTED, SURPLUS };

static void owner_numbers(struct scrape *s, const struct leak *v, enum owner_number which)
{
	for (size_t i = 0; i < s->h->n_groups && !s->brief; i++) {
		const struct leak *l = &v[i];
		bool known = which == OWNERS ? l->owner_cnt.known : which == EXPECTED ? l->expected.known : l->owner_cnt.known && l->expected.known;

		if (known)
			metrics_add(&s->m, which == OWNERS ? l->owner_cnt.v : which == EXPECTED ? l->expected.v : l->owner_cnt.v - l->expected.v,
				    "group", number(s, s->h->groups[i].id), NULL);
	}
}

void metrics_owners(struct scrape *s)
{
	static const struct {
		const char *name, *help;
		enum owner_number which;
	} rows[] = {
		{ "iommu_group_owners", "The kernel's count of a group's owners (owner_cnt).", OWNERS },
		{ "iommu_group_owners_expected", "What drivers, or user space's claim, account for of it.", EXPECTED },
		{ "iommu_group_owners_surplus", "What nothing accounts for: above 0 the group cannot be claimed until a reboot or a cure.", SURPLUS },
	};
	static const char *const words[] = { "as-expected", "surplus", "deficit", "unknown" };
	struct host *h = s->h;
	struct leak *v = arena_array(&h->arena, struct leak, h->n_groups);
	tally sums = { 0 };
	int err;
	struct ownership *o = host_ownership(h, &err);
	bool known = o && o->known;

	metrics_went(s, "owners", 0, NULL, NULL);
	if (!known)
		owners_failed(s, o, err);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		tally_add(&sums, words[i], NULL, 0);
	for (size_t i = 0; i < h->n_groups; i++) {
		group_ownership(h, o, &h->groups[i], true, &v[i]);
		tally_add(&sums, v[i].verdict, NULL, 1);
	}
	metrics_family(&s->m, "iommu_groups_by_owners", METRIC_GAUGE, "IOMMU groups, by whether their count of owners adds up.");
	if (known)
		tally_put(&s->m, &sums, "verdict", NULL);
	else
		metrics_unknown(&s->m);
	vec_free(&sums);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		metrics_family(&s->m, rows[i].name, METRIC_GAUGE, rows[i].help);
		if (known)
			owner_numbers(s, v, rows[i].which);
		else
			metrics_unknown(&s->m);
	}
}
