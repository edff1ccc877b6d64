// SPDX-License-Identifier: GPL-2.0-or-later
/* doctor [--message TEXT|-] */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/reasons.h"
#include "diag/doctor.h"
#include "diag/messages.h"

struct doctor_row {
	const char *verdict, *headline;
	struct num problems, warnings;
	struct rows reasons;
};

static const struct field doctor_fields[] = {
	FIELD(struct doctor_row, verdict, F_STR, "VERDICT",
	      "well, ill, unknown; with --message known or unknown", .flags = FIELD_DEFAULT | FIELD_VERDICT),
	FIELD(struct doctor_row, headline, F_STR, "MACHINE", "what the machine has, in one sentence", .flags = FIELD_DEFAULT),
	FIELD(struct doctor_row, problems, F_INT, "PROBLEMS", "findings that keep devices from being given away",
	      .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct doctor_row, warnings, F_INT, "WARNINGS", "findings that the user should know before it happens to him",
	      .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct doctor_row, reasons, F_LIST, "REASONS", "the findings, the worst first", .sub = &reason_record),
};

static const struct record_type doctor_record = RECORD("doctor", 1, struct doctor_row, doctor_fields);

static enum exit_code exit_of(const struct diagnosis *d)
{
	if (d->problems.v)
		return EXIT_NO;
	if (!d->missing)
		return EXIT_DONE;
	return d->missing == -EACCES ? EXIT_PERMISSION : EXIT_UNSUPPORTED;
}

static void print_diagnosis(struct out *out, struct arena *arena, const struct diagnosis *d)
{
	out_styled(out, STYLE_BOLD, "this machine: ");
	out_text(out, "%s", d->headline);
	print_reasons(out, arena, d->reasons);
	if (streq(d->verdict, "well"))
		out_text(out, "Nothing is wrong%s.", d->warnings.v ? ", but see the warnings" : "");
}

static int examine(struct invocation *inv)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	struct doctor_row row;
	struct diagnosis d;
	int r = host_load(inv->ctx, inv->source, HOST_ALL, &h);

	if (r < 0)
		return r;
	doctor_examine(h, &d);
	row = (struct doctor_row){ d.verdict, d.headline, d.problems, d.warnings, d.reasons };
	if (out_options(inv->out)->json)
		r = out_row(inv->out, &row);
	else
		print_diagnosis(inv->out, &h->arena, &d);
	return r < 0 ? r : (int)exit_of(&d);
}

/* -- --message ------------------------------------------------------------------------------------------- */

static int read_stdin(struct invocation *inv, struct strbuf *text)
{
	char buf[16384];
	size_t n;

	while (text->len < MESSAGES_TEXT_MAX && (n = fread(buf, 1, sizeof(buf), stdin)) > 0)
		strbuf_add(text, buf, n);
	if (ferror(stdin))
		return ctx_error(inv->ctx, NOTE(.code = "stdin", .err = errno), "standard input");
	return 0;
}

static void print_explained(struct out *out, struct arena *arena, struct rows reasons)
{
	const struct reason *r = reasons.v;

	for (size_t i = 0; i < reasons.n; i++) {
		out_styled(out, STYLE_BOLD, "message: ");
		out_text(out, "%s", r[i].value);
		print_reasons(out, arena, ROWS(&r[i], 1));
	}
}

static int explain(struct invocation *inv, const char *arg)
{
	_cleanup_strbuf_ struct strbuf text = { 0 };
	struct arena *arena = &inv->ctx->arena;
	struct doctor_row row = { .headline = NULL };
	int r = 0;

	if (streq(arg, "-"))
		r = read_stdin(inv, &text);
	else
		strbuf_puts(&text, arg);
	if (r < 0)
		return r;
	row.reasons = messages_explain(arena, strbuf_str(&text));
	row.verdict = row.reasons.n ? "known" : "unknown";
	if (out_options(inv->out)->json)
		r = out_row(inv->out, &row);
	else
		print_explained(inv->out, arena, row.reasons);
	if (r < 0 || row.reasons.n)
		return r;
	ctx_note(inv->ctx, (struct note){ .level = NOTE_ERROR, .code = "unknown-message", .why = "no line of it is known",
					  .hint = "'iommuctl doctor' looks at the machine itself" },
		 "message");
	return EXIT_UNSUPPORTED;
}

static int run_doctor(struct invocation *inv)
{
	const char *message = inv_opt(inv, "message");
	int r = out_begin(inv->out, &doctor_record);

	if (r < 0)
		return EXIT_USAGE;
	return message ? explain(inv, message) : examine(inv);
}

static const struct option_row options[] = {
	{ .name = "message", .arg = "TEXT",
	  .help = "say what an error message of QEMU, DPDK, the kernel ... means; - reads it from standard input" },
	{ 0 },
};

static const struct command commands[] = {
	{
		.summary = "say what keeps this machine from giving devices away",
		.text = "Looks for an IOMMU, and when none is on, for the reason: firmware, command line, or the kernel's build. Then at "
			"iommufd and VFIO, interrupt isolation, parameters that weaken protection, the ACS override, no-IOMMU mode, lockdown, the firmware's "
			"framebuffer in a BAR, memory that firmware keeps mapped, and, where the kernel's memory can be read, counts of owners that "
			"nothing accounts for. Each finding comes with the file that shows it and with what mends "
			"it; what weakens the machine comes last and is marked unsafe.\n\n"
			"The exit status is 0 when nothing is wrong (warnings and notes may be there), 3 when there are problems, and 7 or 6 when what decides "
			"could not be looked up.",
		.options = options,
		.record = &doctor_record,
		.flags = COMMAND_QUESTION,
		.run = run_doctor,
	},
};

extern const struct noun noun_doctor;
const struct noun noun_doctor = {
	.name = "doctor",
	.summary = "what is wrong with this machine, and what mends it",
	.commands = commands,
	.n = ARRAY_SIZE(commands),
};
