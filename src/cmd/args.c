// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/args.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "backend/workspace.h"
#include "base/str.h"
#include "cmd/suggest.h"

const struct option_row global_options[] = {
	{ 0, "from", "FILE|DIR|demo", "take the facts from a snapshot, an unpacked tree, a listing of IOMMU groups or the built-in machine",
	  COMPLETE_FILE_OR_DEMO },
	{ 'M', "model", NULL, "act on a model of the machine, inside this process", COMPLETE_NONE },
	{ 0, "demo", NULL, "the built-in sample machine and a model of it: --from demo -M", COMPLETE_NONE },
	{ 0, "inject", "WORDS", "what the model lacks or has wrong; --inject help lists the words", COMPLETE_INJECT,
	  .list = true },
	{ 0, "session", "NAME", "work in this session; else IOMMUCTL_SESSION says which", COMPLETE_SESSION },
	{ 'j', "json", NULL, "print one line of JSON", COMPLETE_NONE },
	{ 'o', "columns", "COLS", "print these columns; +COL adds one, help lists them", COMPLETE_COLUMNS,
	  .list = true },
	{ 0, "noheadings", NULL, "print no headings", COMPLETE_NONE },
	{ 0, "raw", NULL, "print one record a line, columns separated by one blank", COMPLETE_NONE },
	{ 'q', "quiet", NULL, "print no warnings", COMPLETE_NONE },
	{ 'v', "verbose", NULL, "say of each warning and error its code, its errno and its place", COMPLETE_NONE },
	{ 'h', "help", NULL, "print help on what was named so far", COMPLETE_NONE },
	{ 'V', "version", NULL, "print the version and the optional libraries that are in", COMPLETE_NONE },
	{ 0 },
};

enum { GLOBAL_FROM, GLOBAL_MODEL, GLOBAL_DEMO, GLOBAL_INJECT, GLOBAL_SESSION, GLOBAL_JSON, GLOBAL_COLUMNS, GLOBAL_NOHEADINGS, GLOBAL_RAW, GLOBAL_QUIET,
       GLOBAL_VERBOSE, GLOBAL_HELP, GLOBAL_VERSION, N_GLOBAL };

_Static_assert(ARRAY_SIZE(global_options) == N_GLOBAL + 1, "one index a row");

/* getopt's answer for row i; above every character */
#define ROW_BASE 0x100
#define MAX_OPTIONS 64

struct parser {
	struct ctx *ctx;
	struct arguments *a;
	VEC(char *) words;
	struct option longs[MAX_OPTIONS];
	char shorts[3 + MAX_OPTIONS * 2];
	int err; /* of the first mistake; the others are not said */
};

bool noun_hidden(const struct noun *n)
{
	return n->name[0] == '_';
}

bool noun_is_command(const struct noun *n)
{
	return n->n == 1 && !n->commands[0].verb;
}

const struct noun *noun_find(const char *name)
{
	for (size_t i = 0; i < n_nouns; i++)
		if (streq(nouns[i]->name, name))
			return nouns[i];
	return NULL;
}

const struct command *verb_find(const struct noun *n, const char *verb)
{
	for (size_t i = 0; i < n->n; i++)
		if (streq(n->commands[i].verb, verb))
			return &n->commands[i];
	return NULL;
}

/* The row behind getopt's number: global ones first, the command's behind them. */
static const struct option_row *row_of(const struct parser *p, size_t i)
{
	return i < N_GLOBAL ? &global_options[i] : &p->a->command->options[i - N_GLOBAL];
}

static size_t count_options(const struct option_row *rows)
{
	size_t n = 0;

	while (rows && rows[n].name)
		n++;
	return n;
}

static size_t n_rows(const struct parser *p)
{
	return N_GLOBAL + (p->a->command ? count_options(p->a->command->options) : 0);
}

/* getopt's tables for the rows that are valid now; made anew when the verb is known. */
static void make_tables(struct parser *p)
{
	size_t n = MIN(n_rows(p), (size_t)MAX_OPTIONS - 1);
	char *s = p->shorts;

	/* words in their order, and a missing value told apart */
	*s++ = '-';
	*s++ = ':';
	for (size_t i = 0; i < n; i++) {
		const struct option_row *row = row_of(p, i);

		p->longs[i] = (struct option){ row->name, row->arg ? required_argument : no_argument, NULL,
					       ROW_BASE + i };
		if (!row->short_name)
			continue;
		*s++ = row->short_name;
		if (row->arg)
			*s++ = ':';
	}
	*s = '\0';
	p->longs[n] = (struct option){ 0 };
}

static void mistake(struct parser *p, const char *code, const char *what, const char *why, const char *hint)
{
	if (!p->err)
		p->err = ctx_error(p->ctx,
				   NOTE(.code = code, .err = EINVAL, .why = why, .hint = hint,
					.where = "command line"),
				   "%s", what);
}

static const char *did_you_mean(struct parser *p, const struct suggestion *s, const char *prefix)
{
	const char *best = suggestion_best(s);

	return best ? arena_printf(&p->ctx->arena, "did you mean \"%s%s\"?", prefix, best) : NULL;
}

static const char *help_hint(struct parser *p)
{
	const struct noun *n = p->a->noun;

	if (!n)
		return "iommuctl help";
	if (p->a->command && p->a->command->verb)
		return arena_printf(&p->ctx->arena, "iommuctl help %s %s", n->name, p->a->command->verb);
	return arena_printf(&p->ctx->arena, "iommuctl help %s", n->name);
}

/* "--jsno=1" is about "jsno". */
static void unknown_option(struct parser *p, const char *given)
{
	struct suggestion s = { 0 };
	const char *hint;

	if (given[0] == '-' && given[1] == '-') {
		s.word = arena_memdup(&p->ctx->arena, given + 2, strcspn(given + 2, "="));
		for (size_t i = 0; i < n_rows(p); i++)
			suggest(&s, row_of(p, i)->name);
	}
	hint = s.word ? did_you_mean(p, &s, "--") : NULL;
	mistake(p, "unknown-option", given, "unknown option", hint ? hint : help_hint(p));
}

static void unknown_noun(struct parser *p, const char *word)
{
	struct suggestion s = { .word = word };
	const char *hint;

	for (size_t i = 0; i < n_nouns; i++) {
		if (!noun_hidden(nouns[i]))
			suggest(&s, nouns[i]->name);
	}
	hint = did_you_mean(p, &s, "");
	for (size_t i = 0; !hint && i < n_nouns; i++)
		if (verb_find(nouns[i], word))
			hint = arena_printf(&p->ctx->arena, "the noun comes first: \"iommuctl %s %s\"",
					    nouns[i]->name, word);
	mistake(p, "unknown-noun", word, "unknown noun", hint ? hint : help_hint(p));
}

static const char *verbs_hint(struct parser *p, const struct noun *n)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (size_t i = 0; i < n->n; i++)
		strbuf_printf(&b, "%s%s", i ? ", " : "one of: ", n->commands[i].verb);
	return arena_strdup(&p->ctx->arena, b.s);
}

static void unknown_verb(struct parser *p, const char *word)
{
	const struct noun *n = p->a->noun;
	struct suggestion s = { .word = word };
	const char *hint;

	for (size_t i = 0; i < n->n; i++)
		suggest(&s, n->commands[i].verb);
	hint = did_you_mean(p, &s, "");
	mistake(p, "unknown-verb", arena_printf(&p->ctx->arena, "%s %s", n->name, word), "unknown verb",
		hint ? hint : verbs_hint(p, n));
}

static void set_command(struct parser *p, const struct command *c)
{
	p->a->command = c;
	p->a->opt = arena_array(&p->ctx->arena, const char *, count_options(c->options) + 1);
	make_tables(p);
}

static void take_word(struct parser *p, char *word)
{
	struct arguments *a = p->a;
	const struct command *c;

	if (p->err || a->command) {
		*vec_push(&p->words) = word;
	} else if (!a->noun) {
		a->noun = noun_find(word);
		if (!a->noun)
			unknown_noun(p, word);
		else if (noun_is_command(a->noun))
			set_command(p, &a->noun->commands[0]);
	} else if ((c = verb_find(a->noun, word))) {
		set_command(p, c);
	} else {
		unknown_verb(p, word);
	}
}

static bool is_one_of(const char *const *words, const char *v, size_t len)
{
	for (; *words; words++)
		if (strlen(*words) == len && !memcmp(*words, v, len))
			return true;
	return false;
}

static void check_words(struct parser *p, const struct option_row *row, const char *value)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	size_t len;

	if (row->complete != COMPLETE_WORDS)
		return;
	for (const char *v = value;; v += len + 1) {
		len = row->list ? strcspn(v, ",") : strlen(v);
		if (!is_one_of(row->words, v, len))
			break;
		if (!v[len])
			return;
	}
	for (const char *const *w = row->words; *w; w++)
		strbuf_printf(&b, "%s%s", b.len ? ", " : "one of: ", *w);
	mistake(p, "bad-value", arena_printf(&p->ctx->arena, "--%s %s", row->name, value), "not a valid value",
		b.s);
}

/* Of two values of what takes one, neither is guessed to be meant; the same one twice is no question. */
static const char *joined(struct parser *p, const struct option_row *row, const char *before, const char *value)
{
	if (!before || !row->arg)
		return value;
	if (row->list)
		return arena_printf(&p->ctx->arena, "%s,%s", before, value);
	if (!streq(before, value))
		mistake(p, "bad-value", arena_printf(&p->ctx->arena, "--%s %s", row->name, value),
			arena_printf(&p->ctx->arena, "it takes one value, and has been given %s", before), "leave one out");
	return before;
}

static void take_global(struct parser *p, int i, const char *value)
{
	const struct option_row *row = &global_options[i];
	struct arguments *a = p->a;

	switch (i) {
	case GLOBAL_FROM:
		a->from = joined(p, row, a->from, value);
		break;
	case GLOBAL_MODEL:
		a->model = true;
		break;
	case GLOBAL_DEMO:
		a->demo = true;
		break;
	case GLOBAL_INJECT:
		a->inject = joined(p, row, a->inject, value);
		break;
	case GLOBAL_SESSION:
		a->session = joined(p, row, a->session, value);
		break;
	case GLOBAL_JSON:
		a->json = true;
		break;
	case GLOBAL_COLUMNS:
		a->cols = joined(p, row, a->cols, value);
		break;
	case GLOBAL_NOHEADINGS:
		a->noheadings = true;
		break;
	case GLOBAL_RAW:
		a->raw = true;
		break;
	case GLOBAL_QUIET:
		a->verbosity--;
		break;
	case GLOBAL_VERBOSE:
		a->verbosity++;
		break;
	case GLOBAL_HELP:
		a->help = true;
		break;
	case GLOBAL_VERSION:
		a->version = true;
		break;
	}
}

static void take_option(struct parser *p, size_t i, const char *value)
{
	const struct option_row *row = row_of(p, i);

	if (value && !*value)
		mistake(p, "bad-value", arena_printf(&p->ctx->arena, "--%s", row->name), "the value is empty",
			help_hint(p));
	if (value)
		check_words(p, row, value);
	if (i < N_GLOBAL)
		take_global(p, i, value);
	else
		p->a->opt[i - N_GLOBAL] = value ? joined(p, row, p->a->opt[i - N_GLOBAL], value) : "";
}

/* The word of the command line that getopt just took its option from. */
static const char *given_word(char **argv, const char *value)
{
	return value && value == argv[optind - 1] ? argv[optind - 2] : argv[optind - 1];
}

static void take_long(struct parser *p, size_t i, char **argv)
{
	const char *given = given_word(argv, optarg);
	const char *name = row_of(p, i)->name;

	if (strncmp(given + 2, name, strcspn(given + 2, "=")) || strlen(name) != strcspn(given + 2, "="))
		unknown_option(p, given); /* abbreviated */
	else
		take_option(p, i, optarg);
}

static size_t short_row(const struct parser *p, int c)
{
	size_t i = 0;

	while (i < n_rows(p) && row_of(p, i)->short_name != c)
		i++;
	return i;
}

static void bad_option(struct parser *p, int c, char **argv)
{
	const char *given = argv[optind - 1];
	char name[3] = { '-', optopt, '\0' };

	if (optopt && optopt < ROW_BASE)
		given = arena_strdup(&p->ctx->arena, name);
	if (c == ':')
		mistake(p, "no-value", given, "needs a value", help_hint(p));
	else if (optopt >= ROW_BASE)
		mistake(p, "bad-value", given, "takes no value", help_hint(p));
	else
		unknown_option(p, given);
}

static bool takes_command(const struct command *c)
{
	for (const struct arg_row *row = c->args; row && row->name; row++)
		if (row->behind)
			return true;
	return false;
}

static void parse_words(struct parser *p, int argc, char **argv)
{
	int c;

	optind = 0; /* glibc: start anew */
	opterr = 0;
	make_tables(p);
	while ((c = getopt_long(argc, argv, p->shorts, p->longs, NULL)) != -1) {
		if (c == 1)
			take_word(p, optarg);
		else if (c == '?' || c == ':')
			bad_option(p, c, argv);
		else if (c >= ROW_BASE)
			take_long(p, c - ROW_BASE, argv);
		else
			take_option(p, short_row(p, c), optarg);
	}
	if (p->a->command && takes_command(p->a->command)) {
		p->a->cmd = optind < argc ? argv + optind : NULL;
		return;
	}
	while (optind < argc)
		take_word(p, argv[optind++]);
}

/* Of a creating command it is the new object's name as a rule, and not said to be one. */
static void extra_argument(struct parser *p, const char *name, int i)
{
	const struct arguments *a = p->a;
	const char *word = a->argv[i], *hint = help_hint(p);

	if (!(a->command->flags & COMMAND_CREATES)) {
		mistake(p, "extra-argument", word, arena_printf(&p->ctx->arena, "one argument too many for \"%s\"", name), hint);
		return;
	}
	if (streq(word, "as")) {
		mistake(p, "extra-argument", name, i + 1 < a->argc ? "as NAME is its end" : "NAME is missing behind \"as\"", hint);
		return;
	}
	if (workspace_good_name(word) && !a->as)
		hint = arena_printf(&p->ctx->arena, "as %s gives the new object that name", word);
	mistake(p, "extra-argument", word, arena_printf(&p->ctx->arena, "one argument too many for \"%s\"", name), hint);
}

static void check_args(struct parser *p)
{
	const struct arguments *a = p->a;
	const struct arg_row *row = a->command->args;
	const char *name = a->command->verb ? arena_printf(&p->ctx->arena, "%s %s", a->noun->name,
							   a->command->verb) : a->noun->name;
	int i = 0;

	for (; row && row->name && !row->behind; row++) {
		if (i >= a->argc && !row->optional) {
			mistake(p, "no-argument", name, arena_printf(&p->ctx->arena, "%s is missing", row->name),
				help_hint(p));
			return;
		}
		i = row->repeat ? MAX(i, a->argc) : i + 1;
	}
	if (i < a->argc)
		extra_argument(p, name, i);
}

static void check_whole(struct parser *p)
{
	struct arguments *a = p->a;

	if (a->help || a->version || streq(a->inject, "help"))
		return; /* asked for nothing else */
	if (!a->noun)
		mistake(p, "no-noun", "command line", "names nothing to do", "iommuctl help");
	else if (!a->command)
		mistake(p, "no-verb", a->noun->name, "the verb is missing", verbs_hint(p, a->noun));
	else if (a->demo && a->from)
		mistake(p, "bad-value", "--demo", "is --from demo, and --from was given too", "leave one out");
	else if (a->inject && !a->model && !a->demo)
		mistake(p, "usage", "--inject", "is for the model, and there is none", "give -M too");
	else
		check_args(p);
}

/* "as NAME" at the end. */
static void take_name(struct parser *p)
{
	struct arguments *a = p->a;

	if (!a->command || !(a->command->flags & COMMAND_CREATES) || a->argc < 2 || !streq(a->argv[a->argc - 2], "as"))
		return;
	a->as = a->argv[a->argc - 1];
	a->argc -= 2;
	a->argv[a->argc] = NULL;
	if (!workspace_good_name(a->as))
		mistake(p, "bad-name", arena_printf(&p->ctx->arena, "as %s", a->as), "not a name for an object",
			"a letter, then letters, digits, - and _, 32 in all");
}

/* A session is named by its option or by the environment, and has its own source and backend. */
static void take_place(struct parser *p)
{
	const char *env = secure_getenv("IOMMUCTL_SESSION");
	struct arguments *a = p->a;
	bool placed = a->from || a->model || a->inject;

	if (a->demo) {
		a->from = "demo";
		a->model = placed = true;
	}
	if (!a->command || (a->command->flags & COMMAND_NO_SOURCE))
		return; /* what it names is no place that it runs in */
	if (!a->session && env && *env)
		a->session = env;
	if (a->session && placed)
		mistake(p, "usage", arena_printf(&p->ctx->arena, "session %s", a->session),
			"its machine was fixed when it was started: --from, --demo, -M and --inject go to session start",
			"leave one out");
}

int args_parse(struct ctx *ctx, int argc, char **argv, struct arguments *ret)
{
	struct parser p = { .ctx = ctx, .a = ret };

	*ret = (struct arguments){ 0 };
	parse_words(&p, argc, argv);
	ret->argc = p.words.n;
	ret->argv = arena_array(&ctx->arena, char *, p.words.n + 1);
	for (size_t i = 0; i < p.words.n; i++)
		ret->argv[i] = p.words.v[i];
	vec_free(&p.words);
	take_name(&p);
	if (!p.err)
		check_whole(&p);
	take_place(&p);
	return p.err;
}
