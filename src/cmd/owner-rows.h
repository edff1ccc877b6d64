/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows that several commands of the noun owner print. */
#ifndef IOMMUCTL_CMD_OWNER_ROWS_H
#define IOMMUCTL_CMD_OWNER_ROWS_H

#include "cmd/cmd.h"
#include "kmem/ownership.h"

struct owner_domain_row {
	const char *type, *ops, *driver, *cookie;
	struct num page_sizes, start, end;
	int forced; /* enum tri */
};

struct owner_process_row {
	struct num pid, fd;
	const char *command, *what, *device;
};

extern const struct record_type owner_domain_record;
extern const struct record_type owner_process_record;

/* NULL for NULL. */
struct owner_domain_row *owner_domain_row(struct arena *a, const struct owned_domain *d);
struct rows owner_process_rows(struct arena *a, const struct owner_process *v, size_t n);

/* What keeps us from reading the kernel's memory, as notes about @what. */
void owner_note_obstacles(struct ctx *ctx, const struct obstacle *v, size_t n, enum note_level level, const char *what);

extern const char owner_objects_text[];
extern const struct option_row owner_objects_options[];
extern const struct record_type owner_objects_record;
int owner_objects_run(struct invocation *inv);

#endif
