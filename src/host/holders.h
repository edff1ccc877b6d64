/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has a VFIO node of a group or device open. An open node is not yet ownership, and not every owner has
 * a node open (KVM and descriptors on their way through a socket keep one alive unseen), so the answer is
 * never "free": it is who was seen, and whether all processes could be looked at.
 *
 * Looking at all processes is dear. It happens on the first question that it matters for: nobody can hold a
 * group without a VFIO node. Nodes of other drivers are another question: node_holders().
 */
#ifndef IOMMUCTL_HOST_HOLDERS_H
#define IOMMUCTL_HOST_HOLDERS_H

#include "host/host.h"
#include "out/record.h"

/* One process and one node that it has open. Rendered as it is: holder_record. */
struct holder {
	struct num pid;
	const char *command;
	const char *node;   /* "/dev/vfio/12", "/dev/vfio/devices/vfio3"; NULL: a device got from its group */
	const char *device; /* that the open descriptor is for, where it is known */
	const char *unit;   /* systemd unit; NULL none, like those below */
	const char *container, *pod, *guest;
	const char *who; /* for sentences: "qemu-system-x86 (pid 4711, guest web1)"; not rendered */
};

extern const struct record_type holder_record;

struct holder_list {
	const struct holder *v;
	size_t n;
	int err; /* 0: all processes could be looked at; else why not all: -EACCES; -EOPNOTSUPP (another PID namespace hides
		    some); -ENOTCAPTURED, … */
};

/*
 * Who has the group's node or one of its devices' nodes open. *@ret is always set. A group without a device on a
 * VFIO driver and without a node has no holders: that is certain and costs nothing.
 */
void group_holders(struct host *h, const struct group *g, struct holder_list *ret);

/* The same for one device: its own node, and its group's. */
void device_holders(struct host *h, const struct device *d, struct holder_list *ret);

/*
 * Who has the block device @block open ("nvme0n1p2", "dm-3"), wherever it is; with NULL: who has another node open that the device's own driver
 * makes (/dev/dri/card1, /dev/input/event3). udev, which looks at what has just come, is nobody. -ENOTCAPTURED in err: the capture is older
 * than the question.
 */
void node_holders(struct host *h, struct device *d, const char *block, struct holder_list *ret);

/*
 * Whether the device is bound to a VFIO driver: by its name in its vfio-dev/ directory, or by the names of the drivers in
 * drivers/vfio of the kernel, which all contain "vfio-pci" or start with "vfio-".
 */
bool device_on_vfio(struct host *h, const struct device *d);

#endif
