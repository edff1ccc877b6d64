# SPDX-License-Identifier: GPL-2.0-or-later
# fail.bash: what a command needs from the system fails in turn: tests/unit/fail-nth.c. For suites here and in the lab: FAIL_LIB names the library.
# FAIL_EVERY=N takes each N-th of what can fail; 1 is all of it.
# shellcheck shell=bash

# inject VARIABLE=VALUE... COMMAND...: what json-c's parser does not look at is had before it begins (src/base/json.c); libarchive 3.6 follows NULL in many
# places, and is left alone
inject() {
	env ASAN_OPTIONS="verify_asan_link_order=0:exitcode=99:allocator_may_return_null=1:${ASAN_OPTIONS-}" UBSAN_OPTIONS=exitcode=99 \
		FAIL_SPARE="json_tokener_parse_ex archive_" LD_PRELOAD="$FAIL_LIB" "$@"
}

# fail_plan WHAT COMMAND...: what there is to fail, into $plan: a line each: name, hash of the way to it, which time. Of a way that is taken often, the
# first time and the last.
fail_plan() {
	local what=$1

	shift
	plan=$BATS_TEST_TMPDIR/plan
	inject FAIL_WHAT="$what" FAIL_LOG="$plan.log" "$@" >/dev/null 2>"$plan.err" || { cat "$plan.err" >&2; return 1; }
	awk '{ if (!n[$0]++) way[++m] = $0 }
	     END { for (i = 1; i <= m; i++) { print way[i], 1; if (n[way[i]] > 1) print way[i], n[way[i]] } }' "$plan.log" >"$plan"
	[ "$(wc -l <"$plan")" -gt "${FAIL_LEAST:-40}" ]
}

# each_failure CHECK COMMAND...: runs it once for each line of the plan; CHECK looks at $status, $out, $err, and may say no. For memory in two forms: that
# one time, and from then on.
each_failure() {
	local check=$1 name hash k i=0 form forms tried=0

	shift
	out=$BATS_TEST_TMPDIR/fail.out err=$BATS_TEST_TMPDIR/fail.err
	while read -r name hash k; do
		i=$((i + 1))
		[ $((i % ${FAIL_EVERY:-30})) -eq 0 ] || [ "${FAIL_EVERY:-30}" -eq 1 ] || continue
		case $name in
		*alloc) forms="0 1" ;;
		*)	forms=0 ;;
		esac
		for form in $forms; do
			status=0 loader=
			# shellcheck disable=SC2094 # the plan is only read
			inject FAIL_WHAT=all FAIL_SITE="$hash:$k" FAIL_ON="$form" FAIL_ALT=$((i / ${FAIL_EVERY:-30})) "$@" \
				>"$out" 2>"$err" </dev/null || status=$?
			tried=$((tried + 1))
			# the dynamic loader's own way, when a library is opened late
			[ "$status" -ne 127 ] || ! grep -q 'out of memory' "$err" || status=1 loader=yes
			[ "$status" -lt 99 ] || [ "$status" -eq 130 ] && "$check" && continue
			echo "$name $hash:$k, from then on $form: exit $status" >&2
			cat "$err" >&2
			return 1
		done
	done <"$plan"
	echo "# $tried failures" >&3
}

# each_kill CHECK COMMAND...: it is killed in turn at each of the plan's last calls, at all of them with FAIL_EVERY=1; CHECK knows the call as $name.
each_kill() {
	local check=$1 name hash k killed=0

	shift
	while read -r name hash k; do
		status=0
		# the shell's word about it is not wanted
		{ inject FAIL_WHAT=calls FAIL_SITE="$hash:$k" FAIL_KILL=1 "$@" </dev/null || status=$?; } >/dev/null 2>&1
		[ "$status" -ne 137 ] || killed=$((killed + 1))
		"$check" && continue
		echo "killed at $name $hash:$k: exit $status" >&2
		return 1
	done < <(if [ "${FAIL_EVERY:-30}" -eq 1 ]; then cat "$plan"; else tail -n 10 "$plan"; fi)
	echo "# $killed kills" >&3
	[ "$killed" -ge 8 ]
}

# a failure is said in words, and its exit status is one of the contract
said() {
	case $status in
	0)	return ;;
	1 | 3 | 4 | 5 | 6 | 7 | 130) [ -n "$loader" ] || grep -q '^iommuctl: ..*: ..*' "$err" ;;
	*)	return 1 ;;
	esac
}
