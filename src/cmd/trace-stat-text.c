// SPDX-License-Identifier: GPL-2.0-or-later
/* trace stat for people: what was found wrong first, then the numbers, with bars. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd/trace-stat.h"

/* Cells of the widest bar. */
#define BAR 40
/* Names that a table shows. */
#define NAMES_SHOWN 10

static const char *bytes_text(uint64_t v, char *buf, size_t size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned u = 0;
	double d = (double)v;

	for (; d >= 1024 && u + 1 < ARRAY_SIZE(units); u++)
		d /= 1024;
	snprintf(buf, size, "%.*f %s", u && d < 10 && d != (double)(int)d ? 1 : 0, d, units[u]);
	return buf;
}

static const char *time_text(struct num ns, char *buf, size_t size)
{
	double d = (double)ns.v;

	if (!ns.known)
		snprintf(buf, size, "unknown");
	else if (d >= 1e9)
		snprintf(buf, size, "%.3f s", d / 1e9);
	else if (d >= 1e6)
		snprintf(buf, size, "%.2f ms", d / 1e6);
	else
		snprintf(buf, size, "%.1f us", d / 1e3);
	return buf;
}
#define TIME_TEXT(ns) time_text((ns), (char[32]){ 0 }, 32)
#define BYTES_TEXT(n) bytes_text((uint64_t)(n).v, (char[32]){ 0 }, 32)

/* A bar in eighths of a cell where the terminal can, else in '#'. */
static void add_bar(struct strbuf *b, bool utf8, uint64_t v, uint64_t max)
{
	static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	uint64_t n = max ? (uint64_t)((double)v / (double)max * BAR * 8) : 0;

	if (v && !n)
		n = 1;
	for (uint64_t i = 0; i < n / 8; i++)
		strbuf_puts(b, utf8 ? "█" : "#");
	if (n % 8)
		strbuf_puts(b, utf8 ? eighths[n % 8] : n < 8 ? "|" : "");
}

static void heading(struct out *o, const char *s)
{
	out_text(o, "\n");
	out_styled(o, STYLE_BOLD, s);
	out_text(o, "%s", "");
}

static void print_late(struct out *o, const struct stat_row *r)
{
	const struct late_row *v = r->use_after_unmap.v;

	if (!r->use_after_unmap.n)
		return;
	out_text(o, "\n");
	out_styled(o, STYLE_BAD, "use after unmap");
	out_text(o, ": %" PRId64 " (a device used what had been unmapped)", r->n_use_after_unmap.v);
	for (size_t i = 0; i < MIN(r->use_after_unmap.n, (size_t)NAMES_SHOWN); i++) {
		out_text(o, "  %s%s%s at 0x%" PRIx64 ", line %" PRId64, v[i].device ?: "", v[i].device ? ": " : "", v[i].access ?: "access",
			 (uint64_t)v[i].address.v, v[i].fault_line.v);
		out_text(o, "    0x%" PRIx64 "-0x%" PRIx64 " was unmapped %s before, line %" PRId64, (uint64_t)v[i].unmap_address.v,
			 (uint64_t)v[i].unmap_address.v + (uint64_t)v[i].unmap_size.v - 1, TIME_TEXT(v[i].after_ns), v[i].unmap_line.v);
	}
	if (r->mapping->several_domains == TRI_YES && v[0].certain != TRI_YES)
		out_text(o, "  Several domains use the same addresses: the unmap may have been another's.");
}

static void print_kinds(struct out *o, const struct stat_row *r)
{
	const struct kind_row *v = r->kinds.v;
	uint64_t max = 0;

	for (size_t i = 0; i < r->kinds.n; i++)
		max = MAX(max, (uint64_t)v[i].count.v);
	heading(o, "events");
	for (size_t i = 0; i < r->kinds.n; i++) {
		_cleanup_strbuf_ struct strbuf b = { 0 };

		strbuf_printf(&b, "  %-14s %12" PRId64, v[i].kind, v[i].count.v);
		if (v[i].per_second.known)
			strbuf_printf(&b, " %10" PRId64 "/s  ", v[i].per_second.v);
		else
			strbuf_printf(&b, " %12s  ", "");
		add_bar(&b, out_options(o)->utf8, (uint64_t)v[i].count.v, max);
		out_verbatim(o, "%s", strbuf_str(&b));
	}
}

static void print_mapping(struct out *o, const struct stat_row *r)
{
	const struct mapping_row *m = r->mapping;

	if (!m->mapped_bytes.v && !m->unmapped_bytes.v)
		return;
	heading(o, "mappings, all domains");
	out_text(o, "  mapped %s, unmapped %s; most at one time %s, at the end %s in %" PRId64, BYTES_TEXT(m->mapped_bytes),
		 BYTES_TEXT(m->unmapped_bytes), BYTES_TEXT(m->peak_bytes), BYTES_TEXT(m->live_bytes), m->live_mappings.v);
	if (m->lifetime_p50.known)
		out_text(o, "  lived p50 %s, p99 %s, longest %s", TIME_TEXT(m->lifetime_p50), TIME_TEXT(m->lifetime_p99),
			 TIME_TEXT(m->lifetime_max));
	if (m->short_unmaps.v)
		out_text(o, "  unmaps that unmapped less than they were asked to: %" PRId64, m->short_unmaps.v);
	if (m->early_unmaps.v)
		out_text(o, "  unmaps of what was mapped before the trace began: %" PRId64, m->early_unmaps.v);
	if (m->overlaps.v && r->objects.n)
		out_text(o, "  maps of an address that was mapped already: %" PRId64, m->overlaps.v);
	else if (m->overlaps.v)
		out_text(o, "  maps of an address that was mapped already: %" PRId64 "; several domains are at work, and which one an event "
			 "belongs to is unknown", m->overlaps.v);
}

/* The kernel's domains, by the devices that are in them. */
static void print_objects(struct out *o, const struct stat_row *r)
{
	const struct object_row *v = r->objects.v;
	size_t shown = 0;

	if (!r->objects.n)
		return;
	heading(o, "domains of the kernel");
	out_verbatim(o, "  %8s %12s %12s %10s %10s %10s", "", "maps", "unmaps", "mapped", "most", "at the end");
	for (size_t i = 0; i < r->objects.n; i++) {
		if (!v[i].maps.v && !v[i].unmaps.v)
			continue;
		if (shown++ >= NAMES_SHOWN)
			continue;
		out_verbatim(o, "  %8" PRId64 " %12" PRId64 " %12" PRId64 " %10s %10s %10s  %s", v[i].object.v, v[i].maps.v, v[i].unmaps.v,
			     BYTES_TEXT(v[i].mapped_bytes), BYTES_TEXT(v[i].peak_bytes), BYTES_TEXT(v[i].live_bytes),
			     v[i].devices ?: "device not known");
	}
	if (shown > NAMES_SHOWN)
		out_text(o, "  ... and %zu more", shown - NAMES_SHOWN);
}

static void print_sizes(struct out *o, const struct stat_row *r)
{
	const struct size_row *v = r->sizes.v;
	uint64_t max = 0;

	if (!r->sizes.n)
		return;
	for (size_t i = 0; i < r->sizes.n; i++)
		max = MAX(max, (uint64_t)MAX(v[i].maps.v, v[i].unmaps.v));
	heading(o, "sizes");
	out_verbatim(o, "  %10s %12s %12s", "from", "maps", "unmaps");
	for (size_t i = 0; i < r->sizes.n; i++) {
		_cleanup_strbuf_ struct strbuf b = { 0 };

		strbuf_printf(&b, "  %10s %12" PRId64 " %12" PRId64 "  ", BYTES_TEXT(v[i].bytes), v[i].maps.v, v[i].unmaps.v);
		add_bar(&b, out_options(o)->utf8, (uint64_t)MAX(v[i].maps.v, v[i].unmaps.v), max);
		out_verbatim(o, "%s", strbuf_str(&b));
	}
}

static void print_invalidation(struct out *o, const struct stat_row *r)
{
	const struct efficiency_row *e = r->invalidation;
	const struct inval_row *v = e->kinds.v;

	if (!e->kinds.n)
		return;
	heading(o, "invalidations");
	for (size_t i = 0; i < e->kinds.n; i++)
		out_verbatim(o, "  %-14s %-8s %12" PRId64, v[i].cache, v[i].scope, v[i].count.v);
	if (e->percent_of_unmapped.known)
		out_text(o, "  flushed %s for %s unmapped: %" PRId64 " %%", BYTES_TEXT(e->range_bytes), BYTES_TEXT(r->mapping->unmapped_bytes),
			 e->percent_of_unmapped.v);
	else if (e->wider.v)
		out_text(o, "  flushes of a whole PASID, domain or unit: %" PRId64 "; how much of that was needed is unknown", e->wider.v);
	if (e->after_map.v)
		out_text(o, "  asked for after a map, since the unit caches what is not present (an emulated one): %" PRId64, e->after_map.v);
	if (e->redundant.v)
		out_text(o, "  needless, since an earlier one covers them and nothing changed in between: %" PRId64 " or more", e->redundant.v);
	if (e->mergeable.v)
		out_text(o, "  within %s of another for the same domain, so they could have been one: %" PRId64, TIME_TEXT(e->window_ns),
			 e->mergeable.v);
}

static void print_requests(struct out *o, const struct stat_row *r)
{
	const struct request_row *p = r->page_requests;

	if (!p->requests.v && !p->responses.v)
		return;
	heading(o, "page requests");
	out_text(o, "  %" PRId64 " pages in %" PRId64 " groups, at most %" PRId64 " in one; %" PRId64 " responses: %" PRId64 " success, %" PRId64
		 " invalid, %" PRId64 " failure", p->requests.v, p->groups.v, p->largest_group.v, p->responses.v, p->success.v,
		 p->invalid.v, p->failure.v);
	if (p->p50.known)
		out_text(o, "  devices waited p50 %s, p99 %s, longest %s", TIME_TEXT(p->p50), TIME_TEXT(p->p99), TIME_TEXT(p->max));
	if (p->unanswered.v)
		out_text(o, "  groups never answered: %" PRId64, p->unanswered.v);
	if (p->no_last.v)
		out_text(o, "  groups without a last page: %" PRId64, p->no_last.v);
	if (p->answered_twice.v)
		out_text(o, "  responses to groups that were answered already: %" PRId64, p->answered_twice.v);
	if (p->unasked.v)
		out_text(o, "  responses to groups that began before the trace: %" PRId64, p->unasked.v);
	if (p->out_of_order.v)
		out_text(o, "  out of order: %" PRId64, p->out_of_order.v);
}

static void print_names(struct out *o, const char *title, const struct rows *rows)
{
	const struct name_row *v = rows->v;

	if (!rows->n)
		return;
	heading(o, title);
	out_verbatim(o, "  %-24s %10s %10s %10s %10s %10s", "", "events", "maps", "unmaps", "invalid.", "faults");
	for (size_t i = 0; i < MIN(rows->n, (size_t)NAMES_SHOWN); i++)
		out_verbatim(o, "  %-24s %10" PRId64 " %10" PRId64 " %10" PRId64 " %10" PRId64 " %10" PRId64, v[i].name, v[i].events.v,
			     v[i].maps.v, v[i].unmaps.v, v[i].invalidations.v, v[i].faults.v);
	if (rows->n > NAMES_SHOWN)
		out_text(o, "  ... and %zu more", rows->n - NAMES_SHOWN);
}

void trace_stat_print(struct out *o, const struct stat_row *r)
{
	struct num took = r->first_ns.known ? NUM(r->last_ns.v - r->first_ns.v) : NUM_UNKNOWN;

	out_styled(o, STYLE_BOLD, r->file);
	out_text(o, ": %" PRId64 " events in %" PRId64 " lines%s%s", r->events.v, r->lines.v, took.known ? ", over " : "",
		 took.known ? TIME_TEXT(took) : "");
	if (r->lost.v)
		out_text(o, "  events that the recorder lost: %" PRId64 " or more", r->lost.v);
	if (r->back_in_time.v)
		out_text(o, "  events older than one before them: %" PRId64 " (buffers of several CPUs, or several boots)", r->back_in_time.v);
	if (!r->events.v)
		return;
	print_late(o, r);
	print_kinds(o, r);
	print_mapping(o, r);
	print_objects(o, r);
	print_sizes(o, r);
	print_invalidation(o, r);
	print_requests(o, r);
	print_names(o, "devices", &r->devices);
	print_names(o, "domains (map and unmap name none)", &r->domains);
	print_names(o, "tasks", &r->tasks);
}
