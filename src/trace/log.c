// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel log's decoders share: taking prefixes off, holding an event, names of devices. */
#include <stdio.h>

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

/* dmesg -T, -d and -e: "[Mon May 30 17:35:46 2022]", "[  +0.000004]", "[May30 17:35]". */
static bool bracket_date(struct scan *s, struct log_msg *m)
{
	struct scan t = *s;
	struct slice in;

	if (!scan_char(&t, '[') || !scan_until(&t, ']', &in) || in.n < 6 || in.n > 40)
		return false;
	if (!memchr(in.p, ':', in.n) && !memchr(in.p, '+', in.n))
		return false;
	if (!is_alpha(in.p[0]) && !is_blank(in.p[0]) && in.p[0] != '+')
		return false;
	if (slice_has(in, "DMA") || slice_has(in, "=")) /* a wrapped record, not a date */
		return false;
	m->stamp = in;
	*s = t;
	return true;
}

/* The time in brackets, and who printed it behind: "[T12]", "[    C0]" (CONFIG_PRINTK_CALLER). */
static bool bracket_prefix(struct scan *s, struct log_msg *m)
{
	struct scan t = *s;
	struct slice in;

	if (!bracket_time(&t, m)) {
		t = *s;
		if (!bracket_date(&t, m))
			return false;
	}
	*s = t;
	if (scan_char(&t, '[') && scan_until(&t, ']', &in)) {
		in = slice_trim(in);
		if (in.n > 1 && (in.p[0] == 'T' || in.p[0] == 'C') && is_digit(in.p[1]))
			*s = t;
	}
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

/* /dev/kmsg: "6,1234,278999480,-;text", with \xNN for what is not printable (kernel/printk/printk.c). */
static bool kmsg_prefix(struct scan *s, struct log_msg *m)
{
	struct scan t = *s;
	uint64_t level, seq, usec;
	struct slice flags;

	if (!scan_dec(&t, &level) || !scan_char(&t, ',') || !scan_dec(&t, &seq) || !scan_char(&t, ',') ||
	    !scan_dec(&t, &usec) || !scan_char(&t, ',') || !scan_until(&t, ';', &flags) || usec > UINT64_MAX / 1000)
		return false;
	m->time_ns = usec * 1000;
	m->has_time = true;
	*s = t;
	return true;
}

static struct slice unescape(struct slice text, char *buf, size_t size)
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

/* syslog and journalctl: "DATE HOST kernel: ", whatever the form of the date. */
static bool syslog_prefix(struct scan *s, struct log_msg *m)
{
	struct scan t = { s->p, s->p + MIN(scan_left(s), (size_t)160) };

	if (!scan_left(s) || (!is_alpha(*s->p) && !is_digit(*s->p)) || !scan_past(&t, " kernel: "))
		return false;
	m->stamp = (struct slice){ s->p, (size_t)(t.p - s->p) - strlen(" kernel: ") };
	s->p = t.p;
	return true;
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

void log_prefix(struct slice line, char *buf, size_t size, struct log_msg *ret)
{
	struct scan s = scan_of(line);

	scan_blanks(&s);
	if (kmsg_prefix(&s, ret)) {
		ret->fresh = true;
		ret->text = unescape(scan_rest(&s), buf, size);
		return;
	}
	skip_level(&s);
	if (bracket_prefix(&s, ret)) {
		ret->fresh = true;
	} else if (syslog_prefix(&s, ret) || iso_prefix(&s, ret)) {
		ret->fresh = true;
		bracket_prefix(&s, ret);
	}
	if (ret->fresh)
		scan_char(&s, ' ');
	ret->text = slice_trim(scan_rest(&s));
}

struct slice hold_text(struct log_state *st, struct slice s)
{
	struct held *h = &st->held;
	char *p = h->text + h->used;

	s.n = MIN(s.n, sizeof(h->text) - h->used);
	if (!s.n)
		return (struct slice){ 0 };
	memcpy(p, s.p, s.n);
	h->used += s.n;
	return (struct slice){ p, s.n };
}

struct slice hold_printf(struct log_state *st, const char *fmt, ...)
{
	char buf[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	return hold_text(st, (struct slice){ buf, (size_t)MIN(MAX(n, 0), (int)sizeof(buf) - 1) });
}

void hold_emit(struct log_state *st)
{
	struct held *h = &st->held;

	if (!h->active)
		return;
	h->active = false;
	if (h->n_words < h->want_words && !h->ev.fault.detail.n)
		h->ev.fault.detail = hold_printf(st, "the dump is cut: %u of %u words", h->n_words, h->want_words);
	if (st->held.ev.kind != EVENT_NONE && !st->err)
		st->err = st->emit(st->arg, &st->held.ev);
}

struct event *hold_new(struct log_state *st, const struct log_msg *m)
{
	struct held *h = &st->held;

	hold_emit(st);
	memset(h, 0, offsetof(struct held, text));
	h->active = true;
	h->ev.line = m->line;
	h->ev.stamp = hold_text(st, m->stamp);
	if (m->has_time) {
		h->ev.time_ns = m->time_ns;
		h->ev.has |= HAS_TIME;
	}
	return &h->ev;
}

bool scan_bdf(struct slice text, char *buf, size_t size, unsigned *has)
{
	struct scan s = scan_of(text);
	uint64_t v[4];
	char sep[4];
	int n = 0;

	scan_blanks(&s);
	for (;;) {
		if (!scan_hex(&s, &v[n]) || v[n] > UINT32_MAX)
			return false;
		n++;
		if (!scan_left(&s) || n == 4)
			break;
		sep[n] = *s.p++;
		if (sep[n] != ':' && sep[n] != '.')
			return false;
	}
	if (scan_left(&s) || n < 3 || v[n - 1] > 7 || v[n - 2] > 31 || v[n - 3] > 255)
		return false;
	if (n == 4) {
		snprintf(buf, size, "%04x:%02x:%02x.%x", (unsigned)v[0], (unsigned)v[1], (unsigned)v[2], (unsigned)v[3]);
		*has |= HAS_SEGMENT;
	} else {
		snprintf(buf, size, "%02x:%02x.%x", (unsigned)v[0], (unsigned)v[1], (unsigned)v[2]);
	}
	return true;
}

bool log_device(struct slice text, const char *at, struct slice *ret_driver, struct slice *ret_device)
{
	struct slice before = slice_trim((struct slice){ text.p, (size_t)(at - text.p) });
	size_t i;

	if (!before.n || before.p[before.n - 1] != ':')
		return false;
	before = slice_trim((struct slice){ before.p, before.n - 1 });
	for (i = before.n; i && !is_blank(before.p[i - 1]); i--)
		;
	if (!i)
		return false;
	*ret_device = (struct slice){ before.p + i, before.n - i };
	before = slice_trim((struct slice){ before.p, i });
	for (i = before.n; i && !is_blank(before.p[i - 1]); i--)
		;
	*ret_driver = (struct slice){ before.p + i, before.n - i };
	return ret_driver->n > 0;
}
