/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Help from the rows. */
#ifndef IOMMUCTL_CMD_HELP_H
#define IOMMUCTL_CMD_HELP_H

#include "cmd/cmd.h"

/* Of the program (@n NULL), of a noun (@c NULL), of a command. */
void help_print(struct out *o, const struct noun *n, const struct command *c);

/* What "as NAME" is, behind the arguments of a command with COMMAND_CREATES. */
extern const char help_as_name[];

extern const struct noun noun_help;

#endif
