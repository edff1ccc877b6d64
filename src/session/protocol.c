// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/protocol.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

typedef int (*op_caller)(struct backend *b, union any_op *op, struct op_data *d);

#define OP(name)                                                                                   \
	static int call_##name(struct backend *b, union any_op *op, struct op_data *d)             \
	{                                                                                          \
		return backend_##name(b, &op->name, d);                                            \
	}
BACKEND_OPS(OP)
#undef OP

static const struct {
	const char *name;
	size_t size;
	op_caller call;
} ops[] = {
#define OP(x) { #x, sizeof(struct op_##x), call_##x },
	BACKEND_OPS(OP)
#undef OP
};

size_t op_size(uint32_t nr)
{
	return nr < ARRAY_SIZE(ops) ? ops[nr].size : 0;
}

int op_call(struct backend *b, uint32_t nr, union any_op *op, struct op_data *d)
{
	return ops[nr].call(b, op, d);
}

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint32_t mix(uint32_t hash, const void *p, size_t n)
{
	for (const unsigned char *c = p; n; c++, n--)
		hash = (hash ^ *c) * 16777619U;
	return hash;
}

/* What struct hello has in layout. */
static uint32_t op_layout(void)
{
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		hash = mix(hash, ops[i].name, strlen(ops[i].name));
		hash = mix(hash, &ops[i].size, sizeof(ops[i].size));
	}
	return hash;
}

void hello_fill(struct hello *h, enum hello_what what)
{
	*h = (struct hello){ .form = 1, .what = what, .layout = op_layout() };
	memcpy(h->magic, HELLO_MAGIC, sizeof(h->magic));
	strncpy(h->version, PACKAGE_VERSION, sizeof(h->version) - 1);
}

bool hello_valid(const struct hello *h)
{
	return !memcmp(h->magic, HELLO_MAGIC, sizeof(h->magic)) && h->form == 1 && memchr(h->version, '\0', sizeof(h->version));
}

bool hello_equal(const struct hello *h)
{
	return !strcmp(h->version, PACKAGE_VERSION) && h->layout == op_layout();
}

bool frame_valid(const struct frame *f)
{
	if (f->flags & FRAME_BYE)
		return !f->op_len && !f->data_len;
	return op_size(f->op) && f->op_len == op_size(f->op) && f->data_len <= FRAME_MAX_DATA && f->out_cap <= FRAME_MAX_DATA &&
	       !(f->flags & ~FRAME_FD);
}

/* Room for more descriptors than one, so that those too many are seen, and closed. */
union control {
	char bytes[CMSG_SPACE(16 * sizeof(int))];
	struct cmsghdr align;
};

ssize_t send_with_fd(int sock, const void *p, size_t n, int fd)
{
	struct iovec iov = { .iov_base = (void *)p, .iov_len = n };
	union control control = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	ssize_t r;

	if (fd >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	r = sendmsg(sock, &msg, MSG_NOSIGNAL);
	return r < 0 ? -errno : r;
}

static void take_fds(const struct cmsghdr *c, int *ret_fd)
{
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
		if (*ret_fd < 0)
			*ret_fd = fd;
		else
			close(fd);
	}
}

ssize_t receive_with_fd(int sock, void *p, size_t n, int *ret_fd)
{
	struct iovec iov = { .iov_base = p, .iov_len = n };
	union control control;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
	ssize_t r = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);

	*ret_fd = -1;
	if (r < 0)
		return -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			take_fds(c, ret_fd);
	return r;
}
