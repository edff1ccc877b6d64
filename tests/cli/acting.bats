#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Commands that act: what they say before they look at a device. What they do is tested in tests/vm.
load lib

@test "acting needs this machine: --from is a mistake" {
	for verb in "bind 00:03.0" "unbind 00:03.0" "restore --all" "vfs 00:03.0 2"; do
		# shellcheck disable=SC2086
		run_ctl --from demo device $verb
		expect_status 2
		expect_in "$stderr" "acts, and that machine is not here"
		# shellcheck disable=SC2086
		run_ctl -j --from demo device $verb
		expect_status 2
		[ "$(jq -r '.errors[0].code' <<<"$output")" = not-here ]
	done
}

@test "a timeout is a number of seconds" {
	for t in x -1 1x 1e99 nan; do
		run_ctl device restore --all --timeout="$t"
		expect_status 2
	done
}

@test "restore wants devices or --all, and not both" {
	run_ctl device restore
	expect_status 2
	run_ctl device restore --all 00:03.0
	expect_status 2
}

@test "bind wants a device" {
	run_ctl device bind
	expect_status 2
}

@test "vfs wants a physical function and a number" {
	run_ctl device vfs 00:03.0
	expect_status 2
	for n in x -1 1x 65536 ''; do
		run_ctl device vfs -n 00:03.0 -- "$n"
		expect_status 2
	done
}
