#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# first.bats: the README's script, line by line as it stands there, on this machine's kind of IOMMU; and on the model of the machine,
# which says the same.
load act

setup() {
	lab_tool
	unset IOMMUCTL_SESSION
	# virtio-iommu's interrupts are not isolated: said to be fine, or no device could be claimed
	parameter=/sys/module/iommufd/parameters/allow_unsafe_interrupts
	unsafe=$(cat "$parameter")
	[ "$LAB_TOPOLOGY" != virtio-iommu ] || echo Y >"$parameter"
}

teardown() {
	iommuctl session stop first 2>/dev/null || :
	iommuctl device restore --all
	echo "$unsafe" >"$parameter"
}

# script DEV OPTIONS...: what it prints, without the names of nodes, which are the kernel's choice
script() {
	sh -e /share/examples/first.sh "$@" | sed 's/ *\/dev\/vfio[^ ]*//g; s/  */ /g; s/ $//'
	return "${PIPESTATUS[0]}"
}

@test "the README's script: binds, maps, attaches, replaces, and cleans up" {
	local dev before

	dev=$(act_single)
	before=$(lab_driver "$dev")
	script "$dev" >"$BATS_TEST_TMPDIR/kernel"
	cat "$BATS_TEST_TMPDIR/kernel"
	grep -q '^dev1: attached to hwpt1$' "$BATS_TEST_TMPDIR/kernel"
	grep -q '^dev1: attached to hwpt2$' "$BATS_TEST_TMPDIR/kernel"
	grep -q '^0x10000000$' "$BATS_TEST_TMPDIR/kernel"
	[ "$(lab_driver "$dev")" = "$before" ]
	[ -z "$(iommuctl --raw --noheadings session list)" ]
	script "$dev" -M >"$BATS_TEST_TMPDIR/model"
	diff "$BATS_TEST_TMPDIR/kernel" "$BATS_TEST_TMPDIR/model"
}
