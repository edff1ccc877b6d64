/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that is freed all at once. Facts about a machine live exactly as long as the machine is
 * looked at, so they come from one arena and nobody frees them one by one.
 *
 * An arena never returns NULL: when memory runs out that is the end (base/oom.h), since no caller could do better with half of a machine.
 */
#ifndef IOMMUCTL_BASE_ARENA_H
#define IOMMUCTL_BASE_ARENA_H

#include <stdarg.h>

#include "base/util.h"

struct arena {
	struct arena_block *head;
};

/* Zeroed memory of @size bytes, aligned for any type, valid until arena_free(). */
void *arena_alloc(struct arena *a, size_t size);

/* A copy of @n bytes with a NUL behind them. */
char *arena_memdup(struct arena *a, const void *p, size_t n);

/* A copy of @s; NULL stays NULL. */
char *arena_strdup(struct arena *a, const char *s);

/* Formatted text. */
char *arena_printf(struct arena *a, const char *fmt, ...) _printf_(2, 3);
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) _printf_(2, 0);

/* Takes over everything that @from holds, and leaves @from empty. */
void arena_adopt(struct arena *a, struct arena *from);

/* The same as arena_free(), but it keeps the memory of what was small, for what comes next. */
void arena_reset(struct arena *a);

/* Frees everything and leaves an empty arena that can be used again. */
void arena_free(struct arena *a);

#define arena_new(a, type) ((type *)arena_alloc(a, sizeof(type)))
#define arena_array(a, type, n) ((type *)arena_alloc(a, sizeof(type) * (n)))

#endif
