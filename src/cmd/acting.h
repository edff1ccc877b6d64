/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all commands have in common that change a machine. */
#ifndef IOMMUCTL_CMD_ACTING_H
#define IOMMUCTL_CMD_ACTING_H

#include "act/move.h"
#include "cmd/cmd.h"

/* The machine's backend, the journal (locked) and the mover on top of them. Start from {0}. */
struct acting {
	struct mover mover;
	struct backend *be;
	struct journal *j;
};

/*
 * Opens all three, and from here on a signal that ends a program is taken as a wish to end. The lock is taken before any
 * fact is read: what is decided on must not change under the decision. An exit code.
 */
int acting_open(struct invocation *inv, struct acting *ret);
void acting_close(struct acting *a);

/* The same without journal, lock and signals: to look only. */
int acting_look(struct invocation *inv, struct acting *ret);

/*
 * The object of this batch, shell or session that has the device open; NULL none. With *@ret_stays nobody closes it meanwhile: a batch does
 * one thing after the other, a session has other clients. @inv is a struct invocation.
 */
const char *acting_own_object(void *inv, const char *bus, const char *device, bool *ret_stays);

/* The exit code for what a transaction came to. */
enum exit_code exit_from_moves(enum move_result r);

/* One row a device: the record of bind, unbind and restore. */
int acting_rows(struct invocation *inv, const struct move *v, size_t n);

struct move_row {
	const char *device, *bus, *driver_before, *driver, *override_before;
	const char *state;
	int changed;
	struct num group;
	const char *node, *cdev;
};

extern const struct field move_fields[];
#define N_MOVE_FIELDS 10

#define MOVE_RECORD(rname) \
	{ .name = (rname), .version = 1, .size = sizeof(struct move_row), .fields = move_fields, .n = N_MOVE_FIELDS }

#endif
