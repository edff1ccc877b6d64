/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pass-fd: descriptors that come over a socket, and rights that come with a program.
 *
 *	pass-fd give SOCKET FILE	opens FILE, hands its descriptor to the first who connects, and says "ready" when one can
 *	pass-fd take SOCKET		gets one, and uses it as an iommufd: makes an IOAS, and destroys one that does not exist
 *	pass-fd open FILE		opens an iommufd itself and uses it so
 *
 * Exit 0: the iommufd did what was asked; 3: FILE cannot be opened.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "abi/iommufd.h"

union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(a.sun_path))
		errx(2, "%s: too long", path);
	strcpy(a.sun_path, path);
	return a;
}

static int give(const char *path, const char *file)
{
	struct sockaddr_un a = address(path);
	union control c = { 0 };
	char byte = 0;
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c) };
	int s = socket(AF_UNIX, SOCK_STREAM, 0), fd = open(file, O_RDWR), peer;

	if (fd < 0)
		err(3, "%s", file);
	if (s < 0 || bind(s, (struct sockaddr *)&a, sizeof(a)) || listen(s, 1))
		err(1, "%s", path);
	puts("ready");
	fflush(stdout);
	peer = accept(s, NULL, NULL);
	c.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&c.head), &fd, sizeof(fd));
	return sendmsg(peer, &m, 0) == 1 ? 0 : 1;
}

static int use(int fd)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct iommu_destroy gone = { .size = sizeof(gone), .id = 0x7fffffff };

	if (ioctl(fd, IOMMU_IOAS_ALLOC, &alloc))
		err(1, "IOMMU_IOAS_ALLOC");
	return ioctl(fd, IOMMU_DESTROY, &gone) < 0 && errno == ENOENT ? 0 : 1;
}

static int take(const char *path)
{
	struct sockaddr_un a = address(path);
	union control c = { 0 };
	char byte;
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c) };
	int s = socket(AF_UNIX, SOCK_STREAM, 0), fd;

	if (s < 0 || connect(s, (struct sockaddr *)&a, sizeof(a)) || recvmsg(s, &m, 0) != 1 || c.head.cmsg_type != SCM_RIGHTS)
		err(1, "%s", path);
	memcpy(&fd, CMSG_DATA(&c.head), sizeof(fd));
	return use(fd);
}

int main(int argc, char **argv)
{
	int fd;

	if (argc == 4 && !strcmp(argv[1], "give"))
		return give(argv[2], argv[3]);
	if (argc == 3 && !strcmp(argv[1], "take"))
		return take(argv[2]);
	if (argc != 3 || strcmp(argv[1], "open"))
		errx(2, "usage: pass-fd give SOCKET FILE | take SOCKET | open FILE");
	fd = open(argv[2], O_RDWR);
	if (fd < 0)
		err(3, "%s", argv[2]);
	return use(fd);
}
