/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Data of drivers in words: KIND:K=V,K=V. What a nested page table is made from, and what invalidates it. */
#ifndef IOMMUCTL_CMD_HWPT_DATA_H
#define IOMMUCTL_CMD_HWPT_DATA_H

#include "cmd/cmd.h"

/* Bytes for the kernel, and the number of their kind. */
struct driver_data {
	uint32_t type;
	void *bytes;
	size_t len;
};

/*
 * "vtd-s1:pgtbl=0x1000,width=48", "smmuv3:v,config=s1,s1ctxptr=…", "smmuv3:ste0=…,ste1=…", "amd-guest:dte0=…", "selftest:iotlb=5", "raw:TYPE=HEX". In the arena. An exit
 * code, noted.
 */
int hwpt_data_parse(struct invocation *inv, const char *text, struct driver_data *ret);

/* One entry of an invalidation; entries of one array are of one kind: @ret->type and @ret->len say so from the first on. */
int invalidate_data_parse(struct invocation *inv, const char *text, struct driver_data *ret);

/* The entry in words where its kind is known: "op=atc-inv,sid=0x10"; NULL else. In the arena. */
const char *invalidate_entry_text(struct invocation *inv, uint32_t type, const void *bytes, size_t len);

/* The kinds, for help. */
extern const char hwpt_data_kinds[], invalidate_data_kinds[];

#endif
