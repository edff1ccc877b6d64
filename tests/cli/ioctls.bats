#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# ioctls: what becomes of the command that is watched. What it sees is tested where there is something to see: tests/vm/suites/ioctls.bats.
load lib

@test "the command's own status, and its output where it was" {
	run_ctl ioctls -- sh -c 'echo out; exit 5'
	expect_status 5
	[ "$output" = out ]
	expect_in "$stderr" "0 calls, 0 failed"
	run_ctl ioctls -- sh -c 'exit 0'
	expect_status 0
}

@test "-j: records on stdout, the command's output on stderr" {
	run_ctl ioctls -j -- sh -c 'echo out; exit 5'
	expect_status 5
	[ "$stderr" = out ]
	[ "$(jq -r .schema <<<"${lines[0]}")" = iommuctl.ioctls/1 ]
	[ "$(jq -c '[.end, .rows]' <<<"${lines[1]}")" = '[true,0]' ]
}

@test "not found 127, not to be run 126, killed 128 and the signal" {
	run -127 --separate-stderr "$IOMMUCTL" ioctls -- /nosuch/program
	expect_in "$stderr" "/nosuch/program: No such file or directory"
	echo text >"$BATS_TEST_TMPDIR/text"
	run_ctl ioctls -- "$BATS_TEST_TMPDIR/text"
	expect_status 126
	# shellcheck disable=SC2016
	run_ctl ioctls -- sh -c 'kill -TERM $$'
	expect_status 143
	# shellcheck disable=SC2016
	run_ctl ioctls -- sh -c 'kill -KILL $$'
	expect_status 137
}

@test "forking in a storm, threads of a shell, a stop and a continue" {
	# shellcheck disable=SC2016
	run_ctl ioctls -- sh -c 'i=0; while [ $i -lt 300 ]; do (exit 0) & i=$((i + 1)); done; wait; exit 7'
	expect_status 7
	# shellcheck disable=SC2016
	run_ctl ioctls -- sh -c '(sleep 0.3; kill -CONT $$) & kill -STOP $$; wait; exit 6'
	expect_status 6
}

@test "other ioctls are none of ours, and go through" {
	run_ctl ioctls -- sh -c 'stty -F /dev/null 2>&1; tput cols >/dev/null 2>&1; exit 4'
	expect_status 4
	expect_in "$stderr" "0 calls"
}

@test "a set-user-ID program: root sees it with its rights, others are told that it has none" {
	[ "$(id -u)" = 0 ] || skip "only root can make a set-user-ID program of somebody else's and become that user"
	local d

	d=$(mktemp -d) # bats keeps others out of its own
	chmod 755 "$d"
	cp "$(command -v id)" "$d/id"
	chmod 4755 "$d/id"
	run setpriv --reuid 65534 --regid 65534 --clear-groups "$d/id" -u
	[ "$output" = 0 ] || skip "set-user-ID programs have no rights below $d (nosuid)"
	run_ctl ioctls -- setpriv --reuid 65534 --regid 65534 --clear-groups "$d/id" -u
	expect_status 0
	[ "$output" = 0 ]
	expect_not_in "$stderr" "set-user-ID"
	run --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups "$IOMMUCTL" ioctls -- "$d/id" -u
	expect_status 0
	[ "$output" = 65534 ]
	rm -r "$d"
	expect_in "$stderr" "$d/id: its set-user-ID bit has no effect while it is watched" "run iommuctl as root"
}

@test "a 32-bit program runs as it does without us" {
	[ "$(uname -m)" = x86_64 ] || skip "for x86-64, which runs 32-bit programs"
	printf 'void _start(void) { long r; __asm__ volatile("int $0x80" : "=a"(r) : "a"(54), "b"(0), "c"(0x3b64), "d"(0)); __asm__("int $0x80" :: "a"(1), "b"(-r)); }' \
		>"$BATS_TEST_TMPDIR/call.c"
	"${CC:-cc}" -m32 -static -nostdlib -ffreestanding -fno-stack-protector -fno-pie -no-pie -o "$BATS_TEST_TMPDIR/call" "$BATS_TEST_TMPDIR/call.c" ||
		skip "the compiler makes no 32-bit programs"
	# an ioctl of our type, on what is no device of ours: ENOTTY, 25
	run "$BATS_TEST_TMPDIR/call" </dev/null
	[ "$status" -eq 25 ] || skip "this kernel runs no 32-bit programs (CONFIG_IA32_EMULATION)"
	run_ctl ioctls -- "$BATS_TEST_TMPDIR/call" </dev/null
	expect_status 25
	expect_in "$stderr" "0 calls"
}

@test "a process that runs: watched for a time, and it goes on" {
	sleep 30 3>&- &
	local pid=$!
	run_ctl ioctls -p $pid -d 0.2
	expect_status 0
	kill -0 $pid
	[ "$(awk '/^TracerPid/ { print $2 }' "/proc/$pid/status")" = 0 ]
	# killed: the process goes on all the same
	"$IOMMUCTL" ioctls -p $pid 3>&- &
	local watcher=$! tries=100
	until [ "$(awk '/^TracerPid/ { print $2 }' "/proc/$pid/status")" = $watcher ] || [ $((tries -= 1)) -eq 0 ]; do sleep 0.05; done
	[ $tries -gt 0 ]
	kill -KILL $watcher
	wait $watcher || :
	kill -0 $pid
	kill $pid
}

@test "nohup holds: for the command, and for us" {
	run --separate-stderr sh -c 'trap "" HUP; "$@"' - "$IOMMUCTL" ioctls -- sh -c 'kill -HUP $PPID; kill -HUP $$; echo on'
	expect_status 0
	[ "$output" = on ]
}

@test "a process that is traced already, is none, or is us" {
	sleep 30 3>&- &
	local pid=$! tries=100
	"$IOMMUCTL" ioctls -p $pid 3>&- &
	local watcher=$!
	until [ "$(awk '/^TracerPid/ { print $2 }' "/proc/$pid/status")" = $watcher ] || [ $((tries -= 1)) -eq 0 ]; do sleep 0.05; done
	run_ctl ioctls -p $pid
	expect_status 7
	expect_in "$stderr" "a process can have one tracer only"
	kill -INT $watcher
	wait $watcher
	kill $pid
	run_ctl ioctls -p 4194304
	expect_status 1
	expect_in "$stderr" "No such process"
}

@test "wrong arguments; a batch that cannot be written" {
	for args in "" "-p x" "-p 0" "-p 1 -- true" "-d x -- true" "-d -1 -- true"; do
		# shellcheck disable=SC2086
		run_ctl ioctls $args
		expect_status 2
	done
	run_ctl ioctls --batch /nosuch/file -- true
	expect_status 1
	run_ctl ioctls --batch /dev/full -- true
	expect_status 1
	expect_in "$stderr" "cannot write all of /dev/full"
	run_ctl ioctls --batch "$BATS_TEST_TMPDIR/b" -- true
	expect_status 0
	[[ $(<"$BATS_TEST_TMPDIR/b") == "# iommuctl batch"* ]]
}
