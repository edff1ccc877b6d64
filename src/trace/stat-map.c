// SPDX-License-Identifier: GPL-2.0-or-later
/* Mappings: how much, how long, and faults on what was unmapped a moment ago. */
#include "trace/stat-internal.h"

static size_t home_of(const struct mapping_table *t, uint64_t key, uint32_t domain)
{
	return mix(key ^ (uint64_t)domain << 40) & (t->size - 1);
}

static struct mapping *find_mapping(struct mapping_table *t, uint64_t key, uint32_t domain)
{
	size_t at = home_of(t, key, domain);

	while (t->v[at].key && (t->v[at].key != key || t->v[at].domain != domain))
		at = (at + 1) & (t->size - 1);
	return &t->v[at];
}

static void grow_mappings(struct mapping_table *t)
{
	struct mapping *old = t->v;
	size_t n = t->size;

	t->size *= 2;
	t->v = must_calloc(t->size, sizeof(*t->v));
	for (size_t i = 0; i < n; i++)
		if (old[i].key)
			*find_mapping(t, old[i].key, old[i].domain) = old[i];
	free(old);
}

/* Closes the gap, so that no search ends too early (Knuth 6.4, algorithm R). */
static void remove_mapping(struct mapping_table *t, const struct mapping *m)
{
	size_t hole = (size_t)(m - t->v), at = hole;

	for (;;) {
		size_t home;

		at = (at + 1) & (t->size - 1);
		if (!t->v[at].key)
			break;
		home = home_of(t, t->v[at].key, t->v[at].domain);
		if (((at - home) & (t->size - 1)) < ((at - hole) & (t->size - 1)))
			continue;
		t->v[hole] = t->v[at];
		hole = at;
	}
	t->v[hole].key = 0;
	t->n--;
}

static void remember(struct stat_state *st, const struct event *ev, bool is_map)
{
	struct recent *r = &st->recent[st->recent_n++ & (RECENT - 1)];

	r->addr = ev->addr;
	r->end = ev->addr + (ev->size - 1);
	r->time_ns = ev->time_ns;
	r->line = ev->line;
	r->domain = ev->domain_object;
	r->is_map = is_map;
	r->has_time = ev->has & HAS_TIME;
}

static void live_changed(struct trace_stat *s, const struct event *ev, struct stat_slice *slice)
{
	if (s->live_bytes > s->peak_live_bytes) {
		s->peak_live_bytes = s->live_bytes;
		s->peak_ns = ev->time_ns;
	}
	if (!slice)
		return;
	slice->live = slice->has_live ? MAX(slice->live, s->live_bytes) : s->live_bytes;
	slice->has_live = true;
}

static void map_object(struct trace_stat *s, const struct event *ev)
{
	struct stat_object *o = stat_object_of(s, ev);

	if (!o) {
		s->unnamed++;
		return;
	}
	o->maps++;
	o->mapped_bytes += ev->size;
	o->live_bytes += ev->size;
	o->peak_bytes = MAX(o->peak_bytes, o->live_bytes);
}

static void unmap_object(struct trace_stat *s, const struct event *ev, uint64_t size)
{
	struct stat_object *o = stat_object_of(s, ev);

	if (!o) {
		s->unnamed++;
		return;
	}
	o->unmaps++;
	o->unmapped_bytes += size;
	o->live_bytes -= MIN(o->live_bytes, size);
}

void stat_map(struct trace_stat *s, const struct event *ev)
{
	struct mapping_table *t = &s->state->mappings;
	struct stat_slice *slice = stat_slice_at(s, ev);
	struct mapping *m;

	if (slice)
		slice->maps++;
	if (!(ev->has & HAS_ADDR) || !(ev->has & HAS_SIZE) || !ev->size)
		return;
	s->map_sizes[log2_of(ev->size)]++;
	s->mapped_bytes += ev->size;
	s->live_bytes += ev->size;
	live_changed(s, ev, slice);
	map_object(s, ev);
	remember(s->state, ev, true);
	if (t->n * 2 >= t->size)
		grow_mappings(t);
	m = find_mapping(t, (ev->addr >> 12) + 1, ev->domain_object);
	if (m->key) {
		s->overlaps++;
		m->times++;
		return;
	}
	*m = (struct mapping){ .key = (ev->addr >> 12) + 1, .size = ev->size, .time_ns = ev->time_ns, .times = 1,
			       .domain = ev->domain_object };
	t->n++;
	s->live_mappings++;
}

/* Takes out the mappings that an unmapped range is made of. */
static void end_mappings(struct trace_stat *s, const struct event *ev, uint64_t size)
{
	struct mapping_table *t = &s->state->mappings;
	uint64_t addr = ev->addr, left = size;

	while (left) {
		struct mapping *m = find_mapping(t, (addr >> 12) + 1, ev->domain_object);
		uint64_t step;

		if (!m->key) {
			s->early_unmaps++;
			return;
		}
		step = MIN(m->size, left);
		if (--m->times == 0) {
			if (ev->has & HAS_TIME && ev->time_ns >= m->time_ns)
				latency_add(&s->lifetime, ev->time_ns - m->time_ns);
			remove_mapping(t, m);
			s->live_mappings--;
		}
		if (step < 4096)
			return;
		addr += step;
		left -= step;
	}
}

void stat_unmap(struct trace_stat *s, const struct event *ev)
{
	struct stat_slice *slice = stat_slice_at(s, ev);
	uint64_t size;

	if (slice)
		slice->unmaps++;
	if (!(ev->has & HAS_ADDR) || !(ev->has & HAS_SIZE))
		return;
	size = ev->has & HAS_DONE ? ev->done : ev->size;
	s->short_unmaps += size < ev->size;
	if (!size)
		return;
	s->unmap_sizes[log2_of(size)]++;
	s->unmapped_bytes += size;
	s->live_bytes -= MIN(s->live_bytes, size);
	live_changed(s, ev, slice);
	unmap_object(s, ev, size);
	if (ev->size)
		remember(s->state, ev, false);
	end_mappings(s, ev, size);
}

/* The last that happened to the address, in @domain if that is not 0: an unmap not long ago is what we look for. */
static const struct recent *last_unmap(const struct stat_state *st, uint64_t addr, uint32_t domain)
{
	uint64_t oldest = st->recent_n > RECENT ? st->recent_n - RECENT : 0;

	for (uint64_t i = st->recent_n; i-- > oldest;) {
		const struct recent *r = &st->recent[i & (RECENT - 1)];

		if (addr >= r->addr && addr <= r->end && (!domain || !r->domain || r->domain == domain))
			return r->is_map ? NULL : r;
	}
	return NULL;
}

bool stat_late_use(const struct trace_stat *s, const struct event *ev, struct stat_late_use *ret)
{
	uint32_t domain = stat_object_of_device(s, ev);
	const struct recent *u;

	if (!(ev->has & HAS_ADDR) || ev->fault.kind != FAULT_DMA)
		return false;
	u = last_unmap(s->state, ev->addr, domain);
	if (!u || (u->has_time && ev->has & HAS_TIME && ev->time_ns > u->time_ns + s->opt.late_window_ns))
		return false;
	*ret = (struct stat_late_use){
		.unmap = { u->line, u->time_ns, u->has_time },
		.fault = { ev->line, ev->time_ns, ev->has & HAS_TIME },
		.addr = ev->addr,
		.unmap_addr = u->addr,
		.unmap_size = u->end - u->addr + 1,
		.access = ev->access,
		.certain = domain && u->domain == domain,
	};
	if (u->has_time && ev->has & HAS_TIME && ev->time_ns >= u->time_ns) {
		ret->after_ns = ev->time_ns - u->time_ns;
		ret->has_after = true;
	}
	memcpy(ret->device, ev->device.p ?: "", MIN(ev->device.n, sizeof(ret->device) - 1));
	return true;
}

void stat_fault(struct trace_stat *s, const struct event *ev)
{
	struct stat_slice *slice = stat_slice_at(s, ev);
	uint64_t page = mix(ev->addr >> 12);
	struct stat_late_use late;

	s->faults_by_vendor[ev->vendor]++;
	if (slice)
		slice->faults++;
	/* a flood of faults of a device on one page is one finding */
	for (size_t i = 0; i < ev->device.n; i++)
		page = (page ^ (unsigned char)ev->device.p[i]) * 0x100000001b3ULL;
	if (!(ev->has & HAS_ADDR) || s->state->late_page == page)
		return;
	s->state->late_page = page;
	if (stat_late_use(s, ev, &late) && s->n_late++ < STAT_LATE_USES)
		s->late[s->n_late - 1] = late;
}
