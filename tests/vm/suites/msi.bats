#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# msi.bats: edu's interrupt, through everything that can happen to its device's attachment: where interrupts are remapped (VT-d, AMD-Vi) page tables
# have no part in it, behind an SMMU they are translated. What the commands, group show and map-check say of that is held against it. Behind an
# SMMU the last test uses edu's one interrupt up, and the kernel WARNs when it is unbound: nothing that looks at the log comes after it.

# functions that bats calls; variables of lab.bash
# shellcheck disable=SC2317,SC2154
load lab

setup_file() {
	export edu=0000:02:00.0
	lab_tool
	lab_move $edu
	case $LAB_TOPOLOGY in
	smmuv3*)	export route=translated ;;
	*)		export route=remapped ;;
	esac
}

teardown_file() { lab_return $edu; }

# open: edu as d; a message is a write of the device's, so it has to be a bus master
open() { printf '%s\n' "device open $edu as d" 'device region d config 4 6 --width 2'; }

# came, lost: edu's MSI is raised once, and has to come, or not to
came() { printf '%s\n' 'device region d bar0 0x60 1' 'device irq d wait --timeout 20' 'device region d bar0 0x64 1'; }
lost() { printf '%s\n' 'device region d bar0 0x60 1' 'expect 3 device irq d wait --timeout 1' 'device region d bar0 0x64 1'; }

# detached: what happens to one that is raised while the device is attached to nothing
detached() { if [ $route = translated ]; then lost; else came; fi; }

# early: a vector armed while there is no attach
early() { if [ $route = translated ]; then echo "expect 5 device irq d arm"; else echo "device irq d arm"; fi; }

# script: the lines of stdin as one batch, with edu open and two address spaces
script() {
	{
		open
		echo "ioas alloc as mem"
		echo "ioas alloc as other"
		cat
	} >"$BATS_TEST_TMPDIR/script"
	iommuctl "$@" batch "$BATS_TEST_TMPDIR/script"
}

@test "armed when attached: it comes" {
	{ echo "device attach d mem"; echo "device irq d arm"; came; came; } | script
}

@test "it follows a replace to another table, to another address space, and back" {
	{
		echo "device attach d mem"
		echo "device irq d arm"
		echo "hwpt alloc mem --device d as own"
		echo "device attach d own"; came
		echo "hwpt alloc other --device d as far"
		echo "device attach d far"; came
		echo "device attach d other"; came
		echo "device attach d mem"; came
	} | script
}

@test "detached: remapped ones come, translated ones are lost; attached again they come" {
	{
		echo "device attach d mem"
		echo "device irq d arm"; came
		echo "device detach d"; detached
		echo "device attach d other"; came
		echo "device detach d"; detached
		echo "device attach d mem"; came
	} | script
}

@test "armed before any attach: remapped ones come, translated ones are refused before the kernel is asked" {
	{
		early
		[ $route = translated ] || came
		echo "device attach d mem"
		[ $route = remapped ] || echo "device irq d arm"
		came
	} | script
}

@test "armed between a detach and an attach" {
	{
		echo "device attach d mem"
		echo "device irq d arm"
		echo "device irq d off"
		echo "device detach d"
		early
		[ $route = translated ] || came
		echo "device attach d mem"
		[ $route = remapped ] || echo "device irq d arm"
		came
	} | script
}

@test "the refusal is explained" {
	[ $route = translated ] || skip "interrupts are remapped here"
	run iommuctl batch - <<<"device open $edu as d
device irq d arm"
	[ "$status" -eq 5 ]
	[[ $output == *"go through a page table, and the device is attached to none"* ]]
}

@test "group show, map-check and ioas ranges know the window" {
	local g w end start last n want=hardware

	[ $route = remapped ] || want=software
	g=$(lab_group $edu)
	w=$(lab_window $edu)
	end=$(sed -n 's/^0x[0-9a-f]* \(0x[0-9a-f]*\) msi$/\1/p' "$groups/$g/reserved_regions" | head -n 1)
	[ "$(iommuctl -j group show "$g" | jq -r '.data[0].regions[] | select(.type == "msi") | .window')" = $want ]
	run iommuctl -j device map-check $edu "$w" 64K
	[ "$status" -eq 3 ]
	[ "$(jq -r '.data[0].rule' <<<"$output")" = reserved-region ]
	[ "$(jq '[.data[0].reasons[] | select(.code == "software-msi-window")] | length' <<<"$output")" = $([ $want = software ] && echo 1 || echo 0) ]
	# this kernel takes doorbells along
	[ "$(jq '[.data[0].reasons[] | select(.code == "msi-stays-behind")] | length' <<<"$output")" = 0 ]
	script <<<"device attach d mem
ioas ranges mem" >"$BATS_TEST_TMPDIR/ranges"
	n=0
	while read -r start last _; do
		[ "${start#0x}" != "$start" ] || continue
		[ $((start > end || last < w)) -eq 1 ]
		n=$((n + 1))
	done <"$BATS_TEST_TMPDIR/ranges"
	[ "$n" -ge 2 ]
	# a container keeps its maps off as well
	iommuctl batch - <<<"device open $edu --legacy as d
expect EINVAL device map d $w 4K
device map d $(printf '0x%x' $((end + 1))) 4K"
}

@test "a try without an attach costs the device an interrupt, on the kernel and on the model" {
	[ $route = translated ] || skip "interrupts are remapped here"
	{
		echo "expect ENOSPC device irq d arm --force"
		echo "device attach d mem"
		echo "expect ENOSPC device irq d arm"
		echo "device close d"
		echo "device open $edu as d"
		echo "device attach d mem"
		echo "expect ENOSPC device irq d arm"
	} >"$BATS_TEST_TMPDIR/early"
	# the model has no registers to write
	{ echo "device open $edu as d"; echo "ioas alloc as mem"; cat "$BATS_TEST_TMPDIR/early"; } | iommuctl -M batch -
	script <"$BATS_TEST_TMPDIR/early"
}
