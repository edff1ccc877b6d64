#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# open-refused.bats: EPERM at a claim has four causes. On the kernel that has each: the command names it before the ioctl (-n, from facts) and
# after it, in the same words, and the kernel's errno is the one that was foretold. One boot has one to three of them.

# shellcheck disable=SC2154,SC2317
bats_require_minimum_version 1.5.0
load lab

setup() {
	lab_tool
	unset IOMMUCTL_SESSION
	alone=0000:01:00.0
	# a kernel with the test that leaves a count behind
	leaks=''
	zcat /proc/config.gz | grep -qx CONFIG_DEBUG_TEST_DRIVER_REMOVE=y && leaks=yes
	params=/sys/module/iommufd/parameters/allow_unsafe_interrupts
}

teardown() {
	local s

	for s in $(iommuctl --raw --noheadings session list -o session); do
		iommuctl session stop "$s"
	done
}

# refused DEV WORDS...: before and after, by iommufd; what is said is the same, and the errno EPERM
refused() {
	local dev=$1 before after

	shift
	run -1 iommuctl -j batch - <<<"device open -n $dev"
	before=$(head -1 <<<"$output" | jq -c '.errors[-1] | [.errno, .why]')
	run -1 iommuctl -j batch - <<<"device open $dev"
	after=$(head -1 <<<"$output" | jq -c '.errors[-1] | [.errno, .why]')
	echo "before: $before"
	echo "after:  $after"
	[ "$before" = "$after" ]
	[[ $after == '["EPERM",'* ]]
	for word; do
		[[ $after == *"$word"* ]] || { echo "not said: $word"; return 1; }
	done
}

# two devices of one group, both on a driver of the kernel's
pair() {
	local g

	for g in $(lab_groups); do
		# shellcheck disable=SC2046
		set -- $(lab_endpoints "$g")
		[ $# -eq 2 ] || continue
		[ -n "$(lab_driver "$1")" ] || continue
		[ -n "$(lab_driver "$2")" ] || continue
		one=$1 two=$2
		return
	done
	return 1
}

@test "a driver of the group, and then another session that has its other device" {
	[ -z "$leaks" ] || skip "a count is left behind here in every group"
	lab_isolated || skip "interrupts are not isolated here, which comes first"
	pair
	was_one=$(lab_driver "$one") was_two=$(lab_driver "$two")
	lab_move "$one"
	refused "$one" "$two" "$was_two"
	lab_move "$two"
	iommuctl session start holder
	iommuctl --session holder device open "$two" as held
	refused "$one" "iommuctl (pid " "has /dev/vfio/devices/"
	run iommuctl batch - <<<"device open $one"
	echo "$output"
	[[ $output == *"session holder has it"* ]]
	iommuctl session stop holder
	# nobody is in the way
	run -0 iommuctl batch - <<<"device open -n $one"
	run -0 iommuctl batch - <<<"device open $one"
	lab_return "$one" "$was_one"
	lab_return "$two" "$was_two"
}

@test "interrupts that are not isolated" {
	! lab_isolated || skip "they are isolated here"
	was=$(lab_driver "$alone")
	lab_move "$alone"
	echo N >"$params"
	refused "$alone" "not isolated" allow_unsafe_interrupts
	echo Y >"$params"
	run -0 iommuctl batch - <<<"device open -n $alone"
	run -0 iommuctl batch - <<<"device open $alone"
	echo N >"$params"
	lab_return "$alone" "$was"
}

@test "a count that a driver left behind" {
	[ -n "$leaks" ] || skip "drivers leave none behind here"
	lab_move "$alone"
	refused "$alone" "of the count is nobody's"
}
