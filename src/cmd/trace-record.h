/* SPDX-License-Identifier: GPL-2.0-or-later */
/* trace record: what trace.c lists. */
#ifndef IOMMUCTL_CMD_TRACE_RECORD_H
#define IOMMUCTL_CMD_TRACE_RECORD_H

#include "cmd/cmd.h"

extern const struct record_type trace_record_record;
extern const struct option_row trace_record_options[];
extern const struct arg_row trace_record_args[];
extern const char trace_record_text[];

/* trace record: an exit code. */
int trace_record_run(struct invocation *inv);

/* Whether an SMMUv2 may be there, so that iommu:io_page_fault must stay off. */
bool has_smmuv2(struct source *src, struct ctx *ctx);

#endif
