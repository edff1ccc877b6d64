/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line against the rows. */
#ifndef IOMMUCTL_CMD_ARGS_H
#define IOMMUCTL_CMD_ARGS_H

#include "cmd/cmd.h"

/* The options that every command takes, before the noun, between, and behind; ends with a NULL name. */
extern const struct option_row global_options[];

struct arguments {
	/* the global options */
	bool help, version;
	bool json, noheadings, raw, demo;
	bool model; /* -M, or --demo */
	int verbosity;	  /* -v: +1 each, -q: -1 */
	const char *cols; /* -o; several are joined by commas; NULL none */
	const char *from; /* --from, or "demo" with --demo */
	const char *session; /* --session, else $IOMMUCTL_SESSION; NULL none */
	const char *inject;  /* --inject, joined by commas; NULL none */

	const struct noun *noun;       /* NULL: none was given */
	const struct command *command; /* NULL: none was given, or unknown */
	int argc;
	char **argv; /* the words behind noun and verb */
	const char *as; /* NAME of "as NAME" at the end; NULL none */
	char **cmd;  /* the words behind "--", where the command takes such */
	const char **opt; /* by row of the command's options: see struct invocation */
};

/*
 * Takes @argv apart. Abbreviated option names are refused: an option added later would change what they
 * mean. -EINVAL, noted in @ctx with the one line that helps, when it is no valid command line; @ret
 * then holds as much as was understood, so that --json is honoured all the same. Everything in it lives
 * in the ctx's arena or in @argv.
 */
int args_parse(struct ctx *ctx, int argc, char **argv, struct arguments *ret);

/* The noun or verb of that exact name, NULL none. */
const struct noun *noun_find(const char *name);
const struct command *verb_find(const struct noun *n, const char *verb);

/* Nouns whose name starts with an underscore serve the completion scripts and are shown nowhere. */
bool noun_hidden(const struct noun *n);

/* Whether the noun alone is the command ("doctor"). */
bool noun_is_command(const struct noun *n);

#endif
