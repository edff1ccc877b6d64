// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as a trace that is played into the model. The first byte has the options. Nothing may be left behind, and no page request unaccounted for. */
#include "fuzz.h"

#include "model/model.h"
#include "replay/replay.h"
#include "trace/decode.h"
#include "trace/reader.h"

struct playing {
	struct player *player;
	unsigned n;
};

/* A few hundred say it all; each costs operations. */
static int on_event(void *arg, const struct event *ev)
{
	struct playing *p = arg;
	const char *what;

	return ++p->n > 400 ? 1 : player_event(p->player, ev, &what) < 0;
}

static void play(struct player *player, const uint8_t *data, size_t size)
{
	static const struct decode_sink sink = { .event = on_event };
	struct playing p = { player, 0 };
	_cleanup_(cleanup_reader_close) struct reader *r = reader_memory("fuzz", (struct slice){ (const char *)data, size });
	_cleanup_(cleanup_decoder_free) struct decoder *d = decoder_new(&sink, &p);
	struct slice line;

	while (reader_next(r, &line) == READER_LINE)
		if (decoder_line(d, line, reader_line(r)))
			return;
	decoder_flush(d);
}

FUZZ_TARGET(replay)
{
	static struct ctx forever;
	static struct source *base;
	struct replay_options opt = { 0 };
	const struct replay_report *report;
	struct ctx ctx = { 0 };
	struct source *overlay;
	struct backend *model;
	struct player *player;

	if (!size)
		return 0;
	if (!base && source_open(&forever, "demo", &base) < 0)
		abort();
	if (model_open(&ctx, base, NULL, &model, &overlay) < 0)
		abort();
	opt.policy = data[0] % 3;
	opt.shared = data[0] & 4;
	opt.units = data[0] >> 3 & 3;
	opt.model = data[0] & 32 ? model : NULL;
	player = player_new(model, &opt);
	play(player, data + 1, size - 1);
	report = player_finish(player);
	fuzz_check(report->lost == 0 && report->not_cleaned == 0);
	player_free(player);
	backend_close(model);
	source_close(overlay);
	ctx_free(&ctx);
	return 0;
}
