#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# trace record: what is written is what the kernel did, and nothing of it stays behind.

# shellcheck disable=SC2154
bats_require_minimum_version 1.5.0
load lab
load owner

OUT=/share/out

# the disk whose DMA is translated
setup_file() {
	for DISK in /sys/bus/pci/drivers/nvme/0000:*; do [ ! -e "$DISK/iommu_group" ] || break; done
	DISK=$(basename "$DISK")
	export DISK
}

# reads of the disk, a 4 KiB block each
read_disk() {
	dd if=/dev/nvme0n1 of=/dev/null bs=4k count="$1" iflag=direct 2>/dev/null
}

# records: waits until a recording in the background is on
records() {
	local tries=200

	until grep -qx 1 /sys/kernel/tracing/instances/iommuctl_*/events/iommu/map/enable 2>/dev/null; do
		[ $((tries -= 1)) -gt 0 ] || return 1
		sleep 0.1
	done
}

@test "record: a disk's mappings, invalidations and all, and the status of the command" {
	local least=400

	# a unit with tracepoints of its own has more to tell than maps and unmaps
	[ ! -d /sys/kernel/tracing/events/intel_iommu ] || [[ $LAB_TOPOLOGY != vtd* ]] || least=401
	[ -z "$(owner_probes)" ]
	run -7 --separate-stderr iommuctl -j trace record $OUT/record.trace -- sh -c 'dd if=/dev/nvme0n1 of=/dev/null bs=4k count=200 iflag=direct; exit 7'
	[ -z "$(owner_probes)" ]
	[ "$(jq -r '.data[0] | "\(.lost) \(.domains) \(.events >= '$least')"' <<<"$output")" = "0 false true" ]
	jq -e '.data[0].tracepoints | index("iommu/map")' <<<"$output"
	[ ! -d /sys/kernel/tracing/events/intel_iommu ] || jq -e '.data[0].tracepoints | index("intel_iommu/qi_submit")' <<<"$output"
	jq -e '.data[0].probes | index("iommu_report_device_fault") and index("iopf_group_response")' <<<"$output"
	for e in $(jq -r '.data[0].tracepoints[]' <<<"$output"); do
		[ -d "/sys/kernel/tracing/events/$e" ]
	done
	run -0 --separate-stderr iommuctl -j trace stat $OUT/record.trace
	[ "$(jq -r '.data[0] | "\(.undecoded) \(.lost)"' <<<"$output")" = "0 0" ]
	[ "$(jq '[.data[0].kinds[] | select(.kind == "map") | .count] | add' <<<"$output")" = "$(grep -c ' map: ' $OUT/record.trace)" ]
	[ "$(jq '.data[0].kinds[] | select(.kind == "map") | .count >= 200' <<<"$output")" = true ]
	[ "$(jq '.data[0].mapping | .several_domains, .live_bytes >= 0' -c <<<"$output")" != "" ]
	[ "$(jq -c '.data[0].objects' <<<"$output")" = '[]' ]
}

@test "record --domains: each domain by its devices, each map and unmap in one" {
	run -0 --separate-stderr iommuctl trace record --domains $OUT/domains.trace -- sh -c 'dd if=/dev/nvme0n1 of=/dev/null bs=4k count=200 iflag=direct'
	[ -z "$(owner_probes)" ]
	[ "$(stat -c %a $OUT/domains.trace)" = 600 ]
	run -0 --separate-stderr iommuctl -j trace stat $OUT/domains.trace
	[ "$(jq -r '.data[0].undecoded' <<<"$output")" = 0 ]
	# the disk is alone in its group, so its domain is its own
	jq -e --arg d $DISK '.data[0].objects[] | select(.devices == $d) | .maps >= 200 and .unmaps >= 200 and .live_bytes == 0' <<<"$output"
	jq -e --arg d $DISK '.data[0].devices[] | select(.name == $d) | .maps >= 200' <<<"$output"
	[ "$(jq '[.data[0].objects[] | .maps] | add' <<<"$output")" = "$(grep -c ' map: ' $OUT/domains.trace)" ]
	[ "$(jq '[.data[0].objects[] | .unmaps] | add' <<<"$output")" = "$(grep -c ' unmap: ' $OUT/domains.trace)" ]
	# no kernel address in what is passed on
	grep -q '0xff[0-9a-f]\{14\}' $OUT/domains.trace
	iommuctl trace convert $OUT/domains.trace >"$BATS_TEST_TMPDIR/jsonl"
	run -1 grep '0xff[0-9a-f]\{14\}' "$BATS_TEST_TMPDIR/jsonl"
}

@test "record: a use after unmap, certain with --domains" {
	local edu=0000:02:00.0

	[ "$LAB_TOPOLOGY" != amd ] || skip "QEMU's AMD unit reports no faults"
	[ "$LAB_TOPOLOGY" != virtio-iommu ] || skip "interrupts are not isolated here: no device can be given away"
	lab_move $edu
	run -0 --separate-stderr iommuctl trace record --domains $OUT/late.trace -- \
		edu-dma $edu map 0x100000 0x1000 read 0x100000 sleep 20 unmap 0x100000 0x1000 read 0x100000
	lab_return $edu
	run -0 iommuctl -j trace stat $OUT/late.trace
	[ "$(jq -r '.data[0].use_after_unmap[0] | "\(.device | sub("^0000:"; "")) \(.address) \(.access) \(.unmap_address)"' <<<"$output")" = \
		"${edu#0000:} 0x100000 read 0x100000" ]
	# 6.12's log has no PCI segment
	[ "$(jq -r '.data[0].use_after_unmap[0].certain' <<<"$output")" = true ]
	run -0 iommuctl -j faults decode $OUT/late.trace
	[[ $(jq -r '.data[-1].where' <<<"$output") == "it was unmapped "*" before (0x100000-0x100fff, line "* ]]
}

@test "record: ends with -d, and with signals; what a killed run left is taken away by the next" {
	local pid sig

	run -0 --separate-stderr iommuctl trace record -d 0.3 $OUT/short.trace
	[[ $stderr == "recorded "*" events in "*" s, 0 lost" ]]
	for sig in INT TERM HUP; do
		iommuctl -q trace record $OUT/short.trace 3>&- &
		pid=$!
		records
		kill -$sig $pid
		wait $pid
		[ -z "$(owner_probes)" ]
	done
	iommuctl -q trace record --domains $OUT/short.trace 3>&- &
	pid=$!
	records
	kill -KILL $pid
	wait $pid || :
	[ -n "$(owner_probes)" ]
	run -0 iommuctl -q trace record -d 0.1 $OUT/short.trace
	[ -z "$(owner_probes)" ]
}

@test "record: two at once, and an instance of somebody else, do not disturb each other" {
	local pid

	mkdir /sys/kernel/tracing/instances/somebody
	iommuctl -q trace record $OUT/one.trace 3>&- &
	pid=$!
	records
	run -0 iommuctl -q trace record $OUT/two.trace -- sh -c 'dd if=/dev/nvme0n1 of=/dev/null bs=4k count=50 iflag=direct'
	read_disk 50
	kill -INT $pid
	wait $pid
	[ "$(grep -c ' map: ' $OUT/one.trace)" -ge $(($(grep -c ' map: ' $OUT/two.trace) + 50)) ]
	[ "$(ls /sys/kernel/tracing/instances)" = somebody ]
	rmdir /sys/kernel/tracing/instances/somebody
}

@test "record: to a pipe, and what cannot be is said" {
	iommuctl -q trace record -- dd if=/dev/nvme0n1 of=/dev/null bs=4k count=20 iflag=direct 2>/dev/null | iommuctl -j trace stat - >"$BATS_TEST_TMPDIR/stat"
	[ "$(jq '.data[0].kinds[] | select(.kind == "map") | .count >= 20' "$BATS_TEST_TMPDIR/stat")" = true ]
	run -1 --separate-stderr iommuctl trace record /nonexistent/x -d 1
	[[ $stderr == *"/nonexistent/x: No such file or directory"* ]]
	run -1 --separate-stderr iommuctl trace record -d 5 /dev/full
	[[ $stderr == *"No space left on device"* ]]
	[ -z "$(owner_probes)" ]
	run -2 --separate-stderr iommuctl -j trace record -d 1
	chmod 755 /share/out
	run -7 --separate-stderr setpriv --reuid 1000 --regid 1000 --clear-groups iommuctl trace record /tmp/user.trace -d 1
	[[ $stderr == *"only root may set probes"* ]]
}
