/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has changed on the running machine since one looked last, without looking at all of it again: the kernel's own events
 * about devices, drivers and modules (the uevent socket, through libudev), opens and closes of VFIO and iommufd nodes
 * (inotify), and new lines of the kernel log. Nothing waits.
 */
#ifndef IOMMUCTL_SOURCE_CHANGES_H
#define IOMMUCTL_SOURCE_CHANGES_H

#include "base/ctx.h"

enum changed {
	CHANGED_DEVICES = 1 << 0, /* devices, drivers: units, groups and what is in them */
	CHANGED_HOLDERS = 1 << 1, /* somebody opened or closed a node */
	CHANGED_MODULES = 1 << 2, /* modules came or went */
};

struct changes;

/*
 * Starts to watch. What cannot be watched never makes this fail: the caller looks for itself now and then. The kernel log is
 * handed over from its beginning.
 */
struct changes *changes_open(void);
void changes_close(struct changes *c);
DEFINE_CLEANUP(struct changes, changes_close);

/* enum changed of what happened since the last call; everything, when the kernel had to drop events. */
unsigned changes_take(struct changes *c);

/*
 * One line of the kernel log as dmesg(1) has it, "[   12.345678] text", that was not handed over yet; @cap of 8 KiB holds each.
 * 1; 0: nothing new; negative errno: it cannot be read (-EPERM, -EACCES: permission). Lines that were overwritten
 * before they were read are counted in *@lost.
 */
int changes_log_line(struct changes *c, char *buf, size_t cap, uint64_t *lost);

/* Waits for more of it, @ms at most. Whether there is. */
bool changes_log_wait(struct changes *c, int ms);

#endif
