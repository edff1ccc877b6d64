// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmem/call-ring.h"

#include <errno.h>

#include "kmem/call-programs.h"

#ifdef HAVE_CALL_PROGRAMS

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "abi/iommufd.h"
#include "base/oom.h"
#include "kmem/kmem.h"
#include "kmem/quiet.h"

/* It has enumerators of these names, of its own. */
#define TRI_NO	LIBBPF_TRI_NO
#define TRI_YES LIBBPF_TRI_YES
#include <bpf/libbpf.h>
#undef TRI_NO
#undef TRI_YES

#define RING_BYTES  (16u << 20)
#define MAX_THREADS 65536u

struct call_ring {
	int threads, ring, lost; /* maps */
	int fds[4 * CALL_WRAPPERS]; /* programs, and what attaches them */
	size_t n_fds;
	struct ring_buffer *reader;
	void (*fn)(const struct ring_call *c, void *arg);
	void *arg;
	size_t left;
	struct thread_state dropped;
};

/* -- into the kernel ----------------------------------------------------------------------------------------------------------------- */

static int attach(struct call_ring *r, const struct call_target *t, int32_t id, enum bpf_attach_type type,
		  void (*make)(const struct call_target *t, struct call_program *p))
{
	LIBBPF_OPTS(bpf_prog_load_opts, o, .expected_attach_type = type, .attach_btf_id = (uint32_t)id);
	struct call_program p = { 0 };
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
	for (size_t i = 0; e == 0 && i < CALL_WRAPPERS; i++) {
		struct call_target t = { r->threads, r->ring, r->lost, &call_wrappers[i], &types };
		int32_t id = btf__find_by_name_kind(btf, call_wrappers[i].name, BTF_KIND_FUNC);

		if (id <= 0 && i == 0)
			e = -ENOENT;
		if (id <= 0)
			continue;
		/* the end before the start: no call is without its end */
		e = attach(r, &t, id, BPF_TRACE_FEXIT, call_program_exit);
		if (e == 0)
			e = attach(r, &t, id, BPF_TRACE_FENTRY, call_program_entry);
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
