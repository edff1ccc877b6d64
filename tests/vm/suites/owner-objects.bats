#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# owner-objects.bats: what iommuctl finds in the kernel's memory of iommufd objects, against the ids that the ioctls returned to the process
# which made them.

# shellcheck disable=SC2154
bats_require_minimum_version 1.5.0
load lab
load owner

# two functions of one group, and a device of another one
pair=0000:05:00.0 second=0000:05:00.1 other=0000:01:00.0

setup() {
	holder=''
}

teardown() {
	lab_give_back e1000e "$pair" "$second" "$other"
}

real() {
	local d

	for d in $pair $second $other; do
		lab_move $d
	done
}

@test "nobody has an iommufd: nothing, and a sentence that says so" {
	run -0 --separate-stderr iommuctl owner objects
	[ "$output" = "nobody has an iommufd open" ]
	[ -z "$stderr" ]
	run -0 --separate-stderr iommuctl owner objects -j
	[ "$(jq -c .data <<<"$output")" = '[]' ]
}

@test "an empty iommufd is a context without objects" {
	sleep 600 3<>/dev/iommu &
	holder=$!
	run -0 --separate-stderr iommuctl owner objects -j
	[ "$(jq -c '[.data[] | [.type, .complete, (.processes | map([.pid, .fd, .what]))]]' <<<"$output")" = "[[\"context\",true,[[$holder,3,\"iommufd\"]]]]" ]
}

@test "a page table of the user's, and an automatic one: ids, counts, links, groups" {
	real
	owner_hold objects "$(owner_node $pair)" "$(owner_node $other)"
	owner_ids
	local hwpt auto g og

	hwpt=$(owner_id hwpt-paging 1) auto=$(owner_id hwpt-paging 2) g=$(lab_group $pair) og=$(lab_group $other)
	[ "$(owner_object "$hwpt" '[.ioas, .automatic, .nest_parent, .domain.type, [.groups[].group]]')" = \
		"[$(owner_id ioas 1),false,false,\"unmanaged\",[$g]]" ]
	[ "$(owner_object "$auto" '[.ioas, .automatic, .domain.type, [.groups[].group]]')" = "[$(owner_id ioas 2),true,\"unmanaged\",[$og]]" ]
	[ "$(owner_object "$(owner_id device 1)" '[.device, .group, .attached, .hwpt, .pasids]')" = "[\"$pair\",$g,true,$hwpt,[]]" ]
	[ "$(owner_object "$(owner_id device 2)" '[.device, .group, .attached, .hwpt]')" = "[\"$other\",$og,true,$auto]" ]
	# an address space is used by its page table, that by the device, and a device by who bound it
	[ "$(owner_object "$(owner_id ioas 1)" .users)" -gt 1 ]
	[ "$(owner_object "$hwpt" .users)" -gt 1 ]
	[ "$(jq -c '[.data[0].processes[] | [.what, .device]] | sort' "$BATS_TEST_TMPDIR/objects")" = \
		"[[\"iommufd\",null],[\"vfio-device\",\"$other\"],[\"vfio-device\",\"$pair\"]]" ]
	run -0 iommuctl owner objects
	[[ $output == *"hwpt-paging $hwpt"* ]]
	[[ $output == *"device $(owner_id device 1)"* ]]
	echo "$output" >"/share/out/owner-objects-$(uname -r)"
}

@test "two of one group on an address space share its page table; one that is not attached has none" {
	real
	owner_hold objects "$(owner_node $other)" "$(owner_node $pair)" "$(owner_node $second)"
	owner_ids
	[ "$(owner_object "$(owner_id device 2)" .hwpt)" = "$(owner_id hwpt-paging 2)" ]
	[ "$(owner_object "$(owner_id device 3)" .hwpt)" = "$(owner_id hwpt-paging 2)" ]
	lab_release
	owner_hold iommufd "$(owner_node $pair)"
	iommuctl owner objects -p "$holder" -j >"$BATS_TEST_TMPDIR/objects"
	[ "$(jq -c '[.data[] | select(.type == "device") | [.device, .attached, .hwpt]]' "$BATS_TEST_TMPDIR/objects")" = "[[\"$pair\",false,null]]" ]
}

@test "two processes are two contexts, and -p chooses" {
	real
	owner_hold objects "$(owner_node $pair)"
	sleep 600 3<>/dev/iommu &
	local pid=$!
	run -0 --separate-stderr iommuctl owner objects -j
	[ "$(jq '[.data[] | select(.type == "context")] | length' <<<"$output")" = 2 ]
	run -0 --separate-stderr iommuctl owner objects -p $pid -j
	[ "$(jq '[.data[].type] | length' <<<"$output")" = 1 ]
	kill $pid
}

@test "a snapshot has them, and answers as the machine does" {
	real
	owner_hold objects "$(owner_node $pair)" "$(owner_node $other)"
	iommuctl snapshot save "$BATS_TEST_TMPDIR/m.snap"
	iommuctl owner objects -j | jq .data >"$BATS_TEST_TMPDIR/live"
	lab_release
	iommuctl --from "$BATS_TEST_TMPDIR/m.snap" owner objects -j | jq .data | diff "$BATS_TEST_TMPDIR/live" -
	cp "$BATS_TEST_TMPDIR/m.snap" "/share/out/objects-$(uname -r).snap"
}

@test "without the right to read memory: who has one open, and what stands in the way" {
	sleep 600 3<>/dev/iommu &
	holder=$!
	run -7 --separate-stderr setpriv --bounding-set -sys_rawio iommuctl owner objects -j
	[ "$(jq -c '[.errors[].code]' <<<"$output")" = '["cap-sys-rawio"]' ]
	[ "$(jq -c '[.data[] | [.type, .processes[].pid, .problem]]' <<<"$output")" = "[[\"context\",$holder,\"the kernel's memory could not be read\"]]" ]
}
