/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A growing array: VEC(type) { type *v; size_t n, cap; }. Start from {0}, free with vec_free().
 *
 *	VEC(struct group) groups = { 0 };
 *	*vec_push(&groups) = (struct group){ .id = 7 };
 */
#ifndef IOMMUCTL_BASE_VEC_H
#define IOMMUCTL_BASE_VEC_H

#include "base/util.h"

#define VEC(type)                                                              \
	struct {                                                               \
		type *v;                                                       \
		size_t n, cap;                                                 \
	}

/* Room for one more element of @size bytes; out_of_memory() when there is none. */
void *vec_grow(void *v, size_t n, size_t *cap, size_t size);

/* A pointer to a new last element, zeroed. It is valid until the next push. */
#define vec_push(vec)                                                          \
	((vec)->v = vec_grow((vec)->v, (vec)->n, &(vec)->cap, sizeof(*(vec)->v)), \
	 &(vec)->v[(vec)->n++])

#define vec_free(vec)                                                          \
	do {                                                                   \
		free((vec)->v);                                                \
		(vec)->v = NULL;                                               \
		(vec)->n = (vec)->cap = 0;                                     \
	} while (0)

/* An empty vector has no array, and adding to NULL is undefined even if it is 0. */
#define vec_for_each(p, vec) \
	for ((p) = (vec)->v; (vec)->n && (p) < (vec)->v + (vec)->n; (p)++)

#endif
