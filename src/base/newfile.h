/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that is there whole or not at all. It is written while it has no name (O_TMPFILE), gets its name when it is complete, and takes the place
 * of an older one in one step; a program that is killed leaves nothing, but for a moment between two system calls where it replaces a file. On a
 * file system without O_TMPFILE it has a name beside the other one meanwhile, and that a kill leaves behind.
 */
#ifndef IOMMUCTL_BASE_NEWFILE_H
#define IOMMUCTL_BASE_NEWFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/oom.h"

struct new_file {
	int fd; /* to write to, and to be closed by nobody else; -1: none */
	int dir; /* its folder */
	char *name;
	char *temp; /* its name until then, where it needs one */
	bool fixed; /* temp was chosen by the caller */
	bool linked; /* it has that name now */
	struct oom_end end; /* takes that name away when the program ends for want of memory */
};

/*
 * Begins what is to be the file @path. @mode: as of open(2), less the umask. 0, or negative errno: of the folder, of the file system, or -EISDIR where
 * @path ends in no name. *ret is in a list until new_file_drop(): it is not to be moved.
 */
int new_file_begin(struct new_file *ret, const char *path, mode_t mode);

/*
 * The same for @name in the folder @dir. @temp is the name that it has until then, if it needs one: it is the caller's, by a lock, and what a killed run
 * has left under it goes away here.
 */
int new_file_begin_at(struct new_file *ret, int dir, const char *name, const char *temp, mode_t mode);

/* What is written is brought to the disk and gets its name. Negative errno: an older file is as it was, and nothing more can be done with this one. */
int new_file_commit(struct new_file *f);

/* Ends it; without a commit nothing of it is left. Also after a begin that failed, and twice. */
void new_file_drop(struct new_file *f);

/* All of it, in as many calls as it takes. Negative errno: nobody knows how much was written. */
int write_all(int fd, const void *data, size_t n);

#endif
