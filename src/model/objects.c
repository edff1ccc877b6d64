// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of objects and their ids (drivers/iommu/iommufd/main.c). */
#include <errno.h>

#include "model/internal.h"

/* What stands for an id that is taken and has no object. */
static struct obj tombstone = { .type = OBJ_TOMBSTONE };

/* Lowest free from 1, as xa_alloc() does. Below the hint nothing is free. */
static uint32_t id_new(struct model *m, struct obj *o)
{
	size_t i = m->free_hint ? m->free_hint : 1;

	while (i < m->objs.n && m->objs.v[i])
		i++;
	while (m->objs.n <= i)
		*vec_push(&m->objs) = NULL;
	m->objs.v[i] = o;
	m->free_hint = i + 1;
	return i;
}

void *obj_new(struct model *m, size_t size, enum obj_type type)
{
	struct obj *o = must_calloc(1, size);

	o->type = type;
	o->id = id_new(m, o);
	m->n_objs++;
	return o;
}

void *obj_get(struct model *m, uint32_t id, enum obj_type type)
{
	struct obj *o = id < m->objs.n ? m->objs.v[id] : NULL;

	if (!o || o == &tombstone || o->unfinished || (type != OBJ_ANY && o->type != type))
		return NULL;
	return o;
}

void obj_free(struct model *m, struct obj *o, bool keep_id)
{
	m->objs.v[o->id] = keep_id ? &tombstone : NULL;
	if (!keep_id) {
		m->n_objs--;
		if (o->id < m->free_hint)
			m->free_hint = o->id;
	}
	free(o);
}

static void selftest_free(struct model *m, struct selftest *s)
{
	struct handle *h = s->handle;

	h->selftest = NULL;
	handle_close(m, h);
	obj_free(m, &s->obj, false);
}

/* A mock device's own, gone before it: what gets its id next is not the device's to take along. */
static void disown(struct model *m, uint32_t ioas_id)
{
	for (size_t i = 0; i < m->handles.n; i++)
		if (m->handles.v[i] && m->handles.v[i]->own_ioas == ioas_id)
			m->handles.v[i]->own_ioas = 0;
}

/* Only what has no users. */
static void destroy(struct model *m, struct obj *o)
{
	if (m->vfio_ioas && o == &m->vfio_ioas->obj)
		m->vfio_ioas = NULL;
	switch (o->type) {
	case OBJ_IOAS:
		disown(m, o->id);
		return ioas_free(m, (struct ioas *)o);
	case OBJ_HWPT_PAGING:
	case OBJ_HWPT_NESTED:
		return hwpt_free(m, (struct hwpt *)o);
	case OBJ_FAULT:
		return faultq_free(m, (struct faultq *)o);
	case OBJ_VIOMMU:
		return viommu_free(m, (struct viommu *)o);
	case OBJ_VDEVICE:
		return vdevice_free(m, (struct vdevice *)o, false);
	case OBJ_VEVENTQ:
		return veventq_free(m, (struct veventq *)o);
	case OBJ_HW_QUEUE:
		return hwqueue_free(m, (struct hwqueue *)o);
	case OBJ_SELFTEST:
		return selftest_free(m, (struct selftest *)o);
	default:
		return; /* devices and accesses always have a user: whoever made them */
	}
}

int obj_destroy(struct model *m, struct obj *o)
{
	if (o->users)
		return -EBUSY;
	destroy(m, o);
	return 0;
}

int model_destroy(struct backend *b, struct op_destroy *op, struct op_data *d)
{
	struct model *m = to_model(b);
	struct obj *o = obj_get(m, op->id, OBJ_ANY);

	(void)d;
	return o ? obj_destroy(m, o) : -ENOENT;
}

/* Leaves first, round after round: users keep what they use. */
void objs_close(struct model *m)
{
	bool again = true;

	while (again) {
		again = false;
		for (size_t i = 1; i < m->objs.n; i++)
			if (m->objs.v[i] && m->objs.v[i] != &tombstone && obj_destroy(m, m->objs.v[i]) == 0)
				again = true;
	}
	vec_free(&m->objs);
}
