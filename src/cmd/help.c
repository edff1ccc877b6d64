// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/help.h"

#include <errno.h>
#include <string.h>

#include "cmd/args.h"

const char help_as_name[] = "name of the new object; without it one is made up, and printed";

/* "group check [options] G|DEV…" */
static void help_synopsis(struct strbuf *b, const struct noun *n, const struct command *c)
{
	strbuf_puts(b, n->name);
	if (c->verb)
		strbuf_printf(b, " %s", c->verb);
	if (c->options)
		strbuf_puts(b, " [options]");
	for (const struct arg_row *a = c->args; a && a->name; a++)
		strbuf_printf(b, a->optional ? " [%s%s%s]" : " %s%s%s", a->behind ? "-- " : "", a->name, a->repeat ? "..." : "");
	if (c->flags & COMMAND_CREATES)
		strbuf_puts(b, " [as NAME]");
}

/* "  -o, --columns COLS" */
static void help_option(struct strbuf *b, const struct option_row *row)
{
	if (row->short_name)
		strbuf_printf(b, "-%c, ", row->short_name);
	else
		strbuf_puts(b, "    ");
	strbuf_printf(b, "--%s", row->name);
	if (row->arg)
		strbuf_printf(b, " %s", row->arg);
}

#define NAME_WIDTH 29

/* Two columns: a name and what it is. */
static void print_pair(struct out *o, const char *name, const char *help)
{
	int width = out_options(o)->width;

	if (strlen(name) > NAME_WIDTH || (width && width < 60)) {
		out_text(o, "  %s\n        %s", name, help);
		return;
	}
	out_text(o, "  %-*s %s", NAME_WIDTH, name, help);
}

/* What it is, and the words that it takes, unless the sentence says them. */
static void option_text(struct strbuf *b, const struct option_row *row)
{
	strbuf_puts(b, row->help);
	if (row->complete != COMPLETE_WORDS || strstr(row->help, row->words[0]))
		return;
	for (const char *const *w = row->words; *w; w++)
		strbuf_printf(b, "%s%s", w == row->words ? ": " : w[1] ? ", " : " or ", *w);
}

static void print_options(struct out *o, const char *title, const struct option_row *rows)
{
	out_text(o, "\n%s:\n", title);
	for (; rows && rows->name; rows++) {
		_cleanup_strbuf_ struct strbuf b = { 0 }, text = { 0 };

		help_option(&b, rows);
		option_text(&text, rows);
		print_pair(o, b.s, strbuf_str(&text));
	}
}

static void print_synopsis(struct out *o, const struct noun *n, const struct command *c)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	help_synopsis(&b, n, c);
	out_text(o, "iommuctl %s", b.s);
}

static void print_paragraphs(struct out *o, const char *text)
{
	while (text && *text) {
		const char *end = strstr(text, "\n\n");
		size_t len = end ? (size_t)(end - text) : strlen(text);
		_cleanup_free_ char *one = strndup(text, len);

		/* lines inside a paragraph are the source's, not the reader's */
		for (char *p = one; p && *p; p++)
			if (*p == '\n')
				*p = ' ';
		out_text(o, "\n%s\n", one ? one : "");
		text = end ? end + 2 : NULL;
	}
}

static void help_command(struct out *o, const struct noun *n, const struct command *c)
{
	print_synopsis(o, n, c);
	out_text(o, "\n%s", c->summary);
	print_paragraphs(o, c->text);
	if ((c->args && c->args->name) || (c->flags & COMMAND_CREATES))
		out_text(o, "\nArguments:\n");
	for (const struct arg_row *a = c->args; a && a->name; a++)
		print_pair(o, a->name, a->help);
	if (c->flags & COMMAND_CREATES)
		print_pair(o, "as NAME", help_as_name);
	if (c->options && c->options->name)
		print_options(o, "Options", c->options);
	print_options(o, "Options of every command", global_options);
}

static void help_noun(struct out *o, const struct noun *n)
{
	if (noun_is_command(n)) {
		help_command(o, n, &n->commands[0]);
		return;
	}
	out_text(o, "iommuctl %s: %s\n\n", n->name, n->summary);
	for (size_t i = 0; i < n->n; i++) {
		_cleanup_strbuf_ struct strbuf b = { 0 };

		help_synopsis(&b, n, &n->commands[i]);
		print_pair(o, b.s, n->commands[i].summary);
	}
	out_text(o, "\niommuctl help %s VERB says more; man iommuctl-%s is the manual.", n->name, n->name);
}

static void help_program(struct out *o)
{
	out_text(o, "iommuctl [options] NOUN VERB [arguments]\n");
	out_text(o, "\nSee, judge and explain the machine's IOMMUs, their groups and devices.\n");
	out_text(o, "\nNouns:\n");
	for (size_t i = 0; i < n_nouns; i++)
		if (!noun_hidden(nouns[i]))
			print_pair(o, nouns[i]->name, nouns[i]->summary);
	print_options(o, "Options", global_options);
	out_text(o, "\niommuctl help NOUN says more; man iommuctl is the manual.");
}

void help_print(struct out *o, const struct noun *n, const struct command *c)
{
	if (c)
		help_command(o, n, c);
	else if (n)
		help_noun(o, n);
	else
		help_program(o);
}

static int run_help(struct invocation *inv)
{
	const struct command *c = NULL;
	const struct noun *n;

	if (!inv->argc) {
		help_print(inv->out, NULL, NULL);
		return EXIT_DONE;
	}
	n = noun_find(inv->argv[0]);
	if (n && inv->argc > 1)
		c = verb_find(n, inv->argv[1]);
	if (!n || (inv->argc > 1 && !c)) {
		ctx_error(inv->ctx, NOTE(.code = "no-help", .err = ENOENT, .why = "there is no such command",
					 .hint = "iommuctl help", .where = "command line"),
			  "help %s%s%s", inv->argv[0], inv->argc > 1 ? " " : "", inv->argc > 1 ? inv->argv[1] : "");
		return EXIT_USAGE;
	}
	help_print(inv->out, n, c);
	return EXIT_DONE;
}

static const struct arg_row help_args[] = {
	{ "NOUN", "noun to explain", COMPLETE_NOUN, .optional = true },
	{ "VERB", "verb to explain", COMPLETE_VERB, .optional = true },
	{ 0 },
};

static const struct command help_commands[] = {
	{
		.summary = "print help on a noun or a command",
		.text = "Without an argument it lists the nouns and the options that every command takes.",
		.args = help_args,
		.flags = COMMAND_NO_SOURCE,
		.run = run_help,
	},
};

const struct noun noun_help = {
	.name = "help",
	.summary = "print help on a noun or a command",
	.commands = help_commands,
	.n = ARRAY_SIZE(help_commands),
};
