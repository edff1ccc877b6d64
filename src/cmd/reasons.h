/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reasons of a judgement as text: each with its evidence and what mends it. */
#ifndef IOMMUCTL_CMD_REASONS_H
#define IOMMUCTL_CMD_REASONS_H

#include "out/out.h"

/* @reasons: of struct reason. Nothing under -j, where the record says the same. */
void print_reasons(struct out *out, struct arena *arena, struct rows reasons);

#endif
