// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel log's decoders share: holding an event, names of devices. */
#include <stdio.h>

#include "trace/internal.h"

struct slice hold_text(struct log_state *st, struct slice s)
{
	struct held *h = st->held;
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

void hold_init(struct log_state *st)
{
	st->held = st->speakers;
}

/* The words of its dump that were announced are there. */
static bool is_whole(const struct held *h)
{
	return h->n_words >= h->want_words;
}

static void emit_one(struct log_state *st, struct held *h)
{
	struct held *current = st->held;

	if (!h->active)
		return;
	st->held = h;
	if (!is_whole(h) && !h->ev.fault.detail.n)
		h->ev.fault.detail = hold_printf(st, "the dump is cut: %u of %u words", h->n_words, h->want_words);
	st->held = current;
	h->active = false;
	st->n_held--;
	if (h->ev.kind != EVENT_NONE && !st->err)
		st->err = st->emit(st->arg, &h->ev);
}

/* Everything held that began before the @seq'th; what still waits for words only when @cut. */
static void emit_until(struct log_state *st, uint64_t seq, bool cut)
{
	struct held *first;

	do {
		first = NULL;
		for (size_t i = 0; i < MAX_SPEAKERS; i++) {
			struct held *h = &st->speakers[i];

			if (h->active && h->seq < seq && (cut || is_whole(h)) && (!first || h->seq < first->seq))
				first = h;
		}
		if (first)
			emit_one(st, first);
	} while (first);
}

void hold_emit(struct log_state *st)
{
	emit_until(st, UINT64_MAX, true);
}

bool hold_any(const struct log_state *st)
{
	return st->n_held > 0;
}

/* A held event waits at most this many foreign lines for more about it. */
#define MAX_HELD_AGE 32

void hold_age(struct log_state *st)
{
	for (size_t i = 0; i < MAX_SPEAKERS; i++)
		if (st->speakers[i].active && ++st->speakers[i].age > MAX_HELD_AGE)
			emit_one(st, &st->speakers[i]);
}

void hold_speaker(struct log_state *st, enum vendor vendor, struct slice unit)
{
	struct held *best = NULL;

	for (size_t i = 0; i < MAX_SPEAKERS; i++) {
		struct held *h = &st->speakers[i];

		if (h->active && h->ev.vendor == vendor && h->ev.unit.n == unit.n &&
		    (!unit.n || !memcmp(h->ev.unit.p, unit.p, unit.n))) {
			st->held = h;
			return;
		}
		/* a free place, else the one that has waited for longest */
		if (!best || (best->active && (!h->active || h->seq < best->seq)))
			best = h;
	}
	st->held = best;
}

struct event *hold_new(struct log_state *st, const struct log_msg *m)
{
	struct held *h = st->held;

	if (h->active)
		emit_until(st, h->seq, false);
	emit_one(st, h);
	memset(h, 0, offsetof(struct held, text));
	h->active = true;
	h->seq = ++st->seq;
	st->n_held++;
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
