// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page requests that wait. The kernel has no timeout for them and hands each group out once (drivers/iommu/iommufd/eventq.c), so
 * whoever read one is the only one who can ever answer it.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "backend/kernel.h"
#include "backend/workspace-internal.h"

/* One record, as far as it is looked at here: struct iommu_hwpt_pgfault. */
#define RECORD_SIZE 40
#define RECORD_COOKIE 36
/* A page request group index has 9 bits, and each group at least one record. */
#define READ_RECORDS 1024

#define RESPONSE_INVALID 1

static uint32_t cookie_of(const char *record)
{
	uint32_t cookie;

	memcpy(&cookie, record + RECORD_COOKIE, sizeof(cookie));
	return cookie;
}

/* Records of one cookie behind each other are one group. */
static void add_groups(struct workspace *w, const struct object *queue, const char *records, size_t n)
{
	int64_t deadline = kernel_now_ms() + queue->hold_ms;

	for (size_t i = 0, end; i < n; i = end) {
		uint32_t cookie = cookie_of(records + i * RECORD_SIZE);
		struct group_wait *g;

		for (end = i + 1; end < n && cookie_of(records + end * RECORD_SIZE) == cookie;)
			end++;
		g = vec_push(&w->groups);
		*g = (struct group_wait){ .queue = queue->o.id, .cookie = cookie, .deadline = deadline, .n = end - i };
		g->records = must_malloc(g->n * RECORD_SIZE);
		memcpy(g->records, records + i * RECORD_SIZE, g->n * RECORD_SIZE);
	}
}

static void read_queue(struct workspace *w, const struct object *queue)
{
	char buf[READ_RECORDS * RECORD_SIZE];
	struct op_data d = { .out = buf, .out_cap = sizeof(buf), .fd_in = -1, .fd_out = -1 };

	do {
		struct op_faultq_read op = { .id = queue->o.id };

		d.out_len = 0;
		if (backend_faultq_read(w->inner, &op, &d) < 0)
			return;
		add_groups(w, queue, buf, MIN(d.out_len, sizeof(buf)) / RECORD_SIZE);
	} while (d.out_len > sizeof(buf) / 2);
}

static void read_queues(struct workspace *w)
{
	for (const struct object *e = w->first; w->n_queues && e; e = e->next)
		if (e->o.kind == OP_KIND_FAULTQ)
			read_queue(w, e);
}

static void forget(struct workspace *w, size_t i)
{
	free(w->groups.v[i].records);
	w->groups.n--;
	memmove(&w->groups.v[i], &w->groups.v[i + 1], (w->groups.n - i) * sizeof(w->groups.v[0]));
}

/*
 * -EINVAL from the kernel: it has answered itself, since the device was detached or moved. Only what was answered because nobody did
 * in time counts as expired.
 */
static void give_up(struct workspace *w, size_t i)
{
	const struct group_wait *g = &w->groups.v[i];
	struct op_faultq_respond op = { .id = g->queue, .cookie = g->cookie, .code = RESPONSE_INVALID };
	struct object *queue = objects_by_id(w, g->queue);

	if (backend_faultq_respond(w->inner, &op, NULL) == 0 && queue)
		queue->o.expired++;
	forget(w, i);
}

int workspace_tick(struct backend *b)
{
	struct workspace *w = workspace_of(b);
	int64_t now = kernel_now_ms(), next = -1;

	read_queues(w);
	for (size_t i = w->groups.n; i-- > 0;) {
		int64_t left = w->groups.v[i].deadline - now;

		if (left <= 0)
			give_up(w, i);
		else if (next < 0 || left < next)
			next = left;
	}
	return next > INT32_MAX ? INT32_MAX : (int)next;
}

void workspace_client_gone(struct backend *b, uint32_t client, bool clean)
{
	struct workspace *w = workspace_of(b);

	for (size_t i = w->groups.n; i-- > 0;) {
		struct group_wait *g = &w->groups.v[i];

		if (!g->taken || g->client != client)
			continue;
		if (clean)
			g->client = 0; /* anybody's to answer until its deadline */
		else
			give_up(w, i);
	}
}

static struct group_wait *find_free(struct workspace *w, uint32_t queue)
{
	struct group_wait *g;

	vec_for_each(g, &w->groups)
		if (!g->taken && (!queue || g->queue == queue))
			return g;
	return NULL;
}

/* Until something comes into this queue, or @ms are over, or a signal ends it. Without a descriptor nothing can come while we wait. */
static int wait_queue(const struct workspace *w, const struct object *queue, int ms)
{
	struct pollfd p = { .fd = queue->queue_fd, .events = POLLIN };

	if (p.fd < 0)
		return -EAGAIN;
	if (w->backend.interrupted && *w->backend.interrupted)
		return -EINTR;
	if (poll(&p, 1, ms) < 0)
		return -errno;
	return 0;
}

static int wait_group(struct workspace *w, const struct op_fault_take *op, const struct object *queue, struct group_wait **ret)
{
	int64_t deadline = kernel_now_ms() + op->wait_ms;
	struct group_wait *g;
	int r;

	for (;;) {
		int next = workspace_tick(&w->backend), left = kernel_ms_left(deadline);

		g = find_free(w, op->id);
		if (g)
			break;
		if (!left || w->client)
			return -EAGAIN;
		r = wait_queue(w, queue, next >= 0 ? MIN(next, left) : left);
		if (r < 0)
			return r;
	}
	*ret = g;
	return 0;
}

int workspace_fault_take(struct backend *b, struct op_fault_take *op, struct op_data *d)
{
	struct workspace *w = workspace_of(b);
	const struct object *queue = objects_by_id(w, op->id);
	struct group_wait *g;
	int r;

	if (!queue || queue->o.kind != OP_KIND_FAULTQ)
		return -ENOENT;
	r = wait_group(w, op, queue, &g);
	if (r < 0)
		return r;
	if (g->n * RECORD_SIZE > d->out_cap)
		return -EMSGSIZE;
	g->taken = true;
	g->client = w->client;
	g->deadline = kernel_now_ms() + (op->hold_ms ? op->hold_ms : queue->hold_ms);
	d->out_len = g->n * RECORD_SIZE;
	memcpy(d->out, g->records, d->out_len);
	op->ret_n = (uint32_t)g->n;
	return 0;
}

/* An answer settles the group, and so does the kernel's word that it knows no such cookie. */
int workspace_faultq_respond(struct backend *b, struct op_faultq_respond *op, struct op_data *d)
{
	struct workspace *w = workspace_of(b);
	int r;

	workspace_tick(b);
	r = backend_faultq_respond(w->inner, op, d);
	if (r < 0 && (r != -EINVAL || op->code > RESPONSE_INVALID))
		return r;
	for (size_t i = w->groups.n; i-- > 0;)
		if (w->groups.v[i].queue == op->id && w->groups.v[i].cookie == op->cookie)
			forget(w, i);
	return r;
}

uint32_t faults_pending(const struct workspace *w, uint32_t queue)
{
	const struct group_wait *g;
	uint32_t n = 0;

	vec_for_each(g, &w->groups)
		n += g->queue == queue;
	return n;
}

void faults_drop(struct workspace *w, uint32_t queue)
{
	for (size_t i = w->groups.n; i-- > 0;)
		if (w->groups.v[i].queue == queue)
			forget(w, i);
}

void faults_free(struct workspace *w)
{
	faults_drop(w, 0);
	for (size_t i = w->groups.n; i-- > 0;)
		forget(w, i);
	vec_free(&w->groups);
}

size_t workspace_queue_fds(struct backend *b, int *fds, size_t cap, bool *ret_blind)
{
	struct workspace *w = workspace_of(b);
	size_t n = 0;

	*ret_blind = false;
	for (const struct object *e = w->first; w->n_queues && e; e = e->next) {
		if (e->o.kind != OP_KIND_FAULTQ)
			continue;
		if (e->queue_fd < 0 || n >= cap)
			*ret_blind = true;
		else
			fds[n++] = e->queue_fd;
	}
	return n;
}
