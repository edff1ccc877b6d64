#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# plan: what a guest needs; on the sample machine, on fixtures, on a machine with two units, and tried on the model.
load lib

setup() {
	M=$BATS_TEST_TMPDIR/m
}

# unit NAME CAP ECAP DEVICE…: a VT-d unit with these registers and devices (as sys/devices has them).
unit() {
	local name=$1 dev
	put "$M/sys/class/iommu/$name/intel-iommu/cap" "$2"
	put "$M/sys/class/iommu/$name/intel-iommu/ecap" "$3"
	mkdir -p "$M/sys/class/iommu/$name/devices"
	for dev in "${@:4}"; do
		link "$M/sys/class/iommu/$name/devices/${dev##*/}" "../../../../devices/pci0000:00/$dev"
		link "$M/sys/devices/pci0000:00/$dev/iommu" "$(printf '../%.0s' 1 2 3 4 5)class/iommu/$name"
		put "$M/sys/devices/pci0000:00/$dev/driver_override" "(null)"
	done
}

# Two units that differ in the page sizes of the second stage: the first has pages of 1 GiB, too.
two_units() {
	machine "$M" <<-'END'
		0000:00:03.0 type=root-port acs=1d/1d group=1 driver=pcieport
		0000:00:03.0/0000:01:00.0 group=2 driver=vfio-pci
		0000:00:04.0 type=root-port acs=1d/1d group=3 driver=pcieport
		0000:00:04.0/0000:02:00.0 group=4 driver=vfio-pci
	END
	unit dmar0 "${1:-d2008c222f0686}" "${3:-1480004f00fde}" 0000:00:03.0/0000:01:00.0
	unit dmar1 "${2:-d20084222f0686}" "${3:-1480004f00fde}" 0000:00:04.0/0000:02:00.0
	put "$M/proc/interrupts" "           CPU0
  24:          3  IR-PCI-MSIX-0000:01:00.0    0-edge      eth0"
	put "$M/proc/kallsyms" "0000000000000000 T iommu_group_get
0000000000000000 T iommu_device_use_default_domain"
	put "$M/sys/module/kernel/initstate" live
	put "$M/iommuctl/holders.json" '{"complete":true,"unseen":0,"why":null,"held":[]}'
	for g in 1 2 3 4; do
		put "$M/sys/kernel/iommu_groups/$g/type" DMA
		put "$M/sys/kernel/iommu_groups/$g/reserved_regions" "0x00000000fee00000 0x00000000feefffff msi"
	done
}

@test "a device that can go: verdict, unit, page table, arguments" {
	run_ctl --demo plan 0a:00.2
	expect_status 0
	expect_in "${lines[0]}" "ready: 1 device behind 1 physical IOMMU, on 1 page table; nothing has to be done before"
	expect_in "$output" "dmar0 (vt-d):" "0000:0a:00.2 (vfio-pci), group 13" "table0: made for dmar0" "none, planned:" \
		"-device vfio-pci,id=hostdev0,host=0000:0a:00.2,bus=rp0,iommufd=iommufd0"
	expect_not_in "$output" "managed='yes'" guess
}

@test "what comes along, what the guard says, and what libvirt would rebind" {
	run_ctl --demo plan 01:00.0
	expect_status 3
	[ "${lines[0]}" = "refused: nvme0n1 is mounted on /srv" ]
	expect_in "$output" "0000:02:00.0 (nvme), group 1, comes along: leaves its driver; guard: loss; not the guest's" \
		"0000:01:00.1 (no driver), group 1, comes along" "umount /srv" "iommuctl device bind" \
		"with managed='yes' libvirt would rebind 0000:01:00.0 whenever the guest starts"
	run_ctl --demo -j plan 01:00.0
	expect_status 3
	expect_json '.schema' iommuctl.plan/1
	expect_json '.data[0].devices | map(.device + " " + (.asked | tostring) + " " + (.guard // "-") + " " + (.managed_rebinds | tostring)) | join(", ")' \
		"0000:01:00.0 true - true, 0000:01:00.1 false - false, 0000:02:00.0 false loss false"
	expect_json '.data[0].tried' null
	expect_json '.data[0].layouts | map(.layout) | join(" ")' "none per-iommu shared"
}

@test "exit codes of a question, and wrong arguments" {
	run_ctl --demo plan 0a:00.3
	expect_status 0
	expect_in "${lines[0]}" "needs-bind: " "1 move first"
	run_ctl --demo plan 0a:00.1
	expect_status 3
	expect_in "${lines[0]}" "in-use: "
	run_ctl --demo plan 00:1d.0
	expect_status 3
	expect_in "${lines[0]}" "nothing-to-give: "
	run_ctl --demo plan 1f:00.0
	expect_status 1
	run_ctl --demo plan
	expect_status 2
	run_ctl --demo plan 0a:00.2 --format xml
	expect_status 2
	# the AMD IOMMU itself is in no group
	run_ctl --from "$(hosts amd)" plan 00:01.0
	expect_status 6
	expect_in "$stderr" "no IOMMU covers it"
}

hosts() {
	echo "${BATS_TEST_DIRNAME%/cli}/hosts/$1.snap"
}

@test "a device named twice is one" {
	run_ctl --demo -j plan 0a:00.2 0000:0a:00.2
	expect_status 0
	expect_json '.data[0].devices | length' 1
}

@test "AMD-Vi and virtio-iommu as they were captured" {
	run_ctl --from "$(hosts amd)" -j plan 04:00.0 04:00.1
	expect_json '.data[0].units | map(.unit + " " + .kind + " " + (.nests | tostring)) | join(", ")' "ivhd0 amd-vi false"
	expect_json '.data[0].reasons | map(.code) | contains(["one-table-a-group"])' true
	expect_json '.data[0].layout' none
	run_ctl --from "$(hosts virtio-iommu)" -j plan 05:00.0
	expect_json '.data[0].units[0].kind' virtio-iommu
	expect_json '.data[0].reasons | map(.code) | contains(["machine"])' true
}

@test "--format: arguments alone, and what speaks against them on stderr" {
	run_ctl --demo plan 01:00.0 --format qemu
	expect_status 3
	[ "${lines[0]}" = "-machine q35" ]
	expect_not_in "$output" '\' refused
	expect_in "$stderr" "nvme0n1 is mounted on /srv"
	run_ctl --demo plan 0a:00.2 --format libvirt
	expect_status 0
	[ -z "$stderr" ]
	python3 -c 'import sys, xml.dom.minidom as x
d = x.parseString(sys.stdin.read())
a = d.getElementsByTagName("source")[0].getElementsByTagName("address")[0]
print(d.getElementsByTagName("hostdev")[0].getAttribute("managed"), a.getAttribute("bus"), a.getAttribute("function"))' \
		<<<"$output" | grep -qx 'no 0x0a 0x2'
}

@test "the XML is well-formed whatever a driver calls itself" {
	two_units
	rm "$M/sys/bus/pci/devices/0000:01:00.0/driver"
	mkdir -p "$M/sys/bus/pci/drivers/x<\"&'>-vfio-pci"
	link "$M/sys/bus/pci/devices/0000:01:00.0/driver" "../../../../bus/pci/drivers/x<\"&'>-vfio-pci"
	run_ctl --from "$M" plan 01:00.0 02:00.0 --layout shared --format libvirt
	python3 -c 'import sys, xml.dom.minidom as x
d = x.parseString(sys.stdin.read())
print(d.getElementsByTagName("driver")[0].getAttribute("model"))' <<<"$output" | grep -qFx "x<\"&'>-vfio-pci"
}

@test "which units share a page table, and why not" {
	two_units
	run_ctl --from "$M" -j plan 01:00.0 02:00.0
	expect_status 0
	expect_json '.data[0].tables | length' 2
	expect_json '.data[0].fits[0] | .table + " " + .unit + " " + (.fits | tostring) + " " + .code' "table0 dmar1 false page-sizes"
	# the other way round one does for both
	run_ctl --from "$M" -j plan 02:00.0 01:00.0
	expect_json '.data[0].tables | map(.units | join("+")) | join(" ")' "dmar1+dmar0"
	expect_json '.data[0].tables[0].certain' false
	expect_json '.data[0].guest_iommu' intel-iommu
	expect_json '.data[0].layouts | map(select(.layout == "shared"))[0].broadcast' 2
	run_ctl --from "$M" plan 02:00.0 01:00.0
	expect_in "$output" "per-iommu, not possible: QEMU's x86 machines take one IOMMU" "wasted on 1 of them" "a guess by the rules"
}

@test "SMMUv3: a virtual IOMMU and a page table for each instance, and a root bus for each in the guest" {
	machine "$M" <<-'END'
		0000:00:01.0 type=root-port acs=1d/1d group=1 driver=pcieport
		0000:00:01.0/0000:01:00.0 group=2 driver=vfio-pci
		0000:00:02.0 type=root-port acs=1d/1d group=3 driver=pcieport
		0000:00:02.0/0000:02:00.0 group=4 driver=vfio-pci
	END
	for i in 1 2; do
		mkdir -p "$M/sys/class/iommu/smmu3.0x${i}0000000/devices"
		link "$M/sys/class/iommu/smmu3.0x${i}0000000/devices/0000:0$i:00.0" "../../../../bus/pci/devices/0000:0$i:00.0"
	done
	run_ctl -j --from "$M" plan 01:00.0 02:00.0
	expect_json '.data[0] | [(.units | length), (.tables | length), .viommus, .machine] | tostring' '[2,2,2,"virt"]'
	expect_json '.data[0].fits[0].code' instance
	expect_in "$(json '.data[0].qemu | join(" ")')" "pxb-pcie,id=pxb1" "arm-smmuv3,id=smmu1,primary-bus=pxb1,accel=on" \
		"pcie-root-port,id=rp1,bus=pxb1"
	expect_json '.data[0].layouts | map(select(.layout == "shared"))[0].broadcast' 2
}

@test "--verify in a batch, on units that the model has made several of" {
	run --separate-stderr "$IOMMUCTL" --demo --inject iommus=2 batch - <<-'END'
		device bind 0a:00.3
		plan --verify -j 0a:00.3 0a:00.2
		object tree --raw --noheadings -o name
	END
	expect_status 0
	output=$(grep '^{' <<<"$output")
	expect_json '.data[0] | [(.units | length), .tables_verified, .as_planned] | tostring' '[2,1,true]'
}

@test "--verify tries each table in turn, and takes all of it back" {
	two_units
	run_ctl --from "$M" -M -j plan 01:00.0 02:00.0 --verify
	expect_status 0
	expect_json '.data[0].tried | map(.device[5:7] + " " + .what + " " + (.error // "done")) | join(", ")' \
		"01 open done, 01 alloc done, 01 attach done, 02 open done, 02 attach EINVAL, 02 alloc done, 02 attach done"
	expect_json '.data[0].tables_verified' 2
	expect_json '.data[0].as_planned' true
	expect_json '.data[0].reasons | map(.code) | contains(["guess"])' false
	run_ctl --from "$M" -M -j plan 02:00.0 01:00.0 --verify
	expect_json '.data[0].tables_verified' 1
	run_ctl --from "$M" -M batch - <<-'END'
		plan 01:00.0 02:00.0 --verify -o verdict
		object tree
		device open 01:00.0 as nic
	END
	expect_status 0
	expect_not_in "$output" "hwpt1 " "ioas1 " "dev1 "
}

@test "--verify begins with the tables that are there, and leaves alone what is attached" {
	two_units d2008c222f0686 d2008c222f0686
	run_ctl --from "$M" -M batch -j - <<-'END'
		device open 01:00.0 as nic
		ioas alloc as mem
		hwpt alloc mem --device nic --nest-parent as mine
		plan 02:00.0 --verify
		device attach nic mine
		plan 01:00.0 --verify
	END
	expect_status 0
	[ "$(jq -r 'select(.schema == "iommuctl.plan/1").data[0].tried | map(.what + " " + (.table // "-")) | join(", ")' <<<"$output")" = \
		"open -, attach mine
attach mine" ]
	expect_in "$output" "was left alone"
}

@test "--verify says what it cannot try" {
	run_ctl --demo plan 0a:00.3 --verify
	expect_status 6
	expect_in "$output" "open: ENOENT: it has no node: it must be on a driver of VFIO" "not all could be tried"
	run_ctl --from demo plan 0a:00.3 --verify
	expect_status 2
	expect_in "$stderr" "that machine is not here"
	run_ctl --from "$(hosts vtd)" -M plan 01:00.0 --verify
	[ "$status" -ne 0 ]
	expect_in "$output" "tried"
}

# prove ARGUMENTS…: this QEMU takes them, with devices of its own in the places of the host's; it is older than iommufd.
prove() {
	local arg args=() qemu=qemu-system-x86_64 package=qemu-system-x86
	for arg; do
		case $arg in
		iommufd,*) unset 'args[-1]' ;;
		vfio-pci,*)
			arg=${arg/vfio-pci/edu}
			arg=${arg/,iommufd=iommufd0/}
			args+=("$(sed 's/,host=[^,]*//' <<<"$arg")")
			;;
		# first stages came with 10.0, an SMMU for each root bus with 10.2
		intel-iommu,*) args+=("${arg/,x-flts=on/}") ;;
		arm-smmuv3,*) unset 'args[-1]' ;;
		virt,*) qemu=qemu-system-aarch64 package=qemu-system-arm args+=("$arg") ;;
		*) args+=("$arg") ;;
		esac
	done
	command -v $qemu >/dev/null || {
		echo "this test needs $qemu (Debian: $package); ./bootstrap gets it" >&2
		return 1
	}
	run --separate-stderr $qemu "${args[@]}" -nodefaults -display none -S -monitor stdio -m 64 \
		<<<$'info qtree\nquit'
	[ "$status" -eq 0 ] || {
		printf '%s\n' "${args[@]}" "$stderr" >&2
		return 1
	}
}

@test "QEMU takes the arguments" {
	local devices layout
	run_ctl --demo plan 0a:00.2 0a:00.3 --format qemu
	# shellcheck disable=SC2086 # they are made to be split
	prove $output
	expect_in "$output" 'edu, id "hostdev0"' 'edu, id "hostdev1"' 'pcie-root-port, id "rp1"'
	run_ctl --demo plan 0a:00.2 --machine pc --format qemu
	# shellcheck disable=SC2086
	prove $output
	# two of one group, behind a bridge
	run_ctl --demo plan 09:01.0 09:02.0 0a:00.2 --layout shared --format qemu
	# shellcheck disable=SC2086
	prove $output
	expect_in "$output" 'pcie-pci-bridge, id "br0"' virtio-iommu
	# two units: a root bus for each, and hardware that nests
	two_units
	run_ctl --from "$M" plan 01:00.0 02:00.0 --format qemu
	expect_in "$output" "-device intel-iommu," "-device pxb-pcie,id=pxb1,"
	# shellcheck disable=SC2086
	prove $output
	expect_in "$output" 'pxb-pcie, id "pxb0"' 'pxb-pcie, id "pxb1"' intel-iommu
	# all functions of a large slot
	machine "$BATS_TEST_TMPDIR/many" < <(
		for i in $(seq 40); do
			printf '0000:00:%02x.%d type=root-port acs=1d/1d group=%d driver=pcieport\n' $((i % 32)) $((i / 32)) $((100 + i))
			printf '0000:00:%02x.%d/0000:%02x:00.0 group=%d driver=vfio-pci\n' $((i % 32)) $((i / 32)) "$i" "$i"
		done
	)
	devices=$(seq 40 | while read -r i; do printf '%02x:00.0 ' "$i"; done)
	# shellcheck disable=SC2086
	run_ctl --from "$BATS_TEST_TMPDIR/many" plan $devices --format qemu
	# shellcheck disable=SC2086
	prove $output
	expect_in "$output" 'id "hostdev39"'
}

@test "QEMU of arm64 takes the arguments: a root bus for each SMMU" {
	command -v qemu-system-aarch64 >/dev/null || skip "it needs qemu-system-aarch64 (Debian: qemu-system-arm), as the lab on arm64 does"
	run_ctl --from "$(hosts smmuv3)" -M --inject nesting plan 01:00.0 02:00.0 --format qemu
	expect_in "$output" "-device arm-smmuv3,id=smmu0,primary-bus=pxb0"
	# shellcheck disable=SC2086
	prove $output
	expect_in "$output" 'pxb-pcie, id "pxb0"' 'id "hostdev0"' 'id "hostdev1"'
}
