#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Each call of the system and each allocation of bind, restore, session and snapshot fails in turn: the machine is as before, or restore gets it
# back; no file, no process is left. The machine is the sample one's model in a session, which outlives the command. FAIL_EVERY=1 takes them all;
# the same on kernels is tests/vm/suites/act-fail.bats.
load lib
load fail

setup() {
	FAIL_LIB=${IOMMUCTL%/*}/tests/unit/fail-nth.so
	S=t$$-$BATS_TEST_NUMBER
	dir=$IOMMUCTL_SESSION_DIR
}

teardown() {
	"$IOMMUCTL" session stop "$S" 2>/dev/null || true
	[ -z "${keeper:-}" ] || kill "$keeper" 2>/dev/null || true
}

s() {
	"$IOMMUCTL" --session "$S" "$@"
}

machine_state() {
	s -j device list -o device,driver,override,sriov_vfs | jq -c .data
}

# what is in the journal's folder, but for its lock
journal_files() {
	find "$dir/$S.d" -type f ! -name lock 2>/dev/null
}

start() {
	"$IOMMUCTL" session start --demo "$S" >/dev/null
	before=$(machine_state)
}

same_again() {
	s device restore --all >/dev/null 2>"$BATS_TEST_TMPDIR/restore" || { cat "$BATS_TEST_TMPDIR/restore" >&2; return 1; }
	[ "$(machine_state)" = "$before" ] || { s device list | head -3 >&2; "$IOMMUCTL" session list >&2; diff <(jq . <<<"$before") <(machine_state | jq .) >&2; return 1; }
	[ -z "$(journal_files)" ] || { journal_files >&2; return 1; }
}

# after a bind: what its exit status says is so, and restore gets back what there was
acted() {
	said || return
	case $status in
	1 | 5 | 6 | 7 | 130)
		[ "$(machine_state)" = "$before" ] || { echo "exit $status, and it is not as before" >&2; return 1; } ;;
	esac
	same_again
}

@test "a bind of a group" {
	start
	fail_plan all "$IOMMUCTL" --session "$S" device bind --group 09:01.0
	same_again
	each_failure acted "$IOMMUCTL" --session "$S" device bind --group 09:01.0
}

put_back() {
	said || return
	[ "$status" -ne 0 ] || [ "$(machine_state)" = "$before" ] || return
	same_again || return
	s device bind --group 09:01.0 >/dev/null
}

@test "a restore" {
	start
	s device bind --group 09:01.0 >/dev/null
	fail_plan all "$IOMMUCTL" --session "$S" device restore --all
	s device bind --group 09:01.0 >/dev/null
	each_failure put_back "$IOMMUCTL" --session "$S" device restore --all
}

# whole, or not there
saved() {
	local files

	said || return
	files=$(cd "$BATS_TEST_TMPDIR/snap" && echo *)
	# it says what it has written, by reading it: that may fail when all is there
	[ "$status" -ne 0 ] && [ "$files" = '*' ] && return
	[ "$files" = new ] && "$IOMMUCTL" --from "$BATS_TEST_TMPDIR/snap/new" group list >/dev/null ||
		{ echo "left: $files" >&2; return 1; }
	rm -f "$BATS_TEST_TMPDIR"/snap/*
}

@test "a snapshot: no part of a file is left" {
	mkdir "$BATS_TEST_TMPDIR/snap"
	fail_plan all "$IOMMUCTL" --from demo snapshot save "$BATS_TEST_TMPDIR/snap/new"
	rm "$BATS_TEST_TMPDIR/snap/new"
	each_failure saved "$IOMMUCTL" --from demo snapshot save "$BATS_TEST_TMPDIR/snap/new"
}

unharmed() {
	said || return
	[ "$status" -eq 0 ] || cmp -s "$BATS_TEST_TMPDIR/old" "$BATS_TEST_TMPDIR/snap/old" ||
		"$IOMMUCTL" --from "$BATS_TEST_TMPDIR/snap/old" group list >/dev/null || return
	[ "$(ls "$BATS_TEST_TMPDIR/snap")" = old ]
}

@test "a snapshot over an older one: it is there till the new one is" {
	mkdir "$BATS_TEST_TMPDIR/snap"
	"$IOMMUCTL" --from demo snapshot save "$BATS_TEST_TMPDIR/old"
	cp "$BATS_TEST_TMPDIR/old" "$BATS_TEST_TMPDIR/snap/"
	FAIL_LEAST=15 fail_plan calls "$IOMMUCTL" --from demo snapshot save "$BATS_TEST_TMPDIR/snap/old"
	cp "$BATS_TEST_TMPDIR/old" "$BATS_TEST_TMPDIR/snap/"
	FAIL_EVERY=1 each_failure unharmed "$IOMMUCTL" --from demo snapshot save "$BATS_TEST_TMPDIR/snap/old"
}

# What is there is whole, and it is all there is; but at the last of two calls, that which gives the new file the old one's name, there is a second one.
whole() {
	local f n=0

	for f in "$BATS_TEST_TMPDIR"/killed/*; do
		[ -e "$f" ] || break
		case ${f##*/} in
		old | old.txt) is_whole "$f" ;;
		*)	[ "$name" = renameat ] && [ "$((n += 1))" -eq 1 ] && rm "$f" ;;
		esac || { ls -A "$BATS_TEST_TMPDIR/killed" >&2; return 1; }
	done
	[ -z "${must_be:-}" ] || [ -e "$BATS_TEST_TMPDIR/killed/old" ] || return
	[ -n "${must_be:-}" ] || rm -f "$BATS_TEST_TMPDIR/killed/old"
}

@test "killed at any call, a snapshot is the old one, the new one, or none" {
	is_whole() {
		"$IOMMUCTL" --from "$1" group list >/dev/null
	}
	mkdir "$BATS_TEST_TMPDIR/killed"
	FAIL_LEAST=15 fail_plan calls "$IOMMUCTL" --from demo snapshot save "$BATS_TEST_TMPDIR/killed/old"
	rm "$BATS_TEST_TMPDIR/killed/old"
	each_kill whole "$IOMMUCTL" --from demo snapshot save "$BATS_TEST_TMPDIR/killed/old"
	must_be=yes
	"$IOMMUCTL" --from demo snapshot save "$BATS_TEST_TMPDIR/killed/old"
	FAIL_LEAST=15 fail_plan calls "$IOMMUCTL" --from demo snapshot save "$BATS_TEST_TMPDIR/killed/old"
	each_kill whole "$IOMMUCTL" --from demo snapshot save "$BATS_TEST_TMPDIR/killed/old"
}

@test "killed at any call, a file of metrics is the old one or the new one" {
	is_whole() {
		grep -q '^iommuctl_build_info' "$1" && grep -q '^iommuctl_collector_success{collector="faults"}' "$1"
	}
	must_be=yes
	mkdir "$BATS_TEST_TMPDIR/killed"
	"$IOMMUCTL" --demo metrics --output "$BATS_TEST_TMPDIR/killed/old"
	FAIL_LEAST=15 fail_plan calls "$IOMMUCTL" --demo metrics --output "$BATS_TEST_TMPDIR/killed/old"
	each_kill whole "$IOMMUCTL" --demo metrics --output "$BATS_TEST_TMPDIR/killed/old"
	rm -f "$BATS_TEST_TMPDIR"/killed/.old.lock
	[ "$(ls -A "$BATS_TEST_TMPDIR/killed")" = old ] || [ "$(ls -A "$BATS_TEST_TMPDIR/killed")" = $'.old.new\nold' ]
	"$IOMMUCTL" --demo metrics --output "$BATS_TEST_TMPDIR/killed/old"
	[ ! -e "$BATS_TEST_TMPDIR/killed/.old.new" ]
}

@test "killed at any call, a report and its page are each the old one or the new one" {
	is_whole() {
		case $1 in
		*.txt)	tail -n 1 "$1" | cmp -s - "$BATS_TEST_TMPDIR/last" ;;
		*)	"$IOMMUCTL" --from "$1" group list >/dev/null ;;
		esac
	}
	must_be=yes
	mkdir "$BATS_TEST_TMPDIR/killed"
	"$IOMMUCTL" --from demo report "$BATS_TEST_TMPDIR/killed/old"
	tail -n 1 "$BATS_TEST_TMPDIR/killed/old.txt" >"$BATS_TEST_TMPDIR/last"
	FAIL_LEAST=15 fail_plan calls "$IOMMUCTL" --from demo report "$BATS_TEST_TMPDIR/killed/old"
	each_kill whole "$IOMMUCTL" --from demo report "$BATS_TEST_TMPDIR/killed/old"
	[ -e "$BATS_TEST_TMPDIR/killed/old.txt" ]
}

# it runs and can be used, or nothing of it is there
started() {
	local state

	said || return
	state=$("$IOMMUCTL" -j session list | jq -r --arg s "$S" '.data[] | select(.session == $s) | .state')
	# a keeper that was told to go needs a moment
	for _ in $(seq 100); do
		[ "$status" -ne 0 ] && [ -e "$dir/$S.sock" ] || break
		sleep 0.02
	done
	case $status in
	0)	[ "$state" = running ] && "$IOMMUCTL" session stop "$S" >/dev/null ;;
	# the dynamic loader ends a process on the spot, as kill -9 does: what is left of the session is stopped as any dead one
	*)	[ -z "$loader" ] || [ -z "$state" ] || "$IOMMUCTL" session stop "$S" >/dev/null 2>&1 ;;
	esac || return
	for _ in $(seq 100); do
		[ -e "$dir/$S.sock" ] || break
		sleep 0.02
	done
	# a lock file that nobody holds is nothing: the next start takes it
	[ -z "$(find "$dir" -name "$S.sock" -o -name "$S.d")" ] || { find "$dir" -name "$S.*" >&2; return 1; }
}

@test "a start of a session: it runs, or nothing is left" {
	fail_plan all "$IOMMUCTL" session start --demo "$S"
	"$IOMMUCTL" session stop "$S"
	each_failure started "$IOMMUCTL" session start --demo "$S"
}

alive() {
	said || return
	[ "$("$IOMMUCTL" -j session list | jq -r --arg s "$S" '.data[] | select(.session == $s) | .state')" = running ] || { "$IOMMUCTL" session list >&2; return 1; }
	s object destroy --all
}

@test "a client of a session: the keeper goes on" {
	"$IOMMUCTL" session start --demo "$S"
	printf 'ioas alloc\nobject tree\nobject destroy --all\n' >"$BATS_TEST_TMPDIR/script"
	fail_plan all "$IOMMUCTL" --session "$S" batch "$BATS_TEST_TMPDIR/script"
	each_failure alive "$IOMMUCTL" --session "$S" batch "$BATS_TEST_TMPDIR/script"
}

# use_it: what clients do
use_it() {
	printf 'ioas alloc as a\nioas map a 4096\nobject tree\nobject destroy --all\n' |
		timeout 20 "$IOMMUCTL" --session "$S" batch - >/dev/null 2>&1 || true
	timeout 20 "$IOMMUCTL" --session "$S" device list >/dev/null 2>&1 || true
}

# keep VARIABLE=VALUE...: a keeper in the foreground with a failure in it
keep() {
	rm -f "$BATS_TEST_TMPDIR/keeper" # or the last one's would be taken for this one's
	inject FAIL_WHAT=all FAIL_MARK="$S.lock" "$@" "$IOMMUCTL" session start --foreground --demo "$S" \
		>"$BATS_TEST_TMPDIR/keeper" 2>"$BATS_TEST_TMPDIR/keeper.err" 3>&- &
	keeper=$!
	until [ -s "$BATS_TEST_TMPDIR/keeper" ] || ! kill -0 "$keeper" 2>/dev/null; do
		sleep 0.01
	done
}

end_keeper() {
	"$IOMMUCTL" session stop "$S" >/dev/null 2>&1 || true
	wait "$keeper"
}

# From its first request on no single failure ends it, and what it was asked for afterwards it does.
@test "a keeper: one failure does not end it, and it serves the next client" {
	local n=0 tried=0 name hash k rc

	keep FAIL_LOG="$BATS_TEST_TMPDIR/plan.log"
	use_it
	use_it
	end_keeper
	awk '!n[$0]++ { print $0, 1 }' "$BATS_TEST_TMPDIR/plan.log" >"$BATS_TEST_TMPDIR/plan"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/plan")" -gt 40 ]
	while read -r name hash k; do
		n=$((n + 1))
		[ $((n % ${FAIL_EVERY:-30})) -eq 0 ] || [ "${FAIL_EVERY:-30}" -eq 1 ] || continue
		keep FAIL_SITE="$hash:$k" FAIL_ALT="$n" FAIL_TELL="$BATS_TEST_TMPDIR/told"
		use_it
		rc=0
		if [ -s "$BATS_TEST_TMPDIR/keeper" ]; then
			s ioas alloc >/dev/null 2>&1 || s ioas alloc >/dev/null || rc=1
		fi
		end_keeper || [ ! -s "$BATS_TEST_TMPDIR/keeper" ] || [ "$name" = unlinkat ] || [ "$name" = unlink ] || rc=2
		tried=$((tried + 1))
		# a file that could not be taken away is of a dead session: who stops it takes it away
		case $name in unlink*) "$IOMMUCTL" session stop "$S" >/dev/null 2>&1 || true ;; esac
		[ "$rc" -eq 0 ] && [ -z "$(find "$dir" -name "$S.sock")" ] && continue
		echo "$name $hash:$k: $rc" >&2
		cat "$BATS_TEST_TMPDIR/keeper.err" >&2
		return 1
	done <"$BATS_TEST_TMPDIR/plan"
	echo "# $tried failures" >&3
}
