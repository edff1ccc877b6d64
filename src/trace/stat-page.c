// SPDX-License-Identifier: GPL-2.0-or-later
/* Page requests: groups of pages, how long a device waited, and what was never answered. */
#include "trace/stat-internal.h"

/* Groups that are neither answered nor complete are kept; a device cannot have more than 512 open (9-bit index). */
#define GROUPS_MAX (1U << 20)

/* The kernel tells groups apart by device and index, not by PASID (drivers/iommu/io-pgfault.c). */
static uint64_t group_key(const struct event *ev)
{
	uint64_t h = ev->page.group + 1ULL;

	if (ev->has & HAS_SOURCE)
		return (mix(h << 32 | ev->source_id) | 1);
	for (size_t i = 0; i < ev->device.n; i++)
		h = (h ^ (unsigned char)ev->device.p[i]) * 0x100000001b3ULL;
	return mix(h) | 1;
}

static struct page_group *find_group(struct page_table *t, uint64_t key)
{
	size_t at = mix(key) & (t->size - 1);

	while (t->v[at].key && t->v[at].key != key)
		at = (at + 1) & (t->size - 1);
	return &t->v[at];
}

static void grow_groups(struct page_table *t)
{
	struct page_group *old = t->v;
	size_t n = t->size;

	t->size *= 2;
	t->v = calloc(t->size, sizeof(*t->v));
	if (!t->v)
		abort();
	for (size_t i = 0; i < n; i++)
		if (old[i].key)
			*find_group(t, old[i].key) = old[i];
	free(old);
}

static void end_group(struct trace_stat *s, const struct page_group *g)
{
	if (g->answered)
		return;
	if (!g->last)
		s->pages.no_last++;
	else
		s->pages.unanswered++;
}

void stat_request(struct trace_stat *s, const struct event *ev)
{
	struct page_table *t = &s->state->groups;
	struct stat_slice *slice = stat_slice_at(s, ev);
	struct page_group *g;

	s->pages.requests++;
	if (slice)
		slice->requests++;
	if (ev->page.has_seq) {
		s->pages.out_of_order += s->state->has_seq && ev->page.seq < s->state->last_seq;
		s->state->last_seq = ev->page.seq;
		s->state->has_seq = true;
	}
	if (t->n * 2 >= t->size && t->size < GROUPS_MAX)
		grow_groups(t);
	g = find_group(t, group_key(ev));
	if (!g->key) {
		if (t->n * 2 >= t->size)
			return;
		t->n++;
	}
	/* an index that is used again after its answer, or after a last page, begins a new group */
	if (!g->key || g->answered || g->last) {
		if (g->key)
			end_group(s, g);
		*g = (struct page_group){ .key = group_key(ev), .first_ns = ev->time_ns, .has_time = ev->has & HAS_TIME };
		s->pages.groups++;
	}
	g->pages++;
	g->last |= ev->page.last;
	s->pages.largest_group = MAX(s->pages.largest_group, (uint64_t)g->pages);
}

void stat_response(struct trace_stat *s, const struct event *ev)
{
	struct page_group *g = find_group(&s->state->groups, group_key(ev));
	struct stat_slice *slice = stat_slice_at(s, ev);
	uint64_t took;

	s->pages.responses++;
	s->pages.by_code[MIN(ev->page.code, 2U)]++;
	if (slice)
		slice->responses++;
	if (!g->key) {
		s->pages.unasked++;
		return;
	}
	if (g->answered) {
		s->pages.answered_twice++;
		return;
	}
	s->pages.out_of_order += !g->last;
	g->answered = true;
	g->last = true;
	if (!g->has_time || !(ev->has & HAS_TIME) || ev->time_ns < g->first_ns)
		return;
	took = ev->time_ns - g->first_ns;
	latency_add(&s->pages.latency, took);
	if (slice)
		slice->latency = MAX(slice->latency, took);
}

void stat_finish_pages(struct trace_stat *s)
{
	for (size_t i = 0; i < s->state->groups.size; i++)
		if (s->state->groups.v[i].key)
			end_group(s, &s->state->groups.v[i]);
}
