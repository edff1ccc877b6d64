// SPDX-License-Identifier: GPL-2.0-or-later
/* batch and shell: many commands on one machine, whose objects live until it ends. */
#include <errno.h>
#include <string.h>

#include "backend/workspace.h"
#include "base/str.h"
#include "cmd/interp.h"
#include "cmd/prompt.h"

struct stay_row {
	const char *what, *how;
};

static const struct field stay_fields[] = {
	FIELD(struct stay_row, what, F_STR, "WHAT", "device or group that is no longer as before", .flags = FIELD_DEFAULT),
	FIELD(struct stay_row, how, F_STR, "HOW", "how it was left", .flags = FIELD_DEFAULT),
};

static const struct record_type stay_record = RECORD("batch.stay", 1, struct stay_row, stay_fields);

struct batch_row {
	struct num commands, failed, failed_line;
	struct rows stays;
	struct num gone, kept;
	const char *session;
};

#define B(member, type, head, text, ...) FIELD(struct batch_row, member, type, head, text, ##__VA_ARGS__)

static const struct field batch_fields[] = {
	B(commands, F_INT, "COMMANDS", "commands that were run", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	B(failed, F_INT, "FAILED", "how many of them failed", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	B(failed_line, F_INT, "LINE", "line of the first that failed; null: none did", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	B(stays, F_LIST, "STAYS", "what was changed and stays so", .sub = &stay_record, .flags = FIELD_DEFAULT),
	B(gone, F_INT, "GONE", "objects that go with the batch", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	B(kept, F_INT, "KEPT", "objects that the session keeps", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	B(session, F_STR, "SESSION", "session that it ran in; null: none"),
};

static const struct record_type batch_record = RECORD("batch", 1, struct batch_row, batch_fields);
static const struct record_type shell_record = RECORD("shell", 1, struct batch_row, batch_fields);

static uint32_t count_objects(struct machine *m)
{
	struct op_object_list op = { 0 };

	return m->be && backend_object_list(m->be, &op, NULL) == 0 ? op.ret_n : 0;
}

static struct rows stay_rows(struct invocation *inv)
{
	const struct machine *m = inv->machine;
	struct stay_row *v = arena_array(&inv->ctx->arena, struct stay_row, m->stays.n);
	const struct stay *s;
	size_t n = 0;

	vec_for_each(s, &m->stays)
		if (s->how)
			v[n++] = (struct stay_row){ s->what, s->how };
	return ROWS(v, n);
}

static const char *plural_s(struct num n)
{
	return n.v == 1 ? "" : "s";
}

static void print_last_line(struct invocation *inv, const struct batch_row *row)
{
	const struct stay_row *stays = row->stays.v;
	_cleanup_strbuf_ struct strbuf b = { 0 };

	strbuf_printf(&b, "%d command%s", (int)row->commands.v, plural_s(row->commands));
	if (row->failed.v)
		strbuf_printf(&b, ", %d failed, the first in line %d", (int)row->failed.v, (int)row->failed_line.v);
	for (size_t i = 0; i < row->stays.n; i++)
		strbuf_printf(&b, "%s%s %s", i ? ", " : "; stays: ", stays[i].what, stays[i].how);
	if (!row->stays.n)
		strbuf_puts(&b, "; nothing was moved");
	if (row->gone.v)
		strbuf_printf(&b, "; %d object%s gone", (int)row->gone.v, row->gone.v == 1 ? " is" : "s are");
	if (row->kept.v)
		strbuf_printf(&b, "; session %s has %d object%s", row->session, (int)row->kept.v, plural_s(row->kept));
	out_text(inv->out, "%s", strbuf_str(&b));
}

/* A summary that cannot be written makes no other exit code than a command's output that could not. */
static int finish(struct invocation *inv, const struct interp *it, const struct record_type *type, int code)
{
	const struct out_options *opt = out_options(inv->out);
	struct machine *m = inv->machine;
	uint32_t objects = count_objects(m);
	struct batch_row row = {
		.commands = NUM(it->commands),
		.failed = NUM(it->failed),
		.failed_line = it->failed ? NUM(it->failed_line) : NUM_UNKNOWN,
		.stays = stay_rows(inv),
		.gone = NUM(m->session ? 0 : objects),
		.kept = NUM(m->session ? objects : 0),
		.session = m->session,
	};

	if (out_begin(inv->out, type) < 0)
		return EXIT_USAGE;
	if (opt->json || opt->raw || opt->cols)
		out_row(inv->out, &row);
	else if (inv->args->verbosity >= 0)
		print_last_line(inv, &row);
	return code;
}

static void start(struct invocation *inv, struct interp *it, const char *name)
{
	*it = (struct interp){
		.m = inv->machine,
		.outer = inv->args,
		.name = name,
		.interrupted = interrupt_catch(),
		.keep_going = inv_opt(inv, "keep-going"),
	};
	inv->machine->lasting = true;
	if (inv->machine->be)
		inv->machine->be->interrupted = it->interrupted;
}

static int run_batch(struct invocation *inv)
{
	const char *name = inv->argv[0];
	bool is_stdin = streq(name, "-");
	FILE *f = is_stdin ? stdin : fopen(name, "re");
	struct interp it;
	int code;

	if (!f)
		return exit_from_errno(ctx_cannot_read(inv->ctx, errno, name));
	start(inv, &it, name);
	code = interp_file(&it, f);
	if (ferror(f) && code != EXIT_INTERRUPTED) {
		ctx_cannot_read(inv->ctx, errno ? errno : EIO, name);
		code = code ? code : EXIT_FAILED;
	}
	if (!is_stdin)
		fclose(f);
	code = finish(inv, &it, &batch_record, code);
	interp_free(&it);
	return code;
}

static int run_shell(struct invocation *inv)
{
	struct interp it;
	int code;

	start(inv, &it, NULL);
	it.keep_going = it.shell = true;
	if (isatty(STDIN_FILENO)) {
		code = prompt_run(&it);
	} else {
		it.name = "-";
		code = interp_file(&it, stdin);
	}
	code = finish(inv, &it, &shell_record, code);
	interp_free(&it);
	return code;
}

static const struct arg_row batch_args[] = {
	{ .name = "FILE|-", .help = "commands, one a line; - is standard input", .complete = COMPLETE_FILE },
	{ 0 },
};

static const struct option_row batch_options[] = {
	{ .short_name = 'k', .name = "keep-going", .help = "run the lines behind one that failed, too" },
	{ 0 },
};

static const struct command batch_commands[] = {
	{
		.summary = "run many commands on one machine, from a file",
		.text = "Each line is a command as on the command line, without \"iommuctl\". Objects of iommufd live as long as the "
			"batch: an ioas that one line makes is there for the next one, by its name. With --session they live in the session. "
			"The first line that fails ends the batch, unless --keep-going is given; the exit status is that line's. Errors name "
			"the file and the line.\n\n"
			"Words are quoted as in sh: single quotes, double quotes, backslash, and # at a word's start for a comment; a "
			"backslash at the end of a line goes on with the next one. \"set NAME=VALUE...\" sets variables; $NAME or "
			"${NAME} is a variable's value, else the environment's, never split into words, and an error when it is not set. A "
			"line has at most 64 KiB.\n\n"
			"\"expect ERRNO COMMAND\" succeeds when the command fails with that errno, as in \"expect EBUSY object destroy mem\"; "
			"\"expect 3 group check 12\" wants that exit status.\n\n"
			"The last line says what stays: devices that were moved are where they are, objects are gone.\n\n"
			"With -j each command prints its line of JSON, and the batch one more.",
		.args = batch_args,
		.options = batch_options,
		.record = &batch_record,
		.flags = COMMAND_ALONE | COMMAND_DETAIL,
		.run = run_batch,
	},
};

const struct noun noun_batch = {
	.name = "batch",
	.summary = "run many commands on one machine, from a file",
	.commands = batch_commands,
	.n = ARRAY_SIZE(batch_commands),
};

static const struct command shell_commands[] = {
	{
		.summary = "run many commands on one machine, from the keyboard",
		.text = "As batch, line by line, with history and completion of commands, devices and objects where the program was built "
			"with libedit. A line that fails does not end it; exit, quit or an end of file (Ctrl-D) does, and then the objects are gone, "
			"unless it runs in a session. The exit status is the last command's, as sh has it; where lines do not come from a "
			"terminal, that of the first that failed.",
		.record = &shell_record,
		.flags = COMMAND_ALONE | COMMAND_DETAIL,
		.run = run_shell,
	},
};

const struct noun noun_shell = {
	.name = "shell",
	.summary = "run many commands on one machine, from the keyboard",
	.commands = shell_commands,
	.n = ARRAY_SIZE(shell_commands),
};
