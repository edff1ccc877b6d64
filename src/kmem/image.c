// SPDX-License-Identifier: GPL-2.0-or-later
/* Recorded images: see kmem.h. */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "kmem/kmem.h"

#define MAGIC "IOMMUKM1"

enum { IMAGE_MEMORY = 1, IMAGE_SYMBOL = 2, IMAGE_BTF = 3 };

struct record {
	uint32_t kind;
	char name[64];
	uint64_t addr, len;
	const char *data;
};

struct cursor {
	const char *p;
	size_t left;
};

static bool take(struct cursor *c, void *to, size_t n)
{
	if (c->left < n)
		return false;
	memcpy(to, c->p, n);
	c->p += n;
	c->left -= n;
	return true;
}

static int next_record(struct cursor *c, struct record *ret)
{
	struct {
		uint32_t kind, name_len;
		uint64_t addr, len;
	} head;
	uint32_t name_len;

	if (!take(c, &head, sizeof(head)))
		return -EBADMSG;
	name_len = le32toh(head.name_len);
	*ret = (struct record){ .kind = le32toh(head.kind), .addr = le64toh(head.addr), .len = le64toh(head.len) };
	if (name_len >= sizeof(ret->name) || !take(c, ret->name, name_len) || c->left < ret->len)
		return -EBADMSG;
	ret->data = c->p;
	c->p += ret->len;
	c->left -= ret->len;
	return 0;
}

static int add_record(struct kmem *k, const struct record *r)
{
	switch (r->kind) {
	case IMAGE_MEMORY:
		return memory_add(k->memory, r->addr, r->data, r->len);
	case IMAGE_SYMBOL:
		symbols_add(&k->symbols, r->name, r->len ? r->data[0] : '?', r->addr);
		return 0;
	case IMAGE_BTF:
		return ktypes_add(&k->types, r->data, r->len, NULL);
	default:
		return -EBADMSG;
	}
}

int kmem_open_image(const void *data, size_t len, struct kmem **ret)
{
	_cleanup_(cleanup_kmem_free) struct kmem *k = must_calloc(1, sizeof(*k));
	struct cursor c = { data, len };
	char magic[sizeof(MAGIC) - 1];
	struct record rec;

	k->memory = memory_new();
	if (!take(&c, magic, sizeof(magic)) || memcmp(magic, MAGIC, sizeof(magic)))
		return -EBADMSG;
	while (c.left) {
		int r = next_record(&c, &rec);

		if (r == 0)
			r = add_record(k, &rec);
		if (r < 0)
			return -EBADMSG;
	}
	symbols_sort(&k->symbols);
	*ret = k;
	k = NULL;
	return 0;
}
