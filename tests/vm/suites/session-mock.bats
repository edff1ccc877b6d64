#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Page requests in a session, on the kernel's selftest device: nothing stays unanswered.
load lab

setup() {
	lab_tool
	export IOMMUCTL_SESSION=faults
	iommuctl session start
	iommuctl device open mock:m as m
	iommuctl ioas alloc as mem
	iommuctl faultq alloc as q
	iommuctl hwpt alloc mem --device m --nest-parent as parent
	iommuctl hwpt alloc parent --device m --fault q --data selftest:iotlb=1 as nested
	iommuctl device attach m nested
}

teardown() {
	iommuctl session stop faults
}

# counts: groups that wait, and groups that nobody answered in time
counts() {
	iommuctl --raw --noheadings object tree -o name,pending,expired | sed -n 's/^q //p'
}

@test "a group is taken and answered; the answer is taken once" {
	iommuctl mock fault m 0x5000 --grpid 7 --access rw
	run iommuctl -j faultq wait q
	[ "$status" -eq 0 ]
	cookie=$(jq -r '.data[0].cookie' <<<"$output")
	[ "$(jq -r '.data[0] | "\(.device) \(.group) \(.requests[0].address) \(.requests[0].access) \(.requests[0].last)"' <<<"$output")" = "m 7 0x5000 rw true" ]
	[ "$(counts)" = "1 0" ]
	iommuctl faultq respond q "$cookie" success
	[ "$(counts)" = "0 0" ]
	run iommuctl faultq respond q "$cookie" success
	[ "$status" -eq 1 ]
}

@test "a client that is killed between read and answer: the device is answered" {
	iommuctl mock fault m 0x5000
	run iommuctl faultq serve q --count 1 -- sh -c 'kill -9 $PPID'
	[ "$status" -eq 137 ]
	[ "$(counts)" = "0 1" ]
}

@test "who took a group and never answered: invalid at its deadline" {
	iommuctl mock fault m 0x5000
	iommuctl faultq wait q --hold 0.2
	for _ in $(seq 50); do
		[ "$(counts)" = "0 1" ] && return
		sleep 0.2
	done
	return 1
}

@test "what the kernel answers itself is no longer waited for" {
	iommuctl mock fault m 0x5000
	cookie=$(iommuctl -j faultq wait q | jq -r '.data[0].cookie')
	iommuctl device attach m parent
	run iommuctl faultq respond q "$cookie" success
	[ "$status" -eq 1 ]
	[[ $output == *"its device was detached or moved"* ]]
	[ "$(counts)" = "0 0" ]
}

@test "a waiter is woken by what comes, and holds up nobody" {
	iommuctl faultq wait q --timeout 60 >"$BATS_TEST_TMPDIR/out" 3>&- &
	waiter=$!
	iommuctl object tree >/dev/null
	iommuctl mock fault m 0x6000
	wait "$waiter"
	grep -q 'r 0x6000' "$BATS_TEST_TMPDIR/out"
	run iommuctl faultq wait q --timeout 0.1
	[ "$status" -eq 3 ]
}

@test "serve by policy and by script" {
	for i in 1 2 3; do iommuctl mock fault m "0x${i}000" --grpid "$i"; done
	run iommuctl -j faultq serve q --policy success --timeout 1
	[ "$(grep -c '"answer":"success"' <<<"$output")" -eq 3 ]
	iommuctl mock fault m 0x7000
	run iommuctl faultq serve q --count 1 -- sh -c 'test "$FAULT_ADDRESS" = 0x7000'
	[[ $output == *": success"* ]]
	iommuctl mock fault m 0x8000
	run iommuctl faultq serve q --count 1 -- false
	[[ $output == *": invalid"* ]]
	[ "$(counts)" = "0 0" ]
}
