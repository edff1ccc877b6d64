/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What udev alone knows of PCI devices: SECTION_UDEV.
 *
 *	{ "devices": { "sys/devices/pci0000:00/0000:00:02.0": {
 *		"path": "pci-0000:00:02.0",		ID_PATH: where it is plugged in, stable over boots
 *		"vendor": null | "…", "model": null | "…" } } }	ID_VENDOR_FROM_DATABASE, ID_MODEL_FROM_DATABASE
 *
 * A device that udev has not dealt with (no udev runs, as in a container) is not in it.
 */
#ifndef IOMMUCTL_SOURCE_UDEV_H
#define IOMMUCTL_SOURCE_UDEV_H

#include "source/source.h"

struct udev_facts {
	const char *path, *vendor, *model; /* NULL unknown */
};

/*
 * What is known of the device in @dir, "sys/devices/…". -ENOENT: udev does not know it; -ENOTCAPTURED;
 * errors of the section. Live it asks for this one device only.
 */
int source_udev(struct source *src, struct ctx *ctx, struct arena *a, const char *dir, struct udev_facts *ret);

/* The provider of the live section: all PCI devices. */
int udev_gather(struct ctx *ctx, struct json_object **ret);

#endif
