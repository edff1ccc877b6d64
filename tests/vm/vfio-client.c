/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vfio-client: a program that uses a device as a VMM does, from descriptors that it was handed: it binds, makes an address
 * space, attaches, maps memory, and touches the device.
 *
 *	vfio-client IOMMUFD DEVICE [hold]
 *
 * Both are numbers of open descriptors: /dev/iommu, and a device's node that nobody has bound. One line on stdout, steps as
 * NAME=VALUE with 0 or the name of an errno, then what the device is:
 *
 *	vfio-client bind=0 devid=1 ioas=2 attach=0 map=0 vendor=1234 device=11e8 dma=0
 *
 * dma is done with QEMU's edu only: bytes go into its buffer and come back elsewhere; - with any other device. hold: waits for
 * a signal, with everything in place. Exit 0, 3 when a step failed, 2 wrong usage.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/iommufd.h"
#include "abi/vfio.h"

#define IOVA 0x200000
#define SIZE 0x2000
#define EDU_BUFFER 0x40000

static int iommufd, device;
static char *memory;

/* Prints the step; its errno, or 0. */
static int step(const char *name, int r)
{
	printf(" %s=%s", name, r < 0 ? strerrorname_np(errno) : "0");
	return r < 0 ? errno : 0;
}

static int bind_device(void)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = ABI_END(struct vfio_device_bind_iommufd, out_devid), .iommufd = iommufd,
	};
	int r = step("bind", ioctl(device, VFIO_DEVICE_BIND_IOMMUFD, &bind));

	if (!r)
		printf(" devid=%u", bind.out_devid);
	return r;
}

static int attach_and_map(void)
{
	struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
	struct vfio_device_attach_iommufd_pt attach = { .argsz = ABI_END(struct vfio_device_attach_iommufd_pt, pt_id) };
	struct iommu_ioas_map map = { .size = sizeof(map), .length = SIZE, .iova = IOVA,
				      .flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE };
	int r = ioctl(iommufd, IOMMU_IOAS_ALLOC, &ioas);

	if (r < 0)
		return step("ioas", r);
	printf(" ioas=%u", ioas.out_ioas_id);
	attach.pt_id = map.ioas_id = ioas.out_ioas_id;
	r = step("attach", ioctl(device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach));
	if (r)
		return r;
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	map.user_va = (uintptr_t)memory;
	return step("map", memory == MAP_FAILED ? -1 : ioctl(iommufd, IOMMU_IOAS_MAP, &map));
}

static off_t region(uint32_t index)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };

	if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info) < 0)
		exit(3);
	return info.offset;
}

static void put32(off_t at, uint32_t v)
{
	if (pwrite(device, &v, sizeof(v), at) != sizeof(v))
		exit(3);
}

static uint32_t get32(off_t at)
{
	uint32_t v;

	if (pread(device, &v, sizeof(v), at) != sizeof(v))
		exit(3);
	return v;
}

static void edu_dma(off_t bar, uint32_t from, uint32_t to, uint32_t command)
{
	put32(bar + 0x80, from);
	put32(bar + 0x88, to);
	put32(bar + 0x90, 32);
	put32(bar + 0x98, command | 1);
	for (int i = 0; i < 2000 && (get32(bar + 0x98) & 1); i++)
		usleep(5000);
}

static int touch(void)
{
	off_t config = region(VFIO_PCI_CONFIG_REGION_INDEX), bar;
	uint32_t id = get32(config);
	uint16_t command = 6; /* memory and bus mastering */

	printf(" vendor=%04x device=%04x", id & 0xffff, id >> 16);
	if (id != 0x11e81234) {
		printf(" dma=-");
		return 0;
	}
	if (pwrite(device, &command, sizeof(command), config + 4) != sizeof(command))
		return step("dma", -1);
	bar = region(VFIO_PCI_BAR0_REGION_INDEX);
	strcpy(memory, "there and back");
	edu_dma(bar, IOVA, EDU_BUFFER, 0);
	edu_dma(bar, EDU_BUFFER, IOVA + 0x1000, 2);
	errno = EIO;
	return step("dma", strcmp(memory + 0x1000, "there and back") ? -1 : 0);
}

int main(int argc, char **argv)
{
	int r;

	if (argc < 3) {
		fprintf(stderr, "usage: vfio-client IOMMUFD DEVICE [hold]\n");
		return 2;
	}
	iommufd = atoi(argv[1]);
	device = atoi(argv[2]);
	printf("vfio-client");
	r = bind_device();
	if (!r)
		r = attach_and_map();
	if (!r)
		r = touch();
	printf("\n");
	fflush(stdout);
	if (!r && argc > 3)
		pause();
	return r ? 3 : 0;
}
