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

static struct out *make_out(struct ctx *ctx, const struct arguments *a, const struct source *src)
{
	bool tty = isatty(STDOUT_FILENO);
	struct out_options opt = {
		.json = a->json,
		.noheadings = a->noheadings,
		.raw = a->raw,
		.cols = a->cols,
		.utf8 = take_locale(),
	};
	struct out_origin origin = { 0 };

	if (tty) {
		opt.colour = wants_colour();
		opt.width = terminal_width();
	}
	if (src)
		origin = (struct out_origin){ src->hostname, src->name, src->boot_id };
	return out_new(ctx, stdout, &opt, &origin);
}

static void print_escaped(const char *prefix, const char *s)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	strbuf_add_escaped(&b, s);
	fprintf(stderr, "%s%s", prefix, strbuf_str(&b));
}

static void print_note(const struct note *n)
{
	print_escaped(n->level == NOTE_WARNING ? "iommuctl: warning: " : "iommuctl: ", n->what);
	if (n->why)
		print_escaped(": ", n->why);
	/* the place, unless the words have named it */
	if (n->where && !strstr(n->what, n->where) && strchr(n->where, '/'))
		print_escaped(" (", n->where), fputc(')', stderr);
	fputc('\n', stderr);
	if (n->hint)
		print_escaped("hint: ", n->hint), fputc('\n', stderr);
}

/*
 * Errors always go to stderr too, so that a log has them; warnings are said once, in the envelope when
 * there is one.
 */
static void print_notes(const struct ctx *ctx, bool warnings)
{
	const struct note *n;

	vec_for_each(n, &ctx->notes)
		if (n->level == NOTE_ERROR || warnings)
			print_note(n);
	if (warnings && ctx->dropped)
		fprintf(stderr, "iommuctl: warning: %zu more warnings are not shown\n", ctx->dropped);
}

static int print_version(struct ctx *ctx)
{
	printf("iommuctl %s %clibpci\n", PACKAGE_VERSION,
#ifdef HAVE_LIBPCI
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

static int run_command(struct ctx *ctx, const struct arguments *a, struct out *out, struct source *src)
{
	struct invocation inv = {
		.ctx = ctx,
		.out = out,
		.source = src,
		.from = a->from,
		.noun = a->noun,
		.command = a->command,
		.argc = a->argc,
		.argv = a->argv,
		.opt = a->opt,
		.model = a->demo,
	};
	int r;

	if (streq(a->cols, "help") && a->command->record)
		r = out_columns_help(out, a->command->record);
	else
		r = a->command->run(&inv);
	return r < 0 ? (int)exit_from_errno(r) : r;
}

/* Everything between a parsed command line and the end of the output; an exit code. */
static int dispatch(struct ctx *ctx, const struct arguments *a, int parse_err)
{
	_cleanup_(cleanup_source_close) struct source *src = NULL;
	_cleanup_(cleanup_out_free) struct out *out = NULL;
	int r = 0, code = EXIT_USAGE;

	if (parse_err >= 0 && a->command && !a->help && !(a->command->flags & COMMAND_NO_SOURCE))
		r = a->from ? source_open(ctx, a->from, &src) : source_open_live(ctx, &src);
	out = make_out(ctx, a, src);
	if (parse_err < 0)
		code = EXIT_USAGE;
	else if (a->help)
		help_print(out, a->noun, a->command), code = EXIT_DONE;
	else if (r < 0)
		code = exit_from_errno(r);
	else
		code = run_command(ctx, a, out, src);
	if (parse_err >= 0 || a->json)
		r = out_end(out, a->command ? a->command->record : NULL);
	return r < 0 && code == EXIT_DONE ? EXIT_FAILED : code;
}

int main(int argc, char **argv)
{
	struct ctx ctx = { 0 };
	struct arguments a;
	int r, code;

	hold_standard_fds();
	signal(SIGPIPE, SIG_IGN);
	r = args_parse(&ctx, argc, argv, &a);
	ctx.verbosity = a.verbosity;
	code = r >= 0 && a.version ? print_version(&ctx) : dispatch(&ctx, &a, r);
	print_notes(&ctx, !a.json && a.verbosity >= 0);
	ctx_free(&ctx);
	return code;
}
