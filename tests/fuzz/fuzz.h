/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The targets are one program. Built with --enable-fuzz it is libFuzzer's, and $IOMMUCTL_FUZZ names the target; without that variable, and in
 * every other build, it replays the seeds of each target and says so in TAP.
 *
 *	FUZZ_TARGET(name)
 *	{
 *		… data, size …
 *		return 0;
 *	}
 *
 * A target takes any bytes, leaves nothing behind, and calls abort() when what must hold does not.
 */
#ifndef IOMMUCTL_TESTS_FUZZ_H
#define IOMMUCTL_TESTS_FUZZ_H

#include <stdlib.h>

#include "base/util.h"

struct fuzz_target {
	const char *name;
	int (*run)(const uint8_t *data, size_t size);
	struct fuzz_target *next;
};

void fuzz_register(struct fuzz_target *t);

#define FUZZ_TARGET(id)                                                                                \
	static int fuzz_##id(const uint8_t *data, size_t size);                                        \
	static __attribute__((constructor)) void fuzz_register_##id(void)                              \
	{                                                                                              \
		static struct fuzz_target target = { .name = #id, .run = fuzz_##id };                  \
                                                                                                       \
		fuzz_register(&target);                                                                \
	}                                                                                              \
	static int fuzz_##id(const uint8_t *data, size_t size)

static inline void fuzz_check(bool holds)
{
	if (!holds)
		abort();
}

/* A copy with a NUL behind it, of exactly that size, so that the sanitizer sees what is read beyond. To be freed. */
char *fuzz_text(const uint8_t *data, size_t size);

/* A file in memory with that in it, at its beginning. To be closed. */
int fuzz_file(const void *data, size_t size);

/* Takes numbers off the front; 0 when there is nothing left. */
struct fuzz_input {
	const uint8_t *p, *end;
};

static inline uint8_t fuzz_byte(struct fuzz_input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

static inline uint64_t fuzz_number(struct fuzz_input *in, int bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | fuzz_byte(in);
	return v;
}

static inline size_t fuzz_left(const struct fuzz_input *in)
{
	return (size_t)(in->end - in->p);
}

/* A length of so many bytes, no more than is left behind it. */
static inline size_t fuzz_length(struct fuzz_input *in, int bytes)
{
	size_t n = (size_t)fuzz_number(in, bytes), left = fuzz_left(in);

	return MIN(n, left);
}

#endif
