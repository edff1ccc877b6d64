/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two ways to a typed section: gathered from the running machine, or read as it was stored. */
#ifndef IOMMUCTL_SOURCE_SECTIONS_H
#define IOMMUCTL_SOURCE_SECTIONS_H

#include "source/source.h"

/* Asks the registered provider. -EOPNOTSUPP when this build has none. */
int section_gather(struct source *s, struct ctx *ctx, enum source_section which, struct json_object **ret);

/* Reads SNAPSHOT_DIR/FILE through the source. -ENOTCAPTURED; -EBADMSG, noted, when it is no JSON. */
int section_stored(struct source *s, struct ctx *ctx, enum source_section which, struct json_object **ret);

#endif
