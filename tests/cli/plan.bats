#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# plan: what a guest that gets these devices needs, and what the model says to it.
load lib

setup_file() {
	export SRC=${BATS_TEST_DIRNAME%/tests/cli}
}

@test "devices behind one IOMMU share one second-stage table, and the rest of a group comes along" {
	run_ctl --demo plan 0a:00.2 03:00.0
	expect_status 0
	expect_in "$output" "physical IOMMUs: 1, second-stage page tables: 1" "dmar0 (vt-d): 0000:0a:00.2, 0000:03:00.0" \
		"group 3, 0000:03:00.1 (e1000e): must leave its driver" "dmar0 cannot nest" \
		"-device pcie-root-port,id=rp1,bus=pcie.0,chassis=2" "-device vfio-pci,host=0000:03:00.0,bus=rp1,iommufd=iommufd0"
	run_ctl -j --demo plan 0a:00.2 03:00.0
	expect_json '.data[0] | [.feasible, .physical, .stage2, .viommus, .units[0].stage2, .along[0].device] | tostring' \
		'[true,1,1,0,"s2-0","0000:03:00.1"]'
	expect_json '.data[0].arguments[1]' "-object iommufd,id=iommufd0"
	expect_json '.data[0].tries' null
}

@test "what cannot be given is exit 3, with the reason" {
	run_ctl --demo plan 0a:00.2 0a:00.1
	expect_status 3
	expect_in "$output" "problem: 0000:0a:00.1: in-use"
	run_ctl -j --demo plan 0a:00.1
	expect_status 3
	expect_json '.data[0].feasible' false
}

@test "libvirt: elements, and what managed='yes' would move" {
	run_ctl --demo plan --format libvirt 03:00.1 03:00.0
	expect_status 0
	expect_in "$output" "managed='yes' would move 0000:03:00.1 to vfio-pci" "bus='0x03' slot='0x00' function='0x1'"
	expect_not_in "$output" "-device"
	run_ctl -j --demo plan --format libvirt 03:00.1 03:00.0
	expect_json '.data[0].rebinds | tostring' '["0000:03:00.1"]'
}

@test "wrong usage" {
	run_ctl --demo plan
	expect_status 2
	run_ctl --demo plan 0a:00.2 0000:0a:00.2
	expect_status 2
	expect_in "$stderr" "is named twice"
	run_ctl --demo plan --verify 0a:00.2
	expect_status 2
	expect_in "$stderr" "opens the devices"
	run_ctl --demo plan --machine pc 0a:00.2
	expect_status 2
	run_ctl --demo plan --format xml 0a:00.2
	expect_status 2
}

@test "--verify tries each table and gives everything back" {
	run --separate-stderr "$IOMMUCTL" --demo batch - <<-'END'
		device bind --force --group 03:00.0
		device bind 0a:00.3
		plan --verify -j 0a:00.3 03:00.0
		object tree --raw --noheadings -o name
	END
	expect_status 0
	output=$(grep '^{' <<<"$output")
	expect_json '.data[0].tries | map([.device, .table, .result, .made]) | tostring' \
		'[["0000:0a:00.3","s2-0","0",true],["0000:03:00.0","s2-0","0",false]]'
}

@test "--verify on units that the model has made several of" {
	run --separate-stderr "$IOMMUCTL" --demo --inject iommus=2 batch - <<-'END'
		device bind --force --group 03:00.0
		device bind 0a:00.3
		plan --verify -j 0a:00.3 03:00.0
		object tree --raw --noheadings -o name
	END
	expect_status 0
	expect_in "$output" '"result":"0"'
}

@test "other machines: AMD, and one whose driver takes no other instance's tables" {
	dev=$("$IOMMUCTL" --from "$SRC/tests/hosts/amd.snap" --raw --noheadings device list -o device,class,group | awk '$2 == "network" && $3 != "-" { print $1; exit }')
	run_ctl -j --from "$SRC/tests/hosts/amd.snap" plan "$dev"
	expect_json '.data[0].units[0].kind' amd-vi
	dev=$("$IOMMUCTL" --from "$SRC/tests/hosts/virtio-iommu.snap" --raw --noheadings device list -o device,class,group | awk '$2 == "network" && $3 != "-" { print $1; exit }')
	run_ctl -j --from "$SRC/tests/hosts/virtio-iommu.snap" plan "$dev"
	expect_json '.data[0].units[0] | [.kind, .nests] | tostring' '["virtio-iommu",false]'
}

@test "SMMUv3: a virtual IOMMU and a second-stage table for each instance, and the guest's machine has an expander for each" {
	M=$BATS_TEST_TMPDIR/m
	machine "$M" <<-'END'
		0000:00:01.0 type=root-port acs=1d/1d group=1 driver=pcieport
		0000:00:01.0/0000:01:00.0 group=2 driver=vfio-pci class=020000 id=8086:10d3
		0000:00:02.0 type=root-port acs=1d/1d group=3 driver=pcieport
		0000:00:02.0/0000:02:00.0 group=4 driver=vfio-pci class=020000 id=8086:10d3
	END
	for i in 1 2; do
		mkdir -p "$M/sys/class/iommu/smmu3.0x${i}0000000/devices"
		ln -s "../../../../bus/pci/devices/0000:0$i:00.0" "$M/sys/class/iommu/smmu3.0x${i}0000000/devices/0000:0$i:00.0"
	done
	run_ctl -j --from "$M" plan 01:00.0 02:00.0
	expect_json '.data[0] | [.physical, .stage2, .viommus, .machine] | tostring' '[2,2,2,"virt"]'
	expect_json '.data[0].units[1] | [.kind, .viommu, .stage2] | tostring' '["smmuv3","viommu1","s2-1"]'
	expect_in "$(json '.data[0].units[1].stage2_why')" "its driver takes no table of another instance"
	expect_in "$(json '.data[0].arguments | join(" ")')" "pxb-pcie,id=pxb1" "arm-smmuv3,primary-bus=pxb1,id=viommu1,accel=on" \
		"pcie-root-port,id=rp1,bus=pxb1"
	expect_in "$(json '.data[0].reasons[].text')" "has to go to 2 physical"
}
