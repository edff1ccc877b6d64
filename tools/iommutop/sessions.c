// SPDX-License-Identifier: GPL-2.0-or-later
#include "sessions.h"

#include <errno.h>

#include "session/place.h"
#include "session/remote.h"

const char *session_kind_word(uint32_t kind)
{
	static const char *const words[OP_KIND_MAX] = {
		[OP_KIND_DEVICE] = "device",   [OP_KIND_IOAS] = "ioas",	      [OP_KIND_HWPT] = "hwpt",
		[OP_KIND_VIOMMU] = "viommu",   [OP_KIND_VDEVICE] = "vdevice", [OP_KIND_VEVENTQ] = "veventq",
		[OP_KIND_HWQUEUE] = "hwqueue", [OP_KIND_FAULTQ] = "faultq",
	};

	return kind < OP_KIND_MAX && words[kind] ? words[kind] : "object";
}

static int read_objects(struct backend *be, struct arena *a, struct session *s)
{
	struct op_object_list op = { 0 };
	struct op_data d = OP_DATA_NONE;
	int r = backend_object_list(be, &op, NULL);

	if (r < 0)
		return r;
	d.out_cap = op.ret_n * sizeof(*s->objects);
	d.out = arena_alloc(a, d.out_cap + 1);
	r = backend_object_list(be, &op, &d);
	s->objects = d.out;
	s->n = r < 0 ? 0 : d.out_len / sizeof(*s->objects);
	return r;
}

static void ask(struct ctx *ctx, struct arena *a, struct session *s)
{
	_cleanup_(cleanup_backend_close) struct backend *be = NULL;
	struct session_info info = { 0 };
	int r = session_connect(ctx, s->name, &info, &be);

	if (r >= 0) {
		s->pid = NUM(info.pid);
		s->model = info.model;
		r = read_objects(be, a, s);
	}
	if (r < 0)
		s->problem = r == -ECONNREFUSED ? "its keeper is dead, and its objects with it" : err_text(r);
}

struct sessions *sessions_read(struct ctx *ctx, struct arena *a)
{
	struct sessions *ret = arena_new(a, struct sessions);
	const char **names = NULL;
	size_t n = 0;

	if (place_list(ctx, &names, &n) < 0)
		return ret;
	ret->v = arena_array(a, struct session, n + 1);
	for (size_t i = 0; i < n; i++) {
		ret->v[i].name = arena_strdup(a, names[i]);
		ask(ctx, a, &ret->v[i]);
	}
	ret->n = n;
	return ret;
}
