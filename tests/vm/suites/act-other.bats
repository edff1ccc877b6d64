#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# act-other.bats: devices on buses without driver_override and without groups: taken away and given back by unbind and bind, guarded as others are.
# shellcheck disable=SC2154
load act

setup() {
	before=$(act_state)
}

teardown() {
	ip route del default 2>/dev/null || :
	[ ! -e /sys/bus/netdevsim/devices/netdevsim10 ] || echo 10 >/sys/bus/netdevsim/del_device
	act_cleanup
}

# driver_of BUS/NAME
driver_of() {
	local link

	link=$(readlink "/sys/bus/${1%/*}/devices/${1#*/}/driver") && echo "${link##*/}"
}

# netdevsim: a device on it, with an interface that can be routed over
simulated() {
	d=netdevsim/netdevsim10
	[ -d /sys/bus/netdevsim ] || skip "this kernel has no netdevsim"
	echo "10 1" >/sys/bus/netdevsim/new_device
	until [ "$(driver_of $d)" = netdevsim ]; do sleep 0.1; done
	[ ! -e /sys/bus/netdevsim/devices/netdevsim10/driver_override ]
}

@test "off its driver and back, and nothing is asked of an override" {
	simulated
	ctl 0 device unbind $d
	[ "$(field bus) $(field device) $(field state) $(field driver_before) $(field driver)" = "netdevsim netdevsim10 moved netdevsim null" ]
	[ -z "$(driver_of $d)" ]
	[ "$(jq -c '.devices[0] | [.bus, .device, .driver, .has_override, .override, .to]' "$journal")" = \
		'["netdevsim","netdevsim10","netdevsim",false,null,null]' ]
	ctl 0 device unbind $d
	[ "$(field state)" = unchanged ]
	ctl 0 device restore $d
	[ "$(driver_of $d)" = netdevsim ]
	as_before
}

@test "what cannot be: no VFIO driver, no such driver, one that does not match; as before each time" {
	simulated
	ctl 6 device bind $d
	[ "$(jq -r '.errors[0].code' <<<"$output")" = no-vfio-driver ]
	ctl 6 device bind --driver vfio-pci $d
	ctl 1 device bind --driver no-such-driver $d
	ctl 1 device bind netdevsim/netdevsim11
	ctl 1 device bind netdevsim/../netdevsim10
	[ "$(driver_of $d)" = netdevsim ]
	as_before
}

@test "the default route goes over it: refused" {
	simulated
	n=$(ls /sys/bus/netdevsim/devices/netdevsim10/net)
	ip addr add 192.0.2.2/24 dev "$n"
	ip link set "$n" up
	ctl 0 device guard $d
	ip route add default via 192.0.2.1 dev "$n"
	ctl 3 device guard $d
	ctl 5 device unbind $d
	[ "$(jq -r '.errors[0].code' <<<"$output")" = default-route ]
	[ "$(driver_of $d)" = netdevsim ]
	as_before
}

@test "with a PCI device as a transaction: the second fails, the first is back" {
	simulated
	card=$(act_single)
	ctl 1 device bind --driver e1000 "$card" $d
	[ "$(driver_of $d) $(lab_driver "$card")" = "netdevsim e1000e" ]
	ctl 0 device unbind "$card" $d
	[ "$(jq -r '[.data[].state] | join(" ")' <<<"$output")" = "moved moved" ]
	ctl 0 device restore --all
	[ "$(driver_of $d) $(lab_driver "$card")" = "netdevsim e1000e" ]
	as_before
}

@test "killed between the system calls of an unbind, and restored" {
	simulated
	at-syscall -m bindings.json.new 0 iommuctl device unbind $d 3>"$BATS_TEST_TMPDIR/steps" >/dev/null
	steps=$(sed -n s/calls=//p "$BATS_TEST_TMPDIR/steps")
	[ "$steps" -gt 10 ]
	iommuctl device restore --all >/dev/null
	for ((i = 1; i <= steps; i += ${LAB_STEPS:-steps / 5 + 1})); do
		at-syscall -m bindings.json.new "$i" iommuctl device unbind $d >/dev/null 2>&1 3>&- || :
		ctl 0 device restore --all
		[ "$(driver_of $d)" = netdevsim ] || { echo "step $i" && return 1; }
		as_before
	done
}

# its name looks like the end of a PCI address
@test "the clock, on the bus of what firmware describes" {
	rtc=$(cd /sys/bus/pnp/drivers/rtc_cmos 2>/dev/null && echo *:*) || skip "this machine has none"
	[ -e "/sys/bus/pnp/devices/$rtc" ] || skip "this machine has none"
	[ ! -e "/sys/bus/pnp/devices/$rtc/driver_override" ]
	ctl 0 device unbind "pnp/$rtc"
	[ -z "$(driver_of "pnp/$rtc")" ]
	[ ! -e "/sys/bus/pnp/devices/$rtc/rtc" ]
	ctl 0 device restore --all
	[ "$(driver_of "pnp/$rtc")" = rtc_cmos ]
	[ -e "/sys/bus/pnp/devices/$rtc/rtc" ]
	as_before
}

@test "the share, by its device on the virtio bus: refused" {
	for v in /sys/bus/virtio/devices/*; do
		[ ! -e "$v/mount_tag" ] || break
	done
	ctl 3 device guard "virtio/${v##*/}"
	ctl 5 device unbind "virtio/${v##*/}"
	[ "$(jq -r '.errors[0].code' <<<"$output")" = mounted ]
	ctl 6 device bind --driver vfio-pci "virtio/${v##*/}"
	card=$(readlink -f "$v")
	[[ $(jq -r '.errors[0].hint' <<<"$output") == *"it sits on $(basename "${card%/*}")"* ]]
	as_before
}

@test "one that is gone is still known by its name, and forgotten" {
	simulated
	ctl 0 device unbind $d
	echo 10 >/sys/bus/netdevsim/del_device
	ctl 0 device restore $d
	[ "$(field state)" = gone ]
	grep -q 'is gone: nothing to put back' <<<"$output$stderr"
	as_before
}

# Last: a card that comes back by a rescan may have another name for its interface.
@test "a card that was pulled out is known by the short form of its address" {
	card=$(act_single)
	ctl 0 device bind "$card"
	echo 1 >"$devices/$card/remove"
	ctl 0 device restore "${card#0000:}"
	[ "$(field device) $(field state)" = "$card gone" ]
	[ ! -e "$journal" ]
	echo 1 >/sys/bus/pci/rescan
	until [ "$(lab_driver "$card")" = e1000e ]; do sleep 0.1; done
	as_before
}
