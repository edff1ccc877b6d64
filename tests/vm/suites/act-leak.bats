#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# act-leak.bats: a kernel that leaves owner counts behind: refused for no reason that can be seen, and that is said.
# shellcheck disable=SC2154
load act

teardown() {
	act_cleanup
}

@test "set-type: the kernel counts somebody whom nobody sees" {
	d=0000:01:00.0
	g=$(lab_group "$d")
	ctl 0 device unbind "$d"
	ctl 1 group set-type --force "$g" identity
	[ "$(jq -r '.errors[0].code' <<<"$output")" = type ]
	grep -q 'count was left behind' <<<"$stderr"
}
