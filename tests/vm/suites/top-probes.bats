#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # of lab.bash and top.bash
# iommutop --probes where the unit's driver has no tracepoints: calls of the functions that send invalidations are counted.

setup() {
	load lab
	load top
	top_begin
}

teardown() {
	top_end
}

@test "without --probes invalidations are a dash, with the way to have them" {
	iommutop -b -j -n 2 -d 0.5 --view units >"$log"
	[ "$(sample 2 .invalidations)" = null ]
	run iommutop --frame 140x30 --keys 4
	[[ $output == *'--probes counts calls of the driver'* ]]
}

@test "with --probes nothing is sent while nothing is done, and a lot while a disk is read" {
	iommutop -b -j --probes -n 3 -d 1 --view units >"$log"
	[ "$(sample 3 '.invalidations != null and .invalidations < 50')" = true ]
	disk_work
	iommutop -b -j --probes -n 4 -d 1 --view units >"$log"
	kill "$work"
	work=''
	sed 1d "$log" | jq -c '[.maps, .unmaps, .invalidations]'
	[ "$(sample 4 '[.unmaps, .invalidations] | map(. != null and . > 10) | all')" = true ]
}

@test "nothing is left of the probes" {
	[ -z "$(cat /sys/kernel/tracing/kprobe_events)" ]
	[ "$(cat /sys/kernel/tracing/events/enable)" = 0 ]
	[ -z "$(cat /sys/kernel/debug/kprobes/list 2>/dev/null)" ]
}
