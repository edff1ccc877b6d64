// SPDX-License-Identifier: GPL-2.0-or-later
/* owner trace: the ledger of who takes a group and who gives it back, from probes or from a file. */
#include "cmd/owner-trace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd/rows.h"
#include "cmd/start.h"
#include "cmd/take.h"
#include "cmd/until.h"
#include "diag/ledger.h"
#include "host/host.h"

/* -- records -------------------------------------------------------------------------------------------------------- */

struct entry_row {
	const char *time, *call, *task, *driver, *result;
	struct num pid, count;
	int surplus; /* enum tri */
	struct strs stack;
};

static const struct field entry_fields[] = {
	FIELD(struct entry_row, time, F_STR, "TIME", "seconds of the monotonic clock", .flags = FIELD_DEFAULT),
	FIELD(struct entry_row, call, F_STR, "CALL", "use, unuse, claim, release, group-claim, group-release", .flags = FIELD_DEFAULT),
	FIELD(struct entry_row, task, F_STR, "TASK", "who called", .flags = FIELD_DEFAULT),
	FIELD(struct entry_row, pid, F_INT, "PID", "its thread", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct entry_row, driver, F_STR, "DRIVER", "driver that the device was on, or about to be", .flags = FIELD_DEFAULT),
	FIELD(struct entry_row, count, F_INT, "COUNT", "the group's owner_cnt before the call", .flags = FIELD_RIGHT),
	FIELD(struct entry_row, result, F_STR, "RESULT", "ok, or the error's name; null: it has not come back yet", .flags = FIELD_DEFAULT),
	FIELD(struct entry_row, surplus, F_BOOL, "SURPLUS", "whether it was never given back though the device was taken again",
	      .flags = FIELD_DEFAULT),
	FIELD(struct entry_row, stack, F_STRS, "STACK", "kernel functions, the caller first"),
};

static const struct record_type entry_record = RECORD("ledger-entry", 1, struct entry_row, entry_fields);

struct account_row {
	struct num group, taken, given_back, given_before, refused, remains, surplus;
	const char *device;
	struct rows entries;
};

static const struct field account_fields[] = {
	FIELD(struct account_row, group, F_INT, "GROUP", "number of the group; null: the device has none", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct account_row, device, F_STR, "DEVICE", "device; null: the group as such", .flags = FIELD_DEFAULT),
	FIELD(struct account_row, taken, F_INT, "TAKEN", "uses and claims taken", .flags = FIELD_RIGHT),
	FIELD(struct account_row, given_back, F_INT, "GIVEN-BACK", "of those, how many were given back", .flags = FIELD_RIGHT),
	FIELD(struct account_row, given_before, F_INT, "GIVEN-BEFORE", "given back, but taken before the trace began", .flags = FIELD_RIGHT),
	FIELD(struct account_row, refused, F_INT, "REFUSED", "tries that the kernel refused", .flags = FIELD_RIGHT),
	FIELD(struct account_row, remains, F_INT, "REMAINS", "taken and not given back", .flags = FIELD_RIGHT),
	FIELD(struct account_row, surplus, F_INT, "SURPLUS", "of those, how many nobody will give back", .flags = FIELD_RIGHT),
	FIELD(struct account_row, entries, F_LIST, "ENTRIES", "the ledger", .sub = &entry_record, .flags = FIELD_DEFAULT),
};

const struct record_type owner_trace_record = RECORD("owner.trace", 1, struct account_row, account_fields);

const char owner_trace_text[] =
	"Watches the functions of the kernel by which drivers and user space take and give back the ownership of groups: "
	"who, when, which device, with what outcome. At the end it says what remains, device by device; an entry that was never given back though its "
	"device was taken again is surplus: that is a leak seen as it happens.\n\n"
	"With a command behind --, the trace ends with it, and its exit status is returned; with -d after so many seconds; else with "
	"a signal (Ctrl-C). The probes are a tracing instance of our own: other users of tracing are not disturbed, and all of it is taken away at the end, or "
	"by the next run should this one be killed.\n\n"
	"--save keeps the trace as the kernel wrote it; --read makes the ledger of such a file, on any machine.";

const struct arg_row owner_trace_args[] = {
	{ .name = "G", .help = "number of a group, or a device: only these; all when there is none",
	  .complete = COMPLETE_GROUP_OR_DEVICE, .optional = true, .repeat = true },
	COMMAND_ARG("command to run under the trace, behind --"),
	{ 0 },
};

const struct option_row owner_trace_options[] = {
	UNTIL_DURATION,
	{ .name = "save", .arg = "FILE", .help = "keep the trace as the kernel wrote it", .complete = COMPLETE_FILE },
	{ .name = "read", .arg = "FILE", .help = "read a trace that was saved instead of watching; - is standard input",
	  .complete = COMPLETE_FILE },
	{ 0 },
};

/* -- which groups ------------------------------------------------------------------------------------------------------ */

struct only {
	struct num group;
	const char *device;
};

struct tracing {
	struct invocation *inv;
	struct arena arena;
	struct only *only;
	size_t n_only;
	struct probe_log log;
	size_t shown; /* events that were printed */
	int save_fd;
};

static bool is_number(const char *s)
{
	return s[0] && !s[strspn(s, "0123456789")];
}

/* A number is taken as it is: the group may come to be, or be that of another machine. */
static int read_only(struct tracing *t, struct host *h, const char *arg, struct only *ret)
{
	struct device *d;
	uint32_t id;
	int r;

	if (is_number(arg)) {
		r = parse_u32(arg, &id);
		if (r < 0)
			return ctx_error(t->inv->ctx, NOTE(.code = "bad-value", .err = EINVAL, .why = "not the number of a group", .hint = "iommuctl group list has them"), "group %s", arg);
		ret->group = NUM(id);
		return 0;
	}
	if (!h) {
		ret->device = arg; /* of another machine */
		return 0;
	}
	r = host_find_device(h, arg, &d);
	if (r == 0)
		ret->device = arena_strdup(&t->arena, d->name);
	return r;
}

static int read_onlys(struct tracing *t, bool of_this_machine)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	int r = 0;

	t->n_only = (size_t)t->inv->argc;
	t->only = arena_array(&t->arena, struct only, t->n_only);
	for (size_t i = 0; i < t->n_only && of_this_machine && !h && r == 0; i++)
		if (!is_number(t->inv->argv[i]))
			r = host_load(t->inv->ctx, t->inv->source, HOST_IDS, &h);
	for (size_t i = 0; i < t->n_only && r == 0; i++)
		r = read_only(t, h, t->inv->argv[i], &t->only[i]);
	return r;
}

static bool wanted(const struct tracing *t, struct num group, const char *device)
{
	for (size_t i = 0; i < t->n_only; i++) {
		const struct only *o = &t->only[i];

		if (o->device ? streq(o->device, device) : group.known && group.v == o->group.v)
			return true;
	}
	return !t->n_only;
}

/* -- showing ---------------------------------------------------------------------------------------------------------- */

static const char *result_word(struct arena *a, const struct probe_event *e)
{
	const char *name;

	if (!e->returned)
		return NULL;
	if (!e->ret)
		return "ok";
	name = strerrorname_np(-e->ret);
	return name ? name : arena_printf(a, "%d", e->ret);
}

static const char *what(struct arena *a, struct num group, const char *device)
{
	if (device && group.known)
		return arena_printf(a, "%s (group %" PRId64 ")", device, group.v);
	return device ? device : group.known ? arena_printf(a, "group %" PRId64, group.v) : "no group";
}

static void print_event(struct tracing *t, const struct probe_event *e)
{
	struct out *out = t->inv->out;
	const char *result = result_word(&t->arena, e);

	out_text(out, "%s %-13s %s, %s%s%sby %s[%" PRId64 "]%s", e->time, probe_call_word(e->call),
		 what(&t->arena, e->group, e->device), e->driver ? "driver " : "", e->driver ? e->driver : "", e->driver ? ", " : "",
		 e->task, e->pid,
		 !result ? ": not back yet" : e->ret ? arena_printf(&t->arena, ": refused, %s", result) : "");
	for (size_t i = 0; t->inv->ctx->verbosity > 0 && i < e->stack.n; i++)
		out_text(out, "    %s", e->stack.v[i]);
}

/* What has come back so far; all of it at the end. */
static void show_events(struct tracing *t, bool all)
{
	if (out_options(t->inv->out)->json)
		return;
	while (t->shown < t->log.v.n && (all || t->log.v.v[t->shown].returned)) {
		const struct probe_event *e = &t->log.v.v[t->shown++];

		if (wanted(t, e->group, e->device))
			print_event(t, e);
	}
	fflush(stdout);
}

static void print_account(struct tracing *t, const struct account *a)
{
	struct out *out = t->inv->out;

	out_styled(out, a->surplus ? STYLE_BAD : STYLE_PLAIN, what(&t->arena, a->group, a->device));
	out_text(out, ": %zu taken, %zu given back%s%s: %zu remain%s%s", a->taken, a->given_back + a->given_before,
		 a->given_before ? arena_printf(&t->arena, " (%zu from before)", a->given_before) : "",
		 a->refused ? arena_printf(&t->arena, ", %zu refused", a->refused) : "", a->remains, a->remains == 1 ? "s" : "",
		 a->surplus ? arena_printf(&t->arena, ", %zu of it surplus", a->surplus) : "");
	for (size_t i = 0; i < a->n; i++)
		if (a->entries[i].surplus)
			out_text(out, "  surplus: %s at %s, driver %s, never given back", probe_call_word(a->entries[i].event->call),
				 a->entries[i].event->time, a->entries[i].event->driver ? a->entries[i].event->driver : "none");
}

static int account_row(struct tracing *t, const struct account *a)
{
	struct entry_row *v = arena_array(&t->arena, struct entry_row, a->n);

	for (size_t i = 0; i < a->n; i++) {
		const struct probe_event *e = a->entries[i].event;

		v[i] = (struct entry_row){
			.time = e->time,
			.call = probe_call_word(e->call),
			.task = e->task,
			.driver = e->driver,
			.result = result_word(&t->arena, e),
			.pid = NUM(e->pid),
			.count = e->count,
			.surplus = a->entries[i].surplus ? TRI_YES : TRI_NO,
			.stack = STRS((const char *const *)e->stack.v, e->stack.n),
		};
	}
	return out_row(t->inv->out, &(struct account_row){
		.group = a->group,
		.device = a->device,
		.taken = NUM(a->taken),
		.given_back = NUM(a->given_back),
		.given_before = NUM(a->given_before),
		.refused = NUM(a->refused),
		.remains = NUM(a->remains),
		.surplus = NUM(a->surplus),
		.entries = ROWS(v, a->n),
	});
}

static int show_ledger(struct tracing *t)
{
	bool json = out_options(t->inv->out)->json;
	struct ledger l;
	int r = 0;

	show_events(t, true);
	ledger_make(&t->arena, &t->log, &l);
	if (!json)
		out_text(t->inv->out, l.n ? "what remains:" : "nobody took or gave back a group");
	for (size_t i = 0; r >= 0 && i < l.n; i++) {
		if (!wanted(t, l.v[i].group, l.v[i].device))
			continue;
		if (json)
			r = account_row(t, &l.v[i]);
		else
			print_account(t, &l.v[i]);
	}
	if (t->log.lost)
		ctx_warn(t->inv->ctx, "lost-events", 0, NULL, "%zu times events were lost: the ledger has holes", t->log.lost);
	return r;
}

/* -- watching ----------------------------------------------------------------------------------------------------------- */

static int watch(struct tracing *t, struct probes *p, struct until *u)
{
	int r = 0;

	while (r == 0 && !u->over) {
		struct pollfd fds[UNTIL_FDS + 1];

		until_fds(u, fds);
		fds[UNTIL_FDS] = (struct pollfd){ .fd = probes_fd(p), .events = POLLIN };
		/* not every kernel wakes us for the first event; a look now and then costs nothing */
		if (poll(fds, ARRAY_SIZE(fds), 500) < 0 && errno != EINTR)
			return -errno;
		until_look(u, fds);
		r = probes_read(p, &t->log, t->save_fd);
		show_events(t, false);
	}
	probes_pause(p);
	return r == 0 ? probes_read(p, &t->log, t->save_fd) : r;
}

static int run_live(struct tracing *t, double seconds)
{
	struct probes *p = NULL;
	struct until u;
	int r = until_begin(&u);

	if (r == 0)
		r = probes_start(t->inv->ctx, &p);
	if (r == 0)
		r = until_start(&u, t->inv, seconds, out_options(t->inv->out)->json);
	if (r == 0)
		r = watch(t, p, &u);
	if (r == 0)
		r = show_ledger(t);
	/* before a signal can kill us again */
	probes_stop(p);
	until_end(&u);
	return r < 0 ? r : until_exit(&u, t->inv);
}

static int run_read(struct tracing *t, const char *file)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (!streq(file, "-"))
		fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	r = !streq(file, "-") && fd < 0 ? -errno : probe_log_read(&t->log, fd < 0 ? STDIN_FILENO : fd);
	if (r < 0)
		return ctx_cannot_read(t->inv->ctx, -r, file);
	if (t->log.other)
		ctx_warn(t->inv->ctx, "bad-lines", 0, file, "%s: %zu lines are no event of owner trace", file, t->log.other);
	return show_ledger(t);
}

static int open_save(struct tracing *t, const char *file)
{
	if (!file)
		return 0;
	t->save_fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
	if (t->save_fd >= 0)
		return 0;
	return ctx_cannot_write(t->inv->ctx, errno, file);
}

static int run(struct tracing *t)
{
	const char *file = inv_opt(t->inv, "read");
	double seconds;
	int r;

	if (until_seconds(t->inv, &seconds) != EXIT_DONE)
		return EXIT_USAGE;
	if (file && (seconds > 0 || t->inv->cmd || inv_opt(t->inv, "save")))
		return bad_usage(t->inv, "--read", "it reads what was recorded: -d, --save and a command make no sense with it", NULL);
	if (!file && !source_is_live(t->inv->source))
		return bad_usage(t->inv, "owner trace", "it watches the running machine, not a snapshot", "--read FILE reads a saved trace");
	r = read_onlys(t, !file);
	if (r < 0)
		return exit_from_lookup(r);
	if (file)
		return run_read(t, file);
	r = open_save(t, inv_opt(t->inv, "save"));
	if (r == 0)
		r = run_live(t, seconds);
	if (t->save_fd >= 0)
		close(t->save_fd);
	return r;
}

int owner_trace_run(struct invocation *inv)
{
	struct tracing t = { .inv = inv, .save_fd = -1 };
	int r = out_begin(inv->out, &owner_trace_record);

	if (r < 0)
		return EXIT_USAGE;
	r = run(&t);
	probe_log_free(&t.log);
	arena_free(&t.arena);
	return r;
}
