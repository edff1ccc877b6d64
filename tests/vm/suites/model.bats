#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# model.bats: the same batch on this kernel, and on the model of the machine as it was before: the same answers, line by line.
# The model reads a snapshot, so that nothing of the running machine can help it.
# shellcheck disable=SC2154
load lab

setup_file() {
	lab_tool
	export model_before=$BATS_FILE_TMPDIR/before.snap
	iommuctl -q snapshot save "$model_before"
}

setup() {
	lab_tool
	cd "$BATS_TEST_TMPDIR"
}

# a test that failed half-way leaves the machine to the next one as it was
teardown() {
	iommuctl -q device restore --all >/dev/null 2>&1 || :
}

# what a line of JSON says, less where it was asked; of errors the code, the errno and what they are about
said() {
	jq '{schema, data, errors: [.errors[]? | {code, errno, what}]}' "$1"
}

# holds SCRIPT: both ways the same
holds() {
	local kernel=0 model=0

	cat >script
	iommuctl -j batch --keep-going script >kernel.json 2>kernel.err || kernel=$?
	iommuctl -j --from "$model_before" -M batch --keep-going script >model.json 2>model.err || model=$?
	said kernel.json >kernel.said
	said model.json >model.said
	diff -u kernel.said model.said || {
		echo "# kernel: exit $kernel"
		cat kernel.err
		echo "# model: exit $model"
		cat model.err
		return 1
	}
	[ $kernel -eq $model ]
	[ -s kernel.said ]
}

# a group of one device that a native driver has; one of two functions
single() {
	local d

	for d in "$devices"/*; do
		d=${d##*/}
		[ "$(lab_driver "$d")" != e1000e ] || [ "$(lab_members "$(lab_group "$d")" | wc -l)" -ne 1 ] || { echo "$d" && return; }
	done
}

pair() {
	local d

	for d in "$devices"/*.1; do
		d=${d##*/}
		[ "$(lab_driver "$d")" != e1000e ] || { echo "${d%.1}.0" && return; }
	done
}

facts() {
	echo device list
	echo group list
	echo iommu list
}

@test "the machine as it is" {
	facts | holds
}

@test "a device goes to VFIO and comes back" {
	d=$(single)
	{
		echo "group check $(lab_group "$d")"
		echo "device bind $d"
		facts
		echo "group check $(lab_group "$d")"
		echo "owner list"
		echo "device restore $d"
		facts
	} | holds
}

@test "a pair: one alone is refused, both go" {
	d=$(pair)
	[ -n "$d" ] || skip "no pair here"
	{
		echo "device bind $d"
		echo "device bind --group $d"
		facts
		echo "device unbind ${d%0}1"
		echo "group check $(lab_group "$d")"
		echo "device restore --all"
		facts
	} | holds
}

@test "types of groups, with drivers and without" {
	d=$(single) g=$(lab_group "$d")
	{
		echo "group set-type $g DMA"
		echo "device unbind $d"
		echo "group set-type $g identity"
		echo "group list"
		echo "group set-type $g nonsense"
		echo "group set-type $g DMA"
		echo "device restore --all"
		echo "group list"
	} | holds
}

@test "an owned group keeps native drivers out" {
	d=$(pair)
	[ -n "$d" ] || skip "no pair here"
	{
		echo "device bind --group $d"
		echo "device open $d as one"
		echo "ioas alloc as mem"
		echo "device attach one mem"
		echo "device detach one"
		echo "device bind --force --driver e1000e ${d%0}1"
		echo "device close one"
		echo "device bind --force --driver e1000e ${d%0}1"
		echo "device open $d as one"
		echo "device restore --all"
		echo "device list"
	} | holds
}

@test "two devices of two groups share a page table" {
	d=$(single)
	[ -e "$devices/0000:02:00.0" ] || skip "no second device here"
	{
		echo "device bind $d 0000:02:00.0"
		echo "device open $d as one"
		echo "device open 0000:02:00.0 as two"
		echo "ioas alloc as mem"
		echo "ioas map mem 2M --iova 0x200000"
		echo "hwpt alloc mem --device one as pt"
		echo "iommu list"
		echo "device attach one pt"
		echo "device attach two pt"
		echo "object tree"
		echo "iommu list"
		echo "device attach two mem"
		echo "object tree"
		echo "iommu list"
		echo "ioas ranges mem"
		echo "ioas map mem 4K --iova $(lab_window 0000:01:00.0)"
		echo "ioas map mem 4K --iova 0x200000"
		echo "ioas map mem 4K --iova 0x300800"
		echo "ioas unmap mem 0x200000 4K"
		echo "device irq two arm"
		echo "device irq two off"
		echo "expect EBUSY object destroy mem"
		echo "device close one"
		echo "device close two"
		echo "object destroy pt mem"
		echo "device restore --all"
	} | holds
}

@test "two devices of a group: attach, replace, detach" {
	d=$(pair)
	[ -n "$d" ] || skip "no pair here"
	{
		echo "device bind --group $d"
		echo "device open $d as one"
		echo "device open ${d%0}1 as two"
		# no file has an SMMUv3's registers: the model has those of the least one there is
		[[ $LAB_TOPOLOGY == smmuv3* ]] || echo "device hwinfo one"
		echo "ioas alloc as mem"
		echo "ioas alloc as other"
		echo "ioas ranges mem"
		echo "device attach one mem"
		echo "ioas ranges mem"
		echo "expect EINVAL device attach two other"
		echo "device attach two mem"
		echo "device attach two other"
		echo "object tree"
		echo "iommu list"
		echo "object destroy mem"
		echo "expect EBUSY object destroy other"
		echo "hwpt alloc other --device one as pt"
		echo "device attach one pt"
		echo "object tree"
		echo "hwpt alloc other --device one --nest-parent"
		echo "hwpt alloc other --device one --dirty"
		echo "hwpt alloc other --device one --pasid"
		echo "viommu alloc pt --device one"
		echo "device detach one"
		echo "device detach two"
		echo "iommu list"
		echo "object tree"
		echo "object destroy pt other"
		echo "device close one"
		echo "device close two"
		echo "device restore --all"
	} | holds
}

# bats test_tags=sriov
@test "virtual functions come and go" {
	for pf in "$devices"/*/sriov_numvfs; do :; done
	[ -e "$pf" ] || skip "no SR-IOV here"
	pf=${pf%/*} pf=${pf##*/}
	[ -n "$(lab_driver "$pf")" ] || skip "no driver on $pf"
	{
		echo "device vfs $pf 2"
		facts
		echo "device vfs $pf 0"
		facts
	} | holds
}
