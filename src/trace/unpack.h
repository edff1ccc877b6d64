/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A compressed log, as logrotate, pstore and people leave them: unpacked while it is read, through libarchive. */
#ifndef IOMMUCTL_TRACE_UNPACK_H
#define IOMMUCTL_TRACE_UNPACK_H

#include <sys/types.h>

#include "trace/scan.h"

struct unpack;

/* The name of the compression that @head, an input's first bytes, begins; NULL: none that we know. Static. */
const char *unpack_name(struct slice head);

/*
 * Goes on with @fd, which stays the caller's, behind @head, which was read from it and is copied. 0; -ELIBACC without libarchive;
 * -ENOTSUP when it was built without this compression.
 */
int unpack_open(int fd, struct slice head, struct unpack **ret);

/* Unpacked bytes; 0 at the end; -EBADMSG where the compressed data is cut short or damaged. */
ssize_t unpack_read(struct unpack *u, void *buf, size_t n);

void unpack_close(struct unpack *u);

#endif
