/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What move.c and restore.c share. */
#ifndef IOMMUCTL_ACT_MOVE_INTERNAL_H
#define IOMMUCTL_ACT_MOVE_INTERNAL_H

#include "act/move.h"
#include "host/host.h"

/*
 * From here on the machine is not as before when memory runs out: exit 4, and what to do; also behind the act, while it is told. acting_undone(): all
 * is as before again.
 */
void acting_begins(void);
void acting_undone(void);

/* Notes what is wrong with the device; @why NULL: the errno's text. Returns @err as a negative errno. */
int move_failed(struct mover *m, const char *code, int err, const char *why, const char *hint, const struct move *v);

/* The driver that the device has now, in the arena; NULL none. -ENODEV: no such device. */
int move_driver(struct mover *m, const char *bus, const char *device, const char **ret);

/*
 * Puts a device back to what @was says. @h: the machine as it is, for who holds what; read anew by the caller. 0 done;
 * -EINPROGRESS, -EBUSY (held), -ESTALE (somebody else moved it on), -ENODEV (it is gone), or the kernel's; noted
 * but for -ENODEV. @ret_pid is of the unbind that hangs.
 */
int move_put_back(struct mover *m, struct host *h, const struct move *was, pid_t *ret_pid);

/* What keeps an unbind, or a bind to a native one, from being tried: who has it open. NULL nobody seen. */
const char *move_held_by(struct host *h, const char *bus, const char *device, bool whole_group);

/* Takes the device off @driver within the time. Noted. */
int move_unbind(struct mover *m, const struct move *v, const char *driver, pid_t *ret_pid);

/* The entry's pid_start for a process: field 22 of /proc/PID/stat. */
struct num move_pid_start(struct mover *m, pid_t pid);

/* -EINPROGRESS, noted: its unbind still hangs, in the process that the entry names. */
int move_check_pending(struct mover *m, const struct journal_entry *e, const struct move *v);

/*
 * Around what is written to a device. One without a driver may be one that somebody else is taking off its driver, which hangs, and then every
 * write to it would: with @bare they are written as an unbind is. move_hangs(): @err, where it is -EINPROGRESS noted, with the process in *@ret_pid.
 */
void move_guard(struct mover *m, bool bare);
int move_hangs(struct mover *m, const struct move *v, int err, pid_t *ret_pid);

/* Puts the device down as pending. */
void move_write_pending(struct mover *m, const struct move *v, pid_t pid);

#endif
