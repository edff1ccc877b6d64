#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# streams.bats: stream ids. What iommuctl makes of the devicetree is held against the properties themselves, read byte by byte, and against the kernel's own
# word for who caused a fault; that of a kernel that does not say it (before 6.14) is the same log without those lines.

# functions that bats calls; variables of lab.bash
# shellcheck disable=SC2317,SC2154
load lab

setup() { lab_tool; }

# edus: the edu devices that an IOMMU puts into a group of their own: one that shares it cannot be taken while the others are in use
edus() {
	local d

	for d in "$devices"/*/; do
		d=${d%/}
		[ "$(cat "$d/vendor" "$d/device" | tr -d '\n')" = 0x12340x11e8 ] || continue
		[ -e "$d/iommu_group" ] || continue
		[ "$(lab_members "$(lab_group "${d##*/}")" | wc -w)" -ne 1 ] || echo "${d##*/}"
	done
}

# cells FILE: big-endian words, in decimal
cells() {
	local w

	# shellcheck disable=SC2046
	set -- $(od -An -v -tx1 "$1")
	while [ $# -ge 4 ]; do
		w=$1$2$3$4
		echo $((16#$w))
		shift 4
	done
}

# roots: "BUS NODE" of each root bus that a devicetree describes
roots() {
	local b

	for b in /sys/devices/platform/*/pci????:??/pci_bus/*; do
		[ ! -e "$b/of_node" ] || echo "pci${b##*/} $(realpath "$b/of_node")"
	done
}

# number SIZE OFFSET: of the table IORT, little-endian as the machine is
number() {
	od -An -v "-tu$1" -j "$2" -N "$1" /sys/firmware/acpi/tables/IORT | tr -d ' '
}

# mappings: "FIRST MORE OUT TYPE" of each range that the nodes of root complexes map to a node of that type; MORE: how many ids more than
# one (Arm DEN 0049, IO Remapping Table)
mappings() {
	local node at i n

	node=$(number 4 40)
	for ((n = $(number 4 36); n > 0; n--)); do
		at=$((node + $(number 4 $((node + 12)))))
		for ((i = $(number 4 $((node + 8))); i > 0 && $(number 1 "$node") == 2; i--, at += 20)); do
			echo "$(number 4 $at) $(number 4 $((at + 4))) $(number 4 $((at + 8))) $(number 1 "$(number 4 $((at + 12)))")"
		done
		node=$((node + $(number 2 $((node + 1)))))
	done
}

# iort: "FIRST LAST OUT LAST" of those to an SMMUv3. Some firmware has one more in MORE: where the last id is another range's
# first, it is that one's.
iort() {
	local first more out type

	mappings >"$BATS_TEST_TMPDIR/mappings"
	while read -r first more out type; do
		[ "$type" -eq 4 ] || continue
		! cut -d ' ' -f 1 "$BATS_TEST_TMPDIR/mappings" | grep -qx $((first + more)) || more=$((more - 1))
		printf '0x%x 0x%x 0x%x 0x%x\n' "$first" $((first + more)) "$out" $((out + more))
	done <"$BATS_TEST_TMPDIR/mappings"
}

@test "where firmware describes the machine by ACPI: the table's ranges, and what the kernel made of them" {
	local unit=/sys/class/iommu/smmu3.*

	[ -e /sys/firmware/acpi/tables/IORT ] || skip "a devicetree describes this machine"
	unit=$(echo $unit)
	iommuctl -j iommu show "${unit##*/}" >"$BATS_TEST_TMPDIR/show"
	[ -n "$(iort)" ]
	diff <(iort | sort) <(jq -r '.data[0].streams[] | "\(.first_requester) \(.last_requester) \(.first) \(.last)"' "$BATS_TEST_TMPDIR/show" | sort)
	[ "$(jq '[.data[0].devices[] | select((.stream_ids | length) == 0)] | length' "$BATS_TEST_TMPDIR/show")" -eq 0 ]
}

@test "the unit is resolved to its platform device, its root complexes and its devices' ids" {
	local unit=/sys/class/iommu/smmu3.* bus node n=0 first phandle out len want

	[ ! -e /sys/firmware/acpi/tables/IORT ] || skip "ACPI describes this machine"
	unit=$(echo $unit)
	iommuctl -j iommu show "${unit##*/}" >"$BATS_TEST_TMPDIR/show"
	[ "$(jq -r '.data[0].parent' "$BATS_TEST_TMPDIR/show")" = "$(basename "$(realpath "$unit/device")")" ]
	phandle=$(cells "$unit/device/of_node/phandle")
	while read -r bus node; do
		[ -e "$node/iommu-map" ] || continue
		# shellcheck disable=SC2046
		set -- $(cells "$node/iommu-map")
		while [ $# -ge 4 ]; do
			first=$1 out=$3 len=$4
			[ "$2" -ne "$phandle" ] || {
				want=$(printf '%s 0x%x 0x%x 0x%x 0x%x' "$bus" "$first" $((first + len - 1)) "$out" $((out + len - 1)))
				jq -e --arg w "$want" '[.data[0].streams[] | "\(.bus) \(.first_requester) \(.last_requester) \(.first) \(.last)"] | index($w)' \
					"$BATS_TEST_TMPDIR/show"
				n=$((n + 1))
			}
			shift 4
		done
	done < <(roots)
	[ $n -gt 0 ]
	[ "$(jq '.data[0].streams | length' "$BATS_TEST_TMPDIR/show")" -eq $n ]
	[ "$(jq '[.data[0].devices[] | select((.stream_ids | length) == 0)] | length' "$BATS_TEST_TMPDIR/show")" -eq 0 ]
}

@test "a device that firmware leads to no SMMU has none, and that is not unknown" {
	local d n=0

	for d in "$devices"/*/; do
		d=${d%/}
		[ ! -e "$d/iommu" ] || continue
		n=$((n + 1))
		iommuctl -j device show "${d##*/}" >"$BATS_TEST_TMPDIR/show"
		[ "$(jq -r '.data[0].stream_ids == null' "$BATS_TEST_TMPDIR/show")" = false ]
		# either none, or one that is somebody else's already
		jq -e '.data[0].stream_ids | (length == 0) or any(.shared | length > 0)' "$BATS_TEST_TMPDIR/show"
	done
	[ $n -gt 0 ] || skip "every device has an IOMMU here"
}

@test "who caused a fault: as the kernel says, and by stream id alone" {
	local edu client was before n=0

	for edu in $(edus); do
		was=$(lab_driver "$edu")
		lab_move "$edu"
		before=$(dmesg | wc -l)
		edu-dma "$edu" read 0xdead000
		dmesg | tail -n +$((before + 1)) >"$BATS_TEST_TMPDIR/log"
		lab_return "$edu" "$was"
		client=$(sed -n 's/.*event: F_TRANSLATION client: \([^ ]*\) .*/\1/p' "$BATS_TEST_TMPDIR/log" | head -n 1)
		[ "$client" = "$edu" ]
		[ "$(iommuctl -j faults decode "$BATS_TEST_TMPDIR/log" | jq -r '.data[0].device')" = "$client" ]
		grep -v -e 'event: F_' -e 'stag: ' "$BATS_TEST_TMPDIR/log" >"$BATS_TEST_TMPDIR/old"
		iommuctl -j faults decode "$BATS_TEST_TMPDIR/old" >"$BATS_TEST_TMPDIR/decoded"
		jq -c '.data[0] | [.device, .source_id, .address, .access, .group, .notes]' "$BATS_TEST_TMPDIR/decoded"
		[ "$(jq -r '.data[0].device' "$BATS_TEST_TMPDIR/decoded")" = "$client" ]
		[ "$(jq -r '.data[0].group' "$BATS_TEST_TMPDIR/decoded")" = "$(lab_group "$edu")" ]
		n=$((n + 1))
	done
	[ $n -gt 0 ]
}

@test "devices that share an id: said of each, and the kernel's message is explained" {
	local left first

	# shellcheck disable=SC2046
	set -- $(dmesg | sed -n 's/.*pci \([^ ]*\): Aliasing StreamID [^ ]* (from \([^)]*\)).*/\1 \2/p' | head -n 1)
	left=${1:-} first=${2:-}
	[ -n "$left" ] || skip "no two devices share an id here"
	[ ! -e "$devices/$left/iommu_group" ]
	iommuctl -j device show "$left" | jq -e --arg d "$first" '.data[0].stream_ids | any(.shared | index($d))'
	iommuctl -j device show "$first" | jq -e --arg d "$left" '.data[0].stream_ids | any(.shared | index($d))'
}

@test "another machine answers the same by a snapshot" {
	local unit

	unit=$(basename /sys/class/iommu/smmu3.*)
	iommuctl snapshot save "$BATS_TEST_TMPDIR/s" >/dev/null
	iommuctl -j iommu show "$unit" | jq -S '.data[0] | [.streams, [.devices[] | [.device, .stream_ids]]]' >"$BATS_TEST_TMPDIR/live"
	iommuctl --from "$BATS_TEST_TMPDIR/s" -j iommu show "$unit" | jq -S '.data[0] | [.streams, [.devices[] | [.device, .stream_ids]]]' |
		diff "$BATS_TEST_TMPDIR/live" -
}
