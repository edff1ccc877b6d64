// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The data of a trace.dat: pages of the kernel's ring buffer, compressed in chunks of some pages or not. The page: its time, the
 * length of what is in it, and events, each with a word of its kind (5 bits) and the time since the last one (27 bits)
 * (include/linux/ring_buffer.h, kernel/trace/ring_buffer.c).
 */
#include <errno.h>
#include <unistd.h>

#include "trace/datfile.h"

enum { TYPE_DATA_MAX = 28, TYPE_PADDING = 29, TYPE_TIME_EXTEND = 30, TYPE_TIME_STAMP = 31 };

#define MISSED_EVENTS (1U << 31)
#define MISSED_STORED (1U << 30)
#define COMMIT_MASK ((1U << 27) - 1)

/* So many bytes are read at a time, and no chunk unfolds to more. */
#define READ_SIZE (64U << 10)
#define CHUNK_MAX (16U << 20)

static uint64_t part_end(const struct dat_cursor *c)
{
	return c->part->offset + c->part->size;
}

static bool damaged(struct dat_cursor *c, const char *what)
{
	c->damage = what;
	c->len = c->used = 0;
	return false;
}

static bool reserve(struct dat_cursor *c, size_t n)
{
	char *p;

	if (n <= c->cap)
		return true;
	p = realloc(c->buf, n);
	if (!p)
		return false;
	c->buf = p;
	c->cap = n;
	return true;
}

static bool read_exactly(struct dat_cursor *c, uint64_t offset, void *buf, size_t n)
{
	if (offset > part_end(c) || n > part_end(c) - offset)
		return false;
	return pread(c->f->fd, buf, n, (off_t)offset) == (ssize_t)n;
}

void dat_cursor_open(struct dat_cursor *c, const struct dat_file *f, const struct dat_part *part)
{
	*c = (struct dat_cursor){ .f = f, .part = part, .next = part->offset };
}

void dat_cursor_close(struct dat_cursor *c)
{
	free(c->buf);
}

/* The head of the next processor's chunks, in a part whose processors are not known: they begin at a page. */
static bool next_chunks(struct dat_cursor *c)
{
	uint64_t page = c->f->page_size;

	if (c->next != c->part->offset) {
		if (c->part->cpu >= 0)
			return false;
		c->next = (c->next + page - 1) / page * page;
	}
	if (c->next + 4 > part_end(c))
		return false;
	if (!read_exactly(c, c->next, &c->chunks, 4))
		return damaged(c, "a chunk's head cannot be read");
	c->chunks = dat_u32(c->f, c->chunks);
	c->next += 4;
	return c->chunks > 0;
}

static bool fill_compressed(struct dat_cursor *c)
{
	struct { uint32_t packed, plain; } n;
	_cleanup_free_ char *packed = NULL;

	if (!c->chunks && !next_chunks(c))
		return false;
	if (!read_exactly(c, c->next, &n, 8))
		return damaged(c, "a compressed chunk is cut");
	n.packed = dat_u32(c->f, n.packed);
	n.plain = dat_u32(c->f, n.plain);
	if (n.packed > CHUNK_MAX || n.plain > CHUNK_MAX || !n.plain)
		return damaged(c, "a compressed chunk is cut");
	packed = malloc(n.packed + 1);
	if (!packed || !reserve(c, n.plain) || !read_exactly(c, c->next + 8, packed, n.packed))
		return damaged(c, "a compressed chunk is cut");
	c->next += 8 + n.packed;
	c->chunks--;
	if (dat_inflate(c->f->zlib, packed, n.packed, c->buf, n.plain) < 0)
		return damaged(c, "a compressed chunk cannot be unfolded");
	c->len = n.plain;
	c->used = 0;
	return true;
}

static bool fill_plain(struct dat_cursor *c)
{
	uint64_t left = part_end(c) - c->next;
	size_t n = (size_t)MIN(left, (uint64_t)MAX(READ_SIZE, c->f->page_size));

	if (!left)
		return false;
	if (!reserve(c, n) || !read_exactly(c, c->next, c->buf, n))
		return damaged(c, "cannot be read");
	c->next += n;
	c->len = n;
	c->used = 0;
	return true;
}

/* Behind the events, when there is room: how many were lost before this page. */
static void note_lost(struct dat_cursor *c, uint64_t commit)
{
	size_t word = c->f->long_size;

	c->lost = commit & MISSED_EVENTS;
	c->n_lost = 0;
	if (commit & MISSED_STORED && c->end + word <= c->f->page_size)
		c->n_lost = dat_number(c->f, c->page + c->end, word);
}

static bool next_page(struct dat_cursor *c)
{
	const struct dat_file *f = c->f;
	uint64_t commit, length;

	if (c->used >= c->len && !(c->part->compressed ? fill_compressed(c) : fill_plain(c)))
		return false;
	if (c->len - c->used < f->page_size)
		return damaged(c, "the last page is cut");
	c->page = c->buf + c->used;
	c->used += f->page_size;
	c->time_ns = dat_number(f, c->page, 8);
	commit = dat_number(f, c->page + f->commit.offset, f->commit.size == 8 ? 8 : 4);
	length = commit & COMMIT_MASK;
	if (length > f->page_size - f->data.offset) {
		c->at = c->end = 0;
		c->damage = "a page says that more is in it than it holds";
		return true;
	}
	c->at = f->data.offset;
	c->end = c->at + (size_t)length;
	note_lost(c, commit);
	return true;
}

/* The two parts of an entry's first word: a bit field, which a big-endian compiler lays out from the top. */
static inline void split_head(const struct dat_file *f, uint32_t head, unsigned *ret_type, uint32_t *ret_delta)
{
	*ret_type = f->big_endian ? head >> 27 : head & 31;
	*ret_delta = f->big_endian ? head & ((1U << 27) - 1) : head >> 5;
}

/* One entry of the page: an event, or what moves the clock. false: the page is done. */
static bool next_entry(struct dat_cursor *c, struct slice *ret, bool *ret_event)
{
	uint32_t head, delta, word = 0;
	size_t len, left = c->end - c->at;
	unsigned type;

	*ret_event = false;
	if (left < 4)
		return false;
	memcpy(&head, c->page + c->at, 4);
	if (left >= 8)
		memcpy(&word, c->page + c->at + 4, 4);
	word = dat_u32(c->f, word);
	split_head(c->f, dat_u32(c->f, head), &type, &delta);
	if (type > 0 && type <= TYPE_DATA_MAX) {
		*ret = (struct slice){ c->page + c->at + 4, type * 4 };
		len = 4 + type * 4;
		*ret_event = true;
	} else if (type == 0) {
		*ret = (struct slice){ c->page + c->at + 8, word >= 4 ? word - 4 : 0 };
		len = 4 + (size_t)word;
		*ret_event = true;
	} else if (type == TYPE_PADDING) {
		len = 4 + (size_t)word;
		if (!delta) /* nothing behind it */
			return false;
	} else {
		len = 8;
	}
	if (len > left || (type == 0 && word < 4)) {
		c->damage = "an event is longer than its page";
		return false;
	}
	if (type == TYPE_TIME_STAMP) /* the upper five bits are those of the page's time */
		c->time_ns = (c->time_ns & ~((1ULL << 59) - 1)) | delta | (uint64_t)word << 27;
	else
		c->time_ns += delta + (type == TYPE_TIME_EXTEND ? (uint64_t)word << 27 : 0);
	c->at += (len + 3) & ~(size_t)3;
	c->at = MIN(c->at, c->end);
	return true;
}

bool dat_cursor_next(struct dat_cursor *c, struct dat_record *ret)
{
	bool event;

	for (;;) {
		if (next_entry(c, &ret->data, &event)) {
			if (!event)
				continue;
			ret->time_ns = c->time_ns;
			ret->lost = c->lost;
			ret->n_lost = c->n_lost;
			c->lost = false;
			return true;
		}
		c->at = c->end = 0;
		if (!next_page(c))
			return false;
	}
}
