#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# iommutop: batch mode, frames, command line.
load lib

setup_file() {
	export TOP=${IOMMUCTL%/*}/iommutop SRC=${BATS_TEST_DIRNAME%/tests/cli}
}

setup() {
	[ -x "$TOP" ] || skip "iommutop was not built: ncursesw is not here"
	HOSTS=$SRC/tests/hosts
}

run_top() {
	run --separate-stderr "$TOP" "$@"
}

@test "batch: a table of groups and one of units" {
	run_top -b -n 1 --from "$HOSTS/vtd-half.snap"
	expect_status 0
	expect_in "$output" 'lab, Linux 7.2' '2 ready' 'invalidations -, maps -' 'GROUP VERDICT'
	expect_in "$output" '    4 ready '*'0000:04:00.0' 'dmar0 '*'vt-d'
	expect_not_in "$output" 'SESSION' $'\e'
}

@test "batch: what is asked for, and nothing else" {
	run_top -b -n 1 --demo --view domains --raw
	expect_status 0
	[ "$(head -1 <<<"$output")" = "DOMAIN TYPE MADE-BY HWPT PID PROCESS PAGES END GROUPS DEVICES ON-IT WHICH" ] || {
		echo "$output"
		false
	}
	[ "$(wc -l <<<"$output")" -eq 16 ]
	run_top -b -n 1 --demo --view units --noheadings
	expect_not_in "$output" 'KIND'
}

@test "batch: JSON Lines with the numbers that group list has" {
	local file
	for file in demo "$HOSTS"/*.snap; do
		run_top -b -n 2 -d 0.1 -j --from "$file"
		expect_status 0
		[ "$(wc -l <<<"$output")" -eq 4 ]
		printf '%s\n' "$output" >"$BATS_TEST_TMPDIR/out"
		diff <(sed -n 3p "$BATS_TEST_TMPDIR/out" | jq -c '[.groups[] | [.group, .verdict, .viable, .type, (.devices | sort)]]') \
			<("$IOMMUCTL" --from "$file" group list -j | jq -c '[.data[] | [.group, .verdict, .viable, .type, ([.devices[].device] | sort)]]')
		diff <(sed -n 3p "$BATS_TEST_TMPDIR/out" | jq -c '[.groups[] | [.group, .owner, .owner_cnt, .expected]]') \
			<("$IOMMUCTL" --from "$file" owner list -j 2>/dev/null | jq -c '[.data[] | [.group, .owner, .owner_cnt, .expected]]')
		[ "$(sed -n 2p "$BATS_TEST_TMPDIR/out" | jq -c '[.sample, .interval, .maps, .domains]')" = '[1,null,null,null]' ]
		[ "$(sed -n 3p "$BATS_TEST_TMPDIR/out" | jq -c '[.sample, .interval >= 100]')" = '[2,true]' ]
	done
}

@test "batch: JSON is what the schema says" {
	local lines=$BATS_TEST_TMPDIR/lines
	for file in demo "$HOSTS"/*.snap; do
		"$TOP" -b -n 1 -j --view groups,domains,devices,units,faults,sessions --from "$file" |
			jq -Rc --arg f "$file" '[$f, .] | join("\t")' -r >>"$lines"
	done
	python3 - "$SRC/docs/schema/top.sample.json" "$lines" <<-'PY'
		import json, sys, jsonschema
		schema = json.load(open(sys.argv[1]))
		v = jsonschema.Draft7Validator(schema)
		n = 0
		for line in open(sys.argv[2]):
		    name, _, doc = line.rstrip("\n").partition("\t")
		    for e in v.iter_errors(json.loads(doc)):
		        sys.exit(f"{name}: {e.message[:300]}")
		    n += 1
		assert n >= 30, n
	PY
}

@test "batch: on this machine, whatever it has" {
	run_top -b -n 2 -d 0.1 -j
	expect_status 0
	[ "$(sed -n 3p <<<"$output" | jq '.sample')" = 2 ]
}

@test "a trace is played: its rates add up to what trace stat counts" {
	local t
	for t in nvme.trace vtd-v7.dat; do
		# each sample is a hundredth of a second of the trace
		run_top --from "$HOSTS/vtd.snap" --replay "$SRC/tests/traces/$t" --speed 0.1 -b -j -n 5 -d 0.1 --view faults
		expect_status 0
		jq -sc '[.[] | select(.sample > 1)] | map([.maps, .unmaps, .invalidations, .requests, .faults]) | transpose | map(add / 100)' \
			<<<"$output" >"$BATS_TEST_TMPDIR/played"
		"$IOMMUCTL" -j trace stat "$SRC/tests/traces/$t" 2>/dev/null | jq -c '.data[0].kinds | map({(.kind): .count}) | add |
			[.map, .unmap, .invalidate, ."page-request", .fault] | map(. // 0)' | diff - "$BATS_TEST_TMPDIR/played"
	done
	run_top --demo --replay "$SRC/COPYING" -b -n 1
	expect_status 1
	expect_in "$stderr" 'COPYING: nothing in it is an event of an IOMMU'
}

@test "sessions: what they keep, by its name" {
	"$IOMMUCTL" --demo session start toptest
	"$IOMMUCTL" --session toptest ioas alloc as space
	run_top -b -n 1 -j --view sessions
	"$IOMMUCTL" session stop toptest
	expect_status 0
	[ "$(sed -n 2p <<<"$output" | jq -c '.sessions[:2] | map([.session, .object, .name, .parent, .depth])')" = \
		'[["toptest","session toptest (model)",null,null,0],["toptest","ioas 1","space","session toptest (model)",1]]' ]
	run_top -b -n 1 --view sessions
	expect_not_in "$output" toptest
}

@test "a frame has its size, and the remedy of the row" {
	run_top --demo --frame 100x30 --keys '/e1000e<Enter>'
	expect_status 0
	[ "${#lines[@]}" -le 30 ]
	[ "$(wc -l <<<"$output")" -eq 30 ]
	[ "$(wc -L <<<"$output")" -le 100 ]
	expect_in "$output" '# iommuctl device bind 0000:03:00.1'
}

@test "a frame without UTF-8 is ASCII" {
	run env LC_ALL=C "$TOP" --demo --frame 80x24 --keys '<F6>'
	[ "$status" -eq 0 ]
	[[ $output != *[^[:ascii:]]* ]]
}

@test "no terminal: said, and what helps" {
	run_top --demo
	expect_status 1
	[ "$stderr" = "iommutop: the screen: standard input or output is no terminal
hint: batch mode needs none: iommutop -b -n 2" ]
	[ -z "$output" ]
}

@test "an unknown terminal: said, and what helps" {
	for term in nosuchterminal "" dumb; do
		run script -qec "env TERM=$term $(printf '%q ' "$TOP" --demo)" /dev/null
		expect_in "$output" "iommutop: terminal type \"$term\"" 'iommutop -b'
	done
}

@test "wrong usage" {
	for args in "-j" "-n 0 -b" "-d x" "--nope" "extra" "--frame 8" "--view none" "--keys q"; do
		# shellcheck disable=SC2086 # words
		run_top $args
		expect_status 2
		expect_in "$stderr" 'iommutop: '
	done
	run_top --from /nonexistent
	expect_status 1
	expect_in "$stderr" '/nonexistent'
}

@test "a full disk and a reader that went away are failures, not loops" {
	[ -w /dev/full ] || skip "no /dev/full"
	run bash -c '"$TOP" -b -n 3 -d 0.1 --demo >/dev/full'
	[ "$status" -eq 1 ]
	run timeout 20 bash -c '"$TOP" -b -d 0.1 --demo -j | head -1; exit "${PIPESTATUS[0]}"'
	[ "$status" -eq 1 ]
}

@test "help, manual and completions have the same options" {
	local options
	run_top --help
	expect_status 0
	options=$(grep -oE -- '--[a-z]+' <<<"$output" | sort -u)
	[ "$(wc -l <<<"$options")" -ge 12 ]
	for o in $options; do
		grep -q -- "Fl .*${o#--}" "$SRC/man/iommutop.1"
		grep -q -- "$o" "$SRC/completions/iommutop.bash"
		grep -q -- "$o" "$SRC/completions/_iommutop"
		grep -q -- "-l ${o#--} " "$SRC/completions/iommutop.fish" || grep -q -- "-l ${o#--}$" "$SRC/completions/iommutop.fish"
	done
}
