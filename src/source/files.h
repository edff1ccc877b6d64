/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What live.c and tree.c share: facts that are real files, opened below some directory. They differ
 * only in how a path becomes a descriptor.
 */
#ifndef IOMMUCTL_SOURCE_FILES_H
#define IOMMUCTL_SOURCE_FILES_H

#include "source/source.h"

struct file_source {
	struct source source;
	/* A descriptor, or a negative errno. @flags as for open(2); O_CLOEXEC is added. */
	int (*open)(struct file_source *fs, const char *path, int flags);
	/* The answer for a path that open() called missing; NULL: it is missing. */
	int (*missing)(struct file_source *fs, const char *path, int err);
};

/* The operations of struct source_ops of the same names. */
int files_read(struct source *s, const char *path, void *buf, size_t cap, size_t *ret_len);
int files_readlink(struct source *s, const char *path, char *buf, size_t cap);
int files_list(struct source *s, const char *path, struct arena *a, struct src_list *ret);
void files_read_each(struct source *s, const char *base, const char *const *names, size_t n,
		     const char *file, size_t cap, struct arena *a, struct src_blob *ret);
void files_readlink_each(struct source *s, const char *base, const char *const *names, size_t n,
			 const char *file, struct arena *a, struct src_blob *ret);

void files_list_each(struct source *s, const char *base, const char *const *names, size_t n,
		     const char *file, struct arena *a, struct src_dir *ret);

/*
 * Closes @n descriptors with as few calls as possible, and none but these: close_range(2) is used only
 * for runs without a hole, since a number between two of ours may be somebody else's file.
 */
void files_close_all(const int *fds, size_t n);

#endif
