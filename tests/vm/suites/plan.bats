#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# plan.bats: plan --verify on this kernel: what it tries is done, agrees with the plan, and nothing of it is left.

# variables of lab.bash
# shellcheck disable=SC2154
load lab

nic=0000:01:00.0 edu=0000:02:00.0

# plan_batch DEV…: both on vfio-pci, the plan tried; $output is the record and what objects were left.
plan_batch() {
	iommuctl batch - <<-END
		device bind --force $nic
		device bind --force $edu
		plan -j --verify $*
		object tree -j
		device restore $nic
		device restore $edu
	END
}

@test "two devices are tried on the kernel, and it agrees" {
	local first="alloc done"

	# no file tells beforehand that QEMU's SMMUv3 does not nest
	[[ $LAB_TOPOLOGY != smmuv3* ]] || first="alloc EOPNOTSUPP, alloc done"
	output=$(plan_batch $nic $edu)
	plan=$(grep '"iommuctl.plan/1"' <<<"$output")
	echo "$plan" >&2
	[ "$(jq -r '.data[0].tried | map(.what + " " + (.error // "done")) | join(", ")' <<<"$plan")" = \
		"open done, $first, attach done, open done, attach done" ]
	[ "$(jq -r '.data[0] | [.as_planned, .tables_verified, .verdict] | tostring' <<<"$plan")" = '[true,1,"ready"]' ]
	[ "$(grep '"iommuctl.object.tree/1"' <<<"$output" | jq '.data | length')" = 0 ]
}

@test "a table that is there is tried first, and stays" {
	output=$(
		iommuctl batch - <<-END
			device bind --force $nic
			device bind --force $edu
			device open $edu as edu
			ioas alloc as mem
			hwpt alloc mem --device edu as mine
			plan -j --verify $nic
			object destroy mine
			device close edu
			device restore $nic
			device restore $edu
		END
	)
	[ "$(grep '"iommuctl.plan/1"' <<<"$output" | jq -r '.data[0].tried | map(.what + " " + (.table // "-") + " " + (.error // "done")) | join(", ")')" = \
		"open - done, attach mine done" ]
}

@test "nothing was left behind in the kernel's log" {
	! dmesg | grep -E 'WARNING:|BUG:|Oops'
}
