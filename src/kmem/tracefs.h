/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tracing instance and a group of kprobes that are ours alone (Documentation/trace/ftrace.rst, kprobetrace.rst), so that
 * nobody else's tracing is disturbed. Both have one name, which tells who made them: "iommuctl_WHAT_PID_START". What
 * a run that was killed has left behind is taken away by the next one.
 */
#ifndef IOMMUCTL_KMEM_TRACEFS_H
#define IOMMUCTL_KMEM_TRACEFS_H

#include <sys/types.h>

#include "base/ctx.h"

/* Ours, where other programs have to tell them from theirs. */
#define TRACEFS_PREFIX "iommuctl_"

struct tracefs {
	const char *root; /* where tracefs is mounted; static */
	const char *doing; /* "watching the groups' owners": the what of errors */
	char name[64];	  /* of the instance, and of the group of kprobes */
	bool instance;	  /* it was made */
	int pipe;	  /* trace_pipe, not blocking; -1 not open */
};

/*
 * Finds tracefs, takes away what dead runs left, and fixes the name; makes nothing yet. @what is one word, @doing is kept.
 * -EOPNOTSUPP: not mounted, or without kprobe events; -EACCES, -EPERM; all noted.
 */
int tracefs_open(struct ctx *ctx, const char *what, const char *doing, struct tracefs *ret);

/* The instance with its trace_pipe open, on the monotonic clock. Noted. */
int tracefs_make_instance(struct ctx *ctx, struct tracefs *t);

/*
 * A probe on the entry of @function ('p') or its return ('r'), in our group; @args in the language of kprobe_events. -ENOENT, in most kernels: there is no
 * such function; -EPERM: the kernel is locked down. Not noted.
 */
int tracefs_add_probe(const struct tracefs *t, char kind, const char *event, const char *function, const char *args);

/* Writes to a file below our instance. Negative errno, not noted. */
int tracefs_write_own(const struct tracefs *t, const char *text, const char *fmt, ...) _printf_(3, 4);

/* All our probes on or off. */
int tracefs_enable_probes(const struct tracefs *t, bool on);

/* Whether tracefs has this file. */
bool tracefs_has(const struct tracefs *t, const char *fmt, ...) _printf_(2, 3);

/* Events that our instance lost because nobody read them in time, all processors together. */
uint64_t tracefs_lost(const struct tracefs *t);

/* Takes everything away: instance and probes. May be called at any time after tracefs_open(), also twice. */
void tracefs_close(struct tracefs *t);

/* Notes why something of it cannot be done, and returns -err. */
int tracefs_cannot(struct ctx *ctx, const char *code, const struct tracefs *t, int err, const char *why, const char *hint);

#endif
