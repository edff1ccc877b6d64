// SPDX-License-Identifier: GPL-2.0-or-later
/* An address space as page tables and reserved regions see it (drivers/iommu/iommufd/io_pagetable.c). */
#include <errno.h>

#include "model/internal.h"

int iopt_reserve(struct ioas *ioas, uint64_t start, uint64_t last, const void *owner)
{
	struct reserved *r;

	if (range_first(&ioas->areas, start, last) || range_first(&ioas->allowed, start, last))
		return -EADDRINUSE;
	r = must_calloc(1, sizeof(*r));
	r->r.start = start;
	r->r.last = last;
	r->owner = owner;
	range_insert(&ioas->reserved, &r->r);
	return 0;
}

void iopt_unreserve(struct ioas *ioas, const void *owner)
{
	struct range *r = range_first(&ioas->reserved, 0, UINT64_MAX), *next;

	for (; r; r = next) {
		struct reserved *v = range_entry(r, struct reserved, r);

		next = range_next(&ioas->reserved, r);
		if (v->owner != owner)
			continue;
		range_remove(&ioas->reserved, r);
		free(v);
	}
}

/*
 * iopt_table_enforce_dev_resv_regions(). Which device of a group a region is for no file says, so each brings all of its group's:
 * there are as many of them in the tree as devices attached, and the last one takes them along.
 */
int iopt_reserve_device(struct ioas *ioas, const struct mdev *dev)
{
	const struct region *r;
	int err;

	vec_for_each(r, &dev->group->regions) {
		if (r->type == REGION_DIRECT_RELAXABLE)
			continue;
		err = iopt_reserve(ioas, r->start, r->end, dev);
		if (err < 0) {
			iopt_unreserve(ioas, dev);
			return err;
		}
	}
	return 0;
}

/* -- alignment ---------------------------------------------------------------------------------------------------------- */

static uint64_t page_of(const struct hwpt *h)
{
	return h->domain.page_sizes & -h->domain.page_sizes;
}

/* Whether the maps that are there fit. */
static int check_alignment(const struct ioas *ioas, uint64_t alignment)
{
	uint64_t mask = alignment - 1;

	for (struct range *r = range_first(&ioas->areas, 0, UINT64_MAX); r; r = range_next(&ioas->areas, r)) {
		const struct area *a = range_entry(r, struct area, r);

		if ((r->start & mask) || ((r->last - r->start + 1) & mask) || (a->offset % ioas->page & mask))
			return -EADDRINUSE;
	}
	return 0;
}

int iopt_align(struct ioas *ioas)
{
	uint64_t alignment = ioas->no_large_pages || ioas->accesses ? ioas->page : 1;
	int r = 0;

	for (size_t i = 0; i < ioas->hwpts.n; i++)
		alignment = MAX(alignment, page_of(ioas->hwpts.v[i]));
	if (alignment > ioas->alignment)
		r = check_alignment(ioas, alignment);
	if (r == 0)
		ioas->alignment = alignment;
	return r;
}

/* -- page tables ------------------------------------------------------------------------------------------------------------ */

/* Pages are fetched when the first page table wants them. */
static int fill_domain(const struct ioas *ioas)
{
	for (struct range *r = range_first(&ioas->areas, 0, UINT64_MAX); r; r = range_next(&ioas->areas, r))
		if (range_entry(r, struct area, r)->pages->pin_err)
			return range_entry(r, struct area, r)->pages->pin_err;
	return 0;
}

static int reserve_aperture(struct ioas *ioas, const struct hwpt *h)
{
	const struct domain *d = &h->domain;
	int r = 0;

	if (d->aperture_first)
		r = iopt_reserve(ioas, 0, d->aperture_first - 1, h);
	if (r == 0 && d->aperture_last != UINT64_MAX)
		r = iopt_reserve(ioas, d->aperture_last + 1, UINT64_MAX, h);
	return r;
}

int iopt_add_domain(struct ioas *ioas, struct hwpt *h)
{
	uint64_t alignment = MAX(page_of(h), ioas->alignment);
	int r = 0;

	if (alignment > ioas->page)
		return -EINVAL;
	if (alignment != ioas->alignment)
		r = check_alignment(ioas, alignment);
	if (r < 0)
		return r;
	r = reserve_aperture(ioas, h);
	/* what cannot be fetched is looked for only where somebody has mapped such a thing */
	if (r == 0 && ioas->unpinnable)
		r = fill_domain(ioas);
	if (r < 0) {
		iopt_unreserve(ioas, h);
		return r;
	}
	ioas->alignment = alignment;
	*vec_push(&ioas->hwpts) = h;
	return 0;
}

void iopt_remove_domain(struct ioas *ioas, struct hwpt *h)
{
	size_t at = 0;

	while (ioas->hwpts.v[at] != h)
		at++;
	ioas->hwpts.n--;
	for (; at < ioas->hwpts.n; at++)
		ioas->hwpts.v[at] = ioas->hwpts.v[at + 1];
	iopt_unreserve(ioas, h);
	iopt_align(ioas);
}

/* -- walking ------------------------------------------------------------------------------------------------------------------ */

struct area *iopt_contig(const struct ioas *ioas, uint64_t iova, uint64_t last)
{
	struct range *first = range_first(&ioas->areas, iova, iova), *r = first;

	while (r && r->last < last) {
		struct range *next = range_next(&ioas->areas, r);

		if (!next || next->start != r->last + 1)
			return NULL;
		r = next;
	}
	return r ? range_entry(first, struct area, r) : NULL;
}
