/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Error messages of programs that use VFIO, and of the kernel, as people paste them: what each means and where to go on. */
#ifndef IOMMUCTL_DIAG_MESSAGES_H
#define IOMMUCTL_DIAG_MESSAGES_H

#include "diag/finding.h"

/* The longest text that is looked at; the rest is left out. */
#define MESSAGES_TEXT_MAX (1 << 20)

/*
 * The messages in @text that are known, each meaning once, in the order of the text: value is the line, the text what it
 * means, the remedies what to run. Empty when none is known. Rows are in the arena.
 */
struct rows messages_explain(struct arena *arena, const char *text);

#endif
