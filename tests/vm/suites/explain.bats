#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# explain.bats: the reasons that iommuctl gives against the groups that the kernel made. The lab's devices have no
# quirks, so on its machines config space explains every group, and nothing that should share is apart.
# shellcheck disable=SC2317
load lab

setup_file() {
	lab_tool
	export table=$BATS_FILE_TMPDIR/explained
	for g in $(lab_groups); do
		iommuctl -j group explain "$g" | jq -c '.data[0]' >>"$table"
	done
	cp "$table" /share/out/explained.jsonl
}

@test "every group is explained by what config space shows" {
	[ "$(wc -l <"$table")" -eq "$(lab_groups | wc -l)" ]
	run jq -r 'select(.explained != true) | .summary' "$table"
	[ -z "$output" ]
}

@test "no two devices that the rule joins are in different groups" {
	run jq -r '.warnings[] | select(.code != "grouped-first") | .text' "$table"
	[ -z "$output" ]
}

# the kernel's log has the order in which it took the devices
@test "a device is said to have been grouped before its port only where it was" {
	local device port
	jq -r '.warnings[] | select(.code == "grouped-first") | "\(.device) \(.file | split("/")[5])"' "$table" |
		while read -r device port; do
			dmesg | grep -oE '[0-9a-f:.]+: Adding to iommu group' | sed 's/: Adding.*//' |
				awk -v a="$device" -v b="$port" '$0 == a { first = !seen } $0 == b { seen = 1 } END { exit !first }'
		done
}

@test "the hops join exactly the members that sysfs lists" {
	local g
	for g in $(lab_groups); do
		diff <(ls "$groups/$g/devices") \
			<(jq -r "select(.group == $g) | .devices[].device" "$table" | sort)
	done
	jq -se 'all(.[]; (.hops | length) == (.devices | length) - 1)' "$table"
	jq -se 'all(.[]; [.hops[] | .a, .b] - [.devices[].device] == [])' "$table"
}

@test "the tree has every PCI device, each below the bridge that sysfs has it below" {
	local d up
	iommuctl -j group tree | jq -r '.data[] | select(.kind == "port" or .kind == "device") | "\(.node) \(.parent)"' |
		grep -E '^[0-9a-f]+:' | sort >"$BATS_TEST_TMPDIR/ours"
	for d in "$devices"/*; do
		up=$(readlink -f "$d")
		up=${up%/*}
		echo "${d##*/} ${up##*/}"
	done | sort >"$BATS_TEST_TMPDIR/kernel"
	diff "$BATS_TEST_TMPDIR/kernel" "$BATS_TEST_TMPDIR/ours"
}

@test "an ordinary user is told what cannot be seen, and nothing wrong" {
	local g explained
	for g in $(lab_groups); do
		explained=$(setpriv --reuid=1000 --regid=1000 --clear-groups iommuctl -j group explain "$g" |
			jq -r '.data[0] | "\(.explained) \(.warnings | length) \([.hops[] | select(.kind == "quirk-or-alias")] | length)"')
		case $explained in
		"true 0 0" | "null 0 0") ;;
		*)	echo "group $g: $explained" >&2
			return 1
			;;
		esac
	done
}
