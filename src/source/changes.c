// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/changes.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libudev.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>

#include "base/str.h"
#include "source/kmsg.h"

struct changes {
	struct udev *udev;
	struct udev_monitor *monitor;
	int inotify, log, log_err;
	int w_vfio, w_devices; /* watches of the two directories, -1 none */
	uint64_t next_seq;
	bool has_seq;
};

/* Enough for some thousand functions that come at once: a burst beyond it is told by ENOBUFS. */
#define MONITOR_BUFFER (16 << 20)

#define VFIO_DIR "/dev/vfio"
#define VFIO_DEVICES_DIR "/dev/vfio/devices"

static void open_monitor(struct changes *c)
{
	c->udev = udev_new();
	if (!c->udev)
		return;
	/* the kernel's events, not udevd's: there are machines without it, and nothing here needs its rules */
	c->monitor = udev_monitor_new_from_netlink(c->udev, "kernel");
	if (!c->monitor)
		return;
	if (udev_monitor_set_receive_buffer_size(c->monitor, MONITOR_BUFFER) < 0)
		udev_monitor_set_receive_buffer_size(c->monitor, 1 << 20);
	if (udev_monitor_enable_receiving(c->monitor) >= 0)
		return;
	udev_monitor_unref(c->monitor);
	c->monitor = NULL;
}

/* The directories come with the first VFIO driver. */
static void watch_nodes(struct changes *c)
{
	const uint32_t mask = IN_OPEN | IN_CLOSE | IN_CREATE | IN_DELETE;

	if (c->inotify < 0)
		return;
	if (c->w_vfio < 0)
		c->w_vfio = inotify_add_watch(c->inotify, VFIO_DIR, mask | IN_ONLYDIR);
	if (c->w_devices < 0)
		c->w_devices = inotify_add_watch(c->inotify, VFIO_DEVICES_DIR, mask | IN_ONLYDIR);
}

struct changes *changes_open(void)
{
	struct changes *c = must_calloc(1, sizeof(*c));

	c->w_vfio = c->w_devices = -1;
	open_monitor(c);
	c->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	watch_nodes(c);
	if (c->inotify >= 0)
		inotify_add_watch(c->inotify, "/dev/iommu", IN_OPEN | IN_CLOSE);
	c->log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	c->log_err = c->log < 0 ? -errno : 0;
	return c;
}

void changes_close(struct changes *c)
{
	if (!c)
		return;
	udev_monitor_unref(c->monitor);
	udev_unref(c->udev);
	if (c->inotify >= 0)
		close(c->inotify);
	if (c->log >= 0)
		close(c->log);
	free(c);
}

static unsigned kind_of(struct udev_device *d)
{
	static const char *const devices[] = { "pci", "iommu", "vfio", "vfio-dev", "platform", "fsl-mc" };
	const char *subsystem = udev_device_get_subsystem(d), *action = udev_device_get_action(d);

	if (streq(subsystem, "module"))
		return CHANGED_MODULES | CHANGED_DEVICES;
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (streq(subsystem, devices[i]))
			return CHANGED_DEVICES;
	return streq(action, "bind") || streq(action, "unbind") ? CHANGED_DEVICES : 0;
}

static unsigned take_events(struct changes *c)
{
	unsigned all = 0;

	while (c->monitor) {
		struct udev_device *d;

		errno = 0;
		d = udev_monitor_receive_device(c->monitor);
		if (!d)
			return errno == ENOBUFS ? CHANGED_DEVICES | CHANGED_MODULES : all;
		all |= kind_of(d);
		udev_device_unref(d);
	}
	return all;
}

static unsigned take_opens(struct changes *c)
{
	_Alignas(struct inotify_event) char buf[4096];
	unsigned all = 0;

	for (;;) {
		ssize_t n = c->inotify < 0 ? -1 : read(c->inotify, buf, sizeof(buf));

		if (n <= 0)
			return all;
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e = (const void *)(buf + at);

			/* who lists the directory has opened no node */
			if (!(e->mask & IN_ISDIR))
				all = CHANGED_HOLDERS;
			if (e->mask & IN_IGNORED && e->wd == c->w_vfio)
				c->w_vfio = -1;
			if (e->mask & IN_IGNORED && e->wd == c->w_devices)
				c->w_devices = -1;
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	}
}

unsigned changes_take(struct changes *c)
{
	unsigned all = take_events(c) | take_opens(c);

	if (all)
		watch_nodes(c);
	return all;
}

/* "6,339,5140900,-;text\n KEY=value\n" (Documentation/ABI/testing/dev-kmsg) */
static bool format_record(struct changes *c, char *rec, char *buf, size_t cap, uint64_t *lost)
{
	char *text = strchr(rec, ';');
	unsigned long long seq, usec;
	unsigned priority;

	if (!text || sscanf(rec, "%u,%llu,%llu", &priority, &seq, &usec) != 3)
		return false;
	text++;
	if (c->has_seq && seq > c->next_seq)
		*lost += seq - c->next_seq;
	c->has_seq = true;
	c->next_seq = seq + 1;
	snprintf(buf, cap, "[%5llu.%06llu] %.*s", usec / 1000000, usec % 1000000, (int)kmsg_plain(text, strcspn(text, "\n")), text);
	return true;
}

bool changes_log_wait(struct changes *c, int ms)
{
	struct pollfd p = { .fd = c->log, .events = POLLIN };

	return c->log >= 0 && poll(&p, 1, ms) > 0;
}

int changes_log_line(struct changes *c, char *buf, size_t cap, uint64_t *lost)
{
	char rec[8192 + 1];

	if (c->log < 0)
		return c->log_err;
	for (;;) {
		ssize_t n = read(c->log, rec, sizeof(rec) - 1);

		/* EPIPE: overwritten before we came; the next read goes on behind the gap */
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (n < 0 && errno != EAGAIN)
			return -errno;
		if (n <= 0)
			return 0;
		rec[n] = '\0';
		if (format_record(c, rec, buf, cap, lost))
			return 1;
	}
}
