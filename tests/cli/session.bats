#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Sessions: start, list, stop, and what they do with a client that does not behave. On the sample machine's model.
load lib

setup() {
	S=t$$-$BATS_TEST_NUMBER
	dir=$IOMMUCTL_SESSION_DIR
}

teardown() {
	"$IOMMUCTL" session stop "$S" 2>/dev/null || true
}

start() {
	run_ctl session start --demo "$S"
	expect_status 0
}

pid_of() {
	"$IOMMUCTL" -j session list | jq -r --arg s "$S" '.data[] | select(.session == $s) | .pid'
}

state_of() {
	"$IOMMUCTL" -j session list | jq -r --arg s "$S" '.data[] | select(.session == $s) | .state'
}

# is STATE: the session is in it; else the list is shown, and what its keeper does
is() {
	local state

	state=$(state_of)
	[ "$state" = "$1" ] && return
	echo "session $S is '$state', not '$1'" >&2
	"$IOMMUCTL" session list >&2 || true
	ls -la "$IOMMUCTL_SESSION_DIR" >&2
	ps -ef | grep -e 'session start' -e PID >&2
	return 1
}

@test "a session outlives the terminal that it was started from" {
	local i

	for i in 1 2 3 4 5; do
		script -qec "'$IOMMUCTL' session start --demo '$S'" /dev/null </dev/null >/dev/null
		run_ctl --session "$S" ioas alloc as mem
		expect_status 0
		run_ctl session stop "$S"
		expect_status 0
	done
}

@test "a session starts, is listed, and stops" {
	start
	[ "$output" = "$S" ]
	# who forgot to name it is told how
	run_ctl object tree
	expect_status 2
	expect_in "$stderr" "hint: --session " "or export IOMMUCTL_SESSION="
	run_ctl -j session list
	expect_json ".data[] | select(.session == \"$S\") | [.state, .model, .objects] | tostring" '["running",true,0]'
	run_ctl session stop "$S"
	expect_status 0
	[ -z "$(state_of)" ]
	# nothing is left
	run ls "$dir"
	expect_not_in "$output" "$S"
}

@test "one that runs is not started again, and one that does not is not stopped" {
	start
	run_ctl session start --demo "$S"
	expect_status 1
	expect_in "$stderr" "session $S: it runs already"
	run_ctl session stop "$S"
	run_ctl session stop "$S"
	expect_status 1
	expect_in "$stderr" "there is no such session"
}

@test "its socket is its owner's alone" {
	start
	[ "$(stat -c %a "$dir/$S.sock")" = 600 ]
	[ "$(stat -c %a "$dir")" = 700 ]
}

@test "where sessions are: the user's place, or the one that he names, which must be his alone" {
	local place=/run/iommuctl/sessions

	[ "$(id -u)" -eq 0 ] || place=$BATS_TEST_TMPDIR/iommuctl
	start
	[ -S "$IOMMUCTL_SESSION_DIR/$S.sock" ]
	env -u IOMMUCTL_SESSION_DIR XDG_RUNTIME_DIR="$BATS_TEST_TMPDIR" "$IOMMUCTL" session start --demo "$S"
	[ -S "$place/$S.sock" ]
	env -u IOMMUCTL_SESSION_DIR XDG_RUNTIME_DIR="$BATS_TEST_TMPDIR" "$IOMMUCTL" session stop "$S"
	[ ! -e "$place/$S.sock" ]
	is running
	mkdir -m 777 "$BATS_TEST_TMPDIR/open"
	IOMMUCTL_SESSION_DIR=$BATS_TEST_TMPDIR/open run_ctl session start --demo "$S"
	expect_status 7
	expect_in "$stderr" "$BATS_TEST_TMPDIR/open" "others may write there"
	IOMMUCTL_SESSION_DIR=$BATS_TEST_TMPDIR/open run_ctl --session "$S" object tree
	expect_status 7
	[ "$(grep -c ^iommuctl: <<<"$stderr")" -eq 1 ]
	# a relative path is refused, not passed over: another session of that name, in the usual place, is not what is meant
	for args in "session list" "session start --demo $S" "session stop $S" "--session $S object tree"; do
		# shellcheck disable=SC2086 # words
		IOMMUCTL_SESSION_DIR=here XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR run_ctl $args
		expect_status 1
		expect_in "$stderr" 'iommuctl: IOMMUCTL_SESSION_DIR "here": a relative path' 'hint: set IOMMUCTL_SESSION_DIR to a path that begins with /'
		[ "$(grep -c ^iommuctl: <<<"$stderr")" -eq 1 ]
	done
	is running
	IOMMUCTL_SESSION_DIR='' XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR run_ctl --raw --noheadings session list -o session
	expect_status 0
	expect_not_in "$output" "$S"
}

# user UID COMMAND...: as somebody else
user() {
	local uid=$1

	shift
	setpriv --reuid="$uid" --regid="$uid" --clear-groups env -u IOMMUCTL_SESSION_DIR -C / HOME=/ XDG_RUNTIME_DIR="$away" "$@"
}

@test "another user can neither use nor stop it, not even by a socket that was opened up; root can" {
	local away rc=0

	[ "$(id -u)" -eq 0 ] || skip "only root can be two users: run it as root too"
	away=$(mktemp -d)
	mkdir "$away/bin"
	cp "$IOMMUCTL" "${IOMMUCTL%/*}/tests/unit/session-peer" "$away/bin"
	chown 65534 "$away"
	chmod 755 "$away"
	user 65534 "$away/bin/iommuctl" session start --demo "$S"
	{
		user 65533 "$away/bin/session-peer" "$away/iommuctl/$S.sock" shut-out &&
			chmod 755 "$away/iommuctl" && chmod 666 "$away/iommuctl/$S.sock" &&
			user 65533 "$away/bin/session-peer" "$away/iommuctl/$S.sock" refused &&
			user 65534 "$away/bin/iommuctl" --session "$S" ioas alloc as mine &&
			[ "$(user 65534 "$away/bin/iommuctl" --session "$S" --raw --noheadings object tree -o name)" = mine ] &&
			"$away/bin/session-peer" "$away/iommuctl/$S.sock" thousand
	} || rc=1
	user 65534 "$away/bin/iommuctl" session stop "$S" || rc=1
	rm -rf "$away"
	return $rc
}

@test "a directory that is not to be trusted is exit 7 for every command" {
	mkdir -m 777 "$BATS_TEST_TMPDIR/open"
	chmod 777 "$BATS_TEST_TMPDIR/open"
	for args in "--session x object tree" "session exec x -- true" "session stop x" "session start --demo x" "session list"; do
		# shellcheck disable=SC2086
		IOMMUCTL_SESSION_DIR=$BATS_TEST_TMPDIR/open run_ctl $args
		expect_status 7
		expect_in "$stderr" "others may write there"
	done
}

@test "its keeper has given up what it does not need, and can run no program" {
	start
	pid=$(pid_of)
	grep -qx 'NoNewPrivs:	1' "/proc/$pid/status"
	# locked memory and limits, and nothing else, where there was more
	caps=$((0x$(sed -n 's/^CapEff:	//p' "/proc/$pid/status") | 0x$(sed -n 's/^CapPrm:	//p' "/proc/$pid/status")))
	[ $((caps & ~(1 << 14 | 1 << 24))) -eq 0 ]
	if [ "$(id -u)" -eq 0 ]; then
		[ $((0x$(sed -n 's/^CapBnd:	//p' "/proc/$pid/status") & ~(1 << 14 | 1 << 24))) -eq 0 ]
	fi
	! grep -q '^Seccomp:' /proc/self/status || grep -qx 'Seccomp:	2' "/proc/$pid/status"
}

@test "facts of a session on a model are the model's, also behind an act" {
	start
	run_ctl --session "$S" --noheadings device list -o device,driver
	expect_in "$output" "0000:03:00.1 e1000e"
	run_ctl --session "$S" device bind 03:00.1
	expect_status 5
	run_ctl --session "$S" device bind --force 03:00.1
	expect_status 0
	run_ctl --session "$S" --noheadings device list -o device,driver
	expect_in "$output" "0000:03:00.1 vfio-pci"
	IOMMUCTL_SESSION=$S run_ctl group check 03:00.1
	expect_in "$output" "ready"
	run_ctl --session "$S" device restore --all
	expect_status 0
	run_ctl --session "$S" --noheadings device list -o device,driver
	expect_in "$output" "0000:03:00.1 e1000e"
	# the sample machine itself is as it was
	run_ctl --demo --noheadings device list -o device,driver
	expect_in "$output" "0000:03:00.1 e1000e"
}

@test "its machine was fixed when it was started" {
	start
	for o in --demo -M "--from demo"; do
		# shellcheck disable=SC2086
		run_ctl --session "$S" $o group list
		expect_status 2
		expect_in "$stderr" "its machine was fixed when it was started"
	done
}

@test "no session, a wrong name, a file that is no keeper" {
	run_ctl --session "$S" group list
	expect_status 1
	expect_in "$stderr" "there is no such session" "session start $S"
	run_ctl session start --demo "../x"
	expect_status 2
	run_ctl session start --from demo "$S"
	expect_status 2
	run_ctl session exec "$S"
	expect_status 2
}

@test "a keeper that was killed is said to be dead, and can be started anew" {
	start
	kill -9 "$(pid_of)"
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		is dead && break
		sleep 0.1
	done
	is dead
	run_ctl --session "$S" group list
	expect_status 1
	expect_in "$stderr" "its keeper is dead"
	start
	is running
	kill -9 "$(pid_of)"
	sleep 0.2
	run_ctl session stop "$S"
	expect_status 0
	[ -z "$(state_of)" ]
}

@test "it outlives its starter's session and terminal" {
	setsid --wait "$IOMMUCTL" session start --demo "$S"
	is running
	pid=$(pid_of)
	# leader of a session of its own, without a terminal
	[ "$(ps -o sid= -p "$pid" | tr -d ' ')" = "$pid" ]
	[ "$(ps -o tty= -p "$pid" | tr -d ' ')" = "?" ]
}

@test "a signal ends it in good order" {
	start
	pid=$(pid_of)
	kill -TERM "$pid"
	while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
	[ ! -e "$dir/$S.sock" ]
}

@test "--foreground stays, and says when it is ready" {
	"$IOMMUCTL" session start --foreground --demo "$S" >"$BATS_TEST_TMPDIR/out" 3>&- &
	fg=$!
	for _ in $(seq 100); do
		is running && break
		sleep 0.05
	done
	[ "$(pid_of)" = "$fg" ]
	"$IOMMUCTL" session stop "$S"
	wait "$fg"
}

@test "a batch in a session says what it keeps" {
	start
	run_ctl --session "$S" batch - <<<"group list"
	expect_status 0
	expect_in "$output" "1 command; nothing was moved"
}

@test "the option goes before the environment, in a batch too" {
	start
	IOMMUCTL_SESSION=nosuch run_ctl --session "$S" batch - <<<"group list"
	expect_status 0
	IOMMUCTL_SESSION=nosuch run_ctl group list
	expect_status 1
	IOMMUCTL_SESSION=$S run_ctl batch - <<<"--session other group list"
	expect_status 2
}

@test "a file is mapped by its descriptor" {
	start
	head -c 65536 /dev/zero >"$BATS_TEST_TMPDIR/file"
	run_ctl --session "$S" batch - <<-END
		ioas alloc as mem
		ioas map mem 64K --iova 1M --file $BATS_TEST_TMPDIR/file
		object tree --maps --raw --noheadings -o name,ranges.memory
		expect ENOENT ioas map mem 4K --file /nonexistent
	END
	expect_status 0
	expect_in "$output" "mem file"
}

@test "garbage, half a frame, silence: nobody else notices" {
	start
	"${IOMMUCTL%/*}/tests/unit/session-peer" "$dir/$S.sock" garbage half huge silent flood
	is running
	run_ctl --session "$S" --noheadings group list -o group
	expect_status 0
}

@test "a thousand clients at once, and descriptors that run out" {
	start
	"${IOMMUCTL%/*}/tests/unit/session-peer" "$dir/$S.sock" thousand
	is running
	"$IOMMUCTL" session stop "$S"
	(
		ulimit -n 32
		"$IOMMUCTL" session start --demo "$S"
	)
	"${IOMMUCTL%/*}/tests/unit/session-peer" "$dir/$S.sock" thousand
	is running
	run_ctl --session "$S" --noheadings group list -o group
	expect_status 0
}

# full WORD: as many peers as there is room for, with what is behind it done to the session meanwhile
full() {
	local word=$1 gate=$BATS_TEST_TMPDIR/gate said=$BATS_TEST_TMPDIR/said rc=0

	shift
	mkfifo "$gate"
	"${IOMMUCTL%/*}/tests/unit/session-peer" "$dir/$S.sock" "$word" <"$gate" >"$said" 3>&- &
	exec 8>"$gate"
	until grep -qs held "$said"; do
		kill -0 $! || return
		sleep 0.05
	done
	"$@" || rc=1
	exec 8>&-
	wait
	rm "$gate"
	return $rc
}

told_full() {
	is running && run_ctl --session "$S" group list && expect_status 1 && expect_in "$stderr" "too many are connected to it"
}

used() {
	is running && run_ctl --session "$S" --noheadings group list -o group && expect_status 0
}

stopped() {
	run_ctl session stop "$S" && expect_status 0 && [ ! -e "$dir/$S.sock" ] && [ ! -e "$dir/$S.lock" ]
}

scarce() {
	(
		ulimit -n 32
		exec 3>&-
		"$IOMMUCTL" session start --demo "$S"
	)
}

@test "no room left: it says so, is listed, and can be stopped" {
	scarce
	full seated told_full
	# they have gone: there is room
	run_ctl --session "$S" --noheadings group list -o group
	expect_status 0
	full seated stopped
	# who never says hello has no place that somebody else needs
	scarce
	full mute used
	full mute stopped
}

@test "what nobody reads takes a bounded part of memory" {
	start
	local kib
	"${IOMMUCTL%/*}/tests/unit/session-peer" "$dir/$S.sock" hoard
	is running
	kib=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(pid_of)/status")
	echo "$kib KiB"
	[ "$kib" -lt $((256 << 10)) ]
}

@test "a keeper of another version is told apart, and can be stopped" {
	mkdir -p -m 700 "$dir"
	"${IOMMUCTL%/*}/tests/unit/session-peer" "$dir/$S.sock" other-version 3>&- &
	other=$!
	for _ in $(seq 100); do
		[ -S "$dir/$S.sock" ] && break
		sleep 0.05
	done
	run_ctl --session "$S" group list
	expect_status 1
	expect_in "$stderr" "it was started by version 0.0.1" "session stop $S ends it"
	is other-version
	run_ctl session stop "$S"
	expect_status 0
	wait "$other"
	rm -f "$dir/$S.sock"
}

@test "exec: the command's status, and descriptors only from a real machine" {
	start
	run_ctl session exec "$S" -- sh -c 'exit 7'
	expect_status 7
	run_ctl session exec "$S" -- echo a@b @@x
	expect_status 0
	[ "$output" = "a@b @x" ]
	run_ctl session exec "$S" -- echo @nosuch
	expect_status 2
	expect_in "$stderr" "@nosuch: there is no such device in the session"
	run_ctl session exec "$S" -- echo fd=@iommufd
	expect_status 6
	expect_in "$stderr" "a model has no descriptors"
	run -127 --separate-stderr "$IOMMUCTL" session exec "$S" -- /nonexistent/x
	expect_in "$stderr" "iommuctl: /nonexistent/x: No such file or directory" "hint: behind -- stands a program"
	run -126 --separate-stderr "$IOMMUCTL" session exec "$S" -- /etc/passwd
	# a status of the program's own is no word about where it is
	run -127 --separate-stderr "$IOMMUCTL" session exec "$S" -- sh -c 'exit 127'
	[ -z "$stderr" ]
}

# failing N COMMAND: its N-th call to the system fails with EIO
failing() {
	local n=$1
	shift
	ASAN_OPTIONS=verify_asan_link_order=0:${ASAN_OPTIONS-} FAIL_NTH=$n LD_PRELOAD=${IOMMUCTL%/*}/tests/unit/fail-nth.so "$@"
}

@test "each call of a client fails in turn: it says so, and the keeper goes on" {
	start
	local n clean=0
	for ((n = 1; clean < 6 && n < 200; n++)); do
		run failing "$n" "$IOMMUCTL" --session "$S" batch - <<<$'ioas alloc\nobject tree\nobject destroy --all'
		[ "$status" -lt 124 ] || { echo "call $n: $output"; return 1; }
		[ "$status" -eq 0 ] || expect_in "$output" "iommuctl: "
		if [ "$status" -eq 0 ]; then clean=$((clean + 1)); else clean=0; fi
		is running
		"$IOMMUCTL" --session "$S" object destroy --all
	done
	[ "$n" -gt 20 ]
}

@test "each call of a start fails in turn: no session is left that nobody keeps" {
	local n clean=0
	for ((n = 1; clean < 6 && n < 100; n++)); do
		run failing "$n" "$IOMMUCTL" session start --demo "$S" 3>&-
		[ "$status" -lt 124 ] || { echo "call $n: $output"; return 1; }
		if [ "$status" -eq 0 ]; then clean=$((clean + 1)); else clean=0; fi
		[ "$(state_of)" != dead ] || { echo "call $n: $output"; return 1; }
		"$IOMMUCTL" session stop "$S" || true
	done
	[ "$n" -gt 8 ]
}
