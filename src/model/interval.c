// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/interval.h"

/* Of equal starts the address in memory decides, so that every node can be found again. */
static bool before(const struct range *a, const struct range *b)
{
	return a->start != b->start ? a->start < b->start : (uintptr_t)a < (uintptr_t)b;
}

static int height(const struct range *n)
{
	return n ? n->height_ : 0;
}

static void widen(struct range *n, uint64_t from, uint64_t to)
{
	/* the addresses between @from and @to, both of which are used */
	if (to > from && to - from - 1 > n->hole_)
		n->hole_ = to - from - 1;
}

static void update(struct range *n)
{
	const struct range *l = n->kid_[0], *r = n->kid_[1];

	n->height_ = 1 + MAX(height(l), height(r));
	n->min_ = l ? l->min_ : n->start;
	n->max_ = n->last;
	n->hole_ = 0;
	if (l) {
		n->hole_ = l->hole_;
		widen(n, l->max_, n->start);
		n->max_ = MAX(n->max_, l->max_);
	}
	if (r) {
		n->hole_ = MAX(n->hole_, r->hole_);
		widen(n, n->max_, r->min_);
		n->max_ = MAX(n->max_, r->max_);
	}
}

/* The kid on @side comes up. */
static struct range *rotate(struct range *n, int side)
{
	struct range *up = n->kid_[side];

	n->kid_[side] = up->kid_[!side];
	up->kid_[!side] = n;
	update(n);
	update(up);
	return up;
}

static struct range *balance(struct range *n)
{
	int lean = height(n->kid_[1]) - height(n->kid_[0]), side = lean > 0;
	struct range *kid = n->kid_[side];

	if (lean >= -1 && lean <= 1) {
		update(n);
		return n;
	}
	if (height(kid->kid_[!side]) > height(kid->kid_[side]))
		n->kid_[side] = rotate(kid, !side);
	return rotate(n, side);
}

static struct range *insert(struct range *n, struct range *r)
{
	int side;

	if (!n)
		return r;
	side = before(n, r);
	n->kid_[side] = insert(n->kid_[side], r);
	return balance(n);
}

void range_insert(struct ranges *t, struct range *r)
{
	r->kid_[0] = r->kid_[1] = NULL;
	update(r);
	t->root = insert(t->root, r);
	t->n++;
}

/* Takes the lowest node out of @n. */
static struct range *take_lowest(struct range *n, struct range **ret)
{
	if (!n->kid_[0]) {
		*ret = n;
		return n->kid_[1];
	}
	n->kid_[0] = take_lowest(n->kid_[0], ret);
	return balance(n);
}

static struct range *drop(struct range *n, struct range *r)
{
	struct range *heir;
	int side;

	if (n != r) {
		side = before(n, r);
		n->kid_[side] = drop(n->kid_[side], r);
		return balance(n);
	}
	if (!n->kid_[0] || !n->kid_[1])
		return n->kid_[0] ? n->kid_[0] : n->kid_[1];
	n->kid_[1] = take_lowest(n->kid_[1], &heir);
	heir->kid_[0] = n->kid_[0];
	heir->kid_[1] = n->kid_[1];
	return balance(heir);
}

void range_remove(struct ranges *t, struct range *r)
{
	t->root = drop(t->root, r);
	t->n--;
}

struct range *range_first(const struct ranges *t, uint64_t start, uint64_t last)
{
	struct range *n = t->root;

	while (n) {
		if (n->kid_[0] && n->kid_[0]->max_ >= start) {
			/* something there reaches @start; if that lies above @last, so does all that follows */
			n = n->kid_[0];
			continue;
		}
		if (n->start > last)
			return NULL;
		if (n->last >= start)
			return n;
		n = n->kid_[1];
	}
	return NULL;
}

struct range *range_next(const struct ranges *t, const struct range *r)
{
	struct range *n = t->root, *best = NULL;

	while (n) {
		if (before(r, n)) {
			best = n;
			n = n->kid_[0];
		} else {
			n = n->kid_[1];
		}
	}
	return best;
}

struct seek {
	uint64_t at; /* everything from lo up to here is used */
	uint64_t len;
	bool end; /* used up to the last address that there is */
};

static void skip(struct seek *s, uint64_t last)
{
	if (last == UINT64_MAX)
		s->end = true;
	else if (last >= s->at)
		s->at = last + 1;
}

static bool fits_below(const struct seek *s, uint64_t start)
{
	return !s->end && start > s->at && start - s->at >= s->len;
}

/* Whether a hole was found before @n's last range. */
static bool seek(const struct range *n, struct seek *s)
{
	if (!n || n->max_ < s->at)
		return false;
	if (fits_below(s, n->min_))
		return true;
	if (n->hole_ < s->len) {
		skip(s, n->max_);
		return false;
	}
	if (seek(n->kid_[0], s) || fits_below(s, n->start))
		return true;
	skip(s, n->last);
	return seek(n->kid_[1], s);
}

bool range_hole(const struct ranges *t, uint64_t lo, uint64_t hi, uint64_t len, uint64_t *ret)
{
	struct seek s = { .at = lo, .len = len };

	seek(t->root, &s);
	if (s.end || s.at > hi || hi - s.at < len - 1)
		return false;
	*ret = s.at;
	return true;
}
