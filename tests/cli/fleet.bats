#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# docs/fleet.md: its commands are run as they stand there, and print what stands behind them. ssh is a stand-in: each machine is a captured one.
load lib

setup() {
	export SRC=${BATS_TEST_DIRNAME%/tests/cli}
	cd "$BATS_TEST_TMPDIR" || return
	mkdir bin
	cat >bin/ssh <<-'SH'
		#!/bin/bash
		# ssh -n HOST ... iommuctl ARGUMENTS; the trace of a machine is one of the tree's
		host=$2
		[ -e "$SRC/tests/hosts/$host.snap" ] || exit 255
		while [ "$1" != iommuctl ]; do shift; done
		shift
		trace=$SRC/tests/traces/vtd.txt
		[ "$host" != amd ] || trace=$SRC/tests/traces/amd.txt
		exec "$IOMMUCTL" --from "$SRC/tests/hosts/$host.snap" "${@/#\/var\/log\/iommu.trace/$trace}"
	SH
	chmod +x bin/ssh
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	printf '%s\n' amd noiommu virtio-iommu vtd vtd-rmrr vtd-sriov down >hosts
}

need() {
	local p
	for p; do
		command -v "$p" >/dev/null && continue
		echo "SKIPPED: $p is not installed, so docs/fleet.md is not tested" >&3
		skip "SKIPPED: $p is not installed"
	done
}

# the commands and outputs of the page, as files 1.sh, 1.text, 2.sh ...
blocks() {
	awk '/^```sh$/ { n++; file = n ".sh"; next } /^```text$/ { file = n ".text"; printf "" >file; next } /^```$/ { file = ""; next } file { print >file }' "$SRC/docs/fleet.md"
}

@test "every command of docs/fleet.md works and prints what the page says" {
	need jq sqlite3
	local i n=0 outputs=0
	blocks
	for ((i = 1; ; i++)); do
		[ -e $i.sh ] || break
		bash $i.sh >$i.out 2>$i.err || {
			cat $i.sh $i.err >&2
			return 1
		}
		n=$((n + 1))
		[ -e $i.text ] || continue
		outputs=$((outputs + 1))
		diff -u $i.text $i.out >&2
	done
	[ $n -ge 8 ] && [ $outputs -ge 6 ]
	# and what it prints is true: asked another way
	[ "$(sqlite3 fleet.db 'SELECT count(*) FROM groups')" = \
		"$(for h in amd noiommu virtio-iommu vtd vtd-rmrr vtd-sriov; do "$IOMMUCTL" -q --from "$SRC/tests/hosts/$h.snap" --noheadings --raw group list -o group; done | wc -l)" ]
	[ "$(sqlite3 fleet.db "SELECT count(*) FROM device WHERE host = 'vtd'")" = \
		"$("$IOMMUCTL" -q -j --from "$SRC/tests/hosts/vtd.snap" group list | jq '[.data[].devices[]] | length')" ]
}

# The promise that the page relies on: one line, one object, the machine's name in it, whatever happens.
@test "-j is one line of JSON with schema and host: success, failure, names made to break it" {
	local words
	machine odd <<-TABLE
		0000:00:03.0 group=1 driver=e1000e
	TABLE
	mkdir -p odd/proc/sys/kernel $'odd/sys/bus/pci/drivers/a\nb\x1f"\\\xff'
	printf 'ho\nst\x1e"\xff\n' >odd/proc/sys/kernel/hostname
	ln -sfn $'../../../bus/pci/drivers/a\nb\x1f"\\\xff' odd/sys/devices/pci0000:00/0000:00:03.0/driver
	for words in "group list" "device list" "iommu list" "group show 1" "group show 99" "group check" "group check nosuch" "owner list" "owner check" \
		"doctor" "faults decode" "plan 0000:00:03.0" "metrics" "iommu show nosuch" "session list" "device show 0000:00:03.0"; do
		# words; the inner shell expands
		# shellcheck disable=SC2086,SC2016
		run --separate-stderr bash -c '"$IOMMUCTL" -j --from odd "$@" | tee line | LC_ALL=C tr -d "\n" | LC_ALL=C grep -c "[[:cntrl:]]"' - $words
		[ "$output" = 0 ] && [ "$(wc -l <line)" = 1 ] || {
			echo "$words: $(cat -v line)" >&2
			return 1
		}
		jq -e 'has("schema") and has("host") and (.data | type == "array") and (.errors | type == "array")' line >/dev/null
		iconv -f UTF-8 -t UTF-8 line >/dev/null
	done
}
