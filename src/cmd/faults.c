// SPDX-License-Identifier: GPL-2.0-or-later
/* faults decode; faults watch is in faults-watch.c */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd/faults.h"
#include "cmd/trace-input.h"
#include "diag/faults.h"
#include "source/kmsg.h"

struct run {
	struct invocation *inv;
	struct fault_table *table;
	bool text;
	struct trace_input in;
};

static int print_row(struct run *run, const struct fault_row *row);

static int on_event(void *arg, const struct event *ev)
{
	struct run *run = arg;
	const struct fault_row *row = fault_table_add(run->table, ev);

	return run->in.follow && row ? print_row(run, row) : 0;
}

/* -- text ------------------------------------------------------------------------------------------------ */

/* Addresses that are listed of one story. */
#define STORY_PLACES 5

static void print_story(struct out *o, const struct fault_row *const *rows, size_t n)
{
	uint64_t count = 0, low = UINT64_MAX, high = 0;

	for (size_t i = 0; i < n; i++)
		count += (uint64_t)rows[i]->count.v;
	fault_print_who(o, rows[0]);
	fault_print_what(o, rows[0], count);
	for (size_t i = 0; i < n; i++) {
		if (i < STORY_PLACES) {
			fault_print_place(o, rows[i], true);
			continue;
		}
		low = MIN(low, (uint64_t)rows[i]->address.v);
		high = MAX(high, (uint64_t)rows[i]->address.v);
	}
	if (n > STORY_PLACES)
		out_text(o, "    ... and %zu more pages from 0x%" PRIx64 " to 0x%" PRIx64, n - STORY_PLACES, low, high);
	fault_print_advice(o, rows[0]);
}

/* Stories together, each in the order of its rows. */
static int by_story(const void *a, const void *b)
{
	const struct fault_row *const *x = a, *const *y = b;

	return fault_order_of_stories(*x, *y) ?: (*x > *y) - (*x < *y);
}

/* In the order in which they began. */
static void print_stories(struct run *run, const struct fault_row *rows, size_t n)
{
	_cleanup_free_ const struct fault_row **sorted = must_calloc(n + 1, sizeof(*sorted));
	_cleanup_free_ size_t *start = must_calloc(n + 1, sizeof(*start)), *len = must_calloc(n + 1, sizeof(*len)); /* by its first row */

	for (size_t i = 0; i < n; i++)
		sorted[i] = &rows[i];
	qsort(sorted, n, sizeof(*sorted), by_story);
	for (size_t i = 0, first = 0; i < n; i++) {
		if (fault_order_of_stories(sorted[first], sorted[i]))
			first = i;
		start[sorted[first] - rows] = first;
		len[sorted[first] - rows]++;
	}
	for (size_t i = 0; i < n; i++)
		if (len[i])
			print_story(run->inv->out, sorted + start[i], len[i]);
}

static int print_row(struct run *run, const struct fault_row *row)
{
	if (!run->text)
		return out_row(run->inv->out, row);
	fault_print_who(run->inv->out, row);
	fault_print_what(run->inv->out, row, (uint64_t)row->count.v);
	fault_print_place(run->inv->out, row, true);
	fault_print_advice(run->inv->out, row);
	return 0;
}

/* -- reading --------------------------------------------------------------------------------------------- */

/* No file: the log of the machine looked at. */
static int read_kernel_log(struct run *run)
{
	_cleanup_(cleanup_decoder_free) struct decoder *d = decoder_new(&trace_input_sink, &run->in);
	struct invocation *inv = run->inv;
	_cleanup_(arena_free) struct arena arena = { 0 };
	struct kmsg log = { 0 };
	int r = source_kmsg(inv->source, inv->ctx, &arena, &log);

	if (r < 0)
		return ctx_error(inv->ctx,
				 NOTE(.code = "no-kernel-log", .err = r,
				      .hint = r == -EPERM || r == -EACCES ? "run as root, or give a file: journalctl -k | iommuctl faults decode -" :
									    "give a file: iommuctl faults decode FILE"),
				 "the kernel log");
	if (!log.complete)
		ctx_warn(inv->ctx, "log-incomplete", 0, NULL, "the kernel log does not reach back to the boot: its beginning was "
			 "overwritten or left out");
	for (size_t i = 0; r >= 0 && i < log.n; i++)
		r = decoder_kmsg(d, &log.v[i], i + 1);
	if (r >= 0)
		r = decoder_flush(d);
	trace_input_done(&run->in, d);
	return r;
}

static void note_source(struct run *run, const char *file, const struct host *h)
{
	struct ctx *ctx = run->inv->ctx;

	if (fault_table_dropped(run->table))
		ctx_warn(ctx, "faults-dropped", 0, run->in.file, "%" PRIu64 " faults beyond %u different ones were only counted",
			 fault_table_dropped(run->table), FAULT_TABLE_MAX);
	if (fault_table_other_machine(run->table))
		ctx_note(ctx,
			 (struct note){ .level = NOTE_WARNING, .code = "other-machine", .where = run->in.file,
					.why = "its boot lines give devices other groups than the machine looked at",
					.hint = "--from takes a snapshot of the machine that wrote it" },
			 "%s is the log of another machine or boot: names and groups are not looked up", run->in.file);
	else if (file && h && !run->inv->from && fault_table_total(run->table))
		ctx_note(ctx,
			 (struct note){ .level = NOTE_WARNING, .code = "looked-up-here", .where = run->in.file,
					.hint = "for a log of another machine: --from its snapshot, or --no-lookup" },
			 "names and groups are those of this machine, now");
}

static int finish(struct run *run)
{
	struct out *o = run->inv->out;
	const struct fault_row *rows;
	size_t n;
	int r = 0;

	if (run->in.follow)
		return 0;
	rows = fault_table_rows(run->table, &n);
	if (run->text) {
		print_stories(run, rows, n);
		if (n)
			out_text(o, "%" PRIu64 " %s in %s", fault_table_total(run->table),
				 fault_table_total(run->table) == 1 ? "fault" : "faults", run->in.file);
		else
			out_text(o, "no faults in %s", run->in.file);
		return 0;
	}
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = out_row(o, &rows[i]);
	return r;
}

static int run_decode(struct invocation *inv)
{
	const char *file = inv->argc ? inv->argv[0] : NULL;
	const struct out_options *opt = out_options(inv->out);
	_cleanup_(cleanup_fault_table_free) struct fault_table *table = NULL;
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	struct run run = { .inv = inv, .text = !opt->json && !opt->raw && !opt->cols };
	int r = 0;

	run.in = (struct trace_input){ .inv = inv, .event = on_event, .arg = &run, .follow = inv_opt(inv, "follow"), .none_is_fine = true };
	run.in.file = file ? trace_input_name(file) : "the kernel log";
	if (run.in.follow && !file) {
		ctx_error(inv->ctx, NOTE(.code = "usage", .err = EINVAL, .why = "needs a file to follow",
					 .hint = "iommuctl faults decode -f /dev/kmsg"), "--follow");
		return EXIT_USAGE;
	}
	if (run.in.follow)
		out_set_stream(inv->out);
	if (out_begin(inv->out, &fault_record) < 0)
		return EXIT_USAGE;
	if (!inv_opt(inv, "no-lookup"))
		r = host_load(inv->ctx, inv->source, HOST_ALL, &h);
	if (r < 0)
		return r;
	run.table = table = fault_table_new(run.in.file, h);
	r = file ? trace_input_read(&run.in, file) : read_kernel_log(&run);
	if (r >= 0)
		r = finish(&run);
	note_source(&run, file, h);
	return r < 0 ? r : trace_input_exit(&run.in);
}

static const struct arg_row decode_args[] = {
	{ .name = "FILE|-", .help = "log or trace to read; without it the kernel log of the machine looked at",
	  .complete = COMPLETE_FILE, .optional = true },
	{ 0 },
};

static const struct option_row decode_options[] = {
	{ .short_name = 'f', .name = "follow", .help = "go on reading at the end of FILE, as tail -f does" },
	{ .name = "strict", .help = "fail when a line looks like a fault and cannot be decoded" },
	{ .name = "no-lookup", .help = "take nothing from the machine looked at: the log is of another one" },
	{ 0 },
};

static const struct command commands[] = {
	{
		.verb = "decode",
		.summary = "explain the faults of a log or trace",
		.text = "Reads kernel logs (dmesg in any of its forms, journalctl as text or with -o json, /dev/kmsg, mails and "
			"pages with quoted and wrapped logs, loggers' JSON), ftrace text and iommuctl's own JSON Lines, in any mixture, compressed or "
			"not, from VT-d, AMD-Vi, SMMUv2, SMMUv3, virtio-iommu and the units of systems on chips.\n\n"
			"Each fault is explained: which device, what was wrong in plain words, what lies at the address, what it usually means "
			"and what to run next. Repeats are counted. Devices are looked up on the machine looked at: this one, or that of "
			"--from; where the log cannot be of that machine they are not, and it says so.\n\n"
			"Lines that look like faults and cannot be decoded are named at the end. With --follow, a fault is written when it is "
			"first seen; repeats are not, and -j writes JSON Lines.",
		.args = decode_args,
		.options = decode_options,
		.record = &fault_record,
		.run = run_decode,
	},
	{
		.verb = "watch",
		.summary = "explain faults as they happen",
		.text = faults_watch_text,
		.options = faults_watch_options,
		.record = &fault_watch_record,
		.flags = COMMAND_STREAM,
		.run = faults_watch_run,
	},
};

const struct noun noun_faults = {
	.name = "faults",
	.summary = "DMA and interrupt faults: who, what, where, why",
	.commands = commands,
	.n = ARRAY_SIZE(commands),
};
