/* SPDX-License-Identifier: GPL-2.0-or-later */
/* device map-check. */
#ifndef IOMMUCTL_CMD_DEVICE_MAP_H
#define IOMMUCTL_CMD_DEVICE_MAP_H

#include "cmd/cmd.h"

extern const char device_map_check_text[];
extern const struct arg_row device_map_check_args[];
extern const struct option_row device_map_check_options[];
extern const struct record_type device_map_check_record;

/* device map-check: an exit code. */
int device_map_check_run(struct invocation *inv);

#endif
