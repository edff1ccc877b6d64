/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses by name and names by address, out of /proc/kallsyms. The table has some hundred thousand lines; it is
 * streamed, and kept are the few symbols below and those of operation tables, which name a domain's driver.
 */
#ifndef IOMMUCTL_KMEM_SYMBOLS_H
#define IOMMUCTL_KMEM_SYMBOLS_H

#include "base/arena.h"
#include "base/vec.h"

enum ksym {
	KSYM_IOMMU_GROUP_KSET, /* static in drivers/iommu/iommu.c: there with CONFIG_KALLSYMS_ALL only */
	KSYM_IOMMU_GROUP_GET,  /* a function: tells a kernel without IOMMU support from one without data symbols */
	KSYM_INIT_TASK,
	KSYM_IOMMUFD_FOPS,
	KSYM_VFIO_GROUP_FOPS,
	KSYM_VFIO_DEVICE_FOPS,
	KSYM_FAULT_FOPS,   /* of an iommufd's fault queue */
	KSYM_VEVENTQ_FOPS, /* of a queue of events for a guest */
	KSYM_MAX
};

struct ksym_name {
	uint64_t addr;
	const char *name;
};

struct symbols {
	struct {
		uint64_t addr;
		unsigned seen; /* how often, with different addresses */
	} wanted[KSYM_MAX];
	VEC(struct ksym_name) ops; /* by address */
	struct arena arena;
	size_t lines, nonzero, data; /* data: symbols of variables */
};

/*
 * Reads a whole table from @fd; @s starts as {0}. 0, or the errno of read(2). A line that is none is passed over.
 * Addresses are all zero where the kernel hides them: see nonzero.
 */
int symbols_read(struct symbols *s, int fd);

/* One symbol, from an image. */
void symbols_add(struct symbols *s, const char *name, char type, uint64_t addr);

/* After the last symbols_add(): makes symbols_name() work. symbols_read() calls it. */
void symbols_sort(struct symbols *s);

void symbols_free(struct symbols *s);

/* 0 when it is not there, hidden, or there more than once. */
uint64_t symbols_addr(const struct symbols *s, enum ksym which);

/* The operation table that starts exactly at @addr; NULL: none. */
const char *symbols_name(const struct symbols *s, uint64_t addr);

#endif
