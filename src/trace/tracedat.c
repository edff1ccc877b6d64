// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/tracedat.h"

#include <errno.h>

#include "base/str.h"

#ifndef HAVE_TRACECMD

int tracedat_read(struct ctx *ctx, const char *file, int (*event)(void *arg, const struct event *ev), void *arg,
		  struct decode_counts *ret_counts)
{
	(void)event;
	(void)arg;
	(void)ret_counts;
	return ctx_error(ctx,
			 NOTE(.code = "no-tracecmd", .err = EOPNOTSUPP, .where = file,
			      .why = "is a trace.dat, and this build has no libtracecmd",
			      .hint = "trace-cmd report FILE | iommuctl trace stat -"),
			 "%s", file);
}

#else

#include <trace-cmd.h>

#include "trace/hw.h"

/* The fields of an event of ours, found by name in the file's own description. */
#define FIELDS_MAX 8

struct dat_event;
typedef bool (*dat_parser)(const struct dat_event *d, const struct tep_record *rec, struct event *ev);

struct dat_format {
	const char *system, *name;
	dat_parser parse;
	enum event_kind kind;
	const char *fields[FIELDS_MAX];
};

struct dat_event {
	const struct dat_format *format; /* NULL: none of ours */
	const struct tep_format_field *fields[FIELDS_MAX];
	bool known; /* looked up */
};

struct dat_reader {
	struct tep_handle *tep;
	struct dat_event *events; /* by event id */
	int (*event)(void *arg, const struct event *ev);
	void *arg;
	struct decode_counts counts;
	int err, last_pid;
	struct slice last_task;
};

#define EVENT_IDS 65536

static uint64_t number(const struct dat_event *d, const struct tep_record *rec, int i)
{
	const struct tep_format_field *f = d->fields[i];
	const char *p = rec->data;
	uint64_t v64;
	uint32_t v32;
	uint16_t v16;

	if (!f || f->offset < 0 || f->size < 0 || f->offset + f->size > rec->size)
		return 0;
	p += f->offset;
	switch (f->size) {
	case 8:
		memcpy(&v64, p, 8);
		return v64;
	case 4:
		memcpy(&v32, p, 4);
		return v32;
	case 2:
		memcpy(&v16, p, 2);
		return v16;
	}
	return f->size == 1 ? (unsigned char)*p : 0;
}

/* A __data_loc string: its offset and length in one word. */
static struct slice text(const struct dat_event *d, const struct tep_record *rec, int i)
{
	uint32_t loc = (uint32_t)number(d, rec, i), offset = loc & 0xffff, len = loc >> 16;

	if (!d->fields[i] || !len || (int)(offset + len) > rec->size)
		return (struct slice){ 0 };
	return (struct slice){ (const char *)rec->data + offset, strnlen((const char *)rec->data + offset, len) };
}

static void set_device(struct event *ev, struct slice name)
{
	ev->device = name;
	if (name.n)
		ev->has |= HAS_SEGMENT;
}

static bool parse_map(const struct dat_event *d, const struct tep_record *rec, struct event *ev)
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

static bool parse_page_fault(const struct dat_event *d, const struct tep_record *rec, struct event *ev)
{
	ev->fault = (struct fault_info){ .kind = FAULT_DMA };
	set_device(ev, text(d, rec, 0));
	ev->driver = text(d, rec, 1);
	ev->addr = number(d, rec, 2);
	ev->has |= HAS_ADDR;
	ev->access = number(d, rec, 3) & 1 ? ACCESS_WRITE : ACCESS_READ;
	return true;
}

static bool parse_device(const struct dat_event *d, const struct tep_record *rec, struct event *ev)
{
	set_device(ev, text(d, rec, 0));
	if (d->fields[1]) {
		ev->group = (uint32_t)number(d, rec, 1);
		ev->has |= HAS_GROUP;
	}
	return true;
}

static bool parse_qi(const struct dat_event *d, const struct tep_record *rec, struct event *ev)
{
	uint64_t qw[4];

	for (int i = 0; i < 4; i++)
		qw[i] = number(d, rec, i);
	ev->unit = text(d, rec, 4);
	qi_decode(qw, ev);
	return true;
}

static bool parse_prq(const struct dat_event *d, const struct tep_record *rec, struct event *ev)
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

static bool parse_tag(const struct dat_event *d, const struct tep_record *rec, struct event *ev)
{
	uint64_t type = number(d, rec, 2), start = number(d, rec, 5), end = number(d, rec, 6);

	ev->vendor = VENDOR_VTD;
	ev->unit = text(d, rec, 0);
	set_device(ev, text(d, rec, 1));
	if (slice_eq_bytes(ev->device, ev->unit.p ?: "", ev->unit.n))
		ev->device = (struct slice){ 0 };
	ev->inval = (struct inval_info){
		.kind = type == TAG_DEVTLB || type == TAG_NESTING_DEVTLB ? INVAL_DEVTLB : INVAL_IOTLB,
		.nested = type >= TAG_NESTING_IOTLB,
		.scope = d->fields[5] ? EXTENT_RANGE : EXTENT_DOMAIN,
	};
	ev->inval.not_present = strends(d->format->name, "_np");
	ev->domain = (uint32_t)number(d, rec, 3);
	ev->pasid = (uint32_t)number(d, rec, 4);
	ev->has |= HAS_DOMAIN | HAS_PASID;
	if (!d->fields[5] || end < start)
		return true;
	ev->addr = start;
	ev->size = end - start + 1;
	ev->has |= HAS_ADDR | HAS_SIZE;
	return true;
}

#define TAG_FIELDS "iommu", "dev", "type", "domain_id", "pasid"

static const struct dat_format formats[] = {
	{ "iommu", "map", parse_map, EVENT_MAP, { "iova", "size", "paddr" } },
	{ "iommu", "unmap", parse_map, EVENT_UNMAP, { "iova", "size", "unmapped_size" } },
	{ "iommu", "io_page_fault", parse_page_fault, EVENT_FAULT, { "device", "driver", "iova", "flags" } },
	{ "iommu", "attach_device_to_domain", parse_device, EVENT_ATTACH, { "device" } },
	{ "iommu", "detach_device_from_domain", parse_device, EVENT_DETACH, { "device" } },
	{ "iommu", "add_device_to_group", parse_device, EVENT_GROUP_ADD, { "device", "gid" } },
	{ "iommu", "remove_device_from_group", parse_device, EVENT_GROUP_REMOVE, { "device", "gid" } },
	{ "intel_iommu", "qi_submit", parse_qi, EVENT_INVALIDATE, { "qw0", "qw1", "qw2", "qw3", "iommu" } },
	{ "intel_iommu", "prq_report", parse_prq, EVENT_PAGE_REQUEST, { "dw0", "dw1", "dw2", "dw3", "iommu", "dev", "seq" } },
	{ "intel_iommu", "cache_tag_assign", parse_tag, EVENT_TAG_ASSIGN, { TAG_FIELDS } },
	{ "intel_iommu", "cache_tag_unassign", parse_tag, EVENT_TAG_UNASSIGN, { TAG_FIELDS } },
	{ "intel_iommu", "cache_tag_flush_all", parse_tag, EVENT_FLUSH, { TAG_FIELDS } },
	{ "intel_iommu", "cache_tag_flush_range", parse_tag, EVENT_FLUSH, { TAG_FIELDS, "start", "end" } },
	{ "intel_iommu", "cache_tag_flush_range_np", parse_tag, EVENT_FLUSH, { TAG_FIELDS, "start", "end" } },
};

/* How the file describes the event with this id; remembered. */
static const struct dat_event *find_event(struct dat_reader *r, int id)
{
	struct dat_event *d;
	struct tep_event *e;

	if (id < 0 || id >= EVENT_IDS)
		return NULL;
	d = &r->events[id];
	if (d->known)
		return d->format ? d : NULL;
	d->known = true;
	e = tep_find_event(r->tep, id);
	for (size_t i = 0; e && !d->format && i < ARRAY_SIZE(formats); i++)
		if (streq(e->system, formats[i].system) && streq(e->name, formats[i].name))
			d->format = &formats[i];
	for (size_t i = 0; d->format && i < FIELDS_MAX && d->format->fields[i]; i++)
		d->fields[i] = tep_find_field(e, d->format->fields[i]);
	return d->format ? d : NULL;
}

static void set_task(struct dat_reader *r, struct tep_record *rec, struct event *ev)
{
	ev->pid = tep_data_pid(r->tep, rec);
	ev->has |= HAS_PID;
	if (ev->pid != r->last_pid || !r->last_task.p) {
		r->last_pid = ev->pid;
		r->last_task.p = tep_data_comm_from_pid(r->tep, ev->pid);
		r->last_task.n = r->last_task.p ? strlen(r->last_task.p) : 0;
	}
	ev->task = r->last_task;
}

static int put(struct dat_reader *r, const struct event *ev)
{
	r->counts.events++;
	r->err = r->event(r->arg, ev);
	return r->err;
}

static int put_lost(struct dat_reader *r, const struct tep_record *rec)
{
	struct event ev = { .kind = EVENT_LOST, .line = r->counts.lines, .cpu = rec->cpu, .time_ns = rec->ts,
			    .has = HAS_CPU | HAS_TIME };

	/* -1: some, nobody knows how many */
	ev.lost = rec->missed_events > 0 ? (uint64_t)rec->missed_events : 0;
	r->counts.lost += MAX(ev.lost, (uint64_t)1);
	return put(r, &ev);
}

static int on_record(struct tracecmd_input *handle, struct tep_record *rec, int cpu, void *arg)
{
	struct dat_reader *r = arg;
	const struct dat_event *d;
	struct event ev;

	(void)handle;
	r->counts.lines++;
	if (rec->missed_events && put_lost(r, rec))
		return r->err;
	d = find_event(r, tep_data_type(r->tep, rec));
	if (!d)
		return 0;
	ev = (struct event){ .kind = d->format->kind, .line = r->counts.lines, .cpu = cpu, .time_ns = rec->ts,
			     .has = HAS_CPU | HAS_TIME };
	set_task(r, rec, &ev);
	if (d->format->parse(d, rec, &ev))
		return put(r, &ev);
	r->counts.undecoded++;
	return 0;
}

/* libtracecmd finds out about its plugins and speaks on stderr unless told not to. */
static struct tracecmd_input *open_dat(const char *file)
{
	tracecmd_set_loglevel(TEP_LOG_NONE);
	tep_set_loglevel(TEP_LOG_NONE);
	errno = 0;
	return tracecmd_open(file, TRACECMD_FL_LOAD_NO_PLUGINS);
}

int tracedat_read(struct ctx *ctx, const char *file, int (*event)(void *arg, const struct event *ev), void *arg,
		  struct decode_counts *ret_counts)
{
	struct dat_reader r = { .event = event, .arg = arg, .last_pid = -1 };
	struct tracecmd_input *in;
	int ret;

	if (streq(file, "-"))
		return ctx_error(ctx, NOTE(.code = "pipe", .err = ESPIPE, .why = "a trace.dat cannot be read from a pipe", .where = "stdin",
					   .hint = "give the file, or: trace-cmd report FILE | iommuctl trace stat -"), "stdin");
	in = open_dat(file);
	if (!in)
		return ctx_error(ctx, NOTE(.code = "trace-dat", .err = EBADMSG, .where = file, .why = "is no trace.dat that libtracecmd can "
					   "open: cut short, damaged, or of another version"), "%s", file);
	r.tep = tracecmd_get_tep(in);
	r.events = calloc(EVENT_IDS, sizeof(*r.events));
	if (!r.events)
		abort();
	ret = tracecmd_iterate_events(in, NULL, 0, on_record, &r);
	free(r.events);
	tracecmd_close(in);
	*ret_counts = r.counts;
	if (r.err)
		return r.err;
	if (ret < 0)
		ctx_warn(ctx, "cut-short", 0, file, "%s: ends before its last record: cut short or damaged", file);
	return 0;
}

#endif
