// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/run.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/help.h"
#include "cmd/take.h"
#include "model/model.h"
#include "session/place.h"

static int terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize w = { 0 };
	uint32_t n;

	if (columns && parse_u32(columns, &n) == 0 && n > 0 && n <= 10000)
		return n;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col)
		return w.ws_col;
	return 80;
}

/* https://no-color.org: set and not empty. */
static bool wants_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return !(no && *no) && term && !streq(term, "dumb");
}

/*
 * Whether the user's terminal takes UTF-8. Whatever it is, we ourselves measure text as UTF-8, and by nobody's alphabet: in Turkish
 * an I is no i, and words of logs and columns are told without regard to case.
 */
static bool take_locale(void)
{
	bool utf8 = setlocale(LC_CTYPE, "") && streq(nl_langinfo(CODESET), "UTF-8");

	setlocale(LC_CTYPE, "C.UTF-8"); /* where there is none, the user's stays */
	return utf8;
}

static struct out *make_out(struct ctx *ctx, const struct arguments *a)
{
	bool tty = isatty(STDOUT_FILENO);
	struct out_options opt = {
		.json = a->json,
		.noheadings = a->noheadings,
		.raw = a->raw,
		.cols = a->cols,
		.utf8 = take_locale(),
	};

	struct out *out;

	/* help is for reading */
	if (a->help || streq(a->inject, "help") || (a->command && !a->command->record))
		opt.json = false;
	if (tty) {
		opt.colour = wants_colour();
		opt.width = terminal_width();
	}
	out = out_new(ctx, stdout, &opt);
	if (a->command && a->command->flags & COMMAND_STREAM)
		out_set_stream(out);
	return out;
}

static void print_escaped(const char *prefix, const char *s)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	strbuf_add_escaped(&b, s);
	fprintf(stderr, "%s%s", prefix, strbuf_str(&b));
}

static const char *errno_name(int err)
{
	return err == ENOTCAPTURED ? "ENOTCAPTURED" : strerrorname_np(err);
}

/* -v: what scripts get in the envelope. */
static void print_origin(const struct note *n)
{
	print_escaped("  code ", n->code ? n->code : "none");
	if (n->err)
		print_escaped(", ", errno_name(n->err) ? errno_name(n->err) : "unknown errno");
	if (n->where)
		print_escaped(", at ", n->where);
	fputc('\n', stderr);
}

static void print_note(const struct note *n, bool verbose, const char *at)
{
	print_escaped("iommuctl: ", at ? at : "");
	print_escaped(at ? ": " : "", n->level == NOTE_WARNING ? "warning: " : "");
	print_escaped("", n->what);
	if (n->why)
		print_escaped(": ", n->why);
	/* the place, unless the words have named it */
	if (n->where && !verbose && strchr(n->where, '/') && !strstr(n->what, n->where)) {
		print_escaped(" (", n->where);
		fputc(')', stderr);
	}
	fputc('\n', stderr);
	if (verbose)
		print_origin(n);
	if (n->hint) {
		print_escaped("hint: ", n->hint);
		fputc('\n', stderr);
	}
}

/*
 * Errors always go to stderr too, so that a log has them; warnings are said once, in the envelope when
 * there is one.
 */
void print_notes(const struct ctx *ctx, const struct arguments *a, const char *at)
{
	bool warnings = !a->json && a->verbosity >= 0;
	const struct note *n;

	vec_for_each(n, &ctx->notes)
		if (n->level == NOTE_ERROR || warnings)
			print_note(n, a->verbosity > 0, at);
	if (warnings && ctx->dropped)
		fprintf(stderr, "iommuctl: warning: %zu more warnings are not shown\n", ctx->dropped);
}

/* The options of ACTING_OPTIONS. An exit code. */
static int take_acting(struct invocation *inv)
{
	inv->dry_run = inv_opt(inv, "dry-run");
	inv->force = inv_opt(inv, "force");
	inv->timeout = 30;
	return option_seconds(inv, "timeout", 1000000, &inv->timeout);
}

/* Who has a session that runs has most likely forgotten to name it. */
static const char *name_a_session(struct ctx *ctx, const struct arguments *a)
{
	size_t notes = ctx->notes.n, n = 0;
	const char **names;
	int r = a->model ? -EINVAL : place_list(ctx, &names, &n);

	ctx->notes.n = notes; /* where there can be none is no news here */
	if (r < 0 || !n)
		return "use session start, or batch";
	return arena_printf(&ctx->arena, "--session %s, or export IOMMUCTL_SESSION=%s", names[0], names[0]);
}

/* What a command asks of the place that it runs in. -EINVAL, noted. */
static int check_place(const struct invocation *inv, const struct arguments *a, const struct machine *m)
{
	unsigned flags = inv->command->flags;

	if ((flags & (COMMAND_ACTS | COMMAND_OBJECT)) && a->from && !a->model)
		return ctx_error(inv->ctx,
				 NOTE(.code = "not-here", .err = EINVAL, .why = "this command acts, and that machine is not here",
				      .hint = "-M rehearses it on a model of that machine"),
				 "--from %s", a->from);
	if (!(flags & COMMAND_OBJECT) || m || a->session)
		return 0;
	return ctx_error(inv->ctx,
			 NOTE(.code = "no-session", .err = EINVAL,
			      .why = flags & COMMAND_CREATES ? "the object would vanish with this command" :
							       "objects live in a session or in a batch, and this is in neither",
			      .hint = name_a_session(inv->ctx, a)),
			 "%s %s", inv->noun->name, inv->command->verb);
}

static int run_on(struct invocation *inv, struct machine *m)
{
	struct out_origin origin = { m->source->hostname, m->source->name, m->source->boot_id };

	inv->machine = m;
	inv->source = m->source;
	out_set_origin(inv->out, &origin);
	/* a rehearsal on a model of our own changes nothing that stays */
	if (inv->dry_run && m->model && !m->lasting)
		inv->dry_run = false;
	return inv->command->run(inv);
}

/* What every wrong usage and every missing permission is helped by, where nobody knew better. */
static void add_hints(struct invocation *inv, int code)
{
	const char *verb = inv->command->verb, *hint = NULL;

	if (code == EXIT_USAGE)
		hint = arena_printf(&inv->ctx->arena, "iommuctl help %s%s%s", inv->noun->name, verb ? " " : "", verb ?: "");
	else if (code == EXIT_PERMISSION && geteuid() != 0)
		hint = "run it as root";
	for (size_t i = 0; hint && i < inv->ctx->notes.n; i++) {
		struct note *n = &inv->ctx->notes.v[i];

		if (n->level == NOTE_ERROR && !n->hint)
			n->hint = hint;
	}
}

/* Nothing fails without a word. */
static void say_why(struct invocation *inv, int r)
{
	const struct note *n;

	/* what cannot be written is said at the end of the output */
	if (r >= 0 || out_failed(inv->out))
		return;
	vec_for_each(n, &inv->ctx->notes)
		if (n->level == NOTE_ERROR)
			return;
	ctx_error(inv->ctx, NOTE(.code = "failed", .err = r), "%s%s%s", inv->noun->name, inv->command->verb ? " " : "",
		  inv->command->verb ? inv->command->verb : "");
}

/* The origin's strings are the source's, so the output ends before the machine is closed. */
static int end_output(struct invocation *inv, int r)
{
	int code = r < 0 ? (int)exit_from_errno(r) : r;
	bool told;

	say_why(inv, r);
	add_hints(inv, code);
	told = out_end(inv->out, inv->command->record) >= 0;
	if (told && r >= 0)
		return code;
	/* a model of our own goes with us, and a dry run was none */
	if (!inv->changed || inv->dry_run || (inv->machine && inv->machine->model && !inv->machine->lasting))
		return r < 0 ? code : EXIT_FAILED;
	ctx_error(inv->ctx, NOTE(.code = "changed", .err = EIO, .why = "it is done, and could not be told",
				 .hint = arena_printf(&inv->ctx->arena, "iommuctl %s shows what is so now", inv->command->flags & COMMAND_OBJECT ?
						      "object tree" : arena_printf(&inv->ctx->arena, "%s list", inv->noun->name))),
		  "%s %s", inv->noun->name, inv->command->verb);
	return EXIT_CHANGED;
}

static int run_here(struct invocation *inv, const struct arguments *a)
{
	_cleanup_(machine_close) struct machine own = { 0 };
	int r = machine_open(inv->ctx, a, &own);

	return end_output(inv, r == EXIT_DONE ? run_on(inv, &own) : r);
}

static int run_command(struct ctx *ctx, const struct arguments *a, struct out *out, struct machine *m)
{
	struct invocation inv = {
		.ctx = ctx,
		.out = out,
		.args = a,
		.from = a->from,
		.noun = a->noun,
		.command = a->command,
		.argc = a->argc,
		.argv = a->argv,
		.cmd = a->cmd,
		.opt = a->opt,
		.as = a->as,
		.model = a->model,
	};

	if ((a->command->flags & COMMAND_ACTS) && take_acting(&inv) != EXIT_DONE)
		return end_output(&inv, EXIT_USAGE);
	if (check_place(&inv, a, m) < 0)
		return end_output(&inv, EXIT_USAGE);
	if (a->command->flags & COMMAND_NO_SOURCE)
		return end_output(&inv, a->command->run(&inv));
	return m ? end_output(&inv, run_on(&inv, m)) : run_here(&inv, a);
}

/* Other programs write with -o: what is meant is clear where a command writes a file and the word is a path. */
static bool names_file(const struct arguments *a)
{
	const struct option_row *row = a->command->options;

	while (row && row->name && !streq(row->name, "output"))
		row++;
	return row && row->name && (strpbrk(a->cols, "/-") || strstr(a->cols, ".prom"));
}

/* -o is wrong, or asks what there is; -1: neither. */
static int check_columns(struct ctx *ctx, const struct arguments *a, struct out *out)
{
	const struct record_type *type = a->command->record;

	if (!a->cols)
		return -1;
	if (!type) {
		ctx_error(ctx, NOTE(.code = "no-columns", .err = EINVAL, .why = "this command prints no records"),
			  "-o %s", a->cols);
		return EXIT_USAGE;
	}
	if (names_file(a)) {
		ctx_error(ctx, NOTE(.code = "unknown-column", .err = EINVAL, .where = "-o", .why = "-o selects columns, and this is a file",
				    .hint = arena_printf(&ctx->arena, "--output %s", a->cols)),
			  "-o %s", a->cols);
		return EXIT_USAGE;
	}
	if (!streq(a->cols, "help"))
		return out_check_columns(out, type) < 0 ? EXIT_USAGE : -1;
	return out_columns_help(out, type) < 0 ? EXIT_FAILED : EXIT_DONE;
}

static void print_injections(struct out *out)
{
	for (const struct model_word *w = model_words; w->name; w++)
		out_text(out, "%-24s %s", w->name, w->text);
}

int command_run(struct ctx *ctx, const struct arguments *a, int parse_err, struct machine *m)
{
	_cleanup_(cleanup_out_free) struct out *out = make_out(ctx, a);
	const struct record_type *type = a->command ? a->command->record : NULL;
	int code = parse_err < 0 ? EXIT_USAGE : EXIT_DONE;

	if (parse_err >= 0 && a->help) {
		help_print(out, a->noun, a->command);
	} else if (parse_err >= 0 && streq(a->inject, "help")) {
		print_injections(out);
	} else if (parse_err >= 0) {
		code = check_columns(ctx, a, out);
		if (code < 0)
			return run_command(ctx, a, out, m);
	}
	return out_end(out, type) < 0 && code == EXIT_DONE ? EXIT_FAILED : code;
}

