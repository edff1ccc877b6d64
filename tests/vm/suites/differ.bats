#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# differ.bats: the kernel and the model side by side, by random operations on selftest devices (differ.c). LAB_SEED has another
# seed than 1, LAB_OPERATIONS another number than 100,000.

bats_require_minimum_version 1.5.0

@test "no difference between kernel and model" {
	differ -s "${LAB_SEED:-1}" -n "${LAB_OPERATIONS:-100000}" >"$BATS_FILE_TMPDIR/out" || {
		cat "$BATS_FILE_TMPDIR/out"
		return 1
	}
	cp "$BATS_FILE_TMPDIR/out" /share/out/differ 2>/dev/null || :
}

@test "a bug that is planted in the model is found, with the shortest sequence to it, and again by its seed and episode" {
	local number

	run -1 differ -p -s 7 -n 8000
	echo "$output"
	[[ $output == *"seed 7, episode "*"the shortest sequence found:"* ]]
	# something is made, destroyed, and whatever shows that the id is not free
	[ "$(sed -n '/^the shortest/,/^	/p' <<<"$output" | grep -c '^#')" -eq 3 ]
	[ "$(sed -n '/^the shortest/,/^	/p' <<<"$output" | grep -c ' destroy ')" -ge 1 ]
	number=$(sed -n 's/^seed 7, episode \([0-9]*\):.*/\1/p' <<<"$output")
	run -1 differ -p -s 7 -k "$number" -n 400
	[[ $output == *"seed 7, episode $number: "* ]]
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
