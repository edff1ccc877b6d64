/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the noun device share; its rows are in device.c. */
#ifndef IOMMUCTL_CMD_DEVICE_H
#define IOMMUCTL_CMD_DEVICE_H

#include "cmd/cmd.h"
#include "host/host.h"

extern const char device_guard_text[], device_bind_text[], device_unbind_text[], device_restore_text[];
extern const struct arg_row device_guard_args[], device_bind_args[], device_unbind_args[], device_restore_args[];
extern const struct option_row device_bind_options[], device_unbind_options[], device_restore_options[];
extern const struct record_type device_guard_record, device_bind_record, device_unbind_record, device_restore_record;

int device_guard_run(struct invocation *inv);
int device_bind_run(struct invocation *inv);
int device_unbind_run(struct invocation *inv);
int device_restore_run(struct invocation *inv);

/* All devices of the command line, in the host's arena. An exit code: nothing is done about one when another is a mistake. */
int device_find_all(struct invocation *inv, struct host *h, struct device ***ret);

#endif
