// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmem/xarray.h"

#include <errno.h>
#include <string.h>

/* More than a node has in any configuration. */
#define MAX_SLOTS 256u

struct xa_walk {
	struct kmem *k;
	size_t left; /* slots that may still be looked at */
	xarray_fn fn;
	void *arg;
};

/* What an entry is told by its two low bits: a pointer, a value (odd), or the array's own: a node, or a small number. */
static bool is_internal(uint64_t entry)
{
	return (entry & 3) == 2;
}

static bool is_node(uint64_t entry)
{
	return is_internal(entry) && entry > 4096;
}

/* Stands where a node was that is being replaced: whoever sees it begins anew. */
static bool is_retry(uint64_t entry)
{
	return entry == (256u << 2 | 2);
}

struct place {
	uint64_t parent; /* 0: at the head */
	uint64_t offset; /* slot in the parent */
	uint64_t index;	 /* of the first entry below */
	uint64_t max_shift;
};

/* Whether what is at @node is one, and belongs there; its shift. */
static int check_node(const struct xa_walk *x, uint64_t node, const struct place *at, uint64_t *ret_shift)
{
	struct kmem *k = x->k;
	uint64_t parent, offset;
	int r = kmem_num(k, node, KF_XA_SHIFT, ret_shift);

	if (r < 0)
		return r;
	if (*ret_shift >= at->max_shift)
		return -EAGAIN;
	if (kmem_num(k, node, KF_XA_PARENT, &parent) == 0 && parent != at->parent)
		return -EAGAIN;
	if (at->parent && kmem_num(k, node, KF_XA_OFFSET, &offset) == 0 && offset != at->offset)
		return -EAGAIN;
	return 0;
}

static int visit(struct xa_walk *x, uint64_t entry, struct place at)
{
	uint64_t node = entry - 2, shift = 0, slots[MAX_SLOTS];
	uint32_t n = x->k->types.field[KF_XA_SLOTS].count;
	int r;

	if (is_retry(entry))
		return -EAGAIN;
	if (!is_node(entry)) {
		if (entry && !(entry & 3))
			x->fn(at.index, entry, x->arg);
		return 0;
	}
	r = check_node(x, node, &at, &shift);
	if (r == 0 && x->left < n)
		r = -E2BIG;
	if (r == 0)
		r = memory_read(x->k->memory, kmem_at(x->k, node, KF_XA_SLOTS), slots, n * sizeof(*slots));
	if (r < 0)
		return r;
	x->left -= n;
	for (uint32_t i = 0; r == 0 && i < n; i++)
		if (slots[i])
			r = visit(x, slots[i], (struct place){ node, i, at.index + ((uint64_t)i << shift), shift });
	return r;
}

int xarray_each(struct kmem *k, uint64_t xa, size_t max, xarray_fn fn, void *arg)
{
	struct xa_walk x = { .k = k, .left = max, .fn = fn, .arg = arg };
	uint32_t slots = k->types.field[KF_XA_SLOTS].count;
	uint64_t head;
	int r;

	if (!slots || slots > MAX_SLOTS || !kmem_has(k, KF_XA_SHIFT))
		return -ENOENT;
	r = kmem_num(k, xa, KF_XARRAY_HEAD, &head);
	return r < 0 ? r : visit(&x, head, (struct place){ .max_shift = 64 });
}
