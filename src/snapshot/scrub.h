/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking out of text what identifies a person's machine and judges nothing: MAC and IP addresses, serial
 * numbers, passwords. UUIDs become pseudonyms, the same for the same one within a snapshot, since mounts,
 * command line and device-mapper names refer to each other by them.
 */
#ifndef IOMMUCTL_SNAPSHOT_SCRUB_H
#define IOMMUCTL_SNAPSHOT_SCRUB_H

#include "source/source.h"

/* A copy without them, in @a; *@len is that of @s, and then of the copy. */
char *scrub_text(struct arena *a, uint64_t salt, const char *s, size_t *len);

/* The same for a section's document, in place, by what its provider's header says is private. */
void scrub_section(enum source_section which, uint64_t salt, struct json_object *doc);

#endif
