#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# differ.bats: the kernel and the model side by side, by random operations on selftest devices (differ.c). LAB_SEED has another
# seed than 1, LAB_OPERATIONS another number than 100,000.

@test "no difference between kernel and model" {
	differ -s "${LAB_SEED:-1}" -n "${LAB_OPERATIONS:-100000}" >"$BATS_FILE_TMPDIR/out" || {
		cat "$BATS_FILE_TMPDIR/out"
		return 1
	}
	cp "$BATS_FILE_TMPDIR/out" /share/out/differ 2>/dev/null || :
}

@test "every operation succeeded, and failed where it can" {
	local op bad=0

	while read -r op; do
		case $op in
		*' ok '*) ;;
		*)	echo "never succeeded: $op"; bad=1 ;;
		esac
		case $op in
		# nothing that a well-formed one of these can do wrong
		*' E'* | faultq_alloc:* | change_process:*) ;;
		*)	echo "never failed: $op"; bad=1 ;;
		esac
	done < <(grep '^[a-z_]*:' "$BATS_FILE_TMPDIR/out")
	return $bad
}
