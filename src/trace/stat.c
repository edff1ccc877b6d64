// SPDX-License-Identifier: GPL-2.0-or-later
/* Statistics: counting, names, slices of time. The parts that think are in stat-map.c, stat-inval.c, stat-page.c. */
#include <stdio.h>

#include "trace/stat-internal.h"

/* The first slices are this long; they double whenever the trace outgrows STAT_SLICES of them. */
#define FIRST_SLICE_NS 1000000ULL

static void *xcalloc(size_t n, size_t size)
{
	void *p = must_calloc(n, size);

	return p;
}

struct trace_stat *stat_new(const struct stat_options *opt)
{
	struct trace_stat *s = xcalloc(1, sizeof(*s));
	struct stat_state *st = xcalloc(1, sizeof(*st));

	s->state = st;
	if (opt)
		s->opt = *opt;
	if (!s->opt.merge_window_ns)
		s->opt.merge_window_ns = 100000;
	if (!s->opt.late_window_ns)
		s->opt.late_window_ns = 10000000000ULL;
	s->slice_ns = FIRST_SLICE_NS;
	st->mappings.size = 4096;
	st->mappings.v = xcalloc(st->mappings.size, sizeof(struct mapping));
	st->groups.size = 256;
	st->groups.v = xcalloc(st->groups.size, sizeof(struct page_group));
	st->recent = xcalloc(RECENT, sizeof(struct recent));
	st->late_page = UINT64_MAX;
	for (int i = 0; i < STAT_BY_MAX; i++)
		st->names[i].v = xcalloc(STAT_NAMES, sizeof(struct stat_name));
	return s;
}

void stat_free(struct trace_stat *s)
{
	if (!s)
		return;
	for (int i = 0; i < STAT_BY_MAX; i++)
		free(s->state->names[i].v);
	free(s->state->mappings.v);
	free(s->state->groups.v);
	free(s->state->recent);
	vec_free(&s->state->objects);
	vec_free(&s->state->attached);
	free(s->state);
	free(s);
}

/* -- latencies ------------------------------------------------------------------------------------------- */

static unsigned latency_index(uint64_t v)
{
	unsigned e = log2_of(v | 1);

	if (e < 5) /* STAT_STEPS values that are exact */
		return (unsigned)v;
	return (e - 4) * STAT_STEPS + (unsigned)(v >> (e - 5) & (STAT_STEPS - 1));
}

static uint64_t latency_value(unsigned index)
{
	unsigned e = index / STAT_STEPS;

	if (!e)
		return index;
	return ((uint64_t)STAT_STEPS + index % STAT_STEPS) << (e - 1);
}

void latency_add(struct stat_latency *l, uint64_t v)
{
	l->counts[latency_index(v)]++;
	l->min = l->n ? MIN(l->min, v) : v;
	l->max = MAX(l->max, v);
	l->sum += v;
	l->n++;
}

uint64_t latency_percentile(const struct stat_latency *l, double percent)
{
	double want = (double)l->n * percent / 100;
	uint64_t seen = 0;

	for (unsigned i = 0; l->n && i < ARRAY_SIZE(l->counts); i++) {
		seen += l->counts[i];
		if (seen && (double)seen >= want)
			return MIN(latency_value(i), l->max);
	}
	return l->max;
}

/* -- names ----------------------------------------------------------------------------------------------- */

static uint32_t hash_slice(struct slice s)
{
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 16777619U;
	return h;
}

static struct stat_name *find_name(struct name_table *t, struct slice s)
{
	uint32_t at = hash_slice(s) & (ARRAY_SIZE(t->slots) - 1);
	struct stat_name *e;

	for (; t->slots[at]; at = (at + 1) & (ARRAY_SIZE(t->slots) - 1)) {
		e = &t->v[t->slots[at] - 1];
		if (!strncmp(e->name, s.p, s.n) && !e->name[s.n])
			return e;
	}
	if (t->n >= STAT_NAMES)
		return NULL;
	e = &t->v[t->n++];
	memcpy(e->name, s.p, s.n);
	t->slots[at] = t->n;
	return e;
}

struct stat_name *name_count(struct name_table *t, struct slice s)
{
	struct stat_name *e = t->last;

	s.n = MIN(s.n, sizeof(e->name) - 1);
	if (!e || t->last_n != s.n || memcmp(e->name, s.p, s.n)) {
		e = find_name(t, s);
		if (!e) {
			t->other++;
			return NULL;
		}
		t->last = e;
		t->last_n = s.n;
	}
	e->count++;
	return e;
}

static void count_kind(struct stat_name *n, enum event_kind kind)
{
	if (!n)
		return;
	switch (kind) {
	case EVENT_MAP:
		n->maps++;
		break;
	case EVENT_UNMAP:
		n->unmaps++;
		break;
	case EVENT_INVALIDATE:
		n->invals++;
		break;
	case EVENT_FAULT:
		n->faults++;
		break;
	case EVENT_PAGE_REQUEST:
		n->requests++;
		break;
	default:
		break;
	}
}

static void count_domain(struct trace_stat *s, const struct event *ev)
{
	struct stat_state *st = s->state;
	char name[48];
	int n;

	/* most often the same domain as the event before */
	if (st->domain && st->domain_id == ev->domain && st->domain_unit_n == ev->unit.n &&
	    (!ev->unit.n || !memcmp(st->domain_unit, ev->unit.p, ev->unit.n))) {
		st->domain->count++;
		count_kind(st->domain, ev->kind);
		return;
	}
	n = snprintf(name, sizeof(name), "%.*s%s%u", (int)MIN(ev->unit.n, (size_t)24), ev->unit.p ?: "", ev->unit.n ? ":" : "",
			 ev->domain);

	st->domain = name_count(&st->names[STAT_BY_DOMAIN], (struct slice){ name, (size_t)n });
	count_kind(st->domain, ev->kind);
	st->domain_id = ev->domain;
	st->domain_unit_n = ev->unit.n;
	if (ev->unit.n > sizeof(st->domain_unit))
		st->domain = NULL;
	else
		memcpy(st->domain_unit, ev->unit.p ?: "", ev->unit.n);
}

/* Of a map or unmap in the domain of one device that is this device's doing. */
static void count_object(struct trace_stat *s, const struct event *ev)
{
	const struct stat_object *o = stat_object_of(s, ev);

	if (o && o->n_devices == 1)
		count_kind(name_count(&s->state->names[STAT_BY_DEVICE], (struct slice){ o->devices, strlen(o->devices) }), ev->kind);
}

static void count_names(struct trace_stat *s, const struct event *ev)
{
	char bdf[16];

	if (ev->task.n)
		count_kind(name_count(&s->state->names[STAT_BY_TASK], ev->task), ev->kind);
	if (ev->device.n) {
		count_kind(name_count(&s->state->names[STAT_BY_DEVICE], ev->device), ev->kind);
	} else if (ev->has & HAS_SOURCE && ev->vendor == VENDOR_VTD) {
		int n = snprintf(bdf, sizeof(bdf), "%02x:%02x.%x", ev->source_id >> 8 & 0xff, ev->source_id >> 3 & 31,
				 ev->source_id & 7);

		count_kind(name_count(&s->state->names[STAT_BY_DEVICE], (struct slice){ bdf, (size_t)n }), ev->kind);
	} else if (ev->has & HAS_DOMAIN_OBJECT) {
		count_object(s, ev);
	}
	if (ev->has & HAS_DOMAIN)
		count_domain(s, ev);
}

static int by_count(const void *a, const void *b)
{
	const struct stat_name *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->name, y->name);
}

const struct stat_name *stat_names(struct trace_stat *s, enum stat_by by, size_t *ret_n, uint64_t *ret_other)
{
	struct name_table *t = &s->state->names[by];

	/* the slots point to the old order; nothing is added behind this */
	qsort(t->v, t->n, sizeof(*t->v), by_count);
	*ret_n = t->n;
	*ret_other = t->other;
	return t->v;
}

/* -- time ------------------------------------------------------------------------------------------------ */

static void merge_slice(struct stat_slice *to, const struct stat_slice *from)
{
	to->live = MAX(to->live, from->live);
	to->has_live |= from->has_live;
	to->latency = MAX(to->latency, from->latency);
	to->maps += from->maps;
	to->unmaps += from->unmaps;
	to->invals += from->invals;
	to->faults += from->faults;
	to->requests += from->requests;
	to->responses += from->responses;
}

static void double_slices(struct trace_stat *s)
{
	for (unsigned i = 0; i < STAT_SLICES / 2; i++) {
		struct stat_slice sum = s->slices[2 * i];

		merge_slice(&sum, &s->slices[2 * i + 1]);
		s->slices[i] = sum;
	}
	memset(&s->slices[STAT_SLICES / 2], 0, sizeof(s->slices) / 2);
	s->slice_ns *= 2;
	s->n_slices = (s->n_slices + 1) / 2;
}

struct stat_slice *stat_slice_at(struct trace_stat *s, const struct event *ev)
{
	uint64_t since, i;

	if (!(ev->has & HAS_TIME))
		return NULL;
	since = ev->time_ns > s->first_ns ? ev->time_ns - s->first_ns : 0;
	while ((i = since / s->slice_ns) >= STAT_SLICES) {
		if (s->slice_ns > UINT64_MAX / 4)
			return NULL;
		double_slices(s);
	}
	s->n_slices = MAX(s->n_slices, (unsigned)i + 1);
	return &s->slices[i];
}

static void note_time(struct trace_stat *s, const struct event *ev)
{
	if (!s->has_time) {
		s->has_time = true;
		s->first_ns = s->last_ns = ev->time_ns;
		return;
	}
	if (ev->time_ns >= s->last_ns)
		s->last_ns = ev->time_ns;
	else
		s->back_in_time++;
}

void stat_add(struct trace_stat *s, const struct event *ev)
{
	if (ev->kind == EVENT_FAULT && stat_told_twice(s, ev)) {
		s->told_twice++;
		return;
	}
	s->events++;
	s->by_kind[ev->kind]++;
	if (ev->has & HAS_TIME)
		note_time(s, ev);
	count_names(s, ev);
	switch (ev->kind) {
	case EVENT_ATTACH:
	case EVENT_ATTACHED:
		stat_attach(s, ev);
		break;
	case EVENT_MAP:
		stat_map(s, ev);
		break;
	case EVENT_UNMAP:
		stat_unmap(s, ev);
		break;
	case EVENT_FAULT:
		stat_fault(s, ev);
		break;
	case EVENT_INVALIDATE:
		stat_invalidate(s, ev);
		break;
	case EVENT_FLUSH:
		s->inval.not_present += ev->inval.not_present;
		break;
	case EVENT_PAGE_REQUEST:
		stat_request(s, ev);
		break;
	case EVENT_PAGE_RESPONSE:
		stat_response(s, ev);
		break;
	default:
		break;
	}
}

void stat_finish(struct trace_stat *s)
{
	stat_finish_pages(s);
}
