/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines from a terminal, with editing and completion where libedit is there. */
#ifndef IOMMUCTL_CMD_PROMPT_H
#define IOMMUCTL_CMD_PROMPT_H

#include "cmd/interp.h"

/* Runs lines until the end of file; the last command's exit code. */
int prompt_run(struct interp *it);

#endif
