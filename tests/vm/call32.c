/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * call32: a 32-bit program (gcc -m32, no library) that asks a VFIO container what it is: VFIO_GET_API_VERSION, VFIO_CHECK_EXTENSION of type1, and
 * an IOMMU_IOAS_ALLOC on an iommufd where there is one. Exit 0: VFIO's version is 0. It calls as 32-bit programs do, int 0x80.
 */
#define NR_EXIT	 1
#define NR_OPEN	 5
#define NR_IOCTL 54
#define O_RDWR	 2

#define VFIO_GET_API_VERSION 0x3b64
#define VFIO_CHECK_EXTENSION 0x3b65
#define IOMMU_IOAS_ALLOC     0x3b81

static long call(long nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
	return ret;
}

void _start(void)
{
	static unsigned int alloc[3] = { sizeof(alloc) };
	long fd = call(NR_OPEN, (long)"/dev/vfio/vfio", O_RDWR, 0), bad = fd < 0;

	bad |= call(NR_IOCTL, fd, VFIO_GET_API_VERSION, 0) != 0;
	call(NR_IOCTL, fd, VFIO_CHECK_EXTENSION, 1);
	fd = call(NR_OPEN, (long)"/dev/iommu", O_RDWR, 0);
	if (fd >= 0)
		bad |= call(NR_IOCTL, fd, IOMMU_IOAS_ALLOC, (long)alloc) != 0 || !alloc[2];
	call(NR_EXIT, bad, 0, 0);
}
