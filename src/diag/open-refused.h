/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a device cannot be opened and claimed. The kernel's EPERM has four causes (a driver of the group that uses the kernel's
 * DMA API, another owner, interrupts that are not isolated, a count of owners that was left behind), EINVAL three, EBUSY
 * two; the errno does not tell them apart, the facts do.
 */
#ifndef IOMMUCTL_DIAG_OPEN_REFUSED_H
#define IOMMUCTL_DIAG_OPEN_REFUSED_H

#include "diag/viability.h"

/* Which way in: by the device's node and iommufd, or by its group's and a container. */
enum claim { CLAIM_IOMMUFD, CLAIM_LEGACY };

struct refusal {
	int err;	   /* negative errno: the one given, or the one to be expected */
	const char *cause; /* stable word, below; NULL: none is in sight */
	const char *text;  /* one sentence */
	const char *hint;  /* what to do: a command or a sentence; NULL */
};

/*
 * Causes, each with the errno that it brings:
 *
 *	native-driver	  EPERM	 a device of the group is on a driver that uses the kernel's DMA API
 *	other-owner	  EPERM	 another program has claimed the group
 *	no-isolated-msi	  EPERM	 no interrupt remapping, and allow_unsafe_interrupts of this way in is off
 *	leaked-count	  EPERM	 the kernel counts owners that nothing accounts for
 *	direct-region	  EINVAL memory of the group must stay mapped 1:1
 *	already-open	  EINVAL the device is open and bound; as a group's node, EBUSY
 *	not-coherent	  EINVAL the unit is not cache-coherent
 *	held		  EBUSY	 a node of the group is open, the other way than ours
 *	no-vfio-driver	  ENOENT the device is on no VFIO driver, so it has no node
 *	no-node		  ENOENT it is on one, and this kernel gives no node to devices, or groups
 *	no-group	  ENODEV no IOMMU translates for it
 *	permission	  EACCES its node may not be opened
 */

/*
 * @err 0: before it is tried, what would refuse. True: something would, and *ret says what. Else the errno that the try ended with, and always
 * true: *ret has a cause where the facts show one that brings this errno, and a sentence in any case. Pure; strings are in the host's
 * arena. The host is loaded with HOST_ALL.
 */
bool open_refused(struct host *h, struct device *d, enum claim way, int err, struct refusal *ret);

#endif
