/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The walk over the kernel's groups, and what its parts share. Nobody's outside of kmem/. */
#ifndef IOMMUCTL_KMEM_WALK_H
#define IOMMUCTL_KMEM_WALK_H

#include "kmem/kmem.h"

/* Bounds that no machine reaches; rubbish would. */
#define MAX_GROUPS    65536u
#define MAX_MEMBERS   4096u
#define MAX_TASKS     4194304u
#define MAX_FDS	      1048576u
#define MAX_PROCESSES 256u
#define MAX_OBJECTS   65536u
#define MAX_CONTEXTS  65536u
#define MAX_SLOTS_OF_OBJECTS (4u << 20)

/* What the walk knows of a group beyond what it tells. */
struct walked {
	uint64_t addr;
	const char *kobj_name;
	uint64_t owner;
	uint64_t domain, default_domain, blocking_domain;
	struct owned_group g;
};

struct walk {
	struct kmem *k;
	struct ownership *o;
	VEC(struct walked) groups;
	VEC(uint64_t) owners; /* same order as o->owners */
};

/*
 * Everything that the kernel's memory tells about groups and owners, into @o (known, groups, domains, owners; an
 * obstacle when the list of groups could not be followed). Each number is checked as far as it can be: an entry's links lead back,
 * a group's id is its name, its devices point to it, and its count is the same at a second look. What fails is left
 * unknown, with the problem said.
 */
void walk_kernel(struct kmem *k, struct ownership *o);

/*
 * What each device is attached to right now, by the addresses of the domains; names live in @a. Unchecked by a second look. 0, or why
 * the list of groups cannot be followed.
 */
int walk_attached(struct kmem *k, struct arena *a, void (*each)(void *arg, uint64_t domain, const char *device), void *arg);

struct iommufds; /* kmem/iommufd.h */

/* Every iommufd context and its objects, into @f; strings are in @a. */
void walk_iommufds(struct kmem *k, struct arena *a, struct iommufds *f);

/* The groups alone, by themselves unproven. 0, or why the list could not be followed to its end. */
int walk_groups(struct walk *w);

/* A domain, from its struct iommu_domain. */
struct owned_domain walk_domain(struct kmem *k, uint64_t domain, struct arena *a);

/* Fills o->owners and the groups' owner and claims. */
void walk_owners(struct walk *w);

#endif
