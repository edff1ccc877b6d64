// SPDX-License-Identifier: GPL-2.0-or-later
/* What is mapped where. */
#include <search.h>
#include <string.h>

#include "backend/workspace-internal.h"

static uint64_t last_of(const struct op_map *m)
{
	return m->iova + (m->length - 1);
}

/* Ranges that overlap are equal, which finds any map in a range. */
static int compare(const void *pa, const void *pb)
{
	const struct op_map *a = pa, *b = pb;

	if (last_of(a) < b->iova)
		return -1;
	return a->iova > last_of(b) ? 1 : 0;
}

static struct op_map *find(const struct map_tree *t, uint64_t iova, uint64_t length)
{
	struct op_map key = { .iova = iova, .length = length };
	struct op_map **p = tfind(&key, &t->root, compare);

	return p ? *p : NULL;
}

static void drop(struct map_tree *t, struct op_map *m)
{
	tdelete(m, &t->root, compare);
	t->n--;
	t->bytes -= m->length;
	free(m);
}

/* 2^64 bytes cannot be said, so nothing maps them. */
static uint64_t clip(uint64_t iova, uint64_t length)
{
	return length - 1 > UINT64_MAX - iova ? UINT64_MAX - iova : length;
}

void maps_add(struct map_tree *t, uint64_t iova, uint64_t length, uint32_t flags)
{
	struct op_map *m = must_calloc(1, sizeof(*m)), *old;

	length = clip(iova, length);
	/* the backend took it, so what we have there is gone */
	while (length && (old = find(t, iova, length)))
		drop(t, old);
	*m = (struct op_map){ .iova = iova, .length = length, .flags = flags };
	if (!length) {
		free(m);
		return;
	}
	workspace_put(m, &t->root, compare);
	t->n++;
	t->bytes += length;
}

/* Backends split no map, so what overlaps the range lies in it. */
void maps_remove(struct map_tree *t, uint64_t iova, uint64_t length)
{
	struct op_map *m;

	length = clip(iova, length);
	while (length && (m = find(t, iova, length)))
		drop(t, m);
}

void maps_free(struct map_tree *t)
{
	tdestroy(t->root, free);
	*t = (struct map_tree){ 0 };
}

struct reading {
	uint64_t from;
	struct op_map *out;
	size_t cap, n;
};

static void read_one(const void *node, VISIT which, void *arg)
{
	const struct op_map *m = *(struct op_map *const *)node;
	struct reading *r = arg;

	if ((which == postorder || which == leaf) && m->iova >= r->from && r->n < r->cap)
		r->out[r->n++] = *m;
}

size_t maps_read(const struct map_tree *t, uint64_t from, struct op_map *out, size_t cap)
{
	struct reading r = { .from = from, .out = out, .cap = cap };

	twalk_r(t->root, read_one, &r);
	return r.n;
}
