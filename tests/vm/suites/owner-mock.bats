#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# owner-mock.bats: every type of iommufd object, made on the kernel's mock and found in its memory. On kernels to 6.17 the mock wants a machine without
# an IOMMU.

# shellcheck disable=SC2154
bats_require_minimum_version 1.5.0
load lab
load owner

teardown() {
	lab_release
}

@test "the mock: every type of object that it can make, by id, and how they hang on each other" {
	owner_hold mock
	# the access has no id that its ioctl tells
	iommuctl owner objects -p "$holder" -j | jq -c '[.data[] | select(.type == "access") | .ioas]' | grep -qx "\[$(owner_id ioas)\]"
	echo "access $(iommuctl owner objects -p "$holder" -j | jq '.data[] | select(.type == "access") | .id')" >"$BATS_TEST_TMPDIR/access"
	cat "$BATS_TEST_TMPDIR/access" "$BATS_TEST_TMPDIR/hold" >"$BATS_TEST_TMPDIR/all"
	mv "$BATS_TEST_TMPDIR/all" "$BATS_TEST_TMPDIR/hold"
	owner_ids
	local parent nested

	parent=$(owner_id hwpt-paging) nested=$(owner_id hwpt-nested)
	[ "$(owner_object "$nested" '[.hwpt, .fault, .domain.type]')" = "[$parent,$(owner_id fault),\"nested\"]" ]
	[ "$(owner_object "$parent" '[.ioas, .nest_parent, .automatic]')" = "[$(owner_id ioas),true,false]" ]
	[ "$(owner_object "$(owner_id device)" '[.device, .attached, .hwpt]')" = "[\"iommufd_mock0\",true,$nested]" ]
	if [ -n "$(owner_id viommu)" ]; then
		[ "$(owner_object "$(owner_id viommu)" .hwpt)" = "$parent" ]
		[ "$(owner_object "$(owner_id vdevice)" '[.viommu, .idev, .virt_id]')" = "[$(owner_id viommu),$(owner_id device),\"0x99\"]" ]
		[ "$(owner_object "$(owner_id veventq)" .viommu)" = "$(owner_id viommu)" ]
	fi
	run -0 iommuctl owner objects
	echo "$output" >"/share/out/owner-mock-$(uname -r)"
}
