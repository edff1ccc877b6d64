// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Nodes that come with a VFIO driver. The kernel makes them before `bind` returns; where udev runs they are ready for
 * use, with their owner and mode, only when it has seen them.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "backend/kernel.h"

#define SLICE_MS 100

/* Both subsystems have a handful of devices; everything else is filtered in the kernel. */
static int add_filters(struct udev_monitor *m)
{
	int r = udev_monitor_filter_add_match_subsystem_devtype(m, "vfio", NULL);

	return r < 0 ? r : udev_monitor_filter_add_match_subsystem_devtype(m, "vfio-dev", NULL);
}

static void take_events(struct kernel_backend *k)
{
	struct udev_device *d;

	while ((d = udev_monitor_receive_device(k->monitor))) {
		const char *node = udev_device_get_devnode(d), *action = udev_device_get_action(d);

		if (node && strstarts(node, "/dev/") && streq(action, "add"))
			*vec_push(&k->seen) = must_strdup(node + strlen("/dev/"));
		udev_device_unref(d);
	}
}

static void forget_seen(struct kernel_backend *k)
{
	for (size_t i = 0; i < k->seen.n; i++)
		free(k->seen.v[i]);
	k->seen.n = 0;
}

int kernel_watch_nodes(struct backend *b)
{
	struct kernel_backend *k = (struct kernel_backend *)b;
	int r;

	if (k->monitor) {
		/* a number is used again: its event of an earlier move says nothing about this one */
		take_events(k);
		forget_seen(k);
		return 0;
	}
	k->udevd = access("/run/udev/control", F_OK) == 0;
	k->udev = udev_new();
	if (!k->udev)
		return -ENOMEM;
	k->monitor = udev_monitor_new_from_netlink(k->udev, k->udevd ? "udev" : "kernel");
	if (!k->monitor)
		return -ENOMEM;
	r = add_filters(k->monitor);
	return r < 0 ? r : udev_monitor_enable_receiving(k->monitor);
}

static bool was_seen(const struct kernel_backend *k, const char *node)
{
	for (size_t i = 0; i < k->seen.n; i++)
		if (streq(k->seen.v[i], node))
			return true;
	return false;
}

int kernel_wait_node(struct backend *b, const char *node, int timeout_ms)
{
	struct kernel_backend *k = (struct kernel_backend *)b;
	int64_t deadline = kernel_now_ms() + timeout_ms;
	char path[256];

	if (!k->monitor)
		return -EINVAL;
	if (snprintf(path, sizeof(path), "/dev/%s", node) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	for (;;) {
		struct pollfd p = { .fd = udev_monitor_get_fd(k->monitor), .events = POLLIN };
		int left = kernel_ms_left(deadline);

		take_events(k);
		if (access(path, F_OK) == 0 && (!k->udevd || was_seen(k, node)))
			return 0;
		if (k->backend.interrupted && *k->backend.interrupted)
			return -EINTR;
		if (!left)
			return access(path, F_OK) == 0 ? -ETIMEDOUT : -ENOENT;
		poll(&p, 1, MIN(left, SLICE_MS));
	}
}

void kernel_close_nodes(struct kernel_backend *k)
{
	forget_seen(k);
	vec_free(&k->seen);
	if (k->monitor)
		udev_monitor_unref(k->monitor);
	if (k->udev)
		udev_unref(k->udev);
}
