/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The few macros that every file uses. */
#ifndef IOMMUCTL_BASE_UTIL_H
#define IOMMUCTL_BASE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/oom.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define _printf_(f, a) __attribute__((format(printf, f, a)))
#define _unused_ __attribute__((unused))
#define _cleanup_(fn) __attribute__((cleanup(fn)))
#define _cleanup_free_ _cleanup_(cleanup_free)
#define _cleanup_close_ _cleanup_(cleanup_close)

/* Defines cleanup_FN() for a pointer variable, to be used with _cleanup_(). */
#define DEFINE_CLEANUP(type, fn)                                               \
	static inline void cleanup_##fn(type **p)                              \
	{                                                                      \
		fn(*p);                                                        \
	}                                                                      \
	struct swallow_semicolon

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* An answer that may be missing: -1 unknown, 0 no, 1 yes. */
enum tri { TRI_UNKNOWN = -1, TRI_NO = 0, TRI_YES = 1 };

/* A number that may be missing. Masks and registers use the same 64 bits. */
struct num {
	int64_t v;
	bool known;
};

#define NUM(x) ((struct num){ .v = (int64_t)(x), .known = true })
#define NUM_UNKNOWN ((struct num){ 0 })

#endif
