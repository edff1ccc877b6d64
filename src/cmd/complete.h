/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hidden noun that the completion scripts call:
 *
 *	iommuctl __complete -- WORD… WORD-UNDER-THE-CURSOR
 *
 * prints one candidate a line, VALUE TAB DESCRIPTION. The line ":files" tells the shell to offer file names too, ":commands" the names of
 * programs, and ":nospace" to add no blank, since a comma may follow. So all that there is to know about the command line is in the rows, and
 * the scripts only know their shell. Silent on errors.
 */
#ifndef IOMMUCTL_CMD_COMPLETE_H
#define IOMMUCTL_CMD_COMPLETE_H

#include "cmd/cmd.h"
#include "cmd/machine.h"

extern const struct noun noun_complete;

/* One candidate, with its help or NULL; @word NULL: names of files would do as well; ":commands" and ":nospace" as above. */
typedef void (*complete_sink)(void *arg, const char *word, const char *help);

/*
 * Candidates for the last of @argc words. @m: of a shell, whose machine and objects are at hand; NULL: the words name it.
 * Notes in @ctx are dropped.
 */
void complete_words(struct ctx *ctx, struct machine *m, int argc, char *const *argv, complete_sink sink, void *arg);

#endif
