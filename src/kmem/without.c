// SPDX-License-Identifier: GPL-2.0-or-later
/* A build without libelf and libbpf: says so. */
#include <errno.h>

#include "kmem/ownership.h"

struct ownership *ownership_gather(const char *root _unused_, struct arena *a)
{
	static struct obstacle not_built = {
		.code = "not-built",
		.err = EOPNOTSUPP,
		.what = "the kernel's memory",
		.why = "this iommuctl was built without libelf and libbpf, which reading it takes",
		.hint = "build it with libelf-dev and libbpf-dev installed; iommuctl -V lists what is in",
	};
	struct ownership *o = arena_new(a, struct ownership);

	o->arena = a;
	o->obstacles = &not_built;
	o->n_obstacles = 1;
	return o;
}
