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
