#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapshot.bats: saving what is known about a machine, and reading it back.

load lib

# machine ROOT: a small one, with something private in it
machine() {
	local d=$1/sys/devices/pci0000:00/0000:00:03.0
	put "$d/vendor" 0x8086
	put "$d/class" 0x020000
	put "$d/rom" never
	put "$d/resource0" never
	put "$d/serial" SN123456
	put "$d/net/eth0/address" 52:54:00:12:34:56
	put "$d/net/eth0/ifindex" 2
	link "$d/iommu_group" ../../../kernel/iommu_groups/1
	link "$1/sys/bus/pci/devices/0000:00:03.0" ../../../devices/pci0000:00/0000:00:03.0
	link "$1/sys/kernel/iommu_groups/1/devices/0000:00:03.0" ../../../../devices/pci0000:00/0000:00:03.0
	put "$1/sys/kernel/iommu_groups/1/type" DMA
	put "$1/sys/class/mem/null/dev" 1:3
	put "$1/proc/cmdline" "root=UUID=b1f0c6a2-1111-2222-3333-444455556666 ip=192.168.7.9::192.168.7.1 quiet"
	put "$1/proc/mounts" "/dev/mapper/luks-b1f0c6a2-1111-2222-3333-444455556666 / ext4 rw 0 0"
	put "$1/proc/sys/kernel/hostname" testbox
	put "$1/proc/sys/kernel/osrelease" 6.12.0
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	machine tree
}

@test "a tree becomes a snapshot, and info says what is in it" {
	run_ctl --from tree -j snapshot save box.snap
	expect_status 0
	expect_json '.data[0].host' testbox
	run_ctl -j snapshot info box.snap
	expect_status 0
	expect_json '.schema' iommuctl.snapshot.info/1
	expect_json '.data[0] | [.kind,.host,.kernel,.format,.root,.full,.groups,.pci_devices] | @csv' \
		'"snapshot","testbox","6.12.0",1,,false,1,1'
	run_ctl snapshot info box.snap
	expect_in "$output" testbox 6.12.0
}

@test "the manifest comes first, and tar can read it all" {
	run_ctl --from tree snapshot save box.snap
	[ "$(tar --zstd -tf box.snap | head -n1)" = iommuctl/manifest.json ]
	tar --zstd -xOf box.snap iommuctl/manifest.json | jq -e '.schema == "iommuctl.snapshot/1"'
}

@test "what is private or dangerous is not in it" {
	run_ctl --from tree snapshot save box.snap
	mkdir out && tar --zstd -C out -xf box.snap
	[ ! -e out/sys/devices/pci0000:00/0000:00:03.0/rom ]
	[ ! -e out/sys/devices/pci0000:00/0000:00:03.0/resource0 ]
	[ -e out/sys/devices/pci0000:00/0000:00:03.0/net/eth0/ifindex ]
	run grep -rlE '52:54:00|SN123456|192\.168|b1f0c6a2' out
	[ -z "$output" ]
	# one pseudonym for one UUID
	uuid=$(sed 's/.*UUID=\([^ ]*\).*/\1/' out/proc/cmdline)
	[[ $uuid =~ ^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$ ]]
	grep -q "luks-$uuid " out/proc/mounts
	grep -q ' ip=x quiet' out/proc/cmdline
}

@test "--full keeps what is private, and still nothing dangerous" {
	run_ctl --from tree -j snapshot save --full box.snap
	expect_json '.data[0].full' true
	mkdir out && tar --zstd -C out -xf box.snap
	grep -q 52:54:00:12:34:56 out/sys/devices/pci0000:00/0000:00:03.0/net/eth0/address
	grep -q SN123456 out/sys/devices/pci0000:00/0000:00:03.0/serial
	grep -q b1f0c6a2 out/proc/cmdline
	[ ! -e out/sys/devices/pci0000:00/0000:00:03.0/rom ]
}

@test "- is standard output" {
	"$IOMMUCTL" --from tree snapshot save - >box.snap
	run_ctl -j snapshot info box.snap
	expect_json '.data[0].host' testbox
	run_ctl --from tree -j snapshot save -
	expect_status 2
	expect_in "$stderr" "name a file"
	run_tty 80 --from tree snapshot save -
	[ "$status" -eq 2 ]
}

@test "a file that is no snapshot is not overwritten" {
	echo precious >file
	run_ctl --from tree snapshot save file
	expect_status 5
	expect_in "$stderr" "it exists and is no snapshot" --force
	[ "$(cat file)" = precious ]
	run_ctl --from tree snapshot save --force file
	expect_status 0
	run_ctl --from tree snapshot save file
	expect_status 0
}

@test "a snapshot appears whole or not at all" {
	run_ctl --from tree snapshot save nowhere/box.snap
	expect_status 1
	expect_in "$stderr" "cannot write nowhere/box.snap" "No such file"
	run_ctl --from tree snapshot save .
	expect_status 1
	run_ctl --from tree snapshot save box.snap
	cp box.snap before
	# the disk is full half way
	(
		ulimit -f 0
		trap '' XFSZ
		"$IOMMUCTL" --from tree snapshot save box.snap
	) && return 1
	cmp box.snap before
	[ "$(echo box.snap*)" = box.snap ]
	run_ctl --from tree snapshot save /dev/full
	expect_status 1
}

@test "unreadable there, unreadable here; missing stays missing" {
	chmod 0 tree/sys/kernel/iommu_groups/1/type
	run_user() { "$@"; }
	[ "$(id -u)" -ne 0 ] || {
		chmod -R a+rX tree && chmod 0 tree/sys/kernel/iommu_groups/1/type
		chmod 755 . .. "$BATS_RUN_TMPDIR" 2>/dev/null
		run_user() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
	}
	run_user "$IOMMUCTL" --from "$PWD/tree" snapshot save - >box.snap
	run_ctl -j snapshot info box.snap
	expect_json '.data[0].unreadable[] | select(.path == "sys/kernel/iommu_groups/1/type") | .errno' EACCES
	expect_json '.data[0].unreadable[] | select(.path | test("iommu_groups/1/name")) | .errno' ""
}

@test "a snapshot of a snapshot says the same" {
	run_ctl --from tree snapshot save one.snap
	run_ctl --from one.snap snapshot save two.snap
	mkdir 1 2
	tar --zstd -C 1 -xf one.snap
	tar --zstd -C 2 -xf two.snap
	rm 1/iommuctl/manifest.json 2/iommuctl/manifest.json
	# pseudonyms are drawn anew
	diff -r --no-dereference -x cmdline -x mounts 1 2
}

@test "an unpacked snapshot is one still" {
	run_ctl --from tree snapshot save box.snap
	mkdir out && tar --zstd -C out -xf box.snap
	run_ctl -j snapshot info out
	expect_json '.data[0] | [.kind,.host,.groups] | @csv' '"snapshot","testbox",1'
}

@test "info takes a tar made by hand, a tree and the demo" {
	tar -cf hand.tar -C tree sys
	run_ctl -j snapshot info hand.tar
	expect_json '.data[0] | [.kind,.groups,.pci_devices] | @csv' '"tar",1,1'
	run_ctl -j snapshot info tree
	expect_json '.data[0].kind' tree
	run_ctl -j snapshot info demo
	expect_status 0
	expect_json '.data[0] | .kind == "snapshot" and .groups > 5 and .format == 1' true
}

@test "info of what is none is an error with a hint" {
	echo hello >text
	run_ctl snapshot info text
	expect_status 1
	expect_in "$stderr" "iommuctl: text: not a snapshot, a tar or a directory" "hint: "
	run_ctl snapshot info gone
	expect_status 1
	expect_in "$stderr" "iommuctl: gone: No such file or directory"
	run_ctl --from tree snapshot info box.snap
	expect_status 2
	run_ctl snapshot info
	expect_status 2
}

@test "this machine can be captured" {
	run_ctl -j snapshot save here.snap
	expect_status 0
	expect_json '.data[0].kernel' "$(uname -r)"
	expect_json '.data[0].root' "$([ "$(id -u)" -eq 0 ] && echo true || echo false)"
	run_ctl -j snapshot info here.snap
	expect_json '.data[0].host' "$(uname -n)"
}

@test "a manifest that says anything is told as far as it makes sense" {
	mkdir tree/iommuctl
	echo '{"format":1,"sections":[null,1,["x"],"kmsg.json",{}],"unreadable":[null,7,{"path":null},{"errno":"EACCES"},{"path":"x","errno":5}],
		"counts":[],"time":7,"host":{},"full":"no","allow_list":"many"}' >tree/iommuctl/manifest.json
	tar -C tree -cf odd.tar .
	for from in tree odd.tar; do
		run_ctl -j snapshot info "$from"
		expect_status 0
		expect_json '.data[0].sections | tojson' '["kmsg.json"]'
		expect_json '.data[0] | [.kind, .time, .host, .files] | tojson' '["snapshot",null,null,null]'
		run_ctl snapshot info "$from"
		expect_status 0
	done
}
