// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/remote.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "backend/workspace.h"
#include "base/str.h"
#include "session/place.h"
#include "session/protocol.h"

struct remote {
	struct backend backend;
	struct backend *local;
	int sock;
	uint32_t seq;
	bool model;
	bool broken; /* an answer was not waited for, so nothing fits any more */
};

static struct remote *remote_of(struct backend *b)
{
	return (struct remote *)b;
}

/* -- bytes ----------------------------------------------------------------------------------------------------------------- */

static int send_all(int sock, const void *p, size_t n, int fd)
{
	const char *at = p;

	while (n) {
		ssize_t r = send_with_fd(sock, at, n, fd);

		if (r == -EINTR)
			continue;
		if (r < 0)
			return (int)r;
		at += r;
		n -= (size_t)r;
		fd = -1;
	}
	return 0;
}

/*
 * A signal ends the wait only when somebody wants to know of it. *@ret_fd: one that came along, unless there is one already.
 */
static int receive_all(int sock, void *p, size_t n, int *ret_fd, const volatile sig_atomic_t *interrupted)
{
	char *at = p;

	while (n) {
		int fd;
		ssize_t r = receive_with_fd(sock, at, n, &fd);

		if (r == -EINTR && interrupted && *interrupted)
			return -EINTR;
		if (r == -EINTR)
			continue;
		if (r <= 0)
			return r ? (int)r : -ECONNRESET;
		if (fd >= 0 && *ret_fd < 0)
			*ret_fd = fd;
		else if (fd >= 0)
			close(fd);
		at += r;
		n -= (size_t)r;
	}
	return 0;
}

/* -- frames ---------------------------------------------------------------------------------------------------------------- */

static int send_request(struct remote *m, uint32_t nr, const void *op, const struct op_data *d)
{
	struct frame f = {
		.op = (uint16_t)nr,
		.seq = ++m->seq,
		.op_len = (uint32_t)op_size(nr),
		.data_len = (uint32_t)d->in_len,
		.out_cap = (uint32_t)MIN(d->out_cap, FRAME_MAX_DATA),
		.flags = d->fd_in >= 0 ? FRAME_FD : 0,
	};
	char head[sizeof(f) + sizeof(union any_op)];
	int r;

	if (d->in_len > FRAME_MAX_DATA)
		return -E2BIG;
	memcpy(head, &f, sizeof(f));
	memcpy(head + sizeof(f), op, f.op_len);
	r = send_all(m->sock, head, sizeof(f) + f.op_len, d->fd_in);
	return r < 0 ? r : send_all(m->sock, d->in, d->in_len, -1);
}

static int receive_answer(struct remote *m, uint32_t nr, void *op, struct op_data *d)
{
	struct frame f;
	int fd = -1, r = receive_all(m->sock, &f, sizeof(f), &fd, m->backend.interrupted);

	/* behind the header the rest is on its way */
	if (r == 0 && (f.op != nr || f.seq != m->seq || f.op_len != op_size(nr) ||
		       f.data_len != MIN(f.out_len, MIN(d->out_cap, FRAME_MAX_DATA))))
		r = -EPROTO;
	if (r == 0)
		r = receive_all(m->sock, op, f.op_len, &fd, NULL);
	if (r == 0)
		r = receive_all(m->sock, d->out, f.data_len, &fd, NULL);
	m->broken |= r < 0; /* nobody knows where the next frame begins */
	if (r == 0 && f.result >= 0 && (f.flags & FRAME_FD) && fd < 0)
		r = -EMFILE; /* the kernel drops a descriptor that does not fit into our table */
	if (r < 0 || f.result < 0) {
		cleanup_close(&fd);
		return r < 0 ? r : f.result;
	}
	d->out_len = f.out_len;
	d->fd_out = fd;
	return f.result;
}

static int remote_call(struct backend *b, uint32_t nr, void *op, struct op_data *d)
{
	struct remote *m = remote_of(b);
	int r = m->broken ? -ECONNRESET : send_request(m, nr, op, d);

	if (r == 0)
		return receive_answer(m, nr, op, d);
	if (r == -E2BIG)
		return r;
	m->broken = true;
	return -ECONNRESET;
}

#define OP(x)                                                                                                    \
	static int remote_##x(struct backend *b, struct op_##x *op, struct op_data *d)                           \
	{                                                                                                        \
		return remote_call(b, OP_##x, op, d);                                                            \
	}
BACKEND_OPS(OP)
#undef OP

/* -- drivers ----------------------------------------------------------------------------------------------------------------- */

static int set_word(char *to, size_t cap, const char *s)
{
	if (strlen(s) >= cap)
		return -ENAMETOOLONG;
	strcpy(to, s);
	return 0;
}

static int act(struct backend *b, struct op_act *op, const char *bus, const char *dev, const char *arg)
{
	struct op_data d = OP_DATA_NONE;
	int r = set_word(op->bus, sizeof(op->bus), bus);

	if (r == 0)
		r = set_word(op->dev, sizeof(op->dev), dev);
	if (r == 0 && arg)
		r = set_word(op->arg, sizeof(op->arg), arg);
	op->has_arg = arg != NULL;
	return r < 0 ? r : remote_act(b, op, &d);
}

/* Where the session has no model, the machine is the one that we run on. */
static struct backend *local_of(struct backend *b)
{
	struct remote *m = remote_of(b);

	if (m->local)
		m->local->interrupted = b->interrupted;
	if (m->local)
		m->local->guard_ms = b->guard_ms;
	return m->local;
}

/* Of a write that may hang: see struct backend. */
static int done_here(struct backend *b, const struct backend *local, int r)
{
	b->hangs = local->hangs;
	return r;
}

static int remote_set_override(struct backend *b, const char *bus, const char *dev, const char *driver)
{
	struct op_act op = { .what = OP_ACT_OVERRIDE };
	struct backend *local = local_of(b);

	return local ? done_here(b, local, backend_set_override(local, bus, dev, driver)) : act(b, &op, bus, dev, driver);
}

static int remote_unbind(struct backend *b, const char *bus, const char *dev, const char *driver, int timeout_ms, pid_t *ret_pid)
{
	struct op_act op = { .what = OP_ACT_UNBIND, .timeout_ms = timeout_ms };
	struct backend *local = local_of(b);
	int r;

	if (local)
		return backend_unbind(local, bus, dev, driver, timeout_ms, ret_pid);
	r = act(b, &op, bus, dev, driver);
	*ret_pid = op.ret_pid;
	return r;
}

static int remote_bind(struct backend *b, const char *bus, const char *dev, const char *driver)
{
	struct op_act op = { .what = OP_ACT_BIND };
	struct backend *local = local_of(b);

	return local ? done_here(b, local, backend_bind(local, bus, dev, driver)) : act(b, &op, bus, dev, driver);
}

static int remote_load_module(struct backend *b, const char *name)
{
	struct op_act op = { .what = OP_ACT_MODULE };
	struct backend *local = local_of(b);

	return local ? backend_load_module(local, name) : act(b, &op, "", "", name);
}

static int remote_module_options(struct backend *b, const char *name, struct arena *a, const char **ret)
{
	struct op_act op = { .what = OP_ACT_MODULE_OPTIONS, .has_arg = 1 };
	struct backend *local = local_of(b);
	char text[4096];
	struct op_data d = { .out = text, .out_cap = sizeof(text) - 1, .fd_in = -1, .fd_out = -1 };
	int r;

	if (local)
		return backend_module_options(local, name, a, ret);
	r = set_word(op.arg, sizeof(op.arg), name);
	if (r == 0)
		r = remote_act(b, &op, &d);
	if (r < 0)
		return r;
	text[MIN(d.out_len, d.out_cap)] = '\0';
	*ret = arena_strdup(a, text);
	return 0;
}

static int remote_watch_nodes(struct backend *b)
{
	struct op_act op = { .what = OP_ACT_WATCH_NODES };
	struct backend *local = local_of(b);

	return local ? backend_watch_nodes(local) : act(b, &op, "", "", NULL);
}

static int remote_wait_node(struct backend *b, const char *node, int timeout_ms)
{
	struct op_act op = { .what = OP_ACT_WAIT_NODE, .timeout_ms = timeout_ms };
	struct backend *local = local_of(b);

	return local ? backend_wait_node(local, node, timeout_ms) : act(b, &op, "", "", node);
}

static int remote_set_group_type(struct backend *b, uint32_t group, const char *type)
{
	struct op_act op = { .what = OP_ACT_GROUP_TYPE, .number = group };
	struct backend *local = local_of(b);

	return local ? backend_set_group_type(local, group, type) : act(b, &op, "", "", type);
}

static int remote_set_vfs(struct backend *b, const char *dev, unsigned n, int timeout_ms, pid_t *ret_pid)
{
	struct op_act op = { .what = OP_ACT_VFS, .number = n, .timeout_ms = timeout_ms };
	struct backend *local = local_of(b);
	int r;

	if (local)
		return backend_set_vfs(local, dev, n, timeout_ms, ret_pid);
	r = act(b, &op, "pci", dev, NULL);
	*ret_pid = op.ret_pid;
	return r;
}

static int remote_set_vf_autoprobe(struct backend *b, const char *dev, bool on)
{
	struct op_act op = { .what = OP_ACT_VF_AUTOPROBE, .number = on };
	struct backend *local = local_of(b);

	return local ? backend_set_vf_autoprobe(local, dev, on) : act(b, &op, "pci", dev, NULL);
}

/* Without the good-bye it would be taken for one that died. */
static void remote_close(struct backend *b)
{
	struct remote *m = remote_of(b);
	struct frame bye = { .flags = FRAME_BYE };

	if (!m->broken)
		send_all(m->sock, &bye, sizeof(bye), -1);
	close(m->sock);
	backend_close(m->local);
	free(m);
}

static const struct backend_ops remote_ops = {
	.set_override = remote_set_override,
	.unbind = remote_unbind,
	.bind = remote_bind,
	.load_module = remote_load_module,
	.module_options = remote_module_options,
	.watch_nodes = remote_watch_nodes,
	.wait_node = remote_wait_node,
	.set_group_type = remote_set_group_type,
	.set_vfs = remote_set_vfs,
	.set_vf_autoprobe = remote_set_vf_autoprobe,
#define OP(x) .x = remote_##x,
	BACKEND_OPS(OP)
#undef OP
	.close = remote_close,
};

/* A keeper that has no room lets one in at a time, for a moment. Who has missed it comes again. */
#define ASK_TRIES 50
#define CONNECT_TRIES 20

/* -- connecting ------------------------------------------------------------------------------------------------------------- */

/* What answers has ten seconds: a keeper is never busy for so long, anything else may never answer. */
static int greet(int sock, enum hello_what what, struct hello *ret)
{
	const struct timeval limit = { .tv_sec = 10 };
	struct hello h;
	int fd = -1, r;

	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	hello_fill(&h, what);
	r = send_all(sock, &h, sizeof(h), -1);
	/* one that has no room may have answered, and hung up, before it was asked */
	if (r == 0 || r == -EPIPE)
		r = receive_all(sock, ret, sizeof(*ret), &fd, NULL);
	cleanup_close(&fd);
	if (r < 0)
		return r == -EAGAIN ? -ETIMEDOUT : r;
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ 0 }, sizeof(limit));
	return hello_valid(ret) ? 0 : -EPROTO;
}

static void fill_info(const struct hello *h, struct session_info *ret)
{
	*ret = (struct session_info){ .pid = h->pid, .objects = h->objects, .model = h->flags & HELLO_MODEL, .equal = hello_equal(h) };
	memcpy(ret->version, h->version, sizeof(ret->version));
}

/* The keeper closes when all is cleaned up. */
static void wait_gone(int sock)
{
	char c;

	while (read(sock, &c, 1) > 0)
		;
}

/* -EBUSY: it has hung up before it heard that it shall stop. */
static int ask(struct ctx *ctx, const char *name, enum hello_what what, struct hello *ret)
{
	_cleanup_close_ int sock = -1;
	int r = place_connect(ctx, name, &sock);

	if (r == 0)
		r = greet(sock, what, ret);
	if (r < 0 || what != HELLO_STOP)
		return r;
	if (ret->flags & HELLO_FULL)
		return -EBUSY;
	wait_gone(sock);
	return 0;
}

int session_ask(struct ctx *ctx, const char *name, bool stop, struct session_info *ret)
{
	struct hello h;
	int r = -EBUSY;

	for (int tries = 0; r == -EBUSY && tries < ASK_TRIES; tries++)
		r = ask(ctx, name, stop ? HELLO_STOP : HELLO_INFO, &h);
	if (r < 0)
		return r;
	fill_info(&h, ret);
	return 0;
}

static int no_session(struct ctx *ctx, const char *name, int err)
{
	struct note n = NOTE(.code = "session-unreachable", .err = err);

	if (err == -ENOENT) {
		n.why = "there is no such session";
		n.hint = workspace_good_name(name) ? arena_printf(&ctx->arena, "iommuctl session start %s, or session list", name) :
						     "iommuctl session list shows them";
	} else if (err == -ECONNREFUSED) {
		n.why = "its keeper is dead, and its objects with it";
		n.hint = arena_printf(&ctx->arena, "iommuctl session start %s starts it anew", name);
	} else if (err == -EACCES || err == -EPERM) {
		n.why = "it is another user's";
	} else if (err == -EPROTO || err == -ETIMEDOUT || err == -ECONNRESET) {
		n.why = "what answers there is no keeper of ours";
	}
	return ctx_note(ctx, n, "session %s", name);
}

static int check_hello(struct ctx *ctx, const char *name, const struct hello *h)
{
	if (h->flags & HELLO_FULL)
		return ctx_error(ctx, NOTE(.code = "session-full", .err = EMFILE, .why = "too many are connected to it",
					   .hint = "end a command that waits in it, or start another session"), "session %s", name);
	if (hello_equal(h))
		return 0;
	return ctx_error(ctx, NOTE(.code = "session-version", .err = EPROTO,
				   .why = arena_printf(&ctx->arena, "it was started by version %s%s", h->version,
						       streq(h->version, PACKAGE_VERSION) ? ", another build of it" : ""),
				   .hint = arena_printf(&ctx->arena, "iommuctl session stop %s ends it, with all of its objects", name)),
			 "session %s", name);
}

/* Where there is no room there may be some in a moment: most stay for a command, and the silent are shown out. */
static int connect_patiently(struct ctx *ctx, const char *name, int *sock, struct hello *ret)
{
	const struct timespec moment = { .tv_nsec = 50000000 };
	int r;

	for (int tries = 0;; tries++) {
		r = place_connect(ctx, name, sock);
		if (r == 0)
			r = greet(*sock, HELLO_CONNECT, ret);
		if (r < 0 || !(ret->flags & HELLO_FULL) || tries == CONNECT_TRIES)
			return r;
		cleanup_close(sock);
		*sock = -1;
		nanosleep(&moment, NULL);
	}
}

int session_connect(struct ctx *ctx, const char *name, struct session_info *ret_info, struct backend **ret)
{
	_cleanup_close_ int sock = -1;
	struct remote *m;
	struct hello h;
	int r = place_check(ctx);

	if (r < 0)
		return r;
	r = connect_patiently(ctx, name, &sock, &h);
	if (r < 0)
		return no_session(ctx, name, r);
	r = check_hello(ctx, name, &h);
	if (r < 0)
		return r;
	m = must_calloc(1, sizeof(*m));
	*m = (struct remote){ .backend = { .ops = &remote_ops }, .sock = sock, .model = h.flags & HELLO_MODEL };
	sock = -1;
	fill_info(&h, ret_info);
	*ret = &m->backend;
	return 0;
}

void session_set_local(struct backend *remote, struct backend *local)
{
	remote_of(remote)->local = local;
}
