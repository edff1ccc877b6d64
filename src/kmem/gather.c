// SPDX-License-Identifier: GPL-2.0-or-later
/* The sections from the running kernel's memory. */
#include <string.h>

#include "kmem/iommufd.h"
#include "kmem/walk.h"

static struct obstacle *keep(struct arena *a, obstacle_vec *from, size_t *ret_n)
{
	struct obstacle *v = arena_array(a, struct obstacle, from->n);

	if (from->n)
		memcpy(v, from->v, from->n * sizeof(*v));
	*ret_n = from->n;
	vec_free(from);
	return v;
}

struct ownership *ownership_gather(const char *root, struct arena *a)
{
	_cleanup_(cleanup_kmem_free) struct kmem *k = NULL;
	struct ownership *o = arena_new(a, struct ownership);
	obstacle_vec obstacles = { 0 };

	o->arena = a;
	if (kmem_open(root, a, &obstacles, &k) == 0)
		walk_kernel(k, o);
	else
		o->obstacles = keep(a, &obstacles, &o->n_obstacles);
	return o;
}

struct iommufds *iommufds_gather(const char *root, struct arena *a)
{
	_cleanup_(cleanup_kmem_free) struct kmem *k = NULL;
	struct iommufds *f = arena_new(a, struct iommufds);
	obstacle_vec obstacles = { 0 };

	if (kmem_open(root, a, &obstacles, &k) == 0)
		walk_iommufds(k, a, f);
	else
		f->obstacles = keep(a, &obstacles, &f->n_obstacles);
	return f;
}
