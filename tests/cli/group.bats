#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# group list and show.
load lib

setup() {
	M=$BATS_TEST_TMPDIR/m
	machine "$M" <<-'END'
		0000:00:00.0 class=060000 group=0
		0000:00:01.0 type=root-port group=1 driver=pcieport
		0000:00:01.0/0000:01:00.0 multi group=1 class=030000 id=10de:2204 driver=nouveau
		0000:00:01.0/0000:01:00.1 multi group=1 class=040300 id=10de:1aef driver=snd_hda_intel
		0000:02:00.0 group=10 driver=e1000e
		0000:03:00.0 group=2 class=010802 driver=nvme
		0000:04:00.0 group=2000000000 class=0c0330
		10000:e1:00.0 group=77 class=010802 driver=nvme
		other platform sys/devices/platform/a.gpu group=12 driver=panfrost
		other newbus sys/devices/platform/thing group=13 driver=whatever
	END
	put "$M/proc/kallsyms" "0000000000000000 T iommu_group_get
0000000000000000 T iommu_device_use_default_domain"
}

list() {
	run_ctl --from "$M" group list "$@"
}

groups_of() {
	list --noheadings --raw -o group "$@"
	expect_status 0
	echo "${output//$'\n'/ }"
}

@test "ids are sparse, and sorted as numbers" {
	[ "$(groups_of)" = "0 1 2 10 12 13 77 2000000000" ]
}

@test "one line a device, the group's columns once" {
	list
	expect_status 0
	[ -z "$stderr" ]
	expect_in "${lines[0]}" "GROUP VERDICT*VIABLE*TYPE*UNIT*DEVICE*CLASS*DRIVER*NAME"
	expect_in "$output" \
		"1 needs-bind*no*0000:00:01.0*bridge*pcieport" \
		"                 *0000:01:00.0*display*nouveau" \
		"12 needs-bind*no*a.gpu*panfrost" \
		"77 needs-bind*10000:e1:00.0*nvme"
}

@test "JSON: the record with its devices, null where nothing is known" {
	list -j
	expect_status 0
	expect_json '.schema' iommuctl.group.list/1
	expect_json '.data | length' 8
	expect_json '.data[1].devices | map(.device) | join(" ")' "0000:00:01.0 0000:01:00.0 0000:01:00.1"
	expect_json '.data[1].devices[1].driver' nouveau
	expect_json '.data[0].devices[0].driver' null
	expect_json '.data[4].devices[0] | .bus + "/" + .device' platform/a.gpu
	expect_json '.data[7].group' 2000000000
	expect_json '.data[1] | has("name")' false
}

@test "filters: class, driver, none, shared, viable" {
	[ "$(groups_of --class display)" = 1 ]
	[ "$(groups_of --class storage)" = "2 77" ]
	[ "$(groups_of --class usb)" = 2000000000 ]
	[ "$(groups_of --driver e1000e)" = 10 ]
	[ "$(groups_of --driver none)" = "0 2000000000" ]
	[ "$(groups_of --shared)" = 1 ]
	[ "$(groups_of --viable)" = "0 13 2000000000" ]
	[ "$(groups_of --not-viable)" = "1 2 10 12 77" ]
	[ "$(groups_of --not-viable --class network)" = 10 ]
	[ -z "$(groups_of --driver nobody)" ]
}

@test "filter by unit; a unit that is not there is an error" {
	mkdir -p "$M/sys/class/iommu/dmar0/intel-iommu" "$M/sys/class/iommu/dmar1/intel-iommu"
	link "$M/sys/class/iommu/dmar1/devices/0000:02:00.0" ../../../../bus/pci/devices/0000:02:00.0
	mkdir -p "$M/sys/class/iommu/dmar0/devices"
	[ "$(groups_of --unit dmar1)" = 10 ]
	list -j --unit dmar1
	expect_json '.data[0].units | join(" ")' dmar1
	[ -z "$(groups_of --unit dmar0)" ]
	list --unit dmar7
	expect_status 1
	expect_in "$stderr" "unit dmar7: no such IOMMU unit" "hint: iommuctl iommu list"
}

@test "wrong usage" {
	list --viable --not-viable
	expect_status 2
	list --class toaster
	expect_status 2
	list extra
	expect_status 2
	run_ctl --from "$M" group show
	expect_status 2
	run_ctl --from "$M" group show 5
	expect_status 1
	expect_in "$stderr" "group 5: no such group" "hint: iommuctl group list"
}

@test "no groups: a warning that says where to go on, and exit 0" {
	rm -r "$M/sys/kernel/iommu_groups"
	rm "$M"/sys/bus/pci/devices/*/iommu_group "$M"/sys/devices/platform/*/iommu_group
	mkdir -p "$M/sys/kernel/mm"
	list
	expect_status 0
	[ -z "$output" ]
	expect_in "$stderr" "no IOMMU groups: the IOMMU is off, or there is none" "hint: iommuctl doctor"
}

@test "names that clash in a group: the device is told from where the link leads" {
	machine "$M" <<-'END'
		other platform sys/devices/platform/soc1/x group=20
		other amba sys/devices/platform/soc2/x group=21 driver=pl330
	END
	# the kernel adds a number to the second link of one name
	link "$M/sys/kernel/iommu_groups/20/devices/x.0" ../../../../devices/platform/soc2/x
	rm -r "$M/sys/kernel/iommu_groups/21"
	list -j --driver pl330
	expect_status 0
	expect_json '.data[0].devices | map(.bus + "/" + .device) | join(" ")' "amba/x platform/x"
}

@test "a group directory that is no number, a member that leads nowhere, attributes of 0 bytes and 1 MiB" {
	mkdir -p "$M/sys/kernel/iommu_groups/twelve/devices"
	link "$M/sys/kernel/iommu_groups/10/devices/0000:99:00.0" ../../../../devices/gone/0000:99:00.0
	: >"$M/sys/kernel/iommu_groups/2/type"
	head -c 1048576 /dev/zero | tr '\0' x >"$M/sys/kernel/iommu_groups/10/type"
	list -j
	expect_status 0
	expect_json '.data | length' 8
	expect_json '.data[] | select(.group == 2) | .type' null
	expect_json '.data[] | select(.group == 10) | .devices | length' 2
	expect_json '.warnings | map(.code) | index("odd-name") != null' true
	expect_json '.warnings | map(.where // "") | index("sys/kernel/iommu_groups/10/type") != null' true
}

@test "names with newlines, escape codes and bytes that are not UTF-8" {
	machine "$M" <<-'END'
		other platform sys/devices/platform/odd group=30 driver=zz
	END
	mv "$M/sys/bus/platform/drivers/zz" "$M/sys/bus/platform/drivers/"$'a\n\e]0;x\ab\xff'
	ln -sfn ../../../bus/platform/drivers/$'a\n\e]0;x\ab\xff' "$M/sys/devices/platform/odd/driver"
	list
	expect_status 0
	expect_not_in "$output" $'\e' $'\a'
	list -j
	expect_json '.data[] | select(.group == 30) | .devices[0].driver_raw' 610a1b5d303b7807 || \
		expect_json '.data[] | select(.group == 30) | .devices[0] | .driver_raw | startswith("610a1b5d")' true
}

@test "show: devices, regions, resets, holders" {
	put "$M/sys/kernel/iommu_groups/1/reserved_regions" "0x0000000000000000 0x0000000000ffffff direct-relaxable
0x00000000fee00000 0x00000000feefffff msi"
	put "$M/sys/kernel/iommu_groups/1/type" DMA-FQ
	put "$M/sys/bus/pci/devices/0000:01:00.0/reset_method" "flr bus"
	run_ctl --from "$M" group show -j 0000:01:00.1
	expect_status 0
	expect_json '.data[0].group' 1
	expect_json '.data[0].type' DMA-FQ
	expect_json '.data[0].regions | map(.type) | join(" ")' "direct-relaxable msi"
	expect_json '.data[0].regions[1] | .start + " " + .end' "0xfee00000 0xfeefffff"
	expect_json '.data[0].devices[1] | .reset_methods | join(" ")' "flr bus"
	expect_json '.data[0].devices[1] | .reset_set | join(" ")' 0000:01:00.1
	expect_json '.data[0].holders | length' 0
	run_ctl --from "$M" group show 1
	expect_status 0
	expect_in "$output" "verdict:*needs-bind" "0xfee00000*0xfeefffff*msi" "holders:*none"
}

@test "LC_ALL=C and 40 columns" {
	LC_ALL=C list
	expect_status 0
	[ -z "$(LC_ALL=C tr -d '\000-\177' <<<"$output")" ]
	run_tty 40 --from "$M" group list
	[ "$status" -eq 0 ]
	expect_in "$output" "needs-bind"
}

@test "-o names columns, also those below devices" {
	list -o group,devices.driver --raw --noheadings --class display
	expect_status 0
	[ "$output" = "1 pcieport,nouveau,snd_hda_intel" ]
	list -o nonsense
	expect_status 2
	expect_in "$stderr" "devices.driver"
}
