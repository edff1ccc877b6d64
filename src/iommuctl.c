// SPDX-License-Identifier: GPL-2.0-or-later
/* Global options and dispatch. */
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/str.h"
#include "cmd/args.h"
#include "cmd/help.h"
#include "kmem/iommufd.h"
#include "kmem/ownership.h"

/*
 * A standard stream that is closed must not become the next file that we open, or output would go
 * there. What takes its place refuses to be read and written.
 */
static void hold_standard_fds(void)
{
	int fd;

	do
		fd = open("/", O_PATH | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

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

/* Whether the user's terminal takes UTF-8. Whatever it is, we ourselves measure text as UTF-8. */
static bool take_locale(void)
{
	bool utf8 = setlocale(LC_CTYPE, "") && streq(nl_langinfo(CODESET), "UTF-8");

	if (!utf8)
		setlocale(LC_CTYPE, "C.UTF-8");
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
	if (a->help || (a->command && !a->command->record))
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

static void print_note(const struct note *n, bool verbose)
{
	print_escaped(n->level == NOTE_WARNING ? "iommuctl: warning: " : "iommuctl: ", n->what);
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
static void print_notes(const struct ctx *ctx, const struct arguments *a)
{
	bool warnings = !a->json && a->verbosity >= 0;
	const struct note *n;

	vec_for_each(n, &ctx->notes)
		if (n->level == NOTE_ERROR || warnings)
			print_note(n, a->verbosity > 0);
	if (warnings && ctx->dropped)
		fprintf(stderr, "iommuctl: warning: %zu more warnings are not shown\n", ctx->dropped);
}

static int print_version(struct ctx *ctx)
{
	printf("iommuctl %s %clibpci %ckmem %clibtracecmd\n", PACKAGE_VERSION,
#ifdef HAVE_LIBPCI
	       '+',
#else
	       '-',
#endif
#ifdef HAVE_KMEM
	       '+',
#else
	       '-',
#endif
#ifdef HAVE_TRACECMD
	       '+'
#else
	       '-'
#endif
	);
	if (fflush(stdout) == 0)
		return EXIT_DONE;
	ctx_error(ctx, NOTE(.code = "stdout", .err = errno), "cannot write the output");
	return EXIT_FAILED;
}

/* The options of ACTING_OPTIONS. -EINVAL, noted. */
static int take_acting(struct invocation *inv)
{
	const char *timeout = inv_opt(inv, "timeout");
	char *end = NULL;

	inv->dry_run = inv_opt(inv, "dry-run");
	inv->force = inv_opt(inv, "force");
	inv->timeout = timeout ? strtod(timeout, &end) : 30;
	if (timeout && (*end || !(inv->timeout >= 0 && inv->timeout <= 1000000)))
		return ctx_error(inv->ctx, NOTE(.code = "bad-value", .err = EINVAL, .why = "not a number of seconds"),
				 "--timeout %s", timeout);
	if (inv->from)
		return ctx_error(inv->ctx,
				 NOTE(.code = "not-here", .err = EINVAL, .why = "this command acts, and that machine is not here",
				      .hint = "leave --from out: what it changes is the machine it runs on"),
				 "--from %s", inv->from);
	return 0;
}

static int run_command(struct ctx *ctx, const struct arguments *a, struct out *out)
{
	_cleanup_(cleanup_source_close) struct source *src = NULL;
	struct invocation inv = {
		.ctx = ctx,
		.out = out,
		.from = a->from,
		.noun = a->noun,
		.command = a->command,
		.argc = a->argc,
		.argv = a->argv,
		.cmd = a->cmd,
		.opt = a->opt,
		.model = a->demo,
	};
	int r = 0;

	if ((a->command->flags & COMMAND_ACTS) && take_acting(&inv) < 0) {
		out_end(out, a->command->record);
		return EXIT_USAGE;
	}
	if (!(a->command->flags & COMMAND_NO_SOURCE))
		r = a->from ? source_open(ctx, a->from, &src) : source_open_live(ctx, &src);
	if (src) {
		struct out_origin origin = { src->hostname, src->name, src->boot_id };

		inv.source = src;
		out_set_origin(out, &origin);
	}
	if (r >= 0)
		r = a->command->run(&inv);
	/* the origin's strings are the source's */
	if (out_end(out, a->command->record) < 0 && r >= 0)
		return EXIT_FAILED;
	return r < 0 ? (int)exit_from_errno(r) : r;
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
	if (!streq(a->cols, "help"))
		return out_check_columns(out, type) < 0 ? EXIT_USAGE : -1;
	return out_columns_help(out, type) < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* Everything behind the parsed command line; an exit code. */
static int dispatch(struct ctx *ctx, const struct arguments *a, int parse_err)
{
	_cleanup_(cleanup_out_free) struct out *out = make_out(ctx, a);
	const struct record_type *type = a->command ? a->command->record : NULL;
	int code = parse_err < 0 ? EXIT_USAGE : EXIT_DONE;

	if (parse_err >= 0 && a->help) {
		help_print(out, a->noun, a->command);
	} else if (parse_err >= 0) {
		code = check_columns(ctx, a, out);
		if (code < 0)
			return run_command(ctx, a, out);
	}
	return out_end(out, type) < 0 && code == EXIT_DONE ? EXIT_FAILED : code;
}

int main(int argc, char **argv)
{
	struct ctx ctx = { 0 };
	struct arguments a;
	int r, code;

	hold_standard_fds();
	signal(SIGPIPE, SIG_IGN);
	source_set_provider(SECTION_OWNERSHIP, ownership_provide);
	source_set_provider(SECTION_IOMMUFD, iommufds_provide);
	r = args_parse(&ctx, argc, argv, &a);
	ctx.verbosity = a.verbosity;
	code = r >= 0 && a.version ? print_version(&ctx) : dispatch(&ctx, &a, r);
	print_notes(&ctx, &a);
	ctx_free(&ctx);
	return code;
}
