// SPDX-License-Identifier: GPL-2.0-or-later
#include "diag/fault-totals.h"

#include <errno.h>
#include <string.h>

#include <json-c/json.h>

#include "diag/faults.h"
#include "source/doc.h"
#include "trace/decode.h"

#define FORMAT 1

void fault_totals_free(struct fault_totals *t)
{
	vec_free(&t->counted);
	vec_free(&t->v);
}

/* Sums that would wrap stay where they are. */
static void grow(uint64_t *sum, uint64_t by)
{
	if (__builtin_add_overflow(*sum, by, sum) || *sum > INT64_MAX)
		*sum = INT64_MAX;
}

static struct fault_total *find(struct fault_totals *t, const char *device, enum fault_kind kind)
{
	struct fault_total *e;

	vec_for_each(e, &t->v)
		if (e->kind == kind && streq(e->device, device))
			return e;
	return NULL;
}

static void add_fault(struct fault_totals *t, const char *device, enum fault_kind kind, uint64_t count)
{
	struct fault_total *e = find(t, device, kind);

	if (!e && t->v.n >= FAULT_TOTALS_MAX) {
		device = FAULT_TOTALS_OTHER;
		e = find(t, device, kind);
	}
	if (!e) {
		e = vec_push(&t->v);
		*e = (struct fault_total){ .device = arena_strdup(t->arena, device), .kind = kind };
	}
	grow(&e->count, count);
}

/* -- a look -------------------------------------------------------------------------------------------------------- */

struct look {
	struct fault_totals *t;
	const struct kmsg *log;
	struct fault_table *table;
	bool same;
	uint64_t from; /* nothing before it counts */
	VEC(uint64_t) seen; /* records that were counted now */
};

static uint64_t number_of(const struct kmsg *log, size_t i)
{
	return log->v[i].seq.known ? (uint64_t)log->v[i].seq.v : i;
}

/* By the time before the look: several faults can begin in one record. */
static bool was_counted(const struct fault_totals *t, uint64_t number)
{
	const uint64_t *p;

	vec_for_each(p, &t->counted)
		if (*p == number)
			return true;
	return false;
}

static void count_fault(struct look *l, const struct event *ev)
{
	bool fresh;
	const struct fault_row *row = fault_table_count(l->table, ev, &fresh);
	_cleanup_strbuf_ struct strbuf name = { 0 };

	strbuf_add_escaped(&name, !row ? FAULT_TOTALS_OTHER : row->device ?: row->unit ?: "unknown");
	add_fault(l->t, strbuf_str(&name), ev->fault.kind, 1);
}

static int on_event(void *arg, const struct event *ev)
{
	struct look *l = arg;
	uint64_t number;

	if (ev->kind != EVENT_FAULT && ev->kind != EVENT_LOST) {
		if (!l->same)
			fault_table_add(l->table, ev); /* it says whether names can be taken from the host */
		return 0;
	}
	number = number_of(l->log, ev->line - 1);
	if (number < l->from || was_counted(l->t, number))
		return 0;
	*vec_push(&l->seen) = number;
	if (ev->kind == EVENT_FAULT)
		count_fault(l, ev);
	else
		grow(&l->t->suppressed, ev->lost);
	return 0;
}

/* Another boot has a log of its own; so has one that ends before the place where we were. */
static void begin(struct fault_totals *t, const struct kmsg *log, const char *boot_id)
{
	if (streq(t->boot_id, boot_id) && (!log->n || number_of(log, log->n - 1) + 1 >= t->next))
		return;
	t->boot_id = arena_strdup(t->arena, boot_id);
	t->next = 0;
	t->counted.n = 0;
}

static void count_lost(struct fault_totals *t, const struct kmsg *log)
{
	for (size_t i = 0; i < log->n; i++) {
		uint64_t number = number_of(log, i);

		if (number < t->next)
			continue;
		grow(&t->lost, number - t->next);
		t->next = number + 1;
	}
}

/* Of what was counted, what the next look sees again. */
static void remember(struct look *l)
{
	uint64_t back = l->t->next > FAULT_TOTALS_BACK ? l->t->next - FAULT_TOTALS_BACK : 0, *p;
	size_t n = 0;

	for (size_t i = 0; i < l->t->counted.n; i++)
		if (l->t->counted.v[i] >= back)
			l->t->counted.v[n++] = l->t->counted.v[i];
	l->t->counted.n = n;
	vec_for_each(p, &l->seen)
		if (*p >= back && !was_counted(l->t, *p))
			*vec_push(&l->t->counted) = *p;
}

void fault_totals_look(struct fault_totals *t, const struct kmsg *log, const char *boot_id, struct host *h, bool same)
{
	static const struct decode_sink sink = { .event = on_event };
	struct look l = { .t = t, .log = log, .same = same };
	_cleanup_(cleanup_fault_table_free) struct fault_table *table = fault_table_new("the kernel log", h);
	_cleanup_(cleanup_decoder_free) struct decoder *d = decoder_new(&sink, &l);

	l.table = table;
	begin(t, log, boot_id);
	l.from = t->next > FAULT_TOTALS_BACK ? t->next - FAULT_TOTALS_BACK : 0;
	/* all of it, for what lines mean together */
	for (size_t i = 0; i < log->n; i++)
		decoder_kmsg(d, &log->v[i], i + 1);
	decoder_flush(d);
	count_lost(t, log);
	remember(&l);
	vec_free(&l.seen);
}

/* -- as text ------------------------------------------------------------------------------------------------------- */

static struct json_object *faults_to_json(const struct fault_totals *t)
{
	struct json_object *list = json_object_new_array();
	const struct fault_total *e;

	vec_for_each(e, &t->v) {
		struct json_object *o = json_object_new_object();

		doc_put(o, "device", e->device);
		doc_put(o, "kind", fault_kind_name(e->kind));
		doc_put_int(o, "count", (int64_t)e->count);
		json_object_array_add(list, o);
	}
	return list;
}

void fault_totals_write(const struct fault_totals *t, struct strbuf *b)
{
	struct json_object *doc = json_object_new_object(), *counted = json_object_new_array();
	const uint64_t *p;

	vec_for_each(p, &t->counted)
		json_object_array_add(counted, json_object_new_int64((int64_t)*p));
	doc_put_int(doc, "version", FORMAT);
	doc_put(doc, "boot_id", t->boot_id);
	doc_put_int(doc, "next", (int64_t)t->next);
	doc_put_int(doc, "lost", (int64_t)t->lost);
	doc_put_int(doc, "suppressed", (int64_t)t->suppressed);
	json_object_object_add(doc, "counted", counted);
	json_object_object_add(doc, "faults", faults_to_json(t));
	strbuf_puts(b, json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(doc);
}

static bool take_count(struct json_object *o, const char *key, uint64_t *ret)
{
	struct num v = doc_num(o, key);

	if (!v.known || v.v < 0)
		return false;
	*ret = (uint64_t)v.v;
	return true;
}

static bool take_fault(struct json_object *o, struct fault_totals *t)
{
	_cleanup_strbuf_ struct strbuf name = { 0 };
	const char *device = doc_text(t->arena, o, "device"), *kind = doc_text(t->arena, o, "kind");
	enum fault_kind k;
	uint64_t count;

	if (!device || !*device || !kind || !fault_kind_parse((struct slice){ kind, strlen(kind) }, &k) || !take_count(o, "count", &count))
		return false;
	strbuf_add_escaped(&name, device);
	add_fault(t, strbuf_str(&name), k, count);
	return true;
}

static bool take_document(struct json_object *doc, struct fault_totals *t)
{
	struct num version = doc_num(doc, "version");

	if (!version.known || version.v != FORMAT || !take_count(doc, "next", &t->next) || !take_count(doc, "lost", &t->lost) ||
	    !take_count(doc, "suppressed", &t->suppressed) || doc_len(doc, "counted") > 2 * FAULT_TOTALS_BACK)
		return false;
	t->boot_id = doc_text(t->arena, doc, "boot_id");
	for (size_t i = 0; i < doc_len(doc, "counted"); i++) {
		struct json_object *o = doc_at(doc, "counted", i);

		if (!json_object_is_type(o, json_type_int) || json_object_get_int64(o) < 0)
			return false;
		*vec_push(&t->counted) = (uint64_t)json_object_get_int64(o);
	}
	for (size_t i = 0; i < doc_len(doc, "faults"); i++)
		if (!take_fault(doc_at(doc, "faults", i), t))
			return false;
	return true;
}

int fault_totals_read(const char *text, size_t len, struct fault_totals *t)
{
	struct json_tokener *tok = json_tokener_new();
	struct json_object *doc = tok && len <= INT32_MAX ? json_tokener_parse_ex(tok, text, (int)len) : NULL;
	struct arena *arena = t->arena;
	bool good = doc && take_document(doc, t);

	json_object_put(doc);
	json_tokener_free(tok);
	if (good)
		return 0;
	fault_totals_free(t);
	*t = (struct fault_totals){ .arena = arena };
	return -EBADMSG;
}
