/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --persist, and what the service does at boot. */
#ifndef IOMMUCTL_CMD_PERSIST_H
#define IOMMUCTL_CMD_PERSIST_H

#include "cmd/bind-plan.h"

/*
 * With --persist, whether what the plan binds may be bound at boot too: it is a PCI device whose place is known, and nobody else claims it.
 * An exit code, noted; --force turns a claim into a warning.
 */
int persist_check(struct bind_plan *p);

/* Carries the plan out, and with --persist writes the files, or takes them away (unbind); not on a model. An exit code. */
int persist_moves(struct bind_plan *p);

/* Takes away the file about the device; nothing with a dry run or on a model. 1: there was (there: is) one; 0: none; else noted. */
int persist_drop(struct invocation *inv, struct host *h, const char *bus, const char *device);

#endif
