#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# owner list, check and trace --read, on machines that were captured in the lab and on trees made from them.
load lib

setup() {
	SRC=${BATS_TEST_DIRNAME%/tests/cli}
	hosts=$SRC/tests/hosts
	tree=$BATS_TEST_TMPDIR/m
}

# unpack SNAPSHOT: into $tree
unpack() {
	mkdir -p "$tree"
	tar -C "$tree" -xf "$hosts/$1.snap"
}

# section FILTER: changes the ownership section of $tree
section() {
	jq -c "$1" "$tree/iommuctl/ownership.json" >"$BATS_TEST_TMPDIR/new"
	mv "$BATS_TEST_TMPDIR/new" "$tree/iommuctl/ownership.json"
}

@test "list: counts, what is expected, owner and domain" {
	run_ctl --from "$hosts/vtd.snap" owner list -j
	expect_status 0
	expect_json '[.data[] | select(.owner_cnt != .expected)] | length' 0
	expect_json '[.data[] | select(.devices[].device == "0000:05:00.0") | .owner_cnt, .owner, .domain.driver] | tostring' '[2,"dma-api","intel_iommu_ops"]'
	run_ctl --from "$hosts/vtd.snap" owner list -o group,owner_cnt,devices.device --noheadings
	expect_in "$output" "13 2 0000:05:00.0"
}

@test "check: all in order is 0 and one line" {
	run_ctl --from "$hosts/vtd.snap" owner check
	expect_status 0
	[ "$output" = "15 of 15 groups as expected" ]
	[ -z "$stderr" ]
	run_ctl --from "$hosts/vtd.snap" owner check 13
	expect_status 0
	expect_in "$output" "group 13: as-expected: owner_cnt is 2, as expected: 2 devices are on drivers that use the DMA API"
}

@test "check: a leak is 3, with the cause named once for all of them" {
	run_ctl --from "$hosts/vtd-leak.snap" owner check
	expect_status 3
	[ "$(grep -c 'the cause: this kernel is built with CONFIG_DEBUG_TEST_DRIVER_REMOVE' <<<"$output")" -eq 1 ]
	run_ctl --from "$hosts/vtd-leak.snap" owner check -j
	expect_status 3
	# those that had a driver of the DMA API, now or before it was moved to vfio-pci
	expect_json '[.data[] | select(.verdict == "surplus") | .group] | tostring' '[4,7,8,10,12,13,14]'
	expect_json '[.data[] | select(.verdict == "surplus") | .reasons[] | select(.code == "test-driver-remove")] | length > 3' true
}

@test "doctor speaks of a leak, and of the command to go on with" {
	run_ctl --from "$hosts/vtd-leak.snap" doctor
	expect_status 3
	expect_in "$output" "more owners than anything accounts for" "iommuctl owner check "
	run_ctl --from "$hosts/vtd.snap" doctor
	expect_not_in "$output" "more owners than anything accounts for"
}

@test "check: one group with a leak, by a device" {
	run_ctl --from "$hosts/vtd-leak.snap" owner check 0000:01:00.0
	expect_status 3
	expect_in "$output" "surplus: owner_cnt is 1 where 0 is expected" "seen in /proc/kcore: iommu_group.owner_cnt = 1" \
		"there is a way without a reboot" "echo 1 > /sys/bus/pci/devices/0000:01:00.0/remove"
}

@test "check: a deficit is no as well" {
	unpack vtd
	section '(.groups[] | select(.id == 13) | .owner_cnt) = 0'
	run_ctl --from "$tree" owner check 13
	expect_status 3
	expect_in "$output" "deficit: owner_cnt is 0 where 2 is expected"
}

@test "check: several answers give 3 before 7 before 6 before 0" {
	unpack vtd-leak
	section '(.groups[] | select(.id == 0) | .problem) = "it changed while it was read"'
	run_ctl --from "$tree" owner check 0
	expect_status 6
	expect_in "$output" "unknown: owner_cnt is not known, 0 is expected: it changed while it was read"
	run_ctl --from "$tree" owner check 0 1
	expect_status 6
	run_ctl --from "$tree" owner check 0 1 10
	expect_status 3
}

@test "what could not be read is said, and what drivers tell is shown" {
	unpack vtd
	section '.groups = null | .domains = [] | .obstacles = [{"code":"kcore-root","errno":13,"what":"/proc/kcore","why":"only root may open it","hint":"run this as root"}]'
	run_ctl --from "$tree" owner check
	expect_status 7
	expect_in "$stderr" "owner counts: /proc/kcore: only root may open it" "hint: run this as root"
	run_ctl --from "$tree" owner list -j
	expect_status 0
	expect_json '[.data[] | select(.group == 13) | .owner_cnt, .expected, .verdict] | tostring' '[null,2,"unknown"]'
	expect_json '[.warnings[].code] | tostring' '["kcore-root"]'
	rm "$tree/iommuctl/ownership.json"
	run_ctl --from "$tree" owner check
	expect_status 6
	expect_in "$stderr" "owner counts: not captured in this snapshot"
}

@test "a section that is rubbish is said, and nothing is made of it" {
	unpack vtd
	for bad in '{"version":1,"groups":[{"id":13,"owner":7}]}' '{"version":9}' '[]' 'x'; do
		printf '%s' "$bad" >"$tree/iommuctl/ownership.json"
		run_ctl --from "$tree" owner list -j
		expect_status 0
		expect_json '[.data[].owner_cnt] | unique | tostring' '[null]'
		expect_json '[.warnings[].code] | index("bad-section") != null' true
	done
}

# objects: a section with one context: two page tables on an address space, a device on the second
objects() {
	cat >"$tree/iommuctl/iommufd.json" <<-'EOF'
	{"version":1,"contexts":[{"complete":true,"problem":null,"holders":[{"pid":42,"command":"qemu","fd":3,"what":"iommufd","device":null}],
	"objects":[{"id":1,"type":"ioas","users":3},{"id":2,"type":"device","users":3,"hwpt":4,"device":"0000:05:00.0","group":13,"attached":true},
	{"id":3,"type":"hwpt-paging","users":1,"ioas":1,"automatic":false,"domain":{"type":"unmanaged"}},
	{"id":4,"type":"hwpt-paging","users":2,"ioas":1,"automatic":true,"domain":{"type":"unmanaged"},"groups":[13]}]}],"obstacles":[]}
	EOF
}

@test "objects: a tree of what hangs on what; the same as a list" {
	unpack vtd
	objects
	run_ctl --from "$tree" owner objects
	expect_status 0
	[ "$(sed 's/ .*//' <<<"${lines[0]}")" = OBJECT ]
	expect_in "$output" "ioas 1" "hwpt-paging 4" "0000:05:00.0" "qemu (pid 42)"
	run_ctl --from "$tree" owner objects -j
	expect_json '[.data[] | [.node, .parent]] | tostring' '[["iommufd 1",null],["ioas 1","iommufd 1"],["hwpt-paging 3","ioas 1"],["hwpt-paging 4","ioas 1"],["device 2","hwpt-paging 4"]]'
	expect_json '.data[3] | [.users, .automatic, .groups[0].group, .domain.type] | tostring' '[2,true,13,"unmanaged"]'
	run_ctl --from "$tree" owner objects -p 42 -o node --noheadings
	[ "${#lines[@]}" -eq 5 ]
	run_ctl --from "$tree" owner objects -p 43
	expect_status 0
	[ "$output" = "process 43 has no iommufd open" ]
	run_ctl --from "$tree" owner objects -p x
	expect_status 2
}

@test "objects: of this machine: they are there, or what stands in the way is said" {
	run_ctl owner objects -j
	# no-objects would be a program that does not look at all
	expect_json '[.errors[].code] | index("no-objects")' null
	[ "$status" -eq 0 ] || expect_json '.errors | length > 0' true
}

@test "objects: what hangs on itself, or in a ring, is shown once" {
	unpack vtd
	objects
	sed -i 's/"id":3,"type":"hwpt-paging","users":1,"ioas":1/"id":3,"type":"hwpt-paging","users":1,"hwpt":4/; s/"id":4,"type":"hwpt-paging","users":2,"ioas":1/"id":4,"type":"hwpt-paging","users":2,"hwpt":3/; s/"id":1,"type":"ioas"/"id":1,"type":"ioas","ioas":1/' \
		"$tree/iommuctl/iommufd.json"
	run_ctl --from "$tree" owner objects -j
	expect_status 0
	expect_json '[.data[].node] | sort | tostring' '["device 2","hwpt-paging 3","hwpt-paging 4","ioas 1","iommufd 1"]'
}

@test "objects: missing, unreadable and not captured are three answers" {
	unpack vtd
	rm -f "$tree/iommuctl/iommufd.json"
	run_ctl --from "$tree" owner objects
	expect_status 6
	expect_in "$stderr" "objects of iommufd: not captured in this snapshot" "hint: snapshot save takes them along"
	echo '{"version":1,"contexts":[],"obstacles":[]}' >"$tree/iommuctl/iommufd.json"
	run_ctl --from "$tree" owner objects
	expect_status 0
	[ "$output" = "nobody has an iommufd open" ]
	echo '{"version":1,"contexts":null,"obstacles":[{"code":"kcore-root","errno":13,"what":"/proc/kcore","why":"only root may open it","hint":"run this as root"}]}' >"$tree/iommuctl/iommufd.json"
	run_ctl --from "$tree" owner objects
	expect_status 7
	expect_in "$stderr" "objects: /proc/kcore: only root may open it" "hint: run this as root"
	echo '{"version":1,"contexts":[{"complete":false,"problem":"its objects changed","holders":[]}],"obstacles":[]}' >"$tree/iommuctl/iommufd.json"
	run_ctl --from "$tree" owner objects -j
	expect_status 0
	expect_json '[.warnings[].code] | tostring' '["objects-unknown","processes-unseen"]'
	expect_json '.data[0].processes' null
	for bad in '{"version":9}' '[]' 'x' '{"version":1,"contexts":[{"objects":[{"id":1}]}]}'; do
		printf '%s' "$bad" >"$tree/iommuctl/iommufd.json"
		run_ctl --from "$tree" owner objects -j
		[ "$status" -eq 1 ]
		expect_json '[.warnings[].code] | index("bad-section") != null' true
	done
}

@test "trace --read: a leak as a kernel with it printed it" {
	run_ctl owner trace --read "$SRC/tests/traces/owner-leak.txt"
	expect_status 0
	expect_in "$output" "0000:01:00.0 (group 10): 2 taken, 2 given back (1 from before): 1 remains, 1 of it surplus" \
		"surplus: use at "
	run_ctl -j owner trace 10 --read "$SRC/tests/traces/owner-leak.txt"
	expect_json '[.data[0].entries[].call] | tostring' '["unuse","use","use","unuse"]'
	expect_json '[.data[0].entries[].surplus] | tostring' '[false,true,false,false]'
	expect_json '.data[0].entries[1].stack[0]' really_probe
	run_ctl -j owner trace 11 --read "$SRC/tests/traces/owner-leak.txt"
	expect_json '.data | length' 0
	run_ctl owner trace --read - <"$SRC/tests/traces/owner-leak.txt"
	expect_in "$output" "1 of it surplus"
}

@test "trace: what does not fit together" {
	run_ctl owner trace --read /nosuch
	expect_status 1
	expect_in "$stderr" "/nosuch: No such file or directory"
	run_ctl owner trace -d 0
	expect_status 2
	run_ctl owner trace -d 1 -- true
	expect_status 2
	run_ctl owner trace --read "$SRC/tests/traces/owner-leak.txt" -- true
	expect_status 2
	run_ctl --from "$hosts/vtd.snap" owner trace -d 1
	expect_status 2
	expect_in "$stderr" "watches the running machine, not a snapshot"
	run_ctl owner trace --read "$SRC/tests/traces/vtd.txt"
	expect_status 0
	expect_in "$stderr" "lines are no event of owner trace"
}
