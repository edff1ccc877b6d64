#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# doctor, on trees that each test builds: exit codes, words, JSON. What it finds on which machine is in tests/unit/test-doctor.c.
load lib

setup() {
	T=$BATS_TEST_TMPDIR/machine
	mkdir -p "$T"/sys/{class/{iommu,tty},kernel/{iommu_groups,notes},module/kernel,firmware/acpi/tables,bus/{platform,pci/devices}}
	put "$T/proc/cmdline" quiet
	put "$T/proc/interrupts" "  CPU0
 26: 1  IR-PCI-MSI-0000:00:01.0 0-edge eth0"
	put "$T/sys/class/misc/iommu/dev" 10:257
	put "$T/sys/class/vfio-dev/vfio0/dev" 241:0
	mkdir -p "$T/sys/class/vfio" "$T/sys/bus/pci/drivers/vfio-pci"
}

# iommu: a unit with one device in a group
iommu() {
	local d=$T/sys/devices/pci0000:00/0000:00:01.0

	mkdir -p "$T"/sys/devices/virtual/iommu/dmar0/{devices,intel-iommu}
	link "$T/sys/class/iommu/dmar0" ../../devices/virtual/iommu/dmar0
	put "$d/class" 0x020000
	link "$d/iommu_group" ../../../kernel/iommu_groups/3
	link "$T/sys/bus/pci/devices/0000:00:01.0" ../../../devices/pci0000:00/0000:00:01.0
	link "$T/sys/kernel/iommu_groups/3/devices/0000:00:01.0" ../../../../devices/pci0000:00/0000:00:01.0
	link "$T/sys/devices/virtual/iommu/dmar0/devices/0000:00:01.0" ../../../../pci0000:00/0000:00:01.0
}

@test "nothing wrong is exit 0" {
	iommu
	run_ctl --from "$T" doctor
	expect_status 0
	expect_in "$output" "this machine: vt-d, 1 unit, 1 group; iommufd" "note: The IOMMU is on" "Nothing is wrong."
	run_ctl --from "$T" -j doctor
	expect_status 0
	expect_json '.schema' iommuctl.doctor/1
	expect_json '.data[0].verdict' well
	expect_json '.data[0].problems' 0
}

@test "a problem is exit 3, with evidence and remedy" {
	put "$T/proc/cmdline" "quiet intel_iommu=off"
	put "$T/sys/firmware/acpi/tables/DMAR" x
	run_ctl --from "$T" doctor
	expect_status 3
	expect_in "$output" "problem: The IOMMU was turned off on the kernel command line" \
		"seen in /proc/cmdline: intel_iommu=off" "Take intel_iommu=off off the kernel command line"
	expect_not_in "$output" "Nothing is wrong"
	run_ctl --from "$T" -j doctor
	expect_status 3
	expect_json '.data[0].verdict' ill
	expect_json '.data[0].reasons[0] | [.code, .severity, .file, .value] | join(" ")' \
		"off-by-command-line problem /proc/cmdline intel_iommu=off"
	expect_json '.data[0].reasons[0].remedies | length > 0' true
}

@test "unsafe remedies come last and are marked" {
	iommu
	put "$T/proc/interrupts" "  CPU0
 26: 1  PCI-MSI-0000:00:01.0 0-edge eth0"
	run_ctl --from "$T" doctor
	expect_status 3
	expect_in "$output" "not isolated*unsafe: Give devices away all the same*allow_unsafe_interrupts"
	run_ctl --from "$T" -j doctor
	expect_json '.data[0].reasons[0].remedies | map(.unsafe) | . == sort' true
	expect_json '.data[0].reasons[0].remedies[-1].unsafe' true
}

@test "what was never captured is exit 6, not a problem and not health" {
	rm -r "$T/sys/firmware"
	run_ctl --from "$T" doctor
	expect_status 6
	expect_in "$output" "unknown: The kernel drives no IOMMU; why cannot be told"
	expect_not_in "$output" "Nothing is wrong"
	run_ctl --from "$T" -j doctor
	expect_status 6
	expect_json '.data[0].verdict' unknown
}

@test "an ordinary user is told what he does not see, and what decides is still answered" {
	iommu
	put "$T/sys/firmware/acpi/tables/DMAR" x
	chmod 0 "$T/sys/firmware/acpi/tables/DMAR"
	if [ "$(id -u)" -eq 0 ]; then
		command -v setpriv || skip "root cannot be forbidden anything, and there is no setpriv"
		cp "$IOMMUCTL" "$BATS_TEST_TMPDIR/iommuctl"
		local dir=$BATS_TEST_TMPDIR
		while [[ $dir == "$BATS_RUN_TMPDIR"* ]]; do
			chmod a+rx "$dir"
			dir=$(dirname "$dir")
		done
		run --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups "$BATS_TEST_TMPDIR/iommuctl" --from "$T" doctor
	else
		run_ctl --from "$T" doctor
	fi
	expect_status 0
	expect_in "$output" "The IOMMU is on" "note: Without root this cannot be seen" "sudo iommuctl doctor"
}

@test "hostile words from the machine come out escaped" {
	printf 'iommu=off\e[31m pcie_acs_override=\e[2J\n' >"$T/proc/cmdline"
	printf '0-1 : 0000:00:01.0\n  0-1 : BOOTFB\e[31m\n' >"$T/proc/iomem"
	iommu
	run_ctl --from "$T" doctor
	expect_status 0
	expect_in "$output" 'pcie_acs_override=\\x1b' 'BOOTFB\\x1b'
	expect_not_in "$output$stderr" $'\e'
}

@test "--message says what a message means" {
	run_ctl doctor --message "vfio 0000:01:00.0: group 1 is not viable"
	expect_status 0
	expect_in "$output" "message: vfio 0000:01:00.0: group 1 is not viable" "iommuctl group check 1"
	run_ctl -j doctor --message "vfio 0000:01:00.0: group 1 is not viable"
	expect_status 0
	expect_json '.data[0] | [.verdict, .reasons[0].code, .reasons[0].remedies[0].command] | join(" ")' \
		"known not-viable iommuctl group check 1"
}

@test "--message - reads a log; one without a known line is exit 6" {
	run --separate-stderr bash -c 'printf "x\n\nEAL: Cannot open /dev/vfio/7: Device or resource busy\n" | "$IOMMUCTL" doctor --message -'
	expect_status 0
	expect_in "$output" "iommuctl group check 7"
	run --separate-stderr bash -c 'head -c 100000 /dev/urandom | "$IOMMUCTL" doctor --message -'
	expect_status 6
	expect_in "$stderr" "message: no line of it is known"
}
