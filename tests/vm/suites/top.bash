# SPDX-License-Identifier: GPL-2.0-or-later
# top.bash: helpers of the suites of iommutop; $log is the file of its samples.
# shellcheck shell=bash disable=SC2154,SC2034

EDU=0000:02:00.0
NIC=0000:01:00.0

# What each of those suites has in setup(); a guest that was built for this has iommutop.
top_begin() {
	command -v iommutop >/dev/null || {
		[ -z "${LAB_BUILT:-}" ] || return 1
		skip "no iommutop in the guest"
	}
	log=$BATS_TEST_TMPDIR/top
}

# ... and in teardown()
top_end() {
	[ -z "${top:-}" ] || kill "$top" 2>/dev/null || true
	[ -z "${work:-}" ] || kill "$work" 2>/dev/null || true
}

# watch SAMPLES VIEWS: in the background, two samples a second, run by "${as[@]}"; the first one is there when this returns
watch() {
	local tries=300

	"${as[@]}" iommutop -b -j -n "$1" -d 0.5 --view "$2" >"$log" 3>&- &
	top=$!
	until [ "$(wc -l <"$log")" -ge 3 ] || [ $((tries -= 1)) -eq 0 ]; do
		sleep 0.1
	done
}

# sample N FILTER: jq's answer about the sample of that number
sample() {
	sed -n "$(($1 + 1))p" "$log" | jq -c "$2"
}

# samples so far
samples() {
	echo $(($(wc -l <"$log") - 1))
}

# soon FILTER WANT: no later than the second refresh from now on the answer is that
soon() {
	local from tries=400

	from=$(samples)
	until [ "$(samples)" -ge $((from + 3)) ] || [ $((tries -= 1)) -eq 0 ]; do
		sleep 0.1
	done
	# one may have been under way when the change was made
	[ "$(sample $((from + 3)) "$1")" = "$2" ] && return
	printf '%s is %s instead of %s\n' "$1" "$(sample $((from + 3)) "$1")" "$2" >&2
	return 1
}

# disk_work [MASK]: reads the disk until it is killed, on the processors of the mask
disk_work() {
	local disk

	disk=$(basename "$devices"/*/nvme/nvme*/nvme*n*)
	while taskset "${1:-3}" dd "if=/dev/$disk" of=/dev/null bs=64k count=200 iflag=direct 2>/dev/null; do :; done 3>&- &
	work=$!
}
