/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that a command writes anew because the user has named them. */
#ifndef IOMMUCTL_CMD_OUTPUT_H
#define IOMMUCTL_CMD_OUTPUT_H

#include <stdio.h>

#include "base/ctx.h"

/*
 * Opens @file to be written anew. @input: what is read at the same time, or NULL; one file cannot be both, and is then left as it is (-EEXIST).
 * Negative errno, noted.
 */
int output_open(struct ctx *ctx, const char *file, const char *input, FILE **ret);

/* Closes it. Negative errno, noted: not all that was written is in it. */
int output_close(struct ctx *ctx, FILE *f, const char *file);

#endif
