#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# act-sriov.bats: virtual functions move alone, and their physical function not while they are on.
# shellcheck disable=SC2154
load act

pf=0000:01:00.0
vf=0000:01:00.2

setup() {
	before=$(act_state)
}

teardown() {
	act_cleanup
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
