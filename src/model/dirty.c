// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which pages were written (drivers/iommu/iommufd/hw_pagetable.c, io_pagetable.c; the selftest marks them). A page table keeps one range a
 * dirty entry. Entries are as small as memory of single pages makes them: a page, or half of one of the mock where the address is odd;
 * the kernel's are larger where memory happens to be contiguous.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "model/internal.h"

/* iommufd_test_dirty() takes no more. */
#define MOCK_MAX_BITS ((uint64_t)(16u << 20) * 8)

void dirty_forget(struct hwpt *h, uint64_t start, uint64_t last)
{
	struct range *r;

	while (h->dirty.root && (r = range_first(&h->dirty, start, last))) {
		range_remove(&h->dirty, r);
		free(r);
	}
}

/* The entry of the page table that maps @iova, which lies in the area. */
static void entry_of(const struct hwpt *h, const struct range *area, uint64_t iova, uint64_t *ret_start, uint64_t *ret_last)
{
	uint64_t page = h->domain.page_sizes & -h->domain.page_sizes, whole = h->ioas->page;
	uint64_t small = iova & ~(page - 1), big = iova & ~(whole - 1);
	const struct area *a = range_entry(area, struct area, r);
	uint64_t in_memory = a->offset + (big - area->start);

	*ret_start = small;
	*ret_last = small + page - 1;
	/* a whole page of memory at a whole page of addresses */
	if (page < whole && big >= area->start && area->last - big >= whole - 1 && !(in_memory % whole)) {
		*ret_start = big;
		*ret_last = big + whole - 1;
	}
}

void dirty_mark(struct hwpt *h, uint64_t iova)
{
	const struct range *area = range_first(&h->ioas->areas, iova, iova);
	struct range *r;

	if (!area || range_first(&h->dirty, iova, iova))
		return;
	r = must_calloc(1, sizeof(*r));
	entry_of(h, area, iova, &r->start, &r->last);
	range_insert(&h->dirty, r);
}

int model_dirty_set(struct backend *b, struct op_dirty_set *op, struct op_data *d)
{
	struct hwpt *h = obj_get(to_model(b), op->hwpt_id, OBJ_HWPT_PAGING);

	(void)d;
	if (!h)
		return -ENOENT;
	if (!h->domain.dirty_ops)
		return -EOPNOTSUPP;
	if (op->enable)
		dirty_forget(h, 0, UINT64_MAX);
	h->domain.tracking = op->enable;
	return 0;
}

/* -- read-out ------------------------------------------------------------------------------------------------------------- */

/* iommufd_check_iova_range() */
static int check_range(const struct ioas *ioas, const struct op_dirty_get *op)
{
	uint64_t mask = ioas->alignment - 1, end = op->iova + op->length;

	if (op->iova > UINT64_MAX - (op->length - 1))
		return -EOVERFLOW;
	if ((op->iova & mask) || (end & mask) || !op->page_size)
		return -EINVAL;
	mask = op->page_size - 1;
	return (op->iova & mask) || (end & mask) ? -EINVAL : 0;
}

static void set_bits(uint8_t *bits, size_t cap, uint64_t first, uint64_t last)
{
	for (uint64_t i = first; i <= last && i / CHAR_BIT < cap; i++)
		bits[i / CHAR_BIT] |= 1u << i % CHAR_BIT;
}

/* What is mapped from @iova on without a gap: where it ends, at most @last. -EINVAL: nothing. */
static int mapped_to(const struct ioas *ioas, uint64_t iova, uint64_t last, uint64_t *ret)
{
	const struct range *r = range_first(&ioas->areas, iova, iova), *next;

	if (!r)
		return -EINVAL;
	while (r->last < last && (next = range_next(&ioas->areas, r)) && next->start == r->last + 1)
		r = next;
	*ret = MIN(last, r->last);
	return 0;
}

/* iommu_read_and_clear_dirty(): it goes as far as maps go without a gap, and says nothing of the rest. */
static void read_out(struct hwpt *h, const struct op_dirty_get *op, uint8_t *bits, size_t cap)
{
	unsigned shift = __builtin_ctzll(op->page_size);
	uint64_t last = op->iova + (op->length - 1), to;
	struct range *r, *next;

	if (!op->length || mapped_to(h->ioas, op->iova, last, &to) < 0)
		return;
	for (r = h->dirty.root ? range_first(&h->dirty, op->iova, to) : NULL; r && r->start <= to; r = next) {
		next = range_next(&h->dirty, r);
		set_bits(bits, cap, (MAX(r->start, op->iova) - op->iova) >> shift, (MIN(r->last, last) - op->iova) >> shift);
		if (op->flags & IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR)
			continue;
		range_remove(&h->dirty, r);
		free(r);
	}
}

int model_dirty_get(struct backend *b, struct op_dirty_get *op, struct op_data *d)
{
	struct hwpt *h;
	uint64_t pages, bytes;
	int r;

	if (op->flags & ~IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR)
		return -EOPNOTSUPP;
	h = obj_get(to_model(b), op->hwpt_id, OBJ_HWPT_PAGING);
	if (!h)
		return -ENOENT;
	r = check_range(h->ioas, op);
	if (r < 0)
		return r;
	if (!h->domain.dirty_ops)
		return -EOPNOTSUPP;
	pages = op->length / op->page_size;
	bytes = pages / CHAR_BIT + !!(pages % CHAR_BIT);
	if (bytes > d->out_cap)
		return -EMSGSIZE;
	if (bytes)
		memset(d->out, 0, bytes);
	d->out_len = bytes;
	read_out(h, op, d->out, bytes);
	return 0;
}

/* -- the selftest's device writes ------------------------------------------------------------------------------------------------ */

static bool bit(const uint8_t *bits, uint64_t i)
{
	return bits[i / CHAR_BIT] >> i % CHAR_BIT & 1;
}

int model_mock_dirty(struct backend *b, struct op_mock_dirty *op, struct op_data *d)
{
	struct model *m = to_model(b);
	uint64_t n, count = 0;
	struct hwpt *h;

	if (m->opt.no_mock)
		return -ENOTTY;
	n = op->page_size ? op->length / op->page_size : 0;
	if (!op->page_size || !op->length || op->iova % op->page_size || op->length % op->page_size || !d->in ||
	    d->in_len < n / CHAR_BIT + !!(n % CHAR_BIT))
		return -EINVAL;
	if (n > MOCK_MAX_BITS)
		return -EOVERFLOW;
	h = obj_get(m, op->hwpt_id, OBJ_HWPT_PAGING);
	if (!h)
		return -ENOENT;
	if (h->domain.profile != &profile_mock || !h->domain.tracking)
		return -EINVAL;
	for (uint64_t i = 0; i < n; i++) {
		if (!bit(d->in, i))
			continue;
		dirty_mark(h, op->iova + i * op->page_size);
		count++;
	}
	op->ret_n = count;
	return 0;
}
