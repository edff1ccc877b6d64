/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where an errno was born: failing calls put together from a trace of failing functions, and what the function in which it began checks.
 * Facts: the functions' bodies in drivers/iommu, drivers/iommu/iommufd and drivers/vfio of Linux 6.12 and 7.2, and what the lab's runs showed.
 */
#ifndef IOMMUCTL_DIAG_BIRTHS_H
#define IOMMUCTL_DIAG_BIRTHS_H

#include "kmem/failures.h"

/* What is watched, from where user space comes in down to where errors are born. */
const struct watched_function *births_functions(size_t *ret_n);

struct birth {
	const char *function;
	int err; /* negative */
	const char *text; /* what it checks, or what that means; one sentence */
	const char *remedy, *command; /* NULL none; @command has at most one %s, the device */
};

/* One step: the function in which it happened, and what it returned. */
struct failed_step {
	const struct watched_function *function;
	int err;
};

struct failure {
	const char *task;
	int64_t pid;
	uint32_t cmd; /* the ioctl; 0: it was none, or that is not known */
	const char *device; /* NULL unknown */
	struct num group;
	struct num iova, length; /* of a mapping that was asked for */
	struct failed_step *steps; /* the call from user space first, the birth last */
	size_t n;
	struct failed_step *before; /* failed under the same call with other errors, the latest first: was dealt with, or made into this one */
	size_t n_before;
	const struct birth *birth; /* NULL: not in our table */
};

/* In the order in which they came back. Pure; everything is in @a. */
void births_find(struct arena *a, const struct failure_log *log, struct failure **ret, size_t *ret_n);

/* What is known of that; NULL. */
const struct birth *birth_of(const char *function, int err);

#endif
