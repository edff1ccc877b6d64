// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmem/keep.h"

#include "kmem/iommufd.h"
#include "kmem/ownership.h"

#ifdef HAVE_KMEM
#include "kmem/walk.h"

static struct kmem *kept;

/* NULL: it cannot be read, and the plain providers say why. */
static struct kmem *open_kept(struct arena *a)
{
	obstacle_vec obstacles = { 0 };

	if (!kept && kmem_open("", a, &obstacles, &kept) < 0)
		kept = NULL;
	vec_free(&obstacles);
	if (kept)
		memory_forget(kept->memory);
	return kept;
}

int ownership_provide_kept(struct ctx *ctx, struct json_object **ret)
{
	struct arena a = { 0 };
	struct kmem *k = open_kept(&a);
	int r = 0;

	if (k) {
		struct ownership *o = arena_new(&a, struct ownership);

		o->arena = &a;
		walk_kernel(k, o);
		*ret = ownership_to_json(o);
	} else {
		r = ownership_provide(ctx, ret);
	}
	arena_free(&a);
	return r;
}

int iommufds_provide_kept(struct ctx *ctx, struct json_object **ret)
{
	struct arena a = { 0 };
	struct kmem *k = open_kept(&a);
	int r = 0;

	if (k) {
		struct iommufds *f = arena_new(&a, struct iommufds);

		walk_iommufds(k, &a, f);
		*ret = iommufds_to_json(f);
	} else {
		r = iommufds_provide(ctx, ret);
	}
	arena_free(&a);
	return r;
}

void kmem_keep_drop(void)
{
	kmem_free(kept);
	kept = NULL;
}

#else

int ownership_provide_kept(struct ctx *ctx, struct json_object **ret)
{
	return ownership_provide(ctx, ret);
}

int iommufds_provide_kept(struct ctx *ctx, struct json_object **ret)
{
	return iommufds_provide(ctx, ret);
}

void kmem_keep_drop(void)
{
}

#endif
