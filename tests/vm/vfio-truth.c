/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vfio-truth: what the kernel itself says about a group or a device. The lab's measure for iommuctl.
 *
 *	vfio-truth status GROUP			VFIO_GROUP_GET_STATUS
 *	vfio-truth legacy GROUP			claim through a container: SET_CONTAINER, SET_IOMMU
 *	vfio-truth cdev DEV			claim through iommufd: bind, and attach to an empty IOAS
 *	vfio-truth type GROUP			write the current word to the group's type file
 *	vfio-truth hold [-b] DEV [SECONDS]	keep the device's node open; with -b bound to an iommufd
 *	vfio-truth holdgroup GROUP [SECONDS]	keep the group's node open
 *	vfio-truth map DEV IOVA:LENGTH...	map each through iommufd, and unmap it; a line each. A length with a + behind it stays mapped
 *						until a signal comes
 *
 * DEV is a device's bus name (0000:01:00.0) or vfioN. One line on stdout: the command, then NAME=VALUE
 * words: each step with 0, the name of its errno, or - when an earlier step ended the way. hold and
 * holdgroup print theirs when they have it, and keep it until SECONDS have passed or a signal comes.
 *
 * Exit: 0 yes, 3 no, 6 there is no such node, 2 wrong usage.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Debian 12's headers have neither linux/iommufd.h nor VFIO's character devices */
#define VFIO(n)			_IO(';', 100 + (n))
#define VFIO_SET_IOMMU		VFIO(2)
#define VFIO_GROUP_GET_STATUS	VFIO(3)
#define VFIO_GROUP_SET_CONTAINER VFIO(4)
#define VFIO_DEVICE_BIND	VFIO(18)
#define VFIO_DEVICE_ATTACH	VFIO(19)
#define IOMMUFD_IOAS_ALLOC	_IO(';', 0x81)
#define IOMMUFD_IOAS_MAP	_IO(';', 0x85)
#define IOMMUFD_IOAS_UNMAP	_IO(';', 0x86)
#define MAP_FIXED_RW		7
#define TYPE1V2			3
#define STATUS_VIABLE		1

struct group_status {
	uint32_t argsz, flags;
};

struct device_bind {
	uint32_t argsz, flags;
	int32_t iommufd;
	uint32_t out_devid;
};

struct device_attach {
	uint32_t argsz, flags, pt_id;
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

enum { YES = 0, USAGE = 2, NO = 3, NO_NODE = 6 };

static const char *err(int ret)
{
	return ret >= 0 ? "0" : strerrorname_np(errno);
}

static int open_group(const char *group)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%s", group);
	return open(path, O_RDWR | O_CLOEXEC);
}

/* the name vfioN of a device's node */
static int find_cdev(const char *dev, char *name, size_t len)
{
	static const char *const buses[] = { "pci", "platform" };

	if (!strncmp(dev, "vfio", 4)) {
		snprintf(name, len, "%s", dev);
		return 0;
	}
	for (size_t i = 0; i < sizeof(buses) / sizeof(*buses); i++) {
		char path[512];
		struct dirent *e;
		DIR *d;

		snprintf(path, sizeof(path), "/sys/bus/%s/devices/%s/vfio-dev", buses[i], dev);
		d = opendir(path);
		if (!d)
			continue;
		while ((e = readdir(d)) && e->d_name[0] == '.')
			;
		if (e)
			snprintf(name, len, "%s", e->d_name);
		closedir(d);
		if (e)
			return 0;
	}
	errno = ENOENT;
	return -1;
}

static int open_cdev(const char *dev, char *name, size_t len)
{
	char path[300];

	snprintf(name, len, "-");
	if (find_cdev(dev, name, len))
		return -1;
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", name);
	return open(path, O_RDWR | O_CLOEXEC);
}

static int bind_cdev(int fd, int iommufd)
{
	struct device_bind bind = { .argsz = sizeof(bind), .iommufd = iommufd };

	return ioctl(fd, VFIO_DEVICE_BIND, &bind);
}

static int attach_cdev(int fd, int iommufd, uint32_t *ret_ioas)
{
	struct ioas_alloc ioas = { .size = sizeof(ioas) };
	struct device_attach attach = { .argsz = sizeof(attach) };

	if (ioctl(iommufd, IOMMUFD_IOAS_ALLOC, &ioas))
		return -1;
	*ret_ioas = attach.pt_id = ioas.out_ioas_id;
	return ioctl(fd, VFIO_DEVICE_ATTACH, &attach);
}

static int cmd_status(const char *group)
{
	struct group_status status = { .argsz = sizeof(status) };
	int fd = open_group(group);

	printf("status group=%s open=%s", group, err(fd));
	if (fd < 0) {
		printf(" viable=-\n");
		return errno == EBUSY ? NO : NO_NODE;
	}
	if (ioctl(fd, VFIO_GROUP_GET_STATUS, &status)) {
		printf(" viable=%s\n", err(-1));
		return NO;
	}
	printf(" viable=%s\n", status.flags & STATUS_VIABLE ? "true" : "false");
	return status.flags & STATUS_VIABLE ? YES : NO;
}

static int cmd_legacy(const char *group)
{
	int container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	int fd, ret;

	printf("legacy group=%s container=%s", group, err(container));
	fd = open_group(group);
	printf(" open=%s", err(fd));
	if (container < 0 || fd < 0) {
		ret = fd < 0 && errno == EBUSY ? NO : NO_NODE;
		printf(" set_container=- set_iommu=-\n");
		return ret;
	}
	ret = ioctl(fd, VFIO_GROUP_SET_CONTAINER, &container);
	printf(" set_container=%s", err(ret));
	if (ret) {
		printf(" set_iommu=-\n");
		return NO;
	}
	ret = ioctl(container, VFIO_SET_IOMMU, (unsigned long)TYPE1V2);
	printf(" set_iommu=%s\n", err(ret));
	return ret ? NO : YES;
}

static int cmd_cdev(const char *dev)
{
	int iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	char name[256];
	uint32_t ioas;
	int fd, ret;

	printf("cdev device=%s iommufd=%s", dev, err(iommufd));
	fd = open_cdev(dev, name, sizeof(name));
	printf(" node=%s open=%s", name, err(fd));
	if (iommufd < 0 || fd < 0) {
		ret = fd < 0 && errno == EBUSY ? NO : NO_NODE;
		printf(" bind=- attach=-\n");
		return ret;
	}
	ret = bind_cdev(fd, iommufd);
	printf(" bind=%s", err(ret));
	if (ret) {
		printf(" attach=-\n");
		return NO;
	}
	printf(" attach=%s\n", err(attach_cdev(fd, iommufd, &ioas)));
	return YES;
}

static int keep(const char *seconds)
{
	printf("\n");
	fflush(stdout);
	if (seconds && strcmp(seconds, "-"))
		sleep(atoi(seconds));
	else
		pause();
	return YES;
}

static int map_one(int iommufd, uint32_t ioas, const char *range)
{
	struct ioas_map map = { .size = sizeof(map), .flags = MAP_FIXED_RW, .ioas_id = ioas };
	struct ioas_unmap unmap = { .size = sizeof(unmap), .ioas_id = ioas };
	char *end;
	int ret;

	map.iova = strtoull(range, &end, 0);
	map.length = *end == ':' ? strtoull(end + 1, &end, 0) : 0;
	map.user_va = (uintptr_t)mmap(NULL, map.length + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	map.user_va += map.iova & 4095;
	ret = ioctl(iommufd, IOMMUFD_IOAS_MAP, &map);
	printf("mapping iova=0x%llx length=0x%llx map=%s\n", (unsigned long long)map.iova, (unsigned long long)map.length, err(ret));
	if (*end == '+')
		return keep(NULL);
	unmap.iova = map.iova;
	unmap.length = map.length;
	if (!ret)
		ioctl(iommufd, IOMMUFD_IOAS_UNMAP, &unmap);
	munmap((void *)(uintptr_t)(map.user_va & ~4095ull), map.length + 4096);
	return ret ? NO : YES;
}

static int cmd_map(const char *dev, char **ranges)
{
	int iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC), ret = YES;
	char name[256];
	uint32_t ioas;
	int fd = open_cdev(dev, name, sizeof(name));

	if (iommufd < 0 || fd < 0)
		return NO_NODE;
	if (bind_cdev(fd, iommufd) || attach_cdev(fd, iommufd, &ioas)) {
		printf("mapping attach=%s\n", err(-1));
		return NO;
	}
	for (; *ranges; ranges++)
		if (map_one(iommufd, ioas, *ranges))
			ret = NO;
	return ret;
}

static int cmd_type(const char *group)
{
	char path[64], word[32] = "-";
	ssize_t n;
	int fd, ret;

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%s/type", group);
	fd = open(path, O_RDWR | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, word, sizeof(word) - 1);
	if (n <= 0) {
		printf("type group=%s word=- write=-\n", group);
		return NO_NODE;
	}
	word[n] = '\0';
	word[strcspn(word, "\n")] = '\0';
	ret = pwrite(fd, word, strlen(word), 0);
	printf("type group=%s word=%s write=%s\n", group, word, err(ret));
	return ret < 0 ? NO : YES;
}

static int cmd_hold(const char *dev, const char *seconds, int bind)
{
	char name[256];
	int fd = open_cdev(dev, name, sizeof(name));
	int iommufd, ret;

	printf("hold device=%s node=%s open=%s", dev, name, err(fd));
	if (fd < 0) {
		printf(" bind=-\n");
		return errno == EBUSY ? NO : NO_NODE;
	}
	if (bind) {
		iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
		ret = bind_cdev(fd, iommufd);
		printf(" bind=%s", err(ret));
		if (ret) {
			printf("\n");
			return NO;
		}
	} else {
		printf(" bind=-");
	}
	return keep(seconds);
}

static int cmd_holdgroup(const char *group, const char *seconds)
{
	int fd = open_group(group);

	printf("holdgroup group=%s open=%s", group, err(fd));
	if (fd < 0) {
		printf("\n");
		return errno == EBUSY ? NO : NO_NODE;
	}
	return keep(seconds);
}

int main(int argc, char **argv)
{
	const char *cmd = argc > 2 ? argv[1] : "";
	int bind = !strcmp(cmd, "hold") && argc > 3 && !strcmp(argv[2], "-b");
	const char *what = argc > 2 ? argv[2 + bind] : NULL;
	const char *seconds = argc > 3 + bind ? argv[3 + bind] : NULL;

	if (!strcmp(cmd, "map") && argc > 3)
		return cmd_map(argv[2], argv + 3);
	if (!strcmp(cmd, "status"))
		return cmd_status(what);
	if (!strcmp(cmd, "legacy"))
		return cmd_legacy(what);
	if (!strcmp(cmd, "cdev"))
		return cmd_cdev(what);
	if (!strcmp(cmd, "type"))
		return cmd_type(what);
	if (!strcmp(cmd, "hold"))
		return cmd_hold(what, seconds, bind);
	if (!strcmp(cmd, "holdgroup"))
		return cmd_holdgroup(what, seconds);
	fprintf(stderr, "usage: vfio-truth status|legacy|type GROUP | cdev DEV | "
		"hold [-b] DEV [SECONDS] | holdgroup GROUP [SECONDS] | map DEV IOVA:LENGTH...\n");
	return USAGE;
}
