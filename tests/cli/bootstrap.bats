#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# ./bootstrap where packages are missing: what it says, when it asks, when it goes ahead. dpkg-query and apt-get are stand-ins.
load lib

setup() {
	command -v dpkg >/dev/null || skip "this is not a Debian"
	SRC=${BATS_TEST_DIRNAME%/tests/cli}
	tree=$BATS_TEST_TMPDIR/tree
	mkdir -p "$tree" "$BATS_TEST_TMPDIR/bin"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR" "$tree" "$BATS_TEST_TMPDIR/bin" 2>/dev/null || true
	cp "$SRC/bootstrap" "$tree/"
	# nothing is installed, and nothing can be
	printf '#!/bin/sh\nexit 1\n' >"$BATS_TEST_TMPDIR/bin/dpkg-query"
	# shellcheck disable=SC2016 # the stand-in expands it
	printf '#!/bin/sh\necho "$@" >>"%s/asked"\n[ "$1" = update ]\n' "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/bin/apt-get"
	printf '#!/bin/sh\nexec "$@"\n' >"$BATS_TEST_TMPDIR/bin/sudo"
	chmod 755 "$BATS_TEST_TMPDIR/bin"/*
	export PATH=$BATS_TEST_TMPDIR/bin:$PATH
	unset CI
}

@test "on a terminal it shows the line and asks; no is an answer" {
	run script -qec "'$tree/bootstrap'" /dev/null <<<n
	[ "$status" -eq 1 ]
	expect_in "$output" "apt-get install --no-install-recommends" "libarchive-dev" "install them now?" "not installed: run that line, then this again"
	[ ! -e "$BATS_TEST_TMPDIR/asked" ]
}

@test "with -y it goes ahead, and says when apt-get cannot" {
	run "$tree/bootstrap" -y </dev/null
	[ "$status" -eq 3 ]
	expect_in "$output" "apt-get could not install them"
	grep -q '^install .*libarchive-dev' "$BATS_TEST_TMPDIR/asked"
	# the tests want more than a build
	run ! grep -q shellcheck "$BATS_TEST_TMPDIR/asked"
	run "$tree/bootstrap" -y test </dev/null
	grep -q shellcheck "$BATS_TEST_TMPDIR/asked"
}

@test "without a terminal root goes ahead, and others are told what is missing" {
	run "$tree/bootstrap" </dev/null
	if [ "$(id -u)" -ne 0 ]; then
		[ "$status" -eq 1 ]
		expect_in "$output" "sudo apt-get install" "not installed: run that line"
		return
	fi
	[ "$status" -eq 3 ]
	rm "$BATS_TEST_TMPDIR/asked"
	nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	"${nobody[@]}" test -x "$BATS_TEST_TMPDIR/bin/dpkg-query" || skip "another user cannot enter $BATS_TEST_TMPDIR"
	run "${nobody[@]}" "$tree/bootstrap" </dev/null
	[ "$status" -eq 1 ]
	expect_in "$output" "sudo apt-get install" "not installed: run that line"
	[ ! -e "$BATS_TEST_TMPDIR/asked" ]
}

@test "what it does not know is wrong usage" {
	run "$tree/bootstrap" nosuch
	[ "$status" -eq 2 ]
	expect_in "$output" 'unknown word "nosuch"' "build, demo, test and cross are known"
	run "$tree/bootstrap" cross riscv64
	[ "$status" -eq 2 ]
}
