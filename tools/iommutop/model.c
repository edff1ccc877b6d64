// SPDX-License-Identifier: GPL-2.0-or-later
#include "model.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "diag/leak.h"
#include "diag/viability.h"
#include "host/holders.h"
#include "host/names.h"
#include "host/units.h"
#include "kmem/iommufd.h"

/* -- meters ---------------------------------------------------------------------------------------------- */

void meter_add(struct meter *t, struct num total, uint64_t interval_ns)
{
	struct num before = t->total;

	t->total = total;
	t->per_s = NUM_UNKNOWN;
	if (!total.known || !before.known || total.v < before.v || !interval_ns)
		return;
	t->per_s = NUM(((double)(total.v - before.v) * 1e9) / (double)interval_ns + 0.5);
	t->past[t->n++ % HISTORY] = (uint32_t)MIN(t->per_s.v, (int64_t)UINT32_MAX);
}

uint32_t meter_past(const struct meter *t, unsigned back)
{
	return back >= t->n || back >= HISTORY ? 0 : t->past[(t->n - 1 - back) % HISTORY];
}

/* -- groups ---------------------------------------------------------------------------------------------- */

static void add_once(const char **v, size_t *n, const char *s)
{
	for (size_t i = 0; i < *n; i++)
		if (streq(v[i], s))
			return;
	v[(*n)++] = s;
}

/* Bridges are in a group by design; what one looks for comes first. */
static struct strs group_devices(struct arena *a, const struct group *g)
{
	const char **v = arena_array(a, const char *, g->n_devices);
	size_t n = 0;

	if (g->devices_err)
		return (struct strs){ 0 };
	for (int bridges = 0; bridges < 2; bridges++)
		for (size_t i = 0; i < g->n_devices; i++)
			if (device_is_bridge(g->devices[i]) == (bool)bridges)
				v[n++] = g->devices[i]->name;
	return STRS(v, n);
}

static struct strs group_drivers(struct arena *a, const struct group *g)
{
	const char **v = arena_array(a, const char *, g->n_devices);
	size_t n = 0;

	for (int bridges = 0; bridges < 2; bridges++)
		for (size_t i = 0; i < g->n_devices; i++)
			if (g->devices[i]->driver && device_is_bridge(g->devices[i]) == (bool)bridges)
				add_once(v, &n, g->devices[i]->driver);
	return STRS(v, n);
}

static struct strs group_units(struct arena *a, const struct group *g)
{
	const char **v = arena_array(a, const char *, g->n_devices);
	size_t n = 0;

	for (size_t i = 0; i < g->n_devices; i++)
		if (g->devices[i]->unit)
			add_once(v, &n, g->devices[i]->unit->name);
	return STRS(v, n);
}

/* Who has it: by the kernel's owner pointer, else by the nodes that processes have open. */
static void fill_holder(struct host *h, const struct group *g, const struct leak *l, struct group_row *row)
{
	const struct owner *o = l->group ? l->group->owner : NULL;
	struct holder_list list;

	row->owner = l->owner;
	if (o && o->n) {
		row->pid = NUM(o->processes[0].pid);
		row->process = o->processes[0].command;
		return;
	}
	group_holders(h, g, &list);
	if (!list.n)
		return;
	row->pid = list.v[0].pid;
	row->process = list.v[0].command;
}

static void fill_group(struct model *m, struct host *h, struct ownership *o, struct group *g, struct group_row *row)
{
	struct question q = { .group = g, .brief = true };
	struct viability answer;
	struct leak l;

	group_check(h, &q, &answer);
	group_ownership(h, o, g, true, &l);
	*row = (struct group_row){
		.group = NUM(g->id),
		.verdict = answer.verdict,
		.viable = answer.viable,
		.type = g->type,
		.domain = l.group && l.group->domain ? l.group->domain->type : NULL,
		.owner_cnt = l.owner_cnt,
		.expected = l.expected,
		.units = group_units(&m->arena, g),
		.drivers = group_drivers(&m->arena, g),
		.devices = group_devices(&m->arena, g),
	};
	fill_holder(h, g, &l, row);
}

/* A listing that is not there is one of nothing; one that cannot be read is not. */
static bool is_listed(int err)
{
	return !err || err == -ENOENT || err == -ENOTDIR;
}

static void count_verdict(struct model *m, const char *verdict)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(verdict_words) - 1 && !streq(verdict, verdict_words[i]))
		i++;
	m->verdicts[i].v++;
}

static void build_groups(struct model *m, struct host *h, struct ownership *o)
{
	struct group_row *v = arena_array(&m->arena, struct group_row, h->n_groups);
	/* what cannot be listed is told by the devices' links as well */
	bool known = h->n_groups || is_listed(h->groups_err);

	for (size_t i = 0; i < ARRAY_SIZE(m->verdicts); i++)
		m->verdicts[i] = known ? NUM(0) : NUM_UNKNOWN;
	for (size_t i = 0; i < h->n_groups; i++) {
		fill_group(m, h, o, &h->groups[i], &v[i]);
		count_verdict(m, v[i].verdict);
	}
	m->rows[VIEW_GROUPS] = (struct rows){ .v = v, .n = h->n_groups, .known = known };
	m->empty[VIEW_GROUPS] = known ?
					"no IOMMU groups: the IOMMU is off, or there is none; 'iommuctl doctor' says why" :
					arena_printf(&m->arena, "the groups cannot be read: %s", err_text(h->groups_err));
}

/* Moves to one driver are one command. */
static const char *joined_steps(struct arena *a, struct rows steps)
{
	static const char head[] = "iommuctl device bind ";
	_cleanup_strbuf_ struct strbuf b = { 0 };
	const struct step *v = steps.v;

	for (size_t i = 0; i < steps.n; i++) {
		if (!v[i].command)
			continue;
		if (!b.len)
			strbuf_puts(&b, v[i].command);
		else if (strstarts(strbuf_str(&b), head) && strstarts(v[i].command, head) && !strchr(v[i].command + sizeof(head) - 1, ' '))
			strbuf_printf(&b, " %s", v[i].command + sizeof(head) - 1);
		else
			strbuf_printf(&b, " && %s", v[i].command);
	}
	return b.len ? arena_strdup(a, b.s) : NULL;
}

static const char *first_remedy(struct rows reasons)
{
	for (size_t i = 0; i < reasons.n; i++) {
		const struct reason *r = (const struct reason *)reasons.v + i;
		const struct remedy *m = r->remedies.v;

		for (size_t k = 0; k < r->remedies.n; k++)
			if (m[k].command && m[k].unsafe != TRI_YES)
				return m[k].command;
	}
	return NULL;
}

void model_advice(struct model *m, struct group_row *row)
{
	struct question q = { .group = host_group(m->host, (uint32_t)row->group.v) };
	struct viability answer;

	if (row->advised || !q.group)
		return;
	row->advised = true;
	group_check(m->host, &q, &answer);
	row->summary = answer.summary;
	if (!answer.verdict || streq(answer.verdict, "ready") || streq(answer.verdict, "nothing-to-give"))
		return;
	row->remedy = joined_steps(&m->arena, answer.steps) ?: first_remedy(answer.reasons);
}

/* -- domains --------------------------------------------------------------------------------------------- */

static const char *page_size_word(struct arena *a, unsigned bit)
{
	static const char units[] = "BKMGTPE";

	return arena_printf(a, "%u%c", 1u << bit % 10, units[bit / 10]);
}

static struct strs page_sizes(struct arena *a, struct num mask)
{
	const char **v;
	size_t n = 0;

	if (!mask.known)
		return (struct strs){ 0 };
	v = arena_array(a, const char *, 64);
	for (unsigned bit = 0; bit < 64; bit++)
		if ((uint64_t)mask.v >> bit & 1)
			v[n++] = page_size_word(a, bit);
	return STRS(v, n);
}

/* By what the domain is kept for, and who has the groups on it. */
static const char *made_by(const struct owned_domain *d, const struct owned_group *og)
{
	if (streq(d->cookie, "dma-iova") || streq(d->cookie, "dma-msi"))
		return streq(d->cookie, "dma-iova") ? "dma-api" : "vfio";
	if (streq(d->cookie, "iommufd") || (og->owner && og->owner->kind == OWNER_IOMMUFD && d != og->blocking_domain))
		return "iommufd";
	if (og->owner && og->owner->kind == OWNER_VFIO_GROUP && d != og->blocking_domain)
		return "vfio";
	return d == og->default_domain || d == og->blocking_domain ? "kernel" : NULL;
}

struct domain_sum {
	VEC(const char *) groups;
	VEC(const char *) devices;
};

static void add_to_domain(struct model *m, const struct owned_group *og, const struct iommufd_object *hwpt, struct domain_row *row,
			  struct domain_sum *sum)
{
	if (hwpt)
		row->hwpt = NUM(hwpt->id);
	if (!row->made_by)
		row->made_by = made_by(og->domain, og);
	if (!row->pid.known && og->owner && og->owner->n) {
		row->pid = NUM(og->owner->processes[0].pid);
		row->process = og->owner->processes[0].command;
	}
	*vec_push(&sum->groups) = arena_printf(&m->arena, "%u", og->id);
	for (size_t i = 0; i < og->n; i++)
		*vec_push(&sum->devices) = og->devices[i].name;
}

static const char *const *keep_names(struct arena *a, const char *const *v, size_t n)
{
	const char **copy = arena_array(a, const char *, n + 1);

	if (n)
		memcpy(copy, v, n * sizeof(*copy));
	return copy;
}

static void finish_domain(struct arena *a, struct domain_row *row, struct domain_sum *sum)
{
	row->groups = STRS(keep_names(a, sum->groups.v, sum->groups.n), sum->groups.n);
	row->devices = STRS(keep_names(a, sum->devices.v, sum->devices.n), sum->devices.n);
	row->n_groups = NUM(sum->groups.n);
	row->n_devices = NUM(sum->devices.n);
	vec_free(&sum->groups);
	vec_free(&sum->devices);
}

static void why_no_domains(struct model *m, const struct ownership *o, int err)
{
	m->ownership_why = m->ownership_hint = NULL;
	if (o && o->known)
		return;
	m->ownership_why = err == -ENOTCAPTURED ? "not captured in this snapshot" :
			   err == -EINPROGRESS	? "the kernel's memory is being read" :
			   err			? err_text(err) :
						  "not known";
	if (o && o->n_obstacles) {
		const struct obstacle *b = &o->obstacles[0];

		m->ownership_why = arena_printf(&m->arena, "%s: %s", b->what, b->why ?: err_text(b->err));
		m->ownership_hint = b->hint;
	}
	m->empty[VIEW_DOMAINS] = arena_printf(&m->arena, "only the kernel's memory tells which domains there are: %s%s%s",
					      m->ownership_why, m->ownership_hint ? "; " : "", m->ownership_hint ?: "");
}

/* The page table of an iommufd that each group is on, by its index; NULL none. */
static const struct iommufd_object **page_tables(struct model *m, const struct ownership *o, const struct iommufds *f)
{
	const struct iommufd_object **v = arena_array(&m->arena, const struct iommufd_object *, o->n_groups);

	for (size_t c = 0; f && c < f->n; c++)
		for (size_t i = 0; i < f->v[c].n; i++)
			for (size_t k = 0; k < f->v[c].objects[i].n_groups; k++) {
				const struct owned_group *og = ownership_group(o, f->v[c].objects[i].groups[k]);

				if (og)
					v[og - o->groups] = &f->v[c].objects[i];
			}
	return v;
}

static void build_domains(struct model *m, const struct ownership *o, const struct iommufds *f)
{
	const struct iommufd_object **hwpts;
	struct domain_sum *sums;
	struct domain_row *v;
	size_t *at, n = 0;

	m->rows[VIEW_DOMAINS] = (struct rows){ 0 };
	m->empty[VIEW_DOMAINS] = "no group has a domain";
	if (!o || !o->known)
		return;
	hwpts = page_tables(m, o, f);
	v = arena_array(&m->arena, struct domain_row, o->n_domains);
	sums = arena_array(&m->arena, struct domain_sum, o->n_domains);
	at = arena_array(&m->arena, size_t, o->n_domains); /* where the domain is in v, from 1 */
	for (size_t i = 0; i < o->n_groups; i++) {
		const struct owned_domain *d = o->groups[i].domain;
		size_t *k = d ? &at[d - o->domains] : NULL;

		if (!d)
			continue;
		if (!*k) {
			*k = ++n;
			v[n - 1] = (struct domain_row){ .domain = NUM(n - 1), .type = d->type, .end = d->end,
							.page_sizes = page_sizes(&m->arena, d->page_sizes) };
		}
		add_to_domain(m, &o->groups[i], hwpts[i], &v[*k - 1], &sums[*k - 1]);
	}
	for (size_t i = 0; i < n; i++)
		finish_domain(&m->arena, &v[i], &sums[i]);
	m->rows[VIEW_DOMAINS] = ROWS(v, n);
}

/* -- devices and units ----------------------------------------------------------------------------------- */

static const char *verdict_of(const struct model *m, const struct group *g)
{
	const struct group_row *v = m->rows[VIEW_GROUPS].v;

	return g ? v[g - m->host->groups].verdict : NULL;
}

static void build_devices(struct model *m, struct host *h)
{
	struct device_row *v = arena_array(&m->arena, struct device_row, h->n_devices);

	for (size_t i = 0; i < h->n_devices; i++) {
		const struct device *d = &h->devices[i];

		v[i] = (struct device_row){
			.device = d->name,
			.bus = d->bus,
			.class = device_class_word(d),
			.driver = d->driver,
			.group = d->group ? NUM(d->group->id) : NUM_UNKNOWN,
			.unit = d->unit ? d->unit->name : NULL,
			.verdict = verdict_of(m, d->group),
			.name = device_title(h, d),
		};
		if (!v[i].name && d->has_ids)
			v[i].name = arena_printf(&m->arena, "%04x:%04x", d->vendor, d->device);
	}
	m->rows[VIEW_DEVICES] = (struct rows){ .v = v, .n = h->n_devices, .known = h->n_devices || is_listed(h->devices_err) };
	m->empty[VIEW_DEVICES] = is_listed(h->devices_err) ? "no devices" :
							     arena_printf(&m->arena, "the devices cannot be read: %s", err_text(h->devices_err));
}

static void build_units(struct model *m, struct host *h)
{
	struct unit_row *v = arena_array(&m->arena, struct unit_row, h->n_units);

	for (size_t i = 0; i < h->n_units; i++) {
		struct unit *u = &h->units[i];
		const struct unit_info *info = unit_info(h, u);

		v[i] = (struct unit_row){
			.unit = u->name,
			.kind = unit_kind_name(u->kind),
			.devices = u->members_err ? NUM_UNKNOWN : NUM(u->n_members),
			.groups = u->members_err || h->groups_err ? NUM_UNKNOWN : NUM(info->n_groups),
			.domains_used = info->domains_used,
			.domains_supported = info->domains_supported,
		};
	}
	m->rows[VIEW_UNITS] = (struct rows){ .v = v, .n = h->n_units, .known = is_listed(h->units_err) };
	m->empty[VIEW_UNITS] = is_listed(h->units_err) ? "no IOMMU unit: the kernel drives none; 'iommuctl doctor' looks for the reason" :
							 arena_printf(&m->arena, "the units cannot be read: %s", err_text(h->units_err));
}

/* -- objects of iommufds --------------------------------------------------------------------------------- */

/* What an object hangs on in the tree; unknown: on the iommufd itself. */
static struct num parent_of(const struct iommufd_object *o)
{
	if (streq(o->type, "hwpt-paging") || streq(o->type, "access"))
		return o->ioas;
	if (streq(o->type, "vdevice"))
		return o->viommu;
	return o->viommu.known ? o->viommu : o->hwpt;
}

struct forest {
	struct model *m;
	const struct session *session; /* NULL: of none */
	struct session_row of;	       /* what all rows of one tree have */
	VEC(struct session_row) rows;
};

/* More levels than there are kinds of objects are a circle. */
#define MAX_DEPTH 8

static struct strs number_words(struct arena *a, const uint32_t *v, size_t n)
{
	const char **words = arena_array(a, const char *, n + 1);

	for (size_t i = 0; i < n; i++)
		words[i] = arena_printf(a, "%u", v[i]);
	return STRS(words, n);
}

/* A row with what all of its tree have. Valid until the next. */
static struct session_row *add_row(struct forest *f, const char *object, const char *parent, int64_t depth)
{
	struct session_row *row = vec_push(&f->rows);

	*row = f->of;
	row->object = object;
	row->parent = parent;
	row->depth = NUM(depth);
	row->groups = STRS(NULL, 0);
	return row;
}

/* What the session calls it. */
static const char *object_name(struct forest *f, uint32_t id)
{
	for (size_t i = 0; f->session && i < f->session->n; i++)
		if (f->session->objects[i].id == id && *f->session->objects[i].name)
			return arena_strdup(&f->m->arena, f->session->objects[i].name);
	return NULL;
}

/* As the kernel has them. */
static void add_objects(struct forest *f, const struct iommufd_context *c, struct num under, const char *parent, int64_t depth)
{
	struct arena *a = &f->m->arena;

	for (size_t i = 0; i < c->n && depth < MAX_DEPTH; i++) {
		const struct iommufd_object *o = &c->objects[i];
		struct num on = parent_of(o);
		const char *object;
		struct session_row *row;

		if (!iommufd_object(c, on))
			on = NUM_UNKNOWN;
		if (on.known != under.known || on.v != under.v)
			continue;
		object = arena_printf(a, "%s %u", o->type, o->id);
		row = add_row(f, object, parent, depth);
		row->name = object_name(f, o->id);
		row->users = o->users;
		row->device = o->device;
		row->group = o->group;
		row->domain = o->domain ? o->domain->type : NULL;
		row->groups = number_words(a, o->groups, o->n_groups);
		add_objects(f, c, NUM(o->id), object, depth + 1);
	}
}

static bool has_object(const struct session *s, uint32_t id)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->objects[i].id == id)
			return true;
	return false;
}

/* As the session itself tells them. */
static void add_told(struct forest *f, uint32_t under, const char *parent, int64_t depth)
{
	const struct session *s = f->session;
	struct arena *a = &f->m->arena;

	for (size_t i = 0; i < s->n && depth < MAX_DEPTH; i++) {
		const struct op_object *o = &s->objects[i];
		uint32_t on = o->parent ?: o->kind == OP_KIND_HWPT ? o->ioas : 0;
		const char *object = o->id ? arena_printf(a, "%s %u", session_kind_word(o->kind), o->id) : session_kind_word(o->kind);
		struct session_row *row;

		if ((has_object(s, on) ? on : 0) != under)
			continue;
		row = add_row(f, object, parent, depth);
		row->name = *o->name ? arena_strdup(a, o->name) : NULL;
		if (o->kind == OP_KIND_DEVICE) {
			row->device = arena_strdup(a, o->dev);
			row->group = o->group == OP_NO_GROUP ? NUM_UNKNOWN : NUM(o->group);
		}
		if (o->id)
			add_told(f, o->id, object, depth + 1);
	}
}

static bool holds(const struct iommufd_context *c, struct num pid)
{
	for (size_t i = 0; pid.known && i < c->n_holders; i++)
		if (c->holders[i].pid == pid.v)
			return true;
	return false;
}

static void add_session(struct forest *f, const struct session *s, const struct iommufds *fds, int64_t number)
{
	struct arena *a = &f->m->arena;
	const char *root = arena_printf(a, "session %s%s", s->name, s->model ? " (model)" : "");
	bool told = false;

	f->session = s;
	f->of = (struct session_row){ .context = NUM(number), .pid = s->pid, .process = s->pid.known ? "iommuctl" : NULL,
				      .session = arena_strdup(a, s->name) };
	add_row(f, root, NULL, 0)->problem = s->problem;
	for (size_t i = 0; !s->model && fds && fds->known && i < fds->n; i++)
		if (holds(&fds->v[i], s->pid)) {
			add_objects(f, &fds->v[i], NUM_UNKNOWN, root, 1);
			told = true;
		}
	if (!told)
		add_told(f, 0, root, 1);
}

static bool of_session(const struct sessions *s, const struct iommufd_context *c)
{
	for (size_t i = 0; s && i < s->n; i++)
		if (!s->v[i].model && holds(c, s->v[i].pid))
			return true;
	return false;
}

static void add_context(struct forest *f, const struct iommufd_context *c, int64_t number)
{
	const char *root = arena_printf(&f->m->arena, "iommufd %" PRId64, number);

	f->session = NULL;
	f->of = (struct session_row){ .context = NUM(number) };
	if (c->n_holders) {
		f->of.pid = NUM(c->holders[0].pid);
		f->of.process = c->holders[0].command;
	}
	add_row(f, root, NULL, 0)->problem = c->problem;
	add_objects(f, c, NUM_UNKNOWN, root, 1);
}

/* Sessions first, then the iommufds of others. */
static void build_sessions(struct model *m, const struct iommufds *fds, int err, const struct sessions *sessions)
{
	struct forest f = { .m = m };
	bool known = fds && fds->known;
	struct session_row *v;
	int64_t number = 1;

	for (size_t i = 0; sessions && i < sessions->n; i++)
		add_session(&f, &sessions->v[i], fds, number++);
	for (size_t i = 0; known && i < fds->n; i++)
		if (!of_session(sessions, &fds->v[i]))
			add_context(&f, &fds->v[i], number++);
	v = arena_array(&m->arena, struct session_row, f.rows.n + 1);
	if (f.rows.n)
		memcpy(v, f.rows.v, f.rows.n * sizeof(*v));
	m->rows[VIEW_SESSIONS] = (struct rows){ .v = v, .n = f.rows.n, .known = known || f.rows.n };
	m->empty[VIEW_SESSIONS] = "no session runs, and nobody has an iommufd open";
	if (!known) {
		const struct obstacle *b = fds && fds->n_obstacles ? &fds->obstacles[0] : NULL;

		m->empty[VIEW_SESSIONS] = arena_printf(&m->arena, "no session runs; what others' iommufds hold, only the kernel's memory tells: "
						       "%s%s%s", b ? b->what : err_text(err), b ? ": " : "",
						       b ? b->why ?: err_text(b->err) : "");
	}
	vec_free(&f.rows);
}

/* -- faults ---------------------------------------------------------------------------------------------- */

static const char *when_text(struct arena *a, struct num ns)
{
	if (!ns.known)
		return NULL;
	return arena_printf(a, "%" PRIu64 ".%03" PRIu64, (uint64_t)ns.v / 1000000000, (uint64_t)ns.v / 1000000 % 1000);
}

static struct fault_line fault_line(struct arena *a, const struct fault_row *r)
{
	struct num last = r->last_time.known ? r->last_time : r->time;

	return (struct fault_line){
		.time = last,
		.when = when_text(a, last) ?: arena_strdup(a, r->stamp),
		.device = arena_strdup(a, r->device ?: r->unit),
		.group = r->group,
		.kind = r->kind,
		.access = r->access,
		.address = r->address,
		.count = r->count,
		.reason = arena_strdup(a, r->reason->text),
		.driver = arena_strdup(a, r->driver),
		.meaning = r->meaning,
		.next = arena_strdup(a, r->next),
	};
}

/* Newest first; those of one moment as the log has them. */
static int newer(const void *a, const void *b)
{
	const struct fault_line *x = a, *y = b;

	if (x->time.known != y->time.known)
		return y->time.known - x->time.known;
	return x->time.v > y->time.v ? -1 : x->time.v < y->time.v;
}

static void count_device_faults(struct model *m, const struct fault_line *line)
{
	struct device *d = line->device ? host_device(m->host, "pci", line->device) : NULL;
	struct device_row *row;
	struct group_row *g;

	if (!d)
		return;
	row = (struct device_row *)m->rows[VIEW_DEVICES].v + (d - m->host->devices);
	row->faults.v += line->count.v;
	if (!row->last_fault) /* they come newest first */
		row->last_fault = line->reason;
	if (!d->group)
		return;
	g = (struct group_row *)m->rows[VIEW_GROUPS].v + (d->group - m->host->groups);
	g->faults.v += line->count.v;
}

static void reset_counts(struct model *m, bool known)
{
	struct num zero = { .known = known };

	for (size_t i = 0; i < m->rows[VIEW_GROUPS].n; i++)
		((struct group_row *)m->rows[VIEW_GROUPS].v)[i].faults = zero;
	for (size_t i = 0; i < m->rows[VIEW_DEVICES].n; i++) {
		struct device_row *d = (struct device_row *)m->rows[VIEW_DEVICES].v + i;

		d->faults = zero;
		d->last_fault = NULL;
	}
}

void model_faults(struct model *m, struct fault_table *faults, int faults_err)
{
	const struct fault_row *rows = NULL;
	struct fault_line *v;
	size_t n = 0;

	reset_counts(m, faults);
	m->faults_known = faults;
	m->rows[VIEW_FAULTS] = (struct rows){ .known = faults };
	m->faults_why = faults ? NULL : faults_err == -EPERM || faults_err == -EACCES ? "reading the kernel log needs root" :
											 err_text(faults_err);
	m->empty[VIEW_FAULTS] = faults ? (m->replay ? "no faults in the trace so far" : "no faults in the kernel log") :
					 arena_printf(&m->arena, "the kernel log cannot be read: %s", m->faults_why);
	if (!faults)
		return;
	rows = fault_table_rows(faults, &n);
	m->faults = fault_table_total(faults);
	v = arena_array(&m->arena, struct fault_line, n);
	for (size_t i = 0; i < n; i++)
		v[i] = fault_line(&m->arena, &rows[i]);
	qsort(v, n, sizeof(*v), newer);
	m->rows[VIEW_FAULTS].v = v;
	m->rows[VIEW_FAULTS].n = n;
	for (size_t i = 0; i < n; i++)
		count_device_faults(m, &v[i]);
}

/* -- all ------------------------------------------------------------------------------------------------- */

void model_build(struct model *m, struct host *h, struct fault_table *faults, int faults_err, const struct sessions *sessions)
{
	struct iommufds *f = NULL;
	struct ownership *o;
	int err, f_err;

	arena_free(&m->arena);
	host_free(m->host);
	m->host = h;
	m->generation++;
	o = host_ownership(h, &err);
	f_err = iommufds_load(h->ctx, h->src, &m->arena, &f);
	build_groups(m, h, o);
	build_domains(m, o, f);
	build_sessions(m, f, f_err, sessions);
	why_no_domains(m, o, err);
	build_devices(m, h);
	build_units(m, h);
	model_faults(m, faults, faults_err);
}

void row_key(enum view_id view, const void *row, struct strbuf *b)
{
	const struct domain_row *d = row;
	const struct device_row *v = row;
	const struct fault_line *f = row;
	const struct session_row *s = row;

	strbuf_reset(b);
	switch (view) {
	case VIEW_GROUPS:
		strbuf_printf(b, "%" PRId64, ((const struct group_row *)row)->group.v);
		break;
	case VIEW_DOMAINS:
		/* our numbers move when domains come and go */
		strbuf_printf(b, "%s", d->groups.n ? d->groups.v[0] : "");
		break;
	case VIEW_DEVICES:
		strbuf_printf(b, "%s/%s", v->bus ?: "", v->device);
		break;
	case VIEW_UNITS:
		strbuf_puts(b, ((const struct unit_row *)row)->unit);
		break;
	case VIEW_FAULTS:
		strbuf_printf(b, "%s %s %s %" PRIx64, f->device ?: "", f->kind, f->access ?: "", (uint64_t)f->address.v);
		break;
	default:
		strbuf_printf(b, "%" PRId64 "/%s", s->context.v, s->object);
		break;
	}
}

const char *rows_count(char buf[static 24], struct rows rows)
{
	snprintf(buf, 24, rows.known ? "%zu" : "-", rows.n);
	return buf;
}

void model_free(struct model *m)
{
	arena_free(&m->arena);
	arena_free(&m->network_arena);
	host_free(m->host);
	*m = (struct model){ 0 };
}
