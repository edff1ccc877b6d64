// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that is mapped for devices. Where the kernel has IOAS_MAP_FILE, it holds the file of the memory itself, as long
 * as any map or copy of it is left, and there is nothing to remember. Else the memory is in our address space, where the kernel
 * finds it again each time that a page table joins the IOAS: it has to stay until the last area of it is unmapped.
 */
#include "backend/kernel-objects.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <search.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#define DMA_BUF_MAGIC 0x444d4142

struct kernel_block {
	void *map;
	size_t len;
	unsigned refs;
};

/* Areas of one space never overlap, so that a range compares equal to any area that it meets. */
struct area {
	uint64_t space, start, last;
	struct kernel_block *block;
};

/* --- blocks ----------------------------------------------------------------------------------------------------- */

static int map_block(int fd, uint64_t offset, uint64_t length, int prot, struct kernel_block **ret, void **ret_va)
{
	uint64_t page = sysconf(_SC_PAGESIZE), in_page = offset % page;
	int flags = MAP_SHARED | MAP_NORESERVE | (fd < 0 ? MAP_ANONYMOUS : 0);
	struct kernel_block *block;
	void *map;

	if (length > SIZE_MAX - in_page || offset > INT64_MAX)
		return -EOVERFLOW;
	map = mmap(NULL, length + in_page, prot, flags, fd, offset - in_page);
	if (map == MAP_FAILED)
		return -errno;
	block = malloc(sizeof(*block));
	if (!block) {
		munmap(map, length + in_page);
		return -ENOMEM;
	}
	*block = (struct kernel_block){ .map = map, .len = length + in_page, .refs = 1 };
	*ret = block;
	*ret_va = (char *)map + in_page;
	return 0;
}

int kernel_block_new(uint64_t length, struct kernel_block **ret, void **ret_va)
{
	return map_block(-1, 0, length, PROT_READ | PROT_WRITE, ret, ret_va);
}

int kernel_block_of_file(int fd, uint64_t offset, uint64_t length, bool writable, struct kernel_block **ret,
			 void **ret_va)
{
	return map_block(fd, offset, length, PROT_READ | (writable ? PROT_WRITE : 0), ret, ret_va);
}

void kernel_block_put(struct kernel_block *block)
{
	if (!block || --block->refs)
		return;
	munmap(block->map, block->len);
	free(block);
}

/* --- areas ------------------------------------------------------------------------------------------------------ */

static int compare_areas(const void *a, const void *b)
{
	const struct area *x = a, *y = b;

	if (x->space != y->space)
		return x->space < y->space ? -1 : 1;
	return x->last < y->start ? -1 : x->start > y->last ? 1 : 0;
}

static struct area *find_area(struct kernel_objects *o, uint64_t space, uint64_t start, uint64_t last)
{
	struct area range = { .space = space, .start = start, .last = last };
	struct area **found = tfind(&range, &o->areas, compare_areas);

	return found ? *found : NULL;
}

static void free_area(void *p)
{
	struct area *a = p;

	kernel_block_put(a->block);
	free(a);
}

void kernel_area_add(struct kernel_objects *o, uint64_t space, uint64_t iova, uint64_t length,
		     struct kernel_block *block)
{
	struct area *a = must_malloc(sizeof(*a));

	*a = (struct area){ .space = space, .start = iova, .last = iova + length - 1, .block = block };
	block->refs++;
	if (!tsearch(a, &o->areas, compare_areas))
		out_of_memory();
}

void kernel_area_drop(struct kernel_objects *o, uint64_t space, uint64_t iova, uint64_t length)
{
	uint64_t last = length > UINT64_MAX - iova ? UINT64_MAX : iova + length - 1;
	struct area *a;

	while ((a = find_area(o, space, iova, last))) {
		tdelete(a, &o->areas, compare_areas);
		free_area(a);
	}
}

void kernel_close_areas(struct kernel_objects *o)
{
	tdestroy(o->areas, free_area);
	o->areas = NULL;
}

/* What of the source is in our memory is now at the other place, too. */
static void copy_areas(struct kernel_objects *o, const struct op_ioas_copy *op, uint64_t start, uint64_t last)
{
	struct area *a = find_area(o, op->src_ioas_id, start, last);
	uint64_t from, to;

	if (!a)
		return;
	from = MAX(a->start, start);
	to = MIN(a->last, last);
	kernel_area_add(o, op->dst_ioas_id, op->dst_iova + (from - op->src_iova), to - from + 1, a->block);
	if (from > start)
		copy_areas(o, op, start, from - 1);
	if (to < last)
		copy_areas(o, op, to + 1, last);
}

/* --- the operations --------------------------------------------------------------------------------------------- */

static int map_file(struct backend *b, struct op_ioas_map *op, int fd, uint64_t offset)
{
	struct kernel_objects *o = kernel_objects(b);
	struct iommu_ioas_map_file cmd = {
		.size = sizeof(cmd),
		.flags = op->flags,
		.ioas_id = op->ioas_id,
		.fd = fd,
		.start = offset,
		.length = op->length,
		.iova = op->iova,
	};
	int r = o->no_map_file ? -ENOTTY : kernel_iommufd(b, IOMMU_IOAS_MAP_FILE, &cmd);

	o->no_map_file = r == -ENOTTY;
	if (r < 0)
		return r;
	op->iova = cmd.iova;
	return 0;
}

static int map_address(struct backend *b, struct op_ioas_map *op, const void *va)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = op->flags,
		.ioas_id = op->ioas_id,
		.user_va = (uintptr_t)va,
		.length = op->length,
		.iova = op->iova,
	};
	int r = kernel_iommufd(b, IOMMU_IOAS_MAP, &cmd);

	if (r < 0)
		return r;
	op->iova = cmd.iova;
	return 0;
}

static int map_in_block(struct backend *b, struct op_ioas_map *op, struct kernel_block *block, const void *va)
{
	int r = map_address(b, op, va);

	if (r == 0)
		kernel_area_add(kernel_objects(b), op->ioas_id, op->iova, op->length, block);
	return r;
}

/* Whole pages: the kernel pins no page that the file ends in. A length that no file can have is the kernel's to refuse. */
static int map_own_file(struct backend *b, struct op_ioas_map *op)
{
	_cleanup_close_ int fd = memfd_create("iommuctl", MFD_CLOEXEC);
	uint64_t page = sysconf(_SC_PAGESIZE);

	if (fd < 0)
		return -errno;
	if (op->length <= INT64_MAX - page && ftruncate(fd, (op->length + page - 1) / page * page) < 0 && errno != EFBIG)
		return -errno;
	return map_file(b, op, fd, 0);
}

static int map_own(struct backend *b, struct op_ioas_map *op)
{
	_cleanup_(cleanup_kernel_block_put) struct kernel_block *block = NULL;
	void *va = NULL;
	int r = map_own_file(b, op);

	if (r != -ENOTTY)
		return r;
	/* what has no memory at all is the kernel's to refuse */
	if (!op->length || op->length > INT64_MAX)
		return map_address(b, op, NULL);
	r = kernel_block_new(op->length, &block, &va);
	return r < 0 ? r : map_in_block(b, op, block, va);
}

/* Whether MAP_FILE takes it: memfds, tmpfs, huge pages (memfd_pin_folios()), and buffers that devices export. */
static bool pinnable(int fd)
{
	struct statfs st;

	return fstatfs(fd, &st) == 0 &&
	       (st.f_type == TMPFS_MAGIC || st.f_type == HUGETLBFS_MAGIC || st.f_type == DMA_BUF_MAGIC);
}

/* mmap(2) asks whether the file may be written; IOAS_MAP_FILE does not (seen on 7.2). */
static bool may_not_write(int fd, uint32_t flags)
{
	int mode = fcntl(fd, F_GETFL);

	return (flags & OP_MAP_WRITE) && mode >= 0 && (mode & O_ACCMODE) != O_RDWR;
}

static int map_lent_file(struct backend *b, struct op_ioas_map *op, int fd)
{
	_cleanup_(cleanup_kernel_block_put) struct kernel_block *block = NULL;
	void *va = NULL;
	int r;

	if (may_not_write(fd, op->flags))
		return -EACCES;
	r = pinnable(fd) ? map_file(b, op, fd, op->offset) : -ENOTTY;
	if (r != -ENOTTY)
		return r;
	r = kernel_block_of_file(fd, op->offset, op->length, op->flags & OP_MAP_WRITE, &block, &va);
	return r < 0 ? r : map_in_block(b, op, block, va);
}

int kernel_ioas_map(struct backend *b, struct op_ioas_map *op, struct op_data *d)
{
	return d->fd_in >= 0 ? map_lent_file(b, op, d->fd_in) : map_own(b, op);
}

int kernel_ioas_unmap(struct backend *b, struct op_ioas_unmap *op, _unused_ struct op_data *d)
{
	struct iommu_ioas_unmap cmd = {
		.size = sizeof(cmd),
		.ioas_id = op->ioas_id,
		.iova = op->iova,
		.length = op->length,
	};
	int r = kernel_iommufd(b, IOMMU_IOAS_UNMAP, &cmd);

	if (r < 0)
		return r;
	kernel_area_drop(kernel_objects(b), op->ioas_id, op->iova, op->length);
	op->ret_length = cmd.length;
	return 0;
}

int kernel_ioas_copy(struct backend *b, struct op_ioas_copy *op, _unused_ struct op_data *d)
{
	struct iommu_ioas_copy cmd = {
		.size = sizeof(cmd),
		.flags = op->flags,
		.dst_ioas_id = op->dst_ioas_id,
		.src_ioas_id = op->src_ioas_id,
		.length = op->length,
		.dst_iova = op->dst_iova,
		.src_iova = op->src_iova,
	};
	int r = kernel_iommufd(b, IOMMU_IOAS_COPY, &cmd);

	if (r < 0)
		return r;
	op->dst_iova = cmd.dst_iova;
	copy_areas(kernel_objects(b), op, op->src_iova, op->src_iova + op->length - 1);
	return 0;
}
