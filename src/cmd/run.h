/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a parsed command line to its answer: for the program, and for each line of a batch. */
#ifndef IOMMUCTL_CMD_RUN_H
#define IOMMUCTL_CMD_RUN_H

#include "cmd/args.h"
#include "cmd/machine.h"

/*
 * Runs what args_parse() said (@parse_err), on @m, or, where that is NULL, on the machine that the command line names. Writes the
 * output; notes are left in @ctx. An exit code.
 */
int command_run(struct ctx *ctx, const struct arguments *a, int parse_err, struct machine *m);

/* What is left in @ctx, on stderr; @at: where it happened ("setup.iommu:3"), NULL none. */
void print_notes(const struct ctx *ctx, const struct arguments *a, const char *at);

#endif
