/* SPDX-License-Identifier: GPL-2.0-or-later */
/* owner trace; a row of the noun owner. */
#ifndef IOMMUCTL_CMD_OWNER_TRACE_H
#define IOMMUCTL_CMD_OWNER_TRACE_H

#include "cmd/cmd.h"

extern const struct record_type owner_trace_record;
extern const struct arg_row owner_trace_args[];
extern const struct option_row owner_trace_options[];
extern const char owner_trace_text[];

/* owner trace: an exit code. */
int owner_trace_run(struct invocation *inv);

#endif
