// SPDX-License-Identifier: GPL-2.0-or-later
#include "sample.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "counters.h"
#include "kmem/keep.h"
#include "netwatch.h"
#include "source/changes.h"
#include "source/kmsg.h"
#include "source/network.h"
#include "source/probes.h"
#include "trace/decode.h"

/* Lines of the log about us that are kept, to be decoded again when the machine has changed. */
#define LOG_LINES 16384

/*
 * Looking at everything again takes at most this part of the time: 1 in so many. A change is looked at at once as long as it has not
 * happened so often that there is debt.
 */
#define RESCAN_SHARE 100
#define RESCAN_BURST 30
#define RESCAN_MIN_NS 5000000000ULL
#define RESCAN_MAX_NS 60000000000ULL

/* The same for the network: so much of a processor's time in a row. */
#define NETWORK_BURST_NS 500000000ULL

/* After so many changes of the faults all is made anew, since what was made before is freed only then. */
#define FAULT_ROUNDS 32

#define LOG_ROUNDS  10
#define LOG_WAIT_MS 20

/* How many faults a device had at the last refresh. */
struct fault_count {
	char device[64];
	int64_t n;
};

struct sampler {
	struct ctx *ctx;
	struct source *src;
	bool live, probes;
	struct changes *changes;
	struct counters *counters;
	struct replay *replay;
	double speed;
	uint64_t replay_ns; /* of the trace, that have passed */
	struct fault_table *faults;
	struct decoder *decoder;
	int faults_err;
	VEC(char *) log; /* a ring when it is full */
	size_t log_first;
	uint64_t log_lines;
	unsigned fault_rounds;
	uint64_t last_ns, scanned_ns, scan_cost_ns, dearest_ns, debt_ns;
	int64_t attaches; /* at the last look */
	bool scanned, pending; /* pending: something has changed */
	struct unit_counts *units_before; /* in the order of the units that are counted */
	const char **unit_names;
	size_t n_units;
	VEC(struct fault_count) before;
	struct arena arena; /* of what is read once */
	struct netwatch *netwatch;
	struct network network;
	bool network_known, network_pending; /* pending: something of it has changed */
	uint64_t network_debt_ns; /* of the time for it */
	struct arena network_arena;
};

/* -- faults ---------------------------------------------------------------------------------------------- */

static int on_event(void *arg, const struct event *ev)
{
	struct sampler *s = arg;

	fault_table_add(s->faults, ev);
	return 0;
}

static const struct decode_sink sink = { .event = on_event };

static void decode_line(struct sampler *s, const char *line)
{
	decoder_line(s->decoder, (struct slice){ line, strlen(line) }, ++s->log_lines);
}

static void keep_line(struct sampler *s, const char *line)
{
	char *copy = must_strdup(line);

	if (s->log.n < LOG_LINES) {
		*vec_push(&s->log) = copy;
		return;
	}
	free(s->log.v[s->log_first]);
	s->log.v[s->log_first] = copy;
	s->log_first = (s->log_first + 1) % LOG_LINES;
}

/* The table looks devices up on its host, so a new host takes a new table. */
static void new_faults(struct sampler *s, struct host *h)
{
	decoder_free(s->decoder);
	fault_table_free(s->faults);
	s->faults = fault_table_new("the kernel log", h);
	s->decoder = decoder_new(&sink, s);
	s->log_lines = 0;
	s->fault_rounds = 0;
	for (size_t i = 0; i < s->log.n; i++)
		decode_line(s, s->log.v[(s->log_first + i) % s->log.n]);
	decoder_flush(s->decoder);
	if (s->replay)
		replay_faults(s->replay, on_event, s);
}

/* The lines that there are; true when some are about us. */
static bool take_lines(struct sampler *s)
{
	char line[8192 + 64];
	uint64_t lost = 0;
	bool any = false;
	int r;

	while ((r = changes_log_line(s->changes, line, sizeof(line), &lost)) > 0) {
		if (!kmsg_concerns_us(line))
			continue;
		any = true;
		keep_line(s, line);
		if (s->faults)
			decode_line(s, line);
	}
	s->faults_err = r;
	return any;
}

/* New lines of the running kernel's log. True when there were faults among them. */
static bool take_log(struct sampler *s)
{
	uint64_t before = s->faults ? fault_table_total(s->faults) : 0;

	/* some report in several lines, which a slow console holds up between them; the first time all is read again later */
	for (int i = 0; take_lines(s) && s->faults && i < LOG_ROUNDS && changes_log_wait(s->changes, LOG_WAIT_MS); i++)
		;
	if (s->faults)
		decoder_flush(s->decoder);
	return s->faults && fault_table_total(s->faults) != before;
}

/* The log of a snapshot. When a trace is played, its faults are all that there are. */
static void load_log(struct sampler *s)
{
	struct arena a = { 0 };
	struct kmsg log = { 0 };

	if (s->replay)
		return;
	s->faults_err = source_kmsg(s->src, s->ctx, &a, &log);
	for (size_t i = 0; !s->faults_err && i < log.n; i++) {
		_cleanup_strbuf_ struct strbuf line = { 0 };

		if (log.v[i].usec.known)
			strbuf_printf(&line, "[%5llu.%06llu] ", (unsigned long long)log.v[i].usec.v / 1000000,
				      (unsigned long long)log.v[i].usec.v % 1000000);
		strbuf_puts(&line, log.v[i].text);
		if (kmsg_concerns_us(line.s))
			keep_line(s, line.s);
	}
	arena_free(&a);
}

/* -- clock, names, latency ------------------------------------------------------------------------------ */

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void name_machine(struct sampler *s, struct model *m)
{
	struct probes p;

	m->hostname = s->src->hostname;
	m->source = s->src->name;
	m->live = s->live;
	if (source_probes(s->src, s->ctx, &s->arena, &p) == 0)
		m->kernel = p.release;
}

static const char *latency_reason(const struct sampler *s, const struct host *h, int r)
{
	if (!s->live)
		return "latency: a snapshot does not have it";
	if (!units_have_kind(h, UNIT_VTD))
		return "latency: only VT-d's driver measures it";
	if (r == -EACCES || r == -EPERM)
		return "latency: reading debugfs needs root";
	if (r < 0)
		return "latency: this kernel does not measure it (CONFIG_INTEL_IOMMU_DEBUGFS), or debugfs is not mounted";
	return "latency: off; root switches it on: echo 1 >/sys/kernel/debug/iommu/intel/dmar_perf_latency";
}

/*
 * The mean of IOTLB invalidations where somebody has them measured (by a write that we do not make), in the table of
 * dmar_latency_snapshot() in drivers/iommu/intel/perf.c: "IOMMU: dmar0 …", headings, "inv_iotlb" with numbers, the mean in us last.
 */
static void read_latency(struct sampler *s, struct model *m)
{
	struct unit_row *v = (struct unit_row *)m->rows[VIEW_UNITS].v, *unit = NULL;
	struct arena a = { 0 };
	char *text, *save = NULL;
	size_t len;
	int r = source_read_all(s->src, "sys/kernel/debug/iommu/intel/dmar_perf_latency", 1 << 20, &a, &text, &len);

	m->latency_why = latency_reason(s, m->host, r);
	for (char *l = r ? NULL : strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		unsigned long long mean;
		char name[64];

		if (sscanf(l, "IOMMU: %63s", name) == 1) {
			unit = NULL;
			for (size_t i = 0; i < m->rows[VIEW_UNITS].n; i++)
				if (streq(v[i].unit, name))
					unit = &v[i];
		} else if (unit && sscanf(l, " inv_iotlb %*u %*u %*u %*u %*u %*u %*u %*u %*u %llu", &mean) == 1) {
			unit->latency = NUM(mean);
			m->latency_why = NULL;
		}
	}
	arena_free(&a);
}

/* -- the network ----------------------------------------------------------------------------------------- */

static void read_network(struct sampler *s, struct model *m)
{
	uint64_t start = cpu_ns();

	arena_free(&s->network_arena);
	s->network_known = source_network(s->src, s->ctx, &s->network_arena, &s->network) == 0;
	model_network(m, s->network_known ? &s->network : NULL);
	s->network_pending = false;
	s->network_debt_ns += cpu_ns() - start;
}

/*
 * It is read anew when it says that it has changed: at once, as long as that does not add up; where it takes long (a router's routes are many), the
 * less often.
 */
static void follow_network(struct sampler *s, struct model *m, uint64_t now_ns)
{
	s->network_debt_ns -= MIN((now_ns - s->last_ns) / RESCAN_SHARE, s->network_debt_ns);
	s->network_pending |= netwatch_changed(s->netwatch);
	if (s->network_pending && s->network_debt_ns < NETWORK_BURST_NS)
		read_network(s, m);
}

/* -- everything ------------------------------------------------------------------------------------------ */

static int scan(struct sampler *s, struct model *m, uint64_t now_ns)
{
	_cleanup_(arena_free) struct arena arena = { 0 };
	struct sessions *sessions = s->live ? sessions_read(s->ctx, &arena) : NULL;
	uint64_t start = cpu_ns();
	struct host *h;
	int r;

	r = host_load(s->ctx, s->src, HOST_ALL & ~HOST_NAMES, &h);
	if (r < 0)
		return r;
	if (!s->faults_err)
		new_faults(s, h);
	model_build(m, h, s->faults_err ? NULL : s->faults, s->faults_err, sessions);
	read_latency(s, m);
	if (s->scanned && (s->netwatch || !s->live))
		model_network(m, s->network_known ? &s->network : NULL);
	else
		read_network(s, m);
	s->scan_cost_ns = cpu_ns() - start;
	/* the first look reads what is kept from then on: as a debt of later ones, which cost a part of it, it would keep them waiting */
	if (s->scanned) {
		s->debt_ns += s->scan_cost_ns;
		s->dearest_ns = MAX(s->dearest_ns, s->scan_cost_ns);
	}
	s->scanned = true;
	s->scanned_ns = now_ns;
	return 0;
}

/* How long what sends no event may go unnoticed. */
static uint64_t scan_interval(const struct sampler *s)
{
	return MIN(MAX(s->scan_cost_ns * RESCAN_SHARE, RESCAN_MIN_NS), RESCAN_MAX_NS);
}

/*
 * Time that was not spent pays for looks at once, some of them in a row: as many of the dearest, since by a cheap one the debt of dear ones before
 * it, when the machine was busy, would be many.
 */
static bool may_scan(struct sampler *s, uint64_t now_ns)
{
	s->debt_ns -= MIN((now_ns - s->last_ns) / RESCAN_SHARE, s->debt_ns);
	return s->debt_ns < MAX(s->scan_cost_ns, s->dearest_ns) * RESCAN_BURST || now_ns - s->scanned_ns >= RESCAN_MAX_NS;
}

/* -- rates ----------------------------------------------------------------------------------------------- */

static struct num rate(struct num now, struct num *before, uint64_t interval_ns)
{
	struct num was = *before;

	*before = now;
	if (!now.known || !was.known || now.v < was.v || !interval_ns)
		return NUM_UNKNOWN;
	return NUM((double)(now.v - was.v) * 1e9 / (double)interval_ns + 0.5);
}

static void add_meters(struct sampler *s, struct model *m, const struct counts *c, uint64_t interval_ns)
{
	for (enum meter_id id = 0; id < METER_MAX; id++) {
		if (id == METER_FAULTS)
			continue;
		m->meters[id].why = c->why[id];
		meter_add(&m->meters[id], c->meters[id], interval_ns);
	}
	m->meters[METER_FAULTS].why = m->faults_why;
	meter_add(&m->meters[METER_FAULTS], s->faults_err ? NUM_UNKNOWN : NUM(m->faults), interval_ns);
}

static void unit_rates(struct sampler *s, struct model *m, const struct unit_counts *now, uint64_t interval_ns)
{
	struct unit_row *v = (struct unit_row *)m->rows[VIEW_UNITS].v;

	for (size_t i = 0; i < s->n_units && i < m->rows[VIEW_UNITS].n; i++) {
		v[i].inval_rate = rate(now[i].invals, &s->units_before[i].invals, interval_ns);
		v[i].request_rate = rate(now[i].requests, &s->units_before[i].requests, interval_ns);
		v[i].fault_rate = rate(now[i].fault_irqs, &s->units_before[i].fault_irqs, interval_ns);
	}
}

/* Rates of units are by their place in the list. False: it is another list than before. */
static bool check_units(struct sampler *s, struct host *h)
{
	size_t i = 0;

	while (s->n_units == h->n_units && i < h->n_units && streq(s->unit_names[i], h->units[i].name))
		i++;
	if (s->unit_names && s->n_units == h->n_units && i == h->n_units)
		return true;
	s->n_units = h->n_units;
	s->units_before = arena_array(&s->arena, struct unit_counts, s->n_units + 1);
	s->unit_names = arena_array(&s->arena, const char *, s->n_units + 1);
	for (i = 0; i < s->n_units; i++)
		s->unit_names[i] = arena_strdup(&s->arena, h->units[i].name);
	return false;
}

/* Other units take other counters, and so do other processors. New ones begin at nought, which is no less than the old ones had. */
static void check_counters(struct sampler *s, struct model *m)
{
	if (check_units(s, m->host) && s->counters && !counters_stale(s->counters))
		return;
	counters_close(s->counters);
	s->counters = counters_open(m->host, s->probes);
	for (enum meter_id id = 0; id < METER_MAX; id++)
		if (id != METER_FAULTS)
			m->meters[id].total = NUM_UNKNOWN;
	for (size_t i = 0; i < s->n_units; i++)
		s->units_before[i] = (struct unit_counts){ 0 };
}

static int64_t faults_before(const struct sampler *s, const char *device)
{
	for (size_t i = 0; i < s->before.n; i++)
		if (streq(s->before.v[i].device, device))
			return s->before.v[i].n;
	return 0;
}

/* Of devices and of groups, from how many faults there were at the last refresh. */
static void fault_rates(struct sampler *s, struct model *m, uint64_t interval_ns)
{
	struct device_row *d = (struct device_row *)m->rows[VIEW_DEVICES].v;
	struct group_row *g = (struct group_row *)m->rows[VIEW_GROUPS].v;
	struct num none = { .known = m->faults_known && interval_ns };
	size_t n = 0;

	for (size_t i = 0; i < m->rows[VIEW_GROUPS].n; i++)
		g[i].fault_rate = none;
	for (size_t i = 0; i < m->rows[VIEW_DEVICES].n; i++) {
		const struct group *group = m->host->devices[i].group;
		int64_t more = d[i].faults.v ? d[i].faults.v - faults_before(s, d[i].device) : 0;

		d[i].fault_rate = none;
		n += !!d[i].faults.v;
		if (more <= 0 || !none.known)
			continue;
		d[i].fault_rate.v = (int64_t)((double)more * 1e9 / (double)interval_ns + 0.5);
		if (group)
			g[group - m->host->groups].fault_rate.v += d[i].fault_rate.v;
	}
	s->before.n = 0;
	for (size_t i = 0; n && i < m->rows[VIEW_DEVICES].n; i++)
		if (d[i].faults.v) {
			struct fault_count *f = vec_push(&s->before);

			snprintf(f->device, sizeof(f->device), "%s", d[i].device);
			f->n = d[i].faults.v;
		}
}

/* -- a refresh ------------------------------------------------------------------------------------------- */

struct sampler *sampler_new(struct ctx *ctx, struct source *src, bool probes)
{
	struct sampler *s = must_calloc(1, sizeof(*s));

	s->ctx = ctx;
	s->src = src;
	s->probes = probes;
	s->live = source_is_live(src);
	if (s->live) {
		s->changes = changes_open();
		s->netwatch = netwatch_open();
	}
	return s;
}

void sampler_set_replay(struct sampler *s, struct replay *r, double speed)
{
	s->replay = r;
	s->speed = speed;
}

void sampler_changed(struct sampler *s)
{
	s->pending = true;
}

void sampler_free(struct sampler *s)
{
	if (!s)
		return;
	changes_close(s->changes);
	netwatch_close(s->netwatch);
	counters_close(s->counters);
	decoder_free(s->decoder);
	fault_table_free(s->faults);
	for (size_t i = 0; i < s->log.n; i++)
		free(s->log.v[i]);
	vec_free(&s->log);
	vec_free(&s->before);
	arena_free(&s->network_arena);
	arena_free(&s->arena);
	free(s);
}

static void read_uptime(struct sampler *s, struct model *m)
{
	struct timespec t;

	if (s->live && clock_gettime(CLOCK_BOOTTIME, &t) == 0)
		m->uptime = NUM(t.tv_sec);
}

/* How many domains a VT-d unit has in use changes without any event. */
static void read_domains_used(struct sampler *s, struct model *m)
{
	struct unit_row *v = (struct unit_row *)m->rows[VIEW_UNITS].v;

	for (size_t i = 0; i < m->rows[VIEW_UNITS].n; i++) {
		char path[SRC_PATH_MAX];
		uint64_t used;

		if (m->host->units[i].kind != UNIT_VTD)
			continue;
		PATHF(path, "sys/class/iommu/%s/intel-iommu/domains_used", v[i].unit);
		if (source_read_u64(s->src, path, &used) == 0)
			v[i].domains_used = NUM(used);
	}
}

static int refresh_replay(struct sampler *s, struct model *m, uint64_t now_ns)
{
	uint64_t passed = m->samples ? (uint64_t)((double)(now_ns - s->last_ns) * s->speed) : 0;
	uint64_t before = fault_table_total(s->faults);
	const struct counts *c;
	int r = 0;

	s->replay_ns += passed;
	replay_advance(s->replay, s->replay_ns, on_event, s);
	m->replay = replay_place(s->replay);
	if (fault_table_total(s->faults) != before) {
		/* what was made for the faults before is freed with all the rest only */
		if (++s->fault_rounds >= FAULT_ROUNDS)
			r = scan(s, m, now_ns);
		else
			model_faults(m, s->faults, 0);
	}
	if (r < 0)
		return r;
	check_units(s, m->host);
	c = replay_counts(s->replay, m->host);
	add_meters(s, m, c, passed);
	unit_rates(s, m, c->units, passed);
	fault_rates(s, m, passed);
	return 0;
}

/* A snapshot does not change. */
static int refresh_static(struct sampler *s, struct model *m, uint64_t now_ns)
{
	int r = 0;

	if (!s->scanned) {
		load_log(s);
		name_machine(s, m);
		r = scan(s, m, now_ns);
		if (r < 0)
			return r;
	}
	if (s->replay)
		return refresh_replay(s, m, now_ns);
	for (enum meter_id id = 0; id < METER_MAX; id++)
		m->meters[id].why = "a snapshot has no rates";
	return r;
}

static bool must_scan(struct sampler *s, bool faults_grew, uint64_t now_ns)
{
	uint64_t since = now_ns - s->scanned_ns;

	unsigned changed = changes_take(s->changes);

	if (changed & CHANGED_MODULES)
		kmem_keep_drop();
	s->pending |= changed != 0;
	if (faults_grew && ++s->fault_rounds >= FAULT_ROUNDS)
		return true;
	return (may_scan(s, now_ns) && s->pending) || since >= scan_interval(s);
}

static int refresh_live(struct sampler *s, struct model *m, uint64_t now_ns)
{
	uint64_t interval = s->scanned && now_ns > s->last_ns ? now_ns - s->last_ns : 0;
	bool grew = take_log(s);
	const struct counts *c;
	int r = 0;

	if (!s->scanned)
		name_machine(s, m);
	if (!s->scanned || must_scan(s, grew, now_ns)) {
		s->pending = false;
		r = scan(s, m, now_ns);
		if (r < 0)
			return r;
	} else if (grew) {
		model_faults(m, s->faults, s->faults_err);
	}
	check_counters(s, m);
	follow_network(s, m, now_ns);
	c = counters_read(s->counters);
	/* at the next refresh, when what attaches is through with it */
	s->pending |= interval && c->meters[METER_ATTACHES].known && c->meters[METER_ATTACHES].v != s->attaches;
	s->attaches = c->meters[METER_ATTACHES].v;
	read_domains_used(s, m);
	add_meters(s, m, c, interval);
	unit_rates(s, m, c->units, interval);
	fault_rates(s, m, interval);
	return 0;
}

int sampler_refresh(struct sampler *s, struct model *m, uint64_t now_ns)
{
	int r = s->live ? refresh_live(s, m, now_ns) : refresh_static(s, m, now_ns);

	if (r < 0)
		return r;
	read_uptime(s, m);
	m->interval_ns = m->samples ? now_ns - s->last_ns : 0;
	m->samples++;
	s->last_ns = now_ns;
	return 0;
}
