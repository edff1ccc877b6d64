/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * map-loop: maps memory into an IOAS and unmaps it, again and again, and prints how many nanoseconds of the clock each pair took: what it
 * costs to be watched.
 *
 *	map-loop PAIRS [BYTES]		a page at a time, or so much
 *
 * A selftest device is attached, since without a device nothing is mapped before somebody needs it.
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#include "abi/iommufd.h"
#include "abi/selftest.h"

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv)
{
	long pairs = argc > 1 ? atol(argv[1]) : 0, bytes = argc > 2 ? atol(argv[2]) : 4096;
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	void *page = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	struct iommu_test_cmd attach = { .size = sizeof(attach), .op = IOMMU_TEST_OP_MOCK_DOMAIN };
	int fd = open("/dev/iommu", O_RDWR);
	long long start;

	if (pairs <= 0 || bytes <= 0)
		errx(2, "usage: map-loop PAIRS [BYTES]");
	if (fd < 0 || page == MAP_FAILED || ioctl(fd, IOMMU_IOAS_ALLOC, &alloc))
		err(1, "/dev/iommu");
	attach.id = alloc.out_ioas_id;
	if (ioctl(fd, IOMMU_TEST_CMD, &attach))
		err(1, "a selftest device");
	start = now();
	for (long i = 0; i < pairs; i++) {
		struct iommu_ioas_map map = { .size = sizeof(map), .flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE,
					      .ioas_id = alloc.out_ioas_id, .user_va = (uintptr_t)page, .length = (uint64_t)bytes,
					      .iova = 0x1000000 };
		struct iommu_ioas_unmap unmap = { .size = sizeof(unmap), .ioas_id = alloc.out_ioas_id, .iova = 0x1000000,
						  .length = (uint64_t)bytes };

		if (ioctl(fd, IOMMU_IOAS_MAP, &map) || ioctl(fd, IOMMU_IOAS_UNMAP, &unmap))
			err(1, "pair %ld", i);
	}
	printf("%lld\n", (now() - start) / pairs);
	return 0;
}
