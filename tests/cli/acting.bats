#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Commands that act: what they say before they look at a device. What they do is tested in tests/vm.
load lib

@test "acting needs this machine: --from is a mistake" {
	for verb in "bind 00:03.0" "unbind 00:03.0" "restore --all" "vfs 00:03.0 2"; do
		# shellcheck disable=SC2086
		run_ctl --from demo device $verb
		expect_status 2
		expect_in "$stderr" "acts, and that machine is not here"
		# shellcheck disable=SC2086
		run_ctl -j --from demo device $verb
		expect_status 2
		[ "$(jq -r '.errors[0].code' <<<"$output")" = not-here ]
	done
}

@test "a timeout is a number of seconds" {
	for t in x -1 1x 1e99 nan; do
		run_ctl device restore --all --timeout="$t"
		expect_status 2
	done
}

@test "restore wants devices or --all, and not both" {
	run_ctl device restore
	expect_status 2
	run_ctl device restore --all 00:03.0
	expect_status 2
}

@test "bind wants a device" {
	run_ctl device bind
	expect_status 2
}

@test "a bridge on a driver that uses the DMA API loses it with --group, and goes to no other" {
	local tree=$BATS_TEST_TMPDIR/m bridge
	mkdir "$tree"
	tar -C "$tree" -xf "${BATS_TEST_DIRNAME%/tests/cli}/tests/hosts/vtd.snap" --exclude=iommuctl/manifest.json
	mkdir -p "$tree/sys/bus/pci/drivers/shpchp"
	bridge=$(readlink -f "$tree/sys/bus/pci/devices/0000:06:00.0")
	ln -s ../../../../bus/pci/drivers/shpchp "$bridge/driver"
	run_ctl -j -M --from "$tree" device bind --group 07:01.0
	expect_status 0
	[ "$(jq -r '[.data[] | "\(.device) \(.driver_before) \(.driver)"] | sort | join(", ")' <<<"$output")" = \
		"0000:06:00.0 shpchp null, 0000:07:01.0 e1000 vfio-pci, 0000:07:02.0 e1000 vfio-pci" ]
	run_ctl -M --from "$tree" device bind 06:00.0
	expect_status 6
	expect_in "$stderr" "a bridge is nothing to give away"
}

@test "vfs wants a physical function and a number" {
	run_ctl device vfs 00:03.0
	expect_status 2
	for n in x -1 1x 65536 ''; do
		run_ctl device vfs -n 00:03.0 -- "$n"
		expect_status 2
	done
}
