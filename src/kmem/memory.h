/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes of a kernel's memory by address: the running kernel's, through the segments of /proc/kcore, or those of a
 * recorded image. Reads of the running kernel go through a small page cache, since what we look at lies close together;
 * memory_forget() drops it before a second look.
 *
 * /proc/kcore gives zeros for addresses that have no memory behind them, so a read that succeeds proves nothing
 * about the pointer: whoever reads a structure has to check it (a link back, a name).
 */
#ifndef IOMMUCTL_KMEM_MEMORY_H
#define IOMMUCTL_KMEM_MEMORY_H

#include "base/util.h"

struct memory;

/* Empty memory, to be filled by memory_add(). Never NULL. */
struct memory *memory_new(void);
void memory_free(struct memory *m);
DEFINE_CLEANUP(struct memory, memory_free);

/*
 * Memory of an ELF core file (/proc/kcore). @fd becomes the memory's on success. -EBADMSG: not a 64-bit core file of this
 * machine's byte order, or its program headers cannot be read.
 */
int memory_open_core(int fd, struct memory **ret);

/* Adds @len bytes at @addr; @data is borrowed. -EINVAL: wraps around, or overlaps what is there. */
int memory_add(struct memory *m, uint64_t addr, const void *data, uint64_t len);

/* All of @len bytes. -EFAULT: (a part of) it is in no segment, or could not be read. */
int memory_read(struct memory *m, uint64_t addr, void *buf, size_t len);

/* Makes the next reads fetch from the kernel again. */
void memory_forget(struct memory *m);

#endif
