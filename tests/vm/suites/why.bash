# SPDX-License-Identifier: GPL-2.0-or-later
# why.bash: helpers of the suites about failures made on purpose.
# shellcheck shell=bash disable=SC2154,SC2034

# a device in a group of its own, and two functions of one group
alone=0000:01:00.0 pair=0000:05:00.0 second=0000:05:00.1

setup() {
	holder=''
}

usual_machine() {
	[ "$LAB_TOPOLOGY" != vtd-rmrr ] && lab_isolated
}

teardown() {
	lab_give_back e1000e "$alone" "$pair" "$second"
	[ -z "$(owner_probes)" ]
}

# why CMD: the records of why; its status is the command's. What it says in words goes out of the guest
why() {
	local name=$1

	shift
	run -1 --separate-stderr iommuctl why -j -- "$@"
	iommuctl why -- "$@" >"/share/out/why-$name-$(uname -r)" 2>&1 || :
	cat "/share/out/why-$name-$(uname -r)"
}

# report_agrees DEVICE: what group check says of it here, it says of a report of this machine too
report_agrees() {
	local here there=$BATS_TEST_TMPDIR/report

	here=$(iommuctl -j group check "$1" | jq -c '.data[0] | [.verdict, .viable, .summary, [.reasons[] | [.code, .device, .severity]]]') || :
	iommuctl -q report --group "$1" "$there" >/dev/null
	[ "$(iommuctl -j --from "$there" group check "$1" | jq -c '.data[0] | [.verdict, .viable, .summary, [.reasons[] | [.code, .device, .severity]]]')" = "$here" ]
	grep -q "$1" "$there.txt"
}

# first FILTER: jq about the first failure
first() {
	jq -c ".data[0] | $1" <<<"$output"
}
