/* SPDX-License-Identifier: GPL-2.0-or-later */
/* trace.dat, as trace-cmd record writes it, through libtracecmd and libtraceevent: optional. */
#ifndef IOMMUCTL_TRACE_TRACEDAT_H
#define IOMMUCTL_TRACE_TRACEDAT_H

#include "base/ctx.h"
#include "trace/decode.h"

/* Whether a file that begins so is a trace.dat. */
static inline bool tracedat_is(struct slice head)
{
	return head.n >= 10 && !memcmp(head.p, "\x17\x08\x44tracing", 10);
}

/*
 * Hands each event of ours in @file to @event, CPUs merged by time; fields are found by the file's own format
 * descriptions. event->line is the number of the record. -EOPNOTSUPP, noted, when this build has no libtracecmd; -ESPIPE for
 * "-"; what the file's end cut off is noted as a warning.
 */
int tracedat_read(struct ctx *ctx, const char *file, int (*event)(void *arg, const struct event *ev), void *arg,
		  struct decode_counts *ret_counts);

#endif
