/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VFIO and iommufd ioctls of some threads, as BPF programs in the kernel saw them made: no thread is stopped for one. It takes root, a
 * kernel with BTF and trampolines, and libbpf 1.0; where one is missing, ptrace(2) does it at ten times the cost. Nothing of it outlives
 * the process.
 */
#ifndef IOMMUCTL_KMEM_CALL_RING_H
#define IOMMUCTL_KMEM_CALL_RING_H

#include <sys/types.h>

#include "base/util.h"

/* More than any of their structures has. */
#define RING_CALL_BYTES 256

struct ring_call {
	pid_t tid, pid;
	uint64_t start, end; /* of the monotonic clock, nanoseconds */
	int64_t ret;
	uint64_t arg;
	uint32_t cmd;
	int fd;
	bool looked; /* at the descriptor: mode and rdev are its file's; not for calls that map and unmap, there are too many */
	mode_t mode;
	dev_t rdev;
	bool compat; /* a 32-bit caller */
	const unsigned char *in, *out, *behind; /* memory at arg before and after; behind the pointer in it that call_pointer() names */
	size_t n_in, n_out, n_behind;
};

/* Where in a call's structure the pointer is to what a reader wants to know; 0: there is none. */
size_t call_pointer(uint32_t cmd);

struct call_ring;

/* 0 with *@ret to be closed; a negative errno: not here. */
int call_ring_open(struct call_ring **ret);
void call_ring_close(struct call_ring *r);

/* A thread whose calls count. Negative errno. */
int call_ring_add(struct call_ring *r, pid_t tid);

/* It does no more. Whether it is inside of a call: *@ret has what is known of that, as long as nothing else is asked of the ring. */
bool call_ring_drop(struct call_ring *r, pid_t tid, struct ring_call *ret);

/* Readable when there is something to read; calls that map and unmap may wait for the next look. */
int call_ring_fd(const struct call_ring *r);

/* Hands out calls, in the order in which they came back, at most @max. How many; as many as @max: there may be more. */
size_t call_ring_read(struct call_ring *r, size_t max, void (*fn)(const struct ring_call *c, void *arg), void *arg);

/* Calls that nobody read in time. */
uint64_t call_ring_lost(const struct call_ring *r);

#endif
