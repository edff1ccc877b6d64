#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# faults watch: faults are explained as they happen, once each, counted, and nothing stays behind.

# shellcheck disable=SC2154
bats_require_minimum_version 1.5.0
load lab
load owner

EDU=0000:02:00.0

setup_file() {
	load lab
	lab_move $EDU
}

teardown_file() {
	load lab
	lab_return $EDU
}

# watch ARGS…: in the background, into $BATS_TEST_TMPDIR/out; $watcher is its pid
watch() {
	local tries=200

	iommuctl "$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	watcher=$!
	until ls /sys/kernel/tracing/instances/iommuctl_*/trace_pipe >/dev/null 2>&1; do
		[ $((tries -= 1)) -gt 0 ] || return 1
		sleep 0.1
	done
	sleep 0.5
}

# The kernel prints ten messages of faults in five seconds, and leaves out what is beyond: each test has these for itself.
limit_anew() {
	sleep 6
}

# shows N FILTER: waits until so many lines of the stream answer the filter
shows() {
	local tries=100

	until [ "$(jq -c "$2" "$BATS_TEST_TMPDIR/out" 2>/dev/null | grep -c .)" -ge "$1" ]; do
		[ $((tries -= 1)) -gt 0 ] || return 1
		sleep 0.1
	done
}

@test "watch -j: a fault is there while the watch goes on, and counted at its end" {
	limit_anew
	# what was in the log before is none of its business
	edu-dma $EDU read 0xaaaa000
	watch -j faults watch
	edu-dma $EDU read 0xdead000 read 0xdead000
	shows 1 'select(.device)'
	kill -INT $watcher
	wait $watcher
	[ "$(head -n 1 "$BATS_TEST_TMPDIR/out" | jq -r .schema)" = iommuctl.faults.watch/1 ]
	[ "$(jq -r 'select(.device) | "\(.device | sub("^0000:"; "")) \(.kind) \(.address) \(.access) \(.group)"' "$BATS_TEST_TMPDIR/out" | sort -u)" = \
		"${EDU#0000:} dma 0xdead000 read $(lab_group $EDU)" ]
	[ "$(jq -r 'select(.device) | .count' "$BATS_TEST_TMPDIR/out" | tail -n 1)" = 2 ]
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/out" | jq .end)" = true ]
	[ -z "$(owner_probes)" ]
}

@test "watch: a story in full once, then counted" {
	local tries=300

	limit_anew
	watch faults watch
	edu-dma $EDU write 0xbeef000 write 0xbeef000 write 0xbee0000
	until grep -q 'write at 0xbeef000' "$BATS_TEST_TMPDIR/out" || [ $((tries -= 1)) -eq 0 ]; do sleep 0.1; done
	sleep 2
	kill -INT $watcher
	wait $watcher
	cat "$BATS_TEST_TMPDIR/out"
	[ "$(grep -c 'next: iommuctl device show' "$BATS_TEST_TMPDIR/out")" = 1 ]
	grep -q 'write at 0xbeef000' "$BATS_TEST_TMPDIR/out"
	grep -q '^3 faults$' "$BATS_TEST_TMPDIR/out"
	grep -q 'more, at 0x' "$BATS_TEST_TMPDIR/out"
	[ -z "$(owner_probes)" ]
}

@test "watch --maps: that the address was unmapped just before" {
	limit_anew
	watch -j faults watch --maps
	edu-dma $EDU map 0x100000 0x1000 read 0x100000 sleep 20 unmap 0x100000 0x1000 read 0x100000
	shows 1 'select(.device)'
	kill -TERM $watcher
	wait $watcher
	[[ $(jq -r 'select(.device) | .where' "$BATS_TEST_TMPDIR/out" | tail -n 1) == "it was unmapped "*" before (0x100000-0x100fff"* ]]
}

@test "watch: without the right to trace the log alone is watched, without both it says so" {
	run -0 --separate-stderr iommuctl faults watch --no-trace -d 0.3
	[ "$output" = "0 faults" ]
	echo 0 >/proc/sys/kernel/dmesg_restrict
	chmod 644 /dev/kmsg
	run -0 --separate-stderr setpriv --reuid 1000 --regid 1000 --clear-groups iommuctl faults watch -d 0.3
	[[ $stderr == *"only the kernel log is watched, trace events are not: only root may set probes"* ]]
	chmod 600 /dev/kmsg
	run -7 --separate-stderr setpriv --reuid 1000 --regid 1000 --clear-groups iommuctl faults watch -d 0.3
	[[ $stderr == *"the kernel log: "* ]]
	run -2 --separate-stderr iommuctl --from demo faults watch
	[ -z "$(owner_probes)" ]
}
