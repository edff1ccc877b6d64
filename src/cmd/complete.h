/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hidden noun that the completion scripts call:
 *
 *	iommuctl __complete -- WORD… WORD-UNDER-THE-CURSOR
 *
 * prints one candidate a line, VALUE TAB DESCRIPTION. The line ":files" tells the shell to offer file
 * names too. So all that there is to know about the command line is in the rows, and the scripts only
 * know their shell. Silent on errors.
 */
#ifndef IOMMUCTL_CMD_COMPLETE_H
#define IOMMUCTL_CMD_COMPLETE_H

#include "cmd/cmd.h"

extern const struct noun noun_complete;

#endif
