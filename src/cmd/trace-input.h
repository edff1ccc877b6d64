/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands that read logs and traces share: reading a file to its end, progress, what could not be decoded. */
#ifndef IOMMUCTL_CMD_TRACE_INPUT_H
#define IOMMUCTL_CMD_TRACE_INPUT_H

#include <time.h>

#include "cmd/cmd.h"
#include "trace/decode.h"

/* Line numbers of undecodable lines that are named; the rest is counted. */
#define UNDECODED_NAMED 20

/* Drawn on a terminal, and only for what takes longer than a second. */
struct trace_progress {
	bool on, drawn;
	uint64_t calls;
	struct timespec start, last;
};

struct trace_input {
	struct invocation *inv;
	struct trace_progress progress;
	const char *file; /* as people call it: "stdin" for "-" */
	bool follow, interrupted;
	bool none_is_fine; /* no event is an answer like any other: a log without faults */
	uint64_t undecoded[UNDECODED_NAMED];
	size_t n_undecoded; /* in all */
	int (*event)(void *arg, const struct event *ev);
	void *arg;
	struct decode_counts counts; /* when done */
};

/*
 * Reads @file ("-": standard input; a trace.dat) and hands each event to in->event. Notes on
 * stderr what was cut, lost or not decodable; with --strict the latter is an error. 0, or a negative errno that was noted.
 */
int trace_input_read(struct trace_input *in, const char *file);

/* For what is read elsewhere: the sink whose argument is @in. */
extern const struct decode_sink trace_input_sink;
void trace_input_done(struct trace_input *in, const struct decoder *d);

/* What the command returns when it went well: interrupted, or --strict and something was not decoded. */
int trace_input_exit(const struct trace_input *in);

/* "stdin" for "-". */
const char *trace_input_name(const char *file);

#endif
