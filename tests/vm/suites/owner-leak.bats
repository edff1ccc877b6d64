#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# owner-leak.bats: on a kernel with DEBUG_TEST_DRIVER_REMOVE and without the fix each bind of a driver that uses the DMA API leaves a
# count behind. iommuctl has to find exactly these groups, name the cause, and mend them.

# shellcheck disable=SC2154,SC2034
bats_require_minimum_version 1.5.0
load lab
load owner

# owner_cure DEV: runs the commands that owner check shows
owner_cure() {
	iommuctl owner check -j "$1" | jq -r '.data[0].reasons[] | select(.code == "cure") | .remedies[0].command' >"$BATS_TEST_TMPDIR/cure"
	[ -s "$BATS_TEST_TMPDIR/cure" ]
	bash -e "$BATS_TEST_TMPDIR/cure"
}

@test "as booted: exit 3 for exactly the groups whose drivers use the DMA API" {
	local g n all

	run -3 iommuctl owner check -j
	all=$output
	for g in $(lab_groups); do
		n=$(owner_uses "$g")
		echo "group $g: $n"
		if [ "$n" -gt 0 ]; then
			[ "$(jq -c ".data[] | select(.group == $g) | [.owner_cnt, .expected, .verdict]" <<<"$all")" = "[$((2 * n)),$n,\"surplus\"]" ]
		else
			[ "$(jq -c ".data[] | select(.group == $g) | [.owner_cnt, .expected, .verdict]" <<<"$all")" = '[0,0,"as-expected"]' ]
		fi
	done
	[ "$(jq '[.data[] | select(.verdict == "surplus")] | length' <<<"$all")" -gt 3 ]
	run -3 iommuctl doctor
	[[ $output == *"more owners than anything accounts for"*"iommuctl owner check "* ]]
}

@test "from EPERM to the named cause in two commands" {
	lab_move 0000:01:00.0
	[ "$(lab_truth bind cdev 0000:01:00.0)" = EPERM ]
	run -3 iommuctl group check 0000:01:00.0
	[[ $output == *"not viable: no device is in the way, but owner_cnt is 1 where 0 is expected"* ]]
	run -3 iommuctl owner check 0000:01:00.0
	[[ $output == *"the cause: this kernel is built with CONFIG_DEBUG_TEST_DRIVER_REMOVE"* ]]
	[[ $output == *"seen in /proc/config.gz: CONFIG_DEBUG_TEST_DRIVER_REMOVE=y"* ]]
}

@test "a report is enough for the same verdict elsewhere" {
	run -3 iommuctl group check 0000:01:00.0 -j
	local here=$output

	iommuctl report "$BATS_TEST_TMPDIR/r" --note "EPERM from VFIO_DEVICE_BIND_IOMMUFD" >/dev/null
	run -3 iommuctl --from "$BATS_TEST_TMPDIR/r" group check 0000:01:00.0 -j
	[ "$(jq '.data[0] | .verdict, .viable, .summary' <<<"$output")" = "$(jq '.data[0] | .verdict, .viable, .summary' <<<"$here")" ]
	grep -q 'the cause: this kernel is built with' "$BATS_TEST_TMPDIR/r.txt"
	grep -q 'EPERM from VFIO_DEVICE_BIND_IOMMUFD' "$BATS_TEST_TMPDIR/r.txt"
	cp "$BATS_TEST_TMPDIR/r.txt" /share/out/report-leak.txt
}

@test "why names the function and the cause" {
	run -1 --separate-stderr iommuctl why -j -- owner-hold iommufd "$(owner_node 0000:01:00.0)"
	[ "$(jq -c '.data[0] | [.err, .device, .born_in]' <<<"$output")" = '["EPERM","0000:01:00.0","iommu_device_claim_dma_owner"]' ]
	[ "$(jq '[.data[0].reasons[] | select(.code == "test-driver-remove")] | length' <<<"$output")" = 1 ]
}

@test "iommutop: the surplus at once, and one more within two refreshes of the bind that leaks it" {
	local g count

	load top
	log=$BATS_TEST_TMPDIR/top
	g=$(lab_group 0000:00:09.0)
	watch 30 groups
	count=$(sample 1 ".groups[] | select(.group == $g) | .owner_cnt")
	[ "$(sample 1 ".groups[] | select(.group == $g) | .owner_cnt > .expected")" = true ]
	sh -c "$(owner_rebind 0000:00:09.0 e1000)"
	soon ".groups[] | select(.group == $g) | .owner_cnt" $((count + 1))
	[ "$(sample "$(samples)" ".groups[] | select(.group == $g) | .verdict")" = "$(iommuctl group check "$g" -j | jq '.data[0].verdict')" ]
	kill "$top"
}

@test "no cure is shown while a warning would panic the machine" {
	echo 1 >/proc/sys/kernel/panic_on_warn
	run -3 iommuctl owner check 0000:01:00.0
	echo 0 >/proc/sys/kernel/panic_on_warn
	[[ $output == *"panic_on_warn is on"* ]]
	[[ $output != *"/remove"* ]]
}

@test "the cure works: one device, two functions, a device below its port, two behind a bridge" {
	local d

	for d in 0000:01:00.0 0000:05:00.0 0000:04:00.0 0000:07:02.0; do
		owner_cure $d
		run -0 iommuctl owner check $d
		[ "$(lab_truth bind cdev $d)" = 0 ]
		[ "$(cat /sys/bus/pci/drivers_autoprobe)" = 1 ]
	done
	# its port's driver is back
	[ "$(lab_driver 0000:00:06.0)" = pcieport ]
	run -3 iommuctl owner check
}

@test "trace: around an unbind and a bind two uses and one unuse, and the first use is surplus" {
	run -0 iommuctl owner trace 0000:00:09.0 -j -- sh -c "$(owner_rebind 0000:00:09.0 e1000)"
	[ "$(jq -c '[.data[0].entries[].call]' <<<"$output")" = '["unuse","use","use"]' ]
	[ "$(jq -c '[.data[0].entries[].surplus]' <<<"$output")" = '[false,true,false]' ]
	[ "$(jq -c '[.data[0].surplus, .data[0].remains]' <<<"$output")" = '[1,2]' ]
	[ -z "$(owner_probes)" ]
}
