/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does the count of a group's owners add up? The kernel counts one for each device on a driver that uses the DMA API, or what
 * user space's claim takes, and nobody can claim the group while the count is not what the claim left (iommu.c,
 * iommu_group_claim_dma_owner()). A count that nothing accounts for keeps a group from being given away with no
 * offender in sight.
 *
 * verdict:
 *	as-expected	the count is what the drivers, or the claim, account for
 *	surplus		it is more: somebody took a use and did not give it back
 *	deficit		it is less
 *	unknown		the count, or what it should be, cannot be told
 */
#ifndef IOMMUCTL_DIAG_LEAK_H
#define IOMMUCTL_DIAG_LEAK_H

#include "diag/finding.h"
#include "host/host.h"
#include "kmem/ownership.h"

struct leak {
	const char *verdict;
	const char *summary; /* one sentence */
	struct num owner_cnt, expected;
	const char *owner; /* "none", "dma-api", "vfio-group", "iommufd"; NULL unknown */
	const struct owned_group *group; /* what memory said; NULL: nothing, or what does not agree with sysfs */
	struct rows reasons; /* of struct reason */
	int missing; /* what made it unknown: -EACCES before anything else; 0 nothing */
};

/*
 * The ownership section of the host's source, read once; in the host's arena. *@ret_err is 0, or why there is none. Dear on a live machine (the
 * kernel's symbols and types are read), so asked only when it matters. NULL only with an error.
 */
struct ownership *host_ownership(struct host *h, int *ret_err);

/*
 * Pure: facts in, judgement out. @o may be NULL, then only what is expected is told. Strings are in the host's arena.
 * @brief leaves summary and reasons out.
 */
void group_ownership(struct host *h, struct ownership *o, const struct group *g, bool brief, struct leak *ret);

/*
 * Whether the device's driver takes a use of the group (uses the DMA API, on a bus that counts). Memory knows the driver's
 * own word (driver_managed_dma); without (@og NULL) our list of drivers tells.
 */
enum tri device_takes_use(struct host *h, const struct owned_group *og, const struct device *d);

/*
 * The errno for an exit code when the counts could not be read: -EACCES when permission is all that is missing, else
 * -EOPNOTSUPP; -ENOTCAPTURED without @o; 0 when they were read.
 */
int ownership_missing(const struct ownership *o);

#endif
