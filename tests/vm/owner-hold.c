/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * owner-hold: claims groups and keeps them, for the suites of the noun owner.
 *
 *	owner-hold iommufd [-a] [-c] NODE...	bind these devices' nodes to one iommufd; -a: attach them to an empty
 *						IOAS, too; -c: close the iommufd itself, so that only the nodes keep it
 *	owner-hold container NODE		claim a group by its node through a VFIO container
 *
 * Prints "held" when done, or the step that failed and its errno, and then waits for a signal.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define VFIO(n)			_IO(';', 100 + (n))
#define VFIO_SET_IOMMU		VFIO(2)
#define VFIO_GROUP_SET_CONTAINER VFIO(4)
#define VFIO_DEVICE_BIND	VFIO(18)
#define VFIO_DEVICE_ATTACH	VFIO(19)
#define IOMMUFD_IOAS_ALLOC	_IO(';', 0x81)
#define TYPE1V2			3

static int must(const char *step, int ret)
{
	if (ret >= 0)
		return ret;
	printf("%s: %s\n", step, strerrorname_np(errno));
	exit(1);
}

static int open_node(const char *path)
{
	return must(path, open(path, O_RDWR | O_CLOEXEC));
}

static void hold_iommufd(char **nodes, int n, int attach, int drop)
{
	struct {
		uint32_t size, flags, id;
	} ioas = { .size = sizeof(ioas) };
	int iommufd = open_node("/dev/iommu");

	must("ioas", ioctl(iommufd, IOMMUFD_IOAS_ALLOC, &ioas));
	for (int i = 0; i < n; i++) {
		struct {
			uint32_t argsz, flags;
			int32_t iommufd;
			uint32_t id;
		} bind = { .argsz = sizeof(bind), .iommufd = iommufd };
		struct {
			uint32_t argsz, flags, pt;
		} to = { .argsz = sizeof(to), .pt = ioas.id };
		int fd = open_node(nodes[i]);

		must("bind", ioctl(fd, VFIO_DEVICE_BIND, &bind));
		if (attach)
			must("attach", ioctl(fd, VFIO_DEVICE_ATTACH, &to));
	}
	if (drop)
		close(iommufd);
}

static void hold_container(const char *node)
{
	int container = open_node("/dev/vfio/vfio");
	int group = open_node(node);

	must("set_container", ioctl(group, VFIO_GROUP_SET_CONTAINER, &container));
	must("set_iommu", ioctl(container, VFIO_SET_IOMMU, (unsigned long)TYPE1V2));
}

int main(int argc, char **argv)
{
	int attach = 0, drop = 0, i = 2;

	for (; i < argc && argv[i][0] == '-'; i++) {
		attach |= argv[i][1] == 'a';
		drop |= argv[i][1] == 'c';
	}
	if (i >= argc)
		return 2;
	if (!strcmp(argv[1], "iommufd"))
		hold_iommufd(argv + i, argc - i, attach, drop);
	else if (!strcmp(argv[1], "container"))
		hold_container(argv[i]);
	else
		return 2;
	printf("held\n");
	fflush(stdout);
	pause();
	return 0;
}
