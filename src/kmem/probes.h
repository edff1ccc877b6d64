/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watching the functions that take and give back the ownership of groups (drivers/iommu/iommu.c): kprobes in a tracefs
 * instance of our own, so that nobody else's tracing is touched (Documentation/trace/kprobetrace.rst). And reading what they
 * wrote, here or elsewhere.
 */
#ifndef IOMMUCTL_KMEM_PROBES_H
#define IOMMUCTL_KMEM_PROBES_H

#include <sys/types.h>

#include "base/ctx.h"
#include "base/vec.h"

enum probe_call {
	CALL_USE,	    /* iommu_device_use_default_domain(): a driver of the DMA API is about to probe */
	CALL_UNUSE,	    /* iommu_device_unuse_default_domain() */
	CALL_CLAIM,	    /* iommu_device_claim_dma_owner(): iommufd binds a device */
	CALL_RELEASE,	    /* iommu_device_release_dma_owner() */
	CALL_GROUP_CLAIM,   /* iommu_group_claim_dma_owner(): a VFIO container takes a group */
	CALL_GROUP_RELEASE, /* iommu_group_release_dma_owner() */
	CALL_MAX
};

/* "use", "group-claim" … */
const char *probe_call_word(enum probe_call c);

/* Takes (use, claim) have an outcome; the others cannot fail. */
bool probe_call_takes(enum probe_call c);

struct probe_event {
	enum probe_call call;
	const char *time; /* seconds of the monotonic clock, as the kernel printed them */
	const char *task;
	int64_t pid;
	struct num group;      /* unknown: the device has none */
	struct num count;      /* owner_cnt before the call */
	const char *device;    /* NULL: the call is about a group */
	const char *driver;    /* that the device is bound to, or about to be; NULL none */
	bool returned;
	int ret;	       /* 0 or negative errno, if returned */
	VEC(const char *) stack; /* functions, the caller first */
	size_t before;	         /* a call of the same task and function that has not come back either: place plus one, 0 none */
};

struct probe_log {
	struct arena arena;
	VEC(struct probe_event) v;
	size_t lost;  /* events that the kernel or we had to drop: the ledger has holes */
	size_t other; /* lines that are no event of ours */

	size_t stack_of; /* event that stack lines belong to, SIZE_MAX none */
	void *tasks;	 /* tree of what each has called last */
	char line[4096]; /* the line that is not complete yet */
	char head[4096]; /* a line's, taken to pieces */
	size_t line_len;
};

/* Text of a trace, in pieces of any size; a line longer than 4 KiB is cut. The last line needs its newline. */
void probe_log_text(struct probe_log *log, const char *text, size_t n);

/* A recorded trace. -errno of reading; lines that are not ours are counted. */
int probe_log_read(struct probe_log *log, int fd);

void probe_log_free(struct probe_log *log);

struct probes;

/*
 * Starts watching. What earlier runs that were killed have left behind is taken away first. Errors are noted with what stands in the way:
 * -EOPNOTSUPP, -EACCES or -EPERM, or another. Signals that end the program must not kill it between this and probes_stop().
 */
int probes_start(struct ctx *ctx, struct probes **ret);

/* Readable when there is something. */
int probes_fd(const struct probes *p);

/* Takes in what is there, without waiting; raw text also goes to @save_fd unless that is -1. 0, or negative errno. */
int probes_read(struct probes *p, struct probe_log *log, int save_fd);

/* No more events; what was seen before can still be read. */
void probes_pause(struct probes *p);

/* Takes everything away again. NULL is fine. */
void probes_stop(struct probes *p);
DEFINE_CLEANUP(struct probes, probes_stop);

#endif
