/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command is a row: name, arguments, options, help, record type, function. Help, the OPTIONS of the
 * man pages and the completions are generated from the rows.
 */
#ifndef IOMMUCTL_CMD_CMD_H
#define IOMMUCTL_CMD_CMD_H

#include "base/ctx.h"
#include "out/out.h"
#include "source/source.h"

/* The contract's exit codes. */
enum exit_code {
	EXIT_DONE = 0,	      /* done, or yes */
	EXIT_FAILED = 1,      /* failed, the machine is as before */
	EXIT_USAGE = 2,
	EXIT_NO = 3,	      /* the answer is no */
	EXIT_CHANGED = 4,     /* failed, and the machine is not as before */
	EXIT_REFUSED = 5,     /* by a guard; --force overrides */
	EXIT_UNSUPPORTED = 6, /* this kernel, hardware or source cannot */
	EXIT_PERMISSION = 7,
	EXIT_INTERRUPTED = 130,
};

/* What an argument is, for completion. */
enum complete {
	COMPLETE_NONE,
	COMPLETE_FILE,
	COMPLETE_DEVICE,
	COMPLETE_GROUP,
	COMPLETE_UNIT,
	COMPLETE_GROUP_OR_DEVICE,
	COMPLETE_WORDS, /* one of the row's words */
	COMPLETE_DRIVER,
	COMPLETE_COLUMNS, /* of the command's record */
	COMPLETE_NOUN,
	COMPLETE_VERB, /* of the noun before it */
	COMPLETE_FILE_OR_DEMO,
	COMPLETE_OBJECT,  /* a live object of the session */
	COMPLETE_SESSION,
	COMPLETE_COMMAND, /* a program, and then files for it */
	COMPLETE_INJECT,  /* what --inject takes */
};

struct option_row {
	char short_name;	/* 0 none */
	const char *name;	/* long */
	const char *arg;	/* "SECONDS"; NULL takes none */
	const char *help;	/* one sentence, no full stop */
	enum complete complete;
	const char *const *words; /* NULL-terminated; COMPLETE_WORDS: nothing else is taken; else offered with what there is besides */
	bool list;		  /* several values, separated by commas or by giving it again */
};

struct arg_row {
	const char *name; /* "G|DEV" */
	const char *help;
	enum complete complete;
	bool optional, repeat;
	bool behind; /* the last row: a command line behind "--", see inv->cmd */
	const char *const *words; /* offered, NULL-terminated; the command checks them */
};

enum command_flags {
	COMMAND_QUESTION = 1 << 0,  /* answers 0 or 3 */
	COMMAND_NO_SOURCE = 1 << 1, /* never looks at a machine (help, snapshot info) */
	COMMAND_ACTS = 1 << 2,	    /* changes a machine: has ACTING_OPTIONS, and no --from */
	COMMAND_DETAIL = 1 << 3,    /* prints one record as a detail view, or text: -o applies to JSON only */
	COMMAND_STREAM = 1 << 4,    /* -j always writes JSON Lines: out_set_stream() */
	COMMAND_OBJECT = 1 << 5,    /* makes or uses objects: runs in a batch or session only */
	COMMAND_CREATES = 1 << 6,   /* takes "as NAME" behind its arguments */
	COMMAND_ALONE = 1 << 7,	    /* is no line of a batch, since it is one, or starts what outlives it */
};

/* What every command with COMMAND_ACTS has among its options. */
#define ACTING_OPTIONS                                                                                         \
	{ .short_name = 'n', .name = "dry-run", .help = "check everything, print the plan, and change nothing" }, \
	{ .name = "force", .help = "do it although a check speaks against it" },                               \
	{ .name = "timeout", .arg = "SECONDS",                                                                 \
	  .help = "how long to wait for another iommuctl, for an unbind, and for udev (default 30)" }

struct arguments;
struct invocation;
struct machine;

struct command {
	const char *verb;    /* NULL: the noun alone ("doctor") */
	const char *summary; /* one line: help, completion, man NAME */
	const char *text;    /* paragraphs for the man page and `help NOUN`; blank line between */
	const struct arg_row *args;	/* ends with a NULL name; NULL none */
	const struct option_row *options; /* ends with a NULL name; NULL none */
	const struct record_type *record; /* what it prints; NULL none */
	unsigned flags;
	int (*run)(struct invocation *inv); /* an exit code, or a negative errno that was noted */
};

struct noun {
	const char *name;
	const char *summary;
	const struct command *commands;
	size_t n;
};

/* Everything that a command gets. */
struct invocation {
	struct ctx *ctx;
	struct out *out;
	const struct arguments *args; /* the command line that this came from */
	struct machine *machine; /* the source, and what acts; NULL with COMMAND_NO_SOURCE */
	struct source *source;	 /* the machine's */
	const char *from;	/* --from, as given; NULL live */
	const struct noun *noun;
	const struct command *command;
	int argc; /* arguments behind the verb, options taken out */
	char **argv;
	const char *as; /* of "as NAME"; NULL not given */
	char **cmd; /* the command line behind "--", ends with NULL; NULL: none, or the command takes none */
	bool dry_run, force, model;
	bool changed; /* set by the command: the machine is no longer as before, whatever becomes of telling it */
	double timeout;
	/* values of the command's options, by row: NULL not given, "" given without a value;
	 * a list given twice has its values joined with commas */
	const char **opt;
};

/* The value of option "name" of this command's rows; NULL when it was not given. */
const char *inv_opt(const struct invocation *inv, const char *name);

/* All nouns, in the order of help. */
extern const struct noun *const nouns[];
extern const size_t n_nouns;

/*
 * An exit code for a negative errno that came up: -EACCES and -EPERM 7; -EOPNOTSUPP, -ENOTTY, -ENOSYS
 * and -ENOTCAPTURED 6; -EINVAL from arguments is said as EXIT_USAGE by the command itself; else 1.
 */
enum exit_code exit_from_errno(int err);

#endif
