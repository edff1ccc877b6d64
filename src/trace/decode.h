/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines in, events out. What a line is, is told by its content, so that formats may be mixed: a mail with a quoted log
 * and a trace in it decodes as well as each alone. Nothing is fatal: what looks like an IOMMU's word and cannot be
 * decoded is handed over with its line number, and counted.
 */
#ifndef IOMMUCTL_TRACE_DECODE_H
#define IOMMUCTL_TRACE_DECODE_H

#include "trace/event.h"

struct decoder;

struct decode_sink {
	/* Nonzero ends the decoding and is handed through. */
	int (*event)(void *arg, const struct event *ev);
	/* @text is the line, @why one clause. May be NULL. */
	void (*undecoded)(void *arg, uint64_t line, struct slice text, const char *why);
};

struct decode_counts {
	uint64_t lines, events, undecoded;
	bool damaged; /* a trace.dat that is cut short or damaged: there was more */
	uint64_t lost; /* events that the recorder says it lost; markers without a number count as one */
};

/* @sink is copied, @arg borrowed. */
struct decoder *decoder_new(const struct decode_sink *sink, void *arg);
void decoder_free(struct decoder *d);
DEFINE_CLEANUP(struct decoder, decoder_free);

/* One line without its newline; @line is its number. 0, or what the sink returned. */
int decoder_line(struct decoder *d, struct slice text, uint64_t line);

/* The same for a record of the kernel log. */
struct kmsg_line;
int decoder_kmsg(struct decoder *d, const struct kmsg_line *record, uint64_t line);

/* A message of the kernel log that another recording holds, at its time. 0, or what the sink returned. */
int decoder_message(struct decoder *d, struct slice text, uint64_t line, uint64_t time_ns);

/* Nothing follows for now (the end, or a followed file that has gone quiet): hands over what waits for more lines. */
int decoder_flush(struct decoder *d);

/* What was decoded so far; the decoder's. */
const struct decode_counts *decoder_counts(const struct decoder *d);

#endif
