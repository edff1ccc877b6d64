/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of a file of any size in constant memory: a file, a pipe, a device like /dev/kmsg, or one that is still
 * being written. What gzip, xz, zstd, bzip2 or lz4 have compressed is unpacked on the way.
 */
#ifndef IOMMUCTL_TRACE_READER_H
#define IOMMUCTL_TRACE_READER_H

#include "base/ctx.h"
#include "trace/scan.h"

struct reader;

enum reader_event {
	READER_END = 0,	 /* nothing more will come */
	READER_LINE = 1,
	READER_IDLE = 2, /* followed, and nothing new for now: the next call waits */
};

/* A longer line is cut to this, and counted. */
#define READER_MAX_LINE (10U << 20)

/*
 * @file: a path, or "-" for standard input. @follow: go on at the end, as tail -f does. Errors are noted with the
 * place.
 */
int reader_open(struct ctx *ctx, const char *file, bool follow, struct reader **ret);
/* Reads from memory, which stays the caller's. */
struct reader *reader_memory(const char *name, struct slice data);
void reader_close(struct reader *r);
DEFINE_CLEANUP(struct reader, reader_close);

/*
 * The next line, without its newline; valid until the next call. An enum reader_event, or a negative errno (noted):
 * -EINTR after reader_stop().
 */
int reader_next(struct reader *r, struct slice *ret);

/* Number of the line just handed out, from 1. */
uint64_t reader_line(const struct reader *r);
/* Bytes read so far, and of the whole file (0: not known). */
uint64_t reader_done(const struct reader *r);
uint64_t reader_size(const struct reader *r);
/* Lines longer than READER_MAX_LINE. */
uint64_t reader_cut(const struct reader *r);
/* Whether the input is compressed; and whether it was cut short, which a warning has told. Both are known once something was read. */
bool reader_unpacks(const struct reader *r);
bool reader_damaged(const struct reader *r);

/* The bytes at the beginning of the input, up to @n, without taking them: tells binary formats. */
int reader_peek(struct reader *r, size_t n, struct slice *ret);

/* Makes waiting calls return; safe in a signal handler. */
void reader_stop(void);

#endif
