// SPDX-License-Identifier: GPL-2.0-or-later
/* Sentences: escaped, coloured, wrapped. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "out/internal.h"

const char *style_sequence(enum out_style s)
{
	static const char *const sequences[] = {
		[STYLE_PLAIN] = "",	     [STYLE_GOOD] = "\033[32m", [STYLE_WARN] = "\033[33m",
		[STYLE_BAD] = "\033[1;31m",  [STYLE_DIM] = "\033[2m",	[STYLE_BOLD] = "\033[1m",
	};

	return sequences[s];
}

enum out_style out_word_style(const char *word)
{
	static const struct {
		const char *word;
		enum out_style style;
	} words[] = {
		{ "ready", STYLE_GOOD }, { "yes", STYLE_GOOD }, { "ok", STYLE_GOOD },
		{ "safe", STYLE_GOOD }, { "loss", STYLE_BAD }, { "fits", STYLE_GOOD }, { "refused", STYLE_BAD },
		{ "viable", STYLE_GOOD }, { "well", STYLE_GOOD }, { "as-expected", STYLE_GOOD },
		{ "needs-bind", STYLE_WARN }, { "in-use", STYLE_WARN }, { "warning", STYLE_WARN },
		{ "unknown", STYLE_WARN }, { "unsafe", STYLE_WARN }, { "blocked", STYLE_BAD },
		{ "no", STYLE_BAD }, { "problem", STYLE_BAD }, { "error", STYLE_BAD },
		{ "ill", STYLE_BAD }, { "surplus", STYLE_BAD }, { "deficit", STYLE_BAD },
		{ "nothing-to-give", STYLE_DIM }, { "note", STYLE_DIM },
	};

	for (size_t i = 0; word && i < ARRAY_SIZE(words); i++)
		if (streq(words[i].word, word))
			return words[i].style;
	return STYLE_PLAIN;
}

void line_add(struct out *o, enum out_style style, const char *s)
{
	strbuf_puts(&o->line.text, s);
	for (; *s; s++)
		strbuf_putc(&o->line.style, 'a' + style);
}

void line_indent(struct out *o, int n)
{
	while (n-- > 0)
		line_add(o, STYLE_PLAIN, " ");
}

void line_drop(struct out *o)
{
	strbuf_reset(&o->line.text);
	strbuf_reset(&o->line.style);
}

/* Columns that the character at @s takes, and in @ret_len its bytes. */
static int char_width(const char *s, size_t n, size_t *ret_len)
{
	mbstate_t state = { 0 };
	wchar_t c;
	int width;

	*ret_len = MAX(utf8_len(s, n), (size_t)1);
	if (*ret_len == 1 || mbrtowc(&c, s, n, &state) != *ret_len)
		return 1;
	width = wcwidth(c);
	return width < 0 ? 1 : width;
}

int text_width(const char *s)
{
	size_t n, len;
	int width = 0;

	while (*s >= 0x20 && *s < 0x7f) { /* nearly always all of it */
		s++;
		width++;
	}
	for (n = strlen(s); n; s += len, n -= len)
		width += char_width(s, n, &len);
	return width;
}

/*
 * How many bytes of @s fit into @width columns, broken at a blank where there is one. A word that is
 * longer than the line is broken where the line ends.
 */
static size_t fitting(const char *s, size_t n, int width)
{
	size_t i = 0, len, blank = 0;
	int used = 0;

	while (i < n) {
		used += char_width(s + i, n - i, &len);
		if (used > width)
			break;
		i += len;
		if (i < n && s[i] == ' ')
			blank = i;
	}
	if (i >= n)
		return n;
	return blank ? blank : MAX(i, utf8_len(s, n));
}

static void write_styled(struct out *o, const char *text, const char *style, size_t n)
{
	for (size_t i = 0, end; i < n; i = end) {
		const char *seq = style_sequence(style[i] - 'a');

		for (end = i + 1; end < n && style[end] == style[i]; end++)
			;
		if (!o->opt.colour)
			seq = "";
		fprintf(o->f, "%s%.*s%s", seq, (int)(end - i), text + i, *seq ? "\033[0m" : "");
	}
}

/* The character of a branch at @s that goes on below its line, "" for one that does not, NULL: it is of no branch. */
static const char *branch_below(const char *s)
{
	static const struct {
		const char *branch, *below;
	} table[] = { { "│", "│" }, { "├", "│" }, { "└", "" }, { "─", "" }, { "|", "|" }, { "`", "" }, { "-", "" }, { " ", "" } };

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strstarts(s, table[i].branch))
			return table[i].below;
	return NULL;
}

/* Columns of the blanks and branches that a line of a tree begins with; of other lines, of the blanks. */
static int lead_width(const char *text)
{
	size_t blanks = strspn(text, " "), n;
	const char *s = text + blanks;
	int width = (int)blanks;

	if (*s == '-' || !branch_below(s))
		return width;
	for (; branch_below(s) && *s; s += n, width++)
		n = utf8_len(s, strlen(s));
	return width;
}

/* @hang columns, with those branches of the line @text that go on. */
static void write_guides(struct out *o, const char *text, int hang)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	const char *below;
	int width = hang ? lead_width(text) : 0;

	for (int i = 0; i < hang; i++) {
		below = i < width ? branch_below(text) : NULL;
		strbuf_puts(&b, below && *below ? below : " ");
		text += i < width ? utf8_len(text, strlen(text)) : 0;
	}
	fputs(strbuf_str(&b), o->f);
}

void line_end(struct out *o, int hang)
{
	const char *text = strbuf_str(&o->line.text), *style = strbuf_str(&o->line.style), *first = text;
	size_t n = o->line.text.len, lead = strspn(text, " ");
	int width = o->opt.width, used = 0;

	while (n && text[n - 1] == ' ')
		n--;
	if (hang < 0)
		hang = lead_width(text);
	if (hang > width / 2)
		hang = 0;
	lead = MIN(lead, n);
	for (size_t len; width && n; text += len, style += len, n -= len) {
		/* the line's own indent is no place to break */
		size_t start = used ? 0 : lead;

		len = start + fitting(text + start, n - start, MAX(width - used - (int)start, 8));
		if (used)
			write_guides(o, first, used);
		write_styled(o, text, style, len);
		while (len < n && text[len] == ' ')
			len++;
		if (len < n)
			fputc('\n', o->f);
		used = hang;
		lead = 0;
	}
	write_styled(o, text, style, n);
	fputc('\n', o->f);
	line_drop(o);
}

static void add_styled(struct out *o, enum out_style style, const char *s)
{
	_cleanup_strbuf_ struct strbuf safe = { 0 };

	add_safe(&safe, s, o->opt.utf8);
	line_add(o, style, strbuf_str(&safe));
}

int flush_table(struct out *o)
{
	int r = o->table ? table_print(o->table, 0) : 0;

	table_free(o->table);
	o->table = NULL;
	return r;
}

void out_styled(struct out *o, enum out_style style, const char *s)
{
	if (o->opt.json)
		return;
	flush_table(o);
	add_styled(o, style, s);
}

/*
 * The format with its newlines replaced by @mark, formatted. Done with two different marks, what
 * differs between the results are the newlines of the format; those that came in with a string from
 * outside are the same in both, and get escaped.
 */
static char *format_marked(const char *fmt, char mark, va_list ap)
{
	_cleanup_free_ char *marked = must_strdup(fmt);
	char *ret = NULL;
	va_list copy;

	for (char *p = marked; *p; p++)
		if (*p == '\n')
			*p = mark;
	va_copy(copy, ap);
	if (vasprintf(&ret, marked, copy) < 0)
		out_of_memory();
	va_end(copy);
	return ret;
}

/* Adds the text to the pending line, ending a line at each newline of the format. */
static void say(struct out *o, const char *fmt, va_list ap)
{
	_cleanup_free_ char *one = format_marked(fmt, '\001', ap), *two = format_marked(fmt, '\002', ap);
	char *start = one, *p = one;

	for (; *p; p++) {
		if (*p == two[p - one])
			continue;
		*p = '\0';
		add_styled(o, STYLE_PLAIN, start);
		line_end(o, -1);
		start = p + 1;
	}
	if (start == p && p != one)
		return; /* the format ended its last line itself */
	add_styled(o, STYLE_PLAIN, start);
	line_end(o, -1);
}

void out_text(struct out *o, const char *fmt, ...)
{
	va_list ap;

	if (o->opt.json)
		return;
	flush_table(o);
	va_start(ap, fmt);
	say(o, fmt, ap);
	va_end(ap);
}

void out_verbatim(struct out *o, const char *fmt, ...)
{
	int width = o->opt.width;
	va_list ap;

	if (o->opt.json)
		return;
	flush_table(o);
	o->opt.width = 0;
	va_start(ap, fmt);
	say(o, fmt, ap);
	va_end(ap);
	o->opt.width = width;
}
