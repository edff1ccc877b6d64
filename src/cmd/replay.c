// SPDX-License-Identifier: GPL-2.0-or-later
/* replay: a trace played into the model, the kernel's selftest devices, or a session. */
#include "replay/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd/machine.h"
#include "cmd/take.h"
#include "cmd/trace-input.h"
#include "host/host.h"
#include "model/model.h"

/* -- the record ---------------------------------------------------------------------------------------------------------------- */

struct ops_row {
	struct num done, failed;
	const char *error;
	struct num error_line;
};

static const struct field ops_fields[] = {
	FIELD(struct ops_row, done, F_INT, "DONE", "succeeded"),
	FIELD(struct ops_row, failed, F_INT, "FAILED", "the backend refused"),
	FIELD(struct ops_row, error, F_STR, "ERROR", "of the first that failed"),
	FIELD(struct ops_row, error_line, F_INT, "ERROR_LINE", "where that was read"),
};

static const struct record_type ops_type = RECORD("replay.operations", 1, struct ops_row, ops_fields);

struct outcome_row {
	struct num none, success, invalid, failure, refused;
};

static const struct field outcome_fields[] = {
	FIELD(struct outcome_row, none, F_INT, "NONE", "groups that got no answer"),
	FIELD(struct outcome_row, success, F_INT, "SUCCESS", "groups"),
	FIELD(struct outcome_row, invalid, F_INT, "INVALID", "groups"),
	FIELD(struct outcome_row, failure, F_INT, "FAILURE", "groups; only recorded, user space has no such answer"),
	FIELD(struct outcome_row, refused, F_INT, "REFUSED", "groups that the core answered invalid by itself, since nobody takes the device's requests"),
};

static const struct record_type outcome_type = RECORD("replay.outcomes", 1, struct outcome_row, outcome_fields);

struct difference_row {
	struct num line;
	const char *device;
	struct num group;
	const char *recorded, *replayed;
};

static const struct field difference_fields[] = {
	FIELD(struct difference_row, line, F_INT, "LINE", "of the group's first request", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct difference_row, device, F_STR, "DEVICE", "that asked", .flags = FIELD_DEFAULT),
	FIELD(struct difference_row, group, F_INT, "GROUP", "its page request group index", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct difference_row, recorded, F_STR, "RECORDED", "none, success, invalid, failure", .flags = FIELD_DEFAULT),
	FIELD(struct difference_row, replayed, F_STR, "REPLAYED", "none, success, invalid, refused", .flags = FIELD_DEFAULT),
};

static const struct record_type difference_type = RECORD("replay.difference", 1, struct difference_row, difference_fields);

struct replay_row {
	const char *file, *on, *policy, *layout;
	struct num events, devices, domains, attaches, detaches;
	const struct ops_row *maps, *unmaps, *invalidations;
	struct num requests, groups, incomplete, folded;
	const struct outcome_row *recorded, *replayed;
	struct num drained, lost, overdue;
	struct num latency_p50, latency_p99, latency_max;
	struct num n_differences;
	struct rows differences;
	struct num units, placed, unplaced, broadcasts, live_bytes, not_cleaned;
};

static const struct field replay_fields[] = {
	FIELD(struct replay_row, file, F_STR, "FILE", "that was played"),
	FIELD(struct replay_row, on, F_STR, "ON", "model, mock, session"),
	FIELD(struct replay_row, policy, F_STR, "POLICY", "success, invalid, as-recorded"),
	FIELD(struct replay_row, layout, F_STR, "LAYOUT", "per-iommu, shared"),
	FIELD(struct replay_row, events, F_INT, "EVENTS", "played"),
	FIELD(struct replay_row, devices, F_INT, "DEVICES", "made for those of the trace"),
	FIELD(struct replay_row, domains, F_INT, "DOMAINS", "address spaces made; one for all events that name no domain"),
	FIELD(struct replay_row, attaches, F_INT, "ATTACHES", "played"),
	FIELD(struct replay_row, detaches, F_INT, "DETACHES", "played"),
	FIELD(struct replay_row, maps, F_OBJ, "MAPS", "what became of them", .sub = &ops_type),
	FIELD(struct replay_row, unmaps, F_OBJ, "UNMAPS", "what became of them", .sub = &ops_type),
	FIELD(struct replay_row, invalidations, F_OBJ, "INVALIDATIONS", "what became of them", .sub = &ops_type),
	FIELD(struct replay_row, requests, F_INT, "REQUESTS", "page requests"),
	FIELD(struct replay_row, groups, F_INT, "GROUPS", "of page requests"),
	FIELD(struct replay_row, incomplete, F_INT, "INCOMPLETE", "groups whose last page is not in the trace"),
	FIELD(struct replay_row, folded, F_INT, "FOLDED",
	      "requests that were left to the last one of their group: the selftest driver makes each request the last"),
	FIELD(struct replay_row, recorded, F_OBJ, "RECORDED", "answers in the trace, of all groups", .sub = &outcome_type),
	FIELD(struct replay_row, replayed, F_OBJ, "REPLAYED", "answers in the replay, of complete groups", .sub = &outcome_type),
	FIELD(struct replay_row, drained, F_INT, "DRAINED", "groups that were answered because their device was about to be detached or moved"),
	FIELD(struct replay_row, lost, F_INT, "LOST", "complete groups that nothing became of: none may be"),
	FIELD(struct replay_row, overdue, F_INT, "OVERDUE", "groups that the trace does not answer; answered when their device began anew, or at the end"),
	FIELD(struct replay_row, latency_p50, F_INT, "LATENCY_P50", "half of the groups were answered sooner, here", .unit = "nanoseconds"),
	FIELD(struct replay_row, latency_p99, F_INT, "LATENCY_P99", "99 of 100 were", .unit = "nanoseconds"),
	FIELD(struct replay_row, latency_max, F_INT, "LATENCY_MAX", "longest", .unit = "nanoseconds"),
	FIELD(struct replay_row, n_differences, F_INT, "N_DIFFERENCES", "complete groups whose answer was another than the recorded"),
	FIELD(struct replay_row, differences, F_LIST, "DIFFERENCES", "the first 64 of them", .sub = &difference_type),
	FIELD(struct replay_row, units, F_INT, "UNITS", "IOMMU units, of the trace or of the machine"),
	FIELD(struct replay_row, placed, F_INT, "PLACED", "invalidations that name a device, and so a unit"),
	FIELD(struct replay_row, unplaced, F_INT, "UNPLACED", "invalidations that name none"),
	FIELD(struct replay_row, broadcasts, F_INT, "BROADCASTS",
	      "further commands that these cost a guest with one virtual IOMMU over all units, which cannot know the unit"),
	FIELD(struct replay_row, live_bytes, F_INT, "LIVE_BYTES", "still mapped at the end of the trace", .unit = "bytes"),
	FIELD(struct replay_row, not_cleaned, F_INT, "NOT_CLEANED", "objects that could not be destroyed afterwards"),
};

static const struct record_type replay_record = RECORD("replay", 1, struct replay_row, replay_fields);

static const struct ops_row *ops_row(struct arena *a, const struct replay_ops *o)
{
	struct ops_row *r = arena_new(a, struct ops_row);

	*r = (struct ops_row){ NUM(o->done), NUM(o->failed), o->failed ? strerrorname_np(o->err) : NULL,
			       o->failed ? NUM(o->err_line) : NUM_UNKNOWN };
	return r;
}

static const struct outcome_row *outcome_row(struct arena *a, const uint64_t *n)
{
	struct outcome_row *r = arena_new(a, struct outcome_row);

	*r = (struct outcome_row){ NUM(n[OUTCOME_NONE]), NUM(n[OUTCOME_SUCCESS]), NUM(n[OUTCOME_INVALID]), NUM(n[OUTCOME_FAILURE]),
				   NUM(n[OUTCOME_REFUSED]) };
	return r;
}

static struct rows difference_rows(struct arena *a, const struct replay_report *p)
{
	size_t n = (size_t)MIN(p->differences, (uint64_t)REPLAY_DIFFERENCES);
	struct difference_row *v = arena_array(a, struct difference_row, n + 1);

	for (size_t i = 0; i < n; i++)
		v[i] = (struct difference_row){ NUM(p->v[i].line), p->v[i].device, NUM(p->v[i].group),
						replay_outcome_name(p->v[i].recorded), replay_outcome_name(p->v[i].replayed) };
	return ROWS(v, n);
}

static struct num percentile(const struct stat_latency *l, double percent)
{
	return l->n ? NUM(latency_percentile(l, percent)) : NUM_UNKNOWN;
}

static void fill_row(struct arena *a, const struct replay_report *p, struct replay_row *r)
{
	*r = (struct replay_row){
		.file = r->file,
		.on = r->on,
		.policy = r->policy,
		.layout = r->layout,
		.events = NUM(p->events),
		.devices = NUM(p->devices),
		.domains = NUM(p->domains),
		.attaches = NUM(p->attaches),
		.detaches = NUM(p->detaches),
		.maps = ops_row(a, &p->maps),
		.unmaps = ops_row(a, &p->unmaps),
		.invalidations = ops_row(a, &p->invalidations),
		.requests = NUM(p->requests),
		.groups = NUM(p->groups),
		.incomplete = NUM(p->incomplete),
		.folded = NUM(p->folded),
		.recorded = outcome_row(a, p->recorded),
		.replayed = outcome_row(a, p->replayed),
		.drained = NUM(p->drained),
		.lost = NUM(p->lost),
		.overdue = NUM(p->overdue),
		.latency_p50 = percentile(&p->latency, 50),
		.latency_p99 = percentile(&p->latency, 99),
		.latency_max = p->latency.n ? NUM(p->latency.max) : NUM_UNKNOWN,
		.n_differences = NUM(p->differences),
		.differences = difference_rows(a, p),
		.units = NUM(p->units),
		.placed = NUM(p->placed),
		.unplaced = NUM(p->unplaced),
		.broadcasts = NUM(p->broadcasts),
		.live_bytes = NUM(p->live_bytes),
		.not_cleaned = NUM(p->not_cleaned),
	};
}

/* -- text ---------------------------------------------------------------------------------------------------------------------- */

static void print_ops(struct out *o, const char *what, const struct ops_row *r)
{
	if (!r->done.v && !r->failed.v)
		return;
	out_text(o, "  %s: %" PRId64 " done%s", what, r->done.v, r->failed.v ? "" : ", none refused");
	if (r->failed.v)
		out_text(o, "    refused: %" PRId64 ", the first with %s at line %" PRId64, r->failed.v, r->error ?: "an error", r->error_line.v);
}

static void print_groups(struct out *o, const struct replay_row *r)
{
	const struct outcome_row *was = r->recorded, *is = r->replayed;
	const struct difference_row *d = r->differences.v;

	if (!r->groups.v)
		return;
	out_text(o, "  page requests: %" PRId64 " in %" PRId64 " groups", r->requests.v, r->groups.v);
	out_text(o, "    recorded: %" PRId64 " success, %" PRId64 " invalid, %" PRId64 " failure, %" PRId64 " not answered", was->success.v,
		 was->invalid.v, was->failure.v, was->none.v);
	out_text(o, "    replayed: %" PRId64 " success, %" PRId64 " invalid, %" PRId64 " refused, %" PRId64 " not answered", is->success.v,
		 is->invalid.v, is->refused.v, is->none.v);
	if (r->incomplete.v)
		out_text(o, "    groups whose last page is not in the trace: %" PRId64, r->incomplete.v);
	if (r->folded.v)
		out_text(o, "    requests folded into the last of their group: %" PRId64 " (the selftest driver makes each request the last)", r->folded.v);
	if (r->drained.v)
		out_text(o, "    answered because their device was about to be detached or moved: %" PRId64, r->drained.v);
	if (r->overdue.v)
		out_text(o, "    answered because nothing in the trace answers them: %" PRId64, r->overdue.v);
	out_text(o, "    lost: %" PRId64, r->lost.v);
	if (r->n_differences.v)
		out_text(o, "    answered otherwise than recorded: %" PRId64, r->n_differences.v);
	for (size_t i = 0; i < MIN(r->differences.n, (size_t)10); i++)
		out_text(o, "      line %" PRId64 ": %s group %" PRId64 ": %s, recorded %s", d[i].line.v, d[i].device, d[i].group.v, d[i].replayed,
			 d[i].recorded);
}

static void print_row(struct out *o, const struct replay_row *r)
{
	out_styled(o, STYLE_BOLD, r->file);
	out_text(o, ": %" PRId64 " events on %s, %" PRId64 " devices, %" PRId64 " domains", r->events.v, r->on, r->devices.v, r->domains.v);
	print_ops(o, "maps", r->maps);
	print_ops(o, "unmaps", r->unmaps);
	print_ops(o, "invalidations", r->invalidations);
	if (r->unplaced.v && r->units.v > 1)
		out_text(o, "    that name no device: %" PRId64 "; one virtual IOMMU over %" PRId64 " units costs %" PRId64 " more of them", r->unplaced.v,
			 r->units.v, r->broadcasts.v);
	print_groups(o, r);
	out_text(o, "  still mapped at the end: %" PRId64 " bytes", r->live_bytes.v);
	if (r->not_cleaned.v)
		out_text(o, "  objects that could not be destroyed: %" PRId64, r->not_cleaned.v);
}

/* -- where it plays -------------------------------------------------------------------------------------------------------------- */

struct stage {
	struct backend *be;    /* what operations go to */
	struct backend *owned; /* to be closed; NULL: it is the machine's */
	struct source *overlay;
};

static void close_stage(struct stage *s)
{
	backend_close(s->owned);
	source_close(s->overlay);
}

static unsigned count_units(struct invocation *inv)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;

	if (host_load(inv->ctx, inv->source, HOST_IDS, &h) < 0)
		return 0;
	return (unsigned)h->n_units;
}

static int open_stage(struct invocation *inv, const char *on, struct stage *s, struct replay_options *opt)
{
	int r;

	if (streq(on, "session")) {
		opt->session = true;
		return machine_backend(inv->machine, &s->be);
	}
	if (streq(on, "mock")) {
		r = backend_open_kernel(inv->ctx, &s->owned);
	} else {
		opt->units = count_units(inv);
		r = model_open(inv->ctx, inv->source, NULL, &s->owned, &s->overlay);
		opt->model = r < 0 ? NULL : s->owned;
	}
	s->be = s->owned;
	return r < 0 ? (int)exit_from_errno(r) : EXIT_DONE;
}

/* -- playing ----------------------------------------------------------------------------------------------------------------------- */

struct playing {
	struct trace_input in;
	struct player *replay;
	const char *what;
};

static int on_event(void *arg, const struct event *ev)
{
	struct playing *p = arg;

	return player_event(p->replay, ev, &p->what);
}

static int failed(struct invocation *inv, const struct playing *p, const char *on, int err)
{
	const char *why = NULL, *hint = NULL;

	if (err == -EINTR)
		return EXIT_INTERRUPTED;
	if (err == -ENOTTY || (err == -ENOENT && streq(on, "mock"))) {
		why = "this kernel has no selftest devices (CONFIG_IOMMUFD_TEST)";
		hint = "--on model needs no kernel";
		err = -ENOTTY;
	}
	if (err == -E2BIG) {
		why = "a trace with so many is not played";
		hint = "devices 4,096, units 1,024, domains 1,048,576 at most";
	}
	ctx_error(inv->ctx, NOTE(.code = "replay", .err = err, .why = why, .hint = hint), "replay on %s: %s", on, p->what ?: "the trace");
	return (int)exit_from_errno(err);
}

static int play(struct invocation *inv, struct stage *s, struct replay_options *opt, struct replay_row *row)
{
	_cleanup_(cleanup_player_free) struct player *replay = NULL;
	struct playing p = { 0 };
	int r;

	opt->stop = interrupt_catch();
	p.replay = replay = player_new(s->be, opt);
	p.in = (struct trace_input){ .inv = inv, .event = on_event, .arg = &p };
	r = trace_input_read(&p.in, inv->argv[0]);
	if (r < 0 && !p.what && r != -EINTR)
		return r; /* of reading, noted */
	if (r < 0)
		return failed(inv, &p, row->on, r);
	row->file = p.in.file;
	fill_row(&inv->ctx->arena, player_finish(replay), row);
	if (out_options(inv->out)->json || out_options(inv->out)->raw || out_options(inv->out)->cols)
		r = out_detail(inv->out, row);
	else
		print_row(inv->out, row);
	if (r < 0)
		return r;
	return row->lost.v || row->not_cleaned.v ? EXIT_FAILED : trace_input_exit(&p.in);
}

static int take_options(struct invocation *inv, struct replay_options *opt, struct replay_row *row)
{
	const char *speed = inv_opt(inv, "speed");
	char *end;

	row->on = inv_opt(inv, "on") ?: "model";
	row->policy = inv_opt(inv, "policy") ?: "as-recorded";
	row->layout = inv_opt(inv, "layout") ?: "per-iommu";
	opt->policy = streq(row->policy, "success") ? REPLAY_SUCCESS : streq(row->policy, "invalid") ? REPLAY_INVALID : REPLAY_AS_RECORDED;
	opt->shared = streq(row->layout, "shared");
	if (speed && !streq(speed, "max")) {
		opt->speed = strtod(speed, &end);
		if (!*speed || *end || !(opt->speed > 0 && opt->speed <= 1e9))
			return bad_argument(inv, "--speed", "it wants a number above 0, or max", NULL);
	}
	if (streq(row->on, "session") && !inv->machine->session)
		return bad_usage(inv, "--on session", "no session is named", "iommuctl --session NAME replay FILE --on session");
	return EXIT_DONE;
}

static int run(struct invocation *inv)
{
	struct replay_options opt = { 0 };
	struct replay_row row = { 0 };
	struct stage s = { 0 };
	int r;

	if (out_begin(inv->out, &replay_record) < 0)
		return EXIT_USAGE;
	r = take_options(inv, &opt, &row);
	if (r == EXIT_DONE)
		r = open_stage(inv, row.on, &s, &opt);
	if (r == EXIT_DONE)
		r = play(inv, &s, &opt, &row);
	close_stage(&s);
	return r;
}

/* -- rows ------------------------------------------------------------------------------------------------------------------------ */

static const struct arg_row args[] = {
	{ .name = "FILE|-", .help = "log or trace to play", .complete = COMPLETE_FILE },
	{ 0 },
};

static const char *const stages[] = { "model", "mock", "session", NULL };
static const char *const policies[] = { "success", "invalid", "as-recorded", NULL };
static const char *const layouts[] = { "per-iommu", "shared", NULL };

static const struct option_row options[] = {
	{ .name = "on", .arg = "WHERE", .help = "model, mock (the kernel's selftest devices) or session (default model)", .complete = COMPLETE_WORDS,
	  .words = stages },
	{ .name = "speed", .arg = "N|max", .help = "times the trace's own pace; max does not wait (default)" },
	{ .name = "policy", .arg = "WHAT", .help = "how page requests are answered: success, invalid, as-recorded (default)",
	  .complete = COMPLETE_WORDS, .words = policies },
	{ .name = "layout", .arg = "WHAT", .help = "a virtual IOMMU for each unit, per-iommu (default), or one over all, shared",
	  .complete = COMPLETE_WORDS, .words = layouts },
	{ .name = "strict", .help = "fail when a line looks like one of ours and cannot be decoded" },
	{ 0 },
};

static const struct command commands[] = {
	{
		.summary = "play a trace into the model, the kernel's selftest devices, or a session",
		.text = "Each device of the trace becomes a selftest device with a nested page table and a fault queue; maps and unmaps go to an "
			"address space for each domain that the trace names; page requests are raised, taken from the queue and answered; "
			"invalidations go to a nested page table for each unit. Before a device is detached or moved, what waits for an "
			"answer is answered.\n\n"
			"The report says what became of it: answered, refused, not answered, what was refused and why, where an answer was another "
			"than the recorded, what is left mapped at the end, and that no page request group was lost. It exits with 1 if one was.\n\n"
			"Traces without domains (see trace record --domains) have one address space for all maps, so maps of an address that "
			"another domain has mapped are refused, and counted. In the kernel each selftest request is the last of its group, so a group becomes one "
			"request there; the model raises them all.\n\n"
			"--layout shared sends each invalidation that names no device to all units, as a guest with one virtual IOMMU over several "
			"physical ones has to; the number of these is reported in either layout.",
		.args = args,
		.options = options,
		.record = &replay_record,
		.flags = COMMAND_DETAIL,
		.run = run,
	},
};

const struct noun noun_replay = {
	.name = "replay",
	.summary = "traces played again",
	.commands = commands,
	.n = ARRAY_SIZE(commands),
};
