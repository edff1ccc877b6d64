/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who owns the groups, as the kernel itself counts: the section SECTION_OWNERSHIP. It is gathered from the running kernel's memory, stored in
 * snapshots, and read back into the same structures. Kernel addresses never leave the program: domains and owners are numbered.
 *
 *	{ "version": 1, "groups": null | [ {
 *		"id": 7, "name": null, "problem": null,		why something of it is unknown
 *		"owner_cnt": 1, "recovery_cnt": null,		null: unknown, or not in this kernel
 *		"owner": null | index in owners, "owned": bool,	null when it could not be read
 *		"claims": 1,					what the owner accounts for, null unknown
 *		"default_domain": index in domains, "blocking_domain": …, "domain": …,
 *		"devices": [ { "name", "bus", "driver", "managed": bool, "counted": bool, "blocked": bool } ] } ],
 *	  "domains": [ { "type", "ops", "driver", "cookie", "page_sizes": "0x…", "start": "0x…", "end": "0x…", "forced": bool } ],
 *	  "owners": [ { "kind": "vfio-group" | "iommufd" | null, "complete": bool,
 *			"processes": [ { "pid", "command", "fd", "what", "device" } ] } ],
 *	  "obstacles": [ { "code", "errno", "what", "why", "hint" } ] }
 *
 * groups is null when the memory could not be read; the obstacles say why.
 */
#ifndef IOMMUCTL_KMEM_OWNERSHIP_H
#define IOMMUCTL_KMEM_OWNERSHIP_H

#include <json-c/json.h>

#include "base/arena.h"
#include "base/ctx.h"
#include "base/vec.h"
#include "source/source.h"

struct guard_facts; /* diag/guard.h */

/* One thing that keeps us from reading. Words for people, as a note's. */
struct obstacle {
	const char *code; /* "kcore-permission", "kptr-restrict", … */
	int err;	  /* positive errno */
	const char *what, *why, *hint;
};

typedef VEC(struct obstacle) obstacle_vec;

struct owned_domain {
	const char *type;   /* the words of the group's type file, and SVA, nested, platform; NULL unknown */
	const char *ops;    /* symbol of its operations; NULL: has none */
	const char *driver; /* symbol of the unit driver's operations ("intel_iommu_ops"); NULL unknown */
	const char *cookie; /* "dma-iova", "iommufd", "none" …; NULL unknown */
	struct num page_sizes, start, end;
	int forced; /* enum tri: addresses outside start…end fault */
};

struct owned_device {
	const char *name, *bus;
	const char *driver; /* NULL none */
	int managed; /* enum tri: the driver leaves DMA alone (driver_managed_dma) */
	int counted; /* enum tri: the bus counts its drivers as users of the group */
	int blocked; /* enum tri: cut off while it is reset; unknown where the kernel has no such member */
};

struct owner_process {
	int64_t pid;
	const char *command;
	int64_t fd;
	const char *what;   /* "iommufd", "vfio-group", "vfio-device" */
	const char *device; /* of a vfio-device */
};

enum owner_kind { OWNER_UNKNOWN, OWNER_VFIO_GROUP, OWNER_IOMMUFD };

struct owner {
	enum owner_kind kind;
	struct owner_process *processes;
	size_t n;
	bool complete; /* all processes could be looked at */
};

struct owned_group {
	uint32_t id;
	const char *name;
	const char *problem; /* what is wrong with what was read; NULL: nothing */
	struct num owner_cnt, recovery_cnt;
	int owned;	     /* enum tri: the owner pointer is set */
	struct owner *owner; /* if owned */
	struct num claims;   /* count that the owner accounts for */
	struct owned_domain *default_domain, *blocking_domain, *domain; /* NULL: none, or unknown */
	struct owned_device *devices;
	size_t n;
};

struct ownership {
	struct arena *arena; /* that everything is in; the caller's */
	bool known; /* groups is what the kernel has; else the obstacles say why not */
	struct owned_group *groups; /* by id */
	size_t n_groups;
	struct owned_domain *domains;
	size_t n_domains;
	struct owner *owners;
	size_t n_owners;
	struct obstacle *obstacles;
	size_t n_obstacles;

	/* filled on first use by diag/leak-cure.c: groups that show the pattern of the known leak, and that do not */
	bool pattern_done_;
	size_t pattern_fits_, pattern_breaks_;
	struct guard_facts *guard_;
};

/*
 * What the source has: of the running kernel, or as captured. Everything is in @a. 0 also when nothing could be read
 * (known is false then); -ENOTCAPTURED; -EBADMSG (noted) for a document that is none.
 */
int ownership_load(struct ctx *ctx, struct source *src, struct arena *a, struct ownership **ret);

/* NULL when there is none. */
const struct owned_group *ownership_group(const struct ownership *o, uint32_t id);

/* The section's provider, for source_set_provider(). Never fails: see known. */
int ownership_provide(struct ctx *ctx, struct json_object **ret);

/* The document, and back. -EBADMSG. */
struct json_object *ownership_to_json(const struct ownership *o);
int ownership_from_json(struct json_object *doc, struct arena *a, struct ownership **ret);

/* Reads the running kernel, files below @root ("" is the real one); everything is in @a. Never fails: see known. */
struct ownership *ownership_gather(const char *root, struct arena *a);

/* "vfio-group", "iommufd"; NULL unknown. */
const char *owner_kind_word(enum owner_kind k);

#endif
