// SPDX-License-Identifier: GPL-2.0-or-later
/* Takes out of a line what is none of its text: see clean_line(). */
#include "trace/internal.h"

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

/* What is at the start of @s besides text: bytes to leave out, and what to put there instead (0 for nothing). */
static size_t junk(struct slice s, bool quoted, char *ret_instead)
{
	int c;

	*ret_instead = 0;
	switch ((unsigned char)*s.p) {
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
			return 0;
		*ret_instead = ' ';
		return 2;
	case 0xef:
		return s.n >= 3 && !memcmp(s.p, "\xef\xbb\xbf", 3) ? 3 : 0;
	case '=':
		c = quoted ? quoted_printable(s) : -1;
		if (c <= 0)
			return 0;
		*ret_instead = (char)c;
		return 3;
	default:
		return 0;
	}
}

static bool is_suspect(char c, bool quoted)
{
	return c == '\033' || !c || c == '\036' || c == '\t' || (unsigned char)c == 0xc2 || (unsigned char)c == 0xef || (quoted && c == '=');
}

struct slice clean_line(struct slice line, char *buf, size_t size, bool *ret_soft)
{
	/* a '=' that is written as "=3D" tells that all of them are; "=3D00" alone could be a number */
	bool quoted = slice_has(line, "=3D0x") || slice_has(line, "=3D[") ||
		      (line.n > 70 && line.n <= 76 && line.p[line.n - 1] == '=');
	size_t i = 0, n = 0, skip;
	char instead;

	if (line.n > size) { /* no line of a log; of JSON, which wants to be whole */
		*ret_soft = false;
		return line;
	}
	*ret_soft = quoted && line.p[line.n - 1] == '=';
	line.n -= *ret_soft;
	while (i < line.n && !is_suspect(line.p[i], quoted))
		i++;
	if (i == line.n)
		return line;
	for (i = 0; i < line.n; i += skip) {
		skip = junk((struct slice){ line.p + i, line.n - i }, quoted, &instead);
		if (!skip || instead)
			buf[n++] = skip ? instead : line.p[i];
		skip = MAX(skip, (size_t)1);
	}
	return (struct slice){ buf, n };
}
