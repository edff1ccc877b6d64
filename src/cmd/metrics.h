/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the command metrics share. */
#ifndef IOMMUCTL_CMD_METRICS_H
#define IOMMUCTL_CMD_METRICS_H

#include "base/vec.h"
#include "cmd/cmd.h"
#include "diag/fault-totals.h"
#include "host/host.h"
#include "out/metrics.h"

/* One thing that was looked at, and what came in the way. */
struct collector {
	const char *name; /* static */
	int err;	  /* 0 or negative errno */
	const char *code, *reason; /* of the error */
};

struct scrape {
	struct invocation *inv;
	struct host *h;
	struct metrics m;
	VEC(struct collector) collectors;
	struct fault_totals faults; /* so far; counted on by each run */
	bool brief; /* sums only: nothing by group or device */
};

/* Remembers how @collector went; the first error stays. Strings are copied; @reason NULL: the errno's own words. */
void metrics_went(struct scrape *s, const char *collector, int err, const char *code, const char *reason);

/* metrics-facts.c: each adds its families. */
void metrics_units(struct scrape *s);
void metrics_interrupts(struct scrape *s);
void metrics_groups(struct scrape *s);
void metrics_devices(struct scrape *s);
void metrics_holders(struct scrape *s);
void metrics_owners(struct scrape *s);

/* What /proc/interrupts counts for IOMMUs; @len bytes of it. */
void metrics_take_interrupts(struct metrics *m, struct host *h, const char *text, size_t len);

/* metrics-file.c: the file that is written, which also keeps the fault totals, in a comment at its head. */
struct metrics_file {
	const char *path, *dir, *name;
	int dir_fd, lock_fd;
	bool plain; /* no regular file: written to as it is, and remembers nothing */
	char *state; /* of the fault totals, as it was found; NULL none */
	size_t state_len;
};

/*
 * Opens what is to be written to, and keeps others who write the same file out until metrics_file_close(). Negative errno, noted: -ELOOP, a symbolic
 * link, which is neither followed nor replaced; -EEXIST, a file that is not ours, without @force; -ETIMEDOUT, another one writes.
 */
int metrics_file_open(struct ctx *ctx, const char *path, bool force, int timeout_ms, struct metrics_file *ret);

/* Puts @text in its place, mode 0644: readers see the old file or the new one. @state, which may be NULL, goes into the comment. */
int metrics_file_write(struct ctx *ctx, struct metrics_file *f, const char *state, const struct strbuf *text);
void metrics_file_close(struct metrics_file *f);

#endif
