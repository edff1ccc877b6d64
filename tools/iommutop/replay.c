// SPDX-License-Identifier: GPL-2.0-or-later
#include "replay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "trace/decode.h"
#include "trace/reader.h"
#include "trace/tracedat.h"

/* Events are kept as numbers in slices of this length: a trace of any size takes little. */
#define SLICE_NS 10000000ULL

/* Units that are told apart. */
#define MAX_UNITS 32

/* Faults are kept whole, so many of them. */
#define MAX_FAULTS 100000

struct slice_counts {
	uint64_t at_ns; /* its end, from the first event */
	uint32_t meters[METER_MAX];
	uint32_t faults; /* of kept ones */
	struct {
		uint32_t invals, requests, faults;
	} units[MAX_UNITS];
};

struct replay {
	struct arena arena;
	VEC(struct slice_counts) slices;
	VEC(struct event) faults;
	const char *units[MAX_UNITS];
	size_t n_units;
	bool has_first;
	uint64_t first_ns, last_ns;
	/* where we are */
	uint64_t now_ns;
	size_t slice, fault;
	uint64_t meters[METER_MAX];
	struct {
		uint64_t invals, requests, faults;
	} sums[MAX_UNITS];
	struct counts counts;
	struct unit_counts *unit_counts;
	char place[64];
};

/* -- reading --------------------------------------------------------------------------------------------- */

static struct slice keep(struct replay *r, struct slice s)
{
	return s.n ? (struct slice){ arena_memdup(&r->arena, s.p, s.n), s.n } : (struct slice){ 0 };
}

static void keep_fault(struct replay *r, const struct event *ev)
{
	struct event *e;

	if (r->faults.n >= MAX_FAULTS)
		return;
	e = vec_push(&r->faults);
	*e = *ev;
	e->stamp = keep(r, ev->stamp);
	e->task = keep(r, ev->task);
	e->unit = keep(r, ev->unit);
	e->device = keep(r, ev->device);
	e->driver = keep(r, ev->driver);
	e->fault.text = keep(r, ev->fault.text);
	e->fault.detail = keep(r, ev->fault.detail);
	r->slices.v[r->slices.n - 1].faults++;
}

/* -1: it names none, or there are too many. */
static int unit_index(struct replay *r, struct slice name)
{
	size_t i = 0;

	if (!name.n)
		return -1;
	while (i < r->n_units && (strlen(r->units[i]) != name.n || memcmp(r->units[i], name.p, name.n)))
		i++;
	if (i == r->n_units) {
		if (i == MAX_UNITS)
			return -1;
		r->units[r->n_units++] = arena_memdup(&r->arena, name.p, name.n);
	}
	return (int)i;
}

/* The slice of the event's time. What is older than the last one, as between processors, goes there too. */
static struct slice_counts *slice_of(struct replay *r, const struct event *ev)
{
	uint64_t end;

	if (ev->has & HAS_TIME) {
		if (!r->has_first)
			r->first_ns = ev->time_ns;
		r->has_first = true;
		r->last_ns = MAX(MAX(r->last_ns, r->first_ns), ev->time_ns);
	}
	end = ((r->last_ns - r->first_ns) / SLICE_NS + 1) * SLICE_NS;
	if (!r->slices.n || r->slices.v[r->slices.n - 1].at_ns < end)
		*vec_push(&r->slices) = (struct slice_counts){ .at_ns = end };
	return &r->slices.v[r->slices.n - 1];
}

static int meter_of(const struct event *ev)
{
	switch (ev->kind) {
	case EVENT_MAP:
		return METER_MAPS;
	case EVENT_UNMAP:
		return METER_UNMAPS;
	case EVENT_ATTACH:
	case EVENT_DETACH:
		return METER_ATTACHES;
	case EVENT_INVALIDATE:
		return METER_INVALS;
	case EVENT_PAGE_REQUEST:
		return METER_REQUESTS;
	case EVENT_FAULT:
		return METER_FAULTS;
	default:
		return -1;
	}
}

static int on_event(void *arg, const struct event *ev)
{
	struct replay *r = arg;
	int meter = meter_of(ev), unit;
	struct slice_counts *s;

	if (meter < 0)
		return 0;
	s = slice_of(r, ev);
	s->meters[meter]++;
	unit = unit_index(r, ev->unit);
	if (unit >= 0) {
		s->units[unit].invals += meter == METER_INVALS;
		s->units[unit].requests += meter == METER_REQUESTS;
		s->units[unit].faults += meter == METER_FAULTS;
	}
	if (meter == METER_FAULTS)
		keep_fault(r, ev);
	return 0;
}

static const struct decode_sink sink = { .event = on_event };

static int read_lines(struct replay *r, struct reader *in)
{
	_cleanup_(cleanup_decoder_free) struct decoder *d = decoder_new(&sink, r);
	struct slice line;
	int ret;

	while ((ret = reader_next(in, &line)) == READER_LINE) {
		ret = decoder_line(d, line, reader_line(in));
		if (ret < 0)
			return ret;
	}
	return ret < 0 ? ret : decoder_flush(d);
}

int replay_open(struct ctx *ctx, const char *file, struct replay **ret)
{
	_cleanup_(cleanup_replay_free) struct replay *r = calloc(1, sizeof(*r));
	_cleanup_(cleanup_reader_close) struct reader *in = NULL;
	struct decode_counts counts;
	struct slice head = { 0 };
	int err;

	if (!r)
		out_of_memory();
	err = reader_open(ctx, file, false, &in);
	if (err >= 0)
		err = reader_peek(in, 16, &head);
	if (err >= 0)
		err = tracedat_is(head) ? tracedat_read(ctx, file, on_event, NULL, r, &counts) : read_lines(r, in);
	if (err < 0)
		return err;
	if (!r->slices.n)
		return ctx_error(ctx, NOTE(.code = "no-events", .err = ENODATA, .why = "nothing in it is an event of an IOMMU", .where = file),
				 "%s", file);
	*ret = r;
	r = NULL;
	return 0;
}

void replay_free(struct replay *r)
{
	if (!r)
		return;
	vec_free(&r->slices);
	vec_free(&r->faults);
	free(r->unit_counts);
	arena_free(&r->arena);
	free(r);
}

/* -- playing --------------------------------------------------------------------------------------------- */

void replay_advance(struct replay *r, uint64_t ns, int (*fault)(void *arg, const struct event *ev), void *arg)
{
	for (; r->slice < r->slices.n && r->slices.v[r->slice].at_ns <= ns; r->slice++) {
		const struct slice_counts *s = &r->slices.v[r->slice];

		for (size_t i = 0; i < METER_MAX; i++)
			r->meters[i] += s->meters[i];
		for (size_t i = 0; i < r->n_units; i++) {
			r->sums[i].invals += s->units[i].invals;
			r->sums[i].requests += s->units[i].requests;
			r->sums[i].faults += s->units[i].faults;
		}
		for (size_t i = 0; i < s->faults; i++, r->fault++)
			if (fault)
				fault(arg, &r->faults.v[r->fault]);
	}
	r->now_ns = MAX(r->now_ns, ns);
}

void replay_faults(struct replay *r, int (*fault)(void *arg, const struct event *ev), void *arg)
{
	for (size_t i = 0; i < r->fault; i++)
		fault(arg, &r->faults.v[i]);
}

const struct counts *replay_counts(struct replay *r, const struct host *h)
{
	free(r->unit_counts);
	r->unit_counts = must_calloc(h->n_units + 1, sizeof(*r->unit_counts));
	r->counts = (struct counts){ .units = r->unit_counts };
	for (size_t i = 0; i < METER_MAX; i++)
		r->counts.meters[i] = NUM(r->meters[i]);
	for (size_t u = 0; u < h->n_units; u++)
		for (size_t i = 0; i < r->n_units; i++)
			if (streq(h->units[u].name, r->units[i]))
				r->unit_counts[u] = (struct unit_counts){ NUM(r->sums[i].invals), NUM(r->sums[i].requests),
									  NUM(r->sums[i].faults) };
	return &r->counts;
}

const char *replay_place(struct replay *r)
{
	uint64_t all = r->last_ns > r->first_ns ? r->last_ns - r->first_ns : 0;

	snprintf(r->place, sizeof(r->place), "%.1f of %.1f s", (double)MIN(r->now_ns, all) / 1e9, (double)all / 1e9);
	return r->place;
}
