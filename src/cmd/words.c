// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/words.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/vec.h"

struct splitter {
	struct arena *a;
	const char *start, *p, *end;
	words_value value;
	void *arg;
	struct words *ret;
	struct strbuf word;
	bool in_word;
	VEC(char *) v;
};

size_t variable_len(const char *s)
{
	size_t n = 0;

	while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= 'A' && s[n] <= 'Z') || s[n] == '_' ||
	       (n && s[n] >= '0' && s[n] <= '9'))
		n++;
	return n;
}

static int wrong(struct splitter *s, const char *at, const char *why, const char *hint)
{
	s->ret->why = why;
	s->ret->hint = hint;
	s->ret->at = (size_t)(at - s->start) + 1;
	return -EINVAL;
}

static void end_word(struct splitter *s)
{
	if (s->in_word)
		*vec_push(&s->v) = arena_strdup(s->a, strbuf_str(&s->word));
	strbuf_reset(&s->word);
	s->in_word = false;
}

static int single_quoted(struct splitter *s)
{
	const char *open = s->p++, *close = memchr(s->p, '\'', (size_t)(s->end - s->p));

	if (!close)
		return wrong(s, open, "this quote is never closed", NULL);
	strbuf_add(&s->word, s->p, (size_t)(close - s->p));
	s->p = close + 1;
	return 0;
}

/* At the dollar sign. */
static int variable(struct splitter *s)
{
	const char *at = s->p++, *value;
	bool braces = s->p < s->end && *s->p == '{';
	size_t n = variable_len(s->p + braces);
	char *name = arena_memdup(s->a, s->p + braces, n);

	if (s->p < s->end && *s->p == '(')
		return wrong(s, at, "commands inside a line are not there",
			     "what a command makes is named: ioas alloc as mem");
	if (!n && !braces) {
		strbuf_putc(&s->word, '$');
		return 0;
	}
	if (!n || (braces && s->p[n + 1] != '}'))
		return wrong(s, at, "not a variable", "$NAME or ${NAME}; a dollar sign alone is written '$'");
	s->p += n + (braces ? 2 : 0);
	value = s->value(s->arg, name);
	if (!value)
		return wrong(s, at, arena_printf(s->a, "%s is not set", name),
			     arena_printf(s->a, "set %s=VALUE, or give it in the environment", name));
	strbuf_puts(&s->word, value);
	return 0;
}

static int double_quoted(struct splitter *s)
{
	const char *open = s->p++;
	int r = 0;

	while (r == 0 && s->p < s->end && *s->p != '"') {
		if (*s->p == '$') {
			r = variable(s);
			continue;
		}
		if (*s->p == '\\' && s->p + 1 < s->end && strchr("$`\"\\", s->p[1]))
			s->p++;
		strbuf_putc(&s->word, *s->p++);
	}
	if (r < 0)
		return r;
	if (s->p == s->end)
		return wrong(s, open, "this quote is never closed", NULL);
	s->p++;
	return 0;
}

static int backslash(struct splitter *s)
{
	if (s->p + 1 == s->end)
		return wrong(s, s->p, "a backslash at the end of the file", NULL);
	strbuf_putc(&s->word, s->p[1]);
	s->p += 2;
	return 0;
}

/* One piece of a word. */
static int piece(struct splitter *s)
{
	s->in_word = true;
	switch (*s->p) {
	case '\'':
		return single_quoted(s);
	case '"':
		return double_quoted(s);
	case '\\':
		return backslash(s);
	case '$':
		return variable(s);
	case ';': case '&': case '|': case '<': case '>': case '(': case ')': case '`':
		return wrong(s, s->p, "a shell has a meaning for this, and there is none here", "quote it, or take one line for each command");
	}
	strbuf_putc(&s->word, *s->p++);
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int words_split(struct arena *a, const char *line, size_t len, words_value value, void *arg, struct words *ret)
{
	/* a NUL behind the line is what variable_len() stops at */
	char *copy = arena_memdup(a, line, len);
	struct splitter s = { .a = a, .start = copy, .p = copy, .end = copy + len, .value = value, .arg = arg, .ret = ret };
	const char *nul = memchr(copy, '\0', len);
	int r = 0;

	*ret = (struct words){ 0 };
	if (nul)
		return wrong(&s, nul, "a NUL byte: this is no text", NULL);
	while (r == 0 && s.p < s.end) {
		if (*s.p == '#' && !s.in_word)
			break;
		if (!is_blank(*s.p)) {
			r = piece(&s);
			continue;
		}
		end_word(&s);
		s.p++;
	}
	if (r == 0) {
		end_word(&s);
		ret->n = (int)s.v.n;
		ret->v = arena_array(a, char *, s.v.n + 1);
		for (size_t i = 0; i < s.v.n; i++)
			ret->v[i] = s.v.v[i];
	}
	vec_free(&s.v);
	strbuf_free(&s.word);
	return r;
}
