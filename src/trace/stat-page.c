// SPDX-License-Identifier: GPL-2.0-or-later
/* Page requests: groups of pages, how long a device waited, and what was never answered. */
#include "trace/stat-internal.h"

/* Groups that are neither answered nor complete are kept; a device cannot have more than 512 open (9-bit index). */
#define GROUPS_MAX (1U << 20)

/* "0000:00:0a.0" as a requester id; false: no PCI address. Units speak of devices by that, the core by name. */
static bool name_rid(struct slice name, uint32_t *ret)
{
	struct scan s;
	uint64_t bus, dev, fn;

	if (name.n < strlen("02:00.0"))
		return false;
	s = scan_of((struct slice){ name.p + name.n - strlen("02:00.0"), strlen("02:00.0") });
	if (!scan_hex(&s, &bus) || !scan_char(&s, ':') || !scan_hex(&s, &dev) || !scan_char(&s, '.') || !scan_hex(&s, &fn) ||
	    bus > 255 || dev > 31 || fn > 7)
		return false;
	*ret = (uint32_t)(bus << 8 | dev << 3 | fn);
	return true;
}

/* The kernel tells groups apart by device and index, not by PASID (drivers/iommu/io-pgfault.c). */
static uint64_t group_key(const struct event *ev)
{
	uint64_t h = ev->page.group + 1ULL;
	uint32_t rid = ev->source_id;

	if (ev->has & HAS_SOURCE || name_rid(ev->device, &rid))
		return (mix(h << 32 | rid) | 1);
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
	t->v = must_calloc(t->size, sizeof(*t->v));
	for (size_t i = 0; i < n; i++)
		if (old[i].key)
			*find_group(t, old[i].key) = old[i];
	free(old);
}

static void end_group(struct trace_stat *s, const struct page_group *g)
{
	if (g->answered[0] || g->answered[1])
		return;
	if (!g->last[0] && !g->last[1])
		s->pages.no_last++;
	else
		s->pages.unanswered++;
}

void stat_request(struct trace_stat *s, const struct event *ev)
{
	struct page_table *t = &s->state->groups;
	struct stat_slice *slice = stat_slice_at(s, ev);
	bool core = ev->page.core;
	struct page_group *g;

	if (ev->page.has_seq) {
		s->pages.out_of_order += s->state->has_seq && ev->page.seq < s->state->last_seq;
		s->state->last_seq = ev->page.seq;
		s->state->has_seq = true;
	}
	if (t->n * 2 >= t->size && t->size < GROUPS_MAX)
		grow_groups(t);
	g = find_group(t, group_key(ev));
	if (!g->key && t->n * 2 >= t->size) {
		s->pages.requests++;
		return;
	}
	t->n += !g->key;
	/* an index that is used again after its answer, or after a last page, begins a new group */
	if (!g->key || g->answered[0] || g->answered[1] || g->last[core]) {
		if (g->key)
			end_group(s, g);
		*g = (struct page_group){ .key = group_key(ev), .first_ns = ev->time_ns, .has_time = ev->has & HAS_TIME };
		s->pages.groups++;
	}
	g->last[core] |= ev->page.last;
	/* what the core sees of a request that the unit's queue had is no other one */
	if (g->pages[core]++ < g->pages[!core])
		return;
	s->pages.requests++;
	if (slice)
		slice->requests++;
	s->pages.largest_group = MAX(s->pages.largest_group, (uint64_t)g->pages[core]);
}

void stat_response(struct trace_stat *s, const struct event *ev)
{
	struct page_group *g = find_group(&s->state->groups, group_key(ev));
	struct stat_slice *slice = stat_slice_at(s, ev);
	bool core = ev->page.core;
	uint64_t took;

	if (g->key && g->answered[!core] && !g->answered[core]) {
		g->answered[core] = true; /* the same answer, on its way */
		return;
	}
	s->pages.responses++;
	s->pages.by_code[MIN(ev->page.code, 2U)]++;
	if (slice)
		slice->responses++;
	if (!g->key) {
		s->pages.unasked++;
		return;
	}
	if (g->answered[core]) {
		s->pages.answered_twice++;
		return;
	}
	s->pages.out_of_order += !g->last[0] && !g->last[1];
	g->answered[core] = true;
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
