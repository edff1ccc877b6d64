/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which functions of the kernel fail, in which order, under a command: return probes that report negative results alone, in two tracing
 * instances of our own that follows our process and its children (set_event_pid, event-fork; Documentation/trace/events.rst).
 */
#ifndef IOMMUCTL_KMEM_FAILURES_H
#define IOMMUCTL_KMEM_FAILURES_H

#include <sys/types.h>

#include "base/ctx.h"
#include "base/vec.h"

/* What is reported when a function is entered. */
enum watched_args {
	WATCH_NOTHING,
	WATCH_ENTRY,	    /* that it was */
	WATCH_IOCTL,	    /* its number: (struct file *, unsigned int, unsigned long) */
	WATCH_DEVICE_IOCTL, /* the same, of a VFIO device's file */
	WATCH_DEVICE,	    /* the struct device that is its first argument */
	WATCH_DEVICE_2,	    /* its second */
	WATCH_GROUP,	    /* the struct iommu_group that is its first argument */
};

struct watched_function {
	const char *name;
	const char *subsystem; /* "vfio", "iommufd", "iommu", "msi", "driver" */
	enum watched_args args;
	bool outer;   /* where a call from user space comes in: what fails below it is its doing */
	bool pointer; /* returns one, or an errno as one (ERR_PTR()) */
};

struct failure_event {
	size_t function; /* in the list that was given */
	bool entry;
	int ret; /* negative, if not an entry */
	int64_t pid; /* thread */
	const char *task;
	uint32_t cmd;
	const char *device;
	struct num group;
	struct num iova, length; /* of a mapping that is asked for */
};

struct failure_log {
	const struct watched_function *functions;
	size_t n;
	struct arena arena;
	VEC(struct failure_event) v;
	size_t lost, other; /* times that events were overwritten, of calls that failed or not, or dropped; lines that are none of ours */
	char line[4096];
	size_t line_len;
};

/* Text of a trace in pieces of any size. */
void failure_log_text(struct failure_log *log, const char *text, size_t n);
void failure_log_free(struct failure_log *log);

struct failure_probes;

/*
 * Sets probes on those of @v that this kernel has; *@ret_n: how many. @pid 0: this process and its children to come; else that process's
 * threads and their children. -EOPNOTSUPP, -EACCES or -EPERM with what stands in the way, noted.
 */
int failure_probes_start(struct ctx *ctx, const struct watched_function *v, size_t n, pid_t pid, struct failure_probes **ret, size_t *ret_n);

/* Readable when a call has failed, anybody's. */
int failure_probes_fd(const struct failure_probes *p);

/* If a call has failed: takes in what is there, without waiting. 0 or negative errno. */
int failure_probes_read(struct failure_probes *p, struct failure_log *log);

/* The same at the end, when nothing of what is watched runs any more. */
int failure_probes_read_rest(struct failure_probes *p, struct failure_log *log);

/* Calls of the threads in @log that failed so far, seen whole or not: what led to them may have been overwritten before it was read. */
size_t failure_probes_rung(const struct failure_probes *p, const struct failure_log *log);

/* Takes everything away again. NULL is fine. */
void failure_probes_stop(struct failure_probes *p);
DEFINE_CLEANUP(struct failure_probes, failure_probes_stop);

#endif
