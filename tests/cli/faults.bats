#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# faults decode, on logs of all vendors and on trees that each test builds.
load lib

setup() {
	TRACES=${BATS_TEST_DIRNAME%/cli}/traces
	T=$BATS_TEST_TMPDIR/machine
	mkdir -p "$T"/{sys/class/iommu,sys/kernel/iommu_groups,sys/bus/pci/devices,proc}
}

# nic GROUP ADDR [CLASS]: a PCI function
nic() {
	local d=$T/sys/devices/pci0000:00/$2

	put "$d/vendor" 0x8086
	put "$d/device" 0x10d3
	put "$d/class" "${3:-0x020000}"
	put "$d/resource" "0x00000000fe000000 0x00000000fe01ffff 0x0000000000040200"
	put "$T/sys/kernel/iommu_groups/$1/reserved_regions" "0x0000000008000000 0x00000000080fffff msi"
	link "$d/iommu_group" "../../../kernel/iommu_groups/$1"
	link "$T/sys/bus/pci/devices/$2" "../../../devices/pci0000:00/$2"
	link "$T/sys/kernel/iommu_groups/$1/devices/$2" "../../../../devices/pci0000:00/$2"
}

# decode ARGS…: without looking anything up
decode() {
	run_ctl -j faults decode --no-lookup "$@"
	expect_status 0
}

@test "vt-d: device, address, access and reason of each form" {
	decode "$TRACES/vtd.txt"
	[ "$(json '.data[] | "\(.device) \(.kind) \(.address) \(.access) \(.reason.code) \(.count) \(.at.line)"')" = \
"0000:02:00.0 dma 0x3ff000 read 0x6 2 4
03:00.0 dma 0x87f8000 write 0x5 1 9
00:1b.0 dma 0xdeadbeef000 read 0x2 1 10
f0:1f.7 interrupt null null 0x22 1 12
04:00.0 dma 0xffe00000 read 0x17 1 13
02:00.0 invalidation null null null 1 14" ]
	[ "$(json '[.data[].vendor] | unique | join(" ")')" = vt-d ]
	[ "$(json '.data[0].unit')" = dmar0 ]
	[ "$(json '.data[0].last_at.line')" = 8 ]
	[ "$(json '.warnings | length')" = 0 ]
}

@test "vt-d: what is doubtful is said" {
	decode "$TRACES/vtd.txt"
	expect_in "$(json '.data[0].notes[]')" "fault registers had overflowed" "page table not present at level 1"
	expect_in "$(json '.data[1].notes[]')" "no PCI segment"
	expect_in "$(json '.data[4].notes[]')" "without 0x: taken as decimal"
	expect_in "$(json '.data[4].reason.text')" "does not list"
	expect_not_in "$(json '.data[1].notes[]')" "decimal"
}

@test "amd-vi: flags decoded, the device or the unit speaks" {
	decode "$TRACES/amd.txt"
	[ "$(json '.data[] | "\(.unit) \(.device) \(.driver) \(.kind) \(.reason.text)"')" = \
"null 0000:63:00.0 ahci dma write: the page is not present
null 15:00.0 null dma read: the page is present, the device has no permission
ivhd3 0000:43:00.0 null configuration the device's table entry is not valid for this request
ivhd0 0000:03:00.0 null invalidation the device did not answer an invalidation of its TLB" ]
	[ "$(json '.data[0] | "\(.count) \(.domain)"')" = "2 66" ]
}

@test "smmu: dumps, decoded lines, context and global faults" {
	decode "$TRACES/smmu.txt"
	[ "$(json '.data[] | "\(.vendor) \(.unit) \(.device) \(.source_id) \(.address) \(.access) \(.reason.text)"')" = \
"smmuv3 9050000.smmuv3 0000:02:00.0 0x200 0x8001000 write the address is not mapped
smmuv3 9050000.smmuv3 null 0x300 null null the context descriptor is not valid: nothing is attached for the substream (PASID)
smmuv2 15000000.iommu null 0x121 0xfc401000 write the address is not mapped
smmuv2 15000000.iommu null 0x809 null read a stream id that matches no entry of the unit" ]
	[ "$(json '.data[1].pasid')" = 5 ]
}

@test "a mail: quoted and wrapped records, and what is none is counted with its line" {
	decode "$TRACES/mail.txt"
	[ "$(json '.data[] | "\(.vendor) \(.reason.code) \(.at.line)"')" = \
"vt-d 0xc 8
amd-vi 0x2 10
virtio 0x2 12
smmuv2 0x80000002 15" ]
	[ "$(json '.warnings[0] | "\(.code): \(.why)"')" = "undecoded: lines 6, 18" ]
}

@test "--strict fails when something could not be decoded, and only then" {
	run_ctl faults decode --no-lookup --strict "$TRACES/mail.txt"
	expect_status 1
	expect_in "$stderr" "2 lines have an IOMMU's words and could not be decoded: lines 6, 18"
	run_ctl faults decode --no-lookup --strict "$TRACES/vtd.txt"
	expect_status 0
}

@test "text: who, what, where, what it means, what to do" {
	run_ctl faults decode --no-lookup "$TRACES/vtd.txt"
	expect_status 0
	expect_in "$output" "0000:02:00.0, behind dmar0" "vt-d dma fault, 2 times: no mapping of the address allows a read" \
		"reason 0x06, VT-d spec 7.1.3" "read at 0x3ff000, 2 times, line 4 to 8, 12.100005 s after boot" \
		"unmapped too early" "next: iommuctl device show 0000:02:00.0" "7 faults in $TRACES/vtd.txt"
}

@test "names, group and unit come from the machine looked at" {
	nic 9 0000:02:00.0
	run_ctl --from "$T" -j faults decode "$TRACES/vtd.txt"
	expect_status 0
	[ "$(json '.data[0] | "\(.device) \(.group)"')" = "0000:02:00.0 9" ]
	expect_in "$(json '.data[1].notes[]')" "has no such device"
}

@test "an address in a reserved region, in a peer's BAR, and one that tells itself" {
	nic 9 0000:02:00.0
	nic 10 0000:03:00.0
	put "$T/sys/devices/pci0000:00/0000:03:00.0/resource" "0x00000000fd000000 0x00000000fd01ffff 0x0000000000040200"
	run_ctl --from "$T" -j faults decode - <<-'END'
		DMAR: [DMA Read NO_PASID] Request device [0000:02:00.0] fault addr 0x8001000 [fault reason 0x06] x
		DMAR: [DMA Read NO_PASID] Request device [0000:02:00.0] fault addr 0xfd010000 [fault reason 0x06] x
		DMAR: [DMA Read NO_PASID] Request device [0000:02:00.0] fault addr 0xfee00000 [fault reason 0x06] x
		DMAR: [DMA Read NO_PASID] Request device [0000:02:00.0] fault addr 0x6b6b6b6b6b6b000 [fault reason 0x06] x
		DMAR: [DMA Read NO_PASID] Request device [0000:02:00.0] fault addr 0xffffffff80000000 [fault reason 0x06] x
		DMAR: [DMA Read NO_PASID] Request device [0000:02:00.0] fault addr 0x12345000 [fault reason 0x06] x
	END
	expect_status 0
	[ "$(json '.data[].where')" = \
"in the group's reserved region 0x8000000-0x80fffff (msi)
a physical address in BAR 0 of 0000:03:00.0
the window of interrupts: a write there is an MSI
a repeating pattern: poisoned or uninitialised memory, not an address
a 32-bit address that was sign-extended
null" ]
}

@test "no segment in the log: resolved when one device fits, ambiguous when several do" {
	nic 9 0000:02:00.0
	nic 10 0001:02:00.0
	nic 11 0001:03:00.0
	run_ctl --from "$T" -j faults decode - <<-'END'
		DMAR: [DMA Read] Request device [02:00.0] fault addr 0x12345000 [fault reason 0x06] x
		DMAR: [DMA Read] Request device [03:00.0] fault addr 0x12345000 [fault reason 0x06] x
		DMAR: [DMA Read] Request device [03:00.7] fault addr 0x12345000 [fault reason 0x06] x
	END
	expect_status 0
	[ "$(json '.data[].device')" = "02:00.0
0001:03:00.0
03:00.7" ]
	expect_in "$(json '.data[0].notes[]')" "any of 0000:02:00.0, 0001:02:00.0"
	expect_in "$(json '.data[1].notes[]')" "only one has such a device"
}

@test "a function that is not there: others of its slot are named" {
	nic 9 0000:00:16.0
	run_ctl --from "$T" -j faults decode - <<-'END'
		DMAR: [DMA Read] Request device [0000:00:16.7] fault addr 0x12345000 [fault reason 0x02] x
	END
	expect_status 0
	[ "$(json '.data[0].device')" = 0000:00:16.0 ]
	expect_in "$(json '.data[0].notes[]')" "no function 7 in the slot"
}

@test "boot lines that contradict the machine looked at: nothing is looked up" {
	nic 9 0000:02:00.0
	{
		echo "pci 0000:02:00.0: Adding to iommu group 3"
		cat "$TRACES/vtd.txt"
	} >"$BATS_TEST_TMPDIR/log"
	run_ctl --from "$T" -j faults decode "$BATS_TEST_TMPDIR/log"
	expect_status 0
	[ "$(json '.data[0].group')" = null ]
	[ "$(json '.warnings[].code')" = other-machine ]
}

@test "the kernel log of a captured machine is read when no file is given" {
	cp "$TRACES/vtd.txt" "$T/dmesg.txt"
	run_ctl --from "$T" -j faults decode
	expect_status 0
	[ "$(json '.data[0] | "\(.device) \(.time) \(.at.file)"')" = "0000:02:00.0 12100005000 the kernel log" ]
}

@test "journalctl -o json and the other forms of time" {
	local text='DMAR: [DMA Read] Request device [02:00.0] fault addr 0x1000 [fault reason 0x06] x' form
	for form in "[   39.100000] $text" "3,912,39100000,-;$text" \
		"{\"_SOURCE_MONOTONIC_TIMESTAMP\":\"39100000\",\"MESSAGE\":\"$text\"}"; do
		decode - <<<"$form"
		[ "$(json '.data[0].time')" = 39100000000 ]
	done
	decode - <<<"May 30 17:35:46 host kernel: $text"
	[ "$(json '.data[0] | "\(.time) \(.stamp)"')" = "null May 30 17:35:46 host" ]
}

@test "a trace beside the log tells that the address was just unmapped" {
	decode "$TRACES/vtd-late.trace"
	[ "$(json '.data[] | "\(.device) \(.address) \(.where)"')" = \
		"0000:02:00.0 0x100000 it was unmapped 100.0 ms before (0x100000-0x100fff, line 16)" ]
	[ "$(json '.data[0].unit')" = dmar0 ]
}

@test "-f writes a fault when it is seen, as JSON Lines" {
	local log=$BATS_TEST_TMPDIR/log out=$BATS_TEST_TMPDIR/out tries=100
	head -n 3 "$TRACES/vtd.txt" >"$log"
	"$IOMMUCTL" -j faults decode --no-lookup -f "$log" >"$out" 2>/dev/null 3>&- &
	local pid=$!
	until [ -s "$out" ] || [ $((tries -= 1)) -eq 0 ]; do sleep 0.1; done
	tail -n +4 "$TRACES/vtd.txt" >>"$log"
	tries=100
	until [ "$(wc -l <"$out")" -ge 7 ] || [ $((tries -= 1)) -eq 0 ]; do sleep 0.1; done
	kill -INT "$pid"
	wait "$pid" || status=$?
	[ "$status" -eq 130 ]
	[ "$(jq -r '.schema // empty' "$out")" = iommuctl.faults.decode/1 ]
	[ "$(jq -r '.device // empty' "$out" | head -1)" = 0000:02:00.0 ]
	[ "$(tail -n 1 "$out" | jq -c '[.end, .rows]')" = "[true,6]" ]
}

@test "files that cannot be read, or are empty" {
	run_ctl faults decode --no-lookup /nonexistent/log
	expect_status 1
	expect_in "$stderr" "/nonexistent/log: No such file"
	run_ctl faults decode --no-lookup "$T"
	expect_status 1
	run_ctl faults decode --no-lookup - </dev/null
	expect_status 0
	expect_in "$output" "no faults in stdin"
	run_ctl faults decode -f
	expect_status 2
}

@test "names that carry escape codes are made harmless" {
	printf 'arm-smmu-v3 a\033[2Jb.smmuv3: event 0x10 received:\n' >"$BATS_TEST_TMPDIR/log"
	run_ctl faults decode --no-lookup "$BATS_TEST_TMPDIR/log"
	expect_status 0
	expect_in "$output" 'a\\x1b\[2Jb.smmuv3' "dump is cut: 0 of 4 words"
}

@test "field logs: every file of IOMMUCTL_FIELD, no crash, the rest counted" {
	[ -n "${IOMMUCTL_FIELD:-}" ] || skip "IOMMUCTL_FIELD names no folder of logs"
	local f
	for f in "$IOMMUCTL_FIELD"/*; do
		decode "$f"
	done
}

@test "watch is for the running machine" {
	run_ctl --from "$T" faults watch
	expect_status 2
	expect_in "$stderr" "watches the running machine" "faults decode"
	run_ctl faults watch -d never
	expect_status 2
}

@test "amd-vi: what both the trace and the log in it tell is one fault, and the log's word counts" {
	decode - <<-'END'
		irq/24-48 [000] .... 5.000000: io_page_fault: IOMMU:nvme 0000:05:00.0 iova=0x1234 flags=0x0001
		irq/24-48 [000] .... 5.000009: console: nvme 0000:05:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0042 address=0x1234 flags=0x0020]
		irq/24-48 [000] .... 5.000020: io_page_fault: IOMMU:nvme 0000:05:00.0 iova=0x2234 flags=0x0001
		irq/24-48 [000] .... 5.000030: io_page_fault: IOMMU:nvme 0000:05:00.0 iova=0x2334 flags=0x0001
		irq/24-48 [000] .... 5.000040: console: nvme 0000:05:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0042 address=0x2334 flags=0x0020]
		irq/24-48 [000] .... 9.000000: io_page_fault: IOMMU:nvme 0000:05:00.0 iova=0x1234 flags=0x0001
	END
	expect_json '.data[] | "\(.vendor) \(.address) \(.count)"' "null 0x1234 1
amd-vi 0x1234 1
null 0x2234 1
amd-vi 0x2334 1"
}

@test "smmuv3: the kernel log of a machine, where the tabs of a dump are written as \\x09" {
	mkdir -p "$BATS_TEST_TMPDIR/t/sys" "$BATS_TEST_TMPDIR/t/iommuctl"
	cat >"$BATS_TEST_TMPDIR/t/iommuctl/kmsg.json" <<-'EOF'
	{"complete":true,"lines":[
	{"usec":49327426,"level":3,"text":"arm-smmu-v3 9050000.smmuv3: event 0x10 received:"},
	{"usec":49327506,"level":3,"text":"arm-smmu-v3 9050000.smmuv3: \\x090x0000030000000010"},
	{"usec":49327520,"level":3,"text":"arm-smmu-v3 9050000.smmuv3: \\x090x0000000800000000"},
	{"usec":49327525,"level":3,"text":"arm-smmu-v3 9050000.smmuv3: \\x090x000000000dead000"},
	{"usec":49327529,"level":3,"text":"arm-smmu-v3 9050000.smmuv3: \\x090x0000000000000000"},
	{"usec":49327564,"level":3,"text":"arm-smmu-v3 9050000.smmuv3: event: F_TRANSLATION client: 0000:03:01.0 sid: 0x300 ssid: 0x0 iova: 0xdead000 ipa: 0x0"}]}
	EOF
	run_ctl -j --from "$BATS_TEST_TMPDIR/t" faults decode
	expect_json '.data[] | "\(.device) \(.address) \(.access) \(.count)"' "0000:03:01.0 0xdead000 read 1"
}

@test "two units that fault at once on an old kernel: no reason is given to a fault as if it were sure" {
	printf '%s\n' "[  100.000003] DMAR:[DMA Read] Request device [00:02.0] fault addr 1000 " \
		"[  100.000003] DMAR:[DMA Write] Request device [00:1f.2] fault addr 2000 " \
		"DMAR:[fault reason 05] PTE Write access is not set" "DMAR:[fault reason 06] PTE Read access is not set" >"$BATS_TEST_TMPDIR/log"
	run_ctl -j --demo faults decode "$BATS_TEST_TMPDIR/log"
	expect_status 0
	expect_json '[.data[] | [.device, .reason.code // "none", (.notes | join(" ") | test("may be that one"))]] | tostring' \
		'[["00:02.0","none",false],["0000:00:1f.2","0x5",true]]'
	# the reason that nobody took is named
	expect_json '[.warnings[].why] | join(" ") | test("line 4")' true
	run_ctl trace convert "$BATS_TEST_TMPDIR/log"
	[ "$(grep -c '"reason_doubtful":true' <<<"$output")" -eq 1 ]
	[ "$("$IOMMUCTL" trace convert - <<<"$output" | grep -c '"reason_doubtful":true')" -eq 1 ]
}
