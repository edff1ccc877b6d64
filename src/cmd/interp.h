/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs lines: the one interpreter of batch and shell. */
#ifndef IOMMUCTL_CMD_INTERP_H
#define IOMMUCTL_CMD_INTERP_H

#include <stdio.h>

#include "cmd/run.h"

struct variable {
	char *name, *value;
};

struct interp {
	struct machine *m;
	const struct arguments *outer; /* of the command that runs us: lines inherit -j and the like */
	const char *name; /* of what is read: "setup.iommu", "-"; NULL: a terminal, where nobody needs to be told the line */
	const volatile sig_atomic_t *interrupted;
	bool keep_going;
	bool shell; /* "exit" and "quit" end it */
	bool ended; /* one of them was said */
	VEC(struct variable) vars;
	unsigned line;	   /* the one that runs: its first, where it goes over several */
	unsigned commands; /* that were run */
	unsigned failed;
	unsigned failed_line; /* of the first that failed */
	int code;	   /* the first failing command's */
};

/* One line, without the newline at its end. Its exit code; 0 for an empty one. */
int interp_line(struct interp *it, const char *line, size_t len);

/* All lines of a file; the first failing command's exit code, or 130. */
int interp_file(struct interp *it, FILE *f);

/* Its variables; machine and context stay whose they are. */
void interp_free(struct interp *it);

/* The number of "EBUSY"; -EINVAL: there is no such errno. */
int errno_from_name(const char *name);

#endif
