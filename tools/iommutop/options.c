// SPDX-License-Identifier: GPL-2.0-or-later
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "model.h"
#include "ui.h"

static const char *const view_words[] = { "groups", "domains", "devices", "units", "faults", "sessions", NULL };

/* In the order of the cases below. */
enum { O_BATCH, O_SAMPLES, O_DELAY, O_JSON, O_VIEW, O_RAW, O_NOHEADINGS, O_FROM, O_DEMO, O_REPLAY, O_SPEED, O_PROBES, O_FRAME, O_KEYS, O_SVG, O_HELP, O_VERSION };

const struct option_row top_options[] = {
	[O_BATCH] = { 'b', "batch", NULL, "write samples to standard output instead of a screen" },
	[O_SAMPLES] = { 'n', "samples", "N", "end after so many samples; rates need two" },
	[O_DELAY] = { 'd', "delay", "SECONDS", "time between samples, 0.1 to 3600 (default 1)" },
	[O_JSON] = { 'j', "json", NULL, "with -b: JSON Lines, one line a sample" },
	[O_VIEW] = { 0, "view", "VIEWS", "with -b: what to write (default groups,units); else the view to begin with: groups, domains, "
		     "devices, units, faults, sessions", COMPLETE_WORDS, view_words },
	[O_RAW] = { 0, "raw", NULL, "with -b: one row a line, for scripts" },
	[O_NOHEADINGS] = { 0, "noheadings", NULL, "with -b: tables without headings" },
	[O_FROM] = { 0, "from", "FILE", "look at a snapshot, or an unpacked one, instead of this machine", COMPLETE_FILE_OR_DEMO },
	[O_DEMO] = { 0, "demo", NULL, "look at the built-in sample machine" },
	[O_REPLAY] = { 0, "replay", "TRACE", "with --from or --demo: rates and faults of a trace or log, as it happened", COMPLETE_FILE },
	[O_SPEED] = { 0, "speed", "N", "play the trace so many times as fast (default 1)" },
	[O_PROBES] = { 0, "probes", NULL, "count calls of kernel functions too (kprobes), where there is no tracepoint; this changes the "
		       "kernel's text while iommutop runs" },
	[O_FRAME] = { 0, "frame", "WxH", "write one frame of that size as text, and end" },
	[O_KEYS] = { 0, "keys", "KEYS", "with --frame: press these keys first; <Enter>, <Down>, <F6> and the like for others" },
	[O_SVG] = { 0, "svg", "FILE", "with --frame: write it as a picture, too", COMPLETE_FILE },
	[O_HELP] = { 'h', "help", NULL, "this help" },
	[O_VERSION] = { 'V', "version", NULL, "version" },
	{ 0 },
};

static int bad(struct ctx *ctx, const char *option, const char *value, const char *why)
{
	return ctx_error(ctx, NOTE(.code = "bad-value", .err = EINVAL, .why = why, .hint = "iommutop --help lists the options"),
			 "--%s %s", option, value);
}

static int parse_delay(struct ctx *ctx, const char *value, unsigned *ret)
{
	char *end;
	double s = strtod(value, &end);

	if (end == value || *end || !(s * 1000 >= DELAY_MIN_MS && s * 1000 <= DELAY_MAX_MS))
		return bad(ctx, "delay", value, "not a number of seconds from 0.1 to 3600");
	*ret = (unsigned)(s * 1000 + 0.5);
	return 0;
}

static int parse_frame(struct ctx *ctx, const char *value, struct options *o)
{
	char more;

	if (sscanf(value, "%dx%d%c", &o->frame_w, &o->frame_h, &more) == 2 && o->frame_w > 0 && o->frame_h > 0 &&
	    o->frame_w <= 4096 && o->frame_h <= 4096)
		return 0;
	return bad(ctx, "frame", value, "not a size like 80x24");
}

static int parse_views(struct ctx *ctx, const char *value, unsigned *ret)
{
	unsigned views = 0;

	for (const char *p = value; *p;) {
		size_t n = strcspn(p, ","), i = 0;

		while (view_words[i] && (strlen(view_words[i]) != n || strncmp(p, view_words[i], n)))
			i++;
		if (!view_words[i])
			return bad(ctx, "view", value, "the views are groups, domains, devices, units, faults, sessions");
		views |= 1u << i;
		p += n + (p[n] == ',');
	}
	*ret = views;
	return views ? 0 : bad(ctx, "view", value, "no view is named");
}

static int take(struct ctx *ctx, int which, char *value, struct options *o)
{
	char *end;

	switch (which) {
	case O_BATCH:
		o->batch = true;
		return 0;
	case O_SAMPLES:
		if (parse_u32(value, &o->samples) < 0 || !o->samples)
			return bad(ctx, "samples", value, "not a number from 1 on");
		return 0;
	case O_DELAY:
		return parse_delay(ctx, value, &o->delay_ms);
	case O_JSON:
		o->json = true;
		return 0;
	case O_VIEW:
		return parse_views(ctx, value, &o->views);
	case O_RAW:
		o->raw = true;
		return 0;
	case O_NOHEADINGS:
		o->noheadings = true;
		return 0;
	case O_FROM:
		o->from = value;
		return 0;
	case O_DEMO:
		o->from = "demo";
		return 0;
	case O_REPLAY:
		o->replay = value;
		return 0;
	case O_SPEED:
		o->speed = strtod(value, &end);
		if (end == value || *end || !(o->speed > 0 && o->speed <= 1e6))
			return bad(ctx, "speed", value, "not a number above 0, up to 1000000");
		return 0;
	case O_PROBES:
		o->probes = true;
		return 0;
	case O_FRAME:
		return parse_frame(ctx, value, o);
	case O_KEYS:
		o->keys = value;
		return 0;
	case O_SVG:
		o->svg = value;
		return 0;
	case O_HELP:
		o->help = true;
		return 0;
	default:
		o->version = true;
		return 0;
	}
}

static int check(struct ctx *ctx, const struct options *o, int argc, char **argv)
{
	const char *what = o->json ? "--json" : o->raw ? "--raw" : o->noheadings ? "--noheadings" : NULL;

	if (optind < argc)
		return ctx_error(ctx, NOTE(.code = "usage", .err = EINVAL, .why = "it takes no arguments",
					   .hint = "iommutop --help lists the options"), "%s", argv[optind]);
	if (what && !o->batch)
		return ctx_error(ctx, NOTE(.code = "usage", .err = EINVAL, .why = "it is for batch mode", .hint = "add -b"), "%s", what);
	if ((o->keys || o->svg) && !o->frame_w)
		return ctx_error(ctx, NOTE(.code = "usage", .err = EINVAL, .why = "it goes with --frame", .hint = "add --frame 80x24"),
				 o->keys ? "--keys" : "--svg");
	if (o->replay && !o->from)
		return ctx_error(ctx, NOTE(.code = "usage", .err = EINVAL, .why = "it is played on a machine that is not here",
					   .hint = "add --demo, or --from with a snapshot of the machine that it is of"), "--replay");
	return 0;
}

int options_parse(struct ctx *ctx, int argc, char **argv, struct options *ret)
{
	struct option longs[ARRAY_SIZE(top_options)] = { 0 };
	struct options o = { .delay_ms = 1000, .speed = 1 };
	char shorts[2 * ARRAY_SIZE(top_options) + 2] = ":";
	int c, r;

	for (int i = 0; top_options[i].name; i++) {
		const struct option_row *row = &top_options[i];

		longs[i] = (struct option){ row->name, row->arg ? required_argument : no_argument, NULL, 0x100 + i };
		if (row->short_name)
			snprintf(shorts + strlen(shorts), 3, "%c%s", row->short_name, row->arg ? ":" : "");
	}
	opterr = 0;
	optind = 0;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		int which = c - 0x100;

		if (c == '?' || c == ':')
			return ctx_error(ctx, NOTE(.code = "usage", .err = EINVAL, .hint = "iommutop --help lists the options",
						   .why = c == ':' ? "it takes a value" : "no such option"),
					 "%s", argv[optind - 1]);
		for (int i = 0; c < 0x100 && top_options[i].name; i++)
			if (top_options[i].short_name == c)
				which = i;
		r = take(ctx, which, optarg, &o);
		if (r < 0)
			return r;
	}
	*ret = o;
	return check(ctx, &o, argc, argv);
}

void options_help(FILE *f)
{
	fputs("usage: iommutop [options]\n"
	      "IOMMU groups, domains, devices, units and faults, live. ? on the screen lists the keys.\n\n", f);
	for (size_t i = 0; top_options[i].name; i++) {
		const struct option_row *row = &top_options[i];
		char name[64];

		snprintf(name, sizeof(name), "%c%c%s --%s%s%s", row->short_name ? '-' : ' ', row->short_name ?: ' ',
			 row->short_name ? "," : " ", row->name, row->arg ? " " : "", row->arg ?: "");
		fprintf(f, "  %-24s %s\n", name, row->help);
	}
}
