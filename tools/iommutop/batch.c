// SPDX-License-Identifier: GPL-2.0-or-later
#include "batch.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/str.h"

static const char *utc(char *buf, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return buf;
}

static struct rows wanted(const struct model *m, unsigned views, enum view_id v)
{
	return (views & 1u << v) ? m->rows[v] : (struct rows){ 0 };
}

static struct sample_row sample_row(const struct model *m, unsigned views, const char *time)
{
	return (struct sample_row){
		.time = time,
		.sample = NUM(m->samples),
		.interval = m->interval_ns ? NUM((m->interval_ns + 500000) / 1000000) : NUM_UNKNOWN,
		.kernel = m->kernel,
		.units = m->rows[VIEW_UNITS].known ? NUM(m->rows[VIEW_UNITS].n) : NUM_UNKNOWN,
		.ready = m->verdicts[0],
		.needs_bind = m->verdicts[1],
		.blocked = m->verdicts[2],
		.in_use = m->verdicts[3],
		.nothing_to_give = m->verdicts[4],
		.unknown = m->verdicts[5],
		.invalidations = m->meters[METER_INVALS].per_s,
		.maps = m->meters[METER_MAPS].per_s,
		.unmaps = m->meters[METER_UNMAPS].per_s,
		.attaches = m->meters[METER_ATTACHES].per_s,
		.requests = m->meters[METER_REQUESTS].per_s,
		.faults = m->meters[METER_FAULTS].per_s,
		.groups = wanted(m, views, VIEW_GROUPS),
		.domains = wanted(m, views, VIEW_DOMAINS),
		.devices = wanted(m, views, VIEW_DEVICES),
		.unit_rows = wanted(m, views, VIEW_UNITS),
		.fault_lines = wanted(m, views, VIEW_FAULTS),
		.sessions = wanted(m, views, VIEW_SESSIONS),
	};
}

static void add_rate(struct strbuf *b, const char *name, struct num n)
{
	strbuf_printf(b, "%s%s ", b->len ? ", " : "", name);
	if (n.known)
		strbuf_printf(b, "%" PRId64 "/s", n.v);
	else
		strbuf_putc(b, '-');
}

static void print_head(struct out *o, const struct model *m, const char *time)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	char units[24], groups[24];

	out_text(o, "%s  %s, Linux %s: %s units, %s groups", time, m->hostname ?: "unknown machine", m->kernel ?: "-",
		 rows_count(units, m->rows[VIEW_UNITS]), rows_count(groups, m->rows[VIEW_GROUPS]));
	for (size_t i = 0; i < ARRAY_SIZE(verdict_words); i++)
		if (m->verdicts[i].v)
			strbuf_printf(&b, "%s%" PRId64 " %s", b.len ? ", " : "", m->verdicts[i].v, verdict_words[i]);
	if (b.len)
		out_text(o, "%s", b.s);
	strbuf_reset(&b);
	add_rate(&b, "invalidations", m->meters[METER_INVALS].per_s);
	add_rate(&b, "maps", m->meters[METER_MAPS].per_s);
	add_rate(&b, "unmaps", m->meters[METER_UNMAPS].per_s);
	add_rate(&b, "attaches", m->meters[METER_ATTACHES].per_s);
	add_rate(&b, "page requests", m->meters[METER_REQUESTS].per_s);
	add_rate(&b, "faults", m->meters[METER_FAULTS].per_s);
	out_text(o, "%s", b.s);
	out_text(o, "\n");
}

/* A table of its own, in the form of the other output. */
static int print_view(struct ctx *ctx, FILE *f, const struct out_options *opt, const struct model *m, enum view_id v)
{
	_cleanup_(cleanup_out_free) struct out *o = out_new(ctx, f, opt);
	int r;

	if (!m->rows[v].n) {
		if (!opt->raw)
			out_text(o, "%s: %s", view_names[v], m->empty[v]);
		return out_end(o, view_records[v]);
	}
	r = out_begin(o, view_records[v]);
	for (size_t i = 0; r >= 0 && i < m->rows[v].n; i++)
		r = out_row(o, model_row(m, v, i));
	return r < 0 ? r : out_end(o, view_records[v]);
}

int batch_sample(struct ctx *ctx, FILE *f, struct out *json, const struct out_options *opt, struct model *m, unsigned views)
{
	char time[32];
	int r = 0;

	utc(time, sizeof(time));
	if (views & 1u << VIEW_GROUPS)
		for (size_t i = 0; i < m->rows[VIEW_GROUPS].n; i++)
			model_advice(m, (struct group_row *)m->rows[VIEW_GROUPS].v + i);
	if (json) {
		struct sample_row row = sample_row(m, views, time);

		r = out_row(json, &row);
		return r < 0 ? r : out_flush(json);
	}
	if (!opt->raw) {
		_cleanup_(cleanup_out_free) struct out *o = out_new(ctx, f, opt);

		print_head(o, m, time);
		r = out_end(o, &sample_record);
	}
	for (enum view_id v = 0; r >= 0 && v < VIEW_MAX; v++)
		if (views & 1u << v)
			r = print_view(ctx, f, opt, m, v);
	return r < 0 ? r : fflush(f) ? -errno : 0;
}
