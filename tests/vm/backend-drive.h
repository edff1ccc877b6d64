/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of backend-drive: operations in short forms, and the tests that are made of them. */
#ifndef IOMMUCTL_TESTS_BACKEND_DRIVE_H
#define IOMMUCTL_TESTS_BACKEND_DRIVE_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "abi/selftest.h"
#include "abi/vfio.h"
#include "backend/backend.h"
#include "base/str.h"

/* The backend under test, and the devices that were named. */
extern struct ctx ctx;
extern struct backend *b;
extern const char *dev_a, *dev_b;
extern uint64_t doorbell; /* of dev_a's interrupts */

/* Ends the program: 1, and what was expected where; 6, and why this kernel cannot. */
void fail(const char *file, int line, const char *what, long long is, long long wanted) __attribute__((noreturn));
void cannot(const char *why) __attribute__((noreturn));

#define IS(value, wanted)                                                                                        \
	do {                                                                                                     \
		long long v_ = (value), w_ = (wanted);                                                           \
		if (v_ != w_)                                                                                    \
			fail(__FILE__, __LINE__, #value, v_, w_);                                                \
	} while (0)

/* Each does one operation: what it answers, or, where it returns no int, fails the test when it does not work. */
uint32_t new_ioas(void);
int probe(uint32_t nr);
struct op_device_open open_mock(uint32_t pt, uint32_t flags);
int try_open(const char *dev, uint32_t flags, struct op_device_open *ret);
uint32_t open_pci(const char *dev);
int close_device(uint32_t handle);
int map(uint32_t ioas, uint32_t flags, uint64_t iova, uint64_t length);
int map_fd(uint32_t ioas, uint32_t flags, uint64_t iova, uint64_t length, int fd, uint64_t offset);
int64_t unmap(uint32_t ioas, uint64_t iova, uint64_t length);
int destroy(uint32_t id);
int attach(uint32_t handle, uint32_t pt, uint32_t *ret);
int detach(uint32_t handle);
/* The id, or an errno. */
int64_t hwpt(uint32_t handle, uint32_t pt, uint32_t flags, uint32_t fault);
int64_t nested(uint32_t handle, uint32_t pt, uint32_t flags, uint32_t fault);
uint32_t new_faultq(void);
int fault(uint32_t handle, uint32_t pasid, uint32_t grpid);
/* How many records there were; the first is in *ret. */
int read_faults(uint32_t q, struct iommu_hwpt_pgfault *ret);
int respond(uint32_t q, uint32_t cookie, uint32_t code);

#define RW (OP_MAP_READ | OP_MAP_WRITE)
#define FIXED_RW (OP_MAP_FIXED | RW)
#define AT 0x2000000 /* in the mock's aperture */

/* backend-drive-iommufd.c, backend-drive-devices.c */
void test_probe(void);
void test_map(void);
void test_copy_lives(void);
void test_map_file(void);
void test_ranges(void);
void test_allow(void);
void test_options(void);
void test_nest(void);
void test_dirty(void);
void test_faults(void);
void test_close(void);
void test_pasid(void);
void test_viommu(void);
void test_raw(void);
void test_device(void);
void test_dma(void);
void test_irq(void);
void test_no_bind(void);
void test_legacy(void);
void test_legacy_group(void);
void test_group(void);
void test_client(void);

#endif
