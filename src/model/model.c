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

/* Asked of the facts once something needs it: on a running machine that reads the symbol table. */
static void load_probes(struct model *m)
{
	_cleanup_(arena_free) struct arena a = { 0 };
	struct ctx quiet = { 0 };
	struct probes p;

	m->probed = true;
	if (source_probes(m->base, &quiet, &a, &p) == 0)
		for (int i = 0; i < PROBE_TEST_CMD; i++)
			m->lacks[i] = p.iommufd[i] == TRI_NO;
	ctx_free(&quiet);
}

bool model_lacks(struct model *m, enum probe_ioctl i)
{
	if (!m->probed)
		load_probes(m);
	return m->lacks[i];
}

/* Ioctls that came after the first iommufd: a kernel may be without. */
#define LATER(op_name, ioctl)                                                                                            \
	static int later_##op_name(struct backend *b, struct op_##op_name *op, struct op_data *d)                        \
	{                                                                                                                \
		return model_lacks(to_model(b), PROBE_##ioctl) ? -ENOTTY : model_##op_name(b, op, d);                    \
	}

LATER(device_hwinfo, GET_HW_INFO)
LATER(change_process, IOAS_CHANGE_PROCESS)
LATER(hwpt_alloc, HWPT_ALLOC)
LATER(hwpt_invalidate, HWPT_INVALIDATE)
LATER(dirty_set, HWPT_SET_DIRTY_TRACKING)
LATER(dirty_get, HWPT_GET_DIRTY_BITMAP)
LATER(viommu_alloc, VIOMMU_ALLOC)
LATER(vdevice_alloc, VDEVICE_ALLOC)
LATER(hwqueue_alloc, HW_QUEUE_ALLOC)
LATER(veventq_alloc, VEVENTQ_ALLOC)
LATER(faultq_alloc, FAULT_QUEUE_ALLOC)

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
	OP(probe) OP(device_open) OP(device_close) OP(device_attach) OP(device_detach)
	OP(device_irq) OP(device_region) OP(legacy_map) OP(legacy_unmap)
	OP(ioas_alloc) OP(ioas_map) OP(ioas_unmap) OP(ioas_copy) OP(ioas_ranges) OP(ioas_allow) OP(option) OP(vfio_ioas)
	OP(veventq_read) OP(faultq_read) OP(faultq_respond) OP(destroy) OP(raw) OP(queue_fd)
	OP(mock_reserved) OP(mock_fault) OP(mock_dirty) OP(mock_iotlb) OP(mock_cache) OP(mock_event)
#undef OP
#define OP(x) .x = later_##x,
	OP(device_hwinfo) OP(change_process) OP(hwpt_alloc) OP(hwpt_invalidate) OP(dirty_set) OP(dirty_get)
	OP(viommu_alloc) OP(vdevice_alloc) OP(hwqueue_alloc) OP(veventq_alloc) OP(faultq_alloc)
#undef OP
	.close = model_close,
};

int model_open(struct ctx *ctx, struct source *base, const struct model_options *opt, struct backend **ret,
	       struct source **ret_overlay)
{
	struct model *m = must_calloc(1, sizeof(*m));
	struct source *overlay;
	int r;

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
