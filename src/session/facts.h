/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts of the keeper's source, where that is not the running machine: what op_fact answers. */
#ifndef IOMMUCTL_SESSION_FACTS_H
#define IOMMUCTL_SESSION_FACTS_H

#include "backend/backend.h"
#include "source/source.h"

/* For struct workspace_facts; @arg is the source. */
int facts_answer(void *arg, struct op_fact *op, struct op_data *d);

/*
 * A source that asks the session behind @remote, which is borrowed. Its kind is that of a snapshot: it is not the running machine.
 */
int facts_open(struct backend *remote, struct source **ret);

#endif
