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

@test "guard: a snapshot that says nothing of namespaces is told from one that does" {
	local ns tree=$BATS_TEST_TMPDIR/m
	run_ctl -j --from "${BATS_TEST_DIRNAME%/tests/cli}/tests/hosts/vtd.snap" device guard 0000:01:00.0
	expect_json '.data[0].reasons[] | select(.code == "container") | "\(.severity): \(.text)"' \
		"note: whether this is the view from the machine's own pid namespace cannot be told: not captured in this snapshot"
	mkdir -p "$tree/proc/self/ns" "$tree/proc/1/ns"
	tar -C "$tree" -xf "${BATS_TEST_DIRNAME%/tests/cli}/tests/hosts/vtd.snap" --exclude=iommuctl/manifest.json
	ln -s "pid:[4026531836]" "$tree/proc/self/ns/pid"
	for ns in net mnt; do
		ln -s "$ns:[1]" "$tree/proc/self/ns/$ns"
		ln -s "$ns:[2]" "$tree/proc/1/ns/$ns"
	done
	run_ctl --from "$tree" snapshot save "$BATS_TEST_TMPDIR/container.snap"
	expect_status 0
	run_ctl -j --from "$BATS_TEST_TMPDIR/container.snap" device guard 0000:01:00.0
	expect_status 6
	expect_json '.data[0].verdict' unknown
	expect_json '.data[0].reasons[] | select(.code == "container") | .severity' unknown
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
