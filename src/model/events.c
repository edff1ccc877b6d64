// SPDX-License-Identifier: GPL-2.0-or-later
/* Event queues of virtual IOMMUs (drivers/iommu/iommufd/eventq.c, driver.c). */
#include <errno.h>
#include <string.h>

#include "model/internal.h"

#define MAX_DEPTH (1u << 19)

static struct veventq *find_queue(const struct viommu *v, uint32_t type)
{
	for (size_t i = 0; i < v->queues.n; i++)
		if (v->queues.v[i]->type == type)
			return v->queues.v[i];
	return NULL;
}

int model_veventq_alloc(struct backend *b, struct op_veventq_alloc *op, struct op_data *d)
{
	struct model *m = to_model(b);
	struct viommu *v;
	struct veventq *q;

	(void)d;
	if (op->type == IOMMU_VEVENTQ_TYPE_DEFAULT)
		return -EOPNOTSUPP;
	if (!op->depth || op->depth > MAX_DEPTH)
		return -EINVAL;
	v = obj_get(m, op->viommu_id, OBJ_VIOMMU);
	if (!v)
		return -ENOENT;
	if (find_queue(v, op->type))
		return -EEXIST;
	q = obj_new(m, sizeof(*q), OBJ_VEVENTQ);
	q->viommu = v;
	q->type = op->type;
	q->depth = op->depth;
	q->fd = -1;
	v->obj.users++;
	*vec_push(&v->queues) = q;
	op->ret_id = q->obj.id;
	return 0;
}

void veventq_free(struct model *m, struct veventq *q)
{
	struct viommu *v = q->viommu;
	size_t at = 0;

	while (q->first) {
		struct vevent *e = q->first;

		q->first = e->next;
		free(e);
	}
	while (v->queues.v[at] != q)
		at++;
	v->queues.v[at] = v->queues.v[--v->queues.n];
	v->obj.users--;
	if (q->fd >= 0)
		close(q->fd);
	obj_free(m, &q->obj, false);
}

static bool is_lost_note(const struct vevent *e)
{
	return e->flags & IOMMU_VEVENTQ_FLAG_LOST_EVENTS;
}

/* A note of lost events at the end makes way: for a newer one, or for an event whose number shows the gap by itself. */
static struct vevent **end_of(struct veventq *q)
{
	struct vevent **p = &q->first;

	while (*p && (*p)->next)
		p = &(*p)->next;
	if (*p && is_lost_note(*p)) {
		free(*p);
		*p = NULL;
	}
	return *p ? &(*p)->next : p;
}

int viommu_report(struct viommu *v, uint32_t type, const void *data, size_t len)
{
	struct veventq *q = find_queue(v, type);
	struct vevent *e;
	bool full;

	if (!q)
		return -EOPNOTSUPP;
	full = q->n == q->depth;
	e = must_calloc(1, sizeof(*e) + len);
	if (full) {
		e->flags = IOMMU_VEVENTQ_FLAG_LOST_EVENTS;
	} else {
		e->len = len;
		memcpy(e->data, data, len);
		q->n++;
	}
	e->sequence = q->sequence;
	q->sequence = (q->sequence + 1) & INT32_MAX;
	*end_of(q) = e;
	queue_fd_set(q->fd, true);
	return 0;
}

/* iommufd_veventq_fops_read(): whole events, as many as fit. */
int model_veventq_read(struct backend *b, struct op_veventq_read *op, struct op_data *d)
{
	struct veventq *q = obj_get(to_model(b), op->id, OBJ_VEVENTQ);
	uint8_t *out = d->out;
	size_t done = 0;

	if (!q)
		return -ENOENT;
	if (q->first && d->out_cap < sizeof(struct iommufd_vevent_header))
		return -EINVAL;
	while (q->first) {
		struct vevent *e = q->first;
		struct iommufd_vevent_header head = { .flags = e->flags, .sequence = e->sequence };

		if (sizeof(head) + e->len > d->out_cap - done) {
			if (!done && !is_lost_note(e))
				return -EINVAL;
			break;
		}
		memcpy(out + done, &head, sizeof(head));
		memcpy(out + done + sizeof(head), e->data, e->len);
		done += sizeof(head) + e->len;
		q->n -= !is_lost_note(e);
		q->first = e->next;
		free(e);
	}
	queue_fd_set(q->fd, q->first);
	d->out_len = done;
	return 0;
}
