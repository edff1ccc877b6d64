/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every iommufd context of the machine and what is in it: the section SECTION_IOMMUFD. No file of the kernel shows that. It is gathered from
 * the running kernel's memory, stored in snapshots, and read back into the same structures; no address leaves the program.
 *
 *	{ "version": 1, "contexts": null | [ {
 *		"complete": bool,			all processes could be looked at
 *		"problem": null,			why its objects are unknown; then there are none
 *		"holders": [ { "pid", "command", "fd", "what", "device" } ],
 *		"objects": [ { "id": 3, "type": "hwpt-paging", "users": 2,
 *			"ioas", "hwpt", "viommu", "fault", "idev": ids that it points to, null none or unknown
 *			"device", "group", "attached": bool, "pasids": [ { "pasid", "hwpt" } ],		of a device
 *			"virt_id": "0x…",							of a vdevice
 *			"automatic", "nest_parent", "coherent": bool, "domain": {…}, "groups": [ 4 ] } ] } ],	of a page table
 *	  "obstacles": [ { "code", "errno", "what", "why", "hint" } ] }
 *
 * contexts is null when the memory could not be read; the obstacles say why.
 */
#ifndef IOMMUCTL_KMEM_IOMMUFD_H
#define IOMMUCTL_KMEM_IOMMUFD_H

#include "kmem/ownership.h"

struct iommufd_pasid {
	int64_t pasid;
	struct num hwpt;
};

struct iommufd_object {
	uint32_t id;
	const char *type; /* the kernel's word: ioas, hwpt-paging, hwpt-nested, device, access, fault, viommu, vdevice, … */
	struct num users; /* the kernel's count: 1 is the object's own, DESTROY answers EBUSY above it */
	/* objects of the same context by id: the hwpt of a device is the page table that it is attached to, that of a hwpt-nested its stage-2 */
	struct num ioas, hwpt, viommu, fault, idev;
	const char *device; /* of type device: its name */
	struct num group;
	int attached; /* enum tri, of type device */
	struct iommufd_pasid *pasids;
	size_t n_pasids;
	struct num virt_id;
	struct owned_domain *domain; /* NULL: none, or unknown */
	const uint32_t *groups;	     /* that this page table translates for now */
	size_t n_groups;
	int automatic, nest_parent, coherent; /* enum tri */
};

struct iommufd_context {
	const char *problem;
	bool complete;
	struct owner_process *holders;
	size_t n_holders;
	struct iommufd_object *objects; /* by id */
	size_t n;
};

struct iommufds {
	bool known; /* else the obstacles say why not; a kernel without iommufd has none */
	struct iommufd_context *v;
	size_t n;
	struct obstacle *obstacles;
	size_t n_obstacles;
};

/* What the source has, as ownership_load(). */
int iommufds_load(struct ctx *ctx, struct source *src, struct arena *a, struct iommufds **ret);

/* The section's provider, for source_set_provider(). Never fails: see known. */
int iommufds_provide(struct ctx *ctx, struct json_object **ret);

/* The document, and back. -EBADMSG. */
struct json_object *iommufds_to_json(const struct iommufds *f);
int iommufds_from_json(struct json_object *doc, struct arena *a, struct iommufds **ret);

/* Reads the running kernel, files below @root ("" is the real one). Never fails: see known. */
struct iommufds *iommufds_gather(const char *root, struct arena *a);

/* NULL when the context has none of that id. */
const struct iommufd_object *iommufd_object(const struct iommufd_context *c, struct num id);

#endif
