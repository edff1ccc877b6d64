// SPDX-License-Identifier: GPL-2.0-or-later
/* trace stat: the numbers as a record; trace-stat-text.c prints them for people. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd/output.h"
#include "cmd/take.h"
#include "cmd/trace-input.h"
#include "cmd/trace-stat.h"
#include "cmd/trace.h"

static const struct field kind_fields[] = {
	FIELD(struct kind_row, kind, F_STR, "KIND", "of event", .flags = FIELD_DEFAULT),
	FIELD(struct kind_row, count, F_INT, "COUNT", "how many", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct kind_row, per_second, F_INT, "PER_SECOND", "on average, rounded; null without times",
	      .flags = FIELD_DEFAULT | FIELD_RIGHT),
};

static const struct record_type kind_type = RECORD("trace.kind", 1, struct kind_row, kind_fields);

static const struct field name_fields[] = {
	FIELD(struct name_row, name, F_STR, "NAME", "of the task, device or domain", .flags = FIELD_DEFAULT),
	FIELD(struct name_row, events, F_INT, "EVENTS", "that name it", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct name_row, per_second, F_INT, "PER_SECOND", "on average, rounded", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct name_row, maps, F_INT, "MAPS", "of these", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct name_row, unmaps, F_INT, "UNMAPS", "of these", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct name_row, invalidations, F_INT, "INVALIDATIONS", "of these", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct name_row, faults, F_INT, "FAULTS", "of these", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct name_row, requests, F_INT, "REQUESTS", "page requests of these", .flags = FIELD_DEFAULT | FIELD_RIGHT),
};

static const struct record_type name_type = RECORD("trace.name", 1, struct name_row, name_fields);

static const struct field size_fields[] = {
	FIELD(struct size_row, bytes, F_INT, "BYTES", "from this size up to twice as much", .unit = "bytes",
	      .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct size_row, maps, F_INT, "MAPS", "of that size", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct size_row, unmaps, F_INT, "UNMAPS", "of that size", .flags = FIELD_DEFAULT | FIELD_RIGHT),
};

static const struct record_type size_type = RECORD("trace.size", 1, struct size_row, size_fields);

static const struct field mapping_fields[] = {
	FIELD(struct mapping_row, mapped_bytes, F_INT, "MAPPED", "by all maps", .unit = "bytes"),
	FIELD(struct mapping_row, unmapped_bytes, F_INT, "UNMAPPED", "by all unmaps", .unit = "bytes"),
	FIELD(struct mapping_row, live_bytes, F_INT, "LIVE", "mapped in the trace and still so at its end, all domains",
	      .unit = "bytes"),
	FIELD(struct mapping_row, live_mappings, F_INT, "LIVE_MAPPINGS", "addresses that are still mapped at the end"),
	FIELD(struct mapping_row, peak_bytes, F_INT, "PEAK", "most that was mapped at one time", .unit = "bytes"),
	FIELD(struct mapping_row, peak_ns, F_INT, "PEAK_TIME", "when that was", .unit = "nanoseconds"),
	FIELD(struct mapping_row, lifetime_p50, F_INT, "LIFETIME_P50", "half of the mappings lived no longer",
	      .unit = "nanoseconds"),
	FIELD(struct mapping_row, lifetime_p99, F_INT, "LIFETIME_P99", "99 of 100 lived no longer", .unit = "nanoseconds"),
	FIELD(struct mapping_row, lifetime_max, F_INT, "LIFETIME_MAX", "longest that ended", .unit = "nanoseconds"),
	FIELD(struct mapping_row, early_unmaps, F_INT, "EARLY_UNMAPS", "of what was not seen to be mapped: before the trace began"),
	FIELD(struct mapping_row, short_unmaps, F_INT, "SHORT_UNMAPS", "that unmapped less than they were asked to"),
	FIELD(struct mapping_row, overlaps, F_INT, "OVERLAPS", "maps of an address that was mapped already, so in another domain"),
	FIELD(struct mapping_row, several_domains, F_BOOL, "SEVERAL_DOMAINS",
	      "more than one domain is at work; null: nothing shows it, and events do not name theirs"),
};

static const struct record_type mapping_type = RECORD("trace.mapping", 1, struct mapping_row, mapping_fields);

static const struct field inval_kind_fields[] = {
	FIELD(struct inval_row, cache, F_STR, "CACHE", "context, iotlb, devtlb, pasid, interrupt, wait, prefetch, other",
	      .flags = FIELD_DEFAULT),
	FIELD(struct inval_row, scope, F_STR, "SCOPE", "global, domain, device, pasid, range, unknown", .flags = FIELD_DEFAULT),
	FIELD(struct inval_row, count, F_INT, "COUNT", "how many", .flags = FIELD_DEFAULT | FIELD_RIGHT),
};

static const struct record_type inval_kind_type = RECORD("trace.invalidation", 1, struct inval_row, inval_kind_fields);

static const struct field efficiency_fields[] = {
	FIELD(struct efficiency_row, commands, F_INT, "COMMANDS", "invalidations, waits not counted"),
	FIELD(struct efficiency_row, waits, F_INT, "WAITS", "for those before them"),
	FIELD(struct efficiency_row, range_bytes, F_INT, "RANGE_BYTES", "that IOTLB invalidations with a range cover", .unit = "bytes"),
	FIELD(struct efficiency_row, wider, F_INT, "WIDER", "IOTLB invalidations of a whole PASID, domain or unit"),
	FIELD(struct efficiency_row, percent_of_unmapped, F_INT, "PERCENT",
	      "bytes flushed, of each 100 unmapped; null when nothing was unmapped or something wider than a range was flushed"),
	FIELD(struct efficiency_row, after_map, F_INT, "AFTER_MAP", "asked for after a map, because the unit caches what is not present"),
	FIELD(struct efficiency_row, redundant, F_INT, "REDUNDANT",
	      "made needless by an earlier one that covers them, with no map or unmap in between: at least so many"),
	FIELD(struct efficiency_row, mergeable, F_INT, "MERGEABLE", "came so soon after another of their unit, domain and cache that one would do"),
	FIELD(struct efficiency_row, window_ns, F_INT, "WINDOW", "what counts as soon", .unit = "nanoseconds"),
	FIELD(struct efficiency_row, kinds, F_LIST, "KINDS", "by cache and scope", .sub = &inval_kind_type),
};

static const struct record_type efficiency_type = RECORD("trace.efficiency", 1, struct efficiency_row, efficiency_fields);

static const struct field request_fields[] = {
	FIELD(struct request_row, requests, F_INT, "REQUESTS", "pages that devices asked for"),
	FIELD(struct request_row, groups, F_INT, "GROUPS", "they came in"),
	FIELD(struct request_row, largest_group, F_INT, "LARGEST", "pages of the largest group"),
	FIELD(struct request_row, responses, F_INT, "RESPONSES", "to groups"),
	FIELD(struct request_row, success, F_INT, "SUCCESS", "of these"),
	FIELD(struct request_row, invalid, F_INT, "INVALID", "of these"),
	FIELD(struct request_row, failure, F_INT, "FAILURE", "of these, with other codes"),
	FIELD(struct request_row, p50, F_INT, "P50", "half of the groups waited no longer, from their first page on", .unit = "nanoseconds"),
	FIELD(struct request_row, p99, F_INT, "P99", "99 of 100 waited no longer", .unit = "nanoseconds"),
	FIELD(struct request_row, max, F_INT, "MAX", "longest wait", .unit = "nanoseconds"),
	FIELD(struct request_row, no_last, F_INT, "NO_LAST", "groups whose last page never came"),
	FIELD(struct request_row, unanswered, F_INT, "UNANSWERED", "complete groups that were never answered"),
	FIELD(struct request_row, answered_twice, F_INT, "TWICE", "responses to a group that was answered already"),
	FIELD(struct request_row, unasked, F_INT, "UNASKED", "responses to groups that were not seen"),
	FIELD(struct request_row, out_of_order, F_INT, "OUT_OF_ORDER", "requests with a lower number than one before, responses before the last page"),
};

static const struct record_type request_type = RECORD("trace.requests", 1, struct request_row, request_fields);

static const struct field late_fields[] = {
	FIELD(struct late_row, device, F_STR, "DEVICE", "that faulted", .flags = FIELD_DEFAULT),
	FIELD(struct late_row, address, F_HEX, "ADDRESS", "of the fault", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct late_row, access, F_STR, "ACCESS", "read, write, ...", .flags = FIELD_DEFAULT),
	FIELD(struct late_row, fault_line, F_INT, "FAULT_LINE", "where the fault was read", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct late_row, unmap_address, F_HEX, "UNMAPPED", "start of what was unmapped", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct late_row, unmap_size, F_INT, "SIZE", "of it", .unit = "bytes", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct late_row, unmap_line, F_INT, "UNMAP_LINE", "where the unmap was read", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct late_row, after_ns, F_INT, "AFTER", "from the unmap to the fault", .unit = "nanoseconds",
	      .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct late_row, certain, F_BOOL, "CERTAIN",
	      "true: the unmap was in the domain that the device is attached to; false: several domains use the same addresses, and it may have "
	      "been in another; null: not known"),
};

static const struct record_type late_type = RECORD("trace.late-use", 1, struct late_row, late_fields);

static const struct field object_fields[] = {
	FIELD(struct object_row, object, F_INT, "OBJECT", "number of the kernel's domain, in the order of the trace", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct object_row, devices, F_STR, "DEVICES", "that were attached to it at some time; null: not known", .flags = FIELD_DEFAULT),
	FIELD(struct object_row, maps, F_INT, "MAPS", "in it", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct object_row, unmaps, F_INT, "UNMAPS", "in it", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct object_row, mapped_bytes, F_INT, "MAPPED", "by all maps", .unit = "bytes", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct object_row, unmapped_bytes, F_INT, "UNMAPPED", "by all unmaps", .unit = "bytes", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct object_row, live_bytes, F_INT, "LIVE", "mapped in the trace and still so at its end", .unit = "bytes",
	      .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct object_row, peak_bytes, F_INT, "PEAK", "most that was mapped at one time", .unit = "bytes",
	      .flags = FIELD_DEFAULT | FIELD_RIGHT),
};

static const struct record_type object_type = RECORD("trace.object", 1, struct object_row, object_fields);

static const struct field slice_fields[] = {
	FIELD(struct slice_row, start_ns, F_INT, "START", "of the slice of time", .unit = "nanoseconds", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct slice_row, live_bytes, F_INT, "LIVE", "most that was mapped; null: no map or unmap in it", .unit = "bytes",
	      .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct slice_row, maps, F_INT, "MAPS", "in it", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct slice_row, unmaps, F_INT, "UNMAPS", "in it", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct slice_row, invalidations, F_INT, "INVALIDATIONS", "in it", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct slice_row, faults, F_INT, "FAULTS", "in it", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct slice_row, requests, F_INT, "REQUESTS", "in it", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct slice_row, longest_ns, F_INT, "LONGEST", "wait of a page request group answered in it", .unit = "nanoseconds",
	      .flags = FIELD_DEFAULT | FIELD_RIGHT),
};

static const struct record_type slice_type = RECORD("trace.slice", 1, struct slice_row, slice_fields);

static const struct field stat_fields[] = {
	FIELD(struct stat_row, file, F_STR, "FILE", "file that was read"),
	FIELD(struct stat_row, lines, F_INT, "LINES", "read, or records of a trace.dat"),
	FIELD(struct stat_row, events, F_INT, "EVENTS", "found in them"),
	FIELD(struct stat_row, undecoded, F_INT, "UNDECODED", "lines that look like ours and could not be decoded"),
	FIELD(struct stat_row, told_twice, F_INT, "TOLD-TWICE", "faults that the trace and the kernel log in it both told: counted once"),
	FIELD(struct stat_row, lost, F_INT, "LOST", "events that the recorder lost, at least"),
	FIELD(struct stat_row, first_ns, F_INT, "FIRST", "time of the first event", .unit = "nanoseconds"),
	FIELD(struct stat_row, last_ns, F_INT, "LAST", "time of the latest", .unit = "nanoseconds"),
	FIELD(struct stat_row, back_in_time, F_INT, "BACK_IN_TIME", "events older than one before them: buffers of several CPUs"),
	FIELD(struct stat_row, kinds, F_LIST, "KINDS", "events by kind", .sub = &kind_type),
	FIELD(struct stat_row, mapping, F_OBJ, "MAPPING", "map and unmap", .sub = &mapping_type),
	FIELD(struct stat_row, sizes, F_LIST, "SIZES", "maps and unmaps by size", .sub = &size_type),
	FIELD(struct stat_row, invalidation, F_OBJ, "INVALIDATION", "what flushing costs", .sub = &efficiency_type),
	FIELD(struct stat_row, page_requests, F_OBJ, "PAGE_REQUESTS", "and how long devices waited", .sub = &request_type),
	FIELD(struct stat_row, use_after_unmap, F_LIST, "USE_AFTER_UNMAP", "faults on what was unmapped a moment before; the first 64",
	      .sub = &late_type),
	FIELD(struct stat_row, n_use_after_unmap, F_INT, "USES_AFTER_UNMAP", "all of these"),
	FIELD(struct stat_row, objects, F_LIST, "OBJECTS", "the kernel's domains and what was mapped in them; empty unless recorded with --domains",
	      .sub = &object_type),
	FIELD(struct stat_row, devices, F_LIST, "DEVICES", "by device, as far as events name one", .sub = &name_type),
	FIELD(struct stat_row, domains, F_LIST, "DOMAINS", "by domain id of a unit; map and unmap name none", .sub = &name_type),
	FIELD(struct stat_row, tasks, F_LIST, "TASKS", "by task that ran; in an interrupt that is not whose work it was", .sub = &name_type),
	FIELD(struct stat_row, series, F_LIST, "SERIES", "the same over time", .sub = &slice_type, .flags = FIELD_EXTRA),
};

const struct record_type trace_stat_record = RECORD("trace.stat", 1, struct stat_row, stat_fields);

const char trace_stat_text[] =
	"Rates by kind, device, domain and task; how much is mapped, for how long, in which sizes; how much of the flushing was "
	"needless; how long devices waited for page requests, and which were never answered; and faults on addresses that were unmapped "
	"a moment before, with the places of both.\n\n"
	"map and unmap events carry neither device nor domain, and domains use the same addresses. Sums over all domains hold; what "
	"would need to know the domain is said to be unknown, or a lower bound. What trace record --domains wrote has it: then mappings are "
	"told apart, each domain is named by its devices, and a use after unmap is certain.\n\n"
	"Reads what trace decode reads, of any length in constant memory.";

const struct option_row trace_stat_options[] = {
	{ .name = "svg", .arg = "FILE", .help = "draw mapped bytes, invalidations, faults and waits over time", .complete = COMPLETE_FILE },
	{ .name = "merge-window", .arg = "US", .help = "microseconds in which invalidations could have been one (default 100)" },
	{ .name = "late-window", .arg = "MS", .help = "milliseconds after an unmap in which a fault is a use after it (default 10000)" },
	{ .name = "strict", .help = "fail when a line looks like one of ours and cannot be decoded" },
	{ 0 },
};

static struct num rate(const struct trace_stat *s, uint64_t count)
{
	uint64_t ns = s->last_ns - s->first_ns;

	return s->has_time && ns ? NUM((double)count * 1e9 / (double)ns + 0.5) : NUM_UNKNOWN;
}

static struct rows kind_rows(struct arena *a, const struct trace_stat *s)
{
	struct kind_row *v = arena_array(a, struct kind_row, EVENT_MAX);
	size_t n = 0;

	for (int k = EVENT_NONE + 1; k < EVENT_MAX; k++)
		if (s->by_kind[k])
			v[n++] = (struct kind_row){ event_kind_name((enum event_kind)k), NUM(s->by_kind[k]), rate(s, s->by_kind[k]) };
	return ROWS(v, n);
}

static struct rows name_rows(struct arena *a, struct trace_stat *s, enum stat_by by)
{
	uint64_t other;
	size_t n;
	const struct stat_name *names = stat_names(s, by, &n, &other);
	struct name_row *v = arena_array(a, struct name_row, n + 1);

	for (size_t i = 0; i < n; i++)
		v[i] = (struct name_row){ names[i].name, NUM(names[i].count), rate(s, names[i].count), NUM(names[i].maps),
					  NUM(names[i].unmaps), NUM(names[i].invals), NUM(names[i].faults), NUM(names[i].requests) };
	if (other)
		v[n++] = (struct name_row){ "(others)", NUM(other), rate(s, other), .maps = NUM_UNKNOWN };
	return ROWS(v, n);
}

static struct rows size_rows(struct arena *a, const struct trace_stat *s)
{
	struct size_row *v = arena_array(a, struct size_row, STAT_LOG2);
	size_t n = 0;

	for (int i = 0; i < STAT_LOG2 - 1; i++)
		if (s->map_sizes[i] || s->unmap_sizes[i])
			v[n++] = (struct size_row){ NUM(1ULL << i), NUM(s->map_sizes[i]), NUM(s->unmap_sizes[i]) };
	return ROWS(v, n);
}

static struct num percentile(const struct stat_latency *l, double percent)
{
	return l->n ? NUM(latency_percentile(l, percent)) : NUM_UNKNOWN;
}

static struct rows object_rows(struct arena *a, const struct trace_stat *s)
{
	size_t n, m = 0;
	const struct stat_object *o = stat_objects(s, &n);
	struct object_row *v = arena_array(a, struct object_row, n + 1);

	for (size_t i = 0; i < n; i++)
		if (o[i].maps || o[i].unmaps || o[i].n_devices)
			v[m++] = (struct object_row){ NUM(o[i].object), o[i].devices[0] ? o[i].devices : NULL, NUM(o[i].maps),
						      NUM(o[i].unmaps), NUM(o[i].mapped_bytes), NUM(o[i].unmapped_bytes),
						      NUM(o[i].live_bytes), NUM(o[i].peak_bytes) };
	return ROWS(v, m);
}

/* Whether several domains have mappings: told by the domains where all events name theirs, else by what overlaps. */
static int several_domains(const struct trace_stat *s)
{
	size_t n, busy = 0;
	const struct stat_object *o = stat_objects(s, &n);

	for (size_t i = 0; i < n; i++)
		busy += o[i].maps || o[i].unmaps;
	if (busy > 1 || s->overlaps)
		return TRI_YES;
	return busy && !s->unnamed ? TRI_NO : TRI_UNKNOWN;
}

static const struct mapping_row *mapping_row(struct arena *a, const struct trace_stat *s)
{
	struct mapping_row *r = arena_new(a, struct mapping_row);

	*r = (struct mapping_row){
		.mapped_bytes = NUM(s->mapped_bytes),
		.unmapped_bytes = NUM(s->unmapped_bytes),
		.live_bytes = NUM(s->live_bytes),
		.live_mappings = NUM(s->live_mappings),
		.peak_bytes = NUM(s->peak_live_bytes),
		.peak_ns = s->peak_live_bytes && s->has_time ? NUM(s->peak_ns) : NUM_UNKNOWN,
		.lifetime_p50 = percentile(&s->lifetime, 50),
		.lifetime_p99 = percentile(&s->lifetime, 99),
		.lifetime_max = s->lifetime.n ? NUM(s->lifetime.max) : NUM_UNKNOWN,
		.early_unmaps = NUM(s->early_unmaps),
		.short_unmaps = NUM(s->short_unmaps),
		.overlaps = NUM(s->overlaps),
		.several_domains = several_domains(s),
	};
	return r;
}

static const struct efficiency_row *efficiency_row(struct arena *a, const struct trace_stat *s)
{
	struct efficiency_row *r = arena_new(a, struct efficiency_row);
	struct inval_row *v = arena_array(a, struct inval_row, INVAL_MAX * EXTENT_MAX);
	size_t n = 0;

	for (int k = 0; k < INVAL_MAX; k++)
		for (int e = 0; e < EXTENT_MAX; e++)
			if (s->inval.by_kind[k][e])
				v[n++] = (struct inval_row){ inval_kind_name((enum inval_kind)k), inval_scope_name((enum inval_scope)e),
							     NUM(s->inval.by_kind[k][e]) };
	*r = (struct efficiency_row){
		.commands = NUM(s->inval.count),
		.waits = NUM(s->inval.waits),
		.range_bytes = NUM(s->inval.range_bytes),
		.wider = NUM(s->inval.wider),
		.percent_of_unmapped = s->unmapped_bytes && s->inval.count && !s->inval.wider ?
					       NUM((double)s->inval.range_bytes * 100 / (double)s->unmapped_bytes + 0.5) :
					       NUM_UNKNOWN,
		.after_map = NUM(s->inval.not_present),
		.redundant = NUM(s->inval.redundant),
		.mergeable = NUM(s->inval.mergeable),
		.window_ns = NUM(s->opt.merge_window_ns),
		.kinds = ROWS(v, n),
	};
	return r;
}

static const struct request_row *request_row(struct arena *a, const struct trace_stat *s)
{
	struct request_row *r = arena_new(a, struct request_row);
	const struct stat_pages *p = &s->pages;

	*r = (struct request_row){
		.requests = NUM(p->requests),
		.groups = NUM(p->groups),
		.largest_group = NUM(p->largest_group),
		.responses = NUM(p->responses),
		.success = NUM(p->by_code[0]),
		.invalid = NUM(p->by_code[1]),
		.failure = NUM(p->by_code[2]),
		.p50 = percentile(&p->latency, 50),
		.p99 = percentile(&p->latency, 99),
		.max = p->latency.n ? NUM(p->latency.max) : NUM_UNKNOWN,
		.no_last = NUM(p->no_last),
		.unanswered = NUM(p->unanswered),
		.answered_twice = NUM(p->answered_twice),
		.unasked = NUM(p->unasked),
		.out_of_order = NUM(p->out_of_order),
	};
	return r;
}

static struct rows late_rows(struct arena *a, const struct trace_stat *s)
{
	size_t n = MIN(s->n_late, (uint64_t)STAT_LATE_USES);
	struct late_row *v = arena_array(a, struct late_row, n + 1);

	for (size_t i = 0; i < n; i++) {
		const struct stat_late_use *l = &s->late[i];

		v[i] = (struct late_row){
			.device = l->device[0] ? l->device : NULL,
			.address = NUM(l->addr),
			.access = access_name(l->access),
			.fault_line = NUM(l->fault.line),
			.unmap_address = NUM(l->unmap_addr),
			.unmap_size = NUM(l->unmap_size),
			.unmap_line = NUM(l->unmap.line),
			.after_ns = l->has_after ? NUM(l->after_ns) : NUM_UNKNOWN,
			.certain = l->certain ? TRI_YES : s->overlaps ? TRI_NO : TRI_UNKNOWN,
		};
	}
	return ROWS(v, n);
}

static struct rows slice_rows(struct arena *a, const struct trace_stat *s)
{
	struct slice_row *v = arena_array(a, struct slice_row, s->n_slices + 1);

	for (unsigned i = 0; i < s->n_slices; i++) {
		const struct stat_slice *x = &s->slices[i];

		v[i] = (struct slice_row){
			.start_ns = NUM(s->first_ns + i * s->slice_ns),
			.live_bytes = x->has_live ? NUM(x->live) : NUM_UNKNOWN,
			.maps = NUM(x->maps),
			.unmaps = NUM(x->unmaps),
			.invalidations = NUM(x->invals),
			.faults = NUM(x->faults),
			.requests = NUM(x->requests),
			.longest_ns = x->latency ? NUM(x->latency) : NUM_UNKNOWN,
		};
	}
	return ROWS(v, s->n_slices);
}

static void fill_row(struct arena *a, const struct trace_input *in, struct trace_stat *s, struct stat_row *r)
{
	*r = (struct stat_row){
		.file = in->file,
		.lines = NUM(in->counts.lines),
		.events = NUM(s->events),
		.undecoded = NUM(in->counts.undecoded),
		.told_twice = NUM(s->told_twice),
		.lost = NUM(in->counts.lost),
		.first_ns = s->has_time ? NUM(s->first_ns) : NUM_UNKNOWN,
		.last_ns = s->has_time ? NUM(s->last_ns) : NUM_UNKNOWN,
		.back_in_time = NUM(s->back_in_time),
		.kinds = kind_rows(a, s),
		.mapping = mapping_row(a, s),
		.sizes = size_rows(a, s),
		.invalidation = efficiency_row(a, s),
		.page_requests = request_row(a, s),
		.use_after_unmap = late_rows(a, s),
		.n_use_after_unmap = NUM(s->n_late),
		.objects = object_rows(a, s),
		.devices = name_rows(a, s, STAT_BY_DEVICE),
		.domains = name_rows(a, s, STAT_BY_DOMAIN),
		.tasks = name_rows(a, s, STAT_BY_TASK),
		.series = slice_rows(a, s),
	};
}

static int write_svg(struct invocation *inv, const struct trace_stat *s, const char *title, const char *file)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	FILE *f;
	int r = output_open(inv->ctx, file, inv->argv[0], &f);

	if (r < 0)
		return r;
	stat_svg(s, title, &b);
	fwrite(b.s, 1, b.len, f);
	return output_close(inv->ctx, f, file);
}

/* An option that is a time in units of @unit nanoseconds. An exit code. */
static int time_option(struct invocation *inv, const char *name, uint64_t unit, uint64_t *ret)
{
	const char *value = inv_opt(inv, name);
	uint64_t v;

	if (!value)
		return EXIT_DONE;
	if (parse_u64(value, &v) || !v || v > UINT64_MAX / unit)
		return bad_argument(inv, arena_printf(&inv->ctx->arena, "--%s %s", name, value), "not a number above 0", NULL);
	*ret = v * unit;
	return EXIT_DONE;
}

static int on_event(void *arg, const struct event *ev)
{
	stat_add(arg, ev);
	return 0;
}

int trace_stat_run(struct invocation *inv)
{
	_cleanup_(cleanup_stat_free) struct trace_stat *s = NULL;
	_cleanup_(arena_free) struct arena arena = { 0 };
	struct stat_options opt = { 0 };
	struct trace_input in = { .inv = inv, .event = on_event };
	struct stat_row row;
	int r;

	if (time_option(inv, "merge-window", 1000, &opt.merge_window_ns) != EXIT_DONE ||
	    time_option(inv, "late-window", 1000000, &opt.late_window_ns) != EXIT_DONE || out_begin(inv->out, &trace_stat_record) < 0)
		return EXIT_USAGE;
	in.arg = s = stat_new(&opt);
	r = trace_input_read(&in, inv->argv[0]);
	if (r < 0)
		return r;
	stat_finish(s);
	fill_row(&arena, &in, s, &row);
	if (out_options(inv->out)->json || out_options(inv->out)->raw || out_options(inv->out)->cols)
		r = out_detail(inv->out, &row);
	else
		trace_stat_print(inv->out, &row);
	if (r >= 0 && inv_opt(inv, "svg"))
		r = write_svg(inv, s, in.file, inv_opt(inv, "svg"));
	return r < 0 ? r : trace_input_exit(&in);
}
