#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# act-guard.bats: the disk that is mounted, the card with the default route, and containers: refused, and nothing changed.
# shellcheck disable=SC2154
load act

setup() {
	before=$(act_state)
}

teardown() {
	umount /tmp/mnt 2>/dev/null || :
	swapoff -a 2>/dev/null || :
	act_cleanup
}

refused() {
	ctl 3 device guard "$1"
	[ "$(field verdict)" = loss ]
	jq -e --arg code "$2" '.data[0].reasons | any(.code == $code)' <<<"$output"
	ctl 5 device bind --group "$1"
	[ "$(jq -r '.errors[0].code' <<<"$output")" = "$2" ]
	as_before
}

disk_node() {
	set -- "$devices/$1"/nvme/nvme*/nvme*n1
	echo "/dev/$(basename "$1")"
}

@test "an idle disk may go" {
	ctl 0 device guard "$(act_disk)"
	[ "$(field verdict)" = safe ]
}

@test "a mounted disk is refused, and --force takes it" {
	d=$(act_disk)
	mke2fs -F "$(disk_node "$d")" >/dev/null
	mkdir -p /tmp/mnt
	mount -t ext4 "$(disk_node "$d")" /tmp/mnt
	refused "$d" mounted
	grep -q /tmp/mnt <<<"$output"
	ctl 0 device bind -n --force --group "$d"
	grep -q '"code":"mounted"' <<<"$output"
	umount /tmp/mnt
	ctl 0 device bind --group "$d"
	ctl 0 device restore --all
	as_before
}

@test "a mount in another mount namespace is seen too" {
	d=$(act_disk)
	mke2fs -F "$(disk_node "$d")" >/dev/null
	mkdir -p /tmp/mnt
	unshare --mount sh -c "mount -t ext4 $(disk_node "$d") /tmp/mnt && exec sleep 1000" 3>&- &
	holder=$!
	until ls /sys/fs/ext4 | grep -q nvme; do sleep 0.1; done
	refused "$d" mounted
}

@test "the disk of a swap area" {
	d=$(act_disk)
	mkswap "$(disk_node "$d")" >/dev/null
	swapon "$(disk_node "$d")" || skip "this kernel has no swap"
	refused "$d" swap
	swapoff "$(disk_node "$d")"
}

@test "the disk below a loop device" {
	d=$(act_disk)
	losetup /dev/loop0 "$(disk_node "$d")" || skip "this kernel has no loop devices"
	mke2fs -F /dev/loop0 >/dev/null
	mkdir -p /tmp/mnt
	mount -t ext4 /dev/loop0 /tmp/mnt
	refused "$d" mounted
	umount /tmp/mnt
	losetup -d /dev/loop0
}

# as a virtual machine has one that it was given whole
@test "a disk that a process has open, mounted nowhere" {
	d=$(act_disk)
	sleep 1000 <"$(disk_node "$d")" 3>&- &
	holder=$!
	until [ "$(cat /proc/$holder/comm)" = sleep ]; do sleep 0.1; done
	refused "$d" open
	grep -q "sleep (pid $holder) has $(basename "$(disk_node "$d")") open" <<<"$output"
	lab_release
	ctl 0 device guard "$d"
	ctl 0 device bind --group "$d"
	ctl 0 device restore --all
	as_before
}

@test "the card with the default route" {
	d=$(act_single)
	n=$(ls "$devices/$d/net")
	ip addr add 192.0.2.2/24 dev "$n"
	ip link set "$n" up
	ip route add default via 192.0.2.1 dev "$n"
	refused "$d" default-route
	ip route del default
	SSH_CONNECTION='192.0.2.9 1000 192.0.2.2 22' refused "$d" ssh
	# sudo takes it away; the shell that called it has it still
	run env SSH_CONNECTION='192.0.2.9 1000 192.0.2.2 22' sh -c "env -i PATH=$PATH iommuctl -j device guard $d; exit \$?"
	[ "$status" -eq 3 ]
	jq -e '.data[0].reasons | any(.code == "ssh")' <<<"${lines[0]}"
	ctl 0 device guard "$d"
	ip addr flush dev "$n"
	ip link set "$n" down
}

@test "the share that this guest reads its suites from" {
	d=$(dirname "$(dirname "$(grep -l host /sys/bus/pci/devices/*/virtio*/mount_tag)")")
	refused "${d##*/}" mounted
}

@test "in a network namespace of its own the answer is unknown, and acting is refused" {
	d=$(act_single)
	elsewhere net --net
}

@test "the same in a mount namespace" {
	d=$(act_single)
	elsewhere mnt --mount
}

# with the machine's own /proc, and with one of its own, where process 1 is not the machine's
@test "the same in a process namespace" {
	[ -e /proc/self/ns/pid ] || skip "this kernel has no process namespaces: debian-bridge.bats"
	d=$(act_single)
	elsewhere pid --pid --fork
	elsewhere pid --pid --fork --mount-proc
}

@test "what its bus reset would reset too is said, of those that do not go with it" {
	read -r a b < <(act_pair)
	ctl 0 device guard "$a"
	jq -e --arg b "$b" '.data[0].reasons | any(.code == "reset-set" and (.text | contains($b)))' <<<"$output"
	ctl 0 device guard "$(act_single)"
	jq -e '.data[0].reasons | all(.code != "reset-set")' <<<"$output"
	# the kernel's own answer: it takes the bus for a reset exactly where nobody else is on it
	for d in "$a" "$b"; do
		run sh -c "echo bus >$devices/$d/reset_method"
		[ "$status" -ne 0 ]
	done
	d=$(act_single)
	echo bus >"$devices/$d/reset_method"
	echo default >"$devices/$d/reset_method"
}

@test "without rights to see, the answer is unknown" {
	run setpriv --reuid 1000 --clear-groups iommuctl device guard "$(act_single)"
	[ "$status" -eq 7 ]
}
