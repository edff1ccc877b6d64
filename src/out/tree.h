/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table whose first column is a tree (libsmartcols): group tree, object tree, tree of devices. Rows
 * carry the index of their parent.
 */
#ifndef IOMMUCTL_OUT_TREE_H
#define IOMMUCTL_OUT_TREE_H

#include "out/out.h"

/*
 * Prints @n records of @type; @parent[i] is the index of row i's parent (always smaller than i), or -1. With -j the rows are
 * written as a flat list (each record type that is a tree has a field "parent").
 */
int out_tree(struct out *o, const struct record_type *type, const void *records, const int *parent,
	     size_t n);

#endif
