/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual functions of a physical one: made, given to a driver, taken away, as a transaction with a journal like every other move. The
 * kernel changes their number only from or to none, so another number takes all of them away first.
 */
#ifndef IOMMUCTL_ACT_VFS_H
#define IOMMUCTL_ACT_VFS_H

#include "act/move.h"

struct vf_change {
	const char *pf; /* on the PCI bus */
	unsigned n;	/* how many there shall be */
	bool bare;	/* made without drivers */
	const char *driver; /* that all of them go to, once they are there; NULL none. Means bare too */
	/* the result, also of vfs_look(): those that there are, by number */
	struct move *v;
	size_t n_v;
};

/* Reads which virtual functions there are. -ENOENT: it has none and cannot have any. */
int vfs_look(struct mover *m, struct vf_change *c);

/*
 * Makes it so, or puts everything back: number, drivers and overrides of those that were there, whether new ones get drivers. Whoever calls has
 * decided that those which there are may go. Noted. With c->bare, new ones get no driver afterwards either: a driver that is loaded later
 * would take them.
 */
enum move_result vfs_set(struct mover *m, struct vf_change *c);

/*
 * In two steps, since the driver that the physical function is on now may be another one than it was on, which makes none. vfs_take_away(): those that
 * there are go, unless they are @n. vfs_put_back(): the number of them and whether new ones get drivers, as they were; they come back without
 * drivers. The same errors as move_put_back() in move-internal.h, noted.
 */
int vfs_take_away(struct mover *m, const char *pf, unsigned n, pid_t *ret_pid);
int vfs_put_back(struct mover *m, const char *pf, unsigned n, enum tri autoprobe, pid_t *ret_pid);

#endif
