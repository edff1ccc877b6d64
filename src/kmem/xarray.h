/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries of a kernel's XArray (include/linux/xarray.h), in order of their indices. */
#ifndef IOMMUCTL_KMEM_XARRAY_H
#define IOMMUCTL_KMEM_XARRAY_H

#include "kmem/kmem.h"

typedef void (*xarray_fn)(uint64_t index, uint64_t entry, void *arg);

/*
 * Calls @fn with each pointer in the array at @xa; what the array keeps for itself (reserved places, siblings) and plain values are passed
 * over. Each node has to name its parent, its place there and a smaller shift, so a loop or rubbish ends the walk: -EAGAIN (it
 * changed, or is none). -EFAULT; -E2BIG: more than @max slots; -ENOENT: this kernel's type is not what we know. @fn has
 * been called for what was found until then.
 */
int xarray_each(struct kmem *k, uint64_t xa, size_t max, xarray_fn fn, void *arg);

#endif
