#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The same log in every form that tools give it says the same.
load lib

TRACES=${BATS_TEST_DIRNAME%/cli}/traces

# what FILE: what was found in it, without the times, whose forms differ
what() {
	"$IOMMUCTL" -j trace decode "$1" | jq -c 'select(.kind) | del(.time_ns, .stamp, .at)'
}

# Each line with its time alone before it, so that every one has the prefix that is rewritten.
setup() {
	cat "$TRACES"/{vtd,vtd-eras,amd,amd-eras,smmu,smmu-eras,interleaved}.txt |
		sed -n 's/^\[ *\([0-9]*\.[0-9]*\)\] /[\1] /p' >"$BATS_TEST_TMPDIR/plain"
	what "$BATS_TEST_TMPDIR/plain" >"$BATS_TEST_TMPDIR/expected"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/expected")" -gt 35 ]
}

# same_as_plain PROGRAM: sed rewrites the log, which says the same afterwards
same_as_plain() {
	diff "$BATS_TEST_TMPDIR/expected" <(sed "$1" "$BATS_TEST_TMPDIR/plain" | what -)
}

@test "dmesg: its formats of time, levels, callers" {
	same_as_plain 's/^\[[^]]*\]/[Fri Nov 20 10:00:00 2026]/'
	same_as_plain 's/^\[[^]]*\]/[Fr 20. Nov 10:00:00 2026]/'
	same_as_plain 's/^\[[^]]*\]/[五 11月 20 10:00:00 2026]/'
	same_as_plain 's/^\[[^]]*\]/[  +0.000004]/'
	same_as_plain 's/^\[[^]]*\]/[Nov20 10:00]/'
	same_as_plain 's/^\[\([^]]*\)\]/[\1 <    0.000004>]/'
	same_as_plain 's/^\[[^]]*\]/2026-11-20T10:00:00,123456+01:00/'
	same_as_plain 's/^/kern  :err   : /'
	same_as_plain 's/^/<3>/'
	same_as_plain 's/^\[\([^]]*\)\]/[\1][   T12]/'
	same_as_plain 's/^\[\([^]]*\)\]/[\1] [    C0]/'
	same_as_plain 's/^\[[^]]*\] /3,912,39100000,-;/'
}

@test "the journal and syslog, with the kernel's time and without" {
	same_as_plain 's/^\[[^]]*\]/Nov 20 10:00:00 host kernel:/'
	same_as_plain 's/^/Nov 20 10:00:00 host kernel: /'
	same_as_plain 's/^/2026-11-20T10:00:00.123456+01:00 my-host.example.org kernel: /'
	same_as_plain 's/^\[[^]]*\]/2026-11-20T10:00:00+0100 host kernel:/'
	same_as_plain 's/^\[[^]]*\]/Nov 20 10:00:00.123456 host kernel:/'
	same_as_plain 's/^\[\([^]]*\)\]/[\1] host kernel:/'
	same_as_plain 's/^\[[^]]*\]/1700000000.000001 host kernel:/'
	same_as_plain 's/^\[[^]]*\]/Fri 2026-11-20 10:00:00 CET host kernel[n\/a]:/'
	same_as_plain 's/^/Nov 20 10:00:00 host kernel[1]: /'
	same_as_plain 's/^/Nov 20 10:00:00 host vmunix: /'
	same_as_plain 's/^/Fri Nov 20 10:00:00 2026 kern.err kernel: /'
}

@test "what tools and people put before a line and into it" {
	same_as_plain 's/^/> > /'
	same_as_plain 's/^/    /'
	same_as_plain 's/^/node1 | /'
	same_as_plain 's/^/kern.log:123:/'
	same_as_plain 's/^/  123  /'
	same_as_plain 's/^/* /'
	same_as_plain 's/^/[2026-11-20 10:00:00] /'
	same_as_plain 's/^/2026-11-20T10:00:00.123456Z /'
	same_as_plain 's/^/\xef\xbb\xbf/'
	same_as_plain 's/ /\xc2\xa0/g'
	same_as_plain 's/$/\r/'
	same_as_plain 's/$/  \r\r/'
	same_as_plain 's/^\(\[[^]]*\] \)\([^ ]*\)/\x1b[32m\1\x1b[0m\x1b[33m\2\x1b[0m/; s/$/\x1b[0m\x1b[K/'
}

@test "UTF-16, as a shell on Windows saves it" {
	command -v iconv >/dev/null
	iconv -f UTF-8 -t UTF-16 "$TRACES/vtd.txt" >"$BATS_TEST_TMPDIR/wide"
	diff <(what "$TRACES/vtd.txt") <(what "$BATS_TEST_TMPDIR/wide")
}

@test "a line that begins a record is never the rest of the one before" {
	what - >"$BATS_TEST_TMPDIR/out" <<-'END'
		DMAR: [DMA Read] Request device [00:1b.0] fault addr deadbeef000
		DMAR: [DMA Write] Request device [03:00.0] fault addr 87f8000
		DMAR:[fault reason 05] PTE Write access is not set
	END
	[ "$(jq -r '"\(.device) \(.code)"' "$BATS_TEST_TMPDIR/out")" = "00:1b.0 null
03:00.0 0x5" ]
}

@test "two units at once: each word goes to its own dump" {
	[ "$(what "$TRACES/interleaved.txt" | jq -r '"\(.unit) \(.source_id) \(.address) \(.code)"')" = \
"a.smmuv3 0x200 0x1000 0x10
b.smmuv3 0x300 0x2000 0x10
null null 0x87f8000 0x6" ]
}

@test "an entry of the journal, whatever its form: the device, the address, the time" {
	[ "$("$IOMMUCTL" -j trace decode "$TRACES/journal.txt" | jq -r 'select(.kind) | "\(.device) \(.address) \(.flags) \(.time_ns)"' | sort -u)" = \
"0000:63:00.0 0xfff9b300 0x20 2500000000
0000:63:00.0 0xfff9b300 0x20 null" ]
}

@test "words that a terminal's edge or a mail's source has cut are whole again" {
	[ "$(what "$TRACES/edge.txt" | jq -r '"\(.domain) \(.address)"')" = "66 0xfff9b300
null 0x1000
null 0x1000" ]
	[ "$(what "$TRACES/mail-source.txt" | jq -r '"\(.kind) \(.domain) \(.address) \(.size)"')" = "fault 66 0xfff9b300 null
fault null 0x1000 null
map null 0x1000 4096" ]
}

@test "an event of a trace, whatever the columns before it" {
	local rest='IOMMU: iova=0x0000000100000000 - 0x0000000100001000 paddr=0x0000000123450000 size=4096' head
	local -a task=(
		"              dd-59      [000] d..1.     2.127901: map: "
		"              dd-59      (     57) [000] .....     2.127901: map: "
		"              dd    59 [000]     2.127901: iommu:map: "
		"              dd    59/59    [000]     2.127901: iommu:map: "
		"              dd    59 [000]     2.127901:          1 iommu:map: "
		">               dd-59      [000] .....     2.127901: map: "
		"      dd-59        0d..1. 2127901us : map: " # the latency format
		"      dd-59        0d..1. 2127901us+: map: "
		"[   12.345678]       dd-59        0d..1. 2127901us : map: " # ftrace_dump_on_oops
	)
	for head in "${task[@]}"; do
		[ "$("$IOMMUCTL" -j trace decode - <<<"$head$rest" | jq -r 'select(.kind) | "\(.kind) \(.task) \(.pid) \(.cpu) \(.time_ns) \(.address) \(.size)"')" = \
			"map dd 59 0 2127901000 0x100000000 4096" ]
	done
	# clocks that count no time: the event, without one
	for head in "dd-59 [000] ..... 123456: map: " "dd-59 [000] 98234987234987: map: "; do
		[ "$("$IOMMUCTL" -j trace decode - <<<"$head$rest" | jq -r 'select(.kind) | "\(.kind) \(.task) \(.time_ns) \(.address)"')" = "map dd null 0x100000000" ]
	done
	# tp_printk: in the log, with its time
	[ "$("$IOMMUCTL" -j trace decode - <<<"[    2.127901] map: $rest" | jq -r 'select(.kind) | "\(.kind) \(.time_ns) \(.address)"')" = "map 2127901000 0x100000000" ]
}
