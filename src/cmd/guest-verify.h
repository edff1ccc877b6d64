/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan --verify: what the kernel says to each device on each second-stage page table. */
#ifndef IOMMUCTL_CMD_GUEST_VERIFY_H
#define IOMMUCTL_CMD_GUEST_VERIFY_H

#include "cmd/cmd.h"
#include "host/host.h"

/* One attempt. Rendered as it is: guest_try_record. */
struct guest_try {
	const char *device, *table;
	const char *result; /* "0", or the errno's name */
	int made;	    /* enum tri: the table was made for this device */
};

extern const struct record_type guest_try_record;

/*
 * Opens the devices, attaches each to every table that there is by then, and makes one where none is taken; gives everything back.
 * *@ret: rows of struct guest_try, in the arena. An exit code, noted.
 */
int guest_verify(struct invocation *inv, struct device *const *v, size_t n, struct rows *ret);

#endif
