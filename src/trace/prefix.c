// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What stands before a message of the kernel log: dmesg's times in all its formats, the journal, syslog, the console,
 * and whatever a tool or a person has put before these (names of files, line numbers, other clocks).
 */
#include "trace/internal.h"

static bool is_alpha(char c)
{
	c |= 0x20;
	return c >= 'a' && c <= 'z';
}

/* "[  278.999480]", "[12345.6 <    0.1>]"; the fraction is of any length. */
static bool bracket_time(struct scan *s, struct log_msg *m)
{
	struct scan t = *s;
	struct slice in;
	uint64_t sec, frac;
	const char *p;

	if (!scan_char(&t, '[') || !scan_until(&t, ']', &in))
		return false;
	*s = t;
	t = scan_of(in);
	scan_blanks(&t);
	if (!scan_dec(&t, &sec) || !scan_char(&t, '.'))
		return false;
	p = t.p;
	if (!scan_dec(&t, &frac) || t.p - p > 9 || sec > UINT64_MAX / 1000000000 - 1)
		return false;
	for (ptrdiff_t digits = t.p - p; digits < 9; digits++)
		frac *= 10;
	m->time_ns = sec * 1000000000 + frac;
	m->has_time = true;
	return true;
}

/* "17:35:46" as a word of its own: not the end of "0000:02:00.0". */
static bool has_clock(struct slice in)
{
	static const char form[] = "dd:dd:dd";

	for (size_t i = 0; i + strlen(form) <= in.n; i++) {
		size_t k = 0;

		if (i && hex_digit(in.p[i - 1]) >= 0)
			continue;
		while (k < strlen(form) && (form[k] == 'd' ? is_digit(in.p[i + k]) : in.p[i + k] == form[k]))
			k++;
		if (k == strlen(form) && (i + k == in.n || is_blank(in.p[i + k]) || in.n - i - k > 2))
			return true;
	}
	return false;
}

/*
 * dmesg -T, -d and -e: "[Mon May 30 17:35:46 2022]", in any language; "[  +0.000004]", "[May30 17:35]". Terminals and serial loggers:
 * "[2022-05-30 17:35:46]".
 */
static bool bracket_date(struct scan *s, struct log_msg *m)
{
	struct scan t = *s;
	struct slice in;

	if (!scan_char(&t, '[') || !scan_until(&t, ']', &in) || in.n < 6 || in.n > 60)
		return false;
	if (slice_has(in, "DMA") || slice_has(in, "=")) /* a wrapped record, not a date */
		return false;
	if (!has_clock(in)) {
		if (!memchr(in.p, ':', in.n) && !memchr(in.p, '+', in.n))
			return false;
		if (!is_alpha(in.p[0]) && !is_blank(in.p[0]) && in.p[0] != '+')
			return false;
	}
	m->stamp = in;
	*s = t;
	return true;
}

/* "T12", "    C0" (CONFIG_PRINTK_CALLER); kernels of telephones: "1:    kworker/1:2:  123", "pid:123,cpu3,kworker/3:1". */
static bool is_caller(struct slice in)
{
	struct scan s = scan_of(in);
	uint64_t v;

	if (in.n > 64)
		return false;
	scan_blanks(&s);
	if (scan_lit(&s, "pid:"))
		return true;
	if (scan_left(&s) > 1 && (*s.p == 'T' || *s.p == 'C') && is_digit(s.p[1]))
		return true;
	if (!scan_dec(&s, &v) || !scan_char(&s, ':'))
		return false;
	for (; s.p < s.end; s.p++) /* no PCI address */
		if (*s.p == '/' || (is_alpha(*s.p) && hex_digit(*s.p) < 0))
			return true;
	return false;
}

/* Who printed it: "[    C0]", "(3)[123:kworker/3:1]". */
static void skip_caller(struct scan *s)
{
	struct scan t = *s;
	struct slice in;
	uint64_t cpu;

	scan_blanks(&t);
	if (scan_char(&t, '(') && (!scan_dec(&t, &cpu) || !scan_char(&t, ')')))
		return;
	if (scan_char(&t, '[') && scan_until(&t, ']', &in) && is_caller(in))
		*s = t;
}

/* The time in brackets, the kernel's behind that of a terminal, and who printed it. */
static bool bracket_prefix(struct scan *s, struct log_msg *m)
{
	struct scan t = *s;

	if (!bracket_time(&t, m)) {
		t = *s;
		if (!bracket_date(&t, m))
			return false;
		*s = t;
		scan_blanks(&t);
		if (!bracket_time(&t, m))
			t = *s;
	}
	*s = t;
	skip_caller(s);
	return true;
}

/* "<6>", and dmesg -x's "kern  :err   : ". */
static void skip_level(struct scan *s)
{
	struct scan t = *s;
	struct slice in;

	if (scan_char(&t, '<') && scan_until(&t, '>', &in) && in.n && in.n < 5 && is_digit(in.p[0])) {
		*s = t;
		return;
	}
	t = *s;
	if (scan_lit(&t, "kern") && (scan_blanks(&t), scan_char(&t, ':')) && scan_until(&t, ':', &in) && in.n < 10) {
		scan_blanks(&t);
		*s = t;
	}
}

/*
 * /dev/kmsg: "6,1234,278999480,-;text", with \xNN for what is not printable (kernel/printk/printk.c). The extended netconsole has the kernel's
 * release before it, if it was told so.
 */
static bool kmsg_prefix(struct scan *s, struct log_msg *m)
{
	struct scan t = *s;
	uint64_t level, seq, usec;
	struct slice flags, release;

	if (!scan_left(s) || !is_digit(*s->p))
		return false;
	if (!scan_until(&t, ',', &release) || release.n > 64 || !memchr(release.p, '.', release.n))
		t = *s;
	if (!scan_dec(&t, &level) || !scan_char(&t, ',') || !scan_dec(&t, &seq) || !scan_char(&t, ',') ||
	    !scan_dec(&t, &usec) || !scan_char(&t, ',') || !scan_until(&t, ';', &flags) || usec > UINT64_MAX / 1000)
		return false;
	m->time_ns = usec * 1000;
	m->has_time = true;
	*s = t;
	return true;
}

struct slice log_unescape(struct slice text, char *buf, size_t size)
{
	size_t n = 0;

	if (!slice_has(text, "\\x"))
		return text;
	for (size_t i = 0; i < text.n && n < size; i++) {
		if (text.n - i >= 4 && text.p[i] == '\\' && text.p[i + 1] == 'x' && hex_digit(text.p[i + 2]) >= 0 &&
		    hex_digit(text.p[i + 3]) >= 0) {
			buf[n++] = (char)(hex_digit(text.p[i + 2]) << 4 | hex_digit(text.p[i + 3]));
			i += 3;
		} else {
			buf[n++] = text.p[i];
		}
	}
	return (struct slice){ buf, n };
}

/* Behind the name under which a logger files the kernel's messages: "kernel: ", "kernel[n/a]: ", "kernel - - - ", "vmunix: ". */
static bool past_kernel(struct scan *s)
{
	struct scan t = *s;
	struct slice in;

	if (!scan_lit(&t, "kernel") && !scan_lit(&t, "vmunix"))
		return false;
	if (!scan_lit(&t, " - - - ")) {
		if (scan_char(&t, '[') && !scan_until(&t, ']', &in))
			return false;
		if (!scan_char(&t, ':') || (scan_left(&t) && !is_blank(*t.p)))
			return false;
	}
	scan_char(&t, ' ');
	*s = t;
	return true;
}

/* syslog and journalctl: "DATE HOST kernel: ", whatever the form of the date. */
static bool syslog_prefix(struct scan *s, struct log_msg *m)
{
	struct scan t = { s->p, s->p + MIN(scan_left(s), (size_t)160) }, end;

	if (!scan_left(s) || (!is_alpha(*s->p) && !is_digit(*s->p) && !(*s->p & 0x80)))
		return false;
	while (scan_past(&t, " ")) {
		end = (struct scan){ t.p, s->end };
		if (!past_kernel(&end))
			continue;
		m->stamp = slice_trim((struct slice){ s->p, (size_t)(t.p - s->p) });
		s->p = end.p;
		return true;
	}
	return false;
}

/* journalctl -o short-monotonic and short-delta: "HOST kernel: " behind the time. */
static void skip_host(struct scan *s)
{
	struct scan t = *s;
	struct slice host;

	if (scan_word(&t, &host) && scan_char(&t, ' ') && past_kernel(&t))
		*s = t;
}

/* The kernel's own time has six digits behind the point: "[   12.300000]", "[12.300000 <", "[12.300000, 3]". @s is behind the bracket. */
static bool is_kernel_time(struct scan s)
{
	struct scan seconds;
	struct slice in;

	scan_blanks(&s);
	/* not to the end of the line, which may be a million brackets */
	seconds = (struct scan){ s.p, s.p + MIN(scan_left(&s), (size_t)11) };
	if (!scan_until(&seconds, '.', &in) || !in.n)
		return false;
	s.p = seconds.p;
	if (scan_left(&s) < 7)
		return false;
	for (size_t i = 0; i < in.n; i++)
		if (!is_digit(in.p[i]))
			return false;
	for (in = (struct slice){ s.p, 0 }; in.n < 6 && is_digit(in.p[in.n]); in.n++)
		;
	return in.n == 6 && (in.p[6] == ']' || in.p[6] == ' ' || in.p[6] == ',');
}

/*
 * "NODE | [   12.300000] text", "/var/log/kern.log:123:[   12.300000] text": what stands before the kernel's own time says nothing that we
 * need.
 */
static bool buried_time(struct scan *s, struct log_msg *m)
{
	struct scan t = { s->p, s->p + MIN(scan_left(s), (size_t)200) }, u;
	struct slice lead;

	while (scan_until(&t, '[', &lead)) {
		if (!is_kernel_time(t))
			continue;
		u = (struct scan){ t.p - 1, s->end };
		if (!bracket_time(&u, m))
			continue;
		*s = u;
		return true;
	}
	return false;
}

size_t log_second_record(struct slice line)
{
	struct scan s = scan_of(line);
	struct slice lead;
	bool first = true;
	const char *p;

	while (scan_until(&s, '[', &lead)) {
		if (!is_kernel_time(s))
			continue;
		if (!first) {
			for (p = s.p - 1; p - line.p >= 3 && p[-1] == '>' && is_digit(p[-2]) && p[-3] == '<'; p -= 3)
				; /* its level */
			return (size_t)(p - line.p);
		}
		first = false;
	}
	return line.n;
}

/* dmesg --time-format iso: "2026-11-20T10:00:00,123456+00:00 text". */
static bool iso_prefix(struct scan *s, struct log_msg *m)
{
	struct scan t = *s;
	struct slice w;

	if (!scan_left(s) || !is_digit(*s->p) || !scan_word(&t, &w) || w.n < 19 || w.p[4] != '-' || w.p[10] != 'T')
		return false;
	m->stamp = w;
	scan_char(&t, ' ');
	*s = t;
	return true;
}

/* `[   12.300000] text`, "…", | … |: where the text ends, when what stands before the time comes again behind it. @s is behind the time. */
static const char *before_quote(const char *lead, struct scan s)
{
	const char *end = s.end, *open = memrchr(lead, '[', (size_t)(s.p - lead));

	while (open && open > lead && is_blank(open[-1]))
		open--;
	if (!open || open == lead || !is_among(open[-1], "\"'`|"))
		return s.end;
	while (end > s.p && is_among(end[-1], " ,]})"))
		end--;
	return end > s.p && end[-1] == open[-1] ? end - 1 : s.end;
}

void log_prefix(struct slice line, char *buf, size_t size, struct log_msg *ret)
{
	struct scan s = scan_of(line);
	const char *lead;

	scan_blanks(&s);
	if (kmsg_prefix(&s, ret)) {
		ret->fresh = true;
		ret->text = log_unescape(scan_rest(&s), buf, size);
		return;
	}
	skip_level(&s);
	if (bracket_prefix(&s, ret) || syslog_prefix(&s, ret) || iso_prefix(&s, ret)) {
		ret->fresh = true;
		skip_host(&s);
		scan_blanks(&s);
		if (!ret->has_time)
			bracket_prefix(&s, ret);
	} else {
		lead = s.p;
		if (buried_time(&s, ret)) {
			ret->fresh = true;
			s.end = before_quote(lead, s);
			skip_caller(&s);
			skip_host(&s);
		}
	}
	if (ret->fresh)
		scan_char(&s, ' ');
	skip_level(&s); /* crash's log -m has it here */
	ret->text = slice_trim(scan_rest(&s));
}
