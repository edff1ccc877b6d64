#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# act-rounds.bats: bind and restore, over and over: sysfs, memory and names stay as they were. LAB_ROUNDS=N for fewer.
# shellcheck disable=SC2154
load act

teardown() {
	act_cleanup
}

kib_free() {
	echo 3 >/proc/sys/vm/drop_caches
	awk '$1 == "MemFree:" { print $2 }' /proc/meminfo
}

files_open() {
	cut -f1 /proc/sys/fs/file-nr
}

@test "many rounds leave everything as it was" {
	d=$(act_single)
	before=$(act_state)
	# the kernel's caches grow to their size first
	for ((i = 0; i < 20; i++)); do
		iommuctl device bind "$d" >/dev/null
		iommuctl device restore --all >/dev/null
	done
	entries=$(find /sys -xdev 2>/dev/null | wc -l)
	free=$(kib_free)
	files=$(files_open)
	for ((i = 0; i < ${LAB_ROUNDS:-200}; i++)); do
		iommuctl device bind "$d" >/dev/null
		[ -e "$devices/$d/vfio-dev" ]
		iommuctl device restore --all >/dev/null
	done
	as_before
	[ "$(find /sys -xdev 2>/dev/null | wc -l)" -eq "$entries" ]
	lost=$((free - $(kib_free)))
	echo "# ${LAB_ROUNDS:-200} rounds, $lost KiB less free" >&3
	[ "$lost" -lt 8192 ]
	# the kernel counts them by processor, and not to the last one
	[ "$(files_open)" -le $((files + 64)) ]
	[ "$(act_running)" -eq 0 ]
}

# descriptors PID: how many it has, when it is through with what it was told
descriptors() {
	local n=-1 again

	for _ in $(seq 50); do
		again=$n
		sleep 0.2
		n=$(find "/proc/$1/fd" -mindepth 1 | wc -l)
		[ "$n" -ne "$again" ] || break
	done
	echo "$n"
}

# in_batch LINE...: runs them in the batch behind descriptor 4, and waits until it has
in_batch() {
	local want=$(($(grep -c . "$BATS_TEST_TMPDIR/out") + 1))

	echo "$1" >&4
	for _ in $(seq 600); do
		[ "$(grep -c . "$BATS_TEST_TMPDIR/out")" -lt "$want" ] || return 0
		sleep 0.1
	done
	return 1
}

@test "many rounds in one process leave its descriptors as they were" {
	d=$(act_single)
	before=$(act_state)
	mkfifo "$BATS_TEST_TMPDIR/in"
	iommuctl batch - <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	pid=$!
	exec 4>"$BATS_TEST_TMPDIR/in"
	for ((i = 0; i <= ${LAB_ROUNDS:-200} / 10; i++)); do
		in_batch "device bind $d --noheadings"
		in_batch "device restore --all --noheadings"
		[ "$i" -ne 0 ] || first=$(descriptors $pid)
	done
	[ "$(descriptors $pid)" -eq "$first" ]
	exec 4>&-
	wait $pid
	[ "$(grep -c "moved" "$BATS_TEST_TMPDIR/out")" -ge $((2 * (${LAB_ROUNDS:-200} / 10 + 1))) ]
	as_before
}
