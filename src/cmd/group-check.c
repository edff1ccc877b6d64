// SPDX-License-Identifier: GPL-2.0-or-later
/* group check: the judgement as records and as text. */
#include "cmd/group-check.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "cmd/filter.h"
#include "cmd/reasons.h"
#include "cmd/rows.h"
#include "diag/viability.h"

struct check_row {
	struct num group;
	const char *device;
	int viable;
	const char *verdict, *summary;
	struct strs offenders;
	struct rows steps, reasons;
};

static const struct field check_fields[] = {
	FIELD(struct check_row, group, F_INT, "GROUP", "number of the group", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct check_row, device, F_STR, "DEVICE", "device that was asked about; null: any of the group",
	      .flags = FIELD_DEFAULT),
	FIELD(struct check_row, viable, F_BOOL, "VIABLE", "what the kernel says now", .flags = FIELD_DEFAULT),
	FIELD(struct check_row, verdict, F_STR, "VERDICT", "ready, needs-bind, blocked, in-use, nothing-to-give, unknown; "
	      "null: not judged", .flags = FIELD_DEFAULT | FIELD_VERDICT),
	FIELD(struct check_row, summary, F_STR, "SUMMARY", "the verdict in one sentence", .flags = FIELD_DEFAULT),
	FIELD(struct check_row, offenders, F_STRS, "OFFENDERS", "devices that must leave their drivers"),
	FIELD(struct check_row, steps, F_LIST, "STEPS", "the moves that are left", .sub = &step_record),
	FIELD(struct check_row, reasons, F_LIST, "REASONS", "why, with evidence and remedies", .sub = &reason_record),
};

const struct record_type group_check_record = RECORD("group.check", 1, struct check_row, check_fields);

const char group_check_text[] =
	"Answers whether a group, or a device of it, can be given to user space now, and names what stands in the way: the "
	"device, the driver, the file that shows it, and the command that mends it. Commands that weaken the machine's protection come "
	"last and are marked unsafe.\n\n"
	"Verdicts: ready (exit 0); needs-bind: devices must leave their drivers (3, and 0 with --after-bind); blocked: binding "
	"will not mend it, for instance a direct region or interrupts that are not isolated (3); in-use (3); nothing-to-give: "
	"bridges only (3); unknown: a fact cannot be read (7 for want of permission, else 6). Groups of no-IOMMU mode, mediated "
	"devices and mock devices are not judged (6). For several at once, or all of the machine, the exit code is 3 before 7 before 6 before 0; a machine "
	"without groups is 6.";

const struct arg_row group_check_args[] = {
	{ .name = "G|DEV", .help = "number of a group, or a device: then it must be that one that can be given away; none: all groups",
	  .complete = COMPLETE_GROUP_OR_DEVICE, .optional = true, .repeat = true },
	{ 0 },
};

const struct option_row group_check_options[] = {
	{ .name = "after-bind", .help = "judge as if the binds that are needed were done" },
	{ 0 },
};

/* -- text ----------------------------------------------------------------------------------------------------- */

static const char *viable_text(int viable)
{
	return viable == TRI_YES ? "viable" : viable == TRI_NO ? "not viable" : "viable or not, that cannot be told";
}

static void print_check(struct out *out, struct arena *arena, const struct check_row *row, bool after_bind)
{
	const char *who = row->device ? arena_printf(arena, "%s, group %d: ", row->device, (int)row->group.v) :
					arena_printf(arena, "group %d: ", (int)row->group.v);

	out_styled(out, STYLE_BOLD, who);
	out_styled(out, out_word_style(row->verdict), row->verdict ? row->verdict : "not judged");
	out_text(out, ": %s", row->summary);
	if (row->verdict)
		out_text(out, "  the kernel's own answer now: %s", viable_text(row->viable));
	print_reasons(out, arena, row->reasons);
	if (after_bind && streq(row->verdict, "needs-bind"))
		out_text(out, "  with that done, nothing else is in the way");
}

/* -- the command ------------------------------------------------------------------------------------------------ */

static enum exit_code exit_from_verdict(const struct viability *v, bool after_bind)
{
	if (!v->verdict)
		return EXIT_UNSUPPORTED;
	if (streq(v->verdict, "ready") || (after_bind && streq(v->verdict, "needs-bind")))
		return EXIT_DONE;
	if (streq(v->verdict, "unknown"))
		return v->missing == -EACCES ? EXIT_PERMISSION : EXIT_UNSUPPORTED;
	return EXIT_NO;
}

/* The group's number asks about the group, anything else about that device. */
static int parse_question(struct host *h, const char *arg, struct question *q)
{
	int r = host_find_group(h, arg, &q->group);

	if (r < 0 || arg[strspn(arg, "0123456789")] == '\0')
		return r;
	return host_find_device(h, arg, &q->device);
}

/* What the user asks about, or all groups. Nothing is said about the first when the last is a mistake. */
static int parse_questions(struct invocation *inv, struct host *h, struct question **ret, size_t *ret_n)
{
	size_t n = inv->argc ? (size_t)inv->argc : h->n_groups;
	struct question *q = arena_array(&h->arena, struct question, n);
	int r = 0;

	for (size_t i = 0; r >= 0 && i < n; i++) {
		q[i].after_bind = inv_opt(inv, "after-bind");
		if (inv->argc)
			r = parse_question(h, inv->argv[i], &q[i]);
		else
			q[i].group = &h->groups[i];
	}
	*ret = q;
	*ret_n = n;
	return MIN(r, 0);
}

static int answer(struct invocation *inv, struct host *h, const struct question *q, enum exit_code *code)
{
	struct viability v;
	struct check_row row;

	group_check(h, q, &v);
	row = (struct check_row){
		.group = NUM(q->group->id),
		.device = q->device ? q->device->name : NULL,
		.viable = v.viable,
		.verdict = v.verdict,
		.summary = v.summary,
		.offenders = v.offenders,
		.steps = v.steps,
		.reasons = v.reasons,
	};
	*code = worse_exit(*code, exit_from_verdict(&v, q->after_bind));
	if (out_options(inv->out)->json)
		return out_row(inv->out, &row);
	print_check(inv->out, &h->arena, &row, q->after_bind);
	return 0;
}

int group_check_run(struct invocation *inv)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	enum exit_code code = EXIT_DONE;
	struct question *q;
	size_t n;
	int r;

	r = out_begin(inv->out, &group_check_record);
	if (r < 0)
		return EXIT_USAGE;
	r = host_load(inv->ctx, inv->source, HOST_ALL, &h);
	if (r < 0)
		return r;
	r = parse_questions(inv, h, &q, &n);
	if (r < 0)
		return exit_from_lookup(r);
	if (!n) {
		warn_no_groups(h);
		code = EXIT_UNSUPPORTED;
	}
	for (size_t i = 0; r >= 0 && i < n; i++) {
		if (i)
			out_text(inv->out, "\n");
		r = answer(inv, h, &q[i], &code);
	}
	return r < 0 ? r : (int)code;
}
