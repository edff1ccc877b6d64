// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The dispatcher: quotes, wrapped lines, and who gets a line. Lines of a trace take the short way at the top; all
 * else may take its time.
 */
#include <inttypes.h>

#include "base/str.h"
#include "source/kmsg.h"
#include "trace/internal.h"

/* A record wrapped over more lines than this is none. */
#define MAX_JOINED 4
/* Longer lines are no records of ours; only their beginning is looked at. */
#define MAX_LOG_LINE 4096

/* A record whose end is still missing. */
struct join {
	struct strbuf text;
	uint64_t line;
	unsigned lines; /* that were added */
	bool tight;	/* the line before ended at a terminal's edge, within a word */
};

struct decoder {
	struct decode_sink sink;
	void *arg;
	struct decode_counts counts;
	struct log_state log;
	struct probe_state *probes; /* NULL until the first one */
	struct join join;
	bool wrapped; /* in a message of several lines */
	struct strbuf last; /* the last line that was one of ours */
	struct strbuf soft; /* the beginning of a line that goes on in the next (quoted-printable) */
	uint64_t soft_line;
	struct log_msg entry; /* what is known of a journal's entry that comes as a line a field */
	struct strbuf scratch;
	struct json_tokener *tok;
	struct json_object *json;
	char unescaped[MAX_LOG_LINE], cleaned[MAX_LOG_LINE];
};

static int emit(void *arg, const struct event *ev)
{
	struct decoder *d = arg;

	d->counts.events++;
	if (ev->kind == EVENT_LOST)
		d->counts.lost += MAX(ev->lost, (uint64_t)1);
	return d->sink.event(d->arg, ev);
}

struct decoder *decoder_new(const struct decode_sink *sink, void *arg)
{
	struct decoder *d = must_calloc(1, sizeof(*d));

	d->tok = json_tokener_new();
	d->sink = *sink;
	d->arg = arg;
	d->log.emit = emit;
	d->log.arg = d;
	hold_init(&d->log);
	return d;
}

void decoder_free(struct decoder *d)
{
	if (!d)
		return;
	strbuf_free(&d->join.text);
	strbuf_free(&d->soft);
	strbuf_free(&d->last);
	strbuf_free(&d->scratch);
	probe_free(d->probes);
	json_object_put(d->json);
	if (d->tok)
		json_tokener_free(d->tok);
	free(d);
}

const struct decode_counts *decoder_counts(const struct decoder *d)
{
	return &d->counts;
}

static void undecoded(struct decoder *d, uint64_t line, struct slice text, const char *why)
{
	d->counts.undecoded++;
	if (d->sink.undecoded)
		d->sink.undecoded(d->arg, line, text, why);
}

/* "> > text" of mails, however deep. */
static struct slice strip_quotes(struct slice s)
{
	size_t i = 0, end = 0;

	for (; i < s.n && (s.p[i] == '>' || is_blank(s.p[i])); i++)
		if (s.p[i] == '>')
			end = i + 1;
	if (end < s.n && s.p[end] == ' ' && end)
		end++;
	return (struct slice){ s.p + end, s.n - end };
}

static enum line_result log_line(struct decoder *d, const struct log_msg *m, bool last)
{
	static enum line_result (*const parsers[])(struct log_state *, const struct log_msg *, bool) = {
		log_vtd, log_amd, log_smmu, log_soc, log_misc,
	};
	enum line_result r;

	for (size_t i = 0; i < ARRAY_SIZE(parsers); i++) {
		r = parsers[i](&d->log, m, last);
		if (r != LINE_OTHER)
			return r;
	}
	return LINE_OTHER;
}

/* What nobody took and yet has an IOMMU's words in it. */
static bool looks_like_fault(struct slice t)
{
	/* faults of units that we do not decode, in the kernel's words and in those of two hypervisors */
	static const struct {
		const char *driver, *words;
	} others[] = {
		{ "rk_iommu", "Page fault at" },	 { "sysmmu", "FAULT" },
		{ "mtk-iommu", "fault type" },		 { "mtk_iommu", "fault type" },
		{ "riscv-iommu", "Fault " },		 { "riscv", "iotval" },
		{ "apple-dart", "translation fault" },	 { "ipmmu", "Unhandled fault" },
		{ "sun50i-iommu", "Page fault" },	 { "sprd-iommu", "fault" },
		{ "omap-iommu", "fault" },		 { "tegra-smmu", "fault" },
		{ "(XEN)", "[VT-D]DMAR:[" },		 { "vtd_", "translation failure" },
		{ "amdvi_", "fault" },			 { "s390-iommu", "fault" },
		{ "msm_iommu", "IOMMU page fault" },	 { "DMAR", "fault acc " }, /* FreeBSD */
	};

	if (slice_has(t, "[fault reason ") || slice_has(t, "Event logged [") || slice_has(t, "fault from EP"))
		return true;
	if (slice_has(t, "Request device [") && slice_has(t, "DMA"))
		return true;
	if (slice_has(t, "IO_PAGE_FAULT") && slice_has(t, "addr"))
		return true;
	if (slice_has(t, "io_page_fault:") || slice_has(t, "[IO_PAGE_FAULT"))
		return true;
	if (slice_has(t, "iommu:map(") || slice_has(t, "iommu:unmap(") || slice_has(t, "[tracepoint:iommu:"))
		return true;
	if (slice_has(t, "arm-smmu") && (slice_has(t, "event 0x") || slice_has(t, "context fault: fsr")))
		return true;
	if (!slice_has(t, "ault") && !slice_has(t, "FAULT") && !slice_has(t, "failure"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (slice_has_bytes(t, others[i].driver, strlen(others[i].driver)) && slice_has_bytes(t, others[i].words, strlen(others[i].words)))
			return true;
	return false;
}

static enum line_result classify_log(struct decoder *d, struct slice text, uint64_t line, bool last)
{
	struct log_msg m = { .line = line };

	text.n = MIN(text.n, (size_t)MAX_LOG_LINE);
	log_prefix(text, d->unescaped, sizeof(d->unescaped), &m);
	return log_line(d, &m, last);
}

/* Hands out a traced event; what was held before it comes first. */
static void put(struct decoder *d, const struct event *ev)
{
	hold_emit(&d->log);
	if (!d->log.err)
		d->log.err = emit(d, ev);
}

static void clean_lines(struct decoder *d, struct slice text, uint64_t line);
static void end_join(struct decoder *d);

/*
 * A message of several lines: a whole log as one string of JSON. Each is what it would be in a file, but no JSON again. What they are part of may
 * itself be a record that was joined, or a line that came again: that waits meanwhile.
 */
static enum line_result wrapped_lines(struct decoder *d, struct slice text, uint64_t line)
{
	_cleanup_strbuf_ struct strbuf own = { 0 };
	const struct strbuf last = d->last;
	const struct join outer = d->join;
	struct slice piece;
	struct scan s;
	bool soft;

	strbuf_add(&own, text.p, text.n);
	strbuf_putc(&own, '\n');
	s = (struct scan){ own.s, own.s + own.len };
	d->join = (struct join){ 0 };
	d->last = (struct strbuf){ 0 };
	d->wrapped = true;
	while (scan_until(&s, '\n', &piece)) {
		piece = clean_line(slice_trim(piece), d->cleaned, sizeof(d->cleaned), &soft);
		if (!piece.n || (*piece.p != '{' && *piece.p != '"' && !slice_starts(piece, "[{")))
			clean_lines(d, piece, line);
	}
	end_join(d);
	strbuf_free(&d->join.text);
	strbuf_free(&d->last);
	d->wrapped = false;
	d->join = outer;
	d->last = last;
	return LINE_TAKEN;
}

/* A message that a journal or a logger has wrapped into its own record; it may have a prefix of its own. */
static enum line_result wrapped_log(struct decoder *d, const struct log_msg *m)
{
	struct log_msg own = *m;
	enum line_result r;
	bool soft;

	if (memchr(own.text.p, '\n', own.text.n))
		return wrapped_lines(d, own.text, own.line);

	own.text = clean_line(own.text, d->cleaned, sizeof(d->cleaned), &soft);
	own.text.n = MIN(own.text.n, (size_t)MAX_LOG_LINE);
	log_prefix(own.text, d->unescaped, sizeof(d->unescaped), &own);
	own.fresh = true;
	r = log_line(d, &own, true);
	return r == LINE_OTHER ? LINE_TAKEN : r;
}

static enum line_result classify_json(struct decoder *d, struct slice text, uint64_t line)
{
	struct event ev = { .line = line };
	struct log_msg m = { .line = line };
	enum line_result r;

	for (size_t i = 0;; i++) {
		r = json_line(text, i, d->tok, &d->json, &d->scratch, &ev, &m);
		if (r == LINE_EVENT) {
			put(d, &ev);
			return LINE_TAKEN;
		}
		if (r != LINE_PART) /* a journal's message */
			return i && r == LINE_OTHER ? LINE_TAKEN : r;
		r = wrapped_log(d, &m);
		if (r != LINE_TAKEN)
			return r;
		m = (struct log_msg){ .line = line };
	}
}

/* journalctl -o export, verbose and json-pretty, dmesg -J: a line a field. */
static enum line_result classify_field(struct decoder *d, struct slice text, uint64_t line)
{
	struct log_msg m;
	enum line_result r = json_field(text, d->tok, &d->json, &d->entry);

	if (r != LINE_PART)
		return r;
	m = d->entry;
	m.line = line;
	d->entry = (struct log_msg){ 0 };
	return wrapped_log(d, &m);
}

/* A message of the kernel log that a trace holds: the trace's time is as good as its own. */
static enum line_result traced_log(struct decoder *d, const struct event *ev)
{
	struct log_msg m = { .line = ev->line };

	log_prefix((struct slice){ ev->stamp.p, MIN(ev->stamp.n, (size_t)MAX_LOG_LINE) }, d->unescaped, sizeof(d->unescaped), &m);
	m.time_ns = ev->time_ns;
	m.has_time = true;
	m.fresh = true;
	return log_line(d, &m, true);
}

static enum line_result traced_probe(struct decoder *d, struct event *ev)
{
	struct slice name = ev->unit, text = ev->stamp;

	ev->unit = ev->stamp = (struct slice){ 0 };
	return probe_event(&d->probes, name, text, ev);
}

/* A trace within a log: dumped by a kernel that went down, or printed as it happens (tp_printk); and events without their columns. */
static enum line_result classify_odd(struct decoder *d, struct slice text, uint64_t line, struct event *ev)
{
	struct log_msg m = { 0 };
	enum line_result r;

	text.n = MIN(text.n, (size_t)MAX_LOG_LINE);
	log_prefix(text, d->unescaped, sizeof(d->unescaped), &m);
	*ev = (struct event){ .line = line };
	r = ftrace_latency(m.text, ev);
	if (r != LINE_OTHER)
		return r;
	*ev = (struct event){ .line = line, .stamp = m.stamp, .time_ns = m.time_ns, .has = m.has_time ? HAS_TIME : 0 };
	r = ftrace_bare(m.text, ev);
	if (r != LINE_OTHER)
		return r;
	*ev = (struct event){ .line = line };
	return ftrace_perf(text, ev);
}

/* @text without quotes. Events are out when this returns; LINE_PART asks for the next line. */
static enum line_result classify(struct decoder *d, struct slice text, uint64_t line, bool last)
{
	struct event ev = { .line = line };
	enum line_result r;

	if (slice_starts(text, "data: {"))
		text = (struct slice){ text.p + strlen("data: "), text.n - strlen("data: ") };
	if (d->tok && !d->wrapped && (slice_starts(text, "{") || slice_starts(text, "[{"))) {
		r = classify_json(d, text, line);
		if (r != LINE_OTHER)
			return r;
	}
	r = d->tok && !d->wrapped ? classify_field(d, text, line) : LINE_OTHER;
	if (r != LINE_OTHER)
		return r;
	r = text.n && text.p[0] == '#' ? probe_comment(&d->probes, text, &ev) : ftrace_line(text, &ev);
	if (r == LINE_OTHER) {
		r = classify_log(d, text, line, last);
		if (r != LINE_OTHER)
			return r;
		r = classify_odd(d, text, line, &ev);
	}
	if (r == LINE_PROBE)
		r = traced_probe(d, &ev);
	if (r == LINE_EVENT) {
		if (d->probes)
			probe_complete(d->probes, &ev);
		put(d, &ev);
		return LINE_TAKEN;
	}
	if (r == LINE_LOG)
		r = traced_log(d, &ev);
	return r == LINE_PART && last ? LINE_BAD : r;
}

/* The record being joined will get no more lines: takes it as it is. */
static void end_join(struct decoder *d)
{
	struct slice text = { d->join.text.s, d->join.text.len };

	if (!d->join.text.len)
		return;
	if (classify(d, text, d->join.line, true) == LINE_BAD)
		undecoded(d, d->join.line, text, "the record is cut");
	strbuf_reset(&d->join.text);
}

/* Where a record of its own begins, whatever stands before it. A record of VT-d may be wrapped before "Request device". */
static bool starts_record(struct slice t)
{
	static const char *const speakers[] = { "DMAR:", "dmar:", "DMAR-IR:", "AMD-Vi:", "VT-d detected ", "iommu:" };

	for (size_t i = 0; i < ARRAY_SIZE(speakers); i++)
		if (slice_starts_bytes(t, speakers[i], strlen(speakers[i])))
			return true;
	return (slice_has(t, "Request device") && !slice_starts(t, "Request device")) || slice_has(t, "Event logged") || slice_has(t, "handling fault status") ||
	       slice_has(t, "arm-smmu") || slice_has(t, "qcom-iommu") || slice_has(t, "fault from EP") || slice_has(t, "callbacks suppressed") ||
	       slice_has(t, "AMD-Vi: IO_PAGE_FAULT") || slice_has(t, "(XEN)") || slice_has(t, " iommu group ");
}

/* A line that may be the rest of the one before: no prefix of its own, or one of the known second halves. */
static bool may_continue(struct decoder *d, struct slice text)
{
	struct log_msg m = { 0 };
	struct event ev = { 0 };

	if (!text.n || d->join.lines >= MAX_JOINED || text.n > MAX_LOG_LINE || text.p[0] == '{' ||
	    ftrace_line(text, &ev) != LINE_OTHER)
		return false;
	log_prefix(text, d->unescaped, sizeof(d->unescaped), &m);
	if (slice_has(m.text, "[fault reason") && !slice_has(m.text, "Request device"))
		return true;
	if (starts_record(m.text))
		return false;
	if (m.fresh)
		return slice_has(m.text, "address=0x");
	return m.text.n > 0;
}

/* Cut by a terminal, or a serial console, in the middle of a word. Mails are narrower, and are wrapped at blanks. */
static bool ends_at_edge(struct slice text)
{
	return (text.n == 80 || text.n == 132) && !is_blank(text.p[text.n - 1]);
}

/* The text that a second half adds: without its own prefix, and without the "DMAR:" that old kernels repeat. */
static void add_rest(struct decoder *d, struct slice text)
{
	struct log_msg m = { 0 };

	log_prefix(text, d->unescaped, sizeof(d->unescaped), &m);
	if (!d->join.tight || m.fresh || is_blank(*text.p))
		strbuf_putc(&d->join.text, ' ');
	d->join.tight = ends_at_edge(text);
	strbuf_add(&d->join.text, m.text.p, m.text.n);
	d->join.lines++;
}

/* Whether the line went into the record that was waiting. */
static bool try_join(struct decoder *d, struct slice text)
{
	enum line_result r;

	if (!d->join.text.len)
		return false;
	if (!may_continue(d, text)) {
		end_join(d);
		return false;
	}
	add_rest(d, text);
	r = classify(d, (struct slice){ d->join.text.s, d->join.text.len }, d->join.line, false);
	if (r == LINE_PART)
		return true;
	if (r == LINE_BAD)
		undecoded(d, d->join.line, (struct slice){ d->join.text.s, d->join.text.len }, "not in a form that is known");
	strbuf_reset(&d->join.text);
	return true;
}

static void start_join(struct decoder *d, struct slice text, uint64_t line)
{
	strbuf_reset(&d->join.text);
	d->join.tight = ends_at_edge(text);
	text = slice_trim(text);
	strbuf_add(&d->join.text, text.p, MIN(text.n, (size_t)MAX_LOG_LINE));
	d->join.line = line;
	d->join.lines = 0;
}

/* What a logger or the kernel has left out, or lost, is told by a line of its own. */
static bool lost_words(struct slice text, uint64_t *ret_n, struct slice *ret_rest)
{
	static const struct {
		const char *before, *behind;
	} forms[] = {
		{ "** ", " printk messages dropped **" },	       /* kernel/printk/printk.c */
		{ "printk: ", " messages suppressed" },		       /* Xen, and old kernels */
		{ "Missed ", " kernel messages" },		       /* systemd-journald */
		{ "imjournal: ", " messages lost due to rate-limiting" }, /* rsyslog */
		{ "imklog: ", " messages lost due to rate-limiting" },
		{ "/dev/kmsg buffer overrun", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct scan s = scan_of(text);

		*ret_n = 0;
		if (!scan_past_bytes(&s, forms[i].before, strlen(forms[i].before)) ||
		    (*forms[i].behind && (!scan_dec(&s, ret_n) || !scan_bytes(&s, forms[i].behind, strlen(forms[i].behind)))))
			continue;
		*ret_rest = slice_trim(scan_rest(&s));
		return true;
	}
	return false;
}

static void put_lost(struct decoder *d, uint64_t n, uint64_t line)
{
	const struct event ev = { .kind = EVENT_LOST, .line = line, .lost = n };

	put(d, &ev);
}

/* A line without colours and quotes. */
static enum line_result one_line(struct decoder *d, struct slice text, uint64_t line)
{
	enum line_result r;

	if (try_join(d, text))
		return LINE_PART;
	r = classify(d, text, line, false);
	if (r == LINE_PART) {
		start_join(d, text, line);
		return r;
	}
	if (r == LINE_BAD)
		undecoded(d, line, text, "not in a form that is known");
	else if (r == LINE_OTHER && looks_like_fault((struct slice){ text.p, MIN(text.n, (size_t)MAX_LOG_LINE) }))
		undecoded(d, line, text, "has the words of a fault, and not its form");
	text = slice_trim(text);
	if (r == LINE_OTHER && text.n && !is_among(*text.p, "{}]\"")) /* what belongs to JSON around the lines comes between them always */
		hold_age(&d->log);
	return r;
}

/* So many are put in for a line that says that the one before came again; the others are counted as lost. */
#define REPEATS_MAX 1000

/* "message repeated 5 times: [ TEXT]" (rsyslog), "last message repeated 5 times" (other loggers), "[PREVIOUS LINE REPEATED 5 TIMES]" (Unraid): so many more. */
static bool repeated(struct decoder *d, struct slice text, uint64_t line)
{
	struct scan s = scan_of(text);
	struct slice prefix, inner;
	uint64_t n;

	if (!scan_past(&s, "message repeated ") && !scan_past(&s, "PREVIOUS LINE REPEATED "))
		return false;
	prefix = (struct slice){ text.p, (size_t)(s.p - text.p) - strlen("message repeated ") };
	if (!scan_dec(&s, &n) || (!scan_lit(&s, " time") && !scan_lit(&s, " TIME")))
		return false;
	if (scan_past(&s, ": [")) {
		inner = slice_trim(scan_rest(&s));
		inner.n -= inner.n && inner.p[inner.n - 1] == ']';
		strbuf_reset(&d->last);
		strbuf_add(&d->last, prefix.p, prefix.n);
		strbuf_add(&d->last, inner.p, inner.n);
	}
	for (uint64_t i = 0; d->last.len && i < MIN(n, (uint64_t)REPEATS_MAX); i++)
		one_line(d, (struct slice){ d->last.s, d->last.len }, line);
	if (d->last.len && n > REPEATS_MAX)
		put_lost(d, n - REPEATS_MAX, line);
	return true;
}

static void clean_slow_line(struct decoder *d, struct slice text, uint64_t line)
{
	uint64_t n;

	if (slice_has(text, "message") || slice_has(text, "/dev/kmsg") || slice_has(text, "LINE REPEATED")) {
		if (lost_words((struct slice){ text.p, MIN(text.n, (size_t)MAX_LOG_LINE) }, &n, &text)) {
			put_lost(d, n, line);
			if (!text.n)
				return;
		} else if (text.n <= MAX_LOG_LINE && !slice_starts(text, "{") && repeated(d, text, line)) {
			return;
		}
	}
	if (one_line(d, text, line) == LINE_TAKEN && text.n <= MAX_LOG_LINE) {
		strbuf_reset(&d->last);
		strbuf_add(&d->last, text.p, text.n);
	} else {
		strbuf_reset(&d->last);
	}
}

/* A line that holds several: of a page's markup, or of a paste or console that lost line ends. Not JSON, where they are one record. */
static void clean_lines(struct decoder *d, struct slice text, uint64_t line)
{
	bool json = slice_starts(text, "{") || slice_starts(text, "[{");

	do {
		size_t n = json ? text.n : log_second_record(text);
		const char *nl = json ? NULL : memchr(text.p, '\n', n);

		n = nl ? (size_t)(nl - text.p) : n;
		clean_slow_line(d, strip_quotes((struct slice){ text.p, n }), line);
		n += nl ? 1 : 0;
		text = (struct slice){ text.p + n, text.n - n };
	} while (text.n);
}

/* Takes the line that waited for this one together with it. */
static void end_soft(struct decoder *d)
{
	_cleanup_strbuf_ struct strbuf whole = d->soft;

	d->soft = (struct strbuf){ 0 };
	clean_lines(d, (struct slice){ whole.s, whole.len }, d->soft_line);
}

static void slow_line(struct decoder *d, struct slice text, uint64_t line);

/* A line that is longer than any message, and no JSON: a whole log without its line ends. In pieces, each looked at once. */
static bool long_line(struct decoder *d, struct slice text, uint64_t line)
{
	const char *end = text.p + text.n, *br = text.p;
	bool cut = false;

	if (text.n <= MAX_LOG_LINE || slice_starts(text, "{") || slice_starts(text, "[{"))
		return false;
	while (text.n) {
		size_t n;

		if (br <= text.p && br != end)
			br = memmem(text.p + 1, text.n - 1, "<br", 3) ?: end;
		n = log_second_record((struct slice){ text.p, MIN(text.n, (size_t)(br - text.p)) });
		cut |= n < text.n;
		if (!cut)
			return false;
		slow_line(d, (struct slice){ text.p, MIN(n, (size_t)MAX_LOG_LINE) }, line);
		text = (struct slice){ text.p + n, text.n - n };
	}
	return true;
}

/* Everything but a plain line of a trace. */
static void slow_line(struct decoder *d, struct slice text, uint64_t line)
{
	bool soft;

	if (long_line(d, text, line))
		return;
	text = clean_line(text, d->cleaned, sizeof(d->cleaned), &soft);
	if (!soft && !d->soft.len) {
		clean_lines(d, text, line);
		return;
	}
	if (!d->soft.len)
		d->soft_line = line;
	strbuf_add(&d->soft, text.p, text.n);
	if (!soft || d->soft.len > MAX_LOG_LINE)
		end_soft(d);
}

int decoder_line(struct decoder *d, struct slice text, uint64_t line)
{
	struct event ev = { .line = line };
	enum line_result r = LINE_OTHER;

	d->counts.lines++;
	while (text.n && text.p[text.n - 1] == '\r')
		text.n--;
	if (!d->join.text.len && !d->soft.len && slice_starts(text, "{")) {
		/* a record of ours is as it was written, whatever its strings quote; no line of a trace begins so */
		if (d->tok && slice_starts(text, "{\"kind\":") && classify_json(d, text, line) == LINE_TAKEN)
			return d->log.err;
	} else if (!d->join.text.len && !d->soft.len) {
		r = ftrace_line(text, &ev);
	}
	if (r == LINE_PROBE)
		r = traced_probe(d, &ev);
	if (r == LINE_EVENT) {
		if (hold_any(&d->log))
			hold_emit(&d->log);
		if (d->probes)
			probe_complete(d->probes, &ev);
		return d->log.err ?: emit(d, &ev);
	}
	if (r == LINE_LOG)
		r = traced_log(d, &ev) == LINE_BAD ? LINE_OTHER : LINE_TAKEN;
	if (r == LINE_BAD)
		undecoded(d, line, text, "a probe's event is cut");
	else if (r != LINE_TAKEN)
		slow_line(d, text, line);
	return d->log.err;
}

int decoder_kmsg(struct decoder *d, const struct kmsg_line *record, uint64_t line)
{
	_cleanup_strbuf_ struct strbuf text = { 0 };
	struct slice words;

	if (record->usec.known)
		strbuf_printf(&text, "[%" PRIu64 ".%06" PRIu64 "] ", (uint64_t)record->usec.v / 1000000, (uint64_t)record->usec.v % 1000000);
	/* a record keeps the form that /dev/kmsg gave it */
	words = log_unescape((struct slice){ record->text, strlen(record->text) }, d->unescaped, sizeof(d->unescaped));
	strbuf_add(&text, words.p, words.n);
	return decoder_line(d, (struct slice){ strbuf_str(&text), text.len }, line);
}

int decoder_message(struct decoder *d, struct slice text, uint64_t line, uint64_t time_ns)
{
	const struct event ev = { .line = line, .time_ns = time_ns, .stamp = text };

	d->counts.lines++;
	if (traced_log(d, &ev) == LINE_BAD)
		undecoded(d, line, text, "not in a form that is known");
	return d->log.err;
}

int decoder_flush(struct decoder *d)
{
	if (d->soft.len)
		end_soft(d);
	end_join(d);
	hold_emit(&d->log);
	return d->log.err;
}
