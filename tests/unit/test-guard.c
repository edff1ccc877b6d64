// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"
#include "diag/guard.h"
#include "machine.h"

#define NIC  "0000:01:00.0"
#define DISK "0000:02:00.0"
#define GPU  "0000:03:00.0"
#define USB  "0000:00:14.0"

static const char disk_path[] = "sys/devices/pci0000:00/0000:00:02.0/" DISK "/nvme/nvme0/nvme0n1";

static void add_block(struct machine *m, const char *name, const char *path, const char *dev)
{
	char link[256], file[512];

	snprintf(link, sizeof(link), "sys/class/block/%s", name);
	snprintf(file, sizeof(file), "../../../%s", path);
	machine_link(m, link, file);
	snprintf(file, sizeof(file), "%s/dev", path);
	machine_file(m, file, "%s\n", dev);
}

static void add_holder(struct machine *m, const char *path, const char *holder)
{
	char file[512];

	snprintf(file, sizeof(file), "%s/holders/%s", path, holder);
	machine_link(m, file, "x");
}

static int set_up(void **state)
{
	static const struct machine_pci v[] = {
		{ "0000:00:01.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 1, .driver = "pcieport" },
		{ "0000:00:01.0/" NIC, .group = 2, .driver = "e1000e" },
		{ "0000:00:02.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 3, .driver = "pcieport" },
		{ "0000:00:02.0/" DISK, .group = 4, .driver = "nvme", .class = 0x010802 },
		{ "0000:00:03.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 5, .driver = "pcieport" },
		{ "0000:00:03.0/" GPU, .group = 6, .driver = "nouveau", .class = 0x030000 },
		{ USB, .group = 7, .driver = "xhci_hcd", .class = 0x0c0330 },
	};
	struct machine *m = calloc(1, sizeof(*m));
	char part[300];

	machine_new(m);
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		machine_pci(m, &v[i]);
	machine_link(m, "sys/class/net/eth0", "../../devices/pci0000:00/0000:00:01.0/" NIC "/net/eth0");
	machine_link(m, "sys/block/nvme0n1", "../devices/pci0000:00/0000:00:02.0/" DISK "/nvme/nvme0/nvme0n1");
	add_block(m, "nvme0n1", disk_path, "259:0");
	snprintf(part, sizeof(part), "%s/nvme0n1p2", disk_path);
	add_block(m, "nvme0n1p2", part, "259:2");
	machine_file(m, "proc/1/mountinfo", "20 1 0:19 / /proc rw - proc proc rw\n");
	machine_file(m, "proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
	machine_file(m, "iommuctl/network.json", "{\"links\":[],\"addresses\":[],\"routes\":[]}");
	*state = m;
	return 0;
}

static int tear_down(void **state)
{
	machine_free(*state);
	free(*state);
	return 0;
}

static struct guard judge(struct machine *m, const char *addr, const char *ssh)
{
	struct guard g = { 0 };
	struct device *d;

	machine_load(m);
	d = machine_dev(m, addr);
	device_guard(guard_facts_read(m->host, ssh), d, &d, 1, &g);
	return g;
}

static const struct reason *reason_of(const struct guard *g, const char *code)
{
	const struct reason *v = g->reasons.v;

	for (size_t i = 0; i < g->reasons.n; i++)
		if (streq(v[i].code, code))
			return &v[i];
	return NULL;
}

static void expect_loss(struct machine *m, const char *addr, const char *code, const char *text)
{
	struct guard g = judge(m, addr, NULL);
	const struct reason *r = reason_of(&g, code);

	assert_string_equal(g.verdict, "loss");
	assert_non_null(r);
	assert_string_equal(r->text, text);
}

static void idle_devices_are_safe(void **state)
{
	static const char *const all[] = { NIC, DISK, GPU, USB };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct guard g = judge(*state, all[i], "192.0.2.7 1234 192.0.2.1 22");

		assert_string_equal(g.verdict, "safe");
		assert_int_equal(g.missing, 0);
	}
}

/* What a capture says of the namespaces that it was made in. */
static void containers(void **state)
{
	static const struct {
		const char *pid, *net, *first_net, *mnt; /* NULL: the capture has no such link */
		const char *verdict, *severity, *text;
	} t[] = {
		{ NULL, NULL, NULL, NULL, "safe", "note",
		  "whether this is the view from the machine's own pid namespace cannot be told: not captured in this snapshot" },
		{ "pid:[4026531836]", "net:[1]", "net:[1]", "mnt:[3]", "safe", NULL, NULL },
		{ "pid:[4026531836]", "net:[2]", "net:[1]", "mnt:[3]", "unknown", "unknown",
		  "this is the view from a net namespace of its own, as in a container: what the machine itself uses cannot be seen "
		  "from there" },
		{ "pid:[4026531836]", "net:[1]", "net:[1]", "mnt:[4]", "unknown", "unknown",
		  "this is the view from a mnt namespace of its own, as in a container: what the machine itself uses cannot be seen "
		  "from there" },
		{ "pid:[4026532001]", "net:[1]", "net:[1]", "mnt:[3]", "unknown", "unknown",
		  "this is the view from a pid namespace of its own, as in a container: what the machine itself uses cannot be seen "
		  "from there" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct reason *r;
		struct guard g;

		if (i > 1) {
			machine_remove(*state, "proc/self");
			machine_remove(*state, "proc/1/ns");
		}
		if (t[i].pid) {
			machine_link(*state, "proc/self/ns/pid", t[i].pid);
			machine_link(*state, "proc/self/ns/net", t[i].net);
			machine_link(*state, "proc/1/ns/net", t[i].first_net);
			machine_link(*state, "proc/self/ns/mnt", t[i].mnt);
			machine_link(*state, "proc/1/ns/mnt", "mnt:[3]");
		}
		g = judge(*state, GPU, NULL);
		r = reason_of(&g, "container");
		assert_string_equal(g.verdict, t[i].verdict);
		if (!t[i].severity) {
			assert_null(r);
			continue;
		}
		assert_non_null(r);
		assert_string_equal(r->severity, t[i].severity);
		assert_string_equal(r->text, t[i].text);
	}
}

static void a_mounted_partition(void **state)
{
	machine_file(*state, "proc/1/mountinfo",
		     "30 1 259:2 / /mnt/my\\040disk rw - ext4 /dev/nvme0n1p2 rw\n31 1 259:2 /x /srv rw - ext4 /dev/nvme0n1p2 rw\n");
	expect_loss(*state, DISK, "mounted", "nvme0n1p2 is mounted on /mnt/my disk and /srv");
}

static void an_encrypted_volume_group(void **state)
{
	struct machine *m = *state;
	char part[300];

	snprintf(part, sizeof(part), "%s/nvme0n1p2", disk_path);
	add_block(m, "dm-0", "sys/devices/virtual/block/dm-0", "253:0");
	add_block(m, "dm-1", "sys/devices/virtual/block/dm-1", "253:1");
	machine_file(m, "sys/devices/virtual/block/dm-1/dm/name", "vg-root\n");
	add_holder(m, part, "dm-0");
	add_holder(m, "sys/devices/virtual/block/dm-0", "dm-1");
	machine_file(m, "proc/1/mountinfo", "30 1 253:1 / / rw - ext4 /dev/mapper/vg-root rw\n");
	expect_loss(m, DISK, "mounted", "dm-1, vg-root (on dm-0, on nvme0n1p2) is mounted on /");
	machine_file(m, "proc/1/mountinfo", "30 1 0:1 / / rw - tmpfs tmpfs rw\n");
	expect_loss(m, DISK, "in-use", "nvme0n1p2 is part of a device-mapper, RAID or cache device");
	machine_file(m, "proc/swaps", "Filename Type\n/dev/dm-1 partition 1 2 3\n");
	expect_loss(m, DISK, "swap", "the machine swaps to /dev/dm-1, on dm-1, vg-root (on dm-0, on nvme0n1p2)");
}

static void a_swap_file_and_a_loop_device(void **state)
{
	struct machine *m = *state;

	machine_file(m, "proc/1/mountinfo", "30 1 0:1 / / rw - tmpfs tmpfs rw\n31 1 259:2 / /data rw - xfs /dev/nvme0n1p2 rw\n"
		     "32 1 7:3 / /snap rw - squashfs /dev/loop3 ro\n");
	machine_file(m, "proc/swaps", "Filename Type\n/data/swap\\040file file 1 2 3\n");
	expect_loss(m, DISK, "swap", "the machine swaps to /data/swap file, on nvme0n1p2");
	machine_link(m, "sys/block/loop3", "../devices/virtual/block/loop3");
	add_block(m, "loop3", "sys/devices/virtual/block/loop3", "7:3");
	machine_file(m, "sys/devices/virtual/block/loop3/loop/backing_file", "/data/image\n");
	expect_loss(m, DISK, "mounted", "nvme0n1p2 is mounted on /data");
	assert_int_equal(judge(m, DISK, NULL).reasons.n, 5); /* and the two that a capture does not say */
}

static void btrfs_has_numbers_of_its_own(void **state)
{
	machine_file(*state, "proc/1/mountinfo", "30 1 0:29 / /home rw - btrfs /dev/sdz rw\n");
	machine_link(*state, "sys/fs/btrfs/b0a7/devices/nvme0n1p2", "x");
	expect_loss(*state, DISK, "mounted",
		    "a file system on nvme0n1p2 is mounted, in another mount namespace or with other disks");
}

/* ZFS says nowhere which disks it has: only what udev found written on them, and that it is loaded. */
static void a_member_of_a_zfs_pool(void **state)
{
	machine_file(*state, "run/udev/data/b259:2", "S:disk/by-id/x\nE:ID_FS_LABEL=tank\nE:ID_FS_TYPE=zfs_member\n");
	assert_string_equal(judge(*state, DISK, NULL).verdict, "safe");
	machine_file(*state, "sys/module/zfs/version", "2.1.11\n");
	expect_loss(*state, DISK, "zfs", "nvme0n1p2 belongs to a ZFS pool; whether the pool is imported cannot be seen");
	machine_file(*state, "run/udev/data/b259:2", "E:ID_FS_TYPE=ext4\n");
	assert_string_equal(judge(*state, DISK, NULL).verdict, "safe");
}

static void mounted_in_another_namespace(void **state)
{
	machine_file(*state, "sys/fs/ext4/nvme0n1p2/errors_count", "0\n");
	assert_string_equal(judge(*state, DISK, NULL).verdict, "loss");
}

static void no_mount_table(void **state)
{
	struct guard g;

	machine_remove(*state, "proc/1/mountinfo");
	g = judge(*state, DISK, NULL);
	assert_string_equal(g.verdict, "unknown");
	assert_true(g.missing < 0);
	/* what has no disks does not need it */
	assert_string_equal(judge(*state, GPU, NULL).verdict, "safe");
}

#define LINK(n, kind, master, lower, dev) \
	"{\"name\":\"" n "\",\"ifindex\":1,\"kind\":" kind ",\"up\":true,\"running\":true,\"loopback\":false,\"master\":" master \
	",\"lower\":" lower ",\"device_bus\":null,\"device\":" dev ",\"address\":null}"

static void set_network(struct machine *m, const char *route)
{
	machine_file(m, "iommuctl/network.json",
		     "{\"links\":[" LINK("eth0", "null", "\"bond0\"", "null", "\"" NIC "\"") ","
		     LINK("bond0", "\"bond\"", "\"br0\"", "null", "null") ","
		     LINK("br0", "\"bridge\"", "null", "null", "null") ","
		     LINK("br0.7", "\"vlan\"", "null", "\"br0\"", "null") "],"
		     "\"addresses\":[{\"link\":\"br0.7\",\"family\":\"inet\",\"scope\":\"global\",\"address\":\"198.51.100.2/24\"}],"
		     "\"routes\":[%s]}", route);
}

static void the_default_route_over_everything(void **state)
{
	set_network(*state, "{\"link\":\"br0.7\",\"family\":\"inet\",\"table\":254,\"metric\":0,\"default\":true,"
			    "\"destination\":null,\"gateway\":\"198.51.100.1\",\"via\":true}");
	expect_loss(*state, NIC, "default-route", "the default route goes over br0.7, over eth0");
	assert_string_equal(judge(*state, DISK, NULL).verdict, "safe");
}

static void an_address_alone_is_a_warning(void **state)
{
	struct guard g;

	set_network(*state, "");
	g = judge(*state, NIC, NULL);
	assert_string_equal(g.verdict, "safe");
	assert_non_null(reason_of(&g, "address"));
}

static void the_ssh_connection(void **state)
{
	struct guard g;

	set_network(*state, "");
	g = judge(*state, NIC, "203.0.113.9 51234 198.51.100.2 22");
	assert_string_equal(g.verdict, "loss");
	assert_string_equal(reason_of(&g, "ssh")->text, "your ssh connection comes in over br0.7, over eth0");
	assert_string_equal(judge(*state, NIC, "203.0.113.9 51234 198.51.100.3 22").verdict, "safe");
}

static void a_file_server(void **state)
{
	set_network(*state, "{\"link\":\"br0\",\"family\":\"inet\",\"table\":254,\"metric\":0,\"default\":false,"
			    "\"destination\":\"203.0.112.0/22\",\"gateway\":null,\"via\":false}");
	machine_file(*state, "proc/1/mountinfo", "30 1 0:40 / /home rw - nfs4 srv:/home rw,vers=4.2,clientaddr=198.51.100.2,addr=203.0.115.9\n");
	expect_loss(*state, NIC, "server", "/home (nfs4) comes from 203.0.115.9, over br0, over eth0");
	machine_file(*state, "proc/1/mountinfo", "30 1 0:40 / /home rw - nfs4 srv:/home rw,vers=4.2,addr=203.0.116.9\n");
	assert_string_equal(judge(*state, NIC, NULL).verdict, "safe");
	machine_file(*state, "proc/1/mountinfo", "30 1 0:40 / /home rw - glusterfs srv:/home rw\n");
	assert_string_equal(judge(*state, NIC, NULL).verdict, "unknown");
}

static void a_network_disk(void **state)
{
	set_network(*state, "{\"link\":\"bond0\",\"family\":\"inet6\",\"table\":254,\"metric\":0,\"default\":true,"
			    "\"destination\":null,\"gateway\":\"fe80::1\",\"via\":true}");
	machine_file(*state, "sys/class/nvme/nvme3/transport", "tcp\n");
	machine_file(*state, "sys/class/nvme/nvme3/address", "traddr=2001:db8::7,trsvcid=4420\n");
	expect_loss(*state, NIC, "server", "the disk nvme3 (NVMe over tcp) comes from 2001:db8::7, over bond0, over eth0");
}

static void a_share_over_virtio(void **state)
{
	static const struct machine_pci p = { "0000:00:1e.0", .group = 9, .driver = "virtio-pci", .class = 0x000200 };

	machine_pci(*state, &p);
	machine_file(*state, "sys/bus/pci/devices/0000:00:1e.0/virtio1/mount_tag", "host");
	machine_link(*state, "sys/bus/pci/devices/0000:00:1e.0/virtio1/driver", "../../../bus/virtio/drivers/9pnet_virtio");
	assert_string_equal(judge(*state, "0000:00:1e.0", NULL).verdict, "safe");
	machine_file(*state, "proc/1/mountinfo", "30 1 0:40 / /share rw - 9p host rw,trans=virtio\n");
	expect_loss(*state, "0000:00:1e.0", "mounted", "the 9p share \"host\" that comes over it is mounted on /share");
}

/* The tag is in sysfs from 6.9 on; before that any mount may come over it. */
static void a_share_over_virtiofs(void **state)
{
	static const struct machine_pci p = { "0000:00:1e.0", .group = 9, .driver = "virtio-pci", .class = 0x018000 };
	static const char text[] = "the virtiofs share \"srv\" that comes over it is mounted on /srv";

	machine_pci(*state, &p);
	machine_file(*state, "sys/bus/pci/devices/0000:00:1e.0/virtio1/status", "0x0000000f\n");
	machine_link(*state, "sys/bus/pci/devices/0000:00:1e.0/virtio1/driver", "../../../bus/virtio/drivers/virtiofs");
	assert_string_equal(judge(*state, "0000:00:1e.0", NULL).verdict, "safe");
	machine_file(*state, "proc/1/mountinfo", "30 1 0:40 / /srv rw - virtiofs srv rw\n");
	expect_loss(*state, "0000:00:1e.0", "mounted", text);
}

static void an_iscsi_disk(void **state)
{
	set_network(*state, "{\"link\":\"bond0\",\"family\":\"inet\",\"table\":254,\"metric\":0,\"default\":false,"
			    "\"destination\":\"192.0.2.0/24\",\"gateway\":null,\"via\":false}");
	machine_file(*state, "sys/class/iscsi_connection/connection1:0/address", "192.0.2.9\n");
	expect_loss(*state, NIC, "server", "an iSCSI disk (connection1:0) comes from 192.0.2.9, over bond0, over eth0");
	machine_file(*state, "sys/class/iscsi_connection/connection1:0/address", "198.51.100.9\n");
	assert_string_equal(judge(*state, NIC, NULL).verdict, "safe");
	machine_remove(*state, "sys/class/iscsi_connection/connection1:0/address");
	machine_file(*state, "sys/class/iscsi_connection/connection1:0/port", "3260\n");
	assert_string_equal(judge(*state, NIC, NULL).verdict, "unknown");
}

/* Slaves of a team and of what else has masters are told by the master alone, whatever its kind. */
static void a_team_and_a_macvlan(void **state)
{
	machine_file(*state, "iommuctl/network.json",
		     "{\"links\":[" LINK("eth0", "null", "\"team0\"", "null", "\"" NIC "\"") ","
		     LINK("team0", "\"team\"", "null", "null", "null") ","
		     LINK("mac0", "\"macvlan\"", "null", "\"team0\"", "null") "],\"addresses\":[],"
		     "\"routes\":[{\"link\":\"mac0\",\"family\":\"inet\",\"table\":254,\"metric\":0,\"default\":true,"
		     "\"destination\":null,\"gateway\":\"198.51.100.1\",\"via\":true}]}");
	expect_loss(*state, NIC, "default-route", "the default route goes over mac0, over eth0");
}

static void a_serial_console(void **state)
{
	static const struct machine_pci p = { "0000:00:1d.0", .group = 9, .driver = "serial", .class = 0x070002 };

	machine_pci(*state, &p);
	machine_file(*state, "sys/class/tty/console/active", "tty0 ttyS4\n");
	machine_link(*state, "sys/class/tty/ttyS4", "../../devices/pci0000:00/0000:00:1d.0/tty/ttyS4");
	expect_loss(*state, "0000:00:1d.0", "console", "the console ttyS4 is on it");
}

static void the_screen(void **state)
{
	machine_file(*state, "sys/bus/pci/devices/" GPU "/boot_vga", "0\n");
	assert_string_equal(judge(*state, GPU, NULL).verdict, "safe");
	machine_file(*state, "sys/bus/pci/devices/" GPU "/boot_vga", "1\n");
	expect_loss(*state, GPU, "console", "it is the display that the machine booted on");
	machine_file(*state, "sys/bus/pci/devices/" GPU "/boot_vga", "0\n");
	machine_file(*state, "proc/iomem", "00000000-00000000 : PCI Bus 0000:03\n  00000000-00000000 : 0000:03:00.0\n"
		     "00000000-00000000 : BOOTFB\n");
	assert_string_equal(judge(*state, GPU, NULL).verdict, "safe");
	machine_file(*state, "proc/iomem", "00000000-00000000 : PCI Bus 0000:03\n  00000000-00000000 : 0000:03:00.0\n"
		     "    00000000-00000000 : BOOTFB\n      00000000-00000000 : simplefb\n");
	expect_loss(*state, GPU, "console", "the screen that firmware set up for the console is in its memory");
	machine_link(*state, "sys/class/graphics/fb0", "../../devices/pci0000:00/0000:00:03.0/" GPU "/graphics/fb0");
	expect_loss(*state, GPU, "console", "the text console is shown on its screen");
}

static void the_last_keyboard(void **state)
{
	static const char power[] = "N: Name=\"Power Button\"\nS: Sysfs=/devices/LNXPWRBN:00/input/input0\nH: Handlers=kbd event0\n\n";
	static const char here[] = "N: Name=\"K\"\nS: Sysfs=/devices/pci0000:00/" USB "/usb1/1-1/1-1:1.0/input/input4\n"
				   "H: Handlers=sysrq kbd event4 leds\n\n";
	static const char there[] = "N: Name=\"AT\"\nS: Sysfs=/devices/platform/i8042/serio0/input/input2\nH: Handlers=sysrq kbd leds\n\n";
	struct guard g;

	machine_file(*state, "proc/bus/input/devices", "%s%s", power, here);
	expect_loss(*state, USB, "keyboard", "the machine's only keyboard is on it: \"K\"");
	machine_file(*state, "proc/bus/input/devices", "%s%s%s", power, here, there);
	g = judge(*state, USB, NULL);
	assert_string_equal(g.verdict, "safe");
	assert_string_equal(reason_of(&g, "keyboard")->severity, "warning");
}

#define HELD(pid, comm, kind, node, syspath, unit) \
	"{\"pid\":" pid ",\"uid\":0,\"comm\":\"" comm "\",\"args\":null,\"fd\":7,\"kind\":\"" kind "\",\"node\":\"/dev/" node "\"," \
	"\"group\":null,\"vfio_dev\":null,\"syspath\":\"/" syspath "\",\"unit\":" unit ",\"guest\":null}"

static void set_held(struct machine *m, const char *rows, const char *complete)
{
	machine_file(m, "iommuctl/holders.json", "{\"complete\":%s,\"nodes\":true,\"unseen\":0,\"why\":%s,\"held\":[%s]}", complete,
		     streq(complete, "true") ? "null" : "\"permission\"", rows);
}

/* A disk that a virtual machine was given whole is mounted nowhere. */
static void a_disk_that_a_process_has_open(void **state)
{
	struct machine *m = *state;
	struct guard g;
	char part[300];

	set_held(m, HELD("41", "qemu", "block", "nvme0n1p2", "sys/devices/pci0000:00/0000:00:02.0/" DISK "/nvme/nvme0/nvme0n1/nvme0n1p2", "null"), "true");
	expect_loss(m, DISK, "open", "qemu (pid 41) has nvme0n1p2 open");
	assert_string_equal(judge(m, NIC, NULL).verdict, "safe");

	snprintf(part, sizeof(part), "%s/nvme0n1p2", disk_path);
	add_block(m, "dm-0", "sys/devices/virtual/block/dm-0", "253:0");
	add_holder(m, part, "dm-0");
	set_held(m, HELD("41", "qemu", "block", "dm-0", "sys/devices/virtual/block/dm-0", "null"), "true");
	expect_loss(m, DISK, "open", "qemu (pid 41) has dm-0 (on nvme0n1p2) open");
	machine_remove(m, "sys/devices/pci0000:00/0000:00:02.0/" DISK "/nvme/nvme0/nvme0n1/nvme0n1p2/holders");

	set_held(m, HELD("41", "(udev-worker)", "block", "nvme0n1", "sys/devices/pci0000:00/0000:00:02.0/" DISK "/nvme/nvme0/nvme0n1",
			 "\"systemd-udevd.service\""), "true");
	g = judge(m, DISK, NULL);
	assert_string_equal(g.verdict, "safe");
	assert_null(reason_of(&g, "open"));
	set_held(m, "", "false");
	g = judge(m, DISK, NULL);
	assert_string_equal(g.verdict, "unknown");
	assert_int_equal(g.missing, -EACCES);
}

static void other_nodes_that_are_open(void **state)
{
	struct machine *m = *state;
	struct guard g;

	set_held(m, HELD("41", "Xorg", "node", "dri/card1", "sys/devices/pci0000:00/0000:00:03.0/" GPU "/drm/card1", "null") ","
		    HELD("42", "systemd-logind", "node", "input/event3", "sys/devices/pci0000:00/" USB "/usb1/1-1/1-1:1.0/input/input4/event3", "null"),
		 "true");
	expect_loss(m, GPU, "open", "Xorg (pid 41) has /dev/dri/card1 open");
	g = judge(m, USB, NULL);
	assert_string_equal(g.verdict, "safe");
	assert_string_equal(reason_of(&g, "open")->severity, "warning");
	assert_string_equal(reason_of(&g, "open")->text, "systemd-logind (pid 42) has /dev/input/event3 open");
	machine_file(m, "iommuctl/holders.json", "{\"complete\":false,\"nodes\":true,\"unseen\":0,\"why\":\"pid-namespace\",\"held\":[]}");
	g = judge(m, GPU, NULL);
	assert_string_equal(g.verdict, "unknown");
	assert_int_equal(g.missing, -EOPNOTSUPP);
	assert_string_equal(reason_of(&g, "open")->text, "whether a process uses it cannot be told: some are in another PID namespace");
}

static void virtual_functions(void **state)
{
	machine_file(*state, "sys/bus/pci/devices/" NIC "/sriov_numvfs", "2\n");
	machine_file(*state, "sys/bus/pci/devices/" NIC "/sriov_totalvfs", "7\n");
	expect_loss(*state, NIC, "vfs-enabled", "2 virtual functions on it are enabled");
}

/* As that of a virtual function in a pod: sysfs shows the interfaces of its own network namespace only. */
static void an_interface_elsewhere(void **state)
{
	machine_remove(*state, "sys/class/net/eth0");
	assert_string_equal(judge(*state, NIC, NULL).verdict, "safe");
	machine_file(*state, "sys/bus/pci/devices/" NIC "/net/eth0/mtu", "1500\n");
	machine_remove(*state, "sys/bus/pci/devices/" NIC "/net/eth0");
	expect_loss(*state, NIC, "interface-elsewhere",
		    "its network interface was given to another network namespace: a container uses it");
	machine_remove(*state, "sys/bus/pci/devices/" NIC "/driver");
	assert_string_equal(judge(*state, NIC, NULL).verdict, "safe");
}

static void bridges(void **state)
{
	assert_string_equal(judge(*state, "0000:00:01.0", NULL).verdict, "loss");
}

/* -- what a bus reset takes along -------------------------------------------------------------------------------- */

#define TWIN "0000:01:00.1"
#define SUB  "0000:05:00.0"

/* A twin function, and a card behind a switch below the same port, in other groups: all of them are behind the bridge that is pulled. */
static void add_company(struct machine *m)
{
	static const struct machine_pci v[] = {
		{ "0000:00:01.0/" TWIN, .group = 10, .driver = "e1000e", .multi = true },
		{ "0000:00:01.0/0000:01:00.2", .type = PCIE_UPSTREAM, .group = 11, .driver = "pcieport" },
		{ "0000:00:01.0/0000:01:00.2/" SUB, .group = 12, .driver = "nvme", .class = 0x010802 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		machine_pci(m, &v[i]);
}

static const struct reason *reset_reason(struct machine *m, const char *const *with, size_t n, struct guard *ret)
{
	struct device *v[4];

	machine_load(m);
	for (size_t i = 0; i < n; i++)
		v[i] = machine_dev(m, with[i]);
	device_guard(guard_facts_read(m->host, NULL), v[0], v, n, ret);
	return reason_of(ret, "reset-set");
}

static void others_that_a_bus_reset_takes_along(void **state)
{
	static const char *const with[] = { NIC, TWIN, SUB };
	static const struct {
		const char *methods;
		size_t n; /* of @with that move together */
		const char *severity, *text;
	} t[] = {
		{ "flr bus\n", 1, "note", "a bus reset of it would reset " TWIN " and " SUB " too" },
		{ "bus\n", 1, "warning", "a bus reset of it would reset " TWIN " and " SUB " too" },
		{ "\n", 1, "warning", "a bus reset of it would reset " TWIN " and " SUB " too" },
		{ "bus\n", 2, "warning", "a bus reset of it would reset " SUB " too" },
		{ "bus\n", 3, NULL, NULL },
	};
	const struct reason *r;
	struct guard g;

	machine_file(*state, "sys/bus/pci/devices/" NIC "/reset_method", "bus\n");
	assert_null(reset_reason(*state, with, 1, &g));
	add_company(*state);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		machine_file(*state, "sys/bus/pci/devices/" NIC "/reset_method", "%s", t[i].methods);
		r = reset_reason(*state, with, t[i].n, &g);
		assert_string_equal(g.verdict, "safe");
		if (!t[i].text) {
			assert_null(r);
			continue;
		}
		assert_non_null(r);
		assert_string_equal(r->severity, t[i].severity);
		assert_string_equal(r->text, t[i].text);
		assert_string_equal(r->file, "/sys/devices/pci0000:00/0000:00:01.0/" NIC "/reset_method");
	}
}

/* Nothing resets the root bus. */
static void nothing_is_behind_the_root_bus(void **state)
{
	static const struct machine_pci p = { "0000:00:14.1", .group = 8, .driver = "x", .class = 0x0c0330 };
	struct guard g;

	machine_pci(*state, &p);
	g = judge(*state, USB, NULL);
	assert_null(reason_of(&g, "reset-set"));
}

/* -- devices of other buses --------------------------------------------------------------------------------------- */

static struct guard judge_other(struct machine *m, const char *spec)
{
	struct guard g = { 0 };
	struct device *d;

	machine_load(m);
	assert_int_equal(host_find_device(m->host, spec, &d), 0);
	device_guard(guard_facts_read(m->host, NULL), d, &d, 1, &g);
	return g;
}

/* What hangs on such a device is found by its place in the tree; what hangs on its neighbour is not its. */
static void what_is_on_a_bus_without_groups(void **state)
{
	static const struct machine_pci p = { "0000:00:1e.0", .group = 9, .driver = "virtio-pci", .class = 0x010000 };
	struct machine *m = *state;
	struct guard g;

	machine_pci(m, &p);
	machine_other(m, "virtio", "virtio1", "sys/devices/pci0000:00/0000:00:1e.0/virtio1", MACHINE_NO_GROUP, "virtio_blk");
	machine_other(m, "virtio", "virtio12", "sys/devices/pci0000:00/0000:00:1e.0/virtio12", MACHINE_NO_GROUP, "virtio_net");
	machine_other(m, "virtio", "virtio3", "sys/devices/pci0000:00/0000:00:1e.0/virtio3", MACHINE_NO_GROUP, "9pnet_virtio");
	machine_file(m, "sys/bus/virtio/devices/virtio3/mount_tag", "host");
	machine_link(m, "sys/block/vda", "../devices/pci0000:00/0000:00:1e.0/virtio1/block/vda");
	add_block(m, "vda", "sys/devices/pci0000:00/0000:00:1e.0/virtio1/block/vda", "252:0");
	machine_link(m, "sys/class/net/bond0", "../../devices/pci0000:00/0000:00:1e.0/virtio12/net/bond0");
	assert_string_equal(judge_other(m, "virtio/virtio1").verdict, "safe");
	machine_file(m, "proc/1/mountinfo", "30 1 252:0 / /srv rw - ext4 /dev/vda rw\n30 1 0:40 / /share rw - 9p host rw,trans=virtio\n");
	g = judge_other(m, "virtio/virtio1");
	assert_string_equal(g.verdict, "loss");
	assert_string_equal(g.summary, "vda is mounted on /srv");
	assert_string_equal(judge_other(m, "virtio/virtio12").verdict, "safe");
	set_network(m, "{\"link\":\"bond0\",\"family\":\"inet\",\"table\":254,\"metric\":0,\"default\":true,"
		       "\"destination\":null,\"gateway\":\"192.0.2.254\",\"via\":true}");
	assert_non_null(reason_of((g = judge_other(m, "virtio/virtio12"), &g), "default-route"));
	assert_null(reason_of((g = judge_other(m, "virtio/virtio1"), &g), "default-route"));
	assert_non_null(reason_of((g = judge_other(m, "virtio/virtio3"), &g), "mounted"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(idle_devices_are_safe),
		T(containers),
		T(a_mounted_partition),
		T(an_encrypted_volume_group),
		T(a_swap_file_and_a_loop_device),
		T(btrfs_has_numbers_of_its_own),
		T(a_member_of_a_zfs_pool),
		T(mounted_in_another_namespace),
		T(no_mount_table),
		T(the_default_route_over_everything),
		T(an_address_alone_is_a_warning),
		T(the_ssh_connection),
		T(a_file_server),
		T(a_network_disk),
		T(a_share_over_virtio),
		T(a_share_over_virtiofs),
		T(an_iscsi_disk),
		T(a_team_and_a_macvlan),
		T(a_serial_console),
		T(the_screen),
		T(the_last_keyboard),
		T(a_disk_that_a_process_has_open),
		T(other_nodes_that_are_open),
		T(virtual_functions),
		T(an_interface_elsewhere),
		T(bridges),
		T(others_that_a_bus_reset_takes_along),
		T(nothing_is_behind_the_root_bus),
		T(what_is_on_a_bus_without_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
