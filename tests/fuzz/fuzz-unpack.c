// SPDX-License-Identifier: GPL-2.0-or-later
/* any bytes as a compressed log, which is unpacked and decoded line by line. */
#include <stdio.h>

#include "fuzz.h"

#include "trace/decode.h"
#include "trace/reader.h"

/* A small input may unfold to a lot, which says nothing new. */
#define LINES_MAX 20000

static int on_event(void *arg, const struct event *ev)
{
	(void)arg;
	fuzz_check(ev->kind != EVENT_NONE && ev->kind < EVENT_MAX);
	return 0;
}

FUZZ_TARGET(unpack)
{
	static const struct decode_sink sink = { .event = on_event };
	_cleanup_(cleanup_decoder_free) struct decoder *d = decoder_new(&sink, NULL);
	_cleanup_(cleanup_reader_close) struct reader *r = NULL;
	_cleanup_close_ int fd = fuzz_file(data, size);
	struct ctx ctx = { 0 };
	struct slice line;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (reader_open(&ctx, path, false, &r) == 0)
		for (int i = 0; i < LINES_MAX && reader_next(r, &line) == READER_LINE; i++)
			decoder_line(d, line, reader_line(r));
	decoder_flush(d);
	ctx_free(&ctx);
	return 0;
}
