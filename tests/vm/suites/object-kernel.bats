#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# object-kernel.bats: the kernel backend's operations on this kernel, one by one, through backend.h (backend-drive.c);
# and the answers that neither it nor a command can ask for (errnos.c).
# Where there is an IOMMU its devices are used: the NIC at 01:00.0, edu at 02:00.0, and the multifunction pair. The mock
# is used where it works: before 6.18 not with an IOMMU but virtio's (see the kernel's commit "Register iommufd mock devices with fwspec").

# functions that bats calls; variables of lab.bash
# shellcheck disable=SC2317,SC2154
load lab

nic=0000:01:00.0 edu=0000:02:00.0

# virtio-iommu's interrupts are not isolated: said to be fine, or no device could be claimed
setup_file() {
	local p

	[ "$LAB_TOPOLOGY" = virtio-iommu ] || return 0
	for p in /sys/module/{iommufd,vfio_iommu_type1}/parameters/allow_unsafe_interrupts; do
		echo Y >"$p"
	done
}

teardown_file() {
	local p

	[ "$LAB_TOPOLOGY" = virtio-iommu ] || return 0
	for p in /sys/module/{iommufd,vfio_iommu_type1}/parameters/allow_unsafe_interrupts; do
		echo N >"$p"
	done
}

iommu() { [ -n "$(ls "$groups")" ]; }

# whole: this kernel has every ioctl that there is, and was built with the selftest
whole() {
	! backend-drive probe | grep -q ' ENOTTY$' && zcat /proc/config.gz | grep -qx CONFIG_IOMMUFD_TEST=y
}

# drive [-p PROGRAM] TEST [DEV...]: 6 is what older kernels lack, by what they answer; a whole one lacks nothing
drive() {
	local rc=0 said program=backend-drive

	if [ "$1" = -p ]; then
		program=$2
		shift 2
	fi
	said=$("$program" "$@" 2>&1) || rc=$?
	echo "$said"
	[ $rc -ne 6 ] || whole || skip "$said"
	return $rc
}

# with DEV... -- TEST...: on vfio-pci, and back on what they were on
with() {
	local -A was
	local d devs=() rc=0

	iommu || skip "no IOMMU here"
	while [ "$1" != -- ]; do
		devs+=("$1")
		shift
	done
	shift
	for d in "${devs[@]}"; do
		was[$d]=$(lab_driver "$d")
		lab_move "$d"
	done
	drive "$@" || rc=$?
	for d in "${devs[@]}"; do
		lab_return "$d" "${was[$d]}"
	done
	return $rc
}

# pair: the two functions of one group
pair() {
	local g

	for g in $(lab_groups); do
		# shellcheck disable=SC2046
		set -- $(lab_endpoints "$g")
		[ $# -ne 2 ] || { echo "$@"; return; }
	done
	return 1
}

@test "each ioctl of the ABI is asked for" { drive probe; }
@test "raw bytes: short, long, unknown, and none" { drive raw; }
@test "maps, their errors, copies" { drive map; }
@test "allowed ranges" { drive allow; }
@test "options" { drive options; }
@test "mock: memory lives as long as a copy of it" { drive copy-lives; }
@test "mock: maps of files, with and without IOAS_MAP_FILE" { drive map-file; }
@test "mock: more ranges than there was room for" { drive ranges; }
@test "mock: nesting, and what an invalidation has done when it fails" { drive nest; }
@test "mock: dirty tracking" { drive dirty; }
@test "mock: page requests" { drive faults; }
@test "mock: closed with page requests unread and unanswered" { drive close; }
@test "mock: PASIDs" { drive pasid; }
@test "mock: viommu, vdevice, events" { drive viommu; }
@test "device: open, attach, replace, regions, close" {
	[ "$LAB_TOPOLOGY" != virtio-iommu ] || skip "its page tables have no addresses before they are attached"
	with $nic -- device $nic "$(lab_window $nic)"
}
@test "device: DMA into mapped memory and into a copy" {
	[ "$LAB_TOPOLOGY" != virtio-iommu ] || skip "its page tables have no addresses before they are attached"
	# QEMU's AMD unit translates nothing for devices behind a port
	[ "$LAB_TOPOLOGY" != amd ] || set -- 0000:00:09.0 0000:00:09.1
	with "${@:-$edu}" -- dma $nic "${2:-$edu}"
}

@test "device: interrupts, MSI and MSI-X" { with $nic $edu -- irq $nic $edu; }
@test "device: opened unbound, its descriptor bound by somebody else" { with $nic -- no-bind $nic; }
@test "device: handed to a client that binds, attaches and maps" {
	[ "$LAB_TOPOLOGY" != amd ] || set -- 0000:00:09.0 0000:00:09.1
	with "${@:-$edu}" -- client $nic "${2:-$edu}"
}

@test "legacy: group and container" { with $nic $edu -- legacy $nic $edu; }

@test "legacy: two devices of one group share the container" {
	iommu || skip "no IOMMU here"
	# shellcheck disable=SC2046
	with $(pair) -- legacy-group $(pair)
}

@test "two devices of one group move together" {
	iommu || skip "no IOMMU here"
	# shellcheck disable=SC2046
	with $(pair) -- group $(pair)
}

@test "errnos: rights and limits of the process, files" { drive -p errnos limits; }
@test "errnos: reads and writes of a queue" { drive -p errnos queues; }
@test "errnos: a device's own node" { with $nic -- -p errnos cdev $nic; }
@test "errnos: group and container" { with $nic -- -p errnos legacy $nic; }
@test "errnos: a group with a driver in it" {
	iommu || skip "no IOMMU here"
	# shellcheck disable=SC2046
	set -- $(pair)
	[ -n "$(lab_driver "$2")" ] || set -- "$2" "$1"
	[ -n "$(lab_driver "$2")" ]
	[ "$(lab_driver "$2")" != vfio-pci ]
	with "$1" -- -p errnos spoiled "$1"
}
@test "errnos: interrupts that are not isolated" {
	[ "$LAB_TOPOLOGY" = virtio-iommu ] || skip "they are isolated here"
	teardown_file
	with $nic -- -p errnos unsafe $nic
	setup_file
}

@test "nothing was left behind in the kernel's log" {
	local log

	log=$(dmesg | grep -E 'WARNING|BUG:|refcount_t' || :)
	[ -z "$log" ] || { echo "$log"; false; }
}
