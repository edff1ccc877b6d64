/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which process has a VFIO or iommufd node open, a disk, or a node of a device's own driver: SECTION_HOLDERS. A descriptor is known
 * by the device number behind it, never by its path, which differs between mount namespaces.
 *
 *	{ "complete": bool,	every process could be looked at
 *	  "nodes": bool,	it was looked for "block" and "node" too; not there: older captures, which have none
 *	  "unseen": 3,		processes that we were not permitted to look at
 *	  "why": null | "permission" | "hidepid" | "pid-namespace" | "not-captured",
 *	  "held": [ {
 *		"pid": 4711, "uid": 0, "comm": "qemu-system-x86", "args": ["/usr/bin/qemu-system-x86_64", …],
 *		"fd": 31, "kind": word of enum held_kind, "node": "/dev/vfio/12" | null,
 *		"group": 12 | null, "vfio_dev": "vfio3" | null, "syspath": "/sys/devices/…" | null,
 *		"unit": …, "container": …, "container_kind": …, "pod": …, "guest": …, "guest_uuid": … } ] }
 *
 * Private, and only in a full snapshot: all of args but the first, guest_uuid.
 */
#ifndef IOMMUCTL_SOURCE_HOLDERS_H
#define IOMMUCTL_SOURCE_HOLDERS_H

#include "out/record.h"
#include "source/source.h"

enum held_kind {
	HELD_GROUP,	  /* "group": /dev/vfio/N, or noiommu-N */
	HELD_DEVICE,	  /* "device": /dev/vfio/devices/vfioX */
	HELD_CONTAINER,	  /* "container": /dev/vfio/vfio */
	HELD_IOMMUFD,	  /* "iommufd": /dev/iommu */
	HELD_DEVICE_FD,	  /* "device-fd": a device opened through its group; syspath from fdinfo (6.18) */
	HELD_FAULT_QUEUE, /* "fault-queue", "event-queue": of an iommufd */
	HELD_EVENT_QUEUE,
	HELD_BLOCK,	  /* "block": a disk, a partition, what is made of them; syspath is its own, so "/sys/devices/virtual/…" for some */
	HELD_NODE,	  /* "node": a character device of a device with a place in sysfs: DRM, input, sound, …; syspath is its own */
	HELD_UNKNOWN,	  /* a word from a newer snapshot */
};

struct held {
	struct num pid, uid, fd;
	const char *comm;
	struct strs args; /* unknown: it could not be read */
	enum held_kind kind;
	const char *node;	/* on a usual machine: "/dev/vfio/12"; NULL for anonymous ones */
	struct num group;	/* of HELD_GROUP */
	const char *vfio_dev;	/* "vfio3", of HELD_DEVICE */
	const char *syspath;	/* of the device, "/sys/devices/…"; NULL unknown */
	const char *unit;	/* systemd unit or scope */
	const char *container, *container_kind; /* id or name; docker, podman, containerd, crio, lxc, nspawn */
	const char *pod;	/* Kubernetes' UID of it */
	const char *guest, *guest_uuid;
};

struct held_list {
	bool complete;
	bool nodes; /* HELD_BLOCK and HELD_NODE are among them */
	size_t unseen;
	const char *why; /* when not complete */
	struct held *v;
	size_t n;
};

/* Who holds what, on the machine that @src is of. -ENOTCAPTURED; errors of the section. */
int source_holders(struct source *src, struct ctx *ctx, struct arena *a, struct held_list *ret);

/* The word of the record. Static. */
const char *held_kind_name(enum held_kind k);

/* The provider of the live section. -EACCES and the like when /proc cannot be listed at all. */
int holders_gather(struct ctx *ctx, struct json_object **ret);

/* What a process is part of, from the text of its /proc/PID/cgroup. Strings in @a; what is not known is not touched. */
void holder_from_cgroup(struct arena *a, const char *text, struct held *h);

/* The guest's name and UUID out of a hypervisor's arguments. */
void holder_from_args(struct arena *a, const struct strs *args, struct held *h);

#endif
