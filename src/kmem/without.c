// SPDX-License-Identifier: GPL-2.0-or-later
/* A build without libelf and libbpf: says so. */
#include <errno.h>

#include "kmem/failures.h"
#include "kmem/iommufd.h"
#include "kmem/kmem.h"
#include "kmem/probes.h"
#include "kmem/walk.h"

static const char why[] = "this iommuctl was built without libelf and libbpf, which that takes";
static const char hint[] = "build it with libelf-dev and libbpf-dev installed; iommuctl -V lists what is in";

static struct obstacle not_built = {
	.code = "not-built",
	.err = EOPNOTSUPP,
	.what = "the kernel's memory",
	.why = why,
	.hint = hint,
};

struct ownership *ownership_gather(const char *root _unused_, struct arena *a)
{
	struct ownership *o = arena_new(a, struct ownership);

	o->arena = a;
	o->obstacles = &not_built;
	o->n_obstacles = 1;
	return o;
}

struct iommufds *iommufds_gather(const char *root _unused_, struct arena *a)
{
	struct iommufds *f = arena_new(a, struct iommufds);

	f->obstacles = &not_built;
	f->n_obstacles = 1;
	return f;
}

int probes_start(struct ctx *ctx, struct probes **ret _unused_)
{
	return ctx_error(ctx, NOTE(.code = "not-built", .err = EOPNOTSUPP, .why = why, .hint = hint),
			 "watching the groups' owners");
}

/* There are no probes, so nobody comes here; the linker wants them all the same. */
int probes_fd(const struct probes *p _unused_)
{
	return -1;
}

int probes_read(struct probes *p _unused_, struct probe_log *log _unused_, int save_fd _unused_)
{
	return -EOPNOTSUPP;
}

void probes_pause(struct probes *p _unused_)
{
}

void probes_stop(struct probes *p _unused_)
{
}

/* What src/kmem/recorder.c asks for and can do without. */
int kmem_types(const char *root _unused_, struct ktypes *ret _unused_)
{
	return -EOPNOTSUPP;
}

void ktypes_free(struct ktypes *t _unused_)
{
}

int kmem_open(const char *root _unused_, struct arena *a _unused_, obstacle_vec *obstacles, struct kmem **ret _unused_)
{
	*vec_push(obstacles) = (struct obstacle){ .code = "not-built", .err = EOPNOTSUPP, .what = "the kernel's memory", .why = why, .hint = hint };
	return -ENODATA;
}

void kmem_free(struct kmem *k _unused_)
{
}

int walk_attached(struct kmem *k _unused_, struct arena *a _unused_,
		  void (*each)(void *arg, uint64_t domain, const char *device) _unused_, void *arg _unused_)
{
	return -EOPNOTSUPP;
}

int failure_probes_start(struct ctx *ctx, const struct watched_function *v _unused_, size_t n _unused_, pid_t pid _unused_,
			 struct failure_probes **ret _unused_, size_t *ret_n _unused_)
{
	return ctx_error(ctx, NOTE(.code = "not-built", .err = EOPNOTSUPP, .why = why, .hint = hint), "watching which functions fail");
}

int failure_probes_fd(const struct failure_probes *p _unused_)
{
	return -1;
}

int failure_probes_read(struct failure_probes *p _unused_, struct failure_log *log _unused_)
{
	return -EOPNOTSUPP;
}

int failure_probes_read_rest(struct failure_probes *p _unused_, struct failure_log *log _unused_)
{
	return -EOPNOTSUPP;
}

size_t failure_probes_rung(const struct failure_probes *p _unused_, const struct failure_log *log _unused_)
{
	return 0;
}

void failure_probes_stop(struct failure_probes *p _unused_)
{
}
