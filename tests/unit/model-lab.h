/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A model of a machine built by machine.h, and its operations in one line each. */
#ifndef IOMMUCTL_TESTS_MODEL_LAB_H
#define IOMMUCTL_TESTS_MODEL_LAB_H

#include "abi/iommufd.h"
#include "abi/selftest.h"
#include "machine.h"
#include "model/model.h"

#define NIC "0000:01:00.0"
#define NIC2 "0000:01:00.1"
#define CARD "0000:02:00.0"
#define PORT "0000:00:03.0"
#define PORT2 "0000:00:04.0"

struct lab {
	struct machine m;
	struct backend *b;
	struct source *s;
	struct arena a;
};

enum lab_kind { LAB_VTD, LAB_AMD, LAB_SMMU, LAB_VIRTIO };

/*
 * Group 1: the port PORT; group 2: the functions NIC and NIC2 below it; group 3: PORT2; group 4: CARD below that. All behind one unit of
 * that kind, with a window for interrupts. @regs: "cap ecap" in hex for VT-d, "efr:efr2" for AMD, NULL for some that can little.
 */
void lab_open(struct lab *l, enum lab_kind kind, const char *regs, const char *inject);

/* Another reserved_regions for a group, before lab_start(); lab_open() is both. */
void lab_build(struct lab *l, enum lab_kind kind, const char *regs);
void lab_start(struct lab *l, const char *inject);
void lab_close(struct lab *l);

/* Override, unbind, bind: 0 or the first error. */
int lab_to_vfio(struct lab *l, const char *dev);

/* The operations: 0 or a handle or id above 0, or a negative errno. */
int lab_device(struct lab *l, const char *dev);
int lab_mock(struct lab *l, unsigned flags, uint32_t pt_id, uint32_t *ret_hwpt);
int lab_device_close(struct lab *l, int handle);
int lab_attach(struct lab *l, int handle, uint32_t pt_id, uint32_t *ret_pt);
int lab_attach_pasid(struct lab *l, int handle, uint32_t pasid, uint32_t pt_id);
int lab_detach(struct lab *l, int handle);
int lab_detach_pasid(struct lab *l, int handle, uint32_t pasid);
int lab_ioas(struct lab *l);
int lab_map(struct lab *l, uint32_t ioas, uint64_t iova, uint64_t length);
int lab_map_auto(struct lab *l, uint32_t ioas, uint64_t length, uint64_t *ret);
int lab_unmap(struct lab *l, uint32_t ioas, uint64_t iova, uint64_t length, uint64_t *ret);
int lab_copy(struct lab *l, uint32_t dst, uint64_t dst_iova, uint32_t src, uint64_t src_iova, uint64_t length);
int lab_hwpt(struct lab *l, int handle, uint32_t pt_id, uint32_t flags);
int lab_hwpt_fault(struct lab *l, int handle, uint32_t pt_id, uint32_t flags, uint32_t fault_id);
int lab_hwpt_data(struct lab *l, int handle, uint32_t pt_id, uint32_t flags, uint32_t fault_id, uint32_t type, const void *data, size_t len);
/* A nested one of the selftest. */
int lab_nested(struct lab *l, int handle, uint32_t parent, uint32_t fault_id);
int lab_viommu(struct lab *l, int handle, uint32_t hwpt, uint32_t type);
int lab_vdevice(struct lab *l, uint32_t viommu, int handle, uint64_t virt_id);
int lab_faultq(struct lab *l);
int lab_destroy(struct lab *l, uint32_t id);

#endif
