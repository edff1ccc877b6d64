#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# report: one archive that every reading command takes, and one page made of it.
load lib

setup() {
	SRC=${BATS_TEST_DIRNAME%/tests/cli}
	hosts=$SRC/tests/hosts
	r=$BATS_TEST_TMPDIR/r
}

@test "the archive answers as the machine did, the page names the groups in question" {
	run_ctl --from "$hosts/vtd-leak.snap" report "$r" --note "EPERM from QEMU" -j
	expect_status 0
	expect_json '.schema' iommuctl.report/1
	expect_json '.data[0] | [.file, .page, .host] | tostring' "[\"$r\",\"$r.txt\",\"lab\"]"
	expect_json '[.data[0].groups[] | select(.group == 10) | .verdict] | tostring' '["blocked"]'
	page=$(<"$r.txt")
	expect_in "$page" "iommuctl report of lab" "EPERM from QEMU" "GROUP 10" "owner_cnt is 1 where 0 is" "CONFIG_DEBUG_TEST_DRIVER_REMOVE=y" \
		"0000:01:00.0 8086:10d3 (network), driver vfio-pci" "DMAR: dmar0"
	# a page: what many groups have in common is said once
	[ "$(wc -l <"$r.txt")" -lt 100 ]
	[ "$(grep -c f429378a9bf8 "$r.txt")" -eq 1 ]
	for c in "owner list" "group check 10" "group list" "doctor" "faults decode"; do
		# shellcheck disable=SC2086
		run_ctl --from "$hosts/vtd-leak.snap" $c -j
		was=$(jq -c .data <<<"$output") code=$status
		# shellcheck disable=SC2086
		run_ctl --from "$r" $c -j
		expect_status "$code"
		[ "$(jq -c .data <<<"$output")" = "$was" ]
	done
}

@test "snapshot info reads it, with the note; the page is inside too" {
	run_ctl --from "$hosts/vtd.snap" report "$r" --note "it
does not work"
	expect_status 0
	run_ctl snapshot info "$r" -j
	expect_json '.data[0] | [.kind, .host] | tostring' '["snapshot","lab"]'
	expect_json '.data[0].note' $'it\ndoes not work'
	mkdir "$BATS_TEST_TMPDIR/t"
	tar -C "$BATS_TEST_TMPDIR/t" -xf "$r"
	diff "$BATS_TEST_TMPDIR/t/iommuctl/report.txt" "$r.txt"
	run_ctl snapshot info "$hosts/vtd.snap" -j
	expect_json '.data[0].note' null
}

@test "a group by number or device; one that is none writes nothing" {
	run_ctl --from "$hosts/vtd.snap" report "$r" --group 13,0000:01:00.0 -j
	expect_status 0
	expect_json '[.data[0].groups[].group] | tostring' '[13,10]'
	grep -q '^GROUP 13$' "$r.txt"
	run_ctl --from "$hosts/vtd.snap" report "$r.2" --group 99
	[ "$status" -ne 0 ]
	expect_in "$stderr" 99
	[ ! -e "$r.2" ]
	[ ! -e "$r.2.txt" ]
}

@test "nothing odd: says so" {
	run_ctl --from "$hosts/noiommu.snap" report "$r"
	expect_status 0
	expect_in "$(<"$r.txt")" "no IOMMU" "none of the 0 groups"
}

@test "private data is in neither, unless --full" {
	mkdir -p "$BATS_TEST_TMPDIR/t"
	tar -C "$BATS_TEST_TMPDIR/t" -xf "$hosts/vtd.snap"
	rm "$BATS_TEST_TMPDIR/t/iommuctl/manifest.json"
	cat >"$BATS_TEST_TMPDIR/t/iommuctl/kmsg.json" <<-'EOF'
	{"complete":true,"lines":[{"usec":1,"level":6,"text":"vfio-pci 0000:01:00.0: mac 52:54:00:12:34:56"},{"usec":2,"level":6,"text":"secret thing"}]}
	EOF
	echo "root=/dev/sda1 intel_iommu=on password=hunter2" >"$BATS_TEST_TMPDIR/t/proc/cmdline"
	run_ctl --from "$BATS_TEST_TMPDIR/t" report "$r"
	expect_status 0
	tar -xOf "$r" >"$BATS_TEST_TMPDIR/all"
	for w in 52:54:00:12:34:56 hunter2 'secret thing'; do
		run grep -aF "$w" "$r.txt" "$BATS_TEST_TMPDIR/all"
		[ "$status" -eq 1 ]
	done
	run_ctl --from "$BATS_TEST_TMPDIR/t" report "$r" --full
	expect_status 0
	grep -q 52:54:00:12:34:56 "$r.txt"
}

@test "what is there and no report is left alone; -, a folder, a full disk are said" {
	echo mine >"$r.txt"
	run_ctl --from "$hosts/vtd.snap" report "$r"
	expect_status 5
	expect_in "$stderr" "it exists and is no page of a report"
	[ "$(<"$r.txt")" = mine ]
	[ ! -e "$r" ]
	run_ctl --from "$hosts/vtd.snap" report "$r" --force
	expect_status 0
	run_ctl --from "$hosts/vtd.snap" report "$r"
	expect_status 0
	echo mine >"$r"
	run_ctl --from "$hosts/vtd.snap" report "$r"
	expect_status 5
	run_ctl --from "$hosts/vtd.snap" report -
	expect_status 2
	run_ctl --from "$hosts/vtd.snap" report "$BATS_TEST_TMPDIR"
	expect_status 1
	run_ctl --from "$hosts/vtd.snap" report /dev/full
	[ "$status" -ne 0 ]
	run_ctl --from "$hosts/vtd.snap" report "$BATS_TEST_TMPDIR/none/r"
	expect_status 1
}
