#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# iommu list and show, on trees that each test builds.
load lib

setup() {
	T=$BATS_TEST_TMPDIR/machine
	mkdir -p "$T"/{sys/class/iommu,sys/kernel/iommu_groups,proc}
}

# vtd NAME: a VT-d unit with the registers of a server of 2017
vtd() {
	local d=$T/sys/devices/virtual/iommu/$1

	put "$d/intel-iommu/version" 1:0
	put "$d/intel-iommu/address" fed90000
	put "$d/intel-iommu/cap" 8d2078c106f0466
	put "$d/intel-iommu/ecap" f020de
	put "$d/intel-iommu/domains_supported" 65536
	put "$d/intel-iommu/domains_used" 7
	mkdir -p "$d/devices"
	link "$T/sys/class/iommu/$1" "../../devices/virtual/iommu/$1"
}

# nic UNIT GROUP ADDR: an endpoint behind the unit
nic() {
	local d=$T/sys/devices/pci0000:00/$3

	put "$d/vendor" 0x8086
	put "$d/device" 0x10d3
	put "$d/class" 0x020000
	link "$d/iommu_group" "../../../kernel/iommu_groups/$2"
	link "$T/sys/bus/pci/devices/$3" "../../../devices/pci0000:00/$3"
	link "$T/sys/kernel/iommu_groups/$2/devices/$3" "../../../../devices/pci0000:00/$3"
	link "$T/sys/devices/virtual/iommu/$1/devices/$3" "../../../../pci0000:00/$3"
}

@test "list: one line a unit, with devices, groups, domains and features" {
	vtd dmar0
	vtd dmar1
	nic dmar0 3 0000:00:01.0
	nic dmar0 3 0000:00:01.1
	run_ctl --from "$T" iommu list
	expect_status 0
	expect_in "$output" "UNIT*KIND*ADDRESS*DEVICES*GROUPS*DOMAINS*OF*FEATURES" \
		"dmar0*vt-d*0xfed90000*2*1*7*65536*ats,interrupt-remapping" "dmar1*vt-d*0xfed90000*0*0*7*65536"
	run_ctl --from "$T" -j iommu list
	expect_status 0
	expect_json '.schema' iommuctl.iommu.list/1
	expect_json '.data | length' 2
	expect_json '.data[0] | [.name, .kind, .address, .devices, .groups] | join(" ")' "dmar0 vt-d 0xfed90000 2 1"
	expect_json '.data[0].address_width' 48
	expect_json '.data[0].features | index("snoop-control") != null' true
}

@test "list: units that tell nothing are listed with what their name tells" {
	mkdir -p "$T"/sys/class/iommu/{smmu3.0x000000002b400000,0000:00:03.0,iommufd_selftest_iommu.0,13f80000.iommu}/devices
	run_ctl --from "$T" -j iommu list
	expect_status 0
	expect_json '[.data[] | .name + "=" + .kind] | sort | join(" ")' \
		"0000:00:03.0=virtio-iommu 13f80000.iommu=unknown iommufd_selftest_iommu.0=mock smmu3.0x000000002b400000=smmuv3"
	expect_json '.data[] | select(.kind == "smmuv3") | .address' 0x2b400000
	expect_json '.data[] | select(.kind == "smmuv3") | .features' null
}

@test "list: no unit is no error, and says where to go on" {
	run_ctl --from "$T" iommu list
	expect_status 0
	expect_in "$stderr" "no IOMMU unit: the kernel drives none" "hint: 'iommuctl doctor'"
	# and to who names one it is said once
	run_ctl --from "$T" iommu show dmar0
	expect_status 1
	expect_in "$stderr" "iommuctl: unit dmar0: the kernel drives none (/sys/class/iommu)"
	[ "$(grep -c "the kernel drives none\|^hint: 'iommuctl doctor'" <<<"$stderr")" -eq 2 ]
	mkdir "$T/sys/class/tty" # without one, the classes were left out of the tree
	rmdir "$T/sys/class/iommu"
	run_ctl --from "$T" iommu list
	expect_in "$stderr" "no IOMMU unit: this kernel has no IOMMU support"
}

@test "show: registers field by field, devices, and what is not visible" {
	vtd dmar0
	nic dmar0 3 0000:00:01.0
	run_ctl --from "$T" iommu show dmar0
	expect_status 0
	expect_in "$output" "address:*0xfed90000" "version:*1:0" "address width:*48 bits" "0000:00:01.0*3" \
		"CAP*SAGAW*8*48-bit (4 levels)" "ECAP*IR*3*yes" "status registers"
	run_ctl --from "$T" -j iommu show dmar0
	expect_status 0
	expect_json '.schema' iommuctl.iommu.show/1
	expect_json '.data[0].cap' 0x8d2078c106f0466
	expect_json '.data[0].fields[] | select(.field == "MGAW") | [.reg, .bit, .width, .value, .words] | join(" ")' \
		"CAP 16 6 0x2f 48 bits"
	expect_json '.data[0].devices[0].device' 0000:00:01.0
	expect_json '.data[0].reserved' null
	expect_json '.data[0].table' null
}

@test "show: a table that cannot be read is said, and is not \"none\"" {
	vtd dmar0
	put "$T/sys/firmware/acpi/tables/DMAR" "no table at all"
	run_ctl --from "$T" iommu show dmar0
	expect_status 0
	expect_in "$output" "ACPI table DMAR"
	expect_in "$stderr" "ACPI table DMAR, offset 0x0: the table ends within its header"
}

@test "show: the unit that is not there, and those that are" {
	vtd dmar0
	run_ctl --from "$T" iommu show dmar7
	expect_status 1
	expect_in "$stderr" "iommuctl: unit dmar7: no such unit" "hint: there are dmar0"
	run_ctl --from "$T" iommu show
	expect_status 2
}

@test "attributes that are empty, huge, no numbers or not there: warned of, and everything else shown" {
	vtd dmar0
	nic dmar0 3 0000:00:01.0
	: >"$T/sys/class/iommu/dmar0/intel-iommu/cap"
	head -c 1048576 /dev/zero | tr '\0' 1 >"$T/sys/class/iommu/dmar0/intel-iommu/ecap"
	printf 'many\e[31m\n' >"$T/sys/class/iommu/dmar0/intel-iommu/domains_used"
	rm "$T/sys/class/iommu/dmar0/intel-iommu/domains_supported"
	run_ctl --from "$T" iommu list
	expect_status 0
	expect_in "$output" "dmar0*vt-d*0xfed90000*1*1*-*-*-"
	expect_in "$stderr" "/intel-iommu/cap" "/intel-iommu/ecap" "/intel-iommu/domains_used"
	expect_not_in "$output$stderr" $'\e'
	run_ctl --from "$T" -j iommu show dmar0
	expect_status 0
	expect_json '.data[0].cap' null
	expect_json '.data[0].devices | length' 1
	expect_json '.data[0].not_visible | map(.what) | index("intel-iommu/domains_supported") != null' true
	expect_json '.warnings | length > 2' true
}

@test "a unit without a devices directory has an unknown number of devices" {
	mkdir -p "$T/sys/class/iommu/dmar0/intel-iommu"
	run_ctl --from "$T" -j iommu list
	expect_status 0
	expect_json '.data[0].devices' null
}

# smmu: an SMMUv3 with a devicetree, and a NIC whose requester id becomes stream 0x10008
smmu() {
	local d=$T/sys/devices/platform/9050000.smmuv3 n=$T/sys/firmware/devicetree/base

	mkdir -p "$d/iommu/smmu3.0x0000000009050000/devices" "$n/smmuv3@9050000" "$n/pcie@10000000"
	link "$d/iommu/smmu3.0x0000000009050000/device" ../../../9050000.smmuv3
	link "$T/sys/class/iommu/smmu3.0x0000000009050000" ../../devices/platform/9050000.smmuv3/iommu/smmu3.0x0000000009050000
	link "$d/of_node" ../../../firmware/devicetree/base/smmuv3@9050000
	printf '\0\0\200\5' >"$n/smmuv3@9050000/phandle"
	nic dmar0 3 0000:00:01.0
	rm -r "$T/sys/devices/virtual"
	link "$d/iommu/smmu3.0x0000000009050000/devices/0000:00:01.0" ../../../../../pci0000:00/0000:00:01.0
	link "$T/sys/devices/pci0000:00/pci_bus/0000:00/of_node" ../../../../../firmware/devicetree/base/pcie@10000000
	printf '\0\0\0\0\0\0\200\5\0\1\0\0\0\1\0\0' >"$n/pcie@10000000/iommu-map"
}

@test "show: an SMMU with its platform device, root complex and stream ids; the same of a device" {
	smmu
	run_ctl --from "$T" -j iommu show smmu3.0x0000000009050000
	expect_status 0
	expect_json '.data[0].parent' 9050000.smmuv3
	expect_json '.data[0].devices[0].stream_ids | join(",")' 0x10008
	expect_json '.data[0].streams[0] | [.owner, .bus, .segment, .first_requester, .last_requester, .first, .last] | join(" ")' \
		"pcie@10000000 pci0000:00 0 0x0 0xffff 0x10000 0x1ffff"
	expect_json '[.data[0].not_visible[].what | select(startswith("stream"))] | length' 0
	expect_json '.data[0].coherence_from' "the devicetree does not say dma-coherent"
	run_ctl --from "$T" iommu show smmu3.0x0000000009050000
	expect_in "$output" "pcie@10000000*pci0000:00*0x10000*0x1ffff" "0000:00:01.0*0x10008"
	run_ctl --from "$T" -j device show 00:01.0
	expect_json '.data[0].stream_ids[0] | [.id, .requester, .via, .unit] | map(. // "-") | join(" ")' \
		"0x10008 0000:00:01.0 - smmu3.0x0000000009050000"
	expect_json '.data[0].streams_from' /sys/firmware/devicetree/base/pcie@10000000/iommu-map
	rm -r "$T/sys/firmware/devicetree"
	run_ctl --from "$T" -j device show 00:01.0
	expect_json '.data[0].stream_ids' null
	run_ctl --from "$T" -j iommu show smmu3.0x0000000009050000
	expect_json '.data[0].streams' null
	expect_json '[.data[0].not_visible[] | select(.what == "stream ids of devices")] | length' 1
}
