#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# replay: traces played into the model, and into a session that has one.
load lib

setup() {
	TRACES=${BATS_TEST_DIRNAME%/cli}/traces
}

# play ARGS…: on the model of the sample machine
play() {
	run_ctl -j --from demo replay "$@"
	expect_status 0
}

# request SECONDS PID TASK ARGS / response: lines as the probes write them
request() {
	echo " w-9 [000] .... $1: iommuctl_request: (iommu_report_device_fault+0x0/0x100) dev=\"$2\" flags=$3 pasid=3 grpid=$4 perm=0x1 addr=0x7f0000"
}

response() {
	echo " q-8 [000] .... $1: iommuctl_response: (iopf_group_response+0x0/0x40) dev=\"$2\" flags=0x3 pasid=3 grpid=$3 code=$4"
}

@test "every page request is answered as it was recorded, and none is lost" {
	play "$TRACES/domains.trace"
	expect_json '.data[0] | "\(.on) \(.policy) \(.devices) \(.domains) \(.requests) \(.groups)"' "model as-recorded 3 2 5 3"
	expect_json '.data[0].replayed | "\(.none) \(.success) \(.invalid) \(.refused)"' "0 2 1 0"
	expect_json '.data[0] | "\(.lost) \(.overdue) \(.n_differences) \(.folded) \(.not_cleaned) \(.live_bytes)"' "0 0 0 0 0 4096"
	# two domains map the same address, and both maps are there
	expect_json '.data[0] | "\(.maps.done) \(.maps.failed) \(.unmaps.done)"' "2 0 1"
}

@test "what nobody answered in the trace is answered, and told as a difference" {
	play "$TRACES/nvme.trace"
	expect_json '.data[0] | "\(.groups) \(.incomplete) \(.overdue) \(.lost) \(.live_bytes)"' "3 1 1 0 0"
	expect_json '.data[0].differences[] | "\(.device) \(.group) \(.recorded) \(.replayed) \(.line)"' "0000:00:0a.0 2 none invalid 19"
}

@test "policies: success, invalid; differences are what they change" {
	play --policy invalid "$TRACES/domains.trace"
	expect_json '.data[0] | "\(.replayed.success) \(.replayed.invalid) \(.n_differences)"' "0 3 2"
	play --policy success "$TRACES/domains.trace"
	expect_json '.data[0] | "\(.replayed.success) \(.replayed.invalid) \(.n_differences)"' "3 0 1"
}

@test "a detach answers what waits first, and what comes after it is refused; none is lost" {
	{
		request 1.0 0000:01:00.0 0x1 4
		request 1.1 0000:01:00.0 0x3 4
		request 1.2 0000:01:00.0 0x3 5
		request 1.3 0000:02:00.0 0x3 5
		echo " a-1 [000] .... 1.4: detach_device_from_domain: IOMMU: device=0000:01:00.0"
		response 1.5 0000:01:00.0 4 0
		request 1.6 0000:01:00.0 0x3 6
		response 1.7 0000:02:00.0 5 0
	} >"$BATS_TEST_TMPDIR/t"
	play "$BATS_TEST_TMPDIR/t"
	expect_json '.data[0] | "\(.groups) \(.detaches) \(.drained) \(.lost) \(.overdue)"' "4 1 2 0 0"
	expect_json '.data[0].replayed | "\(.none) \(.success) \(.invalid) \(.refused)"' "0 1 2 1"
	expect_json '.data[0].recorded | "\(.none) \(.success)"' "2 2"
	play --policy success "$BATS_TEST_TMPDIR/t"
	expect_json '.data[0] | "\(.drained) \(.replayed.success) \(.replayed.refused)"' "0 3 1"
}

@test "a group of several pages is one in the model, with all of them" {
	{
		for i in 1 2 3; do request 1.$i 0000:01:00.0 0x1 9; done
		request 1.9 0000:01:00.0 0x3 9
		response 2.0 0000:01:00.0 9 1
	} >"$BATS_TEST_TMPDIR/t"
	play "$BATS_TEST_TMPDIR/t"
	expect_json '.data[0] | "\(.requests) \(.groups) \(.folded) \(.replayed.invalid)"' "4 1 0 1"
}

@test "layout: what one virtual IOMMU over several units has to send more" {
	{
		echo " a-1 [000] .... 1.0: qi_submit: iotlb_inv dmar0: 0x900f2 0x1000 0x0 0x0"
		echo " a-1 [000] .... 1.1: qi_submit: iotlb_inv dmar1: 0x900f2 0x1000 0x0 0x0"
		echo " a-1 [000] .... 1.2: qi_submit: iotlb_inv dmar1: 0x900f2 0x2000 0x0 0x0"
		echo " a-1 [000] .... 1.3: qi_submit: dev_tlb_inv dmar1: 0x100000003 0x7ffffffffffff001 0x0 0x0"
	} >"$BATS_TEST_TMPDIR/t"
	play "$BATS_TEST_TMPDIR/t"
	expect_json '.data[0] | "\(.units) \(.placed) \(.unplaced) \(.broadcasts) \(.invalidations.done)"' "2 1 3 3 4"
	play --layout shared "$BATS_TEST_TMPDIR/t"
	expect_json '.data[0] | "\(.broadcasts) \(.invalidations.done) \(.invalidations.failed)"' "3 6 0"
}

@test "text says what became of it" {
	run_ctl --from demo replay "$TRACES/nvme.trace"
	expect_status 0
	expect_in "$output" "18 events on model" "lost: 0" "line 19: 0000:00:0a.0 group 2: invalid, recorded none" "maps: 3 done, none refused"
}

@test "in a session: the keeper hands the requests out" {
	"$IOMMUCTL" --demo session start r
	run_ctl -j --session r replay --on session "$TRACES/domains.trace"
	expect_status 0
	expect_json '.data[0] | "\(.on) \(.replayed.none) \(.replayed.success) \(.replayed.invalid) \(.lost) \(.not_cleaned)"' "session 0 2 1 0 0"
	# a session's requests are those of the selftest driver
	expect_json '.data[0].folded' 2
	run_ctl -j --session r object tree
	expect_json '.data | length' 0
	"$IOMMUCTL" session stop r
}

@test "speed: the trace's own pace, ended by a signal" {
	{
		request 1.0 0000:01:00.0 0x3 1
		request 1000000.0 0000:01:00.0 0x3 2
	} >"$BATS_TEST_TMPDIR/t"
	"$IOMMUCTL" --from demo replay --speed 1 "$BATS_TEST_TMPDIR/t" >/dev/null 2>&1 3>&- &
	local pid=$!
	sleep 1
	kill -INT "$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 130 ]
	play --speed 1e9 "$BATS_TEST_TMPDIR/t"
	expect_json '.data[0].groups' 2
}

@test "wrong usage, and files that are none" {
	run_ctl --from demo replay --speed fast "$TRACES/nvme.trace"
	expect_status 2
	run_ctl --from demo replay --on moon "$TRACES/nvme.trace"
	expect_status 2
	run_ctl --from demo replay --on session "$TRACES/nvme.trace"
	expect_status 2
	run_ctl --from demo replay /nonexistent
	expect_status 1
	seq 0 1024 | sed 's/.*/ a-1 [000] .... 1.0: qi_submit: iotlb_inv dmar&: 0x900f2 0x1000 0x0 0x0/' >"$BATS_TEST_TMPDIR/t"
	run_ctl --from demo replay "$BATS_TEST_TMPDIR/t"
	expect_status 1
	expect_in "$stderr" "a page table for a unit: a trace with so many is not played" "units 1,024"
	head -c 3000 /dev/urandom >"$BATS_TEST_TMPDIR/t"
	run_ctl --from demo replay "$BATS_TEST_TMPDIR/t"
	expect_status 0
}
