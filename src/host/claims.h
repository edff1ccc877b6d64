/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who else has been told to put a device on a driver at boot: driverctl, the kernel command line, modprobe.d. */
#ifndef IOMMUCTL_HOST_CLAIMS_H
#define IOMMUCTL_HOST_CLAIMS_H

#include "host/host.h"

struct claim {
	const char *where; /* "/etc/driverctl.d/0000:01:00.0" */
	const char *what;  /* what stands there */
};

/* The first place that names the device, or its ids. In the host's arena. -ENOENT: none does. */
int device_claim(struct host *h, const struct device *d, struct claim *ret);

#endif
