#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Real faults: the edu device does DMA where nothing is mapped, and iommuctl says who, where and why. Real traces.

# shellcheck disable=SC2154
EDU=0000:02:00.0
T=/sys/kernel/tracing/instances/lab

setup() {
	load lab
	# what the machine's IOMMU is, calls an address that is not mapped, and its driver's own events
	case $(lab_unit) in
	dmar0)
		vendor=vt-d read_reason='0x6 no mapping of the address allows a read'
		write_reason='0x5 no mapping of the address allows a write' events=intel_iommu ;;
	smmu3.*)
		vendor=smmuv3 read_reason='0x10 the address is not mapped'
		write_reason=$read_reason events='' ;;
	esac
}

setup_file() {
	load lab
	lab_move "$EDU"
}

teardown_file() {
	load lab
	lab_return "$EDU"
}

teardown() {
	[ ! -d $T ] || {
		echo 0 >$T/events/enable
		rmdir $T
	}
}

# trace EVENT…: a private instance with these on
trace() {
	local e

	mkdir $T
	for e; do
		echo 1 >"$T/events/$e/enable"
	done
}

# fault FILTER: of the last fault of the kernel log
fault() {
	iommuctl -j faults decode | jq -r ".data[-1] | $1"
}

@test "a stray read: the device, the address and what was wrong with it" {
	edu-dma $EDU read 0xdead000
	[ "$(fault '"\(.vendor) \(.kind) \(.device) \(.address) \(.access)"')" = "$vendor dma $EDU 0xdead000 read" ]
	[ "$(fault '"\(.reason.code) \(.reason.text)"')" = "$read_reason" ]
	# the driver of an SMMU speaks by the name of its platform device
	[[ " $(lab_unit) $(basename "$(readlink "/sys/class/iommu/$(lab_unit)/device")") " == *" $(fault .unit) "* ]]
	[ "$(fault .group)" = "$(lab_group $EDU)" ]
	[ "$(fault .driver)" = vfio-pci ]
	run iommuctl faults decode
	[[ $output == *"$EDU, "*"group $(lab_group $EDU)"* ]]
	[[ $output == *"next: iommuctl device show $EDU"* ]]
}

@test "a stray write, from the live log, dmesg and /dev/kmsg alike" {
	local want="$EDU 0xbeef000 write ${write_reason%% *}"

	edu-dma $EDU write 0xbeef000
	[ "$(fault '"\(.device) \(.address) \(.access) \(.reason.code)"')" = "$want" ]
	[ "$(fault '"\(.reason.code) \(.reason.text)"')" = "$write_reason" ]
	dmesg >/tmp/log
	[ "$(iommuctl -j faults decode /tmp/log | jq -r '.data[-1] | "\(.device) \(.address) \(.access) \(.reason.code)"')" = "$want" ]
	[ "$(iommuctl -j faults decode /dev/kmsg | jq -r '.data[-1] | "\(.device) \(.address) \(.access) \(.reason.code)"')" = "$want" ]
	cp /tmp/log /share/out/dmesg-edu
}

@test "a mapped address is none, the same one unmapped is a use after unmap" {
	local before page

	page=$(awk '/KernelPageSize/ { print $2 * 1024; exit }' /proc/self/smaps)
	before=$(iommuctl -j faults decode | jq '[.data[].count] | add')
	edu-dma $EDU map 0x100000 "$page" read 0x100000 write 0x100000
	[ "$(iommuctl -j faults decode | jq '[.data[].count] | add')" = "$before" ]

	trace iommu/map iommu/unmap printk/console
	edu-dma $EDU map 0x100000 "$page" read 0x100000 sleep 20 unmap 0x100000 "$page" read 0x100000
	cat $T/trace >/share/out/late.trace
	run iommuctl -j trace stat /share/out/late.trace
	# older kernels write no PCI segment
	[ "$(jq -r '.data[0].use_after_unmap[0] | "\(.device | sub("^0000:"; "")) \(.address) \(.access) \(.unmap_address)"' <<<"$output")" = \
		"${EDU#0000:} 0x100000 read 0x100000" ]
	[ "$(jq '.data[0].use_after_unmap[0] | .after_ns > 0 and .after_ns < 1000000000 and .fault_line > .unmap_line' <<<"$output")" = true ]
}

@test "the trace of a disk: what is counted is what the kernel wrote" {
	local k

	# words
	# shellcheck disable=SC2086
	trace iommu $events
	dd if=/dev/nvme0n1 of=/dev/null bs=4k count=200 iflag=direct
	echo 0 >$T/tracing_on
	cat $T/trace >/share/out/nvme.trace
	run iommuctl -j trace stat /share/out/nvme.trace
	[ "$(jq '.data[0] | "\(.undecoded) \(.lost)"' -r <<<"$output")" = "0 0" ]
	for k in map unmap qi_submit; do
		case $k in
		qi_submit) n=$(jq '[.data[0].kinds[] | select(.kind == "invalidate") | .count] | add // 0' <<<"$output") ;;
		*) n=$(jq "[.data[0].kinds[] | select(.kind == \"$k\") | .count] | add // 0" <<<"$output") ;;
		esac
		[ "$n" = "$(grep -c ": $k: " /share/out/nvme.trace)" ]
	done
	[ "$(jq '.data[0].kinds[] | select(.kind == "map") | .count > 100' <<<"$output")" = true ]
}

# counts FILE: what there is of each kind, and what came of it
counts() {
	iommuctl -j trace stat "$1" | jq -c '.data[0] | [.events, .undecoded, .lost], [.kinds[] | [.kind, .count]], .mapping, .invalidation'
}

# same_as_report FILE REPORT-OPTIONS…: a trace.dat and what trace-cmd makes of it
same_as_report() {
	trace-cmd report "${@:2}" "$1" 2>/dev/null >t.txt
	counts "$1" >dat
	counts t.txt >txt
	grep -q '\["map",[1-9]' dat
	grep -q '\["unmap",[1-9]' dat
	diff dat txt
}

@test "trace.dat says the same as trace-cmd report: versions 6 and 7, plain and compressed, one buffer and two" {
	command -v trace-cmd >/dev/null || skip "no trace-cmd in the guest"
	local form
	local -a read=(dd if=/dev/nvme0n1 of=/dev/null bs=4k count=100 iflag=direct)

	cd /tmp
	for form in "--file-version 6" "--compression none" "--compression any"; do
		# words
		# shellcheck disable=SC2086
		trace-cmd record -q $form -o t.dat -e iommu ${events:+-e "$events"} "${read[@]}" 2>/dev/null
		same_as_report t.dat -t
		cp t.dat "/share/out/t${form//[- ]/}.dat"
		# shellcheck disable=SC2086
		trace-cmd record -q $form -o two.dat -e iommu:map -B more -e iommu:unmap "${read[@]}" 2>/dev/null
		same_as_report two.dat -t
	done
	# its other forms of text
	same_as_report t.dat -R -t
	same_as_report t.dat -l -t
	same_as_report t.dat --ts-diff -t
	# its last bytes are the table of processors and the names of the sections
	head -c $(($(stat -c %s t.dat) - 150)) t.dat >cut.dat
	run -0 --separate-stderr iommuctl trace stat cut.dat
	[[ $stderr == *"cut.dat: is cut short"* ]]
	run -1 iommuctl trace stat --strict cut.dat
}
