// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/interp.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "cmd/words.h"

/* One line on its way. */
struct run {
	struct interp *it;
	struct ctx ctx;
	struct arguments a;
	char at[64]; /* "setup.iommu:3", cut at its beginning */
	bool silent; /* what it says was expected */
};

/* -- variables ------------------------------------------------------------------------------------------------------ */

static struct variable *find_variable(struct interp *it, const char *name)
{
	struct variable *v;

	vec_for_each(v, &it->vars)
		if (streq(v->name, name))
			return v;
	return NULL;
}

static const char *value_of(void *arg, const char *name)
{
	const struct variable *v = find_variable(arg, name);

	return v ? v->value : getenv(name);
}

static char *copy(const char *s)
{
	return must_strdup(s);
}

static void set_variable(struct interp *it, const char *word)
{
	const char *eq = strchr(word, '=');
	_cleanup_free_ char *name = strndup(word, (size_t)(eq - word));
	struct variable *v;

	if (!name)
		out_of_memory();
	v = find_variable(it, name);
	if (v) {
		free(v->value);
	} else {
		v = vec_push(&it->vars);
		v->name = copy(name);
	}
	v->value = copy(eq + 1);
}

void interp_free(struct interp *it)
{
	struct variable *v;

	vec_for_each(v, &it->vars) {
		free(v->name);
		free(v->value);
	}
	vec_free(&it->vars);
}

/* -- words of the interpreter ---------------------------------------------------------------------------------------- */

int errno_from_name(const char *name)
{
	static const struct {
		const char *name;
		int err;
	} others[] = { { "EWOULDBLOCK", EWOULDBLOCK }, { "EDEADLOCK", EDEADLOCK }, { "ENOTSUP", ENOTSUP } };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (streq(name, others[i].name))
			return others[i].err;
	for (int err = 1; err < 200; err++)
		if (streq(strerrorname_np(err), name))
			return err;
	return -EINVAL;
}

static int usage(struct run *r, const char *what, struct note n)
{
	n.err = EINVAL;
	ctx_note(&r->ctx, n, "%s", what);
	return EXIT_USAGE;
}

static int run_set(struct run *r, char **v)
{
	if (!*v)
		return usage(r, "set", NOTE(.code = "no-argument", .why = "NAME=VALUE is missing", .hint = "set dev=03:00.0, and then $dev"));
	for (char **w = v; *w; w++) {
		size_t n = variable_len(*w);

		if (!n || (*w)[n] != '=')
			return usage(r, *w, NOTE(.code = "usage", .why = "not NAME=VALUE", .hint = "a letter or _, then letters, digits and _"));
	}
	for (; *v; v++)
		set_variable(r->it, *v);
	return EXIT_DONE;
}

/* --from and its like are the batch's. */
static bool is_placed(const struct arguments *a, const struct arguments *outer)
{
	const char *env = secure_getenv("IOMMUCTL_SESSION");

	/* that of the environment was there before, and the batch's own option came before it */
	return a->from || a->model || a->inject ||
	       (a->session && !streq(a->session, outer->session) && !streq(a->session, env));
}

static void inherit(struct arguments *a, const struct arguments *outer)
{
	a->json |= outer->json;
	a->noheadings |= outer->noheadings;
	a->raw |= outer->raw;
	a->verbosity += outer->verbosity;
	a->from = outer->from;
	a->model = outer->model;
	a->session = outer->session;
}

static int run_command_line(struct run *r, int argc, char **argv)
{
	struct arguments *a = &r->a;
	int err = args_parse(&r->ctx, argc, argv, a);

	if (err >= 0 && is_placed(a, r->it->outer))
		err = usage(r, a->noun->name, NOTE(.code = "usage", .why = "its machine is the one of the whole batch", .hint = "give --from, -M and --session to the batch")) ? -EINVAL : 0;
	if (err >= 0 && a->command && (a->command->flags & COMMAND_ALONE))
		err = usage(r, a->noun->name, NOTE(.code = "not-in-batch", .why = "not inside a batch or a shell")) ? -EINVAL : 0;
	inherit(a, r->it->outer);
	r->ctx.verbosity = a->verbosity;
	return command_run(&r->ctx, a, err, r->it->m);
}

/* Notes of the source and the backend belong to the command that made them speak. */
static void take_notes(struct run *r)
{
	struct ctx *from = r->it->m->ctx;
	const struct note *n;

	if (from == &r->ctx)
		return;
	vec_for_each(n, &from->notes)
		*vec_push(&r->ctx.notes) = *n;
	from->notes.n = 0;
}

/* The errno of the last error. */
static int last_errno(const struct ctx *ctx)
{
	int err = 0;
	const struct note *n;

	vec_for_each(n, &ctx->notes)
		if (n->level == NOTE_ERROR && n->err)
			err = n->err;
	return err;
}

static const char *got_word(struct run *r, int code)
{
	int err = last_errno(&r->ctx);
	const char *name = err ? strerrorname_np(err) : NULL;

	if (!code)
		return "it succeeded";
	return arena_printf(&r->ctx.arena, "it got %s%sexit status %d", name ? name : "", name ? ", " : "", code);
}

static int run_expect(struct run *r, int argc, char **argv)
{
	uint32_t wanted_code = 0;
	int err = -1, code;
	bool met;

	if (argc < 4)
		return usage(r, "expect", NOTE(.code = "no-argument", .why = "ERRNO or the command is missing", .hint = "expect EBUSY object destroy mem, or an exit status in place of the errno"));
	if ((parse_u32(argv[2], &wanted_code) < 0 || wanted_code > 255) && (err = errno_from_name(argv[2])) < 0)
		return usage(r, argv[2], NOTE(.code = "bad-value", .why = "neither an errno's name nor an exit status", .hint = "a name such as EBUSY, or a number from 0 to 255"));
	argv[2] = argv[0];
	code = run_command_line(r, argc - 2, argv + 2);
	take_notes(r);
	met = err < 0 ? code == (int)wanted_code : code && last_errno(&r->ctx) == err;
	r->silent = met;
	if (met)
		return EXIT_DONE;
	ctx_error(&r->ctx, NOTE(.code = "expect", .err = 0, .why = got_word(r, code)), "expected %s",
		  err < 0 ? arena_printf(&r->ctx.arena, "exit status %u", wanted_code) : strerrorname_np(err));
	return EXIT_FAILED;
}

static int run_words(struct run *r, const struct words *w)
{
	/* args_parse() looks at argv[0] as main()'s does */
	char **argv = arena_array(&r->ctx.arena, char *, (size_t)w->n + 2);

	argv[0] = (char[]){ "iommuctl" };
	for (int i = 0; i < w->n; i++)
		argv[i + 1] = w->v[i];
	if (r->it->shell && w->n == 1 && (streq(argv[1], "exit") || streq(argv[1], "quit"))) {
		r->it->ended = true;
		r->it->commands--;
		return EXIT_DONE;
	}
	if (streq(argv[1], "set"))
		return run_set(r, argv + 2);
	if (streq(argv[1], "expect"))
		return run_expect(r, w->n + 1, argv);
	return run_command_line(r, w->n + 1, argv);
}

/* -- lines -------------------------------------------------------------------------------------------------------- */

static int run_line(struct run *r, const char *line, size_t len)
{
	struct words w;

	r->it->commands++; /* what cannot be read was meant to be one */
	if (len > LINE_MAX_BYTES)
		return usage(r, "line", NOTE(.code = "bad-line", .why = "longer than 65536 bytes"));
	if (words_split(&r->ctx.arena, line, len, value_of, r->it, &w) < 0)
		return usage(r, arena_printf(&r->ctx.arena, "column %zu", w.at), NOTE(.code = "bad-line", .why = w.why, .hint = w.hint));
	if (w.n)
		return run_words(r, &w);
	r->it->commands--;
	return EXIT_DONE;
}

/* A long name keeps its end, which tells files apart. */
static void name_place(struct run *r)
{
	const char *name = r->it->name;
	size_t len = strlen(name), room = sizeof(r->at) - 16;

	snprintf(r->at, sizeof(r->at), "%s%s:%u", len > room ? "..." : "", len > room ? name + len - room : name, r->it->line);
}

int interp_line(struct interp *it, const char *line, size_t len)
{
	struct run r = { .it = it };
	int code;

	if (it->name)
		name_place(&r);
	r.a.verbosity = it->outer->verbosity;
	r.a.json = it->outer->json;
	code = run_line(&r, line, len);
	take_notes(&r);
	if (!r.silent)
		print_notes(&r.ctx, &r.a, it->name ? r.at : NULL);
	if (code && !it->failed++) {
		it->code = code;
		it->failed_line = it->line;
	}
	ctx_free(&r.ctx);
	return code;
}

/* Reads up to the newline; keeps no more than is needed to know that it is too long. False: there is nothing more. */
static bool read_piece(FILE *f, struct strbuf *b, bool *ret_newline)
{
	int c;

	*ret_newline = false;
	while ((c = getc_unlocked(f)) != EOF && c != '\n')
		if (b->len <= LINE_MAX_BYTES)
			strbuf_putc(b, (char)c);
	*ret_newline = c == '\n';
	return *ret_newline || b->len;
}

/* Whether a comment has begun, by the same rules as words_split(). */
static bool ends_in_comment(const char *s, size_t len)
{
	bool in_word = false;
	char quote = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '#' && !quote && !in_word)
			return true;
		in_word = quote || !strchr(" \t\r", s[i]);
		if (s[i] == '\\' && quote != '\'')
			i++;
		else if (quote ? s[i] == quote : s[i] == '\'' || s[i] == '"')
			quote = quote ? 0 : s[i];
	}
	return false;
}

/* An odd number of backslashes at the end: the last of them quotes the newline. A comment ends with its line. */
static bool goes_on(const struct strbuf *b)
{
	size_t n = 0;

	if (ends_in_comment(strbuf_str(b), b->len))
		return false;
	while (n < b->len && b->s[b->len - 1 - n] == '\\')
		n++;
	return n % 2 && b->len <= LINE_MAX_BYTES;
}

/* A line with its continuations; how many lines that were, 0: there is nothing more. */
static unsigned read_line(FILE *f, struct strbuf *b)
{
	unsigned n = 0;
	bool newline;

	strbuf_reset(b);
	do {
		if (n)
			b->len--; /* the backslash */
		if (!read_piece(f, b, &newline))
			break;
		n++;
	} while (newline && goes_on(b));
	return n;
}

int interp_file(struct interp *it, FILE *f)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	unsigned n, next = 1;

	while ((n = read_line(f, &b))) {
		it->line = next;
		next += n;
		if (interp_line(it, strbuf_str(&b), b.len) && !it->keep_going)
			break;
		if (it->ended || (it->interrupted && *it->interrupted))
			break;
	}
	return it->interrupted && *it->interrupted ? EXIT_INTERRUPTED : it->code;
}
