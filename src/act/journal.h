/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What devices were before iommuctl moved them. One JSON file, written to a new file and renamed, so that there is always a whole
 * one; an entry is in it before the first write to its device, and leaves it when the device is back. Only root reads it.
 *
 *	{"schema":"iommuctl.bindings/1","boot_id":"…","devices":[{"bus":"pci","device":"0000:01:00.0","driver":"e1000e",
 *	 "module":"e1000e","has_override":true,"override":null,"to":"vfio-pci","state":"moved","pid":null,"pid_start":null,
 *	 "vfs":null,"vf_autoprobe":null,"pf":null}]}
 *
 * driver, module, override: what it had before, null none. to: where it was taken, null: off its driver. state: moving
 * (the command has not come to its end, or never will), moved, pending (an unbind hangs in process pid). vfs, vf_autoprobe: how
 * many virtual functions it had, and whether new ones got drivers; null: that was not changed. pf: it was taken away with the other virtual
 * functions of that one. The last three are not in files of older versions. What another boot wrote says nothing about this one.
 */
#ifndef IOMMUCTL_ACT_JOURNAL_H
#define IOMMUCTL_ACT_JOURNAL_H

#include <signal.h>

#include "base/ctx.h"

enum journal_state { JOURNAL_MOVING, JOURNAL_MOVED, JOURNAL_PENDING };

struct journal_entry {
	const char *bus, *device;
	const char *driver, *module, *override;
	bool has_override;
	const char *to;
	enum journal_state state;
	struct num pid, pid_start; /* pid_start: as in /proc/PID/stat, so that a pid used again is told apart */
	struct num vfs;
	enum tri vf_autoprobe;
	const char *pf;
};

struct journal {
	struct ctx *ctx; /* strings are in its arena */
	const char *boot_id;
	int dir, lock;
	VEC(struct journal_entry) v; /* in the order in which they were moved */
};

/* Where it is: /run/iommuctl, unless a test says otherwise. */
#define JOURNAL_DIR "/run/iommuctl"

/*
 * Opens the journal in @dir and keeps everybody else out of it until journal_close(). -ETIMEDOUT: another one
 * is at work; -EINTR; -EBADMSG: the file is not a journal; -EPROTONOSUPPORT: a newer one wrote it; -EACCES, -EROFS and so on.
 * All noted. The file of another boot counts as empty, with a warning when it names devices.
 */
int journal_open(struct ctx *ctx, const char *dir, const char *boot_id, int timeout_ms,
		 const volatile sig_atomic_t *interrupted, struct journal **ret);
void journal_close(struct journal *j);
DEFINE_CLEANUP(struct journal, journal_close);

/* NULL none. Valid until the next change. */
struct journal_entry *journal_find(struct journal *j, const char *bus, const char *device);

/* Adds an entry, or replaces the one of the same device. Strings are copied. */
void journal_put(struct journal *j, const struct journal_entry *e);
void journal_drop(struct journal *j, const char *bus, const char *device);

/* Writes it: after 0 it is what a reader finds. Noted. */
int journal_save(struct journal *j);

#endif
