// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fault and event queues. A page request group that was read is gone from the kernel's queue and waits for its answer for
 * ever: its cookie is kept until it is answered, and answered when the backend closes.
 */
#include "backend/kernel-objects.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

static struct kernel_queue *find_queue(struct kernel_objects *o, uint32_t id)
{
	struct kernel_queue *q;

	vec_for_each(q, &o->queues)
		if (q->id == id)
			return q;
	return NULL;
}

/* An event queue's reader and a fault queue's are not each other's. */
static int get_queue(struct backend *b, uint32_t id, bool faults, struct kernel_queue **ret)
{
	struct kernel_queue *q = find_queue(kernel_objects(b), id);

	if (!q || q->faults != faults || q->fd < 0)
		return -ENOENT;
	*ret = q;
	return 0;
}

static void add_queue(struct kernel_objects *o, uint32_t id, int fd, bool faults)
{
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	*vec_push(&o->queues) = (struct kernel_queue){ .id = id, .fd = fd, .faults = faults };
}

int kernel_faultq_alloc(struct backend *b, struct op_faultq_alloc *op, _unused_ struct op_data *d)
{
	struct iommu_fault_alloc cmd = { .size = sizeof(cmd) };
	int r = kernel_iommufd(b, IOMMU_FAULT_QUEUE_ALLOC, &cmd);

	if (r < 0)
		return r;
	add_queue(kernel_objects(b), cmd.out_fault_id, cmd.out_fault_fd, true);
	op->ret_id = cmd.out_fault_id;
	return 0;
}

int kernel_veventq_alloc(struct backend *b, struct op_veventq_alloc *op, _unused_ struct op_data *d)
{
	struct iommu_veventq_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = op->viommu_id,
		.type = op->type,
		.veventq_depth = op->depth,
	};
	int r = kernel_iommufd(b, IOMMU_VEVENTQ_ALLOC, &cmd);

	if (r < 0)
		return r;
	add_queue(kernel_objects(b), cmd.out_veventq_id, cmd.out_veventq_fd, false);
	op->ret_id = cmd.out_veventq_id;
	return 0;
}

/* Bytes read, 0 when there is nothing: asked first, so that no descriptor that waits can hold us up. */
static ssize_t read_queue(const struct kernel_queue *q, void *buf, size_t len)
{
	struct pollfd p = { .fd = q->fd, .events = POLLIN };
	int r = poll(&p, 1, 0);
	ssize_t n;

	if (r < 0)
		return -errno;
	if (!(p.revents & POLLIN))
		return 0;
	n = read(q->fd, buf, len);
	return n >= 0 ? n : errno == EAGAIN ? 0 : -errno;
}

int kernel_veventq_read(struct backend *b, struct op_veventq_read *op, struct op_data *d)
{
	struct kernel_queue *q;
	ssize_t n = get_queue(b, op->id, false, &q);

	n = n < 0 ? n : read_queue(q, d->out, d->out_cap);
	if (n < 0)
		return n;
	d->out_len = n;
	return 0;
}

/*
 * Whole groups into @rec; their cookies are ours to answer. With room for OP_FAULT_ROOM no group is too large, as an index of a
 * page request group has nine bits.
 */
static ssize_t read_faults(struct kernel_queue *q, struct iommu_hwpt_pgfault *rec, size_t room)
{
	ssize_t n = read_queue(q, rec, room / sizeof(*rec) * sizeof(*rec));

	for (ssize_t i = 0; i < n / (ssize_t)sizeof(*rec); i++) {
		/* the kernel's own flags can come along (iommufd_compose_fault_message()) */
		rec[i].flags &= IOMMU_PGFAULT_FLAGS_PASID_VALID | IOMMU_PGFAULT_FLAGS_LAST_PAGE;
		if (!i || rec[i].cookie != rec[i - 1].cookie)
			*vec_push(&q->cookies) = rec[i].cookie;
	}
	return n;
}

int kernel_faultq_read(struct backend *b, struct op_faultq_read *op, struct op_data *d)
{
	struct kernel_queue *q;
	ssize_t n = get_queue(b, op->id, true, &q);

	if (n < 0)
		return n;
	if (d->out_cap < OP_FAULT_ROOM)
		return -EMSGSIZE;
	n = read_faults(q, d->out, d->out_cap);
	if (n < 0)
		return n;
	d->out_len = n;
	return 0;
}

static int respond(const struct kernel_queue *q, uint32_t cookie, uint32_t code)
{
	struct iommu_hwpt_page_response r = { .cookie = cookie, .code = code };
	ssize_t n = write(q->fd, &r, sizeof(r));

	return n < 0 ? -errno : n == sizeof(r) ? 0 : -EIO;
}

/* -EINVAL with a good code: the kernel knows this cookie no more, as after a detach, which answers. */
int kernel_faultq_respond(struct backend *b, struct op_faultq_respond *op, _unused_ struct op_data *d)
{
	struct kernel_queue *q;
	int r = get_queue(b, op->id, true, &q);

	if (r < 0)
		return r;
	r = respond(q, op->cookie, op->code);
	if (r < 0 && op->code > IOMMUFD_PAGE_RESP_INVALID)
		return r;
	for (size_t i = 0; i < q->cookies.n; i++)
		if (q->cookies.v[i] == op->cookie)
			q->cookies.v[i--] = q->cookies.v[--q->cookies.n];
	return r;
}

int kernel_queue_fd(struct backend *b, struct op_queue_fd *op, struct op_data *d)
{
	struct kernel_queue *q = find_queue(kernel_objects(b), op->id);
	int fd;

	if (!q || q->fd < 0)
		return -ENOENT;
	fd = fcntl(q->fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return -errno;
	d->fd_out = fd;
	return 0;
}

/* What a client has not answered, and what nobody has read. */
static void answer_all(struct kernel_queue *q)
{
	struct iommu_hwpt_pgfault rec[OP_FAULT_ROOM / sizeof(struct iommu_hwpt_pgfault)];
	uint32_t *cookie;

	while (read_faults(q, rec, sizeof(rec)) > 0)
		;
	vec_for_each(cookie, &q->cookies)
		respond(q, *cookie, IOMMUFD_PAGE_RESP_INVALID);
	q->cookies.n = 0;
}

static void close_queue(struct kernel_queue *q)
{
	if (q->fd < 0)
		return;
	if (q->faults)
		answer_all(q);
	close(q->fd);
	q->fd = -1;
}

/*
 * The kernel lets no queue go whose descriptor is open, and there is only one: once closed it does not come back. So page
 * tables that use it are looked for here first.
 */
int kernel_release_queue(struct kernel_objects *o, uint32_t id)
{
	struct kernel_queue *q = find_queue(o, id);
	struct kernel_fault_user *u;

	if (!q)
		return 0;
	if (q->faults)
		vec_for_each(u, &o->fault_users)
			if (u->fault_id == id)
				return -EBUSY;
	close_queue(q);
	return 0;
}

void kernel_forget_queue(struct kernel_objects *o, uint32_t id)
{
	struct kernel_queue *q = find_queue(o, id);

	if (!q)
		return;
	vec_free(&q->cookies);
	*q = o->queues.v[--o->queues.n];
}

void kernel_close_queues(struct kernel_objects *o)
{
	struct kernel_queue *q;

	vec_for_each(q, &o->queues) {
		close_queue(q);
		vec_free(&q->cookies);
	}
	o->queues.n = 0;
}
