/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What goes over a session's socket. First one hello each way, whose form never changes, so that every version can tell any
 * other what it is, and stop it. Then, between equals only, one frame a request and one an answer: the operation's struct as it is in
 * backend/op.h, and what goes beside it. A descriptor goes along with the first byte of its frame (SCM_RIGHTS).
 */
#ifndef IOMMUCTL_SESSION_PROTOCOL_H
#define IOMMUCTL_SESSION_PROTOCOL_H

#include "backend/backend.h"

#define HELLO_MAGIC "IOMMUCTL"

enum hello_what {
	HELLO_CONNECT,
	HELLO_INFO, /* the answer is all that is wanted */
	HELLO_STOP, /* the keeper answers, and ends */
};

enum hello_flags {
	HELLO_MODEL = 1 << 0, /* acts go to a model, and facts are the keeper's */
	HELLO_FULL = 1 << 1,  /* no: too many are connected */
};

struct hello {
	char magic[8];
	uint32_t form; /* 1 */
	uint32_t what;
	char version[48];
	uint32_t layout; /* of the operations: two builds of one version may differ */
	uint32_t pid;	 /* of the keeper */
	uint32_t flags;
	uint32_t objects; /* that live in it */
};

_Static_assert(sizeof(struct hello) == 80, "this never changes");

enum frame_flags {
	FRAME_FD = 1 << 0,  /* a descriptor goes along */
	FRAME_BYE = 1 << 1, /* the client leaves in good order; there is no answer */
};

struct frame {
	uint16_t op, flags;
	uint32_t seq; /* the answer has the request's */
	uint32_t op_len, data_len;
	uint32_t out_cap; /* request: room for data in the answer */
	uint32_t out_len; /* answer: how much there was */
	int32_t result;	  /* answer */
	uint32_t pad;
};

_Static_assert(sizeof(struct frame) == 32, "no holes");

/* The most that goes beside an operation, either way. */
#define FRAME_MAX_DATA (16U << 20)

/* Room for any operation, aligned. */
union any_op {
#define OP(x) struct op_##x x;
	BACKEND_OPS(OP)
#undef OP
};

/* The size of an operation's struct; 0: there is no such operation. */
size_t op_size(uint32_t nr);

/* Calls it on a backend. @nr is one that op_size() knows. */
int op_call(struct backend *b, uint32_t nr, union any_op *op, struct op_data *d);

/* Fills in what a hello of this program says. */
void hello_fill(struct hello *h, enum hello_what what);

/* Whether it is one at all; and whether it is this version's. */
bool hello_valid(const struct hello *h);
bool hello_equal(const struct hello *h);

/*
 * Whether a request's header can be right: a known operation with a struct of its size, and data within bounds. What an
 * operation's members say is for the operation to judge.
 */
bool frame_valid(const struct frame *f);

/*
 * Sends @n bytes, with @fd along with the first of them unless it is -1. How many went; negative errno, -EAGAIN among them.
 */
ssize_t send_with_fd(int sock, const void *p, size_t n, int fd);

/* Receives; *@ret_fd, -1 unless one came along, is the caller's. More than one are closed. 0: the peer is gone. */
ssize_t receive_with_fd(int sock, void *p, size_t n, int *ret_fd);

#endif
