// SPDX-License-Identifier: GPL-2.0-or-later
/* The operations: handed on, with the tables kept up. */
#include "backend/workspace.h"

#include <errno.h>
#include <string.h>

#include "backend/workspace-internal.h"

/* Operations that leave the tables as they are. */
#define PLAIN_OPS(OP)                                                                                            \
	OP(probe) OP(device_hwinfo) OP(device_irq) OP(device_region) OP(device_fd) OP(ioas_ranges) OP(ioas_allow)  \
	OP(option) OP(change_process) OP(vfio_ioas) OP(hwpt_invalidate) OP(dirty_set) OP(dirty_get)              \
	OP(veventq_read) OP(raw) OP(mock_reserved) OP(mock_fault) OP(mock_dirty) OP(mock_iotlb) OP(mock_cache)   \
	OP(mock_event) OP(queue_fd)

#define OP(x)                                                                                                    \
	static int workspace_##x(struct backend *b, struct op_##x *op, struct op_data *d)                        \
	{                                                                                                        \
		return backend_##x(workspace_of(b)->inner, op, d);                                               \
	}
PLAIN_OPS(OP)
#undef OP

/* -- devices ---------------------------------------------------------------------------------------------------- */

static uint32_t open_flags(const struct op_device_open *op)
{
	return (op->flags & OP_OPEN_LEGACY ? OP_OBJECT_LEGACY : 0) | (op->flags & OP_OPEN_NO_BIND ? OP_OBJECT_UNBOUND : 0) |
	       (op->ret_hwpt_id ? OP_OBJECT_MOCK : 0);
}

static int workspace_device_open(struct backend *b, struct op_device_open *op, struct op_data *d)
{
	struct workspace *w = workspace_of(b);
	struct op_object o = { .kind = OP_KIND_DEVICE };
	int r = objects_name(w, op->name, OP_KIND_DEVICE);

	if (r == 0)
		r = backend_device_open(w->inner, op, d);
	if (r < 0)
		return r;
	memcpy(o.name, op->name, sizeof(o.name));
	memcpy(o.bus, op->bus, sizeof(o.bus));
	memcpy(o.dev, op->dev, sizeof(o.dev));
	o.id = op->ret_dev_id;
	o.handle = op->ret_handle;
	o.flags = open_flags(op);
	o.group = op->group;
	objects_add(w, &o);
	if (op->ret_hwpt_id) {
		struct op_device_attach at = { .handle = op->ret_handle, .pt_id = op->ret_hwpt_id };

		links_attach(w, &at, op->pt_id);
	}
	return 0;
}

static int workspace_device_close(struct backend *b, struct op_device_close *op, struct op_data *d)
{
	struct workspace *w = workspace_of(b);
	struct object *e = objects_by_handle(w, op->handle);
	int r = backend_device_close(w->inner, op, d);

	if (r < 0)
		return r;
	links_close(w, op->handle);
	if (e)
		objects_remove(w, e);
	return 0;
}

static int workspace_device_attach(struct backend *b, struct op_device_attach *op, struct op_data *d)
{
	struct workspace *w = workspace_of(b);
	uint32_t wanted = op->pt_id;
	int r = backend_device_attach(w->inner, op, d);

	if (r == 0)
		links_attach(w, op, wanted);
	return r;
}

static int workspace_device_detach(struct backend *b, struct op_device_detach *op, struct op_data *d)
{
	struct workspace *w = workspace_of(b);
	int r = backend_device_detach(w->inner, op, d);

	if (r == 0)
		links_detach(w, op->handle, op->flags & OP_ATTACH_PASID, op->pasid);
	return r;
}

static int workspace_legacy_map(struct backend *b, struct op_legacy_map *op, struct op_data *d)
{
	struct workspace *w = workspace_of(b);
	struct object *e = objects_by_handle(w, op->handle);
	int r = backend_legacy_map(w->inner, op, d);

	if (r == 0 && e)
		maps_add(&e->maps, op->iova, op->length, op->flags);
	return r;
}

static int workspace_legacy_unmap(struct backend *b, struct op_legacy_unmap *op, struct op_data *d)
{
	struct workspace *w = workspace_of(b);
	struct object *e = objects_by_handle(w, op->handle);
	int r = backend_legacy_unmap(w->inner, op, d);

	if (r == 0 && e && op->ret_length)
		maps_remove(&e->maps, op->iova, op->length);
	return r;
}

/* -- address spaces ----------------------------------------------------------------------------------------------- */

static struct object *ioas_of(struct workspace *w, uint32_t id)
{
	struct object *e = objects_by_id(w, id);

	return e && e->o.kind == OP_KIND_IOAS ? e : NULL;
}

static int workspace_ioas_alloc(struct backend *b, struct op_ioas_alloc *op, struct op_data *d)
{
	struct workspace *w = workspace_of(b);
	struct op_object o = { .kind = OP_KIND_IOAS };
	int r = objects_name(w, op->name, OP_KIND_IOAS);

	if (r == 0)
		r = backend_ioas_alloc(w->inner, op, d);
	if (r < 0)
		return r;
	memcpy(o.name, op->name, sizeof(o.name));
	o.id = op->ret_id;
	objects_add(w, &o);
	return 0;
}

static int workspace_ioas_map(struct backend *b, struct op_ioas_map *op, struct op_data *d)
{
	struct workspace *w = workspace_of(b);
	int r = backend_ioas_map(w->inner, op, d);
	struct object *e = r == 0 ? ioas_of(w, op->ioas_id) : NULL;

	if (e)
		maps_add(&e->maps, op->iova, op->length, op->flags | (d->fd_in >= 0 ? OP_MAP_OF_FILE : 0));
	return r;
}

static int workspace_ioas_unmap(struct backend *b, struct op_ioas_unmap *op, struct op_data *d)
{
	struct workspace *w = workspace_of(b);
	int r = backend_ioas_unmap(w->inner, op, d);
	struct object *e = r == 0 ? ioas_of(w, op->ioas_id) : NULL;

	if (e && op->iova == 0 && op->length == UINT64_MAX)
		maps_free(&e->maps);
	else if (e)
		maps_remove(&e->maps, op->iova, op->length);
	return r;
}

static int workspace_ioas_copy(struct backend *b, struct op_ioas_copy *op, struct op_data *d)
{
	struct workspace *w = workspace_of(b);
	int r = backend_ioas_copy(w->inner, op, d);
	struct object *e = r == 0 ? ioas_of(w, op->dst_ioas_id) : NULL;

	if (e)
		maps_add(&e->maps, op->dst_iova, op->length, op->flags | OP_MAP_COPY);
	return r;
}

/* -- what is made from something --------------------------------------------------------------------------------------- */

/* The address space at the end of the parents. */
static uint32_t ioas_behind(struct workspace *w, uint32_t id)
{
	const struct object *e = objects_by_id(w, id);

	if (!e)
		return 0;
	return e->o.kind == OP_KIND_IOAS ? id : e->o.ioas;
}

static void add(struct workspace *w, const op_name name, struct op_object *o)
{
	memcpy(o->name, name, sizeof(o->name));
	o->ioas = ioas_behind(w, o->parent);
	objects_add(w, o);
}

static int workspace_hwpt_alloc(struct backend *b, struct op_hwpt_alloc *op, struct op_data *d)
{
	struct workspace *w = workspace_of(b);
	int r = objects_name(w, op->name, OP_KIND_HWPT);

	if (r == 0)
		r = backend_hwpt_alloc(w->inner, op, d);
	if (r == 0)
		add(w, op->name, &(struct op_object){ .kind = OP_KIND_HWPT, .id = op->ret_id, .handle = op->handle,
						      .parent = op->pt_id, .fault_id = op->fault_id, .type = op->data_type,
						      .alloc_flags = op->flags });
	return r;
}

static int workspace_viommu_alloc(struct backend *b, struct op_viommu_alloc *op, struct op_data *d)
{
	struct workspace *w = workspace_of(b);
	int r = objects_name(w, op->name, OP_KIND_VIOMMU);

	if (r == 0)
		r = backend_viommu_alloc(w->inner, op, d);
	if (r == 0)
		add(w, op->name, &(struct op_object){ .kind = OP_KIND_VIOMMU, .id = op->ret_id, .handle = op->handle,
						      .parent = op->hwpt_id, .type = op->type });
	return r;
}

static int workspace_vdevice_alloc(struct backend *b, struct op_vdevice_alloc *op, struct op_data *d)
{
	struct workspace *w = workspace_of(b);
	int r = objects_name(w, op->name, OP_KIND_VDEVICE);

	if (r == 0)
		r = backend_vdevice_alloc(w->inner, op, d);
	if (r == 0)
		add(w, op->name, &(struct op_object){ .kind = OP_KIND_VDEVICE, .id = op->ret_id, .handle = op->handle,
						      .parent = op->viommu_id, .virt_id = op->virt_id });
	return r;
}

static int workspace_hwqueue_alloc(struct backend *b, struct op_hwqueue_alloc *op, struct op_data *d)
{
	struct workspace *w = workspace_of(b);
	int r = objects_name(w, op->name, OP_KIND_HWQUEUE);

	if (r == 0)
		r = backend_hwqueue_alloc(w->inner, op, d);
	if (r == 0)
		add(w, op->name, &(struct op_object){ .kind = OP_KIND_HWQUEUE, .id = op->ret_id, .parent = op->viommu_id,
						      .type = op->type });
	return r;
}

static int workspace_veventq_alloc(struct backend *b, struct op_veventq_alloc *op, struct op_data *d)
{
	struct workspace *w = workspace_of(b);
	int r = objects_name(w, op->name, OP_KIND_VEVENTQ);

	if (r == 0)
		r = backend_veventq_alloc(w->inner, op, d);
	if (r == 0)
		add(w, op->name, &(struct op_object){ .kind = OP_KIND_VEVENTQ, .id = op->ret_id, .parent = op->viommu_id,
						      .type = op->type });
	return r;
}

static int workspace_faultq_alloc(struct backend *b, struct op_faultq_alloc *op, struct op_data *d)
{
	struct workspace *w = workspace_of(b);
	struct op_object o = { .kind = OP_KIND_FAULTQ };
	struct op_data got = OP_DATA_NONE;
	struct op_queue_fd queue;
	struct object *e;
	int r = objects_name(w, op->name, OP_KIND_FAULTQ);

	if (r == 0)
		r = backend_faultq_alloc(w->inner, op, d);
	if (r < 0)
		return r;
	memcpy(o.name, op->name, sizeof(o.name));
	o.id = op->ret_id;
	e = objects_add(w, &o);
	e->hold_ms = op->hold_ms ? op->hold_ms : WORKSPACE_HOLD_MS;
	queue.id = op->ret_id;
	queue.pad = 0;
	if (backend_queue_fd(w->inner, &queue, &got) == 0)
		e->queue_fd = got.fd_out;
	return 0;
}

/* A fault queue has one reader, and that is us. */
static int workspace_faultq_read(struct backend *b, struct op_faultq_read *op, struct op_data *d)
{
	(void)b;
	(void)op;
	(void)d;
	return -EOPNOTSUPP;
}

/*
 * The kernel refuses to destroy a fault queue whose descriptor is open, and ours is a duplicate: it is closed for the attempt.
 */
static int workspace_destroy(struct backend *b, struct op_destroy *op, struct op_data *d)
{
	struct workspace *w = workspace_of(b);
	struct object *e = objects_by_id(w, op->id);
	struct op_data got = OP_DATA_NONE;
	struct op_queue_fd queue = { .id = op->id };
	int r;

	if (e && e->queue_fd >= 0) {
		close(e->queue_fd);
		e->queue_fd = -1;
	}
	r = backend_destroy(w->inner, op, d);
	if (e && r == 0) {
		faults_drop(w, op->id);
		objects_remove(w, e);
	} else if (e && e->o.kind == OP_KIND_FAULTQ && backend_queue_fd(w->inner, &queue, &got) == 0) {
		e->queue_fd = got.fd_out;
	}
	return r;
}

/* -- looking ------------------------------------------------------------------------------------------------------- */

static void fill(const struct workspace *w, const struct object *e, struct op_object *ret)
{
	*ret = e->o;
	ret->maps = e->maps.n;
	ret->bytes = e->maps.bytes;
	if (e->o.kind == OP_KIND_FAULTQ)
		ret->pending = faults_pending(w, e->o.id);
}

static int workspace_object_find(struct backend *b, struct op_object_find *op, struct op_data *d)
{
	struct workspace *w = workspace_of(b);
	const struct object *e;

	(void)d;
	if (!memchr(op->name, '\0', sizeof(op->name)))
		return -EINVAL;
	e = *op->name ? objects_by_name(w, op->name) : op->id ? objects_by_id(w, op->id) : objects_by_handle(w, op->handle);
	if (!e)
		return -ENOENT;
	fill(w, e, &op->ret);
	return 0;
}

static int workspace_object_list(struct backend *b, struct op_object_list *op, struct op_data *d)
{
	struct workspace *w = workspace_of(b);
	struct op_object *out = d->out;
	size_t cap = d->out_cap / sizeof(*out), n = 0;

	workspace_tick(b);
	for (const struct object *e = w->first; e && n < cap; e = e->next)
		fill(w, e, &out[n++]);
	d->out_len = n * sizeof(*out);
	op->ret_n = (uint32_t)w->n;
	return 0;
}

static int workspace_link_list(struct backend *b, struct op_link_list *op, struct op_data *d)
{
	struct workspace *w = workspace_of(b);

	d->out_len = MIN(w->links.n, d->out_cap / sizeof(struct op_link)) * sizeof(struct op_link);
	if (d->out_len)
		memcpy(d->out, w->links.v, d->out_len);
	op->ret_n = (uint32_t)w->links.n;
	return 0;
}

static int workspace_map_list(struct backend *b, struct op_map_list *op, struct op_data *d)
{
	struct workspace *w = workspace_of(b);
	const struct object *e = op->handle ? objects_by_handle(w, op->handle) : ioas_of(w, op->ioas_id);

	if (!e)
		return -ENOENT;
	d->out_len = maps_read(&e->maps, op->from, d->out, d->out_cap / sizeof(struct op_map)) * sizeof(struct op_map);
	op->ret_n = e->maps.n;
	return 0;
}

/* -- drivers --------------------------------------------------------------------------------------------------------- */

static struct backend *guarded_as(struct backend *b)
{
	struct backend *inner = workspace_of(b)->inner;

	inner->interrupted = b->interrupted;
	inner->guard_ms = b->guard_ms;
	return inner;
}

static int workspace_set_override(struct backend *b, const char *bus, const char *dev, const char *driver)
{
	struct backend *inner = guarded_as(b);
	int r = backend_set_override(inner, bus, dev, driver);

	b->hangs = inner->hangs;
	return r;
}

static int workspace_unbind(struct backend *b, const char *bus, const char *dev, const char *driver, int timeout_ms,
			    pid_t *ret_pid)
{
	struct backend *inner = workspace_of(b)->inner;

	inner->interrupted = b->interrupted;
	return backend_unbind(inner, bus, dev, driver, timeout_ms, ret_pid);
}

static int workspace_bind(struct backend *b, const char *bus, const char *dev, const char *driver)
{
	struct backend *inner = guarded_as(b);
	int r = backend_bind(inner, bus, dev, driver);

	b->hangs = inner->hangs;
	return r;
}

static int workspace_load_module(struct backend *b, const char *name)
{
	return backend_load_module(workspace_of(b)->inner, name);
}

static int workspace_module_options(struct backend *b, const char *name, struct arena *a, const char **ret)
{
	return backend_module_options(workspace_of(b)->inner, name, a, ret);
}

static int workspace_watch_nodes(struct backend *b)
{
	return backend_watch_nodes(workspace_of(b)->inner);
}

static int workspace_wait_node(struct backend *b, const char *node, int timeout_ms)
{
	struct backend *inner = workspace_of(b)->inner;

	inner->interrupted = b->interrupted;
	return backend_wait_node(inner, node, timeout_ms);
}

static int workspace_set_group_type(struct backend *b, uint32_t group, const char *type)
{
	return backend_set_group_type(workspace_of(b)->inner, group, type);
}

static int workspace_set_vfs(struct backend *b, const char *dev, unsigned n, int timeout_ms, pid_t *ret_pid)
{
	struct backend *inner = workspace_of(b)->inner;

	inner->interrupted = b->interrupted;
	return backend_set_vfs(inner, dev, n, timeout_ms, ret_pid);
}

static int workspace_set_vf_autoprobe(struct backend *b, const char *dev, bool on)
{
	return backend_set_vf_autoprobe(workspace_of(b)->inner, dev, on);
}

static void workspace_close(struct backend *b)
{
	struct workspace *w = workspace_of(b);

	faults_free(w);
	objects_free(w);
	backend_close(w->inner);
	free(w);
}

static const struct backend_ops workspace_ops = {
	.set_override = workspace_set_override,
	.unbind = workspace_unbind,
	.bind = workspace_bind,
	.load_module = workspace_load_module,
	.module_options = workspace_module_options,
	.watch_nodes = workspace_watch_nodes,
	.wait_node = workspace_wait_node,
	.set_group_type = workspace_set_group_type,
	.set_vfs = workspace_set_vfs,
	.set_vf_autoprobe = workspace_set_vf_autoprobe,
#define OP(x) .x = workspace_##x,
	BACKEND_OPS(OP)
#undef OP
	.close = workspace_close,
};

int workspace_new(struct backend *inner, const struct workspace_facts *facts, struct backend **ret)
{
	struct workspace *w = must_calloc(1, sizeof(*w));

	w->backend.ops = &workspace_ops;
	w->inner = inner;
	if (facts)
		w->facts = *facts;
	*ret = &w->backend;
	return 0;
}

void workspace_set_client(struct backend *b, uint32_t client)
{
	workspace_of(b)->client = client;
}

size_t workspace_count(struct backend *b)
{
	return workspace_of(b)->n;
}
