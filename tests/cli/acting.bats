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

@test "a driver is a name, not a way" {
	for d in ../devices . .. a/b "$(printf 'a\nb')" "$(printf 'x%.0s' {1..200})"; do
		run_ctl --demo device bind --driver "$d" 01:00.0
		expect_status 2
		expect_in "$stderr" "not the name of a driver"
		run_ctl --demo device vfs --driver "$d" 0a:00.0 2
		expect_status 2
	done
}

@test "devices of other buses are named by bus and name, and guarded by what hangs on them" {
	local tree=$BATS_TEST_TMPDIR/m dir
	mkdir "$tree"
	machine "$tree" <<-END
		0000:00:03.0 type=root-port acs=1d/1d group=1 driver=pcieport
		0000:00:1e.0 group=7 driver=virtio-pci
		other virtio sys/devices/pci0000:00/0000:00:1e.0/virtio1 driver=virtio_blk
		other platform sys/devices/pci0000:00/0000:00:1e.0/thing.1 driver=thing
	END
	dir=$tree/sys/devices/pci0000:00/0000:00:1e.0/virtio1
	put "$dir/block/vda/dev" 252:0
	link "$tree/sys/block/vda" ../devices/pci0000:00/0000:00:1e.0/virtio1/block/vda
	link "$tree/sys/class/block/vda" ../../devices/pci0000:00/0000:00:1e.0/virtio1/block/vda
	put "$tree/proc/1/mountinfo" "30 1 252:0 / /srv rw - ext4 /dev/vda rw"
	run_ctl --from "$tree" device guard virtio/virtio1
	expect_status 3
	expect_in "$output" "vda is mounted on /srv"
	run_ctl -M --from "$tree" device bind virtio/virtio1
	expect_status 6
	expect_in "$stderr" "no driver gives devices of its bus to user space"
	run_ctl -M --from "$tree" device bind --driver vfio-pci virtio/virtio1
	expect_status 6
	expect_in "$stderr" "devices of the virtio bus are in no IOMMU group" "it sits on 0000:00:1e.0: name that one"
	run_ctl -M --from "$tree" device bind platform/thing.1
	expect_status 6
	expect_in "$stderr" "no IOMMU covers it: it is in no group"
	run_ctl -M --from "$tree" device bind --driver virtio_net virtio/virtio1
	expect_status 6
	expect_in "$stderr" "the model has the PCI devices, and of other buses those that are in a group"
	run_ctl --from "$tree" device guard virtio/virtio2
	expect_status 1
	expect_in "$stderr" "no such device"
}

@test "vfs wants a physical function and a number" {
	run_ctl device vfs 00:03.0
	expect_status 2
	for n in x -1 1x 65536 ''; do
		run_ctl device vfs -n 00:03.0 -- "$n"
		expect_status 2
	done
}

@test "what is done and cannot be told is exit 4, not 1: the machine is no longer as before" {
	local s=t$$ format

	"$IOMMUCTL" session start --demo "$s" >/dev/null
	for format in "" --json --raw; do
		run -4 --separate-stderr bash -c "\"\$IOMMUCTL\" $format --session $s device bind --group 09:01.0 >/dev/full"
		expect_in "$stderr" "cannot write the output: No space left on device" "device bind: it is done, and could not be told" "hint: iommuctl device list"
		[ "$("$IOMMUCTL" --session "$s" -j device list -o device,driver | jq -r '.data[] | select(.device == "0000:09:01.0").driver')" = vfio-pci ]
		run -1 --separate-stderr bash -c "\"\$IOMMUCTL\" $format --session $s device bind --group 09:01.0 >/dev/full"
		run -4 --separate-stderr bash -c "\"\$IOMMUCTL\" $format --session $s device restore --all >/dev/full"
		[ "$("$IOMMUCTL" --session "$s" -j device list -o device,driver | jq -r '.data[] | select(.device == "0000:09:01.0").driver')" != vfio-pci ]
		run -1 --separate-stderr bash -c "\"\$IOMMUCTL\" $format --session $s device bind --dry-run 09:01.0 >/dev/full"
	done
	run -4 --separate-stderr bash -c "\"\$IOMMUCTL\" --session $s group set-type 14 identity --force >/dev/full"
	"$IOMMUCTL" session stop "$s"
}
