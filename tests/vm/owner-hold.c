/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * owner-hold: claims groups and keeps them, for the suites of the noun owner.
 *
 *	owner-hold iommufd [-a] [-c] NODE...	bind these devices' nodes to one iommufd; -a: attach them to an empty
 *						IOAS, too; -c: close the iommufd itself, so that only the nodes keep it
 *	owner-hold container NODE		claim a group by its node through a VFIO container
 *	owner-hold objects NODE...		an iommufd with two IOAS, a page table for the first device, which is attached to it, and the
 *						other devices attached to the second IOAS
 *	owner-hold collide NODE DOORBELL	attach a device to an IOAS in which memory is mapped where its interrupts arrive
 *	owner-hold mock				an iommufd with one object of each type that this kernel's mock can make
 *
 * The last two print a line "TYPE ID" for each object, with what the ioctls returned. Prints "held" when done, or the step that failed and its errno, and then waits for a signal.
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
#define IOMMUFD(n)		_IO(';', (n))
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

/* -- objects, by what the ioctls say ------------------------------------------------------------------------------ */

static void made(const char *type, uint32_t id)
{
	printf("%s %u\n", type, id);
}

static uint32_t make_ioas(int iommufd)
{
	struct {
		uint32_t size, flags, id;
	} a = { .size = sizeof(a) };

	must("ioas", ioctl(iommufd, IOMMUFD_IOAS_ALLOC, &a));
	made("ioas", a.id);
	return a.id;
}

struct hwpt_alloc {
	uint32_t size, flags, dev, pt, id, reserved, data_type, data_len;
	uint64_t data;
	uint32_t fault, reserved2;
};

static uint32_t make_hwpt(int iommufd, const char *type, struct hwpt_alloc a)
{
	a.size = sizeof(a);
	must(type, ioctl(iommufd, IOMMUFD(0x89), &a));
	made(type, a.id);
	return a.id;
}

static uint32_t bind_node(int iommufd, const char *node, int *ret_fd)
{
	struct {
		uint32_t argsz, flags;
		int32_t iommufd;
		uint32_t id;
	} bind = { .argsz = sizeof(bind), .iommufd = iommufd };

	*ret_fd = open_node(node);
	must("bind", ioctl(*ret_fd, VFIO_DEVICE_BIND, &bind));
	made("device", bind.id);
	return bind.id;
}

static uint32_t attach(int fd, uint32_t pt)
{
	struct {
		uint32_t argsz, flags, pt;
	} to = { .argsz = sizeof(to), .pt = pt };

	must("attach", ioctl(fd, VFIO_DEVICE_ATTACH, &to));
	return to.pt;
}

static void hold_objects(char **nodes, int n)
{
	int iommufd = open_node("/dev/iommu"), fd;
	uint32_t first = make_ioas(iommufd), second = make_ioas(iommufd), last = 0;

	for (int i = 0; i < n; i++) {
		uint32_t dev = bind_node(iommufd, nodes[i], &fd), hwpt;

		if (!i) {
			attach(fd, make_hwpt(iommufd, "hwpt-paging", (struct hwpt_alloc){ .dev = dev, .pt = first }));
			continue;
		}
		hwpt = attach(fd, second);
		if (hwpt != last)
			made("hwpt-paging", hwpt);
		last = hwpt;
	}
}

static void hold_collision(const char *node, const char *doorbell)
{
	int iommufd = open_node("/dev/iommu"), fd;
	uint32_t ioas = make_ioas(iommufd);
	struct {
		uint32_t size, flags, ioas, reserved;
		uint64_t va, length, iova;
	} map = { .size = sizeof(map), .flags = 7, .ioas = ioas, .length = 4096, .iova = strtoull(doorbell, NULL, 0) };

	bind_node(iommufd, node, &fd);
	map.va = (uintptr_t)aligned_alloc(4096, 4096);
	must("map", ioctl(iommufd, IOMMUFD(0x85), &map));
	attach(fd, ioas);
}

/* The selftest's own command (iommufd_test.h): 16 bytes of head, and a union of which we use the first words. */
struct mock {
	uint32_t size, op, id, reserved;
	uint32_t v[12];
	uint64_t last;
};

static uint32_t make_queue(int iommufd)
{
	struct {
		uint32_t size, flags, id, fd;
	} q = { .size = sizeof(q) };

	must("fault", ioctl(iommufd, IOMMUFD(0x8e), &q));
	made("fault", q.id);
	return q.id;
}

/* From 6.13 on; a kernel without says ENOTTY. */
static void make_viommu(int iommufd, uint32_t dev, uint32_t parent)
{
	struct {
		uint32_t size, flags, type, dev, hwpt, id;
	} v = { .size = sizeof(v), .type = 0xdeadbeef, .dev = dev, .hwpt = parent };
	struct {
		uint32_t size, viommu, dev, id;
		uint64_t virt_id;
	} d = { .size = sizeof(d), .dev = dev, .virt_id = 0x99 };
	struct {
		uint32_t size, flags, viommu, type, depth, id, fd, reserved;
	} e = { .size = sizeof(e), .type = 0xbeefbeef, .depth = 2 };

	if (ioctl(iommufd, IOMMUFD(0x90), &v) < 0 && errno == ENOTTY)
		return;
	made("viommu", v.id);
	d.viommu = e.viommu = v.id;
	must("vdevice", ioctl(iommufd, IOMMUFD(0x91), &d));
	made("vdevice", d.id);
	must("veventq", ioctl(iommufd, IOMMUFD(0x93), &e));
	made("veventq", e.id);
}

static void hold_mock(void)
{
	int iommufd = open_node("/dev/iommu");
	uint32_t ioas = make_ioas(iommufd), iotlb = 7, parent, nested, queue;
	struct mock m = { .size = sizeof(m), .op = 2, .id = ioas }, access = { .size = sizeof(m), .op = 5, .id = ioas },
		    replace = { .size = sizeof(m), .op = 10 };

	must("mock", ioctl(iommufd, IOMMUFD(0xa0), &m));
	made("selftest", m.v[0]);
	made("device", m.v[2]);
	parent = make_hwpt(iommufd, "hwpt-paging", (struct hwpt_alloc){ .flags = 1, .dev = m.v[2], .pt = ioas });
	queue = make_queue(iommufd);
	nested = make_hwpt(iommufd, "hwpt-nested",
			   (struct hwpt_alloc){ .flags = 4, .dev = m.v[2], .pt = parent, .data_type = 0xdead,
						.data_len = sizeof(iotlb), .data = (uintptr_t)&iotlb, .fault = queue });
	/* its automatic page table goes with that */
	replace.id = m.v[0];
	replace.v[0] = nested;
	must("replace", ioctl(iommufd, IOMMUFD(0xa0), &replace));
	must("access", ioctl(iommufd, IOMMUFD(0xa0), &access));
	make_viommu(iommufd, m.v[2], parent);
}

int main(int argc, char **argv)
{
	int attach = 0, drop = 0, i = 2;

	for (; i < argc && argv[i][0] == '-'; i++) {
		attach |= argv[i][1] == 'a';
		drop |= argv[i][1] == 'c';
	}
	if (argc == 2 && !strcmp(argv[1], "mock"))
		hold_mock();
	else if (i >= argc)
		return 2;
	else if (!strcmp(argv[1], "iommufd"))
		hold_iommufd(argv + i, argc - i, attach, drop);
	else if (!strcmp(argv[1], "objects"))
		hold_objects(argv + i, argc - i);
	else if (!strcmp(argv[1], "collide"))
		hold_collision(argv[i], argc > i + 1 ? argv[i + 1] : "0xfee00000");
	else if (!strcmp(argv[1], "container"))
		hold_container(argv[i]);
	else
		return 2;
	printf("held\n");
	fflush(stdout);
	pause();
	return 0;
}
