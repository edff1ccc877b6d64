#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# act-type.bats: group set-type, and each way in which it is refused.
# shellcheck disable=SC2154
load act

setup() {
	before=$(act_state)
	d=$(act_single)
	g=$(lab_group "$d")
	type=$(group_type)
}

teardown() {
	act_cleanup
}

group_type() {
	cat "$groups/$g/type"
}

# refused STATUS CODE TYPE [OPTION]
refused() {
	local want=$1 code=$2

	shift 2
	ctl "$want" group set-type "$g" "$@"
	[ "$(jq -r '.errors[0].code' <<<"$output")" = "$code" ]
	[ "$(group_type)" = "$type" ]
}

@test "there and back, read back each time" {
	ctl 0 device unbind "$d"
	for t in identity DMA "$type"; do
		ctl 0 group set-type --force "$g" "$t"
		[ "$(group_type)" = "$t" ]
		[ "$(field type)" = "$t" ]
	done
	ctl 0 group set-type "$g" "$type"
	[ "$(field state) $(field changed)" = "unchanged false" ]
	ctl 0 group set-type "$g" auto
	[ "$(field type)" = "$(group_type)" ]
	ctl 0 group set-type --force "$g" "$type"
	ctl 0 device restore --all
	as_before
}

@test "a driver that uses the group is named" {
	refused 1 type-driver --force identity
	grep -q "$d is on e1000e" <<<"$stderr"
}

@test "identity wants --force" {
	refused 5 type-identity identity
	refused 5 type-identity -n identity
}

@test "a holder is named" {
	ctl 0 device bind "$d"
	lab_hold hold -b "$d"
	refused 1 type-held --force identity
	grep -q "pid $holder" <<<"$stderr"
	lab_release
	ctl 0 group set-type --force "$g" identity
	ctl 0 group set-type --force "$g" "$type"
	ctl 0 device restore --all
	as_before
}

@test "DMA to DMA-FQ is done with the driver bound, and not the way back" {
	ctl 0 device unbind "$d"
	ctl 0 group set-type "$g" DMA
	ctl 0 device restore "$d"
	ctl 0 group set-type "$g" DMA-FQ
	[ "$(field state) $(field type) $(group_type) $(lab_driver "$d")" = "changed DMA-FQ DMA-FQ e1000e" ]
	ctl 1 group set-type "$g" DMA
	[ "$(jq -r '.errors[0].code' <<<"$output") $(group_type)" = "type-driver DMA-FQ" ]
	ctl 0 device unbind "$d"
	ctl 0 group set-type "$g" "$type"
	ctl 0 device restore "$d"
	as_before
}

@test "root without CAP_SYS_RAWIO: the kernel says EACCES, and the capability is named" {
	ctl 0 device unbind "$d"
	run setpriv --bounding-set -sys_rawio iommuctl -j group set-type --force "$g" identity
	[ "$status" -eq 7 ]
	[ "$(jq -r '.errors[0] | "\(.code) \(.errno)"' <<<"${lines[0]}")" = "type EACCES" ]
	[[ ${lines[0]} == *CAP_SYS_RAWIO* ]]
	[ "$(group_type)" = "$type" ]
	ctl 0 device restore "$d"
	as_before
}

@test "what is not a type, and what is not a group" {
	refused 2 bad-value dma
	ctl 1 group set-type 9999 DMA
}

@test "a dry run writes nothing" {
	ctl 0 device unbind "$d"
	ctl 0 group set-type -n --force "$g" identity
	[ "$(field state) $(field type) $(group_type)" = "planned identity $type" ]
	ctl 0 device restore --all
}

@test "without permission" {
	ctl 0 device unbind "$d"
	run setpriv --reuid 1000 --clear-groups iommuctl group set-type --force "$g" identity
	[ "$status" -eq 7 ]
	[ "$(group_type)" = "$type" ]
	ctl 0 device restore --all
	as_before
}
