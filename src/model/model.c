// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "model/internal.h"

static void model_close(struct backend *b)
{
	struct model *m = to_model(b);

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
