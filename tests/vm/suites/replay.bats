#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# replay on the kernel's selftest devices, recorded while it plays, and the recording played on the model.

# shellcheck disable=SC2154
bats_require_minimum_version 1.5.0
load lab
load owner

OUT=/share/out

# trace of page requests: lines as the probes of trace record write them
request() {
	echo " w-9 [000] .... $1: iommuctl_request: (iommu_report_device_fault+0x0/0x100) dev=\"$2\" flags=0x3 pasid=$3 grpid=$4 perm=0x1 addr=0x1010000"
}

response() {
	echo " q-8 [000] .... $1: iommuctl_response: (iopf_group_response+0x0/0x40) dev=\"$2\" flags=0x3 pasid=$3 grpid=$4 code=$5"
}

setup_file() {
	{
		for i in $(seq 1 40); do
			request "1.$((100 + i))" 0000:01:00.0 0 $((i % 8))
			request "1.$((200 + i))" 0000:02:00.0 0 $((i % 8))
			response "1.$((300 + i))" 0000:02:00.0 0 $((i % 8)) 0
			response "1.$((400 + i))" 0000:01:00.0 0 $((i % 8)) $((i % 2))
		done
		request 2.0 0000:01:00.0 0 3
		echo " a-1 [000] .... 2.1: detach_device_from_domain: IOMMU: device=0000:01:00.0"
		request 2.2 0000:01:00.0 0 4
		echo " a-1 [000] .... 2.3: qi_submit: iotlb_inv dmar0: 0x900f2 0x1000000 0x0 0x0"
	} >"$OUT/requests.trace"
}

# outcomes FILTER
outcomes() {
	jq -c ".data[0] | $1" <<<"$output"
}

@test "the kernel answers as the model does, group by group" {
	run -0 --separate-stderr iommuctl -j replay --on mock $OUT/requests.trace
	local kernel
	kernel=$(outcomes '[.groups, .requests, .recorded, .replayed, .drained, .lost, .overdue, .n_differences, .invalidations.done, .not_cleaned]')
	echo "$output"
	[ "$(outcomes '[.replayed.none, .lost, .not_cleaned, .replayed.refused]')" = "[0,0,0,1]" ]
	run -0 --separate-stderr iommuctl -j --from demo replay --on model $OUT/requests.trace
	[ "$(outcomes '[.groups, .requests, .recorded, .replayed, .drained, .lost, .overdue, .n_differences, .invalidations.done, .not_cleaned]')" = "$kernel" ]
}

@test "a trace that was recorded on the kernel replays on the model with no unanswered page request" {
	run -0 --separate-stderr iommuctl -q trace record $OUT/recorded.trace -- iommuctl -q replay --on mock $OUT/requests.trace
	[ -z "$(owner_probes)" ]
	run -0 --separate-stderr iommuctl -j trace stat $OUT/recorded.trace
	echo "$output"
	[ "$(jq -c '.data[0].page_requests | [.requests, .groups, .responses, .unanswered, .unasked]' <<<"$output")" = "[82,82,82,0,0]" ]
	run -0 --separate-stderr iommuctl -j --from demo replay $OUT/recorded.trace
	echo "$output"
	[ "$(outcomes '[.groups, .replayed.none, .lost, .overdue, .n_differences]')" = "[82,0,0,0,0]" ]
	[ "$(outcomes '.recorded == .replayed')" = true ]
}

@test "in a session on the kernel" {
	iommuctl session start r
	run -0 --separate-stderr iommuctl -j --session r replay --on session $OUT/requests.trace
	[ "$(outcomes '[.replayed.none, .lost, .not_cleaned]')" = "[0,0,0]" ]
	[ "$(iommuctl -j --session r object tree | jq '.data | length')" = 0 ]
	iommuctl session stop r
}
