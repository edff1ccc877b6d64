// SPDX-License-Identifier: GPL-2.0-or-later
/* The head of a trace.dat: what is where. datpage.c goes through the data. */
#include "trace/datfile.h"

#include <archive.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/oom.h"
#include "base/str.h"

/* A section that is larger is not believed; the largest, kallsyms, is not read at all. */
#define SECTION_MAX (64U << 20)
#define CPUS_MAX 8192U
#define PARTS_MAX (2 * CPUS_MAX) /* each takes memory while it is read */

/* Sections and options of version 7. */
enum { SECTION_OPTIONS = 0, SECTION_FLYRECORD = 3, SECTION_HEADERS = 16, SECTION_EVENTS = 18, SECTION_CMDLINES = 21 };
#define OPTION_BUFFER 3
#define SECTION_COMPRESSED 1

/* A piece of the file that is in memory, and how far it was read. */
struct bytes {
	const struct dat_file *f;
	const char *p;
	size_t n;
};

/* A number of @n bytes into *ret, whatever type that is of. */
#define take(b, ret, n)                                                                  \
	({                                                                               \
		uint64_t v_;                                                             \
		bool ok_ = take_number((b), (n), &v_);                                   \
		if (ok_)                                                                 \
			*(ret) = (typeof(*(ret)))v_;                                     \
		ok_;                                                                     \
	})

static bool take_number(struct bytes *b, size_t n, uint64_t *ret)
{
	if (b->n < n)
		return false;
	*ret = dat_number(b->f, b->p, n);
	b->p += n;
	b->n -= n;
	return true;
}

static bool take_slice(struct bytes *b, uint64_t n, struct slice *ret)
{
	if (b->n < n)
		return false;
	*ret = (struct slice){ b->p, (size_t)n };
	b->p += n;
	b->n -= (size_t)n;
	return true;
}

static bool take_string(struct bytes *b, const char **ret)
{
	const char *nul = b->n ? memchr(b->p, '\0', b->n) : NULL;

	if (!nul)
		return false;
	*ret = b->p;
	b->n -= (size_t)(nul + 1 - b->p);
	b->p = nul + 1;
	return true;
}

/* Eight bytes of length, and so many bytes. */
static bool take_block(struct bytes *b, struct slice *ret)
{
	uint64_t n;

	return take(b, &n, 8) && take_slice(b, n, ret);
}

static int read_at(const struct dat_file *f, uint64_t offset, void *buf, size_t n)
{
	ssize_t got;

	if (offset > f->size || n > f->size - offset)
		return -EBADMSG;
	got = pread(f->fd, buf, n, (off_t)offset);
	if (got < 0)
		return -errno;
	return (size_t)got == n ? 0 : -EBADMSG;
}

/* -- decompression --------------------------------------------------------------------------------------------------------- */

static int inflate_archive(const void *p, size_t len, char *ret, size_t n)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	la_ssize_t got = -1;
	size_t sum = 0;

	if (!a)
		return -errno;
	archive_read_support_filter_zstd(a);
	archive_read_support_filter_gzip(a);
	archive_read_support_format_raw(a);
	if (archive_read_open_memory(a, p, len) == ARCHIVE_OK && archive_read_next_header(a, &e) == ARCHIVE_OK)
		while (sum < n && (got = archive_read_data(a, ret + sum, n - sum)) > 0)
			sum += (size_t)got;
	archive_read_free(a);
	return sum == n ? 0 : -EBADMSG;
}

/* What zlib writes has two bytes before the compressed data and four behind them; gzip has ten and eight. */
static int inflate_zlib(const char *p, size_t len, char *ret, size_t n)
{
	static const char head[10] = "\x1f\x8b\x08";
	_cleanup_free_ char *gz = len > 6 ? calloc(1, len + 12) : NULL;

	if (!gz)
		return -EBADMSG;
	memcpy(gz, head, sizeof(head));
	memcpy(gz + sizeof(head), p + 2, len - 6);
	return inflate_archive(gz, len + 12, ret, n);
}

int dat_inflate(bool zlib, const void *p, size_t len, char *ret, size_t n)
{
	return zlib ? inflate_zlib(p, len, ret, n) : inflate_archive(p, len, ret, n);
}

/* -- descriptions ---------------------------------------------------------------------------------------------------------- */

/* The number behind KEY in one field's line. */
static bool key_number(struct slice line, const char *key, uint32_t *ret)
{
	struct scan s = scan_of(line);
	uint64_t v;

	if (!scan_past_bytes(&s, key, strlen(key)) || !scan_dec(&s, &v) || v > 65536)
		return false;
	*ret = (uint32_t)v;
	return true;
}

/* The field's name is the last word of its declaration, "[]" behind it or not. */
static bool declares(struct slice decl, const char *name)
{
	size_t n = strlen(name), end = decl.n;

	if (end && decl.p[end - 1] == ']') {
		const char *open = memrchr(decl.p, '[', decl.n);

		if (!open)
			return false;
		end = (size_t)(open - decl.p);
	}
	return end > n && !memcmp(decl.p + end - n, name, n) && (is_blank(decl.p[end - n - 1]) || decl.p[end - n - 1] == '*');
}

bool dat_find_field(struct slice format, const char *name, struct dat_field *ret)
{
	struct scan s = scan_of(format);

	while (scan_past(&s, "field:")) {
		struct scan line = s;
		struct slice decl, text = scan_rest(&s);
		const char *nl = memchr(text.p, '\n', text.n);

		if (nl)
			text.n = (size_t)(nl - text.p);
		line.end = text.p + text.n;
		if (!scan_until(&line, ';', &decl) || !declares(slice_trim(decl), name))
			continue;
		return key_number(text, "offset:", &ret->offset) && key_number(text, "size:", &ret->size);
	}
	return false;
}

static void add_format(struct dat_file *f, const char *system, struct slice text)
{
	struct scan s = scan_of(text), id = s;
	struct slice name;
	uint64_t v;

	if (!scan_past(&s, "name:") || !scan_word(&s, &name) || !scan_past(&id, "\nID:") || (scan_blanks(&id), !scan_dec(&id, &v)) ||
	    v > UINT16_MAX)
		return;
	if (memchr(name.p, '\n', name.n))
		name.n = (size_t)((char *)memchr(name.p, '\n', name.n) - name.p);
	*vec_push(&f->formats) = (struct dat_format){ system, arena_memdup(&f->arena, name.p, name.n), (uint32_t)v, text };
}

static bool take_events(struct dat_file *f, struct bytes *b)
{
	uint32_t systems, n;
	const char *system;
	struct slice text;

	if (!take(b, &systems, 4))
		return false;
	for (uint32_t i = 0; i < systems; i++) {
		if (!take_string(b, &system) || !take(b, &n, 4))
			return false;
		for (uint32_t j = 0; j < n; j++) {
			if (!take_block(b, &text))
				return false;
			add_format(f, system, text);
		}
	}
	return true;
}

static bool take_headers(struct dat_file *f, struct bytes *b)
{
	struct slice name, page, event;

	if (!take_slice(b, 12, &name) || memcmp(name.p, "header_page", 12) || !take_block(b, &page) || !take_slice(b, 13, &name) ||
	    memcmp(name.p, "header_event", 13) || !take_block(b, &event))
		return false;
	return dat_find_field(page, "commit", &f->commit) && dat_find_field(page, "data", &f->data) && f->data.offset >= 12 &&
	       f->data.offset < f->page_size && f->commit.offset == 8 && f->commit.size <= 8;
}

static int by_pid(const void *a, const void *b)
{
	const struct dat_task *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* "57 dd" a line. */
static void read_tasks(struct dat_file *f, struct slice text)
{
	struct scan s = scan_of(text);
	struct slice line;
	uint64_t pid;

	while (scan_until(&s, '\n', &line)) {
		struct scan l = scan_of(line);

		if (scan_dec(&l, &pid) && pid <= INT32_MAX && scan_char(&l, ' '))
			*vec_push(&f->tasks) = (struct dat_task){ (int32_t)pid, scan_rest(&l) };
	}
	if (f->tasks.n)
		qsort(f->tasks.v, f->tasks.n, sizeof(*f->tasks.v), by_pid);
}

struct slice dat_task(const struct dat_file *f, int32_t pid)
{
	struct dat_task key = { .pid = pid }, *t = NULL;

	if (f->tasks.n)
		t = bsearch(&key, f->tasks.v, f->tasks.n, sizeof(key), by_pid);
	return t ? t->name : (struct slice){ 0 };
}

/* A part as the file has it: what lies behind the end of the file was cut off. */
static void add_part(struct dat_file *f, struct dat_part p)
{
	if (!p.size || f->parts.n >= PARTS_MAX)
		return;
	if (p.offset >= f->size || p.size > f->size - p.offset) {
		f->cut = "the data of at least one processor";
		if (p.offset >= f->size)
			return;
		p.size = f->size - p.offset;
	}
	*vec_push(&f->parts) = p;
}

/* -- version 6 --------------------------------------------------------------------------------------------------------------- */

static int load_head(struct dat_file *f, uint64_t from, size_t n, struct bytes *ret)
{
	char *p = arena_alloc(&f->arena, n + 1);
	int r = read_at(f, from, p, n);

	p[n] = '\0';
	*ret = (struct bytes){ f, p, n };
	return r;
}

static bool skip_block32(struct bytes *b)
{
	struct slice skipped;
	uint32_t n;

	return take(b, &n, 4) && take_slice(b, n, &skipped);
}

static bool skip_ftrace_formats(struct bytes *b)
{
	struct slice text;
	uint32_t n;

	if (!take(b, &n, 4))
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (!take_block(b, &text))
			return false;
	return true;
}

static bool take_table(struct dat_file *f, struct bytes *b, uint32_t cpus)
{
	for (uint32_t i = 0; i < cpus; i++) {
		struct dat_part p = { .cpu = (int32_t)i };

		if (!take(b, &p.offset, 8) || !take(b, &p.size, 8))
			return false;
		add_part(f, p);
	}
	return true;
}

/* What `trace-cmd record -B NAME` recorded besides: its place, where a table of the same processors is, and its name. */
static void add_instance(struct dat_file *f, struct bytes option, uint32_t cpus)
{
	size_t n = 10 + (size_t)cpus * 16;
	_cleanup_free_ char *table = malloc(n);
	struct bytes b = { f, table, n };
	struct slice kind;
	uint64_t place;

	if (!table)
		out_of_memory();
	if (!take(&option, &place, 8) || !place)
		return;
	if (read_at(f, place, table, n) < 0 || !take_slice(&b, 10, &kind) || memcmp(kind.p, "flyrecord", 10) || !take_table(f, &b, cpus))
		f->cut = "the data of at least one buffer";
}

static bool take_options6(struct dat_file *f, struct bytes *b, uint32_t cpus)
{
	struct slice data;
	uint16_t id;
	uint32_t n;

	while (take(b, &id, 2)) {
		if (!id)
			return true;
		if (!take(b, &n, 4) || !take_slice(b, n, &data))
			return false;
		if (id == OPTION_BUFFER)
			add_instance(f, (struct bytes){ f, data.p, data.n }, cpus);
	}
	return false;
}

/* The kind of what follows: "options  ", "latency  ", "flyrecord". */
static int read_parts6(struct dat_file *f, struct bytes *b, uint32_t cpus, const char **ret_why)
{
	struct slice kind;

	if (!take_slice(b, 10, &kind))
		return -EBADMSG;
	if (!memcmp(kind.p, "options  ", 10) && (!take_options6(f, b, cpus) || !take_slice(b, 10, &kind)))
		return -EBADMSG;
	if (!memcmp(kind.p, "latency  ", 10)) {
		*ret_why = "holds the text of a latency tracer, not events";
		return -EOPNOTSUPP;
	}
	return take_table(f, b, cpus) ? 0 : -EBADMSG;
}

static int try_open6(struct dat_file *f, uint64_t from, size_t n, const char **ret_why)
{
	struct bytes b;
	struct slice tasks;
	uint32_t cpus;
	int r = load_head(f, from, n, &b);

	if (r < 0)
		return r;
	*ret_why = "ends before its data: cut short, or damaged";
	if (!take_headers(f, &b) || !skip_ftrace_formats(&b) || !take_events(f, &b) || !skip_block32(&b) || !skip_block32(&b) ||
	    !take_block(&b, &tasks) || !take(&b, &cpus, 4) || cpus > CPUS_MAX)
		return -EBADMSG;
	read_tasks(f, tasks);
	return read_parts6(f, &b, cpus, ret_why);
}

/* What comes before the data is small but for kallsyms, which is in the middle: more is read when it was not all. */
static int open6(struct dat_file *f, uint64_t from, const char **ret_why)
{
	size_t max = (size_t)MIN(f->size - from, (uint64_t)SECTION_MAX), n = MIN(max, (size_t)1 << 20);
	int r;

	for (;;) {
		r = try_open6(f, from, n, ret_why);
		if (r != -EBADMSG || n == max)
			return r;
		n = MIN(max, n * 4);
		vec_free(&f->formats);
		vec_free(&f->tasks);
		vec_free(&f->parts);
		f->cut = NULL;
		arena_free(&f->arena);
	}
}

/* -- version 7 --------------------------------------------------------------------------------------------------------------- */

struct section {
	uint16_t id, flags;
	uint32_t text;
	uint64_t size;
};

/* A section's bytes, decompressed. */
static int load_section(struct dat_file *f, uint64_t at, const struct section *s, struct bytes *ret)
{
	struct { uint32_t packed, plain; } n = { (uint32_t)s->size, (uint32_t)s->size };
	_cleanup_free_ char *packed = NULL;
	char *p;
	int r = 0;

	if (s->size > SECTION_MAX)
		return -EBADMSG;
	if (s->flags & SECTION_COMPRESSED)
		r = s->size >= 8 ? read_at(f, at, &n, 8) : -EBADMSG;
	if (s->flags & SECTION_COMPRESSED && r == 0) {
		n.packed = dat_u32(f, n.packed);
		n.plain = dat_u32(f, n.plain);
	}
	if (r < 0 || n.plain > SECTION_MAX || n.packed > s->size)
		return r < 0 ? r : -EBADMSG;
	p = arena_alloc(&f->arena, n.plain + 1);
	p[n.plain] = '\0';
	*ret = (struct bytes){ f, p, n.plain };
	if (!(s->flags & SECTION_COMPRESSED))
		return read_at(f, at, p, n.plain);
	packed = malloc(n.packed + 1);
	if (!packed)
		return -ENOMEM;
	r = read_at(f, at + 8, packed, n.packed);
	return r < 0 ? r : dat_inflate(f->zlib, packed, n.packed, p, n.plain);
}

/* A section's head at @at; *ret_at becomes the place of its data. */
static bool section_at(const struct dat_file *f, uint64_t at, struct section *ret, uint64_t *ret_at)
{
	char head[16];

	if (read_at(f, at, head, sizeof(head)) < 0)
		return false;
	ret->id = (uint16_t)dat_number(f, head, 2);
	ret->flags = (uint16_t)dat_number(f, head + 2, 2);
	ret->size = dat_number(f, head + 8, 8);
	*ret_at = at + sizeof(head);
	return true;
}

/* Where the data of each processor is: place of the section, name, clock, page size, processors. */
static bool take_buffer(struct dat_file *f, struct bytes b)
{
	const char *name, *clock;
	uint32_t page, cpus, cpu;
	struct section s;
	uint64_t place, data;

	if (!take(&b, &place, 8) || !take_string(&b, &name) || !take_string(&b, &clock) || !take(&b, &page, 4) || !take(&b, &cpus, 4) ||
	    page != f->page_size || cpus > CPUS_MAX || !section_at(f, place, &s, &data))
		return false;
	f->has_table = true;
	for (uint32_t i = 0; i < cpus; i++) {
		struct dat_part p = { .compressed = s.flags & SECTION_COMPRESSED };

		if (!take(&b, &cpu, 4) || !take(&b, &p.offset, 8) || !take(&b, &p.size, 8))
			return false;
		p.cpu = (int32_t)(cpu & INT32_MAX);
		if (p.compressed && p.size && p.size <= INT64_MAX)
			p.size += 4; /* the count of the chunks is not part of it */
		add_part(f, p);
	}
	return true;
}

static bool take_options(struct dat_file *f, struct bytes b)
{
	struct slice data;
	uint16_t id;
	uint32_t n;

	while (take(&b, &id, 2) && take(&b, &n, 4) && take_slice(&b, n, &data)) {
		if (!id)
			return true;
		if (id == OPTION_BUFFER && !take_buffer(f, (struct bytes){ f, data.p, data.n }))
			return false;
	}
	return false;
}

static bool take_section(struct dat_file *f, uint64_t at, const struct section *s)
{
	struct slice text;
	struct bytes b;

	if (s->id != SECTION_OPTIONS && s->id != SECTION_HEADERS && s->id != SECTION_EVENTS && s->id != SECTION_CMDLINES)
		return true;
	if (load_section(f, at, s, &b) < 0)
		return false;
	if (s->id == SECTION_OPTIONS)
		return take_options(f, b);
	if (s->id == SECTION_HEADERS)
		return take_headers(f, &b);
	if (s->id == SECTION_EVENTS)
		return take_events(f, &b);
	if (take_block(&b, &text))
		read_tasks(f, text);
	return true;
}

/*
 * The table of processors comes behind the data, so a file that was cut has none: the data is then read as it lies there, from
 * the first page on, one processor's behind the other's.
 */
static void guess_part(struct dat_file *f, uint64_t at, const struct section *s)
{
	uint64_t start = (at + f->page_size - 1) / f->page_size * f->page_size;

	f->cut = "the table of processors";
	if (start < f->size)
		add_part(f, (struct dat_part){ .cpu = -1, .offset = start, .size = f->size - start,
					       .compressed = s->flags & SECTION_COMPRESSED });
	f->cut = "the table of processors";
}

/* All sections lie one behind the other. */
static int open7(struct dat_file *f, uint64_t at, const char **ret_why)
{
	struct section s, data = { 0 };
	uint64_t place = 0, next;

	*ret_why = "ends before its data: cut short, or damaged";
	for (; at < f->size; at = next + s.size) {
		if (!section_at(f, at, &s, &next)) {
			f->cut = "the last part";
			break;
		}
		if (s.size > f->size - next)
			f->cut = "the last part";
		if (s.id == SECTION_FLYRECORD && !place) {
			place = next;
			data = s;
		}
		if (f->cut)
			break;
		if (!take_section(f, next, &s))
			return -EBADMSG;
	}
	if (!f->commit.size || !f->formats.n)
		return -EBADMSG;
	if (!f->has_table && place)
		guess_part(f, place, &data);
	return f->has_table || place ? 0 : -EBADMSG;
}

/* -- the first bytes --------------------------------------------------------------------------------------------------------- */

static int open_version(struct dat_file *f, struct bytes b, size_t n, const char **ret_why)
{
	const char *version, *algorithm, *algorithm_version;
	unsigned char endian, bits;
	uint64_t options;

	if (!take_string(&b, &version) || !take(&b, &endian, 1) || endian > 1)
		return -EBADMSG;
	f->big_endian = endian;
	if (!take(&b, &bits, 1) || !take(&b, &f->page_size, 4))
		return -EBADMSG;
	f->long_size = bits;
	if (f->page_size < 512 || f->page_size > 1U << 20 || f->page_size & (f->page_size - 1) || (bits != 4 && bits != 8))
		return -EBADMSG;
	if (streq(version, "6"))
		return open6(f, n - b.n, ret_why);
	*ret_why = "is of a version that we do not know (6 and 7 we do)";
	if (!streq(version, "7"))
		return -EOPNOTSUPP;
	*ret_why = "has no trace.dat head that holds together";
	if (!take_string(&b, &algorithm) || !take_string(&b, &algorithm_version) || !take(&b, &options, 8))
		return -EBADMSG;
	f->zlib = streq(algorithm, "zlib");
	if (!f->zlib && !streq(algorithm, "zstd") && !streq(algorithm, "none") && *algorithm) {
		*ret_why = "is compressed in a way that we do not know (zstd and zlib we do)";
		return -EOPNOTSUPP;
	}
	return open7(f, n - b.n, ret_why);
}

int dat_open(int fd, struct dat_file *ret, const char **ret_why)
{
	struct dat_file f = { .fd = fd };
	char head[256];
	struct stat st;
	size_t n;
	int r;

	*ret_why = "has no trace.dat head that holds together";
	if (fstat(fd, &st) < 0)
		return -errno;
	f.size = (uint64_t)MAX(st.st_size, (off_t)0);
	n = (size_t)MIN(f.size, (uint64_t)sizeof(head));
	r = read_at(&f, 0, head, n);
	if (r == 0)
		r = n > 10 ? open_version(&f, (struct bytes){ &f, head + 10, n - 10 }, n, ret_why) : -EBADMSG;
	if (r < 0) {
		dat_close(&f);
		return r;
	}
	*ret = f;
	return 0;
}

void dat_close(struct dat_file *f)
{
	vec_free(&f->formats);
	vec_free(&f->tasks);
	vec_free(&f->parts);
	arena_free(&f->arena);
}
