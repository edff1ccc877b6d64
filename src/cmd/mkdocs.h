/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The generator of what is committed but not written by hand: manual pages and JSON schemas. */
#ifndef IOMMUCTL_CMD_MKDOCS_H
#define IOMMUCTL_CMD_MKDOCS_H

#include <stdio.h>

#include "cmd/cmd.h"

/* man/iommuctl.1: the template @part with its @WORD@ lines replaced. */
void mkman_program(FILE *f, FILE *part);

/* man/iommuctl-NOUN.1; @part holds sections written by hand, NULL none. */
void mkman_noun(FILE *f, const struct noun *n, FILE *part);

/* man/iommutop.1: the template @part likewise; @views are the records of its @n views. */
void mkman_top(FILE *f, FILE *part, const struct option_row *options, const struct record_type *const *views, size_t n);

#endif
