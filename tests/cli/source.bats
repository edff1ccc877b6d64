#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# source.bats: where facts come from: trees, tars and snapshots, and what is wrong with them. Whatever it
# is, a warning names the place and the rest is still shown.
load lib

setup() {
	cd "$BATS_TEST_TMPDIR"
	M=$BATS_TEST_TMPDIR/m
	machine "$M" <<-'END'
		0000:00:01.0 type=root-port acs=1d/1d group=1 driver=pcieport
		0000:00:01.0/0000:01:00.0 group=2 driver=e1000e
		0000:02:00.0 group=4 class=010802 id=144d:a808 driver=nvme
	END
	D=$M/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0
}

devices() {
	run_ctl --from "$1" device list --noheadings --raw -o device
	expect_status 0
	[ "${output//$'\n'/ }" = "0000:00:01.0 0000:01:00.0 0000:02:00.0" ] || {
		printf '%s\n%s\n' "$output" "$stderr" >&2
		return 1
	}
}

# as_user COMMAND…: as somebody who may not read everything
as_user() {
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
	else
		"$@"
	fi
}

# open_up: nobody may come here
open_up() {
	chmod -R a+rX "$M"
	chmod a+x "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/.." "$BATS_RUN_TMPDIR" 2>/dev/null || true
}

@test "a tree, the contents of its sys, and every tar of it answer the same" {
	run_ctl --from "$M" -j group list
	expect_status 0
	json 'del(.source)' >want
	tar -C "$M" -cf all.tar sys
	tar -C "$M" -cf dot.tar .
	tar -C "$M" -czf packed.tar.gz sys
	tar -C "$M" --zstd -cf packed.tar.zst sys
	tar -C "$M" -cJf packed.tar.xz sys
	tar -C "$M" -cjf packed.tar.bz2 sys
	tar -C "$M" --format=ustar -cf ustar.tar sys
	tar -C "$M" --format=pax -cf pax.tar sys
	tar -C "$M/.." -cf prefix.tar m/sys
	tar -P -cf absolute.tar --transform "s,^$M,," "$M/sys"
	for t in *.tar*; do
		run_ctl --from "$t" -j group list
		expect_status 0
		json 'del(.source, .host, .boot_id)' | diff <(jq 'del(.host, .boot_id)' want) - || {
			echo "$t" >&2
			return 1
		}
	done
	devices "$M/sys"
	tar -C "$M/sys" -cf sys.tar .
	devices sys.tar
	tar -C "$M" -cf some.tar sys/class/iommu sys/kernel/iommu_groups sys/devices sys/bus/pci 2>/dev/null || true
	devices some.tar
}

@test "what GNU tar pads with zeros reads as it was" {
	find "$M/sys" -type f ! -name config -size -4096c -exec truncate -s 4096 {} +
	devices "$M"
	run_ctl --from "$M" -j group list
	echo "$output" >padded
	tar -cf padded.tar -C "$M" sys
	run_ctl --from padded.tar -j group list
	expect_json '.data[1].type' "$(jq -r '.data[1].type' padded)"
	expect_json '[.data[].devices[]?.driver] | join(",")' pcieport,e1000e,nvme
}

@test "a link that leads out is not followed, and said" {
	rm "$D/driver"
	ln -s /etc "$D/driver"
	ln -s ../../../../../../../../../../../etc "$M/sys/kernel/iommu_groups/7"
	run_ctl --from "$M" device list --noheadings --raw -o device
	expect_status 0
	tar -cf out.tar -C "$M" sys
	run_ctl --from out.tar device list --noheadings --raw -o device
	expect_status 0
	expect_not_in "$output" passwd
}

@test "links in circles end" {
	rm "$D/driver"
	ln -s driver "$D/driver"
	ln -sfn loop "$M/sys/bus/pci/devices/loop"
	run_ctl --from "$M" device list --noheadings --raw -o device
	expect_status 0
	expect_in "$output" 0000:01:00.0 0000:02:00.0
}

@test "dangling links: the others are shown" {
	rm -r "$D"
	run_ctl --from "$M" device list --noheadings --raw -o device
	expect_status 0
	expect_in "$output" 0000:00:01.0 0000:02:00.0
}

@test "attributes of no byte and of a million" {
	for f in "$D/uevent" "$D/vendor" "$M/sys/kernel/iommu_groups/2/type" "$M/sys/kernel/iommu_groups/2/reserved_regions"; do
		rm -f "$f"
		: >"$f"
		devices "$M"
		head -c 1048576 /dev/zero | tr '\0' x >"$f"
		devices "$M"
		[[ $f != *vendor ]] || continue
		run_ctl --from "$M" group list
		expect_status 0
	done
}

@test "attributes that are directories, pipes or nothing to read" {
	rm "$D/vendor" "$D/uevent"
	mkdir "$D/vendor"
	mkfifo "$D/uevent"
	run_ctl --from "$M" device list --noheadings --raw -o device
	expect_status 0
	expect_in "$output" 0000:01:00.0
}

@test "names with newlines, escape codes and broken UTF-8 stay data" {
	local odd=$'a\nb\e[31mc\xff'
	mkdir "$M/sys/bus/pci/drivers/$odd" "$M/sys/kernel/iommu_groups/$odd" "$M/sys/devices/$odd"
	ln -s "../../../devices/$odd" "$M/sys/bus/pci/devices/$odd"
	rm "$D/driver"
	ln -s "../../../../bus/pci/drivers/$odd" "$D/driver"
	run_ctl --from "$M" device list
	expect_status 0
	expect_not_in "$output$stderr" $'\e'
	run_ctl --from "$M" -j device list
	jq -e . <<<"$output" >/dev/null
	run_ctl --from "$M" snapshot save odd.snap
	expect_status 0
	expect_not_in "$output$stderr" $'\e'
	run_ctl --from odd.snap device list
	expect_status 0
}

@test "no permission is said, and is not the same as missing" {
	chmod 0 "$M/sys/kernel/iommu_groups/2/type"
	open_up
	chmod 0 "$M/sys/kernel/iommu_groups/2/type"
	run --separate-stderr as_user "$IOMMUCTL" --from "$M" group list --noheadings --raw -o group,type
	expect_status 0
	expect_in "$stderr" "Permission denied" sys/kernel/iommu_groups/2/type
	expect_in "$output" "1 DMA"
	rm -f "$M/sys/kernel/iommu_groups/2/type"
	run --separate-stderr as_user "$IOMMUCTL" --from "$M" group list --noheadings --raw -o group,type
	expect_not_in "$stderr" "Permission denied"
}

@test "a tree that may not be entered is an error with its name" {
	[ "$(id -u)" -ne 0 ] || open_up
	chmod 0 "$M"
	run --separate-stderr as_user "$IOMMUCTL" --from "$M" group list
	chmod 755 "$M"
	[ "$status" -eq 1 ] || [ "$status" -eq 7 ]
	expect_in "$stderr" "$M"
}

@test "a part that was not captured is not taken for missing" {
	rm -r "$M/sys/kernel"
	run_ctl --from "$M" group list
	expect_in "$stderr" "not captured"
	rm -r "$M/sys/devices"
	run_ctl --from "$M" device list
	[ "$status" -eq 0 ] || [ "$status" -eq 6 ]
	expect_in "$stderr" "not captured"
}

@test "what is no source is an error that says what would be one" {
	echo text >text
	: >empty
	mkdir nothing
	head -c 65536 /dev/urandom >noise
	tar -cf other.tar text
	for what in text empty nothing noise other.tar; do
		run_ctl --from "$what" group list
		expect_status 1
		expect_in "$stderr" "iommuctl: $what: " "hint: "
		run_ctl --from "$what" -j group list
		expect_json '.errors[0].code' source-unknown
	done
	run_ctl --from /dev/null group list
	expect_status 1
	run_ctl --from gone group list
	expect_status 1
	expect_in "$stderr" "gone: No such file"
}

@test "a cut archive is an error that names the place" {
	tar -C "$M" -cf whole.tar sys
	run_ctl --from "$M" snapshot save whole.snap
	size=$(stat -c %s whole.tar)
	for cut in 100 512 5000 $((size / 2)); do
		head -c "$cut" whole.tar >cut.tar
		run_ctl --from cut.tar group list
		expect_status 1
		expect_in "$stderr" "iommuctl: cut.tar"
	done
	size=$(stat -c %s whole.snap)
	for cut in 10 100 $((size / 2)) $((size - 1)); do
		head -c "$cut" whole.snap >cut.snap
		run_ctl --from cut.snap group list
		expect_status 1
		expect_in "$stderr" "iommuctl: cut.snap"
	done
}

@test "a bomb ends early, a traversal is refused" {
	mkdir -p bomb/sys/devices/a
	truncate -s 2G bomb/sys/devices/a/vendor
	tar -C bomb --zstd -cf bomb.tar.zst sys
	[ "$(stat -c %s bomb.tar.zst)" -lt 1000000 ]
	run_ctl --from bomb.tar.zst group list
	expect_status 1
	expect_in "$stderr" "the limit is" sys/devices/a/vendor
	tar -P -C "$M" -cf evil.tar sys --transform 's,^sys/bus$,../../evil,' 2>/dev/null
	run_ctl --from evil.tar group list
	expect_status 1
	expect_in "$stderr" "leads out of the archive"
	[ ! -e ../../evil ]
}

@test "a pipe is a source too" {
	tar -C "$M" -cf whole.tar sys
	run_ctl --from <(cat whole.tar) group list
	expect_status 0
}

@test "a hundred at once" {
	local pids=() bad=0
	for _ in {1..100}; do
		"$IOMMUCTL" --from "$M" -j group list >/dev/null &
		pids+=($!)
	done
	for p in "${pids[@]}"; do
		wait "$p" || bad=1
	done
	[ "$bad" -eq 0 ]
}

@test "a snapshot answers every reading command as the tree did" {
	run_ctl --from "$M" snapshot save m.snap
	expect_status 0
	for c in "iommu list" "group list" "device list" "group tree" "device show 0000:01:00.0" "group show 2" \
		"group explain 2" "group check 2" doctor; do
		"$IOMMUCTL" --from "$M" -j $c 2>/dev/null | jq -S 'del(.source)' >a
		"$IOMMUCTL" --from m.snap -j $c 2>/dev/null | jq -S 'del(.source)' >b
		diff a b || {
			echo "$c" >&2
			return 1
		}
	done
}

# With /sys hidden by an empty directory: what is asked is answered by what is missing.
@test "no /sys at all" {
	unshare -Urm true 2>/dev/null || [ "$(id -u)" -eq 0 ] || skip "no way to hide /sys here"
	local hide='mount -t tmpfs none /sys && exec "$0" "$@"'
	local -a ns=(unshare -m)
	[ "$(id -u)" -eq 0 ] || ns=(unshare -Urm)
	for c in "iommu list" "group list" "device list" "doctor" "snapshot save -"; do
		# shellcheck disable=SC2086
		run --separate-stderr "${ns[@]}" sh -c "$hide" "$IOMMUCTL" $c
		[ "$status" -lt 8 ]
		[ "$status" -ne 4 ]
	done
	run --separate-stderr "${ns[@]}" sh -c "$hide" "$IOMMUCTL" -j group list
	expect_json '.data | length' 0
}

# With hidepid=1 every process has its directory in /proc, and that of another user cannot even be listed.
@test "processes that may not be looked at are counted, and no answer is complete without them" {
	[ "$(id -u)" -eq 0 ] || skip "only root can hide processes"
	local hide='mount -t proc -o hidepid=1 proc /proc && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"'
	cp "$IOMMUCTL" here
	chmod a+rx here
	open_up
	unshare -m sh -c "$hide" sh ./here -V >/dev/null 2>&1 || skip "no way to hide processes here"
	unshare -m sh -c "$hide" sh ./here snapshot save - >held.snap
	tar --zstd -xOf held.snap iommuctl/holders.json >held.json
	[ "$(jq '.complete, .unseen > 0' held.json)" = $'false\ntrue' ]
}

@test "a name that is too long for a path is no device" {
	local long=usb/$(printf 'a%.0s' {1..1100})

	tar -C "$M" -cf m.tar sys
	for from in "$M" m.tar; do
		run_ctl --from "$from" device show "$long"
		expect_status 1
		[[ $stderr == *'no such device on this machine'* ]]
	done
}

# listed FILE: GROUP DEVICE CLASS DRIVER of each device in a group
listed() {
	run_ctl --from "$1" -j group list
	[ "$status" -eq 0 ]
	jq -r '.data[] | .group as $g | .devices[] | "\($g) \(.device) \(.class) \(.driver)"' <<<"$output"
}

@test "a listing of groups that somebody pasted, in the forms of find, ls, wikis' loops, lspci, pvesh, the kernel log" {
	cat >find <<-'END'
		$ find /sys/kernel/iommu_groups -type l
		/sys/kernel/iommu_groups/7/devices/0000:00:01.0
		/sys/kernel/iommu_groups/7/devices/0000:01:00.0
		/sys/kernel/iommu_groups/10/devices/fd4a0000.crypto
	END
	[ "$(listed find)" = "7 0000:00:01.0 null null
7 0000:01:00.0 null null
10 fd4a0000.crypto null null" ]
	cat >ls <<-'END'
		> /sys/kernel/iommu_groups/1/devices/:
		> total 0
		> lrwxrwxrwx 1 root root 0 Nov  1 10:00 0000:00:01.0 -> ../../../../devices/pci0000:00/0000:00:01.0
		> lrwxrwxrwx 1 root root 0 Nov  1 10:00 0000:01:00.0 -> ../../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0
		> /sys/kernel/iommu_groups/2/devices:
		> 0000:00:14.0  0000:00:14.2
		>
		> /sys/bus/pci/devices/0000:00:1f.0/iommu_group -> ../../../kernel/iommu_groups/10
	END
	[ "$(listed ls)" = "1 0000:00:01.0 null null
1 0000:01:00.0 null null
2 0000:00:14.0 null null
2 0000:00:14.2 null null
10 0000:00:1f.0 null null" ]
	cat >loop <<-'END'
		IOMMU Group 0 00:00.0 Host bridge [0600]: Vendor Chip [8086:3ec2] (rev 07)
		IOMMU Group 1 01:00.0 VGA compatible controller [0300]: Vendor Card [Model 5] [10de:1b81] (rev a1)
		IOMMU Group 1 01:00.1 Audio device [0403]: Vendor Card Audio [10de:10f0] (rev a1)

		00:00.0 Host bridge [0600]: Vendor Chip [8086:3ec2] (rev 07)
			Subsystem: Maker Board [1043:8694]
		01:00.0 VGA compatible controller [0300]: Vendor Card [Model 5] [10de:1b81] (rev a1)
			Kernel driver in use: vfio-pci
			Kernel modules: nouveau
		01:00.1 Audio device [0403]: Vendor Card Audio [10de:10f0] (rev a1)
			Kernel modules: snd_hda_intel
	END
	[ "$(listed loop)" = "0 0000:00:00.0 bridge null
1 0000:01:00.0 display vfio-pci
1 0000:01:00.1 audio null" ]
	run_ctl --from loop -j group check 1
	expect_json '.data[0].verdict' unknown
	run_ctl --from loop group check 1
	expect_in "$output" "0000:01:00.1 (no driver)"
	printf '%s\n' 'IOMMU Group 3:' $'\t0a:00.0 USB controller [0c03]: V C [1912:0014]' 'IOMMU group 4' \
		'[RESET] 0b:00.0 Ethernet controller [0200]: V C [8086:1533]' $'IOMMU group 9:\t[1022:790b] 00:14.0 SMBus: V C (rev 59)' \
		$'\t\t[1022:790e] 00:14.3 ISA bridge: V C' 'Group:  11  0000:02:00.0 Non-Volatile memory controller [0108]: V [144d:a80a]' \
		'<pre>IOMMU Group 14:' $'\t0e:00.0 USB controller [0c03]: V C [1912:0014]</pre>' 'IOMMU group: 15' 'Device: 0f:00.0' \
		'[0;32mIOMMU Group 16:[0m' $'\t[1;31m10:00.0 SATA controller [0106]: V C [1b21:0612][0m' '**IOMMU Group 12:**' '0c:00.0 0300: 10de:2204 (rev a1)' 'My IOMMU group 13 is odd, 0d:00.0 is in it.' >heads
	[ "$(listed heads)" = "3 0000:0a:00.0 usb null
4 0000:0b:00.0 network null
9 0000:00:14.0 serial null
9 0000:00:14.3 bridge null
11 0000:02:00.0 storage null
12 0000:0c:00.0 display null
14 0000:0e:00.0 usb null
15 0000:0f:00.0 null null
16 0000:10:00.0 storage null" ]
	# a driver in the device's line; tabs of an echo that knows none, or that prints its options
	cat >inline <<-'END'
		Group:  2   0000:00:01.1 PCI bridge [0604]: V C [1022:1483]   Driver: pcieport
		Group:  2   0000:01:00.0 Non-Volatile memory controller [0108]: V C [144d:a808]   Driver: nvme
		IOMMU Group 3:
		\t00:14.0 USB controller [0c03]: V C [8086:43ed] (rev 11)
		-e IOMMU Group 4:
		-e 	00:15.0 Serial bus controller [0c80]: V C [8086:43e8] (rev 11)
	END
	[ "$(listed inline)" = "2 0000:00:01.1 bridge pcieport
2 0000:01:00.0 storage nvme
3 0000:00:14.0 usb null
4 0000:00:15.0 serial null" ]
	cat >devbind <<-'END'
		Network devices using DPDK-compatible driver
		============================================
		0000:01:00.0 'I350 Gigabit Network Connection 1521' drv=vfio-pci unused=igb,uio_pci_generic
		Network devices using kernel driver
		===================================
		0000:01:00.1 'I350 Gigabit Network Connection 1521' if=eno2 drv=igb unused=vfio-pci *Active*
		0000:01:00.2 'I350 Gigabit Network Connection 1521' unused=igb,vfio-pci
		/sys/kernel/iommu_groups/7/devices/0000:01:00.0
		/sys/kernel/iommu_groups/7/devices/0000:01:00.1
		/sys/kernel/iommu_groups/7/devices/0000:01:00.2
	END
	[ "$(listed devbind)" = "7 0000:01:00.0 null vfio-pci
7 0000:01:00.1 null igb
7 0000:01:00.2 null null" ]
	run_ctl --from devbind group check 7
	expect_in "$output" "0000:01:00.2 (no driver)"
	printf '%s ' 'IOMMU Group 0 00:00.0 Host bridge [0600]: V C [8086:3ec2] (rev 07)' 'IOMMU Group 1 01:00.0 VGA compatible controller [0300]: V [10de:1b81]' \
		'01:00.1 Audio device [0403]: V [10de:10f0] (rev a1)' 'IOMMU group 2 02:00.0 USB controller [0c03]: V [1912:0014]' >oneline
	[ "$(listed oneline)" = "0 0000:00:00.0 bridge null
1 0000:01:00.0 display null
1 0000:01:00.1 audio null
2 0000:02:00.0 usb null" ]
	cat >lspci <<-'END'
		03:00.0 USB controller [0c03]: V C [1106:3483] (rev 01) (prog-if 30 [XHCI])
		        Flags: bus master, fast devsel, latency 0, IRQ 28, IOMMU group 12
		        Kernel driver in use: xhci_hcd
		00:1d.0 USB controller [0c03]: V C [8086:8c26] (rev 05)
			IOMMU group: 13
		Slot:	04:00.0
		Class:	Ethernet controller [0200]
		Vendor:	V [8086]
		Device:	C [125c]
		Driver:	igc
		IOMMUGroup:	17
	END
	[ "$(listed lspci)" = "12 0000:03:00.0 usb xhci_hcd
13 0000:00:1d.0 usb null
17 0000:04:00.0 network igc" ]
	cat >quoted <<-'END'
		IOMMU Group 5:
			00:14.0 "USB controller [0c03]" "Intel Corporation [8086]" "200 Series xHCI [a2af]" -p30 "ASRock Incorporation [1849]" "Device [a2af]"
			00:14.2 "1180" "8086" "a2b1" -r21 -p30 "1849" "a2b1"
			01:00.0 "VGA compatible controller" "NVIDIA Corporation" "GP107" -ra1 "" ""
	END
	[ "$(listed quoted)" = "5 0000:00:14.0 usb null
5 0000:00:14.2 signal null
5 0000:01:00.0 display null" ]
	# a line with names alone takes nothing from one with ids
	printf '%s\n' 'IOMMU Group 5:' '00:14.0 "USB controller [0c03]" "V [8086]" "C [a2af]"' '00:14.0 "USB" "V" "C" -p30' >twice
	run_ctl --from twice -j device list
	[ "$(jq -r '.data[] | "\(.device) \(.class) \(.vendor) \(.device_id)"' <<<"$output")" = "0000:00:14.0 usb 0x8086 0xa2af" ]
	cat >mangled <<-'END'
		IOMMU Group 0:”
		“t00:01.0 Host bridge Advanced Micro Devices, Inc. Device
		“IOMMU Group 12:”
		“t01:00.0 VGA compatible controller NVIDIA Corporation AD102 [GeForce RTX 4090] (rev a1)”
	END
	[ "$(listed mangled)" = "0 0000:00:01.0 bridge null
12 0000:01:00.0 display null" ]
	cat >pvesh <<-'END'
		│ class    │ device │ id           │ iommugroup │ vendor │ device_name
		╞══════════╪════════╪══════════════╪════════════╪════════╪═════════════
		│ 0x010601 │ 0xa282 │ 0000:00:17.0 │          5 │ 0x8086 │ SATA
		│ 0x030000 │ 0x2206 │ 0000:01:00.0 │         -1 │ 0x10de │
	END
	[ "$(listed pvesh)" = "5 0000:00:17.0 storage null" ]
	cat >dmesg <<-'END'
		[    0.2] pci 0000:00:02.0: [8086:3e92] type 00 class 0x030000 PCIe Root Complex Integrated Endpoint
		[    0.4] pci 0000:00:02.0: Adding to iommu group 2
		[    0.4] iommu: Adding device 0000:00:03.0 to group 3
		[    9.4] e1000e 0000:00:03.0: Removing from iommu group 3
		[   10.4] fsl_mc_bus dprc.1: Adding to iommu group 4
	END
	[ "$(listed dmesg)" = "2 0000:00:02.0 display null
4 dprc.1 null null" ]
}

@test "a kernel log is a listing, and its faults are those of that machine" {
	cat >dmesg <<-'END'
		[    0.400000] pci 0000:00:02.0: Adding to iommu group 2
		[  149.497305] DMAR: [DMA Read] Request device [00:02.0] PASID ffffffff fault addr 9c000000 [fault reason 06] PTE Read access is not set
	END
	run_ctl --from dmesg -j faults decode
	expect_json '.data[0] | "\(.device) \(.address) \(.group)"' "0000:00:02.0 0x9c000000 2"
	run_ctl --from dmesg doctor
	expect_in "$output" "An IOMMU is on, since there is 1 group."
	# a log that names no group is none
	sed -i 1d dmesg
	run_ctl --from dmesg faults decode
	[ "$status" -eq 1 ]
	expect_in "$stderr" "dmesg: not a snapshot"
}

@test "a listing without ids: the class is known by its name" {
	printf '%s\n' 'IOMMU Group 0:' $'\t00:00.0 Host bridge: V C' 'IOMMU Group 1:' $'\t01:00.0 Ethernet controller: V C' >noids
	run_ctl --from noids -j group list
	expect_json '.data[] | "\(.group) \(.verdict)"' "0 nothing-to-give
1 unknown"
	run_ctl --from noids -j device show 01:00.0
	expect_json '.data[0] | "\(.class) \(.class_code) \(.vendor) \(.name)"' "network 0x20000 null null"
}

@test "what a listing does not say is unknown, which is said once; two listings in one" {
	printf '%s\n' 'IOMMU Group 1:' $'\t00:01.0 PCI bridge [0604]: V C [8086:1901]' $'\t01:00.0 VGA compatible controller [0300]: V C [10de:1b81]' >one
	run_ctl --from one group list
	expect_in "$stderr" "a listing, not a snapshot"
	[ "$(wc -l <<<"$stderr")" -eq 1 ]
	run_ctl --from one -j group list
	expect_json '.data[0] | "\(.verdict) \(.viable)"' "unknown null"
	run_ctl --from one -v group list
	expect_in "$stderr" "driver of 0000:01:00.0: not captured"
	run_ctl --from one group explain 1
	expect_in "$output" "was not captured"
	run_ctl snapshot info one
	expect_in "$output" "listing"
	run_ctl --from one snapshot save kept.snap
	expect_status 6
	expect_in "$stderr" "a listing has no files" "hint: keep the listing"
	{ cat one; printf '%s\n' 'IOMMU Group 2:' $'\t01:00.0 VGA compatible controller [0300]: V C [10de:1b81]'; } >two
	run_ctl --from two group list
	expect_in "$stderr" "1 device is named again, in another group"
	[ "$(listed two)" = "$(listed one)" ]
	echo '01:00.0 VGA compatible controller [0300]: V C [10de:1b81]' >alone
	run_ctl --from alone group list
	expect_in "$stderr" "it names no IOMMU group"
	[ "$(run_ctl --from alone -j device list; jq -r '.data[].device' <<<"$output")" = 0000:01:00.0 ]
	yes 'IOMMU Group 1 00:00.0 Host bridge' | head -c 17000000 >large
	run_ctl --from large group list
	expect_status 1
}

@test "a listing: a device of a bus that is not known may be one to give" {
	echo /sys/kernel/iommu_groups/5/devices/acme.12 >"$BATS_TEST_TMPDIR/l"
	run_ctl --from "$BATS_TEST_TMPDIR/l" -j group check 5
	expect_json '.data[0] | .verdict + " " + .reasons[0].code' "unknown driver-unknown"
}
