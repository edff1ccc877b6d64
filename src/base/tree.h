/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trees of <search.h>: what they lack. */
#ifndef IOMMUCTL_BASE_TREE_H
#define IOMMUCTL_BASE_TREE_H

#include <search.h>

static inline void tree_keep(void *item)
{
	(void)item;
}

/* Frees the tree; what hung in it stays its owner's. */
static inline void tree_forget(void *root)
{
	tdestroy(root, tree_keep);
}

#endif
