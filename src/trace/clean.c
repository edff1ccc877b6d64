// SPDX-License-Identifier: GPL-2.0-or-later
/* Takes out of a line what is none of its text: see clean_line(). */
#include <strings.h>

#include "trace/internal.h"

/* How a line may be written. */
enum {
	QUOTED = 1 << 0,      /* quoted-printable */
	MARKUP = 1 << 1,      /* a page's entities and tags */
	BACKSLASHES = 1 << 2, /* Markdown */
};

/* "ESC [ 1 ; 31 m" and "ESC [ K": colours, and clearing to the end of the line (ECMA-48, 8.3.117 and 8.3.41). Bytes, 0 for none. */
static size_t colour(struct slice s)
{
	size_t n = 2;

	if (s.n < 3 || s.p[0] != '\033' || s.p[1] != '[')
		return 0;
	while (n < s.n && (is_digit(s.p[n]) || s.p[n] == ';' || s.p[n] == ':'))
		n++;
	return n < s.n && (s.p[n] == 'm' || s.p[n] == 'K') ? n + 1 : 0;
}

/* "=3D" of a mail's source (RFC 2045, 6.7); -1: none. */
static int quoted_printable(struct slice s)
{
	if (s.n < 3 || s.p[0] != '=' || hex_digit(s.p[1]) < 0 || hex_digit(s.p[2]) < 0)
		return -1;
	return hex_digit(s.p[1]) << 4 | hex_digit(s.p[2]);
}

/* "&lt;", "&#60;", "&#x3c;": bytes, and the character; 0 for none. A multiplication sign is what weblogs make of the x of 0x. */
static size_t entity(struct slice s, char *ret)
{
	static const struct {
		const char *text;
		char c;
	} names[] = {
		{ "lt;", '<' }, { "gt;", '>' }, { "amp;", '&' }, { "quot;", '"' }, { "apos;", '\'' }, { "nbsp;", ' ' }, { "times;", 'x' },
	};
	struct scan t = { s.p + 1, s.p + s.n };
	struct slice rest = scan_rest(&t);
	uint64_t v;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!slice_starts_bytes(rest, names[i].text, strlen(names[i].text)))
			continue;
		*ret = names[i].c;
		return 1 + strlen(names[i].text);
	}
	if (!scan_char(&t, '#') || !scan_left(&t) || !((*t.p | 0x20) == 'x' ? (t.p++, scan_hex(&t, &v)) : scan_dec(&t, &v)) || !scan_char(&t, ';'))
		return 0;
	*ret = v == 160 ? ' ' : v == 215 ? 'x' : (char)v;
	return v == 160 || v == 215 || (v >= ' ' && v < 127) ? (size_t)(t.p - s.p) : 0;
}

/* A tag of a page around the text, "<br/>" or "</span>"; not "<idle>" or "<3>". Bytes, 0 for none. */
static size_t tag(struct slice s, char *ret)
{
	static const char *const names[] = { "br", "p", "pre", "code", "span", "div", "td", "tr", "li", "font", "b", "em", "mark", "a", "tt", "i" };
	struct scan t = { s.p + 1, s.p + s.n };
	struct slice in;
	size_t n = 0;

	scan_char(&t, '/');
	if (!scan_until(&t, '>', &in) || in.n > 200)
		return 0;
	while (n < in.n && ((in.p[n] | 0x20) >= 'a' && (in.p[n] | 0x20) <= 'z'))
		n++;
	if (n < in.n && !is_blank(in.p[n]) && in.p[n] != '/')
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strlen(names[i]) != n || strncasecmp(in.p, names[i], n))
			continue;
		*ret = i == 0 ? '\n' : 0;
		return (size_t)(t.p - s.p);
	}
	return 0;
}

/* U+200B to U+200D, U+FEFF and U+00AD: no width, and no place in a log. Bytes, 0 for none. */
static size_t invisible(struct slice s)
{
	if (slice_starts(s, "\xe2\x80\x8b") || slice_starts(s, "\xe2\x80\x8c") || slice_starts(s, "\xe2\x80\x8d") ||
	    slice_starts(s, "\xef\xbb\xbf"))
		return 3;
	return slice_starts(s, "\xc2\xad") ? 2 : 0;
}

/* What is at the start of @s besides text: bytes to leave out, and what to put there instead (0 for nothing). */
static size_t junk(struct slice s, unsigned how, char *ret_instead)
{
	int c;

	*ret_instead = 0;
	switch ((unsigned char)*s.p) {
	case '&':
		return how & MARKUP ? entity(s, ret_instead) : 0;
	case '<':
		return how & MARKUP ? tag(s, ret_instead) : 0;
	case '\\': /* Markdown's, before what would mean something to it */
		return how & BACKSLASHES && s.n > 1 && s.p[1] && strchr("[]()<>_*#.-+`~|=", s.p[1]) ? 1 : 0;
	case '\033':
		return colour(s);
	case '\0':
	case '\036': /* RFC 7464, before each text of JSON */
		return 1;
	case '\t': /* a form or a wiki made them of blanks */
		*ret_instead = ' ';
		return 1;
	case 0xc2:
		if (s.n < 2 || (unsigned char)s.p[1] != 0xa0)
			return invisible(s);
		*ret_instead = ' ';
		return 2;
	case 0xc3: /* a multiplication sign, which weblogs make of the x of 0x */
		if (!slice_starts(s, "\xc3\x97"))
			return 0;
		*ret_instead = 'x';
		return 2;
	case 0xe2:
	case 0xef:
		return invisible(s);
	case '=':
		c = how & QUOTED ? quoted_printable(s) : -1;
		if (c <= 0)
			return 0;
		*ret_instead = (char)c;
		return 3;
	default:
		return 0;
	}
}

static bool is_suspect(char c, unsigned how)
{
	return c == '\033' || !c || c == '\036' || c == '\t' || (unsigned char)c == 0xc2 || (unsigned char)c == 0xc3 ||
	       (unsigned char)c == 0xe2 || (unsigned char)c == 0xef || (how & QUOTED && c == '=') ||
	       (how & MARKUP && (c == '&' || c == '<')) || (how & BACKSLASHES && c == '\\');
}

/* JSON has its own ways to write a character. */
static bool is_json(struct slice line)
{
	struct scan s = scan_of(line);

	scan_blanks(&s);
	return scan_left(&s) && (*s.p == '{' || *s.p == '"' || (*s.p == '[' && s.end - s.p > 1 && (s.p[1] == '{' || s.p[1] == '"')));
}

static unsigned what_to_look_for(struct slice line)
{
	unsigned how = 0;

	/* a '=' that is written as "=3D" tells that all of them are; "=3D00" alone could be a number */
	if (slice_has(line, "=3D0x") || slice_has(line, "=3D[") || slice_has(line, " =3D") ||
	    (line.n > 50 && line.n <= 76 && line.p[line.n - 1] == '=' && (line.n > 70 || line.p[line.n - 2] == ' ')))
		how |= QUOTED;
	if (is_json(line))
		return how;
	return how | MARKUP | (slice_has(line, "\\[") ? BACKSLASHES : 0);
}

struct slice clean_line(struct slice line, char *buf, size_t size, bool *ret_soft)
{
	unsigned how = what_to_look_for(line);
	size_t i = 0, n = 0, skip;
	char instead;

	if (line.n > size) { /* no line of a log; of JSON, which wants to be whole */
		*ret_soft = false;
		return line;
	}
	*ret_soft = how & QUOTED && line.p[line.n - 1] == '=';
	line.n -= *ret_soft;
	/* UTF-16's mark of its order; its NULs are left out below */
	if (line.n > 2 && (!memcmp(line.p, "\xff\xfe", 2) || !memcmp(line.p, "\xfe\xff", 2))) {
		line.p += 2;
		line.n -= 2;
	}
	while (i < line.n && !is_suspect(line.p[i], how))
		i++;
	if (i == line.n)
		return line;
	for (i = 0; i < line.n; i += skip) {
		skip = junk((struct slice){ line.p + i, line.n - i }, how, &instead);
		if (!skip || instead)
			buf[n++] = skip ? instead : line.p[i];
		skip = MAX(skip, (size_t)1);
	}
	return (struct slice){ buf, n };
}
