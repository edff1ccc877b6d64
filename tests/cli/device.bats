#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# device list and show.
load lib

setup() {
	M=$BATS_TEST_TMPDIR/m
	machine "$M" <<-'END'
		0000:00:01.0 type=root-port acs=1d/1d group=1 driver=pcieport
		0000:00:01.0/0000:01:00.0 multi group=2 driver=e1000e
		0000:00:01.0/0000:01:00.1 multi group=3 class=0c0330 driver=xhci_hcd
		0000:02:00.0 group=4 class=010802 id=144d:a808 driver=nvme
		0000:02:00.1 group=5 class=010802 id=144d:a808
		10000:e1:00.0 class=010802 driver=nvme
		other fsl-mc sys/devices/platform/soc/dprc.2 group=9 driver=fsl_mc_dprc
	END
	D=$M/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0
}

# eth0: puts that interface on 0000:01:00.0
eth0() {
	mkdir -p "$D/net/eth0"
	link "$M/sys/class/net/eth0" ../../devices/pci0000:00/0000:00:01.0/0000:01:00.0/net/eth0
}

list() {
	run_ctl --from "$M" device list "$@"
}

names() {
	list --noheadings --raw -o device "$@"
	expect_status 0
	echo "${output//$'\n'/ }"
}

# hint NAME: what is said to who names a device so
hint() {
	run_ctl --demo device show "$1"
	expect_status 1
	sed -n 's/^hint: //p' <<<"$stderr"
}

@test "a device that is named otherwise is named rightly in the hint" {
	[ "$(hint enp3s0f1)" = "it is a network interface: net:enp3s0f1" ]
	[ "$(hint /dev/nvme0n1)" = 'did you mean "0000:02:00.0"?' ]
	[ "$(hint /sys/bus/pci/devices/0000:03:00.0)" = 'did you mean "0000:03:00.0"?' ]
	[ "$(hint 03:00)" = "a function is missing behind it: 0000:03:00.0, 0000:03:00.1" ]
	[ "$(hint 0000:03:00)" = "a function is missing behind it: 0000:03:00.0, 0000:03:00.1" ]
	[ "$(hint 8086:10d3)" = "by its ids a device is named id:8086:10d3" ]
	[ "$(hint dmar0)" = "it is an IOMMU: iommuctl iommu show dmar0" ]
	local n
	for n in nosuch 10de:2204 0000:99:00 .. /dev/ "" 03:00.7; do
		[ "$(hint "$n")" = "iommuctl device list shows them" ]
	done
	for n in "nosuch: no such interface on this machine" ": the name is empty" "..: no such interface on this machine"; do
		[ "$(hint "net:${n%%: *}")" = "iommuctl device list -o +netdevs shows them" ]
		run_ctl --demo device show "net:${n%%: *}"
		expect_in "$stderr" "network interface $n"
	done
}

@test "all devices: PCI by address, then other buses" {
	[ "$(names)" = "0000:00:01.0 0000:01:00.0 0000:01:00.1 0000:02:00.0 0000:02:00.1 10000:e1:00.0 dprc.2" ]
	list
	expect_status 0
	expect_in "${lines[0]}" "DEVICE*CLASS*DRIVER*GROUP*UNIT*VERDICT*NAME"
	expect_in "$output" "0000:02:00.0*storage*nvme*4*needs-bind*" "dprc.2*fsl_mc_dprc*9*needs-bind"
}

@test "JSON: ids as hex, null for what is not there" {
	list -j
	expect_status 0
	expect_json '.schema' iommuctl.device.list/1
	expect_json '.data[3] | .vendor + ":" + .device_id + " " + .class_code' "0x144d:0xa808 0x10802"
	expect_json '.data[5] | .group' null
	expect_json '.data[5] | .verdict' null
	expect_json '.data[6] | .vendor' null
	expect_json '.data[4] | .driver' null
	expect_json '.data[0] | has("reset_methods")' false
}

@test "filters" {
	[ "$(names --class storage)" = "0000:02:00.0 0000:02:00.1 10000:e1:00.0" ]
	[ "$(names --class storage --driver none)" = 0000:02:00.1 ]
	[ "$(names --group 3)" = 0000:01:00.1 ]
	[ "$(names --group 0000:02:00.0)" = 0000:02:00.0 ]
	[ "$(names --viable)" = "0000:00:01.0 0000:02:00.1" ]
	list --group 99
	expect_status 1
	list --viable --not-viable
	expect_status 2
}

@test "dear columns come when they are named" {
	put "$D/reset_method" "flr bus"
	put "$D/driver_override" vfio-pci
	eth0
	list -j -o +reset_methods,override,netdevs,reset_set,pcie,acs,holders
	expect_status 0
	expect_json '.data[1] | [.reset_methods[], .override, .netdevs[], .reset_set[], .pcie] | join(" ")' \
		"flr bus vfio-pci eth0 0000:01:00.1 endpoint"
	expect_json '.data[0] | .acs' "SV RR CR UF"
	expect_json '.data[1] | .holders | length' 0
	expect_json '.data[3] | .override' null
	expect_json '.data[0] | has("vfs")' false
}

@test "show: one device in full" {
	put "$D/reset_method" "flr bus"
	put "$D/power/runtime_status" active
	put "$D/numa_node" 1
	put "$D/driver_override" "(null)"
	eth0
	run_ctl --from "$M" device show 01:00.0
	expect_status 0
	expect_in "$output" "device:*0000:01:00.0" "class:*network" "driver:*e1000e" "group:*2" "verdict:*needs-bind" \
		"summary:*0000:01:00.0 (e1000e) must leave its driver first" "netdevs:*eth0" "reset methods:*flr*bus" \
		"reset set:*0000:01:00.1" "path:*/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0" "holders:*none"
	run_ctl --from "$M" device show -j 0000:01:00.0
	expect_json '.schema' iommuctl.device.show/1
	expect_json '.data[0].override' null
	expect_json '.data[0].numa_node' 1
	expect_json '.data[0].ats' none
}

@test "PF and VFs know each other" {
	local p=$M/sys/devices/pci0000:02
	put "$p/0000:02:00.0/sriov_totalvfs" 8
	put "$p/0000:02:00.0/sriov_numvfs" 1
	link "$p/0000:02:00.0/virtfn0" ../0000:02:00.1
	link "$p/0000:02:00.1/physfn" ../0000:02:00.0
	run_ctl --from "$M" device show -j 0000:02:00.0
	expect_json '.data[0] | [.sriov_total, .sriov_vfs, .vfs[]] | join(" ")' "8 1 0000:02:00.1"
	run_ctl --from "$M" device show -j 0000:02:00.1
	expect_json '.data[0].pf' 0000:02:00.0
}

@test "every way to name a device" {
	eth0
	for n in 0000:01:00.0 01:00.0 pci/0000:01:00.0 pci_0000_01_00_0 net:eth0; do
		run_ctl --from "$M" device show -j "$n"
		expect_status 0
		expect_json '.data[0].device' 0000:01:00.0
	done
	run_ctl --from "$M" device show -j fsl-mc/dprc.2
	expect_json '.data[0].bus' fsl-mc
	run_ctl --from "$M" device show id:144d:a808
	expect_status 2
	expect_in "$stderr" "2 devices match: 0000:02:00.0, 0000:02:00.1"
	run_ctl --from "$M" device show 0000:05:00.0
	expect_status 1
	expect_in "$stderr" "device 0000:05:00.0: no such device on this machine" "hint: iommuctl device list"
}

@test "config space that was cut at 64 bytes: not known, and not off" {
	machine "$M" <<-'END'
		0000:07:00.0 group=30 config=64
		0000:08:00.0 group=31 noconfig
	END
	for d in 0000:07:00.0 0000:08:00.0; do
		run_ctl --from "$M" device show -j "$d"
		expect_status 0
		expect_json '.data[0] | [.ats, .pri, .pasid, .acs] | unique | map(. == null) | join(" ")' true
	done
}

@test "LC_ALL=C and 40 columns" {
	LC_ALL=C list
	expect_status 0
	[ -z "$(LC_ALL=C tr -d '\000-\177' <<<"$output")" ]
	run_tty 40 --from "$M" device list
	[ "$status" -eq 0 ]
	expect_in "$output" "0000:02:00.0"
}
