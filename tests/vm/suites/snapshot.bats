#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapshot.bats: a command on a snapshot answers as it does on the machine that it was taken from.
#
# Every reading command runs live and with --from, in JSON and as text; the envelope's source is the one
# field that may differ. In four states: as booted, half moved to vfio-pci, a device held, and as an ordinary user.

# shellcheck disable=SC2154,SC2317
load lab

# columns COMMAND...: all of them, those that are dear too
columns() {
	iommuctl "$@" -o help --raw --noheadings | cut -d ' ' -f 1 | paste -sd ,
}

# the reading commands, one a line; those on one thing for each group and device of the arguments, without any for all
reading() {
	local w all=''

	[ $# -gt 0 ] || all=yes
	# shellcheck disable=SC2046 # numbers and names
	[ -z "$all" ] || set -- $(lab_groups) $(cd "$devices" && echo *)
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
		device list --class storage
		owner list
		owner check
		owner objects
		faults decode
		doctor
	EOC
	echo "group list -o $(columns group list)"
	echo "device list -o $(columns device list)"
	echo "group check $(lab_groups | tr '\n' ' ')"
	echo "group check --after-bind $(lab_groups | tr '\n' ' ')"
	echo "device guard $(cd "$devices" && echo ./* | sed 's,\./,,g')"
	for w in $(lab_groups | while read -r g; do lab_endpoints "$g"; done | tail -n 2); do
		printf 'plan %s\ndevice map-check %s 0xfee00000 8K\n' "$w" "$w"
	done
	for w; do
		case $w in
		*:*)	echo "device show $w" ;;
		*)	printf 'group %s %s\n' show "$w" explain "$w" ;;
		esac
	done
	for w in /sys/class/iommu/*; do
		[ -z "$all" ] || [ ! -e "$w" ] || echo "iommu show ${w##*/}"
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

# ask COMMAND...: its status and output in $answer
ask() {
	local rc=0

	answer=$("$@" 2>&1) || rc=$?
	answer="exit $rc"$'\n'$answer
}

# same [WHAT... [-- PREFIX...]]: save with PREFIX, and compare the reading commands on WHAT, run with PREFIX: one batch on the
# machine, one on the snapshot, an answer a line. Two answers that are equal since the program did not run are none.
same() {
	local bad=0 n line live answer
	local -a what=()

	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		what+=("$1")
		shift
	done
	[ $# -eq 0 ] || shift
	rm -f "$snap"
	"$@" iommuctl snapshot save -q "$snap" || return
	reading "${what[@]}" >"$snap.list"
	"$@" iommuctl -j batch --keep-going "$snap.list" 2>/dev/null | sed 's/"source":"[^"]*",//' >"$snap.live" || :
	"$@" iommuctl -j --from "$snap" batch --keep-going "$snap.list" 2>/dev/null | sed 's/"source":"[^"]*",//' >"$snap.from" || :
	n=$(wc -l <"$snap.list")
	[ "$n" -gt 15 ] || return
	# the batch's own line comes last
	[ "$(grep -c '^{"schema":"iommuctl\.' "$snap.live")" -eq $((n + 1)) ] || return
	while IFS= read -r line && IFS= read -r live <&3 && IFS= read -r answer <&4; do
		[ "$live" != "$answer" ] || continue
		echo "iommuctl -j $line: live (-) and from the snapshot (+) differ"
		diff -u <(jq -S . <<<"$live") <(jq -S . <<<"$answer") | head -n 40
		bad=1
	done <"$snap.list" 3<"$snap.live" 4<"$snap.from"
	return $bad
}

@test "as booted: every reading command in JSON" {
	same
}

@test "as booted: the text of lists, trees and doctor, and exit statuses" {
	local line answer live

	rm -f "$snap"
	iommuctl snapshot save -q "$snap"
	reading | grep -v ' show ' >"$snap.list"
	iommuctl batch --keep-going "$snap.list" >"$snap.live" 2>&1 || :
	iommuctl --from "$snap" batch --keep-going "$snap.list" >"$snap.from" 2>&1 || :
	[ "$(wc -l <"$snap.live")" -gt "$(wc -l <"$snap.list")" ]
	diff -u "$snap.live" "$snap.from"
	for line in "doctor" "group check $(lab_groups | head -n 1)"; do
		# shellcheck disable=SC2086 # words
		ask iommuctl $line
		live=$answer
		# shellcheck disable=SC2086
		ask iommuctl --from "$snap" $line
		diff -u <(echo "$live") <(echo "$answer")
	done
}

@test "every other endpoint on vfio-pci: every reading command in JSON" {
	local g d rc=0
	local -A was

	for g in $(lab_groups); do
		for d in $(lab_endpoints "$g" | head -n 1); do
			was[$d]=$(lab_driver "$d")
			lab_move "$d" 2>/dev/null || :
		done
	done
	same "${!was[@]}" || rc=$?
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
	same "$(lab_group "$d")" "$d" || rc=$?
	lab_release
	lab_return "$d" "$was"
	return "$rc"
}

@test "an ordinary user's snapshot: every reading command in JSON" {
	local -a user=(setpriv --reuid=1000 --regid=1000 --clear-groups)

	rm -f "$snap"
	same -- "${user[@]}"
	# it was an ordinary user, who saw the machine
	[ "$(stat -c %u "$snap")" = 1000 ]
	[ "$("${user[@]}" iommuctl -j --from "$snap" group list | jq '.data | length')" = "$(lab_groups | wc -l)" ]
	iommuctl -j snapshot info "$snap" | jq -e '.data[0].root == false'
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
