/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel's own data: "member X of structure Y at address A". Of the running kernel (/proc/kcore, /proc/kallsyms,
 * /sys/kernel/btf) or of a recorded image. Everything is found by name; nothing is known about versions.
 *
 * The memory changes while it is read, without locks, so a value is a claim that wants proof: see walk.c.
 */
#ifndef IOMMUCTL_KMEM_KMEM_H
#define IOMMUCTL_KMEM_KMEM_H

#include "base/ctx.h"
#include "kmem/memory.h"
#include "kmem/ownership.h"
#include "kmem/symbols.h"
#include "kmem/types.h"

struct kmem {
	struct memory *memory;
	struct symbols symbols;
	struct ktypes types;
};

/*
 * The kernel that runs, files below @root ("" for the real ones, else an absolute path: tests). Everything that stands in the way is appended to
 * @obstacles, strings from @a, and then the result is -ENODATA: all is tried, so that the user hears of all
 * at once.
 */
int kmem_open(const char *root, struct arena *a, obstacle_vec *obstacles, struct kmem **ret);

/* The types alone, which anybody may read: 0, -ENOENT (this kernel has no BTF), -EBADMSG, or another errno. */
int kmem_types(const char *root, struct ktypes *ret);

/*
 * A recorded image: "IOMMUKM1", then records of a head of 24 bytes (u32 kind, u32 length of the name, u64 address,
 * u64 length of the data; little-endian), the name and the data. Kinds: 1 memory at the address; 2 the symbol NAME, data is its one-letter
 * type; 3 the kernel's BTF. @data is borrowed.
 * -EBADMSG.
 */
int kmem_open_image(const void *data, size_t len, struct kmem **ret);

void kmem_free(struct kmem *k);
DEFINE_CLEANUP(struct kmem, kmem_free);

/* Whether this kernel's types have the member. */
bool kmem_has(const struct kmem *k, enum kfield f);

/* The address of a member of the structure at @base, and the other way round. Unchecked: the member must be there. */
uint64_t kmem_at(const struct kmem *k, uint64_t base, enum kfield f);
uint64_t kmem_container(const struct kmem *k, uint64_t member, enum kfield f);

/*
 * The value of a pointer or number member. -ENOENT: this kernel has no such member; -EFAULT: no memory there (also
 * when @base is NULL).
 */
int kmem_num(struct kmem *k, uint64_t base, enum kfield f, uint64_t *ret);

/* The same, but 0 instead of an error. */
uint64_t kmem_num_or_0(struct kmem *k, uint64_t base, enum kfield f);

/* A member of kind B, as an enum tri: unknown where this kernel has none, or cannot be read. */
int kmem_bit(struct kmem *k, uint64_t base, enum kfield f);

/* A pointer at an address (an element of an array). */
int kmem_pointer(struct kmem *k, uint64_t addr, uint64_t *ret);

/* The string at @addr, at most 255 bytes. -EBADMSG: no end. */
int kmem_string(struct kmem *k, uint64_t addr, struct arena *a, const char **ret);

/* The string that a pointer member points to; NULL: none, or not readable. */
const char *kmem_member_string(struct kmem *k, uint64_t base, enum kfield f, struct arena *a);

/*
 * Steps through a list with a struct list_head in each entry.
 *
 *	struct klist l = klist_start(k, head, 1000);
 *	while (klist_next(&l))
 *		… kmem_container(k, l.node, KF_GDEV_LIST) …
 *
 * Each step checks that the entry points back to where we came from, so a list that changes, or loops, ends with
 * @err: -EAGAIN (it changed, or is none), -EFAULT, -E2BIG (more than @max entries).
 */
struct klist {
	struct kmem *k;
	uint64_t head, node;
	size_t left;
	int err;
};

/* @head: address of the list's head. klist_next() is false at the end, and when err is set. */
struct klist klist_start(struct kmem *k, uint64_t head, size_t max);
bool klist_next(struct klist *l);

#endif
