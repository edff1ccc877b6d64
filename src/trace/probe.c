// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the probes of `trace record` wrote (src/kmem/recorder.c): which domain a map, unmap or attach is about, page requests that the
 * kernel's core saw, and their answers. A probe fires when the function is called and the trace event when it has
 * done its work, so the two are brought together by task, address and domain. Domains are numbered as they turn up: the kernel's
 * addresses mean nothing to anybody else.
 */
#include "trace/internal.h"

/* Calls of a task that may be open at a time: interrupts map and unmap inside of one. */
#define CALLS 4
#define TASKS 1024
/* More domains than that are not numbered. */
#define DOMAINS_MAX (1U << 20)

struct call {
	uint64_t addr;
	uint32_t domain; /* number; 0 unknown */
};

/* What one task, or one idle processor, was doing last. */
struct task_calls {
	uint64_t key;
	struct call maps[CALLS], unmaps[CALLS];
	unsigned n_maps, n_unmaps;
	uint32_t attach_domain, request_group, request_pasid;
	uint64_t request_addr;
	bool has_request, request_has_pasid;
	char attach_device[48], request_device[48];
};

struct probe_state {
	struct task_calls tasks[TASKS];
	uint64_t *addresses; /* of domains; open addressing, the number is beside */
	uint32_t *numbers, n, size;
	char device[48]; /* of the answer that the core gave by itself */
};

void probe_free(struct probe_state *st)
{
	if (!st)
		return;
	free(st->addresses);
	free(st->numbers);
	free(st);
}

static struct probe_state *probe_new(void)
{
	struct probe_state *st = must_calloc(1, sizeof(*st));

	st->size = 256;
	st->addresses = calloc(st->size, sizeof(*st->addresses));
	st->numbers = calloc(st->size, sizeof(*st->numbers));
	if (!st->addresses || !st->numbers)
		out_of_memory();
	return st;
}

/* -- domains ------------------------------------------------------------------------------------------------------------- */

static uint32_t slot_of(const struct probe_state *st, uint64_t addr)
{
	uint32_t at = (uint32_t)((addr >> 4) * 0x9e3779b97f4a7c15ULL >> 32) & (st->size - 1);

	while (st->numbers[at] && st->addresses[at] != addr)
		at = (at + 1) & (st->size - 1);
	return at;
}

static void grow(struct probe_state *st)
{
	uint64_t *addresses = st->addresses;
	uint32_t *numbers = st->numbers, size = st->size;

	st->size *= 2;
	st->addresses = calloc(st->size, sizeof(*st->addresses));
	st->numbers = calloc(st->size, sizeof(*st->numbers));
	if (!st->addresses || !st->numbers)
		out_of_memory();
	for (uint32_t i = 0; i < size; i++) {
		uint32_t at;

		if (!numbers[i])
			continue;
		at = slot_of(st, addresses[i]);
		st->addresses[at] = addresses[i];
		st->numbers[at] = numbers[i];
	}
	free(addresses);
	free(numbers);
}

static uint32_t domain_number(struct probe_state *st, uint64_t addr)
{
	uint32_t at = slot_of(st, addr);

	if (st->numbers[at] || st->n >= DOMAINS_MAX)
		return st->numbers[at];
	if (st->n * 2 >= st->size) {
		grow(st);
		at = slot_of(st, addr);
	}
	st->addresses[at] = addr;
	return st->numbers[at] = ++st->n;
}

/* -- tasks --------------------------------------------------------------------------------------------------------------- */

/* Idle processors all are pid 0; no idle task leaves its processor. */
static uint64_t task_key(const struct event *ev)
{
	return ev->has & HAS_PID && ev->pid > 0 ? (uint64_t)ev->pid << 1 : (uint64_t)(uint32_t)ev->cpu << 1 | 1;
}

/* The slot of the event's task. Another task that had it is forgotten: what it was doing is then unknown, and not guessed. */
static struct task_calls *task_of(struct probe_state *st, const struct event *ev, bool make)
{
	uint64_t key = task_key(ev) + 1;
	struct task_calls *t = &st->tasks[(key * 0x9e3779b97f4a7c15ULL >> 32) % TASKS];

	if (t->key == key)
		return t;
	if (!make)
		return NULL;
	memset(t, 0, sizeof(*t));
	t->key = key;
	return t;
}

static void keep_name(char *buf, size_t size, struct slice s)
{
	size_t n = MIN(s.n, size - 1);

	memcpy(buf, s.p ?: "", n);
	buf[n] = '\0';
}

static bool same_name(const char *a, struct slice b)
{
	return strlen(a) == b.n && !memcmp(a, b.p ?: "", b.n);
}

/* -- the probes' text ---------------------------------------------------------------------------------------------------- */

static bool key_num(struct slice text, const char *key, bool hex, uint64_t *ret)
{
	struct scan s = scan_of(text);

	return scan_past_bytes(&s, key, strlen(key)) && (hex ? scan_hex(&s, ret) : scan_dec(&s, ret));
}

/* dev="0000:01:00.0"; (fault) when the kernel could not read it. */
static void scan_device(struct slice text, struct event *ev)
{
	struct scan s = scan_of(text);

	if (scan_past(&s, " dev=\"") && scan_until(&s, '"', &ev->device) && ev->device.n)
		ev->has |= HAS_SEGMENT;
	else
		ev->device = (struct slice){ 0 };
}

static enum line_result take_call(struct probe_state *st, struct slice text, const struct event *ev, bool is_map)
{
	struct task_calls *t = task_of(st, ev, true);
	uint64_t domain, iova;
	struct call *c;

	if (!key_num(text, " domain=", true, &domain) || !key_num(text, " iova=", true, &iova))
		return LINE_BAD;
	c = is_map ? &t->maps[t->n_maps++ % CALLS] : &t->unmaps[t->n_unmaps++ % CALLS];
	*c = (struct call){ .addr = iova, .domain = domain_number(st, domain) };
	return LINE_TAKEN;
}

static enum line_result take_attach(struct probe_state *st, struct slice text, struct event *ev)
{
	struct task_calls *t = task_of(st, ev, true);
	uint64_t domain;

	scan_device(text, ev);
	if (!key_num(text, " domain=", true, &domain))
		return LINE_BAD;
	t->attach_domain = domain_number(st, domain);
	keep_name(t->attach_device, sizeof(t->attach_device), ev->device);
	return LINE_TAKEN;
}

/* Bits of include/linux/iommu.h: IOMMU_FAULT_PAGE_REQUEST_PASID_VALID, _LAST_PAGE; permissions are in the order of enum access. */
#define FLAG_PASID 1
#define FLAG_LAST 2

static bool scan_group(struct slice text, struct event *ev)
{
	uint64_t flags, pasid, group;

	if (!key_num(text, " flags=", true, &flags) || !key_num(text, " pasid=", false, &pasid) ||
	    !key_num(text, " grpid=", false, &group))
		return false;
	scan_device(text, ev);
	ev->page = (struct page_info){ .group = (uint32_t)group, .last = flags & FLAG_LAST, .core = true };
	if (flags & FLAG_PASID) {
		ev->pasid = (uint32_t)pasid;
		ev->has |= HAS_PASID;
	}
	return true;
}

static enum line_result take_request(struct probe_state *st, struct slice text, struct event *ev)
{
	struct task_calls *t = task_of(st, ev, true);
	uint64_t perm;

	ev->kind = EVENT_PAGE_REQUEST;
	if (!scan_group(text, ev) || !key_num(text, " perm=", true, &perm) || !key_num(text, " addr=", true, &ev->addr))
		return LINE_BAD;
	ev->access = perm & (ACCESS_READ | ACCESS_WRITE | ACCESS_EXEC | ACCESS_PRIVILEGED);
	ev->has |= HAS_ADDR;
	t->has_request = ev->page.last;
	t->request_group = ev->page.group;
	t->request_pasid = ev->pasid;
	t->request_addr = ev->addr;
	t->request_has_pasid = ev->has & HAS_PASID;
	keep_name(t->request_device, sizeof(t->request_device), ev->device);
	return LINE_EVENT;
}

static enum line_result take_response(struct probe_state *st, struct slice text, struct event *ev)
{
	struct task_calls *t = task_of(st, ev, false);
	uint64_t code;

	ev->kind = EVENT_PAGE_RESPONSE;
	if (!scan_group(text, ev) || !key_num(text, " code=", false, &code))
		return LINE_BAD;
	/* enum iommu_page_response_code: 0, 1, and 2 where PCIe has 0xf */
	ev->page.code = code == 2 ? 0xf : (uint32_t)code;
	/* answered inside of the call that reported it: what that returns is no second answer */
	if (t && t->has_request && t->request_group == ev->page.group && same_name(t->request_device, ev->device))
		t->has_request = false;
	return LINE_EVENT;
}

/* A negative result: nobody takes this device's requests, so the core has refused the group by itself. */
static enum line_result take_result(struct probe_state *st, struct slice text, struct event *ev)
{
	struct task_calls *t = task_of(st, ev, false);
	struct scan s = scan_of(text);

	if (!scan_past(&s, " ret="))
		return LINE_BAD;
	if (!scan_char(&s, '-') || !t || !t->has_request)
		return LINE_TAKEN;
	t->has_request = false;
	memcpy(st->device, t->request_device, sizeof(st->device));
	ev->kind = EVENT_PAGE_RESPONSE;
	ev->device = (struct slice){ st->device, strlen(st->device) };
	ev->page = (struct page_info){ .group = t->request_group, .last = true, .core = true, .code = 1 };
	ev->pasid = t->request_pasid;
	ev->addr = t->request_addr;
	ev->has |= HAS_ADDR | (ev->device.n ? HAS_SEGMENT : 0) | (t->request_has_pasid ? HAS_PASID : 0);
	return LINE_EVENT;
}

enum line_result probe_event(struct probe_state **st, struct slice name, struct slice text, struct event *ev)
{
	if (!*st)
		*st = probe_new();
	if (slice_is(name, "request_ret"))
		return take_result(*st, text, ev);
	if (slice_is(name, "request"))
		return take_request(*st, text, ev);
	if (slice_is(name, "response"))
		return take_response(*st, text, ev);
	if (slice_is(name, "attach"))
		return take_attach(*st, text, ev);
	if (slice_starts(name, "map"))
		return take_call(*st, text, ev, true);
	if (slice_starts(name, "unmap"))
		return take_call(*st, text, ev, false);
	return LINE_TAKEN;
}

/* "# iommuctl attached domain=0x… device=…", which `trace record` writes at the head. */
enum line_result probe_comment(struct probe_state **st, struct slice line, struct event *ev)
{
	struct scan s = scan_of(line);
	uint64_t domain;

	if (!scan_lit(&s, "# iommuctl attached domain=") || !scan_hex(&s, &domain) || !scan_lit(&s, " device=") ||
	    !scan_word(&s, &ev->device))
		return LINE_OTHER;
	if (!*st)
		*st = probe_new();
	ev->kind = EVENT_ATTACHED;
	ev->domain_object = domain_number(*st, domain);
	ev->has |= HAS_SEGMENT | (ev->domain_object ? HAS_DOMAIN_OBJECT : 0);
	return LINE_EVENT;
}

/* -- completing the trace events ------------------------------------------------------------------------------------------ */

/* The newest call at the address; a list of segments is mapped in one call that names the first address only. */
static uint32_t find_call(const struct call *calls, unsigned n, uint64_t addr)
{
	uint32_t below = 0;

	for (unsigned i = 0; i < MIN(n, (unsigned)CALLS); i++) {
		const struct call *c = &calls[(n - 1 - i) % CALLS];

		if (c->addr == addr)
			return c->domain;
		if (!below && c->addr < addr)
			below = c->domain;
	}
	return below;
}

void probe_complete(struct probe_state *st, struct event *ev)
{
	struct task_calls *t = task_of(st, ev, false);

	if (!t || ev->has & HAS_DOMAIN_OBJECT)
		return;
	if (ev->kind == EVENT_MAP)
		ev->domain_object = find_call(t->maps, t->n_maps, ev->addr);
	else if (ev->kind == EVENT_UNMAP)
		ev->domain_object = find_call(t->unmaps, t->n_unmaps, ev->addr);
	else if (ev->kind == EVENT_ATTACH && same_name(t->attach_device, ev->device))
		ev->domain_object = t->attach_domain;
	if (ev->domain_object)
		ev->has |= HAS_DOMAIN_OBJECT;
}
