// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <stdio.h>

#include <json-c/json.h>

#include "trace/internal.h"
#include "trace/jsonl.h"

static void add_text(struct strbuf *b, struct slice s)
{
	size_t len;

	for (size_t i = 0; i < s.n; i += MAX(len, (size_t)1)) {
		unsigned char c = (unsigned char)s.p[i];

		len = utf8_len(s.p + i, s.n - i);
		if (!len)
			strbuf_puts(b, "\xef\xbf\xbd");
		else if (c < 0x20 || c == 0x7f)
			strbuf_printf(b, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			strbuf_printf(b, "\\%c", c);
		else
			strbuf_add(b, s.p + i, len);
	}
}

static void member_str(struct strbuf *b, const char *key, struct slice s)
{
	if (!s.p || !s.n)
		return;
	strbuf_printf(b, ",\"%s\":\"", key);
	add_text(b, s);
	strbuf_putc(b, '"');
}

static void member_word(struct strbuf *b, const char *key, const char *word)
{
	if (word)
		strbuf_printf(b, ",\"%s\":\"%s\"", key, word);
}

static void member_int(struct strbuf *b, const char *key, uint64_t v, bool known)
{
	if (known)
		strbuf_printf(b, ",\"%s\":%" PRIu64, key, v);
}

static void member_hex(struct strbuf *b, const char *key, uint64_t v, bool known)
{
	if (known)
		strbuf_printf(b, ",\"%s\":\"0x%" PRIx64 "\"", key, v);
}

static void member_true(struct strbuf *b, const char *key, bool v)
{
	if (v)
		strbuf_printf(b, ",\"%s\":true", key);
}

static void fault_members(struct strbuf *b, const struct fault_info *f)
{
	member_word(b, "fault", fault_kind_name(f->kind));
	member_hex(b, "code", f->code, f->has_code);
	member_hex(b, "flags", f->flags, f->has_flags);
	member_hex(b, "index", f->index, f->has_index);
	member_str(b, "text", f->text);
	member_str(b, "detail", f->detail);
	member_true(b, "overflowed", f->overflowed);
	member_true(b, "stalled", f->stalled);
	member_true(b, "code_doubtful", f->code_doubtful);
	member_true(b, "reason_doubtful", f->reason_doubtful);
}

static void inval_members(struct strbuf *b, const struct inval_info *v)
{
	member_word(b, "cache", inval_kind_name(v->kind));
	member_word(b, "scope", inval_scope_name(v->scope));
	member_true(b, "leaf", v->leaf);
	member_true(b, "nested", v->nested);
	member_true(b, "not_present", v->not_present);
}

static void page_members(struct strbuf *b, const struct event *ev)
{
	member_int(b, "prgi", ev->page.group, true);
	member_true(b, "last", ev->page.last);
	member_true(b, "core", ev->page.core);
	member_int(b, "seq", ev->page.seq, ev->page.has_seq);
	if (ev->kind == EVENT_PAGE_RESPONSE)
		member_int(b, "response", ev->page.code, true);
}

void event_json(struct strbuf *b, const struct event *ev)
{
	strbuf_printf(b, "{\"kind\":\"%s\"", event_kind_name(ev->kind));
	member_int(b, "time_ns", ev->time_ns, ev->has & HAS_TIME);
	member_str(b, "stamp", ev->stamp);
	member_int(b, "cpu", (uint64_t)ev->cpu, ev->has & HAS_CPU && ev->cpu >= 0);
	member_str(b, "task", ev->task);
	member_int(b, "pid", (uint64_t)ev->pid, ev->has & HAS_PID && ev->pid >= 0);
	member_word(b, "vendor", vendor_name(ev->vendor));
	member_str(b, "unit", ev->unit);
	member_str(b, "device", ev->device);
	member_str(b, "driver", ev->driver);
	member_hex(b, "source_id", ev->source_id, ev->has & HAS_SOURCE);
	member_int(b, "group", ev->group, ev->has & HAS_GROUP);
	member_int(b, "domain", ev->domain, ev->has & HAS_DOMAIN);
	member_int(b, "domain_object", ev->domain_object, ev->has & HAS_DOMAIN_OBJECT);
	member_int(b, "pasid", ev->pasid, ev->has & HAS_PASID);
	member_hex(b, "address", ev->addr, ev->has & HAS_ADDR);
	member_int(b, "size", ev->size, ev->has & HAS_SIZE);
	member_hex(b, "physical", ev->paddr, ev->has & HAS_PADDR);
	member_int(b, "unmapped", ev->done, ev->has & HAS_DONE);
	member_word(b, "access", access_name(ev->access));
	if (ev->kind == EVENT_FAULT)
		fault_members(b, &ev->fault);
	else if (ev->kind == EVENT_PAGE_REQUEST || ev->kind == EVENT_PAGE_RESPONSE)
		page_members(b, ev);
	else if (ev->kind == EVENT_INVALIDATE || ev->kind == EVENT_FLUSH || ev->kind == EVENT_TAG_ASSIGN ||
		 ev->kind == EVENT_TAG_UNASSIGN)
		inval_members(b, &ev->inval);
	else if (ev->kind == EVENT_LOST)
		member_int(b, "lost", ev->lost, true);
	member_int(b, "line", ev->line, ev->line > 0);
	strbuf_putc(b, '}');
}

/* A member's text; it lives as long as @o. */
static struct slice get_text(struct json_object *o, const char *key)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_string))
		return (struct slice){ 0 };
	return (struct slice){ json_object_get_string(v), (size_t)json_object_get_string_len(v) };
}

static bool get_int(struct json_object *o, const char *key, uint64_t *ret)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_int))
		return false;
	*ret = json_object_get_uint64(v);
	return true;
}

static bool get_hex(struct json_object *o, const char *key, uint64_t *ret)
{
	struct slice t = get_text(o, key);
	struct scan s = scan_of(t);

	return t.n && scan_hex(&s, ret) && !scan_left(&s);
}

static bool get_true(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_boolean) &&
	       json_object_get_boolean(v);
}

static void load_u32(struct json_object *o, const char *key, struct event *ev, uint32_t *field, unsigned has)
{
	uint64_t v;

	if (!get_int(o, key, &v) || v > UINT32_MAX)
		return;
	*field = (uint32_t)v;
	ev->has |= has;
}

static void load_common(struct json_object *o, struct event *ev)
{
	uint32_t cpu = 0, pid = 0;
	uint64_t v;

	ev->stamp = get_text(o, "stamp");
	ev->task = get_text(o, "task");
	ev->unit = get_text(o, "unit");
	ev->device = get_text(o, "device");
	ev->driver = get_text(o, "driver");
	ev->vendor = vendor_parse(get_text(o, "vendor"));
	ev->access = access_parse(get_text(o, "access"));
	if (get_int(o, "time_ns", &ev->time_ns))
		ev->has |= HAS_TIME;
	load_u32(o, "cpu", ev, &cpu, HAS_CPU);
	load_u32(o, "pid", ev, &pid, HAS_PID);
	ev->cpu = (int32_t)cpu;
	ev->pid = (int32_t)pid;
	load_u32(o, "group", ev, &ev->group, HAS_GROUP);
	load_u32(o, "domain", ev, &ev->domain, HAS_DOMAIN);
	load_u32(o, "domain_object", ev, &ev->domain_object, HAS_DOMAIN_OBJECT);
	load_u32(o, "pasid", ev, &ev->pasid, HAS_PASID);
	if (get_hex(o, "source_id", &v) && v <= UINT32_MAX) {
		ev->source_id = (uint32_t)v;
		ev->has |= HAS_SOURCE;
	}
	if (get_hex(o, "address", &ev->addr))
		ev->has |= HAS_ADDR;
	if (get_hex(o, "physical", &ev->paddr))
		ev->has |= HAS_PADDR;
	if (get_int(o, "size", &ev->size))
		ev->has |= HAS_SIZE;
	if (get_int(o, "unmapped", &ev->done))
		ev->has |= HAS_DONE;
	/* "0000:02:00.0" has its segment, "02:00.0" has not, what is no PCI address needs none */
	if (ev->device.n && !(ev->device.n == strlen("02:00.0") && ev->device.p[2] == ':' && ev->device.p[5] == '.'))
		ev->has |= HAS_SEGMENT;
}

static void load_fault(struct json_object *o, struct event *ev)
{
	struct fault_info *f = &ev->fault;
	uint64_t v;

	fault_kind_parse(get_text(o, "fault"), &f->kind);
	f->has_code = get_hex(o, "code", &v);
	f->code = f->has_code ? (uint32_t)v : 0;
	f->has_flags = get_hex(o, "flags", &f->flags);
	f->has_index = get_hex(o, "index", &f->index);
	f->text = get_text(o, "text");
	f->detail = get_text(o, "detail");
	f->overflowed = get_true(o, "overflowed");
	f->stalled = get_true(o, "stalled");
	f->code_doubtful = get_true(o, "code_doubtful");
	f->reason_doubtful = get_true(o, "reason_doubtful");
}

static void load_inval(struct json_object *o, struct event *ev)
{
	inval_kind_parse(get_text(o, "cache"), &ev->inval.kind);
	ev->inval.scope = inval_scope_parse(get_text(o, "scope"));
	ev->inval.leaf = get_true(o, "leaf");
	ev->inval.nested = get_true(o, "nested");
	ev->inval.not_present = get_true(o, "not_present");
}

static void load_page(struct json_object *o, struct event *ev)
{
	uint64_t v;

	if (get_int(o, "prgi", &v))
		ev->page.group = (uint32_t)v;
	ev->page.last = get_true(o, "last");
	ev->page.core = get_true(o, "core");
	ev->page.has_seq = get_int(o, "seq", &ev->page.seq);
	if (get_int(o, "response", &v))
		ev->page.code = (uint32_t)v;
}

enum line_result event_load(struct json_object *o, struct event *ev)
{
	ev->kind = event_kind_parse(get_text(o, "kind"));
	if (ev->kind == EVENT_NONE)
		return LINE_BAD;
	load_common(o, ev);
	if (ev->kind == EVENT_FAULT)
		load_fault(o, ev);
	else if (ev->kind == EVENT_PAGE_REQUEST || ev->kind == EVENT_PAGE_RESPONSE)
		load_page(o, ev);
	else if (ev->kind == EVENT_INVALIDATE || ev->kind == EVENT_FLUSH || ev->kind == EVENT_TAG_ASSIGN ||
		 ev->kind == EVENT_TAG_UNASSIGN)
		load_inval(o, ev);
	else if (ev->kind == EVENT_LOST)
		get_int(o, "lost", &ev->lost);
	return LINE_EVENT;
}
