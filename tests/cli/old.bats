#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Files of earlier versions stay readable: tests/fixtures/old, which are never made anew. The journal's and the bindings' are in the unit tests.
load lib

setup() {
	old=${IOMMUCTL_SRCDIR:-.}/tests/fixtures/old
	S=t$$-$BATS_TEST_NUMBER
	dir=$IOMMUCTL_SESSION_DIR
}

teardown() {
	"$IOMMUCTL" session stop "$S" 2>/dev/null || true
}

@test "a snapshot of format 1: what it is, and the machine in it" {
	run_ctl -j snapshot info "$old/snapshot-1.snap"
	expect_status 0
	expect_json '.data[0] | [.kind, .host, .kernel, .format, .units, .groups, .pci_devices, .files] | tostring' \
		'["snapshot","lab","7.2.12",1,2,11,13,777]'
	expect_json '.data[0].sections | join(" ")' "network.json holders.json kmsg.json probes.json udev.json ownership.json"
	run_ctl -j --from "$old/snapshot-1.snap" group list -o group,type,devices.device
	expect_status 0
	expect_json '.warnings | length' 0
	expect_json '.data | length' 11
	expect_json '[.data[] | select(.devices | tostring | test("0000:01:00.1"))] | length' 1
	run_ctl -j --from "$old/snapshot-1.snap" device show 0000:01:00.0
	expect_status 0
	expect_json '.data[0] | [.device, .override, .sriov_vfs] | tostring' '["0000:01:00.0","vfio-pci",4]'
	run_ctl -j --from "$old/snapshot-1.snap" owner list
	expect_status 0
	run_ctl -j --from "$old/snapshot-1.snap" doctor
	[ "$status" -eq 0 ] || [ "$status" -eq 3 ]
}

@test "a client of version 0.1.0 gets a hello back" {
	"$IOMMUCTL" session start --demo "$S"
	KEPT=$old/frame-1.request "${IOMMUCTL%/*}/tests/unit/session-peer" "$dir/$S.sock" old-client
}

@test "a keeper of version 0.1.0 is listed, and can be stopped" {
	mkdir -p -m 700 "$dir"
	KEPT=$old/frame-1.answer "${IOMMUCTL%/*}/tests/unit/session-peer" "$dir/$S.sock" old-keeper 3>&- &
	other=$!
	for _ in $(seq 100); do
		[ -S "$dir/$S.sock" ] && break
		sleep 0.05
	done
	run_ctl -j session list
	expect_json ".data[] | select(.session == \"$S\") | [.pid, .model, .version] | tostring" '[26567,true,"0.1.0-dev"]'
	run_ctl session stop "$S"
	expect_status 0
	wait "$other"
	rm -f "$dir/$S.sock"
}
