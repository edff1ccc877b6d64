// SPDX-License-Identifier: GPL-2.0-or-later
/* faults watch: the kernel log and, where that is allowed, trace events and probes, as they happen. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "cmd/faults.h"
#include "cmd/trace-record.h"
#include "cmd/until.h"
#include "kmem/recorder.h"
#include "source/kmsg.h"
#include "trace/decode.h"

const char faults_watch_text[] =
	"Waits for faults and explains each as faults decode does, until a signal (Ctrl-C) or -d. They come from the kernel log, and as root "
	"also from trace events (iommu:io_page_fault, which the log's rate limit does not cut), and from probes that see page "
	"requests which were refused. What cannot be watched is said.\n\n"
	"Faults that differ in their address only are one story: it is told in full once, then counted every two seconds. With -j, "
	"JSON Lines: a record when it is first seen, and again, with its new count, every ten seconds and at the end.\n\n"
	"iommu:io_page_fault stays off where there is an SMMUv2: with its driver that event can crash the kernel.";

const struct option_row faults_watch_options[] = {
	UNTIL_DURATION,
	{ .name = "maps", .help = "also look at maps and unmaps, to tell when an address was unmapped just before; slows I/O down" },
	{ .name = "no-trace", .help = "the kernel log alone" },
	{ 0 },
};

/* Stories that are told apart; what comes beyond is only counted at the end. */
#define STORIES 256
/* Faults that both the trace and the log may tell: the trace's wait so long for the log's. */
#define TWINS 256
#define TWIN_NS 300000000ULL
#define TELL_NS 2000000000ULL
#define REWRITE_NS 10000000000ULL

struct story {
	const struct fault_row *first;
	uint64_t more, low, high, told_ns;
};

/* A fault that the trace told, while the log may still tell it better. */
struct twin {
	struct event ev;
	uint64_t since;
	char device[64], driver[48];
};

struct seen {
	const struct fault_row *row;
	int64_t written; /* the count that was written last */
};

struct watching {
	struct invocation *inv;
	struct arena arena;
	struct host *host;
	struct fault_table *table;
	struct recorder rec;
	int kmsg; /* -1: cannot be read */
	bool tracing, text, amd;
	uint64_t now, rewritten, ticked;
	struct decoder *log, *trace;
	struct strbuf line; /* of the trace: one that is not complete yet */
	uint64_t n_log, n_trace;
	struct twin twins[TWINS];
	size_t n_twins;
	struct story stories[STORIES];
	size_t n_stories;
	uint64_t untold;
	VEC(struct seen) seen;
	int err;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* -- telling ----------------------------------------------------------------------------------------------------------------- */

static struct story *find_story(struct watching *w, const struct fault_row *row, bool *ret_fresh)
{
	for (size_t i = 0; i < w->n_stories; i++)
		if (fault_order_of_stories(w->stories[i].first, row) == 0)
			return &w->stories[i];
	if (w->n_stories == STORIES)
		return NULL;
	*ret_fresh = true;
	w->stories[w->n_stories] = (struct story){ .first = row, .told_ns = w->now };
	return &w->stories[w->n_stories++];
}

static void tell_story(struct watching *w, const struct fault_row *row)
{
	struct out *o = w->inv->out;

	fault_print_who(o, row);
	fault_print_what(o, row, 1);
	fault_print_place(o, row, false);
	fault_print_advice(o, row);
	out_flush(o);
}

static void count_story(struct watching *w, const struct fault_row *row, uint64_t addr)
{
	bool fresh = false;
	struct story *s = find_story(w, row, &fresh);

	if (!s) {
		w->untold++;
		return;
	}
	if (fresh) {
		tell_story(w, row);
		return;
	}
	s->low = s->more ? MIN(s->low, addr) : addr;
	s->high = s->more ? MAX(s->high, addr) : addr;
	s->more++;
}

static void tell_more(struct watching *w, bool all)
{
	for (size_t i = 0; i < w->n_stories; i++) {
		struct story *s = &w->stories[i];
		const struct fault_row *r = s->first;

		if (!s->more || (!all && w->now - s->told_ns < TELL_NS))
			continue;
		if (!r->address.known)
			out_text(w->inv->out, "%s: %" PRIu64 " more: %s", r->device ?: r->unit ?: "device not named", s->more, r->reason->text);
		else
			out_text(w->inv->out, "%s: %" PRIu64 " more, at 0x%" PRIx64 "%s%.*" PRIx64 ": %s", r->device ?: r->unit ?: "device not named",
				 s->more, s->low, s->high != s->low ? " to 0x" : "", s->high != s->low ? 1 : 0,
				 s->high != s->low ? s->high : 0, r->reason->text);
		s->more = 0;
		s->told_ns = w->now;
		out_flush(w->inv->out);
	}
}

static void write_changed(struct watching *w, bool all)
{
	struct seen *s;

	if (!all && w->now - w->rewritten < REWRITE_NS)
		return;
	w->rewritten = w->now;
	vec_for_each(s, &w->seen) {
		if (s->row->count.v == s->written)
			continue;
		s->written = s->row->count.v;
		if (w->err == 0)
			w->err = out_row(w->inv->out, s->row);
	}
	out_flush(w->inv->out);
}

/* -- what comes in ------------------------------------------------------------------------------------------------------------- */

static int take_fault(struct watching *w, const struct event *ev)
{
	bool fresh = false;
	const struct fault_row *row = fault_table_count(w->table, ev, &fresh);

	if (!row)
		return 0;
	if (w->text) {
		count_story(w, row, ev->addr);
	} else if (fresh) {
		*vec_push(&w->seen) = (struct seen){ row, row->count.v };
		w->err = out_row(w->inv->out, row);
		out_flush(w->inv->out);
	}
	return out_failed(w->inv->out) ? -EPIPE : w->err;
}

static struct slice keep_slice(char *buf, size_t size, struct slice s)
{
	s.n = MIN(s.n, size);
	memcpy(buf, s.p ?: "", s.n);
	return (struct slice){ s.n ? buf : NULL, s.n };
}

static int take_twin(struct watching *w, size_t i)
{
	struct twin t = w->twins[i];

	memmove(&w->twins[i], &w->twins[i + 1], (--w->n_twins - i) * sizeof(t));
	t.ev.device = (struct slice){ t.device, t.ev.device.n };
	t.ev.driver = (struct slice){ t.driver, t.ev.driver.n };
	return take_fault(w, &t.ev);
}

static int hold_twin(struct watching *w, const struct event *ev)
{
	int r = w->n_twins == TWINS ? take_twin(w, 0) : 0;
	struct twin *t = &w->twins[w->n_twins++];

	t->ev = *ev;
	t->since = w->now;
	t->ev.device = keep_slice(t->device, sizeof(t->device), ev->device);
	t->ev.driver = keep_slice(t->driver, sizeof(t->driver), ev->driver);
	t->ev.task = t->ev.unit = t->ev.stamp = (struct slice){ 0 };
	if (w->amd) {
		t->ev.vendor = VENDOR_AMD;
		t->ev.fault.code = 2; /* IO_PAGE_FAULT is all that the event is for */
		t->ev.fault.has_code = true;
	}
	return r;
}

/* The log tells of a fault that the trace told a moment ago: the log knows more, and it is one fault. */
static void drop_twin(struct watching *w, const struct event *ev)
{
	for (size_t i = 0; ev->has & HAS_ADDR && i < w->n_twins; i++) {
		const struct twin *t = &w->twins[i];

		if (t->ev.addr != ev->addr || t->ev.device.n != ev->device.n || memcmp(t->device, ev->device.p ?: "", ev->device.n))
			continue;
		memmove(&w->twins[i], &w->twins[i + 1], (--w->n_twins - i) * sizeof(*t));
		return;
	}
}

static int release_twins(struct watching *w, bool all)
{
	int r = 0;

	while (r == 0 && w->n_twins && (all || w->now - w->twins[0].since > TWIN_NS))
		r = take_twin(w, 0);
	return r;
}

static int on_log(void *arg, const struct event *ev)
{
	struct watching *w = arg;

	if (ev->kind != EVENT_FAULT)
		return 0;
	drop_twin(w, ev);
	return take_fault(w, ev);
}

/* A page request that was not served: for the device that is a fault. */
static int refused_request(struct watching *w, const struct event *ev)
{
	struct event f = *ev;

	f.kind = EVENT_FAULT;
	f.fault = (struct fault_info){ .kind = FAULT_PAGE_REQUEST };
	f.fault.text = ev->page.code == 1 ? SLICE("answered invalid") : SLICE("answered with failure");
	return take_fault(w, &f);
}

static int on_trace(void *arg, const struct event *ev)
{
	struct watching *w = arg;

	if (ev->kind == EVENT_FAULT)
		return hold_twin(w, ev);
	if (ev->kind == EVENT_PAGE_RESPONSE && ev->page.core && ev->page.code)
		return refused_request(w, ev);
	fault_table_add(w->table, ev);
	return 0;
}

/* One record a read; its "KEY=value" lines say nothing to us. */
static int read_log(struct watching *w)
{
	char buf[8192];

	for (;;) {
		ssize_t n = read(w->kmsg, buf, sizeof(buf));
		struct slice s = { buf, 0 };
		int r;

		if (n < 0 && (errno == EINTR || errno == EPIPE))
			continue; /* EPIPE: overwritten before we read it */
		if (n <= 0)
			return n == 0 || errno == EAGAIN ? 0 : -errno;
		s.n = (size_t)n;
		if (memchr(buf, '\n', s.n))
			s.n = (size_t)((char *)memchr(buf, '\n', s.n) - buf);
		r = decoder_line(w->log, s, ++w->n_log);
		if (r < 0)
			return r;
	}
}

static int trace_text(struct watching *w, const char *p, size_t n)
{
	int r = 0;

	while (r == 0 && n) {
		const char *nl = memchr(p, '\n', n);
		size_t len = nl ? (size_t)(nl - p) : n;

		strbuf_add(&w->line, p, len);
		if (!nl)
			break;
		r = decoder_line(w->trace, (struct slice){ w->line.s, w->line.len }, ++w->n_trace);
		strbuf_reset(&w->line);
		p += len + 1;
		n -= len + 1;
	}
	return r;
}

static int read_trace(struct watching *w, size_t reads)
{
	char buf[65536];

	for (size_t i = 0; i < reads; i++) {
		ssize_t n = recorder_read(&w->rec, buf, sizeof(buf));
		int r = n > 0 ? trace_text(w, buf, (size_t)n) : (int)n;

		if (r < 0 || !n)
			return r;
	}
	return 0;
}

/* -- the loop ---------------------------------------------------------------------------------------------------------------- */

static int look(struct watching *w, size_t reads)
{
	int r = 0;

	w->now = now_ns();
	if (w->tracing)
		r = read_trace(w, reads);
	if (r == 0 && w->kmsg >= 0)
		r = read_log(w);
	return r;
}

static int tick(struct watching *w, bool last)
{
	int r = decoder_flush(w->log);

	w->ticked = w->now;
	if (r == 0)
		r = decoder_flush(w->trace);
	if (r == 0)
		r = release_twins(w, last);
	if (w->text)
		tell_more(w, last);
	else
		write_changed(w, last);
	return r;
}

static int loop(struct watching *w, struct until *u)
{
	int r = 0;

	while (r == 0 && !u->over) {
		struct pollfd fds[UNTIL_FDS + 2];

		until_fds(u, fds);
		fds[UNTIL_FDS] = (struct pollfd){ .fd = w->kmsg, .events = POLLIN };
		fds[UNTIL_FDS + 1] = (struct pollfd){ .fd = w->tracing ? recorder_fd(&w->rec) : -1, .events = POLLIN };
		r = poll(fds, ARRAY_SIZE(fds), 200);
		if (r < 0 && errno != EINTR)
			return -errno;
		until_look(u, fds);
		/* nothing came for a while, so what waits for more lines has them all; where it never ends, now and then */
		r = r == 0 || w->now - w->ticked > TELL_NS ? tick(w, false) : 0;
		if (r == 0)
			r = look(w, 512);
		if (r == 0)
			r = release_twins(w, false);
	}
	if (w->tracing)
		recorder_pause(&w->rec);
	if (r == 0)
		r = look(w, SIZE_MAX);
	return r == 0 ? tick(w, true) : r;
}

/* -- setting up -------------------------------------------------------------------------------------------------------------- */

static bool has_amd(const struct watching *w)
{
	for (size_t i = 0; w->host && i < w->host->n_units; i++)
		if (strstarts(w->host->units[i].name, "ivhd"))
			return true;
	return false;
}

/* What stands in the way of the trace is no error: the log goes on telling. */
static void start_trace(struct watching *w)
{
	struct recorder_options opt = { .maps = inv_opt(w->inv, "maps"), .no_io_page_fault = has_smmuv2(w->inv->source, w->inv->ctx) };
	struct ctx ctx = { .verbosity = w->inv->ctx->verbosity };
	struct note *n = NULL;
	int r;

	if (inv_opt(w->inv, "no-trace"))
		return;
	r = recorder_start(&ctx, &opt, &w->arena, &w->rec);
	w->tracing = r == 0;
	if (ctx.notes.n)
		n = &ctx.notes.v[ctx.notes.n - 1];
	for (size_t i = 0; r == 0 && i < ctx.notes.n; i++)
		ctx_note(w->inv->ctx, ctx.notes.v[i], "%s", ctx.notes.v[i].what);
	if (r < 0)
		ctx_note(w->inv->ctx, (struct note){ .level = NOTE_WARNING, .code = "trace-not-watched", .err = -r, .why = n ? n->why : NULL,
						     .hint = n ? n->hint : NULL },
			 "only the kernel log is watched, trace events are not");
	ctx_free(&ctx);
}

static int start(struct watching *w)
{
	w->kmsg = kmsg_follow();
	start_trace(w);
	if (w->kmsg >= 0)
		return 0;
	if (w->tracing)
		return ctx_warn(w->inv->ctx, "no-kernel-log", -w->kmsg, NULL, "the kernel log is not watched");
	return ctx_error(w->inv->ctx, NOTE(.code = "no-kernel-log", .err = -w->kmsg, .hint = "run this as root"), "the kernel log");
}

static void end_text(struct watching *w)
{
	uint64_t total = fault_table_total(w->table);

	if (w->untold)
		out_text(w->inv->out, "and %" PRIu64 " of other kinds", w->untold);
	out_text(w->inv->out, "%" PRIu64 " %s", total, total == 1 ? "fault" : "faults");
}

static int watch(struct watching *w, double seconds)
{
	struct until u;
	int r = until_begin(&u);

	if (r == 0)
		r = start(w);
	if (r >= 0)
		r = until_start(&u, w->inv, seconds, true);
	if (r == 0 && w->text && w->inv->ctx->verbosity >= 0)
		fprintf(stderr, "watching %s%s\n", w->kmsg >= 0 ? "the kernel log" : "", w->tracing ? w->kmsg >= 0 ? " and the trace" : "the trace" : "");
	if (r == 0)
		r = loop(w, &u);
	recorder_stop(&w->rec);
	if (r == 0 && w->text)
		end_text(w);
	until_end(&u);
	return r < 0 ? r : until_exit(&u, w->inv);
}

static void free_watching(struct watching *w)
{
	if (w->kmsg >= 0)
		close(w->kmsg);
	decoder_free(w->log);
	decoder_free(w->trace);
	strbuf_free(&w->line);
	vec_free(&w->seen);
	fault_table_free(w->table);
	host_free(w->host);
	arena_free(&w->arena);
	free(w);
}

int faults_watch_run(struct invocation *inv)
{
	static const struct decode_sink log_sink = { .event = on_log }, trace_sink = { .event = on_trace };
	const struct out_options *opt = out_options(inv->out);
	struct watching *w;
	double seconds;
	int r;

	if (out_begin(inv->out, &fault_watch_record) < 0 || until_seconds(inv, &seconds) != EXIT_DONE)
		return EXIT_USAGE;
	if (!source_is_live(inv->source)) {
		ctx_error(inv->ctx, NOTE(.code = "usage", .err = EINVAL, .why = "watches the running machine, not a snapshot",
					 .hint = "iommuctl --from SNAPSHOT faults decode"), "faults watch");
		return EXIT_USAGE;
	}
	w = must_calloc(1, sizeof(*w));
	w->inv = inv;
	w->kmsg = -1;
	w->text = !opt->json && !opt->raw && !opt->cols;
	w->log = decoder_new(&log_sink, w);
	w->trace = decoder_new(&trace_sink, w);
	w->rewritten = w->ticked = w->now = now_ns();
	out_flush(inv->out);
	r = host_load(inv->ctx, inv->source, HOST_ALL, &w->host);
	if (r == 0) {
		w->amd = has_amd(w);
		w->table = fault_table_new("the running machine", w->host);
		r = watch(w, seconds);
	}
	free_watching(w);
	return r;
}
