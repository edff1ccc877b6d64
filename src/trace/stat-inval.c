// SPDX-License-Identifier: GPL-2.0-or-later
/* Invalidations: how wide, how many for nothing, how many could have been one. */
#include "trace/stat-internal.h"

/* What two invalidations must share for one to make the other needless: unit, cache, domain, requester, PASID. */
static uint64_t inval_key(const struct event *ev)
{
	uint64_t h = ev->inval.kind;

	for (size_t i = 0; i < ev->unit.n; i++)
		h = (h ^ (unsigned char)ev->unit.p[i]) * 0x100000001b3ULL;
	h = mix(h ^ (ev->has & HAS_DOMAIN ? ev->domain + 1ULL : 0));
	h = mix(h ^ (ev->has & HAS_SOURCE ? ev->source_id + 1ULL : 0));
	return mix(h ^ (ev->has & HAS_PASID ? ev->pasid + 1ULL : 0));
}

/* Maps and unmaps that are looked at before an invalidation counts as needed. */
#define LOOK_BACK 256

/* Whether something in the range was mapped or unmapped since @seq; true also when that would take too long to tell. */
static bool touched_since(const struct stat_state *st, uint64_t seq, uint64_t addr, uint64_t end)
{
	if (st->recent_n - seq > LOOK_BACK)
		return true;
	for (uint64_t i = seq; i < st->recent_n; i++) {
		const struct recent *r = &st->recent[i & (RECENT - 1)];

		if (r->addr <= end && r->end >= addr)
			return true;
	}
	return false;
}

static bool is_redundant(const struct stat_state *st, uint64_t key, uint64_t addr, uint64_t end)
{
	uint64_t oldest = st->n_invals > RECENT_INVALS ? st->n_invals - RECENT_INVALS : 0;

	for (uint64_t i = st->n_invals; i-- > oldest;) {
		const struct recent_inval *p = &st->invals[i % RECENT_INVALS];

		if (p->key == key && p->addr <= addr && p->end >= end)
			return !touched_since(st, p->seq, addr, end);
	}
	return false;
}

static void count_merge(struct trace_stat *s, const struct event *ev, uint64_t key)
{
	struct merge_slot *m = &s->state->merges[key % MERGE_SLOTS];

	if (!(ev->has & HAS_TIME))
		return;
	if (m->key == key && m->time_ns <= ev->time_ns && ev->time_ns - m->time_ns <= s->opt.merge_window_ns)
		s->inval.mergeable++;
	*m = (struct merge_slot){ key, ev->time_ns };
}

void stat_invalidate(struct trace_stat *s, const struct event *ev)
{
	const struct inval_info *v = &ev->inval;
	struct stat_slice *slice = stat_slice_at(s, ev);
	struct stat_state *st = s->state;
	uint64_t addr = 0, end = UINT64_MAX, key;

	s->inval.by_kind[v->kind][v->scope]++;
	if (v->kind == INVAL_WAIT) {
		s->inval.waits++;
		return;
	}
	s->inval.count++;
	if (slice)
		slice->invals++;
	if (v->scope == EXTENT_RANGE) {
		addr = ev->addr;
		end = ev->has & HAS_SIZE && ev->size ? ev->addr + (ev->size - 1) : ev->addr;
	}
	if (v->kind == INVAL_IOTLB && v->scope == EXTENT_RANGE)
		s->inval.range_bytes += end - addr + 1;
	else if (v->kind == INVAL_IOTLB)
		s->inval.wider++;
	if (v->kind != INVAL_IOTLB && v->kind != INVAL_DEVTLB)
		return;
	key = inval_key(ev);
	s->inval.redundant += is_redundant(st, key, addr, end);
	count_merge(s, ev, key);
	st->invals[st->n_invals++ % RECENT_INVALS] = (struct recent_inval){ addr, end, st->recent_n, key };
}
