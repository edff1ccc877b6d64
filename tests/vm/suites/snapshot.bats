#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapshot.bats: a command on a snapshot answers as it does on the machine that it was taken from.
#
# Every reading command runs live and with --from, in JSON and as text; the envelope's source is the one
# field that may differ. In four states: as booted, half moved to vfio-pci, a device held, and as an ordinary user.

# shellcheck disable=SC2154,SC2317
load lab

# the reading commands, one a line; G, D and U stand for each group, device and unit
reading() {
	local g d u

	cat <<-'EOC'
		iommu list
		group list
		group list --viable
		group list --not-viable
		group list --shared
		group list --class network
		group list --driver e1000e
		group tree
		device list
		doctor
	EOC
	for g in $(lab_groups); do
		printf 'group %s %s\n' show "$g" check "$g" explain "$g"
	done
	for d in "$devices"/*; do
		echo "device show ${d##*/}"
	done
	for u in /sys/class/iommu/*; do
		[ ! -e "$u" ] || echo "iommu show ${u##*/}"
	done
}

setup_file() {
	# what init and the suites hold open is no business of the comparison
	export snap=/tmp/machine.snap
}

setup() {
	lab_tool
}

teardown() {
	lab_release
}

# answer PREFIX COMMAND...: status and output, without the field source
answer() {
	local rc=0 out

	out=$("$@" 2>&1) || rc=$?
	echo "exit $rc"
	if [ "${out#\{}" != "$out" ]; then
		jq -S 'del(.source)' <<<"$out"
	else
		echo "$out"
	fi
}

# same [PREFIX...]: save with PREFIX, and compare all reading commands, run with PREFIX
same() {
	local line bad=0
	local -a words

	rm -f "$snap"
	"$@" iommuctl snapshot save "$snap"
	while read -r line; do
		read -r -a words <<<"$line"
		if ! diff -u <(answer "$@" iommuctl -j "${words[@]}") \
			<(answer "$@" iommuctl -j --from "$snap" "${words[@]}") >"$BATS_TEST_TMPDIR/diff"; then
			echo "iommuctl -j $line: live (-) and from the snapshot (+) differ"
			head -n 40 "$BATS_TEST_TMPDIR/diff"
			bad=1
		fi
	done < <(reading)
	return $bad
}

@test "as booted: every reading command in JSON" {
	same
}

@test "as booted: the text of lists, trees and doctor" {
	local line bad=0
	local -a words

	iommuctl snapshot save "$snap.text"
	while read -r line; do
		read -r -a words <<<"$line"
		diff -u <(answer iommuctl "${words[@]}") <(answer iommuctl --from "$snap.text" "${words[@]}") || bad=1
	done < <(reading | grep -v ' show ')
	return $bad
}

@test "every other endpoint on vfio-pci: every reading command in JSON" {
	local g rc=0
	local -A was

	for g in $(lab_groups); do
		for d in $(lab_endpoints "$g" | head -n 1); do
			was[$d]=$(lab_driver "$d")
			lab_move "$d" 2>/dev/null || :
		done
	done
	same || rc=$?
	for d in "${!was[@]}"; do
		lab_return "$d" "${was[$d]}"
	done
	return "$rc"
}

@test "a device held: every reading command in JSON" {
	local g d='' was rc=0

	for g in $(lab_groups); do
		[ "$(lab_endpoints "$g" | wc -l)" -ne 1 ] || d=$(lab_endpoints "$g")
	done
	[ -n "$d" ] || skip "no group of one here"
	was=$(lab_driver "$d")
	lab_move "$d"
	lab_hold hold "$d"
	same || rc=$?
	lab_release
	lab_return "$d" "$was"
	return "$rc"
}

@test "an ordinary user's snapshot: every reading command in JSON" {
	rm -f "$snap"
	same setpriv --reuid=1000 --regid=1000 --clear-groups
}

@test "snapshot info reads it" {
	iommuctl snapshot save "$snap.info"
	iommuctl snapshot info "$snap.info"
	iommuctl -j snapshot info "$snap.info" | jq -e '.data | length > 0'
}

@test "no MAC address and no serial number without --full" {
	local a leaked=0

	iommuctl snapshot save "$snap.plain"
	mkdir -p "$BATS_TEST_TMPDIR/x"
	zstd -dc "$snap.plain" >"$BATS_TEST_TMPDIR/x/tar"
	for a in $(cat /sys/class/net/*/address | grep -v 00:00:00:00:00:00) lab0 lab1; do
		if grep -a -q "$a" "$BATS_TEST_TMPDIR/x/tar"; then
			echo "$a is in the snapshot"
			leaked=1
		fi
	done
	return "$leaked"
}
