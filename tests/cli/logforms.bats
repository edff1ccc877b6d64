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
		sed -nE 's/^\[ *([0-9]+\.[0-9]+)\] /[\1] /; T; :a; s/^\[([0-9]+)\.([0-9]{1,5})\]/[\1.\20]/; ta; p' >"$BATS_TEST_TMPDIR/plain"
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

@test "what telephones, consoles and loggers put before a line" {
	same_as_plain 's/^\[\([^]]*\)\]/<3>[\1] [1:    kworker\/1:2:  123]/'
	same_as_plain 's/^\[\([^]]*\)\] /<3>[\1]  (3)[123:kworker\/3:1]/'
	same_as_plain 's/^\[\([^]]*\)\] /[\1s][pid:123,cpu3,kworker\/3:1]/'
	same_as_plain 's/^\[[^]]*\]/11-20 10:00:00.123     0     0 E         :/'
	same_as_plain 's/^/11-20 10:00:00.123     0     0 E kernel  : /'
	same_as_plain 's/^/E\/kernel  (    0): /'
	same_as_plain 's/^\(\[[^]]*\]\) /\1 <3>/'
	same_as_plain 's/^\(\[[^]]*\]\)/<3>\1[  T123]/'
	same_as_plain 's/^/[Fri Nov 20 10:00:00 2026]/'
	same_as_plain 's/^\[[^]]*\] /6.12.0,3,912,39100000,-,caller=T1;/'
	same_as_plain 's/^/192.168.1.5:6665 /'
	same_as_plain 's/^/<3>1 2026-11-20T10:00:00.123456+01:00 host kernel - - - /'
	same_as_plain 's/^\[[^]]*\]/kern  :warn  : 2026-11-20T10:00:00,123456+01:00/'
	same_as_plain 's/^/user  :notice: /'
	same_as_plain 's/^/E1120 10:00:00.123456       1 kmsg.go:12] /'
	same_as_plain 's/^\[[^]]*\]/192.168.1.2: kern:     err: [2026-11-20T10:00:00.12345Z]:/'
	same_as_plain 's/^/ts=2026-11-20T10:00:00Z level=error msg="/; s/$/"/'
	same_as_plain 's/^/Loading initrd... 50%\r/'
	same_as_plain '1iPanic#1 Part1'
}

@test "what forums, weblogs and wikis make of a log" {
	local page='s/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g'

	same_as_plain 's/^/12. /'
	same_as_plain 's/^/12: /'
	same_as_plain 's/^/  12|/'
	same_as_plain 's/^/`/; s/$/`/'
	same_as_plain 's/^/| /; s/$/ |/'
	same_as_plain 's/^/- /'
	same_as_plain 's/[][_*#]/\\&/g'
	same_as_plain "s/^/<3>/; $page; 1s/^/<pre>/"
	same_as_plain "s/^/> > /; $page"
	same_as_plain "$page; s/^/<span class=\"k\">/; s/\$/<\/span><br \/>/"
	same_as_plain "$page; s/ /\&nbsp;/g"
	same_as_plain 's/\([^0-9a-f]0\)x/\1\xc3\x97/g'
	same_as_plain 's/\([^0-9a-f]0\)x/\1\&#215;/g'
	same_as_plain 's/ /\xe2\x80\x8b /g'
	# all of it in one line, with and without a tag between
	diff "$BATS_TEST_TMPDIR/expected" <(sed "$page; s/\$/<br>/" "$BATS_TEST_TMPDIR/plain" | tr -d '\n' | what -)
	diff "$BATS_TEST_TMPDIR/expected" <(tr '\n' ' ' <"$BATS_TEST_TMPDIR/plain" | what -)
}

@test "JSON of loggers that nobody told us about" {
	local line='split("\n") | .[:-1][]' form
	for form in '{textPayload: .}' '{jsonPayload: {message: .}}' '{_source: {message: ., host: {name: "a"}}}' '{result: {_raw: .}}' \
		'{log: (. + "\n"), stream: "stderr"}' '{kind: "Event", apiVersion: "v1", message: .}'; do
		diff "$BATS_TEST_TMPDIR/expected" <(jq -Rsc "$line | $form" "$BATS_TEST_TMPDIR/plain" | what -)
	done
	for form in '[split("\n")[:-1][] | {MESSAGE: .}]' '{events: [split("\n")[:-1][] | {timestamp: 1, message: .}]}' '{dmesg: .}' \
		'{streams: [{values: [split("\n")[:-1][] | ["17", .]]}]}' '{body: ("### It fails\n```\n" + gsub("\n"; "\r\n") + "```")}'; do
		diff "$BATS_TEST_TMPDIR/expected" <(jq -Rsc "$form" "$BATS_TEST_TMPDIR/plain" | what -)
		[[ $form == *MESSAGE* || $form == *events* ]] || continue # others have more than a record in a line
		diff "$BATS_TEST_TMPDIR/expected" <(jq -Rs "$form" "$BATS_TEST_TMPDIR/plain" | what -)
	done
}

@test "UTF-16, as a shell on Windows saves it" {
	command -v iconv >/dev/null
	local form
	for form in UTF-16 UTF-16LE UTF-16BE; do
		iconv -f UTF-8 -t "$form" "$TRACES/vtd.txt" >"$BATS_TEST_TMPDIR/wide"
		diff <(what "$TRACES/vtd.txt") <(what "$BATS_TEST_TMPDIR/wide")
	done
	# its mark before a record that nothing else stands before
	sed '1s/^/\xef\xbb\xbf/; s/^\[[^]]*\] //; s/$/\r/' "$BATS_TEST_TMPDIR/plain" | iconv -f UTF-8 -t UTF-16LE >"$BATS_TEST_TMPDIR/wide"
	diff "$BATS_TEST_TMPDIR/expected" <(what "$BATS_TEST_TMPDIR/wide")
}

@test "compressed logs, as logrotate leaves them; whole, from a pipe, cut short" {
	local program
	for program in gzip xz zstd bzip2; do
		"$program" -c <"$BATS_TEST_TMPDIR/plain" >"$BATS_TEST_TMPDIR/log"
		diff "$BATS_TEST_TMPDIR/expected" <(what "$BATS_TEST_TMPDIR/log")
		diff "$BATS_TEST_TMPDIR/expected" <(what - <"$BATS_TEST_TMPDIR/log")
	done
	# incompressible, so that what is before the cut comes out
	{ cat "$BATS_TEST_TMPDIR/plain"; head -c 300000 /dev/urandom | base64 -w 70; } | gzip -c | head -c 150000 >"$BATS_TEST_TMPDIR/cut"
	diff "$BATS_TEST_TMPDIR/expected" <(what "$BATS_TEST_TMPDIR/cut")
	run_ctl faults decode --no-lookup "$BATS_TEST_TMPDIR/cut"
	expect_status 0
	expect_in "$stderr" "cut: the compressed data is cut short or damaged"
	run_ctl faults decode --no-lookup --strict "$BATS_TEST_TMPDIR/cut"
	expect_status 1
	gzip -c <"$TRACES/v6.dat" >"$BATS_TEST_TMPDIR/v6.dat.gz"
	run_ctl trace stat "$BATS_TEST_TMPDIR/v6.dat.gz"
	expect_status 1
	expect_in "$stderr" "a compressed trace.dat" "hint: unpack it first"
}

@test "what came again is counted, and so is what was left out" {
	local fault='nvme 0000:01:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0002 address=0x12345000 flags=0x0020]'
	[ "$(what - <<-END | jq -r '"\(.kind) \(.device // .lost)"' | uniq -c | sed 's/^ *//'
		Nov 20 10:00:00 h kernel: $fault
		Nov 20 10:00:05 h kernel: message repeated 3 times: [ $fault]
		Nov 20 10:00:06 h kernel: message repeated 2 times: [ [   12.345678] $fault]
		Nov 20 10:00:09 h last message repeated 4 times
		### [PREVIOUS LINE REPEATED 5 TIMES] ###
		Nov 20 10:00:09 h kernel: usb 1-1: new device
		Nov 20 10:00:09 h last message repeated 7 times
		** 23 printk messages dropped ** [   12.345678] $fault
		Nov 20 10:00:09 h systemd-journald[300]: Missed 42 kernel messages
		Nov 20 10:00:09 h rsyslogd[300]: imjournal: 11 messages lost due to rate-limiting (20000 allowed within 600 seconds)
		(XEN) printk: 17 messages suppressed.
		Nov 20 10:00:09 h kernel: AMD-Vi: IOMMU Event log restarting
	END
	)" = "15 fault 0000:01:00.0
1 lost 23
1 fault 0000:01:00.0
1 lost 42
1 lost 11
1 lost 17
1 lost 0" ]
	run_ctl -j trace stat - <<<"Nov 20 10:00:05 h kernel: message repeated 4000000000 times: [ $fault]"
	expect_json '.data[0] | "\(.kinds[0].count) \(.lost)"' "1000 3999999000"
}

@test "faults that are written a register a line, and units that have failed" {
	[ "$(what - <<-'END' | jq -r '"\(.vendor) \(.device) \(.address) \(.code) \(.access) \(.source_id)"'
		<3>[  718.314900][  T803] arm-smmu 15000000.apps-smmu: Unhandled arm-smmu context fault from a600000.dwc3!
		<3>[  718.314994][  T803] arm-smmu 15000000.apps-smmu: FAR    = 0x00000000efe60800
		<3>[  718.315023][  T803] arm-smmu 15000000.apps-smmu: PAR    = 0x0000000000000000
		<3>[  718.315048][  T803] arm-smmu 15000000.apps-smmu: FSR    = 0x40000402 [TF R SS ]
		<3>[  718.315074][  T803] arm-smmu 15000000.apps-smmu: FSYNR0    = 0x5f0003
		<3>[  718.315117][  T803] arm-smmu 15000000.apps-smmu: context bank#    = 0x1b
		<3>[  718.315274][  T803] arm-smmu 15000000.apps-smmu: SID = 0x1140
		arm-smmu-v3 a.smmuv3: device has entered Service Failure Mode!
		arm-smmu-v3 a.smmuv3: EVTQ write aborted -- events may have been lost
		IOMMU: dmar0: Page request without PASID: 0000000000000001 0000000000000002
		(XEN) [VT-D]DMAR:[DMA Read] Request device [0000:00:02.0] fault addr 9d000000
		(XEN) [VT-D]DMAR: reason 06 - PTE Read access is not set
	END
	)" = "smmuv2 a600000.dwc3 0xefe60800 0x40000402 read 0x1140
smmuv3 null null null null null
smmuv3 null null null null null
vt-d null null null null null
vt-d 0000:00:02.0 0x9d000000 0x6 read null" ]
}

@test "units that are not decoded, and other programs' words: counted and named" {
	run_ctl -j trace stat - <<-'END'
		msm_iommu: Unexpected IOMMU page fault!
		DMAR0: pci2:0:0 sid 200 fault acc 0 adt 0x0 reason 0x6 addr 9f800000
		(XEN) AMD-Vi: IO_PAGE_FAULT: DDDD:bb:dd.f d0 addr ffffff???????000 flags 0x8 I
		qemu-system-x86_64: vtd_iommu_translate: detected translation failure (dev=02:00:00, iova=0xdead000)
		@[tracepoint:iommu:map]: 4028
	END
	expect_json '.data[0] | "\(.events) \(.undecoded)"' "0 5"
	expect_in "$(json '.warnings[0].why')" "lines 1, 2, 3, 4, 5"
}

@test "the units of systems on chips" {
	what - >"$BATS_TEST_TMPDIR/out" <<-'END'
		[    7.1] rk_iommu ff460800.iommu: Page fault at 0x00000000fe000000 of type read
		[    7.1] rk_iommu ff460800.iommu: iova = 0x00000000fe000000: dte_index: 0x3f8 pte_index: 0x0 page_offset: 0x0
		[    7.1] rk_iommu ff460800.iommu: mmu_dte_addr: 0x0000000001000000 dte@0x0000000001000fe0: 0x2000001 valid: 1 pte@0x0000000002000000: 0x000000 valid: 0 page@0x0000000000000000 flags: 0x000
		exynos-sysmmu 14650000.sysmmu: 14640000.decon: [WRITE] PAGE FAULT occurred at 0x20000000
		exynos-sysmmu 14650000.sysmmu: PAGE FAULT occurred at 0x20000000 by 14640000.decon(Page table base: 0x5e000000)
		> [    2.918189] exynos-sysmmu 14650000.sysmmu: 14640000.decon: [READ]
		> ACCESS PROTECTION FAULT occurred at 0x20001000
		mtk-iommu 10205000.iommu: fault type=0x5 iova=0x12000 pa=0x0 master=0x1(larb=0 port=2) layer=0 read
		riscv,iommu 3010000.iommu: Fault 15 devid: 0x10 iotval: dead000 iotval2: 0
		apple-dart 231300000.iommu: translation fault: status:0x83000302 stream:3 code:0x302 (NO PTE FOR IOVA) at 0x1234
		sun50i-iommu 30f0000.iommu: Page fault for 0x0000000012345000 (master 1, dir wr)
		ipmmu-vmsa e67b0000.iommu: Unhandled fault: status 0x00002101 iova 0x1000
		omap-iommu 4c001000.mmu: 55080000.mmu: errs:0x00000002 da:0x00001000 pgd:0x00000000deadbeef *pgd:px00000000
		tegra-mc 7000f000.memory-controller: dc0: read @0xfe056b40:
			 EMEM address decode error (SMMU translation error [--S])
		tegra-mc 7000f000.memory-controller: dc0: read @0xfe056b40:
			 Page fault (SMMU translation error [--S])
		tegra-mc 7000f000.memory-controller: dc0: read @0xfe056b40: EMEM address decode error
		qcom-iommu-ctx 1f09000.iommu-ctx: Unhandled context fault: fsr=0x402, iova=0x00000000a0000000, fsynr=0x10, cb=1
		(XEN) smmu: /smmu@fd800000: Unhandled context fault: fsr=0x402, iova=0x8424cb148, fsynr=0xb0001, cb=0
		rk_iommu ff460800.iommu: Enable stall request timed out, status: 0x00004a
	END
	[ "$(jq -r '"\(.vendor) \(.unit) \(.device) \(.source_id) \(.address) \(.access) \(.code) \(.text)"' "$BATS_TEST_TMPDIR/out")" = \
"rockchip ff460800.iommu null null 0xfe000000 read null Page fault
exynos 14650000.sysmmu 14640000.decon null 0x20000000 write null PAGE FAULT
exynos 14650000.sysmmu 14640000.decon null 0x20000000 null null PAGE FAULT
exynos 14650000.sysmmu 14640000.decon null 0x20001000 read null ACCESS PROTECTION FAULT
mediatek 10205000.iommu null null 0x12000 read 0x5 fault
riscv 3010000.iommu null 0x10 0xdead000 null 0xf Fault 15 devid: 0x10 iotval: dead000 iotval2: 0
dart 231300000.iommu null 0x3 0x1234 null 0x302 NO PTE FOR IOVA
sun50i 30f0000.iommu null 0x1 0x12345000 write null Page fault
ipmmu e67b0000.iommu null null 0x1000 null 0x2101 Unhandled fault
omap 4c001000.mmu null null 0x1000 null 0x2 fault
tegra 7000f000.memory-controller null null 0xfe056b40 read null EMEM address decode error (SMMU translation error [--S])
smmuv2 1f09000.iommu-ctx null null 0xa0000000 write 0x402 null
smmuv2 smmu@fd800000 null null 0x8424cb148 read 0x402 null" ]
	run_ctl -j faults decode --no-lookup - <<-'END'
		riscv,iommu 3010000.iommu: Fault 266 devid: 0x10 iotval: dead000 iotval2: 0
		apple-dart 231300000.iommu: translation fault: status:0x80000008 stream:3 code:0x8 (WRITE FAULT) at 0x1234
	END
	expect_json '.data[0].reason.text' "the process directory has no valid entry for the PASID"
	expect_json '.data[1].reason.text' "WRITE FAULT"
	expect_in "$(json '.data[1].meaning')" "mapped for reading only"
}

@test "Xen's words on AMD-Vi" {
	[ "$(what - <<-'END' | jq -r '"\(.device) \(.fault) \(.domain) \(.address) \(.access) \(.flags)"'
		(XEN) AMD-Vi: IO_PAGE_FAULT: domain = 0, device id = 0xa4, fault address = 0xbf695000, flags = 0x20
		(XEN) [2026-11-20 10:00:00] AMD-Vi: IO_PAGE_FAULT: 0000:00:14.0 d0 addr 000000fdf8010140 flags 0x8 I
		(XEN) AMD-Vi: IO_PAGE_FAULT: 0000:c1:00.1 d3 addr 00000000fffb0000
		flags 0x30 RW PR
	END
	)" = "00:14.4 dma 0 0xbf695000 write 0x20
0000:00:14.0 interrupt 0 0xfdf8010140 read 0x8
0000:c1:00.1 dma 3 0xfffb0000 write 0x30" ]
}

@test "an SMMUv3's global error is told once; what an SMMU did not finish; a dump whose beginning was not copied" {
	[ "$(what - <<-'END' | jq -r '"\(.vendor) \(.unit) \(.fault) \(.address) \(.text)"'
		[    1.0] arm-smmu-v3 a.smmuv3: unexpected global error reported (0x00000001), this could be serious
		[    1.0] arm-smmu-v3 a.smmuv3: CMDQ error (cons 0x01000022): Illegal command
		(XEN) SMMUv3: /smmuv3@9050000: event 0x10 received:
		(XEN) SMMUv3: /smmuv3@9050000:  0x0000000800000010
		(XEN) SMMUv3: /smmuv3@9050000:  0x0000008000000000
		(XEN) SMMUv3: /smmuv3@9050000:  0x0000000008090040
		(XEN) SMMUv3: /smmuv3@9050000:  0x0000000000000000
		(XEN) SMMUv3: /soc/iommu@fa000000: CMD_SYNC timeout
		[    2.0] arm-smmu-v3 a.smmuv3: unexpected global error reported (0x00000080), this could be serious
		[    3.0] arm-smmu 15000000.iommu: TLB sync timed out -- SMMU may be deadlocked
		[    4.0] arm-smmu b.smmu: FAR    = 0x00000000dfdf6000
		[    4.0] arm-smmu b.smmu: FSR    = 0x40000402 [TF W SS ]
		[    5.0] arm-smmu-v3 a.smmuv3: event 0x10 received:
		[    5.0] arm-smmu-v3 a.smmuv3: 	0x00000200 00000010
		[    5.0] arm-smmu-v3 a.smmuv3: 	0x0000020000000000
		[    5.0] arm-smmu-v3 a.smmuv3: 	0x00000000ffffe040
		[    5.0] arm-smmu-v3 a.smmuv3: 	0x00000000ffffe000
	END
	)" = "smmuv3 a.smmuv3 command null CMDQ error (cons 0x01000022): Illegal command
smmuv3 smmuv3@9050000 dma 0x8090040 null
smmuv3 soc/iommu@fa000000 invalidation null CMD_SYNC timeout
smmuv3 a.smmuv3 global null unexpected global error reported (0x00000080), this could be serious
smmuv2 15000000.iommu invalidation null TLB sync timed out -- SMMU may be deadlocked
smmuv2 b.smmu dma 0xdfdf6000 null
smmuv3 a.smmuv3 dma 0xffffe040 null" ]
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

@test "VT-d: a reason that a mail wrapped, whole; prose behind a record is none of it" {
	[ "$(what - <<-'END' | jq -r '"\(.device) \(.code) \(.code_doubtful) \(.text)"'
		DMAR: [DMA Read NO_PASID] Request device [00:0d.0] fault addr 0x1234000
		      [fault reason 0x5a]
		      SM: Non-zero reserved field set in PASID Table Entry
		DMAR: [INTR-REMAP] Request device [09:00.0] fault index 3b [fault reason 38]
		Blocked an interrupt request due to
		source-id verification failure
		DMAR: [DMA Write] Request device [02:00.0] fault addr 1000 [fault reason 12]
		and then it hangs.
		DMAR: INTR-REMAP: Request device [[f0:1f.7] fault index 14
		DMAR: [DMA Write] Request device [03:00.0] fault addr 2000 [fault reason 05] PTE Write access is not set
		(XEN) [VT-D]DMAR:[DMA Read]
		Request device [0000:00:02.0] fault addr 9d000000, iommu reg =
		ffff82c00021d000
		(XEN) [VT-D]DMAR: reason 06 -
		PTE Read access is not set
		(XEN) [VT-D]INTR-REMAP: Request device [0000:00:1f.0] fault index 0
		(XEN) [VT-D]INTR-REMAP: reason 25 - Blocked a compatibility format interrupt request
	END
	)" = "00:0d.0 0x5a false SM: Non-zero reserved field set in PASID Table Entry
09:00.0 0x26 false Blocked an interrupt request due to source-id verification failure
02:00.0 0xc true null
f0:1f.7 null false null
03:00.0 0x5 false PTE Write access is not set
0000:00:02.0 0x6 false PTE Read access is not set
0000:00:1f.0 0x25 false Blocked a compatibility format interrupt request" ]
}

@test "VT-d: errors of the invalidation queue, and which device they are about" {
	[ "$(what - <<-'END' | jq -r '"\(.device) \(.source_id) \(.fault) \(.text)"'
		DMAR: [INTR-REMAP] Request device [42:00.1] fault index b0
		DMAR: VT-d detected Invalidation Queue Error: Reason f
		DMAR: VT-d detected Invalidation Time-out Error: SID ffff
		DMAR: QI HEAD: UNKNOWN qw0 = 0x0, qw1 = 0x0
		DMAR: Invalidation Time-out Error (ITE) cleared
		[  147.069016] DMAR: VT-d detected Invalidation Time-out Error: SID 0
		[  147.069016] DMAR: DRHD: handling fault status reg 40
		[  147.080924] DMAR: QI HEAD: Invalidation Wait qw0 = 0x200000025, qw1 = 0x10005f634
		[  147.090207] DMAR: QI PRIOR: Device-TLB Invalidation qw0 = 0xaf0300100003, qw1 = 0x7ffffffffffff001
		[  148.069016] DMAR: DRHD: handling fault status reg 20
		[  148.069017] DMAR: VT-d detected Invalidation Completion Error: SID 300
		[  200.000001] DMAR: DRHD: handling fault status reg ffffffff
	END
	)" = "42:00.1 null interrupt null
null null command Invalidation Queue Error: Reason f
null null invalidation Invalidation Time-out Error: SID ffff
af:00.3 0xaf03 invalidation Invalidation Time-out Error: SID 0
03:00.0 0x300 invalidation Invalidation Completion Error: SID 300
null null global handling fault status reg ffffffff" ]
	# before 5.16 there is nothing else
	[ "$(what - <<-'END' | jq -r '"\(.vendor) \(.fault) \(.text)"'
		[  147.069016] dmar: DRHD: handling fault status reg 40
		[  148.069016] dmar: DRHD: handling fault status reg 40
		[  149.069016] dmar: DRHD: handling fault status reg 400
	END
	)" = "vt-d invalidation handling fault status reg 40
vt-d invalidation handling fault status reg 40" ]
}

@test "a line of a trace that ends in '=' is no half of one" {
	[ "$(what - <<-'END' | jq -r '"\(.kind) \(.task) \(.address) \(.size) \(.at.line)"'
		   kworker/u64:0-12      [011] .....   327.747763: dma_free: 0000:c2:00.0
		dma_addr=fe980000 size=524288 virt_addr=000000006cadbcb1 attrs=
		   kworker/u64:0-12      [011] .....   327.747766: unmap: IOMMU: iova=0x00000000fe980000 -
		0x00000000fea00000 size=524288 unmapped_size=524288
	END
	)" = "unmap kworker/u64:0 0xfe980000 524288 null" ]
}

@test "the name of an event is no event" {
	run_ctl -j trace stat - <<-'END'
		`AMD-Vi: Event logged [IO_PAGE_FAULT]` is what such a machine says when it fails.
	END
	expect_json '.data[0] | "\(.events) \(.undecoded)"' "0 1"
	# but for what somebody has typed
	[ "$(what - <<<'`AMD-Vi: Event logged [IOTLB_INV_TIMEOUT] device=06:00.0 address=0x798e0840` (many of them)' |
		jq -r '"\(.device) \(.address) \(.text)"')" = "06:00.0 0x798e0840 IOTLB_INV_TIMEOUT" ]
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
		"           dd-59     0d..1.     2.127901: map: " # trace-cmd report -l
		"           dd-59     0X..a.     2.127901: map: "
		"           dd-59   [000]     2.127901: (+47276) map: " # --ts-diff
		"more:               dd-59    [000]     2.127901: map: " # of several buffers, or files
		"           dd-59   [000]     2.127901000: map: " # -t
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

@test "an event of a trace whose fields are told by name" {
	local rest line
	local -a fields=(
		"iova=0x100000000 (4294967296) paddr=0x123450000 (4886691840) size=0x1000 (4096)" # trace_options "fields"
		"iova=0x0000000100000000 paddr=0x0000000123450000 size=4096" # trace-cmd report -R
		"iova=4294967296 paddr=4886691840 size=0x1000"
		"[FAILED TO PARSE] iova=4294967296 paddr=4886691840 size=4096"
	)
	for rest in "${fields[@]}"; do
		[ "$(what - <<<"              dd-59      [000] d..1.     2.127901: map: $rest" | jq -r '"\(.kind) \(.address) \(.physical) \(.size)"')" = \
			"map 0x100000000 0x123450000 4096" ]
	done
	for line in "dd    59     2.127901: iommu:map: IOMMU: iova=0x0000000100000000 - 0x0000000100001000 paddr=0x0000000123450000 size=4096" \
		"     0.000 dd/59 iommu:map(iova: 4294967296, paddr: 4886691840, size: 4096)" \
		"[10:00:00.123456789] (+0.000001) host iommu:map: { cpu_id = 0 }, { iova = 4294967296, paddr = 4886691840, size = 4096 }"; do
		[ "$(what - <<<"$line" | jq -r '"\(.kind) \(.address) \(.physical) \(.size)"')" = "map 0x100000000 0x123450000 4096" ]
	done
	[ "$(what - <<-'END' | jq -r '"\(.kind) \(.device) \(.driver) \(.address) \(.domain) \(.group) \(.prgi)"'
		              dd-59      [000] d..1.     2.127901: io_page_fault: device=0000:05:00.0 driver=nvme iova=0x1234 (4660) flags=0x1 (1)
		              dd-59      [000] d..1.     2.127901: qi_submit: qw0=0x900f2 (590066) qw1=0xf0000000 (4026531840) qw2=0x0 (0) qw3=0x0 (0) iommu=dmar0
		              dd-59      [000] d..1.     2.127901: add_device_to_group: gid=0x3 (3) device=0000:05:00.0
		             irq-59      [000]     2.127901: prq_report: [FAILED TO PARSE] dw0=0x50000000050001 dw1=0x559ef6f9f00f dw2=0x0 dw3=0x0 seq=1 iommu=dmar0 dev=0000:00:0a.0 buff=
	END
	)" = "fault 0000:05:00.0 nvme 0x1234 null null null
invalidate null null 0xf0000000 9 null null
group-add 0000:05:00.0 null null null 3 null
page-request 0000:00:0a.0 null 0x559ef6f9f000 null null 1" ]
}
