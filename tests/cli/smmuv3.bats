#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# An arm64 machine with an SMMUv3 and three root complexes, as a lab kernel showed it: its facts, and on the model what an SMMUv3 nests.
load lib

setup() {
	host=${BATS_TEST_DIRNAME%/tests/cli}/tests/hosts/smmuv3.snap
	edu=0001:42:00.0
}

# on_model OPTIONS... : stdin as a batch on the model of the machine, edu open as d beside an address space mem
on_model() {
	{
		echo "device bind $edu"
		echo "device open $edu as d"
		echo "ioas alloc as mem"
		cat
	} >"$BATS_TEST_TMPDIR/script"
	run --separate-stderr "$IOMMUCTL" --from "$host" -M "$@" batch --keep-going "$BATS_TEST_TMPDIR/script"
}

@test "the unit, its root complexes, and the ids of devices; one root complex leads to no SMMU" {
	run_ctl --from "$host" -j iommu show smmu3.0x0000000009050000
	expect_status 0
	expect_json '.data[0].parent' 9050000.smmuv3
	expect_json '.data[0].streams | map("\(.owner) \(.bus) \(.first)-\(.last)") | join(", ")' \
		"pcie@10000000 pci0000:00 0x0-0x3fff, pcie@4014000000 pci0001:40 0x4000-0x7fff"
	expect_json '.data[0].devices[] | select(.device == "0001:42:00.0") | .stream_ids | join(",")' 0x4200
	expect_json '.data[0].cache_coherent' true
	run_ctl --from "$host" -j device show 0002:82:00.0
	expect_json '.data[0].stream_ids | length' 0
	expect_json '.data[0].streams_from' "firmware leads its requests to no SMMU"
	run_ctl --from "$host" -j group show "$edu"
	expect_json '.data[0].regions[0].window' software
}

@test "a fault of an older kernel is named by its stream id" {
	printf 'arm-smmu-v3 9050000.smmuv3: %s\n' 'event 0x10 received:' 0x0000420000000010 0x0000000800000000 0x000000000dead000 0x0000000000000000 \
		>"$BATS_TEST_TMPDIR/log"
	run_ctl --from "$host" -j faults decode "$BATS_TEST_TMPDIR/log"
	expect_status 0
	expect_json '.data[0] | "\(.device) \(.source_id) \(.address) \(.access)"' "$edu 0x4200 0xdead000 read"
	expect_json '.data[0].notes | join("; ")' "stage 1, fetching a context descriptor"
}

@test "an interrupt is armed while the device is attached, and refused before the kernel is asked" {
	on_model <<-'EOF'
		expect 5 device irq d arm
		device attach d mem
		device irq d arm
		device detach d
		device irq d off
		expect 5 device irq d arm
		expect ENOSPC device irq d arm --force
		device attach d mem
		expect ENOSPC device irq d arm
	EOF
	expect_status 0
}

@test "what the unit lacks is said by its registers" {
	on_model <<<"hwpt alloc mem --device d --nest-parent
hwpt alloc mem --device d as h
viommu alloc h --device d
hwpt alloc mem --device d --dirty"
	expect_status 6
	expect_in "$stderr" "hwpt alloc mem: the device's SMMUv3 unit cannot: it translates by stage 1 alone (IDR0.S2P is 0)" \
		"viommu alloc h: the device's SMMUv3 unit cannot: it translates by stage 1 alone" "it does not mark pages as written by itself (IDR0.HTTU)"
}

@test "nested: an entry and commands by their fields" {
	on_model --inject nesting <<-'EOF'
		hwpt alloc mem --device d --nest-parent as s2
		viommu alloc s2 --device d as v
		vdevice alloc v d 0x10 as vd
		hwpt alloc v --device d --data smmuv3:v,config=s1,s1ctxptr=0x40000,s1cdmax=5,s1fmt=64k,s1dss=ssid0,s1cir=wbra,s1csh=inner,eats=full as s1
		device attach d s1
		hwpt invalidate v smmuv3:op=tlbi-nh-va,asid=3,addr=0x1000,leaf smmuv3:op=cfgi-cd,sid=0x10,ssid=5,leaf smmuv3:op=atc-inv,sid=0x10,size=3
		expect EIO hwpt invalidate v smmuv3:op=cfgi-ste,sid=0x10
		expect EIO hwpt alloc v --device d --data smmuv3:v,config=s2
		expect EIO hwpt alloc v --device d --data smmuv3:v,config=s1,eats=split
		expect EIO hwpt alloc v --device d --data smmuv3:v,config=s1,mev
		hwpt alloc v --device d --data smmuv3:v,config=abort
		hwpt alloc v --device d --data smmuv3:ste0=0x9
	EOF
	expect_status 0
	expect_in "$output" "3 of 3 entries done"
	on_model --inject nesting <<-'EOF'
		hwpt alloc mem --device d --nest-parent as s2
		viommu alloc s2 --device d as v
		hwpt invalidate v smmuv3:op=tlbi-nsnh-all smmuv3:op=cfgi-cd,sid=0x11 smmuv3:op=tlbi-nh-all
	EOF
	expect_in "$output" "1 of 3 entries done"
	expect_in "$stderr" "hwpt invalidate v: entry 2 (op=cfgi-cd,sid=0x11): "
}

@test "nested: fields that are none, too large, or of another command" {
	on_model --inject nesting <<-'EOF'
		hwpt alloc mem --device d --nest-parent as s2
		viommu alloc s2 --device d as v
		expect 2 hwpt alloc v --device d --data smmuv3:v,config=s3
		expect 2 hwpt alloc v --device d --data smmuv3:v,config
		expect 2 hwpt alloc v --device d --data smmuv3:s1cdmax=32
		expect 2 hwpt invalidate v smmuv3:op=nothing
	EOF
	expect_status 0
	on_model --inject nesting <<<"hwpt alloc mem --device d --data smmuv3:s1ctxptr=0x1020
hwpt invalidate mem smmuv3:op=tlbi-nsnh-all,addr=0x1000
hwpt invalidate mem smmuv3:addr=0x1000"
	expect_status 2
	expect_in "$stderr" "s1ctxptr=0x1020: is no multiple of 64, or too large" "addr=0x1000: smmuv3 has no such member" "or by field: op"
}
