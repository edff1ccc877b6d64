// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/trace-input.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "trace/reader.h"
#include "trace/tracedat.h"

static int on_event(void *arg, const struct event *ev)
{
	struct trace_input *in = arg;

	return in->event(in->arg, ev);
}

static void on_undecoded(void *arg, uint64_t line, struct slice text, const char *why)
{
	struct trace_input *in = arg;

	(void)text;
	(void)why;
	if (in->n_undecoded < UNDECODED_NAMED)
		in->undecoded[in->n_undecoded] = line;
	in->n_undecoded++;
}

const struct decode_sink trace_input_sink = { on_event, on_undecoded };

const char *trace_input_name(const char *file)
{
	return streq(file, "-") ? "stdin" : file;
}

static void stop(int sig)
{
	(void)sig;
	reader_stop();
}

/* -- progress -------------------------------------------------------------------------------------------- */

static double seconds_since(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - t->tv_sec) + (double)(now.tv_nsec - t->tv_nsec) / 1e9;
}

static void progress_start(struct trace_input *in)
{
	struct trace_progress *p = &in->progress;

	*p = (struct trace_progress){ .on = isatty(STDERR_FILENO) && !in->follow && in->inv->ctx->verbosity >= 0 };
	clock_gettime(CLOCK_MONOTONIC, &p->start);
	p->last = p->start;
}

#define BAR 30

static void progress_draw(void *arg, uint64_t done, uint64_t size)
{
	struct trace_progress *p = &((struct trace_input *)arg)->progress;
	char bar[BAR + 1];
	unsigned full;

	if (!p->on || seconds_since(&p->start) < 1 || seconds_since(&p->last) < 0.1)
		return;
	clock_gettime(CLOCK_MONOTONIC, &p->last);
	p->drawn = true;
	if (!size) {
		fprintf(stderr, "\r%" PRIu64 " MiB ", done >> 20);
		return;
	}
	full = (unsigned)(MIN(done, size) * BAR / size);
	memset(bar, '#', full);
	memset(bar + full, '.', BAR - full);
	bar[BAR] = '\0';
	fprintf(stderr, "\r[%s] %3" PRIu64 "%% of %" PRIu64 " MiB ", bar, MIN(done, size) * 100 / size, size >> 20);
}

static void progress_end(const struct trace_progress *p)
{
	if (p->drawn)
		fprintf(stderr, "\r\033[K");
}

/* -- reading --------------------------------------------------------------------------------------------- */

/* Lines between two looks at the clock. */
#define PROGRESS_LINES 16384

static int read_lines(struct trace_input *in, struct reader *r, struct decoder *d)
{
	struct slice line;
	int ret;

	progress_start(in);
	while ((ret = reader_next(r, &line)) > 0) {
		if (ret == READER_LINE) {
			ret = decoder_line(d, line, reader_line(r));
			if (in->progress.on && ++in->progress.calls % PROGRESS_LINES == 0)
				progress_draw(in, reader_done(r), reader_size(r));
		} else {
			ret = decoder_flush(d);
			if (ret >= 0)
				ret = out_flush(in->inv->out);
		}
		if (ret < 0)
			break;
	}
	progress_end(&in->progress);
	in->interrupted = ret == -EINTR;
	return ret < 0 && ret != -EINTR ? ret : decoder_flush(d);
}

static void note_undecoded(struct trace_input *in)
{
	_cleanup_strbuf_ struct strbuf lines = { 0 };
	bool strict = inv_opt(in->inv, "strict");

	if (!in->n_undecoded)
		return;
	for (size_t i = 0; i < MIN(in->n_undecoded, (size_t)UNDECODED_NAMED); i++)
		strbuf_printf(&lines, "%s%" PRIu64, i ? ", " : in->n_undecoded == 1 ? "line " : "lines ", in->undecoded[i]);
	if (in->n_undecoded > UNDECODED_NAMED)
		strbuf_printf(&lines, " and %zu more", in->n_undecoded - UNDECODED_NAMED);
	ctx_note(in->inv->ctx,
		 (struct note){ .level = strict ? NOTE_ERROR : NOTE_WARNING, .code = "undecoded", .err = strict ? EBADMSG : 0,
				.why = lines.s, .where = in->file },
		 "%s: %zu %s an IOMMU's words and could not be decoded", in->file, in->n_undecoded,
		 in->n_undecoded == 1 ? "line has" : "lines have");
}

static void note_reading(struct trace_input *in, const struct reader *r)
{
	if (reader_cut(r))
		ctx_warn(in->inv->ctx, "long-lines", 0, in->file, "%s: %" PRIu64 " lines are longer than %u MiB; only their beginning "
			 "was read", in->file, reader_cut(r), READER_MAX_LINE >> 20);
}

void trace_input_done(struct trace_input *in, const struct decoder *d)
{
	in->counts = *decoder_counts(d);
	note_undecoded(in);
	if (in->counts.lost)
		ctx_warn(in->inv->ctx, "events-lost", 0, in->file, "%s: the recorder lost %" PRIu64 " events or more: what follows "
			 "from counts is a lower bound", in->file, in->counts.lost);
}

/* A file of something else, or a trace that was recorded without these events; an empty one is just that. */
static void note_nothing(const struct trace_input *in, bool is_dat)
{
	if (in->counts.events || in->none_is_fine || in->follow || in->interrupted || (!is_dat && !in->counts.lines))
		return;
	ctx_note(in->inv->ctx, (struct note){ .level = NOTE_WARNING, .code = "no-events", .where = in->file,
					      .why = "it is no trace or log, or was recorded without them",
					      .hint = "iommuctl trace record, or trace-cmd record -e iommu, has them" },
		 "%s: no event of an IOMMU in it", in->file);
}

static int read_tracedat(struct trace_input *in, const char *file)
{
	int ret;

	progress_start(in);
	ret = tracedat_read(in->inv->ctx, file, on_event, progress_draw, in, &in->counts);
	progress_end(&in->progress);
	if (ret == 0)
		note_nothing(in, true);
	return ret;
}

int trace_input_read(struct trace_input *in, const char *file)
{
	_cleanup_(cleanup_reader_close) struct reader *r = NULL;
	_cleanup_(cleanup_decoder_free) struct decoder *d = decoder_new(&trace_input_sink, in);
	struct slice head = { 0 };
	int ret;

	in->file = trace_input_name(file);
	ret = reader_open(in->inv->ctx, file, in->follow, &r);
	if (ret < 0)
		return ret;
	if (in->follow)
		sigaction(SIGINT, &(struct sigaction){ .sa_handler = stop }, NULL);
	if (!in->follow)
		ret = reader_peek(r, 16, &head);
	if (ret < 0)
		return ret;
	if (tracedat_is(head) && reader_unpacks(r))
		return ctx_error(in->inv->ctx, NOTE(.code = "compressed", .err = ESPIPE, .why = "a compressed trace.dat is not unpacked here",
						    .where = in->file, .hint = "unpack it first"), "%s", in->file);
	if (tracedat_is(head))
		return read_tracedat(in, file);
	ret = read_lines(in, r, d);
	if (ret < 0)
		return ret;
	note_reading(in, r);
	trace_input_done(in, d);
	note_nothing(in, false);
	in->counts.damaged |= reader_damaged(r);
	return 0;
}

int trace_input_exit(const struct trace_input *in)
{
	if (in->interrupted)
		return EXIT_INTERRUPTED;
	return (in->n_undecoded || in->counts.damaged) && inv_opt(in->inv, "strict") ? EXIT_FAILED : EXIT_DONE;
}
