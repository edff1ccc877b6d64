// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmem/kmem.h"

#include <errno.h>
#include <string.h>

#define STRING_MAX 256u

bool kmem_has(const struct kmem *k, enum kfield f)
{
	return k->types.field[f].size != 0;
}

uint64_t kmem_at(const struct kmem *k, uint64_t base, enum kfield f)
{
	return base + k->types.field[f].offset;
}

uint64_t kmem_container(const struct kmem *k, uint64_t member, enum kfield f)
{
	return member - k->types.field[f].offset;
}

static uint64_t number(const void *p, size_t size)
{
	uint8_t b;
	uint16_t h;
	uint32_t w;
	uint64_t l;

	switch (size) {
	case 1:
		return memcpy(&b, p, 1), b;
	case 2:
		return memcpy(&h, p, 2), h;
	case 4:
		return memcpy(&w, p, 4), w;
	default:
		return memcpy(&l, p, 8), l;
	}
}

int kmem_num(struct kmem *k, uint64_t base, enum kfield f, uint64_t *ret)
{
	uint32_t size = k->types.field[f].size;
	char buf[8];
	int r;

	if (!size || size > sizeof(buf))
		return -ENOENT;
	if (!base)
		return -EFAULT;
	r = memory_read(k->memory, kmem_at(k, base, f), buf, size);
	if (r == 0)
		*ret = number(buf, size);
	return r;
}

uint64_t kmem_num_or_0(struct kmem *k, uint64_t base, enum kfield f)
{
	uint64_t v = 0;

	(void)kmem_num(k, base, f, &v);
	return v;
}

int kmem_bit(struct kmem *k, uint64_t base, enum kfield f)
{
	uint64_t v = 0;

	if (kmem_num(k, base, f, &v) < 0)
		return TRI_UNKNOWN;
	return (v & k->types.field[f].mask) ? TRI_YES : TRI_NO;
}

int kmem_pointer(struct kmem *k, uint64_t addr, uint64_t *ret)
{
	return memory_read(k->memory, addr, ret, sizeof(*ret));
}

int kmem_string(struct kmem *k, uint64_t addr, struct arena *a, const char **ret)
{
	char buf[STRING_MAX];

	if (!addr)
		return -EFAULT;
	/* in small steps: the string may end where its memory ends */
	for (size_t n = 0; n < sizeof(buf); n += 16) {
		char *end;
		int r = memory_read(k->memory, addr + n, buf + n, 16);

		for (size_t i = 0; r < 0 && i < 16; i++) {
			r = memory_read(k->memory, addr + n + i, buf + n + i, 1);
			if (r < 0)
				return r;
			r = buf[n + i] ? -EFAULT : 0;
		}
		end = memchr(buf + n, 0, 16);
		if (!end)
			continue;
		*ret = arena_memdup(a, buf, (size_t)(end - buf));
		return 0;
	}
	return -EBADMSG;
}

const char *kmem_member_string(struct kmem *k, uint64_t base, enum kfield f, struct arena *a)
{
	const char *s = NULL;

	(void)kmem_string(k, kmem_num_or_0(k, base, f), a, &s);
	return s;
}

struct klist klist_start(struct kmem *k, uint64_t head, size_t max)
{
	return (struct klist){ .k = k, .head = head, .node = head, .left = max };
}

bool klist_next(struct klist *l)
{
	uint64_t next, back;

	if (l->err)
		return false;
	l->err = kmem_num(l->k, l->node, KF_LIST_NEXT, &next);
	if (l->err)
		return false;
	l->err = kmem_num(l->k, next, KF_LIST_PREV, &back);
	if (!l->err && back != l->node)
		l->err = -EAGAIN;
	if (l->err || next == l->head)
		return false;
	if (!l->left--) {
		l->err = -E2BIG;
		return false;
	}
	l->node = next;
	return true;
}

void kmem_free(struct kmem *k)
{
	if (!k)
		return;
	memory_free(k->memory);
	symbols_free(&k->symbols);
	ktypes_free(&k->types);
	free(k);
}
