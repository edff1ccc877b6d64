#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# act-fail.bats: each call of the system and each allocation of bind, restore and vfs fails in turn, on a kernel: the machine is as before, or restore gets
# it back, and no process, file or lock is left. What can fail is thousands of things, and everything here is emulated: LAB_STEPS=N takes each
# N-th, 1 all. From the commands' first look at the journal on: reading facts before that is the same here as on the model (tests/cli/fail.bats).
# shellcheck disable=SC2154
load act
load fail

setup() {
	FAIL_LIB=/usr/lib/iommuctl/fail-nth.so
	FAIL_EVERY=${LAB_STEPS:-31}
	export FAIL_MARK=lock
	before=$(act_state)
	# a group of two where there is one
	read -r a _ < <(act_pair) || a=$(act_single)
}

teardown() {
	unset FAIL_MARK
	act_cleanup
}

same_again() {
	iommuctl device restore --all >"$BATS_TEST_TMPDIR/restore" 2>&1 || { cat "$BATS_TEST_TMPDIR/restore" >&2; return 1; }
	as_before || return
	[ -z "$(find /run/iommuctl -type f ! -name lock)" ] || { find /run/iommuctl >&2; return 1; }
	[ "$(act_running)" -eq 0 ]
}

acted() {
	said || return
	case $status in
	1 | 5 | 6 | 7 | 130) [ "$(act_state)" = "$before" ] || { echo "exit $status, and it is not as before" >&2; return 1; } ;;
	esac
	same_again
}

put_back() {
	said || return
	[ "$status" -ne 0 ] || [ "$(act_state)" = "$before" ] || return
	same_again || return
	iommuctl device bind --group "$a" >/dev/null
}

@test "a bind" {
	fail_plan all iommuctl device bind --group "$a"
	same_again
	each_failure acted iommuctl device bind --group "$a"
}

@test "a restore" {
	iommuctl device bind --group "$a" >/dev/null
	fail_plan all iommuctl device restore --all
	iommuctl device bind --group "$a" >/dev/null
	each_failure put_back iommuctl device restore --all
	same_again
}

@test "virtual functions" {
	pf=$(echo "$devices"/*/sriov_totalvfs)
	[ -e "$pf" ] || skip "needs a device with virtual functions: topology vtd-sriov"
	pf=$(basename "$(dirname "$pf")")
	n=$(cat "$devices/$pf/sriov_numvfs")
	fail_plan all iommuctl device vfs --force "$pf" 2
	same_again
	[ "$(cat "$devices/$pf/sriov_numvfs")" -eq "$n" ]
	each_failure acted iommuctl device vfs --force "$pf" 2
	[ "$(cat "$devices/$pf/sriov_numvfs")" -eq "$n" ]
}
