// SPDX-License-Identifier: GPL-2.0-or-later
/* trace decode | stat | convert */
#include "cmd/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd/output.h"
#include "cmd/trace-input.h"
#include "cmd/trace-record.h"
#include "trace/jsonl.h"

/* -- decode ---------------------------------------------------------------------------------------------- */

struct place_row {
	const char *file;
	struct num line;
};

/* An event as a record; what is not known is null. */
struct event_row {
	const char *kind;
	struct num time_ns;
	const char *stamp;
	struct num cpu;
	const char *task;
	struct num pid;
	const char *vendor, *unit, *device, *driver;
	struct num source_id, group, domain, domain_object, pasid, address, size, physical, unmapped;
	const char *access, *fault;
	struct num code, flags, index;
	const char *text, *detail;
	int overflowed, stalled, code_doubtful, reason_doubtful;
	const char *cache, *scope;
	int leaf, nested, not_present;
	struct num prgi;
	int last, core;
	struct num seq, response, lost;
	const struct place_row *at;
};

static const struct field place_fields[] = {
	FIELD(struct place_row, file, F_STR, "FILE", "file that was read"),
	FIELD(struct place_row, line, F_INT, "LINE", "line in it, or number of the record", .flags = FIELD_DEFAULT | FIELD_RIGHT),
};

static const struct record_type place_type = RECORD("trace.place", 1, struct place_row, place_fields);

static const struct field event_fields[] = {
	FIELD(struct event_row, kind, F_STR, "KIND",
	      "attach, attached, detach, group-add, group-remove, map, unmap, fault, page-request, page-response, invalidate, flush, "
	      "tag-assign, tag-unassign, vevent, lost", .flags = FIELD_DEFAULT),
	FIELD(struct event_row, time_ns, F_INT, "TIME", "since boot, by the recorder's clock", .unit = "nanoseconds",
	      .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct event_row, stamp, F_STR, "STAMP", "the log's own date"),
	FIELD(struct event_row, cpu, F_INT, "CPU", "processor", .flags = FIELD_RIGHT),
	FIELD(struct event_row, task, F_STR, "TASK", "task that ran", .flags = FIELD_DEFAULT),
	FIELD(struct event_row, pid, F_INT, "PID", "its id", .flags = FIELD_RIGHT),
	FIELD(struct event_row, vendor, F_STR, "VENDOR", "vt-d, amd-vi, smmuv2, smmuv3, virtio, riscv; of others the name of the chip's maker or driver"),
	FIELD(struct event_row, unit, F_STR, "UNIT", "IOMMU unit", .flags = FIELD_DEFAULT),
	FIELD(struct event_row, device, F_STR, "DEVICE", "device; without a PCI segment where there was none", .flags = FIELD_DEFAULT),
	FIELD(struct event_row, driver, F_STR, "DRIVER", "its driver"),
	FIELD(struct event_row, source_id, F_HEX, "SOURCE", "requester, stream or endpoint id"),
	FIELD(struct event_row, group, F_INT, "GROUP", "IOMMU group"),
	FIELD(struct event_row, domain, F_INT, "DOMAIN", "domain id of the hardware", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct event_row, domain_object, F_INT, "OBJECT", "number of the kernel's domain, from trace record --domains"),
	FIELD(struct event_row, pasid, F_INT, "PASID", "address space"),
	FIELD(struct event_row, address, F_HEX, "ADDRESS", "DMA address; of an interrupt entry: its index",
	      .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct event_row, size, F_INT, "SIZE", "from the address on", .unit = "bytes", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct event_row, physical, F_HEX, "PHYSICAL", "physical address that is mapped"),
	FIELD(struct event_row, unmapped, F_INT, "UNMAPPED", "what an unmap really unmapped", .unit = "bytes"),
	FIELD(struct event_row, access, F_STR, "ACCESS", "read, write, execute, ..."),
	FIELD(struct event_row, fault, F_STR, "FAULT",
	      "of a fault: dma, interrupt, configuration, command, invalidation, page-request, global"),
	FIELD(struct event_row, code, F_HEX, "CODE", "the vendor's number of the reason"),
	FIELD(struct event_row, flags, F_HEX, "FLAGS", "the vendor's flags of the fault"),
	FIELD(struct event_row, index, F_HEX, "INDEX", "of the interrupt remapping entry"),
	FIELD(struct event_row, text, F_STR, "TEXT", "the log's words for the reason"),
	FIELD(struct event_row, detail, F_STR, "DETAIL", "what else the log says"),
	FIELD(struct event_row, overflowed, F_BOOL, "OVERFLOWED", "the unit's fault registers had overflowed"),
	FIELD(struct event_row, stalled, F_BOOL, "STALLED", "the transaction waits for an answer"),
	FIELD(struct event_row, code_doubtful, F_BOOL, "CODE-DOUBTFUL", "the code may have been meant as hex"),
	FIELD(struct event_row, reason_doubtful, F_BOOL, "REASON-DOUBTFUL", "two faults were logged at once: code and text may be the other's"),
	FIELD(struct event_row, cache, F_STR, "CACHE",
	      "of an invalidation: context, iotlb, devtlb, pasid, interrupt, wait, prefetch, other", .flags = FIELD_DEFAULT),
	FIELD(struct event_row, scope, F_STR, "SCOPE", "global, domain, device, pasid, range, unknown", .flags = FIELD_DEFAULT),
	FIELD(struct event_row, leaf, F_BOOL, "LEAF", "only last-level entries"),
	FIELD(struct event_row, nested, F_BOOL, "NESTED", "for a nested domain"),
	FIELD(struct event_row, not_present, F_BOOL, "NOT_PRESENT", "after a map, for entries that were not present"),
	FIELD(struct event_row, prgi, F_INT, "PRGI", "page request group index, or stall tag"),
	FIELD(struct event_row, last, F_BOOL, "LAST", "last page of its group"),
	FIELD(struct event_row, core, F_BOOL, "CORE", "seen by a probe in the kernel's core, not in the unit's queue"),
	FIELD(struct event_row, seq, F_INT, "SEQ", "number of the request"),
	FIELD(struct event_row, response, F_INT, "RESPONSE", "0 success, 1 invalid, 15 failure"),
	FIELD(struct event_row, lost, F_INT, "LOST", "events that the recorder lost here; 0: some"),
	FIELD(struct event_row, at, F_OBJ, "AT", "where it was read", .sub = &place_type),
};

static const struct record_type event_record = RECORD("trace.decode", 1, struct event_row, event_fields);

struct decode_run {
	struct trace_input in;
	bool text;
	struct place_row at;
	char strings[16384]; /* NUL-terminated copies of one event's slices */
	size_t used;
};

/* A copy that lives until the next event; cut when there is no room, which only a hostile line needs. */
static const char *copy(struct decode_run *run, struct slice s)
{
	char *p = run->strings + run->used;
	size_t room = sizeof(run->strings) - run->used;

	if (!s.n || room < 2)
		return NULL;
	s.n = MIN(s.n, room - 1);
	memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	run->used += s.n + 1;
	return p;
}

static struct num known(const struct event *ev, unsigned has, uint64_t v)
{
	return (ev->has & has) ? NUM(v) : NUM_UNKNOWN;
}

static void fill_fault(struct decode_run *run, const struct fault_info *f, struct event_row *r)
{
	r->fault = fault_kind_name(f->kind);
	r->code = f->has_code ? NUM(f->code) : NUM_UNKNOWN;
	r->flags = f->has_flags ? NUM(f->flags) : NUM_UNKNOWN;
	r->index = f->has_index ? NUM(f->index) : NUM_UNKNOWN;
	r->text = copy(run, f->text);
	r->detail = copy(run, f->detail);
	r->overflowed = f->overflowed;
	r->stalled = f->stalled;
	r->code_doubtful = f->code_doubtful;
	r->reason_doubtful = f->reason_doubtful;
}

static void fill_inval(const struct inval_info *v, struct event_row *r)
{
	r->cache = inval_kind_name(v->kind);
	r->scope = inval_scope_name(v->scope);
	r->leaf = v->leaf;
	r->nested = v->nested;
	r->not_present = v->not_present;
}

static void fill_page(const struct event *ev, struct event_row *r)
{
	r->prgi = NUM(ev->page.group);
	r->last = ev->page.last;
	r->core = ev->page.core;
	r->seq = ev->page.has_seq ? NUM(ev->page.seq) : NUM_UNKNOWN;
	r->response = ev->kind == EVENT_PAGE_RESPONSE ? NUM(ev->page.code) : NUM_UNKNOWN;
}

static bool is_inval(const struct event *ev)
{
	return ev->kind == EVENT_INVALIDATE || ev->kind == EVENT_FLUSH || ev->kind == EVENT_TAG_ASSIGN ||
	       ev->kind == EVENT_TAG_UNASSIGN;
}

static void fill_row(struct decode_run *run, const struct event *ev, struct event_row *r)
{
	run->used = 0;
	run->at = (struct place_row){ run->in.file, NUM(ev->line) };
	*r = (struct event_row){
		.kind = event_kind_name(ev->kind),
		.time_ns = known(ev, HAS_TIME, ev->time_ns),
		.stamp = copy(run, ev->stamp),
		.cpu = known(ev, HAS_CPU, (uint64_t)ev->cpu),
		.task = copy(run, ev->task),
		.pid = known(ev, HAS_PID, (uint64_t)ev->pid),
		.vendor = vendor_name(ev->vendor),
		.unit = copy(run, ev->unit),
		.device = copy(run, ev->device),
		.driver = copy(run, ev->driver),
		.source_id = known(ev, HAS_SOURCE, ev->source_id),
		.group = known(ev, HAS_GROUP, ev->group),
		.domain = known(ev, HAS_DOMAIN, ev->domain),
		.domain_object = known(ev, HAS_DOMAIN_OBJECT, ev->domain_object),
		.pasid = known(ev, HAS_PASID, ev->pasid),
		.address = known(ev, HAS_ADDR, ev->addr),
		.size = known(ev, HAS_SIZE, ev->size),
		.physical = known(ev, HAS_PADDR, ev->paddr),
		.unmapped = known(ev, HAS_DONE, ev->done),
		.access = access_name(ev->access),
		.overflowed = TRI_UNKNOWN,
		.stalled = TRI_UNKNOWN,
		.code_doubtful = TRI_UNKNOWN,
		.reason_doubtful = TRI_UNKNOWN,
		.leaf = TRI_UNKNOWN,
		.nested = TRI_UNKNOWN,
		.not_present = TRI_UNKNOWN,
		.last = TRI_UNKNOWN,
		.core = TRI_UNKNOWN,
		.at = &run->at,
	};
	if (ev->kind == EVENT_FAULT)
		fill_fault(run, &ev->fault, r);
	else if (is_inval(ev))
		fill_inval(&ev->inval, r);
	else if (ev->kind == EVENT_PAGE_REQUEST || ev->kind == EVENT_PAGE_RESPONSE)
		fill_page(ev, r);
	else if (ev->kind == EVENT_LOST)
		r->lost = NUM(ev->lost);
}

static void text_who(struct strbuf *b, const struct event_row *r)
{
	if (r->unit)
		strbuf_printf(b, " %s", r->unit);
	if (r->device)
		strbuf_printf(b, " %s", r->device);
	else if (r->source_id.known)
		strbuf_printf(b, " id 0x%" PRIx64, (uint64_t)r->source_id.v);
	if (r->group.known)
		strbuf_printf(b, " group %" PRId64, r->group.v);
	if (r->domain.known)
		strbuf_printf(b, " domain %" PRId64, r->domain.v);
	if (r->domain_object.known)
		strbuf_printf(b, " object %" PRId64, r->domain_object.v);
	if (r->pasid.known)
		strbuf_printf(b, " pasid %" PRId64, r->pasid.v);
}

static void text_what(struct strbuf *b, const struct event_row *r)
{
	if (r->cache)
		strbuf_printf(b, " %s %s%s", r->cache, r->scope, r->not_present == TRI_YES ? " not-present" : "");
	if (r->access)
		strbuf_printf(b, " %s", r->access);
	if (r->address.known && r->size.known && r->size.v)
		strbuf_printf(b, " 0x%" PRIx64 "-0x%" PRIx64 " %" PRId64 " bytes", (uint64_t)r->address.v,
			      (uint64_t)r->address.v + ((uint64_t)r->size.v - 1), r->size.v);
	else if (r->address.known)
		strbuf_printf(b, " 0x%" PRIx64, (uint64_t)r->address.v);
	if (r->physical.known)
		strbuf_printf(b, " to 0x%" PRIx64, (uint64_t)r->physical.v);
	if (r->unmapped.known && r->unmapped.v != r->size.v)
		strbuf_printf(b, " of which %" PRId64 " unmapped", r->unmapped.v);
	if (r->prgi.known)
		strbuf_printf(b, " group %" PRId64 "%s", r->prgi.v, r->last == TRI_YES ? " last" : "");
	if (r->response.known)
		strbuf_printf(b, " %s", response_name((uint32_t)r->response.v));
	if (r->code.known)
		strbuf_printf(b, " reason 0x%" PRIx64, (uint64_t)r->code.v);
	if (r->text)
		strbuf_printf(b, " %s", r->text);
	if (r->lost.known && r->lost.v)
		strbuf_printf(b, " %" PRId64 " events", r->lost.v);
}

static void print_event(struct decode_run *run, const struct event_row *r)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	if (r->time_ns.known)
		strbuf_printf(&b, "%6" PRIu64 ".%06" PRIu64, (uint64_t)r->time_ns.v / 1000000000, (uint64_t)r->time_ns.v / 1000 % 1000000);
	else
		strbuf_printf(&b, "%13s", "-");
	if (r->task)
		strbuf_printf(&b, " %16s-%-7" PRId64, r->task, r->pid.v);
	else
		strbuf_printf(&b, " %24s", "");
	strbuf_printf(&b, " %-13s", r->fault && !streq(r->fault, "dma") ? r->fault : r->kind);
	text_who(&b, r);
	text_what(&b, r);
	out_verbatim(run->in.inv->out, "%s", strbuf_str(&b));
}

static int decode_event(void *arg, const struct event *ev)
{
	struct decode_run *run = arg;
	struct event_row row;

	if (out_failed(run->in.inv->out))
		return -EPIPE; /* out_end() says so */
	fill_row(run, ev, &row);
	if (!run->text)
		return out_row(run->in.inv->out, &row);
	print_event(run, &row);
	return 0;
}

static int run_decode(struct invocation *inv)
{
	const struct out_options *opt = out_options(inv->out);
	struct decode_run run = { .text = !opt->json && !opt->raw && !opt->cols };
	int r;

	run.in = (struct trace_input){ .inv = inv, .event = decode_event, .arg = &run, .follow = inv_opt(inv, "follow") };
	if (out_begin(inv->out, &event_record) < 0)
		return EXIT_USAGE;
	r = trace_input_read(&run.in, inv->argv[0]);
	return r < 0 ? r : trace_input_exit(&run.in);
}

/* -- convert --------------------------------------------------------------------------------------------- */

struct convert_run {
	struct trace_input in;
	const char *to; /* NULL: standard output */
	struct strbuf b;
	FILE *f; /* NULL until there is something to write */
};

/* Whatever is in the file stays there until the input was found to be one. */
static int convert_begin(struct convert_run *run)
{
	struct invocation *inv = run->in.inv;
	int r = 0;

	if (run->f)
		return 0;
	if (run->to)
		r = output_open(inv->ctx, run->to, inv->argv[0], &run->f);
	else
		run->f = stdout;
	if (r == 0)
		fputs("{\"schema\":\"iommuctl.trace/1\"}\n", run->f);
	return r;
}

static int convert_event(void *arg, const struct event *ev)
{
	struct convert_run *run = arg;
	int r = convert_begin(run);

	if (r < 0)
		return r;
	event_json(&run->b, ev);
	strbuf_putc(&run->b, '\n');
	if (run->b.len < 1U << 16)
		return 0;
	fwrite(run->b.s, 1, run->b.len, run->f);
	strbuf_reset(&run->b);
	if (!run->to)
		return out_flush(run->in.inv->out); /* out_end() says so */
	return ferror(run->f) ? -EIO : 0;
}

static int write_all(struct convert_run *run, const char *file)
{
	int r = trace_input_read(&run->in, file);

	if (r == 0)
		r = convert_begin(run);
	if (r < 0)
		return r;
	fwrite(strbuf_str(&run->b), 1, run->b.len, run->f);
	fprintf(run->f, "{\"end\":true,\"events\":%" PRIu64 ",\"undecoded\":%" PRIu64 ",\"lost\":%" PRIu64 "}\n",
		run->in.counts.events, run->in.counts.undecoded, run->in.counts.lost);
	return 0;
}

static int run_convert(struct invocation *inv)
{
	const char *to = inv->argc > 1 && !streq(inv->argv[1], "-") ? inv->argv[1] : NULL;
	struct convert_run run = { .to = to };
	int r, written = 0;

	run.in = (struct trace_input){ .inv = inv, .event = convert_event, .arg = &run };
	r = write_all(&run, inv->argv[0]);
	strbuf_free(&run.b);
	if (to && run.f)
		written = output_close(inv->ctx, run.f, to);
	return written < 0 ? written : r < 0 ? r : trace_input_exit(&run.in);
}

/* -- rows ------------------------------------------------------------------------------------------------ */

static const struct arg_row file_args[] = {
	{ .name = "FILE|-", .help = "log or trace to read", .complete = COMPLETE_FILE },
	{ 0 },
};

static const struct arg_row convert_args[] = {
	{ .name = "FILE|-", .help = "log or trace to read", .complete = COMPLETE_FILE },
	{ .name = "OUT|-", .help = "file to write; standard output without it", .complete = COMPLETE_FILE, .optional = true },
	{ 0 },
};

static const struct option_row decode_options[] = {
	{ .short_name = 'f', .name = "follow", .help = "go on reading at the end of FILE, as tail -f does" },
	{ .name = "strict", .help = "fail when a line looks like one of ours and cannot be decoded" },
	{ 0 },
};

static const struct option_row convert_options[] = {
	{ .name = "strict", .help = "fail when a line looks like one of ours and cannot be decoded" },
	{ 0 },
};

static const struct command commands[] = {
	{
		.verb = "decode",
		.summary = "what a trace or log says, one line an event",
		.text = "Reads ftrace text (trace, trace_pipe, trace-cmd report, perf script), trace.dat, kernel logs and iommuctl's own JSON "
			"Lines, told apart by looking and in any mixture. VT-d's invalidation descriptors (qi_submit), page requests and cache "
			"tags are decoded into what they mean.",
		.args = file_args,
		.options = decode_options,
		.record = &event_record,
		.flags = COMMAND_STREAM | COMMAND_NO_SOURCE,
		.run = run_decode,
	},
	{
		.verb = "stat",
		.summary = "what is wrong with a trace, in numbers",
		.text = trace_stat_text,
		.args = file_args,
		.options = trace_stat_options,
		.record = &trace_stat_record,
		.flags = COMMAND_DETAIL | COMMAND_NO_SOURCE,
		.run = trace_stat_run,
	},
	{
		.verb = "record",
		.summary = "record what the IOMMUs of this machine do",
		.text = trace_record_text,
		.args = trace_record_args,
		.options = trace_record_options,
		.record = &trace_record_record,
		.run = trace_record_run,
	},
	{
		.verb = "convert",
		.summary = "write a trace or log as JSON Lines for other programs",
		.text = "One event a line; what is not known is not there. Every iommuctl command that reads traces reads it again.",
		.args = convert_args,
		.options = convert_options,
		.flags = COMMAND_NO_SOURCE,
		.run = run_convert,
	},
};

const struct noun noun_trace = {
	.name = "trace",
	.summary = "traces of mappings, invalidations and page requests",
	.commands = commands,
	.n = ARRAY_SIZE(commands),
};
