// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/prompt.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "cmd/complete.h"

static void end_line(void)
{
	fputc('\n', stdout);
	fflush(stdout);
}

/* An interrupt takes away the line, or the command that runs, and nothing more. */
/* The status of a shell is its last command's; "exit" is none. */
static void run_one(struct interp *it, const char *line, size_t len)
{
	int code;

	while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	it->line++;
	code = interp_line(it, line, len);
	if (!it->ended)
		it->code = code;
	interrupt_clear();
}

#ifdef HAVE_LIBEDIT

#include <histedit.h>

struct terminal {
	struct interp *it;
	EditLine *el;
	History *history;
	VEC(char *) found;
};

static char *prompt_text(EditLine *el)
{
	static char text[] = "iommuctl> ";

	(void)el;
	return text;
}

static void keep_candidate(void *arg, const char *word, const char *help)
{
	struct terminal *t = arg;
	char *copy = word && *word != ':' ? must_strdup(word) : NULL; /* files and programs are not looked for */

	(void)help;
	if (copy)
		*vec_push(&t->found) = copy;
}

/* The words before the cursor, cut at blanks: completing inside quotes is not worth more. */
static void split(struct arena *a, const char *line, size_t len, char ***ret, int *ret_n)
{
	char *text = arena_memdup(a, line, len), *save = NULL;
	char **v = arena_array(a, char *, len + 2);
	int n = 0;

	for (char *w = strtok_r(text, " \t", &save); w; w = strtok_r(NULL, " \t", &save))
		v[n++] = w;
	if (!len || line[len - 1] == ' ' || line[len - 1] == '\t')
		v[n++] = arena_strdup(a, "");
	*ret = v;
	*ret_n = n;
}

static size_t common_length(const struct terminal *t)
{
	size_t n = strlen(t->found.v[0]);

	for (size_t i = 1; i < t->found.n; i++)
		while (strncmp(t->found.v[0], t->found.v[i], n))
			n--;
	return n;
}

static void list_candidates(const struct terminal *t)
{
	end_line();
	for (size_t i = 0; i < t->found.n; i++)
		printf("%s%s", t->found.v[i], i + 1 < t->found.n ? "  " : "\n");
	fflush(stdout);
}

static unsigned char complete(EditLine *el, int key)
{
	const LineInfo *line = el_line(el);
	struct arena a = { 0 };
	struct ctx ctx = { 0 };
	struct terminal *t;
	unsigned char done = CC_ERROR;
	char **argv;
	int argc;

	(void)key;
	el_get(el, EL_CLIENTDATA, &t);
	split(&a, line->buffer, (size_t)(line->cursor - line->buffer), &argv, &argc);
	complete_words(&ctx, t->it->m, argc, argv, keep_candidate, t);
	if (t->found.n) {
		size_t have = strlen(argv[argc - 1]), common = common_length(t);
		char *more = arena_printf(&a, "%.*s%s", (int)(common - have), t->found.v[0] + have, t->found.n == 1 ? " " : "");

		if (*more)
			el_insertstr(el, more);
		else
			list_candidates(t);
		done = *more ? CC_REFRESH : CC_REDISPLAY;
	}
	for (size_t i = 0; i < t->found.n; i++)
		free(t->found.v[i]);
	vec_free(&t->found);
	ctx_free(&ctx);
	arena_free(&a);
	return done;
}

static int start(struct terminal *t)
{
	HistEvent ev;

	t->el = el_init("iommuctl", stdin, stdout, stderr);
	t->history = history_init();
	if (!t->el || !t->history)
		return -ENOMEM;
	history(t->history, &ev, H_SETSIZE, 500);
	el_set(t->el, EL_CLIENTDATA, t);
	el_set(t->el, EL_PROMPT, prompt_text);
	el_set(t->el, EL_EDITOR, "emacs");
	el_set(t->el, EL_HIST, history, t->history);
	/* the other form leaks a copy of both texts */
	el_wset(t->el, EL_ADDFN, L"complete", L"complete the word", complete);
	el_set(t->el, EL_BIND, "^I", "complete", NULL);
	return 0;
}

int prompt_run(struct interp *it)
{
	struct terminal t = { .it = it };
	const char *line;
	HistEvent ev;
	int n, r = start(&t);

	while (r == 0 && !it->ended) {
		errno = 0;
		line = el_gets(t.el, &n);
		if (!line && errno == EINTR) {
			interrupt_clear();
			end_line();
			continue;
		}
		if (!line || n <= 0)
			break;
		history(t.history, &ev, H_ENTER, line);
		run_one(it, line, (size_t)n);
	}
	if (!it->ended)
		end_line();
	if (t.history)
		history_end(t.history);
	if (t.el)
		el_end(t.el);
	return r < 0 ? EXIT_FAILED : it->code;
}

#else

int prompt_run(struct interp *it)
{
	_cleanup_free_ char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while (!it->ended) {
		fputs("iommuctl> ", stdout);
		fflush(stdout);
		n = getline(&line, &cap, stdin);
		if (n < 0 && errno == EINTR && !feof(stdin)) {
			clearerr(stdin);
			interrupt_clear();
			end_line();
			continue;
		}
		if (n <= 0)
			break;
		run_one(it, line, (size_t)n);
	}
	if (!it->ended)
		end_line();
	return it->code;
}

#endif
