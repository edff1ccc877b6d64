/* SPDX-License-Identifier: GPL-2.0-or-later */
/* device vfs, and what restore needs of it. */
#ifndef IOMMUCTL_CMD_DEVICE_VFS_H
#define IOMMUCTL_CMD_DEVICE_VFS_H

#include "cmd/acting.h"

extern const char device_vfs_text[];
extern const struct arg_row device_vfs_args[];
extern const struct option_row device_vfs_options[];
extern const struct record_type device_vfs_record;

/* device vfs: an exit code. */
int device_vfs_run(struct invocation *inv);

/*
 * Whether the virtual functions of @pf may go, which they have to when their number becomes @n: by what the machine uses on them, and who has them
 * open. An exit code, with what is in the way noted; --force turns refusals into warnings, but for open ones.
 */
int vfs_check_removal(struct invocation *inv, struct acting *a, const char *pf, unsigned n);

#endif
