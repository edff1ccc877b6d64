#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# owner.bats: what iommuctl says about owners against what is known: the drivers by sysfs, the claims that the suite makes
# itself, and the kernel's answer to a write to `type`, which it refuses exactly while the count is not 0.

# shellcheck disable=SC2154
bats_require_minimum_version 1.5.0
load lab
load owner

setup_file() {
	local g m

	# a group of two functions, both on e1000e
	for g in $(lab_groups); do
		mapfile -t m < <(lab_members "$g")
		[ ${#m[@]} -eq 2 ] || continue
		[ "$(lab_driver "${m[0]}") $(lab_driver "${m[1]}")" = "e1000e e1000e" ] || continue
		export pair=${m[0]} second=${m[1]}
	done
	[ -n "$pair" ]
}

setup() {
	holder=''
}

teardown() {
	local d

	lab_release
	for d in "$pair" "$second"; do
		[ "$(lab_driver "$d")" = e1000e ] || lab_return "$d" e1000e
	done
}

@test "as booted: counts are what the drivers account for, and the kernel agrees" {
	local g n list

	list=$(iommuctl owner list -j)
	[ "$(lab_groups | wc -l)" -gt 10 ]
	for g in $(lab_groups); do
		n=$(owner_uses "$g")
		echo "group $g: $n"
		[ "$(jq -c ".data[] | select(.group == $g) | [.owner_cnt, .expected, .verdict]" <<<"$list")" = "[$n,$n,\"as-expected\"]" ]
		if [ "$n" -eq 0 ]; then
			[ "$(lab_truth write type "$g")" = 0 ]
			[ "$(jq -r ".data[] | select(.group == $g) | .owner" <<<"$list")" = none ]
		else
			[ "$(lab_truth write type "$g")" = EPERM ]
			[ "$(jq -r ".data[] | select(.group == $g) | .owner" <<<"$list")" = dma-api ]
		fi
	done
}

@test "as booted: owner check has nothing to say" {
	run -0 --separate-stderr iommuctl owner check
	[ -z "$stderr" ]
	[ "$output" = "$(lab_groups | wc -l) of $(lab_groups | wc -l) groups as expected" ]
}

@test "the default domain's type is that of the type file, and it translates now" {
	local g list

	list=$(iommuctl owner list -j)
	for g in $(lab_groups); do
		echo "$g $(cat "$groups/$g/type") $(cat "$groups/$g/type")"
	done >"$BATS_TEST_TMPDIR/files"
	jq -r '.data[] | "\(.group) \(.default_domain.type) \(.domain.type)"' <<<"$list" | diff "$BATS_TEST_TMPDIR/files" -
	[ "$(jq '[.data[].default_domain | .driver, .cookie, .page_sizes] | all' <<<"$list")" = true ]
}

@test "the driver's own word: pcieport leaves DMA alone, e1000e does not" {
	run -0 iommuctl owner list -j
	[ "$(jq -c '[.data[].devices[] | select(.driver == "pcieport") | .uses_dma_api] | unique' <<<"$output")" = '[false]' ]
	[ "$(jq -c '[.data[].devices[] | select(.driver == "e1000e") | .uses_dma_api] | unique' <<<"$output")" = '[true]' ]
}

@test "two on e1000e count 2, one 1, none 0; on vfio-pci and not open 0" {
	local g

	g=$(lab_group "$pair")
	[ "$(owner_of "$g" .owner_cnt)" = 2 ]
	lab_leave "$pair"
	[ "$(owner_of "$g" '[.owner_cnt, .expected]')" = '[1,1]' ]
	lab_leave "$second"
	[ "$(owner_of "$g" '[.owner_cnt, .expected]')" = '[0,0]' ]
	lab_move "$pair"
	lab_move "$second"
	[ "$(owner_of "$g" '[.owner_cnt, .expected, .owner]')" = '[0,0,"none"]' ]
}

@test "iommufd with two devices: 2, the right process, and its page table" {
	local g

	g=$(lab_group "$pair")
	lab_move "$pair"
	lab_move "$second"
	owner_hold iommufd -a "$(owner_node "$pair")" "$(owner_node "$second")"
	[ "$(owner_of "$g" '[.owner_cnt, .expected, .verdict, .owner, .domain.type, .default_domain.type, ([.processes[] | .pid] | unique)]')" = \
		"[2,2,\"as-expected\",\"iommufd\",\"unmanaged\",\"$(cat "$groups/$g/type")\",[$holder]]" ]
	[ "$(owner_of "$g" '[.processes[] | [.command, .what, .device]]')" = \
		"[[\"owner-hold\",\"iommufd\",null],[\"owner-hold\",\"vfio-device\",\"$pair\"],[\"owner-hold\",\"vfio-device\",\"$second\"]]" ]
	run -0 iommuctl owner check "$g"
	[[ $output == *"an iommufd of owner-hold (pid $holder) has claimed it"* ]]
	lab_release
	[ "$(owner_of "$g" '[.owner_cnt, .expected, .owner, .processes]')" = '[0,0,"none",[]]' ]
}

@test "iommufd closed, one device bound and not attached: 1, found by the device's node; blocked" {
	local g

	g=$(lab_group "$pair")
	lab_move "$pair"
	lab_move "$second"
	owner_hold iommufd -c "$(owner_node "$pair")"
	[ "$(owner_of "$g" '[.owner_cnt, .expected, .owner, .domain.type]')" = '[1,1,"iommufd","blocked"]' ]
	[ "$(owner_of "$g" '[.processes[] | [.pid, .what, .device]]')" = "[[$holder,\"vfio-device\",\"$pair\"]]" ]
}

@test "a container: 1, whatever number of devices is in the group" {
	local g

	g=$(lab_group "$pair")
	lab_move "$pair"
	lab_move "$second"
	owner_hold container "/dev/vfio/$g"
	[ "$(owner_of "$g" '[.owner_cnt, .expected, .verdict, .owner, .domain.type, [.processes[] | [.pid, .what]]]')" = \
		"[1,1,\"as-expected\",\"vfio-group\",\"unmanaged\",[[$holder,\"vfio-group\"]]]" ]
}

@test "a snapshot has the counts, and answers as the machine does" {
	local g

	g=$(lab_group "$pair")
	lab_move "$pair"
	lab_move "$second"
	owner_hold iommufd -a "$(owner_node "$pair")"
	iommuctl snapshot save "$BATS_TEST_TMPDIR/m.snap"
	iommuctl owner list -j | jq .data >"$BATS_TEST_TMPDIR/live"
	lab_release
	iommuctl --from "$BATS_TEST_TMPDIR/m.snap" owner list -j | jq .data >"$BATS_TEST_TMPDIR/stored"
	diff "$BATS_TEST_TMPDIR/live" "$BATS_TEST_TMPDIR/stored"
	[ "$(jq ".[] | select(.group == $g) | .owner_cnt" "$BATS_TEST_TMPDIR/stored")" = 1 ]
	run -0 iommuctl --from "$BATS_TEST_TMPDIR/m.snap" owner check
}

@test "trace: a driver that leaves and comes back is one unuse and one use, without surplus" {
	[ -z "$(owner_probes)" ]
	run -5 iommuctl owner trace "$pair" -j -- sh -c "$(owner_rebind "$pair" e1000e); exit 5"
	[ "$(jq -c '[.data[0] | .taken, .given_before, .remains, .surplus]' <<<"$output")" = '[1,1,1,0]' ]
	[ "$(jq -c '[.data[0].entries[] | [.call, .result, .driver]]' <<<"$output")" = '[["unuse","ok","e1000e"],["use","ok","e1000e"]]' ]
	[ "$(jq -c '.data[0].entries[1].stack | index("really_probe") != null' <<<"$output")" = true ]
	[ -z "$(owner_probes)" ]
}

@test "trace: claims of iommufd and of a container, and who is refused" {
	local g

	g=$(lab_group "$pair")
	lab_move "$pair"
	lab_move "$second"
	run iommuctl owner trace "$g" -j -- sh -c "timeout 1 owner-hold iommufd $(owner_node "$pair"); timeout 1 owner-hold container /dev/vfio/$g"
	[ "$(jq -c '[.data[] | select(.device == env.pair) | .entries[] | .call]' <<<"${lines[-1]}")" = '["claim","release"]' ]
	[ "$(jq -c '[.data[] | select(.device == null) | .entries[] | [.call, .task]]' <<<"${lines[-1]}")" = \
		'[["group-claim","owner-hold"],["group-release","owner-hold"]]' ]
	owner_hold iommufd "$(owner_node "$pair")"
	lab_return "$second"
	run -0 iommuctl owner trace "$second" -j -- sh -c "echo $second >/sys/bus/pci/drivers/e1000e/bind 2>/dev/null; true"
	[ "$(jq -c '[.data[0].refused, .data[0].remains, .data[0].entries[0].result]' <<<"$output")" = '[1,0,"EBUSY"]' ]
	lab_release
}

@test "trace: nothing stays behind, and what a killed run left is taken away by the next" {
	local pid

	iommuctl owner trace >/dev/null 3>&- &
	pid=$!
	owner_watches
	kill -KILL $pid
	wait $pid || :
	[ -n "$(owner_probes)" ]
	run -0 iommuctl owner trace -d 0.2
	[ "$output" = "nobody took or gave back a group" ]
	[ -z "$(owner_probes)" ]
	for sig in INT TERM HUP; do
		iommuctl owner trace >/dev/null 3>&- &
		pid=$!
		owner_watches
		kill -$sig $pid
		wait $pid
		[ -z "$(owner_probes)" ]
	done
	run -1 --separate-stderr iommuctl owner trace -- /nosuch
	[[ $stderr == *"/nosuch: No such file or directory"* ]]
	[ -z "$(owner_probes)" ]
}

@test "trace: two at once do not disturb each other" {
	iommuctl owner trace "$pair" -j >"$BATS_TEST_TMPDIR/one" 3>&- &
	local pid=$!
	owner_watches
	run -0 iommuctl owner trace "$pair" -j -- sh -c "$(owner_rebind "$pair" e1000e)"
	kill -INT $pid
	wait $pid
	[ "$(jq -c '.data[0].taken' <<<"$output")" = 1 ]
	[ "$(jq -c '.data[0].taken' "$BATS_TEST_TMPDIR/one")" = 1 ]
	[ -z "$(owner_probes)" ]
}

@test "trace: a saved one reads back the same" {
	run -0 iommuctl owner trace "$pair" -j --save "$BATS_TEST_TMPDIR/t" -- sh -c "$(owner_rebind "$pair" e1000e)"
	[ "$(jq -c .data <<<"$output")" = "$(iommuctl owner trace "$pair" -j --read "$BATS_TEST_TMPDIR/t" | jq -c .data)" ]
	cp "$BATS_TEST_TMPDIR/t" "/share/out/owner-trace-$(uname -r)"
}
