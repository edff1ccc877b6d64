// SPDX-License-Identifier: GPL-2.0-or-later
/* What a backend lacks it answers with -EOPNOTSUPP. */
#include "backend/backend.h"

#include <errno.h>

#define CALL(b, op, ...) ((b)->ops->op ? (b)->ops->op((b), ##__VA_ARGS__) : -EOPNOTSUPP)

void backend_close(struct backend *b)
{
	if (b)
		b->ops->close(b);
}

int backend_set_override(struct backend *b, const char *bus, const char *dev, const char *driver)
{
	return CALL(b, set_override, bus, dev, driver);
}

int backend_unbind(struct backend *b, const char *bus, const char *dev, const char *driver, int timeout_ms,
		   pid_t *ret_pid)
{
	return CALL(b, unbind, bus, dev, driver, timeout_ms, ret_pid);
}

int backend_bind(struct backend *b, const char *bus, const char *dev, const char *driver)
{
	return CALL(b, bind, bus, dev, driver);
}

int backend_load_module(struct backend *b, const char *name)
{
	return CALL(b, load_module, name);
}

int backend_module_options(struct backend *b, const char *name, struct arena *a, const char **ret)
{
	return CALL(b, module_options, name, a, ret);
}

int backend_watch_nodes(struct backend *b)
{
	return CALL(b, watch_nodes);
}

int backend_wait_node(struct backend *b, const char *node, int timeout_ms)
{
	return CALL(b, wait_node, node, timeout_ms);
}

int backend_set_group_type(struct backend *b, uint32_t group, const char *type)
{
	return CALL(b, set_group_type, group, type);
}

int backend_set_vfs(struct backend *b, const char *dev, unsigned n, int timeout_ms, pid_t *ret_pid)
{
	return CALL(b, set_vfs, dev, n, timeout_ms, ret_pid);
}

int backend_set_vf_autoprobe(struct backend *b, const char *dev, bool on)
{
	return CALL(b, set_vf_autoprobe, dev, on);
}

#define OP(x)                                                                                                    \
	int backend_##x(struct backend *b, struct op_##x *op, struct op_data *d)                                 \
	{                                                                                                        \
		struct op_data none = OP_DATA_NONE;                                                              \
                                                                                                                 \
		return b->ops->x ? b->ops->x(b, op, d ? d : &none) : -EOPNOTSUPP;                                \
	}
BACKEND_OPS(OP)
#undef OP
