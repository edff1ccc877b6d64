# SPDX-License-Identifier: GPL-2.0-or-later
# act.bash: what the suites share that move devices. Devices are found, not named: topologies differ.
# shellcheck shell=bash
load lab

journal=/run/iommuctl/bindings.json

# virtio-iommu has no interrupt remapping: every bind would be refused for that one reason, as truth.bats knows
setup_file() {
	local m

	[[ $LAB_TOPOLOGY == virtio-iommu* ]] || return 0
	for m in iommufd vfio_iommu_type1; do
		echo Y >"/sys/module/$m/parameters/allow_unsafe_interrupts"
	done
}

# act_members GROUP: its endpoints, those of them first that have a driver
act_lonely() {
	local g

	g=$(lab_group "$1")
	[ "$(lab_members "$g" | wc -l)" -eq 1 ]
}

# act_single [N]: the N-th network card that is alone in its group
act_single() {
	local d n=${1:-1}

	for d in "$devices"/*; do
		d=${d##*/}
		case $(lab_driver "$d") in
		e1000 | e1000e) ;;
		*) continue ;;
		esac
		act_lonely "$d" || continue
		[ $((n -= 1)) -gt 0 ] || { echo "$d"; return; }
	done
	return 1
}

# act_pair: two functions with drivers in one group, no bridge
act_pair() {
	local g

	for g in $(lab_groups); do
		# shellcheck disable=SC2046
		set -- $(lab_members "$g")
		if [ $# -eq 2 ] && [ "$(lab_driver "$1")$(lab_driver "$2")" = e1000ee1000e ]; then
			echo "$1 $2"
			return
		fi
	done
	return 1
}

# act_behind_bridge: two cards behind a conventional bridge, in one group with it
act_behind_bridge() {
	local g

	for g in $(lab_groups); do
		[ "$(lab_members "$g" | wc -l)" -ge 3 ] || continue
		# shellcheck disable=SC2046
		set -- $(lab_endpoints "$g")
		[ $# -eq 2 ] && [ "$(lab_driver "$1")" = e1000 ] || continue
		echo "$1 $2"
		return
	done
	return 1
}

# act_disk: the NVMe controller
act_disk() {
	local d

	for d in "$devices"/*; do
		[ "$(lab_driver "${d##*/}")" != nvme ] || { echo "${d##*/}"; return; }
	done
	return 1
}

# ctl EXPECTED-STATUS ARGUMENTS...: JSON in $output, stderr in $stderr
ctl() {
	local want=$1 rc=0

	shift
	output=$(iommuctl -j "$@" 2>"$BATS_TEST_TMPDIR/stderr") || rc=$?
	stderr=$(cat "$BATS_TEST_TMPDIR/stderr")
	[ "$rc" -eq "$want" ] && return
	printf 'iommuctl %s: exit %s instead of %s\n%s\n%s\n' "$*" "$rc" "$want" "$output" "$stderr" >&2
	return 1
}

# field PATH: of the first record
field() {
	jq -r ".data[0].$1" <<<"$output"
}

# act_state: driver and override of every device, in two processes: everything here is emulated, and slow
act_state() {
	# without the links' times
	ls -l "$devices"/*/driver | sed 's,^[^/]*,,'
	grep . "$devices"/*/driver_override
}

# the machine is as it was, and nothing is written down
as_before() {
	local now

	now=$(act_state)
	if [ "$now" != "$before" ]; then
		diff <(echo "$before") <(echo "$now") >&2
		return 1
	fi
	[ ! -e "$journal" ] || { cat "$journal" >&2; return 1; }
}

# elsewhere NAMESPACE OPTION...: what guard says of $d from a namespace of its own, and what bind does there
elsewhere() {
	local want=$1

	shift
	run unshare "$@" iommuctl -j device guard "$d"
	[ "$status" -eq 6 ]
	[ "$(jq -r '.data[0].verdict' <<<"${lines[0]}")" = unknown ]
	[[ $(jq -r '.data[0].reasons[] | select(.code == "container") | .text' <<<"${lines[0]}") == *"a $want namespace of its own"* ]]
	run unshare "$@" iommuctl device bind "$d"
	[ "$status" -eq 5 ]
	as_before
}

# act_running: how many iommuctl there are; busybox has no pgrep
act_running() {
	cat /proc/[0-9]*/comm 2>/dev/null | grep -cx iommuctl || :
}

# whatever a test left behind must not fail the next one
act_cleanup() {
	local d

	lab_release
	[ ! -e "$journal" ] || iommuctl device restore --all --force >/dev/null 2>&1 || :
	umount /run/iommuctl 2>/dev/null || :
	rm -rf /run/iommuctl
	for d in /sys/bus/pci/drivers/vfio-pci/0000:*; do
		[ -e "$d" ] || continue
		lab_return "${d##*/}"
		echo "${d##*/}" >/sys/bus/pci/drivers_probe
	done
}
