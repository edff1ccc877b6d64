# SPDX-License-Identifier: GPL-2.0-or-later
# lab.bash: helpers of the lab's suites: the machine by sysfs writes and reads alone, never by iommuctl.
# shellcheck shell=bash

groups=/sys/kernel/iommu_groups
devices=/sys/bus/pci/devices

# lab_tool: there is an iommuctl to judge. Without one the test is skipped, but not when the lab was given a build
lab_tool() {
	command -v iommuctl >/dev/null && return
	if [ -n "${LAB_BUILT:-}" ]; then
		echo "iommuctl was built, and is not in the guest" >&2
		return 1
	fi
	skip "no iommuctl in the guest"
}

# all groups, by number
lab_groups() {
	local g

	for g in "$groups"/*/; do
		[ -d "$g" ] || continue
		g=${g%/}
		echo "${g##*/}"
	done | sort -n
}

# lab_group BDF
lab_group() {
	local link

	link=$(readlink "$devices/$1/iommu_group") && echo "${link##*/}"
}

# lab_window BDF: where its interrupts go, the first address; another one that nobody has where its group has no such window
lab_window() {
	local w

	w=$(grep -m 1 msi "$groups/$(lab_group "$1")/reserved_regions") || w=0xfee00000
	echo "${w%% *}"
}

# lab_driver BDF: the driver's name, or nothing
lab_driver() {
	local link

	link=$(readlink "$devices/$1/driver") || return 0
	echo "${link##*/}"
}

# lab_members GROUP: its PCI devices
lab_members() {
	local d

	for d in "$groups/$1"/devices/*; do
		[ ! -e "$d/config" ] || echo "${d##*/}"
	done
}

# lab_movable BDF: is it something to give away: no bridge of any sort, and not what the guest's share is on
lab_movable() {
	case $(cat "$devices/$1/class") in
	0x06*) return 1 ;;
	esac
	! grep -qs host "$devices/$1"/virtio*/mount_tag
}

# lab_endpoints GROUP: the members that can go to vfio-pci
lab_endpoints() {
	local d

	for d in $(lab_members "$1"); do
		! lab_movable "$d" || echo "$d"
	done
}

# lab_move BDF: to vfio-pci
lab_move() {
	echo vfio-pci >"$devices/$1/driver_override"
	[ ! -e "$devices/$1/driver" ] || echo "$1" >"$devices/$1/driver/unbind"
	echo "$1" >/sys/bus/pci/drivers/vfio-pci/bind
}

# lab_leave BDF: off its driver, and onto none
lab_leave() {
	[ ! -e "$devices/$1/driver" ] || echo "$1" >"$devices/$1/driver/unbind"
}

# lab_return BDF [DRIVER]: off vfio-pci, no override, and back to DRIVER
lab_return() {
	lab_leave "$1"
	echo >"$devices/$1/driver_override"
	[ -z "${2:-}" ] || echo "$1" >"/sys/bus/pci/drivers/$2/bind"
}

# lab_give_back DRIVER BDF...: ends what holds one, and has each on DRIVER again
lab_give_back() {
	local driver=$1 d

	shift
	lab_release
	for d; do
		[ "$(lab_driver "$d")" = "$driver" ] || lab_return "$d" "$driver"
	done
}

# lab_isolated: each device's interrupts are told apart from others'
lab_isolated() {
	[[ $LAB_TOPOLOGY != virtio-iommu* && $LAB_TOPOLOGY != *noiommu ]]
}

# lab_unit: the one IOMMU, as sysfs names it; that of the selftest is none
lab_unit() {
	local u

	for u in /sys/class/iommu/*; do
		[[ $u == */iommufd_selftest_iommu.* ]] || echo "${u##*/}"
	done
}

# lab_word NAME LINE: the value of NAME in a line of vfio-truth
lab_word() {
	local w

	for w in $2; do
		[ "${w%%=*}" != "$1" ] || echo "${w#*=}"
	done
}

# lab_truth VALUE-NAME ARGUMENTS...: one value of what vfio-truth says
lab_truth() {
	local name=$1 line

	shift
	line=$(vfio-truth "$@") || :
	lab_word "$name" "$line"
}

# lab_hold ARGUMENTS...: vfio-truth hold or holdgroup in the background until lab_release
lab_hold() {
	local tries=50

	vfio-truth "$@" >"$BATS_TEST_TMPDIR/hold" 3>&- &
	holder=$!
	until [ -s "$BATS_TEST_TMPDIR/hold" ] || [ $((tries -= 1)) -eq 0 ]; do
		sleep 0.1
	done
}

# an unbind of a held device cannot be called back: nothing may leave a holder behind
lab_release() {
	[ -n "${holder:-}" ] || return 0
	kill "$holder" 2>/dev/null || :
	wait "$holder" || :
	holder=''
}

# state of every PCI device, to compare
lab_state() {
	local d

	for d in "$devices"/*; do
		echo "${d##*/} driver=$(lab_driver "${d##*/}") override=$(cat "$d/driver_override")"
	done
}
