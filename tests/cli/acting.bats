#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Commands that act: what they say before they look at a device. What they do is tested in tests/vm.
load lib

@test "who is not root is told so, and what he can do" {
	[ "$(id -u)" = 0 ] || skip "only root can be somebody else"
	local args away
	away=$(mktemp -d)
	cp "$IOMMUCTL" "$away/iommuctl"
	chmod 755 "$away" "$away/iommuctl"
	for args in "device bind 00:00.0" "device unbind 00:00.0" "device restore --all" "group set-type 0 DMA"; do
		# shellcheck disable=SC2086
		run --separate-stderr setpriv --reuid=65534 --regid=65534 --clear-groups "$away/iommuctl" $args
		expect_status 7
		[ "$stderr" = "iommuctl: this machine: only root may change its devices (/run/iommuctl)
hint: run it as root; -M rehearses it on a model" ]
	done
	rm -r "$away"
}

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

# The sample machine as a tree in $tree, with a bridge on a driver that uses the DMA API.
bridge_on_shpchp() {
	local bridge

	mkdir "$tree"
	tar -C "$tree" -xf "${BATS_TEST_DIRNAME%/tests/cli}/tests/hosts/vtd.snap" --exclude=iommuctl/manifest.json
	mkdir -p "$tree/sys/bus/pci/drivers/shpchp"
	bridge=$(readlink -f "$tree/sys/bus/pci/devices/0000:06:00.0")
	ln -s ../../../../bus/pci/drivers/shpchp "$bridge/driver"
}

@test "a bridge on a driver that uses the DMA API loses it with --group, and goes to no other" {
	local tree=$BATS_TEST_TMPDIR/m

	bridge_on_shpchp
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

@test "so it is with objects of a session, and with the session" {
	local s=t$$o

	run -4 --separate-stderr bash -c "\"\$IOMMUCTL\" session start --demo $s >/dev/full"
	expect_in "$stderr" "session start: it is done, and could not be told" "hint: iommuctl session list"
	run -4 --separate-stderr bash -c "\"\$IOMMUCTL\" --session $s ioas alloc >/dev/full"
	expect_in "$stderr" "hint: iommuctl object tree"
	"$IOMMUCTL" --session "$s" ioas alloc as mem
	run -4 --separate-stderr bash -c "\"\$IOMMUCTL\" --session $s -j ioas map mem 2M >/dev/full"
	run -4 --separate-stderr bash -c "\"\$IOMMUCTL\" --session $s -j object destroy --all >/dev/full"
	run -1 --separate-stderr bash -c "\"\$IOMMUCTL\" --session $s -j object tree >/dev/full"
	run -1 --separate-stderr bash -c "\"\$IOMMUCTL\" --demo batch - >/dev/full" <<<"ioas alloc"
	run -4 --separate-stderr bash -c "\"\$IOMMUCTL\" -j session stop $s >/dev/full"
	run -1 --separate-stderr "$IOMMUCTL" session stop "$s"
}

@test "a dry run of restore says what would be refused" {
	run_ctl --demo batch - <<-END
		device bind --group 06:00.0
		device open 06:00.0 as disk
		expect 1 device restore -n --all
		expect 1 device restore --all
		device close disk
		device bind --group 06:00.0
		device restore -n --all
		device list -o device,driver --raw
	END
	expect_status 0
	grep -x "0000:06:00.0 vfio-pci" <<<"$output"
}

@test "a rehearsal writes nothing that the next boot of this machine would read" {
	local conf=/etc/iommuctl/bindings.d before
	before=$(find "$conf" 2>/dev/null || :)
	run_ctl --demo device bind --persist --group 06:00.0
	expect_status 0
	expect_in "$output" moved
	[ "$(find "$conf" 2>/dev/null || :)" = "$before" ]
	run_ctl --demo device bind -n --persist --group 06:00.0
	expect_status 0
	[ "$(find "$conf" 2>/dev/null || :)" = "$before" ]
	run_ctl --demo batch - <<-END
		device bind --persist --group 06:00.0
		device unbind --persist 06:00.0 07:00.0
		device restore --all
	END
	expect_status 0
	[ "$(find "$conf" 2>/dev/null || :)" = "$before" ]
}

# a machine whose disk is on its own driver, and has four virtual functions
sriov_tree() {
	local tree=$BATS_TEST_TMPDIR/m
	mkdir "$tree"
	tar -C "$tree" -xf "${BATS_TEST_DIRNAME%/tests/cli}/tests/hosts/vtd-sriov.snap" --exclude=iommuctl/manifest.json
	ln -s ../../../../bus/pci/drivers/nvme "$(readlink -f "$tree/sys/bus/pci/devices/0000:01:00.0")/driver"
	echo "$tree"
}

@test "virtual functions come back when their physical one has moved in between" {
	run_ctl -M --from "$(sriov_tree)" batch - <<-END
		device vfs 01:00.0 0
		device bind 01:00.0
		device restore -n --all
		device restore --all
		device list -o device,driver --raw
	END
	expect_status 0
	expect_in "$output" "0000:01:00.0 nvme" "0000:01:00.1 vfio-pci" "0000:01:00.4 vfio-pci" "nothing was moved"
}

@test "the last line of a batch names what stays of virtual functions and types, too" {
	local tree
	tree=$(sriov_tree)
	run_ctl -M --from "$tree" batch - <<-END
		device vfs --driver none 01:00.0 4
		device vfs 01:00.0 2
	END
	expect_status 0
	[ "$(tail -1 <<<"$output")" = "2 commands; stays: 0000:01:00.0 with 2 virtual functions" ]
	run_ctl -M --from "$tree" batch - <<-END
		device vfs --driver none 01:00.0 4
		device bind --driver nvme 01:00.2
	END
	expect_in "$(tail -1 <<<"$output")" "0000:01:00.1 on no driver" "0000:01:00.2 on nvme"
	run_ctl -M --from "$tree" -j batch - <<-END
		group set-type --force 6 identity
		group set-type --force 6 DMA-FQ
		group set-type 6 identity --force
	END
	[ "$(jq -rs '.[-1].data[0].stays[0] | "\(.what) \(.how)"' <<<"$output")" = "group 6 of type identity" ]
}

@test "what keeps one device from being restored keeps no other from it" {
	run_ctl --demo batch -k - <<-END
		device bind --group 06:00.0
		device vfs --wait --force 0a:00.0 0
		device vfs --driver vfio-pci 0a:00.0 1
		expect 5 device restore --all
		device list -o device,driver --raw
	END
	expect_status 0
	grep -x "0000:06:00.0 nvme" <<<"$output"
	grep -x "0000:07:00.0 virtio-pci" <<<"$output"
	grep -x "0000:0a:00.1 vfio-pci" <<<"$output"
}

@test "what stands in the way is said of the device that it is about" {
	run_ctl -j --demo device bind --group 06:00.0 00:1f.2
	expect_status 5
	[ "$(json '[.errors[] | "\(.code) \(.what)"] | unique | join(", ")')" = "direct-region 0000:00:1f.2" ]
}

# at_boot TREE DEV DRIVER: what bind --persist would have written
at_boot() {
	local way
	way=$(readlink -f "$1/sys/bus/pci/devices/$2" | sed -E 's,.*/pci([^/]*),\1,; s,/[0-9a-f]+:[0-9a-f]+:,/,g')
	mkdir -p "$1/etc/iommuctl/bindings.d"
	printf 'path=%s\nid=%s:%s\ndriver=%s\nwas=none\n' "$way" "$(sed 's/0x//' "$1/sys/bus/pci/devices/$2/vendor")" \
		"$(sed 's/0x//' "$1/sys/bus/pci/devices/$2/device")" "$3" >"$1/etc/iommuctl/bindings.d/${way//\//-}.conf"
}

@test "a driver whose name cannot be written down for the next boot is said now, not then" {
	local tree=$BATS_TEST_TMPDIR/m nic
	mkdir "$tree"
	tar -C "$tree" -xf "${BATS_TEST_DIRNAME%/tests/cli}/tests/hosts/vtd-sriov.snap" --exclude=iommuctl/manifest.json
	mkdir "$tree/sys/bus/pci/drivers/hexium HV-PCI6"
	nic=$(readlink -f "$tree/sys/bus/pci/devices/0000:01:00.4")
	rm -f "$nic/driver"
	ln -s "../../../../bus/pci/drivers/hexium HV-PCI6" "$nic/driver"
	run_ctl -M --from "$tree" device bind --persist 01:00.4
	expect_status 6
	expect_in "$stderr" "cannot be written down for the next boot: vfio-pci, now hexium HV-PCI6"
	run_ctl -M --from "$tree" device bind 01:00.4
	expect_status 0
}

@test "at boot a group is judged although a bridge of it comes first, which only loses its driver" {
	local tree=$BATS_TEST_TMPDIR/m

	bridge_on_shpchp
	at_boot "$tree" 0000:06:00.0 none
	at_boot "$tree" 0000:07:01.0 vfio-pci
	run_ctl -M --from "$tree" __persisted 07:01.0
	expect_status 5
	expect_in "$stderr" "0000:07:02.0: it is on e1000 and in the same group"
}

@test "what was bound at boot and cannot be written down is no success" {
	local tree=$BATS_TEST_TMPDIR/m hash n=0

	load fail
	FAIL_LIB=${IOMMUCTL%/*}/tests/unit/fail-nth.so
	mkdir "$tree"
	tar -C "$tree" -xf "${BATS_TEST_DIRNAME%/tests/cli}/tests/hosts/vtd.snap" --exclude=iommuctl/manifest.json
	at_boot "$tree" 0000:07:01.0 vfio-pci
	at_boot "$tree" 0000:07:02.0 vfio-pci
	inject FAIL_WHAT=calls FAIL_LOG="$tree.log" "$IOMMUCTL" -M --from "$tree" __persisted 07:01.0
	while read -r hash; do
		n=$((n + 1))
		run --separate-stderr inject FAIL_WHAT=calls FAIL_SITE="$hash:1" "$IOMMUCTL" -M --from "$tree" __persisted 07:01.0
		[ "$status" -eq 1 ] || expect_status 4
		expect_in "$stderr" "the journal cannot be written: No space left on device"
	done < <(awk '$1 == "renameat" { print $2 }' "$tree.log")
	[ "$n" -ge 3 ]
}
