/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The container of a trace.dat, versions 6 and 7 (trace-cmd.dat.v6(5), trace-cmd.dat.v7(5)): event descriptions, names of tasks,
 * and each processor's pages of the kernel's ring buffer. Read by hand and not through libtracecmd, which gives nothing of
 * a file that is cut short and may be killed by one that is damaged. Nothing in the file is believed.
 */
#ifndef IOMMUCTL_TRACE_DATFILE_H
#define IOMMUCTL_TRACE_DATFILE_H

#include "base/arena.h"
#include "base/vec.h"
#include "trace/scan.h"

struct dat_field {
	uint32_t offset, size;
};

/* "field:u64 iova; offset:8; size:8;" of an event's description. false: no such field. */
bool dat_find_field(struct slice format, const char *name, struct dat_field *ret);

struct dat_format {
	const char *system, *name;
	uint32_t id;
	struct slice text;
};

struct dat_task {
	int32_t pid;
	struct slice name;
};

/* A processor's data in the file. */
struct dat_part {
	int32_t cpu; /* -1: the file does not say */
	uint64_t offset, size;
	bool compressed;
};

struct dat_file {
	int fd;
	uint64_t size;
	uint32_t page_size, long_size;
	bool big_endian;
	bool zlib; /* how compressed parts are; else zstd */
	struct dat_field commit, data; /* in a page */
	struct arena arena;
	VEC(struct dat_format) formats;
	VEC(struct dat_task) tasks; /* by pid */
	VEC(struct dat_part) parts;
	bool has_table;	 /* of processors (version 7) */
	const char *cut; /* what is missing at the end; NULL: nothing */
};

/*
 * Reads all but the data from @fd, which stays the caller's. 0; -EBADMSG with *ret_why (static) what is wrong with it; -EOPNOTSUPP with
 * *ret_why for what we cannot read; -errno of reading.
 */
int dat_open(int fd, struct dat_file *ret, const char **ret_why);
void dat_close(struct dat_file *f);

/* The name of a task; p is NULL when the file has none. */
struct slice dat_task(const struct dat_file *f, int32_t pid);

/* One event of a ring buffer. */
struct dat_record {
	uint64_t time_ns;
	struct slice data; /* valid until the cursor moves */
	bool lost;	   /* events were lost before it */
	uint64_t n_lost;   /* how many; 0 not known */
};

/* Goes through one part. */
struct dat_cursor {
	const struct dat_file *f;
	const struct dat_part *part;
	uint64_t next; /* place in the file, of a page or of a chunk */
	uint32_t chunks; /* compressed: still to come */
	char *buf;     /* pages */
	size_t used, len, cap;
	const char *page;
	size_t at, end; /* in the page */
	uint64_t time_ns, n_lost;
	bool lost;
	const char *damage; /* why it ended too early; NULL: it did not */
};

/* A cursor at the beginning of one processor's part. Opens nothing; dat_cursor_close() frees what reading needed. */
void dat_cursor_open(struct dat_cursor *c, const struct dat_file *f, const struct dat_part *part);
/* Whether there is one more. */
bool dat_cursor_next(struct dat_cursor *c, struct dat_record *ret);
void dat_cursor_close(struct dat_cursor *c);

/* The file's numbers are as its machine wrote them. */
static inline bool dat_foreign(const struct dat_file *f)
{
	return f->big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
}

static inline uint32_t dat_u32(const struct dat_file *f, uint32_t v)
{
	return dat_foreign(f) ? __builtin_bswap32(v) : v;
}

/* A number at @p, of 1, 2, 4 or 8 bytes; 0 for other sizes. */
static inline uint64_t dat_number(const struct dat_file *f, const char *p, size_t size)
{
	uint64_t v64;
	uint32_t v32;
	uint16_t v16;

	switch (size) {
	case 8:
		memcpy(&v64, p, 8);
		return dat_foreign(f) ? __builtin_bswap64(v64) : v64;
	case 4:
		memcpy(&v32, p, 4);
		return dat_u32(f, v32);
	case 2:
		memcpy(&v16, p, 2);
		return dat_foreign(f) ? __builtin_bswap16(v16) : v16;
	}
	return size == 1 ? (unsigned char)*p : 0;
}

/* Decompresses a block of a trace.dat into @ret, of @n bytes exactly. -EBADMSG. */
int dat_inflate(bool zlib, const void *p, size_t len, char *ret, size_t n);

#endif
