// SPDX-License-Identifier: GPL-2.0-or-later
/* Page request groups: raised, taken, answered, and compared with what was recorded. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "abi/iommufd.h"
#include "model/model.h"
#include "replay/internal.h"

/* Nobody else answers for us. */
#define HOLD_MS 86400000U

static struct replay_group *find(struct player *r, uint64_t key)
{
	size_t at = (size_t)(key * 0x9e3779b97f4a7c15ULL >> 20) & (r->size_groups - 1);

	while (r->groups[at].key && r->groups[at].key != key)
		at = (at + 1) & (r->size_groups - 1);
	return &r->groups[at];
}

static void grow(struct player *r)
{
	struct replay_group *old = r->groups;
	size_t n = r->size_groups;

	r->size_groups = n ? n * 2 : 1024;
	r->groups = must_calloc(r->size_groups, sizeof(*r->groups));
	for (size_t i = 0; i < n; i++)
		if (old[i].key)
			*find(r, old[i].key) = old[i];
	free(old);
}

static struct replay_group *group_of(struct player *r, uint32_t device, uint32_t index)
{
	if (r->n_groups * 2 >= r->size_groups)
		grow(r);
	return find(r, ((uint64_t)device << 32 | index) + 1);
}

/* -- ends -------------------------------------------------------------------------------------------------------------------- */

static void note_difference(struct player *r, const struct replay_group *g)
{
	struct replay_report *p = &r->report;
	struct replay_difference *d;

	if (g->recorded == g->replayed || p->differences++ >= REPLAY_DIFFERENCES)
		return;
	d = &p->v[p->differences - 1];
	*d = (struct replay_difference){ .line = g->line, .group = g->index, .recorded = g->recorded, .replayed = g->replayed };
	memcpy(d->device, r->devices.v[g->device].name, sizeof(d->device));
}

/* The group is over: nothing of it comes any more. */
static void settle(struct player *r, struct replay_group *g)
{
	struct replay_report *p = &r->report;

	p->groups++;
	p->recorded[g->recorded]++;
	if (!g->complete) {
		p->incomplete++;
		return;
	}
	p->replayed[g->replayed]++;
	p->lost += g->replayed == OUTCOME_NONE && !g->open;
	note_difference(r, g);
}

static int answer(struct player *r, struct replay_group *g, enum replay_outcome how)
{
	struct op_faultq_respond op = {
		.id = r->devices.v[g->device].queue,
		.cookie = g->cookie,
		.code = how == OUTCOME_SUCCESS ? IOMMUFD_PAGE_RESP_SUCCESS : IOMMUFD_PAGE_RESP_INVALID,
	};
	int err = backend_faultq_respond(r->b, &op, NULL);

	g->open = false;
	if (err < 0)
		return err;
	g->replayed = how == OUTCOME_SUCCESS ? OUTCOME_SUCCESS : OUTCOME_INVALID;
	latency_add(&r->report.latency, replay_now() - g->raised_ns);
	return 0;
}

/* What the policy answers when the device does not wait for what was recorded. */
static enum replay_outcome policy_answer(const struct player *r)
{
	return r->opt.policy == REPLAY_SUCCESS ? OUTCOME_SUCCESS : OUTCOME_INVALID;
}

/* -- raising ----------------------------------------------------------------------------------------------------------------- */

static int raise_request(struct player *r, const struct event *ev, const struct replay_device *d)
{
	uint32_t pasid = ev->has & HAS_PASID ? ev->pasid : 0;
	struct op_mock_fault op = { .handle = d->handle, .pasid = pasid, .grpid = ev->page.group, .perm = ev->access, .addr = ev->addr };

	if (r->opt.model)
		return model_page_request(r->opt.model, &op, ev->page.last);
	return backend_mock_fault(r->b, &op, NULL);
}

/* Takes the group from the queue. Nothing there: the core has answered by itself. */
static int take(struct player *r, struct replay_group *g)
{
	uint32_t queue = r->devices.v[g->device].queue;
	struct op_data d = { .out = r->buf, .out_cap = OP_FAULT_ROOM, .fd_in = -1, .fd_out = -1 };
	struct iommu_hwpt_pgfault f;
	int err;

	if (r->opt.session) {
		struct op_fault_take op = { .id = queue, .hold_ms = HOLD_MS };

		err = backend_fault_take(r->b, &op, &d);
	} else {
		struct op_faultq_read op = { .id = queue };

		err = backend_faultq_read(r->b, &op, &d);
	}
	if (err == -EAGAIN || (err == 0 && d.out_len < sizeof(f))) {
		g->replayed = OUTCOME_REFUSED;
		return 0;
	}
	if (err < 0)
		return err;
	memcpy(&f, r->buf, sizeof(f));
	g->cookie = f.cookie;
	g->open = true;
	return r->opt.policy == REPLAY_AS_RECORDED ? 0 : answer(r, g, policy_answer(r));
}

static void start_group(struct player *r, struct replay_group *g, const struct event *ev, uint32_t device)
{
	if (g->key)
		settle(r, g);
	else
		r->n_groups++;
	*g = (struct replay_group){ .key = ((uint64_t)device << 32 | ev->page.group) + 1, .device = device, .index = ev->page.group,
				    .line = ev->line, .raised_ns = replay_now() };
}

static bool is_over(const struct replay_group *g, bool core)
{
	return g->answered[0] || g->answered[1] || g->last[core];
}

/* A group that is begun anew while the old one still waits: the device has given that up, the kernel has not. */
static int close_old(struct player *r, struct replay_group *g)
{
	if (!g->key || !g->open)
		return 0;
	r->report.overdue++;
	return answer(r, g, OUTCOME_INVALID);
}

int replay_request(struct player *r, const struct event *ev)
{
	bool core = ev->page.core;
	struct replay_group *g;
	uint32_t device;
	int err = device_of(r, ev, &device);

	if (err < 0)
		return err;
	g = group_of(r, device, ev->page.group);
	if (!g->key || is_over(g, core)) {
		err = close_old(r, g);
		if (err < 0)
			return err;
		start_group(r, g, ev, device);
	}
	g->last[core] |= ev->page.last;
	if (g->pages[core]++ < g->pages[!core])
		return 0; /* the other layer had it before */
	r->report.requests++;
	if (!ev->page.last && !r->opt.model) {
		r->report.folded++; /* the selftest's requests always are the last: the group is raised with that one */
		return 0;
	}
	err = raise_request(r, ev, &r->devices.v[device]);
	if (err < 0 && err != -EINVAL)
		return err;
	if (!ev->page.last)
		return 0;
	g->complete = true;
	return take(r, g);
}

int replay_response(struct player *r, const struct event *ev)
{
	static const enum replay_outcome outcomes[] = { OUTCOME_SUCCESS, OUTCOME_INVALID, OUTCOME_FAILURE };
	enum replay_outcome recorded = outcomes[MIN(ev->page.code, 2U)];
	bool core = ev->page.core;
	struct replay_group *g;
	uint32_t device;
	int err = device_of(r, ev, &device);

	if (err < 0)
		return err;
	g = group_of(r, device, ev->page.group);
	if (!g->key || g->answered[0] || g->answered[1]) {
		if (g->key)
			g->answered[core] = true;
		return 0; /* began before the trace did, or is answered already */
	}
	g->answered[core] = true;
	g->recorded = recorded;
	return g->open ? answer(r, g, recorded) : 0;
}

int replay_drain(struct player *r, uint32_t device, uint64_t *ret_n)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->size_groups; i++) {
		struct replay_group *g = &r->groups[i];
		int err;

		if (!g->key || !g->open || (device != UINT32_MAX && g->device != device))
			continue;
		err = answer(r, g, policy_answer(r));
		if (err < 0)
			return err;
		n++;
	}
	*ret_n = n;
	return 0;
}

void replay_count_groups(struct player *r)
{
	for (size_t i = 0; i < r->size_groups; i++)
		if (r->groups[i].key)
			settle(r, &r->groups[i]);
}
