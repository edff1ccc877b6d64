/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VFIO's and iommufd's ioctls taken apart: names, members, words. Pure; the declarations are those of src/abi. */
#ifndef IOMMUCTL_TRACE_IOCTL_H
#define IOMMUCTL_TRACE_IOCTL_H

#include "base/arena.h"

/* What the descriptor is that the ioctl is made on: some numbers mean different things. */
enum ioctl_on { IOCTL_ON_IOMMUFD = 1, IOCTL_ON_CONTAINER = 2, IOCTL_ON_GROUP = 4, IOCTL_ON_DEVICE = 8 };

enum ioctl_kind {
	IOV_HEX,   /* address, length, mask */
	IOV_DEC,
	IOV_FD,	   /* signed */
	IOV_ID,	   /* of an object of the iommufd */
	IOV_FLAGS, /* text has the words, and what is beyond them in hex */
	IOV_WORD,  /* text has the word, NULL: not known */
	IOV_TEXT,  /* text alone */
};

struct ioctl_value {
	const char *name;
	enum ioctl_kind kind;
	bool out; /* the kernel wrote it */
	uint64_t v;
	const char *text;
};

struct ioctl_decoded {
	const char *name; /* "IOMMU_IOAS_MAP"; NULL: not known on this kind of descriptor */
	const char *first; /* kernel that has it first, "6.13"; NULL unknown */
	struct ioctl_value *v;
	size_t n;
};

/*
 * @in, @out: memory that the argument points to before and after, as much of it as could be read; @arg the argument itself. @done: the call
 * succeeded, so that what the kernel writes counts. Members that the caller's structure is too short for are not there. Strings
 * are static or in @a.
 */
void ioctl_decode(struct arena *a, enum ioctl_on on, uint32_t cmd, uint64_t arg, const unsigned char *in, size_t n_in,
		  const unsigned char *out, size_t n_out, bool done, struct ioctl_decoded *ret);

/*
 * Adds what lies behind a pointer inside of the argument, @n bytes of it, where it can be said in words: "ste" of an SMMUv3's nested page table, a "cmd" for each
 * of its invalidations.
 */
void ioctl_decode_data(struct arena *a, const unsigned char *data, size_t n, struct ioctl_decoded *d);

/* The value of that name; NULL: there is none. */
const struct ioctl_value *ioctl_value(const struct ioctl_decoded *d, const char *name);

#endif
