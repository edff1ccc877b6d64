# SPDX-License-Identifier: GPL-2.0-or-later
# Helpers of the bats suites. In a suite: `load lib`. $IOMMUCTL is the program under test.
bats_require_minimum_version 1.5.0

: "${IOMMUCTL:?is not set; run this through tests/cli/run or make check}"

# The same surroundings for everybody; a test that needs others sets them itself.
export LC_ALL=C.UTF-8 TERM=dumb
unset NO_COLOR COLUMNS IOMMUCTL_SESSION
# suites run side by side: each has its sessions for itself
[ -z "${BATS_FILE_TMPDIR-}" ] || export IOMMUCTL_SESSION_DIR=$BATS_FILE_TMPDIR/sessions

# run_ctl ARGS…: runs the program; $status, $output (stdout alone) and $stderr say what it did.
run_ctl() {
	run --separate-stderr "$IOMMUCTL" "$@"
}

# run_tty COLUMNS ARGS…: the same on a terminal of that width; $output has both streams.
run_tty() {
	local columns=$1
	shift
	# shellcheck disable=SC2016 # the inner shell expands it
	run env COLUMNS="$columns" TERM=xterm script -qec "$(printf '%q ' "$IOMMUCTL" "$@")" /dev/null
	output=${output//$'\r'/}
}

# expect_status N: the exit code was N; else what was printed is shown.
expect_status() {
	[ "$status" -eq "$1" ] && return
	printf 'exit %s instead of %s\n--- stdout\n%s\n--- stderr\n%s\n' "$status" "$1" "$output" "${stderr-}" >&2
	return 1
}

# expect_in TEXT PATTERN…: each pattern (a bash glob without the outer stars) is in the text.
expect_in() {
	local text=$1 p
	shift
	for p; do
		# shellcheck disable=SC2053 # it is a pattern
		[[ $text == *$p* ]] && continue
		printf 'not found: %s\n--- in\n%s\n' "$p" "$text" >&2
		return 1
	done
}

# expect_not_in TEXT PATTERN…: none of them is.
expect_not_in() {
	local text=$1 p
	shift
	for p; do
		# shellcheck disable=SC2053
		[[ $text != *$p* ]] && continue
		printf 'found: %s\n--- in\n%s\n' "$p" "$text" >&2
		return 1
	done
}

# json FILTER [JQ-ARGS…]: jq's answer about $output, raw.
json() {
	local filter=$1
	shift
	jq -r "$@" "$filter" <<<"$output"
}

# expect_json FILTER VALUE: jq's answer is VALUE.
expect_json() {
	local got
	got=$(json "$1") || return 1
	[ "$got" = "$2" ] && return
	printf '%s is\n%s\ninstead of\n%s\n--- in\n%s\n' "$1" "$got" "$2" "$output" >&2
	return 1
}

# put ROOT/FILE TEXT: a file of a machine's tree, with its directories and the newline of sysfs.
put() {
	mkdir -p "${1%/*}"
	printf '%s\n' "$2" >"$1"
}

# link LINK TARGET: a symbolic link of a machine's tree.
link() {
	mkdir -p "${1%/*}"
	ln -s "$2" "$1"
}

# machine DIR <TABLE: a machine's tree from a table of devices; see mkmachine.c.
machine() {
	"${IOMMUCTL%/*}/tests/cli/mkmachine" "$1"
}
