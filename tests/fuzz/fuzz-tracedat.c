// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * any bytes as a trace.dat. Seeds: the .dat files of tests/traces, and what tests/bench/mkdat makes. Events must hold together, as in
 * fuzz-trace.c.
 */
#include <sys/mman.h>

#include "fuzz.h"

#include "trace/decode.h"
#include "trace/jsonl.h"
#include "trace/stat.h"
#include "trace/tracedat.h"

static int on_event(void *arg, const struct event *ev)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	stat_add(arg, ev);
	event_json(&b, ev);
	return 0;
}

FUZZ_TARGET(tracedat)
{
	_cleanup_(cleanup_stat_free) struct trace_stat *s = stat_new(NULL);
	_cleanup_close_ int fd = memfd_create("trace.dat", MFD_CLOEXEC);
	struct decode_counts counts = { 0 };
	struct ctx ctx = { 0 };

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	tracedat_read_fd(&ctx, fd, "fuzz", on_event, NULL, s, &counts);
	stat_finish(s);
	ctx_free(&ctx);
	return 0;
}
