#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# act-steps.bats: a bind that something happens to, behind one of its system calls after the other: it is killed, it is interrupted, somebody
# else moves the device. Steps are counted from where the journal is first written: before, nothing has been done.
# shellcheck disable=SC2154
load act

# Everything is emulated, and a step takes two seconds: vtd takes every fourth one, not the same with both kernels, others fewer.
# LAB_STEPS=1 takes them all, LAB_STEPS=N every N-th, and of the dearer tests every 4 N-th.
stride() {
	case ${LAB_STEPS:-$LAB_TOPOLOGY} in
	1)	echo 1 ;;
	[0-9]*)	echo $(($1 * LAB_STEPS)) ;;
	vtd)	echo $(($1 * 4)) ;;
	*)	echo $(($1 * 12 + 1)) ;;
	esac
}

first() {
	case $(uname -r) in
	6.12*)	echo $(($(stride 1) / 2 + 1)) ;;
	*)	echo 1 ;;
	esac
}

setup() {
	before=$(act_state)
	read -r a b < <(act_pair)
}

teardown() {
	act_cleanup
}

# steps ARGUMENTS...: how many system calls there are
steps() {
	at-syscall -m bindings.json.new 0 iommuctl "$@" 3>"$BATS_TEST_TMPDIR/steps" >/dev/null
	n=$(sed -n s/calls=//p "$BATS_TEST_TMPDIR/steps")
	[ "$n" -gt 20 ]
	echo "# $n steps" >&3
	iommuctl device restore --all >/dev/null
	as_before
}

# at STEP: now and then, how far it has come: all of them take an hour where processors are shared
at() {
	tried=$((${tried:-0} + 1))
	[ $((tried % 20)) -ne 0 ] || echo "# step $1 of $n" >&3
}

@test "killed between the system calls of a bind, and restored" {
	steps device bind --group "$a"
	for ((i = $(first); i <= n; i += $(stride 1))); do
		at "$i"
		at-syscall -m bindings.json.new "$i" iommuctl device bind --group "$a" >/dev/null 2>&1 3>&- || :
		iommuctl device restore --all >"$BATS_TEST_TMPDIR/out" 2>&1 || {
			echo "step $i:" && cat "$BATS_TEST_TMPDIR/out"
			return 1
		}
		as_before || { echo "step $i" && return 1; }
	done
}

@test "interrupted between its system calls: done, or as before" {
	steps device bind --group "$a"
	for ((i = $(first); i <= n; i += $(stride 4))); do
		at "$i"
		rc=0
		at-syscall -m bindings.json.new -s 2 "$i" iommuctl device bind --group "$a" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- || rc=$?
		case $rc in
		130)	as_before || { echo "step $i" && return 1; } ;;
		0)	[ "$(lab_driver "$a") $(lab_driver "$b")" = "vfio-pci vfio-pci" ]
			iommuctl device restore --all >/dev/null
			as_before || { echo "step $i" && return 1; } ;;
		*)	echo "step $i: exit $rc" && cat "$BATS_TEST_TMPDIR/out" && return 1 ;;
		esac
	done
}

# As libvirt does it for a device with managed='yes' that it gives back, while we give it away.
@test "somebody else gives the second device back between its system calls: noticed, nothing half done" {
	cat >/tmp/meddle <<-END
		[ ! -e $devices/$b/driver ] || echo $b >$devices/$b/driver/unbind
		echo >$devices/$b/driver_override
		echo $b >/sys/bus/pci/drivers/e1000e/bind
	END
	steps device bind --group "$a"
	for ((i = $(first); i <= n; i += $(stride 4))); do
		at "$i"
		rc=0
		at-syscall -m bindings.json.new -c 'sh /tmp/meddle 2>/dev/null' "$i" iommuctl -j device bind --group "$a" \
			>"$BATS_TEST_TMPDIR/out" 2>&1 3>&- || rc=$?
		now="$(lab_driver "$a") $(lab_driver "$b")"
		case "$rc $now" in
		"0 vfio-pci vfio-pci" | "1 e1000e e1000e") ;;
		"0 vfio-pci e1000e")	# it came when all was done and looked at once more
			[ "$i" -gt $((n - 40)) ] || { echo "step $i of $n: not noticed" && return 1; } ;;
		*)	echo "step $i: exit $rc, $now" && cat "$BATS_TEST_TMPDIR/out" && return 1 ;;
		esac
		iommuctl device restore --all --force >/dev/null 2>&1
		as_before || { echo "step $i" && return 1; }
	done
}

# Last, and once: a function that comes back by a rescan may be in a group of its own.
@test "the second device is unplugged in the middle: the first is back, nothing is left behind" {
	rc=0
	at-syscall -m bindings.json.new -c "echo 1 >$devices/$b/remove" 30 iommuctl -j device bind --group "$a" \
		>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/stderr" 3>&- || rc=$?
	[ "$rc" -eq 1 ]
	[ "$(jq -r '[.data[].state] | join(" ")' "$BATS_TEST_TMPDIR/out")" = "rolled-back gone" ]
	echo 1 >/sys/bus/pci/rescan
	as_before
}
