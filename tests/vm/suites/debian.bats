#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# debian.bats: Debian's own kernel: modules are loaded as they are needed, there is no iommufd, and VFIO is by group only.
# shellcheck disable=SC2154
load act

setup() {
	before=$(act_state)
	d=$(act_single)
}

teardown() {
	act_cleanup
	rm -rf /etc/modprobe.d
	rmmod vfio_pci 2>/dev/null || :
}

@test "this is the kernel that is meant" {
	[[ $(uname -r) == 6.1.*-amd64 ]]
	[ ! -e /dev/iommu ]
	[ ! -e /sys/bus/pci/drivers/vfio-pci ]
	[ "$(lab_driver "$d")" = e1000e ]
}

@test "the driver is loaded, the device bound, and the group can be claimed" {
	ctl 0 device bind "$d"
	[ "$(field state) $(field cdev)" = "moved null" ]
	[ -c "$(field node)" ]
	[ "$(lab_truth set_iommu legacy "$(lab_group "$d")")" = 0 ]
	ctl 0 group check "$d"
	ctl 0 device restore "$d"
	as_before
}

@test "its twin stays where it is" {
	ctl 0 device bind "$d"
	[ "$(act_state | grep -c drivers/vfio-pci)" -eq 1 ]
	ctl 0 device restore --all
	as_before
}

@test "a whole group" {
	read -r a b < <(act_pair)
	ctl 0 device bind --group "$a"
	[ "$(lab_truth set_iommu legacy "$(lab_group "$a")")" = 0 ]
	ctl 0 device restore --all
	as_before
}

@test "a held group keeps its device, and the holder is named" {
	ctl 0 device bind "$d"
	lab_hold holdgroup "$(lab_group "$d")"
	ctl 5 device unbind --force "$d"
	grep -q "pid $holder" <<<"$stderr"
	lab_release
	ctl 0 device restore --all
	as_before
}

@test "loading the driver with ids= would take the twin too: refused, and the twin named" {
	twin=$(act_single 2)
	lab_leave "$twin"
	before=$(act_state)
	mkdir -p /etc/modprobe.d
	echo "options vfio-pci ids=8086:10d3" >/etc/modprobe.d/vfio.conf
	ctl 5 device bind "$d"
	[ "$(jq -r '.errors[0].code' <<<"$output")" = ids ]
	grep -q "$twin" <<<"$stderr"
	[ ! -e /sys/bus/pci/drivers/vfio-pci ]
	as_before
	echo "$twin" >/sys/bus/pci/drivers/e1000e/bind
}

@test "an install command of modprobe.d is not run" {
	mkdir -p /etc/modprobe.d
	echo "install vfio-pci touch /tmp/was-run" >/etc/modprobe.d/vfio.conf
	run iommuctl -j device bind "$d"
	[ "$status" -eq 1 ]
	jq -e '.errors | any(.code == "install-command")' <<<"${lines[0]}"
	[ ! -e /tmp/was-run ]
	as_before
}

@test "iommufd is out of reach, binding is not, and both are said" {
	run iommuctl -j doctor
	jq -e '.data[0].reasons | any(.code == "no-iommufd" and .value == "CONFIG_IOMMUFD is not set")' <<<"${lines[0]}"
	jq -e '.data[0].reasons | all(.code != "no-way-in" and .code != "no-vfio")' <<<"${lines[0]}"
	run iommuctl group check --after-bind "$d"
	[ "$status" -eq 0 ]
	run iommuctl batch - <<<"ioas alloc as a"
	echo "$output"
	[ "$status" -eq 6 ]
}

@test "owner counts are read though the types of VFIO are in modules" {
	ctl 0 owner check "$(lab_group "$d")"
	ctl 0 device bind "$d"
	lab_hold holdgroup "$(lab_group "$d")"
	run iommuctl -j owner list
	[ "$status" -eq 0 ]
	lab_release
	ctl 0 device restore --all
	as_before
}

@test "ioctls sees the calls of a 32-bit program" {
	command -v call32 >/dev/null || skip "no call32: the compiler of the host makes no 32-bit programs"
	modprobe vfio_iommu_type1
	call32
	iommuctl ioctls -j -- call32 >"$BATS_TEST_TMPDIR/calls" 2>/dev/null
	cat "$BATS_TEST_TMPDIR/calls"
	[ "$(jq -c -s '[.[] | select(.call != null) | [.on, .call, .err, .result]]' "$BATS_TEST_TMPDIR/calls")" = \
		'[["container","VFIO_GET_API_VERSION",null,0],["container","VFIO_CHECK_EXTENSION",null,1]]' ]
}

# There the kernel's numbers of processes are others than ours, so BPF programs cannot tell whose call it is; this kernel has seccomp, too.
@test "ioctls in a process namespace: by ptrace, and the same calls" {
	local calls='[.[] | select(.number != null) | [.on, .number, .err]]' fds

	modprobe vfio_iommu_type1
	# an iommufd's calls on a container, which knows none of them
	iommuctl ioctls -j -- pass-fd open /dev/vfio/vfio >"$BATS_TEST_TMPDIR/out" 2>/dev/null || :
	unshare --pid --fork --mount-proc iommuctl ioctls -j -- pass-fd open /dev/vfio/vfio >"$BATS_TEST_TMPDIR/in" 2>/dev/null || :
	[ "$(jq -s "$calls | length" "$BATS_TEST_TMPDIR/out")" -gt 0 ]
	[ "$(jq -c -s "$calls" "$BATS_TEST_TMPDIR/in")" = "$(jq -c -s "$calls" "$BATS_TEST_TMPDIR/out")" ]
	# shellcheck disable=SC2016
	fds='ls -l /proc/$PPID/fd | grep -c bpf-prog'
	[ "$(iommuctl ioctls -- sh -c "$fds" 2>/dev/null)" -ge 2 ]
	[ "$(unshare --pid --fork --mount-proc iommuctl ioctls -- sh -c "$fds" 2>/dev/null || :)" = 0 ]
}
