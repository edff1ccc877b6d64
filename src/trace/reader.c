// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/str.h"
#include "trace/reader.h"
#include "trace/unpack.h"

/* Small enough for the second-level cache, so that a line is scanned where it was just copied. */
#define CHUNK (256U << 10)

struct reader {
	struct ctx *ctx;
	char *name;
	int fd, watch;
	struct unpack *unpack; /* NULL: the input is as it is */
	bool follow, own, eof, packets, skipping, damaged;
	bool idle; /* the caller knows that there is nothing for now */
	char *buf;
	size_t cap, start, end; /* what is read and not yet handed out */
	size_t seen;		/* of that, searched for a newline already */
	uint64_t line, done, size, cut;
};

static volatile sig_atomic_t stopped;

void reader_stop(void)
{
	stopped = 1;
}

static int reader_error(struct reader *r, int err, const char *hint)
{
	return ctx_error(r->ctx, NOTE(.code = "input", .err = err, .where = r->name, .hint = hint), "cannot read %s", r->name);
}

static void start_watch(struct reader *r, const char *file)
{
	r->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (r->watch >= 0 && inotify_add_watch(r->watch, file, IN_MODIFY | IN_ATTRIB) < 0) {
		close(r->watch);
		r->watch = -1;
	}
}

static int open_file(struct reader *r, const char *file)
{
	struct stat st;

	r->fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (r->fd < 0)
		return reader_error(r, errno, NULL);
	r->own = true;
	if (fstat(r->fd, &st))
		return reader_error(r, errno, NULL);
	if (S_ISDIR(st.st_mode))
		return reader_error(r, EISDIR, "give a log or trace file; --from takes directories");
	if (S_ISREG(st.st_mode)) {
		r->size = (uint64_t)st.st_size;
		posix_fadvise(r->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
		if (r->follow)
			start_watch(r, file);
	}
	/* each read gives one record, and the end is "would block" (Documentation/ABI/testing/dev-kmsg) */
	if (S_ISCHR(st.st_mode)) {
		r->packets = true;
		fcntl(r->fd, F_SETFL, O_NONBLOCK);
	}
	return 0;
}

int reader_open(struct ctx *ctx, const char *file, bool follow, struct reader **ret)
{
	_cleanup_(cleanup_reader_close) struct reader *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->ctx = ctx;
	r->fd = r->watch = -1;
	r->follow = follow;
	r->name = must_strdup(streq(file, "-") ? "stdin" : file);
	r->cap = CHUNK * 2;
	r->buf = malloc(r->cap);
	if (!r->name || !r->buf)
		return -ENOMEM;
	if (streq(file, "-")) {
		r->fd = STDIN_FILENO;
	} else {
		err = open_file(r, file);
		if (err)
			return err;
	}
	*ret = r;
	r = NULL;
	return 0;
}

struct reader *reader_memory(const char *name, struct slice data)
{
	struct reader *r = must_calloc(1, sizeof(*r));

	r->fd = r->watch = -1;
	r->name = must_strdup(name);
	r->cap = data.n + 1;
	r->buf = malloc(r->cap);
	if (!r->name || !r->buf)
		out_of_memory();
	if (data.n)
		memcpy(r->buf, data.p, data.n);
	r->end = data.n;
	r->size = r->done = data.n;
	r->eof = true;
	return r;
}

void reader_close(struct reader *r)
{
	if (!r)
		return;
	unpack_close(r->unpack);
	if (r->own && r->fd >= 0)
		close(r->fd);
	if (r->watch >= 0)
		close(r->watch);
	free(r->buf);
	free(r->name);
	free(r);
}

/* Makes room for another chunk behind what is there. */
static int make_room(struct reader *r)
{
	char *p;

	if (r->start) {
		memmove(r->buf, r->buf + r->start, r->end - r->start);
		r->end -= r->start;
		r->seen -= r->start;
		r->start = 0;
	}
	if (r->cap - r->end >= CHUNK)
		return 0;
	p = realloc(r->buf, r->cap * 2);
	if (!p)
		return -ENOMEM;
	r->buf = p;
	r->cap *= 2;
	return 0;
}

/* A followed file that became shorter starts anew, as after a log rotation with copytruncate. */
static void check_truncated(struct reader *r)
{
	struct stat st;

	if (!r->own || fstat(r->fd, &st) || !S_ISREG(st.st_mode))
		return;
	if (st.st_size < lseek(r->fd, 0, SEEK_CUR)) {
		lseek(r->fd, 0, SEEK_SET);
		r->start = r->end = r->seen = 0;
		r->line = 0;
	}
}

/* Waits until there may be more. */
static int wait_more(struct reader *r)
{
	struct pollfd p = { .fd = r->packets ? r->fd : r->watch, .events = POLLIN };
	char events[4096];

	if (stopped)
		return -EINTR;
	/* the time limit is for files whose changes nobody announces: network file systems */
	if (poll(&p, p.fd >= 0, 1000) < 0 && errno == EINTR && stopped)
		return -EINTR;
	if (r->watch >= 0)
		while (read(r->watch, events, sizeof(events)) > 0)
			;
	check_truncated(r);
	return 0;
}

/* Unpacked bytes added. A log that was cut short, as by a machine that went down, ends where it was cut. */
static ssize_t fill_unpacked(struct reader *r)
{
	ssize_t n = unpack_read(r->unpack, r->buf + r->end, r->cap - r->end);

	if (n < 0) {
		r->damaged = true;
		ctx_warn(r->ctx, "cut-short", 0, r->name, "%s: the compressed data is cut short or damaged: what comes behind that is missing",
			 r->name);
		return 0;
	}
	r->end += (size_t)n;
	r->done += (uint64_t)n;
	return n;
}

/* What was read first begins a compressed file: it is unpacked, and nothing will be added to it. */
static ssize_t start_unpacking(struct reader *r)
{
	struct slice head = { r->buf + r->start, r->end - r->start };
	const char *name = unpack_name(head);
	int err = unpack_open(r->fd, head, &r->unpack);

	r->follow = false;
	r->size = r->done = 0;
	r->end = r->start = r->seen = 0;
	if (err == -EBADMSG)
		return reader_error(r, EBADMSG, "it begins like a compressed file and is none, or is damaged");
	if (err < 0)
		return ctx_error(r->ctx, NOTE(.code = "compressed", .err = -err, .where = r->name, .why = "reading it needs libarchive, with this compression",
					      .hint = "unpack it first"), "%s, compressed by %s", r->name, name);
	return fill_unpacked(r);
}

/* Bytes added, 0 at the end, -EAGAIN when a followed file has none now. */
static ssize_t fill(struct reader *r)
{
	ssize_t n;
	int err;

	err = make_room(r);
	if (err)
		return err;
	if (r->unpack)
		return fill_unpacked(r);
	for (;;) {
		if (stopped)
			return -EINTR;
		n = read(r->fd, r->buf + r->end, r->cap - r->end);
		if (n >= 0 || (errno != EINTR && errno != EPIPE))
			break;
		/* EPIPE: /dev/kmsg dropped records before we read them; the next read goes on behind them */
	}
	if (n < 0 && errno == EAGAIN)
		n = 0;
	if (n < 0)
		return reader_error(r, errno, NULL);
	if (!n)
		return r->follow && (r->own || r->packets) ? -EAGAIN : 0;
	r->end += (size_t)n;
	r->done += (uint64_t)n;
	if (n && r->done == (uint64_t)n && !r->packets && unpack_name((struct slice){ r->buf, (size_t)n }))
		return start_unpacking(r);
	return n;
}

/* A line too long to be kept: hands out its beginning and skips the rest as it comes. */
static bool cut_line(struct reader *r, struct slice *ret)
{
	if (r->end - r->start < READER_MAX_LINE)
		return false;
	*ret = (struct slice){ r->buf + r->start, READER_MAX_LINE };
	r->start = r->seen = r->end;
	r->skipping = true;
	r->line++;
	r->cut++;
	return true;
}

static bool take_line(struct reader *r, struct slice *ret)
{
	char *nl = r->end > r->seen ? memchr(r->buf + r->seen, '\n', r->end - r->seen) : NULL;

	if (!nl) {
		r->seen = r->end;
		return false;
	}
	*ret = (struct slice){ r->buf + r->start, (size_t)(nl - r->buf) - r->start };
	r->start = r->seen = (size_t)(nl + 1 - r->buf);
	return true;
}

/* Whether a line is there; the rest of one that was cut is dropped on the way. */
static bool have_line(struct reader *r, struct slice *ret)
{
	while (take_line(r, ret)) {
		if (!r->skipping) {
			r->line++;
			r->cut += ret->n > READER_MAX_LINE;
			ret->n = MIN(ret->n, (size_t)READER_MAX_LINE);
			return true;
		}
		r->skipping = false;
	}
	if (r->skipping)
		r->start = r->seen = r->end;
	return false;
}

static int last_line(struct reader *r, struct slice *ret)
{
	if (r->start == r->end || r->skipping)
		return READER_END;
	*ret = (struct slice){ r->buf + r->start, r->end - r->start };
	r->start = r->seen = r->end;
	r->line++;
	return READER_LINE;
}

int reader_next(struct reader *r, struct slice *ret)
{
	ssize_t n;
	int err;

	for (;;) {
		if (have_line(r, ret) || cut_line(r, ret))
			return READER_LINE;
		if (r->eof)
			return last_line(r, ret);
		n = fill(r);
		if (n != -EAGAIN) {
			if (n < 0)
				return (int)n;
			r->eof = !n;
			r->idle = false;
			continue;
		}
		if (!r->idle) {
			r->idle = true;
			return READER_IDLE;
		}
		err = wait_more(r);
		if (err)
			return err;
	}
}

int reader_peek(struct reader *r, size_t n, struct slice *ret)
{
	ssize_t got;

	while (!r->eof && r->end - r->start < n) {
		got = fill(r);
		if (got == 0)
			r->eof = true;
		else if (got == -EAGAIN)
			break;
		else if (got < 0)
			return (int)got;
	}
	*ret = (struct slice){ r->buf + r->start, MIN(n, r->end - r->start) };
	return 0;
}

uint64_t reader_line(const struct reader *r)
{
	return r->line;
}

uint64_t reader_done(const struct reader *r)
{
	return r->done;
}

uint64_t reader_size(const struct reader *r)
{
	return r->size;
}

bool reader_unpacks(const struct reader *r)
{
	return r->unpack;
}

bool reader_damaged(const struct reader *r)
{
	return r->damaged;
}

uint64_t reader_cut(const struct reader *r)
{
	return r->cut;
}
