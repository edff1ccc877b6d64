#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# truth.bats: iommuctl's answers about viability against the kernel's own.
#
# setup_file walks every group that has endpoints: native drivers first, then one endpoint after the
# other to vfio-pci, then back. At each step it writes one row into $table:
#
#	group step device node owned status cdev legacy viable verdict exit natives
#
# The kernel's columns: node: is there a /dev/vfio/G; owned: the errno of a write of the current word to
# the type file (EPERM: the group's owner count is not 0); status: VIABLE of GET_STATUS; cdev: BIND_IOMMUFD
# of all members on vfio-pci, the first errno that is not 0; legacy: SET_CONTAINER, SET_IOMMU, likewise.
# iommuctl's: viable and verdict of `group check G`, and its exit status. natives: members on a driver that
# does not manage its own DMA. - where there is none.

# awk's own variables, not the shell's; functions that bats calls
# shellcheck disable=SC2013,SC2016,SC2154,SC2317
load lab

claim_cdev() {
	local d bind result=-

	for d in $(lab_endpoints "$1"); do
		[ "$(lab_driver "$d")" = vfio-pci ] || continue
		bind=$(lab_truth bind cdev "$d")
		case $result in
		- | 0) result=$bind ;;
		esac
	done
	echo "$result"
}

claim_legacy() {
	local line value

	line=$(vfio-truth legacy "$1") || :
	value=$(lab_word set_iommu "$line")
	[ "$value" != - ] || value=$(lab_word set_container "$line")
	echo "$value"
}

# check GROUP [OPTION]: viable, verdict and exit status of iommuctl
check() {
	local rc=0 out

	if ! command -v iommuctl >/dev/null; then
		echo "- - -"
		return
	fi
	out=$(iommuctl -j group check "$@" 2>>"$BATS_FILE_TMPDIR/stderr") || rc=$?
	echo "$(jq -r '.data[0] | "\(.viable) \(.verdict)"' <<<"$out") $rc"
}

natives() {
	local d n=0

	for d in $(lab_members "$1"); do
		case $(lab_driver "$d") in
		'' | vfio-pci | pcieport | pci-stub) ;;
		*)	n=$((n + 1)) ;;
		esac
	done
	echo $n
}

row() {
	local g=$1 step=$2 d=$3 node=no status=- cdev=- legacy=-

	if [ -e "/dev/vfio/$g" ]; then
		node=yes
		status=$(lab_truth viable status "$g")
		cdev=$(claim_cdev "$g")
		legacy=$(claim_legacy "$g")
	fi
	echo "$g $step $d $node $(lab_truth write type "$g") $status $cdev $legacy $(check "$g") $(natives "$g")" >>"$table"
}

setup_file() {
	local g d step native

	export table=$BATS_FILE_TMPDIR/table
	: >"$table"
	lab_state >"$BATS_FILE_TMPDIR/before"
	for g in $(lab_groups); do
		row "$g" 0 -
		check "$g" --after-bind >"$BATS_FILE_TMPDIR/after-bind.$g"
		step=0
		for d in $(lab_endpoints "$g"); do
			native[step]=$(lab_driver "$d")
			lab_move "$d" || echo "$d" >>"$BATS_FILE_TMPDIR/stuck"
			row "$g" $((step += 1)) "$d"
		done
		step=0
		for d in $(lab_endpoints "$g"); do
			lab_return "$d" "${native[step]}"
			step=$((step + 1))
		done
	done
	lab_state >"$BATS_FILE_TMPDIR/after"
	cp "$table" /share/out/truth-table 2>/dev/null || :
}

# wrong AWK-CONDITION: prints the rows it is true for, and fails when there is one
wrong() {
	local bad

	bad=$(awk "BEGIN { g = 1; step = 2; dev = 3; node = 4; owned = 5; status = 6; cdev = 7; legacy = 8
		viable = 9; verdict = 10; rc = 11; natives = 12 } $1" "$table")
	[ -z "$bad" ] || {
		echo "group step device node owned status cdev legacy viable verdict exit natives"
		echo "$bad"
		return 1
	}
}

@test "the walk leaves every driver and override as it was" {
	diff "$BATS_FILE_TMPDIR/before" "$BATS_FILE_TMPDIR/after"
}

@test "kernel: GET_STATUS and the write to type agree" {
	wrong '$status == "true" && $owned == "EPERM" || $status == "false" && $owned != "EPERM"'
}

@test "kernel: a group that is not viable cannot be claimed" {
	wrong '$status == "false" && ($cdev == "0" || $legacy == "0")'
}

@test "viable equals GET_STATUS at every step" {
	lab_tool
	wrong '$status ~ /true|false/ && $viable != $status'
}

@test "viable equals the owner count (write to type) at every step" {
	lab_tool
	wrong '$owned == "0" && $viable != "true" || $owned == "EPERM" && $viable != "false"'
}

@test "ready means that both claims succeed" {
	lab_tool
	wrong '$verdict == "ready" && ($cdev != "0" || $legacy != "0")'
}

@test "a group that can be claimed is ready" {
	lab_tool
	wrong '$cdev == "0" && $legacy == "0" && $verdict != "ready"'
}

@test "viable, and yet the claim fails: blocked" {
	lab_tool
	wrong '$status == "true" && $cdev !~ /^(0|-)$/ && $verdict != "blocked"'
}

@test "a group with a native driver is never ready" {
	lab_tool
	wrong '$natives > 0 && $verdict !~ /^(needs-bind|blocked|nothing-to-give)$/'
}

@test "owned, and nobody there who owns it: blocked" {
	lab_tool
	wrong '$owned == "EPERM" && $natives == 0 && $verdict != "blocked"'
}

@test "needs-bind does not outlast the last endpoint's move" {
	lab_tool
	wrong '$step > 0 && $status == "true" && $verdict == "needs-bind"'
}

@test "the exit status is that of the verdict" {
	lab_tool
	wrong '$verdict == "ready" && $rc != 0 || $verdict ~ /needs-bind|blocked|nothing|in-use/ && $rc != 3 ||
		$verdict == "unknown" && $rc != 6 && $rc != 7'
}

@test "a group of bridges has nothing to give" {
	lab_tool
	local g

	for g in $(lab_groups); do
		[ -z "$(lab_endpoints "$g")" ] || continue
		# the share's device is no bridge, and is left alone
		for d in $(lab_members "$g"); do
			lab_movable "$d" || [[ $(cat "$devices/$d/class") = 0x06* ]] || continue 2
		done
		[ "$(awk -v g="$g" '$1 == g { print $10 }' "$table")" = nothing-to-give ] || {
			echo "group $g: $(awk -v g="$g" '$1 == g' "$table")"
			return 1
		}
	done
}

# spoiled GROUP: has it a bridge on a driver that uses the DMA API? bind --group takes that away, too; this suite moves endpoints alone
spoiled() {
	local d

	for d in $(lab_members "$1"); do
		[[ $(cat "$devices/$d/class") != 0x06* || $(lab_driver "$d") =~ ^(pcieport)?$ ]] || return 0
	done
	return 1
}

@test "--after-bind foretells whether the claim succeeds when all have moved" {
	lab_tool
	local g last rc bad=0

	for g in $(lab_groups); do
		last=$(awk -v g="$g" '$1 == g && $2 > 0 { l = $7 " " $8 } END { print l }' "$table")
		[ -n "$last" ] || continue
		! spoiled "$g" || continue
		read -r _ _ rc <"$BATS_FILE_TMPDIR/after-bind.$g"
		case $last-$rc in
		'0 0-0') ;;
		'0 0-'* | *-0)
			echo "group $g: claims $last, after-bind: $(cat "$BATS_FILE_TMPDIR/after-bind.$g")"
			bad=1 ;;
		esac
	done
	return $bad
}

# claimable N: the last group that could be claimed in the walk, with at least N endpoints
claimable() {
	local g

	for g in $(awk "\$7 == 0 && \$8 == 0 { print \$1 }" "$table" | sort -nur); do
		[ "$(lab_endpoints "$g" | wc -l)" -ge "$1" ] || continue
		echo "$g"
		return
	done
}

teardown() {
	lab_release
}

# in_use GROUP: what iommuctl says about it, when there is an iommuctl
in_use() {
	[ "$(check "$1" | cut -d ' ' -f 2,3)" = "in-use 3" ] || {
		! command -v iommuctl >/dev/null || iommuctl group check "$1" || :
		return 1
	}
}

# held GROUP VFIO-TRUTH-ARGUMENTS...: judge the group while it is held
held() {
	local g=$1 d rc=0
	local -A was

	[ -n "$g" ] || skip "no group here can be claimed"
	for d in $(lab_endpoints "$g"); do
		was[$d]=$(lab_driver "$d")
		lab_move "$d"
	done
	shift
	lab_hold "$@"
	cat "$BATS_TEST_TMPDIR/hold"
	in_use "$g" || rc=$?
	lab_release
	for d in "${!was[@]}"; do
		lab_return "$d" "${was[$d]}"
	done
	lab_tool
	return "$rc"
}

@test "in use: a device bound to an iommufd" {
	local g

	g=$(claimable 1)
	held "$g" hold -b "$(lab_endpoints "${g:-none}" | head -n 1)"
}

@test "in use: a device's node that is open and not bound" {
	local g

	g=$(claimable 1)
	held "$g" hold "$(lab_endpoints "${g:-none}" | head -n 1)"
}

@test "in use: the group's node" {
	local g

	g=$(claimable 1)
	held "$g" holdgroup "$g"
}

@test "in use: a sibling without a driver, the other one bound to an iommufd" {
	local g a b na nb rc=0 bound=0

	g=$(claimable 2)
	[ -n "$g" ] || skip "no group of two here"
	a=$(lab_endpoints "$g" | sed -n 1p)
	b=$(lab_endpoints "$g" | sed -n 2p)
	na=$(lab_driver "$a")
	nb=$(lab_driver "$b")
	lab_move "$a"
	lab_leave "$b"
	lab_hold hold -b "$a"
	# the kernel keeps native drivers out meanwhile
	if [ -n "$nb" ] && echo "$b" >"/sys/bus/pci/drivers/$nb/bind"; then
		echo "$nb took $b while $a was bound to an iommufd"
		bound=1
	fi
	in_use "$g" || rc=$?
	lab_release
	lab_return "$a" "$na"
	lab_return "$b" "$nb"
	[ "$bound" -eq 0 ]
	lab_tool
	return "$rc"
}
