#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # of lab.bash
# differ-device.bats: the kernel and the model side by side, by random operations on PCI devices: one that is alone in its group, and two
# of one group. LAB_SEED has another seed than 1, LAB_DEVICE_OPERATIONS another number than 3,000.
load act

setup_file() {
	local d

	# shellcheck disable=SC2046
	set -- $(act_single) $(act_pair)
	export LAB_DIFFER="$*"
	for d; do
		lab_driver "$d" >"$BATS_FILE_TMPDIR/$d"
		lab_move "$d"
	done
}

teardown_file() {
	local d

	for d in $LAB_DIFFER; do
		lab_return "$d" "$(cat "$BATS_FILE_TMPDIR/$d")"
	done
}

@test "no difference between kernel and model" {
	local d arguments=()

	for d in $LAB_DIFFER; do
		arguments+=(-d "$d")
	done
	[ ${#arguments[@]} -eq 6 ]
	differ -s "${LAB_SEED:-1}" -n "${LAB_OPERATIONS:-3000}" -e 200 "${arguments[@]}" >"$BATS_FILE_TMPDIR/out" || {
		cat "$BATS_FILE_TMPDIR/out"
		return 1
	}
	cp "$BATS_FILE_TMPDIR/out" /share/out/differ-device 2>/dev/null || :
}

@test "what can succeed did, and everything failed where it can" {
	local op bad=0

	for op in ioas_alloc device_open device_close device_attach device_detach device_hwinfo ioas_map ioas_unmap ioas_copy ioas_ranges \
		ioas_allow hwpt_alloc faultq_alloc destroy; do
		grep -q "^$op:.* ok " "$BATS_FILE_TMPDIR/out" || { echo "never succeeded: $op"; bad=1; }
	done
	for op in device_open device_attach ioas_map ioas_unmap ioas_copy hwpt_alloc destroy; do
		grep -q "^$op:.* E" "$BATS_FILE_TMPDIR/out" || { echo "never failed: $op"; bad=1; }
	done
	return $bad
}
