#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# recipes.bats: what the recipes and the manual show, on the machine that they are about, for real. Afterwards it is as before.
# shellcheck disable=SC2154
load lab

setup_file() {
	export IOMMUCTL_SRCDIR=/share/tree MACHINE=$LAB_TOPOLOGY
	! zcat /proc/config.gz | grep -qx CONFIG_DEBUG_TEST_DRIVER_REMOVE=y || MACHINE+=+leak
}

# about FILE: whether it is about this machine; a page that does not say is about the sample machine
about() {
	local m

	m=$(sed -nE 's/^(<!--|\.\\") machine: [^ ]+ ([^ ]+).*/\2/p' "$1")
	[ "${m:-demo}" = "$MACHINE" ]
}

# console FILE...: those about this machine
console() {
	local f rc=0

	for f; do
		about "$f" || continue
		"$IOMMUCTL_SRCDIR/tests/console" -l "$f" >"$BATS_TEST_TMPDIR/out" || rc=1
		cat "$BATS_TEST_TMPDIR/out" >>"/share/out/console"
		grep -v '^ok' "$BATS_TEST_TMPDIR/out" || :
		n=$((n + $(grep -c '^ok' "$BATS_TEST_TMPDIR/out")))
	done
	return $rc
}

@test "the recipes" {
	local f any=

	for f in "$IOMMUCTL_SRCDIR"/docs/recipes/*-*.md; do
		! about "$f" || any=yes
	done
	[ -n "$any" ] || skip "none is about this machine"
	n=0
	before=$(lab_state)
	console "$IOMMUCTL_SRCDIR"/docs/recipes/*-*.md
	[ "$n" -gt 3 ]
	[[ $MACHINE == *+leak ]] || diff <(echo "$before") <(lab_state)
}

@test "the examples of the manual" {
	[[ $MACHINE == demo || $MACHINE == *+leak ]] || skip "none is about this machine"
	n=0
	before=$(lab_state)
	console "$IOMMUCTL_SRCDIR"/man/iommuctl*.1
	[ "$n" -gt 3 ]
	[[ $MACHINE == *+leak ]] || diff <(echo "$before") <(lab_state)
}
