// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/arena.h"

#include <stdio.h>
#include <string.h>

#define BLOCK_SIZE (64 * 1024 - 64)
#define ALIGNMENT _Alignof(max_align_t)

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	_Alignas(max_align_t) char data[];
};

static struct arena_block *block_new(size_t size)
{
	struct arena_block *b;

	if (size > SIZE_MAX - sizeof(*b))
		out_of_memory();
	b = must_calloc(1, sizeof(*b) + size);
	b->size = size;
	return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *b = a->head;
	void *p;

	if (size > SIZE_MAX - ALIGNMENT)
		out_of_memory();
	size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if (!b || b->size - b->used < size) {
		b = block_new(MAX(size, (size_t)BLOCK_SIZE));
		/* A large piece gets a block of its own behind the one in use. */
		if (a->head && size > BLOCK_SIZE / 2) {
			b->next = a->head->next;
			a->head->next = b;
		} else {
			b->next = a->head;
			a->head = b;
		}
	}
	p = b->data + b->used;
	b->used += size;
	return p;
}

char *arena_memdup(struct arena *a, const void *p, size_t n)
{
	char *copy = arena_alloc(a, n + 1);

	if (n)
		memcpy(copy, p, n);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return s ? arena_memdup(a, s, strlen(s)) : NULL;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	char small[256];
	va_list again;
	char *p;
	int n;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	if (n < 0)
		abort();
	if ((size_t)n < sizeof(small)) {
		p = arena_memdup(a, small, n);
	} else {
		p = arena_alloc(a, n + 1);
		vsnprintf(p, n + 1, fmt, again);
	}
	va_end(again);
	return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	p = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return p;
}

void arena_adopt(struct arena *a, struct arena *from)
{
	struct arena_block **end = &a->head;

	while (*end)
		end = &(*end)->next;
	*end = from->head;
	from->head = NULL;
}

void arena_reset(struct arena *a)
{
	struct arena_block *kept = a->head;

	if (kept && kept->size == BLOCK_SIZE) {
		a->head = kept->next;
		memset(kept->data, 0, kept->used);
		kept->next = NULL;
		kept->used = 0;
	} else {
		kept = NULL;
	}
	arena_free(a);
	a->head = kept;
}

void arena_free(struct arena *a)
{
	while (a->head) {
		struct arena_block *b = a->head;

		a->head = b->next;
		free(b);
	}
}
