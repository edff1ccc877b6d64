// SPDX-License-Identifier: GPL-2.0-or-later
#include "out/tree.h"

#include "out/internal.h"

static int write_flat(struct out *o, const struct record_type *type, const void *records, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = out_row(o, (const char *)records + i * type->size);

		if (r < 0)
			return r;
	}
	return 0;
}

int out_tree(struct out *o, const struct record_type *type, const void *records, const int *parent, size_t n)
{
	_cleanup_(cleanup_table_free) struct table *t = NULL;
	int r;

	if (!o->type) {
		r = out_begin(o, type);
		if (r < 0)
			return r;
	}
	if (o->opt.json || o->opt.raw)
		return write_flat(o, type, records, n);
	t = table_new(o, &o->table_sel, true);
	for (size_t i = 0; i < n; i++)
		table_row(t, (const char *)records + i * type->size, parent[i]);
	return table_print(t, 0);
}
