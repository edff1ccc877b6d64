// SPDX-License-Identifier: GPL-2.0-or-later
/* Page requests: where they go, and that each is answered (drivers/iommu/io-pgfault.c, drivers/iommu/iommufd/eventq.c). */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <fcntl.h>

#include "model/internal.h"

static struct fault_group *group_new(struct mdev *dev, const struct page_request *req, size_t n)
{
	struct fault_group *g = must_calloc(1, sizeof(*g) + n * sizeof(*g->v));

	g->dev = dev;
	g->grpid = req->grpid;
	g->n = n;
	return g;
}

/* -- descriptors to wait on ------------------------------------------------------------------------------------------------ */

int queue_fd_new(int *fd, bool ready, int *ret)
{
	int copy;

	if (*fd < 0) {
		*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (*fd < 0)
			return -errno;
		queue_fd_set(*fd, ready);
	}
	copy = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		return -errno;
	*ret = copy;
	return 0;
}

void queue_fd_set(int fd, bool ready)
{
	uint64_t v = 1;

	if (fd < 0)
		return;
	/* nothing to read in it, or full, is as good */
	if (ready ? write(fd, &v, sizeof(v)) < 0 : read(fd, &v, sizeof(v)) < 0)
		return;
}

/* -- report -------------------------------------------------------------------------------------------------------------------- */

/* find_fault_handler(); the lookup takes no lock that a detach holds. */
static const struct attach *find_handler(const struct mdev *dev, const struct page_request *req)
{
	const struct attach *a = group_attach(dev->group, req->has_pasid ? req->pasid : NO_PASID);

	if (!a && req->has_pasid && dev->unit->profile->user_pasid_table) {
		a = group_attach(dev->group, NO_PASID);
		if (a && !a->hwpt->domain.nested)
			a = NULL;
	}
	return a && a->hwpt->fault ? a : NULL;
}

/* The driver turned page requests on when a page table with a queue came, which PASIDs do not do for a device without them. */
static bool requests_are_on(const struct mdev *dev)
{
	for (size_t i = 0; i < dev->group->attaches.n; i++) {
		const struct attach *a = dev->group->attaches.v[i];

		if (a->hwpt->fault && (a->pasid == NO_PASID || profile_pasid_log2(dev)))
			return true;
	}
	return false;
}

static void fill(struct iommu_hwpt_pgfault *f, const struct page_request *req)
{
	*f = (struct iommu_hwpt_pgfault){
		.flags = (req->has_pasid ? IOMMU_PGFAULT_FLAGS_PASID_VALID : 0) | (req->last ? IOMMU_PGFAULT_FLAGS_LAST_PAGE : 0),
		.pasid = req->pasid,
		.grpid = req->grpid,
		.perm = req->perm,
		.addr = req->addr,
	};
}

/* Not the last: parked with its device until that one comes. The newest is first. */
static void park(struct mdev *dev, const struct page_request *req)
{
	struct fault_group *g = group_new(dev, req, 1);

	fill(&g->v[0], req);
	g->next = dev->partial;
	dev->partial = g;
}

/* All parked ones of the same group, whatever their PASID, oldest first, and the last one behind them. */
static struct fault_group *collect(struct mdev *dev, const struct page_request *req)
{
	struct fault_group **p, *parked, *g;
	size_t n = 1;

	for (parked = dev->partial; parked; parked = parked->next)
		n += parked->grpid == req->grpid;
	g = group_new(dev, req, n);
	fill(&g->v[--n], req);
	for (p = &dev->partial; *p;) {
		parked = *p;
		if (parked->grpid != req->grpid) {
			p = &parked->next;
			continue;
		}
		g->v[--n] = parked->v[0];
		*p = parked->next;
		free(parked);
	}
	return g;
}

int faults_report(struct mdev *dev, const struct page_request *req)
{
	const struct attach *a = find_handler(dev, req);
	struct fault_group *g, **end;
	struct faultq *q;

	if (!a || !requests_are_on(dev)) {
		dev->answered[FAULT_INVALID]++;
		return -EINVAL;
	}
	if (!req->last) {
		park(dev, req);
		return 0;
	}
	g = collect(dev, req);
	g->attach = a;
	q = a->hwpt->fault;
	for (end = &q->deliver; *end;)
		end = &(*end)->next;
	*end = g;
	queue_fd_set(q->fd, true);
	return 0;
}

void faults_forget_partial(struct mdev *dev)
{
	while (dev->partial) {
		struct fault_group *g = dev->partial;

		dev->partial = g->next;
		free(g);
	}
}

/* -- answers -------------------------------------------------------------------------------------------------------------------- */

static void answer(struct fault_group *g, enum fault_answer how)
{
	g->dev->answered[how]++;
	free(g);
}

static void answer_waiting(struct faultq *q, size_t at, enum fault_answer how)
{
	answer(q->responding.v[at], how);
	q->responding.v[at] = NULL;
	q->free_from = MIN(q->free_from, at);
}

/* Those of @a, or all with @a NULL. */
static void answer_all(struct faultq *q, const struct attach *a)
{
	for (struct fault_group **p = &q->deliver; *p;) {
		struct fault_group *g = *p;

		if (a && g->attach != a) {
			p = &g->next;
			continue;
		}
		*p = g->next;
		answer(g, FAULT_INVALID);
	}
	for (size_t i = 0; i < q->responding.n; i++)
		if (q->responding.v[i] && (!a || q->responding.v[i]->attach == a))
			answer_waiting(q, i, FAULT_INVALID);
}

void faults_drain(struct hwpt *h, const struct attach *a)
{
	if (!h->fault)
		return;
	answer_all(h->fault, a);
	queue_fd_set(h->fault->fd, h->fault->deliver);
}

void faults_settle(struct mgroup *g)
{
	for (size_t i = 0; i < g->devs.n; i++)
		if (g->devs.v[i]->partial && !requests_are_on(g->devs.v[i]))
			faults_forget_partial(g->devs.v[i]);
}

void faultq_free(struct model *m, struct faultq *q)
{
	answer_all(q, NULL);
	vec_free(&q->responding);
	if (q->fd >= 0)
		close(q->fd);
	obj_free(m, &q->obj, false);
}

/* -- the queue -------------------------------------------------------------------------------------------------------------------- */

int model_faultq_alloc(struct backend *b, struct op_faultq_alloc *op, struct op_data *d)
{
	struct faultq *q = obj_new(to_model(b), sizeof(*q), OBJ_FAULT);

	(void)d;
	q->fd = -1;
	op->ret_id = q->obj.id;
	return 0;
}

/* Lowest free from 1, as xa_alloc() gives them: those of groups that wait for their answer are taken. */
static uint32_t new_cookie(struct faultq *q)
{
	while (q->free_from < q->responding.n && q->responding.v[q->free_from])
		q->free_from++;
	if (q->free_from == q->responding.n)
		vec_push(&q->responding);
	return (uint32_t)++q->free_from;
}

static void deliver(struct faultq *q, struct fault_group *g, struct iommu_hwpt_pgfault *out)
{
	g->cookie = new_cookie(q);
	for (size_t i = 0; i < g->n; i++) {
		out[i] = g->v[i];
		out[i].dev_id = g->attach->first->obj.id;
		out[i].cookie = g->cookie;
	}
	q->responding.v[g->cookie - 1] = g;
}

int model_faultq_read(struct backend *b, struct op_faultq_read *op, struct op_data *d)
{
	struct faultq *q = obj_get(to_model(b), op->id, OBJ_FAULT);
	struct iommu_hwpt_pgfault *out = d->out;
	size_t cap = d->out_cap / sizeof(*out), n = 0;

	if (!q)
		return -ENOENT;
	if (d->out_cap < OP_FAULT_ROOM)
		return -EMSGSIZE;
	while (q->deliver && q->deliver->n <= cap - n) {
		struct fault_group *g = q->deliver;

		q->deliver = g->next;
		deliver(q, g, out + n);
		n += g->n;
	}
	if (!n && q->deliver)
		return -EINVAL; /* the first group does not fit */
	queue_fd_set(q->fd, q->deliver);
	d->out_len = n * sizeof(*out);
	return 0;
}

int model_faultq_respond(struct backend *b, struct op_faultq_respond *op, struct op_data *d)
{
	struct faultq *q = obj_get(to_model(b), op->id, OBJ_FAULT);

	(void)d;
	if (!q)
		return -ENOENT;
	if (op->code != IOMMUFD_PAGE_RESP_SUCCESS && op->code != IOMMUFD_PAGE_RESP_INVALID)
		return -EINVAL;
	if (!op->cookie || op->cookie > q->responding.n || !q->responding.v[op->cookie - 1])
		return -EINVAL;
	answer_waiting(q, op->cookie - 1, op->code == IOMMUFD_PAGE_RESP_SUCCESS ? FAULT_SUCCESS : FAULT_INVALID);
	return 0;
}

int model_queue_fd(struct backend *b, struct op_queue_fd *op, struct op_data *d)
{
	struct model *m = to_model(b);
	struct faultq *f = obj_get(m, op->id, OBJ_FAULT);
	struct veventq *e = obj_get(m, op->id, OBJ_VEVENTQ);

	if (f)
		return queue_fd_new(&f->fd, f->deliver, &d->fd_out);
	return e ? queue_fd_new(&e->fd, e->first, &d->fd_out) : -ENOENT;
}
