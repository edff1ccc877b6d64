#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# trace decode, stat and convert.
load lib

setup() {
	TRACES=${BATS_TEST_DIRNAME%/cli}/traces
	TRACE=$TRACES/nvme.trace
}

# stat ARGS…
stat_json() {
	run_ctl -j trace stat "$@"
	expect_status 0
}

@test "decode: one line an event, with what it is about" {
	run_ctl trace decode "$TRACE"
	expect_status 0
	[ "$(wc -l <<<"$output")" -eq 18 ]
	expect_in "$output" "dd-59      map           0xfffb4000-0xfffb7fff 16384 bytes to 0xbcc9000" \
		"invalidate    dmar0 domain 9 iotlb range 0xfffb4000-0xfffb7fff" "page-request  dmar0 0000:00:0a.0 pasid 2 read+write 0x559f0000 group 1 last" \
		"page-response dmar0 id 0x50 pasid 2 group 1 last success" "lost          12 events"
	expect_in "$stderr" "the recorder lost 12 events or more"
}

@test "decode -j: header, records with every member, trailer" {
	run_ctl -j trace decode "$TRACE"
	expect_status 0
	[ "$(head -n 1 <<<"$output" | jq -r .schema)" = iommuctl.trace.decode/1 ]
	[ "$(tail -n 1 <<<"$output" | jq -c '[.end, .rows, .warnings[0].code]')" = '[true,18,"events-lost"]' ]
	[ "$(sed -n 2p <<<"$output" | jq -c '[.kind, .time_ns, .address, .size, .domain, .at.line]')" = \
		'["map",2000000000,"0xfffb4000",16384,null,5]' ]
}

@test "decode -j: each line is what docs/schema says" {
	local schema=${BATS_TEST_DIRNAME%/tests/cli}/docs/schema/trace.decode.json f
	for f in "$TRACES"/*.txt "$TRACE" /nonexistent; do
		"$IOMMUCTL" -j trace decode "$f" 2>/dev/null
	done >"$BATS_TEST_TMPDIR/lines" || :
	python3 - "$schema" "$BATS_TEST_TMPDIR/lines" <<-'END'
		import json, sys, jsonschema
		check = jsonschema.Draft7Validator(json.load(open(sys.argv[1])))
		lines = [json.loads(l) for l in open(sys.argv[2])]
		assert len(lines) > 30
		for l in lines:
		    check.validate(l)
	END
}

@test "stat: mappings" {
	stat_json "$TRACE"
	[ "$(json '.data[0] | "\(.events) \(.lost) \(.undecoded) \(.back_in_time)"')" = "18 12 0 0" ]
	[ "$(json '.data[0].mapping | "\(.mapped_bytes) \(.unmapped_bytes) \(.live_bytes) \(.live_mappings) \(.peak_bytes) \(.overlaps)"')" = \
		"49152 49152 0 0 32768 0" ]
	[ "$(json '.data[0].sizes[] | "\(.bytes) \(.maps) \(.unmaps)"')" = "16384 3 1
32768 0 1" ]
	[ "$(json '.data[0].mapping.several_domains')" = null ]
}

@test "stat: two domains on one address are seen, and nothing is guessed" {
	stat_json - <<-'END'
		a-1 [000] .... 1.000000: map: IOMMU: iova=0x1000 - 0x2000 paddr=0x5000 size=4096
		b-2 [000] .... 1.000001: map: IOMMU: iova=0x1000 - 0x2000 paddr=0x6000 size=4096
		a-1 [000] .... 1.000002: unmap: IOMMU: iova=0x1000 - 0x2000 size=4096 unmapped_size=4096
		c-3 [000] .... 1.000003: unmap: IOMMU: iova=0x9000 - 0xa000 size=4096 unmapped_size=0
		irq/24-AMD-Vi-48 [000] .... 1.000004: io_page_fault: IOMMU:nvme 0000:05:00.0 iova=0x1234 flags=0x0001
	END
	[ "$(json '.data[0].mapping | "\(.live_bytes) \(.live_mappings) \(.overlaps) \(.several_domains) \(.short_unmaps)"')" = "4096 1 1 true 1" ]
	[ "$(json '.data[0].use_after_unmap[0] | "\(.device) \(.access) \(.certain)"')" = "0000:05:00.0 write false" ]
}

@test "stat: a use after unmap, with both places; what is mapped again or long gone is none" {
	stat_json "$TRACE"
	[ "$(json '.data[0].use_after_unmap[] | "\(.device) \(.address) \(.fault_line) \(.unmap_address) \(.unmap_size) \(.unmap_line) \(.after_ns)"')" = \
		"0000:03:00.0 0xfffa9000 16 0xfffa8000 32768 13 500000" ]
	run_ctl -j trace stat --late-window 1 - <<-'END'
		a-1 [000] .... 1.000000: unmap: IOMMU: iova=0x1000 - 0x2000 size=4096 unmapped_size=4096
		a-1 [000] .... 1.000001: unmap: IOMMU: iova=0x2000 - 0x3000 size=4096 unmapped_size=4096
		a-1 [000] .... 1.000002: map: IOMMU: iova=0x2000 - 0x3000 paddr=0x1000 size=4096
		i-2 [000] .... 1.000003: io_page_fault: IOMMU:nvme 0000:05:00.0 iova=0x2010 flags=0x0000
		i-2 [000] .... 1.500000: io_page_fault: IOMMU:nvme 0000:05:00.0 iova=0x1010 flags=0x0000
	END
	expect_status 0
	[ "$(json '.data[0].n_use_after_unmap')" = 0 ]
}

@test "stat: invalidations" {
	stat_json "$TRACE"
	[ "$(json '.data[0].invalidation | "\(.commands) \(.waits) \(.range_bytes) \(.wider) \(.percent_of_unmapped) \(.after_map) \(.redundant) \(.mergeable)"')" = \
		"3 1 49152 0 100 1 1 1" ]
	run_ctl -j trace stat --merge-window 5 "$TRACE"
	[ "$(json '.data[0].invalidation.mergeable')" = 0 ]
	stat_json - <<<'x-1 [000] .... 1.0: qi_submit: iotlb_inv dmar0: 0x900e2 0x0 0x0 0x0'
	[ "$(json '.data[0].invalidation | "\(.wider) \(.percent_of_unmapped)"')" = "1 null" ]
}

@test "stat: page requests" {
	stat_json "$TRACE"
	[ "$(json '.data[0].page_requests | "\(.requests) \(.groups) \(.largest_group) \(.responses) \(.success)"')" = "4 3 2 2 2" ]
	[ "$(json '.data[0].page_requests | "\(.max) \(.no_last) \(.unanswered) \(.answered_twice) \(.unasked) \(.out_of_order)"')" = \
		"500000 1 1 1 0 0" ]
}

@test "stat: by device, domain and task; over time when asked" {
	stat_json "$TRACE"
	[ "$(json '.data[0].domains[] | "\(.name) \(.events) \(.invalidations)"')" = "dmar0:9 4 3" ]
	[ "$(json '.data[0].tasks[0] | "\(.name) \(.maps)"')" = "dd 3" ]
	[ "$(json '.data[0] | has("series")')" = false ]
	run_ctl -j -o +series trace stat "$TRACE"
	[ "$(json '[.data[0].series[].maps] | add')" = 3 ]
	[ "$(json '.data[0].series[0].live_bytes')" = 16384 ]
}

@test "stat: text with bars, and a drawing" {
	run_ctl trace stat --svg "$BATS_TEST_TMPDIR/t.svg" "$TRACE"
	expect_status 0
	expect_in "$output" "use after unmap: 1" "0000:03:00.0: read at 0xfffa9000, line 16" "was unmapped 500.0 us before, line 13" \
		"page-request " "████" "groups never answered: 1"
	python3 -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' "$BATS_TEST_TMPDIR/t.svg"
	run_ctl trace stat --svg /nonexistent/t.svg "$TRACE"
	expect_status 1
	run_ctl trace stat --merge-window soon "$TRACE"
	expect_status 2
}

@test "stat: what a kernel recorded of a disk" {
	stat_json "$TRACES/vtd-nvme.trace"
	[ "$(json '.data[0] | "\(.events) \(.undecoded) \(.lost) \(.mapping.overlaps) \(.invalidation.wider)"')" = "48 0 0 0 0" ]
	[ "$(json '[.data[0].kinds[].kind] | join(" ")')" = "map unmap invalidate flush" ]
}

@test "convert writes what every command reads again" {
	run_ctl trace convert "$TRACE" "$BATS_TEST_TMPDIR/a.jsonl"
	expect_status 0
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/a.jsonl")" = '{"end":true,"events":18,"undecoded":0,"lost":12}' ]
	run_ctl trace convert "$BATS_TEST_TMPDIR/a.jsonl"
	[ "$(jq -c 'del(.line)' <<<"$output")" = "$(jq -c 'del(.line)' "$BATS_TEST_TMPDIR/a.jsonl")" ]
	stat_json "$TRACE"
	local direct
	direct=$(json '.data[0] | del(.file, .lines, .use_after_unmap)' -c)
	stat_json "$BATS_TEST_TMPDIR/a.jsonl"
	[ "$(json '.data[0] | del(.file, .lines, .use_after_unmap)' -c)" = "$direct" ]
	run_ctl faults decode --no-lookup -j "$BATS_TEST_TMPDIR/a.jsonl"
	[ "$(json '.data[0] | "\(.device) \(.reason.code)"')" = "0000:03:00.0 0x6" ]
}

@test "what is read is not written over" {
	cp "$TRACE" "$BATS_TEST_TMPDIR/mine"
	ln "$BATS_TEST_TMPDIR/mine" "$BATS_TEST_TMPDIR/other"
	for args in "convert $BATS_TEST_TMPDIR/mine $BATS_TEST_TMPDIR/mine" "convert $BATS_TEST_TMPDIR/mine $BATS_TEST_TMPDIR/other" \
		"stat $BATS_TEST_TMPDIR/mine --svg $BATS_TEST_TMPDIR/other"; do
		# shellcheck disable=SC2086
		run_ctl trace $args
		expect_status 1
		expect_in "$stderr" "it is the file that is read" "hint: choose another name"
		cmp "$TRACE" "$BATS_TEST_TMPDIR/mine"
	done
}

@test "bad input: cut, mixed up, garbage, CR LF, numbers too large: counted, never fatal" {
	{
		sed 's/$/\r/' "$TRACE"
		head -c 4000 /dev/urandom
		echo
		echo 'x-1 [000] .... 1.0: map: IOMMU: iova=0x11111111111111111 - 0x2 paddr=0x1 size=1'
		echo 'x-1 [000] .... 99999999999999999999.0: map: IOMMU: iova=0x1 - 0x2 paddr=0x1 size=1'
		echo 'x-1 [000] .... 1.0: qi_submit: iotlb_inv dmar0: 0x900f2'
		printf 'x-1 [000] .... 1.0: unmap: IOMMU: iova=0x'
	} >"$BATS_TEST_TMPDIR/bad"
	stat_json "$BATS_TEST_TMPDIR/bad"
	[ "$(json '.data[0].events')" = 18 ]
	[ "$(json '.data[0].undecoded')" -ge 3 ]
	run_ctl trace stat --strict "$BATS_TEST_TMPDIR/bad"
	expect_status 1
	run_ctl trace stat /nonexistent
	expect_status 1
	run_ctl trace stat - </dev/null
	expect_status 0
}

@test "a trace.dat that is none is said to be none" {
	printf '\027\010\104tracing6\0' >"$BATS_TEST_TMPDIR/t.dat"
	run_ctl trace stat "$BATS_TEST_TMPDIR/t.dat"
	expect_status 1
	expect_in "$stderr" "trace.dat: has no trace.dat head that holds together"
	printf '\027\010\104tracing9\0\0\010\0\020\0\0aaaaaaaaaaaaaaaaaa' >"$BATS_TEST_TMPDIR/t.dat"
	run_ctl trace stat "$BATS_TEST_TMPDIR/t.dat"
	expect_status 6
	expect_in "$stderr" "of a version that we do not know"
	run_ctl trace stat - <"$TRACES/v6.dat"
	expect_status 1
	expect_in "$stderr" "cannot be read from a pipe" "trace-cmd report FILE"
}

@test "a trace.dat: processors merged by time, tasks named, lost events counted; compressed or not" {
	run_ctl -j trace decode "$TRACES/v6.dat"
	expect_status 0
	[ "$(jq -s '[.[] | select(.kind) | .time_ns] | . == sort' <<<"$output")" = true ]
	[ "$(jq -r 'select(.kind == "map") | "\(.cpu) \(.task) \(.pid) \(.address) \(.size)"' <<<"$output" | head -n 2)" = \
		"0 dd 57 0xf0000000 4096
1 dd 57 0xf1000000 4096" ]
	[ "$(jq -r 'select(.kind == "lost") | .cpu' <<<"$output")" = "0
1" ]
	local f
	for f in vtd-v7 vtd-v7-zstd; do
		stat_json "$TRACES/$f.dat"
		expect_json '.data[0] | "\(.events) \(.mapping.live_bytes) \(.invalidation.percent_of_unmapped) \(.tasks[0].name)"' "120 0 200 dd"
	done
}

@test "a trace.dat of a big-endian machine, and one with a second buffer: the same events" {
	local same='select(.kind) | del(.at)'
	diff <("$IOMMUCTL" -j trace decode "$TRACES/v6.dat" | jq -c "$same") <("$IOMMUCTL" -j trace decode "$TRACES/v6-big.dat" | jq -c "$same")
	# its last processor's events are in the buffer
	"$IOMMUCTL" -j trace decode "$TRACES/v6-buffer.dat" | jq -r 'select(.kind) | .cpu' >"$BATS_TEST_TMPDIR/cpus"
	[ "$(sort "$BATS_TEST_TMPDIR/cpus" | uniq -c | tr -s ' ' | tr '\n' ,)" = " 30 0, 30 1, 30 2," ]
	run_ctl -j trace decode "$TRACES/v6-buffer.dat"
	[ "$(jq -s '[.[] | select(.kind) | .time_ns] | . == sort' <<<"$output")" = true ]
}

@test "trace.dat files that trace-cmd made on a big-endian machine say what its report there says" {
	local f same='select(.kind) | del(.at)'
	for f in s390x-v6 s390x-v7; do
		"$IOMMUCTL" -j trace decode "$TRACES/$f.trace.gz" | jq -c "$same" >"$BATS_TEST_TMPDIR/report"
		[ "$(wc -l <"$BATS_TEST_TMPDIR/report")" -eq 320 ]
		diff "$BATS_TEST_TMPDIR/report" <("$IOMMUCTL" -j trace decode "$TRACES/$f.dat" | jq -c "$same")
	done
}

@test "a trace.dat cut short anywhere: what is there is counted, that more is missing is said" {
	local f n size before
	for f in v6 v6-big v6-buffer vtd-v7 vtd-v7-zstd; do
		size=$(stat -c %s "$TRACES/$f.dat")
		before=0
		for n in 5 15 200 1000 3000 4500 $((size / 2)) $((size - 4100)) $((size - 200)) $((size - 20)) $((size - 1)); do
			[ "$n" -gt 10 ] || continue
			[ "$n" -lt "$size" ] || continue
			head -c "$n" "$TRACES/$f.dat" >"$BATS_TEST_TMPDIR/cut.dat"
			run_ctl -j trace stat "$BATS_TEST_TMPDIR/cut.dat"
			if [ "$status" -eq 0 ]; then
				expect_json '.warnings[0].code == "cut-short" or .warnings[1].code == "cut-short"' true
				run_ctl trace stat --strict "$BATS_TEST_TMPDIR/cut.dat"
			fi
			expect_status 1
		done
		# the data is whole, what is behind it is not
		head -c $((size - 20)) "$TRACES/$f.dat" >"$BATS_TEST_TMPDIR/cut.dat"
		stat_json "$BATS_TEST_TMPDIR/cut.dat"
		[ "$(json '.data[0].events')" -ge 60 ]
	done
}

@test "on a terminal, what takes longer than a second says how far it is; elsewhere it does not" {
	local n=$BATS_TEST_TMPDIR/many

	for _ in {1..20}; do cat "$TRACE" "$TRACE" "$TRACE" "$TRACE" "$TRACE"; done >"$n"
	while [ "$(wc -l <"$n")" -lt 17000 ]; do cat "$n" "$n" >"$n.2" && mv "$n.2" "$n"; done
	printf '#!/bin/sh\n{ cat "$1"; sleep 1.2; cat "$1"; } | "$2" trace stat -\n' >"$BATS_TEST_TMPDIR/slow"
	run env TERM=xterm script -qec "sh $BATS_TEST_TMPDIR/slow $n $IOMMUCTL" /dev/null
	expect_in "$output" $'\r'"[0-9] MiB " "events"
	run sh "$BATS_TEST_TMPDIR/slow" "$n" "$IOMMUCTL"
	expect_not_in "$output" $'\r'
}

@test "a reader that goes away ends it" {
	"$IOMMUCTL" trace decode <(while :; do cat "$TRACE"; done) 2>"$BATS_TEST_TMPDIR/err" | head -n 1 >/dev/null
	expect_in "$(<"$BATS_TEST_TMPDIR/err")" "Broken pipe"
}

@test "the table: lines, events, kinds and undecoded lines of every fixture; none is missing" {
	local f n events undecoded kinds
	diff <(cd "$TRACES" && printf '%s\n' *.txt *.trace *.dat) <(grep -v '^#' "$TRACES/EXPECTED" | cut -f1)
	while IFS=$'\t' read -r f n events undecoded kinds; do
		stat_json "$TRACES/$f"
		expect_json '.data[0] | "\(.lines) \(.events) \(.undecoded) \([.kinds[] | "\(.kind)=\(.count)"] | join(","))"' \
			"$n $events $undecoded $kinds"
		# each line that is not decoded is named
		[ "$undecoded" -eq 0 ] || expect_in "$(json '.warnings[] | select(.code == "undecoded") | .why')" "line"
	done < <(grep -v '^#' "$TRACES/EXPECTED")
}

@test "a fault that the trace and the log in it both tell is counted once" {
	stat_json - <<-'END'
		irq/24-48 [000] .... 5.000000: io_page_fault: IOMMU:nvme 0000:05:00.0 iova=0x1234 flags=0x0001
		irq/24-48 [000] .... 5.000009: console: nvme 0000:05:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0042 address=0x1234 flags=0x0020]
		irq/24-48 [000] .... 5.000030: io_page_fault: IOMMU:nvme 0000:05:00.0 iova=0x2334 flags=0x0001
		irq/24-48 [000] .... 9.000040: console: nvme 0000:05:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0042 address=0x2334 flags=0x0020]
		irq/24-48 [000] .... 9.000050: console: nvme 0000:05:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0042 address=0x1234 flags=0x0020]
	END
	expect_json '.data[0] | "\(.events) \(.told_twice) \(.kinds[0].count)"' "4 1 4"
}

@test "the kernel log within a trace.dat: faults in one message and in several" {
	run_ctl -j faults decode --no-lookup "$TRACES/v6-printk.dat"
	expect_status 0
	expect_json '.data[] | "\(.vendor) \(.unit) \(.device) \(.address) \(.access) \(.time)"' \
		"vt-d null 0000:02:00.0 0xf0000000 read 1000034000
smmuv3 9050000.smmuv3 null 0xf0001000 read 1000035000"
	# and the address had been unmapped a moment before
	expect_in "$(json '.data[0].where')" "it was unmapped"
}

@test "faults of all eras: who, where, what" {
	run_ctl -j faults decode --no-lookup "$TRACES/vtd-eras.txt"
	expect_status 0
	expect_json '.data[] | "\(.device) \(.kind) \(.address) \(.access) \(.pasid) \(.reason.code) \(.at.line)"' \
"00:02.0 dma 0x69974000 read null 0x5 1
f0:1f.7 interrupt null null null 0x25 3
f0:1f.7 interrupt null null null 0x22 4
null command null null null null 9
02:00.0 dma 0xfff81000 write null 0x5 12
0001:02:00.0 dma 0x7f0000000000 write 5 0x71 15
02:00.0 dma 0x7f1000 read 1 0x81 16
04:00.0 dma 0x87f8000 read null 0x6 18"
	run_ctl -j faults decode --no-lookup "$TRACES/amd-eras.txt"
	expect_json '.data[] | "\(.unit) \(.device) \(.driver) \(.kind) \(.address) \(.access)"' \
"null 0000:15:00.0 xhci_hcd dma 0xfdeaf040 read
null null null invalidation null null
null null null global null null
0000:00:00.2 05:00.0 null page-request 0x1000 read
null 0000:05:00.0 vfio-pci dma 0x1000 read"
	expect_json '.data[0].count' 2
	run_ctl -j faults decode --no-lookup "$TRACES/crlf.txt"
	expect_json '.data[] | "\(.vendor) \(.device) \(.address)"' "vt-d 02:00.0 0x1000
amd-vi 0000:01:00.0 0xffffc080"
}

@test "domains: two on one address are told apart, and belong to their devices" {
	stat_json "$TRACES/domains.trace"
	expect_json '.data[0].objects[] | "\(.object) \(.devices) \(.maps) \(.unmaps) \(.live_bytes)"' "1 0000:01:00.0 1 0 4096
2 0000:02:00.0 1 1 0"
	expect_json '.data[0].mapping | "\(.overlaps) \(.several_domains) \(.live_mappings)"' "0 true 1"
	# the first device's page is mapped still, the other one's is not
	expect_json '.data[0].use_after_unmap[] | "\(.device) \(.unmap_line) \(.certain)"' "0000:02:00.0 9 true"
	expect_json '[.data[0].devices[] | "\(.name) \(.maps)"] | join(",")' "0000:01:00.0 1,0000:00:0a.0 0,0000:02:00.0 1,00:0a.0 0"
	stat_json "$TRACES/vtd-domains.trace"
	expect_json '.data[0].use_after_unmap[] | "\(.device) \(.certain)"' "0000:02:00.0 true"
	run_ctl trace stat "$TRACES/domains.trace"
	expect_in "$output" "domains of the kernel" "0000:02:00.0: write at 0x1234"
	expect_not_in "$output" "may have been another's"
}

@test "domains: without what the probes wrote nothing is guessed" {
	stat_json - < <(grep -v 'iommuctl' "$TRACES/domains.trace")
	expect_json '.data[0] | "\(.objects) \(.mapping.overlaps) \(.use_after_unmap[0].certain)"' "[] 1 false"
}

@test "page requests: the unit's queue and the kernel's core tell of the same ones" {
	stat_json "$TRACES/domains.trace"
	expect_json '.data[0].page_requests | "\(.requests) \(.groups) \(.largest_group) \(.responses) \(.success) \(.invalid)"' "5 3 2 3 2 1"
	expect_json '.data[0].page_requests | "\(.unanswered) \(.answered_twice) \(.unasked) \(.no_last)"' "0 0 0 0"
	# the unit alone
	stat_json - < <(grep 'prq_report\|qi_submit' "$TRACES/domains.trace")
	expect_json '.data[0].page_requests | "\(.requests) \(.groups) \(.responses) \(.unanswered)"' "2 1 1 0"
}

@test "a trace that was recorded with domains is the same as JSON Lines" {
	run_ctl trace convert "$TRACES/domains.trace" "$BATS_TEST_TMPDIR/a.jsonl"
	expect_status 0
	expect_not_in "$(<"$BATS_TEST_TMPDIR/a.jsonl")" ff11000
	stat_json "$TRACES/domains.trace"
	local direct
	direct=$(json '.data[0] | del(.file, .lines, .use_after_unmap)' -c)
	stat_json "$BATS_TEST_TMPDIR/a.jsonl"
	expect_json '.data[0] | del(.file, .lines, .use_after_unmap) | tojson' "$direct"
}

@test "record: wrong usage is said before anything is done" {
	run_ctl trace record -d soon "$BATS_TEST_TMPDIR/t"
	expect_status 2
	run_ctl trace record -d 1 "$BATS_TEST_TMPDIR/t" -- true
	expect_status 2
	run_ctl trace record --buffer 1 "$BATS_TEST_TMPDIR/t"
	expect_status 2
	run_ctl -j trace record -d 1
	expect_status 2
	run_ctl --from demo trace record -d 1 "$BATS_TEST_TMPDIR/t"
	expect_status 2
	[ ! -e "$BATS_TEST_TMPDIR/t" ]
}

@test "blanks that a wiki made tabs of" {
	run_ctl trace convert - <<<$'swapper\t0\t[000]\t123.456789:\tiommu:map:\tIOMMU: iova=0x00000000fffff000 - 0x0000000100000000 paddr=0x0000000003e1f000 size=4096'
	expect_status 0
	[ "$(sed -n 2p <<<"$output" | jq -c '[.kind, .task, .pid, .address, .size]')" = '["map","swapper",0,"0xfffff000",4096]' ]
}

@test "a file without one event is read, and said to be none; an empty one is just empty" {
	local c
	printf 'root:x:0:0\nbin:x:1:1\n' >"$BATS_TEST_TMPDIR/passwd"
	for c in "trace decode" "trace stat" "replay --on model"; do
		# shellcheck disable=SC2086 # words
		run_ctl $c "$BATS_TEST_TMPDIR/passwd"
		expect_status 0
		expect_in "$stderr" "warning: $BATS_TEST_TMPDIR/passwd: no event of an IOMMU in it" "hint: iommuctl trace record"
		# shellcheck disable=SC2086
		run_ctl $c /dev/null
		expect_status 0
		[ -z "$stderr" ]
	done
	run_ctl --demo faults decode "$BATS_TEST_TMPDIR/passwd"
	expect_status 0
	[ -z "$stderr" ]
}

@test "convert: an input that cannot be read costs no file" {
	echo precious >"$BATS_TEST_TMPDIR/out"
	run_ctl trace convert "$BATS_TEST_TMPDIR/nosuch" "$BATS_TEST_TMPDIR/out"
	expect_status 1
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = precious ]
	run_ctl trace convert "$BATS_TEST_TMPDIR/nosuch"
	expect_status 1
	[ -z "$output" ]
	# one that can be read and has no events is whole
	: >"$BATS_TEST_TMPDIR/empty"
	run_ctl trace convert "$BATS_TEST_TMPDIR/empty" "$BATS_TEST_TMPDIR/out"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/out")" -eq 2 ]
}
