#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# ungrouped.bats: devices that are in no IOMMU group though others of the machine are: iommuctl says why, as the kernel does.

# shellcheck disable=SC2154
bats_require_minimum_version 1.5.0
load lab

@test "who has no group is told why: another one has the stream id, or there is no SMMU before it" {
	local d n=0

	for d in "$devices"/*; do
		[ ! -e "$d/iommu_group" ] || continue
		d=${d##*/}
		n=$((n + 1))
		run -6 --separate-stderr iommuctl group check "$d"
		case $LAB_TOPOLOGY in
		smmuv3-bridge)
			# the kernel said so at boot
			dmesg | grep -q "$d: Aliasing StreamID 0x500 (from 0000:05:01.0)"
			[[ $stderr == *"stream id 0x500, which the SMMU's driver has given to 0000:05:01.0"* ]]
			[[ $(iommuctl doctor) == *"$d is in no IOMMU group: its requests carry stream id 0x500"* ]] ;;
		*)
			[[ $stderr == *"firmware leads its requests to no SMMU"* ]]
			[[ $(iommuctl doctor) == *"firmware leads its requests to no SMMU"* ]] ;;
		esac
	done
	case $LAB_TOPOLOGY in
	smmuv3)	[ $n -eq 0 ] ;;
	*)	[ $n -gt 0 ] ;;
	esac
}
