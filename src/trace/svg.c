// SPDX-License-Identifier: GPL-2.0-or-later
/* A timeline to look at: one lane a matter, drawn from the slices. */
#include <inttypes.h>
#include <stdio.h>

#include "base/str.h"
#include "trace/stat.h"

#define WIDTH 1000
#define LEFT 90
#define LANE 110
#define GAP 34
#define TOP 50

struct lane {
	const char *title, *colour;
	uint64_t (*value)(const struct stat_slice *);
	void (*label)(uint64_t v, char *buf, size_t size);
};

static uint64_t lane_live(const struct stat_slice *s)
{
	return s->live;
}

static uint64_t lane_invals(const struct stat_slice *s)
{
	return s->invals;
}

static uint64_t lane_faults(const struct stat_slice *s)
{
	return s->faults;
}

static uint64_t lane_latency(const struct stat_slice *s)
{
	return s->latency;
}

static void label_count(uint64_t v, char *buf, size_t size)
{
	snprintf(buf, size, "%" PRIu64, v);
}

static void label_bytes(uint64_t v, char *buf, size_t size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned u = 0;
	double d = (double)v;

	for (; d >= 1024 && u + 1 < ARRAY_SIZE(units); u++)
		d /= 1024;
	snprintf(buf, size, "%.*f %s", u && d < 10 ? 1 : 0, d, units[u]);
}

static void label_time(uint64_t v, char *buf, size_t size)
{
	if (v >= 1000000000)
		snprintf(buf, size, "%.1f s", (double)v / 1e9);
	else if (v >= 1000000)
		snprintf(buf, size, "%.1f ms", (double)v / 1e6);
	else
		snprintf(buf, size, "%.1f us", (double)v / 1e3);
}

static const struct lane lanes[] = {
	{ "mapped bytes, all domains", "#4477aa", lane_live, label_bytes },
	{ "invalidations", "#228833", lane_invals, label_count },
	{ "faults", "#cc3311", lane_faults, label_count },
	{ "longest page request", "#aa3377", lane_latency, label_time },
};

static void text_at(struct strbuf *b, double x, double y, const char *anchor, const char *s)
{
	strbuf_printf(b, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
	for (; *s; s++) {
		if (*s == '<' || *s == '&' || *s == '>')
			strbuf_printf(b, "&#%d;", *s);
		else if ((unsigned char)*s >= 0x20)
			strbuf_putc(b, *s);
	}
	strbuf_puts(b, "</text>\n");
}

/* Slices without events keep the level of mapped bytes, and are zero elsewhere. */
static uint64_t value_at(const struct trace_stat *s, const struct lane *l, unsigned i, uint64_t before)
{
	if (l->value == lane_live && !s->slices[i].has_live)
		return before;
	return l->value(&s->slices[i]);
}

static void draw_lane(const struct trace_stat *s, const struct lane *l, double y, struct strbuf *b)
{
	double step = (double)(WIDTH - LEFT - 20) / MAX(s->n_slices, 1U);
	uint64_t max = 0, v = 0;
	char label[32];

	for (unsigned i = 0; i < s->n_slices; i++)
		max = MAX(max, l->value(&s->slices[i]));
	text_at(b, LEFT, y - 8, "start", l->title);
	l->label(max, label, sizeof(label));
	text_at(b, LEFT - 8, y + 10, "end", label);
	text_at(b, LEFT - 8, y + LANE, "end", "0");
	strbuf_printf(b, "<path fill=\"%s\" fill-opacity=\"0.75\" d=\"M%d %.1f", l->colour, LEFT, y + LANE);
	for (unsigned i = 0; i < s->n_slices; i++) {
		double h;

		v = value_at(s, l, i, v);
		h = max ? (double)v / (double)max * LANE : 0;
		strbuf_printf(b, "L%.2f %.2fH%.2f", LEFT + i * step, y + LANE - h, LEFT + (i + 1) * step);
	}
	strbuf_printf(b, "L%.2f %.1fZ\"/>\n", LEFT + s->n_slices * step, y + LANE);
	strbuf_printf(b, "<path stroke=\"#888\" fill=\"none\" d=\"M%d %.1fV%.1fH%d\"/>\n", LEFT, y, y + LANE, WIDTH - 20);
}

void stat_svg(const struct trace_stat *s, const char *title, struct strbuf *b)
{
	double y = TOP + 20;
	int height = TOP + 20 + (int)ARRAY_SIZE(lanes) * (LANE + GAP) + 20;
	char label[32], line[64];

	strbuf_printf(b,
		      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n"
		      "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
		      WIDTH, height);
	text_at(b, LEFT, 24, "start", title);
	label_time(s->n_slices ? s->n_slices * s->slice_ns : 0, label, sizeof(label));
	snprintf(line, sizeof(line), "%s from left to right", label);
	text_at(b, WIDTH - 20, 24, "end", line);
	for (size_t i = 0; i < ARRAY_SIZE(lanes); i++) {
		draw_lane(s, &lanes[i], y, b);
		y += LANE + GAP;
	}
	strbuf_puts(b, "</svg>\n");
}
