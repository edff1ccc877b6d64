// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes a large machine's /sys for measurements: mktree DIR GROUPS
 *
 * Each group is a root port without ACS and the three functions of one card below it, so GROUPS 1024
 * gives 4,096 devices. 128 root ports a PCI domain, one VT-d unit for every 128 groups (at most 8). Each NVMe function has a disk, each
 * network function an interface.
 * The attributes are those that the kernel makes and that lspci reads.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PORTS_PER_DOMAIN 128
#define UNITS 8

static const char *top;

static void die(const char *what)
{
	fprintf(stderr, "mktree: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void make_dirs(const char *path)
{
	char p[512];

	snprintf(p, sizeof(p), "%s", path);
	for (char *s = p + 1; *s; s++) {
		if (*s != '/')
			continue;
		*s = '\0';
		if (mkdir(p, 0755) < 0 && errno != EEXIST)
			die(p);
		*s = '/';
	}
	if (mkdir(p, 0755) < 0 && errno != EEXIST)
		die(p);
}

static void put(const char *dir, const char *file, const void *data, size_t n)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || write(fd, data, n) != (ssize_t)n || close(fd) < 0)
		die(path);
}

static void text(const char *dir, const char *file, const char *s)
{
	put(dir, file, s, strlen(s));
}

static void link_to(const char *target, const char *dir, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (symlink(target, path) < 0 && errno != EEXIST)
		die(path);
}

struct kind {
	unsigned vendor, device, class;
	const char *driver;
};

static const struct kind port = { 0x8086, 0x3420, 0x060400, "pcieport" };
static const struct kind card[] = {
	{ 0x8086, 0x10d3, 0x020000, "e1000e" },
	{ 0x144d, 0xa808, 0x010802, "nvme" },
	{ 0x10de, 0x2204, 0x030000, NULL },
};

/* Header, PCI Express capability at 0x40, an end of the extended list at 0x100. */
static void put_config(const char *dir, const struct kind *k, int is_port, unsigned bus)
{
	uint8_t c[4096] = { 0 };

	c[0] = k->vendor;
	c[1] = k->vendor >> 8;
	c[2] = k->device;
	c[3] = k->device >> 8;
	c[6] = 0x10; /* has a capability list */
	c[9] = k->class;
	c[10] = k->class >> 8;
	c[11] = k->class >> 16;
	c[14] = is_port ? 0x81 : 0x80;
	c[0x34] = 0x40;
	c[0x40] = 0x10;
	c[0x42] = (is_port ? 4 : 0) << 4 | 2;
	if (is_port) {
		c[0x19] = bus;
		c[0x1a] = bus;
	}
	put(dir, "config", c, sizeof(c));
}

static void make_device(const char *dir, const char *name, const struct kind *k, unsigned group, unsigned unit,
			int is_port, unsigned bus)
{
	/* from sys/devices/pciDDDD:00[/PORT]/NAME up to sys */
	const char *up = is_port ? "../../.." : "../../../..";
	char s[1024], sub[512];

	make_dirs(dir);
	snprintf(s, sizeof(s), "%s%s%sPCI_CLASS=%X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=1AF4:1100\nPCI_SLOT_NAME=%s\n",
		 k->driver ? "DRIVER=" : "", k->driver ? k->driver : "", k->driver ? "\n" : "", k->class, k->vendor,
		 k->device, name);
	text(dir, "uevent", s);
	snprintf(s, sizeof(s), "0x%04x\n", k->vendor);
	text(dir, "vendor", s);
	snprintf(s, sizeof(s), "0x%04x\n", k->device);
	text(dir, "device", s);
	snprintf(s, sizeof(s), "0x%06x\n", k->class);
	text(dir, "class", s);
	text(dir, "subsystem_vendor", "0x1af4\n");
	text(dir, "subsystem_device", "0x1100\n");
	text(dir, "revision", "0x01\n");
	text(dir, "irq", "11\n");
	text(dir, "numa_node", "0\n");
	text(dir, "enable", "1\n");
	text(dir, "driver_override", "(null)\n");
	text(dir, "reset_method", "flr bus\n");
	s[0] = '\0';
	for (int i = 0; i < 13; i++)
		strcat(s, "0x0000000000000000 0x0000000000000000 0x0000000000000000\n");
	put(dir, "resource", s, strlen(s));
	snprintf(s, sizeof(s), "pci:v%08Xd%08Xsv00001AF4sd00001100bc%02Xsc%02Xi%02X\n", k->vendor, k->device,
		 k->class >> 16, k->class >> 8 & 0xff, k->class & 0xff);
	text(dir, "modalias", s);
	put_config(dir, k, is_port, bus);
	snprintf(sub, sizeof(sub), "%s/power", dir);
	make_dirs(sub);
	text(sub, "runtime_status", "active\n");

	snprintf(s, sizeof(s), "%s/bus/pci", up);
	link_to(s, dir, "subsystem");
	snprintf(s, sizeof(s), "%s/kernel/iommu_groups/%u", up, group);
	link_to(s, dir, "iommu_group");
	snprintf(s, sizeof(s), "%s/devices/virtual/iommu/dmar%u", up, unit);
	link_to(s, dir, "iommu");
	if (k->driver) {
		snprintf(s, sizeof(s), "%s/bus/pci/drivers/%s", up, k->driver);
		link_to(s, dir, "driver");
	}
}

/* The links that lead to a device: from the bus, its driver, its group and its unit. */
static void make_links(const char *path, const char *name, const struct kind *k, unsigned group, unsigned unit)
{
	char target[512], dir[512];

	snprintf(target, sizeof(target), "../../../devices/%s", path);
	snprintf(dir, sizeof(dir), "%s/sys/bus/pci/devices", top);
	link_to(target, dir, name);
	if (k->driver) {
		snprintf(target, sizeof(target), "../../../../devices/%s", path);
		snprintf(dir, sizeof(dir), "%s/sys/bus/pci/drivers/%s", top, k->driver);
		make_dirs(dir);
		link_to(target, dir, name);
	}
	snprintf(target, sizeof(target), "../../../../devices/%s", path);
	snprintf(dir, sizeof(dir), "%s/sys/kernel/iommu_groups/%u/devices", top, group);
	make_dirs(dir);
	link_to(target, dir, name);
	snprintf(target, sizeof(target), "../../../../%s", path);
	snprintf(dir, sizeof(dir), "%s/sys/devices/virtual/iommu/dmar%u/devices", top, unit);
	link_to(target, dir, name);
}

/* What hangs on the card: DIR/WHERE/NAME, and the links of the classes to it. */
static void make_hanger(const char *path, const char *where, const char *name, const char *const *classes)
{
	char dir[512], target[512];

	snprintf(dir, sizeof(dir), "%s/sys/devices/%s/%s/%s", top, path, where, name);
	make_dirs(dir);
	text(dir, "uevent", "");
	for (; *classes; classes++) {
		snprintf(dir, sizeof(dir), "%s/sys/%s", top, *classes);
		snprintf(target, sizeof(target), "%sdevices/%s/%s/%s", strchr(*classes, '/') ? "../../" : "../", path, where, name);
		make_dirs(dir);
		link_to(target, dir, name);
	}
}

static void make_hangers(const char *path, const struct kind *k, unsigned g)
{
	static const char *const net[] = { "class/net", NULL }, *const disk[] = { "class/block", "block", NULL };
	char where[64], name[32];

	if (k->class == 0x020000) {
		snprintf(name, sizeof(name), "eth%u", g);
		make_hanger(path, "net", name, net);
	} else if (k->class == 0x010802) {
		snprintf(where, sizeof(where), "nvme/nvme%u", g);
		snprintf(name, sizeof(name), "nvme%un1", g);
		make_hanger(path, where, name, disk);
	}
}

/* The disk of the first group is mounted. */
static void make_uses(void)
{
	char dir[512];

	snprintf(dir, sizeof(dir), "%s/sys/class/block/nvme0n1", top);
	text(dir, "dev", "259:0\n");
	snprintf(dir, sizeof(dir), "%s/proc/1", top);
	make_dirs(dir);
	text(dir, "mountinfo", "30 1 259:0 / /data rw - ext4 /dev/nvme0n1 rw\n");
	snprintf(dir, sizeof(dir), "%s/proc", top);
	text(dir, "swaps", "Filename\tType\tSize\tUsed\tPriority\n");
}

static void make_group(unsigned g)
{
	unsigned domain = g / PORTS_PER_DOMAIN, n = g % PORTS_PER_DOMAIN, bus = n + 1, unit = domain % UNITS;
	char port_name[32], name[32], path[256], dir[512];

	snprintf(port_name, sizeof(port_name), "%04x:00:%02x.%u", domain, n / 8 + 1, n % 8);
	snprintf(path, sizeof(path), "pci%04x:00/%s", domain, port_name);
	snprintf(dir, sizeof(dir), "%s/sys/devices/%s", top, path);
	make_device(dir, port_name, &port, g, unit, 1, bus);
	make_links(path, port_name, &port, g, unit);
	for (unsigned fn = 0; fn < 3; fn++) {
		snprintf(name, sizeof(name), "%04x:%02x:00.%u", domain, bus, fn);
		snprintf(path, sizeof(path), "pci%04x:00/%s/%s", domain, port_name, name);
		snprintf(dir, sizeof(dir), "%s/sys/devices/%s", top, path);
		make_device(dir, name, &card[fn], g, unit, 0, bus);
		make_links(path, name, &card[fn], g, unit);
		make_hangers(path, &card[fn], g);
	}
	snprintf(dir, sizeof(dir), "%s/sys/kernel/iommu_groups/%u", top, g);
	text(dir, "type", "DMA-FQ\n");
	text(dir, "reserved_regions", "0x00000000fee00000 0x00000000feefffff msi\n");
}

static void make_unit(unsigned u)
{
	char dir[512], target[64];

	snprintf(dir, sizeof(dir), "%s/sys/devices/virtual/iommu/dmar%u/devices", top, u);
	make_dirs(dir);
	snprintf(dir, sizeof(dir), "%s/sys/devices/virtual/iommu/dmar%u/intel-iommu", top, u);
	make_dirs(dir);
	text(dir, "version", "1:0\n");
	text(dir, "address", "fed90000\n");
	text(dir, "cap", "d2008c222f0686\n");
	text(dir, "ecap", "f00f5e\n");
	text(dir, "domains_supported", "65536\n");
	text(dir, "domains_used", "7\n");
	snprintf(dir, sizeof(dir), "%s/sys/class/iommu", top);
	make_dirs(dir);
	snprintf(target, sizeof(target), "../../devices/virtual/iommu/dmar%u", u);
	link_to(target, dir, strrchr(target, '/') + 1);
}

int main(int argc, char **argv)
{
	unsigned groups = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	char dir[512];

	if (!groups || groups > 65536) {
		fprintf(stderr, "usage: mktree DIR GROUPS (1 to 65536; four devices each)\n");
		return 2;
	}
	top = argv[1];
	snprintf(dir, sizeof(dir), "%s/sys/bus/pci/devices", top);
	make_dirs(dir);
	for (unsigned u = 0; u < UNITS; u++)
		make_unit(u);
	for (unsigned g = 0; g < groups; g++)
		make_group(g);
	make_uses();
	return 0;
}
