#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The README's script: it stands there as it is, and runs on a model. On a real machine tests/vm runs the same file.
load lib

setup() {
	SRC=${BATS_TEST_DIRNAME%/tests/cli}
	SCRIPT=$SRC/docs/examples/first.sh
}

teardown() {
	"$IOMMUCTL" session stop first 2>/dev/null || true
}

@test "README shows the script as it is, and it has 12 lines" {
	[ "$(wc -l <"$SCRIPT")" -eq 12 ]
	run sed -n '/^    #!\/bin\/sh -e$/,/^$/s/^    //p' "$SRC/README.md"
	[ "$output" = "$(cat "$SCRIPT")" ]
}

@test "it binds, allocates, maps, attaches, replaces and cleans up, on the model" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	ln -s "$IOMMUCTL" "$BATS_TEST_TMPDIR/bin/iommuctl"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH run --separate-stderr sh -e "$SCRIPT" 0a:00.3 --demo
	expect_status 0
	[ -z "$stderr" ]
	expect_in "$output" "0000:0a:00.3 -      vfio-pci moved" "0x10000000" "dev1: attached to hwpt1" "dev1: attached to hwpt2" \
		"0000:0a:00.3 vfio-pci -      moved"
	run_ctl --raw --noheadings session list
	expect_not_in "$output" "first"
}

@test "where it fails it stops, and the next lines are not run" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	ln -s "$IOMMUCTL" "$BATS_TEST_TMPDIR/bin/iommuctl"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH run --separate-stderr sh -e "$SCRIPT" 03:00.1 --demo
	expect_status 5
	expect_not_in "$output" "attached"
}
