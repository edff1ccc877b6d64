// SPDX-License-Identifier: GPL-2.0-or-later
/* why -- CMD: where the errors of a program's VFIO and iommufd calls are born in the kernel. */
#include <errno.h>
#include <string.h>

#include "abi/vfio.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/reasons.h"
#include "cmd/start.h"
#include "cmd/take.h"
#include "cmd/until.h"
#include "cmd/why.h"
#include "diag/births.h"
#include "diag/finding.h"
#include "host/host.h"
#include "trace/ioctl.h"

/* -- records ------------------------------------------------------------------------------------------------------------ */

struct step_row {
	const char *function, *subsystem, *err;
};

static const struct field step_fields[] = {
	FIELD(struct step_row, function, F_STR, "FUNCTION", "of the kernel", .flags = FIELD_DEFAULT),
	FIELD(struct step_row, subsystem, F_STR, "SUBSYSTEM", "vfio, iommufd, iommu, msi, driver", .flags = FIELD_DEFAULT),
	FIELD(struct step_row, err, F_STR, "ERRNO", "what it returned", .flags = FIELD_DEFAULT),
};

static const struct record_type step_row_record = RECORD("why.step", 1, struct step_row, step_fields);

#define WHY(member, type, head, text, ...) FIELD(struct why_row, member, type, head, text, ##__VA_ARGS__)

static const struct field why_fields[] = {
	WHY(call, F_STR, "CALL", "name of the ioctl, or of the function where user space came in", .flags = FIELD_DEFAULT),
	WHY(err, F_STR, "ERRNO", "what it returned", .flags = FIELD_DEFAULT),
	WHY(device, F_STR, "DEVICE", "device that it was about; null: not known", .flags = FIELD_DEFAULT),
	WHY(group, F_INT, "GROUP", "its group", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	WHY(task, F_STR, "TASK", "who called", .flags = FIELD_DEFAULT),
	WHY(pid, F_INT, "PID", "its thread", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	WHY(born_in, F_STR, "BORN-IN", "function where the error began, of those that are watched; null: nothing could be probed", .flags = FIELD_DEFAULT),
	WHY(meaning, F_STR, "MEANING", "what that function checks, or what the facts say; null: not known to us", .flags = FIELD_DEFAULT),
	WHY(remedy, F_STR, "REMEDY", "what helps"),
	WHY(command, F_STR, "COMMAND", "exact, where it is one"),
	WHY(chain, F_LIST, "CHAIN", "from the call down to where it was born", .sub = &step_row_record),
	WHY(before, F_LIST, "BEFORE", "what failed under the same call with another error, the latest first", .sub = &step_row_record),
	WHY(reasons, F_LIST, "REASONS", "what is wrong with the group as it is now, as of group check, or with the mapping, as of map-check", .sub = &reason_record),
};

static const struct record_type why_record = RECORD("why", 1, struct why_row, why_fields);

struct asking {
	struct invocation *inv;
	struct arena arena;
	struct host *h; /* as it is afterwards; NULL: not needed yet */
	struct failure_log log;
	size_t failed; /* calls that did, whether all that led to it was seen or not */
};

/* -- one failure -------------------------------------------------------------------------------------------------------- */

static const char *err_name(struct asking *w, int err)
{
	const char *name = err == -515 ? "ENOIOCTLCMD" : strerrorname_np(-err); /* the kernel's own (include/linux/errno.h) */

	return name ? name : arena_printf(&w->arena, "%d", err);
}

static enum ioctl_on on_of(const char *function)
{
	if (streq(function, "iommufd_fops_ioctl"))
		return IOCTL_ON_IOMMUFD;
	if (streq(function, "vfio_device_fops_unl_ioctl"))
		return IOCTL_ON_DEVICE;
	return streq(function, "vfio_group_fops_unl_ioctl") ? IOCTL_ON_GROUP : IOCTL_ON_CONTAINER;
}

static const char *call_name(struct asking *w, const struct failure *f)
{
	struct ioctl_decoded d = { 0 };

	if (f->cmd)
		ioctl_decode(&w->arena, on_of(f->steps[0].function->name), f->cmd, 0, NULL, 0, NULL, 0, false, &d);
	if (d.name)
		return d.name;
	return f->cmd ? arena_printf(&w->arena, "ioctl 0x%x", f->cmd) : f->steps[0].function->name;
}

static struct rows step_rows(struct asking *w, const struct failed_step *v, size_t n)
{
	struct step_row *rows = arena_array(&w->arena, struct step_row, n);

	for (size_t i = 0; i < n; i++)
		rows[i] = (struct step_row){ v[i].function->name, v[i].function->subsystem, err_name(w, v[i].err) };
	return ROWS(rows, n);
}

/* What keeps the group from being given away; nothing where it does not bear on this error. */
static void join_group(struct asking *w, const struct failure *f, struct why_row *row)
{
	static const char *const about_groups[] = { "iommu_device_claim_dma_owner", "iommu_group_claim_dma_owner", "__iommu_device_set_domain",
						    "iommufd_device_bind", "vfio_iommu_type1_attach_group", "iommu_group_store_type" };
	struct group *g = why_group(w->h, f->device, f->group, row);
	bool bears = false;

	for (size_t i = 0; i < ARRAY_SIZE(about_groups); i++)
		bears |= streq(row->born_in, about_groups[i]);
	if (g && bears)
		why_join_group(w->h, g, row);
}

/* A mapping that one of the devices does not stand; or one made before, which the device to be attached does not. */
static void join_map(struct asking *w, const struct failure *f, struct why_row *row)
{
	const struct failure_event *e;
	const char *device = row->device;
	bool joined = false;

	if (row->reasons.n)
		return;
	vec_for_each(e, &w->log.v) {
		if (joined)
			break;
		if (f->iova.known && e->device)
			joined = why_join_map(w->h, e->device, (uint64_t)f->iova.v, (uint64_t)f->length.v, row);
		else if (f->cmd == VFIO_DEVICE_ATTACH_IOMMUFD_PT && f->device && e->iova.known && e->length.known)
			joined = why_join_map(w->h, f->device, (uint64_t)e->iova.v, (uint64_t)e->length.v, row);
	}
	row->device = device ?: row->device;
}

static const char *command_of(struct asking *w, const struct birth *b, const struct why_row *row)
{
	const char *at = b->command ? strstr(b->command, "%s") : NULL;
	const char *what = row->device && safe_in_command(row->device) ? row->device :
			   row->group.known ? arena_printf(&w->arena, "%lld", (long long)row->group.v) : NULL;

	if (!at)
		return b->command;
	return what ? arena_printf(&w->arena, "%.*s%s%s", (int)(at - b->command), b->command, what, at + 2) : NULL;
}

static struct why_row make_row(struct asking *w, const struct failure *f)
{
	struct why_row row = {
		.call = call_name(w, f),
		.err = err_name(w, f->steps[0].err),
		.device = f->device,
		.group = f->group,
		.task = f->task,
		.pid = NUM(f->pid),
		.born_in = f->steps[f->n - 1].function->name,
		.chain = step_rows(w, f->steps, f->n),
		.before = step_rows(w, f->before, f->n_before),
		.reasons = ROWS(NULL, 0),
	};

	join_group(w, f, &row);
	if (f->birth) {
		row.meaning = f->birth->text;
		row.remedy = f->birth->remedy;
		row.command = command_of(w, f->birth, &row);
	}
	join_map(w, f, &row);
	return row;
}

/* -- text --------------------------------------------------------------------------------------------------------------- */

static void print_failure(struct asking *w, const struct why_row *row)
{
	struct out *o = w->inv->out;
	const struct step_row *steps = row->chain.v, *before = row->before.v;

	out_styled(o, STYLE_BAD, row->err);
	out_text(o, " from %s%s%s, by %s (%lld)", row->call, row->device ? " on " : "", row->device ? row->device : "", row->task, (long long)row->pid.v);
	for (size_t i = 0; i < row->chain.n; i++)
		out_verbatim(o, "  %*s%s (%s): %s%s", (int)(2 * MIN(i, (size_t)16)), "", steps[i].function, steps[i].subsystem, steps[i].err,
			     i + 1 == row->chain.n ? "  <- born here" : "");
	if (row->meaning || row->born_in)
		out_text(o, "  %s", row->meaning ? row->meaning : "what that function checks is not in our table");
	else if (!row->reasons.n)
		out_text(o, "  where in the kernel it began was not seen, and the facts do not tell why");
	for (size_t i = 0; i < row->before.n && i < 4; i++)
		out_text(o, "  before that, %s had failed with %s", before[i].function, before[i].err);
	if (row->reasons.n) {
		if (row->of_map)
			out_text(o, "  map-check of %s:", row->device);
		else if (row->group.known)
			out_text(o, "  group %lld, as it is now:", (long long)row->group.v);
		print_reasons(o, &w->arena, row->reasons);
	} else if (row->remedy) {
		out_text(o, "  %s%s", row->remedy, row->command ? ":" : "");
		if (row->command)
			out_verbatim(o, "    %s", row->command);
	}
}

/* The same call failing the same way, over and over, is told once. */
static bool same(const struct failure *a, const struct failure *b)
{
	if (a->cmd != b->cmd || a->n != b->n || !streq(a->device ? a->device : "", b->device ? b->device : ""))
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->steps[i].function != b->steps[i].function || a->steps[i].err != b->steps[i].err)
			return false;
	return true;
}

static int show(struct asking *w)
{
	bool json = out_options(w->inv->out)->json;
	struct failure *v;
	size_t n, again = 0;
	int r = 0;

	births_find(&w->arena, &w->log, &v, &n);
	if (n && host_load(w->inv->ctx, w->inv->source, HOST_ALL, &w->h) < 0)
		return -EIO;
	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct why_row row;

		if (!json && i && same(&v[i], &v[i - 1])) {
			again++;
			continue;
		}
		row = make_row(w, &v[i]);
		if (json)
			r = out_row(w->inv->out, &row);
		else
			print_failure(w, &row);
	}
	if (!json)
		out_text(w->inv->out, !n ? "no VFIO or iommufd call failed" : n == 1 ? "%zu call failed%s" : "%zu calls failed%s", n,
			 again ? arena_printf(&w->arena, ", %zu of them as the one before", again) : "");
	if (w->failed > n)
		ctx_warn(w->inv->ctx, "lost-events", 0, "watch a shorter piece of it", "%zu more calls failed: what led to that was overwritten before it could be read",
			 w->failed - n);
	return r;
}

/* -- the command ---------------------------------------------------------------------------------------------------------- */

static int watch(struct asking *w, struct failure_probes *p, struct until *u)
{
	int r = 0;

	while (r == 0 && !u->over) {
		struct pollfd fds[UNTIL_FDS + 1];

		until_fds(u, fds);
		fds[UNTIL_FDS] = (struct pollfd){ .fd = failure_probes_fd(p), .events = POLLIN };
		if (poll(fds, ARRAY_SIZE(fds), 500) < 0 && errno != EINTR)
			return -errno;
		until_look(u, fds);
		r = failure_probes_read(p, &w->log);
	}
	if (r == 0)
		r = failure_probes_read_rest(p, &w->log);
	w->failed = failure_probes_rung(p, &w->log);
	return r;
}

/* By ptrace and the facts, where nothing may be probed. */
static int show_calls(struct asking *w, struct why_calls *c)
{
	bool json = out_options(w->inv->out)->json;
	size_t n = why_calls_count(c);
	int r = 0;

	if (n && host_load(w->inv->ctx, w->inv->source, HOST_ALL, &w->h) < 0)
		return -EIO;
	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct why_row row = why_calls_row(c, i, w->h);

		if (json)
			r = out_row(w->inv->out, &row);
		else
			print_failure(w, &row);
	}
	if (!json)
		out_text(w->inv->out, !n ? "no VFIO or iommufd call failed" : n == 1 ? "%zu call failed" : "%zu calls failed", n);
	return r;
}

static int exec_exit(int err)
{
	return err == -ENOENT ? 127 : 126;
}

/* With no right to probe, the command runs all the same: its status is what the caller waits for. */
static int run_without(struct asking *w, int *ret_exit)
{
	_cleanup_(cleanup_why_calls_free) struct why_calls *c = NULL;
	int r = why_calls_run(w->inv, &c, ret_exit);

	return r < 0 ? r : show_calls(w, c);
}

static int run_live(struct asking *w, double seconds, pid_t pid)
{
	_cleanup_(cleanup_failure_probes_stop) struct failure_probes *p = NULL;
	struct until u;
	size_t n;
	int r, probes, started = -1, code = EXIT_FAILED;

	w->log.functions = births_functions(&w->log.n);
	probes = failure_probes_start(w->inv->ctx, w->log.functions, w->log.n, pid, &p, &n);
	if (probes < 0 && w->inv->cmd && run_without(w, &code) != -EPERM)
		return code;
	r = until_begin(&u);
	if (r == 0 && (probes == 0 || w->inv->cmd))
		r = started = until_start(&u, w->inv, seconds, out_options(w->inv->out)->json);
	while (r == 0 && probes < 0 && w->inv->cmd && !u.over) {
		struct pollfd fds[UNTIL_FDS];

		until_fds(&u, fds);
		if (poll(fds, ARRAY_SIZE(fds), -1) >= 0)
			until_look(&u, fds);
	}
	if (r == 0 && probes == 0)
		r = watch(w, p, &u);
	failure_probes_stop(p);
	p = NULL;
	if (r == 0 && probes == 0)
		r = show(w);
	until_end(&u);
	if (w->inv->cmd && started < 0)
		return exec_exit(started);
	if (w->inv->cmd)
		return until_exit(&u, w->inv);
	return r < 0 ? r : probes < 0 ? (int)exit_from_errno(probes) : until_exit(&u, w->inv);
}

static int run_why(struct invocation *inv)
{
	struct asking w = { .inv = inv };
	double seconds;
	pid_t pid = 0;
	int r = out_begin(inv->out, &why_record);

	if (r < 0 || until_seconds(inv, &seconds) != EXIT_DONE)
		return EXIT_USAGE;
	r = option_pid(inv, "pid", &pid);
	if (r != EXIT_DONE)
		return r;
	if (!pid == !inv->cmd)
		return bad_usage(inv, "why", "it wants a command behind --, or -p PID, and not both", NULL);
	if (!source_is_live(inv->source))
		return bad_usage(inv, "why", "it watches the running machine, not a snapshot", "leave --from out");
	r = run_live(&w, seconds, pid);
	host_free(w.h);
	failure_log_free(&w.log);
	arena_free(&w.arena);
	return r;
}

static const struct arg_row args[] = {
	COMMAND_ARG("command to run, behind --"),
	{ 0 },
};

static const struct option_row options[] = {
	{ .short_name = 'p', .name = "pid", .arg = "PID", .help = "watch this process, which runs already, and its children" },
	UNTIL_DURATION,
	{ 0 },
};

static const struct command commands[] = {
	{
		.summary = "where a VFIO or iommufd error is born in the kernel",
		.text = "EPERM, EINVAL, ENOSPC: the reason is lost many calls down. This runs a command (or watches a process) with return probes on the "
			"functions of VFIO, iommufd and the IOMMU core, and shows for each call that fails the chain from the call down to the function "
			"where the error began, what that function checks, the device that it was about, and what helps. Where it is about the "
			"group, what group check finds is joined in, as the group is when the command has ended; where it is about a mapping, what map-check finds.\n\n"
			"The probes report failures alone, in two tracing instances of our own: one follows this command and its children, the other rings when "
			"anybody's call fails, and those of others are left out. They go away at the end, or with the next run should this one be killed. A call costs some 6,000 instructions more, whether it fails or not; all else costs nothing. It takes root, tracefs and kretprobes. Without, what stands in the way is "
			"said, and the command runs all the same: its failing calls are seen by ptrace(2), and explained by what the facts alone tell: group "
			"check of the group, map-check of what was mapped. A set-user-ID program is then run unseen, for it would not get its rights.\n\n"
			"The exit status is the command's; 127: it was not found, 126: it cannot be run, 128 and the signal's number: it was killed. Without a command "
			"7: not permitted to probe, 6: this kernel cannot.",
		.args = args,
		.options = options,
		.record = &why_record,
		.flags = COMMAND_DETAIL,
		.run = run_why,
	},
};

extern const struct noun noun_why;
const struct noun noun_why = {
	.name = "why",
	.summary = "where a VFIO or iommufd error is born in the kernel",
	.commands = commands,
	.n = ARRAY_SIZE(commands),
};
