// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmem/call-ring.h"

#include <errno.h>

#include "abi/iommufd.h"
#include "abi/vfio.h"

static const struct pointer {
	uint32_t cmd;
	uint16_t at;
} pointers[] = {
	{ IOMMU_HWPT_ALLOC, offsetof(struct iommu_hwpt_alloc, data_uptr) },
	{ IOMMU_HWPT_INVALIDATE, offsetof(struct iommu_hwpt_invalidate, data_uptr) },
	{ IOMMU_IOAS_ALLOW_IOVAS, offsetof(struct iommu_ioas_allow_iovas, allowed_iovas) },
};

size_t call_pointer(uint32_t cmd)
{
	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++)
		if (pointers[i].cmd == cmd)
			return pointers[i].at;
	return 0;
}

#if __has_include(<bpf/libbpf_version.h>)
#include <bpf/libbpf_version.h>
#endif

#if defined(HAVE_KMEM) && defined(LIBBPF_MAJOR_VERSION) && LIBBPF_MAJOR_VERSION >= 1 && (defined(__x86_64__) || defined(__aarch64__))

#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/user.h>
#include <unistd.h>

#include "base/oom.h"
#include "kmem/kmem.h"
#include "kmem/quiet.h"

/* It has enumerators of these names, of its own. */
#define TRI_NO	LIBBPF_TRI_NO
#define TRI_YES LIBBPF_TRI_YES
#include <bpf/libbpf.h>
#undef TRI_NO
#undef TRI_YES

/*
 * The wrappers that a system call enters, and where these have its arguments: in the caller's registers (arch/x86/entry/syscall_64.c,
 * syscall_32.c; arch/arm64/kernel/syscall.c). The first is every program's, the others are there where the kernel runs such programs.
 */
static const struct wrapper {
	const char *name;
	size_t fd, cmd, arg;
	bool compat;
} wrappers[] = {
#ifdef __x86_64__
#define REG(name) offsetof(struct user_regs_struct, name)
	{ "__x64_sys_ioctl", REG(rdi), REG(rsi), REG(rdx), false },
	{ "__ia32_compat_sys_ioctl", REG(rbx), REG(rcx), REG(rdx), true },
#else
#define REG(n) offsetof(struct user_regs_struct, regs[n])
	{ "__arm64_sys_ioctl", REG(0), REG(1), REG(2), false },
	{ "__arm64_compat_sys_ioctl", REG(0), REG(1), REG(2), true },
#endif
};

#define RING_BYTES  (16u << 20)
/* What may wait for a reader who looks from time to time. */
#define WAKE_BYTES  (1u << 20)
#define MAX_THREADS 65536u

/* Calls that a program may make by the million have room for their own structures alone. */
#define SHORT_BYTES 40

static const struct short_call {
	uint32_t cmd;
	int len;
} short_calls[] = {
	{ IOMMU_IOAS_MAP, sizeof(struct iommu_ioas_map) },
	{ IOMMU_IOAS_UNMAP, sizeof(struct iommu_ioas_unmap) },
	{ VFIO_IOMMU_MAP_DMA, sizeof(struct vfio_iommu_type1_dma_map) },
	{ VFIO_IOMMU_UNMAP_DMA, sizeof(struct vfio_iommu_type1_dma_unmap) },
};

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

struct call_ring {
	int threads, ring, lost; /* maps */
	int fds[4 * ARRAY_SIZE(wrappers)]; /* programs, and what attaches them */
	size_t n_fds;
	struct ring_buffer *reader;
	void (*fn)(const struct ring_call *c, void *arg);
	void *arg;
	size_t left;
	struct thread_state dropped;
};

/* What a program is made for. */
struct target {
	const struct call_ring *r;
	const struct wrapper *w;
	const struct ktypes *types;
};

/* -- a program: instructions, and jumps to its end -------------------------------------------------------------------------- */

struct program {
	struct bpf_insn v[768];
	size_t n;
	size_t to_end[16], n_to_end;
};

enum { R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, FP };

/* On the stack. */
enum { AT_THREAD = -8, AT_STATE = -16, AT_RET = -24, AT_FIRST = -32, AT_ADDR = -40, AT_KERNEL = -48, AT_KEY = -56 };

static size_t put(struct program *p, int code, uint8_t dst, uint8_t src, int off, int32_t imm)
{
	p->v[p->n] = (struct bpf_insn){ .code = (uint8_t)code, .dst_reg = dst & 0xf, .src_reg = src & 0xf, .off = (int16_t)off, .imm = imm };
	return p->n++;
}

/* @dst @op= @v, and the same with @src. */
static void alu(struct program *p, int op, uint8_t dst, int32_t v)
{
	put(p, BPF_ALU64 | op | BPF_K, dst, 0, 0, v);
}

static void alu_with(struct program *p, int op, uint8_t dst, uint8_t src)
{
	put(p, BPF_ALU64 | op | BPF_X, dst, src, 0, 0);
}

static void move(struct program *p, uint8_t dst, uint8_t src)
{
	alu_with(p, BPF_MOV, dst, src);
}

static void set(struct program *p, uint8_t dst, int32_t v)
{
	alu(p, BPF_MOV, dst, v);
}

static void add(struct program *p, uint8_t dst, int32_t v)
{
	alu(p, BPF_ADD, dst, v);
}

static void load(struct program *p, int width, uint8_t dst, uint8_t src, int off)
{
	put(p, BPF_LDX | BPF_MEM | width, dst, src, off, 0);
}

static void store(struct program *p, int width, uint8_t dst, int off, uint8_t src)
{
	put(p, BPF_STX | BPF_MEM | width, dst, src, off, 0);
}

static void store_value(struct program *p, int width, uint8_t dst, int off, int32_t v)
{
	put(p, BPF_ST | BPF_MEM | width, dst, 0, off, v);
}

static void map(struct program *p, uint8_t dst, int fd)
{
	int wide = BPF_LD | BPF_DW;

	put(p, wide | BPF_IMM, dst, BPF_PSEUDO_MAP_FD, 0, fd);
	put(p, 0, 0, 0, 0, 0);
}

static void call(struct program *p, int helper)
{
	put(p, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

/* Jumps forward, to where land() says. */
static size_t jump_if(struct program *p, int op, uint8_t reg, int32_t v)
{
	return put(p, BPF_JMP | op | BPF_K, reg, 0, 0, v);
}

static size_t jump(struct program *p)
{
	return put(p, BPF_JMP | BPF_JA, 0, 0, 0, 0);
}

static void land(struct program *p, size_t from)
{
	p->v[from].off = (int16_t)(p->n - from - 1);
}

static void end_if(struct program *p, int op, uint8_t reg, int32_t v)
{
	p->to_end[p->n_to_end++] = jump_if(p, op, reg, v);
}

static void end(struct program *p)
{
	for (size_t i = 0; i < p->n_to_end; i++)
		land(p, p->to_end[i]);
	set(p, R0, 0);
	put(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* -- what both programs do --------------------------------------------------------------------------------------------------- */

/* R7: the caller's registers; R8: the ioctl's number, of our type; R9: how long a short call's structure is, 0: another call. */
static void begin(const struct target *t, struct program *p)
{
	size_t done[ARRAY_SIZE(short_calls)];

	move(p, R6, R1);
	load(p, BPF_DW, R7, R6, 0);
	load(p, BPF_W, R8, R7, (int)t->w->cmd);
	move(p, R1, R8);
	alu(p, BPF_AND, R1, 0xff00);
	end_if(p, BPF_JNE, R1, IOMMU_IOAS_MAP & 0xff00);
	for (size_t i = 0; i < ARRAY_SIZE(short_calls); i++) {
		set(p, R9, short_calls[i].len);
		done[i] = jump_if(p, BPF_JEQ, R8, (int32_t)short_calls[i].cmd);
	}
	set(p, R9, 0);
	for (size_t i = 0; i < ARRAY_SIZE(short_calls); i++)
		land(p, done[i]);
}

/* R0: what is kept of the thread; one that does not count ends it. AT_THREAD: thread and process, as one number. */
static void find_thread(const struct target *t, struct program *p)
{
	call(p, BPF_FUNC_get_current_pid_tgid);
	store(p, BPF_DW, FP, AT_THREAD, R0);
	store(p, BPF_W, FP, AT_KEY, R0);
	map(p, R1, t->r->threads);
	move(p, R2, FP);
	add(p, R2, AT_KEY);
	call(p, BPF_FUNC_map_lookup_elem);
	end_if(p, BPF_JEQ, R0, 0);
}

/*
 * Up to RING_CALL_BYTES of the caller's memory at R3 to R6 + @to, and how many there are to R6 + @count: what lies behind the end of memory must
 * not cost what lies before it.
 */
static void read_some(struct program *p, int to, int count)
{
	size_t whole, none, all, rest;

	store(p, BPF_DW, FP, AT_ADDR, R3);
	move(p, R1, R3);
	alu(p, BPF_AND, R1, 4095);
	set(p, R2, 4096);
	alu_with(p, BPF_SUB, R2, R1);
	whole = jump_if(p, BPF_JLE, R2, RING_CALL_BYTES);
	set(p, R2, RING_CALL_BYTES);
	land(p, whole);
	store(p, BPF_DW, FP, AT_FIRST, R2);
	move(p, R1, R6);
	add(p, R1, to);
	call(p, BPF_FUNC_probe_read_user);
	none = jump_if(p, BPF_JNE, R0, 0);
	load(p, BPF_DW, R1, FP, AT_FIRST);
	store(p, BPF_W, R6, count, R1);
	all = jump_if(p, BPF_JEQ, R1, RING_CALL_BYTES);
	set(p, R2, RING_CALL_BYTES);
	alu_with(p, BPF_SUB, R2, R1);
	load(p, BPF_DW, R3, FP, AT_ADDR);
	alu_with(p, BPF_ADD, R3, R1);
	alu_with(p, BPF_ADD, R1, R6);
	add(p, R1, to);
	call(p, BPF_FUNC_probe_read_user);
	rest = jump_if(p, BPF_JNE, R0, 0);
	store_value(p, BPF_W, R6, count, RING_CALL_BYTES);
	land(p, rest);
	land(p, all);
	land(p, none);
}

/* -- when a call starts --------------------------------------------------------------------------------------------------------- */

#define IN(member)    ((int)offsetof(struct thread_state, member))
#define START(member) IN(s.member)

static int offset_of(const struct target *t, enum kfield f)
{
	return (int)t->types->field[f].offset;
}

/* The word of the kernel's at AT_KERNEL + @offset becomes AT_KERNEL. */
static size_t follow(struct program *p, int offset)
{
	move(p, R1, FP);
	add(p, R1, AT_KERNEL);
	set(p, R2, 8);
	load(p, BPF_DW, R3, FP, AT_KERNEL);
	add(p, R3, offset);
	call(p, BPF_FUNC_probe_read_kernel);
	return jump_if(p, BPF_JNE, R0, 0);
}

/* A number of @size bytes there goes to R6 + @to. */
static void fetch(struct program *p, int offset, int size, int to)
{
	move(p, R1, R6);
	add(p, R1, to);
	set(p, R2, size);
	load(p, BPF_DW, R3, FP, AT_KERNEL);
	add(p, R3, offset);
	call(p, BPF_FUNC_probe_read_kernel);
}

/* The descriptor's file: current->files->fdt->fd[N]->f_inode. */
static void look_at_file(const struct target *t, struct program *p)
{
	size_t out[6], n = 0;

	call(p, BPF_FUNC_get_current_task);
	store(p, BPF_DW, FP, AT_KERNEL, R0);
	out[n++] = follow(p, offset_of(t, KF_TASK_FILES));
	out[n++] = follow(p, offset_of(t, KF_FILES_FDT));
	/* the place of the result serves for the table's size first */
	fetch(p, offset_of(t, KF_FDT_MAX), 4, START(rdev));
	load(p, BPF_W, R1, R6, START(rdev));
	store_value(p, BPF_W, R6, START(rdev), 0);
	load(p, BPF_W, R2, R6, START(fd));
	out[n++] = put(p, BPF_JMP | BPF_JGE | BPF_X, R2, R1, 0, 0);
	out[n++] = follow(p, offset_of(t, KF_FDT_FD));
	load(p, BPF_W, R1, R6, START(fd));
	alu(p, BPF_LSH, R1, 3);
	load(p, BPF_DW, R2, FP, AT_KERNEL);
	alu_with(p, BPF_ADD, R2, R1);
	store(p, BPF_DW, FP, AT_KERNEL, R2);
	out[n++] = follow(p, 0);
	out[n++] = follow(p, offset_of(t, KF_FILE_INODE));
	fetch(p, offset_of(t, KF_INODE_MODE), 2, START(mode));
	fetch(p, offset_of(t, KF_INODE_RDEV), 4, START(rdev));
	for (size_t i = 0; i < n; i++)
		land(p, out[i]);
}

static void read_behind(struct program *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++) {
		size_t other = jump_if(p, BPF_JNE, R8, (int32_t)pointers[i].cmd);

		load(p, BPF_DW, R3, R6, IN(in) + pointers[i].at);
		read_some(p, IN(behind), START(n_behind));
		land(p, other);
	}
}

/* R3: the argument, as long as the caller's words. */
static void load_arg(const struct target *t, struct program *p)
{
	load(p, t->w->compat ? BPF_W : BPF_DW, R3, R7, (int)t->w->arg);
}

static void entry_program(const struct target *t, struct program *p)
{
	size_t longer, unread, done;

	begin(t, p);
	find_thread(t, p);
	move(p, R6, R0);
	store(p, BPF_W, R6, START(cmd), R8);
	load(p, BPF_W, R1, R7, (int)t->w->fd);
	store(p, BPF_W, R6, START(fd), R1);
	load_arg(t, p);
	store(p, BPF_DW, R6, START(arg), R3);
	store_value(p, BPF_DW, R6, START(mode), 0);
	store_value(p, BPF_DW, R6, START(n_in), 0);
	store_value(p, BPF_W, R6, START(inside), 1);
	store_value(p, BPF_W, R6, START(compat), t->w->compat);
	longer = jump_if(p, BPF_JEQ, R9, 0);
	move(p, R1, R6);
	add(p, R1, IN(in));
	move(p, R2, R9);
	call(p, BPF_FUNC_probe_read_user);
	unread = jump_if(p, BPF_JNE, R0, 0);
	store(p, BPF_W, R6, START(n_in), R9);
	done = jump(p);
	land(p, longer);
	read_some(p, IN(in), START(n_in));
	read_behind(p);
	look_at_file(t, p);
	land(p, done);
	land(p, unread);
	/* last: the program's own time is not the call's */
	call(p, BPF_FUNC_ktime_get_ns);
	store(p, BPF_DW, R6, START(start), R0);
	end(p);
}

/* -- when it comes back ----------------------------------------------------------------------------------------------------------- */

#define OUT(member) ((int)offsetof(struct record, member))

/* R6: a place in the ring; when there is none, the call is counted as lost. */
static void reserve(const struct target *t, struct program *p, size_t size)
{
	size_t got, none;

	map(p, R1, t->r->ring);
	set(p, R2, (int32_t)size);
	set(p, R3, 0);
	call(p, BPF_FUNC_ringbuf_reserve);
	move(p, R6, R0);
	got = jump_if(p, BPF_JNE, R6, 0);
	store_value(p, BPF_W, FP, AT_KEY, 0);
	map(p, R1, t->r->lost);
	move(p, R2, FP);
	add(p, R2, AT_KEY);
	call(p, BPF_FUNC_map_lookup_elem);
	none = jump_if(p, BPF_JEQ, R0, 0);
	set(p, R1, 1);
	put(p, BPF_STX | BPF_ATOMIC | BPF_DW, R0, R1, 0, BPF_ADD);
	land(p, none);
	p->to_end[p->n_to_end++] = jump(p);
	land(p, got);
}

/* From the state in R2 to the record in R6, by R1. */
static void copy(struct program *p, int to, int from, int len)
{
	for (int i = 0; i < len; i += 8) {
		load(p, BPF_DW, R1, R2, from + i);
		store(p, BPF_DW, R6, to + i, R1);
	}
}

/* What all records have. */
static void fill_head(struct program *p, bool is_short)
{
	call(p, BPF_FUNC_ktime_get_ns);
	store(p, BPF_DW, R6, OUT(end), R0);
	load(p, BPF_DW, R1, FP, AT_THREAD);
	store(p, BPF_W, R6, OUT(tid), R1);
	alu(p, BPF_RSH, R1, 32);
	store(p, BPF_W, R6, OUT(pid), R1);
	load(p, BPF_DW, R1, FP, AT_RET);
	store(p, BPF_DW, R6, OUT(ret), R1);
	store_value(p, BPF_W, R6, OUT(n_out), 0);
	store_value(p, BPF_W, R6, OUT(is_short), is_short);
	load(p, BPF_DW, R2, FP, AT_STATE);
	copy(p, OUT(s), START(start), sizeof(struct started));
}

/* A reader who is asleep is woken when there is much, or when it was another call than a short one. */
static void submit(const struct target *t, struct program *p, bool is_short)
{
	set(p, R2, BPF_RB_FORCE_WAKEUP);
	if (is_short) {
		size_t few, told;

		map(p, R1, t->r->ring);
		set(p, R2, BPF_RB_AVAIL_DATA);
		call(p, BPF_FUNC_ringbuf_query);
		set(p, R2, BPF_RB_NO_WAKEUP);
		few = jump_if(p, BPF_JLT, R0, WAKE_BYTES);
		told = jump_if(p, BPF_JGE, R0, WAKE_BYTES + SHORT_RECORD + BPF_RINGBUF_HDR_SZ);
		set(p, R2, BPF_RB_FORCE_WAKEUP);
		land(p, few);
		land(p, told);
	}
	move(p, R1, R6);
	call(p, BPF_FUNC_ringbuf_submit);
}

static void exit_program(const struct target *t, struct program *p)
{
	size_t longer, unread;

	begin(t, p);
	find_thread(t, p);
	store(p, BPF_DW, FP, AT_STATE, R0);
	/* one that began before we looked */
	load(p, BPF_W, R1, R0, START(inside));
	end_if(p, BPF_JEQ, R1, 0);
	store_value(p, BPF_W, R0, START(inside), 0);
	load(p, BPF_DW, R1, R6, 8);
	store(p, BPF_DW, FP, AT_RET, R1);
	longer = jump_if(p, BPF_JEQ, R9, 0);

	reserve(t, p, SHORT_RECORD);
	fill_head(p, true);
	copy(p, OUT(in), IN(in), SHORT_BYTES);
	move(p, R1, R6);
	add(p, R1, SHORT_OUT);
	move(p, R2, R9);
	load_arg(t, p);
	call(p, BPF_FUNC_probe_read_user);
	unread = jump_if(p, BPF_JNE, R0, 0);
	store(p, BPF_W, R6, OUT(n_out), R9);
	land(p, unread);
	submit(t, p, true);
	p->to_end[p->n_to_end++] = jump(p);

	land(p, longer);
	reserve(t, p, sizeof(struct record));
	fill_head(p, false);
	copy(p, OUT(in), IN(in), RING_CALL_BYTES);
	load_arg(t, p);
	read_some(p, OUT(out), OUT(n_out));
	load(p, BPF_DW, R2, FP, AT_STATE);
	copy(p, OUT(behind), IN(behind), RING_CALL_BYTES);
	submit(t, p, false);
	end(p);
}

/* -- into the kernel ----------------------------------------------------------------------------------------------------------------- */

static int attach(struct call_ring *r, const struct target *t, int32_t id, enum bpf_attach_type type,
		  void (*make)(const struct target *t, struct program *p))
{
	LIBBPF_OPTS(bpf_prog_load_opts, o, .expected_attach_type = type, .attach_btf_id = (uint32_t)id);
	struct program p = { 0 };
	int program, link;

	make(t, &p);
	program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "iommuctl_ioctls", "GPL", p.v, p.n, &o);
	if (program < 0)
		return program;
	r->fds[r->n_fds++] = program;
	link = bpf_link_create(program, 0, type, NULL);
	if (link < 0)
		return link;
	r->fds[r->n_fds++] = link;
	return 0;
}

/* Wrappers that this kernel does not have are nobody's. */
static int attach_all(struct call_ring *r)
{
	struct ktypes types = { 0 };
	struct btf *btf = btf__load_vmlinux_btf();
	int e = btf ? kmem_types("", &types) : -ENOENT;

	if (e == 0 && !types.field[KF_INODE_RDEV].size)
		e = -ENOENT;
	for (size_t i = 0; e == 0 && i < ARRAY_SIZE(wrappers); i++) {
		struct target t = { r, &wrappers[i], &types };
		int32_t id = btf__find_by_name_kind(btf, wrappers[i].name, BTF_KIND_FUNC);

		if (id <= 0 && i == 0)
			e = -ENOENT;
		if (id <= 0)
			continue;
		/* the end before the start: no call is without its end */
		e = attach(r, &t, id, BPF_TRACE_FEXIT, exit_program);
		if (e == 0)
			e = attach(r, &t, id, BPF_TRACE_FENTRY, entry_program);
	}
	btf__free(btf);
	ktypes_free(&types);
	return e;
}

static int make_maps(struct call_ring *r)
{
	LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = BPF_F_NO_PREALLOC);

	r->threads = bpf_map_create(BPF_MAP_TYPE_HASH, "iommuctl_tids", sizeof(uint32_t), sizeof(struct thread_state), MAX_THREADS, &o);
	if (r->threads < 0)
		return r->threads;
	r->ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "iommuctl_calls", 0, 0, RING_BYTES, NULL);
	if (r->ring < 0)
		return r->ring;
	r->lost = bpf_map_create(BPF_MAP_TYPE_ARRAY, "iommuctl_lost", sizeof(uint32_t), sizeof(uint64_t), 1, NULL);
	return MIN(r->lost, 0);
}

/* -- reading --------------------------------------------------------------------------------------------------------------------------- */

/* The kernel's own dev_t has 20 bits of minor number (include/linux/kdev_t.h). */
static void take_started(struct ring_call *c, const struct started *s)
{
	c->start = s->start;
	c->arg = s->arg;
	c->cmd = s->cmd;
	c->fd = (int)s->fd;
	c->looked = s->mode != 0;
	c->mode = s->mode;
	c->rdev = makedev(s->rdev >> 20, s->rdev & 0xfffff);
	c->compat = s->compat;
	c->n_in = MIN(s->n_in, (uint32_t)RING_CALL_BYTES);
	c->n_behind = MIN(s->n_behind, (uint32_t)RING_CALL_BYTES);
}

static int one_record(void *arg, void *data, size_t size)
{
	struct call_ring *r = arg;
	const struct record *rec = data;
	struct ring_call c = { 0 };

	if (size < SHORT_RECORD || (!rec->is_short && size < sizeof(*rec)))
		return 0;
	take_started(&c, &rec->s);
	c.tid = (pid_t)rec->tid;
	c.pid = (pid_t)rec->pid;
	c.end = rec->end;
	c.ret = rec->ret;
	c.in = rec->in;
	c.out = rec->is_short ? (const unsigned char *)data + SHORT_OUT : rec->out;
	c.behind = rec->behind;
	c.n_out = rec->n_out;
	/* a page that nobody had touched before the call did */
	if (!c.n_in) {
		c.in = c.out;
		c.n_in = c.n_out;
	}
	r->fn(&c, r->arg);
	return --r->left ? 0 : -ECANCELED;
}

size_t call_ring_read(struct call_ring *r, size_t max, void (*fn)(const struct ring_call *c, void *arg), void *arg)
{
	r->fn = fn;
	r->arg = arg;
	r->left = max;
	ring_buffer__consume(r->reader);
	return max - r->left;
}

static void is_own(const struct ring_call *c, void *arg)
{
	bool *seen = arg;

	*seen |= c->cmd == IOMMU_IOAS_MAP && c->fd == -1 && c->ret == -EBADF && c->pid == getpid();
}

/*
 * A call of our own must come out at the other end. It does not where processes have other numbers for the kernel than for us, in a
 * container's process namespace.
 */
static int try_own(struct call_ring *r)
{
	struct ring_call none;
	bool seen = false;
	int e = call_ring_add(r, gettid());

	if (e < 0)
		return e;
	(void)!ioctl(-1, IOMMU_IOAS_MAP, NULL);
	call_ring_read(r, SIZE_MAX, is_own, &seen);
	call_ring_drop(r, gettid(), &none);
	return seen ? 0 : -EOPNOTSUPP;
}

int call_ring_open(struct call_ring **ret)
{
	struct call_ring *r = must_calloc(1, sizeof(*r));
	int e;

	r->threads = r->ring = r->lost = -1;
	libbpf_quiet();
	e = make_maps(r);
	if (e == 0)
		e = attach_all(r);
	if (e == 0) {
		r->reader = ring_buffer__new(r->ring, one_record, r, NULL);
		e = r->reader ? try_own(r) : -errno;
	}
	if (e < 0) {
		call_ring_close(r);
		return e;
	}
	*ret = r;
	return 0;
}

static void close_if(int fd)
{
	if (fd >= 0)
		close(fd);
}

void call_ring_close(struct call_ring *r)
{
	if (!r)
		return;
	while (r->n_fds)
		close(r->fds[--r->n_fds]);
	ring_buffer__free(r->reader);
	close_if(r->threads);
	close_if(r->ring);
	close_if(r->lost);
	free(r);
}

int call_ring_add(struct call_ring *r, pid_t tid)
{
	struct thread_state s = { 0 };
	uint32_t key = (uint32_t)tid;

	return bpf_map_update_elem(r->threads, &key, &s, BPF_ANY);
}

bool call_ring_drop(struct call_ring *r, pid_t tid, struct ring_call *ret)
{
	uint32_t key = (uint32_t)tid;

	if (bpf_map_lookup_elem(r->threads, &key, &r->dropped) < 0)
		return false;
	bpf_map_delete_elem(r->threads, &key);
	*ret = (struct ring_call){ .tid = tid, .pid = tid, .in = r->dropped.in, .out = r->dropped.in, .behind = r->dropped.behind };
	take_started(ret, &r->dropped.s);
	return r->dropped.s.inside;
}

int call_ring_fd(const struct call_ring *r)
{
	return ring_buffer__epoll_fd(r->reader);
}

uint64_t call_ring_lost(const struct call_ring *r)
{
	uint32_t key = 0;
	uint64_t n = 0;

	return bpf_map_lookup_elem(r->lost, &key, &n) == 0 ? n : 0;
}

#else

int call_ring_open(struct call_ring **ret _unused_)
{
	return -EOPNOTSUPP;
}

/* There is no ring, so nobody comes here; the linker wants them all the same. */
void call_ring_close(struct call_ring *r _unused_)
{
}

int call_ring_add(struct call_ring *r _unused_, pid_t tid _unused_)
{
	return -EOPNOTSUPP;
}

bool call_ring_drop(struct call_ring *r _unused_, pid_t tid _unused_, struct ring_call *ret _unused_)
{
	return false;
}

int call_ring_fd(const struct call_ring *r _unused_)
{
	return -1;
}

size_t call_ring_read(struct call_ring *r _unused_, size_t max _unused_, void (*fn)(const struct ring_call *c, void *arg) _unused_,
		      void *arg _unused_)
{
	return 0;
}

uint64_t call_ring_lost(const struct call_ring *r _unused_)
{
	return 0;
}

#endif
