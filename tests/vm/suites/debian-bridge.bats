#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# debian-bridge.bats: a bridge whose driver uses the DMA API spoils its group: --group takes it off, and nowhere else; process namespaces; and what 6.1 says of types.
# shellcheck disable=SC2154
load act

setup() {
	before=$(act_state)
	read -r a b < <(act_behind_bridge)
	for bridge in "$devices"/*; do
		bridge=${bridge##*/}
		[ "$(lab_driver "$bridge")" != shpchp ] || break
	done
}

teardown() {
	act_cleanup
}

@test "the machine is as it is meant: the bridge is on shpchp, in the group of the cards" {
	[ "$(lab_driver "$bridge")" = shpchp ]
	[ "$(lab_group "$bridge") $(lab_group "$b")" = "$(lab_group "$a") $(lab_group "$a")" ]
}

@test "a dry run says what would be done, and loads nothing; a driver that is no module is found out" {
	ctl 0 device bind -n --group "$a"
	[ "$(jq -r '[.data[].state] | unique | join(",")' <<<"$output")" = planned ]
	ctl 1 device bind -n --group --driver no-such-driver "$a"
	[ "$(jq -r '.errors[0].code' <<<"$output")" = no-driver ]
	[ ! -e /sys/bus/pci/drivers/vfio-pci ]
	as_before
}

@test "both cards on vfio-pci, and the bridge on shpchp: the kernel says not viable, and so do we" {
	# busybox' modprobe knows no softdep
	modprobe -a vfio_pci vfio_iommu_type1
	for d in "$a" "$b"; do
		echo vfio-pci >"$devices/$d/driver_override"
		echo "$d" >"$devices/$d/driver/unbind"
		echo "$d" >/sys/bus/pci/drivers/vfio-pci/bind
	done
	[ "$(lab_truth viable status "$(lab_group "$a")")" = false ]
	ctl 3 group check "$a"
	[ "$(jq -r '.data[0] | "\(.viable) \(.verdict) \(.offenders | join(","))"' <<<"$output")" = "false needs-bind $bridge" ]
}

@test "without --group the bridge is named and nothing is moved" {
	ctl 5 device bind "$a" "$b"
	[ "$(jq -r '.errors[0].what' <<<"$output")" = "$bridge" ]
	as_before
}

@test "--group: the cards to vfio-pci, the bridge off its driver, the group viable; and back" {
	ctl 0 device bind --group "$a"
	[ "$(lab_driver "$a") $(lab_driver "$b") $(lab_driver "$bridge")" = "vfio-pci vfio-pci " ]
	[ "$(jq -r --arg d "$bridge" '.data[] | select(.device == $d) | "\(.driver_before) \(.driver) \(.state)"' <<<"$output")" = "shpchp null moved" ]
	[ "$(lab_truth viable status "$(lab_group "$a")")" = true ]
	[ "$(lab_truth set_iommu legacy "$(lab_group "$a")")" = 0 ]
	ctl 0 group check "$a"
	ctl 0 device restore --all
	[ "$(lab_driver "$bridge")" = shpchp ]
	as_before
}

@test "a card that fails: the bridge has its driver again" {
	mount --bind /dev/full "$devices/$b/driver_override"
	rc=0
	ctl 1 device bind --group "$a" || rc=$?
	umount "$devices/$b/driver_override"
	[ $rc -eq 0 ]
	as_before
}

@test "the bridge itself is given to nobody" {
	ctl 6 device bind "$bridge"
	ctl 6 device bind --force "$bridge"
	ctl 5 device unbind "$bridge"
	as_before
}

# with the machine's own /proc, and with one of its own, where process 1 is not the machine's
@test "from a process namespace of its own the answer is unknown, and acting is refused" {
	d=$(act_single)
	elsewhere pid --pid --fork
	elsewhere pid --pid --fork --mount-proc
}

@test "6.1 changes the type of single devices only, and that is said" {
	read -r one two < <(act_pair)
	g=$(lab_group "$one")
	type=$(cat "$groups/$g/type")
	ctl 0 device unbind "$one" "$two"
	rc=0
	iommuctl -j group set-type --force "$g" identity >"$BATS_TEST_TMPDIR/out" 2>/dev/null || rc=$?
	cat "$BATS_TEST_TMPDIR/out"
	[ $rc -ne 0 ]
	[ "$(jq -r '.errors[0].errno' "$BATS_TEST_TMPDIR/out")" = EINVAL ]
	grep -q 'groups of one device' "$BATS_TEST_TMPDIR/out"
	[ "$(cat "$groups/$g/type")" = "$type" ]
	ctl 0 device restore --all
	as_before
}
