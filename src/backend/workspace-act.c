// SPDX-License-Identifier: GPL-2.0-or-later
/* Operations on drivers, as frames carry them. */
#include <errno.h>
#include <string.h>

#include "backend/workspace-internal.h"

static bool is_text(const char *s, size_t cap)
{
	return memchr(s, '\0', cap);
}

static int put(struct op_data *d, const void *p, size_t n)
{
	if (n && d->out_cap)
		memcpy(d->out, p, MIN(n, d->out_cap));
	d->out_len = MIN(n, d->out_cap);
	return 0;
}

static int module_options(struct backend *inner, const char *name, struct op_data *d)
{
	struct arena a = { 0 };
	const char *text;
	int r = backend_module_options(inner, name, &a, &text);

	if (r == 0)
		put(d, text, strlen(text) + 1);
	arena_free(&a);
	return r;
}

int workspace_act(struct backend *b, struct op_act *op, struct op_data *d)
{
	struct backend *inner = workspace_of(b)->inner;
	const char *arg = op->has_arg ? op->arg : NULL;
	pid_t pid = 0;
	int r = -EINVAL;

	if (!is_text(op->bus, sizeof(op->bus)) || !is_text(op->dev, sizeof(op->dev)) || !is_text(op->arg, sizeof(op->arg)))
		return -EINVAL;
	if (!arg && op->what != OP_ACT_OVERRIDE)
		arg = "";
	switch (op->what) {
	case OP_ACT_OVERRIDE:
		return backend_set_override(inner, op->bus, op->dev, arg);
	case OP_ACT_UNBIND:
		r = backend_unbind(inner, op->bus, op->dev, arg, op->timeout_ms, &pid);
		op->ret_pid = pid;
		return r;
	case OP_ACT_BIND:
		return backend_bind(inner, op->bus, op->dev, arg);
	case OP_ACT_MODULE:
		return backend_load_module(inner, arg);
	case OP_ACT_MODULE_OPTIONS:
		return module_options(inner, arg, d);
	case OP_ACT_WATCH_NODES:
		return backend_watch_nodes(inner);
	case OP_ACT_WAIT_NODE:
		return backend_wait_node(inner, arg, op->timeout_ms);
	case OP_ACT_GROUP_TYPE:
		return backend_set_group_type(inner, op->number, arg);
	case OP_ACT_VFS:
		r = backend_set_vfs(inner, op->dev, op->number, op->timeout_ms, &pid);
		op->ret_pid = pid;
		return r;
	case OP_ACT_VF_AUTOPROBE:
		return backend_set_vf_autoprobe(inner, op->dev, op->number);
	}
	return r;
}

int workspace_fact(struct backend *b, struct op_fact *op, struct op_data *d)
{
	const struct workspace_facts *f = &workspace_of(b)->facts;

	return f->answer ? f->answer(f->arg, op, d) : -EOPNOTSUPP;
}
