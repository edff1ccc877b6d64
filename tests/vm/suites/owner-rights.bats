#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# owner-rights.bats: each right that is missing is named, and what the drivers tell is shown all the same.

# shellcheck disable=SC2154
bats_require_minimum_version 1.5.0
load lab
load owner

user=(setpriv --reuid 1000 --regid 1000 --clear-groups)

teardown() {
	umount /proc/kcore 2>/dev/null || :
	echo 1 >/proc/sys/kernel/kptr_restrict
}

# codes of what stands in the way
codes() {
	jq -c '[.errors[].code, .warnings[].code] | sort' <<<"$output"
}

# inferred: the counts are unknown, but what is expected is told
inferred() {
	local g

	for g in $(lab_groups); do
		[ "$(jq -c ".data[] | select(.group == $g) | [.owner_cnt, .expected, .verdict]" <<<"$output")" = "[null,$(owner_uses "$g"),\"unknown\"]" ]
	done
}

@test "an ordinary user: memory and addresses, both are said" {
	run -7 --separate-stderr "${user[@]}" iommuctl owner check -j
	[ "$(codes)" = '["cap-syslog","kcore-root"]' ]
	[[ $stderr == *"/proc/kcore: only root may open it"* ]]
	[[ $stderr == *"/proc/kallsyms: addresses are hidden: seeing them needs the capability CAP_SYSLOG"* ]]
	[[ $stderr == *"hint: run this as root"* ]]
	run -0 --separate-stderr "${user[@]}" iommuctl owner list -j
	inferred
}

@test "with CAP_SYSLOG alone: memory is what is missing" {
	run -7 --separate-stderr "${user[@]}" --inh-caps +syslog --ambient-caps +syslog iommuctl owner check -j
	[ "$(codes)" = '["kcore-root"]' ]
}

@test "root without CAP_SYS_RAWIO" {
	run -7 --separate-stderr setpriv --bounding-set -sys_rawio iommuctl owner check -j
	[ "$(codes)" = '["cap-sys-rawio"]' ]
	[[ $stderr == *"opening it needs the capability CAP_SYS_RAWIO"* ]]
}

@test "kptr_restrict=2 hides addresses from root, too" {
	echo 2 >/proc/sys/kernel/kptr_restrict
	run -7 --separate-stderr iommuctl owner check -j
	[ "$(codes)" = '["kptr-restrict"]' ]
	[[ $stderr == *"kernel.kptr_restrict is 2"* ]]
	[[ $stderr == *"hint: sysctl kernel.kptr_restrict=1"* ]]
	run -0 --separate-stderr iommuctl owner list -j
	inferred
}

@test "kcore covered, as containers do" {
	mount --bind /dev/null /proc/kcore
	run -6 --separate-stderr iommuctl owner check -j
	[ "$(codes)" = '["bad-kcore"]' ]
	[[ $stderr == *"containers cover it with another file"* ]]
}

@test "an ordinary user may not set probes" {
	run -7 --separate-stderr "${user[@]}" iommuctl owner trace -d 1
	[[ $stderr == *"only root may set probes"* ]]
}
