// SPDX-License-Identifier: GPL-2.0-or-later
/* Ownership from the running kernel's memory. */
#include <string.h>

#include "kmem/walk.h"

struct ownership *ownership_gather(const char *root, struct arena *a)
{
	_cleanup_(cleanup_kmem_free) struct kmem *k = NULL;
	struct ownership *o = arena_new(a, struct ownership);
	obstacle_vec obstacles = { 0 };

	o->arena = a;
	if (kmem_open(root, a, &obstacles, &k) == 0)
		walk_kernel(k, o);
	if (obstacles.n) {
		o->n_obstacles = obstacles.n;
		o->obstacles = arena_array(a, struct obstacle, obstacles.n);
		memcpy(o->obstacles, obstacles.v, obstacles.n * sizeof(*obstacles.v));
	}
	vec_free(&obstacles);
	return o;
}
