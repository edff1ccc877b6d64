#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# why: what becomes of the command, and wrong arguments. What it finds is tested where something fails: tests/vm/suites/why.bats.
load lib

@test "the command's own status, also where nothing can be probed" {
	run_ctl why -- sh -c 'exit 5'
	expect_status 5
	# shellcheck disable=SC2016
	run_ctl why -- sh -c 'kill -KILL $$'
	expect_status 137
	run -127 --separate-stderr "$IOMMUCTL" why -- /nosuch/program
	expect_in "$stderr" "/nosuch/program: No such file or directory"
	echo text >"$BATS_TEST_TMPDIR/text"
	run_ctl why -- "$BATS_TEST_TMPDIR/text"
	expect_status 126
}

@test "in a batch, signals are afterwards as they were" {
	# whether it can watch here or not
	run_ctl -q batch --keep-going - < <(printf '%s\n' 'owner trace -d 0.1' 'why -- grep SigBlk /proc/self/status')
	expect_in "$output" "$(grep SigBlk /proc/self/status)"
}

@test "wrong arguments" {
	for args in "" "-p x" "-p 0" "-p 1 -- true" "-d x -p 1" "-d 1 -- true"; do
		# shellcheck disable=SC2086
		run_ctl why $args
		expect_status 2
	done
	run_ctl --demo why -- true
	expect_status 2
}
