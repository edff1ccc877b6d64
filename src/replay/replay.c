// SPDX-License-Identifier: GPL-2.0-or-later
#include "replay/replay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "abi/selftest.h"
#include "replay/internal.h"

/* More devices than that are not made. */
#define DEVICES_MAX 4096
/* Nor units; each has a page table of its own. */
#define UNITS_MAX 1024
/* Nor address spaces: domains are numbered as they come, but in what somebody else wrote. */
#define SPACES_MAX (1u << 20)
#define HOLD_MS 86400000U

static const char *const outcomes[OUTCOME_MAX] = {
	[OUTCOME_NONE] = "none",       [OUTCOME_SUCCESS] = "success", [OUTCOME_INVALID] = "invalid",
	[OUTCOME_FAILURE] = "failure", [OUTCOME_REFUSED] = "refused",
};

const char *replay_outcome_name(enum replay_outcome o)
{
	return outcomes[o];
}

uint64_t replay_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

struct player *player_new(struct backend *b, const struct replay_options *opt)
{
	struct player *r = must_calloc(1, sizeof(*r));

	r->buf = must_malloc(OP_FAULT_ROOM);
	r->b = b;
	r->opt = *opt;
	return r;
}

void player_free(struct player *r)
{
	if (!r)
		return;
	if (!r->finished)
		player_finish(r);
	vec_free(&r->spaces);
	vec_free(&r->devices);
	vec_free(&r->units);
	vec_free(&r->made);
	vec_free(&r->handles);
	free(r->device_slots);
	free(r->groups);
	free(r->buf);
	free(r);
}

/* -- objects ----------------------------------------------------------------------------------------------------------------- */

static void count(struct replay_ops *o, int err, const struct event *ev)
{
	if (err >= 0) {
		o->done++;
		return;
	}
	if (!o->failed++) {
		o->err = -err;
		o->err_line = ev->line;
	}
}

int space_of(struct player *r, uint32_t domain, uint32_t *ret)
{
	struct op_ioas_alloc op = { 0 };
	int err;

	if (domain >= SPACES_MAX)
		return -E2BIG;
	while (r->spaces.n <= domain)
		*vec_push(&r->spaces) = 0;
	*ret = r->spaces.v[domain];
	if (*ret)
		return 0;
	err = backend_ioas_alloc(r->b, &op, NULL);
	if (err < 0)
		return err;
	*vec_push(&r->made) = r->spaces.v[domain] = *ret = op.ret_id;
	r->report.domains++;
	return 0;
}

int make_nested(struct player *r, uint32_t handle, uint32_t queue, uint32_t *ret_nested)
{
	struct op_hwpt_alloc parent = { .handle = handle, .flags = IOMMU_HWPT_ALLOC_NEST_PARENT };
	struct iommu_hwpt_selftest data = { .iotlb = IOMMU_TEST_IOTLB_DEFAULT };
	/* without the later member: 6.12 takes no more */
	struct op_data d = { .in = &data, .in_len = sizeof(data.iotlb), .fd_in = -1, .fd_out = -1 };
	struct op_hwpt_alloc nested = { .handle = handle, .data_type = IOMMU_HWPT_DATA_SELFTEST, .fault_id = queue,
					.flags = queue ? IOMMU_HWPT_FAULT_ID_VALID : 0 };
	struct op_device_attach attach = { .handle = handle };
	struct op_ioas_alloc ioas = { 0 };
	int err = r->stage ? 0 : backend_ioas_alloc(r->b, &ioas, NULL);

	if (err < 0)
		return err;
	if (!r->stage)
		*vec_push(&r->made) = r->stage = ioas.ret_id;
	parent.pt_id = r->stage;
	err = backend_hwpt_alloc(r->b, &parent, NULL);
	if (err < 0)
		return err;
	*vec_push(&r->made) = nested.pt_id = parent.ret_id;
	err = backend_hwpt_alloc(r->b, &nested, &d);
	if (err < 0)
		return err;
	*vec_push(&r->made) = attach.pt_id = nested.ret_id;
	err = backend_device_attach(r->b, &attach, NULL);
	if (err == 0)
		*ret_nested = nested.ret_id;
	return err;
}

int make_device(struct player *r, const char *name, uint32_t *ret_handle, uint32_t *ret_nested, uint32_t *ret_queue)
{
	struct op_device_open op = { .bus = "mock", .group = OP_NO_GROUP };
	struct op_faultq_alloc queue = { .hold_ms = HOLD_MS };
	int err;

	snprintf(op.dev, sizeof(op.dev), "%s", name);
	err = backend_device_open(r->b, &op, NULL);
	if (err < 0)
		return err;
	*vec_push(&r->handles) = *ret_handle = op.ret_handle;
	err = ret_queue ? backend_faultq_alloc(r->b, &queue, NULL) : 0;
	if (err < 0)
		return err;
	if (ret_queue)
		*vec_push(&r->made) = *ret_queue = queue.ret_id;
	return make_nested(r, op.ret_handle, ret_queue ? queue.ret_id : 0, ret_nested);
}

/* -- devices ----------------------------------------------------------------------------------------------------------------- */

/* "0000:00:0a.0" as a requester id: units speak of devices by that, the core by name. */
static bool name_rid(struct slice name, uint32_t *ret)
{
	unsigned bus, dev, fn;
	char text[8];

	if (name.n < 7)
		return false;
	memcpy(text, name.p + name.n - 7, 7);
	text[7] = '\0';
	if (sscanf(text, "%2x:%2x.%1x", &bus, &dev, &fn) != 3)
		return false;
	*ret = bus << 8 | dev << 3 | fn;
	return true;
}

static uint64_t device_key(const struct event *ev)
{
	uint64_t h = 0xcbf29ce484222325ULL;
	uint32_t rid = ev->source_id;

	if (ev->has & HAS_SOURCE || name_rid(ev->device, &rid))
		return rid + 1ULL;
	for (size_t i = 0; i < ev->device.n; i++)
		h = (h ^ (unsigned char)ev->device.p[i]) * 0x100000001b3ULL;
	return h | 1ULL << 63;
}

static uint32_t *device_slot(struct player *r, uint64_t key)
{
	size_t at = (size_t)(key * 0x9e3779b97f4a7c15ULL >> 20) & (r->n_device_slots - 1);

	while (r->device_slots[at] && r->devices.v[r->device_slots[at] - 1].key != key)
		at = (at + 1) & (r->n_device_slots - 1);
	return &r->device_slots[at];
}

static void make_slots(struct player *r)
{
	if (r->device_slots)
		return;
	r->n_device_slots = DEVICES_MAX * 2;
	r->device_slots = must_calloc(r->n_device_slots, sizeof(*r->device_slots));
}

static int new_device(struct player *r, const struct event *ev, uint64_t key, uint32_t *slot)
{
	struct replay_device d = { .key = key, .domain = ev->domain_object };
	int err;

	if (r->devices.n >= DEVICES_MAX)
		return -E2BIG;
	if (ev->device.n)
		snprintf(d.name, sizeof(d.name), "%.*s", SLICE_FMT(ev->device));
	else
		snprintf(d.name, sizeof(d.name), "id 0x%x", ev->source_id);
	err = make_device(r, d.name, &d.handle, &d.nested, &d.queue);
	if (err < 0)
		return err;
	d.attached = true;
	*vec_push(&r->devices) = d;
	*slot = (uint32_t)r->devices.n;
	r->report.devices = r->devices.n;
	return 0;
}

int device_of(struct player *r, const struct event *ev, uint32_t *ret)
{
	uint64_t key = device_key(ev);
	uint32_t *slot;
	int err = 0;

	make_slots(r);
	slot = device_slot(r, key);
	if (!*slot)
		err = new_device(r, ev, key, slot);
	if (err == 0)
		*ret = *slot - 1;
	return err;
}

/* The page tables that a device has left; those of a trace with many moves would fill the memory. */
static void forget_nested(struct player *r, uint32_t id)
{
	for (size_t i = r->made.n; i-- > 1;) {
		struct op_destroy nested = { .id = id }, parent = { .id = r->made.v[i - 1] };

		if (r->made.v[i] != id)
			continue;
		r->report.not_cleaned += backend_destroy(r->b, &nested, NULL) < 0;
		r->report.not_cleaned += backend_destroy(r->b, &parent, NULL) < 0;
		memmove(&r->made.v[i - 1], &r->made.v[i + 1], (r->made.n - i - 1) * sizeof(*r->made.v));
		r->made.n -= 2;
		return;
	}
}

/* What waits is answered first: an attach elsewhere, and a detach, would have the kernel answer it invalid. */
static int move_device(struct player *r, struct replay_device *d, uint32_t domain, bool queue)
{
	uint32_t old = d->nested;
	uint64_t n;
	int err = replay_drain(r, (uint32_t)(d - r->devices.v), &n);

	if (err < 0)
		return err;
	r->report.drained += n;
	err = make_nested(r, d->handle, queue ? d->queue : 0, &d->nested);
	if (err == 0)
		forget_nested(r, old);
	d->domain = domain;
	d->attached = queue;
	return err;
}

static int play_attach(struct player *r, const struct event *ev)
{
	struct replay_device *d;
	uint32_t i;
	size_t before = r->devices.n;
	int err = ev->device.n ? device_of(r, ev, &i) : 0;

	if (err < 0 || !ev->device.n)
		return err;
	r->report.attaches++;
	d = &r->devices.v[i];
	if (before != r->devices.n || (d->attached && d->domain == ev->domain_object && ev->has & HAS_DOMAIN_OBJECT))
		return 0;
	return move_device(r, d, ev->domain_object, true);
}

/* A selftest device is never without a page table: it gets one without a fault queue, and its requests are refused from then on. */
static int play_detach(struct player *r, const struct event *ev)
{
	uint32_t i;
	int err = ev->device.n ? device_of(r, ev, &i) : 0;

	if (err < 0 || !ev->device.n)
		return err;
	r->report.detaches++;
	return move_device(r, &r->devices.v[i], r->devices.v[i].domain, false);
}

/* -- maps -------------------------------------------------------------------------------------------------------------------- */

static int play_map(struct player *r, const struct event *ev)
{
	struct op_ioas_map op = { .flags = OP_MAP_FIXED | OP_MAP_WRITE | OP_MAP_READ, .iova = ev->addr, .length = ev->size };
	int err;

	if (!(ev->has & HAS_ADDR) || !(ev->has & HAS_SIZE))
		return 0;
	err = space_of(r, ev->domain_object, &op.ioas_id);
	if (err < 0)
		return err;
	err = backend_ioas_map(r->b, &op, NULL);
	count(&r->report.maps, err, ev);
	if (err == 0)
		r->report.live_bytes += ev->size;
	return 0;
}

static int play_unmap(struct player *r, const struct event *ev)
{
	struct op_ioas_unmap op = { .iova = ev->addr, .length = ev->has & HAS_DONE ? ev->done : ev->size };
	int err;

	if (!(ev->has & HAS_ADDR) || !op.length)
		return 0;
	err = space_of(r, ev->domain_object, &op.ioas_id);
	if (err < 0)
		return err;
	err = backend_ioas_unmap(r->b, &op, NULL);
	count(&r->report.unmaps, err, ev);
	if (err == 0)
		r->report.live_bytes -= MIN(r->report.live_bytes, op.ret_length);
	return 0;
}

/* -- invalidations ----------------------------------------------------------------------------------------------------------- */

static int unit_of(struct player *r, struct slice name, struct replay_unit **ret)
{
	struct replay_unit u = { 0 };
	int err;

	name.n = MIN(name.n, sizeof(u.name) - 1);
	for (size_t i = 0; i < r->units.n; i++) {
		*ret = &r->units.v[i];
		if (strlen((*ret)->name) == name.n && !memcmp((*ret)->name, name.p ?: "", name.n))
			return 0;
	}
	if (r->units.n >= UNITS_MAX)
		return -E2BIG;
	memcpy(u.name, name.p ?: "", name.n);
	err = make_device(r, u.name[0] ? u.name : "unit", &u.handle, &u.nested, NULL);
	if (err < 0)
		return err;
	*ret = vec_push(&r->units);
	**ret = u;
	return 0;
}

static int send_invalidation(struct player *r, const struct replay_unit *u, const struct event *ev)
{
	struct iommu_hwpt_invalidate_selftest entry = { .iotlb_id = (uint32_t)(ev->addr >> 12) & 3 };
	struct op_hwpt_invalidate op = { .id = u->nested, .data_type = IOMMU_HWPT_INVALIDATE_DATA_SELFTEST,
					 .entry_len = sizeof(entry), .n = 1 };
	struct op_data d = { .in = &entry, .in_len = sizeof(entry), .fd_in = -1, .fd_out = -1 };

	if (ev->inval.scope != EXTENT_RANGE)
		entry.flags = IOMMU_TEST_INVALIDATE_FLAG_ALL;
	return backend_hwpt_invalidate(r->b, &op, &d);
}

/* A virtual IOMMU over several units knows where a device is, and not where a domain, an address or a PASID is in use. */
static bool names_device(const struct event *ev)
{
	return ev->device.n || ev->has & HAS_SOURCE;
}

static int play_invalidation(struct player *r, const struct event *ev)
{
	struct replay_unit *u;
	int err;

	if (ev->inval.kind == INVAL_WAIT || ev->inval.kind == INVAL_INTERRUPT || ev->inval.kind == INVAL_PREFETCH)
		return 0;
	err = unit_of(r, ev->unit, &u);
	if (err < 0)
		return err;
	if (names_device(ev))
		r->report.placed++;
	else
		r->report.unplaced++;
	for (size_t i = 0; r->opt.shared && !names_device(ev) && i < r->units.n; i++)
		if (&r->units.v[i] != u)
			count(&r->report.invalidations, send_invalidation(r, &r->units.v[i], ev), ev);
	count(&r->report.invalidations, send_invalidation(r, u, ev), ev);
	return 0;
}

/* -- events ------------------------------------------------------------------------------------------------------------------ */

/* Waits until it is this event's turn. */
static int pace(struct player *r, const struct event *ev)
{
	uint64_t due, now;

	if (r->opt.stop && *r->opt.stop)
		return -EINTR;
	if (r->opt.speed <= 0 || !(ev->has & HAS_TIME))
		return 0;
	if (!r->has_start) {
		r->has_start = true;
		r->first_ns = ev->time_ns;
		r->start_ns = replay_now();
	}
	if (ev->time_ns <= r->first_ns)
		return 0;
	due = r->start_ns + (uint64_t)((double)(ev->time_ns - r->first_ns) / r->opt.speed);
	while ((now = replay_now()) < due) {
		uint64_t left = MIN(due - now, (uint64_t)200000000);
		struct timespec t = { .tv_nsec = (long)left };

		nanosleep(&t, NULL);
		if (r->opt.stop && *r->opt.stop)
			return -EINTR;
	}
	return 0;
}

int player_event(struct player *r, const struct event *ev, const char **ret_what)
{
	int err = pace(r, ev);

	if (err < 0)
		return err;
	r->report.events++;
	switch (ev->kind) {
	case EVENT_MAP:
		*ret_what = "an address space";
		return play_map(r, ev);
	case EVENT_UNMAP:
		*ret_what = "an address space";
		return play_unmap(r, ev);
	case EVENT_ATTACH:
	case EVENT_ATTACHED:
		*ret_what = "a device, or its page tables";
		return play_attach(r, ev);
	case EVENT_DETACH:
		*ret_what = "a device, or its page tables";
		return play_detach(r, ev);
	case EVENT_INVALIDATE:
		*ret_what = "a page table for a unit";
		return play_invalidation(r, ev);
	case EVENT_PAGE_REQUEST:
		*ret_what = "a page request";
		return replay_request(r, ev);
	case EVENT_PAGE_RESPONSE:
		*ret_what = "an answer";
		return replay_response(r, ev);
	default:
		return 0;
	}
}

/* In the opposite order; devices first, for they use the rest. */
static void destroy_all(struct player *r)
{
	for (size_t i = r->handles.n; i-- > 0;) {
		struct op_device_close op = { .handle = r->handles.v[i] };

		r->report.not_cleaned += backend_device_close(r->b, &op, NULL) < 0;
	}
	for (size_t i = r->made.n; i-- > 0;) {
		struct op_destroy op = { .id = r->made.v[i] };

		r->report.not_cleaned += backend_destroy(r->b, &op, NULL) < 0;
	}
}

const struct replay_report *player_finish(struct player *r)
{
	struct replay_report *p = &r->report;
	uint64_t n = 0;

	if (r->finished)
		return p;
	r->finished = true;
	r->opt.policy = r->opt.policy == REPLAY_SUCCESS ? REPLAY_SUCCESS : REPLAY_INVALID;
	replay_drain(r, UINT32_MAX, &n);
	p->overdue += n;
	replay_count_groups(r);
	p->units = MAX((uint64_t)r->opt.units, (uint64_t)r->units.n);
	p->broadcasts = p->units > 1 ? p->unplaced * (p->units - 1) : 0;
	destroy_all(r);
	return p;
}
