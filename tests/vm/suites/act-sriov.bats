#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# act-sriov.bats: virtual functions move alone, and their physical function not while they are on.
# shellcheck disable=SC2154
load act

pf=0000:01:00.0
vf=0000:01:00.2

sriov=$devices/$pf

# number and autoprobe belong to what has to be as before
eval "$(declare -f act_state | sed '1s/act_state/drivers_state/')"
act_state() {
	drivers_state
	grep . "$sriov/sriov_numvfs" "$sriov/sriov_drivers_autoprobe"
}

setup() {
	before=$(act_state)
}

teardown() {
	act_cleanup
	echo 0 >"$sriov/sriov_drivers_autoprobe"
	[ "$(cat "$sriov/sriov_numvfs")" -eq 4 ] || {
		echo 0 >"$sriov/sriov_numvfs"
		echo 4 >"$sriov/sriov_numvfs"
	}
}

refused() {
	local want=$1 code=$2

	shift 2
	ctl "$want" device vfs "$@"
	[ "$(jq -r '.errors[0].code' <<<"$output")" = "$code" ]
	as_before
}

all() {
	jq -r "[.data[].$1] | join(\" \")" <<<"$output"
}

@test "one virtual function moves, the others do not" {
	ctl 0 device bind "$vf"
	[ "$(act_state | grep -c 'driver_override:vfio-pci')" -eq 1 ]
	[ "$(lab_driver "$vf")" = vfio-pci ]
	ctl 0 device restore --all
	as_before
}

@test "a physical function with VFs is refused" {
	ctl 3 device guard "$pf"
	ctl 5 device bind "$pf"
	[ "$(jq -r '.errors[0].code' <<<"$output")" = vfs-enabled ]
	as_before
}

@test "forced, the kernel refuses it, and a card moved before it is rolled back" {
	card=$(act_single)
	ctl 1 device bind --force "$card" "$pf"
	[ "$(jq -r '[.data[].state] | join(" ")' <<<"$output")" = "rolled-back rolled-back" ]
	as_before
	[ "$(cat "$devices/$pf/sriov_numvfs")" -eq 4 ]
}

# -- their number ---------------------------------------------------------------------------------------------

@test "none, and back as they were" {
	ctl 0 device vfs "$pf" 0
	[ "$(all state)" = "removed removed removed removed" ]
	[ "$(cat "$sriov/sriov_numvfs")" -eq 0 ]
	ctl 0 device restore "$pf"
	as_before
}

@test "they come back when their physical function has been given away in between" {
	ctl 0 device vfs "$pf" 0
	ctl 0 device bind "$pf"
	[ "$(lab_driver "$pf")" = vfio-pci ]
	ctl 0 device restore --all
	as_before
}

@test "fewer of them, all on vfio-pci, with groups and nodes" {
	ctl 0 device vfs --driver vfio-pci "$pf" 2
	[ "$(all state)" = "created created removed removed" ]
	[ "$(all device)" = "0000:01:00.1 0000:01:00.2 0000:01:00.3 0000:01:00.4" ]
	for i in 1 2; do
		[ "$(lab_driver "0000:01:00.$i")" = vfio-pci ]
		[ "$(jq -r ".data[$i - 1].group" <<<"$output")" = "$(lab_group "0000:01:00.$i")" ]
		[ -c "$(jq -r ".data[$i - 1].cdev" <<<"$output")" ]
		[ "$(lab_truth bind cdev "0000:01:00.$i")" = 0 ]
	done
	[ "$(cat "$sriov/sriov_drivers_autoprobe")" -eq 0 ]
	ctl 0 device restore --all
	as_before
}

@test "from none and back to none: nothing is left to restore" {
	echo 0 >"$sriov/sriov_numvfs"
	before=$(act_state)
	ctl 0 device vfs --driver vfio-pci "$pf" 3
	[ "$(all driver)" = "vfio-pci vfio-pci vfio-pci" ]
	ctl 0 device vfs "$pf" 0
	as_before
	ctl 0 device vfs --driver vfio-pci "$pf" 1
	ctl 0 device restore "$pf"
	as_before
}

@test "without drivers, and drivers that come later do not take them" {
	echo 0 >"$sriov/sriov_numvfs"
	echo 1 >"$sriov/sriov_drivers_autoprobe"
	before=$(act_state)
	ctl 0 device vfs --driver none "$pf" 2
	[ "$(all driver)" = " " ]
	echo 0000:01:00.1 >/sys/bus/pci/drivers_probe || :
	[ -z "$(lab_driver 0000:01:00.1)" ]
	ctl 0 device restore --all
	as_before
	ctl 0 device vfs --driver vfio-pci "$pf" 1
	[ "$(cat "$sriov/sriov_drivers_autoprobe")" -eq 1 ]
	ctl 0 device restore --all
	as_before
}

@test "a physical function that lost its driver: the advice of each command leads out" {
	driver=$(lab_driver "$pf")
	echo "$pf" >"$sriov/driver/unbind"
	ctl 1 device vfs "$pf" 0
	[ "$(jq -r '.errors[0].code' <<<"$output")" = no-driver ]
	[[ $(jq -r '.errors[0].hint' <<<"$output") == *"device bind --force --driver DRIVER $pf" ]]
	ctl 3 device guard "$pf"
	[[ $(jq -r '[.data[].reasons[].remedies[].command] | join("\n")' <<<"$output") == *"device bind --force --driver DRIVER $pf"* ]]
	ctl 0 device bind --force --driver "$driver" "$pf"
	ctl 0 device vfs "$pf" 0
	ctl 0 device restore --all
	[ -z "$(lab_driver "$pf")" ]
	echo "$pf" >"/sys/bus/pci/drivers/$driver/bind"
	as_before
}

@test "the number that there is: unchanged, but for the driver" {
	ctl 0 device vfs "$pf" 4
	[ "$(all state)" = "unchanged unchanged unchanged unchanged" ]
	as_before
	ctl 0 device vfs --driver vfio-pci "$pf" 4
	[ "$(all state)" = "moved moved moved moved" ]
	ctl 0 device vfs --driver vfio-pci "$pf" 4
	[ "$(all state)" = "unchanged unchanged unchanged unchanged" ]
	ctl 0 device restore --all
	as_before
}

@test "one that was moved before goes back to what it was first" {
	ctl 0 device bind "$vf"
	ctl 0 device vfs "$pf" 1
	ctl 1 device restore "$vf"
	grep -q "restore $pf" <<<"$stderr"
	ctl 0 device restore "$pf"
	as_before
}

@test "a dry run names them" {
	ctl 0 device vfs -n --driver vfio-pci "$pf" 2
	[ "$(all state) $(all device)" = "planned planned planned planned 0000:01:00.1 0000:01:00.2 0000:01:00.3 0000:01:00.4" ]
	as_before
}

@test "one that is open keeps them all, forced or not" {
	ctl 0 device bind "$vf"
	lab_hold hold "$vf"
	ctl 5 device vfs "$pf" 0
	ctl 5 device vfs --force "$pf" 2
	grep -q "pid $holder" <<<"$stderr"
	[ "$(all state)" = "refused refused refused refused" ]
	[ "$(cat "$sriov/sriov_numvfs")" -eq 4 ]
	lab_release
	ctl 0 device restore --all
	as_before
}

@test "one that was made, and is open: restore leaves it" {
	ctl 0 device vfs --driver vfio-pci "$pf" 1
	lab_hold hold 0000:01:00.1
	ctl 5 device restore --all
	[ "$(cat "$sriov/sriov_numvfs")" -eq 1 ]
	lab_release
	ctl 0 device restore --all
	as_before
}

@test "one whose interface is elsewhere counts as used" {
	d=$(act_single)
	n=$(ls "$devices/$d/net")
	unshare --net sleep 1000 3>&- &
	other=$!
	until [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
	ip link set "$n" netns $other
	ctl 3 device guard "$d"
	[ "$(field 'reasons[0].code')" = interface-elsewhere ]
	ctl 5 device bind "$d"
	kill $other
	until [ -n "$(ls "$devices/$d/net")" ]; do sleep 0.1; done
	as_before
}

@test "a driver that refuses them: undone" {
	ctl 1 device vfs --driver virtio-pci "$pf" 2
	[ "$(all state)" = "rolled-back rolled-back rolled-back rolled-back" ]
	as_before
	ctl 1 device vfs --driver no-such-driver "$pf" 2
	as_before
}

@test "too many, none to have, no number, a virtual function" {
	refused 6 too-many "$pf" 5
	refused 6 no-sriov "$(act_single)" 1
	refused 6 is-vf "$vf" 1
	refused 2 bad-value "$pf" x
	refused 2 bad-value "$pf" -- -1
}

@test "killed between its system calls, and restored" {
	at-syscall -m bindings.json.new 0 iommuctl device vfs --driver vfio-pci "$pf" 2 3>"$BATS_TEST_TMPDIR/steps" >/dev/null
	n=$(sed -n s/calls=//p "$BATS_TEST_TMPDIR/steps")
	ctl 0 device restore --all
	as_before
	for ((i = 1; i <= n; i += ${LAB_STEPS:-n / 5 + 1})); do
		at-syscall -m bindings.json.new "$i" iommuctl device vfs --driver vfio-pci "$pf" 2 >/dev/null 2>&1 3>&- || :
		iommuctl device restore --all >"$BATS_TEST_TMPDIR/out" 2>&1 || { echo "step $i:" && cat "$BATS_TEST_TMPDIR/out" && return 1; }
		as_before || { echo "step $i" && return 1; }
	done
}

@test "interrupted: undone" {
	for i in 20 60; do
		rc=0
		at-syscall -m bindings.json.new -s 2 $i iommuctl -j device vfs --driver vfio-pci "$pf" 2 >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- || rc=$?
		[ $rc -eq 130 ] || { echo "step $i: exit $rc" && cat "$BATS_TEST_TMPDIR/out" && return 1; }
		as_before
	done
}

# -- in one group with their physical function --------------------------------------------------------------------------------

@test "in its physical function's group, whose driver leaves it there: that one only leaves, and both come back" {
	ctl 3 group check 0000:03:00.1
	[ "$(jq -r '.data[0] | [.verdict, (.steps[] | .device + ">" + (.to // "-"))] | join(" ")' <<<"$output")" = \
		"needs-bind 0000:03:00.0>- 0000:03:00.1>vfio-pci" ]
	ctl 0 device bind --group 0000:03:00.1
	[ "$(jq -r '[.data[] | .device + ">" + (.driver // "-")] | sort | join(" ")' <<<"$output")" = \
		"0000:03:00.0>- 0000:03:00.1>vfio-pci 0000:03:00.2>vfio-pci" ]
	ctl 0 group check 0000:03:00.1
	[ "$(jq -r '.data[0].verdict' <<<"$output")" = ready ]
	ctl 0 device restore --all
	as_before
}
