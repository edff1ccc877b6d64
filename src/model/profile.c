// SPDX-License-Identifier: GPL-2.0-or-later
/* Drivers of IOMMUs: what they share, and those that can little. */
#include "model/internal.h"

const struct profile profile_vtd = { .name = "vt-d" };
const struct profile profile_amd = { .name = "amd-vi" };
const struct profile profile_smmuv3 = { .name = "smmuv3", .sw_msi = true };
const struct profile profile_virtio = { .name = "virtio", .sw_msi = true };
const struct profile profile_mock = { .name = "mock" };
const struct profile profile_other = { .name = "other" };

void profile_read_unit(struct model *m, struct munit *u)
{
	if (m->opt.non_coherent)
		u->coherent = TRI_NO;
}
