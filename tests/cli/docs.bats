#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Every command that a text shows is run: tests/console.
load lib

setup_file() {
	export SRC=${BATS_TEST_DIRNAME%/tests/cli}
}

# console FILE...: none of its lines is bad
console() {
	run "$SRC/tests/console" "$@"
	[ "$status" -eq 0 ] || {
		grep -v '^ok' <<<"$output" >&2
		return 1
	}
}

@test "README prints what it says" {
	console "$SRC/README.md"
}

@test "the examples of the manual do what they are for" {
	console "$SRC"/man/*.1
	[ "$(grep -c '^ok' <<<"$output")" -ge 25 ]
}

# what the runner itself would not see
@test "a wrong output, a wrong status, a command left out and a needless excuse are found" {
	local f=$BATS_TEST_TMPDIR/text.md

	text() {
		printf '%s\n' "$@" >"$f"
		run "$SRC/tests/console" "$f"
		grep -q '^not ok' <<<"$output" && [ "$status" -eq 1 ]
	}
	text '```console' '$ iommuctl --demo group check 0a:00.2' 'something else' '```'
	text '```console' '$ iommuctl --demo group check 12' '```'
	text '```console' '$ umount /srv' '```'
	text '<!-- by hand: because -->' '```console' '$ iommuctl --demo group list' '```'
	text '<!-- machine: demo demo -->' '<!-- lab: because -->' '```console' '$ iommuctl group list' '```'
	text '<!-- by hand: because -->' 'nothing'
	text 'nothing'
	printf '%s\n' '```console' '$ iommuctl --demo group check 0a:00.2' '…' '(exit status 0)' '```' >"$f"
	run "$SRC/tests/console" "$f"
	[ "$status" -eq 0 ]
}
