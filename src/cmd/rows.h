/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values that several commands' records have. All in the host's arena. */
#ifndef IOMMUCTL_CMD_ROWS_H
#define IOMMUCTL_CMD_ROWS_H

#include "cmd/cmd.h"
#include "host/holders.h"
#include "host/host.h"

/* What the device is called; where no database knows it, its ids: "1234:1111". NULL when these are not known either. */
const char *device_label(struct host *h, const struct device *d);

/* Names of the devices that a bus reset of @d takes along; unknown where that cannot be told, empty where there is none. */
struct strs reset_set_names(struct host *h, struct device *d);

/* Who has it open, as rows of holder_record. Unknown, with a warning, when nobody was seen and not everybody could be. */
struct rows holder_rows_of_group(struct host *h, const struct group *g);
struct rows holder_rows_of_device(struct host *h, const struct device *d);

/* For several questions at once: no before lack of permission before cannot tell before yes. */
enum exit_code worse_exit(enum exit_code a, enum exit_code b);

/* The exit code for an error of host_find_device() and host_find_group(). */
enum exit_code exit_from_lookup(int err);

#endif
