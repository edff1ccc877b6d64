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
	! pgrep -x iommuctl
}
