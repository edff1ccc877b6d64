#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# owner-debian.bats: owners on Debian's own kernel, where VFIO is modules: its types and symbols come with them, and 6.1 counts by other members
# than later kernels.

# shellcheck disable=SC2154
bats_require_minimum_version 1.5.0
load lab
load owner

alone=0000:01:00.0 pair=0000:03:00.0 second=0000:03:00.1

setup() {
	holder=''
}

teardown() {
	lab_give_back e1000e "$alone" "$pair" "$second"
	[ -z "$(owner_probes)" ]
}

teardown_file() {
	modprobe -r vfio-pci vfio_iommu_type1 || :
}

vfio() {
	modprobe -a vfio-pci vfio_iommu_type1
	[ -e /sys/kernel/btf/vfio ]
}

@test "before VFIO is loaded: counts are what the drivers account for" {
	local g n list

	[ ! -e /sys/kernel/btf/vfio ]
	list=$(iommuctl owner list -j)
	[ "$(jq -c .warnings <<<"$list")" = '[]' ]
	for g in $(lab_groups); do
		n=$(owner_uses "$g")
		echo "group $g: $n"
		[ "$(jq -c ".data[] | select(.group == $g) | [.owner_cnt, .expected, .verdict]" <<<"$list")" = "[$n,$n,\"as-expected\"]" ]
	done
	[ "$(owner_of "$(lab_group $pair)" .owner_cnt)" = 2 ]
	run -0 --separate-stderr iommuctl owner check
	[ -z "$stderr" ]
}

@test "there is no iommufd, so nobody has one" {
	run -0 --separate-stderr iommuctl owner objects
	[ "$output" = "nobody has an iommufd open" ]
}

@test "a container: 1, and the process behind it, by the module's own types" {
	local g

	g=$(lab_group $pair)
	vfio
	lab_move $pair
	lab_move $second
	[ "$(owner_of "$g" '[.owner_cnt, .expected, .owner]')" = '[0,0,"none"]' ]
	owner_hold container "/dev/vfio/$g"
	[ "$(owner_of "$g" '[.owner_cnt, .expected, .verdict, .owner, [.processes[] | [.pid, .what]]]')" = \
		"[1,1,\"as-expected\",\"vfio-group\",[[$holder,\"vfio-group\"]]]" ]
	run -0 iommuctl owner check "$g"
	lab_release
	[ "$(owner_of "$g" '[.owner_cnt, .owner]')" = '[0,"none"]' ]
}

@test "trace: a claim by a container, a driver that leaves and comes back" {
	local g

	g=$(lab_group $alone)
	vfio
	run -0 iommuctl owner trace $alone -j -- sh -c "$(owner_rebind $alone e1000e)"
	[ "$(jq -c '[.data[0] | .taken, .given_before, .remains, .surplus]' <<<"$output")" = '[1,1,1,0]' ]
	lab_move $alone
	run iommuctl owner trace "$g" -j -- timeout 5 owner-hold container "/dev/vfio/$g"
	[ "$(jq -c '[.data[] | select(.device == null) | .entries[].call]' <<<"${lines[-1]}")" = '["group-claim","group-release"]' ]
}

@test "ioctls: of a container and a group" {
	local g

	g=$(lab_group $alone)
	vfio
	lab_move $alone
	run --separate-stderr iommuctl ioctls -j -- timeout 5 owner-hold container "/dev/vfio/$g"
	[ "$(jq -c -s '[.[] | select(.call != null) | [.on, .name, .call, .err]]' <<<"$output")" = \
		"[[\"group\",\"$g\",\"VFIO_GROUP_SET_CONTAINER\",null],[\"container\",null,\"VFIO_SET_IOMMU\",null]]" ]
}

@test "why: a sibling on its native driver, found by probes in modules" {
	local g

	g=$(lab_group $pair)
	vfio
	lab_move $pair
	run -1 --separate-stderr iommuctl why -j -- owner-hold container "/dev/vfio/$g"
	jq -c '.data[0] | [.call, .err, .born_in, .group, [.chain[].function]]' <<<"$output"
	[ "$(jq -c '.data[0] | [.call, .err, .born_in, .group]' <<<"$output")" = \
		"[\"VFIO_GROUP_SET_CONTAINER\",\"EPERM\",\"iommu_group_claim_dma_owner\",$g]" ]
	[ "$(jq -c "[.data[0].reasons[] | select(.device == \"$second\")] | length > 0" <<<"$output")" = true ]
}
