/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The BPF programs that call-ring.c loads: one for when an ioctl starts, one for when it comes back. They are put together here, instruction by
 * instruction, so that nothing has to be compiled where it runs.
 */
#ifndef IOMMUCTL_KMEM_CALL_PROGRAMS_H
#define IOMMUCTL_KMEM_CALL_PROGRAMS_H

#if __has_include(<bpf/libbpf_version.h>)
#include <bpf/libbpf_version.h>
#endif

#if defined(HAVE_KMEM) && defined(LIBBPF_MAJOR_VERSION) && LIBBPF_MAJOR_VERSION >= 1 && (defined(__x86_64__) || defined(__aarch64__))
#define HAVE_CALL_PROGRAMS 1

#include <linux/bpf.h>

#include "kmem/call-ring.h"
#include "kmem/kmem.h"

/* Calls that a program may make by the million have room for their own structures alone. */
#define SHORT_BYTES 40

/* What the programs know of a call from its start on. Words of eight bytes. */
struct started {
	uint64_t start, arg;
	uint32_t cmd, fd;
	uint32_t mode, rdev; /* 0: not looked at; as the kernel has it */
	uint32_t n_in, n_behind;
	uint32_t inside, compat;
};

struct thread_state {
	struct started s;
	unsigned char in[RING_CALL_BYTES], behind[RING_CALL_BYTES];
	unsigned char room[RING_CALL_BYTES]; /* never written: a length that the verifier does not know added to one that it does not know */
};

/* What goes through the ring. Of short calls, in and out are of SHORT_BYTES, and that is all. */
struct record {
	uint32_t tid, pid;
	uint64_t end;
	int64_t ret;
	uint32_t n_out, is_short;
	struct started s;
	unsigned char in[RING_CALL_BYTES];
	unsigned char out[RING_CALL_BYTES];
	unsigned char behind[RING_CALL_BYTES];
};

#define SHORT_OUT    (offsetof(struct record, in) + SHORT_BYTES)
#define SHORT_RECORD (SHORT_OUT + SHORT_BYTES)

_Static_assert(sizeof(struct started) == 48 && offsetof(struct record, in) == 80, "words of eight bytes");

/* One of the wrappers that a system call enters, and where it has the call's arguments in the caller's registers. */
struct call_wrapper {
	const char *name;
	size_t fd, cmd, arg;
	bool compat;
};

/* The first is every program's, the others are there where the kernel runs such programs. */
#define CALL_WRAPPERS 2
extern const struct call_wrapper call_wrappers[CALL_WRAPPERS];

/* What a program is made for. */
struct call_target {
	int threads, ring, lost; /* maps: of what is known of a thread, of records, of how many were lost */
	const struct call_wrapper *wrapper;
	const struct ktypes *types;
};

struct call_program {
	struct bpf_insn v[768];
	size_t n;
	size_t to_end[16], n_to_end;
};

/* Each fills *@ret, from {0}. */
void call_program_entry(const struct call_target *t, struct call_program *ret);
void call_program_exit(const struct call_target *t, struct call_program *ret);

#endif
#endif
