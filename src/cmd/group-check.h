/* SPDX-License-Identifier: GPL-2.0-or-later */
/* group check, for the rows in group.c. */
#ifndef IOMMUCTL_CMD_GROUP_CHECK_H
#define IOMMUCTL_CMD_GROUP_CHECK_H

#include "cmd/cmd.h"

extern const char group_check_text[];
extern const struct arg_row group_check_args[];
extern const struct option_row group_check_options[];
extern const struct record_type group_check_record;

/* group check: an exit code. */
int group_check_run(struct invocation *inv);

#endif
