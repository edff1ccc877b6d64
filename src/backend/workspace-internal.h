/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the workspace share. */
#ifndef IOMMUCTL_BACKEND_WORKSPACE_INTERNAL_H
#define IOMMUCTL_BACKEND_WORKSPACE_INTERNAL_H

#include "backend/workspace.h"
#include "base/vec.h"

/* The maps of an address space: a tree of tsearch(3), in which ranges that overlap are equal. */
struct map_tree {
	void *root;
	uint64_t n, bytes;
};

struct object {
	struct op_object o;
	struct map_tree maps;
	struct object *prev, *next; /* in the order of making */
	int queue_fd;		   /* of a fault queue; -1: the backend has none */
	uint32_t hold_ms;
};

/* A page request group that the kernel has handed out and that has no answer yet. */
struct group_wait {
	uint32_t queue, cookie;
	bool taken;
	uint32_t client; /* who took it */
	int64_t deadline;
	void *records;
	size_t n;
};

struct workspace {
	struct backend backend;
	struct backend *inner;
	struct workspace_facts facts;
	struct object *first, *last;
	size_t n;
	void *by_name, *by_id, *by_handle; /* trees of struct object */
	unsigned serial[OP_KIND_MAX + 1];  /* of made-up names; the last one for auto */
	VEC(struct op_link) links;
	VEC(struct group_wait) groups; /* oldest first */
	size_t n_queues;
	uint32_t client;
};

static inline struct workspace *workspace_of(struct backend *b)
{
	return (struct workspace *)b;
}

/* -- workspace-table.c ---------------------------------------------------------------------------------------- */

/*
 * Settles the name of an object to be made: -EEXIST, -EINVAL; or makes one up, which @name then is.
 */
int objects_name(struct workspace *w, char *name, uint32_t kind);

/* tsearch() of what is not in the tree yet; without memory as must_malloc(). */
void workspace_put(void *e, void **tree, int (*compare)(const void *, const void *));

/* Adds a copy of @o; never fails. Another object of the same id is one that went without our knowing. */
struct object *objects_add(struct workspace *w, const struct op_object *o);
void objects_remove(struct workspace *w, struct object *e);
void objects_free(struct workspace *w);

/* NULL: there is none. 0 is no id and no handle. */
struct object *objects_by_name(struct workspace *w, const char *name);
struct object *objects_by_id(struct workspace *w, uint32_t id);
struct object *objects_by_handle(struct workspace *w, uint32_t handle);

/* The device is now attached to that page table, and with it what the kernel moves along. */
void links_attach(struct workspace *w, const struct op_device_attach *op, uint32_t wanted);
void links_detach(struct workspace *w, uint32_t handle, bool has_pasid, uint32_t pasid);
void links_close(struct workspace *w, uint32_t handle);

/* -- workspace-map.c ------------------------------------------------------------------------------------------- */

/* A map that lies over no other. */
void maps_add(struct map_tree *t, uint64_t iova, uint64_t length, uint32_t flags);
/* All that lie whole in the range. */
void maps_remove(struct map_tree *t, uint64_t iova, uint64_t length);
void maps_free(struct map_tree *t);
/* Those from @from on, as many as fit; how many were written. */
size_t maps_read(const struct map_tree *t, uint64_t from, struct op_map *out, size_t cap);

/* -- workspace-fault.c ----------------------------------------------------------------------------------------- */

/* The operations of the same names (backend/op.h), on what was read from the kernel's queues. */
int workspace_fault_take(struct backend *b, struct op_fault_take *op, struct op_data *d);
int workspace_faultq_respond(struct backend *b, struct op_faultq_respond *op, struct op_data *d);
/* How many groups of this queue have no answer. */
uint32_t faults_pending(const struct workspace *w, uint32_t queue);
/* The queue is gone, and the kernel has answered what was in it. */
void faults_drop(struct workspace *w, uint32_t queue);
void faults_free(struct workspace *w);

/* -- workspace-act.c ------------------------------------------------------------------------------------------- */

/* The operations of the same names (backend/op.h), where the backend below has drivers or facts of its own. */
int workspace_act(struct backend *b, struct op_act *op, struct op_data *d);
int workspace_fact(struct backend *b, struct op_fact *op, struct op_data *d);

#endif
