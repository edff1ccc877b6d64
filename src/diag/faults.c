// SPDX-License-Identifier: GPL-2.0-or-later
/* Folding faults into records, and putting the words together. */
#include "diag/faults.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "host/names.h"
#include "trace/reason.h"
#include "trace/stat.h"

/* A folded fault: the first event of its kind, with its own copies of the texts. */
struct entry {
	struct event ev;
	struct fault_words words;
	uint64_t count, last_line, last_time;
	bool has_last_time, overflowed;
	const char *late; /* what the trace in the same input says of the address */
	uint32_t hash;
	struct fault_row row;
	struct fault_reason reason;
	struct fault_place at, last_at;
};

/* A fault that a trace event told, and the log may still tell. */
struct told {
	uint64_t addr, time_ns;
	uint32_t entry;
	bool known, has_time;
};
#define TOLD 64
/* The log's word comes this soon after, by far. */
#define TOLD_NS 300000000ULL

struct fault_table {
	struct arena arena;
	const char *file;
	struct host *host;
	struct entry **v;
	size_t n, cap;
	uint32_t *slots; /* index + 1 into v, by hash */
	size_t n_slots;
	VEC(struct fault_row) rows;
	uint64_t total, dropped;
	bool other_machine;
	struct told told[TOLD];
	size_t n_told;
	struct bar_index bars;
	struct trace_stat *mapped; /* what maps and unmaps in the same input did; NULL: there were none */
};

static const struct field reason_fields[] = {
	FIELD(struct fault_reason, code, F_HEX, "CODE", "the vendor's number for it", .flags = FIELD_DEFAULT),
	FIELD(struct fault_reason, text, F_STR, "REASON", "what was wrong", .flags = FIELD_DEFAULT | FIELD_TRUNC),
	FIELD(struct fault_reason, spec, F_STR, "SPEC", "where the specification says it"),
	FIELD(struct fault_reason, raw, F_STR, "RAW", "the log's own words"),
};

static const struct record_type reason_type = RECORD("fault.reason", 1, struct fault_reason, reason_fields);

static const struct field place_fields[] = {
	FIELD(struct fault_place, file, F_STR, "FILE", "file that was read"),
	FIELD(struct fault_place, line, F_INT, "LINE", "line in it", .flags = FIELD_DEFAULT | FIELD_RIGHT),
};

static const struct record_type place_type = RECORD("fault.place", 1, struct fault_place, place_fields);

static const struct field fault_fields[] = {
	FIELD(struct fault_row, vendor, F_STR, "VENDOR", "vt-d, amd-vi, smmuv2, smmuv3, virtio, riscv; of others the name of the "
	      "chip's maker or driver; null: the record does not tell",
	      .flags = FIELD_DEFAULT),
	FIELD(struct fault_row, kind, F_STR, "KIND",
	      "dma, interrupt, configuration, command, invalidation, page-request, global"),
	FIELD(struct fault_row, unit, F_STR, "UNIT", "unit that reported it"),
	FIELD(struct fault_row, device, F_STR, "DEVICE", "device that caused it; without a PCI segment where the log gave none",
	      .flags = FIELD_DEFAULT),
	FIELD(struct fault_row, source_id, F_HEX, "SOURCE", "requester, stream or endpoint id"),
	FIELD(struct fault_row, pasid, F_INT, "PASID", "address space of the request; null: it had no PASID"),
	FIELD(struct fault_row, domain, F_INT, "DOMAIN", "domain id that the unit gave"),
	FIELD(struct fault_row, address, F_HEX, "ADDRESS", "DMA address of the first of them",
	      .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct fault_row, access, F_STR, "ACCESS", "read, write, execute, ...", .flags = FIELD_DEFAULT),
	FIELD(struct fault_row, reason, F_OBJ, "REASON", "what was wrong", .sub = &reason_type, .flags = FIELD_DEFAULT),
	FIELD(struct fault_row, count, F_INT, "COUNT", "faults of this device, reason, access and page",
	      .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct fault_row, at, F_OBJ, "AT", "where the first was read", .sub = &place_type),
	FIELD(struct fault_row, last_at, F_OBJ, "LAST_AT", "where the last was read", .sub = &place_type),
	FIELD(struct fault_row, time, F_INT, "TIME", "time of the first since boot", .unit = "nanoseconds"),
	FIELD(struct fault_row, last_time, F_INT, "LAST_TIME", "time of the last since boot", .unit = "nanoseconds"),
	FIELD(struct fault_row, stamp, F_STR, "STAMP", "the log's own date of the first"),
	FIELD(struct fault_row, name, F_STR, "NAME", "what the device is"),
	FIELD(struct fault_row, driver, F_STR, "DRIVER", "its driver: as the log says, else as it is on the machine looked at"),
	FIELD(struct fault_row, group, F_INT, "GROUP", "its IOMMU group"),
	FIELD(struct fault_row, where, F_STR, "WHERE", "what lies at the address"),
	FIELD(struct fault_row, meaning, F_STR, "MEANING", "what such a fault usually means"),
	FIELD(struct fault_row, next, F_STR, "NEXT", "command to run next"),
	FIELD(struct fault_row, notes, F_STRS, "NOTES", "what is doubtful, or was found by a detour"),
};

const struct record_type fault_record = RECORD("faults.decode", 1, struct fault_row, fault_fields);
const struct record_type fault_watch_record = RECORD("faults.watch", 1, struct fault_row, fault_fields);

struct fault_table *fault_table_new(const char *file, struct host *h)
{
	struct fault_table *t = must_calloc(1, sizeof(*t));

	t->file = arena_strdup(&t->arena, file);
	t->host = h;
	t->n_slots = 1024;
	t->slots = must_calloc(t->n_slots, sizeof(*t->slots));
	return t;
}

void fault_table_free(struct fault_table *t)
{
	if (!t)
		return;
	free(t->v);
	free(t->slots);
	vec_free(&t->rows);
	vec_free(&t->bars.v);
	stat_free(t->mapped);
	arena_free(&t->arena);
	free(t);
}

/* FNV-1a. */
static uint32_t hash_bytes(uint32_t h, const void *p, size_t n)
{
	const unsigned char *c = p;

	while (n--)
		h = (h ^ *c++) * 16777619U;
	return h;
}

/* What makes two faults one record. */
struct key {
	uint64_t page;
	uint32_t vendor, kind, access, pasid, source, code, known, unused; /* no holes: compared as bytes */
	uint64_t flags;
};

static struct key make_key(const struct event *ev)
{
	struct key k;

	memset(&k, 0, sizeof(k)); /* hashed as bytes */
	k.vendor = ev->vendor;
	k.kind = ev->fault.kind;
	k.access = ev->access;
	k.known = ev->has & (HAS_ADDR | HAS_PASID | HAS_SOURCE);
	k.page = ev->has & HAS_ADDR ? ev->addr >> 12 : 0;
	k.pasid = ev->has & HAS_PASID ? ev->pasid : 0;
	k.source = ev->has & HAS_SOURCE ? ev->source_id : 0;
	k.code = ev->fault.has_code ? ev->fault.code : 0;
	k.flags = ev->vendor == VENDOR_AMD && ev->fault.has_flags ? ev->fault.flags : 0;
	return k;
}

static bool slice_same(struct slice a, struct slice b)
{
	return a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n));
}

static bool same_fault(const struct event *a, const struct event *b)
{
	struct key x = make_key(a), y = make_key(b);

	return !memcmp(&x, &y, sizeof(x)) && slice_same(a->device, b->device) &&
	       (slice_same(a->unit, b->unit) || a->vendor == VENDOR_VTD) && /* VT-d names it only in dumps */
	       (a->fault.has_code || slice_same(a->fault.text, b->fault.text));
}

static uint32_t hash_fault(const struct event *ev)
{
	struct key k = make_key(ev);
	uint32_t h = hash_bytes(hash_bytes(2166136261U, &k, sizeof(k)), ev->device.p, ev->device.n);

	if (ev->vendor != VENDOR_VTD)
		h = hash_bytes(h, ev->unit.p, ev->unit.n);
	return ev->fault.has_code ? h : hash_bytes(h, ev->fault.text.p, ev->fault.text.n);
}

static void grow_slots(struct fault_table *t)
{
	size_t n = t->n_slots * 2;
	uint32_t *slots = must_calloc(n, sizeof(*slots));

	for (size_t i = 0; i < t->n; i++) {
		size_t at = t->v[i]->hash & (n - 1);

		while (slots[at])
			at = (at + 1) & (n - 1);
		slots[at] = (uint32_t)i + 1;
	}
	free(t->slots);
	t->slots = slots;
	t->n_slots = n;
}

/* The slot of an equal fault, or the free one where it belongs. */
static uint32_t *find_slot(struct fault_table *t, const struct event *ev, uint32_t hash)
{
	size_t at = hash & (t->n_slots - 1);

	for (; t->slots[at]; at = (at + 1) & (t->n_slots - 1)) {
		const struct entry *e = t->v[t->slots[at] - 1];

		if (e->hash == hash && same_fault(&e->ev, ev))
			break;
	}
	return &t->slots[at];
}

static struct slice keep(struct fault_table *t, struct slice s)
{
	if (!s.n)
		return (struct slice){ 0 };
	return (struct slice){ arena_memdup(&t->arena, s.p, s.n), s.n };
}

static struct entry *add_entry(struct fault_table *t, const struct event *ev, uint32_t hash)
{
	struct entry *e = arena_new(&t->arena, struct entry);

	e->ev = *ev;
	e->hash = hash;
	e->ev.stamp = keep(t, ev->stamp);
	e->ev.task = keep(t, ev->task);
	e->ev.unit = keep(t, ev->unit);
	e->ev.device = keep(t, ev->device);
	e->ev.driver = keep(t, ev->driver);
	e->ev.fault.text = keep(t, ev->fault.text);
	e->ev.fault.detail = keep(t, ev->fault.detail);
	t->v = vec_grow(t->v, t->n, &t->cap, sizeof(struct entry *));
	t->v[t->n++] = e;
	return e;
}

static void count_entry(struct fault_table *t, struct entry *e, const struct event *ev)
{
	e->count++;
	e->last_line = ev->line;
	e->overflowed |= ev->fault.overflowed;
	if (ev->has & HAS_TIME) {
		e->has_last_time = true;
		e->last_time = ev->time_ns;
	}
	if (!e->ev.unit.n && ev->unit.n)
		e->ev.unit = keep(t, ev->unit);
}

/* A NUL-terminated copy; NULL for an empty one. */
static const char *text_of(struct fault_table *t, struct slice s)
{
	return s.n ? arena_memdup(&t->arena, s.p, s.n) : NULL;
}

/* The log's own boot lines against the host: one device in another group, and it is not this machine (or boot). */
static void check_machine(struct fault_table *t, const struct event *ev)
{
	_cleanup_free_ char *name = strndup(ev->device.p ?: "", ev->device.n);
	struct pci_addr addr;
	struct device *d;

	if (!t->host || !name || t->host->groups_err || !t->host->n_groups || !(ev->has & HAS_GROUP) ||
	    pci_addr_parse(name, &addr))
		return;
	d = host_pci(t->host, addr);
	if (d && (!d->group || d->group->id != ev->group)) /* none at all: it may have been unplugged */
		t->other_machine = true;
}

static void set_notes(struct entry *e, struct fault_notes *notes)
{
	const struct fault_info *f = &e->ev.fault;

	if (f->code_doubtful)
		fault_note(notes, "the log gives the reason as \"%02u\" without 0x: taken as decimal, as kernels before 5.14 print it; "
				  "as hex it would be 0x%02u", f->code, f->code);
	if (f->reason_doubtful && f->has_code)
		fault_note(notes, "another fault was being logged at the same time: the reason may be that one's");
	if (e->overflowed)
		fault_note(notes, "the unit's fault registers had overflowed: there were more faults than the log shows");
	if (f->stalled)
		fault_note(notes, "the transaction is stalled: the device waits for an answer");
	if (e->ev.has & HAS_PASID && e->ev.pasid == 0 && e->ev.vendor == VENDOR_VTD)
		fault_note(notes, "PASID 0 stands for requests without a PASID");
	if (!f->has_code && e->ev.vendor == VENDOR_VTD && f->kind == FAULT_DMA)
		fault_note(notes, "the line with the reason is missing");
	if (f->detail.n)
		fault_note(notes, "%.*s", SLICE_FMT(f->detail));
}

/* Seen from the device that is known, or from what the log says. */
static const char *next_command(struct fault_table *t, const struct entry *e, const struct device *d)
{
	switch (e->words.cause) {
	case CAUSE_NO_DEVICE:
	case CAUSE_IRQ_SOURCE:
		if (d)
			return arena_printf(&t->arena, "iommuctl group explain %s", d->name);
		return "iommuctl group tree";
	case CAUSE_IRQ_ENTRY:
	case CAUSE_IRQ_FORMAT:
	case CAUSE_COMMAND:
		return "iommuctl doctor";
	case CAUSE_STREAM:
	case CAUSE_TABLE_ACCESS:
	case CAUSE_TABLES:
		if (e->row.unit && t->host && host_unit(t->host, e->row.unit))
			return arena_printf(&t->arena, "iommuctl iommu show %s", e->row.unit);
		return "iommuctl iommu list";
	default:
		if (d)
			return arena_printf(&t->arena, "iommuctl device show %s", d->name);
		if (e->ev.has & HAS_SEGMENT && e->row.device)
			return arena_printf(&t->arena, "iommuctl device show %s", e->row.device);
		return "iommuctl device list";
	}
}

static void explain_device(struct fault_table *t, struct entry *e, struct host *h, struct fault_notes *notes)
{
	struct device *d = h ? fault_device(h, &e->ev, notes) : NULL;
	struct fault_row *r = &e->row;

	if (d) {
		r->device = d->name;
		r->name = device_title(h, d);
		r->group = d->group ? NUM(d->group->id) : NUM_UNKNOWN;
		if (!r->driver)
			r->driver = d->driver;
		if (d->unit && (!r->unit || e->ev.vendor == VENDOR_VTD || e->ev.vendor == VENDOR_AMD))
			r->unit = r->unit ?: d->unit->name;
	} else if (!h && r->device && !(e->ev.has & HAS_SEGMENT)) {
		fault_note(notes, "the log gives no PCI segment: with more than one, %s can be several devices", r->device);
	}
	if (e->ev.has & HAS_ADDR && e->ev.fault.kind != FAULT_COMMAND && e->ev.fault.kind != FAULT_INVALIDATION)
		r->where = e->late ?: fault_where(h, &t->bars, &e->ev, d, &t->arena);
	r->next = next_command(t, e, d);
}

static void explain_entry(struct fault_table *t, struct entry *e)
{
	struct host *h = t->other_machine ? NULL : t->host;
	struct fault_notes notes = { .arena = &t->arena };
	const struct event *ev = &e->ev;

	fault_explain(ev, &e->words);
	e->reason = (struct fault_reason){
		.code = ev->fault.has_code ? NUM(ev->fault.code) : NUM_UNKNOWN,
		.text = e->words.text,
		.spec = e->words.spec,
		.raw = text_of(t, ev->fault.text),
	};
	e->at = (struct fault_place){ t->file, NUM(ev->line) };
	e->row = (struct fault_row){
		.vendor = vendor_name(ev->vendor),
		.kind = fault_kind_name(ev->fault.kind),
		.unit = text_of(t, ev->unit),
		.device = text_of(t, ev->device),
		.source_id = ev->has & HAS_SOURCE ? NUM(ev->source_id) : NUM_UNKNOWN,
		.pasid = ev->has & HAS_PASID ? NUM(ev->pasid) : NUM_UNKNOWN,
		.domain = ev->has & HAS_DOMAIN ? NUM(ev->domain) : NUM_UNKNOWN,
		.address = ev->has & HAS_ADDR ? NUM(ev->addr) : NUM_UNKNOWN,
		.access = access_name(ev->access),
		.reason = &e->reason,
		.at = &e->at,
		.last_at = &e->last_at,
		.time = ev->has & HAS_TIME ? NUM(ev->time_ns) : NUM_UNKNOWN,
		.stamp = text_of(t, ev->stamp),
		.driver = text_of(t, ev->driver),
		.meaning = fault_cause_text(e->words.cause),
	};
	set_notes(e, &notes);
	explain_device(t, e, h, &notes);
	e->row.notes = STRS(notes.v.v, notes.v.n);
	if (notes.v.n) {
		const char **copy = arena_array(&t->arena, const char *, notes.v.n);

		memcpy(copy, notes.v.v, notes.v.n * sizeof(*copy));
		e->row.notes.v = copy;
	}
	vec_free(&notes.v);
}

/* "unmapped 99.8 ms before (0x100000-0x100fff, line 4)": a trace beside the log tells. */
static const char *late_text(struct fault_table *t, const struct event *ev)
{
	struct stat_late_use late;
	const char *what;

	if (!t->mapped || !stat_late_use(t->mapped, ev, &late))
		return NULL;
	what = t->mapped->overlaps && !late.certain ? "a domain unmapped it, this one or another," : "it was unmapped";
	if (!late.has_after)
		return arena_printf(&t->arena, "%s before (0x%" PRIx64 "-0x%" PRIx64 ", line %" PRIu64 ")", what, late.unmap_addr,
				    late.unmap_addr + (late.unmap_size - 1), late.unmap.line);
	return arena_printf(&t->arena, "%s %.1f ms before (0x%" PRIx64 "-0x%" PRIx64 ", line %" PRIu64 ")", what,
			    (double)late.after_ns / 1e6, late.unmap_addr, late.unmap_addr + (late.unmap_size - 1), late.unmap.line);
}

/* -- one fault, told twice ------------------------------------------------------------------------------------------------- */

/* What iommu:io_page_fault says: no vendor, no reason. */
static bool is_traced(const struct event *ev)
{
	return ev->vendor == VENDOR_UNKNOWN && ev->fault.kind == FAULT_DMA && !ev->fault.has_code && ev->has & HAS_ADDR && ev->device.n;
}

static void remember_traced(struct fault_table *t, const struct event *ev, uint32_t entry)
{
	struct told *told = &t->told[t->n_told++ % TOLD];

	*told = (struct told){ .addr = ev->addr, .time_ns = ev->time_ns, .entry = entry, .known = true, .has_time = ev->has & HAS_TIME };
}

/*
 * AMD's driver raises the trace event and writes to the log, unless that is limited: of a trace that holds the log, too, the log's word
 * counts, for it knows more.
 */
static void forget_traced(struct fault_table *t, const struct event *ev)
{
	for (size_t i = 0; i < TOLD; i++) {
		struct told *told = &t->told[i];
		struct entry *e = told->known ? t->v[told->entry] : NULL;

		if (!e || told->addr != ev->addr || !slice_same(e->ev.device, ev->device) || !e->count)
			continue;
		if (told->has_time && ev->has & HAS_TIME && (ev->time_ns < told->time_ns || ev->time_ns - told->time_ns > TOLD_NS))
			continue;
		told->known = false;
		e->count--;
		t->total--;
		return;
	}
}

static void note_mapping(struct fault_table *t, const struct event *ev)
{
	if (!t->mapped)
		t->mapped = stat_new(NULL);
	stat_add(t->mapped, ev);
}

/* What changes with each repeat. */
static void update_row(struct fault_table *t, struct entry *e)
{
	e->last_at = (struct fault_place){ t->file, NUM(e->last_line) };
	e->row.count = NUM(e->count);
	e->row.last_time = e->has_last_time ? NUM(e->last_time) : NUM_UNKNOWN;
}

const struct fault_row *fault_table_count(struct fault_table *t, const struct event *ev, bool *ret_fresh)
{
	uint32_t hash, *slot, index;
	struct entry *e;
	bool fresh;

	if (ev->kind == EVENT_GROUP_ADD)
		check_machine(t, ev);
	if (ev->kind == EVENT_MAP || ev->kind == EVENT_UNMAP || ev->kind == EVENT_ATTACH || ev->kind == EVENT_ATTACHED)
		note_mapping(t, ev);
	if (ev->kind != EVENT_FAULT)
		return NULL;
	if (ev->vendor != VENDOR_UNKNOWN && ev->has & HAS_ADDR && ev->device.n)
		forget_traced(t, ev);
	t->total++;
	hash = hash_fault(ev);
	slot = find_slot(t, ev, hash);
	fresh = !*slot;
	if (fresh && t->n >= FAULT_TABLE_MAX) {
		t->dropped++;
		return NULL;
	}
	e = fresh ? add_entry(t, ev, hash) : t->v[*slot - 1];
	index = fresh ? (uint32_t)t->n - 1 : *slot - 1;
	if (fresh) {
		*slot = (uint32_t)t->n;
		if (t->n * 2 > t->n_slots)
			grow_slots(t);
	}
	count_entry(t, e, ev);
	if (is_traced(ev))
		remember_traced(t, ev, index);
	if (fresh) {
		e->late = late_text(t, ev);
		explain_entry(t, e);
	}
	update_row(t, e);
	*ret_fresh = fresh;
	return &e->row;
}

const struct fault_row *fault_table_add(struct fault_table *t, const struct event *ev)
{
	bool fresh = false;
	const struct fault_row *row = fault_table_count(t, ev, &fresh);

	return fresh ? row : NULL;
}

const struct fault_row *fault_table_rows(struct fault_table *t, size_t *ret_n)
{
	t->rows.n = 0;
	for (size_t i = 0; i < t->n; i++) {
		if (!t->v[i]->count)
			continue; /* the log told it better */
		explain_entry(t, t->v[i]); /* again: later lines may have named the unit, or shown another machine */
		update_row(t, t->v[i]);
		*vec_push(&t->rows) = t->v[i]->row;
	}
	*ret_n = t->rows.n;
	return t->rows.v;
}

uint64_t fault_table_total(const struct fault_table *t)
{
	return t->total;
}

uint64_t fault_table_dropped(const struct fault_table *t)
{
	return t->dropped;
}

bool fault_table_other_machine(const struct fault_table *t)
{
	return t->other_machine;
}
