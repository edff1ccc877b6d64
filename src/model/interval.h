/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of address ranges: a balanced tree (AVL) whose nodes know of the ranges below them from where to where they reach and the widest
 * hole between them. All operations take O(log n). Ranges may overlap each other.
 */
#ifndef IOMMUCTL_MODEL_INTERVAL_H
#define IOMMUCTL_MODEL_INTERVAL_H

#include "base/util.h"

/* Embed it in what the range is of. @last is inclusive. Do not touch what ends in _. */
struct range {
	uint64_t start, last;
	struct range *kid_[2];
	uint64_t min_, max_, hole_; /* of the subtree */
	int height_;
};

struct ranges {
	struct range *root;
	size_t n;
};

#define range_entry(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

/* @r is in no tree and has start and last set, start <= last. */
void range_insert(struct ranges *t, struct range *r);

/* @r is in @t. */
void range_remove(struct ranges *t, struct range *r);

/* The lowest range that shares an address with start…last; NULL: there is none. */
struct range *range_first(const struct ranges *t, uint64_t start, uint64_t last);

/* The next one after @r by its start, whatever it overlaps; NULL: @r was the last. */
struct range *range_next(const struct ranges *t, const struct range *r);

/* The lowest place in lo…hi where @len addresses (at least 1) are in no range. */
bool range_hole(const struct ranges *t, uint64_t lo, uint64_t hi, uint64_t len, uint64_t *ret);

#endif
