/* SPDX-License-Identifier: GPL-2.0-or-later */
/* group explain, tree and set-type, for the rows in group.c. */
#ifndef IOMMUCTL_CMD_GROUP_H
#define IOMMUCTL_CMD_GROUP_H

#include "cmd/cmd.h"
#include "diag/explain.h"

extern const char group_explain_text[];
extern const struct arg_row group_explain_args[]; /* its record is explain_record */

/* An exit code, as the other two. */
int group_explain_run(struct invocation *inv);

extern const char group_tree_text[];
extern const struct option_row group_tree_options[];
extern const struct record_type group_tree_record;

int group_tree_run(struct invocation *inv);

extern const char group_set_type_text[];
extern const struct arg_row group_set_type_args[];
extern const struct option_row group_set_type_options[];
extern const struct record_type group_set_type_record;

int group_set_type_run(struct invocation *inv);

#endif
