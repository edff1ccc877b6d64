#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# group explain: the picture, the sentences and the record; who can read what; wrong arguments.
load lib

setup() {
	M=$BATS_TEST_TMPDIR/m
	machine "$M" <<-'END'
		0000:00:03.0 type=root-port acs=1d/1d group=1 driver=pcieport
		0000:00:03.0/0000:01:00.0 group=2 driver=nvme class=010802
		0000:00:06.0 type=root-port group=4 driver=pcieport
		0000:00:06.0/0000:04:00.0 group=4 driver=e1000e
		0000:00:07.0 type=root-port acs=1f/11 group=5 driver=pcieport
		0000:00:07.0/0000:05:00.0 type=upstream group=5 driver=pcieport
		0000:00:07.0/0000:05:00.0/0000:06:00.0 type=downstream acs=1d/1d group=5 driver=pcieport
		0000:00:07.0/0000:05:00.0/0000:06:00.0/0000:07:00.0 multi group=5
		0000:00:07.0/0000:05:00.0/0000:06:00.0/0000:07:00.1 multi group=5
		0000:00:08.0 type=root-port group=8 driver=pcieport
		0000:00:08.0/0000:09:00.0 group=9
		0000:00:1f.0 type=pci multi group=10 class=060100
		0000:00:1f.3 type=pci multi group=10
		0000:00:02.0 class=060000
		other platform sys/devices/platform/a.gpu group=12 driver=panfrost
		other platform sys/devices/platform/b.vpu group=12
	END
}

explain() {
	run_ctl --from "$M" group explain "$@"
}

@test "a root port without ACS: picture, reason, remedies with the unsafe one last" {
	explain 4
	expect_status 0
	[ -z "$stderr" ]
	[ "${lines[0]}" = "2 devices share group 4 because root port 0000:00:06.0 has no ACS capability." ]
	expect_in "$output" \
		"└─ 0000:00:06.0     root port, no ACS, group 4" \
		"   └─ 0000:04:00.0  endpoint, group 4" \
		"0000:04:00.0 is behind root port 0000:00:06.0, which has no ACS capability; so it joins that port's group." \
		"every port on the way up"
	[[ ${lines[-1]} == *"unsafe: "*"pcie_acs_override=downstream."* ]]
}

@test "bits that are off are named, and the kernel parameter that turns them on" {
	explain 0000:06:00.0
	expect_status 0
	expect_in "$output" "ACS SV UF, off RR CR" "has ACS with SV UF on but RR CR off" \
		"pci=config_acs=11xx@0000:00:07.0"
}

@test "the record has the hops, the path and the evidence" {
	explain -j 0000:07:00.1
	expect_status 0
	expect_json '.schema' iommuctl.group.explain/1
	expect_json '.data | length' 1
	expect_json '.data[0].devices[0].device' 0000:07:00.1
	expect_json '.data[0].devices | length' 5
	expect_json '.data[0].hops | length' 4
	expect_json '.data[0].hops[0] | [.a, .b, .kind, .port, .port_type, .acs_cap, .acs_ctrl, (.missing | join("+"))] | join(" ")' \
		"0000:07:00.1 0000:06:00.0 acs-missing 0000:00:07.0 root port 0x1f 0x11 RR+CR"
	expect_json '.data[0].hops[0].file' /sys/bus/pci/devices/0000:00:07.0/config
	expect_json '.data[0].path | map(.device) | join(" ")' \
		"0000:00:07.0 0000:05:00.0 0000:06:00.0 0000:07:00.0 0000:07:00.1"
	expect_json '.data[0].explained' true
	expect_json '[.data[0].remedies[] | .unsafe] | . == sort' true
}

@test "a device alone in its group, and the same by device" {
	explain 2
	expect_status 0
	expect_in "${lines[0]}" "Group 2 has one device, 0000:01:00.0" "Every port above it isolates."
	expect_in "$output" "root port, ACS SV RR CR UF, group 1"
	expect_not_in "$output" "Why" "unsafe"
	local by_group=$output
	explain 01:00.0
	[ "$output" = "$by_group" ]
}

@test "functions of a chipset slot, and devices of another bus" {
	explain 10
	expect_in "$output" "the functions of slot 0000:00:1f have no ACS between them" "part of the chipset"
	explain 12
	expect_in "$output" "a.gpu" "b.vpu (platform)" "not visible from user space"
	explain -j 12
	expect_json '.data[0].hops[0].kind' non-pci
	expect_json '.data[0].explained' false
}

@test "apart though the rule says otherwise: a note, and the override on the command line a warning" {
	explain 9
	expect_in "$output" "note: By config space, 0000:09:00.0 would be in group 8" "quirk"
	put "$M/proc/cmdline" "ro pcie_acs_override=downstream,multifunction"
	explain 9
	expect_in "$output" "warning: pcie_acs_override=" "pcie_acs_override=downstream,multifunction"
	explain -j 9
	expect_json '[.data[0].warnings[].code] | join(" ")' "kept-apart acs-override"
	put "$M/proc/cmdline" "ro pci=config_acs=10x@pci:0:0"
	explain -j 4
	expect_json '[.data[0].warnings[].code] | join(" ")' acs-configured
}

@test "what an ordinary user reads is not taken for an absence" {
	for f in "$M"/sys/devices/pci0000:00/0000:00:06.0/config "$M"/sys/devices/pci0000:00/0000:00:06.0/*/config; do
		truncate -s 64 "$f"
	done
	explain 4
	expect_status 0
	expect_in "$output" "ACS unknown (needs root)" "only the first 64 bytes could be read" "as root"
	expect_not_in "$output" "no ACS capability" "unsafe"
	explain -j 4
	expect_json '.data[0].explained' null
	expect_json '.data[0].hops[0].kind' unreadable
	rm "$M"/sys/devices/pci0000:00/0000:00:06.0/config
	explain -j 4
	expect_json '.data[0].hops[0].kind' not-captured
	: >"$M/sys/devices/pci0000:00/0000:00:06.0/config"
	explain -j 4
	expect_json '.data[0].hops[0].kind' unreadable
}

@test "names that would write on the terminal are escaped" {
	machine "$BATS_TEST_TMPDIR/evil" <<-END
		other platform sys/devices/platform/a$'\e'[31m.gpu group=12
		other platform sys/devices/platform/b.vpu group=12
	END
	run_ctl --from "$BATS_TEST_TMPDIR/evil" group explain 12
	expect_status 0
	expect_not_in "$output" $'\e'
}

@test "narrow, without UTF-8, and in colour on a terminal" {
	LC_ALL=C explain 4
	expect_status 0
	expect_in "$output" '`- 0000:00:06.0' '`- 0000:04:00.0'
	expect_not_in "$output" "└"
	run_tty 40 --from "$M" group explain 4
	expect_status 0
	expect_in "$output" $'\e['
	local plain
	plain=$(sed 's/\x1b\[[0-9;]*m//g' <<<"$output")
	[ "$(wc -L <<<"$plain")" -le 40 ]
}

@test "a line of the tree that is wrapped goes on beside its branches" {
	local plain
	run_tty 60 --demo group explain 10
	expect_status 0
	plain=$(sed 's/\x1b\[[0-9;]*m//g' <<<"$output")
	[[ $(grep -A1 '├─ 0000:05:00.0' <<<"$plain" | tail -n 1) == '        │  '[0-9A-Za-z]* ]]
	[[ $(grep -A1 '└─ 0000:05:00.1' <<<"$plain" | tail -n 1) == '           '[0-9A-Za-z]* ]]
	LC_ALL=C run_tty 60 --demo group tree
	[[ $(grep -A1 '|-0000:01:00.0' <<<"$output" | tail -n 1) == '| |   '[A-Z]* ]]
}

@test "what there is not" {
	explain
	expect_status 2
	explain 4 5
	expect_status 2
	explain 99
	expect_status 1
	expect_in "$stderr" "99"
	explain 0000:00:02.0
	expect_status 6
	explain 0000:77:00.0
	expect_status 1
	[ -z "$output" ]
	explain -j 99
	expect_status 1
	expect_json '.data | length' 0
	expect_json '.schema' iommuctl.group.explain/1
}

# The sample machine was captured with the groups that a kernel had made; its devices have no quirks.
@test "every group of the sample machine is explained, and none differs from the rule" {
	local n=0 g kinds=''
	for g in $("$IOMMUCTL" --from demo -j group list | jq '.data[].group'); do
		run_ctl --from demo -j group explain "$g"
		expect_status 0
		expect_json '.data[0].explained' true
		expect_json '.data[0].warnings | length' 0
		expect_json '.data[0] | (.hops | length) + 1 == (.devices | length)' true
		kinds+=" $(json '[.data[0].hops[].kind] | join(" ")')"
		n=$((n + 1))
	done
	[ "$n" -gt 10 ]
	expect_in "$kinds" acs-missing multifunction
}
