// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmem/call-programs.h"

#include <errno.h>

#include "abi/iommufd.h"
#include "abi/vfio.h"
#include "kmem/call-ring.h"

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

#ifdef HAVE_CALL_PROGRAMS

#include <stddef.h>
#include <sys/user.h>

/* arch/x86/entry/syscall_64.c, syscall_32.c; arch/arm64/kernel/syscall.c */
const struct call_wrapper call_wrappers[] = {
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

/* What may wait for a reader who looks from time to time. */
#define WAKE_BYTES (1u << 20)

static const struct short_call {
	uint32_t cmd;
	int len;
} short_calls[] = {
	{ IOMMU_IOAS_MAP, sizeof(struct iommu_ioas_map) },
	{ IOMMU_IOAS_UNMAP, sizeof(struct iommu_ioas_unmap) },
	{ VFIO_IOMMU_MAP_DMA, sizeof(struct vfio_iommu_type1_dma_map) },
	{ VFIO_IOMMU_UNMAP_DMA, sizeof(struct vfio_iommu_type1_dma_unmap) },
};

/* -- a program: instructions, and jumps to its end -------------------------------------------------------------------------- */

enum { R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, FP };

/* On the stack. */
enum { AT_THREAD = -8, AT_STATE = -16, AT_RET = -24, AT_FIRST = -32, AT_ADDR = -40, AT_KERNEL = -48, AT_KEY = -56 };

static size_t put(struct call_program *p, int code, uint8_t dst, uint8_t src, int off, int32_t imm)
{
	p->v[p->n] = (struct bpf_insn){ .code = (uint8_t)code, .dst_reg = dst & 0xf, .src_reg = src & 0xf, .off = (int16_t)off, .imm = imm };
	return p->n++;
}

/* @dst @op= @v, and the same with @src. */
static void alu(struct call_program *p, int op, uint8_t dst, int32_t v)
{
	put(p, BPF_ALU64 | op | BPF_K, dst, 0, 0, v);
}

static void alu_with(struct call_program *p, int op, uint8_t dst, uint8_t src)
{
	put(p, BPF_ALU64 | op | BPF_X, dst, src, 0, 0);
}

static void move(struct call_program *p, uint8_t dst, uint8_t src)
{
	alu_with(p, BPF_MOV, dst, src);
}

static void set(struct call_program *p, uint8_t dst, int32_t v)
{
	alu(p, BPF_MOV, dst, v);
}

static void add(struct call_program *p, uint8_t dst, int32_t v)
{
	alu(p, BPF_ADD, dst, v);
}

static void load(struct call_program *p, int width, uint8_t dst, uint8_t src, int off)
{
	put(p, BPF_LDX | BPF_MEM | width, dst, src, off, 0);
}

static void store(struct call_program *p, int width, uint8_t dst, int off, uint8_t src)
{
	put(p, BPF_STX | BPF_MEM | width, dst, src, off, 0);
}

static void store_value(struct call_program *p, int width, uint8_t dst, int off, int32_t v)
{
	put(p, BPF_ST | BPF_MEM | width, dst, 0, off, v);
}

static void map(struct call_program *p, uint8_t dst, int fd)
{
	int wide = BPF_LD | BPF_DW;

	put(p, wide | BPF_IMM, dst, BPF_PSEUDO_MAP_FD, 0, fd);
	put(p, 0, 0, 0, 0, 0);
}

static void call(struct call_program *p, int helper)
{
	put(p, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

/* Jumps forward, to where land() says. */
static size_t jump_if(struct call_program *p, int op, uint8_t reg, int32_t v)
{
	return put(p, BPF_JMP | op | BPF_K, reg, 0, 0, v);
}

static size_t jump(struct call_program *p)
{
	return put(p, BPF_JMP | BPF_JA, 0, 0, 0, 0);
}

static void land(struct call_program *p, size_t from)
{
	p->v[from].off = (int16_t)(p->n - from - 1);
}

static void end_if(struct call_program *p, int op, uint8_t reg, int32_t v)
{
	p->to_end[p->n_to_end++] = jump_if(p, op, reg, v);
}

static void end(struct call_program *p)
{
	for (size_t i = 0; i < p->n_to_end; i++)
		land(p, p->to_end[i]);
	set(p, R0, 0);
	put(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* -- what both programs do --------------------------------------------------------------------------------------------------- */

/* R7: the caller's registers; R8: the ioctl's number, of our type; R9: how long a short call's structure is, 0: another call. */
static void begin(const struct call_target *t, struct call_program *p)
{
	size_t done[ARRAY_SIZE(short_calls)];

	move(p, R6, R1);
	load(p, BPF_DW, R7, R6, 0);
	load(p, BPF_W, R8, R7, (int)t->wrapper->cmd);
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
static void find_thread(const struct call_target *t, struct call_program *p)
{
	call(p, BPF_FUNC_get_current_pid_tgid);
	store(p, BPF_DW, FP, AT_THREAD, R0);
	store(p, BPF_W, FP, AT_KEY, R0);
	map(p, R1, t->threads);
	move(p, R2, FP);
	add(p, R2, AT_KEY);
	call(p, BPF_FUNC_map_lookup_elem);
	end_if(p, BPF_JEQ, R0, 0);
}

/*
 * Up to RING_CALL_BYTES of the caller's memory at R3 to R6 + @to, and how many there are to R6 + @count: what lies behind the end of memory must
 * not cost what lies before it.
 */
static void read_some(struct call_program *p, int to, int count)
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

static int offset_of(const struct call_target *t, enum kfield f)
{
	return (int)t->types->field[f].offset;
}

/* The word of the kernel's at AT_KERNEL + @offset becomes AT_KERNEL. */
static size_t follow(struct call_program *p, int offset)
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
static void fetch(struct call_program *p, int offset, int size, int to)
{
	move(p, R1, R6);
	add(p, R1, to);
	set(p, R2, size);
	load(p, BPF_DW, R3, FP, AT_KERNEL);
	add(p, R3, offset);
	call(p, BPF_FUNC_probe_read_kernel);
}

/* The descriptor's file: current->files->fdt->fd[N]->f_inode. */
static void look_at_file(const struct call_target *t, struct call_program *p)
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

static void read_behind(struct call_program *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++) {
		size_t other = jump_if(p, BPF_JNE, R8, (int32_t)pointers[i].cmd);

		load(p, BPF_DW, R3, R6, IN(in) + pointers[i].at);
		read_some(p, IN(behind), START(n_behind));
		land(p, other);
	}
}

/* R3: the argument, as long as the caller's words. */
static void load_arg(const struct call_target *t, struct call_program *p)
{
	load(p, t->wrapper->compat ? BPF_W : BPF_DW, R3, R7, (int)t->wrapper->arg);
}

void call_program_entry(const struct call_target *t, struct call_program *p)
{
	size_t longer, unread, done;

	begin(t, p);
	find_thread(t, p);
	move(p, R6, R0);
	store(p, BPF_W, R6, START(cmd), R8);
	load(p, BPF_W, R1, R7, (int)t->wrapper->fd);
	store(p, BPF_W, R6, START(fd), R1);
	load_arg(t, p);
	store(p, BPF_DW, R6, START(arg), R3);
	store_value(p, BPF_DW, R6, START(mode), 0);
	store_value(p, BPF_DW, R6, START(n_in), 0);
	store_value(p, BPF_W, R6, START(inside), 1);
	store_value(p, BPF_W, R6, START(compat), t->wrapper->compat);
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
static void reserve(const struct call_target *t, struct call_program *p, size_t size)
{
	size_t got, none;

	map(p, R1, t->ring);
	set(p, R2, (int32_t)size);
	set(p, R3, 0);
	call(p, BPF_FUNC_ringbuf_reserve);
	move(p, R6, R0);
	got = jump_if(p, BPF_JNE, R6, 0);
	store_value(p, BPF_W, FP, AT_KEY, 0);
	map(p, R1, t->lost);
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
static void copy(struct call_program *p, int to, int from, int len)
{
	for (int i = 0; i < len; i += 8) {
		load(p, BPF_DW, R1, R2, from + i);
		store(p, BPF_DW, R6, to + i, R1);
	}
}

/* What all records have. */
static void fill_head(struct call_program *p, bool is_short)
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
static void submit(const struct call_target *t, struct call_program *p, bool is_short)
{
	set(p, R2, BPF_RB_FORCE_WAKEUP);
	if (is_short) {
		size_t few, told;

		map(p, R1, t->ring);
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

void call_program_exit(const struct call_target *t, struct call_program *p)
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

#endif
