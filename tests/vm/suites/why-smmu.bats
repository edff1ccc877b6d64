#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# why-smmu.bats: the failure that only an IOMMU which translates interrupts has; iommuctl has to name the function where it was born, and why.

# shellcheck disable=SC2154
bats_require_minimum_version 1.5.0
load lab
load owner
load why

@test "an interrupt armed before the device is attached: ENOSPC, born where the doorbell would be mapped" {
	lab_move $alone
	printf '%s\n' "device open $alone as d" "device irq d arm --force" >"$BATS_TEST_TMPDIR/early"
	why irq iommuctl -q batch "$BATS_TEST_TMPDIR/early"
	[ "$(first '[.call, .err, .device, .born_in]')" = "[\"VFIO_DEVICE_SET_IRQS\",\"ENOSPC\",\"$alone\",\"iommu_dma_prepare_msi\"]" ]
	[[ $(first .meaning) == *"attach the device first"* ]]
	report_agrees $alone
}
