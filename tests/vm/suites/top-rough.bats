#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # of lab.bash and top.bash
# iommutop where the ground moves: the clock jumps, processors go and come, rights are lost midway, what is measured is switched on and
# off again, and a container has the device instead of an iommufd.

setup() {
	load lab
	load owner
	load top
	top_begin
	now=$(date +%s)
}

teardown() {
	top_end
	[ ! -e /sys/devices/system/cpu/cpu1/online ] || echo 1 >/sys/devices/system/cpu/cpu1/online
	chmod 0755 "$groups" "$devices"
	lab_release
}

# later N: that many more refreshes
later() {
	local want=$(($(samples) + $1)) tries=400

	until [ "$(samples)" -ge "$want" ]; do
		[ $((tries -= 1)) -gt 0 ] || return 1
		sleep 0.1
	done
}

@test "the clock jumps forwards and back: refreshes go on, rates are over the time that passed" {
	watch 40 units
	date -s "@$((now + 100000))"
	later 3
	date -s "@$((now - 100000))"
	later 3
	date -s "@$((now + 6))"
	kill "$top"
	# both jumps were seen, and none of them by a rate
	[ "$(sed 1d "$log" | jq -s '[.[] | select(.time) | .time | fromdate] | max - min > 190000')" = true ]
	[ "$(sed 1d "$log" | jq -s '[.[] | select(.sample > 1) | .interval | . >= 500 and . < 20000] | all')" = true ]
	[ "$(sed 1d "$log" | jq -s '[.[] | select(.sample > 1) | .maps | . != null and . < 1000] | all')" = true ]
}

@test "a processor goes and comes back: what runs on it counts again" {
	[ -e /sys/devices/system/cpu/cpu1/online ] || skip "this kernel cannot switch processors off"
	watch 60 units
	echo 0 >/sys/devices/system/cpu/cpu1/online
	soon '.maps != null' true
	echo 1 >/sys/devices/system/cpu/cpu1/online
	soon '.maps != null' true
	disk_work 2
	soon '.maps > 10' true
}

@test "rights are lost midway and come back: what cannot be read is null, the rest goes on" {
	local driver all as=(setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all)

	driver=$(lab_driver "$NIC")
	watch 80 groups,devices,units
	all=$(sample 1 '[(.groups | length), (.devices | length), .ready, .needs_bind]')
	[ "$(jq '.[0] > 0 and .[1] > 0 and .[2] != null and .[3] != null' <<<"$all")" = true ]
	chmod 0700 "$groups" "$devices"
	echo "$NIC" >"/sys/bus/pci/drivers/$driver/unbind"
	soon '[.groups, .devices, .ready, .needs_bind, (.unit_rows | length > 0)]' '[null,null,null,null,true]'
	run "${as[@]}" iommutop --frame 100x24
	[ "$status" -eq 0 ]
	[[ $output == *" - groups"* ]]
	[[ $output == *"the groups cannot be read: "* ]]
	[[ $output != *" ready"* ]]
	chmod 0755 "$groups" "$devices"
	echo "$NIC" >"/sys/bus/pci/drivers/$driver/bind"
	soon '[(.groups | length), (.devices | length), .ready, .needs_bind]' "$all"
}

@test "the latency of invalidations is a dash until somebody has it measured" {
	local file=/sys/kernel/debug/iommu/intel/dmar_perf_latency

	[ -e $file ] || skip "only VT-d's driver measures it"
	iommutop -b -j -n 1 --view units >"$log"
	[ "$(sample 1 '.unit_rows[0].latency')" = null ]
	run iommutop --frame 140x30 --keys 4
	[[ $output == *"root switches it on: echo 1 >$file"* ]]
	echo 1 >$file
	disk_work
	sleep 1
	iommutop -b -j -n 1 --view units >"$log"
	echo 0 >$file
	[ "$(sample 1 '.unit_rows[0].latency | . != null and . >= 0 and . < 1000000')" = true ]
}

@test "a container has the device: its domain and its process within two refreshes" {
	local g
	g=$(lab_group "$EDU")
	lab_move "$EDU"
	watch 40 groups,domains
	owner_hold container "/dev/vfio/$g"
	soon ".groups[] | select(.group == $g) | [.verdict, .owner, .process, .pid]" "[\"in-use\",\"vfio-group\",\"owner-hold\",$holder]"
	[ "$(sample "$(samples)" ".domains[] | select(.groups == [\"$g\"]) | [.made_by, .hwpt, .process]")" = '["vfio",null,"owner-hold"]' ]
	lab_release
	soon ".groups[] | select(.group == $g) | [.verdict, .process]" '["ready",null]'
	lab_return "$EDU"
}
