// SPDX-License-Identifier: GPL-2.0-or-later
/* Address spaces: what the ioctls on them do (drivers/iommu/iommufd/ioas.c, io_pagetable.c). */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "model/internal.h"

#define MAP_FLAGS (OP_MAP_FIXED | OP_MAP_WRITE | OP_MAP_READ)

struct ioas *ioas_new(struct model *m)
{
	struct ioas *ioas = obj_new(m, sizeof(*ioas), OBJ_IOAS);

	ioas->alignment = 1;
	ioas->page = m->page;
	return ioas;
}

/* -- memory -------------------------------------------------------------------------------------------------------------- */

static struct pages *pages_new(uint64_t start, bool file, bool writable)
{
	struct pages *p = must_calloc(1, sizeof(*p));

	*p = (struct pages){ .refs = 1, .start = start, .file = file, .writable = writable };
	return p;
}

void pages_put(struct pages *p)
{
	if (!--p->refs)
		free(p);
}

void area_free(struct area *a)
{
	pages_put(a->pages);
	free(a);
}

static void drop_area(struct ioas *ioas, struct area *a)
{
	uint64_t length = a->r.last - a->r.start + 1;

	range_remove(&ioas->areas, &a->r);
	for (size_t i = 0; i < ioas->hwpts.n; i++)
		dirty_forget(ioas->hwpts.v[i], a->r.start, a->r.last);
	ioas->unpinnable -= a->pages->pin_err != 0;
	ioas->bytes -= length;
	area_free(a);
}

static void drop_allowed(struct ranges *t)
{
	while (t->root) {
		struct range *r = t->root;

		range_remove(t, r);
		free(r);
	}
}

void ioas_free(struct model *m, struct ioas *ioas)
{
	while (ioas->areas.root)
		drop_area(ioas, range_entry(ioas->areas.root, struct area, r));
	iopt_unreserve(ioas, NULL);
	drop_allowed(&ioas->allowed);
	vec_free(&ioas->hwpts);
	obj_free(m, &ioas->obj, false);
}

int model_ioas_alloc(struct backend *b, struct op_ioas_alloc *op, struct op_data *d)
{
	(void)d;
	if (op->flags)
		return -EOPNOTSUPP;
	op->ret_id = ioas_new(to_model(b))->obj.id;
	return 0;
}

/* -- choosing an address ---------------------------------------------------------------------------------------------------- */

static uint64_t round_up_pow2(uint64_t v)
{
	return v <= 1 ? 1 : (uint64_t)1 << (64 - __builtin_clzll(v - 1));
}

/* Where to look, and for what. */
struct wish {
	uint64_t length, alignment, offset; /* address % alignment is to be offset */
	uint64_t lo, hi;
};

static bool align_up(const struct wish *w, uint64_t *at)
{
	uint64_t v = *at;

	if (v > UINT64_MAX - (w->alignment - 1))
		return false;
	v = ((v + w->alignment - 1) & ~(w->alignment - 1)) | w->offset;
	*at = v;
	return true;
}

/* A hole that has room whatever its alignment, past what is reserved. */
static bool easy_hole(const struct ioas *ioas, const struct wish *w, uint64_t *ret)
{
	uint64_t want = w->length + w->alignment - 1 + w->offset, at, lo = w->lo;
	const struct range *r;

	if (want < w->length)
		return false;
	while (range_hole(&ioas->areas, lo, w->hi, want, &at)) {
		r = range_first(&ioas->reserved, at, at + want - 1);
		if (!r)
			return align_up(w, &at) && (*ret = at, true);
		if (r->last >= w->hi)
			return false;
		lo = r->last + 1;
	}
	return false;
}

/* Every hole in turn: for an address space that is nearly full. */
static bool tight_hole(const struct ioas *ioas, const struct wish *w, uint64_t *ret)
{
	uint64_t at, lo = w->lo;
	const struct range *r;

	while (range_hole(&ioas->areas, lo, w->hi, w->length, &at)) {
		if (!align_up(w, &at) || at > w->hi || w->hi - at < w->length - 1)
			return false;
		r = range_first(&ioas->areas, at, at + w->length - 1);
		if (!r)
			r = range_first(&ioas->reserved, at, at + w->length - 1);
		if (!r) {
			*ret = at;
			return true;
		}
		if (r->last >= w->hi)
			return false;
		lo = r->last + 1;
	}
	return false;
}

static bool find_hole(const struct ioas *ioas, struct wish *w, uint64_t *ret)
{
	const struct range *r;
	uint64_t lo = ioas->page, hi = UINT64_MAX - ioas->page;

	if (!ioas->allowed.root) {
		w->lo = lo;
		w->hi = hi;
		return easy_hole(ioas, w, ret) || tight_hole(ioas, w, ret);
	}
	for (r = range_first(&ioas->allowed, lo, hi); r; r = range_next(&ioas->allowed, r)) {
		const struct range *next = range_next(&ioas->allowed, r);

		w->lo = MAX(lo, r->start);
		/* neighbours are one */
		for (; next && next->start == r->last + 1; next = range_next(&ioas->allowed, r))
			r = next;
		w->hi = MIN(hi, r->last);
		if (easy_hole(ioas, w, ret) || tight_hole(ioas, w, ret))
			return true;
	}
	return false;
}

/* iopt_alloc_iova(). @addr: where the memory is, as far as its low bits tell. Which of the good places it is may differ from the kernel's. */
static int alloc_iova(const struct ioas *ioas, uint64_t addr, uint64_t length, uint64_t *ret)
{
	struct wish w = { .length = length };

	if (!length || length >= UINT64_MAX / 2)
		return -EOVERFLOW;
	w.offset = addr % ioas->page;
	w.alignment = round_up_pow2(length);
	if (addr)
		w.alignment = MIN(w.alignment, addr & -addr);
	/* no more than what one entry of the level above pages maps (HPAGE_SIZE): 2 MiB where they have 4 KiB */
	w.alignment = MIN(w.alignment, ioas->page / 8 * ioas->page);
	if (w.alignment < ioas->alignment)
		return -EINVAL;
	return find_hole(ioas, &w, ret) ? 0 : -ENOSPC;
}

static int check_iova(const struct ioas *ioas, uint64_t iova, uint64_t length)
{
	if (iova & (ioas->alignment - 1))
		return -EINVAL;
	if (iova > UINT64_MAX - (length - 1))
		return -EOVERFLOW;
	if (range_first(&ioas->reserved, iova, iova + (length - 1)))
		return -EINVAL;
	return range_first(&ioas->areas, iova, iova + (length - 1)) ? -EEXIST : 0;
}

/* -- map --------------------------------------------------------------------------------------------------------------------- */

/* Memory that is to be mapped: slices of pages one after the other, each held. */
struct slice {
	struct pages *pages;
	uint64_t offset, length;
};

typedef VEC(struct slice) slices;

static void drop_slices(slices *v)
{
	struct slice *s;

	vec_for_each(s, v)
		pages_put(s->pages);
	vec_free(v);
}

static int check_slice(const struct ioas *ioas, const struct slice *s, unsigned prot)
{
	if ((prot & OP_MAP_WRITE) && !s->pages->writable)
		return -EPERM;
	return (s->offset % ioas->page & (ioas->alignment - 1)) ? -EINVAL : 0;
}

static void insert_area(struct ioas *ioas, const struct slice *s, uint64_t iova, unsigned prot)
{
	struct area *a = must_calloc(1, sizeof(*a));

	a->r.start = iova;
	a->r.last = iova + (s->length - 1);
	a->pages = s->pages;
	a->pages->refs++;
	a->offset = s->offset;
	a->prot = prot;
	range_insert(&ioas->areas, &a->r);
	ioas->unpinnable += s->pages->pin_err != 0;
	ioas->bytes += s->length;
}

/* iopt_map_pages(): all or nothing. */
static int map_slices(struct ioas *ioas, const slices *v, uint64_t length, uint32_t flags, uint64_t *iova)
{
	unsigned prot = flags & (OP_MAP_READ | OP_MAP_WRITE);
	uint64_t at = *iova;
	const struct slice *s;
	int r;

	if ((length & (ioas->alignment - 1)) || !length)
		return -EINVAL;
	r = flags & OP_MAP_FIXED ? check_iova(ioas, at, length) :
				   alloc_iova(ioas, v->v[0].pages->start + v->v[0].offset, length, &at);
	if (r < 0)
		return r;
	vec_for_each(s, v) {
		r = check_slice(ioas, s, prot);
		if (r < 0)
			return r;
	}
	/* pages are fetched at once where a page table wants them */
	vec_for_each(s, v)
		if (ioas->hwpts.n && s->pages->pin_err)
			return s->pages->pin_err;
	*iova = at;
	vec_for_each(s, v) {
		insert_area(ioas, s, at, prot);
		at += s->length;
	}
	return 0;
}

static int check_flags(uint32_t flags, bool overflows)
{
	if (flags & ~MAP_FLAGS)
		return -EOPNOTSUPP;
	if (overflows)
		return -EOVERFLOW;
	return (flags & (OP_MAP_READ | OP_MAP_WRITE)) ? 0 : -EINVAL;
}

int ioas_map_memory(struct model *m, const struct op_ioas_map *op, const struct memory *mem, uint64_t *iova)
{
	slices v = { 0 };
	struct ioas *ioas;
	int r = check_flags(op->flags, op->iova == UINT64_MAX || op->length == UINT64_MAX);

	if (r < 0)
		return r;
	ioas = obj_get(m, op->ioas_id, OBJ_IOAS);
	if (!ioas)
		return -ENOENT;
	if (mem->file && !op->length)
		return -EINVAL;
	if (mem->file ? mem->start > UINT64_MAX - (op->length - 1) : mem->start > UINT64_MAX - op->length)
		return -EOVERFLOW;
	if (mem->bad_fd)
		return -EBADF;
	if (op->length > UINT64_MAX - m->page || !op->length)
		return -EINVAL;
	*vec_push(&v) = (struct slice){
		.pages = pages_new(mem->start & ~(m->page - 1), mem->file, op->flags & OP_MAP_WRITE),
		.offset = mem->start % m->page,
		.length = op->length,
	};
	v.v[0].pages->pin_err = mem->pin_err;
	*iova = op->iova;
	r = map_slices(ioas, &v, op->length, op->flags, iova);
	drop_slices(&v);
	return r;
}

/*
 * MAP_FILE takes memfds, tmpfs and huge pages, and fetches no page behind their end (memfd_pin_folios()). Others are mapped into memory
 * first, and not pinned where they would be written back.
 */
static struct memory lent_file(uint64_t page, int fd, uint64_t offset, uint64_t length, bool writable)
{
	struct memory mem = { .start = offset };
	struct statfs fs;
	struct stat st;
	uint64_t end;

	if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0) {
		mem.bad_fd = mem.file = true;
		return mem;
	}
	mem.file = fs.f_type == TMPFS_MAGIC || fs.f_type == HUGETLBFS_MAGIC;
	end = mem.file ? (uint64_t)st.st_size : ((uint64_t)st.st_size + page - 1) & ~(page - 1);
	if (offset > end || length > end - offset || (!mem.file && writable))
		mem.pin_err = mem.file ? -EINVAL : -EFAULT;
	if (!mem.file)
		mem.start = page + offset % page; /* at some page */
	return mem;
}

/* The kernel's MAP_FILE does not ask, so the backends do. */
static bool may_not_write(int fd, uint32_t flags)
{
	int mode = fcntl(fd, F_GETFL);

	return (flags & OP_MAP_WRITE) && mode >= 0 && (mode & O_ACCMODE) != O_RDWR;
}

int model_ioas_map(struct backend *b, struct op_ioas_map *op, struct op_data *d)
{
	struct memory mem = { .file = true };
	uint64_t iova;
	int r;

	if (d->fd_in >= 0 && may_not_write(d->fd_in, op->flags))
		return -EACCES;
	if (d->fd_in >= 0)
		mem = lent_file(to_model(b)->page, d->fd_in, op->offset, op->length, op->flags & OP_MAP_WRITE);
	r = ioas_map_memory(to_model(b), op, &mem, &iova);
	if (r == 0)
		op->iova = iova;
	return r;
}

/* -- unmap -------------------------------------------------------------------------------------------------------------------- */

/* iopt_unmap_iova_range(): what went before an error is gone all the same. */
static int unmap_range(struct ioas *ioas, uint64_t start, uint64_t last, uint64_t *ret_bytes)
{
	struct range *r;
	uint64_t bytes = 0;

	while ((r = range_first(&ioas->areas, start, last))) {
		struct area *a = range_entry(r, struct area, r);
		uint64_t area_last = r->last;

		if (a->locks)
			return -EBUSY;
		if (r->start < start || r->last > last)
			return -ENOENT;
		bytes += r->last - r->start + 1;
		drop_area(ioas, a);
		if (area_last >= last)
			break;
		start = area_last + 1;
	}
	*ret_bytes = bytes;
	return 0;
}

int model_ioas_unmap(struct backend *b, struct op_ioas_unmap *op, struct op_data *d)
{
	struct ioas *ioas = obj_get(to_model(b), op->ioas_id, OBJ_IOAS);
	uint64_t bytes = 0;
	int r;

	(void)d;
	if (!ioas)
		return -ENOENT;
	if (!op->iova && op->length == UINT64_MAX) {
		r = unmap_range(ioas, 0, UINT64_MAX, &bytes);
		if (r == 0)
			op->ret_length = bytes;
		return r;
	}
	if (op->iova == UINT64_MAX || op->length == UINT64_MAX)
		return -EOVERFLOW;
	if (!op->length)
		return -EINVAL;
	if (op->iova > UINT64_MAX - (op->length - 1))
		return -EOVERFLOW;
	r = unmap_range(ioas, op->iova, op->iova + (op->length - 1), &bytes);
	if (r == 0 && !bytes)
		r = -ENOENT;
	if (r == 0)
		op->ret_length = bytes;
	return r;
}

/* -- copy ---------------------------------------------------------------------------------------------------------------------- */

static int slices_of(const struct ioas *ioas, uint64_t iova, uint64_t length, slices *ret)
{
	uint64_t last, at = iova;
	struct area *a;

	if (!length)
		return -EINVAL;
	if (iova > UINT64_MAX - (length - 1))
		return -EOVERFLOW;
	last = iova + (length - 1);
	a = iopt_contig(ioas, iova, last);
	if (!a)
		return -ENOENT;
	for (struct range *r = &a->r; r && r->start <= last; r = range_next(&ioas->areas, r)) {
		a = range_entry(r, struct area, r);
		a->pages->refs++;
		*vec_push(ret) = (struct slice){ a->pages, a->offset + (at - r->start), MIN(r->last, last) - at + 1 };
		if (r->last >= last)
			break;
		at = r->last + 1;
	}
	return 0;
}

int model_ioas_copy(struct backend *b, struct op_ioas_copy *op, struct op_data *d)
{
	struct model *m = to_model(b);
	uint64_t iova = op->dst_iova;
	slices v = { 0 };
	struct ioas *src, *dst;
	int r = check_flags(op->flags, op->length == UINT64_MAX || op->src_iova == UINT64_MAX || op->dst_iova == UINT64_MAX);

	(void)d;
	if (r < 0)
		return r;
	src = obj_get(m, op->src_ioas_id, OBJ_IOAS);
	if (!src)
		return -ENOENT;
	r = slices_of(src, op->src_iova, op->length, &v);
	dst = obj_get(m, op->dst_ioas_id, OBJ_IOAS);
	if (r == 0)
		r = dst ? map_slices(dst, &v, op->length, op->flags, &iova) : -ENOENT;
	drop_slices(&v);
	if (r == 0)
		op->dst_iova = iova;
	return r;
}

/* -- ranges, and what is allowed ------------------------------------------------------------------------------------------------- */

struct range_out {
	struct op_range *v;
	size_t cap;
	uint32_t n;
};

static void put_range(struct range_out *o, uint64_t start, uint64_t last)
{
	if (o->v && o->n < o->cap)
		o->v[o->n] = (struct op_range){ start, last };
	o->n++;
}

/* What is between the reserved ranges, which may overlap. */
static void put_holes(const struct ioas *ioas, struct range_out *o)
{
	uint64_t at = 0;

	for (const struct range *r = range_first(&ioas->reserved, 0, UINT64_MAX); r; r = range_next(&ioas->reserved, r)) {
		if (r->start > at)
			put_range(o, at, r->start - 1);
		if (r->last == UINT64_MAX)
			return;
		if (r->last >= at)
			at = r->last + 1;
	}
	put_range(o, at, UINT64_MAX);
}

int model_ioas_ranges(struct backend *b, struct op_ioas_ranges *op, struct op_data *d)
{
	struct ioas *ioas = obj_get(to_model(b), op->ioas_id, OBJ_IOAS);
	struct range_out o = { .v = d->out, .cap = d->out_cap / sizeof(struct op_range) };

	if (!ioas)
		return -ENOENT;
	put_holes(ioas, &o);
	op->ret_n = o.n;
	op->ret_alignment = ioas->alignment;
	d->out_len = o.n * sizeof(struct op_range);
	return 0;
}

static int load_allowed(struct ranges *t, const struct op_range *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct range *r;

		if (v[i].start >= v[i].last || range_first(t, v[i].start, v[i].last))
			return -EINVAL;
		r = must_calloc(1, sizeof(*r));
		r->start = v[i].start;
		r->last = v[i].last;
		range_insert(t, r);
	}
	return 0;
}

int model_ioas_allow(struct backend *b, struct op_ioas_allow *op, struct op_data *d)
{
	struct ioas *ioas = obj_get(to_model(b), op->ioas_id, OBJ_IOAS);
	struct ranges t = { 0 }, old;
	int r;

	if (!ioas)
		return -ENOENT;
	r = load_allowed(&t, d->in, d->in_len / sizeof(struct op_range));
	for (const struct range *a = range_first(&t, 0, UINT64_MAX); r == 0 && a; a = range_next(&t, a))
		if (range_first(&ioas->reserved, a->start, a->last))
			r = -EADDRINUSE;
	if (r == 0) {
		old = ioas->allowed;
		ioas->allowed = t;
		t = old;
	}
	drop_allowed(&t);
	return r;
}
