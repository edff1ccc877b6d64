/* SPDX-License-Identifier: GPL-2.0-or-later */
/* trace.dat, as trace-cmd record writes it. */
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
 * descriptions. event->line is the number of the record. Errors are noted: -EBADMSG, -EOPNOTSUPP (another machine's byte order, a version that
 * we do not know), -ESPIPE for "-". What is cut off or damaged is a warning, and the rest is handed out.
 *
 * @progress, which may be NULL, is called now and then with the bytes that were read, and how many there are.
 */
typedef void (*tracedat_progress)(void *arg, uint64_t done, uint64_t size);
int tracedat_read(struct ctx *ctx, const char *file, int (*event)(void *arg, const struct event *ev), tracedat_progress progress,
		  void *arg, struct decode_counts *ret_counts);

/* The same from an open file, which is called @name. */
int tracedat_read_fd(struct ctx *ctx, int fd, const char *name, int (*event)(void *arg, const struct event *ev),
		     tracedat_progress progress, void *arg, struct decode_counts *ret_counts);

#endif
