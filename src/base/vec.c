// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/vec.h"

#include <string.h>

void *vec_grow(void *v, size_t n, size_t *cap, size_t size)
{
	if (n == *cap) {
		size_t want = *cap ? *cap * 2 : 8;

		v = must_realloc(v, want, size);
		*cap = want;
	}
	memset((char *)v + n * size, 0, size);
	return v;
}
