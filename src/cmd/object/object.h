/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the noun object share. */
#ifndef IOMMUCTL_CMD_OBJECT_H
#define IOMMUCTL_CMD_OBJECT_H

#include "cmd/cmd.h"

extern const char object_tree_text[];
extern const struct option_row object_tree_options[];
extern const struct record_type object_tree_record;

int object_tree_run(struct invocation *inv);

#endif
