/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Samples as records: tables, or JSON Lines. */
#ifndef IOMMUTOP_BATCH_H
#define IOMMUTOP_BATCH_H

#include "model.h"
#include "out/out.h"

/*
 * Writes one sample with the views in @views (1 << view_id): a row of @json, which was begun with sample_record; or, with @json NULL, a
 * few lines and tables to @f. 0 or negative errno, noted.
 */
int batch_sample(struct ctx *ctx, FILE *f, struct out *json, const struct out_options *opt, struct model *m, unsigned views);

#endif
