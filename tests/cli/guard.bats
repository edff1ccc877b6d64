#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# device guard on the built-in machine. Its judgements are tested in tests/unit/test-guard.c, live ones in tests/vm.
load lib

@test "guard: a bridge is a loss, and the exit code says no" {
	run_ctl --demo device guard 00:1b.0
	expect_status 3
	expect_in "$output" "0000:00:1b.0"
	expect_in "$output" "it is a bridge"
}

@test "guard: JSON has verdict and reasons" {
	run_ctl -j --demo device guard 00:1b.0 00:1d.0
	expect_status 3
	[ "$(jq -r '[.data[].verdict] | join(" ")' <<<"$output")" = "loss loss" ]
	[ "$(jq -r '.data[0].reasons[0].code' <<<"$output")" = bridge ]
}

@test "guard: nothing is said about the first device when the last is a mistake" {
	run_ctl --demo device guard 00:1b.0 77:00.0
	expect_status 1
	[ -z "$output" ]
}

@test "guard: the share of the built-in machine is mounted" {
	run_ctl -j --demo device guard 00:1e.0
	expect_status 3
	[ "$(jq -r '.data[0].reasons[0].code' <<<"$output")" = mounted ]
}
