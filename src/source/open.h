/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kinds of source, one by one; source_open() chooses between them. */
#ifndef IOMMUCTL_SOURCE_OPEN_H
#define IOMMUCTL_SOURCE_OPEN_H

#include "source/source.h"

/* @dir is a directory. Errors are noted. */
int source_open_tree(struct ctx *ctx, const char *dir, struct source **ret);

#endif
