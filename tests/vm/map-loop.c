/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * map-loop: maps and unmaps a page of an IOAS again and again, and prints how many nanoseconds of the clock each pair took: what it costs
 * to be watched.
 *
 *	map-loop PAIRS
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

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv)
{
	long pairs = argc == 2 ? atol(argv[1]) : 0;
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	int fd = open("/dev/iommu", O_RDWR);
	long long start;

	if (pairs <= 0)
		errx(2, "usage: map-loop PAIRS");
	if (fd < 0 || page == MAP_FAILED || ioctl(fd, IOMMU_IOAS_ALLOC, &alloc))
		err(1, "/dev/iommu");
	start = now();
	for (long i = 0; i < pairs; i++) {
		struct iommu_ioas_map map = { .size = sizeof(map), .flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE,
					      .ioas_id = alloc.out_ioas_id, .user_va = (uintptr_t)page, .length = 4096,
					      .iova = 0x100000 };
		struct iommu_ioas_unmap unmap = { .size = sizeof(unmap), .ioas_id = alloc.out_ioas_id, .iova = 0x100000, .length = 4096 };

		if (ioctl(fd, IOMMU_IOAS_MAP, &map) || ioctl(fd, IOMMU_IOAS_UNMAP, &unmap))
			err(1, "pair %ld", i);
	}
	printf("%lld\n", (now() - start) / pairs);
	return 0;
}
