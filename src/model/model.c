// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "model/internal.h"

/* As the descriptors of a process that ends: what is left of a mock device goes with its object. */
static void close_handle(struct model *m, struct handle *h)
{
	struct op_device_close op = { .handle = h->id };

	model_device_close(&m->backend, &op, NULL);
}

static void model_close(struct backend *b)
{
	struct model *m = to_model(b);

	for (size_t i = 0; i < m->handles.n; i++)
		if (m->handles.v[i])
			close_handle(m, m->handles.v[i]);
	vec_free(&m->handles);
	objs_close(m);
	if (m->overlay)
		overlay_detach(m->overlay);
	board_free(m);
	free(m);
}

static const struct backend_ops model_ops = {
	.set_override = model_set_override,
	.unbind = model_unbind,
	.bind = model_bind,
	.load_module = model_load_module,
	.module_options = model_module_options,
	.watch_nodes = model_watch_nodes,
	.wait_node = model_wait_node,
	.set_group_type = model_set_group_type,
	.set_vfs = model_set_vfs,
	.set_vf_autoprobe = model_set_vf_autoprobe,
#define OP(x) .x = model_##x,
	OP(probe) OP(device_open) OP(device_close) OP(device_attach) OP(device_detach) OP(device_hwinfo)
	OP(device_irq) OP(device_region) OP(legacy_map) OP(legacy_unmap)
	OP(ioas_alloc) OP(ioas_map) OP(ioas_unmap) OP(ioas_copy) OP(ioas_ranges) OP(ioas_allow)
	OP(option) OP(change_process) OP(vfio_ioas)
	OP(hwpt_alloc) OP(hwpt_invalidate) OP(dirty_set) OP(dirty_get)
	OP(viommu_alloc) OP(vdevice_alloc) OP(hwqueue_alloc) OP(veventq_alloc) OP(veventq_read)
	OP(faultq_alloc) OP(faultq_read) OP(faultq_respond) OP(destroy) OP(raw) OP(queue_fd)
	OP(mock_reserved) OP(mock_fault) OP(mock_dirty) OP(mock_iotlb) OP(mock_cache) OP(mock_event)
#undef OP
	.close = model_close,
};

int model_open(struct ctx *ctx, struct source *base, const struct model_options *opt, struct backend **ret,
	       struct source **ret_overlay)
{
	struct model *m = calloc(1, sizeof(*m));
	struct source *overlay;
	int r;

	if (!m)
		return -ENOMEM;
	m->backend.ops = &model_ops;
	m->ctx = ctx;
	m->base = base;
	if (opt)
		m->opt = *opt;
	overlay = overlay_new(m);
	r = board_load(m);
	if (r < 0) {
		backend_close(&m->backend);
		source_close(overlay);
		return r;
	}
	if (m->opt.n_leaks)
		overlay_mark(m->overlay);
	*ret = &m->backend;
	*ret_overlay = overlay;
	return 0;
}
