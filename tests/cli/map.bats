#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# device map-check on the built-in machine. Its rules are tested in tests/unit/test-mapcheck.c, and against real mappings in tests/vm.
load lib

@test "map-check: a range that fits" {
	run_ctl --demo device map-check 01:00.0 0x100000000 2G --memlock 2G
	expect_status 0
	expect_in "$output" "0x80000000 bytes at 0x100000000: fits: no rule of the IOMMU, of the group or of locked memory is against it"
	run_ctl --demo device map-check 01:00.0 0x100000000 2G
	expect_status 0
	expect_in "$output" "fits: no rule of the IOMMU or of the group is against it" "locked memory was not judged"
}

@test "map-check: the window for interrupts, and where it would fit" {
	run_ctl --demo device map-check 01:00.0 0xfee00000 1M
	expect_status 3
	expect_in "$output" "0xfee00000 to 0xfeefffff is reserved (msi) for group 1" "nearest range that would do: 0xfed00000 to 0xfedfffff"
}

@test "map-check: JSON has the rule and the nearest range" {
	run_ctl -j --demo device map-check 01:00.0 0x100000000000 0x1000
	expect_status 3
	expect_json '.data[0] | "\(.verdict) \(.rule) \(.nearest_start) \(.nearest_end) \(.aperture_end) \(.page_size)"' \
		"refused aperture 0x7ffffff000 0x7fffffffff 0x7fffffffff 4096"
	expect_json '.data[0].reasons[0].file' /sys/class/iommu/dmar0/intel-iommu/cap
}

@test "map-check: a limit that is too small" {
	run_ctl --demo device map-check 01:00.0 0x100000000 4G --memlock 8M
	expect_status 3
	expect_in "$output" "8192 KiB" "4194304 KiB more (ENOMEM)"
}

@test "map-check: the window of an IOMMU that places interrupts in software is reserved, the end of addresses not seen" {
	mkdir "$BATS_TEST_TMPDIR/m"
	machine "$BATS_TEST_TMPDIR/m" <<-END
		0000:00:03.0 type=root-port acs=1d/1d group=1 driver=pcieport
		0000:00:03.0/0000:01:00.0 group=2 driver=vfio-pci
	END
	put "$BATS_TEST_TMPDIR/m/sys/kernel/iommu_groups/2/reserved_regions" "0x0000000008000000 0x00000000080fffff msi"
	run_ctl --from "$BATS_TEST_TMPDIR/m" device map-check 01:00.0 0x8000000 64K
	expect_status 3
	expect_in "$output" "0x8000000 to 0x80fffff is reserved (msi)"
	run_ctl --from "$BATS_TEST_TMPDIR/m" device map-check 01:00.0 0x9000000 64K
	expect_status 6
	expect_in "$output" "not seen before an attach"
}

@test "map-check: a process of another machine is not known" {
	run_ctl --demo device map-check 01:00.0 0x100000000 4K --pid 1
	expect_status 6
	expect_in "$output" "cannot be read"
}

@test "map-check: what is no number, and what excludes each other" {
	for a in "x 4K" "0x1000 4X" "0x1000 -1" "-1 4K" "0x1000 99999999999999999999" "0x1000 17179869184G" "0x1000 4K --pid 0" "0x1000 4K --pid x" \
		"0x1000 4K --memlock x" "0x1000 4K --pid 1 --memlock 1"; do
		# shellcheck disable=SC2086
		run_ctl --demo device map-check 01:00.0 $a
		expect_status 2
	done
	run_ctl --demo device map-check 77:00.0 0 4K
	expect_status 1
}
