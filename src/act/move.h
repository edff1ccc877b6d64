/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moving devices from driver to driver as a transaction: all of them, or none. Whoever calls has decided that
 * it is right; here it is done, verified, written down, and taken back when it goes wrong.
 */
#ifndef IOMMUCTL_ACT_MOVE_H
#define IOMMUCTL_ACT_MOVE_H

#include "act/journal.h"
#include "backend/backend.h"
#include "source/source.h"

enum move_state {
	MOVE_PLANNED,
	MOVE_UNCHANGED,	 /* was there already */
	MOVE_DONE,
	MOVE_UNDONE,	 /* taken back */
	MOVE_PENDING,	 /* its unbind hangs in the kernel */
	MOVE_DIFFERS,	 /* neither where it was nor where it should be */
	MOVE_GONE,	 /* the device is no longer there */
	MOVE_REFUSED,	 /* not touched */
};

struct move {
	const char *bus, *device;
	/* as it is: driver and override NULL none; module of the driver, NULL built in or unknown */
	const char *driver, *module, *override;
	bool has_override; /* this bus has driver_override */
	const char *to;	   /* NULL: off its driver, and no further */
	struct num group;
	bool astray;	   /* a move of it was cut short: it may be anywhere on the way */
	/* the result */
	enum move_state state;
	const char *left; /* driver that it was left on where that is neither; NULL none */
	const char *node, *cdev; /* "/dev/vfio/12", "/dev/vfio/devices/vfio3"; NULL none */
};

struct mover {
	struct ctx *ctx; /* notes, and the arena of all strings */
	struct source *src;
	struct backend *be;
	struct journal *j;
	int timeout_ms; /* for each unbind, and for the nodes */
	bool wait;	/* --wait: a held device's unbind is written all the same */
	bool force;
	/*
	 * The object of this process, or of its session, that has the device open; NULL none. With *@ret_stays nobody closes it while we
	 * wait. May be NULL.
	 */
	const char *(*own)(void *arg, const char *bus, const char *device, bool *ret_stays);
	void *own_arg;
};

enum move_result {
	MOVES_DONE,
	MOVES_FAILED,	   /* everything is as before */
	MOVES_DENIED,	   /* the same, for want of permission */
	MOVES_DIFFER,	   /* it is not */
	MOVES_INTERRUPTED, /* everything is as before */
};

/* Reads what a device is: driver, module, override. -ENODEV: it is not there. */
int move_look(struct mover *m, const char *bus, const char *device, struct move *ret);

/* Moves all devices of @v in order, or takes it all back in reverse. What went wrong is noted. */
enum move_result move_all(struct mover *m, struct move *v, size_t n);

/*
 * Puts the devices of these journal entries back as they were, each on its own: one that cannot be does not keep others from it.
 * Entries of devices that are back, or gone, leave the journal. @v[i] are filled in.
 */
enum move_result move_restore(struct mover *m, const struct journal_entry *entries, size_t n, struct move *v);

/* Whether that could be done, by all that can be seen before; changes nothing. MOVES_DONE or MOVES_FAILED, what stands in the way noted. */
enum move_result move_restore_check(struct mover *m, const struct journal_entry *entries, size_t n, struct move *v);

#endif
