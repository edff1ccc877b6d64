/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a device is called: vendor, device and class names from hwdb or pci.ids. */
#ifndef IOMMUCTL_HOST_NAMES_H
#define IOMMUCTL_HOST_NAMES_H

#include "host/host.h"

/*
 * For commands that will ask for names: where they come from pci.ids, a thread parses it beside whatever is done until the first
 * one is asked for. names_end() waits for it; host_free() does.
 */
void names_begin(void);
void names_end(void);

/* "Intel Corporation 82574L Gigabit Network Connection"; NULL when no database knows it, or ids are unknown. In
 * the host's arena; remembered per id, so asking for each of 4096 twins costs one look-up. */
const char *device_title(struct host *h, const struct device *d);

/* "Ethernet controller"; NULL unknown. */
const char *device_class_title(struct host *h, const struct device *d);

#endif
