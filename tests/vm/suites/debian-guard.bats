#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# debian-guard.bats: all that a machine can lose, made with Debian's kernel and tools: what is on top of cards, on top of disks, servers, screen, keyboards.
# Each is refused and named, nothing is changed, and the device may go when it is over.
# shellcheck disable=SC2154
load act

setup() {
	before=$(act_state)
	d=$(act_single)
	n=$(ls "$devices/$d/net")
	disk=$(act_disk)
	for node in "$devices/$disk"/nvme/nvme*/nvme*n1; do
		node=${node##*/}
	done
}

teardown() {
	umount /tmp/inner /tmp/mnt 2>/dev/null || :
	mdadm --stop /dev/md7 2>/dev/null || :
	swapoff -a
	rm -f /tmp/image
	act_cleanup
}

# refused DEV CODE TEXT
refused() {
	ctl 3 device guard "$1"
	[ "$(field verdict)" = loss ]
	jq -e --arg code "$2" --arg text "$3" '.data[0].reasons | any(.code == $code and .text == $text)' <<<"$output" >/dev/null ||
		{ jq '.data[0].reasons' <<<"$output" >&2; return 1; }
	ctl 5 device bind --group "$1"
	jq -e --arg code "$2" '.errors | any(.code == $code)' <<<"$output" >/dev/null
	as_before
}

may_go() {
	ctl 0 device guard "$1"
	[ "$(field verdict)" = safe ]
	ctl 0 device bind --group "$1"
	ctl 0 device restore --all
	as_before
}

# routed LINK [NAME...]: the default route over it is refused for the card
routed() {
	ip addr add 192.0.2.2/24 dev "$1"
	ip link set "$n" up
	ip link set "$1" up
	ip route add default via 192.0.2.1 dev "$1"
	refused "$d" default-route "the default route goes over $1, over $n"
	SSH_CONNECTION='192.0.2.9 1000 192.0.2.2 22' refused "$d" ssh "your ssh connection comes in over $1, over $n"
	ctl 0 device guard 0000:02:00.0
	ip link del "$1"
	ip link set "$n" down
}

# mounted TYPE NODE WAY
mounted() {
	mkdir -p /tmp/mnt
	mount -t "$1" "$2" /tmp/mnt
	refused "$disk" mounted "$3 is mounted on /tmp/mnt"
	umount /tmp/mnt
}

# -- on top of a card ---------------------------------------------------------------------------------------------

@test "a bond" {
	modprobe bonding max_bonds=0
	ip link add bond7 type bond
	echo "+$n" >/sys/class/net/bond7/bonding/slaves
	routed bond7
	may_go "$d"
}

@test "a bridge" {
	ip link add br7 type bridge
	ip link set "$n" master br7
	routed br7
	may_go "$d"
}

@test "a vlan" {
	ip link add link "$n" name "$n.7" type vlan id 7
	routed "$n.7"
	may_go "$d"
}

@test "a macvlan" {
	ip link add link "$n" name mac7 type macvlan
	routed mac7
	may_go "$d"
}

@test "a team" {
	modprobe team
	ip link add team7 type team
	ip link set "$n" master team7
	routed team7
	may_go "$d"
}

@test "a macvlan on a vlan on a bridge on a bond" {
	ip link add bond7 type bond
	echo "+$n" >/sys/class/net/bond7/bonding/slaves
	ip link add br7 type bridge
	ip link set bond7 master br7
	ip link add link br7 name br7.7 type vlan id 7
	ip link add link br7.7 name mac7 type macvlan
	ip link set bond7 up
	ip link set br7 up
	ip link set br7.7 up
	routed mac7
	ip link del br7.7
	ip link del br7
	ip link del bond7
	may_go "$d"
}

# -- servers ------------------------------------------------------------------------------------------------------

# serve: an image, and an address for its server on the card
serve() {
	modprobe configfs
	grep -q ' /sys/kernel/config ' /proc/mounts || mount -t configfs none /sys/kernel/config
	truncate -s 16M /tmp/image
	ip addr add 192.0.2.2/24 dev "$n"
	ip link set "$n" up
}

@test "a disk over NVMe/TCP" {
	serve
	modprobe -a nvmet_tcp nvme_tcp
	c=/sys/kernel/config/nvmet
	mkdir $c/subsystems/lab
	echo 1 >$c/subsystems/lab/attr_allow_any_host
	mkdir $c/subsystems/lab/namespaces/1
	echo 1 >$c/subsystems/lab/namespaces/1/buffered_io
	echo -n /tmp/image >$c/subsystems/lab/namespaces/1/device_path
	echo 1 >$c/subsystems/lab/namespaces/1/enable
	mkdir $c/ports/1
	echo ipv4 >$c/ports/1/addr_adrfam
	echo tcp >$c/ports/1/addr_trtype
	echo 192.0.2.2 >$c/ports/1/addr_traddr
	echo 4420 >$c/ports/1/addr_trsvcid
	ln -s $c/subsystems/lab $c/ports/1/subsystems/lab
	echo transport=tcp,traddr=192.0.2.2,trsvcid=4420,nqn=lab >/dev/nvme-fabrics
	for there in /sys/class/nvme/*; do
		[ "$(cat "$there/transport")" != tcp ] || break
	done
	refused "$d" server "the disk ${there##*/} (NVMe over tcp) comes from 192.0.2.2, over $n"
	echo 1 >"$there/delete_controller"
	rm $c/ports/1/subsystems/lab
	rmdir $c/ports/1 $c/subsystems/lab/namespaces/1 $c/subsystems/lab
	ip addr flush dev "$n"
	ip link set "$n" down
	may_go "$d"
}

@test "a disk over iSCSI" {
	serve
	modprobe -a iscsi_target_mod target_core_file iscsi_tcp sd_mod
	c=/sys/kernel/config/target
	mkdir -p $c/core/fileio_0/lab
	echo fd_dev_name=/tmp/image,fd_dev_size=16777216,fd_buffered_io=1 >$c/core/fileio_0/lab/control
	echo 1 >$c/core/fileio_0/lab/enable
	t=$c/iscsi/iqn.2026-01.example:lab/tpgt_1
	mkdir -p "$t/lun/lun_0" "$t/np/192.0.2.2:3260"
	ln -s $c/core/fileio_0/lab "$t/lun/lun_0/lab"
	echo 0 >"$t/attrib/authentication"
	echo 1 >"$t/attrib/generate_node_acls"
	echo 0 >"$t/attrib/demo_mode_write_protect"
	echo 1 >"$t/enable"
	iscsistart -i iqn.2026-01.example:guest -t iqn.2026-01.example:lab -g 1 -a 192.0.2.2 -p 3260 3>&-
	for there in /sys/class/iscsi_connection/*; do
		[ -e "$there/address" ] && break
	done
	refused "$d" server "an iSCSI disk (${there##*/}) comes from 192.0.2.2, over $n"
}

# -- on top of a disk ---------------------------------------------------------------------------------------------

@test "a device-mapper device" {
	modprobe dm_mod
	dmsetup create --noudevsync --noudevrules lab --table "0 131072 linear /dev/$node 0"
	dm=$(basename /sys/block/dm-*)
	refused "$disk" in-use "$node is part of a device-mapper, RAID or cache device"
	mke2fs -F "/dev/$dm" >/dev/null
	mounted ext4 "/dev/$dm" "$dm, lab (on $node)"
	dmsetup remove --noudevsync lab
	may_go "$disk"
}

@test "a RAID" {
	modprobe raid1
	mdadm --create /dev/md7 --run --force --level=1 --raid-devices=2 --metadata=1.2 --auto=yes "/dev/$node" missing
	mke2fs -F /dev/md7 >/dev/null
	mounted ext4 /dev/md7 "md7 (on $node)"
	refused "$disk" in-use "$node is part of a device-mapper, RAID or cache device"
	mdadm --stop /dev/md7
	may_go "$disk"
}

@test "a file system in an image on it" {
	modprobe loop
	mke2fs -F "/dev/$node" >/dev/null
	mkdir -p /tmp/mnt /tmp/inner
	mount -t ext4 "/dev/$node" /tmp/mnt
	truncate -s 16M /tmp/mnt/image
	losetup /dev/loop0 /tmp/mnt/image
	mke2fs -F /dev/loop0 >/dev/null
	mount -t ext4 /dev/loop0 /tmp/inner
	refused "$disk" mounted "loop0 (on $node) is mounted on /tmp/inner"
	umount -l /tmp/mnt
	ctl 3 device guard "$disk"
	umount /tmp/inner
	losetup -d /dev/loop0
	may_go "$disk"
}

@test "btrfs, whose mounts have numbers of their own" {
	modprobe btrfs
	mkfs.btrfs -q -f "/dev/$node"
	mounted btrfs "/dev/$node" "$node"
	may_go "$disk"
}

@test "swap, on the disk and in a file on it" {
	mkswap "/dev/$node" >/dev/null
	swapon "/dev/$node"
	refused "$disk" swap "the machine swaps to /dev/$node, on $node"
	swapoff "/dev/$node"
	mke2fs -F "/dev/$node" >/dev/null
	mkdir -p /tmp/mnt
	mount -t ext4 "/dev/$node" /tmp/mnt
	dd if=/dev/zero of=/tmp/mnt/swap bs=1M count=8 2>/dev/null
	mkswap /tmp/mnt/swap >/dev/null
	swapon /tmp/mnt/swap
	refused "$disk" swap "the machine swaps to /tmp/mnt/swap, on $node"
	swapoff /tmp/mnt/swap
	umount /tmp/mnt
	may_go "$disk"
}

# -- screen and keyboards -------------------------------------------------------------------------------------------

@test "the screen that firmware set up" {
	screen=0000:00:02.0
	[ "$(cat "$devices/$screen/boot_vga")" = 1 ]
	cat /proc/iomem
	refused $screen console "the screen that firmware set up for the console is in its memory"
}

@test "a keyboard while there is another one, and the last one" {
	modprobe -a usbhid hid_generic evdev
	for _ in $(seq 100); do
		[ "$(grep -c 'H: Handlers=.*leds' /proc/bus/input/devices)" -lt 2 ] || break
		sleep 0.1
	done
	cat /proc/bus/input/devices
	ctl 0 device guard 0000:04:00.0
	[ "$(jq -r '.data[0].reasons[] | select(.code == "keyboard") | .severity' <<<"$output")" = warning ]
	lab_leave 0000:05:00.0
	before=$(act_state)
	refused 0000:04:00.0 keyboard "the machine's only keyboard is on it: \"QEMU QEMU USB Keyboard\""
	echo 0000:05:00.0 >/sys/bus/pci/drivers/xhci_hcd/bind
}
