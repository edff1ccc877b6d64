/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * edu-dma: makes QEMU's edu device do DMA, through iommufd, step by step.
 *
 *	edu-dma DEV STEP...
 *
 *	map IOVA SIZE	map fresh memory
 *	unmap IOVA SIZE
 *	read IOVA	the device reads 4 bytes from there: one request, and one fault
 *	write IOVA	the device writes 4 bytes there
 *	sleep MS
 *
 * DEV is a PCI address on vfio-pci. Exit: 0; 1 with what went wrong on stderr. Whether an access faulted the kernel
 * log says. The device: QEMU's docs/specs/edu.rst (its DMA engine takes 28-bit addresses).
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Debian 12's headers have neither linux/iommufd.h nor VFIO's character devices */
#define VFIO(n)		    _IO(';', 100 + (n))
#define VFIO_REGION_INFO    VFIO(8)
#define VFIO_DEVICE_BIND    VFIO(18)
#define VFIO_DEVICE_ATTACH  VFIO(19)
#define IOMMUFD_IOAS_ALLOC  _IO(';', 0x81)
#define IOMMUFD_IOAS_MAP    _IO(';', 0x85)
#define IOMMUFD_IOAS_UNMAP  _IO(';', 0x86)
#define MAP_FIXED_RW	    7 /* FIXED_IOVA, WRITEABLE, READABLE */
#define CONFIG_REGION	    7
#define COMMAND_MEM_MASTER  6

struct device_bind {
	uint32_t argsz, flags;
	int32_t iommufd;
	uint32_t out_devid;
};

struct device_attach {
	uint32_t argsz, flags, pt_id;
};

struct region_info {
	uint32_t argsz, flags, index, cap_offset;
	uint64_t size, offset;
};

struct ioas_alloc {
	uint32_t size, flags, out_ioas_id;
};

struct ioas_map {
	uint32_t size, flags, ioas_id, reserved;
	uint64_t user_va, length, iova;
};

struct ioas_unmap {
	uint32_t size, ioas_id;
	uint64_t iova, length;
};

/* registers of edu's DMA engine, and its own buffer */
enum { DMA_SOURCE = 0x80, DMA_DEST = 0x88, DMA_COUNT = 0x90, DMA_COMMAND = 0x98 };
#define EDU_BUFFER 0x40000
#define START_READ 1  /* from memory to the device */
#define START_WRITE 3

static int iommufd, device;
static uint32_t ioas;
static volatile uint64_t *bar;

static void open_device(const char *name)
{
	char path[300];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", name);
	d = opendir(path);
	if (!d)
		err(1, "%s", path);
	while ((e = readdir(d)) && e->d_name[0] == '.')
		;
	if (!e)
		errx(1, "%s: no vfio device", name);
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", e->d_name);
	closedir(d);
	device = open(path, O_RDWR);
	iommufd = open("/dev/iommu", O_RDWR);
	if (device < 0 || iommufd < 0)
		err(1, "%s", device < 0 ? path : "/dev/iommu");
}

static void attach(void)
{
	struct device_bind bind = { .argsz = sizeof(bind), .iommufd = iommufd };
	struct ioas_alloc alloc = { .size = sizeof(alloc) };
	struct device_attach at = { .argsz = sizeof(at) };

	if (ioctl(device, VFIO_DEVICE_BIND, &bind))
		err(1, "bind");
	if (ioctl(iommufd, IOMMUFD_IOAS_ALLOC, &alloc))
		err(1, "ioas");
	ioas = at.pt_id = alloc.out_ioas_id;
	if (ioctl(device, VFIO_DEVICE_ATTACH, &at))
		err(1, "attach");
}

static uint64_t region_offset(uint32_t index)
{
	struct region_info r = { .argsz = sizeof(r), .index = index };

	if (ioctl(device, VFIO_REGION_INFO, &r))
		err(1, "region %u", index);
	return r.offset;
}

static void enable(void)
{
	uint64_t config = region_offset(CONFIG_REGION);
	uint16_t command;

	if (pread(device, &command, 2, config + 4) != 2)
		err(1, "config");
	command |= COMMAND_MEM_MASTER;
	if (pwrite(device, &command, 2, config + 4) != 2)
		err(1, "config");
	bar = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED, device, (off_t)region_offset(0));
	if (bar == MAP_FAILED)
		err(1, "BAR 0");
}

static void dma(uint64_t iova, int write)
{
	bar[DMA_SOURCE / 8] = write ? EDU_BUFFER : iova;
	bar[DMA_DEST / 8] = write ? iova : EDU_BUFFER;
	bar[DMA_COUNT / 8] = 4;
	bar[DMA_COMMAND / 8] = write ? START_WRITE : START_READ;
	for (int i = 0; bar[DMA_COMMAND / 8] & 1; i++) {
		if (i > 5000)
			errx(1, "the transfer does not end");
		usleep(1000);
	}
}

static void map(uint64_t iova, uint64_t size)
{
	struct ioas_map m = { .size = sizeof(m), .flags = MAP_FIXED_RW, .ioas_id = ioas, .length = size, .iova = iova };
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		err(1, "memory");
	m.user_va = (uintptr_t)p;
	if (ioctl(iommufd, IOMMUFD_IOAS_MAP, &m))
		err(1, "map");
}

static void unmap(uint64_t iova, uint64_t size)
{
	struct ioas_unmap u = { .size = sizeof(u), .ioas_id = ioas, .iova = iova, .length = size };

	if (ioctl(iommufd, IOMMUFD_IOAS_UNMAP, &u))
		err(1, "unmap");
}

int main(int argc, char **argv)
{
	if (argc < 2)
		errx(2, "usage: edu-dma DEV STEP...");
	open_device(argv[1]);
	attach();
	enable();
	for (int i = 2; i + 1 < argc; i += 2) {
		uint64_t a = strtoull(argv[i + 1], NULL, 0), b = i + 2 < argc ? strtoull(argv[i + 2], NULL, 0) : 0;

		if (!strcmp(argv[i], "map"))
			map(a, b), i++;
		else if (!strcmp(argv[i], "unmap"))
			unmap(a, b), i++;
		else if (!strcmp(argv[i], "read") || !strcmp(argv[i], "write"))
			dma(a, argv[i][0] == 'w');
		else if (!strcmp(argv[i], "sleep"))
			usleep((useconds_t)a * 1000);
		else
			errx(2, "%s: no such step", argv[i]);
	}
	return 0;
}
