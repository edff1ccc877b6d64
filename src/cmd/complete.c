// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/complete.h"

#include <stdio.h>
#include <string.h>

#include "backend/workspace.h"
#include "base/str.h"
#include "cmd/args.h"
#include "host/host.h"
#include "host/names.h"
#include "model/model.h"
#include "session/place.h"

/* What the words before the cursor mean. */
struct state {
	struct ctx *ctx;
	struct machine *m; /* of a shell; NULL: the one that the words name */
	complete_sink sink;
	void *arg;
	const char *cur;    /* the word under the cursor, or the part of it that is being completed */
	const char *prefix; /* what stands before that part in the same word: "--from=", "id,type," */
	const char *from, *session;
	const struct noun *noun;
	const struct command *command;
	int n_args;			/* arguments of the command so far */
	int n_behind;			/* words of the command line behind -- so far */
	const struct option_row *wants; /* the option whose value comes next */
	bool only_words;		/* behind -- */
	bool lost;			/* a noun or verb that we do not know: nothing to offer */
};

/*
 * A name with blanks or shell signs cannot be completed without quoting it for each shell; the kernel's
 * own names have none.
 */
static bool is_plain(const char *s)
{
	return *s && !s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:/@+,=-")];
}

static void offer(const struct state *s, const char *value, const char *help)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	if (!strstarts(value, s->cur) || !is_plain(value))
		return;
	strbuf_puts(&b, s->prefix);
	strbuf_puts(&b, value);
	s->sink(s->arg, b.s, help);
}

/* The shell knows better how to complete names of files. */
static void offer_files(const struct state *s)
{
	s->sink(s->arg, NULL, NULL);
}

static void offer_options(const struct state *s, const struct option_row *rows)
{
	for (; rows && rows->name; rows++)
		offer(s, arena_printf(&s->ctx->arena, "--%s", rows->name), rows->help);
}

static void offer_nouns(const struct state *s)
{
	for (size_t i = 0; i < n_nouns; i++)
		if (!noun_hidden(nouns[i]))
			offer(s, nouns[i]->name, nouns[i]->summary);
}

static void offer_verbs(const struct state *s, const struct noun *n)
{
	for (size_t i = 0; n && i < n->n; i++)
		if (n->commands[i].verb)
			offer(s, n->commands[i].verb, n->commands[i].summary);
}

static void offer_columns(const struct state *s, const struct record_type *type, const char *prefix)
{
	for (size_t i = 0; i < type->n; i++) {
		const struct field *f = &type->fields[i];
		const char *path = arena_printf(&s->ctx->arena, "%s%s", prefix, f->name);

		if (f->sub)
			offer_columns(s, f->sub, arena_printf(&s->ctx->arena, "%s.", path));
		else
			offer(s, path, f->help);
	}
}

static struct host *load(const struct state *s, unsigned want, struct source *src)
{
	struct host *h;

	return host_load(s->ctx, src, want, &h) < 0 ? NULL : h;
}

static void offer_devices(const struct state *s, struct host *h)
{
	for (size_t i = 0; i < h->n_devices; i++) {
		const struct device *d = &h->devices[i];
		const char *spec = d->is_pci || !d->bus ? d->name :
				   arena_printf(&s->ctx->arena, "%s/%s", d->bus, d->name);

		/* names cost a look-up, so only for what is offered; the domain may be left out */
		if (d->is_pci && !d->addr.domain && *s->cur && !strstarts(spec, s->cur))
			spec = strchr(spec, ':') + 1;
		if (strstarts(spec, s->cur))
			offer(s, spec, device_title(h, d));
	}
}

static void offer_groups(const struct state *s, struct host *h)
{
	for (size_t i = 0; i < h->n_groups; i++) {
		const struct group *g = &h->groups[i];
		const char *first = g->n_devices ? g->devices[0]->name : "empty";

		offer(s, arena_printf(&s->ctx->arena, "%u", g->id),
		      g->n_devices > 1 ? arena_printf(&s->ctx->arena, "%s and %zu more", first, g->n_devices - 1) :
					 first);
	}
}

static void offer_units(const struct state *s, struct host *h)
{
	for (size_t i = 0; i < h->n_units; i++)
		offer(s, h->units[i].name, unit_kind_name(h->units[i].kind));
}

static bool seen_driver(struct host *h, size_t before, const char *driver)
{
	for (size_t i = 0; i < before; i++)
		if (streq(h->devices[i].driver, driver))
			return true;
	return false;
}

static void offer_drivers(const struct state *s, struct host *h)
{
	for (size_t i = 0; i < h->n_devices; i++) {
		const struct device *d = &h->devices[i];

		if (d->driver && !seen_driver(h, i, d->driver))
			offer(s, d->driver, NULL);
	}
}

static void offer_facts(const struct state *s, struct source *src, enum complete kind)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;

	h = load(s, kind == COMPLETE_DRIVER ? HOST_DRIVERS : HOST_IDS, src);
	if (!h)
		return;
	if (kind == COMPLETE_GROUP || kind == COMPLETE_GROUP_OR_DEVICE)
		offer_groups(s, h);
	if (kind == COMPLETE_DEVICE || kind == COMPLETE_GROUP_OR_DEVICE)
		offer_devices(s, h);
	if (kind == COMPLETE_UNIT)
		offer_units(s, h);
	if (kind == COMPLETE_DRIVER)
		offer_drivers(s, h);
}

static void offer_objects(const struct state *s, struct machine *m)
{
	struct op_object_list op = { 0 };
	struct op_data d = { .fd_in = -1, .fd_out = -1 };
	struct backend *be;
	struct op_object *v;

	if (machine_backend(m, &be) != EXIT_DONE || backend_object_list(be, &op, NULL) < 0)
		return;
	d.out_cap = op.ret_n * sizeof(*v);
	d.out = v = arena_array(&s->ctx->arena, struct op_object, op.ret_n);
	if (backend_object_list(be, &op, &d) < 0)
		return;
	for (size_t i = 0; i < d.out_len / sizeof(*v); i++)
		offer(s, v[i].name, v[i].kind == OP_KIND_DEVICE ? v[i].dev : op_kind_name(v[i].kind));
}

static void offer_from_machine(const struct state *s, enum complete kind)
{
	_cleanup_(machine_close) struct machine own = { 0 };
	struct arguments a = { .from = s->from, .session = s->session };
	struct machine *m = s->m;

	if (!m && machine_open(s->ctx, &a, &own) != EXIT_DONE)
		return;
	m = m ? m : &own;
	if (kind != COMPLETE_OBJECT)
		offer_facts(s, m->source, kind);
	else if (m->lasting)
		offer_objects(s, m);
}

static void offer_commands(const struct state *s)
{
	if (!s->n_behind)
		s->sink(s->arg, ":commands", NULL);
	else
		offer_files(s);
}

/* "leak=" of "leak=GROUP[:COUNT]" */
static void offer_injections(const struct state *s)
{
	for (const struct model_word *w = model_words; w->name; w++) {
		size_t len = strcspn(w->name, "=");

		offer(s, arena_memdup(&s->ctx->arena, w->name, len + (w->name[len] == '=')), w->text);
	}
}

static void offer_words(const struct state *s, const char *const *words)
{
	for (; words && *words; words++)
		offer(s, *words, NULL);
}

/* What stands before the last comma of a list is settled. */
static void split_list(struct state *s)
{
	const char *comma = strrchr(s->cur, ',');
	const char *start = comma ? comma + 1 : s->cur;

	if (!comma && *start == '+')
		start++; /* -o +COL */
	s->prefix = arena_printf(&s->ctx->arena, "%s%.*s", s->prefix, (int)(start - s->cur), s->cur);
	s->cur = start;
}

static void offer_sessions(const struct state *s)
{
	const char **names;
	size_t n;

	if (place_list(s->ctx, &names, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		offer(s, names[i], NULL);
}

static void offer_kind(struct state *s, enum complete kind, const char *const *words)
{
	offer_words(s, words);
	switch (kind) {
	case COMPLETE_NONE:
	case COMPLETE_WORDS:
		break;
	case COMPLETE_FILE_OR_DEMO:
		offer(s, "demo", "the built-in sample machine");
		offer_files(s);
		break;
	case COMPLETE_FILE:
		offer_files(s);
		break;
	case COMPLETE_COLUMNS:
		offer(s, "help", "list the columns");
		if (s->command && s->command->record)
			offer_columns(s, s->command->record, "");
		break;
	case COMPLETE_NOUN:
		offer_nouns(s);
		break;
	case COMPLETE_SESSION:
		offer_sessions(s);
		break;
	case COMPLETE_COMMAND:
		offer_commands(s);
		break;
	case COMPLETE_INJECT:
		offer_injections(s);
		break;
	default:
		offer_from_machine(s, kind);
	}
}

static const struct option_row *find_option(const struct option_row *rows, const char *word, size_t len)
{
	for (; rows && rows->name; rows++) {
		if (len == 2 && word[0] == '-' && word[1] == rows->short_name)
			return rows;
		if (len > 2 && strlen(rows->name) == len - 2 && !memcmp(rows->name, word + 2, len - 2))
			return rows;
	}
	return NULL;
}

static const struct option_row *option_of(const struct state *s, const char *word, size_t len)
{
	const struct option_row *own = s->command ? find_option(s->command->options, word, len) : NULL;

	return own ? own : find_option(global_options, word, len);
}

static void take_value(struct state *s, const struct option_row *row, const char *value)
{
	if (streq(row->name, "from"))
		s->from = value;
	if (streq(row->name, "session"))
		s->session = value;
}

static void take_option(struct state *s, const char *word)
{
	size_t len = strcspn(word, "=");
	const struct option_row *row = option_of(s, word, len);

	if (!row)
		return;
	if (streq(row->name, "demo"))
		s->from = "demo";
	else if (row->arg && word[len])
		take_value(s, row, word + len + 1);
	else if (row->arg)
		s->wants = row;
}

/* The n-th argument's row; the last one again when it repeats. */
static const struct arg_row *arg_at(const struct command *c, int n)
{
	const struct arg_row *a = c->args;

	for (; a && a->name; a++, n--)
		if (n == 0 || a->repeat)
			return a;
	return NULL;
}

static int count_args(const struct command *c)
{
	int n = 0;

	while (c->args && c->args[n].name)
		n++;
	return n;
}

/* The row of the command line behind "--". */
static const struct arg_row *arg_behind(const struct command *c)
{
	const struct arg_row *a = c->args;

	while (a && a->name && !a->behind)
		a++;
	return a && a->name ? a : NULL;
}

static void take_word(struct state *s, const char *word)
{
	if (s->wants) {
		take_value(s, s->wants, word);
		s->wants = NULL;
	} else if (!s->only_words && streq(word, "--")) {
		s->only_words = true;
	} else if (!s->only_words && *word == '-') {
		take_option(s, word);
	} else if (s->only_words && s->command && arg_behind(s->command)) {
		s->n_behind++;
	} else if (s->command) {
		s->n_args++;
	} else if (!s->noun) {
		s->noun = noun_find(word);
		s->lost = !s->noun;
		if (s->noun && noun_is_command(s->noun))
			s->command = &s->noun->commands[0];
	} else {
		s->command = verb_find(s->noun, word);
		s->lost = !s->command;
	}
}

static void offer_argument(struct state *s, const struct noun *last_noun)
{
	const struct arg_row *a = s->only_words ? arg_behind(s->command) : NULL;

	if (!a)
		a = arg_at(s->command, s->n_args);
	if (a && a->complete == COMPLETE_VERB)
		offer_verbs(s, last_noun);
	else if (a && a->behind && !s->only_words)
		offer(s, "--", a->help);
	else if (a)
		offer_kind(s, a->complete, a->words);
	/* the end of a creating command */
	if (!s->only_words && (s->command->flags & COMMAND_CREATES) && s->n_args == count_args(s->command))
		offer(s, "as", "names the new object");
}

static void offer_value(struct state *s, const struct option_row *row)
{
	if (row->list) {
		split_list(s);
		s->sink(s->arg, ":nospace", NULL);
	}
	offer_kind(s, row->complete, row->words);
}

static void complete_current(struct state *s, const char *before)
{
	size_t len = strcspn(s->cur, "=");

	if (s->wants) {
		offer_value(s, s->wants);
	} else if (!s->only_words && s->cur[0] == '-' && s->cur[len]) {
		const struct option_row *row = option_of(s, s->cur, len);

		s->prefix = arena_memdup(&s->ctx->arena, s->cur, len + 1);
		s->cur += len + 1;
		if (row && row->arg)
			offer_value(s, row);
	} else if (!s->only_words && s->cur[0] == '-') {
		offer_options(s, s->command ? s->command->options : NULL);
		offer_options(s, global_options);
	} else if (s->command) {
		offer_argument(s, before ? noun_find(before) : NULL);
	} else if (s->noun) {
		offer_verbs(s, s->noun);
	} else {
		offer_nouns(s);
	}
}

void complete_words(struct ctx *ctx, struct machine *m, int argc, char *const *argv, complete_sink sink, void *arg)
{
	struct state s = { .ctx = ctx, .m = m, .sink = sink, .arg = arg, .prefix = "", .cur = "",
			   .session = secure_getenv("IOMMUCTL_SESSION") };
	int last = argc - 1;

	for (int i = 0; i < last && !s.lost; i++)
		take_word(&s, argv[i]);
	if (last >= 0)
		s.cur = argv[last];
	if (!s.lost)
		complete_current(&s, last > 0 ? argv[last - 1] : NULL);
	/* nobody wants to read about a machine that could not be read while typing */
	ctx->notes.n = 0;
}

static void print_candidate(void *arg, const char *word, const char *help)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	(void)arg;
	strbuf_puts(&b, word ? word : ":files");
	if (help) {
		strbuf_putc(&b, '\t');
		strbuf_add_escaped(&b, help);
	}
	puts(b.s);
}

static int run_complete(struct invocation *inv)
{
	complete_words(inv->ctx, NULL, inv->argc, inv->argv, print_candidate, NULL);
	return EXIT_DONE;
}

static const struct arg_row complete_args[] = {
	{ "WORD", "words of the command line, the one under the cursor last", COMPLETE_NONE, .optional = true,
	  .repeat = true },
	{ 0 },
};

static const struct command complete_commands[] = {
	{
		.summary = "print candidates for the word under the cursor",
		.args = complete_args,
		.flags = COMMAND_NO_SOURCE,
		.run = run_complete,
	},
};

const struct noun noun_complete = {
	.name = "__complete",
	.summary = "serve the completion scripts",
	.commands = complete_commands,
	.n = ARRAY_SIZE(complete_commands),
};
