// SPDX-License-Identifier: GPL-2.0-or-later
/* The events of a trace.dat: fields are found by name in the file's own descriptions, processors merged by time. */
#include "trace/tracedat.h"

#include <errno.h>
#include <fcntl.h>

#include "base/str.h"
#include "trace/datfile.h"
#include "trace/hw.h"
#include "trace/internal.h"

#define FIELDS_MAX 8

struct dat_event;
typedef bool (*dat_parser)(const struct dat_event *d, struct slice rec, struct event *ev);

struct dat_known {
	const char *system, *name;
	dat_parser parse;
	enum event_kind kind;
	const char *fields[FIELDS_MAX];
};

/* An event of the file that is one of ours. */
struct dat_event {
	const struct dat_known *known; /* NULL: none of ours */
	const struct dat_file *file; /* NULL: the record is text, "NAME=VALUE NAME=VALUE" */
	struct dat_field fields[FIELDS_MAX];
};

#define EVENT_IDS 65536

/* One processor: its next record. */
struct dat_stream {
	struct dat_cursor cursor;
	struct dat_record rec;
	int32_t cpu;
};

struct dat_reader {
	struct dat_file file;
	struct dat_event *events; /* by id */
	struct dat_field type, pid; /* of every record */
	struct dat_stream *streams;
	struct dat_stream **heap; /* by time, the earliest first */
	size_t n;
	int (*event)(void *arg, const struct event *ev);
	tracedat_progress progress;
	void *arg;
	struct decode_counts counts;
	int32_t last_pid;
	struct slice last_task;
	struct decoder *logs; /* of the kernel log's messages in it; NULL until the first one */
};

/*
 * The value of @name in a record that is text. Between the two stands what the kernel's option "fields" writes, trace-cmd report -R, perf
 * trace or babeltrace: "iova=0x1000 (4096)", "iova: 4096, ", "iova = 4096, ".
 */
static bool text_value(struct slice rec, const char *name, struct slice *ret)
{
	struct scan s = scan_of(rec);
	size_t n = strlen(name);

	while (scan_past_bytes(&s, name, n)) {
		struct scan t = s;

		if (s.p - n > rec.p && !is_blank(s.p[-(ptrdiff_t)n - 1]) && s.p[-(ptrdiff_t)n - 1] != '(')
			continue;
		scan_blanks(&t);
		if (!scan_char(&t, '=') && !scan_char(&t, ':'))
			continue;
		if (!scan_word(&t, ret))
			return false;
		while (ret->n && (ret->p[ret->n - 1] == ',' || ret->p[ret->n - 1] == ')'))
			ret->n--;
		if (ret->n > 1 && *ret->p == '"' && ret->p[ret->n - 1] == '"')
			*ret = (struct slice){ ret->p + 1, ret->n - 2 };
		return ret->n > 0;
	}
	return false;
}

/* All of the value is the number: what is not, as "3D0x10" in a mail's source, is none. */
static bool text_number(struct slice rec, const char *name, uint64_t *ret)
{
	struct slice value;
	struct scan s;

	if (!text_value(rec, name, &value))
		return false;
	s = scan_of(value);
	return (slice_starts(value, "0x") ? scan_hex(&s, ret) : scan_dec(&s, ret)) && !scan_left(&s);
}

static bool has_field(const struct dat_event *d, struct slice rec, int i)
{
	struct slice value;

	return d->file ? d->fields[i].size : d->known->fields[i] && text_value(rec, d->known->fields[i], &value);
}

static uint64_t number(const struct dat_event *d, struct slice rec, int i)
{
	const struct dat_field *f = &d->fields[i];
	uint64_t v;

	if (!d->file)
		return text_number(rec, d->known->fields[i], &v) ? v : 0;
	if (!f->size || f->offset > rec.n || f->size > rec.n - f->offset)
		return 0;
	return dat_number(d->file, rec.p + f->offset, f->size);
}

/* A __data_loc string: its offset and length in one word. */
static struct slice text(const struct dat_event *d, struct slice rec, int i)
{
	uint32_t loc, offset, len;
	struct slice value;

	if (!d->file)
		return text_value(rec, d->known->fields[i], &value) ? value : (struct slice){ 0 };
	loc = (uint32_t)number(d, rec, i);
	offset = loc & 0xffff;
	len = loc >> 16;
	if (!len || offset > rec.n || len > rec.n - offset)
		return (struct slice){ 0 };
	return (struct slice){ rec.p + offset, strnlen(rec.p + offset, len) };
}

static void set_device(struct event *ev, struct slice name)
{
	ev->device = name;
	if (name.n)
		ev->has |= HAS_SEGMENT;
}

static bool parse_map(const struct dat_event *d, struct slice rec, struct event *ev)
{
	ev->addr = number(d, rec, 0);
	ev->size = number(d, rec, 1);
	ev->has |= HAS_ADDR | HAS_SIZE;
	if (ev->kind == EVENT_MAP) {
		ev->paddr = number(d, rec, 2);
		ev->has |= HAS_PADDR;
	} else {
		ev->done = number(d, rec, 2);
		ev->has |= HAS_DONE;
	}
	return true;
}

static bool parse_page_fault(const struct dat_event *d, struct slice rec, struct event *ev)
{
	ev->fault = (struct fault_info){ .kind = FAULT_DMA };
	set_device(ev, text(d, rec, 0));
	ev->driver = text(d, rec, 1);
	ev->addr = number(d, rec, 2);
	ev->has |= HAS_ADDR;
	ev->access = number(d, rec, 3) & 1 ? ACCESS_WRITE : ACCESS_READ;
	return true;
}

static bool parse_device(const struct dat_event *d, struct slice rec, struct event *ev)
{
	set_device(ev, text(d, rec, 0));
	if (has_field(d, rec, 1)) {
		ev->group = (uint32_t)number(d, rec, 1);
		ev->has |= HAS_GROUP;
	}
	return true;
}

static bool parse_qi(const struct dat_event *d, struct slice rec, struct event *ev)
{
	uint64_t qw[4];

	for (int i = 0; i < 4; i++)
		qw[i] = number(d, rec, i);
	ev->unit = text(d, rec, 4);
	qi_decode(qw, ev);
	return true;
}

static bool parse_prq(const struct dat_event *d, struct slice rec, struct event *ev)
{
	uint64_t dw[4];

	for (int i = 0; i < 4; i++)
		dw[i] = number(d, rec, i);
	ev->unit = text(d, rec, 4);
	set_device(ev, text(d, rec, 5));
	if (!prq_decode(dw, ev))
		return false;
	ev->page.seq = number(d, rec, 6);
	ev->page.has_seq = true;
	return true;
}

/* enum cache_tag_type of drivers/iommu/intel/iommu.h */
enum { TAG_IOTLB, TAG_DEVTLB, TAG_NESTING_IOTLB, TAG_NESTING_DEVTLB };

static bool parse_tag(const struct dat_event *d, struct slice rec, struct event *ev)
{
	uint64_t type = number(d, rec, 2), start = 0, end = 0;
	bool range = has_field(d, rec, 5);

	ev->vendor = VENDOR_VTD;
	ev->unit = text(d, rec, 0);
	set_device(ev, text(d, rec, 1));
	if (slice_eq_bytes(ev->device, ev->unit.p ?: "", ev->unit.n))
		ev->device = (struct slice){ 0 };
	ev->inval = (struct inval_info){
		.kind = type == TAG_DEVTLB || type == TAG_NESTING_DEVTLB ? INVAL_DEVTLB : INVAL_IOTLB,
		.nested = type >= TAG_NESTING_IOTLB,
		.scope = range ? EXTENT_RANGE : EXTENT_DOMAIN,
	};
	ev->inval.not_present = strends(d->known->name, "_np");
	ev->domain = (uint32_t)number(d, rec, 3);
	ev->pasid = (uint32_t)number(d, rec, 4);
	ev->has |= HAS_DOMAIN | HAS_PASID;
	if (range) {
		start = number(d, rec, 5);
		end = number(d, rec, 6);
	}
	if (!range || end < start)
		return true;
	ev->addr = start;
	ev->size = end - start + 1;
	ev->has |= HAS_ADDR | HAS_SIZE;
	return true;
}

#define TAG_FIELDS "iommu", "dev", "type", "domain_id", "pasid"

static const struct dat_known known_events[] = {
	{ "iommu", "map", parse_map, EVENT_MAP, { "iova", "size", "paddr" } },
	{ "iommu", "unmap", parse_map, EVENT_UNMAP, { "iova", "size", "unmapped_size" } },
	{ "iommu", "io_page_fault", parse_page_fault, EVENT_FAULT, { "device", "driver", "iova", "flags" } },
	{ "iommu", "attach_device_to_domain", parse_device, EVENT_ATTACH, { "device" } },
	{ "iommu", "detach_device_from_domain", parse_device, EVENT_DETACH, { "device" } },
	{ "iommu", "add_device_to_group", parse_device, EVENT_GROUP_ADD, { "device", "gid" } },
	{ "iommu", "remove_device_from_group", parse_device, EVENT_GROUP_REMOVE, { "device", "gid" } },
	{ "printk", "console", NULL, EVENT_NONE, { "msg" } }, /* a message of the kernel log */
	{ "intel_iommu", "qi_submit", parse_qi, EVENT_INVALIDATE, { "qw0", "qw1", "qw2", "qw3", "iommu" } },
	{ "intel_iommu", "prq_report", parse_prq, EVENT_PAGE_REQUEST, { "dw0", "dw1", "dw2", "dw3", "iommu", "dev", "seq" } },
	{ "intel_iommu", "cache_tag_assign", parse_tag, EVENT_TAG_ASSIGN, { TAG_FIELDS } },
	{ "intel_iommu", "cache_tag_unassign", parse_tag, EVENT_TAG_UNASSIGN, { TAG_FIELDS } },
	{ "intel_iommu", "cache_tag_flush_all", parse_tag, EVENT_FLUSH, { TAG_FIELDS } },
	{ "intel_iommu", "cache_tag_flush_range", parse_tag, EVENT_FLUSH, { TAG_FIELDS, "start", "end" } },
	{ "intel_iommu", "cache_tag_flush_range_np", parse_tag, EVENT_FLUSH, { TAG_FIELDS, "start", "end" } },
};

static bool is_text_field(const char *name)
{
	return streq(name, "device") || streq(name, "driver") || streq(name, "iommu") || streq(name, "dev");
}

enum line_result fields_event(struct slice name, struct slice text, struct event *ev)
{
	struct dat_event d = { 0 };
	struct slice value;
	uint64_t v;

	for (size_t i = 0; !d.known && i < ARRAY_SIZE(known_events); i++)
		if (known_events[i].parse && slice_eq_bytes(name, known_events[i].name, strlen(known_events[i].name)))
			d.known = &known_events[i];
	if (!d.known)
		return LINE_OTHER;
	for (size_t i = 0; i < FIELDS_MAX && d.known->fields[i]; i++)
		if (is_text_field(d.known->fields[i]) ? !text_value(text, d.known->fields[i], &value) :
							!text_number(text, d.known->fields[i], &v))
			return LINE_OTHER;
	ev->kind = d.known->kind;
	return d.known->parse(&d, text, ev) ? LINE_EVENT : LINE_BAD;
}

/* -- what the file describes ------------------------------------------------------------------------------------------------- */

static void learn_event(struct dat_reader *r, const struct dat_format *f)
{
	struct dat_event *d = &r->events[f->id];

	d->file = &r->file;
	if (!r->type.size && (!dat_find_field(f->text, "common_type", &r->type) || !dat_find_field(f->text, "common_pid", &r->pid)))
		r->type.size = 0;
	for (size_t i = 0; !d->known && i < ARRAY_SIZE(known_events); i++)
		if (streq(f->system, known_events[i].system) && streq(f->name, known_events[i].name))
			d->known = &known_events[i];
	for (size_t i = 0; d->known && i < FIELDS_MAX && d->known->fields[i]; i++)
		if (!dat_find_field(f->text, d->known->fields[i], &d->fields[i]))
			d->fields[i].size = 0;
}

static void learn(struct dat_reader *r)
{
	r->events = must_calloc(EVENT_IDS, sizeof(*r->events));
	for (size_t i = 0; i < r->file.formats.n; i++)
		learn_event(r, &r->file.formats.v[i]);
}

/* -- processors merged -------------------------------------------------------------------------------------------------------- */

static void sift_down(struct dat_reader *r, size_t i)
{
	for (;;) {
		size_t least = i, child = 2 * i + 1;
		struct dat_stream *tmp;

		for (size_t c = child; c < child + 2 && c < r->n; c++)
			if (r->heap[c]->rec.time_ns < r->heap[least]->rec.time_ns)
				least = c;
		if (least == i)
			return;
		tmp = r->heap[i];
		r->heap[i] = r->heap[least];
		r->heap[least] = tmp;
		i = least;
	}
}

static void open_streams(struct dat_reader *r)
{
	size_t n = r->file.parts.n;

	r->streams = calloc(n + 1, sizeof(*r->streams));
	r->heap = calloc(n + 1, sizeof(*r->heap));
	if (!r->streams || !r->heap)
		out_of_memory();
	for (size_t i = 0; i < n; i++) {
		struct dat_stream *s = &r->streams[i];

		s->cpu = r->file.parts.v[i].cpu;
		dat_cursor_open(&s->cursor, &r->file, &r->file.parts.v[i]);
		if (dat_cursor_next(&s->cursor, &s->rec))
			r->heap[r->n++] = s;
	}
	for (size_t i = r->n; i-- > 0;)
		sift_down(r, i);
}

static void advance(struct dat_reader *r)
{
	if (!dat_cursor_next(&r->heap[0]->cursor, &r->heap[0]->rec))
		r->heap[0] = r->heap[--r->n];
	sift_down(r, 0);
}

/* -- records ------------------------------------------------------------------------------------------------------------------ */

static uint32_t common(const struct dat_reader *r, struct slice rec, const struct dat_field *f)
{
	if (f->offset > rec.n || f->size > rec.n - f->offset || (f->size != 2 && f->size != 4))
		return UINT32_MAX;
	return (uint32_t)dat_number(&r->file, rec.p + f->offset, f->size);
}

static void set_task(struct dat_reader *r, struct slice rec, struct event *ev)
{
	ev->pid = (int32_t)common(r, rec, &r->pid);
	if (ev->pid < 0)
		return;
	ev->has |= HAS_PID;
	if (ev->pid != r->last_pid) {
		r->last_pid = ev->pid;
		r->last_task = ev->pid ? dat_task(&r->file, ev->pid) : SLICE("<idle>");
	}
	ev->task = r->last_task;
}

static void start_event(const struct dat_reader *r, const struct dat_stream *s, enum event_kind kind, struct event *ev)
{
	*ev = (struct event){ .kind = kind, .line = r->counts.lines, .cpu = s->cpu, .time_ns = s->rec.time_ns,
			      .has = HAS_TIME | (s->cpu >= 0 ? HAS_CPU : 0) };
}

static int hand_out(void *arg, const struct event *ev)
{
	struct dat_reader *r = arg;

	r->counts.events++;
	return r->event(r->arg, ev);
}

/* What the log began to say before comes first. */
static int put(struct dat_reader *r, const struct event *ev)
{
	int ret = r->logs ? decoder_flush(r->logs) : 0;

	return ret ?: hand_out(r, ev);
}

static int put_message(struct dat_reader *r, const struct dat_stream *s, struct slice message)
{
	static const struct decode_sink sink = { .event = hand_out };
	uint64_t undecoded;
	int ret;

	if (!r->logs)
		r->logs = decoder_new(&sink, r);
	undecoded = decoder_counts(r->logs)->undecoded;
	while (message.n && message.p[message.n - 1] == '\n')
		message.n--;
	ret = decoder_message(r->logs, message, r->counts.lines, s->rec.time_ns);
	r->counts.undecoded += decoder_counts(r->logs)->undecoded - undecoded;
	return ret;
}

static int put_lost(struct dat_reader *r, const struct dat_stream *s)
{
	struct event ev;

	start_event(r, s, EVENT_LOST, &ev);
	ev.lost = s->rec.n_lost;
	r->counts.lost += MAX(ev.lost, (uint64_t)1);
	return put(r, &ev);
}

static int take_record(struct dat_reader *r, const struct dat_stream *s)
{
	const struct dat_event *d;
	struct event ev;
	uint32_t id;
	int ret;

	r->counts.lines++;
	ret = s->rec.lost ? put_lost(r, s) : 0;
	if (ret)
		return ret;
	id = common(r, s->rec.data, &r->type);
	d = id < EVENT_IDS ? &r->events[id] : NULL;
	if (!d || !d->known)
		return 0;
	if (!d->known->parse)
		return put_message(r, s, text(d, s->rec.data, 0));
	start_event(r, s, d->known->kind, &ev);
	set_task(r, s->rec.data, &ev);
	if (d->known->parse(d, s->rec.data, &ev))
		return put(r, &ev);
	r->counts.undecoded++;
	return 0;
}

/* -- the file ----------------------------------------------------------------------------------------------------------------- */

/* What is damaged is named once for the file; the events before it were handed out. */
static void note_damage(struct ctx *ctx, struct dat_reader *r, const char *file)
{
	const char *damage = NULL;

	if (r->file.cut)
		ctx_warn(ctx, "cut-short", 0, file, "%s: is cut short: %s is missing", file, r->file.cut);
	for (size_t i = 0; i < r->file.parts.n && !damage; i++)
		damage = r->streams[i].cursor.damage;
	r->counts.damaged = damage || r->file.cut;
	if (damage && !r->file.cut)
		ctx_warn(ctx, "cut-short", 0, file, "%s: is damaged: %s", file, damage);
}

/* Records between two reports. */
#define PROGRESS_RECORDS 16384

static void report_progress(const struct dat_reader *r)
{
	uint64_t done = 0, size = 0;

	if (!r->progress || r->counts.lines % PROGRESS_RECORDS)
		return;
	for (size_t i = 0; i < r->file.parts.n; i++) {
		done += r->streams[i].cursor.next - r->file.parts.v[i].offset;
		size += r->file.parts.v[i].size;
	}
	r->progress(r->arg, done, size);
}

static int read_all(struct ctx *ctx, struct dat_reader *r, const char *file)
{
	int ret = 0;

	learn(r);
	open_streams(r);
	while (ret == 0 && r->n) {
		ret = take_record(r, r->heap[0]);
		advance(r);
		report_progress(r);
	}
	if (!ret && r->logs)
		ret = decoder_flush(r->logs);
	decoder_free(r->logs);
	note_damage(ctx, r, file);
	for (size_t i = 0; i < r->file.parts.n; i++)
		dat_cursor_close(&r->streams[i].cursor);
	free(r->streams);
	free(r->heap);
	free(r->events);
	return ret;
}

int tracedat_read_fd(struct ctx *ctx, int fd, const char *name, int (*event)(void *arg, const struct event *ev),
		     tracedat_progress progress, void *arg, struct decode_counts *ret_counts)
{
	struct dat_reader r = { .event = event, .progress = progress, .arg = arg, .last_pid = -1 };
	const char *why;
	int ret = dat_open(fd, &r.file, &why);

	if (ret == -EBADMSG || ret == -EOPNOTSUPP)
		return ctx_error(ctx, NOTE(.code = "trace-dat", .err = -ret, .where = name, .why = why), "%s, a trace.dat", name);
	if (ret < 0)
		return ctx_cannot_read(ctx, -ret, name);
	ret = read_all(ctx, &r, name);
	dat_close(&r.file);
	*ret_counts = r.counts;
	return ret;
}

int tracedat_read(struct ctx *ctx, const char *file, int (*event)(void *arg, const struct event *ev), tracedat_progress progress,
		  void *arg, struct decode_counts *ret_counts)
{
	_cleanup_close_ int fd = -1;

	if (streq(file, "-"))
		return ctx_error(ctx, NOTE(.code = "pipe", .err = ESPIPE, .why = "a trace.dat cannot be read from a pipe", .where = "stdin",
					   .hint = "give the file, or: trace-cmd report FILE | iommuctl trace stat -"), "stdin");
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return ctx_cannot_read(ctx, errno, file);
	return tracedat_read_fd(ctx, fd, file, event, progress, arg, ret_counts);
}
