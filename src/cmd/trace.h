/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs of trace, one file each. */
#ifndef IOMMUCTL_CMD_TRACE_H
#define IOMMUCTL_CMD_TRACE_H

#include "cmd/cmd.h"

extern const struct record_type trace_stat_record;
extern const char trace_stat_text[];
extern const struct option_row trace_stat_options[];
int trace_stat_run(struct invocation *inv);

#endif
